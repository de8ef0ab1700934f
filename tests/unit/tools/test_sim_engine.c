/* The gateway's SMP engine against the simulator, under one virtual clock: two
 * readings of the protocol by two authors, one row a switch. */
#include "tests/unit/tools/sim_rig.h"

#include "devices/smp/smp.h"

#define MS_NS RIG_MS
#define LIMIT_NS (3600 * RIG_S)

struct bout {
	struct rig rig;
	struct engine *engine;
	struct rig_image image;
	struct engine_image wanted;
	bool up;
	bool over;
	bool never_confirm;
	enum engine_outcome outcome;
	char reason[200];
	int stages[5]; /* how often each was announced */
	uint64_t stage_at[5];
	uint64_t sent_id[16];
	uint64_t sent_at[16];
	unsigned sent_count;
};

static int64_t ms_of(const struct bout *b)
{
	return (int64_t)(b->rig.now / MS_NS);
}

static void give(struct bout *b, const struct engine_event *event)
{
	smp_engine_ops.event(b->engine, ms_of(b), event);
}

static void give_image(
	struct bout *b, uint64_t job, uint64_t offset, size_t len)
{
	struct engine_event e = {.type = ENGINE_IMAGE};

	ck_assert_uint_lt(offset, b->image.len);
	e.image.job = job;
	e.image.offset = offset;
	e.image.data = bytes_slice(
		bytes_of(b->image.at, b->image.len), (size_t)offset, len);
	give(b, &e);
}

static void transmit(struct bout *b, uint64_t id, struct bytes data)
{
	ck_assert(b->up);
	device_rx(&b->rig.d, b->rig.now, data);
	ck_assert_uint_lt(b->sent_count, 16);
	b->sent_id[b->sent_count] = id;
	b->sent_at[b->sent_count++] = device_rx_free_at(&b->rig.d);
}

static void end(struct bout *b, const struct engine_command *c)
{
	const struct engine_failure *f = c->result.failure;

	b->over = true;
	b->outcome = c->result.outcome;
	snprintf(b->reason, sizeof(b->reason), "%s %s %s",
		f ? err_name(f->code) : "", f ? f->step : "",
		f ? f->device_status : "");
}

static void go(struct bout *b, uint64_t job, enum engine_stage stage)
{
	struct engine_event e = {.type = ENGINE_GO};

	b->stages[stage]++;
	b->stage_at[stage] = b->rig.now;
	e.go.job = job;
	e.go.stage = stage;
	if (stage == ENGINE_STAGE_CONFIRM && b->never_confirm)
		return;
	give(b, &e);
}

static bool take_command(struct bout *b)
{
	struct engine_command c;

	if (!smp_engine_ops.next(b->engine, ms_of(b), &c))
		return false;
	switch (c.type) {
	case ENGINE_CMD_TX:
		transmit(b, c.tx.id, c.tx.data);
		break;
	case ENGINE_CMD_NEED_IMAGE:
		give_image(b, c.need_image.job, c.need_image.offset,
			c.need_image.len);
		break;
	case ENGINE_CMD_STAGE:
		go(b, c.stage.job, c.stage.stage);
		break;
	case ENGINE_CMD_RESULT:
		end(b, &c);
		break;
	case ENGINE_CMD_PEER:
	case ENGINE_CMD_WAIT:
	case ENGINE_CMD_LINE:
	case ENGINE_CMD_RECONNECT:
	case ENGINE_CMD_PROGRESS:
	case ENGINE_CMD_FACTS:
		break;
	}
	return true;
}

static void take_sent(struct bout *b)
{
	while (b->sent_count > 0 && b->sent_at[0] <= b->rig.now) {
		struct engine_event e = {.type = ENGINE_SENT};

		e.sent.id = b->sent_id[0];
		e.sent.level = 2;
		e.sent.at_us = (int64_t)(b->rig.now / 1000);
		b->sent_count--;
		memmove(b->sent_id, b->sent_id + 1, sizeof(b->sent_id) - 8);
		memmove(b->sent_at, b->sent_at + 1, sizeof(b->sent_at) - 8);
		give(b, &e);
	}
}

static void take_answers(struct bout *b)
{
	struct bytes out;

	while ((out = device_tx(&b->rig.d, b->rig.now)).len > 0) {
		struct engine_event e = {.type = ENGINE_RX};

		e.rx.data = out;
		e.rx.at_us = (int64_t)(b->rig.now / 1000);
		if (b->up)
			give(b, &e);
		device_tx_done(&b->rig.d);
	}
}

static void follow_plug(struct bout *b)
{
	struct engine_event e = {.type = ENGINE_UP};

	if (b->up == b->rig.d.plugged)
		return;
	b->up = b->rig.d.plugged;
	b->sent_count = 0;
	if (!b->up)
		e.type = ENGINE_DOWN;
	else if (b->rig.d.framing == FRAMING_DATAGRAM)
		e.up.max_payload = b->rig.d.payload;
	give(b, &e);
}

/* To the next thing that happens. */
static void pass_time(struct bout *b)
{
	struct engine_event e = {.type = ENGINE_TIME};
	int64_t deadline = smp_engine_ops.deadline(b->engine);
	uint64_t next = device_deadline(&b->rig.d);

	if (deadline != ENGINE_NEVER && (uint64_t)deadline * MS_NS < next)
		next = (uint64_t)deadline * MS_NS;
	if (b->sent_count > 0 && b->sent_at[0] < next)
		next = b->sent_at[0];
	ck_assert_msg(next < LIMIT_NS, "nothing ends it");
	if (next > b->rig.now)
		b->rig.now = next;
	device_advance(&b->rig.d, b->rig.now);
	follow_plug(b);
	take_sent(b);
	take_answers(b);
	deadline = smp_engine_ops.deadline(b->engine);
	if (deadline <= ms_of(b))
		give(b, &e);
}

/* Device with `switches` (split at blanks), image of version 2.0.0. */
static void bout_open(struct bout *b, const char *switches, const char *options)
{
	struct fault fault = {0};
	char copy[200], *save = NULL;

	memset(b, 0, sizeof(*b));
	rig_prepare(&b->rig);
	b->rig.setup.framing = FRAMING_CONSOLE;
	b->rig.setup.think_us = 2000;
	b->rig.setup.slot_size = 64 << 10;
	ck_assert_uint_lt(strlen(switches), sizeof(copy));
	strcpy(copy, switches);
	for (char *s = strtok_r(copy, " ", &save); s;
		s = strtok_r(NULL, " ", &save))
		if (strcmp(s, "datagram") == 0)
			b->rig.setup.framing = FRAMING_DATAGRAM;
		else if (strncmp(s, "baud=", 5) == 0)
			b->rig.setup.baud = (uint32_t)atoi(s + 5);
		else if (strncmp(s, "payload=", 8) == 0)
			b->rig.setup.payload = (uint32_t)atoi(s + 8);
		else if (strncmp(s, "version=", 8) == 0)
			b->rig.setup.image.version.major = (uint8_t)atoi(s + 8);
		else
			rig_switch(&b->rig, s);
	rig_open(&b->rig);
	ck_assert_msg(smp_engine_ops.create(options, &b->engine, &fault) == 0,
		"%s: %s %s", options, fault.field, fault.rule);
	rig_make(&b->image, &(struct mkimage){.version = {2, 0, 0, 0},
				    .payload_len = 30000,
				    .seed = 2});
}

static void bout_run(struct bout *b, int reached)
{
	struct engine_event e = {.type = ENGINE_OFFER};

	b->wanted = (struct engine_image){.len = b->image.len, .hash_len = 32};
	memcpy(b->wanted.sha256, b->image.sha, 32);
	memcpy(b->wanted.hash, b->image.hash, 32);
	strcpy(b->wanted.version, "2.0.0");
	follow_plug(b);
	e.offer.job = 7;
	e.offer.goal = ENGINE_GOAL_UPDATE;
	e.offer.image = &b->wanted;
	e.offer.reached = reached;
	b->over = false;
	give(b, &e);
	while (!b->over) {
		while (take_command(b))
			;
		if (!b->over)
			pass_time(b);
	}
}

static void bout_done(struct bout *b)
{
	smp_engine_ops.destroy(b->engine);
	rig_done(&b->rig);
}

static bool runs_wanted(const struct bout *b)
{
	const struct mcu *m = &b->rig.d.mcu;
	struct image running;

	return image_read(&m->flash, m->active[0], &running) == 0 &&
	       memcmp(running.hash, b->image.hash, 32) == 0 &&
	       !mcu_runs_unconfirmed(m, 0);
}

enum { BOOTS_ANY = 99 };

static const struct {
	const char *switches;
	const char *options;
	enum engine_outcome outcome;
	unsigned boots;	       /* starts in all; one reset is two */
	unsigned repeated_max; /* bytes sent twice */
} rows[] = {
	{"resume", "", ENGINE_DONE, 2, 0},
	{"baud=115200", "", ENGINE_DONE, 2, 0},
	{"v1-only", "", ENGINE_DONE, 2, 0},
	{"v2-ret", "", ENGINE_DONE, 2, 0},
	{"no-v1", "", ENGINE_DONE, 2, 0},
	{"cbor", "", ENGINE_DONE, 2, 0},
	{"no-params", "", ENGINE_DONE, 2, 0},
	{"tiny-buffer=256", "", ENGINE_DONE, 2, 0},
	{"tiny-buffer=128", "", ENGINE_DONE, 2, 0},
	{"slow-erase=40s", "", ENGINE_DONE, 2, 0},
	{"busy=3", "", ENGINE_DONE, 2, 62000},
	{"loss=7", "", ENGINE_DONE, 2, 30000},
	{"loss=9 baud=115200", "", ENGINE_DONE, 2, 30000},
	{"late=5s/10", "", ENGINE_DONE, 2, 30000},
	{"wrong-seq", "", ENGINE_DONE, 2, 0},
	{"window-limit=2", "", ENGINE_DONE, 2, 10000},
	{"rewind=5", "", ENGINE_DONE, 2, 30000},
	{"restart=5", "", ENGINE_DONE, 2, 31000},
	{"finished=match", "", ENGINE_DONE, 2, 0},
	{"match", "", ENGINE_DONE, 2, 0},
	{"match-false=1:1", "", ENGINE_DONE, 2, 31000},
	{"match-false", "", ENGINE_FAILED, 1, 62000},
	{"foreign-upload=3:0", "", ENGINE_FAILED, 1, BOOTS_ANY * 31000},
	{"image-errors=upload.30", "", ENGINE_FAILED, 1, 0},
	{"image-errors=upload.12", "", ENGINE_DONE, 2, 2000},
	{"image-errors=state.32 v1-only", "", ENGINE_FAILED, BOOTS_ANY, 0},
	{"no-free-slot", "", ENGINE_FAILED, 1, 0},
	{"no-free-slot", "confirm_running=yes", ENGINE_DONE, 2, 2000},
	{"version=5", "upgrade_only=yes", ENGINE_FAILED, 1, 0},
	{"version=5", "", ENGINE_DONE, 2, 0},
	{"downgrade version=5", "", ENGINE_FAILED, 1, 0},
	{"test-confirm=30s", "", ENGINE_DONE, 2, 0},
	{"revert", "", ENGINE_FAILED, 3, 0},
	{"no-revert", "", ENGINE_DONE, 2, 0},
	{"direct-xip", "", ENGINE_DONE, 2, 0},
	{"bad-image", "", ENGINE_FAILED, 2, 0},
	{"frugal", "", ENGINE_DONE, 2, 0},
	{"frugal cbor=unknown+rc0", "", ENGINE_DONE, 2, 0},
	{"two-images", "image=0", ENGINE_DONE, 2, 0},
	{"reset-refused", "", ENGINE_FAILED, 1, 0},
	{"reset-refused", "force_reset=yes", ENGINE_DONE, 2, 0},
	{"reset-silent", "", ENGINE_DONE, 2, 0},
	{"noise", "", ENGINE_DONE, 2, 0},
	{"noise=2 short-line", "", ENGINE_DONE, 2, 0},
	{"line-limits", "", ENGINE_DONE, 2, 0},
	{"line-limits=10ms", "line_pause_ms=20", ENGINE_DONE, 2, 0},
	{"crc-flip=11", "", ENGINE_DONE, 2, 30000},
	{"short-line", "", ENGINE_DONE, 2, 0},
	{"raw-uart", "framing=raw", ENGINE_DONE, 2, 0},
	{"raw-uart baud=115200", "framing=raw", ENGINE_DONE, 2, 0},
	{"hot-unplug=5", "", ENGINE_DONE, 2, 4000},
	{"no-echo no-slot-info no-bootloader-info", "", ENGINE_DONE, 2, 0},
	{"recovery", "", ENGINE_DONE, BOOTS_ANY, 200},
	{"recovery=32", "server=recovery", ENGINE_DONE, BOOTS_ANY, 2000},
	{"no-state", "", ENGINE_UNVERIFIED, BOOTS_ANY, 0},
	{"datagram payload=244", "", ENGINE_DONE, 2, 0},
	{"datagram payload=244 ble-no-reassembly", "", ENGINE_DONE, 2, 0},
	{"resume", "activate=permanent", ENGINE_DONE, 2, 0},
};

START_TEST(update_by_switch)
{
	const char *switches = rows[_i].switches;
	const struct mcu_counts *counts;
	bool should_run = rows[_i].outcome == ENGINE_DONE;
	struct bout b;

	bout_open(&b, switches, rows[_i].options);
	counts = &b.rig.d.mcu.counts;
	bout_run(&b, ENGINE_STAGE_NONE);
	ck_assert_msg(b.outcome == rows[_i].outcome, "%s %s: %s (%s)",
		rows[_i].switches, rows[_i].options,
		engine_outcome_name(b.outcome), b.reason);
	ck_assert_msg(runs_wanted(&b) == should_run, "%s: what runs",
		rows[_i].switches);
	ck_assert_msg(
		rows[_i].boots == BOOTS_ANY || counts->boots == rows[_i].boots,
		"%s: %u boots", rows[_i].switches, (unsigned)counts->boots);
	ck_assert_msg(counts->payload_repeated <= rows[_i].repeated_max,
		"%s: %u bytes twice", rows[_i].switches,
		(unsigned)counts->payload_repeated);
	bout_done(&b);
}
END_TEST

/* Both slots hold our image already: nothing is written, nothing restarted. */
START_TEST(update_same_hash_is_done)
{
	struct bout b;

	bout_open(&b, "resume", "");
	rig_make(&b.image, &b.rig.setup.image);
	rig_set(&b.rig, "same-hash");
	bout_run(&b, ENGINE_STAGE_NONE);
	ck_assert_int_eq(b.outcome, ENGINE_DONE);
	ck_assert_uint_eq(b.rig.d.mcu.counts.boots, 1);
	ck_assert_uint_eq(b.rig.d.mcu.counts.payload_received, 0);
	bout_done(&b);
}
END_TEST

/* The device resets itself before the confirm comes: our image was refused, and
 * it is not tried again. */
START_TEST(update_self_revert_is_failed)
{
	struct bout b;

	bout_open(&b, "self-revert=4s", "");
	b.never_confirm = true;
	bout_run(&b, ENGINE_STAGE_NONE);
	ck_assert_msg(b.outcome == ENGINE_FAILED, "%s (%s)",
		engine_outcome_name(b.outcome), b.reason);
	ck_assert_uint_eq(b.rig.d.mcu.counts.boots, 3);
	bout_done(&b);
}
END_TEST

/* The gateway dies at some point of the upload and starts again with another
 * engine: it asks, goes on at the device's offset, resets once. */
START_TEST(update_goes_on_after_restart_of_gateway)
{
	struct engine_event e = {.type = ENGINE_OFFER};
	struct bout b;

	bout_open(&b, "resume", "");
	b.wanted = (struct engine_image){.len = b.image.len, .hash_len = 32};
	memcpy(b.wanted.sha256, b.image.sha, 32);
	memcpy(b.wanted.hash, b.image.hash, 32);
	strcpy(b.wanted.version, "2.0.0");
	follow_plug(&b);
	e.offer.job = 7;
	e.offer.goal = ENGINE_GOAL_UPDATE;
	e.offer.image = &b.wanted;
	e.offer.reached = ENGINE_STAGE_NONE;
	give(&b, &e);
	for (int i = 0; i < 5 * _i && !b.over; i++) {
		while (take_command(&b))
			;
		if (!b.over)
			pass_time(&b);
	}
	smp_engine_ops.destroy(b.engine);
	b.sent_count = 0;
	b.up = false;
	ck_assert_int_eq(smp_engine_ops.create("", &b.engine, NULL), 0);
	bout_run(&b, b.stages[ENGINE_STAGE_CONFIRM]    ? ENGINE_STAGE_CONFIRM
		     : b.stages[ENGINE_STAGE_RESTART]  ? ENGINE_STAGE_RESTART
		     : b.stages[ENGINE_STAGE_TRANSFER] ? ENGINE_STAGE_TRANSFER
						       : ENGINE_STAGE_NONE);
	ck_assert_msg(b.outcome == ENGINE_DONE, "step %d: %s (%s)", 5 * _i,
		engine_outcome_name(b.outcome), b.reason);
	ck_assert(runs_wanted(&b));
	ck_assert_msg(b.rig.d.mcu.counts.boots == 2, "step %d: %u boots",
		5 * _i, (unsigned)b.rig.d.mcu.counts.boots);
	ck_assert_msg(b.rig.d.mcu.counts.payload_repeated <= 4096,
		"step %d: %u bytes twice", 5 * _i,
		(unsigned)b.rig.d.mcu.counts.payload_repeated);
	bout_done(&b);
}
END_TEST

/* The payload rate at 115,200 baud, first and last request included, is at
 * least 95 % of what full requests in that framing allow. */
START_TEST(upload_fills_the_line)
{
	static const struct {
		const char *switches;
		const char *options;
		unsigned payload, wire; /* of a full request */
	} framings[] = {
		/* 1020 bytes of message in 11 lines; 26 of them overhead */
		{"baud=115200", "", 986, 1404},
		{"baud=115200 raw-uart", "framing=raw", 990, 1024},
	};
	uint64_t took, allowed;
	struct bout b;

	bout_open(&b, framings[_i].switches, framings[_i].options);
	bout_run(&b, ENGINE_STAGE_NONE);
	ck_assert_int_eq(b.outcome, ENGINE_DONE);
	took = b.stage_at[ENGINE_STAGE_STAGED] -
	       b.stage_at[ENGINE_STAGE_TRANSFER];
	allowed =
		11520 * took / RIG_S * framings[_i].payload / framings[_i].wire;
	ck_assert_msg(b.image.len * 100 >= allowed * 95,
		"%zu of %u bytes in %u ms", b.image.len, (unsigned)allowed,
		(unsigned)(took / MS_NS));
	bout_done(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_engine");
	TCase *c = tcase_create("engine");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(
		c, update_by_switch, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(c, update_same_hash_is_done);
	tcase_add_test(c, update_self_revert_is_failed);
	tcase_add_loop_test(c, update_goes_on_after_restart_of_gateway, 0, 40);
	tcase_add_loop_test(c, upload_fills_the_line, 0, 2);
	suite_add_tcase(s, c);
	return unit_run(s);
}

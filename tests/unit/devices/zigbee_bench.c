#include "tests/unit/devices/zigbee_bench.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ferry/transport.h"
#include "tests/unit/devices/zigbee_bench_devices.h"

#define NEVER ENGINE_NEVER

static const struct engine_ops *ops(void)
{
	return &zigbee_ota_engine_ops;
}

/* ---- set up ---- */

static void write_header(uint8_t *at, size_t len)
{
	memset(at, 0, OTA_FILE_HEADER_MIN);
	put_le32(at, OTA_FILE_MAGIC);
	put_le16(at + 4, 0x0100);
	put_le16(at + 6, OTA_FILE_HEADER_MIN);
	put_le16(at + 10, BENCH_MANUFACTURER);
	put_le16(at + 12, BENCH_TYPE);
	put_le32(at + 14, BENCH_NEW);
	put_le16(at + 18, 2);
	put_le32(at + 52, (uint32_t)len);
}

static void make_image(struct bench *b, size_t len)
{
	uint32_t v = 1;

	for (size_t i = 0; i < len; i++) {
		v = v * 1664525 + 1013904223;
		b->image[i] = (uint8_t)(v >> 24);
	}
	write_header(b->image, len);
	b->image_len = len;
	b->want = (struct engine_image){.len = len, .version = "0x0a0b0c0d"};
}

void bench_contain(struct bench *b, size_t before, size_t behind)
{
	ck_assert_uint_le(before + b->image_len + behind, sizeof(b->image));
	memmove(b->image + before, b->image, b->image_len);
	memset(b->image, 0x5a, before);
	memset(b->image + before + b->image_len, 0xa5, behind);
	b->image_at = before;
	b->image_len += before + behind;
	b->want.len = b->image_len;
}

void bench_hardware(struct bench *b, uint16_t low, uint16_t high)
{
	put_le16(b->image + 6, OTA_FILE_HEADER_MIN + 4);
	put_le16(b->image + 8, 4);
	put_le16(b->image + OTA_FILE_HEADER_MIN, low);
	put_le16(b->image + OTA_FILE_HEADER_MIN + 2, high);
}

static void make_device(struct bench *b, unsigned n)
{
	struct device *d = &b->devices[n];

	snprintf(d->key, sizeof(d->key), "00124b00%08x", n + 1);
	d->manufacturer = BENCH_MANUFACTURER;
	d->type = BENCH_TYPE;
	d->version = BENCH_OLD;
	d->max_data = 63;
	d->restart_ms = 4000;
	d->think_ms = 10;
	d->due_ms = NEVER;
	d->shortest = SIZE_MAX;
}

void bench_event(struct bench *b, const struct engine_event *e)
{
	ops()->event(b->engine, b->now_ms, e);
}

void bench_peer(struct bench *b, unsigned device, bool joined)
{
	const struct device *d = &b->devices[device];
	struct engine_event e = {.type = ENGINE_PEER, .peer = {
		.key = d->key, .sleepy = d->sleepy, .joined = joined}};

	bench_event(b, &e);
}

void bench_quirks(struct bench *b, const char *source, const char *rows)
{
	struct engine_event e = {.type = ENGINE_QUIRKS, .quirks = {
		.source = source, .rows = bytes_of_text(rows)}};

	bench_event(b, &e);
}

void bench_link(struct bench *b, bool up)
{
	struct engine_event e = {.type = up ? ENGINE_UP : ENGINE_DOWN,
		.up.max_payload = up ? 82 : 0};

	b->down = !up;
	if (!up) {
		memset(b->reports, 0, sizeof(b->reports));
		b->wire_count = 0;
	}
	bench_event(b, &e);
}

static void greet(struct bench *b)
{
	struct engine_event group = {.type = ENGINE_PEER, .peer = {
		.key = "all-awake", .group = true}};

	bench_link(b, true);
	bench_event(b, &group);
	for (unsigned i = 0; i < b->count; i++)
		bench_peer(b, i, false);
}

void bench_init(struct bench *b, unsigned count, size_t len,
	const char *options)
{
	struct fault f = {0};

	ck_assert_uint_le(len, BENCH_IMAGE_MAX);
	b->count = count;
	b->limit_ms = 24 * 3600 * 1000;
	b->go_at = b->stop_at = b->withdraw_at = -1;
	b->reply_len = 12;
	b->now_ms = 1000;
	make_image(b, len);
	for (unsigned i = 0; i < BENCH_DEVICES; i++)
		make_device(b, i);
	ck_assert_msg(ops()->create(options, &b->engine, &f) == 0, "%s %s",
		f.field, f.rule);
	greet(b);
}

void bench_done(struct bench *b)
{
	ops()->destroy(b->engine);
	b->engine = NULL;
}

void bench_restart(struct bench *b, const char *options)
{
	bench_done(b);
	memset(b->reports, 0, sizeof(b->reports));
	memset(b->needs, 0, sizeof(b->needs));
	b->wire_count = 0;
	b->job_count = b->over_count = 0;
	memset(b->jobs, 0, sizeof(b->jobs));
	ck_assert_int_eq(ops()->create(options, &b->engine, NULL), 0);
	greet(b);
}

struct bench_job *bench_job(struct bench *b, unsigned device)
{
	for (unsigned i = b->job_count; i > 0; i--)
		if (b->jobs[i - 1].device == device)
			return &b->jobs[i - 1];
	ck_abort_msg("device %u has no job", device);
	return NULL;
}

static struct bench_job *job_of(struct bench *b, uint64_t job)
{
	for (unsigned i = 0; i < b->job_count; i++)
		if (b->jobs[i].job == job)
			return &b->jobs[i];
	ck_abort_msg("nobody knows job %llu", (unsigned long long)job);
	return NULL;
}

void bench_offer_as(struct bench *b, unsigned device, enum engine_goal goal,
	int reached, const char *options, bool allow_downgrade)
{
	struct engine_event e = {.type = ENGINE_OFFER, .offer = {
		.job = 100 + device, .goal = goal, .reached = reached,
		.failed = b->failed,
		.image = goal == ENGINE_GOAL_UPDATE ? &b->want : NULL,
		.peer = b->devices[device].key, .options = options,
		.allow_downgrade = allow_downgrade}};
	struct bench_job *j;
	unsigned n = 0;

	while (n < b->job_count && b->jobs[n].job != 100 + device)
		n++;
	ck_assert_uint_lt(n, BENCH_DEVICES);
	j = &b->jobs[n];
	if (n == b->job_count)
		b->job_count++;
	else
		b->over_count -= j->over;
	*j = (struct bench_job){.job = 100 + device, .device = device,
		.pending = -1};
	bench_event(b, &e);
}

void bench_offer(struct bench *b, unsigned device)
{
	bench_offer_as(b, device, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE, NULL,
		false);
}

bool bench_has_image(const struct bench *b, unsigned device)
{
	const struct device *d = &b->devices[device];

	return !d->bad && d->size && !memcmp(d->got, b->image + b->image_at,
		d->size);
}

/* ---- between devices and engine ---- */

void bench_post(struct bench *b, unsigned device, unsigned channel,
	const uint8_t *data, size_t len, int64_t delay_ms)
{
	struct bench_frame *f = &b->wire[b->wire_count];

	if (b->down)
		return;
	ck_assert_uint_lt(b->wire_count, BENCH_PARCELS);
	ck_assert_uint_le(len, sizeof(f->data));
	b->wire_count++;
	*f = (struct bench_frame){.at_ms = b->now_ms + delay_ms,
		.device = device, .channel = channel, .len = len};
	memcpy(f->data, data, len);
}

void bench_rx(struct bench *b, unsigned device, unsigned channel,
	const uint8_t *data, size_t len)
{
	uint8_t reply[12] = {(uint8_t)device, (uint8_t)(device >> 8)};
	uint8_t *copy = malloc(len ? len : 1);
	struct engine_event e = {.type = ENGINE_RX, .rx = {
		.peer = bytes_of_text(b->devices[device].key),
		.channel = channel, .reply = bytes_of(reply, b->reply_len),
		.data = bytes_of(copy, len)}};

	memcpy(copy, data, len);
	bench_event(b, &e);
	free(copy);
}

void bench_rx_hex(struct bench *b, unsigned device, unsigned channel,
	const char *hex)
{
	uint8_t data[128];
	size_t len = strlen(hex) / 2;

	ck_assert_int_eq(bytes_from_hex(hex, data, len), 0);
	bench_rx(b, device, channel, data, len);
}

/* ---- the host ---- */

static unsigned device_of(const struct bench *b, struct bytes key)
{
	for (unsigned i = 0; i < BENCH_DEVICES; i++)
		if (bytes_is_text(key, b->devices[i].key))
			return i;
	ck_assert_msg(bytes_is_text(key, "all-awake"), "unknown receiver");
	return BENCH_DEVICES;
}

static void report(struct bench *b, uint64_t id, int status,
	uint32_t airtime_us)
{
	struct engine_event e = {.type = ENGINE_SENT, .sent = {.id = id,
		.status = status, .airtime_us = airtime_us,
		.retry_after_ms = status ? b->retry_after_ms : 0}};

	if (!b->sent_ms) {
		bench_event(b, &e);
		return;
	}
	for (unsigned i = 0; i < 64; i++) {
		if (b->reports[i].id)
			continue;
		b->reports[i].at_ms = b->now_ms + b->sent_ms;
		b->reports[i].id = id;
		b->reports[i].status = status;
		b->reports[i].airtime_us = airtime_us;
		return;
	}
	ck_abort_msg("too many sends under way");
}

static void account(struct bench *b, uint32_t us)
{
	ck_assert_uint_gt(us, 0);
	b->airtime_us += us;
	b->spent_us += us;
	if (b->spent_us > b->most_us)
		b->most_us = b->spent_us;
	if (b->budget_us)
		ck_assert_uint_le(b->spent_us, b->budget_us);
}

static void take_tx(struct bench *b, const struct engine_command *c)
{
	unsigned n = device_of(b, c->tx.peer);
	struct bench_frame *f = &b->log[b->sends % BENCH_LOG];
	int status = 0;

	ck_assert_uint_le(c->tx.data.len, 82);
	ck_assert_uint_ne(c->tx.id, 0);
	*f = (struct bench_frame){.at_ms = b->now_ms, .device = n,
		.channel = c->tx.channel, .until = c->tx.until,
		.has_reply = c->tx.reply.len != 0,
		.airtime_us = c->tx.airtime_us, .len = c->tx.data.len};
	memcpy(f->data, c->tx.data.at, c->tx.data.len);
	if (f->has_reply)
		ck_assert_uint_eq(c->tx.reply.at[0] | c->tx.reply.at[1] << 8,
			n);
	b->sends++;
	account(b, c->tx.airtime_us);
	if ((b->fail_nth && b->sends % b->fail_nth == 0) || (b->fail_count &&
			b->sends >= b->fail_from && b->fail_count--))
		status = b->fail_status ? b->fail_status : FERRY_NOT_DELIVERED;
	if (!status && n == BENCH_DEVICES)
		bench_devices_hear(b, bytes_of(f->data, f->len));
	else if (!status)
		bench_device_hears(b, n, c->tx.channel,
			bytes_of(f->data, f->len));
	report(b, c->tx.id, status, c->tx.airtime_us);
}

static void give(struct bench *b, uint64_t job, uint64_t offset, size_t len)
{
	struct engine_event e = {.type = ENGINE_IMAGE, .image = {.job = job,
		.offset = offset, .status = b->image_status}};
	uint8_t *copy;

	ck_assert_uint_le(offset + len, b->image_len);
	if (b->image_part && len > b->image_part)
		len = b->image_part;
	copy = malloc(len);
	memcpy(copy, b->image + offset, len);
	e.image.data = bytes_of(copy, len);
	bench_event(b, &e);
	free(copy);
}

static void take_need(struct bench *b, const struct engine_command *c)
{
	ck_assert_uint_gt(c->need_image.len, 0);
	if (!b->image_ms) {
		give(b, c->need_image.job, c->need_image.offset,
			c->need_image.len);
		return;
	}
	for (unsigned i = 0; i < 64; i++) {
		if (b->needs[i].len)
			continue;
		b->needs[i].at_ms = b->now_ms + b->image_ms;
		b->needs[i].job = c->need_image.job;
		b->needs[i].offset = c->need_image.offset;
		b->needs[i].len = c->need_image.len;
		return;
	}
	ck_abort_msg("too many needs");
}

static void give_go(struct bench *b, struct bench_job *j)
{
	struct engine_event e = {.type = ENGINE_GO, .go = {.job = j->job,
		.stage = (enum engine_stage)j->pending}};

	j->pending = -1;
	bench_event(b, &e);
}

static void take_stage(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j = job_of(b, c->stage.job);
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = j->job};

	ck_assert_msg(!(j->stages & 1u << c->stage.stage),
		"stage %d announced twice", (int)c->stage.stage);
	j->stages |= 1u << c->stage.stage;
	if ((int)c->stage.stage == b->withdraw_at) {
		bench_event(b, &e);
		return;
	}
	if ((int)c->stage.stage == b->stop_at)
		return;
	j->pending = (int)c->stage.stage;
	j->go_ms = b->now_ms + ((int)c->stage.stage == b->go_at ? b->go_ms :
		0);
	if (j->go_ms == b->now_ms)
		give_go(b, j);
}

static void take_result(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j = job_of(b, c->result.job);

	ck_assert_msg(!j->over, "a second result");
	j->over = true;
	j->over_ms = b->now_ms;
	j->outcome = c->result.outcome;
	j->facts = *c->result.facts;
	if (c->result.failure)
		j->failure = *c->result.failure;
	b->over_count++;
}

static void take_peer(struct bench *b, const struct engine_command *c)
{
	size_t len = 0;

	ck_assert_uint_le(c->peer.attribute_count, ENGINE_PEER_ATTRIBUTES);
	b->peer_tells++;
	b->attributes[0] = '\0';
	for (size_t i = 0; i < c->peer.attribute_count; i++)
		len += (size_t)snprintf(b->attributes + len,
			sizeof(b->attributes) - len, "%s=%s ",
			c->peer.attributes[i].name,
			c->peer.attributes[i].value);
}

static void take_progress(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j = job_of(b, c->progress.job);

	ck_assert_uint_le(c->progress.offset, c->progress.total);
	j->progress = c->progress.offset;
	j->total = c->progress.total;
	j->progresses++;
}

static void command(struct bench *b, const struct engine_command *c)
{
	struct bench_job *j;

	switch (c->type) {
	case ENGINE_CMD_TX:
		take_tx(b, c);
		return;
	case ENGINE_CMD_NEED_IMAGE:
		take_need(b, c);
		return;
	case ENGINE_CMD_PROGRESS:
		take_progress(b, c);
		return;
	case ENGINE_CMD_FACTS:
		b->facts_tells++;
		memcpy(b->facts_version, c->facts.facts->version,
			sizeof(b->facts_version));
		ck_assert_ptr_nonnull(c->facts.peer);
		return;
	case ENGINE_CMD_STAGE:
		take_stage(b, c);
		return;
	case ENGINE_CMD_RESULT:
		take_result(b, c);
		return;
	case ENGINE_CMD_PEER:
		take_peer(b, c);
		return;
	case ENGINE_CMD_WAIT:
		j = job_of(b, c->wait.job);
		j->wait = c->wait.wait;
		j->waits |= 1u << c->wait.wait;
		return;
	case ENGINE_CMD_LINE:
	case ENGINE_CMD_RECONNECT:
		break;
	}
	ck_abort_msg("unexpected command %d", (int)c->type);
}

static void drain(struct bench *b)
{
	struct engine_command c;
	struct zigbee_ota_counts counts;
	unsigned n = 0;

	while (ops()->next(b->engine, b->now_ms, &c)) {
		command(b, &c);
		ck_assert_msg(++n < 20000, "commands without end");
	}
	zigbee_ota_counts(b->engine, &counts);
	if (counts.downloads > b->most_places)
		b->most_places = (unsigned)counts.downloads;
}

/* ---- time ---- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_time(const struct bench *b)
{
	int64_t at = ops()->deadline(b->engine);

	ck_assert_msg(at > b->now_ms, "deadline %lld is not after %lld",
		(long long)at, (long long)b->now_ms);
	for (unsigned i = 0; i < b->count; i++)
		at = sooner(at, b->devices[i].due_ms);
	for (unsigned i = 0; i < b->wire_count; i++)
		at = sooner(at, b->wire[i].at_ms);
	for (unsigned i = 0; i < b->job_count; i++)
		if (b->jobs[i].pending >= 0)
			at = sooner(at, b->jobs[i].go_ms);
	for (unsigned i = 0; i < 64; i++) {
		if (b->reports[i].id)
			at = sooner(at, b->reports[i].at_ms);
		if (b->needs[i].len)
			at = sooner(at, b->needs[i].at_ms);
	}
	if (b->budget_us)
		at = sooner(at, b->second_ms + 1000);
	return at > b->now_ms ? at : b->now_ms;
}

static void deliver_wire(struct bench *b)
{
	unsigned i = 0;

	while (i < b->wire_count) {
		struct bench_frame f = b->wire[i];

		if (f.at_ms > b->now_ms) {
			i++;
			continue;
		}
		memmove(b->wire + i, b->wire + i + 1,
			(b->wire_count - i - 1) * sizeof(f));
		b->wire_count--;
		if (!b->down)
			bench_rx(b, f.device, f.channel, f.data, f.len);
		drain(b);
	}
}

static void deliver_host(struct bench *b)
{
	for (unsigned i = 0; i < 64; i++) {
		struct engine_event e = {.type = ENGINE_SENT, .sent = {
			.id = b->reports[i].id,
			.status = b->reports[i].status,
			.airtime_us = b->reports[i].airtime_us}};

		if (e.sent.id && b->reports[i].at_ms <= b->now_ms) {
			b->reports[i].id = 0;
			bench_event(b, &e);
		}
		if (b->needs[i].len && b->needs[i].at_ms <= b->now_ms) {
			size_t len = b->needs[i].len;

			b->needs[i].len = 0;
			give(b, b->needs[i].job, b->needs[i].offset, len);
		}
	}
	for (unsigned i = 0; i < b->job_count; i++)
		if (b->jobs[i].pending >= 0 && b->jobs[i].go_ms <= b->now_ms)
			give_go(b, &b->jobs[i]);
}

static void refill(struct bench *b)
{
	struct engine_event e = {.type = ENGINE_BUDGET, .budget = {
		.airtime_us = b->budget_us}};

	if (!b->budget_us || b->now_ms < b->second_ms + 1000)
		return;
	b->second_ms = b->now_ms;
	b->spent_us = 0;
	bench_event(b, &e);
}

static void step(struct bench *b)
{
	struct engine_event time = {.type = ENGINE_TIME};

	refill(b);
	drain(b);
	deliver_wire(b);
	deliver_host(b);
	drain(b);
	for (unsigned i = 0; i < b->count; i++) {
		if (b->devices[i].due_ms > b->now_ms)
			continue;
		if (b->devices[i].silent)
			b->devices[i].due_ms = NEVER;
		else
			bench_device_time(b, i);
	}
	bench_event(b, &time);
	drain(b);
}

void bench_run_until(struct bench *b, int64_t until_ms)
{
	unsigned idle = 0;

	step(b);
	while (b->now_ms < until_ms) {
		int64_t at = sooner(next_time(b), until_ms);

		ck_assert_msg(at > b->now_ms || ++idle < 1000000,
			"stands still");
		b->now_ms = at;
		step(b);
	}
}

void bench_run(struct bench *b)
{
	int64_t at = 0;

	step(b);
	while (b->over_count < b->job_count && b->now_ms < b->limit_ms) {
		at = next_time(b);
		if (at == NEVER)
			return;
		b->now_ms = at;
		step(b);
	}
}

const struct bench_frame *bench_log(const struct bench *b, unsigned n)
{
	ck_assert_uint_lt(n, b->sends);
	ck_assert_uint_lt(n, BENCH_LOG);
	return &b->log[(b->sends - 1 - n) % BENCH_LOG];
}

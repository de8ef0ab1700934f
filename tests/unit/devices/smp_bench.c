#include "tests/unit/devices/smp_bench.h"

#include <check.h>
#include <stdlib.h>

#define JOB 7

static void event(struct bench *b, const struct engine_event *e);

void bench_init(struct bench *b, size_t len, const char *options)
{
	const struct engine_ops *ops = engine_find("smp");
	struct fault f = {0};
	uint32_t v = 1;

	ck_assert_msg(ops->create(options, &b->engine, &f) == 0, "%s %s",
		f.field, f.rule);
	for (size_t i = 0; i < len; i++) {
		v = v * 1664525 + 1013904223;
		b->image[i] = (uint8_t)(v >> 24);
	}
	b->want = (struct engine_image){.len = len, .version = "2.0.0",
		.hash_len = 32};
	memcpy(b->want.hash, b->image + 32, 32);
	memset(b->want.sha256, 0x5a, 32);
	peer_init(&b->peer);
	b->peer.image = b->image;
	b->peer.image_len = len;
	b->framing = strstr(options, "framing=raw") ? SMP_RAW : SMP_CONSOLE;
	b->limit_ms = 3600 * 1000;
	b->stop_at = b->withdraw_at = -1;
	b->go_delay_at = ENGINE_STAGE_CONFIRM;
	b->pending_stage = -1;
	b->least_line_gap_ms = INT64_MAX;
	for (size_t i = 0; i < BENCH_WIRE; i++)
		buf_init(&b->wire[i].bytes, 65536);
}

void bench_done(struct bench *b)
{
	engine_find("smp")->destroy(b->engine);
	smp_reader_done(&b->reader);
	for (size_t i = 0; i < BENCH_WIRE; i++)
		buf_done(&b->wire[i].bytes);
}

static void link_up(struct bench *b)
{
	struct engine_event e = {.type = ENGINE_UP,
		.up.max_payload = b->max_payload};

	smp_reader_done(&b->reader);
	smp_reader_init(&b->reader, b->framing);
	event(b, &e);
}

void bench_offer(struct bench *b, enum engine_goal goal, int reached)
{
	struct engine_event e = {.type = ENGINE_OFFER, .offer = {
		.job = JOB, .goal = goal, .reached = reached,
		.return_ms = b->return_ms, .reset_line = b->reset_line,
		.image = goal == ENGINE_GOAL_UPDATE ? &b->want : NULL}};

	struct engine_event down = {.type = ENGINE_DOWN};

	if (b->max_payload)
		b->framing = SMP_DATAGRAM;
	event(b, &down);
	b->is_over = false;
	link_up(b);
	event(b, &e);
}

static void post(struct bench *b, struct bytes message, int64_t at_ms)
{
	for (size_t i = 0; i < BENCH_WIRE; i++) {
		struct buf *to = &b->wire[i].bytes;

		if (to->len)
			continue;
		b->answers++;
		if (b->noise)
			buf_add_text(to, "[00:00:01.000] <inf> app: ok\r\n");
		smp_frame_put(to, b->framing, message);
		if (b->flip_nth && b->answers % b->flip_nth == 0)
			to->at[to->len / 2] ^= 0x01;
		if (b->noise)
			buf_add_text(to, "uart:~$ ");
		b->wire[i].at_ms = at_ms;
		return;
	}
	ck_abort_msg("too many answers under way");
}

/* When a message of `len` wire bytes that starts now has passed. */
static int64_t pass(int64_t *free_us, int64_t from_us, size_t len, unsigned baud)
{
	if (*free_us < from_us)
		*free_us = from_us;
	*free_us += (int64_t)len * 10 * 1000000 / baud;
	return *free_us;
}

static size_t wire_len(const struct bench *b, size_t message)
{
	size_t chars = (message + 4 + 2) / 3 * 4;

	return b->framing == SMP_RAW ? message :
		chars + (message + 4 + 92) / 93 * 3;
}

/* As to_peer(), with the time that line and device need. */
static void to_peer_by_line(struct bench *b, struct bytes message)
{
	int64_t start = b->line_free_us > b->now_ms * 1000 ? b->line_free_us :
		b->now_ms * 1000;
	int64_t us = pass(&b->line_free_us, b->now_ms * 1000,
		wire_len(b, message.len), b->baud);
	struct buf reply;
	int64_t at_ms;

	if (message.at[7] == SMP_IMAGE_UPLOAD && message.at[5] == 1) {
		if (b->first_upload_us == 0)
			b->first_upload_us = start;
		b->upload_wire_us += us - start;
		b->last_upload_us = us;
	}
	if (b->device_free_us < us)
		b->device_free_us = us;
	b->device_free_us += 2000;
	buf_init(&reply, 65536);
	if (peer_take(&b->peer, message, b->device_free_us / 1000, &reply,
				&at_ms))
		post(b, buf_bytes(&reply), (pass(&b->answer_free_us,
			b->device_free_us, wire_len(b, reply.len), b->baud) +
			500) / 1000);
	buf_done(&reply);
}

static void to_peer(struct bench *b, struct bytes message)
{
	struct buf reply;
	int64_t at_ms;

	if (b->baud) {
		to_peer_by_line(b, message);
		return;
	}

	buf_init(&reply, 65536);
	if (peer_take(&b->peer, message, b->now_ms, &reply, &at_ms)) {
		if (b->peer.wrong_seq) {
			reply.at[6] ^= 0x80;
			post(b, buf_bytes(&reply), at_ms);
			reply.at[6] ^= 0x80;
		}
		post(b, buf_bytes(&reply), at_ms);
	}
	buf_done(&reply);
}

static void note_line(struct bench *b, struct bytes data)
{
	size_t line = 0;

	for (size_t i = 0; i < data.len; i++) {
		line++;
		if (data.at[i] != '\n')
			continue;
		b->lines_long += line > 127 || (line - 3) % 4;
		line = 0;
	}
	if (b->sent && b->now_ms - b->last_line_ms < b->least_line_gap_ms)
		b->least_line_gap_ms = b->now_ms - b->last_line_ms;
	b->last_line_ms = b->now_ms;
}

static void sent(struct bench *b, struct bytes data)
{
	struct bytes message;

	if (b->framing == SMP_CONSOLE)
		note_line(b, data);
	if (b->framing == SMP_DATAGRAM) {
		ck_assert_uint_le(data.len, b->max_payload);
		if (b->split_lost && (data.len < 8 ||
					get_be16(data.at + 2) + 8U != data.len))
			return;
	}
	b->sent++;
	while (smp_reader_take(&b->reader, &data, &message))
		to_peer(b, message);
}

static void give_image(struct bench *b, uint64_t off, size_t len)
{
	struct engine_event e = {.type = ENGINE_IMAGE, .image = {
		.job = JOB, .offset = off, .status = b->image_status}};

	ck_assert_uint_le(off + len, b->want.len);
	ck_assert_uint_gt(len, 0);
	if (b->image_part && len > b->image_part)
		len = b->image_part;
	b->needs++;
	e.image.data = bytes_of(b->image + off, len);
	event(b, &e);
}

static void give_go(struct bench *b, enum engine_stage stage)
{
	struct engine_event e = {.type = ENGINE_GO, .go = {
		.job = JOB, .stage = stage, .skip = b->skip_confirm}};

	b->pending_stage = -1;
	event(b, &e);
}

static void stage(struct bench *b, enum engine_stage stage)
{
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = JOB};

	b->stages |= 1U << stage;
	b->stage_count[stage]++;
	if ((int)stage == b->withdraw_at) {
		event(b, &e);
	} else if ((int)stage == b->stop_at) {
		return;
	} else if ((int)stage == b->go_delay_at && b->go_delay_ms) {
		b->pending_stage = (int)stage;
		b->go_ms = b->now_ms + b->go_delay_ms;
	} else {
		give_go(b, stage);
	}
}

static void command(struct bench *b, const struct engine_command *c)
{
	struct engine_event report = {.type = ENGINE_SENT};

	switch (c->type) {
	case ENGINE_CMD_TX:
		report.sent.id = c->tx.id;
		if (b->fail_nth && ++b->sends % b->fail_nth == 0)
			report.sent.status = -105;
		else
			sent(b, c->tx.data);
		event(b, &report);
		return;
	case ENGINE_CMD_NEED_IMAGE:
		give_image(b, c->need_image.offset, c->need_image.len);
		return;
	case ENGINE_CMD_RECONNECT:
		b->reconnects++;
		return;
	case ENGINE_CMD_PROGRESS:
		b->progress = c->progress.offset;
		return;
	case ENGINE_CMD_FACTS:
		b->facts = *c->facts.facts;
		return;
	case ENGINE_CMD_STAGE:
		stage(b, c->stage.stage);
		return;
	case ENGINE_CMD_RESULT:
		b->is_over = true;
		b->outcome = c->result.outcome;
		b->facts = *c->result.facts;
		if (c->result.failure)
			b->failure = *c->result.failure;
		return;
	case ENGINE_CMD_PEER:
	case ENGINE_CMD_WAIT:
	case ENGINE_CMD_LINE:
		ck_assert_str_eq(c->line.text, b->reset_line);
		b->line_resets++;
		peer_restart(&b->peer, b->now_ms);
		return;
	}
	ck_abort_msg("unexpected command %d", (int)c->type);
}

static void event(struct bench *b, const struct engine_event *e)
{
	engine_find("smp")->event(b->engine, b->now_ms, e);
}

static void drain(struct bench *b)
{
	struct engine_command c;
	unsigned n = 0;

	while (engine_find("smp")->next(b->engine, b->now_ms, &c)) {
		command(b, &c);
		ck_assert_msg(++n < 1000, "commands without end");
	}
}

static void cut_link(struct bench *b)
{
	struct engine_event e = {.type = ENGINE_DOWN};

	if (!b->down_after_uploads || b->went_down ||
			b->peer.uploads < b->down_after_uploads)
		return;
	b->went_down = true;
	b->up_ms = b->now_ms + b->down_for_ms;
	for (size_t i = 0; i < BENCH_WIRE; i++)
		buf_reset(&b->wire[i].bytes);
	event(b, &e);
}

static int64_t next_time(struct bench *b)
{
	int64_t at = engine_find("smp")->deadline(b->engine);

	ck_assert_msg(at > b->now_ms, "deadline %lld is not after %lld",
		(long long)at, (long long)b->now_ms);
	for (size_t i = 0; i < BENCH_WIRE; i++)
		if (b->wire[i].bytes.len && b->wire[i].at_ms < at)
			at = b->wire[i].at_ms;
	if (b->went_down && b->up_ms && b->up_ms < at)
		at = b->up_ms;
	if (b->pending_stage >= 0 && b->go_ms < at)
		at = b->go_ms;
	return at < b->now_ms ? b->now_ms : at;
}

static void deliver(struct bench *b)
{
	for (size_t i = 0; i < BENCH_WIRE; i++) {
		struct bench_parcel *p = &b->wire[i];
		struct engine_event e = {.type = ENGINE_RX};

		if (!p->bytes.len || p->at_ms > b->now_ms)
			continue;
		e.rx.data = buf_bytes(&p->bytes);
		event(b, &e);
		buf_reset(&p->bytes);
		drain(b);
	}
	if (b->went_down && b->up_ms && b->now_ms >= b->up_ms) {
		b->up_ms = 0;
		if (b->max_payload_later)
			b->max_payload = b->max_payload_later;
		link_up(b);
	}
	if (b->pending_stage >= 0 && b->now_ms >= b->go_ms)
		give_go(b, (enum engine_stage)b->pending_stage);
}

void bench_run(struct bench *b)
{
	struct engine_event time = {.type = ENGINE_TIME};
	unsigned idle = 0;

	drain(b);
	while (!b->is_over && b->now_ms < b->limit_ms) {
		int64_t at;

		cut_link(b);
		drain(b);
		if (b->is_over)
			return;
		at = next_time(b);
		if (at == ENGINE_NEVER)
			return;
		ck_assert_msg(at > b->now_ms || ++idle < 100000, "stands still");
		b->now_ms = at;
		deliver(b);
		event(b, &time);
		drain(b);
	}
}

void bench_hold_ours(struct bench *b, unsigned slot)
{
	b->peer.slot[slot] = (struct peer_slot){.here = true,
		.version = "2.0.0"};
	memcpy(b->peer.slot[slot].hash, b->want.hash, 32);
}

void bench_ours_unconfirmed(struct bench *b)
{
	bench_hold_ours(b, 0);
	b->peer.slot[1] = (struct peer_slot){.here = true, .confirmed = true,
		.version = "1.0.0", .hash = {0x11}};
}

void bench_check_image(const struct bench *b)
{
	ck_assert_uint_eq(b->peer.bad_bytes, 0);
	ck_assert_uint_eq(b->lines_long, 0);
	ck_assert_str_eq(b->facts.version, "2.0.0");
}

void bench_check_confirmed(const struct bench *b)
{
	bench_check_image(b);
	ck_assert_int_eq(b->facts.confirmed, 1);
	ck_assert_uint_eq(b->peer.resets, 1);
	ck_assert_uint_eq(b->peer.confirms, 1);
	ck_assert_uint_eq(b->reconnects, 1);
	ck_assert_uint_eq(b->stages, 0x1f);
	ck_assert_uint_eq(b->progress, b->want.len);
}

void bench_check_no_repeat(const struct bench *b)
{
	bench_check_confirmed(b);
	ck_assert_uint_eq(b->peer.payload, b->want.len);
	ck_assert_uint_eq(b->peer.firsts, 1);
}

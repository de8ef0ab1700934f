#include "deconz_peer.h"

#include <stdio.h>

#define END 0xc0
#define ESC 0xdb
#define CONNECTED 0x02
#define HAS_CONFIRM 0x04
#define FREE_SLOTS 0x20
#define OWN 0x00212effff07d3c3u

struct deconz_peer deconz_peer;

static struct deconz_peer *const p = &deconz_peer;

/* ---- to the host ---- */

static void say(uint8_t command, uint8_t seq, uint8_t status, bool counted,
	const uint8_t *payload, size_t len)
{
	uint8_t raw[200], wire[410];
	size_t head = counted ? 7 : 5, n = head + len, w = 0, i;
	unsigned sum = 0;

	raw[0] = command;
	raw[1] = seq;
	raw[2] = status;
	put_le16(raw + 3, (uint16_t)n);
	put_le16(raw + 5, (uint16_t)len);
	if (len)
		memcpy(raw + head, payload, len);
	for (i = 0; i < n; i++)
		sum += raw[i];
	put_le16(raw + n, (uint16_t)(0 - sum));
	wire[w++] = END;
	for (i = 0; i < n + 2; i++) {
		bool special = raw[i] == END || raw[i] == ESC;

		if (special)
			wire[w++] = ESC;
		wire[w++] = !special ? raw[i] : raw[i] == END ? 0xdc : 0xdd;
	}
	wire[w++] = END;
	zb_deconz_stack.input(p->stack, p->now_ms, bytes_of(wire, w));
}

static uint8_t state(void)
{
	return (uint8_t)(p->state | FREE_SLOTS |
			 (p->done_count ? HAS_CONFIRM : 0));
}

void deconz_peer_tell(uint8_t now)
{
	uint8_t out[2] = {0};

	p->state = now;
	out[0] = state();
	say(0x0e, 0, 0, false, out, 2);
	deconz_peer_pass(0);
}

/* ---- commands ---- */

static void read_parameter(uint8_t seq, const uint8_t *at)
{
	uint8_t out[120] = {at[0]};
	size_t len = 1;

	if (at[0] == 0x01) {
		put_le32(out + 1, (uint32_t)OWN);
		put_le32(out + 5, (uint32_t)(OWN >> 32));
		len += 8;
	} else if (at[0] == 0x05) {
		put_le16(out + 1, 0x1a62);
		len += 2;
	} else if (at[0] == 0x0b) {
		memset(out + 1, 0xdd, 8);
		len += 8;
	} else if (at[0] == 0x1c) {
		out[len++] = 15;
	} else if (at[0] == 0x22) {
		put_le16(out + 1, 0x010e);
		len += 2;
	} else if (at[0] == 0x13) {
		ck_assert_uint_lt(at[1], DECONZ_PEER_PLACES);
		out[len++] = at[1];
		memcpy(out + len, p->places[at[1]].at, p->places[at[1]].len);
		len += p->places[at[1]].len;
	}
	say(0x0a, seq, 0, true, out, len);
}

static void write_parameter(uint8_t seq, const uint8_t *at, size_t len)
{
	uint8_t status = 0;

	if (at[0] == 0x13) {
		p->endpoint_writes++;
		ck_assert_uint_lt(at[1], DECONZ_PEER_PLACES);
		ck_assert_uint_le(len - 2, sizeof(p->places[0].at));
		if (p->refusals) {
			p->refusals--;
			status = p->endpoint_status;
		}
	}
	if (at[0] == 0x13 && !status) {
		p->places[at[1]].len = len - 2;
		memcpy(p->places[at[1]].at, at + 2, len - 2);
	}
	say(0x0b, seq, status, true, at, 1);
}

static void read_confirm(uint8_t seq)
{
	uint8_t out[] = {0, 0, 2, 0x00, 0x10, 11, 1, 0, 0, 0, 0, 0};

	ck_assert_uint_gt(p->done_count, 0);
	out[1] = p->done[--p->done_count];
	out[0] = state();
	if (p->mute)
		p->mute--;
	else
		say(0x04, seq, 0, true, out, sizeof(out));
}

static void command(const uint8_t *raw, size_t len)
{
	const uint8_t version[] = {0x00, 0x07, 0x78, 0x26};
	uint8_t out[3] = {0};

	switch (raw[0]) {
	case 0x0d:
		say(0x0d, raw[1], 0, false, version, 4);
		break;
	case 0x07:
		out[0] = state();
		say(0x07, raw[1], 0, false, out, 3);
		break;
	case 0x08:
		p->leaves += raw[5] == 0;
		p->state = raw[5];
		say(0x08, raw[1], 0, false, raw + 5, 1);
		break;
	case 0x0a:
		read_parameter(raw[1], raw + 7);
		break;
	case 0x0b:
		write_parameter(raw[1], raw + 7, len - 7);
		break;
	case 0x12:
		ck_assert_uint_lt(p->requests, 1024);
		p->numbers[p->requests++] = raw[7];
		out[0] = state();
		out[1] = raw[7];
		say(0x12, raw[1], 0, true, out, 2);
		break;
	case 0x04:
		read_confirm(raw[1]);
		break;
	default:
		ck_abort_msg("unknown command %02x", raw[0]);
	}
}

/* What the stack wrote is taken when it has returned. */
static void answer_all(void)
{
	uint8_t wire[sizeof(p->wire)], raw[400];
	size_t wire_len, n, i;

	while (p->wire_len) {
		wire_len = p->wire_len;
		memcpy(wire, p->wire, wire_len);
		p->wire_len = 0;
		for (i = 0, n = 0; i < wire_len; i++) {
			if (wire[i] == END && n > 7)
				command(raw, n - 2);
			if (wire[i] == END) {
				n = 0;
				continue;
			}
			if (wire[i] == ESC)
				raw[n++] = wire[++i] == 0xdc ? END : ESC;
			else
				raw[n++] = wire[i];
			ck_assert_uint_lt(n, sizeof(raw));
		}
	}
}

/* ---- what the stack tells ---- */

static void on_write(void *arg, struct bytes data)
{
	(void)arg;
	ck_assert_uint_le(p->wire_len + data.len, sizeof(p->wire));
	memcpy(p->wire + p->wire_len, data.at, data.len);
	p->wire_len += data.len;
}

static void on_up(void *arg, const struct zb_network *network)
{
	(void)arg;
	(void)network;
	p->ups++;
}

static void on_lost(void *arg, const char *text)
{
	(void)arg;
	(void)text;
	p->losts++;
}

static void on_fail(void *arg, int status, const char *text)
{
	(void)arg;
	ck_abort_msg("failed: %d %s", status, text);
}

static void on_line(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void on_heard(void *arg, const struct zb_indication *i)
{
	(void)arg;
	(void)i;
}

static void on_confirm(void *arg, const struct zb_confirm *c)
{
	(void)arg;
	ck_assert_uint_lt(p->confirm_count, 1024);
	p->confirms[p->confirm_count++] = *c;
}

static void on_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	(void)level;
	snprintf(p->log, sizeof(p->log), "%s", text);
}

static const struct zb_host host = {
	.write = on_write,
	.up = on_up,
	.lost = on_lost,
	.fail = on_fail,
	.line = on_line,
	.heard = on_heard,
	.confirm = on_confirm,
	.log = on_log,
};

/* ---- for tests ---- */

void deconz_peer_init(const char *const places[DECONZ_PEER_PLACES])
{
	const struct zb_config config = {.channel = 15, .pan = 0xffff};
	unsigned i;

	*p = (struct deconz_peer){.now_ms = 1000, .state = CONNECTED};
	for (i = 0; i < DECONZ_PEER_PLACES; i++)
		if (places[i])
			p->places[i].len = unit_unhex(places[i], p->places[i].at,
				sizeof(p->places[i].at));
	ck_assert_int_eq(
		zb_deconz_stack.create(&config, &host, NULL, &p->stack), 0);
}

void deconz_peer_done(void)
{
	zb_deconz_stack.destroy(p->stack);
}

void deconz_peer_start(void)
{
	zb_deconz_stack.start(p->stack, p->now_ms);
	deconz_peer_pass(2000);
	ck_assert_uint_eq(p->ups, 1);
}

void deconz_peer_pass(int64_t ms)
{
	int64_t until = p->now_ms + ms, due;

	answer_all();
	while ((due = zb_deconz_stack.deadline(p->stack)) <= until) {
		if (due > p->now_ms)
			p->now_ms = due;
		zb_deconz_stack.time(p->stack, p->now_ms);
		answer_all();
	}
	p->now_ms = until;
}

void deconz_peer_request(uint32_t id)
{
	const struct zb_request r = {.id = id,
		.nwk = 0x1000,
		.profile = 0x0104,
		.cluster = 0x0019,
		.src_ep = 1,
		.dst_ep = 11,
		.asdu = bytes_of("answer", 6)};

	ck_assert_int_eq(zb_deconz_stack.send(p->stack, p->now_ms, &r), 0);
	answer_all();
}

void deconz_peer_confirm(uint8_t number)
{
	p->done[p->done_count++] = number;
	deconz_peer_tell(p->state);
}

void deconz_peer_expect(unsigned place, const char *hex)
{
	uint8_t want[96];
	size_t len = unit_unhex(hex, want, sizeof(want));

	ck_assert_msg(bytes_equal(bytes_of(want, len),
			      bytes_of(p->places[place].at,
				      p->places[place].len)),
		"place %u is not %s", place, hex);
}

/* The stack deconz against a firmware that the test plays: a few parameters, a
 * byte of state, confirms and indications that are read one by one. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/zigbee/deconz.h"

#define OWN 0x00212effff07d3c3u
#define LAMP 0x00124b0000000001u

/* ---- the firmware that the test plays ---- */

static struct zb_stack *stack;
static int64_t now_ms;
static struct deconz_parser from_host;

static struct {
	uint8_t state;
	uint8_t channel;
	bool deaf;	    /* answers nothing */
	bool odd;	    /* answers the next command with another */
	uint8_t busy;	    /* requests that are refused as busy */
	bool others;	    /* all endpoints are another host's */
	uint8_t no_channel; /* readings of the channel that are refused */
	uint8_t connect_to; /* state after a connect */
	uint8_t endpoint[64];
	size_t endpoint_len;
	unsigned endpoint_writes, connects, leaves, watchdogs, states, keys;
	uint8_t numbers[64]; /* of requests, in order */
	unsigned requests, confirms_read;
	uint8_t last_request[160];
	size_t last_request_len;
	uint8_t queue[8][160]; /* indications that wait */
	size_t queue_len[8];
	unsigned queued;
	uint8_t done[16]; /* numbers whose confirm waits */
	unsigned done_count;
	uint8_t done_status;
} fw;

static struct {
	unsigned ups, losts, fails, heard, confirms, lines;
	int status;
	struct zb_network network;
	struct zb_indication last;
	uint8_t asdu[128];
	struct zb_confirm confirm;
	char line[32], text[128];
} told;

static void raw_answer(uint8_t command, uint8_t seq, uint8_t status,
	bool with_len, const uint8_t *payload, size_t len)
{
	uint8_t raw[256], wire[600];
	size_t n = 5, i, w = 0;
	unsigned sum = 0;

	raw[0] = command;
	raw[1] = seq;
	raw[2] = status;
	if (with_len) {
		put_le16(raw + n, (uint16_t)len);
		n += 2;
	}
	if (len)
		memcpy(raw + n, payload, len);
	n += len;
	put_le16(raw + 3, (uint16_t)n);
	for (i = 0; i < n; i++)
		sum += raw[i];
	put_le16(raw + n, (uint16_t)(0x10000 - (sum & 0xffff)));
	n += 2;
	wire[w++] = 0xc0;
	for (i = 0; i < n; i++) {
		if (raw[i] == 0xc0 || raw[i] == 0xdb) {
			wire[w++] = 0xdb;
			wire[w++] = raw[i] == 0xc0 ? 0xdc : 0xdd;
		} else {
			wire[w++] = raw[i];
		}
	}
	wire[w++] = 0xc0;
	zb_deconz_stack.input(stack, now_ms, bytes_of(wire, w));
}

static uint8_t state(void)
{
	return (uint8_t)(fw.state | (fw.queued ? DECONZ_HAS_INDICATION : 0) |
			 (fw.done_count ? DECONZ_HAS_CONFIRM : 0) |
			 DECONZ_FREE_SLOTS);
}

static void read_parameter(const struct deconz_frame *f)
{
	uint8_t out[80] = {f->payload.at[0]};
	size_t len = 1;
	unsigned i;

	switch (f->payload.at[0]) {
	case 0x01:
		for (i = 0; i < 8; i++)
			out[len++] = (uint8_t)(OWN >> (8 * i));
		break;
	case 0x05:
		put_le16(out + 1, 0x1a62);
		len += 2;
		break;
	case 0x0b:
		memset(out + 1, 0xdd, 8);
		len += 8;
		break;
	case 0x13:
		if (fw.others) {
			out[1] = f->payload.at[1];
			len += 1 + unit_unhex("02 5ec0 0500 00 01 0000 00",
					   out + 2, sizeof(out) - 2);
			break;
		}
		if (f->payload.at[1] != 0 || !fw.endpoint_len) {
			raw_answer(f->command, f->seq, DECONZ_UNSUPPORTED, true,
				out, 1);
			return;
		}
		out[1] = 0;
		memcpy(out + 2, fw.endpoint, fw.endpoint_len);
		len += 1 + fw.endpoint_len;
		break;
	case 0x1c:
		if (fw.no_channel) {
			fw.no_channel--;
			raw_answer(f->command, f->seq, DECONZ_BUSY, true, out,
				1);
			return;
		}
		out[1] = fw.channel;
		len++;
		break;
	case 0x22:
		put_le16(out + 1, 0x010e);
		len += 2;
		break;
	}
	raw_answer(f->command, f->seq, 0, true, out, len);
}

static void write_parameter(const struct deconz_frame *f)
{
	const uint8_t *at = f->payload.at;

	if (at[0] == 0x13) {
		fw.endpoint_writes++;
		fw.endpoint_len = f->payload.len - 2;
		memcpy(fw.endpoint, at + 2, fw.endpoint_len);
	}
	fw.watchdogs += at[0] == 0x26;
	fw.keys += at[0] == 0x18;
	if (at[0] == 0x0a)
		fw.channel = 15;
	raw_answer(f->command, f->seq, 0, true, at, 1);
}

static void on_request(const struct deconz_frame *f)
{
	const uint8_t out[2] = {state(), f->payload.at[0]};

	if (fw.busy) {
		fw.busy--;
		raw_answer(f->command, f->seq, DECONZ_BUSY, true, out, 2);
		return;
	}
	fw.numbers[fw.requests++ % 64] = f->payload.at[0];
	fw.last_request_len = f->payload.len;
	memcpy(fw.last_request, f->payload.at, f->payload.len);
	raw_answer(f->command, f->seq, 0, true, out, 2);
}

static void on_read_confirm(const struct deconz_frame *f)
{
	uint8_t out[] = {0, 0, 2, 0x00, 0x10, 11, 1, 0, 0, 0, 0, 0};

	out[1] = fw.done_count ? fw.done[--fw.done_count] : 0xff;
	out[0] = state();
	out[7] = fw.done_status;
	fw.confirms_read++;
	raw_answer(f->command, f->seq, 0, true, out, sizeof(out));
}

static void on_read_indication(const struct deconz_frame *f)
{
	uint8_t at[160];
	size_t len = fw.queued ? fw.queue_len[0] : 0;

	if (!len) {
		raw_answer(f->command, f->seq, DECONZ_ERROR, true, NULL, 0);
		return;
	}
	memcpy(at, fw.queue[0], len);
	fw.queued--;
	memmove(fw.queue[0], fw.queue[1],
		sizeof(fw.queue) - sizeof(fw.queue[0]));
	memmove(fw.queue_len, fw.queue_len + 1,
		sizeof(fw.queue_len) - sizeof(fw.queue_len[0]));
	at[0] = state();
	raw_answer(f->command, f->seq, 0, true, at, len);
}

static void on_command(const struct deconz_frame *f)
{
	const uint8_t version[] = {0x00, 0x07, 0x78, 0x26};
	uint8_t out[3] = {0};

	if (fw.odd) {
		fw.odd = false;
		raw_answer(0x0d, f->seq, 0, false, version, 4);
		return;
	}
	switch (f->command) {
	case DECONZ_VERSION:
		raw_answer(f->command, f->seq, 0, false, version, 4);
		break;
	case DECONZ_STATE:
		fw.states++;
		out[0] = state();
		raw_answer(f->command, f->seq, 0, false, out, 3);
		break;
	case DECONZ_SET_NETWORK:
		fw.connects += f->payload.at[0] == 2;
		fw.leaves += f->payload.at[0] == 0;
		fw.state = f->payload.at[0] == 2 ? fw.connect_to : 0;
		raw_answer(f->command, f->seq, 0, false, f->payload.at, 1);
		break;
	case DECONZ_READ:
		read_parameter(f);
		break;
	case DECONZ_WRITE:
		write_parameter(f);
		break;
	case DECONZ_REQUEST:
		on_request(f);
		break;
	case DECONZ_CONFIRM:
		on_read_confirm(f);
		break;
	case DECONZ_INDICATION:
		on_read_indication(f);
		break;
	default:
		ck_abort_msg("unknown command %02x", f->command);
	}
}

/* What the stack writes is answered when it has returned. */
static uint8_t wire[4096];
static size_t wire_len;

static void up_write(void *arg, struct bytes data)
{
	(void)arg;
	ck_assert_uint_le(wire_len + data.len, sizeof(wire));
	memcpy(wire + wire_len, data.at, data.len);
	wire_len += data.len;
}

static void run(void)
{
	struct deconz_frame f;
	uint8_t copy[4096];
	struct bytes in;

	while (wire_len) {
		memcpy(copy, wire, wire_len);
		in = bytes_of(copy, wire_len);
		wire_len = 0;
		while (deconz_parser_take(&from_host, &in, &f))
			if (!fw.deaf)
				on_command(&f);
	}
}

static void pass(int64_t ms)
{
	int64_t until = now_ms + ms;

	run();
	while (zb_deconz_stack.deadline(stack) <= until) {
		if (zb_deconz_stack.deadline(stack) > now_ms)
			now_ms = zb_deconz_stack.deadline(stack);
		zb_deconz_stack.time(stack, now_ms);
		run();
	}
	now_ms = until;
}

static void up_up(void *arg, const struct zb_network *network)
{
	(void)arg;
	told.ups++;
	told.network = *network;
}

static void up_lost(void *arg, const char *text)
{
	(void)arg;
	told.losts++;
	snprintf(told.text, sizeof(told.text), "%s", text);
}

static void up_fail(void *arg, int status, const char *text)
{
	(void)arg;
	told.fails++;
	told.status = status;
	snprintf(told.text, sizeof(told.text), "%s", text);
}

static void up_line(void *arg, const char *text)
{
	(void)arg;
	told.lines++;
	snprintf(told.line, sizeof(told.line), "%s", text);
}

static void up_heard(void *arg, const struct zb_indication *i)
{
	(void)arg;
	told.heard++;
	told.last = *i;
	memcpy(told.asdu, i->asdu.at, i->asdu.len);
}

static void up_confirm(void *arg, const struct zb_confirm *c)
{
	(void)arg;
	told.confirms++;
	told.confirm = *c;
}

static void up_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	(void)level;
	(void)text;
}

static const struct zb_host upcalls = {
	.write = up_write,
	.up = up_up,
	.lost = up_lost,
	.fail = up_fail,
	.line = up_line,
	.heard = up_heard,
	.confirm = up_confirm,
	.log = up_log,
};

static void make(const struct zb_config *config)
{
	ck_assert_int_eq(
		zb_deconz_stack.create(config, &upcalls, NULL, &stack), 0);
}

static void setup(void)
{
	memset(&fw, 0, sizeof(fw));
	memset(&told, 0, sizeof(told));
	memset(&from_host, 0, sizeof(from_host));
	wire_len = 0;
	now_ms = 1000;
	fw.state = DECONZ_CONNECTED;
	fw.connect_to = DECONZ_CONNECTED;
	fw.channel = 15;
	stack = NULL;
}

static void teardown(void)
{
	if (stack)
		zb_deconz_stack.destroy(stack);
}

static void start(void)
{
	const struct zb_config config = {.channel = 15, .pan = 0xffff};

	if (!stack)
		make(&config);
	zb_deconz_stack.start(stack, now_ms);
	pass(0);
}

/* An endpoint that has the OTA cluster is there from an earlier run. */
static void have_endpoint(void)
{
	fw.endpoint_len =
		unit_unhex("01 0401 0500 00 02 0000 1900 00", fw.endpoint,
			sizeof(fw.endpoint));
}

static void up(void)
{
	have_endpoint();
	start();
	ck_assert_uint_eq(told.ups, 1);
}

static void notify_state(void)
{
	const uint8_t out[] = {state(), 0};

	raw_answer(DECONZ_STATE_CHANGED, 0x77, 0, false, out, 2);
	run();
}

static void air_says(const char *asdu, bool both)
{
	uint8_t *at = fw.queue[fw.queued];
	size_t n = 0, len = strlen(asdu), i;

	at[n++] = 0;
	at[n++] = 2; /* destination: short address */
	put_le16(at + n, 0x0000);
	n += 2;
	at[n++] = 1;
	at[n++] = both ? 4 : 2;
	put_le16(at + n, 0x1000);
	n += 2;
	for (i = 0; both && i < 8; i++)
		at[n++] = (uint8_t)(LAMP >> (8 * i));
	at[n++] = 11;
	put_le16(at + n, 0x0104);
	put_le16(at + n + 2, 0x0019);
	put_le16(at + n + 4, (uint16_t)len);
	n += 6;
	memcpy(at + n, asdu, len);
	n += len;
	memcpy(at + n, "\0\0\xff\0\0\0\0\xd8", 8);
	fw.queue_len[fw.queued++] = n + 8;
}

static int request(uint32_t id, uint16_t nwk, uint64_t eui64, bool ack)
{
	const struct zb_request r = {.id = id,
		.nwk = nwk,
		.eui64 = eui64,
		.profile = 0x0104,
		.cluster = 0x0019,
		.src_ep = 1,
		.dst_ep = 11,
		.ack = ack,
		.asdu = bytes_of("answer", 6)};
	int err = zb_deconz_stack.send(stack, now_ms, &r);

	run();
	return err;
}

static void done(unsigned request_index, uint8_t status)
{
	fw.done[fw.done_count++] = fw.numbers[request_index];
	fw.done_status = status;
	notify_state();
}

/* ---- starting ---- */

START_TEST(start_commissioned_network_comes_up)
{
	up();
	ck_assert_uint_eq(told.network.eui64, OWN);
	ck_assert_uint_eq(told.network.pan, 0x1a62);
	ck_assert_uint_eq(told.network.channel, 15);
	ck_assert_uint_eq(told.network.window, 8);
	ck_assert_str_eq(told.network.text, "deCONZ firmware 0x26780700");
	ck_assert_uint_eq(fw.endpoint_writes, 0);
	ck_assert_uint_eq(fw.leaves + fw.connects, 0);
	ck_assert_uint_eq(fw.watchdogs, 1);
}
END_TEST

START_TEST(start_without_endpoint_writes_it_and_reconnects)
{
	start();
	ck_assert_uint_eq(fw.endpoint_writes, 1);
	ck_assert_mem_eq(fw.endpoint,
		"\x01\x04\x01\x05\x00\x00\x03\x00\x00\x0a\x00\x19\x00\x00", 14);
	ck_assert_uint_eq(fw.leaves, 1);
	ck_assert_uint_eq(fw.connects, 1);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_leaves_the_endpoints_of_others)
{
	fw.others = true;
	start();
	ck_assert_uint_eq(fw.endpoint_writes, 0);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_offline_coordinator_is_connected)
{
	fw.state = 0;
	up();
	ck_assert_uint_eq(fw.connects, 1);
	ck_assert_uint_eq(fw.leaves, 0);
}
END_TEST

START_TEST(start_without_network_fails_and_says_what_to_do)
{
	fw.channel = 0;
	fw.state = 0;
	have_endpoint();
	start();
	ck_assert_uint_eq(told.fails, 1);
	ck_assert_int_eq(told.status, -ENOENT);
	ck_assert_ptr_nonnull(strstr(told.text, "form = yes"));
}
END_TEST

START_TEST(start_forms_a_network_only_where_there_is_none)
{
	const struct zb_config config = {.form = true,
		.channel = 15,
		.pan = 0x1a62,
		.network_key = {1, 2, 3}};

	make(&config);
	fw.channel = 0;
	fw.state = 0;
	have_endpoint();
	start();
	pass(2000);
	ck_assert_uint_eq(fw.keys, 1);
	ck_assert_uint_eq(told.ups, 1);
	/* Once it is there, it is used. */
	zb_deconz_stack.start(stack, now_ms);
	pass(0);
	ck_assert_uint_eq(fw.keys, 1);
	ck_assert_uint_eq(told.ups, 2);
}
END_TEST

static void start_forming(void)
{
	const struct zb_config config = {.form = true,
		.channel = 15,
		.pan = 0x1a62,
		.network_key = {1, 2, 3}};

	make(&config);
	have_endpoint();
	start();
	pass(5000);
}

/* A reading that was refused says nothing of the network. */
START_TEST(start_forms_nothing_when_the_channel_cannot_be_read)
{
	fw.state = 0;
	fw.no_channel = _i ? 1 : 255;
	start_forming();
	ck_assert_uint_eq(fw.keys, 0);
	ck_assert_uint_eq(told.ups, _i);
}
END_TEST

START_TEST(start_forms_nothing_while_connected)
{
	fw.channel = 0;
	start_forming();
	ck_assert_uint_eq(fw.keys, 0);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_silent_line_is_tried_at_both_speeds)
{
	fw.deaf = true;
	start();
	pass(1500);
	ck_assert_str_eq(told.line, "baud=38400");
	pass(1500);
	ck_assert_str_eq(told.line, "baud=115200");
	fw.deaf = false;
	have_endpoint();
	pass(1500);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_network_that_does_not_come_is_tried_again)
{
	fw.state = 0;
	fw.connect_to = 1;
	have_endpoint();
	start();
	pass(13000);
	ck_assert_uint_eq(told.ups, 0);
	fw.connect_to = DECONZ_CONNECTED;
	pass(6000);
	ck_assert_uint_eq(fw.connects, 2);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

/* ---- the air ---- */

START_TEST(indication_is_read_when_the_state_says_so)
{
	up();
	air_says("query", false);
	air_says("another", true);
	notify_state();
	ck_assert_uint_eq(told.heard, 2);
	ck_assert_uint_eq(told.last.nwk, 0x1000);
	ck_assert_uint_eq(told.last.eui64, LAMP);
	ck_assert_uint_eq(told.last.src_ep, 11);
	ck_assert_uint_eq(told.last.dst_ep, 1);
	ck_assert_uint_eq(told.last.profile, 0x0104);
	ck_assert_uint_eq(told.last.cluster, 0x0019);
	ck_assert_uint_eq(told.last.lqi, 255);
	ck_assert_int_eq(told.last.rssi, -40);
	ck_assert_mem_eq(told.asdu, "another", 7);
}
END_TEST

START_TEST(request_is_given_and_confirmed)
{
	up();
	ck_assert_int_eq(request(5, 0x1000, LAMP, true), 0);
	ck_assert_uint_eq(fw.requests, 1);
	/* flags, mode 2, nwk, endpoint, profile, cluster, endpoint, length */
	ck_assert_mem_eq(fw.last_request + 1,
		"\x00\x02\x00\x10\x0b\x04\x01\x19\x00\x01\x06\x00", 12);
	ck_assert_mem_eq(fw.last_request + 13, "answer", 6);
	ck_assert_uint_eq(fw.last_request[19], 0x04);
	ck_assert_uint_eq(told.confirms, 0);
	done(0, 0);
	ck_assert_uint_eq(told.confirms, 1);
	ck_assert_uint_eq(told.confirm.id, 5);
	ck_assert_int_eq(told.confirm.result, ZB_SENT_OK);
}
END_TEST

START_TEST(request_without_short_address_goes_by_eui64)
{
	up();
	ck_assert_int_eq(request(5, ZB_NWK_UNKNOWN, LAMP, false), 0);
	ck_assert_mem_eq(fw.last_request + 2,
		"\x03\x01\x00\x00\x00\x00\x4b\x12\x00\x0b", 10);
}
END_TEST

static const struct {
	uint8_t status;
	enum zb_sent result;
} statuses[] = {
	{0x00, ZB_SENT_OK},
	{0xa7, ZB_SENT_NO_ACK},
	{0xe9, ZB_SENT_NO_ACK},
	{0xd0, ZB_SENT_NO_ROUTE},
	{0xd1, ZB_SENT_NO_ROUTE},
	{0xe1, ZB_SENT_BUSY},
	{0xd2, ZB_SENT_BUSY},
	{0xf0, ZB_SENT_EXPIRED},
	{0xa0, ZB_SENT_TOO_LONG},
	{0xe8, ZB_SENT_FAILED},
};

START_TEST(confirm_statuses_are_mapped)
{
	up();
	request(5, 0x1000, LAMP, true);
	done(0, statuses[_i].status);
	ck_assert_int_eq(told.confirm.result, statuses[_i].result);
	ck_assert_int_eq(told.confirm.native, statuses[_i].status);
}
END_TEST

START_TEST(window_of_eight_is_kept)
{
	uint32_t i;

	up();
	for (i = 1; i <= 8; i++)
		ck_assert_int_eq(request(i, 0x1000, LAMP, true), 0);
	ck_assert_uint_eq(zb_deconz_stack.room(stack), 0);
	ck_assert_int_eq(request(9, 0x1000, LAMP, true), -EBUSY);
	done(3, 0);
	ck_assert_uint_eq(told.confirm.id, 4);
	ck_assert_int_eq(request(9, 0x1000, LAMP, true), 0);
}
END_TEST

START_TEST(request_that_is_refused_as_busy_says_so)
{
	up();
	fw.busy = 1;
	ck_assert_int_eq(request(5, 0x1000, LAMP, true), 0);
	ck_assert_uint_eq(told.confirms, 1);
	ck_assert_int_eq(told.confirm.result, ZB_SENT_BUSY);
	ck_assert_uint_eq(zb_deconz_stack.room(stack), 8);
}
END_TEST

START_TEST(answer_of_another_command_does_not_stop_the_loop)
{
	up();
	fw.odd = true;
	request(5, 0x1000, LAMP, true);
	pass(2000);
	ck_assert_uint_eq(told.losts, 0);
	air_says("query", false);
	notify_state();
	ck_assert_uint_eq(told.heard, 1);
	/* Nobody knows whether the firmware has it. */
	pass(31000);
	ck_assert_int_eq(told.confirm.result, ZB_SENT_LOST);
}
END_TEST

START_TEST(state_change_that_was_missed_is_found)
{
	up();
	request(5, 0x1000, LAMP, true);
	fw.done[fw.done_count++] = fw.numbers[0];
	/* No word of it; while something is in flight it asks. */
	pass(1100);
	ck_assert_uint_eq(told.confirms, 1);
}
END_TEST

/* Every byte of the next answer is damaged. */
START_TEST(damaged_answers_cost_a_moment_only)
{
	uint8_t out[] = {0, 0};

	up();
	request(5, 0x1000, LAMP, true);
	fw.deaf = true;
	fw.state |= DECONZ_HAS_CONFIRM;
	out[0] = state();
	raw_answer(DECONZ_STATE_CHANGED, 0x77, 0, false, out, 2);
	run();
	zb_deconz_stack.input(stack, now_ms, bytes_of("\x04\x05\x06\xc0", 4));
	fw.deaf = false;
	fw.state &= (uint8_t)~DECONZ_HAS_CONFIRM;
	air_says("query", false);
	pass(150);
	ck_assert_uint_eq(told.heard, 1);
	/* The confirm that it carried does not hold a slot for long. */
	pass(3100);
	ck_assert_uint_eq(told.confirms, 1);
	ck_assert_int_eq(told.confirm.result, ZB_SENT_LOST);
}
END_TEST

START_TEST(late_indication_counts)
{
	const uint8_t late[] = {0x22, 2, 0, 0, 1, 2, 0, 0x10, 11, 4, 1, 0x19, 0,
		3, 0, 'a', 'b', 'c'};

	up();
	raw_answer(DECONZ_INDICATION, 1, 0, true, late, sizeof(late));
	ck_assert_uint_eq(told.heard, 1);
	ck_assert_mem_eq(told.asdu, "abc", 3);
}
END_TEST

START_TEST(hostile_indications_are_left_out)
{
	static const char *const rows[] = {
		"00",
		"00 02 0000 01 07 0010 0b 0401 1900 0100 41",
		"00 02 0000 01 02 0010 0b 0401 1900 ff00 41",
		"00 02 0000 01 02 0010 0b 0401 1900 0000",
		"00 09 0000 01 02 0010 0b 0401 1900 0100 41",
	};

	up();
	fw.queue_len[0] = unit_unhex(
		rows[_i], fw.queue[0], sizeof(fw.queue[0]));
	fw.queued = 1;
	air_says("good", false);
	notify_state();
	ck_assert_uint_eq(told.heard, 1);
	ck_assert_mem_eq(told.asdu, "good", 4);
}
END_TEST

START_TEST(watchdog_is_refreshed_every_five_minutes)
{
	up();
	pass(301000);
	ck_assert_uint_eq(fw.watchdogs, 2);
	pass(300000);
	ck_assert_uint_eq(fw.watchdogs, 3);
	ck_assert_uint_eq(told.losts, 0);
}
END_TEST

/* ---- losing ---- */

START_TEST(lost_network_is_connected_again)
{
	up();
	request(5, 0x1000, LAMP, true);
	fw.state = 0;
	notify_state();
	ck_assert_uint_eq(told.losts, 1);
	pass(1000);
	ck_assert_uint_eq(told.ups, 2);
	ck_assert_int_eq(request(6, 0x1000, LAMP, true), 0);
}
END_TEST

START_TEST(silent_coordinator_is_lost_and_probed)
{
	up();
	fw.deaf = true;
	pass(25000);
	ck_assert_uint_eq(told.losts, 1);
	fw.deaf = false;
	pass(3000);
	ck_assert_uint_eq(told.ups, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.deconz");
	TCase *c = tcase_create("deconz");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, start_commissioned_network_comes_up);
	tcase_add_test(c, start_without_endpoint_writes_it_and_reconnects);
	tcase_add_test(c, start_leaves_the_endpoints_of_others);
	tcase_add_test(c, start_offline_coordinator_is_connected);
	tcase_add_test(c, start_without_network_fails_and_says_what_to_do);
	tcase_add_test(c, start_forms_a_network_only_where_there_is_none);
	tcase_add_loop_test(
		c, start_forms_nothing_when_the_channel_cannot_be_read, 0, 2);
	tcase_add_test(c, start_forms_nothing_while_connected);
	tcase_add_test(c, start_silent_line_is_tried_at_both_speeds);
	tcase_add_test(c, start_network_that_does_not_come_is_tried_again);
	tcase_add_test(c, indication_is_read_when_the_state_says_so);
	tcase_add_test(c, request_is_given_and_confirmed);
	tcase_add_test(c, request_without_short_address_goes_by_eui64);
	tcase_add_loop_test(c, confirm_statuses_are_mapped, 0,
		(int)(sizeof(statuses) / sizeof(statuses[0])));
	tcase_add_test(c, window_of_eight_is_kept);
	tcase_add_test(c, request_that_is_refused_as_busy_says_so);
	tcase_add_test(c, answer_of_another_command_does_not_stop_the_loop);
	tcase_add_test(c, state_change_that_was_missed_is_found);
	tcase_add_test(c, damaged_answers_cost_a_moment_only);
	tcase_add_test(c, late_indication_counts);
	tcase_add_loop_test(c, hostile_indications_are_left_out, 0, 5);
	tcase_add_test(c, watchdog_is_refreshed_every_five_minutes);
	tcase_add_test(c, lost_network_is_connected_again);
	tcase_add_test(c, silent_coordinator_is_lost_and_probed);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

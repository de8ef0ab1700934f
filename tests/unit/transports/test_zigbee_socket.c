/* The stack zcl-socket: its packets by the example of the page, and the far end
 * played by the test. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/zigbee/socket_wire.h"
#include "transports/zigbee/stack.h"

#define LAMP 0x00124b0000000001u

/* ---- packets ---- */

/* The example of docs/zigbee.md. */
static const struct {
	const char *name;
	const char *hex;
	struct zs_packet want;
	const char *rest;
} examples[] = {
	{"HELLO", "015a434c530101",
		{.type = ZS_HELLO, .version = 1, .last_version = 1}, ""},
	{"NETWORK", "8101030f0852621aff000000004b1200dddddddddddddddd687562",
		{.type = ZS_NETWORK,
			.version = 1,
			.flags = 3,
			.channel = 15,
			.window = 8,
			.asdu_max = 82,
			.pan = 0x1a62,
			.eui64 = 0x00124b00000000ffu,
			.ext_pan = 0xddddddddddddddddu},
		"687562"},
	{"LIST", "02", {.type = ZS_LIST}, ""},
	{"NODE", "8201000000004b1200341204",
		{.type = ZS_NODE, .eui64 = LAMP, .nwk = 0x1234, .flags = 4},
		""},
	{"LISTED", "830100", {.type = ZS_LISTED, .count = 1}, ""},
	{"FRAME",
		"84341201000000004b1200040119000b0100ffd8803e0000"
		"01420100341202010d0c0b0a",
		{.type = ZS_FRAME,
			.nwk = 0x1234,
			.eui64 = LAMP,
			.profile = 0x0104,
			.cluster = 0x0019,
			.src_ep = 11,
			.dst_ep = 1,
			.lqi = 255,
			.rssi = -40,
			.airtime_us = 16000},
		"01420100341202010d0c0b0a"},
	{"SEND",
		"0301000000341201000000004b12000401190001"
		"0b0100"
		"19420298",
		{.type = ZS_SEND,
			.id = 1,
			.nwk = 0x1234,
			.eui64 = LAMP,
			.profile = 0x0104,
			.cluster = 0x0019,
			.src_ep = 1,
			.dst_ep = 11,
			.flags = 1},
		"19420298"},
	{"CONFIRM", "8501000000000000000080250000",
		{.type = ZS_CONFIRM, .id = 1, .airtime_us = 9600}, ""},
	{"PING", "0401020304", {.type = ZS_PING, .id = 0x04030201}, ""},
};

static size_t unhex(const char *hex, uint8_t *at)
{
	size_t len = strlen(hex) / 2;

	ck_assert_int_eq(bytes_from_hex(hex, at, len), 0);
	return len;
}

START_TEST(packet_examples_are_read_and_written)
{
	uint8_t at[ZS_PACKET_MAX], rest[ZS_PACKET_MAX], out[ZS_PACKET_MAX];
	size_t len = unhex(examples[_i].hex, at);
	struct zs_packet got, want = examples[_i].want;

	want.rest = bytes_of(rest, unhex(examples[_i].rest, rest));
	ck_assert_int_eq(zs_read(bytes_of(at, len), &got), 0);
	ck_assert(bytes_equal(got.rest, want.rest));
	ck_assert_msg(zs_write(&want, out) == len, "%s", examples[_i].name);
	ck_assert_mem_eq(out, at, len);
	ck_assert_uint_eq(zs_write(&got, out), len);
	ck_assert_mem_eq(out, at, len);
}
END_TEST

START_TEST(packet_cut_anywhere_breaks_the_rules)
{
	uint8_t at[ZS_PACKET_MAX];
	size_t len = unhex(examples[_i].hex, at), i;
	bool open = examples[_i].rest[0];
	struct zs_packet got;

	for (i = 0; i < len - strlen(examples[_i].rest) / 2; i++)
		ck_assert_int_eq(zs_read(bytes_of(at, i), &got), -EINVAL);
	/* Later versions add; only text and frames take what follows. */
	at[len] = 'x';
	ck_assert_int_eq(zs_read(bytes_of(at, len + 1), &got), 0);
	if (!open)
		ck_assert_uint_eq(got.rest.len, 1);
}
END_TEST

static const struct {
	const char *name;
	const char *hex;
	int want;
} hostile[] = {
	{"unknown type", "7f0102", -ENOENT},
	{"magic", "015a434c540101", -EINVAL},
	{"version 0", "015a434c530001", -EINVAL},
	{"versions crossed", "015a434c530201", -EINVAL},
	{"channel 27", "8101031b0852621aff000000004b1200dddddddddddddddd",
		-EINVAL},
	{"window 0", "8101030f0052621aff000000004b1200dddddddddddddddd",
		-EINVAL},
	{"window 65", "8101030f4152621aff000000004b1200dddddddddddddddd",
		-EINVAL},
	{"asdu 39", "8101030f0827621aff000000004b1200dddddddddddddddd",
		-EINVAL},
	{"no address", "8101030f0852621a0000000000000000dddddddddddddddd",
		-EINVAL},
	{"text", "8101030f0852621aff000000004b1200dddddddddddddddd0a", -EINVAL},
	{"no common version",
		"81000000000000000000000000000000"
		"0000000000000000",
		0},
	{"node without address", "820000000000000000341204", -EINVAL},
	{"frame without asdu",
		"84341201000000004b1200040119000b0100ffd8803e0000", -EINVAL},
	{"confirm of nothing", "8500000000000000000080250000", -EINVAL},
};

START_TEST(packet_hostile_is_refused)
{
	uint8_t at[ZS_PACKET_MAX];
	size_t len = unhex(hostile[_i].hex, at);
	struct zs_packet got;

	ck_assert_msg(zs_read(bytes_of(at, len), &got) == hostile[_i].want,
		"%s", hostile[_i].name);
}
END_TEST

START_TEST(packet_longer_than_the_rules_allow_is_refused)
{
	uint8_t at[ZS_PACKET_MAX + 1] = {0x02};
	struct zs_packet got;

	ck_assert_int_eq(zs_read(bytes_of(at, ZS_PACKET_MAX), &got), 0);
	ck_assert_int_eq(
		zs_read(bytes_of(at, ZS_PACKET_MAX + 1), &got), -EINVAL);
}
END_TEST

/* ---- the stack ---- */

static struct zb_stack *stack;
static int64_t now_ms;
static struct {
	unsigned ups, losts, fails, heard, confirms, nodes, written;
	int status;
	struct zb_network network;
	struct zb_indication last;
	struct zb_confirm confirm;
	uint64_t eui64;
	int sleepy;
	bool joined, gone;
	uint8_t out[ZS_PACKET_MAX];
	struct zs_packet said; /* the last packet written */
	unsigned count[256];   /* of each type */
} told;

static void up_write(void *arg, struct bytes data)
{
	(void)arg;
	memcpy(told.out, data.at, data.len);
	ck_assert_int_eq(zs_read(bytes_of(told.out, data.len), &told.said), 0);
	told.count[told.said.type]++;
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
	(void)text;
	told.losts++;
}

static void up_fail(void *arg, int status, const char *text)
{
	(void)arg;
	(void)text;
	told.fails++;
	told.status = status;
}

static void up_heard(void *arg, const struct zb_indication *i)
{
	(void)arg;
	told.heard++;
	told.last = *i;
}

static void up_confirm(void *arg, const struct zb_confirm *c)
{
	(void)arg;
	told.confirms++;
	told.confirm = *c;
}

static void up_node(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
	bool joined, bool gone)
{
	(void)arg;
	(void)nwk;
	told.nodes++;
	told.eui64 = eui64;
	told.sleepy = sleepy;
	told.joined = joined;
	told.gone = gone;
}

static const struct zb_host upcalls = {
	.write = up_write,
	.up = up_up,
	.lost = up_lost,
	.fail = up_fail,
	.heard = up_heard,
	.confirm = up_confirm,
	.node = up_node,
};

static void setup(void)
{
	const struct zb_config config = {.window = 4};

	memset(&told, 0, sizeof(told));
	now_ms = 1000;
	ck_assert_int_eq(
		zb_socket_stack.create(&config, &upcalls, NULL, &stack), 0);
}

static void teardown(void)
{
	zb_socket_stack.destroy(stack);
}

static void say_hex(const char *hex)
{
	uint8_t at[ZS_PACKET_MAX];

	zb_socket_stack.input(stack, now_ms, bytes_of(at, unhex(hex, at)));
}

static void up(void)
{
	zb_socket_stack.start(stack, now_ms);
	ck_assert_uint_eq(told.count[ZS_HELLO], 1);
	say_hex(examples[1].hex);
	ck_assert_uint_eq(told.ups, 1);
}

static void pass(int64_t ms)
{
	int64_t until = now_ms + ms;

	while (zb_socket_stack.deadline(stack) <= until) {
		now_ms = zb_socket_stack.deadline(stack);
		zb_socket_stack.time(stack, now_ms);
	}
	now_ms = until;
}

static int send_one(uint32_t id)
{
	const struct zb_request r = {.id = id,
		.nwk = ZB_NWK_UNKNOWN,
		.eui64 = LAMP,
		.profile = 0x0104,
		.cluster = 0x0019,
		.src_ep = 1,
		.dst_ep = 11,
		.ack = true,
		.asdu = bytes_of("\x19\x42\x02\x98", 4)};

	return zb_socket_stack.send(stack, now_ms, &r);
}

START_TEST(stack_network_brings_it_up_and_nodes_are_listed)
{
	up();
	ck_assert_uint_eq(told.count[ZS_LIST], 1);
	ck_assert_uint_eq(told.network.window, 4); /* of the settings */
	ck_assert_uint_eq(told.network.asdu_max, 82);
	ck_assert(told.network.airtime);
	ck_assert(told.network.no_zdo);
	ck_assert(told.network.by_eui64);
	ck_assert_str_eq(told.network.text, "hub");
	say_hex(examples[3].hex);
	ck_assert_uint_eq(told.eui64, LAMP);
	ck_assert_int_eq(told.sleepy, 0);
	say_hex("8201000000004b120034120d");
	ck_assert_int_eq(told.sleepy, 1);
	ck_assert(told.joined);
	say_hex("8201000000004b1200341202");
	ck_assert(told.gone);
	ck_assert_int_eq(told.sleepy, -1);
}
END_TEST

START_TEST(stack_frames_come_through)
{
	up();
	say_hex(examples[5].hex);
	ck_assert_uint_eq(told.heard, 1);
	ck_assert_uint_eq(told.last.eui64, LAMP);
	ck_assert_uint_eq(told.last.src_ep, 11);
	ck_assert_uint_eq(told.last.airtime_us, 16000);
	ck_assert_int_eq(told.last.rssi, -40);
}
END_TEST

START_TEST(stack_confirms_each_once_and_in_any_order)
{
	up();
	ck_assert_int_eq(send_one(1), 0);
	ck_assert_int_eq(send_one(2), 0);
	ck_assert_uint_eq(told.said.id, 2);
	ck_assert_uint_eq(told.said.flags, ZS_SEND_ACK);
	say_hex("850200000001e900000080250000");
	ck_assert_uint_eq(told.confirm.id, 2);
	ck_assert_int_eq(told.confirm.result, ZB_SENT_NO_ACK);
	ck_assert_int_eq(told.confirm.native, 0xe9);
	ck_assert_uint_eq(told.confirm.airtime_us, 9600);
	say_hex("850200000001e900000080250000");
	say_hex("8501000000630000000080250000");
	ck_assert_uint_eq(told.confirms, 2);
	ck_assert_int_eq(told.confirm.result, ZB_SENT_FAILED);
	ck_assert_uint_eq(told.fails, 0);
}
END_TEST

START_TEST(stack_window_is_kept)
{
	unsigned i;

	up();
	for (i = 1; i <= 4; i++)
		ck_assert_int_eq(send_one(i), 0);
	ck_assert_uint_eq(zb_socket_stack.room(stack), 0);
	ck_assert_int_eq(send_one(5), -EBUSY);
	say_hex(examples[7].hex);
	ck_assert_uint_eq(zb_socket_stack.room(stack), 1);
}
END_TEST

START_TEST(stack_network_down_loses_what_is_in_flight)
{
	up();
	send_one(1);
	say_hex("8101020f0852621aff000000004b1200dddddddddddddddd");
	ck_assert_uint_eq(told.losts, 1);
	ck_assert_int_eq(send_one(2), -EBUSY);
	say_hex(examples[1].hex);
	ck_assert_uint_eq(told.ups, 2);
	ck_assert_uint_eq(told.count[ZS_LIST], 2);
	ck_assert_uint_eq(zb_socket_stack.room(stack), 4);
}
END_TEST

START_TEST(stack_that_does_not_answer_hello_fails)
{
	zb_socket_stack.start(stack, now_ms);
	pass(4900);
	ck_assert_uint_eq(told.fails, 0);
	pass(200);
	ck_assert_uint_eq(told.fails, 1);
	ck_assert_int_eq(told.status, -ETIMEDOUT);
}
END_TEST

START_TEST(stack_silence_is_asked_about_and_then_fails)
{
	up();
	pass(5100);
	ck_assert_uint_eq(told.count[ZS_PING], 1);
	say_hex("0501000000");
	pass(14900);
	ck_assert_uint_eq(told.fails, 0);
	ck_assert_uint_eq(told.count[ZS_PING], 3);
	pass(200);
	ck_assert_uint_eq(told.fails, 1);
}
END_TEST

START_TEST(stack_ping_is_answered_with_its_value)
{
	up();
	say_hex("0401020304");
	ck_assert_uint_eq(told.said.type, ZS_PONG);
	ck_assert_uint_eq(told.said.id, 0x04030201);
}
END_TEST

/* What ends the connection, after NETWORK (`up`) or before it. */
static const struct {
	const char *name;
	bool up;
	const char *hex;
	unsigned fails;
} breaches[] = {
	{"too short", true, "82", 1},
	{"a value out of range", true, "820000000000000000341204", 1},
	{"a packet of ours", true, "02", 1},
	{"frame before network", false,
		"84341201000000004b1200040119000b0100ffd8803e000001", 1},
	{"no common version", false,
		"810000000000000000000000000000000000000000000000", 1},
	{"unknown type", true, "7f01", 0},
	{"unknown confirm", true, "8507000000000000000080250000", 0},
};

START_TEST(stack_breach_ends_it)
{
	if (breaches[_i].up)
		up();
	else
		zb_socket_stack.start(stack, now_ms);
	say_hex(breaches[_i].hex);
	ck_assert_msg(
		told.fails == breaches[_i].fails, "%s", breaches[_i].name);
	/* Nothing more after that. */
	if (told.fails)
		say_hex(examples[5].hex);
	ck_assert_uint_eq(told.heard, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.zigbee_socket");
	TCase *c = tcase_create("socket");
	int count = (int)(sizeof(examples) / sizeof(examples[0]));

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, packet_examples_are_read_and_written, 0, count);
	tcase_add_loop_test(c, packet_cut_anywhere_breaks_the_rules, 0, count);
	tcase_add_loop_test(c, packet_hostile_is_refused, 0,
		(int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(c, packet_longer_than_the_rules_allow_is_refused);
	tcase_add_test(c, stack_network_brings_it_up_and_nodes_are_listed);
	tcase_add_test(c, stack_frames_come_through);
	tcase_add_test(c, stack_confirms_each_once_and_in_any_order);
	tcase_add_test(c, stack_window_is_kept);
	tcase_add_test(c, stack_network_down_loses_what_is_in_flight);
	tcase_add_test(c, stack_that_does_not_answer_hello_fails);
	tcase_add_test(c, stack_silence_is_asked_about_and_then_fails);
	tcase_add_test(c, stack_ping_is_answered_with_its_value);
	tcase_add_loop_test(c, stack_breach_ends_it, 0,
		(int)(sizeof(breaches) / sizeof(breaches[0])));
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

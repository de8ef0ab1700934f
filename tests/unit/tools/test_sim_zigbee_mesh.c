/* The channel and the network, and the two front ends of this part: Z-Stack and
 * zcl-socket. */
#include "tests/unit/tools/sim_zigbee_rig.h"

static struct ncp rig;

static void setup(void)
{
	rig_init(&rig);
}

static void teardown(void)
{
	rig_done(&rig);
}

/* ---- channel ---- */

static const struct {
	const char *name;
	uint32_t us;
	uint32_t published_us; /* docs/zigbee.md */
} costs[] = {
	{"block of 50, its request, the ack of that", 15444, 15500},
	{"both directions acknowledged", 19696, 19700},
	{"no acknowledgements", 11192, 11200},
};

START_TEST(air_of_block_takes_published_time)
{
	uint32_t us = air_frame_us(67) + air_frame_us(17);

	if (_i < 2)
		us += air_ack_us();
	if (_i == 1)
		us += air_ack_us();
	ck_assert_msg(us == costs[_i].us, "%s: %u", costs[_i].name, us);
	ck_assert_int_lt(abs((int)us - (int)costs[_i].published_us), 100);
}
END_TEST

START_TEST(air_of_radio_carries_one_frame_at_a_time)
{
	rig.setup.air.radio = true;
	rig.node_setup.think_ns = 0;
	rig_start(&rig, 4);
	for (unsigned i = 0; i < 4; i++)
		rig_send(&rig, (uint16_t)(0x1000 + i), 0x0104, 0x0019, 1, 1,
			"1942000064");
	rig_run(&rig, 10 * RIG_S);
	ck_assert_uint_eq(mesh_air(rig.mesh)->busy_us,
		mesh_counts(rig.mesh)->airtime_down_us +
			mesh_counts(rig.mesh)->airtime_up_us +
			4 * air_frame_us(12));
	/* Four downloads share what one would have. */
	ck_assert_uint_ge(rig_command(&rig, 6, 3)->at - RIG_S,
		4 * (RIG_SIZE / 50) * 15 * RIG_MS);
}
END_TEST

START_TEST(air_of_two_hops_takes_twice_the_time)
{
	rig.setup.air.radio = true;
	rig.node_setup.hops = 2;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 20 * RIG_MS);
	ck_assert_uint_eq(rig.airtime_us, 2 * air_frame_us(5));
}
END_TEST

START_TEST(air_of_same_seed_loses_same_frames)
{
	uint64_t lost[2], at[2];

	rig.setup.air.loss_ppm = 100000;
	for (unsigned i = 0; i < 2; i++) {
		rig_start(&rig, 1);
		rig.node_setup.eui64--;
		rig.now = RIG_S;
		rig_notify(&rig);
		ck_assert(rig_updates(&rig, 600 * RIG_S));
		lost[i] = mesh_air(rig.mesh)->lost;
		at[i] = rig.now;
		if (i == 0)
			mesh_free(rig.mesh);
	}
	ck_assert_uint_gt(lost[0], 0);
	ck_assert_uint_eq(lost[0], lost[1]);
	ck_assert_uint_eq(at[0], at[1]);
}
END_TEST

/* ---- confirms ---- */

START_TEST(mesh_send_beyond_buffers_is_refused)
{
	rig.setup.network.buffers = 2;
	rig_start(&rig, 1);
	for (unsigned i = 0; i < 5; i++)
		rig_notify(&rig);
	ck_assert_uint_eq(rig.confirms, 0);
	rig_run(&rig, 10 * RIG_MS);
	ck_assert_uint_eq(rig.ended[NCP_NO_BUFFER], 3);
	ck_assert_uint_eq(mesh_counts(rig.mesh)->in_flight_peak, 2);
}
END_TEST

START_TEST(mesh_send_to_nobody_has_no_route)
{
	rig_start(&rig, 1);
	rig_send(&rig, 0x4444, 0x0104, 0x0019, 1, 1, "1942000064");
	rig_run(&rig, RIG_MS);
	ck_assert_uint_eq(rig.ended[NCP_NO_ROUTE], 1);
}
END_TEST

START_TEST(mesh_send_lost_with_ack_is_tried_again)
{
	rig.setup.air.loss_every = 1;
	rig.ack = true;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 4 * RIG_S);
	ck_assert_uint_eq(rig.confirms, 0);
	rig_run(&rig, RIG_S);
	ck_assert_uint_eq(rig.ended[NCP_NO_ACK], 1);
	ck_assert_uint_eq(mesh_counts(rig.mesh)->retries, 3);
	ck_assert_uint_eq(rig.airtime_us, 4 * air_frame_us(5));
}
END_TEST

START_TEST(mesh_send_lost_without_ack_counts_as_sent)
{
	rig.setup.air.loss_every = 1;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, RIG_S);
	ck_assert_uint_eq(rig.ended[NCP_SENT], 1);
	ck_assert_uint_eq(rig.node->counts.notifies, 0);
}
END_TEST

START_TEST(mesh_send_of_too_long_frame_fails)
{
	char hex[2 * 83 + 1];

	memset(hex, '0', sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	rig_start(&rig, 1);
	rig_send(&rig, 0x1000, 0x0104, 0x0019, 1, 1, hex);
	rig_run(&rig, RIG_MS);
	ck_assert_uint_eq(mesh_counts(rig.mesh)->too_long, 1);
	ck_assert_uint_eq(rig.ended[NCP_NO_ACK], 1);
}
END_TEST

START_TEST(mesh_duplicating_delivers_twice)
{
	rig.setup.air.duplicate_every = 1;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->counts.notifies, 2);
	ck_assert_uint_eq(rig_commands(&rig, 1), 2);
	ck_assert_uint_eq(rig.node->counts.bad_bytes, 0);
}
END_TEST

/* Block answers end before, right before or after the next request. */
START_TEST(mesh_confirms_come_when_told)
{
	rig.setup.confirms = (enum mesh_confirms)_i;
	rig.node_setup.think_ns = 5 * RIG_MS;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 10 * RIG_MS);
	rig.confirms = 0;
	rig.log_count = 0;
	while (rig.confirms == 0) {
		rig.now = mesh_due(rig.mesh);
		mesh_time(rig.mesh, rig.now);
	}
	if (_i == MESH_CONFIRM_LATE)
		ck_assert_uint_gt(rig.confirms_at_log, 0);
	else
		ck_assert_uint_eq(rig.confirms_at_log,
			_i == MESH_CONFIRM_AT_ONCE);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
}
END_TEST

START_TEST(mesh_forget_endpoints_drops_what_is_in_flight)
{
	rig.node_setup.poll_ns = 2 * RIG_S;
	rig_start(&rig, 1);
	rig_notify(&rig);
	mesh_forget_endpoints(rig.mesh);
	rig_run(&rig, 20 * RIG_S);
	ck_assert_uint_eq(rig.confirms, 0);
	ck_assert_uint_eq(mesh_in_flight(rig.mesh), 0);
}
END_TEST

START_TEST(mesh_form_of_other_network_loses_nodes)
{
	struct ncp_network net;

	rig_start(&rig, 1);
	net = *mesh_network(rig.mesh);
	mesh_form(rig.mesh, &net);
	ck_assert(rig.node->joined);
	net.pan++;
	mesh_form(rig.mesh, &net);
	ck_assert(!rig.node->joined);
	node_join(rig.node, rig.now, true);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
}
END_TEST

START_TEST(mesh_add_of_known_address_fails)
{
	struct fault fault = {0};

	rig_start(&rig, 1);
	rig.node_setup.eui64--;
	ck_assert_int_lt(mesh_add(rig.mesh, &rig.node_setup, rig.now, &fault,
				 NULL),
		0);
	ck_assert_str_eq(fault.field, "eui64");
}
END_TEST

START_TEST(queue_of_equal_times_keeps_order)
{
	struct queue_item items[50];
	struct queue q;

	rig_start(&rig, 0);
	ck_assert_int_eq(queue_init(&q, 50), 0);
	for (int i = 0; i < 50; i++) {
		items[i] = (struct queue_item){.kind = i};
		queue_put(&q, &items[i], i % 2 ? 7 : 3);
	}
	queue_take(&q, &items[10]);
	for (int i = 0; i < 49; i++) {
		struct queue_item *first = queue_first(&q);
		int expected = i < 24 ? 2 * (i < 5 ? i : i + 1)
				      : 2 * (i - 24) + 1;

		ck_assert_int_eq(first->kind, expected);
		queue_take(&q, first);
	}
	ck_assert_ptr_null(queue_first(&q));
	queue_done(&q);
}
END_TEST

/* ---- Z-Stack ---- */

/* docs/zigbee.md */
#define REGISTER "fe0f2400010401050000000300000a001900003a"
#define NOTIFY "fe0f240100100101190007001e05194200006400"

static struct mesh *znp_mesh;
static struct ncp *znp;
static const struct ncp_ops *front;
static uint64_t now;

static void open_front(const struct ncp_ops *ops, const char *options)
{
	struct mesh_setup setup_of;
	struct node_setup node;

	mesh_setup_init(&setup_of);
	node_setup_init(&node);
	node.timers.interval_ms = 0;
	front = ops;
	now = RIG_S;
	ck_assert_int_eq(mesh_new(&setup_of, &znp_mesh), 0);
	ck_assert_int_eq(ops->create(znp_mesh, options, &znp), 0);
	mesh_attach(znp_mesh, ops, znp);
	ck_assert_int_eq(mesh_add(znp_mesh, &node, now, NULL, NULL), 0);
}

static void close_front(void)
{
	front->destroy(znp);
	mesh_free(znp_mesh);
}

static void pass(uint64_t ns)
{
	uint64_t end = now + ns;

	for (;;) {
		uint64_t due = mesh_due(znp_mesh);

		if (front->due(znp) < due)
			due = front->due(znp);
		if (due > end)
			break;
		if (due > now)
			now = due;
		mesh_time(znp_mesh, now);
		front->time(znp, now);
	}
	now = end;
}

static void tell(const char *hex)
{
	uint8_t bytes[512];
	size_t len = strlen(hex) / 2;

	ck_assert_int_eq(bytes_from_hex(hex, bytes, len), 0);
	front->input(znp, now, bytes, len);
}

static void hear(const char *hex)
{
	uint8_t bytes[512];
	char text[2 * sizeof(bytes) + 1];
	size_t len = front->output(znp, now, bytes, sizeof(bytes));

	ck_assert_str_eq(
		bytes_to_hex(bytes_of(bytes, len), text, sizeof(text)), hex);
}

/* Without their check bytes. */
static const struct {
	const char *name;
	const char *ask;
	const char *answer;
} calls[] = {
	{"ping", "fe002101", "fe0261015906"},
	{"version", "fe002102", "fe0961020201020701"
				"6bb13401"},
	{"getExtAddr", "fe002104", "fe086104779fd609004b1200"},
	{"an unknown command", "fe002177", "fe036000022177"},
	{"an unknown subsystem", "fe002801", "fe036000012801"},
	{"length of the NIB", "fe0221132100", "fe0261137400"},
	{"length of what is not there", "fe0221137000", "fe0261130000"},
	{"value of the key", "fe04211c62000000",
		"fe12611c0010"
		"01030507090b0d0f00020406080a0c0d"},
	{"value of what is not there", "fe04211c70000000", "fe02611c0200"},
	{"a request that is cut off", "fe01211c62", "fe03600004211c"},
	{"device information before the start", "fe002700",
		"fe0e670000779fd609004b1200feff070000"},
	{"registering half an endpoint", "fe03240001" "0401", "fe01640002"},
};

static size_t add_check(uint8_t *bytes)
{
	size_t len = 4u + bytes[1];

	bytes[len] = 0;
	for (size_t i = 1; i < len; i++)
		bytes[len] ^= bytes[i];
	return len + 1;
}

START_TEST(znp_asked_answers)
{
	uint8_t bytes[64], expected[64];
	char hex[140];
	size_t len;

	open_front(&ncp_znp, "");
	ck_assert_int_eq(bytes_from_hex(calls[_i].ask, bytes,
				 strlen(calls[_i].ask) / 2),
		0);
	ck_assert_int_eq(bytes_from_hex(calls[_i].answer, expected,
				 strlen(calls[_i].answer) / 2),
		0);
	len = add_check(bytes);
	front->input(znp, now, bytes, len);
	len = front->output(znp, now, bytes, sizeof(bytes));
	bytes_to_hex(bytes_of(bytes, len), hex, sizeof(hex));
	ck_assert_msg(len == add_check(expected) &&
			      memcmp(bytes, expected, len) == 0,
		"%s: %s", calls[_i].name, hex);
	close_front();
}
END_TEST

static void znp_start(const char *options)
{
	open_front(&ncp_znp, options);
	tell("fe022540640003");
	pass(RIG_S);
	hear("fe0165400024" "fe0145c0098d");
	tell(REGISTER);
	hear("fe0164000065");
}

START_TEST(znp_started_is_coordinator_and_registers)
{
	znp_start("");
	close_front();
}
END_TEST

START_TEST(znp_given_published_notify_confirms_it)
{
	znp_start("");
	tell(NOTIFY);
	hear("fe0164010064");
	pass(RIG_MS);
	hear("fe0344800001" "07c1");
	pass(2 * RIG_MS);
	/* AF_INCOMING_MSG, whose timestamp is that of the rig. */
	{
		uint8_t bytes[64];
		size_t len = front->output(znp, now, bytes, sizeof(bytes));

		ck_assert_uint_eq(len, 5 + 17 + 12 + 3);
		ck_assert_uint_eq(bytes[3], 0x81);
		ck_assert_uint_eq(get_le16(bytes + 8), 0x1000);
		ck_assert_uint_eq(bytes[20], 12);
		ck_assert_mem_eq(bytes + 21,
			"\x01\x00\x01\x00\x34\x12\x02\x01\x01\x00\x00\x00",
			12);
	}
	close_front();
}
END_TEST

START_TEST(znp_given_noise_goes_on_byte_by_byte)
{
	open_front(&ncp_znp, "");
	/* A false start whose length covers the true frame. */
	tell("00fefe00210120");
	hear("fe02610159063d");
	close_front();
}
END_TEST

START_TEST(znp_given_bad_check_says_nothing)
{
	open_front(&ncp_znp, "");
	tell("fe00210121");
	hear("");
	tell("fe00210120");
	hear("fe02610159063d");
	close_front();
}
END_TEST

START_TEST(znp_reset_forgets_endpoints)
{
	znp_start("");
	tell("fe0141000141");
	pass(RIG_S);
	hear("fe064180000201020701c0");
	tell(NOTIFY);
	hear("fe0164010165");
	close_front();
}
END_TEST

START_TEST(znp_full_refuses_in_confirm_or_at_once)
{
	uint8_t bytes[512];
	size_t len, full = 0, none = 0;

	znp_start(_i ? "refusal=early" : "");
	for (int i = 0; i < 10; i++)
		tell(NOTIFY);
	pass(100000);
	len = front->output(znp, now, bytes, sizeof(bytes));
	for (size_t i = 0; i + 5 < len; i += 5u + bytes[i + 1]) {
		full += bytes[i + 3] == 0x80 && bytes[i + 4] == 0x11;
		none += bytes[i + 3] == 0x01 && bytes[i + 4] == 0x10;
	}
	ck_assert_uint_eq(full, _i ? 0 : 2);
	ck_assert_uint_eq(none, _i ? 2 : 0);
	close_front();
}
END_TEST

/* ---- zcl-socket: the example of docs/zigbee.md ---- */

START_TEST(zcl_socket_greeted_tells_network_and_devices)
{
	open_front(&ncp_zcl_socket, "");
	tell("015a434c530101");
	hear("8101070b0852621a779fd609004b1200dddddddddddddddd"
	     "66657272792d73696d");
	tell("02");
	hear("8201000000004b1200001004");
	hear("830100");
	hear("");
	tell("0401020304");
	hear("0501020304");
	close_front();
}
END_TEST

START_TEST(zcl_socket_given_send_confirms_it)
{
	uint8_t bytes[256];

	open_front(&ncp_zcl_socket, "");
	tell("015a434c530101");
	(void)front->output(znp, now, bytes, sizeof(bytes));
	tell("03" "01000000" "0010" "01000000004b1200" "0401" "1900" "01" "01"
	     "00" "00" "1942000064");
	pass(RIG_MS);
	hear("85" "01000000" "00" "00000000" "3c110000");
	pass(3 * RIG_MS);
	ck_assert_uint_gt(front->output(znp, now, bytes, sizeof(bytes)), 0);
	ck_assert_uint_eq(bytes[0], 0x84);
	ck_assert_uint_eq(bytes[26], 1);
	close_front();
}
END_TEST

static const struct {
	const char *name;
	const char *hex;
	bool broken;
} packets[] = {
	{"SEND that is too short", "03010000000010", true},
	{"SEND with id 0",
		"0300000000001001000000004b12000401190001010000" "19", true},
	{"a second HELLO", "015a434c530101", true},
	{"PING that is too short", "0401", true},
	{"an unknown type", "7700", false},
	{"a longer PING", "04010203040506", false},
};

START_TEST(zcl_socket_given_packet_against_rules_ends)
{
	uint8_t bytes[256];

	open_front(&ncp_zcl_socket, "");
	tell("015a434c530101");
	tell(packets[_i].hex);
	while (front->output(znp, now, bytes, sizeof(bytes)) > 0)
		continue;
	ck_assert_msg(front->broken(znp) == packets[_i].broken, "%s",
		packets[_i].name);
	close_front();
}
END_TEST

START_TEST(zcl_socket_not_greeted_ends)
{
	open_front(&ncp_zcl_socket, "");
	tell("02");
	ck_assert(front->broken(znp));
	close_front();
}
END_TEST

START_TEST(zcl_socket_of_newer_host_answers_version_0)
{
	uint8_t bytes[256];

	open_front(&ncp_zcl_socket, "");
	tell("015a434c530203");
	ck_assert_uint_gt(front->output(znp, now, bytes, sizeof(bytes)), 0);
	ck_assert_uint_eq(bytes[1], 0);
	ck_assert(front->broken(znp));
	close_front();
}
END_TEST

static void add_front_tests(Suite *s)
{
	TCase *c = tcase_create("fronts");

	tcase_add_loop_test(c, znp_asked_answers, 0,
		sizeof(calls) / sizeof(calls[0]));
	tcase_add_test(c, znp_started_is_coordinator_and_registers);
	tcase_add_test(c, znp_given_published_notify_confirms_it);
	tcase_add_test(c, znp_given_noise_goes_on_byte_by_byte);
	tcase_add_test(c, znp_given_bad_check_says_nothing);
	tcase_add_test(c, znp_reset_forgets_endpoints);
	tcase_add_loop_test(c, znp_full_refuses_in_confirm_or_at_once, 0, 2);
	tcase_add_test(c, zcl_socket_greeted_tells_network_and_devices);
	tcase_add_test(c, zcl_socket_given_send_confirms_it);
	tcase_add_loop_test(c, zcl_socket_given_packet_against_rules_ends, 0,
		sizeof(packets) / sizeof(packets[0]));
	tcase_add_test(c, zcl_socket_not_greeted_ends);
	tcase_add_test(c, zcl_socket_of_newer_host_answers_version_0);
	suite_add_tcase(s, c);
}

int main(void)
{
	Suite *s = suite_create("sim_zigbee_mesh");
	TCase *c = tcase_create("mesh");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, air_of_block_takes_published_time, 0,
		sizeof(costs) / sizeof(costs[0]));
	tcase_add_test(c, air_of_radio_carries_one_frame_at_a_time);
	tcase_add_test(c, air_of_two_hops_takes_twice_the_time);
	tcase_add_test(c, air_of_same_seed_loses_same_frames);
	tcase_add_test(c, mesh_send_beyond_buffers_is_refused);
	tcase_add_test(c, mesh_send_to_nobody_has_no_route);
	tcase_add_test(c, mesh_send_lost_with_ack_is_tried_again);
	tcase_add_test(c, mesh_send_lost_without_ack_counts_as_sent);
	tcase_add_test(c, mesh_send_of_too_long_frame_fails);
	tcase_add_test(c, mesh_duplicating_delivers_twice);
	tcase_add_loop_test(c, mesh_confirms_come_when_told, 0, 3);
	tcase_add_test(c, mesh_forget_endpoints_drops_what_is_in_flight);
	tcase_add_test(c, mesh_form_of_other_network_loses_nodes);
	tcase_add_test(c, mesh_add_of_known_address_fails);
	tcase_add_test(c, queue_of_equal_times_keeps_order);
	suite_add_tcase(s, c);
	add_front_tests(s);
	return unit_run(s);
}

/* The sim driver, hosted; the test plays the simulator, frame by frame. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/driver-check/rig.h"
#include "transports/sim/sim.h"
#include "transports/sim/sim_wire.h"

static struct rig rig;
static struct transport_driver *driver;
static char folder[] = "/tmp/ferry-sim-XXXXXX";
static char path[64];
static int server = -1;
static int radio = -1;
static struct sim_frame heard;
static uint8_t heard_raw[SIM_WIRE_MAX];

static void setup(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/radio", folder);
	strcpy(at.sun_path, path);
	server = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(server, 4), 0);
	ck_assert_int_eq(rig_init(&rig), 0);
	ck_assert_int_eq(
		transport_driver_admit(sim_driver(), &driver, NULL), 0);
}

static void teardown(void)
{
	rig_done(&rig);
	transport_driver_free(driver);
	close(server);
	if (radio >= 0)
		close(radio);
	radio = -1;
	unlink(path);
	rmdir(folder);
}

static bool listened(void)
{
	ssize_t n = recv(radio, heard_raw, sizeof(heard_raw), MSG_DONTWAIT);

	return n > 0 &&
	       sim_wire_read(bytes_of(heard_raw, (size_t)n), &heard) == 0;
}

static void hear(enum sim_type type)
{
	bool got = false;

	RIG_UNTIL(&rig, 5000, (got = got || listened()));
	ck_assert(got);
	ck_assert_int_eq(heard.type, type);
}

static void say(struct sim_frame f)
{
	struct buf out;

	buf_init(&out, SIM_WIRE_MAX);
	ck_assert_int_eq(sim_wire_write(&f, &out), 0);
	ck_assert_int_eq(
		send(radio, out.at, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
	buf_done(&out);
}

static void start(const struct rig_options *options)
{
	const struct ferry_kv kv = {"path", path};

	ck_assert_int_eq(rig_open(&rig, driver, &kv, 1, options), 0);
	RIG_UNTIL(&rig, 5000,
		(radio = accept4(server, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	hear(SIM_HELLO);
	ck_assert_uint_eq(heard.version, SIM_WIRE_VERSION);
}

static void up(void)
{
	start(NULL);
	say((struct sim_frame){.type = SIM_WELCOME, .version = 1, .window = 6});
	RIG_UNTIL(&rig, 5000, rig.ups);
	ck_assert_uint_eq(rig.ups, 1);
}

/* Connects with payload 50 and window 4; the number on the wire. */
static uint32_t link_up(const char *peer, struct rig_request *q)
{
	const struct ferry_channel_spec channel = {0};
	const struct transport_connect c = {
		.peer = peer, .channels = &channel, .channel_count = 1};
	uint32_t number;

	rig_request_init(q, &rig);
	ck_assert_int_eq(transport_connect(rig.t, &c, rig_on_done, q, NULL), 0);
	hear(SIM_CONNECT);
	number = heard.link;
	say((struct sim_frame){.type = SIM_CONNECTED,
		.link = number,
		.payload = 50,
		.window = 4,
		.level = FERRY_DELIVERED,
		.security = FERRY_SECURITY_NETWORK});
	RIG_UNTIL(&rig, 5000, q->done);
	ck_assert_int_eq(q->result.status, 0);
	return number;
}

START_TEST(start_fails_when_nobody_listens)
{
	const struct ferry_kv kv = {"path", "/tmp/ferry-sim-nobody"};

	ck_assert_int_eq(rig_open(&rig, driver, &kv, 1, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -ENOENT);
	ck_assert_uint_eq(rig.ups, 0);
}
END_TEST

START_TEST(start_fails_when_the_greeting_does_not_fit)
{
	start(NULL);
	say((struct sim_frame){.type = SIM_WELCOME, .version = 9, .window = 6});
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -EPROTO);
}
END_TEST

START_TEST(peer_is_reported_with_all_it_has)
{
	struct sim_frame f = {.type = SIM_PEER,
		.flags = FERRY_PEER_SLEEPY,
		.id_kind = FERRY_ID_HARDWARE,
		.peer = bytes_of_text("00:11"),
		.was = bytes_of_text("00:10"),
		.address = bytes_of_text("0x1234"),
		.attribute_count = 1};

	f.attributes[0].key = bytes_of_text("model");
	f.attributes[0].value = bytes_of_text("lamp");
	up();
	say(f);
	RIG_UNTIL(&rig, 5000, rig.peer_count);
	ck_assert_str_eq(rig.peers[0].key, "00:11");
	ck_assert_str_eq(rig.peers[0].was, "00:10");
	ck_assert_str_eq(rig.peers[0].address, "0x1234");
	ck_assert_uint_eq(rig.peers[0].flags, FERRY_PEER_SLEEPY);
	ck_assert_uint_eq(rig.peers[0].id_kind, FERRY_ID_HARDWARE);
}
END_TEST

START_TEST(connect_gives_payload_window_level_and_capabilities)
{
	struct rig_request q;

	up();
	link_up("00:11", &q);
	ck_assert_uint_eq(q.payload, 50);
	ck_assert_uint_eq(q.window, 4);
	ck_assert_uint_eq(q.level, FERRY_DELIVERED);
	ck_assert_uint_ne(q.caps & FERRY_CAP_DELIVERED, 0);
	ck_assert_int_eq(rig_connect(&rig, "00:11", &q), -EBUSY);
}
END_TEST

START_TEST(connect_pends_and_is_cancelled_or_refused)
{
	const struct ferry_channel_spec channel = {0};
	const struct transport_connect c = {
		.peer = "x", .channels = &channel, .channel_count = 1};
	struct rig_request q;
	uint32_t number;
	uint64_t token;

	up();
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, &token), 0);
	hear(SIM_CONNECT);
	number = heard.link;
	transport_cancel(rig.t, token);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, -ECANCELED);
	hear(SIM_DISCONNECT);
	ck_assert_uint_eq(heard.link, number);
	/* The simulator's answer crossed, and is no link. */
	say((struct sim_frame){.type = SIM_CONNECTED,
		.link = number,
		.payload = 50,
		.window = 4,
		.level = 1});
	say((struct sim_frame){.type = SIM_DISCONNECTED, .link = number});
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, &token), 0);
	hear(SIM_CONNECT);
	ck_assert_uint_ne(heard.link, number);
	say((struct sim_frame){.type = SIM_CONNECTED,
		.link = heard.link,
		.status = FERRY_SECURITY});
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, ERR_TRANSPORT_SECURITY);
}
END_TEST

START_TEST(send_and_confirm_carry_level_airtime_and_delay)
{
	struct rig_request link, q;

	up();
	link_up("a", &link);
	ck_assert_int_eq(rig_send(&rig, link.result.link, bytes_of_text("ping"),
				 FERRY_DELIVERED, &q),
		0);
	hear(SIM_SEND);
	ck_assert(bytes_is_text(heard.data, "ping"));
	ck_assert_uint_eq(heard.level, FERRY_DELIVERED);
	say((struct sim_frame){.type = SIM_CONFIRM,
		.id = heard.id,
		.level = FERRY_DELIVERED,
		.airtime_us = 4200});
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	ck_assert_uint_eq(q.result.level, FERRY_DELIVERED);
	ck_assert_uint_eq(q.result.airtime_us, 4200);
	ck_assert_int_eq(rig_send(&rig, link.result.link, bytes_of_text("ping"),
				 FERRY_DELIVERED, &q),
		0);
	hear(SIM_SEND);
	say((struct sim_frame){.type = SIM_CONFIRM,
		.id = heard.id,
		.status = FERRY_NOT_NOW,
		.retry_after_ms = 250});
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, ERR_TRANSPORT_NOT_NOW);
	ck_assert_uint_eq(q.result.retry_after_ms, 250);
}
END_TEST

START_TEST(message_carries_peer_reply_and_security)
{
	struct rig_request q;
	uint32_t number;

	up();
	number = link_up(NULL, &q);
	say((struct sim_frame){.type = SIM_MESSAGE,
		.link = number,
		.flags = 1,
		.security = FERRY_SECURITY_LINK,
		.peer = bytes_of_text("c3"),
		.reply = bytes_of("\1\2", 2),
		.data = bytes_of_text("news")});
	RIG_UNTIL(&rig, 5000, rig.messages);
	ck_assert(bytes_is_text(buf_bytes(&rig.in), "news"));
	ck_assert_str_eq(rig.last_peer, "c3");
	ck_assert_uint_eq(rig.last_flags, FERRY_MESSAGE_BROADCAST);
	ck_assert_uint_eq(rig.last_security, FERRY_SECURITY_LINK);
	ck_assert_uint_eq(rig.last_reply_len, 2);
	ck_assert_uint_eq(rig.last_reply[1], 2);
}
END_TEST

START_TEST(send_on_an_any_peer_link_needs_an_address)
{
	struct rig_request link, q;
	struct transport_send s = {.until = FERRY_TAKEN,
		.data = {(const uint8_t *)"x", 1},
		.to = "c3"};

	up();
	link_up(NULL, &link);
	ck_assert_int_eq(rig_send(&rig, link.result.link, bytes_of_text("x"),
				 FERRY_TAKEN, &q),
		0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, -EHOSTUNREACH);
	s.link = link.result.link;
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_send(rig.t, &s, rig_on_done, &q, NULL), 0);
	hear(SIM_SEND);
	ck_assert(bytes_is_text(heard.peer, "c3"));
	ck_assert(rig_close(&rig));
}
END_TEST

START_TEST(payload_that_changes_is_told_and_held)
{
	static const uint8_t block[50];
	struct rig_request link, q;
	uint32_t number;

	up();
	number = link_up("a", &link);
	ck_assert_int_eq(rig_send(&rig, link.result.link, bytes_of(block, 50),
				 FERRY_TAKEN, &q),
		0);
	hear(SIM_SEND);
	say((struct sim_frame){
		.type = SIM_CONFIRM, .id = heard.id, .level = 1});
	say((struct sim_frame){.type = SIM_CHANGED,
		.link = number,
		.payload = 20,
		.window = 1});
	RIG_UNTIL(&rig, 5000, rig.changes && q.done);
	ck_assert_uint_eq(rig.changed.max_payload, 20);
	ck_assert_int_eq(rig_send(&rig, link.result.link, bytes_of(block, 21),
				 FERRY_TAKEN, &q),
		-EMSGSIZE);
	ck_assert_uint_eq(transport_room(rig.t, link.result.link, 0), 1);
}
END_TEST

START_TEST(lost_peer_ends_its_sends_then_its_link)
{
	struct rig_request link, q[3];
	uint32_t number;
	unsigned i;

	up();
	number = link_up("a", &link);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(rig_send(&rig, link.result.link,
					 bytes_of_text("x"), FERRY_SENT, &q[i]),
			0);
	for (i = 0; i < 3; i++)
		hear(SIM_SEND);
	say((struct sim_frame){
		.type = SIM_DOWN, .link = number, .status = -ENODEV});
	RIG_UNTIL(&rig, 5000, rig.downs);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(q[i].count, 1);
		ck_assert_int_eq(q[i].result.status, -ENODEV);
	}
	ck_assert_int_eq(rig.down_status, -ENODEV);
	ck_assert_uint_eq(rig.instance_downs, 0);
	number = link_up("a", &link);
	ck_assert_uint_ne(number, 0);
}
END_TEST

START_TEST(disconnect_ends_sends_without_confirm)
{
	struct rig_request link, q, bye;
	uint32_t number;

	up();
	number = link_up("a", &link);
	ck_assert_int_eq(rig_send(&rig, link.result.link, bytes_of_text("x"),
				 FERRY_SENT, &q),
		0);
	rig_request_init(&bye, &rig);
	ck_assert_int_eq(transport_disconnect(
				 rig.t, link.result.link, rig_on_done, &bye),
		0);
	hear(SIM_SEND);
	hear(SIM_DISCONNECT);
	say((struct sim_frame){.type = SIM_DISCONNECTED, .link = number});
	RIG_UNTIL(&rig, 5000, bye.done);
	ck_assert_int_eq(q.result.status, -ECANCELED);
	ck_assert_uint_lt(q.order, bye.order);
	ck_assert_uint_eq(rig.downs, 0);
}
END_TEST

START_TEST(simulator_that_hangs_up_ends_all_and_is_tried_again)
{
	const struct rig_options options = {.restart_ms = 1};
	struct rig_request link;

	start(&options);
	say((struct sim_frame){.type = SIM_WELCOME, .version = 1, .window = 6});
	RIG_UNTIL(&rig, 5000, rig.ups);
	link_up("a", &link);
	close(radio);
	radio = -1;
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_uint_eq(rig.downs, 1);
	ck_assert_int_eq(rig.down_status, -ENODEV);
	RIG_UNTIL(&rig, 5000,
		(radio = accept4(server, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	hear(SIM_HELLO);
}
END_TEST

START_TEST(coordinator_down_ends_the_instance)
{
	up();
	say((struct sim_frame){.type = SIM_DOWN, .status = -EIO});
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -EIO);
}
END_TEST

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
} hostile[] = {
	{"unknown type", "\x7f", 1},
	{"a frame of ours", "\x02\0\0\0\0", 5},
	{"cut confirm", "\x85\1\0\0\0", 5},
	{"second welcome", "\x81\1\6\0", 4},
	{"peer with a control character", "\x82\0\0\0\1\n\0\0\0\0", 10},
	{"peer of an unknown kind", "\x82\0\x09\0\1k\0\0\0\0", 10},
};

START_TEST(hostile_frame_ends_the_instance)
{
	struct transport_counters c;

	up();
	ck_assert_int_eq(send(radio, hostile[_i].bytes, hostile[_i].len, 0),
		(ssize_t)hostile[_i].len);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_msg(rig.down_status == -EPROTO, "%s", hostile[_i].name);
	transport_counters(rig.t, &c);
	ck_assert_msg(c.breaches == 0, "%s", hostile[_i].name);
}
END_TEST

START_TEST(answers_to_nothing_are_ignored)
{
	up();
	say((struct sim_frame){.type = SIM_CONFIRM, .id = 77, .level = 1});
	say((struct sim_frame){.type = SIM_DISCONNECTED, .link = 77});
	say((struct sim_frame){
		.type = SIM_MESSAGE, .link = 77, .data = bytes_of_text("x")});
	say((struct sim_frame){.type = SIM_DOWN, .link = 77});
	say((struct sim_frame){.type = SIM_PEER, .peer = bytes_of_text("k")});
	RIG_UNTIL(&rig, 5000, rig.peer_count);
	ck_assert_uint_eq(rig.peer_count, 1);
	ck_assert_uint_eq(rig.instance_downs, 0);
}
END_TEST

START_TEST(scan_asks_the_simulator_and_ends_by_time)
{
	struct rig_request q;

	up();
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_scan(rig.t, 10, NULL, 0, rig_on_done, &q, NULL), 0);
	hear(SIM_SCAN);
	ck_assert_uint_eq(heard.ms, 10);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
}
END_TEST

START_TEST(set_travels_and_its_answer_comes_back)
{
	const struct ferry_kv kv = {"loss", "7"};
	struct rig_request link, q;

	up();
	link_up("a", &link);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_set(rig.t, link.result.link, &kv, 1, 0,
				 rig_on_done, &q, NULL),
		0);
	hear(SIM_SET);
	ck_assert(bytes_is_text(heard.key, "loss"));
	ck_assert(bytes_is_text(heard.value, "7"));
	say((struct sim_frame){.type = SIM_CONFIRM, .id = heard.id});
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
}
END_TEST

START_TEST(close_with_everything_outstanding_ends_all_once)
{
	const struct ferry_channel_spec channel = {0};
	const struct transport_connect c = {
		.peer = "later", .channels = &channel, .channel_count = 1};
	struct rig_request link, q[10], scan, pending;
	unsigned i;

	up();
	link_up("a", &link);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(rig_send(&rig, link.result.link,
					 bytes_of_text("x"), FERRY_SENT, &q[i]),
			0);
	rig_request_init(&scan, &rig);
	ck_assert_int_eq(
		transport_scan(rig.t, 60000, NULL, 0, rig_on_done, &scan, NULL),
		0);
	rig_request_init(&pending, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &pending, NULL), 0);
	ck_assert(rig_close(&rig));
	for (i = 0; i < 10; i++) {
		ck_assert_uint_eq(q[i].count, 1);
		ck_assert_int_eq(q[i].result.status, -ECANCELED);
	}
	ck_assert_int_eq(scan.result.status, -ECANCELED);
	ck_assert_int_eq(pending.result.status, -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.sim");
	TCase *c = tcase_create("sim");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, start_fails_when_nobody_listens);
	tcase_add_test(c, start_fails_when_the_greeting_does_not_fit);
	tcase_add_test(c, peer_is_reported_with_all_it_has);
	tcase_add_test(c, connect_gives_payload_window_level_and_capabilities);
	tcase_add_test(c, connect_pends_and_is_cancelled_or_refused);
	tcase_add_test(c, send_and_confirm_carry_level_airtime_and_delay);
	tcase_add_test(c, message_carries_peer_reply_and_security);
	tcase_add_test(c, send_on_an_any_peer_link_needs_an_address);
	tcase_add_test(c, payload_that_changes_is_told_and_held);
	tcase_add_test(c, lost_peer_ends_its_sends_then_its_link);
	tcase_add_test(c, disconnect_ends_sends_without_confirm);
	tcase_add_test(c, simulator_that_hangs_up_ends_all_and_is_tried_again);
	tcase_add_test(c, coordinator_down_ends_the_instance);
	tcase_add_loop_test(c, hostile_frame_ends_the_instance, 0,
		sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(c, answers_to_nothing_are_ignored);
	tcase_add_test(c, scan_asks_the_simulator_and_ends_by_time);
	tcase_add_test(c, set_travels_and_its_answer_comes_back);
	tcase_add_test(c, close_with_everything_outstanding_ends_all_once);
	suite_add_tcase(s, c);
	return unit_run(s);
}

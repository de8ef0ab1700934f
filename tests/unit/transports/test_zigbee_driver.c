/* The part of the driver zigbee that all stacks share: settings, what is heard,
 * and how it ends. Sending is in test_zigbee_sending.c. */
#include "tests/unit/transports/zigbee_play.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transports/zigbee/airtime.h"
#include "transports/zigbee/zdo.h"

/* ---- settings ---- */

static const struct {
	const char *name;
	struct ferry_kv kv[3];
	uint32_t count;
	const char *key; /* at fault */
	const char *rule; /* NULL: not looked at */
} bad_settings[] = {
	{"no stack", {{"port", "/x"}}, 1, "stack", NULL},
	{"unknown stack", {{"stack", "xbee"}, {"port", "/x"}}, 2, "stack", NULL},
	{"no port", {{"stack", "znp"}}, 1, "port", NULL},
	{"packets over tcp", {{"stack", "znp"}, {"port", "tcp://h:1"}}, 2,
		"port", NULL},
	{"channel", {{"stack", "znp"}, {"port", "/x"}, {"channel", "27"}}, 3,
		"channel", NULL},
	{"pan", {{"stack", "znp"}, {"port", "/x"}, {"pan", "0x10000"}}, 3,
		"pan", NULL},
	{"pan text", {{"stack", "znp"}, {"port", "/x"}, {"pan", "1a62"}}, 3,
		"pan", "must be a number of 0 to 0xffff"},
	{"socket without a path", {{"stack", "znp"}, {"port", "hub.sock"}}, 2,
		"port", "must be the absolute path of the stack's socket, at "
		"most 107 bytes"},
	{"short key",
		{{"stack", "znp"}, {"port", "/x"}, {"network_key", "0102"}}, 3,
		"network_key", "must be 32 hexadecimal digits, not all 0"},
	{"zero key",
		{{"stack", "znp"}, {"port", "/x"},
			{"network_key", "00000000000000000000000000000000"}},
		3, "network_key", NULL},
	{"window", {{"stack", "znp"}, {"port", "/x"}, {"window", "65"}}, 3,
		"window", NULL},
};

START_TEST(start_bad_setting_names_it)
{
	const char *name = bad_settings[_i].name;

	ck_assert_int_eq(
		start_with(bad_settings[_i].kv, bad_settings[_i].count), 0);
	ck_assert_msg(v.result_count == 1, "%s", name);
	ck_assert_msg(v.results[0].status == -EINVAL, "%s", name);
	ck_assert_msg(!strcmp(v.results[0].key, bad_settings[_i].key), "%s: %s",
		name, v.results[0].key);
	if (bad_settings[_i].rule)
		ck_assert_str_eq(v.results[0].text, bad_settings[_i].rule);
}
END_TEST

START_TEST(start_form_without_key_makes_a_random_one)
{
	static const uint8_t none[16];
	const struct ferry_kv kv[] = {
		{"stack", "znp"}, {"port", "/x"}, {"form", "yes"}};

	ck_assert_int_eq(start_with(kv, 3), 0);
	ck_assert(stack->config.form);
	ck_assert_int_ne(memcmp(stack->config.network_key, none, 16), 0);
}
END_TEST

START_TEST(start_line_that_cannot_be_opened_fails)
{
	const struct ferry_kv kv[] = {{"stack", "znp"}, {"port", "/radio"}};

	ck_assert_int_eq(start_with(kv, 2), 0);
	vhost_opened(&v, -ECONNREFUSED, 0);
	ck_assert_int_eq(vhost_result(&v, 1)->status, -ECONNREFUSED);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

START_TEST(start_network_that_does_not_come_ends_in_time)
{
	const struct ferry_kv kv[] = {{"stack", "znp"}, {"port", "/radio"}};

	ck_assert_int_eq(start_with(kv, 2), 0);
	vhost_opened(&v, 0, SOCK_SEQPACKET);
	vhost_pass(&v, 29000);
	ck_assert_int_eq(vhost_result(&v, 1)->status, -ETIMEDOUT);
}
END_TEST

/* Cut off in between, a memory that was cleared would be cleared once more. */
START_TEST(start_that_forms_has_the_time_for_it)
{
	const struct ferry_kv kv[] = {
		{"stack", "znp"}, {"port", "/radio"}, {"form", "yes"}};

	ck_assert_int_eq(start_with(kv, 3), 0);
	vhost_opened(&v, 0, SOCK_SEQPACKET);
	vhost_pass(&v, 100000);
	ck_assert_ptr_null(vhost_result(&v, 1));
	vhost_pass(&v, 30000);
	ck_assert_int_eq(vhost_result(&v, 1)->status, -ETIMEDOUT);
}
END_TEST

START_TEST(start_completes_with_network_and_group)
{
	start();
	ck_assert_str_eq(
		vhost_result(&v, 1)->text, "znp: test, channel 15, PAN 0x1a62");
	ck_assert_uint_eq(vhost_result(&v, 1)->window, 64);
	ck_assert_uint_eq(vhost_result(&v, 1)->payload, 82);
	ck_assert_uint_eq(vhost_peer(&v, "all-awake")->flags, FERRY_PEER_GROUP);
}
END_TEST

START_TEST(connect_second_or_to_a_peer_is_refused)
{
	const struct ferry_kv kv = {"cluster", "0x0019"};
	const struct ferry_channel_spec channel = {&kv, 1, 0};
	struct ferry_connect c = {.size = sizeof(c),
		.link = 9,
		.channels = &channel,
		.channel_count = 1};

	up();
	ck_assert_int_eq(zigbee_driver()->connect(v.self, 3, &c), -EBUSY);
	c.peer = LAMP_KEY;
	ck_assert_int_eq(
		zigbee_driver()->connect(v.self, 3, &c), -EHOSTUNREACH);
}
END_TEST

START_TEST(connect_link_key_security_is_not_reachable)
{
	const struct ferry_kv kv = {"cluster", "0x0019"};
	const struct ferry_channel_spec channel = {&kv, 1, 0};
	const struct ferry_connect c = {.size = sizeof(c),
		.link = 9,
		.min_security = FERRY_SECURITY_LINK,
		.channels = &channel,
		.channel_count = 1};

	start();
	ck_assert_int_eq(
		zigbee_driver()->connect(v.self, 3, &c), FERRY_SECURITY);
}
END_TEST

START_TEST(connect_bad_channel_names_the_setting)
{
	static const struct {
		struct ferry_kv kv;
		const char *key;
	} rows[] = {
		{{"endpoint", "1"}, "cluster"},
		{{"cluster", "OTA"}, "cluster"},
		{{"endpoint", "241"}, "endpoint"},
		{{"role", "both"}, "role"},
		{{"uuid", "1"}, "uuid"},
	};
	const struct ferry_channel_spec channel = {&rows[_i].kv, 1, 0};
	const struct ferry_connect c = {.size = sizeof(c),
		.link = 9,
		.channels = &channel,
		.channel_count = 1};

	start();
	ck_assert_int_eq(zigbee_driver()->connect(v.self, 3, &c), 0);
	ck_assert_int_eq(vhost_result(&v, 3)->status, -EINVAL);
	ck_assert_str_eq(vhost_result(&v, 3)->key, rows[_i].key);
}
END_TEST

/* ---- receiving ---- */

START_TEST(heard_frame_comes_with_peer_channel_and_reply)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 1);
	ck_assert_str_eq(v.messages[0].peer, LAMP_KEY);
	ck_assert_uint_eq(v.messages[0].channel, 0);
	ck_assert_uint_eq(v.messages[0].reply_len, 12);
	ck_assert_uint_eq(v.messages[0].security, FERRY_SECURITY_NETWORK);
	ck_assert_uint_eq(
		v.messages[0].airtime_us, zb_airtime_us(5, true, false));
}
END_TEST

START_TEST(heard_frame_of_unknown_cluster_is_dropped)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0006, "toggle");
	ck_assert_uint_eq(v.message_count, 0);
}
END_TEST

/* Other traffic loads the channel too, and is charged with the next frame. */
START_TEST(heard_airtime_of_other_frames_comes_along_bounded)
{
	unsigned i;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0006, "toggle");
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.messages[0].airtime_us,
		zb_airtime_us(5, true, false) + zb_airtime_us(6, true, false));
	for (i = 0; i < 200; i++)
		hear(0, LAMP_NWK, 0x0006, "toggle");
	hear(0, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.messages[1].airtime_us,
		zb_airtime_us(5, true, false) + 1000000);
}
END_TEST

START_TEST(answer_goes_back_between_the_same_endpoints)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	answer(0, "none");
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_uint_eq(sent[0].r.nwk, LAMP_NWK);
	ck_assert_uint_eq(sent[0].r.src_ep, 47);
	ck_assert_uint_eq(sent[0].r.dst_ep, 11);
	ck_assert_uint_eq(sent[0].r.profile, ZB_PROFILE_HA);
	ck_assert(sent[0].r.ack);
}
END_TEST

START_TEST(answer_follows_a_device_to_its_new_address)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	know(LAMP, 0x4321);
	answer(0, "none");
	ck_assert_uint_eq(sent[0].r.nwk, 0x4321);
}
END_TEST

static void confirms_and_hears(void)
{
	hears();
	confirms();
}

START_TEST(heard_before_a_confirm_is_delivered_at_once)
{
	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "block 1");
	answer(0, "data 1");
	frame.asdu = bytes_of_text("block 2");
	confirm = (struct zb_confirm){.id = sent[0].r.id};
	input(confirms_and_hears);
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_mem_eq(v.messages[1].data, "block 2", 7);
	/* And while the confirm does not come at all. */
	answer(1, "data 2");
	hear(0, LAMP_NWK, 0x0019, "block 2");
	ck_assert_uint_eq(v.message_count, 3);
}
END_TEST

START_TEST(stranger_is_held_until_it_is_known)
{
	const uint8_t rsp[] = {1, 0, 1, 0, 0, 0, 0, 0x4b, 0x12, 0, 0x34, 0x12};

	up();
	hear(0, LAMP_NWK, 0x0019, "first");
	hear(0, LAMP_NWK, 0x0019, "second");
	ck_assert_uint_eq(v.message_count, 0);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 1);
	ck_assert_uint_eq(last_sent(ZDO_IEEE_ADDR_REQ)->r.nwk, LAMP_NWK);
	ck_assert_uint_eq(last_sent(ZDO_IEEE_ADDR_REQ)->r.src_ep, 0);
	hear_zdo(LAMP_NWK, ZDO_IEEE_ADDR_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_mem_eq(v.messages[0].data, "first", 5);
	ck_assert_mem_eq(v.messages[1].data, "second", 6);
	ck_assert_str_eq(v.messages[1].peer, LAMP_KEY);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->nwk, "0x1234");
}
END_TEST

START_TEST(stranger_that_nobody_knows_is_asked_twice_and_forgotten)
{
	up();
	hear(0, LAMP_NWK, 0x0019, "first");
	confirm_it(0, ZB_SENT_OK);
	vhost_pass(&v, 1600);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	vhost_pass(&v, 5000);
	ck_assert_uint_eq(count_sent(ZDO_IEEE_ADDR_REQ), 2);
	know(LAMP, LAMP_NWK);
	ck_assert_uint_eq(v.message_count, 0);
}
END_TEST

START_TEST(strangers_in_flood_hold_a_bounded_number)
{
	unsigned i;

	up();
	for (i = 0; i < 1000; i++)
		hear(0, (uint16_t)(0x2000 + i / 2), 0x0019, "flood");
	for (i = 0; i < 500; i++)
		know(LAMP + i, (uint16_t)(0x2000 + i));
	ck_assert_uint_gt(v.message_count, 0);
	ck_assert_uint_le(v.message_count, 256);
	ck_assert_uint_le(sent_count, 8);
}
END_TEST

START_TEST(sender_of_unknown_kind_is_asked_once)
{
	/* nwk, then a node descriptor: end device, receiver off when idle */
	const uint8_t rsp[] = {1, 0, 0x34, 0x12, 0x02, 0x40, 0x80, 0x34, 0x12,
		82, 82, 0, 0, 0, 82, 0, 0};

	up();
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	hear(LAMP, LAMP_NWK, 0x0019, "query");
	ck_assert_uint_eq(v.message_count, 2);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "unknown");
	ck_assert_uint_eq(count_sent(ZDO_NODE_DESC_REQ), 1);
	hear_zdo(LAMP_NWK, ZDO_NODE_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "sleepy");
	ck_assert_uint_eq(vhost_peer(&v, LAMP_KEY)->flags, FERRY_PEER_SLEEPY);
}
END_TEST

START_TEST(announcement_tells_the_peer_again_with_a_count)
{
	const uint8_t annce[] = {
		1, 0x34, 0x12, 1, 0, 0, 0, 0, 0x4b, 0x12, 0, 0x8e};

	up();
	hear_zdo(LAMP_NWK, ZDO_DEVICE_ANNCE, annce, sizeof(annce));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "1");
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->kind, "router");
	/* The same one, told in another way. */
	told_joined = true;
	told_eui64 = LAMP;
	told_nwk = LAMP_NWK;
	told_sleepy = -1;
	told_gone = false;
	input(tells);
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "1");
	vhost_pass(&v, 5000);
	hear_zdo(LAMP_NWK, ZDO_DEVICE_ANNCE, annce, sizeof(annce));
	ck_assert_str_eq(vhost_peer(&v, LAMP_KEY)->joined, "2");
}
END_TEST

START_TEST(peer_that_left_is_gone)
{
	up();
	know(LAMP, LAMP_NWK);
	told_gone = true;
	input(tells);
	ck_assert_uint_eq(vhost_peer(&v, LAMP_KEY)->flags, FERRY_PEER_GONE);
}
END_TEST

START_TEST(thousand_peers_are_announced_some_at_a_time)
{
	unsigned i, before;

	up();
	for (i = 0; i < 1000; i++)
		stack->host->node(stack->arg, LAMP + 0x1000 + i,
			(uint16_t)(0x1000 + i), 0, false, false);
	before = v.peer_count;
	zigbee_driver()->on_wake(v.self);
	ck_assert_uint_eq(v.peer_count - before, 64);
	vhost_turn(&v);
	ck_assert_uint_eq(v.peer_count - before, 1000);
}
END_TEST

/* ---- losing ---- */

static void is_lost(void)
{
	confirmed = sent_count;
	stack->host->lost(stack->arg, "it was reset");
}

START_TEST(lost_network_ends_what_is_in_flight_and_comes_back)
{
	uint64_t first, second;

	network.window = 1;
	up_with_query();
	first = answer(0, "1");
	second = answer(0, "2");
	input(is_lost);
	ck_assert_int_eq(vhost_result(&v, first)->status, FERRY_NOT_DELIVERED);
	ck_assert_ptr_null(vhost_result(&v, second));
	ck_assert_uint_eq(sent_count, 1);
	input(is_up);
	ck_assert_uint_eq(v.changes, 1);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

/* In another network the old address may be anybody's. */
START_TEST(network_that_is_another_one_has_other_addresses)
{
	network.ext_pan = 1;
	up_with_query();
	input(is_lost);
	network.ext_pan = 2;
	input(is_up);
	send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(0x0019), 0);
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 1);
}
END_TEST

START_TEST(lost_network_that_stays_away_ends_the_instance)
{
	up();
	input(is_lost);
	vhost_pass(&v, 59000);
	ck_assert_uint_eq(v.downs, 0);
	vhost_pass(&v, 2000);
	ck_assert_uint_eq(v.downs, 1);
	ck_assert_int_eq(v.down_status, -ETIMEDOUT);
}
END_TEST

START_TEST(far_end_that_closes_ends_the_instance)
{
	up();
	close(v.far);
	v.far = -1;
	vhost_turn(&v);
	ck_assert_uint_eq(v.downs, 1);
	ck_assert_int_eq(v.down_status, -ENODEV);
}
END_TEST

static void fails(void)
{
	/* Check has a macro of that name. */
	(stack->host->fail)(stack->arg, -EPROTO, "not a coordinator");
}

START_TEST(stack_that_gives_up_ends_the_instance)
{
	up();
	input(fails);
	ck_assert_uint_eq(v.downs, 1);
	ck_assert_int_eq(v.down_status, -EPROTO);
	ck_assert_ptr_nonnull(strstr(v.down_text, ": not a coordinator"));
}
END_TEST

START_TEST(stop_completes_everything)
{
	uint64_t token;

	up_with_query();
	token = answer(0, "1");
	ck_assert_int_eq(zigbee_driver()->stop(v.self, 50), 0);
	ck_assert_int_eq(vhost_result(&v, token)->status, -ECANCELED);
	ck_assert_int_eq(v.results[v.result_count - 1].status, 0);
	ck_assert_uint_eq(v.results[v.result_count - 1].token, 50);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

/* DOWN of link 0 is the last event, whatever crosses it. */
START_TEST(request_that_crosses_the_end_is_not_answered)
{
	uint64_t token;
	unsigned results;

	network.window = 1;
	up_with_query();
	answer(0, "1");
	token = answer(0, "2");
	input(fails);
	ck_assert_uint_eq(v.downs, 1);
	results = v.result_count;
	zigbee_driver()->cancel(v.self, token);
	ck_assert_uint_eq(v.result_count, results);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.zigbee_driver");
	TCase *c = tcase_create("driver");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, start_bad_setting_names_it, 0,
		(int)(sizeof(bad_settings) / sizeof(bad_settings[0])));
	tcase_add_loop_test(c, connect_bad_channel_names_the_setting, 0, 5);
	tcase_add_test(c, start_form_without_key_makes_a_random_one);
	tcase_add_test(c, start_line_that_cannot_be_opened_fails);
	tcase_add_test(c, start_network_that_does_not_come_ends_in_time);
	tcase_add_test(c, start_that_forms_has_the_time_for_it);
	tcase_add_test(c, start_completes_with_network_and_group);
	tcase_add_test(c, connect_second_or_to_a_peer_is_refused);
	tcase_add_test(c, connect_link_key_security_is_not_reachable);
	tcase_add_test(c, heard_frame_comes_with_peer_channel_and_reply);
	tcase_add_test(c, heard_frame_of_unknown_cluster_is_dropped);
	tcase_add_test(c, heard_airtime_of_other_frames_comes_along_bounded);
	tcase_add_test(c, answer_goes_back_between_the_same_endpoints);
	tcase_add_test(c, answer_follows_a_device_to_its_new_address);
	tcase_add_test(c, heard_before_a_confirm_is_delivered_at_once);
	tcase_add_test(c, stranger_is_held_until_it_is_known);
	tcase_add_test(
		c, stranger_that_nobody_knows_is_asked_twice_and_forgotten);
	tcase_add_test(c, strangers_in_flood_hold_a_bounded_number);
	tcase_add_test(c, sender_of_unknown_kind_is_asked_once);
	tcase_add_test(c, announcement_tells_the_peer_again_with_a_count);
	tcase_add_test(c, peer_that_left_is_gone);
	tcase_add_test(c, thousand_peers_are_announced_some_at_a_time);
	tcase_add_test(c, lost_network_ends_what_is_in_flight_and_comes_back);
	tcase_add_test(c, network_that_is_another_one_has_other_addresses);
	tcase_add_test(c, lost_network_that_stays_away_ends_the_instance);
	tcase_add_test(c, far_end_that_closes_ends_the_instance);
	tcase_add_test(c, stack_that_gives_up_ends_the_instance);
	tcase_add_test(c, stop_completes_everything);
	tcase_add_test(c, request_that_crosses_the_end_is_not_answered);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

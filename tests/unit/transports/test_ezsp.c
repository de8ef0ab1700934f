/* The stack `ezsp`: starting, what goes wrong, and its frames. The air is in
 * test_ezsp_air.c. */
#include "tests/unit/transports/ezsp_rig.h"

#include <errno.h>

#include "transports/zigbee/ezsp_frame.h"

/* ---- starting ---- */

START_TEST(start_commissioned_goes_up)
{
	char want[200];

	create(versions[_i], NULL);
	start();
	snprintf(want, sizeof(want), "up 00124b0009d69f77 pan 1a62 channel 11 "
		"window 8 asdu 82 \"EmberZNet 7.4.4.0, EZSP v%u\"\n",
		versions[_i]);
	assert_story(want);
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

/* The number of the coprocessor is agreed, unless it was asked for at first. */
START_TEST(start_version_is_negotiated)
{
	up(versions[_i]);
	ck_assert_uint_eq(peer.legacy, 1);
	ck_assert_uint_eq(peer.log[0].at[0], 19);
	if (versions[_i] == 19) {
		ck_assert_int_eq(ezsp_peer_find(&peer, 0, 1), -1);
		return;
	}
	ck_assert_int_eq(ezsp_peer_find(&peer, 0, 1), 1);
	ck_assert_uint_eq(peer.log[1].at[0], versions[_i]);
}
END_TEST

START_TEST(start_newer_version_speaks_the_newest_known)
{
	create(21, NULL);
	start();
	ck_assert_ptr_nonnull(strstr(story, "EZSP v19"));
	ck_assert_uint_eq(peer.version, 19);
}
END_TEST

START_TEST(start_newer_version_that_insists_fails)
{
	create(21, NULL);
	peer.insists = true;
	start();
	assert_story("fail -71 the coprocessor insists on EZSP version 21; 8 to "
		"19 are known\n");
	ck_assert_int_eq(ops->deadline(stack), INT64_MAX);
}
END_TEST

START_TEST(start_older_version_fails)
{
	create(7, NULL);
	start();
	assert_story("fail -71 the coprocessor speaks EZSP version 7 (stack type "
		"2); 8 to 19 are known: it needs newer firmware\n");
}
END_TEST

START_TEST(start_registers_ota_server_before_network)
{
	static const uint8_t want[] = {1, 0x04, 0x01, 0x05, 0x00, 0, 3, 2,
		0x00, 0x00, 0x0a, 0x00, 0x19, 0x00, 0x00, 0x00, 0x20, 0x00};
	int at;

	up(versions[_i]);
	at = ezsp_peer_find(&peer, 0x0002, 0);
	ck_assert_int_ge(at, 0);
	ck_assert_int_lt(at, ezsp_peer_find(&peer, 0x0017, 0));
	ck_assert(bytes_equal(bytes_of(peer.log[at].at, peer.log[at].len),
		bytes_of(want, sizeof(want))));
	at = ezsp_peer_find(&peer, 0x0002, 2);
	ck_assert_int_lt(at, ezsp_peer_find(&peer, 0x0017, 0));
	ck_assert_uint_eq(peer.log[at].at[0], 47);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0002, 3), -1);
}
END_TEST

START_TEST(start_larger_window_raises_unicasts_of_coprocessor)
{
	const struct zb_config config = {.window = 20};
	unsigned i;

	create(13, &config);
	start();
	ck_assert_uint_eq(ops->room(stack), 20);
	for (i = 0; i < peer.count; i++)
		if (peer.log[i].id == 0x0053 && peer.log[i].at[0] == 3)
			break;
	ck_assert_uint_lt(i, peer.count);
	ck_assert_uint_eq(get_le16(peer.log[i].at + 1), 20);
}
END_TEST

START_TEST(start_without_network_fails)
{
	create(versions[_i], NULL);
	peer.joined = false;
	start();
	assert_story("fail -107 the coordinator has no network: commission it "
		"first, or set form = yes\n");
}
END_TEST

static struct zb_config forming(void)
{
	struct zb_config config = {
		.form = true, .channel = 25, .pan = 0x1a62};
	unsigned i;

	for (i = 0; i < 16; i++)
		config.network_key[i] = (uint8_t)(0xa0 + i);
	return config;
}

START_TEST(start_form_makes_network)
{
	static const uint8_t security[] = {0x84, 0x0b,
		0x34, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12,
		0x34, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12,
		0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
		0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
		0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t form[] = {
		0x77, 0x9f, 0xd6, 0x09, 0x00, 0x4b, 0x12, 0x00, 0x62, 0x1a,
		8, 25, 0, 0, 0, 0, 0x00, 0xf8, 0xff, 0x07};
	struct zb_config config = forming();
	int s, x, f;

	create(versions[_i], &config);
	peer.joined = false;
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	s = ezsp_peer_find(&peer, 0x0068, 0);
	x = ezsp_peer_find(&peer, 0x00ab, 0);
	f = ezsp_peer_find(&peer, 0x001e, 0);
	ck_assert_int_ge(s, 0);
	ck_assert_int_gt(x, s);
	ck_assert_int_gt(f, x);
	ck_assert(bytes_equal(bytes_of(peer.log[x].at, peer.log[x].len),
		bytes_of("\x0a\x02\x10\x01", 4)));
	ck_assert(bytes_equal(bytes_of(peer.log[s].at, peer.log[s].len),
		bytes_of(security, sizeof(security))));
	ck_assert(bytes_equal(bytes_of(peer.log[f].at, peer.log[f].len),
		bytes_of(form, sizeof(form))));
}
END_TEST

START_TEST(start_form_leaves_existing_network_alone)
{
	struct zb_config config = forming();

	create(13, &config);
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x001e, 0), -1);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0068, 0), -1);
}
END_TEST

START_TEST(start_form_any_pan_is_drawn)
{
	struct zb_config config = forming();
	int f;

	config.pan = 0xffff;
	create(13, &config);
	peer.joined = false;
	start();
	f = ezsp_peer_find(&peer, 0x001e, 0);
	ck_assert_int_ge(f, 0);
	ck_assert_uint_eq(get_le16(peer.log[f].at + 8), 0x1234);
}
END_TEST

START_TEST(start_optional_commands_unknown_goes_up)
{
	static const uint16_t ids[] = {
		0x00aa, 0x0053, 0x0055, 0x0010, 0x005a, 0x0033};

	create(13, NULL);
	peer.refused_id = ids[_i];
	start();
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

START_TEST(start_needed_command_unknown_starts_again)
{
	create(13, NULL);
	peer.refused_id = 0x0002;
	start();
	assert_story("");
	peer.refused_id = 0xffff;
	pass(1000);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
	ck_assert_uint_eq(peer.ash.rsts, 2);
}
END_TEST

START_TEST(start_network_that_stays_down_starts_again)
{
	create(versions[_i], NULL);
	peer.never_up = true;
	start();
	pass(11000);
	ck_assert_uint_eq(peer.ash.rsts, 1);
	pass(3000);
	ck_assert_uint_eq(peer.ash.rsts, 2);
	assert_story("");
}
END_TEST

START_TEST(start_silence_fails_after_four_resets)
{
	create(13, NULL);
	gone = true;
	start();
	pass(20000);
	assert_story("");
	pass(20000);
	assert_story("fail -110 no answer to reset: is this the port of an EZSP "
		"coprocessor, and are baud and flow right?\n");
}
END_TEST

START_TEST(start_power_on_during_reset_goes_up)
{
	create(13, NULL);
	peer.ash.deaf_to_rst = true;
	ops->start(stack, now);
	settle();
	peer.ash.deaf_to_rst = false;
	ash_peer_restart(&peer.ash, 0x02);
	pass(10);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

/* ---- when things go wrong ---- */

START_TEST(restart_of_coprocessor_loses_what_is_in_flight)
{
	up(versions[_i]);
	send_ok(1);
	send_ok(2);
	ash_peer_restart(&peer.ash, 0x03);
	pass(10);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nconfirm 2 lost "
		"0\nlost the coprocessor restarted, reason 0x03\nup "));
	ck_assert_uint_eq(ops->room(stack), 8);
	story_len = 0;
	send_ok(3);
	ezsp_peer_sent(&peer, peer.last_tag, 0);
	settle();
	assert_story("confirm 3 ok 0\n");
}
END_TEST

START_TEST(failure_of_coprocessor_is_reset)
{
	up(13);
	send_ok(1);
	ash_peer_error(&peer.ash, 0x51);
	pass(2000);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the "
		"coprocessor failed, code 0x51 (its frames were not "
		"acknowledged in time: flow control?)\nup "));
	ck_assert_uint_eq(peer.ash.rsts, 2);
}
END_TEST

START_TEST(silence_of_coprocessor_is_noticed_and_outlasted)
{
	up(13);
	send_ok(1);
	gone = true;
	pass(120 * 1000);
	assert_story("confirm 1 lost 0\nlost the coprocessor does not "
		"acknowledge\n");
	gone = false;
	pass(20 * 1000);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

START_TEST(command_without_answer_starts_again)
{
	up(13);
	peer.dumb_id = 0x0034;
	send_ok(1);
	pass(9000);
	assert_story("");
	pass(3000);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost no answer to "
		"command 0034\nup "));
}
END_TEST

START_TEST(quiet_coprocessor_is_asked_for_a_sign)
{
	up(versions[_i]);
	pass(35000);
	ck_assert_uint_eq(peer.nops, 3);
	assert_story("");
}
END_TEST

START_TEST(network_down_is_lost_and_brought_back)
{
	up(versions[_i]);
	send_ok(1);
	ezsp_peer_status(&peer, 0x91, 0x16);
	pass(2000);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the network "
		"went down"));
	ck_assert_ptr_nonnull(strstr(story, "up "));
}
END_TEST

START_TEST(network_moved_is_told_anew_without_reset)
{
	up(versions[_i]);
	send_ok(1);
	peer.channel = 25;
	ezsp_peer_status(&peer, 0x9b, 0x0c17);
	pass(10);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the network "
		"moved\nup "));
	ck_assert_ptr_nonnull(strstr(story, "channel 25"));
	ck_assert_uint_eq(peer.ash.rsts, 1);
}
END_TEST

START_TEST(stop_loses_what_is_in_flight_and_rests)
{
	struct zb_request r = request(2);

	up(13);
	send_ok(1);
	ops->stop(stack, now);
	assert_story("confirm 1 lost 0\n");
	ck_assert_int_eq(ops->deadline(stack), INT64_MAX);
	ck_assert_int_eq(ops->send(stack, now, &r), -EBUSY);
	incoming();
	settle();
	assert_story("");
}
END_TEST

START_TEST(start_again_after_lost_line_goes_up)
{
	up(13);
	send_ok(1);
	ops->start(stack, now);
	pass(10);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 lost 0\nlost the line was "
		"opened again\nup "));
}
END_TEST

START_TEST(counters_only_grow_and_fit)
{
	struct ferry_counter c[FERRY_COUNTERS_MAX];
	unsigned n, i;

	up(13);
	n = ops->counters(stack, c, FERRY_COUNTERS_MAX - 8);
	ck_assert_uint_gt(n, 4);
	for (i = 0; i < n; i++)
		if (!strcmp(c[i].name, "ash_resets"))
			ck_assert_uint_eq(c[i].value, 1);
	ck_assert_uint_eq(ops->counters(stack, c, 2), 2);
}
END_TEST

/* ---- frames ---- */

START_TEST(head_read_tells_kinds_apart)
{
	struct ezsp_head h;

	ck_assert(ezsp_head_read(bytes_of("\x05\x80\x01\x34\x00\x99", 6), false,
		&h));
	ck_assert(h.seq == 5 && h.id == 0x34 && !h.callback &&
		h.params.len == 1);
	ck_assert(ezsp_head_read(bytes_of("\x05\x91\x01\x45\x00", 5), false,
		&h));
	ck_assert(h.callback && h.overflow);
	ck_assert(ezsp_head_read(bytes_of("\x00\x80\x00\x02\x02\x11\x30", 7),
		true, &h));
	ck_assert(h.id == 0 && h.params.len == 4);
	/* Legacy where it is not expected, a command, too short. */
	ck_assert(!ezsp_head_read(bytes_of("\x00\x80\x00\x02\x02", 5), false,
		&h));
	ck_assert(!ezsp_head_read(bytes_of("\x00\x00\x01\x34\x00", 5), false,
		&h));
	ck_assert(!ezsp_head_read(bytes_of("\x00\x80\x01\x34", 4), false, &h));
}
END_TEST

START_TEST(put_past_end_is_bad_and_bounded)
{
	struct ezsp_writer w = {.len = 0};
	uint8_t at[EZSP_FRAME_MAX] = {0};

	ezsp_put_bytes(&w, bytes_of(at, sizeof(at)));
	ck_assert(!w.bad);
	ezsp_put(&w, 1, 0);
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, EZSP_FRAME_MAX);
}
END_TEST

static const struct {
	const char *row;
	uint32_t narrow, wide;
	enum zb_sent sent;
} statuses[] = {
	{"message limit", 0x72, 0x0c03, ZB_SENT_BUSY},
	{"no buffers", 0x18, 0x19, ZB_SENT_BUSY},
	{"channel", 0x8d, 0x4c, ZB_SENT_BUSY},
	{"too long", 0x74, 0x38, ZB_SENT_TOO_LONG},
	{"delivery failed", 0x66, 0x0c02, ZB_SENT_NO_ACK},
	{"MAC no ack", 0x40, 0x40, ZB_SENT_NO_ACK},
	{"indirect timeout", 0x42, 0x41, ZB_SENT_EXPIRED},
	{"many to one", 0xaa, 0x0c14, ZB_SENT_NO_ROUTE},
	{"network down", 0x91, 0x16, ZB_SENT_LOST},
	{"unheard of", 0xee, 0xeeee, ZB_SENT_FAILED},
};

START_TEST(sent_of_status_is_shared_word)
{
	const char *row = statuses[_i].row;

	ck_assert_msg(ezsp_sent_of(13, statuses[_i].narrow) ==
		statuses[_i].sent, "%s before 14", row);
	ck_assert_msg(ezsp_sent_of(14, statuses[_i].wide) ==
		statuses[_i].sent, "%s", row);
	ck_assert_int_eq(ezsp_sent_of(13, 0), ZB_SENT_OK);
	ck_assert_int_eq(ezsp_sent_of(14, 0), ZB_SENT_OK);
	/* The numbers of one do not count in the other. */
	ck_assert_int_eq(ezsp_sent_of(14, 0x72), ZB_SENT_FAILED);
	ck_assert_int_eq(ezsp_sent_of(13, 0x0c03), ZB_SENT_FAILED);
}
END_TEST

static void add_start(Suite *suite)
{
	TCase *c = tcase_create("start");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, start_commissioned_goes_up, 0, VERSIONS);
	tcase_add_loop_test(c, start_version_is_negotiated, 0, VERSIONS);
	tcase_add_test(c, start_newer_version_speaks_the_newest_known);
	tcase_add_test(c, start_newer_version_that_insists_fails);
	tcase_add_test(c, start_older_version_fails);
	tcase_add_loop_test(c, start_registers_ota_server_before_network, 0,
		VERSIONS);
	tcase_add_test(c, start_larger_window_raises_unicasts_of_coprocessor);
	tcase_add_loop_test(c, start_without_network_fails, 0, VERSIONS);
	tcase_add_loop_test(c, start_form_makes_network, 0, VERSIONS);
	tcase_add_test(c, start_form_leaves_existing_network_alone);
	tcase_add_test(c, start_form_any_pan_is_drawn);
	tcase_add_loop_test(c, start_optional_commands_unknown_goes_up, 0, 6);
	tcase_add_test(c, start_needed_command_unknown_starts_again);
	tcase_add_loop_test(c, start_network_that_stays_down_starts_again, 0,
		VERSIONS);
	tcase_add_test(c, start_silence_fails_after_four_resets);
	tcase_add_test(c, start_power_on_during_reset_goes_up);
	suite_add_tcase(suite, c);
}

static void add_trouble(Suite *suite)
{
	TCase *c = tcase_create("trouble");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, restart_of_coprocessor_loses_what_is_in_flight,
		0, VERSIONS);
	tcase_add_test(c, failure_of_coprocessor_is_reset);
	tcase_add_test(c, silence_of_coprocessor_is_noticed_and_outlasted);
	tcase_add_test(c, command_without_answer_starts_again);
	tcase_add_loop_test(c, quiet_coprocessor_is_asked_for_a_sign, 0,
		VERSIONS);
	tcase_add_loop_test(c, network_down_is_lost_and_brought_back, 0,
		VERSIONS);
	tcase_add_loop_test(c, network_moved_is_told_anew_without_reset, 0,
		VERSIONS);
	tcase_add_test(c, stop_loses_what_is_in_flight_and_rests);
	tcase_add_test(c, start_again_after_lost_line_goes_up);
	tcase_add_test(c, counters_only_grow_and_fit);
	suite_add_tcase(suite, c);
}

int main(void)
{
	Suite *suite = suite_create("ezsp");
	TCase *c = tcase_create("frames");

	tcase_add_test(c, head_read_tells_kinds_apart);
	tcase_add_test(c, put_past_end_is_bad_and_bounded);
	tcase_add_loop_test(c, sent_of_status_is_shared_word, 0,
		(int)(sizeof(statuses) / sizeof(statuses[0])));
	suite_add_tcase(suite, c);
	add_start(suite);
	add_trouble(suite);
	return unit_run(suite);
}

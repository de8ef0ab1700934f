/* The stack `ezsp` to the air and from it. */
#include "tests/unit/transports/ezsp_rig.h"

#include <errno.h>

/* ---- to the air ---- */

static void assert_command(uint16_t id, const char *hex)
{
	char text[600];
	int at = ezsp_peer_find(&peer, id, 0);

	ck_assert_int_ge(at, 0);
	bytes_to_hex(bytes_of(peer.log[at].at, peer.log[at].len), text,
		sizeof(text));
	ck_assert_str_eq(text, hex);
}

START_TEST(send_unicast_has_layout_of_version)
{
	up(versions[_i]);
	send_ok(1);
	assert_command(0x0034, versions[_i] < 14 ?
		"00" "0010" "04011900" "01" "03" "4001" "0000" "00" "01" "05"
		"1942000064" :
		"00" "0010" "04011900" "01" "03" "4001" "0000" "00" "0100" "05"
		"1942000064");
}
END_TEST

START_TEST(send_without_ack_and_with_route_discovery_sets_options)
{
	struct zb_request r = request(1);

	up(13);
	r.ack = false;
	r.find_route = true;
	ck_assert_int_eq(ops->send(stack, now, &r), 0);
	settle();
	assert_command(0x0034, "00" "0010" "04011900" "01" "03" "0002" "0000"
		"00" "01" "05" "1942000064");
}
END_TEST

START_TEST(send_broadcast_has_layout_of_version_and_is_over_when_taken)
{
	struct zb_request r = request(9);

	up(versions[_i]);
	r.nwk = 0xfffd;
	r.dst_ep = 0xff;
	ck_assert_int_eq(ops->send(stack, now, &r), 0);
	settle();
	assert_story("confirm 9 ok 0\n");
	assert_command(0x0036, versions[_i] < 14 ?
		"fdff" "04011900" "01" "ff" "0000" "0000" "00" "00" "00" "05"
		"1942000064" :
		"0000" "fdff" "00" "04011900" "01" "ff" "0000" "0000" "00"
		"00" "0000" "05" "1942000064");
	ezsp_peer_sent(&peer, 0, 0);
	settle();
	assert_story("");
}
END_TEST

START_TEST(send_is_confirmed_by_its_tag_in_any_order)
{
	up(versions[_i]);
	send_ok(11);
	send_ok(12);
	send_ok(13);
	ezsp_peer_sent(&peer, 2, 0);
	ezsp_peer_sent(&peer, 3, 0);
	ezsp_peer_sent(&peer, 1, versions[_i] < 14 ? 0x66 : 0x0c02);
	ezsp_peer_sent(&peer, 1, 0);
	ezsp_peer_sent(&peer, 77, 0);
	settle();
	assert_story(versions[_i] < 14 ?
		"confirm 12 ok 0\nconfirm 13 ok 0\nconfirm 11 no-ack 66\n" :
		"confirm 12 ok 0\nconfirm 13 ok 0\nconfirm 11 no-ack c02\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_confirm_before_answer_is_one_confirm)
{
	up(versions[_i]);
	peer.sent_first = true;
	send_ok(5);
	send_ok(6);
	assert_story("confirm 5 ok 0\nconfirm 6 ok 0\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_window_full_is_ebusy)
{
	struct zb_request r = request(99);
	unsigned i;

	up(13);
	for (i = 0; i < 8; i++)
		send_ok(i + 1);
	ck_assert_uint_eq(ops->room(stack), 0);
	ck_assert_int_eq(ops->send(stack, now, &r), -EBUSY);
	ezsp_peer_sent(&peer, 1, 0);
	settle();
	ck_assert_uint_eq(ops->room(stack), 1);
	send_ok(9);
}
END_TEST

START_TEST(send_before_up_is_ebusy)
{
	struct zb_request r = request(1);

	create(13, NULL);
	ck_assert_int_eq(ops->send(stack, now, &r), -EBUSY);
	ck_assert_uint_eq(ops->room(stack), 0);
}
END_TEST

START_TEST(send_longer_than_payload_is_emsgsize)
{
	struct zb_request r = request(1);
	uint8_t asdu[83] = {0};

	up(13);
	r.asdu = bytes_of(asdu, 83);
	ck_assert_int_eq(ops->send(stack, now, &r), -EMSGSIZE);
	r.asdu = bytes_of(asdu, 82);
	ck_assert_int_eq(ops->send(stack, now, &r), 0);
}
END_TEST

START_TEST(send_refused_by_status_is_confirmed_at_once)
{
	up(versions[_i]);
	peer.failed_id = 0x0034;
	peer.failed_status = versions[_i] < 14 ? 0x72 : 0x0c03;
	send_ok(4);
	assert_story(versions[_i] < 14 ? "confirm 4 busy 72\n" :
		"confirm 4 busy c03\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_refused_as_unknown_starts_again)
{
	up(13);
	peer.refused_id = 0x0034;
	send_ok(4);
	assert_story("confirm 4 lost 0\nlost the coprocessor refuses to send, "
		"reason 30\n");
	pass(1000);
	ck_assert_msg(!strncmp(story, "up ", 3), "%s", story);
}
END_TEST

START_TEST(send_never_confirmed_is_lost_after_a_while)
{
	up(13);
	send_ok(4);
	pass(29000);
	assert_story("");
	pass(2000);
	assert_story("confirm 4 lost 0\n");
	ck_assert_uint_eq(ops->room(stack), 8);
}
END_TEST

START_TEST(send_many_times_tags_stay_apart)
{
	unsigned i;

	up(versions[_i]);
	send_ok(1000); /* keeps tag 1 */
	for (i = 0; i < 300; i++) {
		peer.count = 0;
		send_ok(i + 1);
		ck_assert_uint_ne(peer.last_tag, 0);
		ck_assert_uint_ne(peer.last_tag, 1);
		ezsp_peer_sent(&peer, peer.last_tag, 0);
		settle();
		ck_assert_uint_eq(ops->room(stack), 7);
		story_len = 0;
	}
}
END_TEST

/* ---- from the air ---- */

START_TEST(heard_has_layout_of_version)
{
	char want[200];

	up(versions[_i]);
	incoming();
	settle();
	snprintf(want, sizeof(want), "heard 1000 %s 0104/0019 3>1 lqi 200 rssi "
		"-60 014201003412\n", versions[_i] < 14 ? "0000000000000000" :
		"00124b0000000001");
	assert_story(want);
}
END_TEST

/* The next question may come in the same read as the confirm of the last
 * answer, before it or after. */
START_TEST(heard_beside_confirm_is_told_at_once)
{
	up(14);
	send_ok(1);
	if (_i)
		incoming();
	ezsp_peer_sent(&peer, 1, 0);
	if (!_i)
		incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story, "confirm 1 ok 0\n"));
	ck_assert_ptr_nonnull(strstr(story, "heard 1000"));
}
END_TEST

START_TEST(heard_while_command_is_out_is_told)
{
	up(14);
	peer.dumb_id = 0x0034;
	send_ok(1);
	incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story, "heard 1000"));
}
END_TEST

START_TEST(heard_echo_of_own_broadcast_is_nothing)
{
	up(versions[_i]);
	ezsp_peer_incoming(&peer, 5, 0x0000, 0, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
	ezsp_peer_incoming(&peer, 3, 0x0000, 0, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
	settle();
	assert_story("");
}
END_TEST

START_TEST(heard_announcement_is_frame_of_profile_0)
{
	static const uint8_t announce[] = {0x81, 0x00, 0x10, 1, 0, 0, 0, 0,
		0x4b, 0x12, 0x00, 0x80};

	up(14);
	ezsp_peer_incoming(&peer, 4, 0x1000, DEVICE, 0x0000, 0x0013,
		bytes_of(announce, sizeof(announce)));
	settle();
	assert_story("heard 1000 00124b0000000001 0000/0013 3>1 broadcast lqi 200 "
		"rssi -60 81001001000000004b120080\n");
}
END_TEST

START_TEST(heard_of_sender_handler_carries_eui64)
{
	uint8_t eui64[8] = {1, 0, 0, 0, 0, 0x4b, 0x12, 0x00};

	up(13);
	ezsp_peer_callback(&peer, 0x0062, bytes_of(eui64, 8));
	incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story, "heard 1000 00124b0000000001"));
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0061, 0), -1);
}
END_TEST

/* The message that the handler spoke of was lost in the coprocessor, or never
 * came: the next one is of somebody else. */
START_TEST(heard_after_a_lost_message_is_not_of_its_sender)
{
	uint8_t eui64[8] = {1, 0, 0, 0, 0, 0x4b, 0x12, 0x00};
	uint8_t child[12] = {0};

	up(13);
	ezsp_peer_callback(&peer, 0x0062, bytes_of(eui64, 8));
	if (_i)
		ezsp_peer_callback(&peer, 0x0023, bytes_of(child, 12));
	peer.overflow = !_i;
	ezsp_peer_incoming(&peer, 0, 0x2000, 0, 0x0104, 0x0019,
		bytes_of(query, sizeof(query)));
	settle();
	ck_assert_ptr_nonnull(strstr(story, "heard 2000 0000000000000000"));
}
END_TEST

START_TEST(heard_without_eui64_is_looked_up_once)
{
	up(13);
	peer.known = DEVICE;
	incoming();
	incoming();
	settle();
	incoming();
	settle();
	ck_assert_ptr_nonnull(strstr(story,
		"known 00124b0000000001 1000\n"));
	ck_assert_int_ge(ezsp_peer_find(&peer, 0x0061, 0), 0);
	ck_assert_int_eq(ezsp_peer_find(&peer, 0x0061, 1), -1);
}
END_TEST

START_TEST(heard_unknown_to_coprocessor_is_no_node)
{
	up(13);
	incoming();
	settle();
	ck_assert_int_ge(ezsp_peer_find(&peer, 0x0061, 0), 0);
	ck_assert_ptr_null(strstr(story, "node"));
}
END_TEST

static void join(uint8_t status, uint8_t decision)
{
	uint8_t at[14] = {0x00, 0x10, 1, 0, 0, 0, 0, 0x4b, 0x12, 0x00, 0, 0,
		0x00, 0x00};

	at[10] = status;
	at[11] = decision;
	ezsp_peer_callback(&peer, 0x0024, bytes_of(at, sizeof(at)));
	settle();
}

START_TEST(node_trust_centre_tells_of_joins_and_leaves)
{
	up(versions[_i]);
	join(0, 3);
	assert_story("node 00124b0000000001 1000 sleepy -1 joined\n");
	join(2, 3);
	assert_story("node 00124b0000000001 1000 sleepy -1 gone\n");
	join(1, 2);
	assert_story("");
}
END_TEST

START_TEST(node_child_tells_whether_it_sleeps)
{
	uint8_t at[13] = {0, 1, 0x00, 0x20, 2, 0, 0, 0, 0, 0x4b, 0x12, 0x00, 4};

	up(13);
	ezsp_peer_callback(&peer, 0x0023, bytes_of(at, sizeof(at)));
	settle();
	assert_story("node 00124b0000000002 2000 sleepy 1\n");
	at[12] = 3;
	ezsp_peer_callback(&peer, 0x0023, bytes_of(at, sizeof(at)));
	settle();
	assert_story("node 00124b0000000002 2000 sleepy 0\n");
	at[1] = 0;
	ezsp_peer_callback(&peer, 0x0023, bytes_of(at, sizeof(at)));
	settle();
	assert_story("");
}
END_TEST

/* Each callback cut at each length: nothing is told, nothing breaks. */
START_TEST(callback_truncated_is_nothing)
{
	static const struct {
		uint16_t id;
		size_t narrow, wide; /* bytes that are needed */
	} rows[] = {{0x0045, 19, 31}, {0x003f, 16, 20}, {0x0024, 12, 12},
		{0x0023, 13, 13}, {0x0019, 1, 4}, {0x0062, 8, 8}};
	uint8_t at[64] = {0};
	size_t need, len, i;

	up(versions[_i]);
	send_ok(1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		need = versions[_i] < 14 ? rows[i].narrow : rows[i].wide;
		memset(at, 0, sizeof(at));
		for (len = 0; len < need; len++) {
			ezsp_peer_callback(&peer, rows[i].id,
				bytes_of(at, len));
			settle();
		}
	}
	assert_story("");
}
END_TEST

static void add_air(Suite *suite)
{
	TCase *c = tcase_create("air");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, send_unicast_has_layout_of_version, 0, VERSIONS);
	tcase_add_test(c,
		send_without_ack_and_with_route_discovery_sets_options);
	tcase_add_loop_test(c,
		send_broadcast_has_layout_of_version_and_is_over_when_taken, 0,
		VERSIONS);
	tcase_add_loop_test(c, send_is_confirmed_by_its_tag_in_any_order, 0,
		VERSIONS);
	tcase_add_loop_test(c, send_confirm_before_answer_is_one_confirm, 0,
		VERSIONS);
	tcase_add_test(c, send_window_full_is_ebusy);
	tcase_add_test(c, send_before_up_is_ebusy);
	tcase_add_test(c, send_longer_than_payload_is_emsgsize);
	tcase_add_loop_test(c, send_refused_by_status_is_confirmed_at_once, 0,
		VERSIONS);
	tcase_add_test(c, send_refused_as_unknown_starts_again);
	tcase_add_test(c, send_never_confirmed_is_lost_after_a_while);
	tcase_add_loop_test(c, send_many_times_tags_stay_apart, 0, VERSIONS);
	tcase_add_loop_test(c, heard_has_layout_of_version, 0, VERSIONS);
	tcase_add_loop_test(c, heard_beside_confirm_is_told_at_once, 0, 2);
	tcase_add_test(c, heard_while_command_is_out_is_told);
	tcase_add_loop_test(c, heard_echo_of_own_broadcast_is_nothing, 0,
		VERSIONS);
	tcase_add_test(c, heard_announcement_is_frame_of_profile_0);
	tcase_add_test(c, heard_of_sender_handler_carries_eui64);
	tcase_add_loop_test(
		c, heard_after_a_lost_message_is_not_of_its_sender, 0, 2);
	tcase_add_test(c, heard_without_eui64_is_looked_up_once);
	tcase_add_test(c, heard_unknown_to_coprocessor_is_no_node);
	tcase_add_loop_test(c, node_trust_centre_tells_of_joins_and_leaves, 0,
		VERSIONS);
	tcase_add_test(c, node_child_tells_whether_it_sleeps);
	tcase_add_loop_test(c, callback_truncated_is_nothing, 0, VERSIONS);
	suite_add_tcase(suite, c);
}

int main(void)
{
	Suite *suite = suite_create("ezsp_air");

	add_air(suite);
	return unit_run(suite);
}

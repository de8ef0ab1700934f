/* How the driver zigbee sends: windows, turns, repeats, where to, and until when;
 * and what it asks on its own account. */
#include "tests/unit/transports/zigbee_play.h"

#include <errno.h>

#include "transports/zigbee/airtime.h"
#include "transports/zigbee/zdo.h"

START_TEST(send_levels_and_airtime_of_a_confirm)
{
	uint64_t a, b;

	up();
	know(LAMP, LAMP_NWK);
	hear(0, LAMP_NWK, 0x0019, "query");
	a = answer(0, "first");
	b = send_it((struct ferry_send){.reply = v.messages[0].reply,
			    .reply_len = 12,
			    .until = FERRY_SENT},
		"second", 0);
	ck_assert(sent[0].r.ack);
	ck_assert(!sent[1].r.ack);
	confirm_it(1, ZB_SENT_OK);
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(vhost_result(&v, a)->level, FERRY_DELIVERED);
	ck_assert_uint_eq(
		vhost_result(&v, a)->airtime_us, zb_airtime_us(5, true, false));
	ck_assert_uint_eq(vhost_result(&v, b)->level, FERRY_SENT);
	ck_assert_uint_eq(vhost_result(&v, b)->airtime_us,
		zb_airtime_us(6, false, false));
}
END_TEST

START_TEST(send_broadcast_goes_to_all_that_are_awake)
{
	uint64_t token;

	up();
	token = send_to("all-awake", "notify");
	ck_assert_uint_eq(sent[0].r.nwk, 0xfffd);
	ck_assert_uint_eq(sent[0].r.dst_ep, 0xff);
	ck_assert(!sent[0].r.ack);
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(vhost_result(&v, token)->level, FERRY_SENT);
}
END_TEST

START_TEST(send_to_no_key_is_unreachable)
{
	up();
	send_it((struct ferry_send){.to = "lamp"}, "x", -EHOSTUNREACH);
	send_it((struct ferry_send){.to = "00124B0000000001"}, "x",
		-EHOSTUNREACH);
	send_it((struct ferry_send){.to = NULL}, "x", -EHOSTUNREACH);
	ck_assert_uint_eq(v.result_count, 2);
}
END_TEST

START_TEST(send_bounds_are_kept)
{
	static char long_text[84];
	unsigned i;

	memset(long_text, 'x', 83);
	up();
	know(LAMP, LAMP_NWK);
	send_it((struct ferry_send){.to = LAMP_KEY}, long_text, -EMSGSIZE);
	send_it((struct ferry_send){.to = LAMP_KEY, .channel = 3}, "x",
		-EINVAL);
	for (i = 0; i < 64; i++)
		send_to(LAMP_KEY, "x");
	send_it((struct ferry_send){.to = LAMP_KEY}, "x", -ENOBUFS);
}
END_TEST

START_TEST(send_window_of_the_network_is_kept)
{
	unsigned i;

	network.window = 3;
	up();
	for (i = 0; i < 6; i++) {
		know(LAMP + i, (uint16_t)(0x1000 + i));
		hear(0, (uint16_t)(0x1000 + i), 0x0019, "q");
		answer(i, "a");
	}
	ck_assert_uint_eq(sent_count, 3);
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(sent_count, 4);
}
END_TEST

START_TEST(send_devices_take_turns)
{
	unsigned i, other = 0;

	network.window = 2;
	up();
	know(LAMP, 0x1000);
	know(OTHER, 0x1001);
	hear(0, 0x1000, 0x0019, "q");
	hear(0, 0x1001, 0x0019, "q");
	for (i = 0; i < 20; i++)
		answer(0, "a");
	for (i = 0; i < 4; i++)
		answer(1, "b");
	for (i = 0; i < 8; i++)
		confirm_it(i, ZB_SENT_OK);
	for (i = 0; i < sent_count; i++)
		other += sent[i].r.nwk == 0x1001;
	ck_assert_uint_eq(other, 4);
}
END_TEST

START_TEST(send_busy_is_tried_again_with_a_smaller_window)
{
	uint64_t first, second;

	up();
	know(LAMP, LAMP_NWK);
	know(OTHER, 0x1001);
	hear(0, LAMP_NWK, 0x0019, "q");
	hear(0, 0x1001, 0x0019, "q");
	first = answer(0, "one");
	second = answer(1, "two");
	confirm_it(0, ZB_SENT_BUSY);
	ck_assert_ptr_null(vhost_result(&v, first));
	ck_assert_uint_eq(sent_count, 2);
	vhost_pass(&v, 60);
	/* One was in flight: no more than that for a while. */
	ck_assert_uint_eq(sent_count, 2);
	confirm_it(1, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, second)->status, 0);
	ck_assert_uint_eq(sent_count, 3);
	confirm_it(2, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, first)->status, 0);
}
END_TEST

START_TEST(send_busy_for_long_is_not_now)
{
	uint64_t token;
	unsigned i;

	up_with_query();
	token = answer(0, "one");
	for (i = 0; i < 8; i++) {
		confirm_it(index_of_last(0x0019), ZB_SENT_BUSY);
		vhost_pass(&v, 2000);
	}
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_NOW);
	ck_assert_uint_gt(vhost_result(&v, token)->retry_after_ms, 0);
	ck_assert_uint_eq(count_sent(0x0019), 8);
}
END_TEST

START_TEST(send_order_of_a_device_survives_busy)
{
	up_with_query();
	answer(0, "1");
	answer(0, "2");
	answer(0, "3");
	ck_assert_uint_eq(sent_count, 3);
	confirm_it(0, ZB_SENT_BUSY);
	confirm_it(1, ZB_SENT_BUSY);
	confirm_it(2, ZB_SENT_OK);
	vhost_pass(&v, 100);
	confirm_it(3, ZB_SENT_OK);
	vhost_pass(&v, 100);
	ck_assert_uint_eq(sent_count, 5);
	ck_assert_uint_eq(sent[3].data[0], '1');
	ck_assert_uint_eq(sent[4].data[0], '2');
}
END_TEST

START_TEST(send_without_route_is_tried_once_more)
{
	uint64_t token;

	up_with_query();
	token = answer(0, "one");
	ck_assert(!sent[0].r.find_route);
	confirm_it(0, ZB_SENT_NO_ROUTE);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert(sent[1].r.find_route);
	confirm_it(1, ZB_SENT_NO_ROUTE);
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	ck_assert_int_eq(vhost_result(&v, token)->native, 0xe9);
}
END_TEST

START_TEST(send_to_a_doubtful_address_looks_for_the_device)
{
	/* It answers from a new address. */
	const uint8_t rsp[] = {1, 0, 1, 0, 0, 0, 0, 0x4b, 0x12, 0, 0x21, 0x43};
	uint64_t token;

	up_with_query();
	answer(0, "one");
	confirm_it(0, ZB_SENT_NO_ROUTE);
	confirm_it(1, ZB_SENT_NO_ROUTE);
	token = send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 1);
	ck_assert_uint_eq(last_sent(ZDO_NWK_ADDR_REQ)->r.nwk, 0xfffd);
	ck_assert_uint_eq(count_sent(0x0019), 2);
	hear_zdo(0x4321, ZDO_NWK_ADDR_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(count_sent(0x0019), 3);
	ck_assert_uint_eq(last_sent(0x0019)->r.nwk, 0x4321);
	confirm_it(sent_count - 1, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, token)->status, 0);
}
END_TEST

START_TEST(send_to_a_device_that_nobody_knows_is_not_delivered)
{
	uint64_t token;

	up();
	token = send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 1);
	vhost_pass(&v, 4000);
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	/* Not looked for again so soon. */
	token = send_to(LAMP_KEY, "notify");
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	ck_assert_uint_eq(count_sent(ZDO_NWK_ADDR_REQ), 2);
}
END_TEST

START_TEST(send_unasked_goes_to_the_endpoint_heard)
{
	up_with_query();
	send_it((struct ferry_send){.to = LAMP_KEY, .channel = 1}, "read", 0);
	ck_assert_uint_eq(last_sent(0x0000)->r.dst_ep, 11);
	ck_assert_uint_eq(last_sent(0x0000)->r.src_ep, 1);
}
END_TEST

START_TEST(send_unasked_to_a_silent_device_asks_for_the_endpoint)
{
	const uint8_t rsp[] = {1, 0, 0x34, 0x12, 2, 5, 6};

	up();
	know(LAMP, LAMP_NWK);
	send_to(LAMP_KEY, "notify");
	ck_assert_uint_eq(count_sent(ZDO_MATCH_DESC_REQ), 1);
	ck_assert_uint_eq(count_sent(0x0019), 0);
	/* We are the server: it has the cluster among its outputs. */
	ck_assert_mem_eq(last_sent(ZDO_MATCH_DESC_REQ)->data + 1,
		"\x34\x12\x04\x01\x00\x01\x19\x00", 8);
	hear_zdo(LAMP_NWK, ZDO_MATCH_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(last_sent(0x0019)->r.dst_ep, 5);
}
END_TEST

START_TEST(send_unasked_without_an_answer_takes_endpoint_one)
{
	up();
	know(LAMP, LAMP_NWK);
	send_to(LAMP_KEY, "notify");
	vhost_pass(&v, 4000);
	ck_assert_uint_eq(last_sent(0x0019)->r.dst_ep, 1);
	ck_assert_uint_eq(last_sent(0x0019)->r.profile, ZB_PROFILE_HA);
}
END_TEST

START_TEST(send_without_zdo_asks_nothing)
{
	network.no_zdo = true;
	network.by_eui64 = true;
	up();
	send_to(LAMP_KEY, "notify");
	vhost_pass(&v, 10000);
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_uint_eq(sent[0].r.eui64, LAMP);
	ck_assert_uint_eq(sent[0].r.nwk, ZB_NWK_UNKNOWN);
	ck_assert_uint_eq(sent[0].r.dst_ep, 1);
}
END_TEST

START_TEST(cancel_takes_back_what_waits_only)
{
	uint64_t first, second;

	network.window = 1;
	up_with_query();
	first = answer(0, "1");
	second = answer(0, "2");
	zigbee_driver()->cancel(v.self, second);
	zigbee_driver()->cancel(v.self, first);
	ck_assert_int_eq(vhost_result(&v, second)->status, -ECANCELED);
	ck_assert_ptr_null(vhost_result(&v, first));
	confirm_it(0, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, first)->status, 0);
}
END_TEST

/* Who has given up must not see it go again, nor wait for another try. */
START_TEST(cancel_under_way_ends_with_the_try)
{
	static const enum zb_sent results[] = {
		ZB_SENT_BUSY, ZB_SENT_NO_ROUTE};
	uint64_t token;

	up_with_query();
	token = answer(0, "1");
	zigbee_driver()->cancel(v.self, token);
	confirm_it(0, results[_i]);
	ck_assert_ptr_nonnull(vhost_result(&v, token));
	ck_assert_int_eq(vhost_result(&v, token)->status, -ECANCELED);
	vhost_pass(&v, 5000);
	ck_assert_uint_eq(count_sent(0x0019), 1);
}
END_TEST

START_TEST(disconnect_ends_what_comes_back_busy)
{
	uint64_t token;

	up_with_query();
	token = answer(0, "1");
	ck_assert_int_eq(zigbee_driver()->disconnect(v.self, 9, LINK), 0);
	confirm_it(0, ZB_SENT_BUSY);
	ck_assert_ptr_nonnull(vhost_result(&v, token));
	ck_assert_int_eq(vhost_result(&v, token)->status, -ECANCELED);
	ck_assert_ptr_nonnull(vhost_result(&v, 9));
}
END_TEST

START_TEST(confirm_that_never_comes_ends_in_time)
{
	uint64_t token;

	up_with_query();
	token = answer(0, "1");
	vhost_pass(&v, 46000);
	ck_assert_int_eq(vhost_result(&v, token)->status, FERRY_NOT_DELIVERED);
	/* It comes after all, and names nothing. */
	confirm_it(0, ZB_SENT_OK);
	ck_assert_uint_eq(v.downs, 0);
}
END_TEST

START_TEST(disconnect_waits_for_what_is_in_flight)
{
	uint64_t first, second;

	network.window = 1;
	up_with_query();
	first = answer(0, "1");
	second = answer(0, "2");
	ck_assert_int_eq(zigbee_driver()->disconnect(v.self, 9, LINK), 0);
	ck_assert_int_eq(vhost_result(&v, second)->status, -ECANCELED);
	ck_assert_ptr_null(vhost_result(&v, 9));
	confirm_it(0, ZB_SENT_OK);
	ck_assert_int_eq(vhost_result(&v, first)->status, 0);
	ck_assert_int_eq(vhost_result(&v, 9)->status, 0);
	hear(0, LAMP_NWK, 0x0019, "q");
	ck_assert_uint_eq(v.message_count, 1);
}
END_TEST

START_TEST(survey_finds_devices_that_are_awake)
{
	const uint8_t rsp[] = {1, 0, 0x34, 0x12, 1, 5};

	up();
	vhost_pass(&v, 2500);
	ck_assert_uint_eq(count_sent(ZDO_MATCH_DESC_REQ), 1);
	ck_assert_uint_eq(last_sent(ZDO_MATCH_DESC_REQ)->r.nwk, 0xfffd);
	hear_zdo(LAMP_NWK, ZDO_MATCH_DESC_RSP, rsp, sizeof(rsp));
	ck_assert_uint_eq(last_sent(ZDO_IEEE_ADDR_REQ)->r.nwk, LAMP_NWK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.zigbee_sending");
	TCase *c = tcase_create("sending");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, send_levels_and_airtime_of_a_confirm);
	tcase_add_test(c, send_broadcast_goes_to_all_that_are_awake);
	tcase_add_test(c, send_to_no_key_is_unreachable);
	tcase_add_test(c, send_bounds_are_kept);
	tcase_add_test(c, send_window_of_the_network_is_kept);
	tcase_add_test(c, send_devices_take_turns);
	tcase_add_test(c, send_busy_is_tried_again_with_a_smaller_window);
	tcase_add_test(c, send_busy_for_long_is_not_now);
	tcase_add_test(c, send_order_of_a_device_survives_busy);
	tcase_add_test(c, send_without_route_is_tried_once_more);
	tcase_add_test(c, send_to_a_doubtful_address_looks_for_the_device);
	tcase_add_test(c, send_to_a_device_that_nobody_knows_is_not_delivered);
	tcase_add_test(c, send_unasked_goes_to_the_endpoint_heard);
	tcase_add_test(
		c, send_unasked_to_a_silent_device_asks_for_the_endpoint);
	tcase_add_test(c, send_unasked_without_an_answer_takes_endpoint_one);
	tcase_add_test(c, send_without_zdo_asks_nothing);
	tcase_add_test(c, cancel_takes_back_what_waits_only);
	tcase_add_loop_test(c, cancel_under_way_ends_with_the_try, 0, 2);
	tcase_add_test(c, disconnect_ends_what_comes_back_busy);
	tcase_add_test(c, confirm_that_never_comes_ends_in_time);
	tcase_add_test(c, disconnect_waits_for_what_is_in_flight);
	tcase_add_test(c, survey_finds_devices_that_are_awake);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

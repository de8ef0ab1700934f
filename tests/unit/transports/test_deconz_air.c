/* What the stack deconz sends and hears while its network is up. */
#include "tests/unit/transports/deconz_rig.h"

#include <errno.h>

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

int main(void)
{
	Suite *suite = suite_create("transports.deconz_air");
	TCase *c = tcase_create("deconz_air");

	tcase_add_checked_fixture(c, setup, teardown);
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
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

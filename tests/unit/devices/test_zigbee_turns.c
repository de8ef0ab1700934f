/* Who comes when: notifies, places, airtime. */
#include "tests/unit/devices/zigbee_case.h"

/* ---- notifies ---- */

START_TEST(notify_lost_is_repeated_with_growing_pauses)
{
	unsigned at_minute;

	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].ignores_notify = true;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + MINUTE);
	at_minute = b->devices[0].notifies;
	ck_assert_uint_ge(at_minute, 4);
	ck_assert_uint_le(at_minute, 7);
	bench_run_until(b, 60 * MINUTE);
	ck_assert_uint_le(b->devices[0].notifies, 20);
	bench_peer(b, 0, true);
	b->devices[0].ignores_notify = false;
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

START_TEST(notify_of_many_is_one_broadcast)
{
	bench_init(b, 20, 300, "concurrent=20");
	for (unsigned i = 0; i < 20; i++)
		bench_offer(b, i);
	bench_run_until(b, b->now_ms + 10000);
	ck_assert_uint_eq(b->broadcasts, 1);
	ck_assert_uint_eq(b->last_jitter, 100);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 20);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_uint_eq(b->devices[i].notifies, 1);
}
END_TEST

START_TEST(notify_of_many_lost_is_repeated_then_told_one_by_one)
{
	bench_init(b, 20, 300, "concurrent=20");
	for (unsigned i = 0; i < 20; i++)
		b->devices[i].silent = true;
	for (unsigned i = 0; i < 20; i++)
		bench_offer(b, i);
	bench_run_until(b, b->now_ms + 40000);
	ck_assert_uint_eq(b->broadcasts, 3);
	for (unsigned i = 0; i < 20; i++)
		b->devices[i].silent = false;
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 20);
	ck_assert_uint_eq(b->broadcasts, 3);
}
END_TEST

START_TEST(notify_of_many_by_few_places_asks_for_few)
{
	bench_init(b, 40, 300, "concurrent=4");
	for (unsigned i = 0; i < 40; i++)
		bench_offer(b, i);
	bench_run_until(b, b->now_ms + 1000);
	ck_assert_uint_eq(b->last_jitter, 20);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 40);
	ck_assert_uint_le(b->most_places, 8);
}
END_TEST

START_TEST(notify_of_few_or_by_option_is_no_broadcast)
{
	bench_init(b, 12, 300, _i ? "broadcast=no" : "");
	for (unsigned i = 0; i < (_i ? 12u : 7u); i++)
		bench_offer(b, i);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, b->job_count);
	ck_assert_uint_eq(b->broadcasts, 0);
}
END_TEST

START_TEST(sleepy_child_is_not_pushed_and_served_when_it_asks)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].sleepy = true;
	b->devices[0].think_ms = 2000;
	bench_peer(b, 0, false);
	bench_offer(b, 0);
	bench_run_until(b, 60 * MINUTE);
	ck_assert_uint_eq(b->sends, 0);
	ck_assert_int_eq(bench_job(b, 0)->wait, ENGINE_WAIT_WAKE);
	bench_query(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
}
END_TEST

START_TEST(check_in_with_offer_polls_fast_until_the_end)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	d->sleepy = true;
	bench_peer(b, 0, false);
	bench_offer(b, 0);
	bench_run_until(b, 10 * MINUTE);
	bench_check_in(b, 0);
	bench_run(b);
	ck_assert_uint_eq(d->check_ins, 1);
	ck_assert_uint_eq(d->fast, 1);
	ck_assert_uint_eq(d->notifies, 1);
	bench_run_until(b, b->now_ms + 10);
	ck_assert_uint_eq(d->stops, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(check_in_without_offer_lets_it_sleep)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_check_in(b, 0);
	case_settle();
	ck_assert_uint_eq(b->devices[0].check_ins, 1);
	ck_assert_uint_eq(b->devices[0].fast, 0);
}
END_TEST

/* ---- places ---- */

START_TEST(places_bound_the_downloads)
{
	bench_init(b, 20, CASE_LEN, "broadcast=no");
	for (unsigned i = 0; i < 20; i++) {
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 20);
	ck_assert_uint_le(b->most_places, 8);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
		ck_assert_uint_eq(b->devices[i].no_image, 0);
	}
	ck_assert_uint_gt(b->devices[19].waits, 0);
	/* Nobody waits a minute for what takes a second. */
	ck_assert_int_lt(b->now_ms, MINUTE);
	ck_assert_uint_ne(bench_job(b, 19)->waits & 1u << ENGINE_WAIT_TURN, 0);
}
END_TEST

START_TEST(places_are_withheld_from_who_cannot_wait)
{
	bench_init(b, 12, CASE_LEN, "broadcast=no");
	bench_quirks(b, "", "* : honours_wait=no");
	for (unsigned i = 0; i < 12; i++) {
		b->devices[i].knows_no_wait = true;
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 12);
	ck_assert_uint_le(b->most_places, 8);
	ck_assert_uint_ge(b->devices[11].no_image, 1);
	for (unsigned i = 0; i < 12; i++) {
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
		ck_assert_uint_eq(b->devices[i].waits, 0);
	}
}
END_TEST

START_TEST(places_of_silent_devices_are_given_on)
{
	bench_init(b, 6, CASE_LEN, "concurrent=2 broadcast=no");
	for (unsigned i = 0; i < 6; i++) {
		b->devices[i].silent = i < 4;
		bench_offer(b, i);
	}
	bench_run_until(b, 3 * MINUTE);
	ck_assert(bench_job(b, 4)->over);
	ck_assert(bench_job(b, 5)->over);
	ck_assert_uint_eq(b->over_count, 2);
}
END_TEST

START_TEST(places_for_sleepy_children_are_fewer)
{
	bench_init(b, 8, CASE_LEN,
		"concurrent=6 sleepy_concurrent=1 broadcast=no");
	for (unsigned i = 0; i < 8; i++) {
		b->devices[i].sleepy = i >= 4;
		b->devices[i].think_ms = i >= 4 ? 500 : 100;
		bench_peer(b, i, false);
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run_until(b, 5000);
	ck_assert_uint_eq(case_counts().downloads, 5);
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 8);
}
END_TEST

START_TEST(place_goes_to_the_oldest_offer_first)
{
	bench_init(b, 6, CASE_LEN, "concurrent=1 broadcast=no");
	for (unsigned i = 0; i < 6; i++)
		bench_offer(b, 5 - i);
	bench_run(b);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_gt(bench_job(b, i)->over_ms,
			bench_job(b, i + 1)->over_ms);
}
END_TEST

/* ---- airtime ---- */

START_TEST(airtime_is_kept_and_used)
{
	bench_init(b, 16, 20000, "concurrent=16 broadcast=no");
	b->budget_us = 350000;
	for (unsigned i = 0; i < 16; i++)
		bench_offer(b, i);
	bench_run_until(b, 5000);
	b->airtime_us = 0;
	bench_run_until(b, 65000);
	ck_assert_uint_eq(b->over_count, 0);
	ck_assert_uint_le(b->most_us, b->budget_us);
	ck_assert_uint_ge(b->airtime_us,
		(uint64_t)b->budget_us * 60 * 95 / 100);
	b->limit_ms = 3600 * 1000;
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 16);
}
END_TEST

START_TEST(airtime_scarce_sends_away_who_can_wait)
{
	unsigned waits = 0;

	bench_init(b, 16, 2000, "concurrent=16 broadcast=no");
	b->budget_us = 20000;
	for (unsigned i = 0; i < 16; i++)
		bench_offer(b, i);
	bench_run_until(b, 3 * MINUTE);
	for (unsigned i = 0; i < 16; i++) {
		waits += b->devices[i].waits;
		if (b->devices[i].waits)
			ck_assert_uint_le(b->devices[i].last_wait_s, 5);
	}
	ck_assert_uint_gt(waits, 0);
	ck_assert_uint_ne(bench_job(b, 0)->waits & 1u << ENGINE_WAIT_AIRTIME,
		0);
}
END_TEST

START_TEST(airtime_none_holds_the_newest_request_only)
{
	struct engine_event e = {.type = ENGINE_BUDGET, .budget = {0}};
	unsigned before;

	case_begin_transfer("");
	bench_event(b, &e);
	before = b->sends;
	for (unsigned i = 0; i < 10; i++) {
		char hex[64];

		snprintf(hex, sizeof(hex), "01%02x0300341202010d0c0b0a"
			"%02x00000008", i, i * 8);
		bench_rx_hex(b, 0, OTA, hex);
	}
	case_settle();
	ck_assert_uint_eq(b->sends, before);
	ck_assert_uint_gt(zigbee_ota_engine_ops.wants_airtime(b->engine), 0);
	e.budget.airtime_us = zigbee_ota_engine_ops.wants_airtime(b->engine);
	bench_event(b, &e);
	case_settle();
	ck_assert_uint_eq(b->sends, before + 1);
	ck_assert_uint_eq(zigbee_ota_engine_ops.wants_airtime(b->engine), 0);
	ck_assert_uint_eq(bench_log(b, 0)->data[1], 9);
	ck_assert_uint_eq(bench_log(b, 0)->data[12], 72);
}
END_TEST

static void ask_both(unsigned tsn)
{
	char hex[64];

	snprintf(hex, sizeof(hex), "01%02x0300341202010d0c0b0a000000003f",
		tsn);
	bench_rx_hex(b, 0, OTA, hex);
	bench_rx_hex(b, 1, OTA, hex);
}

/* Of a sleepy child and a router, who gets the block that can be afforded? The
 * router; once the child has waited for a second, the child. */
START_TEST(airtime_goes_to_routers_before_sleepy_children)
{
	struct engine_event e = {.type = ENGINE_BUDGET};

	bench_init(b, 2, CASE_LEN, "broadcast=no");
	for (unsigned i = 0; i < 2; i++) {
		b->devices[i].sleepy = i == 0;
		b->devices[i].stops_at = 500;
		bench_peer(b, i, false);
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run_until(b, 5000);
	bench_event(b, &e);
	ask_both(77);
	bench_run_until(b, b->now_ms + (_i ? 1500 : 500));
	e.budget.airtime_us = 7000;
	bench_event(b, &e);
	case_settle();
	ck_assert_uint_eq(bench_log(b, 0)->device, _i ? 0 : 1);
	ck_assert_uint_eq(bench_log(b, 0)->data[1], 77);
	ck_assert_uint_ne(bench_log(b, 1)->data[1], 77);
	bench_event(b, &e);
	case_settle();
	ck_assert_uint_eq(bench_log(b, 0)->device, _i ? 1 : 0);
}
END_TEST

START_TEST(airtime_set_aside_comes_back_when_the_device_changes_its_mind)
{
	struct engine_event e = {.type = ENGINE_BUDGET, .budget = {20000}};

	case_begin_transfer("");
	b->image_ms = 1000;
	bench_event(b, &e);
	bench_rx_hex(b, 0, OTA, BLOCK_AT("00000000", "3f"));
	case_settle();
	bench_rx_hex(b, 0, OTA, "01430100" "3412" "0201" "00010000");
	bench_run_until(b, b->now_ms + 1500);
	b->image_ms = 0;
	e.budget.airtime_us = 7000;
	bench_event(b, &e);
	bench_rx_hex(b, 0, OTA, "01440300" "3412" "0201" "0d0c0b0a"
		"32000000" "3f");
	case_settle();
	ck_assert_uint_eq(bench_log(b, 0)->data[1], 0x44);
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
}
END_TEST

START_TEST(sleepy_child_that_joins_is_notified_while_it_listens)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_offer(b, 0);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(b->devices[0].notifies, 0);
	bench_peer(b, 0, true);
	bench_run(b);
	ck_assert_uint_eq(b->devices[0].notifies, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

static void add_turns(TCase *c)
{
	tcase_add_test(c, notify_lost_is_repeated_with_growing_pauses);
	tcase_add_test(c, notify_of_many_is_one_broadcast);
	tcase_add_test(c,
		notify_of_many_lost_is_repeated_then_told_one_by_one);
	tcase_add_test(c, notify_of_many_by_few_places_asks_for_few);
	tcase_add_loop_test(c, notify_of_few_or_by_option_is_no_broadcast, 0,
		2);
	tcase_add_test(c, sleepy_child_is_not_pushed_and_served_when_it_asks);
	tcase_add_test(c, check_in_with_offer_polls_fast_until_the_end);
	tcase_add_test(c, check_in_without_offer_lets_it_sleep);
	tcase_add_test(c, places_bound_the_downloads);
	tcase_add_test(c, places_are_withheld_from_who_cannot_wait);
	tcase_add_test(c, places_of_silent_devices_are_given_on);
	tcase_add_test(c, places_for_sleepy_children_are_fewer);
	tcase_add_test(c, place_goes_to_the_oldest_offer_first);
	tcase_add_test(c, airtime_is_kept_and_used);
	tcase_add_test(c, airtime_scarce_sends_away_who_can_wait);
	tcase_add_test(c,
		airtime_set_aside_comes_back_when_the_device_changes_its_mind);
	tcase_add_test(c,
		sleepy_child_that_joins_is_notified_while_it_listens);
	tcase_add_test(c, airtime_none_holds_the_newest_request_only);
	tcase_add_loop_test(c, airtime_goes_to_routers_before_sleepy_children,
		0, 2);
}

int main(void)
{
	return case_run("zigbee_turns", add_turns);
}

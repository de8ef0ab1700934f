/* Who has a place, and who is called before one is free. */
#include "tests/unit/devices/zigbee_case.h"

#define LONG_LEN 15000
#define THINK_MS 100 /* for each block of 50 bytes: 30 s */

/* Runs until the device has so many blocks. */
static void run_to_block(unsigned device, unsigned blocks)
{
	while (b->devices[device].blocks < blocks && !bench_job(b, device)->over)
		bench_run_until(b, b->now_ms + 10);
}

static void begin_two(const char *options)
{
	bench_init(b, 2, LONG_LEN, options);
	for (unsigned i = 0; i < 2; i++) {
		b->devices[i].think_ms = THINK_MS;
		bench_offer(b, i);
	}
}

START_TEST(place_is_given_on_when_few_blocks_are_left)
{
	begin_two("concurrent=1 broadcast=no");
	run_to_block(0, 250);
	ck_assert_uint_eq(b->devices[1].notifies, 0);
	run_to_block(0, 300);
	ck_assert(!bench_job(b, 0)->over);
	ck_assert_uint_eq(b->devices[1].notifies, 1);
	ck_assert_uint_gt(b->devices[1].blocks, 0);
	bench_run(b);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
	ck_assert_uint_eq(b->most_places, 2);
}
END_TEST

/* Its place will not be free soon after all. */
START_TEST(place_of_who_begins_again_is_not_given_on_any_more)
{
	bench_init(b, 3, LONG_LEN, "concurrent=1 broadcast=no");
	for (unsigned i = 0; i < 3; i++) {
		b->devices[i].think_ms = THINK_MS;
		bench_offer(b, i);
	}
	run_to_block(1, 10);
	ck_assert(!bench_job(b, 0)->over);
	b->devices[0].offset = 0;
	b->devices[0].think_ms = 10 * THINK_MS;
	while (!bench_job(b, 1)->over)
		bench_run_until(b, b->now_ms + 10);
	ck_assert(!bench_job(b, 0)->over);
	ck_assert_uint_eq(b->devices[2].notifies, 0);
	bench_run(b);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(place_of_who_thinks_about_the_image_is_given_on)
{
	begin_two("concurrent=1 broadcast=no");
	b->devices[0].finish_ms = 20000;
	run_to_block(1, 100);
	ck_assert(!bench_job(b, 0)->over);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(places_given_on_are_as_many_again_at_most)
{
	bench_init(b, 20, 300, "concurrent=2 broadcast=no");
	for (unsigned i = 0; i < 20; i++) {
		b->devices[i].finish_ms = 20000;
		bench_offer(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 20);
	ck_assert_uint_eq(b->most_places, 4);
}
END_TEST

START_TEST(places_of_sleepy_children_are_not_given_on)
{
	bench_init(b, 4, 300, "sleepy_concurrent=1 broadcast=no");
	for (unsigned i = 0; i < 4; i++) {
		b->devices[i].sleepy = true;
		b->devices[i].finish_ms = 5000;
		bench_peer(b, i, false);
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->most_places, 1);
}
END_TEST

/* Those that were sent away ask again, but leave the radio to the downloads. */
START_TEST(many_sent_away_ask_a_few_at_a_time)
{
	unsigned waits = 0, later = 0;

	bench_init(b, 150, LONG_LEN, "concurrent=1 broadcast=no");
	for (unsigned i = 0; i < 150; i++) {
		b->devices[i].think_ms = 1000;
		bench_offer(b, i);
		bench_query(b, i);
	}
	bench_run_until(b, b->now_ms + MINUTE);
	for (unsigned i = 0; i < 150; i++)
		waits += b->devices[i].waits;
	bench_run_until(b, b->now_ms + MINUTE);
	for (unsigned i = 0; i < 150; i++)
		later += b->devices[i].waits;
	ck_assert_uint_ge(later - waits, 150);
	ck_assert_uint_le(later - waits, 60 * 6);
}
END_TEST

/* Before, a place was free until the next broadcast. */
START_TEST(who_did_not_heed_the_broadcast_is_called_when_there_is_a_place)
{
	bench_init(b, 40, 300, "concurrent=4 jitter=1");
	for (unsigned i = 0; i < 40; i++)
		bench_offer(b, i);
	bench_run_until(b, b->now_ms + 14000);
	ck_assert_uint_eq(b->broadcasts, 1);
	ck_assert_uint_eq(b->over_count, 40);
}
END_TEST

static void add_places(TCase *c)
{
	tcase_add_test(c, place_is_given_on_when_few_blocks_are_left);
	tcase_add_test(c, place_of_who_begins_again_is_not_given_on_any_more);
	tcase_add_test(c, place_of_who_thinks_about_the_image_is_given_on);
	tcase_add_test(c, places_given_on_are_as_many_again_at_most);
	tcase_add_test(c, places_of_sleepy_children_are_not_given_on);
	tcase_add_test(c, many_sent_away_ask_a_few_at_a_time);
	tcase_add_test(c,
		who_did_not_heed_the_broadcast_is_called_when_there_is_a_place);
}

int main(void)
{
	return case_run("zigbee_places", add_places);
}

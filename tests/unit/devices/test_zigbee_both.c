/* An offer for one image of a device that has told of another one first. */
#include "tests/unit/devices/zigbee_case.h"

#define TYPE_2 "0302"
#define QUERY_2(version) "01430100" "3412" TYPE_2 version
#define NEW "0d0c0b0a" /* what the offer brings */
#define NO_IMAGE "19430298"
/* CurrentFileVersion 5, of the same manufacturer and TYPE_2. */
#define RUNS_2 "10010102000023" "05000000" "0700002134120800002103" "02"

static void begin(void)
{
	bench_init(b, 1, CASE_LEN, "grace_s=0");
	b->devices[0].silent = true;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 1000);
}

static void hear(const char *hex)
{
	bench_rx_hex(b, 0, OTA, hex);
	case_settle();
}

START_TEST(query_for_another_image_first_leaves_the_job_waiting)
{
	const struct bench_job *j;

	begin();
	j = bench_job(b, 0);
	for (unsigned i = 0; i < 2; i++) {
		hear(QUERY_2("05000000"));
		case_expect_sent(0, NO_IMAGE);
		ck_assert(!j->over);
		bench_run_until(b, b->now_ms + 5000);
	}
	hear(QUERY);
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
	ck_assert(!j->over);
	ck_assert_str_eq(b->facts_version, "0x00000100");
}
END_TEST

START_TEST(query_for_another_image_of_that_version_is_not_done_by_it)
{
	begin();
	hear(QUERY_2(NEW));
	case_expect_sent(0, NO_IMAGE);
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

START_TEST(query_for_another_image_in_turn_never_ends_the_job)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
	bench_offer(b, 0);
	while (!bench_job(b, 0)->over) {
		bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
		case_settle();
		bench_run_until(b, b->now_ms + 3000);
	}
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
	ck_assert_uint_eq(d->version, BENCH_NEW);
}
END_TEST

START_TEST(query_for_another_image_three_times_is_all_that_it_has)
{
	begin();
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(!bench_job(b, 0)->over);
		hear(QUERY_2("05000000"));
		bench_run_until(b, b->now_ms + 5000);
	}
	ck_assert(bench_job(b, 0)->over);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_NOT_FOR);
}
END_TEST

START_TEST(query_of_another_maker_ends_the_job_at_once)
{
	begin();
	hear("01430100" "2143" "0201" "05000000");
	ck_assert(bench_job(b, 0)->over);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_NOT_FOR);
}
END_TEST

START_TEST(attributes_of_another_image_say_nothing_of_the_job)
{
	const struct bench_job *j;

	begin();
	j = bench_job(b, 0);
	hear(RUNS_2);
	hear(BLOCK_AT("00000000", "3f"));
	ck_assert(!j->over);
	ck_assert(!(j->stages & BIT(TRANSFER)));
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(!j->over);
	hear(QUERY);
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
}
END_TEST

START_TEST(device_of_another_image_keeps_no_place)
{
	bench_init(b, 2, CASE_LEN, "grace_s=0 concurrent=1");
	b->devices[0].silent = true;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 1000);
	hear(QUERY_2("05000000"));
	bench_offer(b, 1);
	while (!bench_job(b, 1)->over)
		bench_run_until(b, b->now_ms + 1000);
	ck_assert_int_eq(bench_job(b, 1)->outcome, ENGINE_DONE);
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

/* After a restart of ferryd in mid-update nothing is known of the device. */
START_TEST(query_for_another_image_after_a_restart_proves_nothing)
{
	static const int reached[] = {
		ENGINE_STAGE_TRANSFER, ENGINE_STAGE_STAGED,
		ENGINE_STAGE_RESTART,
	};

	bench_init(b, 1, CASE_LEN, "grace_s=0");
	b->devices[0].silent = true;
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, reached[_i], NULL, false);
	bench_run_until(b, b->now_ms + 1000);
	hear(QUERY_2(NEW));
	case_expect_sent(0, NO_IMAGE);
	ck_assert(!bench_job(b, 0)->over);
	hear("01430100" "3412" "0201" NEW);
	case_settle();
	ck_assert(bench_job(b, 0)->over);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

static void add(TCase *c)
{
	tcase_add_test(c,
		query_for_another_image_first_leaves_the_job_waiting);
	tcase_add_test(c,
		query_for_another_image_of_that_version_is_not_done_by_it);
	tcase_add_test(c, query_for_another_image_in_turn_never_ends_the_job);
	tcase_add_test(c,
		query_for_another_image_three_times_is_all_that_it_has);
	tcase_add_test(c, query_of_another_maker_ends_the_job_at_once);
	tcase_add_test(c, attributes_of_another_image_say_nothing_of_the_job);
	tcase_add_test(c, device_of_another_image_keeps_no_place);
	tcase_add_loop_test(c,
		query_for_another_image_after_a_restart_proves_nothing, 0, 3);
}

int main(void)
{
	return case_run("zigbee_both", add);
}

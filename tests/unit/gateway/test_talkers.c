#include "gateway/relay/talkers.h"

#include "tests/unit/unit.h"

#define START_MS 1234567
#define PERIOD AIRTIME_WINDOW_MS

static struct talkers t;

static void setup(void)
{
	talkers_init(&t, START_MS);
}

static struct talker_use loudest(int64_t now_ms)
{
	struct talker_use use;

	talkers_loudest(&t, START_MS + now_ms, &use);
	return use;
}

static void hear(int64_t now_ms, const char *key, uint32_t us)
{
	talkers_heard(&t, START_MS + now_ms, key, us);
}

START_TEST(talkers_loudest_of_silence_is_nobody)
{
	ck_assert_str_eq(loudest(0).key, "");
	ck_assert_uint_eq(loudest(5 * PERIOD).bp, 0);
}
END_TEST

START_TEST(talkers_loudest_is_who_used_most)
{
	hear(0, "a", 300000);
	hear(1, "b", 200000);
	ck_assert_str_eq(loudest(2).key, "a");
	ck_assert_uint_eq(loudest(2).bp, 300);
	hear(3, "b", 200000);
	ck_assert_str_eq(loudest(4).key, "b");
	ck_assert_uint_eq(loudest(4).bp, 400);
}
END_TEST

START_TEST(talkers_loudest_of_the_period_before_counts_for_one)
{
	hear(0, "a", 300000);
	ck_assert_str_eq(loudest(PERIOD).key, "a");
	hear(PERIOD + 1, "b", 100000);
	ck_assert_str_eq(loudest(2 * PERIOD - 1).key, "a");
	ck_assert_str_eq(loudest(2 * PERIOD).key, "b");
	ck_assert_str_eq(loudest(3 * PERIOD).key, "");
}
END_TEST

START_TEST(talkers_after_a_long_silence_leave_nobody)
{
	hear(0, "a", 300000);
	ck_assert_str_eq(loudest(2 * PERIOD).key, "");
}
END_TEST

/* Any number of made-up addresses, each heard once. */
START_TEST(talkers_loudest_is_found_among_very_many)
{
	char key[20];

	for (unsigned i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "f%015x", i);
		hear(i, key, 1000);
		hear(i, "storm", 1000);
	}
	ck_assert_str_eq(loudest(2000).key, "storm");
	ck_assert_uint_le(loudest(2000).bp, 2000);
	ck_assert_uint_ge(loudest(2000).bp, 1500);
}
END_TEST

/* Whoever takes a place is not charged with what was there before. */
START_TEST(talkers_never_charge_more_than_was_used)
{
	char key[20];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "f%015x", i);
		hear(i, key, 10000);
	}
	ck_assert_uint_le(loudest(500).bp, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("talkers");
	TCase *c = tcase_create("talkers");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, talkers_loudest_of_silence_is_nobody);
	tcase_add_test(c, talkers_loudest_is_who_used_most);
	tcase_add_test(c, talkers_loudest_of_the_period_before_counts_for_one);
	tcase_add_test(c, talkers_after_a_long_silence_leave_nobody);
	tcase_add_test(c, talkers_loudest_is_found_among_very_many);
	tcase_add_test(c, talkers_never_charge_more_than_was_used);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "policy/trust/time.h"

#define BUILD UINT64_C(1700000000)
#define Y2099 UINT64_C(4070908800)

static struct trust_clock clock_at(uint64_t boot, uint64_t system, bool synced)
{
	return (struct trust_clock){BUILD, boot, system, synced};
}

START_TEST(trust_now_clock_in_1970_is_at_least_build_time)
{
	struct trust_clock c = clock_at(5, 0, false);
	struct trust_time t;

	trust_time_start(&t, 0, &c);
	ck_assert_uint_eq(trust_now(&t, &c).lower, BUILD);
	ck_assert(!trust_now_too_early(trust_now(&t, &c), BUILD + 1000000));
	ck_assert(trust_now_expired(trust_now(&t, &c), BUILD));
	ck_assert(!trust_now_expired(trust_now(&t, &c), BUILD + 1));
}
END_TEST

START_TEST(trust_now_synchronised_clock_in_1970_never_lowers_the_bound)
{
	struct trust_clock c = clock_at(5, 0, true);
	struct trust_time t;

	trust_time_start(&t, 0, &c);
	ck_assert(trust_now_expired(trust_now(&t, &c), BUILD));
}
END_TEST

START_TEST(trust_now_clock_in_2099_counts_only_if_synchronised)
{
	struct trust_clock c = clock_at(5, Y2099, false);
	struct trust_time t;

	trust_time_start(&t, 0, &c);
	ck_assert(!trust_now_expired(trust_now(&t, &c), BUILD + 10));
	c.synchronised = true;
	ck_assert(trust_now_expired(trust_now(&t, &c), BUILD + 10));
	c = clock_at(6, BUILD + 5, true);
	ck_assert(!trust_now_expired(trust_now(&t, &c), BUILD + 10));
}
END_TEST

START_TEST(trust_time_value_grows_with_the_boot_clock)
{
	struct trust_clock c = clock_at(100, 0, false);
	struct trust_time t;

	trust_time_start(&t, BUILD + 50, &c);
	c.boot = 160;
	ck_assert_uint_eq(trust_time_value(&t, &c), BUILD + 110);
	trust_time_start(&t, trust_time_value(&t, &c),
		&(struct trust_clock){BUILD, 3, 0, false});
	c.boot = 13;
	ck_assert_uint_eq(trust_time_value(&t, &c), BUILD + 120);
}
END_TEST

START_TEST(trust_time_learn_only_raises)
{
	struct trust_clock c = clock_at(100, 0, false);
	struct trust_time t;

	trust_time_start(&t, 0, &c);
	ck_assert(trust_time_learn(&t, &c, BUILD + 1000));
	ck_assert(!trust_time_learn(&t, &c, BUILD + 500));
	ck_assert_uint_eq(trust_time_value(&t, &c), BUILD + 1000);
}
END_TEST

START_TEST(trust_time_reset_lowers_to_issued_but_not_below_build)
{
	struct trust_clock c = clock_at(100, 0, false);
	struct trust_time t;

	trust_time_start(&t, Y2099, &c);
	trust_time_reset(&t, &c, BUILD + 7);
	ck_assert_uint_eq(trust_time_value(&t, &c), BUILD + 7);
	trust_time_reset(&t, &c, 5);
	ck_assert_uint_eq(trust_time_value(&t, &c), BUILD);
}
END_TEST

START_TEST(trust_time_learn_huge_time_does_not_wrap)
{
	struct trust_clock c = clock_at(100, 0, false);
	struct trust_time t;

	trust_time_start(&t, 0, &c);
	trust_time_learn(&t, &c, UINT64_MAX);
	c.boot = UINT64_MAX;
	ck_assert_uint_ge(trust_time_value(&t, &c), UINT64_MAX / 2);
	ck_assert(trust_now_expired(trust_now(&t, &c), BUILD));
}
END_TEST

START_TEST(trust_now_at_is_believed_in_both_directions)
{
	struct trust_now now = trust_now_at(1000);

	ck_assert(trust_now_expired(now, 1000));
	ck_assert(!trust_now_expired(now, 1001));
	ck_assert(!trust_now_too_early(now, 1000 + TRUST_SKEW_S));
	ck_assert(trust_now_too_early(now, 1001 + TRUST_SKEW_S));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trust_time");
	TCase *tc = tcase_create("trust_time");

	tcase_add_test(tc, trust_now_clock_in_1970_is_at_least_build_time);
	tcase_add_test(tc,
		trust_now_synchronised_clock_in_1970_never_lowers_the_bound);
	tcase_add_test(tc, trust_now_clock_in_2099_counts_only_if_synchronised);
	tcase_add_test(tc, trust_time_value_grows_with_the_boot_clock);
	tcase_add_test(tc, trust_time_learn_only_raises);
	tcase_add_test(
		tc, trust_time_reset_lowers_to_issued_but_not_below_build);
	tcase_add_test(tc, trust_time_learn_huge_time_does_not_wrap);
	tcase_add_test(tc, trust_now_at_is_believed_in_both_directions);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

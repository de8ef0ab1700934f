#include "tests/unit/unit.h"

#include "policy/trust/verdict.h"

static struct verdict v;

static void setup(void)
{
	verdict_init(&v);
}

START_TEST(verdict_accepts_without_rows_is_false)
{
	ck_assert(!verdict_accepts(&v, false));
	ck_assert_int_ne(verdict_code(&v), 0);
}
END_TEST

START_TEST(verdict_accepts_not_evaluated_row_refuses_only_when_strict)
{
	verdict_add(&v, "a", CHECK_PASS, 0, 1, "%s", "");
	verdict_add(&v, "b", CHECK_NOT_EVALUATED, 0, 1, "%s", "");
	ck_assert(verdict_accepts(&v, false));
	ck_assert(!verdict_accepts(&v, true));
}
END_TEST

START_TEST(verdict_accepts_switched_off_row_passes)
{
	verdict_add(&v, "a", CHECK_OFF, 0, 1, "%s", "");
	ck_assert(verdict_accepts(&v, true));
}
END_TEST

START_TEST(verdict_code_is_that_of_the_first_failure)
{
	verdict_add(&v, "a", CHECK_PASS, 0, 1, "%s", "");
	verdict_add_code(&v, "b", ERR_TRUST_SUIT_VENDOR, 5, NULL, "%s", "x");
	verdict_add_code(&v, "c", ERR_TRUST_SUIT_CLASS, 5, NULL, "%s", "x");
	ck_assert_int_eq(verdict_code(&v), ERR_TRUST_SUIT_VENDOR);
	ck_assert(!verdict_accepts(&v, false));
}
END_TEST

START_TEST(verdict_add_past_the_end_refuses)
{
	for (unsigned i = 0; i < VERDICT_ROWS_MAX; i++)
		verdict_add(&v, "a", CHECK_PASS, 0, 1, "%s", "");
	ck_assert(verdict_accepts(&v, true));
	verdict_add(&v, "a", CHECK_PASS, 0, 1, "%s", "");
	ck_assert(!verdict_accepts(&v, false));
	ck_assert_int_ne(verdict_code(&v), 0);
}
END_TEST

START_TEST(verdict_add_code_failure_quotes_the_fault)
{
	struct fault fault = {0};

	fault_set(&fault, ERR_CBOR_TYPE, 3, "root.epoch", "must not fall");
	verdict_add_code(&v, "a", ERR_CBOR_TYPE, 1, &fault, "%s", "x");
	ck_assert_str_eq(
		verdict_find(&v, "a")->evidence, "root.epoch: must not fall");
	ck_assert_ptr_null(verdict_find(&v, "b"));
}
END_TEST

START_TEST(verdict_reach_only_raises)
{
	verdict_reach(&v, STEP_SIGN, TIER_UPGRADED);
	verdict_reach(&v, STEP_SIGN, TIER_BASIC);
	ck_assert_int_eq(v.tiers.of[STEP_SIGN], TIER_UPGRADED);
	ck_assert_int_eq(v.tiers.of[STEP_CHECK], TIER_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tc = tcase_create("verdict");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, verdict_accepts_without_rows_is_false);
	tcase_add_test(
		tc, verdict_accepts_not_evaluated_row_refuses_only_when_strict);
	tcase_add_test(tc, verdict_accepts_switched_off_row_passes);
	tcase_add_test(tc, verdict_code_is_that_of_the_first_failure);
	tcase_add_test(tc, verdict_add_past_the_end_refuses);
	tcase_add_test(tc, verdict_add_code_failure_quotes_the_fault);
	tcase_add_test(tc, verdict_reach_only_raises);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

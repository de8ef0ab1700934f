#include "tests/unit/unit.h"

#include "policy/trust/tier.h"

struct row {
	unsigned step;
	int required, reached;
	bool met;
};

static const struct row rows[] = {
	{STEP_SIGN, TIER_QUANTUM, TIER_QUANTUM, true},
	{STEP_SIGN, TIER_QUANTUM, TIER_ENHANCED, false},
	{STEP_SIGN, TIER_BASIC, TIER_NONE, false},
	{STEP_SIGN, TIER_NONE, TIER_NONE, true},
	{STEP_SEND, TIER_QUANTUM, TIER_ENHANCED, true},
	{STEP_SEND, TIER_QUANTUM, TIER_UPGRADED, false},
	{STEP_CHECK, TIER_QUANTUM, TIER_BASIC, true},
	{STEP_CHECK, TIER_UPGRADED, TIER_NONE, false},
	{STEP_CLEANUP, TIER_ENHANCED, TIER_UPGRADED, true},
	{STEP_REVERIFY, TIER_QUANTUM, TIER_ENHANCED, false},
};

START_TEST(tier_is_met_missing_tier_counts_as_the_one_to_its_left)
{
	const struct row *row = &rows[_i];

	ck_assert_msg(
		tier_is_met(row->step, row->required, row->reached) == row->met,
		"%s: %s for %s", step_name(row->step), tier_name(row->reached),
		tier_name(row->required));
}
END_TEST

START_TEST(tiers_shortfall_names_the_first_step)
{
	struct tiers required;
	struct tiers reached;

	tiers_clear(&required);
	tiers_clear(&reached);
	ck_assert_uint_eq(tiers_shortfall(&required, &reached, 1, 13), 0);
	required.of[STEP_CHECK] = TIER_BASIC;
	required.of[STEP_STAGE] = TIER_BASIC;
	ck_assert_uint_eq(
		tiers_shortfall(&required, &reached, 1, 6), STEP_CHECK);
	ck_assert_uint_eq(
		tiers_shortfall(&required, &reached, 6, 13), STEP_STAGE);
}
END_TEST

START_TEST(step_names_are_the_way_back)
{
	for (unsigned i = 1; i <= STEP_COUNT; i++)
		ck_assert_uint_eq(step_from_name(step_name(i)), i);
	ck_assert_uint_eq(step_from_name("?"), 0);
	ck_assert_str_eq(step_name(0), "?");
	ck_assert_str_eq(step_name(14), "?");
}
END_TEST

START_TEST(tier_names_are_the_way_back)
{
	int tier;

	for (int i = TIER_NONE; i <= TIER_QUANTUM; i++) {
		ck_assert_int_eq(tier_from_name(tier_name(i), &tier), 0);
		ck_assert_int_eq(tier, i);
	}
	ck_assert_int_ne(tier_from_name("+4", &tier), 0);
	ck_assert_str_eq(tier_name(4), "?");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tier");
	TCase *tc = tcase_create("tier");

	tcase_add_loop_test(tc,
		tier_is_met_missing_tier_counts_as_the_one_to_its_left, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, tiers_shortfall_names_the_first_step);
	tcase_add_test(tc, step_names_are_the_way_back);
	tcase_add_test(tc, tier_names_are_the_way_back);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

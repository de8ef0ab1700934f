#include "tests/unit/unit.h"

#include "policy/gates/approval.h"
#include "policy/gates/retry.h"
#include "policy/gates/window.h"

/* 2026-11-16 was a Monday. */
#define MONDAY UINT64_C(1794787200)
#define HOUR UINT64_C(3600)
#define DAY UINT64_C(86400)

struct window_row {
	const char *text;
	uint64_t at; /* since Monday 00:00 UTC */
	int32_t offset;
	bool open;
	uint64_t opens;	 /* since Monday; checked when shut */
	uint64_t closes; /* checked when open */
};

static const struct window_row window_rows[] = {
	{"02:00-05:00", 1 * HOUR, 0, false, 2 * HOUR, 0},
	{"02:00-05:00", 2 * HOUR, 0, true, 0, 5 * HOUR},
	{"02:00-05:00", 5 * HOUR - 1, 0, true, 0, 5 * HOUR},
	{"02:00-05:00", 5 * HOUR, 0, false, 26 * HOUR, 0},
	{"02:00-05:00", 1 * HOUR, 3600, true, 0, 4 * HOUR},
	{"02:00-05:00", 6 * HOUR, -7200, true, 0, 7 * HOUR},
	{"22:00-04:00", 23 * HOUR, 0, true, 0, 28 * HOUR},
	{"22:00-04:00", 3 * HOUR, 0, true, 0, 4 * HOUR},
	{"22:00-04:00", 12 * HOUR, 0, false, 22 * HOUR, 0},
	{"22:00-04:00 sun", 3 * HOUR, 0, true, 0, 4 * HOUR},
	{"22:00-04:00 mon", 3 * HOUR, 0, false, 22 * HOUR, 0},
	{"22:00-04:00 mon", DAY + 3 * HOUR, 0, true, 0, DAY + 4 * HOUR},
	{"mon-fri 10:00-11:00", 4 * DAY + 12 * HOUR, 0, false,
		7 * DAY + 10 * HOUR, 0},
	{"10:00-11:00 sat,sun", 10 * HOUR, 0, false, 5 * DAY + 10 * HOUR, 0},
	{"10:00-11:00 fri-mon", 6 * DAY + 10 * HOUR, 0, true, 0,
		6 * DAY + 11 * HOUR},
	{"10:00-11:00 fri-mon", 2 * DAY + 10 * HOUR, 0, false,
		4 * DAY + 10 * HOUR, 0},
	{"01:00-02:00; 02:00-03:00", 1 * HOUR, 0, true, 0, 3 * HOUR},
	{"00:00-24:00 tue", DAY, 0, true, 0, 2 * DAY},
	{"tue", DAY - 1, 0, false, DAY, 0},
	{"00:00-24:00", 5, 0, true, 0, UINT64_MAX},
	{"", 5, 0, true, 0, UINT64_MAX},
	{"always", 5, 0, true, 0, UINT64_MAX},
};

START_TEST(window_judge_row_says_when)
{
	const struct window_row *row = &window_rows[_i];
	uint64_t now = MONDAY + row->at;
	struct window w;
	uint64_t t;

	ck_assert_int_eq(window_parse(row->text, &w, NULL), 0);
	ck_assert_msg(window_is_open(&w, now, row->offset) == row->open,
		"%s at %llu", row->text, (unsigned long long)row->at);
	t = window_opens(&w, now, row->offset);
	ck_assert_msg(t == (row->open ? now : MONDAY + row->opens),
		"%s opens at %llu", row->text,
		(unsigned long long)(t - MONDAY));
	t = window_closes(&w, now, row->offset);
	if (row->open)
		ck_assert_msg(
			t == (row->closes == UINT64_MAX ? UINT64_MAX
							: MONDAY + row->closes),
			"%s closes at %llu", row->text,
			(unsigned long long)(t - MONDAY));
	else
		ck_assert_uint_eq(t, now);
}
END_TEST

static const char *const bad_windows[] = {
	"25:00-26:00",
	"10:00",
	"10:00-",
	"10-11",
	"10:00-10:00",
	"xyz",
	"10:00-11:00 mon-",
	"10:00-11:00 mon tue",
	"24:00-01:00",
	"10:00-11:00 12:00-13:00",
	"10:60-11:00",
	";",
	"10:00-11:00;",
	"10:00-11:00x",
	"24:01-25:00",
	"mon,",
	"10:00-11:00monx",
	"1:00-2:00;1:00-2:00",
};

START_TEST(window_parse_bad_text_is_refused)
{
	struct fault fault = {0};
	struct window w;

	ck_assert_msg(
		window_parse(bad_windows[_i], &w, &fault) == ERR_GATE_WINDOW,
		"%s", bad_windows[_i]);
	ck_assert_uint_ne(fault.rule[0], 0);
}
END_TEST

START_TEST(window_parse_too_many_ranges_are_refused)
{
	struct window w;

	ck_assert_int_eq(
		window_parse("mon;mon;mon;mon;mon;mon;mon;mon", &w, NULL), 0);
	ck_assert_int_eq(
		window_parse("mon;mon;mon;mon;mon;mon;mon;mon;mon", &w, NULL),
		ERR_GATE_WINDOW);
}
END_TEST

START_TEST(window_judge_shut_window_says_when_it_opens)
{
	struct gates g;
	struct window w;

	gates_clear(&g);
	ck_assert_int_eq(window_parse("02:00-05:00", &w, NULL), 0);
	window_judge(&w, MONDAY, 0, &g);
	ck_assert(gates_is_waiting(&g, GATE_WINDOW));
	ck_assert_uint_eq(gates_next(&g), MONDAY + 2 * HOUR);
	window_judge(&w, MONDAY + 2 * HOUR, 0, &g);
	ck_assert(gates_are_open(&g));
}
END_TEST

struct approval_row {
	enum approval_rule rule;
	enum approval_answer answer;
	bool security, must_ask, open;
};

static const struct approval_row approval_rows[] = {
	{APPROVAL_AUTO, APPROVAL_PENDING, false, false, true},
	{APPROVAL_AUTO, APPROVAL_PENDING, false, true, false},
	{APPROVAL_AUTO, APPROVAL_DECLINED, false, false, false},
	{APPROVAL_ASK, APPROVAL_PENDING, true, false, false},
	{APPROVAL_ASK, APPROVAL_GIVEN, false, true, true},
	{APPROVAL_ASK, APPROVAL_DECLINED, true, false, false},
	{APPROVAL_SECURITY_ONLY, APPROVAL_PENDING, true, false, true},
	{APPROVAL_SECURITY_ONLY, APPROVAL_PENDING, false, false, false},
	{APPROVAL_SECURITY_ONLY, APPROVAL_PENDING, true, true, false},
	{APPROVAL_SECURITY_ONLY, APPROVAL_GIVEN, false, false, true},
};

START_TEST(approval_judge_row_opens_or_shuts)
{
	const struct approval_row *row = &approval_rows[_i];
	struct gates g;

	gates_clear(&g);
	approval_judge(
		row->rule, row->answer, row->security, row->must_ask, &g);
	ck_assert_msg(gates_are_open(&g) == row->open, "row %d", _i);
}
END_TEST

START_TEST(approval_names_are_the_way_back)
{
	enum approval_rule rule;

	ck_assert_int_eq(approval_from_name("security-only", &rule), 0);
	ck_assert_int_eq(rule, APPROVAL_SECURITY_ONLY);
	ck_assert_str_eq(approval_name(APPROVAL_ASK), "ask");
	ck_assert_int_eq(approval_from_name("never", &rule), ERR_GATE_APPROVAL);
}
END_TEST

START_TEST(retry_delay_doubles_up_to_the_cap)
{
	struct retry_rule rule = {.first_s = 60, .cap_s = 300, .budget = 0};
	static const uint64_t whole[] = {60, 120, 240, 300, 300};
	uint64_t s;

	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(retry_delay(&rule, i + 1, 0, &s), 0);
		ck_assert_uint_eq(s, whole[i] / 2);
		ck_assert_int_eq(
			retry_delay(&rule, i + 1,
				(uint32_t)(whole[i] - whole[i] / 2), &s),
			0);
		ck_assert_uint_eq(s, whole[i]);
	}
	ck_assert_int_eq(retry_delay(&rule, UINT32_MAX, 0, &s), 0);
	ck_assert_uint_eq(s, 150);
}
END_TEST

START_TEST(retry_delay_budget_ends_it)
{
	struct retry_rule rule = {.first_s = 1, .cap_s = 1, .budget = 3};
	uint64_t s = 99;

	ck_assert_int_eq(retry_delay(&rule, 2, 0, &s), 0);
	s = 99;
	ck_assert_int_eq(retry_delay(&rule, 3, 0, &s), ERR_GATE_BUDGET);
	ck_assert_uint_eq(s, 99);
}
END_TEST

START_TEST(retry_is_sensible_only_for_transient_failures)
{
	ck_assert(retry_is_sensible(ERR_TRUST_CATALOG_ROOT));
	ck_assert(!retry_is_sensible(ERR_TRUST_CATALOG_THRESHOLD));
	ck_assert(!retry_is_sensible(ERR_TRUST_SUIT_NOTHING));
	ck_assert(!retry_is_sensible(0));
}
END_TEST

START_TEST(retry_judge_opens_when_the_time_has_come)
{
	struct gates g;

	gates_clear(&g);
	retry_judge(100, 99, &g);
	ck_assert_uint_eq(gates_next(&g), 100);
	retry_judge(100, 100, &g);
	ck_assert(gates_are_open(&g));
}
END_TEST

START_TEST(gates_next_is_the_earliest_time)
{
	struct gates g;

	gates_clear(&g);
	ck_assert_uint_eq(gates_next(&g), 0);
	gates_wait(&g, GATE_WAKE, 0, "%s", "");
	ck_assert_uint_eq(gates_next(&g), 0);
	gates_wait(&g, GATE_WINDOW, 50, "%s", "");
	gates_wait(&g, GATE_RETRY, 20, "%s", "");
	ck_assert_uint_eq(gates_next(&g), 20);
	gates_open(&g, GATE_RETRY);
	ck_assert_uint_eq(gates_next(&g), 50);
	ck_assert(!gates_are_open(&g));
}
END_TEST

START_TEST(gates_differ_sees_what_people_see)
{
	struct gates a;
	struct gates b;

	gates_clear(&a);
	gates_clear(&b);
	ck_assert(!gates_differ(&a, &b));
	gates_wait(&a, GATE_WINDOW, 5, "%s", "x");
	ck_assert(gates_differ(&a, &b));
	gates_wait(&b, GATE_WINDOW, 5, "%s", "x");
	ck_assert(!gates_differ(&a, &b));
	gates_wait(&b, GATE_WINDOW, 5, "%s", "y");
	ck_assert(gates_differ(&a, &b));
}
END_TEST

START_TEST(gate_names_are_the_way_back)
{
	for (int i = 0; i < GATE_COUNT; i++)
		ck_assert_int_eq(gate_from_name(gate_name((enum gate)i)), i);
	ck_assert_int_eq(gate_from_name("door"), -1);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
	Suite *suite = suite_create("gates");
	TCase *tc = tcase_create("gates");

	tcase_add_loop_test(
		tc, window_judge_row_says_when, 0, COUNT(window_rows));
	tcase_add_loop_test(
		tc, window_parse_bad_text_is_refused, 0, COUNT(bad_windows));
	tcase_add_test(tc, window_parse_too_many_ranges_are_refused);
	tcase_add_test(tc, window_judge_shut_window_says_when_it_opens);
	tcase_add_loop_test(
		tc, approval_judge_row_opens_or_shuts, 0, COUNT(approval_rows));
	tcase_add_test(tc, approval_names_are_the_way_back);
	tcase_add_test(tc, retry_delay_doubles_up_to_the_cap);
	tcase_add_test(tc, retry_delay_budget_ends_it);
	tcase_add_test(tc, retry_is_sensible_only_for_transient_failures);
	tcase_add_test(tc, retry_judge_opens_when_the_time_has_come);
	tcase_add_test(tc, gates_next_is_the_earliest_time);
	tcase_add_test(tc, gates_differ_sees_what_people_see);
	tcase_add_test(tc, gate_names_are_the_way_back);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "policy/trust/date.h"

struct row {
	struct date date;
	uint64_t seconds;
	const char *text;
};

static const struct row rows[] = {
	{{1970, 1, 1, 0, 0, 0}, 0, "1970-01-01T00:00:00Z"},
	{{1970, 1, 1, 0, 0, 1}, 1, "1970-01-01T00:00:01Z"},
	{{1999, 12, 31, 23, 59, 59}, 946684799, "1999-12-31T23:59:59Z"},
	{{2000, 2, 29, 12, 0, 0}, 951825600, "2000-02-29T12:00:00Z"},
	{{2000, 3, 1, 0, 0, 0}, 951868800, "2000-03-01T00:00:00Z"},
	{{2026, 11, 21, 18, 45, 0}, 1795286700, "2026-11-21T18:45:00Z"},
	{{2100, 2, 28, 0, 0, 0}, UINT64_C(4107456000), "2100-02-28T00:00:00Z"},
	{{2100, 3, 1, 0, 0, 0}, UINT64_C(4107542400), "2100-03-01T00:00:00Z"},
	{{9999, 12, 31, 23, 59, 59}, UINT64_C(253402300799),
		"9999-12-31T23:59:59Z"},
};

START_TEST(date_seconds_and_text_row)
{
	const struct row *row = &rows[_i];
	char text[DATE_SIZE];

	ck_assert_uint_eq(date_seconds(&row->date), row->seconds);
	ck_assert_str_eq(date_text(row->seconds, text), row->text);
}
END_TEST

START_TEST(date_seconds_before_1970_is_0)
{
	struct date dates[] = {{1969, 12, 31, 23, 59, 59}, {1, 1, 1, 0, 0, 0},
		{0, 1, 1, 0, 0, 0}};

	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(date_seconds(&dates[i]), 0);
}
END_TEST

START_TEST(date_exists_days_and_times_that_do_not_are_refused)
{
	static const struct date none[] = {{2026, 2, 29, 0, 0, 0},
		{2100, 2, 29, 0, 0, 0}, {2026, 0, 1, 0, 0, 0},
		{2026, 13, 1, 0, 0, 0}, {2026, 11, 31, 0, 0, 0},
		{2026, 11, 0, 0, 0, 0}, {2026, 11, 21, 24, 0, 0},
		{2026, 11, 21, 0, 60, 0}, {2026, 11, 21, 0, 0, 60}};
	static const struct date some[] = {{2024, 2, 29, 0, 0, 0},
		{2000, 2, 29, 0, 0, 0}, {2026, 12, 31, 23, 59, 59}};

	for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++)
		ck_assert_msg(!date_exists(&none[i]), "row %u", i);
	for (unsigned i = 0; i < sizeof(some) / sizeof(*some); i++)
		ck_assert_msg(date_exists(&some[i]), "row %u", i);
}
END_TEST

START_TEST(date_text_past_the_year_9999_is_a_number)
{
	char text[DATE_SIZE];

	ck_assert_str_eq(
		date_text(UINT64_C(253402300800), text), "253402300800");
	ck_assert_str_eq(date_text(UINT64_MAX, text), "18446744073709551615");
}
END_TEST

/* Each day of four centuries is the day after the one before. */
START_TEST(date_seconds_each_day_follows_the_one_before)
{
	static const uint8_t days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct date d = {1970, 1, 1, 0, 0, 0};
	uint64_t expected = 0;

	for (; d.year < 2370; d.year++)
		for (d.month = 1; d.month <= 12; d.month++) {
			bool leap = d.month == 2 && d.year % 4 == 0 &&
				    (d.year % 100 || d.year % 400 == 0);

			for (d.day = 1;
				d.day <= days[d.month - 1] + (leap ? 1u : 0);
				d.day++, expected += 86400)
				ck_assert_uint_eq(date_seconds(&d), expected);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("date");
	TCase *tc = tcase_create("date");

	tcase_add_loop_test(tc, date_seconds_and_text_row, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, date_seconds_before_1970_is_0);
	tcase_add_test(tc, date_exists_days_and_times_that_do_not_are_refused);
	tcase_add_test(tc, date_text_past_the_year_9999_is_a_number);
	tcase_add_test(tc, date_seconds_each_day_follows_the_one_before);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

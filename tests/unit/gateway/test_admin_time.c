#include "tests/unit/unit.h"

#include <errno.h>

#include "gateway/admin/time.h"

struct row {
	const char *text;
	int64_t ms; /* -1: refused */
};

static const struct row rows[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"2026-11-21T15:04:05Z", 1795273445000},
	{"2026-11-21T15:04:05.25Z", 1795273445250},
	{"2026-11-21T15:04:05.123456789Z", 1795273445123},
	{"2026-11-21T16:04:05+01:00", 1795273445000},
	{"2026-11-21T07:34:05-07:30", 1795273445000},
	{"2024-02-29T00:00:00Z", 1709164800000},
	{"2000-03-01T00:00:00Z", 951868800000},
	{"2016-12-31T23:59:60Z", 1483228799000},
	{"9999-12-31T23:59:59Z", 253402300799000},
	{"1969-12-31T23:59:59Z", -1},
	{"2026-02-29T00:00:00Z", -1},
	{"2100-02-29T00:00:00Z", -1},
	{"2026-13-01T00:00:00Z", -1},
	{"2026-00-01T00:00:00Z", -1},
	{"2026-11-31T00:00:00Z", -1},
	{"2026-11-21T24:00:00Z", -1},
	{"2026-11-21T15:04:05", -1},
	{"2026-11-21T15:04:05+1:00", -1},
	{"2026-11-21T15:04:05+24:00", -1},
	{"2026-11-21T15:04:05.Z", -1},
	{"2026-11-21T15:04:05.1234567890Z", -1},
	{"2026-11-21T15:04:05ZZ", -1},
	{"2026-11-21", -1},
	{"", -1},
	{"+026-11-21T15:04:05Z", -1},
};

START_TEST(time_parse_by_table)
{
	const struct row *row = &rows[_i];
	int64_t ms = -7;
	int err = admin_time_parse(row->text, &ms);

	if (row->ms < 0) {
		ck_assert_msg(err == -EINVAL, "%s: taken", row->text);
		ck_assert_msg(ms == -7, "%s: written", row->text);
		return;
	}
	ck_assert_msg(err == 0, "%s: refused", row->text);
	ck_assert_msg(ms == row->ms, "%s: %lld", row->text, (long long)ms);
}
END_TEST

START_TEST(time_text_reads_back)
{
	static const int64_t times[] = {0, 1, 999, 951868799999, 1795273445000,
		253402300799999};
	char text[ADMIN_TIME_SIZE];

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		int64_t ms = -1;

		admin_time_text(times[i], text);
		ck_assert_msg(admin_time_parse(text, &ms) == 0 &&
			ms == times[i], "%s", text);
	}
}
END_TEST

START_TEST(time_text_out_of_range_is_clamped)
{
	char text[ADMIN_TIME_SIZE];

	ck_assert_str_eq(admin_time_text(INT64_MIN, text),
		"1970-01-01T00:00:00Z");
	ck_assert_str_eq(admin_time_text(INT64_MAX, text),
		"9999-12-31T23:59:59.999Z");
	ck_assert_str_eq(admin_time_text(1795273445000, text),
		"2026-11-21T15:04:05Z");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admin.time");
	TCase *c = tcase_create("time");

	tcase_add_loop_test(c, time_parse_by_table, 0,
		(int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(c, time_text_reads_back);
	tcase_add_test(c, time_text_out_of_range_is_clamped);
	suite_add_tcase(s, c);
	return unit_run(s);
}

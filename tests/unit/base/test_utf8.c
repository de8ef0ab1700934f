/* Code points and numbers in text, as others wrote them. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/utf8.h"

static const struct {
	const char *name;
	const char *text;
	size_t len; /* 0: refused */
	uint32_t point;
} points[] = {
	{"ASCII", "a", 1, 'a'},
	{"first of two bytes", "\xc2\x80", 2, 0x80},
	{"last of two bytes", "\xdf\xbf", 2, 0x7ff},
	{"first of three bytes", "\xe0\xa0\x80", 3, 0x800},
	{"below the surrogates", "\xed\x9f\xbf", 3, 0xd7ff},
	{"above the surrogates", "\xee\x80\x80", 3, 0xe000},
	{"first of four bytes", "\xf0\x90\x80\x80", 4, 0x10000},
	{"last of all", "\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	{"one more follows", "\xc2\x80z", 2, 0x80},
	{"nothing", "", 0, 0},
	{"continuation alone", "\x80", 0, 0},
	{"two bytes for ASCII", "\xc1\xbf", 0, 0},
	{"three bytes for two", "\xe0\x9f\xbf", 0, 0},
	{"four bytes for three", "\xf0\x8f\xbf\xbf", 0, 0},
	{"surrogate", "\xed\xa0\x80", 0, 0},
	{"last surrogate", "\xed\xbf\xbf", 0, 0},
	{"past the last", "\xf4\x90\x80\x80", 0, 0},
	{"no first byte", "\xf5\x80\x80\x80", 0, 0},
	{"cut off", "\xe2\x82", 0, 0},
	{"ASCII in the middle", "\xe2\x41\xac", 0, 0},
};

START_TEST(utf8_read_each_text_is_a_point_or_refused)
{
	struct bytes text = bytes_of_text(points[_i].text);
	uint32_t point = 0;

	ck_assert_msg(utf8_read(text.at, text.len, &point) == points[_i].len,
		"%s", points[_i].name);
	ck_assert_msg(point == points[_i].point, "%s", points[_i].name);
}
END_TEST

static const struct {
	const char *text;
	int err;
	uint32_t value;
} numbers[] = {
	{"0", 0, 0},
	{"4294967295", 0, 4294967295u},
	{"0xffffffff", 0, 0xffffffffu},
	{"0X0a", 0, 10},
	{"00000000012", -EINVAL, 0},
	{"4294967296", -EINVAL, 0},
	{"0x100000000", -EINVAL, 0},
	{"0x", -EINVAL, 0},
	{"", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"+1", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"1a", -EINVAL, 0},
	{"0x1g", -EINVAL, 0},
};

START_TEST(to_u32_each_text_is_a_number_or_refused)
{
	uint32_t value = 0;

	ck_assert_msg(bytes_to_u32(bytes_of_text(numbers[_i].text), &value) ==
		numbers[_i].err, "'%s'", numbers[_i].text);
	ck_assert_msg(value == numbers[_i].value, "'%s'", numbers[_i].text);
}
END_TEST

START_TEST(to_u32_text_with_a_nul_is_refused)
{
	uint32_t value;

	ck_assert_int_eq(bytes_to_u32(bytes_of("12\0", 3), &value), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tc = tcase_create("utf8");

	tcase_add_loop_test(tc, utf8_read_each_text_is_a_point_or_refused, 0,
		(int)(sizeof(points) / sizeof(points[0])));
	tcase_add_loop_test(tc, to_u32_each_text_is_a_number_or_refused, 0,
		(int)(sizeof(numbers) / sizeof(numbers[0])));
	tcase_add_test(tc, to_u32_text_with_a_nul_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

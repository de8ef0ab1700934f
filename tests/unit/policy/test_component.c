#include "tests/unit/unit.h"

#include "policy/trust/component.h"

struct row {
	const char *text;
	const char *hex; /* NULL: refused */
};

static const struct row rows[] = {
	{"app", "8143617070"},
	{"0x00", "814100"},
	{"net/0x01ff", "82436e65744201ff"},
	{"a/b/c", "83416141624163"},
	{"", NULL},
	{"/", NULL},
	{"a/", NULL},
	{"/a", NULL},
	{"0x", NULL},
	{"0x0", NULL},
	{"0xgg", NULL},
	{"a b", NULL},
	{"a/b/c/d/e/f/g/h/i", NULL},
	{"0123456789012345678901234567890123456789012345678901234567890123",
		NULL},
};

START_TEST(component_from_text_row_gives_its_encoding)
{
	const struct row *row = &rows[_i];
	uint8_t id[COMPONENT_LEN_MAX];
	char hex[2 * COMPONENT_LEN_MAX + 1];
	size_t len = 0;
	int err = component_from_text(row->text, id, &len);

	ck_assert_msg(
		(err == 0) == (row->hex != NULL), "%s: %d", row->text, err);
	if (row->hex)
		ck_assert_str_eq(
			bytes_to_hex(bytes_of(id, len), hex, sizeof(hex)),
			row->hex);
}
END_TEST

START_TEST(component_to_text_is_the_way_back)
{
	const struct row *row = &rows[_i];
	uint8_t id[COMPONENT_LEN_MAX];
	char text[160];
	size_t len = 0;

	if (!row->hex)
		return;
	ck_assert_int_eq(component_from_text(row->text, id, &len), 0);
	ck_assert_str_eq(
		component_to_text(bytes_of(id, len), text, sizeof(text)),
		row->text);
}
END_TEST

START_TEST(component_to_text_unprintable_part_is_hexadecimal)
{
	static const uint8_t id[] = {0x81, 0x43, 'a', '/', 'b'};
	char text[32];

	ck_assert_str_eq(
		component_to_text(bytes_of(id, sizeof(id)), text, sizeof(text)),
		"0x612f62");
}
END_TEST

START_TEST(component_is_valid_other_items_are_refused)
{
	static const char *const bad[] = {"80", "8100", "4161", "814161ff",
		"a141614161",
		""};
	uint8_t in[8] = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t len = strlen(bad[i]) / 2;

		bytes_from_hex(bad[i], in, len);
		ck_assert_msg(
			!component_is_valid(bytes_of(in, len)), "%s", bad[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("component");
	TCase *tc = tcase_create("component");
	int count = (int)(sizeof(rows) / sizeof(rows[0]));

	tcase_add_loop_test(
		tc, component_from_text_row_gives_its_encoding, 0, count);
	tcase_add_loop_test(tc, component_to_text_is_the_way_back, 0, count);
	tcase_add_test(tc, component_to_text_unprintable_part_is_hexadecimal);
	tcase_add_test(tc, component_is_valid_other_items_are_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

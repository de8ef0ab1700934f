#include "devices/attributes.h"

#include "tests/unit/unit.h"

static const struct peer_attribute two[] = {{"kind", "router"},
	{"model", "Lamp 1"}};

START_TEST(attributes_restore_takes_what_was_kept)
{
	struct attributes a = {0}, b = {0};

	attributes_keep(&a, two, 2);
	ck_assert_int_eq(attributes_restore(&b, bytes_of(a.at, a.len)), 0);
	ck_assert_uint_eq(b.len, a.len);
	ck_assert_mem_eq(b.at, a.at, a.len);
	ck_assert_int_eq(attributes_restore(&b, bytes_of(NULL, 0)), 0);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

static const struct {
	const char *name;
	const char *at;
	size_t len;
} wrong[] = {
	{"not_closed", "kind\0router", 11},
	{"value_missing", "kind", 5},
	{"three_texts", "kind\0router\0model", 18},
	{"name_empty", "\0router", 8},
	{"value_steers_a_terminal", "kind\0\033[2J", 10},
	{"name_not_ascii", "k\xc3\xa4\0x", 6},
};

START_TEST(attributes_restore_takes_a_value_that_is_not_ascii)
{
	const struct peer_attribute one = {"model", "L\xc3\xa4mpchen"};
	struct attributes a = {0}, b = {0};

	attributes_keep(&a, &one, 1);
	ck_assert_int_eq(attributes_restore(&b, bytes_of(a.at, a.len)), 0);
	ck_assert_uint_eq(b.len, a.len);
	ck_assert_mem_eq(b.at, a.at, a.len);
}
END_TEST

START_TEST(attributes_restore_refuses_what_was_never_kept)
{
	struct attributes a = {0}, before;

	attributes_keep(&a, two, 2);
	before = a;
	ck_assert_msg(attributes_restore(&a, bytes_of(wrong[_i].at,
		wrong[_i].len)) == ERR_STORE_ROW, "%s", wrong[_i].name);
	ck_assert_mem_eq(&a, &before, sizeof(a));
}
END_TEST

START_TEST(attributes_restore_refuses_too_many_and_too_long)
{
	static uint8_t many[2 * 2 * (ATTRIBUTES_MAX + 1)], large[400];
	struct attributes a = {0};

	for (size_t i = 0; i < sizeof(many); i += 2)
		many[i] = 'x';
	ck_assert_int_eq(attributes_restore(&a, bytes_of(many, sizeof(many))),
		ERR_STORE_ROW);
	ck_assert_int_eq(attributes_restore(&a, bytes_of(many,
		sizeof(many) - 4)), 0);
	memset(large, 'x', sizeof(large));
	large[1] = large[sizeof(large) - 1] = '\0';
	ck_assert_int_eq(attributes_restore(&a, bytes_of(large,
		sizeof(large))), ERR_STORE_ROW);
}
END_TEST

START_TEST(attributes_hash_tells_values_and_not_the_order)
{
	static const struct peer_attribute turned[] = {{"model", "Lamp 1"},
		{"joined", "7"}, {"kind", "router"}};
	static const struct peer_attribute other[] = {{"kind", "router"},
		{"model", "Lamp 2"}};
	struct attributes a = {0}, b = {0}, c = {0};

	attributes_keep(&a, two, 2);
	attributes_keep(&b, turned, 3);
	attributes_keep(&c, other, 2);
	ck_assert_uint_eq(attributes_hash(&a, "joined"),
		attributes_hash(&b, "joined"));
	ck_assert_uint_ne(attributes_hash(&a, NULL), attributes_hash(&b, NULL));
	ck_assert_uint_ne(attributes_hash(&a, NULL), attributes_hash(&c, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attributes_stored");
	TCase *c = tcase_create("attributes_stored");

	tcase_add_test(c, attributes_restore_takes_what_was_kept);
	tcase_add_test(c,
		attributes_restore_takes_a_value_that_is_not_ascii);
	tcase_add_loop_test(c, attributes_restore_refuses_what_was_never_kept,
		0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(c, attributes_restore_refuses_too_many_and_too_long);
	tcase_add_test(c, attributes_hash_tells_values_and_not_the_order);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "base/json_out.h"

static struct buf text;
static struct json_out out;

static void setup(void)
{
	buf_init(&text, 4096);
	json_out_init(&out, &text);
}

static void teardown(void)
{
	buf_done(&text);
}

static void expect(const char *want)
{
	ck_assert_int_eq(text.err, 0);
	ck_assert_msg(bytes_is_text(buf_bytes(&text), want), "got %.*s, not %s",
		(int)text.len, (const char *)text.at, want);
}

START_TEST(members_and_items_have_commas_between_them)
{
	json_out_object(&out, NULL);
	json_out_number(&out, "a", 1);
	json_out_array(&out, "b");
	json_out_null(&out, NULL);
	json_out_bool(&out, NULL, true);
	json_out_object(&out, NULL);
	json_out_end_object(&out);
	json_out_array(&out, NULL);
	json_out_end_array(&out);
	json_out_end_array(&out);
	json_out_bool(&out, "c", false);
	json_out_raw(&out, "d", bytes_of_text("[1]"));
	json_out_text(&out, "e", NULL);
	json_out_end_object(&out);
	expect("{\"a\":1,\"b\":[null,true,{},[]],\"c\":false,\"d\":[1],"
		"\"e\":\"\"}");
}
END_TEST

static const struct text_row {
	const char *name, *text, *json;
} texts[] = {
	{"plain", "lamp-1", "\"lamp-1\""},
	{"empty", "", "\"\""},
	{"quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\""},
	{"control characters", "\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\x7f\""},
	{"at both ends", "\"x\"", "\"\\\"x\\\"\""},
	{"two bytes", "\xc3\xa9", "\"\xc3\xa9\""},
	{"three bytes", "\xe2\x82\xac", "\"\xe2\x82\xac\""},
	{"four bytes", "\xf0\x9f\x92\xa1", "\"\xf0\x9f\x92\xa1\""},
	{"last character", "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
	{"behind the last", "\xf4\x90\x80\x80",
		"\"\\\\xf4\\\\x90\\\\x80\\\\x80\""},
	{"lonely continuation", "a\x80", "\"a\\\\x80\""},
	{"cut short", "a\xe2\x82", "\"a\\\\xe2\\\\x82\""},
	{"cut by ASCII", "\xe2\x82z", "\"\\\\xe2\\\\x82z\""},
	{"overlong, two bytes", "\xc0\x80", "\"\\\\xc0\\\\x80\""},
	{"overlong, three bytes", "\xe0\x9f\xbf", "\"\\\\xe0\\\\x9f\\\\xbf\""},
	{"overlong, four bytes", "\xf0\x8f\xbf\xbf",
		"\"\\\\xf0\\\\x8f\\\\xbf\\\\xbf\""},
	{"surrogate", "\xed\xa0\x80", "\"\\\\xed\\\\xa0\\\\x80\""},
	{"before the surrogates", "\xed\x9f\xbf", "\"\xed\x9f\xbf\""},
	{"no first byte at all", "\xff", "\"\\\\xff\""},
};

START_TEST(text_is_escaped_and_always_utf8)
{
	const struct text_row *row = &texts[_i];

	json_out_text(&out, NULL, row->text);
	ck_assert_msg(bytes_is_text(buf_bytes(&text), row->json),
		"%s: %.*s", row->name, (int)text.len, (const char *)text.at);
}
END_TEST

START_TEST(key_is_escaped_too)
{
	json_out_object(&out, NULL);
	json_out_null(&out, "a\"b");
	json_out_end_object(&out);
	expect("{\"a\\\"b\":null}");
}
END_TEST

START_TEST(numbers_have_their_whole_range)
{
	json_out_array(&out, NULL);
	json_out_number(&out, NULL, INT64_MIN);
	json_out_number(&out, NULL, -1);
	json_out_number(&out, NULL, 0);
	json_out_number(&out, NULL, INT64_MAX);
	json_out_end_array(&out);
	expect("[-9223372036854775808,-1,0,9223372036854775807]");
}
END_TEST

START_TEST(hex_of_nothing_is_null)
{
	const uint8_t some[] = {0x00, 0xfa, 0x12};

	json_out_array(&out, NULL);
	json_out_hex(&out, NULL, bytes_of(some, sizeof(some)));
	json_out_hex(&out, NULL, bytes_of(NULL, 0));
	json_out_end_array(&out);
	expect("[\"00fa12\",null]");
}
END_TEST

START_TEST(full_buffer_keeps_its_error)
{
	struct buf small;
	struct json_out o;

	buf_init(&small, 8);
	json_out_init(&o, &small);
	json_out_text(&o, NULL, "far too long for it");
	json_out_hex(&o, NULL, bytes_of("abc", 3));
	ck_assert_int_ne(small.err, 0);
	ck_assert_uint_le(small.len, 8);
	buf_done(&small);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_out");
	TCase *tc = tcase_create("json_out");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, members_and_items_have_commas_between_them);
	tcase_add_loop_test(tc, text_is_escaped_and_always_utf8, 0,
		(int)(sizeof(texts) / sizeof(*texts)));
	tcase_add_test(tc, key_is_escaped_too);
	tcase_add_test(tc, numbers_have_their_whole_range);
	tcase_add_test(tc, hex_of_nothing_is_null);
	tcase_add_test(tc, full_buffer_keeps_its_error);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

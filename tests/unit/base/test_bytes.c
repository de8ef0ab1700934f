#include "tests/unit/unit.h"

#include <errno.h>

#include "base/buf.h"
#include "base/err.h"

START_TEST(to_printable_escapes_and_cuts)
{
	char text[16];

	bytes_to_printable(bytes_of("a\n\\b", 4), text, sizeof(text));
	ck_assert_str_eq(text, "a\\x0a\\x5cb");
	bytes_to_printable(bytes_of_text("0123456789abcdefgh"), text,
		sizeof(text));
	ck_assert_str_eq(text, "0123456789ab...");
}
END_TEST

START_TEST(from_hex_refuses_length_and_digits)
{
	uint8_t at[2];

	ck_assert_int_eq(bytes_from_hex("0aFf", at, 2), 0);
	ck_assert_uint_eq(at[0], 0x0a);
	ck_assert_uint_eq(at[1], 0xff);
	ck_assert_int_eq(bytes_from_hex("0aF", at, 2), -EINVAL);
	ck_assert_int_eq(bytes_from_hex("0aFg", at, 2), -EINVAL);
	ck_assert_int_eq(bytes_from_hex(NULL, at, 2), -EINVAL);
}
END_TEST

START_TEST(buf_past_maximum_fails_and_sticks)
{
	struct buf b;

	buf_init(&b, 8);
	ck_assert_int_eq(buf_add_text(&b, "12345"), 0);
	ck_assert_int_eq(buf_add_text(&b, "6789"), -EMSGSIZE);
	ck_assert_int_eq(buf_add_text(&b, "6"), -EMSGSIZE);
	ck_assert(bytes_is_text(buf_bytes(&b), "12345"));
	buf_reset(&b);
	ck_assert_int_eq(buf_add_text(&b, "12345678"), 0);
	buf_eat(&b, 6);
	ck_assert(bytes_is_text(buf_bytes(&b), "78"));
	buf_done(&b);
}
END_TEST

START_TEST(err_names_and_classes)
{
	ck_assert_str_eq(err_name(ERR_CBOR_KEY_TWICE), "cbor-key-twice");
	ck_assert_str_eq(err_name(-ENOENT), "ENOENT");
	ck_assert_str_eq(err_name(-5999), "unknown");
	ck_assert_int_eq(err_class(-ECONNRESET), ERR_CLASS_TRANSIENT);
	ck_assert_int_eq(err_class(ERR_CBOR_TYPE), ERR_CLASS_PERMANENT);
}
END_TEST

START_TEST(fault_keeps_the_first_and_takes_prefixes)
{
	struct fault f = {0};

	ck_assert_int_eq(fault_set(&f, ERR_CBOR_TYPE, 7, "sequence",
		"must be %s", "uint"), ERR_CBOR_TYPE);
	fault_set(&f, ERR_CBOR_RANGE, 9, "other", "x");
	fault_within(&f, "entries[%u].", 3u);
	ck_assert_str_eq(f.field, "entries[3].sequence");
	ck_assert_str_eq(f.rule, "must be uint");
	ck_assert_uint_eq(f.offset, 7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base.bytes");
	TCase *c = tcase_create("bytes");

	tcase_add_test(c, to_printable_escapes_and_cuts);
	tcase_add_test(c, from_hex_refuses_length_and_digits);
	tcase_add_test(c, buf_past_maximum_fails_and_sticks);
	tcase_add_test(c, err_names_and_classes);
	tcase_add_test(c, fault_keeps_the_first_and_takes_prefixes);
	suite_add_tcase(s, c);
	return unit_run(s);
}

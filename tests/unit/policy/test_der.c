#include "tests/unit/unit.h"

#include "policy/trust/der.h"

#define B(text)                                                                \
	{                                                                      \
		(const uint8_t *)("" text), sizeof(text) - 1                   \
	}

struct element_row {
	const char *name;
	struct bytes in;
	int tag;
	bool good;
	size_t len;  /* of the content */
	size_t rest; /* behind it */
};

static const struct element_row element_rows[] = {
	{"short", B("\x04\x02xy"), DER_OCTET_STRING, true, 2, 0},
	{"empty", B("\x05\x00"), DER_NULL, true, 0, 0},
	{"with a rest", B("\x04\x01xyz"), DER_OCTET_STRING, true, 1, 2},
	{"of another tag", B("\x04\x01x"), DER_INTEGER, false, 0, 0},
	{"nothing", B(""), DER_NULL, false, 0, 0},
	{"a tag only", B("\x05"), DER_NULL, false, 0, 0},
	{"longer than the input", B("\x04\x03xy"), DER_OCTET_STRING, false, 0,
		0},
	{"length in too many octets", B("\x04\x81\x01x"), DER_OCTET_STRING,
		false, 0, 0},
	{"length with a zero in front", B("\x04\x82\x00\x01x"),
		DER_OCTET_STRING, false, 0, 0},
	{"indefinite length", B("\x30\x80\x00\x00"), DER_SEQUENCE, false, 0, 0},
	{"length of lengths cut", B("\x04\x82\x01"), DER_OCTET_STRING, false, 0,
		0},
	{"length of five octets", B("\x04\x85\x01\x00\x00\x00\x00"),
		DER_OCTET_STRING, false, 0, 0},
	{"length of all ones", B("\x04\x84\xff\xff\xff\xff"), DER_OCTET_STRING,
		false, 0, 0},
};

START_TEST(der_take_element_row)
{
	const struct element_row *row = &element_rows[_i];
	struct bytes in = row->in, content, whole;
	bool good = der_take(&in, row->tag, &content);

	ck_assert_msg(good == row->good, "%s", row->name);
	if (!good) {
		ck_assert_msg(in.at == row->in.at && in.len == row->in.len,
			"%s: the cursor moved", row->name);
		return;
	}
	ck_assert_msg(content.len == row->len, "%s", row->name);
	ck_assert_msg(in.len == row->rest, "%s", row->name);
	in = row->in;
	ck_assert(der_take_whole(&in, row->tag, &whole));
	ck_assert_ptr_eq(whole.at, row->in.at);
	ck_assert_uint_eq(whole.len, row->in.len - row->rest);
}
END_TEST

START_TEST(der_take_length_of_128_octets_needs_the_long_form)
{
	uint8_t room[3 + 128] = {DER_OCTET_STRING, 0x81, 0x80};
	struct bytes in = bytes_of(room, sizeof(room)), content;

	ck_assert(der_take(&in, DER_OCTET_STRING, &content));
	ck_assert_uint_eq(content.len, 128);
	ck_assert_uint_eq(in.len, 0);
	in = bytes_of(room, sizeof(room));
	room[2] = 0x7f;
	ck_assert(!der_take(&in, DER_OCTET_STRING, &content));
}
END_TEST

START_TEST(der_skip_tags_of_several_octets_are_refused)
{
	struct bytes in = bytes_of("\x1f\x81\x01\x00", 4);

	ck_assert(!der_skip(&in));
	in = bytes_of("\xbf\x01\x00", 3);
	ck_assert(!der_skip(&in));
	in = bytes_of("\xa3\x00\x05\x00", 4);
	ck_assert(der_skip(&in) && der_skip(&in) && in.len == 0);
	ck_assert(!der_skip(&in));
}
END_TEST

struct value_row {
	const char *name;
	struct bytes in;
	char kind; /* I integer, S small, E small enumerated, B bool, b bits */
	int value; /* -1: refused; I and b: length */
};

static const struct value_row value_rows[] = {
	{"integer", B("\x02\x01\x05"), 'I', 1},
	{"integer with a needed zero", B("\x02\x02\x00\x80"), 'I', 2},
	{"integer with a needless zero", B("\x02\x02\x00\x7f"), 'I', -1},
	{"negative with needless ones", B("\x02\x02\xff\x80"), 'I', -1},
	{"negative", B("\x02\x02\xff\x7f"), 'I', 2},
	{"empty integer", B("\x02\x00"), 'I', -1},
	{"small", B("\x02\x01\x05"), 'S', 5},
	{"small of two octets", B("\x02\x02\x01\x00"), 'S', 256},
	{"largest small", B("\x02\x03\x00\xff\xff"), 'S', 65535},
	{"one more", B("\x02\x03\x01\x00\x00"), 'S', -1},
	{"of four octets", B("\x02\x04\x01\x00\x00\x00"), 'S', -1},
	{"small and negative", B("\x02\x01\xff"), 'S', -1},
	{"enumerated", B("\x0a\x01\x03"), 'E', 3},
	{"enumerated that is an integer", B("\x02\x01\x03"), 'E', -1},
	{"true", B("\x01\x01\xff"), 'B', 1},
	{"false", B("\x01\x01\x00"), 'B', 0},
	{"true in BER", B("\x01\x01\x01"), 'B', -1},
	{"boolean of two octets", B("\x01\x02\xff\xff"), 'B', -1},
	{"bits", B("\x03\x03\x00xy"), 'b', 2},
	{"no bits", B("\x03\x01\x00"), 'b', 0},
	{"bits without their first octet", B("\x03\x00"), 'b', -1},
	{"bits with unused ones", B("\x03\x02\x01x"), 'b', -1},
};

static int take_value(const struct value_row *row, struct bytes *in)
{
	struct bytes content;
	unsigned number;
	bool flag;

	switch (row->kind) {
	case 'I':
		return der_take_integer(in, &content) ? (int)content.len : -1;
	case 'S':
		return der_take_small(in, DER_INTEGER, &number) ? (int)number
								: -1;
	case 'E':
		return der_take_small(in, DER_ENUMERATED, &number) ? (int)number
								   : -1;
	case 'B':
		return der_take_boolean(in, &flag) ? flag : -1;
	default:
		return der_take_bits(in, &content) ? (int)content.len : -1;
	}
}

START_TEST(der_take_value_row)
{
	const struct value_row *row = &value_rows[_i];
	struct bytes in = row->in;
	int value = take_value(row, &in);

	ck_assert_msg(value == row->value, "%s: %d", row->name, value);
	ck_assert_msg(in.len == (value < 0 ? row->in.len : 0), "%s: rest %zu",
		row->name, in.len);
}
END_TEST

struct time_row {
	const char *text;
	int tag;
	bool good;
	uint64_t value;
};

static const struct time_row time_rows[] = {
	{"20260101000000Z", DER_GENERALIZED_TIME, true, 1767225600},
	{"260101000000Z", DER_UTC_TIME, true, 1767225600},
	{"491231235959Z", DER_UTC_TIME, true, UINT64_C(2524607999)},
	{"500101000000Z", DER_UTC_TIME, true, 0},
	{"991231235959Z", DER_UTC_TIME, true, 946684799},
	{"19700101000000Z", DER_GENERALIZED_TIME, true, 0},
	{"19700101000001Z", DER_GENERALIZED_TIME, true, 1},
	{"00010101000000Z", DER_GENERALIZED_TIME, true, 0},
	{"20400229120000Z", DER_GENERALIZED_TIME, true, UINT64_C(2214129600)},
	{"99991231235959Z", DER_GENERALIZED_TIME, true, UINT64_C(253402300799)},
	{"20260229000000Z", DER_GENERALIZED_TIME, false, 0},
	{"21000229000000Z", DER_GENERALIZED_TIME, false, 0},
	{"20000229000000Z", DER_GENERALIZED_TIME, true, 951782400},
	{"20261301000000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260001000000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260100000000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260431000000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260101240000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260101006000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260101000060Z", DER_GENERALIZED_TIME, false, 0},
	{"202601010000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260101000000", DER_GENERALIZED_TIME, false, 0},
	{"20260101000000z", DER_GENERALIZED_TIME, false, 0},
	{"2026010100000 Z", DER_GENERALIZED_TIME, false, 0},
	{"-0260101000000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260101000000.5Z", DER_GENERALIZED_TIME, false, 0},
	{"20260101000000+0000", DER_GENERALIZED_TIME, false, 0},
	{"260101000000Z", DER_GENERALIZED_TIME, false, 0},
	{"20260101000000Z", DER_UTC_TIME, false, 0},
	{"2601010000Z", DER_UTC_TIME, false, 0},
	{"260101000000+0100", DER_UTC_TIME, false, 0},
	{"", DER_UTC_TIME, false, 0},
};

START_TEST(der_take_time_row)
{
	const struct time_row *row = &time_rows[_i];
	uint8_t element[64];
	struct bytes in;
	uint64_t at = 77;

	element[0] = (uint8_t)row->tag;
	element[1] = (uint8_t)strlen(row->text);
	memcpy(element + 2, row->text, element[1]);
	in = bytes_of(element, 2u + element[1]);
	ck_assert_msg(der_take_time(&in, &at) == row->good, "%s", row->text);
	ck_assert_msg(at == (row->good ? row->value : 77), "%s: %llu",
		row->text, (unsigned long long)at);
	in = bytes_of(element, 2u + element[1]);
	ck_assert_msg(der_take_generalized_time(&in, &at) ==
			      (row->good && row->tag == DER_GENERALIZED_TIME),
		"%s", row->text);
}
END_TEST

struct extensions_row {
	const char *name;
	struct bytes in;
	unsigned max;
	bool good;
};

#define ONE "\x30\x07\x06\x01\x2a\x04\x02\x05\x00"
#define TWO "\x30\x07\x06\x01\x2b\x04\x02\x05\x00"
#define CRITICAL "\x30\x0a\x06\x01\x2c\x01\x01\xff\x04\x02\x05\x00"

static const struct extensions_row extensions_rows[] = {
	{"one", B(ONE), 2, true},
	{"two", B(ONE TWO), 2, true},
	{"three of two", B(ONE TWO CRITICAL), 2, false},
	{"none", B(""), 2, false},
	{"one twice", B(ONE TWO ONE), 3, false},
	{"without a value", B("\x30\x03\x06\x01\x2a"), 2, false},
	{"without an OID", B("\x30\x04\x04\x02\x05\x00"), 2, false},
	{"with an empty OID", B("\x30\x06\x06\x00\x04\x02\x05\x00"), 2, false},
	{"with an OID that is cut", B("\x30\x07\x06\x01\x81\x04\x02\x05\x00"),
		2, false},
	{"with an OID in too many octets",
		B("\x30\x09\x06\x03\x2a\x80\x01\x04\x02\x05\x00"), 2, false},
	{"with more behind", B("\x30\x09\x06\x01\x2a\x04\x02\x05\x00\x05\x00"),
		2, false},
	{"critical in BER",
		B("\x30\x0a\x06\x01\x2c\x01\x01\x01\x04\x02\x05\x00"), 2,
		false},
	{"no SEQUENCE", B("\x31\x07\x06\x01\x2a\x04\x02\x05\x00"), 2, false},
};

START_TEST(der_are_extensions_row)
{
	const struct extensions_row *row = &extensions_rows[_i];

	ck_assert_msg(der_are_extensions(row->in, row->max) == row->good, "%s",
		row->name);
}
END_TEST

START_TEST(der_find_extension_gives_value_and_criticality)
{
	struct bytes list = B(ONE TWO CRITICAL);
	struct der_extension ext;

	ck_assert(der_find_extension(list, bytes_of("\x2c", 1), &ext));
	ck_assert(ext.critical);
	ck_assert_uint_eq(ext.value.len, 2);
	ck_assert(der_find_extension(list, bytes_of("\x2b", 1), &ext));
	ck_assert(!ext.critical);
	ck_assert(!der_find_extension(list, bytes_of("\x2d", 1), &ext));
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	Suite *suite = suite_create("der");
	TCase *tc = tcase_create("der");

	tcase_add_loop_test(tc, der_take_element_row, 0, COUNT(element_rows));
	tcase_add_test(tc, der_take_length_of_128_octets_needs_the_long_form);
	tcase_add_test(tc, der_skip_tags_of_several_octets_are_refused);
	tcase_add_loop_test(tc, der_take_value_row, 0, COUNT(value_rows));
	tcase_add_loop_test(tc, der_take_time_row, 0, COUNT(time_rows));
	tcase_add_loop_test(
		tc, der_are_extensions_row, 0, COUNT(extensions_rows));
	tcase_add_test(tc, der_find_extension_gives_value_and_criticality);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

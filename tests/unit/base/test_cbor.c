#include "tests/unit/unit.h"

#include "base/cbor.h"
#include "base/cbor_out.h"

/* What each profile says of one item. */
struct row {
	const char *name;
	const char *hex;
	int strict, cose, wire;
};

#define SAME(e) e, e, e

static const struct row rows[] = {
	{"empty input", "", SAME(ERR_CBOR_TRUNCATED)},
	{"zero", "00", SAME(0)},
	{"23 in a byte", "1817", ERR_CBOR_NOT_SHORTEST, ERR_CBOR_NOT_SHORTEST, 0},
	{"255 in two", "1900ff", ERR_CBOR_NOT_SHORTEST, ERR_CBOR_NOT_SHORTEST, 0},
	{"65535 in four", "1a0000ffff", ERR_CBOR_NOT_SHORTEST,
		ERR_CBOR_NOT_SHORTEST, 0},
	{"2^32-1 in eight", "1b00000000ffffffff", ERR_CBOR_NOT_SHORTEST,
		ERR_CBOR_NOT_SHORTEST, 0},
	{"256 in two", "190100", SAME(0)},
	{"reserved head", "1c", SAME(ERR_CBOR_RESERVED)},
	{"truncated head", "19ff", SAME(ERR_CBOR_TRUNCATED)},
	{"bstr too long", "4201", SAME(ERR_CBOR_TRUNCATED)},
	{"bstr of 2^64-1", "5bffffffffffffffff", SAME(ERR_CBOR_TRUNCATED)},
	{"array of 2^28", "9a10000000", SAME(ERR_CBOR_COUNT)},
	{"map of 2^63", "bb8000000000000000", SAME(ERR_CBOR_COUNT)},
	{"map that would need odd bytes", "a201", SAME(ERR_CBOR_COUNT)},
	{"indefinite array", "9f01ff", ERR_CBOR_INDEFINITE, ERR_CBOR_INDEFINITE, 0},
	{"indefinite map", "bf0102ff", ERR_CBOR_INDEFINITE, ERR_CBOR_INDEFINITE, 0},
	{"indefinite map, odd", "bf01ff", ERR_CBOR_INDEFINITE,
		ERR_CBOR_INDEFINITE, ERR_CBOR_TYPE},
	{"indefinite, no break", "9f01", ERR_CBOR_INDEFINITE,
		ERR_CBOR_INDEFINITE, ERR_CBOR_TRUNCATED},
	{"indefinite bstr", "5f4101ff", SAME(ERR_CBOR_INDEFINITE)},
	{"lone break", "ff", SAME(ERR_CBOR_TYPE)},
	{"break in definite array", "81ff", SAME(ERR_CBOR_TYPE)},
	{"keys in order", "a201000200", SAME(0)},
	{"keys out of order", "a202000100", ERR_CBOR_KEY_ORDER, 0, 0},
	{"keys twice, sorted", "a201000100", SAME(ERR_CBOR_KEY_TWICE)},
	{"keys twice, apart", "a3010002000100", ERR_CBOR_KEY_ORDER,
		ERR_CBOR_KEY_TWICE, ERR_CBOR_KEY_TWICE},
	{"keys twice, nested", "81a201000100", SAME(ERR_CBOR_KEY_TWICE)},
	{"negative after positive", "a218640020" "00", SAME(0)},
	{"text", "6161", SAME(0)},
	{"overlong UTF-8", "62c0af", SAME(ERR_CBOR_UTF8)},
	{"surrogate", "63eda080", SAME(ERR_CBOR_UTF8)},
	{"above U+10FFFF", "64f4908080", SAME(ERR_CBOR_UTF8)},
	{"cut UTF-8", "61c3", SAME(ERR_CBOR_UTF8)},
	{"good UTF-8", "62c3a9", SAME(0)},
	{"trailing byte", "0000", SAME(ERR_CBOR_TRAILING)},
	{"float", "f93c00", ERR_CBOR_SIMPLE, ERR_CBOR_SIMPLE, 0},
	{"simple 16", "f0", ERR_CBOR_SIMPLE, ERR_CBOR_SIMPLE, 0},
	{"simple 20 in a byte", "f814", SAME(ERR_CBOR_RESERVED)},
	{"null", "f6", SAME(0)},
	{"tag", "d86b00", SAME(0)},
	{"tag without item", "d86b", SAME(ERR_CBOR_TRUNCATED)},
	{"16 levels", "81818181818181818181818181818181" "00", SAME(0)},
	{"17 levels", "8181818181818181818181818181818181" "00",
		SAME(ERR_CBOR_DEPTH)},
	{"17 tags", "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1" "00",
		SAME(ERR_CBOR_DEPTH)},
};

START_TEST(check_by_profile)
{
	const struct row *row = &rows[_i];
	uint8_t raw[64];
	size_t len = strlen(row->hex) / 2;
	const int want[] = {row->strict, row->cose, row->wire};

	ck_assert_int_eq(bytes_from_hex(row->hex, raw, len), 0);
	for (int p = CBOR_STRICT; p <= CBOR_WIRE; p++) {
		int got = cbor_check(bytes_of(raw, len), (enum cbor_profile)p);

		ck_assert_msg(got == want[p], "%s, profile %d: %s, not %s",
			row->name, p, err_name(got), err_name(want[p]));
	}
}
END_TEST

START_TEST(writer_reads_back)
{
	struct bytes text = {0}, blob = {0}, span = {0};
	struct cbor_list map, array;
	struct cbor r;
	struct buf b;
	uint64_t u = 0, tag = 0;
	int64_t n = 0, key = 0;
	bool yes = false;

	buf_init(&b, 256);
	cbor_put_tag(&b, 107);
	cbor_put_map(&b, 3);
	cbor_put_uint(&b, 1);
	cbor_put_uint(&b, UINT64_MAX);
	cbor_put_uint(&b, 2);
	cbor_put_array(&b, 3);
	cbor_put_int(&b, -65537);
	cbor_put_bool(&b, true);
	cbor_put_null(&b);
	cbor_put_int(&b, -1);
	cbor_put_array(&b, 2);
	cbor_put_tstr(&b, "hi");
	cbor_put_bstr(&b, bytes_of("\0\1", 2));
	ck_assert_int_eq(b.err, 0);

	cbor_init(&r, buf_bytes(&b), CBOR_STRICT);
	ck_assert_int_eq(cbor_tag(&r, &tag), 0);
	ck_assert_uint_eq(tag, 107);
	ck_assert_int_eq(cbor_map(&r, &map), 0);
	ck_assert(cbor_next(&r, &map));
	ck_assert_int_eq(cbor_int(&r, &key), 0);
	ck_assert_int_eq(cbor_uint(&r, &u), 0);
	ck_assert_uint_eq(u, UINT64_MAX);
	ck_assert(cbor_next(&r, &map));
	ck_assert_int_eq(cbor_int(&r, &key), 0);
	ck_assert_int_eq(cbor_array(&r, &array), 0);
	ck_assert(cbor_next(&r, &array));
	ck_assert_int_eq(cbor_int(&r, &n), 0);
	ck_assert_int_eq(n, -65537);
	ck_assert(cbor_next(&r, &array));
	ck_assert_int_eq(cbor_bool(&r, &yes), 0);
	ck_assert(yes);
	ck_assert(cbor_next(&r, &array));
	ck_assert_int_eq(cbor_null(&r), 0);
	ck_assert(!cbor_next(&r, &array));
	ck_assert(cbor_next(&r, &map));
	ck_assert_int_eq(cbor_int(&r, &key), 0);
	ck_assert_int_eq(key, -1);
	ck_assert_int_eq(cbor_skip(&r, &span), 0);
	ck_assert_uint_eq(span.len, 1 + 3 + 3);
	ck_assert(!cbor_next(&r, &map));
	ck_assert_int_eq(cbor_done(&r), 0);

	cbor_init(&r, span, CBOR_STRICT);
	ck_assert_int_eq(cbor_array(&r, &array), 0);
	ck_assert(cbor_next(&r, &array));
	ck_assert_int_eq(cbor_tstr(&r, &text), 0);
	ck_assert(bytes_is_text(text, "hi"));
	ck_assert(cbor_next(&r, &array));
	ck_assert_int_eq(cbor_bstr(&r, &blob), 0);
	ck_assert_uint_eq(blob.len, 2);
	ck_assert(!cbor_next(&r, &array));
	buf_done(&b);
}
END_TEST

START_TEST(errors_stick)
{
	static const uint8_t raw[] = {0x61, 0x61, 0x01};
	struct cbor r;
	uint64_t u = 7;

	cbor_init(&r, bytes_of(raw, sizeof(raw)), CBOR_STRICT);
	ck_assert_int_eq(cbor_uint(&r, &u), ERR_CBOR_TYPE);
	ck_assert_int_eq(cbor_skip(&r, NULL), ERR_CBOR_TYPE);
	ck_assert_uint_eq(u, 7);
	ck_assert_int_eq(cbor_peek(&r), CBOR_END);
	ck_assert_int_eq(cbor_done(&r), ERR_CBOR_TYPE);
}
END_TEST

START_TEST(int_out_of_range)
{
	static const uint8_t raw[] = {0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0};
	struct cbor r;
	int64_t n = 0;

	cbor_init(&r, bytes_of(raw, sizeof(raw)), CBOR_STRICT);
	ck_assert_int_eq(cbor_int(&r, &n), ERR_CBOR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base.cbor");
	TCase *c = tcase_create("cbor");

	tcase_add_loop_test(c, check_by_profile, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(c, writer_reads_back);
	tcase_add_test(c, errors_stick);
	tcase_add_test(c, int_out_of_range);
	suite_add_tcase(s, c);
	return unit_run(s);
}

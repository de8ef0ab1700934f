#include "tests/unit/unit.h"

#include <mbedtls/lms.h>

#include "base/buf.h"
#include "policy/trust/crypto.h"
#include "tests/unit/policy/hss_maker.h"

struct vector {
	struct bytes pub;
	struct bytes msg;
	struct bytes sig;
};

static struct bytes part_open(const char *name, const char *ending)
{
	char path[128];

	snprintf(path, sizeof(path), "vectors/lms/%s.%s", name, ending);
	return unit_read_shared(path);
}

static struct vector vector_open(const char *name)
{
	return (struct vector){part_open(name, "pub"), part_open(name, "msg"),
		part_open(name, "sig")};
}

static void vector_done(struct vector *v)
{
	free((void *)(uintptr_t)v->pub.at);
	free((void *)(uintptr_t)v->msg.at);
	free((void *)(uintptr_t)v->sig.at);
}

static int verify(const struct vector *v)
{
	return hss_verify(v->pub, &v->msg, 1, v->sig);
}

static const char *const hss_names[] = {
	"rfc8554-tc1", "rfc8554-tc2", "hsssig-sig-01", "hashsig-01"};

START_TEST(hss_verify_published_vector_is_accepted)
{
	struct vector v = vector_open(hss_names[_i]);

	ck_assert_msg(verify(&v) == 0, "%s: %s", hss_names[_i],
		err_name(verify(&v)));
	vector_done(&v);
}
END_TEST

START_TEST(hss_verify_message_in_parts_is_one_message)
{
	struct vector v = vector_open("rfc8554-tc1");
	struct bytes parts[] = {bytes_slice(v.msg, 0, 1),
		bytes_slice(v.msg, 1, 0),
		bytes_slice(v.msg, 1, v.msg.len - 1)};

	ck_assert_int_eq(hss_verify(v.pub, parts, 3, v.sig), 0);
	ck_assert_int_eq(hss_verify(v.pub, parts, 2, v.sig),
		ERR_TRUST_HSS_SIGNATURE);
	vector_done(&v);
}
END_TEST

START_TEST(lms_verify_vector_of_another_library_is_accepted)
{
	static const char *const names[] = {
		"mbedtls-lms-1", "mbedtls-lms-2", "mbedtls-lms-3"};
	struct vector v = vector_open(names[_i]);
	struct lms_public key;

	ck_assert_int_eq(lms_public_read(v.pub, &key), 0);
	ck_assert_int_eq(lms_verify(&key, &v.msg, 1, v.sig), 0);
	vector_done(&v);
}
END_TEST

/* Every 13th byte: all levels, and all fields of a level, are met. */
START_TEST(hss_verify_changed_signature_is_refused)
{
	struct vector v = vector_open(hss_names[_i]);
	uint8_t *at = (uint8_t *)(uintptr_t)v.sig.at;

	for (size_t i = 0; i < v.sig.len; i += 13) {
		at[i] ^= 1;
		ck_assert_msg(verify(&v) != 0, "byte %zu", i);
		at[i] ^= 1;
	}
	ck_assert_int_eq(verify(&v), 0);
	vector_done(&v);
}
END_TEST

START_TEST(hss_verify_changed_message_is_refused)
{
	struct vector v = vector_open(hss_names[_i]);
	uint8_t *at = (uint8_t *)(uintptr_t)v.msg.at;

	for (size_t i = 0; i < v.msg.len; i += 11) {
		at[i] ^= 0x80;
		ck_assert_int_eq(verify(&v), ERR_TRUST_HSS_SIGNATURE);
		at[i] ^= 0x80;
	}
	vector_done(&v);
}
END_TEST

START_TEST(hss_verify_changed_public_key_is_refused)
{
	struct vector v = vector_open(hss_names[_i]);
	uint8_t *at = (uint8_t *)(uintptr_t)v.pub.at;

	for (size_t i = 0; i < v.pub.len; i++) {
		at[i] ^= 1;
		ck_assert_msg(verify(&v) != 0, "byte %zu", i);
		at[i] ^= 1;
	}
	vector_done(&v);
}
END_TEST

START_TEST(hss_verify_every_shorter_signature_is_refused)
{
	struct vector v = vector_open("rfc8554-tc1");
	size_t len = v.sig.len;

	for (v.sig.len = 0; v.sig.len < len; v.sig.len++)
		ck_assert_msg(verify(&v) == ERR_TRUST_HSS_FORM, "%zu bytes: %s",
			v.sig.len, err_name(verify(&v)));
	vector_done(&v);
}
END_TEST

/* Offsets in a signature of rfc8554-tc1: two levels of H5 and W8, 2644 bytes. */
#define TC1_LMS_LEN (8 + 32 * 35 + 4 + 32 * 5)
#define TC1_Q 4
#define TC1_OTS 8
#define TC1_TREE (4 + 8 + 32 * 35)
#define TC1_PUB (4 + TC1_LMS_LEN)
#define TC1_LAST (TC1_PUB + 56)

struct hostile_row {
	const char *name;
	bool of_pub;
	size_t at;
	uint32_t value;
	int code;
};

static const struct hostile_row hostile_rows[] = {
	{"no signed public key", false, 0, 0, ERR_TRUST_HSS_FORM},
	{"one signed public key more", false, 0, 2, ERR_TRUST_HSS_FORM},
	{"levels beyond all limits", false, 0, UINT32_MAX, ERR_TRUST_HSS_FORM},
	{"leaf outside of the upper tree", false, TC1_Q, 32,
		ERR_TRUST_HSS_FORM},
	{"leaf far outside of the upper tree", false, TC1_Q, UINT32_MAX,
		ERR_TRUST_HSS_FORM},
	{"another leaf of the upper tree", false, TC1_Q, 4,
		ERR_TRUST_HSS_SIGNATURE},
	{"one-time type of the upper tree is another", false, TC1_OTS, 3,
		ERR_TRUST_HSS_TYPE},
	{"one-time type of the upper tree is unknown", false, TC1_OTS, 5,
		ERR_TRUST_HSS_TYPE},
	{"type of the upper tree is another", false, TC1_TREE, 6,
		ERR_TRUST_HSS_TYPE},
	{"type of the upper tree is unknown", false, TC1_TREE, 10,
		ERR_TRUST_HSS_TYPE},
	{"type of the lower key is unknown", false, TC1_PUB, 10,
		ERR_TRUST_HSS_FORM},
	{"type of the lower key is none", false, TC1_PUB, 0,
		ERR_TRUST_HSS_FORM},
	{"one-time type of the lower key is unknown", false, TC1_PUB + 4, 0,
		ERR_TRUST_HSS_FORM},
	{"type of the lower key is not the signed one", false, TC1_PUB, 6,
		ERR_TRUST_HSS_SIGNATURE},
	{"leaf outside of the lower tree", false, TC1_LAST, 32,
		ERR_TRUST_HSS_FORM},
	{"one-time type of the lower tree is another", false, TC1_LAST + 4, 2,
		ERR_TRUST_HSS_TYPE},
	{"type of the lower tree is another", false,
		TC1_LAST + 8 + 32 * 35, 7, ERR_TRUST_HSS_TYPE},
	{"key of no level", true, 0, 0, ERR_TRUST_HSS_KEY},
	{"key of nine levels", true, 0, 9, ERR_TRUST_HSS_KEY},
	{"key of one level", true, 0, 1, ERR_TRUST_HSS_FORM},
	{"key of three levels", true, 0, 3, ERR_TRUST_HSS_FORM},
	{"key with an unknown type", true, 4, 10, ERR_TRUST_HSS_KEY},
	{"key of another height", true, 4, 6, ERR_TRUST_HSS_FORM},
	{"key with an unknown one-time type", true, 8, 17, ERR_TRUST_HSS_KEY},
	{"key with another one-time type", true, 8, 3, ERR_TRUST_HSS_FORM},
	{"key with another identifier", true, 12, 0, ERR_TRUST_HSS_SIGNATURE},
};

/* A public key of another height or width makes the layout another too, so
 * that a length may be what stops it first. */
START_TEST(hss_verify_hostile_row_gives_its_code)
{
	const struct hostile_row *row = &hostile_rows[_i];
	struct vector v = vector_open("rfc8554-tc1");
	struct bytes in = row->of_pub ? v.pub : v.sig;
	int code;

	ck_assert_uint_le(row->at + 4, in.len);
	put_be32((uint8_t *)(uintptr_t)in.at + row->at, row->value);
	code = verify(&v);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
	vector_done(&v);
}
END_TEST

START_TEST(hss_verify_trailing_byte_is_refused)
{
	struct vector v = vector_open("rfc8554-tc2");
	uint8_t longer[4000] = {0};

	memcpy(longer, v.sig.at, v.sig.len);
	ck_assert_int_eq(hss_verify(v.pub, &v.msg, 1,
				 bytes_of(longer, v.sig.len + 1)),
		ERR_TRUST_HSS_FORM);
	vector_done(&v);
}
END_TEST

START_TEST(hss_verify_key_of_another_length_is_refused)
{
	struct vector v = vector_open("rfc8554-tc1");
	uint8_t longer[61] = {0};

	memcpy(longer, v.pub.at, v.pub.len);
	for (size_t len = 0; len <= sizeof(longer); len++)
		ck_assert_int_eq(hss_verify(bytes_of(longer, len), &v.msg, 1,
					 v.sig),
			len == 60 ? 0 : ERR_TRUST_HSS_KEY);
	vector_done(&v);
}
END_TEST

START_TEST(hss_verify_signature_by_another_vectors_key_is_refused)
{
	struct vector v = vector_open("hsssig-sig-01");
	struct vector w = vector_open("hashsig-01");

	ck_assert_int_eq(hss_verify(v.pub, &v.msg, 1, w.sig),
		ERR_TRUST_HSS_SIGNATURE);
	vector_done(&v);
	vector_done(&w);
}
END_TEST

/* The lengths that RFC 8554 gives rise to, by hand. */
START_TEST(lms_signature_len_is_that_of_the_table)
{
	static const size_t ots_lens[] = {8516, 4292, 2180, 1124};

	for (uint32_t o = 1; o <= 4; o++)
		for (uint32_t t = 5; t <= 9; t++)
			ck_assert_uint_eq(lms_signature_len(lms_ots_find(o),
						  lms_height(t)),
				4 + ots_lens[o - 1] + 4 + 32 * 5 * (t - 4));
	ck_assert_ptr_null(lms_ots_find(0));
	ck_assert_ptr_null(lms_ots_find(5));
	ck_assert_uint_eq(lms_height(4), 0);
	ck_assert_uint_eq(lms_height(10), 0);
}
END_TEST

/* Row _i: a tree type, a one-time type, and the levels in turn. */
START_TEST(hss_verify_every_parameter_set_is_accepted)
{
	uint32_t tree_type = 5 + (uint32_t)_i % 5;
	uint32_t ots_type = 1 + (uint32_t)_i / 5 % 4;
	struct bytes message = bytes_of_text("message");
	struct bytes other = bytes_of_text("Message");
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sig;

	for (unsigned levels = 1; levels <= HSS_LEVELS_MAX; levels++) {
		struct hss_maker maker =
			hss_maker_of(levels, tree_type, ots_type);

		maker.leaf = levels % 2 ? 0 : (1u << lms_height(tree_type)) - 1;
		buf_init(&sig, HSS_SIGNATURE_MAX);
		hss_maker_sign(&maker, message, pub, &sig);
		ck_assert_int_eq(
			hss_verify(bytes_of(pub, sizeof(pub)), &message, 1,
				buf_bytes(&sig)),
			0);
		ck_assert_int_eq(hss_verify(bytes_of(pub, sizeof(pub)), &other,
					 1, buf_bytes(&sig)),
			ERR_TRUST_HSS_SIGNATURE);
		buf_done(&sig);
	}
}
END_TEST

START_TEST(hss_verify_levels_of_different_parameters_are_accepted)
{
	struct hss_maker maker = {.levels = 8,
		.tree_types = {9, 5, 6, 7, 8, 5, 9, 6},
		.ots_types = {4, 1, 2, 3, 4, 3, 2, 1},
		.leaf = 31};
	struct bytes message = bytes_of("", 0);
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sig;

	buf_init(&sig, HSS_SIGNATURE_MAX);
	hss_maker_sign(&maker, message, pub, &sig);
	ck_assert_int_eq(hss_verify(bytes_of(pub, sizeof(pub)), &message, 1,
				 buf_bytes(&sig)),
		0);
	buf_done(&sig);
}
END_TEST

START_TEST(hss_signature_max_is_that_of_the_largest_set)
{
	struct hss_maker maker = hss_maker_of(8, 9, 1);
	struct bytes message = bytes_of_text("m");
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sig;

	buf_init(&sig, 1 << 20);
	hss_maker_sign(&maker, message, pub, &sig);
	ck_assert_uint_eq(sig.len, HSS_SIGNATURE_MAX);
	buf_done(&sig);
}
END_TEST

/* Mbed TLS knows this set only; it judges what is made here, and we judge it
 * alike. */
START_TEST(lms_verify_agrees_with_the_library_where_that_can)
{
	struct hss_maker maker = hss_maker_of(1, 6, 4);
	struct bytes message = bytes_of_text("a message for two");
	uint8_t pub[HSS_PUBLIC_LEN];
	mbedtls_lms_public_t oracle;
	struct buf sig;

	mbedtls_lms_public_init(&oracle);
	for (maker.leaf = 0; maker.leaf < 1024; maker.leaf += 93) {
		struct bytes lms;
		uint8_t *at;

		buf_init(&sig, HSS_SIGNATURE_MAX);
		hss_maker_sign(&maker, message, pub, &sig);
		ck_assert_int_eq(mbedtls_lms_import_public_key(&oracle, pub + 4,
					 LMS_PUBLIC_LEN),
			0);
		lms = bytes_slice(buf_bytes(&sig), 4, sig.len - 4);
		at = (uint8_t *)(uintptr_t)lms.at;
		for (size_t i = 8; i < lms.len; i += 211) {
			ck_assert_int_eq(mbedtls_lms_verify(&oracle, message.at,
						 message.len, lms.at, lms.len),
				0);
			at[i] ^= 4;
			ck_assert_int_ne(mbedtls_lms_verify(&oracle, message.at,
						 message.len, lms.at, lms.len),
				0);
			ck_assert_int_ne(hss_verify(bytes_of(pub, sizeof(pub)),
						 &message, 1, buf_bytes(&sig)),
				0);
			at[i] ^= 4;
		}
		mbedtls_lms_public_free(&oracle);
		buf_done(&sig);
	}
}
END_TEST

static void add_loops(TCase *tc)
{
	int names = (int)(sizeof(hss_names) / sizeof(hss_names[0]));

	tcase_add_loop_test(
		tc, hss_verify_published_vector_is_accepted, 0, names);
	tcase_add_loop_test(
		tc, lms_verify_vector_of_another_library_is_accepted, 0, 3);
	tcase_add_loop_test(
		tc, hss_verify_changed_signature_is_refused, 0, names);
	tcase_add_loop_test(
		tc, hss_verify_changed_message_is_refused, 0, names);
	tcase_add_loop_test(
		tc, hss_verify_changed_public_key_is_refused, 0, names);
	tcase_add_loop_test(tc, hss_verify_hostile_row_gives_its_code, 0,
		(int)(sizeof(hostile_rows) / sizeof(hostile_rows[0])));
	tcase_add_loop_test(
		tc, hss_verify_every_parameter_set_is_accepted, 0, 20);
}

int main(void)
{
	Suite *suite = suite_create("hss");
	TCase *tc = tcase_create("hss");

	unit_need_shared("vectors/lms");
	if (crypto_init())
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 120);
	add_loops(tc);
	tcase_add_test(tc, hss_verify_message_in_parts_is_one_message);
	tcase_add_test(tc, hss_verify_every_shorter_signature_is_refused);
	tcase_add_test(tc, hss_verify_trailing_byte_is_refused);
	tcase_add_test(tc, hss_verify_key_of_another_length_is_refused);
	tcase_add_test(
		tc, hss_verify_signature_by_another_vectors_key_is_refused);
	tcase_add_test(tc, lms_signature_len_is_that_of_the_table);
	tcase_add_test(
		tc, hss_verify_levels_of_different_parameters_are_accepted);
	tcase_add_test(tc, hss_signature_max_is_that_of_the_largest_set);
	tcase_add_test(tc, lms_verify_agrees_with_the_library_where_that_can);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

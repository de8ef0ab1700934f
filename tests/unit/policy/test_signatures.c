/* COSE messages signed with keys that take the whole message. */
#include "tests/unit/unit.h"

#include "policy/trust/cose.h"
#include "policy/trust/ed25519.h"
#include "policy/trust/root.h"
#include "tests/unit/policy/hss_maker.h"

static int hss_sign(void *arg, enum cose_alg alg, struct bytes tbs,
	uint8_t *ret_signature, size_t len)
{
	const struct hss_maker *maker = arg;
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sig;

	ck_assert_int_eq(alg, COSE_HSS_LMS);
	buf_init(&sig, HSS_SIGNATURE_MAX);
	hss_maker_sign(maker, tbs, pub, &sig);
	ck_assert_uint_eq(sig.len, len);
	memcpy(ret_signature, sig.at, len);
	buf_done(&sig);
	return 0;
}

static const uint8_t seed[ED25519_SEED_LEN] = "thirty-two bytes that are known";

static int ed25519_seed_sign(void *arg, enum cose_alg alg, struct bytes tbs,
	uint8_t *ret_signature, size_t len)
{
	(void)arg;
	(void)alg;
	ck_assert_uint_eq(len, ED25519_SIGNATURE_LEN);
	return ed25519_sign(seed, tbs, ret_signature);
}

static void hss_key(const struct hss_maker *maker, struct cose_key *ret,
	struct cose_signing *ret_by)
{
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sig;

	buf_init(&sig, HSS_SIGNATURE_MAX);
	hss_maker_sign(maker, bytes_of("", 0), pub, &sig);
	ck_assert_int_eq(cose_key_from_hss(bytes_of(pub, sizeof(pub)), ret), 0);
	*ret_by = (struct cose_signing){
		.alg = COSE_HSS_LMS,
		.sign = hss_sign,
		.arg = (void *)(uintptr_t)maker,
		.signature_len = sig.len,
	};
	buf_done(&sig);
}

static void ed25519_key(struct cose_key *ret, struct cose_signing *ret_by)
{
	uint8_t public[ED25519_PUBLIC_LEN];

	ck_assert_int_eq(ed25519_public(seed, public), 0);
	ck_assert_int_eq(
		cose_key_from_ed25519(bytes_of(public, sizeof(public)), ret),
		0);
	*ret_by = (struct cose_signing){
		.alg = COSE_ED25519,
		.sign = ed25519_seed_sign,
	};
}

static const struct bytes payload = {(const uint8_t *)"payload", 7};
static const struct bytes aad = {(const uint8_t *)"purpose", 7};

/* Signs as one of both messages, reads it back and judges it. */
static void round_trip(const struct cose_signing *by,
	const struct cose_key *key, enum cose_kind kind)
{
	struct cose_msg msg;
	struct buf b;

	buf_init(&b, 2 * COSE_SIGNATURE_MAX);
	ck_assert_int_eq(kind == COSE_SIGN1
				 ? cose_put_sign1(&b, by, aad, payload, false)
				 : cose_put_sign(&b, by, 1, aad, payload, true),
		0);
	ck_assert_int_eq(cose_parse(buf_bytes(&b), COSE_NONE, &msg, NULL), 0);
	ck_assert_int_eq(cose_verify(&msg, 0, key, aad, payload, false), 0);
	ck_assert_int_ne(
		cose_verify(&msg, 0, key, payload, payload, false), 0);
	ck_assert_int_ne(cose_verify(&msg, 0, key, aad, aad, false), 0);
	buf_done(&b);
}

struct set_row {
	const char *name;
	unsigned levels;
	uint32_t tree_type;
	uint32_t ots_type;
};

/* The smallest, those that the publisher makes, and the largest that there is.
 */
static const struct set_row sets[] = {
	{"W8 H5", 1, 5, 4},
	{"W8 H5, two levels", 2, 5, 4},
	{"W8 H10, two levels", 2, 6, 4},
	{"W4 H15, three levels", 3, 7, 3},
	{"W1 H25", 1, 9, 1},
	{"W8 H25, eight levels", 8, 9, 4},
	{"W1 H25, eight levels", 8, 9, 1},
};

START_TEST(cose_verify_hss_message_of_any_set_is_accepted)
{
	const struct set_row *row = &sets[_i];
	struct hss_maker maker =
		hss_maker_of(row->levels, row->tree_type, row->ots_type);
	struct cose_signing by;
	struct cose_key key;

	hss_key(&maker, &key, &by);
	round_trip(&by, &key, COSE_SIGN1);
	round_trip(&by, &key, COSE_SIGN);
}
END_TEST

START_TEST(cose_put_sign1_ed25519_is_read_back)
{
	struct cose_signing by;
	struct cose_key key;

	if (!ed25519_is_built())
		return;
	ed25519_key(&key, &by);
	round_trip(&by, &key, COSE_SIGN1);
	round_trip(&by, &key, COSE_SIGN);
	by.alg = COSE_EDDSA;
	round_trip(&by, &key, COSE_SIGN1);
}
END_TEST

static const enum cose_alg algs[] = {COSE_ES256, COSE_ESP256, COSE_ESP384,
	COSE_ES512, COSE_EDDSA, COSE_ED25519, COSE_HSS_LMS, COSE_HMAC256};

/* What a header says and what a key is must be of one kind, whatever the
 * signature is. */
START_TEST(cose_verify_algorithm_of_another_kind_is_refused)
{
	struct hss_maker maker = hss_maker_of(1, 5, 4);
	struct cose_key keys[3] = {{0}};
	struct cose_signing by;
	struct cose_msg msg;
	struct buf b;

	hss_key(&maker, &keys[0], &by);
	keys[1] = (struct cose_key){.kty = COSE_KTY_OKP};
	keys[2] = (struct cose_key){
		.kty = COSE_KTY_EC2, .curve = CRYPTO_P384};
	for (unsigned k = 0; k < 3; k++) {
		const struct cose_alg_facts *facts = cose_alg_find(algs[_i]);
		uint8_t raw[] = {0xd2, 0x84, 0x43, 0xa1, 1, 0, 0xa0, 0x40, 0x40};
		uint8_t wide[] = {0xd2, 0x84, 0x44, 0xa1, 1, 0x38, 0, 0xa0,
			0x40, 0x40};
		bool is_wide = algs[_i] < -24;
		int code;

		raw[5] = (uint8_t)(algs[_i] < 0 ? 0x20 + (-1 - algs[_i])
						: algs[_i]);
		wide[6] = (uint8_t)(-1 - algs[_i]);
		buf_init(&b, 64);
		if (is_wide)
			buf_add(&b, wide, sizeof(wide));
		else
			buf_add(&b, raw, sizeof(raw));
		ck_assert_int_eq(
			cose_parse(buf_bytes(&b), COSE_NONE, &msg, NULL), 0);
		code = cose_verify(&msg, 0, &keys[k], aad, payload, false);
		ck_assert_int_ne(code, 0);
		if (facts->kty != (int)keys[k].kty)
			ck_assert_int_eq(code, facts->kty
						       ? ERR_TRUST_COSE_KEY_CURVE
						       : ERR_TRUST_COSE_ALG);
		buf_done(&b);
	}
}
END_TEST

/* A role whose keys are of two kinds, and a message by both. */
START_TEST(role_verify_keys_of_different_kinds_are_told_apart)
{
	static const struct revocation_view off = {.policy = REVOCATION_OFF};
	struct chain_rules rules = {.revocation = &off};
	struct hss_maker maker = hss_maker_of(2, 5, 4);
	struct root_entry entries[2] = {{0}};
	struct root_role role = {ROLE_AUTHOR, 1, 2, entries};
	struct role_signatures found;
	struct cose_signing by[2];
	struct cose_msg msg;
	struct buf b;

	hss_key(&maker, &entries[0].key, &by[0]);
	ck_assert_int_eq(
		cose_key_thumbprint(&entries[0].key, entries[0].id), 0);
	role.count = 1;
	if (ed25519_is_built()) {
		ed25519_key(&entries[1].key, &by[1]);
		ck_assert_int_eq(
			cose_key_thumbprint(&entries[1].key, entries[1].id), 0);
		role.count = 2;
	}
	for (unsigned with_kid = 0; with_kid < 2; with_kid++) {
		for (unsigned i = 0; with_kid && i < role.count; i++)
			by[i].kid = bytes_of(entries[i].id, COSE_KID_LEN);
		buf_init(&b, 4 * COSE_SIGNATURE_MAX);
		ck_assert_int_eq(cose_put_sign(&b, by, role.count, aad, payload,
					 false),
			0);
		ck_assert_int_eq(
			cose_parse(buf_bytes(&b), COSE_NONE, &msg, NULL), 0);
		ck_assert_int_eq(role_verify(&role, &msg, ROLE_KID_OR_CHAIN,
					 aad, payload, &rules, &found),
			0);
		ck_assert_uint_eq(found.count, role.count);
		ck_assert_int_eq(found.of[0].alg, COSE_HSS_LMS);
		ck_assert_int_eq(role_verify(&role, &msg, ROLE_KID_REQUIRED,
					 aad, payload, &rules, &found),
			0);
		ck_assert_uint_eq(found.count, with_kid ? role.count : 0);
		ck_assert_int_eq(role_verify(&role, &msg, ROLE_KID_OR_CHAIN,
					 payload, payload, &rules, &found),
			0);
		ck_assert_uint_eq(found.count, 0);
		buf_done(&b);
	}
}
END_TEST

struct rfc8032_row {
	const char *public;
	const char *message;
	const char *signature;
};

/* RFC 8032 section 7.1, TEST 1 and TEST 2. */
static const struct rfc8032_row rfc8032_rows[] = {
	{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901"
		"555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a"
		"100b"},
	{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69"
		"da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb"
		"0c00"},
};

START_TEST(ed25519_verify_published_vector_is_accepted)
{
	const struct rfc8032_row *row = &rfc8032_rows[_i];
	uint8_t public[32];
	uint8_t message[4];
	uint8_t signature[64];
	struct bytes m = bytes_of(message, strlen(row->message) / 2);
	struct bytes s = bytes_of(signature, sizeof(signature));

	bytes_from_hex(row->public, public, 32);
	bytes_from_hex(row->message, message, m.len);
	bytes_from_hex(row->signature, signature, 64);
	if (!ed25519_is_built()) {
		ck_assert_int_eq(ed25519_verify(public, m, s),
			ERR_TRUST_ED25519_ABSENT);
		return;
	}
	ck_assert_int_eq(ed25519_verify(public, m, s), 0);
	for (unsigned i = 0; i < 64; i++) {
		signature[i] ^= 1;
		ck_assert_int_eq(ed25519_verify(public, m, s),
			ERR_TRUST_COSE_SIGNATURE);
		signature[i] ^= 1;
	}
	s.len = 63;
	ck_assert_int_eq(
		ed25519_verify(public, m, s), ERR_TRUST_COSE_SIGNATURE);
}
END_TEST

/* The order of the group, little-endian; S + L verifies where that is not
 * looked at. */
START_TEST(ed25519_verify_signature_that_is_not_canonical_is_refused)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63,
		0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		[31] = 0x10};
	uint8_t public[32];
	uint8_t signature[64];
	unsigned carry = 0;

	bytes_from_hex(rfc8032_rows[0].public, public, 32);
	bytes_from_hex(rfc8032_rows[0].signature, signature, 64);
	for (unsigned i = 0; i < 32; i++) {
		carry += (unsigned)signature[32 + i] + order[i];
		signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	ck_assert_int_ne(ed25519_verify(public, bytes_of("", 0),
				 bytes_of(signature, 64)),
		0);
}
END_TEST

/* With the neutral element as key and as R, and S of zero, the equation holds
 * for every message. */
START_TEST(ed25519_verify_key_of_small_order_is_refused)
{
	uint8_t public[32] = {1};
	uint8_t signature[64] = {1};

	ck_assert_int_ne(ed25519_verify(public, payload,
				 bytes_of(signature, 64)),
		0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signatures");
	TCase *tc = tcase_create("signatures");

	if (crypto_init())
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, cose_verify_hss_message_of_any_set_is_accepted,
		0, (int)(sizeof(sets) / sizeof(sets[0])));
	tcase_add_test(tc, cose_put_sign1_ed25519_is_read_back);
	tcase_add_test(
		tc, role_verify_keys_of_different_kinds_are_told_apart);
	tcase_add_loop_test(tc,
		cose_verify_algorithm_of_another_kind_is_refused, 0,
		(int)(sizeof(algs) / sizeof(algs[0])));
	tcase_add_loop_test(
		tc, ed25519_verify_published_vector_is_accepted, 0, 2);
	tcase_add_test(
		tc, ed25519_verify_signature_that_is_not_canonical_is_refused);
	tcase_add_test(tc, ed25519_verify_key_of_small_order_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

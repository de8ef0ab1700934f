/* Encryption information that somebody made by hand: which forms are read, and
 * what each of the others is refused for. */
#include "tests/unit/unit.h"

#include "base/cbor_out.h"
#include "policy/trust/crypto_secret.h"
#include "policy/trust/encrypt.h"

/* What a made message has that it should not, or lacks. */
enum twist {
	GOOD,
	TAG_ABSENT,
	TAG_OTHER,
	FEWER_MEMBERS,
	CIPHER_ABSENT,
	CIPHER_TEXT,
	CIPHER_UNKNOWN,
	CIPHER_UNPROTECTED,
	CIPHER_TWICE,
	CTR_PROTECTED,
	IV_ABSENT,
	IV_SHORT,
	PARTIAL_IV,
	CRIT,
	ATTACHED,
	NO_RECIPIENTS,
	MANY_RECIPIENTS,
	RECIPIENT_UNKNOWN,
	RECIPIENT_TEXT,
	RECIPIENT_NESTS,
	RECIPIENT_STATIC,
	RECIPIENT_SALT,
	KW_PROTECTED,
	WRAPPED_SHORT,
	WRAPPED_NIL,
	KID_LONG,
	ECDH_UNPROTECTED,
	EPHEMERAL_ABSENT,
	EPHEMERAL_P384,
	EPHEMERAL_PRIVATE,
	TRAILING,
	KEY_TWICE,
};

static void put_pair(struct buf *b, int64_t label, int64_t value)
{
	cbor_put_int(b, label);
	cbor_put_int(b, value);
}

static void put_zeros(struct buf *b, size_t len)
{
	static const uint8_t zeros[128];

	cbor_put_bstr(b, bytes_of(zeros, len));
}

static void put_body(struct buf *b, enum twist t)
{
	struct buf h;

	buf_init(&h, 128);
	if (t == CIPHER_TEXT) {
		cbor_put_map(&h, 1);
		cbor_put_int(&h, 1);
		cbor_put_tstr(&h, "A128GCM");
	} else if (t != CIPHER_ABSENT && t != CIPHER_UNPROTECTED) {
		unsigned more = (t == CRIT) + (t == PARTIAL_IV) +
				(t == KEY_TWICE);

		cbor_put_map(&h, 1 + more);
		put_pair(&h, 1, t == CIPHER_UNKNOWN ? 24
			      : t == CTR_PROTECTED   ? -65534
						     : 1);
		if (t == CRIT) {
			cbor_put_int(&h, 2);
			cbor_put_array(&h, 1);
			cbor_put_int(&h, 5);
		}
		if (t == PARTIAL_IV) {
			cbor_put_int(&h, 6);
			put_zeros(&h, 2);
		}
		if (t == KEY_TWICE)
			put_pair(&h, 1, 1);
	}
	cbor_put_bstr(b, buf_bytes(&h));
	buf_reset(&h);
	if (t == IV_ABSENT) {
		cbor_put_map(b, 0);
	} else {
		bool twice = t == CIPHER_TWICE || t == CIPHER_UNPROTECTED;

		cbor_put_map(b, 1 + twice);
		if (twice)
			put_pair(b, 1, 1);
		cbor_put_int(b, 5);
		put_zeros(b, t == IV_SHORT	? 8
			     : t == CTR_PROTECTED ? 16
						  : 12);
	}
	buf_done(&h);
	if (t == ATTACHED)
		put_zeros(b, 30);
	else
		cbor_put_null(b);
}

static void put_kw(struct buf *b, enum twist t)
{
	cbor_put_array(b, t == RECIPIENT_NESTS ? 4 : 3);
	if (t == KW_PROTECTED) {
		static const uint8_t alg[] = {0xa1, 1, 0x22};

		cbor_put_bstr(b, bytes_of(alg, 3));
		cbor_put_map(b, 0);
	} else {
		cbor_put_bstr(b, bytes_of("", 0));
		cbor_put_map(b, t == RECIPIENT_SALT ? 3 : 2);
		cbor_put_int(b, 1);
		if (t == RECIPIENT_TEXT)
			cbor_put_tstr(b, "A128KW");
		else
			cbor_put_int(b, t == RECIPIENT_UNKNOWN ? -6 : -3);
		cbor_put_int(b, 4);
		put_zeros(b, t == KID_LONG ? 65 : 5);
		if (t == RECIPIENT_SALT) {
			cbor_put_int(b, -20);
			put_zeros(b, 8);
		}
	}
	if (t == WRAPPED_NIL)
		cbor_put_null(b);
	else
		put_zeros(b, t == WRAPPED_SHORT ? 16 : 24);
	if (t == RECIPIENT_NESTS) {
		cbor_put_array(b, 1);
		put_kw(b, GOOD);
	}
}

static void put_ephemeral(struct buf *b, enum twist t)
{
	size_t len = t == EPHEMERAL_P384 ? 48 : 32;

	cbor_put_map(b, t == EPHEMERAL_PRIVATE ? 5 : 4);
	put_pair(b, 1, 2);
	put_pair(b, -1, t == EPHEMERAL_P384 ? 2 : 1);
	cbor_put_int(b, -2);
	put_zeros(b, len);
	cbor_put_int(b, -3);
	put_zeros(b, len);
	if (t == EPHEMERAL_PRIVATE) {
		cbor_put_int(b, -4);
		put_zeros(b, len);
	}
}

static void put_ecdh(struct buf *b, enum twist t)
{
	static const uint8_t alg[] = {0xa1, 1, 0x38, 28};
	bool moved = t == ECDH_UNPROTECTED;
	bool absent = t == EPHEMERAL_ABSENT;

	cbor_put_array(b, 3);
	cbor_put_bstr(b, bytes_of(alg, moved ? 0 : sizeof(alg)));
	cbor_put_map(b, (uint64_t)(moved + !absent + (t == RECIPIENT_STATIC) +
				   1));
	if (moved)
		put_pair(b, 1, -29);
	cbor_put_int(b, 4);
	put_zeros(b, 3);
	if (!absent) {
		cbor_put_int(b, -1);
		put_ephemeral(b, t);
	}
	if (t == RECIPIENT_STATIC) {
		cbor_put_int(b, -2);
		put_ephemeral(b, GOOD);
	}
	put_zeros(b, 24);
}

static bool is_about_ecdh(enum twist t)
{
	return t == ECDH_UNPROTECTED || t == EPHEMERAL_ABSENT ||
	       t == EPHEMERAL_P384 || t == EPHEMERAL_PRIVATE ||
	       t == RECIPIENT_STATIC;
}

static void make(struct buf *b, enum twist t)
{
	unsigned count = t == NO_RECIPIENTS	? 0
			 : t == MANY_RECIPIENTS ? ENCRYPT_RECIPIENTS_MAX + 1
						: 1;

	buf_init(b, 32768);
	if (t != TAG_ABSENT)
		cbor_put_tag(b, t == TAG_OTHER ? 16 : 96);
	cbor_put_array(b, t == FEWER_MEMBERS ? 3 : 4);
	put_body(b, t);
	if (t != FEWER_MEMBERS) {
		cbor_put_array(b, count);
		for (unsigned i = 0; i < count; i++) {
			if (is_about_ecdh(t))
				put_ecdh(b, t);
			else
				put_kw(b, t);
		}
	}
	if (t == TRAILING)
		cbor_put_null(b);
	ck_assert_int_eq(b->err, 0);
}

static const struct {
	const char *name;
	enum twist twist;
	int code;
} forms[] = {
	{"good", GOOD, 0},
	{"no tag", TAG_ABSENT, ERR_TRUST_COSE_TAG},
	{"COSE_Encrypt0", TAG_OTHER, ERR_TRUST_COSE_TAG},
	{"three members", FEWER_MEMBERS, ERR_CBOR_RANGE},
	{"no cipher", CIPHER_ABSENT, ERR_TRUST_ENCRYPT_CIPHER},
	{"cipher as text", CIPHER_TEXT, ERR_TRUST_ENCRYPT_CIPHER},
	{"ChaCha20", CIPHER_UNKNOWN, ERR_TRUST_ENCRYPT_CIPHER},
	{"GCM unprotected", CIPHER_UNPROTECTED, ERR_TRUST_ENCRYPT_FORM},
	{"cipher twice", CIPHER_TWICE, ERR_TRUST_ENCRYPT_FORM},
	{"CTR protected", CTR_PROTECTED, ERR_TRUST_ENCRYPT_FORM},
	{"no IV", IV_ABSENT, ERR_TRUST_ENCRYPT_FORM},
	{"short IV", IV_SHORT, ERR_TRUST_ENCRYPT_FORM},
	{"partial IV", PARTIAL_IV, ERR_TRUST_COSE_CRIT},
	{"critical header", CRIT, ERR_TRUST_COSE_CRIT},
	{"attached ciphertext", ATTACHED, ERR_TRUST_ENCRYPT_ATTACHED},
	{"no recipients", NO_RECIPIENTS, ERR_CBOR_RANGE},
	{"too many recipients", MANY_RECIPIENTS, ERR_TOO_LARGE},
	{"direct recipient only", RECIPIENT_UNKNOWN,
		ERR_TRUST_ENCRYPT_RECIPIENT},
	{"recipient by text", RECIPIENT_TEXT, ERR_TRUST_ENCRYPT_RECIPIENT},
	{"nested recipient", RECIPIENT_NESTS, ERR_TRUST_ENCRYPT_RECIPIENT},
	{"static sender key", RECIPIENT_STATIC, ERR_TRUST_ENCRYPT_RECIPIENT},
	{"salted derivation", RECIPIENT_SALT, ERR_TRUST_ENCRYPT_RECIPIENT},
	{"KW protected", KW_PROTECTED, ERR_TRUST_ENCRYPT_FORM},
	{"wrapped key short", WRAPPED_SHORT, ERR_TRUST_ENCRYPT_FORM},
	{"wrapped key nil", WRAPPED_NIL, ERR_TRUST_ENCRYPT_FORM},
	{"long kid", KID_LONG, ERR_TOO_LARGE},
	{"ECDH unprotected", ECDH_UNPROTECTED, ERR_TRUST_ENCRYPT_FORM},
	{"no ephemeral key", EPHEMERAL_ABSENT, ERR_TRUST_ENCRYPT_FORM},
	{"ephemeral on P-384", EPHEMERAL_P384, ERR_TRUST_COSE_KEY_CURVE},
	{"ephemeral private", EPHEMERAL_PRIVATE, ERR_TRUST_COSE_KEY},
	{"bytes behind", TRAILING, ERR_CBOR_TRAILING},
	{"key twice", KEY_TWICE, ERR_CBOR_KEY_TWICE},
};

START_TEST(encrypt_info_parse_form_is_judged)
{
	struct fault fault = {0};
	struct encrypt_info info;
	struct buf b;
	int err;

	make(&b, forms[_i].twist);
	err = encrypt_info_parse(buf_bytes(&b), &info, &fault);
	ck_assert_msg(err == forms[_i].code, "%s: %s, expected %s (%s: %s)",
		forms[_i].name, err_name(err), err_name(forms[_i].code),
		fault.field, fault.rule);
	ck_assert_int_eq(fault.code, err);
	buf_done(&b);
}
END_TEST

START_TEST(encrypt_info_parse_every_cut_is_refused)
{
	struct encrypt_info info;
	struct buf b;

	make(&b, GOOD);
	for (size_t len = 0; len < b.len; len++)
		ck_assert_int_lt(encrypt_info_parse(bytes_of(b.at, len), &info,
					 NULL),
			0);
	buf_done(&b);
}
END_TEST

static int pair_agree(void *arg, const uint8_t peer[64], uint8_t ret[32])
{
	return crypto_pair_agree(*(uint32_t *)arg, peer, ret);
}

/* A point that is not on the curve opens nothing and harms nothing. */
START_TEST(encrypt_open_key_point_off_the_curve_opens_nothing)
{
	uint32_t id;
	uint8_t point[64];
	struct encrypt_key key = {.agree = pair_agree, .arg = &id};
	struct encrypt_info info;
	struct encrypt_cek cek;
	struct buf b;

	ck_assert_int_eq(crypto_pair_new(&id, point), 0);
	buf_init(&b, 1024);
	cbor_put_tag(&b, 96);
	cbor_put_array(&b, 4);
	put_body(&b, GOOD);
	cbor_put_array(&b, 1);
	put_ecdh(&b, GOOD);
	ck_assert_int_eq(encrypt_info_parse(buf_bytes(&b), &info, NULL), 0);
	ck_assert_int_eq(encrypt_open_key(&info, &key, 1, &cek, NULL),
		ERR_TRUST_ENCRYPT_NO_KEY);
	buf_done(&b);
	crypto_pair_destroy(id);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encrypt_forms");
	TCase *tc = tcase_create("encrypt_forms");

	if (crypto_init())
		return EXIT_FAILURE;
	tcase_add_loop_test(tc, encrypt_info_parse_form_is_judged, 0,
		(int)(sizeof(forms) / sizeof(forms[0])));
	tcase_add_test(tc, encrypt_info_parse_every_cut_is_refused);
	tcase_add_test(
		tc, encrypt_open_key_point_off_the_curve_opens_nothing);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include <jansson.h>

#include "tests/unit/policy/maker.h"

/* What the message layer says of a published example: parsed without a tag only
 * where the example has none, the algorithm in either header. */
struct row {
	const char *file;
	enum cose_kind untagged;
	int code;   /* lax */
	int strict; /* with the algorithm protected */
};

#define BOTH(e) e, e

static const struct row rows[] = {
	{"sign1-tests/sign-pass-01", 0, 0, ERR_TRUST_COSE_ALG_UNPROTECTED},
	{"sign1-tests/sign-pass-02", 0, BOTH(0)},
	{"sign1-tests/sign-pass-03", COSE_SIGN1, BOTH(0)},
	{"sign1-tests/sign-pass-03", 0, BOTH(ERR_TRUST_COSE_TAG)},
	{"sign1-tests/sign-fail-01", 0, BOTH(ERR_TRUST_COSE_TAG)},
	{"sign1-tests/sign-fail-02", 0, BOTH(ERR_TRUST_COSE_SIGNATURE)},
	{"sign1-tests/sign-fail-03", 0, BOTH(ERR_TRUST_COSE_ALG)},
	{"sign1-tests/sign-fail-04", 0, BOTH(ERR_TRUST_COSE_ALG)},
	{"sign1-tests/sign-fail-06", 0, BOTH(ERR_TRUST_COSE_SIGNATURE)},
	{"sign1-tests/sign-fail-07", 0, BOTH(ERR_TRUST_COSE_SIGNATURE)},
	{"mac0-tests/HMac-01", 0, BOTH(0)},
	{"mac0-tests/mac-pass-01", 0, 0, ERR_TRUST_COSE_ALG_UNPROTECTED},
	{"mac0-tests/mac-pass-02", 0, 0, ERR_TRUST_COSE_ALG_UNPROTECTED},
	{"mac0-tests/mac-pass-03", COSE_MAC0, 0,
		ERR_TRUST_COSE_ALG_UNPROTECTED},
	{"mac0-tests/mac-fail-01", 0, BOTH(ERR_TRUST_COSE_TAG)},
	{"mac0-tests/mac-fail-02", 0, ERR_TRUST_COSE_MAC, 1},
	{"mac0-tests/mac-fail-03", 0, BOTH(ERR_TRUST_COSE_ALG)},
	{"mac0-tests/mac-fail-04", 0, BOTH(ERR_TRUST_COSE_ALG)},
	{"mac0-tests/mac-fail-06", 0, ERR_TRUST_COSE_MAC, 1},
	{"mac0-tests/mac-fail-07", 0, ERR_TRUST_COSE_MAC, 1},
	{"ecdsa-examples/ecdsa-01", 0, BOTH(0)},
	{"ecdsa-examples/ecdsa-02", 0, BOTH(0)},
	{"ecdsa-examples/ecdsa-03", 0, BOTH(0)},
	{"ecdsa-examples/ecdsa-04", 0, BOTH(ERR_TRUST_COSE_KEY_CURVE)},
	{"ecdsa-examples/ecdsa-sig-01", 0, BOTH(0)},
	{"ecdsa-examples/ecdsa-sig-02", 0, BOTH(0)},
	{"ecdsa-examples/ecdsa-sig-03", 0, BOTH(0)},
	{"ecdsa-examples/ecdsa-sig-04", 0, BOTH(ERR_TRUST_COSE_KEY_CURVE)},
	{"hashsig/hsssig-sig-01", 0, BOTH(0)},
	{"hashsig/hashsig-01", 0, BOTH(0)},
	{"x509-examples/signed-01", 0, BOTH(0)},
	{"x509-examples/signed-02", 0, BOTH(0)},
	{"x509-examples/signed-03", 0, BOTH(0)},
	{"x509-examples/signed-04", 0, BOTH(0)},
	{"x509-examples/signed-05", 0, BOTH(0)},
};

struct example {
	json_t *json;
	uint8_t message[4096];
	size_t len;
	uint8_t aad[64];
	size_t aad_len;
	uint8_t secret[64];
	size_t secret_len;
	struct cose_key key;
};

static size_t hex_read(const char *hex, uint8_t *at, size_t size)
{
	size_t len = strlen(hex) / 2;

	ck_assert_uint_le(len, size);
	ck_assert_int_eq(bytes_from_hex(hex, at, len), 0);
	return len;
}

/* RFC 4648 section 5 without padding. */
static size_t base64url_read(const char *text, uint8_t *at)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned bits = 0;
	uint32_t value = 0;
	size_t len = 0;

	for (; *text; text++) {
		const char *digit = strchr(digits, *text);

		ck_assert_ptr_nonnull(digit);
		value = value << 6 | (uint32_t)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			at[len++] = (uint8_t)(value >> bits);
		}
	}
	return len;
}

/* A member in base64url under `name`, or in hexadecimal under `name`_hex. */
static size_t key_part(json_t *key, const char *name, uint8_t *at)
{
	const char *text = json_string_value(json_object_get(key, name));
	char hex[16];

	if (text)
		return base64url_read(text, at);
	snprintf(hex, sizeof(hex), "%s_hex", name);
	text = json_string_value(json_object_get(key, hex));
	ck_assert_ptr_nonnull(text);
	return hex_read(text, at, 66);
}

static void key_read(json_t *key, struct example *e)
{
	const char *hss = json_string_value(json_object_get(key, "public"));
	uint8_t point[1 + 2 * 66] = {4};
	size_t len;

	if (hss) {
		len = hex_read(hss, point, sizeof(point));
		ck_assert_int_eq(
			cose_key_from_hss(bytes_of(point, len), &e->key), 0);
		return;
	}
	len = key_part(key, "x", point + 1);

	len += key_part(key, "y", point + 1 + len);
	ck_assert_int_eq(
		cose_key_from_point(bytes_of(point, 1 + len), &e->key), 0);
}

static void example_open(const char *file, struct example *e)
{
	char path[128];
	struct bytes text;
	json_t *input;
	json_t *one;

	*e = (struct example){0};
	snprintf(path, sizeof(path), "vectors/cose-wg/%s.json", file);
	text = unit_read_shared(path);
	e->json = json_loadb((const char *)text.at, text.len, 0, NULL);
	ck_assert_ptr_nonnull(e->json);
	free((void *)(uintptr_t)text.at);
	e->len = hex_read(json_string_value(json_object_get(
				  json_object_get(e->json, "output"), "cbor")),
		e->message, sizeof(e->message));
	input = json_object_get(e->json, "input");
	if ((one = json_object_get(input, "sign0")) != NULL) {
		key_read(json_object_get(one, "key"), e);
	} else if ((one = json_object_get(input, "mac0")) != NULL) {
		json_t *to =
			json_array_get(json_object_get(one, "recipients"), 0);

		e->secret_len =
			key_part(json_object_get(to, "key"), "k", e->secret);
	} else {
		one = json_object_get(input, "sign");
		one = json_array_get(json_object_get(one, "signers"), 0);
		key_read(json_object_get(one, "key"), e);
	}
	if (json_object_get(one, "external"))
		e->aad_len = hex_read(
			json_string_value(json_object_get(one, "external")),
			e->aad, sizeof(e->aad));
}

static int judge(const struct example *e, enum cose_kind untagged, bool lax)
{
	struct bytes aad = bytes_of(e->aad, e->aad_len);
	struct cose_msg msg;
	int err =
		cose_parse(bytes_of(e->message, e->len), untagged, &msg, NULL);

	if (err)
		return err;
	ck_assert(msg.payload_attached);
	if (msg.kind == COSE_MAC0)
		return cose_verify_mac0(&msg,
			bytes_of(e->secret, e->secret_len), aad, msg.payload,
			lax);
	return cose_verify(&msg, 0, &e->key, aad, msg.payload, lax);
}

START_TEST(cose_verify_published_example_as_its_readme_says)
{
	const struct row *row = &rows[_i];
	struct example e;
	int code;

	example_open(row->file, &e);
	code = judge(&e, row->untagged, true);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->file,
		err_name(code), err_name(row->code));
	json_decref(e.json);
}
END_TEST

START_TEST(cose_verify_unprotected_algorithm_is_refused)
{
	const struct row *row = &rows[_i];
	struct example e;
	int code;

	if (row->strict == 1)
		return;
	example_open(row->file, &e);
	code = judge(&e, row->untagged, false);
	ck_assert_msg(code == row->strict, "%s: %s, expected %s", row->file,
		err_name(code), err_name(row->strict));
	json_decref(e.json);
}
END_TEST

/* RFC 9679 section 6. */
START_TEST(cose_key_thumbprint_published_key_gives_published_value)
{
	uint8_t point[65] = {4};
	uint8_t kid[32];
	struct cose_key key;
	char text[65];

	bytes_from_hex(
		"65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de"
		"439c08551d1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9"
		"eecd0084d19c",
		point + 1, 64);
	ck_assert_int_eq(cose_key_from_point(bytes_of(point, 65), &key), 0);
	ck_assert_int_eq(cose_key_thumbprint(&key, kid), 0);
	ck_assert_str_eq(bytes_to_hex(bytes_of(kid, 32), text, sizeof(text)),
		"496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da25"
		"3ec");
}
END_TEST

struct key_row {
	const char *name;
	const char *hex;
	int code;
};

#define X32                                                                    \
	"5820"                                                                 \
	"65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"
#define Y32                                                                    \
	"5820"                                                                 \
	"1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"

#define HSS_KEY                                                                \
	"d08fabd4a2091ff0a8cb4ed834e74534"                                     \
	"32a58885cd9ba0431235466bff9651c6c92124404d45fa53cf161c28f1ad5a8e"
#define HSS_REST "0000000600000003" HSS_KEY

static const struct key_row key_rows[] = {
	{"P-256",
		"a401022001"
		"21" X32 "22" Y32,
		0},
	{"labels in another order",
		"a42001"
		"22" Y32 "21" X32 "0102",
		0},
	{"with kid and text label",
		"a60102024131"
		"2001"
		"21" X32 "22" Y32 "616100",
		0},
	{"private part",
		"a501022001"
		"21" X32 "22" Y32 "234101",
		ERR_TRUST_COSE_KEY},
	{"another kty",
		"a401012001"
		"21" X32 "22" Y32,
		ERR_TRUST_COSE_ALG},
	{"kty as text",
		"a401624543"
		"2001"
		"21" X32 "22" Y32,
		ERR_TRUST_COSE_ALG},
	{"another curve",
		"a401022008"
		"21" X32 "22" Y32,
		ERR_TRUST_COSE_ALG},
	{"curve of another length",
		"a401022002"
		"21" X32 "22" Y32,
		ERR_TRUST_COSE_KEY},
	{"compressed point",
		"a401022001"
		"21" X32 "22f5",
		ERR_TRUST_COSE_KEY},
	{"y missing",
		"a301022001"
		"21" X32,
		ERR_TRUST_COSE_KEY},
	{"label twice",
		"a5010201022001"
		"21" X32 "22" Y32,
		ERR_CBOR_KEY_TWICE},
	{"Ed25519",
		"a301012006"
		"21" X32,
		0},
	{"Ed25519 of another length",
		"a301012006"
		"214101",
		ERR_TRUST_COSE_KEY},
	{"Ed25519 with its private part",
		"a401012006"
		"21" X32 "23" Y32,
		ERR_TRUST_COSE_KEY},
	{"Ed25519 named as a curve of EC2",
		"a401022006"
		"21" X32 "22" Y32,
		ERR_TRUST_COSE_ALG},
	{"Ed448",
		"a301012007"
		"21" X32,
		ERR_TRUST_COSE_ALG},
	{"HSS", "a2010520583c00000001" HSS_REST, 0},
	{"HSS of nine levels", "a2010520583c00000009" HSS_REST,
		ERR_TRUST_COSE_ALG},
	{"HSS of no level", "a2010520583c00000000" HSS_REST,
		ERR_TRUST_COSE_ALG},
	{"HSS of another hash", "a2010520583c000000010000000a00000003" HSS_KEY,
		ERR_TRUST_COSE_ALG},
	{"HSS with another one-time type",
		"a2010520583c000000010000000600000005" HSS_KEY,
		ERR_TRUST_COSE_ALG},
	{"HSS one byte short",
		"a2010520583b000000010000000600000003"
		"d08fabd4a2091ff0a8cb4ed834e74534"
		"32a58885cd9ba0431235466bff9651c6c92124404d45fa53cf161c28f1ad5a",
		ERR_TRUST_COSE_ALG},
	{"HSS with a number for a key", "a201052006", ERR_TRUST_COSE_KEY},
	{"HSS without a key", "a10105", ERR_TRUST_COSE_KEY},
	{"trailing byte",
		"a401022001"
		"21" X32 "22" Y32 "00",
		ERR_CBOR_TRAILING},
	{"not a map", "80", ERR_CBOR_TYPE},
};

START_TEST(cose_key_parse_row_gives_its_code)
{
	const struct key_row *row = &key_rows[_i];
	uint8_t in[256];
	size_t len = strlen(row->hex) / 2;
	struct cose_key key;
	int code;

	ck_assert_int_eq(bytes_from_hex(row->hex, in, len), 0);
	code = cose_key_parse(bytes_of(in, len), &key, NULL);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
}
END_TEST

static void put_and_read(const struct cose_key *from, const char *kind)
{
	struct cose_key key;
	struct buf b;

	buf_init(&b, 512);
	cose_key_put(&b, from);
	ck_assert_int_eq(cbor_check(buf_bytes(&b), CBOR_STRICT), 0);
	ck_assert_int_eq(cose_key_parse(buf_bytes(&b), &key, NULL), 0);
	ck_assert(cose_key_equal(&key, from));
	ck_assert_str_eq(cose_key_kind(&key), kind);
	buf_done(&b);
}

START_TEST(cose_key_put_written_key_is_read_back)
{
	uint8_t raw[HSS_PUBLIC_LEN];
	struct cose_key key;

	put_and_read(&maker_key_on("p384", CRYPTO_P384)->key, "P-384");
	bytes_from_hex("00000001" HSS_REST, raw, sizeof(raw));
	ck_assert_int_eq(cose_key_from_hss(bytes_of(raw, 60), &key), 0);
	put_and_read(&key, "HSS-LMS");
	ck_assert_int_eq(cose_key_from_ed25519(bytes_of(raw, 32), &key), 0);
	put_and_read(&key, "Ed25519");
}
END_TEST

/* The maps of RFC 9679 section 4, written out by hand. */
START_TEST(cose_key_thumbprint_other_kinds_hash_their_required_members)
{
	uint8_t raw[HSS_PUBLIC_LEN];
	uint8_t kid[32];
	uint8_t expected[32];
	uint8_t map[128];
	struct cose_key key;
	size_t len;

	bytes_from_hex("00000001" HSS_REST, raw, sizeof(raw));
	ck_assert_int_eq(cose_key_from_hss(bytes_of(raw, 60), &key), 0);
	ck_assert_int_eq(cose_key_thumbprint(&key, kid), 0);
	len = hex_read("a2010520583c00000001" HSS_REST, map, sizeof(map));
	ck_assert_int_eq(crypto_sha256(bytes_of(map, len), expected), 0);
	ck_assert_mem_eq(kid, expected, 32);

	bytes_from_hex(&X32[4], raw, 32);
	ck_assert_int_eq(cose_key_from_ed25519(bytes_of(raw, 32), &key), 0);
	ck_assert_int_eq(cose_key_thumbprint(&key, kid), 0);
	len = hex_read("a30101200621" X32, map, sizeof(map));
	ck_assert_int_eq(crypto_sha256(bytes_of(map, len), expected), 0);
	ck_assert_mem_eq(kid, expected, 32);
}
END_TEST

struct form_row {
	const char *name;
	const char *hex;
	int code;
};

static const struct form_row form_rows[] = {
	{"three members", "d28340a0f6", ERR_CBOR_RANGE},
	{"five members", "d28540a0f64000", ERR_TOO_LARGE},
	{"critical header", "d28446a20126028101a0f640", ERR_TRUST_COSE_CRIT},
	{"algorithm in both", "d28443a10126a10126f640", ERR_TRUST_COSE_FORM},
	{"kid in both", "d28444a1044131a1044132f640", ERR_TRUST_COSE_FORM},
	{"kid is no byte string", "d28443a10405a0f640", 0},
	{"kid is empty", "d28443a10440a0f640", ERR_TOO_LARGE},
	{"payload is a number", "d28440a00140", ERR_CBOR_TYPE},
	{"header is an array", "d2844180a0f640", ERR_CBOR_TYPE},
	{"no signers", "d8628440a0f680", ERR_CBOR_RANGE},
	{"trailing byte", "d28440a0f64000", ERR_CBOR_TRAILING},
	{"MAC with recipients", "d8618440a0f640", ERR_TRUST_COSE_TAG},
	{"empty input", "", ERR_TRUST_COSE_TAG},
};

START_TEST(cose_parse_malformed_row_gives_its_code)
{
	const struct form_row *row = &form_rows[_i];
	uint8_t in[64] = {0};
	size_t len = strlen(row->hex) / 2;
	struct cose_msg msg;
	int code;

	ck_assert_int_eq(bytes_from_hex(row->hex, in, len), 0);
	code = cose_parse(bytes_of(in, len), COSE_NONE, &msg, NULL);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
}
END_TEST

START_TEST(crypto_ecdsa_verify_point_off_the_curve_is_refused)
{
	uint8_t point[64] = {1};
	uint8_t digest[32] = {0};
	uint8_t signature[64] = {1};

	ck_assert_int_eq(crypto_ecdsa_verify(CRYPTO_P256, bytes_of(point, 64),
				 CRYPTO_SHA256, bytes_of(digest, 32),
				 bytes_of(signature, 64)),
		ERR_TRUST_COSE_KEY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cose");
	TCase *tc = tcase_create("cose");
	int count = (int)(sizeof(rows) / sizeof(rows[0]));

	unit_need_shared("vectors/cose-wg");
	maker_init();
	tcase_add_loop_test(
		tc, cose_verify_published_example_as_its_readme_says, 0, count);
	tcase_add_loop_test(
		tc, cose_verify_unprotected_algorithm_is_refused, 0, count);
	tcase_add_test(
		tc, cose_key_thumbprint_published_key_gives_published_value);
	tcase_add_loop_test(tc, cose_key_parse_row_gives_its_code, 0,
		(int)(sizeof(key_rows) / sizeof(key_rows[0])));
	tcase_add_test(tc, cose_key_put_written_key_is_read_back);
	tcase_add_test(tc,
		cose_key_thumbprint_other_kinds_hash_their_required_members);
	tcase_add_loop_test(tc, cose_parse_malformed_row_gives_its_code, 0,
		(int)(sizeof(form_rows) / sizeof(form_rows[0])));
	tcase_add_test(tc, crypto_ecdsa_verify_point_off_the_curve_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

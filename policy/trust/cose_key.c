#include "base/cbor_out.h"
#include "policy/trust/cose.h"
#include "policy/trust/ed25519.h"
#include "policy/trust/fields.h"

#define CURVE_ED25519 6 /* RFC 9053 table 18 */

static const struct cose_alg_facts algs[] = {
	{COSE_ES256, "ES256", CRYPTO_SHA256, COSE_KTY_EC2, CRYPTO_P256},
	{COSE_ESP256, "ESP256", CRYPTO_SHA256, COSE_KTY_EC2, CRYPTO_P256},
	{COSE_ES384, "ES384", CRYPTO_SHA384, COSE_KTY_EC2, CRYPTO_P384},
	{COSE_ESP384, "ESP384", CRYPTO_SHA384, COSE_KTY_EC2, CRYPTO_P384},
	{COSE_ES512, "ES512", CRYPTO_SHA512, COSE_KTY_EC2, CRYPTO_P521},
	{COSE_ESP512, "ESP512", CRYPTO_SHA512, COSE_KTY_EC2, CRYPTO_P521},
	{COSE_EDDSA, "EdDSA", CRYPTO_SHA512, COSE_KTY_OKP, 0},
	{COSE_ED25519, "Ed25519", CRYPTO_SHA512, COSE_KTY_OKP, 0},
	{COSE_HSS_LMS, "HSS-LMS", CRYPTO_SHA256, COSE_KTY_HSS_LMS, 0},
	{COSE_HMAC256, "HMAC 256/256", CRYPTO_SHA256, 0, 0},
	{COSE_HMAC384, "HMAC 384/384", CRYPTO_SHA384, 0, 0},
	{COSE_HMAC512, "HMAC 512/512", CRYPTO_SHA512, 0, 0},
};

const struct cose_alg_facts *cose_alg_find(int64_t alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (algs[i].alg == alg)
			return &algs[i];
	return NULL;
}

/* What a COSE_Key says, before it is judged. */
struct key_parts {
	int64_t kty;
	int64_t curve;
	bool has_curve;
	struct bytes first; /* what -1 holds: a curve, or a public key */
	struct bytes x;
	struct bytes y;
};

static void read_label(struct fields *f, int64_t label, struct key_parts *k)
{
	switch (label) {
	case 1:
		if (cbor_peek(&f->r) == CBOR_TSTR)
			field_skip(f, "kty");
		else
			cbor_int(&f->r, &k->kty);
		return;
	case -1:
		if (cbor_peek(&f->r) != CBOR_UINT) {
			k->first = field_skip(f, "-1");
			return;
		}
		k->has_curve = cbor_int(&f->r, &k->curve) == 0;
		return;
	case -2:
		k->x = field_skip(f, "x");
		return;
	case -3:
		k->y = field_skip(f, "y");
		return;
	case -4:
		field_fail(f, ERR_TRUST_COSE_KEY, "d",
			"a private key is not for publishing");
		return;
	default:
		field_skip(f, "");
	}
}

/* A byte string of exactly `len` bytes; a compressed point (y as a bool) is
 * none. */
static bool exact_bstr(struct bytes item, size_t len, uint8_t *ret)
{
	struct bytes value;
	struct cbor r;

	cbor_init(&r, item, CBOR_COSE);
	if (cbor_bstr(&r, &value) || value.len != len)
		return false;
	memcpy(ret, value.at, len);
	return true;
}

static int ec2_judge(
	const struct key_parts *k, struct cose_key *ret, struct fault *fault)
{
	size_t len;

	if (!k->has_curve || k->curve < CRYPTO_P256 || k->curve > CRYPTO_P521)
		return fault_set(fault, ERR_TRUST_COSE_ALG, 0, "key",
			"the curve is not P-256, P-384 or P-521");
	ret->curve = (enum crypto_curve)k->curve;
	len = crypto_curve_len(ret->curve);
	if (!exact_bstr(k->x, len, ret->pub) ||
		!exact_bstr(k->y, len, ret->pub + len))
		return fault_set(fault, ERR_TRUST_COSE_KEY, 0, "key",
			"x and y must be byte strings of %zu bytes", len);
	return 0;
}

static int okp_judge(
	const struct key_parts *k, struct cose_key *ret, struct fault *fault)
{
	if (!k->has_curve || k->curve != CURVE_ED25519)
		return fault_set(fault, ERR_TRUST_COSE_ALG, 0, "key",
			"the curve is not Ed25519");
	if (!exact_bstr(k->x, ED25519_PUBLIC_LEN, ret->pub))
		return fault_set(fault, ERR_TRUST_COSE_KEY, 0, "key",
			"x must be a byte string of %d bytes",
			ED25519_PUBLIC_LEN);
	return 0;
}

/* Other lengths are of other hashes, which a later version may know. */
static int hss_judge(
	const struct key_parts *k, struct cose_key *ret, struct fault *fault)
{
	struct bytes pub;
	struct cbor r;

	cbor_init(&r, k->first, CBOR_COSE);
	if (k->has_curve || cbor_bstr(&r, &pub))
		return fault_set(fault, ERR_TRUST_COSE_KEY, 0, "key",
			"pub must be a byte string");
	if (cose_key_from_hss(pub, ret))
		return fault_set(fault, ERR_TRUST_COSE_ALG, 0, "key",
			"pub has no parameters of RFC 8554");
	return 0;
}

int cose_key_parse(struct bytes in, struct cose_key *ret, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "key"};
	struct key_parts k = {0};
	struct cose_key key = {0};
	struct cbor_list map;
	int64_t label;
	int err;

	cbor_init(&f.r, in, CBOR_COSE);
	field_map(&f, "", &map);
	while (cbor_next(&f.r, &map)) {
		if (cbor_peek(&f.r) == CBOR_TSTR) {
			field_skip(&f, "");
			field_skip(&f, "");
			continue;
		}
		if (cbor_int(&f.r, &label) == 0)
			read_label(&f, label, &k);
	}
	cbor_done(&f.r);
	if (field_check(&f, ""))
		return f.r.err;
	switch (k.kty) {
	case COSE_KTY_EC2:
		err = ec2_judge(&k, &key, fault);
		break;
	case COSE_KTY_OKP:
		err = okp_judge(&k, &key, fault);
		break;
	case COSE_KTY_HSS_LMS:
		err = hss_judge(&k, &key, fault);
		break;
	default:
		return fault_set(fault, ERR_TRUST_COSE_ALG, 0, "key",
			"kty is not EC2, OKP or HSS-LMS");
	}
	if (err)
		return err;
	key.kty = (enum cose_kty)k.kty;
	*ret = key;
	return 0;
}

int cose_key_from_point(struct bytes in, struct cose_key *ret)
{
	for (enum crypto_curve c = CRYPTO_P256; c <= CRYPTO_P521; c++) {
		if (in.len != 1 + 2 * crypto_curve_len(c) || in.at[0] != 4)
			continue;
		*ret = (struct cose_key){.kty = COSE_KTY_EC2, .curve = c};
		memcpy(ret->pub, in.at + 1, in.len - 1);
		return 0;
	}
	return ERR_TRUST_COSE_KEY;
}

int cose_key_from_ed25519(struct bytes in, struct cose_key *ret)
{
	if (in.len != ED25519_PUBLIC_LEN)
		return ERR_TRUST_COSE_KEY;
	*ret = (struct cose_key){.kty = COSE_KTY_OKP};
	memcpy(ret->pub, in.at, in.len);
	return 0;
}

int cose_key_from_hss(struct bytes in, struct cose_key *ret)
{
	int err = hss_public_check(in);

	if (err)
		return err;
	*ret = (struct cose_key){.kty = COSE_KTY_HSS_LMS};
	memcpy(ret->pub, in.at, in.len);
	return 0;
}

struct bytes cose_key_pub(const struct cose_key *key)
{
	switch (key->kty) {
	case COSE_KTY_OKP:
		return bytes_of(key->pub, ED25519_PUBLIC_LEN);
	case COSE_KTY_EC2:
		return bytes_of(key->pub, 2 * crypto_curve_len(key->curve));
	case COSE_KTY_HSS_LMS:
		break;
	}
	return bytes_of(key->pub, HSS_PUBLIC_LEN);
}

const char *cose_key_kind(const struct cose_key *key)
{
	switch (key->kty) {
	case COSE_KTY_OKP:
		return "Ed25519";
	case COSE_KTY_HSS_LMS:
		return "HSS-LMS";
	case COSE_KTY_EC2:
		break;
	}
	switch (key->curve) {
	case CRYPTO_P256:
		return "P-256";
	case CRYPTO_P384:
		return "P-384";
	case CRYPTO_P521:
		break;
	}
	return "P-521";
}

void cose_key_put(struct buf *b, const struct cose_key *key)
{
	struct bytes pub = cose_key_pub(key);
	bool has_y = key->kty == COSE_KTY_EC2;

	cbor_put_map(b, key->kty == COSE_KTY_HSS_LMS ? 2 : has_y ? 4 : 3);
	cbor_put_int(b, 1);
	cbor_put_int(b, key->kty);
	cbor_put_int(b, -1);
	if (key->kty == COSE_KTY_HSS_LMS) {
		cbor_put_bstr(b, pub);
		return;
	}
	cbor_put_int(b, has_y ? (int64_t)key->curve : CURVE_ED25519);
	cbor_put_int(b, -2);
	cbor_put_bstr(b, bytes_of(pub.at, has_y ? pub.len / 2 : pub.len));
	if (has_y) {
		cbor_put_int(b, -3);
		cbor_put_bstr(b, bytes_slice(pub, pub.len / 2, pub.len / 2));
	}
}

int cose_key_thumbprint(const struct cose_key *key, uint8_t ret[COSE_KID_LEN])
{
	struct buf b;
	int err;

	buf_init(&b, 256);
	cose_key_put(&b, key);
	err = b.err ? b.err : crypto_sha256(buf_bytes(&b), ret);
	buf_done(&b);
	return err;
}

bool cose_key_equal(const struct cose_key *a, const struct cose_key *b)
{
	return a->kty == b->kty && a->curve == b->curve &&
	       bytes_equal(cose_key_pub(a), cose_key_pub(b));
}

enum cose_alg cose_key_alg(const struct cose_key *key)
{
	switch (key->kty) {
	case COSE_KTY_OKP:
		return COSE_ED25519;
	case COSE_KTY_HSS_LMS:
		return COSE_HSS_LMS;
	case COSE_KTY_EC2:
		break;
	}
	switch (key->curve) {
	case CRYPTO_P256:
		return COSE_ESP256;
	case CRYPTO_P384:
		return COSE_ESP384;
	case CRYPTO_P521:
		break;
	}
	return COSE_ESP512;
}

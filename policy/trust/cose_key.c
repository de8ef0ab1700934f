#include "base/cbor_out.h"
#include "policy/trust/cose.h"
#include "policy/trust/fields.h"

static const struct cose_alg_facts algs[] = {
	{COSE_ES256, "ES256", CRYPTO_SHA256, CRYPTO_P256},
	{COSE_ESP256, "ESP256", CRYPTO_SHA256, CRYPTO_P256},
	{COSE_ES384, "ES384", CRYPTO_SHA384, CRYPTO_P384},
	{COSE_ESP384, "ESP384", CRYPTO_SHA384, CRYPTO_P384},
	{COSE_ES512, "ES512", CRYPTO_SHA512, CRYPTO_P521},
	{COSE_ESP512, "ESP512", CRYPTO_SHA512, CRYPTO_P521},
	{COSE_HMAC256, "HMAC 256/256", CRYPTO_SHA256, 0},
	{COSE_HMAC384, "HMAC 384/384", CRYPTO_SHA384, 0},
	{COSE_HMAC512, "HMAC 512/512", CRYPTO_SHA512, 0},
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
			field_skip(f, "-1");
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

/* A coordinate is a byte string of exactly the curve's length; compressed
 * points (y as a bool) are refused. */
static bool coordinate(struct bytes item, size_t len, uint8_t *ret)
{
	struct bytes value;
	struct cbor r;

	cbor_init(&r, item, CBOR_COSE);
	if (cbor_bstr(&r, &value) || value.len != len)
		return false;
	memcpy(ret, value.at, len);
	return true;
}

int cose_key_parse(struct bytes in, struct cose_key *ret, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "key"};
	struct key_parts k = {0};
	struct cose_key key = {0};
	struct cbor_list map;
	int64_t label;
	size_t len;

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
	if (k.kty != 2 || !k.has_curve || k.curve < CRYPTO_P256 ||
		k.curve > CRYPTO_P521)
		return fault_set(fault, ERR_TRUST_COSE_ALG, 0, "key",
			"kty and curve are not EC2 on P-256, P-384 or P-521");
	key.curve = (enum crypto_curve)k.curve;
	len = crypto_curve_len(key.curve);
	if (!coordinate(k.x, len, key.point) ||
		!coordinate(k.y, len, key.point + len))
		return fault_set(fault, ERR_TRUST_COSE_KEY, 0, "key",
			"x and y must be byte strings of %zu bytes", len);
	*ret = key;
	return 0;
}

int cose_key_from_point(struct bytes in, struct cose_key *ret)
{
	for (enum crypto_curve c = CRYPTO_P256; c <= CRYPTO_P521; c++) {
		if (in.len != 1 + 2 * crypto_curve_len(c) || in.at[0] != 4)
			continue;
		*ret = (struct cose_key){.curve = c};
		memcpy(ret->point, in.at + 1, in.len - 1);
		return 0;
	}
	return ERR_TRUST_COSE_KEY;
}

void cose_key_put(struct buf *b, const struct cose_key *key)
{
	size_t len = crypto_curve_len(key->curve);

	cbor_put_map(b, 4);
	cbor_put_int(b, 1);
	cbor_put_int(b, 2);
	cbor_put_int(b, -1);
	cbor_put_int(b, key->curve);
	cbor_put_int(b, -2);
	cbor_put_bstr(b, bytes_of(key->point, len));
	cbor_put_int(b, -3);
	cbor_put_bstr(b, bytes_of(key->point + len, len));
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
	return a->curve == b->curve &&
	       !memcmp(a->point, b->point, 2 * crypto_curve_len(a->curve));
}

enum cose_alg cose_key_alg(const struct cose_key *key)
{
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

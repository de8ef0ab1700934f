#include "base/cbor_out.h"
#include "policy/trust/cose.h"
#include "policy/trust/ed25519.h"

#define PROTECTED_ROOM 512
#define TBS_ROOM 4096

void cose_tbs_put(struct buf *b, enum cose_kind kind, struct bytes body,
	struct bytes signer, struct bytes aad, size_t payload_len)
{
	const char *context = kind == COSE_MAC0	   ? "MAC0"
			      : kind == COSE_SIGN1 ? "Signature1"
						   : "Signature";

	cbor_put_array(b, kind == COSE_SIGN ? 5 : 4);
	cbor_put_tstr(b, context);
	cbor_put_bstr(b, body);
	if (kind == COSE_SIGN)
		cbor_put_bstr(b, signer);
	cbor_put_bstr(b, aad);
	cbor_put_bstr_head(b, payload_len);
}

int cose_tbs_digest(enum cose_kind kind, struct bytes body, struct bytes signer,
	struct bytes aad, struct bytes payload, enum crypto_hash hash,
	uint8_t ret[CRYPTO_HASH_MAX])
{
	struct bytes parts[2];
	struct buf b;
	int err;

	buf_init(&b, TBS_ROOM);
	cose_tbs_put(&b, kind, body, signer, aad, payload.len);
	parts[0] = buf_bytes(&b);
	parts[1] = payload;
	err = b.err ? b.err : crypto_digest(hash, parts, 2, ret);
	buf_done(&b);
	return err;
}

static void protected_put(struct buf *b, const struct cose_signing *by)
{
	cbor_put_map(b, by->kid.len ? 2 : 1);
	cbor_put_int(b, 1);
	cbor_put_int(b, by->alg);
	if (by->kid.len) {
		cbor_put_int(b, 4);
		cbor_put_bstr(b, by->kid);
	}
}

static void unprotected_put(struct buf *b, const struct cose_signing *by)
{
	cbor_put_map(b, by->cert_count ? 1 : 0);
	if (by->cert_count == 0)
		return;
	cbor_put_int(b, 33);
	if (by->cert_count > 1)
		cbor_put_array(b, by->cert_count);
	for (unsigned i = 0; i < by->cert_count; i++)
		cbor_put_bstr(b, by->certs[i]);
}

/* What is handed to `sign`: the digest, or the whole Sig_structure. */
static int tbs_make(struct buf *b, const struct cose_alg_facts *alg,
	enum cose_kind kind, struct bytes protected_, struct bytes aad,
	struct bytes payload)
{
	struct bytes body = kind == COSE_SIGN ? bytes_of("", 0) : protected_;
	uint8_t digest[CRYPTO_HASH_MAX];
	int err;

	if (alg->kty != COSE_KTY_EC2) {
		cose_tbs_put(b, kind, body, protected_, aad, payload.len);
		return buf_add_bytes(b, payload);
	}
	err = cose_tbs_digest(
		kind, body, protected_, aad, payload, alg->hash, digest);
	return err ? err : buf_add(b, digest, crypto_hash_len(alg->hash));
}

static size_t signature_len(
	const struct cose_alg_facts *alg, const struct cose_signing *by)
{
	switch ((enum cose_kty)alg->kty) {
	case COSE_KTY_OKP:
		return ED25519_SIGNATURE_LEN;
	case COSE_KTY_EC2:
		return 2 * crypto_curve_len((enum crypto_curve)alg->curve);
	case COSE_KTY_HSS_LMS:
		break;
	}
	return by->signature_len;
}

static int signature_put(struct buf *b, const struct cose_signing *by,
	enum cose_kind kind, struct bytes protected_, struct bytes aad,
	struct bytes payload)
{
	const struct cose_alg_facts *alg = cose_alg_find(by->alg);
	uint8_t *signature;
	struct buf tbs;
	size_t len;
	int err;

	if (!alg || alg->kty == 0)
		return ERR_TRUST_COSE_ALG;
	len = signature_len(alg, by);
	buf_init(&tbs, TBS_ROOM + payload.len);
	err = tbs_make(&tbs, alg, kind, protected_, aad, payload);
	if (!err) {
		cbor_put_bstr_head(b, len);
		signature = buf_room(b, len);
		err = signature ? by->sign(by->arg, by->alg, buf_bytes(&tbs),
					  signature, len)
				: b->err;
	}
	if (!err)
		buf_grow(b, len);
	buf_done(&tbs);
	return err;
}

static void payload_put(struct buf *b, struct bytes payload, bool detached)
{
	if (detached)
		cbor_put_null(b);
	else
		cbor_put_bstr(b, payload);
}

int cose_put_sign1(struct buf *b, const struct cose_signing *by,
	struct bytes aad, struct bytes payload, bool detached)
{
	struct buf p;
	int err;

	buf_init(&p, PROTECTED_ROOM);
	protected_put(&p, by);
	cbor_put_tag(b, COSE_SIGN1);
	cbor_put_array(b, 4);
	cbor_put_bstr(b, buf_bytes(&p));
	unprotected_put(b, by);
	payload_put(b, payload, detached);
	err = p.err ? p.err
		    : signature_put(
			      b, by, COSE_SIGN1, buf_bytes(&p), aad, payload);
	buf_done(&p);
	return err;
}

static int signer_put(struct buf *b, const struct cose_signing *by,
	struct bytes aad, struct bytes payload)
{
	struct buf p;
	int err;

	buf_init(&p, PROTECTED_ROOM);
	protected_put(&p, by);
	cbor_put_array(b, 3);
	cbor_put_bstr(b, buf_bytes(&p));
	unprotected_put(b, by);
	err = p.err ? p.err
		    : signature_put(
			      b, by, COSE_SIGN, buf_bytes(&p), aad, payload);
	buf_done(&p);
	return err;
}

int cose_put_sign(struct buf *b, const struct cose_signing *by, unsigned count,
	struct bytes aad, struct bytes payload, bool detached)
{
	int err = 0;

	cbor_put_tag(b, COSE_SIGN);
	cbor_put_array(b, 4);
	cbor_put_bstr(b, bytes_of("", 0));
	cbor_put_map(b, 0);
	payload_put(b, payload, detached);
	cbor_put_array(b, count);
	for (unsigned i = 0; !err && i < count; i++)
		err = signer_put(b, &by[i], aad, payload);
	return err ? err : b->err;
}

#include "policy/trust/cose.h"

#include "policy/trust/ed25519.h"
#include "policy/trust/fields.h"

#define PROTECTED_MAX 2048
#define TBS_PREFIX_MAX 4096

enum label { LABEL_ALG = 1, LABEL_CRIT = 2, LABEL_KID = 4, LABEL_X5CHAIN = 33 };

static void header_member(
	struct fields *f, int64_t label, void *arg, bool is_protected)
{
	struct cose_header *h = arg;

	switch (label) {
	case LABEL_ALG:
		field_header_alg(f, h, ERR_TRUST_COSE_FORM, is_protected);
		return;
	case LABEL_CRIT:
		field_fail(f, ERR_TRUST_COSE_CRIT, "crit",
			"critical headers are not understood");
		return;
	case LABEL_KID:
		if (h->kid.at)
			field_fail(
				f, ERR_TRUST_COSE_FORM, "kid", "stands twice");
		/* Published examples have it as text, which names no key. */
		if (cbor_peek(&f->r) != CBOR_BSTR) {
			field_skip(f, "kid");
			return;
		}
		h->kid = field_bstr(f, "kid", 1, 256);
		h->kid_protected = is_protected;
		return;
	case LABEL_X5CHAIN:
		if (h->x5chain.at)
			field_fail(f, ERR_TRUST_COSE_FORM, "x5chain",
				"stands twice");
		h->x5chain = field_skip(f, "x5chain");
		return;
	default:
		field_skip(f, "");
	}
}

static void headers(
	struct fields *f, struct bytes *ret_protected, struct cose_header *h)
{
	*h = (struct cose_header){0};
	field_headers(f, "protected", PROTECTED_MAX, header_member, h,
		ret_protected);
}

/* Opens an array of exactly `count` members, the first two of which are the
 * headers. */
static void tuple(struct fields *f, unsigned count, struct cbor_list *list)
{
	field_array(f, "", count, count, list);
	cbor_next(&f->r, list);
	cbor_next(&f->r, list);
}

static void signer_read(struct fields *f, struct cose_signer *ret)
{
	struct cbor_list list;

	tuple(f, 3, &list);
	headers(f, &ret->protected_bytes, &ret->header);
	cbor_next(&f->r, &list);
	ret->signature = field_bstr(f, "signature", 0, COSE_SIGNATURE_MAX);
	cbor_next(&f->r, &list);
	field_check(f, "signature");
}

static void signers_read(struct fields *f, struct cose_msg *msg)
{
	struct cose_signer signer;
	struct cbor probe = f->r;
	struct cbor_list list;

	field_array(f, "signatures", 1, COSE_SIGNERS_MAX, &list);
	while (cbor_next(&f->r, &list)) {
		signer_read(f, &signer);
		msg->signer_count++;
	}
	if (!field_check(f, "signatures"))
		msg->signers = bytes_of(probe.at, (size_t)(f->r.at - probe.at));
}

static bool kind_of_tag(
	struct fields *f, enum cose_kind untagged, enum cose_kind *ret)
{
	uint64_t tag = untagged;

	if (cbor_peek(&f->r) == CBOR_TAG)
		cbor_tag(&f->r, &tag);
	if (field_check(f, ""))
		return false;
	switch (tag) {
	case COSE_MAC0:
		*ret = COSE_MAC0;
		return true;
	case COSE_SIGN1:
		*ret = COSE_SIGN1;
		return true;
	case COSE_SIGN:
		*ret = COSE_SIGN;
		return true;
	default:
		field_fail(
			f, ERR_TRUST_COSE_TAG, "", "tag is not 17, 18 or 98");
		return false;
	}
}

int cose_parse(struct bytes in, enum cose_kind untagged, struct cose_msg *ret,
	struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "cose"};
	struct cose_msg msg = {0};
	struct cbor_list list;

	cbor_init(&f.r, in, CBOR_COSE);
	if (!kind_of_tag(&f, untagged, &msg.kind))
		return f.r.err;
	tuple(&f, 4, &list);
	headers(&f, &msg.protected_bytes, &msg.header);
	cbor_next(&f.r, &list);
	msg.payload_attached = cbor_peek(&f.r) != CBOR_NULL;
	if (msg.payload_attached)
		msg.payload = field_bstr(&f, "payload", 0, SIZE_MAX);
	else
		cbor_null(&f.r);
	cbor_next(&f.r, &list);
	if (msg.kind == COSE_SIGN) {
		signers_read(&f, &msg);
	} else {
		msg.tag = field_bstr(&f, "signature", 0, COSE_SIGNATURE_MAX);
		msg.signer_count = msg.kind == COSE_SIGN1;
	}
	cbor_next(&f.r, &list);
	cbor_done(&f.r);
	if (field_check(&f, ""))
		return f.r.err;
	*ret = msg;
	return 0;
}

int cose_signer_at(
	const struct cose_msg *msg, unsigned i, struct cose_signer *ret)
{
	struct fields f = {.map = "signer"};
	struct cbor_list list;

	if (i >= msg->signer_count)
		return ERR_TRUST_COSE_FORM;
	if (msg->kind == COSE_SIGN1) {
		*ret = (struct cose_signer){
			msg->protected_bytes, msg->header, msg->tag};
		return 0;
	}
	cbor_init(&f.r, msg->signers, CBOR_COSE);
	cbor_array(&f.r, &list);
	while (cbor_next(&f.r, &list)) {
		signer_read(&f, ret);
		if (i-- == 0)
			return f.r.err;
	}
	return ERR_TRUST_COSE_FORM;
}

/* The algorithm of a header, if it may be used with `kty` (0: for a MAC) and
 * `curve`. */
static int accepted_alg(const struct cose_header *h, bool lax, int kty,
	int curve, const struct cose_alg_facts **ret)
{
	if (!h->has_alg || !h->alg_is_int)
		return ERR_TRUST_COSE_ALG;
	*ret = cose_alg_find(h->alg);
	if (!*ret || ((*ret)->kty == 0) != (kty == 0))
		return ERR_TRUST_COSE_ALG;
	if (!h->alg_protected && !lax)
		return ERR_TRUST_COSE_ALG_UNPROTECTED;
	return (*ret)->kty == kty && (*ret)->curve == curve
		       ? 0
		       : ERR_TRUST_COSE_KEY_CURVE;
}

static int verify_ecdsa(const struct cose_key *key, enum crypto_hash hash,
	const struct bytes tbs[2], struct bytes signature)
{
	uint8_t digest[CRYPTO_HASH_MAX];
	int err = crypto_digest(hash, tbs, 2, digest);

	return err ? err
		   : crypto_ecdsa_verify(key->curve, cose_key_pub(key), hash,
			     bytes_of(digest, crypto_hash_len(hash)),
			     signature);
}

/* Ed25519 takes its message in one piece. */
static int verify_ed25519(const struct cose_key *key,
	const struct bytes tbs[2], struct bytes signature)
{
	struct buf whole;
	int err;

	if (!ed25519_is_built())
		return ERR_TRUST_ED25519_ABSENT;
	buf_init(&whole, tbs[0].len + tbs[1].len);
	buf_add_bytes(&whole, tbs[0]);
	buf_add_bytes(&whole, tbs[1]);
	err = whole.err ? whole.err
			: ed25519_verify(
				  key->pub, buf_bytes(&whole), signature);
	buf_done(&whole);
	return err;
}

static int verify_tbs(const struct cose_key *key, enum crypto_hash hash,
	const struct bytes tbs[2], struct bytes signature)
{
	switch (key->kty) {
	case COSE_KTY_OKP:
		return verify_ed25519(key, tbs, signature);
	case COSE_KTY_EC2:
		return verify_ecdsa(key, hash, tbs, signature);
	case COSE_KTY_HSS_LMS:
		return hss_verify(cose_key_pub(key), tbs, 2, signature);
	}
	return ERR_TRUST_COSE_KEY;
}

int cose_verify(const struct cose_msg *msg, unsigned i,
	const struct cose_key *key, struct bytes aad, struct bytes payload,
	bool lax)
{
	const struct cose_alg_facts *alg;
	struct cose_signer signer;
	struct bytes tbs[2];
	struct buf b;
	int err = cose_signer_at(msg, i, &signer);

	if (!err)
		err = accepted_alg(
			&signer.header, lax, key->kty, key->curve, &alg);
	if (err)
		return err;
	buf_init(&b, TBS_PREFIX_MAX);
	cose_tbs_put(&b, msg->kind, msg->protected_bytes,
		signer.protected_bytes, aad, payload.len);
	tbs[0] = buf_bytes(&b);
	tbs[1] = payload;
	err = b.err ? b.err
		    : verify_tbs(key, alg->hash, tbs, signer.signature);
	buf_done(&b);
	return err;
}

int cose_verify_mac0(const struct cose_msg *msg, struct bytes key,
	struct bytes aad, struct bytes payload, bool lax)
{
	const struct cose_alg_facts *alg;
	struct bytes parts[2];
	struct buf b;
	int err;

	if (msg->kind != COSE_MAC0)
		return ERR_TRUST_COSE_TAG;
	err = accepted_alg(&msg->header, lax, 0, 0, &alg);
	if (err)
		return err;
	buf_init(&b, TBS_PREFIX_MAX);
	cose_tbs_put(&b, COSE_MAC0, msg->protected_bytes, (struct bytes){0},
		aad, payload.len);
	parts[0] = buf_bytes(&b);
	parts[1] = payload;
	err = b.err ? b.err
		    : crypto_hmac_verify(alg->hash, key, parts, 2, msg->tag);
	buf_done(&b);
	return err;
}

int cose_x5chain(const struct cose_header *header,
	struct bytes ret_certs[COSE_CERTS_MAX], unsigned *ret_count)
{
	struct cbor_list list;
	struct cbor r;
	unsigned count = 0;

	cbor_init(&r, header->x5chain, CBOR_COSE);
	if (cbor_peek(&r) == CBOR_BSTR) {
		cbor_bstr(&r, &ret_certs[0]);
		count = 1;
	} else {
		if (cbor_array(&r, &list) || list.left < 2)
			return ERR_TRUST_CERT_FORM;
		if (list.left > COSE_CERTS_MAX)
			return ERR_TRUST_CERT_COUNT;
		while (cbor_next(&r, &list))
			cbor_bstr(&r, &ret_certs[count++]);
	}
	if (cbor_done(&r))
		return ERR_TRUST_CERT_FORM;
	for (unsigned i = 0; i < count; i++)
		if (ret_certs[i].len == 0 ||
			ret_certs[i].len > COSE_CERT_LEN_MAX)
			return ERR_TRUST_CERT_FORM;
	*ret_count = count;
	return 0;
}

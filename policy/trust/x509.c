#include "policy/trust/x509.h"

#include <errno.h>
#include <stdlib.h>

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "policy/trust/date.h"

static const mbedtls_x509_crt_profile profile = {
	.allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
		       MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
		       MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
	.allowed_pks = MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) |
		       MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA) |
		       MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSA) |
		       MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSASSA_PSS),
	.allowed_curves = MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) |
			  MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1) |
			  MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP521R1),
	.rsa_min_bitlen = 3072,
};

static uint64_t seconds_of(const mbedtls_x509_time *t)
{
	struct date date = {(unsigned)t->year, (unsigned)t->mon,
		(unsigned)t->day, (unsigned)t->hour, (unsigned)t->min,
		(unsigned)t->sec};

	return date_seconds(&date);
}

/* The EC key of a SubjectPublicKeyInfo (RFC 5480). */
static bool key_of_spki(const uint8_t *at, size_t len, struct cose_key *ret)
{
	mbedtls_asn1_buf alg;
	mbedtls_asn1_buf params;
	uint8_t *p = (uint8_t *)(uintptr_t)at;
	const uint8_t *end = at + len;
	enum crypto_curve curve;
	size_t n;

	if (mbedtls_asn1_get_tag(&p, end, &n,
		    MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) ||
		p + n != end || mbedtls_asn1_get_alg(&p, end, &alg, &params) ||
		MBEDTLS_OID_CMP(MBEDTLS_OID_EC_ALG_UNRESTRICTED, &alg))
		return false;
	if (!MBEDTLS_OID_CMP(MBEDTLS_OID_EC_GRP_SECP256R1, &params))
		curve = CRYPTO_P256;
	else if (!MBEDTLS_OID_CMP(MBEDTLS_OID_EC_GRP_SECP384R1, &params))
		curve = CRYPTO_P384;
	else if (!MBEDTLS_OID_CMP(MBEDTLS_OID_EC_GRP_SECP521R1, &params))
		curve = CRYPTO_P521;
	else
		return false;
	return mbedtls_asn1_get_bitstring_null(&p, end, &n) == 0 &&
	       p + n == end && cose_key_from_point(bytes_of(p, n), ret) == 0 &&
	       ret->curve == curve;
}

static bool lists_code_signing(const mbedtls_x509_crt *crt)
{
	const mbedtls_x509_sequence *one = &crt->ext_key_usage;

	if (!mbedtls_x509_crt_has_ext_type(
		    crt, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE))
		return false;
	for (; one; one = one->next)
		if (!MBEDTLS_OID_CMP(MBEDTLS_OID_CODE_SIGNING, &one->buf))
			return true;
	return false;
}

static bool lists_digital_signature(const mbedtls_x509_crt *crt)
{
	return mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_KEY_USAGE) &&
	       mbedtls_x509_crt_check_key_usage(
		       crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) == 0;
}

static void subject_of(const mbedtls_x509_crt *crt, char *text, size_t size)
{
	char raw[256];
	int len = mbedtls_x509_dn_gets(raw, sizeof(raw), &crt->subject);

	bytes_to_printable(
		bytes_of(raw, len > 0 ? (size_t)len : 0), text, size);
}

/* Appends exactly one certificate to a list. */
static int parse_one(mbedtls_x509_crt *list, struct bytes der)
{
	mbedtls_x509_crt *last = list;
	int err;

	if (der.len == 0 || der.len > COSE_CERT_LEN_MAX)
		return ERR_TRUST_CERT_FORM;
	err = mbedtls_x509_crt_parse_der(list, der.at, der.len);
	if (err == MBEDTLS_ERR_X509_ALLOC_FAILED)
		return -ENOMEM;
	if (err)
		return ERR_TRUST_CERT_FORM;
	while (last->next)
		last = last->next;
	return last->raw.len == der.len ? 0 : ERR_TRUST_CERT_FORM;
}

static int facts_of(const mbedtls_x509_crt *crt, struct x509_facts *ret)
{
	struct bytes spki = bytes_of(crt->pk_raw.p, crt->pk_raw.len);

	*ret = (struct x509_facts){0};
	ret->has_key = key_of_spki(spki.at, spki.len, &ret->key);
	ret->is_ca = mbedtls_x509_crt_get_ca_istrue(crt) == 1;
	ret->can_sign = lists_digital_signature(crt);
	ret->code_signing = lists_code_signing(crt);
	ret->not_before = seconds_of(&crt->valid_from);
	ret->not_after = seconds_of(&crt->valid_to);
	subject_of(crt, ret->subject, sizeof(ret->subject));
	bytes_to_hex(bytes_of(crt->serial.p, crt->serial.len), ret->serial,
		sizeof(ret->serial));
	return ret->has_key ? cose_key_thumbprint(&ret->key, ret->key_id)
			    : crypto_sha256(spki, ret->key_id);
}

int x509_read(struct bytes der, struct x509_facts *ret)
{
	mbedtls_x509_crt crt;
	int err;

	mbedtls_x509_crt_init(&crt);
	err = parse_one(&crt, der);
	if (!err)
		err = facts_of(&crt, ret);
	mbedtls_x509_crt_free(&crt);
	return err;
}

/* A NUL-terminated copy, which Mbed TLS wants for PEM. */
static uint8_t *text_of(struct bytes in)
{
	uint8_t *text = malloc(in.len + 1);

	if (text) {
		if (in.len)
			memcpy(text, in.at, in.len);
		text[in.len] = 0;
	}
	return text;
}

static bool is_pem(struct bytes in)
{
	static const char head[] = "-----BEGIN ";

	return memmem(in.at, in.len, head, sizeof(head) - 1) != NULL;
}

int x509_to_der(struct bytes in, struct buf *b)
{
	mbedtls_x509_crt crt;
	uint8_t *text;
	int err = 0;

	if (in.len == 0 || in.len > (size_t)4 * COSE_CERT_LEN_MAX)
		return ERR_TRUST_CERT_FORM;
	text = text_of(in);
	if (!text)
		return -ENOMEM;
	mbedtls_x509_crt_init(&crt);
	if (is_pem(in) ? mbedtls_x509_crt_parse(&crt, text, in.len + 1) != 0
		       : parse_one(&crt, in) != 0)
		err = ERR_TRUST_CERT_FORM;
	if (!err && crt.next)
		err = ERR_TRUST_CERT_COUNT;
	if (!err)
		err = buf_add(b, crt.raw.p, crt.raw.len);
	mbedtls_x509_crt_free(&crt);
	free(text);
	return err;
}

int x509_public_key(struct bytes in, struct cose_key *ret)
{
	mbedtls_pk_context pk;
	uint8_t der[512];
	uint8_t *text;
	int err = ERR_TRUST_COSE_KEY;
	int len = 0;

	if (in.len == 0 || in.len > COSE_CERT_LEN_MAX)
		return ERR_TRUST_COSE_KEY;
	text = text_of(in);
	if (!text)
		return -ENOMEM;
	mbedtls_pk_init(&pk);
	if (mbedtls_pk_parse_public_key(
		    &pk, text, in.len + (is_pem(in) ? 1 : 0)) == 0)
		len = mbedtls_pk_write_pubkey_der(&pk, der, sizeof(der));
	if (len > 0 && key_of_spki(der + sizeof(der) - len, (size_t)len, ret))
		err = 0;
	mbedtls_pk_free(&pk);
	free(text);
	return err;
}

/* The anchor, and what a message brought. */
#define PATH_MAX_LEN (COSE_CERTS_MAX + 1)

/* What the verify callback sees of the path; anchor first, leaf last. */
struct path {
	struct trust_now now;
	const struct x509_anchor *anchors;
	unsigned anchor_count;
	struct x509_chain chain;
	bool anchor_found;
	int err; /* of dates */
	const mbedtls_x509_crt *of[PATH_MAX_LEN]; /* leaf first */
};

static void judge_dates(struct path *path, const mbedtls_x509_crt *crt)
{
	uint64_t not_after = seconds_of(&crt->valid_to);

	if (not_after < path->chain.not_after)
		path->chain.not_after = not_after;
	if (path->err)
		return;
	/* RFC 5280 section 4.1.2.5: the second of notAfter still counts. */
	if (trust_now_expired(path->now, not_after + 1))
		path->err = ERR_TRUST_CERT_EXPIRED;
	else if (trust_now_too_early(path->now, seconds_of(&crt->valid_from)))
		path->err = ERR_TRUST_CERT_NOT_YET;
}

static void note_anchor(struct path *path, const mbedtls_x509_crt *crt)
{
	struct bytes raw = bytes_of(crt->raw.p, crt->raw.len);

	for (unsigned i = 0; i < path->anchor_count; i++)
		if (bytes_equal(path->anchors[i].certificate, raw)) {
			path->chain.anchor = i;
			path->anchor_found = true;
			return;
		}
}

static int on_certificate(
	void *arg, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct path *path = arg;

	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED |
			      MBEDTLS_X509_BADCERT_FUTURE);
	if (path->chain.depth == 0) {
		path->chain.depth = (unsigned)depth + 1;
		note_anchor(path, crt);
	}
	if (depth < 0 || depth >= PATH_MAX_LEN)
		return MBEDTLS_ERR_X509_FATAL_ERROR;
	path->of[depth] = crt;
	judge_dates(path, crt);
	return 0;
}

static int code_of_flags(uint32_t flags)
{
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		return ERR_TRUST_CERT_CHAIN;
	if (flags & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
			    MBEDTLS_X509_BADCERT_BAD_KEY))
		return ERR_TRUST_CERT_ALG;
	return ERR_TRUST_CERT_CHAIN;
}

static int walk_path(
	mbedtls_x509_crt *certs, mbedtls_x509_crt *anchors, struct path *path)
{
	uint32_t flags = 0;
	int err;

	note_anchor(path, certs);
	if (path->anchor_found) {
		path->chain.anchor_is_leaf = true;
		path->chain.depth = 1;
		path->of[0] = certs;
		judge_dates(path, certs);
		return path->err;
	}
	err = mbedtls_x509_crt_verify_with_profile(certs, anchors, NULL,
		&profile, NULL, &flags, on_certificate, path);
	if (err == MBEDTLS_ERR_X509_ALLOC_FAILED)
		return -ENOMEM;
	if (err)
		return flags ? code_of_flags(flags) : ERR_TRUST_CERT_CHAIN;
	/* Whatever the library took for trusted must be one of ours. */
	return path->anchor_found ? path->err : ERR_TRUST_CERT_CHAIN;
}

static int judge_leaf(const mbedtls_x509_crt *leaf, struct x509_chain *chain)
{
	struct bytes spki = bytes_of(leaf->pk_raw.p, leaf->pk_raw.len);

	if (!key_of_spki(spki.at, spki.len, &chain->leaf_key))
		return ERR_TRUST_CERT_ALG;
	if (!lists_digital_signature(leaf))
		return ERR_TRUST_CERT_USAGE;
	if (!lists_code_signing(leaf))
		return ERR_TRUST_CERT_EKU;
	subject_of(leaf, chain->subject, sizeof(chain->subject));
	return 0;
}

static int parse_certs(
	mbedtls_x509_crt *list, const struct bytes *ders, unsigned count)
{
	int err = count ? 0 : ERR_TRUST_CERT_CHAIN;

	for (unsigned i = 0; !err && i < count; i++)
		err = parse_one(list, ders[i]);
	return err;
}

static int parse_anchors(mbedtls_x509_crt *list,
	const struct x509_anchor *anchors, unsigned count)
{
	int err = count ? 0 : ERR_TRUST_CERT_CHAIN;

	for (unsigned i = 0; !err && i < count; i++)
		err = parse_one(list, anchors[i].certificate);
	return err;
}

/* The caller's own bytes of a certificate: the library's copies die first. */
static struct bytes callers_view(const struct path *path,
	const struct bytes *certs, unsigned count, unsigned i)
{
	struct bytes raw = bytes_of(path->of[i]->raw.p, path->of[i]->raw.len);

	if (i + 1 == path->chain.depth)
		return path->anchors[path->chain.anchor].certificate;
	for (unsigned k = 0; k < count; k++)
		if (bytes_equal(certs[k], raw))
			return certs[k];
	return bytes_of(NULL, 0);
}

static int judge_revocation(struct path *path, const struct bytes *certs,
	unsigned count, const struct chain_rules *rules)
{
	const struct x509_anchor *anchor = &path->anchors[path->chain.anchor];
	struct bytes views[PATH_MAX_LEN];

	for (unsigned i = 0; i < path->chain.depth; i++)
		views[i] = callers_view(path, certs, count, i);
	return revocation_judge(rules->revocation, views, path->chain.depth,
		anchor->revoked_by_root_only, rules->now, rules->needs,
		&path->chain.revocation);
}

int x509_chain_verify(const struct bytes *certs, unsigned count,
	const struct x509_anchor *anchors, unsigned anchor_count,
	const struct chain_rules *rules, struct x509_chain *ret,
	struct fault *fault)
{
	struct path path = {
		.now = rules->now,
		.anchors = anchors,
		.anchor_count = anchor_count,
		.chain.not_after = UINT64_MAX,
	};
	mbedtls_x509_crt chain;
	mbedtls_x509_crt trusted;
	int err;

	if (count > COSE_CERTS_MAX)
		return fault_set(fault, ERR_TRUST_CERT_COUNT, 0, "x5chain",
			"%u certificates, limit %d", count, COSE_CERTS_MAX);
	mbedtls_x509_crt_init(&chain);
	mbedtls_x509_crt_init(&trusted);
	err = parse_certs(&chain, certs, count);
	if (!err)
		err = parse_anchors(&trusted, anchors, anchor_count);
	if (!err)
		err = walk_path(&chain, &trusted, &path);
	if (!err)
		err = judge_leaf(&chain, &path.chain);
	if (err)
		fault_set(fault, err, 0, "x5chain", "%s", err_text(err));
	else
		err = judge_revocation(&path, certs, count, rules);
	mbedtls_x509_crt_free(&trusted);
	mbedtls_x509_crt_free(&chain);
	if (err)
		fault_set(fault, err, 0, "revocation", "%s",
			path.chain.revocation.evidence);
	if (!err || revocation_refuses(err))
		*ret = path.chain;
	return err;
}

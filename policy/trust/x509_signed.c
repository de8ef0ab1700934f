#include "policy/trust/x509_signed.h"

#include <errno.h>

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>

#include "policy/trust/crypto.h"
#include "policy/trust/der.h"

#define RSA_BITS_MIN 3072

enum scheme { SCHEME_ECDSA, SCHEME_RSA, SCHEME_RSA_PSS };

struct algorithm {
	enum scheme scheme;
	enum crypto_hash hash;
	unsigned salt_len;
};

static bool hash_of(struct bytes oid, enum crypto_hash *ret)
{
	if (der_is_oid(oid, OID_SHA256))
		*ret = CRYPTO_SHA256;
	else if (der_is_oid(oid, OID_SHA384))
		*ret = CRYPTO_SHA384;
	else if (der_is_oid(oid, OID_SHA512))
		*ret = CRYPTO_SHA512;
	else
		return false;
	return true;
}

static bool is_null_or_nothing(struct bytes params)
{
	struct bytes null;

	if (params.len == 0)
		return true;
	return der_take(&params, DER_NULL, &null) && null.len == 0 &&
	       params.len == 0;
}

/* AlgorithmIdentifier of a hash inside of an explicit tag. */
static bool take_hash(struct bytes *in, int tag, enum crypto_hash *ret)
{
	struct bytes inner, body, oid;

	return der_take(in, tag, &inner) &&
	       der_take(&inner, DER_SEQUENCE, &body) && inner.len == 0 &&
	       der_take(&body, DER_OID, &oid) && hash_of(oid, ret) &&
	       is_null_or_nothing(body);
}

static bool take_mask_hash(struct bytes *in, enum crypto_hash *ret)
{
	struct bytes inner, body, oid, hash;

	return der_take(in, DER_IN(1), &inner) &&
	       der_take(&inner, DER_SEQUENCE, &body) && inner.len == 0 &&
	       der_take(&body, DER_OID, &oid) && der_is_oid(oid, OID_MGF1) &&
	       der_take(&body, DER_SEQUENCE, &hash) && body.len == 0 &&
	       der_take(&hash, DER_OID, &oid) && hash_of(oid, ret) &&
	       is_null_or_nothing(hash);
}

/* RFC 4055 section 3.1. The defaults mean SHA-1, so hash and mask have to
 * stand there; the salt's default is 20. */
static bool read_pss(struct bytes params, struct algorithm *ret)
{
	struct bytes body, inner;
	enum crypto_hash mask;
	unsigned trailer = 1;

	ret->scheme = SCHEME_RSA_PSS;
	ret->salt_len = 20;
	if (!der_take(&params, DER_SEQUENCE, &body) || params.len ||
		!take_hash(&body, DER_IN(0), &ret->hash) ||
		!take_mask_hash(&body, &mask) || mask != ret->hash)
		return false;
	if (der_take(&body, DER_IN(2), &inner) &&
		(!der_take_small(&inner, DER_INTEGER, &ret->salt_len) ||
			inner.len))
		return false;
	if (der_take(&body, DER_IN(3), &inner) &&
		(!der_take_small(&inner, DER_INTEGER, &trailer) || inner.len))
		return false;
	return trailer == 1 && body.len == 0;
}

static bool read_algorithm(struct bytes alg, struct algorithm *ret)
{
	static const struct {
		struct bytes oid;
		struct algorithm algorithm;
	} rows[] = {
		{{(const uint8_t *)OID_ECDSA_SHA256, 8},
			{SCHEME_ECDSA, CRYPTO_SHA256, 0}},
		{{(const uint8_t *)OID_ECDSA_SHA384, 8},
			{SCHEME_ECDSA, CRYPTO_SHA384, 0}},
		{{(const uint8_t *)OID_ECDSA_SHA512, 8},
			{SCHEME_ECDSA, CRYPTO_SHA512, 0}},
		{{(const uint8_t *)OID_RSA_SHA256, 9},
			{SCHEME_RSA, CRYPTO_SHA256, 0}},
		{{(const uint8_t *)OID_RSA_SHA384, 9},
			{SCHEME_RSA, CRYPTO_SHA384, 0}},
		{{(const uint8_t *)OID_RSA_SHA512, 9},
			{SCHEME_RSA, CRYPTO_SHA512, 0}},
	};
	struct bytes body, oid;

	if (!der_take(&alg, DER_SEQUENCE, &body) || alg.len ||
		!der_take(&body, DER_OID, &oid))
		return false;
	if (der_is_oid(oid, OID_RSA_PSS))
		return read_pss(body, ret);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_equal(rows[i].oid, oid)) {
			*ret = rows[i].algorithm;
			return is_null_or_nothing(body);
		}
	return false;
}

static bool is_known_curve(struct bytes params)
{
	struct bytes oid;

	return der_take(&params, DER_OID, &oid) && params.len == 0 &&
	       (der_is_oid(oid, OID_P256) || der_is_oid(oid, OID_P384) ||
		       der_is_oid(oid, OID_P521));
}

/* The kind of key that the scheme takes, on one of our curves. */
static bool key_fits(struct bytes spki, enum scheme scheme)
{
	struct bytes body, alg, oid;

	if (!der_take(&spki, DER_SEQUENCE, &body) || spki.len ||
		!der_take(&body, DER_SEQUENCE, &alg) ||
		!der_take(&alg, DER_OID, &oid))
		return false;
	switch (scheme) {
	case SCHEME_ECDSA:
		return der_is_oid(oid, OID_EC_KEY) && is_known_curve(alg);
	case SCHEME_RSA:
	case SCHEME_RSA_PSS:
		return der_is_oid(oid, OID_RSA) && is_null_or_nothing(alg);
	}
	return false;
}

static mbedtls_md_type_t md_of(enum crypto_hash hash)
{
	static const mbedtls_md_type_t types[] = {
		[CRYPTO_SHA256] = MBEDTLS_MD_SHA256,
		[CRYPTO_SHA384] = MBEDTLS_MD_SHA384,
		[CRYPTO_SHA512] = MBEDTLS_MD_SHA512,
	};

	return types[hash];
}

static int verify(mbedtls_pk_context *pk, const struct algorithm *algorithm,
	struct bytes digest, struct bytes signature)
{
	mbedtls_md_type_t md = md_of(algorithm->hash);
	mbedtls_pk_rsassa_pss_options options = {
		.mgf1_hash_id = md,
		.expected_salt_len = (int)algorithm->salt_len,
	};

	if (algorithm->scheme == SCHEME_RSA_PSS)
		return mbedtls_pk_verify_ext(MBEDTLS_PK_RSASSA_PSS, &options,
			pk, md, digest.at, digest.len, signature.at,
			signature.len);
	return mbedtls_pk_verify(
		pk, md, digest.at, digest.len, signature.at, signature.len);
}

/* Mbed TLS adds the code of a lower layer to that of a higher one; those of the
 * lower layers have seven bits. */
static bool is_no_memory(int err)
{
	int low = -(-err & 0x7f);

	return err == MBEDTLS_ERR_PK_ALLOC_FAILED ||
	       err == MBEDTLS_ERR_ECP_ALLOC_FAILED ||
	       low == MBEDTLS_ERR_MPI_ALLOC_FAILED ||
	       low == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
}

static int code_of(int err, int otherwise)
{
	if (err == 0)
		return 0;
	return is_no_memory(err) ? -ENOMEM : otherwise;
}

int x509_verify_signed(struct bytes spki, struct bytes alg, struct bytes tbs,
	struct bytes signature)
{
	struct algorithm algorithm;
	uint8_t digest[CRYPTO_HASH_MAX];
	mbedtls_pk_context pk;
	uint8_t *p = (uint8_t *)(uintptr_t)spki.at;
	int err;

	if (!read_algorithm(alg, &algorithm) ||
		!key_fits(spki, algorithm.scheme))
		return ERR_TRUST_CERT_ALG;
	err = crypto_digest(algorithm.hash, &tbs, 1, digest);
	if (err)
		return err;
	mbedtls_pk_init(&pk);
	err = code_of(mbedtls_pk_parse_subpubkey(&p, spki.at + spki.len, &pk),
		ERR_TRUST_CERT_ALG);
	if (!err && algorithm.scheme != SCHEME_ECDSA &&
		mbedtls_pk_get_bitlen(&pk) < RSA_BITS_MIN)
		err = ERR_TRUST_CERT_ALG;
	if (!err)
		err = code_of(verify(&pk, &algorithm,
				      bytes_of(digest,
					      crypto_hash_len(algorithm.hash)),
				      signature),
			ERR_TRUST_COSE_SIGNATURE);
	mbedtls_pk_free(&pk);
	return err;
}

#include "policy/trust/crypto.h"

#include <errno.h>
#include <stdlib.h>

#include <mbedtls/sha256.h>
#include <psa/crypto.h>

#include "policy/trust/ed25519.h"

#define HASH_CHUNK 4096

int crypto_init(void)
{
	return psa_crypto_init() == PSA_SUCCESS ? ed25519_init()
					      : ERR_TRUST_CRYPTO;
}

size_t crypto_hash_len(enum crypto_hash hash)
{
	static const uint8_t lens[] = {[CRYPTO_SHA256] = 32,
		[CRYPTO_SHA384] = 48,
		[CRYPTO_SHA512] = 64};

	return lens[hash];
}

size_t crypto_curve_len(enum crypto_curve curve)
{
	static const uint8_t lens[] = {
		0, [CRYPTO_P256] = 32, [CRYPTO_P384] = 48, [CRYPTO_P521] = 66};

	return lens[curve];
}

static psa_algorithm_t psa_hash_of(enum crypto_hash hash)
{
	static const psa_algorithm_t algs[] = {
		[CRYPTO_SHA256] = PSA_ALG_SHA_256,
		[CRYPTO_SHA384] = PSA_ALG_SHA_384,
		[CRYPTO_SHA512] = PSA_ALG_SHA_512,
	};

	return algs[hash];
}

/* Mbed TLS 3.6 copies what it is given to the heap before it reads it, so that
 * a long input would be there twice. */
static psa_status_t update(psa_hash_operation_t *op, struct bytes in)
{
	psa_status_t status = PSA_SUCCESS;

	for (size_t at = 0; status == PSA_SUCCESS && at < in.len;
		at += HASH_CHUNK) {
		struct bytes chunk = bytes_slice(in, at, HASH_CHUNK);

		status = psa_hash_update(op, chunk.at, chunk.len);
	}
	return status;
}

int crypto_digest(enum crypto_hash hash, const struct bytes *parts,
	unsigned count, uint8_t *ret)
{
	psa_hash_operation_t op = PSA_HASH_OPERATION_INIT;
	psa_status_t status = psa_hash_setup(&op, psa_hash_of(hash));
	size_t len;

	for (unsigned i = 0; status == PSA_SUCCESS && i < count; i++)
		status = update(&op, parts[i]);
	if (status == PSA_SUCCESS)
		status = psa_hash_finish(&op, ret, crypto_hash_len(hash), &len);
	if (status == PSA_SUCCESS)
		return 0;
	psa_hash_abort(&op);
	return ERR_TRUST_CRYPTO;
}

struct crypto_hasher {
	psa_hash_operation_t op;
	enum crypto_hash hash;
};

int crypto_hasher_new(enum crypto_hash hash, struct crypto_hasher **ret)
{
	struct crypto_hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return -ENOMEM;
	hasher->hash = hash;
	hasher->op = psa_hash_operation_init();
	if (psa_hash_setup(&hasher->op, psa_hash_of(hash)) != PSA_SUCCESS) {
		free(hasher);
		return ERR_TRUST_CRYPTO;
	}
	*ret = hasher;
	return 0;
}

int crypto_hasher_add(struct crypto_hasher *hasher, struct bytes piece)
{
	return piece.len == 0 || psa_hash_update(&hasher->op, piece.at,
					 piece.len) == PSA_SUCCESS
		       ? 0
		       : ERR_TRUST_CRYPTO;
}

int crypto_hasher_end(struct crypto_hasher *hasher, uint8_t *ret)
{
	size_t len;

	return psa_hash_finish(&hasher->op, ret, crypto_hash_len(hasher->hash),
		       &len) == PSA_SUCCESS
		       ? 0
		       : ERR_TRUST_CRYPTO;
}

void crypto_hasher_free(struct crypto_hasher *hasher)
{
	if (!hasher)
		return;
	psa_hash_abort(&hasher->op);
	free(hasher);
}

/* Hash-based signatures are thousands of these, each of one block; what PSA
 * does around a hash would cost them a third more. */
int crypto_sha256(struct bytes in, uint8_t ret[32])
{
	return mbedtls_sha256(in.at, in.len, ret, 0) ? ERR_TRUST_CRYPTO : 0;
}

int crypto_sha1(struct bytes in, uint8_t ret[CRYPTO_SHA1_LEN])
{
	size_t len;

	return psa_hash_compute(PSA_ALG_SHA_1, in.at, in.len, ret,
		       CRYPTO_SHA1_LEN, &len) == PSA_SUCCESS
		       ? 0
		       : ERR_TRUST_CRYPTO;
}

static int import_public(enum crypto_curve curve, struct bytes point,
	psa_algorithm_t alg, psa_key_id_t *ret)
{
	static const size_t bits[] = {0, [CRYPTO_P256] = 256,
		[CRYPTO_P384] = 384, [CRYPTO_P521] = 521};
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	uint8_t whole[1 + 2 * CRYPTO_POINT_MAX];
	psa_status_t status;

	if (point.len != 2 * crypto_curve_len(curve))
		return ERR_TRUST_COSE_KEY;
	whole[0] = 4;
	memcpy(whole + 1, point.at, point.len);
	psa_set_key_type(&attributes,
		PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, bits[curve]);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&attributes, alg);
	status = psa_import_key(&attributes, whole, 1 + point.len, ret);
	if (status == PSA_SUCCESS)
		return 0;
	return status == PSA_ERROR_INVALID_ARGUMENT ? ERR_TRUST_COSE_KEY
						    : ERR_TRUST_CRYPTO;
}

int crypto_ecdsa_verify(enum crypto_curve curve, struct bytes point,
	enum crypto_hash hash, struct bytes digest, struct bytes signature)
{
	psa_algorithm_t alg = PSA_ALG_ECDSA(psa_hash_of(hash));
	psa_key_id_t key;
	psa_status_t status;
	int err;

	if (signature.len != 2 * crypto_curve_len(curve))
		return ERR_TRUST_COSE_SIGNATURE;
	err = import_public(curve, point, alg, &key);
	if (err)
		return err;
	status = psa_verify_hash(
		key, alg, digest.at, digest.len, signature.at, signature.len);
	psa_destroy_key(key);
	if (status == PSA_SUCCESS)
		return 0;
	return status == PSA_ERROR_INVALID_SIGNATURE ? ERR_TRUST_COSE_SIGNATURE
						     : ERR_TRUST_CRYPTO;
}

static int import_hmac(psa_algorithm_t alg, psa_key_usage_t usage,
	struct bytes key, psa_key_id_t *ret)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

	psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
	psa_set_key_usage_flags(&attributes, usage);
	psa_set_key_algorithm(&attributes, alg);
	return psa_import_key(&attributes, key.at, key.len, ret) == PSA_SUCCESS
		       ? 0
		       : ERR_TRUST_CRYPTO;
}

int crypto_hmac_verify(enum crypto_hash hash, struct bytes key,
	const struct bytes *parts, unsigned count, struct bytes tag)
{
	psa_algorithm_t alg = PSA_ALG_HMAC(psa_hash_of(hash));
	psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
	psa_status_t status;
	psa_key_id_t id;

	if (tag.len != crypto_hash_len(hash))
		return ERR_TRUST_COSE_MAC;
	if (import_hmac(alg, PSA_KEY_USAGE_VERIFY_MESSAGE, key, &id))
		return ERR_TRUST_CRYPTO;
	status = psa_mac_verify_setup(&op, id, alg);
	for (unsigned i = 0; status == PSA_SUCCESS && i < count; i++)
		if (parts[i].len)
			status = psa_mac_update(&op, parts[i].at, parts[i].len);
	if (status == PSA_SUCCESS)
		status = psa_mac_verify_finish(&op, tag.at, tag.len);
	psa_mac_abort(&op);
	psa_destroy_key(id);
	if (status == PSA_SUCCESS)
		return 0;
	return status == PSA_ERROR_INVALID_SIGNATURE ? ERR_TRUST_COSE_MAC
						     : ERR_TRUST_CRYPTO;
}

int crypto_hmac(enum crypto_hash hash, struct bytes key,
	const struct bytes *parts, unsigned count, uint8_t *ret)
{
	psa_algorithm_t alg = PSA_ALG_HMAC(psa_hash_of(hash));
	psa_mac_operation_t op = PSA_MAC_OPERATION_INIT;
	psa_status_t status;
	psa_key_id_t id;
	size_t len;

	if (import_hmac(alg, PSA_KEY_USAGE_SIGN_MESSAGE, key, &id))
		return ERR_TRUST_CRYPTO;
	status = psa_mac_sign_setup(&op, id, alg);
	for (unsigned i = 0; status == PSA_SUCCESS && i < count; i++)
		if (parts[i].len)
			status = psa_mac_update(&op, parts[i].at, parts[i].len);
	if (status == PSA_SUCCESS)
		status = psa_mac_sign_finish(
			&op, ret, crypto_hash_len(hash), &len);
	psa_mac_abort(&op);
	psa_destroy_key(id);
	return status == PSA_SUCCESS ? 0 : ERR_TRUST_CRYPTO;
}

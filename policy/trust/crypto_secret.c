#include "policy/trust/crypto_secret.h"

#include <errno.h>
#include <stdlib.h>

#include <psa/crypto.h>

void crypto_wipe(void *at, size_t len)
{
	if (len)
		explicit_bzero(at, len);
}

int crypto_random(uint8_t *ret, size_t len)
{
	return psa_generate_random(ret, len) == PSA_SUCCESS ? 0
							    : ERR_TRUST_CRYPTO;
}

int crypto_hkdf(
	struct bytes secret, struct bytes info, uint8_t *ret, size_t len)
{
	psa_key_derivation_operation_t op = PSA_KEY_DERIVATION_OPERATION_INIT;
	psa_status_t status;

	status = psa_key_derivation_setup(&op, PSA_ALG_HKDF(PSA_ALG_SHA_256));
	if (status == PSA_SUCCESS)
		status = psa_key_derivation_input_bytes(&op,
			PSA_KEY_DERIVATION_INPUT_SECRET, secret.at, secret.len);
	if (status == PSA_SUCCESS)
		status = psa_key_derivation_input_bytes(&op,
			PSA_KEY_DERIVATION_INPUT_INFO, info.at, info.len);
	if (status == PSA_SUCCESS)
		status = psa_key_derivation_output_bytes(&op, ret, len);
	psa_key_derivation_abort(&op);
	return status == PSA_SUCCESS ? 0 : ERR_TRUST_CRYPTO;
}

int crypto_pair_new(uint32_t *ret_id, uint8_t ret_point[64])
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	uint8_t point[65];
	psa_key_id_t id;
	size_t len;

	psa_set_key_type(&attributes,
		PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, 256);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
	if (psa_generate_key(&attributes, &id) != PSA_SUCCESS)
		return ERR_TRUST_CRYPTO;
	if (psa_export_public_key(id, point, sizeof(point), &len) !=
			PSA_SUCCESS ||
		len != sizeof(point)) {
		psa_destroy_key(id);
		return ERR_TRUST_CRYPTO;
	}
	memcpy(ret_point, point + 1, 64);
	*ret_id = id;
	return 0;
}

void crypto_pair_destroy(uint32_t id)
{
	psa_destroy_key(id);
}

int crypto_pair_agree(uint32_t id, const uint8_t peer[64], uint8_t ret[32])
{
	uint8_t point[65] = {4};
	uint8_t secret[32];
	psa_status_t status;
	size_t len = 0;

	memcpy(point + 1, peer, 64);
	status = psa_raw_key_agreement(PSA_ALG_ECDH, id, point, sizeof(point),
		secret, sizeof(secret), &len);
	if (status == PSA_SUCCESS && len == sizeof(secret))
		memcpy(ret, secret, sizeof(secret));
	else if (status == PSA_SUCCESS)
		status = PSA_ERROR_GENERIC_ERROR;
	crypto_wipe(secret, sizeof(secret));
	if (status == PSA_SUCCESS)
		return 0;
	return status == PSA_ERROR_INVALID_ARGUMENT ? ERR_TRUST_COSE_KEY
						    : ERR_TRUST_CRYPTO;
}

struct crypto_cipher {
	enum crypto_mode mode;
	bool encrypts;
	psa_key_id_t key;
	psa_cipher_operation_t ctr;
	psa_aead_operation_t gcm;
};

static psa_status_t cipher_key(
	struct crypto_cipher *c, const struct crypto_cipher_spec *spec)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

	psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
	psa_set_key_usage_flags(&attributes,
		spec->encrypts ? PSA_KEY_USAGE_ENCRYPT : PSA_KEY_USAGE_DECRYPT);
	psa_set_key_algorithm(&attributes,
		spec->mode == CRYPTO_GCM ? PSA_ALG_GCM : PSA_ALG_CTR);
	return psa_import_key(
		&attributes, spec->key.at, spec->key.len, &c->key);
}

static psa_status_t ctr_start(
	struct crypto_cipher *c, const struct crypto_cipher_spec *spec)
{
	psa_status_t status =
		spec->encrypts
			? psa_cipher_encrypt_setup(&c->ctr, c->key, PSA_ALG_CTR)
			: psa_cipher_decrypt_setup(
				  &c->ctr, c->key, PSA_ALG_CTR);

	if (status != PSA_SUCCESS)
		return status;
	return psa_cipher_set_iv(&c->ctr, spec->iv.at, spec->iv.len);
}

static psa_status_t gcm_start(
	struct crypto_cipher *c, const struct crypto_cipher_spec *spec)
{
	psa_status_t status =
		spec->encrypts
			? psa_aead_encrypt_setup(&c->gcm, c->key, PSA_ALG_GCM)
			: psa_aead_decrypt_setup(&c->gcm, c->key, PSA_ALG_GCM);

	if (status == PSA_SUCCESS)
		status = psa_aead_set_lengths(
			&c->gcm, spec->aad.len, (size_t)spec->len);
	if (status == PSA_SUCCESS)
		status = psa_aead_set_nonce(
			&c->gcm, spec->iv.at, spec->iv.len);
	if (status == PSA_SUCCESS)
		status = psa_aead_update_ad(
			&c->gcm, spec->aad.at, spec->aad.len);
	return status;
}

int crypto_cipher_new(
	const struct crypto_cipher_spec *spec, struct crypto_cipher **ret)
{
	struct crypto_cipher *c;
	psa_status_t status;

	if (spec->len > SIZE_MAX)
		return ERR_TOO_LARGE;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->mode = spec->mode;
	c->encrypts = spec->encrypts;
	c->ctr = psa_cipher_operation_init();
	c->gcm = psa_aead_operation_init();
	status = cipher_key(c, spec);
	if (status == PSA_SUCCESS)
		status = spec->mode == CRYPTO_GCM ? gcm_start(c, spec)
						  : ctr_start(c, spec);
	if (status != PSA_SUCCESS) {
		crypto_cipher_free(c);
		return ERR_TRUST_CRYPTO;
	}
	*ret = c;
	return 0;
}

int crypto_cipher_update(struct crypto_cipher *cipher, struct bytes in,
	uint8_t *out, size_t *ret_len)
{
	size_t size = in.len + CRYPTO_CIPHER_SLACK;
	psa_status_t status;

	*ret_len = 0;
	if (in.len == 0)
		return 0;
	status = cipher->mode == CRYPTO_GCM
			 ? psa_aead_update(&cipher->gcm, in.at, in.len, out,
				   size, ret_len)
			 : psa_cipher_update(&cipher->ctr, in.at, in.len, out,
				   size, ret_len);
	return status == PSA_SUCCESS ? 0 : ERR_TRUST_CRYPTO;
}

int crypto_cipher_finish(struct crypto_cipher *cipher, uint8_t *out,
	size_t *ret_len, uint8_t *tag)
{
	psa_status_t status;
	size_t tag_len;

	*ret_len = 0;
	if (cipher->mode == CRYPTO_CTR)
		status = psa_cipher_finish(
			&cipher->ctr, out, CRYPTO_CIPHER_SLACK, ret_len);
	else if (cipher->encrypts)
		status = psa_aead_finish(&cipher->gcm, out,
			CRYPTO_CIPHER_SLACK, ret_len, tag, CRYPTO_GCM_TAG,
			&tag_len);
	else
		status = psa_aead_verify(&cipher->gcm, out,
			CRYPTO_CIPHER_SLACK, ret_len, tag, CRYPTO_GCM_TAG);
	if (status == PSA_SUCCESS)
		return 0;
	return status == PSA_ERROR_INVALID_SIGNATURE ? ERR_TRUST_ENCRYPT_TAG
						     : ERR_TRUST_CRYPTO;
}

void crypto_cipher_free(struct crypto_cipher *cipher)
{
	if (!cipher)
		return;
	psa_cipher_abort(&cipher->ctr);
	psa_aead_abort(&cipher->gcm);
	if (cipher->key)
		psa_destroy_key(cipher->key);
	free(cipher);
}

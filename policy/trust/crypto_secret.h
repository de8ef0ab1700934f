/* Primitives that handle secrets: random bytes, key agreement, key wrap, and
 * streaming ciphers.
 *
 * What policy/trust/encrypt.h is made of. Secrets are the caller's and are
 * wiped by it (crypto_wipe()); a struct crypto_cipher holds its key inside the
 * crypto library until it is freed. Any thread, after crypto_init(); one cipher
 * belongs to one thread at a time. */
#ifndef FERRY_POLICY_TRUST_CRYPTO_SECRET_H
#define FERRY_POLICY_TRUST_CRYPTO_SECRET_H

#include "policy/trust/crypto.h"

#define CRYPTO_KEY_MAX 32    /* bytes of an AES key */
#define CRYPTO_WRAP_GROWTH 8 /* RFC 3394 makes a key longer by so much */
#define CRYPTO_GCM_TAG 16
#define CRYPTO_CIPHER_SLACK 16 /* output may run ahead of input by less */

/* Overwrites; is never optimised away. */
void crypto_wipe(void *at, size_t len);

/* 0 or ERR_TRUST_CRYPTO. */
int crypto_random(uint8_t *ret, size_t len);

/* HKDF with SHA-256 (RFC 5869) and no salt. */
int crypto_hkdf(struct bytes secret, struct bytes info, uint8_t *ret,
	size_t len);

/* A new key pair on P-256 that lives in the crypto library until it is
 * destroyed; `ret_point` is x || y. */
int crypto_pair_new(uint32_t *ret_id, uint8_t ret_point[64]);
void crypto_pair_destroy(uint32_t id);

/* The shared x coordinate with a peer's point (x || y) on P-256.
 * ERR_TRUST_COSE_KEY when it is no point of the curve. */
int crypto_pair_agree(uint32_t id, const uint8_t peer[64], uint8_t ret[32]);

/* AES key wrap (RFC 3394, NIST SP 800-38F). `kek` has 16, 24 or 32 bytes, `key`
 * 16 to CRYPTO_KEY_MAX in steps of 8. Unwrapping checks the integrity:
 * ERR_TRUST_ENCRYPT_UNWRAP when key or bytes are wrong. */
int crypto_key_wrap(struct bytes kek, struct bytes key, uint8_t *ret);
int crypto_key_unwrap(struct bytes kek, struct bytes wrapped, uint8_t *ret);

enum crypto_mode { CRYPTO_CTR, CRYPTO_GCM };

struct crypto_cipher_spec {
	enum crypto_mode mode;
	bool encrypts;
	struct bytes key;
	struct bytes iv;  /* CTR: 16 bytes, the first counter block; GCM: 12 */
	struct bytes aad; /* GCM */
	uint64_t len;     /* of the plaintext */
};

struct crypto_cipher;

int crypto_cipher_new(
	const struct crypto_cipher_spec *spec, struct crypto_cipher **ret);

/* Adds bytes without the tag. `out` holds in.len + CRYPTO_CIPHER_SLACK. */
int crypto_cipher_update(struct crypto_cipher *cipher, struct bytes in,
	uint8_t *out, size_t *ret_len);

/* Ends it. With GCM `tag` (CRYPTO_GCM_TAG bytes) is checked on decryption
 * (ERR_TRUST_ENCRYPT_TAG) and written on encryption; `out` holds
 * CRYPTO_CIPHER_SLACK bytes. */
int crypto_cipher_finish(struct crypto_cipher *cipher, uint8_t *out,
	size_t *ret_len, uint8_t *tag);

/* NULL is allowed. */
void crypto_cipher_free(struct crypto_cipher *cipher);

#endif

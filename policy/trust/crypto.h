/* The few primitives that trust stands on: hashes, ECDSA verification, HMAC.
 *
 * The only file that talks to PSA in this room. Nothing here keeps secrets or
 * state; any thread, after crypto_init(). */
#ifndef FERRY_POLICY_TRUST_CRYPTO_H
#define FERRY_POLICY_TRUST_CRYPTO_H

#include "base/bytes.h"
#include "base/err.h"

#define CRYPTO_HASH_MAX 64
#define CRYPTO_SHA1_LEN 20
#define CRYPTO_POINT_MAX 66 /* bytes of a P-521 coordinate */

enum crypto_hash { CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512 };

/* Numbers of COSE and RFC 9053 table 18. */
enum crypto_curve { CRYPTO_P256 = 1, CRYPTO_P384 = 2, CRYPTO_P521 = 3 };

/* Call once, after any fork() and before any other use. 0 or ERR_TRUST_CRYPTO.
 */
int crypto_init(void);

size_t crypto_hash_len(enum crypto_hash hash);

/* Bytes of one coordinate: 32, 48, 66. */
size_t crypto_curve_len(enum crypto_curve curve);

/* The digest of the parts one after another into `ret` (crypto_hash_len()). */
int crypto_digest(enum crypto_hash hash, const struct bytes *parts,
	unsigned count, uint8_t *ret);

int crypto_sha256(struct bytes in, uint8_t ret[32]);

/* A hash over pieces that are not there at once; used by one thread at a time.
 * crypto_hasher_end() ends it, whatever it returns; free it then, or at any
 * time before. 0, -ENOMEM or ERR_TRUST_CRYPTO. */
struct crypto_hasher;
int crypto_hasher_new(enum crypto_hash hash, struct crypto_hasher **ret);
int crypto_hasher_add(struct crypto_hasher *hasher, struct bytes piece);
int crypto_hasher_end(struct crypto_hasher *hasher, uint8_t *ret);
void crypto_hasher_free(struct crypto_hasher *hasher);

/* Names a key in an OCSP responderID (RFC 6960 section 4.2.1). Nothing is
 * trusted by it. */
int crypto_sha1(struct bytes in, uint8_t ret[CRYPTO_SHA1_LEN]);

/* `point` is x || y; `signature` is r || s, each of the curve's length.
 * 0, ERR_TRUST_COSE_SIGNATURE, ERR_TRUST_COSE_KEY (no point of the curve) or
 * ERR_TRUST_CRYPTO. */
int crypto_ecdsa_verify(enum crypto_curve curve, struct bytes point,
	enum crypto_hash hash, struct bytes digest, struct bytes signature);

/* Whole tags only. 0, ERR_TRUST_COSE_MAC or ERR_TRUST_CRYPTO. */
int crypto_hmac_verify(enum crypto_hash hash, struct bytes key,
	const struct bytes *parts, unsigned count, struct bytes tag);

/* The whole tag (crypto_hash_len() bytes) over the parts. */
int crypto_hmac(enum crypto_hash hash, struct bytes key,
	const struct bytes *parts, unsigned count, uint8_t *ret);

#endif

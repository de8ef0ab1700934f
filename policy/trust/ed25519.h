/* Ed25519 (RFC 8032), through libsodium where the build has it.
 *
 * Without it keys are still read and listed, but nothing verifies or signs. The
 * only file that talks to libsodium in this room. Any thread, after
 * crypto_init(). */
#ifndef FERRY_POLICY_TRUST_ED25519_H
#define FERRY_POLICY_TRUST_ED25519_H

#include "base/bytes.h"
#include "base/err.h"

#define ED25519_PUBLIC_LEN 32
#define ED25519_SIGNATURE_LEN 64
#define ED25519_SEED_LEN 32

/* Whether this build can verify. */
bool ed25519_is_built(void);

/* Called by crypto_init(). 0 or ERR_TRUST_CRYPTO. */
int ed25519_init(void);

/* `message` is the whole message: Ed25519 hashes it twice. Signatures that are
 * not canonical and keys of small order are refused.
 * 0, ERR_TRUST_COSE_SIGNATURE, or ERR_TRUST_ED25519_ABSENT from a build that
 * cannot tell. */
int ed25519_verify(const uint8_t public[ED25519_PUBLIC_LEN],
	struct bytes message, struct bytes signature);

/* For those who publish: the public key of a private one (its seed, RFC 8032
 * section 5.1.5), and a signature by it. 0 or ERR_TRUST_ED25519_ABSENT. */
int ed25519_public(const uint8_t seed[ED25519_SEED_LEN],
	uint8_t ret_public[ED25519_PUBLIC_LEN]);
int ed25519_sign(const uint8_t seed[ED25519_SEED_LEN], struct bytes message,
	uint8_t ret_signature[ED25519_SIGNATURE_LEN]);

#endif

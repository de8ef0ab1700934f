/* What reader and writer of encrypted images share, so that both derive and
 * authenticate the same. Internal to this room. */
#ifndef FERRY_POLICY_TRUST_ENCRYPT_PRIV_H
#define FERRY_POLICY_TRUST_ENCRYPT_PRIV_H

#include "policy/trust/encrypt.h"

/* COSE_KDF_Context (RFC 9053 section 5.2) as the draft fixes it; writes
 * wrapping->kek_len bytes. */
int encrypt_derive_kek(const struct encrypt_wrapping *wrapping,
	struct bytes protected_bytes, const uint8_t secret[32], uint8_t *ret);

/* Fills mode and Enc_structure (RFC 9052 section 5.3) into `spec`, which has
 * the rest, and starts the cipher. */
int encrypt_cipher_new(const struct encrypt_cipher *cipher,
	struct bytes protected_bytes, struct crypto_cipher_spec *spec,
	struct crypto_cipher **ret);

#endif

#include "policy/trust/ed25519.h"

#ifdef FERRY_ED25519

#include <sodium.h>

bool ed25519_is_built(void)
{
	return true;
}

int ed25519_init(void)
{
	return sodium_init() < 0 ? ERR_TRUST_CRYPTO : 0;
}

int ed25519_verify(const uint8_t public[ED25519_PUBLIC_LEN],
	struct bytes message, struct bytes signature)
{
	if (signature.len != ED25519_SIGNATURE_LEN)
		return ERR_TRUST_COSE_SIGNATURE;
	return crypto_sign_verify_detached(signature.at, message.at,
		       message.len, public) == 0
		       ? 0
		       : ERR_TRUST_COSE_SIGNATURE;
}

int ed25519_public(const uint8_t seed[ED25519_SEED_LEN],
	uint8_t ret_public[ED25519_PUBLIC_LEN])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(ret_public, secret, seed);
	sodium_memzero(secret, sizeof(secret));
	return 0;
}

int ed25519_sign(const uint8_t seed[ED25519_SEED_LEN], struct bytes message,
	uint8_t ret_signature[ED25519_SIGNATURE_LEN])
{
	uint8_t public[ED25519_PUBLIC_LEN];
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(public, secret, seed);
	crypto_sign_detached(
		ret_signature, NULL, message.at, message.len, secret);
	sodium_memzero(secret, sizeof(secret));
	return 0;
}

#else

bool ed25519_is_built(void)
{
	return false;
}

int ed25519_init(void)
{
	return 0;
}

int ed25519_verify(const uint8_t public[ED25519_PUBLIC_LEN],
	struct bytes message, struct bytes signature)
{
	(void)public;
	(void)message;
	(void)signature;
	return ERR_TRUST_ED25519_ABSENT;
}

int ed25519_public(const uint8_t seed[ED25519_SEED_LEN],
	uint8_t ret_public[ED25519_PUBLIC_LEN])
{
	(void)seed;
	(void)ret_public;
	return ERR_TRUST_ED25519_ABSENT;
}

int ed25519_sign(const uint8_t seed[ED25519_SEED_LEN], struct bytes message,
	uint8_t ret_signature[ED25519_SIGNATURE_LEN])
{
	(void)seed;
	(void)message;
	(void)ret_signature;
	return ERR_TRUST_ED25519_ABSENT;
}

#endif

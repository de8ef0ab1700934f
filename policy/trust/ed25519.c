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

#endif

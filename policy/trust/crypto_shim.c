/* What Mbed TLS 3.6 needs and 4 drops: the NIST key wrap. */
#include "policy/trust/crypto_secret.h"

#include <mbedtls/nist_kw.h>

static int key_wrap(struct bytes kek, struct bytes in, uint8_t *out,
	size_t out_len, bool wraps)
{
	mbedtls_nist_kw_context kw;
	size_t len = 0;
	int status;

	mbedtls_nist_kw_init(&kw);
	status = mbedtls_nist_kw_setkey(&kw, MBEDTLS_CIPHER_ID_AES, kek.at,
		(unsigned)kek.len * 8, wraps);
	if (!status && wraps)
		status = mbedtls_nist_kw_wrap(&kw, MBEDTLS_KW_MODE_KW, in.at,
			in.len, out, &len, out_len);
	else if (!status)
		status = mbedtls_nist_kw_unwrap(&kw, MBEDTLS_KW_MODE_KW, in.at,
			in.len, out, &len, out_len);
	mbedtls_nist_kw_free(&kw);
	if (status == MBEDTLS_ERR_CIPHER_AUTH_FAILED)
		return ERR_TRUST_ENCRYPT_UNWRAP;
	return status || len != out_len ? ERR_TRUST_CRYPTO : 0;
}

int crypto_key_wrap(struct bytes kek, struct bytes key, uint8_t *ret)
{
	return key_wrap(kek, key, ret, key.len + CRYPTO_WRAP_GROWTH, true);
}

int crypto_key_unwrap(struct bytes kek, struct bytes wrapped, uint8_t *ret)
{
	uint8_t key[CRYPTO_KEY_MAX];
	size_t len = wrapped.len - CRYPTO_WRAP_GROWTH;
	int err;

	if (wrapped.len < 16 + CRYPTO_WRAP_GROWTH || len > sizeof(key) ||
		len % 8)
		return ERR_TRUST_ENCRYPT_UNWRAP;
	err = key_wrap(kek, wrapped, key, len, false);
	if (!err)
		memcpy(ret, key, len);
	crypto_wipe(key, sizeof(key));
	return err;
}

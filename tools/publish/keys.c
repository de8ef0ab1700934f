#include "tools/publish/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "policy/trust/ed25519.h"
#include "store/keys/keys.h"
#include "tools/publish/ed25519_key.h"
#include "tools/publish/files.h"
#include "tools/publish/hss_key.h"
#include "tools/publish/pem.h"
#include "tools/publish/say.h"

#define KEY_FILE_MAX 8192
#define KEY_ALGORITHM PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_ANY_HASH)

static int complain_psa(const char *file, const char *what, psa_status_t status)
{
	return complain(-EIO, file, what, "the crypto library answers %d",
		(int)status);
}

static int complain_mbedtls(const char *file, const char *what, int status)
{
	char text[128];

	mbedtls_strerror(status, text, sizeof(text));
	return complain(-EINVAL, file, what, "%s (-0x%04x)", text,
		(unsigned)-status);
}

int keys_start(void)
{
	int err = crypto_init();

	return err ? complain(err, NULL, "start", "%s", err_text(err)) : 0;
}

static void usage_set(psa_key_attributes_t *attributes)
{
	psa_set_key_usage_flags(attributes,
		PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
	psa_set_key_algorithm(attributes, KEY_ALGORITHM);
}

/* Fills the public part from the key that PSA holds. */
static int public_read(struct key *key, const char *path)
{
	uint8_t point[1 + 2 * CRYPTO_POINT_MAX];
	psa_status_t status;
	size_t len;

	status = psa_export_public_key(key->id, point, sizeof(point), &len);
	if (status != PSA_SUCCESS)
		return complain_psa(path, "public key", status);
	if (cose_key_from_point(bytes_of(point, len), &key->public) ||
			key->public.curve == CRYPTO_P521)
		return complain(-EINVAL, path, NULL,
			"must be a key on P-256 or P-384");
	return 0;
}

static int private_write(const struct key *key, const char *path)
{
	unsigned char pem[1024];
	mbedtls_pk_context pk;
	int status, err;

	mbedtls_pk_init(&pk);
	status = mbedtls_pk_copy_from_psa(key->id, &pk);
	if (!status)
		status = mbedtls_pk_write_key_pem(&pk, pem, sizeof(pem));
	mbedtls_pk_free(&pk);
	err = status ? complain_mbedtls(path, "new key", status) :
			file_write_new(path, bytes_of_text((char *)pem), 0600);
	mbedtls_platform_zeroize(pem, sizeof(pem));
	return err;
}

int key_make(const char *path, enum crypto_curve curve, struct key *ret)
{
	psa_key_attributes_t attributes = psa_key_attributes_init();
	struct key key = {0};
	psa_status_t status;
	int err;

	psa_set_key_type(&attributes,
		PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, curve == CRYPTO_P256 ? 256 : 384);
	usage_set(&attributes);
	status = psa_generate_key(&attributes, &key.id);
	if (status != PSA_SUCCESS)
		return complain_psa(path, "new key", status);
	err = public_read(&key, path);
	if (!err)
		err = private_write(&key, path);
	if (err || !ret) {
		key_done(&key);
		return err;
	}
	*ret = key;
	return 0;
}

static int file_check(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return complain(-errno, path, NULL, "cannot open: %s",
			strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(-EINVAL, path, NULL, "must be a regular file");
	if (st.st_mode & 077)
		return complain(-EACCES, path, "mode",
			"a private key must not be open to others: %03o, must"
			" be 600", (unsigned)st.st_mode & 0777);
	return 0;
}

static int pk_import(mbedtls_pk_context *pk, const char *path, struct key *ret)
{
	psa_key_attributes_t attributes = psa_key_attributes_init();
	struct key key = {0};
	int status, err;

	status = mbedtls_pk_get_psa_attributes(pk, PSA_KEY_USAGE_SIGN_HASH,
		&attributes);
	if (status || !PSA_KEY_TYPE_IS_ECC_KEY_PAIR(
			psa_get_key_type(&attributes)))
		return complain(-EINVAL, path, NULL,
			"must be a private key on P-256 or P-384");
	usage_set(&attributes);
	status = mbedtls_pk_import_into_psa(pk, &attributes, &key.id);
	if (status)
		return complain_mbedtls(path, "import", status);
	err = public_read(&key, path);
	if (err) {
		key_done(&key);
		return err;
	}
	*ret = key;
	return 0;
}

static bool is_other_kind(struct bytes text)
{
	return pem_has(text, HSS_KEY_LABEL) || ed25519_key_is(text);
}

/* Kinds that the crypto library does not know. */
static int other_kind_open(const char *path, struct bytes text, struct key *ret)
{
	struct key key = {0};
	int err;

	if (!pem_has(text, HSS_KEY_LABEL))
		return ed25519_key_open(path, text, ret);
	err = hss_key_open(path, text, &key.hss);
	if (err)
		return err;
	err = cose_key_from_hss(bytes_of(key.hss->public, HSS_PUBLIC_LEN),
		&key.public);
	if (err) {
		key_done(&key);
		return complain(err, path, "public key", "%s", err_text(err));
	}
	*ret = key;
	return 0;
}

static int token_open(const char *uri, struct key *ret)
{
	struct secret_key *token = NULL;
	struct fault fault = {0};
	int err = secret_key_open(uri, NULL, &token, &fault);

	if (err)
		return complain_fault(uri, err, &fault);
	if (secret_key_kind(token) != SECRET_EC) {
		secret_key_close(token);
		return complain(-EINVAL, uri, "key",
			"must be a private key on P-256 or P-384");
	}
	*ret = (struct key){.token = token,
		.public = *secret_key_public(token)};
	return 0;
}

int key_open(const char *path, struct key *ret)
{
	mbedtls_pk_context pk;
	struct buf pem;
	int status, err;

	if (strncmp(path, "pkcs11:", 7) == 0)
		return token_open(path, ret);
	err = file_check(path);
	if (err)
		return err;
	buf_init(&pem, KEY_FILE_MAX);
	mbedtls_pk_init(&pk);
	err = file_read(path, &pem);
	if (!err && buf_add(&pem, "", 1))
		err = complain(pem.err, path, NULL, "too large for a key");
	if (!err && is_other_kind(buf_bytes(&pem))) {
		err = other_kind_open(path, bytes_of(pem.at, pem.len - 1), ret);
	} else if (!err) {
		status = mbedtls_pk_parse_key(&pk, pem.at, pem.len, NULL, 0,
			mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
		err = status ? complain_mbedtls(path, "private key", status) :
				pk_import(&pk, path, ret);
	}
	mbedtls_pk_free(&pk);
	if (pem.at)
		mbedtls_platform_zeroize(pem.at, pem.size);
	buf_done(&pem);
	return err;
}

void key_done(struct key *key)
{
	if (key->id)
		psa_destroy_key(key->id);
	if (key->seed)
		mbedtls_platform_zeroize(key->seed, ED25519_SEED_LEN);
	free(key->seed);
	hss_key_free(key->hss);
	secret_key_close(key->token);
	*key = (struct key){0};
}

static int ecdsa_sign(const struct key *key, const struct cose_alg_facts *facts,
	struct bytes digest, uint8_t *ret_signature, size_t len)
{
	psa_status_t status;
	size_t signature_len;

	if (key->token) {
		int err = secret_key_sign(key->token, facts->hash, digest,
			ret_signature, len);

		return err ? complain(err, NULL, "sign", "%s", err_text(err)) :
			0;
	}
	status = psa_sign_hash(key->id, PSA_ALG_DETERMINISTIC_ECDSA(
		facts->hash == CRYPTO_SHA256 ? PSA_ALG_SHA_256 :
		PSA_ALG_SHA_384), digest.at, digest.len, ret_signature, len,
		&signature_len);
	if (status != PSA_SUCCESS || signature_len != len)
		return complain_psa(NULL, "sign", status);
	return 0;
}

int key_sign(void *arg, enum cose_alg alg, struct bytes tbs,
	uint8_t *ret_signature, size_t len)
{
	const struct cose_alg_facts *facts = cose_alg_find(alg);
	const struct key *key = arg;

	if (!facts || facts->kty != (int)key->public.kty ||
			facts->curve != (int)key->public.curve)
		return complain(-EINVAL, NULL, "algorithm",
			"does not fit the key");
	switch (key->public.kty) {
	case COSE_KTY_OKP:
		return ed25519_sign(key->seed, tbs, ret_signature);
	case COSE_KTY_HSS_LMS:
		return hss_key_sign(key->hss, tbs, ret_signature, len);
	case COSE_KTY_EC2:
		break;
	}
	return ecdsa_sign(key, facts, tbs, ret_signature, len);
}

static enum cose_alg unsplit_alg(const struct cose_key *key)
{
	switch (key->kty) {
	case COSE_KTY_OKP:
		return COSE_EDDSA;
	case COSE_KTY_HSS_LMS:
		return COSE_HSS_LMS;
	case COSE_KTY_EC2:
		break;
	}
	return key->curve == CRYPTO_P256 ? COSE_ES256 : COSE_ES384;
}

int key_signing(struct key *key, bool unsplit, uint8_t *kid,
	struct cose_signing *ret)
{
	enum cose_alg alg = cose_key_alg(&key->public);
	int err = cose_key_thumbprint(&key->public, kid);

	if (err)
		return complain(err, NULL, "key thumbprint", "%s",
			err_text(err));
	if (unsplit)
		alg = unsplit_alg(&key->public);
	*ret = (struct cose_signing){
		.alg = alg,
		.kid = bytes_of(kid, COSE_KID_LEN),
		.sign = key_sign,
		.arg = key,
		.signature_len = key->hss ?
				hss_set_signature_len(&key->hss->set) : 0,
	};
	return 0;
}

int key_attend(struct key *key, const char *dir)
{
	return key->hss ? hss_key_attend(key->hss, dir) : 0;
}

int key_need_ec(const struct key *key, const char *path)
{
	return key->public.kty == COSE_KTY_EC2 ? 0 : complain(-EINVAL, path,
		"key", "must be on P-256 or P-384: certificates have no other"
		" keys here, not %s", cose_key_kind(&key->public));
}

static int other_kind_write_public(const struct key *key, const char *path)
{
	struct buf file;
	int err;

	buf_init(&file, KEY_FILE_MAX);
	if (key->public.kty == COSE_KTY_OKP)
		ed25519_key_put_public(&key->public, &file);
	else
		cose_key_put(&file, &key->public);
	err = file.err ? complain(file.err, path, "public key", "%s",
		err_text(file.err)) : file_write(path, buf_bytes(&file), 0644);
	buf_done(&file);
	return err;
}

int key_public_import(const struct key *key, uint32_t *ret)
{
	psa_key_attributes_t attributes = psa_key_attributes_init();
	struct bytes pub = cose_key_pub(&key->public);
	uint8_t point[1 + 2 * CRYPTO_POINT_MAX] = {4};
	psa_status_t status;

	memcpy(point + 1, pub.at, pub.len);
	psa_set_key_type(&attributes,
		PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT |
		PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
	status = psa_import_key(&attributes, point, 1 + pub.len, ret);
	return status == PSA_SUCCESS ? 0 :
		complain_psa(NULL, "public key", status);
}

int key_write_public(const struct key *key, const char *path)
{
	unsigned char pem[512];
	mbedtls_pk_context pk;
	uint32_t id;
	int status;

	if (key->public.kty != COSE_KTY_EC2)
		return other_kind_write_public(key, path);
	status = key_public_import(key, &id);
	if (status)
		return status;
	mbedtls_pk_init(&pk);
	status = mbedtls_pk_copy_public_from_psa(id, &pk);
	crypto_pair_destroy(id);
	if (!status)
		status = mbedtls_pk_write_pubkey_pem(&pk, pem, sizeof(pem));
	mbedtls_pk_free(&pk);
	if (status)
		return complain_mbedtls(path, "public key", status);
	return file_write(path, bytes_of_text((char *)pem), 0644);
}

int key_curve_parse(const char *text, enum crypto_curve *ret)
{
	if (strcmp(text, "p256") == 0)
		*ret = CRYPTO_P256;
	else if (strcmp(text, "p384") == 0)
		*ret = CRYPTO_P384;
	else
		return complain(-EINVAL, NULL, "--curve",
			"must be p256 or p384, not \"%s\"", text);
	return 0;
}

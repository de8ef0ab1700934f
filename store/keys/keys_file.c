#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>

#include "store/keys/keys_priv.h"

/* Deterministic (RFC 6979): no signature depends on the random numbers of a
 * small machine. */
#define SIGNING PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_ANY_HASH)

static int owner_check(
	const struct stat *st, const char *path, bool is_credential,
	struct fault *fault)
{
	mode_t refused = is_credential ? 027 : 077;

	if (!S_ISREG(st->st_mode))
		return fault_set(fault, ERR_KEYS_PERMISSION, 0, path,
			"must be a regular file");
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return fault_set(fault, ERR_KEYS_PERMISSION, 0, path,
			"must belong to this user or to root, not to uid %u",
			(unsigned)st->st_uid);
	if (st->st_mode & refused)
		return fault_set(fault, ERR_KEYS_PERMISSION, 0, path,
			"must not be open to others: mode is %03o, must be 600",
			(unsigned)st->st_mode & 0777);
	return 0;
}

/* One room from the start: a buffer that grows would leave copies behind. */
static int read_all(int fd, const char *path, struct buf *ret,
	struct fault *fault)
{
	uint8_t *at = buf_room(ret, KEYS_FILE_MAX + 2);
	size_t len = 0;

	if (!at)
		return fault_set(fault, -ENOMEM, 0, path, "finds no memory");
	while (len <= KEYS_FILE_MAX) {
		ssize_t n = read(fd, at + len, KEYS_FILE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_set(fault, -errno, 0, path,
				"cannot be read: %s", err_text(-errno));
		if (n == 0)
			break;
		len += (size_t)n;
	}
	at[len] = '\0';
	buf_grow(ret, len);
	return len > KEYS_FILE_MAX ? fault_set(fault, ERR_TOO_LARGE, 0, path,
					     "is too large for a key")
				   : 0;
}

int keys_file_read(const char *path, bool is_credential, struct buf *ret,
	struct fault *fault)
{
	/* Not to hang on a FIFO before it is known to be one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int err;

	if (fd < 0)
		return fault_set(fault,
			is_credential && errno == ENOENT ? ERR_KEYS_CREDENTIAL
							 : -errno,
			0, path, "cannot be opened: %s", err_text(-errno));
	if (fstat(fd, &st))
		err = fault_set(fault, -errno, 0, path, "cannot be read");
	else
		err = owner_check(&st, path, is_credential, fault);
	if (!err)
		err = read_all(fd, path, ret, fault);
	close(fd);
	return err;
}

/* ---- private keys ---- */

static int pair_import(mbedtls_pk_context *pk, uint32_t *ret)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	mbedtls_svc_key_id_t id;

	if (mbedtls_pk_get_psa_attributes(
		    pk, PSA_KEY_USAGE_SIGN_HASH, &attributes) ||
		psa_get_key_type(&attributes) !=
			PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1))
		return ERR_KEYS_KIND;
	psa_set_key_usage_flags(
		&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_DERIVE);
	psa_set_key_algorithm(&attributes, SIGNING);
	psa_set_key_enrollment_algorithm(&attributes, PSA_ALG_ECDH);
	if (mbedtls_pk_import_into_psa(pk, &attributes, &id))
		return ERR_KEYS_FORM;
	*ret = id;
	return 0;
}

static int public_read(struct secret_key *key)
{
	uint8_t point[1 + 2 * CRYPTO_POINT_MAX];
	size_t len;

	if (psa_export_public_key(key->pair, point, sizeof(point), &len) !=
		PSA_SUCCESS)
		return ERR_TRUST_CRYPTO;
	if (cose_key_from_point(bytes_of(point, len), &key->public) ||
		key->public.curve == CRYPTO_P521)
		return ERR_KEYS_KIND;
	return 0;
}

static int pair_parse(struct bytes content, struct secret_key *ret)
{
	bool pem = content.len > 10 && !memcmp(content.at, "-----BEGIN", 10);
	mbedtls_pk_context pk;
	int err = 0;

	mbedtls_pk_init(&pk);
	/* Of PEM the library wants the NUL, which the reader put there. */
	if (mbedtls_pk_parse_key(&pk, content.at, content.len + pem, NULL, 0,
		    mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE))
		err = ERR_KEYS_FORM;
	if (!err)
		err = pair_import(&pk, &ret->pair);
	mbedtls_pk_free(&pk);
	if (!err)
		err = public_read(ret);
	return err;
}

/* ---- key encryption keys ---- */

static struct bytes without_newline(struct bytes text)
{
	while (text.len && (text.at[text.len - 1] == '\n' ||
				   text.at[text.len - 1] == '\r'))
		text.len--;
	return text;
}

/* [KID:]HEX, a line of text. */
static bool kek_parse_text(struct bytes text, struct secret_key *ret)
{
	const uint8_t *colon = text.len ? memchr(text.at, ':', text.len) : NULL;
	struct bytes kid = {text.at, colon ? (size_t)(colon - text.at) : 0};
	struct bytes hex =
		bytes_slice(text, colon ? kid.len + 1 : 0, SIZE_MAX);
	char digits[2 * CRYPTO_KEY_MAX + 1] = "";
	bool good;

	if ((hex.len != 32 && hex.len != 64) || kid.len > ENCRYPT_KID_MAX ||
		(colon && !kid.len))
		return false;
	for (size_t i = 0; i < kid.len; i++)
		if (kid.at[i] < 0x21 || kid.at[i] > 0x7e)
			return false;
	memcpy(digits, hex.at, hex.len);
	good = bytes_from_hex(digits, ret->kek, hex.len / 2) == 0;
	crypto_wipe(digits, sizeof(digits));
	if (!good)
		return false;
	ret->kek_len = (unsigned)hex.len / 2;
	ret->kid_len = kid.len;
	if (kid.len)
		memcpy(ret->kid, kid.at, kid.len);
	return true;
}

static bool kek_parse(struct bytes content, struct secret_key *ret)
{
	if (kek_parse_text(without_newline(content), ret))
		return true;
	if (content.len != 16 && content.len != 32)
		return false;
	ret->kek_len = (unsigned)content.len;
	memcpy(ret->kek, content.at, content.len);
	return true;
}

int keys_file_parse(struct bytes content, const char *name,
	struct secret_key *ret, struct fault *fault)
{
	int err;

	if (content.len == 0 || content.len > KEYS_FILE_MAX)
		return fault_set(fault, ERR_KEYS_FORM, 0, name, "%s",
			content.len ? "is too large for a key" : "is empty");
	ret->kind = SECRET_AES;
	if (kek_parse(content, ret))
		return 0;
	ret->kind = SECRET_EC;
	err = pair_parse(content, ret);
	if (!err)
		return 0;
	return fault_set(fault, err, 0, name, "%s",
		err == ERR_KEYS_KIND
			? "must be a private key on P-256 or P-384"
			: "must be a private key in PEM or DER, or an AES key "
			  "of 16 or 32 bytes, raw or as [KID:]HEX");
}

void keys_file_done(struct secret_key *key)
{
	if (key->pair)
		psa_destroy_key(key->pair);
	key->pair = 0;
}

int keys_file_sign(const struct secret_key *key, enum crypto_hash hash,
	struct bytes digest, uint8_t *ret, size_t len)
{
	static const psa_algorithm_t hashes[] = {
		[CRYPTO_SHA256] = PSA_ALG_SHA_256,
		[CRYPTO_SHA384] = PSA_ALG_SHA_384,
		[CRYPTO_SHA512] = PSA_ALG_SHA_512,
	};
	psa_status_t status;
	size_t signature_len;

	status = psa_sign_hash(key->pair,
		PSA_ALG_DETERMINISTIC_ECDSA(hashes[hash]), digest.at,
		digest.len, ret, len, &signature_len);
	return status == PSA_SUCCESS && signature_len == len
		       ? 0
		       : ERR_TRUST_CRYPTO;
}

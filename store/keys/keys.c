#include "store/keys/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/keys/keys_priv.h"

static int file_open(const char *path, bool is_credential,
	struct secret_key *ret, struct fault *fault)
{
	struct buf content;
	int err;

	buf_init(&content, KEYS_FILE_SIZE);
	err = keys_file_read(path, is_credential, &content, fault);
	if (!err)
		err = keys_file_parse(buf_bytes(&content), path, ret, fault);
	if (content.at)
		crypto_wipe(content.at, content.size);
	buf_done(&content);
	return err;
}

static int credential_open(
	const char *name, struct secret_key *ret, struct fault *fault)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[SECRET_KEY_WHERE_MAX];
	int len;

	if (!folder || folder[0] != '/')
		return fault_set(fault, ERR_KEYS_CREDENTIAL, 0, name,
			"$CREDENTIALS_DIRECTORY is not set: the unit needs "
			"LoadCredential=");
	if (!name[0] || name[0] == '.' || strchr(name, '/'))
		return fault_set(fault, ERR_KEYS_CREDENTIAL, 0, name,
			"is no name of a credential");
	len = snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return fault_set(
			fault, ERR_TOO_LARGE, 0, name, "path is too long");
	return file_open(path, true, ret, fault);
}

static int token_open(const char *where,
	const struct secret_key_options *options, struct secret_key *ret,
	struct fault *fault)
{
	struct keys_uri uri;
	int err = keys_uri_parse(where, &uri, fault);

	if (err)
		return err;
	if (!uri.module[0] && options && options->module)
		snprintf(uri.module, sizeof(uri.module), "%s",
			options->module);
	if (!uri.pin_file[0] && options && options->pin_file)
		snprintf(uri.pin_file, sizeof(uri.pin_file), "%s",
			options->pin_file);
	if (!uri.module[0])
		return fault_set(fault, ERR_KEYS_URI, 0, "module-path",
			"neither the URI nor the configuration names the "
			"PKCS #11 module");
	return keys_token_open(&uri, ret, fault);
}

static int open_any(const char *where,
	const struct secret_key_options *options, struct secret_key *ret,
	struct fault *fault)
{
	if (strlen(where) >= SECRET_KEY_WHERE_MAX)
		return fault_set(fault, ERR_TOO_LARGE, 0, "key",
			"its name is too long");
	if (!strncmp(where, "pkcs11:", 7))
		return token_open(where, options, ret, fault);
	if (!strncmp(where, "credential:", 11))
		return credential_open(where + 11, ret, fault);
	return file_open(where, false, ret, fault);
}

/* A public key is known by its thumbprint (RFC 9679). */
static int name_pair(struct secret_key *key)
{
	if (key->kind != SECRET_EC)
		return 0;
	key->kid_len = COSE_KID_LEN;
	return cose_key_thumbprint(&key->public, key->kid);
}

int secret_key_open(const char *where, const struct secret_key_options *options,
	struct secret_key **ret, struct fault *fault)
{
	struct secret_key *key = calloc(1, sizeof(*key));
	int err;

	if (!key)
		return fault_set(fault, -ENOMEM, 0, "key", "no memory");
	err = open_any(where, options, key, fault);
	if (!err)
		err = name_pair(key);
	if (err) {
		secret_key_close(key);
		return err;
	}
	*ret = key;
	return 0;
}

void secret_key_close(struct secret_key *take_key)
{
	if (!take_key)
		return;
	keys_token_close(take_key->token);
	keys_file_done(take_key);
	crypto_wipe(take_key, sizeof(*take_key));
	free(take_key);
}

enum secret_kind secret_key_kind(const struct secret_key *key)
{
	return key->kind;
}

const struct cose_key *secret_key_public(const struct secret_key *key)
{
	return &key->public;
}

int secret_key_sign(struct secret_key *key, enum crypto_hash hash,
	struct bytes digest, uint8_t *ret, size_t len)
{
	if (key->kind != SECRET_EC ||
		len != 2 * crypto_curve_len(key->public.curve) ||
		digest.len != crypto_hash_len(hash))
		return ERR_KEYS_KIND;
	return key->token ? keys_token_sign(key->token, digest, ret, len)
			  : keys_file_sign(key, hash, digest, ret, len);
}

static int agree(void *arg, const uint8_t peer[64], uint8_t ret[32])
{
	const struct secret_key *key = arg;

	return key->token ? keys_token_agree(key->token, peer, ret)
			  : crypto_pair_agree(key->pair, peer, ret);
}

static int unwrap(void *arg, struct bytes wrapped, uint8_t *ret)
{
	const struct secret_key *key = arg;

	return key->token ? keys_token_unwrap(key->token, wrapped, ret)
			  : crypto_key_unwrap(bytes_of(key->kek, key->kek_len),
				    wrapped, ret);
}

int secret_key_opens(struct secret_key *key, struct encrypt_key *ret)
{
	if (key->kind == SECRET_EC && key->public.curve != CRYPTO_P256)
		return ERR_KEYS_KIND;
	*ret = (struct encrypt_key){.arg = key};
	if (key->kid_len)
		ret->kid = bytes_of(key->kid, key->kid_len);
	if (key->kind == SECRET_EC) {
		ret->agree = agree;
	} else {
		ret->unwrap = unwrap;
		ret->kek_len = key->kek_len;
	}
	return 0;
}

int secret_key_kek(const struct secret_key *key, struct bytes *ret,
	struct bytes *ret_kid)
{
	if (key->kind != SECRET_AES || key->token)
		return ERR_KEYS_KIND;
	*ret = bytes_of(key->kek, key->kek_len);
	*ret_kid = bytes_of(key->kid, key->kid_len);
	return 0;
}

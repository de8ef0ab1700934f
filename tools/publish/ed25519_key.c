#include "tools/publish/ed25519_key.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/trust/crypto_secret.h"
#include "policy/trust/ed25519.h"
#include "tools/publish/files.h"
#include "tools/publish/pem.h"
#include "tools/publish/say.h"

#define PRIVATE "PRIVATE KEY"
#define DER_MAX 128

/* RFC 8410 sections 7 and 4: these heads, then 32 bytes. */
static const uint8_t private_head[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30,
	0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t public_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b,
	0x65, 0x70, 0x03, 0x21, 0x00};

/* From a seed, which it copies. */
static int key_of_seed(const char *path, const uint8_t *seed, struct key *ret)
{
	uint8_t public[ED25519_PUBLIC_LEN];
	struct key key = {0};
	int err = ed25519_public(seed, public);

	if (!err)
		err = cose_key_from_ed25519(bytes_of(public, sizeof(public)),
			&key.public);
	if (err)
		return complain(err, path, "Ed25519 key", "%s", err_text(err));
	key.seed = malloc(ED25519_SEED_LEN);
	if (!key.seed)
		return complain(-ENOMEM, path, NULL, "no memory");
	memcpy(key.seed, seed, ED25519_SEED_LEN);
	*ret = key;
	return 0;
}

static bool seed_find(struct bytes text, uint8_t ret[ED25519_SEED_LEN])
{
	struct buf der;
	bool found;

	buf_init(&der, DER_MAX);
	found = pem_has(text, PRIVATE) && pem_read(text, PRIVATE, &der) == 0 &&
			der.len == sizeof(private_head) + ED25519_SEED_LEN &&
			!memcmp(der.at, private_head, sizeof(private_head));
	if (found)
		memcpy(ret, der.at + sizeof(private_head), ED25519_SEED_LEN);
	if (der.at)
		crypto_wipe(der.at, der.size);
	buf_done(&der);
	return found;
}

bool ed25519_key_is(struct bytes text)
{
	uint8_t seed[ED25519_SEED_LEN];
	bool is = seed_find(text, seed);

	crypto_wipe(seed, sizeof(seed));
	return is;
}

int ed25519_key_open(const char *path, struct bytes text, struct key *ret)
{
	uint8_t seed[ED25519_SEED_LEN];
	int err;

	if (!seed_find(text, seed))
		return complain(-EINVAL, path, "Ed25519 key", "cannot be read");
	err = key_of_seed(path, seed, ret);
	crypto_wipe(seed, sizeof(seed));
	return err;
}

static int private_write(const char *path, const uint8_t *seed)
{
	uint8_t der[sizeof(private_head) + ED25519_SEED_LEN];
	struct buf pem;
	int err;

	memcpy(der, private_head, sizeof(private_head));
	memcpy(der + sizeof(private_head), seed, ED25519_SEED_LEN);
	buf_init(&pem, 4 * DER_MAX);
	err = pem_write(PRIVATE, bytes_of(der, sizeof(der)), &pem);
	if (err)
		complain(err, path, "new key", "%s", err_text(err));
	else
		err = file_write_new(path, buf_bytes(&pem), 0600);
	crypto_wipe(der, sizeof(der));
	if (pem.at)
		crypto_wipe(pem.at, pem.size);
	buf_done(&pem);
	return err;
}

int ed25519_key_make(const char *path, struct key *ret)
{
	uint8_t seed[ED25519_SEED_LEN];
	struct key key;
	int err = crypto_random(seed, sizeof(seed));

	if (err)
		return complain(err, path, "new key", "%s", err_text(err));
	err = key_of_seed(path, seed, &key);
	if (!err) {
		err = private_write(path, seed);
		if (err)
			key_done(&key);
		else
			*ret = key;
	}
	crypto_wipe(seed, sizeof(seed));
	return err;
}

int ed25519_key_put_public(const struct cose_key *key, struct buf *ret)
{
	uint8_t der[sizeof(public_head) + ED25519_PUBLIC_LEN];

	memcpy(der, public_head, sizeof(public_head));
	memcpy(der + sizeof(public_head), key->pub, ED25519_PUBLIC_LEN);
	return pem_write("PUBLIC KEY", bytes_of(der, sizeof(der)), ret);
}

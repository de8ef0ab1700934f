#include "tools/publish/sealing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/trust/x509.h"
#include "tools/publish/files.h"
#include "tools/publish/hash.h"
#include "tools/publish/public_key.h"
#include "tools/publish/say.h"

#define PUBLIC_FILE_MAX 16384

static const struct {
	const char *name;
	int64_t alg;
} ciphers[] = {
	{"a128gcm", 1},
	{"a256gcm", 3},
	{"a128ctr", -65534},
	{"a256ctr", -65532},
};

static int cipher_take(const struct cli *cli,
	const struct encrypt_cipher **ret)
{
	const char *name = cli_get(cli, "cipher");

	if (!name)
		name = ciphers[0].name;
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		if (strcmp(ciphers[i].name, name) != 0)
			continue;
		*ret = encrypt_cipher_find(ciphers[i].alg);
		return 0;
	}
	return complain(-EINVAL, "release", NULL, "--cipher must be a128gcm,"
		" a256gcm, a128ctr or a256ctr, not \"%s\"", name);
}

static bool public_parse(struct bytes file, struct cose_key *ret)
{
	struct x509_facts facts;
	struct buf der;
	bool found;

	if (public_key_of(file, ret) == 0)
		return true;
	buf_init(&der, PUBLIC_FILE_MAX);
	found = x509_to_der(file, &der) == 0 &&
			x509_read(buf_bytes(&der), &facts) == 0;
	if (found)
		*ret = facts.key;
	buf_done(&der);
	return found;
}

static int public_read(const char *path, struct cose_key *ret)
{
	struct buf file;
	int err;

	buf_init(&file, PUBLIC_FILE_MAX);
	err = file_read(path, &file);
	if (!err && (!public_parse(buf_bytes(&file), ret) ||
			ret->curve != CRYPTO_P256))
		err = complain(-EINVAL, path, "--encrypt-to",
			"must be a public key or certificate on P-256");
	buf_done(&file);
	return err;
}

static int take_public(struct sealing *s, const char *path)
{
	struct encrypt_target *target = &s->targets[s->count];
	struct cose_key *key = &s->keys[s->count];
	int err = public_read(path, key);

	if (err)
		return err;
	for (unsigned i = 0; i < s->count; i++)
		if (cose_key_equal(&s->keys[i], key))
			return complain(-EEXIST, path, "--encrypt-to",
				"the same key is given twice");
	err = cose_key_thumbprint(key, s->kids[s->count]);
	if (err)
		return complain(err, path, NULL, "%s", err_text(err));
	target->key = key;
	target->kid = bytes_of(s->kids[s->count], COSE_KID_LEN);
	s->count++;
	return 0;
}

static int take_kek(struct sealing *s, const char *path)
{
	struct encrypt_target *target = &s->targets[s->count];
	struct secret_key *key = NULL;
	struct fault fault = {0};
	int err = secret_key_open(path, NULL, &key, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	s->keks[s->kek_count++] = key;
	if (secret_key_kek(key, &target->kek, &target->kid))
		return complain(-EINVAL, path, "--kek",
			"must be an AES key of 16 or 32 bytes");
	s->count++;
	return 0;
}

int sealing_open(const struct cli *cli, struct sealing *ret)
{
	const struct encrypt_cipher *cipher = NULL;
	const char *const *paths;
	size_t count;
	int err = cipher_take(cli, &cipher);

	*ret = (struct sealing){0};
	buf_init(&ret->info, ENCRYPT_INFO_MAX);
	count = cli_all(cli, "encrypt-to", &paths);
	for (size_t i = 0; !err && i < count; i++)
		err = take_public(ret, paths[i]);
	count = cli_all(cli, "kek", &paths);
	for (size_t i = 0; !err && i < count; i++)
		err = take_kek(ret, paths[i]);
	if (!err && ret->count == 0 && cli_has(cli, "cipher"))
		err = complain(-EINVAL, "release", NULL,
			"--cipher needs --encrypt-to or --kek");
	if (!err && ret->count) {
		err = encrypt_making_init(cipher, &ret->making);
		if (err)
			complain(err, NULL, "content key", "%s", err_text(err));
	}
	return err;
}

void sealing_done(struct sealing *sealing)
{
	for (unsigned i = 0; i < sealing->kek_count; i++)
		secret_key_close(sealing->keks[i]);
	encrypt_making_wipe(&sealing->making);
	buf_done(&sealing->info);
	sealing->kek_count = 0;
}

/* The image while it is encrypted. */
struct sealer {
	struct crypto_cipher *cipher;
	struct hash *hash; /* of what was really read */
	unsigned growth;
};

static int sealer_update(void *arg, struct bytes in, uint8_t *out,
	size_t *ret_len)
{
	struct sealer *s = arg;
	int err = hash_add(s->hash, in);

	return err ? err : crypto_cipher_update(s->cipher, in, out, ret_len);
}

static int sealer_finish(void *arg, uint8_t *out, size_t *ret_len)
{
	struct sealer *s = arg;
	uint8_t tag[CRYPTO_GCM_TAG];
	int err = crypto_cipher_finish(s->cipher, out, ret_len, tag);

	if (err)
		return err;
	memcpy(out + *ret_len, tag, s->growth);
	*ret_len += s->growth;
	return 0;
}

static int image_read(struct sealing *s, const char *image, uint64_t max)
{
	int err = file_digest(image, CRYPTO_SHA256, max, s->image_digest,
		&s->image_len);

	if (!err && s->image_len == 0)
		err = complain(-EINVAL, image, NULL, "is empty");
	return err;
}

int sealing_payload(struct sealing *sealing, const char *image,
	const char *folder, uint64_t max, uint8_t ret_digest[32],
	uint64_t *ret_len)
{
	struct sealer sealer = {.growth = sealing->making.cipher->growth};
	const struct file_filter filter = {sealer_update, sealer_finish,
		&sealer};
	uint8_t digest[32];
	int err = image_read(sealing, image, max);

	if (err)
		return err;
	err = encrypt_put_info(&sealing->info, &sealing->making,
		sealing->targets, sealing->count);
	if (!err)
		err = encrypt_making_cipher(&sealing->making,
			sealing->image_len, &sealer.cipher);
	if (err)
		return complain(err, image, "encryption", "%s", err_text(err));
	sealer.hash = hash_new(CRYPTO_SHA256);
	err = sealer.hash ? file_filter_by_digest(image, folder, max, &filter,
		ret_digest, ret_len) : complain(-ENOMEM, NULL, NULL,
		"no memory");
	if (!err)
		err = hash_finish(sealer.hash, digest);
	if (!err && memcmp(digest, sealing->image_digest, 32) != 0)
		err = complain(-EAGAIN, image, NULL,
			"changed while it was encrypted");
	hash_free(sealer.hash);
	crypto_cipher_free(sealer.cipher);
	return err;
}

#include "tools/publish/opening.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/trust/encrypt.h"
#include "tools/publish/hash.h"
#include "tools/publish/say.h"

#define CHUNK 65536

static int take_key(struct opening *o, const char *where)
{
	struct fault fault = {0};
	int err;

	if (o->count == ENCRYPT_KEYS_MAX)
		return complain(-E2BIG, where, "--decrypt-key",
			"more than %d", ENCRYPT_KEYS_MAX);
	err = secret_key_open(where, NULL, &o->keys[o->count], &fault);
	if (err)
		return complain_fault(where, err, &fault);
	err = secret_key_opens(o->keys[o->count], &o->opens[o->count]);
	o->count++;
	return err ? complain(err, where, "--decrypt-key",
		"must be a private key on P-256 or an AES key") : 0;
}

int opening_open(const struct cli *cli, struct opening *ret)
{
	const char *const *names;
	size_t count = cli_all(cli, "decrypt-key", &names);
	int err = 0;

	*ret = (struct opening){0};
	for (size_t i = 0; !err && i < count; i++)
		err = take_key(ret, names[i]);
	return err;
}

void opening_done(struct opening *opening)
{
	for (unsigned i = 0; i < opening->count; i++)
		secret_key_close(opening->keys[i]);
	opening->count = 0;
}

/* What runs over the plaintext. */
struct digests {
	struct hash *of[3];
	uint64_t len;
};

static int digests_start(struct digests *d)
{
	static const enum crypto_hash algorithms[] = {
		CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512};
	int err = 0;

	for (unsigned i = 0; i < 3; i++) {
		d->of[i] = hash_new(algorithms[i]);
		if (!d->of[i])
			err = -ENOMEM;
	}
	return err;
}

static int digests_add(struct digests *d, struct bytes plain)
{
	int err = 0;

	for (unsigned i = 0; !err && i < 3; i++)
		err = hash_add(d->of[i], plain);
	d->len += plain.len;
	return err;
}

static int digests_finish(struct digests *d, struct opening *o)
{
	int err = hash_finish(d->of[0], o->image.sha256);

	if (!err)
		err = hash_finish(d->of[1], o->sha384);
	if (!err)
		err = hash_finish(d->of[2], o->sha512);
	o->image.len = d->len;
	o->image.sha384 = o->sha384;
	o->image.sha512 = o->sha512;
	return err;
}

static int decrypt(FILE *file, struct encrypt_stream *stream,
	struct digests *digests)
{
	uint8_t *chunk = malloc(2 * CHUNK + CRYPTO_CIPHER_SLACK);
	uint8_t *plain = chunk ? chunk + CHUNK : NULL;
	size_t n, len;
	int err = chunk ? 0 : -ENOMEM;

	while (!err && (n = fread(chunk, 1, CHUNK, file)) > 0) {
		err = encrypt_stream_update(stream, bytes_of(chunk, n), plain,
			&len);
		if (!err)
			err = digests_add(digests, bytes_of(plain, len));
	}
	if (!err && ferror(file))
		err = -EIO;
	if (!err)
		err = encrypt_stream_finish(stream, plain, &len);
	if (!err)
		err = digests_add(digests, bytes_of(plain, len));
	if (chunk)
		crypto_wipe(chunk, 2 * CHUNK + CRYPTO_CIPHER_SLACK);
	free(chunk);
	return err;
}

static int open_file(struct opening *o, const struct encrypt_info *info,
	const struct encrypt_cek *cek, const char *payload)
{
	FILE *file = fopen(payload, "rbe");
	struct encrypt_stream *stream = NULL;
	struct digests digests = {0};
	struct stat st;
	int err = 0;

	if (!file)
		return -errno;
	if (fstat(fileno(file), &st))
		err = -errno;
	if (!err)
		err = encrypt_stream_new(info, cek, (uint64_t)st.st_size,
			&stream);
	if (!err)
		err = digests_start(&digests);
	if (!err)
		err = decrypt(file, stream, &digests);
	if (!err)
		err = digests_finish(&digests, o);
	for (unsigned i = 0; i < 3; i++)
		hash_free(digests.of[i]);
	encrypt_stream_free(stream);
	fclose(file);
	return err;
}

int opening_payload(struct opening *opening, struct bytes encryption,
	const char *payload, struct fault *fault)
{
	struct encrypt_info info;
	struct encrypt_cek cek;
	int err = encrypt_info_parse(encryption, &info, fault);

	if (!err)
		err = encrypt_open_key(&info, opening->opens, opening->count,
			&cek, fault);
	if (err)
		return err;
	err = open_file(opening, &info, &cek, payload);
	encrypt_cek_wipe(&cek);
	return err ? fault_set(fault, err, 0, "payload", "%s", err_text(err)) :
		0;
}

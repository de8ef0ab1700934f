#include "gateway/daemon/long_digest.h"

#include <errno.h>
#include <stdlib.h>

struct long_digest {
	struct cache *cache;
	uint8_t blob[CACHE_DIGEST_LEN];
	uint64_t len;
	uint64_t at;
	struct crypto_hasher *hasher;
	long_digest_cb cb;
	void *arg;
};

static void end(struct long_digest *d, int status)
{
	uint8_t digest[CRYPTO_HASH_MAX];

	if (!status)
		status = crypto_hasher_end(d->hasher, digest);
	d->cb(d->arg, status, status ? NULL : digest);
	crypto_hasher_free(d->hasher);
	free(d);
}

static void on_piece(void *arg, int status, struct bytes bytes);

static int read_next(struct long_digest *d)
{
	uint64_t left = d->len - d->at;

	return cache_read(d->cache, d->blob, d->at,
		left < CACHE_READ_MAX ? (size_t)left : CACHE_READ_MAX,
		on_piece, d);
}

static void on_piece(void *arg, int status, struct bytes bytes)
{
	struct long_digest *d = arg;

	if (!status)
		status = crypto_hasher_add(d->hasher, bytes);
	d->at += bytes.len;
	if (!status && d->at < d->len) {
		status = read_next(d);
		if (!status)
			return;
	}
	end(d, status);
}

int long_digest_start(struct cache *cache,
	const uint8_t blob[CACHE_DIGEST_LEN], uint64_t len,
	enum crypto_hash hash, long_digest_cb cb, void *arg)
{
	struct long_digest *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	*d = (struct long_digest){
		.cache = cache, .len = len, .cb = cb, .arg = arg};
	memcpy(d->blob, blob, sizeof(d->blob));
	err = crypto_hasher_new(hash, &d->hasher);
	if (!err)
		err = read_next(d);
	if (err) {
		crypto_hasher_free(d->hasher);
		free(d);
	}
	return err;
}

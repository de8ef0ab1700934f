/* The SHA-384 or SHA-512 of a cached image, for manifests that name their image
 * by one of these. The cache itself knows SHA-256 only.
 *
 * Reads the blob in pieces, each of which the cache has checked. Thread: the
 * loop's. */
#ifndef FERRY_GATEWAY_DAEMON_LONG_DIGEST_H
#define FERRY_GATEWAY_DAEMON_LONG_DIGEST_H

#include "policy/trust/crypto.h"
#include "store/cache.h"

/* `digest` is borrowed for the call, crypto_hash_len() bytes; NULL unless
 * status is 0. */
typedef void (*long_digest_cb)(void *arg, int status, const uint8_t *digest);

/* Of a blob that is CACHE_READY. Returns 0 with exactly one `cb` to come, never
 * inside the call; or an error of cache_read(), -ENOMEM, ERR_TRUST_CRYPTO. */
int long_digest_start(struct cache *cache,
	const uint8_t blob[CACHE_DIGEST_LEN], uint64_t len,
	enum crypto_hash hash, long_digest_cb cb, void *arg);

#endif

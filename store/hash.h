/* SHA-256 for the store, through Mbed TLS's PSA calls.
 *
 * A running hash is used by one thread at a time. Call store_hash_setup() once,
 * on any one thread, before the first hash. */
#ifndef FERRY_STORE_HASH_H
#define FERRY_STORE_HASH_H

#include "base/bytes.h"

#define STORE_HASH_LEN 32

struct store_hash;

/* 0 or -EIO. */
int store_hash_setup(void);

/* NULL: no memory. */
struct store_hash *store_hash_new(void);
void store_hash_free(struct store_hash *h);

/* Errors stick until store_hash_end(). */
void store_hash_add(struct store_hash *h, struct bytes bytes);

/* Gives the digest of what was added; the hash begins anew. 0 or -EIO. */
int store_hash_end(struct store_hash *h, uint8_t ret_digest[STORE_HASH_LEN]);

int store_hash_once(struct bytes bytes, uint8_t ret_digest[STORE_HASH_LEN]);

#endif

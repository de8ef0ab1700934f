/* SHA-2 in pieces, for files that are never wholly in memory, and SHA-1 for
 * name-based UUIDs. hash_new() to hash_free(); one thread. */
#ifndef FERRY_PUBLISH_HASH_H
#define FERRY_PUBLISH_HASH_H

#include "policy/trust/crypto.h"

struct hash;

/* NULL when there is no memory. */
struct hash *hash_new(enum crypto_hash algorithm);
int hash_add(struct hash *hash, struct bytes piece);

/* Writes crypto_hash_len() bytes. */
int hash_finish(struct hash *hash, uint8_t *ret);
void hash_free(struct hash *hash);

/* Only for UUIDs of version 5 (RFC 9562 section 5.5), never for trust. */
int hash_sha1(struct bytes first, struct bytes second, uint8_t ret[20]);

/* Bytes that nobody can guess. */
int random_bytes(uint8_t *at, size_t len);

#endif

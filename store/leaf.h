/* Hashes of a blob as it passes by: the SHA-256 of the whole, a table of the
 * SHA-256 of its 4 KiB leaves, and the SHA-256 of each 4 KiB page of that table
 * (128 leaves, half a MiB of blob). The table lies on disk; the page hashes,
 * kept in memory, say whether it can be believed.
 *
 * Embedded; one thread at a time. */
#ifndef FERRY_STORE_LEAF_H
#define FERRY_STORE_LEAF_H

#include "base/buf.h"
#include "store/cache.h"
#include "store/hash.h"

#define LEAF_PAGE_LEN 4096
#define LEAF_PAGE_LEAVES (LEAF_PAGE_LEN / STORE_HASH_LEN)

struct leaf_hasher {
	struct store_hash *whole;
	struct store_hash *leaf;
	size_t leaf_fill;
	uint64_t len;
	struct buf table;
	int err;
};

/* 0 or -ENOMEM. */
int leaf_hasher_init(struct leaf_hasher *h);
void leaf_hasher_done(struct leaf_hasher *h);

/* Begins again at the first byte. */
void leaf_hasher_reset(struct leaf_hasher *h);

/* 0, -ENOMEM or -EIO; sticks. */
int leaf_hasher_add(struct leaf_hasher *h, struct bytes bytes);

/* Ends the hashes: the digest of the whole; the table is complete. */
int leaf_hasher_end(
	struct leaf_hasher *h, uint8_t ret_digest[CACHE_DIGEST_LEN]);

static inline uint64_t leaf_count(uint64_t len)
{
	return (len + CACHE_LEAF_LEN - 1) / CACHE_LEAF_LEN;
}

static inline uint64_t leaf_table_len(uint64_t len)
{
	return leaf_count(len) * STORE_HASH_LEN;
}

static inline size_t leaf_page_count(uint64_t len)
{
	return (size_t)((leaf_count(len) + LEAF_PAGE_LEAVES - 1) /
			LEAF_PAGE_LEAVES);
}

/* The hashes of the table's pages, STORE_HASH_LEN bytes each; heap. */
int leaf_pages_new(struct bytes table, uint8_t **ret_pages);

#endif

#include "store/leaf.h"

#include <errno.h>
#include <stdlib.h>

#define TABLE_MAX (CACHE_BLOB_MAX / CACHE_LEAF_LEN * STORE_HASH_LEN)

int leaf_hasher_init(struct leaf_hasher *h)
{
	*h = (struct leaf_hasher){
		.whole = store_hash_new(), .leaf = store_hash_new()};
	buf_init(&h->table, TABLE_MAX);
	if (h->whole && h->leaf)
		return 0;
	leaf_hasher_done(h);
	return -ENOMEM;
}

void leaf_hasher_done(struct leaf_hasher *h)
{
	store_hash_free(h->whole);
	store_hash_free(h->leaf);
	h->whole = NULL;
	h->leaf = NULL;
	buf_done(&h->table);
}

void leaf_hasher_reset(struct leaf_hasher *h)
{
	uint8_t unused[STORE_HASH_LEN];

	store_hash_end(h->whole, unused);
	store_hash_end(h->leaf, unused);
	buf_reset(&h->table);
	h->leaf_fill = 0;
	h->len = 0;
	h->err = 0;
}

static void end_leaf(struct leaf_hasher *h)
{
	uint8_t digest[STORE_HASH_LEN];

	h->err = store_hash_end(h->leaf, digest);
	if (h->err == 0)
		h->err = buf_add(&h->table, digest, sizeof(digest));
	h->leaf_fill = 0;
}

int leaf_hasher_add(struct leaf_hasher *h, struct bytes bytes)
{
	struct bytes part;

	store_hash_add(h->whole, bytes);
	h->len += bytes.len;
	while (bytes.len && h->err == 0) {
		part = bytes_slice(bytes, 0, CACHE_LEAF_LEN - h->leaf_fill);
		store_hash_add(h->leaf, part);
		h->leaf_fill += part.len;
		if (h->leaf_fill == CACHE_LEAF_LEN)
			end_leaf(h);
		bytes = bytes_slice(bytes, part.len, bytes.len);
	}
	return h->err;
}

int leaf_hasher_end(struct leaf_hasher *h, uint8_t ret_digest[CACHE_DIGEST_LEN])
{
	if (h->leaf_fill && h->err == 0)
		end_leaf(h);
	if (h->err < 0)
		return h->err;
	return store_hash_end(h->whole, ret_digest);
}

int leaf_pages_new(struct bytes table, uint8_t **ret_pages)
{
	size_t count = (table.len + LEAF_PAGE_LEN - 1) / LEAF_PAGE_LEN;
	uint8_t *pages = malloc(count * STORE_HASH_LEN + 1);
	int r = 0;

	if (!pages)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++)
		r = store_hash_once(
			bytes_slice(table, i * LEAF_PAGE_LEN, LEAF_PAGE_LEN),
			pages + i * STORE_HASH_LEN);
	if (r < 0) {
		free(pages);
		return r;
	}
	*ret_pages = pages;
	return 0;
}

#include "store/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/cache_priv.h"
#include "store/disk.h"

struct put_work {
	struct cache_work w;
	struct cache_victim *victims;
	uint8_t digest[CACHE_DIGEST_LEN];
	uint8_t *pages;
	cache_cb cb;
	void *arg;
	size_t len;
	uint8_t at[];
};

static int write_blob(struct put_work *p)
{
	char folder[CACHE_PATH_SIZE], path[CACHE_PATH_SIZE];
	int r;

	cache_folder(p->w.cache, p->digest, folder);
	cache_path(p->w.cache, p->digest, CACHE_BLOB, path);
	r = disk_mkdir(folder);
	if (r < 0)
		return r;
	return disk_replace(
		folder, strrchr(path, '/') + 1, bytes_of(p->at, p->len));
}

/* 0 when the blob is there already as it must be. */
static int hash_present(struct put_work *p)
{
	struct leaf_hasher h;
	int r = leaf_hasher_init(&h);

	if (r < 0)
		return r;
	r = cache_hash_blob(p->w.cache, p->digest, &h);
	leaf_hasher_done(&h);
	return r;
}

static int hash_given(struct put_work *p, struct leaf_hasher *h)
{
	uint8_t digest[CACHE_DIGEST_LEN];
	int r;

	r = leaf_hasher_add(h, bytes_of(p->at, p->len));
	if (r == 0)
		r = leaf_hasher_end(h, digest);
	if (r == 0 && memcmp(digest, p->digest, sizeof(digest)) != 0)
		r = ERR_STORE_DIGEST;
	if (r == 0)
		r = leaf_pages_new(buf_bytes(&h->table), &p->pages);
	return r;
}

static void run_put(struct cache_work *w)
{
	struct put_work *p = (struct put_work *)(void *)w;
	struct leaf_hasher h;
	int r;

	cache_victims_delete(w->cache, p->victims);
	r = leaf_hasher_init(&h);
	if (r == 0) {
		r = hash_given(p, &h);
		if (r == 0 && hash_present(p) < 0)
			r = write_blob(p);
		if (r == 0)
			r = cache_write_table(
				w->cache, p->digest, buf_bytes(&h.table));
		leaf_hasher_done(&h);
	}
	w->status = r;
}

static void done_put(struct cache_work *w)
{
	struct put_work *p = (struct put_work *)(void *)w;
	struct cache_slot *slot = cache_slot_find(w->cache, p->digest);

	/* The slot cannot have gone: it was busy. */
	slot->busy = false;
	if (w->status == 0) {
		cache_slot_ready(w->cache, slot, p->len, p->pages);
		p->pages = NULL;
	} else {
		cache_slot_charge(w->cache, slot,
			slot->part_len +
				(slot->len ? cache_cost(slot->len) : 0));
		cache_slot_settle(w->cache, slot);
	}
	if (p->cb)
		p->cb(p->arg, w->status);
	free(p->pages);
	free(p);
}

static void done_at_once(struct cache_work *w)
{
	struct put_work *p = (struct put_work *)(void *)w;

	if (p->cb)
		p->cb(p->arg, 0);
	free(p);
}

static int may_put(
	const struct cache *cache, const struct cache_slot *slot, size_t len)
{
	if (cache->closing || !cache->opened)
		return ERR_STORE_CLOSED;
	if (len == 0 || len > CACHE_LOAD_MAX)
		return -EINVAL;
	if (slot && (slot->part || slot->busy || slot->verifying))
		return -EBUSY;
	if (!slot && cache->slot_count >= CACHE_BLOBS_MAX)
		return ERR_STORE_FULL;
	return 0;
}

int cache_put(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	struct bytes bytes, cache_cb cb, void *arg)
{
	struct cache_slot *slot = cache_slot_find(cache, digest);
	struct put_work *p;
	uint64_t charged;
	int r;

	r = may_put(cache, slot, bytes.len);
	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p) + bytes.len);
	if (p && !slot)
		slot = cache_slot_get(cache, digest);
	if (!p || !slot) {
		free(p);
		return -ENOMEM;
	}
	memcpy(p->digest, digest, CACHE_DIGEST_LEN);
	memcpy(p->at, bytes.at, bytes.len);
	p->len = bytes.len;
	p->cb = cb;
	p->arg = arg;
	if (slot->pages) {
		p->w.done = done_at_once;
		cache_work_start(cache, &p->w);
		return 0;
	}
	charged = slot->charged;
	cache_slot_charge(cache, slot, 0);
	r = cache_evict(cache, cache_cost(bytes.len), false, slot, &p->victims);
	if (r < 0 && !p->victims) {
		cache_slot_charge(cache, slot, charged);
		cache_slot_settle(cache, slot);
		free(p);
		return r;
	}
	cache_slot_charge(cache, slot, cache_cost(bytes.len));
	slot->busy = true;
	p->w.run = run_put;
	p->w.done = done_put;
	cache_work_start(cache, &p->w);
	return 0;
}

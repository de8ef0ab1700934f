#include "store/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/cache_priv.h"
#include "store/disk.h"

/* ---- deleting ---- */

struct delete_work {
	struct cache_work w;
	uint8_t digest[CACHE_DIGEST_LEN];
	int verdict; /* what the caller hears when the deletion went well */
	cache_cb cb;
	cache_read_cb read_cb;
	void *arg;
};

static void run_delete(struct cache_work *w)
{
	struct delete_work *d = (struct delete_work *)(void *)w;

	w->status = cache_delete_blob(w->cache, d->digest);
}

static void done_delete(struct cache_work *w)
{
	struct delete_work *d = (struct delete_work *)(void *)w;
	struct cache_slot *slot = cache_slot_find(w->cache, d->digest);
	int status = w->status < 0 && d->verdict == 0 ? w->status : d->verdict;

	if (slot) {
		slot->busy = false;
		cache_slot_settle(w->cache, slot);
	}
	if (d->cb)
		d->cb(d->arg, status);
	if (d->read_cb)
		d->read_cb(d->arg, status, bytes_of(NULL, 0));
	free(d);
}

/* Deletes the blob and then says `verdict` to whichever callback there is.
 * False without memory: nothing was done. */
static bool delete_blob(struct cache *cache, struct cache_slot *slot,
	int verdict, cache_cb cb, cache_read_cb read_cb, void *arg)
{
	struct delete_work *d = calloc(1, sizeof(*d));

	if (!d)
		return false;
	d->w.run = run_delete;
	d->w.done = done_delete;
	memcpy(d->digest, slot->digest, CACHE_DIGEST_LEN);
	d->verdict = verdict;
	d->cb = cb;
	d->read_cb = read_cb;
	d->arg = arg;
	slot->busy = true;
	cache_slot_forget(cache, slot);
	cache_work_start(cache, &d->w);
	return true;
}

int cache_drop(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	cache_cb cb, void *arg)
{
	struct cache_slot *slot = cache_slot_find(cache, digest);

	if (cache->closing)
		return ERR_STORE_CLOSED;
	if (!slot || slot->len == 0)
		return -ENOENT;
	if (slot->pins || slot->readers || slot->part || slot->busy ||
		slot->verifying)
		return -EBUSY;
	return delete_blob(cache, slot, 0, cb, NULL, arg) ? 0 : -ENOMEM;
}

/* ---- verifying ---- */

struct verify_work {
	struct cache_work w;
	uint8_t digest[CACHE_DIGEST_LEN];
	uint64_t len;
	uint8_t *pages;
};

static void run_verify(struct cache_work *w)
{
	struct verify_work *v = (struct verify_work *)(void *)w;
	struct leaf_hasher h;
	int r;

	r = leaf_hasher_init(&h);
	if (r == 0) {
		r = cache_hash_blob(w->cache, v->digest, &h);
		if (r == 0)
			r = leaf_pages_new(buf_bytes(&h.table), &v->pages);
		if (r == 0)
			r = cache_write_table(
				w->cache, v->digest, buf_bytes(&h.table));
		v->len = h.len;
		leaf_hasher_done(&h);
	}
	w->status = r;
}

static void tell_waiters(struct cache_waiter *list, int status)
{
	struct cache_waiter *one;

	while ((one = list)) {
		list = one->next;
		if (one->cb)
			one->cb(one->arg, status);
		free(one);
	}
}

static void on_rotten_deleted(void *arg, int status)
{
	tell_waiters(arg, status);
}

static void done_verify(struct cache_work *w)
{
	struct verify_work *v = (struct verify_work *)(void *)w;
	struct cache *cache = w->cache;
	struct cache_slot *slot = cache_slot_find(cache, v->digest);
	struct cache_waiter *list = slot->verifying;
	int status = w->status;

	/* The slot cannot have gone: it had waiters. */
	slot->verifying = NULL;
	if (status == 0) {
		cache_slot_ready(cache, slot, v->len, v->pages);
		v->pages = NULL;
	} else if (status == ERR_STORE_DIGEST &&
		   delete_blob(cache, slot, status, on_rotten_deleted, NULL,
			   list)) {
		list = NULL;
	} else if (status == -ENOENT) {
		cache_slot_forget(cache, slot);
		cache_slot_settle(cache, slot);
	}
	tell_waiters(list, status);
	free(v->pages);
	free(v);
}

int cache_verify(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	cache_cb cb, void *arg)
{
	struct cache_slot *slot = cache_slot_find(cache, digest);
	struct cache_waiter *waiter, **end;
	struct verify_work *v = NULL;

	if (cache->closing)
		return ERR_STORE_CLOSED;
	if (!slot || slot->len == 0 || slot->part || slot->busy)
		return -ENOENT;
	waiter = calloc(1, sizeof(*waiter));
	if (!slot->verifying)
		v = calloc(1, sizeof(*v));
	if (!waiter || (!slot->verifying && !v)) {
		free(waiter);
		free(v);
		return -ENOMEM;
	}
	waiter->cb = cb;
	waiter->arg = arg;
	for (end = &slot->verifying; *end; end = &(*end)->next)
		;
	*end = waiter;
	if (!v)
		return 0;
	memcpy(v->digest, digest, CACHE_DIGEST_LEN);
	v->w.run = run_verify;
	v->w.done = done_verify;
	cache_work_start(cache, &v->w);
	return 0;
}

/* ---- reading leaves ---- */

/* A read touches at most 17 leaves, which lie in at most two pages of the
 * table. */
#define READ_PAGES 2

struct read_work {
	struct cache_work w;
	uint8_t digest[CACHE_DIGEST_LEN];
	uint64_t generation;
	uint64_t blob_len;
	uint64_t offset;
	size_t len;
	size_t first_page;
	size_t page_count;
	uint8_t pages[READ_PAGES][STORE_HASH_LEN];
	uint8_t *block; /* whole leaves, from that of `offset` on */
	cache_read_cb cb;
	void *arg;
};

/* Reads the pages of the table that matter, checked, into `table`. */
static int read_table(struct read_work *k, uint8_t *table)
{
	uint64_t whole = leaf_table_len(k->blob_len);
	char path[CACHE_PATH_SIZE];
	uint8_t hash[STORE_HASH_LEN] = {0};
	uint64_t at, len;
	size_t want;
	int fd, r = 0;

	cache_path(k->w.cache, k->digest, CACHE_LEAF, path);
	fd = disk_open_read(path, &len);
	if (fd < 0)
		return fd == -ENOENT ? ERR_STORE_ROTTEN_TABLE : fd;
	if (len != whole)
		r = ERR_STORE_ROTTEN_TABLE;
	for (size_t i = 0; i < k->page_count && r == 0; i++) {
		at = (k->first_page + i) * LEAF_PAGE_LEN;
		want = whole - at < LEAF_PAGE_LEN ? (size_t)(whole - at)
						  : LEAF_PAGE_LEN;
		r = disk_read(fd, at, table + i * LEAF_PAGE_LEN, want) ==
				    (int64_t)want
			    ? 0
			    : ERR_STORE_ROTTEN_TABLE;
		if (r == 0)
			r = store_hash_once(
				bytes_of(table + i * LEAF_PAGE_LEN, want),
				hash);
		if (r == 0 && memcmp(hash, k->pages[i], sizeof(hash)) != 0)
			r = ERR_STORE_ROTTEN_TABLE;
	}
	close(fd);
	return r;
}

static int read_leaves(struct read_work *k, const uint8_t *table)
{
	uint64_t first = k->offset / CACHE_LEAF_LEN;
	uint64_t from = first * CACHE_LEAF_LEN;
	uint64_t to = (k->offset + k->len + CACHE_LEAF_LEN - 1) /
		      CACHE_LEAF_LEN * CACHE_LEAF_LEN;
	size_t skip = (size_t)(first % LEAF_PAGE_LEAVES);
	char path[CACHE_PATH_SIZE];
	uint8_t hash[STORE_HASH_LEN] = {0};
	struct bytes block, leaf;
	uint64_t len;
	int fd, r;

	if (to > k->blob_len)
		to = k->blob_len;
	k->block = malloc((size_t)(to - from));
	if (!k->block)
		return -ENOMEM;
	cache_path(k->w.cache, k->digest, CACHE_BLOB, path);
	fd = disk_open_read(path, &len);
	if (fd < 0)
		return fd == -ENOENT ? ERR_STORE_ROTTEN_BLOB : fd;
	r = disk_read(fd, from, k->block, (size_t)(to - from)) ==
				    (int64_t)(to - from) &&
			    len == k->blob_len
		    ? 0
		    : ERR_STORE_ROTTEN_BLOB;
	close(fd);
	block = bytes_of(k->block, (size_t)(to - from));
	for (size_t i = 0; r == 0 && i * CACHE_LEAF_LEN < block.len; i++) {
		leaf = bytes_slice(block, i * CACHE_LEAF_LEN, CACHE_LEAF_LEN);
		r = store_hash_once(leaf, hash);
		if (r == 0 && memcmp(hash, table + (skip + i) * STORE_HASH_LEN,
				      sizeof(hash)) != 0)
			r = ERR_STORE_ROTTEN_BLOB;
	}
	return r;
}

static void run_read(struct cache_work *w)
{
	struct read_work *k = (struct read_work *)(void *)w;
	uint8_t table[READ_PAGES * LEAF_PAGE_LEN];

	w->status = read_table(k, table);
	if (w->status == 0)
		w->status = read_leaves(k, table);
}

/* The end of a read. What is to be done about a blob that turned out to be bad;
 * true when a deletion will call back. A read that began before the blob was
 * deleted, or before it came back, says only what to do next. */
static bool end_read(struct cache *cache, const uint8_t *digest,
	uint64_t generation, int *status, cache_read_cb cb, void *arg)
{
	struct cache_slot *slot = cache_slot_find(cache, digest);
	bool table = *status == ERR_STORE_ROTTEN_TABLE;
	bool blob =
		*status == ERR_STORE_ROTTEN_BLOB || *status == ERR_STORE_DIGEST;
	bool same = slot->generation == generation;

	/* The slot cannot have gone: it had a reader. */
	slot->readers--;
	if (same && blob && !slot->busy && !slot->part && !slot->verifying &&
		delete_blob(cache, slot, *status, NULL, cb, arg))
		return true;
	if (same && table) {
		free(slot->pages);
		slot->pages = NULL;
	}
	/* Somebody else removed its file. */
	if (same && *status == -ENOENT && !slot->busy && !slot->part &&
		!slot->verifying)
		cache_slot_forget(cache, slot);
	if (!same && (table || blob))
		*status = slot->len ? ERR_STORE_ROTTEN_TABLE
				    : ERR_STORE_ROTTEN_BLOB;
	cache_slot_settle(cache, slot);
	return false;
}

static void done_read(struct cache_work *w)
{
	struct read_work *k = (struct read_work *)(void *)w;
	uint64_t skip = k->offset % CACHE_LEAF_LEN;
	int status = w->status;

	if (!end_read(
		    w->cache, k->digest, k->generation, &status, k->cb, k->arg))
		k->cb(k->arg, status,
			status == 0 ? bytes_of(k->block + skip, k->len)
				    : bytes_of(NULL, 0));
	free(k->block);
	free(k);
}

int cache_read(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	uint64_t offset, size_t len, cache_read_cb cb, void *arg)
{
	struct cache_slot *slot = cache_slot_find(cache, digest);
	const uint64_t page_len = (uint64_t)LEAF_PAGE_LEAVES * CACHE_LEAF_LEN;
	struct read_work *k;

	if (cache->closing)
		return ERR_STORE_CLOSED;
	if (!slot || slot->len == 0 || slot->part || slot->busy)
		return -ENOENT;
	if (!slot->pages)
		return ERR_STORE_UNVERIFIED;
	if (len == 0 || len > CACHE_READ_MAX || offset >= slot->len ||
		len > slot->len - offset)
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->w.run = run_read;
	k->w.done = done_read;
	memcpy(k->digest, digest, CACHE_DIGEST_LEN);
	k->generation = slot->generation;
	k->blob_len = slot->len;
	k->offset = offset;
	k->len = len;
	k->first_page = (size_t)(offset / page_len);
	k->page_count =
		(size_t)((offset + len - 1) / page_len) - k->first_page + 1;
	memcpy(k->pages, slot->pages + k->first_page * STORE_HASH_LEN,
		k->page_count * STORE_HASH_LEN);
	k->cb = cb;
	k->arg = arg;
	slot->readers++;
	cache_slot_use(cache, slot);
	cache_work_start(cache, &k->w);
	return 0;
}

/* ---- reading a whole small blob ---- */

struct load_work {
	struct cache_work w;
	uint8_t digest[CACHE_DIGEST_LEN];
	uint64_t generation;
	size_t max;
	uint8_t *at;
	size_t len;
	cache_read_cb cb;
	void *arg;
};

static void run_load(struct cache_work *w)
{
	struct load_work *l = (struct load_work *)(void *)w;
	uint8_t hash[STORE_HASH_LEN] = {0};
	char path[CACHE_PATH_SIZE];
	uint64_t len;
	int fd, r = 0;

	cache_path(w->cache, l->digest, CACHE_BLOB, path);
	fd = disk_open_read(path, &len);
	if (fd < 0) {
		w->status = fd;
		return;
	}
	if (len > l->max)
		r = ERR_TOO_LARGE;
	else if (!(l->at = malloc((size_t)len + 1)))
		r = -ENOMEM;
	if (r == 0) {
		l->len = (size_t)len;
		r = disk_read(fd, 0, l->at, l->len) == (int64_t)len ? 0 : -EIO;
	}
	close(fd);
	if (r == 0)
		r = store_hash_once(bytes_of(l->at, l->len), hash);
	if (r == 0 && memcmp(hash, l->digest, sizeof(hash)) != 0)
		r = ERR_STORE_DIGEST;
	w->status = r;
}

static void done_load(struct cache_work *w)
{
	struct load_work *l = (struct load_work *)(void *)w;
	int status = w->status;

	if (!end_read(
		    w->cache, l->digest, l->generation, &status, l->cb, l->arg))
		l->cb(l->arg, status,
			status == 0 ? bytes_of(l->at, l->len)
				    : bytes_of(NULL, 0));
	free(l->at);
	free(l);
}

int cache_load(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	size_t max, cache_read_cb cb, void *arg)
{
	struct cache_slot *slot = cache_slot_find(cache, digest);
	struct load_work *l;

	if (cache->closing)
		return ERR_STORE_CLOSED;
	if (!slot || slot->len == 0 || slot->part || slot->busy)
		return -ENOENT;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->w.run = run_load;
	l->w.done = done_load;
	memcpy(l->digest, digest, CACHE_DIGEST_LEN);
	l->generation = slot->generation;
	l->max = max < CACHE_LOAD_MAX ? max : CACHE_LOAD_MAX;
	l->cb = cb;
	l->arg = arg;
	slot->readers++;
	cache_slot_use(cache, slot);
	cache_work_start(cache, &l->w);
	return 0;
}

#include "store/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/cache_priv.h"
#include "store/disk.h"
#include "store/hash.h"

/* ---- work ---- */

static void finish_close(struct cache *cache)
{
	cache_cb cb = cache->close_cb;
	void *arg = cache->close_arg;
	struct cache_slot *slot;

	for (size_t i = 0; i < CACHE_BUCKETS; i++) {
		while ((slot = cache->buckets[i])) {
			cache->buckets[i] = slot->next;
			free(slot->pages);
			free(slot);
		}
	}
	free(cache);
	if (cb)
		cb(arg, 0);
}

static void on_work(uv_work_t *req)
{
	struct cache_work *w = req->data;

	if (w->run)
		w->run(w);
}

static void on_work_done(uv_work_t *req, int status)
{
	struct cache_work *w = req->data;
	struct cache *cache = w->cache;

	if (status < 0)
		w->status = status;
	w->done(w);
	cache->pending--;
	if (cache->closing && cache->pending == 0)
		finish_close(cache);
}

void cache_work_start(struct cache *cache, struct cache_work *w)
{
	w->cache = cache;
	w->req.data = w;
	cache->pending++;
	/* Fails only without a function to run. */
	uv_queue_work(cache->loop, &w->req, on_work, on_work_done);
}

/* ---- slots ---- */

struct cache_slot *cache_slot_find(
	const struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN])
{
	struct cache_slot *slot = cache->buckets[digest[0]];

	while (slot && memcmp(slot->digest, digest, CACHE_DIGEST_LEN) != 0)
		slot = slot->next;
	return slot;
}

struct cache_slot *cache_slot_get(
	struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN])
{
	struct cache_slot *slot = cache_slot_find(cache, digest);

	if (slot)
		return slot;
	if (cache->slot_count >= CACHE_BLOBS_MAX)
		return NULL;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	memcpy(slot->digest, digest, CACHE_DIGEST_LEN);
	slot->next = cache->buckets[digest[0]];
	cache->buckets[digest[0]] = slot;
	cache->slot_count++;
	return slot;
}

void cache_slot_settle(struct cache *cache, struct cache_slot *slot)
{
	struct cache_slot **at = &cache->buckets[slot->digest[0]];

	if (slot->len || slot->part_len || slot->part || slot->verifying ||
		slot->pins || slot->readers || slot->busy)
		return;
	cache_slot_charge(cache, slot, 0);
	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	cache->slot_count--;
	free(slot->pages);
	free(slot);
}

void cache_slot_charge(
	struct cache *cache, struct cache_slot *slot, uint64_t bytes)
{
	cache->used = cache->used - slot->charged + bytes;
	slot->charged = bytes;
}

void cache_slot_use(struct cache *cache, struct cache_slot *slot)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	slot->used_turn = ++cache->turn;
	slot->used_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void cache_slot_ready(struct cache *cache, struct cache_slot *slot,
	uint64_t len, uint8_t *take_pages)
{
	free(slot->pages);
	slot->pages = take_pages;
	slot->len = len;
	slot->part_len = 0;
	cache_slot_charge(cache, slot, cache_cost(len));
	cache_slot_use(cache, slot);
}

void cache_slot_forget(struct cache *cache, struct cache_slot *slot)
{
	free(slot->pages);
	slot->pages = NULL;
	slot->len = 0;
	slot->generation++;
	cache_slot_charge(cache, slot, slot->part_len);
}

uint64_t cache_cost(uint64_t len)
{
	return len + leaf_table_len(len);
}

/* ---- eviction ---- */

static bool may_evict(const struct cache_slot *slot)
{
	return (slot->len || slot->part_len) && !slot->part && !slot->busy &&
	       !slot->verifying && !slot->pins && !slot->readers;
}

static bool used_before(const struct cache_slot *a, const struct cache_slot *b)
{
	if (a->used_turn != b->used_turn)
		return a->used_turn < b->used_turn;
	return a->used_ms < b->used_ms;
}

static struct cache_slot *oldest(
	struct cache *cache, const struct cache_slot *but)
{
	struct cache_slot *best = NULL;

	for (size_t i = 0; i < CACHE_BUCKETS; i++)
		for (struct cache_slot *s = cache->buckets[i]; s; s = s->next)
			if (s != but && may_evict(s) &&
				(!best || used_before(s, best)))
				best = s;
	return best;
}

static uint64_t evictable(struct cache *cache, const struct cache_slot *but)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < CACHE_BUCKETS; i++)
		for (struct cache_slot *s = cache->buckets[i]; s; s = s->next)
			if (s != but && may_evict(s))
				bytes += s->charged;
	return bytes;
}

int cache_evict(struct cache *cache, uint64_t bytes, bool one,
	const struct cache_slot *but, struct cache_victim **ret_list)
{
	struct cache_victim *victim;
	struct cache_slot *slot;
	uint64_t quota = cache->options.quota;

	if (bytes > quota)
		return ERR_STORE_QUOTA;
	if (cache->used > quota - bytes &&
		cache->used - (quota - bytes) > evictable(cache, but))
		return ERR_STORE_QUOTA;
	while (one || cache->used > quota - bytes) {
		slot = oldest(cache, but);
		if (!slot)
			return one ? ERR_STORE_QUOTA : 0;
		victim = calloc(1, sizeof(*victim));
		if (!victim)
			return -ENOMEM;
		memcpy(victim->digest, slot->digest, CACHE_DIGEST_LEN);
		victim->next = *ret_list;
		*ret_list = victim;
		slot->part_len = 0;
		cache_slot_forget(cache, slot);
		cache_slot_settle(cache, slot);
		one = false;
	}
	return 0;
}

void cache_victims_delete(struct cache *cache, struct cache_victim *list)
{
	char path[CACHE_PATH_SIZE];
	struct cache_victim *victim;

	while ((victim = list)) {
		list = victim->next;
		/* What cannot be deleted is found again at the next start. */
		cache_delete_blob(cache, victim->digest);
		cache_path(cache, victim->digest, CACHE_PART, path);
		disk_unlink(path);
		cache_path(cache, victim->digest, CACHE_ETAG, path);
		disk_unlink(path);
		free(victim);
	}
}

/* ---- opening and closing ---- */

struct open_work {
	struct cache_work w;
	struct cache_found *found;
	size_t count;
	cache_cb cb;
	void *arg;
};

static void run_open(struct cache_work *w)
{
	struct open_work *o = (struct open_work *)(void *)w;

	w->status = cache_scan(w->cache, &o->found, &o->count);
}

static void take_found(struct cache *cache, const struct cache_found *found)
{
	struct cache_slot *slot = cache_slot_get(cache, found->digest);

	if (!slot)
		return;
	if (found->file == CACHE_BLOB)
		slot->len = found->len;
	else
		slot->part_len = found->len;
	slot->used_ms = found->used_ms;
	cache_slot_charge(cache, slot,
		(slot->len ? cache_cost(slot->len) : 0) + slot->part_len);
}

static void done_open(struct cache_work *w)
{
	struct open_work *o = (struct open_work *)(void *)w;
	struct cache *cache = w->cache;

	for (size_t i = 0; i < o->count; i++)
		take_found(cache, &o->found[i]);
	cache->opened = w->status == 0;
	free(o->found);
	if (o->cb)
		o->cb(o->arg, w->status);
	free(o);
}

int cache_open(uv_loop_t *loop, const char *dir,
	const struct cache_options *options, cache_cb cb, void *arg,
	struct cache **ret_cache)
{
	struct open_work *o;
	struct cache *cache;
	int r;

	if (strlen(dir) >= sizeof(cache->dir))
		return -ENAMETOOLONG;
	r = store_hash_setup();
	if (r < 0)
		return r;
	cache = calloc(1, sizeof(*cache));
	o = calloc(1, sizeof(*o));
	if (cache)
		cache->last_work = calloc(1, sizeof(*cache->last_work));
	if (!cache || !o || !cache->last_work) {
		if (cache)
			free(cache->last_work);
		free(cache);
		free(o);
		return -ENOMEM;
	}
	snprintf(cache->dir, sizeof(cache->dir), "%s", dir);
	cache->loop = loop;
	cache->options = *options;
	cache->objects_last = &cache->objects_first;
	o->w.run = run_open;
	o->w.done = done_open;
	o->cb = cb;
	o->arg = arg;
	cache_work_start(cache, &o->w);
	*ret_cache = cache;
	return 0;
}

static void done_nothing(struct cache_work *w)
{
	free(w);
}

void cache_close(struct cache *cache, cache_cb cb, void *arg)
{
	struct cache_work *w;
	struct cache_slot *next;

	if (cache->closing)
		return;
	/* One piece of work, so that the end comes from the loop. */
	w = cache->last_work;
	w->done = done_nothing;
	cache_work_start(cache, w);
	cache->closing = true;
	cache->close_cb = cb;
	cache->close_arg = arg;
	for (size_t i = 0; i < CACHE_BUCKETS; i++) {
		for (struct cache_slot *s = cache->buckets[i]; s; s = next) {
			next = s->next;
			if (s->part)
				cache_part_abandon(s->part);
		}
	}
}

/* ---- what is there ---- */

static void describe(const struct cache_slot *slot, struct cache_entry *ret)
{
	*ret = (struct cache_entry){
		.len = slot->len,
		.pins = slot->pins,
		.used_ms = slot->used_ms,
	};
	memcpy(ret->digest, slot->digest, CACHE_DIGEST_LEN);
	if (slot->part)
		ret->state = CACHE_LOADING;
	else if (slot->len == 0 || slot->busy)
		ret->state = CACHE_ABSENT;
	else
		ret->state = slot->pages ? CACHE_READY : CACHE_UNVERIFIED;
	if (slot->part)
		ret->len = cache_part_len(slot->part);
}

enum cache_state cache_find(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], struct cache_entry *ret_entry)
{
	const struct cache_slot *slot = cache_slot_find(cache, digest);
	struct cache_entry entry = {.state = CACHE_ABSENT};

	if (slot)
		describe(slot, &entry);
	if (entry.state == CACHE_ABSENT)
		entry = (struct cache_entry){.state = CACHE_ABSENT};
	if (ret_entry)
		*ret_entry = entry;
	return entry.state;
}

size_t cache_list(
	const struct cache *cache, struct cache_entry *ret_entries, size_t max)
{
	struct cache_entry entry;
	size_t count = 0;

	for (size_t i = 0; i < CACHE_BUCKETS; i++) {
		for (const struct cache_slot *s = cache->buckets[i]; s;
			s = s->next) {
			describe(s, &entry);
			if (entry.state == CACHE_ABSENT)
				continue;
			if (count < max)
				ret_entries[count] = entry;
			count++;
		}
	}
	return count;
}

uint64_t cache_used(const struct cache *cache)
{
	return cache->used;
}

uint64_t cache_quota(const struct cache *cache)
{
	return cache->options.quota;
}

/* ---- keeping ---- */

int cache_pin(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN])
{
	struct cache_slot *slot = cache_slot_get(cache, digest);

	if (!slot)
		return cache->slot_count >= CACHE_BLOBS_MAX ? ERR_STORE_FULL
							    : -ENOMEM;
	slot->pins++;
	return 0;
}

void cache_unpin(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN])
{
	struct cache_slot *slot = cache_slot_find(cache, digest);

	if (!slot || slot->pins == 0)
		return;
	slot->pins--;
	cache_slot_settle(cache, slot);
}

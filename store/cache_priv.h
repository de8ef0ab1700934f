/* The inside of struct cache. Internal to store/cache*.c.
 *
 * The table of entries belongs to the loop thread. Work on the pool has copies
 * of what it needs (digest, length, page hashes) and never sees an entry. An
 * entry's generation changes when its file goes, so that work which began
 * before cannot harm what came after. */
#ifndef FERRY_STORE_CACHE_PRIV_H
#define FERRY_STORE_CACHE_PRIV_H

#include <limits.h>

#include "store/cache.h"
#include "store/leaf.h"

#define CACHE_BUCKETS 256
/* dir + "/blobs/ab/" + 64 digits + ".part" */
#define CACHE_PATH_SIZE (PATH_MAX + 128)

struct cache_waiter {
	struct cache_waiter *next;
	cache_cb cb;
	void *arg;
};

struct cache_object_work;
struct cache_work;

struct cache_slot {
	struct cache_slot *next;
	uint8_t digest[CACHE_DIGEST_LEN];
	uint64_t len;	   /* of the blob; 0: there is none */
	uint64_t part_len; /* of a part that is not open; 0: there is none */
	uint64_t charged;  /* what it counts in cache->used */
	uint8_t *pages;	   /* set: ready */
	struct cache_part *part;
	struct cache_waiter *verifying;
	uint64_t generation;
	uint64_t used_turn;
	int64_t used_ms;
	unsigned pins;
	unsigned readers; /* reads under way: not evicted */
	bool busy;	  /* its files are being made or deleted */
};

struct cache {
	uv_loop_t *loop;
	char dir[PATH_MAX];
	struct cache_options options;
	struct cache_slot *buckets[CACHE_BUCKETS];
	size_t slot_count;
	uint64_t used;
	uint64_t turn;
	unsigned open_parts;
	size_t pending; /* work under way */
	struct cache_object_work *objects_first;
	struct cache_object_work **objects_last;
	size_t objects_waiting;
	bool opened;
	bool closing;
	struct cache_work *last_work; /* made early: closing cannot fail */
	cache_cb close_cb;
	void *close_arg;
};

/* ---- work on the pool ---- */

struct cache_work {
	uv_work_t req;
	struct cache *cache;
	int status;
	void (*run)(struct cache_work *w);  /* on the pool */
	void (*done)(struct cache_work *w); /* on the loop; frees the work */
};

void cache_work_start(struct cache *cache, struct cache_work *w);

/* ---- slots; the loop thread ---- */

struct cache_slot *cache_slot_find(
	const struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN]);

/* Finds or makes. NULL: no memory, or CACHE_BLOBS_MAX (see cache->slot_count).
 */
struct cache_slot *cache_slot_get(
	struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN]);

/* Frees the slot if nothing is there, open or pinned any more. */
void cache_slot_settle(struct cache *cache, struct cache_slot *slot);

void cache_slot_use(struct cache *cache, struct cache_slot *slot);
void cache_slot_charge(
	struct cache *cache, struct cache_slot *slot, uint64_t bytes);

/* The blob is there and ready; takes `take_pages`. */
void cache_slot_ready(struct cache *cache, struct cache_slot *slot,
	uint64_t len, uint8_t *take_pages);

/* Forgets the blob (its file is gone or going). */
void cache_slot_forget(struct cache *cache, struct cache_slot *slot);

/* ---- eviction ---- */

/* Files to delete, chosen on the loop thread, deleted by the next work. */
struct cache_victim {
	struct cache_victim *next;
	uint8_t digest[CACHE_DIGEST_LEN];
};

/* Takes victims out of the table until `bytes` more fit the quota, or, with
 * `one`, until one is out. 0 (the list may be empty), ERR_STORE_QUOTA (nothing
 * taken) or -ENOMEM. `but` is spared. */
int cache_evict(struct cache *cache, uint64_t bytes, bool one,
	const struct cache_slot *but, struct cache_victim **ret_list);

/* Pool: deletes the files and frees the list. */
void cache_victims_delete(struct cache *cache, struct cache_victim *list);

/* ---- files; any thread ---- */

enum cache_file { CACHE_BLOB, CACHE_PART, CACHE_LEAF, CACHE_ETAG, CACHE_NEW };

void cache_path(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], enum cache_file file,
	char path[CACHE_PATH_SIZE]);
void cache_folder(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], char path[CACHE_PATH_SIZE]);

/* What a blob of `len` bytes takes, with its table. */
uint64_t cache_cost(uint64_t len);

/* Deletes blob and table. */
int cache_delete_blob(
	const struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN]);

/* Writes the table if the file does not hold it already. Not durable: it is
 * made anew after every start. */
int cache_write_table(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], struct bytes table);

/* Hashes the blob's file from the beginning. ERR_STORE_DIGEST when it is not
 * what its name says. On success the hasher has the complete table. */
int cache_hash_blob(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], struct leaf_hasher *h);

/* ---- scan at start ---- */

struct cache_found {
	uint8_t digest[CACHE_DIGEST_LEN];
	enum cache_file file;
	uint64_t len;
	int64_t used_ms;
};

/* Pool: makes the folders, deletes what is old or belongs to nothing, lists
 * blobs and parts. Names that are not ours are left alone. The caller frees. */
int cache_scan(
	struct cache *cache, struct cache_found **ret_found, size_t *ret_count);

/* ---- other files of the room ---- */

/* Closes a part when the cache closes. */
void cache_part_abandon(struct cache_part *part);

#endif

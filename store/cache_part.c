/* A part has at most one piece of work under way (`working`). part_step()
 * begins the next one whenever the last has ended:
 *
 *   opening -> idle <-> writing -> sealing -> gone
 *                \-> gone (closed)
 *
 * What comes in meanwhile waits in `pending`. The loop thread owns everything
 * but, while work is under way, `fd`, `hasher`, `written` and `block`. */
#include "store/cache.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/cache_priv.h"
#include "store/disk.h"

#define REHASH_LEN 65536

enum part_job { PART_OPEN, PART_WRITE, PART_SEAL };

struct part_work {
	struct cache_work w; /* first: the work is found by it */
	enum part_job job;
	struct cache_victim *victims;
	bool restart;
	bool note_etag;
	char etag[CACHE_ETAG_SIZE];
	uint8_t *pages;
};

struct cache_part {
	struct cache *cache;
	struct cache_slot *slot;
	uint8_t digest[CACHE_DIGEST_LEN];
	uint64_t len;
	uint64_t taken; /* written and waiting */
	char etag[CACHE_ETAG_SIZE];
	bool etag_dirty;
	bool restart;
	bool wants_drain;
	bool closing;
	bool sealing;
	bool make_room; /* the disk was full: evict before the next try */
	bool working;
	struct part_work work;
	int err;
	struct buf pending;
	/* Of the work under way, or of nobody. */
	struct buf block;
	struct leaf_hasher hasher;
	uint64_t written;
	int fd;
	cache_part_cb open_cb;
	void *open_arg;
	cache_cb drain_cb;
	void *drain_arg;
	cache_cb seal_cb;
	void *seal_arg;
};

/* ---- on the pool ---- */

static void read_etag(struct cache *cache, const uint8_t *digest, char *etag)
{
	char path[CACHE_PATH_SIZE];
	uint64_t len;
	int64_t n;
	int fd;

	etag[0] = '\0';
	cache_path(cache, digest, CACHE_ETAG, path);
	fd = disk_open_read(path, &len);
	if (fd < 0)
		return;
	n = disk_read(fd, 0, etag, CACHE_ETAG_SIZE);
	close(fd);
	if (n <= 0 || n >= CACHE_ETAG_SIZE || memchr(etag, '\0', (size_t)n))
		n = 0;
	etag[n] = '\0';
}

/* Not durable on purpose: a lost or stale etag costs a fetch from 0 or a digest
 * that does not fit, never a wrong blob. */
static int write_etag(
	struct cache *cache, const uint8_t *digest, const char *etag)
{
	char path[CACHE_PATH_SIZE];
	uint64_t len;
	int fd, r;

	cache_path(cache, digest, CACHE_ETAG, path);
	if (!*etag) {
		r = disk_unlink(path);
		return r == -ENOENT ? 0 : r;
	}
	fd = disk_open_write(path, &len);
	if (fd < 0)
		return fd;
	r = len ? disk_truncate(fd, path, 0) : 0;
	if (r == 0)
		r = disk_write(fd, path, 0, etag, strlen(etag));
	close(fd);
	return r;
}

static int rehash(struct cache_part *part, uint64_t len)
{
	uint8_t *block = malloc(REHASH_LEN);
	int64_t n;
	int r = block ? 0 : -ENOMEM;

	while (r == 0 && part->written < len) {
		n = disk_read(part->fd, part->written, block, REHASH_LEN);
		if (n <= 0) {
			r = n < 0 ? (int)n : -EIO;
			break;
		}
		if ((uint64_t)n > len - part->written)
			n = (int64_t)(len - part->written);
		r = leaf_hasher_add(&part->hasher, bytes_of(block, (size_t)n));
		part->written += (uint64_t)n;
	}
	free(block);
	return r;
}

static int run_open(struct cache_part *part)
{
	struct part_work *k = &part->work;
	char path[CACHE_PATH_SIZE];
	uint64_t len = 0;
	int r;

	cache_folder(part->cache, part->digest, path);
	r = disk_mkdir(path);
	if (r < 0)
		return r;
	cache_path(part->cache, part->digest, CACHE_PART, path);
	part->fd = disk_open_write(path, &len);
	if (part->fd < 0)
		return part->fd;
	if (len > part->len) {
		r = disk_truncate(part->fd, path, 0);
		len = 0;
	}
	if (r == 0)
		r = rehash(part, len);
	if (r == 0)
		read_etag(part->cache, part->digest, k->etag);
	return r;
}

static int run_write(struct cache_part *part)
{
	struct part_work *k = &part->work;
	char path[CACHE_PATH_SIZE];
	int r = 0;

	cache_path(part->cache, part->digest, CACHE_PART, path);
	if (k->restart) {
		leaf_hasher_reset(&part->hasher);
		part->written = 0;
		r = disk_truncate(part->fd, path, 0);
	}
	if (r == 0 && k->note_etag)
		r = write_etag(part->cache, part->digest, k->etag);
	if (r == 0 && part->block.len)
		r = disk_write(part->fd, path, part->written, part->block.at,
			part->block.len);
	if (r < 0) {
		/* What is there must be what was hashed. */
		disk_truncate(part->fd, path, part->written);
		return r;
	}
	r = leaf_hasher_add(&part->hasher, buf_bytes(&part->block));
	part->written += part->block.len;
	buf_reset(&part->block);
	return r;
}

static int run_seal(struct cache_part *part)
{
	char from[CACHE_PATH_SIZE], to[CACHE_PATH_SIZE];
	uint8_t digest[CACHE_DIGEST_LEN];
	struct bytes table;
	int r;

	cache_path(part->cache, part->digest, CACHE_PART, from);
	cache_path(part->cache, part->digest, CACHE_BLOB, to);
	if (part->written != part->len)
		return ERR_STORE_LENGTH;
	r = leaf_hasher_end(&part->hasher, digest);
	if (r < 0)
		return r;
	if (memcmp(digest, part->digest, sizeof(digest)) != 0) {
		disk_unlink(from);
		write_etag(part->cache, part->digest, "");
		return ERR_STORE_DIGEST;
	}
	table = buf_bytes(&part->hasher.table);
	r = disk_sync(part->fd, from);
	if (r == 0)
		r = leaf_pages_new(table, &part->work.pages);
	if (r == 0)
		r = cache_write_table(part->cache, part->digest, table);
	if (r == 0)
		r = disk_rename(from, to);
	if (r < 0)
		return r;
	write_etag(part->cache, part->digest, "");
	cache_folder(part->cache, part->digest, to);
	return disk_sync_dir(to);
}

static struct cache_part *part_of(struct cache_work *w)
{
	return (struct cache_part *)(void *)((char *)w -
					     offsetof(struct cache_part, work));
}

static void run_part(struct cache_work *w)
{
	struct cache_part *part = part_of(w);

	cache_victims_delete(w->cache, part->work.victims);
	switch (part->work.job) {
	case PART_OPEN:
		w->status = run_open(part);
		break;
	case PART_WRITE:
		w->status = run_write(part);
		break;
	case PART_SEAL:
		w->status = run_seal(part);
		break;
	}
}

/* ---- the end of a part ---- */

static void part_free(struct cache_part *part)
{
	if (part->fd >= 0)
		close(part->fd);
	leaf_hasher_done(&part->hasher);
	buf_done(&part->pending);
	buf_done(&part->block);
	free(part->work.pages);
	free(part);
}

/* Leaves the file (`kept` bytes of it) and the slot to a later resume. */
static void part_leave(struct cache_part *part, uint64_t kept)
{
	struct cache *cache = part->cache;
	struct cache_slot *slot = part->slot;

	slot->part = NULL;
	cache->open_parts--;
	if (slot->len == 0) {
		slot->part_len = kept;
		cache_slot_charge(cache, slot, kept);
		cache_slot_use(cache, slot);
	}
	cache_slot_settle(cache, slot);
	part_free(part);
}

/* ---- work under way ---- */

static void on_part_done(struct cache_work *w);

static void part_launch(struct cache_part *part, enum part_job job,
	struct cache_victim *victims)
{
	struct part_work *k = &part->work;

	*k = (struct part_work){.job = job, .victims = victims};
	k->w.run = run_part;
	k->w.done = on_part_done;
	if (job == PART_WRITE) {
		k->restart = part->restart;
		k->note_etag = part->etag_dirty;
		memcpy(k->etag, part->etag, sizeof(k->etag));
		part->restart = false;
		part->etag_dirty = false;
	}
	part->working = true;
	cache_work_start(part->cache, &k->w);
}

static void done_open(struct cache_part *part, int status)
{
	cache_part_cb cb = part->open_cb;
	void *arg = part->open_arg;

	if (status == 0 && part->closing)
		status = ERR_STORE_CLOSED;
	if (status < 0) {
		part_leave(part, part->written);
		cb(arg, status, NULL);
		return;
	}
	part->taken = part->written;
	if (part->taken)
		memcpy(part->etag, part->work.etag, sizeof(part->etag));
	cb(arg, 0, part);
}

static void done_write(struct cache_part *part, int status)
{
	if (part->restart)
		buf_reset(&part->block);
	part->make_room = status == -ENOSPC;
	if (part->make_room)
		return;
	if (status < 0) {
		part->err = status;
		buf_reset(&part->pending);
		buf_reset(&part->block);
	}
}

static void done_seal(struct cache_part *part, int status)
{
	cache_cb cb = part->seal_cb;
	void *arg = part->seal_arg;
	uint64_t kept = status == ERR_STORE_DIGEST ? 0 : part->written;

	if (status == 0) {
		cache_slot_ready(
			part->cache, part->slot, part->len, part->work.pages);
		part->work.pages = NULL;
	}
	part_leave(part, kept);
	if (cb)
		cb(arg, status);
}

/* The bytes that wait become the block of the next work. */
static void take_block(struct cache_part *part)
{
	struct buf empty = part->block;

	if (part->block.len)
		return;
	part->block = part->pending;
	part->pending = empty;
	buf_reset(&part->pending);
}

static void finish_bad_seal(struct cache_part *part)
{
	cache_cb cb = part->seal_cb;
	void *arg = part->seal_arg;
	int err = part->err;

	part_leave(part, part->written);
	if (cb)
		cb(arg, err);
}

/* False when the part has gone. */
static bool part_step(struct cache_part *part)
{
	struct cache_victim *victims = NULL;

	if (part->working)
		return true;
	if (part->make_room &&
		cache_evict(part->cache, 0, true, part->slot, &victims) < 0) {
		part->err = -ENOSPC;
		part->make_room = false;
		buf_reset(&part->block);
		buf_reset(&part->pending);
	}
	if (!part->err && (part->restart || part->etag_dirty ||
				  part->pending.len || part->block.len)) {
		take_block(part);
		part_launch(part, PART_WRITE, victims);
	} else if (part->sealing && part->err) {
		finish_bad_seal(part);
		return false;
	} else if (part->sealing) {
		part_launch(part, PART_SEAL, NULL);
	} else if (part->closing) {
		part_leave(part, part->written);
		return false;
	}
	return true;
}

/* Tells a paused source that it may go on, or why it may not. */
static void part_drained(struct cache_part *part)
{
	cache_cb drain = part->drain_cb;

	if (!part->wants_drain || !drain ||
		(!part->err && part->pending.len > CACHE_APPEND_HIGH / 2))
		return;
	part->wants_drain = false;
	drain(part->drain_arg, part->err);
}

static void on_part_done(struct cache_work *w)
{
	struct cache_part *part = part_of(w);

	part->working = false;
	switch (part->work.job) {
	case PART_OPEN:
		done_open(part, w->status);
		break;
	case PART_WRITE:
		done_write(part, w->status);
		if (part_step(part))
			part_drained(part);
		break;
	case PART_SEAL:
		done_seal(part, w->status);
		break;
	}
}

/* ---- opening ---- */

static struct cache_part *part_new(struct cache *cache, uint64_t len)
{
	struct cache_part *part = calloc(1, sizeof(*part));

	if (!part)
		return NULL;
	part->cache = cache;
	part->len = len;
	part->fd = -1;
	buf_init(&part->pending, CACHE_APPEND_MAX);
	buf_init(&part->block, CACHE_APPEND_MAX);
	if (leaf_hasher_init(&part->hasher) == 0)
		return part;
	free(part);
	return NULL;
}

static int may_open(struct cache *cache, const uint8_t *digest, uint64_t len)
{
	struct cache_slot *slot = cache_slot_find(cache, digest);

	if (cache->closing || !cache->opened)
		return ERR_STORE_CLOSED;
	if (len == 0 || len > CACHE_BLOB_MAX)
		return -EINVAL;
	if (slot && (slot->part || slot->busy))
		return -EBUSY;
	if (slot && slot->len)
		return -EEXIST;
	if (cache->open_parts >= CACHE_PARTS_OPEN_MAX)
		return ERR_STORE_FULL;
	return 0;
}

int cache_part_open(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	uint64_t len, cache_part_cb cb, void *arg)
{
	struct cache_victim *victims = NULL;
	struct cache_slot *slot;
	struct cache_part *part;
	bool full;
	int r;

	r = may_open(cache, digest, len);
	if (r < 0)
		return r;
	full = cache->slot_count >= CACHE_BLOBS_MAX &&
	       !cache_slot_find(cache, digest);
	part = part_new(cache, len);
	if (!part)
		return -ENOMEM;
	slot = full ? NULL : cache_slot_get(cache, digest);
	if (!slot) {
		part_free(part);
		return full ? ERR_STORE_FULL : -ENOMEM;
	}
	/* Its own part file is no longer what it costs. */
	cache_slot_charge(cache, slot, 0);
	r = cache_evict(cache, cache_cost(len), false, slot, &victims);
	/* Without memory for more of them, what was chosen still goes. */
	if (r < 0 && !victims) {
		cache_slot_charge(cache, slot, slot->part_len);
		cache_slot_settle(cache, slot);
		part_free(part);
		return r;
	}
	cache_slot_charge(cache, slot, cache_cost(len));
	slot->part = part;
	slot->part_len = 0;
	cache->open_parts++;
	part->slot = slot;
	memcpy(part->digest, digest, CACHE_DIGEST_LEN);
	part->open_cb = cb;
	part->open_arg = arg;
	part_launch(part, PART_OPEN, victims);
	return 0;
}

/* ---- using ---- */

uint64_t cache_part_offset(const struct cache_part *part)
{
	return part->taken;
}

uint64_t cache_part_len(const struct cache_part *part)
{
	return part->len;
}

const char *cache_part_etag(const struct cache_part *part)
{
	return part->etag;
}

void cache_part_note_etag(struct cache_part *part, const char *etag)
{
	size_t len = etag ? strnlen(etag, CACHE_ETAG_SIZE) : 0;

	if (len >= CACHE_ETAG_SIZE)
		len = 0;
	if (strlen(part->etag) == len &&
		(!len || memcmp(part->etag, etag, len) == 0))
		return;
	if (len)
		memcpy(part->etag, etag, len);
	part->etag[len] = '\0';
	part->etag_dirty = true;
}

void cache_part_restart(struct cache_part *part)
{
	buf_reset(&part->pending);
	if (!part->working)
		buf_reset(&part->block);
	part->taken = 0;
	part->etag[0] = '\0';
	part->etag_dirty = true;
	part->restart = true;
}

int cache_part_append(struct cache_part *part, struct bytes bytes)
{
	if (part->err)
		return part->err;
	if (bytes.len > part->len - part->taken)
		return ERR_STORE_LENGTH;
	if (part->pending.len > CACHE_APPEND_MAX - bytes.len ||
		bytes.len > CACHE_APPEND_MAX)
		return -EAGAIN;
	if (buf_add_bytes(&part->pending, bytes) < 0) {
		part->err = part->pending.err;
		return part->err;
	}
	part->taken += bytes.len;
	if (!part_step(part))
		return ERR_STORE_CLOSED;
	if (part->pending.len <= CACHE_APPEND_HIGH)
		return 0;
	part->wants_drain = true;
	return 1;
}

void cache_part_on_drain(struct cache_part *part, cache_cb cb, void *arg)
{
	part->drain_cb = cb;
	part->drain_arg = arg;
}

void cache_part_seal(struct cache_part *take_part, cache_cb cb, void *arg)
{
	take_part->sealing = true;
	take_part->drain_cb = NULL;
	take_part->seal_cb = cb;
	take_part->seal_arg = arg;
	/* A sticky error is told from the loop, as everything is. */
	if (take_part->err && !take_part->working)
		part_launch(take_part, PART_WRITE, NULL);
	else
		part_step(take_part);
}

void cache_part_close(struct cache_part *take_part)
{
	if (!take_part)
		return;
	take_part->closing = true;
	take_part->drain_cb = NULL;
	part_step(take_part);
}

void cache_part_abandon(struct cache_part *part)
{
	if (!part->sealing)
		cache_part_close(part);
}

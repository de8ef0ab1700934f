/* The image cache: content-addressed files, each fetched once, never trusted
 * because it is there.
 *
 * A blob is named by the SHA-256 of its content. It arrives in a part file that
 * survives a restart, is hashed while it arrives, and is sealed: digest and
 * length checked, file fsynced, renamed, folder fsynced. Beside it stands a
 * table of the hashes of its 4 KiB leaves; the hashes of the table's own pages
 * live in this process only, made by its own hashing of the whole blob. So a
 * blob can be read only after cache_part_seal() or cache_verify() in this
 * process, every read is checked leaf by leaf, and a bit that changes on disk,
 * in the blob or in the table, is never handed out.
 *
 * Small objects (catalog and CRLs of a vendor) are kept by name, replaced
 * atomically. What is read from them is as untrusted as from the wire.
 *
 * Thread: the loop's. Disk and hashing run on libuv's pool; every callback
 * comes on the loop thread, exactly once, never inside the call that started
 * it. Calls that return an error make no callback. Blobs are named by digest
 * across calls: no pointer to one is ever given out. */
#ifndef FERRY_STORE_CACHE_H
#define FERRY_STORE_CACHE_H

#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"

#define CACHE_DIGEST_LEN 32
#define CACHE_LEAF_LEN 4096
#define CACHE_READ_MAX 65536 /* bytes of one cache_read() */
#define CACHE_LOAD_MAX                                                         \
	((size_t)1024 * 1024) /* bytes of one cache_load() */
#define CACHE_OBJECT_MAX ((size_t)8 << 20)
#define CACHE_BLOB_MAX (256ull << 20)
#define CACHE_BLOBS_MAX 4096
#define CACHE_PARTS_OPEN_MAX 16
#define CACHE_ETAG_SIZE 129 /* with NUL */
#define CACHE_OBJECT_NAME_MAX 96
#define CACHE_APPEND_HIGH                                                      \
	((size_t)256 * 1024) /* waiting bytes of a part: pause */
#define CACHE_APPEND_MAX                                                       \
	((size_t)1024 * 1024) /* waiting bytes of a part: refused */

struct cache;
struct cache_part;

/* Where a callback of this type is asked for, NULL will do. */
typedef void (*cache_cb)(void *arg, int status);

struct cache_options {
	uint64_t quota;	      /* bytes of blobs, tables and parts */
	uint64_t part_age_ms; /* parts that nobody touched for so long go */
};

/* ---- opening and closing ---- */

/* Opens or makes the cache below the folder `dir` (made if absent), finds what
 * is there and drops parts that are too old. Every blob found is unverified.
 * Returns 0 with *ret_cache set and `cb` to come; on a bad status the cache is
 * only good for closing. */
int cache_open(uv_loop_t *loop, const char *dir,
	const struct cache_options *options, cache_cb cb, void *arg,
	struct cache **ret_cache);

/* Waits for work under way (its callbacks come with their result), closes parts
 * that are still open (their pointers are dead from here on), then calls `cb`;
 * after it the cache is gone. */
void cache_close(struct cache *cache, cache_cb cb, void *arg);

/* ---- what is there ---- */

enum cache_state {
	CACHE_ABSENT,
	CACHE_LOADING,	  /* a part is open for it */
	CACHE_UNVERIFIED, /* found on disk, not hashed by this process */
	CACHE_READY,	  /* may be read */
};

struct cache_entry {
	uint8_t digest[CACHE_DIGEST_LEN];
	uint64_t len;
	enum cache_state state;
	unsigned pins;
	int64_t used_ms; /* wall clock of the last use, for people and eviction
			  */
};

/* CACHE_ABSENT leaves the other fields zero. */
enum cache_state cache_find(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], struct cache_entry *ret_entry);

/* Fills at most `max` entries, in no order; returns how many there are. */
size_t cache_list(
	const struct cache *cache, struct cache_entry *ret_entries, size_t max);

uint64_t cache_used(const struct cache *cache);
uint64_t cache_quota(const struct cache *cache);

/* ---- keeping ---- */

/* A pinned blob is never evicted, whether it is there yet or not. Pins count,
 * and live in this process only: pin what open jobs need before the first part
 * is opened. -ENOMEM; at most CACHE_BLOBS_MAX digests (ERR_STORE_FULL). */
int cache_pin(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN]);
void cache_unpin(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN]);

/* ---- loading ---- */

/* `part` is the caller's until sealed or closed. */
typedef void (*cache_part_cb)(void *arg, int status, struct cache_part *part);

/* Begins or resumes loading the blob. Evicts what nobody needs, least recently
 * used first, until `len` fits the quota (ERR_STORE_QUOTA otherwise). What an
 * earlier part file holds is hashed again. Returns 0, -EINVAL (len 0 or past
 * CACHE_BLOB_MAX), -EEXIST (blob is there), -EBUSY (a part is open for it),
 * ERR_STORE_FULL, ERR_STORE_CLOSED. */
int cache_part_open(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	uint64_t len, cache_part_cb cb, void *arg);

/* Bytes taken so far, written or waiting: where to go on fetching. */
uint64_t cache_part_offset(const struct cache_part *part);
uint64_t cache_part_len(const struct cache_part *part);

/* The validator noted beside what is there, "" if none. Without one, or when
 * the server has another, call cache_part_restart() and fetch from 0. */
const char *cache_part_etag(const struct cache_part *part);

/* Notes the validator for a later resume. Written before the next bytes. Text
 * that is too long is noted as none. */
void cache_part_note_etag(struct cache_part *part, const char *etag);

/* Forgets what is there and begins at 0. */
void cache_part_restart(struct cache_part *part);

/* Adds bytes (copied). Returns 0; 1 when more than CACHE_APPEND_HIGH bytes wait
 * to be written: pause the source until `on_drain`; ERR_STORE_LENGTH when the
 * blob would become longer than it is (nothing is taken); -EAGAIN past
 * CACHE_APPEND_MAX; or the error of an earlier write, which sticks: -ENOSPC
 * after everything that could be evicted was, -EIO, -ENOMEM. After an error
 * close the part; what was written stays for a resume. */
int cache_part_append(struct cache_part *part, struct bytes bytes);

/* After an append returned 1, `cb` comes once when few bytes wait again, or
 * with the error that sticks. Not after sealing or closing. */
void cache_part_on_drain(struct cache_part *part, cache_cb cb, void *arg);

/* Takes the part, also on a bad status. Writes what waits, checks length
 * (ERR_STORE_LENGTH; the part stays for a resume) and digest
 * (ERR_STORE_DIGEST; the part is deleted), makes it durable; then the blob is
 * CACHE_READY. */
void cache_part_seal(struct cache_part *take_part, cache_cb cb, void *arg);

/* Takes the part; waits for what is being written. The file stays for a
 * resume. NULL is allowed. No callback. */
void cache_part_close(struct cache_part *take_part);

/* Open, append and seal in one for a small blob that is wholly there, such as
 * an envelope (at most CACHE_LOAD_MAX; bytes are copied). 0 at once in `cb`
 * when the blob is READY already. ERR_STORE_DIGEST when they are not the
 * blob's. */
int cache_put(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	struct bytes bytes, cache_cb cb, void *arg);

/* ---- reading ---- */

/* Hashes the whole blob again and makes its table; then it is CACHE_READY.
 * Statuses: 0; -ENOENT (fetch it); ERR_STORE_DIGEST (it was rotten and has been
 * deleted: fetch it again); -EIO. */
int cache_verify(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	cache_cb cb, void *arg);

/* `bytes` is borrowed for the call, empty unless status is 0. */
typedef void (*cache_read_cb)(void *arg, int status, struct bytes bytes);

/* Reads exactly `len` bytes at `offset`, checked leaf by leaf. Returns -EINVAL
 * (empty, past the end, more than CACHE_READ_MAX), -ENOENT,
 * ERR_STORE_UNVERIFIED, ERR_STORE_CLOSED. Statuses: ERR_STORE_ROTTEN_BLOB (it
 * has been deleted: fetch it again), ERR_STORE_ROTTEN_TABLE (the blob is
 * unverified now: cache_verify() makes a new table), -EIO. */
int cache_read(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	uint64_t offset, size_t len, cache_read_cb cb, void *arg);

/* Reads a whole small blob and checks it against its digest; needs no
 * verification before. ERR_TOO_LARGE when longer than `max` (which is at most
 * CACHE_LOAD_MAX), -ENOENT, ERR_STORE_DIGEST (deleted). */
int cache_load(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	size_t max, cache_read_cb cb, void *arg);

/* Deletes a blob that is not pinned or being read (-EBUSY), e.g. after a
 * refusal. */
int cache_drop(struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN],
	cache_cb cb, void *arg);

/* ---- small objects by name ---- */

/* Names: lower-case letters, digits, '.', '_', '-'; not beginning with '.'; at
 * most CACHE_OBJECT_NAME_MAX. Others: -EINVAL. Calls on one object are carried
 * out in their order. */

/* Durable when status is 0; after a cut either the old or the new content. */
int cache_object_put(struct cache *cache, const char *name, struct bytes bytes,
	cache_cb cb, void *arg);
/* Statuses: -ENOENT, ERR_TOO_LARGE, -EIO. */
int cache_object_get(struct cache *cache, const char *name, size_t max,
	cache_read_cb cb, void *arg);
int cache_object_drop(
	struct cache *cache, const char *name, cache_cb cb, void *arg);

#endif

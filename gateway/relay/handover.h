/* An image given to another program for one job: a read-only copy in a folder
 * that both can enter, or by URL (handover_http.h); and an index without an
 * entry beside it, by which a program can be asked what a device runs without
 * looking for images elsewhere.
 *
 * The copy has a random name and mode 0440, is written from the checked cache
 * when it is asked for, and hashed before it is handed over and whenever
 * handover_check() asks. From then on it must also stay the same file: another
 * one in its place, other links to it, or a change of it that was undone count
 * as changed. Both files go when the hand-over closes.
 *
 * All that touches the folder runs on the pool, in steps of at most
 * HANDOVER_STEP_MAX bytes, and ends with the step that is under way when the
 * hand-over closes. Callbacks never come from inside a function of this header.
 * Loop thread. */
#ifndef FERRY_GATEWAY_RELAY_HANDOVER_H
#define FERRY_GATEWAY_RELAY_HANDOVER_H

#include "store/cache.h"

#define HANDOVER_STEP_MAX ((size_t)1 << 20)

struct handover;

struct handover_setup {
	uv_loop_t *loop;
	const char *folder;   /* NULL: by URL; copied */
	struct cache *cache;  /* NULL: no image, only the index */
	uint8_t digest[32];
	uint64_t len;
	/* The index can be read: 0 or ERR_DELEGATE_COPY. */
	void (*on_ready)(void *arg, int status);
	/* The copy is right: 0, ERR_DELEGATE_COPY, ERR_DELEGATE_CHANGED, or what
	 * the cache says. */
	void (*on_checked)(void *arg, int status);
	void *arg;
};

/* 0, -ENOMEM or ERR_DELEGATE_COPY. */
int handover_open(const struct handover_setup *setup, struct handover **ret);

/* Makes the copy, unless it is there, and hashes it; by URL there is none, and
 * it is right. After on_ready said 0; on_checked follows. */
void handover_copy(struct handover *h);

/* Hashes the copy again; one that was never made is right. One at a time. */
void handover_check(struct handover *h);

/* No callback but `on_closed` comes after it. */
void handover_close(struct handover *h, void (*on_closed)(void *arg),
	void *arg);

/* Absolute path or URL; of the image, or of the index. */
const char *handover_image(const struct handover *h);
const char *handover_index(const struct handover *h);

/* Removes what a process that was killed left in the folder; blocking, at
 * start. Only files that are named like ours, and not those of this process:
 * several links may share a folder. */
void handover_sweep(const char *folder);

#endif

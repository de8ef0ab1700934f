/* An image given to another program for one job: a read-only copy in a folder
 * that both can enter, or by URL (handover_http.h); and an index without an
 * entry beside it, by which a program can be asked what a device runs without
 * looking for images elsewhere.
 *
 * The copy has a random name and mode 0440, is written from the checked cache,
 * hashed again before it is handed over, and whenever handover_check() asks (on
 * the pool). Both files go when the hand-over closes.
 * Callbacks never come from inside a function of this header. Loop thread. */
#ifndef FERRY_GATEWAY_RELAY_HANDOVER_H
#define FERRY_GATEWAY_RELAY_HANDOVER_H

#include "store/cache.h"

struct handover;

struct handover_setup {
	uv_loop_t *loop;
	const char *folder;   /* NULL: by URL; copied */
	struct cache *cache;  /* NULL: no image, only the index */
	uint8_t digest[32];
	uint64_t len;
	/* The copy is there and is right: 0, or ERR_DELEGATE_COPY,
	 * ERR_DELEGATE_CHANGED, or what the cache says. */
	void (*on_ready)(void *arg, int status);
	/* 0 or ERR_DELEGATE_CHANGED. */
	void (*on_checked)(void *arg, int status);
	void *arg;
};

/* 0, -ENOMEM or ERR_DELEGATE_COPY. */
int handover_open(const struct handover_setup *setup, struct handover **ret);

/* Hashes the copy again; by URL there is none, and it is right. One at a time,
 * after on_ready said 0. */
void handover_check(struct handover *h);

/* No callback but `on_closed` comes after it. */
void handover_close(struct handover *h, void (*on_closed)(void *arg),
	void *arg);

/* Absolute path or URL; of the image, or of the index. */
const char *handover_image(const struct handover *h);
const char *handover_index(const struct handover *h);

/* Removes what a process that was killed left in the folder; blocking, at
 * start. Only files that are named like its own. */
void handover_sweep(const char *folder);

#endif

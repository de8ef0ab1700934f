/* Bytes of one verified image, read ahead from the cache.
 *
 * A window holds two leaves: the one in use and the one after it. Windows of
 * the same image share the leaves that they hold at the same time, which were
 * checked when they were read: a hundred devices that get one release in step
 * cost the reading and the memory of one. A request is answered with all its
 * bytes, at most IMAGE_WINDOW_LEN of them, as soon as they are there. Embedded
 * in its owner; loop thread only. */
#ifndef FERRY_GATEWAY_RELAY_IMAGE_WINDOW_H
#define FERRY_GATEWAY_RELAY_IMAGE_WINDOW_H

#include "store/cache.h"

#define IMAGE_WINDOW_LEN CACHE_LEAF_LEN

struct image_leaf;

struct image_window {
	struct cache *cache;
	uint8_t digest[32];
	uint64_t total;
	struct image_leaf *parts[2]; /* NULL: nothing there */
	unsigned loading;   /* index + 1 of the part being read, 0: none */
	bool wanted;
	uint64_t want_offset;
	size_t want_len;
	struct image_read *read;
	/* status 0 and bytes, or an error; never from inside image_want(). */
	void (*on_bytes)(void *arg, int status, uint64_t offset,
		struct bytes data);
	void *arg;
};

void image_window_init(struct image_window *w, struct cache *cache,
	const uint8_t digest[32], uint64_t total,
	void (*on_bytes)(void *arg, int status, uint64_t offset,
		struct bytes data), void *arg);

/* Frees; a read that is under way ends without a callback. */
void image_window_done(struct image_window *w);

/* Asks for bytes. When they are there, returns 1 with *ret, borrowed until the
 * next call; 0 when on_bytes will follow; or an error. One want at a time: a new
 * one replaces the old one. */
int image_want(struct image_window *w, uint64_t offset, size_t len,
	struct bytes *ret);

#endif

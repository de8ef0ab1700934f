/* A growing byte buffer that has a maximum from the start.
 *
 * Embedded in its owner; _init to _done. An append that would pass the
 * maximum or finds no memory fails, leaves the content as it was and makes
 * every later append fail too (sticky), so a builder may check once at the
 * end. Not thread-safe. */
#ifndef FERRY_BASE_BUF_H
#define FERRY_BASE_BUF_H

#include "base/bytes.h"

struct buf {
	uint8_t *at;
	size_t len;
	size_t size;
	size_t max;
	int err;
};

/* No memory is taken before the first append. */
void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);

/* Forgets content and error, keeps the memory. */
void buf_reset(struct buf *b);

/* Returns 0, -EMSGSIZE (past the maximum) or -ENOMEM. */
int buf_add(struct buf *b, const void *at, size_t len);
int buf_add_bytes(struct buf *b, struct bytes from);
int buf_add_text(struct buf *b, const char *text);
int buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Makes room for `len` more bytes and returns where they go, or NULL (sets the
 * error). Follow with buf_grow() for the bytes really written. */
uint8_t *buf_room(struct buf *b, size_t len);
void buf_grow(struct buf *b, size_t len);

/* Drops the first `len` bytes. */
void buf_eat(struct buf *b, size_t len);

static inline struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->at, b->len);
}

#endif

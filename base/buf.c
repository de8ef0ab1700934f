#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
	free(b->at);
	*b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

uint8_t *buf_room(struct buf *b, size_t len)
{
	size_t size = b->size ? b->size : 64;
	uint8_t *at;

	if (b->err)
		return NULL;
	if (len > b->max - b->len) {
		b->err = -EMSGSIZE;
		return NULL;
	}
	if (b->at && b->size - b->len >= len)
		return b->at + b->len;
	while (size - b->len < len)
		size = size > b->max / 2 ? b->max : size * 2;
	at = realloc(b->at, size ? size : 1);
	if (!at) {
		b->err = -ENOMEM;
		return NULL;
	}
	b->at = at;
	b->size = size;
	return at + b->len;
}

void buf_grow(struct buf *b, size_t len)
{
	assert(len <= b->size - b->len);
	b->len += len;
}

int buf_add(struct buf *b, const void *at, size_t len)
{
	uint8_t *room;

	if (b->err || len == 0)
		return b->err;
	room = buf_room(b, len);
	if (!room)
		return b->err;
	memcpy(room, at, len);
	b->len += len;
	return 0;
}

int buf_add_bytes(struct buf *b, struct bytes from)
{
	return buf_add(b, from.at, from.len);
}

int buf_add_text(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	uint8_t *room;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		b->err = b->err ? b->err : -EINVAL;
	room = b->err ? NULL : buf_room(b, (size_t)n + 1);
	if (!room)
		return b->err;
	va_start(args, format);
	vsnprintf((char *)room, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
	return 0;
}

void buf_eat(struct buf *b, size_t len)
{
	assert(len <= b->len);
	if (len < b->len)
		memmove(b->at, b->at + len, b->len - len);
	b->len -= len;
}

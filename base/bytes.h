/* Views of bytes that somebody else owns.
 *
 * A view is passed by value, never owns and never outlives what it points
 * into. Big- and little-endian readers work on raw pointers; the caller has
 * checked the length. No state; any thread. */
#ifndef FERRY_BASE_BYTES_H
#define FERRY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at;
	size_t len;
};

static inline struct bytes bytes_of(const void *at, size_t len)
{
	struct bytes b = {(const uint8_t *)at, len};

	return b;
}

static inline struct bytes bytes_of_text(const char *text)
{
	return bytes_of(text, text ? strlen(text) : 0);
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.at, b.at, a.len));
}

static inline bool bytes_is_text(struct bytes a, const char *text)
{
	return bytes_equal(a, bytes_of_text(text));
}

/* The part of `b` from `from` on, at most `len` bytes; empty past the end. */
static inline struct bytes bytes_slice(struct bytes b, size_t from, size_t len)
{
	if (from > b.len)
		from = b.len;
	if (len > b.len - from)
		len = b.len - from;
	return bytes_of(b.len ? b.at + from : b.at, len);
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[1] << 8 | p[0]);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)get_le16(p + 2) << 16 | get_le16(p);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline void put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, (uint16_t)v);
	put_le16(p + 2, (uint16_t)(v >> 16));
}

/* Lower-case hexadecimal of `b` into `text`, which holds `size` bytes, NUL
 * included. Cuts at whole bytes when it does not fit. Returns `text`. */
char *bytes_to_hex(struct bytes b, char *text, size_t size);

/* Reads exactly `len` bytes from 2 * `len` hexadecimal digits.
 * Returns 0 or -EINVAL. */
int bytes_from_hex(const char *text, uint8_t *at, size_t len);

/* The value of a hexadecimal digit of either case, or -1. */
int bytes_hex_digit(char c);

/* Reads a number: up to 10 decimal digits, or 8 hexadecimal ones behind 0x, and
 * nothing else. Returns 0, or -EINVAL, also past 32 bits. */
int bytes_to_u32(struct bytes text, uint32_t *ret);

/* Copies `b` as printable ASCII into `text`: other bytes and the backslash
 * become \xNN. Cuts, with a trailing "...", when it does not fit `size`.
 * Returns `text`. For log lines and errors that quote foreign input. */
char *bytes_to_printable(struct bytes b, char *text, size_t size);

#endif

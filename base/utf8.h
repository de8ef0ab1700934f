/* UTF-8 (RFC 3629), one code point at a time. No state; any thread. */
#ifndef FERRY_BASE_UTF8_H
#define FERRY_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Reads the code point at `at`, where `len` bytes are. Returns how many of them
 * it takes, 1 to 4, or 0: cut off, longer than it need be, a surrogate, past
 * U+10FFFF, or no UTF-8 at all. */
size_t utf8_read(const uint8_t *at, size_t len, uint32_t *ret_point);

#endif

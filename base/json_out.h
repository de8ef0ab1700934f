/* JSON text, written piece by piece into a buffer: no tree is built, and no
 * memory is taken beside the buffer's own.
 *
 * The writer puts the commas; to close what it opened, and to give keys in
 * objects and none in arrays, is the caller's. Errors are those of the buffer,
 * which are sticky: look at them once, at the end. Embedded in its owner,
 * nothing to end. Not thread-safe. */
#ifndef FERRY_BASE_JSON_OUT_H
#define FERRY_BASE_JSON_OUT_H

#include "base/buf.h"

struct json_out {
	struct buf *to;
	bool more; /* something stands before in the same object or array */
};

void json_out_init(struct json_out *out, struct buf *to);

/* In all of these `key` is the member's name, or NULL in an array and for the
 * outermost value. Texts and keys that are not UTF-8 are shown escaped, by
 * bytes_to_printable(), of their first kilobyte. */
void json_out_object(struct json_out *out, const char *key);
void json_out_array(struct json_out *out, const char *key);
void json_out_end_object(struct json_out *out);
void json_out_end_array(struct json_out *out);

/* NULL is the empty text. */
void json_out_text(struct json_out *out, const char *key, const char *text);
void json_out_number(struct json_out *out, const char *key, int64_t number);
void json_out_bool(struct json_out *out, const char *key, bool value);
void json_out_null(struct json_out *out, const char *key);
/* Lower-case hexadecimal; null for no bytes at all. */
void json_out_hex(struct json_out *out, const char *key, struct bytes value);
/* JSON that is text already. */
void json_out_raw(struct json_out *out, const char *key, struct bytes json);

#endif

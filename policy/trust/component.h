/* Component identifiers: arrays of byte strings, compared by their encoding,
 * written by people as "app" or "net/0x01" (docs/formats.md). Pure. */
#ifndef FERRY_POLICY_TRUST_COMPONENT_H
#define FERRY_POLICY_TRUST_COMPONENT_H

#include "base/buf.h"
#include "base/err.h"

#define COMPONENT_LEN_MAX 64 /* encoded */

/* The encoding of a text. -EINVAL for an empty text or part, bad hexadecimal or
 * more than COMPONENT_LEN_MAX bytes. */
int component_from_text(
	const char *text, uint8_t ret[COMPONENT_LEN_MAX], size_t *ret_len);

/* The text of an encoding, cut to `size`; "?" if it is none. Returns `text`. */
char *component_to_text(struct bytes id, char *text, size_t size);

/* Whether `id` is an acceptable encoding: 1 or more byte strings. */
bool component_is_valid(struct bytes id);

#endif

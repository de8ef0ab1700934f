/* Percent-decoding of parts of a request target, and the rule for texts that
 * become names. Pure functions; any thread. */
#ifndef FERRY_GATEWAY_ADMIN_PATH_H
#define FERRY_GATEWAY_ADMIN_PATH_H

#include "base/bytes.h"

/* Decodes `part` into `text` (NUL-terminated, `size` bytes with it). Returns 0,
 * -EINVAL for a bad escape, control characters or invalid UTF-8, -EMSGSIZE when
 * it is too long. `plus_is_space` is for queries. */
int path_decode(struct bytes part, bool plus_is_space, char *text, size_t size);

/* True for well-formed UTF-8 without control characters (C0, DEL, C1). */
bool path_text_is_clean(const char *text, size_t len);

/* Cuts the first segment from `rest` up to `separator`, which goes too. Returns
 * false when nothing is left. */
bool path_cut(struct bytes *rest, char separator, struct bytes *ret_part);

#endif

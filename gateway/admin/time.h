/* Times as the admin API writes them: RFC 3339, UTC, milliseconds only when
 * they are not zero. Pure functions; any thread. */
#ifndef FERRY_GATEWAY_ADMIN_TIME_H
#define FERRY_GATEWAY_ADMIN_TIME_H

#include <stddef.h>
#include <stdint.h>

#define ADMIN_TIME_SIZE 32 /* bytes of a text, NUL included */

/* `ms` since 1970; years 1970..9999, others are clamped. Returns `text`. */
char *admin_time_text(int64_t ms, char text[ADMIN_TIME_SIZE]);

/* Reads any RFC 3339 time from the year 1970 on ("2026-11-21T15:00:00Z",
 * "...+01:00", fractions). Returns 0, or -EINVAL for anything else, also impossible dates and a
 * missing zone. A leap second reads as the second before. */
int admin_time_parse(const char *text, int64_t *ret_ms);

#endif

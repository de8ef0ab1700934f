/* Times of the publisher: seconds since 1970 as numbers, RFC 3339 as text, and
 * "30d" as a span from now. No state. */
#ifndef FERRY_PUBLISH_WHEN_H
#define FERRY_PUBLISH_WHEN_H

#include <stdint.h>

#define WHEN_TEXT_SIZE 32
#define WHEN_DAY ((uint64_t)86400)

/* "2026-11-21T15:00:00Z", also with an offset or as a bare date (midnight
 * UTC). Years 1970 to 9999. Returns 0 or -EINVAL; says nothing. */
int when_parse(const char *text, uint64_t *ret);

/* As when_parse(), or a span "90d", "24h", "30m" or "45s" from `now` on. */
int when_parse_from(const char *text, uint64_t now, uint64_t *ret);

char *when_format(uint64_t at, char text[WHEN_TEXT_SIZE]);

/* The system clock; the only place that asks it. */
uint64_t when_now(void);

#endif

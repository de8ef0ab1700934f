/* What drivers say to their host in the same way. For drivers of this tree; one
 * of another tree has the ABI alone. In the thread of the instance. */
#ifndef FERRY_ANSWER_H
#define FERRY_ANSWER_H

#include <stdarg.h>

#include "ferry/transport.h"

/* Completes the request `*token` without a record and forgets it; nothing when it
 * is 0. `key` names the setting at fault; `key` and `text` may be NULL. */
void answer_once(const struct ferry_host *host, struct ferry_owner *owner,
	uint64_t *token, int status, const char *key, const char *text);

/* The instance is over. While it starts, that is the answer to the start, which
 * blames the setting `key`; else the host is told. The last thing that it says. */
void answer_over(const struct ferry_host *host, struct ferry_owner *owner,
	uint64_t *start_token, int status, const char *key, const char *text);

/* At most FERRY_TEXT_MAX bytes of it. */
void answer_log(const struct ferry_host *host, struct ferry_owner *owner,
	uint32_t level, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));

#endif

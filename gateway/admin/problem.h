/* Problem documents (RFC 9457) and the HTTP status that fits an error code.
 * Pure functions; any thread. */
#ifndef FERRY_GATEWAY_ADMIN_PROBLEM_H
#define FERRY_GATEWAY_ADMIN_PROBLEM_H

#include "gateway/admin/backend.h"

/* Status for a code whose refusal does not say one. */
unsigned problem_status(int code);

/* Reason phrase of the statuses that the server sends. */
const char *problem_reason(unsigned status);

/* The document; NULL when there is no memory. The caller owns it. Text that is
 * not UTF-8 is escaped. `status` 0: by the code. */
json_t *problem_json(const struct admin_refusal *why, unsigned status);

#endif

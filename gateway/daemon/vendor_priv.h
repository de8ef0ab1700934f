/* Between vendor.c, which asks round after round, and vendor_start.c, which
 * opens the vendor before the first one. */
#ifndef FERRY_GATEWAY_DAEMON_VENDOR_PRIV_H
#define FERRY_GATEWAY_DAEMON_VENDOR_PRIV_H

#include "gateway/daemon/vendor.h"

/* The name of the kept catalog in the cache's object area. */
void vendor_object_name(const struct vendor *v, char *name, size_t size);

/* "WHAT:VENDOR" */
void vendor_alarm_code(const struct vendor *v, const char *what, char *code,
	size_t size);

/* Nothing more is asked of it until a person has been there; `fault` may be
 * NULL. */
void vendor_stop_with(struct vendor *v, int code, const struct fault *fault,
	const char *hint);

/* Raises or clears what is to be said of the age of its roots and catalog. */
void vendor_watch_expiry(struct vendor *v);

/* A round is due; for vendor_poll_open(), the argument is the vendor. */
void vendor_due(void *arg);

/* A catalog has come, in a round. */
void vendor_take_catalog(struct vendor *v, struct bytes file);

#endif

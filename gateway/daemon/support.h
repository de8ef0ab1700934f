/* Until when a device is supported: the earlier of what its class file says and
 * what the catalog says of the release that it runs. Judged by trusted time.
 * Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_SUPPORT_H
#define FERRY_GATEWAY_DAEMON_SUPPORT_H

#include "gateway/daemon/gateway.h"

/* Seconds since 1970; 0: nobody said. */
uint64_t support_until(const struct gateway *g, const struct device *d);

/* "unknown", "current" or "ended". */
const char *support_state(const struct gateway *g, const struct device *d);

/* Raises or clears the alarm of every class that has devices whose support has
 * ended. */
void support_review(struct gateway *g);

#endif

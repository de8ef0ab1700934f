/* Which transport drivers there are: those that are built in and, where the
 * configuration allows it, shared objects. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_DRIVERS_H
#define FERRY_GATEWAY_DAEMON_DRIVERS_H

#include "gateway/config/config.h"
#include "transports/host.h"

/* The driver with this name, admitted; given back by drivers_put() after the
 * close of its instance. All users of a built-in one share it. */
int drivers_get(const struct config *config, const char *name,
	struct transport_driver **ret, struct fault *fault);
void drivers_put(struct transport_driver *driver);

/* The names of those that are built in, counted from 0; NULL behind the last. */
const char *drivers_built_in(unsigned i);

#endif

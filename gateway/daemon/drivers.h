/* Which transport drivers there are: those that are built in and, where the
 * configuration allows it, shared objects. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_DRIVERS_H
#define FERRY_GATEWAY_DAEMON_DRIVERS_H

#include "gateway/config/config.h"
#include "transports/host.h"

/* The driver with this name, admitted for this use; freed by
 * transport_driver_free() after the close of its instance. */
int drivers_get(const struct config *config, const char *name,
	struct transport_driver **ret, struct fault *fault);

#endif

/* Which transport drivers there are: those that are built in, and, where the
 * configuration allows it, shared objects; and descriptors of ports kept by the
 * service manager over a restart. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_DRIVERS_H
#define FERRY_GATEWAY_DAEMON_DRIVERS_H

#include "gateway/config/config.h"
#include "transports/host.h"

/* A use of the driver with this name; given back by drivers_put(). */
int drivers_get(const struct config *config, const char *name,
	struct transport_driver **ret, struct fault *fault);
void drivers_put(struct transport_driver *driver);

/* For struct transport_events. */
int drivers_adopt(void *arg, const char *target);
void drivers_opened(void *arg, const char *target, int fd);

/* Takes over the descriptors that the service manager kept. Once, at start. */
void drivers_take_kept(void);

#endif

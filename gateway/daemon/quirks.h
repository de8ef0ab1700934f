/* What catalogs say of the quirks of devices, told to the engines of radios.
 * Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_QUIRKS_H
#define FERRY_GATEWAY_DAEMON_QUIRKS_H

#include "gateway/daemon/gateway.h"

/* Tells where it is news. Cheap. */
void quirks_review(struct gateway *g);

#endif

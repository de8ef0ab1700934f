/* What the admin server asks of the daemon: carries out gateway/admin/backend.h
 * with the daemon's objects. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_BACKEND_H
#define FERRY_GATEWAY_DAEMON_BACKEND_H

#include "gateway/admin/server.h"
#include "gateway/daemon/gateway.h"

/* The table; its `arg` is the gateway. */
struct admin_backend backend_of(struct gateway *g);

#endif

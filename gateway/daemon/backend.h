/* What the admin server asks of the daemon: carries out gateway/admin/backend.h
 * with the daemon's objects. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_BACKEND_H
#define FERRY_GATEWAY_DAEMON_BACKEND_H

#include "gateway/daemon/gateway.h"

/* The table; its `arg` is the gateway. */
struct admin_backend backend_of(struct gateway *g);

/* Reads the access lists of a configuration. 0 or an error with file and name. */
int backend_rules(const struct config *config, struct admin_rule *ret,
	size_t max, size_t *ret_count, struct conf_problem *problem);

#endif

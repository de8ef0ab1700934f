/* The access lists of a configuration. */
#ifndef FERRY_GATEWAY_DAEMON_BACKEND_RULES_H
#define FERRY_GATEWAY_DAEMON_BACKEND_RULES_H

#include "gateway/admin/server.h"
#include "gateway/config/config.h"

/* 0 or an error with file and name. */
int backend_rules(const struct config *config, struct admin_rule *ret,
	size_t max, size_t *ret_count, struct conf_problem *problem);

#endif

/* A check under way, for its own files: check.c has links and the rest,
 * check_class.c what classes ask of drivers. */
#ifndef FERRY_GATEWAY_DAEMON_CHECK_PRIV_H
#define FERRY_GATEWAY_DAEMON_CHECK_PRIV_H

#include "gateway/daemon/check.h"
#include "transports/host.h"

/* A driver that is built in, or that a link names. */
struct check_driver {
	const char *name;
	struct transport_driver *driver;
};

struct config_check {
	const struct config *config;
	struct conf_problem *problem;
	struct check_driver *drivers; /* room for those built in and a link each */
	unsigned driver_count;
};

/* NULL where there is none of that name. */
const struct check_driver *check_driver_find(const struct config_check *c,
	const char *name);

/* The rules for peers, and what is asked of the links that serve the class. */
int check_class(const struct config_check *c, const struct config_class *class);

#endif

/* The configuration of ferry-sim: a libconfig file, the command line, or both
 * (groups add up, the command line wins otherwise). One thread. */
#ifndef FERRY_SIM_CONFIG_H
#define FERRY_SIM_CONFIG_H

#include "tools/sim/world.h"

#define CONFIG_GROUPS_MAX 256

/* Adds one group; NULL when there are too many. */
struct group *config_add_devices(struct world_setup *setup);

/* Reads the file. Every setting that is not known is an error. 0 or -EINVAL
 * with the fault, whose field is FILE:LINE. */
int config_load(
	const char *path, struct world_setup *setup, struct fault *fault);

#endif

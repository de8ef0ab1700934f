/* The admitted copy of a driver's table, for the files of this room. Read-only
 * after admission. */
#ifndef FERRY_TRANSPORTS_DRIVER_H
#define FERRY_TRANSPORTS_DRIVER_H

#include "transports/host.h"

#define DRIVER_PARAMS_MAX 64u
#define DRIVER_CANCEL_BOUND_MS 2000u
#define DRIVER_CANCEL_BOUND_MAX_MS 60000u

struct transport_driver {
	struct ferry_driver table;
	void *library;		    /* of dlopen, or NULL */
	int library_fd;		    /* open as long as `library` */
	struct ferry_param *params; /* full size each */
};

/* The presets of settings of start() that `kv` lacks, into `ret`, which has room
 * for all parameters. How many; the driver outlives them. */
size_t transport_params_preset(const struct transport_driver *d,
	const struct ferry_kv *kv, size_t count, struct ferry_kv *ret);

#endif

#include "gateway/daemon/drivers.h"

#include <errno.h>
#include <stdio.h>

#include "transports/serial/serial.h"
#include "transports/sim/sim.h"

static const struct {
	const char *name;
	const struct ferry_driver *(*table)(void);
} built_in[] = {
	{"serial", serial_driver},
	{"sim", sim_driver},
};

int drivers_get(const struct config *config, const char *name,
	struct transport_driver **ret, struct fault *fault)
{
	char path[CONFIG_PATH_SIZE + 48];

	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		if (!strcmp(built_in[i].name, name))
			return transport_driver_admit(
				built_in[i].table(), ret, fault);
	if (strchr(name, '/'))
		return fault_set(fault, -EINVAL, 0, "driver",
			"must be the name of a driver, not a path");
	if (!config->drivers.allow_shared_objects)
		return fault_set(fault, -ENOENT, 0, "driver",
			"'%s' is not built in, and drivers."
			"allow_shared_objects is off", name);
	snprintf(path, sizeof(path), "%s/%s.so", config->drivers.folder, name);
	return transport_driver_load(path, ret, fault);
}

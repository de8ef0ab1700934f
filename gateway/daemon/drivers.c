#include "gateway/daemon/drivers.h"

#include <errno.h>
#include <stdio.h>

#include "base/nearest.h"
#include "transports/serial/serial.h"
#include "transports/sim/sim.h"
#include "transports/zigbee/zigbee.h"

#define BUILT_IN_COUNT 3

static struct {
	const char *name;
	const struct ferry_driver *(*table)(void);
	struct transport_driver *driver; /* as long as somebody uses it */
	unsigned users;
} built_in[BUILT_IN_COUNT] = {
	{"serial", serial_driver, NULL, 0},
	{"sim", sim_driver, NULL, 0},
	{"zigbee", zigbee_driver, NULL, 0},
};

static int share(unsigned i, struct transport_driver **ret,
	struct fault *fault)
{
	int err = built_in[i].users ? 0 : transport_driver_admit(
		built_in[i].table(), &built_in[i].driver, fault);

	if (err)
		return err;
	built_in[i].users++;
	*ret = built_in[i].driver;
	return 0;
}

const char *drivers_built_in(unsigned i)
{
	return i < BUILT_IN_COUNT ? built_in[i].name : NULL;
}

static int refuse_unknown(const char *name, struct fault *fault)
{
	struct nearest near;

	nearest_init(&near, bytes_of_text(name));
	for (unsigned i = 0; i < BUILT_IN_COUNT; i++)
		nearest_offer(&near, built_in[i].name);
	return fault_set(fault, -ENOENT, 0, "driver", "'%s' is not built in, "
		"and drivers.allow_shared_objects is off%s", name,
		nearest_text(&near));
}

int drivers_get(const struct config *config, const char *name,
	struct transport_driver **ret, struct fault *fault)
{
	char path[CONFIG_PATH_SIZE + 48];

	for (unsigned i = 0; i < BUILT_IN_COUNT; i++)
		if (!strcmp(built_in[i].name, name))
			return share(i, ret, fault);
	if (strchr(name, '/'))
		return fault_set(fault, -EINVAL, 0, "driver",
			"must be the name of a driver, not a path");
	if (!config->drivers.allow_shared_objects)
		return refuse_unknown(name, fault);
	snprintf(path, sizeof(path), "%s/%s.so", config->drivers.folder, name);
	return transport_driver_load(path, ret, fault);
}

void drivers_put(struct transport_driver *driver)
{
	for (unsigned i = 0; driver && i < BUILT_IN_COUNT; i++) {
		if (built_in[i].driver != driver)
			continue;
		if (--built_in[i].users > 0)
			return;
		built_in[i].driver = NULL;
	}
	transport_driver_free(driver);
}

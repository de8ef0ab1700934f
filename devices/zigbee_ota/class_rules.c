/* What a class of ZigBee devices may not ask for, whoever serves it. */
#include "devices/zigbee_ota/zigbee_ota.h"

#include "devices/class.h"

static int refuse(struct fault *f, const char *field, const char *rule)
{
	return fault_set(f, ERR_CLASS_INVALID, 0, field, "%s", rule);
}

int zigbee_ota_class_check(const struct device_class *c, struct fault *f)
{
	if (c->component_count != 1)
		return refuse(f, "components",
			"must be one: a device is offered one file at a time");
	if (c->reset_line[0])
		return refuse(f, "reset_line",
			"must be left out: a radio has no modem lines");
	if (c->reset_on_open)
		return refuse(f, "reset_on_open",
			"must be false: nothing is opened for a device");
	if (c->reappear != CLASS_REAPPEAR_SAME_KEY)
		return refuse(f, "reappear",
			"must be same_key: a device keeps its EUI-64");
	if (c->confirm != CLASS_CONFIRM_ON_VERSION)
		return refuse(f, "confirm", "must be on_version: "
			"a device that runs an image has confirmed it");
	if (c->can_revert)
		return refuse(f, "can_revert", "must be false: "
			"a device that runs an image does not go back");
	return 0;
}

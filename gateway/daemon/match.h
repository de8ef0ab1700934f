/* What an entry of a catalog has to do with a device. Pure functions. */
#ifndef FERRY_GATEWAY_DAEMON_MATCH_H
#define FERRY_GATEWAY_DAEMON_MATCH_H

#include "devices/registry.h"
#include "policy/trust/catalog.h"

/* The hardware revision as a number, decimal or 0x... False when it is not known
 * or none. */
bool match_hardware(const struct device *d, uint64_t *ret);

/* Whether the entry is for devices of the class. */
bool match_class(const struct catalog_entry *e,
	const struct device_class *klass);

/* Whether the hardware range of the entry has the device in it; a device whose
 * revision is not known fits only where there is no range. */
bool match_range(const struct catalog_entry *e, const struct device *d);

/* Whether the device says that it runs just this. */
bool match_running(const struct catalog_entry *e, const struct device *d);

#endif

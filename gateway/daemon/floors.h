/* The floors against rollback as trust.db has them, in memory
 * (docs/architecture.md, "Floors"): of classes, by the catalogs that were
 * accepted, and of devices, by the jobs that were done. They only rise, but for
 * what an administrator lowered and for a vendor whose trust begins anew.
 *
 * Embedded in the gateway, all zero at first; freed by floors_done(). Both lists
 * are bounded as the database's are. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_FLOORS_H
#define FERRY_GATEWAY_DAEMON_FLOORS_H

#include "base/buf.h"
#include "devices/registry.h"
#include "policy/trust/catalog.h"
#include "store/db.h"

struct floors {
	struct class_floor_row *classes;
	size_t class_count;
	struct device_floor_row *devices;
	size_t device_count;
};

void floors_done(struct floors *f);

/* Adds what the database has. What does not fit is left out. */
void floors_load(struct floors *f, const struct store_loaded *loaded);

/* The highest sequence that counts for a device and component (canonical
 * text). */
uint64_t floors_of_device(const struct floors *f, const struct device *d,
	const struct device_class *klass, const char *component);

/* The highest sequence that counts for every device of the class that the entry
 * fits; `component` is the entry's. */
uint64_t floors_of_entry(const struct floors *f, const char *vendor,
	const struct device_class *klass, const char *component,
	const struct catalog_entry *entry);

/* Whether an administrator set the device back to an older release. */
bool floors_is_lowered(const struct floors *f, const char *vendor,
	const char *device, const char *component);

/* Adds what a commit has stored. 0, -ENOMEM or ERR_STORE_FULL. */
int floors_take_class(struct floors *f, const struct class_floor_row *row);
int floors_take_device(struct floors *f, const struct device_floor_row *row);

/* A vendor's trust was reset: its floors go too. */
void floors_forget(struct floors *f, const char *vendor);

/* A class goes from one vendor to another. The floors of the class, and of the
 * devices that `goes_along` says, count for both from now on. */
typedef bool (*floors_filter)(void *arg, const char *device);
void floors_hand_over(struct floors *f, const char *from, const char *to,
	const uint8_t class_id[16], floors_filter goes_along, void *arg);

/* Names of the devices that have floors of the vendor and go along, each ended
 * by NUL; the same one may stand there more than once. */
void floors_list_devices(const struct floors *f, const char *vendor,
	floors_filter goes_along, void *arg, struct buf *ret);

#endif

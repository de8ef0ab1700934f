/* The keys that a vendor gave this hub, for MACs on the last hop: the file that
 * `device_keys` of his vendor file names.
 *
 * Read when the vendor is opened, that is at start and at every reload; a file
 * that cannot be used raises the alarm "device-keys:NAME", and the devices that
 * need a key wait. The highest epoch that was ever read is kept in trust.db: a
 * file of a lower one is refused. Loop thread; reading blocks. */
#ifndef FERRY_GATEWAY_DAEMON_DEVICE_KEYS_H
#define FERRY_GATEWAY_DAEMON_DEVICE_KEYS_H

#include "gateway/daemon/gateway.h"
#include "policy/trust/lasthop_keys.h"

struct device_keys {
	struct lasthop_keys *keys; /* NULL: none */
	int code;                  /* why there are none */
};

void device_keys_open(struct device_keys *k, struct gateway *g,
	const struct config_vendor *v, const struct store_loaded *loaded);
void device_keys_close(struct device_keys *k);

/* The key of a device, by its hardware key, its USB serial number, or its id.
 * 0 with views that live as long as the vendor is open; ERR_LASTHOP_NO_KEY; or
 * why the vendor's file cannot be used. */
int device_keys_find(const struct device_keys *k, const struct device *d,
	const struct lasthop_device **ret_key,
	const struct lasthop_hub **ret_hub);

#endif

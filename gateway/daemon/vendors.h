/* The vendors of the configuration: opened together, and what follows for the
 * rest of the daemon from what one of them tells. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_VENDORS_H
#define FERRY_GATEWAY_DAEMON_VENDORS_H

#include "gateway/daemon/authority.h"

/* For authority_open(): devices and open jobs of the class are the vendor's
 * too. */
void vendors_give_class(struct gateway *g, const uint8_t class_id[16],
	const char *vendor);

/* Opens all of them and tries their decryption keys; what cannot be opened is
 * said by an alarm. */
void vendors_open(struct gateway *g, const struct store_loaded *loaded);

/* Once an hour: stores what the vendors' clocks say, and looks for support that
 * has ended. */
void vendors_keep_time(struct gateway *g);

#endif

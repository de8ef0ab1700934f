/* Reports that wait in the database until their vendor's server has taken them.
 * What is in them is report.h's. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_OUTBOX_H
#define FERRY_GATEWAY_DAEMON_OUTBOX_H

#include "gateway/daemon/vendor.h"

#define OUTBOX_NAME_LEN 16

/* What a vendor's reports call the device or gateway `text`: a pseudonym in
 * `space`, or `text` itself where the vendor's file says so. */
struct bytes outbox_name(const struct vendor *v, const char *text,
	uint8_t space[OUTBOX_NAME_LEN]);

/* Sends what is there for the vendor, if it takes reports. */
void outbox_send(struct vendor *v);

#endif

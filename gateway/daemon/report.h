/* Reports to the vendor service: docs/formats.md, "Reports". A record waits in
 * the outbox until the service has taken it. Devices are named by pseudonyms,
 * which differ for every vendor, unless the vendor's file says otherwise. */
#ifndef FERRY_GATEWAY_DAEMON_REPORT_H
#define FERRY_GATEWAY_DAEMON_REPORT_H

#include "gateway/daemon/job.h"

/* Adds the record of a job that ends in `state`, if its vendor takes reports. */
void report_put(struct store_commit *c, const struct job *j,
	enum job_state state);

#endif

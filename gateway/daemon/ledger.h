/* The thirteen steps of a job, written down with their evidence.
 *
 * Rows are added to the commit of the state that the step belongs to, so that a
 * state and its evidence are durable together. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_LEDGER_H
#define FERRY_GATEWAY_DAEMON_LEDGER_H

#include "gateway/daemon/job.h"

/* Steps 1 to 7 and 9: what had to hold before the first byte. */
void ledger_put_before(struct store_commit *c, struct job *j);

/* Steps 1, 2 and 5 of a job that ended before anything was sent, when its
 * release was judged; steps 1 to 6 when its device was spoken to. */
void ledger_put_refusal(struct store_commit *c, struct job *j);

/* After either of the others: the step that failed, as the job's failure names
 * it, and that those behind it did not happen. */
void ledger_put_failure(struct store_commit *c, struct job *j,
	enum job_state end);

/* Steps 8 and 10 to 13: how it ended. */
void ledger_put_end(struct store_commit *c, struct job *j,
	enum job_state end);

/* The first step whose tier the class requires and the release, the link to the
 * vendor and what the class can do cannot reach; 0 if there is none. `approved`:
 * a person was asked. `security`: FERRY_SECURITY_* of the link to the device, -1
 * while it is not known. Asked before the first byte is sent. */
unsigned ledger_unreachable(const struct gateway *g,
	const struct device_class *klass, const struct release *r,
	bool approved, int security);

/* The first step from 7 on whose tier a finished job did not reach although its
 * class requires it; 0 if there is none. */
unsigned ledger_shortfall(const struct job *j);

#endif

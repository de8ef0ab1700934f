/* Devices that run what must not be run any more: its signer was revoked, the
 * vendor withdrew it or dropped it from the catalog without a successor, or its
 * author may not sign for the class any more.
 *
 * What a device runs is the catalog entry that its read-back matches, or else the
 * release of its last job that was done. Releases that are run are judged by
 * their envelope alone, without a job and without their image. A mark is kept in
 * the database and stays while nothing is known to the contrary. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_RECALL_H
#define FERRY_GATEWAY_DAEMON_RECALL_H

#include "gateway/daemon/child.h"

/* Marks and unmarks; called whenever the plan is made. */
void recall_judge(struct gateway *g);

#endif

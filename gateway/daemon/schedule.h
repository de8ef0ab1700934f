/* What is done when something has changed: the plan is made where that is due,
 * devices are read, and jobs start that may. Once from the loop, however often
 * gateway_wake() was called before. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_SCHEDULE_H
#define FERRY_GATEWAY_DAEMON_SCHEDULE_H

#include "gateway/daemon/gateway.h"

/* For gateway.on_wake. */
void schedule_turn(struct gateway *g, bool replan);

#endif

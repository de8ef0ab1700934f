/* The commands of the control socket that concern ZigBee networks. Loop
 * thread. */
#ifndef FERRY_SIM_RADIO_COMMAND_H
#define FERRY_SIM_RADIO_COMMAND_H

#include "tools/sim/report.h"

/* Names of all nodes and coordinators, appended. */
void radio_names(struct world *w, json_t *list);

/* The state of the node or coordinator of that name, or NULL. */
json_t *radio_state(struct world *w, const char *name);

/* True when it was such a command: done, or failed with the fault. `*` as the
 * name means all nodes, if there is no other device. */
bool radio_command(struct world *w, const char *verb, const char *name,
	const char *argument, struct fault *fault);

#endif

/* Reading what devices run, beside jobs: a session that only asks, and what was
 * heard without asking. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_INVENTORY_H
#define FERRY_GATEWAY_DAEMON_INVENTORY_H

#include "gateway/daemon/child.h"

/* Something was read of it: noted, and stored if it is news. */
void inventory_take_facts(struct child *child,
	const struct engine_facts *facts);

/* Reads what is due, a few devices at a time. */
void inventory_read_due(struct gateway *g);

/* What is being read does not count any more. */
void inventory_stop(struct child *c);
void inventory_stop_all(struct gateway *g);

/* Stops reading, and child_forget(). */
void inventory_forget(struct child *c);

#endif

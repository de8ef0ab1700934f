/* Offers x devices: a decision with its reason for every pair. Changes nothing;
 * `ferryctl plan` shows it, the scheduler makes jobs of it. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_PLAN_H
#define FERRY_GATEWAY_DAEMON_PLAN_H

#include "gateway/daemon/job.h"

enum plan_decision { PLAN_INSTALL, PLAN_WAIT, PLAN_CURRENT, PLAN_REFUSE };

struct plan_row {
	const struct device *device;
	const struct device_class *klass;
	struct vendor *vendor;
	const struct catalog_entry *entry; /* NULL: no offer */
	char component[ROW_COMPONENT_SIZE];
	enum plan_decision decision;
	char code[40];
	char text[160];
	char hint[128];
	bool would_downgrade; /* refused by the floor alone */
};

/* Calls `on_row` for every pair of the device. The row is borrowed. */
void plan_device(struct gateway *g, const struct device *device,
	void (*on_row)(void *arg, const struct plan_row *row), void *arg);

/* The pair to install, if there is one: true with *ret filled. */
bool plan_best(struct gateway *g, const struct device *device,
	struct plan_row *ret);

/* Makes the jobs that the plan wants by itself. */
void plan_apply(struct gateway *g);

const char *plan_decision_name(enum plan_decision decision);

#endif

/* What ferry-sim knows of its devices, as JSON: for the control socket and the
 * file of --stats. Returned objects are the caller's. One thread. */
#ifndef FERRY_SIM_REPORT_H
#define FERRY_SIM_REPORT_H

#include <jansson.h>

#include "tools/sim/world.h"

/* Name, state, port, slots, upload, counters. */
json_t *report_device(struct station *s);

/* A node of a ZigBee network: phase, versions, download, counters. */
json_t *report_node(const struct node *n);

/* A coordinator: port, network, counters; with its nodes when `nodes`. */
json_t *report_radio(const struct radio *r, bool nodes);

/* {"devices": [...], "coordinators": [...]} with all of all. */
json_t *report_world(struct world *w);

/* Writes it to `path`, whole or not at all. 0 or -errno. */
int report_write(struct world *w, const char *path);

#endif

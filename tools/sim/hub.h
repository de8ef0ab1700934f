/* The pretended radio: many peers behind one Unix socket, for the driver
 * `sim` (transports/sim/sim_wire.h). One driver at a time. Loop thread. */
#ifndef FERRY_SIM_HUB_H
#define FERRY_SIM_HUB_H

#include "tools/sim/station.h"

#define HUB_LINKS_MAX 1024
#define HUB_WINDOW 64
#define HUB_QUEUE_MAX 8192
/* A peer that stands for all. */
#define HUB_GROUP "all"

int hub_new(struct world *w, const char *path, struct hub **ret);
void hub_close(struct hub *h);
const char *hub_path(const struct hub *h);

void hub_add(struct hub *h, struct station *s);
void hub_service(struct station *s, uint64_t now);
uint64_t hub_due(const struct station *s);

/* The payload size of the peer has changed: its links hear of it. */
void hub_payload_changed(struct station *s);

#endif

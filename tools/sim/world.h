/* All simulated devices of one process: the loop, the queue of what is due,
 * the hubs. One timer for everybody, in nanoseconds. Lives in main() from
 * world_init() to world_done(); loop thread. */
#ifndef FERRY_SIM_WORLD_H
#define FERRY_SIM_WORLD_H

#include "tools/sim/hub.h"
#include "tools/sim/radio.h"
#include "tools/sim/station.h"

#define WORLD_HUBS_MAX 16
#define WORLD_RADIOS_MAX 16

struct world;

struct world_setup {
	char dir[GROUP_PATH_SIZE];     /* links, port files, flash files */
	char control[GROUP_PATH_SIZE]; /* socket; empty: none */
	char stats[GROUP_PATH_SIZE];   /* written at the end; empty: none */
	struct group *groups;	       /* owned, freed by world_setup_done() */
	size_t group_count;
};

void world_setup_done(struct world_setup *setup);

/* Makes all devices. Returns 0 or -errno with the fault. */
int world_new(const struct world_setup *setup, struct world **ret,
	struct fault *fault);

/* Runs until world_stop(). `on_ready` once, when every device is up (running,
 * silent or dead). */
void world_run(struct world *w, void (*on_ready)(struct world *w));
void world_stop(struct world *w);

/* Removes links and sockets, frees. */
void world_free(struct world *w);

uv_loop_t *world_loop(struct world *w);
size_t world_count(const struct world *w);
struct station *world_station(struct world *w, size_t i);

/* NULL when there is no such name. */
struct station *world_find(struct world *w, const char *name);

/* Coordinators of ZigBee networks, whose nodes are no stations. */
size_t world_radio_count(const struct world *w);
struct radio *world_radio(struct world *w, size_t i);
struct radio *world_find_radio(struct world *w, const char *name);
/* A node by its name, with its coordinator; NULL when there is none. */
struct node *world_find_node(
	struct world *w, const char *name, struct radio **ret_radio);

/* The hub at `path`, made if it is not there. NULL: too many, or the socket
 * failed; then with the fault. */
struct hub *world_hub(struct world *w, const char *path, struct fault *fault);

/* `s->due` has changed. */
void world_schedule(struct world *w, struct station *s);

#endif

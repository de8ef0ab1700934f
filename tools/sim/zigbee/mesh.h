/* A simulated ZigBee network: the coordinator's side of the air, its end devices
 * and routers, their addresses. Front ends (ncp.h) give it a host.
 *
 * Sans-I/O, under the time of whoever drives it: mesh_time() when mesh_due() has
 * come. Nothing is called back from inside mesh_send(). Lives from mesh_new() to
 * mesh_free(), which frees the nodes too. One thread. */
#ifndef FERRY_SIM_ZIGBEE_MESH_H
#define FERRY_SIM_ZIGBEE_MESH_H

#include "tools/sim/zigbee/node.h"

#define MESH_NODES_MAX 4096
#define MESH_FLIGHTS_MAX 8192
#define MESH_ENDPOINTS_MAX 32
#define MESH_CLUSTERS_MAX 32
/* So long a parent keeps a frame for a sleeper. */
#define MESH_HELD_NS UINT64_C(7680000000)

/* When the confirm of a frame reaches the host. */
enum mesh_confirms {
	MESH_CONFIRM_AT_ONCE,
	MESH_CONFIRM_COALESCED, /* right before the node's next frame */
	MESH_CONFIRM_LATE,      /* after it: 50 ms later */
};

struct mesh_setup {
	struct ncp_network network;
	struct air_setup air;
	enum mesh_confirms confirms;
};

/* The network that the settings of herdsman in docs/zigbee.md expect: PAN 0x1a62,
 * channel 11, 8 buffers, formed, on an ideal channel. */
void mesh_setup_init(struct mesh_setup *setup);

#define MESH_COUNT_MAP(X)                                                      \
	X(frames_down)                                                         \
	X(frames_up)                                                           \
	X(broadcasts)                                                          \
	X(no_ack)                                                              \
	X(no_route)                                                            \
	X(refused)                                                             \
	X(expired)                                                             \
	X(too_long)                                                            \
	X(no_endpoint)                                                         \
	X(retries)                                                             \
	X(in_flight_peak)                                                      \
	X(airtime_down_us)                                                     \
	X(airtime_up_us)

struct mesh_counts {
#define MESH_COUNT_FIELD(name) uint64_t name;
	MESH_COUNT_MAP(MESH_COUNT_FIELD)
#undef MESH_COUNT_FIELD
};

/* 0 or -ENOMEM. */
int mesh_new(const struct mesh_setup *setup, struct mesh **ret);
void mesh_free(struct mesh *m);
/* Who is told what happens; before anything else. */
void mesh_attach(struct mesh *m, const struct ncp_ops *ops, struct ncp *ncp);

/* Adds a node, which joins when the network is formed. 0 or -errno with the
 * fault. */
int mesh_add(struct mesh *m, const struct node_setup *setup, uint64_t now,
	struct fault *fault, struct node **ret);
size_t mesh_count(const struct mesh *m);
struct node *mesh_node(const struct mesh *m, size_t i);
struct node *mesh_find_name(const struct mesh *m, const char *name);

void mesh_time(struct mesh *m, uint64_t now);
uint64_t mesh_due(const struct mesh *m);

const struct mesh_counts *mesh_counts(const struct mesh *m);
const struct air *mesh_air(const struct mesh *m);
/* Frames to the air that have not ended. A front end may refuse more than
 * `network.buffers` before mesh_send() does. */
unsigned mesh_in_flight(const struct mesh *m);
void mesh_set_confirms(struct mesh *m, enum mesh_confirms confirms);
void mesh_set_air(struct mesh *m, const struct air_setup *setup);

/* ---- for nodes ---- */

void mesh_uplink(struct mesh *m, struct node *n, uint64_t now,
	const struct ncp_frame *f);
/* The node says that it is there, under its address. */
void mesh_announced(struct mesh *m, struct node *n, uint64_t now, bool join);
void mesh_went(struct mesh *m, struct node *n, uint64_t now);
/* The node asks its parent for what is there: the oldest frame. */
void mesh_polled(struct mesh *m, struct node *n, uint64_t now);
/* Another short address for a node, of which the coordinator knows. */
void mesh_readdress(struct mesh *m, struct node *n);
/* Each gets the other's, and nobody is told. Both have one. */
void mesh_exchange(struct mesh *m, struct node *a, struct node *b);
/* Its deadline may have changed. */
void mesh_schedule(struct mesh *m, struct node *n);
/* As Match_Desc finds it: the endpoint that serves the cluster. */
bool mesh_match(const struct mesh *m, uint16_t profile, uint16_t cluster,
	uint8_t *ret_endpoint);
bool mesh_has_endpoint(const struct mesh *m, uint8_t endpoint);
/* Of a registered endpoint; else that of Home Automation. */
uint16_t mesh_profile(const struct mesh *m, uint8_t endpoint);

#endif

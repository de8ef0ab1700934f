/* The network's own parts, shared by its files and nobody else. */
#ifndef FERRY_SIM_ZIGBEE_MESH_INSIDE_H
#define FERRY_SIM_ZIGBEE_MESH_INSIDE_H

#include "tools/sim/zigbee/mesh.h"

#define MESH_HASH_SIZE 16384u /* a power of two, four times the nodes */

enum item_kind { ITEM_NODE, ITEM_FLIGHT };

/*   down: HELD -> AIR -> ACKED -> (end), AIR -> RETRY -> AIR
 *   up:           AIR -> (heard),        AIR -> RETRY -> AIR
 * ENDING waits for its time and reports `end`. */
enum flight_phase {
	FLIGHT_HELD,
	FLIGHT_AIR,
	FLIGHT_ACKED,
	FLIGHT_RETRY,
	FLIGHT_ENDING,
};

struct flight {
	struct queue_item item;
	struct flight *next; /* free, or held for one sleeper */
	struct node *node;   /* NULL: broadcast, or nobody */
	bool up;
	bool lost;
	bool twice;
	bool counted; /* takes one of the coordinator's buffers */
	enum flight_phase phase;
	enum ncp_end end;
	unsigned tries;
	uint32_t airtime_us;
	struct ncp_frame f;
	uint8_t asdu[NCP_ASDU_MAX];
};

struct endpoint {
	uint8_t endpoint;
	uint16_t profile;
	uint16_t in[MESH_CLUSTERS_MAX];
	size_t in_count;
};

struct mesh {
	struct mesh_setup setup;
	struct air air;
	struct queue queue;
	const struct ncp_ops *ops;
	struct ncp *ncp;
	struct node **nodes;
	size_t count;
	uint16_t by_nwk[65536];           /* index + 1 */
	uint16_t by_eui64[MESH_HASH_SIZE]; /* index + 1, open addressing */
	uint16_t next_nwk;
	struct endpoint endpoints[MESH_ENDPOINTS_MAX];
	size_t endpoint_count;
	struct flight *flights;
	struct flight *free;
	unsigned in_flight;
	bool join;
	struct mesh_counts counts;
};

struct node *mesh_by_nwk(const struct mesh *m, uint16_t nwk);
struct node *mesh_by_eui64(const struct mesh *m, uint64_t eui64);
/* -EEXIST when there is one of that address already. */
int mesh_enter_eui64(struct mesh *m, const struct node *n);

#endif

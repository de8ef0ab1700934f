/* What is known of the devices of one ZigBee network: EUI-64 and short address,
 * endpoints of clusters, whether they sleep. A plain table, bounded; it sends
 * nothing and learns what it is told. Embedded in its owner, _init to _done; one
 * thread. Times are monotonic milliseconds.
 *
 * At most one node has a given short address: who was told last has it. A node
 * that loses its address, or gets another, is not sure of it. When the
 * table is full, one that may be made up makes room, else any; of these the one
 * that was heard least lately (base/keep.h), but none that is `held` or `listed`.
 * The owner is told before, as whoever it told of the node has to forget too. */
#ifndef FERRY_ZIGBEE_NODES_H
#define FERRY_ZIGBEE_NODES_H

#include <stdbool.h>

#include "base/keep.h"
#include "ferry/transport.h"
#include "transports/zigbee/stack.h"

#define ZB_NODES_MAX 4096u
#define ZB_BUCKETS 1024u /* a power of two */
/* So many that cannot go are passed over until one that can is found. */
#define ZB_PASSED_MAX 128u

enum zb_kind { ZB_KIND_UNKNOWN, ZB_KIND_ROUTER, ZB_KIND_SLEEPY };

struct zb_endpoint {
	uint8_t number; /* 0: not known */
	uint16_t profile;
};

struct zb_node {
	uint64_t eui64;
	uint16_t nwk; /* or ZB_NWK_UNKNOWN */
	enum zb_kind kind;
	int8_t rssi;
	uint32_t joined; /* another number with each announcement; 0 none */
	int64_t joined_ms;
	int64_t heard_ms;
	struct zb_endpoint at[FERRY_CHANNELS_MAX]; /* where a channel's cluster
						    * is */
	struct zb_endpoint any; /* heard last, whatever the cluster */
	uint8_t matched;	/* channels that Match_Desc was tried for */
	bool described;		/* Node_Desc was tried since it was unknown */
	bool doubtful;		/* its short address may be an old one */
	int64_t sure_ms; /* when the air last said that its short address is its
			  * own; 0: it never did */
	int64_t unanswered_ms; /* when it was asked for that and did not answer;
				* 0: it was not, or has answered since */
	uint8_t unreached;	/* sends not delivered, one after the other */
	int64_t looked_ms;	/* when it was last looked for; 0: never */

	bool proven;   /* it took a frame or answered: it is real */
	bool shown;    /* the host knows of it */
	bool told;     /* its present state was announced */
	bool listed;   /* in the list of those to be announced */
	unsigned held; /* sends that point at it */
	unsigned in_flight;
	uint64_t turn; /* when a frame to it went last */
	unsigned mark; /* of the scan for the next frame */

	struct zb_node *next_eui64, *next_nwk; /* of the bucket */
	struct zb_node *next_told;
	struct keep_hook keep;
};

struct zb_nodes {
	struct zb_node *by_eui64[ZB_BUCKETS];
	struct zb_node *by_nwk[ZB_BUCKETS];
	struct keep keep;
	unsigned count;
	unsigned max;
	/* Before a node makes room; NULL: nobody wants to know. */
	void (*on_forget)(void *arg, const struct zb_node *node);
	void *arg;
};

/* `max`: ZB_NODES_MAX, or less in tests. */
void zb_nodes_init(struct zb_nodes *n, unsigned max);
void zb_nodes_done(struct zb_nodes *n);

struct zb_node *zb_nodes_find(const struct zb_nodes *n, uint64_t eui64);
struct zb_node *zb_nodes_at(const struct zb_nodes *n, uint16_t nwk);

/* Finds or makes it; another may have to make room. NULL: no memory, or those
 * that would have to go are held. */
struct zb_node *zb_nodes_get(
	struct zb_nodes *n, uint64_t eui64, int64_t now_ms);

/* Gives the node the short address; true if that is news. ZB_NWK_UNKNOWN takes
 * it away. */
bool zb_nodes_place(struct zb_nodes *n, struct zb_node *node, uint16_t nwk);

/* No node has a short address any more. */
void zb_nodes_displace(struct zb_nodes *n);

/* It was heard now. */
void zb_nodes_touch(struct zb_nodes *n, struct zb_node *node, int64_t now_ms);

/* It is no made-up address. */
void zb_nodes_prove(struct zb_nodes *n, struct zb_node *node);

void zb_nodes_remove(struct zb_nodes *n, struct zb_node *node);

/* "00124b0000000001"; `text` has 17 bytes. */
void zb_key_write(uint64_t eui64, char *text);
/* 0 or -EINVAL: not 16 lower-case digits, or an address that no device has. */
int zb_key_read(const char *text, uint64_t *ret);

const char *zb_kind_name(enum zb_kind kind);

#endif

/* A simulated ZigBee end device or router with an OTA Upgrade client, as real
 * stacks behave (ZCL revision 8, chapter 11; docs/simulator.md): it asks when it
 * is notified and by itself, fetches blocks or pages, waits when told, ends,
 * restarts and announces itself with the new version.
 *
 * Sans-I/O: frames and time in through node_heard() and node_time(), frames out
 * through the network (mesh.h), which owns its nodes. Times are nanoseconds.
 * Shares no code with the gateway. One thread. */
#ifndef FERRY_SIM_ZIGBEE_NODE_H
#define FERRY_SIM_ZIGBEE_NODE_H

#include "tools/sim/sha.h"
#include "tools/sim/zigbee/air.h"
#include "tools/sim/zigbee/expected.h"
#include "tools/sim/zigbee/ncp.h"
#include "tools/sim/zigbee/queue.h"
#include "tools/sim/zigbee/traits.h"

#define NODE_NAME_SIZE 64
#define NODE_TEXT_SIZE 33
#define NODE_PATH_SIZE 256
#define NODE_PAGE_MAX 4096u
#define NODE_RTT_BUCKETS 32

#define NODE_PROFILE_ZDO 0x0000u
#define NODE_PROFILE_HA 0x0104u
#define NODE_CLUSTER_BASIC 0x0000u
#define NODE_CLUSTER_OTA 0x0019u
#define NODE_CLUSTER_POLL 0x0020u

struct mesh;
struct flight;

struct node_setup {
	char name[NODE_NAME_SIZE];
	char state_path[NODE_PATH_SIZE]; /* its flash; "": none */
	uint64_t eui64;
	uint8_t endpoint;
	unsigned hops;
	uint16_t manufacturer;
	uint16_t image_type;
	uint32_t file_version;
	bool has_hw;
	uint16_t hw;
	char model[NODE_TEXT_SIZE];
	char maker[NODE_TEXT_SIZE];
	char sw_build[NODE_TEXT_SIZE]; /* "": made of the version */
	struct node_timers timers;
	uint64_t think_ns;
	uint64_t boot_ns;
	uint64_t poll_ns;      /* 0: its receiver is always on */
	uint64_t fast_poll_ns; /* while it waits for an answer */
	uint64_t check_in_ns;  /* Poll Control; 0: none */
	struct traits traits;
	const struct expected *expected; /* borrowed; NULL: nothing compared */
};

/* Router, HA, manufacturer 0x1234, type 0x0102, version 0x00000001, timers of
 * EmberZNet. */
void node_setup_init(struct node_setup *setup);

/* What it has counted; the names are those of the report. */
#define NODE_COUNT_MAP(X)                                                      \
	X(queries)                                                             \
	X(notifies)                                                            \
	X(notifies_ignored)                                                    \
	X(block_requests)                                                      \
	X(page_requests)                                                       \
	X(blocks)                                                              \
	X(bytes)                                                               \
	X(retries)                                                             \
	X(duplicates)                                                          \
	X(strangers)                                                           \
	X(bad_bytes)                                                           \
	X(too_long)                                                            \
	X(page_missing)                                                        \
	X(waits)                                                               \
	X(refusals)                                                            \
	X(ends)                                                                \
	X(end_answers)                                                         \
	X(default_responses)                                                   \
	X(attribute_reads)                                                     \
	X(check_ins)                                                           \
	X(polls)                                                               \
	X(downloads)                                                           \
	X(gave_up)                                                             \
	X(updates)                                                             \
	X(boots)                                                               \
	X(announces)                                                           \
	X(bad_frames)                                                          \
	X(hostile)

struct node_counts {
#define NODE_COUNT_FIELD(name) uint64_t name;
	NODE_COUNT_MAP(NODE_COUNT_FIELD)
#undef NODE_COUNT_FIELD
};

/*   IDLE -> QUERYING -> BLOCKS <-> PAGE -> FINISHING -> ENDING -> COUNTDOWN
 * -> RESTARTING -> IDLE. Giving up leads to IDLE from everywhere; DEAD is where
 * `stays-dead` ends. */
#define NODE_PHASE_MAP(X)                                                      \
	X(IDLE, "idle")                                                        \
	X(QUERYING, "querying")                                                \
	X(BLOCKS, "downloading")                                               \
	X(PAGE, "downloading-page")                                            \
	X(FINISHING, "finishing")                                              \
	X(ENDING, "ending")                                                    \
	X(COUNTDOWN, "count-down")                                             \
	X(RESTARTING, "restarting")                                            \
	X(DEAD, "dead")

enum node_phase {
#define NODE_PHASE_ENUM(id, name) NODE_##id,
	NODE_PHASE_MAP(NODE_PHASE_ENUM)
#undef NODE_PHASE_ENUM
};

struct node_key {
	uint16_t manufacturer;
	uint16_t type;
	uint32_t version;
};

/* One download. */
struct node_ota {
	enum node_phase phase;
	uint64_t at;        /* when the phase goes on; NCP_NEVER */
	bool asked;         /* a request is out, `at` is its end */
	uint64_t asked_at;
	uint8_t asked_len;
	uint8_t tsn;
	uint32_t errors;    /* in a row */
	uint8_t asked_ep;   /* answers come from there, */
	uint16_t asked_profile; /* and in this profile */
	uint8_t server_ep;  /* of the notify, or as Match_Desc found it */
	struct node_key key; /* of the offer */
	uint32_t size;
	uint32_t offset;
	uint32_t reached;   /* the highest offset that was there */
	uint16_t period_ms; /* MinimumBlockPeriod that the server set */
	struct sha sha;
	bool hashing;
	uint8_t head[69];   /* the first bytes of the file */
	uint32_t bad;       /* bytes unlike the expected, this time */
	uint8_t end_status;
	bool pages;         /* uses page requests, as far as it knows */
	uint32_t page_at;
	uint32_t page_len;
	uint8_t *page;      /* NODE_PAGE_MAX bytes and as many flags */
	uint32_t page_got;  /* bytes of it that are there */
	bool filling;       /* asks for the missing ones */
};

struct node {
	struct queue_item item;
	struct mesh *mesh;
	struct node_setup setup;
	uint16_t nwk;
	uint16_t listed_nwk; /* in the tables of the coordinator */
	bool joined;
	struct node_key own; /* what runs */
	char sw_build[NODE_TEXT_SIZE];
	struct node_ota ota;
	uint8_t next_tsn;
	uint64_t random;
	uint64_t query_at;
	uint64_t poll_at;
	uint64_t check_in_at;
	uint64_t flood_at;
	uint64_t fast_until; /* fast polling that a check-in asked for */
	uint32_t floods;
	uint32_t hostiles;
	char sha256[2 * SHA_LEN + 1]; /* of the last whole image; "" */
	uint32_t last_size;
	struct node_counts counts;
	uint64_t rtt[NODE_RTT_BUCKETS]; /* by log2 of microseconds */

	/* the network's */
	struct flight *held; /* frames that wait for a poll, the oldest first */
	struct flight *confirm; /* whose confirm waits for the next frame */
	size_t index;
};

/* Reads the flash when there is one. 0 or -errno with the fault. */
int node_init(struct node *n, struct mesh *mesh, const struct node_setup *setup,
	uint64_t seed, struct fault *fault);
void node_done(struct node *n);

/* Its first start, joined to the network. */
void node_start(struct node *n, uint64_t now);
void node_time(struct node *n, uint64_t now);
uint64_t node_due(const struct node *n);
void node_heard(struct node *n, uint64_t now, const struct ncp_frame *f);

bool node_is_sleepy(const struct node *n);
/* Cannot hear: restarting, dead, not in the network. */
bool node_is_deaf(const struct node *n);
const char *node_phase_name(const struct node *n);
bool node_is_downloading(const struct node *n);

/* ---- commands ---- */

/* Off and on again: a download in RAM goes on where its flash had it. */
void node_restart(struct node *n, uint64_t now);
/* Asks the server now, unless it is downloading. */
void node_query(struct node *n, uint64_t now);
void node_announce(struct node *n, uint64_t now);
void node_leave(struct node *n, uint64_t now);
/* Joins, again too; with a new short address. */
void node_join(struct node *n, uint64_t now, bool new_address);
int node_switch(struct node *n, uint64_t now, const char *text,
	struct fault *fault);

/* ---- between the files of a node ---- */

void node_send(struct node *n, uint64_t now, uint8_t dst_ep, uint16_t profile,
	uint16_t cluster, const uint8_t *asdu, size_t len);
void node_zdo_heard(struct node *n, uint64_t now, const struct ncp_frame *f);
void node_zcl_heard(struct node *n, uint64_t now, const struct ncp_frame *f);
/* A Default Response to a command of `f`. */
void node_default_response(struct node *n, uint64_t now,
	const struct ncp_frame *f, uint8_t command, uint8_t status);
void node_ota_heard(struct node *n, uint64_t now, const struct ncp_frame *f,
	uint8_t tsn, uint8_t command, struct bytes payload);
void node_ota_default_response(struct node *n, uint64_t now, uint8_t tsn,
	uint8_t command, uint8_t status);
void node_ota_time(struct node *n, uint64_t now);
void node_ota_reset(struct node *n);
/* Requests of a client that means harm or knows no measure. */
void node_ota_flood(struct node *n, uint64_t now);
bool node_ota_hostile(struct node *n, uint64_t now);
/* Sends an OTA command to the server; the answer is waited for. */
void node_ota_ask(struct node *n, uint64_t now, uint8_t fc, uint8_t command,
	const uint8_t *payload, size_t len);
void node_ota_ask_block(
	struct node *n, uint64_t now, uint32_t offset, uint8_t max);
/* Bytes of the image in their order. */
void node_ota_take(struct node *n, uint64_t now, struct bytes data);
/* An answer was missing or wrong: asks again, or gives up. */
void node_ota_failed(struct node *n, uint64_t now);
bool node_page_ask(struct node *n, uint64_t now);
void node_page_block(struct node *n, uint64_t now, uint32_t offset,
	struct bytes data);
void node_page_time(struct node *n, uint64_t now);
int node_flash_read(struct node *n, struct fault *fault);
int node_flash_write(struct node *n);

#endif

/* A simulated ZigBee network under a virtual clock with a small OTA server as
 * its host, written for these tests alone: it answers at once what it is asked,
 * unless told otherwise. */
#ifndef FERRY_TESTS_SIM_ZIGBEE_RIG_H
#define FERRY_TESTS_SIM_ZIGBEE_RIG_H

#include "tests/unit/unit.h"
#include "tools/sim/zigbee/mesh.h"
#include "tools/sim/zigbee/mkota.h"

#define RIG_MS UINT64_C(1000000)
#define RIG_S UINT64_C(1000000000)
#define RIG_SIZE 2000u
#define RIG_VERSION 0x0a0b0c0du
#define RIG_LOG_MAX 4096

struct rig_frame {
	uint64_t at;
	struct ncp_frame f;
	uint8_t asdu[NCP_ASDU_MAX];
};

struct ncp {
	struct mesh *mesh;
	struct mesh_setup setup;
	struct node_setup node_setup;
	struct node *node; /* the first one */
	uint64_t now;
	uint8_t image[RIG_SIZE];
	struct expected *expected;

	/* what the server does */
	bool silent;
	bool pages;	    /* serves them */
	unsigned cap;	    /* bytes a block */
	unsigned ignore;    /* so many requests */
	unsigned waits;	    /* answers so many blocks with WAIT */
	uint8_t wait_s;
	uint16_t wait_period;
	uint8_t query_status;
	uint8_t corrupt;    /* changed in every block */
	uint8_t wrong_tsn;  /* added to that of answers */
	uint32_t upgrade_time;
	uint32_t offer_version;
	bool ack;

	/* what happened */
	struct rig_frame log[RIG_LOG_MAX];
	size_t log_count;
	unsigned ended[5];
	unsigned announces, lefts;
	uint32_t airtime_us; /* of the last confirm */
	unsigned confirms;
	size_t confirms_at_log; /* frames that were there at the last confirm */
};

void rig_init(struct ncp *r);
/* After the setups were changed: makes the network with `count` nodes. */
void rig_start(struct ncp *r, unsigned count);
void rig_switch(struct ncp *r, const char *text);
void rig_done(struct ncp *r);
/* Lets so much time pass. */
void rig_run(struct ncp *r, uint64_t ns);
/* Until the first node runs the offered version, at most so long. */
bool rig_updates(struct ncp *r, uint64_t ns);
void rig_send(struct ncp *r, uint16_t nwk, uint16_t profile, uint16_t cluster,
	uint8_t src_ep, uint8_t dst_ep, const char *hex);
void rig_notify(struct ncp *r);
/* The n-th logged frame of this command of cluster 0x0019, or NULL. */
const struct rig_frame *rig_command(
	const struct ncp *r, uint8_t command, unsigned nth);
unsigned rig_commands(const struct ncp *r, uint8_t command);
/* The last frame of a cluster, or NULL. */
const struct rig_frame *rig_last(const struct ncp *r, uint16_t cluster);
void rig_check(const struct rig_frame *f, const char *hex);

#endif

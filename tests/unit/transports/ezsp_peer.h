/* A small EZSP coprocessor for tests: answers what the stack asks, in the layout
 * of its version, and sends the callbacks that a test tells it to. Written apart
 * from the stack's codec. */
#ifndef FERRY_TESTS_EZSP_PEER_H
#define FERRY_TESTS_EZSP_PEER_H

#include "ash_peer.h"

#define EZSP_PEER_LOG 512

struct ezsp_peer {
	struct ash_peer ash;
	int64_t now;
	unsigned version;
	bool insists;        /* answers VERSION with its own number only */
	bool joined;         /* has a network */
	bool never_up;       /* networkInit succeeds, nothing follows */
	uint8_t channel;
	uint64_t eui64;
	uint16_t refused_id; /* answered by invalidCommand */
	uint16_t dumb_id;    /* not answered at all */
	uint16_t failed_id;  /* answered with `failed_status` */
	uint32_t failed_status;
	uint64_t known;      /* what lookupEui64ByNodeId finds; 0: nothing */
	bool sent_first;     /* messageSentHandler comes before the answer */
	bool overflow;       /* the next callback says that some were lost */

	/* Commands as they came, in order. */
	struct {
		uint16_t id;
		uint8_t at[220];
		size_t len;  /* of the parameters */
	} log[EZSP_PEER_LOG];
	unsigned count;
	unsigned legacy, nops;
	uint16_t last_tag;
};

void ezsp_peer_init(struct ezsp_peer *p, unsigned version);

/* A callback; `params` as they stand behind the header. */
void ezsp_peer_callback(struct ezsp_peer *p, uint16_t id, struct bytes params);
void ezsp_peer_status(struct ezsp_peer *p, uint32_t narrow, uint32_t wide);
void ezsp_peer_sent(struct ezsp_peer *p, uint16_t tag, uint32_t status);

/* An incoming message with source endpoint 3, destination endpoint 1, LQI 200,
 * RSSI -60. */
void ezsp_peer_incoming(struct ezsp_peer *p, uint8_t kind, uint16_t nwk,
	uint64_t eui64, uint16_t profile, uint16_t cluster, struct bytes asdu);

/* The n-th logged command of this id, from 0; -1: there is none. */
int ezsp_peer_find(const struct ezsp_peer *p, uint16_t id, unsigned n);

#endif

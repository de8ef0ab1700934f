/* What a line has beside its transport when one engine serves all its devices:
 * the network of gateway/relay/network.h, and what the driver and the engine
 * each know of its peers, merged for the registry. Made and freed with the line.
 * Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_RADIO_H
#define FERRY_GATEWAY_DAEMON_RADIO_H

#include "gateway/daemon/line.h"
#include "gateway/daemon/radio_peers.h"
#include "gateway/relay/network.h"

/* Which catalog's quirks the engine was told. */
struct radio_vendor {
	char name[CONFIG_NAME_SIZE]; /* "": free */
	uint64_t epoch, sequence;
};

struct radio {
	struct line *line;
	struct network *network;
	struct radio_peers peers;
	struct radio_vendor vendors[CONFIG_VENDORS_MAX];
};

/* 0, -ENOMEM, or the engine's refusal of its options. */
int radio_open(struct line *l, struct fault *fault);
/* Before the transport is closed, and after it. NULL is allowed. */
void radio_close(struct radio *r);
void radio_free(struct radio *r);

void radio_up(struct radio *r, struct transport *transport);
void radio_down(struct radio *r);

/* The driver reports a peer. */
void radio_saw(struct radio *r, const struct ferry_peer *peer);

/* A frame came from it. */
void radio_heard(struct radio *r, const char *key);

/* When the last one came, Unix time, also in an earlier run; 0: none yet. */
int64_t radio_heard_s(const struct radio *r, const char *key);

/* The peer became a device, or is none any more: a device learns what was heard
 * of it before, another peer that is there is a candidate with all its
 * attributes. Nothing for a link without a radio. */
void radio_review_peer(struct gateway *g, const char *link, const char *key);

/* Not awake unless it says so itself. False when nothing is known of it. */
bool radio_is_sleepy(const struct radio *r, const char *key);

/* The configuration was read again: the local table of quirks may be another. */
void radio_reloaded(struct radio *r);

/* Engines believe that their links are down: while jobs are put away. */
void radio_pause_all(struct gateway *g, bool paused);

/* A session for the device's peer; `device` is on a line of the gateway. 0,
 * ERR_JOB_NO_LINK (the line is none, or has no engine of that name), or an error
 * of network_offer(). */
int radio_offer(struct gateway *g, const struct device *device,
	const struct session_setup *setup, struct session **ret);

/* Who leaves Ferry so little of the budget, when what devices send uses half of it
 * or more: "devices use 31.2 % of the channel, 00124b0000000001 (bulb-3) alone
 * 30.1 %". False: that is not so, and nothing is written. NULL is allowed. */
bool radio_is_filled(const struct radio *r, char *text, size_t size);

#endif

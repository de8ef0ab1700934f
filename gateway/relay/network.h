/* One network engine on one radio, for as long as the radio's link lives.
 *
 * A network opens the any-peer link with the channels that its engine names,
 * feeds the engine with everything that arrives, whoever sent it, and carries out
 * its commands: frames within the radio's airtime (airtime.h) and the windows of
 * its driver, bytes of images, and what concerns an offer goes to the member
 * that made it. Members are sessions (session.h): a job or an inventory for one
 * peer each, any number of them at a time. Offers outlive the link: when the
 * radio comes back, they stand.
 *
 *   network_open() -> network_up() ... network_down() ... -> network_close()
 *
 * Callbacks never come from inside a function of this header, but for those that
 * an engine's answer to network_peer(), network_quirks() and network_offer()
 * makes. Loop thread only. */
#ifndef FERRY_GATEWAY_RELAY_NETWORK_H
#define FERRY_GATEWAY_RELAY_NETWORK_H

#include "gateway/relay/airtime.h"
#include "gateway/relay/talkers.h"
#include "gateway/relay/session.h"

#define NETWORK_OFFERS_MAX 4096 /* that are open at a time */
#define NETWORK_SENDS_MAX 64    /* that are with the driver */

struct network;

struct network_events {
	/* Something was learned about a peer, whether or not somebody asked. */
	void (*on_facts)(void *arg, const char *peer,
		const struct engine_facts *facts);
	/* What a peer is; complete, the last one counts. Where it is `untold`,
	 * network_peer() may answer at once. */
	void (*on_peer)(void *arg, const struct engine_peer *peer);
	/* The any-peer link is there, or is gone: status and a text. */
	void (*on_link)(void *arg, bool up, int status);
};

struct network_setup {
	uv_loop_t *loop;
	const struct engine_ops *engine; /* of scope network */
	const char *options;             /* of the engine; copied by it */
	unsigned budget_pct;             /* of the channel; 0: no limit */
	const struct network_events *events; /* static */
	void *arg;
};

struct network_numbers {
	struct airtime_use airtime;
	struct talker_use loudest; /* of the peers */
	unsigned offers;
	unsigned downloads;  /* that move */
	unsigned held;       /* that wait for airtime */
	unsigned asleep;     /* that wait for their device to wake */
	uint64_t frames_out; /* taken by the driver */
	uint64_t frames_in;
};

/* Whether a network with this engine can be had over links of this driver, as far
 * as both say it of themselves. 0, ERR_TRANSPORT_NEEDS, ERR_TRANSPORT_PARAMETER
 * or -EINVAL (as below); the fault says why. */
int network_check(const struct engine_ops *engine,
	const struct transport_driver *driver, struct fault *fault);

/* 0, -ENOMEM, -EINVAL (an engine of another scope, or a channel text that is
 * none), or the engine's refusal of its options. */
int network_open(const struct network_setup *setup, struct network **ret,
	struct fault *fault);

/* Its members must be closed, and its transport be closed afterwards: it goes
 * when the last of its requests has ended. NULL is allowed. */
void network_close(struct network *n);

/* The instance is up: the link is opened, and tried again until it is there. */
void network_up(struct network *n, struct transport *transport);
/* The instance is gone, with its links. */
void network_down(struct network *n);

/* While paused the engine believes that the link is down: no answer leaves it,
 * and devices that ask do so again. For the time in which jobs are put away and
 * fetched back. */
void network_pause(struct network *n, bool paused);

/* Whether the any-peer link is there. */
bool network_is_served(const struct network *n);

/* FERRY_SECURITY_* of the any-peer link, the lowest since it came up; -1 while
 * it is not there. No network has none. */
int network_security(const struct network *n);

/* What the owner of the instance passes on, of the link that is owned. No
 * network owns none. */
bool network_owns(const struct network *n, uint64_t link);
void network_message(struct network *n, const struct ferry_message *message);
void network_link_down(struct network *n, int status);
void network_link_changed(struct network *n, const struct ferry_link *record);

struct network_peer {
	const char *key;
	bool gone, sleepy, group, joined; /* as ENGINE_PEER has them */
};

void network_peer(struct network *n, const struct network_peer *peer);
void network_quirks(struct network *n, const char *source, struct bytes rows);

/* Opens an offer for a peer: a session like any other. Of the setup it takes
 * options (of the class), job, goal, reached, failed, return_ms, image, cache,
 * prefix, cached, allow_downgrade, events and arg; `locate` and `on_up` are
 * not called. The result counts image bytes only. 0, -EBUSY (the peer has one), -ENOBUFS
 * (too many), -EINVAL or -ENOMEM. */
int network_offer(struct network *n, const char *peer,
	const struct session_setup *setup, struct session **ret);

void network_count(struct network *n, struct network_numbers *ret);

#endif

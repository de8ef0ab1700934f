/* For those who make sessions: what a kind of session is, beneath session.h.
 *
 * A kind embeds `struct session` as the first member of its own object, sets
 * `ops` in its constructor and keeps every promise of session.h, the order of
 * callbacks above all. There are three: a device with a link and an engine of
 * its own (session_device.c), a member of a network that many share
 * (network.h), and a delegate, which hands the job to another program. */
#ifndef FERRY_GATEWAY_RELAY_SESSION_KIND_H
#define FERRY_GATEWAY_RELAY_SESSION_KIND_H

#include "gateway/relay/session.h"

struct session_ops {
	void (*go)(struct session *s, enum engine_stage stage, bool skip);
	void (*withdraw)(struct session *s);
	/* Never called twice. `on_closed` may be NULL. */
	void (*close)(struct session *s, void (*on_closed)(void *arg),
		void *arg);
	uint32_t (*security)(const struct session *s);

	/* Those below may be NULL: a kind without a link of its own. */
	void (*poke)(struct session *s);
	bool (*owns)(const struct session *s, const struct transport *transport,
		uint64_t link);
	void (*on_message)(struct session *s,
		const struct ferry_message *message);
	void (*on_link_down)(struct session *s);
	void (*on_link_changed)(struct session *s,
		const struct ferry_link *record);
};

struct session {
	const struct session_ops *ops; /* static */
	bool closing;                  /* of session.c */
};

#endif

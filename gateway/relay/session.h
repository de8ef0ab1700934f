/* One task with one device, however it is reached: a job, or reading what the
 * device runs.
 *
 * There are kinds of sessions, each with its own constructor; this header is
 * what their owner sees of them all. A session carries out what its engine
 * wants, feeds it with leaf-checked bytes of the image (read one window ahead on
 * the pool), and follows the device over restarts and lost links. It decides
 * nothing: stages, progress and the result go to its owner, who answers
 * session_go().
 *
 *   session_open() -> on_stage -> session_go() ... -> on_result
 *   session_close() at any time; on_closed is the last callback
 *
 * session_open() makes the kind that has a link and an engine of scope device to
 * itself; network_offer() of network.h makes a member of a network.
 *
 * After on_result the session is idle and must be closed. Callbacks never come
 * from inside a function of this header, but for on_stage, on_facts, on_progress
 * and on_wait, which may come from session_go(); all functions may be called
 * from any callback. Loop thread only. */
#ifndef FERRY_GATEWAY_RELAY_SESSION_H
#define FERRY_GATEWAY_RELAY_SESSION_H

#include <uv.h>

#include "devices/engine.h"
#include "store/cache.h"
#include "transports/host.h"

#define SESSION_CHANNEL_MAX 8

struct session;

struct session_result {
	enum engine_outcome outcome;
	const struct engine_facts *facts;     /* never NULL */
	const struct engine_failure *failure; /* NULL when there is none */
	uint64_t bytes_sent;     /* to the driver, framing included */
	uint64_t bytes_received;
	uint64_t bytes_repeated; /* image bytes that the engine asked for twice */
	uint32_t security;       /* lowest level of the link seen */
};

struct session_events {
	void (*on_up)(void *arg);
	void (*on_stage)(void *arg, enum engine_stage stage,
		const struct engine_facts *facts);
	void (*on_progress)(void *arg, uint64_t offset, uint64_t total);
	void (*on_facts)(void *arg, const struct engine_facts *facts);
	void (*on_result)(void *arg, const struct session_result *result);
	/* Why nothing moves, for people; ENGINE_WAIT_NONE: it moves. `until_ms`
	 * is of the loop's clock, ENGINE_NEVER: not known. */
	void (*on_wait)(void *arg, enum engine_wait wait, int64_t until_ms);

	/* Where the device is now: fills in a transport instance that is up and
	 * the key of the peer, or returns -EAGAIN when it is nowhere. Asked at
	 * every connect, so that a device may come back elsewhere. Not asked by
	 * kinds without a link of their own. */
	int (*locate)(void *arg, struct transport **ret_transport,
		char *ret_peer, size_t size);
};

struct session_setup {
	uv_loop_t *loop;
	const struct engine_ops *engine;
	const char *options;           /* of the engine; copied by it */
	/* Settings of channel 0: the array is copied, the texts are borrowed
	 * for the life of the session. */
	const struct ferry_kv *channel;
	size_t channel_count; /* at most SESSION_CHANNEL_MAX */
	uint32_t min_security;
	uint32_t connect_ms; /* to be reached at first */
	uint32_t lost_ms;    /* to come back after the link was lost */
	uint64_t job;        /* 0 for inventory */
	enum engine_goal goal;
	int reached;         /* last stage that an earlier run was let do */
	unsigned failed;     /* earlier runs that came to nothing */
	uint32_t return_ms;  /* to come back after a restart; 0: the engine's */
	const char *reset_line; /* restarts it; borrowed for the session's life */
	const struct engine_image *image; /* NULL for inventory; copied */
	struct cache *cache;              /* where the image is */
	/* What is sent before the cached part, counted in image->len; borrowed
	 * until session_close(). `cached` names that part when there is such a
	 * prefix; NULL: image->sha256 does. */
	struct bytes prefix;
	const uint8_t *cached;
	bool allow_downgrade; /* members of a network: a person ordered it */
	const struct session_events *events; /* static */
	void *arg;
};

/* Begins at once. 0, -ENOMEM, or the engine's refusal of its options. */
int session_open(const struct session_setup *setup, struct session **ret,
	struct fault *fault);

/* Lets the engine do the stage that it announced last. `skip`: CONFIRM only, do
 * not confirm. */
void session_go(struct session *s, enum engine_stage stage, bool skip);

/* Asks the engine to stop at a safe point; on_result follows. */
void session_withdraw(struct session *s);

/* Disconnects and frees. NULL is allowed: on_closed is not called then. */
void session_close(struct session *s, void (*on_closed)(void *arg), void *arg);

/* The lowest level of the link seen so far; FERRY_SECURITY_NONE before it is up. */
uint32_t session_security(const struct session *s);

/* A peer appeared: a session that waits for its device looks again now. */
void session_poke(struct session *s);

/* What the owner of a transport instance passes on to the session that
 * session_owns() the link. */
bool session_owns(const struct session *s, const struct transport *transport,
	uint64_t link);
void session_message(struct session *s, const struct ferry_message *message);
void session_link_down(struct session *s);
void session_link_changed(struct session *s, const struct ferry_link *record);

#endif

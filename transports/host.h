/* Hosts drivers inside this process: admits their tables, lends them the loop,
 * posts their events, keeps every deadline, and gives the rest of Ferry one
 * well-behaved interface to links, however a driver behaves.
 *
 *   transport_driver_admit() or _load()           a table is checked and copied
 *   transport_open()                              an instance: create, start
 *     on_up                                       link 0 is there
 *     on_peer ...                                 peers come and go
 *     transport_connect() -> done                 a link
 *     transport_send() -> done, on_message ...
 *     on_down(link) / transport_disconnect() -> done
 *     on_down(0), on_up ...                       restarted by the host
 *   transport_close(cb)                           stop, destroy
 *
 * Everything happens on the thread of the loop. Every callback comes from the
 * loop, never from inside a function of this header, so that any of these
 * functions may be called from any callback, transport_close() too. Pointers in
 * callbacks are borrowed for the call. A request function that returns 0 is
 * followed by exactly one call of its `done`; one that returns < 0 by none. When
 * an instance ends by itself, first its requests are settled, then every link
 * goes down, then link 0. */
#ifndef FERRY_TRANSPORTS_HOST_H
#define FERRY_TRANSPORTS_HOST_H

#include <stdbool.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "ferry/transport.h"

/* Bounds of what one driver can make us hold. */
#define TRANSPORT_REQUESTS_MAX 2048u
#define TRANSPORT_LINKS_MAX 1024u
#define TRANSPORT_SENDS_WAITING_MAX 64u	    /* a link, in our queue */
#define TRANSPORT_EVENT_BYTES_MAX (1u << 18) /* messages, peers, log lines */
#define TRANSPORT_OPENS_MAX 4u

/* An admitted driver; lives until _free, which must come after the close of its
 * last instance. */
struct transport_driver;

/* Checks and copies a table. ERR_TRANSPORT_ABI (major, size, name, parameter
 * stride), ERR_TRANSPORT_OPERATION (a required one is missing), -ENOMEM; the
 * fault (may be NULL) names the field. */
int transport_driver_admit(const struct ferry_driver *table,
	struct transport_driver **ret, struct fault *fault);

/* Loads a shared object. The file must be owned by root, be a regular file, and
 * neither it nor any folder above it may be writable by group or others or owned
 * by anyone else: ERR_TRANSPORT_UNTRUSTED. It is opened once, so that what was
 * checked is what is loaded. A file that dlopen refuses or that has no
 * ferry_driver_v1: ERR_TRANSPORT_LOAD. The caller must have made sure that the
 * operator switched loading on. Runs code of the file: constructors. */
int transport_driver_load(const char *path, struct transport_driver **ret,
	struct fault *fault);

void transport_driver_free(struct transport_driver *d);

/* The admitted table: full size, missing operations NULL. */
const struct ferry_driver *transport_driver_table(
	const struct transport_driver *d);

/* Checks settings of one scope: unknown keys (the nearest known ones are named),
 * keys that come twice, required ones that are missing, types and ranges; then
 * asks the driver's check(). Makes no instance and opens nothing; the same is
 * done by each function below that takes settings. 0, ERR_TRANSPORT_PARAMETER
 * with the fault's field = the key, or -ENOMEM. */
int transport_params_check(const struct transport_driver *d, uint32_t scope,
	const struct ferry_kv *kv, size_t count, struct fault *fault);

struct transport;

/* All may be NULL. */
struct transport_events {
	/* The instance is up (again). The record is link 0's. */
	void (*on_up)(void *arg, const struct ferry_link *record);
	void (*on_peer)(void *arg, const struct ferry_peer *peer);
	void (*on_message)(void *arg, const struct ferry_message *message);
	/* Payload size, window or capabilities of a link changed. */
	void (*on_link)(void *arg, uint64_t link,
		const struct ferry_link *record);
	/* A link ended by itself; its requests have been completed. Link 0: the
	 * instance ended or could not start (`text` may name the setting). The
	 * peers that it announced are no longer known to be there.
	 * `restart_ms`: link 0 only, when it is tried again; -1: never. */
	void (*on_down)(void *arg, uint64_t link, int status, const char *text,
		int64_t restart_ms);
	/* Without it, lines go to base/log as module "driver". */
	void (*on_log)(void *arg, enum log_level level, const char *text);
	/* A descriptor that is already open for the device path `target` (kept
	 * over a restart of the daemon), which the callee gives away, or -1.
	 * Only asked for devices that are worth keeping: an own serial port, not
	 * a borrowed one. The driver is told, so that it does not reset the
	 * board. */
	int (*adopt)(void *arg, const char *target);
	/* A device that is worth keeping was opened (not adopted); `fd` is
	 * borrowed, to be duplicated into a descriptor store. */
	void (*opened)(void *arg, const char *target, int fd);
};

struct transport_config {
	const struct transport_driver *driver;
	const char *name;	   /* of the instance, 1..31 bytes */
	const struct ferry_kv *kv; /* scope INSTANCE; copied */
	size_t kv_count;
	uint64_t needs; /* capabilities without which it is of no use */
	/* Destroyed, created and started again after an end or a failed start:
	 * first after restart_min_ms, doubling up to restart_max_ms. 0: never. */
	uint32_t restart_min_ms;
	uint32_t restart_max_ms;
	/* For conformance checks only: requests reach the driver unchecked and
	 * unqueued. */
	bool raw;
	const struct transport_events *events; /* copied */
	void *arg;
};

/* Makes an instance and starts it; on_up or on_down(0) follows.
 * ERR_TRANSPORT_PARAMETER, ERR_TRANSPORT_NEEDS (the table lacks a capability),
 * -EINVAL (name), -ENOMEM. */
int transport_open(uv_loop_t *loop, const struct transport_config *config,
	struct transport **ret, struct fault *fault);

/* Stops it: outstanding requests complete (ECANCELED or as they ended), no
 * on_down comes, then `on_closed` (may be NULL) is called as the last thing and
 * the instance is gone. Takes at most two seconds, whatever the driver does.
 * Once. */
void transport_close(struct transport *t, void (*on_closed)(void *arg),
	void *arg);

enum transport_state {
	TRANSPORT_STARTING,
	TRANSPORT_UP,
	TRANSPORT_DOWN, /* waiting for its restart, or ended for good */
	TRANSPORT_CLOSING,
};

enum transport_state transport_state(const struct transport *t);
const char *transport_name(const struct transport *t);

/* The end of a request. `result->status` is 0, -errno or ERR_TRANSPORT_*;
 * -ETIMEDOUT when its deadline passed. `result->link` is filled for connect and
 * send, `result->record` for connect, counters for stats. */
#define TRANSPORT_DONE(name) \
	void (*name)(void *arg, const struct ferry_result *result)

/* What connect shall make; all borrowed for the call. */
struct transport_connect {
	const char *peer; /* NULL: any peer */
	const struct ferry_channel_spec *channels;
	size_t channel_count;
	uint64_t needs; /* capabilities that the link must have */
	uint32_t min_security;
	uint32_t deadline_ms; /* 0: none; it then pends until the peer is seen */
};

/* `ret_token` (may be NULL) gets the number for transport_cancel(). After a
 * `done` with status 0 the link `result->link` exists. A link that lacks one of
 * `needs` is disconnected again: ERR_TRANSPORT_NEEDS. Returns 0, -ENOTCONN (the
 * instance is not up), -ENOBUFS (too many links or requests), -EINVAL,
 * ERR_TRANSPORT_PARAMETER, ERR_TRANSPORT_NEEDS, -ENOMEM. */
int transport_connect(struct transport *t, const struct transport_connect *c,
	TRANSPORT_DONE(done), void *arg, uint64_t *ret_token);

struct transport_send {
	uint64_t link;
	uint32_t channel;
	uint32_t until;	    /* FERRY_TAKEN.. */
	const char *to;	    /* any-peer links only */
	struct bytes reply; /* handle of the message answered, or empty */
	struct bytes data;  /* copied */
	uint32_t deadline_ms; /* 0: none */
};

/* Sends at once while the windows (of the channel and of link 0) have room;
 * otherwise it waits here, in order on its channel, links taking turns, and
 * counts its deadline. Returns 0, -ENOTCONN (no such link), -EINVAL (channel,
 * empty), -EMSGSIZE (longer than the channel's payload), -ENOBUFS (too many
 * waiting), -ENOMEM. */
int transport_send(struct transport *t, const struct transport_send *s,
	TRANSPORT_DONE(done), void *arg, uint64_t *ret_token);

/* How many sends a channel would take to the driver right now. */
unsigned transport_room(const struct transport *t, uint64_t link,
	uint32_t channel);

/* The record of a live link (0: the instance), or NULL. Valid until control
 * returns to the loop. */
const struct ferry_link *transport_link(const struct transport *t,
	uint64_t link);

/* The outstanding sends complete first; those that still wait here are cancelled.
 * From the call on neither on_message nor on_down names the link. An unknown link
 * is a success. */
int transport_disconnect(struct transport *t, uint64_t link,
	TRANSPORT_DONE(done), void *arg);

/* One at a time (-EBUSY). Peers come by on_peer. */
int transport_scan(struct transport *t, uint32_t ms, const struct ferry_kv *kv,
	size_t count, TRANSPORT_DONE(done), void *arg, uint64_t *ret_token);

/* Settings of scope SET on a live link, in order. `deadline_ms` 0: none. */
int transport_set(struct transport *t, uint64_t link, const struct ferry_kv *kv,
	size_t count, uint32_t deadline_ms, TRANSPORT_DONE(done), void *arg,
	uint64_t *ret_token);

/* The counters of the driver. */
int transport_stats(struct transport *t, TRANSPORT_DONE(done), void *arg);

/* What the host itself counted since transport_open(). */
struct transport_counters {
	uint64_t sends, messages, peers, bytes_sent, bytes_received;
	uint64_t dropped_messages, dropped_peers, dropped_log_lines;
	uint64_t deadlines, breaches, restarts;
};

void transport_counters(const struct transport *t,
	struct transport_counters *ret);

/* Asks the driver to end a request early. `done` still comes, with what really
 * happened. A token that is unknown or complete means nothing. */
void transport_cancel(struct transport *t, uint64_t token);

#endif

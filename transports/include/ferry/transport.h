/* The interface between a Ferry gateway and a driver: code that moves bytes
 * between the gateway and devices it can reach over one serial port, one radio
 * or one bus. Drivers are linked in, or are shared objects that export
 * ferry_driver_v1().
 *
 * Only <stddef.h> and <stdint.h> are needed. No type of Ferry or of an event
 * loop crosses. Version 1.x only ever appends: to tables, to records, to lists
 * of numbers.
 *
 * Nine rules carry the rest:
 *
 * 1. Every pointer, in both directions, is borrowed for the call. Who needs
 *    the bytes longer copies them.
 * 2. A request that returns 0 ends in exactly one complete() with its token;
 *    one that returns < 0 ends in none and has had no effect.
 * 3. Events are posted, never delivered inside a driver call. Host functions
 *    only record, so a driver may call any of them anywhere on its thread,
 *    complete() inside the request too. The host is never re-entered, and no
 *    driver operation is called from inside a host function.
 * 4. A completion gives its window slot back. So it never comes before the slot
 *    is really free, whatever level was asked for.
 * 5. Link 0 is the instance itself (the radio, the port). Its DOWN is the last
 *    event of an instance.
 * 6. Names cross, handles do not: peers are key strings; tokens and links are
 *    numbers that the host chose, never 0, never used twice.
 * 7. One thread: every operation is called on the thread that called create(),
 *    and every host function is called from it. Only wake() may be called from
 *    any other.
 * 8. The host owns the deadline of every request (it calls cancel()); the
 *    driver owns the timers of its wire, on timers that the host lends.
 * 9. This interface is stable; the messages by which a host talks to a driver
 *    in a process of its own are not: both ends are Ferry's, of one build. A
 *    driver cannot tell and need not know where it runs.
 *
 * Strings are UTF-8 with a NUL at the end, or NULL for "none". Times are
 * microseconds of CLOCK_MONOTONIC where named _us. Every record and table
 * starts with its `size`: the sender sets it to sizeof, the receiver reads only
 * so many bytes and takes what is missing as zero. */
#ifndef FERRY_TRANSPORT_H
#define FERRY_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FERRY_ABI_MAJOR 1u
#define FERRY_ABI_MINOR 0u
#define FERRY_ABI (FERRY_ABI_MAJOR << 16 | FERRY_ABI_MINOR)

/* Limits that the host checks and a driver may rely on. */
#define FERRY_KEY_MAX 63u	 /* bytes in the key of a peer, printable */
#define FERRY_REPLY_MAX 32u	 /* bytes in a reply handle */
#define FERRY_CHANNELS_MAX 8u	 /* channels of a link */
#define FERRY_PAYLOAD_MAX 65535u /* bytes of one send or message */
#define FERRY_WINDOW_MAX 64u	 /* sends outstanding on a channel */
#define FERRY_COUNTERS_MAX 32u	 /* counters in a stats completion */
#define FERRY_ATTRIBUTES_MAX 32u /* attributes of a peer */
#define FERRY_TEXT_MAX 255u	 /* bytes of a log line or explanation */
#define FERRY_WATCHES_MAX 16u	 /* watches of an instance */
#define FERRY_TIMERS_MAX 32u	 /* timers of an instance */

/* Status of a completion or of a DOWN. Besides 0 and the numbers below it is
 * -errno of this closed list: ECANCELED, EINVAL, ENOSYS, EOPNOTSUPP, ENOTCONN,
 * EMSGSIZE, ENOBUFS, ENOMEM, EBUSY, EEXIST, ENODEV, ENOENT, EHOSTUNREACH,
 * ECONNREFUSED, ECONNRESET, ETIMEDOUT, EACCES, EPERM, EPROTO, EIO. The host
 * turns any other number into EIO. The radio's own code goes to `native`. */
#define FERRY_NOT_DELIVERED (-5501) /* sent, but the peer did not take it */
#define FERRY_NOT_NOW (-5502)	    /* try again after `retry_after_ms` */
#define FERRY_SECURITY (-5503)	    /* the security asked for is not reachable */
#define FERRY_DRIVER_DIED (-5504)   /* by the host only */
#define FERRY_CONTRACT (-5505)	    /* by the host only: a rule was broken */

/* What a driver, an instance or a link can do. Capabilities narrow: the table
 * says what the code can do at best, link 0's record what this hardware can, a
 * link's record what that link can. */
#define FERRY_CAP_STREAM (1ull << 0)	/* links carry a stream of bytes */
#define FERRY_CAP_DATAGRAM (1ull << 1)	/* links carry datagrams */
#define FERRY_CAP_PEERS (1ull << 2)	/* more than one peer link at a time */
#define FERRY_CAP_CHANNELS (1ull << 3)	/* more than one channel on a link */
#define FERRY_CAP_ANY_PEER (1ull << 4)	/* connect() without a peer */
#define FERRY_CAP_GROUP (1ull << 5)	/* announces peers that are groups */
#define FERRY_CAP_REPLY (1ull << 6)	/* messages carry reply handles */
#define FERRY_CAP_SCAN (1ull << 7)	/* scan() finds peers */
#define FERRY_CAP_SENT (1ull << 8)	/* can reach FERRY_SENT */
#define FERRY_CAP_DELIVERED (1ull << 9) /* can reach FERRY_DELIVERED */
#define FERRY_CAP_AIRTIME (1ull << 10)	/* completions report airtime */
#define FERRY_CAP_SET (1ull << 11)	/* set() knows keys */
#define FERRY_CAP_LINES (1ull << 12)	/* set() drives DTR, RTS and break */
#define FERRY_CAP_RATE (1ull << 13)	/* set() changes the rate of the line */
#define FERRY_CAP_HOTPLUG (1ull << 14)	/* peers come and go with hardware */

/* How far a send has got, and how far it shall get before it completes. */
#define FERRY_TAKEN 1u	   /* taken by the system below the driver */
#define FERRY_SENT 2u	   /* has left this machine or its radio */
#define FERRY_DELIVERED 3u /* the peer's radio has acknowledged it */

/* Security of a link or of one message. */
#define FERRY_SECURITY_NONE 0u
#define FERRY_SECURITY_NETWORK 1u	/* a key that all peers share */
#define FERRY_SECURITY_LINK 2u		/* a key of this pair */
#define FERRY_SECURITY_AUTHENTICATED 3u /* and it is known whose */

/* How lasting the key of a peer is. */
#define FERRY_ID_EPHEMERAL 0u /* changes by itself (private address) */
#define FERRY_ID_PLACE 1u     /* names a place (a port), not what is there */
#define FERRY_ID_HARDWARE 2u  /* burnt in, can be imitated */
#define FERRY_ID_BONDED 3u    /* proved by a key */

#define FERRY_PEER_GROUP (1u << 0)  /* many devices; never DELIVERED */
#define FERRY_PEER_SLEEPY (1u << 1) /* listens only now and then */
#define FERRY_PEER_GONE (1u << 2)   /* no longer there */

#define FERRY_MESSAGE_BROADCAST (1u << 0) /* was not meant for us alone */

/* Before a DOWN every send and set of the link has completed; after it no event
 * names the link. For link 0 that is the host's business: it settles the rest. */
#define FERRY_LINK_DOWN 1u    /* the link has ended; `status` says why */
#define FERRY_LINK_CHANGED 2u /* `record` holds from now on */

#define FERRY_READ (1u << 0)
#define FERRY_WRITE (1u << 1)
#define FERRY_HANGUP (1u << 2) /* reported only; with FERRY_READ */

#define FERRY_OPEN_KEEP (1u << 0) /* flag of open_device() */
#define FERRY_OPEN_KEPT 1	  /* result of on_opened() */

#define FERRY_LOG_ERROR 0u
#define FERRY_LOG_WARN 1u
#define FERRY_LOG_INFO 2u
#define FERRY_LOG_DEBUG 3u

/* One setting. Final: this record never grows. */
struct ferry_kv {
	const char *key;
	const char *value;
};

/* One named number of stats(). Final. */
struct ferry_counter {
	const char *name;
	uint64_t value;
};

/* One setting that a driver understands; static data, so that a configuration
 * can be checked without an instance. What types and ranges cannot say is
 * check()'s; start() and connect() check what needs the device. */
#define FERRY_SCOPE_INSTANCE (1u << 0) /* start() */
#define FERRY_SCOPE_CHANNEL (1u << 1)  /* connect(), per channel */
#define FERRY_SCOPE_SCAN (1u << 2)     /* scan() */
#define FERRY_SCOPE_SET (1u << 3)      /* set() */

#define FERRY_TYPE_TEXT 0u   /* range: unused */
#define FERRY_TYPE_UINT 1u   /* decimal; range "LOW..HIGH" */
#define FERRY_TYPE_BOOL 2u   /* "yes" or "no" */
#define FERRY_TYPE_CHOICE 3u /* range "one|two|three" */
#define FERRY_TYPE_SECRET 4u /* text that is never logged or shown */

#define FERRY_PARAM_REQUIRED (1u << 0)

struct ferry_param {
	uint32_t scope; /* FERRY_SCOPE_*, several */
	uint32_t type;	/* FERRY_TYPE_* */
	uint32_t flags; /* FERRY_PARAM_* */
	uint32_t zero;
	const char *name;
	const char *range;
	const char *preset; /* or NULL; scope INSTANCE: what the host adds to
			     * the settings of start() that lack it */
	const char *help;   /* one sentence */
};

struct ferry_channel {
	uint32_t size;
	uint32_t max_payload; /* bytes of one send; only the driver's own
			       * headers are subtracted */
	uint32_t window;      /* sends that may be outstanding, 1.. */
	uint32_t level;	      /* the best FERRY_TAKEN.. that can be reached */
};

/* What a link is like. For link 0 (the record of start()): one channel entry
 * whose window bounds the sends outstanding on all links together. */
struct ferry_link {
	uint32_t size;
	uint32_t security; /* reached, FERRY_SECURITY_* */
	uint64_t caps;
	const struct ferry_channel *channels;
	uint32_t channel_count;	 /* as many as connect() asked for */
	uint32_t channel_stride; /* bytes from one to the next */
	const char *text;	 /* for people: "ttyUSB0, 115200 8N1" */
};

/* The end of one request. */
struct ferry_result {
	uint32_t size;
	int32_t status;
	uint64_t token;
	uint64_t link;	/* filled by the host: the link of connect(), send() */
	uint64_t done;	/* send on a stream: bytes that went before a cancel */
	uint64_t at_us; /* when it came true; 0: when it arrives */
	uint32_t level; /* send: what was reached, FERRY_TAKEN.. */
	uint32_t airtime_us;
	uint32_t retry_after_ms; /* with FERRY_NOT_NOW */
	int32_t native;		 /* the radio's or bus's own code */
	const char *key;	 /* the setting at fault */
	const char *text;	 /* an explanation for people */
	const struct ferry_link *record; /* start(), connect() */
	const struct ferry_counter *counters; /* stats() */
	uint32_t counter_count;
	uint32_t zero;
};

/* A device that may be reached. Complete and repeatable: the last one counts. */
struct ferry_peer {
	uint32_t size;
	uint32_t flags;	  /* FERRY_PEER_* */
	uint32_t id_kind; /* FERRY_ID_* */
	int32_t rssi_dbm; /* 0: not known */
	const char *key;  /* 1..63 printable bytes, may be kept for years */
	const char *was;  /* a former key that this one replaces */
	const char *address; /* where it is now; only for people */
	const char *name;    /* what it calls itself */
	const struct ferry_kv *attributes;
	uint32_t attribute_count;
	uint32_t zero;
};

struct ferry_message {
	uint32_t size;
	uint32_t channel;
	uint64_t link;
	const char *peer; /* who sent it; needed on an any-peer link */
	const uint8_t *reply;
	uint32_t reply_len; /* at most FERRY_REPLY_MAX */
	uint32_t flags;	    /* FERRY_MESSAGE_* */
	uint32_t security;  /* of this message */
	uint32_t airtime_us;
	uint64_t at_us; /* when its last byte arrived */
	const uint8_t *data;
	uint32_t len; /* 1.. */
	uint32_t zero;
};

struct ferry_link_event {
	uint32_t size;
	uint32_t event; /* FERRY_LINK_* */
	uint64_t link;
	int32_t status;
	uint32_t zero;
	const char *text;
	const struct ferry_link *record; /* with FERRY_LINK_CHANGED */
};

/* What connect() shall make. `channels` lists, for each channel number, the
 * settings that say what it is (UUIDs, endpoint and cluster, line settings). */
struct ferry_channel_spec {
	const struct ferry_kv *kv;
	uint32_t count;
	uint32_t zero;
};

struct ferry_connect {
	uint32_t size;
	uint32_t min_security;
	uint64_t link;	  /* the number of the new link */
	const char *peer; /* NULL: messages of any peer */
	const struct ferry_channel_spec *channels; /* final record, no stride */
	uint32_t channel_count;			   /* 1.. */
	uint32_t zero;
};

struct ferry_send {
	uint32_t size;
	uint32_t channel;
	uint64_t link;
	uint32_t until; /* FERRY_TAKEN.. ; more than can be reached: the best */
	uint32_t reply_len;
	const uint8_t *reply; /* of the message that this answers, or NULL */
	const char *to;	      /* on an any-peer link without `reply` */
	const uint8_t *data;
	uint32_t len; /* 1..max_payload */
	uint32_t zero;
};

/* The host's side of an instance; opaque. First argument of host functions. */
struct ferry_owner;

/* What the host lends. Static for the life of the instance. A driver that was
 * built for a newer minor version looks at `size` before it uses a function
 * that came later than 1.0; all of the ones below are there. */
struct ferry_host {
	uint32_t size;
	uint32_t abi;

	/* These five cross into the host in call order. They copy what they
	 * need and only record. */
	void (*complete)(struct ferry_owner *o, const struct ferry_result *r);
	void (*on_peer)(struct ferry_owner *o, const struct ferry_peer *p);
	void (*on_message)(struct ferry_owner *o,
		const struct ferry_message *m);
	void (*on_link)(struct ferry_owner *o,
		const struct ferry_link_event *e);
	/* One finished line, at most FERRY_TEXT_MAX bytes (the rest is cut). */
	void (*log)(struct ferry_owner *o, uint32_t level, const char *text);

	/* CLOCK_MONOTONIC in microseconds, or a virtual clock. */
	uint64_t (*now_us)(struct ferry_owner *o);

	/* Watches a descriptor of the driver, level-triggered: on_ready() is
	 * called while one of `events` (FERRY_READ | FERRY_WRITE) holds. `arg`
	 * comes back unchanged. Returns a number above 0 or -errno. One watch
	 * a descriptor. After a hang-up, which comes once as FERRY_READ |
	 * FERRY_HANGUP, the watch is off: read what is left, then unwatch. */
	int (*watch)(struct ferry_owner *o, int fd, uint32_t events,
		uint64_t arg);
	/* Changes what is watched; 0 pauses. 0 or -errno. */
	int (*watch_set)(struct ferry_owner *o, int watch, uint32_t events);
	/* Final at return: on_ready() never comes again for it. Unwatch before
	 * the descriptor is closed. */
	void (*unwatch)(struct ferry_owner *o, int watch);

	/* A timer, off at first. Returns a number above 0 or -errno. */
	int (*timer)(struct ferry_owner *o, uint64_t arg);
	/* One on_timer() after `delay_ms`; a new call replaces the old one,
	 * below 0 turns it off. 0 or -errno. */
	int (*timer_set)(struct ferry_owner *o, int timer, int64_t delay_ms);
	/* Final at return. */
	void (*timer_free)(struct ferry_owner *o, int timer);

	/* Any thread: on_wake() will be called at least once after it. Must not
	 * be called after destroy() began. */
	void (*wake)(struct ferry_owner *o);

	/* Asks the host to open something, for drivers that have no right or
	 * no way to do it without blocking. Answered by one on_opened() with
	 * the same `request` (a number of the driver's choice). `target`:
	 *   "/dev/..." or a path that is a setting of this instance: a device,
	 *        opened read-write, non-blocking, not as controlling terminal
	 *   "tcp://HOST:PORT": a connected socket; names are looked up
	 *   "seqpacket:PATH": a connected Unix socket of that kind
	 * `flags`: FERRY_OPEN_KEEP for a device that is better left open while
	 * the gateway restarts; the driver still closes its descriptor.
	 * 0, or -errno when it cannot even be tried (no answer then): EINVAL,
	 * EACCES, ENOBUFS (more than 4 at a time), ENOMEM. */
	int (*open_device)(struct ferry_owner *o, uint64_t request,
		uint32_t flags, const char *target);
	/* Gives up a request of open_device(); no on_opened() will come. */
	void (*open_cancel)(struct ferry_owner *o, uint64_t request);
};

/* The driver. A static table that ferry_driver_v1() returns. The host copies
 * min(size) bytes of it into a zeroed one of its own; an operation that is
 * missing or NULL is "not offered", which only those marked (optional) may
 * be. `self` is what create() returned. No operation blocks. */
struct ferry_driver {
	uint32_t size;
	uint32_t abi;	     /* FERRY_ABI of the header it was built with */
	uint64_t caps;	     /* FERRY_CAP_*, at best */
	const char *name;    /* [a-z0-9-]{1,31} */
	const char *version; /* of the driver, for people */
	const struct ferry_param *params;
	uint32_t param_count;
	uint32_t param_stride; /* sizeof(struct ferry_param) */
	/* The longest time from cancel() to the completion, in ms; 0: 2000. A
	 * host that has waited longer ends the instance. */
	uint32_t cancel_bound_ms;
	uint32_t zero;

	/* Allocates an instance: no I/O, no event, no watch. `host` and `owner`
	 * stay valid until destroy() has returned. 0 with *ret, or -ENOMEM. */
	int (*create)(const struct ferry_host *host, struct ferry_owner *owner,
		void **ret);

	/* Frees it. Comes after the completion of stop(), after DOWN of link 0,
	 * after a failed start, and when the host gives an instance up that
	 * broke a rule. Silent: calls nothing of the host but unwatch,
	 * timer_free, open_cancel and log. Frees every watch, timer and
	 * descriptor. */
	void (*destroy)(void *self);

	/* Once, first. Brings the device up with the settings of scope
	 * INSTANCE. Completes with link 0's `record`, or with a status and, as
	 * far as they apply, `key` and `text`; a failed start makes no DOWN.
	 * A missing or bad setting: EINVAL with `key`. */
	int (*start)(void *self, uint64_t token, const struct ferry_kv *kv,
		uint32_t count);

	/* Once. Ends everything: first the other outstanding requests complete
	 * (ECANCELED, or as they really ended), then this one, then nothing but
	 * log(). No DOWN, for no link. Waits for no peer. Always succeeds. */
	int (*stop)(void *self, uint64_t token);

	/* Advice, no result of its own. What only waits in the driver completes
	 * with ECANCELED at once; what is on the wire with its true result
	 * within cancel_bound_ms; a stream send that went in part with
	 * ECANCELED and `done`. A token that is unknown, 0 or already complete
	 * means nothing (it crossed). */
	void (*cancel)(void *self, uint64_t token);

	/* (optional) Looks for peers for `ms` milliseconds and reports them by
	 * on_peer(). Completes with 0 when the time is over, ECANCELED when
	 * cancelled. One at a time: EBUSY. on_peer() may come without it. */
	int (*scan)(void *self, uint64_t token, uint32_t ms,
		const struct ferry_kv *kv, uint32_t count);

	/* Makes the link `c->link`. It exists from the completion on, whose
	 * `record` describes it; a failed connect makes no DOWN. A peer that is
	 * known but not there now pends until it is there or the host cancels.
	 *   EHOSTUNREACH  there can be no such peer
	 *   EBUSY         the peer (or the any-peer link) has a link already
	 *   EINVAL        a channel setting is missing or bad, with `key`
	 *   EOPNOTSUPP    no any-peer link, or too many channels
	 *   FERRY_SECURITY  min_security cannot be reached */
	int (*connect)(void *self, uint64_t token,
		const struct ferry_connect *c);

	/* Ends a link. New sends get ENOTCONN at once; the outstanding ones
	 * complete first, with their true result or ECANCELED; then this
	 * completes with 0. Afterwards no event names the link. May take its
	 * time. An unknown link is a success: it crossed its DOWN. */
	int (*disconnect)(void *self, uint64_t token, uint64_t link);

	/* Sends 1..max_payload bytes: a datagram whole or not at all, a stream
	 * in order; FIFO on a channel. Within the windows (channel and link 0)
	 * it is never refused for want of room.
	 *   ENOTCONN  the link is unknown or ends   EMSGSIZE  longer than fits
	 *   ENOBUFS   one more than a window        EINVAL    channel, empty
	 *   EHOSTUNREACH  no `to` where one is needed, or an unknown one
	 * later: FERRY_NOT_DELIVERED, FERRY_NOT_NOW, ENODEV, ECANCELED. */
	int (*send)(void *self, uint64_t token, const struct ferry_send *s);

	/* (optional) Changes settings of scope SET on a live link, in order. An
	 * unknown key: EINVAL with `key`, and nothing has changed. */
	int (*set)(void *self, uint64_t token, uint64_t link,
		const struct ferry_kv *kv, uint32_t count);

	/* (optional) Completes with at most FERRY_COUNTERS_MAX counters that
	 * only grow since start(). */
	int (*stats)(void *self, uint64_t token);

	/* (optional) After wake(), at least once. */
	void (*on_wake)(void *self);

	/* (optional) A watch has something: `arg` of watch(), FERRY_READ,
	 * FERRY_WRITE, FERRY_HANGUP. Needed by who calls watch(). */
	void (*on_ready)(void *self, uint64_t arg, uint32_t events);

	/* (optional) A timer has run out: `arg` of timer(). Needed by who calls
	 * timer(). */
	void (*on_timer)(void *self, uint64_t arg);

	/* (optional) The answer to open_device(): a descriptor that now belongs
	 * to the driver and `result` 0, or FERRY_OPEN_KEPT if it has been open
	 * since before this gateway started: opening made no edge on its lines,
	 * so what must follow an opening (resets, waits) must not be done. Or
	 * -errno and -1. Needed by who calls open_device(). */
	void (*on_opened)(void *self, uint64_t request, int32_t result, int fd);

	/* (optional) Names of the attributes that peers of this driver may have,
	 * ending with NULL; static. With it, a rule for peers that names none of
	 * them is found to be misspelt. NULL: not told, any name may come. */
	const char *const *attributes;

	/* (optional) Holds settings of one scope (INSTANCE, SCAN, SET, or
	 * CHANNEL for one channel) against what types and ranges cannot say: the
	 * form of an address, settings that exclude each other. They are within
	 * the schema; those of INSTANCE have their presets, as for start(). So
	 * that a configuration is refused before it is used: what is refused
	 * here, start(), connect(), scan() and set() refuse too, and what they
	 * refuse for the text of their settings alone is refused here. Whether
	 * the device is there is theirs alone.
	 *
	 * Comes at any time on the host's thread, also before any create().
	 * Opens nothing, looks at nothing but its arguments, keeps nothing. 0,
	 * or -EINVAL with *ret_key, the setting at fault (static, or one of
	 * `kv`), and what it must be, written to `text` with its NUL: at most
	 * FERRY_TEXT_MAX + 1 bytes, "must be an absolute path". -ENOMEM. */
	int (*check)(uint32_t scope, const struct ferry_kv *kv, uint32_t count,
		const char **ret_key, char *text);
};

/* The one exported symbol of a shared object. `host_abi` is FERRY_ABI of the
 * host. Returns the static table, or NULL when the major version differs. */
#define FERRY_DRIVER_SYMBOL "ferry_driver_v1"
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct ferry_driver *
ferry_driver_v1(uint32_t host_abi);

#ifdef __cplusplus
}
#endif

#endif

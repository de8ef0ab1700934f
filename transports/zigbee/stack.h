/* The seam inside the driver `zigbee`: what the four ways to a ZigBee network
 * (zcl-socket, TI ZNP, Silicon Labs EZSP, deCONZ) offer to the part that all of
 * them share.
 *
 * A stack is sans-I/O: bytes of its line and the time go in, bytes for its line
 * and happenings come out through `struct zb_host`, whose functions only record.
 * It owns the protocol of its coprocessor: framing, retransmission, start-up,
 * the window of frames in flight. The shared part (driver.c, nodes.c, zdo.c)
 * owns the driver ABI, the line, the table of nodes, address and endpoint
 * resolution, the queue in front of the window, airtime.
 *
 * ZDO travels as APS frames of profile 0 and endpoint 0 in both directions, with
 * the transaction number first, as on the air; a stack whose coprocessor has
 * commands of its own for that (ZNP) translates. Device announcements are such
 * frames too (cluster 0x0013).
 *
 * EUI-64s are numbers: 0x00124b0000000001; keys of peers are their 16 lower-case
 * hexadecimal digits. Times are monotonic milliseconds. One
 * thread. All pointers are borrowed for the call. */
#ifndef FERRY_ZIGBEE_STACK_H
#define FERRY_ZIGBEE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ferry/transport.h"

#define ZB_ASDU_MAX 128u      /* longest APS payload that is sent or taken */
#define ZB_PROFILE_ZDO 0x0000u
#define ZB_PROFILE_HA 0x0104u
#define ZB_NWK_COORDINATOR 0x0000u
#define ZB_NWK_ALL_AWAKE 0xfffdu   /* all whose receiver is on when idle */
#define ZB_NWK_UNKNOWN 0xffffu     /* in records: not known */

/* The network as the coordinator has it. */
struct zb_network {
	uint64_t eui64;     /* the coordinator's */
	uint64_t ext_pan;
	uint16_t pan;
	uint8_t channel;    /* 11..26; 0: not told */
	unsigned window;    /* requests that may be in flight */
	unsigned asdu_max;  /* bytes, at most ZB_ASDU_MAX */
	bool airtime;       /* confirms and indications carry the true airtime;
			     * otherwise the shared part estimates it */
	bool by_eui64;      /* unicasts may name the peer by its EUI-64 alone,
			     * with `nwk` unknown */
	bool no_zdo;        /* frames of profile 0 do not pass: indications
			     * carry the EUI-64, the shared part asks nothing */
	char text[96];      /* for people: "Z-Stack 3.0.x 20230507" */
};

/* One APS frame that is to be sent. */
struct zb_request {
	uint32_t id;        /* chosen by the shared part, never 0 */
	uint16_t nwk;       /* unicast, or a broadcast address 0xfff8.. */
	uint64_t eui64;     /* of the unicast peer, 0: not known */
	uint16_t profile, cluster;
	uint8_t src_ep, dst_ep; /* dst_ep 0xff: all, of a broadcast */
	bool ack;           /* with APS acknowledgement */
	bool find_route;    /* the last try failed for want of a route */
	struct bytes asdu;
};

/* One APS frame that came in. */
struct zb_indication {
	uint16_t nwk;       /* of the sender; ZB_NWK_UNKNOWN with an eui64 */
	uint64_t eui64;     /* 0: the coprocessor does not say */
	uint16_t profile, cluster;
	uint8_t src_ep, dst_ep;
	bool broadcast;
	bool aps_security;  /* a link key, not the network's alone */
	uint8_t lqi;
	int8_t rssi;        /* 0: not known */
	uint32_t airtime_us; /* only with zb_network.airtime */
	struct bytes asdu;
};

/* Why a frame was not sent, in words that all stacks share. */
enum zb_sent {
	ZB_SENT_OK,        /* acknowledged by APS, or with `ack` off: on the air */
	ZB_SENT_NO_ACK,    /* on the air, not acknowledged: MAC or APS */
	ZB_SENT_NO_ROUTE,
	ZB_SENT_BUSY,      /* buffers or channel: again after a while */
	ZB_SENT_EXPIRED,   /* a sleeper did not fetch it */
	ZB_SENT_TOO_LONG,
	ZB_SENT_LOST,      /* the coprocessor restarted: nobody knows */
	ZB_SENT_FAILED,
};

struct zb_confirm {
	uint32_t id;
	enum zb_sent result;
	int native;          /* the coprocessor's own status */
	uint32_t airtime_us; /* only with zb_network.airtime */
};

/* What the stack tells. Every request that send() took is confirmed once, at the
 * latest by lost() for all of them. */
struct zb_host {
	/* Bytes for the line, in order. With a packet line: one packet. */
	void (*write)(void *arg, struct bytes data);
	/* The network is up (again): requests may come. After it was up before,
	 * everything in flight was confirmed first. */
	void (*up)(void *arg, const struct zb_network *network);
	/* The network or the coprocessor is away; the stack tries to get it
	 * back by itself and calls up() again. */
	void (*lost)(void *arg, const char *text);
	/* It cannot be done: the instance ends. `status` as in transport.h,
	 * `text` says what a person can do. */
	void (*fail)(void *arg, int status, const char *text);
	/* Set one of the line's wires (DTR, RTS) or its speed: "dtr=0 rts=1",
	 * "baud=38400". Nothing happens on lines that have none. */
	void (*line)(void *arg, const char *text);
	void (*heard)(void *arg, const struct zb_indication *i);
	void (*confirm)(void *arg, const struct zb_confirm *c);
	/* Which short address a node has now, as it has just been heard, and
	 * since when: `joined` when it has just joined or rejoined, `gone` when
	 * it left. `sleepy` is -1
	 * when this does not tell. */
	void (*node)(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
		bool joined, bool gone);
	void (*log)(void *arg, uint32_t level, const char *text);
	/* The coprocessor's own table says so. It may be an old entry: nothing
	 * follows from it where the air can be asked. */
	void (*known)(void *arg, uint64_t eui64, uint16_t nwk);
};

/* What start() needs to know; text is borrowed for create(). */
struct zb_config {
	bool form;              /* make a network if there is none */
	uint8_t channel;        /* for `form`: 11..26 */
	uint16_t pan;           /* for `form`: 0xffff any */
	uint64_t ext_pan;       /* for `form`: 0 the coordinator's own */
	uint8_t network_key[16]; /* for `form`; all zero: random, which the
				  * caller has filled in */
	unsigned window;        /* 0: what is known to be good for it */
	bool tcp;               /* no wires, no speed */
};

struct zb_stack;

struct zb_stack_ops {
	const char *name;  /* "znp" */
	bool packets;      /* its line is a seqpacket socket, not a stream */
	uint32_t baud;     /* preset of a serial line */

	int (*create)(const struct zb_config *config,
		const struct zb_host *host, void *arg, struct zb_stack **ret);
	void (*destroy)(struct zb_stack *s);

	/* The line is open. Called again after a line that was lost is back:
	 * everything starts afresh. */
	void (*start)(struct zb_stack *s, int64_t now_ms);
	void (*input)(struct zb_stack *s, int64_t now_ms, struct bytes data);
	void (*time)(struct zb_stack *s, int64_t now_ms);
	int64_t (*deadline)(const struct zb_stack *s); /* INT64_MAX: none */

	/* 0: taken, confirm() follows, never from inside. -EBUSY: the window is
	 * full, or the line is not ready; -EMSGSIZE. */
	int (*send)(struct zb_stack *s, int64_t now_ms,
		const struct zb_request *r);
	/* Requests that send() would take now. */
	unsigned (*room)(const struct zb_stack *s);
	/* The end: nothing is waited for; a last word may be written. */
	void (*stop)(struct zb_stack *s, int64_t now_ms);

	/* Up to FERRY_COUNTERS_MAX - 8 names and numbers that only grow. */
	unsigned (*counters)(const struct zb_stack *s,
		struct ferry_counter *ret, unsigned max);
};

/* For those who write stacks. */

/* The answer of counters(): of a table, what has room. */
static inline unsigned zb_counters_fill(struct ferry_counter *ret,
	unsigned max, const struct ferry_counter *table, size_t count)
{
	unsigned n = count < max ? (unsigned)count : max;

	memcpy(ret, table, n * sizeof(*table));
	return n;
}

/* Of two deadlines. */
static inline int64_t zb_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

extern const struct zb_stack_ops zb_socket_stack; /* "zcl-socket" */
extern const struct zb_stack_ops zb_znp_stack;
extern const struct zb_stack_ops zb_ezsp_stack;
extern const struct zb_stack_ops zb_deconz_stack;

#endif

/* The host's end of ASH, the reliable link below EZSP: every frame that was sent
 * arrives once and in order, or the link goes down (Silicon Labs UG101).
 *
 * Sans-I/O: bytes of the line and the time go in; bytes for the line, frames and
 * the state of the link come out through `struct ash_host`. Embedded in its
 * owner; ash_init() to nothing. One thread. Host functions may call ash_send()
 * and ash_reset(); what is written inside of one entry goes out in one write at
 * its end. Times are monotonic milliseconds.
 *
 *   DOWN --ash_reset()--> RESETTING --RSTACK--> CONNECTED
 *     ^                       |                     |
 *     +----- no RSTACK -------+--- ERROR, no ACK ---+
 *
 * An RSTACK while CONNECTED says that the coprocessor restarted by itself: its
 * numbers start again, so do ours, and on_up() is called once more. */
#ifndef FERRY_ZIGBEE_ASH_H
#define FERRY_ZIGBEE_ASH_H

#include "transports/zigbee/ash_frame.h"

#define ASH_WINDOW_MAX 7u
#define ASH_WINDOW_PRESET 3u
#define ASH_RSTACK_MS 5000
#define ASH_ACK_MS_FIRST 1600 /* until acknowledgements were timed */
#define ASH_ACK_MS_MIN 400
#define ASH_ACK_MS_MAX 3200
#define ASH_TRIES_MAX 5       /* timeouts in a row */
#define ASH_HOLD_MS 2040      /* how long "not ready" is believed */

enum ash_down {
	ASH_DOWN_SILENT,  /* no RSTACK came */
	ASH_DOWN_ERROR,   /* the coprocessor says that it failed; code */
	ASH_DOWN_TIMEOUT, /* ASH_TRIES_MAX sendings were not acknowledged */
	ASH_DOWN_VERSION, /* another version of ASH; code */
};

struct ash_host {
	void (*write)(void *arg, struct bytes data);
	/* A whole EZSP frame. */
	void (*on_data)(void *arg, struct bytes data);
	/* The link is up, everything queued before is forgotten. */
	void (*on_up)(void *arg, uint8_t reason);
	/* It is down; it stays so until ash_reset(). */
	void (*on_down)(void *arg, enum ash_down why, uint8_t code);
};

enum ash_state { ASH_STATE_DOWN, ASH_STATE_RESETTING, ASH_STATE_CONNECTED };

/* Numbers that only grow. */
struct ash_stats {
	uint64_t sent;      /* DATA frames, first sendings */
	uint64_t resent;
	uint64_t received;  /* DATA frames that were new */
	uint64_t damaged;   /* bad CRC, length or control */
	uint64_t repeated;  /* DATA frames out of turn */
	uint64_t naks;      /* sent by us */
	uint64_t resets;    /* RSTACKs */
};

struct ash {
	const struct ash_host *host;
	void *arg;
	enum ash_state state;
	unsigned window;
	struct ash_stats stats;

	struct ash_decoder decoder;

	/* Frames by number: [acked, next) are unacknowledged, [next, end) wait
	 * for the window; modulo 8, never more than 7 of both. */
	struct {
		uint8_t at[ASH_DATA_MAX];
		uint8_t len;
	} queue[8];
	uint8_t acked, next, end;
	uint8_t expected;  /* next number of the other end */
	bool rejecting;    /* NAK is out, frames out of turn are dropped */
	bool nak_heeded;   /* frames were sent again since `acked` moved */
	bool resending;    /* `acked` was sent more than once */
	bool owe_ack, owe_nak;
	unsigned tries;    /* timeouts since `acked` moved */
	int64_t ack_ms;    /* present timeout */
	int64_t sent_at;   /* start of the running timeout */
	int64_t due;       /* of RSTACK or acknowledgement; INT64_MAX: none */
	int64_t hold_until; /* not ready; 0: it is ready */
	int64_t now;

	unsigned depth;    /* inside of an entry */
	uint8_t out[4 * ASH_WIRE_MAX];
	size_t out_len;
};

/* `window`: 1 to ASH_WINDOW_MAX unacknowledged DATA frames. */
void ash_init(struct ash *a, const struct ash_host *host, void *arg,
	unsigned window);

/* Forgets everything and asks the coprocessor to reset itself. */
void ash_reset(struct ash *a, int64_t now);

void ash_input(struct ash *a, int64_t now, struct bytes data);
void ash_time(struct ash *a, int64_t now);
int64_t ash_deadline(const struct ash *a);

/* Queues a frame of ASH_DATA_MIN to ASH_DATA_MAX bytes and sends it as soon as
 * the window allows. Returns 0, -ENOTCONN, -EBUSY (7 are queued) or
 * -EMSGSIZE. */
int ash_send(struct ash *a, int64_t now, struct bytes data);

/* DATA frames that are not acknowledged yet. */
unsigned ash_queued(const struct ash *a);

#endif

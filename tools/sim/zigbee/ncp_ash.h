/* The coprocessor's end of ASH, the framing of Silicon Labs' EZSP on a serial
 * line: byte stuffing, CRC, randomised data, numbers and acknowledgements, a
 * window of frames that are sent again until the host has them, the FAILED state.
 *
 * Sans-I/O. What the host sends comes out through `struct ash_ops`; what goes to
 * the host is asked for when there is room (`next`), so nothing queues here but
 * the window. Embedded in its owner, no resources. Shares no code with the
 * gateway's host side. One thread. Times are nanoseconds. */
#ifndef FERRY_SIM_ZIGBEE_NCP_ASH_H
#define FERRY_SIM_ZIGBEE_NCP_ASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASH_DATA_MIN 3u
#define ASH_DATA_MAX 220u
#define ASH_WINDOW 5u
#define ASH_TIMEOUTS_MAX 3u

/* Reasons in RSTACK and ERROR frames. */
#define ASH_RESET_EXTERNAL 0x01u
#define ASH_RESET_SOFTWARE 0x0bu
#define ASH_ERROR_ACK_TIMEOUTS 0x51u

struct ash_ops {
	/* The host has reset the coprocessor. */
	void (*reset)(void *owner, uint64_t now);
	/* One whole frame of data, in order and only once. */
	void (*data)(void *owner, uint64_t now, const uint8_t *at, size_t len);
	/* The next frame for the host, ASH_DATA_MIN to ASH_DATA_MAX bytes, into
	 * `at`; 0 for none. `hushed`: the host has no room for callbacks. */
	size_t (*next)(void *owner, uint8_t *at, bool hushed);
};

struct ash_counts {
	uint64_t bad_frames; /* CRC, length, control byte or number */
	uint64_t out_of_order;
	uint64_t resent;
	uint64_t timeouts;
};

struct ash {
	const struct ash_ops *ops;
	void *owner;
	bool failed;
	uint8_t reason;

	uint8_t in[ASH_DATA_MAX + 4]; /* a frame with its CRC, and one more */
	size_t in_len;
	bool in_escape;
	bool in_spoiled;

	uint8_t expected; /* number of the host's next frame */
	bool rejecting;   /* a NAK is out, until that frame comes */
	bool owes_rstack, owes_error, owes_nak, owes_ack;

	struct {
		uint8_t at[ASH_DATA_MAX];
		size_t len;
	} window[8]; /* by number */
	uint8_t first; /* the oldest that is not acknowledged */
	uint8_t sent;  /* up to here all are out at least once */
	uint8_t again; /* up to here all are out again; `sent`: none to do */
	uint64_t timer_at;
	uint64_t timer_from;
	uint64_t period;
	unsigned timeouts;
	uint64_t hushed_until;

	uint8_t out[2 * (ASH_DATA_MAX + 3) + 1]; /* one frame, stuffed */
	size_t out_len;
	size_t out_at;
	struct ash_counts counts;
};

/* Connected, both numbers 0, as after a reset. `owner` outlives it. */
void ash_init(struct ash *a, const struct ash_ops *ops, void *owner);

/* The coprocessor starts anew by itself and says so with an RSTACK. */
void ash_restart(struct ash *a, uint8_t reason);

void ash_input(struct ash *a, uint64_t now, const uint8_t *at, size_t len);
/* Up to `room` bytes for the host; 0: nothing to say. */
size_t ash_output(struct ash *a, uint64_t now, uint8_t *at, size_t room);
void ash_time(struct ash *a, uint64_t now);
/* UINT64_MAX: never. */
uint64_t ash_due(const struct ash *a);

#endif

/* The channel of a simulated network: how long a frame takes on it, which frames
 * are lost or come twice. Deterministic: the same seed and the same frames give
 * the same fates. Embedded in the network; one thread.
 *
 * `radio` is one shared channel of 250 kbit/s (IEEE 802.15.4 at 2.4 GHz): 32 us a
 * byte, and for each frame the mean of CSMA-CA, clear channel assessment and
 * turnaround, the acknowledgement of the MAC and the space between frames. One
 * frame at a time; who comes later waits. `ideal` takes no time at all. */
#ifndef FERRY_SIM_ZIGBEE_AIR_H
#define FERRY_SIM_ZIGBEE_AIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes around an ASDU: preamble, length, headers and checks of MAC, NWK with
 * security, APS. */
#define AIR_AROUND 51u
#define AIR_BYTE_US 32u
#define AIR_EACH_US 2620u
/* The longest ASDU that fits into one frame. */
#define AIR_ASDU_MAX 82u

struct air_setup {
	bool radio;
	uint32_t loss_ppm;        /* chance of a frame to be lost, of a million */
	uint32_t loss_every;      /* or every n-th frame; 0: by chance */
	uint32_t duplicate_every; /* every n-th frame arrives twice */
	uint64_t delay_ns;        /* added to each frame, off the channel */
	uint32_t retries;         /* of APS, for frames that want an ack */
	uint64_t retry_ns;        /* from one try to the next */
	uint64_t seed;
};

struct air {
	struct air_setup setup;
	uint64_t random;
	uint64_t free_at; /* the channel is taken until then */
	uint64_t frames;  /* tries */
	uint64_t lost;
	uint64_t duplicated;
	uint64_t busy_us; /* time taken on the channel */
};

void air_init(struct air *a, const struct air_setup *setup);

/* Time on the channel in microseconds: of a frame, of an APS acknowledgement, of
 * a sleeper's poll. */
uint32_t air_frame_us(size_t asdu_len);
uint32_t air_ack_us(void);
uint32_t air_poll_us(void);

struct air_try {
	uint64_t at; /* when its last byte has arrived */
	bool lost;
	bool twice;
};

/* One try of a frame of `len` bytes over `hops` hops. */
struct air_try air_try(
	struct air *a, uint64_t now, size_t len, unsigned hops);
/* Takes the channel for so long, after what is on it; when it ends. */
uint64_t air_take(struct air *a, uint64_t now, uint32_t us);

/* The next of a row of numbers that look random; `state` is not 0. */
uint64_t air_random(uint64_t *state);

#endif

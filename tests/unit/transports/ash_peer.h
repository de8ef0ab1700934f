/* The far end of an ASH line for tests: what a coprocessor does, written apart
 * from the host's end. It sends one frame at a time and never gives up. */
#ifndef FERRY_TESTS_ASH_PEER_H
#define FERRY_TESTS_ASH_PEER_H

#include "transports/zigbee/ash_frame.h"

#define ASH_PEER_QUEUE 64

struct ash_peer {
	void (*write)(void *arg, struct bytes data);
	void (*on_data)(void *arg, struct bytes data);
	void (*on_reset)(void *arg);
	void *arg;
	bool mute;            /* hears nothing */
	bool deaf_to_rst;
	struct ash_decoder decoder;
	bool connected;
	uint8_t expected, number;
	bool rejecting, flying;
	int64_t due;
	struct {
		uint8_t at[ASH_DATA_MAX];
		size_t len;
	} queue[ASH_PEER_QUEUE];
	unsigned head, count;
	unsigned rsts, naks, again;
};

void ash_peer_init(struct ash_peer *p);
void ash_peer_input(struct ash_peer *p, int64_t now, struct bytes data);
void ash_peer_time(struct ash_peer *p, int64_t now);
void ash_peer_send(struct ash_peer *p, int64_t now, struct bytes data);
/* Power lost and back: RSTACK with `reason`. */
void ash_peer_restart(struct ash_peer *p, uint8_t reason);
void ash_peer_error(struct ash_peer *p, uint8_t code);
void ash_peer_put(struct ash_peer *p, const struct ash_frame *f);

#endif

/* A small ConBee for tests: answers what the stack deconz asks, keeps three
 * places of endpoints, confirms what the test says. Written apart from the
 * stack's own codec. One at a time. */
#ifndef FERRY_TESTS_DECONZ_PEER_H
#define FERRY_TESTS_DECONZ_PEER_H

#include "tests/unit/unit.h"
#include "transports/zigbee/stack.h"

#define DECONZ_PEER_PLACES 3u

struct deconz_peer {
	struct zb_stack *stack;
	int64_t now_ms;

	/* Switches. */
	uint8_t endpoint_status; /* of writing one ... */
	unsigned refusals;	 /* so often */
	unsigned mute;		 /* so many confirms that are read get lost */

	/* What it has. */
	uint8_t state;
	struct {
		uint8_t at[96]; /* endpoint, profile, ... as in parameter 13 */
		size_t len;
	} places[DECONZ_PEER_PLACES];
	uint8_t numbers[1024]; /* of requests, in order */
	unsigned requests;
	uint8_t done[16]; /* numbers whose confirm waits to be read */
	unsigned done_count;

	/* What happened. */
	unsigned endpoint_writes, leaves;
	unsigned ups, losts;
	struct zb_confirm confirms[1024];
	unsigned confirm_count;
	char log[256];
	uint8_t wire[4096]; /* from the host, not answered yet */
	size_t wire_len;
};

extern struct deconz_peer deconz_peer;

/* It is on its network, with the endpoints that `places` names in hexadecimal;
 * NULL: an empty place. The stack is made and not started. */
void deconz_peer_init(const char *const places[DECONZ_PEER_PLACES]);
void deconz_peer_done(void);
void deconz_peer_start(void);
/* Time passes, with everything that is due on the way. */
void deconz_peer_pass(int64_t ms);
/* A frame for 0x1000, which the stack takes. */
void deconz_peer_request(uint32_t id);
/* The confirm of this number waits to be read, and it says so. */
void deconz_peer_confirm(uint8_t number);
/* Its state, unasked. */
void deconz_peer_tell(uint8_t state);
/* Fails the test unless the place holds this. */
void deconz_peer_expect(unsigned place, const char *hex);

#endif

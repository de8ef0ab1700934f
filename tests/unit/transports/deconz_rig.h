/* The stack deconz against a firmware that the test plays: a few parameters, a
 * byte of state, confirms and indications that are read one by one. One at a
 * time; one thread. */
#ifndef FERRY_TESTS_DECONZ_RIG_H
#define FERRY_TESTS_DECONZ_RIG_H

#include "tests/unit/unit.h"
#include "transports/zigbee/deconz.h"

#define OWN 0x00212effff07d3c3u
#define LAMP 0x00124b0000000001u

/* What it is and does, and what it was asked. */
struct deconz_firmware {
	uint8_t state;
	uint8_t channel;
	bool deaf;	    /* answers nothing */
	bool odd;	    /* answers the next command with another */
	uint8_t busy;	    /* requests that are refused as busy */
	bool others;	    /* all endpoints are another host's */
	uint8_t no_channel; /* readings of the channel that are refused */
	uint8_t connect_to; /* state after a connect */
	uint8_t endpoint[64];
	size_t endpoint_len;
	unsigned endpoint_writes, connects, leaves, watchdogs, states, keys;
	uint8_t numbers[64]; /* of requests, in order */
	unsigned requests, confirms_read;
	uint8_t last_request[160];
	size_t last_request_len;
	uint8_t queue[8][160]; /* indications that wait */
	size_t queue_len[8];
	unsigned queued;
	uint8_t done[16]; /* numbers whose confirm waits */
	unsigned done_count;
	uint8_t done_status;
};

/* What the stack told of. */
struct deconz_told {
	unsigned ups, losts, fails, heard, confirms, lines;
	int status;
	struct zb_network network;
	struct zb_indication last;
	uint8_t asdu[128];
	struct zb_confirm confirm;
	char line[32], text[128];
};

extern struct zb_stack *stack; /* NULL: not made yet */
extern int64_t now_ms;
extern struct deconz_firmware fw;
extern struct deconz_told told;

/* The fixture of each test: connected, on channel 15, without an endpoint. */
void setup(void);
void teardown(void);

void make(const struct zb_config *config);
/* Makes the stack unless it is there, and opens its line. */
void start(void);
/* An endpoint that has the OTA cluster is there from an earlier run. */
void have_endpoint(void);
/* With that it starts, and its network is up. */
void up(void);

/* Answers all that the stack has written. */
void run(void);
/* Time passes, with everything that is due on the way. */
void pass(int64_t ms);

/* A frame of the firmware, with the length of its payload where there is one. */
void raw_answer(uint8_t command, uint8_t seq, uint8_t status, bool with_len,
	const uint8_t *payload, size_t len);
/* Its byte of state; and told unasked. */
uint8_t state(void);
void notify_state(void);

/* A frame of LAMP, 0x1000, waits to be read; `both`: with both addresses. */
void air_says(const char *asdu, bool both);
/* A frame to be sent; what the stack said to it. */
int request(uint32_t id, uint16_t nwk, uint64_t eui64, bool ack);
/* The confirm of that request, in order, waits to be read, and it says so. */
void done(unsigned request_index, uint8_t status);

#endif

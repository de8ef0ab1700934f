/* The stack "deconz", for its own files: a ConBee or RaspBee.
 *
 * The firmware takes one command at a time and answers it; what comes from the
 * air it keeps until it is read. A byte of device state in every answer, and
 * unasked when it changes, says what there is to be read. So one loop,
 * deconz_next(), picks the next command whenever none is outstanding: while it
 * starts the next step, afterwards indications, confirms and requests in turn.
 *
 *   PROBE -> (steps) -> READY     and back to PROBE when it does not answer, to
 *                                 the step CONNECT when it has lost its network */
#ifndef FERRY_ZIGBEE_DECONZ_H
#define FERRY_ZIGBEE_DECONZ_H

#include "transports/zigbee/deconz_frame.h"
#include "transports/zigbee/numbers.h"
#include "transports/zigbee/stack.h"

#define DECONZ_WINDOW 8u	/* the firmware has no more */
#define DECONZ_WINDOW_MAX 16u
#define DECONZ_ASDU_MAX 82u
#define DECONZ_ENDPOINTS 3u	/* slots in the firmware */
#define DECONZ_CLUSTERS_MAX 24u /* of each list of an endpoint that is kept */
#define DECONZ_DESCRIPTOR_MAX (8u + 4u * DECONZ_CLUSTERS_MAX)

/* Device state. */
#define DECONZ_NETWORK_MASK 0x03u
#define DECONZ_OFFLINE 0x00u
#define DECONZ_CONNECTED 0x02u
#define DECONZ_HAS_CONFIRM 0x04u
#define DECONZ_HAS_INDICATION 0x08u
#define DECONZ_FREE_SLOTS 0x20u

enum deconz_status {
	DECONZ_SUCCESS,
	DECONZ_FAILURE,
	DECONZ_BUSY,
	DECONZ_TIMEOUT,
	DECONZ_UNSUPPORTED,
	DECONZ_ERROR,
	DECONZ_NO_NETWORK,
	DECONZ_INVALID_VALUE,
};

enum deconz_step {
	STEP_PROBE,
	STEP_PROTOCOL,
	STEP_STATE,
	STEP_MAC,
	STEP_CHANNEL,
	STEP_READ_ENDPOINT,
	STEP_WRITE_ENDPOINT,
	STEP_FORM, /* one parameter after the other */
	STEP_LEAVE,
	STEP_LEFT, /* waits until it is offline */
	STEP_CONNECT,
	STEP_CONNECTED, /* waits until it is connected */
	STEP_PAN,
	STEP_EXT_PAN,
	STEP_NWK_EXT_PAN,
	STEP_FINAL_CHANNEL,
	STEP_WATCHDOG,
	STEP_READY,
};

enum deconz_slot_state {
	SLOT_FREE,
	SLOT_QUEUED, /* not given to the firmware yet */
	SLOT_ASKED,  /* its command is outstanding */
	SLOT_TAKEN,  /* confirm is to come */
};

struct deconz_slot {
	enum deconz_slot_state state;
	uint8_t number; /* request id of the firmware */
	uint64_t order;
	int64_t due_ms; /* confirm by */
	struct zb_request r;
	uint8_t data[ZB_ASDU_MAX];
};

/* What is in the places for endpoints, and what is to be done about it. */
struct deconz_endpoints {
	bool there;		     /* one lists the OTA cluster */
	bool written;		     /* one was changed: reconnect */
	unsigned empty;		     /* the first that is; else the count */
	unsigned whole;		     /* that `descriptor` is of; else the count */
	uint8_t numbers[DECONZ_ENDPOINTS]; /* that are taken; 0: none */
	uint8_t len;
	uint8_t descriptor[DECONZ_DESCRIPTOR_MAX]; /* with our cluster */
};

struct zb_stack {
	const struct zb_host *host;
	void *arg;
	struct zb_config config;
	unsigned window;
	struct deconz_parser parser;
	bool running;
	int64_t now_ms;

	/* The command that is outstanding. */
	uint8_t command; /* 0: none */
	uint8_t seq;
	uint8_t tries;
	int64_t answer_ms;
	unsigned silent; /* commands in a row without an answer */
	struct deconz_slot *asked;

	enum deconz_step step;
	unsigned form_at, endpoint_at;
	struct deconz_endpoints endpoints;
	bool formed, was_up;
	bool fast; /* the other speed of the line is tried */
	unsigned probes;
	int64_t wait_ms;  /* the next step not before */
	int64_t until_ms; /* of a wait for a state */
	uint32_t version;
	uint16_t protocol;
	struct zb_network network;

	uint8_t state;	/* of the device */
	unsigned turn;	/* whose turn it is: see deconz_air_next() */
	int64_t heard_ms;
	int64_t watchdog_ms; /* when it is to be refreshed */
	struct deconz_slot slots[DECONZ_WINDOW_MAX];
	unsigned in_flight; /* slots that are not free */
	struct zb_numbers numbers;
	uint64_t order;

	uint64_t commands, answers, late, odd, indications, confirms;
};

/* deconz.c */
/* Sends a command; it is outstanding from now on. */
void deconz_ask(struct zb_stack *s, uint8_t command, struct bytes payload);
void deconz_next(struct zb_stack *s);
void deconz_lost(struct zb_stack *s, const char *text);
void deconz_fail(struct zb_stack *s, int status, const char *text);
void deconz_take_state(struct zb_stack *s, uint8_t state);

/* deconz_start.c */
void deconz_start(struct zb_stack *s);
void deconz_start_next(struct zb_stack *s);
void deconz_start_answer(struct zb_stack *s, const struct deconz_frame *f);
/* The command of a step was not answered at all. */
void deconz_start_silent(struct zb_stack *s);
void deconz_watchdog(struct zb_stack *s);

/* deconz_endpoint.c: the endpoint with the OTA cluster. What others have
 * configured stays: their endpoint gets one more input cluster, or ours goes
 * into an empty place. */
void deconz_endpoints_init(struct deconz_endpoints *e);
/* Takes the answer to reading the place `at`. */
void deconz_endpoints_take(struct deconz_endpoints *e, unsigned at,
	const struct deconz_frame *f);
/* Writes place and descriptor that are to be written, at most
 * DECONZ_DESCRIPTOR_MAX + 1 bytes; 0: nothing can be done. */
size_t deconz_endpoints_put(const struct deconz_endpoints *e, uint8_t *at);
/* That was refused: true when there is something else to try. */
bool deconz_endpoints_refused(struct deconz_endpoints *e);

/* deconz_air.c */
void deconz_air_next(struct zb_stack *s);
void deconz_air_answer(struct zb_stack *s, const struct deconz_frame *f);
void deconz_air_expire(struct zb_stack *s);
int64_t deconz_air_deadline(const struct zb_stack *s);
int deconz_air_send(struct zb_stack *s, const struct zb_request *r);
/* Nobody waits for what is in flight any more. */
void deconz_air_drop(struct zb_stack *s);
/* The command was not answered. */
void deconz_air_silent(struct zb_stack *s, uint8_t command);
/* An answer to an earlier command. */
void deconz_air_late(struct zb_stack *s, const struct deconz_frame *f);

#endif

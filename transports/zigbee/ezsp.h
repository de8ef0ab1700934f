/* The inside of the EZSP stack: how its three parts share one coprocessor.
 *
 *   ezsp.c        life, the one command outstanding, answers and callbacks
 *   ezsp_start.c  from reset to a network that is up, step by step
 *   ezsp_air.c    frames to and from the air, nodes that come and go
 *
 * The coprocessor takes one command at a time and answers it; callbacks come at
 * any time. So there is one `call`, and ezsp_next() chooses what is asked next:
 * a step of the start, then addresses that are wanted, then frames, in order. */
#ifndef FERRY_ZIGBEE_EZSP_H
#define FERRY_ZIGBEE_EZSP_H

#include "transports/zigbee/ash.h"
#include "transports/zigbee/ezsp_frame.h"
#include "transports/zigbee/numbers.h"

#define EZSP_WINDOW_PRESET 8u
#define EZSP_WINDOW_MAX 32u
#define EZSP_CALL_MS 10000    /* until an answer; longer than ASH tries */
#define EZSP_UP_MS 12000      /* from networkInit to NETWORK_UP */
#define EZSP_SENT_MS 30000    /* until messageSentHandler */
#define EZSP_QUIET_MS 10000   /* then the coprocessor is asked for a sign */
#define EZSP_BACKOFF_MS 500   /* before a reset, doubling */
#define EZSP_BACKOFF_MAX_MS 8000
#define EZSP_SILENT_MAX 4u    /* resets without answer at the first start */
#define EZSP_LOOKUPS_MAX 16u  /* addresses that wait to be asked for */
#define EZSP_ASKED_SIZE 256u
#define EZSP_ASKED_MS 60000   /* before one is asked for again */

/* The start, in order. */
#define EZSP_STEP_MAP(X) \
	X(OFF)           /* before start(), after fail() and stop() */ \
	X(BACKOFF)       /* a pause before the next reset */ \
	X(RESET)         /* RST is out */ \
	X(VERSION) \
	X(VERSION_AGAIN) /* with the number that is going to be spoken */ \
	X(FIRMWARE) \
	X(CONFIG)        /* a row of the table at a time */ \
	X(POLICY) \
	X(ENDPOINT) \
	X(EUI64) \
	X(NETWORK_INIT) \
	X(RANDOM)        /* these five: a network is formed */ \
	X(SECURITY) \
	X(EXTENDED) \
	X(CLEAR_KEYS) \
	X(FORM) \
	X(WAIT_UP) \
	X(CONCENTRATOR) \
	X(ROUTES) \
	X(PARAMETERS) \
	X(PAYLOAD) \
	X(UP)

enum ezsp_step {
#define EZSP_STEP_ENUM(name) EZSP_STEP_##name,
	EZSP_STEP_MAP(EZSP_STEP_ENUM)
#undef EZSP_STEP_ENUM
};

enum ezsp_call_kind {
	EZSP_CALL_NONE,
	EZSP_CALL_STEP,
	EZSP_CALL_LOOKUP,
	EZSP_CALL_SEND,
	EZSP_CALL_SIGN, /* of life */
};

enum ezsp_slot_state {
	EZSP_SLOT_FREE,
	EZSP_SLOT_WAITING, /* for its turn as a command */
	EZSP_SLOT_ASKED,   /* the command is out */
	EZSP_SLOT_FLYING,  /* taken, messageSentHandler follows */
};

struct ezsp_slot {
	enum ezsp_slot_state state;
	struct zb_request request; /* its asdu stands in `data` */
	uint64_t turn;
	uint16_t tag;
	int64_t due;
	uint8_t data[ZB_ASDU_MAX];
};

struct zb_stack {
	const struct zb_host *host;
	void *arg;
	struct zb_config config;
	struct ash ash;
	int64_t now;

	enum ezsp_step step;
	unsigned row;        /* of CONFIG, POLICY and RANDOM */
	unsigned version;    /* spoken; 0: not agreed yet */
	unsigned silent;     /* resets without answer */
	int64_t step_due;    /* of BACKOFF and WAIT_UP */
	int64_t backoff_ms;
	bool reported;       /* up() was told, lost() not yet */
	bool ever_up;
	bool network_up;     /* NETWORK_UP came since networkInit */
	struct zb_network network;
	uint8_t random[18];  /* seed of link keys, PAN id */

	enum ezsp_call_kind call;
	uint8_t seq;         /* of `call` */
	uint16_t call_id;
	int64_t call_due;
	int64_t heard_at;
	unsigned call_slot;  /* CALL_SEND */
	uint16_t call_tag;
	uint16_t call_nwk;   /* CALL_LOOKUP */

	struct ezsp_slot slots[EZSP_WINDOW_MAX];
	unsigned window, used;
	uint64_t turns;
	struct zb_numbers tags;

	uint16_t lookups[EZSP_LOOKUPS_MAX];
	unsigned lookup_count;
	struct {
		uint16_t nwk;
		int64_t again_at; /* 0: never asked */
	} asked[EZSP_ASKED_SIZE];
	uint64_t sender;     /* EUI-64 of the next incoming message, or 0 */

	struct {
		uint64_t calls, callbacks, overflows, odd, restarts, expired;
	} stats;
};

void ezsp_log(struct zb_stack *s, uint32_t level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sends the command in `w`; there is none outstanding. */
void ezsp_ask(struct zb_stack *s, enum ezsp_call_kind kind, enum ezsp_id id,
	const struct ezsp_writer *w);

/* An empty command. Its number is taken when it is asked. */
void ezsp_command(const struct zb_stack *s, struct ezsp_writer *w,
	enum ezsp_id id);

/* Asks the next thing, if nothing is outstanding. */
void ezsp_next(struct zb_stack *s);

/* Everything in flight is lost; starts again after a pause. */
void ezsp_restart(struct zb_stack *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* It cannot be done. */
void ezsp_fail(struct zb_stack *s, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- ezsp_start.c ---- */

const char *ezsp_step_name(enum ezsp_step step);
void ezsp_enter(struct zb_stack *s, enum ezsp_step step);
/* Asks what the present step asks, or does nothing in a step that waits. */
void ezsp_step_ask(struct zb_stack *s);
/* Its answer. `refused`: the coprocessor does not know the command. */
void ezsp_step_answer(struct zb_stack *s, struct ezsp_reader *r, bool refused);
/* stackStatusHandler. */
void ezsp_stack_status(struct zb_stack *s, uint32_t status);

/* ---- ezsp_air.c ---- */

/* True: something was asked. */
bool ezsp_air_ask(struct zb_stack *s);
void ezsp_send_answer(struct zb_stack *s, struct ezsp_reader *r, bool refused);
void ezsp_lookup_answer(struct zb_stack *s, struct ezsp_reader *r,
	bool refused);
/* A callback, if it is about frames or nodes. */
void ezsp_air_callback(struct zb_stack *s, const struct ezsp_head *h);
/* All slots end as lost. */
void ezsp_air_lose(struct zb_stack *s);
/* Frames whose messageSentHandler never came. */
void ezsp_air_time(struct zb_stack *s);
int64_t ezsp_air_deadline(const struct zb_stack *s);
int ezsp_air_take(struct zb_stack *s, const struct zb_request *r);

#endif

/* How a simulated end device behaves: the switches that make it one of the odd
 * devices of the field, and the timers of the usual stacks.
 *
 * Text form as of the switches of serial devices (tools/sim/switches.h).
 * docs/simulator.md says what each does; this list is the only one. */
#ifndef FERRY_SIM_ZIGBEE_TRAITS_H
#define FERRY_SIM_ZIGBEE_TRAITS_H

#include "tools/sim/switches.h"

/* X(id, name, kind, value without "=", times without ":") */
#define TRAIT_MAP(X)                                                           \
	X(PAGE, "page", NUMBER, 1024, 0)                                       \
	X(NEEDS_PAGES, "needs-pages", NUMBER, 1024, 0)                         \
	X(RESTART_AT_0, "restart-at-0", FLAG, 1, 0)                            \
	X(MALFORMED, "malformed", EVERY, 20, 0)                                \
	X(PERIOD_MISSING, "period-missing", FLAG, 1, 0)                        \
	X(EXACT_BLOCK, "exact-block", NUMBER, 64, 0)                           \
	X(FAILS_ABOVE, "fails-above", NUMBER, 40, 0)                           \
	X(NO_ACK_ABOVE, "no-ack-above", NUMBER, 40, 0)                         \
	X(WRONG_ENDPOINT, "wrong-endpoint", NUMBER, 47, 0)                     \
	X(QUERY_STORM, "query-storm", DURATION, 3000000, 0)                    \
	X(SLOW_FINISH, "slow-finish", DURATION, 30000000, 0)                   \
	X(NO_END, "no-end", FLAG, 1, 0)                                        \
	X(ABORT, "abort", NUMBER, 0x95, 0)                                     \
	X(UPDATE_LOOP, "update-loop", FLAG, 1, 0)                              \
	X(BECOMES, "becomes", NUMBER, 0x12340103, 0)                           \
	X(ASKS_ANY, "asks-any", FLAG, 1, 0)                                    \
	X(DOWNGRADE_REFUSED, "downgrade-refused", FLAG, 1, 0)                  \
	X(IGNORES_WAIT, "ignores-wait", FLAG, 1, 0)                            \
	X(IGNORES_NOTIFY, "ignores-notify", FLAG, 1, 0)                        \
	X(NOTIFY_LOST, "notify-lost", EVERY, 2, 0)                             \
	X(STAYS_DEAD, "stays-dead", FLAG, 1, 0)                                \
	X(COMES_BACK_OLD, "comes-back-old", FLAG, 1, 0)                        \
	X(FLOOD, "flood", NUMBER, 500, 0)                                      \
	X(HOSTILE, "hostile", EVERY, 3, 0)                                     \
	X(NEW_ADDRESS, "new-address", EVERY, 50, 1)                            \
	X(TWICE, "twice", EVERY, 5, 0)                                         \
	X(IMPATIENT, "impatient", DURATION, 100000, 0)                         \
	X(NO_TSN_CHECK, "no-tsn-check", FLAG, 1, 0)                            \
	X(STALL, "stall", DURATION, 20000000, 0)                               \
	X(STEP_BACK, "step-back", EVERY, 20, 0)                                \
	X(PERIOD_IN_SECONDS, "period-in-seconds", FLAG, 1, 0)                  \
	X(NO_POLL_CONTROL, "no-poll-control", FLAG, 1, 0)                      \
	X(NO_ANNOUNCE, "no-announce", FLAG, 1, 0)

enum trait {
#define TRAIT_ENUM(id, ...) TRAIT_##id,
	TRAIT_MAP(TRAIT_ENUM)
#undef TRAIT_ENUM
		TRAIT_COUNT
};

struct traits {
	struct switch_state s[TRAIT_COUNT];
};

const char *trait_name(enum trait id);
/* Whether `text` begins with the name of one. */
bool trait_is_known(const char *text);
/* 0 or -EINVAL with the fault. */
int traits_set(struct traits *t, const char *text, struct fault *fault);

static inline bool trait_is_on(const struct traits *t, enum trait id)
{
	return t->s[id].on;
}

static inline uint64_t trait_value(const struct traits *t, enum trait id)
{
	return t->s[id].value;
}

/* Counts one occasion and says whether the switch acts on it. */
bool trait_fires(struct traits *t, enum trait id);

/* The timers and sizes of an OTA client. */
struct node_timers {
	uint8_t block;        /* bytes that it asks for */
	uint32_t answer_ms;   /* waits so long for an answer */
	uint32_t backoff_ms;  /* and so long until it asks again */
	uint32_t errors;      /* in a row, then it gives up */
	uint32_t interval_ms; /* between its own queries */
	uint32_t end_tries;
	uint32_t restart_ms;  /* from the end response to the restart */
	uint32_t spacing_ms;  /* of the blocks of a page */
};

/* "ember", "ti", "telink", "esp", "hue": 0 or -EINVAL. Sets the switches that
 * belong to it too. */
int timers_preset(
	const char *name, struct node_timers *ret, struct traits *traits);

#endif

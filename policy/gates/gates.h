/* Why a job waits: the set of unmet gates, each with what it waits for.
 *
 * Gates are facts of the moment, not states: the daemon evaluates them whenever
 * something changed and shows the set to people. Plain structs of the caller;
 * times are seconds since 1970. */
#ifndef FERRY_POLICY_GATES_GATES_H
#define FERRY_POLICY_GATES_GATES_H

#include "base/bytes.h"
#include "base/err.h"

#define GATE_DETAIL_SIZE 128

/* X(name, text, what it waits for) */
#define GATE_MAP(X)                                                            \
	X(APPROVAL, "approval", "somebody to approve")                         \
	X(WINDOW, "window", "the update window")                               \
	X(WAKE, "wake", "the device to wake")                                  \
	X(BATTERY, "battery", "enough battery")                                \
	X(AIRTIME, "airtime", "airtime on the radio")                          \
	X(SET, "set", "the other releases of the set")                         \
	X(WAVE, "wave", "its wave of the rollout")                             \
	X(RETRY, "retry", "the next try")                                      \
	X(IMAGE, "image", "the image to be fetched and verified")              \
	X(LINK, "link", "a link to the device")                                \
	X(LOADER, "loader", "the bootloader to appear")                        \
	X(CATALOG, "catalog", "a current catalog")                             \
	X(TURN, "turn", "its turn among the devices of its radio")             \
	X(DEVICE, "device", "the device, which is known to take its time")

enum gate {
#define GATE_ENUM(name, text, waits) GATE_##name,
	GATE_MAP(GATE_ENUM)
#undef GATE_ENUM
		GATE_COUNT,
};

/* Static texts; "?" for a number that is none. */
const char *gate_name(enum gate gate);
const char *gate_waits_for(enum gate gate);

/* The gate with this name, or -1. */
int gate_from_name(const char *name);

struct gates {
	uint32_t unmet;		     /* bit 1 << gate */
	uint64_t until[GATE_COUNT];  /* when it opens; 0: by an event */
	char detail[GATE_COUNT][GATE_DETAIL_SIZE]; /* printable, may be "" */
};

void gates_clear(struct gates *g);
void gates_wait(struct gates *g, enum gate gate, uint64_t until,
	const char *detail, ...) __attribute__((format(printf, 4, 5)));
void gates_open(struct gates *g, enum gate gate);
bool gates_is_waiting(const struct gates *g, enum gate gate);

/* All met. */
bool gates_are_open(const struct gates *g);

/* The earliest time at which asking again makes sense; 0: only by events. */
uint64_t gates_next(const struct gates *g);

/* True if the two sets differ in what people see. */
bool gates_differ(const struct gates *a, const struct gates *b);

#endif

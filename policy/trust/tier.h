/* The thirteen steps of an over-the-air update and their tiers.
 *
 * The ledger of a job says for each step which tier was reached; a class says
 * which it requires. Not every step has every tier: a tier that a step does
 * not have counts as the highest tier to its left. Pure; any thread. */
#ifndef FERRY_POLICY_TRUST_TIER_H
#define FERRY_POLICY_TRUST_TIER_H

#include "base/bytes.h"

/* X(name, number, text, highest tier) */
#define STEP_MAP(X)                                                            \
	X(SIGN, 1, "sign", TIER_QUANTUM)                                       \
	X(PROTECT, 2, "protect", TIER_QUANTUM)                                 \
	X(SEND, 3, "send", TIER_ENHANCED)                                      \
	X(RECEIVE, 4, "receive", TIER_ENHANCED)                                \
	X(CHECK, 5, "check", TIER_BASIC)                                       \
	X(ANNOUNCE, 6, "announce", TIER_BASIC)                                 \
	X(DISTRIBUTE, 7, "distribute", TIER_UPGRADED)                          \
	X(PROCESS, 8, "process", TIER_QUANTUM)                                 \
	X(STAGE, 9, "stage", TIER_BASIC)                                       \
	X(APPLY, 10, "apply", TIER_UPGRADED)                                   \
	X(REVERIFY, 11, "re-verify", TIER_QUANTUM)                             \
	X(ACTIVATE, 12, "activate", TIER_BASIC)                                \
	X(CLEANUP, 13, "clean-up", TIER_UPGRADED)

enum step {
#define STEP_ENUM(name, number, text, top) STEP_##name = number,
	STEP_MAP(STEP_ENUM)
#undef STEP_ENUM
};

#define STEP_COUNT 13

enum tier {
	TIER_NONE = -1, /* below Basic, or not known */
	TIER_BASIC = 0,
	TIER_UPGRADED = 1,
	TIER_ENHANCED = 2,
	TIER_QUANTUM = 3,
};

/* One tier a step, indexed by the number of the step; [0] is not used. */
struct tiers {
	int8_t of[STEP_COUNT + 1];
};

/* All TIER_NONE. */
void tiers_clear(struct tiers *t);

/* Static text; "?" for a number that is no step or tier. */
const char *step_name(unsigned step);
const char *tier_name(int tier); /* "none", "basic", "+1", "+2", "+3" */

/* The number of the step with this name, 0 if there is none. */
unsigned step_from_name(const char *name);

/* 0 and the tier, or -EINVAL. Takes the names of tier_name(). */
int tier_from_name(const char *name, int *ret);

/* The highest tier that the step has. */
int step_top_tier(unsigned step);

/* Whether `reached` satisfies `required` at this step. */
bool tier_is_met(unsigned step, int required, int reached);

/* The first step from `from` to `to` whose tier falls short, 0 if none does. */
unsigned tiers_shortfall(const struct tiers *required,
	const struct tiers *reached, unsigned from, unsigned to);

#endif

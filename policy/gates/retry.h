/* When to try again: exponential back-off with a cap, jitter and a budget.
 * Pure; randomness is an argument. */
#ifndef FERRY_POLICY_GATES_RETRY_H
#define FERRY_POLICY_GATES_RETRY_H

#include "policy/gates/gates.h"

struct retry_rule {
	uint32_t first_s; /* before the second try */
	uint32_t cap_s;
	unsigned budget; /* tries in all; 0: without end */
};

/* 60 s, 6 h, 8 tries. */
extern const struct retry_rule retry_default;

/* Seconds until the next try after `failures` failed ones (1 or more): first_s
 * doubled for each further failure up to cap_s, then between half and all of it
 * by `random` (any 32 bits). ERR_GATE_BUDGET when the budget is used up. */
int retry_delay(const struct retry_rule *rule, unsigned failures,
	uint32_t random, uint64_t *ret_s);

/* Whether a failure of this class is worth another try without a person. */
bool retry_is_sensible(int code);

/* Opens or closes GATE_RETRY; `at_s` 0 opens it. */
void retry_judge(uint64_t at_s, uint64_t now_s, struct gates *gates);

#endif

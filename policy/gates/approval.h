/* The approval rule of a class or device. Pure. */
#ifndef FERRY_POLICY_GATES_APPROVAL_H
#define FERRY_POLICY_GATES_APPROVAL_H

#include "policy/gates/gates.h"

enum approval_rule {
	APPROVAL_AUTO,		/* nobody is asked */
	APPROVAL_ASK,		/* a person approves each job */
	APPROVAL_SECURITY_ONLY, /* security fixes by themselves, others ask */
};

enum approval_answer { APPROVAL_PENDING, APPROVAL_GIVEN, APPROVAL_DECLINED };

/* "auto", "ask", "security-only"; ERR_GATE_APPROVAL for anything else. */
int approval_from_name(const char *name, enum approval_rule *ret);
const char *approval_name(enum approval_rule rule);

/* Opens or closes GATE_APPROVAL. `must_ask` is the manifest's own wish
 * (suit_outcome.needs_authorization). A declined job is the caller's to end;
 * the gate stays shut. */
void approval_judge(enum approval_rule rule, enum approval_answer answer,
	bool security, bool must_ask, struct gates *gates);

#endif

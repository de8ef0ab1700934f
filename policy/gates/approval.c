#include "policy/gates/approval.h"

static const char *const names[] = {
	[APPROVAL_AUTO] = "auto",
	[APPROVAL_ASK] = "ask",
	[APPROVAL_SECURITY_ONLY] = "security-only",
};

int approval_from_name(const char *name, enum approval_rule *ret)
{
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i])) {
			*ret = (enum approval_rule)i;
			return 0;
		}
	return ERR_GATE_APPROVAL;
}

const char *approval_name(enum approval_rule rule)
{
	return names[rule];
}

static bool asks(enum approval_rule rule, bool security, bool must_ask)
{
	switch (rule) {
	case APPROVAL_AUTO:
		return must_ask;
	case APPROVAL_ASK:
		return true;
	case APPROVAL_SECURITY_ONLY:
		return must_ask || !security;
	}
	return true;
}

void approval_judge(enum approval_rule rule, enum approval_answer answer,
	bool security, bool must_ask, struct gates *gates)
{
	if (answer == APPROVAL_GIVEN ||
		(answer == APPROVAL_PENDING && !asks(rule, security, must_ask)))
		gates_open(gates, GATE_APPROVAL);
	else
		gates_wait(gates, GATE_APPROVAL, 0, "%s",
			answer == APPROVAL_DECLINED ? "declined" : "asked");
}

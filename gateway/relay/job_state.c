#include "gateway/relay/job_state.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned next;
} states[JOB_STATES] = {
#define JOB_STATE_ROW(name, text, next) {text, next},
	JOB_STATE_MAP(JOB_STATE_ROW)
#undef JOB_STATE_ROW
};

static bool is_state(enum job_state state)
{
	return (unsigned)state < JOB_STATES;
}

const char *job_state_name(enum job_state state)
{
	return is_state(state) ? states[state].name : "";
}

int job_state_parse(const char *text, enum job_state *ret)
{
	for (unsigned i = 0; i < JOB_STATES; i++) {
		if (strcmp(states[i].name, text))
			continue;
		*ret = (enum job_state)i;
		return 0;
	}
	return -EINVAL;
}

bool job_state_may_follow(enum job_state from, enum job_state to)
{
	if (!is_state(from) || !is_state(to))
		return false;
	return from == to || (states[from].next & 1u << to);
}

bool job_state_is_ended(enum job_state state)
{
	return is_state(state) && state >= JOB_DONE;
}

bool job_state_is_active(enum job_state state)
{
	return is_state(state) && state >= JOB_CONNECTING &&
		state <= JOB_CONFIRMING;
}

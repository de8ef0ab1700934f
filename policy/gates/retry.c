#include "policy/gates/retry.h"

const struct retry_rule retry_default = {
	.first_s = 60, .cap_s = 6 * 3600, .budget = 8};

int retry_delay(const struct retry_rule *rule, unsigned failures,
	uint32_t random, uint64_t *ret_s)
{
	uint64_t delay = rule->first_s ? rule->first_s : 1;
	uint64_t half;

	if (rule->budget && failures >= rule->budget)
		return ERR_GATE_BUDGET;
	for (unsigned i = 1; i < failures && delay < rule->cap_s; i++)
		delay *= 2;
	if (delay > rule->cap_s)
		delay = rule->cap_s;
	half = delay / 2;
	*ret_s = half + random % (delay - half + 1);
	return 0;
}

bool retry_is_sensible(int code)
{
	return code < 0 && err_class(code) == ERR_CLASS_TRANSIENT;
}

void retry_judge(uint64_t at_s, uint64_t now_s, struct gates *gates)
{
	if (at_s == 0 || now_s >= at_s)
		gates_open(gates, GATE_RETRY);
	else
		gates_wait(gates, GATE_RETRY, at_s, "in %llu s",
			(unsigned long long)(at_s - now_s));
}

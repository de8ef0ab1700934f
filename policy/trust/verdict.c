#include "policy/trust/verdict.h"

#include <stdarg.h>
#include <stdio.h>

void verdict_init(struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	tiers_clear(&v->tiers);
}

static struct check *row_new(struct verdict *v, const char *name,
	enum check_outcome outcome, int code, unsigned step)
{
	struct check *row;

	if (v->count == VERDICT_ROWS_MAX) {
		v->overflowed = true;
		return NULL;
	}
	row = &v->rows[v->count++];
	*row = (struct check){
		.name = name,
		.outcome = outcome,
		.code = outcome == CHECK_FAIL ? code : 0,
		.step = (uint8_t)step,
	};
	return row;
}

void verdict_add(struct verdict *v, const char *name,
	enum check_outcome outcome, int code, unsigned step,
	const char *evidence, ...)
{
	struct check *row = row_new(v, name, outcome, code, step);
	va_list args;

	if (!row)
		return;
	va_start(args, evidence);
	vsnprintf(row->evidence, sizeof(row->evidence), evidence, args);
	va_end(args);
}

void verdict_add_code(struct verdict *v, const char *name, int code,
	unsigned step, const struct fault *fault, const char *evidence, ...)
{
	struct check *row =
		row_new(v, name, code ? CHECK_FAIL : CHECK_PASS, code, step);
	va_list args;

	if (!row)
		return;
	if (code && fault && fault->code) {
		snprintf(row->evidence, sizeof(row->evidence), "%.50s: %.100s",
			fault->field, fault->rule);
		return;
	}
	va_start(args, evidence);
	vsnprintf(row->evidence, sizeof(row->evidence), evidence, args);
	va_end(args);
}

void verdict_reach(struct verdict *v, unsigned step, int tier)
{
	if (step >= 1 && step <= STEP_COUNT && tier > v->tiers.of[step])
		v->tiers.of[step] = (int8_t)tier;
}

bool verdict_accepts(const struct verdict *v, bool strict)
{
	if (v->count == 0 || v->overflowed)
		return false;
	for (unsigned i = 0; i < v->count; i++) {
		enum check_outcome outcome = v->rows[i].outcome;

		if (outcome == CHECK_FAIL)
			return false;
		if (strict && outcome == CHECK_NOT_EVALUATED)
			return false;
	}
	return true;
}

int verdict_code(const struct verdict *v)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->rows[i].outcome == CHECK_FAIL)
			return v->rows[i].code;
	return v->count == 0 || v->overflowed ? ERR_TOO_LARGE : 0;
}

const struct check *verdict_find(const struct verdict *v, const char *name)
{
	for (unsigned i = 0; i < v->count; i++)
		if (!strcmp(v->rows[i].name, name))
			return &v->rows[i];
	return NULL;
}

const char *check_outcome_name(enum check_outcome outcome)
{
	static const char *const names[] = {
		[CHECK_PASS] = "pass",
		[CHECK_FAIL] = "fail",
		[CHECK_NOT_EVALUATED] = "not-evaluated",
		[CHECK_OFF] = "off",
	};

	return names[outcome];
}

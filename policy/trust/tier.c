#include "policy/trust/tier.h"

#include <errno.h>

static const char *const step_names[STEP_COUNT + 1] = {
#define STEP_TEXT(name, number, text, top) [number] = (text),
	STEP_MAP(STEP_TEXT)
#undef STEP_TEXT
};

static const int8_t step_tops[STEP_COUNT + 1] = {
#define STEP_TOP(name, number, text, top) [number] = (top),
	STEP_MAP(STEP_TOP)
#undef STEP_TOP
};

static const char *const tier_names[] = {"none", "basic", "+1", "+2", "+3"};

void tiers_clear(struct tiers *t)
{
	memset(t->of, TIER_NONE, sizeof(t->of));
}

const char *step_name(unsigned step)
{
	return step >= 1 && step <= STEP_COUNT ? step_names[step] : "?";
}

const char *tier_name(int tier)
{
	return tier >= TIER_NONE && tier <= TIER_QUANTUM ? tier_names[tier + 1]
							 : "?";
}

unsigned step_from_name(const char *name)
{
	for (unsigned i = 1; i <= STEP_COUNT; i++)
		if (!strcmp(name, step_names[i]))
			return i;
	return 0;
}

int tier_from_name(const char *name, int *ret)
{
	for (int i = TIER_NONE; i <= TIER_QUANTUM; i++)
		if (!strcmp(name, tier_names[i + 1])) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

int step_top_tier(unsigned step)
{
	return step >= 1 && step <= STEP_COUNT ? step_tops[step] : TIER_NONE;
}

bool tier_is_met(unsigned step, int required, int reached)
{
	int top = step_top_tier(step);

	return reached >= (required < top ? required : top);
}

unsigned tiers_shortfall(const struct tiers *required,
	const struct tiers *reached, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to && i <= STEP_COUNT; i++)
		if (i >= 1 && !tier_is_met(i, required->of[i], reached->of[i]))
			return i;
	return 0;
}

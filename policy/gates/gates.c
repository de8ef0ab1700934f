#include "policy/gates/gates.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[GATE_COUNT] = {
#define GATE_TEXT(name, text, waits) (text),
	GATE_MAP(GATE_TEXT)
#undef GATE_TEXT
};

static const char *const awaited[GATE_COUNT] = {
#define GATE_WAITS(name, text, waits) (waits),
	GATE_MAP(GATE_WAITS)
#undef GATE_WAITS
};

const char *gate_name(enum gate gate)
{
	return gate < GATE_COUNT ? names[gate] : "?";
}

const char *gate_waits_for(enum gate gate)
{
	return gate < GATE_COUNT ? awaited[gate] : "?";
}

int gate_from_name(const char *name)
{
	for (int i = 0; i < GATE_COUNT; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

void gates_clear(struct gates *g)
{
	memset(g, 0, sizeof(*g));
}

void gates_wait(struct gates *g, enum gate gate, uint64_t until,
	const char *detail, ...)
{
	va_list args;

	g->unmet |= 1u << gate;
	g->until[gate] = until;
	va_start(args, detail);
	vsnprintf(g->detail[gate], sizeof(g->detail[gate]), detail, args);
	va_end(args);
}

void gates_open(struct gates *g, enum gate gate)
{
	g->unmet &= ~(1u << gate);
	g->until[gate] = 0;
	g->detail[gate][0] = 0;
}

bool gates_is_waiting(const struct gates *g, enum gate gate)
{
	return g->unmet >> gate & 1;
}

bool gates_are_open(const struct gates *g)
{
	return g->unmet == 0;
}

uint64_t gates_next(const struct gates *g)
{
	uint64_t next = 0;

	for (unsigned i = 0; i < GATE_COUNT; i++)
		if (g->unmet >> i & 1 && g->until[i] &&
			(!next || g->until[i] < next))
			next = g->until[i];
	return next;
}

bool gates_differ(const struct gates *a, const struct gates *b)
{
	if (a->unmet != b->unmet)
		return true;
	for (unsigned i = 0; i < GATE_COUNT; i++)
		if (a->unmet >> i & 1 &&
			(a->until[i] != b->until[i] ||
				strcmp(a->detail[i], b->detail[i]) != 0))
			return true;
	return false;
}

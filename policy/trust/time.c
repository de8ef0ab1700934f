#include "policy/trust/time.h"

/* Sums stay below this, so that no signed time can wrap a comparison. */
#define TIME_MAX (UINT64_MAX / 2)

static uint64_t capped(uint64_t t)
{
	return t < TIME_MAX ? t : TIME_MAX;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t trust_time_value(
	const struct trust_time *t, const struct trust_clock *clock)
{
	uint64_t since = clock->boot > t->boot ? clock->boot - t->boot : 0;

	return capped(capped(t->bound) + capped(since));
}

void trust_time_start(struct trust_time *t, uint64_t persisted,
	const struct trust_clock *clock)
{
	t->bound = later(capped(persisted), clock->build);
	t->boot = clock->boot;
}

bool trust_time_learn(struct trust_time *t, const struct trust_clock *clock,
	uint64_t signed_time)
{
	if (capped(signed_time) <= trust_time_value(t, clock))
		return false;
	t->bound = capped(signed_time);
	t->boot = clock->boot;
	return true;
}

void trust_time_reset(
	struct trust_time *t, const struct trust_clock *clock, uint64_t issued)
{
	t->bound = later(clock->build, capped(issued));
	t->boot = clock->boot;
}

struct trust_now trust_now(
	const struct trust_time *t, const struct trust_clock *clock)
{
	return (struct trust_now){
		.lower = trust_time_value(t, clock),
		.synchronised = clock->synchronised,
		.system = clock->system,
	};
}

struct trust_now trust_now_at(uint64_t at)
{
	return (struct trust_now){
		.lower = at, .synchronised = true, .system = at};
}

uint64_t trust_now_latest(struct trust_now now)
{
	return now.synchronised ? later(now.lower, now.system) : now.lower;
}

bool trust_now_expired(struct trust_now now, uint64_t expires)
{
	return trust_now_latest(now) >= expires;
}

bool trust_now_too_early(struct trust_now now, uint64_t from)
{
	return now.synchronised && from > now.system &&
	       from - now.system > TRUST_SKEW_S;
}

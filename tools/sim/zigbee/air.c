#include "tools/sim/zigbee/air.h"

#define POLL_BYTES 18u

void air_init(struct air *a, const struct air_setup *setup)
{
	*a = (struct air){.setup = *setup};
	a->random = setup->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* xorshift64*. */
uint64_t air_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint32_t air_frame_us(size_t asdu_len)
{
	return (AIR_AROUND + (uint32_t)asdu_len) * AIR_BYTE_US + AIR_EACH_US;
}

uint32_t air_ack_us(void)
{
	return air_frame_us(0);
}

uint32_t air_poll_us(void)
{
	return POLL_BYTES * AIR_BYTE_US + AIR_EACH_US;
}

uint64_t air_take(struct air *a, uint64_t now, uint32_t us)
{
	if (!a->setup.radio)
		return now;
	if (a->free_at < now)
		a->free_at = now;
	a->free_at += (uint64_t)us * 1000;
	a->busy_us += us;
	return a->free_at;
}

static bool is_lost(struct air *a)
{
	if (a->setup.loss_every)
		return a->frames % a->setup.loss_every == 0;
	return a->setup.loss_ppm &&
	       (air_random(&a->random) >> 20) % 1000000 < a->setup.loss_ppm;
}

struct air_try air_try(
	struct air *a, uint64_t now, size_t len, unsigned hops)
{
	struct air_try t = {0};

	a->frames++;
	t.at = air_take(a, now, air_frame_us(len) * hops) + a->setup.delay_ns;
	t.lost = is_lost(a);
	t.twice = !t.lost && a->setup.duplicate_every &&
		  a->frames % a->setup.duplicate_every == 0;
	a->lost += t.lost;
	a->duplicated += t.twice;
	return t;
}

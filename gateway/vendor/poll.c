#include "gateway/vendor/poll.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define INTERVAL_S 3600
#define JITTER_PCT 10
#define JITTER_PCT_MAX 50
#define RETRY_FIRST_S 30

struct vendor_poll {
	uv_timer_t timer;
	struct vendor_poll_rules rules;
	void (*on_due)(void *arg);
	void *arg;
	void (*on_closed)(void *arg);
	void *closed_arg;
	bool running;
	bool again;     /* asked for during a round */
	bool closing;
	unsigned failures;
	int last_status;
};

static void rules_fill(struct vendor_poll_rules *rules)
{
	if (!rules->interval_s)
		rules->interval_s = INTERVAL_S;
	if (!rules->jitter_pct)
		rules->jitter_pct = JITTER_PCT;
	if (rules->jitter_pct > JITTER_PCT_MAX)
		rules->jitter_pct = JITTER_PCT_MAX;
	if (!rules->retry_first_s)
		rules->retry_first_s = RETRY_FIRST_S;
	if (!rules->retry_max_s)
		rules->retry_max_s = rules->interval_s;
	if (rules->retry_first_s > rules->retry_max_s)
		rules->retry_first_s = rules->retry_max_s;
}

/* A part of `range` as large as the random bits say: 0 to `range`. */
static uint64_t share(uint64_t range, uint32_t random)
{
	return range / UINT32_MAX * random +
		range % UINT32_MAX * random / UINT32_MAX;
}

static uint64_t backoff_ms(const struct vendor_poll_rules *rules,
	unsigned failures, uint32_t random)
{
	uint64_t limit = (uint64_t)rules->retry_max_s * 1000;
	uint64_t wait = (uint64_t)rules->retry_first_s * 1000;

	while (--failures && wait < limit)
		wait *= 2;
	if (wait > limit)
		wait = limit;
	return wait / 2 + share(wait / 2, random);
}

uint64_t vendor_poll_delay_ms(const struct vendor_poll_rules *rules,
	unsigned failures, uint32_t retry_after_s, uint32_t random)
{
	struct vendor_poll_rules full = *rules;
	uint64_t least = (uint64_t)retry_after_s * 1000;
	uint64_t wait, jitter;

	rules_fill(&full);
	if (failures) {
		wait = backoff_ms(&full, failures, random);
	} else {
		wait = (uint64_t)full.interval_s * 1000;
		jitter = wait / 100 * full.jitter_pct;
		wait = wait - jitter + share(2 * jitter, random);
	}
	if (wait < least)
		wait = least + share(least / 10, random);
	return wait;
}

/* Jitter needs no secrecy: without entropy, the address will do. */
static uint32_t random_bits(const void *salt)
{
	uint32_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = (uint32_t)((uintptr_t)salt >> 4) * 2654435761U;
	return bits;
}

static void on_timer(uv_timer_t *timer)
{
	struct vendor_poll *poll = timer->data;

	poll->running = true;
	poll->on_due(poll->arg);
}

int vendor_poll_open(uv_loop_t *loop, const struct vendor_poll_rules *rules,
	void (*on_due)(void *arg), void *arg, struct vendor_poll **ret_poll)
{
	struct vendor_poll *poll = calloc(1, sizeof(*poll));
	uint64_t first;

	if (!poll)
		return -ENOMEM;
	poll->rules = *rules;
	rules_fill(&poll->rules);
	poll->on_due = on_due;
	poll->arg = arg;
	uv_timer_init(loop, &poll->timer);
	poll->timer.data = poll;
	first = (uint64_t)poll->rules.retry_first_s * 100;
	uv_timer_start(&poll->timer, on_timer,
		share(first, random_bits(poll)), 0);
	*ret_poll = poll;
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct vendor_poll *poll = handle->data;
	void (*on_closed)(void *arg) = poll->on_closed;
	void *arg = poll->closed_arg;

	free(poll);
	on_closed(arg);
}

void vendor_poll_close(struct vendor_poll *poll, void (*on_closed)(void *arg),
	void *arg)
{
	if (!poll) {
		on_closed(arg);
		return;
	}
	if (poll->closing)
		return;
	poll->closing = true;
	poll->on_closed = on_closed;
	poll->closed_arg = arg;
	uv_close((uv_handle_t *)&poll->timer, on_handle_closed);
}

void vendor_poll_ended(struct vendor_poll *poll, int status,
	uint32_t retry_after_s)
{
	uint64_t wait;

	if (!poll->running || poll->closing)
		return;
	poll->running = false;
	poll->last_status = status;
	if (status >= 0)
		poll->failures = 0;
	else if (poll->failures < UINT16_MAX)
		poll->failures++;
	wait = vendor_poll_delay_ms(&poll->rules, poll->failures,
		retry_after_s, random_bits(poll));
	if (poll->again)
		wait = 0;
	poll->again = false;
	uv_timer_start(&poll->timer, on_timer, wait, 0);
}

void vendor_poll_now(struct vendor_poll *poll)
{
	if (poll->closing)
		return;
	if (poll->running)
		poll->again = true;
	else
		uv_timer_start(&poll->timer, on_timer, 0, 0);
}

struct vendor_poll_state vendor_poll_state(const struct vendor_poll *poll)
{
	return (struct vendor_poll_state){
		.running = poll->running,
		.failures = poll->failures,
		.last_status = poll->last_status,
		.due_in_ms = poll->running ? 0
			: uv_timer_get_due_in(&poll->timer),
	};
}

/* When to ask the vendor again: interval, jitter, back-off, Retry-After.
 *
 * The delay is a pure function (vendor_poll_delay_ms); the poller is a timer
 * around it. It calls on_due, its owner does one round of questions and says
 * with vendor_poll_ended() how it went; that starts the next wait. Loop thread
 * only. */
#ifndef FERRY_GATEWAY_VENDOR_POLL_H
#define FERRY_GATEWAY_VENDOR_POLL_H

#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"

/* Zero in a field means the default in brackets. */
struct vendor_poll_rules {
	uint32_t interval_s;    /* after a good round [3600] */
	uint32_t jitter_pct;    /* of the interval, added or taken, to 50 [10] */
	uint32_t retry_first_s; /* after the first failure [30] */
	uint32_t retry_max_s;   /* back-off never waits longer [interval_s] */
};

/* Milliseconds to wait after `failures` failed rounds in a row (0: the last one
 * was good). Failures double the wait from retry_first_s to retry_max_s, and
 * half of that is random, so that gateways that failed together do not come
 * back together. A Retry-After is a lower bound, up to a tenth of it is added.
 * `random` is any 32 random bits. */
uint64_t vendor_poll_delay_ms(const struct vendor_poll_rules *rules,
	unsigned failures, uint32_t retry_after_s, uint32_t random);

struct vendor_poll;

/* The first round is due within a tenth of retry_first_s. */
int vendor_poll_open(uv_loop_t *loop, const struct vendor_poll_rules *rules,
	void (*on_due)(void *arg), void *arg, struct vendor_poll **ret_poll);
void vendor_poll_close(struct vendor_poll *poll, void (*on_closed)(void *arg),
	void *arg);

/* The round that on_due began has ended. */
void vendor_poll_ended(struct vendor_poll *poll, int status,
	uint32_t retry_after_s);

/* Somebody asks for a round now; back-off and Retry-After are passed over.
 * on_due follows from the loop. During a round another one is noted, which
 * follows it at once. */
void vendor_poll_now(struct vendor_poll *poll);

/* For `status`. */
struct vendor_poll_state {
	bool running;
	unsigned failures;
	int last_status;
	uint64_t due_in_ms; /* 0 while running */
};
struct vendor_poll_state vendor_poll_state(const struct vendor_poll *poll);

#endif

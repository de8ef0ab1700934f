/* The account of one radio: how much of its channel Ferry may use, and what it
 * uses.
 *
 * The budget is a share of every 10 seconds. A frame that Ferry chooses to send
 * is reserved with an estimate before it goes to the driver, counts as pending
 * until its completion tells the true cost, and then for ten seconds more.
 * Frames that arrive are charged too: they cannot be refused, but what they use
 * is not there for ours. So over any 10 s the frames that Ferry sends fit into
 * what the received ones left of the budget, as long as no frame costs more than
 * was estimated; one that does is charged and slows the following ones.
 *
 * What may be sent at once is limited beside that (a token bucket of half a
 * second): otherwise a busy radio would be full for a third of the time and
 * silent for the rest.
 *
 * No clock and no allocation: times are monotonic milliseconds that never fall,
 * airtime is in microseconds. Embedded in its owner; one thread. */
#ifndef FERRY_GATEWAY_RELAY_AIRTIME_H
#define FERRY_GATEWAY_RELAY_AIRTIME_H

#include "base/bytes.h"

#define AIRTIME_WINDOW_MS 10000
#define AIRTIME_BUCKET_MS 50
#define AIRTIME_BUCKETS (AIRTIME_WINDOW_MS / AIRTIME_BUCKET_MS + 1)
#define AIRTIME_BUDGET_PRESET 35 /* % of the channel */

struct airtime_bucket {
	uint32_t sent_us;
	uint32_t received_us;
};

struct airtime {
	unsigned budget_pct; /* 1..100; 0: no limit */
	int64_t window_us;   /* of the budget in a window */
	int64_t burst_us;    /* that the tokens hold at most */
	int64_t tokens_us;   /* may be below 0 */
	int64_t tokens_ms;   /* when they were counted */
	int64_t pending_us;  /* reserved and not settled */
	int64_t sent_us;     /* of all buckets */
	int64_t received_us;
	int64_t bucket;      /* number of the newest one */
	struct airtime_bucket buckets[AIRTIME_BUCKETS];
};

/* As people see it; hundredths of a per cent of the channel over the window. */
struct airtime_use {
	unsigned budget_pct; /* 0: no limit */
	unsigned sent_bp;
	unsigned received_bp;
};

/* `budget_pct` 0: no limit, only an account. */
void airtime_init(struct airtime *a, unsigned budget_pct, int64_t now_ms);

/* What could be reserved now; UINT32_MAX without a limit. */
uint32_t airtime_left(struct airtime *a, int64_t now_ms);

/* How many milliseconds from now `us` can be expected to be had if nothing else
 * happens; 0: now. */
int64_t airtime_wait_ms(struct airtime *a, int64_t now_ms, uint32_t us);

/* Takes `us` out of what is left: true, or false when there is less. A frame of
 * more than may be sent at once goes when all of that is there; one of more than
 * a window holds, when nothing was on the air for that long. */
bool airtime_reserve(struct airtime *a, int64_t now_ms, uint32_t us);

/* The frame that was reserved with `estimate_us` is over and cost `us`. */
void airtime_settle(struct airtime *a, int64_t now_ms, uint32_t estimate_us,
	uint32_t us);

void airtime_received(struct airtime *a, int64_t now_ms, uint32_t us);

void airtime_use(struct airtime *a, int64_t now_ms, struct airtime_use *ret);

#endif

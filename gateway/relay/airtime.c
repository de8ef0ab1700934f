#include "gateway/relay/airtime.h"

#define BURST_MS 500
#define BURST_LEAST_US 30000 /* so that the longest frame fits */
#define DEBT_MS 1000

static void clear(struct airtime *a)
{
	memset(a->buckets, 0, sizeof(a->buckets));
	a->sent_us = 0;
	a->received_us = 0;
}

/* Buckets that are wholly older than the window go. The newest one is open, so
 * there is one more of them than the window has. */
static void turn_to(struct airtime *a, int64_t now_ms)
{
	int64_t bucket = now_ms / AIRTIME_BUCKET_MS;

	if (bucket - a->bucket >= AIRTIME_BUCKETS) {
		clear(a);
		a->bucket = bucket;
	}
	while (a->bucket < bucket) {
		struct airtime_bucket *b =
			&a->buckets[++a->bucket % AIRTIME_BUCKETS];

		a->sent_us -= b->sent_us;
		a->received_us -= b->received_us;
		*b = (struct airtime_bucket){0};
	}
}

static int64_t budget_of_ms(const struct airtime *a, int64_t ms)
{
	return ms * 10 * a->budget_pct;
}

static void fill_tokens(struct airtime *a, int64_t now_ms)
{
	int64_t past_ms = now_ms - a->tokens_ms;

	if (past_ms <= 0)
		return;
	a->tokens_ms = now_ms;
	if (past_ms > AIRTIME_WINDOW_MS)
		past_ms = AIRTIME_WINDOW_MS;
	a->tokens_us += budget_of_ms(a, past_ms);
	if (a->tokens_us > a->burst_us)
		a->tokens_us = a->burst_us;
}

/* Debt is limited: what was used long ago is the window's business. */
static void take_tokens(struct airtime *a, int64_t us)
{
	int64_t least = -budget_of_ms(a, DEBT_MS);

	a->tokens_us -= us;
	if (a->tokens_us > a->burst_us)
		a->tokens_us = a->burst_us;
	if (a->tokens_us < least)
		a->tokens_us = least;
}

static void advance(struct airtime *a, int64_t now_ms)
{
	turn_to(a, now_ms);
	fill_tokens(a, now_ms);
}

static struct airtime_bucket *newest(struct airtime *a)
{
	return &a->buckets[a->bucket % AIRTIME_BUCKETS];
}

void airtime_init(struct airtime *a, unsigned budget_pct, int64_t now_ms)
{
	*a = (struct airtime){
		.budget_pct = budget_pct,
		.tokens_ms = now_ms,
		.bucket = now_ms / AIRTIME_BUCKET_MS,
	};
	a->window_us = budget_of_ms(a, AIRTIME_WINDOW_MS);
	a->burst_us = budget_of_ms(a, BURST_MS);
	if (a->burst_us < BURST_LEAST_US)
		a->burst_us = BURST_LEAST_US;
	a->tokens_us = a->burst_us;
}

static int64_t window_left(const struct airtime *a)
{
	return a->window_us - a->sent_us - a->received_us - a->pending_us;
}

static int64_t left_of(const struct airtime *a)
{
	int64_t window = window_left(a);
	int64_t left = window < a->tokens_us ? window : a->tokens_us;

	return left > 0 ? left : 0;
}

uint32_t airtime_left(struct airtime *a, int64_t now_ms)
{
	if (!a->budget_pct)
		return UINT32_MAX;
	advance(a, now_ms);
	return (uint32_t)left_of(a);
}

/* When so many buckets have gone that `us` fits into the window. */
static int64_t window_wait_ms(const struct airtime *a, int64_t now_ms,
	int64_t us)
{
	int64_t missing = us - window_left(a);
	int64_t first = a->bucket - AIRTIME_BUCKETS + 1;

	for (int64_t n = first < 0 ? 0 : first; n <= a->bucket; n++) {
		const struct airtime_bucket *b =
			&a->buckets[n % AIRTIME_BUCKETS];

		missing -= (int64_t)b->sent_us + b->received_us;
		if (missing <= 0)
			return (n + AIRTIME_BUCKETS) * AIRTIME_BUCKET_MS -
				now_ms;
	}
	return AIRTIME_BUCKET_MS; /* until something pending is settled */
}

/* A frame of more than the tokens ever hold goes when they are all there, but it
 * has to fit into the window like any other. */
static int64_t tokens_for(const struct airtime *a, uint32_t us)
{
	return us < a->burst_us ? us : a->burst_us;
}

static int64_t window_for(const struct airtime *a, uint32_t us)
{
	return us < a->window_us ? us : a->window_us;
}

int64_t airtime_wait_ms(struct airtime *a, int64_t now_ms, uint32_t us)
{
	int64_t tokens = tokens_for(a, us), window = window_for(a, us);
	int64_t tokens_ms = 0, window_ms = 0;

	if (!a->budget_pct || !us)
		return 0;
	advance(a, now_ms);
	if (tokens > a->tokens_us)
		tokens_ms = (tokens - a->tokens_us - 1) / budget_of_ms(a, 1) +
			1;
	if (window > window_left(a))
		window_ms = window_wait_ms(a, now_ms, window);
	return window_ms > tokens_ms ? window_ms : tokens_ms;
}

bool airtime_reserve(struct airtime *a, int64_t now_ms, uint32_t us)
{
	advance(a, now_ms);
	if (a->budget_pct && us && (a->tokens_us < tokens_for(a, us) ||
			window_left(a) < window_for(a, us)))
		return false;
	a->pending_us += us;
	take_tokens(a, us);
	return true;
}

void airtime_settle(struct airtime *a, int64_t now_ms, uint32_t estimate_us,
	uint32_t us)
{
	advance(a, now_ms);
	a->pending_us -= estimate_us;
	if (a->pending_us < 0)
		a->pending_us = 0;
	a->sent_us += us;
	newest(a)->sent_us += us;
	take_tokens(a, (int64_t)us - estimate_us);
}

void airtime_received(struct airtime *a, int64_t now_ms, uint32_t us)
{
	advance(a, now_ms);
	a->received_us += us;
	newest(a)->received_us += us;
	take_tokens(a, us);
}

static unsigned basis_points(int64_t us)
{
	return (unsigned)(us / (AIRTIME_WINDOW_MS / 10));
}

void airtime_use(struct airtime *a, int64_t now_ms, struct airtime_use *ret)
{
	advance(a, now_ms);
	*ret = (struct airtime_use){
		.budget_pct = a->budget_pct,
		.sent_bp = basis_points(a->sent_us),
		.received_bp = basis_points(a->received_us),
	};
}

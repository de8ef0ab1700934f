#include "devices/smp/upload.h"

#define RTO_START_MS 5000
#define RTO_MAX_MS 30000
#define GOOD_TO_GROW 32
#define STRIKES_MAX 6
#define BUSY_MAX 60
#define BUSY_PAUSE_MS 250
#define BUSY_PAUSE_MAX_MS 4000
#define NO_MEMORY_PAUSE_MS 100
#define JUMP_PAUSE_MS 500
#define JUMPS_MAX 2
#define RESTARTS_MAX 5
#define FRESH_MAX 1
#define MESSAGE_MIN 64
#define ALIGN_LEARNED 32 /* largest flash word that recovery rounds to */
#define NO_PAUSE INT64_MIN

static struct smp_chunk describe(const struct smp_upload *u)
{
	struct smp_chunk c = {
		.off = u->need_first ? 0 : u->next,
		.first = u->need_first,
		.len = u->setup.len,
		.image = u->setup.image,
		.upgrade = u->setup.upgrade,
	};

	if (u->has_sha)
		c.sha = u->setup.sha;
	return c;
}

static bool first_fits(const struct smp_upload *u)
{
	struct smp_chunk c = describe(u);

	return smp_upload_room(&c, u->setup.max_message) >= SMP_FIRST_DATA_MIN;
}

int smp_upload_init(struct smp_upload *u, const struct smp_upload_setup *setup)
{
	*u = (struct smp_upload){
		.setup = *setup,
		.state = SMP_UPLOAD_RUNS,
		.need_first = true,
		.pause_ms = NO_PAUSE,
		.rtt_ms = -1,
		.rto_ms = RTO_START_MS,
		.window = setup->window < 2 ? setup->window : 2,
		.has_sha = setup->can_resume && setup->sha.len,
	};
	if (u->setup.align == 0)
		u->setup.align = 1;
	if (!first_fits(u))
		u->has_sha = false;
	return first_fits(u) ? 0 : ERR_SMP_TOO_SMALL;
}

void smp_upload_reset(struct smp_upload *u)
{
	*u = (struct smp_upload){.state = SMP_UPLOAD_DONE};
}

bool smp_upload_chunk(const struct smp_upload *u, struct smp_chunk *ret,
	size_t *ret_len)
{
	struct smp_chunk c = describe(u);
	uint64_t left = u->setup.len - c.off;
	size_t room = smp_upload_room(&c, u->setup.max_message);
	size_t odd;

	if (u->state != SMP_UPLOAD_RUNS || left == 0)
		return false;
	odd = (size_t)((c.off + room) % u->setup.align);
	if (room < left && room > odd && !(c.first &&
				room - odd < SMP_FIRST_DATA_MIN))
		room -= odd;
	*ret = c;
	*ret_len = room < left ? room : (size_t)left;
	return true;
}

bool smp_upload_may_send(const struct smp_upload *u, int64_t now_ms)
{
	if (u->state != SMP_UPLOAD_RUNS || u->draining || now_ms < u->pause_ms)
		return false;
	if (u->need_first)
		return u->flights == 0;
	/* Until the first request is answered it is the only one. */
	if (u->flights && u->flight[0].first)
		return false;
	return u->next < u->setup.len && u->flights < u->window;
}

void smp_upload_sent(struct smp_upload *u, uint8_t seq, int64_t now_ms)
{
	struct smp_chunk c;
	size_t len;

	if (u->flights == SMP_WINDOW_MAX || !smp_upload_chunk(u, &c, &len))
		return;
	u->flight[u->flights++] = (struct smp_flight){
		.seq = seq,
		.first = c.first,
		.off = c.off,
		.end = c.off + len,
		.sent_ms = now_ms,
	};
	if (c.first) {
		u->high = 0;
		u->acked = 0;
		u->need_first = false;
	}
	u->next = c.off + len;
	if (u->next > u->high)
		u->high = u->next;
	else
		u->repeated += len;
}

static int find(const struct smp_upload *u, uint8_t seq)
{
	for (unsigned i = 0; i < u->flights; i++)
		if (u->flight[i].seq == seq)
			return (int)i;
	return -1;
}

bool smp_upload_awaits(const struct smp_upload *u, uint8_t seq)
{
	return find(u, seq) >= 0;
}

/* Forgets the first `count` requests, the oldest ones. */
static void forget(struct smp_upload *u, unsigned count)
{
	u->flights -= count;
	memmove(u->flight, u->flight + count,
		u->flights * sizeof(u->flight[0]));
	if (u->flights == 0)
		u->draining = false;
}

static void forget_one(struct smp_upload *u, unsigned i)
{
	u->flights--;
	memmove(u->flight + i, u->flight + i + 1,
		(u->flights - i) * sizeof(u->flight[0]));
	if (u->flights == 0)
		u->draining = false;
}

static void fail(struct smp_upload *u, int code)
{
	u->state = SMP_UPLOAD_FAILED;
	u->code = code;
	u->flights = 0;
}

static void pause_for(struct smp_upload *u, int64_t now_ms, int64_t ms)
{
	if (u->pause_ms < now_ms + ms)
		u->pause_ms = now_ms + ms;
}

static void halve_window(struct smp_upload *u)
{
	u->window = u->window > 1 ? u->window / 2 : 1;
	u->good = 0;
}

static void halve_message(struct smp_upload *u)
{
	size_t was = u->setup.max_message;

	u->setup.max_message = was / 2 > MESSAGE_MIN ? was / 2 : MESSAGE_MIN;
	if (!u->need_first || first_fits(u))
		return;
	u->has_sha = false;
	if (!first_fits(u))
		u->setup.max_message = was;
}

static void strike(struct smp_upload *u, int code)
{
	if (++u->strikes >= STRIKES_MAX)
		fail(u, code);
}

/* Goes on from `off` once what is under way has been answered. */
static void rewind_to(struct smp_upload *u, uint64_t off)
{
	u->next = off;
	u->draining = u->flights > 0;
}

static void begin_again(struct smp_upload *u)
{
	forget(u, u->flights);
	u->need_first = true;
	u->next = 0;
	u->acked = 0;
	u->high = 0;
}

static void start_fresh(struct smp_upload *u, int code)
{
	if (u->fresh++ >= FRESH_MAX)
		fail(u, code);
	else
		begin_again(u);
}

static void learn_time(struct smp_upload *u, const struct smp_flight *e,
	int64_t now_ms)
{
	int64_t ms = now_ms - e->sent_ms;

	if (e->first)
		return;
	u->rtt_ms = u->rtt_ms < 0 ? ms : (7 * u->rtt_ms + ms) / 8;
	u->rto_ms = 4 * u->rtt_ms;
	if (u->rto_ms < u->setup.answer_ms)
		u->rto_ms = u->setup.answer_ms;
	if (u->rto_ms > RTO_MAX_MS)
		u->rto_ms = RTO_MAX_MS;
}

static void progress(struct smp_upload *u, uint64_t off)
{
	if (off > u->acked) {
		u->strikes = 0;
		u->busy = 0;
	}
	u->jumps = 0;
	u->worked = true;
	u->acked = off;
	if (u->next < off)
		u->next = off;
	if (u->high < off)
		u->high = off;
	if (++u->good >= GOOD_TO_GROW && u->window < u->setup.window) {
		u->window++;
		u->good = 0;
	}
}

static void finish(struct smp_upload *u, const struct smp_answer *a)
{
	if (a->has_match && !a->match) {
		start_fresh(u, ERR_SMP_MATCH);
		return;
	}
	u->flights = 0;
	u->draining = false;
	u->state = SMP_UPLOAD_DONE;
}

/* An offset that neither our requests nor a restart explain. Asking once more
 * from our own place writes nothing when the record is another client's. */
static void jump(struct smp_upload *u, int64_t now_ms)
{
	forget(u, u->flights);
	if (++u->jumps >= JUMPS_MAX) {
		fail(u, ERR_SMP_FOREIGN_UPLOAD);
		return;
	}
	u->next = u->acked;
	u->need_first = u->acked == 0;
	pause_for(u, now_ms, JUMP_PAUSE_MS);
}

/* True when the device may have forgotten its last chunks: a smaller offset,
 * but not by more than that. Another client's is hardly ever so near. */
static bool is_near(const struct smp_upload *u, uint64_t off)
{
	return off < u->acked &&
		u->acked - off <= 2 * (uint64_t)u->setup.max_message;
}

static void forgot(struct smp_upload *u, uint64_t off)
{
	u->acked = off;
	strike(u, ERR_SMP_RESTARTS);
	if (u->state == SMP_UPLOAD_RUNS)
		rewind_to(u, off);
}

static void first_answered(struct smp_upload *u, uint64_t off, int64_t now_ms)
{
	if (off == 0) {
		begin_again(u);
		strike(u, ERR_SMP_RESTARTS);
		pause_for(u, now_ms, BUSY_PAUSE_MS);
		return;
	}
	u->resumed = off > u->high;
	if (off < u->high && u->setup.align < ALIGN_LEARNED)
		u->setup.align = ALIGN_LEARNED;
	u->next = off;
	progress(u, off);
}

/* The device did not take all of a chunk: `off` is before its end. */
static void fell_behind(struct smp_upload *u, const struct smp_flight *e,
	uint64_t off)
{
	if (off > e->off) {
		progress(u, off);
		if (u->setup.align < ALIGN_LEARNED)
			u->setup.align = ALIGN_LEARNED;
	} else {
		strike(u, ERR_SMP_TIMEOUT);
	}
	if (u->state == SMP_UPLOAD_RUNS)
		rewind_to(u, off);
}

static void take_offset(struct smp_upload *u, const struct smp_flight *e,
	const struct smp_answer *a, int64_t now_ms)
{
	uint64_t off = a->off;

	if (off == u->setup.len && (e->first || u->high >= off)) {
		u->acked = off;
		finish(u, a);
	} else if (e->first && off < u->setup.len) {
		first_answered(u, off, now_ms);
	} else if (off == 0) {
		begin_again(u);
		if (++u->restarts > RESTARTS_MAX)
			fail(u, ERR_SMP_RESTARTS);
	} else if (is_near(u, off)) {
		forgot(u, off);
	} else if (off > u->high || off < u->acked) {
		jump(u, now_ms);
	} else if (off < e->end) {
		fell_behind(u, e, off);
	} else {
		progress(u, off);
	}
}

static void take_refusal(struct smp_upload *u, int64_t now_ms)
{
	int64_t pause = BUSY_PAUSE_MS;

	switch (smp_status_judge(&u->status)) {
	case SMP_NO_MEMORY:
		halve_window(u);
		pause_for(u, now_ms, NO_MEMORY_PAUSE_MS);
		strike(u, ERR_SMP_NO_MEMORY);
		return;
	case SMP_BUSY:
		for (unsigned i = 0; i < u->busy && pause < BUSY_PAUSE_MAX_MS;
				i++)
			pause *= 2;
		pause_for(u, now_ms, pause);
		if (++u->busy > BUSY_MAX)
			fail(u, ERR_SMP_BUSY);
		return;
	case SMP_TOO_LARGE:
		halve_message(u);
		strike(u, ERR_SMP_TOO_SMALL);
		return;
	case SMP_TIMED_OUT:
		pause_for(u, now_ms, pause);
		strike(u, ERR_SMP_TIMEOUT);
		return;
	case SMP_NO_SLOT:
	case SMP_BAD_STATE:
		fail(u, ERR_SMP_NO_FREE_SLOT);
		return;
	case SMP_IS_PENDING:
		fail(u, ERR_SMP_PENDING);
		return;
	case SMP_DOWNGRADE:
		fail(u, ERR_SMP_DOWNGRADE);
		return;
	case SMP_REFUSED:
		fail(u, ERR_SMP_IMAGE_REFUSED);
		return;
	case SMP_UNSUPPORTED:
	case SMP_VERSION_OLD:
	case SMP_VERSION_NEW:
		fail(u, ERR_SMP_STATUS);
		return;
	case SMP_OK:
	case SMP_TEST_ACTIVE:
	case SMP_OTHER:
		start_fresh(u, ERR_SMP_STATUS);
		return;
	}
}

/* The request is answered with an error: its chunk goes again. */
static void refused(struct smp_upload *u, const struct smp_flight *e,
	int64_t now_ms)
{
	if (e->first)
		u->need_first = true;
	if (!u->draining)
		rewind_to(u, u->acked);
	take_refusal(u, now_ms);
}

void smp_upload_answer(struct smp_upload *u, uint8_t seq,
	const struct smp_answer *answer, int64_t now_ms)
{
	int i = find(u, seq);
	bool drained = u->draining;
	struct smp_flight e;

	if (i < 0 || u->state != SMP_UPLOAD_RUNS)
		return;
	e = u->flight[i];
	u->status = answer->status;
	if (answer->status.failed) {
		/* A refusal may overtake the answers of earlier requests. */
		forget_one(u, (unsigned)i);
		if (!drained)
			refused(u, &e, now_ms);
		return;
	}
	/* Links keep the order: what was sent earlier and is not answered yet
	 * was lost, and if it was only late it is recognised by its number. */
	forget(u, (unsigned)i + 1);
	if (!answer->has_off) {
		strike(u, ERR_SMP_ANSWER);
		if (u->state == SMP_UPLOAD_RUNS && e.first)
			begin_again(u);
		else if (u->state == SMP_UPLOAD_RUNS)
			rewind_to(u, u->acked);
		return;
	}
	learn_time(u, &e, now_ms);
	/* Answers after a rewind repeat it; they only may know better. */
	if (drained && answer->off > u->acked && answer->off <= u->high)
		progress(u, answer->off);
	else if (!drained)
		take_offset(u, &e, answer, now_ms);
	if (u->acked == u->setup.len && u->state == SMP_UPLOAD_RUNS &&
			!u->need_first)
		finish(u, answer);
}

static void give_up_flights(struct smp_upload *u, int64_t now_ms)
{
	bool first = u->flights && u->flight[0].first;

	forget(u, u->flights);
	halve_window(u);
	if (first)
		u->need_first = true;
	u->next = u->acked;
	u->rto_ms = u->rto_ms * 2 > RTO_MAX_MS ? RTO_MAX_MS : u->rto_ms * 2;
	if (u->setup.quiet_ms)
		pause_for(u, now_ms, u->setup.quiet_ms);
	strike(u, ERR_SMP_TIMEOUT);
	/* Silence may mean that such long requests do not get through. */
	if (u->strikes >= 2 && (!u->worked || u->strikes >= 4))
		halve_message(u);
}

void smp_upload_garbled(struct smp_upload *u, uint8_t seq, int64_t now_ms)
{
	if (smp_upload_awaits(u, seq) && u->state == SMP_UPLOAD_RUNS)
		give_up_flights(u, now_ms);
}

static int64_t patience(const struct smp_upload *u, const struct smp_flight *e)
{
	if (e->first)
		return u->setup.erase_ms;
	if (e->end == u->setup.len && u->rto_ms < u->setup.last_ms)
		return u->setup.last_ms;
	return u->rto_ms;
}

/* When the oldest request that is still awaited is given up. While the last
 * chunk is under way an older one may not wait as long as that. */
static int64_t give_up_at(const struct smp_upload *u)
{
	int64_t at = INT64_MAX;

	for (unsigned i = 0; i < u->flights; i++) {
		int64_t t = u->flight[i].sent_ms +
			patience(u, &u->flight[i]);

		if (t < at)
			at = t;
	}
	return at;
}

void smp_upload_hurry(struct smp_upload *u, int64_t at_ms)
{
	for (unsigned i = 0; i < u->flights; i++) {
		struct smp_flight *e = &u->flight[i];

		if (e->sent_ms + patience(u, e) > at_ms)
			e->sent_ms = at_ms - patience(u, e);
	}
}

bool smp_upload_time(struct smp_upload *u, int64_t now_ms)
{
	if (now_ms >= u->pause_ms)
		u->pause_ms = NO_PAUSE;
	if (u->state != SMP_UPLOAD_RUNS || now_ms < give_up_at(u))
		return false;
	give_up_flights(u, now_ms);
	return true;
}

int64_t smp_upload_deadline(const struct smp_upload *u)
{
	int64_t at = give_up_at(u);

	if (u->state != SMP_UPLOAD_RUNS)
		return INT64_MAX;
	if (u->pause_ms != NO_PAUSE && u->pause_ms < at && !u->draining &&
			u->flights < u->window)
		at = u->pause_ms;
	return at;
}

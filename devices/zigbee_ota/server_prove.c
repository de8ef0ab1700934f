#include "devices/zigbee_ota/server.h"

#include <stdio.h>

#define SETTLE_MS 10000 /* what is said sooner may be said before the restart */
#define RECHECK_MS 15000
#define FIRST_READ_MS 15000
#define READ_AGAIN_MS 30000
#define JOINED_READ_MS 2000
#define INVENTORY_AGAIN_MS 5000
#define INVENTORY_READS 3
#define INVENTORY_TRIES 5
#define RESUME_READS 3
#define RESUME_AGAIN_MS 5000
#define END_AGAIN_MS 10000
#define ENDS_MAX 3
#define ASKS_AGAIN_MS 3660000 /* who waits for its leave: every hour */

/* A quirk or an option that was set is more particular than the class. */
static int64_t return_ms(const struct server_offer *o)
{
	struct quirks preset;
	uint32_t quirk_s = o->peer->quirks.return_s;

	quirks_init(&preset);
	if (o->return_ms && quirk_s == preset.return_s)
		return o->return_ms;
	return (int64_t)quirk_s * 1000;
}

void server_prove_begin(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;

	server_release(s, o);
	o->phase = PHASE_PROVE;
	o->ends++;
	o->end_ms = now_ms;
	o->announced = false;
	o->has_seen = false;
	o->reads = 0;
	o->return_at_ms = now_ms + return_ms(o);
	if (p->sleepy && o->told_to_wait)
		o->return_at_ms += ASKS_AGAIN_MS;
	o->read_ms = p->sleepy ? ENGINE_NEVER : now_ms + FIRST_READ_MS;
	o->notify_ms = ENGINE_NEVER;
	p->exchanges = 0;
	server_set_wait(s, o, p->sleepy ? ENGINE_WAIT_WAKE : ENGINE_WAIT_NONE,
		ENGINE_NEVER);
}

static void fail_version(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	bool old = o->has_before && o->seen == o->before;

	if (old || !o->has_before)
		server_fail(s, o, ERR_ZIGBEE_OLD_VERSION, "read-back", now_ms,
			"it runs 0x%08x, not 0x%08x", o->seen, o->expect);
	else
		server_fail(s, o, ERR_ZIGBEE_OTHER_VERSION, "read-back",
			now_ms, "it runs 0x%08x, it ran 0x%08x before and "
			"0x%08x was installed", o->seen, o->before,
			o->expect);
}

/* It says the same twice, some time apart, and has restarted: that is it. */
static void not_the_one(struct server *s, struct server_offer *o,
	uint32_t version, int64_t now_ms)
{
	if (!o->has_seen || o->seen != version) {
		o->has_seen = true;
		o->seen = version;
		o->seen_ms = now_ms;
	} else if (o->announced && now_ms - o->seen_ms >= RECHECK_MS) {
		fail_version(s, o, now_ms);
		return;
	}
	o->read_ms = server_sooner(o->read_ms, now_ms + RECHECK_MS);
}

/* A download that had come to its end begins once more. */
static void begins_again(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	o->has_all = false;
	if (++o->failed >= o->peer->quirks.attempts_max)
		fail_version(s, o, now_ms);
}

void server_prove_version(struct server *s, struct server_offer *o,
	uint32_t version, bool itself, int64_t now_ms)
{
	bool settled = o->announced || now_ms - o->end_ms >= SETTLE_MS;

	if (version == o->expect) {
		if (o->phase != PHASE_OPEN)
			server_progress(s, o, o->file.size, now_ms);
		server_end(s, o, ENGINE_DONE, now_ms);
		return;
	}
	if (o->phase != PHASE_PROVE) {
		if (o->phase == PHASE_OPEN || !o->has_before) {
			o->has_before = true;
			o->before = version;
		}
		o->has_seen = o->has_all;
		o->seen = version;
		if (itself && o->phase == PHASE_TRANSFER && o->has_all)
			begins_again(s, o, now_ms);
		return;
	}
	/* A device asks for the next image when it has restarted. */
	if (itself && settled)
		o->announced = true;
	if (settled)
		not_the_one(s, o, version, now_ms);
}

void server_prove_announced(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	if (o->goal == ENGINE_GOAL_INVENTORY) {
		o->read_ms = now_ms + JOINED_READ_MS;
		return;
	}
	server_call_again(s, o, now_ms);
	/* A sleepy child listens just now. */
	if (o->phase == PHASE_OPEN && o->peer->sleepy && !o->stage_open)
		server_want(s, o->peer, WANT_NOTIFY, now_ms);
	if (o->phase == PHASE_HEADER)
		return;
	o->announced = o->phase == PHASE_PROVE;
	o->has_seen = false;
	if (o->phase == PHASE_PROVE || o->has_all)
		o->read_ms = now_ms + JOINED_READ_MS;
}

void server_read_sent(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	(void)s;
	o->reads++;
	if (o->goal == ENGINE_GOAL_INVENTORY)
		o->read_ms = now_ms + INVENTORY_AGAIN_MS;
	else if (o->phase == PHASE_PROVE)
		o->read_ms = o->peer->sleepy ? ENGINE_NEVER : now_ms +
			(o->has_seen ? RECHECK_MS : READ_AGAIN_MS);
	else if (o->phase == PHASE_TRANSFER && o->has_all)
		o->read_ms = now_ms + READ_AGAIN_MS;
	else
		o->read_ms = !o->asked && o->reads < RESUME_READS ?
			now_ms + RESUME_AGAIN_MS : ENGINE_NEVER;
}

/* The default response may as well be one to a notify: it counts once. */
void server_read_refused(struct server_offer *o, int64_t now_ms)
{
	if (o->goal != ENGINE_GOAL_INVENTORY || o->reads == 0 ||
			o->reads >= INVENTORY_READS)
		return;
	o->reads = INVENTORY_READS;
	o->read_ms = now_ms;
}

/* A device that was sent off to wait and was let go meanwhile: it may not have
 * heard it. */
static bool may_repeat_end(const struct server_offer *o)
{
	return o->told_to_wait && !o->announced && o->ends < ENDS_MAX &&
		o->granted & 1u << ENGINE_STAGE_RESTART;
}

int64_t server_prove_due(const struct server_offer *o)
{
	int64_t at = o->return_at_ms;

	if (may_repeat_end(o))
		at = server_sooner(at, o->end_ms + END_AGAIN_MS);
	return at;
}

static void no_answer(struct server *s, struct server_offer *o, int64_t now_ms)
{
	server_fail(s, o, ERR_ZIGBEE_NO_ANSWER, "inventory", now_ms,
		"is it switched on and within reach?");
}

void server_inventory_lost(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	if (o->goal == ENGINE_GOAL_INVENTORY && o->phase != PHASE_OVER)
		no_answer(s, o, now_ms);
}

static void inventory_read(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;

	if (!server_is_awake(p, now_ms)) {
		o->read_ms = ENGINE_NEVER;
		return;
	}
	if (o->reads < INVENTORY_READS) {
		server_want(s, p, WANT_READ, now_ms);
	} else if (o->reads < INVENTORY_TRIES) {
		o->reads++;
		o->read_ms = now_ms + INVENTORY_AGAIN_MS;
		server_want(s, p, WANT_NOTIFY, now_ms);
	} else {
		no_answer(s, o, now_ms);
	}
}

void server_prove_silent(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	if (o->has_seen) {
		fail_version(s, o, now_ms);
		return;
	}
	o->failure = (struct engine_failure){
		.code = ERR_ZIGBEE_GONE,
		.step = "read-back",
		.offset = o->progress,
	};
	snprintf(o->failure.hint, sizeof(o->failure.hint),
		"it did not tell its version in %u s",
		(unsigned)(return_ms(o) / 1000));
	server_end(s, o, ENGINE_UNVERIFIED, now_ms);
}

void server_prove_tick(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	if (o->phase == PHASE_PROVE && now_ms >= o->return_at_ms) {
		server_prove_silent(s, o, now_ms);
		return;
	}
	if (o->phase == PHASE_PROVE && may_repeat_end(o) &&
			now_ms >= o->end_ms + END_AGAIN_MS) {
		o->end_ms = now_ms;
		server_want(s, o->peer, WANT_END, now_ms);
	}
	if (now_ms < o->read_ms)
		return;
	o->read_ms = ENGINE_NEVER;
	if (o->goal == ENGINE_GOAL_INVENTORY)
		inventory_read(s, o, now_ms);
	else
		server_want(s, o->peer, WANT_READ, now_ms);
}

#include "devices/zigbee_ota/server.h"

#define CALL_MS 10000 /* a place is kept for a device that is notified */
#define NOTIFY_FIRST_MS 2000
#define NOTIFY_MOST_MS 60000
#define NOTIFY_EAGER 10 /* notifies at that pace, then seldom */
#define NOTIFY_SELDOM_MS 900000
#define JOINED_MS 2000
#define UNHEARD 3 /* notifies without a word: it may be switched off */
#define ASKED_CALL_MS 30000
#define BROADCAST_LEAST 8
#define BROADCASTS_MAX 3
#define BROADCAST_AGAIN_MS 15000
#define BROADCAST_HEARD_MS 3000 /* who has not asked by then will not */
/* From a notify to the first block. */
#define CALL_LEAD_MS 3000

/* ---- places ---- */

/* Places that will soon be free are given on before, so that the radio does not
 * wait for who is called next; once over as many as there may be. */
static size_t free_places(const struct server *s)
{
	size_t most = (size_t)s->options.concurrent;
	size_t moving = s->places - s->ending;
	size_t left = 2 * most - s->places;

	if (moving >= most)
		return 0;
	return most - moving < left ? most - moving : left;
}

static bool has_room(const struct server *s, const struct server_offer *o)
{
	if (!free_places(s))
		return false;
	return !o->peer->sleepy ||
		s->sleepy_places < (size_t)s->options.sleepy_concurrent;
}

void server_park(struct server *s, struct server_offer *o, bool parked)
{
	s->parked = s->parked - o->parked + parked;
	o->parked = parked;
}

static void take_place(struct server *s, struct server_offer *o)
{
	server_park(s, o, false);
	o->has_place = true;
	o->place_sleepy = o->peer->sleepy;
	o->next_place = s->placed;
	s->placed = o;
	s->places++;
	s->sleepy_places += o->place_sleepy;
}

void server_release(struct server *s, struct server_offer *o)
{
	struct server_offer **at = &s->placed;

	if (!o->has_place)
		return;
	while (*at != o)
		at = &(*at)->next_place;
	*at = o->next_place;
	o->has_place = false;
	o->called = false;
	s->ending -= o->ending;
	o->ending = false;
	s->places--;
	s->sleepy_places -= o->place_sleepy;
	s->look = true;
}

/* Routers before sleepy children, then by age. */
static bool ranks_before(const struct server_offer *a,
	const struct server_offer *b)
{
	if (a->peer->sleepy != b->peer->sleepy)
		return b->peer->sleepy;
	return a->age < b->age;
}

/* A place that is kept for a device which has not come yet and is behind: of the
 * youngest offer. */
static struct server_offer *last_called(const struct server *s,
	const struct server_offer *o)
{
	struct server_offer *last = NULL;

	for (struct server_offer *at = s->placed; at; at = at->next_place)
		if (at->called && ranks_before(o, at) &&
				(!last || at->age > last->age))
			last = at;
	return last;
}

bool server_admit(struct server *s, struct server_offer *o, int64_t now_ms)
{
	struct server_offer *other;

	o->called = false;
	if (o->has_place)
		return true;
	if (!has_room(s, o)) {
		other = last_called(s, o);
		if (!other)
			return false;
		server_release(s, other);
		other->notify_ms = now_ms;
		if (!has_room(s, o))
			return false;
	}
	take_place(s, o);
	o->parked_until_ms = INT64_MIN;
	server_set_wait(s, o, ENGINE_WAIT_NONE, ENGINE_NEVER);
	return true;
}

static int64_t left_ms(const struct server_offer *o, int64_t now_ms)
{
	uint64_t done = o->progress > o->first_offset ?
		o->progress - o->first_offset : 0;

	if (!o->served || done == 0)
		return ENGINE_NEVER;
	return (int64_t)((uint64_t)(now_ms - o->first_ms) *
		(o->file.size - o->progress) / done);
}

/* A device that begins again is not near its end any more. */
void server_place_moved(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	bool ending = o->has_all || left_ms(o, now_ms) <= CALL_LEAD_MS;

	if (!o->has_place || ending == o->ending)
		return;
	o->ending = ending;
	if (ending)
		s->ending++;
	else
		s->ending--;
	s->look = true;
}

int64_t server_place_in(const struct server *s, int64_t now_ms)
{
	int64_t soonest = ENGINE_NEVER;

	for (const struct server_offer *o = s->placed; o; o = o->next_place)
		soonest = server_sooner(soonest, left_ms(o, now_ms));
	return soonest;
}

/* ---- who is called ---- */

static bool may_call(const struct server_offer *o)
{
	const struct server_peer *p = o->peer;

	return o->goal == ENGINE_GOAL_UPDATE && !o->has_place &&
		(o->phase == PHASE_OPEN || o->phase == PHASE_TRANSFER) &&
		!o->has_all && !o->stage_open && !p->sleepy &&
		(p->known || p->heard);
}

static int64_t call_at(const struct server_offer *o)
{
	return o->notify_ms > o->parked_until_ms ? o->notify_ms :
		o->parked_until_ms;
}

/* People are to be told that the device is what is waited for. */
static bool is_unheard(const struct server_offer *o)
{
	return o->wait == ENGINE_WAIT_WAKE || o->notifies >= UNHEARD;
}

static void call(struct server *s, struct server_offer *o, int64_t now_ms)
{
	take_place(s, o);
	o->called = true;
	o->call_until_ms = now_ms + CALL_MS;
	o->notify_ms = ENGINE_NEVER;
	server_set_wait(s, o, is_unheard(o) ? ENGINE_WAIT_WAKE :
		ENGINE_WAIT_NONE, ENGINE_NEVER);
	server_want(s, o->peer, WANT_NOTIFY, now_ms);
	server_rearm(s, o->peer, now_ms);
}

static bool is_same_key(const struct ota_key *a, const struct ota_key *b)
{
	return a->manufacturer == b->manufacturer && a->type == b->type &&
		a->version == b->version;
}

static bool may_broadcast(const struct server_offer *o, int64_t now_ms)
{
	return may_call(o) && call_at(o) <= now_ms && !o->asked &&
		now_ms >= o->broadcast_ms &&
		o->notifies == 0 && o->broadcasts < BROADCASTS_MAX &&
		o->peer->quirks.broadcast;
}

static size_t count_of_key(const struct server *s, const struct ota_key *key,
	int64_t now_ms)
{
	size_t n = 0;

	for (const struct server_offer *o = s->first; o; o = o->next)
		n += may_broadcast(o, now_ms) &&
			is_same_key(&o->file.key, key);
	return n;
}

/* So many shall answer that twice the free places are asked for; the others
 * hear of it again when those are through. */
static uint8_t jitter(const struct server *s, size_t count)
{
	size_t percent = 200 * free_places(s) / count;

	if (s->options.jitter)
		return (uint8_t)s->options.jitter;
	return (uint8_t)(percent < 10 ? 10 : percent > 100 ? 100 : percent);
}

/* One broadcast in place of many notifies, when the oldest offer is one of many
 * of the same image. */
static void broadcast(struct server *s, int64_t now_ms)
{
	struct server_offer *o = s->first;
	size_t n;

	if (!s->group[0] || !s->options.broadcast || s->broadcast_due)
		return;
	while (o && !may_broadcast(o, now_ms))
		o = o->next;
	if (!o)
		return;
	n = count_of_key(s, &o->file.key, now_ms);
	if (n < BROADCAST_LEAST)
		return;
	s->broadcast_due = true;
	s->broadcast_key = o->file.key;
	s->broadcast_jitter = jitter(s, n);
	for (; o; o = o->next) {
		if (!may_broadcast(o, now_ms) ||
				!is_same_key(&o->file.key, &s->broadcast_key))
			continue;
		o->broadcasts++;
		o->broadcast_ms = now_ms + BROADCAST_AGAIN_MS;
		o->notify_ms = now_ms + BROADCAST_HEARD_MS;
	}
}

/* Where many places are free the next broadcast does for all that the last one
 * did not reach; for few of them, who has not asked is called one by one. */
static int64_t alone_at(const struct server *s, const struct server_offer *o)
{
	int64_t at = call_at(o);

	if (free_places(s) >= BROADCAST_LEAST && o->notifies == 0 &&
			at < o->broadcast_ms)
		return o->broadcast_ms;
	return at;
}

void server_look(struct server *s, int64_t now_ms)
{
	int64_t at;

	if (!s->up || (!s->look && now_ms < s->look_ms))
		return;
	s->look = false;
	s->look_ms = ENGINE_NEVER;
	if (free_places(s))
		broadcast(s, now_ms);
	for (struct server_offer *o = s->first; o; o = o->next) {
		if (!may_call(o))
			continue;
		at = alone_at(s, o);
		if (at > now_ms)
			s->look_ms = server_sooner(s->look_ms, at);
		else if (has_room(s, o))
			call(s, o, now_ms);
		else if (!is_unheard(o))
			server_set_wait(s, o, ENGINE_WAIT_TURN, ENGINE_NEVER);
	}
}

void server_call_again(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	if (!server_is_update(o) || o->stage_open)
		return;
	s->look = true;
	/* One that has asked does so again by itself; if not, it is called. */
	if (o->asked) {
		o->notify_ms = server_sooner(o->notify_ms,
			now_ms + ASKED_CALL_MS);
		return;
	}
	o->notifies = 0;
	o->notify_ms = server_sooner(o->notify_ms, now_ms + JOINED_MS);
}

void server_notify_sent(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	int64_t pause = NOTIFY_FIRST_MS;

	for (unsigned i = 0; i < o->notifies && pause < NOTIFY_MOST_MS; i++)
		pause *= 2;
	if (pause > NOTIFY_MOST_MS)
		pause = NOTIFY_MOST_MS;
	if (++o->notifies > NOTIFY_EAGER)
		pause = NOTIFY_SELDOM_MS;
	if (o->notifies >= UNHEARD)
		server_set_wait(s, o, ENGINE_WAIT_WAKE, ENGINE_NEVER);
	o->notify_ms = now_ms + pause;
	s->look = true;
}

size_t server_write_broadcast(struct server *s, uint8_t *at)
{
	return ota_write_notify(at, s->tsn++, 3, s->broadcast_jitter,
		&s->broadcast_key);
}

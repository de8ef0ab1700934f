/* Links and the sends that wait for their windows. */
#include "transports/instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct link *host_link_find(const struct transport *t, uint64_t id)
{
	uint64_t slot = id & SLOT_MASK;
	struct link *l;

	if (!id || slot >= t->link_slots)
		return NULL;
	l = t->links[slot];
	return l && l->id == id ? l : NULL;
}

int host_link_new(struct transport *t, struct link **ret)
{
	uint32_t slot, more;
	struct link **grown;
	struct link *l;

	if (t->link_count >= TRANSPORT_LINKS_MAX)
		return -ENOBUFS;
	if (t->link_count == t->link_slots) {
		more = t->link_slots ? t->link_slots * 2 : 4;
		grown = realloc(t->links, more * sizeof(struct link *));
		if (!grown)
			return -ENOMEM;
		memset(grown + t->link_slots, 0,
			(more - t->link_slots) * sizeof(struct link *));
		t->links = grown;
		t->link_slots = more;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	for (slot = 0; t->links[slot]; slot++)
		;
	l->id = ++t->serial << SLOT_BITS | slot;
	l->waiting_end = &l->waiting;
	t->links[slot] = l;
	t->link_count++;
	*ret = l;
	return 0;
}

static void turn_give(struct transport *t, struct link *l)
{
	if (l->has_turn)
		return;
	l->has_turn = true;
	l->next_turn = NULL;
	*t->turns_end = l;
	t->turns_end = &l->next_turn;
	t->turn_count++;
}

static void turn_take(struct transport *t, struct link *l)
{
	struct link **at = &t->turns;

	if (!l->has_turn)
		return;
	while (*at != l)
		at = &(*at)->next_turn;
	*at = l->next_turn;
	if (t->turns_end == &l->next_turn)
		t->turns_end = at;
	l->has_turn = false;
	t->turn_count--;
}

void host_link_free(struct transport *t, struct link *l)
{
	turn_take(t, l);
	t->links[l->id & SLOT_MASK] = NULL;
	t->link_count--;
	free(l);
}

void host_link_wait(struct transport *t, struct link *l, struct request *r)
{
	r->waiting = true;
	r->next_waiting = NULL;
	*l->waiting_end = r;
	l->waiting_end = &r->next_waiting;
	l->waiting_count++;
	turn_give(t, l);
}

void host_link_unwait(struct transport *t, struct link *l, struct request *r)
{
	struct request **at = &l->waiting;

	while (*at && *at != r)
		at = &(*at)->next_waiting;
	if (!*at)
		return;
	*at = r->next_waiting;
	if (l->waiting_end == &r->next_waiting)
		l->waiting_end = at;
	r->waiting = false;
	l->waiting_count--;
	if (!l->waiting)
		turn_take(t, l);
}

bool host_link_has_waiting(const struct link *l, uint32_t channel)
{
	const struct request *r;

	for (r = l->waiting; r; r = r->next_waiting)
		if (r->channel == channel)
			return true;
	return false;
}

bool host_link_has_room(
	const struct transport *t, const struct link *l, uint32_t channel)
{
	return t->in_flight < t->channel0.window &&
	       l->in_flight[channel] < l->channels[channel].window;
}

void host_link_flush(struct transport *t, struct link *l, int status)
{
	struct request *r;

	while ((r = l->waiting)) {
		host_link_unwait(t, l, r);
		host_request_end(t, r, status);
	}
}

void host_links_settle(
	struct transport *t, int status, const char *text, bool quiet)
{
	struct link *l;
	uint32_t i;

	for (i = 0; i < t->link_slots; i++) {
		l = t->links[i];
		/* One that is being made ends with its connect, one whose DOWN
		 * is queued with that. */
		if (!l || !l->made || l->event.queued)
			continue;
		l->waiting = NULL;
		l->waiting_end = &l->waiting;
		l->waiting_count = 0;
		if (quiet || l->state == LINK_CLOSING) {
			host_link_free(t, l);
			continue;
		}
		l->down = true;
		l->down_status = status;
		snprintf(l->down_text, sizeof(l->down_text), "%s", text);
		l->event.kind = EVENT_LINK_DOWN;
		host_event_push(t, &l->event);
	}
}

void host_send_go(struct transport *t, struct link *l, struct request *r,
	const struct ferry_send *s)
{
	if (l) {
		r->in_window = true;
		l->in_flight[r->channel]++;
		t->in_flight++;
	}
	host_request_started(t, r, t->driver->table.send(t->self, r->token, s));
}

/* The first waiting send whose channel has room; those of one channel keep
 * their order. */
static struct request *link_next(const struct transport *t, struct link *l)
{
	struct request *r;
	uint32_t full = 0;

	for (r = l->waiting; r; r = r->next_waiting) {
		if (full & 1u << r->channel)
			continue;
		if (host_link_has_room(t, l, r->channel))
			return r;
		full |= 1u << r->channel;
	}
	return NULL;
}

/* A payload that shrank while the send waited is told like a driver would. */
static void link_go(struct transport *t, struct link *l, struct request *r)
{
	host_link_unwait(t, l, r);
	if (r->send.len > l->channels[r->channel].max_payload)
		host_request_end(t, r, -EMSGSIZE);
	else
		host_send_go(t, l, r, &r->send);
}

void host_links_pump(struct transport *t)
{
	unsigned idle = 0;
	struct request *r;
	struct link *l;

	while (t->turns && idle < t->turn_count && t->self && !t->deaf &&
		t->in_flight < t->channel0.window) {
		l = t->turns;
		r = link_next(t, l);
		turn_take(t, l);
		turn_give(t, l);
		idle = r ? 0 : idle + 1;
		if (r)
			link_go(t, l, r);
	}
}

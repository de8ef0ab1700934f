/* Requests to a driver: numbers, deadlines, exactly one end. */
#include "transports/instance.h"

#include <errno.h>
#include <stdlib.h>

struct request *host_request_find(const struct transport *t, uint64_t token)
{
	uint64_t slot = token & SLOT_MASK;
	struct request *r;

	if (!token || slot >= t->request_slots)
		return NULL;
	r = t->requests[slot];
	return r && r->token == token ? r : NULL;
}

static int find_slot(struct transport *t, uint32_t *ret)
{
	uint32_t slot, more;
	struct request **grown;

	if (t->request_count >= TRANSPORT_REQUESTS_MAX)
		return -ENOBUFS;
	if (t->request_count == t->request_slots) {
		more = t->request_slots ? t->request_slots * 2 : 8;
		grown = realloc(t->requests, more * sizeof(struct request *));
		if (!grown)
			return -ENOMEM;
		memset(grown + t->request_slots, 0,
			(more - t->request_slots) * sizeof(struct request *));
		t->requests = grown;
		t->request_slots = more;
	}
	slot = (uint32_t)(t->serial % t->request_slots);
	while (t->requests[slot])
		slot = (slot + 1) % t->request_slots;
	*ret = slot;
	return 0;
}

int host_request_new(
	struct transport *t, enum request_kind kind, struct request **ret)
{
	struct request *r;
	uint32_t slot;
	int err = find_slot(t, &slot);

	if (err)
		return err;
	/* One for each frame: glibc keeps what malloc() gives at hand, and
	 * looks for what calloc() gives. */
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct request){
		.event.kind = EVENT_DONE,
		.kind = kind,
		.token = ++t->serial << SLOT_BITS | slot,
	};
	t->requests[slot] = r;
	t->request_count++;
	*ret = r;
	return 0;
}

void host_request_free(struct request *r)
{
	if (!r)
		return;
	free(r->extra);
	free(r->kept);
	free(r);
}

void host_request_leave(struct transport *t, struct request *r)
{
	struct link *l;

	t->requests[r->token & SLOT_MASK] = NULL;
	t->request_count--;
	if (!r->in_window)
		return;
	r->in_window = false;
	t->in_flight--;
	l = host_link_find(t, r->link);
	if (l)
		l->in_flight[r->channel]--;
}

void host_request_end(struct transport *t, struct request *r, int status)
{
	if (r->completed)
		return;
	if (status == -ECANCELED && r->timed_out)
		status = -ETIMEDOUT;
	r->completed = true;
	r->result.size = sizeof(r->result);
	r->result.token = r->token;
	r->result.link = r->link;
	r->result.status = status;
	if (!r->result.at_us)
		r->result.at_us = host_now_us(&t->owner);
	host_event_push(t, &r->event);
}

void host_request_started(struct transport *t, struct request *r, int err)
{
	if (err >= 0)
		return;
	if (r->completed) {
		instance_breach(t, "refused a request that it had completed");
		return;
	}
	host_request_end(t, r, host_status_clean(err));
}

void host_request_due(struct transport *t, struct request *r, uint64_t after_ms)
{
	r->due_ms = instance_now_ms(t) + after_ms;
	instance_due(t, r->due_ms);
}

void host_request_cancel(struct transport *t, struct request *r)
{
	struct link *l;

	if (r->completed || r->cancelled)
		return;
	if (r->waiting) {
		l = host_link_find(t, r->link);
		if (l)
			host_link_unwait(t, l, r);
		host_request_end(t, r, -ECANCELED);
		return;
	}
	r->cancelled = true;
	host_request_due(t, r, t->driver->table.cancel_bound_ms);
	if (t->self)
		t->driver->table.cancel(t->self, r->token);
}

/* Ending a request only queues news, so the table does not change here. */
void host_requests_check_due(struct transport *t)
{
	uint64_t now = instance_now_ms(t);
	struct request *r;
	uint32_t i;

	for (i = 0; i < t->request_slots; i++) {
		r = t->requests[i];
		if (!r || r->completed || !r->due_ms || r->due_ms > now)
			continue;
		if (r->cancelled) {
			r->due_ms = 0;
			instance_breach(
				t, "did not complete a request in time");
			continue;
		}
		t->counters.deadlines++;
		r->timed_out = true;
		host_request_cancel(t, r);
	}
}

uint64_t host_requests_next_due(const struct transport *t)
{
	const struct request *r;
	uint64_t next = 0;
	uint32_t i;

	for (i = 0; i < t->request_slots; i++) {
		r = t->requests[i];
		if (r && !r->completed && r->due_ms &&
			(!next || r->due_ms < next))
			next = r->due_ms;
	}
	return next;
}

void host_requests_settle(struct transport *t, int status)
{
	struct request *r;
	uint32_t i;

	for (i = 0; i < t->request_slots; i++) {
		r = t->requests[i];
		if (!r || r->completed)
			continue;
		if (r->waiting) {
			r->waiting = false;
			r->next_waiting = NULL;
		}
		host_request_end(t, r, r->kind == REQUEST_STOP ? 0 : status);
	}
}

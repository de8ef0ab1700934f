/* Life of an instance: begin, deliver, end, begin again, close.
 *
 *   STARTING -> UP -> DOWN -> STARTING ...     CLOSING from any of them
 *
 * Invariants: `self` is NULL whenever the driver may not be called; after
 * `deaf` is set nothing that it says is queued; an end is always: destroy,
 * settle requests, settle links, then the news of link 0. */
#include "transports/instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const struct ferry_host host_functions = {
	.size = sizeof(host_functions),
	.abi = FERRY_ABI,
	.complete = host_complete,
	.on_peer = host_on_peer,
	.on_message = host_on_message,
	.on_link = host_on_link,
	.log = host_log,
	.now_us = host_now_us,
	.watch = host_watch,
	.watch_set = host_watch_set,
	.unwatch = host_unwatch,
	.timer = host_timer,
	.timer_set = host_timer_set,
	.timer_free = host_timer_free,
	.wake = host_wake,
	.open_device = host_open_device,
	.open_cancel = host_open_cancel,
};

_Static_assert(FERRY_NOT_DELIVERED == ERR_TRANSPORT_NOT_DELIVERED &&
		       FERRY_NOT_NOW == ERR_TRANSPORT_NOT_NOW &&
		       FERRY_SECURITY == ERR_TRANSPORT_SECURITY &&
		       FERRY_DRIVER_DIED == ERR_TRANSPORT_DRIVER_DIED &&
		       FERRY_CONTRACT == ERR_TRANSPORT_CONTRACT,
	"statuses of the interface are our error codes");

uint64_t instance_now_ms(const struct transport *t)
{
	uv_update_time(t->loop);
	return uv_now(t->loop);
}

static void on_idle(uv_idle_t *idle)
{
	instance_deliver(idle->data);
}

void instance_wake(struct transport *t)
{
	if (!t->closed)
		uv_idle_start(&t->idle, on_idle);
}

static void on_timer(uv_timer_t *timer);

void instance_due(struct transport *t, uint64_t at_ms)
{
	uint64_t now;

	if (t->closed || (t->timer_at_ms && t->timer_at_ms <= at_ms))
		return;
	now = instance_now_ms(t);
	t->timer_at_ms = at_ms;
	uv_timer_start(&t->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

void instance_fail(struct transport *t, int status, const char *text)
{
	if (t->deaf)
		return;
	t->deaf = true;
	t->down_status = status;
	snprintf(t->down_text, sizeof(t->down_text), "%.*s", FERRY_TEXT_MAX,
		text ? text : err_text(status));
	t->down_event.kind = EVENT_DOWN;
	host_event_push(t, &t->down_event);
}

void instance_breach(struct transport *t, const char *rule)
{
	if (t->deaf)
		return;
	t->counters.breaches++;
	instance_fail(t, ERR_TRANSPORT_CONTRACT, rule);
}

static void instance_destroy(struct transport *t)
{
	void *self = t->self;
	unsigned left;

	t->deaf = true;
	openings_drop(t);
	if (!self)
		return;
	t->driver->table.destroy(self);
	t->self = NULL;
	left = lend_take_back(t);
	if (!left)
		return;
	t->counters.breaches++;
	log_warn("transports", "driver left watches or timers behind",
		"link=%s driver=%s count=%u", t->name, t->driver->table.name,
		left);
}

static void deliver_started(struct transport *t, const struct request *r)
{
	const struct ferry_result *in = &r->result;
	char text[FERRY_TEXT_MAX + 1];

	t->start_token = 0;
	if (in->status) {
		snprintf(text, sizeof(text), "%s%s%.190s",
			in->key ? in->key : "", in->key ? ": " : "",
			in->text ? in->text : err_text(in->status));
		instance_fail(t, in->status, text);
		return;
	}
	if (t->state != TRANSPORT_STARTING || t->deaf)
		return;
	if ((t->record.caps & t->needs) != t->needs) {
		instance_fail(t, ERR_TRANSPORT_NEEDS, NULL);
		return;
	}
	t->state = TRANSPORT_UP;
	t->up_since_ms = instance_now_ms(t);
	if (t->on.on_up)
		t->on.on_up(t->arg, &t->record);
}

static void deliver_stopped(struct transport *t)
{
	t->stop_token = 0;
	if (t->settling)
		return;
	t->settling = true;
	instance_destroy(t);
	host_requests_settle(t, -ECANCELED);
	host_links_settle(t, -ECANCELED, "", true);
}

/* A link that does not do what was needed goes again, unseen. */
static void link_refuse(struct transport *t, struct link *l)
{
	struct request *r;
	int err;

	l->state = LINK_CLOSING;
	if (!t->self || t->deaf)
		return;
	err = host_request_new(t, REQUEST_DISCONNECT, &r);
	if (err) {
		instance_fail(t, err, NULL);
		return;
	}
	r->link = l->id;
	host_request_started(
		t, r, t->driver->table.disconnect(t->self, r->token, l->id));
}

static void deliver_connected(struct transport *t, struct request *r)
{
	struct link *l = host_link_find(t, r->link);

	if (!l)
		return;
	if (r->result.status) {
		if (!l->event.queued)
			host_link_free(t, l);
		return;
	}
	l->state = LINK_UP;
	if ((l->record.caps & r->needs) == r->needs)
		return;
	r->result.status = ERR_TRANSPORT_NEEDS;
	r->result.record = NULL;
	link_refuse(t, l);
}

static void deliver_disconnected(struct transport *t, const struct request *r)
{
	struct link *l = host_link_find(t, r->link);

	if (l && !l->event.queued)
		host_link_free(t, l);
}

static void deliver_done(struct transport *t, struct request *r)
{
	host_request_leave(t, r);
	switch (r->kind) {
	case REQUEST_START:
		deliver_started(t, r);
		break;
	case REQUEST_STOP:
		deliver_stopped(t);
		break;
	case REQUEST_SCAN:
		t->scan_token = 0;
		break;
	case REQUEST_CONNECT:
		deliver_connected(t, r);
		break;
	case REQUEST_DISCONNECT:
		deliver_disconnected(t, r);
		break;
	case REQUEST_SEND:
		host_links_pump(t);
		break;
	case REQUEST_SET:
	case REQUEST_STATS:
		break;
	}
	if (r->done)
		r->done(r->arg, &r->result);
	host_request_free(r);
}

static void deliver_message(struct transport *t, const struct message_event *e)
{
	struct link *l = host_link_find(t, e->message.link);

	if (!l || l->state != LINK_UP || t->state != TRANSPORT_UP)
		return;
	t->counters.messages++;
	t->counters.bytes_received += e->message.len;
	if (t->on.on_message)
		t->on.on_message(t->arg, &e->message);
}

static void deliver_changed(struct transport *t, const struct changed_event *e)
{
	struct ferry_link *record = &t->record;
	struct ferry_channel *channels = &t->channel0;
	char *text = t->record_text;
	struct link *l = NULL;

	if (e->link) {
		l = host_link_find(t, e->link);
		if (!l)
			return;
		record = &l->record;
		channels = l->channels;
		text = l->text;
	}
	*record = e->record;
	memcpy(channels, e->channels,
		e->record.channel_count * sizeof(*channels));
	memcpy(text, e->text, sizeof(e->text));
	record->channels = channels;
	record->text = text;
	host_links_pump(t);
	if (t->on.on_link && t->state == TRANSPORT_UP &&
		(!l || l->state == LINK_UP))
		t->on.on_link(t->arg, e->link, record);
}

static void deliver_link_down(struct transport *t, struct link *l)
{
	bool tell = l->state == LINK_UP && t->state != TRANSPORT_CLOSING;
	char text[FERRY_TEXT_MAX + 1];
	int status = l->down_status;
	uint64_t id = l->id;

	memcpy(text, l->down_text, sizeof(text));
	host_link_free(t, l);
	if (tell && t->on.on_down)
		t->on.on_down(t->arg, id, status, text, -1);
}

static void deliver_log(struct transport *t, const struct log_event *e)
{
	static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN,
		LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};

	if (t->on.on_log)
		t->on.on_log(t->arg, levels[e->level], e->text);
	else
		log_line(levels[e->level], "driver", t->name, "text=\"%s\"",
			e->text);
}

/* The pause before the next start; -1: there is none. */
static int64_t plan_restart(struct transport *t)
{
	uint64_t now = instance_now_ms(t);
	uint32_t pause;

	if (!t->restart_min_ms)
		return -1;
	if (t->up_since_ms && now - t->up_since_ms >= UP_LONG_MS)
		t->restart_ms = t->restart_min_ms;
	t->up_since_ms = 0;
	pause = t->restart_ms;
	t->restart_ms =
		pause > t->restart_max_ms / 2 ? t->restart_max_ms : pause * 2;
	t->restart_at_ms = now + pause;
	instance_due(t, t->restart_at_ms);
	return pause;
}

/* Comes twice: first as the driver's word or our verdict, then, when all that
 * depended on it has ended, as the last news. */
static void deliver_down(struct transport *t)
{
	int64_t pause;

	if (!t->settling) {
		t->settling = true;
		instance_destroy(t);
		host_requests_settle(t, t->down_status);
		host_links_settle(t, t->down_status, t->down_text, false);
		host_event_push(t, &t->down_event);
		return;
	}
	if (t->state == TRANSPORT_CLOSING)
		return;
	t->state = TRANSPORT_DOWN;
	pause = plan_restart(t);
	if (t->on.on_down)
		t->on.on_down(t->arg, 0, t->down_status, t->down_text, pause);
}

static struct event *event_pop(struct transport *t)
{
	struct event *e = t->events;

	t->events = e->next;
	if (!t->events)
		t->events_end = &t->events;
	e->queued = false;
	return e;
}

static void deliver_peer(struct transport *t, const struct peer_event *e)
{
	if (t->state != TRANSPORT_UP && t->state != TRANSPORT_STARTING)
		return;
	t->counters.peers++;
	if (t->on.on_peer)
		t->on.on_peer(t->arg, &e->peer);
}

static void deliver_one(struct transport *t, struct event *e)
{
	switch (e->kind) {
	case EVENT_DONE:
		deliver_done(t, (struct request *)e);
		return;
	case EVENT_LINK_DOWN:
		deliver_link_down(t, (struct link *)e);
		return;
	case EVENT_DOWN:
		deliver_down(t);
		return;
	case EVENT_PEER:
		deliver_peer(t, (struct peer_event *)e);
		break;
	case EVENT_MESSAGE:
		deliver_message(t, (struct message_event *)e);
		break;
	case EVENT_CHANGED:
		deliver_changed(t, (struct changed_event *)e);
		break;
	case EVENT_LOG:
		deliver_log(t, (struct log_event *)e);
		break;
	}
	host_event_free(t, e);
}

static void close_advance(struct transport *t);

void instance_deliver(struct transport *t)
{
	unsigned n;

	if (t->self && !t->deaf)
		openings_advance(t);
	for (n = 0; n < DELIVER_MAX && t->events; n++)
		deliver_one(t, event_pop(t));
	if (t->state == TRANSPORT_CLOSING && !t->events)
		close_advance(t);
	if (!t->events)
		uv_idle_stop(&t->idle);
}

static void instance_begin(struct transport *t)
{
	struct request *r;
	void *self = NULL;
	int err;

	t->state = TRANSPORT_STARTING;
	t->deaf = false;
	t->settling = false;
	t->up_since_ms = 0;
	t->restart_at_ms = 0;
	t->scan_token = 0;
	err = lend_async(t);
	if (!err)
		err = t->driver->table.create(
			&host_functions, &t->owner, &self);
	if (!err) {
		t->self = self;
		err = host_request_new(t, REQUEST_START, &r);
	}
	if (err) {
		instance_fail(t, err, "no memory for the driver");
		return;
	}
	t->start_token = r->token;
	host_request_due(t, r, START_BOUND_MS);
	host_request_started(t, r,
		t->driver->table.start(
			t->self, r->token, t->kv, (uint32_t)t->kv_count));
}

static void on_timer(uv_timer_t *timer)
{
	struct transport *t = timer->data;
	uint64_t next;

	t->timer_at_ms = 0;
	if (t->restart_at_ms && t->restart_at_ms <= instance_now_ms(t) &&
		t->state == TRANSPORT_DOWN) {
		t->counters.restarts++;
		instance_begin(t);
	}
	host_requests_check_due(t);
	next = host_requests_next_due(t);
	if (next)
		instance_due(t, next);
	if (t->restart_at_ms && t->state == TRANSPORT_DOWN)
		instance_due(t, t->restart_at_ms);
	instance_deliver(t);
}

static void transport_free(struct transport *t)
{
	size_t i;

	for (i = 0; i < t->kv_own; i++) {
		free((char *)(uintptr_t)t->kv[i].key);
		free((char *)(uintptr_t)t->kv[i].value);
	}
	free(t->kv);
	free(t->requests);
	free(t->links);
	free(t->timers);
	free(t->async);
	free(t);
}

static int kv_add(struct transport *t, const char *key, const char *value)
{
	struct ferry_kv *kv = &t->kv[t->kv_count];

	kv->key = strdup(key);
	kv->value = strdup(value);
	t->kv_own = ++t->kv_count;
	return kv->key && kv->value ? 0 : -ENOMEM;
}

static int kv_take(struct transport *t, const struct ferry_kv *kv, size_t count)
{
	const struct transport_driver *d = t->driver;
	uint32_t i;
	int err = 0;

	t->kv = calloc(count + d->table.param_count + 1, sizeof(*t->kv));
	if (!t->kv)
		return -ENOMEM;
	for (i = 0; i < count && !err; i++)
		err = kv_add(t, kv[i].key, kv[i].value);
	if (!err)
		t->kv_count += transport_params_preset(
			d, t->kv, count, t->kv + count);
	return err;
}

static int config_check(const struct transport_config *c, struct fault *fault)
{
	uint64_t caps = c->driver->table.caps;
	size_t len = c->name ? strnlen(c->name, 32) : 0;

	if (len < 1 || len > 31)
		return fault_set(
			fault, -EINVAL, 0, "name", "must be 1 to 31 bytes");
	if (c->restart_max_ms < c->restart_min_ms)
		return fault_set(fault, -EINVAL, 0, "restart_max_ms",
			"must not be below restart_min_ms");
	if ((caps & c->needs) != c->needs)
		return fault_set(fault, ERR_TRANSPORT_NEEDS, 0, "needs",
			"driver %s lacks capabilities 0x%llx",
			c->driver->table.name,
			(unsigned long long)(c->needs & ~caps));
	if (c->raw)
		return 0;
	return transport_params_check(
		c->driver, FERRY_SCOPE_INSTANCE, c->kv, c->kv_count, fault);
}

int transport_open(uv_loop_t *loop, const struct transport_config *c,
	struct transport **ret, struct fault *fault)
{
	struct transport *t;
	int err = config_check(c, fault);

	if (err)
		return err;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->owner.t = t;
	t->loop = loop;
	t->driver = c->driver;
	if (c->events)
		t->on = *c->events;
	t->arg = c->arg;
	snprintf(t->name, sizeof(t->name), "%s", c->name);
	t->needs = c->needs;
	t->restart_min_ms = c->restart_min_ms;
	t->restart_max_ms = c->restart_max_ms;
	t->restart_ms = c->restart_min_ms;
	t->raw = c->raw;
	t->events_end = &t->events;
	t->turns_end = &t->turns;
	err = kv_take(t, c->kv, c->kv_count);
	if (err) {
		transport_free(t);
		return err;
	}
	uv_idle_init(loop, &t->idle);
	uv_timer_init(loop, &t->timer);
	t->idle.data = t;
	t->timer.data = t;
	t->handles = 2;
	instance_begin(t);
	*ret = t;
	return 0;
}

void instance_handle_closed(struct transport *t)
{
	void (*on_closed)(void *) = t->on_closed;
	void *arg = t->closed_arg;

	t->handles--;
	if (t->handles || !t->closed)
		return;
	transport_free(t);
	if (on_closed)
		on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
	instance_handle_closed(handle->data);
}

static void close_handles(struct transport *t)
{
	t->closed = true;
	uv_close((uv_handle_t *)&t->idle, on_handle_closed);
	uv_close((uv_handle_t *)&t->timer, on_handle_closed);
	if (t->async)
		uv_close((uv_handle_t *)t->async, on_handle_closed);
}

static void close_stop(struct transport *t)
{
	struct request *r;
	uint32_t i;

	for (i = 0; i < t->link_slots; i++)
		if (t->links[i])
			host_link_flush(t, t->links[i], -ECANCELED);
	if (host_request_new(t, REQUEST_STOP, &r)) {
		instance_fail(t, -ENOMEM, "no memory to stop");
		return;
	}
	t->stop_token = r->token;
	r->cancelled = true;
	r->due_ms = t->close_by_ms;
	instance_due(t, r->due_ms);
	host_request_started(t, r, t->driver->table.stop(t->self, r->token));
}

/* The next step of a close; called while nothing is queued. */
static void close_advance(struct transport *t)
{
	struct request *r;

	if (t->closed)
		return;
	if (!t->self) {
		if (!t->request_count)
			close_handles(t);
		return;
	}
	if (t->deaf)
		return;
	r = host_request_find(t, t->start_token);
	if (r) {
		if (!r->cancelled)
			host_request_cancel(t, r);
		r->due_ms = t->close_by_ms;
		instance_due(t, r->due_ms);
	} else if (!t->stop_token) {
		close_stop(t);
	}
}

void transport_close(
	struct transport *t, void (*on_closed)(void *arg), void *arg)
{
	if (t->state == TRANSPORT_CLOSING)
		return;
	t->state = TRANSPORT_CLOSING;
	t->on_closed = on_closed;
	t->closed_arg = arg;
	t->close_by_ms = instance_now_ms(t) + CLOSE_BOUND_MS;
	instance_wake(t);
}

enum transport_state transport_state(const struct transport *t)
{
	return t->state;
}

const char *transport_name(const struct transport *t)
{
	return t->name;
}

const struct ferry_link *transport_link(
	const struct transport *t, uint64_t link)
{
	const struct link *l;

	if (!link)
		return t->state == TRANSPORT_UP ? &t->record : NULL;
	l = host_link_find(t, link);
	return l && l->state == LINK_UP && !l->down ? &l->record : NULL;
}

void transport_counters(
	const struct transport *t, struct transport_counters *ret)
{
	*ret = t->counters;
}

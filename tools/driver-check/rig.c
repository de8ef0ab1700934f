#include "tools/driver-check/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

int rig_init(struct rig *r)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->adopt_fd = -1;
	r->kept_fd = -1;
	buf_init(&r->in, 1u << 20);
	err = uv_loop_init(&r->loop);
	if (err)
		return err;
	uv_timer_init(&r->loop, &r->tick);
	uv_timer_start(&r->tick, on_tick, 5, 5);
	return 0;
}

void rig_done(struct rig *r)
{
	if (r->t)
		rig_close(r);
	uv_close((uv_handle_t *)&r->tick, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&r->loop))
		abort();
	buf_done(&r->in);
	if (r->adopt_fd >= 0)
		close(r->adopt_fd);
	if (r->kept_fd >= 0)
		close(r->kept_fd);
}

static void note(struct rig *r, enum rig_kind kind, uint64_t link, int status)
{
	void (*hook)(struct rig *) = r->hook;

	if (r->event_count < RIG_EVENTS_MAX)
		r->events[r->event_count++] =
			(struct rig_event){kind, link, status};
	if (!hook || r->hook_kind != kind)
		return;
	r->hook = NULL;
	hook(r);
}

static void on_up(void *arg, const struct ferry_link *record)
{
	struct rig *r = arg;

	(void)record;
	r->ups++;
	note(r, RIG_UP, 0, 0);
}

static struct rig_peer *peer_slot(struct rig *r, const char *key)
{
	unsigned i;

	for (i = 0; i < r->peer_count; i++)
		if (!strcmp(r->peers[i].key, key))
			return &r->peers[i];
	if (r->peer_count == RIG_PEERS_MAX)
		return NULL;
	snprintf(r->peers[i].key, sizeof(r->peers[i].key), "%s", key);
	r->peer_count++;
	return &r->peers[i];
}

const struct rig_peer *rig_peer(const struct rig *r, const char *key)
{
	unsigned i;

	for (i = 0; i < r->peer_count; i++)
		if (!strcmp(r->peers[i].key, key))
			return &r->peers[i];
	return NULL;
}

static void on_peer(void *arg, const struct ferry_peer *peer)
{
	struct rig *r = arg;
	struct rig_peer *p = peer_slot(r, peer->key);

	if (p) {
		p->count++;
		p->flags = peer->flags;
		p->id_kind = peer->id_kind;
		snprintf(p->was, sizeof(p->was), "%s",
			peer->was ? peer->was : "");
		snprintf(p->address, sizeof(p->address), "%s",
			peer->address ? peer->address : "");
	}
	note(r, RIG_PEER, 0, (int)peer->flags);
}

static void on_message(void *arg, const struct ferry_message *m)
{
	struct rig *r = arg;

	r->messages++;
	buf_add(&r->in, m->data, m->len);
	r->last_len = m->len;
	r->last_flags = m->flags;
	r->last_security = m->security;
	r->last_link = m->link;
	snprintf(r->last_peer, sizeof(r->last_peer), "%s",
		m->peer ? m->peer : "");
	if (m->reply_len)
		memcpy(r->last_reply, m->reply, m->reply_len);
	r->last_reply_len = m->reply_len;
	note(r, RIG_MESSAGE, m->link, 0);
}

static void on_link(void *arg, uint64_t link, const struct ferry_link *record)
{
	struct rig *r = arg;

	r->changes++;
	r->changed = record->channels[0];
	note(r, RIG_CHANGED, link, 0);
}

static void on_down(void *arg, uint64_t link, int status, const char *text,
	int64_t restart_ms)
{
	struct rig *r = arg;

	if (link)
		r->downs++;
	else
		r->instance_downs++;
	r->down_link = link;
	r->down_status = status;
	r->restart_ms = restart_ms;
	snprintf(r->down_text, sizeof(r->down_text), "%s", text);
	note(r, RIG_DOWN, link, status);
}

static void on_log(void *arg, enum log_level level, const char *text)
{
	struct rig *r = arg;

	r->logs++;
	snprintf(r->last_log, sizeof(r->last_log), "%s", text);
	note(r, RIG_LOG, 0, (int)level);
}

static int on_adopt(void *arg, const char *target)
{
	struct rig *r = arg;
	int fd = r->adopt_fd;

	(void)target;
	r->adopt_fd = -1;
	return fd;
}

static void on_opened(void *arg, const char *target, int fd)
{
	struct rig *r = arg;

	(void)target;
	r->opened++;
	if (r->keep && r->kept_fd < 0)
		r->kept_fd = dup(fd);
}

int rig_open(struct rig *r, const struct transport_driver *d,
	const struct ferry_kv *kv, size_t count,
	const struct rig_options *options)
{
	static const struct transport_events events = {
		.on_up = on_up,
		.on_peer = on_peer,
		.on_message = on_message,
		.on_link = on_link,
		.on_down = on_down,
		.on_log = on_log,
		.adopt = on_adopt,
		.opened = on_opened,
	};
	struct transport_config c = {
		.driver = d,
		.name = "rig",
		.kv = kv,
		.kv_count = count,
		.events = &events,
		.arg = r,
	};
	struct fault fault = {0};
	int err;

	if (options) {
		c.needs = options->needs;
		c.restart_min_ms = options->restart_ms;
		c.restart_max_ms = options->restart_ms;
		c.raw = options->raw;
	}
	r->closed = false;
	err = transport_open(&r->loop, &c, &r->t, &fault);
	if (err)
		snprintf(r->down_text, sizeof(r->down_text), "%s: %s",
			fault.field, fault.rule);
	return err;
}

static void on_closed(void *arg)
{
	struct rig *r = arg;

	r->closed = true;
	r->t = NULL;
}

bool rig_close(struct rig *r)
{
	transport_close(r->t, on_closed, r);
	RIG_UNTIL(r, 10000, r->closed);
	return r->closed;
}

void rig_limit(struct rig *r, uint32_t ms)
{
	uv_update_time(&r->loop);
	r->limit_ms = uv_now(&r->loop) + ms;
}

bool rig_turn(struct rig *r)
{
	uv_run(&r->loop, UV_RUN_ONCE);
	uv_update_time(&r->loop);
	return uv_now(&r->loop) < r->limit_ms;
}

void rig_settle(struct rig *r)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		uv_run(&r->loop, UV_RUN_NOWAIT);
}

void rig_request_init(struct rig_request *q, struct rig *r)
{
	memset(q, 0, sizeof(*q));
	q->rig = r;
}

static void take_record(struct rig_request *q, const struct ferry_link *l)
{
	q->caps = l->caps;
	q->channel_count = l->channel_count;
	q->payload = l->channels[0].max_payload;
	q->window = l->channels[0].window;
	q->level = l->channels[0].level;
}

void rig_on_done(void *arg, const struct ferry_result *result)
{
	struct rig_request *q = arg;

	q->done = true;
	q->count++;
	q->order = q->rig->event_count;
	q->result = *result;
	snprintf(q->key, sizeof(q->key), "%s", result->key ? result->key : "");
	snprintf(q->text, sizeof(q->text), "%s",
		result->text ? result->text : "");
	if (result->record)
		take_record(q, result->record);
	if (result->counter_count) {
		q->counter = result->counters[0].value;
		snprintf(q->counter_name, sizeof(q->counter_name), "%s",
			result->counters[0].name);
	}
	note(q->rig, RIG_DONE, result->link, result->status);
}

int rig_connect(struct rig *r, const char *peer, struct rig_request *q)
{
	const struct ferry_channel_spec channel = {0};
	const struct transport_connect c = {
		.peer = peer, .channels = &channel, .channel_count = 1};
	int err;

	rig_request_init(q, r);
	err = transport_connect(r->t, &c, rig_on_done, q, NULL);
	if (err)
		return err;
	RIG_UNTIL(r, 10000, q->done);
	return q->done ? q->result.status : -ETIMEDOUT;
}

int rig_send(struct rig *r, uint64_t link, struct bytes data, uint32_t until,
	struct rig_request *q)
{
	const struct transport_send s = {
		.link = link, .until = until, .data = data};

	rig_request_init(q, r);
	return transport_send(r->t, &s, rig_on_done, q, NULL);
}

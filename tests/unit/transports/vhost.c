#include "tests/unit/transports/vhost.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ferry_owner;

static struct vhost *of(struct ferry_owner *o)
{
	return (struct vhost *)(void *)o;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void on_complete(struct ferry_owner *o, const struct ferry_result *r)
{
	struct vhost *v = of(o);
	struct vresult *to = &v->results[v->result_count];

	if (v->result_count == VHOST_RESULTS)
		abort();
	v->result_count++;
	*to = (struct vresult){.token = r->token,
		.status = r->status,
		.level = r->level,
		.airtime_us = r->airtime_us,
		.native = r->native,
		.retry_after_ms = r->retry_after_ms,
		.counters = r->counter_count};
	copy(to->key, sizeof(to->key), r->key);
	copy(to->text, sizeof(to->text), r->text);
	if (r->record) {
		copy(to->text, sizeof(to->text), r->record->text);
		to->payload = r->record->channels[0].max_payload;
		to->window = r->record->channels[0].window;
	}
}

static void on_peer(struct ferry_owner *o, const struct ferry_peer *p)
{
	struct vhost *v = of(o);
	struct vpeer *to = &v->peers[v->peer_count];
	uint32_t i;

	if (v->peer_count == VHOST_PEERS)
		abort();
	v->peer_count++;
	*to = (struct vpeer){.flags = p->flags};
	copy(to->key, sizeof(to->key), p->key);
	copy(to->address, sizeof(to->address), p->address);
	for (i = 0; i < p->attribute_count; i++) {
		if (!strcmp(p->attributes[i].key, "kind"))
			copy(to->kind, sizeof(to->kind),
				p->attributes[i].value);
		if (!strcmp(p->attributes[i].key, "joined"))
			copy(to->joined, sizeof(to->joined),
				p->attributes[i].value);
		if (!strcmp(p->attributes[i].key, "nwk"))
			copy(to->nwk, sizeof(to->nwk), p->attributes[i].value);
	}
}

static void on_message(struct ferry_owner *o, const struct ferry_message *m)
{
	struct vhost *v = of(o);
	struct vmessage *to = &v->messages[v->message_count];

	if (v->message_count == VHOST_MESSAGES || m->len > sizeof(to->data) ||
		m->reply_len > FERRY_REPLY_MAX)
		abort();
	v->message_count++;
	*to = (struct vmessage){.channel = m->channel,
		.flags = m->flags,
		.security = m->security,
		.airtime_us = m->airtime_us,
		.reply_len = m->reply_len,
		.len = m->len};
	copy(to->peer, sizeof(to->peer), m->peer);
	if (m->reply_len)
		memcpy(to->reply, m->reply, m->reply_len);
	memcpy(to->data, m->data, m->len);
}

static void on_link(struct ferry_owner *o, const struct ferry_link_event *e)
{
	struct vhost *v = of(o);

	if (e->event == FERRY_LINK_CHANGED) {
		v->changes++;
		return;
	}
	v->downs++;
	v->down_status = e->status;
	copy(v->down_text, sizeof(v->down_text), e->text);
}

static void on_log(struct ferry_owner *o, uint32_t level, const char *text)
{
	(void)level;
	of(o)->logs++;
	copy(of(o)->last_log, sizeof(of(o)->last_log), text);
}

static uint64_t now_us(struct ferry_owner *o)
{
	return of(o)->now_us;
}

static int watch(struct ferry_owner *o, int fd, uint32_t events, uint64_t arg)
{
	(void)arg;
	if (of(o)->watched >= 0)
		return -EEXIST;
	of(o)->watched = fd;
	of(o)->watch_events = events;
	return 1;
}

static int watch_set(struct ferry_owner *o, int number, uint32_t events)
{
	(void)number;
	of(o)->watch_events = events;
	return 0;
}

static void unwatch(struct ferry_owner *o, int number)
{
	(void)number;
	of(o)->watched = -1;
}

static int timer(struct ferry_owner *o, uint64_t arg)
{
	struct vhost *v = of(o);
	int i;

	for (i = 0; i < VHOST_TIMERS; i++)
		if (!v->timer_there[i])
			break;
	if (i == VHOST_TIMERS)
		return -ENOBUFS;
	v->timer_there[i] = true;
	v->timer_arg[i] = arg;
	v->due_us[i] = -1;
	return i + 1;
}

static int timer_set(struct ferry_owner *o, int number, int64_t delay_ms)
{
	struct vhost *v = of(o);

	v->due_us[number - 1] =
		delay_ms < 0 ? -1 : (int64_t)v->now_us + delay_ms * 1000;
	return 0;
}

static void timer_free(struct ferry_owner *o, int number)
{
	of(o)->timer_there[number - 1] = false;
	of(o)->due_us[number - 1] = -1;
}

static void wake(struct ferry_owner *o)
{
	of(o)->woken = true;
}

static int open_device(struct ferry_owner *o, uint64_t request, uint32_t flags,
	const char *target)
{
	struct vhost *v = of(o);

	if (v->open_error)
		return v->open_error;
	v->request = request;
	v->open_flags = flags;
	copy(v->target, sizeof(v->target), target);
	return 0;
}

static void open_cancel(struct ferry_owner *o, uint64_t request)
{
	(void)request;
	of(o)->target[0] = 0;
}

static const struct ferry_host host = {
	.size = sizeof(host),
	.abi = FERRY_ABI,
	.complete = on_complete,
	.on_peer = on_peer,
	.on_message = on_message,
	.on_link = on_link,
	.log = on_log,
	.now_us = now_us,
	.watch = watch,
	.watch_set = watch_set,
	.unwatch = unwatch,
	.timer = timer,
	.timer_set = timer_set,
	.timer_free = timer_free,
	.wake = wake,
	.open_device = open_device,
	.open_cancel = open_cancel,
};

void vhost_init(struct vhost *v, const struct ferry_driver *table)
{
	int i;

	memset(v, 0, offsetof(struct vhost, results));
	v->table = table;
	v->watched = -1;
	v->far = -1;
	v->now_us = 1000000;
	for (i = 0; i < VHOST_TIMERS; i++)
		v->due_us[i] = -1;
	if (table->create(&host, (struct ferry_owner *)(void *)v, &v->self))
		abort();
}

void vhost_done(struct vhost *v)
{
	v->table->destroy(v->self);
	if (v->far >= 0)
		close(v->far);
	v->far = -1;
}

void vhost_opened(struct vhost *v, int result, int type)
{
	int pair[2] = {-1, -1};

	if (result >= 0 &&
		socketpair(
			AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		abort();
	v->far = pair[1];
	v->table->on_opened(v->self, v->request, result, pair[0]);
}

void vhost_turn(struct vhost *v)
{
	struct pollfd p;
	uint32_t events;
	unsigned rounds = 64;

	while (rounds--) {
		if (v->woken) {
			v->woken = false;
			v->table->on_wake(v->self);
			continue;
		}
		if (v->watched < 0)
			return;
		p = (struct pollfd){.fd = v->watched,
			.events =
				(short)((v->watch_events & FERRY_READ ? POLLIN
								      : 0) |
					(v->watch_events & FERRY_WRITE ? POLLOUT
								       : 0))};
		if (poll(&p, 1, 0) <= 0)
			return;
		events = (p.revents & (POLLIN | POLLHUP) ? FERRY_READ : 0u) |
			 (p.revents & POLLOUT ? FERRY_WRITE : 0u);
		v->table->on_ready(v->self, 0, events);
	}
}

static int next_timer(const struct vhost *v, uint64_t until_us)
{
	int i, best = -1;

	for (i = 0; i < VHOST_TIMERS; i++)
		if (v->due_us[i] >= 0 && (uint64_t)v->due_us[i] <= until_us &&
			(best < 0 || v->due_us[i] < v->due_us[best]))
			best = i;
	return best;
}

void vhost_pass(struct vhost *v, uint32_t ms)
{
	uint64_t until_us = v->now_us + (uint64_t)ms * 1000;
	int i;

	while ((i = next_timer(v, until_us)) >= 0) {
		if ((uint64_t)v->due_us[i] > v->now_us)
			v->now_us = (uint64_t)v->due_us[i];
		v->due_us[i] = -1;
		v->table->on_timer(v->self, v->timer_arg[i]);
		vhost_turn(v);
	}
	v->now_us = until_us;
}

const struct vresult *vhost_result(const struct vhost *v, uint64_t token)
{
	unsigned i;

	for (i = v->result_count; i > 0; i--)
		if (v->results[i - 1].token == token)
			return &v->results[i - 1];
	return NULL;
}

const struct vpeer *vhost_peer(const struct vhost *v, const char *key)
{
	unsigned i;

	for (i = v->peer_count; i > 0; i--)
		if (!strcmp(v->peers[i - 1].key, key))
			return &v->peers[i - 1];
	return NULL;
}

/* Watches, timers and the wake-up that are lent to a driver. A lent thing is
 * named by its slot + 1. */
#include "transports/instance.h"

#include <errno.h>
#include <stdlib.h>

uint64_t host_now_us(struct ferry_owner *o)
{
	(void)o;
	return uv_hrtime() / 1000;
}

static struct watch *watch_find(const struct transport *t, int watch)
{
	if (watch < 1 || (unsigned)watch > FERRY_WATCHES_MAX)
		return NULL;
	return t->watches[watch - 1];
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct transport *t = w->t;
	uint32_t ready = 0;

	if (events & UV_READABLE)
		ready |= FERRY_READ;
	if (events & UV_WRITABLE)
		ready |= FERRY_WRITE;
	if (status < 0) {
		/* The handle has stopped itself. */
		w->dead = true;
		ready = FERRY_READ | FERRY_HANGUP;
	}
	t->driver->table.on_ready(t->self, w->arg, ready);
	instance_deliver(t);
}

int host_watch(struct ferry_owner *o, int fd, uint32_t events, uint64_t arg)
{
	struct transport *t = o->t;
	struct watch *w;
	int slot, err;

	if (!t->driver->table.on_ready)
		return -ENOSYS;
	for (slot = 0; slot < (int)FERRY_WATCHES_MAX; slot++)
		if (!t->watches[slot])
			break;
	if (slot == (int)FERRY_WATCHES_MAX)
		return -ENOBUFS;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	err = uv_poll_init(t->loop, &w->poll, fd);
	if (err) {
		free(w);
		return err;
	}
	w->poll.data = w;
	w->t = t;
	w->arg = arg;
	w->fd = fd;
	w->slot = slot;
	t->watches[slot] = w;
	t->handles++;
	err = host_watch_set(o, slot + 1, events);
	if (err) {
		host_unwatch(o, slot + 1);
		return err;
	}
	return slot + 1;
}

int host_watch_set(struct ferry_owner *o, int watch, uint32_t events)
{
	struct watch *w = watch_find(o->t, watch);
	int wanted = 0;

	if (!w)
		return -EINVAL;
	if (w->dead)
		return -EIO;
	if (events & FERRY_READ)
		wanted |= UV_READABLE;
	if (events & FERRY_WRITE)
		wanted |= UV_WRITABLE;
	return wanted ? uv_poll_start(&w->poll, wanted, on_poll)
		      : uv_poll_stop(&w->poll);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;
	struct transport *t = w->t;

	free(w);
	instance_handle_closed(t);
}

void host_unwatch(struct ferry_owner *o, int watch)
{
	struct watch *w = watch_find(o->t, watch);

	if (!w)
		return;
	o->t->watches[w->slot] = NULL;
	uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static struct lent_timer *timer_find(const struct transport *t, int timer)
{
	if (timer < 1 || (unsigned)timer > t->timer_slots)
		return NULL;
	return t->timers[timer - 1];
}

/* A free slot, or an error. Most drivers need few of all that they may have. */
static int timer_slot(struct transport *t)
{
	struct lent_timer **grown;
	unsigned i, more = t->timer_slots ? 2 * t->timer_slots : 4;

	for (i = 0; i < t->timer_slots; i++)
		if (!t->timers[i])
			return (int)i;
	if (more > FERRY_TIMERS_MAX)
		return -ENOBUFS;
	grown = realloc(t->timers, more * sizeof(struct lent_timer *));
	if (!grown)
		return -ENOMEM;
	memset(grown + t->timer_slots, 0,
		(more - t->timer_slots) * sizeof(struct lent_timer *));
	t->timers = grown;
	t->timer_slots = more;
	return (int)i;
}

int host_timer(struct ferry_owner *o, uint64_t arg)
{
	struct transport *t = o->t;
	struct lent_timer *timer;
	int slot, err;

	if (!t->driver->table.on_timer)
		return -ENOSYS;
	slot = timer_slot(t);
	if (slot < 0)
		return slot;
	timer = calloc(1, sizeof(*timer));
	if (!timer)
		return -ENOMEM;
	err = uv_timer_init(t->loop, &timer->timer);
	if (err) {
		free(timer);
		return err;
	}
	timer->timer.data = timer;
	timer->t = t;
	timer->arg = arg;
	timer->slot = slot;
	t->timers[slot] = timer;
	t->handles++;
	return slot + 1;
}

static void on_lent_timer(uv_timer_t *handle)
{
	struct lent_timer *timer = handle->data;
	struct transport *t = timer->t;

	t->driver->table.on_timer(t->self, timer->arg);
	instance_deliver(t);
}

int host_timer_set(struct ferry_owner *o, int timer, int64_t delay_ms)
{
	struct lent_timer *found = timer_find(o->t, timer);

	if (!found)
		return -EINVAL;
	if (delay_ms < 0)
		return uv_timer_stop(&found->timer);
	/* The loop's idea of now may be older than the driver's. */
	uv_update_time(o->t->loop);
	return uv_timer_start(
		&found->timer, on_lent_timer, (uint64_t)delay_ms, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct lent_timer *timer = handle->data;
	struct transport *t = timer->t;

	free(timer);
	instance_handle_closed(t);
}

void host_timer_free(struct ferry_owner *o, int timer)
{
	struct lent_timer *found = timer_find(o->t, timer);

	if (!found)
		return;
	o->t->timers[found->slot] = NULL;
	uv_close((uv_handle_t *)&found->timer, on_timer_closed);
}

static void on_async(uv_async_t *async)
{
	struct transport *t = async->data;

	if (t->self)
		t->driver->table.on_wake(t->self);
	instance_deliver(t);
}

int lend_async(struct transport *t)
{
	int err;

	if (!t->driver->table.on_wake || t->async)
		return 0;
	t->async = calloc(1, sizeof(*t->async));
	if (!t->async)
		return -ENOMEM;
	err = uv_async_init(t->loop, t->async, on_async);
	if (err) {
		free(t->async);
		t->async = NULL;
		return err;
	}
	t->async->data = t;
	t->handles++;
	return 0;
}

void host_wake(struct ferry_owner *o)
{
	if (o->t->async)
		uv_async_send(o->t->async);
}

unsigned lend_take_back(struct transport *t)
{
	unsigned i, left = 0;

	for (i = 0; i < FERRY_WATCHES_MAX; i++)
		if (t->watches[i]) {
			host_unwatch(&t->owner, (int)i + 1);
			left++;
		}
	for (i = 0; i < t->timer_slots; i++)
		if (t->timers[i]) {
			host_timer_free(&t->owner, (int)i + 1);
			left++;
		}
	return left;
}

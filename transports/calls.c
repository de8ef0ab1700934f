/* The requests that the rest of Ferry makes. */
#include "transports/instance.h"

#include <errno.h>
#include <stdlib.h>

static void request_aim(
	struct request *r, TRANSPORT_DONE(done), void *arg, uint64_t *ret_token)
{
	r->done = done;
	r->arg = arg;
	if (ret_token)
		*ret_token = r->token;
}

static bool is_up(const struct transport *t)
{
	return t->state == TRANSPORT_UP && t->self && !t->deaf;
}

static struct link *link_live(const struct transport *t, uint64_t id)
{
	struct link *l = host_link_find(t, id);

	return l && l->state == LINK_UP && !l->down ? l : NULL;
}

static void set_deadline(struct transport *t, struct request *r, uint32_t ms)
{
	if (ms)
		host_request_due(t, r, ms);
}

static int connect_check(
	const struct transport *t, const struct transport_connect *c)
{
	size_t i;
	int err = 0;

	if (c->channel_count < 1 || c->channel_count > FERRY_CHANNELS_MAX)
		return -EINVAL;
	if (t->raw)
		return 0;
	if ((t->record.caps & c->needs) != c->needs)
		return ERR_TRANSPORT_NEEDS;
	for (i = 0; i < c->channel_count && !err; i++)
		err = transport_params_check(t->driver, FERRY_SCOPE_CHANNEL,
			c->channels[i].kv, c->channels[i].count, NULL);
	return err;
}

int transport_connect(struct transport *t, const struct transport_connect *c,
	TRANSPORT_DONE(done), void *arg, uint64_t *ret_token)
{
	struct ferry_connect record = {
		.size = sizeof(record),
		.min_security = c->min_security,
		.peer = c->peer,
		.channels = c->channels,
		.channel_count = (uint32_t)c->channel_count,
	};
	struct request *r;
	struct link *l;
	int err;

	if (!is_up(t))
		return -ENOTCONN;
	err = connect_check(t, c);
	if (err)
		return err;
	err = host_link_new(t, &l);
	if (err)
		return err;
	err = host_request_new(t, REQUEST_CONNECT, &r);
	if (err) {
		host_link_free(t, l);
		return err;
	}
	r->link = l->id;
	r->needs = c->needs;
	r->channel_count = record.channel_count;
	record.link = l->id;
	request_aim(r, done, arg, ret_token);
	set_deadline(t, r, c->deadline_ms);
	host_request_started(
		t, r, t->driver->table.connect(t->self, r->token, &record));
	return 0;
}

/* The bytes of a send that has to wait. */
static int send_keep(struct request *r, const struct ferry_send *s)
{
	size_t to_len = s->to ? strnlen(s->to, FERRY_KEY_MAX) : 0;
	uint8_t *at = malloc(s->len + s->reply_len + to_len + 1);

	if (!at)
		return -ENOMEM;
	r->kept = at;
	r->send = *s;
	memcpy(at, s->data, s->len);
	r->send.data = at;
	at += s->len;
	if (s->reply_len)
		memcpy(at, s->reply, s->reply_len);
	r->send.reply = s->reply_len ? at : NULL;
	at += s->reply_len;
	memcpy(at, s->to ? s->to : "", to_len);
	at[to_len] = 0;
	r->send.to = s->to ? (const char *)at : NULL;
	return 0;
}

static int send_check(const struct link *l, const struct transport_send *s)
{
	if (!l)
		return -ENOTCONN;
	if (s->channel >= l->record.channel_count || !s->data.len ||
		s->until < FERRY_TAKEN || s->until > FERRY_DELIVERED ||
		s->reply.len > FERRY_REPLY_MAX)
		return -EINVAL;
	if (s->data.len > l->channels[s->channel].max_payload)
		return -EMSGSIZE;
	if (l->waiting_count >= TRANSPORT_SENDS_WAITING_MAX)
		return -ENOBUFS;
	return 0;
}

/* Now if the windows have room and nobody waits before it, else later. */
static int send_start(struct transport *t, struct link *l, struct request *r,
	const struct ferry_send *s)
{
	int err;

	if (t->raw || (host_link_has_room(t, l, r->channel) &&
			      !host_link_has_waiting(l, r->channel))) {
		host_send_go(t, l, r, s);
		return 0;
	}
	err = send_keep(r, s);
	if (!err)
		host_link_wait(t, l, r);
	return err;
}

int transport_send(struct transport *t, const struct transport_send *s,
	TRANSPORT_DONE(done), void *arg, uint64_t *ret_token)
{
	struct ferry_send record = {
		.size = sizeof(record),
		.channel = s->channel,
		.link = s->link,
		.until = s->until,
		.reply_len = (uint32_t)s->reply.len,
		.reply = s->reply.len ? s->reply.at : NULL,
		.to = s->to,
		.data = s->data.at,
		.len = (uint32_t)s->data.len,
	};
	struct link *l = link_live(t, s->link);
	struct request *r;
	int err;

	if (!is_up(t))
		return -ENOTCONN;
	err = t->raw ? 0 : send_check(l, s);
	if (err)
		return err;
	if (l && s->channel >= FERRY_CHANNELS_MAX)
		l = NULL; /* raw only: nothing to count */
	err = host_request_new(t, REQUEST_SEND, &r);
	if (err)
		return err;
	r->link = s->link;
	r->channel = s->channel;
	err = send_start(t, l, r, &record);
	if (err) {
		host_request_leave(t, r);
		host_request_free(r);
		return err;
	}
	request_aim(r, done, arg, ret_token);
	set_deadline(t, r, s->deadline_ms);
	t->counters.sends++;
	t->counters.bytes_sent += s->data.len;
	return 0;
}

unsigned transport_room(
	const struct transport *t, uint64_t link, uint32_t channel)
{
	const struct link *l = link_live(t, link);
	uint32_t mine, all;

	if (!l || channel >= l->record.channel_count || !is_up(t) ||
		!host_link_has_room(t, l, channel))
		return 0;
	mine = l->channels[channel].window - l->in_flight[channel];
	all = t->channel0.window - t->in_flight;
	return mine < all ? mine : all;
}

/* Nobody can cancel a disconnect; a driver that forgets one has broken down. */
static void disconnect_bound(struct transport *t, struct request *r)
{
	r->cancelled = true;
	host_request_due(t, r, DISCONNECT_BOUND_MS);
}

int transport_disconnect(
	struct transport *t, uint64_t link, TRANSPORT_DONE(done), void *arg)
{
	struct link *l = link_live(t, link);
	struct request *r;
	int err;

	if (!is_up(t))
		return -ENOTCONN;
	err = host_request_new(t, REQUEST_DISCONNECT, &r);
	if (err)
		return err;
	r->link = link;
	request_aim(r, done, arg, NULL);
	if (!l && !t->raw) {
		host_request_end(t, r, 0);
		return 0;
	}
	if (l) {
		host_link_flush(t, l, -ECANCELED);
		l->state = LINK_CLOSING;
	}
	disconnect_bound(t, r);
	host_request_started(
		t, r, t->driver->table.disconnect(t->self, r->token, link));
	return 0;
}

int transport_scan(struct transport *t, uint32_t ms, const struct ferry_kv *kv,
	size_t count, TRANSPORT_DONE(done), void *arg, uint64_t *ret_token)
{
	struct request *r;
	int err;

	if (!is_up(t))
		return -ENOTCONN;
	if (!t->driver->table.scan)
		return -ENOSYS;
	if (!t->raw) {
		if (t->scan_token)
			return -EBUSY;
		err = transport_params_check(
			t->driver, FERRY_SCOPE_SCAN, kv, count, NULL);
		if (err)
			return err;
	}
	err = host_request_new(t, REQUEST_SCAN, &r);
	if (err)
		return err;
	t->scan_token = r->token;
	request_aim(r, done, arg, ret_token);
	host_request_started(t, r,
		t->driver->table.scan(
			t->self, r->token, ms, kv, (uint32_t)count));
	return 0;
}

int transport_set(struct transport *t, uint64_t link, const struct ferry_kv *kv,
	size_t count, uint32_t deadline_ms, TRANSPORT_DONE(done), void *arg,
	uint64_t *ret_token)
{
	struct request *r;
	int err;

	if (!is_up(t) || (!t->raw && !link_live(t, link)))
		return -ENOTCONN;
	if (!t->driver->table.set)
		return -ENOSYS;
	err = t->raw ? 0
		     : transport_params_check(
			       t->driver, FERRY_SCOPE_SET, kv, count, NULL);
	if (!err)
		err = host_request_new(t, REQUEST_SET, &r);
	if (err)
		return err;
	r->link = link;
	request_aim(r, done, arg, ret_token);
	set_deadline(t, r, deadline_ms);
	host_request_started(t, r,
		t->driver->table.set(
			t->self, r->token, link, kv, (uint32_t)count));
	return 0;
}

int transport_stats(struct transport *t, TRANSPORT_DONE(done), void *arg)
{
	struct request *r;
	int err;

	if (!is_up(t))
		return -ENOTCONN;
	if (!t->driver->table.stats)
		return -ENOSYS;
	err = host_request_new(t, REQUEST_STATS, &r);
	if (err)
		return err;
	request_aim(r, done, arg, NULL);
	host_request_started(t, r, t->driver->table.stats(t->self, r->token));
	return 0;
}

void transport_cancel(struct transport *t, uint64_t token)
{
	struct request *r = host_request_find(t, token);

	if (r)
		host_request_cancel(t, r);
	else if (t->raw && is_up(t))
		t->driver->table.cancel(t->self, token);
}

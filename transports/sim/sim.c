/* The table of the driver: requests and events of the host. */
#include "transports/sim/sim_radio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "transports/answer.h"

#define TIMER_SCAN 1u
#define TIMER_SILENCE 2u
#define PATH_MAX_LEN 107u

static const struct ferry_param params[] = {
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, FERRY_PARAM_REQUIRED, 0, "path",
		NULL, NULL, "Socket on which the simulator listens."},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_UINT, 0, 0, "silence", "10..10000",
		"10000",
		"Milliseconds without an answer after which it counts as "
		"gone."},
	{FERRY_SCOPE_SET, FERRY_TYPE_UINT, 0, 0, "payload", "1..4096", NULL,
		"Asks the simulated peer for another payload size."},
	{FERRY_SCOPE_SET, FERRY_TYPE_UINT, 0, 0, "loss", "0..100", NULL,
		"Per cent of datagrams that get lost from now on."},
};

void sim_complete(struct sim *s, uint64_t *token, int status, const char *key,
	const char *text)
{
	answer_once(s->host, s->owner, token, status, key, text);
}

static int op_create(
	const struct ferry_host *host, struct ferry_owner *owner, void **ret)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->host = host;
	s->owner = owner;
	s->fd = -1;
	s->queue_end = &s->queue;
	buf_init(&s->scratch, SIM_WIRE_MAX);
	*ret = s;
	return 0;
}

/* Lets go of the socket. */
void sim_shut(struct sim *s)
{
	if (s->watch)
		s->host->unwatch(s->owner, s->watch);
	s->watch = 0;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	sim_drop_queue(s);
}

static void op_destroy(void *self)
{
	struct sim *s = self;
	uint32_t i;

	if (s->state == SIM_OPENING)
		s->host->open_cancel(s->owner, 1);
	sim_shut(s);
	if (s->scan_timer)
		s->host->timer_free(s->owner, s->scan_timer);
	if (s->silence_timer)
		s->host->timer_free(s->owner, s->silence_timer);
	for (i = 0; i < SIM_LINKS_MAX; i++)
		free(s->links[i]);
	for (i = 0; i < SIM_SENDS_MAX; i++)
		free(s->sends[i]);
	buf_done(&s->scratch);
	free(s->path);
	free(s);
}

void sim_over(struct sim *s, int status, const char *text)
{
	if (s->state == SIM_OVER)
		return;
	s->state = SIM_OVER;
	sim_shut(s);
	answer_over(
		s->host, s->owner, &s->start_token, status, "path", text);
}

static void silence_arm(struct sim *s)
{
	s->host->timer_set(s->owner, s->silence_timer, s->silence_ms);
}

/* A frame that the simulator has to answer. */
static int ask(struct sim *s, const struct sim_frame *f)
{
	int err = sim_put(s, f);

	if (err)
		return err;
	if (!s->answers_due++) {
		s->heard_us = s->host->now_us(s->owner);
		silence_arm(s);
	}
	return 0;
}

static int make_timers(struct sim *s)
{
	int timer = s->host->timer(s->owner, TIMER_SCAN);

	if (timer < 0)
		return timer;
	s->scan_timer = timer;
	timer = s->host->timer(s->owner, TIMER_SILENCE);
	if (timer < 0)
		return timer;
	s->silence_timer = timer;
	return 0;
}

#define PATH_RULE "must be at most 107 bytes"

static int op_check(uint32_t scope, const struct ferry_kv *kv, uint32_t count,
	const char **ret_key, char *text)
{
	uint32_t i;

	for (i = 0; scope == FERRY_SCOPE_INSTANCE && i < count; i++) {
		if (strcmp(kv[i].key, "path") != 0 ||
			strlen(kv[i].value) <= PATH_MAX_LEN)
			continue;
		*ret_key = "path";
		snprintf(text, FERRY_TEXT_MAX + 1, PATH_RULE);
		return -EINVAL;
	}
	return 0;
}

static int op_start(
	void *self, uint64_t token, const struct ferry_kv *kv, uint32_t count)
{
	struct sim *s = self;
	char target[256];
	uint32_t i;
	int err;

	s->start_token = token;
	s->silence_ms = SIM_SILENCE_MS;
	for (i = 0; i < count; i++) {
		if (!strcmp(kv[i].key, "path") && !s->path)
			s->path = strdup(kv[i].value);
		if (!strcmp(kv[i].key, "silence"))
			s->silence_ms =
				(uint32_t)strtoul(kv[i].value, NULL, 10);
	}
	if (!s->path || strlen(s->path) > PATH_MAX_LEN) {
		s->state = SIM_OVER;
		sim_complete(s, &s->start_token, -EINVAL, "path",
			PATH_RULE);
		return 0;
	}
	snprintf(target, sizeof(target), "seqpacket:%s", s->path);
	err = make_timers(s);
	if (!err)
		err = s->host->open_device(s->owner, 1, 0, target);
	if (err)
		sim_over(s, err, NULL);
	return 0;
}

static void op_on_opened(void *self, uint64_t request, int32_t result, int fd)
{
	const struct sim_frame hello = {
		.type = SIM_HELLO, .version = SIM_WIRE_VERSION};
	struct sim *s = self;
	int err = result < 0 ? result : 0;

	(void)request;
	if (s->state != SIM_OPENING) {
		if (fd >= 0)
			close(fd);
		return;
	}
	s->fd = fd;
	if (!err)
		err = s->host->watch(s->owner, fd, FERRY_READ, 0);
	if (err < 0) {
		sim_over(s, err, "the simulator does not listen there");
		return;
	}
	s->watch = err;
	s->state = SIM_GREETING;
	err = ask(s, &hello);
	if (err)
		sim_over(s, err, NULL);
}

static int op_stop(void *self, uint64_t token)
{
	struct sim *s = self;
	struct sim_link *l;
	uint32_t i;

	if (s->state == SIM_OPENING)
		s->host->open_cancel(s->owner, 1);
	sim_complete(s, &s->start_token, -ECANCELED, NULL, NULL);
	sim_complete(s, &s->scan_token, -ECANCELED, NULL, NULL);
	for (i = 0; i < SIM_LINKS_MAX; i++) {
		l = s->links[i];
		if (!l)
			continue;
		sim_link_settle(s, l, -ECANCELED);
		sim_complete(s, &l->connect_token, -ECANCELED, NULL, NULL);
		sim_complete(s, &l->disconnect_token, 0, NULL, NULL);
		sim_link_free(s, l);
	}
	s->state = SIM_OVER;
	sim_shut(s);
	sim_complete(s, &token, 0, NULL, NULL);
	return 0;
}

static bool cancel_connect(struct sim *s, uint64_t token)
{
	struct sim_frame f = {.type = SIM_DISCONNECT};
	struct sim_link *l;
	uint32_t i;
	int err;

	for (i = 0; i < SIM_LINKS_MAX; i++) {
		l = s->links[i];
		if (!l || l->connect_token != token)
			continue;
		f.link = l->number;
		l->state = SIM_LINK_FORGOTTEN;
		sim_complete(s, &l->connect_token, -ECANCELED, NULL, NULL);
		err = ask(s, &f);
		if (err)
			sim_over(s, err, NULL);
		return true;
	}
	return false;
}

static void op_cancel(void *self, uint64_t token)
{
	const struct ferry_result gone = {.status = -ECANCELED};
	struct sim *s = self;
	struct sim_send *send;

	if (!token)
		return;
	if (token == s->start_token) {
		sim_over(s, -ECANCELED, NULL);
		return;
	}
	if (token == s->scan_token) {
		s->host->timer_set(s->owner, s->scan_timer, -1);
		sim_complete(s, &s->scan_token, -ECANCELED, NULL, NULL);
		return;
	}
	if (cancel_connect(s, token))
		return;
	send = sim_send_by_token(s, token);
	if (send && sim_take_back(s, send->id))
		sim_send_end(s, send, &gone);
}

static int op_scan(void *self, uint64_t token, uint32_t ms,
	const struct ferry_kv *kv, uint32_t count)
{
	const struct sim_frame f = {.type = SIM_SCAN, .ms = ms};
	struct sim *s = self;
	int err;

	(void)kv;
	(void)count;
	if (s->state != SIM_RUNNING)
		return -ENODEV;
	if (s->scan_token)
		return -EBUSY;
	err = sim_put(s, &f);
	if (err)
		return err;
	s->scan_token = token;
	s->host->timer_set(s->owner, s->scan_timer, ms);
	return 0;
}

static bool is_linked(const struct sim *s, const char *peer)
{
	const struct sim_link *l;
	uint32_t i;

	for (i = 0; i < SIM_LINKS_MAX; i++) {
		l = s->links[i];
		if (l && l->state != SIM_LINK_FORGOTTEN &&
			!strcmp(l->peer, peer))
			return true;
	}
	return false;
}

static int op_connect(void *self, uint64_t token, const struct ferry_connect *c)
{
	struct sim *s = self;
	const char *peer = c->peer ? c->peer : "";
	struct sim_frame f = {.type = SIM_CONNECT};
	struct sim_link *l;
	int err;

	if (s->state != SIM_RUNNING)
		return -ENODEV;
	if (c->channel_count != 1)
		return -EOPNOTSUPP;
	if (c->min_security > FERRY_SECURITY_AUTHENTICATED)
		return FERRY_SECURITY;
	if (strlen(peer) > FERRY_KEY_MAX)
		return -EHOSTUNREACH;
	if (c->channels[0].count) {
		sim_complete(s, &token, -EINVAL, c->channels[0].kv[0].key,
			"is not known here");
		return 0;
	}
	if (is_linked(s, peer))
		return -EBUSY;
	err = sim_link_new(s, &l);
	if (err)
		return err;
	snprintf(l->peer, sizeof(l->peer), "%s", peer);
	l->id = c->link;
	l->connect_token = token;
	f.link = l->number;
	f.security = (uint8_t)c->min_security;
	f.peer = bytes_of_text(l->peer);
	err = sim_put(s, &f);
	if (err)
		sim_link_free(s, l);
	return err;
}

static int op_disconnect(void *self, uint64_t token, uint64_t link)
{
	struct sim *s = self;
	struct sim_link *l = sim_link_by_id(s, link);
	struct sim_frame f = {.type = SIM_DISCONNECT};
	int err;

	if (!l || l->state != SIM_LINK_UP || s->state != SIM_RUNNING) {
		sim_complete(s, &token, 0, NULL, NULL);
		return 0;
	}
	f.link = l->number;
	err = ask(s, &f);
	if (err)
		return err;
	l->state = SIM_LINK_CLOSING;
	l->disconnect_token = token;
	return 0;
}

static int op_send(void *self, uint64_t token, const struct ferry_send *send)
{
	struct sim *s = self;
	struct sim_link *l = sim_link_by_id(s, send->link);
	struct sim_frame f = {.type = SIM_SEND};
	struct sim_send *out;
	int err;

	if (!l || l->state != SIM_LINK_UP || s->state != SIM_RUNNING)
		return -ENOTCONN;
	if (send->channel != 0 || send->len == 0)
		return -EINVAL;
	if (send->len > l->payload)
		return -EMSGSIZE;
	if (!l->peer[0] && !send->to && !send->reply_len)
		return -EHOSTUNREACH;
	if (send->to && strlen(send->to) > FERRY_KEY_MAX)
		return -EHOSTUNREACH;
	if (l->in_flight >= l->window || s->in_flight >= s->window)
		return -ENOBUFS;
	err = sim_send_new(s, token, &out);
	if (err)
		return err;
	out->link = l->number;
	f.link = l->number;
	f.id = out->id;
	f.level = (uint8_t)send->until;
	f.peer = bytes_of_text(send->to);
	f.reply = bytes_of(send->reply, send->reply_len);
	f.data = bytes_of(send->data, send->len);
	err = ask(s, &f);
	if (err) {
		s->sends[out->id & SIM_SLOT_MASK] = NULL;
		free(out);
		return err;
	}
	l->in_flight++;
	s->in_flight++;
	return 0;
}

static int op_set(void *self, uint64_t token, uint64_t link,
	const struct ferry_kv *kv, uint32_t count)
{
	struct sim *s = self;
	struct sim_link *l = sim_link_by_id(s, link);
	struct sim_frame f = {.type = SIM_SET};
	struct sim_send *out;
	int err;

	if (!l || l->state != SIM_LINK_UP || s->state != SIM_RUNNING)
		return -ENOTCONN;
	if (count != 1 || (strcmp(kv[0].key, "payload") != 0 &&
				  strcmp(kv[0].key, "loss") != 0)) {
		sim_complete(s, &token, -EINVAL, count ? kv[0].key : NULL,
			"one of payload, loss at a time");
		return 0;
	}
	err = sim_send_new(s, token, &out);
	if (err)
		return err;
	out->link = l->number;
	out->is_set = true;
	f.link = l->number;
	f.id = out->id;
	f.key = bytes_of_text(kv[0].key);
	f.value = bytes_of_text(kv[0].value);
	err = ask(s, &f);
	if (err) {
		s->sends[out->id & SIM_SLOT_MASK] = NULL;
		free(out);
	}
	return err;
}

static int op_stats(void *self, uint64_t token)
{
	struct sim *s = self;
	const struct ferry_counter counters[] = {
		{"frames_in", s->frames_in},
		{"frames_out", s->frames_out},
		{"frames_bad", s->frames_bad},
	};
	const struct ferry_result r = {
		.size = sizeof(r),
		.token = token,
		.counters = counters,
		.counter_count = 3,
	};

	s->host->complete(s->owner, &r);
	return 0;
}

static void op_on_ready(void *self, uint64_t arg, uint32_t events)
{
	struct sim *s = self;

	(void)arg;
	if ((events & FERRY_WRITE) && s->fd >= 0)
		sim_flush(s);
	if ((events & FERRY_READ) && s->fd >= 0)
		sim_receive(s);
	if ((events & FERRY_HANGUP) && s->fd >= 0)
		sim_over(s, -ENODEV, "the simulator hung up");
}

/* Armed while an answer is due. Whatever is heard counts as life. */
static void on_silence(struct sim *s)
{
	uint64_t now = s->host->now_us(s->owner);

	if (!s->answers_due || s->state == SIM_OVER)
		return;
	if (now - s->heard_us >= (uint64_t)s->silence_ms * 1000)
		sim_over(s, -ETIMEDOUT, "the simulator is silent");
	else
		silence_arm(s);
}

static void op_on_timer(void *self, uint64_t arg)
{
	struct sim *s = self;

	if (arg == TIMER_SCAN)
		sim_complete(s, &s->scan_token, 0, NULL, NULL);
	else
		on_silence(s);
}

static const struct ferry_driver table = {
	.size = sizeof(table),
	.abi = FERRY_ABI,
	.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_PEERS | FERRY_CAP_ANY_PEER |
		FERRY_CAP_GROUP | FERRY_CAP_REPLY | FERRY_CAP_SCAN |
		FERRY_CAP_SENT | FERRY_CAP_DELIVERED | FERRY_CAP_AIRTIME |
		FERRY_CAP_SET,
	.name = "sim",
	.version = "1",
	.params = params,
	.param_count = sizeof(params) / sizeof(params[0]),
	.param_stride = sizeof(params[0]),
	.cancel_bound_ms = SIM_SILENCE_MS + 2000,
	.create = op_create,
	.destroy = op_destroy,
	.start = op_start,
	.stop = op_stop,
	.cancel = op_cancel,
	.scan = op_scan,
	.connect = op_connect,
	.disconnect = op_disconnect,
	.send = op_send,
	.set = op_set,
	.stats = op_stats,
	.on_ready = op_on_ready,
	.on_timer = op_on_timer,
	.on_opened = op_on_opened,
	.check = op_check,
};

const struct ferry_driver *sim_driver(void)
{
	return &table;
}

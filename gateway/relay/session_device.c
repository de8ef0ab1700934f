#include "gateway/relay/session_kind.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/relay/image_window.h"
#include "gateway/relay/loop_timer.h"

#define SENDS_MAX 64
#define SENDS_FIRST 8
#define SEND_DEADLINE_MS 60000
#define RETRY_CONNECT_MS 200

enum link_state {
	LINK_NONE,       /* not connected, no request under way */
	LINK_CONNECTING,
	LINK_UP,
	LINK_CLOSING,
};

struct send {
	uint64_t token; /* of the transport; 0: free */
	uint64_t id;    /* of the engine */
};

struct device_session {
	struct session session; /* first: what owners hold */
	struct session_setup setup;
	struct ferry_kv channel[SESSION_CHANNEL_MAX];
	struct engine_image image;
	struct engine *engine;
	struct image_window window;
	bool has_window;

	struct transport *transport; /* of the link or the connect */
	enum link_state link_state;
	uint64_t link;
	uint64_t connect_token;
	bool was_up;
	int64_t lost_at_ms;      /* -1: not lost */
	uint32_t come_back_ms;   /* of the current absence */
	struct send *sends; /* `send_room` of them, more when needed */
	unsigned send_room;

	uv_timer_t *engine_timer;
	uv_timer_t *connect_timer;
	bool draining;
	bool again;
	bool over;
	uint64_t bytes_sent;
	uint64_t bytes_received;
	uint64_t highest_asked;
	uint64_t bytes_repeated;
	uint32_t security;

	unsigned holds; /* requests whose callback must still come */
	void (*on_closed)(void *arg);
	void *close_arg;
};

static void drain(struct device_session *s);
static void try_connect(struct device_session *s);
static void finish_close(struct device_session *s);

static struct device_session *device_of(struct session *session)
{
	return (struct device_session *)session;
}

static const struct device_session *const_device_of(
	const struct session *session)
{
	return (const struct device_session *)session;
}

static int64_t now_ms(const struct device_session *s)
{
	return (int64_t)uv_now(s->setup.loop);
}

static void feed(struct device_session *s, const struct engine_event *event)
{
	if (s->over || s->session.closing)
		return;
	s->setup.engine->event(s->engine, now_ms(s), event);
	drain(s);
}

static void end_with(struct device_session *s, int code, const char *step)
{
	struct engine_facts facts = {
		.confirmed = -1,
		.pending = -1,
		.can_revert = -1,
		.can_resume = -1,
		.can_prove = -1,
	};
	struct engine_failure failure = {.code = code, .step = step};
	struct session_result result = {
		.outcome = ENGINE_FAILED,
		.facts = &facts,
		.failure = &failure,
		.bytes_sent = s->bytes_sent,
		.bytes_received = s->bytes_received,
		.bytes_repeated = s->bytes_repeated,
		.security = s->security,
	};

	if (s->over || s->session.closing)
		return;
	s->over = true;
	s->setup.events->on_result(s->setup.arg, &result);
}

/* ---- the link ---- */

static bool absence_is_over(const struct device_session *s)
{
	return s->lost_at_ms >= 0 &&
		now_ms(s) - s->lost_at_ms >= (int64_t)s->come_back_ms;
}

static void on_connect_timer(uv_timer_t *timer)
{
	struct device_session *s = timer->data;

	if (s->over || s->session.closing || s->link_state == LINK_UP)
		return;
	if (absence_is_over(s)) {
		end_with(s, s->was_up ? ERR_JOB_TIMEOUT : ERR_JOB_NO_LINK,
			s->was_up ? "reconnect" : "connect");
		return;
	}
	if (s->link_state == LINK_NONE)
		try_connect(s);
}

static void retry_connect(struct device_session *s)
{
	uv_timer_start(s->connect_timer, on_connect_timer, RETRY_CONNECT_MS, 0);
}

static void become_lost(struct device_session *s, uint32_t come_back_ms)
{
	s->link_state = LINK_NONE;
	s->link = 0;
	s->transport = NULL;
	if (s->lost_at_ms < 0) {
		s->lost_at_ms = now_ms(s);
		s->come_back_ms = come_back_ms;
	}
}

static void link_is_up(struct device_session *s, const struct ferry_result *result)
{
	const struct ferry_link *record = transport_link(s->transport,
		result->link);
	struct engine_event event = {.type = ENGINE_UP};

	s->link_state = LINK_UP;
	s->link = result->link;
	s->lost_at_ms = -1;
	s->come_back_ms = 0;
	uv_timer_stop(s->connect_timer);
	if (record) {
		event.up.security = (int)record->security;
		if (!s->was_up || record->security < s->security)
			s->security = record->security;
		if ((record->caps & FERRY_CAP_DATAGRAM) &&
				record->channel_count > 0)
			event.up.max_payload = record->channels[0].max_payload;
	}
	if (!s->was_up && s->setup.events->on_up)
		s->setup.events->on_up(s->setup.arg);
	s->was_up = true;
	feed(s, &event);
}

static void on_connected(void *arg, const struct ferry_result *result)
{
	struct device_session *s = arg;

	s->holds--;
	s->connect_token = 0;
	if (s->session.closing) {
		if (result->status == 0 && s->transport) {
			s->link = result->link;
			s->link_state = LINK_UP;
		} else {
			s->link_state = LINK_NONE;
		}
		finish_close(s);
		return;
	}
	if (result->status == 0) {
		link_is_up(s, result);
		return;
	}
	s->link_state = LINK_NONE;
	s->transport = NULL;
	if (err_class(result->status) == ERR_CLASS_SECURITY ||
			result->status == -EINVAL) {
		end_with(s, result->status, "connect");
		return;
	}
	if (absence_is_over(s))
		on_connect_timer(s->connect_timer);
	else
		retry_connect(s); /* never at once: it may fail at once */
}

static void try_connect(struct device_session *s)
{
	char peer[FERRY_KEY_MAX + 1] = "";
	struct transport *transport = NULL;
	struct ferry_channel_spec channel = {
		.kv = s->setup.channel,
		.count = (uint32_t)s->setup.channel_count,
	};
	struct transport_connect connect = {
		.peer = peer,
		.channels = &channel,
		.channel_count = 1,
		.min_security = s->setup.min_security,
	};
	int64_t left = s->come_back_ms - (now_ms(s) - s->lost_at_ms);
	int err = s->setup.events->locate(s->setup.arg, &transport, peer,
		sizeof(peer));

	retry_connect(s);
	if (err)
		return;
	connect.deadline_ms = left > 1 ? (uint32_t)left : 1;
	err = transport_connect(transport, &connect, on_connected, s,
		&s->connect_token);
	if (err == 0) {
		s->transport = transport;
		s->link_state = LINK_CONNECTING;
		s->holds++;
		return;
	}
	if (err != -ENOTCONN && err != -ENOBUFS && err != -EBUSY &&
			err != -ENOMEM)
		end_with(s, err, "connect");
}

/* ---- sending ---- */

static struct send *send_of(struct device_session *s, uint64_t token)
{
	for (unsigned i = 0; i < s->send_room; i++)
		if (s->sends[i].token == token)
			return &s->sends[i];
	return NULL;
}

static struct send *free_send(struct device_session *s)
{
	struct send *send = send_of(s, 0);
	unsigned room = s->send_room ? 2 * s->send_room : SENDS_FIRST;

	if (send || room > SENDS_MAX)
		return send;
	send = realloc(s->sends, room * sizeof(*send));
	if (!send)
		return NULL;
	memset(send + s->send_room, 0, (room - s->send_room) * sizeof(*send));
	s->sends = send;
	send += s->send_room;
	s->send_room = room;
	return send;
}

static void on_sent(void *arg, const struct ferry_result *result)
{
	struct device_session *s = arg;
	struct send *send = send_of(s, result->token);
	struct engine_event event = {.type = ENGINE_SENT};

	s->holds--;
	if (s->session.closing) {
		finish_close(s);
		return;
	}
	if (!send)
		return;
	event.sent.id = send->id;
	event.sent.status = result->status;
	event.sent.level = (int)result->level;
	event.sent.at_us = (int64_t)result->at_us;
	event.sent.airtime_us = result->airtime_us;
	event.sent.retry_after_ms = result->retry_after_ms;
	send->token = 0;
	feed(s, &event);
}

static int transmit(struct device_session *s, const struct engine_command *c)
{
	struct send *send = free_send(s);
	struct transport_send t = {
		.link = s->link,
		.channel = c->tx.channel,
		.until = c->tx.until ? (uint32_t)c->tx.until : FERRY_TAKEN,
		.reply = c->tx.reply,
		.data = c->tx.data,
		.deadline_ms = SEND_DEADLINE_MS,
	};
	int err;

	if (s->link_state != LINK_UP)
		return -ENOTCONN;
	if (!send)
		return -ENOBUFS;
	err = transport_send(s->transport, &t, on_sent, s, &send->token);
	if (err) {
		send->token = 0;
		return err;
	}
	send->id = c->tx.id;
	s->holds++;
	s->bytes_sent += c->tx.data.len;
	return 0;
}

static void on_line_set(void *arg, const struct ferry_result *result)
{
	struct device_session *s = arg;

	s->holds--;
	if (s->session.closing) {
		finish_close(s);
		return;
	}
	if (result->status)
		log_warn("relay", "line was not set", "code=%s key=%s",
			err_name(result->status),
			result->key ? result->key : "");
}

/* "dtr=1 rts=0 100ms dtr=0": the driver knows the words. */
static void set_line(struct device_session *s, const char *text)
{
	struct ferry_kv kv = {"lines", text};

	if (s->link_state == LINK_UP && transport_set(s->transport, s->link,
			&kv, 1, SEND_DEADLINE_MS, on_line_set, s, NULL) == 0)
		s->holds++;
}

/* ---- the image ---- */

static void give_image(struct device_session *s, int status, uint64_t offset,
	struct bytes data)
{
	struct engine_event event = {
		.type = ENGINE_IMAGE,
		.image = {s->setup.job, offset, status, data},
	};

	/* It was verified, and is gone: an earlier read found it rotten. */
	if (status == -ENOENT)
		event.image.status = ERR_STORE_ROTTEN_BLOB;
	s->setup.engine->event(s->engine, now_ms(s), &event);
}

/* Offsets of the window are those of the cached part. */
static void on_image(void *arg, int status, uint64_t offset, struct bytes data)
{
	struct device_session *s = arg;

	if (s->over || s->session.closing)
		return;
	give_image(s, status, offset + s->setup.prefix.len, data);
	drain(s);
}

static void count_asked(struct device_session *s, uint64_t offset, size_t len)
{
	if (offset < s->highest_asked)
		s->bytes_repeated += s->highest_asked - offset < len ?
			s->highest_asked - offset : len;
	if (offset + len > s->highest_asked)
		s->highest_asked = offset + len;
}

static void need_image(struct device_session *s, const struct engine_command *c)
{
	uint64_t offset = c->need_image.offset;
	size_t len = c->need_image.len;
	struct bytes prefix = s->setup.prefix;
	struct bytes data = {0};
	int n;

	if (!s->has_window) {
		give_image(s, -EINVAL, offset, data);
		return;
	}
	if (offset < prefix.len) {
		/* Less than was asked for where the cached part begins. */
		data = bytes_slice(prefix, (size_t)offset, len);
		count_asked(s, offset, data.len);
		give_image(s, 0, offset, data);
		return;
	}
	count_asked(s, offset, len);
	n = image_want(&s->window, offset - prefix.len, len, &data);
	if (n != 0)
		give_image(s, n < 0 ? n : 0, offset, data);
}

/* ---- commands ---- */

static void take_result(struct device_session *s, const struct engine_command *c)
{
	struct session_result result = {
		.outcome = c->result.outcome,
		.facts = c->result.facts,
		.failure = c->result.failure,
		.bytes_sent = s->bytes_sent,
		.bytes_received = s->bytes_received,
		.bytes_repeated = s->bytes_repeated,
		.security = s->security,
	};

	s->over = true;
	s->setup.events->on_result(s->setup.arg, &result);
}

static void on_tx(struct device_session *s, const struct engine_command *c)
{
	struct engine_event event = {.type = ENGINE_SENT};
	int err = transmit(s, c);

	if (!err)
		return;
	log_debug("relay", "send refused", "job=%llu code=%s len=%zu",
		(unsigned long long)s->setup.job, err_name(err),
		c->tx.data.len);
	event.sent.id = c->tx.id;
	event.sent.status = err;
	s->setup.engine->event(s->engine, now_ms(s), &event);
}

static void carry_out(struct device_session *s, const struct engine_command *c)
{
	const struct session_events *events = s->setup.events;

	switch (c->type) {
	case ENGINE_CMD_TX:
		on_tx(s, c);
		return;
	case ENGINE_CMD_NEED_IMAGE:
		need_image(s, c);
		return;
	case ENGINE_CMD_LINE:
		set_line(s, c->line.text);
		return;
	case ENGINE_CMD_RECONNECT:
		s->come_back_ms = c->reconnect.within_ms;
		return;
	case ENGINE_CMD_PROGRESS:
		if (events->on_progress)
			events->on_progress(s->setup.arg, c->progress.offset,
				c->progress.total);
		return;
	case ENGINE_CMD_FACTS:
		if (events->on_facts)
			events->on_facts(s->setup.arg, c->facts.facts);
		return;
	case ENGINE_CMD_STAGE:
		if (events->on_stage)
			events->on_stage(s->setup.arg, c->stage.stage,
				c->stage.facts);
		return;
	case ENGINE_CMD_RESULT:
		take_result(s, c);
		return;
	case ENGINE_CMD_PEER:
	case ENGINE_CMD_WAIT:
		return; /* of network engines, whose members are another kind */
	}
}

static void on_engine_timer(uv_timer_t *timer)
{
	struct device_session *s = timer->data;
	struct engine_event event = {.type = ENGINE_TIME};

	feed(s, &event);
}

static void drain(struct device_session *s)
{
	struct engine_command command;
	int64_t deadline;
	int64_t now;

	if (s->draining) {
		s->again = true;
		return;
	}
	s->draining = true;
	do {
		s->again = false;
		while (!s->over && !s->session.closing && s->setup.engine->next(
				s->engine, now_ms(s), &command) > 0)
			carry_out(s, &command);
	} while (s->again && !s->over && !s->session.closing);
	s->draining = false;
	if (s->over || s->session.closing) {
		uv_timer_stop(s->engine_timer);
		return;
	}
	deadline = s->setup.engine->deadline(s->engine);
	now = now_ms(s);
	if (deadline == ENGINE_NEVER)
		uv_timer_stop(s->engine_timer);
	else
		uv_timer_start(s->engine_timer, on_engine_timer,
			deadline > now ? (uint64_t)(deadline - now) : 0, 0);
}

/* ---- what the owner of the transport passes on ---- */

static void on_message(struct session *session, const struct ferry_message *m)
{
	struct device_session *s = device_of(session);
	struct engine_event event = {.type = ENGINE_RX};

	s->bytes_received += m->len;
	event.rx.peer = bytes_of_text(m->peer);
	event.rx.channel = m->channel;
	event.rx.reply = bytes_of(m->reply, m->reply_len);
	event.rx.security = (int)m->security;
	event.rx.at_us = (int64_t)m->at_us;
	event.rx.data = bytes_of(m->data, m->len);
	feed(s, &event);
}

static void on_link_down(struct session *session)
{
	struct device_session *s = device_of(session);
	struct engine_event event = {.type = ENGINE_DOWN};

	if (s->link_state != LINK_UP)
		return;
	become_lost(s, s->come_back_ms ? s->come_back_ms : s->setup.lost_ms);
	if (s->session.closing)
		return;
	for (unsigned i = 0; i < s->send_room; i++)
		s->sends[i].token = 0;
	feed(s, &event);
	if (s->over || s->session.closing)
		return;
	retry_connect(s);
}

static void on_link_changed(struct session *session,
	const struct ferry_link *record)
{
	struct device_session *s = device_of(session);
	struct engine_event event = {.type = ENGINE_UP};

	event.up.security = (int)record->security;
	if (record->security < s->security)
		s->security = record->security;
	if ((record->caps & FERRY_CAP_DATAGRAM) && record->channel_count > 0)
		event.up.max_payload = record->channels[0].max_payload;
	feed(s, &event);
}

static bool owns(const struct session *session,
	const struct transport *transport, uint64_t link)
{
	const struct device_session *s = const_device_of(session);

	return s->link_state == LINK_UP && s->transport == transport &&
		s->link == link;
}

/* ---- life ---- */

static int make_timers(struct device_session *s)
{
	s->engine_timer = loop_timer_new(s->setup.loop, s);
	s->connect_timer = loop_timer_new(s->setup.loop, s);
	if (s->engine_timer && s->connect_timer)
		return 0;
	loop_timer_free(s->engine_timer);
	loop_timer_free(s->connect_timer);
	return -ENOMEM;
}

static void go(struct session *session, enum engine_stage stage, bool skip)
{
	struct device_session *s = device_of(session);
	struct engine_event event = {.type = ENGINE_GO};

	event.go.job = s->setup.job;
	event.go.stage = stage;
	event.go.skip = skip;
	feed(s, &event);
}

static void withdraw(struct session *session)
{
	struct device_session *s = device_of(session);
	struct engine_event event = {.type = ENGINE_WITHDRAW};

	event.withdraw.job = s->setup.job;
	feed(s, &event);
}

static uint32_t security(const struct session *session)
{
	return const_device_of(session)->security;
}

static void poke(struct session *session)
{
	struct device_session *s = device_of(session);

	if (!s->over && !s->session.closing && s->link_state == LINK_NONE)
		uv_timer_start(s->connect_timer, on_connect_timer, 0, 0);
}

static void on_disconnected(void *arg, const struct ferry_result *result)
{
	struct device_session *s = arg;

	(void)result;
	s->holds--;
	s->link_state = LINK_NONE;
	finish_close(s);
}

/* Goes on each time that something the session waited for has ended. */
static void finish_close(struct device_session *s)
{
	void (*on_closed)(void *arg) = s->on_closed;
	void *arg = s->close_arg;

	if (s->link_state == LINK_UP) {
		s->link_state = LINK_CLOSING;
		s->holds++;
		if (transport_disconnect(s->transport, s->link,
				on_disconnected, s)) {
			s->holds--;
			s->link_state = LINK_NONE;
		}
	}
	if (s->holds > 0)
		return;
	s->setup.engine->destroy(s->engine);
	loop_timer_free(s->engine_timer);
	loop_timer_free(s->connect_timer);
	if (s->has_window)
		image_window_done(&s->window);
	free(s->sends);
	free(s);
	if (on_closed)
		on_closed(arg);
}

static void on_close_timer(uv_timer_t *timer)
{
	finish_close(timer->data);
}

static void close_it(struct session *session, void (*on_closed)(void *arg),
	void *arg)
{
	struct device_session *s = device_of(session);

	s->over = true;
	s->on_closed = on_closed;
	s->close_arg = arg;
	uv_timer_stop(s->engine_timer);
	uv_timer_stop(s->connect_timer);
	if (s->link_state == LINK_CONNECTING)
		transport_cancel(s->transport, s->connect_token);
	for (unsigned i = 0; i < s->send_room; i++)
		if (s->sends[i].token)
			transport_cancel(s->transport, s->sends[i].token);
	/* From a clean stack: the caller may be in a callback of ours. */
	uv_timer_start(s->connect_timer, on_close_timer, 0, 0);
}

static const struct session_ops kind = {
	.go = go,
	.withdraw = withdraw,
	.close = close_it,
	.security = security,
	.poke = poke,
	.owns = owns,
	.on_message = on_message,
	.on_link_down = on_link_down,
	.on_link_changed = on_link_changed,
};

int session_open(const struct session_setup *setup, struct session **ret,
	struct fault *fault)
{
	struct device_session *s;
	struct engine_event event = {.type = ENGINE_OFFER};
	int err;

	if (setup->channel_count > SESSION_CHANNEL_MAX || (setup->image &&
			setup->prefix.len >= setup->image->len &&
			setup->prefix.len))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->session.ops = &kind;
	s->setup = *setup;
	s->setup.channel = s->channel;
	for (size_t i = 0; i < setup->channel_count; i++)
		s->channel[i] = setup->channel[i];
	s->come_back_ms = setup->connect_ms;
	err = setup->engine->create(setup->options, &s->engine, fault);
	if (!err)
		err = make_timers(s);
	if (err) {
		if (s->engine)
			setup->engine->destroy(s->engine);
		free(s);
		return err;
	}
	if (setup->image) {
		s->image = *setup->image;
		image_window_init(&s->window, setup->cache, setup->cached ?
			setup->cached : s->image.sha256, s->image.len -
			setup->prefix.len, on_image, s);
		s->has_window = true;
	}
	s->lost_at_ms = now_ms(s);
	event.offer.job = setup->job;
	event.offer.goal = setup->goal;
	event.offer.image = setup->image ? &s->image : NULL;
	event.offer.reached = setup->reached;
	event.offer.return_ms = setup->return_ms;
	event.offer.reset_line = setup->reset_line;
	s->setup.engine->event(s->engine, now_ms(s), &event);
	uv_timer_start(s->connect_timer, on_connect_timer, 0, 0);
	*ret = &s->session;
	return 0;
}

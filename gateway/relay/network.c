#include "gateway/relay/network_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/relay/loop_timer.h"

#define FRAME_MOST_US 10000 /* of one frame, tried twice */
#define SEND_DEADLINE_MS 60000
#define CONNECT_DEADLINE_MS 30000
#define CONNECT_AGAIN_MS 200
#define CONNECT_AGAIN_MAX_MS 10000
#define BUDGET_EVERY_MS 10 /* the engine is told that often at most */

/* Of a frame whose engine does not say: docs/zigbee.md, "Airtime". */
#define FRAME_HEADERS 47
#define FRAME_BYTE_US 32
#define FRAME_GAPS_US 2620

static void try_connect(struct network *n);
static bool tell_budget(struct network *n);
static void on_timer(uv_timer_t *timer);

int64_t network_now_ms(const struct network *n)
{
	return (int64_t)uv_now(n->loop);
}

/* ---- the engine ---- */

static void arm(struct network *n)
{
	int64_t now = network_now_ms(n);
	int64_t due = n->again ? now :
		n->engine_ops->deadline(n->engine);

	if (n->budget_due_ms && !n->stalled && n->budget_due_ms < due)
		due = n->budget_due_ms;
	if (n->stalled_until_ms && n->stalled_until_ms < due)
		due = n->stalled_until_ms;
	if (due == n->armed_ms)
		return;
	n->armed_ms = due;
	if (due == ENGINE_NEVER)
		uv_timer_stop(n->timer);
	else
		uv_timer_start(n->timer, on_timer,
			due > now ? (uint64_t)(due - now) : 0, 0);
}

void network_tell(struct network *n, const struct engine_event *event)
{
	if (n->closing)
		return;
	n->engine_ops->event(n->engine, network_now_ms(n), event);
	n->again = true;
	if (!n->draining)
		arm(n);
}

void network_feed(struct network *n, const struct engine_event *event)
{
	if (n->closing)
		return;
	if (!n->draining)
		tell_budget(n);
	n->engine_ops->event(n->engine, network_now_ms(n), event);
	network_drain(n);
}

/* What is left. A frame of more than is ever left at once may go nevertheless when
 * the account would let it: the engine would wait for ever. */
static uint32_t budget_now(struct network *n, int64_t now_ms)
{
	uint32_t left = airtime_left(&n->airtime, now_ms);
	uint32_t wanted = n->engine_ops->wants_airtime(n->engine);

	return wanted > left && wanted != UINT32_MAX &&
		airtime_wait_ms(&n->airtime, now_ms, wanted) == 0 ?
		wanted : left;
}

/* Only when all commands were taken: the engine counts those that it has given,
 * not those that it still holds. True when it was told. */
static bool tell_budget(struct network *n)
{
	struct engine_event event = {.type = ENGINE_BUDGET};
	int64_t now = network_now_ms(n);

	if (!n->is_up || n->stalled || n->closing)
		return false;
	if (n->budget_told_ms >= 0 && (!n->airtime.budget_pct ||
			now - n->budget_told_ms < BUDGET_EVERY_MS))
		return false;
	n->budget_told_ms = now;
	event.budget.airtime_us = budget_now(n, now);
	n->engine_ops->event(n->engine, now, &event);
	return true;
}

/* An engine that waits for airtime is told when it is there. */
static void plan_budget(struct network *n)
{
	int64_t now = network_now_ms(n);
	uint32_t us;

	n->budget_due_ms = 0;
	if (!n->is_up || !n->airtime.budget_pct)
		return;
	us = n->engine_ops->wants_airtime(n->engine);
	if (!us)
		return;
	n->budget_due_ms = now + airtime_wait_ms(&n->airtime, now, us);
	if (n->budget_due_ms < n->budget_told_ms + BUDGET_EVERY_MS)
		n->budget_due_ms = n->budget_told_ms + BUDGET_EVERY_MS;
}

static void on_timer(uv_timer_t *timer)
{
	struct network *n = timer->data;
	struct engine_event event = {.type = ENGINE_TIME};

	n->armed_ms = -1;
	if (n->closing)
		return;
	if (n->engine_ops->deadline(n->engine) <= network_now_ms(n))
		n->engine_ops->event(n->engine, network_now_ms(n), &event);
	network_drain(n);
}

/* ---- sending ---- */

static struct network_send *take_slot(struct network *n)
{
	struct network_send *s = n->free_sends;

	if (s) {
		n->free_sends = s->next;
		n->in_flight++;
	}
	return s;
}

static void give_slot(struct network_send *s)
{
	struct network *n = s->network;

	s->next = n->free_sends;
	n->free_sends = s;
	n->in_flight--;
}

static bool has_room(const struct network *n)
{
	return n->in_flight < n->window && !n->held.is_held;
}

static void not_sent(struct network *n, uint64_t id, int status)
{
	struct engine_event event = {.type = ENGINE_SENT};

	event.sent.id = id;
	event.sent.status = status;
	n->engine_ops->event(n->engine, network_now_ms(n), &event);
}

static void finish_close(struct network *n);

static void on_sent(void *arg, const struct ferry_result *result)
{
	struct network_send *s = arg;
	struct network *n = s->network;
	struct engine_event event = {.type = ENGINE_SENT};

	event.sent.id = s->id;
	event.sent.status = result->status;
	event.sent.level = (int)result->level;
	event.sent.at_us = (int64_t)result->at_us;
	event.sent.airtime_us = n->has_airtime ? result->airtime_us :
		s->estimate_us;
	event.sent.retry_after_ms = result->retry_after_ms;
	airtime_settle(&n->airtime, network_now_ms(n), s->estimate_us,
		event.sent.airtime_us);
	give_slot(s);
	if (n->closing)
		finish_close(n);
	else if (event.sent.id)
		network_feed(n, &event);
	else
		network_drain(n);
}

static uint32_t estimate(const struct engine_command *c)
{
	if (c->tx.airtime_us)
		return c->tx.airtime_us;
	return (uint32_t)(c->tx.data.len + FRAME_HEADERS) * FRAME_BYTE_US +
		FRAME_GAPS_US;
}

static void transmit(struct network *n, const struct engine_command *c,
	uint32_t estimate_us)
{
	struct network_send *slot = take_slot(n);
	char to[FERRY_KEY_MAX + 1] = "";
	struct transport_send t = {
		.link = n->link,
		.channel = c->tx.channel,
		.until = c->tx.until ? (uint32_t)c->tx.until : FERRY_TAKEN,
		.reply = c->tx.reply,
		.data = c->tx.data,
		.deadline_ms = SEND_DEADLINE_MS,
	};
	int err = -ENOTCONN;

	if (c->tx.peer.len && c->tx.peer.len < sizeof(to)) {
		memcpy(to, c->tx.peer.at, c->tx.peer.len);
		t.to = to;
	}
	slot->id = c->tx.id;
	slot->estimate_us = estimate_us;
	if (n->is_up)
		err = transport_send(n->transport, &t, on_sent, slot, NULL);
	if (!err) {
		n->frames_out++;
		return;
	}
	log_debug("relay", "frame refused", "code=%s len=%zu to=%s",
		err_name(err), c->tx.data.len, to);
	give_slot(slot);
	airtime_settle(&n->airtime, network_now_ms(n), estimate_us, 0);
	not_sent(n, c->tx.id, err);
}

static void wait_for_airtime(struct network *n)
{
	int64_t now = network_now_ms(n);

	n->stalled_until_ms = now + airtime_wait_ms(&n->airtime, now,
		n->held.estimate_us);
}

/* The engine keeps to its budget by itself; a frame that does not fit after all
 * waits here, and everything behind it. */
static void hold(struct network *n, const struct engine_command *c,
	uint32_t estimate_us)
{
	struct network_held *h = &n->held;

	if (c->tx.data.len > sizeof(h->data) ||
			c->tx.peer.len > sizeof(h->peer) ||
			c->tx.reply.len > sizeof(h->reply)) {
		not_sent(n, c->tx.id, -EMSGSIZE);
		return;
	}
	*h = (struct network_held){
		.is_held = true,
		.command = *c,
		.estimate_us = estimate_us,
	};
	memcpy(h->data, c->tx.data.at, c->tx.data.len);
	if (c->tx.peer.len)
		memcpy(h->peer, c->tx.peer.at, c->tx.peer.len);
	if (c->tx.reply.len)
		memcpy(h->reply, c->tx.reply.at, c->tx.reply.len);
	h->command.tx.data.at = h->data;
	h->command.tx.peer.at = h->peer;
	h->command.tx.reply.at = h->reply;
	wait_for_airtime(n);
}

static void send_held(struct network *n)
{
	struct network_held *h = &n->held;
	int64_t now = network_now_ms(n);

	n->stalled_until_ms = 0;
	if (!h->is_held || n->in_flight >= n->window)
		return;
	if (n->is_up && !airtime_reserve(&n->airtime, now, h->estimate_us)) {
		wait_for_airtime(n);
		return;
	}
	h->is_held = false;
	if (n->is_up)
		transmit(n, &h->command, h->estimate_us);
	else
		not_sent(n, h->command.tx.id, -ENOTCONN);
}

static void on_tx(struct network *n, const struct engine_command *c)
{
	uint32_t estimate_us = estimate(c);

	if (!n->is_up)
		not_sent(n, c->tx.id, -ENOTCONN);
	else if (airtime_reserve(&n->airtime, network_now_ms(n), estimate_us))
		transmit(n, c, estimate_us);
	else
		hold(n, c, estimate_us);
}

/* ---- commands ---- */

static void tell_facts(struct network *n, const struct engine_command *c)
{
	struct member *m = network_member(n, c->facts.job);
	const char *peer = c->facts.peer ? c->facts.peer : m ? m->peer : NULL;

	if (m)
		member_facts(m, c->facts.facts);
	if (peer)
		n->events->on_facts(n->arg, peer, c->facts.facts);
}

static void carry_out(struct network *n, const struct engine_command *c)
{
	switch (c->type) {
	case ENGINE_CMD_TX:
		on_tx(n, c);
		return;
	case ENGINE_CMD_NEED_IMAGE:
		member_need_image(n, c);
		return;
	case ENGINE_CMD_FACTS:
		tell_facts(n, c);
		return;
	case ENGINE_CMD_PEER:
		n->events->on_peer(n->arg, &c->peer);
		return;
	case ENGINE_CMD_PROGRESS:
		member_progress(network_member(n, c->progress.job), c);
		return;
	case ENGINE_CMD_STAGE:
		member_stage(network_member(n, c->stage.job), c);
		return;
	case ENGINE_CMD_WAIT:
		member_wait(network_member(n, c->wait.job), c);
		return;
	case ENGINE_CMD_RESULT:
		member_result(network_member(n, c->result.job), c);
		return;
	case ENGINE_CMD_LINE:
	case ENGINE_CMD_RECONNECT:
		return; /* of engines that have a line to themselves */
	}
}

static void take_commands(struct network *n)
{
	struct engine_command command;

	while (!n->closing && has_room(n)) {
		if (n->engine_ops->next(n->engine, network_now_ms(n),
				&command) <= 0) {
			n->stalled = false;
			return;
		}
		carry_out(n, &command);
	}
	n->stalled = true;
}

void network_drain(struct network *n)
{
	if (n->draining) {
		n->again = true;
		return;
	}
	n->draining = true;
	do {
		n->again = false;
		send_held(n);
		take_commands(n);
		if (tell_budget(n))
			n->again = true;
	} while (n->again && !n->stalled && !n->closing);
	n->draining = false;
	if (n->closing) {
		finish_close(n);
		return;
	}
	/* Stalled: a completion goes on, or the airtime that it waits for. */
	n->again = false;
	plan_budget(n);
	arm(n);
}

/* ---- the link ---- */

static void fill_up(struct network *n, struct engine_event *event)
{
	const struct ferry_link *record = transport_link(n->transport, n->link);

	*event = (struct engine_event){.type = ENGINE_UP};
	n->window = NETWORK_SENDS_MAX;
	if (!record)
		return;
	event->up.security = (int)record->security;
	n->security = record->security;
	n->has_airtime = (record->caps & FERRY_CAP_AIRTIME) != 0;
	if (!record->channel_count)
		return;
	event->up.max_payload = record->channels[0].max_payload;
	if (record->channels[0].window < n->window)
		n->window = record->channels[0].window;
}

/* What was on its way when the engine was told that the link is gone is not
 * its business any more. */
static void disown_sends(struct network *n)
{
	for (unsigned i = 0; i < NETWORK_SENDS_MAX; i++)
		n->sends[i].id = 0;
	n->held.is_held = false;
	n->stalled_until_ms = 0;
	n->stalled = false;
}

/* Tells the engine, if that is news, whether it can speak. */
static void tell_link(struct network *n)
{
	bool is_up = n->link && !n->paused;
	struct engine_event event = {.type = ENGINE_DOWN};

	if (is_up == n->is_up || n->closing)
		return;
	n->is_up = is_up;
	n->budget_told_ms = -1;
	n->budget_due_ms = 0;
	if (is_up)
		fill_up(n, &event);
	else
		disown_sends(n);
	network_tell(n, &event);
}

static void lost(struct network *n)
{
	n->link = 0;
	tell_link(n);
}

static void on_connect_timer(uv_timer_t *timer)
{
	struct network *n = timer->data;

	if (!n->closing && n->transport && !n->link && !n->connecting)
		try_connect(n);
}

static void connect_again(struct network *n, int status)
{
	uv_timer_start(n->connect_timer, on_connect_timer, n->connect_again_ms,
		0);
	n->events->on_link(n->arg, false, status);
	if (n->connect_again_ms < CONNECT_AGAIN_MAX_MS)
		n->connect_again_ms *= 2;
}

static void on_connected(void *arg, const struct ferry_result *result)
{
	struct network *n = arg;

	n->connecting = false;
	if (n->closing) {
		finish_close(n);
		return;
	}
	/* Of an instance that has ended since. */
	if (!n->transport)
		return;
	if (result->status) {
		connect_again(n, result->status);
		return;
	}
	n->link = result->link;
	n->connect_again_ms = CONNECT_AGAIN_MS;
	n->events->on_link(n->arg, true, 0);
	tell_link(n);
}

static void try_connect(struct network *n)
{
	struct ferry_channel_spec specs[FERRY_CHANNELS_MAX];
	struct transport_connect connect = {
		.channels = specs,
		.channel_count = n->channel_count,
		.deadline_ms = CONNECT_DEADLINE_MS,
	};
	int err;

	for (size_t i = 0; i < n->channel_count; i++)
		specs[i] = (struct ferry_channel_spec){
			.kv = n->channels[i].kv,
			.count = n->channels[i].count,
		};
	err = transport_connect(n->transport, &connect, on_connected, n, NULL);
	if (err)
		connect_again(n, err);
	else
		n->connecting = true;
}

void network_up(struct network *n, struct transport *transport)
{
	n->transport = transport;
	n->connect_again_ms = CONNECT_AGAIN_MS;
	uv_timer_start(n->connect_timer, on_connect_timer, 0, 0);
}

void network_down(struct network *n)
{
	lost(n);
	n->transport = NULL;
	uv_timer_stop(n->connect_timer);
}

void network_pause(struct network *n, bool paused)
{
	n->paused = paused;
	tell_link(n);
}

bool network_is_served(const struct network *n)
{
	return n->link != 0;
}

int network_security(const struct network *n)
{
	return n && n->is_up ? (int)n->security : -1;
}

bool network_owns(const struct network *n, uint64_t link)
{
	return n && n->link && n->link == link;
}

/* A driver charges frames that it does not pass on with the next one: those are
 * not its sender's. */
static uint32_t own_airtime_us(const struct ferry_message *m)
{
	return m->airtime_us < FRAME_MOST_US ? m->airtime_us : FRAME_MOST_US;
}

void network_message(struct network *n, const struct ferry_message *m)
{
	struct engine_event event = {.type = ENGINE_RX};

	n->frames_in++;
	airtime_received(&n->airtime, network_now_ms(n), m->airtime_us);
	if (m->peer)
		talkers_heard(&n->talkers, network_now_ms(n), m->peer,
			own_airtime_us(m));
	if (!n->is_up)
		return;
	event.rx.peer = bytes_of_text(m->peer);
	event.rx.channel = m->channel;
	event.rx.reply = bytes_of(m->reply, m->reply_len);
	event.rx.security = (int)m->security;
	event.rx.at_us = (int64_t)m->at_us;
	event.rx.data = bytes_of(m->data, m->len);
	network_feed(n, &event);
}

void network_link_down(struct network *n, int status)
{
	lost(n);
	connect_again(n, status);
}

void network_link_changed(struct network *n, const struct ferry_link *record)
{
	struct engine_event event;
	uint32_t before = n->security;

	(void)record; /* the host keeps it */
	if (!n->is_up)
		return;
	fill_up(n, &event);
	if (before < n->security)
		n->security = before;
	network_feed(n, &event);
}

void network_peer(struct network *n, const struct network_peer *peer)
{
	struct engine_event event = {.type = ENGINE_PEER};

	event.peer.key = peer->key;
	event.peer.gone = peer->gone;
	event.peer.sleepy = peer->sleepy;
	event.peer.group = peer->group;
	event.peer.joined = peer->joined;
	network_tell(n, &event);
}

void network_quirks(struct network *n, const char *source, struct bytes rows)
{
	struct engine_event event = {.type = ENGINE_QUIRKS};

	event.quirks.source = source;
	event.quirks.rows = rows;
	network_tell(n, &event);
}

void network_count(struct network *n, struct network_numbers *ret)
{
	*ret = (struct network_numbers){
		.frames_out = n->frames_out,
		.frames_in = n->frames_in,
	};
	airtime_use(&n->airtime, network_now_ms(n), &ret->airtime);
	talkers_loudest(&n->talkers, network_now_ms(n), &ret->loudest);
	members_count(n, ret);
}

/* ---- life ---- */

/* "profile=0x0104 cluster=0x0019" into settings that point into `text`. */
static int read_channel(const char *text, struct network_channel *c)
{
	char *at = c->text;

	if (!text || strlen(text) >= sizeof(c->text))
		return -EINVAL;
	memcpy(c->text, text, strlen(text) + 1);
	while (*at) {
		size_t len = strcspn(at, " ");
		char *value = memchr(at, '=', len);

		if (!value || c->count == NETWORK_CHANNEL_KV_MAX)
			return -EINVAL;
		*value++ = '\0';
		c->kv[c->count++] = (struct ferry_kv){at, value};
		at += len;
		if (*at)
			*at++ = '\0';
	}
	return 0;
}

static int read_channels(const struct engine_ops *ops,
	struct network_channel *channels)
{
	int err = 0;

	if (!ops->network || !ops->wants_airtime || ops->channel_count < 1 ||
			ops->channel_count > FERRY_CHANNELS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < ops->channel_count && !err; i++)
		err = read_channel(ops->channels[i], &channels[i]);
	return err;
}

int network_check(const struct engine_ops *engine,
	const struct transport_driver *driver, struct fault *fault)
{
	const struct ferry_driver *table = transport_driver_table(driver);
	uint64_t needs = FERRY_CAP_DATAGRAM | FERRY_CAP_ANY_PEER;
	struct network_channel channels[FERRY_CHANNELS_MAX] = {0};
	int err = read_channels(engine, channels);

	if (engine->channel_count > 1)
		needs |= FERRY_CAP_CHANNELS;
	if (!err && (table->caps & needs) != needs)
		return fault_set(fault, ERR_TRANSPORT_NEEDS, 0, "network",
			"must be left out: driver %s does not reach all "
			"devices of a radio at once, as engine %s needs it",
			table->name, engine->name);
	for (size_t i = 0; i < engine->channel_count && !err; i++) {
		struct fault why = {0};

		err = transport_params_check(driver, FERRY_SCOPE_CHANNEL,
			channels[i].kv, channels[i].count, &why);
		if (err)
			fault_set(fault, err, 0, "network", "must be left out: "
				"driver %s has no channels for engine %s: "
				"%.20s %.60s", table->name, engine->name,
				why.field, why.rule);
	}
	return err;
}

static int make_timers(struct network *n)
{
	n->timer = loop_timer_new(n->loop, n);
	n->connect_timer = loop_timer_new(n->loop, n);
	if (n->timer && n->connect_timer)
		return 0;
	loop_timer_free(n->timer);
	loop_timer_free(n->connect_timer);
	return -ENOMEM;
}

int network_open(const struct network_setup *setup, struct network **ret,
	struct fault *fault)
{
	struct network *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->loop = setup->loop;
	n->engine_ops = setup->engine;
	n->events = setup->events;
	n->arg = setup->arg;
	n->armed_ms = ENGINE_NEVER;
	n->budget_told_ms = -1;
	n->window = NETWORK_SENDS_MAX;
	for (unsigned i = 0; i < NETWORK_SENDS_MAX; i++) {
		n->sends[i].network = n;
		n->sends[i].next = n->free_sends;
		n->free_sends = &n->sends[i];
	}
	n->channel_count = setup->engine->channel_count;
	err = read_channels(setup->engine, n->channels);
	if (!err)
		err = setup->engine->create(setup->options, &n->engine, fault);
	if (!err)
		err = make_timers(n);
	if (err) {
		if (n->engine)
			setup->engine->destroy(n->engine);
		free(n);
		return err;
	}
	airtime_init(&n->airtime, setup->budget_pct, network_now_ms(n));
	talkers_init(&n->talkers, network_now_ms(n));
	*ret = n;
	return 0;
}

/* Goes on each time that something it waited for has ended. */
static void finish_close(struct network *n)
{
	if (n->in_flight || n->connecting || n->draining)
		return;
	n->engine_ops->destroy(n->engine);
	members_free(n);
	loop_timer_free(n->timer);
	loop_timer_free(n->connect_timer);
	free(n);
}

void network_close(struct network *n)
{
	if (!n || n->closing)
		return;
	n->closing = true;
	uv_timer_stop(n->timer);
	uv_timer_stop(n->connect_timer);
	finish_close(n);
}

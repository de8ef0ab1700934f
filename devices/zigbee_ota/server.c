#include "devices/zigbee_ota/server.h"

#include <errno.h>
#include <stdlib.h>

#define UP_AGAIN_MS 60000

static struct server *server_of(struct engine *e)
{
	return (struct server *)(void *)e;
}

static void server_destroy(struct engine *e)
{
	struct server *s = server_of(e);

	if (!s)
		return;
	server_offers_done(s);
	server_peers_done(s);
	server_timers_done(s);
	free(s);
}

static int server_create(const char *options, struct engine **ret,
	struct fault *f)
{
	struct server_options read;
	struct server *s;
	int rc = server_options_read(options, &read, f);

	if (rc || !ret)
		return rc;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->options = read;
	s->look_ms = ENGINE_NEVER;
	keep_init(&s->keep, SERVER_PROVEN_MAX);
	rc = server_timers_init(s);
	if (rc == 0)
		rc = quirk_table_read(bytes_of_text(quirks_built_in()),
			&s->built_in, f);
	if (rc) {
		server_destroy((struct engine *)(void *)s);
		return rc;
	}
	*ret = (struct engine *)(void *)s;
	return 0;
}

static int check_class_options(const char *options, struct fault *f)
{
	struct server_class_options read;
	int rc = server_class_options_read(options, &read, f);

	if (rc == 0)
		server_class_options_done(&read);
	return rc;
}

void zigbee_ota_counts(const struct engine *e, struct zigbee_ota_counts *ret)
{
	const struct server *s = (const struct server *)(const void *)e;

	*ret = s->counts;
	ret->peers = s->peer_count;
	ret->offers = s->offer_count;
	ret->downloads = s->places;
}

/* ---- the link ---- */

static void link_down(struct server *s, int64_t now_ms)
{
	if (!s->up)
		return;
	s->up = false;
	server_queue_down(s);
	for (struct server_offer *o = s->first; o; o = o->next) {
		if (o->called)
			server_release(s, o);
		server_inventory_lost(s, o, now_ms);
	}
}

void server_resume(struct server *s, struct server_offer *o, int64_t now_ms)
{
	o->heard_ms = now_ms;
	if (o->phase == PHASE_PROVE) {
		if (o->return_at_ms < now_ms + UP_AGAIN_MS)
			o->return_at_ms = now_ms + UP_AGAIN_MS;
		if (!o->peer->sleepy)
			o->read_ms = now_ms;
	}
	if (o->phase == PHASE_FINISH && o->told_to_wait &&
			o->granted & 1u << ENGINE_STAGE_RESTART)
		server_want(s, o->peer, WANT_END, now_ms);
	if (o->goal == ENGINE_GOAL_INVENTORY)
		o->read_ms = now_ms;
	server_call_again(s, o, now_ms);
	server_rearm(s, o->peer, now_ms);
}

static void link_up(struct server *s, size_t max_payload, int64_t now_ms)
{
	s->max_payload = max_payload;
	if (s->up)
		return;
	s->up = true;
	s->up_ms = now_ms;
	s->look = true;
	for (struct server_offer *o = s->first; o; o = o->next)
		if (o->phase != PHASE_OVER)
			server_resume(s, o, now_ms);
	for (size_t i = 0; i < SERVER_BUCKETS; i++)
		for (struct server_peer *p = s->buckets[i]; p;
				p = p->in_bucket)
			server_rearm(s, p, now_ms);
}

static void receive(struct server *s, const struct engine_event *e,
	int64_t now_ms)
{
	struct zcl_header h;
	struct bytes payload;
	struct server_peer *p;

	if (!s->up || e->rx.channel >= ZIGBEE_OTA_CHANNELS)
		return;
	if (zcl_read(e->rx.data, &h, &payload) || h.has_manufacturer) {
		s->counts.bad++;
		return;
	}
	p = server_peer(s, e->rx.peer, true);
	if (!p)
		return;
	server_peer_heard(s, p, now_ms);
	if (!h.cluster_specific)
		server_take_foundation(s, p, e->rx.channel, &h, payload,
			e->rx.reply, now_ms);
	else if (e->rx.channel == ZIGBEE_OTA_CHANNEL_OTA)
		server_take_ota(s, p, &h, payload, e->rx.reply, now_ms);
	else if (e->rx.channel == ZIGBEE_OTA_CHANNEL_POLL)
		server_take_poll(s, p, &h, e->rx.reply, now_ms);
	server_rearm(s, p, now_ms);
}

/* ---- time ---- */

static int64_t due(const struct server *s, const struct server_peer *p,
	int64_t now_ms)
{
	int64_t at = server_report_due(p);

	if (s->up)
		at = server_sooner(at, server_sooner(p->basic_ms,
			server_ask_due(s, p)));
	if (p->not_before_ms > now_ms && p->wants)
		at = server_sooner(at, p->not_before_ms);
	if (p->wants & WANT_ANSWER && server_answer_due(p) > now_ms)
		at = server_sooner(at, server_answer_due(p));
	if (p->offer)
		at = server_sooner(at, server_offer_due(s, p->offer));
	return at;
}

void server_rearm(struct server *s, struct server_peer *p, int64_t now_ms)
{
	int64_t at = due(s, p, now_ms);

	server_wake(s, p, at <= now_ms ? now_ms + 1 : at);
}

static void tick(struct server *s, struct server_peer *p, int64_t now_ms)
{
	server_judge(s, p, now_ms);
	server_ask_tick(s, p, now_ms);
	server_learn_tick(s, p, now_ms);
	server_report_tick(s, p, now_ms);
	if (p->offer)
		server_offer_tick(s, p->offer, now_ms);
	server_queue(s, p, now_ms);
	server_rearm(s, p, now_ms);
}

static void pass(struct server *s, int64_t now_ms)
{
	struct server_peer *p;

	while ((p = server_wake_next(s, now_ms)) != NULL)
		tick(s, p, now_ms);
	server_look(s, now_ms);
}

/* ---- the engine ---- */

static void drop_shown(struct server *s)
{
	if (s->shown)
		server_offer_over(s, s->shown);
}

static void server_event(struct engine *e, int64_t now_ms,
	const struct engine_event *event)
{
	struct server *s = server_of(e);

	drop_shown(s);
	switch (event->type) {
	case ENGINE_UP:
		link_up(s, event->up.max_payload, now_ms);
		break;
	case ENGINE_DOWN:
		link_down(s, now_ms);
		break;
	case ENGINE_OFFER:
		server_offer(s, event, now_ms);
		break;
	case ENGINE_WITHDRAW:
		server_withdraw(s, event, now_ms);
		break;
	case ENGINE_RX:
		receive(s, event, now_ms);
		break;
	case ENGINE_SENT:
		server_sent(s, event, now_ms);
		break;
	case ENGINE_IMAGE:
		server_image(s, event, now_ms);
		break;
	case ENGINE_GO:
		server_go(s, event, now_ms);
		break;
	case ENGINE_BUDGET:
		server_budget(s, event);
		break;
	case ENGINE_PEER:
		if (event->peer.key)
			server_peer_event(s, event, now_ms);
		break;
	case ENGINE_QUIRKS:
		server_quirks_event(s, event);
		break;
	case ENGINE_TIME:
		break;
	}
	pass(s, now_ms);
}

static bool next_refused(struct server *s, struct engine_command *ret)
{
	static const struct engine_facts unknown = {.confirmed = -1,
		.pending = -1, .can_revert = -1, .can_resume = -1,
		.can_prove = -1};
	static const struct engine_failure failure = {.code = -ENOMEM,
		.step = "offer"};

	if (!s->refused_count)
		return false;
	ret->type = ENGINE_CMD_RESULT;
	ret->result.job = s->refused[--s->refused_count];
	ret->result.outcome = ENGINE_FAILED;
	ret->result.facts = &unknown;
	ret->result.failure = &failure;
	return true;
}

static int server_next(struct engine *e, int64_t now_ms,
	struct engine_command *ret)
{
	struct server *s = server_of(e);
	bool is;

	drop_shown(s);
	server_look(s, now_ms);
	*ret = (struct engine_command){0};
	is = next_refused(s, ret) ||
		server_next_peer_report(s, now_ms, ret) ||
		server_next_offer_report(s, ret) || server_next_need(s, ret) ||
		server_next_tx(s, now_ms, ret);
	return is;
}

static int64_t server_deadline(const struct engine *e)
{
	const struct server *s = (const struct server *)(const void *)e;
	int64_t at = server_wake_first(s);

	return s->up ? server_sooner(at, s->look_ms) : at;
}

static uint32_t server_wants_airtime(const struct engine *e)
{
	return ((const struct server *)(const void *)e)->wanted_us;
}

static const char *const channels[ZIGBEE_OTA_CHANNELS] = {
	"profile=0x0104 cluster=0x0019 endpoint=1 role=server",
	"profile=0x0104 cluster=0x0000 endpoint=1 role=client",
	"profile=0x0104 cluster=0x0020 endpoint=1 role=client",
};

/* As server_peers.c tells them. */
static const char *const attributes[] = {"manufacturer", "image_type",
	"file_version", "hw_version", "model", "manufacturer_name", "sw_build",
	NULL};

const struct engine_ops zigbee_ota_engine_ops = {
	.name = "zigbee-ota",
	.network = true,
	.channels = channels,
	.channel_count = ZIGBEE_OTA_CHANNELS,
	.create = server_create,
	.class_options = check_class_options,
	.class_check = zigbee_ota_class_check,
	.attributes = attributes,
	.destroy = server_destroy,
	.event = server_event,
	.next = server_next,
	.deadline = server_deadline,
	.wants_airtime = server_wants_airtime,
};

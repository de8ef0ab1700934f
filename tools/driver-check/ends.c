/* Checks of loss, stop, re-entrancy and tables of other versions. */
#include "tools/driver-check/check.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static enum outcome peer_lost(struct scene *s)
{
	unsigned i;

	APPLIES(s->bench->kind->lose);
	NEED(s, scene_up(s) && scene_link(s));
	if (s->bench->kind->hold)
		s->bench->kind->hold(s->bench, true);
	if (s->bench->kind->stall)
		s->bench->kind->stall(s->bench, true);
	for (i = 0; i < s->window; i++)
		NEED(s, scene_send(s, i, s->payload, FERRY_SENT) == 0);
	rig_settle(&s->rig);
	s->bench->kind->lose(s->bench);
	RIG_UNTIL(&s->rig, 8000, s->rig.downs);
	/* A link of any peer goes down with its instance only. */
	NEED(s, s->rig.downs == 1);
	NEED(s, s->bench->any_peer || s->rig.down_link == s->link);
	for (i = 0; i < s->window; i++)
		NEED(s, s->q[i].count == 1);
	rig_settle(&s->rig);
	NEED(s, s->rig.downs == 1);
	return CHECK_OK;
}

static enum outcome last_message_arrives(struct scene *s)
{
	APPLIES(s->bench->kind->say_and_lose);
	NEED(s, scene_up(s) && scene_link(s));
	NEED(s, s->bench->kind->say_and_lose(s->bench, bytes_of_text("bye")) ==
			0);
	RIG_UNTIL(&s->rig, 8000, s->rig.downs);
	NEED(s, bytes_is_text(buf_bytes(&s->rig.in), "bye"));
	return CHECK_OK;
}

static enum outcome comes_back(struct scene *s)
{
	APPLIES(s->bench->kind->lose && s->bench->kind->come_back);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->lose(s->bench);
	RIG_UNTIL(&s->rig, 8000, s->rig.downs);
	NEED(s, s->rig.downs == 1);
	NEED(s, s->bench->kind->come_back(s->bench) == 0);
	NEED(s, scene_link(s));
	NEED(s, scene_send(s, 0, 1, FERRY_TAKEN) == 0 && scene_wait(s, 0));
	NEED(s, s->q[0].result.status == 0);
	return CHECK_OK;
}

static enum outcome device_lost(struct scene *s)
{
	const struct rig_event *last;

	APPLIES(s->bench->kind->lose && s->bench->kind->end_with_device);
	NEED(s, s->bench->kind->end_with_device(s->bench) == 0);
	NEED(s, scene_up(s));
	if (s->stream)
		NEED(s, scene_link(s));
	s->bench->kind->lose(s->bench);
	RIG_UNTIL(&s->rig, 8000, s->rig.instance_downs);
	NEED(s, s->rig.instance_downs == 1);
	rig_settle(&s->rig);
	last = &s->rig.events[s->rig.event_count - 1];
	NEED(s, last->kind == RIG_DOWN && last->link == 0);
	return CHECK_OK;
}

static enum outcome silent_device(struct scene *s)
{
	APPLIES(s->bench->kind->mute);
	NEED(s, s->bench->kind->silent(s->bench) == 0);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->mute(s->bench);
	NEED(s, scene_send(s, 0, 1, FERRY_SENT) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.instance_downs);
	NEED(s, s->rig.instance_downs == 1 && s->rig.downs == 1);
	NEED(s, s->rig.down_status == -ETIMEDOUT);
	NEED(s, s->q[0].count == 1 && s->q[0].result.status < 0);
	return CHECK_OK;
}

static enum outcome stop_with_all(struct scene *s)
{
	unsigned i, n;

	NEED(s, scene_up(s) && scene_link(s));
	if (s->bench->kind->hold)
		s->bench->kind->hold(s->bench, true);
	if (s->bench->kind->stall)
		s->bench->kind->stall(s->bench, true);
	n = s->window + 4;
	for (i = 0; i < n; i++)
		NEED(s, scene_send(s, i, s->payload, FERRY_SENT) == 0);
	rig_request_init(&s->q[n], &s->rig);
	if (transport_driver_table(s->driver)->scan)
		NEED(s, transport_scan(s->rig.t, 60000, NULL, 0, rig_on_done,
				&s->q[n], NULL) == 0);
	NEED(s, rig_close(&s->rig));
	for (i = 0; i < n; i++)
		NEED(s, s->q[i].count == 1);
	if (transport_driver_table(s->driver)->scan)
		NEED(s, s->q[n].result.status == -ECANCELED);
	NEED(s, s->rig.downs == 0 && s->rig.instance_downs == 0);
	return CHECK_OK;
}

static enum outcome destroy_after_failure(struct scene *s)
{
	const struct rig_options raw = {.raw = true, .restart_ms = 1};

	NEED(s, rig_open(&s->rig, s->driver, NULL, 0, &raw) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.instance_downs >= 3 || s->rig.ups);
	APPLIES(!s->rig.ups);
	NEED(s, s->rig.instance_downs >= 3);
	return CHECK_OK;
}

static void act_send(struct rig *r)
{
	struct scene *s = r->hook_arg;

	scene_send(s, 10, 1, FERRY_TAKEN);
}

static void act_disconnect(struct rig *r)
{
	struct scene *s = r->hook_arg;

	rig_request_init(&s->q[10], r);
	transport_disconnect(r->t, s->link, rig_on_done, &s->q[10]);
}

static void act_close(struct rig *r)
{
	struct scene *s = r->hook_arg;

	s->q[10].done = true;
	s->q[10].count = 1;
	transport_close(r->t, NULL, NULL);
	r->t = NULL;
}

static enum outcome re_enter(
	struct scene *s, enum rig_kind from, void (*act)(struct rig *))
{
	NEED(s, scene_up(s) && scene_link(s));
	s->rig.hook_kind = from;
	s->rig.hook_arg = s;
	s->rig.hook = act;
	if (from == RIG_DOWN)
		s->bench->kind->lose(s->bench);
	else
		NEED(s, scene_send(s, 0, 1, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, 10));
	NEED(s, s->q[10].count == 1);
	return CHECK_OK;
}

static enum outcome send_from_done(struct scene *s)
{
	return re_enter(s, RIG_DONE, act_send);
}

static enum outcome disconnect_from_done(struct scene *s)
{
	return re_enter(s, RIG_DONE, act_disconnect);
}

static enum outcome close_from_done(struct scene *s)
{
	return re_enter(s, RIG_DONE, act_close);
}

static enum outcome disconnect_from_message(struct scene *s)
{
	APPLIES(s->bench->kind != &bench_given);
	return re_enter(s, RIG_MESSAGE, act_disconnect);
}

static enum outcome close_from_message(struct scene *s)
{
	APPLIES(s->bench->kind != &bench_given);
	return re_enter(s, RIG_MESSAGE, act_close);
}

static enum outcome disconnect_from_down(struct scene *s)
{
	APPLIES(s->bench->kind->lose && !s->bench->any_peer);
	return re_enter(s, RIG_DOWN, act_disconnect);
}

static enum outcome close_from_down(struct scene *s)
{
	APPLIES(s->bench->kind->lose);
	return re_enter(s, RIG_DOWN, act_close);
}

/* The table as a host sees it that knows other versions of it. */
static enum outcome with_table(struct scene *s, uint32_t size, uint32_t abi)
{
	struct {
		struct ferry_driver table;
		uint8_t more[64];
	} other = {.table = *transport_driver_table(s->driver)};
	struct transport_driver *kept = s->driver;
	enum outcome outcome = CHECK_OK;

	other.table.size = size ? size : sizeof(other);
	other.table.abi = abi;
	if (transport_driver_admit(&other.table, &s->driver, NULL)) {
		s->driver = kept;
		return scene_fail(s, "table is not admitted", __LINE__);
	}
	if (!scene_up(s) || !scene_link(s) || !rig_close(&s->rig))
		outcome = scene_fail(s, "does not come up", __LINE__);
	if (s->rig.t)
		rig_close(&s->rig);
	transport_driver_free(s->driver);
	s->driver = kept;
	return outcome;
}

/* Without what came last nothing else may suffer. A driver that waits by
 * descriptors and timers needs those operations. */
static enum outcome older_table(struct scene *s)
{
	const struct ferry_driver *t = transport_driver_table(s->driver);

	APPLIES(!t->on_opened);
	return with_table(
		s, offsetof(struct ferry_driver, on_opened), FERRY_ABI);
}

static enum outcome newer_table(struct scene *s)
{
	return with_table(s, 0, FERRY_ABI + 1);
}

static enum outcome many_times(struct scene *s)
{
	unsigned i;

	for (i = 0; i < 20; i++) {
		s->rig.ups = 0;
		s->rig.peer_count = 0;
		memset(s->rig.peers, 0, sizeof(s->rig.peers));
		NEED(s, scene_up(s) && scene_link(s));
		NEED(s, rig_close(&s->rig));
	}
	return CHECK_OK;
}

const struct check checks_of_ends[] = {
	{37, "lost peer: sends, then one down", peer_lost},
	{38, "last message before the hang-up arrives", last_message_arrives},
	{39, "linked again after a loss", comes_back},
	{53, "device lost: all settled, link 0 last", device_lost},
	{54, "silent device: same, by the driver's timer", silent_device},
	{55, "stop with everything outstanding", stop_with_all},
	{56, "destroy after a failed start", destroy_after_failure},
	{58, "send from a completion", send_from_done},
	{58, "disconnect from a completion", disconnect_from_done},
	{58, "stop from a completion", close_from_done},
	{58, "disconnect from a message", disconnect_from_message},
	{58, "stop from a message", close_from_message},
	{58, "disconnect from a down", disconnect_from_down},
	{58, "stop from a down", close_from_down},
	{63, "older table", older_table},
	{64, "newer table", newer_table},
	{71, "no descriptor is left after many lives", many_times},
	{0, NULL, NULL},
};

/* Checks of start, peers, scan, connect and disconnect. */
#include "tools/driver-check/check.h"

#include <errno.h>
#include <stdio.h>

static enum outcome start_once(struct scene *s)
{
	NEED(s, scene_up(s));
	rig_settle(&s->rig);
	NEED(s, s->rig.ups == 1);
	NEED(s, transport_link(s->rig.t, 0)->channels[0].window >= 1);
	return CHECK_OK;
}

static const char *required_setting(const struct ferry_driver *t)
{
	uint32_t i;

	for (i = 0; i < t->param_count; i++)
		if ((t->params[i].flags & FERRY_PARAM_REQUIRED) &&
			(t->params[i].scope & FERRY_SCOPE_INSTANCE))
			return t->params[i].name;
	return NULL;
}

static enum outcome start_names_missing(struct scene *s)
{
	const struct rig_options raw = {.raw = true};
	const char *name = required_setting(transport_driver_table(s->driver));

	APPLIES(name);
	NEED(s, rig_open(&s->rig, s->driver, NULL, 0, &raw) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.instance_downs || s->rig.ups);
	NEED(s, s->rig.down_status == -EINVAL);
	NEED(s, strncmp(s->rig.down_text, name, strlen(name)) == 0);
	return CHECK_OK;
}

static enum outcome start_dead_device(struct scene *s)
{
	APPLIES(s->bench->kind->dead);
	NEED(s, s->bench->kind->dead(s->bench) == 0);
	NEED(s, rig_open(&s->rig, s->driver, s->bench->kv, s->bench->kv_count,
			NULL) == 0);
	RIG_UNTIL(&s->rig, 15000, s->rig.instance_downs || s->rig.ups);
	NEED(s, s->rig.ups == 0);
	NEED(s, s->rig.instance_downs == 1 && s->rig.down_status < 0);
	return CHECK_OK;
}

static enum outcome start_cancelled(struct scene *s)
{
	NEED(s, rig_open(&s->rig, s->driver, s->bench->kv, s->bench->kv_count,
			NULL) == 0);
	NEED(s, rig_close(&s->rig));
	NEED(s, s->rig.ups == 0 && s->rig.instance_downs == 0);
	return CHECK_OK;
}

static enum outcome connect_record(struct scene *s)
{
	NEED(s, scene_up(s) && scene_link(s));
	NEED(s, s->payload >= 1 && s->window >= 1);
	NEED(s, transport_link(s->rig.t, s->link) != NULL);
	return CHECK_OK;
}

static enum outcome connect_unknown(struct scene *s)
{
	uint64_t token = 0;

	NEED(s, scene_up(s));
	NEED(s, scene_connect(s, 0, "no-such-peer", 0, &token) == 0);
	RIG_UNTIL(&s->rig, 500, s->q[0].done);
	if (s->q[0].done) {
		NEED(s, s->q[0].result.status == -EHOSTUNREACH);
	} else {
		/* A radio cannot know: it may turn up. */
		transport_cancel(s->rig.t, token);
		NEED(s, scene_wait(s, 0));
		NEED(s, s->q[0].result.status == -ECANCELED);
	}
	rig_settle(&s->rig);
	NEED(s, s->rig.downs == 0);
	return CHECK_OK;
}

static enum outcome connect_missing_setting(struct scene *s)
{
	const struct ferry_driver *t = transport_driver_table(s->driver);
	uint32_t i;

	for (i = 0; i < t->param_count; i++)
		if ((t->params[i].scope & FERRY_SCOPE_CHANNEL) &&
			(t->params[i].flags & FERRY_PARAM_REQUIRED))
			break;
	APPLIES(i < t->param_count);
	NEED(s, scene_raw_up(s));
	s->bench->channel_count = 0;
	NEED(s, scene_connect(s, 0, scene_peer(s), 0, NULL) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -EINVAL);
	NEED(s, s->q[0].key[0]);
	return CHECK_OK;
}

static enum outcome connect_twice(struct scene *s)
{
	NEED(s, scene_up(s) && scene_link(s));
	NEED(s, scene_connect(s, 0, scene_peer(s), 0, NULL) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -EBUSY);
	NEED(s, transport_link(s->rig.t, s->link) != NULL);
	return CHECK_OK;
}

static enum outcome connect_insecure(struct scene *s)
{
	NEED(s, scene_up(s));
	NEED(s, scene_connect(s, 0, scene_peer(s), FERRY_SECURITY_AUTHENTICATED,
			NULL) == 0);
	NEED(s, scene_wait(s, 0));
	APPLIES(s->q[0].result.status != 0);
	NEED(s, s->q[0].result.status == FERRY_SECURITY);
	return CHECK_OK;
}

static enum outcome connect_pends(struct scene *s)
{
	const char *key = NULL;

	APPLIES(s->bench->kind->late_peer);
	NEED(s, scene_up(s));
	NEED(s, s->bench->kind->late_peer(s->bench, &key) == 0);
	rig_settle(&s->rig);
	NEED(s, scene_connect(s, 0, key, 0, NULL) == 0);
	rig_settle(&s->rig);
	NEED(s, !s->q[0].done);
	NEED(s, s->bench->kind->late_comes(s->bench) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == 0);
	return CHECK_OK;
}

static enum outcome connect_cancelled(struct scene *s)
{
	const char *key = NULL;
	uint64_t token = 0;

	APPLIES(s->bench->kind->late_peer);
	NEED(s, scene_up(s));
	NEED(s, s->bench->kind->late_peer(s->bench, &key) == 0);
	rig_settle(&s->rig);
	NEED(s, scene_connect(s, 0, key, 0, &token) == 0);
	rig_settle(&s->rig);
	transport_cancel(s->rig.t, token);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -ECANCELED);
	NEED(s, s->bench->kind->late_comes(s->bench) == 0);
	NEED(s, scene_connect(s, 1, key, 0, NULL) == 0);
	NEED(s, scene_wait(s, 1) && s->q[1].result.status == 0);
	return CHECK_OK;
}

static enum outcome connect_refused(struct scene *s)
{
	APPLIES(s->bench->kind->refusing);
	NEED(s, scene_up(s));
	NEED(s, scene_connect(s, 0, s->bench->kind->refusing, 0, NULL) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status < 0);
	rig_settle(&s->rig);
	NEED(s, s->rig.downs == 0);
	return CHECK_OK;
}

static enum outcome disconnect_sends_first(struct scene *s)
{
	unsigned i, n;

	NEED(s, scene_up(s) && scene_link(s));
	if (s->bench->kind->hold)
		s->bench->kind->hold(s->bench, true);
	if (s->bench->kind->stall)
		s->bench->kind->stall(s->bench, true);
	n = s->window;
	for (i = 0; i < n; i++)
		NEED(s, scene_send(s, i, s->payload, FERRY_TAKEN) == 0);
	NEED(s, scene_disconnect(s, n));
	for (i = 0; i < n; i++) {
		NEED(s, s->q[i].count == 1);
		NEED(s, s->q[i].order < s->q[n].order);
	}
	NEED(s, s->rig.downs == 0);
	return CHECK_OK;
}

static enum outcome disconnect_unknown(struct scene *s)
{
	NEED(s, scene_raw_up(s));
	s->link = 0x123456;
	NEED(s, scene_disconnect(s, 0));
	return CHECK_OK;
}

static enum outcome disconnect_silence(struct scene *s)
{
	NEED(s, scene_up(s) && scene_link(s));
	NEED(s, scene_disconnect(s, 0));
	scene_forget(s);
	if (s->bench->kind->say)
		s->bench->kind->say(s->bench, bytes_of_text("late"));
	rig_settle(&s->rig);
	NEED(s, s->rig.messages == 0);
	return CHECK_OK;
}

/* Asked of the driver itself: the host would refuse first. */
static enum outcome disconnect_refuses_sends(struct scene *s)
{
	NEED(s, scene_raw_up(s) && scene_link(s));
	rig_request_init(&s->q[0], &s->rig);
	NEED(s, transport_disconnect(
			s->rig.t, s->link, rig_on_done, &s->q[0]) == 0);
	NEED(s, scene_send(s, 1, 1, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, 0) && scene_wait(s, 1));
	NEED(s, s->q[0].result.status == 0);
	NEED(s, s->q[1].result.status == -ENOTCONN);
	return CHECK_OK;
}

static enum outcome window_whole_after(struct scene *s)
{
	unsigned i, round;

	NEED(s, scene_up(s));
	for (round = 0; round < 3; round++) {
		NEED(s, scene_link(s));
		if (s->bench->kind->hold)
			s->bench->kind->hold(s->bench, true);
		for (i = 0; i < s->window; i++)
			NEED(s, scene_send(s, i, 1, FERRY_TAKEN) == 0);
		NEED(s, scene_disconnect(s, i));
		for (i = 0; i < s->window; i++)
			NEED(s, s->q[i].result.status != -ENOBUFS);
	}
	return CHECK_OK;
}

static enum outcome reconnect_new_number(struct scene *s)
{
	uint64_t first;

	NEED(s, scene_up(s) && scene_link(s));
	first = s->link;
	NEED(s, scene_disconnect(s, 0));
	NEED(s, scene_link(s));
	NEED(s, s->link != first);
	NEED(s, scene_send(s, 0, 1, FERRY_TAKEN) == 0 && scene_wait(s, 0));
	NEED(s, s->q[0].result.status == 0);
	return CHECK_OK;
}

static enum outcome port_stays_open(struct scene *s)
{
	unsigned openings;

	APPLIES(s->bench->kind->openings);
	NEED(s, scene_up(s) && scene_link(s));
	openings = s->bench->kind->openings(s->bench);
	NEED(s, scene_disconnect(s, 0) && scene_link(s));
	NEED(s, s->bench->kind->openings(s->bench) == openings);
	return CHECK_OK;
}

static enum outcome address_moves(struct scene *s)
{
	const char *key = NULL;

	APPLIES(s->bench->kind->announce_moved);
	NEED(s, scene_up(s));
	NEED(s, s->bench->kind->announce_moved(s->bench, &key) == 0);
	RIG_UNTIL(&s->rig, 8000,
		rig_peer(&s->rig, key) &&
			!strcmp(rig_peer(&s->rig, key)->address, "0x00ff"));
	NEED(s, rig_peer(&s->rig, key)->count >= 2);
	NEED(s, !strcmp(rig_peer(&s->rig, key)->address, "0x00ff"));
	return CHECK_OK;
}

static enum outcome key_upgraded(struct scene *s)
{
	const char *key = NULL;

	APPLIES(s->bench->kind->announce_upgraded);
	NEED(s, scene_up(s));
	NEED(s, s->bench->kind->announce_upgraded(s->bench, &key) == 0);
	RIG_UNTIL(&s->rig, 8000, rig_peer(&s->rig, key));
	NEED(s, rig_peer(&s->rig, key) && rig_peer(&s->rig, key)->was[0]);
	return CHECK_OK;
}

static enum outcome unplug_gone(struct scene *s)
{
	const struct rig_peer *peer;

	APPLIES(s->bench->kind->lose && !s->bench->any_peer);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->lose(s->bench);
	peer = rig_peer(&s->rig, s->bench->peer);
	RIG_UNTIL(&s->rig, 8000, peer->flags & FERRY_PEER_GONE);
	NEED(s, peer->flags & FERRY_PEER_GONE);
	NEED(s, s->rig.downs == 1);
	return CHECK_OK;
}

static enum outcome sleepy_flag(struct scene *s)
{
	const char *key = NULL;

	APPLIES(s->bench->kind->announce_sleepy);
	NEED(s, scene_up(s));
	NEED(s, s->bench->kind->announce_sleepy(s->bench, &key) == 0);
	RIG_UNTIL(&s->rig, 8000, rig_peer(&s->rig, key));
	NEED(s, rig_peer(&s->rig, key) &&
			(rig_peer(&s->rig, key)->flags & FERRY_PEER_SLEEPY));
	return CHECK_OK;
}

static enum outcome scan_ends(struct scene *s)
{
	struct rig_request *q = s->q;
	uint64_t token = 0;

	APPLIES(transport_driver_table(s->driver)->scan);
	NEED(s, scene_raw_up(s));
	rig_request_init(&q[0], &s->rig);
	NEED(s, transport_scan(
			s->rig.t, 30, NULL, 0, rig_on_done, &q[0], NULL) == 0);
	rig_request_init(&q[1], &s->rig);
	NEED(s, transport_scan(
			s->rig.t, 30, NULL, 0, rig_on_done, &q[1], NULL) == 0);
	NEED(s, scene_wait(s, 1) && q[1].result.status == -EBUSY);
	NEED(s, scene_wait(s, 0) && q[0].result.status == 0);
	rig_request_init(&q[2], &s->rig);
	NEED(s, transport_scan(s->rig.t, 60000, NULL, 0, rig_on_done, &q[2],
			&token) == 0);
	transport_cancel(s->rig.t, token);
	NEED(s, scene_wait(s, 2) && q[2].result.status == -ECANCELED);
	return CHECK_OK;
}

static enum outcome stats_answer(struct scene *s)
{
	APPLIES(transport_driver_table(s->driver)->stats);
	NEED(s, scene_up(s));
	rig_request_init(&s->q[0], &s->rig);
	NEED(s, transport_stats(s->rig.t, rig_on_done, &s->q[0]) == 0);
	NEED(s, scene_wait(s, 0) && s->q[0].result.status == 0);
	NEED(s, s->q[0].counter_name[0]);
	return CHECK_OK;
}

static enum outcome set_unknown(struct scene *s)
{
	const struct ferry_kv kv = {"no-such-key", "1"};

	APPLIES(transport_driver_table(s->driver)->set);
	NEED(s, scene_raw_up(s) && scene_link(s));
	rig_request_init(&s->q[0], &s->rig);
	NEED(s, transport_set(s->rig.t, s->link, &kv, 1, 0, rig_on_done,
			&s->q[0], NULL) == 0);
	NEED(s, scene_wait(s, 0));
	APPLIES(s->q[0].result.status != -EOPNOTSUPP);
	NEED(s, s->q[0].result.status == -EINVAL);
	NEED(s, !strcmp(s->q[0].key, "no-such-key"));
	return CHECK_OK;
}

const struct check checks_of_links[] = {
	{1, "start completes once with link 0", start_once},
	{2, "a missing setting is named", start_names_missing},
	{3, "a dead device fails the start", start_dead_device},
	{4, "start is cancelled", start_cancelled},
	{5, "connect gives payload and window", connect_record},
	{6, "an unknown peer", connect_unknown},
	{7, "a missing channel setting is named", connect_missing_setting},
	{8, "already linked", connect_twice},
	{9, "security not reachable", connect_insecure},
	{10, "connect pends until the peer is there", connect_pends},
	{11, "pending connect is cancelled", connect_cancelled},
	{12, "connect refused, no down", connect_refused},
	{32, "disconnect ends sends first", disconnect_sends_first},
	{33, "disconnect of an unknown link", disconnect_unknown},
	{34, "silence after disconnect", disconnect_silence},
	{35, "disconnecting link refuses sends", disconnect_refuses_sends},
	{36, "window is whole after disconnect", window_whole_after},
	{39, "reconnect under a new number", reconnect_new_number},
	{41, "port stays open between links", port_stays_open},
	{42, "address changes, key stays", address_moves},
	{43, "key is upgraded", key_upgraded},
	{44, "unplugged peer is reported gone", unplug_gone},
	{45, "sleepy peer has its flag", sleepy_flag},
	{50, "scan ends, is busy, is cancelled", scan_ends},
	{51, "stats", stats_answer},
	{52, "unknown key in set", set_unknown},
	{0, NULL, NULL},
};

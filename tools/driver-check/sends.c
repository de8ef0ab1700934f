/* Checks of sends, messages and windows. */
#include "tools/driver-check/check.h"

#include <errno.h>

static bool echoes(const struct scene *s)
{
	return s->bench->kind != &bench_given;
}

static enum outcome send_and_hear(struct scene *s)
{
	uint32_t len;

	APPLIES(echoes(s));
	NEED(s, scene_up(s) && scene_link(s));
	len = s->payload > 1024 ? 1024 : s->payload;
	NEED(s, scene_send(s, 0, len, FERRY_TAKEN) == 0);
	NEED(s, scene_hears(s, scene_pattern(s, len)));
	NEED(s, scene_wait(s, 0) && s->q[0].result.status == 0);
	return CHECK_OK;
}

static enum outcome hear_intact(struct scene *s)
{
	APPLIES(s->bench->kind->say);
	NEED(s, scene_up(s) && scene_link(s));
	NEED(s, s->bench->kind->say(s->bench, scene_pattern(s, 90)) == 0);
	NEED(s, scene_hears(s, scene_pattern(s, 90)));
	NEED(s, s->rig.last_link == s->link);
	return CHECK_OK;
}

static enum outcome send_too_long(struct scene *s)
{
	NEED(s, scene_raw_up(s) && scene_link(s));
	NEED(s, scene_send(s, 0, s->payload + 1, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -EMSGSIZE);
	return CHECK_OK;
}

static enum outcome send_empty(struct scene *s)
{
	NEED(s, scene_raw_up(s) && scene_link(s));
	NEED(s, scene_send(s, 0, 0, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -EINVAL);
	return CHECK_OK;
}

static enum outcome send_unknown_link(struct scene *s)
{
	NEED(s, scene_raw_up(s) && scene_link(s));
	s->link += 1;
	NEED(s, scene_send(s, 0, 1, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -ENOTCONN);
	return CHECK_OK;
}

static bool any_peer_link(struct scene *s)
{
	if (scene_connect(s, 90, NULL, 0, NULL) || !scene_wait(s, 90) ||
		s->q[90].result.status)
		return false;
	s->link = s->q[90].result.link;
	return true;
}

static enum outcome send_no_address(struct scene *s)
{
	APPLIES(transport_driver_table(s->driver)->caps & FERRY_CAP_ANY_PEER);
	NEED(s, scene_up(s) && any_peer_link(s));
	NEED(s, rig_send(&s->rig, s->link, bytes_of("x", 1), FERRY_TAKEN,
			&s->q[0]) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -EHOSTUNREACH ||
			s->q[0].result.status == -EINVAL);
	return CHECK_OK;
}

/* Makes sends stay where they are; false when the bench cannot. */
static bool block(struct scene *s, bool on)
{
	if (s->bench->kind->hold)
		s->bench->kind->hold(s->bench, on);
	else if (s->bench->kind->stall)
		s->bench->kind->stall(s->bench, on);
	else
		return false;
	return true;
}

/* Fills a stream's line until its sends do not complete any more, so that the
 * window can fill; datagrams are held one by one. */
static bool fill(struct scene *s, unsigned *ret_count)
{
	unsigned i = 0, open;

	for (;;) {
		for (open = 0; open < i && s->q[open].done; open++)
			;
		if (i - open >= s->window || i == 64)
			break;
		if (scene_send(s, i++, s->payload, FERRY_TAKEN))
			return false;
		rig_settle(&s->rig);
	}
	*ret_count = i;
	return i - open == s->window;
}

static enum outcome window_fills(struct scene *s)
{
	unsigned i, n = 0;

	NEED(s, scene_raw_up(s) && scene_link(s));
	APPLIES(block(s, true));
	NEED(s, fill(s, &n));
	NEED(s, scene_send(s, n, 1, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, n));
	NEED(s, s->q[n].result.status == -ENOBUFS);
	for (i = n - s->window; i < n; i++)
		NEED(s, !s->q[i].done);
	scene_forget(s);
	block(s, false);
	for (i = 0; i < n; i++) {
		NEED(s, scene_wait(s, i));
		NEED(s, s->q[i].count == 1 && s->q[i].result.status == 0);
	}
	return CHECK_OK;
}

static enum outcome cancel_queued(struct scene *s)
{
	const struct transport_send shape = {
		.until = FERRY_TAKEN, .data = {s->block, 1}};
	struct transport_send send = shape;
	uint64_t tokens[FERRY_WINDOW_MAX] = {0};
	unsigned i, n;

	NEED(s, scene_raw_up(s) && scene_link(s));
	APPLIES(s->stream && block(s, true));
	send.link = s->link;
	send.data.len = s->payload;
	n = s->window;
	for (i = 0; i < n; i++) {
		rig_request_init(&s->q[i], &s->rig);
		NEED(s, transport_send(s->rig.t, &send, rig_on_done, &s->q[i],
				&tokens[i]) == 0);
	}
	transport_cancel(s->rig.t, tokens[n - 1]);
	NEED(s, scene_wait(s, n - 1));
	NEED(s, s->q[n - 1].result.status == -ECANCELED);
	NEED(s, s->q[n - 1].result.done == 0);
	return CHECK_OK;
}

/* What `done` counted is what the far end gets; it echoes, so it is counted
 * here again. */
static enum outcome partial_counted(struct scene *s)
{
	const struct transport_send shape = {
		.until = FERRY_TAKEN, .data = {s->block, 1}};
	struct transport_send send = shape;
	uint64_t tokens[FERRY_WINDOW_MAX] = {0}, gone = 0;
	unsigned i, n;

	NEED(s, scene_raw_up(s) && scene_link(s));
	APPLIES(s->stream && block(s, true));
	send.link = s->link;
	send.data.len = s->payload;
	n = s->window;
	for (i = 0; i < n; i++) {
		rig_request_init(&s->q[i], &s->rig);
		NEED(s, transport_send(s->rig.t, &send, rig_on_done, &s->q[i],
				&tokens[i]) == 0);
	}
	for (i = n; i--;)
		transport_cancel(s->rig.t, tokens[i]);
	for (i = 0; i < n; i++) {
		NEED(s, scene_wait(s, i));
		gone += s->q[i].result.done;
	}
	block(s, false);
	RIG_UNTIL(&s->rig, 8000, s->rig.in.len >= gone);
	rig_settle(&s->rig);
	NEED(s, s->rig.in.len == gone);
	return CHECK_OK;
}

static enum outcome cancel_nothing(struct scene *s)
{
	const struct transport_send shape = {
		.until = FERRY_TAKEN, .data = {s->block, 1}};
	struct transport_send send = shape;
	uint64_t token = 0;

	NEED(s, scene_raw_up(s) && scene_link(s));
	send.link = s->link;
	send.to = scene_to(s);
	rig_request_init(&s->q[0], &s->rig);
	NEED(s, transport_send(
			s->rig.t, &send, rig_on_done, &s->q[0], &token) == 0);
	NEED(s, scene_wait(s, 0));
	transport_cancel(s->rig.t, token);
	transport_cancel(s->rig.t, 0);
	transport_cancel(s->rig.t, 0x777777);
	rig_settle(&s->rig);
	NEED(s, s->q[0].count == 1 && s->q[0].result.status == 0);
	return CHECK_OK;
}

static enum outcome cancel_on_air(struct scene *s)
{
	const struct transport_send shape = {
		.until = FERRY_TAKEN, .data = {s->block, 1}};
	struct transport_send send = shape;
	uint64_t token = 0;

	APPLIES(s->bench->kind->hold);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->hold(s->bench, true);
	send.link = s->link;
	send.to = scene_to(s);
	rig_request_init(&s->q[0], &s->rig);
	NEED(s, transport_send(
			s->rig.t, &send, rig_on_done, &s->q[0], &token) == 0);
	rig_settle(&s->rig);
	transport_cancel(s->rig.t, token);
	rig_settle(&s->rig);
	NEED(s, !s->q[0].done || s->q[0].result.status == -ECANCELED);
	s->bench->kind->hold(s->bench, false);
	NEED(s, scene_wait(s, 0) && s->q[0].count == 1);
	return CHECK_OK;
}

static enum outcome level_reported(struct scene *s)
{
	uint32_t best, until;

	NEED(s, scene_up(s) && scene_link(s));
	best = s->q[SCENE_REQUESTS - 1].level;
	for (until = FERRY_TAKEN; until <= best; until++) {
		NEED(s, scene_send(s, until, 1, until) == 0);
		NEED(s, scene_wait(s, until));
		NEED(s, s->q[until].result.status == 0);
		NEED(s, s->q[until].result.level >= until);
		NEED(s, s->q[until].result.level <= best);
	}
	return CHECK_OK;
}

static enum outcome not_delivered(struct scene *s)
{
	APPLIES(s->bench->kind->fail_next);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->fail_next(s->bench, FERRY_NOT_DELIVERED);
	NEED(s, scene_send(s, 0, 1, FERRY_DELIVERED) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == FERRY_NOT_DELIVERED);
	return CHECK_OK;
}

static enum outcome not_now(struct scene *s)
{
	APPLIES(s->bench->kind->fail_next);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->fail_next(s->bench, FERRY_NOT_NOW);
	NEED(s, scene_send(s, 0, 1, FERRY_DELIVERED) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == FERRY_NOT_NOW);
	NEED(s, s->q[0].result.retry_after_ms > 0);
	return CHECK_OK;
}

static enum outcome group_never_delivered(struct scene *s)
{
	const char *key = NULL, *group;

	APPLIES(s->bench->kind->announce_group);
	NEED(s, scene_up(s));
	NEED(s, s->bench->kind->announce_group(s->bench, &key) == 0);
	group = key;
	RIG_UNTIL(&s->rig, 8000, rig_peer(&s->rig, key));
	NEED(s, rig_peer(&s->rig, key) &&
			(rig_peer(&s->rig, key)->flags & FERRY_PEER_GROUP));
	if (s->bench->any_peer)
		key = NULL;
	NEED(s, scene_connect(s, 0, key, 0, NULL) == 0 && scene_wait(s, 0));
	NEED(s, s->q[0].result.status == 0);
	s->link = s->q[0].result.link;
	s->bench->peer = group;
	NEED(s, scene_send(s, 1, 1, FERRY_DELIVERED) == 0);
	NEED(s, scene_wait(s, 1));
	NEED(s, s->q[1].result.status == 0);
	NEED(s, s->q[1].result.level < FERRY_DELIVERED);
	return CHECK_OK;
}

static enum outcome message_before_confirm(struct scene *s)
{
	APPLIES(s->bench->kind->hurry);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->hurry(s->bench);
	NEED(s, scene_send(s, 0, 5, FERRY_DELIVERED) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == 0);
	NEED(s, s->rig.messages == 1);
	return CHECK_OK;
}

static enum outcome payload_changes(struct scene *s)
{
	APPLIES(s->bench->kind->change_payload);
	NEED(s, scene_raw_up(s) && scene_link(s));
	NEED(s, s->bench->kind->change_payload(s->bench, 20) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.changes);
	NEED(s, s->rig.changed.max_payload == 20);
	NEED(s, scene_send(s, 0, 21, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, 0));
	NEED(s, s->q[0].result.status == -EMSGSIZE);
	NEED(s, scene_send(s, 1, 20, FERRY_TAKEN) == 0);
	NEED(s, scene_wait(s, 1) && s->q[1].result.status == 0);
	return CHECK_OK;
}

static enum outcome unknown_sender_named(struct scene *s)
{
	APPLIES(s->bench->kind->say_from);
	NEED(s, scene_up(s) && any_peer_link(s));
	NEED(s, s->bench->kind->say_from(s->bench, s->bench->stranger,
			bytes_of(NULL, 0), false) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.messages);
	NEED(s, !strcmp(s->rig.last_peer, s->bench->stranger));
	return CHECK_OK;
}

static enum outcome reply_comes_back(struct scene *s)
{
	const struct bytes handle = bytes_of("\1\2\3", 3);
	const struct transport_send shape = {
		.until = FERRY_TAKEN, .data = {s->block, 4}, .to = "stranger"};
	struct transport_send send = shape;

	APPLIES(s->bench->kind->answered);
	NEED(s, scene_up(s) && any_peer_link(s));
	NEED(s, s->bench->kind->say_from(s->bench, "stranger", handle, false) ==
			0);
	RIG_UNTIL(&s->rig, 8000, s->rig.messages);
	NEED(s, s->rig.last_reply_len == 3);
	send.link = s->link;
	send.reply = bytes_of(s->rig.last_reply, s->rig.last_reply_len);
	rig_request_init(&s->q[0], &s->rig);
	NEED(s, transport_send(s->rig.t, &send, rig_on_done, &s->q[0], NULL) ==
			0);
	NEED(s, scene_wait(s, 0) && s->q[0].result.status == 0);
	NEED(s, bytes_equal(s->bench->kind->answered(s->bench), handle));
	return CHECK_OK;
}

static enum outcome peer_link_first(struct scene *s)
{
	uint64_t any;

	APPLIES(s->bench->kind->say_from && !s->bench->any_peer);
	NEED(s, scene_up(s) && any_peer_link(s));
	any = s->link;
	NEED(s, scene_link(s));
	NEED(s, s->bench->kind->say_from(s->bench, s->bench->peer,
			bytes_of(NULL, 0), false) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.messages);
	NEED(s, s->rig.last_link == s->link && s->link != any);
	return CHECK_OK;
}

static enum outcome broadcast_flag(struct scene *s)
{
	APPLIES(s->bench->kind->say_from);
	NEED(s, scene_up(s) && any_peer_link(s));
	NEED(s, s->bench->kind->say_from(s->bench, s->bench->stranger,
			bytes_of(NULL, 0), true) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.messages);
	NEED(s, s->rig.last_flags & FERRY_MESSAGE_BROADCAST);
	return CHECK_OK;
}

static enum outcome window_shrinks(struct scene *s)
{
	unsigned i, n;

	APPLIES(s->bench->kind->change_payload && s->bench->kind->hold);
	NEED(s, scene_up(s) && scene_link(s));
	s->bench->kind->hold(s->bench, true);
	n = s->window * 2;
	for (i = 0; i < n; i++)
		NEED(s, scene_send(s, i, 21, FERRY_TAKEN) == 0);
	rig_settle(&s->rig);
	NEED(s, s->bench->kind->change_payload(s->bench, 20) == 0);
	RIG_UNTIL(&s->rig, 8000, s->rig.changes);
	s->bench->kind->hold(s->bench, false);
	for (i = 0; i < n; i++) {
		NEED(s, scene_wait(s, i) && s->q[i].count == 1);
		NEED(s, s->q[i].result.status ==
				(i < s->window ? 0 : -EMSGSIZE));
	}
	return CHECK_OK;
}

const struct check checks_of_sends[] = {
	{13, "send arrives intact", send_and_hear},
	{14, "message arrives intact", hear_intact},
	{16, "send longer than the payload", send_too_long},
	{17, "empty send", send_empty},
	{18, "send on an unknown link", send_unknown_link},
	{19, "send without an address", send_no_address},
	{20, "window fills, one more is refused, all complete", window_fills},
	{23, "cancel of a queued send", cancel_queued},
	{24, "a partial stream send is counted", partial_counted},
	{25, "cancel of unknown, zero, finished", cancel_nothing},
	{26, "cancel of what the radio holds", cancel_on_air},
	{27, "level is reported", level_reported},
	{28, "delivery failure", not_delivered},
	{29, "not now, with a delay", not_now},
	{30, "a group is never delivered", group_never_delivered},
	{31, "message before its confirm", message_before_confirm},
	{40, "payload changes", payload_changes},
	{46, "unknown sender is named", unknown_sender_named},
	{47, "reply handle comes back", reply_comes_back},
	{48, "a peer link goes first", peer_link_first},
	{49, "broadcast flag", broadcast_flag},
	{69, "payload and window shrink under sends", window_shrinks},
	{0, NULL, NULL},
};

#include "devices/zigbee_ota/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRESS_PARTS 128
#define PROGRESS_MS 1000
#define GATHER_MS 500 /* offers that come together are notified together */
#define RESUME_NOTIFY_MS 10000
#define OFFERS_MAX SERVER_PEERS_MAX

/* ---- the table of jobs ---- */

static struct server_offer **bucket(struct server *s, uint64_t job)
{
	uint64_t hash = job * 0x9e3779b97f4a7c15u;

	return &s->job_buckets[(hash >> 40) & (SERVER_BUCKETS - 1)];
}

struct server_offer *server_offer_of(struct server *s, uint64_t job)
{
	struct server_offer *o = *bucket(s, job);

	while (o && o->job != job)
		o = o->in_bucket;
	return o;
}

static void insert(struct server *s, struct server_offer *o)
{
	struct server_offer **at = bucket(s, o->job);

	o->in_bucket = *at;
	*at = o;
	o->prev = s->last;
	if (s->last)
		s->last->next = o;
	else
		s->first = o;
	s->last = o;
	s->offer_count++;
}

static void drop_need(struct server *s, struct server_offer *o)
{
	struct server_offer **at = &s->first_need;
	struct server_offer *before = NULL;

	while (*at && *at != o) {
		before = *at;
		at = &before->next_need;
	}
	if (!*at)
		return;
	*at = o->next_need;
	if (s->last_need == o)
		s->last_need = before;
}

static void drop_report(struct server *s, struct server_offer *o)
{
	struct server_offer **at = &s->first_report;
	struct server_offer *before = NULL;

	while (*at && *at != o) {
		before = *at;
		at = &before->next_report;
	}
	if (!*at)
		return;
	*at = o->next_report;
	if (s->last_report == o)
		s->last_report = before;
}

static void detach(struct server *s, struct server_offer *o)
{
	struct server_peer *p = o->peer;

	if (p->offer != o)
		return;
	server_unload(s, o);
	server_release(s, o);
	server_park(s, o, false);
	p->offer = NULL;
	p->wants &= WANT_ANSWER | WANT_CHECK_IN | WANT_BASIC;
	server_peer_quirks(s, p);
}

void server_offer_over(struct server *s, struct server_offer *o)
{
	struct server_offer **at = bucket(s, o->job);

	detach(s, o);
	server_release(s, o);
	server_park(s, o, false);
	if (o->in_reports)
		drop_report(s, o);
	if (o->in_needs)
		drop_need(s, o);
	while (*at != o)
		at = &(*at)->in_bucket;
	*at = o->in_bucket;
	if (o->prev)
		o->prev->next = o->next;
	else
		s->first = o->next;
	if (o->next)
		o->next->prev = o->prev;
	else
		s->last = o->prev;
	s->offer_count--;
	if (s->shown == o)
		s->shown = NULL;
	o->peer->offers--;
	server_peer_settle(s, o->peer);
	server_class_options_done(&o->options);
	free(o->head);
	free(o);
}

void server_offers_done(struct server *s)
{
	while (s->first)
		server_offer_over(s, s->first);
}

/* ---- reports ---- */

void server_report(struct server *s, struct server_offer *o)
{
	if (o->in_reports)
		return;
	o->in_reports = true;
	o->next_report = NULL;
	if (s->last_report)
		s->last_report->next_report = o;
	else
		s->first_report = o;
	s->last_report = o;
}

void server_set_wait(struct server *s, struct server_offer *o,
	enum engine_wait wait, int64_t until_ms)
{
	o->wait = wait;
	o->wait_until_ms = until_ms;
	if (wait == o->told_wait)
		return;
	o->tell_wait = true;
	server_report(s, o);
}

/* What the device holds: not more often than people can see. */
void server_progress(struct server *s, struct server_offer *o,
	uint32_t offset, int64_t now_ms)
{
	uint32_t part = o->file.size / PROGRESS_PARTS;
	uint32_t moved = offset > o->told_progress ?
		offset - o->told_progress : o->told_progress - offset;

	o->progress = offset;
	if (moved == 0 || (moved < part && offset != o->file.size &&
				now_ms - o->progress_ms < PROGRESS_MS))
		return;
	o->told_progress = offset;
	o->progress_ms = now_ms;
	o->tell_progress = true;
	server_report(s, o);
}

static void show_result(struct server *s, struct server_offer *o,
	struct engine_command *ret)
{
	o->tell_result = false;
	server_fill_facts(o->peer, &s->facts);
	ret->type = ENGINE_CMD_RESULT;
	ret->result.job = o->job;
	ret->result.outcome = o->outcome;
	ret->result.facts = &s->facts;
	ret->result.failure = o->outcome == ENGINE_FAILED ||
		o->outcome == ENGINE_UNVERIFIED ? &o->failure : NULL;
	s->shown = o;
}

static void show(struct server *s, struct server_offer *o,
	struct engine_command *ret)
{
	if (o->tell_wait) {
		o->tell_wait = false;
		o->told_wait = o->wait;
		ret->type = ENGINE_CMD_WAIT;
		ret->wait.job = o->job;
		ret->wait.wait = o->wait;
		ret->wait.until_ms = o->wait_until_ms;
	} else if (o->tell_progress) {
		o->tell_progress = false;
		ret->type = ENGINE_CMD_PROGRESS;
		ret->progress.job = o->job;
		ret->progress.offset = o->told_progress;
		ret->progress.total = o->file.size;
	} else if (o->tell_stage) {
		o->tell_stage = false;
		server_fill_facts(o->peer, &s->facts);
		ret->type = ENGINE_CMD_STAGE;
		ret->stage.job = o->job;
		ret->stage.stage = o->stage;
		ret->stage.facts = &s->facts;
	} else {
		show_result(s, o, ret);
	}
}

bool server_next_offer_report(struct server *s, struct engine_command *ret)
{
	struct server_offer *o = s->first_report;

	if (!o)
		return false;
	show(s, o, ret);
	if (o->tell_wait || o->tell_progress || o->tell_stage || o->tell_result)
		return true;
	s->first_report = o->next_report;
	if (!s->first_report)
		s->last_report = NULL;
	o->in_reports = false;
	return true;
}

/* ---- the end ---- */

void server_end(struct server *s, struct server_offer *o,
	enum engine_outcome outcome, int64_t now_ms)
{
	struct server_peer *p = o->peer;
	bool mine = p->offer == o;

	if (o->phase == PHASE_OVER)
		return;
	if (mine && o->page.on)
		p->wants &= ~(unsigned)WANT_PAGE;
	o->phase = PHASE_OVER;
	o->outcome = outcome;
	o->tell_wait = false;
	o->tell_stage = false;
	o->tell_result = true;
	server_report(s, o);
	detach(s, o);
	s->look = true;
	if (!mine)
		return;
	if (p->fast_poll) {
		p->fast_poll = false;
		server_want(s, p, WANT_STOP, now_ms);
	}
	/* What was about to be answered may not be right any more: it is
	 * judged anew before the event has ended. */
	if (p->ask.state == ASK_READY && (p->ask.answer == ANSWER_BLOCK ||
				p->ask.answer == ANSWER_END ||
				p->ask.answer == ANSWER_QUERY)) {
		p->ask.state = ASK_HELD;
		server_unwant(s, p, WANT_ANSWER, now_ms);
	}
	if (p->ask.state == ASK_HELD)
		server_wake(s, p, now_ms);
	/* What is on its way is not repeated in the name of another offer. */
	if (p->ask.state == ASK_SENT)
		p->ask.state = ASK_OVER;
	server_queue(s, p, now_ms);
}

void server_fail(struct server *s, struct server_offer *o, int code,
	const char *step, int64_t now_ms, const char *hint, ...)
{
	va_list args;

	o->failure = (struct engine_failure){
		.code = code,
		.step = step,
		.offset = o->progress,
	};
	va_start(args, hint);
	vsnprintf(o->failure.hint, sizeof(o->failure.hint), hint, args);
	va_end(args);
	server_end(s, o, ENGINE_FAILED, now_ms);
}

/* ---- bytes that are needed ---- */

/* Who needs bytes of its image, but for the first of a block. */
static void need(struct server *s, struct server_offer *o)
{
	if (o->in_needs)
		return;
	o->in_needs = true;
	o->next_need = NULL;
	if (s->last_need)
		s->last_need->next_need = o;
	else
		s->first_need = o;
	s->last_need = o;
}

static struct server_offer *take_need(struct server *s)
{
	struct server_offer *o = s->first_need;

	if (!o)
		return NULL;
	s->first_need = o->next_need;
	if (!s->first_need)
		s->last_need = NULL;
	o->in_needs = false;
	return o;
}

bool server_next_need(struct server *s, struct engine_command *ret)
{
	struct server_offer *o;

	while ((o = take_need(s)) != NULL) {
		const struct server_load *l = &o->load;

		ret->need_image.job = o->job;
		if (o->phase == PHASE_HEADER && o->head && !o->head_asked) {
			o->head_asked = true;
			ret->need_image.offset = o->head_got;
			ret->need_image.len = o->head_len - o->head_got;
		} else if (l->asked && !l->ready && l->got) {
			ret->need_image.offset = o->file.at + l->offset +
				l->got;
			ret->need_image.len = (size_t)l->len - l->got;
		} else {
			continue;
		}
		ret->type = ENGINE_CMD_NEED_IMAGE;
		return true;
	}
	return false;
}

/* ---- the beginning ---- */

static void begin_head(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	o->head_len = o->image_len < OTA_FILE_PREFIX ? (size_t)o->image_len :
		OTA_FILE_PREFIX;
	o->head = malloc(o->head_len ? o->head_len : 1);
	if (!o->head)
		server_fail(s, o, -ENOMEM, "offer", now_ms, "%s", "");
	else
		need(s, o);
}

/* An inventory: the newest of what the device itself has told counts. One that
 * sleeps cannot be asked: what it said last is as new as it gets. */
static void begin_inventory(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;

	o->phase = PHASE_OPEN;
	if (p->sleepy && p->has_version) {
		server_end(s, o, ENGINE_DONE, now_ms);
		return;
	}
	o->read_ms = now_ms;
	o->notify_ms = ENGINE_NEVER;
	if (p->sleepy)
		server_set_wait(s, o, ENGINE_WAIT_WAKE, ENGINE_NEVER);
}

/* What an image needs at least; the file tells the rest. */
static int take_image(struct server_offer *o, const struct engine_image *image)
{
	if (!image || image->len < OTA_FILE_HEADER_MIN ||
			!memchr(image->version, 0, sizeof(image->version)))
		return ERR_OTA_FILE_SIZE;
	o->image_len = image->len;
	o->has_expect = !ota_version_read(image->version, &o->expect);
	return 0;
}

/* One offer a peer. The same job again is a fresh run of it. */
static void make_room(struct server *s, struct server_offer *o, int64_t now_ms)
{
	struct server_offer *before = o->peer->offer;

	if (!before)
		return;
	if (before->goal == ENGINE_GOAL_INVENTORY)
		server_end(s, before, ENGINE_WITHDRAWN, now_ms);
	else if (o->goal == ENGINE_GOAL_INVENTORY && o->peer->has_version)
		server_end(s, o, ENGINE_DONE, now_ms);
	else
		server_fail(s, o, -EBUSY, "offer", now_ms,
			"another job of this device is open");
}

static void begin(struct server *s, struct server_offer *o,
	const struct engine_event *e, int64_t now_ms)
{
	struct server_peer *p = o->peer;
	int err = 0;

	make_room(s, o, now_ms);
	if (o->phase == PHASE_OVER)
		return;
	p->offer = o;
	server_peer_quirks(s, p);
	if (o->goal == ENGINE_GOAL_INVENTORY) {
		begin_inventory(s, o, now_ms);
		return;
	}
	err = take_image(o, e->offer.image);
	if (err)
		server_fail(s, o, err, "offer", now_ms,
			"an image has a version and a header");
	else
		begin_head(s, o, now_ms);
}

void server_offer(struct server *s, const struct engine_event *e,
	int64_t now_ms)
{
	struct bytes key = bytes_of_text(e->offer.peer);
	struct server_offer *before = server_offer_of(s, e->offer.job);
	struct server_peer *p;
	struct server_offer *o;
	struct fault f = {0};
	int err;

	/* A fresh run of the job: what was granted before is not any more. */
	if (before) {
		server_end(s, before, ENGINE_WITHDRAWN, now_ms);
		server_offer_over(s, before);
	}
	p = s->offer_count < OFFERS_MAX ? server_peer(s, key, true) : NULL;
	o = p ? calloc(1, sizeof(*o)) : NULL;
	if (!o) {
		if (s->refused_count < SERVER_REFUSED_MAX)
			s->refused[s->refused_count++] = e->offer.job;
		return;
	}
	o->peer = p;
	o->job = e->offer.job;
	o->goal = e->offer.goal;
	o->phase = PHASE_HEADER;
	o->reached = e->offer.reached;
	o->failed = e->offer.failed;
	o->return_ms = e->offer.return_ms;
	o->allow_downgrade = e->offer.allow_downgrade;
	o->call_until_ms = o->parked_until_ms = o->broadcast_ms = INT64_MIN;
	o->asked_ms = INT64_MIN;
	o->notify_ms = o->read_ms = o->return_at_ms = ENGINE_NEVER;
	o->heard_ms = now_ms;
	o->age = ++s->offers_made;
	insert(s, o);
	p->offers++;
	server_peer_settle(s, p);
	err = server_class_options_read(e->offer.options, &o->options, &f);
	if (err)
		server_fail(s, o, err, "offer", now_ms, "%s %s", f.field,
			f.rule);
	else
		begin(s, o, e, now_ms);
	server_rearm(s, p, now_ms);
}

/* ---- the image ---- */

/* Where an earlier run of the job left off decides how it begins. */
static void open_offer(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;

	o->phase = PHASE_OPEN;
	o->notify_ms = now_ms + GATHER_MS;
	if (o->reached >= ENGINE_STAGE_TRANSFER) {
		o->notify_ms = now_ms + RESUME_NOTIFY_MS;
		o->read_ms = now_ms;
	}
	if (o->reached >= ENGINE_STAGE_RESTART) {
		o->notify_ms = ENGINE_NEVER;
		server_prove_begin(s, o, now_ms);
		o->read_ms = now_ms;
	}
	if (p->sleepy || !(p->known || p->heard))
		server_set_wait(s, o, ENGINE_WAIT_WAKE, ENGINE_NEVER);
	if (server_choose_key(p)) {
		server_peer_quirks(s, p);
		server_tell_peer(s, p, now_ms);
		server_tell_facts(s, p, now_ms);
	}
	server_take_up_end(s, o, now_ms);
	server_judge(s, p, now_ms);
	s->look = true;
}

static void read_head(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct fault f = {0};
	int err = ota_file_find(bytes_of(o->head, o->head_len), o->image_len,
		&o->file, &f);

	free(o->head);
	o->head = NULL;
	if (err) {
		server_fail(s, o, err, "offer", now_ms, "%s %s", f.field,
			f.rule);
		return;
	}
	if (!o->has_expect)
		o->expect = o->file.key.version;
	o->has_expect = true;
	open_offer(s, o, now_ms);
}

static void take_head(struct server *s, struct server_offer *o,
	struct bytes data, int64_t now_ms)
{
	size_t left = o->head_len - o->head_got;

	o->head_asked = false;
	if (data.len > left)
		data.len = left;
	memcpy(o->head + o->head_got, data.at, data.len);
	o->head_got += data.len;
	if (o->head_got == o->head_len)
		read_head(s, o, now_ms);
	else
		need(s, o);
}

static void take_block(struct server *s, struct server_offer *o,
	struct bytes data, int64_t now_ms)
{
	struct server_load *l = &o->load;
	size_t left = (size_t)l->len - l->got;

	if (data.len > left)
		data.len = left;
	memcpy(l->data + l->got, data.at, data.len);
	l->got = (uint8_t)(l->got + data.len);
	l->ready = l->got == l->len;
	if (l->ready)
		server_queue(s, o->peer, now_ms);
	else
		need(s, o);
}

void server_image(struct server *s, const struct engine_event *e,
	int64_t now_ms)
{
	struct server_offer *o = server_offer_of(s, e->image.job);
	bool head = o && o->phase == PHASE_HEADER && o->head_asked &&
		e->image.offset == o->head_got;
	bool block = o && o->peer->offer == o && o->load.asked &&
		!o->load.ready &&
		e->image.offset == o->file.at + o->load.offset + o->load.got;

	if (!head && !block)
		return;
	if (e->image.status || e->image.data.len == 0) {
		server_fail(s, o, e->image.status ? e->image.status :
			ERR_OTA_FILE_SIZE, "image", now_ms, "%s", "");
		return;
	}
	if (head)
		take_head(s, o, e->image.data, now_ms);
	else
		take_block(s, o, e->image.data, now_ms);
	server_rearm(s, o->peer, now_ms);
}

/* ---- stages ---- */

bool server_stage(struct server *s, struct server_offer *o,
	enum engine_stage stage)
{
	if (o->granted & 1u << stage)
		return true;
	if (o->stage_open)
		return false;
	o->stage = stage;
	o->stage_open = true;
	o->tell_stage = true;
	server_report(s, o);
	return false;
}

/* The transfer may begin: answer who waits for it, or call it again. A device
 * that was let go by an earlier run and downloads again did not restart. */
static void go_transfer(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	if (o->phase == PHASE_OPEN || o->phase == PHASE_PROVE)
		o->phase = PHASE_TRANSFER;
	o->heard_ms = now_ms;
	if (o->peer->ask.state == ASK_HELD) {
		server_judge(s, o->peer, now_ms);
	} else {
		o->unheard = true;
		o->notify_ms = now_ms;
		s->look = true;
	}
}

/* STAGED, ACTIVATE and RESTART follow one another; at the end the device may be
 * told, also when it has been sent off to wait. */
static void go_finish(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;

	if (!server_stage(s, o, ENGINE_STAGE_ACTIVATE) ||
			!server_stage(s, o, ENGINE_STAGE_RESTART))
		return;
	if (p->ask.state == ASK_HELD && p->ask.r.command == OTA_END_REQUEST)
		server_judge(s, p, now_ms);
	else
		server_want(s, p, WANT_END, now_ms);
}

void server_go(struct server *s, const struct engine_event *e, int64_t now_ms)
{
	struct server_offer *o = server_offer_of(s, e->go.job);

	if (!o || o->phase == PHASE_OVER || !o->stage_open ||
			o->stage != e->go.stage)
		return;
	o->stage_open = false;
	o->granted |= 1u << o->stage;
	switch (o->stage) {
	case ENGINE_STAGE_TRANSFER:
		go_transfer(s, o, now_ms);
		break;
	case ENGINE_STAGE_STAGED:
	case ENGINE_STAGE_ACTIVATE:
	case ENGINE_STAGE_RESTART:
		go_finish(s, o, now_ms);
		break;
	case ENGINE_STAGE_CONFIRM:
		break;
	}
	server_rearm(s, o->peer, now_ms);
}

/* Every moment is a safe one: the device keeps what it has, and one that was let
 * go restarts whether or not somebody looks. */
void server_withdraw(struct server *s, const struct engine_event *e,
	int64_t now_ms)
{
	struct server_offer *o = server_offer_of(s, e->withdraw.job);

	if (!o || o->phase == PHASE_OVER)
		return;
	server_end(s, o, ENGINE_WITHDRAWN, now_ms);
	server_rearm(s, o->peer, now_ms);
}

/* ---- time ---- */

/* When a silent device has given up, by what it has. */
static int64_t idle_until(const struct server_offer *o)
{
	const struct quirks *q = &o->peer->quirks;
	uint32_t s = o->has_all ? q->finish_s : q->idle_s;

	return o->heard_ms + (int64_t)s * 1000;
}

int64_t server_offer_due(const struct server *s, const struct server_offer *o)
{
	int64_t at = o->read_ms;

	if (!s->up || o->phase == PHASE_HEADER || o->phase == PHASE_OVER)
		return ENGINE_NEVER;
	if (o->called)
		at = server_sooner(at, server_sooner(o->call_until_ms,
			o->notify_ms));
	if (o->phase == PHASE_PROVE)
		return server_sooner(at, server_prove_due(o));
	if (o->phase == PHASE_TRANSFER && o->asked)
		at = server_sooner(at, idle_until(o));
	if (o->has_place && !o->called)
		at = server_sooner(at, o->heard_ms + SERVER_PLACE_IDLE_MS);
	return at;
}

static void gone_silent(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;

	/* A child that slept since it might begin has tried nothing: the offer
	 * is made anew, and others may use its turn. */
	if (o->unheard && p->sleepy) {
		server_end(s, o, ENGINE_WITHDRAWN, now_ms);
	} else if (o->has_all && p->quirks.no_end) {
		server_prove_silent(s, o, now_ms);
	} else if (o->has_all) {
		server_fail(s, o, ERR_ZIGBEE_SILENT, "finish", now_ms,
			"it has the whole image and did not say so in %u s",
			p->quirks.finish_s);
	} else {
		server_fail(s, o, ERR_ZIGBEE_SILENT, "transfer", now_ms,
			"nothing was heard in %u s", p->quirks.idle_s);
	}
}

void server_offer_tick(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;

	if (o->phase == PHASE_HEADER || o->phase == PHASE_OVER || !s->up)
		return;
	if (o->called && now_ms >= o->call_until_ms) {
		o->called = false;
		server_release(s, o);
	} else if (o->called && now_ms >= o->notify_ms) {
		o->notify_ms = ENGINE_NEVER;
		server_want(s, p, WANT_NOTIFY, now_ms);
	}
	if (o->has_place && !o->called &&
			now_ms >= o->heard_ms + SERVER_PLACE_IDLE_MS)
		server_release(s, o);
	if (o->phase == PHASE_TRANSFER && o->asked &&
			now_ms >= idle_until(o)) {
		gone_silent(s, o, now_ms);
		return;
	}
	server_prove_tick(s, o, now_ms);
}

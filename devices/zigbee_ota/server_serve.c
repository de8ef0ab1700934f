#include "devices/zigbee_ota/server.h"

#include <stdio.h>

#define HELD_MS 2000     /* before a query or block is put off */
#define HELD_MAX_MS 10000 /* what waited longer is asked anew */
#define HELD_END_MS 1000 /* before a device is told to wait with its upgrade */
#define AIR_WAIT_MS 2000 /* a block waits so long for airtime */
#define AIR_WAIT_S 2
#define AIR_WAIT_SPREAD 4
#define GRACE_WAIT_S 5
#define PARKED_SHORT_S 5
#define PARKED_RATE 5 /* of all that were sent away, so many ask in a second */
#define PARKED_FIRST_S 10 /* while nobody can tell for how long */
#define SENT_MAX_MS 3000 /* a completion that takes longer says nothing */
#define RATE 50          /* requests a second and peer */
#define BURST 30
#define BURST_MS 600 /* until all of it may be used again */
#define TOKEN 1000u
#define BLOCK_HEAD 17u
#define NOTIFY_AGAIN_MS 30000

/* What to answer; HOLD: it is not known yet. */
struct verdict {
	bool hold;
	enum server_answer answer;
	uint8_t status;
	uint32_t seconds;
};

static const struct verdict hold = {.hold = true};

static struct verdict say(enum server_answer answer, uint8_t status)
{
	return (struct verdict){.answer = answer, .status = status};
}

static struct verdict say_wait(enum server_answer answer, uint32_t seconds)
{
	return (struct verdict){.answer = answer, .seconds = seconds};
}

/* ---- what fits ---- */

static bool fits(uint16_t said, uint16_t of_file, uint16_t any, int overruled)
{
	return said == of_file || said == any || of_file == any ||
		(overruled >= 0 && said == overruled);
}

static bool key_fits(const struct server_peer *p, const struct ota_key *key)
{
	const struct server_offer *o = p->offer;

	if (p->quirks.any_key)
		return true;
	return fits(key->manufacturer, o->file.key.manufacturer,
			OTA_ANY_MANUFACTURER, o->options.manufacturer) &&
		fits(key->type, o->file.key.type, OTA_ANY_TYPE,
			o->options.type) &&
		(key->version == o->file.key.version ||
			key->version == OTA_ANY_VERSION);
}

uint8_t server_block_len(const struct server *s, const struct server_peer *p,
	uint32_t offset, uint8_t max_data, uint32_t end)
{
	const struct server_offer *o = p->offer;
	const struct quirks *q = &p->quirks;
	struct quirks preset;
	uint32_t cap;

	quirks_init(&preset);
	cap = o->options.block ? (uint32_t)o->options.block :
		q->block_max != preset.block_max ? q->block_max :
		(uint32_t)s->options.block;
	if (o->fallback && cap > q->block_fallback)
		cap = q->block_fallback;
	if (cap < q->block_min)
		cap = q->block_min;
	if (s->max_payload > BLOCK_HEAD && cap > s->max_payload - BLOCK_HEAD)
		cap = (uint32_t)(s->max_payload - BLOCK_HEAD);
	if (cap > SERVER_BLOCK_MAX)
		cap = SERVER_BLOCK_MAX;
	if (cap > max_data)
		cap = max_data;
	if (end > o->file.size)
		end = o->file.size;
	return (uint8_t)(cap < end - offset ? cap : end - offset);
}

/* ---- verdicts ---- */

/* Many that are sent away must not fill the channel with asking. */
static uint32_t parked_least_s(const struct server *s,
	const struct server_peer *p)
{
	size_t least = s->parked / PARKED_RATE;

	if (least > p->quirks.wait_s)
		least = p->quirks.wait_s;
	return least > PARKED_SHORT_S ? (uint32_t)least : PARKED_SHORT_S;
}

/* Others are being served: come back when one of them will be through. Who was
 * sent away before is sent away for less. */
static struct verdict put_off(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	uint32_t seconds = o->peer->quirks.wait_s / (1 + o->parks);
	int64_t free_ms = server_place_in(s, now_ms);
	int64_t free_s = free_ms == ENGINE_NEVER ? PARKED_FIRST_S :
		free_ms / 1000 + 1;
	uint32_t least;

	server_park(s, o, true);
	least = parked_least_s(s, o->peer);
	if (free_s < seconds)
		seconds = (uint32_t)free_s;
	if (seconds < least)
		seconds = least;
	o->parks++;
	o->parked_until_ms = now_ms + (int64_t)seconds * 1000;
	o->heard_ms = o->parked_until_ms;
	server_set_wait(s, o, ENGINE_WAIT_TURN, o->parked_until_ms);
	return say_wait(ANSWER_WAIT, seconds);
}

static struct verdict withhold(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	o->notify_ms = o->stage_open || o->phase == PHASE_HEADER ?
		ENGINE_NEVER : now_ms;
	s->look = true;
	return say(ANSWER_QUERY, ZCL_NO_IMAGE_AVAILABLE);
}

static struct verdict judge_query(struct server *s, struct server_peer *p,
	bool late, int64_t now_ms)
{
	struct server_offer *o = p->offer;
	bool place;

	if (!server_is_update(o))
		return say(ANSWER_QUERY, ZCL_NO_IMAGE_AVAILABLE);
	if (o->phase == PHASE_HEADER)
		return late ? withhold(s, o, now_ms) : hold;
	if (server_is_other_image(p, &p->ask.r.key))
		return say(ANSWER_QUERY, ZCL_NO_IMAGE_AVAILABLE);
	if (server_may_have_both(p)) {
		if (o->phase == PHASE_OPEN) {
			server_release(s, o);
			server_set_wait(s, o, ENGINE_WAIT_WAKE, ENGINE_NEVER);
		}
		return say(ANSWER_QUERY, ZCL_NO_IMAGE_AVAILABLE);
	}
	if (o->phase == PHASE_PROVE || !server_suits(s, o, now_ms))
		return say(ANSWER_QUERY, ZCL_NO_IMAGE_AVAILABLE);
	place = server_admit(s, o, now_ms);
	if (!place && !p->quirks.honours_wait)
		return withhold(s, o, now_ms);
	if (place && !server_stage(s, o, ENGINE_STAGE_TRANSFER))
		return late ? withhold(s, o, now_ms) : hold;
	return say(ANSWER_QUERY, ZCL_SUCCESS);
}

/* No offer is open. Just after a start there may soon be one: the device shall
 * not give up what it has. */
static struct verdict judge_stranger(struct server *s, struct server_peer *p,
	bool block, int64_t now_ms)
{
	bool grace = now_ms - s->up_ms < (int64_t)s->options.grace_s * 1000;

	if (!block)
		return grace ? say_wait(ANSWER_END, UINT32_MAX) :
			say(ANSWER_DEFAULT, ZCL_ABORT);
	if (!grace)
		return say(ANSWER_STATUS, ZCL_ABORT);
	/* Silence makes it ask again, where waiting is not understood. */
	return p->quirks.honours_wait ? say_wait(ANSWER_WAIT, GRACE_WAIT_S) :
		hold;
}

static struct verdict judge_block(struct server *s, struct server_peer *p,
	bool late, int64_t now_ms)
{
	const struct ota_request *r = &p->ask.r;
	struct server_offer *o = p->offer;
	bool waits = p->quirks.honours_wait;

	if (!server_is_update(o))
		return judge_stranger(s, p, true, now_ms);
	if (o->phase == PHASE_HEADER)
		return late && waits ? say_wait(ANSWER_WAIT, GRACE_WAIT_S) :
			hold;
	if (!key_fits(p, &r->key))
		return say(ANSWER_STATUS, ZCL_ABORT);
	if (r->max_data == 0 || (r->command == OTA_PAGE_REQUEST &&
				r->page_size == 0))
		return say(ANSWER_DEFAULT, ZCL_INVALID_FIELD);
	if (r->offset >= o->file.size)
		return say(ANSWER_STATUS, ZCL_MALFORMED_COMMAND);
	switch (server_suits_unasked(s, o, now_ms)) {
	case SUIT_YES:
		break;
	case SUIT_UNKNOWN:
		return late && waits ? say_wait(ANSWER_WAIT, GRACE_WAIT_S) :
			hold;
	case SUIT_NO:
	case SUIT_SILENT:
		return say(ANSWER_STATUS, ZCL_ABORT);
	}
	/* A device that cannot wait would lose what it has. */
	if (o->phase < PHASE_FINISH && !server_admit(s, o, now_ms) && waits)
		return put_off(s, o, now_ms);
	if (!server_stage(s, o, ENGINE_STAGE_TRANSFER))
		return late && waits ? say_wait(ANSWER_WAIT, GRACE_WAIT_S) :
			hold;
	return say(ANSWER_BLOCK, ZCL_SUCCESS);
}

static struct verdict judge_page(struct server *s, struct server_peer *p,
	bool late, int64_t now_ms)
{
	if (!p->quirks.pages)
		return say(ANSWER_DEFAULT, ZCL_UNSUP_COMMAND);
	return judge_block(s, p, late, now_ms);
}

void server_gave_up(struct server *s, struct server_offer *o, uint8_t status,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;
	char name[24];
	bool refused = status == ZCL_INVALID_IMAGE ||
		status == ZCL_REQUIRE_MORE_IMAGE;

	o->failed++;
	if (status == ZCL_REQUIRE_MORE_IMAGE)
		server_fail(s, o, ERR_ZIGBEE_REFUSED, "upgrade-end", now_ms,
			"it needs more images than this one");
	else if (refused)
		server_fail(s, o, ERR_ZIGBEE_REFUSED, "upgrade-end", now_ms,
			"is the image made for this model and hardware?");
	else if (o->failed >= p->quirks.attempts_max)
		server_fail(s, o, ERR_ZIGBEE_GAVE_UP, "upgrade-end", now_ms,
			"it gave up near offset %u, the last of %u attempts "
			"that came to nothing", o->told_progress, o->failed);
	else
		server_fail(s, o, ERR_ZIGBEE_ABORTED, "upgrade-end", now_ms,
			"it gave up near offset %u", o->told_progress);
	snprintf(o->failure.device_status, sizeof(o->failure.device_status),
		"status=0x%02x %s", status,
		zcl_status_name(status, name, sizeof(name)));
}

/* Takes the stages in their order, as far as they are granted. */
static bool may_restart(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	if (o->phase != PHASE_FINISH && o->phase != PHASE_PROVE) {
		o->phase = PHASE_FINISH;
		server_progress(s, o, o->file.size, now_ms);
		server_release(s, o);
	}
	server_set_wait(s, o, ENGINE_WAIT_NONE, ENGINE_NEVER);
	return server_stage(s, o, ENGINE_STAGE_STAGED) &&
		server_stage(s, o, ENGINE_STAGE_ACTIVATE) &&
		server_stage(s, o, ENGINE_STAGE_RESTART);
}

static struct verdict judge_end(struct server *s, struct server_peer *p,
	bool late, int64_t now_ms)
{
	const struct ota_request *r = &p->ask.r;
	struct server_offer *o = p->offer;

	if (r->status != ZCL_SUCCESS) {
		/* Of what was offered before, it is late news. */
		if (server_is_update(o) && o->phase != PHASE_HEADER &&
				(o->served || key_fits(p, &r->key)))
			server_gave_up(s, o, r->status, now_ms);
		return say(ANSWER_DEFAULT, ZCL_SUCCESS);
	}
	if (!server_is_update(o))
		return judge_stranger(s, p, false, now_ms);
	/* server_take_up_end() goes on from there. */
	if (o->phase == PHASE_HEADER)
		return late ? say_wait(ANSWER_END, UINT32_MAX) : hold;
	/* Some say nonsense at the end; what counts is what they were served. */
	if (!o->served && !key_fits(p, &r->key))
		return say(ANSWER_DEFAULT, ZCL_ABORT);
	switch (server_suits_unasked(s, o, now_ms)) {
	case SUIT_YES:
		break;
	case SUIT_UNKNOWN:
		return late ? say_wait(ANSWER_END, UINT32_MAX) : hold;
	case SUIT_NO:
	case SUIT_SILENT:
		return say(ANSWER_DEFAULT, ZCL_ABORT);
	}
	if (may_restart(s, o, now_ms)) {
		o->told_to_wait = false;
		return say_wait(ANSWER_END, p->quirks.upgrade_now ? 0 : 1);
	}
	if (late || o->options.wait) {
		o->told_to_wait = true;
		return say_wait(ANSWER_END, UINT32_MAX);
	}
	return hold;
}

void server_take_up_end(struct server *s, struct server_offer *o,
	int64_t now_ms)
{
	struct server_peer *p = o->peer;
	const struct server_ask *a = &p->ask;

	if (a->r.command != OTA_END_REQUEST || a->r.status != ZCL_SUCCESS ||
			a->state == ASK_HELD || a->answer != ANSWER_END ||
			a->seconds != UINT32_MAX || !key_fits(p, &a->r.key) ||
			o->phase != PHASE_OPEN ||
			server_suits_unasked(s, o, now_ms) != SUIT_YES)
		return;
	o->told_to_wait = true;
	if (may_restart(s, o, now_ms))
		server_want(s, p, WANT_END, now_ms);
}

static struct verdict judge(struct server *s, struct server_peer *p, bool late,
	int64_t now_ms)
{
	switch ((enum ota_command)p->ask.r.command) {
	case OTA_QUERY_REQUEST:
		return judge_query(s, p, late, now_ms);
	case OTA_BLOCK_REQUEST:
		return judge_block(s, p, late, now_ms);
	case OTA_PAGE_REQUEST:
		return judge_page(s, p, late, now_ms);
	case OTA_END_REQUEST:
		return judge_end(s, p, late, now_ms);
	case OTA_SPECIFIC_REQUEST:
		return say(ANSWER_SPECIFIC, ZCL_NO_IMAGE_AVAILABLE);
	case OTA_IMAGE_NOTIFY:
	case OTA_QUERY_RESPONSE:
	case OTA_BLOCK_RESPONSE:
	case OTA_END_RESPONSE:
	case OTA_SPECIFIC_RESPONSE:
		break;
	}
	return say(ANSWER_DEFAULT, ZCL_UNSUP_COMMAND);
}

/* ---- pages ---- */

static void begin_page(struct server *s, struct server_peer *p, int64_t now_ms)
{
	const struct server_ask *a = &p->ask;
	struct server_offer *o = p->offer;
	uint32_t left = o->file.size - a->r.offset;

	o->page = (struct server_page){
		.on = true,
		.tsn = a->tsn,
		.max_data = a->r.max_data,
		.reply_len = a->reply_len,
		.spacing_ms = a->r.spacing_ms,
		.key = a->r.key,
		.offset = a->r.offset,
		.end = a->r.offset + (a->r.page_size < left ?
			a->r.page_size : left),
	};
	memcpy(o->page.reply, a->reply, a->reply_len);
	p->ask.state = ASK_OVER;
	server_want(s, p, WANT_PAGE, now_ms);
}

void server_page_next(struct server *s, struct server_peer *p, int64_t now_ms)
{
	struct server_page *page = &p->offer->page;

	if (page->on && page->offset < page->end)
		server_want(s, p, WANT_PAGE, now_ms);
	else
		page->on = false;
}

/* A device that asks for something else does not wait for the page any more. */
static void stop_page(struct server *s, struct server_peer *p, int64_t now_ms)
{
	struct server_offer *o = p->offer;

	if (!o || !o->page.on)
		return;
	o->page.on = false;
	server_unload(s, o);
	server_unwant(s, p, WANT_PAGE, now_ms);
}

/* ---- requests ---- */

void server_judge(struct server *s, struct server_peer *p, int64_t now_ms)
{
	struct server_ask *a = &p->ask;
	struct verdict v;

	if (a->state != ASK_HELD)
		return;
	v = judge(s, p, a->late, now_ms);
	if (v.hold || a->state != ASK_HELD)
		return;
	a->state = ASK_READY;
	a->answer = v.answer;
	a->status = v.status;
	a->seconds = v.seconds;
	if (v.answer == ANSWER_BLOCK && a->r.command == OTA_PAGE_REQUEST)
		begin_page(s, p, now_ms);
	else
		server_want(s, p, WANT_ANSWER, now_ms);
}

/* A block that waits for airtime for long: a device that understands is told to
 * come back, at times that differ. */
static void answer_aged(struct server *s, struct server_peer *p,
	int64_t now_ms)
{
	struct server_ask *a = &p->ask;
	struct server_offer *o = p->offer;

	if (!server_is_update(o))
		return;
	server_set_wait(s, o, ENGINE_WAIT_AIRTIME, ENGINE_NEVER);
	if (!p->quirks.honours_wait || o->load.asked)
		return;
	a->answer = ANSWER_WAIT;
	a->seconds = AIR_WAIT_S + a->tsn % AIR_WAIT_SPREAD;
	o->heard_ms = now_ms + (int64_t)a->seconds * 1000;
	server_queue(s, p, now_ms);
}

static int64_t held_until(const struct server_ask *a)
{
	return a->at_ms + (a->r.command == OTA_END_REQUEST ? HELD_END_MS :
		HELD_MS);
}

int64_t server_ask_due(const struct server *s, const struct server_peer *p)
{
	const struct server_ask *a = &p->ask;

	if (a->state == ASK_HELD)
		return a->late ? a->at_ms + HELD_MAX_MS : held_until(a);
	if (a->state == ASK_READY && a->answer == ANSWER_BLOCK && !a->late &&
			s->limited)
		return a->at_ms + AIR_WAIT_MS;
	return ENGINE_NEVER;
}

void server_ask_tick(struct server *s, struct server_peer *p, int64_t now_ms)
{
	struct server_ask *a = &p->ask;

	if (now_ms < server_ask_due(s, p))
		return;
	if (a->state == ASK_READY) {
		a->late = true;
		answer_aged(s, p, now_ms);
	} else if (!a->late) {
		a->late = true;
		server_judge(s, p, now_ms);
	} else {
		a->state = ASK_NONE; /* it has asked anew, or gone away */
	}
}

static bool take_token(struct server_peer *p, int64_t now_ms)
{
	int64_t passed = p->tokens_ms == INT64_MIN ? BURST_MS :
		now_ms - p->tokens_ms;

	if (passed > BURST_MS)
		p->tokens = BURST * TOKEN;
	else
		p->tokens += (unsigned)passed * RATE;
	if (p->tokens > BURST * TOKEN)
		p->tokens = BURST * TOKEN;
	p->tokens_ms = now_ms;
	if (p->tokens < TOKEN)
		return false;
	p->tokens -= TOKEN;
	return true;
}

/* Asks for the next block once it was given the one before: paced by our own
 * answers. */
static bool is_paced(const struct server_peer *p, uint8_t command)
{
	return command == OTA_BLOCK_REQUEST && server_is_update(p->offer) &&
		(p->ask.state == ASK_SENT || p->ask.state == ASK_OVER) &&
		p->ask.r.command == OTA_BLOCK_REQUEST &&
		p->ask.answer == ANSWER_BLOCK;
}

static bool is_same(const struct server_peer *p, const struct ota_request *r,
	uint8_t tsn, int64_t now_ms)
{
	const struct server_ask *a = &p->ask;

	if (a->state == ASK_NONE || a->state == ASK_OVER || a->tsn != tsn ||
			a->r.command != r->command || a->r.offset != r->offset)
		return false;
	return a->state != ASK_SENT || now_ms - a->at_ms < SENT_MAX_MS;
}

static void note_request(struct server *s, struct server_peer *p,
	int64_t now_ms)
{
	struct server_offer *o = p->offer;

	if (!server_is_update(o))
		return;
	if (o->wait == ENGINE_WAIT_WAKE)
		server_set_wait(s, o, ENGINE_WAIT_NONE, ENGINE_NEVER);
	o->asked = true;
	o->unheard = false;
	o->called = false;
	o->heard_ms = now_ms;
	o->notify_ms = now_ms + NOTIFY_AGAIN_MS;
	o->notifies = 0;
}

/* The newest request takes the place of the one before. */
static void keep(struct server *s, struct server_peer *p, uint8_t tsn,
	const struct ota_request *r, struct bytes reply, int64_t now_ms)
{
	struct server_ask *a = &p->ask;

	stop_page(s, p, now_ms);
	if (p->offer && !(r->command == OTA_BLOCK_REQUEST &&
				p->offer->load.offset == r->offset))
		server_unload(s, p->offer);
	*a = (struct server_ask){
		.state = ASK_HELD,
		.r = *r,
		.tsn = tsn,
		.at_ms = now_ms,
	};
	if (reply.len && reply.len <= SERVER_REPLY_MAX) {
		memcpy(a->reply, reply.at, reply.len);
		a->reply_len = (uint8_t)reply.len;
	}
	server_unwant(s, p, WANT_ANSWER, now_ms);
}

static void complain(struct server *s, struct server_peer *p,
	const struct zcl_header *h, uint8_t status, struct bytes reply,
	int64_t now_ms)
{
	const struct ota_request r = {.command = h->command};

	s->counts.bad++;
	keep(s, p, h->tsn, &r, reply, now_ms);
	p->ask.state = ASK_READY;
	p->ask.answer = ANSWER_DEFAULT;
	p->ask.status = status;
	server_want(s, p, WANT_ANSWER, now_ms);
}

void server_refuse(struct server *s, struct server_peer *p,
	const struct zcl_header *h, struct bytes reply, int64_t now_ms)
{
	if (take_token(p, now_ms))
		complain(s, p, h, ZCL_UNSUP_COMMAND, reply, now_ms);
	else
		s->counts.dropped++;
}

void server_take_ota(struct server *s, struct server_peer *p,
	const struct zcl_header *h, struct bytes payload, struct bytes reply,
	int64_t now_ms)
{
	struct ota_request r;
	int rc;

	if (h->from_server)
		return;
	rc = ota_read_request(h->command, payload, &r, NULL);
	if (rc == 0 && is_same(p, &r, h->tsn, now_ms)) {
		s->counts.coalesced++;
		return;
	}
	if (!(rc == 0 && is_paced(p, r.command)) && !take_token(p, now_ms)) {
		s->counts.dropped++;
		return;
	}
	if (rc) {
		complain(s, p, h, rc == ERR_ZCL_COMMAND ? ZCL_UNSUP_COMMAND :
			rc == ERR_ZCL_FIELD ? ZCL_INVALID_FIELD :
			ZCL_MALFORMED_COMMAND, reply, now_ms);
		return;
	}
	s->counts.requests++;
	keep(s, p, h->tsn, &r, reply, now_ms);
	note_request(s, p, now_ms);
	if (r.command == OTA_QUERY_REQUEST)
		server_learn_query(s, p, &r, now_ms);
	server_judge(s, p, now_ms);
}

/* ---- answers ---- */

/* What the device asked for, where that is more than a wildcard; it compares. */
static void answer_key(const struct server_peer *p, struct ota_key *ret)
{
	const struct ota_key *asked = &p->ask.r.key;

	*ret = p->offer ? p->offer->file.key : *asked;
	if (asked->manufacturer != OTA_ANY_MANUFACTURER)
		ret->manufacturer = asked->manufacturer;
	if (asked->type != OTA_ANY_TYPE)
		ret->type = asked->type;
}

size_t server_write_answer(struct server *s, struct server_peer *p,
	uint8_t *at)
{
	const struct server_ask *a = &p->ask;
	struct ota_key key;

	(void)s;
	answer_key(p, &key);
	switch (a->answer) {
	case ANSWER_QUERY:
		if (a->status == ZCL_SUCCESS && !p->offer)
			return 0;
		return ota_write_query_response(at, a->tsn, a->status, &key,
			p->offer ? p->offer->file.size : 0);
	case ANSWER_WAIT:
		return ota_write_wait(at, a->tsn, 0, a->seconds, false, 0);
	case ANSWER_STATUS:
		return ota_write_block_status(at, a->tsn, a->status);
	case ANSWER_DEFAULT:
		return zcl_write_default(at, a->tsn, true, a->r.command,
			a->status);
	case ANSWER_END:
		return ota_write_end_response(at, a->tsn, &key, 0, a->seconds);
	case ANSWER_SPECIFIC:
		return ota_write_specific_response(at, a->tsn, a->status);
	case ANSWER_BLOCK:
		break;
	}
	return 0;
}

void server_block_sent(struct server *s, struct server_peer *p,
	uint32_t offset, uint8_t len, int64_t now_ms)
{
	struct server_offer *o = p->offer;

	s->counts.blocks++;
	if (!o->served) {
		o->first_ms = now_ms;
		o->first_offset = offset;
	}
	o->served = true;
	o->parks = 0;
	o->has_all = offset + len >= o->file.size;
	if (o->has_all)
		server_set_wait(s, o, ENGINE_WAIT_DEVICE, ENGINE_NEVER);
	else if (now_ms - p->ask.at_ms < AIR_WAIT_MS / 4)
		server_set_wait(s, o, ENGINE_WAIT_NONE, ENGINE_NEVER);
	server_progress(s, o, offset, now_ms);
	server_place_moved(s, o, now_ms);
}

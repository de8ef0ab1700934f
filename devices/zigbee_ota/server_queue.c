#include "devices/zigbee_ota/server.h"

#include "ferry/transport.h"

/* An answer to a sleepy child that waited so long goes before those to routers,
 * one in the same time: its parent keeps what comes for a few seconds only. */
#define SLEEPY_AGED_MS 1000
#define FAILURES_MAX 3
#define RETRIES_MAX 2
#define RETRIES_DEAR 8 /* where the device would lose its place */
#define RETRY_MS 100
#define AIR_PERCENT_MIN 25
#define AIR_PERCENT_MAX 800
#define PAGE_FLOOR_MS 20
/* Answers other than blocks: so many at once, then one in PACE_MS; the newest
 * request is always answered. */
#define PACE_MS 200
#define PACE_BURST 20

/* A frame about to be sent. */
struct frame {
	struct server_peer *p;
	unsigned want;
	unsigned channel;
	bool delivered;
	bool block;
	struct bytes reply;
	struct bytes data;
};

enum turn {
	TURN_NOTHING, /* there was nothing to send after all */
	TURN_HELD,    /* no airtime */
	TURN_SENT,    /* *ret holds a command */
};

/* ---- lanes ---- */

static bool is_block(const struct server_peer *p)
{
	return p->ask.state == ASK_READY && p->ask.answer == ANSWER_BLOCK;
}

int64_t server_answer_due(const struct server_peer *p)
{
	if (p->ask.state != ASK_READY || is_block(p))
		return INT64_MIN;
	return p->paced_ms - (PACE_BURST - 1) * PACE_MS;
}

static void pace(struct server_peer *p, int64_t now_ms)
{
	if (p->paced_ms < now_ms)
		p->paced_ms = now_ms;
	p->paced_ms += PACE_MS;
}

/* What may go out now. */
static unsigned wants_now(const struct server_peer *p, int64_t now_ms)
{
	unsigned wants = p->wants;
	bool loading = p->offer && p->offer->load.asked &&
		!p->offer->load.ready;

	if (now_ms < server_answer_due(p))
		wants &= ~(unsigned)WANT_ANSWER;
	if (!loading && now_ms >= p->not_before_ms)
		return wants;
	wants &= ~(unsigned)WANT_PAGE;
	if (is_block(p))
		wants &= ~(unsigned)WANT_ANSWER;
	return wants;
}

static unsigned most_urgent(unsigned wants)
{
	return wants & -wants;
}

static enum server_lane lane_of(const struct server_peer *p, unsigned want)
{
	if (want & WANTS_QUICK || (want == WANT_ANSWER && !is_block(p)))
		return LANE_QUICK;
	if (want == WANT_BASIC)
		return LANE_SLOW;
	if (p->offer && p->offer->load.ready)
		return LANE_LOADED;
	return p->sleepy ? LANE_SLEEPY : LANE_ROUTER;
}

void server_queue(struct server *s, struct server_peer *p, int64_t now_ms)
{
	unsigned wants = wants_now(p, now_ms);
	enum server_lane lane;

	if (!wants) {
		server_list_remove(&s->lanes[p->lane], p, HOOK(lane_hook));
		return;
	}
	lane = lane_of(p, most_urgent(wants));
	if (p->lane_hook.in && p->lane == lane)
		return;
	server_list_remove(&s->lanes[p->lane], p, HOOK(lane_hook));
	p->lane = lane;
	p->lane_ms = now_ms;
	server_list_add(&s->lanes[lane], p, HOOK(lane_hook));
}

void server_want(struct server *s, struct server_peer *p, unsigned wants,
	int64_t now_ms)
{
	p->wants |= wants;
	server_queue(s, p, now_ms);
}

void server_unwant(struct server *s, struct server_peer *p, unsigned wants,
	int64_t now_ms)
{
	p->wants &= ~wants;
	server_queue(s, p, now_ms);
}

/* Where airtime is short, blocks have every other turn: what is quick is cheaper
 * and comes from many. */
static bool quick_is_next(const struct server *s)
{
	bool blocks = s->lanes[LANE_ROUTER].first || s->lanes[LANE_SLEEPY].first;

	return s->lanes[LANE_QUICK].first &&
		!(s->limited && s->quick_last && blocks);
}

static struct server_peer *pick(struct server *s, int64_t now_ms)
{
	struct server_peer *sleepy = s->lanes[LANE_SLEEPY].first;

	if (s->lanes[LANE_LOADED].first)
		return s->lanes[LANE_LOADED].first;
	if (quick_is_next(s))
		return s->lanes[LANE_QUICK].first;
	if (sleepy && now_ms - sleepy->lane_ms >= SLEEPY_AGED_MS &&
			now_ms - s->aged_ms >= SLEEPY_AGED_MS)
		return sleepy;
	if (s->lanes[LANE_ROUTER].first)
		return s->lanes[LANE_ROUTER].first;
	return sleepy ? sleepy : s->lanes[LANE_SLOW].first;
}

/* ---- airtime ---- */

/* Blocks of pages are never acknowledged. */
static bool wants_ack(const struct server_peer *p, bool page)
{
	return !page && (p->quirks.ack_blocks || p->quirks.restarts_at_zero);
}

static uint32_t cost(const struct server_peer *p, size_t len, bool delivered)
{
	uint64_t us = zcl_airtime_us(len, delivered, 1);

	return (uint32_t)(p ? us * p->air_percent / 100 : us);
}

/* What cannot be afforded is noted. */
static bool affordable(struct server *s, uint32_t us)
{
	if (!s->limited || (s->left_us >= s->reserved_us &&
			s->left_us - s->reserved_us >= us))
		return true;
	s->wanted_us = s->reserved_us + us;
	return false;
}

static void spend(struct server *s, uint32_t us)
{
	s->left_us -= us < s->left_us ? us : s->left_us;
}

void server_budget(struct server *s, const struct engine_event *e)
{
	s->limited = e->budget.airtime_us != UINT32_MAX;
	s->left_us = e->budget.airtime_us;
}

void server_unload(struct server *s, struct server_offer *o)
{
	s->reserved_us -= o->load.reserved_us;
	o->load = (struct server_load){0};
}

/* Driver and relay know what a frame really cost, hops included. */
static void learn_air(struct server_peer *p, uint32_t estimate_us,
	uint32_t airtime_us)
{
	uint64_t base = (uint64_t)estimate_us * 100 / p->air_percent;
	uint64_t percent = base ? (uint64_t)airtime_us * 100 / base : 0;
	int apart;

	if (!percent)
		return;
	if (percent > AIR_PERCENT_MAX)
		percent = AIR_PERCENT_MAX;
	if (percent < AIR_PERCENT_MIN)
		percent = AIR_PERCENT_MIN;
	apart = (int)percent - p->air_percent;
	if (apart >= 8 || apart <= -8)
		apart /= 8;
	else
		apart = (apart > 0) - (apart < 0);
	p->air_percent = (uint16_t)(p->air_percent + apart);
}

/* ---- frames ---- */

/* There is one: at most SERVER_WINDOW_MAX frames are on their way. */
static struct server_tx *free_tx(struct server *s)
{
	size_t at = s->tx_count % SERVER_WINDOW_MAX;

	for (size_t i = 1; i < SERVER_WINDOW_MAX && s->tx[at].id; i++)
		at = (s->tx_count + i) % SERVER_WINDOW_MAX;
	return &s->tx[at];
}

/* The place in the table is the low part of the number. */
static void emit(struct server *s, const struct frame *f, uint32_t us,
	struct engine_command *ret)
{
	struct server_tx *t = free_tx(s);

	s->tx_count++;
	*t = (struct server_tx){
		.id = s->tx_count * SERVER_WINDOW_MAX + (uint64_t)(t - s->tx),
		.peer = f->p,
		.want = f->want,
		.block = f->block,
		.estimate_us = us,
	};
	s->tx_open++;
	spend(s, us);
	ret->type = ENGINE_CMD_TX;
	ret->tx.peer = bytes_of_text(f->p ? f->p->key : s->group);
	ret->tx.channel = f->channel;
	ret->tx.reply = f->reply;
	ret->tx.id = t->id;
	ret->tx.until = f->delivered ? FERRY_DELIVERED : FERRY_SENT;
	ret->tx.data = f->data;
	ret->tx.airtime_us = us;
}

static bool next_broadcast(struct server *s, struct engine_command *ret)
{
	struct frame f = {.channel = ZIGBEE_OTA_CHANNEL_OTA};
	uint32_t us;

	if (!s->broadcast_due)
		return false;
	if (!s->group[0]) {
		s->broadcast_due = false;
		return false;
	}
	f.data = bytes_of(s->scratch, server_write_broadcast(s, s->scratch));
	us = cost(NULL, f.data.len, false);
	if (!affordable(s, us))
		return false;
	s->broadcast_due = false;
	emit(s, &f, us, ret);
	return true;
}

/* Everything but blocks. */
static void write_quick(struct server *s, struct frame *f)
{
	struct server_peer *p = f->p;
	struct server_offer *o = p->offer;
	size_t len = 0;

	f->channel = ZIGBEE_OTA_CHANNEL_OTA;
	switch ((enum server_want)f->want) {
	case WANT_ANSWER:
		len = server_write_answer(s, p, s->scratch);
		f->reply = bytes_of(p->ask.reply, p->ask.reply_len);
		f->delivered = p->ask.answer == ANSWER_END;
		break;
	case WANT_END:
		if (o && o->granted & 1u << ENGINE_STAGE_RESTART)
			len = ota_write_end_response(s->scratch, s->tsn++,
				&o->file.key, 0, p->quirks.upgrade_now ? 0 : 1);
		f->delivered = true;
		break;
	case WANT_CHECK_IN:
		len = poll_write_check_in_response(s->scratch, p->check_in_tsn,
			p->fast_poll, 1200);
		f->channel = ZIGBEE_OTA_CHANNEL_POLL;
		f->reply = bytes_of(p->check_in_reply, p->check_in_len);
		break;
	case WANT_STOP:
		len = poll_write_stop(s->scratch, s->tsn++);
		f->channel = ZIGBEE_OTA_CHANNEL_POLL;
		break;
	case WANT_NOTIFY:
		len = ota_write_notify(s->scratch, s->tsn++, 0, 100, NULL);
		f->delivered = true;
		break;
	case WANT_BASIC:
		f->channel = ZIGBEE_OTA_CHANNEL_BASIC;
		/* fall through */
	case WANT_READ:
		len = server_write_read(s, f->want, s->scratch);
		f->delivered = true;
		break;
	case WANT_PAGE:
		break;
	}
	f->data = bytes_of(s->scratch, len);
}

static void quick_sent(struct server *s, const struct frame *f, uint64_t id,
	int64_t now_ms)
{
	struct server_peer *p = f->p;
	struct server_offer *o = p->offer;

	p->wants &= ~f->want;
	if (f->want == WANT_ANSWER) {
		pace(p, now_ms);
		p->ask.state = ASK_SENT;
		p->ask.tx = id;
	}
	if (f->want == WANT_READ || f->want == WANT_BASIC) {
		p->read_out = true;
		p->read_tsn = f->data.at[1]; /* behind the frame control */
	}
	if (!o)
		return;
	if (f->want == WANT_NOTIFY)
		server_notify_sent(s, o, now_ms);
	if (f->want == WANT_READ)
		server_read_sent(s, o, now_ms);
	if (f->want == WANT_END || (f->want == WANT_ANSWER &&
				p->ask.answer == ANSWER_END &&
				p->ask.seconds != UINT32_MAX))
		server_prove_begin(s, o, now_ms);
}

/* ---- blocks ---- */

/* Asks the host for the bytes; their airtime is set aside from now on. */
static bool begin_load(struct server *s, struct server_peer *p, bool page,
	struct engine_command *ret)
{
	struct server_offer *o = p->offer;
	struct server_load *l = &o->load;
	uint32_t offset = page ? o->page.offset : p->ask.r.offset;
	uint8_t len = server_block_len(s, p, offset,
		page ? o->page.max_data : p->ask.r.max_data,
		page ? o->page.end : o->file.size);
	uint32_t us = cost(p, 17u + len, wants_ack(p, page));

	if (!affordable(s, us))
		return false;
	*l = (struct server_load){
		.asked = true,
		.page = page,
		.offset = offset,
		.len = len,
		.reserved_us = us,
	};
	s->reserved_us += us;
	ret->type = ENGINE_CMD_NEED_IMAGE;
	ret->need_image.job = o->job;
	ret->need_image.offset = o->file.at + offset;
	ret->need_image.len = len;
	return true;
}

/* The load is of no use when the device has changed its mind since. */
static bool is_wanted(const struct server_peer *p, unsigned want)
{
	const struct server_offer *o = p->offer;
	const struct server_load *l = &o->load;

	if (want == WANT_PAGE)
		return l->page && o->page.on && l->offset == o->page.offset;
	return !l->page && l->offset == p->ask.r.offset;
}

static void block_key(const struct server_peer *p, unsigned want,
	struct ota_key *ret)
{
	const struct server_offer *o = p->offer;

	*ret = want == WANT_PAGE ? o->page.key : p->ask.r.key;
	if (ret->manufacturer == OTA_ANY_MANUFACTURER)
		ret->manufacturer = o->file.key.manufacturer;
	if (ret->type == OTA_ANY_TYPE)
		ret->type = o->file.key.type;
	if (ret->version == OTA_ANY_VERSION)
		ret->version = o->file.key.version;
}

static void block_gone(struct server *s, struct server_peer *p, unsigned want,
	uint64_t id, int64_t now_ms)
{
	struct server_offer *o = p->offer;
	uint32_t offset = o->load.offset;
	uint8_t len = o->load.len;

	server_unload(s, o);
	p->wants &= ~want;
	p->not_before_ms = now_ms + p->quirks.block_delay_ms;
	if (want == WANT_PAGE) {
		uint16_t spacing = o->page.spacing_ms;

		if (spacing < PAGE_FLOOR_MS)
			spacing = PAGE_FLOOR_MS;
		if (p->not_before_ms < now_ms + spacing)
			p->not_before_ms = now_ms + spacing;
		o->page.offset = offset + len;
		server_page_next(s, p, now_ms);
	} else {
		p->ask.state = ASK_SENT;
		p->ask.tx = id;
	}
	server_block_sent(s, p, offset, len, now_ms);
}

static enum turn send_block(struct server *s, struct server_peer *p, unsigned want,
	int64_t now_ms, struct engine_command *ret)
{
	struct server_offer *o = p->offer;
	bool page = want == WANT_PAGE;
	struct frame f = {.p = p, .want = want, .block = true,
		.channel = ZIGBEE_OTA_CHANNEL_OTA};
	struct ota_key key;
	uint32_t us;

	if (o->load.ready && !is_wanted(p, want))
		server_unload(s, o);
	if (!o->load.ready)
		return begin_load(s, p, page, ret) ? TURN_SENT : TURN_HELD;
	us = o->load.reserved_us;
	if (s->limited && s->left_us < us) {
		s->wanted_us = us;
		return TURN_HELD;
	}
	f.delivered = wants_ack(p, page);
	f.reply = page ? bytes_of(o->page.reply, o->page.reply_len) :
		bytes_of(p->ask.reply, p->ask.reply_len);
	block_key(p, want, &key);
	f.data = bytes_of(s->scratch, ota_write_block(s->scratch,
		page ? o->page.tsn : p->ask.tsn, &key, o->load.offset,
		bytes_of(o->load.data, o->load.len)));
	emit(s, &f, us, ret);
	block_gone(s, p, want, ret->tx.id, now_ms);
	return TURN_SENT;
}

static enum turn send_quick(struct server *s, struct server_peer *p,
	unsigned want, int64_t now_ms, struct engine_command *ret)
{
	struct frame f = {.p = p, .want = want};
	uint32_t us;

	write_quick(s, &f);
	if (f.data.len == 0) {
		p->wants &= ~want;
		if (want == WANT_ANSWER)
			p->ask.state = ASK_NONE;
		return TURN_NOTHING;
	}
	us = cost(p, f.data.len, f.delivered);
	if (!affordable(s, us))
		return TURN_HELD;
	emit(s, &f, us, ret);
	quick_sent(s, &f, ret->tx.id, now_ms);
	return TURN_SENT;
}

/* The peer whose turn it is sends one frame, or asks for the bytes of one. */
static enum turn take_turn(struct server *s, struct server_peer *p,
	int64_t now_ms, struct engine_command *ret)
{
	unsigned want = most_urgent(wants_now(p, now_ms));
	enum turn turn = TURN_NOTHING;

	if (want == WANT_PAGE || (want == WANT_ANSWER && is_block(p)))
		turn = send_block(s, p, want, now_ms, ret);
	else if (want)
		turn = send_quick(s, p, want, now_ms, ret);
	if (turn == TURN_HELD)
		return turn;
	/* To the end of its lane, however much it still wants. */
	if (p->lane == LANE_SLEEPY)
		s->aged_ms = now_ms;
	s->quick_last = p->lane == LANE_QUICK;
	server_list_remove(&s->lanes[p->lane], p, HOOK(lane_hook));
	server_queue(s, p, now_ms);
	server_rearm(s, p, now_ms);
	return turn;
}

bool server_next_tx(struct server *s, int64_t now_ms,
	struct engine_command *ret)
{
	struct server_peer *p;
	enum turn turn = TURN_NOTHING;

	s->wanted_us = 0;
	if (!s->up || s->tx_open >= (unsigned)s->options.window)
		return false;
	if (next_broadcast(s, ret))
		return true;
	while (turn == TURN_NOTHING && (p = pick(s, now_ms)) != NULL)
		turn = take_turn(s, p, now_ms, ret);
	return turn == TURN_SENT;
}

/* ---- completions ---- */

static unsigned retries_max(const struct server_peer *p)
{
	return p->quirks.restarts_at_zero ? RETRIES_DEAR : RETRIES_MAX;
}

static void block_failed(struct server *s, struct server_peer *p,
	uint64_t id, const struct engine_event *e, int64_t now_ms)
{
	struct server_offer *o = p->offer;
	int64_t pause = e->sent.retry_after_ms ? e->sent.retry_after_ms :
		RETRY_MS;

	if (!o)
		return;
	if (e->sent.status != FERRY_NOT_NOW && ++o->failures >= FAILURES_MAX)
		o->fallback = true;
	if (p->ask.state != ASK_SENT || p->ask.tx != id ||
			p->ask.retries >= retries_max(p))
		return;
	p->ask.retries++;
	p->ask.state = ASK_READY;
	p->not_before_ms = now_ms + pause;
	s->counts.repeated++;
	server_want(s, p, WANT_ANSWER, now_ms);
}

static void quick_failed(struct server *s, struct server_peer *p,
	const struct server_tx *t, int64_t now_ms)
{
	struct server_ask *a = &p->ask;

	if (t->want != WANT_ANSWER || a->state != ASK_SENT || a->tx != t->id ||
			a->retries >= RETRIES_MAX)
		return;
	a->retries++;
	a->state = ASK_READY;
	s->counts.repeated++;
	server_want(s, p, WANT_ANSWER, now_ms);
}

static void settle(struct server *s, const struct server_tx *t,
	const struct engine_event *e, int64_t now_ms)
{
	struct server_peer *p = t->peer;

	learn_air(p, t->estimate_us, e->sent.airtime_us);
	if (!e->sent.status && e->sent.level >= (int)FERRY_DELIVERED)
		server_peer_proven(s, p, now_ms);
	if (e->sent.status && t->block) {
		block_failed(s, p, t->id, e, now_ms);
	} else if (e->sent.status) {
		quick_failed(s, p, t, now_ms);
	} else if (t->block && p->offer) {
		p->offer->failures = 0;
	}
	if (p->ask.state == ASK_SENT && p->ask.tx == t->id)
		p->ask.state = ASK_OVER;
	server_rearm(s, p, now_ms);
}

void server_sent(struct server *s, const struct engine_event *e,
	int64_t now_ms)
{
	struct server_tx *t = &s->tx[e->sent.id % SERVER_WINDOW_MAX];
	struct server_tx done = *t;

	if (!e->sent.id || t->id != e->sent.id)
		return;
	*t = (struct server_tx){0};
	s->tx_open--;
	if (done.peer)
		settle(s, &done, e, now_ms);
}

void server_queue_forget(struct server *s, const struct server_peer *p)
{
	for (size_t i = 0; i < SERVER_WINDOW_MAX; i++)
		if (s->tx[i].peer == p)
			s->tx[i].peer = NULL;
}

/* The link is gone: reply handles are void, devices ask again. */
void server_queue_down(struct server *s)
{
	memset(s->tx, 0, sizeof(s->tx));
	s->tx_open = 0;
	s->broadcast_due = false;
	for (size_t i = 0; i < LANES; i++) {
		struct server_peer *p;

		while ((p = s->lanes[i].first) != NULL) {
			p->wants = 0;
			server_list_remove(&s->lanes[i], p, HOOK(lane_hook));
		}
	}
	for (size_t i = 0; i < SERVER_BUCKETS; i++)
		for (struct server_peer *p = s->buckets[i]; p;
				p = p->in_bucket) {
			p->wants = 0;
			p->ask.state = ASK_NONE;
			if (p->offer && p->offer->phase != PHASE_HEADER)
				server_unload(s, p->offer);
			if (p->offer)
				p->offer->page.on = false;
		}
}

/* Questions of the ZigBee Device Profile: who is it, where is it, does it
 * sleep, on which endpoint is a cluster. Few at a time, each tried twice. An
 * answer counts when it has the transaction number of a question, comes from who
 * was asked and is about what was asked. */
#include "transports/zigbee/radio.h"

#include "transports/zigbee/airtime.h"

_Static_assert(ZB_SENDS_MAX + ZB_ASKS_MAX <= 1u << ZB_SLOT_BITS,
	"a frame's number has room for each send and question");

#define TRIES 2u
#define ANSWER_MS 1500
#define ANSWER_SLEEPY_MS 8000
#define DESCS_MAX 4u /* the least urgent */
#define SURVEYS_MAX 5u
#define PRESSED_MS 750 /* for a stranger, while others wait */

static struct zb_ask *find(struct zb_radio *r, enum ask_kind kind, uint16_t nwk,
	uint64_t eui64, unsigned channel)
{
	unsigned i;

	for (i = 0; i < ZB_ASKS_MAX && r->ask_count; i++)
		if (r->asks[i].kind == kind && r->asks[i].nwk == nwk &&
			r->asks[i].eui64 == eui64 &&
			r->asks[i].channel == channel)
			return &r->asks[i];
	return NULL;
}

static struct zb_ask *ask(struct zb_radio *r, enum ask_kind kind, uint16_t nwk,
	uint64_t eui64, unsigned channel)
{
	struct zb_ask *a = r->asks;

	if (r->net.no_zdo || find(r, kind, nwk, eui64, channel))
		return NULL;
	while (a < r->asks + ZB_ASKS_MAX && a->kind != ASK_NONE)
		a++;
	if (a == r->asks + ZB_ASKS_MAX)
		return NULL;
	*a = (struct zb_ask){.kind = kind,
		.nwk = nwk,
		.eui64 = eui64,
		.channel = (uint8_t)channel,
		.order = ++r->ask_order};
	r->ask_count++;
	return a;
}

/* With it the time of the first of all, which may be that of one that has ended
 * since. */
static void due_at(struct zb_radio *r, struct zb_ask *a, int64_t due_ms)
{
	a->due_ms = due_ms;
	if (due_ms < r->asks_due_ms)
		r->asks_due_ms = due_ms;
}

static void ask_end(struct zb_radio *r, struct zb_ask *a)
{
	r->ask_out -= a->out;
	r->strangers -= a->stranger;
	r->strangers_out -= a->stranger && a->out;
	r->ask_count--;
	*a = (struct zb_ask){.kind = ASK_NONE};
}

/* ---- strangers ---- */

/* Whether the stranger was heard before, within two spans; notes it. */
static bool was_heard(struct zb_radio *r, uint16_t nwk)
{
	uint32_t bit = 1u << nwk % 32;
	bool was;

	if (r->now_ms - r->heard_ms >= ZB_HEARD_MS) {
		memcpy(r->heard[1], r->heard[0], sizeof(r->heard[0]));
		memset(r->heard[0], 0, sizeof(r->heard[0]));
		r->heard_ms = r->now_ms;
	}
	was = (r->heard[0][nwk / 32] | r->heard[1][nwk / 32]) & bit;
	r->heard[0][nwk / 32] |= bit;
	return was;
}

static bool is_silent(const struct zb_radio *r, uint16_t nwk)
{
	unsigned i = nwk & (ZB_SILENT_MAX - 1);

	return r->silent[i].nwk == nwk && r->silent[i].until_ms > r->now_ms;
}

static void note_silent(struct zb_radio *r, uint16_t nwk, uint8_t tsn)
{
	unsigned i = nwk & (ZB_SILENT_MAX - 1), n;
	int64_t pause = ZB_SILENT_MIN_MS;

	if (r->silent[i].nwk != nwk)
		r->silent[i].times = 0;
	r->silent[i].nwk = nwk;
	r->silent[i].tsn = tsn;
	r->silent[i].until_ms = 0;
	for (n = 1; n < r->silent[i].times && pause < ZB_SILENT_MAX_MS; n++)
		pause *= 2;
	if (r->silent[i].times)
		r->silent[i].until_ms = r->now_ms + pause;
	if (r->silent[i].times < UINT8_MAX)
		r->silent[i].times++;
}

/* The answer to a question that was given up. */
static bool was_silent(struct zb_radio *r, uint16_t nwk, uint8_t tsn)
{
	unsigned i = nwk & (ZB_SILENT_MAX - 1);

	if (!tsn || r->silent[i].nwk != nwk || r->silent[i].tsn != tsn)
		return false;
	r->silent[i].times = 0;
	r->silent[i].until_ms = 0;
	return true;
}

/* Makes room among the strangers that wait: the oldest that was heard only once
 * goes, or the oldest. */
static bool strangers_have_room(struct zb_radio *r)
{
	struct zb_ask *a, *worst = NULL;

	if (r->strangers < ZB_STRANGERS_MAX)
		return true;
	for (a = r->asks; a < r->asks + ZB_ASKS_MAX; a++) {
		if (!a->stranger || a->out)
			continue;
		if (!worst || (a->again == worst->again
					      ? a->order < worst->order
					      : worst->again))
			worst = a;
	}
	if (worst)
		ask_end(r, worst);
	return worst != NULL;
}

static void ask_stranger(struct zb_radio *r, uint16_t nwk)
{
	struct zb_ask *a = find(r, ASK_IEEE, nwk, 0, 0);
	bool again = was_heard(r, nwk);

	if (!a && !is_silent(r, nwk) && strangers_have_room(r)) {
		a = ask(r, ASK_IEEE, nwk, 0, 0);
		if (a) {
			a->stranger = true;
			r->strangers++;
		}
	}
	if (!a)
		return;
	a->again = a->again || again;
	a->until_ms = r->now_ms + ZB_HELD_MS;
}

/* Nobody waits for them any more. */
static void drop_late_strangers(struct zb_radio *r)
{
	struct zb_ask *a;

	for (a = r->asks; a < r->asks + ZB_ASKS_MAX; a++)
		if (a->stranger && !a->out && a->until_ms <= r->now_ms)
			ask_end(r, a);
}

static bool strangers_wait(const struct zb_radio *r)
{
	return r->strangers > r->strangers_out;
}

void zb_ask_ieee(struct zb_radio *r, uint16_t nwk)
{
	struct zb_ask *a;

	if (!zb_nodes_at(&r->nodes, nwk)) {
		ask_stranger(r, nwk);
		return;
	}
	a = find(r, ASK_IEEE, nwk, 0, 0);
	if (!a || !a->stranger) {
		ask(r, ASK_IEEE, nwk, 0, 0);
		return;
	}
	a->stranger = false;
	r->strangers--;
	r->strangers_out -= a->out;
}

void zb_ask_nwk(struct zb_radio *r, struct zb_node *node)
{
	ask(r, ASK_NWK, 0, node->eui64, 0);
}

void zb_ask_desc(struct zb_radio *r, struct zb_node *node)
{
	unsigned i, others = 0;

	if (node->described)
		return;
	for (i = 0; i < ZB_ASKS_MAX; i++)
		others += r->asks[i].kind == ASK_DESC;
	if (others >= DESCS_MAX)
		return;
	node->described = true;
	ask(r, ASK_DESC, 0, node->eui64, 0);
}

void zb_ask_match(struct zb_radio *r, struct zb_node *node, unsigned channel)
{
	ask(r, ASK_MATCH, 0, node->eui64, channel);
}

bool zb_is_asking_nwk(const struct zb_radio *r, uint64_t eui64)
{
	unsigned i;

	for (i = 0; i < ZB_ASKS_MAX && r->ask_count; i++)
		if (r->asks[i].kind == ASK_NWK && r->asks[i].eui64 == eui64)
			return true;
	return false;
}

/* ---- asking ---- */

/* Who is known by that address is taken to have it. */
static void ieee_failed(struct zb_radio *r, uint16_t nwk, uint8_t tsn)
{
	struct zb_node *node = zb_nodes_at(&r->nodes, nwk);

	if (node)
		zb_unanswered(r, node);
	else
		note_silent(r, nwk, tsn);
	zb_release_held(r, nwk, node != NULL);
}

/* Nobody answered. */
static void ask_failed(struct zb_radio *r, struct zb_ask *a)
{
	struct zb_node *node =
		a->eui64 ? zb_nodes_find(&r->nodes, a->eui64) : NULL;
	const struct zb_ask was = *a;

	ask_end(r, a);
	if (was.kind == ASK_IEEE) {
		ieee_failed(r, was.nwk, was.tsn[0]);
		return;
	}
	if (!node)
		return;
	if (was.kind == ASK_NWK) {
		node->looked_ms = r->now_ms;
		zb_sends_unreachable(r, node);
	} else if (was.kind == ASK_MATCH) {
		node->matched |= (uint8_t)(1u << was.channel);
	}
}

/* 0 is what a coprocessor says that does not know. */
static uint8_t next_tsn(struct zb_radio *r, struct zb_ask *a)
{
	if (++r->tsn == 0)
		r->tsn = 1;
	a->tsn[1] = a->tsn[0];
	a->tsn[0] = r->tsn;
	return r->tsn;
}

/* Writes the question; 0: it cannot be asked any more. */
static size_t write_ask(struct zb_radio *r, struct zb_ask *a,
	struct zb_request *q, uint8_t *at)
{
	const struct zb_channel *c = &r->channels[a->channel];
	struct zb_node *node =
		a->eui64 ? zb_nodes_find(&r->nodes, a->eui64) : NULL;
	uint8_t tsn = next_tsn(r, a);

	if (a->kind == ASK_IEEE) {
		q->nwk = a->nwk;
		q->cluster = ZDO_IEEE_ADDR_REQ;
		return zdo_write_ieee_addr(at, tsn, a->nwk);
	}
	q->nwk = ZB_NWK_ALL_AWAKE;
	if (a->kind == ASK_NWK) {
		q->cluster = ZDO_NWK_ADDR_REQ;
		return zdo_write_nwk_addr(at, tsn, a->eui64);
	}
	q->cluster = ZDO_MATCH_DESC_REQ;
	if (a->kind == ASK_SURVEY)
		r->survey_tsn = tsn;
	if (a->kind == ASK_SURVEY)
		return zdo_write_match_desc(at, tsn, ZB_NWK_ALL_AWAKE,
			c->profile, c->cluster, !c->server);
	if (!node || node->nwk == ZB_NWK_UNKNOWN)
		return 0;
	q->nwk = node->nwk;
	q->eui64 = node->eui64;
	if (a->kind == ASK_MATCH)
		return zdo_write_match_desc(
			at, tsn, node->nwk, c->profile, c->cluster, !c->server);
	q->cluster = ZDO_NODE_DESC_REQ;
	return zdo_write_node_desc(at, tsn, node->nwk);
}

static bool is_pressed(const struct zb_radio *r, const struct zb_ask *a)
{
	return a->stranger && strangers_wait(r);
}

static int64_t patience(const struct zb_radio *r, const struct zb_ask *a)
{
	const struct zb_node *node =
		a->eui64 ? zb_nodes_find(&r->nodes, a->eui64) : NULL;

	if (node && node->kind == ZB_KIND_SLEEPY)
		return ANSWER_SLEEPY_MS;
	return is_pressed(r, a) ? PRESSED_MS : ANSWER_MS;
}

/* False: the stack has no room. */
static bool ask_send(struct zb_radio *r, struct zb_ask *a)
{
	uint8_t asdu[ZDO_REQUEST_MAX];
	struct zb_request q = {.profile = ZB_PROFILE_ZDO};
	size_t len = write_ask(r, a, &q, asdu);
	uint32_t us;

	if (!len) {
		ask_failed(r, a);
		return true;
	}
	q.id = zb_next_id(r, ZB_SENDS_MAX + (unsigned)(a - r->asks));
	q.asdu = bytes_of(asdu, len);
	if (r->ops->send(r->stack, r->now_ms, &q))
		return false;
	us = zb_airtime_us(len, false, q.nwk >= ZB_NWK_BROADCAST_FIRST);
	zb_other_airtime(r, us);
	r->airtime_out_us += us;
	r->frames_out++;
	a->id = q.id;
	a->to = q.nwk;
	a->tries++;
	a->out = true;
	r->ask_out++;
	r->strangers_out += a->stranger;
	due_at(r, a, r->now_ms + patience(r, a));
	return true;
}

static void ask_not_out(struct zb_radio *r, struct zb_ask *a)
{
	a->out = false;
	a->id = 0;
	r->ask_out--;
	r->strangers_out -= a->stranger;
}

static void ask_late(struct zb_radio *r, struct zb_ask *a)
{
	if (a->tries >= TRIES || a->kind == ASK_SURVEY || is_pressed(r, a)) {
		ask_failed(r, a);
		return;
	}
	ask_not_out(r, a);
	a->until_ms = r->now_ms + ZB_HELD_MS;
}

static void survey(struct zb_radio *r)
{
	static const int64_t pauses[SURVEYS_MAX] = {
		30000, 120000, 600000, 3600000, 3600000};
	unsigned i;

	if (r->survey_ms > r->now_ms)
		return;
	for (i = 0; i < r->channel_count; i++)
		if (r->channels[i].server) {
			ask(r, ASK_SURVEY, 0, 0, i);
			break;
		}
	r->survey_ms = r->now_ms + pauses[r->surveys];
	if (r->surveys + 1 < SURVEYS_MAX)
		r->surveys++;
}

/* What has frames waiting for a device that is known, strangers that were heard
 * before, strangers, what is only good to know. */
static unsigned rank(const struct zb_ask *a)
{
	if (a->kind == ASK_DESC)
		return 3;
	return !a->stranger ? 0 : a->again ? 1 : 2;
}

/* In turn; but the newest stranger is the one that still listens. */
static bool goes_before(const struct zb_ask *a, const struct zb_ask *b)
{
	if (rank(a) != rank(b))
		return rank(a) < rank(b);
	return rank(a) == 2 ? a->order > b->order : a->order < b->order;
}

static struct zb_ask *pick(struct zb_radio *r)
{
	bool full = r->strangers_out >= ZB_STRANGERS_OUT_MAX;
	unsigned waiting = r->ask_count - r->ask_out;
	struct zb_ask *a, *best = NULL;

	if (!waiting || r->ask_out >= ZB_ASKS_OUT_MAX ||
		(full && waiting == r->strangers - r->strangers_out))
		return NULL;
	for (a = r->asks; a < r->asks + ZB_ASKS_MAX; a++) {
		if (a->kind == ASK_NONE || a->out || a->due_ms > r->now_ms ||
			(full && a->stranger))
			continue;
		if (!best || goes_before(a, best))
			best = a;
	}
	return best;
}

static void check_late(struct zb_radio *r)
{
	struct zb_ask *a;

	for (a = r->asks; a < r->asks + ZB_ASKS_MAX && r->ask_out; a++)
		if (a->out && a->due_ms <= r->now_ms)
			ask_late(r, a);
}

void zb_asks_run(struct zb_radio *r)
{
	struct zb_ask *a;

	survey(r);
	if (r->asks_due_ms <= r->now_ms)
		check_late(r);
	if (strangers_wait(r))
		drop_late_strangers(r);
	while (r->ops->room(r->stack) && (a = pick(r)) != NULL)
		if (!ask_send(r, a))
			return;
}

/* They are looked through only when the time of the first has come, after
 * zb_asks_run() has been at those that are late. */
int64_t zb_asks_deadline(struct zb_radio *r)
{
	unsigned i;

	if (r->asks_due_ms > r->now_ms)
		return r->ask_count ? r->asks_due_ms : ZB_NEVER;
	r->asks_due_ms = ZB_NEVER;
	for (i = 0; i < ZB_ASKS_MAX && r->ask_count; i++)
		if (r->asks[i].kind != ASK_NONE &&
			r->asks[i].due_ms > r->now_ms)
			due_at(r, &r->asks[i], r->asks[i].due_ms);
	return r->asks_due_ms;
}

/* The stack will confirm and answer nothing of what it had. */
void zb_asks_lost(struct zb_radio *r)
{
	unsigned i;

	for (i = 0; i < ZB_ASKS_MAX; i++) {
		r->asks[i].out = false;
		r->asks[i].id = 0;
		r->asks[i].due_ms = 0;
	}
	r->ask_out = 0;
	r->strangers_out = 0;
}

bool zb_asks_confirm(struct zb_radio *r, const struct zb_confirm *c)
{
	unsigned slot = c->id & ((1u << ZB_SLOT_BITS) - 1);
	struct zb_ask *a;

	if (slot < ZB_SENDS_MAX || slot >= ZB_SENDS_MAX + ZB_ASKS_MAX)
		return false;
	a = &r->asks[slot - ZB_SENDS_MAX];
	if (a->kind == ASK_NONE || a->id != c->id)
		return true;
	a->id = 0;
	if (c->result != ZB_SENT_BUSY || !a->out)
		return true;
	/* It was never asked. */
	ask_not_out(r, a);
	a->tries--;
	due_at(r, a, r->now_ms + ZB_BUSY_MIN_MS);
	return true;
}

/* ---- answers ---- */

/* The question of this kind that a message answers; NULL: nobody asked. */
static struct zb_ask *answered(
	struct zb_radio *r, enum ask_kind kind, const struct zdo_message *m)
{
	struct zb_ask *a;

	for (a = r->asks; a < r->asks + ZB_ASKS_MAX && r->ask_count; a++)
		if (a->kind == kind && m->tsn &&
			(a->tsn[0] == m->tsn || a->tsn[1] == m->tsn))
			return a;
	return NULL;
}

static void found(struct zb_radio *r, const struct zdo_message *m)
{
	struct zb_node *node = zb_learn(r, m->eui64, m->nwk, -1);

	if (!node)
		return;
	node->unreached = 0;
	node->doubtful = false;
	node->looked_ms = r->now_ms;
	zb_nodes_prove(&r->nodes, node);
}

/* The device itself says so; the coordinator may, of a child that sleeps. */
static void on_ieee_addr(
	struct zb_radio *r, const struct zdo_message *m, uint16_t from)
{
	struct zb_ask *a = answered(r, ASK_IEEE, m);

	if (!a && m->status == ZDO_SUCCESS && m->nwk == from &&
		was_silent(r, from, m->tsn))
		found(r, m);
	if (!a || (from != a->nwk && from != ZB_NWK_COORDINATOR) ||
		(m->has_nwk && m->nwk != a->nwk))
		return;
	if (m->status != ZDO_SUCCESS) {
		ask_failed(r, a);
		return;
	}
	ask_end(r, a);
	found(r, m);
}

/* Its parent may say so. Who does not know says nothing of importance: another
 * device may know better. */
static void on_nwk_addr(struct zb_radio *r, const struct zdo_message *m)
{
	struct zb_ask *a = answered(r, ASK_NWK, m);

	if (!a || m->status != ZDO_SUCCESS || m->eui64 != a->eui64)
		return;
	ask_end(r, a);
	found(r, m);
}

static void on_node_desc(
	struct zb_radio *r, const struct zdo_message *m, uint16_t from)
{
	struct zb_ask *a = answered(r, ASK_DESC, m);
	struct zb_node *node = a ? zb_nodes_find(&r->nodes, a->eui64) : NULL;

	if (!node || from != a->to)
		return;
	ask_end(r, a);
	zb_nodes_prove(&r->nodes, node);
	if (m->status == ZDO_SUCCESS && m->nwk == node->nwk)
		zb_learn(r, node->eui64, node->nwk, m->sleepy);
}

static void on_surveyed(struct zb_radio *r, const struct zdo_message *m)
{
	if (m->tsn == r->survey_tsn && m->status == ZDO_SUCCESS && m->has_nwk &&
		m->nwk < ZB_NWK_BROADCAST_FIRST && m->nwk &&
		!zb_nodes_at(&r->nodes, m->nwk))
		zb_ask_ieee(r, m->nwk);
}

/* To a question, or to a survey; a stranger is asked who it is. */
static void on_match(
	struct zb_radio *r, const struct zdo_message *m, uint16_t from)
{
	struct zb_ask *a = answered(r, ASK_MATCH, m);
	struct zb_node *node = a ? zb_nodes_find(&r->nodes, a->eui64) : NULL;
	unsigned i = a ? a->channel : 0;

	if (!node)
		on_surveyed(r, m);
	if (!node || from != a->to)
		return;
	zb_nodes_prove(&r->nodes, node);
	node->matched |= (uint8_t)(1u << i);
	if (m->status == ZDO_SUCCESS && m->nwk == node->nwk &&
		m->endpoint_count)
		node->at[i] = (struct zb_endpoint){
			m->endpoints[0], r->channels[i].profile};
	ask_end(r, a);
}

static void on_announce(struct zb_radio *r, const struct zdo_message *m)
{
	struct zb_node *node = zb_learn(r, m->eui64, m->nwk, m->sleepy);

	if (!node)
		return;
	zb_nodes_touch(&r->nodes, node, r->now_ms);
	zb_joined(r, node);
}

void zb_asks_heard(struct zb_radio *r, const struct zb_indication *i)
{
	struct zdo_message m;

	if (zdo_read(i->cluster, i->asdu, &m))
		return;
	if (m.cluster == ZDO_DEVICE_ANNCE)
		on_announce(r, &m);
	else if (m.cluster == ZDO_IEEE_ADDR_RSP)
		on_ieee_addr(r, &m, i->nwk);
	else if (m.cluster == ZDO_NWK_ADDR_RSP)
		on_nwk_addr(r, &m);
	else if (m.cluster == ZDO_NODE_DESC_RSP)
		on_node_desc(r, &m, i->nwk);
	else if (m.cluster == ZDO_MATCH_DESC_RSP)
		on_match(r, &m, i->nwk);
}

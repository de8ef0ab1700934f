/* Questions of the ZigBee Device Profile: who is it, where is it, does it
 * sleep, on which endpoint is a cluster. Few at a time, each tried twice. An
 * answer is matched by what it is about, as coprocessors that translate do not
 * hand the transaction number back. */
#include "transports/zigbee/radio.h"

#include "transports/zigbee/airtime.h"

#define TRIES 2u
#define ANSWER_MS 1500
#define ANSWER_SLEEPY_MS 8000
#define DESCS_MAX 4u /* the least urgent */
#define SURVEYS_MAX 5u
#define SLOT_BITS 8

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

static void ask(struct zb_radio *r, enum ask_kind kind, uint16_t nwk,
	uint64_t eui64, unsigned channel)
{
	unsigned i;

	if (r->net.no_zdo || find(r, kind, nwk, eui64, channel))
		return;
	for (i = 0; i < ZB_ASKS_MAX; i++)
		if (r->asks[i].kind == ASK_NONE)
			break;
	if (i == ZB_ASKS_MAX)
		return;
	r->asks[i] = (struct zb_ask){.kind = kind,
		.nwk = nwk,
		.eui64 = eui64,
		.channel = (uint8_t)channel};
	r->ask_count++;
}

void zb_ask_ieee(struct zb_radio *r, uint16_t nwk)
{
	ask(r, ASK_IEEE, nwk, 0, 0);
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

static void ask_end(struct zb_radio *r, struct zb_ask *a)
{
	if (a->out)
		r->ask_out--;
	r->ask_count--;
	*a = (struct zb_ask){.kind = ASK_NONE};
}

/* Nobody answered. */
static void ask_failed(struct zb_radio *r, struct zb_ask *a)
{
	struct zb_node *node =
		a->eui64 ? zb_nodes_find(&r->nodes, a->eui64) : NULL;
	const struct zb_ask was = *a;

	ask_end(r, a);
	if (was.kind == ASK_IEEE)
		zb_release_held(r, was.nwk, false);
	if (!node)
		return;
	if (was.kind == ASK_NWK) {
		node->looked_ms = r->now_ms;
		zb_sends_unreachable(r, node);
	} else if (was.kind == ASK_MATCH) {
		node->matched |= (uint8_t)(1u << was.channel);
	}
}

/* Writes the question; 0: it cannot be asked any more. */
static size_t write_ask(struct zb_radio *r, const struct zb_ask *a,
	struct zb_request *q, uint8_t *at)
{
	const struct zb_channel *c = &r->channels[a->channel];
	struct zb_node *node =
		a->eui64 ? zb_nodes_find(&r->nodes, a->eui64) : NULL;
	uint8_t tsn = ++r->tsn;

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

static int64_t patience(const struct zb_radio *r, const struct zb_ask *a)
{
	const struct zb_node *node =
		a->eui64 ? zb_nodes_find(&r->nodes, a->eui64) : NULL;

	return node && node->kind == ZB_KIND_SLEEPY ? ANSWER_SLEEPY_MS
						    : ANSWER_MS;
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
	a->tries++;
	a->out = true;
	a->due_ms = r->now_ms + patience(r, a);
	r->ask_out++;
	return true;
}

static void ask_late(struct zb_radio *r, struct zb_ask *a)
{
	if (a->tries >= TRIES || a->kind == ASK_SURVEY) {
		ask_failed(r, a);
		return;
	}
	a->out = false;
	a->id = 0;
	r->ask_out--;
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

void zb_asks_run(struct zb_radio *r)
{
	struct zb_ask *a;

	survey(r);
	for (a = r->asks; a < r->asks + ZB_ASKS_MAX && r->ask_out; a++)
		if (a->out && a->due_ms <= r->now_ms)
			ask_late(r, a);
	for (a = r->asks; a < r->asks + ZB_ASKS_MAX; a++) {
		if (r->ask_count == r->ask_out || r->ask_out >= ZB_ASKS_OUT_MAX)
			return;
		if (a->kind == ASK_NONE || a->out || a->due_ms > r->now_ms)
			continue;
		if (!r->ops->room(r->stack) || !ask_send(r, a))
			return;
	}
}

int64_t zb_asks_deadline(const struct zb_radio *r)
{
	int64_t due = ZB_NEVER;
	unsigned i;

	for (i = 0; i < ZB_ASKS_MAX && r->ask_count; i++)
		if (r->asks[i].kind != ASK_NONE &&
			r->asks[i].due_ms > r->now_ms &&
			r->asks[i].due_ms < due)
			due = r->asks[i].due_ms;
	return due;
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
}

bool zb_asks_confirm(struct zb_radio *r, const struct zb_confirm *c)
{
	unsigned slot = c->id & ((1u << SLOT_BITS) - 1);
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
	a->out = false;
	a->tries--;
	a->due_ms = r->now_ms + ZB_BUSY_MIN_MS;
	r->ask_out--;
	return true;
}

/* ---- answers ---- */

static void on_address(struct zb_radio *r, const struct zdo_message *m)
{
	bool by_nwk = m->cluster == ZDO_IEEE_ADDR_RSP;
	struct zb_ask *a = by_nwk ? find(r, ASK_IEEE, m->nwk, 0, 0)
				  : find(r, ASK_NWK, 0, m->eui64, 0);
	struct zb_node *node;

	if (!a || !m->has_nwk)
		return;
	if (m->status != ZDO_SUCCESS) {
		/* Another device may know better. */
		if (by_nwk)
			ask_failed(r, a);
		return;
	}
	ask_end(r, a);
	node = zb_learn(r, m->eui64, m->nwk, -1);
	if (!node)
		return;
	node->unreached = 0;
	node->doubtful = false;
	node->looked_ms = r->now_ms;
	zb_nodes_prove(&r->nodes, node);
}

static void on_node_desc(struct zb_radio *r, const struct zdo_message *m)
{
	struct zb_node *node =
		m->has_nwk ? zb_nodes_at(&r->nodes, m->nwk) : NULL;
	struct zb_ask *a = node ? find(r, ASK_DESC, 0, node->eui64, 0) : NULL;

	if (!a)
		return;
	ask_end(r, a);
	zb_nodes_prove(&r->nodes, node);
	if (m->status == ZDO_SUCCESS)
		zb_learn(r, node->eui64, node->nwk, m->sleepy);
}

/* To a question, or to a survey; a stranger is asked who it is. */
static void on_match(struct zb_radio *r, const struct zdo_message *m)
{
	struct zb_node *node =
		m->has_nwk ? zb_nodes_at(&r->nodes, m->nwk) : NULL;
	struct zb_ask *a = NULL;
	unsigned i;

	for (i = 0; node && i < r->channel_count && !a; i++)
		a = find(r, ASK_MATCH, 0, node->eui64, i);
	if (!a) {
		if (m->status == ZDO_SUCCESS && m->has_nwk && !node &&
			m->nwk < ZB_NWK_BROADCAST_FIRST && m->nwk)
			zb_ask_ieee(r, m->nwk);
		return;
	}
	i = a->channel;
	zb_nodes_prove(&r->nodes, node);
	node->matched |= (uint8_t)(1u << i);
	if (m->status == ZDO_SUCCESS && m->endpoint_count)
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
	else if (m.cluster == ZDO_NWK_ADDR_RSP ||
		 m.cluster == ZDO_IEEE_ADDR_RSP)
		on_address(r, &m);
	else if (m.cluster == ZDO_NODE_DESC_RSP)
		on_node_desc(r, &m);
	else if (m.cluster == ZDO_MATCH_DESC_RSP)
		on_match(r, &m);
}

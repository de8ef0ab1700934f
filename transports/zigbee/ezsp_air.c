#include "transports/zigbee/ezsp.h"

#include <errno.h>

#define NODE_LEFT 2u         /* status of trustCenterJoinHandler */
#define DECISION_DENIED 2u
#define CHILD_END_DEVICE 3u  /* kinds of node */
#define CHILD_SLEEPY 4u
#define NWK_DEVICE_LAST 0xfff7u
#define BROADCAST_TAG 0u     /* of unicasts: 1 to 255, in turn */

/* ---- frames to the air ---- */

/* messageSentHandler may still come for a frame of which nothing was heard. */
static void free_tag(struct zb_stack *s, struct ezsp_slot *slot, bool may_come)
{
	if (may_come)
		zb_number_bar(&s->tags, (uint8_t)slot->tag, s->now);
	else
		zb_number_free(&s->tags, (uint8_t)slot->tag);
	slot->tag = BROADCAST_TAG;
}

static void finish(struct zb_stack *s, struct ezsp_slot *slot,
	enum zb_sent result, uint32_t native)
{
	struct zb_confirm c = {
		.id = slot->request.id,
		.result = result,
		.native = (int)native,
	};

	if (slot->tag != BROADCAST_TAG)
		free_tag(s, slot, result == ZB_SENT_LOST);
	slot->state = EZSP_SLOT_FREE;
	s->used--;
	s->host->confirm(s->arg, &c);
}

void ezsp_air_lose(struct zb_stack *s)
{
	unsigned i;

	for (i = 0; i < s->window; i++)
		if (s->slots[i].state != EZSP_SLOT_FREE)
			finish(s, &s->slots[i], ZB_SENT_LOST, 0);
}

static struct ezsp_slot *slot_of_tag(struct zb_stack *s, uint16_t tag)
{
	unsigned i;

	for (i = 0; i < s->window; i++)
		if (s->slots[i].state >= EZSP_SLOT_ASKED &&
				s->slots[i].tag == tag &&
				tag != BROADCAST_TAG)
			return &s->slots[i];
	return NULL;
}

static bool is_broadcast(const struct zb_request *r)
{
	return r->nwk > NWK_DEVICE_LAST;
}

int ezsp_air_take(struct zb_stack *s, const struct zb_request *r)
{
	struct ezsp_slot *slot = NULL;
	unsigned i;

	if (s->step != EZSP_STEP_UP || s->used >= s->window)
		return -EBUSY;
	if (r->asdu.len > s->network.asdu_max)
		return -EMSGSIZE;
	for (i = 0; i < s->window && !slot; i++)
		if (s->slots[i].state == EZSP_SLOT_FREE)
			slot = &s->slots[i];
	if (!slot)
		return -EBUSY;
	slot->request = *r;
	if (r->asdu.len)
		memcpy(slot->data, r->asdu.at, r->asdu.len);
	slot->request.asdu = bytes_of(slot->data, r->asdu.len);
	slot->state = EZSP_SLOT_WAITING;
	slot->tag = BROADCAST_TAG;
	slot->turn = s->turns++;
	s->used++;
	return 0;
}

static bool ask_send(struct zb_stack *s)
{
	struct ezsp_slot *slot = NULL;
	struct ezsp_writer w;
	enum ezsp_id id;
	unsigned i;

	for (i = 0; i < s->window; i++)
		if (s->slots[i].state == EZSP_SLOT_WAITING &&
				(!slot || s->slots[i].turn < slot->turn))
			slot = &s->slots[i];
	if (!slot)
		return false;
	slot->tag = is_broadcast(&slot->request) ? BROADCAST_TAG :
		zb_number_take(&s->tags, s->now);
	slot->state = EZSP_SLOT_ASKED;
	s->call_slot = (unsigned)(slot - s->slots);
	s->call_tag = slot->tag;
	id = is_broadcast(&slot->request) ? EZSP_SEND_BROADCAST :
		EZSP_SEND_UNICAST;
	ezsp_command(s, &w, id);
	ezsp_put_send(&w, s->version, &slot->request, slot->tag);
	ezsp_ask(s, EZSP_CALL_SEND, id, &w);
	return true;
}

/* A broadcast is over when it was taken: nobody acknowledges it. A unicast may
 * be over already, when messageSentHandler was faster. A coprocessor that does
 * not know the command has restarted, and its RSTACK was lost on the line. */
void ezsp_send_answer(struct zb_stack *s, struct ezsp_reader *r, bool refused)
{
	struct ezsp_slot *slot = &s->slots[s->call_slot];
	uint32_t status = ezsp_get_status(r, s->version);

	if (refused) {
		ezsp_restart(s, "the coprocessor refuses to send, reason %x",
			status);
		return;
	}
	if (slot->state != EZSP_SLOT_ASKED || slot->tag != s->call_tag)
		return;
	if (r->bad)
		finish(s, slot, ZB_SENT_FAILED, status);
	else if (status || is_broadcast(&slot->request))
		finish(s, slot, ezsp_sent_of(s->version, status), status);
	else {
		slot->state = EZSP_SLOT_FLYING;
		slot->due = s->now + EZSP_SENT_MS;
	}
}

static void take_sent(struct zb_stack *s, struct bytes params)
{
	struct ezsp_sent sent;
	struct ezsp_slot *slot;

	if (!ezsp_sent_read(params, s->version, &sent)) {
		s->stats.odd++;
		return;
	}
	slot = slot_of_tag(s, sent.tag);
	if (slot)
		finish(s, slot, ezsp_sent_of(s->version, sent.status),
			sent.status);
	else if (sent.tag && sent.tag < ZB_NUMBERS)
		zb_number_late(&s->tags, (uint8_t)sent.tag);
}

void ezsp_air_time(struct zb_stack *s)
{
	unsigned i;

	for (i = 0; i < s->window; i++) {
		if (s->slots[i].state != EZSP_SLOT_FLYING ||
				s->now < s->slots[i].due)
			continue;
		s->stats.expired++;
		finish(s, &s->slots[i], ZB_SENT_LOST, 0);
	}
}

int64_t ezsp_air_deadline(const struct zb_stack *s)
{
	int64_t due = INT64_MAX;
	unsigned i;

	for (i = 0; i < s->window; i++)
		if (s->slots[i].state == EZSP_SLOT_FLYING &&
				s->slots[i].due < due)
			due = s->slots[i].due;
	return due;
}

/* ---- who is who ---- */

/* Before version 14 frames do not say whose they are; the coprocessor may know
 * from its tables. The frame does not wait for the answer. */
static void want_lookup(struct zb_stack *s, uint16_t nwk)
{
	unsigned i = nwk % EZSP_ASKED_SIZE;

	if (nwk > NWK_DEVICE_LAST || s->lookup_count >= EZSP_LOOKUPS_MAX ||
			(s->asked[i].nwk == nwk &&
				s->now < s->asked[i].again_at))
		return;
	s->asked[i].nwk = nwk;
	s->asked[i].again_at = s->now + EZSP_ASKED_MS;
	s->lookups[s->lookup_count++] = nwk;
}

static bool ask_lookup(struct zb_stack *s)
{
	struct ezsp_writer w;

	if (!s->lookup_count)
		return false;
	s->call_nwk = s->lookups[0];
	s->lookup_count--;
	memmove(s->lookups, s->lookups + 1,
		s->lookup_count * sizeof(s->lookups[0]));
	ezsp_command(s, &w, EZSP_LOOKUP_EUI64_BY_NODE_ID);
	ezsp_put(&w, 2, s->call_nwk);
	ezsp_ask(s, EZSP_CALL_LOOKUP, EZSP_LOOKUP_EUI64_BY_NODE_ID, &w);
	return true;
}

bool ezsp_air_ask(struct zb_stack *s)
{
	return ask_lookup(s) || ask_send(s);
}

static bool is_eui64(uint64_t eui64)
{
	return eui64 != 0 && eui64 != UINT64_MAX;
}

void ezsp_lookup_answer(struct zb_stack *s, struct ezsp_reader *r, bool refused)
{
	uint32_t status = ezsp_get_status(r, s->version);
	uint64_t eui64 = ezsp_get(r, 8);

	if (!refused && !r->bad && !status && is_eui64(eui64))
		s->host->known(s->arg, eui64, s->call_nwk);
}

/* ---- callbacks ---- */

static void take_incoming(struct zb_stack *s, struct bytes params)
{
	uint64_t sender = s->sender;
	struct zb_indication i;

	s->sender = 0;
	if (!ezsp_incoming_read(params, s->version, &i)) {
		s->stats.odd++;
		return;
	}
	if (s->step != EZSP_STEP_UP)
		return;
	if (!i.eui64)
		i.eui64 = sender;
	if (!i.eui64)
		want_lookup(s, i.nwk);
	s->host->heard(s->arg, &i);
}

/* The trust centre tells who joins, comes back or leaves, by whatever parent; the
 * announcement that follows may get lost. */
static void take_join(struct zb_stack *s, struct bytes params)
{
	struct ezsp_reader r = {params, false};
	uint16_t nwk = (uint16_t)ezsp_get(&r, 2);
	uint64_t eui64 = ezsp_get(&r, 8);
	uint8_t status = (uint8_t)ezsp_get(&r, 1);
	uint8_t decision = (uint8_t)ezsp_get(&r, 1);

	if (r.bad || !is_eui64(eui64) ||
			(decision == DECISION_DENIED && status != NODE_LEFT)) {
		s->stats.odd++;
		return;
	}
	s->host->node(s->arg, eui64, nwk, -1, status != NODE_LEFT,
		status == NODE_LEFT);
}

static void take_child(struct zb_stack *s, struct bytes params)
{
	struct ezsp_reader r = {params, false};
	bool joining;
	uint16_t nwk;
	uint64_t eui64;
	uint8_t kind;

	ezsp_get(&r, 1); /* index */
	joining = ezsp_get(&r, 1);
	nwk = (uint16_t)ezsp_get(&r, 2);
	eui64 = ezsp_get(&r, 8);
	kind = (uint8_t)ezsp_get(&r, 1);
	if (r.bad || !is_eui64(eui64)) {
		s->stats.odd++;
		return;
	}
	/* A child that goes may only have found another parent. */
	if (joining)
		s->host->node(s->arg, eui64, nwk, kind == CHILD_SLEEPY ? 1 :
			kind == CHILD_END_DEVICE ? 0 : -1, false, false);
}

void ezsp_air_callback(struct zb_stack *s, const struct ezsp_head *h)
{
	struct ezsp_reader r = {h->params, false};

	switch (h->id) {
	case EZSP_MESSAGE_SENT_HANDLER:
		take_sent(s, h->params);
		break;
	case EZSP_INCOMING_MESSAGE_HANDLER:
		take_incoming(s, h->params);
		break;
	case EZSP_INCOMING_SENDER_EUI64_HANDLER:
		s->sender = ezsp_get(&r, 8);
		break;
	case EZSP_TRUST_CENTER_JOIN_HANDLER:
		take_join(s, h->params);
		break;
	case EZSP_CHILD_JOIN_HANDLER:
		take_child(s, h->params);
		break;
	}
}

/* Frames to and from the air of a deCONZ coordinator. */
#include "transports/zigbee/deconz.h"

#include <errno.h>

#define CONFIRM_LOST_MS 3000
#define CONFIRM_MS 30000 /* longer than any sleeper is waited for */
#define IDLE_MS 1000
#define QUIET_MS 15000
#define TX_ACK 0x04u
#define INDICATION_FLAGS 0x01u /* the sender's short address, always */

enum deconz_address_mode { MODE_GROUP = 1, MODE_NWK, MODE_IEEE, MODE_BOTH };

/* ---- reading ---- */

/* A payload that moves on; once something is missing, `bad`. */
struct cursor {
	struct bytes rest;
	bool bad;
};

static uint64_t take(struct cursor *c, unsigned len)
{
	uint64_t value = 0;
	unsigned i;

	if (c->rest.len < len) {
		c->bad = true;
		c->rest.len = 0;
		return 0;
	}
	for (i = 0; i < len; i++)
		value |= (uint64_t)c->rest.at[i] << (8 * i);
	c->rest.at += len;
	c->rest.len -= len;
	return value;
}

static struct bytes take_bytes(struct cursor *c, size_t len)
{
	struct bytes part = bytes_slice(c->rest, 0, len);

	c->bad = c->bad || part.len < len;
	c->rest = bytes_slice(c->rest, len, c->rest.len);
	return part;
}

static void take_sender(struct cursor *c, struct zb_indication *i)
{
	unsigned mode = (unsigned)take(c, 1);

	i->nwk = ZB_NWK_UNKNOWN;
	if (mode == MODE_NWK || mode == MODE_BOTH)
		i->nwk = (uint16_t)take(c, 2);
	if (mode == MODE_IEEE || mode == MODE_BOTH)
		i->eui64 = take(c, 8);
	c->bad = c->bad || mode < MODE_NWK || mode > MODE_BOTH;
}

static void take_destination(struct cursor *c, struct zb_indication *i)
{
	unsigned mode = (unsigned)take(c, 1);
	uint64_t at = take(c, mode == MODE_IEEE ? 8 : 2);

	i->broadcast = mode == MODE_GROUP || (mode == MODE_NWK && at >= 0xfff8);
	c->bad = c->bad || mode < MODE_GROUP || mode > MODE_IEEE;
}

static void on_indication(struct zb_stack *s, struct bytes payload)
{
	struct cursor c = {.rest = payload};
	struct zb_indication i = {.nwk = ZB_NWK_UNKNOWN};

	take(&c, 1); /* the state, taken already */
	take_destination(&c, &i);
	i.dst_ep = (uint8_t)take(&c, 1);
	take_sender(&c, &i);
	i.src_ep = (uint8_t)take(&c, 1);
	i.profile = (uint16_t)take(&c, 2);
	i.cluster = (uint16_t)take(&c, 2);
	i.asdu = take_bytes(&c, (size_t)take(&c, 2));
	if (c.bad || !i.asdu.len || i.asdu.len > ZB_ASDU_MAX) {
		s->odd++;
		return;
	}
	/* What follows differs by firmware: 2 bytes, lqi, 4 bytes, rssi. */
	take(&c, 2);
	i.lqi = (uint8_t)take(&c, 1);
	take(&c, 4);
	i.rssi = (int8_t)take(&c, 1);
	s->indications++;
	s->host->heard(s->arg, &i);
}

static enum zb_sent result_of(uint8_t status)
{
	switch (status) {
	case 0x00:
		return ZB_SENT_OK;
	case 0xa0: /* APS: ASDU too long */
	case 0xe5: /* MAC: frame too long */
		return ZB_SENT_TOO_LONG;
	case 0xa7: /* APS: no acknowledgement */
	case 0xe9: /* MAC: no acknowledgement */
		return ZB_SENT_NO_ACK;
	case 0xc8: /* NWK: unknown device */
	case 0xd0: /* NWK: route discovery failed */
	case 0xd1: /* NWK: route error */
		return ZB_SENT_NO_ROUTE;
	case 0xd2: /* NWK: broadcast table full */
	case 0xe1: /* MAC: channel access failure */
	case 0xf1: /* MAC: transaction overflow */
		return ZB_SENT_BUSY;
	case 0xf0: /* MAC: transaction expired */
		return ZB_SENT_EXPIRED;
	}
	return ZB_SENT_FAILED;
}

/* The firmware may still confirm what it was given and did not confirm. */
static void slot_free(
	struct zb_stack *s, struct deconz_slot *slot, bool may_come)
{
	if (may_come)
		zb_number_bar(&s->numbers, slot->number, s->now_ms);
	else
		zb_number_free(&s->numbers, slot->number);
	slot->state = SLOT_FREE;
}

static void slot_end(struct zb_stack *s, struct deconz_slot *slot,
	enum zb_sent result, int native)
{
	const struct zb_confirm c = {
		.id = slot->r.id, .result = result, .native = native};

	slot_free(s, slot, result == ZB_SENT_LOST);
	s->in_flight--;
	s->host->confirm(s->arg, &c);
}

static void on_confirm(struct zb_stack *s, struct bytes payload)
{
	struct cursor c = {.rest = payload};
	unsigned mode, number, i;
	uint8_t status;

	take(&c, 1);
	number = (unsigned)take(&c, 1);
	mode = (unsigned)take(&c, 1);
	take(&c, mode == MODE_IEEE ? 8 : 2);
	if (mode != MODE_GROUP)
		take(&c, 1);
	take(&c, 1);
	status = (uint8_t)take(&c, 1);
	if (c.bad) {
		s->odd++;
		return;
	}
	s->confirms++;
	for (i = 0; i < DECONZ_WINDOW_MAX; i++) {
		if (s->slots[i].state != SLOT_TAKEN ||
			s->slots[i].number != number)
			continue;
		slot_end(s, &s->slots[i], result_of(status), status);
		return;
	}
	zb_number_late(&s->numbers, (uint8_t)number);
	s->late++;
}

/* ---- asking ---- */

static void give(struct zb_stack *s, struct deconz_slot *slot)
{
	const struct zb_request *r = &slot->r;
	uint8_t at[32 + ZB_ASDU_MAX];
	bool ieee = r->nwk == ZB_NWK_UNKNOWN && r->eui64;
	size_t n = 3, i;

	at[0] = slot->number;
	at[1] = 0;
	at[2] = ieee ? MODE_IEEE : MODE_NWK;
	for (i = 0; ieee && i < 8; i++)
		at[n++] = (uint8_t)(r->eui64 >> (8 * i));
	if (!ieee) {
		put_le16(at + n, r->nwk);
		n += 2;
	}
	at[n++] = r->dst_ep;
	put_le16(at + n, r->profile);
	put_le16(at + n + 2, r->cluster);
	at[n + 4] = r->src_ep;
	put_le16(at + n + 5, (uint16_t)r->asdu.len);
	n += 7;
	memcpy(at + n, r->asdu.at, r->asdu.len);
	n += r->asdu.len;
	at[n++] = r->ack ? TX_ACK : 0;
	at[n++] = 30; /* hops */
	slot->state = SLOT_ASKED;
	slot->due_ms = s->now_ms + CONFIRM_MS;
	s->asked = slot;
	deconz_ask(s, DECONZ_REQUEST, bytes_of(at, n));
}

static struct deconz_slot *oldest_queued(struct zb_stack *s)
{
	struct deconz_slot *oldest = NULL;
	unsigned i;

	for (i = 0; i < DECONZ_WINDOW_MAX; i++)
		if (s->slots[i].state == SLOT_QUEUED &&
			(!oldest || s->slots[i].order < oldest->order))
			oldest = &s->slots[i];
	return oldest;
}

static bool ask_turn(struct zb_stack *s, unsigned turn)
{
	const uint8_t flags = INDICATION_FLAGS;
	struct deconz_slot *slot;

	if (turn == 0 && (s->state & DECONZ_HAS_INDICATION)) {
		deconz_ask(s, DECONZ_INDICATION, bytes_of(&flags, 1));
		return true;
	}
	if (turn == 1 && (s->state & DECONZ_HAS_CONFIRM)) {
		deconz_ask(s, DECONZ_CONFIRM, bytes_of(NULL, 0));
		return true;
	}
	if (turn != 2 || !(s->state & DECONZ_FREE_SLOTS))
		return false;
	slot = oldest_queued(s);
	if (!slot)
		return false;
	give(s, slot);
	return true;
}

/* Indications, confirms and requests in turn, so that none waits for long. */
void deconz_air_next(struct zb_stack *s)
{
	const uint8_t zeros[3] = {0};
	int64_t idle = s->in_flight ? IDLE_MS : QUIET_MS;
	unsigned i, turn;

	for (i = 0; i < 3; i++) {
		turn = (s->turn + i) % 3;
		if (ask_turn(s, turn)) {
			s->turn = turn + 1;
			return;
		}
	}
	if (s->now_ms - s->heard_ms >= idle)
		deconz_ask(s, DECONZ_STATE, bytes_of(zeros, sizeof(zeros)));
}

/* ---- answers ---- */

static void on_given(struct zb_stack *s, const struct deconz_frame *f)
{
	struct deconz_slot *slot = s->asked;

	s->asked = NULL;
	if (!slot || slot->state != SLOT_ASKED)
		return;
	if (f->status == DECONZ_SUCCESS)
		slot->state = SLOT_TAKEN;
	else if (f->status == DECONZ_BUSY || f->status == DECONZ_TIMEOUT)
		slot_end(s, slot, ZB_SENT_BUSY, f->status);
	else
		slot_end(s, slot, ZB_SENT_FAILED, f->status);
}

void deconz_air_answer(struct zb_stack *s, const struct deconz_frame *f)
{
	bool good = f->status == DECONZ_SUCCESS;

	if (f->command == DECONZ_REQUEST)
		on_given(s, f);
	/* There was nothing to read: not again before it says so. */
	if (!good && f->command == DECONZ_INDICATION)
		s->state &= (uint8_t)~DECONZ_HAS_INDICATION;
	if (!good && f->command == DECONZ_CONFIRM)
		s->state &= (uint8_t)~DECONZ_HAS_CONFIRM;
	if (good && f->command == DECONZ_INDICATION)
		on_indication(s, f->payload);
	if (good && f->command == DECONZ_CONFIRM)
		on_confirm(s, f->payload);
	if (good && f->payload.len >= 1 && f->command != DECONZ_WRITE &&
		f->command != DECONZ_READ)
		deconz_take_state(s, f->payload.at[0]);
}

void deconz_air_late(struct zb_stack *s, const struct deconz_frame *f)
{
	if (f->status != DECONZ_SUCCESS)
		return;
	if (f->command == DECONZ_INDICATION)
		on_indication(s, f->payload);
	else if (f->command == DECONZ_CONFIRM)
		on_confirm(s, f->payload);
}

/* The firmware has given a confirm away and nobody has it: most likely that of
 * the oldest. */
static void confirm_lost(struct zb_stack *s)
{
	struct deconz_slot *oldest = NULL;
	unsigned i;

	for (i = 0; i < DECONZ_WINDOW_MAX; i++)
		if (s->slots[i].state == SLOT_TAKEN &&
			s->slots[i].due_ms > s->now_ms + CONFIRM_LOST_MS &&
			(!oldest || s->slots[i].order < oldest->order))
			oldest = &s->slots[i];
	if (oldest)
		oldest->due_ms = s->now_ms + CONFIRM_LOST_MS;
}

void deconz_air_drop(struct zb_stack *s)
{
	unsigned i;

	for (i = 0; i < DECONZ_WINDOW_MAX; i++)
		if (s->slots[i].state != SLOT_FREE)
			slot_free(s, &s->slots[i],
				s->slots[i].state != SLOT_QUEUED);
	s->in_flight = 0;
	s->asked = NULL;
}

/* Whether the firmware has the frame nobody knows; its confirm may come. */
void deconz_air_silent(struct zb_stack *s, uint8_t command)
{
	if (s->asked && s->asked->state == SLOT_ASKED)
		s->asked->state = SLOT_TAKEN;
	s->asked = NULL;
	if (command == DECONZ_CONFIRM)
		confirm_lost(s);
}

static bool may_expire(const struct deconz_slot *slot)
{
	return slot->state == SLOT_QUEUED || slot->state == SLOT_TAKEN;
}

void deconz_air_expire(struct zb_stack *s)
{
	unsigned i;

	if (s->step != STEP_READY)
		return;
	for (i = 0; i < DECONZ_WINDOW_MAX && s->in_flight; i++)
		if (may_expire(&s->slots[i]) && s->slots[i].due_ms <= s->now_ms)
			slot_end(s, &s->slots[i],
				s->slots[i].state == SLOT_QUEUED ? ZB_SENT_BUSY
								 : ZB_SENT_LOST,
				0);
}

int64_t deconz_air_deadline(const struct zb_stack *s)
{
	int64_t due = INT64_MAX;
	unsigned i;

	for (i = 0; i < DECONZ_WINDOW_MAX && s->in_flight; i++)
		if (may_expire(&s->slots[i]) && s->slots[i].due_ms < due)
			due = s->slots[i].due_ms;
	return due;
}

/* ---- taking requests ---- */

int deconz_air_send(struct zb_stack *s, const struct zb_request *r)
{
	struct deconz_slot *slot = s->slots;

	while (slot->state != SLOT_FREE)
		slot++; /* there is one: the window is at most their number */
	slot->state = SLOT_QUEUED;
	slot->number = zb_number_take(&s->numbers, s->now_ms);
	slot->order = ++s->order;
	slot->due_ms = s->now_ms + CONFIRM_MS;
	slot->r = *r;
	memcpy(slot->data, r->asdu.at, r->asdu.len);
	slot->r.asdu = bytes_of(slot->data, r->asdu.len);
	s->in_flight++;
	return 0;
}

#include "transports/zigbee/znp.h"

#include <errno.h>
#include <string.h>

#define RADIUS 30u
#define OPTION_ACK 0x10u
#define ADDRESS_SHORT 2u /* mode of an address of 16 bits, also a broadcast */
#define ADDRESS_LONG 3u
#define BROADCASTS 0xfff8u /* and above */

/* ---- slots and numbers ---- */

static void queue_put(struct znp *z, unsigned slot)
{
	z->queue[(z->queue_at + z->queue_len++) % ZNP_SLOTS] = (uint8_t)slot;
	z->slots[slot].state = ZNP_QUEUED;
}

static void queue_put_first(struct znp *z, unsigned slot)
{
	z->queue_at = (z->queue_at + ZNP_SLOTS - 1) % ZNP_SLOTS;
	z->queue[z->queue_at] = (uint8_t)slot;
	z->queue_len++;
	z->slots[slot].state = ZNP_QUEUED;
}

static void number_slot(struct znp *z, struct znp_slot *slot)
{
	slot->trans = zb_number_take(&z->trans, z->now);
	slot->data[slot->trans_at] = slot->trans;
}

/* Z-Stack may still confirm what was lost. */
static void free_number(struct znp *z, struct znp_slot *slot, bool may_come)
{
	if (!slot->trans)
		return;
	if (may_come)
		zb_number_bar(&z->trans, slot->trans, z->now);
	else
		zb_number_free(&z->trans, slot->trans);
	slot->trans = 0;
}

static void finish(struct znp *z, unsigned at, enum zb_sent result, int native)
{
	struct zb_confirm c = {.result = result, .native = native};

	c.id = z->slots[at].id;
	free_number(z, &z->slots[at], result == ZB_SENT_LOST);
	z->slots[at].state = ZNP_FREE;
	z->used--;
	z->host->confirm(z->arg, &c);
}

struct znp_slot *znp_air_take(struct znp *z, const struct zb_request *r)
{
	struct znp_slot *slot;
	unsigned i;

	for (i = 0; i < ZNP_SLOTS; i++)
		if (z->slots[i].state == ZNP_FREE)
			break;
	if (i == ZNP_SLOTS)
		return NULL;
	slot = &z->slots[i];
	memset(slot, 0, sizeof(*slot));
	slot->id = r->id;
	slot->nwk = r->nwk;
	slot->until = INT64_MAX;
	slot->broadcast = r->nwk >= BROADCASTS;
	return slot;
}

/* ---- to the air ---- */

static void put_data(struct znp_out *out, const struct zb_request *r,
	uint8_t src_ep, size_t *ret_trans_at)
{
	bool wide = r->nwk >= BROADCASTS;

	if (wide) {
		znp_put8(out, ADDRESS_SHORT);
		znp_put64(out, r->nwk);
		znp_put8(out, r->dst_ep);
		znp_put16(out, 0); /* this PAN */
	} else {
		znp_put16(out, r->nwk);
		znp_put8(out, r->dst_ep);
	}
	znp_put8(out, src_ep);
	znp_put16(out, r->cluster);
	*ret_trans_at = out->len;
	znp_put8(out, 0);
	znp_put8(out, r->ack && !wide ? OPTION_ACK : 0);
	znp_put8(out, RADIUS);
	if (wide)
		znp_put16(out, (unsigned)r->asdu.len);
	else
		znp_put8(out, (unsigned)r->asdu.len);
	znp_put(out, r->asdu);
}

/* The endpoint that the frame shall come from, if it is registered; Z-Stack
 * refuses any other. */
static uint8_t source_of(const struct zb_request *r)
{
	return znp_endpoint_find(r->src_ep)->endpoint;
}

static void fill_data(
	struct znp *z, struct znp_slot *slot, const struct zb_request *r)
{
	struct znp_out out = {.len = 0};
	size_t trans_at = 0;

	put_data(&out, r, source_of(r), &trans_at);
	slot->command = slot->broadcast ? ZNP_AF_DATA_EXT : ZNP_AF_DATA;
	slot->confirms = true;
	if (r->find_route && !slot->broadcast)
		slot->first = ZNP_FIND_ROUTE;
	slot->trans_at = (uint8_t)trans_at;
	slot->len = (uint8_t)out.len;
	memcpy(slot->data, out.at, out.len);
	number_slot(z, slot);
}

unsigned znp_air_room(const struct znp *z)
{
	if (z->state != ZNP_UP || z->used >= z->network.window)
		return 0;
	return z->network.window - z->used;
}

int znp_air_send(struct znp *z, const struct zb_request *r)
{
	struct znp_slot *slot;

	if (r->asdu.len > ZNP_ASDU_MAX || !r->asdu.len)
		return -EMSGSIZE;
	if (!znp_air_room(z))
		return -EBUSY;
	slot = znp_air_take(z, r);
	if (!slot)
		return -EBUSY;
	z->used++;
	if (r->profile == ZB_PROFILE_ZDO && !znp_zdo_fill(z, slot, r)) {
		slot->state = ZNP_DOOMED;
		return 0;
	}
	if (r->profile != ZB_PROFILE_ZDO)
		fill_data(z, slot, r);
	queue_put(z, (unsigned)(slot - z->slots));
	return 0;
}

static void ask_first(struct znp *z, unsigned at)
{
	struct znp_slot *slot = &z->slots[at];
	struct znp_out out = {.len = 0};
	uint16_t command = ZNP_UTIL_LOOKUP;

	if (slot->first == ZNP_FIND_ROUTE) {
		command = ZNP_ZDO_ROUTE;
		znp_put16(&out, slot->nwk);
		znp_put8(&out, 0); /* to one device, not many to one */
		znp_put8(&out, RADIUS);
	} else {
		znp_put(&out, bytes_of(slot->data, 2)); /* of IEEE_addr_req */
	}
	znp_ask(z, ZNP_FIRST, at, command, bytes_of(out.at, out.len));
}

void znp_air_pump(struct znp *z)
{
	struct znp_slot *slot;
	unsigned at;

	if (z->state != ZNP_UP || z->asker != ZNP_NOBODY || !z->queue_len)
		return;
	at = z->queue[z->queue_at];
	z->queue_at = (z->queue_at + 1) % ZNP_SLOTS;
	z->queue_len--;
	slot = &z->slots[at];
	slot->state = ZNP_ASKED;
	if (slot->first != ZNP_NOTHING)
		ask_first(z, at);
	else
		znp_ask(z, ZNP_SLOT, at, slot->command,
			bytes_of(slot->data, slot->len));
}

/* ---- how it went ---- */

enum zb_sent znp_air_result(unsigned status)
{
	static const struct {
		uint8_t status;
		enum zb_sent result;
	} map[] = {
		{ZNP_SUCCESS, ZB_SENT_OK},
		{ZNP_MEM_ERROR, ZB_SENT_BUSY},
		{ZNP_BUFFER_FULL, ZB_SENT_BUSY},
		{ZNP_MAC_NO_RESOURCES, ZB_SENT_BUSY},
		{ZNP_MAC_CHANNEL, ZB_SENT_BUSY},
		{ZNP_MAC_OVERFLOW, ZB_SENT_BUSY},
		{ZNP_APS_NO_ACK, ZB_SENT_NO_ACK},
		{ZNP_NWK_NO_ACK, ZB_SENT_NO_ACK},
		{ZNP_MAC_NO_ACK, ZB_SENT_NO_ACK},
		{ZNP_NWK_NO_ROUTE, ZB_SENT_NO_ROUTE},
		{ZNP_MAC_EXPIRED, ZB_SENT_EXPIRED},
		{ZNP_MAC_TOO_LONG, ZB_SENT_TOO_LONG},
	};
	size_t i;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].status == status)
			return map[i].result;
	return ZB_SENT_FAILED;
}

static void to_the_air(struct znp *z, unsigned at)
{
	struct znp_slot *slot = &z->slots[at];

	if (!slot->confirms) {
		finish(z, at, ZB_SENT_OK, 0);
		return;
	}
	slot->state = ZNP_AIR;
	slot->until =
		z->now + (slot->broadcast ? ZNP_BROADCAST_MS : ZNP_CONFIRM_MS);
}

/* Whatever it brought, the frame goes now: what the coordinator knows may be
 * old. */
static void take_first(struct znp *z, unsigned at, bool ok, struct bytes data)
{
	struct znp_slot *slot = &z->slots[at];

	if (slot->first == ZNP_LOOK_UP && ok)
		znp_zdo_known(z, slot, data);
	else if (slot->first == ZNP_LOOK_UP)
		z->no_lookup = true;
	slot->first = ZNP_NOTHING;
	queue_put_first(z, at);
}

void znp_air_answer(struct znp *z, enum znp_asker asker, unsigned at, bool ok,
	struct bytes data)
{
	unsigned status = ok && data.len ? data.at[0] : 1;

	if (z->slots[at].state != ZNP_ASKED)
		return; /* its confirm was faster */
	if (asker == ZNP_FIRST)
		take_first(z, at, ok, data);
	else if (ok && status == ZNP_SUCCESS)
		to_the_air(z, at);
	else
		finish(z, at, znp_air_result(status), (int)status);
}

void znp_air_unanswered(struct znp *z, enum znp_asker asker, unsigned at)
{
	struct znp_slot *slot = &z->slots[at];

	if (slot->state != ZNP_ASKED)
		return;
	if (asker == ZNP_FIRST) {
		slot->first = ZNP_NOTHING;
		queue_put_first(z, at);
		return;
	}
	free_number(z, slot, true);
	if (slot->again) {
		finish(z, at, ZB_SENT_LOST, 0);
		return;
	}
	slot->again = true;
	if (slot->confirms)
		number_slot(z, slot);
	queue_put_first(z, at);
}

static void take_confirm(struct znp *z, struct bytes data)
{
	uint8_t status, trans;
	unsigned i;

	if (data.len < 3) {
		z->counts.malformed++;
		return;
	}
	status = data.at[0];
	trans = data.at[2];
	for (i = 0; i < ZNP_SLOTS; i++) {
		struct znp_slot *slot = &z->slots[i];

		if ((slot->state != ZNP_AIR && slot->state != ZNP_ASKED) ||
			!slot->confirms || slot->trans != trans)
			continue;
		finish(z, i, znp_air_result(status), status);
		return;
	}
	zb_number_late(&z->trans, trans);
	z->counts.late++;
}

void znp_air_time(struct znp *z)
{
	unsigned i;

	if (!z->used)
		return;
	for (i = 0; i < ZNP_SLOTS; i++) {
		struct znp_slot *slot = &z->slots[i];

		if (slot->state == ZNP_DOOMED) {
			finish(z, i, ZB_SENT_FAILED, 0);
		} else if (slot->state == ZNP_AIR && z->now >= slot->until) {
			finish(z, i,
				slot->broadcast ? ZB_SENT_OK : ZB_SENT_LOST, 0);
		}
	}
}

int64_t znp_air_deadline(const struct znp *z)
{
	int64_t at = INT64_MAX;
	unsigned i;

	if (!z->used)
		return at;
	for (i = 0; i < ZNP_SLOTS; i++) {
		if (z->slots[i].state == ZNP_DOOMED)
			return z->now;
		if (z->slots[i].state == ZNP_AIR && z->slots[i].until < at)
			at = z->slots[i].until;
	}
	return at;
}

void znp_air_lose_all(struct znp *z)
{
	unsigned i;

	z->queue_at = 0;
	z->queue_len = 0;
	memset(z->zdo, 0, sizeof(z->zdo));
	z->broadcast.there = false;
	for (i = 0; i < ZNP_SLOTS; i++)
		if (z->slots[i].state != ZNP_FREE)
			finish(z, i, ZB_SENT_LOST, 0);
}

/* ---- from the air ---- */

static void deliver(
	struct znp *z, struct znp_in *in, bool wide, struct zb_indication *i)
{
	size_t len;

	i->profile = znp_endpoint_find(i->dst_ep)->profile;
	i->broadcast = znp_get8(in) != 0;
	i->lqi = znp_get8(in);
	i->aps_security = znp_get8(in) != 0;
	znp_get32(in); /* when, in units of its MAC */
	znp_get8(in);  /* the sender's number for it */
	len = wide ? znp_get16(in) : znp_get8(in);
	i->asdu = znp_get(in, len); /* what follows differs by release */
	if (in->bad || !len || len > ZB_ASDU_MAX) {
		z->counts.malformed++;
		return;
	}
	z->host->heard(z->arg, i);
}

static void take_incoming(struct znp *z, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	struct zb_indication i = {0};

	znp_get16(&in); /* the group it was sent to */
	i.cluster = znp_get16(&in);
	i.nwk = znp_get16(&in);
	i.src_ep = znp_get8(&in);
	i.dst_ep = znp_get8(&in);
	deliver(z, &in, false, &i);
}

static void take_incoming_ext(struct znp *z, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	struct zb_indication i = {0};
	uint64_t address;
	unsigned mode;

	znp_get16(&in); /* the group it was sent to */
	i.cluster = znp_get16(&in);
	mode = znp_get8(&in);
	address = znp_get64(&in);
	i.src_ep = znp_get8(&in);
	znp_get16(&in); /* its PAN */
	i.dst_ep = znp_get8(&in);
	if (mode != ADDRESS_SHORT && mode != ADDRESS_LONG) {
		z->counts.malformed++;
		return;
	}
	i.nwk = mode == ADDRESS_SHORT ? (uint16_t)address : ZB_NWK_UNKNOWN;
	i.eui64 = mode == ADDRESS_LONG ? address : 0;
	deliver(z, &in, true, &i);
}

void znp_air_areq(struct znp *z, uint16_t command, struct bytes data)
{
	if (command == ZNP_AF_CONFIRM)
		take_confirm(z, data);
	else if (command == ZNP_AF_INCOMING)
		take_incoming(z, data);
	else if (command == ZNP_AF_INCOMING_EXT)
		take_incoming_ext(z, data);
	else if (!znp_zdo_areq(z, command, data))
		z->counts.unknown++;
}

#include "transports/zigbee/znp.h"

#include <string.h>

/* ZDO clusters. The answer to cluster 0x00xx is 0x80xx, and Z-Stack's command
 * for it is 25 xx, answered by 45 80 + xx, without the transaction number. */
enum zdo_cluster {
	ZDO_NWK_ADDR = 0x0000,
	ZDO_IEEE_ADDR = 0x0001,
	ZDO_ANNCE = 0x0013,
	ZDO_BIND = 0x0021,
	ZDO_UNBIND = 0x0022,
	ZDO_PERMIT_JOIN = 0x0036,
	ZDO_ANSWER = 0x8000,
};

#define IEEE_ADDR_LEN 4u /* short address, type, start */
#define ADDR_SINGLE 0u	 /* type: without its children */
#define BIND_LEN 21u	 /* eui64, endpoint, cluster, mode, eui64, endpoint */
#define ANNCE_LEN 13u	 /* source, short address, eui64, capability */

/* Requests whose command is the destination and then the frame as it is. */
static bool is_plain(uint16_t cluster)
{
	static const uint16_t plain[] = {0x0002, 0x0003, 0x0004, 0x0005, 0x0006,
		0x0031, 0x0032, 0x0033, 0x0034};
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i] == cluster)
			return true;
	return false;
}

static bool fill(
	struct znp_out *out, const struct zb_request *r, struct bytes body)
{
	switch (r->cluster) {
	case ZDO_NWK_ADDR:  /* always a broadcast */
	case ZDO_IEEE_ADDR: /* always to the device itself */
		break;
	case ZDO_PERMIT_JOIN:
		znp_put8(out, r->nwk >= 0xfff8 ? 0x0f : 0x02);
		znp_put16(out, r->nwk);
		break;
	default:
		if (!is_plain(r->cluster) && r->cluster != ZDO_BIND &&
			r->cluster != ZDO_UNBIND)
			return false;
		znp_put16(out, r->nwk);
		break;
	}
	znp_put(out, body);
	/* A binding to a group is shorter on the air, but not here. */
	if (r->cluster == ZDO_BIND || r->cluster == ZDO_UNBIND)
		while (out->len < 2 + BIND_LEN)
			znp_put8(out, 0);
	return !out->bad;
}

/* Of whom the answer will speak. */
static uint64_t whom_of(uint16_t cluster, struct bytes body, uint16_t nwk)
{
	struct znp_in in = znp_in_of(body);

	if (cluster == ZDO_NWK_ADDR)
		return znp_get64(&in);
	return cluster == ZDO_IEEE_ADDR ? znp_get16(&in) : nwk;
}

/* The transaction number of the request that this answers; 0 when there was
 * none of ours. A broadcast is answered by many. */
static uint8_t tsn_of(struct znp *z, uint16_t cluster, uint64_t whom)
{
	struct znp_zdo_asked *a;

	for (a = z->zdo; a < z->zdo + ZNP_ZDO_ASKED; a++) {
		if (!a->there || a->cluster != cluster || a->whom != whom)
			continue;
		a->there = false;
		return a->tsn;
	}
	return z->broadcast.there && z->broadcast.cluster == cluster
		       ? z->broadcast.tsn
		       : 0;
}

/* Where a request is noted: the same one again takes the place of the first. */
static struct znp_zdo_asked *asked_at(
	struct znp *z, uint16_t cluster, uint64_t whom, bool broadcast)
{
	struct znp_zdo_asked *a;

	if (broadcast)
		return &z->broadcast;
	for (a = z->zdo; a < z->zdo + ZNP_ZDO_ASKED; a++)
		if (a->there && a->cluster == cluster && a->whom == whom)
			return a;
	a = &z->zdo[z->zdo_next];
	z->zdo_next = (z->zdo_next + 1) % ZNP_ZDO_ASKED;
	return a;
}

static void note_asked(struct znp *z, const struct zb_request *r, uint64_t whom)
{
	bool broadcast = r->nwk >= 0xfff8 && r->cluster != ZDO_NWK_ADDR;

	*asked_at(z, r->cluster, whom, broadcast) = (struct znp_zdo_asked){
		.there = true,
		.cluster = r->cluster,
		.whom = whom,
		.tsn = r->asdu.at[0],
	};
}

bool znp_zdo_fill(
	struct znp *z, struct znp_slot *slot, const struct zb_request *r)
{
	struct bytes body = bytes_slice(r->asdu, 1, r->asdu.len);
	struct znp_out out = {.len = 0};

	if (!fill(&out, r, body))
		return false;
	if (r->cluster == ZDO_IEEE_ADDR && out.len < IEEE_ADDR_LEN)
		return false;
	slot->command = (uint16_t)(ZNP_ZDO_NWK_ADDR + r->cluster);
	slot->len = (uint8_t)out.len;
	memcpy(slot->data, out.at, out.len);
	if (r->cluster == ZDO_IEEE_ADDR && out.at[2] == ADDR_SINGLE &&
		!z->no_lookup)
		slot->first = ZNP_LOOK_UP;
	note_asked(z, r, whom_of(r->cluster, body, r->nwk));
	return true;
}

static void deliver(
	struct znp *z, struct zb_indication *i, const struct znp_out *asdu)
{
	if (asdu->bad || !asdu->len || asdu->len > ZB_ASDU_MAX) {
		z->counts.malformed++;
		return;
	}
	i->profile = ZB_PROFILE_ZDO;
	i->asdu = bytes_of(asdu->at, asdu->len);
	z->host->heard(z->arg, i);
}

/* 45 80 and 45 81: status, eui64, nwk, start, count, list. On the air the count
 * comes first, and only if a list was asked for. */
static void take_address(struct znp *z, uint16_t cluster, struct bytes data)
{
	struct zb_indication i = {0};
	struct znp_in in = znp_in_of(data);
	struct znp_out asdu = {.len = 0};
	unsigned status = znp_get8(&in), start, count;
	uint64_t eui64 = znp_get64(&in);
	uint16_t nwk = znp_get16(&in);
	struct bytes list;

	start = znp_get8(&in);
	count = znp_get8(&in);
	list = znp_get(&in, 2 * (size_t)count);
	if (in.bad) {
		z->counts.malformed++;
		return;
	}
	znp_put8(&asdu,
		tsn_of(z, cluster, cluster == ZDO_NWK_ADDR ? eui64 : nwk));
	znp_put8(&asdu, status);
	znp_put64(&asdu, eui64);
	znp_put16(&asdu, nwk);
	if (count) {
		znp_put8(&asdu, count);
		znp_put8(&asdu, start);
		znp_put(&asdu, list);
	}
	i.nwk = nwk;
	i.eui64 = eui64;
	i.cluster = (uint16_t)(ZDO_ANSWER | cluster);
	deliver(z, &i, &asdu);
}

void znp_zdo_known(
	struct znp *z, const struct znp_slot *slot, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	uint64_t eui64 = znp_get64(&in);

	if (!in.bad && eui64 && eui64 != UINT64_MAX)
		z->host->known(z->arg, eui64, get_le16(slot->data));
}

/* 45 82 to 45 b8: source, then the frame without its number. */
static void take_response(struct znp *z, uint16_t cluster, struct bytes data)
{
	struct zb_indication i = {0};
	struct znp_in in = znp_in_of(data);
	struct znp_out asdu = {.len = 0};

	i.nwk = znp_get16(&in);
	i.cluster = (uint16_t)(ZDO_ANSWER | cluster);
	if (in.bad || !in.rest.len) {
		z->counts.malformed++;
		return;
	}
	znp_put8(&asdu, tsn_of(z, cluster, i.nwk));
	znp_put(&asdu, in.rest);
	deliver(z, &i, &asdu);
}

static void take_announce(struct znp *z, struct bytes data)
{
	struct zb_indication i = {0};
	struct znp_out asdu = {.len = 0};
	struct znp_in in;

	if (data.len < ANNCE_LEN) {
		z->counts.malformed++;
		return;
	}
	in = znp_in_of(bytes_slice(data, 2, ANNCE_LEN - 2));
	znp_put8(&asdu, 0); /* its number is not told */
	znp_put(&asdu, in.rest);
	i.nwk = znp_get16(&in);
	i.eui64 = znp_get64(&in);
	i.cluster = ZDO_ANNCE;
	i.broadcast = true;
	deliver(z, &i, &asdu);
}

/* Answers have the number that Z-Stack gave the question, not ours. */
static uint8_t tsn_of_frame(
	struct znp *z, uint16_t cluster, uint16_t from, struct bytes frame)
{
	uint16_t asked = cluster & (uint16_t)~ZDO_ANSWER;
	struct znp_in in = znp_in_of(frame);
	uint64_t eui64;

	if (asked != ZDO_NWK_ADDR && asked != ZDO_IEEE_ADDR)
		return tsn_of(z, asked, from);
	znp_get8(&in); /* status */
	eui64 = znp_get64(&in);
	return tsn_of(z, asked, asked == ZDO_NWK_ADDR ? eui64 : znp_get16(&in));
}

/* 45 ff: source, broadcast, cluster, security, number, MAC destination, frame.
 * Comes when ZDO was subscribed to; and always for the address of a sleeping
 * child of the coordinator itself, which it answers in the child's place. */
static void take_message(struct znp *z, struct bytes data)
{
	struct zb_indication i = {0};
	struct znp_in in = znp_in_of(data);
	struct znp_out asdu = {.len = 0};
	uint8_t tsn;

	i.nwk = znp_get16(&in);
	i.broadcast = znp_get8(&in) != 0;
	i.cluster = znp_get16(&in);
	i.aps_security = znp_get8(&in) != 0;
	tsn = znp_get8(&in);
	znp_get16(&in); /* the MAC's destination */
	znp_put8(&asdu, i.cluster & ZDO_ANSWER
				? tsn_of_frame(z, i.cluster, i.nwk, in.rest)
				: tsn);
	znp_put(&asdu, in.rest);
	if (in.bad) {
		z->counts.malformed++;
		return;
	}
	deliver(z, &i, &asdu);
}

/* 45 ca: a device was let in by the trust centre; its announcement, if it is
 * heard, comes later. */
static void take_tc_device(struct znp *z, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	uint16_t nwk = znp_get16(&in);
	uint64_t eui64 = znp_get64(&in);

	if (in.bad || !eui64) {
		z->counts.malformed++;
		return;
	}
	z->host->node(z->arg, eui64, nwk, -1, true, false);
}

static void take_leave(struct znp *z, struct bytes data)
{
	struct znp_in in = znp_in_of(data);
	uint16_t nwk = znp_get16(&in);
	uint64_t eui64 = znp_get64(&in);
	bool rejoin;

	znp_get8(&in); /* asked to leave, or has left */
	znp_get8(&in); /* with its children */
	rejoin = znp_get8(&in) != 0;
	if (in.bad || !eui64) {
		z->counts.malformed++;
		return;
	}
	if (!rejoin)
		z->host->node(z->arg, eui64, nwk, -1, false, true);
}

bool znp_zdo_areq(struct znp *z, uint16_t command, struct bytes data)
{
	unsigned low = command & 0xffu;

	switch (command) {
	case ZNP_ZDO_NWK_ADDR_RSP:
	case ZNP_ZDO_IEEE_ADDR_RSP:
		take_address(z, (uint16_t)(low & 0x7f), data);
		return true;
	case ZNP_ZDO_ANNCE:
		take_announce(z, data);
		return true;
	case ZNP_ZDO_TC_DEVICE:
		take_tc_device(z, data);
		return true;
	case ZNP_ZDO_LEAVE:
		take_leave(z, data);
		return true;
	case ZNP_ZDO_MESSAGE:
		take_message(z, data);
		return true;
	}
	if (command >> 8 != 0x45 || low < 0x82 || low > 0xb8)
		return false;
	take_response(z, (uint16_t)(low & 0x7f), data);
	return true;
}

#include "transports/zigbee/ezsp_frame.h"

#define CONTROL_RESPONSE 0x80u
#define CONTROL_CALLBACK 0x18u /* answer to a callback command, or unasked */
#define CONTROL_TRUNCATED 0x02u
#define CONTROL_OVERFLOW 0x01u
#define FORMAT_EXTENDED 0x01u
#define FORMAT_MASK 0x03u

#define OPTION_ENCRYPTION 0x0020u
#define OPTION_RETRY 0x0040u /* APS acknowledgement */
#define OPTION_ENABLE_ROUTE_DISCOVERY 0x0100u
#define OPTION_FORCE_ROUTE_DISCOVERY 0x0200u

#define OUTGOING_DIRECT 0u
#define BROADCAST_FIRST 0xfff8u
#define RADIUS 0u /* as far as the network allows */

/* Kinds of incoming messages. */
#define INCOMING_MULTICAST 2u
#define INCOMING_MULTICAST_LOOPBACK 3u
#define INCOMING_BROADCAST 4u
#define INCOMING_BROADCAST_LOOPBACK 5u

void ezsp_put(struct ezsp_writer *w, unsigned bytes, uint64_t value)
{
	if (w->bad || sizeof(w->at) - w->len < bytes) {
		w->bad = true;
		return;
	}
	for (; bytes; bytes--) {
		w->at[w->len++] = (uint8_t)value;
		value >>= 8;
	}
}

void ezsp_put_bytes(struct ezsp_writer *w, struct bytes b)
{
	if (w->bad || sizeof(w->at) - w->len < b.len) {
		w->bad = true;
		return;
	}
	if (b.len)
		memcpy(w->at + w->len, b.at, b.len);
	w->len += b.len;
}

uint64_t ezsp_get(struct ezsp_reader *r, unsigned bytes)
{
	struct bytes b = ezsp_get_bytes(r, bytes);
	uint64_t value = 0;
	size_t i;

	for (i = b.len; i; i--)
		value = value << 8 | b.at[i - 1];
	return value;
}

struct bytes ezsp_get_bytes(struct ezsp_reader *r, size_t len)
{
	struct bytes b = bytes_slice(r->left, 0, len);

	if (b.len < len) {
		r->bad = true;
		r->left = bytes_slice(r->left, r->left.len, 0);
		return r->left;
	}
	r->left = bytes_slice(r->left, len, r->left.len);
	return b;
}

struct bytes ezsp_get_counted(struct ezsp_reader *r)
{
	size_t len = ezsp_get(r, 1);

	return ezsp_get_bytes(r, len);
}

uint32_t ezsp_get_status(struct ezsp_reader *r, unsigned version)
{
	return (uint32_t)ezsp_get(r, version >= EZSP_VERSION_WIDE ? 4 : 1);
}

void ezsp_begin(struct ezsp_writer *w, uint8_t seq, bool legacy,
	enum ezsp_id id)
{
	w->len = 0;
	w->bad = false;
	ezsp_put(w, 1, seq);
	ezsp_put(w, 1, 0);
	if (legacy) {
		ezsp_put(w, 1, id);
		return;
	}
	ezsp_put(w, 1, FORMAT_EXTENDED);
	ezsp_put(w, 2, id);
}

bool ezsp_head_read(struct bytes frame, bool legacy, struct ezsp_head *ret)
{
	struct ezsp_reader r = {frame, false};
	struct ezsp_head h = {0};
	uint8_t control, third;

	h.seq = (uint8_t)ezsp_get(&r, 1);
	control = (uint8_t)ezsp_get(&r, 1);
	h.callback = control & CONTROL_CALLBACK;
	h.overflow = control & CONTROL_OVERFLOW;
	h.truncated = control & CONTROL_TRUNCATED;
	third = (uint8_t)ezsp_get(&r, 1);
	if ((third & FORMAT_MASK) == FORMAT_EXTENDED)
		h.id = (uint16_t)ezsp_get(&r, 2);
	else if (legacy)
		h.id = third;
	else
		return false;
	h.params = r.left;
	if (r.bad || !(control & CONTROL_RESPONSE))
		return false;
	*ret = h;
	return true;
}

/* One line a status that matters: its number before version 14 and from then
 * on, 0 where there is none. */
static const struct {
	uint32_t narrow, wide;
	enum zb_sent sent;
	enum ezsp_network network;
} statuses[] = {
	{0x18, 0x0019, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},   /* no buffers */
	{0, 0x0004, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},      /* busy */
	{0, 0x001a, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},      /* no resource */
	{0, 0x001c, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},      /* full */
	{0x39, 0x0053, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},   /* MAC queue full */
	{0x3d, 0x004d, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},   /* scanning */
	{0x8c, 0x0034, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},   /* transmitting */
	{0x8d, 0x004c, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},   /* CCA failure */
	{0x8e, 0x0058, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},   /* blocked */
	{0x40, 0x0040, ZB_SENT_NO_ACK, EZSP_NETWORK_OTHER}, /* MAC no ack */
	{0x42, 0x0041, ZB_SENT_EXPIRED, EZSP_NETWORK_OTHER}, /* indirect */
	{0x66, 0x0c02, ZB_SENT_NO_ACK, EZSP_NETWORK_OTHER}, /* undelivered */
	{0, 0x0c20, ZB_SENT_NO_ACK, EZSP_NETWORK_OTHER},    /* APS no ack */
	{0x72, 0x0c03, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},   /* message limit */
	{0x74, 0x0038, ZB_SENT_TOO_LONG, EZSP_NETWORK_OTHER},
	{0x90, 0x0015, ZB_SENT_FAILED, EZSP_NETWORK_UP},
	{0x91, 0x0016, ZB_SENT_LOST, EZSP_NETWORK_DOWN},
	{0x93, 0x0017, ZB_SENT_LOST, EZSP_NETWORK_NOT_JOINED},
	{0x99, 0x0c07, ZB_SENT_FAILED, EZSP_NETWORK_MOVED}, /* own address */
	{0x9a, 0x0c16, ZB_SENT_FAILED, EZSP_NETWORK_MOVED}, /* PAN id */
	{0x9b, 0x0c17, ZB_SENT_FAILED, EZSP_NETWORK_MOVED}, /* channel */
	{0xa1, 0, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},        /* network busy */
	{0xa9, 0x0c13, ZB_SENT_NO_ROUTE, EZSP_NETWORK_OTHER}, /* source route */
	{0xaa, 0x0c14, ZB_SENT_NO_ROUTE, EZSP_NETWORK_OTHER}, /* many to one */
	{0, 0x0c24, ZB_SENT_BUSY, EZSP_NETWORK_OTHER},      /* discovery runs */
	{0, 0x0c26, ZB_SENT_NO_ROUTE, EZSP_NETWORK_OTHER},
};

/* The row of a status, or -1. */
static int status_row(unsigned version, uint32_t status)
{
	uint32_t number;
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		number = version >= EZSP_VERSION_WIDE ? statuses[i].wide :
			statuses[i].narrow;
		if (number && number == status)
			return (int)i;
	}
	return -1;
}

enum ezsp_network ezsp_network_of(unsigned version, uint32_t status)
{
	int row = status_row(version, status);

	return row < 0 ? EZSP_NETWORK_OTHER : statuses[row].network;
}

enum zb_sent ezsp_sent_of(unsigned version, uint32_t status)
{
	int row = status_row(version, status);

	if (!status)
		return ZB_SENT_OK;
	return row < 0 ? ZB_SENT_FAILED : statuses[row].sent;
}

static void put_aps(struct ezsp_writer *w, const struct zb_request *r)
{
	unsigned options = r->find_route ? OPTION_FORCE_ROUTE_DISCOVERY :
		OPTION_ENABLE_ROUTE_DISCOVERY;

	if (r->ack)
		options |= OPTION_RETRY;
	if (r->nwk >= BROADCAST_FIRST)
		options = 0;
	ezsp_put(w, 2, r->profile);
	ezsp_put(w, 2, r->cluster);
	ezsp_put(w, 1, r->src_ep);
	ezsp_put(w, 1, r->dst_ep);
	ezsp_put(w, 2, options);
	ezsp_put(w, 2, 0); /* group */
	ezsp_put(w, 1, 0); /* sequence: the coprocessor's */
}

void ezsp_put_send(struct ezsp_writer *w, unsigned version,
	const struct zb_request *r, uint16_t tag)
{
	bool wide = version >= EZSP_VERSION_WIDE;

	if (r->nwk < BROADCAST_FIRST) {
		ezsp_put(w, 1, OUTGOING_DIRECT);
		ezsp_put(w, 2, r->nwk);
		put_aps(w, r);
	} else {
		if (wide)
			ezsp_put(w, 2, 0); /* alias: none */
		ezsp_put(w, 2, r->nwk);
		if (wide)
			ezsp_put(w, 1, 0); /* sequence of the alias */
		put_aps(w, r);
		ezsp_put(w, 1, RADIUS);
	}
	ezsp_put(w, wide ? 2 : 1, tag);
	ezsp_put(w, 1, r->asdu.len);
	ezsp_put_bytes(w, r->asdu);
}

struct aps {
	uint16_t profile, cluster, options;
	uint8_t src_ep, dst_ep;
};

static struct aps get_aps(struct ezsp_reader *r)
{
	struct aps a;

	a.profile = (uint16_t)ezsp_get(r, 2);
	a.cluster = (uint16_t)ezsp_get(r, 2);
	a.src_ep = (uint8_t)ezsp_get(r, 1);
	a.dst_ep = (uint8_t)ezsp_get(r, 1);
	a.options = (uint16_t)ezsp_get(r, 2);
	ezsp_get(r, 3); /* group and sequence */
	return a;
}

bool ezsp_sent_read(struct bytes params, unsigned version,
	struct ezsp_sent *ret)
{
	bool wide = version >= EZSP_VERSION_WIDE;
	struct ezsp_reader r = {params, false};
	struct ezsp_sent s = {0};

	if (wide)
		s.status = ezsp_get_status(&r, version);
	ezsp_get(&r, 3); /* kind and destination */
	get_aps(&r);
	s.tag = (uint16_t)ezsp_get(&r, wide ? 2 : 1);
	if (!wide)
		s.status = ezsp_get_status(&r, version);
	if (r.bad)
		return false;
	*ret = s;
	return true;
}

static void get_sender(struct ezsp_reader *r, bool wide,
	struct zb_indication *i)
{
	if (wide) {
		i->nwk = (uint16_t)ezsp_get(r, 2);
		i->eui64 = ezsp_get(r, 8);
		ezsp_get(r, 2); /* indices of bindings and addresses */
	}
	i->lqi = (uint8_t)ezsp_get(r, 1);
	i->rssi = (int8_t)(uint8_t)ezsp_get(r, 1);
	if (wide) {
		ezsp_get(r, 4); /* time stamp */
	} else {
		i->nwk = (uint16_t)ezsp_get(r, 2);
		ezsp_get(r, 2);
	}
	if (i->eui64 == UINT64_MAX)
		i->eui64 = 0;
}

bool ezsp_incoming_read(struct bytes params, unsigned version,
	struct zb_indication *ret)
{
	struct ezsp_reader r = {params, false};
	struct zb_indication i = {0};
	uint8_t kind = (uint8_t)ezsp_get(&r, 1);
	struct aps aps = get_aps(&r);

	get_sender(&r, version >= EZSP_VERSION_WIDE, &i);
	i.profile = aps.profile;
	i.cluster = aps.cluster;
	i.src_ep = aps.src_ep;
	i.dst_ep = aps.dst_ep;
	i.aps_security = aps.options & OPTION_ENCRYPTION;
	i.broadcast = kind == INCOMING_BROADCAST || kind == INCOMING_MULTICAST;
	i.asdu = ezsp_get_counted(&r);
	if (r.bad || kind == INCOMING_BROADCAST_LOOPBACK ||
			kind == INCOMING_MULTICAST_LOOPBACK)
		return false;
	*ret = i;
	return true;
}

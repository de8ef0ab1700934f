#include "ezsp_peer.h"

#include <stdlib.h>

struct out {
	uint8_t at[220];
	size_t len;
};

static void put(struct out *o, unsigned bytes, uint64_t value)
{
	while (bytes--) {
		o->at[o->len++] = (uint8_t)value;
		value >>= 8;
	}
}

static void put_raw(struct out *o, struct bytes b)
{
	if (b.len)
		memcpy(o->at + o->len, b.at, b.len);
	o->len += b.len;
}

static bool is_wide(const struct ezsp_peer *p)
{
	return p->version >= 14;
}

static void put_status(const struct ezsp_peer *p, struct out *o,
	uint32_t status)
{
	put(o, is_wide(p) ? 4 : 1, status);
}

static void send_out(struct ezsp_peer *p, const struct out *o)
{
	ash_peer_send(&p->ash, p->now, bytes_of(o->at, o->len));
}

static void begin(struct out *o, uint8_t seq, uint8_t control, uint16_t id)
{
	o->len = 0;
	put(o, 1, seq);
	put(o, 1, control);
	put(o, 1, 1);
	put(o, 2, id);
}

void ezsp_peer_callback(struct ezsp_peer *p, uint16_t id, struct bytes params)
{
	struct out o;

	begin(&o, 0, p->overflow ? 0x91 : 0x90, id);
	p->overflow = false;
	put_raw(&o, params);
	send_out(p, &o);
}

void ezsp_peer_status(struct ezsp_peer *p, uint32_t narrow, uint32_t wide)
{
	struct out o = {.len = 0};

	put_status(p, &o, is_wide(p) ? wide : narrow);
	ezsp_peer_callback(p, 0x0019, bytes_of(o.at, o.len));
}

static void put_aps(struct out *o, uint16_t profile, uint16_t cluster)
{
	put(o, 2, profile);
	put(o, 2, cluster);
	put(o, 1, 3);
	put(o, 1, 1);
	put(o, 2, 0x0140);
	put(o, 2, 0);
	put(o, 1, 0x77);
}

void ezsp_peer_sent(struct ezsp_peer *p, uint16_t tag, uint32_t status)
{
	struct out o = {.len = 0};

	if (is_wide(p))
		put(&o, 4, status);
	put(&o, 1, 0);
	put(&o, 2, 0x1000);
	put_aps(&o, 0x0104, 0x0019);
	put(&o, is_wide(p) ? 2 : 1, tag);
	if (!is_wide(p))
		put(&o, 1, status);
	put(&o, 1, 0);
	ezsp_peer_callback(p, 0x003f, bytes_of(o.at, o.len));
}

void ezsp_peer_incoming(struct ezsp_peer *p, uint8_t kind, uint16_t nwk,
	uint64_t eui64, uint16_t profile, uint16_t cluster, struct bytes asdu)
{
	struct out o = {.len = 0};

	put(&o, 1, kind);
	put_aps(&o, profile, cluster);
	if (is_wide(p)) {
		put(&o, 2, nwk);
		put(&o, 8, eui64);
		put(&o, 2, 0xffff);
	}
	put(&o, 1, 200);
	put(&o, 1, (uint8_t)-60);
	if (is_wide(p)) {
		put(&o, 4, 12345);
	} else {
		put(&o, 2, nwk);
		put(&o, 2, 0xffff);
	}
	put(&o, 1, asdu.len);
	put_raw(&o, asdu);
	ezsp_peer_callback(p, 0x0045, bytes_of(o.at, o.len));
}

int ezsp_peer_find(const struct ezsp_peer *p, uint16_t id, unsigned n)
{
	unsigned i;

	for (i = 0; i < p->count; i++)
		if (p->log[i].id == id && !n--)
			return (int)i;
	return -1;
}

static void answer_version(struct ezsp_peer *p, uint8_t seq, unsigned asked,
	bool legacy)
{
	struct out o = {.len = 0};

	if (legacy) {
		p->legacy++;
		put(&o, 1, seq);
		put(&o, 1, 0x80);
		put(&o, 1, 0);
	} else {
		begin(&o, seq, 0x80, 0);
		if (!p->insists && asked < p->version)
			p->version = asked;
	}
	put(&o, 1, p->version);
	put(&o, 1, 2);
	put(&o, 2, 0x7440);
	send_out(p, &o);
}

/* Before version 14 the tag is the byte before the length, from then on the two
 * bytes before it. */
static uint16_t tag_of(const struct ezsp_peer *p, uint16_t id, struct bytes b)
{
	size_t at = id == 0x0034 ? 14 : is_wide(p) ? 17 : 14;

	return is_wide(p) ? get_le16(b.at + at) : b.at[at];
}

static void put_parameters(const struct ezsp_peer *p, struct out *o)
{
	put(o, 1, 1);
	put(o, 8, 0xdddddddddddddddd);
	put(o, 2, 0x1a62);
	put(o, 1, 8);
	put(o, 1, p->channel);
	put(o, 1, 0);
	put(o, 2, 0);
	put(o, 1, 0);
	put(o, 4, 0x07fff800);
}

/* Parameters of the answer behind a status of 0. */
static void put_answer(struct ezsp_peer *p, struct out *o, uint16_t id)
{
	switch (id) {
	case 0x00aa:
		put(o, 1, 7);
		put_raw(o, bytes_of("\x2a\x00\x07\x04\x04\x00\xaa", 7));
		break;
	case 0x0028:
		put_parameters(p, o);
		break;
	case 0x0049:
		put(o, 2, 0x1234);
		break;
	case 0x0034:
	case 0x0036:
		put(o, 1, 0x55);
		break;
	case 0x0061:
		put(o, 8, p->known);
		break;
	}
}

static uint32_t status_of(const struct ezsp_peer *p, uint16_t id)
{
	if (id == p->failed_id)
		return p->failed_status;
	if (id == 0x0017 && !p->joined)
		return is_wide(p) ? 0x17 : 0x93;
	if (id == 0x0061 && !p->known)
		return 1;
	return 0;
}

static void answer(struct ezsp_peer *p, uint8_t seq, uint16_t id)
{
	struct out o;

	begin(&o, seq, 0x80, id);
	if (id == p->refused_id) {
		begin(&o, seq, 0x80, 0x0058);
		put_status(p, &o, 0x30);
	} else if (id == 0x0026) {
		put(&o, 8, p->eui64);
	} else if (id == 0x0033) {
		put(&o, 1, 82);
	} else if (id == 0x005a) {
		put(&o, 4, 5000);
	} else if (id != 0x0005) {
		put_status(p, &o, status_of(p, id));
		put_answer(p, &o, id);
	}
	send_out(p, &o);
	if (((id == 0x0017 && p->joined) || id == 0x001e) && !p->never_up)
		ezsp_peer_status(p, 0x90, 0x15);
}

static void log_command(struct ezsp_peer *p, uint16_t id, struct bytes params)
{
	if (p->count >= EZSP_PEER_LOG)
		abort();
	p->log[p->count].id = id;
	p->log[p->count].len = params.len;
	if (params.len)
		memcpy(p->log[p->count].at, params.at, params.len);
	p->count++;
}

static void on_data(void *arg, struct bytes b)
{
	struct ezsp_peer *p = arg;
	bool legacy = b.len == 4 && b.at[2] == 0;
	uint16_t id = legacy ? 0 : get_le16(b.at + 3);
	struct bytes params = bytes_slice(b, legacy ? 3 : 5, b.len);

	log_command(p, id, params);
	if (id == p->dumb_id && id)
		return;
	p->nops += id == 0x0005;
	if (id == 0) {
		answer_version(p, b.at[0], params.at[0], legacy);
		return;
	}
	if (id == 0x0034 || id == 0x0036)
		p->last_tag = tag_of(p, id, params);
	if (id == 0x0034 && p->sent_first)
		ezsp_peer_sent(p, p->last_tag, 0);
	answer(p, b.at[0], id);
}

void ezsp_peer_init(struct ezsp_peer *p, unsigned version)
{
	memset(p, 0, sizeof(*p));
	ash_peer_init(&p->ash);
	p->ash.on_data = on_data;
	p->ash.arg = p;
	p->version = version;
	p->joined = true;
	p->channel = 11;
	p->eui64 = 0x00124b0009d69f77;
	p->refused_id = p->dumb_id = p->failed_id = 0xffff;
}

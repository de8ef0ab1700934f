#include "tools/sim/zigbee/ncp_zdo.h"

enum {
	NWK_ADDR = 0x0000,
	IEEE_ADDR = 0x0001,
	NODE_DESC = 0x0002,
	POWER_DESC = 0x0003,
	SIMPLE_DESC = 0x0004,
	ACTIVE_EP = 0x0005,
	MATCH_DESC = 0x0006,
	PERMIT_JOINING = 0x0036,
};

#define SUCCESS 0x00u
#define INVALID_REQUEST 0x80u
#define DEVICE_NOT_FOUND 0x81u
#define INVALID_ENDPOINT 0x82u
#define NOT_SUPPORTED 0x84u
#define OWN_NWK 0x0000u

struct zdo_endpoint *zdo_find(struct zdo_self *self, uint8_t endpoint)
{
	for (size_t i = 0; i < self->count; i++)
		if (self->endpoints[i].endpoint == endpoint)
			return &self->endpoints[i];
	return NULL;
}

static void put_addresses(struct wire_out *out, const struct zdo_self *self)
{
	wire_put8(out, SUCCESS);
	wire_put64(out, self->eui64);
	wire_put16(out, OWN_NWK);
}

/* A coordinator at 2.4 GHz, mains powered, trust center, revision 22. */
static void put_node_descriptor(
	struct wire_out *out, const struct zdo_self *self)
{
	wire_put8(out, 0x00);
	wire_put8(out, 0x40);
	wire_put8(out, 0x8f);
	wire_put16(out, self->manufacturer);
	wire_put8(out, 82);
	wire_put16(out, 128);
	wire_put16(out, 22u << 9 | 0x0001u);
	wire_put16(out, 128);
	wire_put8(out, 0);
}

static void put_simple_descriptor(
	struct wire_out *out, const struct zdo_endpoint *e)
{
	wire_put8(out, 8u + 2u * e->in_count + 2u * e->out_count);
	wire_put8(out, e->endpoint);
	wire_put16(out, e->profile);
	wire_put16(out, e->device);
	wire_put8(out, e->version);
	wire_put8(out, e->in_count);
	for (unsigned i = 0; i < e->in_count; i++)
		wire_put16(out, e->in[i]);
	wire_put8(out, e->out_count);
	for (unsigned i = 0; i < e->out_count; i++)
		wire_put16(out, e->out[i]);
}

static bool has_one_of(const uint16_t *own, size_t count, struct bytes wanted)
{
	for (size_t at = 0; at + 2 <= wanted.len; at += 2)
		for (size_t i = 0; i < count; i++)
			if (own[i] == get_le16(wanted.at + at))
				return true;
	return false;
}

/* Clients look among their server's input clusters. */
static void answer_match(const struct zdo_self *self, struct wire_in *in,
	struct wire_out *out)
{
	uint16_t profile = wire_u16(in);
	struct bytes ins = wire_take(in, 2u * wire_u8(in));
	struct bytes outs = wire_take(in, 2u * wire_u8(in));
	uint8_t found[ZDO_ENDPOINTS_MAX];
	unsigned count = 0;

	for (size_t i = 0; i < self->count; i++) {
		const struct zdo_endpoint *e = &self->endpoints[i];

		if (e->profile == profile &&
			(has_one_of(e->in, e->in_count, ins) ||
				has_one_of(e->out, e->out_count, outs)))
			found[count++] = e->endpoint;
	}
	wire_put8(out, SUCCESS);
	wire_put16(out, OWN_NWK);
	wire_put8(out, count);
	wire_add(out, found, count);
}

static void answer_simple(const struct zdo_self *self, uint8_t endpoint,
	struct wire_out *out)
{
	for (size_t i = 0; i < self->count; i++) {
		if (self->endpoints[i].endpoint != endpoint)
			continue;
		wire_put8(out, SUCCESS);
		wire_put16(out, OWN_NWK);
		put_simple_descriptor(out, &self->endpoints[i]);
		return;
	}
	wire_put8(out, INVALID_ENDPOINT);
	wire_put16(out, OWN_NWK);
	wire_put8(out, 0);
}

static void answer_of_interest(const struct zdo_self *self, uint16_t cluster,
	struct wire_in *in, struct wire_out *out)
{
	switch (cluster) {
	case NODE_DESC:
		wire_put8(out, SUCCESS);
		wire_put16(out, OWN_NWK);
		put_node_descriptor(out, self);
		break;
	case POWER_DESC:
		wire_put8(out, SUCCESS);
		wire_put16(out, OWN_NWK);
		wire_put16(out, 0xc110); /* always on, mains, full */
		break;
	case SIMPLE_DESC:
		answer_simple(self, wire_u8(in), out);
		break;
	case ACTIVE_EP:
		wire_put8(out, SUCCESS);
		wire_put16(out, OWN_NWK);
		wire_put8(out, (unsigned)self->count);
		for (size_t i = 0; i < self->count; i++)
			wire_put8(out, self->endpoints[i].endpoint);
		break;
	case MATCH_DESC:
		answer_match(self, in, out);
		break;
	}
}

static size_t answer(const struct zdo_self *self, uint16_t cluster,
	struct wire_in *in, struct wire_out *out)
{
	uint16_t nwk;

	wire_put8(out, wire_u8(in));
	switch (cluster) {
	case NWK_ADDR:
		if (wire_u64(in) != self->eui64)
			return 0; /* another one answers, or nobody */
		put_addresses(out, self);
		break;
	case IEEE_ADDR:
		if (wire_u16(in) != OWN_NWK)
			return 0;
		put_addresses(out, self);
		break;
	case NODE_DESC:
	case POWER_DESC:
	case SIMPLE_DESC:
	case ACTIVE_EP:
	case MATCH_DESC:
		nwk = wire_u16(in);
		if (nwk == OWN_NWK || (cluster == MATCH_DESC && nwk >= 0xfff8)) {
			answer_of_interest(self, cluster, in, out);
		} else {
			wire_put8(out, DEVICE_NOT_FOUND);
			wire_put16(out, nwk);
		}
		break;
	case PERMIT_JOINING:
		wire_put8(out, SUCCESS);
		break;
	default:
		wire_put8(out, NOT_SUPPORTED);
		break;
	}
	return out->len;
}

size_t zdo_answer(const struct zdo_self *self, uint16_t cluster,
	struct bytes request, uint8_t *at)
{
	struct wire_in in = wire_in(request);
	struct wire_out out = wire_out(at, ZDO_ANSWER_MAX);

	if (cluster & 0x8000 || cluster == ZDO_DEVICE_ANNCE || request.len == 0)
		return 0;
	if (answer(self, cluster, &in, &out) == 0 || out.bad)
		return 0;
	if (in.bad) {
		out.len = 1;
		wire_put8(&out, INVALID_REQUEST);
	}
	return out.len;
}

size_t zdo_announce(uint8_t *at, uint8_t number, uint64_t eui64, uint16_t nwk,
	bool sleepy)
{
	struct wire_out out = wire_out(at, 12);

	wire_put8(&out, number);
	wire_put16(&out, nwk);
	wire_put64(&out, eui64);
	wire_put8(&out, sleepy ? 0x80 : 0x8e);
	return out.len;
}

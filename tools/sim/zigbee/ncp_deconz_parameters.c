/* The parameters of a simulated ConBee. */
#include "tools/sim/zigbee/ncp_deconz.h"

enum {
	MAC_ADDRESS = 0x01,
	PAN = 0x05,
	NWK_ADDRESS = 0x07,
	EXT_PAN = 0x08,
	DESIGNED_COORDINATOR = 0x09,
	CHANNEL_MASK = 0x0a,
	USE_EXT_PAN = 0x0b,
	TRUST_CENTER = 0x0e,
	ENDPOINT = 0x13,
	PREDEFINED_PAN = 0x15,
	NETWORK_KEY = 0x18,
	LINK_KEY = 0x19,
	CHANNEL = 0x1c,
	PERMIT_JOIN = 0x21,
	PROTOCOL = 0x22,
	UPDATE_ID = 0x24,
	WATCHDOG = 0x26,
	FRAME_COUNTER = 0x27,
};

#define PROTOCOL_VERSION 0x010cu
#define KEY_LEN 16u

/* Index, endpoint, profile, device, version, clusters in, clusters out: what the
 * factory has written. The OTA cluster is an input cluster. */
static const uint8_t factory_0[] = {0, 0x01, 0x04, 0x01, 0x05, 0x00, 0x01, 5,
	0x00, 0x00, 0x06, 0x00, 0x0a, 0x00, 0x19, 0x00, 0x01, 0x05, 4, 0x01,
	0x00, 0x20, 0x00, 0x00, 0x05, 0x02, 0x05};
static const uint8_t factory_1[] = {
	1, 0xf2, 0xe0, 0xa1, 0x64, 0x00, 0x01, 0, 1, 0x21, 0x00};

static bool read_descriptor(struct bytes from, struct zdo_endpoint *ret)
{
	struct wire_in in = wire_in(from);
	struct zdo_endpoint e = {0};

	wire_u8(&in);
	e.endpoint = wire_u8(&in);
	e.profile = wire_u16(&in);
	e.device = wire_u16(&in);
	e.version = wire_u8(&in);
	e.in_count = wire_u8(&in);
	for (unsigned i = 0; i < e.in_count && i < ZDO_CLUSTERS_MAX; i++)
		e.in[i] = wire_u16(&in);
	e.out_count = wire_u8(&in);
	for (unsigned i = 0; i < e.out_count && i < ZDO_CLUSTERS_MAX; i++)
		e.out[i] = wire_u16(&in);
	if (in.bad || in.left.len > 0 || e.in_count > ZDO_CLUSTERS_MAX ||
		e.out_count > ZDO_CLUSTERS_MAX)
		return false;
	*ret = e;
	return true;
}

void deconz_register(struct ncp *n)
{
	mesh_forget_endpoints(n->mesh);
	n->self.count = 0;
	for (size_t i = 0; i < DECONZ_SLOTS; i++) {
		struct zdo_endpoint *e = &n->self.endpoints[n->self.count];

		if (!read_descriptor(bytes_of(n->parameters.endpoints[i].at,
					     n->parameters.endpoints[i].len),
			    e))
			continue;
		n->self.count++;
		mesh_register(n->mesh, e->endpoint, e->profile, e->in,
			e->in_count, e->out, e->out_count);
	}
}

void deconz_parameters_init(struct ncp *n)
{
	const struct ncp_network *network = mesh_network(n->mesh);
	struct deconz_parameters *p = &n->parameters;

	p->trust_center = network->eui64;
	p->ext_pan = network->ext_pan;
	p->pan = network->pan;
	p->channels = UINT32_C(1) << network->channel;
	memcpy(p->key, network->key, sizeof(p->key));
	memcpy(p->endpoints[0].at, factory_0, sizeof(factory_0));
	p->endpoints[0].len = sizeof(factory_0);
	memcpy(p->endpoints[1].at, factory_1, sizeof(factory_1));
	p->endpoints[1].len = sizeof(factory_1);
}

static enum deconz_status read_key(
	struct ncp *n, struct wire_in *in, struct wire_out *out)
{
	uint8_t index = wire_u8(in);

	if (in->bad || index != 0)
		return DECONZ_INVALID_VALUE;
	wire_put8(out, index);
	wire_add(out, n->parameters.key, KEY_LEN);
	return DECONZ_SUCCESS;
}

static enum deconz_status read_endpoint(
	struct ncp *n, struct wire_in *in, struct wire_out *out)
{
	uint8_t index = wire_u8(in);

	if (in->bad || index >= DECONZ_SLOTS)
		return DECONZ_INVALID_VALUE;
	wire_add(out, n->parameters.endpoints[index].at,
		n->parameters.endpoints[index].len);
	return DECONZ_SUCCESS;
}

static uint8_t first_channel(uint32_t mask)
{
	for (uint8_t channel = 11; channel <= 26; channel++)
		if (mask & UINT32_C(1) << channel)
			return channel;
	return 0;
}

static enum deconz_status read_value(struct ncp *n, uint8_t id,
	struct wire_in *in, struct wire_out *out)
{
	const struct ncp_network *network = mesh_network(n->mesh);
	const struct deconz_parameters *p = &n->parameters;

	switch (id) {
	case MAC_ADDRESS:
		wire_put64(out, n->self.eui64);
		return DECONZ_SUCCESS;
	case PAN:
		wire_put16(out, p->pan);
		return DECONZ_SUCCESS;
	case NWK_ADDRESS:
		wire_put16(out, 0);
		return DECONZ_SUCCESS;
	case EXT_PAN:
		wire_put64(out, n->connected ? network->ext_pan : 0);
		return DECONZ_SUCCESS;
	case DESIGNED_COORDINATOR:
		wire_put8(out, 1);
		return DECONZ_SUCCESS;
	case CHANNEL_MASK:
		wire_put32(out, p->channels);
		return DECONZ_SUCCESS;
	case USE_EXT_PAN:
		wire_put64(out, p->ext_pan);
		return DECONZ_SUCCESS;
	case TRUST_CENTER:
		wire_put64(out, p->trust_center);
		return DECONZ_SUCCESS;
	case ENDPOINT:
		return read_endpoint(n, in, out);
	case PREDEFINED_PAN:
		wire_put8(out, 1);
		return DECONZ_SUCCESS;
	case NETWORK_KEY:
		return read_key(n, in, out);
	case CHANNEL:
		wire_put8(out, n->connected ? network->channel
					    : first_channel(p->channels));
		return DECONZ_SUCCESS;
	case PERMIT_JOIN:
		wire_put8(out, p->permit_join);
		return DECONZ_SUCCESS;
	case PROTOCOL:
		wire_put16(out, PROTOCOL_VERSION);
		return DECONZ_SUCCESS;
	case UPDATE_ID:
		wire_put8(out, p->update_id);
		return DECONZ_SUCCESS;
	case WATCHDOG:
		wire_put32(out, p->watchdog_s);
		return DECONZ_SUCCESS;
	case FRAME_COUNTER:
		wire_put32(out, 4096);
		return DECONZ_SUCCESS;
	default:
		return DECONZ_UNSUPPORTED;
	}
}

enum deconz_status deconz_read(
	struct ncp *n, struct wire_in *in, struct wire_out *out)
{
	uint8_t id = wire_u8(in);

	wire_put8(out, id);
	return in->bad ? DECONZ_INVALID_VALUE : read_value(n, id, in, out);
}

static enum deconz_status write_endpoint(struct ncp *n, struct bytes value)
{
	struct zdo_endpoint e;

	if (!read_descriptor(value, &e) || value.at[0] >= DECONZ_SLOTS ||
		value.len > DECONZ_DESCRIPTOR_MAX)
		return DECONZ_INVALID_VALUE;
	memcpy(n->parameters.endpoints[value.at[0]].at, value.at, value.len);
	n->parameters.endpoints[value.at[0]].len = value.len;
	return DECONZ_SUCCESS;
}

static enum deconz_status write_key(struct ncp *n, struct bytes value)
{
	if (value.len != 1 + KEY_LEN || value.at[0] != 0)
		return DECONZ_INVALID_VALUE;
	memcpy(n->parameters.key, value.at + 1, KEY_LEN);
	return DECONZ_SUCCESS;
}

/* The value is read from `in`; what is left over or missing is the caller's to
 * see. */
static enum deconz_status write_value(
	struct ncp *n, uint8_t id, struct wire_in *in)
{
	struct deconz_parameters *p = &n->parameters;

	switch (id) {
	case PAN:
		p->pan = wire_u16(in);
		return DECONZ_SUCCESS;
	case DESIGNED_COORDINATOR:
		return wire_u8(in) == 1 ? DECONZ_SUCCESS : DECONZ_INVALID_VALUE;
	case CHANNEL_MASK:
		p->channels = wire_u32(in);
		return DECONZ_SUCCESS;
	case USE_EXT_PAN:
		p->ext_pan = wire_u64(in);
		return DECONZ_SUCCESS;
	case TRUST_CENTER:
		p->trust_center = wire_u64(in);
		return DECONZ_SUCCESS;
	case PREDEFINED_PAN:
		wire_u8(in);
		return DECONZ_SUCCESS;
	case LINK_KEY:
		wire_u64(in);
		wire_take(in, KEY_LEN);
		return DECONZ_SUCCESS;
	case PERMIT_JOIN:
		p->permit_join = wire_u8(in);
		return DECONZ_SUCCESS;
	case UPDATE_ID:
		p->update_id = wire_u8(in);
		return DECONZ_SUCCESS;
	case WATCHDOG:
		p->watchdog_s = wire_u32(in);
		return DECONZ_SUCCESS;
	case FRAME_COUNTER:
		wire_u32(in);
		return DECONZ_SUCCESS;
	default:
		return DECONZ_UNSUPPORTED;
	}
}

enum deconz_status deconz_write(
	struct ncp *n, struct wire_in *in, struct wire_out *out)
{
	struct deconz_parameters before = n->parameters;
	uint8_t id = wire_u8(in);
	struct bytes value = in->left;
	enum deconz_status status;

	wire_put8(out, id);
	if (id == ENDPOINT) {
		status = write_endpoint(n, value);
	} else if (id == NETWORK_KEY) {
		status = write_key(n, value);
	} else {
		status = write_value(n, id, in);
		if (status == DECONZ_SUCCESS && (in->bad || in->left.len > 0))
			status = DECONZ_INVALID_VALUE;
	}
	if (status != DECONZ_SUCCESS)
		n->parameters = before;
	return status;
}

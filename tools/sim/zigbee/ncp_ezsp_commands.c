/* The commands of the simulated Silicon Labs coprocessor: one function each, found
 * by number. Parameters are read before anything is done: what is cut short does
 * nothing and is refused by the caller. */
#include "tools/sim/zigbee/ncp_ezsp.h"

#define PROFILE_ZDO 0x0000u
#define OUTGOING_DIRECT 0u
#define NODE_COORDINATOR 1u
#define NETWORK_NONE 0u
#define NETWORK_JOINED 2u
#define NWK_UNKNOWN 0xffffu
#define KEY_NETWORK 1u     /* of the security manager */
#define KEY_LINK 2u
#define KEY_OLD_LINK 1u    /* of getKey */
#define KEY_OLD_NETWORK 3u
#define VALUE_ENDPOINT_FLAGS 0x00u
#define VALUE_EXTENDED_SECURITY 0x0au
#define VALUE_VERSION 0x11u
#define ENDPOINT_ENABLED 0x0001u
#define CONFIG_KEY_TABLE 0x1eu
#define COUNTERS_OLD 40u
#define COUNTERS_WIDE 42u
#define HAVE_NETWORK_KEY 0x0200u


static void put_status(
	struct ncp *n, struct wire_out *out, enum ezsp_status status)
{
	ezsp_put_status(n, out, status);
}

/* ---- settings: taken, and of no effect here ---- */

static void nop(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)n;
	(void)now;
	(void)in;
	(void)out;
}

static void accept(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)in;
	put_status(n, out, EZSP_OK);
}

static void accept_two_bytes(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	wire_u16(in);
	put_status(n, out, EZSP_OK);
}

static void set_configuration(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	wire_u8(in);
	wire_u16(in);
	put_status(n, out, n->up ? EZSP_ERROR_INVALID_VALUE : EZSP_OK);
}

static void get_configuration(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint8_t id = wire_u8(in);

	(void)now;
	put_status(n, out, EZSP_OK);
	wire_put16(out, id == CONFIG_KEY_TABLE ? 0 : 8);
}

static void set_value(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	wire_u8(in);
	wire_take(in, wire_u8(in));
	put_status(n, out, EZSP_OK);
}

static void get_value(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint8_t id = wire_u8(in);

	(void)now;
	if (id == VALUE_VERSION) {
		put_status(n, out, EZSP_OK);
		wire_put8(out, 7);
		wire_put16(out, 1);                            /* build */
		wire_put8(out, n->version < EZSP_WIDE ? 7 : 8);
		wire_put8(out, n->version - EZSP_OLDEST);
		wire_put16(out, 0);                            /* patch, special */
		wire_put8(out, 0xaa);                          /* released */
	} else if (id == VALUE_EXTENDED_SECURITY) {
		put_status(n, out, EZSP_OK);
		wire_put8(out, 2);
		wire_put16(out, 0);
	} else {
		put_status(n, out, EZSP_ERROR_INVALID_ID);
		wire_put8(out, 0);
	}
}

static void get_extended_value(struct ncp *n, uint64_t now,
	struct wire_in *in, struct wire_out *out)
{
	uint8_t id = wire_u8(in);
	uint32_t of = wire_u32(in);
	bool there = of <= 0xff && zdo_find(&n->self, (uint8_t)of);

	(void)now;
	if (id != VALUE_ENDPOINT_FLAGS) {
		put_status(n, out, EZSP_ERROR_INVALID_ID);
		wire_put8(out, 0);
		return;
	}
	put_status(n, out, there ? EZSP_OK : EZSP_ERROR_INVALID_VALUE);
	wire_put8(out, 2);
	wire_put16(out, there ? ENDPOINT_ENABLED : 0);
}

static void get_policy(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	wire_u8(in);
	put_status(n, out, EZSP_OK);
	wire_put8(out, 0);
}

static void read_clusters(struct wire_in *in, uint16_t *at, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint16_t cluster = wire_u16(in);

		if (i < ZDO_CLUSTERS_MAX)
			at[i] = cluster;
	}
}

static void add_endpoint(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	struct zdo_endpoint e = {0};

	(void)now;
	e.endpoint = wire_u8(in);
	e.profile = wire_u16(in);
	e.device = wire_u16(in);
	e.version = wire_u8(in);
	e.in_count = wire_u8(in);
	e.out_count = wire_u8(in);
	read_clusters(in, e.in, e.in_count);
	read_clusters(in, e.out, e.out_count);
	if (in->bad)
		return;
	if (n->up || e.endpoint == 0 || zdo_find(&n->self, e.endpoint) ||
		n->self.count == ZDO_ENDPOINTS_MAX ||
		e.in_count > ZDO_CLUSTERS_MAX ||
		e.out_count > ZDO_CLUSTERS_MAX) {
		put_status(n, out, EZSP_ERROR_INVALID_VALUE);
		return;
	}
	n->self.endpoints[n->self.count++] = e;
	mesh_register(n->mesh, e.endpoint, e.profile, e.in, e.in_count, e.out,
		e.out_count);
	put_status(n, out, EZSP_OK);
}

static void set_manufacturer(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)out;
	n->self.manufacturer = wire_u16(in);
}

static void get_manufacturer(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)in;
	wire_put16(out, n->self.manufacturer);
}

static void set_route_discovery(struct ncp *n, uint64_t now,
	struct wire_in *in, struct wire_out *out)
{
	(void)n;
	(void)now;
	wire_u8(in);
	wire_put32(out, 0);
}

static void echo(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint8_t len = wire_u8(in);
	struct bytes data = wire_take(in, len);

	(void)n;
	(void)now;
	wire_put8(out, len);
	wire_add(out, data.at, data.len);
}

static void random_number(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)in;
	put_status(n, out, EZSP_OK);
	wire_put16(out, (unsigned)(now * UINT64_C(0x9e3779b97f4a7c15) >> 48));
}

static void manufacturer_token(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)n;
	(void)now;
	wire_u8(in);
	wire_put8(out, 0);
}

static void counters(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	unsigned count = n->version < EZSP_WIDE ? COUNTERS_OLD : COUNTERS_WIDE;

	(void)now;
	(void)in;
	for (unsigned i = 0; i < count; i++)
		wire_put16(out, 0);
}

/* ---- the network ---- */

static void network_init(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	wire_u16(in);
	if (in->bad)
		return;
	if (n->up) {
		put_status(n, out, EZSP_INVALID_CALL);
	} else if (n->left || !mesh_network(n->mesh)->formed) {
		put_status(n, out, EZSP_NOT_JOINED);
	} else {
		n->up = true;
		put_status(n, out, EZSP_OK);
		ezsp_stack_status(n, EZSP_NETWORK_UP);
	}
}

static void network_state(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)in;
	wire_put8(out, n->up ? NETWORK_JOINED : NETWORK_NONE);
}

static void leave_network(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)in;
	if (!n->up) {
		put_status(n, out, EZSP_INVALID_CALL);
		return;
	}
	n->up = false;
	n->left = true;
	put_status(n, out, EZSP_OK);
	ezsp_stack_status(n, EZSP_NETWORK_DOWN);
}

static void permit_joining(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint8_t seconds = wire_u8(in);

	(void)now;
	put_status(n, out, n->up ? EZSP_OK : EZSP_INVALID_CALL);
	if (n->up)
		ezsp_stack_status(n,
			seconds ? EZSP_NETWORK_OPENED : EZSP_NETWORK_CLOSED);
}

static void initial_security(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint16_t bitmask = wire_u16(in);
	struct bytes link_key = wire_take(in, 16);
	struct bytes key = wire_take(in, 16);

	(void)now;
	wire_u8(in);
	wire_u64(in);
	if (in->bad)
		return;
	if (n->up || !(bitmask & HAVE_NETWORK_KEY)) {
		put_status(n, out, EZSP_BAD_ARGUMENT);
		return;
	}
	memcpy(n->link_key, link_key.at, sizeof(n->link_key));
	memcpy(n->key, key.at, sizeof(n->key));
	n->has_security = true;
	put_status(n, out, EZSP_OK);
}

static void form_network(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	struct ncp_network network = *mesh_network(n->mesh);

	(void)now;
	network.ext_pan = wire_u64(in);
	network.pan = wire_u16(in);
	wire_u8(in);
	network.channel = wire_u8(in);
	wire_u8(in);
	wire_u16(in);
	wire_u8(in);
	wire_u32(in);
	if (in->bad)
		return;
	if (n->up || !n->has_security || network.channel < 11 ||
		network.channel > 26) {
		put_status(n, out, EZSP_BAD_ARGUMENT);
		return;
	}
	memcpy(network.key, n->key, sizeof(network.key));
	mesh_form(n->mesh, &network);
	n->up = true;
	n->left = false;
	put_status(n, out, EZSP_OK);
	ezsp_stack_status(n, EZSP_NETWORK_UP);
}

static void network_parameters(struct ncp *n, uint64_t now,
	struct wire_in *in, struct wire_out *out)
{
	const struct ncp_network *network = mesh_network(n->mesh);

	(void)now;
	(void)in;
	put_status(n, out, n->up ? EZSP_OK : EZSP_NOT_JOINED);
	wire_put8(out, NODE_COORDINATOR);
	wire_put64(out, network->ext_pan);
	wire_put16(out, network->pan);
	wire_put8(out, 8); /* dBm */
	wire_put8(out, network->channel);
	wire_put8(out, 0);
	wire_put16(out, 0);
	wire_put8(out, 0);
	wire_put32(out, 0x07fff800);
}

static void get_eui64(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)in;
	wire_put64(out, n->self.eui64);
}

static void get_node_id(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)in;
	wire_put16(out, n->up ? 0 : 0xfffe);
}

/* ---- keys ---- */

static const uint8_t *key_of(const struct ncp *n, bool network, bool link)
{
	if (!n->up)
		return NULL;
	if (network)
		return mesh_network(n->mesh)->key;
	return link ? n->link_key : NULL;
}

static const uint8_t no_key[16];

static void get_key(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint8_t type = wire_u8(in);
	const uint8_t *key =
		key_of(n, type == KEY_OLD_NETWORK, type == KEY_OLD_LINK);

	(void)now;
	put_status(n, out, key ? EZSP_OK : EZSP_BAD_ARGUMENT);
	wire_put16(out, 0);
	wire_put8(out, type);
	wire_add(out, key ? key : no_key, 16);
	wire_put32(out, 0);
	wire_put32(out, 0);
	wire_put8(out, 0);
	wire_put64(out, 0);
}

/* The security manager's statuses were wide before all others. */
static void export_key(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	struct bytes context = wire_take(in, 18);
	const uint8_t *key;

	(void)now;
	if (in->bad)
		return;
	key = key_of(n, context.at[0] == KEY_NETWORK && context.at[1] == 0,
		context.at[0] == KEY_LINK);
	if (n->version < EZSP_WIDE) {
		wire_add(out, key ? key : no_key, 16);
		wire_put32(out, key ? 0 : 0x0021);
	} else {
		wire_put32(out, key ? 0 : 0x0021);
		wire_add(out, key ? key : no_key, 16);
		wire_add(out, context.at, context.len);
	}
}

static void network_key_info(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)now;
	(void)in;
	wire_put32(out, n->up ? 0 : 0x0017);
	wire_put8(out, n->up);
	wire_put8(out, 0);
	wire_put16(out, 0);
	wire_put32(out, 4096); /* frame counter */
}

/* ---- addresses ---- */

static void lookup_eui64(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint64_t eui64 = 0;
	uint16_t nwk = wire_u16(in);

	(void)now;
	put_status(n, out, mesh_find_nwk(n->mesh, nwk, &eui64)
				   ? EZSP_OK
				   : EZSP_BAD_ARGUMENT);
	wire_put64(out, eui64);
}

static void lookup_node_id(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint16_t nwk = NWK_UNKNOWN;

	(void)now;
	mesh_find_eui64(n->mesh, wire_u64(in), &nwk);
	wire_put16(out, nwk);
}

/* ---- messages ---- */

static void payload_length(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	(void)n;
	(void)now;
	(void)in;
	wire_put8(out, EZSP_PAYLOAD_MAX);
}

static struct ezsp_aps read_aps(struct wire_in *in)
{
	struct ezsp_aps aps;

	aps.profile = wire_u16(in);
	aps.cluster = wire_u16(in);
	aps.src_ep = wire_u8(in);
	aps.dst_ep = wire_u8(in);
	aps.options = wire_u16(in);
	aps.group = wire_u16(in);
	aps.sequence = wire_u8(in);
	return aps;
}

static uint16_t read_tag(const struct ncp *n, struct wire_in *in)
{
	return (uint16_t)wire_number(in, n->version < EZSP_WIDE ? 1 : 2);
}

static void send_data(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out, uint16_t nwk, uint16_t tag, struct ezsp_aps *aps)
{
	uint8_t len = wire_u8(in);
	struct bytes data = wire_take(in, len);
	enum ezsp_status status;

	if (in->bad)
		return;
	status = ezsp_send(n, now, nwk, tag, aps, data);
	put_status(n, out, status);
	wire_put8(out, status == EZSP_OK ? aps->sequence : 0);
}

static void send_unicast(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	uint8_t type = wire_u8(in);
	uint16_t nwk = wire_u16(in);
	struct ezsp_aps aps = read_aps(in);
	uint16_t tag = read_tag(n, in);

	if (type != OUTGOING_DIRECT || nwk >= 0xfff8) {
		put_status(n, out, EZSP_BAD_ARGUMENT);
		wire_put8(out, 0);
		return;
	}
	send_data(n, now, in, out, nwk, tag, &aps);
}

static void send_broadcast(struct ncp *n, uint64_t now, struct wire_in *in,
	struct wire_out *out)
{
	bool wide = n->version >= EZSP_WIDE;
	uint16_t nwk, tag;
	struct ezsp_aps aps;

	if (wide)
		wire_u16(in);
	nwk = wire_u16(in);
	if (wide)
		wire_u8(in);
	aps = read_aps(in);
	wire_u8(in);
	tag = read_tag(n, in);
	if (nwk < 0xfff8) {
		put_status(n, out, EZSP_BAD_ARGUMENT);
		wire_put8(out, 0);
		return;
	}
	send_data(n, now, in, out, nwk, tag, &aps);
}

static const struct {
	uint16_t id;
	uint8_t from, to; /* versions that have it */
	void (*run)(struct ncp *n, uint64_t now, struct wire_in *in,
		struct wire_out *out);
} commands[] = {
	{0x0002, EZSP_OLDEST, EZSP_NEWEST, add_endpoint},
	{0x0003, EZSP_OLDEST, EZSP_NEWEST, get_extended_value},
	{0x0005, EZSP_OLDEST, EZSP_NEWEST, nop},
	{0x000b, EZSP_OLDEST, EZSP_NEWEST, manufacturer_token},
	{0x0010, EZSP_OLDEST, EZSP_NEWEST, accept}, /* setConcentrator */
	{0x0015, EZSP_OLDEST, EZSP_NEWEST, set_manufacturer},
	{0x0017, EZSP_OLDEST, EZSP_NEWEST, network_init},
	{0x0018, EZSP_OLDEST, EZSP_NEWEST, network_state},
	{0x001e, EZSP_OLDEST, EZSP_NEWEST, form_network},
	{0x0020, EZSP_OLDEST, EZSP_NEWEST, leave_network},
	{0x0022, EZSP_OLDEST, EZSP_NEWEST, permit_joining},
	{0x0026, EZSP_OLDEST, EZSP_NEWEST, get_eui64},
	{0x0027, EZSP_OLDEST, EZSP_NEWEST, get_node_id},
	{0x0028, EZSP_OLDEST, EZSP_NEWEST, network_parameters},
	{0x0033, EZSP_OLDEST, EZSP_NEWEST, payload_length},
	{0x0034, EZSP_OLDEST, EZSP_NEWEST, send_unicast},
	{0x0036, EZSP_OLDEST, EZSP_NEWEST, send_broadcast},
	{0x0049, EZSP_OLDEST, EZSP_NEWEST, random_number},
	{0x0052, EZSP_OLDEST, EZSP_NEWEST, get_configuration},
	{0x0053, EZSP_OLDEST, EZSP_NEWEST, set_configuration},
	{0x0055, EZSP_OLDEST, EZSP_NEWEST, accept_two_bytes}, /* setPolicy */
	{0x0056, EZSP_OLDEST, EZSP_NEWEST, get_policy},
	{0x005a, EZSP_OLDEST, EZSP_NEWEST, set_route_discovery},
	{0x0060, EZSP_OLDEST, EZSP_NEWEST, lookup_node_id},
	{0x0061, EZSP_OLDEST, EZSP_NEWEST, lookup_eui64},
	{0x0064, EZSP_OLDEST, EZSP_NEWEST, accept}, /* multicast table */
	{0x0065, EZSP_OLDEST, EZSP_NEWEST, counters},
	{0x0068, EZSP_OLDEST, EZSP_NEWEST, initial_security},
	{0x006a, EZSP_OLDEST, EZSP_KEY_MANAGER - 1, get_key},
	{0x006b, EZSP_OLDEST, EZSP_NEWEST, nop}, /* forgets transient keys */
	{0x0081, EZSP_OLDEST, EZSP_NEWEST, echo},
	{0x0099, EZSP_OLDEST, EZSP_NEWEST, accept}, /* setRadioPower */
	{0x00aa, EZSP_OLDEST, EZSP_NEWEST, get_value},
	{0x00ab, EZSP_OLDEST, EZSP_NEWEST, set_value},
	{0x00b1, EZSP_OLDEST, EZSP_NEWEST, accept}, /* clears the key table */
	{0x00ca, EZSP_OLDEST, EZSP_NEWEST, get_manufacturer},
	{0x00f1, EZSP_OLDEST, EZSP_NEWEST, counters},
	{0x0114, EZSP_KEY_MANAGER, EZSP_NEWEST, export_key},
	{0x0116, EZSP_KEY_MANAGER, EZSP_NEWEST, network_key_info},
};

bool ezsp_command(struct ncp *n, uint64_t now, uint16_t id, struct wire_in *in,
	struct wire_out *out)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (commands[i].id != id || n->version < commands[i].from ||
			n->version > commands[i].to)
			continue;
		commands[i].run(n, now, in, out);
		return true;
	}
	return false;
}

/* The non-volatile memory of a simulated Z-Stack, which holds its network: items
 * by number, and the newer ones by system, number and sub-number. */
#include "tools/sim/zigbee/ncp_znp.h"

#define NV_STARTUP_OPTION 0x0003
#define NV_NIB 0x0021
#define NV_EXT_PAN 0x002d
#define NV_ACTIVE_KEY 0x003a
#define NV_ALTERN_KEY 0x003b
#define NV_CONFIGURED_3 0x0060
#define NV_PRECFGKEY 0x0062
#define NV_PRECFGKEYS_ENABLE 0x0063
#define NV_NWKKEY 0x0082
#define NV_PANID 0x0083
#define NV_CHANLIST 0x0084
#define STARTUP_CLEAR_STATE 0x02

/* The network information base as Z-Stack 3.x keeps it: 116 bytes, aligned. */
#define NIB_LEN 116
#define NIB_SECURITY 12
#define NIB_PROTOCOL 18
#define NIB_CHANNEL 24
#define NIB_COORDINATOR 28
#define NIB_PAN 36
#define NIB_STATE 38
#define NIB_CHANNELS 40
#define NIB_EXT_PAN 57
#define NIB_KEY_LOADED 65

static struct znp_nv_item *find(
	struct ncp *n, uint8_t system, uint16_t id, uint16_t sub)
{
	for (size_t i = 0; i < n->nv_count; i++)
		if (n->nv[i].system == system && n->nv[i].id == id &&
			n->nv[i].sub == sub)
			return &n->nv[i];
	return NULL;
}

static struct znp_nv_item *make(struct ncp *n, uint8_t system, uint16_t id,
	uint16_t sub, size_t len)
{
	struct znp_nv_item *item = find(n, system, id, sub);

	if (len > ZNP_NV_VALUE_MAX)
		return NULL;
	if (!item && n->nv_count == ZNP_NV_MAX)
		return NULL;
	if (!item)
		item = &n->nv[n->nv_count++];
	*item = (struct znp_nv_item){system, id, sub, (uint16_t)len, {0}};
	return item;
}

static void drop(struct ncp *n, struct znp_nv_item *item)
{
	*item = n->nv[--n->nv_count];
}

static void keep(struct ncp *n, uint16_t id, const void *value, size_t len)
{
	struct znp_nv_item *item = make(n, 0, id, 0, len);

	if (item)
		memcpy(item->value, value, len);
}

void znp_nv_from_network(struct ncp *n)
{
	const struct ncp_network *net = mesh_network(n->mesh);
	uint8_t nib[NIB_LEN] = {0}, key[24] = {0}, ext[8], pan[2], channels[4];
	const uint8_t configured = 0x55, yes = 1;

	put_le16(pan, net->pan);
	put_le32(channels, 1u << net->channel);
	znp_put_eui64(ext, net->ext_pan);
	nib[NIB_SECURITY] = 5;
	nib[NIB_PROTOCOL] = 2;
	nib[NIB_CHANNEL] = net->channel;
	znp_put_eui64(nib + NIB_COORDINATOR, net->eui64);
	memcpy(nib + NIB_PAN, pan, 2);
	nib[NIB_STATE] = 0;
	memcpy(nib + NIB_CHANNELS, channels, 4);
	memcpy(nib + NIB_EXT_PAN, ext, 8);
	nib[NIB_KEY_LOADED] = 1;
	keep(n, NV_NIB, nib, sizeof(nib));
	memcpy(key + 1, net->key, 16);
	keep(n, NV_NWKKEY, key, sizeof(key));
	keep(n, NV_ACTIVE_KEY, key, 17);
	keep(n, NV_ALTERN_KEY, key, 17);
	keep(n, NV_PRECFGKEY, net->key, 16);
	keep(n, NV_PRECFGKEYS_ENABLE, &yes, 1);
	keep(n, NV_PANID, pan, 2);
	keep(n, NV_CHANLIST, channels, 4);
	keep(n, NV_EXT_PAN, ext, 8);
	keep(n, NV_CONFIGURED_3, &configured, 1);
}

void znp_nv_init(struct ncp *n)
{
	const uint8_t no_key[24] = {0};

	keep(n, NV_NWKKEY, no_key, sizeof(no_key));
	if (mesh_network(n->mesh)->formed)
		znp_nv_from_network(n);
}

/* After a restart the stack is what its memory says: cleared when that was asked
 * for, else the network of the NIB. */
void znp_nv_boot(struct ncp *n)
{
	struct znp_nv_item *option = find(n, 0, NV_STARTUP_OPTION, 0);
	struct znp_nv_item *nib = find(n, 0, NV_NIB, 0);
	struct znp_nv_item *key = find(n, 0, NV_ACTIVE_KEY, 0);
	struct ncp_network net = *mesh_network(n->mesh);

	if (nib && option && option->len &&
		option->value[0] & STARTUP_CLEAR_STATE) {
		drop(n, nib);
		return;
	}
	if (!nib || nib->len != NIB_LEN || !key || key->len < 17)
		return;
	net.pan = get_le16(nib->value + NIB_PAN);
	net.channel = nib->value[NIB_CHANNEL];
	net.ext_pan = znp_get_eui64(nib->value + NIB_EXT_PAN);
	memcpy(net.key, key->value + 1, 16);
	mesh_form(n->mesh, &net);
}

static uint8_t first_channel(uint32_t mask)
{
	for (uint8_t c = 11; c <= 26; c++)
		if (mask & 1u << c)
			return c;
	return 11;
}

void znp_nv_form(struct ncp *n)
{
	struct ncp_network net = *mesh_network(n->mesh);
	struct znp_nv_item *pan = find(n, 0, NV_PANID, 0);
	struct znp_nv_item *ext = find(n, 0, NV_EXT_PAN, 0);
	struct znp_nv_item *key = find(n, 0, NV_PRECFGKEY, 0);
	struct znp_nv_item *channels = find(n, 0, NV_CHANLIST, 0);
	uint32_t mask = channels && channels->len >= 4
				? get_le32(channels->value)
				: n->bdb_channels;

	net.channel = first_channel(mask);
	if (pan && pan->len >= 2 && get_le16(pan->value) != 0xffff)
		net.pan = get_le16(pan->value);
	if (ext && ext->len >= 8)
		net.ext_pan = znp_get_eui64(ext->value);
	if (net.ext_pan == 0 || net.ext_pan == UINT64_MAX)
		net.ext_pan = net.eui64;
	if (key && key->len >= 16)
		memcpy(net.key, key->value, 16);
	mesh_form(n->mesh, &net);
	znp_nv_from_network(n);
}

/* ---- requests ---- */

static void answer_length(struct ncp *n, const struct znp_request *r,
	const struct znp_nv_item *item, bool wide)
{
	uint8_t d[2] = {0};

	if (item)
		put_le16(d, item->len);
	znp_answer(n, r, d, wide ? 2 : 1);
}

static void answer_value(struct ncp *n, const struct znp_request *r,
	const struct znp_nv_item *item, size_t offset, size_t most)
{
	uint8_t d[2 + ZNP_NV_VALUE_MAX] = {ZNP_INVALID_PARAMETER, 0};
	size_t len = 0;

	if (item && offset <= item->len) {
		len = item->len - offset;
		if (len > most)
			len = most;
		d[0] = ZNP_OK;
		d[1] = (uint8_t)len;
		memcpy(d + 2, item->value + offset, len);
	}
	znp_answer(n, r, d, 2 + len);
}

static void write_value(struct ncp *n, const struct znp_request *r,
	struct znp_nv_item *item, size_t offset, struct bytes value)
{
	if (!item || offset > item->len || value.len > item->len - offset) {
		znp_answer_status(n, r, ZNP_NV_FAILED);
		return;
	}
	if (value.len)
		memcpy(item->value + offset, value.at, value.len);
	znp_answer_status(n, r, ZNP_OK);
}

/* id, len, initLen, value. */
static void init_item(struct ncp *n, const struct znp_request *r)
{
	struct bytes d = r->d;
	struct znp_nv_item *item;
	size_t len, init;

	if (find(n, 0, get_le16(d.at), 0)) {
		znp_answer_status(n, r, ZNP_OK);
		return;
	}
	len = get_le16(d.at + 2);
	init = d.at[4];
	item = init <= d.len - 5 && init <= len
		       ? make(n, 0, get_le16(d.at), 0, len)
		       : NULL;
	if (item)
		memcpy(item->value, d.at + 5, init);
	znp_answer_status(n, r, item ? ZNP_NV_CREATED : ZNP_NV_FAILED);
}

static void delete_item(struct ncp *n, const struct znp_request *r,
	struct znp_nv_item *item)
{
	if (item)
		drop(n, item);
	znp_answer_status(n, r, item ? ZNP_OK : ZNP_NV_CREATED);
}

/* The shortest data of each command. */
static const struct {
	uint8_t command;
	uint8_t least;
} shapes[] = {{0x07, 5}, {0x08, 3}, {0x09, 4}, {0x12, 4}, {0x13, 2},
	{0x1c, 4}, {0x1d, 6}, {0x30, 9}, {0x31, 5}, {0x32, 5}, {0x33, 8},
	{0x34, 8}};

static void flat_request(struct ncp *n, const struct znp_request *r)
{
	struct bytes d = r->d;
	struct znp_nv_item *item = find(n, 0, get_le16(d.at), 0);

	switch (r->command) {
	case 0x07:
		init_item(n, r);
		return;
	case 0x08:
		answer_value(n, r, item, d.at[2], ZNP_DATA_MAX - 2);
		return;
	case 0x09:
		write_value(n, r, item, d.at[2], bytes_slice(d, 4, d.at[3]));
		return;
	case 0x12:
		delete_item(n, r, item);
		return;
	case 0x13:
		answer_length(n, r, item, true);
		return;
	case 0x1c:
		answer_value(n, r, item, get_le16(d.at + 2), ZNP_DATA_MAX - 2);
		return;
	default:
		write_value(n, r, item, get_le16(d.at + 2),
			bytes_slice(d, 6, get_le16(d.at + 4)));
	}
}

/* system, id, sub. */
static void extended_request(struct ncp *n, const struct znp_request *r)
{
	struct bytes d = r->d;
	uint8_t system = d.at[0] ? d.at[0] : 0xff;
	uint16_t id = get_le16(d.at + 1), sub = get_le16(d.at + 3);
	struct znp_nv_item *item = find(n, system, id, sub);

	switch (r->command) {
	case 0x30:
		if (!item && get_le32(d.at + 5) <= ZNP_NV_VALUE_MAX)
			item = make(n, system, id, sub, get_le32(d.at + 5));
		znp_answer_status(n, r, item ? ZNP_OK : ZNP_NV_FAILED);
		return;
	case 0x31:
		delete_item(n, r, item);
		return;
	case 0x32:
		answer_length(n, r, item, false);
		return;
	case 0x33:
		answer_value(n, r, item, get_le16(d.at + 5), d.at[7]);
		return;
	default:
		write_value(n, r, item, get_le16(d.at + 5),
			bytes_slice(d, 8, d.at[7]));
	}
}

bool znp_nv_request(struct ncp *n, const struct znp_request *r)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (shapes[i].command != r->command)
			continue;
		if (r->d.len < shapes[i].least)
			znp_reject(n, r, ZNP_REJECT_LENGTH);
		else if (r->command < 0x30)
			flat_request(n, r);
		else
			extended_request(n, r);
		return true;
	}
	return false;
}

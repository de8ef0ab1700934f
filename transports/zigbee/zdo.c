#include "transports/zigbee/zdo.h"

#include <errno.h>

#define CAPABILITY_AWAKE 0x08u	     /* receiver on when idle */
#define NODE_DESCRIPTOR_CAPABILITY 2 /* its third byte */
#define NODE_DESCRIPTOR_LEN 13u
#define MATCH_LIST_MAX 240u

static uint64_t get_le64(const uint8_t *p)
{
	return (uint64_t)get_le32(p + 4) << 32 | get_le32(p);
}

static void put_le64(uint8_t *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

static bool is_address(uint64_t eui64)
{
	return eui64 != 0 && eui64 != UINT64_MAX;
}

/* nwk u16, eui64, capability u8 */
static int read_announce(struct bytes b, struct zdo_message *m)
{
	if (b.len < 11)
		return -EINVAL;
	m->nwk = get_le16(b.at);
	m->has_nwk = true;
	m->eui64 = get_le64(b.at + 2);
	m->sleepy = !(b.at[10] & CAPABILITY_AWAKE);
	return is_address(m->eui64) ? 0 : -EINVAL;
}

/* status u8, eui64, nwk u16 */
static int read_address(struct bytes b, struct zdo_message *m)
{
	if (b.len < 11)
		return m->status == ZDO_SUCCESS ? -EINVAL : 0;
	m->eui64 = get_le64(b.at + 1);
	m->nwk = get_le16(b.at + 9);
	m->has_nwk = true;
	return is_address(m->eui64) || m->status != ZDO_SUCCESS ? 0 : -EINVAL;
}

/* status u8, nwk u16, then what it is about */
static int read_about(struct bytes b, struct zdo_message *m)
{
	if (b.len < 3)
		return m->status == ZDO_SUCCESS ? -EINVAL : 0;
	m->nwk = get_le16(b.at + 1);
	m->has_nwk = true;
	return 0;
}

static int read_node_desc(struct bytes b, struct zdo_message *m)
{
	struct bytes d = bytes_slice(b, 3, NODE_DESCRIPTOR_LEN);
	int err = read_about(b, m);

	m->type = ZDO_NO_TYPE;
	if (err || m->status != ZDO_SUCCESS)
		return err;
	if (d.len < NODE_DESCRIPTOR_LEN)
		return -EINVAL;
	if ((d.at[0] & 7u) < ZDO_NO_TYPE)
		m->type = (enum zdo_type)(d.at[0] & 7u);
	m->sleepy = !(d.at[NODE_DESCRIPTOR_CAPABILITY] & CAPABILITY_AWAKE);
	return 0;
}

static int read_match_desc(struct bytes b, struct zdo_message *m)
{
	int err = read_about(b, m);
	size_t i;

	if (err || m->status != ZDO_SUCCESS)
		return err;
	if (b.len < 4 || b.at[3] > b.len - 4)
		return -EINVAL;
	for (i = 0; i < b.at[3]; i++) {
		if (b.at[4 + i] < 1 || b.at[4 + i] > MATCH_LIST_MAX)
			return -EINVAL;
		if (m->endpoint_count < ZDO_ENDPOINTS_MAX)
			m->endpoints[m->endpoint_count++] = b.at[4 + i];
	}
	return 0;
}

int zdo_read(uint16_t cluster, struct bytes asdu, struct zdo_message *ret)
{
	struct zdo_message m = {.cluster = cluster, .type = ZDO_NO_TYPE};
	struct bytes b = bytes_slice(asdu, 1, asdu.len);
	int err = -ENOENT;

	if (asdu.len < 2)
		return -EINVAL;
	m.tsn = asdu.at[0];
	if (cluster & 0x8000u)
		m.status = b.at[0];
	if (cluster == ZDO_DEVICE_ANNCE)
		err = read_announce(b, &m);
	else if (cluster == ZDO_NWK_ADDR_RSP || cluster == ZDO_IEEE_ADDR_RSP)
		err = read_address(b, &m);
	else if (cluster == ZDO_NODE_DESC_RSP)
		err = read_node_desc(b, &m);
	else if (cluster == ZDO_MATCH_DESC_RSP)
		err = read_match_desc(b, &m);
	else if (cluster == ZDO_MGMT_LEAVE_RSP)
		err = 0;
	if (!err)
		*ret = m;
	return err;
}

size_t zdo_write_nwk_addr(uint8_t *at, uint8_t tsn, uint64_t eui64)
{
	at[0] = tsn;
	put_le64(at + 1, eui64);
	at[9] = 0;
	at[10] = 0;
	return 11;
}

size_t zdo_write_ieee_addr(uint8_t *at, uint8_t tsn, uint16_t nwk)
{
	at[0] = tsn;
	put_le16(at + 1, nwk);
	at[3] = 0;
	at[4] = 0;
	return 5;
}

size_t zdo_write_node_desc(uint8_t *at, uint8_t tsn, uint16_t nwk)
{
	at[0] = tsn;
	put_le16(at + 1, nwk);
	return 3;
}

size_t zdo_write_match_desc(uint8_t *at, uint8_t tsn, uint16_t nwk,
	uint16_t profile, uint16_t cluster, bool server)
{
	at[0] = tsn;
	put_le16(at + 1, nwk);
	put_le16(at + 3, profile);
	at[5] = server ? 1 : 0;
	put_le16(at + 6, server ? cluster : 0);
	at[server ? 8 : 6] = server ? 0 : 1;
	if (!server)
		put_le16(at + 7, cluster);
	return 9;
}

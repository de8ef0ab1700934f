/* The ZigBee Device Objects of a node: who has which address, what is where
 * (Zigbee specification revision 22, 2.4.3 and 2.4.4). */
#include "tools/sim/zigbee/mesh.h"

#define ZDO_NWK_ADDR 0x0000
#define ZDO_IEEE_ADDR 0x0001
#define ZDO_NODE_DESC 0x0002
#define ZDO_SIMPLE_DESC 0x0004
#define ZDO_ACTIVE_EP 0x0005
#define ZDO_MATCH_DESC 0x0006
#define ZDO_LEAVE 0x0034
#define ZDO_ANSWER 0x8000
#define STATUS_OK 0x00
#define STATUS_INVALID_EP 0x82
#define STATUS_NOT_SUPPORTED 0x84

static void put_eui64(uint8_t *at, uint64_t v)
{
	put_le32(at, (uint32_t)v);
	put_le32(at + 4, (uint32_t)(v >> 32));
}

static uint64_t get_eui64(const uint8_t *at)
{
	return (uint64_t)get_le32(at + 4) << 32 | get_le32(at);
}

static void answer(struct node *n, uint64_t now, const struct ncp_frame *f,
	const uint8_t *asdu, size_t len)
{
	node_send(n, now, 0, NODE_PROFILE_ZDO,
		(uint16_t)(f->cluster | ZDO_ANSWER), asdu, len);
}

static void answer_address(
	struct node *n, uint64_t now, const struct ncp_frame *f)
{
	uint8_t a[12] = {f->asdu[0], STATUS_OK};

	put_eui64(a + 2, n->setup.eui64);
	put_le16(a + 10, n->nwk);
	answer(n, now, f, a, sizeof(a));
}

/* Node descriptor (2.3.2.3): 13 bytes. */
static void answer_node(struct node *n, uint64_t now, const struct ncp_frame *f)
{
	bool sleepy = node_is_sleepy(n);
	uint8_t a[17] = {f->asdu[0], STATUS_OK};

	put_le16(a + 2, n->nwk);
	a[4] = sleepy ? 2 : 1;
	a[5] = 0x40; /* 2.4 GHz */
	a[6] = sleepy ? 0x80 : 0x8e;
	put_le16(a + 7, n->own.manufacturer);
	a[9] = AIR_ASDU_MAX;
	put_le16(a + 10, AIR_ASDU_MAX);
	put_le16(a + 12, 0x2c00);
	put_le16(a + 14, AIR_ASDU_MAX);
	answer(n, now, f, a, sizeof(a));
}

static void answer_simple(
	struct node *n, uint64_t now, const struct ncp_frame *f)
{
	struct mesh_descriptor d;
	uint8_t a[64] = {f->asdu[0], STATUS_OK};
	size_t len = 5;

	put_le16(a + 2, n->nwk);
	if (f->asdu_len < 4 || f->asdu[3] != n->setup.endpoint ||
		!mesh_describe(n->mesh, n->nwk, &d)) {
		a[1] = STATUS_INVALID_EP;
		answer(n, now, f, a, 5);
		return;
	}
	a[len] = d.endpoint;
	put_le16(a + len + 1, d.profile);
	put_le16(a + len + 3, d.device);
	a[len + 5] = 1;
	len += 6;
	a[len++] = d.in_count;
	for (unsigned i = 0; i < d.in_count; i++, len += 2)
		put_le16(a + len, d.in[i]);
	a[len++] = d.out_count;
	for (unsigned i = 0; i < d.out_count; i++, len += 2)
		put_le16(a + len, d.out[i]);
	a[4] = (uint8_t)(len - 5);
	answer(n, now, f, a, len);
}

static void answer_endpoints(
	struct node *n, uint64_t now, const struct ncp_frame *f)
{
	uint8_t a[6] = {f->asdu[0], STATUS_OK};

	put_le16(a + 2, n->nwk);
	a[4] = 1;
	a[5] = n->setup.endpoint;
	answer(n, now, f, a, sizeof(a));
}

static bool has_any(const uint16_t *list, unsigned count, const uint8_t *asked,
	unsigned asked_count)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < asked_count; k++)
			if (list[i] == get_le16(asked + 2 * k))
				return true;
	return false;
}

/* seq, nwk, profile, n, in[], n, out[]. Silent when nothing matches, if it was a
 * broadcast. */
static void answer_match(
	struct node *n, uint64_t now, const struct ncp_frame *f)
{
	uint8_t a[6] = {f->asdu[0], STATUS_OK};
	struct bytes p = bytes_of(f->asdu, f->asdu_len);
	struct mesh_descriptor d;
	unsigned ins, outs;
	bool match;

	if (p.len < 7 || p.len < 7u + 2u * p.at[5] ||
		p.len < 7u + 2u * p.at[5] + 2u * p.at[6 + 2 * p.at[5]] ||
		!mesh_describe(n->mesh, n->nwk, &d)) {
		n->counts.bad_frames++;
		return;
	}
	ins = p.at[5];
	outs = p.at[6 + 2 * ins];
	match = get_le16(p.at + 3) == d.profile &&
		(has_any(d.in, d.in_count, p.at + 6, ins) ||
			has_any(d.out, d.out_count, p.at + 7 + 2 * ins, outs));
	if (!match && f->broadcast)
		return;
	put_le16(a + 2, n->nwk);
	a[4] = match;
	a[5] = d.endpoint;
	answer(n, now, f, a, match ? 6 : 5);
}

void node_zdo_heard(struct node *n, uint64_t now, const struct ncp_frame *f)
{
	uint8_t a[2] = {0, STATUS_NOT_SUPPORTED};

	if (f->asdu_len < 3 || f->cluster & ZDO_ANSWER)
		return;
	switch (f->cluster) {
	case ZDO_NWK_ADDR:
		if (f->asdu_len >= 9 &&
			get_eui64(f->asdu + 1) == n->setup.eui64)
			answer_address(n, now, f);
		return;
	case ZDO_IEEE_ADDR:
		if (get_le16(f->asdu + 1) == n->nwk)
			answer_address(n, now, f);
		return;
	case ZDO_NODE_DESC:
		answer_node(n, now, f);
		return;
	case ZDO_SIMPLE_DESC:
		answer_simple(n, now, f);
		return;
	case ZDO_ACTIVE_EP:
		answer_endpoints(n, now, f);
		return;
	case ZDO_MATCH_DESC:
		answer_match(n, now, f);
		return;
	case ZDO_LEAVE:
		a[0] = f->asdu[0];
		a[1] = STATUS_OK;
		answer(n, now, f, a, sizeof(a));
		node_leave(n, now);
		return;
	default:
		a[0] = f->asdu[0];
		if (!f->broadcast)
			answer(n, now, f, a, sizeof(a));
	}
}

/* ZDO requests of the host: those to the coordinator itself are answered here,
 * the others go over the air and come back. MT leaves the transaction number
 * out. */
#include "tools/sim/zigbee/ncp_znp.h"

#define HANDLE_ZDO 0x20000u
#define STATUS_INVALID_EP 0x82
#define ZDO_NWK_ADDR 0x00
#define ZDO_IEEE_ADDR 0x01
#define ZDO_NODE_DESC 0x02
#define ZDO_SIMPLE_DESC 0x04
#define ZDO_ACTIVE_EP 0x05
#define ZDO_MATCH_DESC 0x06
#define ALL_AWAKE 0xfffdu

static void say(struct ncp *n, uint8_t command, const uint8_t *data, size_t len)
{
	znp_say(n, ZNP_AREQ, ZNP_ZDO, 0x80 | command, data, len);
}

static void answer_own_address(struct ncp *n, uint8_t command)
{
	uint8_t d[13] = {ZNP_OK};

	znp_put_eui64(d + 1, mesh_network(n->mesh)->eui64);
	say(n, command, d, sizeof(d));
}

static void answer_own_node(struct ncp *n)
{
	/* src, status, nwk, descriptor: coordinator, 2.4 GHz, TI. */
	static const uint8_t d[18] = {0, 0, ZNP_OK, 0, 0, 0x00, 0x40, 0x8f,
		0x07, 0x00, 0x52, 0x52, 0x00, 0x41, 0x2c, 0x52, 0x00, 0x00};

	say(n, ZDO_NODE_DESC, d, sizeof(d));
}

static void answer_own_endpoints(struct ncp *n)
{
	uint8_t d[6 + ZNP_ENDPOINTS_MAX] = {0};

	d[5] = (uint8_t)n->endpoint_count;
	if (n->endpoint_count)
		memcpy(d + 6, n->endpoints, n->endpoint_count);
	say(n, ZDO_ACTIVE_EP, d, 6 + n->endpoint_count);
}

/* The lists are known to the network alone: an endpoint shows its profile. */
static void answer_own_simple(struct ncp *n, uint8_t endpoint)
{
	uint8_t d[14] = {0};
	bool known = n->endpoint_count &&
		     memchr(n->endpoints, endpoint, n->endpoint_count);

	if (!known) {
		d[2] = STATUS_INVALID_EP;
		say(n, ZDO_SIMPLE_DESC, d, 6);
		return;
	}
	d[5] = 8;
	d[6] = endpoint;
	put_le16(d + 7, NODE_PROFILE_HA);
	put_le16(d + 9, 0x0005);
	say(n, ZDO_SIMPLE_DESC, d, sizeof(d));
}

static void answer_own_match(struct ncp *n)
{
	uint8_t d[6] = {0};

	say(n, ZDO_MATCH_DESC, d, sizeof(d));
}

static void send_request(struct ncp *n, uint64_t now, uint16_t nwk,
	uint16_t cluster, struct bytes rest)
{
	uint8_t asdu[NCP_ASDU_MAX] = {n->zdo_tsn++};
	struct ncp_frame f = {.nwk = nwk,
		.profile = NODE_PROFILE_ZDO,
		.cluster = cluster,
		.ack = nwk < 0xfff8,
		.handle = HANDLE_ZDO,
		.asdu = asdu};

	if (rest.len > sizeof(asdu) - 1)
		return;
	if (rest.len)
		memcpy(asdu + 1, rest.at, rest.len);
	f.asdu_len = (uint8_t)(rest.len + 1);
	mesh_send(n->mesh, now, &f);
}

/* The forms of requests: whom they go to, and what of them goes over the air. */
static void address_request(
	struct ncp *n, uint64_t now, const struct znp_request *r)
{
	bool by_nwk = r->command == ZDO_IEEE_ADDR;
	bool own = by_nwk ? get_le16(r->d.at) == 0
			  : znp_get_eui64(r->d.at) ==
				    mesh_network(n->mesh)->eui64;

	if (own)
		answer_own_address(n, r->command);
	else
		send_request(n, now,
			by_nwk ? get_le16(r->d.at) : (uint16_t)ALL_AWAKE,
			r->command, r->d);
}

/* dst, then as on the air. */
static void addressed_request(
	struct ncp *n, uint64_t now, const struct znp_request *r)
{
	uint16_t nwk = get_le16(r->d.at);

	if (nwk != 0) {
		send_request(n, now, nwk, r->command,
			bytes_slice(r->d, 2, r->d.len));
		return;
	}
	switch (r->command) {
	case ZDO_NODE_DESC:
		answer_own_node(n);
		return;
	case ZDO_ACTIVE_EP:
		answer_own_endpoints(n);
		return;
	case ZDO_SIMPLE_DESC:
		if (r->d.len >= 5)
			answer_own_simple(n, r->d.at[4]);
		return;
	case ZDO_MATCH_DESC:
		answer_own_match(n);
		return;
	default:
		return;
	}
}

/* addrMode, dst, duration, tcSignificance. There is nobody new to let in: nodes
 * join by command. */
static void permit_join(struct ncp *n)
{
	uint8_t d[3] = {0, 0, ZNP_OK};

	say(n, 0x36, d, sizeof(d));
}

static void find_group(struct ncp *n, const struct znp_request *r)
{
	uint8_t d[4] = {ZNP_FAILURE};

	if (r->d.len >= 3)
		memcpy(d + 1, r->d.at + 1, 2);
	znp_answer(n, r, d, sizeof(d));
}

static void network_info(struct ncp *n, const struct znp_request *r)
{
	const struct ncp_network *net = mesh_network(n->mesh);
	bool up = n->state == ZNP_STATE_COORDINATOR;
	uint8_t d[24] = {0};

	put_le16(d, up ? 0 : 0xfffe);
	d[2] = n->state;
	put_le16(d + 3, up ? net->pan : 0xffff);
	znp_put_eui64(d + 7, up ? net->ext_pan : 0);
	d[23] = up ? net->channel : 0;
	znp_answer(n, r, d, sizeof(d));
}

/* Z-Stack goes on where it was, or forms the network that is described. */
static void startup(struct ncp *n, uint64_t now, const struct znp_request *r)
{
	bool formed = mesh_network(n->mesh)->formed;

	znp_answer_status(n, r, formed ? ZNP_OK : ZNP_FAILURE);
	if (!formed)
		znp_nv_form(n);
	znp_start_network(n, now);
}

void znp_zdo_request(struct ncp *n, uint64_t now, const struct znp_request *r)
{
	size_t least = r->command == ZDO_NWK_ADDR ? 8 : 2;

	switch (r->command) {
	case 0x36:
		znp_answer_status(n, r, ZNP_OK);
		permit_join(n);
		return;
	case 0x3e:
	case 0x3f:
	case 0x45:
	case 0x4b:
		znp_answer_status(n, r, ZNP_OK);
		return;
	case 0x40:
		startup(n, now, r);
		return;
	case 0x4a:
		find_group(n, r);
		return;
	case 0x50:
		network_info(n, r);
		return;
	default:
		break;
	}
	if (r->command > 0x06 && r->command != 0x21 && r->command != 0x22 &&
		(r->command < 0x31 || r->command > 0x34)) {
		znp_reject(n, r, ZNP_REJECT_COMMAND);
		return;
	}
	if (r->d.len < least) {
		znp_reject(n, r, ZNP_REJECT_LENGTH);
		return;
	}
	if (n->state != ZNP_STATE_COORDINATOR && r->command > ZDO_IEEE_ADDR &&
		get_le16(r->d.at) != 0) {
		znp_answer_status(n, r, ZNP_FAILURE);
		return;
	}
	znp_answer_status(n, r, ZNP_OK);
	if (r->command <= ZDO_IEEE_ADDR)
		address_request(n, now, r);
	else
		addressed_request(n, now, r);
}

void znp_zdo_heard(struct ncp *n, const struct ncp_frame *f)
{
	uint8_t d[2 + NCP_ASDU_MAX] = {0};
	uint8_t command = f->cluster & 0x7f;

	if (!(f->cluster & 0x8000) || f->asdu_len < 2)
		return;
	if (command <= ZDO_IEEE_ADDR) {
		/* status, ieee, nwk, start, n: the last two are swapped. */
		if (f->asdu_len < 12)
			return;
		memcpy(d, f->asdu + 1, 11);
		say(n, command, d, 13);
		return;
	}
	put_le16(d, f->nwk);
	memcpy(d + 2, f->asdu + 1, f->asdu_len - 1u);
	say(n, command, d, f->asdu_len + 1u);
}

#include "tools/sim/zigbee/ncp_znp.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/sim/zigbee/ncp_options.h"

#define SOF 0xfe
#define BOOT_NS UINT64_C(100000000)
#define START_NS UINT64_C(50000000)
#define HANDLE_ACK 0x10000u
#define HANDLE_ZDO 0x20000u
#define OPTION_ACK 0x10
#define RADIUS_MODE_SHORT 2

void znp_put_eui64(uint8_t *at, uint64_t v)
{
	put_le32(at, (uint32_t)v);
	put_le32(at + 4, (uint32_t)(v >> 32));
}

uint64_t znp_get_eui64(const uint8_t *at)
{
	return (uint64_t)get_le32(at + 4) << 32 | get_le32(at);
}

/* ---- to the host ---- */

void znp_say(struct ncp *n, enum znp_type type, uint8_t subsystem,
	uint8_t command, const uint8_t *data, size_t len)
{
	uint8_t head[4] = {SOF, (uint8_t)len,
		(uint8_t)((unsigned)type << 5 | subsystem), command};
	uint8_t fcs = (uint8_t)(head[1] ^ head[2] ^ head[3]);

	for (size_t i = 0; i < len; i++)
		fcs ^= data[i];
	if (len > ZNP_DATA_MAX || n->out.len + len + 5 > ZNP_OUTPUT_MAX) {
		n->overruns++;
		return;
	}
	buf_add(&n->out, head, sizeof(head));
	buf_add(&n->out, data, len);
	buf_add(&n->out, &fcs, 1);
}

void znp_answer(struct ncp *n, const struct znp_request *r, const uint8_t *data,
	size_t len)
{
	znp_say(n, ZNP_SRSP, r->subsystem, r->command, data, len);
}

void znp_answer_status(
	struct ncp *n, const struct znp_request *r, enum znp_status status)
{
	uint8_t s = (uint8_t)status;

	znp_answer(n, r, &s, 1);
}

void znp_reject(struct ncp *n, const struct znp_request *r, uint8_t error)
{
	uint8_t d[3] = {error, (uint8_t)(ZNP_SREQ << 5 | r->subsystem),
		r->command};

	znp_say(n, ZNP_SRSP, ZNP_RPC, 0, d, sizeof(d));
}

static size_t znp_output(
	struct ncp *n, uint64_t now, uint8_t *at, size_t room)
{
	size_t len = n->out.len - n->out_at;

	(void)now;
	if (len > room)
		len = room;
	if (len)
		memcpy(at, n->out.at + n->out_at, len);
	n->out_at += len;
	if (n->out_at == n->out.len) {
		buf_reset(&n->out);
		n->out_at = 0;
	}
	return len;
}

/* ---- SYS ---- */

static void say_reset(struct ncp *n)
{
	uint8_t d[6] = {n->reason, 2, n->product, 2, 7, 1};

	znp_say(n, ZNP_AREQ, ZNP_SYS, 0x80, d, sizeof(d));
}

/* Endpoints, what was in flight and what was not yet said are gone. */
static void reset(struct ncp *n, uint64_t now, uint8_t reason)
{
	mesh_forget_endpoints(n->mesh);
	n->endpoint_count = 0;
	n->in_len = 0;
	buf_reset(&n->out);
	n->out_at = 0;
	n->state = ZNP_STATE_HOLD;
	n->start_at = NCP_NEVER;
	n->reason = reason;
	n->boot_at = now + BOOT_NS;
}

static void sys_version(struct ncp *n, const struct znp_request *r)
{
	uint8_t d[9] = {2, n->product, 2, 7, 1};

	put_le32(d + 5, 20230507);
	znp_answer(n, r, d, sizeof(d));
}

static void sys_request(
	struct ncp *n, uint64_t now, const struct znp_request *r)
{
	uint8_t d[8];

	switch (r->command) {
	case 0x00:
		reset(n, now, 0);
		return;
	case 0x01:
		put_le16(d, 0x0659);
		znp_answer(n, r, d, 2);
		return;
	case 0x02:
		sys_version(n, r);
		return;
	case 0x04:
		znp_put_eui64(d, mesh_network(n->mesh)->eui64);
		znp_answer(n, r, d, 8);
		return;
	case 0x0f:
		d[0] = r->d.len >= 2 ? r->d.at[1] : 0;
		znp_answer(n, r, d, 1);
		return;
	default:
		if (!znp_nv_request(n, r))
			znp_reject(n, r, ZNP_REJECT_COMMAND);
	}
}

/* ---- UTIL and the rest ---- */

static void device_info(struct ncp *n, const struct znp_request *r)
{
	uint8_t d[14 + 2 * 64] = {ZNP_OK};
	size_t count = 0;

	znp_put_eui64(d + 1, mesh_network(n->mesh)->eui64);
	put_le16(d + 9, n->state == ZNP_STATE_COORDINATOR ? 0 : 0xfffe);
	d[11] = 7; /* may be coordinator, router or end device */
	d[12] = n->state;
	for (size_t i = 0; i < mesh_count(n->mesh) && count < 64; i++) {
		const struct node *node = mesh_node(n->mesh, i);

		if (node->joined && node_is_sleepy(node))
			put_le16(d + 14 + 2 * count++, node->nwk);
	}
	d[13] = (uint8_t)count;
	znp_answer(n, r, d, 14 + 2 * count);
}

static void association(struct ncp *n, const struct znp_request *r)
{
	struct mesh_descriptor about;
	uint8_t d[5] = {0xfe, 0xff, 0, 0, 0xff};
	uint16_t nwk;

	if (r->d.len < 10) {
		znp_reject(n, r, ZNP_REJECT_LENGTH);
		return;
	}
	if (mesh_find_eui64(n->mesh, znp_get_eui64(r->d.at), &nwk) &&
		mesh_describe(n->mesh, nwk, &about)) {
		put_le16(d, nwk);
		d[4] = about.sleepy ? 1 : 2;
	}
	znp_answer(n, r, d, sizeof(d));
}

/* What the coordinator knows by itself: the address is 0 when it does not. */
static void look_up(struct ncp *n, const struct znp_request *r)
{
	uint64_t eui64 = 0;
	uint8_t d[8];

	if (r->d.len < 2) {
		znp_reject(n, r, ZNP_REJECT_LENGTH);
		return;
	}
	if (!mesh_find_nwk(n->mesh, get_le16(r->d.at), &eui64))
		eui64 = 0;
	znp_put_eui64(d, eui64);
	znp_answer(n, r, d, sizeof(d));
}

static void util_request(struct ncp *n, const struct znp_request *r)
{
	switch (r->command) {
	case 0x41: /* addrmgrNwkAddrLookup */
		look_up(n, r);
		return;
	case 0x00:
		device_info(n, r);
		return;
	case 0x06: /* callbacks are always on */
	case 0x0a: /* there is no lamp */
	case 0x63:
	case 0x64:
		znp_answer_status(n, r, ZNP_OK);
		return;
	case 0x4a:
		association(n, r);
		return;
	default:
		znp_reject(n, r, ZNP_REJECT_COMMAND);
	}
}

static void app_request(
	struct ncp *n, uint64_t now, const struct znp_request *r)
{
	switch (r->command) {
	case 0x05: /* bdbStartCommissioning; 4: formation */
		znp_answer_status(n, r, ZNP_OK);
		if (r->d.len >= 1 && r->d.at[0] & 4) {
			znp_nv_form(n);
			znp_start_network(n, now);
		}
		return;
	case 0x08: /* bdbSetChannel */
		if (r->d.len >= 5 && r->d.at[0])
			n->bdb_channels = get_le32(r->d.at + 1);
		znp_answer_status(n, r, ZNP_OK);
		return;
	default:
		znp_reject(n, r, ZNP_REJECT_COMMAND);
	}
}

/* ---- AF ---- */

static bool has_endpoint(const struct ncp *n, uint8_t endpoint)
{
	return n->endpoint_count &&
	       memchr(n->endpoints, endpoint, n->endpoint_count);
}

/* ep, profile, device, version, latency, nIn, in[], nOut, out[]. */
static void af_register(struct ncp *n, const struct znp_request *r)
{
	uint16_t in[16], out[16];
	struct bytes d = r->d;
	size_t ins, outs;

	if (d.len < 9 || d.at[7] > 16 || d.len < 9u + 2u * d.at[7] ||
		d.at[8 + 2 * d.at[7]] > 16 ||
		d.len < 9u + 2u * d.at[7] + 2u * d.at[8 + 2 * d.at[7]]) {
		znp_answer_status(n, r, ZNP_INVALID_PARAMETER);
		return;
	}
	if (has_endpoint(n, d.at[0]) ||
		n->endpoint_count == ZNP_ENDPOINTS_MAX) {
		znp_answer_status(n, r,
			has_endpoint(n, d.at[0]) ? ZNP_APS_DUPLICATE
						 : ZNP_MEM_ERROR);
		return;
	}
	ins = d.at[7];
	outs = d.at[8 + 2 * ins];
	for (size_t i = 0; i < ins; i++)
		in[i] = get_le16(d.at + 8 + 2 * i);
	for (size_t i = 0; i < outs; i++)
		out[i] = get_le16(d.at + 9 + 2 * ins + 2 * i);
	n->endpoints[n->endpoint_count++] = d.at[0];
	mesh_register(n->mesh, d.at[0], get_le16(d.at + 1), in, ins, out, outs);
	znp_answer_status(n, r, ZNP_OK);
}

/* Z-Stack keeps endpoints in a list; the network takes them anew. */
static void af_delete(struct ncp *n, const struct znp_request *r)
{
	uint8_t *at = r->d.len && n->endpoint_count
			      ? memchr(n->endpoints, r->d.at[0],
					n->endpoint_count)
			      : NULL;

	if (!at) {
		znp_answer_status(n, r, ZNP_INVALID_PARAMETER);
		return;
	}
	*at = n->endpoints[--n->endpoint_count];
	mesh_register(n->mesh, r->d.at[0], 0, NULL, 0, NULL, 0);
	znp_answer_status(n, r, ZNP_OK);
}

static void send_frame(struct ncp *n, uint64_t now,
	const struct znp_request *r, struct ncp_frame *f, uint8_t trans_id,
	uint8_t options)
{
	bool full = mesh_in_flight(n->mesh) >= mesh_network(n->mesh)->buffers;

	if (n->state != ZNP_STATE_COORDINATOR) {
		znp_answer_status(n, r, ZNP_FAILURE);
		return;
	}
	if (!has_endpoint(n, f->src_ep) || f->asdu_len > NCP_ASDU_MAX) {
		znp_answer_status(n, r, ZNP_INVALID_PARAMETER);
		return;
	}
	if (full && n->refuse_early) {
		znp_answer_status(n, r, ZNP_MEM_ERROR);
		return;
	}
	znp_answer_status(n, r, ZNP_OK);
	f->profile = mesh_profile(n->mesh, f->src_ep);
	f->ack = options & OPTION_ACK;
	f->handle = trans_id | (uint32_t)f->src_ep << 8 |
		    (f->ack ? HANDLE_ACK : 0);
	mesh_send(n->mesh, now, f);
}

/* The profile of a frame is that of its source endpoint. */
static void af_data_request(
	struct ncp *n, uint64_t now, const struct znp_request *r)
{
	struct bytes d = r->d;
	struct ncp_frame f = {0};

	if (d.len < 10 || d.at[9] != d.len - 10) {
		znp_answer_status(n, r, ZNP_INVALID_PARAMETER);
		return;
	}
	f.nwk = get_le16(d.at);
	f.dst_ep = d.at[2];
	f.src_ep = d.at[3];
	f.cluster = get_le16(d.at + 4);
	f.asdu = d.at + 10;
	f.asdu_len = d.at[9];
	send_frame(n, now, r, &f, d.at[6], d.at[7]);
}

static void af_data_request_ext(
	struct ncp *n, uint64_t now, const struct znp_request *r)
{
	struct bytes d = r->d;
	struct ncp_frame f = {0};

	if (d.len < 20 || get_le16(d.at + 18) != d.len - 20 ||
		d.len - 20 > NCP_ASDU_MAX) {
		znp_answer_status(n, r, ZNP_INVALID_PARAMETER);
		return;
	}
	f.nwk = get_le16(d.at + 1);
	if (d.at[0] == 3)
		mesh_find_eui64(n->mesh, znp_get_eui64(d.at + 1), &f.nwk);
	else if (d.at[0] == 1)
		f.nwk = 0xfffd; /* a group; everybody hears it */
	f.dst_ep = d.at[9];
	f.src_ep = d.at[12];
	f.cluster = get_le16(d.at + 13);
	f.asdu = d.at + 20;
	f.asdu_len = (uint8_t)(d.len - 20);
	send_frame(n, now, r, &f, d.at[15], d.at[16]);
}

static void af_request(
	struct ncp *n, uint64_t now, const struct znp_request *r)
{
	switch (r->command) {
	case 0x00:
		af_register(n, r);
		return;
	case 0x01:
		af_data_request(n, now, r);
		return;
	case 0x02:
		af_data_request_ext(n, now, r);
		return;
	case 0x04:
		af_delete(n, r);
		return;
	default:
		znp_reject(n, r, ZNP_REJECT_COMMAND);
	}
}

/* ---- from the host ---- */

static void request(struct ncp *n, uint64_t now, const struct znp_request *r)
{
	switch (r->subsystem) {
	case ZNP_SYS:
		sys_request(n, now, r);
		return;
	case ZNP_AF:
		af_request(n, now, r);
		return;
	case ZNP_ZDO:
		znp_zdo_request(n, now, r);
		return;
	case ZNP_UTIL:
		util_request(n, r);
		return;
	case ZNP_APP_CNF:
		app_request(n, now, r);
		return;
	default:
		znp_reject(n, r, ZNP_REJECT_SUBSYSTEM);
	}
}

/* Length of the frame at the start of `in`: 0 when it is not whole yet, 1 with
 * *ret_bad to go one byte on. */
static size_t frame_at(const struct ncp *n, bool *ret_bad)
{
	uint8_t fcs = 0;
	size_t len;

	*ret_bad = true;
	if (n->in[0] != SOF)
		return 1;
	if (n->in_len < 5 || n->in_len < 5u + n->in[1])
		return n->in_len >= 2 && n->in[1] > ZNP_DATA_MAX ? 1 : 0;
	len = 4u + n->in[1];
	for (size_t i = 1; i < len; i++)
		fcs ^= n->in[i];
	if (fcs != n->in[len])
		return 1;
	*ret_bad = false;
	return len + 1;
}

static void take_frames(struct ncp *n, uint64_t now)
{
	bool bad;
	size_t len;

	while (n->in_len > 0 && (len = frame_at(n, &bad)) > 0) {
		if (bad) {
			n->bad_frames += n->in[0] == SOF;
		} else {
			struct znp_request r = {n->in[2] & 0x1f, n->in[3],
				bytes_of(n->in + 4, n->in[1])};
			uint8_t type = n->in[2] >> 5;

			if (type == ZNP_SREQ ||
				(type == ZNP_AREQ && r.subsystem == ZNP_SYS))
				request(n, now, &r);
		}
		/* A reset forgot what was there. */
		if (n->in_len < len)
			return;
		n->in_len -= len;
		memmove(n->in, n->in + len, n->in_len);
	}
}

static void znp_input(struct ncp *n, uint64_t now, const uint8_t *data,
	size_t len)
{
	while (len > 0 && n->boot_at == NCP_NEVER) {
		size_t part = sizeof(n->in) - n->in_len;

		if (part > len)
			part = len;
		memcpy(n->in + n->in_len, data, part);
		n->in_len += part;
		data += part;
		len -= part;
		take_frames(n, now);
	}
}

/* ---- time and network ---- */

void znp_start_network(struct ncp *n, uint64_t now)
{
	n->state = ZNP_STATE_STARTING;
	n->start_at = now + START_NS;
}

static void znp_time(struct ncp *n, uint64_t now)
{
	if (n->boot_at <= now) {
		n->boot_at = NCP_NEVER;
		znp_nv_boot(n);
		say_reset(n);
	}
	if (n->start_at <= now) {
		n->start_at = NCP_NEVER;
		n->state = ZNP_STATE_COORDINATOR;
		znp_say(n, ZNP_AREQ, ZNP_ZDO, 0xc0, &n->state, 1);
	}
}

static uint64_t znp_due(const struct ncp *n)
{
	return n->boot_at < n->start_at ? n->boot_at : n->start_at;
}

static void znp_heard(struct ncp *n, uint64_t now, const struct ncp_frame *f)
{
	uint8_t d[17 + NCP_ASDU_MAX + 3] = {0};

	if (n->state != ZNP_STATE_COORDINATOR)
		return;
	if (f->dst_ep == 0) {
		if (f->profile == NODE_PROFILE_ZDO)
			znp_zdo_heard(n, f);
		return;
	}
	if (!has_endpoint(n, f->dst_ep))
		return;
	put_le16(d + 2, f->cluster);
	put_le16(d + 4, f->nwk);
	d[6] = f->src_ep;
	d[7] = f->dst_ep;
	d[8] = f->broadcast;
	d[9] = f->lqi;
	put_le32(d + 11, (uint32_t)(now / 320000));
	d[15] = f->asdu_len > 1 ? f->asdu[1] : 0;
	d[16] = f->asdu_len;
	memcpy(d + 17, f->asdu, f->asdu_len);
	/* As on real lines: the MAC source and the radius follow. */
	put_le16(d + 17 + f->asdu_len, f->nwk);
	d[19 + f->asdu_len] = 30;
	znp_say(n, ZNP_AREQ, ZNP_AF, 0x81, d, 20u + f->asdu_len);
}

static enum znp_status status_of(enum ncp_end end, bool ack)
{
	switch (end) {
	case NCP_SENT:
		return ZNP_OK;
	case NCP_NO_ACK:
		return ack ? ZNP_APS_NO_ACK : ZNP_MAC_NO_ACK;
	case NCP_NO_ROUTE:
		return ZNP_NO_ROUTE;
	case NCP_NO_BUFFER:
		return ZNP_BUFFER_FULL;
	case NCP_EXPIRED:
		return ZNP_EXPIRED;
	}
	return ZNP_FAILURE;
}

static void znp_ended(struct ncp *n, uint64_t now, uint32_t handle,
	enum ncp_end end, uint32_t airtime_us)
{
	uint8_t d[3] = {(uint8_t)status_of(end, handle & HANDLE_ACK),
		(uint8_t)(handle >> 8), (uint8_t)handle};

	(void)now;
	(void)airtime_us;
	if (!(handle & HANDLE_ZDO))
		znp_say(n, ZNP_AREQ, ZNP_AF, 0x80, d, sizeof(d));
}

static void znp_announced(
	struct ncp *n, uint64_t now, uint64_t eui64, uint16_t nwk, bool sleepy)
{
	uint8_t d[13];

	(void)now;
	if (n->state != ZNP_STATE_COORDINATOR)
		return;
	put_le16(d, nwk);
	if (mesh_is_join(n->mesh)) {
		znp_put_eui64(d + 2, eui64);
		put_le16(d + 10, 0);
		znp_say(n, ZNP_AREQ, ZNP_ZDO, 0xca, d, 12);
	}
	put_le16(d + 2, nwk);
	znp_put_eui64(d + 4, eui64);
	d[12] = sleepy ? 0x80 : 0x8e;
	znp_say(n, ZNP_AREQ, ZNP_ZDO, 0xc1, d, sizeof(d));
}

static void znp_left(
	struct ncp *n, uint64_t now, uint64_t eui64, uint16_t nwk)
{
	uint8_t d[13] = {0};

	(void)now;
	if (n->state != ZNP_STATE_COORDINATOR)
		return;
	put_le16(d, nwk);
	znp_put_eui64(d + 2, eui64);
	znp_say(n, ZNP_AREQ, ZNP_ZDO, 0xc9, d, sizeof(d));
}

/* ---- life ---- */

static int read_options(struct ncp *n, const char *text)
{
	uint32_t product = 1, early = 0;
	const struct ncp_option options[] = {
		{"product", 0, 2, &product, NULL},
		{"refusal", 0, 0, &early, "early"},
	};
	int err = ncp_options_read(text, options, 2);

	n->product = (uint8_t)product;
	n->refuse_early = early;
	return err;
}

static int znp_create(
	struct mesh *mesh, const char *options, struct ncp **ret)
{
	struct ncp *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->mesh = mesh;
	n->boot_at = n->start_at = NCP_NEVER;
	n->bdb_channels = 1u << 11;
	buf_init(&n->out, ZNP_OUTPUT_MAX);
	err = read_options(n, options);
	if (err) {
		free(n);
		return err;
	}
	znp_nv_init(n);
	*ret = n;
	return 0;
}

static void znp_destroy(struct ncp *n)
{
	if (!n)
		return;
	buf_done(&n->out);
	free(n);
}

static void znp_reset(struct ncp *n, uint64_t now)
{
	reset(n, now, 1);
}

const struct ncp_ops ncp_znp = {
	.name = "znp",
	.create = znp_create,
	.destroy = znp_destroy,
	.reset = znp_reset,
	.input = znp_input,
	.output = znp_output,
	.time = znp_time,
	.due = znp_due,
	.heard = znp_heard,
	.ended = znp_ended,
	.announced = znp_announced,
	.left = znp_left,
};

/* A simulated Silicon Labs coprocessor, EZSP over ASH, versions 8 to 19. Versions
 * below 14 have narrow statuses and tags, the others wide ones. What it does not
 * have it says so (invalidCommand): it resumes and forms networks, moves messages
 * and knows addresses. */
#include "tools/sim/zigbee/ncp_ezsp.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/sim/zigbee/ncp_options.h"

#define FC_RESPONSE 0x80u
#define FC_CALLBACK 0x90u
#define FC_OVERFLOW 0x01u
#define FC_EXTENDED 0x01u
#define FC_EXTENDED_MASK 0x03u

#define ID_VERSION 0x0000u
#define ID_STACK_STATUS 0x0019u
#define ID_TRUST_CENTER_JOIN 0x0024u
#define ID_MESSAGE_SENT 0x003fu
#define ID_INCOMING_MESSAGE 0x0045u
#define ID_INVALID_COMMAND 0x0058u

#define ERROR_VERSION_NOT_SET 0x30u
#define ERROR_INVALID_FRAME_ID 0x31u
#define ERROR_INVALID_VALUE 0x36u

#define STACK_MESH 2u
#define INCOMING_UNICAST 0u
#define INCOMING_BROADCAST 4u
#define OUTGOING_DIRECT 0u
#define OUTGOING_BROADCAST 6u
#define OPTION_RETRY 0x0040u
#define DEVICE_REJOINED 0u
#define DEVICE_LEFT 2u
#define NO_INDEX 0xffu
#define PROFILE_ZDO 0x0000u
#define BROADCASTS 0xfff8u

void ezsp_put_status(
	const struct ncp *n, struct wire_out *out, enum ezsp_status status)
{
	static const struct {
		uint8_t old;
		uint16_t wide;
	} numbers[] = {
#define STATUS_NUMBERS(id, old, wide) {old, wide},
		EZSP_STATUS_MAP(STATUS_NUMBERS)
#undef STATUS_NUMBERS
	};

	if (n->version >= EZSP_WIDE)
		wire_put32(out, numbers[status].wide);
	else
		wire_put8(out, numbers[status].old);
}

void ezsp_put_aps(struct wire_out *out, const struct ezsp_aps *aps)
{
	wire_put16(out, aps->profile);
	wire_put16(out, aps->cluster);
	wire_put8(out, aps->src_ep);
	wire_put8(out, aps->dst_ep);
	wire_put16(out, aps->options);
	wire_put16(out, aps->group);
	wire_put8(out, aps->sequence);
}

/* ---- callbacks ---- */

struct wire_out ezsp_callback(struct ncp *n, uint16_t id, uint8_t *at)
{
	struct wire_out out = wire_out(at, ASH_DATA_MAX);

	wire_put8(&out, n->sequence);
	wire_put8(&out, FC_CALLBACK);
	wire_put8(&out, FC_EXTENDED);
	wire_put16(&out, id);
	return out;
}

void ezsp_call_back(struct ncp *n, const struct wire_out *out)
{
	struct ezsp_frame *frame;

	if (out->bad || !n->agreed)
		return;
	if (n->queue_len == n->queue_size) {
		n->overflowed = true;
		return;
	}
	frame = &n->queue[(n->queue_at + n->queue_len++) % n->queue_size];
	memcpy(frame->at, out->at, out->len);
	frame->len = out->len;
}

void ezsp_stack_status(struct ncp *n, enum ezsp_status status)
{
	uint8_t at[ASH_DATA_MAX];
	struct wire_out out = ezsp_callback(n, ID_STACK_STATUS, at);

	ezsp_put_status(n, &out, status);
	ezsp_call_back(n, &out);
}

void ezsp_incoming(struct ncp *n, const struct ncp_frame *f)
{
	uint8_t at[ASH_DATA_MAX];
	struct wire_out out = ezsp_callback(n, ID_INCOMING_MESSAGE, at);
	struct ezsp_aps aps = {.profile = f->profile,
		.cluster = f->cluster,
		.src_ep = f->src_ep,
		.dst_ep = f->dst_ep,
		.options = f->ack ? OPTION_RETRY : 0,
		.sequence = ++n->aps_sequence};

	wire_put8(&out,
		f->broadcast ? INCOMING_BROADCAST : INCOMING_UNICAST);
	ezsp_put_aps(&out, &aps);
	if (n->version < EZSP_WIDE) {
		wire_put8(&out, f->lqi);
		wire_put8(&out, (uint8_t)f->rssi);
		wire_put16(&out, f->nwk);
		wire_put8(&out, NO_INDEX);
		wire_put8(&out, NO_INDEX);
	} else {
		wire_put16(&out, f->nwk);
		wire_put64(&out, f->eui64);
		wire_put8(&out, NO_INDEX);
		wire_put8(&out, NO_INDEX);
		wire_put8(&out, f->lqi);
		wire_put8(&out, (uint8_t)f->rssi);
		wire_put32(&out, 0);
	}
	wire_put8(&out, f->asdu_len);
	wire_add(&out, f->asdu, f->asdu_len);
	ezsp_call_back(n, &out);
}

static void message_sent(
	struct ncp *n, const struct ezsp_flight *fl, enum ezsp_status status)
{
	uint8_t at[ASH_DATA_MAX];
	struct wire_out out = ezsp_callback(n, ID_MESSAGE_SENT, at);
	bool wide = n->version >= EZSP_WIDE;

	if (wide)
		ezsp_put_status(n, &out, status);
	wire_put8(&out, fl->broadcast ? OUTGOING_BROADCAST : OUTGOING_DIRECT);
	wire_put16(&out, fl->nwk);
	ezsp_put_aps(&out, &fl->aps);
	wire_put(&out, fl->tag, wide ? 2 : 1);
	if (!wide)
		ezsp_put_status(n, &out, status);
	wire_put8(&out, 0);
	ezsp_call_back(n, &out);
}

/* ---- messages ---- */

/* To the coprocessor itself: what its stack answers, and the host sees. */
static void send_to_self(struct ncp *n, const struct ezsp_aps *aps,
	struct bytes data)
{
	uint8_t answer[ZDO_ANSWER_MAX];
	struct ncp_frame f = {.eui64 = n->self.eui64,
		.cluster = aps->cluster | 0x8000u,
		.lqi = 255,
		.asdu = answer};
	size_t len;

	if (aps->profile != PROFILE_ZDO || aps->dst_ep != 0)
		return;
	len = zdo_answer(&n->self, aps->cluster, data, answer);
	f.asdu_len = (uint8_t)len;
	if (len)
		ezsp_incoming(n, &f);
}

static struct ezsp_flight *new_flight(struct ncp *n)
{
	if (n->in_flight >= mesh_network(n->mesh)->buffers)
		return NULL;
	for (unsigned i = 0; i < EZSP_FLIGHTS_MAX; i++) {
		struct ezsp_flight *fl = &n->flights[i];

		if (fl->used)
			continue;
		n->handles++;
		fl->used = true;
		fl->handle = n->handles << 8 | i;
		n->in_flight++;
		return fl;
	}
	return NULL;
}

enum ezsp_status ezsp_send(struct ncp *n, uint64_t now, uint16_t nwk,
	uint16_t tag, struct ezsp_aps *aps, struct bytes data)
{
	struct ncp_frame f = {.nwk = nwk,
		.profile = aps->profile,
		.cluster = aps->cluster,
		.src_ep = aps->src_ep,
		.dst_ep = aps->dst_ep,
		.broadcast = nwk >= BROADCASTS,
		.ack = aps->options & OPTION_RETRY && nwk < BROADCASTS,
		.asdu = data.at,
		.asdu_len = (uint8_t)data.len};
	struct ezsp_flight *fl, own;

	if (!n->up)
		return EZSP_INVALID_CALL;
	if (data.len > EZSP_PAYLOAD_MAX)
		return EZSP_MESSAGE_TOO_LONG;
	aps->sequence = ++n->aps_sequence;
	if (nwk == 0) {
		own = (struct ezsp_flight){.tag = tag, .aps = *aps};
		message_sent(n, &own, EZSP_OK);
		send_to_self(n, aps, data);
		return EZSP_OK;
	}
	fl = new_flight(n);
	if (!fl)
		return EZSP_MAX_MESSAGE_LIMIT;
	fl->broadcast = f.broadcast;
	fl->nwk = nwk;
	fl->tag = tag;
	fl->aps = *aps;
	f.handle = fl->handle;
	mesh_send(n->mesh, now, &f);
	return EZSP_OK;
}

static void on_ended(struct ncp *n, uint64_t now, uint32_t handle,
	enum ncp_end end, uint32_t airtime_us)
{
	struct ezsp_flight *fl = &n->flights[handle & 0xff];

	(void)now;
	(void)airtime_us;
	if (!fl->used || fl->handle != handle)
		return;
	fl->used = false;
	n->in_flight--;
	message_sent(n, fl, end == NCP_SENT ? EZSP_OK : EZSP_DELIVERY_FAILED);
}

/* The stack answers ZDO requests by itself; the host hears of the rest. */
static void answer_zdo(
	struct ncp *n, uint64_t now, const struct ncp_frame *f)
{
	uint8_t answer[ZDO_ANSWER_MAX];
	struct ncp_frame back = {.nwk = f->nwk,
		.eui64 = f->eui64,
		.cluster = f->cluster | 0x8000u,
		.ack = true,
		.asdu = answer};
	size_t len = zdo_answer(&n->self, f->cluster,
		bytes_of(f->asdu, f->asdu_len), answer);

	back.asdu_len = (uint8_t)len;
	if (len && len <= EZSP_PAYLOAD_MAX)
		mesh_send(n->mesh, now, &back);
}

static void on_heard(struct ncp *n, uint64_t now, const struct ncp_frame *f)
{
	if (!n->up)
		return;
	if (f->profile == PROFILE_ZDO && f->dst_ep == 0 &&
		!(f->cluster & 0x8000) && f->cluster != ZDO_DEVICE_ANNCE)
		answer_zdo(n, now, f);
	else
		ezsp_incoming(n, f);
}

static void trust_center_join(
	struct ncp *n, uint64_t eui64, uint16_t nwk, unsigned update)
{
	uint8_t at[ASH_DATA_MAX];
	struct wire_out out = ezsp_callback(n, ID_TRUST_CENTER_JOIN, at);

	wire_put16(&out, nwk);
	wire_put64(&out, eui64);
	wire_put8(&out, update);
	wire_put8(&out, 0);
	wire_put16(&out, 0);
	ezsp_call_back(n, &out);
}

static void on_announced(struct ncp *n, uint64_t now, uint64_t eui64,
	uint16_t nwk, bool sleepy)
{
	uint8_t asdu[12];
	struct ncp_frame f = {.nwk = nwk,
		.eui64 = eui64,
		.cluster = ZDO_DEVICE_ANNCE,
		.broadcast = true,
		.lqi = 255,
		.asdu = asdu};

	(void)now;
	if (!n->up)
		return;
	f.asdu_len = (uint8_t)zdo_announce(
		asdu, ++n->zdo_sequence, eui64, nwk, sleepy);
	trust_center_join(n, eui64, nwk, DEVICE_REJOINED);
	ezsp_incoming(n, &f);
}

static void on_left(struct ncp *n, uint64_t now, uint64_t eui64, uint16_t nwk)
{
	(void)now;
	if (n->up)
		trust_center_join(n, eui64, nwk, DEVICE_LEFT);
}

/* ---- the host's frames ---- */

static void answer_version(struct ncp *n, uint8_t wanted, struct wire_out *out)
{
	unsigned major = n->version < EZSP_WIDE ? 7 : 8;

	n->agreed = n->agreed || wanted == n->version;
	wire_put8(out, n->version);
	wire_put8(out, STACK_MESH);
	wire_put16(out, major << 12 | (n->version - EZSP_OLDEST) << 8);
}

/* A negotiated frame: both control bytes and a wide number of the command. */
static void on_extended(struct ncp *n, uint64_t now, struct wire_in *in)
{
	struct wire_out out = wire_out(n->answer.at, sizeof(n->answer.at));
	uint16_t id;

	n->sequence = wire_u8(in);
	wire_u16(in);
	id = wire_u16(in);
	wire_put8(&out, n->sequence);
	wire_put8(&out, FC_RESPONSE | (n->overflowed ? FC_OVERFLOW : 0));
	wire_put8(&out, FC_EXTENDED);
	wire_put16(&out, id);
	if (id == ID_VERSION)
		answer_version(n, wire_u8(in), &out);
	else if (!n->agreed || !ezsp_command(n, now, id, in, &out) || in->bad ||
		 out.bad) {
		out.len = 3;
		out.bad = false;
		wire_put16(&out, ID_INVALID_COMMAND);
		wire_put8(&out, !n->agreed ? ERROR_VERSION_NOT_SET
				: in->bad  ? ERROR_INVALID_VALUE
					   : ERROR_INVALID_FRAME_ID);
	}
	n->overflowed = false;
	n->answer.len = out.len;
}

static void on_legacy(struct ncp *n, struct wire_in *in)
{
	struct wire_out out = wire_out(n->answer.at, sizeof(n->answer.at));
	uint8_t id;

	n->sequence = wire_u8(in);
	wire_u8(in);
	id = wire_u8(in);
	wire_put8(&out, n->sequence);
	wire_put8(&out, FC_RESPONSE);
	if (id == ID_VERSION && in->left.len >= 1) {
		wire_put8(&out, id);
		answer_version(n, wire_u8(in), &out);
	} else {
		wire_put8(&out, ID_INVALID_COMMAND);
		wire_put8(&out, ERROR_VERSION_NOT_SET);
	}
	n->answer.len = out.len;
}

static void on_data(void *owner, uint64_t now, const uint8_t *at, size_t len)
{
	struct ncp *n = (struct ncp *)owner;
	struct wire_in in = wire_in(bytes_of(at, len));

	if (len >= EZSP_HEADER_LEN &&
		(at[2] & FC_EXTENDED_MASK) == FC_EXTENDED)
		on_extended(n, now, &in);
	else
		on_legacy(n, &in);
}

/* An answer that is not fetched yet goes first; one command at a time is all that
 * EZSP allows, so there is never more than one. */
static size_t next_frame(void *owner, uint8_t *at, bool hushed)
{
	struct ncp *n = (struct ncp *)owner;
	struct ezsp_frame *frame = &n->answer;
	size_t len = frame->len;

	if (len == 0 && n->queue_len > 0 && !hushed) {
		frame = &n->queue[n->queue_at];
		n->queue_at = (n->queue_at + 1) % n->queue_size;
		n->queue_len--;
		len = frame->len;
	}
	memcpy(at, frame->at, len);
	n->answer.len = 0;
	return len;
}

/* ---- the coprocessor ---- */

static void forget(struct ncp *n)
{
	n->agreed = n->up = n->overflowed = false;
	n->self.count = 0;
	n->answer.len = 0;
	n->queue_at = n->queue_len = 0;
	memset(n->flights, 0, sizeof(n->flights));
	n->in_flight = 0;
	mesh_forget_endpoints(n->mesh);
}

static void on_host_reset(void *owner, uint64_t now)
{
	(void)now;
	forget((struct ncp *)owner);
}

static void on_reset(struct ncp *n, uint64_t now)
{
	(void)now;
	forget(n);
	ash_restart(&n->ash, ASH_RESET_EXTERNAL);
}

static const struct ash_ops ash_ops = {
	.reset = on_host_reset,
	.data = on_data,
	.next = next_frame,
};

static int read_options(struct ncp *n, const char *text)
{
	uint32_t version = EZSP_NEWEST, queue = EZSP_QUEUE_PRESET;
	const struct ncp_option options[] = {
		{"version", EZSP_OLDEST, EZSP_NEWEST, &version, NULL},
		{"queue", 1, EZSP_QUEUE_MAX, &queue, NULL},
	};
	int err = ncp_options_read(text, options, 2);

	n->version = version;
	n->queue_size = queue;
	return err;
}

static void destroy(struct ncp *n)
{
	if (!n)
		return;
	free(n->queue);
	free(n);
}

static int create(struct mesh *mesh, const char *options, struct ncp **ret)
{
	struct ncp *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->mesh = mesh;
	n->self.eui64 = mesh_network(mesh)->eui64;
	memcpy(n->link_key, "ZigBeeAlliance09", sizeof(n->link_key));
	err = read_options(n, options);
	if (!err) {
		n->queue = calloc(n->queue_size, sizeof(*n->queue));
		err = n->queue ? 0 : -ENOMEM;
	}
	if (err) {
		destroy(n);
		return err;
	}
	ash_init(&n->ash, &ash_ops, n);
	*ret = n;
	return 0;
}

static void input(
	struct ncp *n, uint64_t now, const uint8_t *data, size_t len)
{
	ash_input(&n->ash, now, data, len);
}

static size_t output(struct ncp *n, uint64_t now, uint8_t *at, size_t room)
{
	return ash_output(&n->ash, now, at, room);
}

static void on_time(struct ncp *n, uint64_t now)
{
	ash_time(&n->ash, now);
}

static uint64_t due(const struct ncp *n)
{
	return ash_due(&n->ash);
}

const struct ncp_ops ncp_ezsp = {
	.name = "ezsp",
	.create = create,
	.destroy = destroy,
	.reset = on_reset,
	.input = input,
	.output = output,
	.time = on_time,
	.due = due,
	.heard = on_heard,
	.ended = on_ended,
	.announced = on_announced,
	.left = on_left,
};

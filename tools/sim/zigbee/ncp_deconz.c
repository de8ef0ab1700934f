/* A simulated ConBee: the serial protocol of dresden elektronik in SLIP. The host
 * asks, and is told with every answer what there is to fetch; unasked it only
 * hears that something has changed. */
#include "tools/sim/zigbee/ncp_deconz.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/sim/zigbee/ncp_options.h"

#define SLIP_END 0xc0u
#define SLIP_ESC 0xdbu
#define SLIP_ESC_END 0xdcu
#define SLIP_ESC_ESC 0xddu

enum {
	APS_CONFIRM = 0x04,
	DEVICE_STATE = 0x07,
	CHANGE_STATE = 0x08,
	READ_PARAMETER = 0x0a,
	WRITE_PARAMETER = 0x0b,
	FIRMWARE = 0x0d,
	STATE_CHANGED = 0x0e,
	APS_REQUEST = 0x12,
	APS_INDICATION = 0x17,
};

#define HEAD_LEN 5u
#define CHECK_LEN 2u

#define STATE_CONNECTED 0x02u
#define STATE_CONFIRM 0x04u
#define STATE_INDICATION 0x08u
#define STATE_SLOTS 0x20u

#define MODE_GROUP 1u
#define MODE_NWK 2u
#define MODE_IEEE 3u
#define MODE_BOTH 4u
#define INDICATION_BOTH 0x01u
#define TX_ACK 0x04u

#define APS_NO_ACK 0xa7u
#define NO_ROUTE 0xd0u
#define CHANNEL_BUSY 0xe1u
#define EXPIRED 0xf0u

#define FIRMWARE_PRESET UINT32_C(0x26780700) /* ConBee II */
#define NETWORK_DISCONNECTED 0u
#define NETWORK_CONNECTED 2u
#define PROFILE_ZDO 0x0000u
#define BROADCASTS 0xfff8u
#define REQUESTS_MAX 8u

/* ---- to the line ---- */

static void put_raw(struct ncp *n, uint8_t byte)
{
	if (n->out_len < n->out_size)
		n->out[n->out_len++] = byte;
}

static void put_slip(struct ncp *n, uint8_t byte)
{
	if (byte == SLIP_END || byte == SLIP_ESC) {
		put_raw(n, SLIP_ESC);
		byte = byte == SLIP_END ? SLIP_ESC_END : SLIP_ESC_ESC;
	}
	put_raw(n, byte);
}

/* A whole frame, or nothing when the host does not read. */
static void put_frame(struct ncp *n, struct wire_out *out)
{
	uint16_t sum = 0;

	if (out->bad)
		return;
	memmove(n->out, n->out + n->out_at, n->out_len - n->out_at);
	n->out_len -= n->out_at;
	n->out_at = 0;
	if (2 * (out->len + CHECK_LEN) + 2 > n->out_size - n->out_len)
		return;
	put_le16(out->at + 3, (uint16_t)out->len);
	put_raw(n, SLIP_END);
	for (size_t i = 0; i < out->len; i++) {
		sum = (uint16_t)(sum + out->at[i]);
		put_slip(n, out->at[i]);
	}
	sum = (uint16_t)-sum;
	put_slip(n, (uint8_t)sum);
	put_slip(n, (uint8_t)(sum >> 8));
	put_raw(n, SLIP_END);
}

static struct wire_out answer_to(uint8_t command, uint8_t sequence,
	enum deconz_status status, uint8_t *at)
{
	struct wire_out out = wire_out(at, DECONZ_FRAME_MAX);

	wire_put8(&out, command);
	wire_put8(&out, sequence);
	wire_put8(&out, status);
	wire_put16(&out, 0);
	return out;
}

/* Behind the payload, which starts with its length. */
static void end_payload(struct wire_out *out)
{
	put_le16(out->at + HEAD_LEN, (uint16_t)(out->len - HEAD_LEN - 2));
}

static unsigned state_of(const struct ncp *n)
{
	unsigned state = n->connected ? STATE_CONNECTED : 0;

	if (n->confirm_len)
		state |= STATE_CONFIRM;
	if (n->indication_len)
		state |= STATE_INDICATION;
	if (n->in_flight < REQUESTS_MAX &&
		n->in_flight < mesh_network(n->mesh)->buffers)
		state |= STATE_SLOTS;
	return state;
}

static void tell_state(struct ncp *n)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct wire_out out =
		answer_to(STATE_CHANGED, ++n->sequence, DECONZ_SUCCESS, at);

	wire_put8(&out, state_of(n));
	wire_put8(&out, 0);
	put_frame(n, &out);
	n->has_stirred = false;
}

/* ---- from the network ---- */

static void put_indication(struct ncp *n, const struct ncp_frame *f)
{
	struct deconz_indication *i;

	if (n->indication_len == n->queue_size)
		return; /* as the real one, it has so much memory */
	i = &n->indications[(n->indication_at + n->indication_len++) %
			    n->queue_size];
	i->f = *f;
	memcpy(i->asdu, f->asdu, f->asdu_len);
	n->has_stirred = n->has_stirred || n->indication_len == 1;
}

static void put_confirm(
	struct ncp *n, const struct deconz_request *request, uint8_t status)
{
	if (n->confirm_len == DECONZ_FLIGHTS_MAX)
		return;
	n->confirms[(n->confirm_at + n->confirm_len++) % DECONZ_FLIGHTS_MAX] =
		(struct deconz_confirm){*request, status};
	n->has_stirred = n->has_stirred || n->confirm_len == 1;
}

static void answer_zdo(struct ncp *n, uint64_t now, const struct ncp_frame *f)
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
	if (len && len <= NCP_ASDU_MAX)
		mesh_send(n->mesh, now, &back);
}

static void on_heard(struct ncp *n, uint64_t now, const struct ncp_frame *f)
{
	if (!n->connected)
		return;
	if (f->profile == PROFILE_ZDO && f->dst_ep == 0 &&
		!(f->cluster & 0x8000) && f->cluster != ZDO_DEVICE_ANNCE)
		answer_zdo(n, now, f);
	else
		put_indication(n, f);
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
	f.asdu_len = (uint8_t)zdo_announce(
		asdu, ++n->zdo_sequence, eui64, nwk, sleepy);
	if (n->connected)
		put_indication(n, &f);
}

/* Nothing on this line tells that a device has left. */
static void on_left(struct ncp *n, uint64_t now, uint64_t eui64, uint16_t nwk)
{
	(void)n;
	(void)now;
	(void)eui64;
	(void)nwk;
}

static uint8_t status_of(enum ncp_end end)
{
	switch (end) {
	case NCP_SENT:
		return 0;
	case NCP_NO_ACK:
		return APS_NO_ACK;
	case NCP_NO_ROUTE:
		return NO_ROUTE;
	case NCP_NO_BUFFER:
		return CHANNEL_BUSY;
	case NCP_EXPIRED:
		return EXPIRED;
	}
	return APS_NO_ACK;
}

static void on_ended(struct ncp *n, uint64_t now, uint32_t handle,
	enum ncp_end end, uint32_t airtime_us)
{
	struct deconz_flight *fl = &n->flights[handle & 0xff];

	(void)now;
	(void)airtime_us;
	if (!fl->used || fl->handle != handle)
		return;
	fl->used = false;
	n->in_flight--;
	put_confirm(n, &fl->request, status_of(end));
}

/* ---- requests to the air ---- */

static void send_to_self(struct ncp *n, const struct ncp_frame *f,
	const struct deconz_request *request)
{
	uint8_t answer[ZDO_ANSWER_MAX];
	struct ncp_frame back = {.eui64 = n->self.eui64,
		.cluster = f->cluster | 0x8000u,
		.lqi = 255,
		.asdu = answer};
	size_t len = 0;

	if (f->profile == PROFILE_ZDO && f->dst_ep == 0)
		len = zdo_answer(&n->self, f->cluster,
			bytes_of(f->asdu, f->asdu_len), answer);
	back.asdu_len = (uint8_t)len;
	put_confirm(n, request, 0);
	if (len && len <= NCP_ASDU_MAX)
		put_indication(n, &back);
}

static enum deconz_status launch(struct ncp *n, uint64_t now,
	struct ncp_frame *f, const struct deconz_request *request)
{
	if (n->in_flight >= REQUESTS_MAX ||
		n->in_flight >= mesh_network(n->mesh)->buffers)
		return DECONZ_BUSY;
	for (unsigned i = 0; i < DECONZ_FLIGHTS_MAX; i++) {
		struct deconz_flight *fl = &n->flights[i];

		if (fl->used)
			continue;
		n->handles++;
		*fl = (struct deconz_flight){
			true, n->handles << 8 | i, *request};
		n->in_flight++;
		f->handle = fl->handle;
		mesh_send(n->mesh, now, f);
		return DECONZ_SUCCESS;
	}
	return DECONZ_BUSY;
}

/* Where it goes. False: no such way of addressing. A device that is not known by
 * its long address has none that a frame could be sent to. */
static bool read_address(struct ncp *n, struct wire_in *in,
	struct deconz_request *request, struct ncp_frame *f)
{
	request->mode = wire_u8(in);
	switch (request->mode) {
	case MODE_GROUP:
		request->address = wire_u16(in);
		f->nwk = 0xfffd;
		f->dst_ep = 0xff;
		return true;
	case MODE_NWK:
		request->address = f->nwk = wire_u16(in);
		break;
	case MODE_IEEE:
		request->address = wire_u64(in);
		if (!mesh_find_eui64(n->mesh, request->address, &f->nwk))
			f->nwk = 0xfff0;
		break;
	default:
		return false;
	}
	request->dst_ep = f->dst_ep = wire_u8(in);
	return true;
}

static enum deconz_status aps_request(struct ncp *n, uint64_t now,
	struct wire_in *in, struct deconz_request *request)
{
	struct ncp_frame f = {0};
	uint8_t options;
	size_t len;

	request->id = wire_u8(in);
	wire_u8(in);
	if (!read_address(n, in, request, &f))
		return DECONZ_INVALID_VALUE;
	f.profile = wire_u16(in);
	f.cluster = wire_u16(in);
	request->src_ep = f.src_ep = wire_u8(in);
	len = wire_u16(in);
	f.asdu = wire_take(in, len).at;
	options = wire_u8(in);
	wire_u8(in);
	if (in->bad || len > NCP_ASDU_MAX || len == 0)
		return DECONZ_INVALID_VALUE;
	f.asdu_len = (uint8_t)len;
	f.broadcast = f.nwk >= BROADCASTS;
	f.ack = options & TX_ACK && !f.broadcast;
	if (!n->connected)
		return DECONZ_NO_NETWORK;
	if (f.nwk == 0 && request->mode != MODE_GROUP) {
		send_to_self(n, &f, request);
		return DECONZ_SUCCESS;
	}
	return launch(n, now, &f, request);
}

static void on_aps_request(struct ncp *n, uint64_t now, uint8_t sequence,
	struct wire_in *in)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct deconz_request request = {0};
	enum deconz_status status = aps_request(n, now, in, &request);
	struct wire_out out = answer_to(APS_REQUEST, sequence, status, at);

	wire_put16(&out, 0);
	wire_put8(&out, state_of(n));
	wire_put8(&out, request.id);
	end_payload(&out);
	put_frame(n, &out);
}

/* ---- what the host fetches ---- */

static void put_address(struct wire_out *out, const struct deconz_request *r)
{
	wire_put8(out, r->mode);
	wire_put(out, r->address, r->mode == MODE_IEEE ? 8 : 2);
	if (r->mode != MODE_GROUP)
		wire_put8(out, r->dst_ep);
}

static void on_confirm(struct ncp *n, uint8_t sequence)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct deconz_confirm *c = &n->confirms[n->confirm_at];
	bool there = n->confirm_len > 0;
	struct wire_out out = answer_to(APS_CONFIRM, sequence,
		there ? DECONZ_SUCCESS : DECONZ_FAILURE, at);

	if (there) {
		n->confirm_at = (n->confirm_at + 1) % DECONZ_FLIGHTS_MAX;
		n->confirm_len--;
	}
	wire_put16(&out, 0);
	wire_put8(&out, state_of(n));
	if (there) {
		wire_put8(&out, c->request.id);
		put_address(&out, &c->request);
		wire_put8(&out, c->request.src_ep);
		wire_put8(&out, c->status);
		wire_put32(&out, 0);
	}
	end_payload(&out);
	put_frame(n, &out);
}

static void put_indicated(
	struct wire_out *out, const struct deconz_indication *i, bool both)
{
	const struct ncp_frame *f = &i->f;

	wire_put8(out, MODE_NWK);
	wire_put16(out, f->broadcast ? 0xfffd : 0);
	wire_put8(out, f->dst_ep);
	wire_put8(out, both ? MODE_BOTH : MODE_NWK);
	wire_put16(out, f->nwk);
	if (both)
		wire_put64(out, f->eui64);
	wire_put8(out, f->src_ep);
	wire_put16(out, f->profile);
	wire_put16(out, f->cluster);
	wire_put16(out, f->asdu_len);
	wire_add(out, i->asdu, f->asdu_len);
	wire_put16(out, 0);
	wire_put8(out, f->lqi);
	wire_put32(out, 0);
	wire_put8(out, (uint8_t)f->rssi);
}

static void on_indication(
	struct ncp *n, uint8_t sequence, struct wire_in *in)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct deconz_indication *i = &n->indications[n->indication_at];
	bool there = n->indication_len > 0;
	bool both = wire_u8(in) & INDICATION_BOTH;
	struct wire_out out = answer_to(APS_INDICATION, sequence,
		there ? DECONZ_SUCCESS : DECONZ_FAILURE, at);

	if (there) {
		n->indication_at = (n->indication_at + 1) % n->queue_size;
		n->indication_len--;
	}
	wire_put16(&out, 0);
	wire_put8(&out, state_of(n));
	if (there)
		put_indicated(&out, i, both);
	end_payload(&out);
	put_frame(n, &out);
}

/* ---- the network ---- */

static void forget_flights(struct ncp *n)
{
	memset(n->flights, 0, sizeof(n->flights));
	n->in_flight = 0;
	n->confirm_at = n->confirm_len = 0;
	n->indication_at = n->indication_len = 0;
}

static void connect_network(struct ncp *n)
{
	struct ncp_network network = *mesh_network(n->mesh);
	const struct deconz_parameters *p = &n->parameters;

	network.ext_pan = p->ext_pan ? p->ext_pan : n->self.eui64;
	network.pan = p->pan;
	memcpy(network.key, p->key, sizeof(network.key));
	for (uint8_t channel = 26; channel >= 11; channel--)
		if (p->channels & UINT32_C(1) << channel)
			network.channel = channel;
	mesh_form(n->mesh, &network);
	n->connected = true;
	n->has_stirred = true;
}

static void on_change_state(
	struct ncp *n, uint8_t sequence, struct wire_in *in)
{
	uint8_t at[DECONZ_FRAME_MAX];
	uint8_t wanted = wire_u8(in);
	bool known = wanted == NETWORK_CONNECTED ||
		     wanted == NETWORK_DISCONNECTED;
	struct wire_out out = answer_to(CHANGE_STATE, sequence,
		known ? DECONZ_SUCCESS : DECONZ_INVALID_VALUE, at);

	wire_put8(&out, wanted);
	put_frame(n, &out);
	if (wanted == NETWORK_DISCONNECTED && n->connected) {
		n->connected = false;
		n->has_stirred = true;
		forget_flights(n);
		mesh_forget_endpoints(n->mesh);
	} else if (wanted == NETWORK_CONNECTED && !n->connected) {
		deconz_register(n);
		connect_network(n);
	}
}

/* ---- from the line ---- */

static void on_device_state(struct ncp *n, uint8_t sequence)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct wire_out out =
		answer_to(DEVICE_STATE, sequence, DECONZ_SUCCESS, at);

	wire_put8(&out, state_of(n));
	wire_put16(&out, 0);
	put_frame(n, &out);
}

static void on_firmware(struct ncp *n, uint8_t sequence)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct wire_out out = answer_to(FIRMWARE, sequence, DECONZ_SUCCESS, at);

	wire_put32(&out, n->firmware);
	put_frame(n, &out);
}

static void on_parameter(struct ncp *n, uint8_t command, uint8_t sequence,
	struct wire_in *in)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct wire_out out = answer_to(command, sequence, DECONZ_SUCCESS, at);
	size_t named = HEAD_LEN + 2 + 1;
	enum deconz_status status;

	wire_put16(&out, 0);
	status = command == READ_PARAMETER ? deconz_read(n, in, &out)
					   : deconz_write(n, in, &out);
	at[2] = (uint8_t)status;
	if (status != DECONZ_SUCCESS)
		out.len = named;
	end_payload(&out);
	put_frame(n, &out);
}

static void on_unknown(struct ncp *n, uint8_t command, uint8_t sequence)
{
	uint8_t at[DECONZ_FRAME_MAX];
	struct wire_out out =
		answer_to(command, sequence, DECONZ_UNSUPPORTED, at);

	put_frame(n, &out);
}

/* Behind the head, `in` starts with the payload's length where there is one. */
static void on_command(struct ncp *n, uint64_t now, uint8_t command,
	uint8_t sequence, struct wire_in *in)
{
	size_t len;

	switch (command) {
	case DEVICE_STATE:
		on_device_state(n, sequence);
		return;
	case CHANGE_STATE:
		on_change_state(n, sequence, in);
		return;
	case FIRMWARE:
		on_firmware(n, sequence);
		return;
	}
	len = wire_u16(in);
	if (in->bad || len != in->left.len)
		return;
	switch (command) {
	case APS_CONFIRM:
		on_confirm(n, sequence);
		break;
	case APS_INDICATION:
		on_indication(n, sequence, in);
		break;
	case READ_PARAMETER:
	case WRITE_PARAMETER:
		on_parameter(n, command, sequence, in);
		break;
	case APS_REQUEST:
		on_aps_request(n, now, sequence, in);
		break;
	default:
		on_unknown(n, command, sequence);
		break;
	}
}

/* What is cut short, or has a wrong check, is passed over: the host asks again. */
static void end_of_frame(struct ncp *n, uint64_t now)
{
	size_t len = n->in_len;
	struct wire_in in;
	uint16_t sum = 0;

	n->in_len = 0;
	if (n->in_spoiled || n->in_escape || len < HEAD_LEN + CHECK_LEN) {
		n->in_spoiled = n->in_escape = false;
		return;
	}
	len -= CHECK_LEN;
	for (size_t i = 0; i < len; i++)
		sum = (uint16_t)(sum + n->in[i]);
	if ((uint16_t)(sum + get_le16(n->in + len)) != 0 ||
		get_le16(n->in + 3) != len)
		return;
	in = wire_in(bytes_of(n->in + HEAD_LEN, len - HEAD_LEN));
	on_command(n, now, n->in[0], n->in[1], &in);
}

static void take(struct ncp *n, uint8_t byte)
{
	if (n->in_escape) {
		n->in_escape = false;
		if (byte == SLIP_ESC_END)
			byte = SLIP_END;
		else if (byte == SLIP_ESC_ESC)
			byte = SLIP_ESC;
		else
			n->in_spoiled = true;
	} else if (byte == SLIP_ESC) {
		n->in_escape = true;
		return;
	}
	if (n->in_len < sizeof(n->in))
		n->in[n->in_len++] = byte;
	else
		n->in_spoiled = true;
}

static void input(
	struct ncp *n, uint64_t now, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == SLIP_END)
			end_of_frame(n, now);
		else
			take(n, data[i]);
	}
}

static size_t output(struct ncp *n, uint64_t now, uint8_t *at, size_t room)
{
	size_t len;

	(void)now;
	if (n->has_stirred)
		tell_state(n);
	len = n->out_len - n->out_at;
	if (len > room)
		len = room;
	memcpy(at, n->out + n->out_at, len);
	n->out_at += len;
	return len;
}

/* ---- the coprocessor ---- */

static void start(struct ncp *n)
{
	forget_flights(n);
	n->in_len = n->out_at = n->out_len = 0;
	n->in_escape = n->in_spoiled = n->has_stirred = false;
	deconz_register(n);
	n->connected = mesh_network(n->mesh)->formed;
}

/* It says nothing when it has started; hosts notice by the silence. */
static void on_reset(struct ncp *n, uint64_t now)
{
	(void)now;
	start(n);
}

static int read_options(struct ncp *n, const char *text)
{
	uint32_t queue = DECONZ_QUEUE_PRESET;
	const struct ncp_option options[] = {
		{"queue", 1, DECONZ_QUEUE_MAX, &queue, NULL},
		{"firmware", 0, UINT32_MAX, &n->firmware, NULL},
	};
	int err = ncp_options_read(text, options, 2);

	n->queue_size = queue;
	return err;
}

static void destroy(struct ncp *n)
{
	if (!n)
		return;
	free(n->indications);
	free(n->out);
	free(n);
}

static int create(struct mesh *mesh, const char *options, struct ncp **ret)
{
	struct ncp *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->mesh = mesh;
	n->firmware = FIRMWARE_PRESET;
	n->self.eui64 = mesh_network(mesh)->eui64;
	n->self.manufacturer = 0x1135;
	n->out_size = 16u * DECONZ_FRAME_MAX;
	err = read_options(n, options);
	if (!err) {
		n->indications = calloc(n->queue_size, sizeof(*n->indications));
		n->out = malloc(n->out_size);
		err = n->indications && n->out ? 0 : -ENOMEM;
	}
	if (err) {
		destroy(n);
		return err;
	}
	deconz_parameters_init(n);
	start(n);
	*ret = n;
	return 0;
}

static void on_time(struct ncp *n, uint64_t now)
{
	(void)n;
	(void)now;
}

static uint64_t due(const struct ncp *n)
{
	(void)n;
	return NCP_NEVER;
}

const struct ncp_ops ncp_deconz = {
	.name = "deconz",
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

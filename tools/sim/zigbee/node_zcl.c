/* What a node says to ZCL frames: its attributes, Poll Control, default
 * responses (ZCL revision 8, chapters 2, 3.2, 3.16). */
#include "tools/sim/zigbee/mesh.h"

#define CMD_READ 0x00
#define CMD_READ_ANSWER 0x01
#define CMD_DEFAULT_RESPONSE 0x0b
#define STATUS_UNSUP_COMMAND 0x81
#define STATUS_UNSUP_ATTRIBUTE 0x86
#define TYPE_U8 0x20
#define TYPE_U16 0x21
#define TYPE_U32 0x23
#define TYPE_ENUM8 0x30
#define TYPE_STRING 0x42
#define TYPE_EUI64 0xf0
#define QUARTER_NS UINT64_C(250000000)
#define FAST_PRESET 40 /* quarters of a second: FastPollTimeout */

struct value {
	uint8_t type;
	uint64_t number;
	const char *text;
};

static uint8_t image_status(const struct node *n)
{
	switch (n->ota.phase) {
	case NODE_BLOCKS:
	case NODE_PAGE:
		return 1;
	case NODE_FINISHING:
	case NODE_ENDING:
		return 2;
	case NODE_COUNTDOWN:
		return 4;
	case NODE_IDLE:
	case NODE_QUERYING:
	case NODE_RESTARTING:
	case NODE_DEAD:
		return 0;
	}
	return 0;
}

static bool read_basic(const struct node *n, uint16_t id, struct value *ret)
{
	switch (id) {
	case 0x0000:
		*ret = (struct value){.type = TYPE_U8, .number = 8};
		return true;
	case 0x0001:
		*ret = (struct value){
			.type = TYPE_U8, .number = n->own.version & 0xff};
		return true;
	case 0x0004:
		*ret = (struct value){
			.type = TYPE_STRING, .text = n->setup.maker};
		return true;
	case 0x0005:
		*ret = (struct value){
			.type = TYPE_STRING, .text = n->setup.model};
		return true;
	case 0x0007:
		*ret = (struct value){.type = TYPE_ENUM8,
			.number = node_is_sleepy(n) ? 3 : 1};
		return true;
	case 0x4000:
		*ret = (struct value){.type = TYPE_STRING, .text = n->sw_build};
		return true;
	default:
		return false;
	}
}

static bool read_ota(const struct node *n, uint16_t id, struct value *ret)
{
	const struct node_ota *o = &n->ota;
	bool loading = node_is_downloading(n);

	switch (id) {
	case 0x0000:
		*ret = (struct value){.type = TYPE_EUI64,
			.number = mesh_network(n->mesh)->eui64};
		return true;
	case 0x0001:
		*ret = (struct value){.type = TYPE_U32,
			.number = o->offset ? o->offset : UINT32_MAX};
		return true;
	case 0x0002:
		*ret = (struct value){
			.type = TYPE_U32, .number = n->own.version};
		return true;
	case 0x0003:
	case 0x0005:
		*ret = (struct value){.type = TYPE_U16, .number = 2};
		return true;
	case 0x0004:
		*ret = (struct value){.type = TYPE_U32,
			.number = loading ? o->key.version : UINT32_MAX};
		return true;
	case 0x0006:
		*ret = (struct value){
			.type = TYPE_ENUM8, .number = image_status(n)};
		return true;
	case 0x0007:
		*ret = (struct value){
			.type = TYPE_U16, .number = n->own.manufacturer};
		return true;
	case 0x0008:
		*ret = (struct value){
			.type = TYPE_U16, .number = n->own.type};
		return true;
	case 0x0009:
		*ret = (struct value){
			.type = TYPE_U16, .number = o->period_ms};
		return true;
	case 0xfffd:
		*ret = (struct value){.type = TYPE_U16,
			.number = trait_is_on(&n->setup.traits,
					  TRAIT_PERIOD_IN_SECONDS)
					  ? 2
					  : 3};
		return true;
	default:
		return false;
	}
}

static bool read_poll(const struct node *n, uint16_t id, struct value *ret)
{
	if (!n->setup.check_in_ns ||
		trait_is_on(&n->setup.traits, TRAIT_NO_POLL_CONTROL))
		return false;
	switch (id) {
	case 0x0000:
		*ret = (struct value){.type = TYPE_U32,
			.number = n->setup.check_in_ns / QUARTER_NS};
		return true;
	case 0x0001:
		*ret = (struct value){.type = TYPE_U32,
			.number = n->setup.poll_ns / QUARTER_NS};
		return true;
	case 0x0002:
		*ret = (struct value){.type = TYPE_U16,
			.number = n->setup.fast_poll_ns / QUARTER_NS};
		return true;
	case 0x0003:
		*ret = (struct value){.type = TYPE_U16, .number = FAST_PRESET};
		return true;
	default:
		return false;
	}
}

static bool read_value(const struct node *n, uint16_t cluster, bool to_client,
	uint16_t id, struct value *ret)
{
	if (cluster == NODE_CLUSTER_OTA)
		return to_client && read_ota(n, id, ret);
	if (to_client)
		return false;
	return cluster == NODE_CLUSTER_BASIC  ? read_basic(n, id, ret)
	       : cluster == NODE_CLUSTER_POLL ? read_poll(n, id, ret)
					      : false;
}

static size_t write_value(uint8_t *at, const struct value *v)
{
	size_t len;

	at[0] = v->type;
	switch (v->type) {
	case TYPE_STRING:
		len = strlen(v->text);
		at[1] = (uint8_t)len;
		memcpy(at + 2, v->text, len);
		return len + 2;
	case TYPE_U32:
		put_le32(at + 1, (uint32_t)v->number);
		return 5;
	case TYPE_EUI64:
		put_le32(at + 1, (uint32_t)v->number);
		put_le32(at + 5, (uint32_t)(v->number >> 32));
		return 9;
	case TYPE_U16:
		put_le16(at + 1, (uint16_t)v->number);
		return 3;
	default:
		at[1] = (uint8_t)v->number;
		return 2;
	}
}

static void answer(struct node *n, uint64_t now, const struct ncp_frame *f,
	const uint8_t *asdu, size_t len)
{
	uint16_t profile = f->profile;

	node_send(n, now, f->src_ep, profile, f->cluster, asdu, len);
}

/* As many records as fit; who wants the others asks again. */
static void heard_read(struct node *n, uint64_t now, const struct ncp_frame *f,
	uint8_t tsn, struct bytes ids)
{
	bool to_client = f->asdu[0] & 0x08;
	uint8_t frame[AIR_ASDU_MAX + 48] = {
		to_client ? 0x10 : 0x18, tsn, CMD_READ_ANSWER};
	size_t len = 3;

	n->counts.attribute_reads++;
	for (size_t i = 0; i + 2 <= ids.len; i += 2) {
		uint16_t id = get_le16(ids.at + i);
		struct value v;
		size_t n_bytes = 3;

		put_le16(frame + len, id);
		if (read_value(n, f->cluster, to_client, id, &v)) {
			frame[len + 2] = 0;
			n_bytes += write_value(frame + len + 3, &v);
		} else {
			frame[len + 2] = STATUS_UNSUP_ATTRIBUTE;
		}
		if (len + n_bytes > AIR_ASDU_MAX)
			break;
		len += n_bytes;
	}
	answer(n, now, f, frame, len);
}

void node_default_response(struct node *n, uint64_t now,
	const struct ncp_frame *f, uint8_t command, uint8_t status)
{
	/* The other direction, and no answer to the answer. */
	uint8_t frame[5] = {(uint8_t)(f->asdu[0] & 0x08 ? 0x10 : 0x18),
		f->asdu[1], CMD_DEFAULT_RESPONSE, command, status};

	if (!f->broadcast)
		answer(n, now, f, frame, sizeof(frame));
}

static void heard_poll(struct node *n, uint64_t now, const struct ncp_frame *f,
	uint8_t command, struct bytes p)
{
	uint16_t quarters;

	switch (command) {
	case 0x00: /* check-in response */
		if (p.len < 3) {
			n->counts.bad_frames++;
			return;
		}
		quarters = get_le16(p.at + 1);
		n->fast_until = 0;
		if (p.at[0])
			n->fast_until =
				now +
				(quarters ? quarters : FAST_PRESET) *
					QUARTER_NS;
		if (n->fast_until > now &&
			n->poll_at > now + n->setup.fast_poll_ns)
			n->poll_at = now + n->setup.fast_poll_ns;
		return;
	case 0x01:
		n->fast_until = 0;
		return;
	default:
		node_default_response(n, now, f, command,
			STATUS_UNSUP_COMMAND);
	}
}

static void heard_foundation(struct node *n, uint64_t now,
	const struct ncp_frame *f, uint8_t tsn, uint8_t command,
	struct bytes p)
{
	if (command == CMD_READ) {
		heard_read(n, now, f, tsn, p);
	} else if (command == CMD_DEFAULT_RESPONSE) {
		if (p.len < 2)
			n->counts.bad_frames++;
		else if (f->cluster == NODE_CLUSTER_OTA)
			node_ota_default_response(
				n, now, tsn, p.at[0], p.at[1]);
	} else {
		node_default_response(n, now, f, command,
			STATUS_UNSUP_COMMAND);
	}
}

void node_zcl_heard(struct node *n, uint64_t now, const struct ncp_frame *f)
{
	size_t head = f->asdu_len > 0 && f->asdu[0] & 0x04 ? 5 : 3;
	struct bytes p = bytes_of(f->asdu, f->asdu_len);
	uint8_t fc, tsn, command;

	if (p.len < head || (p.at[0] & 3) > 1) {
		n->counts.bad_frames++;
		return;
	}
	fc = p.at[0];
	tsn = p.at[head - 2];
	command = p.at[head - 1];
	p = bytes_slice(p, head, p.len);
	if (head == 5)
		node_default_response(n, now, f, command,
			STATUS_UNSUP_COMMAND);
	else if ((fc & 3) == 0)
		heard_foundation(n, now, f, tsn, command, p);
	else if (f->cluster == NODE_CLUSTER_OTA && fc & 0x08)
		node_ota_heard(n, now, f, tsn, command, p);
	else if (f->cluster == NODE_CLUSTER_POLL && n->setup.check_in_ns)
		heard_poll(n, now, f, command, p);
	else
		node_default_response(n, now, f, command,
			STATUS_UNSUP_COMMAND);
}

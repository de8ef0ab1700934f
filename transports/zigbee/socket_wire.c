#include "transports/zigbee/socket_wire.h"

#include <errno.h>

#define MAGIC 0x534c435au /* "ZCLS" */

/* A place in a packet, moving on. Lengths have been checked before. */
struct at {
	const uint8_t *in;
	uint8_t *out;
};

static uint64_t take(struct at *a, unsigned len)
{
	uint64_t value = 0;
	unsigned i;

	for (i = 0; i < len; i++)
		value |= (uint64_t)a->in[i] << (8 * i);
	a->in += len;
	return value;
}

static void put(struct at *a, uint64_t value, unsigned len)
{
	unsigned i;

	for (i = 0; i < len; i++)
		a->out[i] = (uint8_t)(value >> (8 * i));
	a->out += len;
}

/* Bytes of the fixed part, type included; 0: no such type. */
static size_t head_len(uint8_t type)
{
	switch (type) {
	case ZS_HELLO:
		return 7;
	case ZS_LIST:
		return 1;
	case ZS_SEND:
		return 23;
	case ZS_PING:
	case ZS_PONG:
		return 5;
	case ZS_NETWORK:
		return 24;
	case ZS_NODE:
		return 12;
	case ZS_LISTED:
		return 3;
	case ZS_FRAME:
		return 24;
	case ZS_CONFIRM:
		return 14;
	}
	return 0;
}

static void read_network(struct at *a, struct zs_packet *p)
{
	p->version = (uint8_t)take(a, 1);
	p->flags = (uint8_t)take(a, 1);
	p->channel = (uint8_t)take(a, 1);
	p->window = (uint8_t)take(a, 1);
	p->asdu_max = (uint8_t)take(a, 1);
	p->pan = (uint16_t)take(a, 2);
	p->eui64 = take(a, 8);
	p->ext_pan = take(a, 8);
}

static void read_send(struct at *a, struct zs_packet *p)
{
	p->id = (uint32_t)take(a, 4);
	p->nwk = (uint16_t)take(a, 2);
	p->eui64 = take(a, 8);
	p->profile = (uint16_t)take(a, 2);
	p->cluster = (uint16_t)take(a, 2);
	p->src_ep = (uint8_t)take(a, 1);
	p->dst_ep = (uint8_t)take(a, 1);
	p->flags = (uint8_t)take(a, 1);
	p->radius = (uint8_t)take(a, 1);
}

static void read_frame(struct at *a, struct zs_packet *p)
{
	p->nwk = (uint16_t)take(a, 2);
	p->eui64 = take(a, 8);
	p->profile = (uint16_t)take(a, 2);
	p->cluster = (uint16_t)take(a, 2);
	p->src_ep = (uint8_t)take(a, 1);
	p->dst_ep = (uint8_t)take(a, 1);
	p->flags = (uint8_t)take(a, 1);
	p->lqi = (uint8_t)take(a, 1);
	p->rssi = (int8_t)take(a, 1);
	p->airtime_us = (uint32_t)take(a, 4);
}

static void read_confirm(struct at *a, struct zs_packet *p)
{
	p->id = (uint32_t)take(a, 4);
	p->result = (uint8_t)take(a, 1);
	p->status = (int32_t)(uint32_t)take(a, 4);
	p->airtime_us = (uint32_t)take(a, 4);
}

static int read_head(struct at *a, struct zs_packet *p)
{
	int err = 0;

	switch (p->type) {
	case ZS_HELLO:
		err = take(a, 4) == MAGIC ? 0 : -EINVAL;
		p->version = (uint8_t)take(a, 1);
		p->last_version = (uint8_t)take(a, 1);
		break;
	case ZS_LIST:
		break;
	case ZS_SEND:
		read_send(a, p);
		break;
	case ZS_PING:
	case ZS_PONG:
		p->id = (uint32_t)take(a, 4);
		break;
	case ZS_NETWORK:
		read_network(a, p);
		break;
	case ZS_NODE:
		p->eui64 = take(a, 8);
		p->nwk = (uint16_t)take(a, 2);
		p->flags = (uint8_t)take(a, 1);
		break;
	case ZS_LISTED:
		p->count = (uint16_t)take(a, 2);
		break;
	case ZS_FRAME:
		read_frame(a, p);
		break;
	case ZS_CONFIRM:
		read_confirm(a, p);
		break;
	}
	return err;
}

static bool text_is_good(struct bytes text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return false;
	return text.len <= ZS_TEXT_MAX;
}

static bool network_is_good(const struct zs_packet *p)
{
	if (p->version == 0)
		return true;
	return (p->channel == 0 || (p->channel >= 11 && p->channel <= 26)) &&
	       p->window >= 1 && p->window <= 64 && p->asdu_max >= 40 &&
	       p->asdu_max <= ZS_ASDU_MAX && p->eui64 != 0 &&
	       text_is_good(p->rest);
}

static bool is_good(const struct zs_packet *p)
{
	switch (p->type) {
	case ZS_HELLO:
		return p->version >= 1 && p->version <= p->last_version;
	case ZS_SEND:
		return p->id != 0 && p->rest.len >= 1 &&
		       p->rest.len <= ZS_ASDU_MAX;
	case ZS_NETWORK:
		return network_is_good(p);
	case ZS_NODE:
		return p->eui64 != 0;
	case ZS_FRAME:
		return p->rest.len >= 1 && p->rest.len <= ZS_ASDU_MAX;
	case ZS_CONFIRM:
		return p->id != 0;
	case ZS_LIST:
	case ZS_PING:
	case ZS_PONG:
	case ZS_LISTED:
		return true;
	}
	return false;
}

int zs_read(struct bytes packet, struct zs_packet *ret)
{
	struct zs_packet p = {.flags = 0};
	struct at a = {.in = packet.at};
	size_t head;

	if (packet.len < 1 || packet.len > ZS_PACKET_MAX)
		return -EINVAL;
	head = head_len(packet.at[0]);
	if (!head)
		return -ENOENT;
	if (packet.len < head)
		return -EINVAL;
	p.type = (enum zs_type)take(&a, 1);
	if (read_head(&a, &p))
		return -EINVAL;
	p.rest = bytes_slice(packet, head, packet.len);
	if (!is_good(&p))
		return -EINVAL;
	*ret = p;
	return 0;
}

static void write_network(struct at *a, const struct zs_packet *p)
{
	put(a, p->version, 1);
	put(a, p->flags, 1);
	put(a, p->channel, 1);
	put(a, p->window, 1);
	put(a, p->asdu_max, 1);
	put(a, p->pan, 2);
	put(a, p->eui64, 8);
	put(a, p->ext_pan, 8);
}

static void write_frame(struct at *a, const struct zs_packet *p)
{
	if (p->type == ZS_SEND)
		put(a, p->id, 4);
	put(a, p->nwk, 2);
	put(a, p->eui64, 8);
	put(a, p->profile, 2);
	put(a, p->cluster, 2);
	put(a, p->src_ep, 1);
	put(a, p->dst_ep, 1);
	put(a, p->flags, 1);
	if (p->type == ZS_SEND) {
		put(a, p->radius, 1);
		return;
	}
	put(a, p->lqi, 1);
	put(a, (uint8_t)p->rssi, 1);
	put(a, p->airtime_us, 4);
}

static void write_head(struct at *a, const struct zs_packet *p)
{
	switch (p->type) {
	case ZS_HELLO:
		put(a, MAGIC, 4);
		put(a, p->version, 1);
		put(a, p->last_version, 1);
		break;
	case ZS_LIST:
		break;
	case ZS_PING:
	case ZS_PONG:
		put(a, p->id, 4);
		break;
	case ZS_NETWORK:
		write_network(a, p);
		break;
	case ZS_NODE:
		put(a, p->eui64, 8);
		put(a, p->nwk, 2);
		put(a, p->flags, 1);
		break;
	case ZS_LISTED:
		put(a, p->count, 2);
		break;
	case ZS_SEND:
	case ZS_FRAME:
		write_frame(a, p);
		break;
	case ZS_CONFIRM:
		put(a, p->id, 4);
		put(a, p->result, 1);
		put(a, (uint32_t)p->status, 4);
		put(a, p->airtime_us, 4);
		break;
	}
}

size_t zs_write(const struct zs_packet *p, uint8_t *at)
{
	bool open = p->type == ZS_NETWORK || p->type == ZS_SEND ||
		    p->type == ZS_FRAME;
	struct at a = {.out = at};

	put(&a, p->type, 1);
	write_head(&a, p);
	if (open && p->rest.len) {
		memcpy(a.out, p->rest.at, p->rest.len);
		a.out += p->rest.len;
	}
	return (size_t)(a.out - at);
}

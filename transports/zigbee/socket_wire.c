#include "transports/zigbee/socket_wire.h"

#include <errno.h>

#define MAGIC 0x534c435au /* "ZCLS" */

/* A place in a packet, moving on: out of `in`, into `out`, or, where there is
 * neither, for the sake of `len` alone. So a layout is written down once. Lengths
 * have been checked before. */
struct at {
	const uint8_t *in;
	uint8_t *out;
	size_t len;
};

static uint64_t move(struct at *a, uint64_t value, unsigned len)
{
	uint64_t read = 0;
	unsigned i;

	for (i = 0; i < len; i++)
		if (a->in)
			read |= (uint64_t)a->in[a->len + i] << (8 * i);
		else if (a->out)
			a->out[a->len + i] = (uint8_t)(value >> (8 * i));
	a->len += len;
	return a->in ? read : value;
}

static void u8(struct at *a, uint8_t *value)
{
	*value = (uint8_t)move(a, *value, 1);
}

static void u16(struct at *a, uint16_t *value)
{
	*value = (uint16_t)move(a, *value, 2);
}

static void u32(struct at *a, uint32_t *value)
{
	*value = (uint32_t)move(a, *value, 4);
}

static void u64(struct at *a, uint64_t *value)
{
	*value = move(a, *value, 8);
}

static void move_network(struct at *a, struct zs_packet *p)
{
	u8(a, &p->version);
	u8(a, &p->flags);
	u8(a, &p->channel);
	u8(a, &p->window);
	u8(a, &p->asdu_max);
	u16(a, &p->pan);
	u64(a, &p->eui64);
	u64(a, &p->ext_pan);
}

/* What frames of both directions have. */
static void move_addresses(struct at *a, struct zs_packet *p)
{
	u16(a, &p->nwk);
	u64(a, &p->eui64);
	u16(a, &p->profile);
	u16(a, &p->cluster);
	u8(a, &p->src_ep);
	u8(a, &p->dst_ep);
	u8(a, &p->flags);
}

static void move_frame(struct at *a, struct zs_packet *p)
{
	move_addresses(a, p);
	u8(a, &p->lqi);
	p->rssi = (int8_t)move(a, (uint8_t)p->rssi, 1);
	u32(a, &p->airtime_us);
}

static void move_confirm(struct at *a, struct zs_packet *p)
{
	u32(a, &p->id);
	u8(a, &p->result);
	p->status = (int32_t)move(a, (uint32_t)p->status, 4);
	u32(a, &p->airtime_us);
}

/* The fixed part behind the type. */
static int move_head(struct at *a, struct zs_packet *p)
{
	switch (p->type) {
	case ZS_HELLO:
		if (move(a, MAGIC, 4) != MAGIC)
			return -EINVAL;
		u8(a, &p->version);
		u8(a, &p->last_version);
		return 0;
	case ZS_LIST:
		return 0;
	case ZS_SEND:
		u32(a, &p->id);
		move_addresses(a, p);
		u8(a, &p->radius);
		return 0;
	case ZS_PING:
	case ZS_PONG:
		u32(a, &p->id);
		return 0;
	case ZS_NETWORK:
		move_network(a, p);
		return 0;
	case ZS_NODE:
		u64(a, &p->eui64);
		u16(a, &p->nwk);
		u8(a, &p->flags);
		return 0;
	case ZS_LISTED:
		u16(a, &p->count);
		return 0;
	case ZS_FRAME:
		move_frame(a, p);
		return 0;
	case ZS_CONFIRM:
		move_confirm(a, p);
		return 0;
	}
	return -ENOENT;
}

static bool text_is_good(struct bytes text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return false;
	return text.len <= ZS_TEXT_MAX;
}

/* The rule of its layout that a packet breaks, NULL: none. */
static const char *network_rule(const struct zs_packet *p)
{
	if (p->version == 0)
		return NULL;
	if (p->channel != 0 && (p->channel < 11 || p->channel > 26))
		return "channel must be 11 to 26, or 0";
	if (p->window < 1 || p->window > 64)
		return "window must be 1 to 64";
	if (p->asdu_max < 40 || p->asdu_max > ZS_ASDU_MAX)
		return "longest ASDU must be 40 to 128";
	if (!p->eui64)
		return "eui64 must not be 0";
	return text_is_good(p->rest) ? NULL :
		"text must be at most 80 printable ASCII bytes";
}

static const char *asdu_rule(const struct zs_packet *p)
{
	return p->rest.len >= 1 && p->rest.len <= ZS_ASDU_MAX ? NULL :
		"ASDU must have 1 to 128 bytes";
}

static const char *broken_rule(const struct zs_packet *p)
{
	switch (p->type) {
	case ZS_HELLO:
		return p->version >= 1 && p->version <= p->last_version ?
			NULL : "versions must be a range from 1 on";
	case ZS_SEND:
		return p->id ? asdu_rule(p) : "id must not be 0";
	case ZS_NETWORK:
		return network_rule(p);
	case ZS_NODE:
		return p->eui64 ? NULL : "eui64 must not be 0";
	case ZS_FRAME:
		return asdu_rule(p);
	case ZS_CONFIRM:
		return p->id ? NULL : "id must not be 0";
	case ZS_LIST:
	case ZS_PING:
	case ZS_PONG:
	case ZS_LISTED:
		return NULL;
	}
	return NULL;
}

static int read_packet(struct bytes packet, struct zs_packet *p,
	const char **rule)
{
	struct at measure = {.len = 1}, a = {.in = packet.at, .len = 1};

	*rule = "a packet must have 1 to 256 bytes";
	if (packet.len < 1 || packet.len > ZS_PACKET_MAX)
		return -EINVAL;
	p->type = (enum zs_type)packet.at[0];
	if (move_head(&measure, p))
		return -ENOENT;
	*rule = "it is shorter than its layout";
	if (packet.len < measure.len)
		return -EINVAL;
	*rule = "it must begin with 5A 43 4C 53";
	if (move_head(&a, p))
		return -EINVAL;
	p->rest = bytes_slice(packet, a.len, packet.len);
	*rule = broken_rule(p);
	return *rule ? -EINVAL : 0;
}

int zs_read(struct bytes packet, struct zs_packet *ret)
{
	struct zs_packet p = {.flags = 0};
	const char *rule;
	int err = read_packet(packet, &p, &rule);

	if (!err)
		*ret = p;
	return err;
}

const char *zs_broken_rule(struct bytes packet)
{
	struct zs_packet p = {.flags = 0};
	const char *rule;

	return read_packet(packet, &p, &rule) == -EINVAL ? rule : "";
}

size_t zs_write(const struct zs_packet *p, uint8_t *at)
{
	bool open = p->type == ZS_NETWORK || p->type == ZS_SEND ||
		    p->type == ZS_FRAME;
	struct at a = {.out = at, .len = 1};
	struct zs_packet copy = *p;

	at[0] = (uint8_t)p->type;
	move_head(&a, &copy);
	if (open && p->rest.len)
		memcpy(at + a.len, p->rest.at, p->rest.len);
	return a.len + (open ? p->rest.len : 0);
}

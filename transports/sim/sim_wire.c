#include "transports/sim/sim_wire.h"

#include <errno.h>

#include "ferry/transport.h"

enum kind { U8, U16, U32, STR, LIST, REST };

/* One letter a field, so that a layout is a word. */
static const struct field {
	char letter;
	enum kind kind;
	size_t offset;
} fields[] = {
	{'v', U8, offsetof(struct sim_frame, version)},
	{'c', U8, offsetof(struct sim_frame, channel)},
	{'f', U8, offsetof(struct sim_frame, flags)},
	{'k', U8, offsetof(struct sim_frame, id_kind)},
	{'s', U8, offsetof(struct sim_frame, security)},
	{'l', U8, offsetof(struct sim_frame, level)},
	{'r', U8, offsetof(struct sim_frame, rssi_dbm)},
	{'P', U16, offsetof(struct sim_frame, payload)},
	{'W', U16, offsetof(struct sim_frame, window)},
	{'L', U32, offsetof(struct sim_frame, link)},
	{'I', U32, offsetof(struct sim_frame, id)},
	{'M', U32, offsetof(struct sim_frame, ms)},
	{'A', U32, offsetof(struct sim_frame, airtime_us)},
	{'R', U32, offsetof(struct sim_frame, retry_after_ms)},
	{'S', U32, offsetof(struct sim_frame, status)},
	{'p', STR, offsetof(struct sim_frame, peer)},
	{'w', STR, offsetof(struct sim_frame, was)},
	{'a', STR, offsetof(struct sim_frame, address)},
	{'n', STR, offsetof(struct sim_frame, name)},
	{'y', STR, offsetof(struct sim_frame, reply)},
	{'K', STR, offsetof(struct sim_frame, key)},
	{'V', STR, offsetof(struct sim_frame, value)},
	{'*', LIST, 0},
	{'D', REST, offsetof(struct sim_frame, data)},
};

static const struct {
	enum sim_type type;
	const char *fields;
} layouts[] = {
	{SIM_HELLO, "v"},
	{SIM_SCAN, "M"},
	{SIM_CONNECT, "Lsp"},
	{SIM_DISCONNECT, "L"},
	{SIM_SEND, "LIclpyD"},
	{SIM_SET, "LIKV"},
	{SIM_WELCOME, "vW"},
	{SIM_PEER, "fkrpwan*"},
	{SIM_CONNECTED, "LSPWsl"},
	{SIM_DISCONNECTED, "L"},
	{SIM_CONFIRM, "ISlAR"},
	{SIM_MESSAGE, "LcfsApyD"},
	{SIM_CHANGED, "LPW"},
	{SIM_DOWN, "LS"},
};

static const char *layout_of(unsigned type)
{
	size_t i;

	for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].type == type)
			return layouts[i].fields;
	return NULL;
}

static const struct field *field_of(char letter)
{
	const struct field *f = fields;

	while (f->letter != letter)
		f++;
	return f;
}

struct reader {
	struct bytes left;
	bool bad;
};

static struct bytes take(struct reader *r, size_t len)
{
	struct bytes got = {0};

	if (r->bad || len > r->left.len) {
		r->bad = true;
		return got;
	}
	got = bytes_slice(r->left, 0, len);
	r->left = bytes_slice(r->left, len, SIZE_MAX);
	return got;
}

static unsigned take_u8(struct reader *r)
{
	struct bytes b = take(r, 1);

	return b.len ? b.at[0] : 0;
}

static struct bytes take_str(struct reader *r)
{
	return take(r, take_u8(r));
}

static void read_list(struct reader *r, struct sim_frame *f)
{
	unsigned i, count = take_u8(r);

	if (count > SIM_WIRE_ATTRIBUTES_MAX) {
		r->bad = true;
		return;
	}
	for (i = 0; i < count; i++) {
		f->attributes[i].key = take_str(r);
		f->attributes[i].value = take_str(r);
	}
	f->attribute_count = (uint8_t)count;
}

static void read_field(
	struct reader *r, const struct field *field, struct sim_frame *f)
{
	void *to = (char *)f + field->offset;
	struct bytes b;
	uint16_t two;
	uint32_t four;

	switch (field->kind) {
	case U8:
		*(uint8_t *)to = (uint8_t)take_u8(r);
		break;
	case U16:
		b = take(r, 2);
		two = b.len ? get_le16(b.at) : 0;
		memcpy(to, &two, sizeof(two));
		break;
	case U32:
		b = take(r, 4);
		four = b.len ? get_le32(b.at) : 0;
		memcpy(to, &four, sizeof(four));
		break;
	case STR:
		*(struct bytes *)to = take_str(r);
		break;
	case LIST:
		read_list(r, f);
		break;
	case REST:
		*(struct bytes *)to = take(r, r->left.len);
		break;
	}
}

/* What a layout cannot say: numbers that must not be 0, and lengths. */
static bool values_hold(const struct sim_frame *f, const char *layout)
{
	if (strchr(layout, 'L') && f->link == 0 && f->type != SIM_DOWN)
		return false;
	if (strchr(layout, 'I') && f->id == 0)
		return false;
	if (strchr(layout, 'D') &&
		(f->data.len == 0 || f->data.len > SIM_WIRE_PAYLOAD_MAX))
		return false;
	if (f->type == SIM_PEER && f->peer.len == 0)
		return false;
	return f->peer.len <= FERRY_KEY_MAX && f->was.len <= FERRY_KEY_MAX &&
	       f->reply.len <= FERRY_REPLY_MAX;
}

int sim_wire_read(struct bytes packet, struct sim_frame *ret)
{
	struct reader r = {packet, packet.len > SIM_WIRE_MAX};
	struct sim_frame f = {0};
	unsigned type = take_u8(&r);
	const char *layout = layout_of(type);
	const char *at;

	if (!layout)
		return -EPROTO;
	f.type = (enum sim_type)type;
	for (at = layout; *at; at++)
		read_field(&r, field_of(*at), &f);
	if (r.bad || r.left.len || !values_hold(&f, layout))
		return -EPROTO;
	*ret = f;
	return 0;
}

static void put_number(struct buf *to, uint32_t value, size_t width)
{
	uint8_t raw[4];

	put_le32(raw, value);
	buf_add(to, raw, width);
}

static int put_str(struct buf *to, struct bytes text)
{
	if (text.len > 255)
		return -EMSGSIZE;
	put_number(to, (uint32_t)text.len, 1);
	buf_add_bytes(to, text);
	return 0;
}

static int write_list(struct buf *to, const struct sim_frame *f)
{
	unsigned i;
	int err = 0;

	if (f->attribute_count > SIM_WIRE_ATTRIBUTES_MAX)
		return -EMSGSIZE;
	put_number(to, f->attribute_count, 1);
	for (i = 0; i < f->attribute_count && !err; i++) {
		err = put_str(to, f->attributes[i].key);
		if (!err)
			err = put_str(to, f->attributes[i].value);
	}
	return err;
}

static int write_field(
	struct buf *to, const struct field *field, const struct sim_frame *f)
{
	const void *from = (const char *)f + field->offset;
	uint16_t two;
	uint32_t four;

	switch (field->kind) {
	case U8:
		put_number(to, *(const uint8_t *)from, 1);
		return 0;
	case U16:
		memcpy(&two, from, sizeof(two));
		put_number(to, two, 2);
		return 0;
	case U32:
		memcpy(&four, from, sizeof(four));
		put_number(to, four, 4);
		return 0;
	case STR:
		return put_str(to, *(const struct bytes *)from);
	case LIST:
		return write_list(to, f);
	case REST:
		buf_add_bytes(to, *(const struct bytes *)from);
		return 0;
	}
	return -EINVAL;
}

int sim_wire_write(const struct sim_frame *f, struct buf *to)
{
	const char *at = layout_of(f->type);
	int err = 0;

	if (!at)
		return -EINVAL;
	buf_reset(to);
	put_number(to, f->type, 1);
	for (; *at && !err; at++)
		err = write_field(to, field_of(*at), f);
	if (!err && to->len > SIM_WIRE_MAX)
		err = -EMSGSIZE;
	return err ? err : to->err;
}

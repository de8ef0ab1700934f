#include "transports/zigbee/znp_frame.h"

#include <string.h>

#define START 0xfeu
#define OVERHEAD 5u /* start, length, two bytes of command, check */

static uint8_t check(const uint8_t *at, size_t len)
{
	uint8_t fcs = 0;

	while (len--)
		fcs ^= *at++;
	return fcs;
}

size_t znp_frame_put(uint8_t *at, uint16_t command, struct bytes data)
{
	if (data.len > ZNP_DATA_MAX)
		return 0;
	at[0] = START;
	at[1] = (uint8_t)data.len;
	put_be16(at + 2, command);
	if (data.len)
		memcpy(at + 4, data.at, data.len);
	at[4 + data.len] = check(at + 1, data.len + 3);
	return data.len + OVERHEAD;
}

static void drop(struct znp_parser *p, size_t len)
{
	p->len -= len;
	memmove(p->at, p->at + len, p->len);
}

/* Leaves the first byte, and all that follow up to one that may begin a frame.
 */
static void resync(struct znp_parser *p)
{
	size_t from = 1;

	while (from < p->len && p->at[from] != START)
		from++;
	p->noise += from;
	drop(p, from);
}

/* How many bytes the frame at the start of the buffer has in all, or how many
 * are needed to tell; 0 when it cannot be one. */
static size_t wanted(const struct znp_parser *p)
{
	if (p->len < 2)
		return 2;
	return p->at[1] <= ZNP_DATA_MAX ? p->at[1] + OVERHEAD : 0;
}

static void fill(struct znp_parser *p, struct bytes *in, size_t want)
{
	struct bytes part = bytes_slice(*in, 0, want - p->len);

	if (part.len)
		memcpy(p->at + p->len, part.at, part.len);
	p->len += part.len;
	*in = bytes_slice(*in, part.len, in->len);
}

/* Bytes between frames, without a copy. */
static void skip_noise(struct znp_parser *p, struct bytes *in)
{
	const uint8_t *start = in->len ? memchr(in->at, START, in->len) : NULL;
	size_t len = start ? (size_t)(start - in->at) : in->len;

	p->noise += len;
	*in = bytes_slice(*in, len, in->len);
}

static bool is_whole(struct znp_parser *p, size_t want)
{
	return want > 2 && p->len >= want &&
	       check(p->at + 1, want - 2) == p->at[want - 1];
}

bool znp_parser_take(
	struct znp_parser *p, struct bytes *in, struct znp_frame *ret)
{
	size_t want;

	drop(p, p->taken);
	p->taken = 0;
	for (;;) {
		if (p->len && p->at[0] != START)
			resync(p);
		if (!p->len)
			skip_noise(p, in);
		want = wanted(p);
		if (want > p->len)
			fill(p, in, want);
		if (want > p->len)
			return false;
		if (is_whole(p, want)) {
			ret->command = get_be16(p->at + 2);
			ret->data = bytes_of(p->at + 4, want - OVERHEAD);
			p->taken = want;
			return true;
		}
		if (want == 2)
			continue; /* only now the length is there */
		p->bad++;
		resync(p);
	}
}

bool znp_parser_waits(const struct znp_parser *p)
{
	return p->len > p->taken;
}

void znp_parser_skip(struct znp_parser *p)
{
	drop(p, p->taken);
	p->taken = 0;
	if (!p->len)
		return;
	p->bad++;
	resync(p);
}

struct znp_in znp_in_of(struct bytes data)
{
	struct znp_in in = {data, false};

	return in;
}

struct bytes znp_get(struct znp_in *in, size_t len)
{
	struct bytes part = bytes_slice(in->rest, 0, len);

	if (part.len < len)
		in->bad = true;
	in->rest = bytes_slice(in->rest, part.len, in->rest.len);
	return part;
}

uint8_t znp_get8(struct znp_in *in)
{
	struct bytes b = znp_get(in, 1);

	return in->bad ? 0 : b.at[0];
}

uint16_t znp_get16(struct znp_in *in)
{
	struct bytes b = znp_get(in, 2);

	return in->bad ? 0 : get_le16(b.at);
}

uint32_t znp_get32(struct znp_in *in)
{
	struct bytes b = znp_get(in, 4);

	return in->bad ? 0 : get_le32(b.at);
}

uint64_t znp_get64(struct znp_in *in)
{
	struct bytes b = znp_get(in, 8);

	if (in->bad)
		return 0;
	return (uint64_t)get_le32(b.at + 4) << 32 | get_le32(b.at);
}

void znp_put(struct znp_out *out, struct bytes data)
{
	if (out->bad || data.len > sizeof(out->at) - out->len) {
		out->bad = true;
		return;
	}
	if (data.len)
		memcpy(out->at + out->len, data.at, data.len);
	out->len += data.len;
}

void znp_put8(struct znp_out *out, unsigned v)
{
	uint8_t b = (uint8_t)v;

	znp_put(out, bytes_of(&b, 1));
}

void znp_put16(struct znp_out *out, unsigned v)
{
	uint8_t b[2];

	put_le16(b, (uint16_t)v);
	znp_put(out, bytes_of(b, sizeof(b)));
}

void znp_put32(struct znp_out *out, uint32_t v)
{
	uint8_t b[4];

	put_le32(b, v);
	znp_put(out, bytes_of(b, sizeof(b)));
}

void znp_put64(struct znp_out *out, uint64_t v)
{
	znp_put32(out, (uint32_t)v);
	znp_put32(out, (uint32_t)(v >> 32));
}

#include "devices/smp/frame.h"

#define LINE_BYTES 93 /* 124 characters: the most a line of 127 can hold */
#define LINE_MAX_READ 1024
#define PACKET_MAX (SMP_MESSAGE_MAX + 4)

enum {
	MARK_FIRST_1 = 0x06,
	MARK_FIRST_2 = 0x09,
	MARK_NEXT_1 = 0x04,
	MARK_NEXT_2 = 0x14,
};

enum state {
	STATE_IDLE,       /* between lines; on raw links: in step */
	STATE_MARK_FIRST, /* after 06 */
	STATE_MARK_NEXT,  /* after 04 */
	STATE_LINE,
	STATE_LOST, /* raw links: out of step, silence will mend it */
};

uint16_t smp_crc16(uint16_t crc, struct bytes b)
{
	static const uint16_t nibble[16] = {
		0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
		0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
	};

	for (size_t i = 0; i < b.len; i++) {
		unsigned v = crc;

		v = (v << 4 & 0xffff) ^ nibble[v >> 12 ^ b.at[i] >> 4];
		v = (v << 4 & 0xffff) ^ nibble[v >> 12 ^ (b.at[i] & 15)];
		crc = (uint16_t)v;
	}
	return crc;
}

/* Writes 4 characters for each started group of 3 bytes; returns the end. */
static uint8_t *base64_put(uint8_t *to, const uint8_t *at, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)at[i] << 16;

		if (n > 1)
			v |= (uint32_t)at[i + 1] << 8;
		if (n > 2)
			v |= at[i + 2];
		*to++ = (uint8_t)digits[v >> 18];
		*to++ = (uint8_t)digits[v >> 12 & 63];
		*to++ = n > 1 ? (uint8_t)digits[v >> 6 & 63] : '=';
		*to++ = n > 2 ? (uint8_t)digits[v & 63] : '=';
	}
	return to;
}

/* Bytes [from, from + len) of length || message || crc. */
static void packet_part(uint8_t *to, struct bytes message, uint16_t crc,
	size_t from, size_t len)
{
	uint8_t ends[4];

	put_be16(ends, (uint16_t)(message.len + 2));
	put_be16(ends + 2, crc);
	for (size_t i = from; i < from + len; i++)
		*to++ = i < 2 ? ends[i] :
			i < message.len + 2 ? message.at[i - 2] :
			ends[i - message.len];
}

static int console_put(struct buf *out, struct bytes message)
{
	uint16_t crc = smp_crc16(0, message);
	size_t total = message.len + 4;
	uint8_t line[2 + 124 + 1];
	uint8_t part[LINE_BYTES];
	size_t len;

	for (size_t at = 0; at < total; at += len) {
		uint8_t *end;

		len = total - at < LINE_BYTES ? total - at : LINE_BYTES;
		packet_part(part, message, crc, at, len);
		line[0] = at ? MARK_NEXT_1 : MARK_FIRST_1;
		line[1] = at ? MARK_NEXT_2 : MARK_FIRST_2;
		end = base64_put(line + 2, part, len);
		*end++ = '\n';
		buf_add(out, line, (size_t)(end - line));
	}
	return out->err;
}

int smp_frame_put(struct buf *out, enum smp_framing framing,
	struct bytes message)
{
	if (framing == SMP_CONSOLE)
		return console_put(out, message);
	return buf_add_bytes(out, message);
}

void smp_reader_init(struct smp_reader *r, enum smp_framing framing)
{
	*r = (struct smp_reader){.framing = framing, .state = STATE_IDLE};
	buf_init(&r->packet, PACKET_MAX);
}

void smp_reader_done(struct smp_reader *r)
{
	buf_done(&r->packet);
}

void smp_reader_reset(struct smp_reader *r)
{
	buf_reset(&r->packet);
	r->state = STATE_IDLE;
	r->open = false;
	r->whole = false;
}

/* The packet under way is of no use. */
static void drop(struct smp_reader *r)
{
	if (r->open || r->packet.len)
		r->dropped++;
	smp_reader_reset(r);
}

static void line_begin(struct smp_reader *r)
{
	r->state = STATE_LINE;
	r->line_len = 0;
	r->quad_len = 0;
	r->quad = 0;
	r->pads = 0;
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One character of a line. False: the line is no base64, or too long. */
static bool line_char(struct smp_reader *r, uint8_t c)
{
	int value = c == '=' ? 0 : base64_value(c);
	uint8_t raw[3];

	if (value < 0 || ++r->line_len > LINE_MAX_READ)
		return false;
	if (c == '=')
		r->pads++;
	else if (r->pads)
		return false;
	if (r->pads > 2)
		return false;
	r->quad = r->quad << 6 | (uint32_t)value;
	if (++r->quad_len < 4)
		return true;
	raw[0] = (uint8_t)(r->quad >> 16);
	raw[1] = (uint8_t)(r->quad >> 8);
	raw[2] = (uint8_t)r->quad;
	r->quad_len = 0;
	r->quad = 0;
	return buf_add(&r->packet, raw, (size_t)(3 - r->pads)) == 0;
}

/* At the end of a line: is the packet whole? What cannot become a good one any
 * more is dropped. */
static bool line_end(struct smp_reader *r, struct bytes *ret)
{
	const struct buf *p = &r->packet;
	size_t total;

	r->state = STATE_IDLE;
	if (r->quad_len || p->len < 2) {
		drop(r);
		return false;
	}
	total = (size_t)get_be16(p->at) + 2;
	if (total < SMP_HEADER_LEN + 4 || total > PACKET_MAX ||
			p->len > total || (r->pads && p->len < total)) {
		drop(r);
		return false;
	}
	if (p->len < total)
		return false;
	if (smp_crc16(0, bytes_of(p->at + 2, total - 2)) != 0) {
		drop(r);
		return false;
	}
	r->open = false;
	r->whole = true;
	*ret = bytes_of(p->at + 2, total - 4);
	return true;
}

/* Outside of lines: looks for the two marks, everything else is log text. */
static void search(struct smp_reader *r, uint8_t c)
{
	if (r->state == STATE_MARK_FIRST && c == MARK_FIRST_2) {
		drop(r);
		r->open = true;
		line_begin(r);
	} else if (r->state == STATE_MARK_NEXT && c == MARK_NEXT_2 && r->open) {
		line_begin(r);
	} else {
		r->state = c == MARK_FIRST_1 ? STATE_MARK_FIRST :
			c == MARK_NEXT_1 ? STATE_MARK_NEXT : STATE_IDLE;
	}
}

static bool console_byte(struct smp_reader *r, uint8_t c, struct bytes *ret)
{
	if (r->state != STATE_LINE) {
		search(r, c);
		return false;
	}
	if (c == '\n')
		return line_end(r, ret);
	if (c != '\r' && !line_char(r, c)) {
		drop(r);
		search(r, c);
	}
	return false;
}

/* Whole length of the message that starts in `packet`, 0 if it cannot be an
 * answer. The header must be there. */
static size_t message_len(const struct buf *packet)
{
	size_t len = (size_t)get_be16(packet->at + 2) + SMP_HEADER_LEN;

	if ((packet->at[0] & 7) > 3 || len > SMP_MESSAGE_MAX)
		return 0;
	return len;
}

static bool raw_take(struct smp_reader *r, struct bytes *in, struct bytes *ret)
{
	while (in->len && r->state != STATE_LOST) {
		size_t want = SMP_HEADER_LEN;
		struct bytes part;

		if (r->packet.len >= SMP_HEADER_LEN)
			want = message_len(&r->packet);
		part = bytes_slice(*in, 0, want - r->packet.len);
		*in = bytes_slice(*in, part.len, in->len);
		if (buf_add_bytes(&r->packet, part)) {
			drop(r);
			r->state = STATE_LOST;
		} else if (r->packet.len >= SMP_HEADER_LEN) {
			want = message_len(&r->packet);
			if (want == 0) {
				drop(r);
				r->state = STATE_LOST;
			} else if (r->packet.len == want) {
				r->whole = true;
				*ret = buf_bytes(&r->packet);
				return true;
			}
		}
	}
	*in = bytes_slice(*in, in->len, 0);
	return false;
}

static bool datagram_take(struct smp_reader *r, struct bytes *in,
	struct bytes *ret)
{
	struct bytes piece = *in;
	size_t want;

	*in = bytes_slice(*in, in->len, 0);
	if (piece.len == 0)
		return false;
	if (r->packet.len + piece.len < SMP_HEADER_LEN ||
			buf_add_bytes(&r->packet, piece)) {
		r->dropped++;
		smp_reader_reset(r);
		return false;
	}
	want = message_len(&r->packet);
	if (want == 0 || r->packet.len > want) {
		drop(r);
		return false;
	}
	if (r->packet.len < want)
		return false;
	r->whole = true;
	*ret = buf_bytes(&r->packet);
	return true;
}

static bool console_take(struct smp_reader *r, struct bytes *in,
	struct bytes *ret)
{
	size_t i = 0;
	bool whole = false;

	while (i < in->len && !whole)
		whole = console_byte(r, in->at[i++], ret);
	*in = bytes_slice(*in, i, in->len);
	return whole;
}

bool smp_reader_take(struct smp_reader *r, struct bytes *in, struct bytes *ret)
{
	if (r->whole) {
		/* Answers to uploads are small; one to a state is not. */
		buf_done(&r->packet);
		smp_reader_reset(r);
	}
	switch (r->framing) {
	case SMP_CONSOLE:
		return console_take(r, in, ret);
	case SMP_RAW:
		return raw_take(r, in, ret);
	case SMP_DATAGRAM:
		return datagram_take(r, in, ret);
	}
	return false;
}

#include "tools/sim/console.h"

#include <errno.h>

static const uint8_t start_mark[2] = {0x06, 0x09};
static const uint8_t next_mark[2] = {0x04, 0x14};
static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint16_t crc16_xmodem(const void *at, size_t len)
{
	const uint8_t *p = at;
	unsigned crc = 0;

	while (len-- > 0) {
		crc ^= (unsigned)*p++ << 8;
		for (int i = 0; i < 8; i++)
			crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) &
			      0xffff;
	}
	return (uint16_t)crc;
}

static int digit_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Strict: whole quads, padding only in the last. Returns bytes or -EINVAL. */
static int base64_decode(struct bytes text, uint8_t *to)
{
	size_t len = text.len, n = 0;
	unsigned pad = 0;

	if (len == 0 || len % 4 != 0)
		return -EINVAL;
	while (pad < 2 && text.at[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t quad = 0;

		for (size_t j = 0; j < 4; j++) {
			bool padding = i + j >= len - pad;
			int d = padding ? 0 : digit_of(text.at[i + j]);

			if (d < 0)
				return -EINVAL;
			quad = quad << 6 | (uint32_t)d;
		}
		to[n++] = (uint8_t)(quad >> 16);
		to[n++] = (uint8_t)(quad >> 8);
		to[n++] = (uint8_t)quad;
	}
	return (int)(n - pad);
}

static void base64_encode(struct bytes in, struct buf *to)
{
	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		uint32_t v = (uint32_t)in.at[i] << 16;
		char quad[4];

		if (left > 1)
			v |= (uint32_t)in.at[i + 1] << 8;
		if (left > 2)
			v |= in.at[i + 2];
		quad[0] = alphabet[v >> 18];
		quad[1] = alphabet[v >> 12 & 63];
		quad[2] = left > 1 ? alphabet[v >> 6 & 63] : '=';
		quad[3] = left > 2 ? alphabet[v & 63] : '=';
		buf_add(to, quad, 4);
	}
}

void console_init(struct console *c, size_t packet_max)
{
	*c = (struct console){0};
	buf_init(&c->packet, packet_max);
}

void console_done(struct console *c)
{
	buf_done(&c->packet);
}

void console_reset(struct console *c)
{
	c->line_len = 0;
	c->line_too_long = false;
	c->open = false;
	buf_reset(&c->packet);
}

size_t console_feed(struct console *c, struct bytes in, bool *ret_line_end)
{
	const uint8_t *end = in.len ? memchr(in.at, '\n', in.len) : NULL;
	size_t take = end ? (size_t)(end - in.at) + 1 : in.len;

	if (take > sizeof(c->line) - c->line_len) {
		c->line_too_long = true;
	} else if (take > 0) {
		memcpy(c->line + c->line_len, in.at, take);
		c->line_len += take;
	}
	*ret_line_end = end != NULL;
	return take;
}

/* Adds the decoded fragment; says whether the packet is complete. */
static enum console_event add_fragment(
	struct console *c, const uint8_t *at, size_t len)
{
	const uint8_t *p;
	size_t want;

	if (buf_add(&c->packet, at, len) < 0)
		goto drop;
	if (c->packet.len < 2)
		return CONSOLE_NOTHING;
	p = c->packet.at;
	want = 2u + get_be16(p);
	if (want < 4 || want > c->packet.max || c->packet.len > want)
		goto drop;
	if (c->packet.len < want)
		return CONSOLE_NOTHING;
	c->open = false;
	if (crc16_xmodem(p + 2, want - 2) != 0)
		return CONSOLE_BAD_CRC;
	return CONSOLE_MESSAGE;
drop:
	c->open = false;
	buf_reset(&c->packet);
	return CONSOLE_DROPPED;
}

enum console_event console_line(struct console *c, size_t line_max)
{
	uint8_t raw[CONSOLE_LINE_MAX];
	struct bytes text = bytes_of(c->line, c->line_len);
	bool too_long = c->line_too_long || c->line_len > line_max;
	bool first;
	int n;

	c->line_len = 0;
	c->line_too_long = false;
	if (too_long)
		return CONSOLE_DROPPED;
	text.len--; /* the newline */
	if (text.len > 0 && text.at[text.len - 1] == '\r')
		text.len--;
	first = text.len >= 2 && memcmp(text.at, start_mark, 2) == 0;
	if (text.len < 2 || (!first && memcmp(text.at, next_mark, 2) != 0))
		return CONSOLE_NOTHING;
	if (first) {
		buf_reset(&c->packet);
		c->open = true;
	} else if (!c->open) {
		return CONSOLE_DROPPED;
	}
	n = base64_decode(bytes_slice(text, 2, text.len), raw);
	if (n < 0) {
		c->open = false;
		return CONSOLE_DROPPED;
	}
	return add_fragment(c, raw, (size_t)n);
}

struct bytes console_message(const struct console *c)
{
	return bytes_slice(buf_bytes(&c->packet), 2, c->packet.len - 4);
}

/* How much of the packet the next line carries. The CRC stays on one line;
 * `short_line` gives the last line but one a quad less. */
static size_t fragment_len(size_t left, bool short_line)
{
	if (left <= CONSOLE_FRAGMENT)
		return left;
	if (left - CONSOLE_FRAGMENT == 1 ||
		(short_line && left < 2 * CONSOLE_FRAGMENT - 2))
		return CONSOLE_FRAGMENT - 3;
	return CONSOLE_FRAGMENT;
}

static void add_noise(
	struct buf *to, const struct console_style *style, unsigned line)
{
	buf_printf(to, "[%02u:%02u:%02u.%03u,000] <inf> app: tick %u\r\n",
		style->tick / 3600000 % 24, style->tick / 60000 % 60,
		style->tick / 1000 % 60, style->tick % 1000, line);
	buf_add_text(to, "uart:~$ ");
}

static void add_line(struct buf *to, const uint8_t *mark, struct bytes fragment,
	const struct console_style *style, bool damage)
{
	size_t at;

	buf_add(to, mark, 2);
	at = to->len;
	base64_encode(fragment, to);
	if (damage && !to->err)
		to->at[at + 5] = to->at[at + 5] == 'A' ? 'B' : 'A';
	buf_add_text(to, style->crlf ? "\r\n" : "\n");
}

void console_encode(
	struct bytes message, const struct console_style *style, struct buf *to)
{
	struct buf packet;
	uint8_t number[2];
	unsigned line = 0;

	buf_init(&packet, message.len + 4);
	put_be16(number, (uint16_t)(message.len + 2));
	buf_add(&packet, number, 2);
	buf_add_bytes(&packet, message);
	put_be16(number, crc16_xmodem(message.at, message.len));
	buf_add(&packet, number, 2);
	for (size_t at = 0; at < packet.len && !packet.err; line++) {
		size_t n = fragment_len(packet.len - at, style->short_line);

		if (style->noise)
			add_noise(to, style, line);
		add_line(to, line ? next_mark : start_mark,
			bytes_slice(buf_bytes(&packet), at, n), style,
			style->damage && line == 0);
		at += n;
	}
	if (packet.err && !to->err)
		to->err = packet.err;
	buf_done(&packet);
}

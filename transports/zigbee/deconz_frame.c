#include "transports/zigbee/deconz_frame.h"

#define END 0xc0u
#define ESC 0xdbu
#define ESC_END 0xdcu
#define ESC_ESC 0xddu

#define HEAD 5u /* command, seq, status, frame length */
#define CHECK 2u

/* Commands whose payload stands behind a length of its own. */
static bool has_payload_len(uint8_t command)
{
	switch (command) {
	case DECONZ_STATE:
	case DECONZ_SET_NETWORK:
	case DECONZ_VERSION:
	case DECONZ_STATE_CHANGED:
		return false;
	}
	return true;
}

static uint16_t check_of(const uint8_t *at, size_t len)
{
	unsigned sum = 0;

	while (len--)
		sum += *at++;
	return (uint16_t)(0u - sum);
}

static size_t slip(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t n = 0;

	to[n++] = END;
	for (; len--; from++) {
		if (*from != END && *from != ESC) {
			to[n++] = *from;
			continue;
		}
		to[n++] = ESC;
		to[n++] = *from == END ? ESC_END : ESC_ESC;
	}
	to[n++] = END;
	return n;
}

size_t deconz_frame_put(
	uint8_t *at, uint8_t command, uint8_t seq, struct bytes payload)
{
	uint8_t raw[DECONZ_FRAME_MAX];
	size_t len = HEAD;

	if (payload.len > DECONZ_PAYLOAD_MAX)
		return 0;
	raw[0] = command;
	raw[1] = seq;
	raw[2] = 0;
	if (has_payload_len(command)) {
		put_le16(raw + len, (uint16_t)payload.len);
		len += 2;
	}
	if (payload.len)
		memcpy(raw + len, payload.at, payload.len);
	len += payload.len;
	put_le16(raw + 3, (uint16_t)len);
	put_le16(raw + len, check_of(raw, len));
	return slip(at, raw, len + CHECK);
}

static bool frame_read(const uint8_t *at, size_t len, struct deconz_frame *ret)
{
	size_t head = HEAD;

	if (len < HEAD + CHECK)
		return false;
	len -= CHECK;
	if (get_le16(at + len) != check_of(at, len) || get_le16(at + 3) != len)
		return false;
	if (has_payload_len(at[0])) {
		head += 2;
		if (len < head || get_le16(at + HEAD) != len - head)
			return false;
	}
	*ret = (struct deconz_frame){.command = at[0],
		.seq = at[1],
		.status = at[2],
		.payload = bytes_of(at + head, len - head)};
	return true;
}

/* True when a frame has ended with this byte. */
static bool parser_push(struct deconz_parser *p, uint8_t byte)
{
	if (byte == END)
		return true;
	if (p->escaped) {
		p->escaped = false;
		p->spoilt = p->spoilt || (byte != ESC_END && byte != ESC_ESC);
		byte = byte == ESC_END ? END : ESC;
	} else if (byte == ESC) {
		p->escaped = true;
		return false;
	}
	if (p->len == sizeof(p->at))
		p->spoilt = true;
	else
		p->at[p->len++] = byte;
	return false;
}

bool deconz_parser_take(
	struct deconz_parser *p, struct bytes *in, struct deconz_frame *ret)
{
	size_t len;
	bool good;

	while (in->len) {
		in->len--;
		if (!parser_push(p, *in->at++))
			continue;
		len = p->len;
		good = !p->spoilt && !p->escaped && frame_read(p->at, len, ret);
		/* Frames may share an end, or have one each. */
		if (!good && (len || p->spoilt || p->escaped))
			p->bad++;
		p->len = 0;
		p->escaped = false;
		p->spoilt = false;
		if (good)
			return true;
	}
	return false;
}

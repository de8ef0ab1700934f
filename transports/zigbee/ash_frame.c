#include "transports/zigbee/ash_frame.h"

#define FLAG 0x7eu
#define ESCAPE 0x7du
#define XON 0x11u
#define XOFF 0x13u
#define SUBSTITUTE 0x18u
#define WAKE 0xffu /* between frames: the coprocessor was asleep */
#define FLIP 0x20u

#define CONTROL_ACK 0x80u
#define CONTROL_NAK 0xa0u
#define CONTROL_RST 0xc0u
#define CONTROL_RSTACK 0xc1u
#define CONTROL_ERROR 0xc2u
#define BIT_THREE 0x08u /* sent again, or not ready */

#define MASK_SEED 0x42u
#define MASK_FEEDBACK 0xb8u

static uint16_t crc_nibble(uint16_t crc, unsigned nibble)
{
	static const uint16_t table[16] = {
		0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
		0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
	};

	return (uint16_t)(crc << 4 ^ table[(crc >> 12 ^ nibble) & 15]);
}

uint16_t ash_crc(struct bytes b)
{
	uint16_t crc = 0xffff;
	size_t i;

	for (i = 0; i < b.len; i++)
		crc = crc_nibble(crc_nibble(crc, b.at[i] >> 4), b.at[i] & 15u);
	return crc;
}

/* The same both ways. */
static void mask(uint8_t *at, size_t len)
{
	uint8_t r = MASK_SEED;
	size_t i;

	for (i = 0; i < len; i++) {
		at[i] ^= r;
		r = (uint8_t)(r & 1 ? r >> 1 ^ MASK_FEEDBACK : r >> 1);
	}
}

static bool is_reserved(uint8_t byte)
{
	return byte == FLAG || byte == ESCAPE || byte == XON || byte == XOFF ||
		byte == SUBSTITUTE || byte == ASH_CANCEL;
}

/* Control and data before stuffing; 0 when they make no frame. */
static size_t put_plain(uint8_t *at, const struct ash_frame *f)
{
	uint8_t bit = f->not_ready ? BIT_THREE : 0;

	switch (f->type) {
	case ASH_DATA:
		if (f->data.len < ASH_DATA_MIN || f->data.len > ASH_DATA_MAX)
			return 0;
		at[0] = (uint8_t)((f->number & 7) << 4 | (f->ack & 7) |
			(f->again ? BIT_THREE : 0));
		memcpy(at + 1, f->data.at, f->data.len);
		mask(at + 1, f->data.len);
		return 1 + f->data.len;
	case ASH_ACK:
		at[0] = (uint8_t)(CONTROL_ACK | bit | (f->ack & 7));
		return 1;
	case ASH_NAK:
		at[0] = (uint8_t)(CONTROL_NAK | bit | (f->ack & 7));
		return 1;
	case ASH_RST:
		at[0] = CONTROL_RST;
		return 1;
	case ASH_RSTACK:
	case ASH_ERROR:
		at[0] = f->type == ASH_RSTACK ? CONTROL_RSTACK : CONTROL_ERROR;
		at[1] = f->version;
		at[2] = f->code;
		return 3;
	}
	return 0;
}

size_t ash_frame_put(uint8_t *at, const struct ash_frame *f)
{
	uint8_t plain[1 + ASH_DATA_MAX + 2];
	size_t len = put_plain(plain, f), out = 0, i;

	if (!len)
		return 0;
	put_be16(plain + len, ash_crc(bytes_of(plain, len)));
	len += 2;
	for (i = 0; i < len; i++) {
		if (is_reserved(plain[i])) {
			at[out++] = ESCAPE;
			at[out++] = plain[i] ^ FLIP;
		} else {
			at[out++] = plain[i];
		}
	}
	at[out++] = FLAG;
	return out;
}

void ash_decoder_init(struct ash_decoder *d)
{
	memset(d, 0, sizeof(*d));
}

static void forget(struct ash_decoder *d)
{
	d->len = 0;
	d->escaped = false;
	d->spoiled = false;
}

/* What control byte and length say. */
static bool read_control(struct bytes b, struct ash_frame *f)
{
	uint8_t c = b.at[0];

	if (!(c & 0x80)) {
		f->type = ASH_DATA;
		f->ack = c & 7;
		f->number = c >> 4 & 7;
		f->again = c & BIT_THREE;
		f->data = bytes_slice(b, 1, b.len);
		return f->data.len >= ASH_DATA_MIN;
	}
	if ((c & 0xe0) == CONTROL_ACK || (c & 0xe0) == CONTROL_NAK) {
		f->type = (c & 0xe0) == CONTROL_ACK ? ASH_ACK : ASH_NAK;
		f->ack = c & 7;
		f->not_ready = c & BIT_THREE;
		return b.len == 1;
	}
	if (c == CONTROL_RST) {
		f->type = ASH_RST;
		return b.len == 1;
	}
	if (c == CONTROL_RSTACK || c == CONTROL_ERROR) {
		f->type = c == CONTROL_RSTACK ? ASH_RSTACK : ASH_ERROR;
		if (b.len != 3)
			return false;
		f->version = b.at[1];
		f->code = b.at[2];
		return true;
	}
	return false;
}

static enum ash_decoded finish(struct ash_decoder *d, struct ash_frame *ret)
{
	struct ash_frame f = {0};
	struct bytes b;

	if (!d->len && !d->spoiled) {
		d->escaped = false;
		return ASH_MORE;
	}
	d->control = d->len ? d->at[0] : 0;
	if (d->spoiled || d->len < 3 || d->len > sizeof(d->at)) {
		forget(d);
		return ASH_BAD;
	}
	b = bytes_of(d->at, d->len - 2);
	forget(d);
	if (ash_crc(b) != get_be16(b.at + b.len) || !read_control(b, &f))
		return ASH_BAD;
	if (f.type == ASH_DATA)
		mask(d->at + 1, f.data.len);
	*ret = f;
	return ASH_FRAME;
}

enum ash_decoded ash_decode(struct ash_decoder *d, uint8_t byte,
	struct ash_frame *ret)
{
	switch (byte) {
	case FLAG:
		return finish(d, ret);
	case ESCAPE:
		d->escaped = true;
		return ASH_MORE;
	case SUBSTITUTE:
		d->spoiled = true;
		return ASH_MORE;
	case ASH_CANCEL:
		forget(d);
		return ASH_CANCELLED;
	case XON:
	case XOFF:
		return ASH_MORE;
	}
	if (!d->len && !d->escaped && byte == WAKE)
		return ASH_MORE;
	if (d->len < sizeof(d->at))
		d->at[d->len] = d->escaped ? byte ^ FLIP : byte;
	if (d->len <= sizeof(d->at))
		d->len++;
	d->escaped = false;
	return ASH_MORE;
}

/* Frames of ASH, the framing below EZSP on a serial line (Silicon Labs UG101):
 * byte stuffing, CRC and the masking of DATA fields. Knows nothing of sequence
 * numbers and time; ash.h does. A decoder is embedded, holds one frame and needs
 * no end. No allocation; one thread. */
#ifndef FERRY_ZIGBEE_ASH_FRAME_H
#define FERRY_ZIGBEE_ASH_FRAME_H

#include "base/bytes.h"

#define ASH_DATA_MIN 3u   /* bytes of an EZSP frame in a DATA frame */
#define ASH_DATA_MAX 220u
/* Longest frame on the wire: each byte of control, data and CRC escaped, and
 * the flag. */
#define ASH_WIRE_MAX (2u * (1u + ASH_DATA_MAX + 2u) + 1u)

#define ASH_CANCEL 0x1au /* forget the frame so far */
#define ASH_VERSION 2u   /* in RSTACK and ERROR */

enum ash_type { ASH_DATA, ASH_ACK, ASH_NAK, ASH_RST, ASH_RSTACK, ASH_ERROR };

struct ash_frame {
	enum ash_type type;
	uint8_t number;    /* DATA: of this frame, 0..7 */
	uint8_t ack;       /* DATA, ACK, NAK: next frame expected, 0..7 */
	bool again;        /* DATA: sent before */
	bool not_ready;    /* ACK, NAK: hold DATA frames back */
	uint8_t version;   /* RSTACK, ERROR */
	uint8_t code;      /* RSTACK, ERROR: why */
	struct bytes data; /* DATA: in clear */
};

/* The wire form of `f` into `at` of at least ASH_WIRE_MAX bytes. Returns its
 * length; 0 when the data are too short or too long for a frame. */
size_t ash_frame_put(uint8_t *at, const struct ash_frame *f);

/* CRC-CCITT (0x1021, from 0xffff) as it stands before the flag. */
uint16_t ash_crc(struct bytes b);

enum ash_decoded {
	ASH_MORE,     /* no whole frame yet */
	ASH_FRAME,    /* a frame stands in `ret` until the next call */
	ASH_BAD,      /* a frame that is damaged or none of the known kinds */
	ASH_CANCELLED, /* a frame that its sender gave up */
};

struct ash_decoder {
	uint8_t at[1 + ASH_DATA_MAX + 2];
	size_t len;     /* one more than fits: too long */
	bool escaped;
	bool spoiled;   /* a substitute byte: the line has lost something */
	uint8_t control; /* first byte of the frame that was read last */
};

void ash_decoder_init(struct ash_decoder *d);

/* Takes one byte of the line. XON and XOFF between and inside of frames mean
 * nothing here; flow control is the line's. */
enum ash_decoded ash_decode(struct ash_decoder *d, uint8_t byte,
	struct ash_frame *ret);

#endif

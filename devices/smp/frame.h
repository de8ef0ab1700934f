/* How SMP messages stand on a link: console lines, raw UART or datagrams.
 *
 * Writing: smp_frame_put() turns one message into the bytes to send. Reading:
 * an smp_reader takes bytes as they come and gives whole messages back; what is
 * damaged, too long or no frame at all is dropped and counted. A reader is
 * embedded, _init to _done, holds at most one message. Not thread-safe. */
#ifndef FERRY_DEVICES_SMP_FRAME_H
#define FERRY_DEVICES_SMP_FRAME_H

#include "base/buf.h"

/* Larger than any server's buffer that is in use; both directions. */
#define SMP_MESSAGE_MAX 8192
#define SMP_HEADER_LEN 8

enum smp_framing {
	SMP_CONSOLE,  /* base64 lines with a CRC-16; log text may stand between */
	SMP_RAW,      /* messages one after another */
	SMP_DATAGRAM, /* messages cut into pieces of a payload size */
};

/* Appends the frame of `message` (header and body) to `out`. On datagram links
 * the caller cuts the result at the payload size. Returns 0, -EMSGSIZE or
 * -ENOMEM. */
int smp_frame_put(struct buf *out, enum smp_framing framing,
	struct bytes message);

/* CRC-16/XMODEM of `b`, going on from `crc` (start with 0). */
uint16_t smp_crc16(uint16_t crc, struct bytes b);

struct smp_reader {
	enum smp_framing framing;
	struct buf packet;
	uint8_t state;
	uint8_t quad_len; /* console: characters of the present group of four */
	uint8_t pads;
	uint16_t line_len;
	uint32_t quad;
	bool open; /* console: a first line was read, more may follow */
	bool whole; /* `packet` was given out and goes at the next call */
	uint64_t dropped;
};

void smp_reader_init(struct smp_reader *r, enum smp_framing framing);
void smp_reader_done(struct smp_reader *r);

/* Forgets a partial message, and on raw links that the place in the stream was
 * lost: call it after silence, and when the link comes up. */
void smp_reader_reset(struct smp_reader *r);

/* Takes from `in`, which it moves forward, until a message is whole. True: the
 * message stands in `ret` until the next call. False: `in` is used up. On
 * datagram links `in` is one datagram. */
bool smp_reader_take(struct smp_reader *r, struct bytes *in,
	struct bytes *ret);

#endif

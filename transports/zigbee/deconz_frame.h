/* The frames of dresden elektronik's deCONZ firmware (ConBee, RaspBee) on a
 * serial line: SLIP around
 *
 *   command u8, seq u8, status u8, frame length u16, [payload length u16,]
 *   payload, check u16
 *
 * where frame length counts from the command to the end of the payload, and the
 * check is the two's complement of the sum of these bytes. Plain values, no I/O,
 * any thread. */
#ifndef FERRY_ZIGBEE_DECONZ_FRAME_H
#define FERRY_ZIGBEE_DECONZ_FRAME_H

#include <stdbool.h>

#include "base/bytes.h"

#define DECONZ_FRAME_MAX 320u		     /* without SLIP */
#define DECONZ_PAYLOAD_MAX 280u
#define DECONZ_WIRE_MAX (2 * DECONZ_FRAME_MAX + 2)

enum deconz_command {
	DECONZ_CONFIRM = 0x04,
	DECONZ_STATE = 0x07,
	DECONZ_SET_NETWORK = 0x08,
	DECONZ_READ = 0x0a,
	DECONZ_WRITE = 0x0b,
	DECONZ_VERSION = 0x0d,
	DECONZ_STATE_CHANGED = 0x0e,
	DECONZ_REQUEST = 0x12,
	DECONZ_INDICATION = 0x17,
};

struct deconz_frame {
	uint8_t command;
	uint8_t seq;
	uint8_t status; /* 0 in requests */
	struct bytes payload;
};

/* Writes a request with both SLIP ends; `at` holds DECONZ_WIRE_MAX bytes. 0 when
 * the payload is longer than DECONZ_PAYLOAD_MAX. */
size_t deconz_frame_put(
	uint8_t *at, uint8_t command, uint8_t seq, struct bytes payload);

/* Finds frames in a stream. Embedded; zeroed is empty. What is damaged ends at
 * the next SLIP end: nothing else is lost. */
struct deconz_parser {
	uint8_t at[DECONZ_FRAME_MAX];
	size_t len;
	bool escaped;
	bool spoilt;  /* the rest up to the next end does not count */
	uint64_t bad; /* frames with a wrong check, length or escape */
};

/* Takes bytes off `in` until there is a frame: true with *ret, whose payload is
 * valid until the next call; false when `in` is used up. */
bool deconz_parser_take(struct deconz_parser *p, struct bytes *in,
	struct deconz_frame *ret);

#endif

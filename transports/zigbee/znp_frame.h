/* UNPI, the framing of TI's Monitor and Test commands on a serial line:
 *
 *   FE len cmd0 cmd1 data[len] fcs        fcs = XOR of len..data
 *
 * A command is one number here, cmd0 << 8 | cmd1: 0x2401 is AF_DATA_REQUEST.
 * The upper three bits of cmd0 are the type, the lower five the subsystem; the
 * answer to the request 0x2xxx is 0x6xxx. Plain values, no I/O, any thread. */
#ifndef FERRY_ZIGBEE_ZNP_FRAME_H
#define FERRY_ZIGBEE_ZNP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define ZNP_DATA_MAX 250u
#define ZNP_FRAME_MAX (ZNP_DATA_MAX + 5u)

/* Types, as they stand in the upper bits of a command. */
#define ZNP_TYPE_MASK 0xe000u
#define ZNP_SREQ 0x2000u /* is answered by an SRSP */
#define ZNP_AREQ 0x4000u /* is not answered; indications are of this type */
#define ZNP_SRSP 0x6000u

struct znp_frame {
	uint16_t command;
	struct bytes data;
};

/* Writes a frame into `at`, which holds ZNP_FRAME_MAX bytes. Returns its
 * length, 0 when `data` is longer than ZNP_DATA_MAX. */
size_t znp_frame_put(uint8_t *at, uint16_t command, struct bytes data);

/* Finds frames in a stream of bytes. There is no ARQ below and nothing is ever
 * sent again, so a damaged frame must cost no more than itself: whatever is not
 * a frame is left one byte at a time. Embedded; zeroed is empty. */
struct znp_parser {
	uint8_t at[ZNP_FRAME_MAX];
	size_t len;
	size_t taken;	/* bytes of the frame that was returned last */
	uint64_t bad;	/* frames with a wrong check or an impossible length */
	uint64_t noise; /* bytes that belonged to no frame */
};

/* Takes bytes off `in` until there is a frame: true with *ret, whose data is
 * valid until the next call; false when `in` is used up. */
bool znp_parser_take(
	struct znp_parser *p, struct bytes *in, struct znp_frame *ret);

/* True while the beginning of something waits for its rest. */
bool znp_parser_waits(const struct znp_parser *p);

/* Gives up what was thought to be the beginning of a frame, because its rest
 * did not come: its length may have been damaged, and it swallows what follows.
 * Call znp_parser_take() with no bytes afterwards. */
void znp_parser_skip(struct znp_parser *p);

/* ---- payloads ---- */

/* A payload that is read: once something is missing `bad` stays set and every
 * number is 0. */
struct znp_in {
	struct bytes rest;
	bool bad;
};

struct znp_in znp_in_of(struct bytes data);
uint8_t znp_get8(struct znp_in *in);
uint16_t znp_get16(struct znp_in *in);
uint32_t znp_get32(struct znp_in *in);
uint64_t znp_get64(struct znp_in *in);
struct bytes znp_get(struct znp_in *in, size_t len);

/* A payload that is built: once it is too long `bad` stays set. */
struct znp_out {
	uint8_t at[ZNP_DATA_MAX];
	size_t len;
	bool bad;
};

void znp_put8(struct znp_out *out, unsigned v);
void znp_put16(struct znp_out *out, unsigned v);
void znp_put32(struct znp_out *out, uint32_t v);
void znp_put64(struct znp_out *out, uint64_t v);
void znp_put(struct znp_out *out, struct bytes data);

#endif

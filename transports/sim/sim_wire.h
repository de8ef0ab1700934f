/* The messages between the driver `sim` and the simulator `ferry-sim`: a
 * pretended radio with many peers, over one Unix socket of type SOCK_SEQPACKET.
 * The simulator listens, the driver connects. One packet is one frame. Stateless
 * coding functions; any thread. Sizes are bounded by SIM_WIRE_MAX.
 *
 * Layout: all numbers little endian, signed ones two's complement. `str` is one
 * length byte and so many bytes (no NUL). `data` is the rest of the packet. A
 * status is 0 or a negative number: -errno of Linux (-113 EHOSTUNREACH, -16
 * EBUSY, -19 ENODEV ...) or -5501 not delivered, -5502 not now, -5503 security.
 * An answerer closes the socket on a frame that it cannot read.
 *
 *   from the driver                        bytes
 *   01 HELLO       u8 version = 1
 *   02 SCAN        u32 ms                  peers are announced again
 *   03 CONNECT     u32 link, u8 min_security, str peer
 *                                          link: chosen by the driver, not 0,
 *                                          not reused; empty peer: any peer
 *   04 DISCONNECT  u32 link
 *   05 SEND        u32 link, u32 id, u8 channel, u8 until, str to, str reply,
 *                  data                    id: chosen by the driver, not 0
 *   06 SET         u32 link, u32 id, str key, str value
 *
 *   from the simulator
 *   81 WELCOME     u8 version = 1, u16 window (sends outstanding on all links)
 *   82 PEER        u8 flags, u8 id_kind, i8 rssi_dbm, str key, str was,
 *                  str address, str name, u8 n, n * (str key, str value)
 *                                          flags: 1 group, 2 sleepy, 4 gone;
 *                                          id_kind: FERRY_ID_*
 *   83 CONNECTED   u32 link, i32 status, u16 payload, u16 window, u8 security,
 *                  u8 best_level           the last four only count if status 0
 *   84 DISCONNECTED u32 link               the answer to DISCONNECT
 *   85 CONFIRM     u32 id, i32 status, u8 level, u32 airtime_us,
 *                  u32 retry_after_ms      the end of SEND and SET
 *   86 MESSAGE     u32 link, u8 channel, u8 flags, u8 security, u32 airtime_us,
 *                  str peer, str reply, data   flags: 1 broadcast
 *   87 CHANGED     u32 link, u16 payload, u16 window
 *   88 DOWN        u32 link, i32 status    link 0: the coordinator is gone
 *
 * Order: HELLO, WELCOME, then a PEER for every peer that is there; later ones
 * whenever something changes. Every CONNECT gets one CONNECTED (late, if the
 * peer is not there yet; a DISCONNECT of a pending link is answered by CONNECTED
 * with -125 ECANCELED and then DISCONNECTED). Every SEND gets one CONFIRM, when
 * its slot is free again; before DISCONNECTED or DOWN of its link at the latest
 * (a missing one counts as -125). A message longer than the payload is confirmed
 * with -90 EMSGSIZE. Sends to a group are confirmed with level sent (2), never
 * delivered (3). A lost datagram (the simulator's switch) is confirmed with level
 * 2 and status 0 when `until` was 1 or 2, or -5501 when 3 was asked for. After
 * DISCONNECTED or DOWN no frame names the link. */
#ifndef FERRY_TRANSPORTS_SIM_WIRE_H
#define FERRY_TRANSPORTS_SIM_WIRE_H

#include "base/buf.h"
#include "base/bytes.h"

#define SIM_WIRE_VERSION 1u
#define SIM_WIRE_MAX 8192u	  /* bytes of a frame */
#define SIM_WIRE_PAYLOAD_MAX 4096u /* bytes of `data` */
#define SIM_WIRE_ATTRIBUTES_MAX 8u

enum sim_type {
	SIM_HELLO = 0x01,
	SIM_SCAN = 0x02,
	SIM_CONNECT = 0x03,
	SIM_DISCONNECT = 0x04,
	SIM_SEND = 0x05,
	SIM_SET = 0x06,
	SIM_WELCOME = 0x81,
	SIM_PEER = 0x82,
	SIM_CONNECTED = 0x83,
	SIM_DISCONNECTED = 0x84,
	SIM_CONFIRM = 0x85,
	SIM_MESSAGE = 0x86,
	SIM_CHANGED = 0x87,
	SIM_DOWN = 0x88,
};

/* One frame of any type; fields that its layout does not name are zero. Views
 * point into the packet (decoding) or at the caller's bytes (encoding). */
struct sim_frame {
	enum sim_type type;
	uint8_t version;
	uint8_t channel;
	uint8_t flags;
	uint8_t id_kind;
	uint8_t security; /* reached, of a message, or min_security */
	uint8_t level;	  /* reached, best_level, or until */
	int8_t rssi_dbm;
	uint16_t payload;
	uint16_t window;
	uint32_t link;
	uint32_t id;
	uint32_t ms;
	uint32_t airtime_us;
	uint32_t retry_after_ms;
	int32_t status;
	struct bytes peer; /* key of PEER, CONNECT, MESSAGE; `to` of SEND */
	struct bytes was;
	struct bytes address;
	struct bytes name;
	struct bytes reply;
	struct bytes data;
	struct bytes key; /* SET */
	struct bytes value;
	uint8_t attribute_count;
	struct {
		struct bytes key;
		struct bytes value;
	} attributes[SIM_WIRE_ATTRIBUTES_MAX];
};

/* Reads one packet. 0, or -EPROTO: unknown type, cut short, bytes left over, or
 * a value out of its bounds. `ret` is written only on success. */
int sim_wire_read(struct bytes packet, struct sim_frame *ret);

/* Replaces the content of `to` by the packet of `f`. 0, -EMSGSIZE (a string of
 * more than 255 bytes, or too long as a whole), -EINVAL (type), -ENOMEM. */
int sim_wire_write(const struct sim_frame *f, struct buf *to);

#endif

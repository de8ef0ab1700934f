/* The packets of zcl-socket, version 1: docs/zigbee.md has the layouts and the
 * rules. One record for all of them; which members hold is said by the type.
 * Reads untrusted bytes, keeps none, allocates nothing. Any thread. */
#ifndef FERRY_ZIGBEE_SOCKET_WIRE_H
#define FERRY_ZIGBEE_SOCKET_WIRE_H

#include <stdbool.h>

#include "base/bytes.h"

#define ZS_VERSION 1u
#define ZS_PACKET_MAX 256u
#define ZS_TEXT_MAX 80u
#define ZS_ASDU_MAX 128u

enum zs_type {
	ZS_HELLO = 0x01,
	ZS_LIST = 0x02,
	ZS_SEND = 0x03,
	ZS_PING = 0x04,
	ZS_PONG = 0x05,
	ZS_NETWORK = 0x81,
	ZS_NODE = 0x82,
	ZS_LISTED = 0x83,
	ZS_FRAME = 0x84,
	ZS_CONFIRM = 0x85,
};

#define ZS_NETWORK_UP 0x01u
#define ZS_NETWORK_AIRTIME 0x02u
#define ZS_NETWORK_ZDO 0x04u
#define ZS_NODE_JOINED 0x01u
#define ZS_NODE_GONE 0x02u
#define ZS_NODE_KIND_KNOWN 0x04u
#define ZS_NODE_SLEEPY 0x08u
#define ZS_FRAME_BROADCAST 0x01u
#define ZS_FRAME_LINK_KEY 0x02u
#define ZS_SEND_ACK 0x01u
#define ZS_SEND_FIND_ROUTE 0x02u

struct zs_packet {
	enum zs_type type;
	uint8_t flags;
	uint8_t version, last_version; /* HELLO: first and last; NETWORK */
	uint8_t channel, window, asdu_max; /* NETWORK */
	uint16_t pan;
	uint64_t ext_pan;
	uint64_t eui64;
	uint16_t nwk;
	uint16_t profile, cluster; /* SEND, FRAME */
	uint8_t src_ep, dst_ep, radius, lqi;
	int8_t rssi;
	uint32_t airtime_us;
	uint32_t id;    /* SEND, CONFIRM; PING, PONG: the value */
	uint8_t result; /* CONFIRM */
	int32_t status;
	uint16_t count; /* LISTED */
	struct bytes rest; /* NETWORK: text; SEND, FRAME: ASDU */
};

/* 0; -EINVAL: too short, too long, or a value that is not allowed; -ENOENT: a
 * type that is not known, which is no fault. */
int zs_read(struct bytes packet, struct zs_packet *ret);

/* Why it said -EINVAL, for who writes the other side; a constant text, "" when
 * it did not. */
const char *zs_broken_rule(struct bytes packet);

/* Writes at most ZS_PACKET_MAX bytes; the record keeps the rules. */
size_t zs_write(const struct zs_packet *p, uint8_t *at);

#endif

/* The few messages of the ZigBee Device Profile (profile 0, endpoint 0) that
 * finding devices needs, as they are on the air: transaction number first, little
 * endian. Reads untrusted bytes, keeps none, allocates nothing. ZigBee
 * specification, chapter 2.4. Any thread. */
#ifndef FERRY_ZIGBEE_ZDO_H
#define FERRY_ZIGBEE_ZDO_H

#include <stdbool.h>

#include "base/bytes.h"

#define ZDO_NWK_ADDR_REQ 0x0000u
#define ZDO_IEEE_ADDR_REQ 0x0001u
#define ZDO_NODE_DESC_REQ 0x0002u
#define ZDO_MATCH_DESC_REQ 0x0006u
#define ZDO_DEVICE_ANNCE 0x0013u
#define ZDO_NWK_ADDR_RSP 0x8000u
#define ZDO_IEEE_ADDR_RSP 0x8001u
#define ZDO_NODE_DESC_RSP 0x8002u
#define ZDO_MATCH_DESC_RSP 0x8006u
#define ZDO_MGMT_LEAVE_RSP 0x8034u

#define ZDO_SUCCESS 0x00u

#define ZDO_ENDPOINTS_MAX 16u /* of one Match_Desc_rsp; more are left out */
#define ZDO_REQUEST_MAX 16u   /* bytes of a request that we write */

enum zdo_type { ZDO_COORDINATOR, ZDO_ROUTER, ZDO_END_DEVICE, ZDO_NO_TYPE };

/* What was read; which members hold is said by the cluster. */
struct zdo_message {
	uint16_t cluster;
	uint8_t tsn;
	uint8_t status;	    /* responses */
	uint64_t eui64;	    /* announce; address responses with success */
	uint16_t nwk;	    /* announce; responses: whom it is about */
	bool has_nwk;	    /* a response with an error may leave it out */
	bool sleepy;	    /* announce, node descriptor: receiver off when
			     * idle */
	enum zdo_type type; /* node descriptor */
	uint8_t endpoints[ZDO_ENDPOINTS_MAX]; /* match */
	uint8_t endpoint_count;
};

/* Reads announcements and responses. 0; -EINVAL: truncated or out of range;
 * -ENOENT: a message that is none of these. Bytes behind the last field are
 * ignored: devices pad. */
int zdo_read(uint16_t cluster, struct bytes asdu, struct zdo_message *ret);

/* Requests: each writes at most ZDO_REQUEST_MAX bytes and returns how many.
 * "Single device response", start index 0. */
size_t zdo_write_nwk_addr(uint8_t *at, uint8_t tsn, uint64_t eui64);
size_t zdo_write_ieee_addr(uint8_t *at, uint8_t tsn, uint16_t nwk);
size_t zdo_write_node_desc(uint8_t *at, uint8_t tsn, uint16_t nwk);
/* Asks for the endpoints of `nwk` (or, broadcast, of all) that list `cluster`
 * among their input (`server`) or output clusters. */
size_t zdo_write_match_desc(uint8_t *at, uint8_t tsn, uint16_t nwk,
	uint16_t profile, uint16_t cluster, bool server);

#endif

/* What a coprocessor's own stack answers to ZDO requests, without its host: its
 * addresses, descriptors and endpoints. For the front ends of this folder that
 * keep their endpoints themselves. */
#ifndef FERRY_SIM_ZIGBEE_NCP_ZDO_H
#define FERRY_SIM_ZIGBEE_NCP_ZDO_H

#include "tools/sim/zigbee/ncp_wire.h"

#define ZDO_ENDPOINTS_MAX 8u
#define ZDO_CLUSTERS_MAX 32u
#define ZDO_ANSWER_MAX 152u

#define ZDO_DEVICE_ANNCE 0x0013u

struct zdo_endpoint {
	uint8_t endpoint;
	uint16_t profile, device;
	uint8_t version;
	uint16_t in[ZDO_CLUSTERS_MAX], out[ZDO_CLUSTERS_MAX];
	uint8_t in_count, out_count;
};

struct zdo_self {
	uint64_t eui64;
	uint16_t manufacturer;
	struct zdo_endpoint endpoints[ZDO_ENDPOINTS_MAX];
	size_t count;
};

/* The endpoint of that number; NULL when there is none. */
struct zdo_endpoint *zdo_find(struct zdo_self *self, uint8_t endpoint);

/* Reads the request of `cluster` and writes the answer, which goes out in cluster
 * 0x8000 | `cluster`, into ZDO_ANSWER_MAX bytes. Returns its length; 0: not a
 * request, or one that nobody answers. */
size_t zdo_answer(const struct zdo_self *self, uint16_t cluster,
	struct bytes request, uint8_t *at);

/* Device_annce as it comes from the air. Returns its length, at most 12. */
size_t zdo_announce(uint8_t *at, uint8_t number, uint64_t eui64, uint16_t nwk,
	bool sleepy);

#endif

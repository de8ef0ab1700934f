/* A simulated coordinator with TI's Z-Stack, as its serial interface MT shows it
 * (SWRA198; docs/zigbee.md). Shared by its own files and nobody else. */
#ifndef FERRY_SIM_ZIGBEE_NCP_ZNP_H
#define FERRY_SIM_ZIGBEE_NCP_ZNP_H

#include "base/buf.h"
#include "tools/sim/zigbee/mesh.h"

#define ZNP_DATA_MAX 250u
#define ZNP_OUTPUT_MAX (1u << 20)
#define ZNP_NV_MAX 128
#define ZNP_NV_VALUE_MAX 256u
#define ZNP_ENDPOINTS_MAX 32

enum znp_type { ZNP_POLL, ZNP_SREQ, ZNP_AREQ, ZNP_SRSP };

enum znp_subsystem {
	ZNP_RPC = 0x00,
	ZNP_SYS = 0x01,
	ZNP_MAC = 0x02,
	ZNP_AF = 0x04,
	ZNP_ZDO = 0x05,
	ZNP_SAPI = 0x06,
	ZNP_UTIL = 0x07,
	ZNP_APP_CNF = 0x0f,
};

enum znp_status {
	ZNP_OK = 0x00,
	ZNP_FAILURE = 0x01,
	ZNP_INVALID_PARAMETER = 0x02,
	ZNP_NV_CREATED = 0x09,
	ZNP_NV_FAILED = 0x0a,
	ZNP_MEM_ERROR = 0x10,
	ZNP_BUFFER_FULL = 0x11,
	ZNP_APS_NO_ACK = 0xb7,
	ZNP_APS_DUPLICATE = 0xb8,
	ZNP_NO_ROUTE = 0xcd,
	ZNP_MAC_NO_ACK = 0xe9,
	ZNP_EXPIRED = 0xf0,
};

/* Device states of ZDO_STATE_CHANGE_IND. */
#define ZNP_STATE_HOLD 0
#define ZNP_STATE_STARTING 8
#define ZNP_STATE_COORDINATOR 9

struct znp_nv_item {
	uint8_t system; /* 0: the old, flat memory */
	uint16_t id, sub;
	uint16_t len;
	uint8_t value[ZNP_NV_VALUE_MAX];
};

struct ncp {
	struct mesh *mesh;
	uint8_t product;  /* of SYS_VERSION: 0, 1, 2 */
	bool refuse_early; /* a full buffer shows in the SRSP, not the confirm */
	uint8_t in[5 + 255];
	size_t in_len;
	struct buf out;
	size_t out_at;
	uint64_t boot_at;  /* comes up then; NCP_NEVER: is up */
	uint64_t start_at; /* the network is up then */
	uint8_t reason;    /* of the reset */
	uint8_t state;
	uint8_t zdo_tsn;
	uint32_t bdb_channels;
	uint8_t endpoints[ZNP_ENDPOINTS_MAX];
	size_t endpoint_count;
	size_t nv_count;
	struct znp_nv_item nv[ZNP_NV_MAX];
	uint64_t bad_frames;
	uint64_t overruns; /* messages that found no room */
};

/* Every request, one after the other; `d` is its data. */
struct znp_request {
	uint8_t subsystem;
	uint8_t command;
	struct bytes d;
};

void znp_say(struct ncp *n, enum znp_type type, uint8_t subsystem,
	uint8_t command, const uint8_t *data, size_t len);
/* The answer to a request. */
void znp_answer(struct ncp *n, const struct znp_request *r, const uint8_t *data,
	size_t len);
void znp_answer_status(
	struct ncp *n, const struct znp_request *r, enum znp_status status);
/* There is no such command, or it is too short. */
void znp_reject(struct ncp *n, const struct znp_request *r, uint8_t error);
#define ZNP_REJECT_SUBSYSTEM 1
#define ZNP_REJECT_COMMAND 2
#define ZNP_REJECT_LENGTH 4

void znp_put_eui64(uint8_t *at, uint64_t v);
uint64_t znp_get_eui64(const uint8_t *at);

/* SYS_OSAL_NV_* and SYS_NV_*; false when it is none of them. */
bool znp_nv_request(struct ncp *n, const struct znp_request *r);
/* NV of a new coordinator; as the network has it; and the network as NV has it
 * after a reset. */
void znp_nv_init(struct ncp *n);
void znp_nv_from_network(struct ncp *n);
void znp_nv_boot(struct ncp *n);
/* Forms the network that the commissioning items describe. */
void znp_nv_form(struct ncp *n);

void znp_zdo_request(struct ncp *n, uint64_t now, const struct znp_request *r);
/* A ZDO answer from the air. */
void znp_zdo_heard(struct ncp *n, const struct ncp_frame *f);
void znp_start_network(struct ncp *n, uint64_t now);

#endif

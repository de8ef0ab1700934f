/* Inside the simulated Silicon Labs coprocessor: what its files share. */
#ifndef FERRY_SIM_ZIGBEE_NCP_EZSP_H
#define FERRY_SIM_ZIGBEE_NCP_EZSP_H

#include "tools/sim/zigbee/ncp.h"
#include "tools/sim/zigbee/ncp_ash.h"
#include "tools/sim/zigbee/ncp_zdo.h"

#define EZSP_OLDEST 8u
#define EZSP_NEWEST 19u
/* From here on a status has 32 bits and comes first. */
#define EZSP_WIDE 14u
/* From here on keys are exported by the security manager's commands. */
#define EZSP_KEY_MANAGER 13u
#define EZSP_HEADER_LEN 5u
#define EZSP_FLIGHTS_MAX 256u
#define EZSP_QUEUE_PRESET 512u
#define EZSP_QUEUE_MAX 4096u
#define EZSP_PAYLOAD_MAX 82u

/* Statuses under both numberings. */
#define EZSP_STATUS_MAP(X)                                                     \
	X(OK, 0x00, 0x0000)                                                    \
	X(BAD_ARGUMENT, 0x02, 0x0021)                                          \
	X(DELIVERY_FAILED, 0x66, 0x0c02)                                       \
	X(INVALID_CALL, 0x70, 0x0002)                                          \
	X(MAX_MESSAGE_LIMIT, 0x72, 0x0c03)                                     \
	X(MESSAGE_TOO_LONG, 0x74, 0x0038)                                      \
	X(NETWORK_UP, 0x90, 0x0015)                                            \
	X(NETWORK_DOWN, 0x91, 0x0016)                                          \
	X(NOT_JOINED, 0x93, 0x0017)                                            \
	X(NETWORK_OPENED, 0x9c, 0x0c18)                                        \
	X(NETWORK_CLOSED, 0x9d, 0x0c19)                                        \
	X(ERROR_INVALID_VALUE, 0x36, 0x0c1e)                                   \
	X(ERROR_INVALID_ID, 0x37, 0x0c1e)

enum ezsp_status {
#define EZSP_STATUS_ENUM(id, old, wide) EZSP_##id,
	EZSP_STATUS_MAP(EZSP_STATUS_ENUM)
#undef EZSP_STATUS_ENUM
};

struct ezsp_aps {
	uint16_t profile, cluster;
	uint8_t src_ep, dst_ep;
	uint16_t options, group;
	uint8_t sequence;
};

/* A message on its way to the air; its place is the low byte of its handle. */
struct ezsp_flight {
	bool used;
	bool broadcast;
	uint32_t handle;
	uint16_t nwk;
	uint16_t tag;
	struct ezsp_aps aps;
};

struct ezsp_frame {
	uint8_t at[ASH_DATA_MAX];
	size_t len;
};

struct ncp {
	struct mesh *mesh;
	struct ash ash;
	unsigned version;
	bool agreed;    /* the host has named our version */
	bool up;        /* the network runs */
	bool left;      /* the host left it; formed anew, or not at all */
	bool has_security;
	bool overflowed; /* callbacks were dropped; told with the next answer */
	uint8_t key[16]; /* for the network that will be formed */
	uint8_t link_key[16]; /* of the trust center */
	uint8_t sequence; /* of the last command */
	uint8_t zdo_sequence;
	uint8_t aps_sequence;
	uint16_t manufacturer;
	struct zdo_self self;

	struct ezsp_flight flights[EZSP_FLIGHTS_MAX];
	unsigned in_flight;
	uint32_t handles;

	struct ezsp_frame answer; /* goes before callbacks */
	struct ezsp_frame *queue; /* callbacks: a ring */
	size_t queue_size, queue_at, queue_len;
};

/* A command: its parameters are read from `in`, the answer is written to `out`.
 * False: there is no such command. */
bool ezsp_command(struct ncp *n, uint64_t now, uint16_t id, struct wire_in *in,
	struct wire_out *out);

void ezsp_put_status(
	const struct ncp *n, struct wire_out *out, enum ezsp_status status);
void ezsp_put_aps(struct wire_out *out, const struct ezsp_aps *aps);

/* A callback is written between these two; at the second it is queued. */
struct wire_out ezsp_callback(struct ncp *n, uint16_t id, uint8_t *at);
void ezsp_call_back(struct ncp *n, const struct wire_out *out);

void ezsp_stack_status(struct ncp *n, enum ezsp_status status);
/* As if `f` came from the air. */
void ezsp_incoming(struct ncp *n, const struct ncp_frame *f);
/* A message of the host; the tag comes back with its end. */
enum ezsp_status ezsp_send(struct ncp *n, uint64_t now, uint16_t nwk,
	uint16_t tag, struct ezsp_aps *aps, struct bytes data);

#endif

/* Inside the simulated ConBee: what its files share. */
#ifndef FERRY_SIM_ZIGBEE_NCP_DECONZ_H
#define FERRY_SIM_ZIGBEE_NCP_DECONZ_H

#include "tools/sim/zigbee/ncp.h"
#include "tools/sim/zigbee/ncp_zdo.h"

#define DECONZ_FRAME_MAX 256u
#define DECONZ_FLIGHTS_MAX 256u
#define DECONZ_QUEUE_PRESET 512u
#define DECONZ_QUEUE_MAX 4096u
#define DECONZ_SLOTS 2u /* for descriptors of endpoints */
#define DECONZ_DESCRIPTOR_MAX 80u

enum deconz_status {
	DECONZ_SUCCESS = 0,
	DECONZ_FAILURE = 1,
	DECONZ_BUSY = 2,
	DECONZ_UNSUPPORTED = 4,
	DECONZ_ERROR = 5,
	DECONZ_NO_NETWORK = 6,
	DECONZ_INVALID_VALUE = 7,
};

/* As it was asked for, to be told back with its confirm. */
struct deconz_request {
	uint8_t id;
	uint8_t mode;
	uint64_t address;
	uint8_t dst_ep, src_ep;
};

struct deconz_flight {
	bool used;
	uint32_t handle;
	struct deconz_request request;
};

struct deconz_confirm {
	struct deconz_request request;
	uint8_t status;
};

struct deconz_indication {
	struct ncp_frame f;
	uint8_t asdu[NCP_ASDU_MAX];
};

/* What its flash holds, and a host may write before it connects. */
struct deconz_parameters {
	uint64_t trust_center;
	uint64_t ext_pan; /* to use */
	uint16_t pan;
	uint32_t channels;
	uint8_t key[16];
	uint8_t update_id;
	uint32_t watchdog_s;
	uint8_t permit_join;
	struct {
		uint8_t at[DECONZ_DESCRIPTOR_MAX];
		size_t len;
	} endpoints[DECONZ_SLOTS];
};

struct ncp {
	struct mesh *mesh;
	uint32_t firmware;
	bool connected;
	bool has_stirred; /* the state changed, the host was not told */
	uint8_t sequence; /* of what it says unasked */
	uint8_t zdo_sequence;
	struct deconz_parameters parameters;
	struct zdo_self self;

	uint8_t in[DECONZ_FRAME_MAX];
	size_t in_len;
	bool in_escape;
	bool in_spoiled;

	struct deconz_flight flights[DECONZ_FLIGHTS_MAX];
	unsigned in_flight;
	uint32_t handles;
	/* Rings: what the host has not fetched. */
	struct deconz_confirm confirms[DECONZ_FLIGHTS_MAX];
	size_t confirm_at, confirm_len;
	struct deconz_indication *indications;
	size_t queue_size, indication_at, indication_len;

	uint8_t *out; /* bytes for the line */
	size_t out_at, out_len, out_size;
};

/* The factory's settings, those of the network that is there already. */
void deconz_parameters_init(struct ncp *n);
/* The endpoints of the written descriptors become those of the network. */
void deconz_register(struct ncp *n);
/* Reads the parameter's number and what else the host says; writes number and
 * value. */
enum deconz_status deconz_read(
	struct ncp *n, struct wire_in *in, struct wire_out *out);
enum deconz_status deconz_write(
	struct ncp *n, struct wire_in *in, struct wire_out *out);

#endif

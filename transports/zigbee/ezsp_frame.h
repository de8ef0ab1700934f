/* Frames of EZSP, the commands and callbacks of a Silicon Labs coprocessor: the
 * two headers, the two layouts of what follows (before and from version 14),
 * and what their two numberings of statuses mean (UG100). Pure; any thread.
 *
 * The first VERSION command and its answer have the legacy header, everything
 * else the extended one. All integers are little endian. */
#ifndef FERRY_ZIGBEE_EZSP_FRAME_H
#define FERRY_ZIGBEE_EZSP_FRAME_H

#include "transports/zigbee/stack.h"

#define EZSP_VERSION_MIN 8u
#define EZSP_VERSION_MAX 19u  /* the newest whose layout is known */
#define EZSP_VERSION_WIDE 14u /* from here on statuses have 32 bits */
#define EZSP_FRAME_MAX 220u
#define EZSP_HEADER_LEN 5u

enum ezsp_id {
	EZSP_VERSION = 0x0000,
	EZSP_ADD_ENDPOINT = 0x0002,
	EZSP_NOP = 0x0005,
	EZSP_SET_CONCENTRATOR = 0x0010,
	EZSP_NETWORK_INIT = 0x0017,
	EZSP_STACK_STATUS_HANDLER = 0x0019,
	EZSP_FORM_NETWORK = 0x001e,
	EZSP_CHILD_JOIN_HANDLER = 0x0023,
	EZSP_TRUST_CENTER_JOIN_HANDLER = 0x0024,
	EZSP_GET_EUI64 = 0x0026,
	EZSP_GET_NETWORK_PARAMETERS = 0x0028,
	EZSP_MAXIMUM_PAYLOAD_LENGTH = 0x0033,
	EZSP_SEND_UNICAST = 0x0034,
	EZSP_SEND_BROADCAST = 0x0036,
	EZSP_MESSAGE_SENT_HANDLER = 0x003f,
	EZSP_INCOMING_MESSAGE_HANDLER = 0x0045,
	EZSP_GET_RANDOM_NUMBER = 0x0049,
	EZSP_SET_CONFIGURATION_VALUE = 0x0053,
	EZSP_SET_POLICY = 0x0055,
	EZSP_INVALID_COMMAND = 0x0058,
	EZSP_SET_SOURCE_ROUTE_DISCOVERY_MODE = 0x005a,
	EZSP_LOOKUP_EUI64_BY_NODE_ID = 0x0061,
	EZSP_INCOMING_SENDER_EUI64_HANDLER = 0x0062,
	EZSP_SET_INITIAL_SECURITY_STATE = 0x0068,
	EZSP_GET_VALUE = 0x00aa,
	EZSP_SET_VALUE = 0x00ab,
	EZSP_CLEAR_KEY_TABLE = 0x00b1,
};

/* A number and 8, 16, 32 or 64 bits after the other; writing past the end or
 * reading past it sets `bad`, and reads give 0. */
struct ezsp_writer {
	uint8_t at[EZSP_FRAME_MAX];
	size_t len;
	bool bad;
};

void ezsp_put(struct ezsp_writer *w, unsigned bytes, uint64_t value);
void ezsp_put_bytes(struct ezsp_writer *w, struct bytes b);

struct ezsp_reader {
	struct bytes left;
	bool bad;
};

uint64_t ezsp_get(struct ezsp_reader *r, unsigned bytes);
struct bytes ezsp_get_bytes(struct ezsp_reader *r, size_t len);
/* A length byte and so many bytes. */
struct bytes ezsp_get_counted(struct ezsp_reader *r);

/* A status: 8 bits, or 32 from version 14 on. */
uint32_t ezsp_get_status(struct ezsp_reader *r, unsigned version);

/* Starts a command in an empty writer. */
void ezsp_begin(struct ezsp_writer *w, uint8_t seq, bool legacy,
	enum ezsp_id id);

/* A frame of the coprocessor. */
struct ezsp_head {
	uint8_t seq;
	bool callback;  /* comes by itself; otherwise answers a command */
	bool overflow;  /* callbacks were lost for want of memory there */
	bool truncated;
	uint16_t id;
	struct bytes params;
};

/* `legacy`: the header may be the legacy one. False: not a frame, or one from a
 * host to a coprocessor. */
bool ezsp_head_read(struct bytes frame, bool legacy, struct ezsp_head *ret);

/* Statuses that decide something during start-up. */
enum ezsp_network {
	EZSP_NETWORK_OTHER,
	EZSP_NETWORK_UP,
	EZSP_NETWORK_DOWN,
	EZSP_NETWORK_NOT_JOINED,
	EZSP_NETWORK_MOVED, /* other PAN id, channel or own address */
};

enum ezsp_network ezsp_network_of(unsigned version, uint32_t status);

/* What became of a frame. */
enum zb_sent ezsp_sent_of(unsigned version, uint32_t status);

/* Parameters of sendUnicast, or sendBroadcast for addresses from 0xfff8. */
void ezsp_put_send(struct ezsp_writer *w, unsigned version,
	const struct zb_request *r, uint16_t tag);

struct ezsp_sent {
	uint16_t tag;
	uint32_t status;
};

/* messageSentHandler. False: too short. */
bool ezsp_sent_read(struct bytes params, unsigned version,
	struct ezsp_sent *ret);

/* incomingMessageHandler. False: damaged, or an echo of our own broadcast. */
bool ezsp_incoming_read(struct bytes params, unsigned version,
	struct zb_indication *ret);

#endif

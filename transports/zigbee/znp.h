/* The stack `znp`: a coordinator with TI's Z-Stack behind Monitor and Test
 * commands (SWRA198). This header is private to znp*.c; the driver knows
 * zb_znp_stack only.
 *
 *   znp.c        the line: one request outstanding, its answer, silence, the
 * ops znp_start.c  from an open line to a network that carries frames znp_air.c
 * frames to and from the air, the window, confirms znp_zdo.c    ZDO frames to
 * Z-Stack's commands of its own, and back
 *
 * Requests (SREQ) carry no number: an answer is known by its command, so only
 * one may be out. What is to follow waits in `queue`. One thread; times are
 * monotonic milliseconds. */
#ifndef FERRY_ZIGBEE_ZNP_H
#define FERRY_ZIGBEE_ZNP_H

#include "transports/zigbee/numbers.h"
#include "transports/zigbee/stack.h"
#include "transports/zigbee/znp_frame.h"

#define ZNP_SLOTS 32u	 /* the largest window */
#define ZNP_ASDU_MAX 82u /* 127 less all headers and checks, no fragments */

/* How long things may take, in ms. */
#define ZNP_ANSWER_MS 6000    /* of a request; then the line is dead */
#define ZNP_OVERDUE_MS 1000   /* of a frame to the air; then a ping asks */
#define ZNP_CONFIRM_MS 15000  /* APS tries of a sleeper, with its parent's */
#define ZNP_BROADCAST_MS 1000 /* Z-Stack confirms no broadcast */
#define ZNP_SILENCE_MS 15000  /* without a frame; then a ping asks */
#define ZNP_REST_MS 300	      /* for the rest of a frame */
#define ZNP_STEP_MS 6000      /* of the start */
#define ZNP_RESUME_MS 40000   /* answer to STARTUP and to forming */

/* Commands, cmd0 << 8 | cmd1. */
enum znp_command {
	ZNP_RPC_ERROR = 0x6000,
	ZNP_SYS_PING = 0x2101,
	ZNP_SYS_VERSION = 0x2102,
	ZNP_SYS_NV_INIT = 0x2107,
	ZNP_SYS_NV_READ = 0x2108,
	ZNP_SYS_NV_WRITE = 0x2109,
	ZNP_SYS_RESET_REQ = 0x4100,
	ZNP_SYS_RESET_IND = 0x4180,
	ZNP_AF_REGISTER = 0x2400,
	ZNP_AF_DATA = 0x2401,
	ZNP_AF_DATA_EXT = 0x2402,
	ZNP_AF_DELETE = 0x2404,
	ZNP_AF_CONFIRM = 0x4480,
	ZNP_AF_INCOMING = 0x4481,
	ZNP_AF_INCOMING_EXT = 0x4482,
	ZNP_ZDO_NWK_ADDR = 0x2500,
	ZNP_ZDO_IEEE_ADDR = 0x2501,
	ZNP_ZDO_ACTIVE_EP = 0x2505,
	ZNP_ZDO_BIND = 0x2521,
	ZNP_ZDO_UNBIND = 0x2522,
	ZNP_ZDO_PERMIT_JOIN = 0x2536,
	ZNP_ZDO_REGISTER = 0x253e,
	ZNP_ZDO_STARTUP = 0x2540,
	ZNP_ZDO_ROUTE = 0x2545,
	ZNP_ZDO_NETWORK = 0x2550,
	ZNP_ZDO_NWK_ADDR_RSP = 0x4580,
	ZNP_ZDO_IEEE_ADDR_RSP = 0x4581,
	ZNP_ZDO_ACTIVE_EP_RSP = 0x4585,
	ZNP_ZDO_STATE = 0x45c0,
	ZNP_ZDO_ANNCE = 0x45c1,
	ZNP_ZDO_LEAVE = 0x45c9,
	ZNP_ZDO_TC_DEVICE = 0x45ca,
	ZNP_ZDO_MESSAGE = 0x45ff,
	ZNP_SAPI_WRITE = 0x2605,
	ZNP_UTIL_INFO = 0x2700,
	ZNP_UTIL_LOOKUP = 0x2741,
	ZNP_APP_FORM = 0x2f05,
	ZNP_APP_CHANNEL = 0x2f08,
};

/* Statuses of Z-Stack that decide something here. */
enum znp_status {
	ZNP_SUCCESS = 0x00,
	ZNP_NV_NONE = 0x02, /* of an item that is not there */
	ZNP_NV_CREATED = 0x09,
	ZNP_MEM_ERROR = 0x10,
	ZNP_BUFFER_FULL = 0x11,
	ZNP_MAC_NO_RESOURCES = 0x1a,
	ZNP_APS_NO_ACK = 0xb7,
	ZNP_APS_DUPLICATE = 0xb8,
	ZNP_NWK_NO_ACK = 0xcc,
	ZNP_NWK_NO_ROUTE = 0xcd,
	ZNP_MAC_CHANNEL = 0xe1,
	ZNP_MAC_TOO_LONG = 0xe5,
	ZNP_MAC_NO_ACK = 0xe9,
	ZNP_MAC_EXPIRED = 0xf0,
	ZNP_MAC_OVERFLOW = 0xf1,
};

/* Items of Z-Stack's non-volatile memory. */
enum znp_item {
	ZNP_NV_STARTUP_OPTION = 0x0003,
	ZNP_NV_NIB = 0x0021,
	ZNP_NV_EXTENDED_PAN_ID = 0x002d,
	ZNP_NV_APS_USE_EXT_PANID = 0x0047,
	ZNP_NV_CONFIGURED_3 = 0x0060,
	ZNP_NV_PRECFGKEY = 0x0062,
	ZNP_NV_PRECFGKEYS_ENABLE = 0x0063,
	ZNP_NV_PANID = 0x0083,
	ZNP_NV_CHANLIST = 0x0084,
	ZNP_NV_LOGICAL_TYPE = 0x0087,
	ZNP_NV_ZDO_DIRECT_CB = 0x008f,
	ZNP_NV_TCLK_TABLE_12 = 0x0101,
	ZNP_NV_CONFIGURED_12 = 0x0f00,
};

#define ZNP_STATE_COORDINATOR 9u /* DEV_ZB_COORD: the network is up */

/* X(NAME, text, legal successors). OFF and PROBE may follow any state: the line
 * closes, the coordinator restarts.
 *
 *   PROBE > VERSION > INFO > NIB > STARTUP > WAIT > CALLBACKS > (SUBSCRIBE >)
 *   NETWORK > ENDPOINTS > REGISTER > UP;  INFO > CALLBACKS when it is up
 * already; NIB > CLEAR > RESET > FORM > WAIT > SETTLE > MARK > CALLBACKS makes
 * one; RETRY after whatever did not go well. */
#define ZNP_B(s) (1u << ZNP_##s)
#define ZNP_STATES(X)                                                          \
	X(OFF, "off", 0u)                                                      \
	X(PROBE, "looking for it", ZNP_B(VERSION) | ZNP_B(RETRY))              \
	X(VERSION, "asking its version", ZNP_B(INFO) | ZNP_B(RETRY))           \
	X(INFO, "asking its state",                                            \
		ZNP_B(CALLBACKS) | ZNP_B(NIB) | ZNP_B(RETRY))                  \
	X(NIB, "reading its network",                                          \
		ZNP_B(STARTUP) | ZNP_B(CLEAR) | ZNP_B(RETRY))                  \
	X(STARTUP, "resuming its network", ZNP_B(WAIT) | ZNP_B(RETRY))         \
	X(WAIT, "waiting for its network",                                     \
		ZNP_B(CALLBACKS) | ZNP_B(SETTLE) | ZNP_B(RETRY))               \
	X(CALLBACKS, "reading its settings",                                   \
		ZNP_B(SUBSCRIBE) | ZNP_B(NETWORK) | ZNP_B(RETRY))              \
	X(SUBSCRIBE, "subscribing to ZDO", ZNP_B(NETWORK) | ZNP_B(RETRY))      \
	X(NETWORK, "asking for its network", ZNP_B(ENDPOINTS) | ZNP_B(RETRY))  \
	X(ENDPOINTS, "asking for its endpoints",                               \
		ZNP_B(REGISTER) | ZNP_B(RETRY))                                \
	X(REGISTER, "registering endpoints", ZNP_B(UP) | ZNP_B(RETRY))         \
	X(CLEAR, "clearing its settings", ZNP_B(RESET) | ZNP_B(RETRY))         \
	X(RESET, "restarting it", ZNP_B(FORM) | ZNP_B(RETRY))                  \
	X(FORM, "forming a network", ZNP_B(WAIT) | ZNP_B(RETRY))               \
	X(SETTLE, "letting its network settle", ZNP_B(MARK) | ZNP_B(RETRY))    \
	X(MARK, "marking it as configured", ZNP_B(CALLBACKS) | ZNP_B(RETRY))   \
	X(RETRY, "starting again", 0u)                                         \
	X(UP, "up", ZNP_B(RETRY))

#define ZNP_STATE_ENUM(name, text, next) ZNP_##name,
enum znp_state { ZNP_STATES(ZNP_STATE_ENUM) ZNP_STATE_COUNT };

enum znp_slot_state {
	ZNP_FREE,
	ZNP_QUEUED, /* waits for its turn on the line */
	ZNP_ASKED,  /* its request is the one that is out */
	ZNP_AIR,    /* taken by Z-Stack; a confirm or the time ends it */
	ZNP_DOOMED, /* cannot be put in a command: fails at the next chance */
};

/* What is asked before a frame goes. */
enum znp_first {
	ZNP_NOTHING,
	ZNP_FIND_ROUTE,
	ZNP_LOOK_UP, /* what does the coordinator itself know of the address? */
};

/* A frame to the air. */
struct znp_slot {
	enum znp_slot_state state;
	uint32_t id; /* zb_request.id */
	uint16_t command;
	uint16_t nwk;
	bool confirms; /* an AF_DATA_CONFIRM follows */
	bool broadcast;
	enum znp_first first; /* what goes before it */
	bool again;	      /* the request went twice */
	uint8_t trans;	      /* with `confirms` */
	uint8_t trans_at;     /* where it stands in `data` */
	uint8_t len;
	int64_t until; /* ZNP_AIR */
	uint8_t data[32 + ZB_ASDU_MAX];
};

/* Whose request is out. */
enum znp_asker {
	ZNP_NOBODY,
	ZNP_STARTING, /* a step of znp_start.c, which watches the time */
	ZNP_SLOT,     /* a slot's frame */
	ZNP_FIRST,    /* what goes before a slot's frame */
	ZNP_PING,     /* nobody waits for it, but for the life in it */
};

/* An endpoint of the coordinator that is ours. */
struct znp_endpoint {
	uint8_t endpoint;
	uint16_t profile;
	uint16_t in[3], out[1];
	uint8_t in_count, out_count;
};

/* A ZDO request whose transaction number Z-Stack does not keep. */
struct znp_zdo_asked {
	uint16_t cluster;
	uint64_t whom; /* short address, or EUI-64 with NWK_addr_req */
	uint8_t tsn;
	bool there;
};

#define ZNP_ZDO_ASKED 16u

struct znp_counts {
	uint64_t frames_in, frames_out, overdue, again, refused, resets, late,
		malformed, unknown;
};

struct znp {
	struct zb_config config;
	const struct zb_host *host;
	void *arg;

	struct znp_parser parser;
	int64_t now, heard_at, rest_until; /* rest_until: INT64_MAX when off */

	enum znp_asker asker;
	uint16_t asked; /* the command that is out */
	unsigned asked_slot;
	int64_t asked_at, asked_until;
	bool barrier; /* a ping went after it */

	enum znp_state state;
	int64_t until;	 /* of the state */
	int64_t poll_at; /* WAIT, SETTLE: the next question */
	unsigned step;	 /* within the state */
	unsigned tries;	 /* of the whole start */
	bool was_up;	 /* up() was called and lost() not yet */
	bool forming;
	bool no_lookup;	    /* it does not know the command */
	bool seen_up;	    /* the network came up before it was waited for */
	uint8_t listed[32]; /* bit set of endpoints that are registered */
	uint8_t product;
	uint32_t revision;
	struct zb_network network;

	struct znp_slot slots[ZNP_SLOTS];
	unsigned used; /* slots that are not free */
	uint8_t queue[ZNP_SLOTS];
	unsigned queue_at, queue_len;
	struct zb_numbers trans;
	struct znp_zdo_asked zdo[ZNP_ZDO_ASKED];
	unsigned zdo_next;
	struct znp_zdo_asked broadcast; /* the last one, but for addresses */
	struct znp_counts counts;
};

/* ---- znp.c ---- */

/* Sends a request and notes whose it is. `slot` counts with ZNP_SLOT and
 * ZNP_FIRST. Nothing may be out. */
void znp_ask(struct znp *z, enum znp_asker asker, unsigned slot,
	uint16_t command, struct bytes data);
/* Sends a frame that nothing answers. */
void znp_tell(struct znp *z, uint16_t command, struct bytes data);
void znp_write(struct znp *z, struct bytes raw);
void znp_log(struct znp *z, uint32_t level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What is out is given up; its answer, if it comes, belongs to nobody. */
void znp_forget(struct znp *z);

/* ---- znp_start.c ---- */

const char *znp_state_text(enum znp_state state);
bool znp_state_follows(enum znp_state from, enum znp_state to);
/* From the beginning; what is in flight is confirmed as lost. `text` says why
 * when the network was up. */
void znp_start_again(struct znp *z, const char *text);
void znp_start_off(struct znp *z);
/* The answer to a request of ZNP_STARTING; `ok` false: refused (RPC error). */
void znp_start_answer(struct znp *z, bool ok, struct bytes data);
/* A frame that came by itself. */
void znp_start_areq(struct znp *z, uint16_t command, struct bytes data);
void znp_start_time(struct znp *z);
int64_t znp_start_deadline(const struct znp *z);
/* The endpoint of ours with this number; the first one when there is none. */
const struct znp_endpoint *znp_endpoint_find(uint8_t endpoint);

/* Sends a request of the state that is on. */
void znp_start_ask(struct znp *z, uint16_t command, const struct znp_out *out);
/* Asks Z-Stack to come up with the network that its memory has. */
void znp_start_resume(struct znp *z);

/* ---- znp_form.c ---- */

/* Has the memory cleared at the restart that follows. */
void znp_form_clear(struct znp *z);
/* Sends the request number `step` of what makes a network and counts it on.
 * False: there are no more. */
bool znp_form_next(struct znp *z);
/* True if forming may go on after this answer. */
bool znp_form_accepts(uint16_t asked, unsigned status);
/* The same for the mark that other hosts look for. */
bool znp_form_mark(struct znp *z);

/* ---- znp_air.c ---- */

int znp_air_send(struct znp *z, const struct zb_request *r);
unsigned znp_air_room(const struct znp *z);
/* The next request on the line, if nothing is out. */
void znp_air_pump(struct znp *z);
void znp_air_answer(struct znp *z, enum znp_asker asker, unsigned slot, bool ok,
	struct bytes data);
/* The answer never came, though the line works: the frame goes again, once. */
void znp_air_unanswered(struct znp *z, enum znp_asker asker, unsigned slot);
void znp_air_areq(struct znp *z, uint16_t command, struct bytes data);
void znp_air_time(struct znp *z);
int64_t znp_air_deadline(const struct znp *z);
void znp_air_lose_all(struct znp *z);
enum zb_sent znp_air_result(unsigned status);
/* A slot for a frame, not yet queued; NULL when there is none. */
struct znp_slot *znp_air_take(struct znp *z, const struct zb_request *r);

/* ---- znp_zdo.c ---- */

/* Puts a ZDO frame into a command of Z-Stack. False: it has none for it. */
bool znp_zdo_fill(
	struct znp *z, struct znp_slot *slot, const struct zb_request *r);
/* The coordinator's own word on the address that the slot asks for. */
void znp_zdo_known(
	struct znp *z, const struct znp_slot *slot, struct bytes data);
/* True when the command was an indication or answer of ZDO. */
bool znp_zdo_areq(struct znp *z, uint16_t command, struct bytes data);

#endif

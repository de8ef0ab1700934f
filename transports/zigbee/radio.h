/* One instance of the driver "zigbee", for its own files.
 *
 *   state  NEW -> OPENING -> STARTING -> UP <-> LOST      OVER from any of them
 *
 * Entry points (driver.c) and what the stack tells (upcalls.c) change what they
 * must; then each entry point ends with zb_settle(), which asks, sends,
 * announces, writes and arms the timer. What the stack tells never calls the
 * stack. Times are monotonic milliseconds. */
#ifndef FERRY_ZIGBEE_RADIO_H
#define FERRY_ZIGBEE_RADIO_H

#include "base/buf.h"
#include "transports/serial/ports.h"
#include "transports/serial/settings.h"
#include "transports/zigbee/nodes.h"
#include "transports/zigbee/zdo.h"

#define ZB_SENDS_MAX 64u /* the window of link 0 */
#define ZB_ASKS_MAX 320u /* a fifth is left for questions about known ones */
#define ZB_SLOT_BITS 9 /* of a frame's number: which send or question */
#define ZB_ASKS_OUT_MAX 8u  /* without an answer at a time */
#define ZB_STRANGERS_MAX ZB_HELD_MAX /* of the questions: who that is */
#define ZB_STRANGERS_OUT_MAX 6u
#define ZB_SILENT_MAX 256u /* addresses that did not answer; a power of two */
#define ZB_SILENT_MIN_MS 2000 /* the second time: not asked for so long, then */
#define ZB_SILENT_MAX_MS 32000 /* twice as long each time */
#define ZB_HEARD_WORDS (0x10000u / 32)
#define ZB_HEARD_MS 15000 /* of the addresses that were heard, half the span */
#define ZB_HELD_MAX 256u /* a network that is asked at once */
#define ZB_HELD_EACH 4u	    /* of one sender */
#define ZB_HELD_MS 3000
#define ZB_HELD_KNOWN_MS 1000 /* of a device that only has to be confirmed */
#define ZB_SURE_MS 600000 /* then whose a short address is is asked again */
#define ZB_SURE_TO_SEND_MS 60000 /* the same, before a frame that answers none */
#define ZB_UNANSWERED_MS 60000 /* the same, when it was asked in vain */
#define ZB_OUT_MAX (1u << 18) /* bytes that the line has not taken */
#define ZB_START_MS 25000
#define ZB_FORM_MS 120000    /* the same, where a network may be made */
#define ZB_LOST_MS 60000     /* until a lost network ends the instance */
#define ZB_CONFIRM_MS 45000  /* a stack that does not confirm has a fault */
#define ZB_BUSY_MIN_MS 50
#define ZB_BUSY_MAX_MS 2000
#define ZB_BUSY_TRIES 8u
#define ZB_LOOK_AGAIN_MS 30000
#define ZB_OTHER_US_MAX 1000000u
#define ZB_TOLD_AT_ONCE 64u
#define ZB_SURVEY_MS 2000 /* after the link is there; then less often */
#define ZB_CAPS \
	(FERRY_CAP_DATAGRAM | FERRY_CAP_CHANNELS | \
		FERRY_CAP_ANY_PEER | FERRY_CAP_GROUP | FERRY_CAP_REPLY | \
		FERRY_CAP_SENT | FERRY_CAP_DELIVERED | FERRY_CAP_AIRTIME | \
		FERRY_CAP_HOTPLUG)

#define ZB_NWK_BROADCAST_FIRST 0xfff8u /* no device has these */
#define ZB_REPLY_LEN 12u
#define ZB_GROUP_KEY "all-awake"
#define ZB_NEVER INT64_MAX

enum radio_state {
	RADIO_NEW,
	RADIO_OPENING,
	RADIO_STARTING,
	RADIO_UP,
	RADIO_LOST, /* the stack tries to get its network back */
	RADIO_OVER,
};

enum line_kind { LINE_TTY, LINE_TCP, LINE_PACKETS };

struct zb_line {
	enum line_kind kind;
	char target[256]; /* the setting `port` */
	char path[256];	  /* what the host was asked for */
	struct serial_settings settings;
	int fd;
	int watch;
	bool writable_wanted;
	int broken; /* -errno of a write, 0 */
	struct buf out; /* packets: each behind its length, 2 bytes */
};

struct zb_channel {
	uint16_t profile, cluster;
	uint8_t endpoint;
	bool server; /* we are: devices list it as output cluster */
};

enum send_state { SEND_FREE, SEND_WAITING, SEND_UNDER_WAY };

struct zb_send {
	enum send_state state;
	uint64_t token;
	uint64_t order; /* of their adding */
	uint32_t id;
	struct zb_node *node; /* NULL: broadcast */
	uint8_t channel;
	bool answer; /* the endpoints are those of a question */
	uint8_t src_ep, dst_ep;
	uint16_t profile;
	bool ack;
	bool find_route; /* its second try */
	bool given_up;	 /* cancelled while it was under way: no more tries */
	uint8_t busy;	 /* times */
	int64_t due_ms;	 /* waiting: not before; under way: confirm by */
	uint32_t airtime_us;
	struct zb_send *older, *newer; /* waiting: in order */
	uint8_t len;
	uint8_t data[ZB_ASDU_MAX];
};

enum ask_kind {
	ASK_NONE,
	ASK_IEEE,   /* who has this short address */
	ASK_NWK,    /* which short address has this device */
	ASK_DESC,   /* does it sleep */
	ASK_MATCH,  /* on which endpoint is the cluster of a channel */
	ASK_SURVEY, /* who is there: Match_Desc to all that are awake */
};

struct zb_ask {
	enum ask_kind kind;
	uint16_t nwk;	/* IEEE */
	uint64_t eui64; /* NWK, DESC, MATCH */
	uint8_t channel;
	uint8_t tries;
	bool stranger;	/* IEEE: nothing is known of this address */
	bool again;	/* and it was heard before */
	bool out;	/* asked, no answer yet */
	uint8_t tsn[2]; /* of the last tries; an answer has one of them */
	uint16_t to;	/* who was asked */
	uint32_t id;	/* of its request in the stack; 0: confirmed */
	uint64_t order; /* of their adding */
	int64_t until_ms; /* a stranger that was not asked is forgotten */
	int64_t due_ms; /* out: answer by; else: ask not before */
};

struct zb_held {
	bool used;
	bool stranger; /* nothing was known of its sender */
	uint64_t order;
	int64_t until_ms;
	struct zb_indication i;
	uint8_t data[ZB_ASDU_MAX];
};

struct zb_radio {
	const struct ferry_host *host;
	struct ferry_owner *owner;
	enum radio_state state;
	const struct zb_stack_ops *ops;
	struct zb_stack *stack;
	struct zb_line line;
	struct zb_network net;
	int timer;
	int64_t armed_ms;
	uint64_t now_us;  /* of this entry */
	int64_t now_ms;	  /* the same */
	int64_t since_ms; /* of STARTING or LOST */
	int64_t start_ms; /* ZB_START_MS or ZB_FORM_MS */
	int failed;	  /* the stack has given up */
	char failed_text[160];
	bool up_again; /* a record is to be sent */

	uint64_t start_token;
	uint64_t link; /* of the any-peer link, 0: none */
	uint32_t link_payload; /* as told */
	uint64_t leave_token; /* its disconnect under way */
	struct zb_channel channels[FERRY_CHANNELS_MAX];
	unsigned channel_count;

	struct zb_nodes nodes;
	struct zb_node *told_first, *told_last;
	uint32_t joins; /* announcements of all */
	bool group_told;

	struct zb_send sends[ZB_SENDS_MAX];
	struct zb_send *waiting_first, *waiting_last;
	unsigned send_count; /* of both states */
	int64_t sends_due_ms; /* of the first of them, or before it */
	unsigned in_flight;
	unsigned window; /* as many as the coordinator seems to bear */
	unsigned streak; /* good confirms since `window` changed */
	unsigned mark;
	uint64_t send_order;
	uint32_t serial;

	struct zb_ask asks[ZB_ASKS_MAX];
	unsigned ask_count, ask_out;
	int64_t asks_due_ms; /* of the first of them, or before it */
	unsigned strangers, strangers_out; /* of them */
	uint64_t ask_order;
	struct {
		uint16_t nwk;
		uint8_t times;
		uint8_t tsn; /* of the question; its answer may be late */
		int64_t until_ms;
	} silent[ZB_SILENT_MAX];
	/* Addresses of strangers that were heard, of this span and the last:
	 * a bit each. */
	uint32_t heard[2][ZB_HEARD_WORDS];
	int64_t heard_ms; /* when the span began */
	uint8_t tsn;
	uint8_t survey_tsn;
	unsigned surveys;
	int64_t survey_ms;

	struct zb_held held[ZB_HELD_MAX];
	unsigned held_count;
	uint64_t held_order;

	uint32_t other_us; /* airtime that no frame of the link has carried */
	uint64_t frames_in, frames_out, frames_dropped, retries, busy,
		in_flight_peak, airtime_in_us, airtime_out_us;
};

/* driver.c */
void zb_complete(struct zb_radio *r, uint64_t *token, int status,
	const char *key, const char *text);
void zb_log(struct zb_radio *r, uint32_t level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends the instance; the host settles the rest. `why` may be NULL. */
void zb_over(struct zb_radio *r, int status, const char *why);
void zb_settle(struct zb_radio *r);
/* Its frames may be longer or shorter than was told. */
void zb_tell_link(struct zb_radio *r);

/* settings.c: the settings of start() and of connect(). */
struct zb_start {
	const struct zb_stack_ops *ops;
	struct zb_config config;
};

/* Kind, target and settings of the line go to `line`. 0, or -EINVAL with the
 * setting at fault. */
int zb_take_settings(struct zb_line *line, const struct ferry_kv *kv,
	uint32_t count, struct zb_start *ret, const char **ret_key);
/* A network that is made needs a key: where none is set, a random one. */
int zb_make_key(struct zb_config *c);
/* The same for settings of one scope that are not used yet, as the table of the
 * driver wants it. */
int zb_check_settings(uint32_t scope, const struct ferry_kv *kv, uint32_t count,
	const char **ret_key, char *text);
/* What a setting must be; `s` is what was taken before. */
const char *zb_setting_rule(const struct zb_start *s, const char *key);
int zb_take_channels(const struct ferry_connect *c, struct zb_channel *ret,
	const char **ret_key);

/* line.c */
int zb_line_open(struct zb_radio *r);
/* What is wrong with the line, by its name: serial_blame() of blame.h. */
void zb_line_blame(const struct zb_radio *r, int error, const char *why,
	char *text, size_t size);
/* Takes what the host opened; 0 or -errno with a text. */
int zb_line_opened(struct zb_radio *r, int fd, const char **ret_text);
void zb_line_close(struct zb_radio *r);
void zb_line_write(struct zb_radio *r, struct bytes data);
void zb_line_flush(struct zb_radio *r);
void zb_line_set(struct zb_radio *r, const char *text);
void zb_line_ready(struct zb_radio *r, uint32_t events);

/* upcalls.c */
extern const struct zb_host zb_upcalls;
void zb_tell(struct zb_radio *r, struct zb_node *node);
/* Announces what has changed, some at a time. */
void zb_tell_all(struct zb_radio *r);
void zb_tell_up(struct zb_radio *r);
/* The link is there: what is in store for it may come. */
void zb_tell_group(struct zb_radio *r);
/* A node makes room in the table; `arg` is the radio. */
void zb_forgotten(void *arg, const struct zb_node *node);
/* A sender is known now, or will not be. */
void zb_release_held(struct zb_radio *r, uint16_t nwk, bool known);
void zb_expire_held(struct zb_radio *r);
void zb_other_airtime(struct zb_radio *r, uint32_t us);
int64_t zb_held_deadline(const struct zb_radio *r);

/* sends.c */
int zb_send_add(struct zb_radio *r, uint64_t token, const struct ferry_send *s);
void zb_send_cancel(struct zb_radio *r, uint64_t token);
/* What only waits ends now, with ECANCELED. */
void zb_sends_cancel_waiting(struct zb_radio *r);
/* All of them, whatever they are at. */
void zb_sends_end(struct zb_radio *r, int status);
/* What is under way is lost. */
void zb_sends_lost(struct zb_radio *r);
void zb_sends_confirm(struct zb_radio *r, const struct zb_confirm *c);
void zb_sends_pump(struct zb_radio *r);
void zb_sends_expire(struct zb_radio *r);
int64_t zb_sends_deadline(struct zb_radio *r);
/* A device cannot be found: what waits for its address ends. */
void zb_sends_unreachable(struct zb_radio *r, struct zb_node *node);
uint32_t zb_next_id(struct zb_radio *r, unsigned slot);

/* asks.c */
/* Each is remembered once. A flood of strangers does not get in the way: they
 * have places of their own, those that were heard before come first, and one
 * that does not answer is not asked again for a while. */
/* IEEE_addr_req, NWK_addr_req, Node_Desc_req and Match_Desc_req. */
void zb_ask_ieee(struct zb_radio *r, uint16_t nwk);
void zb_ask_nwk(struct zb_radio *r, struct zb_node *node);
void zb_ask_desc(struct zb_radio *r, struct zb_node *node);
void zb_ask_match(struct zb_radio *r, struct zb_node *node, unsigned channel);
bool zb_is_asking_nwk(const struct zb_radio *r, uint64_t eui64);
/* Sends what may go, and gives up what got no answer. */
void zb_asks_run(struct zb_radio *r);
/* The network is away: nothing that was asked will be answered. */
void zb_asks_lost(struct zb_radio *r);
/* False: the frame was no question. */
bool zb_asks_confirm(struct zb_radio *r, const struct zb_confirm *c);
int64_t zb_asks_deadline(struct zb_radio *r);
/* A frame of profile 0: an announcement, an answer, or nothing to us. */
void zb_asks_heard(struct zb_radio *r, const struct zb_indication *i);

/* upcalls.c, for asks.c and sends.c: what the air says about a node. */
/* Whether its short address is its own, as far as one can know: it said so in
 * the last `within_ms`, or was asked and is silent. */
bool zb_is_sure(const struct zb_radio *r, const struct zb_node *node,
	int64_t within_ms);
/* It was asked and does not answer: nobody contradicts for the moment. */
void zb_unanswered(struct zb_radio *r, struct zb_node *node);
struct zb_node *zb_learn(struct zb_radio *r, uint64_t eui64, uint16_t nwk,
	int sleepy);
void zb_joined(struct zb_radio *r, struct zb_node *node);

#endif

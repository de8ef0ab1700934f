/* One network, for its own files: network.c has the engine, the link and what is
 * sent; network_member.c the offers. */
#ifndef FERRY_GATEWAY_RELAY_NETWORK_PRIV_H
#define FERRY_GATEWAY_RELAY_NETWORK_PRIV_H

#include "gateway/relay/image_window.h"
#include "gateway/relay/network.h"
#include "gateway/relay/session_kind.h"

#define NETWORK_CHANNEL_KV_MAX 8
#define NETWORK_HELD_MAX 256 /* bytes of a frame that may be held back */

/* Numbers of offers: a serial that never repeats and the slot. */
#define MEMBER_SLOT_BITS 12
#define MEMBER_SLOT_MASK ((1u << MEMBER_SLOT_BITS) - 1)

struct network_send {
	struct network *network;
	struct network_send *next; /* free ones */
	uint64_t id; /* of the engine; 0: it does not want to know */
	uint32_t estimate_us;
};

struct network_held {
	bool is_held;
	struct engine_command command; /* points into the arrays below */
	uint32_t estimate_us;
	uint8_t data[NETWORK_HELD_MAX];
	uint8_t peer[FERRY_KEY_MAX];
	uint8_t reply[FERRY_REPLY_MAX];
};

struct network_channel {
	char text[128];
	struct ferry_kv kv[NETWORK_CHANNEL_KV_MAX];
	uint32_t count;
};

struct member {
	struct session session; /* first: what owners hold */
	struct network *network;
	struct session_setup setup;
	struct engine_image image;
	struct image_window window;
	bool has_window;
	bool over;
	bool is_moving; /* bytes go, and nothing is waited for */
	uint64_t number;
	enum engine_wait wait;
	char peer[FERRY_KEY_MAX + 1];
	uint64_t bytes_sent;
	bool may_send; /* a stage was let go */
	uint64_t highest_asked;
	uint64_t bytes_repeated;
	uint32_t security;
	uv_timer_t close_timer; /* from session_close() on */
	void (*on_closed)(void *arg);
	void *close_arg;
};

struct network {
	uv_loop_t *loop;
	const struct engine_ops *engine_ops;
	struct engine *engine;
	const struct network_events *events;
	void *arg;
	struct airtime airtime;
	struct talkers talkers;

	struct network_channel channels[FERRY_CHANNELS_MAX];
	size_t channel_count;
	struct transport *transport; /* NULL: the instance is not up */
	uint64_t link;               /* 0: none */
	bool connecting;
	uint64_t connect_again_ms;
	bool paused;
	bool is_up; /* as the engine was told */
	bool has_airtime;
	uint32_t security; /* of the link; lowest since it came up */

	struct network_send sends[NETWORK_SENDS_MAX];
	struct network_send *free_sends;
	unsigned in_flight;
	unsigned window;
	struct network_held held;
	uint64_t frames_in, frames_out;

	struct member **members; /* by slot */
	unsigned member_slots;
	unsigned member_count;
	uint64_t member_serial;

	uv_timer_t *timer; /* the engine's, and of the budget */
	uv_timer_t *connect_timer;
	int64_t armed_ms; /* when `timer` runs out; ENGINE_NEVER: off */
	int64_t budget_told_ms; /* -1: not since the link came up */
	int64_t budget_due_ms;  /* 0: not */
	int64_t stalled_until_ms; /* a held frame waits for airtime; 0: none */
	bool draining;
	bool again;   /* the engine may have more to say */
	bool stalled; /* it may have, and there is no room for it */
	bool closing;
};

/* network.c */
int64_t network_now_ms(const struct network *n);
/* An event from a function that others call: answers come from the loop. */
void network_tell(struct network *n, const struct engine_event *event);
/* An event from the loop. */
void network_feed(struct network *n, const struct engine_event *event);
void network_drain(struct network *n);

/* network_member.c; a member that is NULL is one that was closed. */
struct member *network_member(const struct network *n, uint64_t number);
void member_facts(struct member *m, const struct engine_facts *facts);
void member_need_image(struct network *n, const struct engine_command *c);
void member_progress(struct member *m, const struct engine_command *c);
void member_stage(struct member *m, const struct engine_command *c);
void member_wait(struct member *m, const struct engine_command *c);
void member_result(struct member *m, const struct engine_command *c);
void members_count(const struct network *n, struct network_numbers *ret);
void members_free(struct network *n);

#endif

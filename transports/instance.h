/* One hosted instance, for the files of this room: how the pieces of the host
 * hang together. All of it lives on the loop's thread.
 *
 * Host functions (events.c, lend.c, open.c) are called by the driver from
 * anywhere inside its operations, so they only append to the queue `events`.
 * instance_deliver() (host.c) takes from the queue, from the loop only: after an
 * operation that the loop called, or from the idle handle after a request of the
 * daemon. What ends a request, a link or the instance is embedded in it, so that
 * the news of an end never fails for want of memory. */
#ifndef FERRY_TRANSPORTS_INSTANCE_H
#define FERRY_TRANSPORTS_INSTANCE_H

#include "transports/driver.h"

#define CLOSE_BOUND_MS 2000u  /* for stop */
#define START_BOUND_MS 30000u /* for start */
#define DISCONNECT_BOUND_MS 60000u
#define DELIVER_MAX 256u      /* events before the loop gets its turn */
#define UP_LONG_MS 10000u     /* after which the back-off starts again */
#define LOG_LINES_MAX 50u     /* in LOG_SPAN_MS */
#define LOG_SPAN_MS 10000u

/* Tokens and link numbers: a serial that never repeats and a slot. */
#define SLOT_BITS 12
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

enum event_kind {
	EVENT_DONE,   /* in struct request */
	EVENT_PEER,   /* struct peer_event */
	EVENT_MESSAGE, /* struct message_event */
	EVENT_CHANGED, /* struct changed_event */
	EVENT_LINK_DOWN, /* in struct link */
	EVENT_DOWN,   /* in struct transport: the driver's own, or a breach */
	EVENT_LOG,    /* struct log_event */
};

struct event {
	struct event *next;
	enum event_kind kind;
	bool queued;
	size_t charge; /* bytes counted against TRANSPORT_EVENT_BYTES_MAX */
};

enum request_kind {
	REQUEST_START,
	REQUEST_STOP,
	REQUEST_SCAN,
	REQUEST_CONNECT,
	REQUEST_DISCONNECT,
	REQUEST_SEND,
	REQUEST_SET,
	REQUEST_STATS,
};

/* What a completion brings besides numbers. A record goes straight to the link
 * or instance that it describes. */
struct result_extra {
	struct ferry_counter counters[FERRY_COUNTERS_MAX];
	char names[FERRY_COUNTERS_MAX][32];
	char key[64];
	char text[FERRY_TEXT_MAX + 1];
};

struct request {
	struct event event;
	struct request *next_waiting;
	enum request_kind kind;
	bool waiting;	/* a send that has not gone to the driver */
	bool in_window; /* a send that fills a slot of the windows */
	bool completed; /* its event is queued */
	bool timed_out;
	uint64_t token;
	uint64_t link;
	uint64_t needs; /* connect */
	uint64_t due_ms; /* loop time; 0: never */
	bool cancelled;	/* then `due_ms` is the bound of the driver */
	uint32_t channel;
	uint32_t channel_count; /* connect: as many as were asked for */
	struct ferry_send send; /* while waiting; points into `kept` */
	void *kept;
	TRANSPORT_DONE(done);
	void *arg;
	struct ferry_result result;
	struct result_extra *extra;
};

enum link_state { LINK_OPENING, LINK_UP, LINK_CLOSING };

struct link {
	struct event event; /* its DOWN */
	uint64_t id;
	enum link_state state;
	bool made; /* its connect succeeded; `record` holds */
	bool down; /* its DOWN is queued; the driver no longer knows it */
	int down_status;
	char down_text[FERRY_TEXT_MAX + 1];
	struct ferry_link record;
	struct ferry_channel channels[FERRY_CHANNELS_MAX];
	char text[64];
	uint32_t in_flight[FERRY_CHANNELS_MAX];
	struct request *waiting; /* in order */
	struct request **waiting_end;
	uint32_t waiting_count;
	struct link *next_turn; /* list of links with waiting sends */
	bool has_turn;
};

struct peer_event {
	struct event event;
	struct ferry_peer peer;
};

struct message_event {
	struct event event;
	struct ferry_message message;
};

struct changed_event {
	struct event event;
	uint64_t link;
	struct ferry_link record;
	struct ferry_channel channels[FERRY_CHANNELS_MAX];
	char text[64];
};

struct log_event {
	struct event event;
	uint32_t level;
	char text[FERRY_TEXT_MAX + 1];
};

struct watch {
	uv_poll_t poll;
	struct transport *t;
	uint64_t arg;
	int fd;
	int slot;
	bool dead; /* unwatched, or hung up */
};

struct lent_timer {
	uv_timer_t timer;
	struct transport *t;
	uint64_t arg;
	int slot;
};

struct opening;

struct ferry_owner {
	struct transport *t;
};

struct transport {
	struct ferry_owner owner; /* first: what the driver sees */
	uv_loop_t *loop;
	const struct transport_driver *driver;
	struct transport_events on;
	void *arg;
	char name[32];
	struct ferry_kv *kv; /* own copies, then presets of the driver */
	size_t kv_count;
	size_t kv_own; /* the first so many are copies */
	uint64_t needs;
	uint32_t restart_min_ms;
	uint32_t restart_max_ms;
	uint32_t restart_ms; /* the next pause */
	bool raw;

	enum transport_state state;
	void *self;	/* of create(); NULL while there is none */
	bool deaf;	/* what the driver says no longer counts */
	bool settling;	/* its requests and links are being ended */
	uint64_t up_since_ms;
	uint64_t close_by_ms;
	uint64_t restart_at_ms; /* 0: not waiting */

	struct event *events;
	struct event **events_end;
	size_t event_bytes;

	struct event down_event;
	int down_status;
	char down_text[FERRY_TEXT_MAX + 1];

	uint64_t serial;
	struct request **requests;
	uint32_t request_slots;
	uint32_t request_count;
	struct link **links;
	uint32_t link_slots;
	uint32_t link_count;
	struct link *turns; /* links with waiting sends, who is next first */
	struct link **turns_end;
	unsigned turn_count;
	struct ferry_link record; /* of link 0 */
	struct ferry_channel channel0;
	char record_text[FERRY_TEXT_MAX + 1];
	uint32_t in_flight; /* sends at the driver, all links */
	uint64_t start_token, stop_token, scan_token;

	struct watch *watches[FERRY_WATCHES_MAX];
	struct lent_timer **timers; /* at most FERRY_TIMERS_MAX */
	unsigned timer_slots;
	struct opening *openings[TRANSPORT_OPENS_MAX];

	uv_idle_t idle;
	uv_timer_t timer; /* the earliest deadline, bound or restart */
	uint64_t timer_at_ms; /* 0: off */
	uv_async_t *async; /* only for drivers with on_wake */
	unsigned handles; /* that are not closed */
	bool closed;	  /* handles are being closed */

	void (*on_closed)(void *arg);
	void *closed_arg;

	uint32_t log_lines;
	uint64_t log_since_ms;
	struct transport_counters counters;
};

/* host.c */
extern const struct ferry_host host_functions;
uint64_t instance_now_ms(const struct transport *t);
/* Makes the loop come back to instance_deliver(). */
void instance_wake(struct transport *t);
void instance_deliver(struct transport *t);
/* Arms the timer so that it runs out at `at_ms` at the latest. */
void instance_due(struct transport *t, uint64_t at_ms);
/* Ends the instance, as soon as the queue is delivered. The first cause counts.
 * After it the driver is not listened to. */
void instance_fail(struct transport *t, int status, const char *text);
void instance_breach(struct transport *t, const char *rule);
void instance_handle_closed(struct transport *t);

/* requests.c */
struct request *host_request_find(const struct transport *t, uint64_t token);
int host_request_new(
	struct transport *t, enum request_kind kind, struct request **ret);
/* The driver's answer to the call; an error becomes a completion. */
void host_request_started(struct transport *t, struct request *r, int err);
/* Queues the end of a request; `result` is filled but for the status. */
void host_request_end(struct transport *t, struct request *r, int status);
/* Its end has come out of the queue: it is no longer known. */
void host_request_leave(struct transport *t, struct request *r);
void host_request_free(struct request *r);
void host_request_due(struct transport *t, struct request *r, uint64_t after_ms);
/* Asks the driver, or takes it from our own queue. */
void host_request_cancel(struct transport *t, struct request *r);
void host_requests_check_due(struct transport *t);
uint64_t host_requests_next_due(const struct transport *t);
/* Ends all of them, a stop with 0. */
void host_requests_settle(struct transport *t, int status);

/* links.c */
struct link *host_link_find(const struct transport *t, uint64_t id);
int host_link_new(struct transport *t, struct link **ret);
void host_link_free(struct transport *t, struct link *l);
void host_link_wait(struct transport *t, struct link *l, struct request *r);
void host_link_unwait(struct transport *t, struct link *l, struct request *r);
bool host_link_has_waiting(const struct link *l, uint32_t channel);
bool host_link_has_room(
	const struct transport *t, const struct link *l, uint32_t channel);
/* Ends the sends of a link that wait here. */
void host_link_flush(struct transport *t, struct link *l, int status);
/* Ends all links; without news when `quiet`. */
void host_links_settle(
	struct transport *t, int status, const char *text, bool quiet);
/* Lets waiting sends go while the windows have room. */
void host_links_pump(struct transport *t);
/* Hands a send to the driver and counts it. */
void host_send_go(struct transport *t, struct link *l, struct request *r,
	const struct ferry_send *s);

/* events.c */
void host_event_push(struct transport *t, struct event *e);
void host_event_free(struct transport *t, struct event *e);
int host_status_clean(int status);
void host_complete(struct ferry_owner *o, const struct ferry_result *r);
void host_on_peer(struct ferry_owner *o, const struct ferry_peer *p);
void host_on_message(struct ferry_owner *o, const struct ferry_message *m);
void host_on_link(struct ferry_owner *o, const struct ferry_link_event *e);
void host_log(struct ferry_owner *o, uint32_t level, const char *text);

/* lend.c */
uint64_t host_now_us(struct ferry_owner *o);
int host_watch(struct ferry_owner *o, int fd, uint32_t events, uint64_t arg);
int host_watch_set(struct ferry_owner *o, int watch, uint32_t events);
void host_unwatch(struct ferry_owner *o, int watch);
int host_timer(struct ferry_owner *o, uint64_t arg);
int host_timer_set(struct ferry_owner *o, int timer, int64_t delay_ms);
void host_timer_free(struct ferry_owner *o, int timer);
void host_wake(struct ferry_owner *o);
/* Takes back whatever the driver forgot. Returns how much that was. */
unsigned lend_take_back(struct transport *t);
int lend_async(struct transport *t);

/* open.c */
int host_open_device(struct ferry_owner *o, uint64_t request, uint32_t flags,
	const char *target);
void host_open_cancel(struct ferry_owner *o, uint64_t request);
/* Answers what can be answered; called from the loop. */
void openings_advance(struct transport *t);
void openings_drop(struct transport *t);

/* A sized record of the driver in a full one of ours. */
static inline void record_take(
	void *to, size_t size, const void *from, uint32_t from_size)
{
	memset(to, 0, size);
	memcpy(to, from, from_size < size ? from_size : size);
}

#endif

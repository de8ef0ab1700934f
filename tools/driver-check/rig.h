/* A loop, one instance of a driver, and a record of everything that it said: what
 * checks of drivers stand on. Waits are for a condition, with a time limit, never
 * for a time. One thread; _init to _done. */
#ifndef FERRY_DRIVER_CHECK_RIG_H
#define FERRY_DRIVER_CHECK_RIG_H

#include "base/buf.h"
#include "transports/host.h"

#define RIG_EVENTS_MAX 4096u
#define RIG_PEERS_MAX 64u

enum rig_kind {
	RIG_UP,
	RIG_PEER,
	RIG_MESSAGE,
	RIG_CHANGED,
	RIG_DOWN,
	RIG_DONE,
	RIG_LOG,
};

/* One request: put `&x` into rig_done as its argument. */
struct rig_request {
	struct rig *rig;
	bool done;
	unsigned count; /* of completions; more than 1 is a breach of ours */
	unsigned order; /* of its completion among all events */
	struct ferry_result result; /* pointers are not valid any more */
	char key[64];
	char text[256];
	uint64_t caps;
	uint32_t payload; /* of channel 0 */
	uint32_t window;
	uint32_t level;
	uint32_t channel_count;
	uint64_t counter; /* of the first counter */
	char counter_name[32];
};

struct rig_event {
	enum rig_kind kind;
	uint64_t link;
	int status;
};

struct rig_peer {
	char key[64];
	char was[64];
	char address[128];
	uint32_t flags;
	uint32_t id_kind;
	unsigned count;
};

struct rig {
	uv_loop_t loop;
	uv_timer_t tick; /* keeps uv_run from sleeping past the limit */
	uint64_t limit_ms;
	struct transport *t;
	bool closed;

	struct rig_event events[RIG_EVENTS_MAX];
	unsigned event_count;
	struct rig_peer peers[RIG_PEERS_MAX];
	unsigned peer_count;
	unsigned ups, downs, instance_downs, messages, logs, changes;
	int down_status; /* the last one */
	uint64_t down_link;
	char down_text[256];
	int64_t restart_ms;
	struct buf in; /* bytes of all messages, one after the other */
	uint32_t last_len;
	uint32_t last_flags;
	uint32_t last_security;
	uint64_t last_link;
	char last_peer[64];
	uint8_t last_reply[FERRY_REPLY_MAX];
	uint32_t last_reply_len;
	char last_log[256];
	struct ferry_channel changed;
	/* Called from the callback of that kind, for re-entrancy; cleared
	 * first. */
	void (*hook)(struct rig *rig);
	enum rig_kind hook_kind;
	void *hook_arg;
	/* Descriptor to hand out for adoption, or -1. */
	int adopt_fd;
	unsigned opened;
	/* Duplicate what is opened, as a descriptor store would. */
	bool keep;
	int kept_fd;
};

int rig_init(struct rig *r);
/* Closes what is open. */
void rig_done(struct rig *r);

struct rig_options {
	uint64_t needs;
	uint32_t restart_ms;
	bool raw;
};

/* Opens the instance; `options` may be NULL. What transport_open() says. */
int rig_open(struct rig *r, const struct transport_driver *d,
	const struct ferry_kv *kv, size_t count,
	const struct rig_options *options);
/* Closes the instance and waits for it: true if it came in time. */
bool rig_close(struct rig *r);

/* Runs the loop until `expr` holds or `ms` have passed. Look at `expr` again
 * afterwards. */
#define RIG_UNTIL(r, ms, expr) \
	for (rig_limit((r), (ms)); !(expr) && rig_turn(r);)

void rig_limit(struct rig *r, uint32_t ms);
/* One turn of the loop; false when the limit has passed. */
bool rig_turn(struct rig *r);
/* Some turns without waiting, for "nothing comes". */
void rig_settle(struct rig *r);

/* For transport_*(): pass rig_on_done and a struct rig_request. */
void rig_on_done(void *arg, const struct ferry_result *result);
void rig_request_init(struct rig_request *q, struct rig *r);

const struct rig_peer *rig_peer(const struct rig *r, const char *key);

/* Connects to `peer` with one channel without settings and waits. */
int rig_connect(struct rig *r, const char *peer, struct rig_request *q);
int rig_send(struct rig *r, uint64_t link, struct bytes data, uint32_t until,
	struct rig_request *q);

#endif

/* A host for one instance of a driver, without a loop: a clock that stands until
 * it is moved, timers that run out when it is, and a record of all that the
 * driver said. A descriptor that the driver opens is one end of a socket pair,
 * `far` the other. One thread. */
#ifndef FERRY_TESTS_VHOST_H
#define FERRY_TESTS_VHOST_H

#include <stdbool.h>

#include "ferry/transport.h"

#define VHOST_RESULTS 512
#define VHOST_PEERS 8192
#define VHOST_MESSAGES 512
#define VHOST_TIMERS 8

struct vresult {
	uint64_t token;
	int32_t status;
	uint32_t level;
	uint32_t airtime_us;
	int32_t native;
	uint32_t retry_after_ms;
	char key[32];
	char text[160];
	uint32_t payload, window; /* of the first channel of a record */
	uint64_t counters;
};

struct vpeer {
	char key[64];
	uint32_t flags;
	char address[16], kind[16], joined[16], nwk[16];
};

struct vmessage {
	char peer[64];
	uint32_t channel, flags, security, airtime_us;
	uint8_t reply[FERRY_REPLY_MAX];
	uint32_t reply_len;
	uint8_t data[256];
	uint32_t len;
};

struct vhost {
	const struct ferry_driver *table;
	void *self;
	uint64_t now_us;
	int64_t due_us[VHOST_TIMERS]; /* by timer - 1; -1 off */
	bool timer_there[VHOST_TIMERS];
	uint64_t timer_arg[VHOST_TIMERS];
	int watched; /* descriptor or -1 */
	uint32_t watch_events;
	bool woken;
	char target[300];
	uint64_t request;
	uint32_t open_flags;
	int open_error; /* what open_device() returns */
	int far;	/* our end; the driver's was handed out */

	unsigned result_count, peer_count, message_count;
	unsigned downs, changes;
	int32_t down_status;
	char down_text[160];
	char last_log[256];
	unsigned logs;
	/* So many of them hold; from here on nothing is cleared. */
	struct vresult results[VHOST_RESULTS];
	struct vpeer peers[VHOST_PEERS];
	struct vmessage messages[VHOST_MESSAGES];
};

void vhost_init(struct vhost *v, const struct ferry_driver *table);
void vhost_done(struct vhost *v);

/* Answers the last open_device(): 0 with a socket pair of `type`, or -errno. */
void vhost_opened(struct vhost *v, int result, int type);

/* Lets time pass, timers run out in order. */
void vhost_pass(struct vhost *v, uint32_t ms);
/* Runs on_ready() and on_wake() until nothing is to be done. */
void vhost_turn(struct vhost *v);

/* The result of a token, or NULL. */
const struct vresult *vhost_result(const struct vhost *v, uint64_t token);
/* The last announcement of a peer, or NULL. */
const struct vpeer *vhost_peer(const struct vhost *v, const char *key);

#endif

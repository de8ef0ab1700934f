/* A driver that does what a test tells it to, also what no driver may. One
 * instance at a time; the knobs are read at each call. */
#ifndef FERRY_TESTS_FAKE_H
#define FERRY_TESTS_FAKE_H

#include "transports/host.h"

struct fake {
	/* knobs */
	int start_status;
	const char *start_key;
	bool hold_start;
	bool hold_stop;
	bool hold_sends;   /* complete only by fake_finish() */
	bool ignore_cancel;
	bool refuse_sends; /* -ENOBUFS from the call */
	bool complete_and_refuse;
	bool echo; /* every send comes back as a message */
	bool leave_watch;
	uint32_t payload;
	uint32_t window;
	uint32_t all_window;
	uint64_t caps;

	/* what is known */
	const struct ferry_host *host;
	struct ferry_owner *owner;
	bool exists;
	unsigned created, destroyed, stops, cancels, wakes, ready, timeouts;
	unsigned inside; /* operations under way: never more than one */
	bool re_entered;
	uint64_t start_token, stop_token;
	uint64_t sends[256];
	uint64_t send_links[256];
	uint32_t send_lens[256];
	unsigned send_count; /* held */
	unsigned sends_seen;
	uint64_t order[512]; /* links of all sends seen */
	uint64_t links[64];
	unsigned link_count;
	uint64_t disconnected;
	int pipe[2];
	int watch;
};

extern struct fake fake;

const struct ferry_driver *fake_table(void);
void fake_reset(void);

void fake_complete(uint64_t token, int status);
/* Completes the held send number `i` (counted from the first still held). */
void fake_finish(unsigned i, int status);
void fake_message(uint64_t link, const void *data, uint32_t len);
void fake_peer(const char *key);
void fake_down(uint64_t link, int status);
void fake_changed(uint64_t link, uint32_t payload, uint32_t window);

#endif

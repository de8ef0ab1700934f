/* A place to try a driver in: its settings, and a peer at the other end that
 * echoes what it gets and does what a check tells it to. What a bench cannot do
 * is NULL, and the checks that need it do not apply.
 *
 * A bench lives from begin() to end() of one check, on the loop of the rig. */
#ifndef FERRY_DRIVER_CHECK_BENCH_H
#define FERRY_DRIVER_CHECK_BENCH_H

#include "tools/driver-check/rig.h"

#define BENCH_SETTINGS_MAX 16u

struct bench {
	const char *name; /* "serial on a PTY" */
	const struct ferry_driver *table;
	const struct bench_kind *kind;
	struct ferry_kv kv[BENCH_SETTINGS_MAX];
	size_t kv_count;
	const char *peer;
	const char *stranger; /* a peer that was not announced */
	bool any_peer; /* links are of any peer, or there are none */
	const struct ferry_kv *channel; /* of every connect */
	uint32_t channel_count;
	char texts[4][256]; /* what `kv` points at */

	uv_loop_t *loop;
	void *state; /* of the kind */
};

struct bench_kind {
	/* Fills kv and peer, opens the far end. 0 or -errno. */
	int (*begin)(struct bench *b);
	void (*end)(struct bench *b);
	/* The peer takes nothing until told otherwise. */
	void (*stall)(struct bench *b, bool on);
	/* The peer says something unasked. */
	int (*say)(struct bench *b, struct bytes data);
	/* Peer or device vanishes: as the driver sees it, the link goes down
	 * (or with it the instance). */
	void (*lose)(struct bench *b);
	/* ... after it has sent this. */
	int (*say_and_lose)(struct bench *b, struct bytes data);
	/* It is there again. */
	int (*come_back)(struct bench *b);
	/* Settings with which start must fail: the device is dead. */
	int (*dead)(struct bench *b);
	/* A setting that makes a lost device end the instance. */
	int (*end_with_device)(struct bench *b);
	/* How often the device was opened. */
	unsigned (*openings)(const struct bench *b);

	/* Radios only. */
	int (*change_payload)(struct bench *b, uint32_t payload);
	/* The next send is not delivered, or not now (with a delay of 40 ms). */
	void (*fail_next)(struct bench *b, int status);
	/* The next message comes before its confirm. */
	void (*hurry)(struct bench *b);
	/* The device says nothing any more, and a setting that makes the driver
	 * notice soon. */
	int (*silent)(struct bench *b);
	void (*mute)(struct bench *b);
	/* Sends are confirmed only when told so. */
	void (*hold)(struct bench *b, bool on);
	/* Announces what the checks want to see. */
	int (*announce_group)(struct bench *b, const char **ret_key);
	int (*announce_sleepy)(struct bench *b, const char **ret_key);
	int (*announce_moved)(struct bench *b, const char **ret_key);
	int (*announce_upgraded)(struct bench *b, const char **ret_key);
	/* A message of a peer on the any-peer link, to be answered with its
	 * reply handle; then the handle that came back. */
	int (*say_from)(struct bench *b, const char *peer, struct bytes reply,
		bool broadcast);
	struct bytes (*answered)(const struct bench *b);
	/* A peer for which connect pends, and its arrival. */
	int (*late_peer)(struct bench *b, const char **ret_key);
	int (*late_comes)(struct bench *b);
	/* A peer that refuses. */
	const char *refusing;
	/* A peer that offers no security. */
	bool insecure;
};

/* For the kinds: `ready` is called when the descriptor can be read; `data` is
 * that of the handle. A bench that cannot watch its descriptors aborts. */
uv_poll_t *bench_poll_start(struct bench *b, int fd, uv_poll_cb ready,
	void *data);
/* And never again; NULL in *poll: nothing to do. */
void bench_poll_stop(uv_poll_t **poll);

extern const struct bench_kind bench_pty, bench_tcp, bench_sim, bench_hub,
	bench_given;

#endif

/* Engine and scripted device on a virtual clock, with a wire that can damage
 * what it carries. bench_run() goes on until the job is over or stands still. */
#ifndef FERRY_TESTS_SMP_BENCH_H
#define FERRY_TESTS_SMP_BENCH_H

#include "devices/engine.h"
#include "devices/smp/frame.h"
#include "tests/unit/devices/smp_peer.h"

#define BENCH_WIRE 64 /* answers under way */

struct bench_parcel {
	int64_t at_ms;
	struct buf bytes;
};

struct bench {
	struct engine *engine;
	struct peer peer;
	uint8_t image[PEER_IMAGE_MAX];
	struct engine_image want;
	enum smp_framing framing;
	size_t max_payload;
	struct smp_reader reader; /* the device's side of the wire */
	int64_t now_ms;
	int64_t limit_ms;

	/* Switches of the wire and of the host. */
	bool noise;
	unsigned flip_nth; /* every n-th answer has a damaged byte */
	unsigned fail_nth; /* every n-th send fails; 0 none */
	size_t image_part; /* the host gives at most so many bytes at once */
	int image_status;
	unsigned down_after_uploads; /* once: the link goes after so many */
	int64_t down_for_ms;
	size_t max_payload_later; /* of the link that comes back */
	int stop_at;   /* stage that is not given GO; -1 none */
	bool skip_confirm;
	int withdraw_at; /* stage at which the job is withdrawn; -1 none */
	bool split_lost; /* the device drops pieces of messages */
	int64_t go_delay_ms; /* GO comes so much later */
	int go_delay_at;     /* at this stage; preset CONFIRM */

	uint32_t return_ms;     /* of the class */
	const char *reset_line; /* of the class; NULL: none */
	unsigned baud; /* of the line; 0: no time at all */

	/* What happened. */
	int64_t line_free_us, device_free_us, answer_free_us;
	int64_t first_upload_us, last_upload_us, upload_wire_us;
	struct bench_parcel wire[BENCH_WIRE];
	unsigned sent, sends, answers, lines_long;
	int64_t last_line_ms;
	int64_t least_line_gap_ms;
	unsigned stages; /* bits */
	unsigned stage_count[8];
	unsigned reconnects, needs, line_resets;
	uint64_t progress;
	bool is_over;
	enum engine_outcome outcome;
	struct engine_failure failure;
	struct engine_facts facts;
	bool went_down;
	int64_t up_ms;
	int64_t go_ms;
	int pending_stage;
};

/* An image of `len` bytes with hash and version 2.0.0, as the device will
 * report them, and a link that is up. */
void bench_init(struct bench *b, size_t len, const char *options);
void bench_done(struct bench *b);

void bench_offer(struct bench *b, enum engine_goal goal, int reached);
void bench_run(struct bench *b);

/* The device holds our image in this slot, and no more is known of it. */
void bench_hold_ours(struct bench *b, unsigned slot);
/* It runs our image, unconfirmed; the old one is in the other slot. */
void bench_ours_unconfirmed(struct bench *b);

/* Our image runs, undamaged; it is confirmed; and no byte of it went twice. */
void bench_check_image(const struct bench *b);
void bench_check_confirmed(const struct bench *b);
void bench_check_no_repeat(const struct bench *b);

#endif

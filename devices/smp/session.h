/* The inside of the SMP engine: one device, one job at a time. Shared by
 * engine.c (events, commands, link), ask.c (single requests), transfer.c (the
 * upload), steps.c (what comes next), restart.c (the restart) and job.c (what
 * these have in common); nobody else includes it.
 *
 * Phases of an update, left to right; any phase may end in OVER, and after the
 * link was lost most begin again at PARAMS:
 *
 *   IDLE PARAMS MODE SPLIT STATE -> AWAIT_GO(transfer) UPLOAD VERIFY
 *     -> AWAIT_GO(staged, activate) MARK MARK_READ
 *     -> AWAIT_GO(restart) RESET SETTLE RETURN SECOND
 *     -> WATCH (waits for GO of confirm) CHECK CONFIRM CHECK -> OVER
 *
 * Invariants: nothing is written to the device before STATE was answered on
 * the present link; RESET is entered only by GO(restart), or again when the
 * device shows that it did not restart. */
#ifndef FERRY_DEVICES_SMP_SESSION_H
#define FERRY_DEVICES_SMP_SESSION_H

#include "devices/smp/flow.h"
#include "devices/smp/options.h"
#include "devices/smp/smp.h"
#include "devices/smp/upload.h"

#define SMP_TRIES 3 /* of a request that may be repeated */

enum smp_phase {
	SMP_PHASE_IDLE,
	SMP_PHASE_PARAMS,
	SMP_PHASE_MODE,
	SMP_PHASE_SPLIT, /* datagrams: does the device assemble requests? */
	SMP_PHASE_STATE,
	SMP_PHASE_AWAIT_GO,
	SMP_PHASE_UPLOAD,
	SMP_PHASE_VERIFY,
	SMP_PHASE_CURE_READ, /* no slot was free: why? */
	SMP_PHASE_CURE,      /* the running image is being confirmed */
	SMP_PHASE_MARK,
	SMP_PHASE_MARK_READ,
	SMP_PHASE_RESET,
	SMP_PHASE_SETTLE, /* silence after a reset or between two polls */
	SMP_PHASE_RETURN,
	SMP_PHASE_SECOND, /* a second exchange with the new image */
	SMP_PHASE_WATCH,
	SMP_PHASE_CHECK,
	SMP_PHASE_CONFIRM,
	SMP_PHASE_OVER, /* the result waits to be taken */
};

/* Single requests; one at a time. */
enum smp_ask {
	SMP_ASK_NONE,
	SMP_ASK_PARAMS,
	SMP_ASK_MODE,
	SMP_ASK_SPLIT,
	SMP_ASK_STATE,
	SMP_ASK_MARK,
	SMP_ASK_RESET,
	SMP_ASK_CONFIRM,
};

struct smp_asking {
	enum smp_ask what;
	bool under_way;
	uint8_t seq;
	unsigned tries; /* left, the present one not counted */
	unsigned sent;
	uint32_t patience_ms;
	int64_t at_ms; /* under way: given up then; else: not sent before */
};

enum {
	SMP_WANT_FACTS = 1,
	SMP_WANT_PROGRESS = 2,
	SMP_WANT_RECONNECT = 4,
	SMP_WANT_STAGE = 8,
	SMP_WANT_RESULT = 16,
	SMP_WANT_LINE = 32,
};

struct smp_session {
	struct smp_options options;

	/* The link. */
	bool up;
	int64_t now_ms; /* of the last call */
	enum smp_framing framing;
	size_t max_payload; /* datagrams */
	struct smp_reader reader;
	uint8_t version; /* 1: SMP version 2 */
	uint8_t seq;
	struct buf message;
	struct buf frame;
	struct bytes tx; /* what is left of the message that goes out */
	uint64_t tx_id;
	unsigned tx_open; /* sends that the host has not reported yet */
	int64_t tx_at_ms; /* next line not before */
	int64_t quiet_ms; /* next message not before */

	/* The device, as it told. */
	bool has_params;
	bool has_mode;
	bool no_state;
	bool splits; /* it assembles requests of several datagrams */
	size_t buf_size;
	unsigned buf_count;
	struct smp_slot slots[SMP_SLOTS_MAX];
	size_t slot_count;
	int64_t state_ms; /* when the slots were read */
	struct engine_facts facts;

	/* The job. */
	enum smp_phase phase;
	uint64_t job;
	enum engine_goal goal;
	struct engine_image image;
	int return_limit_ms;
	const char *reset_line; /* NULL: the device is asked to restart */
	uint32_t image_number;
	bool blind; /* neither hash nor version to expect */
	int reached;
	unsigned granted; /* bit of each stage that was given GO */
	enum engine_stage stage;
	bool goes_on; /* `stage` was granted before: go on by itself */
	bool recheck; /* the link was away: read the state before acting */
	bool withdrawn;
	bool skip_confirm;
	bool in_place; /* the upload replaced the running slot */
	bool uploaded;
	bool skip_mark;
	bool marked;
	bool restarted; /* a reset went out, or the new image was seen running */
	bool forced;
	bool cured;
	unsigned resets;
	unsigned confirms;
	unsigned fresh;
	bool has_before;
	struct smp_slot before; /* active slot before the restart */
	int64_t reset_ms;
	int64_t wake_ms; /* SETTLE, RETURN, WATCH: next thing to do */
	int64_t return_ms;
	struct smp_asking ask;
	struct smp_status status; /* of the last answer */
	struct smp_status mark_status;

	/* The upload. */
	struct smp_upload upload;
	struct buf chunk; /* image bytes from chunk_off on */
	uint64_t chunk_off;
	bool need_open; /* NEED_IMAGE was given, IMAGE has not come */
	uint64_t need_off;
	uint64_t told_progress;

	unsigned wants;
	enum engine_outcome outcome;
	struct engine_failure failure;
};

/* ask.c: single requests with their repeats. */
void smp_ask(struct smp_session *s, enum smp_ask what, uint32_t patience_ms,
	unsigned tries, int64_t from_ms);
void smp_ask_stop(struct smp_session *s);
/* Writes the request into s->message; false: nothing to send now. */
bool smp_ask_send(struct smp_session *s, int64_t now_ms);
bool smp_ask_is(const struct smp_session *s, const struct smp_header *h);
/* An answer to the request under way, NULL: it cannot be read. */
void smp_ask_answered(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms);
void smp_ask_time(struct smp_session *s, int64_t now_ms);
int64_t smp_ask_deadline(const struct smp_session *s);
struct smp_header smp_request(struct smp_session *s, enum smp_op op,
	uint16_t group, uint8_t id);

/* transfer.c: the upload and the bytes it needs. */
size_t smp_message_limit(const struct smp_session *s);
void smp_transfer_start(struct smp_session *s, int64_t now_ms);
bool smp_transfer_send(struct smp_session *s, int64_t now_ms);
bool smp_transfer_needs(struct smp_session *s, uint64_t *ret_off,
	size_t *ret_len);
void smp_transfer_image(struct smp_session *s, uint64_t off, int status,
	struct bytes data, int64_t now_ms);
void smp_transfer_answered(struct smp_session *s, uint8_t seq,
	const struct smp_answer *a, int64_t now_ms);
void smp_transfer_time(struct smp_session *s, int64_t now_ms);

/* steps.c: what comes next. */
void smp_steps_begin(struct smp_session *s, int64_t now_ms);
void smp_steps_up(struct smp_session *s, int64_t now_ms);
void smp_steps_down(struct smp_session *s, int64_t now_ms);
void smp_steps_go(struct smp_session *s, enum engine_stage stage, bool skip,
	int64_t now_ms);
void smp_steps_withdraw(struct smp_session *s);
/* The request of the present phase ended; NULL: no answer in any try. */
void smp_steps_answer(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms);
void smp_steps_uploaded(struct smp_session *s, int64_t now_ms);
void smp_steps_time(struct smp_session *s, int64_t now_ms);
int64_t smp_steps_deadline(const struct smp_session *s);
/* By what the slots hold: the next stage, or the end. */
void smp_steps_decide(struct smp_session *s, int64_t now_ms);

/* restart.c: the restart, and how the device comes back. */
void smp_restart_go(struct smp_session *s, int64_t now_ms);
void smp_restart_answered(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms);
/* The reset went out, or a line did it: silence until it may be there. */
void smp_restart_settle(struct smp_session *s, int64_t now_ms);
/* An earlier run of this job was let restart the device, which still waits for
 * it: that reset may be on its way (a device answers first and restarts a
 * little later). Looks again for a while; a second reset just behind the swap
 * would revert. */
void smp_restart_expect(struct smp_session *s, int64_t now_ms);
void smp_restart_poll(struct smp_session *s, int64_t now_ms);
void smp_restart_poll_later(struct smp_session *s, int64_t now_ms);
void smp_restart_returned(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms);
/* A second exchange, before anything is confirmed. */
void smp_restart_second(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms);
void smp_restart_give_up(struct smp_session *s);

/* job.c: what the steps have in common. */
void smp_job_enter(struct smp_session *s, enum smp_phase phase,
	enum smp_ask what, unsigned tries, int64_t now_ms);
void smp_job_ask_state(struct smp_session *s, enum smp_phase phase,
	int64_t now_ms);
void smp_job_end(struct smp_session *s, enum engine_outcome outcome);
void smp_job_end_unproven(struct smp_session *s, const char *hint);
/* The image runs. What of it is proven? */
void smp_job_end_running(struct smp_session *s);
void smp_job_fail(struct smp_session *s, int code, const char *step,
	const char *hint, ...) __attribute__((format(printf, 4, 5)));
/* REVERTED, OTHER or NOT_TAKEN. */
void smp_job_fail_by_plan(struct smp_session *s, enum smp_plan plan);
void smp_job_take_state(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms);
/* True when the answer holds a state; otherwise the job has failed. */
bool smp_job_read_state(struct smp_session *s, const struct smp_answer *a,
	const char *step, int64_t now_ms);
struct smp_view smp_job_view(const struct smp_session *s);

#endif

/* Between the files of a job. */
#ifndef FERRY_GATEWAY_DAEMON_JOB_PRIV_H
#define FERRY_GATEWAY_DAEMON_JOB_PRIV_H

#include "gateway/daemon/job.h"

/* ---- states: job.c ---- */

void job_enter(struct job *j, enum job_state state, void (*then)(struct job *j));
void job_commit_again(struct job *j);

/* It is about this release from now on; NULL: about none. */
void job_take_release(struct job *j, struct release *r);

/* ---- gates: job_gate.c, job_member.c ---- */

/* The device's floor rose above the release since the job was made. */
bool job_is_below_floor(const struct job *j);

/* The first step that cannot reach its tier, 0 if there is none. */
unsigned job_tier_shortfall(const struct job *j);

/* Adds why its session does not move to what people see. */
void job_add_wait(const struct job *j, struct gates *gates);
void job_take_wait(void *arg, enum engine_wait wait, int64_t until_ms);

/* ---- what it holds: job_slot.c ---- */

/* The limits of transfers leave room for it. */
bool job_finds_slot(const struct job *j);
void job_take_slot(struct job *j);
void job_give_slot(struct job *j); /* and its place on the line */
void job_join_line(struct job *j, struct line *l);

/* Closes the session, if there is one, and gives all back. */
void job_end_session(struct job *j);

/* ---- the session: job_start.c, job_run.c ---- */

extern const struct session_events job_session_events;

void job_start(struct job *j);

/* Lets the stage that the engine announced be done, if it may be. */
void job_try_stage(struct job *j);
void job_watch_transfer(struct job *j); /* stops one that takes too long */

/* ---- how it ended: job_end.c, job_fail.c ---- */

void job_take_result(struct job *j);
void job_attempt_failed(struct job *j); /* by j->failure */
void job_withdrawn(struct job *j);      /* stopped before it had ended */
void job_wait_retry(struct job *j, int code);
void job_carry_out_wish(struct job *j); /* no session is at work */

/* Notes why the job failed: in which of the thirteen steps (0: by its state), what
 * the engine said of it, else `hint`, which may be NULL. */
void job_note_failure(struct job *j, int code, unsigned step,
	const char *hint);

/* The same, and ends it. */
void job_fail(struct job *j, int code, unsigned step, const char *hint);

/* The step that a refusal of its release or link is about. */
unsigned job_step_of_refusal(const struct job *j, int code);

#endif

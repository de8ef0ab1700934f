/* The states of a job and which may follow which. One table; pure.
 *
 *  available -> queued -> connecting -> transferring -> verifying -> staged
 *                 ^  \-> waiting -^                                    |
 *                 |                                                    v
 *     paused <----+           done | unverified <- confirming <- activating
 *
 * `waiting` stands for a set of unmet gates. From every active state a job may
 * fall back to `queued` (ferryd was started again and asks the device first) or
 * to `waiting` (retry, link, window). Ended states stay, but for `retry` by an
 * operator, which makes failed, unverified, cancelled, declined and quarantined
 * jobs `queued` again. A device that was told to restart and never came back is
 * `quarantined`: it gets no job by itself any more. The names are part of the admin API and the database. */
#ifndef FERRY_GATEWAY_RELAY_JOB_STATE_H
#define FERRY_GATEWAY_RELAY_JOB_STATE_H

#include <stdbool.h>

#define JB(s) (1u << JOB_##s)
#define JOB_STOPS (JB(PAUSED) | JB(CANCELLED) | JB(SUPERSEDED) | JB(FAILED))
#define JOB_FALLS (JB(QUEUED) | JB(WAITING) | JOB_STOPS)
#define JOB_ENDS (JB(DONE) | JB(UNVERIFIED))

/* X(NAME, text, legal successors) */
#define JOB_STATE_MAP(X) \
	X(AVAILABLE, "available", JB(QUEUED) | JB(WAITING) | JB(DECLINED) | \
		JB(CANCELLED) | JB(SUPERSEDED)) \
	X(QUEUED, "queued", JB(WAITING) | JB(CONNECTING) | JB(DECLINED) | \
		JOB_STOPS) \
	X(WAITING, "waiting", JB(QUEUED) | JB(CONNECTING) | JB(DECLINED) | \
		JOB_STOPS) \
	X(CONNECTING, "connecting", JB(TRANSFERRING) | JB(VERIFYING) | \
		JB(STAGED) | JB(ACTIVATING) | JB(CONFIRMING) | \
		JB(QUARANTINED) | JOB_ENDS | JOB_FALLS) \
	X(TRANSFERRING, "transferring", JB(VERIFYING) | JB(STAGED) | \
		JB(CONNECTING) | JOB_ENDS | JOB_FALLS) \
	X(VERIFYING, "verifying", JB(TRANSFERRING) | JB(STAGED) | \
		JB(ACTIVATING) | JB(CONNECTING) | JOB_ENDS | JOB_FALLS) \
	X(STAGED, "staged", JB(ACTIVATING) | JB(CONFIRMING) | \
		JB(CONNECTING) | JB(TRANSFERRING) | JOB_ENDS | JOB_FALLS) \
	X(ACTIVATING, "activating", JB(CONFIRMING) | JB(CONNECTING) | \
		JB(QUARANTINED) | JB(TRANSFERRING) | JOB_ENDS | JOB_FALLS) \
	X(CONFIRMING, "confirming", JB(CONNECTING) | JB(QUARANTINED) | \
		JOB_ENDS | JOB_FALLS) \
	X(PAUSED, "paused", JB(QUEUED) | JB(WAITING) | JB(CANCELLED) | \
		JB(SUPERSEDED) | JB(DECLINED)) \
	X(DONE, "done", 0u) \
	X(UNVERIFIED, "unverified", JB(QUEUED)) \
	X(FAILED, "failed", JB(QUEUED) | JB(SUPERSEDED)) \
	X(DECLINED, "declined", JB(QUEUED)) \
	X(CANCELLED, "cancelled", JB(QUEUED)) \
	X(SUPERSEDED, "superseded", 0u) \
	X(QUARANTINED, "quarantined", JB(QUEUED) | JB(SUPERSEDED))

enum job_state {
#define JOB_STATE_ENUM(name, text, next) JOB_##name,
	JOB_STATE_MAP(JOB_STATE_ENUM)
#undef JOB_STATE_ENUM
	JOB_STATES
};

/* Static text; "" for a value that is no state. */
const char *job_state_name(enum job_state state);

/* -EINVAL for a text that names no state. */
int job_state_parse(const char *text, enum job_state *ret);

/* Staying in a state is always legal. */
bool job_state_may_follow(enum job_state from, enum job_state to);

/* done, unverified, failed, declined, cancelled, superseded, quarantined. */
bool job_state_is_ended(enum job_state state);

/* connecting to confirming: a session works on the device. */
bool job_state_is_active(enum job_state state);

#endif

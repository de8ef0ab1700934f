/* Jobs: one release for one device, from the decision to the proof.
 *
 * The states are those of gateway/relay/job_state.h. job_enter() is the one way
 * into a state: it checks the table, queues the commit with everything that
 * belongs to the step, and what is to be done in the new state is done only
 * when the commit is durable. A session's events wait meanwhile. A commit that
 * fails is repeated; until then the job does nothing.
 *
 * job.c         making, loading, states, what operators ask
 * job_gate.c    gates, and who may start
 * job_offer.c   its release, and whether the catalog lists it
 * job_slot.c    what it holds as long as its session is open
 * job_start.c   how a session begins
 * job_run.c     the session at work: stages, progress, result
 * job_end.c     what becomes of it then
 * job_fail.c    why it failed, and in which step
 * job_member.c  what is particular where many share a radio
 * Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_JOB_H
#define FERRY_GATEWAY_DAEMON_JOB_H

#include "gateway/daemon/bundle.h"
#include "gateway/daemon/child.h"
#include "gateway/daemon/release.h"
#include "gateway/relay/job_state.h"
#include "policy/gates/gates.h"

/* What somebody wants of a job whose session is at work; carried out at the
 * engine's next safe point. */
enum job_wish {
	JOB_WISH_NONE,
	JOB_WISH_PAUSE,
	JOB_WISH_CANCEL,
	JOB_WISH_SUPERSEDE,
	JOB_WISH_REFUSE, /* the release is no longer good */
};

/* What was asked for beyond the release. */
struct job_terms {
	int64_t at_ms; /* not before, 0: at once */
	char window[CONFIG_WINDOW_SIZE];
	bool allow_downgrade; /* below the device's floor */
	bool allow_older;     /* a version that the device counts as older */
	bool by_operator; /* what a person asked for needs no approval */
	char by[ROW_NAME_SIZE];
};

/* The newest row of the ledger for a step; `outcome` is its first letter, 0 when
 * there is none. */
struct job_step {
	int8_t tier; /* enum tier */
	char outcome;
};

struct job {
	struct job *next;
	struct gateway *gateway;
	struct job_row row;
	enum job_state state;
	struct child *child;
	struct release *release; /* NULL: not listed, or no catalog yet */
	struct job_terms terms;
	int reached;             /* enum engine_stage, -1 none; persisted */
	uint8_t expect_hash[64];
	uint8_t expect_hash_len;
	char expect_version[40];
	uint32_t slot;
	uint8_t sends[32]; /* the session's bytes, by their name in the cache */
	struct job_step steps[STEP_COUNT + 1]; /* persisted, for reports */
	struct gates *gates; /* as people see them; NULL: all open */
	enum job_wish wish;
	char wish_by[ROW_NAME_SIZE];
	int wish_code; /* JOB_WISH_REFUSE: why */
	unsigned wish_step; /* and in which of the thirteen steps */

	/* The class wants an envelope with a MAC: made before the session opens,
	 * kept as long as it is open. */
	struct bundle *bundle;
	struct lasthop_hub mac; /* who made it; id "" none; persisted */

	struct session *session;
	/* Counts against the limits of transfers: from the connect on, and where
	 * many share a radio from the first byte on to the last. */
	bool has_slot;
	struct line *line; /* where it counts as a transfer */
	struct line *attached; /* that passes messages to the session */
	int held; /* stage announced and not let do yet; -1 none */
	struct engine_facts facts;
	struct engine_facts facts_before;
	bool facts_known;
	uint64_t offset, total;
	uint64_t rate_offset;
	int64_t rate_ms;
	double rate_bps;
	int64_t told_ms;
	uint64_t transfer_end_ms; /* of the loop's clock; 0: not limited now */
	bool too_slow;            /* stopped at that moment */
	uint64_t confirm_at_ms; /* of the loop's clock; 0: not begun */
	bool confirm_told;
	unsigned absences; /* times in a row that it was not there */
	uint64_t bytes_sent, bytes_repeated;
	uint32_t security;
	bool pinned;
	enum engine_wait wait; /* why an open session does not move */
	int64_t wait_until_ms; /* of the loop's clock; ENGINE_NEVER: unknown */

	bool committing;
	bool commit_failed;
	bool row_changed; /* since the commit that is under way */
	enum job_state next_state;
	int next_reached;
	int before; /* what was reached before the stage that is entered */
	void (*then)(struct job *j);
	bool has_result; /* arrived while a commit was under way */
	enum engine_outcome outcome;
	struct engine_failure failure;
	bool has_failure;
};

/* Makes a job for the child, which has no open one. 0 or -ENOMEM. */
int job_new(struct child *child, struct release *release,
	const struct job_terms *terms, struct job **ret);

/* Puts a job back that the database had open. */
int job_load(struct gateway *g, const struct job_row *row);

/* The terms that the `expect` text of a row keeps; empty ones when there are
 * none. by_operator is not kept. */
void job_terms_read(const char *expect, struct job_terms *ret);

/* Makes an ended job queued again, from its row: `ferryctl retry`. */
int job_reopen(struct gateway *g, const struct job_row *row, const char *who,
	struct job **ret);

struct job *job_find(const struct gateway *g, uint64_t id);

/* Evaluates all gates and starts what may start. Called by schedule.h. */
void job_schedule(struct gateway *g);

/* The gates of one job as they are now. */
void job_judge_gates(const struct job *j, struct gates *ret);

/* Keeps them for people and tells watchers what changed. */
void job_keep_gates(struct job *j, const struct gates *gates);

/* Operator's actions on an open job; 0 or ERR_JOB_STATE. */
int job_approve(struct job *j, const char *who);
int job_decline(struct job *j, const char *who);
/* An admin orders an older version too, of a job that has no offer out yet. */
void job_allow_older(struct job *j);
int job_pause(struct job *j, const char *who);
int job_resume(struct job *j, const char *who);
int job_cancel(struct job *j, const char *who);
int job_retry(struct job *j, const char *who); /* do not wait any longer */
void job_supersede(struct job *j);

/* The device that was not there is seen again: no wait any more. */
void job_came_back(struct job *j);

/* The link of a radio, or to who owns it, came or went, or a device of it went:
 * jobs under way show it. */
void job_line_changed(struct gateway *g, const struct line *l);
/* The same of the device itself, while a session is at work. */
void job_device_is_back(struct job *j);

/* Seconds that are left at the present rate; -1 unknown. */
int64_t job_eta_s(const struct job *j);

/* The release of the current catalog that the job is about, if there is. 0, or
 * -ENOENT when a catalog is in force that does not list it. */
int job_find_release(struct job *j);

/* Whether the catalog in force lists just this job: its release for the class,
 * component and hardware of its device, with the image that it would send, not
 * below the floor. Asked of a job whose release is good, right before the first
 * byte and before activation: what the job was made from, or the database it
 * was read from, may say something else. 0; -EAGAIN while there is no catalog;
 * ERR_JOB_OTHER_IMAGE, ERR_TRUST_*. */
int job_check_offer(const struct job *j);

/* A restart was let do: there is no way back. */
bool job_is_past_return(const struct job *j);

/* The manifest itself demands that a person is asked, and nobody was. */
bool job_must_be_asked(const struct job *j);

/* Its device shares a radio and an engine with others: the session is a member
 * of a network. */
bool job_is_member(const struct job *j);

/* The program that carries it out in our place, or NULL; also of the jobs of a
 * class. */
const char *job_delegate(const struct job *j);
const char *job_class_delegate(const struct gateway *g, const char *name);

/* ---- end ---- */

/* ferryd stops: closes sessions, leaves states as they are. */
void job_stop_all(struct gateway *g);
bool job_all_stopped(const struct gateway *g);

/* The releases are freed next. */
void job_forget_releases(struct gateway *g);

/* At the very end, when nothing of a job is at work. */
void job_free_all(struct gateway *g);

#endif

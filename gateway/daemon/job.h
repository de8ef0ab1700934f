/* Jobs: one release for one device, from the decision to the proof.
 *
 * The states are those of gateway/relay/job_state.h. job_enter() is the one way
 * into a state: it checks the table, queues the commit with everything that
 * belongs to the step, and what is to be done in the new state is done only
 * when the commit is durable. A session's events wait meanwhile. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_JOB_H
#define FERRY_GATEWAY_DAEMON_JOB_H

#include "gateway/daemon/child.h"
#include "gateway/daemon/release.h"
#include "gateway/relay/job_state.h"

enum job_wish { /* what an operator wants, carried out at the next safe point */
	JOB_WISH_NONE,
	JOB_WISH_PAUSE,
	JOB_WISH_CANCEL,
	JOB_WISH_SUPERSEDE,
	JOB_WISH_STOP, /* ferryd stops: leave it as it is */
};

/* What was asked for beyond the release. */
struct job_terms {
	int64_t at_ms;     /* not before, 0: at once */
	char window[CONFIG_WINDOW_SIZE];
	bool allow_downgrade;
	bool by_operator;  /* an update that a person asked for is approved */
	char by[ROW_NAME_SIZE];
};

struct job {
	struct job *next;
	struct gateway *gateway;
	struct job_row row;
	enum job_state state;
	struct child *child;
	struct release *release;
	struct job_terms terms;
	int reached;            /* enum engine_stage, -1 none; persisted */
	struct gates gates;
	enum job_wish wish;
	char wish_by[ROW_NAME_SIZE];

	struct session *session;
	struct line *line;
	char peer[FERRY_KEY_MAX + 1]; /* where it came back as another peer */
	char peer_link[CONFIG_NAME_SIZE];
	bool session_closing;
	int held_stage;         /* announced, not let do yet; -1 none */
	bool held_skip;
	struct engine_facts facts;
	struct engine_facts facts_before; /* pre-state: of step 9 */
	bool facts_known;
	uint64_t offset, total;
	uint64_t rate_from;     /* offset and time that the rate counts from */
	int64_t rate_from_ms;
	double rate_bps;
	int64_t progress_told_ms;
	int64_t confirm_at_ms;  /* CLASS_CONFIRM_AFTER: wall clock, 0 none */
	bool confirm_told;      /* CLASS_CONFIRM_COMMAND: an operator said so */
	uint64_t bytes_sent, bytes_repeated;
	uint32_t security;

	bool committing;
	enum job_state next_state;
	void (*then)(struct job *j);
	bool has_result;        /* arrived while a commit was under way */
	enum engine_outcome result;
	struct engine_failure result_failure;
	bool result_has_failure;
	bool dead;              /* ended; freed when its session is closed */
};

/* Makes a job; 0, ERR_JOB_EXISTS, -ENOMEM. It is planned, queued or waits
 * according to its gates. */
int job_new(struct child *child, struct release *release,
	const struct job_terms *terms, struct job **ret);

/* Puts a job back that the database had open. */
int job_load(struct gateway *g, const struct job_row *row);

struct job *job_find(const struct gateway *g, uint64_t id);

/* Evaluates all gates and starts what may start. Called by gateway_wake(). */
void job_schedule(struct gateway *g);

/* Operator's actions; 0 or why not. */
int job_approve(struct job *j, const char *who);
int job_decline(struct job *j, const char *who);
int job_pause(struct job *j, const char *who);
int job_resume(struct job *j, const char *who);
int job_cancel(struct job *j, const char *who);
int job_retry(struct job *j, const char *who);
void job_supersede(struct job *j);

/* Seconds that are left at the present rate; -1 unknown. */
int64_t job_eta_s(const struct job *j);

/* ferryd stops: closes the sessions, leaves states as they are. */
void job_stop_all(struct gateway *g);
bool job_all_stopped(const struct gateway *g);
void job_free_all(struct gateway *g);

#endif

/* Where the long lists of the admin API come from: sources that the server asks
 * turn by turn, each with a cursor that stays right when things come and go
 * between two turns. */
#include "gateway/daemon/backend_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Devices, candidates and lines have numbers that rise along their list. */
struct walk {
	struct gateway *gateway;
	uint64_t cursor; /* what was given last */
	/* Writes what comes behind the cursor, which moves on; false: nothing
	 * does. */
	bool (*step)(struct walk *w, struct json_out *out);
};

static int walk_on(void *arg, const struct admin_turn *turn)
{
	struct walk *w = arg;

	do {
		if (!w->step(w, turn->out))
			return ADMIN_LIST_WHOLE;
	} while (!admin_turn_is_over(turn));
	return ADMIN_LIST_MORE;
}

static bool put_device(struct walk *w, struct json_out *out)
{
	const struct device *d = registry_device_next(w->gateway->registry,
		&w->cursor);

	if (d)
		view_put_device(out, w->gateway, d);
	return d != NULL;
}

static bool put_candidate(struct walk *w, struct json_out *out)
{
	const struct candidate *c = registry_candidate_next(
		w->gateway->registry, &w->cursor);

	if (c)
		view_put_candidate(out, c);
	return c != NULL;
}

struct plan_out {
	struct gateway *gateway;
	struct json_out *out;
};

static void put_plan_row(void *arg, const struct plan_row *row)
{
	const struct plan_out *p = arg;

	view_put_plan_row(p->out, p->gateway, row);
}

/* All rows of a device in one step: its offers are those of one catalog. */
static bool put_plan(struct walk *w, struct json_out *out)
{
	const struct device *d = registry_device_next(w->gateway->registry,
		&w->cursor);
	struct plan_out p = {w->gateway, out};

	if (d)
		plan_device(w->gateway, d, put_plan_row, &p);
	return d != NULL;
}

static int walk_lines(void *arg, const struct admin_turn *turn)
{
	struct walk *w = arg;

	for (const struct line *l = w->gateway->lines; l; l = l->next) {
		if (l->number <= w->cursor)
			continue;
		w->cursor = l->number;
		view_put_line(turn->out, l);
		if (admin_turn_is_over(turn))
			return ADMIN_LIST_MORE;
	}
	return ADMIN_LIST_WHOLE;
}

static void answer_walk(struct gateway *g, uint64_t token,
	bool (*step)(struct walk *w, struct json_out *out))
{
	struct walk *w = calloc(1, sizeof(*w));
	const struct admin_source source = {
		.arg = w,
		.next = step ? walk_on : walk_lines,
		.end = free,
	};

	if (!w) {
		backend_refuse(g, token, -ENOMEM, "", "", "");
		return;
	}
	w->gateway = g;
	w->step = step;
	admin_answer_list(g->admin, token, &source);
}

void backend_list_devices(struct gateway *g, uint64_t token)
{
	answer_walk(g, token, put_device);
}

void backend_list_candidates(struct gateway *g, uint64_t token)
{
	answer_walk(g, token, put_candidate);
}

void backend_list_lines(struct gateway *g, uint64_t token)
{
	answer_walk(g, token, NULL);
}

void backend_list_plan(struct gateway *g, uint64_t token)
{
	answer_walk(g, token, put_plan);
}

/* ---- jobs ---- */

#define JOB_ROWS 32 /* of the database in one turn */
#define OPEN_JOBS 16 /* between two looks at the clock */

/* Jobs, newest first. Those that have not ended are all in memory; a list of
 * others, or of both, is read from the database a few rows at a time. The
 * list belongs to the server and, meanwhile, to the question. */
struct job_list {
	struct gateway *gateway;
	uint64_t token;
	char device[ADMIN_ID_MAX + 1]; /* "": of all */
	bool only_open;
	bool by_state;
	enum job_state state;
	uint64_t before; /* ids from here on have been looked at; 0: none */
	unsigned left;   /* so many may still be given */
	bool asked;      /* the database */
	bool whole;
	bool more; /* there are more behind the last one */
	bool ended; /* the server wants no more of it */
	int status;
};

static void free_jobs(struct job_list *l)
{
	if (l->ended && !l->asked)
		free(l);
}

static void end_jobs(void *arg)
{
	struct job_list *l = arg;

	l->ended = true;
	free_jobs(l);
}

static bool fits(const struct job_list *l, const struct job *j)
{
	return (!l->before || j->row.id < l->before) &&
		(!l->by_state || j->state == l->state) &&
		(!l->device[0] || !strcmp(j->row.device, l->device));
}

/* The newest open jobs that are still to be given, newest first; their number. */
static unsigned newest_open(const struct job_list *l,
	const struct job *newest[OPEN_JOBS])
{
	unsigned count = 0, i;

	for (const struct job *j = l->gateway->jobs; j; j = j->next) {
		if (!fits(l, j))
			continue;
		if (count < OPEN_JOBS)
			i = count++;
		else if (newest[count - 1]->row.id < j->row.id)
			i = count - 1;
		else
			continue;
		for (; i > 0 && newest[i - 1]->row.id < j->row.id; i--)
			newest[i] = newest[i - 1];
		newest[i] = j;
	}
	return count;
}

static int give_open(struct job_list *l, const struct admin_turn *turn)
{
	const struct job *newest[OPEN_JOBS];
	unsigned count;

	do {
		count = newest_open(l, newest);
		for (unsigned i = 0; i < count && l->left; i++, l->left--) {
			view_put_job(turn->out, newest[i]);
			l->before = newest[i]->row.id;
		}
		if (!l->left)
			count = newest_open(l, newest);
		l->more = count > 0;
		if (!l->left || !l->more)
			return ADMIN_LIST_WHOLE;
	} while (!admin_turn_is_over(turn));
	return ADMIN_LIST_MORE;
}

static void on_job_rows(void *arg, int status, const struct job_row *rows,
	size_t count)
{
	struct job_list *l = arg;
	struct json_out *out;
	size_t i;

	l->asked = false;
	if (l->ended) {
		free_jobs(l);
		return;
	}
	out = admin_list_out(l->gateway->admin, l->token);
	for (i = 0; out && i < count && l->left; i++, l->left--) {
		view_put_job_row(out, l->gateway, &rows[i]);
		l->before = rows[i].id;
	}
	l->status = status;
	l->more = i < count;
	l->whole = l->more || count < JOB_ROWS;
	admin_list_go_on(l->gateway->admin, l->token);
}

/* One row more than may be given says whether there are more. */
static int ask_rows(struct job_list *l)
{
	struct store *store = l->gateway->store;
	size_t limit = l->left < JOB_ROWS ? l->left + 1 : JOB_ROWS;
	int err = l->by_state ? store_jobs_in_state(store, l->device,
		job_state_name(l->state), l->before, limit, on_job_rows, l) :
		store_jobs(store, l->device, true, l->before, limit,
		on_job_rows, l);

	l->asked = err == 0;
	return err ? err : ADMIN_LIST_LATER;
}

static int give_jobs(void *arg, const struct admin_turn *turn)
{
	struct job_list *l = arg;

	if (l->only_open)
		return give_open(l, turn);
	if (l->status)
		return l->status;
	return l->whole ? ADMIN_LIST_WHOLE : ask_rows(l);
}

static void put_next(void *arg, struct json_out *out)
{
	const struct job_list *l = arg;

	view_put_id(out, "next", l->more ? l->before : 0);
}

static int read_state(struct job_list *l, const char *state)
{
	int err = 0;

	if (!state)
		return 0;
	l->only_open = !strcmp(state, "open");
	if (l->only_open)
		return 0;
	err = job_state_parse(state, &l->state);
	l->by_state = !err;
	l->only_open = !err && !job_state_is_ended(l->state);
	return err;
}

void backend_list_jobs(struct gateway *g, uint64_t token,
	const struct admin_query *query)
{
	struct job_list *l = calloc(1, sizeof(*l));
	const struct admin_source source = {
		.arg = l,
		.next = give_jobs,
		.tail = put_next,
		.end = end_jobs,
	};

	if (!l) {
		backend_refuse(g, token, -ENOMEM, "", "", "");
		return;
	}
	if (read_state(l, query->state)) {
		free(l);
		backend_refuse(g, token, ERR_ADMIN_FIELD, "state",
			"must be open or a state of jobs",
			"such as waiting, transferring, done or failed");
		return;
	}
	l->gateway = g;
	l->token = token;
	l->before = query->before;
	l->left = query->limit;
	if (query->device)
		snprintf(l->device, sizeof(l->device), "%s", query->device);
	admin_answer_list(g->admin, token, &source);
}

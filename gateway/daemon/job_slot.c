/* What a job holds as long as its session is open: the session, its place on a
 * line, a slot of the limits of transfers. */
#include "gateway/daemon/job_priv.h"

static void on_session_closed(void *arg)
{
	struct gateway *g = arg;

	g->sessions--;
	gateway_wake(g);
}

/* Its port is free only now. */
static void on_transfer_closed(void *arg)
{
	struct gateway *g = arg;

	g->transfers--;
	on_session_closed(g);
}

static void leave_line(struct job *j)
{
	struct line *l = j->line;

	j->line = NULL;
	if (!l)
		return;
	l->transfers--;
	if (l->job != j->row.id)
		return;
	l->job = 0;
	for (const struct job *k = j->gateway->jobs; l->transfers && k &&
			!l->job; k = k->next)
		if (k->line == l)
			l->job = k->row.id;
}

void job_join_line(struct job *j, struct line *l)
{
	if (j->line == l)
		return;
	leave_line(j);
	l->transfers++;
	l->job = j->row.id;
	j->line = l;
}

void job_take_slot(struct job *j)
{
	if (!j->has_slot)
		j->gateway->transfers++;
	j->has_slot = true;
}

void job_give_slot(struct job *j)
{
	leave_line(j);
	if (j->has_slot)
		j->gateway->transfers--;
	j->has_slot = false;
}

bool job_finds_slot(const struct job *j)
{
	const struct gateway *g = j->gateway;
	const struct device *d = child_device(j->child);
	const struct line *l = d ? line_find(g, d->link) : NULL;

	if (g->config->relay.max_transfers &&
			g->transfers >= g->config->relay.max_transfers)
		return false;
	if (!l || (l->config->max_transfers &&
			l->transfers >= l->config->max_transfers))
		return false;
	return true;
}

void job_end_session(struct job *j)
{
	struct session *s = j->session;

	j->session = NULL;
	j->held = ENGINE_STAGE_NONE;
	j->child->peer[0] = '\0';
	j->attached = NULL;
	j->wait = ENGINE_WAIT_NONE;
	leave_line(j);
	if (s) {
		line_forget(j->gateway, s);
		session_close(s, j->has_slot ? on_transfer_closed :
			on_session_closed, j->gateway);
		j->has_slot = false;
	}
	job_give_slot(j);
	bundle_close(j->bundle);
	j->bundle = NULL;
}

void job_stop_all(struct gateway *g)
{
	for (struct job *j = g->jobs; j; j = j->next) {
		job_end_session(j);
		j->has_result = false;
	}
}

bool job_all_stopped(const struct gateway *g)
{
	return g->transfers == 0 && g->sessions == 0;
}

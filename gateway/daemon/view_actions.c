/* What a person can do with a job, as the admin API names it: first what helps
 * most. Nothing that would be refused, or fail again. */
#include "gateway/daemon/view.h"

#include "gateway/admin/remedy.h"

static void add(struct json_out *out, const char *action)
{
	json_out_text(out, NULL, action);
}

/* Its image is confirmed by a person, who has not done so yet. */
static bool waits_for_confirm(const struct job *j)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);

	return j->held == ENGINE_STAGE_CONFIRM && !j->confirm_told && c &&
		c->device.confirm == CLASS_CONFIRM_COMMAND;
}

static bool may_become(const struct job *j, enum job_state state)
{
	if (job_is_past_return(j) && job_state_is_active(j->state))
		return false;
	return job_state_is_active(j->state) ||
		job_state_may_follow(j->state, state);
}

static void add_open(struct json_out *out, const struct job *j)
{
	bool asked = j->gates && gates_is_waiting(j->gates, GATE_APPROVAL);

	if (asked || waits_for_confirm(j))
		add(out, "approve");
	if (asked && !j->session && job_state_may_follow(j->state,
			JOB_DECLINED))
		add(out, "decline");
	if (j->gates && gates_is_waiting(j->gates, GATE_RETRY))
		add(out, "retry");
	if (j->state == JOB_PAUSED)
		add(out, "resume");
	else if (may_become(j, JOB_PAUSED))
		add(out, "pause");
	if (may_become(j, JOB_CANCELLED))
		add(out, "cancel");
}

static void add_remedy(struct json_out *out, int code)
{
	switch (code ? remedy_of(code)->act : REMEDY_ACT_RETRY) {
	case REMEDY_ACT_NOTHING:
		return;
	case REMEDY_ACT_RETRY:
		add(out, "retry");
		return;
	case REMEDY_ACT_CLASSIFY:
		add(out, "classify");
		return;
	case REMEDY_ACT_DOWNGRADE:
		add(out, "downgrade");
		return;
	}
}

/* Only the latest job of a device that has no open one can go on. */
static bool is_latest(const struct gateway *g, const struct job_row *row)
{
	const struct child *c = child_find(g, row->device);

	return c && !c->job && c->ended.job <= row->id;
}

void view_put_actions(struct json_out *out, const struct job *j)
{
	json_out_array(out, "actions");
	if (!job_state_is_ended(j->state))
		add_open(out, j);
	json_out_end_array(out);
}

static void add_ended(struct json_out *out, const struct gateway *g,
	const struct job_row *row)
{
	enum job_state state;

	if (job_state_parse(row->state, &state) || !is_latest(g, row))
		return;
	if (state == JOB_FAILED || state == JOB_UNVERIFIED)
		add_remedy(out, row->failure.code);
	else if (state == JOB_DECLINED || state == JOB_CANCELLED ||
			state == JOB_QUARANTINED)
		add(out, "retry");
}

void view_put_actions_of_ended(struct json_out *out, const struct gateway *g,
	const struct job_row *row)
{
	json_out_array(out, "actions");
	add_ended(out, g, row);
	json_out_end_array(out);
}

/* What a person can do with a job, as the admin API names it: first what helps
 * most. Nothing that would be refused, or fail again. */
#include "gateway/daemon/view.h"

#include "gateway/admin/remedy.h"

static void add(json_t *list, const char *action)
{
	json_array_append_new(list, json_string(action));
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

static void add_open(json_t *list, const struct job *j)
{
	bool asked = j->gates && gates_is_waiting(j->gates, GATE_APPROVAL);

	if (asked || waits_for_confirm(j))
		add(list, "approve");
	if (asked && !j->session && job_state_may_follow(j->state,
			JOB_DECLINED))
		add(list, "decline");
	if (j->gates && gates_is_waiting(j->gates, GATE_RETRY))
		add(list, "retry");
	if (j->state == JOB_PAUSED)
		add(list, "resume");
	else if (may_become(j, JOB_PAUSED))
		add(list, "pause");
	if (may_become(j, JOB_CANCELLED))
		add(list, "cancel");
}

static void add_remedy(json_t *list, int code)
{
	switch (code ? remedy_of(code)->act : REMEDY_ACT_RETRY) {
	case REMEDY_ACT_NOTHING:
		return;
	case REMEDY_ACT_RETRY:
		add(list, "retry");
		return;
	case REMEDY_ACT_CLASSIFY:
		add(list, "classify");
		return;
	case REMEDY_ACT_DOWNGRADE:
		add(list, "downgrade");
		return;
	}
}

/* Only the latest job of a device that has no open one can go on. */
static bool is_latest(const struct gateway *g, const struct job_row *row)
{
	const struct child *c = child_find(g, row->device);

	return c && !c->job && c->ended.job <= row->id;
}

json_t *view_actions(const struct job *j)
{
	json_t *list = json_array();

	if (!job_state_is_ended(j->state))
		add_open(list, j);
	return list;
}

json_t *view_actions_of_ended(const struct gateway *g,
	const struct job_row *row)
{
	json_t *list = json_array();
	enum job_state state;

	if (job_state_parse(row->state, &state) || !is_latest(g, row))
		return list;
	if (state == JOB_FAILED || state == JOB_UNVERIFIED)
		add_remedy(list, row->failure.code);
	else if (state == JOB_DECLINED || state == JOB_CANCELLED ||
			state == JOB_QUARANTINED)
		add(list, "retry");
	return list;
}

#include "gateway/daemon/job_priv.h"

#include <stdio.h>

/* Where a job is that fails in this state. */
static unsigned step_of_state(enum job_state state)
{
	switch (state) {
	case JOB_CONNECTING:
	case JOB_TRANSFERRING:
		return STEP_DISTRIBUTE;
	case JOB_VERIFYING:
		return STEP_PROCESS;
	case JOB_STAGED:
		return STEP_STAGE;
	case JOB_ACTIVATING:
		return STEP_APPLY;
	case JOB_CONFIRMING:
		return STEP_ACTIVATE;
	case JOB_AVAILABLE:
	case JOB_QUEUED:
	case JOB_WAITING:
	case JOB_PAUSED:
	case JOB_DONE:
	case JOB_UNVERIFIED:
	case JOB_FAILED:
	case JOB_DECLINED:
	case JOB_CANCELLED:
	case JOB_SUPERSEDED:
	case JOB_QUARANTINED:
	case JOB_STATES:
		break;
	}
	return STEP_ANNOUNCE;
}

/* What the device says after its restart is a step of its own. */
static unsigned step_of(const struct job *j, bool by_engine)
{
	if (by_engine && j->failure.step &&
			!strcmp(j->failure.step, "read-back") &&
			job_is_past_return(j))
		return STEP_REVERIFY;
	return step_of_state(j->state);
}

unsigned job_step_of_refusal(const struct job *j, int code)
{
	const struct verdict *v = j->release ? &j->release->verdict : NULL;
	unsigned step = code == ERR_JOB_TIER ? job_tier_shortfall(j) : 0;

	for (unsigned i = 0; v && i < v->count && !step; i++)
		if (v->rows[i].outcome == CHECK_FAIL)
			step = v->rows[i].step;
	return step ? step : STEP_CHECK;
}

void job_note_failure(struct job *j, int code, unsigned step,
	const char *hint)
{
	struct job_failure *f = &j->row.failure;
	bool by_engine = j->has_failure && j->failure.code == code;

	*f = (struct job_failure){
		.code = code,
		.step = (int)(step ? step : step_of(j, by_engine)),
		.offset = j->offset,
	};
	if (by_engine) {
		if (j->failure.offset)
			f->offset = j->failure.offset;
		bytes_to_printable(bytes_of_text(j->failure.device_status),
			f->device_status, sizeof(f->device_status));
		bytes_to_printable(bytes_of_text(j->failure.hint), f->hint,
			sizeof(f->hint));
	}
	if (hint && !f->hint[0])
		snprintf(f->hint, sizeof(f->hint), "%s", hint);
}

void job_fail(struct job *j, int code, unsigned step, const char *hint)
{
	job_note_failure(j, code, step, hint);
	job_enter(j, JOB_FAILED, NULL);
}

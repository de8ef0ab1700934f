/* What the steps of a job have in common: how it ends, what it asks next, and
 * what the device said that its slots hold. */
#include "devices/smp/session.h"

#include <stdarg.h>
#include <stdio.h>

void smp_job_end(struct smp_session *s, enum engine_outcome outcome)
{
	smp_ask_stop(s);
	s->goes_on = false;
	s->phase = SMP_PHASE_OVER;
	s->outcome = outcome;
	s->wants = (s->wants & (SMP_WANT_FACTS | SMP_WANT_PROGRESS)) |
		SMP_WANT_RESULT;
}

static void fill_failure(struct smp_session *s, int code, const char *step)
{
	s->failure = (struct engine_failure){
		.code = code,
		.step = step,
		.offset = s->upload.acked,
	};
	if (s->status.failed)
		smp_status_text(&s->status, s->failure.device_status,
			sizeof(s->failure.device_status));
}

void smp_job_fail(struct smp_session *s, int code, const char *step,
	const char *hint, ...)
{
	va_list args;

	fill_failure(s, code, step);
	va_start(args, hint);
	vsnprintf(s->failure.hint, sizeof(s->failure.hint), hint, args);
	va_end(args);
	smp_job_end(s, ENGINE_FAILED);
}

void smp_job_end_unproven(struct smp_session *s, const char *hint)
{
	fill_failure(s, ERR_SMP_NO_READ_BACK, "read-back");
	snprintf(s->failure.hint, sizeof(s->failure.hint), "%s", hint);
	smp_job_end(s, ENGINE_UNVERIFIED);
}

void smp_job_enter(struct smp_session *s, enum smp_phase phase,
	enum smp_ask what, unsigned tries, int64_t now_ms)
{
	s->phase = phase;
	smp_ask(s, what, (uint32_t)s->options.answer_ms, tries - 1, now_ms);
}

void smp_job_ask_state(struct smp_session *s, enum smp_phase phase,
	int64_t now_ms)
{
	smp_job_enter(s, phase, SMP_ASK_STATE, SMP_TRIES, now_ms);
}

struct smp_view smp_job_view(const struct smp_session *s)
{
	return (struct smp_view){
		.slots = s->slots,
		.slot_count = s->slot_count,
		.image = s->image_number,
		.want = s->goal == ENGINE_GOAL_UPDATE ? &s->image : NULL,
		.restarted = s->restarted ||
			s->reached >= ENGINE_STAGE_RESTART,
		.marked = s->marked || s->reached >= ENGINE_STAGE_RESTART,
		.before = s->has_before ? &s->before : NULL,
	};
}

void smp_job_take_state(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	struct smp_view v;

	memcpy(s->slots, a->slots, sizeof(s->slots));
	s->slot_count = a->slot_count;
	s->state_ms = now_ms;
	v = smp_job_view(s);
	smp_flow_facts(&v, &s->facts);
	if (s->options.recovery)
		s->facts.confirmed = -1;
	s->wants |= SMP_WANT_FACTS;
}

bool smp_job_read_state(struct smp_session *s, const struct smp_answer *a,
	const char *step, int64_t now_ms)
{
	if (a && !a->status.failed) {
		smp_job_take_state(s, a, now_ms);
		return true;
	}
	if (a)
		smp_job_fail(s, ERR_SMP_STATUS, step, "%s", "");
	else
		smp_job_fail(s, ERR_SMP_TIMEOUT, step, "%s", "");
	return false;
}

void smp_job_end_running(struct smp_session *s)
{
	struct smp_view v = smp_job_view(s);

	if (s->blind)
		smp_job_end_unproven(s, "nothing is known to compare with");
	else if (smp_flow_holds(smp_flow_active(&v), &s->image, true))
		smp_job_end(s, ENGINE_DONE);
	else
		smp_job_end_unproven(s,
			"the device reports neither hash nor version");
}

void smp_job_fail_by_plan(struct smp_session *s, enum smp_plan plan)
{
	const char *runs = s->facts.version[0] ? s->facts.version :
		"an unknown version";

	s->status.failed = false;
	if (plan == SMP_PLAN_REVERTED)
		smp_job_fail(s, ERR_SMP_REVERTED, "read-back",
			"it runs %s again; the new image did not stay", runs);
	else if (plan == SMP_PLAN_OTHER)
		smp_job_fail(s, ERR_SMP_OTHER_IMAGE, "read-back",
			"it runs %s", runs);
	else
		smp_job_fail(s, ERR_SMP_BOOT_REFUSED, "read-back",
			"it still runs %s; check signature, link address and "
			"version of the image", runs);
}

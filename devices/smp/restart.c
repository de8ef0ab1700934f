/* The restart of a device, and how it comes back. */
#include "devices/smp/session.h"

#define POLL_PATIENCE_MS 1000
#define POLL_PAUSE_MS 500
#define RESET_REPEAT_MS 10000
#define RESETS_MAX 3

void smp_restart_settle(struct smp_session *s, int64_t now_ms)
{
	smp_ask_stop(s);
	s->phase = SMP_PHASE_SETTLE;
	s->wake_ms = now_ms + s->options.boot_ms;
	s->wants |= SMP_WANT_RECONNECT;
}

static void reset_now(struct smp_session *s, int64_t now_ms)
{
	s->resets++;
	if (!s->reset_line) {
		smp_job_enter(s, SMP_PHASE_RESET, SMP_ASK_RESET, 1, now_ms);
		return;
	}
	s->restarted = true;
	s->reset_ms = now_ms;
	s->facts.exchanges = 0;
	s->wants |= SMP_WANT_LINE;
	smp_restart_settle(s, now_ms);
}

void smp_restart_go(struct smp_session *s, int64_t now_ms)
{
	if (s->resets >= RESETS_MAX) {
		smp_job_fail(s, ERR_SMP_NOT_RESTARTED, "restart",
			"the image still waits for the next start");
		return;
	}
	s->return_ms = now_ms + s->return_limit_ms;
	reset_now(s, now_ms);
}

void smp_restart_answered(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	if (!a || !a->status.failed) {
		smp_restart_settle(s, now_ms);
		return;
	}
	s->restarted = false;
	if (smp_status_judge(&a->status) == SMP_BUSY &&
			s->options.force_reset && !s->forced) {
		s->forced = true;
		smp_job_enter(s, SMP_PHASE_RESET, SMP_ASK_RESET, 1, now_ms);
		return;
	}
	smp_job_fail(s, ERR_SMP_RESET_REFUSED, "reset",
		"the application holds it back; the image waits for the next "
		"start");
}

void smp_restart_poll_later(struct smp_session *s, int64_t now_ms)
{
	smp_ask_stop(s);
	s->phase = SMP_PHASE_SETTLE;
	s->wake_ms = now_ms + POLL_PAUSE_MS;
}

void smp_restart_expect(struct smp_session *s, int64_t now_ms)
{
	s->reset_ms = now_ms;
	s->return_ms = now_ms + s->return_limit_ms;
	s->wants |= SMP_WANT_RECONNECT;
	smp_restart_poll_later(s, now_ms);
}

void smp_restart_poll(struct smp_session *s, int64_t now_ms)
{
	s->phase = SMP_PHASE_RETURN;
	smp_ask(s, SMP_ASK_STATE, POLL_PATIENCE_MS, 0, now_ms);
}

void smp_restart_give_up(struct smp_session *s)
{
	s->status.failed = false;
	if (s->in_place || s->options.recovery || s->no_state)
		smp_job_end_unproven(s,
			"after its restart it does not speak SMP");
	else
		smp_job_fail(s, ERR_SMP_NO_RETURN, "restart",
			"no answer within %d s", s->return_limit_ms / 1000);
}

static void not_restarted(struct smp_session *s, int64_t now_ms)
{
	if (now_ms >= s->return_ms)
		smp_job_fail(s, ERR_SMP_NOT_RESTARTED, "restart",
			"the image still waits for the next start");
	else if (now_ms - s->reset_ms >= RESET_REPEAT_MS &&
			s->resets < RESETS_MAX)
		reset_now(s, now_ms);
	else
		smp_restart_poll_later(s, now_ms);
}

void smp_restart_returned(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	enum smp_plan plan;
	struct smp_view v;

	if (!a || (a->status.failed && smp_status_judge(&a->status) !=
				SMP_UNSUPPORTED)) {
		if (now_ms >= s->return_ms)
			smp_restart_give_up(s);
		else
			smp_restart_poll_later(s, now_ms);
		return;
	}
	if (a->status.failed) {
		smp_job_end_unproven(s,
			"the device does not tell what it runs");
		return;
	}
	smp_job_take_state(s, a, now_ms);
	v = smp_job_view(s);
	plan = smp_flow_plan(&v);
	if (plan == SMP_PLAN_WAIT)
		not_restarted(s, now_ms);
	else if (plan == SMP_PLAN_CONFIRM || plan == SMP_PLAN_DONE)
		smp_job_ask_state(s, SMP_PHASE_SECOND, now_ms);
	else
		smp_job_fail_by_plan(s, plan);
}

void smp_restart_second(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	if (!a || a->status.failed) {
		if (now_ms >= s->return_ms)
			smp_restart_give_up(s);
		else
			smp_restart_poll_later(s, now_ms);
		return;
	}
	smp_job_take_state(s, a, now_ms);
	smp_steps_decide(s, now_ms);
}

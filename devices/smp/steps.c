#include "devices/smp/session.h"

#include <stdio.h>

#define WATCH_MS 10000
#define STATE_FRESH_MS 30000
#define CONFIRMS_MAX 2
#define SPLIT_GAIN 32

static void note_before(struct smp_session *s)
{
	struct smp_view v = smp_job_view(s);
	const struct smp_slot *active = smp_flow_active(&v);

	s->has_before = active != NULL;
	if (active)
		s->before = *active;
}

void smp_steps_begin(struct smp_session *s, int64_t now_ms)
{
	unsigned tries = SMP_TRIES + 1;

	/* A device that was restarted may still be busy with its swap. */
	if (s->reached >= ENGINE_STAGE_RESTART)
		tries += (unsigned)(s->return_limit_ms /
			s->options.answer_ms);
	s->has_params = false;
	s->splits = s->options.reassembly == 1;
	s->no_state = false;
	s->recheck = false;
	smp_job_enter(s, SMP_PHASE_PARAMS, SMP_ASK_PARAMS, tries, now_ms);
}

/* Announces a stage; one that this job was given before goes on at once. */
static void announce(struct smp_session *s, enum engine_stage stage,
	int64_t now_ms)
{
	smp_ask_stop(s);
	if (s->withdrawn) {
		smp_job_end(s, ENGINE_WITHDRAWN);
		return;
	}
	s->stage = stage;
	if (s->granted & 1U << stage) {
		s->phase = SMP_PHASE_AWAIT_GO;
		s->goes_on = true;
		return;
	}
	s->phase = stage == ENGINE_STAGE_CONFIRM ? SMP_PHASE_WATCH :
		SMP_PHASE_AWAIT_GO;
	s->wake_ms = now_ms + WATCH_MS;
	s->wants |= SMP_WANT_STAGE;
}

/* A server without image state: nothing can be asked, nothing proven. */
static void decide_blind(struct smp_session *s, int64_t now_ms)
{
	if (s->restarted || s->reached >= ENGINE_STAGE_RESTART)
		smp_job_end_unproven(s,
			"the device does not tell what it runs");
	else if (s->uploaded)
		announce(s, ENGINE_STAGE_STAGED, now_ms);
	else
		announce(s, ENGINE_STAGE_TRANSFER, now_ms);
}

static void decide_running(struct smp_session *s, enum smp_plan plan,
	int64_t now_ms)
{
	bool idle = s->options.recovery || s->in_place;

	/* In recovery nothing runs yet, whatever the primary slot holds. */
	if (idle && !s->restarted && s->reached < ENGINE_STAGE_RESTART) {
		s->skip_mark = true;
		announce(s, ENGINE_STAGE_STAGED, now_ms);
		return;
	}
	if (plan == SMP_PLAN_CONFIRM) {
		s->restarted = true;
		announce(s, ENGINE_STAGE_CONFIRM, now_ms);
		return;
	}
	smp_job_end_running(s);
}

void smp_steps_decide(struct smp_session *s, int64_t now_ms)
{
	struct smp_view v = smp_job_view(s);
	enum smp_plan plan;

	if (s->no_state) {
		decide_blind(s, now_ms);
		return;
	}
	plan = smp_flow_plan(&v);
	if (!v.restarted)
		note_before(s);
	switch (plan) {
	case SMP_PLAN_UPLOAD:
		announce(s, ENGINE_STAGE_TRANSFER, now_ms);
		return;
	case SMP_PLAN_RESTART:
	case SMP_PLAN_MARK:
		s->marked = plan == SMP_PLAN_RESTART;
		s->skip_mark = s->marked;
		announce(s, ENGINE_STAGE_STAGED, now_ms);
		return;
	case SMP_PLAN_WAIT:
		s->marked = true;
		if (s->reached >= ENGINE_STAGE_RESTART && s->resets == 0)
			smp_restart_expect(s, now_ms);
		else
			announce(s, ENGINE_STAGE_RESTART, now_ms);
		return;
	case SMP_PLAN_CONFIRM:
	case SMP_PLAN_DONE:
		decide_running(s, plan, now_ms);
		return;
	case SMP_PLAN_REVERTED:
	case SMP_PLAN_NOT_TAKEN:
	case SMP_PLAN_OTHER:
		smp_job_fail_by_plan(s, plan);
		return;
	}
}

static void after_params(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	if (!a) {
		smp_job_fail(s, ERR_SMP_TIMEOUT, "connect",
			"is it switched on, and is this its line?");
		return;
	}
	s->has_params = !a->status.failed && a->has_buf_size;
	if (s->has_params) {
		s->buf_size = a->buf_size > SMP_MESSAGE_MAX ?
			SMP_MESSAGE_MAX : (size_t)a->buf_size;
		s->buf_count = a->buf_count > 255 ? 255 :
			(unsigned)a->buf_count;
	}
	smp_job_enter(s, SMP_PHASE_MODE, SMP_ASK_MODE, 2, now_ms);
}

static void after_mode(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	bool probe = s->framing == SMP_DATAGRAM && s->has_params &&
		s->options.reassembly == 0 &&
		s->goal == ENGINE_GOAL_UPDATE &&
		s->buf_size >= s->max_payload + SPLIT_GAIN;

	if (a && !a->status.failed && a->has_mode) {
		snprintf(s->facts.mode, sizeof(s->facts.mode), "%s",
			smp_mode_name(a->mode));
		s->facts.can_revert = smp_mode_reverts(a->mode);
	}
	if (s->options.recovery) {
		snprintf(s->facts.mode, sizeof(s->facts.mode), "recovery");
		s->facts.can_revert = 0;
	}
	if (probe)
		smp_job_enter(s, SMP_PHASE_SPLIT, SMP_ASK_SPLIT, 1, now_ms);
	else
		smp_job_ask_state(s, SMP_PHASE_STATE, now_ms);
}

static void after_split(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	s->splits = a && !a->status.failed && a->echo.len == s->max_payload;
	smp_job_ask_state(s, SMP_PHASE_STATE, now_ms);
}

static void after_state(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	s->no_state = a && a->status.failed &&
		smp_status_judge(&a->status) == SMP_UNSUPPORTED;
	if (s->no_state) {
		s->facts.can_prove = 0;
		s->wants |= SMP_WANT_FACTS;
	} else if (!smp_job_read_state(s, a, "state", now_ms)) {
		return;
	}
	if (s->goal == ENGINE_GOAL_INVENTORY)
		smp_job_end(s, ENGINE_DONE);
	else
		smp_steps_decide(s, now_ms);
}

void smp_steps_uploaded(struct smp_session *s, int64_t now_ms)
{
	if (s->upload.state == SMP_UPLOAD_FAILED) {
		s->status = s->upload.status;
		smp_job_ask_state(s, SMP_PHASE_CURE_READ, now_ms);
		return;
	}
	s->uploaded = true;
	if (s->no_state)
		announce(s, ENGINE_STAGE_STAGED, now_ms);
	else
		smp_job_ask_state(s, SMP_PHASE_VERIFY, now_ms);
}

static void upload_again(struct smp_session *s, int64_t now_ms)
{
	smp_upload_reset(&s->upload);
	s->phase = SMP_PHASE_UPLOAD;
	smp_transfer_start(s, now_ms);
}

/* Where no hash is known to expect, the one that the slot shows after the
 * upload is what has to run later. */
static void adopt_hash(struct smp_session *s, const struct smp_slot *slot)
{
	if (s->image.hash_len)
		return;
	memcpy(s->image.hash, slot->hash, slot->hash_len);
	s->image.hash_len = slot->hash_len;
}

/* All bytes are there. Which slot holds them, and are they the right ones? */
static void after_verify(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	struct smp_view v;
	const struct smp_slot *other;

	if (!smp_job_read_state(s, a, "verify", now_ms))
		return;
	v = smp_job_view(s);
	other = smp_flow_other(&v);
	if (smp_flow_holds(other, &s->image, true) || (s->blind && other)) {
		adopt_hash(s, other);
		s->marked = other->pending;
		s->skip_mark = s->marked;
		announce(s, ENGINE_STAGE_STAGED, now_ms);
	} else if (smp_flow_holds(smp_flow_active(&v), &s->image, true) ||
			(s->blind && s->slot_count)) {
		s->in_place = true;
		s->skip_mark = true;
		s->facts.can_revert = 0;
		announce(s, ENGINE_STAGE_STAGED, now_ms);
	} else if (s->fresh++ == 0) {
		upload_again(s, now_ms);
	} else {
		smp_job_fail(s, ERR_SMP_HASH, "verify", "its slot holds %s",
			other ? "an image of another hash" :
			"no readable image");
	}
}

/* The device had no free slot, or said only "bad state". The list tells why. */
static void after_cure_read(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	struct smp_status refusal = s->upload.status;
	const struct smp_slot *active, *other;
	struct smp_view v;
	bool unconfirmed;

	if (!smp_job_read_state(s, a, "upload", now_ms))
		return;
	v = smp_job_view(s);
	active = smp_flow_active(&v);
	other = smp_flow_other(&v);
	unconfirmed = active && active->active && !active->confirmed;
	s->status = refusal;
	if (unconfirmed && s->options.confirm_running && !s->cured) {
		s->cured = true;
		smp_job_enter(s, SMP_PHASE_CURE, SMP_ASK_CONFIRM, SMP_TRIES,
			now_ms);
	} else if (unconfirmed) {
		smp_job_fail(s, ERR_SMP_NO_FREE_SLOT, "upload", "it runs %s "
			"unconfirmed: confirm that or let it revert",
			s->facts.version);
	} else if (other && other->pending) {
		smp_job_fail(s, ERR_SMP_PENDING, "upload", "%s waits for the "
			"next start: restart or erase it", other->version);
	} else if (s->options.upgrade_only && refusal.group < 0) {
		smp_job_fail(s, ERR_SMP_DOWNGRADE, "upload", "it runs %s, "
			"the image is %s", s->facts.version, s->image.version);
	} else {
		smp_job_fail(s, ERR_SMP_NO_FREE_SLOT, "upload", "%s", "");
	}
}

static void after_cure(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	if (a && a->status.failed)
		smp_job_fail(s, ERR_SMP_NO_FREE_SLOT, "upload",
			"it refuses to confirm the image that runs");
	else
		smp_job_ask_state(s, SMP_PHASE_STATE, now_ms);
}

/* After a mark, by the state: pending, running already, or refused. */
static void judge_mark(struct smp_session *s, int64_t now_ms)
{
	struct smp_view v = smp_job_view(s);
	const struct smp_slot *other = smp_flow_other(&v);

	if (smp_flow_holds(other, &s->image, true) && other->pending) {
		s->marked = true;
		announce(s, ENGINE_STAGE_RESTART, now_ms);
	} else if (smp_flow_holds(smp_flow_active(&v), &s->image, true)) {
		smp_steps_decide(s, now_ms);
	} else if (s->status.failed) {
		smp_job_fail(s, ERR_SMP_PENDING, "test", "%s",
			other && other->pending ?
			"another image waits for the next start already" :
			"the running image may have to be confirmed first");
	} else {
		smp_job_fail(s, ERR_SMP_STATUS, "test",
			"it took the request and did not mark the image");
	}
}

static void after_mark(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	enum smp_verdict verdict;

	if (!a) {
		smp_job_fail(s, ERR_SMP_TIMEOUT, "test", "%s", "");
		return;
	}
	verdict = smp_status_judge(&a->status);
	if (verdict == SMP_UNSUPPORTED) {
		/* Direct-XIP: the bootloader chooses by version. */
		announce(s, ENGINE_STAGE_RESTART, now_ms);
	} else if (verdict == SMP_OK && a->has_images) {
		smp_job_take_state(s, a, now_ms);
		judge_mark(s, now_ms);
	} else if (verdict == SMP_OK || verdict == SMP_TEST_ACTIVE ||
			verdict == SMP_IS_PENDING || verdict == SMP_BAD_STATE ||
			verdict == SMP_OTHER) {
		smp_job_ask_state(s, SMP_PHASE_MARK_READ, now_ms);
	} else {
		smp_job_fail(s, ERR_SMP_STATUS, "test", "%s", "");
	}
}

static void after_mark_read(struct smp_session *s, const struct smp_answer *a,
	struct smp_status refusal, int64_t now_ms)
{
	if (!smp_job_read_state(s, a, "test", now_ms))
		return;
	s->status = refusal;
	judge_mark(s, now_ms);
}

/* While GO for the confirm is awaited: has the device changed its mind? */
static void after_watch(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	enum smp_plan plan;
	struct smp_view v;

	s->wake_ms = now_ms + WATCH_MS;
	if (!a || a->status.failed)
		return;
	smp_job_take_state(s, a, now_ms);
	v = smp_job_view(s);
	plan = smp_flow_plan(&v);
	if (plan == SMP_PLAN_DONE)
		smp_job_end_running(s);
	else if (plan != SMP_PLAN_CONFIRM)
		smp_job_fail_by_plan(s, SMP_PLAN_REVERTED);
}

static void after_check(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	enum smp_plan plan;
	struct smp_view v;

	if (!smp_job_read_state(s, a, "confirm", now_ms))
		return;
	v = smp_job_view(s);
	plan = smp_flow_plan(&v);
	if (plan == SMP_PLAN_DONE || (plan == SMP_PLAN_CONFIRM &&
				s->skip_confirm))
		smp_job_end_running(s);
	else if (plan != SMP_PLAN_CONFIRM)
		smp_job_fail_by_plan(s, SMP_PLAN_REVERTED);
	else if (s->confirms++ < CONFIRMS_MAX)
		smp_job_enter(s, SMP_PHASE_CONFIRM, SMP_ASK_CONFIRM, SMP_TRIES,
			now_ms);
	else
		smp_job_fail(s, ERR_SMP_NOT_CONFIRMED, "confirm",
			"it takes the confirmation and stays unconfirmed");
}

static void after_confirm(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	enum smp_verdict verdict = a ? smp_status_judge(&a->status) : SMP_OK;

	if (verdict == SMP_UNSUPPORTED)
		smp_job_end_running(s);
	else if (verdict == SMP_OK)
		smp_job_ask_state(s, SMP_PHASE_CHECK, now_ms);
	else
		smp_job_fail(s, ERR_SMP_NOT_CONFIRMED, "confirm",
			"it refuses the confirmation and may revert");
}

void smp_steps_answer(struct smp_session *s, const struct smp_answer *a,
	int64_t now_ms)
{
	struct smp_status refusal = s->mark_status;

	switch (s->phase) {
	case SMP_PHASE_PARAMS:
		after_params(s, a, now_ms);
		return;
	case SMP_PHASE_MODE:
		after_mode(s, a, now_ms);
		return;
	case SMP_PHASE_SPLIT:
		after_split(s, a, now_ms);
		return;
	case SMP_PHASE_STATE:
		after_state(s, a, now_ms);
		return;
	case SMP_PHASE_VERIFY:
		after_verify(s, a, now_ms);
		return;
	case SMP_PHASE_CURE_READ:
		after_cure_read(s, a, now_ms);
		return;
	case SMP_PHASE_CURE:
		after_cure(s, a, now_ms);
		return;
	case SMP_PHASE_MARK:
		s->mark_status = a ? a->status : (struct smp_status){0};
		after_mark(s, a, now_ms);
		return;
	case SMP_PHASE_MARK_READ:
		after_mark_read(s, a, refusal, now_ms);
		return;
	case SMP_PHASE_RESET:
		smp_restart_answered(s, a, now_ms);
		return;
	case SMP_PHASE_RETURN:
		smp_restart_returned(s, a, now_ms);
		return;
	case SMP_PHASE_SECOND:
		smp_restart_second(s, a, now_ms);
		return;
	case SMP_PHASE_WATCH:
		after_watch(s, a, now_ms);
		return;
	case SMP_PHASE_CHECK:
		after_check(s, a, now_ms);
		return;
	case SMP_PHASE_CONFIRM:
		after_confirm(s, a, now_ms);
		return;
	case SMP_PHASE_IDLE:
	case SMP_PHASE_AWAIT_GO:
	case SMP_PHASE_UPLOAD:
	case SMP_PHASE_SETTLE:
	case SMP_PHASE_OVER:
		return;
	}
}

static void go_activate(struct smp_session *s, int64_t now_ms)
{
	if (s->skip_mark || s->no_state)
		announce(s, ENGINE_STAGE_RESTART, now_ms);
	else
		smp_job_enter(s, SMP_PHASE_MARK, SMP_ASK_MARK, SMP_TRIES,
			now_ms);
}

void smp_steps_go(struct smp_session *s, enum engine_stage stage, bool skip,
	int64_t now_ms)
{
	bool waits = s->phase == SMP_PHASE_AWAIT_GO ||
		s->phase == SMP_PHASE_WATCH;

	if (!waits || stage != s->stage)
		return;
	s->granted |= 1U << stage;
	s->wants &= ~(unsigned)SMP_WANT_STAGE;
	if (stage == ENGINE_STAGE_CONFIRM)
		s->skip_confirm = skip;
	if (!s->up || s->recheck) {
		smp_steps_begin(s, now_ms);
		return;
	}
	if (!s->no_state && stage != ENGINE_STAGE_CONFIRM &&
			now_ms - s->state_ms > STATE_FRESH_MS) {
		smp_job_ask_state(s, SMP_PHASE_STATE, now_ms);
		return;
	}
	switch (stage) {
	case ENGINE_STAGE_TRANSFER:
		s->phase = SMP_PHASE_UPLOAD;
		smp_transfer_start(s, now_ms);
		return;
	case ENGINE_STAGE_STAGED:
		announce(s, ENGINE_STAGE_ACTIVATE, now_ms);
		return;
	case ENGINE_STAGE_ACTIVATE:
		go_activate(s, now_ms);
		return;
	case ENGINE_STAGE_RESTART:
		smp_restart_go(s, now_ms);
		return;
	case ENGINE_STAGE_CONFIRM:
		smp_job_ask_state(s, SMP_PHASE_CHECK, now_ms);
		return;
	}
}

/* Phases in which the device is changing: the job ends after them. */
static bool is_between(enum smp_phase phase)
{
	return phase == SMP_PHASE_MARK || phase == SMP_PHASE_MARK_READ ||
		phase == SMP_PHASE_RESET || phase == SMP_PHASE_SETTLE ||
		phase == SMP_PHASE_RETURN || phase == SMP_PHASE_SECOND ||
		phase == SMP_PHASE_CONFIRM || phase == SMP_PHASE_CURE;
}

void smp_steps_withdraw(struct smp_session *s)
{
	if (s->phase == SMP_PHASE_IDLE || s->phase == SMP_PHASE_OVER)
		return;
	s->withdrawn = true;
	if (!is_between(s->phase))
		smp_job_end(s, ENGINE_WITHDRAWN);
}

void smp_steps_down(struct smp_session *s, int64_t now_ms)
{
	if (s->phase == SMP_PHASE_AWAIT_GO)
		s->recheck = true;
	if (s->phase == SMP_PHASE_RESET && s->restarted)
		smp_restart_settle(s, now_ms);
	else if (s->phase == SMP_PHASE_RETURN || s->phase == SMP_PHASE_SECOND)
		smp_restart_poll_later(s, now_ms);
	else if (s->phase != SMP_PHASE_SETTLE)
		smp_ask_stop(s);
}

void smp_steps_up(struct smp_session *s, int64_t now_ms)
{
	switch (s->phase) {
	case SMP_PHASE_IDLE:
	case SMP_PHASE_AWAIT_GO:
	case SMP_PHASE_OVER:
	case SMP_PHASE_SETTLE:
		return;
	case SMP_PHASE_WATCH:
		s->wake_ms = now_ms;
		return;
	case SMP_PHASE_PARAMS:
	case SMP_PHASE_MODE:
	case SMP_PHASE_SPLIT:
	case SMP_PHASE_STATE:
	case SMP_PHASE_UPLOAD:
	case SMP_PHASE_VERIFY:
	case SMP_PHASE_CURE_READ:
	case SMP_PHASE_CURE:
	case SMP_PHASE_MARK:
	case SMP_PHASE_MARK_READ:
	case SMP_PHASE_RESET:
	case SMP_PHASE_RETURN:
	case SMP_PHASE_SECOND:
	case SMP_PHASE_CHECK:
	case SMP_PHASE_CONFIRM:
		smp_steps_begin(s, now_ms);
		return;
	}
}

static void wake(struct smp_session *s, int64_t now_ms)
{
	if (s->phase == SMP_PHASE_SETTLE) {
		smp_restart_poll(s, now_ms);
		return;
	}
	s->wake_ms = ENGINE_NEVER;
	smp_ask(s, SMP_ASK_STATE, (uint32_t)s->options.answer_ms, 1, now_ms);
}

void smp_steps_time(struct smp_session *s, int64_t now_ms)
{
	/* At most once for each stage: the next one is granted or is not. */
	while (s->goes_on) {
		s->goes_on = false;
		smp_steps_go(s, s->stage, s->skip_confirm, now_ms);
	}
	if (s->phase != SMP_PHASE_SETTLE && s->phase != SMP_PHASE_WATCH)
		return;
	if (s->up && now_ms >= s->wake_ms)
		wake(s, now_ms);
	else if (!s->up && s->phase == SMP_PHASE_SETTLE &&
			now_ms >= s->return_ms)
		smp_restart_give_up(s);
}

int64_t smp_steps_deadline(const struct smp_session *s)
{
	if (s->phase == SMP_PHASE_SETTLE)
		return s->up ? s->wake_ms : s->return_ms;
	if (s->phase == SMP_PHASE_WATCH && s->up)
		return s->wake_ms;
	return ENGINE_NEVER;
}

/* The session of a job at work: stages, progress, result. */
#include "gateway/daemon/job_priv.h"

#include <errno.h>

#include "base/log.h"

#define TELL_MS 500
#define RATE_MS 2000

static void on_result(void *arg, const struct session_result *result)
{
	struct job *j = arg;

	j->outcome = result->outcome;
	j->has_failure = result->failure != NULL;
	if (j->has_failure)
		j->failure = *result->failure;
	/* A session that never got an answer knows nothing. */
	if (result->facts->exchanges || result->facts->hash_len ||
			result->facts->version[0]) {
		j->facts = *result->facts;
		j->facts_known = true;
	}
	j->bytes_sent += result->bytes_sent;
	j->bytes_repeated += result->bytes_repeated;
	j->security = result->security;
	if (j->committing || j->commit_failed)
		j->has_result = true;
	else
		job_take_result(j);
}

/* ---- stages ---- */

/* Counted from the first byte of an attempt to the last. */
static void limit_transfer(struct job *j)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	uint64_t limit_ms = c ? (uint64_t)c->device.transfer_limit_s * 1000 : 0;

	if (j->held != ENGINE_STAGE_TRANSFER || j->transfer_end_ms || !limit_ms)
		return;
	j->transfer_end_ms = uv_now(j->gateway->loop) + limit_ms;
	gateway_wake_at(j->gateway, limit_ms);
}

static bool is_still_good(struct job *j);

/* The commit may have taken as long as a disk stays full: what was good before
 * it may be revoked by now. Then the stage is held on, and nothing was told. */
static bool is_good_after_commit(struct job *j)
{
	if (j->held != ENGINE_STAGE_TRANSFER &&
			j->held != ENGINE_STAGE_ACTIVATE &&
			j->held != ENGINE_STAGE_RESTART)
		return true;
	if (!j->session || is_still_good(j))
		return true;
	j->reached = j->next_reached = j->before;
	return false;
}

static void go(struct job *j)
{
	int stage = j->held;
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	bool skip = stage == ENGINE_STAGE_CONFIRM && c &&
		c->device.confirm == CLASS_CONFIRM_NEVER;

	if (!is_good_after_commit(j))
		return;
	limit_transfer(j);
	/* The last byte is there: others of the radio may begin. */
	if (stage == ENGINE_STAGE_STAGED && job_is_member(j))
		job_give_slot(j);
	j->held = ENGINE_STAGE_NONE;
	if (j->session && stage != ENGINE_STAGE_NONE)
		session_go(j->session, (enum engine_stage)stage, skip);
}

static void begin_stage(struct job *j, enum job_state state)
{
	j->before = j->reached;
	j->next_reached = j->held > j->reached ? j->held : j->reached;
	if (!job_state_may_follow(j->state, state)) {
		log_error("job", "engine is in a stage that does not follow",
			"job=%llu state=%s stage=%s",
			(unsigned long long)j->row.id,
			job_state_name(j->state),
			engine_stage_name((enum engine_stage)j->held));
		session_withdraw(j->session);
		return;
	}
	job_enter(j, state, go);
}

void job_watch_transfer(struct job *j)
{
	uint64_t now = uv_now(j->gateway->loop);

	if (!j->session || !j->transfer_end_ms || j->too_slow ||
			j->state != JOB_TRANSFERRING)
		return;
	if (now < j->transfer_end_ms) {
		gateway_wake_at(j->gateway, j->transfer_end_ms - now);
		return;
	}
	j->too_slow = true;
	session_withdraw(j->session);
}

/* The checks that are repeated before the first byte and before activation. */
static bool is_still_good(struct job *j)
{
	int err = j->release ? release_is_good(j->release) : -EAGAIN;

	if (!err && job_is_below_floor(j))
		err = ERR_TRUST_SUIT_SEQUENCE;
	if (!err)
		err = job_check_offer(j);
	if (!err && j->held == ENGINE_STAGE_TRANSFER && job_tier_shortfall(j))
		err = ERR_JOB_TIER;
	if (!err && j->held == ENGINE_STAGE_TRANSFER &&
			memcmp(j->sends, j->release->image, 32)) {
		/* Judged anew since the session opened, which would send the
		 * ciphertext: begun again with what the judgement left. */
		session_withdraw(j->session);
		return false;
	}
	if (err == 0)
		return true;
	if (err == -EAGAIN)
		return false; /* held until it is known */
	j->wish = JOB_WISH_REFUSE;
	j->wish_code = err;
	j->wish_step = job_step_of_refusal(j, err);
	session_withdraw(j->session);
	return false;
}

static bool gates_allow(struct job *j)
{
	uint64_t now_s = (uint64_t)gateway_wall_ms() / 1000;
	struct gates gates;
	uint64_t next;
	bool open;

	job_judge_gates(j, &gates);
	next = gates_next(&gates);
	open = gates_are_open(&gates);
	job_add_wait(j, &gates);
	job_keep_gates(j, &gates);
	if (next)
		gateway_wake_at(j->gateway, next > now_s ?
			(next - now_s) * 1000 : 1000);
	return open;
}

static bool has_room(struct job *j)
{
	struct gates gates = {0};

	if (j->has_slot || job_finds_slot(j))
		return true;
	if (j->gates)
		gates = *j->gates;
	gates_wait(&gates, GATE_TURN, 0, "as many transfers as may be are "
		"under way");
	job_keep_gates(j, &gates);
	return false;
}

/* An offer to a member of a network may have stood for days: what was checked
 * when it was opened is checked when its transfer begins. */
static bool may_transfer(struct job *j)
{
	const struct device *d = child_device(j->child);
	struct line *l = d ? line_find(j->gateway, d->link) : NULL;

	if (!job_is_member(j))
		return true;
	if (!gates_allow(j) || !l || !has_room(j))
		return false;
	job_take_slot(j);
	job_join_line(j, l);
	return true;
}

static bool may_confirm(struct job *j)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	uint64_t now = uv_now(j->gateway->loop);

	if (!c)
		return false;
	switch (c->device.confirm) {
	case CLASS_CONFIRM_ON_VERSION:
	case CLASS_CONFIRM_NEVER:
		return true;
	case CLASS_CONFIRM_AFTER:
		if (!j->confirm_at_ms)
			j->confirm_at_ms = now +
				(uint64_t)c->device.confirm_after_s * 1000;
		if (now >= j->confirm_at_ms)
			return true;
		gateway_wake_at(j->gateway, j->confirm_at_ms - now);
		return false;
	case CLASS_CONFIRM_COMMAND:
		return j->confirm_told;
	}
	return false;
}

void job_try_stage(struct job *j)
{
	if (j->held == ENGINE_STAGE_NONE || j->committing || j->commit_failed ||
			!j->session)
		return;
	if (j->wish != JOB_WISH_NONE && !job_is_past_return(j)) {
		session_withdraw(j->session);
		return;
	}
	switch ((enum engine_stage)j->held) {
	case ENGINE_STAGE_TRANSFER:
		if (is_still_good(j) && may_transfer(j))
			begin_stage(j, JOB_TRANSFERRING);
		return;
	case ENGINE_STAGE_STAGED:
		begin_stage(j, JOB_STAGED);
		return;
	case ENGINE_STAGE_ACTIVATE:
	case ENGINE_STAGE_RESTART:
		if (is_still_good(j) && gates_allow(j))
			begin_stage(j, JOB_ACTIVATING);
		return;
	case ENGINE_STAGE_CONFIRM:
		if (may_confirm(j))
			begin_stage(j, JOB_CONFIRMING);
		return;
	}
}

static void on_stage(void *arg, enum engine_stage stage,
	const struct engine_facts *facts)
{
	struct job *j = arg;

	if (!j->facts_known || stage == ENGINE_STAGE_TRANSFER)
		j->facts_before = *facts;
	j->facts = *facts;
	j->facts_known = true;
	j->absences = 0;
	j->security = session_security(j->session);
	j->held = (int)stage;
	job_try_stage(j);
}

static void on_facts(void *arg, const struct engine_facts *facts)
{
	struct job *j = arg;

	if (!j->facts_known)
		j->facts_before = *facts;
	j->facts = *facts;
	j->facts_known = true;
}

static void measure_rate(struct job *j, int64_t now)
{
	int64_t dt = now - j->rate_ms;
	double rate;

	if (!j->rate_ms || j->offset < j->rate_offset) {
		j->rate_ms = now;
		j->rate_offset = j->offset;
		return;
	}
	if (dt < RATE_MS && j->rate_bps > 0)
		return;
	if (dt < TELL_MS)
		return;
	rate = (double)(j->offset - j->rate_offset) * 1000 / (double)dt;
	j->rate_bps = j->rate_bps > 0 ? 0.7 * j->rate_bps + 0.3 * rate : rate;
	j->rate_ms = now;
	j->rate_offset = j->offset;
}

static void on_progress(void *arg, uint64_t offset, uint64_t total)
{
	struct job *j = arg;
	int64_t now = (int64_t)uv_now(j->gateway->loop);

	j->offset = offset;
	j->total = total;
	measure_rate(j, now);
	if (offset >= total && j->state == JOB_TRANSFERRING &&
			!j->committing && !j->commit_failed) {
		/* Its restart may take minutes, and has no stage of its own. */
		if (job_delegate(j))
			job_give_slot(j);
		job_enter(j, JOB_VERIFYING, NULL);
		news_progress(&j->gateway->news, j);
		return;
	}
	if (now - j->told_ms < TELL_MS)
		return;
	j->told_ms = now;
	news_progress(&j->gateway->news, j);
}

static int locate(void *arg, struct transport **ret_transport, char *ret_peer,
	size_t size)
{
	struct job *j = arg;
	struct line *l = NULL;
	int err = child_locate(j->child, ret_transport, ret_peer, size, &l);

	if (err)
		return err;
	if (l == j->attached)
		return 0;
	/* At first, and when it came back on another link. */
	line_forget(j->gateway, j->session);
	j->attached = NULL;
	err = line_attach(l, j->session);
	if (err)
		return err;
	j->attached = l;
	job_join_line(j, l);
	return 0;
}

const struct session_events job_session_events = {
	.on_stage = on_stage,
	.on_progress = on_progress,
	.on_facts = on_facts,
	.on_result = on_result,
	.on_wait = job_take_wait,
	.locate = locate,
};

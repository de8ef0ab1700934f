#include "gateway/daemon/job_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/gates/approval.h"
#include "policy/gates/retry.h"
#include "policy/gates/window.h"

#include "gateway/daemon/authority.h"
#include "gateway/daemon/ledger.h"

#define LOOK_AGAIN_S (30u * 86400) /* later than that is not a timer's business */

bool job_must_be_asked(const struct job *j)
{
	return j->release && j->release->needs_authorization &&
		strcmp(j->row.approval, "approved") != 0;
}

static void judge_approval(const struct job *j, struct gates *gates)
{
	bool waiting = !strcmp(j->row.approval, "waiting");

	approval_judge(waiting ? APPROVAL_ASK : APPROVAL_AUTO, APPROVAL_PENDING,
		false, job_must_be_asked(j), gates);
}

static void judge_window(const struct job *j, const struct config_class *c,
	struct gates *gates)
{
	const struct config *config = j->gateway->config;
	const char *text = j->terms.window[0] ? j->terms.window :
		c && c->window[0] ? c->window : config->window;
	uint64_t now_s = (uint64_t)gateway_wall_ms() / 1000;
	uint64_t at_s = (uint64_t)j->terms.at_ms / 1000;
	struct window window;

	/* Checked when the text was taken; closed when it cannot be read. */
	if (window_parse(text, &window, NULL))
		gates_wait(gates, GATE_WINDOW, 0, "unreadable window");
	else
		window_judge(&window, now_s,
			(int32_t)config->relay.utc_offset_min * 60, gates);
	if (at_s > now_s)
		gates_wait(gates, GATE_WINDOW, at_s, "asked for at this time");
}

/* The image cannot be sent in the form that the class wants. */
static void judge_key(const struct job *j, struct gates *gates)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	const struct device *d = child_device(j->child);
	int err = c && d ? vendor_key_check(j->gateway, &c->device, d) : 0;

	if (err)
		gates_wait(gates, GATE_IMAGE, 0, "%s", err_name(err));
}

/* What is missing that nobody but the vendor can bring. */
static void wait_for_evidence(const struct vendor *v, enum gate gate, int code,
	struct gates *gates)
{
	char reason[GATE_DETAIL_SIZE] = "";

	if (v && v->evidence.signers)
		evidence_reason(v->evidence.signers, reason, sizeof(reason));
	gates_wait(gates, gate, 0, "%s%s%s", err_name(code),
		reason[0] ? ": " : "", reason);
}

static bool is_past_finishing(const struct vendor *v, int err)
{
	struct trust_clock clock;

	if (err != ERR_TRUST_CATALOG_EXPIRED && err != ERR_TRUST_ROOT_EXPIRED)
		return false;
	clock = gateway_clock(v->gateway);
	return !trust_may_finish(&v->trust, &clock);
}

static void judge_image(const struct job *j, const struct config_class *c,
	struct gates *gates)
{
	const struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	int err = v ? vendor_state(v) : -2;

	/* What runs may finish although the catalog expired; what was cut short
	 * may be taken up again for a day. */
	if (j->reached >= ENGINE_STAGE_TRANSFER && !j->session &&
			is_past_finishing(v, err))
		gates_wait(gates, GATE_CATALOG, 0, "%s, too long ago for what "
			"was cut short", err_name(err));
	if (err && j->reached < ENGINE_STAGE_TRANSFER &&
			vendor_evidence_may_come(err))
		wait_for_evidence(v, GATE_CATALOG, err, gates);
	else if (err && j->reached < ENGINE_STAGE_TRANSFER)
		gates_wait(gates, GATE_CATALOG, 0, "%s", err == -2 ?
			"vendor is not configured" : err_name(err));
	if (c && authority_state(j->gateway, c))
		gates_wait(gates, GATE_CATALOG, 0, "%s", err_text(
			authority_state(j->gateway, c)));
	if (!j->release)
		gates_wait(gates, GATE_IMAGE, 0, "not listed by a catalog");
	else if (j->release->state == RELEASE_FAILED)
		gates_wait(gates, GATE_IMAGE,
			(uint64_t)j->release->retry_ms / 1000, "%s",
			err_name(j->release->code));
	else if (j->release->state == RELEASE_UNPROVED)
		wait_for_evidence(v, GATE_IMAGE, j->release->code, gates);
	else if (j->release->state != RELEASE_VERIFIED)
		gates_wait(gates, GATE_IMAGE, 0, "%s", release_state_name(
			j->release->state));
	else if (release_is_good(j->release))
		gates_wait(gates, GATE_IMAGE, 0, "is verified again");
	else
		judge_key(j, gates);
}

static void judge_link(const struct job *j, struct gates *gates)
{
	const struct device *d = child_device(j->child);
	const struct line *l = d ? line_find(j->gateway, d->link) : NULL;
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	const struct engine_ops *engine = c ? engine_find(c->device.engine) :
		NULL;

	if (!l)
		gates_wait(gates, GATE_LINK, 0, "links.d has no link %s any "
			"more", d ? d->link : "");
	else if (engine && !line_serves(l, engine))
		gates_wait(gates, GATE_LINK, 0, "engine %s of class %s does "
			"not serve link %s", engine->name, j->row.class_name,
			l->name);
	else if (!l->up)
		gates_wait(gates, GATE_LINK, 0, "link is %s%s%s",
			line_state_name(l), l->text[0] ? ": " : "", l->text);
	else if (!d->present && !job_is_member(j))
		gates_wait(gates, GATE_LINK, 0, "device is not seen");
}

void job_judge_gates(const struct job *j, struct gates *ret)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);

	gates_clear(ret);
	retry_judge((uint64_t)(j->row.next_retry_ms + 999) / 1000,
		(uint64_t)gateway_wall_ms() / 1000, ret);
	if (!j->session)
		judge_link(j, ret);
	/* A device that was told to restart is asked how it is, whatever else
	 * holds: its answer decides, not ours. */
	if (job_is_past_return(j))
		return;
	judge_approval(j, ret);
	judge_window(j, c, ret);
	judge_image(j, c, ret);
}

bool job_is_below_floor(const struct job *j)
{
	const struct device *d = child_device(j->child);
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);

	return d && c && j->row.sequence < floors_of_device(
		&j->gateway->floors, d, &c->device, j->row.component);
}

unsigned job_tier_shortfall(const struct job *j)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	bool connected = j->session != NULL;

	if (!c || !j->release || j->release->state != RELEASE_VERIFIED)
		return 0;
	return ledger_unreachable(j->gateway, &c->device, j->release,
		!connected || j->row.approved_by[0], connected ?
		(int)session_security(j->session) : -1);
}

void job_keep_gates(struct job *j, const struct gates *gates)
{
	static const struct gates all_open;

	if (!gates_differ(gates, j->gates ? j->gates : &all_open))
		return;
	if (gates_are_open(gates)) {
		free(j->gates);
		j->gates = NULL;
	} else {
		if (!j->gates)
			j->gates = malloc(sizeof(*j->gates));
		if (!j->gates)
			return;
		*j->gates = *gates;
	}
	news_job(&j->gateway->news, j);
}

/* Offers to members of a network stand by the hundred; their transfers are
 * limited when they begin. */
static bool may_start(const struct job *j)
{
	return !j->child->inventory && (job_is_member(j) || job_finds_slot(j));
}

/* A refusal that no waiting can cure ends the job. */
static bool is_refused(struct job *j)
{
	unsigned step;
	char hint[96];
	int code;

	if (job_is_past_return(j) || !j->release)
		return false;
	if (job_is_below_floor(j)) {
		job_fail(j, ERR_TRUST_SUIT_SEQUENCE, STEP_CHECK,
			"a later catalog raised the floor of the device");
		return true;
	}
	step = job_tier_shortfall(j);
	if (step) {
		snprintf(hint, sizeof(hint), "step %s cannot reach the tier "
			"that the class requires", step_name(step));
		job_fail(j, ERR_JOB_TIER, step, hint);
		return true;
	}
	code = release_is_good(j->release);
	if (!code)
		code = job_check_offer(j);
	if (!code || code == -EAGAIN || code == -ENOENT)
		return false;
	if (code == ERR_TRUST_OFFER_UNLISTED || code == ERR_JOB_OTHER_IMAGE)
		job_enter(j, JOB_SUPERSEDED, NULL);
	else
		job_fail(j, code, job_step_of_refusal(j, code),
			"ferryctl offers shows what the release failed");
	return true;
}

/* A catalog expires without an event: look again then. */
static void watch_catalog(const struct job *j)
{
	const struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	const struct catalog *catalog = v ? vendor_catalog(v) : NULL;
	struct trust_clock clock = gateway_clock(j->gateway);
	uint64_t latest, left_s;

	if (!catalog || j->reached >= ENGINE_STAGE_TRANSFER)
		return;
	latest = trust_now_latest(trust_now(&v->trust.time, &clock));
	if (catalog->expires <= latest)
		return;
	left_s = catalog->expires - latest;
	if (left_s < LOOK_AGAIN_S)
		gateway_wake_at(j->gateway, left_s * 1000 + 500);
}

static void judge(struct job *j)
{
	struct gates gates;
	uint64_t next;
	uint64_t now_s;

	job_judge_gates(j, &gates);
	watch_catalog(j);
	next = gates_next(&gates);
	now_s = (uint64_t)gateway_wall_ms() / 1000;
	if (next)
		gateway_wake_at(j->gateway, next > now_s ?
			(next - now_s) * 1000 : 1000);
	job_keep_gates(j, &gates);
	if (!gates_are_open(&gates)) {
		if (j->state != JOB_WAITING)
			job_enter(j, JOB_WAITING, NULL);
		return;
	}
	if (may_start(j))
		job_start(j);
	else if (j->state != JOB_QUEUED)
		job_enter(j, JOB_QUEUED, NULL);
}

/* A clock that was wrong when the wait was noted must not make it endless. */
static void limit_wait(struct job *j)
{
	int64_t longest = gateway_wall_ms() +
		j->gateway->config->retry.max_s * 1000;

	if (j->row.next_retry_ms > longest)
		j->row.next_retry_ms = longest;
}

/* A transfer whose release turned out bad is stopped at the engine's next safe
 * point, well before anything is activated. */
static void stop_if_recalled(struct job *j)
{
	int code = j->release ? release_is_good(j->release) : 0;

	if (!code || code == -EAGAIN || code == -ENOENT ||
			j->wish != JOB_WISH_NONE || job_is_past_return(j))
		return;
	j->wish = JOB_WISH_REFUSE;
	j->wish_code = code;
	j->wish_step = job_step_of_refusal(j, code);
	session_withdraw(j->session);
}

static void schedule_one(struct job *j)
{
	if (j->commit_failed) {
		job_commit_again(j);
		return;
	}
	if (j->committing)
		return;
	if (j->bundle && !j->session)
		return; /* on_bundle() of job_run.c goes on */
	if (j->session) {
		/* Signed anew in mid-transfer: judged again meanwhile. */
		if (j->release)
			release_advance(j->release);
		stop_if_recalled(j);
		job_watch_transfer(j);
		job_try_stage(j);
		return;
	}
	if (j->wish != JOB_WISH_NONE && !job_is_past_return(j)) {
		job_carry_out_wish(j);
		return;
	}
	if (j->state == JOB_PAUSED)
		return;
	if (job_state_is_active(j->state)) {
		/* Found so at start: ask the device before anything else. What
		 * a restart of ours cut short was no failed attempt. */
		j->row.attempts -= j->row.attempts > 0;
		job_enter(j, JOB_QUEUED, NULL);
		return;
	}
	limit_wait(j);
	if (!j->release && job_find_release(j) && !job_is_past_return(j)) {
		/* Withdrawn while nobody looked. */
		job_enter(j, JOB_SUPERSEDED, NULL);
		return;
	}
	if (j->release)
		release_advance(j->release);
	if (!is_refused(j))
		judge(j);
}

void job_schedule(struct gateway *g)
{
	struct job *next;

	for (struct job *j = g->jobs; j; j = next) {
		next = j->next;
		schedule_one(j);
	}
}

#include "gateway/daemon/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/ledger.h"
#include "gateway/daemon/radio.h"
#include "policy/gates/retry.h"

#define TELL_MS 500
#define RATE_MS 2000
#define LOST_MS 30000
#define ABSENT_MS 5000
#define ABSENCES_MAX 6 /* then every 320 s: each try is written to flash */

/* ---- how a session ends ---- */

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
	if (j->line)
		j->line->transfers--;
	j->line = NULL;
}

static void take_slot(struct job *j)
{
	if (!j->has_slot)
		j->gateway->transfers++;
	j->has_slot = true;
}

static void give_slot(struct job *j)
{
	leave_line(j);
	if (j->has_slot)
		j->gateway->transfers--;
	j->has_slot = false;
}

static void end_session(struct job *j)
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
	give_slot(j);
	bundle_close(j->bundle);
	j->bundle = NULL;
}

void job_wait_retry(struct job *j, int code)
{
	const struct config *config = j->gateway->config;
	struct retry_rule rule = {
		.first_s = (uint32_t)config->retry.first_s,
		.cap_s = (uint32_t)config->retry.max_s,
		.budget = (unsigned)config->retry.budget,
	};
	uint32_t random = 0;
	uint64_t wait_s = 0;

	uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	job_note_failure(j, code, 0, NULL);
	if (retry_delay(&rule, (unsigned)j->row.attempts, random, &wait_s)) {
		/* Told to restart and never heard again: nothing more is sent to
		 * it, of whatever release, until a person has looked. */
		bool lost = job_is_past_return(j);

		snprintf(j->row.failure.hint, sizeof(j->row.failure.hint),
			lost ? "it never came back from its restart; look at "
			"the device, then ferryctl retry" :
			"all %u attempts are used up; ferryctl retry begins "
			"anew", rule.budget);
		job_enter(j, lost ? JOB_QUARANTINED : JOB_FAILED, NULL);
		return;
	}
	j->row.next_retry_ms = gateway_wall_ms() + (int64_t)wait_s * 1000;
	log_warn("job", "attempt failed, will be repeated",
		"job=%llu device=%s code=%s offset=%llu attempt=%d wait_s=%llu",
		(unsigned long long)j->row.id, j->row.device, err_name(code),
		(unsigned long long)j->offset, j->row.attempts,
		(unsigned long long)wait_s);
	job_enter(j, JOB_WAITING, NULL);
}

void job_carry_out_wish(struct job *j)
{
	enum job_wish wish = j->wish;

	j->wish = JOB_WISH_NONE;
	switch (wish) {
	case JOB_WISH_PAUSE:
		job_enter(j, JOB_PAUSED, NULL);
		return;
	case JOB_WISH_CANCEL:
		job_enter(j, JOB_CANCELLED, NULL);
		return;
	case JOB_WISH_SUPERSEDE:
		job_enter(j, JOB_SUPERSEDED, NULL);
		return;
	case JOB_WISH_REFUSE:
		job_fail(j, j->wish_code, j->wish_step, j->wish_code ==
			ERR_JOB_TIER ? "the link or a missing approval keeps a "
			"step below the tier that the class requires" :
			"the release is no longer good; nothing was activated");
		return;
	case JOB_WISH_NONE:
		/* Resumed before the engine had stopped. */
		job_enter(j, JOB_QUEUED, NULL);
		return;
	}
}

/* Who is stopped has not failed: the attempt does not count. */
static void withdrawn(struct job *j)
{
	j->row.attempts -= j->row.attempts > 0 &&
		(j->wish == JOB_WISH_PAUSE || j->wish == JOB_WISH_NONE);
	job_carry_out_wish(j);
}

static bool image_is_rotten(int code)
{
	return code == ERR_STORE_ROTTEN_BLOB || code == ERR_STORE_ROTTEN_TABLE ||
		code == ERR_STORE_UNVERIFIED || code == ERR_STORE_DIGEST;
}

static void failed(struct job *j)
{
	int code = j->has_failure ? j->failure.code : -EIO;

	if (image_is_rotten(code) && j->release) {
		/* Nothing of it was sent; the image is fetched again. */
		j->row.attempts--;
		release_rotten(j->release);
		job_note_failure(j, code, STEP_CHECK,
			"the image is fetched again");
		job_enter(j, JOB_WAITING, NULL);
		return;
	}
	if (code == ERR_JOB_NO_LINK) {
		/* It was not there: no attempt was made. */
		j->row.attempts--;
		job_note_failure(j, code, 0, "connect the device");
		j->row.next_retry_ms = gateway_wall_ms() +
			((int64_t)ABSENT_MS << j->absences);
		j->absences += j->absences < ABSENCES_MAX;
		job_enter(j, JOB_WAITING, NULL);
		return;
	}
	if (j->wish != JOB_WISH_NONE && !job_is_past_return(j)) {
		withdrawn(j);
		return;
	}
	if (err_class(code) == ERR_CLASS_TRANSIENT)
		job_wait_retry(j, code);
	else
		job_fail(j, code, 0, NULL);
}

static void done(struct job *j)
{
	unsigned step = ledger_shortfall(j);

	j->row.failure = (struct job_failure){0};
	if (j->facts_known && j->facts.hash_len) {
		memcpy(j->row.staged_hash, j->facts.hash,
			sizeof(j->row.staged_hash));
		j->row.staged_len = j->facts.hash_len;
	}
	if (step == 0) {
		job_enter(j, JOB_DONE, NULL);
		return;
	}
	j->has_failure = false;
	job_note_failure(j, ERR_JOB_TIER, step, NULL);
	snprintf(j->row.failure.hint, sizeof(j->row.failure.hint),
		"step %s did not reach the tier that the class requires",
		step_name(step));
	job_enter(j, JOB_UNVERIFIED, NULL);
}

/* What was transferred stays on the device: the next attempt goes on. */
static void too_slow(struct job *j)
{
	j->too_slow = false;
	j->has_failure = true;
	j->failure = (struct engine_failure){
		.code = ERR_JOB_TRANSFER_LIMIT,
		.step = "upload",
		.offset = j->offset,
		.hint = "raise transfer_limit_s of the class, or look at the "
			"link",
	};
	failed(j);
}

void job_take_result(struct job *j)
{
	struct device *d = child_device(j->child);

	j->has_result = false;
	end_session(j);
	if (d && j->facts_known) {
		registry_take_facts(d, &j->facts, gateway_wall_ms() / 1000);
		j->child->read_this_run = true;
		news_device(&j->gateway->news, d);
	}
	switch (j->outcome) {
	case ENGINE_DONE:
		done(j);
		return;
	case ENGINE_UNVERIFIED:
		job_note_failure(j, j->has_failure ? j->failure.code :
			ERR_JOB_NOT_PROVED, STEP_REVERIFY,
			"read the version another way");
		job_enter(j, JOB_UNVERIFIED, NULL);
		return;
	case ENGINE_FAILED:
		failed(j);
		return;
	case ENGINE_WITHDRAWN:
		if (j->too_slow && j->wish == JOB_WISH_NONE)
			too_slow(j);
		else
			withdrawn(j);
		return;
	}
}

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
		give_slot(j);
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

static void join_line(struct job *j, struct line *l);

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
	take_slot(j);
	join_line(j, l);
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
			give_slot(j);
		job_enter(j, JOB_VERIFYING, NULL);
		news_progress(&j->gateway->news, j);
		return;
	}
	if (now - j->told_ms < TELL_MS)
		return;
	j->told_ms = now;
	news_progress(&j->gateway->news, j);
}

/* ---- start ---- */

static void join_line(struct job *j, struct line *l)
{
	if (j->line == l)
		return;
	leave_line(j);
	l->transfers++;
	j->line = l;
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
	join_line(j, l);
	return 0;
}

static const struct session_events events = {
	.on_stage = on_stage,
	.on_progress = on_progress,
	.on_facts = on_facts,
	.on_result = on_result,
	.on_wait = job_take_wait,
	.locate = locate,
};

static void fill_image(const struct job *j, struct engine_image *image)
{
	const struct release *r = j->release &&
		j->release->state == RELEASE_VERIFIED ? j->release : NULL;

	*image = (struct engine_image){
		.len = r ? r->image_len : j->row.payload_len,
		.hash_len = j->expect_hash_len,
		.slot = r ? r->slot : j->slot,
	};
	memcpy(image->sha256, r ? r->image : j->row.payload_digest, 32);
	if (j->bundle) {
		image->len += bundle_prefix(j->bundle).len;
		memcpy(image->sha256, bundle_sha256(j->bundle), 32);
	}
	memcpy(image->hash, j->expect_hash, sizeof(image->hash));
	snprintf(image->version, sizeof(image->version), "%s",
		j->expect_version);
}

static int open_session(struct job *j, const struct config_class *c,
	struct fault *fault)
{
	struct engine_image image;
	struct ferry_kv kv[SESSION_CHANNEL_MAX];
	struct session_setup setup = {
		.loop = j->gateway->loop,
		.engine = engine_find(c->device.engine),
		.options = c->device.options,
		.channel = kv,
		.channel_count = child_channel(c, kv),
		.connect_ms = c->device.connect_limit_s * 1000,
		.lost_ms = LOST_MS,
		.job = j->row.id,
		.goal = ENGINE_GOAL_UPDATE,
		.reached = j->reached,
		.failed = j->row.attempts > 1 ? (unsigned)j->row.attempts - 1 :
			0,
		.return_ms = c->device.return_limit_s * 1000,
		.reset_line = c->device.reset_line,
		.image = &image,
		.cache = j->gateway->cache,
		.allow_downgrade = j->terms.allow_downgrade ||
			j->terms.allow_older,
		.events = &events,
		.arg = j,
	};
	const struct device *d = child_device(j->child);

	if (!setup.engine)
		return ERR_JOB_NO_ENGINE;
	fill_image(j, &image);
	memcpy(j->sends, j->bundle ? j->row.payload_digest : image.sha256, 32);
	if (j->bundle) {
		setup.prefix = bundle_prefix(j->bundle);
		setup.cached = j->row.payload_digest;
	}
	if (!setup.engine->network)
		return session_open(&setup, &j->session, fault);
	return d ? radio_offer(j->gateway, d, &setup, &j->session) :
		ERR_JOB_NO_LINK;
}

/* Its link went while the job was on its way to it. */
static void no_link(struct job *j)
{
	j->has_failure = true;
	j->failure = (struct engine_failure){
		.code = ERR_JOB_NO_LINK,
		.step = "connect",
	};
	failed(j);
}

static void connect_now(struct job *j)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	struct fault fault = {0};
	int err;

	if (j->wish != JOB_WISH_NONE && !job_is_past_return(j)) {
		end_session(j);
		withdrawn(j);
		return;
	}
	/* Not counted any more: stopped and reloaded before the commit. */
	if (!job_is_member(j))
		take_slot(j);
	err = c ? open_session(j, c, &fault) : ERR_REGISTRY_NO_CLASS;
	if (err) {
		end_session(j);
		if (err == ERR_JOB_NO_LINK)
			no_link(j);
		else
			job_fail(j, err, STEP_DISTRIBUTE, fault.rule);
		return;
	}
	j->gateway->sessions++;
}

static void no_bundle(struct job *j, int code, const struct fault *fault)
{
	end_session(j);
	/* The envelope is no longer in the cache: fetched and judged again. */
	if (code == -ENOENT)
		code = ERR_STORE_ROTTEN_BLOB;
	j->has_failure = true;
	j->failure = (struct engine_failure){.code = code, .step = "envelope"};
	snprintf(j->failure.hint, sizeof(j->failure.hint), "%s%s%s",
		fault->field, fault->rule[0] ? " " : "", fault->rule);
	failed(j);
}

static void on_bundle(void *arg, int status, const struct fault *fault)
{
	struct job *j = arg;

	if (status) {
		no_bundle(j, status, fault);
		return;
	}
	j->mac = *bundle_hub(j->bundle);
	connect_now(j);
}

static int make_bundle(struct job *j, const struct config_class *c)
{
	const struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	const struct device *d = child_device(j->child);
	const struct lasthop_device *key = NULL;
	struct bundle_setup setup = {
		.cache = j->gateway->cache,
		.loop = j->gateway->loop,
		.klass = &c->device,
		.envelope = j->release->envelope,
		.image = j->row.payload_digest,
		.image_len = j->row.payload_len,
		.on_ready = on_bundle,
		.arg = j,
	};
	int err = v && d ? device_keys_find(&v->keys, d, &key, &setup.hub) :
		ERR_LASTHOP_NO_KEY;

	if (err)
		return err;
	setup.key = bytes_of(key->key, sizeof(key->key));
	return bundle_open(&setup, &j->bundle);
}

/* One that was told to restart is only asked how it is: nothing is sent. */
static bool wants_bundle(const struct job *j, const struct config_class *c)
{
	return c && c->device.envelope == CLASS_ENVELOPE_INTEGRATED &&
		j->release && !job_is_past_return(j);
}

static void begin(struct job *j)
{
	static const struct fault none;
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	int err;

	if (!job_is_past_return(j))
		j->mac = (struct lasthop_hub){0};
	if (!wants_bundle(j, c)) {
		connect_now(j);
		return;
	}
	err = make_bundle(j, c);
	if (err)
		no_bundle(j, err, &none);
}

void job_start(struct job *j)
{
	const struct device *d = child_device(j->child);
	struct line *l = d ? line_find(j->gateway, d->link) : NULL;

	j->row.attempts++;
	j->row.next_retry_ms = 0;
	j->has_result = false;
	j->facts_known = false;
	j->has_failure = false;
	j->confirm_at_ms = 0;
	j->transfer_end_ms = 0;
	j->too_slow = false;
	j->rate_bps = 0;
	j->rate_ms = 0;
	free(j->gates);
	j->gates = NULL;
	j->wait = ENGINE_WAIT_NONE;
	if (!job_is_member(j)) {
		take_slot(j);
		if (l)
			join_line(j, l);
	}
	job_enter(j, JOB_CONNECTING, begin);
}

void job_stop_all(struct gateway *g)
{
	for (struct job *j = g->jobs; j; j = j->next) {
		end_session(j);
		j->has_result = false;
	}
}

bool job_all_stopped(const struct gateway *g)
{
	return g->transfers == 0 && g->sessions == 0;
}

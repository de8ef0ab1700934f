#include "gateway/daemon/ledger.h"

#include <stdio.h>

#include "gateway/daemon/view_text.h"

/* The database counts tiers from "none" = 0, policy from "basic" = 0. */
static enum ledger_tier stored(int tier)
{
	return (enum ledger_tier)(tier + 1);
}

static void put(struct store_commit *c, struct job *j, unsigned step, int tier,
	const char *outcome, const char *evidence)
{
	struct ledger_row row = {
		.job = j->row.id,
		.step = (int)step,
		.at_ms = gateway_wall_ms(),
		.tier = stored(tier),
	};

	snprintf(row.device, sizeof(row.device), "%s", j->row.device);
	snprintf(row.outcome, sizeof(row.outcome), "%s", outcome);
	snprintf(row.evidence, sizeof(row.evidence), "%s", evidence);
	store_commit_ledger(c, &row);
	j->steps[step] = (struct job_step){(int8_t)tier, outcome[0]};
}

static bool has_failed(const struct verdict *v, unsigned step)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->rows[i].step == step &&
				v->rows[i].outcome == CHECK_FAIL)
			return true;
	return false;
}

/* Every check of the verdict that speaks about a step, as evidence: a list of
 * "name outcome: evidence", as many as fit. The last come first: they are about
 * the image, and rest on the others. `delegate` (or NULL) takes the
 * image from us; `failure` is what speaks against it later, 0 nothing. */
static json_t *checks_of(const struct verdict *v, unsigned step,
	const char *delegate, int failure)
{
	json_t *list = json_array();

	if (failure)
		json_array_append_new(list, json_sprintf("%s fail: %s",
			err_name(failure), err_text(failure)));
	/* Ours were before it took the copy; what it installs it reads anew. */
	if (delegate)
		json_array_append_new(list, json_sprintf("hand-over by %s: "
			"reads the copy that was hashed", delegate));
	for (unsigned i = v->count; i-- > 0;) {
		const struct check *check = &v->rows[i];

		if (check->step != step)
			continue;
		json_array_append_new(list, json_sprintf("%s %s%s%s",
			check->name, check_outcome_name(check->outcome),
			check->evidence[0] ? ": " : "", check->evidence));
		if (json_dumpb(list, NULL, 0, JSON_COMPACT) <
				ROW_EVIDENCE_SIZE - 32)
			continue;
		json_array_remove(list, json_array_size(list) - 1);
		break;
	}
	return list;
}

static void put_verdict(struct store_commit *c, struct job *j, unsigned step,
	int failure)
{
	const struct verdict *v = &j->release->verdict;
	char evidence[ROW_EVIDENCE_SIZE];
	json_t *list = checks_of(v, step, step == STEP_CHECK ?
		job_delegate(j) : NULL, has_failed(v, step) ? 0 : failure);

	if (step == STEP_PROTECT && json_array_size(list) == 0) {
		json_decref(list);
		view_detail(evidence, sizeof(evidence), "{s:s}", "image",
			"plain: nothing hides it on its way");
	} else {
		view_detail(evidence, sizeof(evidence), "{s:o}", "checks",
			list);
	}
	put(c, j, step, v->tiers.of[step], failure || has_failed(v, step) ?
		"failed" : "ok", evidence);
}

/* +1: the server proved who it is. +2: so did we, and nobody revoked either. What
 * this process did not fetch itself counts as the least that the vendor's file
 * allows. */
static int send_tier(const struct vendor *v, const struct release *r)
{
	bool mutual = r->carried ? r->mutual :
		v && v->config->link.certificate[0];
	bool checked = r->carried ? r->server_checked :
		v && v->config->server == REVOCATION_REQUIRE;

	return mutual && checked ? TIER_ENHANCED : TIER_UPGRADED;
}

static int receive_tier(const struct vendor *v, const struct release *r)
{
	const char *tls = r->carried ? r->tls_version :
		v ? v->config->link.tls_min : NULL;

	if (!tls)
		return TIER_BASIC;
	return strstr(tls, "1.3") ? TIER_ENHANCED : TIER_UPGRADED;
}

/* What the device itself checks before it takes an image: its class says so. */
static int validates_tier(enum class_validates validates)
{
	switch (validates) {
	case CLASS_VALIDATES_DIGEST:
		return TIER_BASIC;
	case CLASS_VALIDATES_SIGNATURE:
		return TIER_UPGRADED;
	case CLASS_VALIDATES_HASH_BASED:
		return TIER_QUANTUM;
	}
	return TIER_NONE;
}

static int process_tier(const struct config_class *c)
{
	return c ? validates_tier(c->device.validates) : TIER_BASIC;
}

static int best_tier(const struct gateway *g, const struct device_class *klass,
	const struct release *r, bool approved, int security, unsigned step)
{
	const struct vendor *v = vendor_find(g, r->vendor);

	switch (step) {
	case STEP_SEND:
		return send_tier(v, r);
	case STEP_RECEIVE:
		return receive_tier(v, r);
	case STEP_SIGN:
	case STEP_PROTECT:
	case STEP_CHECK:
		return r->verdict.tiers.of[step];
	case STEP_DISTRIBUTE:
		return security < 0 || security >= (int)FERRY_SECURITY_NETWORK ?
			TIER_UPGRADED : TIER_BASIC;
	case STEP_PROCESS:
		return validates_tier(klass->validates);
	case STEP_APPLY:
		return approved ? TIER_UPGRADED : TIER_BASIC;
	case STEP_REVERIFY:
		return klass->can_prove && r->expect_hash_len ? TIER_UPGRADED :
			TIER_BASIC;
	case STEP_CLEANUP:
		return v && v->config->link.reports[0] ? TIER_UPGRADED :
			TIER_BASIC;
	default:
		return TIER_BASIC;
	}
}

unsigned ledger_unreachable(const struct gateway *g,
	const struct device_class *klass, const struct release *r,
	bool approved, int security)
{
	for (unsigned step = 1; step <= STEP_COUNT; step++)
		if (!tier_is_met(step, (int)klass->tiers[step] - 1, best_tier(g,
				klass, r, approved, security, step)))
			return step;
	return 0;
}

static void put_link_steps(struct store_commit *c, struct job *j)
{
	const struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	const struct release *r = j->release;
	char evidence[ROW_EVIDENCE_SIZE];

	view_detail(evidence, sizeof(evidence), "{s:s,s:s,s:b,s:s,s:b}", "link",
		"https", "server", "certificate of the CA of the vendor's file",
		"client_certificate", r->carried ? r->mutual :
		v && v->config->link.certificate[0], "revocation", v ?
		config_revocation_name(v->config->server) : "unknown",
		"from_cache", !r->carried);
	put(c, j, STEP_SEND, send_tier(v, r), "ok", evidence);
	if (r->carried)
		view_detail(evidence, sizeof(evidence), "{s:s,s:s}", "tls",
			r->tls_version, "suite", r->tls_suite);
	else
		view_detail(evidence, sizeof(evidence), "{s:s,s:s}", "tls",
			"fetched before this start", "at_least",
			v ? v->config->link.tls_min : "");
	put(c, j, STEP_RECEIVE, receive_tier(v, r), "ok", evidence);
}

static void describe(const struct engine_facts *f, char *text, size_t size)
{
	char hash[2 * sizeof(f->hash) + 1];

	bytes_to_hex(bytes_of(f->hash, f->hash_len), hash, sizeof(hash));
	view_detail(text, size, "{s:s,s:s,s:i,s:s}", "version", f->version,
		"digest", hash, "confirmed", f->confirmed, "mode", f->mode);
}

static int distribute_tier(const struct job *j)
{
	return j->security >= FERRY_SECURITY_NETWORK ? TIER_UPGRADED :
		TIER_BASIC;
}

/* Steps 1 to 6: what had to hold before the device was spoken to. */
static void put_checks(struct store_commit *c, struct job *j)
{
	char evidence[ROW_EVIDENCE_SIZE];

	put_verdict(c, j, STEP_SIGN, 0);
	put_verdict(c, j, STEP_PROTECT, 0);
	put_link_steps(c, j);
	put_verdict(c, j, STEP_CHECK, 0);
	view_detail(evidence, sizeof(evidence), "{s:s,s:s}", "approval",
		j->row.approval, "by", j->row.approved_by);
	put(c, j, STEP_ANNOUNCE, TIER_BASIC, "ok", evidence);
}

void ledger_put_before(struct store_commit *c, struct job *j)
{
	char evidence[ROW_EVIDENCE_SIZE];

	if (!j->release)
		return;
	put_checks(c, j);
	view_detail(evidence, sizeof(evidence), "{s:s,s:i,s:s}", "link",
		j->line ? j->line->name : "", "security", (int)j->security,
		"by", job_delegate(j) ? job_delegate(j) : "ferryd");
	put(c, j, STEP_DISTRIBUTE, distribute_tier(j), "ok", evidence);
	describe(&j->facts_before, evidence, sizeof(evidence));
	put(c, j, STEP_STAGE, TIER_BASIC, "ok", evidence);
}

static bool digest_matches(const struct job *j)
{
	return j->facts_known && j->expect_hash_len && bytes_equal(
		bytes_of(j->facts.hash, j->facts.hash_len),
		bytes_of(j->expect_hash, j->expect_hash_len));
}

static bool version_matches(const struct job *j)
{
	return j->facts_known && j->expect_version[0] &&
		!strcmp(j->facts.version, j->expect_version);
}

/* What a job that ended well reached at a step from 7 on. */
static int reached_tier(const struct job *j, unsigned step)
{
	switch (step) {
	case STEP_DISTRIBUTE:
		return distribute_tier(j);
	case STEP_PROCESS:
		return process_tier(gateway_class(j->gateway,
			j->row.class_name));
	case STEP_APPLY:
		return j->row.approved_by[0] ? TIER_UPGRADED : TIER_BASIC;
	case STEP_REVERIFY:
		return digest_matches(j) ? TIER_UPGRADED :
			version_matches(j) ? TIER_BASIC : TIER_NONE;
	case STEP_ACTIVATE:
		return digest_matches(j) || version_matches(j) ? TIER_BASIC :
			TIER_NONE;
	case STEP_CLEANUP: {
		const struct vendor *v = vendor_find(j->gateway,
			j->row.vendor);

		return v && v->config->link.reports[0] ? TIER_UPGRADED :
			TIER_BASIC;
	}
	default:
		return TIER_BASIC;
	}
}

unsigned ledger_shortfall(const struct job *j)
{
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);

	for (unsigned step = STEP_DISTRIBUTE; c && step <= STEP_COUNT; step++)
		if (!tier_is_met(step, (int)c->device.tiers[step] - 1,
				reached_tier(j, step)))
			return step;
	return 0;
}

/* What only the device knows, by its class: with a MAC, who made it. */
static void put_process(struct store_commit *c, struct job *j,
	const struct config_class *klass)
{
	const char *checks = klass ? class_validates_name(
		klass->device.validates) : "";
	char evidence[ROW_EVIDENCE_SIZE];

	if (j->mac.id[0])
		view_detail(evidence, sizeof(evidence),
			"{s:s,s:s,s:s,s:s,s:s,s:I}", "mode", j->facts.mode,
			"device_checks", checks, "by", "class description",
			"mac", "HMAC 256/256", "hub", j->mac.id, "epoch",
			(json_int_t)j->mac.epoch);
	else
		view_detail(evidence, sizeof(evidence), "{s:s,s:s,s:s}", "mode",
			j->facts.mode, "device_checks", checks, "by",
			"class description");
	put(c, j, STEP_PROCESS, process_tier(klass), "declared", evidence);
}

static bool is_verdict_step(unsigned step)
{
	return step == STEP_SIGN || step == STEP_PROTECT || step == STEP_CHECK;
}

/* What the step has evidence of besides its failure is kept. */
static void put_failed_step(struct store_commit *c, struct job *j,
	unsigned step)
{
	const struct job_failure *f = &j->row.failure;
	char evidence[ROW_EVIDENCE_SIZE];
	const char *link = j->line ? j->line->name : "";
	const struct device *d = child_device(j->child);

	if (is_verdict_step(step) && j->release && j->release->verdict.count) {
		put_verdict(c, j, step, f->code);
		return;
	}
	if (!link[0] && d)
		link = d->link;
	view_detail(evidence, sizeof(evidence), "{s:s,s:s,s:o*,s:s*,s:s,s:i}",
		"code", err_name(f->code), "text", err_text(f->code), "at_byte",
		f->offset ? json_integer((json_int_t)f->offset) : NULL,
		"device_said", f->device_status[0] ? f->device_status : NULL,
		"link", link, "security", (int)j->security);
	put(c, j, step, j->steps[step].outcome ? j->steps[step].tier :
		TIER_NONE, "failed", evidence);
}

void ledger_put_failure(struct store_commit *c, struct job *j,
	enum job_state end)
{
	unsigned step = (unsigned)j->row.failure.step;
	char said = j->steps[step <= STEP_COUNT ? step : 0].outcome;

	if (!j->row.failure.code || step < 1 || step > STEP_COUNT)
		return;
	if (said != 'f' && said != 'u')
		put_failed_step(c, j, step);
	/* A retried job may have got further in an earlier try. */
	for (unsigned i = step + 1; i < STEP_CLEANUP; i++)
		if (end != JOB_UNVERIFIED && !j->steps[i].outcome)
			put(c, j, i, TIER_NONE, "skipped", "{}");
}

/* A release that was refused says why, although nothing was sent. */
void ledger_put_refusal(struct store_commit *c, struct job *j)
{
	static const unsigned steps[] = {STEP_SIGN, STEP_PROTECT, STEP_CHECK};

	if (!j->release || j->release->verdict.count == 0)
		return;
	if (j->row.attempts > 0 && j->release->state == RELEASE_VERIFIED) {
		put_checks(c, j);
		return;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		put_verdict(c, j, steps[i], 0);
}

/* All went well, maybe below the tier that a step must reach. */
static bool is_well(const struct job *j, enum job_state end)
{
	return end == JOB_DONE || (end == JOB_UNVERIFIED &&
		j->row.failure.code == ERR_JOB_TIER);
}

/* How a step from 10 on went in a job that ended so. */
static const char *outcome_of(const struct job *j, enum job_state end,
	unsigned step)
{
	unsigned failed = (unsigned)j->row.failure.step;

	if (is_well(j, end))
		return "ok";
	if (end == JOB_UNVERIFIED)
		return step == STEP_APPLY ? "ok" : "unverified";
	if (end != JOB_FAILED && end != JOB_QUARANTINED)
		return "skipped";
	return step < failed ? "ok" : step == failed ? "failed" : "skipped";
}

void ledger_put_end(struct store_commit *c, struct job *j,
	enum job_state end)
{
	char evidence[ROW_EVIDENCE_SIZE];
	const struct config_class *klass = gateway_class(j->gateway,
		j->row.class_name);
	bool well = is_well(j, end);

	if (well || j->reached >= ENGINE_STAGE_STAGED)
		put_process(c, j, klass);
	view_detail(evidence, sizeof(evidence), "{s:s,s:I,s:I,s:I,s:i}",
		"state", job_state_name(end), "image_bytes",
		(json_int_t)j->row.payload_len, "bytes_sent",
		(json_int_t)j->bytes_sent, "image_bytes_repeated",
		(json_int_t)j->bytes_repeated, "attempts", j->row.attempts);
	put(c, j, STEP_APPLY, reached_tier(j, STEP_APPLY),
		outcome_of(j, end, STEP_APPLY), evidence);
	describe(&j->facts, evidence, sizeof(evidence));
	put(c, j, STEP_REVERIFY, well ? reached_tier(j, STEP_REVERIFY) :
		TIER_NONE, outcome_of(j, end, STEP_REVERIFY), evidence);
	view_detail(evidence, sizeof(evidence), "{s:s,s:s,s:s}", "expected",
		j->expect_version, "seen", j->facts.version, "code",
		j->row.failure.code ? err_name(j->row.failure.code) : "");
	put(c, j, STEP_ACTIVATE, well ? reached_tier(j, STEP_ACTIVATE) :
		TIER_NONE, outcome_of(j, end, STEP_ACTIVATE), evidence);
	view_detail(evidence, sizeof(evidence), "{s:s}", "record",
		"local history, and the outbox of the vendor if it takes "
		"reports");
	put(c, j, STEP_CLEANUP, reached_tier(j, STEP_CLEANUP), "ok", evidence);
}

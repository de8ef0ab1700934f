#include "gateway/daemon/ledger.h"

#include <stdio.h>

#include "gateway/daemon/view.h"

/* The database counts tiers from "none" = 0, policy from "basic" = 0. */
static enum ledger_tier stored(int tier)
{
	return (enum ledger_tier)(tier + 1);
}

static void put(struct store_commit *c, const struct job *j, unsigned step,
	int tier, const char *outcome, const char *evidence)
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
}

/* Every check of the verdict that speaks about a step, as evidence: a list of
 * "name outcome: evidence", as many as fit. */
static void put_verdict(struct store_commit *c, const struct job *j,
	unsigned step)
{
	const struct verdict *v = &j->release->verdict;
	char evidence[ROW_EVIDENCE_SIZE];
	json_t *list = json_array();

	for (unsigned i = 0; i < v->count; i++) {
		const struct check *check = &v->rows[i];

		if (check->step != step)
			continue;
		json_array_append_new(list, json_sprintf("%s %s%s%s",
			check->name, check_outcome_name(check->outcome),
			check->evidence[0] ? ": " : "", check->evidence));
		if (json_dumpb(list, NULL, 0, JSON_COMPACT) <
				sizeof(evidence) - 32)
			continue;
		json_array_remove(list, json_array_size(list) - 1);
		break;
	}
	view_detail(evidence, sizeof(evidence), "{s:o}", "checks", list);
	put(c, j, step, v->tiers.of[step], "ok", evidence);
}

static bool is_mutual(const struct vendor *v)
{
	return v && v->config->link.certificate[0];
}

/* What was really used, or, when nothing was fetched in this run, the least that
 * the vendor's file allows. */
static int receive_tier(const struct vendor *v, const char *tls)
{
	if (!tls && v)
		tls = v->config->link.tls_min;
	if (!tls)
		return TIER_BASIC;
	return strstr(tls, "1.3") ? TIER_ENHANCED : TIER_UPGRADED;
}

static const char *tls_of(const struct vendor *v)
{
	return v && v->link ? vendor_https_state(v->link).stats.tls_version :
		NULL;
}

static int best_tier(const struct gateway *g, const struct device_class *klass,
	const struct release *r, bool approved, int security, unsigned step)
{
	const struct vendor *v = vendor_find(g, r->vendor);

	switch (step) {
	case STEP_SEND:
		return is_mutual(v) ? TIER_ENHANCED : TIER_UPGRADED;
	case STEP_RECEIVE:
		return receive_tier(v, tls_of(v));
	case STEP_SIGN:
	case STEP_PROTECT:
	case STEP_CHECK:
		return r->verdict.tiers.of[step];
	case STEP_DISTRIBUTE:
		return security < 0 || security >= (int)FERRY_SECURITY_NETWORK ?
			TIER_UPGRADED : TIER_BASIC;
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

static void put_link_steps(struct store_commit *c, const struct job *j)
{
	const struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	struct vendor_https_state state = {0};
	char evidence[ROW_EVIDENCE_SIZE];
	bool mutual = is_mutual(v);
	const char *tls = NULL;

	if (v && v->link)
		state = vendor_https_state(v->link);
	tls = state.stats.tls_version;
	view_detail(evidence, sizeof(evidence), "{s:s,s:b,s:b}", "link",
		"https", "client_certificate", mutual, "from_cache",
		j->release->fetched_bytes == 0);
	put(c, j, STEP_SEND, mutual ? TIER_ENHANCED : TIER_UPGRADED, "ok",
		evidence);
	view_detail(evidence, sizeof(evidence), "{s:s,s:s}", "tls",
		tls ? tls : "none in this run", "suite",
		state.stats.tls_suite ? state.stats.tls_suite : "");
	put(c, j, STEP_RECEIVE, receive_tier(v, tls), "ok", evidence);
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

void ledger_put_before(struct store_commit *c, const struct job *j)
{
	char evidence[ROW_EVIDENCE_SIZE];

	if (!j->release)
		return;
	put_verdict(c, j, STEP_SIGN);
	put_verdict(c, j, STEP_PROTECT);
	put_link_steps(c, j);
	put_verdict(c, j, STEP_CHECK);
	view_detail(evidence, sizeof(evidence), "{s:s,s:s}", "approval",
		j->row.approval, "by", j->row.approved_by);
	put(c, j, STEP_ANNOUNCE, TIER_BASIC, "ok", evidence);
	view_detail(evidence, sizeof(evidence), "{s:s,s:i}", "link",
		j->line ? j->line->name : "", "security", (int)j->security);
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
static void put_process(struct store_commit *c, const struct job *j)
{
	char evidence[ROW_EVIDENCE_SIZE];

	if (j->mac.id[0])
		view_detail(evidence, sizeof(evidence),
			"{s:s,s:s,s:s,s:s,s:I}", "mode", j->facts.mode, "by",
			"class description", "mac", "HMAC 256/256", "hub",
			j->mac.id, "epoch", (json_int_t)j->mac.epoch);
	else
		view_detail(evidence, sizeof(evidence), "{s:s,s:s}", "mode",
			j->facts.mode, "by", "class description");
	put(c, j, STEP_PROCESS, TIER_BASIC, "declared", evidence);
}

void ledger_put_end(struct store_commit *c, const struct job *j,
	enum job_state end)
{
	char evidence[ROW_EVIDENCE_SIZE];
	bool well = end == JOB_DONE;
	const char *outcome = well ? "ok" : end == JOB_UNVERIFIED ?
		"unverified" : "failed";

	put_process(c, j);
	view_detail(evidence, sizeof(evidence), "{s:s,s:I,s:I,s:I,s:i}",
		"state", job_state_name(end), "image_bytes",
		(json_int_t)j->row.payload_len, "bytes_sent",
		(json_int_t)j->bytes_sent, "image_bytes_repeated",
		(json_int_t)j->bytes_repeated, "attempts", j->row.attempts);
	put(c, j, STEP_APPLY, reached_tier(j, STEP_APPLY), outcome, evidence);
	describe(&j->facts, evidence, sizeof(evidence));
	put(c, j, STEP_REVERIFY, well ? reached_tier(j, STEP_REVERIFY) :
		TIER_NONE, outcome, evidence);
	view_detail(evidence, sizeof(evidence), "{s:s,s:s,s:s}", "expected",
		j->expect_version, "seen", j->facts.version, "code",
		j->row.failure.code ? err_name(j->row.failure.code) : "");
	put(c, j, STEP_ACTIVATE, well ? reached_tier(j, STEP_ACTIVATE) :
		TIER_NONE, outcome, evidence);
	view_detail(evidence, sizeof(evidence), "{s:s}", "record",
		"local history, and the outbox of the vendor if it takes "
		"reports");
	put(c, j, STEP_CLEANUP, reached_tier(j, STEP_CLEANUP), "ok", evidence);
}

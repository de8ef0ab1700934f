#include "gateway/daemon/job_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/ledger.h"
#include "gateway/daemon/outbox.h"
#include "gateway/daemon/report.h"
#include "gateway/daemon/view_text.h"

#define COMMIT_AGAIN_MS 5000
#define STEPS_TEXT (2 * STEP_COUNT + 1)

struct job *job_find(const struct gateway *g, uint64_t id)
{
	for (struct job *j = g->jobs; j; j = j->next)
		if (j->row.id == id)
			return j;
	return NULL;
}

bool job_is_past_return(const struct job *j)
{
	return j->reached >= ENGINE_STAGE_RESTART;
}

int64_t job_eta_s(const struct job *j)
{
	if (j->rate_bps < 1 || j->total <= j->offset)
		return j->total && j->offset >= j->total ? 0 : -1;
	return (int64_t)((double)(j->total - j->offset) / j->rate_bps) + 1;
}

/* ---- the row ---- */

/* Two letters a step: the tier that was reached and how it went; "--": no row of
 * the ledger yet. */
static const char tier_letters[] = "n0123";

static void write_steps(const struct job *j, char text[STEPS_TEXT])
{
	for (unsigned i = 1; i <= STEP_COUNT; i++) {
		const struct job_step *s = &j->steps[i];

		text[2 * i - 2] = s->outcome ? tier_letters[s->tier + 1] : '-';
		text[2 * i - 1] = s->outcome ? s->outcome : '-';
	}
	text[2 * STEP_COUNT] = '\0';
}

static void read_steps(struct job *j, const char *text)
{
	if (strnlen(text, 2 * STEP_COUNT) < 2 * STEP_COUNT)
		return;
	for (unsigned i = 1; i <= STEP_COUNT; i++) {
		const char *tier = strchr(tier_letters, text[2 * i - 2]);

		if (tier && *tier && text[2 * i - 1] != '-')
			j->steps[i] = (struct job_step){
				(int8_t)(tier - tier_letters - 1),
				text[2 * i - 1]};
	}
}

/* What the database's `expect` column holds for us. The version is text of the
 * catalog, so it stands there in hexadecimal. */
static void write_terms(struct job *j)
{
	char hash[2 * sizeof(j->expect_hash) + 1];
	char version[2 * sizeof(j->expect_version) + 1];
	char mac[LASTHOP_HUB_SIZE + 24] = "-";
	char steps[STEPS_TEXT];

	write_steps(j, steps);
	if (j->mac.id[0])
		snprintf(mac, sizeof(mac), "%s:%llu", j->mac.id,
			(unsigned long long)j->mac.epoch);
	snprintf(j->row.expect, sizeof(j->row.expect),
		"reached=%d slot=%u at=%lld down=%d hash=%s version=%s "
		"mac=%s steps=%s by=%s;window=%s", j->next_reached, j->slot,
		(long long)j->terms.at_ms, j->terms.allow_downgrade |
		j->terms.allow_older << 1,
		j->expect_hash_len ? bytes_to_hex(bytes_of(j->expect_hash,
			j->expect_hash_len), hash, sizeof(hash)) : "-",
		j->expect_version[0] ? bytes_to_hex(bytes_of_text(
			j->expect_version), version, sizeof(version)) : "-",
		mac, steps, j->terms.by,
		j->terms.window);
}

void job_terms_read(const char *expect, struct job_terms *ret)
{
	const char *by = strstr(expect, " by=");
	const char *window = by ? strstr(by, ";window=") : NULL;
	long long at = 0;
	int down = 0;

	*ret = (struct job_terms){0};
	if (!window || sscanf(expect, "reached=%*d slot=%*u at=%lld down=%d",
			&at, &down) != 2)
		return;
	ret->at_ms = at;
	ret->allow_downgrade = (down & 1) != 0;
	ret->allow_older = (down & 2) != 0;
	by += strlen(" by=");
	snprintf(ret->by, sizeof(ret->by), "%.*s", (int)(window - by), by);
	snprintf(ret->window, sizeof(ret->window), "%s", window +
		strlen(";window="));
}

/* Who made the MAC of what was sent, where an earlier run noted it. */
static void read_mac(struct job *j)
{
	const char *at = strstr(j->row.expect, " mac=");
	const char *end = at ? strchr(at, ':') : NULL;
	size_t len;

	j->mac = (struct lasthop_hub){0};
	if (!end || end > strstr(j->row.expect, " by="))
		return;
	at += strlen(" mac=");
	len = (size_t)(end - at);
	if (len >= sizeof(j->mac.id))
		return;
	memcpy(j->mac.id, at, len);
	j->mac.epoch = strtoull(end + 1, NULL, 10);
	if (lasthop_hub_check(&j->mac))
		j->mac = (struct lasthop_hub){0};
}

static void read_terms(struct job *j)
{
	char hash[2 * sizeof(j->expect_hash) + 1] = "-";
	char version[2 * sizeof(j->expect_version) + 1] = "-";
	const char *steps = strstr(j->row.expect, " steps=");
	bool by_operator = j->terms.by_operator;
	size_t len;

	j->reached = ENGINE_STAGE_NONE;
	job_terms_read(j->row.expect, &j->terms);
	read_mac(j);
	j->terms.by_operator = by_operator;
	if (sscanf(j->row.expect, "reached=%d slot=%u at=%*d down=%*d "
			"hash=%128s version=%80s", &j->reached, &j->slot, hash,
			version) < 4)
		return;
	if (steps)
		read_steps(j, steps + strlen(" steps="));
	len = strlen(hash) / 2;
	if (strcmp(hash, "-") && len <= sizeof(j->expect_hash) &&
			bytes_from_hex(hash, j->expect_hash, len) == 0)
		j->expect_hash_len = (uint8_t)len;
	len = strlen(version) / 2;
	if (strcmp(version, "-") && len < sizeof(j->expect_version) &&
			bytes_from_hex(version, (uint8_t *)j->expect_version,
			len) == 0)
		j->expect_version[len] = '\0';
}

void job_take_release(struct job *j, struct release *r)
{
	if (j->release == r)
		return;
	if (j->release)
		release_unuse(j->release);
	j->release = r;
	if (!r)
		return;
	release_use(r);
	if (r->state == RELEASE_VERIFIED)
		j->slot = r->slot;
}

/* ---- states ---- */

static void put_end(struct store_commit *c, struct job *j, enum job_state to)
{
	if (j->reached >= ENGINE_STAGE_TRANSFER || to == JOB_DONE)
		ledger_put_end(c, j, to);
	else if (to == JOB_FAILED)
		ledger_put_refusal(c, j);
	if (to == JOB_FAILED || to == JOB_QUARANTINED || to == JOB_UNVERIFIED)
		ledger_put_failure(c, j, to);
}

static struct store_commit *commit_of(struct job *j, enum job_state to)
{
	struct store_commit *c = store_commit_new();
	bool first = j->next_reached >= ENGINE_STAGE_TRANSFER &&
		j->reached < ENGINE_STAGE_TRANSFER;
	struct device_floor_row floor = {.sequence = j->row.sequence};

	j->row_changed = false;
	snprintf(j->row.state, sizeof(j->row.state), "%s", job_state_name(to));
	j->row.closed = job_state_is_ended(to);
	j->row.paused = to == JOB_PAUSED;
	j->row.updated_ms = gateway_wall_ms();
	if ((to == JOB_TRANSFERRING && first) || (to == JOB_DONE &&
			!j->steps[STEP_SIGN].outcome))
		ledger_put_before(c, j);
	if (job_state_is_ended(to))
		put_end(c, j, to);
	/* The row keeps what the ledger says, for reports after a restart. */
	write_terms(j);
	store_commit_job(c, &j->row);
	if (!job_state_is_ended(to))
		return c;
	child_put(c, j->child);
	report_put(c, j, to);
	if (to == JOB_DONE) {
		snprintf(floor.vendor, sizeof(floor.vendor), "%s",
			j->row.vendor);
		snprintf(floor.device, sizeof(floor.device), "%s",
			j->row.device);
		snprintf(floor.component, sizeof(floor.component), "%s",
			j->row.component);
		store_commit_device_floor(c, &floor);
		floors_take_device(&j->gateway->floors, &floor);
	}
	return c;
}

static void put_history(struct store_commit *c, const struct job *j,
	enum job_state to)
{
	char kind[ROW_WORD_SIZE];
	char detail[ROW_EVIDENCE_SIZE];

	if (!job_state_is_ended(to) && to != JOB_PAUSED)
		return;
	snprintf(kind, sizeof(kind), "job-%s", job_state_name(to));
	view_detail(detail, sizeof(detail), "{s:s,s:s,s:s,s:i,s:i}",
		"from_version", j->row.from_version, "to_version",
		j->row.to_version, "code", j->row.failure.code ?
		err_name(j->row.failure.code) : "", "step",
		j->row.failure.step, "attempts", j->row.attempts);
	gateway_history(c, kind, j->row.vendor, j->row.device, j->row.id,
		j->wish_by[0] ? j->wish_by : j->terms.by, detail);
}

static void remember_end(struct job *j)
{
	struct child *c = j->child;
	struct gateway *g = j->gateway;

	g->ended_done += j->state == JOB_DONE;
	g->ended_failed += j->state == JOB_FAILED;
	g->ended_unverified += j->state == JOB_UNVERIFIED;
	c->job = NULL;
	/* A refusal before anything was tried may be cured by a new catalog. */
	if (j->row.attempts == 0 && j->state == JOB_FAILED)
		return;
	if (j->state == JOB_SUPERSEDED)
		return;
	memcpy(c->ended.manifest, j->row.manifest_digest, 32);
	c->ended.job = j->row.id;
	c->ended.state = j->state;
}

static void free_job(struct job *j)
{
	struct job **at = &j->gateway->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	job_take_release(j, NULL);
	if (j->pinned)
		cache_unpin(j->gateway->cache, j->row.payload_digest);
	if (j->child && j->child->job == j)
		j->child->job = NULL;
	free(j->gates);
	free(j);
}

static void ended(struct job *j)
{
	struct gateway *g = j->gateway;
	struct device *d = child_device(j->child);
	struct vendor *v = vendor_find(g, j->row.vendor);

	remember_end(j);
	log_info("job", "ended", "job=%llu device=%s state=%s version=%s "
		"code=%s", (unsigned long long)j->row.id, j->row.device,
		job_state_name(j->state), j->row.to_version,
		err_name(j->row.failure.code));
	news_job(&j->gateway->news, j);
	if (d)
		news_device(&g->news, d);
	free_job(j);
	if (v)
		outbox_send(v);
	gateway_replan(g);
}

static void on_entered(void *arg, int status)
{
	struct job *j = arg;
	void (*then)(struct job *j) = j->then;
	enum job_state from = j->state;

	j->committing = false;
	if (status) {
		j->commit_failed = true;
		gateway_wake_at(j->gateway, COMMIT_AGAIN_MS);
		return;
	}
	j->then = NULL;
	j->state = j->next_state;
	j->reached = j->next_reached;
	if (from != j->state)
		log_info("job", "entered", "job=%llu device=%s state=%s",
			(unsigned long long)j->row.id, j->row.device,
			job_state_name(j->state));
	if (job_state_is_ended(j->state)) {
		ended(j);
		return;
	}
	news_job(&j->gateway->news, j);
	/* A stopping ferryd notes what is durable and begins nothing. */
	if (j->gateway->stopping)
		return;
	if (then)
		then(j);
	if (j->has_result && !j->committing)
		job_take_result(j);
	else if (j->row_changed && !j->committing)
		job_enter(j, j->state, NULL);
	else
		gateway_wake(j->gateway);
}

void job_commit_again(struct job *j)
{
	struct store_commit *c = commit_of(j, j->next_state);
	int err;

	j->commit_failed = false;
	j->committing = true;
	put_history(c, j, j->next_state);
	err = gateway_commit(j->gateway, c, on_entered, j);
	if (!err)
		return;
	j->committing = false;
	j->commit_failed = true;
	gateway_wake_at(j->gateway, COMMIT_AGAIN_MS);
}

void job_enter(struct job *j, enum job_state state, void (*then)(struct job *j))
{
	if (j->committing || j->commit_failed ||
			!job_state_may_follow(j->state, state)) {
		log_error("job", "transition refused",
			"job=%llu from=%s to=%s committing=%d",
			(unsigned long long)j->row.id,
			job_state_name(j->state), job_state_name(state),
			j->committing);
		return;
	}
	j->next_state = state;
	if (j->next_reached < j->reached)
		j->next_reached = j->reached;
	j->then = then;
	job_commit_again(j);
}

/* ---- making ---- */

static const char *approval_text(const struct gateway *g,
	const struct config_class *c, const struct release *r,
	const struct job_terms *terms)
{
	enum config_approval rule = c->has_approval ? c->approval : g->config->
		approval;

	if (terms->by_operator)
		return "approved";
	switch (rule) {
	case CONFIG_APPROVAL_AUTO:
		return "not-needed";
	case CONFIG_APPROVAL_ASK:
		return "waiting";
	case CONFIG_APPROVAL_SECURITY:
		return r->security ? "not-needed" : "waiting";
	}
	return "waiting";
}

static struct job *make(struct gateway *g, struct child *child)
{
	struct job *j = calloc(1, sizeof(*j));
	struct job **at = &g->jobs;

	if (!j)
		return NULL;
	j->gateway = g;
	j->child = child;
	j->reached = ENGINE_STAGE_NONE;
	j->next_reached = ENGINE_STAGE_NONE;
	j->held = ENGINE_STAGE_NONE;
	while (*at)
		at = &(*at)->next;
	*at = j;
	child->job = j;
	return j;
}

/* The image stays in the cache as long as the job is open. */
static void pin(struct job *j)
{
	j->pinned = cache_pin(j->gateway->cache, j->row.payload_digest) == 0;
}

static void fill_row(struct job *j, const struct release *r,
	const struct device *d)
{
	struct job_row *row = &j->row;

	row->id = j->gateway->next_job_id++;
	snprintf(row->device, sizeof(row->device), "%s", d->id);
	snprintf(row->vendor, sizeof(row->vendor), "%s", r->vendor);
	snprintf(row->class_name, sizeof(row->class_name), "%s", r->class_name);
	snprintf(row->component, sizeof(row->component), "%s", r->component);
	memcpy(row->manifest_digest, r->manifest, 32);
	memcpy(row->envelope_digest, r->envelope, 32);
	memcpy(row->payload_digest, r->payload, 32);
	row->payload_len = r->payload_len;
	row->sequence = r->sequence;
	snprintf(row->from_version, sizeof(row->from_version), "%s",
		d->version);
	snprintf(row->to_version, sizeof(row->to_version), "%s", r->version);
	row->created_ms = gateway_wall_ms();
	memcpy(j->expect_hash, r->expect_hash, sizeof(j->expect_hash));
	j->expect_hash_len = r->expect_hash_len;
	memcpy(j->expect_version, r->expect_version,
		sizeof(j->expect_version));
	j->total = r->payload_len;
}

int job_new(struct child *child, struct release *release,
	const struct job_terms *terms, struct job **ret)
{
	struct gateway *g = child->gateway;
	const struct device *d = child_device(child);
	const struct config_class *c = d ? gateway_class(g, d->class_name) :
		NULL;
	struct job *j;
	uint32_t slot;

	if (child->job)
		return ERR_JOB_EXISTS;
	if (!c)
		return ERR_REGISTRY_NO_CLASS;
	j = make(g, child);
	if (!j)
		return -ENOMEM;
	j->terms = *terms;
	fill_row(j, release, d);
	if (class_component_slot(&c->device, release->component, &slot) == 0)
		j->slot = slot;
	snprintf(j->row.approval, sizeof(j->row.approval), "%s",
		approval_text(g, c, release, terms));
	if (terms->by_operator)
		snprintf(j->row.approved_by, sizeof(j->row.approved_by), "%s",
			terms->by);
	pin(j);
	job_take_release(j, release);
	if (terms->allow_downgrade && !release->below_floor)
		release_lower(release);
	*ret = j;
	job_enter(j, JOB_QUEUED, NULL);
	return 0;
}

int job_load(struct gateway *g, const struct job_row *row)
{
	const struct config_class *c = gateway_class(g, row->class_name);
	struct child *child = child_find(g, row->device);
	enum job_state state;
	struct job *j;

	if (!child || child->job || job_state_parse(row->state, &state))
		return -EINVAL;
	j = make(g, child);
	if (!j)
		return -ENOMEM;
	j->row = *row;
	/* Its class may have been handed over since. */
	if (c)
		snprintf(j->row.vendor, sizeof(j->row.vendor), "%s", c->vendor);
	j->state = state;
	j->total = row->payload_len;
	read_terms(j);
	j->next_reached = j->reached;
	pin(j);
	return 0;
}

int job_reopen(struct gateway *g, const struct job_row *row, const char *who,
	struct job **ret)
{
	struct child *child = child_find(g, row->device);
	enum job_state state;
	struct job *j;

	if (!child)
		return ERR_REGISTRY_NO_DEVICE;
	if (child->job)
		return ERR_JOB_EXISTS;
	if (job_state_parse(row->state, &state) ||
			!job_state_may_follow(state, JOB_QUEUED) ||
			!job_state_is_ended(state))
		return ERR_JOB_STATE;
	j = make(g, child);
	if (!j)
		return -ENOMEM;
	j->row = *row;
	j->state = state;
	j->total = row->payload_len;
	read_terms(j);
	/* A new try begins by asking the device, as if for the first time. */
	j->reached = j->next_reached = ENGINE_STAGE_NONE;
	memset(j->steps, 0, sizeof(j->steps));
	j->row.attempts = 0;
	j->row.next_retry_ms = 0;
	j->row.failure = (struct job_failure){0};
	if (!strcmp(j->row.approval, "declined"))
		snprintf(j->row.approval, sizeof(j->row.approval), "approved");
	snprintf(j->row.approved_by, sizeof(j->row.approved_by), "%s", who);
	snprintf(j->terms.by, sizeof(j->terms.by), "%s", who);
	pin(j);
	job_find_release(j);
	*ret = j;
	job_enter(j, JOB_QUEUED, NULL);
	return 0;
}

/* ---- what operators ask ---- */

static bool is_settled(const struct job *j)
{
	return !j->committing && !j->commit_failed && !j->session &&
		!j->bundle;
}

/* At once where nothing is at work, at the next safe point otherwise. */
static int wish(struct job *j, enum job_wish wanted, enum job_state state,
	const char *who)
{
	if (job_is_past_return(j) && job_state_is_active(j->state))
		return ERR_JOB_STATE;
	if (is_settled(j)) {
		if (!job_state_may_follow(j->state, state))
			return ERR_JOB_STATE;
		snprintf(j->wish_by, sizeof(j->wish_by), "%s", who);
		job_enter(j, state, NULL);
		return 0;
	}
	snprintf(j->wish_by, sizeof(j->wish_by), "%s", who);
	j->wish = wanted;
	if (j->session)
		session_withdraw(j->session);
	return 0;
}

int job_approve(struct job *j, const char *who)
{
	if (j->held == ENGINE_STAGE_CONFIRM) {
		j->confirm_told = true;
		gateway_wake(j->gateway);
		return 0;
	}
	if (strcmp(j->row.approval, "waiting") && !job_must_be_asked(j))
		return ERR_JOB_STATE;
	snprintf(j->row.approval, sizeof(j->row.approval), "approved");
	snprintf(j->row.approved_by, sizeof(j->row.approved_by), "%s", who);
	j->row_changed = true;
	if (is_settled(j))
		job_enter(j, j->state, NULL);
	return 0;
}

void job_allow_older(struct job *j)
{
	if (j->terms.allow_older)
		return;
	j->terms.allow_older = true;
	j->row_changed = true;
	if (is_settled(j))
		job_enter(j, j->state, NULL);
}

int job_decline(struct job *j, const char *who)
{
	if (!is_settled(j) || !job_state_may_follow(j->state, JOB_DECLINED))
		return ERR_JOB_STATE;
	snprintf(j->row.approval, sizeof(j->row.approval), "declined");
	snprintf(j->row.approved_by, sizeof(j->row.approved_by), "%s", who);
	snprintf(j->wish_by, sizeof(j->wish_by), "%s", who);
	job_enter(j, JOB_DECLINED, NULL);
	return 0;
}

int job_pause(struct job *j, const char *who)
{
	if (j->state == JOB_PAUSED)
		return 0;
	return wish(j, JOB_WISH_PAUSE, JOB_PAUSED, who);
}

int job_resume(struct job *j, const char *who)
{
	(void)who;
	if (j->wish == JOB_WISH_PAUSE) {
		j->wish = JOB_WISH_NONE;
		return 0;
	}
	if (j->state != JOB_PAUSED || !is_settled(j))
		return ERR_JOB_STATE;
	j->wish_by[0] = '\0';
	job_enter(j, JOB_QUEUED, NULL);
	return 0;
}

int job_cancel(struct job *j, const char *who)
{
	return wish(j, JOB_WISH_CANCEL, JOB_CANCELLED, who);
}

void job_supersede(struct job *j)
{
	if (job_is_past_return(j) || j->wish)
		return;
	wish(j, JOB_WISH_SUPERSEDE, JOB_SUPERSEDED, "catalog");
}

void job_came_back(struct job *j)
{
	j->absences = 0;
	j->row.next_retry_ms = 0;
}

int job_retry(struct job *j, const char *who)
{
	(void)who;
	if (j->state == JOB_PAUSED)
		return job_resume(j, who);
	j->row.next_retry_ms = 0;
	gateway_wake(j->gateway);
	return 0;
}

/* ---- end ---- */

void job_forget_releases(struct gateway *g)
{
	for (struct job *j = g->jobs; j; j = j->next)
		j->release = NULL;
}

void job_free_all(struct gateway *g)
{
	while (g->jobs) {
		struct job *next = g->jobs->next;

		free(g->jobs->gates);
		free(g->jobs);
		g->jobs = next;
	}
}

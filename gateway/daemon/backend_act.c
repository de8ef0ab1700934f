#include "gateway/daemon/backend_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "gateway/daemon/inventory.h"
#include "gateway/daemon/plan.h"
#include "gateway/daemon/radio.h"
#include "gateway/daemon/roots.h"
#include "policy/gates/window.h"

/* ---- devices ---- */

/* A candidate by its key, or by "link:key" where two links see the same; NULL
 * also when the key alone does not say which. */
static const struct candidate *candidate_of(const struct gateway *g,
	const char *key)
{
	const struct candidate *found = NULL;

	for (size_t i = 0; i < registry_candidate_count(g->registry); i++) {
		const struct candidate *c = registry_candidate_at(g->registry,
			i);
		size_t len = strlen(c->link);

		if (!strncmp(key, c->link, len) && key[len] == ':' &&
				!strcmp(key + len + 1, c->key))
			return c;
		if (strcmp(c->key, key))
			continue;
		if (found)
			return NULL;
		found = c;
	}
	return found;
}

static void device_changed(struct gateway *g, uint64_t token, struct device *d,
	const char *kind, const char *who)
{
	struct child *child = child_of(g, d->id);
	json_t *answer;

	if (!child) {
		backend_refuse(g, token, -ENOMEM, "", "", "");
		return;
	}
	if (!strcmp(kind, "device-enrolled"))
		snprintf(child->enrolled_by, sizeof(child->enrolled_by), "%s",
			who);
	/* What is being read is of the class or the hardware before. */
	inventory_stop(child);
	child->read_this_run = false;
	child->read_failures = 0;
	child->next_read_ms = 0;
	memset(&child->ended, 0, sizeof(child->ended));
	radio_review_peer(g, d->link, d->key);
	child_save(child, kind, who);
	news_device(&g->news, d);
	gateway_replan(g);
	answer = view_device(g, d);
	json_object_set_new(answer, "warnings", view_warnings(g, d, true));
	backend_answer(g, token, answer);
}

static void enrol(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	const struct candidate *c = candidate_of(g, call->id);
	char link[REGISTRY_LINK_SIZE];
	char key[REGISTRY_KEY_SIZE];
	struct fault fault = {0};
	struct device *d = NULL;

	if (!c) {
		backend_refuse(g, token, -ENOENT, "key", "must be one candidate",
			"ferryctl candidates lists them; LINK:KEY says which");
		return;
	}
	memcpy(link, c->link, sizeof(link));
	memcpy(key, c->key, sizeof(key));
	if (registry_enrol(g->registry, link, key, call->klass, call->device,
			gateway_wall_ms() / 1000, &d, &fault))
		admin_refuse_fault(g->admin, token, &fault, "");
	else
		device_changed(g, token, d, "device-enrolled", call->who.name);
}

/* True when a job of the device stands in the way; it has then been refused. */
static bool is_busy(struct gateway *g, uint64_t token, const char *id)
{
	const struct child *c = child_find(g, id);

	if (!c || !c->job)
		return false;
	backend_refuse(g, token, ERR_JOB_EXISTS, "id", "must have no open job",
		"ferryctl cancel ends it");
	return true;
}

static void classify(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct fault fault = {0};
	struct device *d = NULL;

	if (!registry_device(g->registry, call->id))
		backend_no_device(g, token);
	else if (is_busy(g, token, call->id))
		return;
	else if (registry_classify(g->registry, call->id, call->klass, &d,
			&fault))
		admin_refuse_fault(g->admin, token, &fault, "");
	else
		device_changed(g, token, d, "device-classified",
			call->who.name);
}

static void replace(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	const struct candidate *c = candidate_of(g, call->peer);
	struct device *d = registry_device(g->registry, call->id);
	struct device before;
	char link[REGISTRY_LINK_SIZE];
	char key[REGISTRY_KEY_SIZE];
	struct fault fault = {0};

	if (!d) {
		backend_no_device(g, token);
		return;
	}
	before = *d;
	if (!c) {
		backend_refuse(g, token, -ENOENT, "peer", "must be one candidate",
			"ferryctl candidates lists them; LINK:KEY says which");
		return;
	}
	if (is_busy(g, token, call->id))
		return;
	memcpy(link, c->link, sizeof(link));
	memcpy(key, c->key, sizeof(key));
	if (registry_replace(g->registry, call->id, link, key,
			gateway_wall_ms() / 1000, &d, &fault))
		admin_refuse_fault(g->admin, token, &fault, "");
	else {
		radio_review_peer(g, before.link, before.key);
		device_changed(g, token, d, "device-replaced", call->who.name);
	}
}

/* A device whose forgetting was not stored is back after a restart. */
static void on_forgotten(void *arg, int status)
{
	struct question *q = arg;

	if (!status)
		backend_answer(q->gateway, q->token, json_pack("{s:s}", "id",
			q->id));
	question_end(q, status);
}

static void forget(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct child *child = child_find(g, call->id);
	struct store_commit *c;
	struct fault fault = {0};
	const struct device *d = registry_device(g->registry, call->id);
	struct device before;
	struct question *q;
	int err;

	if (!d) {
		backend_no_device(g, token);
		return;
	}
	if (is_busy(g, token, call->id))
		return;
	before = *d;
	q = question_new(g, token);
	c = store_commit_new();
	store_commit_device_forget(c, call->id);
	gateway_history(c, "device-forgotten", d->vendor, call->id, 0,
		call->who.name, NULL);
	if (q)
		snprintf(q->id, sizeof(q->id), "%s", call->id);
	err = gateway_commit(g, c, q ? on_forgotten : NULL, q);
	if (err && q)
		question_end(q, err);
	news_forgotten(&g->news, call->id);
	if (child)
		inventory_forget(child);
	registry_forget(g->registry, call->id, gateway_wall_ms() / 1000,
		&fault);
	radio_review_peer(g, before.link, before.key);
	gateway_wake(g);
}

/* ---- vendors ---- */

/* One `check` over one or all vendors. */
struct checking {
	struct gateway *gateway;
	uint64_t token;
	json_t *list;
	unsigned open;
};

static void check_part_ended(struct checking *c)
{
	if (--c->open > 0)
		return;
	backend_answer_list(c->gateway, c->token, c->list);
	free(c);
}

static void on_checked(void *arg, struct vendor *v, int status, bool news)
{
	struct checking *c = arg;
	const struct catalog *catalog = vendor_catalog(v);

	json_array_append_new(c->list, json_pack("{s:s,s:s,s:o,s:o}", "vendor",
		v->name, "result", status ? "failed" : news ? "new" :
		"unchanged", "sequence", catalog ?
		json_integer((json_int_t)catalog->sequence) : json_null(),
		"failure", view_failure(status, 0, false, 0, "", 0,
			v->last_fault.rule)));
	check_part_ended(c);
}

static void check(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct checking *c;

	if (call->vendor && !vendor_find(g, call->vendor)) {
		backend_refuse(g, token, -ENOENT, "vendor", "must be configured",
			"ferryctl vendors lists them");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		backend_refuse(g, token, -ENOMEM, "", "", "");
		return;
	}
	*c = (struct checking){g, token, json_array(), 1};
	for (struct vendor *v = g->vendors; v; v = v->next) {
		int err;

		if (call->vendor && strcmp(call->vendor, v->name))
			continue;
		c->open++;
		err = vendor_check(v, on_checked, c);
		if (err)
			on_checked(c, v, err, false);
	}
	check_part_ended(c);
}

/* ---- update ---- */

struct updating {
	json_t *jobs, *unchanged, *refused;
};

static void add_refused(struct updating *u, const char *device,
	const char *code, const char *text, const char *hint)
{
	json_array_append_new(u->refused, json_pack("{s:o,s:{s:s,s:s,s:s}}",
		"device", view_text(device), "reason", "code", code, "text",
		text, "hint", hint));
}

/* The best pair, and why there is none. */
struct choice {
	struct plan_row install;
	struct plan_row downgrade;
	struct plan_row other;
	bool has_install, has_downgrade, has_other;
};

static void choose(void *arg, const struct plan_row *row)
{
	struct choice *c = arg;

	if (row->decision == PLAN_INSTALL) {
		if (!c->has_install || row->entry->sequence >
				c->install.entry->sequence)
			c->install = *row;
		c->has_install = true;
	} else if (row->would_downgrade) {
		if (!c->has_downgrade || row->entry->sequence >
				c->downgrade.entry->sequence)
			c->downgrade = *row;
		c->has_downgrade = true;
	} else if (!c->has_other || row->decision == PLAN_CURRENT) {
		c->other = *row;
		c->has_other = true;
	}
}

/* Only what an administrator asked for, for this device alone. */
static void lower_floor(struct gateway *g, const struct plan_row *row,
	const char *who)
{
	struct store_commit *c = store_commit_new();
	struct device_floor_row floor = {
		.sequence = row->entry->sequence,
		.lowered = true,
	};

	snprintf(floor.vendor, sizeof(floor.vendor), "%s", row->klass->vendor);
	snprintf(floor.device, sizeof(floor.device), "%s", row->device->id);
	snprintf(floor.component, sizeof(floor.component), "%s",
		row->component);
	store_commit_device_floor_lower(c, &floor, true);
	gateway_history(c, "floor-lowered", floor.vendor, floor.device, 0, who,
		NULL);
	gateway_commit(g, c, NULL, NULL);
	floors_take_device(&g->floors, &floor);
}

static void begin_job(struct gateway *g, struct updating *u,
	const struct plan_row *row, const struct admin_call *call)
{
	struct child *child = child_of(g, row->device->id);
	struct release *r = release_of(row->vendor, row->klass, row->entry);
	struct job_terms terms = {
		.at_ms = call->at_ms,
		.allow_downgrade = row->would_downgrade,
		.allow_older = call->allow_downgrade,
		.by_operator = true,
	};
	struct job *j = NULL;
	int err;

	if (call->window)
		snprintf(terms.window, sizeof(terms.window), "%s",
			call->window);
	snprintf(terms.by, sizeof(terms.by), "%s", call->who.name);
	err = child && r ? job_new(child, r, &terms, &j) : -ENOMEM;
	if (err)
		add_refused(u, row->device->id, err_name(err), err_text(err),
			"");
	else
		json_array_append_new(u->jobs, view_job(j));
}

static void update_device(struct gateway *g, struct updating *u,
	const struct device *d, const struct admin_call *call)
{
	struct child *child = child_find(g, d->id);
	struct choice choice = {.has_install = false};

	plan_device(g, d, choose, &choice);
	if (child && child->job) {
		if (call->allow_downgrade)
			job_allow_older(child->job);
		job_approve(child->job, call->who.name);
		json_array_append_new(u->jobs, view_job(child->job));
	} else if (choice.has_install) {
		begin_job(g, u, &choice.install, call);
	} else if (choice.has_downgrade && call->allow_downgrade) {
		lower_floor(g, &choice.downgrade, call->who.name);
		begin_job(g, u, &choice.downgrade, call);
	} else if (choice.has_other && choice.other.decision == PLAN_CURRENT) {
		json_array_append_new(u->unchanged, view_text(d->id));
	} else {
		const struct plan_row *row = choice.has_other ? &choice.other :
			&choice.downgrade;

		add_refused(u, d->id, row->code, row->text, row->hint);
	}
}

static void update(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct updating u;
	struct window window;
	struct fault fault = {0};

	if (call->window && window_parse(call->window, &window, &fault)) {
		backend_refuse(g, token, ERR_ADMIN_FIELD, "window", fault.rule,
			"such as \"22:00-05:00\" or \"mon-fri 01:00-04:30\"");
		return;
	}
	u = (struct updating){json_array(), json_array(), json_array()};
	for (size_t i = 0; call->all &&
			i < registry_device_count(g->registry); i++)
		update_device(g, &u, registry_device_at(g->registry, i), call);
	for (size_t i = 0; i < call->device_count; i++) {
		const struct device *d = registry_device(g->registry,
			call->devices[i]);

		if (d)
			update_device(g, &u, d, call);
		else
			add_refused(&u, call->devices[i], "ENOENT",
				"there is no such device",
				"ferryctl devices lists them");
	}
	backend_answer(g, token, json_pack("{s:o,s:o,s:o}", "jobs", u.jobs,
		"unchanged", u.unchanged, "refused", u.refused));
}

/* ---- jobs ---- */

static void refuse_state(struct gateway *g, uint64_t token, uint64_t job,
	const char *state)
{
	char hint[96];

	snprintf(hint, sizeof(hint), "job %llu is %s", (unsigned long long)job,
		state);
	backend_refuse(g, token, ERR_JOB_STATE, "job",
		"must be in a state that allows it", hint);
}

static void on_job_to_retry(void *arg, int status, const struct job_row *rows,
	size_t count)
{
	struct question *q = arg;
	struct gateway *g = q->gateway;
	struct job *j = NULL;

	if (!status && count == 0) {
		question_refuse_job(q);
		question_end(q, 0);
		return;
	}
	if (!status && q->act != ADMIN_ACT_RETRY)
		status = ERR_JOB_STATE;
	if (!status)
		status = job_reopen(g, &rows[0], q->who, &j);
	if (!status)
		backend_answer(g, q->token, view_job(j));
	else if (status == ERR_JOB_STATE)
		refuse_state(g, q->token, rows[0].id, rows[0].state);
	question_end(q, status == ERR_JOB_STATE ? 0 : status);
}

static void act_on_ended(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct question *q = question_new(g, token);
	int err;

	if (!q)
		return;
	q->act = call->act;
	snprintf(q->who, sizeof(q->who), "%s", call->who.name);
	err = store_job(g->store, call->job, on_job_to_retry, q);
	if (err)
		question_end(q, err);
}

static void act_on_job(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	static int (*const acts[])(struct job *j, const char *who) = {
		job_approve, job_decline, job_pause, job_resume, job_cancel,
		job_retry,
	};
	struct job *j = job_find(g, call->job);
	int err;

	if (!j) {
		act_on_ended(g, token, call);
		return;
	}
	err = acts[call->act - ADMIN_ACT_APPROVE](j, call->who.name);
	if (!err)
		backend_answer(g, token, view_job(j));
	else if (err == ERR_JOB_STATE)
		refuse_state(g, token, call->job, job_state_name(j->state));
	else
		backend_refuse(g, token, err, "job", "could not be changed", "");
}

/* ---- trust, backup ---- */

/* What the two copies take, for a person who wants to see that it worked. */
static json_int_t backup_bytes(const char *dir)
{
	static const char *const names[] = {"state.db", "trust.db"};
	char path[4200];
	struct stat st;
	json_int_t bytes = 0;

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (stat(path, &st) == 0)
			bytes += st.st_size;
	}
	return bytes;
}

static void refuse_backup(const struct question *q, int status)
{
	char rule[160];

	snprintf(rule, sizeof(rule), "cannot be written by ferryd: %s",
		err_text(status));
	backend_refuse(q->gateway, q->token, ERR_ADMIN_STATE, "dir", rule,
		"a folder that ferryd's user may write; its parent must exist");
}

static void on_done(void *arg, int status)
{
	struct question *q = arg;
	struct gateway *g = q->gateway;

	if (status && q->act == ADMIN_ACT_BACKUP && status != ERR_STORE_LOCKED) {
		refuse_backup(q, status);
		question_end(q, 0);
		return;
	}
	if (status) {
		question_end(q, status);
		return;
	}
	if (q->act == ADMIN_ACT_TRUST_UNLOCK) {
		gateway_alarm_clear(g, "trust-locked");
		g->trust_locked = false;
		raise(SIGHUP); /* vendors are opened again as at a reload */
		backend_answer(g, q->token, json_pack("{s:s}", "state", "ok"));
	} else {
		const char *dir = q->json ? json_string_value(q->json) : "";

		backend_answer(g, q->token, json_pack("{s:s,s:I}", "dir", dir, "bytes",
			backup_bytes(dir)));
	}
	question_end(q, 0);
}

static void trust_unlock(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct question *q = question_new(g, token);
	int err;

	if (!q)
		return;
	q->act = call->act;
	err = store_trust_unlock(g->store, call->who.name, gateway_wall_ms(),
		on_done, q);
	if (err)
		question_end(q, err);
}

static void backup(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct question *q = question_new(g, token);
	int err;

	if (!q)
		return;
	q->act = call->act;
	q->json = json_string(call->dir);
	err = store_backup(g->store, call->dir, on_done, q);
	if (err)
		question_end(q, err);
}

static void on_reset(void *arg, int status)
{
	struct question *q = arg;
	struct gateway *g = q->gateway;
	struct vendor *v = vendor_find(g, q->id);

	if (!status && v) {
		log_warn("backend", "trust of a vendor was reset",
			"vendor=%s by=%s", v->name, q->who);
		backend_answer(g, q->token, view_vendor(v));
	}
	if (!status) {
		floors_forget(&g->floors, q->id);
		raise(SIGHUP); /* it is opened again with its new root */
	}
	question_end(q, !status && !v ? -ENOENT : status);
}

static void vendor_reset(struct gateway *g, uint64_t token,
	const struct admin_call *call)
{
	struct vendor *v = vendor_find(g, call->id);
	struct root *root = NULL;
	struct fault fault = {0};
	struct store_commit *c;
	struct question *q;
	uint8_t digest[32], file_digest[32];
	int err;

	if (!v) {
		backend_refuse(g, token, -ENOENT, "name", "must be configured",
			"ferryctl vendors lists them");
		return;
	}
	err = root_first(call->root, &root, &fault);
	root_free(root);
	if (err) {
		admin_refuse_fault(g->admin, token, &fault,
			"give the vendor's new first root");
		return;
	}
	err = roots_file_digest(v, file_digest);
	if (!err)
		err = crypto_sha256(call->root, digest);
	if (err || memcmp(digest, file_digest, 32)) {
		backend_refuse(g, token, ERR_TRUST_ROOT_BEHIND, "root",
			"must be the file that vendors.d names",
			"put the file in place first, then reset with it");
		return;
	}
	q = question_new(g, token);
	if (!q)
		return;
	snprintf(q->id, sizeof(q->id), "%s", v->name);
	snprintf(q->who, sizeof(q->who), "%s", call->who.name);
	c = store_commit_new();
	store_commit_vendor_reset(c, v->name, true);
	gateway_history(c, "vendor-reset", v->name, NULL, 0, call->who.name,
		NULL);
	err = gateway_commit(g, c, on_reset, q);
	if (err)
		question_end(q, err);
}

void backend_act(void *arg, uint64_t token, const struct admin_call *call)
{
	struct gateway *g = arg;

	switch (call->act) {
	case ADMIN_ACT_ENROL:
		enrol(g, token, call);
		return;
	case ADMIN_ACT_CLASSIFY:
		classify(g, token, call);
		return;
	case ADMIN_ACT_REPLACE:
		replace(g, token, call);
		return;
	case ADMIN_ACT_FORGET:
		forget(g, token, call);
		return;
	case ADMIN_ACT_CHECK:
		check(g, token, call);
		return;
	case ADMIN_ACT_UPDATE:
		update(g, token, call);
		return;
	case ADMIN_ACT_APPROVE:
	case ADMIN_ACT_DECLINE:
	case ADMIN_ACT_PAUSE:
	case ADMIN_ACT_RESUME:
	case ADMIN_ACT_CANCEL:
	case ADMIN_ACT_RETRY:
		act_on_job(g, token, call);
		return;
	case ADMIN_ACT_VENDOR_RESET:
		vendor_reset(g, token, call);
		return;
	case ADMIN_ACT_TRUST_UNLOCK:
		trust_unlock(g, token, call);
		return;
	case ADMIN_ACT_BACKUP:
		backup(g, token, call);
		return;
	}
}

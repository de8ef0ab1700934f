#include "gateway/daemon/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/admin/remedy.h"

json_t *view_failure(int code, int step, bool has_offset, uint64_t offset,
	const char *device_status, int64_t next_retry_ms, const char *hint)
{
	if (!code)
		return json_null();
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s}", "code",
		err_name(code), "text", err_text(code), "step",
		step > 0 ? json_integer(step) : json_null(), "offset",
		has_offset ? json_integer((json_int_t)offset) : json_null(),
		"device_status", view_text(device_status ? device_status : ""),
		"next_retry", view_time_ms(next_retry_ms), "hint",
		view_text(hint ? hint : ""), "remedy", remedy_of(code)->text);
}

json_t *view_gates(const struct gates *gates)
{
	json_t *list = json_array();

	for (int i = 0; i < GATE_COUNT; i++) {
		if (!gates_is_waiting(gates, (enum gate)i))
			continue;
		json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:s}",
			"gate", gate_name((enum gate)i), "reason",
			view_text(gates->detail[i]), "until",
			view_time_ms(gateway_ms(gates->until[i])),
			"waits_for", gate_waits_for((enum gate)i)));
	}
	return list;
}

/* ---- jobs ---- */

static json_t *job_core(const struct job_row *r)
{
	const struct job_failure *f = &r->failure;

	return json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:s,s:i,s:o,s:o,"
		"s:{s:s,s:o,s:o},s:o,s:o}",
		"id", (json_int_t)r->id, "device", view_text(r->device),
		"vendor", view_text(r->vendor), "class",
		view_text(r->class_name), "component",
		view_text(r->component), "from_version",
		view_text(r->from_version), "to_version",
		view_text(r->to_version), "sequence", (json_int_t)r->sequence,
		"manifest_digest", view_hex(r->manifest_digest, 32), "state",
		r->state, "attempts", r->attempts, "next_retry",
		view_time_ms(r->next_retry_ms), "failure", view_failure(f->code,
			f->step, f->offset > 0, f->offset, f->device_status,
			r->next_retry_ms, f->hint), "approval", "state",
		r->approval[0] ? r->approval : "not-needed", "by",
		view_text(r->approved_by), "at", json_null(), "created",
		view_time_ms(r->created_ms), "updated",
		view_time_ms(r->updated_ms));
}

static json_t *progress_of(const struct job *j)
{
	int64_t eta = job_eta_s(j);

	if (!j->offset)
		return json_null();
	return json_pack("{s:I,s:I,s:I,s:o}", "offset", (json_int_t)j->offset,
		"total", (json_int_t)j->total, "rate_bps",
		(json_int_t)j->rate_bps, "eta_s", eta < 0 ? json_null() :
		json_integer(eta));
}

json_t *view_job_gates(const struct job *j)
{
	return j->gates && (j->session || j->state == JOB_WAITING) ?
		view_gates(j->gates) : json_array();
}

/* Who carries it out in our place. */
static json_t *view_delegate(const char *name)
{
	return name ? json_string(name) : json_null();
}

json_t *view_job(const struct job *j)
{
	json_t *json = job_core(&j->row);

	json_object_set_new(json, "state", json_string(
		job_state_name(j->state)));
	json_object_set_new(json, "gates", view_job_gates(j));
	json_object_set_new(json, "actions", view_actions(j));
	json_object_set_new(json, "progress", progress_of(j));
	json_object_set_new(json, "at", view_time_ms(j->terms.at_ms));
	json_object_set_new(json, "window", view_text(j->terms.window));
	json_object_set_new(json, "allow_downgrade",
		json_boolean(j->terms.allow_downgrade ||
		j->terms.allow_older));
	json_object_set_new(json, "by", view_text(j->terms.by));
	json_object_set_new(json, "delegate", view_delegate(job_delegate(j)));
	return json;
}

json_t *view_job_row(const struct gateway *g, const struct job_row *row)
{
	const struct job *open = job_find(g, row->id);
	struct job_terms terms;
	json_t *json;

	if (open)
		return view_job(open);
	job_terms_read(row->expect, &terms);
	json = job_core(row);
	json_object_set_new(json, "gates", json_array());
	json_object_set_new(json, "actions", view_actions_of_ended(g, row));
	json_object_set_new(json, "progress", json_null());
	json_object_set_new(json, "at", view_time_ms(terms.at_ms));
	json_object_set_new(json, "window", view_text(terms.window));
	json_object_set_new(json, "allow_downgrade",
		json_boolean(terms.allow_downgrade || terms.allow_older));
	json_object_set_new(json, "by", view_text(terms.by));
	json_object_set_new(json, "delegate", view_delegate(
		job_class_delegate(g, row->class_name)));
	return json;
}

/* ---- ledger ---- */

static const char *tier_text(int stored)
{
	return tier_name(stored - 1);
}

static json_t *ledger_step(const struct device_class *klass, unsigned step,
	const struct ledger_row *row, bool ended)
{
	json_t *evidence = row ? json_loads(row->evidence, 0, NULL) : NULL;
	const char *name = step == STEP_REVERIFY ? "reverify" :
		step == STEP_CLEANUP ? "cleanup" : step_name(step);
	const char *outcome = !row ? ended ? "skipped" : "pending" :
		!strcmp(row->outcome, "unverified") ? "failed" : row->outcome;
	bool happened = row && strcmp(row->outcome, "skipped") != 0;

	return json_pack("{s:i,s:s,s:o,s:o,s:s,s:s,s:o}", "step", (int)step,
		"name", name, "at", view_time_ms(happened ? row->at_ms : 0), "tier",
		happened ? json_string(tier_text((int)row->tier)) : json_null(),
		"required", tier_text(klass ? klass->tiers[step] : 0),
		"outcome", outcome, "evidence", evidence ? evidence :
		json_object());
}

json_t *view_ledger(const struct device_class *klass,
	const struct ledger_row *rows, size_t count, bool ended)
{
	const struct ledger_row *latest[STEP_COUNT + 1] = {NULL};
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (rows[i].step >= 1 && rows[i].step <= STEP_COUNT)
			latest[rows[i].step] = &rows[i];
	for (unsigned step = 1; step <= STEP_COUNT; step++)
		json_array_append_new(list, ledger_step(klass, step,
			latest[step], ended));
	return list;
}

json_t *view_history_row(const struct history_row *row)
{
	static const char *const kinds[] = {"job", "device", "operator"};
	json_t *detail = json_loads(row->detail, 0, NULL);
	json_t *from = json_object_get(detail, "from_version");
	json_t *to = json_object_get(detail, "to_version");
	const char *kind = "gateway";

	if (row->vendor[0] && !row->device[0])
		kind = "vendor";
	for (size_t i = 0; i < 3; i++)
		if (!strncmp(row->kind, kinds[i], strlen(kinds[i])))
			kind = kinds[i];
	return json_pack("{s:I,s:o,s:s,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "id",
		(json_int_t)row->id, "at", view_time_ms(row->at_ms), "kind",
		kind, "device", view_text(row->device), "job", row->job ?
		json_integer((json_int_t)row->job) : json_null(), "event",
		row->kind, "text", view_history_text(row), "by",
		view_text(row->who), "from_version", from ? json_incref(from) :
		json_string(""), "to_version", to ? json_incref(to) :
		json_string(""), "evidence", detail ? detail : json_object());
}

json_t *view_history_text(const struct history_row *row)
{
	static const struct {
		const char *kind, *text;
	} texts[] = {
		{"job-done", "the new image was read back from the device"},
		{"job-unverified", "the update went through but is not proved"},
		{"job-failed", "the update failed"},
		{"job-cancelled", "the update was cancelled"},
		{"job-declined", "the update was declined"},
		{"job-superseded", "a newer release took its place"},
		{"job-paused", "the update was paused"},
		{"job-quarantined", "the device was set apart"},
		{"device-enrolled", "the device was enrolled"},
		{"device-classified", "the device got another class"},
		{"device-replaced", "the device was replaced by another one"},
		{"device-forgotten", "the device was forgotten"},
		{"device-recalled", "what the device runs was recalled"},
		{"device-recall-ended", "what the device runs is in order"},
		{"certificate-revoked", "a certificate was revoked"},
		{"catalog-accepted", "a new catalog was accepted"},
		{"class-handed-over", "the class was handed over to this vendor"},
		{"device-handed-over",
			"the device's class was handed over to another vendor"},
		{"root-accepted", "a new root was accepted"},
		{"vendor-added", "the vendor was met for the first time"},
		{"vendor-reset", "the vendor's trust was reset"},
		{"trust-unlocked", "the trust database was unlocked"},
		{"floor-lowered", "an older release was allowed"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(texts[i].kind, row->kind))
			return json_string(texts[i].text);
	return view_text(row->kind);
}

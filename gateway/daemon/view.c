#include "gateway/daemon/view.h"

#include "gateway/admin/remedy.h"

void view_put_failure(struct json_out *out, const char *key,
	const struct view_failure *f)
{
	if (!f->code) {
		json_out_null(out, key);
		return;
	}
	json_out_object(out, key);
	json_out_text(out, "code", err_name(f->code));
	json_out_text(out, "text", err_text(f->code));
	view_put_id(out, "step", f->step > 0 ? (uint64_t)f->step : 0);
	if (f->has_offset)
		json_out_number(out, "offset", (int64_t)f->offset);
	else
		json_out_null(out, "offset");
	json_out_text(out, "device_status", f->device_status);
	view_put_time(out, "next_retry", f->next_retry_ms);
	json_out_text(out, "hint", f->hint);
	json_out_text(out, "remedy", remedy_of(f->code)->text);
	json_out_end_object(out);
}

json_t *view_failure(int code, int step, bool has_offset, uint64_t offset,
	const char *device_status, int64_t next_retry_ms, const char *hint)
{
	const struct view_failure f = {code, step, has_offset, offset,
		device_status, next_retry_ms, hint};
	struct view_text_of_one one;

	if (!code)
		return json_null();
	view_begin(&one);
	view_put_failure(&one.out, NULL, &f);
	return view_read(&one);
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

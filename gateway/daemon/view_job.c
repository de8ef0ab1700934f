/* Jobs as JSON: open ones as they are in memory, others from their rows. */
#include "gateway/daemon/view.h"

void view_put_gates(struct json_out *out, const char *key,
	const struct gates *gates)
{
	json_out_array(out, key);
	for (int i = 0; i < GATE_COUNT; i++) {
		if (!gates_is_waiting(gates, (enum gate)i))
			continue;
		json_out_object(out, NULL);
		json_out_text(out, "gate", gate_name((enum gate)i));
		json_out_text(out, "reason", gates->detail[i]);
		view_put_time(out, "until", gateway_ms(gates->until[i]));
		json_out_text(out, "waits_for", gate_waits_for((enum gate)i));
		json_out_end_object(out);
	}
	json_out_end_array(out);
}

void view_put_job_gates(struct json_out *out, const char *key,
	const struct job *j)
{
	if (j->gates && (j->session || j->state == JOB_WAITING)) {
		view_put_gates(out, key, j->gates);
		return;
	}
	json_out_array(out, key);
	json_out_end_array(out);
}

static void put_progress(struct json_out *out, const struct job *j)
{
	if (!j->offset) {
		json_out_null(out, "progress");
		return;
	}
	json_out_object(out, "progress");
	view_put_bytes_of_job(out, j);
	json_out_end_object(out);
}

void view_put_bytes_of_job(struct json_out *out, const struct job *j)
{
	int64_t eta = job_eta_s(j);

	json_out_number(out, "offset", (int64_t)j->offset);
	json_out_number(out, "total", (int64_t)j->total);
	json_out_number(out, "rate_bps", (int64_t)j->rate_bps);
	if (eta < 0)
		json_out_null(out, "eta_s");
	else
		json_out_number(out, "eta_s", eta);
}

static void put_approval(struct json_out *out, const struct job_row *r)
{
	json_out_object(out, "approval");
	json_out_text(out, "state", r->approval[0] ? r->approval :
		"not-needed");
	json_out_text(out, "by", r->approved_by);
	json_out_null(out, "at");
	json_out_end_object(out);
}

/* What the row of an open job says as well as that of an ended one. */
static void put_row(struct json_out *out, const struct job_row *r,
	const char *state)
{
	const struct job_failure *f = &r->failure;
	const struct view_failure failure = {f->code, f->step, f->offset > 0,
		f->offset, f->device_status, r->next_retry_ms, f->hint};

	json_out_number(out, "id", (int64_t)r->id);
	json_out_text(out, "device", r->device);
	json_out_text(out, "vendor", r->vendor);
	json_out_text(out, "class", r->class_name);
	json_out_text(out, "component", r->component);
	json_out_text(out, "from_version", r->from_version);
	json_out_text(out, "to_version", r->to_version);
	json_out_number(out, "sequence", (int64_t)r->sequence);
	json_out_hex(out, "manifest_digest", bytes_of(r->manifest_digest, 32));
	json_out_text(out, "state", state);
	json_out_number(out, "attempts", r->attempts);
	view_put_time(out, "next_retry", r->next_retry_ms);
	view_put_failure(out, "failure", &failure);
	put_approval(out, r);
	view_put_time(out, "created", r->created_ms);
	view_put_time(out, "updated", r->updated_ms);
}

static void put_terms(struct json_out *out, const struct job_terms *terms,
	const char *delegate)
{
	view_put_time(out, "at", terms->at_ms);
	json_out_text(out, "window", terms->window);
	json_out_bool(out, "allow_downgrade", terms->allow_downgrade ||
		terms->allow_older);
	json_out_text(out, "by", terms->by);
	if (delegate)
		json_out_text(out, "delegate", delegate);
	else
		json_out_null(out, "delegate");
}

void view_put_job(struct json_out *out, const struct job *j)
{
	json_out_object(out, NULL);
	put_row(out, &j->row, job_state_name(j->state));
	view_put_job_gates(out, "gates", j);
	view_put_actions(out, j);
	put_progress(out, j);
	put_terms(out, &j->terms, job_delegate(j));
	json_out_end_object(out);
}

void view_put_job_row(struct json_out *out, const struct gateway *g,
	const struct job_row *row)
{
	const struct job *open = job_find(g, row->id);
	struct job_terms terms;

	if (open) {
		view_put_job(out, open);
		return;
	}
	job_terms_read(row->expect, &terms);
	json_out_object(out, NULL);
	put_row(out, row, row->state);
	json_out_array(out, "gates");
	json_out_end_array(out);
	view_put_actions_of_ended(out, g, row);
	json_out_null(out, "progress");
	put_terms(out, &terms, job_class_delegate(g, row->class_name));
	json_out_end_object(out);
}

json_t *view_job(const struct job *j)
{
	struct view_text_of_one one;

	view_begin(&one);
	view_put_job(&one.out, j);
	return view_read(&one);
}

json_t *view_job_row(const struct gateway *g, const struct job_row *row)
{
	struct view_text_of_one one;

	view_begin(&one);
	view_put_job_row(&one.out, g, row);
	return view_read(&one);
}

#include "gateway/daemon/backend_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/daemon/plan.h"

void backend_answer(struct gateway *g, uint64_t token, json_t *take_json)
{
	struct admin_refusal why = {.code = -ENOMEM};

	if (take_json)
		admin_answer(g->admin, token, take_json);
	else
		admin_refuse(g->admin, token, &why);
}

void backend_refuse(struct gateway *g, uint64_t token, int code,
	const char *field, const char *rule, const char *hint)
{
	struct admin_refusal why = {
		.code = code,
		.field = field,
		.rule = rule,
		.hint = hint,
	};

	admin_refuse(g->admin, token, &why);
}

void backend_answer_list(struct gateway *g, uint64_t token, json_t *take_list)
{
	backend_answer(g, token, json_pack("{s:o}", "items", take_list));
}

void backend_no_device(struct gateway *g, uint64_t token)
{
	backend_refuse(g, token, -ENOENT, "id", "must be an enrolled device",
		"ferryctl devices lists them");
}

/* ---- what is asked of the databases ---- */

struct question *question_new(struct gateway *g, uint64_t token)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q) {
		backend_refuse(g, token, -ENOMEM, "", "", "");
		return NULL;
	}
	q->gateway = g;
	q->token = token;
	return q;
}

void question_end(struct question *q, int status)
{
	if (status)
		backend_refuse(q->gateway, q->token, status, "", "", "");
	json_decref(q->json);
	free(q);
}

void question_refuse_job(const struct question *q)
{
	backend_refuse(q->gateway, q->token, -ENOENT, "job", "must be one that there is",
		"ferryctl jobs lists them");
}

/* A job, or a device with its last one. */
static bool is_of_ended(const json_t *json)
{
	const json_t *last = json_object_get(json, "last_job");
	const char *text = json_string_value(json_object_get(
		json_is_object(last) ? last : json, "state"));
	enum job_state state;

	return text && !job_state_parse(text, &state) &&
		job_state_is_ended(state);
}

static void on_ledger(void *arg, int status, const struct ledger_row *rows,
	size_t count)
{
	struct question *q = arg;
	const struct config_class *c = gateway_class(q->gateway, q->klass);

	if (status) {
		question_end(q, status);
		return;
	}
	json_object_set_new(q->json, "ledger", view_ledger(c ? &c->device :
		NULL, rows, count, is_of_ended(q->json)));
	backend_answer(q->gateway, q->token, json_incref(q->json));
	question_end(q, 0);
}

static void ask_ledger(struct question *q, uint64_t job)
{
	int err = store_ledger_of_job(q->gateway->store, job,
		STORE_LOAD_ROWS_MAX, on_ledger, q);

	if (err)
		question_end(q, err);
}

static void on_latest_job(void *arg, int status, const struct job_row *rows,
	size_t count)
{
	struct question *q = arg;
	uint64_t job = 0;

	if (status) {
		question_end(q, status);
		return;
	}
	if (count > 0) {
		json_object_set_new(q->json, "last_job",
			view_job_row(q->gateway, &rows[0]));
		job = rows[0].id;
	} else {
		json_object_set_new(q->json, "last_job", json_null());
	}
	ask_ledger(q, job ? job : UINT64_MAX >> 1);
}

static void get_device(struct gateway *g, uint64_t token,
	const struct admin_query *query)
{
	const struct device *d = registry_device(g->registry, query->id);
	struct question *q;
	int err;

	if (!d) {
		backend_no_device(g, token);
		return;
	}
	q = question_new(g, token);
	if (!q)
		return;
	snprintf(q->klass, sizeof(q->klass), "%s", d->class_name);
	q->json = view_device(g, d);
	err = store_jobs(g->store, d->id, true, 0, 1, on_latest_job, q);
	if (err)
		question_end(q, err);
}

static void on_job(void *arg, int status, const struct job_row *rows,
	size_t count)
{
	struct question *q = arg;

	if (!status && count == 0)
		question_refuse_job(q);
	if (status || count == 0) {
		question_end(q, status);
		return;
	}
	snprintf(q->klass, sizeof(q->klass), "%.63s", rows[0].class_name);
	q->json = view_job_row(q->gateway, &rows[0]);
	ask_ledger(q, rows[0].id);
}

static void get_job(struct gateway *g, uint64_t token,
	const struct admin_query *query)
{
	struct question *q = question_new(g, token);
	int err = q ? store_job(g->store, query->job, on_job, q) : 0;

	if (err)
		question_end(q, err);
}

static unsigned page_limit(const struct admin_query *query)
{
	return query->limit < STORE_LOAD_ROWS_MAX ? query->limit :
		STORE_LOAD_ROWS_MAX;
}

static void on_history(void *arg, int status, const struct history_row *rows,
	size_t count)
{
	struct question *q = arg;
	json_t *list;

	if (status) {
		question_end(q, status);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, view_history_row(&rows[i]));
	backend_answer(q->gateway, q->token, json_pack("{s:o,s:o}", "items", list,
		"next", count == q->limit ?
		json_integer((json_int_t)rows[count - 1].id) : json_null()));
	question_end(q, 0);
}

static void get_history(struct gateway *g, uint64_t token,
	const struct admin_query *query)
{
	struct question *q = question_new(g, token);
	struct history_filter filter = {.before = query->before};
	int err;

	if (!q)
		return;
	q->limit = page_limit(query);
	if (query->device)
		snprintf(filter.device, sizeof(filter.device), "%s",
			query->device);
	err = store_history(g->store, &filter, q->limit, on_history, q);
	if (err)
		question_end(q, err);
}

/* ---- lists ---- */

static json_t *list_vendors(struct gateway *g)
{
	json_t *list = json_array();

	for (const struct vendor *v = g->vendors; v; v = v->next)
		json_array_append_new(list, view_vendor(v));
	return list;
}

static json_t *list_classes(struct gateway *g)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < g->config->class_count; i++)
		json_array_append_new(list, view_class(g,
			&g->config->classes[i]));
	return list;
}

static void on_get(void *arg, uint64_t token, const struct admin_query *query)
{
	struct gateway *g = arg;

	switch (query->get) {
	case ADMIN_GET_STATUS:
		backend_answer(g, token, view_status(g));
		return;
	case ADMIN_GET_VENDORS:
		backend_answer_list(g, token, list_vendors(g));
		return;
	case ADMIN_GET_LINKS:
		backend_list_lines(g, token);
		return;
	case ADMIN_GET_CANDIDATES:
		backend_list_candidates(g, token);
		return;
	case ADMIN_GET_CLASSES:
		backend_answer_list(g, token, list_classes(g));
		return;
	case ADMIN_GET_DEVICES:
		backend_list_devices(g, token);
		return;
	case ADMIN_GET_OFFERS:
		backend_answer_list(g, token, view_offers(g));
		return;
	case ADMIN_GET_PLAN:
		backend_list_plan(g, token);
		return;
	case ADMIN_GET_IMAGES:
		backend_answer_list(g, token, view_images(g));
		return;
	case ADMIN_GET_DEVICE:
		get_device(g, token, query);
		return;
	case ADMIN_GET_JOBS:
		backend_list_jobs(g, token, query);
		return;
	case ADMIN_GET_JOB:
		get_job(g, token, query);
		return;
	case ADMIN_GET_HISTORY:
		get_history(g, token, query);
		return;
	}
}

struct admin_backend backend_of(struct gateway *g)
{
	return (struct admin_backend){.arg = g, .get = on_get, .act = backend_act};
}

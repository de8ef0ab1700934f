/* The daemon's objects as the JSON of docs/admin-api.md, and the events that
 * watchers get. What long lists are made of is written as text (view_put_*); the
 * rest, and one of those alone, is built as an object. Reads only. Loop
 * thread. */
#ifndef FERRY_GATEWAY_DAEMON_VIEW_H
#define FERRY_GATEWAY_DAEMON_VIEW_H

#include <jansson.h>

#include "gateway/daemon/plan.h"
#include "gateway/daemon/view_text.h"

/* Each makes a new object; NULL when memory ran out. */
json_t *view_status(const struct gateway *g);
json_t *view_vendor(const struct vendor *v);
json_t *view_evidence(const struct vendor *v); /* array */
json_t *view_airtime(const struct radio *r); /* null for NULL */
json_t *view_network(const struct radio *r);
json_t *view_class(const struct gateway *g, const struct config_class *c);
json_t *view_device(struct gateway *g, const struct device *d);
/* What a person should know who gave the device its class, as an array of texts:
 * that it does not meet `match`, or is seen on another link as well. `also_unknown`: also where nobody can tell. */
json_t *view_warnings(const struct gateway *g, const struct device *d,
	bool also_unknown);
json_t *view_job(const struct job *j);
/* A job of the database that is not open any more. */
json_t *view_job_row(const struct gateway *g, const struct job_row *row);
json_t *view_history_row(const struct history_row *row);
json_t *view_offers(struct gateway *g);  /* array */
json_t *view_images(struct gateway *g);  /* array */
/* The thirteen steps from the rows of a job; `klass` may be NULL. */
json_t *view_ledger(const struct device_class *klass,
	const struct ledger_row *rows, size_t count, bool ended);
json_t *view_failure(int code, int step, bool has_offset, uint64_t offset,
	const char *device_status, int64_t next_retry_ms, const char *hint);
json_t *view_image(struct gateway *g, const struct release *r);
json_t *view_history_text(const struct history_row *row);
/* Written as the next item of the array that is open. */
void view_put_device(struct json_out *out, struct gateway *g,
	const struct device *d);
void view_put_candidate(struct json_out *out, const struct candidate *c);
void view_put_line(struct json_out *out, const struct line *l);
void view_put_plan_row(struct json_out *out, struct gateway *g,
	const struct plan_row *row);
void view_put_job(struct json_out *out, const struct job *j);
void view_put_job_row(struct json_out *out, const struct gateway *g,
	const struct job_row *row);

/* Parts of these: members with that key, or of the object or array that is
 * open. */
struct view_failure {
	int code; /* 0: nothing failed */
	int step; /* 0: none */
	bool has_offset;
	uint64_t offset;
	const char *device_status;
	int64_t next_retry_ms;
	const char *hint;
};

void view_put_failure(struct json_out *out, const char *key,
	const struct view_failure *f);
void view_put_gates(struct json_out *out, const char *key,
	const struct gates *gates);
void view_put_job_gates(struct json_out *out, const char *key,
	const struct job *j);
void view_put_bytes_of_job(struct json_out *out, const struct job *j);
void view_put_attributes(struct json_out *out, const char *key,
	const struct attributes *a);
void view_put_warnings(struct json_out *out, const struct gateway *g,
	const struct device *d, bool also_unknown);
/* What a person can do with a job: names of actions of the API. */
void view_put_actions(struct json_out *out, const struct job *j);
void view_put_actions_of_ended(struct json_out *out, const struct gateway *g,
	const struct job_row *row);

/* From now on watchers of the admin API are told what is new. */
void view_watch(struct gateway *g);

#endif

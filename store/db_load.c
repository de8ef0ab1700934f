#include "store/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/db_priv.h"

#define PARAMS_MAX 6

/* ---- reading rows ---- */

static int grow(struct db_rows *rows, size_t row_size, size_t *size, size_t max)
{
	size_t more = *size ? *size * 2 : 16;
	void *at;

	if (more > max)
		more = max;
	at = realloc(rows->at, more * row_size);
	if (!at)
		return -ENOMEM;
	rows->at = at;
	*size = more;
	return 0;
}

static int read_all(struct db_file *f, sqlite3_stmt *stmt,
	enum db_table_id table, size_t max, struct db_rows *rows,
	struct fault *fault)
{
	size_t row_size = db_table(table)->row_size;
	size_t size = 0;
	int r = 0, rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (rows->count == max)
			return fault_set(fault, ERR_STORE_DAMAGED, 0,
				db_table(table)->name, "has more than %zu rows",
				max);
		if (rows->count == size)
			r = grow(rows, row_size, &size, max);
		if (r == 0)
			r = db_row_read(stmt, table,
				(char *)rows->at + rows->count * row_size,
				fault);
		if (r < 0)
			return r;
		rows->count++;
	}
	return db_error(f, rc);
}

int db_rows_read(struct db_file *f, enum db_table_id table, const char *tail,
	const struct db_param *params, size_t param_count, size_t max,
	struct db_rows *ret, struct fault *fault)
{
	struct db_rows rows = {NULL, 0};
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_SELECT, table, tail, &stmt);
	if (r < 0)
		return r;
	for (size_t i = 0; i < param_count; i++) {
		if (params[i].text)
			sqlite3_bind_text(stmt, (int)i + 1, params[i].text, -1,
				SQLITE_STATIC);
		else
			sqlite3_bind_int64(stmt, (int)i + 1, params[i].number);
	}
	r = read_all(f, stmt, table, max, &rows, fault);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	if (r < 0) {
		free(rows.at);
		return r;
	}
	*ret = rows;
	return 0;
}

/* ---- everything at start ---- */

struct load_request {
	struct db_request q;
	store_loaded_cb cb;
	void *arg;
	struct db_rows rows[DB_TABLE_COUNT];
	struct bytes *roots;
	uint64_t next_job_id;
	uint64_t outbox_count;
};

static int load_table(struct store *store, struct load_request *l,
	enum db_table_id table, const char *tail)
{
	const struct db_table *t = db_table(table);

	return db_rows_read(&store->files[t->which], table, tail, NULL, 0,
		t->limit, &l->rows[table], &l->q.fault);
}

static int load_state(struct store *store, struct load_request *l)
{
	static const char by_id[] = "ORDER BY id";
	static const char open_by_id[] = "WHERE closed=0 ORDER BY id";
	static const char by_name[] = "ORDER BY name";
	struct db_file *f = &store->files[DB_STATE];
	int64_t last = 0, reports = 0;
	int r;

	r = load_table(store, l, DB_devices, by_id);
	if (r == 0)
		r = load_table(store, l, DB_jobs, open_by_id);
	if (r == 0)
		r = load_table(store, l, DB_vendors, by_name);
	if (r == 0)
		r = db_number(f, "SELECT max(id) FROM jobs", &last);
	if (r == 0)
		r = db_number(f, "SELECT count(*) FROM outbox", &reports);
	if (last < 0 || last == INT64_MAX)
		r = fault_set(&l->q.fault, ERR_STORE_DAMAGED, 0, "jobs.id",
			"leaves no number for another job");
	l->next_job_id = (uint64_t)last + 1;
	l->outbox_count = (uint64_t)reports;
	return r;
}

int db_root_bytes(struct db_file *f, const char *vendor, struct bytes *ret,
	struct fault *fault)
{
	static const char sql[] = "SELECT body FROM root_bytes WHERE vendor=?1";
	sqlite3_stmt *stmt = NULL;
	const void *body;
	uint8_t *copy;
	size_t len;
	int r, rc;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, vendor, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	body = rc == SQLITE_ROW ? sqlite3_column_blob(stmt, 0) : NULL;
	len = body ? (size_t)sqlite3_column_bytes(stmt, 0) : 0;
	copy = len && len <= ROW_ROOT_MAX ? malloc(len) : NULL;
	if (copy) {
		memcpy(copy, body, len);
		*ret = bytes_of(copy, len);
	} else if (len && len <= ROW_ROOT_MAX) {
		r = -ENOMEM;
	} else if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		r = db_error(f, rc);
	} else {
		r = fault_set(fault, ERR_STORE_DAMAGED, 0, "root_bytes.body",
			"is absent or has a length of %zu", len);
	}
	sqlite3_reset(stmt);
	return r;
}

static int load_trust(struct store *store, struct load_request *l)
{
	static const char in_order[] = "ORDER BY 1,2";
	const struct root_row *rows;
	size_t count;
	int r = 0;

	for (int i = 0; i < DB_TABLE_COUNT && r == 0; i++)
		if (db_table((enum db_table_id)i)->which == DB_TRUST)
			r = load_table(store, l, (enum db_table_id)i, in_order);
	count = l->rows[DB_roots].count;
	if (r < 0 || count == 0)
		return r;
	rows = l->rows[DB_roots].at;
	l->roots = calloc(count, sizeof(*l->roots));
	if (!l->roots)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++)
		r = db_root_bytes(&store->files[DB_TRUST], rows[i].vendor,
			&l->roots[i], &l->q.fault);
	return r;
}

static int run_load(struct store *store, struct db_request *q)
{
	struct load_request *l = (struct load_request *)(void *)q;
	int r = load_state(store, l);

	if (r == 0 && db_usable_trust(store))
		r = load_trust(store, l);
	return r;
}

#define LOADED(member, table)                                                  \
	.member##s = l->rows[DB_##table].at,                                   \
	.member##_count = l->rows[DB_##table].count

static void finish_load(struct store *store, struct db_request *q)
{
	struct load_request *l = (struct load_request *)(void *)q;
	struct store_loaded loaded = {
		LOADED(device, devices),
		LOADED(job, jobs),
		LOADED(vendor, vendors),
		LOADED(catalog_floor, catalog_floors),
		LOADED(class_floor, class_floors),
		LOADED(device_floor, device_floors),
		LOADED(time_bound, time_bounds),
		LOADED(root, roots),
		.authorities = l->rows[DB_authorities].at,
		.authority_count = l->rows[DB_authorities].count,
		LOADED(revocation, revocations),
		LOADED(pin, pins),
		LOADED(evidence_floor, evidence_floors),
		.root_bytes = l->roots,
		.next_job_id = l->next_job_id,
		.outbox_count = l->outbox_count,
	};

	(void)store;
	l->cb(l->arg, q->status, q->status == 0 ? &loaded : NULL);
	for (size_t i = 0; l->roots && i < l->rows[DB_roots].count; i++)
		free((void *)(uintptr_t)l->roots[i].at);
	free(l->roots);
	for (int i = 0; i < DB_TABLE_COUNT; i++)
		free(l->rows[i].at);
}

int store_load_all(struct store *store, store_loaded_cb cb, void *arg)
{
	struct load_request *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->q.run = run_load;
	l->q.finish = finish_load;
	l->q.needs_open = true;
	l->cb = cb;
	l->arg = arg;
	r = db_enqueue(store, &l->q);
	if (r < 0)
		free(l);
	return r;
}

/* ---- queries ---- */

struct query {
	struct db_request q;
	enum db_table_id table;
	const char *tail;
	struct db_param params[PARAMS_MAX];
	char texts[3][ROW_NAME_SIZE];
	size_t param_count;
	size_t max;
	struct db_rows rows;
	union {
		store_jobs_cb jobs;
		store_ledger_cb ledger;
		store_history_cb history;
		store_outbox_cb outbox;
	} cb;
	void *arg;
};

static int run_query(struct store *store, struct db_request *q)
{
	struct query *query = (struct query *)(void *)q;

	return db_rows_read(&store->files[DB_STATE], query->table, query->tail,
		query->params, query->param_count, query->max, &query->rows,
		&q->fault);
}

static void finish_query(struct store *store, struct db_request *q)
{
	struct query *query = (struct query *)(void *)q;
	const void *at = query->rows.at;
	size_t n = query->rows.count;

	(void)store;
	switch (query->table) {
	case DB_jobs:
		query->cb.jobs(query->arg, q->status, at, n);
		break;
	case DB_ledger:
		query->cb.ledger(query->arg, q->status, at, n);
		break;
	case DB_history:
		query->cb.history(query->arg, q->status, at, n);
		break;
	case DB_outbox:
		query->cb.outbox(query->arg, q->status, at, n);
		break;
	case DB_devices:
	case DB_vendors:
	case DB_catalog_floors:
	case DB_class_floors:
	case DB_device_floors:
	case DB_time_bounds:
	case DB_roots:
	case DB_authorities:
	case DB_revocations:
	case DB_pins:
	case DB_evidence_floors:
	case DB_TABLE_COUNT:
		break;
	}
	free(query->rows.at);
}

static struct query *query_new(
	enum db_table_id table, const char *tail, size_t limit, void *arg)
{
	struct query *query = calloc(1, sizeof(*query));

	if (!query)
		return NULL;
	query->q.run = run_query;
	query->q.finish = finish_query;
	query->q.needs_open = true;
	query->table = table;
	query->tail = tail;
	query->max = limit < STORE_LOAD_ROWS_MAX ? limit : STORE_LOAD_ROWS_MAX;
	query->arg = arg;
	return query;
}

/* Parameters are numbered as they are added. */
static void add_number(struct query *query, uint64_t number)
{
	struct db_param *p = &query->params[query->param_count++];

	p->number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static int add_text(
	struct query *query, size_t slot, const char *text, size_t size)
{
	size_t len = text ? strnlen(text, size) : 0;

	if (len == size)
		return -EINVAL;
	if (len)
		memcpy(query->texts[slot], text, len);
	query->params[query->param_count++].text = query->texts[slot];
	return 0;
}

static int query_send(struct store *store, struct query *query, int r)
{
	if (r == 0)
		r = db_enqueue(store, &query->q);
	if (r < 0)
		free(query);
	return r;
}

int store_job(struct store *store, uint64_t id, store_jobs_cb cb, void *arg)
{
	static const char tail[] = "WHERE id=?1 LIMIT 1";
	struct query *query = query_new(DB_jobs, tail, 1, arg);

	if (!query)
		return -ENOMEM;
	query->cb.jobs = cb;
	add_number(query, id);
	return query_send(store, query, 0);
}

int store_jobs(struct store *store, const char *device, bool closed,
	uint64_t before, size_t limit, store_jobs_cb cb, void *arg)
{
	static const char of_all[] =
		"WHERE ?1='' AND closed<=?2 AND (?3=0 OR id<?3)"
		" ORDER BY id DESC LIMIT ?4";
	static const char of_device[] =
		"WHERE device=?1 AND closed<=?2 AND (?3=0 OR id<?3)"
		" ORDER BY id DESC LIMIT ?4";
	bool one = device && *device;
	struct query *query;
	int r;

	query = query_new(DB_jobs, one ? of_device : of_all, limit, arg);
	if (!query)
		return -ENOMEM;
	query->cb.jobs = cb;
	r = add_text(query, 0, device, ROW_NAME_SIZE);
	add_number(query, closed);
	add_number(query, before);
	add_number(query, query->max);
	return query_send(store, query, r);
}

int store_jobs_in_state(struct store *store, const char *device,
	const char *state, uint64_t before, size_t limit, store_jobs_cb cb,
	void *arg)
{
	static const char of_all[] =
		"WHERE ?1='' AND closed=1 AND state=?2 AND (?3=0 OR id<?3)"
		" ORDER BY id DESC LIMIT ?4";
	static const char of_device[] =
		"WHERE device=?1 AND closed=1 AND state=?2 AND (?3=0 OR id<?3)"
		" ORDER BY id DESC LIMIT ?4";
	struct query *query;
	int r;

	query = query_new(DB_jobs, device && *device ? of_device : of_all,
		limit, arg);
	if (!query)
		return -ENOMEM;
	query->cb.jobs = cb;
	r = add_text(query, 0, device, ROW_NAME_SIZE);
	if (r == 0)
		r = add_text(query, 1, state, ROW_STATE_SIZE);
	add_number(query, before);
	add_number(query, query->max);
	return query_send(store, query, r);
}

int store_ledger_of_job(struct store *store, uint64_t job, size_t limit,
	store_ledger_cb cb, void *arg)
{
	static const char tail[] = "WHERE job=?1 ORDER BY id LIMIT ?2";
	struct query *query = query_new(DB_ledger, tail, limit, arg);

	if (!query)
		return -ENOMEM;
	query->cb.ledger = cb;
	add_number(query, job);
	add_number(query, query->max);
	return query_send(store, query, 0);
}

int store_ledger_of_device(struct store *store, const char *device,
	size_t limit, store_ledger_cb cb, void *arg)
{
	static const char tail[] =
		"WHERE job=(SELECT j.id FROM jobs j WHERE j.device=?1 AND"
		" EXISTS(SELECT 1 FROM ledger l WHERE l.job=j.id)"
		" ORDER BY j.id DESC LIMIT 1) ORDER BY id LIMIT ?2";
	struct query *query = query_new(DB_ledger, tail, limit, arg);
	int r;

	if (!query)
		return -ENOMEM;
	query->cb.ledger = cb;
	r = add_text(query, 0, device, ROW_NAME_SIZE);
	add_number(query, query->max);
	return query_send(store, query, r);
}

int store_history(struct store *store, const struct history_filter *filter,
	size_t limit, store_history_cb cb, void *arg)
{
	static const char tail[] =
		"WHERE (?1='' OR vendor=?1) AND (?2='' OR device=?2)"
		" AND (?3='' OR kind=?3) AND (?4=0 OR job=?4)"
		" AND (?5=0 OR id<?5) ORDER BY id DESC LIMIT ?6";
	struct query *query = query_new(DB_history, tail, limit, arg);
	int r;

	if (!query)
		return -ENOMEM;
	query->cb.history = cb;
	r = add_text(query, 0, filter->vendor, sizeof(filter->vendor));
	if (r == 0)
		r = add_text(query, 1, filter->device, sizeof(filter->device));
	if (r == 0)
		r = add_text(query, 2, filter->kind, sizeof(filter->kind));
	if (r == 0) {
		add_number(query, filter->job);
		add_number(query, filter->before);
		add_number(query, query->max);
	}
	return query_send(store, query, r);
}

int store_outbox_next(struct store *store, const char *vendor, size_t limit,
	store_outbox_cb cb, void *arg)
{
	static const char tail[] =
		"WHERE ?1='' OR vendor=?1 ORDER BY seq LIMIT ?2";
	struct query *query = query_new(DB_outbox, tail, limit, arg);
	int r;

	if (!query)
		return -ENOMEM;
	query->cb.outbox = cb;
	r = add_text(query, 0, vendor, ROW_NAME_SIZE);
	add_number(query, query->max);
	return query_send(store, query, r);
}

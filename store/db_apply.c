#include "store/db_ops.h"

#include <string.h>

/* ---- applying: common ---- */

/* A tail for a DB_PUT that raises; NULL replaces. */
int db_put(struct db_file *f, enum db_table_id table, const char *tail,
	const void *row)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_PUT, table, tail, &stmt);
	if (r == 0)
		r = db_row_bind(stmt, table, row);
	if (r == 0)
		r = db_step_done(f, stmt);
	return r;
}

/* Runs `sql` with one text as ?1 (NULL: nothing bound). */
int db_run_text(struct db_file *f, const char *sql, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	if (text)
		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	return db_step_done(f, stmt);
}

static int run_number(struct db_file *f, const char *sql, uint64_t number)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)number);
	return db_step_done(f, stmt);
}

/* One number for one text. */
static int ask_text(
	struct db_file *f, const char *sql, const char *text, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	if (text)
		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	return db_step_number(f, stmt, ret);
}

/* After a put: too many rows is an error, and the savepoint takes it back. */
static int within_limit(
	struct db_file *f, enum db_table_id table, const char *count_sql)
{
	int64_t count = 0;
	int r = ask_text(f, count_sql, NULL, &count);

	if (r == 0 && (uint64_t)count > db_table(table)->limit)
		r = ERR_STORE_FULL;
	return r;
}

#define COUNT(table) "SELECT count(*) FROM " #table

/* ---- applying: state.db ---- */

static int apply_device(struct db_file *f, const struct db_op *op)
{
	static const char count[] = COUNT(devices);
	int r = db_put(f, DB_devices, NULL, op->row);

	return r < 0 ? r : within_limit(f, DB_devices, count);
}

static int apply_device_forget(struct db_file *f, const struct db_op *op)
{
	static const char open_jobs[] =
		"SELECT count(*) FROM jobs WHERE device=?1 AND closed=0";
	static const char forget[] = "DELETE FROM devices WHERE id=?1";
	const char *id = (const char *)op->row;
	int64_t count = 0;
	int r;

	r = ask_text(f, open_jobs, id, &count);
	if (r == 0 && count > 0)
		r = ERR_STORE_ROW;
	return r < 0 ? r : db_run_text(f, forget, id);
}

static int prune_jobs(struct db_file *f)
{
	static const char count[] = COUNT(jobs) " WHERE closed=1";
	static const char prune[] =
		"DELETE FROM jobs WHERE id IN (SELECT id FROM jobs"
		" WHERE closed=1 ORDER BY id LIMIT ?1)";
	int64_t closed = 0;
	int r = ask_text(f, count, NULL, &closed);

	if (r < 0 || closed <= STORE_JOBS_CLOSED_MAX)
		return r;
	return run_number(f, prune, (uint64_t)closed - STORE_JOBS_CLOSED_MAX);
}

static int apply_job(struct db_file *f, const struct db_op *op)
{
	static const char device[] = "SELECT count(*) FROM devices WHERE id=?1";
	static const char open_jobs[] = COUNT(jobs) " WHERE closed=0";
	const struct job_row *job =
		(const struct job_row *)(const void *)op->row;
	int64_t known = 0;
	int r;

	r = db_put(f, DB_jobs, NULL, job);
	if (r < 0)
		return r;
	if (job->closed)
		return prune_jobs(f);
	r = ask_text(f, device, job->device, &known);
	if (r == 0 && known == 0)
		r = ERR_STORE_ROW;
	return r < 0 ? r : within_limit(f, DB_jobs, open_jobs);
}

static int apply_ledger(struct db_file *f, const struct db_op *op)
{
	static const char prune[] =
		"DELETE FROM ledger WHERE job=?1 AND id<=(SELECT id FROM ledger"
		" WHERE job=?1 ORDER BY id DESC LIMIT 1 OFFSET 256)";
	const struct ledger_row *row =
		(const struct ledger_row *)(const void *)op->row;
	int r = db_put(f, DB_ledger, NULL, row);

	_Static_assert(STORE_LEDGER_JOB_MAX == 256, "see the statement");
	return r < 0 ? r : run_number(f, prune, row->job);
}

static int apply_history(struct db_file *f, const struct db_op *op)
{
	static const char prune[] = "DELETE FROM history WHERE id<=(SELECT "
				    "max(id) FROM history)-?1";
	int r = db_put(f, DB_history, NULL, op->row);

	return r < 0 ? r : run_number(f, prune, STORE_HISTORY_MAX);
}

static int apply_outbox(struct db_file *f, const struct db_op *op)
{
	return db_put(f, DB_outbox, NULL, op->row);
}

static int prune_outbox(struct db_file *f, uint64_t *ret_dropped)
{
	static const char count[] = COUNT(outbox);
	static const char prune[] =
		"DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox"
		" ORDER BY seq LIMIT ?1)";
	int64_t kept = 0;
	int r = ask_text(f, count, NULL, &kept);

	if (r < 0 || kept <= STORE_OUTBOX_MAX)
		return r;
	*ret_dropped = (uint64_t)kept - STORE_OUTBOX_MAX;
	return run_number(f, prune, *ret_dropped);
}

static int apply_outbox_drop(struct db_file *f, const struct db_op *op)
{
	static const char sql[] = "DELETE FROM outbox WHERE seq=?1";

	return run_number(f, sql, op->number);
}

static int apply_vendor(struct db_file *f, const struct db_op *op)
{
	static const char count[] = COUNT(vendors);
	int r = db_put(f, DB_vendors, NULL, op->row);

	return r < 0 ? r : within_limit(f, DB_vendors, count);
}

static int apply_vendor_forget(struct db_file *f, const struct db_op *op)
{
	static const char sql[] = "DELETE FROM vendors WHERE name=?1";

	return db_run_text(f, sql, (const char *)op->row);
}

/* ---- applying: trust.db ---- */

int db_vendor_epoch(struct db_file *f, const char *vendor, uint64_t *ret)
{
	static const char sql[] =
		"SELECT max(epoch) FROM (SELECT epoch FROM epochs"
		" WHERE vendor=?1 UNION ALL SELECT epoch FROM roots"
		" WHERE vendor=?1 UNION ALL SELECT epoch FROM catalog_floors"
		" WHERE vendor=?1)";
	sqlite3_stmt *stmt = NULL;
	uint64_t epoch = 0;
	int r, rc;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, vendor, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		r = db_read_u64(stmt, 0, &epoch);
	else if (rc != SQLITE_ROW)
		r = db_error(f, rc);
	sqlite3_reset(stmt);
	if (r == 0)
		*ret = epoch;
	return r;
}

static int apply_catalog_floor(struct db_file *f, const struct db_op *op)
{
	static const char higher[] =
		"(excluded.epoch,excluded.sequence)>"
		"(catalog_floors.epoch,catalog_floors.sequence)";
	static const char other[] =
		"SELECT count(*) FROM catalog_floors WHERE vendor=?1"
		" AND epoch=?2 AND sequence=?3 AND digest<>?4";
	static const char count[] = COUNT(catalog_floors);
	const struct catalog_floor_row *row =
		(const struct catalog_floor_row *)(const void *)op->row;
	sqlite3_stmt *stmt = NULL;
	uint64_t epoch = 0;
	int64_t conflicts = 0;
	int r;

	r = db_vendor_epoch(f, row->vendor, &epoch);
	if (r == 0 && row->epoch < epoch)
		r = ERR_STORE_FLOOR;
	if (r == 0)
		r = db_prepare(f, DB_PLAIN, 0, other, &stmt);
	if (r < 0)
		return r;
	/* The columns stand in the order of the parameters. */
	r = db_row_bind(stmt, DB_catalog_floors, row);
	if (r == 0)
		r = db_step_number(f, stmt, &conflicts);
	if (r == 0 && conflicts)
		r = ERR_STORE_CONFLICT;
	if (r == 0)
		r = db_put(f, DB_catalog_floors, higher, row);
	return r < 0 ? r : within_limit(f, DB_catalog_floors, count);
}

/* Whether the vendor has room is counted once a commit: apply_part(). */
static int apply_class_floor(struct db_file *f, const struct db_op *op)
{
	static const char higher[] = "excluded.sequence>class_floors.sequence";

	return db_put(f, DB_class_floors, higher, op->row);
}

static int apply_device_floor(struct db_file *f, const struct db_op *op)
{
	static const char higher[] = "excluded.sequence>device_floors.sequence";
	static const char count[] = COUNT(device_floors);
	struct device_floor_row row;
	int r;

	memcpy(&row, op->row, sizeof(row));
	row.lowered = false;
	r = db_put(f, DB_device_floors, higher, &row);
	return r < 0 ? r : within_limit(f, DB_device_floors, count);
}

static int apply_device_floor_lower(struct db_file *f, const struct db_op *op)
{
	static const char count[] = COUNT(device_floors);
	struct device_floor_row row;
	int r;

	memcpy(&row, op->row, sizeof(row));
	row.lowered = true;
	r = db_put(f, DB_device_floors, NULL, &row);
	return r < 0 ? r : within_limit(f, DB_device_floors, count);
}

static int apply_time_bound(struct db_file *f, const struct db_op *op)
{
	static const char later[] = "excluded.time_ms>time_bounds.time_ms";
	static const char count[] = COUNT(time_bounds);
	int r = db_put(f, DB_time_bounds, later, op->row);

	return r < 0 ? r : within_limit(f, DB_time_bounds, count);
}

/* 1 when the row may replace what is stored, 0 when it is stored already. */
static int judge_root(struct db_file *f, const struct root_row *row)
{
	static const char by_vendor[] = "WHERE vendor=?1";
	struct root_row old;
	sqlite3_stmt *stmt = NULL;
	uint64_t epoch = 0;
	int r, rc;

	r = db_vendor_epoch(f, row->vendor, &epoch);
	if (r < 0)
		return r;
	if (row->epoch < epoch)
		return ERR_STORE_FLOOR;
	r = db_prepare(f, DB_SELECT, DB_roots, by_vendor, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, row->vendor, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		r = db_row_read(stmt, DB_roots, &old, NULL);
	sqlite3_reset(stmt);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 1 : db_error(f, rc);
	if (r < 0)
		return r;
	if (row->version != old.version)
		return row->version > old.version ? 1 : ERR_STORE_FLOOR;
	return memcmp(row->digest, old.digest, ROW_DIGEST_LEN) == 0
		       ? 0
		       : ERR_STORE_CONFLICT;
}

static int apply_root(struct db_file *f, const struct db_op *op)
{
	static const char body[] =
		"INSERT INTO root_bytes(vendor,body) VALUES(?1,?2)"
		" ON CONFLICT(vendor) DO UPDATE SET body=excluded.body";
	static const char count[] = COUNT(roots);
	const struct root_row *row =
		(const struct root_row *)(const void *)op->row;
	sqlite3_stmt *stmt = NULL;
	int r;

	r = judge_root(f, row);
	if (r >= 0) {
		bool stored = r == 0;

		r = db_keep_root(f, row->vendor, row->version,
			bytes_of(op->row + op->body_at, op->body_len));
		if (stored)
			return r;
	}
	if (r == 0)
		r = db_put(f, DB_roots, NULL, row);
	if (r == 0)
		r = db_prepare(f, DB_PLAIN, 0, body, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, row->vendor, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, op->row + op->body_at, (int)op->body_len,
		SQLITE_STATIC);
	r = db_step_done(f, stmt);
	return r < 0 ? r : within_limit(f, DB_roots, count);
}

static int apply_revocation(struct db_file *f, const struct db_op *op)
{
	/* The first statement stays as it was. */
	static const char never[] = "0";
	static const char count[] = COUNT(revocations);
	int r = db_put(f, DB_revocations, never, op->row);

	return r < 0 ? r : within_limit(f, DB_revocations, count);
}

static int apply_pin(struct db_file *f, const struct db_op *op)
{
	static const char higher[] =
		"excluded.digest=pins.digest AND excluded.number>pins.number";
	static const char other[] =
		"SELECT count(*) FROM pins WHERE vendor=?1 AND what=?2"
		" AND name=?3 AND digest<>?4 AND ?5 IS NOT NULL";
	static const char count[] = COUNT(pins);
	sqlite3_stmt *stmt = NULL;
	int64_t conflicts = 0;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, other, &stmt);
	if (r == 0)
		r = db_row_bind(stmt, DB_pins, op->row);
	if (r == 0)
		r = db_step_number(f, stmt, &conflicts);
	if (r == 0 && conflicts)
		r = ERR_STORE_CONFLICT;
	if (r == 0)
		r = db_put(f, DB_pins, higher, op->row);
	return r < 0 ? r : within_limit(f, DB_pins, count);
}

static int apply_evidence_floor(struct db_file *f, const struct db_op *op)
{
	static const char higher[] = "excluded.number>evidence_floors.number";
	static const char count[] = COUNT(evidence_floors);
	int r = db_put(f, DB_evidence_floors, higher, op->row);

	return r < 0 ? r : within_limit(f, DB_evidence_floors, count);
}

static int forget_floors(struct db_file *f, const char *vendor)
{
	static const char catalog[] =
		"DELETE FROM catalog_floors WHERE vendor=?1";
	static const char class_[] = "DELETE FROM class_floors WHERE vendor=?1";
	static const char device[] =
		"DELETE FROM device_floors WHERE vendor=?1";
	static const char time[] = "DELETE FROM time_bounds WHERE vendor=?1";
	int r;

	r = db_run_text(f, catalog, vendor);
	if (r == 0)
		r = db_run_text(f, class_, vendor);
	if (r == 0)
		r = db_run_text(f, device, vendor);
	return r < 0 ? r : db_run_text(f, time, vendor);
}

static int apply_epoch(struct db_file *f, const struct db_op *op)
{
	static const char sql[] =
		"INSERT INTO epochs(vendor,epoch) VALUES(?1,?2)"
		" ON CONFLICT(vendor) DO UPDATE SET epoch=excluded.epoch";
	const char *vendor = (const char *)op->row;
	struct time_bound_row bound = {.time_ms = op->time_ms};
	sqlite3_stmt *stmt = NULL;
	uint64_t epoch = 0;
	int r;

	r = db_vendor_epoch(f, vendor, &epoch);
	if (r < 0 || op->number <= epoch)
		return r;
	r = forget_floors(f, vendor);
	if (r == 0)
		r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, vendor, -1, SQLITE_STATIC);
	db_bind_u64(stmt, 2, op->number);
	r = db_step_done(f, stmt);
	memcpy(bound.vendor, vendor, strlen(vendor) + 1);
	return r < 0 ? r : db_put(f, DB_time_bounds, NULL, &bound);
}

static int apply_vendor_reset(struct db_file *f, const struct db_op *op)
{
	static const char epochs[] = "DELETE FROM epochs WHERE vendor=?1";
	static const char roots[] = "DELETE FROM roots WHERE vendor=?1";
	static const char bodies[] = "DELETE FROM root_bytes WHERE vendor=?1";
	static const char chain[] = "DELETE FROM root_chain WHERE vendor=?1";
	const char *vendor = (const char *)op->row;
	int r;

	r = forget_floors(f, vendor);
	if (r == 0)
		r = db_run_text(f, epochs, vendor);
	if (r == 0)
		r = db_run_text(f, roots, vendor);
	if (r == 0)
		r = db_run_text(f, chain, vendor);
	return r < 0 ? r : db_run_text(f, bodies, vendor);
}

#define apply_root_kept db_apply_root_kept
#define apply_root_prune db_apply_root_prune
#define apply_authority db_apply_authority
#define apply_authority_move db_apply_authority_move

static int apply_op(struct db_file *f, const struct db_op *op)
{
	switch (op->kind) {
#define OP_APPLY(name, file)                                                   \
	case OP_##name:                                                        \
		return apply_##name(f, op);
		DB_OPS(OP_APPLY)
#undef OP_APPLY
	}
	return ERR_STORE_SQL;
}

/* ---- groups ---- */

struct group {
	struct db_file *files[2]; /* by enum db_which */
	struct store_commit *const *commits;
	int *results;
	size_t count;
	uint64_t dropped;
};

static bool group_touches(const struct group *g, enum db_which which)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->results[i] == 0 && g->commits[i]->touches[which])
			return true;
	return false;
}

/* Floors of a commit are of one vendor, as a rule: it is counted once. */
static int judge_class_floors(struct db_file *f, const struct store_commit *c)
{
	const char *counted = NULL;
	int r = 0;

	for (const struct db_op *op = c->first; op && r == 0; op = op->next) {
		const struct class_floor_row *row =
			(const struct class_floor_row *)(const void *)op->row;

		if (op->kind != OP_class_floor ||
			(counted && strcmp(counted, row->vendor) == 0))
			continue;
		counted = row->vendor;
		r = db_class_floors_fit(f, counted);
	}
	return r;
}

static int apply_part(
	struct db_file *f, const struct store_commit *c, uint64_t *dropped)
{
	bool reports = false;
	int r = 0;

	for (const struct db_op *op = c->first; op && r == 0; op = op->next) {
		if (db_op_file(op->kind) == f->which)
			r = apply_op(f, op);
		reports = reports || op->kind == OP_outbox;
	}
	if (r == 0 && reports && f->which == DB_STATE)
		r = prune_outbox(f, dropped);
	if (r == 0 && f->which == DB_TRUST)
		r = judge_class_floors(f, c);
	return r;
}

static int run_on_both(
	struct group *g, const struct store_commit *c, const char *sql)
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++)
		if (c->touches[i])
			r = db_exec(g->files[i], sql);
	return r;
}

/* Applies one commit inside the open transactions. What it did is undone when
 * it fails. Returns an error only when the transactions are gone too. */
static int apply_commit(struct group *g, size_t at)
{
	const struct store_commit *c = g->commits[at];
	uint64_t dropped = 0;
	int r;

	r = run_on_both(g, c, "SAVEPOINT one");
	for (int i = 0; i < 2 && r == 0; i++)
		if (c->touches[i])
			r = apply_part(g->files[i], c, &dropped);
	if (r == 0)
		r = run_on_both(g, c, "RELEASE one");
	if (r == 0) {
		g->dropped += dropped;
		return 0;
	}
	g->results[at] = r;
	for (int i = 0; i < 2; i++)
		if (c->touches[i] && sqlite3_get_autocommit(g->files[i]->sql))
			return r;
	return run_on_both(g, c, "ROLLBACK TO one; RELEASE one") < 0 ? r : 0;
}

static void roll_back(struct group *g)
{
	for (int i = 0; i < 2; i++)
		if (g->files[i] && !sqlite3_get_autocommit(g->files[i]->sql))
			db_exec(g->files[i], "ROLLBACK");
}

static int run_group(struct group *g)
{
	bool began[2] = {false, false};
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		began[i] = group_touches(g, (enum db_which)i);
		if (began[i])
			r = db_exec(g->files[i], "BEGIN IMMEDIATE");
	}
	for (size_t i = 0; i < g->count && r == 0; i++)
		if (g->results[i] == 0)
			r = apply_commit(g, i);
	/* Floors are durable before the state that relies on them. */
	_Static_assert(DB_TRUST < DB_STATE, "order of the two commits");
	for (int i = 0; i < 2 && r == 0; i++)
		if (began[i])
			r = db_exec(g->files[i], "COMMIT");
	if (r < 0)
		roll_back(g);
	return r;
}

static void refuse_locked(struct group *g)
{
	for (size_t i = 0; i < g->count; i++) {
		g->results[i] = g->commits[i]->err;
		if (g->results[i] == 0 && !g->files[DB_TRUST] &&
			g->commits[i]->touches[DB_TRUST])
			g->results[i] = ERR_STORE_LOCKED;
	}
}

/* The group failed as a whole, so each commit gets a transaction of its own.
 * Repeating the trust part is harmless. */
static void run_singly(struct group *g)
{
	struct group one = *g;

	one.count = 1;
	for (size_t i = 0; i < g->count; i++) {
		one.commits = g->commits + i;
		one.results = g->results + i;
		if (one.results[0] == 0)
			one.results[0] = run_group(&one);
	}
	g->dropped = one.dropped;
}

void db_apply_group(struct db_file *trust, struct db_file *state,
	struct store_commit *const *commits, int *results, size_t count,
	atomic_uint_fast64_t *dropped)
{
	struct group g = {
		.files = {[DB_TRUST] = trust, [DB_STATE] = state},
		.commits = commits,
		.results = results,
		.count = count,
	};
	int r;

	refuse_locked(&g);
	r = run_group(&g);
	if (r < 0 && count == 1 && results[0] == 0)
		results[0] = r;
	if (r < 0 && count > 1) {
		g.dropped = 0;
		refuse_locked(&g);
		run_singly(&g);
	}
	atomic_fetch_add(dropped, g.dropped);
}

int db_append_history(struct db_file *state, const struct history_row *row)
{
	int r = db_row_check(DB_history, row);

	return r < 0 ? r : db_put(state, DB_history, NULL, row);
}

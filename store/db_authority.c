/* The chain of roots that is kept of every vendor, and what moves when a class
 * is handed over. */
#include "store/db_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- roots ---- */

int db_keep_root(struct db_file *f, const char *vendor, uint64_t version,
	struct bytes root)
{
	static const char sql[] =
		"INSERT INTO root_chain(vendor,version,body) SELECT ?1,?2,?3"
		" WHERE (SELECT count(*) FROM root_chain WHERE vendor=?1)<256"
		" ON CONFLICT(vendor,version) DO UPDATE SET body=excluded.body";
	sqlite3_stmt *stmt = NULL;
	int r;

	_Static_assert(STORE_ROOTS_KEPT_MAX == 256, "see the statement");
	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, vendor, -1, SQLITE_STATIC);
	db_bind_u64(stmt, 2, version);
	sqlite3_bind_blob(stmt, 3, root.at, (int)root.len, SQLITE_STATIC);
	return db_step_done(f, stmt);
}

int db_apply_root_kept(struct db_file *f, const struct db_op *op)
{
	return db_keep_root(f, (const char *)op->row, op->number,
		bytes_of(op->row + op->body_at, op->body_len));
}

int db_apply_root_prune(struct db_file *f, const struct db_op *op)
{
	static const char sql[] =
		"DELETE FROM root_chain WHERE vendor=?1 AND version<?2";
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(
		stmt, 1, (const char *)op->row, -1, SQLITE_STATIC);
	db_bind_u64(stmt, 2, op->number);
	return db_step_done(f, stmt);
}

int db_roots_read(struct db_file *f, const char *vendor, uint64_t from,
	struct db_roots *ret, struct fault *fault)
{
	static const char sql[] =
		"SELECT version,body FROM root_chain WHERE vendor=?1"
		" AND version>=?2 ORDER BY version LIMIT 16";
	sqlite3_stmt *stmt = NULL;
	int r, rc;

	_Static_assert(STORE_ROOTS_PAGE == 16, "see the statement");
	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, vendor, -1, SQLITE_STATIC);
	db_bind_u64(stmt, 2, from);
	while (r == 0 && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
		struct store_root *root = &ret->of[ret->count];
		size_t len = rc == SQLITE_ROW
				     ? (size_t)sqlite3_column_bytes(stmt, 1)
				     : 0;
		uint8_t *copy;

		if (rc != SQLITE_ROW) {
			r = db_error(f, rc);
			break;
		}
		r = db_read_u64(stmt, 0, &root->version);
		if (r < 0 || len == 0 || len > ROW_ROOT_MAX ||
			ret->count == STORE_ROOTS_PAGE) {
			r = fault_set(fault, ERR_STORE_DAMAGED, 0,
				"root_chain", "has a row of the wrong form");
			break;
		}
		copy = malloc(len);
		if (!copy) {
			r = -ENOMEM;
			break;
		}
		memcpy(copy, sqlite3_column_blob(stmt, 1), len);
		root->file = bytes_of(copy, len);
		ret->count++;
	}
	sqlite3_reset(stmt);
	if (r < 0)
		db_roots_done(ret);
	return r;
}

void db_roots_done(struct db_roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		free((void *)(uintptr_t)roots->of[i].file.at);
	roots->count = 0;
}

struct roots_request {
	struct db_request q;
	char vendor[ROW_NAME_SIZE];
	uint64_t from;
	struct db_roots roots;
	store_roots_cb cb;
	void *arg;
};

static int run_roots(struct store *store, struct db_request *q)
{
	struct roots_request *r = (struct roots_request *)(void *)q;
	struct db_file *f = db_usable_trust(store);

	return f ? db_roots_read(f, r->vendor, r->from, &r->roots, &q->fault)
		 : ERR_STORE_LOCKED;
}

static void finish_roots(struct store *store, struct db_request *q)
{
	struct roots_request *r = (struct roots_request *)(void *)q;

	(void)store;
	r->cb(r->arg, q->status, r->roots.of, r->roots.count);
	db_roots_done(&r->roots);
}

int store_roots(struct store *store, const char *vendor, uint64_t from,
	store_roots_cb cb, void *arg)
{
	size_t len = strnlen(vendor, ROW_NAME_SIZE);
	struct roots_request *r;
	int err;

	if (len == ROW_NAME_SIZE)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->q.run = run_roots;
	r->q.finish = finish_roots;
	r->q.needs_open = true;
	memcpy(r->vendor, vendor, len);
	r->from = from;
	r->cb = cb;
	r->arg = arg;
	err = db_enqueue(store, &r->q);
	if (err < 0)
		free(r);
	return err;
}

/* ---- class floors ---- */

int db_class_floors_fit(struct db_file *f, const char *vendor)
{
	static const char sql[] =
		"SELECT count(*) FROM class_floors WHERE vendor=?1";
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, vendor, -1, SQLITE_STATIC);
	r = db_step_number(f, stmt, &count);
	if (r == 0 && count > STORE_CLASS_FLOORS_VENDOR_MAX)
		r = ERR_STORE_FULL;
	return r;
}

/* ---- authority ---- */

int db_apply_authority(struct db_file *f, const struct db_op *op)
{
	static const char rises[] = "excluded.cleared>authorities.cleared";
	static const char other[] =
		"SELECT count(*) FROM authorities WHERE class_id=?1 AND "
		"place=?2 AND vendor<>?3";
	static const char sql[] = "SELECT count(*) FROM authorities";
	const struct authority_row *row =
		(const struct authority_row *)(const void *)op->row;
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, other, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_blob(stmt, 1, row->class_id, 16, SQLITE_STATIC);
	db_bind_u64(stmt, 2, row->place);
	sqlite3_bind_text(stmt, 3, row->vendor, -1, SQLITE_STATIC);
	r = db_step_number(f, stmt, &count);
	if (r == 0 && count)
		r = ERR_STORE_CONFLICT;
	if (r == 0)
		r = db_put(f, DB_authorities, rises, row);
	if (r == 0)
		r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r == 0)
		r = db_step_number(f, stmt, &count);
	if (r == 0 && count > STORE_AUTHORITIES_MAX)
		r = ERR_STORE_FULL;
	return r;
}

/* ?1 from whom, ?2 to whom, ?3 which class or device. */
static int move(struct db_file *f, const char *sql,
	const struct authority_row *row, const char *device)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, row->by, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, row->vendor, -1, SQLITE_STATIC);
	if (device)
		sqlite3_bind_text(stmt, 3, device, -1, SQLITE_STATIC);
	else
		sqlite3_bind_blob(
			stmt, 3, row->class_id, 16, SQLITE_STATIC);
	return db_step_done(f, stmt);
}

int db_apply_authority_move(struct db_file *f, const struct db_op *op)
{
	static const char classes[] =
		"INSERT INTO class_floors(vendor,class_id,component,hw_min,"
		"hw_max,sequence) SELECT ?2,class_id,component,hw_min,hw_max,"
		"sequence FROM class_floors WHERE vendor=?1 AND class_id=?3"
		" ON CONFLICT(vendor,class_id,component,hw_min,hw_max)"
		" DO UPDATE SET sequence=excluded.sequence"
		" WHERE excluded.sequence>class_floors.sequence";
	static const char device[] =
		"INSERT INTO device_floors(vendor,device,component,sequence,"
		"lowered) SELECT ?2,device,component,sequence,lowered"
		" FROM device_floors WHERE vendor=?1 AND device=?3"
		" ON CONFLICT(vendor,device,component)"
		" DO UPDATE SET sequence=excluded.sequence,"
		"lowered=excluded.lowered"
		" WHERE excluded.sequence>device_floors.sequence";
	static const char revocations[] =
		"INSERT INTO revocations(vendor,what,id,at_ms,reason)"
		" SELECT ?2,what,id,at_ms,reason FROM revocations"
		" WHERE vendor=?1 AND ?3 IS NOT NULL ON CONFLICT DO NOTHING";
	const struct authority_row *row =
		(const struct authority_row *)(const void *)op->row;
	const char *name = (const char *)op->row + op->body_at;
	const char *end = name + op->body_len;
	int r = move(f, classes, row, NULL);

	if (r == 0)
		r = move(f, revocations, row, NULL);
	for (; r == 0 && name < end; name += strlen(name) + 1)
		r = move(f, device, row, name);
	return r;
}

#include "store/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/db_priv.h"
#include "store/db_vfs.h"
#include "store/disk.h"

#define COPY_LEN 65536
#define PATH_SIZE (PATH_MAX + 64)

/* ---- backup ---- */

struct backup_request {
	struct db_request q;
	char dir[PATH_MAX];
	store_cb cb;
	void *arg;
};

static int unlink_if_there(const char *path)
{
	int r = disk_unlink(path);

	return r == -ENOENT ? 0 : r;
}

/* A file and what SQLite may have left beside it. */
static int unlink_db(const char *path)
{
	static const char *const tails[] = {"-wal", "-journal", ""};
	char beside[PATH_SIZE + 16];
	int r = 0;

	for (size_t i = 0; i < 3 && r == 0; i++) {
		snprintf(beside, sizeof(beside), "%s%s", path, tails[i]);
		r = unlink_if_there(beside);
	}
	return r;
}

static int copy_pages(struct db_file *from, const char *path)
{
	struct db_file to = {.which = from->which};
	sqlite3_backup *backup;
	int r, rc;

	r = db_error(&to,
		sqlite3_open_v2(path, &to.sql,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
			db_vfs()));
	if (r == 0) {
		backup = sqlite3_backup_init(to.sql, "main", from->sql, "main");
		rc = backup ? sqlite3_backup_step(backup, -1)
			    : sqlite3_errcode(to.sql);
		sqlite3_backup_finish(backup);
		r = rc == SQLITE_DONE ? 0 : db_error(&to, rc);
		if (rc == SQLITE_OK)
			r = ERR_STORE_SQL;
	}
	sqlite3_close_v2(to.sql);
	return r;
}

static int back_up_file(struct db_file *from, const char *dir)
{
	char tmp[PATH_SIZE], path[PATH_SIZE];
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, db_file_name(from->which));
	snprintf(tmp, sizeof(tmp), "%s/%s.new", dir, db_file_name(from->which));
	r = unlink_db(tmp);
	if (r == 0)
		r = copy_pages(from, tmp);
	if (r == 0)
		r = disk_rename(tmp, path);
	if (r < 0)
		unlink_db(tmp);
	return r;
}

static int run_backup(struct store *store, struct db_request *q)
{
	struct backup_request *b = (struct backup_request *)(void *)q;
	int r;

	if (store->trust != STORE_TRUST_OK)
		return ERR_STORE_LOCKED;
	r = disk_mkdir(b->dir);
	for (int i = 0; i < 2 && r == 0; i++)
		r = back_up_file(&store->files[i], b->dir);
	if (r == 0)
		r = disk_sync_dir(b->dir);
	if (r < 0)
		fault_set(&q->fault, r, 0, "backup", "%s", err_text(r));
	return r;
}

static void finish_backup(struct store *store, struct db_request *q)
{
	struct backup_request *b = (struct backup_request *)(void *)q;

	(void)store;
	if (b->cb)
		b->cb(b->arg, q->status);
}

int store_backup(struct store *store, const char *dir, store_cb cb, void *arg)
{
	struct backup_request *b;
	int r;

	if (strlen(dir) >= sizeof(b->dir))
		return -ENAMETOOLONG;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->q.run = run_backup;
	b->q.finish = finish_backup;
	b->q.needs_open = true;
	snprintf(b->dir, sizeof(b->dir), "%s", dir);
	b->cb = cb;
	b->arg = arg;
	r = db_enqueue(store, &b->q);
	if (r < 0)
		free(b);
	return r;
}

/* ---- restore ---- */

struct restore {
	const char *dir;
	char work[PATH_MAX];	  /* where the copies are opened */
	struct db_file copies[2]; /* by enum db_which */
	struct db_file files[2];
	struct fault *fault;
};

static int copy_file(const char *from, const char *to)
{
	char block[COPY_LEN];
	uint64_t len, old, at = 0;
	int64_t n = 0;
	int in, out, r = 0;

	in = disk_open_read(from, &len);
	if (in < 0)
		return in;
	out = disk_open_write(to, &old);
	if (out < 0) {
		close(in);
		return out;
	}
	while (r == 0 && (n = disk_read(in, at, block, sizeof(block))) > 0) {
		r = disk_write(out, to, at, block, (size_t)n);
		at += (uint64_t)n;
	}
	if (r == 0)
		r = n < 0 ? (int)n : disk_sync(out, to);
	close(in);
	close(out);
	return r;
}

static int open_copy(
	struct restore *w, const char *from_dir, enum db_which which)
{
	const char *name = db_file_name(which);
	char from[PATH_SIZE], to[PATH_SIZE];
	int r;

	snprintf(from, sizeof(from), "%s/%s", from_dir, name);
	snprintf(to, sizeof(to), "%s/%s", w->work, name);
	r = unlink_db(to);
	if (r == 0)
		r = copy_file(from, to);
	if (r < 0)
		return fault_set(w->fault, r, 0, name, "%s", err_text(r));
	r = db_file_open(&w->copies[which], w->work, which, w->fault);
	if (r == 0)
		r = fault_set(w->fault, ERR_STORE_DAMAGED, 0, name, "is blank");
	return r < 0 ? r : 0;
}

/* 1 usable, 0 absent, blank or damaged, or an error that stops the restore. */
static int open_present(struct restore *w, enum db_which which)
{
	struct fault fault = {0};
	int r = db_file_exists(w->dir, which);

	if (r > 0)
		r = db_file_open(&w->files[which], w->dir, which, &fault);
	if (r == ERR_STORE_DAMAGED)
		return 0;
	if (r < 0 && w->fault)
		*w->fault = fault;
	return r;
}

/* Applies one row of the copy by itself; what would lower is left out. */
static int raise_one(struct restore *w, struct store_commit *take_commit)
{
	atomic_uint_fast64_t dropped = 0;
	int result = 0;

	if (!take_commit)
		return -ENOMEM;
	db_apply_group(
		&w->files[DB_TRUST], NULL, &take_commit, &result, 1, &dropped);
	store_commit_free(take_commit);
	return result == ERR_STORE_FLOOR || result == ERR_STORE_CONFLICT
		       ? 0
		       : result;
}

/* Floors of an epoch that is over must not come back: they may be the very
 * ones that the new epoch repaired. */
static int is_of_old_epoch(struct restore *w, const char *vendor, bool *ret)
{
	uint64_t copy = 0, present = 0;
	int r;

	r = db_vendor_epoch(&w->copies[DB_TRUST], vendor, &copy);
	if (r == 0)
		r = db_vendor_epoch(&w->files[DB_TRUST], vendor, &present);
	*ret = copy < present;
	return r;
}

/* An administrator's lowering since the backup stands. */
static int is_lowered(
	struct restore *w, const struct device_floor_row *row, bool *ret)
{
	static const char sql[] =
		"SELECT count(*) FROM device_floors WHERE vendor=?1"
		" AND device=?2 AND component=?3 AND lowered=1";
	struct db_file *f = &w->files[DB_TRUST];
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_text(stmt, 1, row->vendor, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, row->device, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, row->component, -1, SQLITE_STATIC);
	r = db_step_number(f, stmt, &count);
	*ret = count > 0;
	return r;
}

/* The copy's chain up to its newest root. What is there of the same version is
 * replaced: the chain is walked, never believed. */
static int add_chain(
	struct restore *w, const struct root_row *row, struct store_commit *c)
{
	struct db_roots page = {.count = 0};
	uint64_t from = 0;
	size_t got;
	int r;

	do {
		r = db_roots_read(&w->copies[DB_TRUST], row->vendor, from,
			&page, w->fault);
		got = page.count;
		for (size_t i = 0; i < got; i++) {
			store_commit_root_kept(c, row->vendor,
				page.of[i].version, page.of[i].file);
			from = page.of[i].version + 1;
		}
		db_roots_done(&page);
	} while (r == 0 && got == STORE_ROOTS_PAGE);
	return r;
}

static int raise_root(struct restore *w, const struct root_row *row)
{
	struct store_commit *c = store_commit_new();
	struct bytes body = {NULL, 0};
	uint64_t present = 0;
	int r;

	r = db_root_bytes(&w->copies[DB_TRUST], row->vendor, &body, w->fault);
	if (r == 0)
		r = db_vendor_epoch(&w->files[DB_TRUST], row->vendor, &present);
	if (r == 0 && row->epoch > present)
		store_commit_epoch(c, row->vendor, row->epoch, 0);
	if (r == 0)
		store_commit_root(c, row, body);
	if (r == 0)
		r = add_chain(w, row, c);
	free((void *)(uintptr_t)body.at);
	if (r < 0) {
		store_commit_free(c);
		return r;
	}
	return raise_one(w, c);
}

static int raise_row(struct restore *w, enum db_table_id table, const void *row)
{
	struct store_commit *c;
	bool skip = false;
	int r = 0;

	/* Every other trust row begins with its vendor. */
	if (table != DB_roots && table != DB_revocations && table != DB_pins &&
		table != DB_authorities && table != DB_evidence_floors)
		r = is_of_old_epoch(w, row, &skip);
	if (r == 0 && !skip && table == DB_device_floors)
		r = is_lowered(w, row, &skip);
	if (r < 0 || skip)
		return r;
	if (table == DB_roots)
		return raise_root(w, row);
	c = store_commit_new();
	if (table == DB_catalog_floors)
		store_commit_catalog_floor(c, row);
	else if (table == DB_class_floors)
		store_commit_class_floor(c, row);
	else if (table == DB_device_floors)
		store_commit_device_floor(c, row);
	else if (table == DB_time_bounds)
		store_commit_time_bound(c, row);
	else if (table == DB_authorities)
		store_commit_authority(c, row);
	else if (table == DB_revocations)
		store_commit_revocation(c, row);
	else if (table == DB_evidence_floors)
		store_commit_evidence_floor(c, row);
	else
		store_commit_pin(c, row);
	return raise_one(w, c);
}

static int raise_trust(struct restore *w)
{
	/* Roots first: they may begin an epoch. */
	static const enum db_table_id order[] = {DB_roots, DB_catalog_floors,
		DB_class_floors, DB_device_floors, DB_time_bounds,
		DB_authorities, DB_revocations, DB_pins, DB_evidence_floors};
	static const char all[] = "ORDER BY 1,2";
	struct db_rows rows;
	int r = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct db_table *t = db_table(order[i]);

		rows = (struct db_rows){NULL, 0};
		r = db_rows_read(&w->copies[DB_TRUST], order[i], all, NULL, 0,
			t->limit, &rows, w->fault);
		for (size_t k = 0; k < rows.count && r == 0; k++)
			r = raise_row(w, order[i],
				(const char *)rows.at + k * t->row_size);
		free(rows.at);
		if (r < 0)
			break;
	}
	return r;
}

/* Moves a checked and closed copy into its place. */
static int put_in_place(struct restore *w, enum db_which which)
{
	const char *name = db_file_name(which);
	char from[PATH_SIZE], to[PATH_SIZE], log[PATH_SIZE + 16];
	int64_t busy = 1;
	int r;

	/* The copy must be whole without its log. */
	r = db_number(
		&w->copies[which], "PRAGMA wal_checkpoint(TRUNCATE)", &busy);
	if (r < 0 || busy)
		return r < 0 ? r : ERR_STORE_BUSY;
	db_file_close(&w->copies[which]);
	db_file_close(&w->files[which]);
	snprintf(from, sizeof(from), "%s/%s", w->work, name);
	snprintf(to, sizeof(to), "%s/%s", w->dir, name);
	/* The old log must be gone before the new file is there. */
	snprintf(log, sizeof(log), "%s-wal", to);
	r = unlink_if_there(log);
	snprintf(log, sizeof(log), "%s-journal", to);
	if (r == 0)
		r = unlink_if_there(log);
	if (r == 0)
		r = disk_sync_dir(w->dir);
	if (r == 0)
		r = disk_rename(from, to);
	return r < 0 ? r : disk_sync_dir(w->dir);
}

static int restore_both(struct restore *w)
{
	uint8_t id[DB_ID_LEN];
	int trust_there, r;

	r = open_present(w, DB_STATE);
	if (r < 0)
		return r;
	trust_there = open_present(w, DB_TRUST);
	if (trust_there < 0)
		return trust_there;
	if (trust_there == 1) {
		r = raise_trust(w);
		if (r == 0)
			r = db_file_adopt(
				&w->copies[DB_STATE], w->files[DB_TRUST].id);
	} else {
		/* Nobody knows what was lost: another id locks it. */
		r = db_random_id(id);
		if (r == 0)
			r = db_file_adopt(&w->copies[DB_STATE], id);
		if (r == 0)
			r = put_in_place(w, DB_TRUST);
	}
	return r < 0 ? r : put_in_place(w, DB_STATE);
}

int store_restore(const char *from_dir, const char *dir, struct fault *fault)
{
	struct restore w = {.dir = dir, .fault = fault};
	char path[PATH_SIZE];
	int n, r;

	n = snprintf(w.work, sizeof(w.work), "%s/restore", dir);
	if (n < 0 || n >= PATH_MAX - 32 || strlen(from_dir) >= PATH_MAX - 32)
		return fault_set(
			fault, -ENAMETOOLONG, 0, "restore", "path is too long");
	if (!db_vfs())
		return -ENOMEM;
	r = disk_mkdir(w.work);
	for (int i = 0; i < 2 && r == 0; i++)
		r = open_copy(&w, from_dir, (enum db_which)i);
	if (r == 0)
		r = restore_both(&w);
	for (int i = 0; i < 2; i++) {
		db_file_close(&w.copies[i]);
		db_file_close(&w.files[i]);
		snprintf(path, sizeof(path), "%s/%s", w.work,
			db_file_name((enum db_which)i));
		unlink_db(path);
	}
	rmdir(w.work);
	return r < 0 ? fault_set(fault, r, 0, "restore", "%s", err_text(r)) : 0;
}

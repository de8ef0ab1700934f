#include "store/db_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "store/db.h"
#include "store/db_vfs.h"
#include "store/disk.h"

#define SQL_MAX 8192
#define BUSY_WAIT_MS 1000
#define APPLICATION_TRUST 0x46727954 /* "FryT" */
#define APPLICATION_STATE 0x46727953 /* "FryS" */

const char *db_file_name(enum db_which which)
{
	return which == DB_TRUST ? "trust.db" : "state.db";
}

static int application_id(enum db_which which)
{
	return which == DB_TRUST ? APPLICATION_TRUST : APPLICATION_STATE;
}

int db_error(struct db_file *f, int rc)
{
	int number;

	switch (rc) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_IOERR_DATA:
	case SQLITE_IOERR_SHORT_READ:
	case SQLITE_IOERR_CORRUPTFS:
		return ERR_STORE_DAMAGED;
	case SQLITE_IOERR_NOMEM:
		return -ENOMEM;
	default:
		break;
	}
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_STORE_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return ERR_STORE_DAMAGED;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
		return ERR_STORE_ROW;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		number = f && f->sql ? sqlite3_system_errno(f->sql) : 0;
		return number == ENOSPC || number == EDQUOT  ? -ENOSPC
		       : number == EACCES || number == EROFS ? -number
							     : -EIO;
	default:
		return ERR_STORE_SQL;
	}
}

int db_exec(struct db_file *f, const char *sql)
{
	return db_error(f, sqlite3_exec(f->sql, sql, NULL, NULL, NULL));
}

int db_step_done(struct db_file *f, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	int r = rc == SQLITE_ROW ? ERR_STORE_SQL : db_error(f, rc);

	sqlite3_reset(stmt);
	return r;
}

int db_step_number(struct db_file *f, sqlite3_stmt *stmt, int64_t *ret)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		*ret = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	return db_error(f, rc);
}

int db_number(struct db_file *f, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_error(f, sqlite3_prepare_v2(f->sql, sql, -1, &stmt, NULL));
	if (r < 0)
		return r;
	r = db_step_number(f, stmt, ret);
	sqlite3_finalize(stmt);
	return r;
}

/* ---- statements ---- */

static void add_columns(struct buf *sql, const struct db_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		buf_printf(sql, "%s%s", i ? "," : "", t->fields[i].column);
}

static void add_put(struct buf *sql, const struct db_table *t, const char *tail)
{
	buf_printf(sql, "INSERT INTO %s(", t->name);
	add_columns(sql, t);
	buf_add_text(sql, ") VALUES(");
	for (size_t i = 0; i < t->count; i++)
		buf_printf(sql, "%s?%zu", i ? "," : "", i + 1);
	buf_add_text(sql, ")");
	if (t->keys == 0)
		return;
	buf_add_text(sql, " ON CONFLICT(");
	for (size_t i = 0; i < t->keys; i++)
		buf_printf(sql, "%s%s", i ? "," : "", t->fields[i].column);
	buf_add_text(sql, ") DO UPDATE SET ");
	for (size_t i = t->keys; i < t->count; i++)
		buf_printf(sql, "%s%s=excluded.%s", i > t->keys ? "," : "",
			t->fields[i].column, t->fields[i].column);
	if (tail)
		buf_printf(sql, " WHERE %s", tail);
}

static void add_select(
	struct buf *sql, const struct db_table *t, const char *tail)
{
	buf_add_text(sql, "SELECT ");
	add_columns(sql, t);
	buf_printf(sql, " FROM %s %s", t->name, tail ? tail : "");
}

static int prepare_new(struct db_file *f, struct db_statement *s)
{
	const struct db_table *t = db_table(s->table);
	struct buf sql;
	int r;

	buf_init(&sql, SQL_MAX);
	switch (s->form) {
	case DB_PLAIN:
		buf_add_text(&sql, s->tail);
		break;
	case DB_PUT:
		add_put(&sql, t, s->tail);
		break;
	case DB_SELECT:
		add_select(&sql, t, s->tail);
		break;
	}
	r = sql.err;
	if (r == 0)
		r = db_error(f, sqlite3_prepare_v3(f->sql, (const char *)sql.at,
					(int)sql.len, SQLITE_PREPARE_PERSISTENT,
					&s->stmt, NULL));
	buf_done(&sql);
	return r;
}

int db_prepare(struct db_file *f, enum db_form form, enum db_table_id table,
	const char *tail, sqlite3_stmt **ret_stmt)
{
	struct db_statement *s = f->statements;
	struct db_statement *end = s + f->statement_count;
	int r;

	while (s < end &&
		(s->form != form || s->table != table || s->tail != tail))
		s++;
	if (s == end) {
		if (f->statement_count == DB_STATEMENTS_MAX)
			return ERR_STORE_FULL;
		*s = (struct db_statement){form, table, tail, NULL};
		r = prepare_new(f, s);
		if (r < 0)
			return r;
		f->statement_count++;
	}
	sqlite3_reset(s->stmt);
	sqlite3_clear_bindings(s->stmt);
	*ret_stmt = s->stmt;
	return 0;
}

/* ---- schema ---- */

static const char *field_type(enum db_kind kind)
{
	switch (kind) {
	case DB_TEXT:
		return "TEXT NOT NULL DEFAULT ''";
	case DB_INT:
	case DB_INT64:
	case DB_ID:
	case DB_BOOL:
		return "INTEGER NOT NULL DEFAULT 0";
	case DB_U64:
		return "BLOB NOT NULL DEFAULT x'0000000000000000'";
	case DB_BLOB:
	case DB_HASH:
	case DB_BODY:
		return "BLOB NOT NULL DEFAULT x''";
	}
	return "";
}

/* A fixed blob that an older writer did not know has its zeros by default. */
static void add_definition(struct buf *sql, const struct db_field *field)
{
	if (field->kind == DB_BLOB) {
		buf_printf(sql, "%s BLOB NOT NULL DEFAULT x'", field->column);
		for (size_t i = 0; i < field->size; i++)
			buf_add_text(sql, "00");
		buf_add_text(sql, "'");
		return;
	}
	buf_printf(sql, "%s %s", field->column, field_type(field->kind));
}

static void add_table(struct buf *sql, enum db_table_id id)
{
	const struct db_table *t = db_table(id);

	buf_printf(sql, "CREATE TABLE IF NOT EXISTS %s(", t->name);
	for (size_t i = 0; i < t->count; i++) {
		buf_add_text(sql, i ? "," : "");
		if (t->keys == 0 && i == 0)
			/* A number that was dropped is never given again. */
			buf_printf(sql, "%s INTEGER PRIMARY KEY%s",
				t->fields[i].column,
				id == DB_outbox ? " AUTOINCREMENT" : "");
		else
			add_definition(sql, &t->fields[i]);
	}
	for (size_t i = 0; i < t->keys; i++)
		buf_printf(sql, "%s%s", i ? "," : ",PRIMARY KEY(",
			t->fields[i].column);
	buf_add_text(sql, t->keys ? ")" : "");
	if (id == DB_ledger)
		buf_add_text(sql, ",FOREIGN KEY(job) REFERENCES jobs(id)"
				  " ON DELETE CASCADE");
	buf_add_text(sql, ") STRICT;");
}

static int exec_buf(struct db_file *f, struct buf *sql)
{
	int r;

	buf_add(sql, "", 1);
	r = sql->err ? sql->err : db_exec(f, (const char *)sql->at);
	buf_reset(sql);
	return r;
}

static int add_missing_columns(
	struct db_file *f, const struct db_table *t, struct buf *sql)
{
	char text[256];
	int64_t there;
	int r;

	for (size_t i = 0; i < t->count; i++) {
		snprintf(text, sizeof(text),
			"SELECT count(*) FROM pragma_table_info('%s')"
			" WHERE name='%s'",
			t->name, t->fields[i].column);
		r = db_number(f, text, &there);
		if (r < 0)
			return r;
		if (there)
			continue;
		buf_printf(sql, "ALTER TABLE %s ADD COLUMN ", t->name);
		add_definition(sql, &t->fields[i]);
		r = exec_buf(f, sql);
		if (r < 0)
			return r;
	}
	return 0;
}

static const char trust_extra[] =
	"CREATE TABLE IF NOT EXISTS root_bytes(vendor TEXT NOT NULL PRIMARY "
	"KEY,"
	" body BLOB NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS epochs(vendor TEXT NOT NULL PRIMARY KEY,"
	" epoch BLOB NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS root_chain(vendor TEXT NOT NULL,"
	" version BLOB NOT NULL, body BLOB NOT NULL,"
	" PRIMARY KEY(vendor,version)) STRICT;";

static const char state_extra[] =
	"CREATE INDEX IF NOT EXISTS jobs_open ON jobs(id) WHERE closed=0;"
	"CREATE INDEX IF NOT EXISTS jobs_device ON jobs(device,id);"
	"CREATE INDEX IF NOT EXISTS ledger_job ON ledger(job,id);";

static int make_schema(struct db_file *f)
{
	struct buf sql;
	int r;

	buf_init(&sql, SQL_MAX);
	buf_add_text(&sql,
		"CREATE TABLE IF NOT EXISTS meta("
		"name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT");
	r = exec_buf(f, &sql);
	for (int i = 0; i < DB_TABLE_COUNT && r == 0; i++) {
		if (db_table((enum db_table_id)i)->which != f->which)
			continue;
		add_table(&sql, (enum db_table_id)i);
		r = exec_buf(f, &sql);
		if (r == 0)
			r = add_missing_columns(
				f, db_table((enum db_table_id)i), &sql);
	}
	if (r == 0)
		r = db_exec(
			f, f->which == DB_TRUST ? trust_extra : state_extra);
	buf_printf(&sql, "PRAGMA application_id=%d;PRAGMA user_version=%d",
		application_id(f->which),
		DB_SCHEMA_MAJOR * 1000 + DB_SCHEMA_MINOR);
	if (r == 0)
		r = exec_buf(f, &sql);
	buf_done(&sql);
	return r;
}

static int put_id(struct db_file *f, const uint8_t id[DB_ID_LEN])
{
	static const char sql[] =
		"INSERT INTO meta(name,value) VALUES('id',?1)"
		" ON CONFLICT(name) DO UPDATE SET value=excluded.value";
	sqlite3_stmt *stmt = NULL;
	int r;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	sqlite3_bind_blob(stmt, 1, id, DB_ID_LEN, SQLITE_TRANSIENT);
	return db_step_done(f, stmt);
}

static int end_transaction(struct db_file *f, int r)
{
	if (r == 0)
		r = db_exec(f, "COMMIT");
	if (r < 0 && !sqlite3_get_autocommit(f->sql))
		db_exec(f, "ROLLBACK");
	return r;
}

int db_file_fill(struct db_file *f, const uint8_t id[DB_ID_LEN])
{
	uint8_t copy[DB_ID_LEN];
	int r;

	memcpy(copy, id, DB_ID_LEN);
	r = db_exec(f, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	r = make_schema(f);
	if (r == 0)
		r = put_id(f, copy);
	r = end_transaction(f, r);
	if (r == 0)
		memcpy(f->id, copy, DB_ID_LEN);
	return r;
}

int db_file_adopt(struct db_file *f, const uint8_t id[DB_ID_LEN])
{
	int r = put_id(f, id);

	if (r == 0)
		memcpy(f->id, id, DB_ID_LEN);
	return r;
}

/* ---- opening ---- */

static int path_of(char path[PATH_MAX], const char *dir, enum db_which which)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, db_file_name(which));

	return n < 0 || n >= PATH_MAX - 16 ? -ENAMETOOLONG : 0;
}

int db_file_exists(const char *dir, enum db_which which)
{
	char path[PATH_MAX];
	struct stat st;
	int r;

	r = path_of(path, dir, which);
	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return st.st_size > 0;
}

static int connect_file(struct db_file *f)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	const char *vfs = db_vfs();
	int reserve = DB_PAGE_RESERVE;
	int r;

	if (!vfs)
		return -ENOMEM;
	r = db_error(f, sqlite3_open_v2(f->path, &f->sql, flags, vfs));
	if (r < 0)
		return r;
	sqlite3_busy_timeout(f->sql, BUSY_WAIT_MS);
	sqlite3_limit(f->sql, SQLITE_LIMIT_LENGTH, 1 << 20);
	sqlite3_db_config(f->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(f->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(f->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(f->sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_file_control(
		f->sql, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
	r = db_exec(f, "PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE;"
		       "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
		       "PRAGMA cache_size=-128; PRAGMA foreign_keys=ON;"
		       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		       "PRAGMA journal_size_limit=1048576");
	if (r < 0)
		return r;
	/* A log that rots is taken for a shorter one. The trust file is written
	 * rarely, so it never waits there. */
	return db_exec(f, f->which == DB_TRUST
				  ? "PRAGMA wal_autocheckpoint=1"
				  : "PRAGMA wal_autocheckpoint=256");
}

static int check_integrity(struct db_file *f, struct fault *fault)
{
	sqlite3_stmt *stmt = NULL;
	const unsigned char *text;
	int r, rc;

	r = db_error(
		f, sqlite3_prepare_v2(f->sql,
			   f->which == DB_TRUST ? "PRAGMA integrity_check(1)"
						: "PRAGMA quick_check(1)",
			   -1, &stmt, NULL));
	if (r < 0)
		return r;
	rc = sqlite3_step(stmt);
	text = rc == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
	if (rc != SQLITE_ROW)
		r = db_error(f, rc);
	else if (!text || strcmp((const char *)text, "ok") != 0)
		r = fault_set(fault, ERR_STORE_DAMAGED, 0,
			db_file_name(f->which), "%.120s",
			text ? (const char *)text : "check gave no answer");
	sqlite3_finalize(stmt);
	return r;
}

static int read_id(struct db_file *f)
{
	static const char sql[] = "SELECT value FROM meta WHERE name='id'";
	sqlite3_stmt *stmt = NULL;
	const void *blob;
	int r, rc;

	r = db_prepare(f, DB_PLAIN, 0, sql, &stmt);
	if (r < 0)
		return r;
	rc = sqlite3_step(stmt);
	blob = rc == SQLITE_ROW ? sqlite3_column_blob(stmt, 0) : NULL;
	if (blob && sqlite3_column_bytes(stmt, 0) == DB_ID_LEN)
		memcpy(f->id, blob, DB_ID_LEN);
	else
		r = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_STORE_DAMAGED
							  : db_error(f, rc);
	sqlite3_reset(stmt);
	return r;
}

static int migrate(struct db_file *f)
{
	int r = db_exec(f, "BEGIN IMMEDIATE");

	return r < 0 ? r : end_transaction(f, make_schema(f));
}

static int check_versions(
	struct db_file *f, struct fault *fault, int64_t *ret_version)
{
	const char *name = db_file_name(f->which);
	int64_t version = 0, application = 0, tables = 0;
	int r;

	r = db_number(f, "PRAGMA user_version", &version);
	if (r == 0)
		r = db_number(f, "PRAGMA application_id", &application);
	if (r == 0)
		r = db_number(f, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r < 0)
		return r;
	if (version == 0 && application == 0 && tables == 0) {
		*ret_version = 0;
		return 0;
	}
	if (application != application_id(f->which))
		return fault_set(fault, ERR_STORE_DAMAGED, 0, name,
			"is not the database that its name says");
	if (version / 1000 != DB_SCHEMA_MAJOR)
		return fault_set(fault, ERR_STORE_SCHEMA, 0, name,
			"has schema %d.%d, this program knows %d",
			(int)(version / 1000), (int)(version % 1000),
			DB_SCHEMA_MAJOR);
	*ret_version = version;
	return 0;
}

static int check_file(struct db_file *f, struct fault *fault)
{
	int64_t version = 0;
	int r;

	r = check_versions(f, fault, &version);
	if (r < 0 || version == 0)
		return r;
	r = check_integrity(f, fault);
	if (r == 0 && version % 1000 < DB_SCHEMA_MINOR)
		r = migrate(f);
	if (r == 0)
		r = read_id(f);
	return r < 0 ? r : 1;
}

int db_file_open(struct db_file *f, const char *dir, enum db_which which,
	struct fault *fault)
{
	int r;

	memset(f, 0, sizeof(*f));
	f->which = which;
	r = path_of(f->path, dir, which);
	if (r == 0)
		r = connect_file(f);
	if (r == 0)
		r = check_file(f, fault);
	if (r >= 0)
		return r;
	fault_set(fault, r, 0, db_file_name(which), "%s",
		f->sql ? sqlite3_errmsg(f->sql) : err_text(r));
	db_file_close(f);
	return r;
}

void db_file_close(struct db_file *f)
{
	for (size_t i = 0; i < f->statement_count; i++)
		sqlite3_finalize(f->statements[i].stmt);
	f->statement_count = 0;
	sqlite3_close_v2(f->sql);
	f->sql = NULL;
}

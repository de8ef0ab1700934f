/* One database file: opening with all checks, schema, prepared statements.
 *
 * Internal to the store; everything here runs on the database thread. */
#ifndef FERRY_STORE_DB_FILE_H
#define FERRY_STORE_DB_FILE_H

#include <limits.h>

#include "base/err.h"
#include "store/db_table.h"

#define DB_ID_LEN 16
#define DB_STATEMENTS_MAX 96

/* PRAGMA user_version is major * 1000 + minor. A minor adds tables and columns
 * with defaults, never more, so that the previous minor works on; db_table.c
 * says what is there and the opening adds what is missing. */
#define DB_SCHEMA_MAJOR 1
#define DB_SCHEMA_MINOR 3

enum db_form {
	DB_PLAIN,  /* `tail` is the statement */
	DB_PUT,	   /* insert or update by key; `tail` may limit the update */
	DB_SELECT, /* all columns of the row, then `tail` */
};

struct db_statement {
	enum db_form form;
	enum db_table_id table;
	const char *tail;
	sqlite3_stmt *stmt;
};

struct db_file {
	sqlite3 *sql; /* NULL: not open */
	enum db_which which;
	char path[PATH_MAX];
	uint8_t id[DB_ID_LEN];
	struct db_statement statements[DB_STATEMENTS_MAX];
	size_t statement_count;
};

const char *db_file_name(enum db_which which);

/* Whether there is a file with content. 1, 0 or -errno. */
int db_file_exists(const char *dir, enum db_which which);

/* Opens dir/NAME, made empty if absent. Returns 1 when it has our schema (and
 * f->id is set), 0 when it is blank, or an error with `fault` filled; then it
 * is closed. */
int db_file_open(struct db_file *f, const char *dir, enum db_which which,
	struct fault *fault);

/* Gives a blank open file schema and id, in one transaction. */
int db_file_fill(struct db_file *f, const uint8_t id[DB_ID_LEN]);

/* Replaces the id. */
int db_file_adopt(struct db_file *f, const uint8_t id[DB_ID_LEN]);

void db_file_close(struct db_file *f);

/* Our error for what SQLite said last about `f`. */
int db_error(struct db_file *f, int rc);

/* Runs a statement without parameters and result. */
int db_exec(struct db_file *f, const char *sql);

/* A prepared statement, reset and without parameters, kept for the life of the
 * file. `tail` must be the same pointer at every call; NULL: nothing. For
 * DB_PLAIN `table` only tells statements apart. */
int db_prepare(struct db_file *f, enum db_form form, enum db_table_id table,
	const char *tail, sqlite3_stmt **ret_stmt);

/* Steps a statement that gives no row, then resets it. 0 or an error. */
int db_step_done(struct db_file *f, sqlite3_stmt *stmt);

/* Steps a statement that gives at most one number; 0 where it gives none. */
int db_step_number(struct db_file *f, sqlite3_stmt *stmt, int64_t *ret);

/* Runs `sql`, which selects one number. */
int db_number(struct db_file *f, const char *sql, int64_t *ret);

#endif

/* The tables: how the rows of store/rows.h lie in SQLite.
 *
 * One description a table gives the schema, the statements, and the checks of
 * what goes in and of what comes out: a value of another type, a text or blob
 * too long, or a number out of range in the file is ERR_STORE_DAMAGED with the
 * name of its column, never a cut value. Internal to the store; the database
 * thread, but table_check(). */
#ifndef FERRY_STORE_DB_TABLE_H
#define FERRY_STORE_DB_TABLE_H

#include <sqlite3.h>

#include "base/err.h"
#include "store/rows.h"

/* X(name, file, row, keys, limit): the first `keys` fields are the primary key;
 * 0: the store gives the number. `limit`: rows that may be kept. */
#define DB_TABLES(X)                                                           \
	X(devices, STATE, device_row, 1, STORE_DEVICES_MAX)                    \
	X(jobs, STATE, job_row, 1, STORE_JOBS_OPEN_MAX)                        \
	X(ledger, STATE, ledger_row, 0, 0)                                     \
	X(history, STATE, history_row, 0, 0)                                   \
	X(outbox, STATE, outbox_row, 0, 0)                                     \
	X(vendors, STATE, vendor_row, 1, STORE_VENDORS_MAX)                    \
	X(catalog_floors, TRUST, catalog_floor_row, 1, STORE_VENDORS_MAX)      \
	X(class_floors, TRUST, class_floor_row, 5, STORE_CLASS_FLOORS_MAX)     \
	X(device_floors, TRUST, device_floor_row, 3, STORE_TRUST_ROWS_MAX)     \
	X(time_bounds, TRUST, time_bound_row, 1, STORE_VENDORS_MAX)            \
	X(roots, TRUST, root_row, 1, STORE_VENDORS_MAX)                        \
	X(authorities, TRUST, authority_row, 2, STORE_AUTHORITIES_MAX)         \
	X(revocations, TRUST, revocation_row, 3, STORE_TRUST_ROWS_MAX)         \
	X(pins, TRUST, pin_row, 3, STORE_TRUST_ROWS_MAX)                       \
	X(evidence_floors, TRUST, evidence_floor_row, 3, STORE_TRUST_ROWS_MAX)

enum db_which { DB_TRUST, DB_STATE };

enum db_table_id {
#define DB_TABLE_ENUM(name, file, row, keys, limit) DB_##name,
	DB_TABLES(DB_TABLE_ENUM)
#undef DB_TABLE_ENUM
		DB_TABLE_COUNT,
};

enum db_kind {
	DB_TEXT,  /* char[size] */
	DB_INT,	  /* int, and enums */
	DB_INT64, /* int64_t */
	DB_ID,	  /* uint64_t below 2^63, an INTEGER */
	DB_U64,	  /* uint64_t, 8 bytes big-endian, so that order is kept */
	DB_BOOL,
	DB_BLOB, /* uint8_t[size], always whole */
	DB_HASH, /* uint8_t[size] and a uint8_t length */
	DB_BODY, /* uint8_t[size] and a uint16_t length */
};

struct db_field {
	const char *column;
	enum db_kind kind;
	size_t at;
	size_t size;
	size_t len_at; /* DB_HASH, DB_BODY */
};

struct db_table {
	const char *name;
	enum db_which which;
	const struct db_field *fields;
	size_t count;
	size_t row_size;
	size_t keys;
	uint64_t limit;
};

const struct db_table *db_table(enum db_table_id id);

/* Is the row fit to be stored: texts closed, lengths within their arrays, keys
 * not empty, steps and tiers in range? 0 or ERR_STORE_ROW. */
int db_row_check(enum db_table_id id, const void *row);

/* Binds the fields as parameters 1... in order. An append (keys == 0) binds
 * NULL for the first, so that SQLite gives the number. 0 or an error. */
int db_row_bind(sqlite3_stmt *stmt, enum db_table_id id, const void *row);

/* Reads the columns of a row selected with DB_COLUMNS into `row`. `fault` may
 * be NULL. 0 or ERR_STORE_DAMAGED. */
int db_row_read(sqlite3_stmt *stmt, enum db_table_id id, void *row,
	struct fault *fault);

/* Where the U64 `value` is bound or read by hand. */
int db_bind_u64(sqlite3_stmt *stmt, int at, uint64_t value);
int db_read_u64(sqlite3_stmt *stmt, int at, uint64_t *ret);

#endif

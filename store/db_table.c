#include "store/db_table.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "store/db.h"

#define SIZE_OF(row, member) sizeof(((struct row *)0)->member)
#define PLAIN(kind, row, member)                                               \
	{                                                                      \
#member, kind, offsetof(struct row, member),                   \
			SIZE_OF(row, member), 0                                \
	}
#define NAMED(kind, row, member, column)                                       \
	{                                                                      \
		column, kind, offsetof(struct row, member),                    \
			SIZE_OF(row, member), 0                                \
	}
#define SIZED(kind, row, member, length)                                       \
	{                                                                      \
#member, kind, offsetof(struct row, member),                   \
			SIZE_OF(row, member), offsetof(struct row, length)     \
	}

static const struct db_field devices_fields[] = {
	PLAIN(DB_TEXT, device_row, id),
	PLAIN(DB_TEXT, device_row, vendor),
	PLAIN(DB_TEXT, device_row, class_name),
	PLAIN(DB_TEXT, device_row, link),
	PLAIN(DB_TEXT, device_row, peer),
	PLAIN(DB_INT64, device_row, enrolled_ms),
	PLAIN(DB_TEXT, device_row, enrolled_by),
	PLAIN(DB_TEXT, device_row, hw_revision),
	PLAIN(DB_TEXT, device_row, version),
	SIZED(DB_HASH, device_row, hash, hash_len),
	PLAIN(DB_BOOL, device_row, confirmed),
	PLAIN(DB_INT64, device_row, read_ms),
	PLAIN(DB_INT64, device_row, end_of_support_ms),
	PLAIN(DB_TEXT, device_row, note),
	PLAIN(DB_INT, device_row, recalled_code),
	PLAIN(DB_INT64, device_row, recalled_ms),
	PLAIN(DB_TEXT, device_row, recalled_reason),
	PLAIN(DB_BLOB, device_row, recalled_manifest),
	SIZED(DB_BODY, device_row, attributes, attributes_len),
	PLAIN(DB_INT64, device_row, heard_ms),
	PLAIN(DB_BOOL, device_row, on_trust),
};

static const struct db_field jobs_fields[] = {
	PLAIN(DB_ID, job_row, id),
	PLAIN(DB_TEXT, job_row, device),
	PLAIN(DB_TEXT, job_row, vendor),
	PLAIN(DB_TEXT, job_row, class_name),
	PLAIN(DB_TEXT, job_row, component),
	PLAIN(DB_TEXT, job_row, state),
	PLAIN(DB_BOOL, job_row, closed),
	PLAIN(DB_BOOL, job_row, paused),
	PLAIN(DB_BLOB, job_row, manifest_digest),
	PLAIN(DB_BLOB, job_row, envelope_digest),
	PLAIN(DB_BLOB, job_row, payload_digest),
	PLAIN(DB_U64, job_row, payload_len),
	PLAIN(DB_U64, job_row, sequence),
	PLAIN(DB_TEXT, job_row, from_version),
	PLAIN(DB_TEXT, job_row, to_version),
	PLAIN(DB_INT, job_row, attempts),
	PLAIN(DB_INT64, job_row, created_ms),
	PLAIN(DB_INT64, job_row, updated_ms),
	PLAIN(DB_INT64, job_row, next_retry_ms),
	PLAIN(DB_TEXT, job_row, approval),
	PLAIN(DB_TEXT, job_row, approved_by),
	NAMED(DB_INT, job_row, failure.code, "failure_code"),
	NAMED(DB_INT, job_row, failure.step, "failure_step"),
	NAMED(DB_U64, job_row, failure.offset, "failure_offset"),
	NAMED(DB_TEXT, job_row, failure.device_status, "failure_device_status"),
	NAMED(DB_TEXT, job_row, failure.hint, "failure_hint"),
	PLAIN(DB_TEXT, job_row, expect),
	SIZED(DB_HASH, job_row, staged_hash, staged_len),
};

static const struct db_field ledger_fields[] = {
	PLAIN(DB_ID, ledger_row, id),
	PLAIN(DB_ID, ledger_row, job),
	PLAIN(DB_TEXT, ledger_row, device),
	PLAIN(DB_INT, ledger_row, step),
	PLAIN(DB_INT64, ledger_row, at_ms),
	PLAIN(DB_INT, ledger_row, tier),
	PLAIN(DB_TEXT, ledger_row, outcome),
	PLAIN(DB_TEXT, ledger_row, evidence),
};

static const struct db_field history_fields[] = {
	PLAIN(DB_ID, history_row, id),
	PLAIN(DB_INT64, history_row, at_ms),
	PLAIN(DB_TEXT, history_row, kind),
	PLAIN(DB_TEXT, history_row, vendor),
	PLAIN(DB_TEXT, history_row, device),
	PLAIN(DB_ID, history_row, job),
	PLAIN(DB_TEXT, history_row, who),
	PLAIN(DB_TEXT, history_row, detail),
};

static const struct db_field outbox_fields[] = {
	PLAIN(DB_ID, outbox_row, seq),
	PLAIN(DB_TEXT, outbox_row, vendor),
	PLAIN(DB_INT64, outbox_row, at_ms),
	SIZED(DB_BODY, outbox_row, body, body_len),
};

static const struct db_field vendors_fields[] = {
	PLAIN(DB_TEXT, vendor_row, name),
	PLAIN(DB_TEXT, vendor_row, catalog_etag),
	PLAIN(DB_INT64, vendor_row, checked_ms),
	PLAIN(DB_INT64, vendor_row, succeeded_ms),
	PLAIN(DB_INT, vendor_row, failures),
	PLAIN(DB_INT, vendor_row, last_error),
	PLAIN(DB_BLOB, vendor_row, pseudonym_key),
};

static const struct db_field catalog_floors_fields[] = {
	PLAIN(DB_TEXT, catalog_floor_row, vendor),
	PLAIN(DB_U64, catalog_floor_row, epoch),
	PLAIN(DB_U64, catalog_floor_row, sequence),
	PLAIN(DB_BLOB, catalog_floor_row, digest),
};

static const struct db_field class_floors_fields[] = {
	PLAIN(DB_TEXT, class_floor_row, vendor),
	PLAIN(DB_BLOB, class_floor_row, class_id),
	PLAIN(DB_TEXT, class_floor_row, component),
	PLAIN(DB_U64, class_floor_row, hw_min),
	PLAIN(DB_U64, class_floor_row, hw_max),
	PLAIN(DB_U64, class_floor_row, sequence),
};

static const struct db_field device_floors_fields[] = {
	PLAIN(DB_TEXT, device_floor_row, vendor),
	PLAIN(DB_TEXT, device_floor_row, device),
	PLAIN(DB_TEXT, device_floor_row, component),
	PLAIN(DB_U64, device_floor_row, sequence),
	PLAIN(DB_BOOL, device_floor_row, lowered),
};

static const struct db_field time_bounds_fields[] = {
	PLAIN(DB_TEXT, time_bound_row, vendor),
	PLAIN(DB_INT64, time_bound_row, time_ms),
};

static const struct db_field roots_fields[] = {
	PLAIN(DB_TEXT, root_row, vendor),
	PLAIN(DB_U64, root_row, version),
	PLAIN(DB_U64, root_row, epoch),
	PLAIN(DB_BLOB, root_row, digest),
	PLAIN(DB_BLOB, root_row, first_digest),
};

static const struct db_field authorities_fields[] = {
	PLAIN(DB_BLOB, authority_row, class_id),
	PLAIN(DB_U64, authority_row, place),
	PLAIN(DB_TEXT, authority_row, vendor),
	PLAIN(DB_BLOB, authority_row, first_digest),
	NAMED(DB_TEXT, authority_row, by, "by_vendor"),
	PLAIN(DB_U64, authority_row, by_version),
	PLAIN(DB_BOOL, authority_row, cleared),
	PLAIN(DB_INT64, authority_row, at_ms),
};

static const struct db_field revocations_fields[] = {
	PLAIN(DB_TEXT, revocation_row, vendor),
	PLAIN(DB_TEXT, revocation_row, what),
	SIZED(DB_HASH, revocation_row, id, id_len),
	PLAIN(DB_INT64, revocation_row, at_ms),
	PLAIN(DB_TEXT, revocation_row, reason),
};

static const struct db_field pins_fields[] = {
	PLAIN(DB_TEXT, pin_row, vendor),
	PLAIN(DB_TEXT, pin_row, what),
	PLAIN(DB_TEXT, pin_row, name),
	PLAIN(DB_BLOB, pin_row, digest),
	PLAIN(DB_U64, pin_row, number),
};

static const struct db_field evidence_floors_fields[] = {
	PLAIN(DB_TEXT, evidence_floor_row, vendor),
	PLAIN(DB_TEXT, evidence_floor_row, what),
	PLAIN(DB_BLOB, evidence_floor_row, id),
	PLAIN(DB_BLOB, evidence_floor_row, number),
};

static const struct db_table tables[] = {
#define DB_TABLE_ROW(name, file, row, keys, limit)                             \
	{#name, DB_##file, name##_fields,                                      \
		sizeof(name##_fields) / sizeof(name##_fields[0]),              \
		sizeof(struct row), keys, limit},
	DB_TABLES(DB_TABLE_ROW)
#undef DB_TABLE_ROW
};

const struct db_table *db_table(enum db_table_id id)
{
	return &tables[id];
}

static size_t length_of(const struct db_field *f, const char *row)
{
	uint16_t body_len;

	if (f->kind == DB_HASH)
		return *(const uint8_t *)(row + f->len_at);
	memcpy(&body_len, row + f->len_at, sizeof(body_len));
	return body_len;
}

static bool field_is_fit(const struct db_field *f, const char *row, bool key)
{
	const char *at = row + f->at;
	uint64_t id;

	switch (f->kind) {
	case DB_TEXT:
		return memchr(at, '\0', f->size) && (!key || *at);
	case DB_ID:
		memcpy(&id, at, sizeof(id));
		return id <= INT64_MAX && (!key || id > 0);
	case DB_HASH:
	case DB_BODY:
		return length_of(f, row) <= f->size &&
		       (!key || length_of(f, row) > 0);
	case DB_BLOB:
	case DB_INT:
	case DB_INT64:
	case DB_U64:
	case DB_BOOL:
		return true;
	}
	return false;
}

static bool step_is_fit(const struct ledger_row *row)
{
	return row->step >= 0 && row->step <= 13 &&
	       (int)row->tier >= LEDGER_TIER_NONE && row->tier <= LEDGER_TIER_3;
}

/* A component may be unnamed, and so may nothing else that is a key. */
static bool must_be_named(const struct db_table *t, size_t i)
{
	return i < t->keys && strcmp(t->fields[i].column, "component") != 0;
}

int db_row_check(enum db_table_id id, const void *row)
{
	const struct db_table *t = &tables[id];

	for (size_t i = 0; i < t->count; i++)
		if (!field_is_fit(&t->fields[i], row, must_be_named(t, i)))
			return ERR_STORE_ROW;
	if (id == DB_ledger && !step_is_fit(row))
		return ERR_STORE_ROW;
	if (id == DB_class_floors) {
		const struct class_floor_row *floor = row;

		if (floor->hw_min > floor->hw_max)
			return ERR_STORE_ROW;
	}
	return 0;
}

int db_bind_u64(sqlite3_stmt *stmt, int at, uint64_t value)
{
	uint8_t raw[8];

	put_be32(raw, (uint32_t)(value >> 32));
	put_be32(raw + 4, (uint32_t)value);
	return sqlite3_bind_blob(stmt, at, raw, sizeof(raw), SQLITE_TRANSIENT);
}

int db_read_u64(sqlite3_stmt *stmt, int at, uint64_t *ret)
{
	const uint8_t *raw;

	if (sqlite3_column_type(stmt, at) != SQLITE_BLOB)
		return ERR_STORE_DAMAGED;
	raw = sqlite3_column_blob(stmt, at);
	if (!raw || sqlite3_column_bytes(stmt, at) != 8)
		return ERR_STORE_DAMAGED;
	*ret = get_be64(raw);
	return 0;
}

static int bind_blob(sqlite3_stmt *stmt, int at, const void *from, size_t len)
{
	if (len == 0)
		return sqlite3_bind_zeroblob(stmt, at, 0);
	return sqlite3_bind_blob(stmt, at, from, (int)len, SQLITE_STATIC);
}

static int field_bind(
	sqlite3_stmt *stmt, int at, const struct db_field *f, const char *row)
{
	const char *from = row + f->at;
	int64_t wide;
	uint64_t raw;
	int number;

	switch (f->kind) {
	case DB_TEXT:
		return sqlite3_bind_text(stmt, at, from, -1, SQLITE_STATIC);
	case DB_INT:
		memcpy(&number, from, sizeof(number));
		return sqlite3_bind_int(stmt, at, number);
	case DB_INT64:
	case DB_ID:
		memcpy(&wide, from, sizeof(wide));
		return sqlite3_bind_int64(stmt, at, wide);
	case DB_U64:
		memcpy(&raw, from, sizeof(raw));
		return db_bind_u64(stmt, at, raw);
	case DB_BOOL:
		return sqlite3_bind_int(stmt, at, *(const bool *)from);
	case DB_BLOB:
		return bind_blob(stmt, at, from, f->size);
	case DB_HASH:
	case DB_BODY:
		return bind_blob(stmt, at, from, length_of(f, row));
	}
	return SQLITE_MISUSE;
}

int db_row_bind(sqlite3_stmt *stmt, enum db_table_id id, const void *row)
{
	const struct db_table *t = &tables[id];
	size_t i = 0;
	int rc = SQLITE_OK;

	if (t->keys == 0) {
		rc = sqlite3_bind_null(stmt, 1);
		i = 1;
	}
	for (; i < t->count && rc == SQLITE_OK; i++)
		rc = field_bind(stmt, (int)i + 1, &t->fields[i], row);
	return rc == SQLITE_OK ? 0 : ERR_STORE_SQL;
}

static bool read_text(sqlite3_stmt *stmt, int at, char *to, size_t size)
{
	const unsigned char *text;
	size_t len;

	if (sqlite3_column_type(stmt, at) != SQLITE_TEXT)
		return false;
	text = sqlite3_column_text(stmt, at);
	len = (size_t)sqlite3_column_bytes(stmt, at);
	if (!text || len >= size || memchr(text, '\0', len))
		return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool read_blob(
	sqlite3_stmt *stmt, int at, const struct db_field *f, char *row)
{
	const void *blob;
	uint16_t body_len;
	size_t len;

	if (sqlite3_column_type(stmt, at) != SQLITE_BLOB)
		return false;
	blob = sqlite3_column_blob(stmt, at);
	len = (size_t)sqlite3_column_bytes(stmt, at);
	if (len > f->size || (f->kind == DB_BLOB && len != f->size))
		return false;
	if (blob && len)
		memcpy(row + f->at, blob, len);
	if (f->kind == DB_HASH)
		*(uint8_t *)(row + f->len_at) = (uint8_t)len;
	body_len = (uint16_t)len;
	if (f->kind == DB_BODY)
		memcpy(row + f->len_at, &body_len, sizeof(body_len));
	return true;
}

static bool read_number(
	sqlite3_stmt *stmt, int at, const struct db_field *f, char *row)
{
	int64_t wide;
	int number;

	if (sqlite3_column_type(stmt, at) != SQLITE_INTEGER)
		return false;
	wide = sqlite3_column_int64(stmt, at);
	if (f->kind == DB_BOOL) {
		*(bool *)(row + f->at) = wide == 1;
		return wide == 0 || wide == 1;
	}
	if (f->kind == DB_INT) {
		number = (int)wide;
		memcpy(row + f->at, &number, sizeof(number));
		return number == wide;
	}
	memcpy(row + f->at, &wide, sizeof(wide));
	return f->kind != DB_ID || wide >= 0;
}

static bool field_read(
	sqlite3_stmt *stmt, int at, const struct db_field *f, char *row)
{
	uint64_t raw;

	switch (f->kind) {
	case DB_TEXT:
		return read_text(stmt, at, row + f->at, f->size);
	case DB_INT:
	case DB_INT64:
	case DB_ID:
	case DB_BOOL:
		return read_number(stmt, at, f, row);
	case DB_U64:
		if (db_read_u64(stmt, at, &raw) < 0)
			return false;
		memcpy(row + f->at, &raw, sizeof(raw));
		return true;
	case DB_BLOB:
	case DB_HASH:
	case DB_BODY:
		return read_blob(stmt, at, f, row);
	}
	return false;
}

int db_row_read(
	sqlite3_stmt *stmt, enum db_table_id id, void *row, struct fault *fault)
{
	const struct db_table *t = &tables[id];
	char field[64];
	size_t i;

	memset(row, 0, t->row_size);
	for (i = 0; i < t->count; i++)
		if (!field_read(stmt, (int)i, &t->fields[i], row))
			break;
	if (i == t->count && db_row_check(id, row) == 0)
		return 0;
	snprintf(field, sizeof(field), "%s.%s", t->name,
		i < t->count ? t->fields[i].column : "*");
	return fault_set(fault, ERR_STORE_DAMAGED, 0, field,
		i < t->count ? "has the wrong type or length"
			     : "breaks a rule of its table");
}

/* Database files that somebody else wrote: whole to SQLite, wrong to us. */
#include "tests/unit/store/store_test.h"

#include "store/db_file.h"

static void on_loaded(void *arg, int status, const struct store_loaded *loaded)
{
	struct test_answer *a = arg;

	ck_assert_int_eq(loaded != NULL, status == 0);
	a->fault = *store_last_fault(test_store);
	on_test_answer(arg, status);
}

static struct test_answer load(void)
{
	struct test_answer a = {0};

	ck_assert_int_eq(store_load_all(test_store, on_loaded, &a), 0);
	test_wait(&a);
	return a;
}

/* One device with one job and a floor, then `sql` in one of the files. */
static void write_as_other(enum db_which which, const char *sql)
{
	struct store_commit *c = store_commit_new();
	struct device_row device = test_device("d1");
	struct job_row job = test_job(1, "d1");
	struct class_floor_row floor = {
		.vendor = "acme", .component = "main", .sequence = 5};
	struct root_row root = {.vendor = "acme", .version = 1};
	struct fault fault = {0};
	struct db_file f;

	ck_assert_int_eq(test_open().status, 0);
	store_commit_device(c, &device);
	store_commit_job(c, &job);
	store_commit_class_floor(c, &floor);
	store_commit_root(c, &root, bytes_of_text("root"));
	ck_assert_int_eq(test_commit(c), 0);
	test_close();
	ck_assert_int_eq(db_file_open(&f, test_dir, which, &fault), 1);
	sqlite3_db_config(f.sql, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	ck_assert_msg(
		db_exec(&f, sql) == 0, "%s: %s", sql, sqlite3_errmsg(f.sql));
	db_file_close(&f);
}

static const struct hostile {
	const char *name;
	enum db_which which;
	const char *sql;
	const char *field;
} rows[] = {
	{"text too long", DB_STATE,
		"UPDATE devices SET note=printf('%0300d',1)", "devices.note"},
	{"text of a megabyte", DB_STATE,
		"UPDATE devices SET note=printf('%0999000d',1)",
		"devices.note"},
	{"text with NUL", DB_STATE, "UPDATE devices SET peer='a'||char(0)||'b'",
		"devices.peer"},
	{"empty key", DB_STATE, "UPDATE devices SET id=''", "devices.*"},
	{"hash too long", DB_STATE, "UPDATE devices SET hash=zeroblob(65)",
		"devices.hash"},
	{"flag of 2", DB_STATE, "UPDATE devices SET confirmed=2",
		"devices.confirmed"},
	{"digest too short", DB_STATE,
		"UPDATE jobs SET payload_digest=zeroblob(31)",
		"jobs.payload_digest"},
	{"number of 7 bytes", DB_STATE,
		"UPDATE jobs SET payload_len=zeroblob(7)", "jobs.payload_len"},
	{"int of 64 bits", DB_STATE, "UPDATE jobs SET attempts=1<<40",
		"jobs.attempts"},
	{"negative id", DB_STATE, "UPDATE jobs SET id=-1", "jobs.id"},
	{"last id", DB_STATE, "UPDATE jobs SET id=9223372036854775807",
		"jobs.id"},
	{"floor too long", DB_TRUST,
		"UPDATE class_floors SET sequence=zeroblob(9)",
		"class_floors.sequence"},
	{"range upside down", DB_TRUST,
		"UPDATE class_floors SET hw_min=x'0000000000000001'",
		"class_floors.*"},
	{"class id too short", DB_TRUST,
		"UPDATE class_floors SET class_id=x'00'",
		"class_floors.class_id"},
	{"root without bytes", DB_TRUST, "DELETE FROM root_bytes",
		"root_bytes.body"},
	{"root too long", DB_TRUST,
		"UPDATE root_bytes SET body=zeroblob(65537)",
		"root_bytes.body"},
	{"too many vendors", DB_STATE,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
		" WHERE i<65) INSERT INTO vendors(name) SELECT 'v'||i FROM n",
		"vendors"},
};

START_TEST(load_of_hostile_row_names_its_column)
{
	const struct hostile *row = &rows[_i];
	struct test_answer a;

	write_as_other(row->which, row->sql);
	ck_assert_int_eq(test_open().status, 0);
	a = load();
	ck_assert_msg(a.status == ERR_STORE_DAMAGED, "%s: %s", row->name,
		err_name(a.status));
	ck_assert_msg(strcmp(a.fault.field, row->field) == 0, "%s: %s: %s",
		row->name, a.fault.field, a.fault.rule);
	test_close();
}
END_TEST

static const struct foreign {
	const char *name;
	enum db_which which;
	const char *sql;
	int status; /* of the opening */
	enum store_trust trust;
} files[] = {
	{"state of the next major", DB_STATE, "PRAGMA user_version=2000",
		ERR_STORE_SCHEMA, STORE_TRUST_ABSENT},
	{"trust of the next major", DB_TRUST, "PRAGMA user_version=2000",
		ERR_STORE_SCHEMA, STORE_TRUST_ABSENT},
	{"state of the next minor", DB_STATE,
		"ALTER TABLE devices ADD COLUMN colour TEXT NOT NULL DEFAULT "
		"'';"
		"CREATE TABLE more(x INTEGER) STRICT;"
		"PRAGMA user_version=1099",
		0, STORE_TRUST_OK},
	{"trust of the next minor", DB_TRUST,
		"ALTER TABLE pins ADD COLUMN colour TEXT NOT NULL DEFAULT '';"
		"PRAGMA user_version=1099",
		0, STORE_TRUST_OK},
	{"state of another program", DB_STATE, "PRAGMA application_id=7",
		ERR_STORE_DAMAGED, STORE_TRUST_ABSENT},
	{"trust of another program", DB_TRUST, "PRAGMA application_id=7", 0,
		STORE_TRUST_DAMAGED},
	{"state without id", DB_STATE, "DELETE FROM meta", ERR_STORE_DAMAGED,
		STORE_TRUST_ABSENT},
	{"trust without id", DB_TRUST, "DELETE FROM meta", 0,
		STORE_TRUST_DAMAGED},
	{"trust with a short id", DB_TRUST, "UPDATE meta SET value=x'00'", 0,
		STORE_TRUST_DAMAGED},
	{"trust with another id", DB_TRUST,
		"UPDATE meta SET value=zeroblob(16)", 0, STORE_TRUST_OTHER},
};

START_TEST(open_of_foreign_file_is_judged)
{
	const struct foreign *row = &files[_i];
	struct test_answer a;

	write_as_other(row->which, row->sql);
	a = test_open();
	ck_assert_msg(a.status == row->status, "%s: %s: %s", row->name,
		a.fault.field, a.fault.rule);
	if (a.status == 0)
		ck_assert_msg(store_trust_state(test_store) == row->trust,
			"%s: %s", row->name,
			store_trust_text(store_trust_state(test_store)));
	else
		ck_assert_str_eq(a.fault.field, db_file_name(row->which));
	if (row->trust == STORE_TRUST_OK) {
		struct store_commit *c = store_commit_new();
		struct device_row device = test_device("d1");
		struct pin_row pin = {
			.vendor = "acme", .what = "crl", .name = "ca"};

		store_commit_device(c, &device);
		store_commit_pin(c, &pin);
		ck_assert_int_eq(test_commit(c), 0);
		ck_assert_int_eq(load().status, 0);
	}
	test_close();
}
END_TEST

/* Tables and columns of this minor that an older one did not have. */
START_TEST(schema_lacking_columns_is_completed)
{
	struct fault fault = {0};
	struct db_file f;
	int64_t there = 0;

	write_as_other(DB_STATE,
		"ALTER TABLE devices DROP COLUMN note;"
		"ALTER TABLE vendors DROP COLUMN pseudonym_key;"
		"DROP TABLE outbox");
	ck_assert_int_eq(db_file_open(&f, test_dir, DB_STATE, &fault), 1);
	ck_assert_int_eq(db_file_fill(&f, f.id), 0);
	ck_assert_int_eq(
		db_number(&f, "SELECT count(*) FROM devices WHERE note=''",
			&there),
		0);
	ck_assert_int_eq(there, 1);
	db_file_close(&f);
	ck_assert_int_eq(test_open().status, 0);
	ck_assert_int_eq(load().status, 0);
	test_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store.hostile");
	TCase *c = tcase_create("hostile");

	tcase_add_checked_fixture(c, test_setup, test_teardown);
	tcase_add_loop_test(c, load_of_hostile_row_names_its_column, 0,
		sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(c, open_of_foreign_file_is_judged, 0,
		sizeof(files) / sizeof(files[0]));
	tcase_add_test(c, schema_lacking_columns_is_completed);
	suite_add_tcase(s, c);
	return unit_run(s);
}

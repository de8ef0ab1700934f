/* Files that are absent, damaged or another's; backup and restore. */
#include "tests/unit/store/db_test.h"

/* ---- what may be wrong with the files ---- */

START_TEST(open_without_trust_file_is_locked_until_unlocked)
{
	struct store_commit *c = store_commit_new();
	struct device_row row = test_device("d2");
	struct history_filter all = {.job = 0};

	open_well();
	enrol("d1");
	ck_assert_int_eq(raise_class(5), 0);
	test_close();
	ck_assert_int_eq(unlink(test_path("trust.db")), 0);
	ck_assert_int_eq(test_open().status, 0);
	ck_assert_int_eq(store_trust_state(test_store), STORE_TRUST_ABSENT);
	ck_assert_int_eq(raise_class(6), ERR_STORE_LOCKED);
	store_commit_device(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_uint_eq(load().devices, 2);
	test_close();
	ck_assert_int_ne(access(test_path("trust.db"), F_OK), 0);
	ck_assert_int_eq(test_open().status, 0);
	unlock(0);
	ck_assert_int_eq(store_trust_state(test_store), STORE_TRUST_OK);
	ck_assert_int_eq(raise_class(6), 0);
	ck_assert_uint_eq(ask_history(&all, 5).count, 1);
	test_close();
	open_well();
	ck_assert_uint_eq(load().classes[0].sequence, 6);
	test_close();
}
END_TEST

START_TEST(open_with_trust_file_of_another_is_locked)
{
	char kept[PATH_MAX + 64];

	open_well();
	ck_assert_int_eq(raise_class(5), 0);
	test_close();
	snprintf(kept, sizeof(kept), "%s", test_path("kept"));
	ck_assert_int_eq(rename(test_path("trust.db"), kept), 0);
	ck_assert_int_eq(unlink(test_path("state.db")), 0);
	open_well();
	ck_assert_int_eq(raise_class(1), 0);
	test_close();
	ck_assert_int_eq(rename(kept, test_path("trust.db")), 0);
	ck_assert_int_eq(test_open().status, 0);
	ck_assert_int_eq(store_trust_state(test_store), STORE_TRUST_OTHER);
	ck_assert_uint_eq(load().class_count, 0);
	unlock(0);
	ck_assert_uint_eq(load().classes[0].sequence, 5);
	test_close();
	open_well();
	test_close();
}
END_TEST

START_TEST(open_without_state_file_is_locked_if_there_are_floors)
{
	open_well();
	test_close();
	ck_assert_int_eq(unlink(test_path("state.db")), 0);
	open_well();
	ck_assert_int_eq(raise_class(5), 0);
	test_close();
	ck_assert_int_eq(unlink(test_path("state.db")), 0);
	ck_assert_int_eq(test_open().status, 0);
	ck_assert_int_eq(store_trust_state(test_store), STORE_TRUST_OTHER);
	test_close();
}
END_TEST

static const struct damage {
	const char *name;
	const char *file;
	off_t at; /* the byte to flip; -1: garbage; -2: cut in half */
} damages[] = {
	{
		"garbage",
		"",
		-1,
	},
	{"cut in half", "", -2},
	{"magic", "", 3},
	{"page size", "", 16},
	{"schema page", "", 3000},
	{"second page", "", 4096 + 2000},
	{"last byte of a page", "", 2 * 4096 - 1},
};

static void damage_file(const char *file, const struct damage *d)
{
	struct stat st;

	ck_assert_int_eq(stat(test_path(file), &st), 0);
	if (d->at == -1)
		write_file(file, "garbage garbage garbage", 23);
	else if (d->at == -2)
		ck_assert_int_eq(truncate(test_path(file),
					 st.st_size / 2 / 4096 * 4096 + 100),
			0);
	else
		flip_byte(file, d->at);
}

START_TEST(open_with_damaged_trust_file_is_locked)
{
	const struct damage *d = &damages[_i];
	struct test_answer a;

	open_well();
	ck_assert_int_eq(raise_class(5), 0);
	test_close();
	damage_file("trust.db", d);
	a = test_open();
	ck_assert_msg(a.status == 0, "%s: %s", d->name, err_name(a.status));
	ck_assert_msg(store_trust_state(test_store) == STORE_TRUST_DAMAGED,
		"%s: %s", d->name,
		store_trust_text(store_trust_state(test_store)));
	ck_assert_int_eq(raise_class(5), ERR_STORE_LOCKED);
	unlock(0);
	ck_assert_int_eq(access(test_path("trust.db.damaged-77"), F_OK), 0);
	ck_assert_uint_eq(load().class_count, 0);
	test_close();
	open_well();
	test_close();
}
END_TEST

START_TEST(open_with_damaged_state_file_is_an_error)
{
	const struct damage *d = &damages[_i];
	struct seen s = {.devices = 0};
	struct test_answer a;
	struct stat before, after;

	open_well();
	enrol("d1");
	test_close();
	damage_file("state.db", d);
	ck_assert_int_eq(stat(test_path("state.db"), &before), 0);
	a = test_open();
	ck_assert_msg(a.status == ERR_STORE_DAMAGED, "%s: %s", d->name,
		err_name(a.status));
	ck_assert_str_eq(a.fault.field, "state.db");
	ck_assert_int_eq(store_load_all(test_store, on_loaded, &s), 0);
	test_close();
	ck_assert_int_eq(s.answer.status, ERR_STORE_DAMAGED);
	ck_assert_int_eq(stat(test_path("state.db"), &after), 0);
	ck_assert_int_eq(before.st_size, after.st_size);
}
END_TEST

START_TEST(open_twice_is_busy)
{
	struct test_answer a;
	struct store *first;

	open_well();
	first = test_store;
	a = test_open();
	ck_assert_int_eq(a.status, ERR_STORE_BUSY);
	test_close();
	test_store = first;
	test_close();
}
END_TEST

START_TEST(open_in_absent_folder_fails)
{
	struct test_answer a = test_open_in(test_path("nowhere"));

	ck_assert_int_lt(a.status, 0);
	ck_assert_int_ne(a.status, ERR_STORE_DAMAGED);
	test_close();
}
END_TEST

/* ---- backup ---- */

static void back_up(void)
{
	struct test_answer a = {0};

	ck_assert_int_eq(store_backup(test_store, test_path("backup"),
				 on_test_answer, &a),
		0);
	test_wait(&a);
	ck_assert_int_eq(a.status, 0);
}

START_TEST(restore_brings_state_back_and_never_lowers_trust)
{
	struct fault fault = {0};
	struct seen s;

	open_well();
	enrol("d1");
	ck_assert_int_eq(raise_class(5), 0);
	ck_assert_int_eq(put_root(1, 1, 'a'), 0);
	back_up();
	enrol("d2");
	ck_assert_int_eq(raise_class(9), 0);
	ck_assert_int_eq(put_root(2, 1, 'b'), 0);
	back_up();
	enrol("d3");
	ck_assert_int_eq(raise_class(11), 0);
	ck_assert_int_eq(store_restore(test_path("backup"), test_dir, &fault),
		ERR_STORE_BUSY);
	test_close();
	fault = (struct fault){0};
	ck_assert_msg(store_restore(test_path("backup"), test_dir, &fault) == 0,
		"%s %s", fault.field, fault.rule);
	open_well();
	s = load();
	ck_assert_uint_eq(s.devices, 2);
	ck_assert_uint_eq(s.classes[0].sequence, 11);
	ck_assert_str_eq(s.root_text, "root 2");
	test_close();
}
END_TEST

START_TEST(restore_raises_a_trust_file_that_is_behind)
{
	struct fault fault = {0};
	struct seen s;

	open_well();
	ck_assert_int_eq(raise_class(9), 0);
	ck_assert_int_eq(put_root(2, 1, 'b'), 0);
	back_up();
	test_close();
	ck_assert_int_eq(unlink(test_path("trust.db")), 0);
	ck_assert_int_eq(test_open().status, 0);
	unlock(0);
	ck_assert_int_eq(raise_class(1), 0);
	test_close();
	ck_assert_msg(store_restore(test_path("backup"), test_dir, &fault) == 0,
		"%s %s", fault.field, fault.rule);
	open_well();
	s = load();
	ck_assert_uint_eq(s.classes[0].sequence, 9);
	ck_assert_str_eq(s.root_text, "root 2");
	test_close();
}
END_TEST

START_TEST(restore_without_trust_file_stays_locked)
{
	struct fault fault = {0};

	open_well();
	enrol("d1");
	ck_assert_int_eq(raise_class(9), 0);
	back_up();
	test_close();
	ck_assert_int_eq(unlink(test_path("trust.db")), 0);
	ck_assert_int_eq(unlink(test_path("state.db")), 0);
	ck_assert_int_eq(
		store_restore(test_path("backup"), test_dir, &fault), 0);
	ck_assert_int_eq(test_open().status, 0);
	ck_assert_int_eq(store_trust_state(test_store), STORE_TRUST_OTHER);
	unlock(0);
	ck_assert_uint_eq(load().classes[0].sequence, 9);
	ck_assert_uint_eq(load().devices, 1);
	test_close();
}
END_TEST

START_TEST(restore_leaves_floors_of_an_old_epoch_out)
{
	struct store_commit *c = store_commit_new();
	struct fault fault = {0};

	open_well();
	ck_assert_int_eq(put_root(1, 1, 'a'), 0);
	ck_assert_int_eq(raise_class(UINT64_MAX), 0);
	back_up();
	store_commit_epoch(c, "acme", 2, 5);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_int_eq(raise_class(3), 0);
	test_close();
	ck_assert_int_eq(
		store_restore(test_path("backup"), test_dir, &fault), 0);
	open_well();
	ck_assert_uint_eq(load().classes[0].sequence, 3);
	test_close();
}
END_TEST

START_TEST(restore_of_damaged_copy_changes_nothing)
{
	struct fault fault = {0};

	open_well();
	enrol("d1");
	back_up();
	enrol("d2");
	test_close();
	flip_byte("backup/state.db", 5000);
	ck_assert_int_eq(store_restore(test_path("backup"), test_dir, &fault),
		ERR_STORE_DAMAGED);
	ck_assert_str_eq(fault.field, "state.db");
	open_well();
	ck_assert_uint_eq(load().devices, 2);
	test_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store.files");
	TCase *c = tcase_create("files");
	int n = sizeof(damages) / sizeof(damages[0]);

	tcase_add_checked_fixture(c, test_setup, test_teardown);
	tcase_add_test(c, open_without_trust_file_is_locked_until_unlocked);
	tcase_add_test(c, open_with_trust_file_of_another_is_locked);
	tcase_add_test(
		c, open_without_state_file_is_locked_if_there_are_floors);
	tcase_add_loop_test(c, open_with_damaged_trust_file_is_locked, 0, n);
	tcase_add_loop_test(c, open_with_damaged_state_file_is_an_error, 0, n);
	tcase_add_test(c, open_twice_is_busy);
	tcase_add_test(c, open_in_absent_folder_fails);
	tcase_add_test(c, restore_brings_state_back_and_never_lowers_trust);
	tcase_add_test(c, restore_raises_a_trust_file_that_is_behind);
	tcase_add_test(c, restore_without_trust_file_stays_locked);
	tcase_add_test(c, restore_leaves_floors_of_an_old_epoch_out);
	tcase_add_test(c, restore_of_damaged_copy_changes_nothing);
	suite_add_tcase(s, c);
	return unit_run(s);
}

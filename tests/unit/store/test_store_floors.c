/* What only rises: floors, roots, pins, the bound of time; and what lowers it. */
#include "tests/unit/store/db_test.h"

START_TEST(class_floor_only_rises)
{
	struct seen s;

	open_well();
	ck_assert_int_eq(raise_class(UINT64_MAX - 1), 0);
	ck_assert_int_eq(raise_class(7), 0);
	s = load();
	ck_assert_uint_eq(s.class_count, 1);
	ck_assert_uint_eq(s.classes[0].sequence, UINT64_MAX - 1);
	ck_assert_uint_eq(s.classes[0].hw_max, UINT64_MAX);
	ck_assert_int_eq(raise_class(UINT64_MAX), 0);
	ck_assert_uint_eq(load().classes[0].sequence, UINT64_MAX);
	test_close();
}
END_TEST

START_TEST(catalog_floor_rises_by_epoch_then_sequence)
{
	struct seen s;

	open_well();
	ck_assert_int_eq(raise_catalog(1, 9, 'a'), 0);
	ck_assert_int_eq(raise_catalog(1, 8, 'b'), 0);
	s = load();
	ck_assert_uint_eq(s.catalog.sequence, 9);
	ck_assert_int_eq(raise_catalog(2, 3, 'c'), 0);
	s = load();
	ck_assert_uint_eq(s.catalog.epoch, 2);
	ck_assert_uint_eq(s.catalog.sequence, 3);
	ck_assert_int_eq(raise_catalog(1, 99, 'd'), ERR_STORE_FLOOR);
	test_close();
}
END_TEST

START_TEST(catalog_floor_with_other_digest_is_a_conflict)
{
	open_well();
	ck_assert_int_eq(raise_catalog(1, 9, 'a'), 0);
	ck_assert_int_eq(raise_catalog(1, 9, 'a'), 0);
	ck_assert_int_eq(raise_catalog(1, 9, 'b'), ERR_STORE_CONFLICT);
	ck_assert_uint_eq(load().catalog.digest[0], 'a');
	test_close();
}
END_TEST

START_TEST(device_floor_lower_needs_leave_and_ends_with_a_rise)
{
	struct device_floor_row row = {.vendor = "acme",
		.device = "d1",
		.component = "main",
		.sequence = 9};
	struct store_commit *c = store_commit_new();
	struct seen s;

	open_well();
	store_commit_device_floor(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
	row.sequence = 4;
	c = store_commit_new();
	ck_assert_int_eq(store_commit_device_floor_lower(c, &row, false),
		ERR_STORE_FLOOR);
	store_commit_free(c);
	c = store_commit_new();
	store_commit_device_floor_lower(c, &row, true);
	ck_assert_int_eq(test_commit(c), 0);
	s = load();
	ck_assert_uint_eq(s.floor.sequence, 4);
	ck_assert(s.floor.lowered);
	c = store_commit_new();
	store_commit_device_floor(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert(load().floor.lowered);
	row.sequence = 5;
	c = store_commit_new();
	store_commit_device_floor(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
	s = load();
	ck_assert_uint_eq(s.floor.sequence, 5);
	ck_assert(!s.floor.lowered);
	test_close();
}
END_TEST

START_TEST(time_bound_only_rises)
{
	struct time_bound_row row = {.vendor = "acme", .time_ms = 1000};
	struct store_commit *c = store_commit_new();

	open_well();
	store_commit_time_bound(c, &row);
	row.time_ms = 999;
	store_commit_time_bound(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_int_eq(load().bound.time_ms, 1000);
	test_close();
}
END_TEST

START_TEST(root_only_rises_in_version_and_epoch)
{
	struct seen s;

	open_well();
	ck_assert_int_eq(put_root(3, 2, 'a'), 0);
	ck_assert_int_eq(put_root(3, 2, 'a'), 0);
	ck_assert_int_eq(put_root(3, 2, 'b'), ERR_STORE_CONFLICT);
	ck_assert_int_eq(put_root(2, 2, 'b'), ERR_STORE_FLOOR);
	ck_assert_int_eq(put_root(4, 1, 'b'), ERR_STORE_FLOOR);
	s = load();
	ck_assert_uint_eq(s.root.version, 3);
	ck_assert_str_eq(s.root_text, "root 3");
	ck_assert_int_eq(put_root(4, 2, 'b'), 0);
	s = load();
	ck_assert_uint_eq(s.roots, 1);
	ck_assert_str_eq(s.root_text, "root 4");
	test_close();
}
END_TEST

START_TEST(epoch_forgets_floors_once_and_keeps_revocations)
{
	struct revocation_row revoked = {.vendor = "acme",
		.what = "key",
		.id = "k",
		.id_len = 1,
		.at_ms = 5};
	struct pin_row pin = {
		.vendor = "acme", .what = "crl", .name = "ca", .number = 6};
	struct store_commit *c = store_commit_new();
	struct seen s;

	open_well();
	ck_assert_int_eq(raise_class(UINT64_MAX), 0);
	ck_assert_int_eq(raise_catalog(1, UINT64_MAX, 'a'), 0);
	store_commit_revocation(c, &revoked);
	store_commit_pin(c, &pin);
	ck_assert_int_eq(test_commit(c), 0);
	for (int i = 0; i < 2; i++) {
		c = store_commit_new();
		store_commit_epoch(c, "acme", 2, 50);
		ck_assert_int_eq(test_commit(c), 0);
		s = load();
		ck_assert_uint_eq(s.class_count, i);
		ck_assert_uint_eq(s.catalogs, i);
		ck_assert_int_eq(s.bound.time_ms, 50);
		ck_assert_uint_eq(s.revocations, 1);
		ck_assert_uint_eq(s.pins, 1);
		ck_assert_int_eq(raise_class(1), 0);
		ck_assert_int_eq(raise_catalog(2, 1, 'b'), 0);
	}
	ck_assert_int_eq(raise_catalog(1, 5, 'c'), ERR_STORE_FLOOR);
	test_close();
}
END_TEST

START_TEST(evidence_floor_only_rises)
{
	struct evidence_floor_row floor = {
		.vendor = "acme", .what = "crl", .id = {1}, .number = {[1] = 2}};
	struct store_commit *c = store_commit_new();

	open_well();
	store_commit_evidence_floor(c, &floor);
	/* Unsigned, and by the first octet that differs. */
	floor.number[1] = 1;
	floor.number[19] = 0xff;
	store_commit_evidence_floor(c, &floor);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_uint_eq(load().evidences, 1);
	ck_assert_uint_eq(load().evidence.number[1], 2);
	floor.number[0] = 0x80;
	c = store_commit_new();
	store_commit_evidence_floor(c, &floor);
	store_commit_epoch(c, "acme", 2, 50);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_uint_eq(load().evidence.number[0], 0x80);
	test_close();
}
END_TEST

START_TEST(pin_keeps_its_digest_and_raises_its_number)
{
	struct pin_row pin = {.vendor = "acme",
		.what = "crl",
		.name = "ca",
		.digest = {1},
		.number = 6};
	struct store_commit *c = store_commit_new();

	open_well();
	store_commit_pin(c, &pin);
	pin.number = 5;
	store_commit_pin(c, &pin);
	pin.number = 8;
	store_commit_pin(c, &pin);
	ck_assert_int_eq(test_commit(c), 0);
	pin.digest[0] = 2;
	c = store_commit_new();
	store_commit_pin(c, &pin);
	ck_assert_int_eq(test_commit(c), ERR_STORE_CONFLICT);
	ck_assert_uint_eq(load().pin.number, 8);
	test_close();
}
END_TEST

START_TEST(vendor_reset_needs_leave_and_forgets_the_root)
{
	struct store_commit *c = store_commit_new();

	open_well();
	ck_assert_int_eq(put_root(3, 2, 'a'), 0);
	ck_assert_int_eq(raise_class(5), 0);
	ck_assert_int_eq(
		store_commit_vendor_reset(c, "acme", false), ERR_STORE_FLOOR);
	store_commit_free(c);
	c = store_commit_new();
	store_commit_vendor_reset(c, "acme", true);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_uint_eq(load().roots, 0);
	ck_assert_uint_eq(load().class_count, 0);
	ck_assert_int_eq(put_root(1, 1, 'z'), 0);
	test_close();
}
END_TEST

struct roots_seen {
	struct test_answer answer;
	size_t count;
	uint64_t first, last;
	char text[64];
};

static void on_roots(
	void *arg, int status, const struct store_root *roots, size_t count)
{
	struct roots_seen *s = arg;

	on_test_answer(&s->answer, status);
	s->count = count;
	if (count == 0)
		return;
	s->first = roots[0].version;
	s->last = roots[count - 1].version;
	snprintf(s->text, sizeof(s->text), "%.*s", (int)roots[0].file.len,
		(const char *)roots[0].file.at);
}

static struct roots_seen ask_roots(const char *vendor, uint64_t from)
{
	struct roots_seen s = {.count = 0};

	ck_assert_int_eq(
		store_roots(test_store, vendor, from, on_roots, &s), 0);
	test_wait(&s.answer);
	ck_assert_int_eq(s.answer.status, 0);
	return s;
}

START_TEST(roots_are_all_kept_and_given_by_pages)
{
	struct roots_seen s;

	open_well();
	for (uint64_t v = 1; v <= 20; v++)
		ck_assert_int_eq(put_root(v, 1, (uint8_t)v), 0);
	s = ask_roots("acme", 2);
	ck_assert_uint_eq(s.count, STORE_ROOTS_PAGE);
	ck_assert_uint_eq(s.first, 2);
	ck_assert_str_eq(s.text, "root 2");
	s = ask_roots("acme", s.last + 1);
	ck_assert_uint_eq(s.count, 3);
	ck_assert_uint_eq(s.last, 20);
	ck_assert_uint_eq(ask_roots("other", 0).count, 0);
	test_close();
}
END_TEST

START_TEST(root_kept_of_a_lower_version_leaves_the_newest)
{
	struct store_commit *c = store_commit_new();

	open_well();
	ck_assert_int_eq(put_root(5, 1, 'e'), 0);
	store_commit_root_kept(c, "acme", 4, bytes_of_text("root 4"));
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_str_eq(load().root_text, "root 5");
	ck_assert_uint_eq(ask_roots("acme", 0).first, 4);
	c = store_commit_new();
	store_commit_root_prune(c, "acme", 5);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_uint_eq(ask_roots("acme", 0).first, 5);
	test_close();
}
END_TEST

START_TEST(roots_beyond_the_limit_are_not_kept_but_count)
{
	open_well();
	for (uint64_t v = 1; v <= STORE_ROOTS_KEPT_MAX + 2; v++)
		ck_assert_int_eq(put_root(v, 1, (uint8_t)v), 0);
	ck_assert_uint_eq(load().root.version, STORE_ROOTS_KEPT_MAX + 2);
	ck_assert_uint_eq(
		ask_roots("acme", STORE_ROOTS_KEPT_MAX).count, 1);
	test_close();
}
END_TEST

static int fill_class_floors(const char *vendor, uint64_t from, uint64_t count)
{
	struct store_commit *c = store_commit_new();

	for (uint64_t i = from; i < from + count; i++) {
		struct class_floor_row row = {.component = "main",
			.hw_min = i,
			.hw_max = i,
			.sequence = 1};

		snprintf(row.vendor, sizeof(row.vendor), "%s", vendor);
		store_commit_class_floor(c, &row);
	}
	return test_commit(c);
}

START_TEST(class_floors_of_one_vendor_have_a_share_that_starves_no_other)
{
	uint64_t at = 0;

	open_well();
	for (; at < STORE_CLASS_FLOORS_VENDOR_MAX; at += 1024)
		ck_assert_int_eq(fill_class_floors("evil", at, 1024), 0);
	ck_assert_int_eq(fill_class_floors("evil", at, 1), ERR_STORE_FULL);
	ck_assert_int_eq(fill_class_floors("evil", 0, 1), 0);
	ck_assert_int_eq(fill_class_floors("acme", 0, 2), 0);
	ck_assert_uint_eq(
		load().class_count, STORE_CLASS_FLOORS_VENDOR_MAX + 2);
	test_close();
}
END_TEST

static struct authority_row authority(const char *vendor, uint64_t place)
{
	struct authority_row row = {.class_id = {7}, .place = place};

	snprintf(row.vendor, sizeof(row.vendor), "%s", vendor);
	snprintf(row.by, sizeof(row.by), "%s", place ? "acme" : "");
	return row;
}

START_TEST(authority_moves_floors_and_revocations_and_leaves_the_old_ones)
{
	static const char devices[] = "lamp-1\0lamp-2";
	struct class_floor_row klass = {.vendor = "acme",
		.class_id = {7},
		.component = "main",
		.hw_max = UINT64_MAX,
		.sequence = 9};
	struct device_floor_row device = {
		.vendor = "acme", .device = "lamp-2", .sequence = 5};
	struct revocation_row revoked = {.vendor = "acme",
		.what = "certificate",
		.id = "k",
		.id_len = 1,
		.at_ms = 5};
	struct authority_row row = authority("heir", 1);
	struct store_commit *c = store_commit_new();
	struct seen s;

	open_well();
	store_commit_class_floor(c, &klass);
	klass.class_id[0] = 8; /* stays */
	store_commit_class_floor(c, &klass);
	store_commit_device_floor(c, &device);
	memcpy(device.device, "lock-1", 7); /* not of the class */
	store_commit_device_floor(c, &device);
	store_commit_revocation(c, &revoked);
	ck_assert_int_eq(test_commit(c), 0);
	c = store_commit_new();
	store_commit_authority(c, &row);
	store_commit_authority_move(c, &row,
		bytes_of((const uint8_t *)devices, sizeof(devices)));
	ck_assert_int_eq(test_commit(c), 0);
	s = load();
	ck_assert_uint_eq(s.class_count, 3);
	ck_assert_str_eq(s.classes[2].vendor, "heir");
	ck_assert_uint_eq(s.classes[2].class_id[0], 7);
	ck_assert_uint_eq(s.classes[2].sequence, 9);
	ck_assert_uint_eq(s.floors, 3);
	ck_assert_uint_eq(s.revocations, 2);
	ck_assert_uint_eq(s.authorities, 1);
	ck_assert_str_eq(s.authority.vendor, "heir");
	test_close();
}
END_TEST

START_TEST(authority_at_a_place_keeps_its_vendor_and_is_cleared_once)
{
	struct authority_row row = authority("heir", 3);
	struct store_commit *c = store_commit_new();

	open_well();
	store_commit_authority(c, &row);
	row.cleared = true;
	store_commit_authority(c, &row);
	row.cleared = false;
	store_commit_authority(c, &row);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert(load().authority.cleared);
	row = authority("thief", 3);
	c = store_commit_new();
	store_commit_authority(c, &row);
	ck_assert_int_eq(test_commit(c), ERR_STORE_CONFLICT);
	c = store_commit_new();
	store_commit_vendor_reset(c, "heir", true);
	ck_assert_int_eq(test_commit(c), 0);
	ck_assert_str_eq(load().authority.vendor, "heir");
	test_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store.floors");
	TCase *c = tcase_create("floors");

	tcase_add_checked_fixture(c, test_setup, test_teardown);
	tcase_add_test(c, class_floor_only_rises);
	tcase_add_test(c, catalog_floor_rises_by_epoch_then_sequence);
	tcase_add_test(c, catalog_floor_with_other_digest_is_a_conflict);
	tcase_add_test(c, device_floor_lower_needs_leave_and_ends_with_a_rise);
	tcase_add_test(c, time_bound_only_rises);
	tcase_add_test(c, root_only_rises_in_version_and_epoch);
	tcase_add_test(c, epoch_forgets_floors_once_and_keeps_revocations);
	tcase_add_test(c, evidence_floor_only_rises);
	tcase_add_test(c, pin_keeps_its_digest_and_raises_its_number);
	tcase_add_test(c, vendor_reset_needs_leave_and_forgets_the_root);
	tcase_add_test(c, roots_are_all_kept_and_given_by_pages);
	tcase_add_test(c, root_kept_of_a_lower_version_leaves_the_newest);
	tcase_add_test(c, roots_beyond_the_limit_are_not_kept_but_count);
	tcase_add_test(
		c, class_floors_of_one_vendor_have_a_share_that_starves_no_other);
	tcase_add_test(c,
		authority_moves_floors_and_revocations_and_leaves_the_old_ones);
	tcase_add_test(
		c, authority_at_a_place_keeps_its_vendor_and_is_cleared_once);
	suite_add_tcase(s, c);
	return unit_run(s);
}

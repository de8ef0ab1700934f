/* Which floor counts for whom, and what moves one. */
#include "gateway/daemon/floors.h"

#include "tests/unit/unit.h"

static struct floors floors;
static struct device_class lamp;
static struct device one;

static void setup(void)
{
	floors = (struct floors){0};
	lamp = (struct device_class){.vendor = "acme"};
	memset(lamp.class_id, 7, sizeof(lamp.class_id));
	one = (struct device){.id = "one", .hw_revision = "5"};
}

static void teardown(void)
{
	floors_done(&floors);
}

static int raise_class(const char *vendor, uint64_t hw_min, uint64_t hw_max,
	uint64_t sequence)
{
	struct class_floor_row row = {.hw_min = hw_min, .hw_max = hw_max,
		.sequence = sequence, .component = "app"};

	snprintf(row.vendor, sizeof(row.vendor), "%s", vendor);
	memcpy(row.class_id, lamp.class_id, sizeof(row.class_id));
	return floors_take_class(&floors, &row);
}

static int set_device(const char *vendor, uint64_t sequence, bool lowered)
{
	struct device_floor_row row = {.device = "one", .component = "app",
		.sequence = sequence, .lowered = lowered};

	snprintf(row.vendor, sizeof(row.vendor), "%s", vendor);
	return floors_take_device(&floors, &row);
}

static uint64_t floor_of_one(void)
{
	return floors_of_device(&floors, &one, &lamp, "app");
}

static uint64_t floor_of_range(bool has, uint64_t min, uint64_t max)
{
	struct catalog_entry e = {.has_hardware = has, .hardware_min = min,
		.hardware_max = max};

	return floors_of_entry(&floors, "acme", &lamp, "app", &e);
}

START_TEST(floors_of_device_without_rows_is_zero)
{
	ck_assert_uint_eq(floor_of_one(), 0);
}
END_TEST

START_TEST(floors_of_device_takes_the_highest_that_fits_its_hardware)
{
	ck_assert_int_eq(raise_class("acme", 0, 9, 4), 0);
	ck_assert_int_eq(raise_class("acme", 6, 9, 8), 0);
	ck_assert_int_eq(raise_class("other", 0, 9, 20), 0);
	ck_assert_uint_eq(floor_of_one(), 4);
	ck_assert_int_eq(set_device("acme", 6, false), 0);
	ck_assert_uint_eq(floor_of_one(), 6);
}
END_TEST

START_TEST(floors_of_device_of_unknown_hardware_counts_all_ranges)
{
	one.hw_revision[0] = '\0';
	ck_assert_int_eq(raise_class("acme", 0, 4, 4), 0);
	ck_assert_int_eq(raise_class("acme", 6, 9, 8), 0);
	ck_assert_uint_eq(floor_of_one(), 8);
}
END_TEST

START_TEST(floors_of_device_that_was_lowered_are_its_own_alone)
{
	raise_class("acme", 0, 9, 8);
	set_device("acme", 8, false);
	set_device("acme", 3, true);
	ck_assert(floors_is_lowered(&floors, "acme", "one", "app"));
	ck_assert_uint_eq(floor_of_one(), 3);
}
END_TEST

START_TEST(floors_take_device_of_the_same_sequence_leaves_the_mark)
{
	set_device("acme", 3, true);
	set_device("acme", 3, false);
	ck_assert(floors_is_lowered(&floors, "acme", "one", "app"));
	set_device("acme", 4, false);
	ck_assert(!floors_is_lowered(&floors, "acme", "one", "app"));
}
END_TEST

START_TEST(floors_take_class_never_falls)
{
	raise_class("acme", 0, 9, 8);
	raise_class("acme", 0, 9, 5);
	ck_assert_uint_eq(floor_of_one(), 8);
	ck_assert_uint_eq(floors.class_count, 1);
}
END_TEST

START_TEST(floors_take_class_beyond_the_share_of_a_vendor_is_refused)
{
	size_t share = (size_t)2 * STORE_CLASS_FLOORS_VENDOR_MAX;

	ck_assert_int_eq(raise_class("acme", 0, 0, 1), 0);
	floors.classes = realloc(floors.classes,
		share * sizeof(*floors.classes));
	ck_assert_ptr_nonnull(floors.classes);
	for (size_t i = 1; i < share; i++) {
		floors.classes[i] = floors.classes[0];
		floors.classes[i].hw_min = floors.classes[i].hw_max = i;
	}
	floors.class_count = share;
	ck_assert_int_eq(raise_class("acme", share, share, 1), ERR_STORE_FULL);
	/* What is there rises all the same, and others have their share. */
	ck_assert_int_eq(raise_class("acme", 0, 0, 2), 0);
	ck_assert_int_eq(raise_class("other", 0, 0, 1), 0);
}
END_TEST

START_TEST(floors_of_entry_counts_what_holds_for_its_whole_range)
{
	raise_class("acme", 2, 6, 4);
	ck_assert_uint_eq(floor_of_range(true, 3, 5), 4);
	ck_assert_uint_eq(floor_of_range(true, 3, 7), 0);
	ck_assert_uint_eq(floor_of_range(false, 0, 0), 0);
	raise_class("acme", 0, UINT64_MAX, 2);
	ck_assert_uint_eq(floor_of_range(false, 0, 0), 2);
}
END_TEST

static bool is_one(void *arg, const char *device)
{
	(void)arg;
	return !strcmp(device, "one");
}

static bool is_none(void *arg, const char *device)
{
	(void)arg;
	(void)device;
	return false;
}

START_TEST(floors_hand_over_makes_them_count_for_both)
{
	raise_class("acme", 0, 9, 4);
	set_device("acme", 6, false);
	floors_hand_over(&floors, "acme", "heir", lamp.class_id, is_one, NULL);
	ck_assert_uint_eq(floor_of_one(), 6);
	snprintf(lamp.vendor, sizeof(lamp.vendor), "heir");
	ck_assert_uint_eq(floor_of_one(), 6);
}
END_TEST

START_TEST(floors_hand_over_leaves_devices_that_do_not_go_along)
{
	raise_class("acme", 0, 9, 4);
	set_device("acme", 6, false);
	floors_hand_over(&floors, "acme", "heir", lamp.class_id, is_none,
		NULL);
	snprintf(lamp.vendor, sizeof(lamp.vendor), "heir");
	ck_assert_uint_eq(floor_of_one(), 4);
}
END_TEST

START_TEST(floors_hand_over_of_a_lowered_one_lowers_none_of_the_heir)
{
	set_device("heir", 9, false);
	set_device("acme", 3, true);
	floors_hand_over(&floors, "acme", "heir", lamp.class_id, is_one, NULL);
	ck_assert(!floors_is_lowered(&floors, "heir", "one", "app"));
}
END_TEST

START_TEST(floors_list_devices_names_those_that_go_along)
{
	struct buf names;

	buf_init(&names, 64);
	set_device("acme", 6, false);
	set_device("heir", 6, false);
	floors_list_devices(&floors, "acme", is_one, NULL, &names);
	ck_assert(bytes_equal(buf_bytes(&names), bytes_of("one", 4)));
	buf_reset(&names);
	floors_list_devices(&floors, "acme", is_none, NULL, &names);
	ck_assert_uint_eq(names.len, 0);
	buf_done(&names);
}
END_TEST

START_TEST(floors_forget_drops_those_of_one_vendor)
{
	raise_class("acme", 0, 9, 4);
	raise_class("other", 0, 9, 5);
	set_device("acme", 6, false);
	floors_forget(&floors, "acme");
	ck_assert_uint_eq(floor_of_one(), 0);
	snprintf(lamp.vendor, sizeof(lamp.vendor), "other");
	ck_assert_uint_eq(floor_of_one(), 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("floors");
	TCase *c = tcase_create("floors");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, floors_of_device_without_rows_is_zero);
	tcase_add_test(c,
		floors_of_device_takes_the_highest_that_fits_its_hardware);
	tcase_add_test(c,
		floors_of_device_of_unknown_hardware_counts_all_ranges);
	tcase_add_test(c, floors_of_device_that_was_lowered_are_its_own_alone);
	tcase_add_test(c,
		floors_take_device_of_the_same_sequence_leaves_the_mark);
	tcase_add_test(c, floors_take_class_never_falls);
	tcase_add_test(c,
		floors_take_class_beyond_the_share_of_a_vendor_is_refused);
	tcase_add_test(c, floors_of_entry_counts_what_holds_for_its_whole_range);
	tcase_add_test(c, floors_hand_over_makes_them_count_for_both);
	tcase_add_test(c, floors_hand_over_leaves_devices_that_do_not_go_along);
	tcase_add_test(c,
		floors_hand_over_of_a_lowered_one_lowers_none_of_the_heir);
	tcase_add_test(c, floors_list_devices_names_those_that_go_along);
	tcase_add_test(c, floors_forget_drops_those_of_one_vendor);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

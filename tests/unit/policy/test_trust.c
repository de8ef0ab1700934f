#include "tests/unit/unit.h"

#include "tests/unit/policy/maker.h"

#define Y2099 UINT64_C(4070908800)

static struct buf file;
static struct trust_vendor vendor;
static struct trust_clock clk;

static struct bytes root_of(const struct maker_root *maker)
{
	buf_reset(&file);
	maker_root_file(maker, &file);
	return buf_bytes(&file);
}

static struct bytes catalog_of(const struct maker_catalog *maker)
{
	buf_reset(&file);
	maker_catalog_file(maker, &file);
	return buf_bytes(&file);
}

static void setup(void)
{
	struct maker_root maker = maker_root_default();

	buf_init(&file, CATALOG_FILE_MAX);
	clk = (struct trust_clock){.build = MAKER_NOW - 10000, .boot = 10};
	ck_assert_int_eq(
		trust_open(&vendor, root_of(&maker), NULL, 0, &clk, NULL), 0);
	vendor.revocation = &maker_revocation_off;
}

static void teardown(void)
{
	trust_close(&vendor);
	buf_done(&file);
}

START_TEST(trust_add_catalog_raises_floor_and_time)
{
	struct maker_catalog maker = maker_catalog_default();

	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&maker), &clk, NULL, NULL), 0);
	ck_assert(vendor.changed);
	ck_assert_uint_eq(vendor.floor.catalog.sequence, 10);
	ck_assert_uint_eq(
		trust_time_value(&vendor.time, &clk), MAKER_NOW - 100);
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&maker), &clk, NULL, NULL),
		ERR_TRUST_CATALOG_TWIN);
}
END_TEST

START_TEST(trust_add_catalog_failure_keeps_the_one_before)
{
	struct maker_catalog maker = maker_catalog_default();

	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&maker), &clk, NULL, NULL), 0);
	maker.sequence = 9;
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&maker), &clk, NULL, NULL),
		ERR_TRUST_CATALOG_ROLLBACK);
	ck_assert_uint_eq(vendor.catalog->sequence, 10);
	ck_assert(!vendor.changed);
}
END_TEST

START_TEST(trust_state_frozen_catalog_expires_with_the_boot_clock)
{
	struct maker_catalog maker = maker_catalog_default();

	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&maker), &clk, NULL, NULL), 0);
	clk.boot += 86400 + 99;
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
	clk.boot += 1;
	ck_assert_int_eq(trust_state(&vendor, &clk), ERR_TRUST_CATALOG_EXPIRED);
}
END_TEST

START_TEST(trust_state_without_catalog_is_shut)
{
	ck_assert_int_eq(trust_state(&vendor, &clk), ERR_TRUST_CATALOG_EXPIRED);
}
END_TEST

START_TEST(trust_open_floor_above_the_root_waits_for_its_successors)
{
	struct maker_root maker = maker_root_default();
	struct maker_catalog catalog = maker_catalog_default();
	struct trust_floor floor;
	uint64_t bound;

	maker.version = 2;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert(vendor.changed);
	ck_assert_uint_eq(vendor.floor.root_version, 2);
	floor = vendor.floor;
	bound = trust_time_value(&vendor.time, &clk);
	trust_close(&vendor);
	maker = maker_root_default();
	ck_assert_int_eq(
		trust_open(&vendor, root_of(&maker), &floor, bound, &clk, NULL),
		0);
	vendor.revocation = &maker_revocation_off;
	ck_assert_int_eq(
		trust_ready(&vendor, &clk, NULL), ERR_TRUST_ROOT_BEHIND);
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&catalog), &clk, NULL, NULL),
		ERR_TRUST_ROOT_BEHIND);
	maker.version = 2;
	maker.expires++;
	ck_assert_int_eq(trust_add_root(&vendor, root_of(&maker), &clk, NULL),
		ERR_TRUST_ROOT_BEHIND);
	ck_assert_uint_eq(vendor.root->version, 1);
}
END_TEST

START_TEST(trust_add_root_current_file_again_changes_nothing)
{
	struct bytes same = bytes_of(vendor.root->file, vendor.root->file_len);

	ck_assert_int_eq(trust_add_root(&vendor, same, &clk, NULL), 0);
	ck_assert(!vendor.changed);
}
END_TEST

START_TEST(trust_add_root_revoked_catalog_key_drops_the_catalog)
{
	struct maker_catalog catalog = maker_catalog_default();
	struct maker_root maker = maker_root_default();

	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&catalog), &clk, NULL, NULL),
		0);
	maker.version = 2;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert_ptr_nonnull(vendor.catalog);
	maker.version = 3;
	maker.roles[1].entries[0].key = maker_key("catalog-new");
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert_ptr_null(vendor.catalog);
	ck_assert_int_eq(trust_state(&vendor, &clk), ERR_TRUST_CATALOG_EXPIRED);
}
END_TEST

/* Fast-forward: a catalog with the highest sequence and a signed time in 2099
 * would lock the vendor out; a root with a higher epoch is the repair. */
START_TEST(trust_add_root_higher_epoch_repairs_a_fast_forward)
{
	struct maker_catalog catalog = maker_catalog_default();
	struct maker_root maker = maker_root_default();

	catalog.sequence = UINT64_MAX;
	catalog.issued = Y2099;
	catalog.expires = Y2099 + 10;
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&catalog), &clk, NULL, NULL),
		0);
	ck_assert_int_eq(
		trust_ready(&vendor, &clk, NULL), ERR_TRUST_ROOT_EXPIRED);
	maker.version = 2;
	maker.epoch = 2;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert_ptr_null(vendor.catalog);
	ck_assert(!vendor.floor.catalog.set);
	ck_assert_int_eq(trust_ready(&vendor, &clk, NULL), 0);
	catalog = maker_catalog_default();
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&catalog), &clk, NULL, NULL),
		ERR_TRUST_CATALOG_EPOCH);
	catalog.epoch = 2;
	catalog.sequence = 1;
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&catalog), &clk, NULL, NULL),
		0);
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
}
END_TEST

/* A wrong synchronised clock stops everything while it is wrong and leaves no
 * trace. */
START_TEST(trust_state_clock_in_2099_recovers_when_mended)
{
	struct maker_catalog catalog = maker_catalog_default();

	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&catalog), &clk, NULL, NULL),
		0);
	clk.synchronised = true;
	clk.system = Y2099;
	ck_assert_int_eq(trust_state(&vendor, &clk), ERR_TRUST_ROOT_EXPIRED);
	ck_assert_uint_eq(
		trust_time_value(&vendor.time, &clk), MAKER_NOW - 100);
	clk.system = MAKER_NOW;
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
}
END_TEST

START_TEST(trust_add_catalog_clock_in_1970_unsynchronised_is_accepted)
{
	struct maker_catalog catalog = maker_catalog_default();

	clk.system = 0;
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&catalog), &clk, NULL, NULL),
		0);
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
}
END_TEST

START_TEST(trust_add_root_expired_one_on_the_way_is_passed)
{
	struct maker_root maker = maker_root_default();

	maker.version = 2;
	maker.issued = MAKER_NOW - 20000;
	maker.expires = MAKER_NOW - 15000;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert_int_eq(
		trust_ready(&vendor, &clk, NULL), ERR_TRUST_ROOT_EXPIRED);
	maker = maker_root_default();
	maker.version = 3;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert_int_eq(trust_ready(&vendor, &clk, NULL), 0);
}
END_TEST

START_TEST(trust_open_unsigned_root_is_refused)
{
	struct maker_root maker = maker_root_default();
	struct trust_vendor other;

	maker.signers[1] = NULL;
	ck_assert_int_eq(
		trust_open(&other, root_of(&maker), NULL, 0, &clk, NULL),
		ERR_TRUST_ROOT_THRESHOLD);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trust");
	TCase *tc = tcase_create("trust");

	maker_init();
	maker_root_default();
	maker_catalog_default();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, trust_add_catalog_raises_floor_and_time);
	tcase_add_test(tc, trust_add_catalog_failure_keeps_the_one_before);
	tcase_add_test(
		tc, trust_state_frozen_catalog_expires_with_the_boot_clock);
	tcase_add_test(tc, trust_state_without_catalog_is_shut);
	tcase_add_test(
		tc, trust_open_floor_above_the_root_waits_for_its_successors);
	tcase_add_test(tc, trust_add_root_current_file_again_changes_nothing);
	tcase_add_test(
		tc, trust_add_root_revoked_catalog_key_drops_the_catalog);
	tcase_add_test(tc, trust_add_root_higher_epoch_repairs_a_fast_forward);
	tcase_add_test(tc, trust_state_clock_in_2099_recovers_when_mended);
	tcase_add_test(
		tc, trust_add_catalog_clock_in_1970_unsynchronised_is_accepted);
	tcase_add_test(tc, trust_add_root_expired_one_on_the_way_is_passed);
	tcase_add_test(tc, trust_open_unsigned_root_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

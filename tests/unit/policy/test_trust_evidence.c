#include "tests/unit/unit.h"

#include "tests/unit/policy/maker.h"

/* A vendor whose catalog is signed by a certificate: what evidence about it, or
 * the lack of it, does to the facade. */
#define DAY UINT64_C(86400)

static struct maker_cert anchor, leaf;
static struct buf file;
static struct trust_vendor vendor;
static struct trust_clock clk;
static struct maker_catalog catalog;
static struct statement known[1];
static struct revocation_view view;
static struct revocation_needs needs;
static struct catalog_shipped shipped;

static void certs_make(void)
{
	anchor = (struct maker_cert){.subject = "CN=catalog anchor",
		.key = maker_key("catalog anchor"),
		.ca = true};
	maker_cert_make(&anchor);
	leaf = (struct maker_cert){.subject = "CN=catalog signer",
		.key = maker_key("catalog signer"),
		.issuer = &anchor};
	maker_cert_make(&leaf);
}

static struct bytes root_of(const struct maker_root *maker)
{
	buf_reset(&file);
	maker_root_file(maker, &file);
	return buf_bytes(&file);
}

static struct bytes catalog_file(void)
{
	buf_reset(&file);
	maker_catalog_file(&catalog, &file);
	return buf_bytes(&file);
}

static struct maker_root root_maker(void)
{
	struct maker_root maker = maker_root_default();

	maker.roles[1].entries[0] = (struct maker_entry){
		.cert = &anchor, .key = anchor.key};
	return maker;
}

static void setup(void)
{
	struct maker_root maker = root_maker();

	buf_init(&file, CATALOG_FILE_MAX);
	clk = (struct trust_clock){.build = MAKER_NOW - 10000, .boot = 10};
	ck_assert_int_eq(
		trust_open(&vendor, root_of(&maker), NULL, 0, &clk, NULL), 0);
	catalog = maker_catalog_default();
	catalog.signers[0] = leaf.key;
	catalog.chain[0] = &leaf;
	catalog.shipped = 2;
	known[0] = (struct statement){
		.kind = EVIDENCE_CRL,
		.this_update = MAKER_NOW - 50,
		.next_update = MAKER_NOW + DAY / 4,
	};
	ck_assert_int_eq(cert_id_of(maker_cert_der(&leaf),
				 maker_cert_der(&anchor), &known[0].id),
		0);
	view = (struct revocation_view){.statements = known};
	needs = (struct revocation_needs){0};
	vendor.revocation = &view;
	vendor.needs = &needs;
}

static void teardown(void)
{
	trust_close(&vendor);
	buf_done(&file);
}

static int add(struct fault *fault)
{
	return trust_add_catalog(
		&vendor, catalog_file(), &clk, &shipped, fault);
}

static void know(void)
{
	view.statement_count = 1;
}

START_TEST(trust_add_catalog_without_evidence_says_what_is_needed)
{
	struct fault fault = {0};

	ck_assert_int_eq(add(&fault), ERR_TRUST_REVOCATION_NONE);
	ck_assert_ptr_null(vendor.catalog);
	ck_assert_str_eq(fault.field, "catalog.signatures");
	ck_assert_ptr_nonnull(strstr(fault.rule, "CN=catalog signer"));
	ck_assert_uint_eq(needs.count, 1);
	ck_assert(cert_id_equal(&needs.of[0].id, &known[0].id));
	/* They point into the file, which is still there. */
	ck_assert(needs.of[0].certificate.at > file.at &&
		  needs.of[0].certificate.at < file.at + file.len);
	ck_assert(bytes_equal(
		needs.of[0].certificate, maker_cert_der(&leaf)));
	ck_assert_uint_eq(shipped.count, 2);
	ck_assert_int_eq(shipped.of[0].kind, EVIDENCE_CRL);
	ck_assert_int_eq(shipped.of[1].kind, EVIDENCE_OCSP);
	ck_assert_uint_eq(shipped.of[1].len, 1001);
	ck_assert_uint_eq(shipped.of[1].sha256[0], 1);
	ck_assert(!vendor.changed);
}
END_TEST

START_TEST(trust_add_catalog_of_a_stranger_ships_nothing)
{
	shipped.count = 7;
	catalog.signers[0] = maker_key("stranger");
	ck_assert_int_eq(add(NULL), ERR_TRUST_CATALOG_THRESHOLD);
	ck_assert_uint_eq(shipped.count, 0);
	ck_assert_uint_eq(needs.count, 0);
}
END_TEST

START_TEST(trust_add_catalog_that_is_wrong_otherwise_ships_nothing)
{
	catalog.epoch = 9;
	ck_assert_int_eq(add(NULL), ERR_TRUST_CATALOG_EPOCH);
	ck_assert_uint_eq(shipped.count, 0);
}
END_TEST

START_TEST(trust_add_catalog_with_evidence_learns_its_time)
{
	know();
	catalog.issued = MAKER_NOW - 5000;
	ck_assert_int_eq(add(NULL), 0);
	ck_assert_uint_eq(trust_now(&vendor.time, &clk).lower, MAKER_NOW - 50);
	ck_assert(vendor.changed);
	ck_assert_uint_eq(
		vendor.catalog->evidence_until, MAKER_NOW + DAY / 4);
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
}
END_TEST

START_TEST(trust_add_catalog_of_a_revoked_signer_is_refused)
{
	know();
	known[0].status = STATEMENT_REVOKED;
	ck_assert_int_eq(add(NULL), ERR_TRUST_REVOKED);
	ck_assert_ptr_null(vendor.catalog);
}
END_TEST

START_TEST(trust_state_evidence_that_runs_out_shuts)
{
	know();
	ck_assert_int_eq(add(NULL), 0);
	clk.boot += DAY / 2;
	ck_assert_int_eq(
		trust_state(&vendor, &clk), ERR_TRUST_REVOCATION_STALE);
	ck_assert_int_eq(trust_judge_again(&vendor, &clk, NULL),
		ERR_TRUST_REVOCATION_STALE);
	known[0].next_update += DAY;
	ck_assert_int_eq(trust_judge_again(&vendor, &clk, NULL), 0);
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
}
END_TEST

START_TEST(trust_judge_again_revoked_signer_shuts_and_keeps_the_catalog)
{
	struct fault fault = {0};

	know();
	ck_assert_int_eq(add(NULL), 0);
	known[0].status = STATEMENT_REVOKED;
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
	ck_assert_int_eq(
		trust_judge_again(&vendor, &clk, &fault), ERR_TRUST_REVOKED);
	ck_assert_int_eq(fault.code, ERR_TRUST_REVOKED);
	ck_assert_ptr_nonnull(vendor.catalog);
	ck_assert_int_eq(trust_state(&vendor, &clk), ERR_TRUST_REVOKED);
}
END_TEST

START_TEST(trust_judge_again_newer_evidence_teaches_the_time)
{
	know();
	ck_assert_int_eq(add(NULL), 0);
	known[0].this_update = MAKER_NOW + 40;
	ck_assert_int_eq(trust_judge_again(&vendor, &clk, NULL), 0);
	ck_assert(vendor.changed);
	ck_assert_uint_eq(trust_now(&vendor.time, &clk).lower, MAKER_NOW + 40);
	ck_assert_int_eq(trust_judge_again(&vendor, &clk, NULL), 0);
	ck_assert(!vendor.changed);
}
END_TEST

START_TEST(trust_judge_again_without_catalog_is_nothing)
{
	ck_assert_int_eq(trust_judge_again(&vendor, &clk, NULL), 0);
}
END_TEST

START_TEST(trust_learn_raises_the_bound_only)
{
	trust_note(&vendor, MAKER_NOW + 7);
	trust_note(&vendor, MAKER_NOW + 3);
	trust_learn(&vendor, &clk);
	ck_assert(vendor.changed);
	trust_note(&vendor, MAKER_NOW);
	trust_learn(&vendor, &clk);
	ck_assert(!vendor.changed);
	ck_assert_uint_eq(trust_now(&vendor.time, &clk).lower, MAKER_NOW + 7);
}
END_TEST

/* A new root of the same anchor keeps the catalog; the evidence about it is the
 * same. */
START_TEST(trust_add_root_keeps_a_catalog_whose_signer_is_good)
{
	struct maker_root maker = root_maker();

	know();
	ck_assert_int_eq(add(NULL), 0);
	maker.version = 2;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert_ptr_nonnull(vendor.catalog);
	known[0].status = STATEMENT_REVOKED;
	maker.version = 3;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&maker), &clk, NULL), 0);
	ck_assert_ptr_null(vendor.catalog);
}
END_TEST

/* The facade fills in root, catalog and time; what is known comes with the
 * request. */
START_TEST(trust_judge_judges_the_catalog_by_the_requests_view)
{
	struct offer_request request = {.revocation = &view};
	struct verdict verdict;

	know();
	ck_assert_int_eq(add(NULL), 0);
	trust_judge(&vendor, &clk, &request, &verdict, NULL);
	ck_assert_int_eq(verdict_find(&verdict, "catalog-revocation")->outcome,
		CHECK_PASS);
	ck_assert_ptr_eq(request.root, vendor.root);
	known[0].status = STATEMENT_REVOKED;
	trust_judge(&vendor, &clk, &request, &verdict, NULL);
	ck_assert_int_eq(verdict_find(&verdict, "catalog-revocation")->code,
		ERR_TRUST_REVOKED);
	ck_assert_int_eq(verdict_find(&verdict, "catalog-signature")->outcome,
		CHECK_PASS);
}
END_TEST

START_TEST(trust_open_knows_nothing_and_refuses)
{
	struct maker_root maker = root_maker();

	trust_close(&vendor);
	ck_assert_int_eq(
		trust_open(&vendor, root_of(&maker), NULL, 0, &clk, NULL), 0);
	ck_assert_int_eq(add(NULL), ERR_TRUST_REVOCATION_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trust_evidence");
	TCase *tc = tcase_create("trust_evidence");

	maker_init();
	tcase_add_unchecked_fixture(tc, certs_make, NULL);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(
		tc, trust_add_catalog_without_evidence_says_what_is_needed);
	tcase_add_test(tc, trust_add_catalog_of_a_stranger_ships_nothing);
	tcase_add_test(
		tc, trust_add_catalog_that_is_wrong_otherwise_ships_nothing);
	tcase_add_test(tc, trust_add_catalog_with_evidence_learns_its_time);
	tcase_add_test(tc, trust_add_catalog_of_a_revoked_signer_is_refused);
	tcase_add_test(tc, trust_state_evidence_that_runs_out_shuts);
	tcase_add_test(tc,
		trust_judge_again_revoked_signer_shuts_and_keeps_the_catalog);
	tcase_add_test(tc, trust_judge_again_newer_evidence_teaches_the_time);
	tcase_add_test(tc, trust_judge_again_without_catalog_is_nothing);
	tcase_add_test(tc, trust_learn_raises_the_bound_only);
	tcase_add_test(tc, trust_add_root_keeps_a_catalog_whose_signer_is_good);
	tcase_add_test(
		tc, trust_judge_judges_the_catalog_by_the_requests_view);
	tcase_add_test(tc, trust_open_knows_nothing_and_refuses);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "policy/trust/component.h"
#include "tests/unit/policy/maker.h"

/* One release from root to image, right in everything; each test changes one
 * thing and names the check that must refuse. */
struct world {
	struct maker_root root_maker;
	struct maker_catalog catalog_maker;
	struct maker_envelope envelope_maker;
	struct maker_offer offer; /* digest, length come from the envelope */
	bool no_offer;
	struct maker_offer twin; /* a second entry */
	bool has_twin;
	struct buf root_file, catalog_file, envelope_file;
	struct root *root;
	struct catalog *catalog;
	struct offer_payload payload;
	struct suit_slot slots[2];
	uint8_t ids[2][COMPONENT_LEN_MAX];
	struct offer_request request;
	struct verdict verdict;
	struct offer_plan plan;
};

static struct world w;
static const char image[] = "the image of the application";

static void slot_add(unsigned i, const char *text, uint32_t slot)
{
	size_t len = 0;

	component_from_text(text, w.ids[i], &len);
	w.slots[i] = (struct suit_slot){bytes_of(w.ids[i], len), slot};
	w.request.facts.slot_count = i + 1;
}

static void setup(void)
{
	memset(&w, 0, sizeof(w));
	w.root_maker = maker_root_default();
	w.catalog_maker = maker_catalog_default();
	w.payload.len = sizeof(image);
	crypto_sha256(bytes_of(image, sizeof(image)), w.payload.sha256);
	w.envelope_maker.sequence = 7;
	w.envelope_maker.size = sizeof(image);
	memcpy(w.envelope_maker.digest, w.payload.sha256, 32);
	w.offer.sequence = 7;
	w.offer.payload_len = sizeof(image);
	memcpy(w.offer.payload_sha256, w.payload.sha256, 32);
	w.request = (struct offer_request){
		.facts =
			{
				.vendor_id = bytes_of(maker_vendor_id, 16),
				.class_id = bytes_of(maker_class_id, 16),
				.slots = w.slots,
			},
		.hardware_known = true,
		.hardware = 3,
		.floor_known = true,
		.floor = 7,
		.now = trust_now_at(MAKER_NOW),
		.now_known = true,
		.revocation = &maker_revocation_off,
		.payloads = &w.payload,
		.payload_count = 1,
	};
	slot_add(0, "app", 4);
	buf_init(&w.root_file, 1 << 20);
	buf_init(&w.catalog_file, 1 << 20);
	buf_init(&w.envelope_file, 1 << 20);
}

static void teardown(void)
{
	catalog_free(w.catalog);
	root_free(w.root);
	buf_done(&w.root_file);
	buf_done(&w.catalog_file);
	buf_done(&w.envelope_file);
}

/* Publishes what the makers say and judges it. */
static int judged(void)
{
	struct chain_rules rules = maker_rules(MAKER_NOW);
	bool rootless = w.request.anchor_count > 0;

	maker_root_file(&w.root_maker, &w.root_file);
	ck_assert_int_eq(root_first(buf_bytes(&w.root_file), &w.root, NULL), 0);
	if (!w.request.envelope.at) {
		maker_envelope_file(&w.envelope_maker, &w.envelope_file);
		w.request.envelope = buf_bytes(&w.envelope_file);
	}
	w.offer.envelope = w.request.envelope;
	w.catalog_maker.offers[0] = w.offer;
	w.catalog_maker.offer_count = !w.no_offer;
	if (w.has_twin) {
		w.twin.envelope = w.request.envelope;
		w.catalog_maker.offers[w.catalog_maker.offer_count++] = w.twin;
	}
	maker_catalog_file(&w.catalog_maker, &w.catalog_file);
	ck_assert_int_eq(catalog_accept(w.root, buf_bytes(&w.catalog_file),
				 NULL, &rules, &w.catalog, NULL, NULL),
		0);
	if (!rootless) {
		w.request.root = w.root;
		w.request.catalog = w.catalog;
	}
	return offer_judge(&w.request, &w.verdict, &w.plan);
}

static void refuses(const char *check, int code)
{
	const struct check *row;
	int got = judged();

	ck_assert_msg(
		got == code, "%s, expected %s", err_name(got), err_name(code));
	row = verdict_find(&w.verdict, check);
	ck_assert_msg(row && row->outcome == CHECK_FAIL && row->code == code,
		"check %s is not the one that failed", check);
	ck_assert(!verdict_accepts(&w.verdict, false));
}

START_TEST(offer_judge_right_release_is_accepted_strictly)
{
	ck_assert_int_eq(judged(), 0);
	for (unsigned i = 0; i < w.verdict.count; i++)
		ck_assert_msg(w.verdict.rows[i].outcome != CHECK_NOT_EVALUATED,
			"%s", w.verdict.rows[i].name);
	ck_assert(verdict_accepts(&w.verdict, true));
	ck_assert_uint_eq(w.plan.image_count, 1);
	ck_assert_uint_eq(w.plan.images[0].slot, 4);
	ck_assert_uint_eq(w.plan.images[0].len, sizeof(image));
	ck_assert_int_eq(w.plan.images[0].payload, 0);
	ck_assert(bytes_is_text(w.plan.images[0].from.path, "p/x"));
	ck_assert_uint_eq(w.plan.sequence, 7);
	ck_assert_ptr_eq(w.plan.entry, &w.catalog->entries[0]);
	ck_assert(bytes_equal(
		bytes_of(w.plan.release, 32), w.plan.entry->manifest_digest));
}
END_TEST

/* Without PKI and revocation step 1 reaches +1 at most. */
START_TEST(offer_judge_tiers_with_revocation_off)
{
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_UPGRADED);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_CHECK], TIER_BASIC);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SEND], TIER_NONE);
}
END_TEST

START_TEST(offer_judge_revocation_off_is_said)
{
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(
		verdict_find(&w.verdict, "revocation")->outcome, CHECK_OFF);
}
END_TEST

START_TEST(offer_judge_revocation_required_refuses)
{
	w.request.revocation = &revocation_nothing_known;
	refuses("revocation", ERR_TRUST_REVOCATION_ANCHOR);
}
END_TEST

START_TEST(offer_judge_without_image_is_not_strictly_accepted)
{
	w.request.payloads = NULL;
	ck_assert_int_eq(judged(), 0);
	ck_assert(verdict_accepts(&w.verdict, false));
	ck_assert(!verdict_accepts(&w.verdict, true));
	ck_assert_int_eq(verdict_find(&w.verdict, "image-digest")->outcome,
		CHECK_NOT_EVALUATED);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_CHECK], TIER_NONE);
}
END_TEST

START_TEST(offer_judge_image_with_flipped_bit_is_refused)
{
	w.payload.sha256[31] ^= 1;
	refuses("image-digest", ERR_TRUST_OFFER_PAYLOAD_DIGEST);
}
END_TEST

START_TEST(offer_judge_image_of_another_length_is_refused)
{
	w.payload.len++;
	refuses("image-digest", ERR_TRUST_OFFER_PAYLOAD_LEN);
}
END_TEST

START_TEST(offer_judge_no_image_at_all_is_refused)
{
	w.request.payload_count = 0;
	refuses("image-digest", ERR_TRUST_OFFER_PAYLOAD_DIGEST);
}
END_TEST

START_TEST(offer_judge_image_that_the_catalog_lacks_is_refused)
{
	w.offer.payload_sha256[0] ^= 1;
	refuses("image-listed", ERR_TRUST_OFFER_PAYLOAD);
}
END_TEST

START_TEST(offer_judge_listed_image_of_another_length_is_refused)
{
	w.offer.payload_len++;
	refuses("image-listed", ERR_TRUST_OFFER_PAYLOAD_LEN);
}
END_TEST

START_TEST(offer_judge_size_missing_in_the_manifest_comes_from_the_catalog)
{
	w.envelope_maker.size = 0;
	ck_assert_int_eq(judged(), 0);
	ck_assert_uint_eq(w.plan.images[0].len, sizeof(image));
}
END_TEST

START_TEST(offer_judge_long_digest_is_found_by_length)
{
	uint8_t sha512[64];
	struct bytes in = bytes_of(image, sizeof(image));

	crypto_digest(CRYPTO_SHA512, &in, 1, sha512);
	w.envelope_maker.digest_alg = -44;
	w.envelope_maker.long_digest = bytes_of(sha512, 64);
	w.payload.sha512 = sha512;
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(w.plan.images[0].payload, 0);
	w.payload.sha512 = NULL;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, NULL),
		ERR_TRUST_OFFER_PAYLOAD_DIGEST);
}
END_TEST

START_TEST(offer_judge_entry_missing_is_refused)
{
	w.no_offer = true;
	refuses("catalog-entry", ERR_TRUST_OFFER_UNLISTED);
}
END_TEST

START_TEST(offer_judge_release_that_is_not_listed_is_refused)
{
	w.offer.wrong_manifest = true;
	refuses("catalog-entry", ERR_TRUST_OFFER_UNLISTED);
}
END_TEST

START_TEST(offer_judge_envelope_that_is_not_listed_is_refused)
{
	w.offer.wrong_envelope = true;
	refuses("catalog-entry", ERR_TRUST_OFFER_ENVELOPE);
}
END_TEST

START_TEST(offer_judge_given_entry_of_another_release_is_refused)
{
	w.offer.wrong_manifest = true;
	judged();
	w.request.entry = &w.catalog->entries[0];
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, NULL),
		ERR_TRUST_OFFER_MANIFEST);
}
END_TEST

START_TEST(offer_judge_withdrawn_entry_is_refused)
{
	w.offer.withdrawn = true;
	refuses("not-withdrawn", ERR_TRUST_OFFER_WITHDRAWN);
}
END_TEST

START_TEST(offer_judge_entry_of_another_sequence_is_refused)
{
	w.offer.sequence = 8;
	refuses("entry-sequence", ERR_TRUST_OFFER_SEQUENCE);
}
END_TEST

START_TEST(offer_judge_entry_for_another_component_is_refused)
{
	w.offer.component = "radio";
	refuses("entry-target", ERR_TRUST_OFFER_TARGET);
}
END_TEST

START_TEST(offer_judge_entry_for_another_class_is_refused)
{
	static const uint8_t other[16] = "another-class-1";

	w.offer.class_id = other;
	refuses("entry-target", ERR_TRUST_OFFER_TARGET);
}
END_TEST

START_TEST(offer_judge_sequence_below_the_floor_is_refused)
{
	w.request.floor = 8;
	refuses("sequence-floor", ERR_TRUST_SUIT_SEQUENCE);
}
END_TEST

START_TEST(offer_judge_hardware_outside_the_range_is_refused)
{
	w.offer.has_hardware = true;
	w.offer.hardware_min = 4;
	w.offer.hardware_max = 9;
	refuses("hardware", ERR_TRUST_OFFER_HARDWARE);
}
END_TEST

START_TEST(offer_judge_unknown_hardware_is_not_evaluated)
{
	w.offer.has_hardware = true;
	w.offer.hardware_max = 9;
	w.request.hardware_known = false;
	ck_assert_int_eq(judged(), 0);
	ck_assert(!verdict_accepts(&w.verdict, true));
}
END_TEST

/* One manifest in two entries: the one for the child's hardware is taken. */
START_TEST(offer_judge_release_listed_twice_takes_the_entry_that_fits)
{
	w.offer.has_hardware = true;
	w.offer.hardware_max = 2;
	w.twin = w.offer;
	w.twin.hardware_min = 3;
	w.twin.hardware_max = 9;
	w.has_twin = true;
	ck_assert_int_eq(judged(), 0);
	ck_assert_ptr_eq(w.plan.entry, &w.catalog->entries[1]);
}
END_TEST

START_TEST(offer_judge_expired_catalog_is_refused)
{
	w.request.now = trust_now_at(MAKER_NOW + 86400);
	refuses("catalog-current", ERR_TRUST_CATALOG_EXPIRED);
}
END_TEST

START_TEST(offer_judge_expired_catalog_within_the_grace_is_accepted)
{
	w.root_maker.grace = 10;
	w.request.now = trust_now_at(MAKER_NOW + 86400);
	ck_assert_int_eq(judged(), 0);
}
END_TEST

START_TEST(offer_judge_expired_root_is_refused)
{
	w.request.now = trust_now_at(MAKER_NOW + MAKER_YEAR);
	refuses("root-current", ERR_TRUST_ROOT_EXPIRED);
}
END_TEST

START_TEST(offer_judge_vendor_of_another_is_refused)
{
	w.request.facts.vendor_id = bytes_of("another-vendor-1", 16);
	refuses("vendor", ERR_TRUST_SUIT_VENDOR);
}
END_TEST

START_TEST(offer_judge_class_of_another_is_refused)
{
	w.request.facts.class_id = bytes_of("another-class-11", 16);
	refuses("class", ERR_TRUST_SUIT_CLASS);
}
END_TEST

START_TEST(offer_judge_component_without_slot_is_refused)
{
	slot_add(0, "radio", 4);
	refuses("slots", ERR_TRUST_SUIT_NO_SLOT);
}
END_TEST

START_TEST(offer_judge_signature_of_a_stranger_is_refused)
{
	w.envelope_maker.signers[0] = maker_key("stranger");
	refuses("author-signature", ERR_TRUST_COSE_SIGNATURE);
}
END_TEST

START_TEST(offer_judge_signature_of_the_catalog_key_is_refused)
{
	w.envelope_maker.signers[0] = maker_key("catalog");
	refuses("author-signature", ERR_TRUST_COSE_SIGNATURE);
}
END_TEST

START_TEST(offer_judge_author_outside_its_scope_is_refused)
{
	static const uint8_t other[16] = "another-class-1";

	w.root_maker.roles[2].entries[0].scope_class = other;
	refuses("author-scope", ERR_TRUST_OFFER_SCOPE);
}
END_TEST

START_TEST(offer_judge_author_inside_its_scope_is_accepted)
{
	w.root_maker.roles[2].entries[0].scope_class = maker_class_id;
	ck_assert_int_eq(judged(), 0);
}
END_TEST

static void two_authors(void)
{
	w.root_maker.roles[2].threshold = 2;
	w.root_maker.roles[2].entries[1].key = maker_key("author-2");
	w.envelope_maker.signers[0] = maker_key("author");
}

START_TEST(offer_judge_too_few_authors_are_refused)
{
	two_authors();
	w.envelope_maker.signers[1] = maker_key("author");
	refuses("author-threshold", ERR_TRUST_OFFER_THRESHOLD);
}
END_TEST

START_TEST(offer_judge_enough_authors_are_accepted)
{
	two_authors();
	w.envelope_maker.signers[1] = maker_key("author-2");
	ck_assert_int_eq(judged(), 0);
}
END_TEST

START_TEST(offer_judge_class_that_was_handed_over_is_refused)
{
	w.root_maker.transfer = maker_class_id;
	refuses("class-authority", ERR_TRUST_OFFER_TRANSFERRED);
}
END_TEST

START_TEST(offer_judge_tampered_severed_member_is_refused)
{
	w.envelope_maker.text = "release notes";
	w.envelope_maker.text_there = "other notes";
	refuses("severed-members", ERR_TRUST_SUIT_SEVERED);
}
END_TEST

START_TEST(offer_judge_severed_member_is_accepted)
{
	w.envelope_maker.text = "release notes";
	ck_assert_int_eq(judged(), 0);
}
END_TEST

START_TEST(offer_judge_member_that_was_never_signed_is_refused)
{
	w.envelope_maker.unsigned_member = "coswid";
	refuses("severed-members", ERR_TRUST_SUIT_SEVERED);
}
END_TEST

START_TEST(offer_judge_untagged_envelope_is_refused)
{
	w.envelope_maker.untagged = true;
	refuses("envelope-tag", ERR_TRUST_SUIT_UNTAGGED);
}
END_TEST

START_TEST(offer_judge_envelope_above_the_limit_is_refused)
{
	static const uint8_t big[SUIT_ENVELOPE_MAX + 1];

	w.request.envelope = bytes_of(big, sizeof(big));
	ck_assert_int_eq(
		offer_judge(&w.request, &w.verdict, NULL), ERR_TOO_LARGE);
}
END_TEST

START_TEST(offer_judge_envelope_of_60000_bytes_is_accepted)
{
	static char text[60000];

	memset(text, 'a', sizeof(text) - 1);
	w.envelope_maker.text = text;
	ck_assert_int_eq(judged(), 0);
}
END_TEST

START_TEST(offer_judge_failed_signature_leaves_the_manifest_unread)
{
	w.envelope_maker.signers[0] = maker_key("stranger");
	judged();
	ck_assert_int_eq(verdict_find(&w.verdict, "manifest-form")->outcome,
		CHECK_NOT_EVALUATED);
	ck_assert_int_eq(verdict_find(&w.verdict, "vendor")->outcome,
		CHECK_NOT_EVALUATED);
	ck_assert_uint_eq(w.plan.image_count, 0);
}
END_TEST

/* Every check is listed whatever happens. */
START_TEST(offer_judge_rows_are_the_same_for_garbage)
{
	struct verdict garbage;
	struct offer_request request = {
		.envelope = bytes_of("garbage", 7),
		.revocation = &maker_revocation_off,
	};

	judged();
	ck_assert_int_ne(offer_judge(&request, &garbage, NULL), 0);
	ck_assert_uint_eq(garbage.count, w.verdict.count);
	for (unsigned i = 0; i < garbage.count; i++)
		ck_assert_str_eq(garbage.rows[i].name, w.verdict.rows[i].name);
}
END_TEST

/* Authors with certificates. */
static struct maker_cert ca, leaf;

static void with_chain(const char *not_after)
{
	ca = (struct maker_cert){
		.subject = "CN=ca", .key = maker_key("o-ca"), .ca = true};
	maker_cert_make(&ca);
	leaf = (struct maker_cert){.subject = "CN=leaf",
		.key = maker_key("o-leaf"),
		.issuer = &ca,
		.not_after = not_after};
	maker_cert_make(&leaf);
	w.root_maker.roles[2].entries[0] = (struct maker_entry){.cert = &ca};
	w.envelope_maker.signers[0] = maker_key("o-leaf");
	w.envelope_maker.chain[0] = &leaf;
}

START_TEST(offer_judge_author_by_chain_is_accepted)
{
	with_chain(NULL);
	ck_assert_int_eq(judged(), 0);
	ck_assert_uint_eq(w.plan.signer_not_after, UINT64_C(4102444799));
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_UPGRADED);
}
END_TEST

/* Certified by the one entry and listed as the other: still one key. */
START_TEST(offer_judge_one_author_key_in_two_blocks_counts_once)
{
	with_chain(NULL);
	w.root_maker.roles[2].threshold = 2;
	w.root_maker.roles[2].entries[1].key = maker_key("o-leaf");
	w.envelope_maker.signers[1] = maker_key("o-leaf");
	refuses("author-threshold", ERR_TRUST_OFFER_THRESHOLD);
}
END_TEST

START_TEST(offer_judge_plan_says_when_the_first_signer_runs_out)
{
	with_chain(NULL);
	w.root_maker.roles[2].threshold = 2;
	w.root_maker.roles[2].entries[1].key = maker_key("author");
	w.envelope_maker.signers[1] = maker_key("author");
	ck_assert_int_eq(judged(), 0);
	ck_assert_uint_eq(w.plan.signer_not_after, UINT64_C(4102444799));
}
END_TEST

START_TEST(offer_judge_author_with_expired_chain_is_refused)
{
	with_chain("20250101000000");
	refuses("author-signature", ERR_TRUST_CERT_EXPIRED);
}
END_TEST

START_TEST(offer_judge_author_chain_of_a_stranger_is_refused)
{
	struct maker_cert evil = {
		.subject = "CN=evil", .key = maker_key("o-evil"), .ca = true};

	with_chain(NULL);
	maker_cert_make(&evil);
	leaf.issuer = &evil;
	maker_cert_make(&leaf);
	w.envelope_maker.chain[1] = &evil;
	refuses("author-signature", ERR_TRUST_CERT_CHAIN);
}
END_TEST

START_TEST(offer_judge_author_chain_with_the_key_of_another_is_refused)
{
	with_chain(NULL);
	w.envelope_maker.signers[0] = maker_key("author");
	refuses("author-signature", ERR_TRUST_COSE_SIGNATURE);
}
END_TEST

/* `ferry-publish verify --anchor`: no root, no catalog. */
START_TEST(offer_judge_anchor_list_accepts_but_not_strictly)
{
	struct offer_anchor anchor = {.key = maker_key("author")->key};

	w.request.anchors = &anchor;
	w.request.anchor_count = 1;
	ck_assert_int_eq(judged(), 0);
	ck_assert(verdict_accepts(&w.verdict, false));
	ck_assert(!verdict_accepts(&w.verdict, true));
	ck_assert_int_eq(verdict_find(&w.verdict, "catalog-entry")->outcome,
		CHECK_NOT_EVALUATED);
	ck_assert_int_eq(verdict_find(&w.verdict, "author-scope")->outcome,
		CHECK_NOT_EVALUATED);
}
END_TEST

START_TEST(offer_judge_anchor_list_of_others_refuses)
{
	struct offer_anchor anchor = {.key = maker_key("stranger")->key};

	w.request.anchors = &anchor;
	w.request.anchor_count = 1;
	refuses("author-signature", ERR_TRUST_COSE_SIGNATURE);
}
END_TEST

START_TEST(offer_judge_neither_root_nor_anchor_refuses)
{
	judged();
	w.request.root = NULL;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, NULL),
		ERR_TRUST_OFFER_AUTHOR);
}
END_TEST

START_TEST(offer_judge_unknown_facts_are_listed_as_not_evaluated)
{
	static const char *const rows[] = {
		"vendor", "class", "slots", "sequence-floor"};

	w.request.facts = (struct suit_facts){0};
	w.request.floor_known = false;
	ck_assert_int_eq(judged(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(verdict_find(&w.verdict, rows[i])->outcome ==
				      CHECK_NOT_EVALUATED,
			"%s", rows[i]);
}
END_TEST

START_TEST(offer_judge_catalog_that_was_refused_refuses)
{
	judged();
	w.request.catalog_code = ERR_TRUST_CATALOG_THRESHOLD;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, NULL),
		ERR_TRUST_CATALOG_THRESHOLD);
}
END_TEST

static void add_images(TCase *tc)
{
	tcase_add_test(tc, offer_judge_without_image_is_not_strictly_accepted);
	tcase_add_test(tc, offer_judge_image_with_flipped_bit_is_refused);
	tcase_add_test(tc, offer_judge_image_of_another_length_is_refused);
	tcase_add_test(tc, offer_judge_no_image_at_all_is_refused);
	tcase_add_test(tc, offer_judge_image_that_the_catalog_lacks_is_refused);
	tcase_add_test(
		tc, offer_judge_listed_image_of_another_length_is_refused);
	tcase_add_test(tc,
		offer_judge_size_missing_in_the_manifest_comes_from_the_catalog);
	tcase_add_test(tc, offer_judge_long_digest_is_found_by_length);
}

static void add_catalog(TCase *tc)
{
	tcase_add_test(tc, offer_judge_entry_missing_is_refused);
	tcase_add_test(tc, offer_judge_release_that_is_not_listed_is_refused);
	tcase_add_test(tc, offer_judge_envelope_that_is_not_listed_is_refused);
	tcase_add_test(
		tc, offer_judge_given_entry_of_another_release_is_refused);
	tcase_add_test(tc, offer_judge_withdrawn_entry_is_refused);
	tcase_add_test(tc, offer_judge_entry_of_another_sequence_is_refused);
	tcase_add_test(tc, offer_judge_entry_for_another_component_is_refused);
	tcase_add_test(tc, offer_judge_entry_for_another_class_is_refused);
	tcase_add_test(tc, offer_judge_hardware_outside_the_range_is_refused);
	tcase_add_test(tc, offer_judge_unknown_hardware_is_not_evaluated);
	tcase_add_test(
		tc, offer_judge_release_listed_twice_takes_the_entry_that_fits);
	tcase_add_test(tc, offer_judge_expired_catalog_is_refused);
	tcase_add_test(
		tc, offer_judge_expired_catalog_within_the_grace_is_accepted);
	tcase_add_test(tc, offer_judge_expired_root_is_refused);
	tcase_add_test(tc, offer_judge_catalog_that_was_refused_refuses);
}

static void add_manifest(TCase *tc)
{
	tcase_add_test(tc, offer_judge_sequence_below_the_floor_is_refused);
	tcase_add_test(tc, offer_judge_vendor_of_another_is_refused);
	tcase_add_test(tc, offer_judge_class_of_another_is_refused);
	tcase_add_test(tc, offer_judge_component_without_slot_is_refused);
	tcase_add_test(tc, offer_judge_class_that_was_handed_over_is_refused);
	tcase_add_test(tc, offer_judge_tampered_severed_member_is_refused);
	tcase_add_test(tc, offer_judge_severed_member_is_accepted);
	tcase_add_test(tc, offer_judge_member_that_was_never_signed_is_refused);
	tcase_add_test(tc, offer_judge_untagged_envelope_is_refused);
	tcase_add_test(tc, offer_judge_envelope_above_the_limit_is_refused);
	tcase_add_test(tc, offer_judge_envelope_of_60000_bytes_is_accepted);
	tcase_add_test(
		tc, offer_judge_failed_signature_leaves_the_manifest_unread);
	tcase_add_test(tc, offer_judge_rows_are_the_same_for_garbage);
}

static void add_authors(TCase *tc)
{
	tcase_add_test(tc, offer_judge_signature_of_a_stranger_is_refused);
	tcase_add_test(tc, offer_judge_signature_of_the_catalog_key_is_refused);
	tcase_add_test(tc, offer_judge_author_outside_its_scope_is_refused);
	tcase_add_test(tc, offer_judge_author_inside_its_scope_is_accepted);
	tcase_add_test(tc, offer_judge_too_few_authors_are_refused);
	tcase_add_test(tc, offer_judge_enough_authors_are_accepted);
	tcase_add_test(tc, offer_judge_author_by_chain_is_accepted);
	tcase_add_test(
		tc, offer_judge_one_author_key_in_two_blocks_counts_once);
	tcase_add_test(
		tc, offer_judge_plan_says_when_the_first_signer_runs_out);
	tcase_add_test(tc, offer_judge_author_with_expired_chain_is_refused);
	tcase_add_test(tc, offer_judge_author_chain_of_a_stranger_is_refused);
	tcase_add_test(tc,
		offer_judge_author_chain_with_the_key_of_another_is_refused);
	tcase_add_test(tc, offer_judge_anchor_list_accepts_but_not_strictly);
	tcase_add_test(tc, offer_judge_anchor_list_of_others_refuses);
	tcase_add_test(tc, offer_judge_neither_root_nor_anchor_refuses);
	tcase_add_test(
		tc, offer_judge_unknown_facts_are_listed_as_not_evaluated);
}

int main(void)
{
	static void (*const lists[])(TCase *) = {
		add_images, add_catalog, add_manifest, add_authors};
	Suite *suite = suite_create("offer");
	TCase *tc = tcase_create("offer");

	maker_init();
	maker_root_default();
	maker_catalog_default();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, offer_judge_right_release_is_accepted_strictly);
	tcase_add_test(tc, offer_judge_tiers_with_revocation_off);
	tcase_add_test(tc, offer_judge_revocation_off_is_said);
	tcase_add_test(tc, offer_judge_revocation_required_refuses);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		lists[i](tc);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

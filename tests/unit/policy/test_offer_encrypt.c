#include "tests/unit/unit.h"

#include "policy/trust/component.h"
#include "policy/trust/encrypt.h"
#include "tests/unit/policy/maker.h"

/* One encrypted release from root to image; each test changes one thing. */
static const char image[] = "the image of the application";
static const uint8_t kek[16] = "0123456789abcdef";

/* What the install sequence has that it should not, or lacks. */
enum twist {
	GOOD,
	AT_ONCE,	 /* fetched with encryption-info */
	NO_SEALED_FACTS, /* neither digest nor size of the ciphertext */
	SEALED_DIGEST_OTHER,
	SEALED_SIZE_OTHER,
	INFO_BROKEN,
	NO_INFO,
	NEVER_COPIED,
	SOURCE_OTHER,
	SOURCE_SELF,
	SOURCE_NONE,
	TWICE,
};

struct world {
	struct maker_root root_maker;
	struct maker_catalog catalog_maker;
	struct maker_envelope envelope_maker;
	struct buf root_file, catalog_file, envelope_file, install, info;
	uint8_t sealed[64];
	struct root *root;
	struct catalog *catalog;
	struct offer_payload payload; /* the ciphertext */
	struct offer_payload opened;
	struct suit_slot slot;
	uint8_t id[COMPONENT_LEN_MAX];
	struct offer_request request;
	struct verdict verdict;
	struct offer_plan plan;
};

static struct world w;

static void put(struct buf *b, unsigned key, uint64_t value)
{
	cbor_put_uint(b, key);
	cbor_put_uint(b, value);
}

static void put_sealed_facts(struct buf *b, enum twist t)
{
	uint8_t digest[32];

	memcpy(digest, w.payload.sha256, 32);
	digest[0] ^= t == SEALED_DIGEST_OTHER;
	if (t == NO_SEALED_FACTS) {
		cbor_put_map(b, 1);
	} else {
		cbor_put_map(b, 3);
		cbor_put_uint(b, SUIT_PARAM_DIGEST);
		maker_put_digest(b, -16, bytes_of(digest, 32));
		put(b, SUIT_PARAM_SIZE,
			w.payload.len + (t == SEALED_SIZE_OTHER));
	}
	cbor_put_uint(b, SUIT_PARAM_URI);
	cbor_put_tstr(b, "p/x");
}

static void put_info(struct buf *b, enum twist t)
{
	cbor_put_uint(b, SUIT_PARAM_ENCRYPTION);
	cbor_put_bstr(b, bytes_of(w.info.at, w.info.len - (t == INFO_BROKEN)));
}

static void put_copy(struct buf *b, enum twist t)
{
	put(b, SUIT_SET_INDEX, 0);
	cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(b, 2u - (t == NO_INFO) - (t == SOURCE_NONE));
	if (t != NO_INFO)
		put_info(b, t);
	if (t != SOURCE_NONE)
		put(b, SUIT_PARAM_SOURCE, t == SOURCE_OTHER  ? 2
					  : t == SOURCE_SELF ? 0
							     : 1);
	put(b, SUIT_COPY, 15);
	put(b, SUIT_COND_IMAGE_MATCH, 15);
}

static void put_install(struct buf *b, enum twist t)
{
	if (t == AT_ONCE) {
		cbor_put_array(b, 8);
		put(b, SUIT_SET_INDEX, 0);
		cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
		cbor_put_map(b, 2);
		put_info(b, t);
		cbor_put_uint(b, SUIT_PARAM_URI);
		cbor_put_tstr(b, "p/x");
		put(b, SUIT_FETCH, 2);
		put(b, SUIT_COND_IMAGE_MATCH, 15);
		return;
	}
	cbor_put_array(b, t == NEVER_COPIED ? 6 : t == TWICE ? 22 : 14);
	put(b, SUIT_SET_INDEX, 1);
	cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
	put_sealed_facts(b, t);
	put(b, SUIT_FETCH, 2);
	if (t != NEVER_COPIED)
		put_copy(b, t);
	if (t == TWICE)
		put_copy(b, t);
}

/* Encrypts the image for the key encryption key. */
static void seal(void)
{
	struct encrypt_target target = {.kek = bytes_of(kek, 16)};
	struct encrypt_making making;
	struct crypto_cipher *cipher;
	uint8_t tag[16];
	size_t len, more;

	ck_assert_int_eq(encrypt_making_init(encrypt_cipher_find(1), &making),
		0);
	ck_assert_int_eq(encrypt_put_info(&w.info, &making, &target, 1), 0);
	ck_assert_int_eq(
		encrypt_making_cipher(&making, sizeof(image), &cipher), 0);
	ck_assert_int_eq(crypto_cipher_update(cipher,
				 bytes_of(image, sizeof(image)), w.sealed,
				 &len),
		0);
	ck_assert_int_eq(
		crypto_cipher_finish(cipher, w.sealed + len, &more, tag), 0);
	memcpy(w.sealed + len + more, tag, 16);
	crypto_cipher_free(cipher);
	w.payload.len = sizeof(image) + 16;
	crypto_sha256(bytes_of(w.sealed, w.payload.len), w.payload.sha256);
	w.opened.len = sizeof(image);
	crypto_sha256(bytes_of(image, sizeof(image)), w.opened.sha256);
}

static void setup(void)
{
	size_t len = 0;

	memset(&w, 0, sizeof(w));
	buf_init(&w.info, 4096);
	buf_init(&w.install, 8192);
	buf_init(&w.root_file, 1 << 20);
	buf_init(&w.catalog_file, 1 << 20);
	buf_init(&w.envelope_file, 1 << 20);
	w.root_maker = maker_root_default();
	w.catalog_maker = maker_catalog_default();
	seal();
	w.envelope_maker.sequence = 7;
	w.envelope_maker.size = sizeof(image);
	w.envelope_maker.components[0] = "app";
	w.envelope_maker.components[1] = "app-sealed";
	memcpy(w.envelope_maker.digest, w.opened.sha256, 32);
	w.catalog_maker.offer_count = 1;
	w.catalog_maker.offers[0].sequence = 7;
	w.catalog_maker.offers[0].payload_len = w.payload.len;
	memcpy(w.catalog_maker.offers[0].payload_sha256, w.payload.sha256, 32);
	component_from_text("app", w.id, &len);
	w.slot = (struct suit_slot){bytes_of(w.id, len), 4};
	w.request = (struct offer_request){
		.facts =
			{
				.vendor_id = bytes_of(maker_vendor_id, 16),
				.class_id = bytes_of(maker_class_id, 16),
				.slots = &w.slot,
				.slot_count = 1,
			},
		.hardware_known = true,
		.floor_known = true,
		.now = trust_now_at(MAKER_NOW),
		.now_known = true,
		.revocation = &maker_revocation_off,
		.payloads = &w.payload,
		.payload_count = 1,
		.encrypted = OFFER_ENCRYPTED_SEALED,
	};
}

static void teardown(void)
{
	catalog_free(w.catalog);
	root_free(w.root);
	buf_done(&w.root_file);
	buf_done(&w.catalog_file);
	buf_done(&w.envelope_file);
	buf_done(&w.install);
	buf_done(&w.info);
}

static int judged(enum twist t)
{
	put_install(&w.install, t);
	w.envelope_maker.install = buf_bytes(&w.install);
	maker_envelope_file(&w.envelope_maker, &w.envelope_file);
	w.request.envelope = buf_bytes(&w.envelope_file);
	w.catalog_maker.offers[0].envelope = w.request.envelope;
	maker_root_file(&w.root_maker, &w.root_file);
	ck_assert_int_eq(root_first(buf_bytes(&w.root_file), &w.root, NULL), 0);
	maker_catalog_file(&w.catalog_maker, &w.catalog_file);
	ck_assert_int_eq(
		catalog_parse(buf_bytes(&w.catalog_file), &w.catalog, NULL), 0);
	w.request.root = w.root;
	w.request.catalog = w.catalog;
	return offer_judge(&w.request, &w.verdict, &w.plan);
}

static void accepts(enum twist t, bool strict)
{
	int code = judged(t);

	ck_assert_msg(code == 0, "%s", err_name(code));
	ck_assert(verdict_accepts(&w.verdict, true) == strict);
	ck_assert_uint_eq(w.plan.image_count, 1);
	ck_assert_uint_eq(w.plan.images[0].slot, 4);
	ck_assert_int_eq(w.plan.images[0].payload, 0);
	ck_assert_uint_eq(w.plan.images[0].len, sizeof(image));
	ck_assert_uint_eq(w.plan.images[0].from.len, w.payload.len);
	ck_assert(bytes_equal(
		w.plan.images[0].encryption, buf_bytes(&w.info)));
}

static void refuses(enum twist t, const char *check, int code)
{
	const struct check *row;
	int got = judged(t);

	ck_assert_msg(
		got == code, "%s, expected %s", err_name(got), err_name(code));
	row = verdict_find(&w.verdict, check);
	ck_assert_msg(row && row->code == code, "%s is not what refuses",
		check);
}

static enum check_outcome outcome_of(const char *check)
{
	const struct check *row = verdict_find(&w.verdict, check);

	ck_assert_msg(row, "no row %s", check);
	return row->outcome;
}

START_TEST(offer_judge_encrypted_is_refused_by_default)
{
	w.request.encrypted = OFFER_ENCRYPTED_REFUSE;
	refuses(_i ? AT_ONCE : GOOD, "install", ERR_TRUST_SUIT_ENCRYPTED);
}
END_TEST

/* Both ways to say it, and without what the manifest need not say. */
START_TEST(offer_judge_sealed_image_is_accepted)
{
	static const enum twist ways[] = {GOOD, AT_ONCE, NO_SEALED_FACTS};

	accepts(ways[_i], true);
	ck_assert_int_eq(outcome_of("sealed-digest"), CHECK_PASS);
	ck_assert_int_eq(outcome_of("image-digest"), CHECK_OFF);
	ck_assert_str_eq(verdict_find(&w.verdict, "image-digest")->evidence,
		"not checked here: sealed");
	ck_assert_int_eq(w.verdict.tiers.of[STEP_PROTECT], TIER_BASIC);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_CHECK], TIER_BASIC);
}
END_TEST

START_TEST(offer_judge_sealed_without_payload_is_not_strict)
{
	w.request.payloads = NULL;
	accepts(GOOD, false);
	ck_assert_int_eq(outcome_of("sealed-digest"), CHECK_NOT_EVALUATED);
	ck_assert_int_eq(outcome_of("image-digest"), CHECK_NOT_EVALUATED);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_CHECK], TIER_NONE);
}
END_TEST

START_TEST(offer_judge_open_before_opening_is_not_strict)
{
	w.request.encrypted = OFFER_ENCRYPTED_OPEN;
	accepts(GOOD, false);
	ck_assert_int_eq(outcome_of("sealed-digest"), CHECK_PASS);
	ck_assert_int_eq(outcome_of("image-digest"), CHECK_NOT_EVALUATED);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_CHECK], TIER_NONE);
}
END_TEST

START_TEST(offer_judge_opened_image_is_accepted)
{
	static const enum twist ways[] = {GOOD, AT_ONCE, NO_SEALED_FACTS};

	w.request.encrypted = OFFER_ENCRYPTED_OPEN;
	w.request.opened = &w.opened;
	w.request.opened_count = 1;
	accepts(ways[_i], true);
	ck_assert_int_eq(outcome_of("image-digest"), CHECK_PASS);
}
END_TEST

START_TEST(offer_judge_opened_other_image_is_refused)
{
	w.request.encrypted = OFFER_ENCRYPTED_OPEN;
	w.request.opened = &w.opened;
	w.request.opened_count = 1;
	if (_i) {
		w.opened.len--;
		refuses(GOOD, "image-digest", ERR_TRUST_ENCRYPT_LENGTH);
	} else {
		w.opened.sha256[0] ^= 1;
		refuses(GOOD, "image-digest", ERR_TRUST_ENCRYPT_PLAIN);
	}
}
END_TEST

/* Neither way may let another ciphertext through. */
START_TEST(offer_judge_other_ciphertext_is_refused)
{
	w.request.encrypted =
		_i ? OFFER_ENCRYPTED_OPEN : OFFER_ENCRYPTED_SEALED;
	w.request.opened = &w.opened;
	w.request.opened_count = 1;
	w.payload.sha256[0] ^= 1;
	refuses(NO_SEALED_FACTS, "sealed-digest", ERR_TRUST_ENCRYPT_SEALED);
	ck_assert_int_eq(outcome_of("image-digest"), CHECK_NOT_EVALUATED);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_CHECK], TIER_NONE);
}
END_TEST

/* Without a catalog the manifest must say the digest of the ciphertext. */
START_TEST(offer_judge_sealed_needs_a_digest_of_the_ciphertext)
{
	struct offer_anchor anchor = {.key = maker_key("author")->key};

	judged(_i ? NO_SEALED_FACTS : GOOD);
	w.request.root = NULL;
	w.request.catalog = NULL;
	w.request.anchors = &anchor;
	w.request.anchor_count = 1;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, &w.plan),
		_i ? ERR_TRUST_ENCRYPT_SEALED : 0);
}
END_TEST

START_TEST(offer_judge_plain_image_in_a_sealed_class_is_checked_as_ever)
{
	w.envelope_maker.components[1] = NULL;
	w.payload = w.opened;
	w.catalog_maker.offers[0].payload_len = w.payload.len;
	memcpy(w.catalog_maker.offers[0].payload_sha256, w.payload.sha256, 32);
	cbor_put_array(&w.install, 6);
	put(&w.install, SUIT_SET_INDEX, 0);
	put(&w.install, SUIT_FETCH, 2);
	put(&w.install, SUIT_COND_IMAGE_MATCH, 15);
	w.envelope_maker.install = buf_bytes(&w.install);
	maker_envelope_file(&w.envelope_maker, &w.envelope_file);
	w.request.envelope = buf_bytes(&w.envelope_file);
	w.catalog_maker.offers[0].envelope = w.request.envelope;
	maker_root_file(&w.root_maker, &w.root_file);
	ck_assert_int_eq(root_first(buf_bytes(&w.root_file), &w.root, NULL), 0);
	maker_catalog_file(&w.catalog_maker, &w.catalog_file);
	ck_assert_int_eq(
		catalog_parse(buf_bytes(&w.catalog_file), &w.catalog, NULL), 0);
	w.request.root = w.root;
	w.request.catalog = w.catalog;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, &w.plan), 0);
	ck_assert_int_eq(outcome_of("image-digest"), CHECK_PASS);
	ck_assert_ptr_null(verdict_find(&w.verdict, "sealed-digest"));
	ck_assert_int_eq(w.verdict.tiers.of[STEP_PROTECT], TIER_NONE);
}
END_TEST

static const struct {
	const char *name;
	enum twist twist;
	const char *check;
	int code;
} hostile[] = {
	{"catalog and manifest name different ciphertexts",
		SEALED_DIGEST_OTHER, "image-listed", ERR_TRUST_OFFER_PAYLOAD},
	{"manifest says another size of the ciphertext", SEALED_SIZE_OTHER,
		"image-listed", ERR_TRUST_OFFER_PAYLOAD_LEN},
	{"encryption-info is cut", INFO_BROKEN, "install",
		ERR_CBOR_TRUNCATED},
	{"plain copy into a slot", NO_INFO, "slots", ERR_TRUST_SUIT_NO_SLOT},
	{"ciphertext goes nowhere", NEVER_COPIED, "slots",
		ERR_TRUST_SUIT_NO_SLOT},
	{"copied from a component that is not there", SOURCE_OTHER, "slots",
		ERR_TRUST_SUIT_NO_SLOT},
	{"copied from itself", SOURCE_SELF, "slots", ERR_TRUST_SUIT_NO_SLOT},
	{"copied from nowhere", SOURCE_NONE, "slots", ERR_TRUST_SUIT_NO_SLOT},
};

START_TEST(offer_judge_hostile_install_sequence_is_refused)
{
	refuses(hostile[_i].twist, hostile[_i].check, hostile[_i].code);
}
END_TEST

START_TEST(offer_judge_copied_twice_is_one_image)
{
	accepts(TWICE, true);
}
END_TEST

/* The manifest's size of the image and the ciphertext must fit each other. */
START_TEST(offer_judge_image_of_another_length_is_refused)
{
	w.envelope_maker.size++;
	refuses(GOOD, "image-listed", ERR_TRUST_ENCRYPT_LENGTH);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("offer_encrypt");
	TCase *tc = tcase_create("offer_encrypt");

	maker_init();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
		tc, offer_judge_encrypted_is_refused_by_default, 0, 2);
	tcase_add_loop_test(tc, offer_judge_sealed_image_is_accepted, 0, 3);
	tcase_add_test(tc, offer_judge_sealed_without_payload_is_not_strict);
	tcase_add_test(tc, offer_judge_open_before_opening_is_not_strict);
	tcase_add_loop_test(tc, offer_judge_opened_image_is_accepted, 0, 3);
	tcase_add_loop_test(
		tc, offer_judge_opened_other_image_is_refused, 0, 2);
	tcase_add_loop_test(tc, offer_judge_other_ciphertext_is_refused, 0, 2);
	tcase_add_loop_test(tc,
		offer_judge_sealed_needs_a_digest_of_the_ciphertext, 0, 2);
	tcase_add_test(tc,
		offer_judge_plain_image_in_a_sealed_class_is_checked_as_ever);
	tcase_add_loop_test(tc, offer_judge_hostile_install_sequence_is_refused,
		0, (int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(tc, offer_judge_copied_twice_is_one_image);
	tcase_add_test(tc, offer_judge_image_of_another_length_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

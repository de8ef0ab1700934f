#include "tests/unit/unit.h"

#include <dirent.h>

#include "policy/trust/component.h"
#include "policy/trust/offer.h"
#include "tests/unit/policy/maker.h"

/* Every published and every derived envelope has two verdicts: as an
 * authenticated object (digest and signature or MAC verify with the key that
 * the README names) and as an offer to a gateway whose class has component
 * [h'00'] in slot `slot`. */
enum by { BY_ANCHOR, BY_TAM, BY_HMAC };

struct row {
	const char *file;
	enum by by;
	int object;
	int offer;
	unsigned more_slots; /* components [h'01'], [h'02'] are slots too */
	uint32_t slot;
};

#define M "ietf-manifest-37/"
#define T "ietf-trust-domains/"
#define F "ietf-firmware-encryption/"
#define D "derived-invalid/"
#define UNSIGNED ERR_TRUST_SUIT_NO_SIGNATURE, ERR_TRUST_SUIT_NO_SIGNATURE, 0, 0
#define SAME(e) e, e, 0, 0

static const struct row rows[] = {
	{M "example0.unsigned", BY_ANCHOR, UNSIGNED},
	{M "example1.unsigned", BY_ANCHOR, UNSIGNED},
	{M "example2.unsigned-severed", BY_ANCHOR, UNSIGNED},
	{M "example3.unsigned", BY_ANCHOR, UNSIGNED},
	{M "example4.unsigned", BY_ANCHOR, UNSIGNED},
	{M "example5.unsigned", BY_ANCHOR, UNSIGNED},
	{M "example0.signed", BY_ANCHOR, 0, ERR_TRUST_SUIT_NOTHING, 0, 0},
	{M "example1.signed", BY_ANCHOR, 0, 0, 0, 0},
	{M "example2.signed-severed", BY_ANCHOR, 0,
		ERR_TRUST_SUIT_SEVERED_ABSENT, 0, 0},
	{M "example2.signed-full", BY_ANCHOR, 0, 0, 0, 0},
	{M "example3.signed", BY_ANCHOR, 0, 0, 0, 0},
	{M "example3.signed", BY_ANCHOR, 0, 0, 0, 1},
	{M "example3.signed", BY_ANCHOR, 0, ERR_TRUST_SUIT_CONDITION, 0, 2},
	{M "example4.signed", BY_ANCHOR, 0, ERR_TRUST_SUIT_NO_SLOT, 0, 0},
	{M "example4.signed", BY_ANCHOR, 0, ERR_TRUST_SUIT_NOT_EXECUTED, 2, 0},
	{M "example5.signed", BY_ANCHOR, 0, ERR_TRUST_SUIT_NO_SLOT, 0, 0},
	{M "example5.signed", BY_ANCHOR, 0, 0, 2, 0},
	{T "example0_dependent", BY_ANCHOR, 0, ERR_TRUST_SUIT_NO_VENDOR, 0, 0},
	{T "example1_process", BY_ANCHOR, 0, ERR_TRUST_SUIT_DEPENDENCY, 0, 0},
	{T "example2_integrated", BY_ANCHOR, 0, ERR_TRUST_SUIT_DEPENDENCY, 0,
		0},
	{F "suit-manifest-aes-kw-content", BY_HMAC, 0, ERR_TRUST_SUIT_MAC_ONLY,
		0, 0},
	{F "suit-manifest-aes-kw-slot", BY_HMAC, 0, ERR_TRUST_SUIT_MAC_ONLY, 0,
		0},
	{F "suit-manifest-aes-kw", BY_HMAC, 0, ERR_TRUST_SUIT_MAC_ONLY, 0, 0},
	{F "suit-manifest-es-ecdh-content", BY_ANCHOR, 0,
		ERR_TRUST_SUIT_NO_VENDOR, 0, 0},
	{F "suit-manifest-es-ecdh-dependency", BY_TAM, 0,
		ERR_TRUST_SUIT_DEPENDENCY, 0, 0},
	{D "manifest-byte-flipped", BY_ANCHOR, SAME(ERR_TRUST_SUIT_DIGEST)},
	{D "digest-flipped", BY_ANCHOR, SAME(ERR_TRUST_SUIT_DIGEST)},
	{D "signature-flipped", BY_ANCHOR, SAME(ERR_TRUST_COSE_SIGNATURE)},
	{D "trailing-byte", BY_ANCHOR, SAME(ERR_CBOR_TRAILING)},
	{D "truncated", BY_ANCHOR, SAME(ERR_CBOR_TRUNCATED)},
	{D "no-auth-wrapper", BY_ANCHOR, SAME(ERR_TRUST_SUIT_NO_WRAPPER)},
	{D "auth-digest-only", BY_ANCHOR, SAME(ERR_TRUST_SUIT_NO_SIGNATURE)},
	{D "no-manifest", BY_ANCHOR, SAME(ERR_TRUST_SUIT_NO_MANIFEST)},
	{D "untagged", BY_ANCHOR, 0, ERR_TRUST_SUIT_UNTAGGED, 0, 0},
	{D "wrong-tag", BY_ANCHOR, SAME(ERR_TRUST_SUIT_TAG)},
	{D "duplicate-manifest-key", BY_ANCHOR, SAME(ERR_CBOR_KEY_TWICE)},
	{D "indefinite-envelope", BY_ANCHOR, SAME(ERR_CBOR_INDEFINITE)},
	{D "nonminimal-key", BY_ANCHOR, SAME(ERR_CBOR_NOT_SHORTEST)},
	{D "huge-bstr-length", BY_ANCHOR, SAME(ERR_CBOR_TRUNCATED)},
	{D "deep-nesting", BY_ANCHOR, SAME(ERR_CBOR_TYPE)},
	{D "attached-payload", BY_ANCHOR, SAME(ERR_TRUST_COSE_ATTACHED)},
	{D "alg-none-protected-empty", BY_ANCHOR,
		SAME(ERR_TRUST_COSE_ALG_UNPROTECTED)},
	{D "swapped-manifest", BY_ANCHOR, SAME(ERR_TRUST_SUIT_DIGEST)},
	{D "empty", BY_ANCHOR, SAME(ERR_CBOR_TRUNCATED)},
	{D "severable-text-tampered", BY_ANCHOR, 0, ERR_TRUST_SUIT_SEVERED, 0,
		0},
};

#define ROW_COUNT ((int)(sizeof(rows) / sizeof(rows[0])))

static struct bytes vector(const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "vectors/%s.suit", file);
	return unit_read_shared(path);
}

static void release(struct bytes b)
{
	free((void *)(uintptr_t)b.at);
}

static struct cose_key key_of(const char *name)
{
	struct cose_key key;
	struct bytes raw;
	char path[128];

	snprintf(path, sizeof(path), "vectors/keys/%s.pub.raw65", name);
	raw = unit_read_shared(path);
	ck_assert_int_eq(cose_key_from_point(raw, &key), 0);
	release(raw);
	return key;
}

static int block_verify(
	const struct suit_envelope *e, struct bytes block, enum by by)
{
	struct cose_msg msg;
	struct bytes secret;
	struct cose_key key;
	int err = cose_parse(block, COSE_NONE, &msg, NULL);

	if (err)
		return err;
	if (msg.payload_attached)
		return ERR_TRUST_COSE_ATTACHED;
	if (by == BY_HMAC) {
		secret = unit_read_shared("vectors/keys/hmac256-61x32.key");
		err = cose_verify_mac0(
			&msg, secret, bytes_of("", 0), e->signed_digest, false);
		release(secret);
		return err;
	}
	key = key_of(by == BY_TAM ? "tam-p256" : "trust-anchor-p256");
	return cose_verify(
		&msg, 0, &key, bytes_of("", 0), e->signed_digest, false);
}

static int object_code(struct bytes in, enum by by)
{
	struct suit_envelope e;
	int err = suit_envelope_parse(in, &e, NULL);

	if (!err)
		err = suit_envelope_check_digest(&e);
	if (!err && e.block_count == 0)
		err = ERR_TRUST_SUIT_NO_SIGNATURE;
	for (unsigned i = 0; !err && i < e.block_count; i++)
		err = block_verify(&e, e.blocks[i], by);
	return err;
}

/* RFC 4122 name-based identifiers of the draft's examples. */
static const uint8_t vendor_id[16] = {0xfa, 0x6b, 0x4a, 0x53, 0xd5, 0xad, 0x5f,
	0xdf, 0xbe, 0x9d, 0xe6, 0x63, 0xe4, 0xd4, 0x1f, 0xfe};
static const uint8_t class_id[16] = {0x14, 0x92, 0xaf, 0x14, 0x25, 0x69, 0x5e,
	0x48, 0xbf, 0x42, 0x9b, 0x2d, 0x51, 0xf2, 0xab, 0x45};

static int offer_verdict(struct bytes in, const struct row *row,
	struct verdict *v, struct offer_plan *plan)
{
	static const uint8_t ids[3][3] = {
		{0x81, 0x41, 0}, {0x81, 0x41, 1}, {0x81, 0x41, 2}};
	struct offer_anchor anchors[2] = {
		{.key = key_of("trust-anchor-p256")},
		{.key = key_of("tam-p256")},
	};
	struct suit_slot slots[3] = {{bytes_of(ids[0], 3), row->slot},
		{bytes_of(ids[1], 3), 1}, {bytes_of(ids[2], 3), 2}};
	struct offer_request request = {
		.envelope = in,
		.anchors = anchors,
		.anchor_count = 2,
		.facts =
			{
				.vendor_id = bytes_of(vendor_id, 16),
				.class_id = bytes_of(class_id, 16),
				.slots = slots,
				.slot_count = 1 + row->more_slots,
			},
		.now = trust_now_at(1800000000),
		.now_known = true,
		.revocation = &maker_revocation_off,
	};

	return offer_judge(&request, v, plan);
}

START_TEST(suit_published_envelope_as_authenticated_object)
{
	struct bytes in = vector(rows[_i].file);
	int code = object_code(in, rows[_i].by);

	ck_assert_msg(code == rows[_i].object, "%s: %s, expected %s",
		rows[_i].file, err_name(code), err_name(rows[_i].object));
	release(in);
}
END_TEST

START_TEST(offer_judge_published_envelope_as_offer)
{
	struct bytes in = vector(rows[_i].file);
	struct verdict v;
	int code = offer_verdict(in, &rows[_i], &v, NULL);

	ck_assert_msg(code == rows[_i].offer, "%s: %s, expected %s",
		rows[_i].file, err_name(code), err_name(rows[_i].offer));
	ck_assert(verdict_accepts(&v, false) == (code == 0));
	release(in);
}
END_TEST

/* The alternative of try-each is the one of the class's slot. */
START_TEST(offer_judge_example3_picks_the_image_of_the_slot)
{
	static const uint64_t lens[] = {34768, 76834};
	struct bytes in = vector(M "example3.signed");

	for (uint32_t slot = 0; slot < 2; slot++) {
		struct row row = {.slot = slot};
		struct offer_plan plan;
		struct verdict v;

		ck_assert_int_eq(offer_verdict(in, &row, &v, &plan), 0);
		ck_assert_uint_eq(plan.image_count, 1);
		ck_assert_uint_eq(plan.images[0].len, lens[slot]);
		ck_assert_uint_eq(plan.images[0].slot, slot);
	}
	release(in);
}
END_TEST

START_TEST(offer_judge_example5_plans_both_images)
{
	struct bytes in = vector(M "example5.signed");
	struct row row = {.more_slots = 2};
	struct offer_plan plan;
	struct verdict v;

	ck_assert_int_eq(offer_verdict(in, &row, &v, &plan), 0);
	ck_assert_uint_eq(plan.image_count, 2);
	ck_assert_uint_eq(plan.images[1].slot, 1);
	ck_assert_uint_eq(plan.images[1].len, 76834);
	ck_assert_uint_eq(plan.sequence, 5);
	release(in);
}
END_TEST

static bool is_listed(const char *folder, const char *name)
{
	char file[256];

	for (int i = 0; i < ROW_COUNT; i++) {
		snprintf(file, sizeof(file), "%s.suit", rows[i].file);
		if (!strncmp(file, folder, strlen(folder)) &&
			!strcmp(file + strlen(folder), name))
			return true;
	}
	return false;
}

START_TEST(suit_every_published_envelope_has_a_row)
{
	static const char *const folders[] = {M, T, F, D};
	unsigned seen = 0;

	for (size_t i = 0; i < 4; i++) {
		char path[1024];
		struct dirent *entry;
		DIR *dir;

		snprintf(path, sizeof(path), "%s/vectors/%s", FERRY_SHARED_DIR,
			folders[i]);
		dir = opendir(path);
		ck_assert_ptr_nonnull(dir);
		while ((entry = readdir(dir)) != NULL) {
			const char *dot = strrchr(entry->d_name, '.');

			if (!dot || strcmp(dot, ".suit"))
				continue;
			ck_assert_msg(is_listed(folders[i], entry->d_name),
				"%s%s", folders[i], entry->d_name);
			seen++;
		}
		closedir(dir);
	}
	ck_assert_uint_eq(seen, 41);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("suit_vectors");
	TCase *tc = tcase_create("suit_vectors");

	unit_need_shared("vectors/ietf-manifest-37");
	if (crypto_init())
		return EXIT_FAILURE;
	tcase_add_loop_test(tc, suit_published_envelope_as_authenticated_object,
		0, ROW_COUNT);
	tcase_add_loop_test(
		tc, offer_judge_published_envelope_as_offer, 0, ROW_COUNT);
	tcase_add_test(tc, offer_judge_example3_picks_the_image_of_the_slot);
	tcase_add_test(tc, offer_judge_example5_plans_both_images);
	tcase_add_test(tc, suit_every_published_envelope_has_a_row);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

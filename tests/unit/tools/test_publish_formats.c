#include "tests/unit/unit.h"

#include <errno.h>

#include "base/cbor.h"
#include "policy/trust/suit.h"
#include "tools/publish/catalog_file.h"
#include "tools/publish/envelope.h"
#include "tools/publish/public_key.h"
#include "tools/publish/root_file.h"

static const struct vendor_conf vendor = {.name = "Acme", .domain = "a.example",
	.vendor_id = {1}};
static const struct class_conf class = {.name = "sensor", .model = "S",
	.class_id = {2}, .components = {"app"}, .components_count = 1};

static const struct release release = {
	.class_name = "sensor", .component = "app", .vendor_id = {1},
	.class_id = {2}, .sequence = 9, .payload_digest = {5},
	.payload_len = 70000, .version = "1.2.3", .notes = "n",
	.expect_version = "1.2.3", .expect_digest = {6, 7},
	.expect_digest_len = 2, .has_hardware = true, .hardware_min = 1,
	.hardware_max = 400, .security = true, .end_of_support = 77,
	.set = "s", .precursors = {{8}, {9}}, .precursors_count = 2,
	.withdrawn = true, .envelope_len = 500,
};

/* Stands in for a signing key: nothing here verifies. */
static int sign_nothing(void *arg, enum cose_alg alg, struct bytes digest,
	uint8_t *ret_signature, size_t len)
{
	(void)arg;
	(void)alg;
	(void)digest;
	memset(ret_signature, 0x55, len);
	return 0;
}

static const struct cose_signing nobody = {.alg = COSE_ESP256,
	.sign = sign_nothing};

struct plan_row {
	const char *name;
	uint64_t use_before;
	bool with_text;
};

static const struct plan_row plans[] = {
	{"plain", 0, false},
	{"with text", 0, true},
	{"with use-before", 4000000000, true},
};

START_TEST(envelope_is_strict_and_says_what_was_asked)
{
	const struct plan_row *row = &plans[_i];
	const struct envelope_plan plan = {&release, &vendor, &class,
		row->use_before, row->with_text, NULL};
	static const uint8_t app[] = {0x81, 0x43, 'a', 'p', 'p'};
	const struct suit_slot slot = {bytes_of(app, sizeof(app)), 3};
	const struct suit_facts facts = {
		.vendor_id = bytes_of(release.vendor_id, 16),
		.class_id = bytes_of(release.class_id, 16),
		.slots = &slot, .slot_count = 1,
		.now = trust_now_at(1000), .now_known = true,
	};
	struct envelope_content content = {0};
	struct envelope_parts parts;
	struct suit_envelope envelope;
	struct suit_manifest manifest;
	struct suit_outcome outcome;
	struct fault fault = {0};
	struct buf file;
	int err;

	envelope_parts_init(&parts);
	buf_init(&file, SUIT_ENVELOPE_MAX);
	ck_assert_int_eq(envelope_plan_write(&plan, &parts), 0);
	ck_assert_int_eq(cbor_check(buf_bytes(&parts.manifest), CBOR_STRICT),
		0);
	if (row->with_text)
		ck_assert_int_eq(cbor_check(buf_bytes(&parts.text),
			CBOR_STRICT), 0);
	content.manifest = buf_bytes(&parts.manifest);
	content.severed[SUIT_TEXT] = buf_bytes(&parts.text);
	ck_assert_int_eq(envelope_sign(&content, &nobody, 1, &file), 0);
	ck_assert_int_eq(cbor_check(buf_bytes(&file), CBOR_STRICT), 0);

	err = suit_envelope_parse(buf_bytes(&file), &envelope, &fault);
	ck_assert_msg(!err, "%s: %s %s", row->name, fault.field, fault.rule);
	ck_assert_int_eq(suit_envelope_check_digest(&envelope), 0);
	err = suit_manifest_parse(&envelope, &manifest, &fault);
	ck_assert_msg(!err, "%s: %s %s", row->name, fault.field, fault.rule);
	ck_assert_uint_eq(manifest.sequence, 9);
	ck_assert_int_eq(manifest.members[SUIT_TEXT].presence,
		row->with_text ? SUIT_SEVERED : SUIT_ABSENT);
	err = suit_evaluate(&manifest, &facts, &outcome, &fault);
	ck_assert_msg(!err, "%s: %s %s", row->name, fault.field, fault.rule);
	ck_assert(outcome.vendor_checked && outcome.class_checked);
	ck_assert(outcome.use_before_seen == (row->use_before != 0));
	ck_assert_uint_eq(outcome.fetch_count, 1);
	ck_assert_uint_eq(outcome.fetches[0].slot, 3);
	ck_assert_uint_eq(outcome.fetches[0].len, 70000);
	ck_assert(bytes_equal(outcome.fetches[0].digest.value,
		bytes_of(release.payload_digest, 32)));
	buf_done(&file);
	envelope_parts_done(&parts);
}
END_TEST

START_TEST(envelope_plan_write_refuses_a_bad_component)
{
	struct release bad = release;
	const struct envelope_plan plan = {&bad, &vendor, &class, 0,
		true, NULL};
	struct envelope_parts parts;

	strcpy(bad.component, "app//x");
	envelope_parts_init(&parts);
	ck_assert_int_eq(envelope_plan_write(&plan, &parts), -EINVAL);
	envelope_parts_done(&parts);
}
END_TEST

/* Signs the plan's payload by nobody and reads it back. */
static void catalog_back(const struct catalog_plan *plan, struct catalog **ret)
{
	struct fault fault = {0};
	struct buf payload, file;
	int err;

	buf_init(&payload, CATALOG_FILE_MAX);
	buf_init(&file, CATALOG_FILE_MAX);
	ck_assert_int_eq(catalog_plan_write(plan, &payload), 0);
	ck_assert_int_eq(cbor_check(buf_bytes(&payload), CBOR_STRICT), 0);
	ck_assert_int_eq(cose_put_sign1(&file, &nobody,
		bytes_of_text(CATALOG_AAD), buf_bytes(&payload), false), 0);
	err = catalog_parse(buf_bytes(&file), ret, &fault);
	ck_assert_msg(!err, "%s: %s", fault.field, fault.rule);
	buf_done(&payload);
	buf_done(&file);
}

START_TEST(catalog_plan_write_reads_back)
{
	struct release two[] = {release, {.component = "net/0x01",
		.sequence = 1, .payload_len = 1, .envelope_len = 1}};
	const struct release_list list = {two, 2};
	const struct evidence_file evidence[] = {
		{.kind = EVIDENCE_CRL, .sha256 = {7}, .len = 300},
		{.kind = EVIDENCE_OCSP, .sha256 = {8}, .len = 200},
	};
	const struct catalog_plan plan = {.sequence = 12, .issued = 1000,
		.expires = 2000, .root_version = 3, .epoch = 4,
		.releases = &list, .evidence = evidence, .evidence_count = 2,
		.quirks = bytes_of_text("q")};
	const struct catalog_entry *entry;
	struct catalog_payload payload;
	struct catalog *catalog = NULL;
	struct bytes precursor;

	catalog_back(&plan, &catalog);
	ck_assert_uint_eq(catalog->sequence, 12);
	ck_assert_uint_eq(catalog->issued, 1000);
	ck_assert_uint_eq(catalog->expires, 2000);
	ck_assert_uint_eq(catalog->root_version, 3);
	ck_assert_uint_eq(catalog->epoch, 4);
	ck_assert_uint_eq(catalog->entry_count, 2);
	entry = &catalog->entries[0];
	ck_assert(bytes_is_text(entry->version, "1.2.3"));
	ck_assert(bytes_is_text(entry->expect_version, "1.2.3"));
	ck_assert_uint_eq(entry->expect_digest.len, 2);
	ck_assert(entry->has_hardware && entry->hardware_max == 400);
	ck_assert(entry->security && entry->withdrawn);
	ck_assert_uint_eq(entry->end_of_support, 77);
	ck_assert(bytes_is_text(entry->set, "s"));
	ck_assert_int_eq(catalog_entry_precursor(entry, 1, &precursor), 0);
	ck_assert_uint_eq(precursor.at[0], 9);
	ck_assert_int_eq(catalog_entry_payload(entry, 0, &payload), 0);
	ck_assert_uint_eq(payload.len, 70000);
	ck_assert_uint_eq(payload.path.len, 2 + 64);
	entry = &catalog->entries[1];
	ck_assert(!entry->version.at && !entry->security && !entry->withdrawn);
	ck_assert_uint_eq(entry->component.len, 7);
	ck_assert_uint_eq(catalog->evidence_count, 2);
	ck_assert_uint_eq(catalog->evidence[1].kind, EVIDENCE_OCSP);
	ck_assert_uint_eq(catalog->evidence[1].sha256.at[0], 8);
	ck_assert_uint_eq(catalog->evidence[0].len, 300);
	ck_assert(bytes_is_text(catalog->quirks, "q"));
	catalog_free(catalog);
}
END_TEST

START_TEST(catalog_plan_write_takes_an_empty_list)
{
	const struct release_list list = {0};
	const struct catalog_plan plan = {.sequence = 1, .issued = 1000,
		.expires = 2000, .root_version = 1, .releases = &list};
	struct catalog *catalog = NULL;

	catalog_back(&plan, &catalog);
	ck_assert_uint_eq(catalog->entry_count, 0);
	catalog_free(catalog);
}
END_TEST

/* Entries on points that need not be on the curve. */
static struct root_entry entry_of(uint8_t n)
{
	struct cose_key key = {.kty = COSE_KTY_EC2, .curve = CRYPTO_P256,
		.pub = {n}};
	struct root_entry entry;

	ck_assert_int_eq(root_entry_of_key(&key, &entry), 0);
	return entry;
}

START_TEST(root_draft_write_reads_back)
{
	struct root_entry roots[] = {entry_of(1), entry_of(2), entry_of(3)};
	struct root_entry catalogs[] = {entry_of(4)};
	struct root_entry authors[] = {entry_of(5)};
	static const uint8_t vendor_id[16] = {9}, app[] = {0x81, 0x41, 'a'};
	struct root_transfer transfer = {.classes = {bytes_of(vendor_id, 16)},
		.class_count = 1, .heir = bytes_of(roots[0].id, 32)};
	struct root draft = {
		.version = 7, .issued = 100, .expires = 200, .epoch = 2,
		.offline_grace_s = 60, .role_count = 3,
		.roles = {{ROLE_ROOT, 2, 3, roots}, {ROLE_CATALOG, 1, 1,
			catalogs}, {ROLE_AUTHOR, 1, 1, authors}},
		.transfers = &transfer, .transfer_count = 1,
		.hosts = {bytes_of_text("crl.example")}, .host_count = 1,
	};
	struct fault fault = {0};
	struct root *root = NULL;
	struct buf payload, file;
	int err;

	authors[0].revoked_by_root_only = true;
	authors[0].scope_count = 2;
	authors[0].scopes[0].vendor_id = bytes_of(vendor_id, 16);
	authors[0].scopes[1].class_id = bytes_of(vendor_id, 16);
	authors[0].scopes[1].component = bytes_of(app, sizeof(app));
	buf_init(&payload, ROOT_FILE_MAX);
	buf_init(&file, ROOT_FILE_MAX);
	ck_assert_int_eq(root_draft_write(&draft, &payload), 0);
	ck_assert_int_eq(cbor_check(buf_bytes(&payload), CBOR_STRICT), 0);
	ck_assert_int_eq(cose_put_sign(&file, &nobody, 1,
		bytes_of_text(ROOT_AAD), buf_bytes(&payload), false), 0);
	err = root_parse(buf_bytes(&file), &root, &fault);
	ck_assert_msg(!err, "%s: %s", fault.field, fault.rule);
	ck_assert_uint_eq(root->version, 7);
	ck_assert_uint_eq(root->epoch, 2);
	ck_assert_uint_eq(root->offline_grace_s, 60);
	ck_assert_uint_eq(root_role(root, ROLE_ROOT)->threshold, 2);
	ck_assert_mem_eq(root_role(root, ROLE_ROOT)->entries[2].id,
		roots[2].id, 32);
	ck_assert(root_role(root, ROLE_AUTHOR)->entries[0]
		.revoked_by_root_only);
	ck_assert_uint_eq(root_role(root, ROLE_AUTHOR)->entries[0].scope_count,
		2);
	ck_assert(root_transfer_of(root, bytes_of(vendor_id, 16)) != NULL);
	ck_assert(bytes_is_text(root->hosts[0], "crl.example"));
	root_free(root);
	buf_done(&payload);
	buf_done(&file);
}
END_TEST

START_TEST(public_key_of_takes_raw_keys_of_every_kind)
{
	/* Levels 2, LMS_SHA256_M32_H5, LMOTS_SHA256_N32_W8. */
	uint8_t hss[60] = {0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4};
	uint8_t other[64] = {1};
	struct cose_key key;

	ck_assert_int_eq(public_key_of(bytes_of(hss, 60), &key), 0);
	ck_assert_int_eq(key.kty, COSE_KTY_HSS_LMS);
	ck_assert_int_eq(public_key_of(bytes_of(other, 32), &key), 0);
	ck_assert_int_eq(key.kty, COSE_KTY_OKP);
	ck_assert_int_ne(public_key_of(bytes_of(hss, 59), &key), 0);
	hss[3] = 9;
	ck_assert_int_ne(public_key_of(bytes_of(hss, 60), &key), 0);
	ck_assert_int_ne(public_key_of(bytes_of(other, 64), &key), 0);
	ck_assert_int_ne(public_key_of(bytes_of(other, 0), &key), 0);
}
END_TEST

START_TEST(public_key_of_takes_ed25519_as_pem_and_der)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VwAyEAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
		"-----END PUBLIC KEY-----\n";
	uint8_t der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
		0x70, 0x03, 0x21, 0x00};
	struct cose_key key, again;

	for (uint8_t i = 0; i < 32; i++)
		der[12 + i] = i;
	ck_assert_int_eq(public_key_of(bytes_of_text(pem), &key), 0);
	ck_assert_mem_eq(key.pub, der + 12, 32);
	ck_assert_int_eq(public_key_of(bytes_of(der, 44), &again), 0);
	ck_assert(cose_key_equal(&key, &again));
	der[8] = 0x71;
	ck_assert_int_ne(public_key_of(bytes_of(der, 44), &again), 0);
	ck_assert_int_ne(public_key_of(bytes_of(pem, sizeof(pem) / 2),
		&again), 0);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *s = suite_create("tools.publish.formats");
	TCase *c = tcase_create("formats");

	if (keys_start())
		return EXIT_FAILURE;
	tcase_add_loop_test(c, envelope_is_strict_and_says_what_was_asked, 0,
		ROWS(plans));
	tcase_add_test(c, envelope_plan_write_refuses_a_bad_component);
	tcase_add_test(c, catalog_plan_write_reads_back);
	tcase_add_test(c, catalog_plan_write_takes_an_empty_list);
	tcase_add_test(c, root_draft_write_reads_back);
	tcase_add_test(c, public_key_of_takes_raw_keys_of_every_kind);
	tcase_add_test(c, public_key_of_takes_ed25519_as_pem_and_der);
	suite_add_tcase(s, c);
	return unit_run(s);
}

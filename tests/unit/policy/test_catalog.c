#include "tests/unit/unit.h"

#include "tests/unit/policy/maker.h"

static struct buf file;
static struct buf root_file;
static struct root *root;
static struct chain_rules today;

static void setup(void)
{
	struct maker_root maker = maker_root_default();

	today = maker_rules(MAKER_NOW);
	buf_init(&file, CATALOG_FILE_MAX + 1024);
	buf_init(&root_file, 1 << 20);
	maker.grace = 3600;
	maker_root_file(&maker, &root_file);
	ck_assert_int_eq(root_first(buf_bytes(&root_file), &root, NULL), 0);
}

static void teardown(void)
{
	root_free(root);
	buf_done(&root_file);
	buf_done(&file);
}

static struct bytes made(const struct maker_catalog *maker)
{
	buf_reset(&file);
	maker_catalog_file(maker, &file);
	return buf_bytes(&file);
}

static struct maker_offer offer(uint64_t sequence)
{
	return (struct maker_offer){
		.sequence = sequence,
		.envelope = bytes_of("envelope", 8),
		.payload_len = 100,
	};
}

static int code_of(const struct maker_catalog *maker,
	const struct catalog_floor *floor, uint64_t now)
{
	struct catalog *catalog = NULL;
	struct chain_rules rules = maker_rules(now);
	struct fault fault = {0};
	int err = catalog_accept(
		root, made(maker), floor, &rules, &catalog, NULL, &fault);

	ck_assert(err == 0 || catalog == NULL);
	ck_assert_msg(
		err == 0 || fault.field[0], "%s names no field", err_name(err));
	catalog_free(catalog);
	return err;
}

static int plain(struct maker_catalog *m)
{
	(void)m;
	return 0;
}

static int as_cose_sign(struct maker_catalog *m)
{
	m->as_sign = true;
	return 0;
}

static int signed_by_author(struct maker_catalog *m)
{
	m->signers[0] = maker_key("author");
	return ERR_TRUST_CATALOG_THRESHOLD;
}

static int signed_by_root_keys(struct maker_catalog *m)
{
	m->signers[0] = maker_key("root-a");
	m->signers[1] = maker_key("root-b");
	return ERR_TRUST_CATALOG_THRESHOLD;
}

static int purpose_of_a_root(struct maker_catalog *m)
{
	m->aad = ROOT_AAD;
	return ERR_TRUST_CATALOG_THRESHOLD;
}

static int epoch_below(struct maker_catalog *m)
{
	m->epoch = 0;
	return ERR_TRUST_CATALOG_EPOCH;
}

static int epoch_above(struct maker_catalog *m)
{
	m->epoch = 2;
	return ERR_TRUST_CATALOG_EPOCH;
}

static int needs_a_newer_root(struct maker_catalog *m)
{
	m->root_version = 2;
	return ERR_TRUST_CATALOG_ROOT;
}

static int issued_in_the_future(struct maker_catalog *m)
{
	m->issued = MAKER_NOW + 3600;
	return ERR_TRUST_CATALOG_NOT_YET;
}

static int expires_before_issued(struct maker_catalog *m)
{
	m->expires = m->issued;
	return ERR_TRUST_CATALOG_FORM;
}

static int has_expired(struct maker_catalog *m)
{
	m->expires = MAKER_NOW - 10;
	return 0;
}

static int unknown_key(struct maker_catalog *m)
{
	m->unknown_key = true;
	return 0;
}

static int negative_key(struct maker_catalog *m)
{
	m->negative_key = true;
	return ERR_TRUST_NEGATIVE_KEY;
}

static int negative_key_in_an_entry(struct maker_catalog *m)
{
	m->offers[0] = offer(1);
	m->offers[0].negative_key = true;
	m->offer_count = 1;
	return ERR_TRUST_NEGATIVE_KEY;
}

static int entry_twice(struct maker_catalog *m)
{
	m->offers[0] = m->offers[1] = offer(1);
	m->offer_count = 2;
	return ERR_TRUST_CATALOG_ENTRY_TWICE;
}

static int entries_by_hardware(struct maker_catalog *m)
{
	m->offers[0] = m->offers[1] = offer(1);
	m->offers[1].has_hardware = true;
	m->offer_count = 2;
	return 0;
}

static int hardware_range_reversed(struct maker_catalog *m)
{
	m->offers[0] = offer(1);
	m->offers[0].has_hardware = true;
	m->offers[0].hardware_min = 2;
	m->offer_count = 1;
	return ERR_TRUST_CATALOG_FORM;
}

static int path_of(struct maker_catalog *m, const char *path)
{
	m->offers[0] = offer(1);
	m->offers[0].path = path;
	m->offer_count = 1;
	return ERR_TRUST_CATALOG_FORM;
}

static int path_leaves_the_folder(struct maker_catalog *m)
{
	return path_of(m, "p/../../x");
}

static int path_is_absolute(struct maker_catalog *m)
{
	return path_of(m, "/x");
}

static int path_is_an_url(struct maker_catalog *m)
{
	return path_of(m, "http://127.0.0.1/x");
}

static int path_has_a_query(struct maker_catalog *m)
{
	return path_of(m, "x?y=1");
}

struct row {
	const char *name;
	int (*change)(struct maker_catalog *maker);
};

#define ROW(f)                                                                 \
	{                                                                      \
#f, f                                                          \
	}

static const struct row rows[] = {
	ROW(plain),
	ROW(as_cose_sign),
	ROW(signed_by_author),
	ROW(signed_by_root_keys),
	ROW(purpose_of_a_root),
	ROW(epoch_below),
	ROW(epoch_above),
	ROW(needs_a_newer_root),
	ROW(issued_in_the_future),
	ROW(expires_before_issued),
	ROW(has_expired),
	ROW(unknown_key),
	ROW(negative_key),
	ROW(negative_key_in_an_entry),
	ROW(entry_twice),
	ROW(entries_by_hardware),
	ROW(hardware_range_reversed),
	ROW(path_leaves_the_folder),
	ROW(path_is_absolute),
	ROW(path_is_an_url),
	ROW(path_has_a_query),
};

START_TEST(catalog_accept_changed_catalog_gives_its_code)
{
	struct maker_catalog maker = maker_catalog_default();
	int expected = rows[_i].change(&maker);
	int code = code_of(&maker, NULL, MAKER_NOW);

	ck_assert_msg(code == expected, "%s: %s, expected %s", rows[_i].name,
		err_name(code), err_name(expected));
}
END_TEST

/* The floor that accepting a catalog leaves. */
static struct catalog_floor floor_of(const struct maker_catalog *maker)
{
	struct catalog_floor floor = {.set = true};
	struct catalog *catalog;

	ck_assert_int_eq(catalog_accept(root, made(maker), NULL,
				 &today, &catalog, NULL, NULL),
		0);
	floor.epoch = catalog->epoch;
	floor.sequence = catalog->sequence;
	memcpy(floor.sha256, catalog->sha256, 32);
	catalog_free(catalog);
	return floor;
}

START_TEST(catalog_accept_lower_sequence_is_a_rollback)
{
	struct maker_catalog maker = maker_catalog_default();
	struct catalog_floor floor = floor_of(&maker);

	maker.sequence--;
	ck_assert_int_eq(
		code_of(&maker, &floor, MAKER_NOW), ERR_TRUST_CATALOG_ROLLBACK);
}
END_TEST

START_TEST(catalog_accept_same_sequence_only_if_the_same_bytes)
{
	struct maker_catalog maker = maker_catalog_default();
	struct catalog_floor floor = floor_of(&maker);
	struct catalog *catalog = NULL;

	ck_assert_int_eq(catalog_accept(root, buf_bytes(&file), &floor,
				 &today, &catalog, NULL, NULL),
		0);
	catalog_free(catalog);
	maker.expires++;
	ck_assert_int_eq(
		code_of(&maker, &floor, MAKER_NOW), ERR_TRUST_CATALOG_TWIN);
}
END_TEST

START_TEST(catalog_accept_floor_of_a_later_epoch_is_a_rollback)
{
	struct maker_catalog maker = maker_catalog_default();
	struct catalog_floor floor = {.set = true, .epoch = 2};

	ck_assert_int_eq(
		code_of(&maker, &floor, MAKER_NOW), ERR_TRUST_CATALOG_ROLLBACK);
	floor = (struct catalog_floor){
		.set = true, .epoch = 0, .sequence = UINT64_MAX};
	ck_assert_int_eq(code_of(&maker, &floor, MAKER_NOW), 0);
}
END_TEST

START_TEST(catalog_state_expiry_and_grace)
{
	struct maker_catalog maker = maker_catalog_default();
	struct catalog *c;

	ck_assert_int_eq(catalog_accept(root, made(&maker), NULL,
				 &today, &c, NULL, NULL),
		0);
	ck_assert_int_eq(catalog_state(c, root, trust_now_at(c->expires - 1)),
		CATALOG_CURRENT);
	ck_assert_int_eq(catalog_state(c, root, trust_now_at(c->expires)),
		CATALOG_GRACE);
	ck_assert_int_eq(
		catalog_state(c, root, trust_now_at(c->expires + 3600)),
		CATALOG_EXPIRED);
	catalog_free(c);
}
END_TEST

static struct catalog_target target(void)
{
	static const uint8_t app[] = {0x81, 0x43, 'a', 'p', 'p'};

	return (struct catalog_target){
		.vendor_id = bytes_of(maker_vendor_id, 16),
		.class_id = bytes_of(maker_class_id, 16),
		.component = bytes_of(app, sizeof(app)),
	};
}

static struct catalog *with_offers(
	const struct maker_offer *offers, unsigned count)
{
	struct maker_catalog maker = maker_catalog_default();
	struct catalog *catalog;

	memcpy(maker.offers, offers, count * sizeof(*offers));
	maker.offer_count = count;
	ck_assert_int_eq(catalog_accept(root, made(&maker), NULL,
				 &today, &catalog, NULL, NULL),
		0);
	return catalog;
}

START_TEST(catalog_find_takes_the_highest_that_fits)
{
	struct maker_offer offers[4] = {offer(3), offer(9), offer(7), offer(8)};
	struct catalog_target t = target();
	struct catalog *c;

	offers[1].withdrawn = true;
	offers[3].precursor = true;
	c = with_offers(offers, 4);
	ck_assert_uint_eq(catalog_find(c, &t)->sequence, 7);
	ck_assert_uint_eq(catalog_sequence_floor(c, &t), 9);
	t.component = t.vendor_id;
	ck_assert_ptr_null(catalog_find(c, &t));
	ck_assert_uint_eq(catalog_sequence_floor(c, &t), 0);
	catalog_free(c);
}
END_TEST

START_TEST(catalog_find_hardware_range_decides)
{
	struct maker_offer offers[2] = {offer(3), offer(9)};
	struct catalog_target t = target();
	struct catalog *c;

	offers[1].has_hardware = true;
	offers[1].hardware_min = 2;
	offers[1].hardware_max = 4;
	c = with_offers(offers, 2);
	ck_assert_uint_eq(catalog_find(c, &t)->sequence, 3);
	ck_assert_uint_eq(catalog_sequence_floor(c, &t), 9);
	t.hardware_known = true;
	t.hardware = 4;
	ck_assert_uint_eq(catalog_find(c, &t)->sequence, 9);
	t.hardware = 5;
	ck_assert_uint_eq(catalog_find(c, &t)->sequence, 3);
	ck_assert_uint_eq(catalog_sequence_floor(c, &t), 3);
	catalog_free(c);
}
END_TEST

START_TEST(catalog_find_release_only_for_its_target)
{
	struct maker_offer one = offer(1);
	struct catalog_target t = target();
	struct catalog *c = with_offers(&one, 1);
	struct bytes digest = c->entries[0].manifest_digest;

	ck_assert_ptr_eq(catalog_find_release(c, digest, &t), &c->entries[0]);
	t.class_id = t.vendor_id;
	ck_assert_ptr_null(catalog_find_release(c, digest, &t));
	ck_assert_ptr_eq(catalog_find_manifest(c, digest), &c->entries[0]);
	catalog_free(c);
}
END_TEST

START_TEST(catalog_entry_payload_reads_what_was_listed)
{
	struct maker_offer one = offer(1);
	struct catalog_payload payload;
	struct catalog *c;

	one.payload_sha256[0] = 7;
	c = with_offers(&one, 1);
	ck_assert_int_eq(catalog_entry_payload(&c->entries[0], 0, &payload), 0);
	ck_assert(bytes_is_text(payload.path, "p/x"));
	ck_assert_uint_eq(payload.len, 100);
	ck_assert_uint_eq(payload.sha256.at[0], 7);
	ck_assert_int_ne(catalog_entry_payload(&c->entries[0], 1, &payload), 0);
	catalog_free(c);
}
END_TEST

START_TEST(catalog_accept_every_flipped_byte_is_refused)
{
	struct maker_catalog maker = maker_catalog_default();
	struct catalog *catalog = NULL;
	struct bytes whole;

	maker.offers[0] = offer(1);
	maker.offer_count = 1;
	whole = made(&maker);
	for (size_t i = 0; i < whole.len; i++) {
		file.at[i] ^= (uint8_t)(1u << (i % 8));
		ck_assert_msg(
			catalog_accept(root, whole, NULL,
				&today, &catalog, NULL, NULL) != 0,
			"byte %zu", i);
		file.at[i] ^= (uint8_t)(1u << (i % 8));
	}
}
END_TEST

START_TEST(catalog_accept_larger_than_the_limit_is_refused)
{
	static const uint8_t big[CATALOG_FILE_MAX + 1];
	struct catalog *catalog;

	ck_assert_int_eq(
		catalog_parse(bytes_of(big, sizeof(big)), &catalog, NULL),
		ERR_TOO_LARGE);
}
END_TEST

/* A catalog role that is a certificate: the signer brings its chain. */
static struct maker_cert ca, leaf;

static void chain_setup(void)
{
	struct maker_root maker = maker_root_default();

	setup();
	ca = (struct maker_cert){
		.subject = "CN=ca", .key = maker_key("c-ca"), .ca = true};
	maker_cert_make(&ca);
	leaf = (struct maker_cert){.subject = "CN=leaf",
		.key = maker_key("c-leaf"),
		.issuer = &ca};
	maker_cert_make(&leaf);
	maker.roles[1].entries[0] = (struct maker_entry){.cert = &ca};
	root_free(root);
	buf_reset(&root_file);
	maker_root_file(&maker, &root_file);
	ck_assert_int_eq(root_first(buf_bytes(&root_file), &root, NULL), 0);
}

START_TEST(catalog_accept_chain_to_the_listed_certificate)
{
	struct maker_catalog maker = maker_catalog_default();

	maker.signers[0] = maker_key("c-leaf");
	maker.chain[0] = &leaf;
	ck_assert_int_eq(code_of(&maker, NULL, MAKER_NOW), 0);
	maker.chain[0] = NULL;
	ck_assert_int_eq(
		code_of(&maker, NULL, MAKER_NOW), ERR_TRUST_CATALOG_THRESHOLD);
}
END_TEST

START_TEST(catalog_accept_kid_that_is_not_the_leaf_is_refused)
{
	struct maker_catalog maker = maker_catalog_default();

	maker.signers[0] = maker_key("catalog");
	maker.chain[0] = &leaf;
	ck_assert_int_eq(
		code_of(&maker, NULL, MAKER_NOW), ERR_TRUST_CATALOG_THRESHOLD);
}
END_TEST

START_TEST(catalog_accept_own_root_in_the_chain_is_no_anchor)
{
	struct maker_catalog maker = maker_catalog_default();
	struct maker_cert evil = {
		.subject = "CN=evil", .key = maker_key("c-evil"), .ca = true};
	struct maker_cert below = {.subject = "CN=below",
		.key = maker_key("c-leaf"),
		.issuer = &evil};

	maker_cert_make(&evil);
	maker_cert_make(&below);
	maker.signers[0] = maker_key("c-leaf");
	maker.chain[0] = &below;
	maker.chain[1] = &evil;
	ck_assert_int_eq(
		code_of(&maker, NULL, MAKER_NOW), ERR_TRUST_CATALOG_THRESHOLD);
}
END_TEST

START_TEST(catalog_accept_threshold_counts_distinct_entries)
{
	struct maker_catalog maker = maker_catalog_default();
	struct maker_root two = maker_root_default();

	two.roles[1].threshold = 2;
	two.roles[1].entries[1].key = maker_key("catalog-2");
	root_free(root);
	buf_reset(&root_file);
	maker_root_file(&two, &root_file);
	ck_assert_int_eq(root_first(buf_bytes(&root_file), &root, NULL), 0);
	maker.signers[1] = maker_key("catalog");
	ck_assert_int_eq(
		code_of(&maker, NULL, MAKER_NOW), ERR_TRUST_CATALOG_THRESHOLD);
	maker.signers[1] = maker_key("catalog-2");
	ck_assert_int_eq(code_of(&maker, NULL, MAKER_NOW), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("catalog");
	TCase *tc = tcase_create("catalog");
	TCase *chain = tcase_create("chain");

	maker_init();
	maker_root_default();
	maker_catalog_default();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, catalog_accept_changed_catalog_gives_its_code,
		0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, catalog_accept_lower_sequence_is_a_rollback);
	tcase_add_test(tc, catalog_accept_same_sequence_only_if_the_same_bytes);
	tcase_add_test(tc, catalog_accept_floor_of_a_later_epoch_is_a_rollback);
	tcase_add_test(tc, catalog_state_expiry_and_grace);
	tcase_add_test(tc, catalog_find_takes_the_highest_that_fits);
	tcase_add_test(tc, catalog_find_hardware_range_decides);
	tcase_add_test(tc, catalog_find_release_only_for_its_target);
	tcase_add_test(tc, catalog_entry_payload_reads_what_was_listed);
	tcase_add_test(tc, catalog_accept_every_flipped_byte_is_refused);
	tcase_add_test(tc, catalog_accept_larger_than_the_limit_is_refused);
	tcase_add_test(tc, catalog_accept_threshold_counts_distinct_entries);
	tcase_add_checked_fixture(chain, chain_setup, teardown);
	tcase_add_test(chain, catalog_accept_chain_to_the_listed_certificate);
	tcase_add_test(
		chain, catalog_accept_kid_that_is_not_the_leaf_is_refused);
	tcase_add_test(
		chain, catalog_accept_own_root_in_the_chain_is_no_anchor);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, chain);
	return unit_run(suite);
}

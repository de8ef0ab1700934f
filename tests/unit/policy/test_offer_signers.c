#include "tests/unit/unit.h"

#include "policy/trust/component.h"
#include "tests/unit/policy/hss_maker.h"
#include "tests/unit/policy/maker.h"

/* A release by chains of certificates: author, a second author, operator and
 * the catalog's signer each have a leaf below a CA below an anchor. Everything
 * is good; each test changes one thing and names the row that must refuse. */
#define DAY UINT64_C(86400)

enum who { AUTHOR, SECOND, OPERATOR, CATALOG, WHO_COUNT };

struct chain {
	struct maker_cert leaf, issuing, anchor;
	struct cert_id leaf_id, issuing_id;
};

static struct chain chains[WHO_COUNT];

struct world {
	struct maker_root root_maker;
	struct maker_catalog catalog_maker;
	struct maker_envelope envelope_maker;
	struct buf root_file, catalog_file, envelope_file;
	struct root *root;
	struct catalog *catalog;
	struct suit_slot slot;
	uint8_t component[COMPONENT_LEN_MAX];
	struct statement known[2 * WHO_COUNT + 2];
	uint8_t revoked[1][CERT_ID_LEN];
	struct revocation_view view;
	struct revocation_needs needs;
	struct signer_demand demand;
	struct offer_request request;
	struct verdict verdict;
	struct offer_plan plan;
};

static struct world w;
static const char image[] = "the image of the application";

static void chain_make(struct chain *c, const char *const names[3])
{
	c->anchor = (struct maker_cert){
		.subject = names[2], .key = maker_key(names[2]), .ca = true};
	maker_cert_make(&c->anchor);
	c->issuing = (struct maker_cert){.subject = names[1],
		.key = maker_key(names[1]),
		.issuer = &c->anchor,
		.ca = true};
	maker_cert_make(&c->issuing);
	c->leaf = (struct maker_cert){.subject = names[0],
		.key = maker_key(names[0]),
		.issuer = &c->issuing};
	maker_cert_make(&c->leaf);
	ck_assert_int_eq(cert_id_of(maker_cert_der(&c->leaf),
				 maker_cert_der(&c->issuing), &c->leaf_id),
		0);
	ck_assert_int_eq(cert_id_of(maker_cert_der(&c->issuing),
				 maker_cert_der(&c->anchor), &c->issuing_id),
		0);
}

static void chains_make(void)
{
	static const char *const names[WHO_COUNT][3] = {
		{"CN=author", "CN=author CA", "CN=author anchor"},
		{"CN=second", "CN=second CA", "CN=second anchor"},
		{"CN=operator", "CN=operator CA", "CN=operator anchor"},
		{"CN=catalog", "CN=catalog CA", "CN=catalog anchor"},
	};

	for (unsigned i = 0; i < WHO_COUNT; i++)
		chain_make(&chains[i], names[i]);
}

static struct statement *good(const struct cert_id *id)
{
	struct statement *s = &w.known[w.view.statement_count++];

	*s = (struct statement){
		.id = *id,
		.kind = EVIDENCE_CRL,
		.this_update = MAKER_NOW - DAY,
		.next_update = MAKER_NOW + DAY,
	};
	return s;
}

/* The statement about somebody's leaf; the CA's is the next one. */
static struct statement *about(enum who who)
{
	return &w.known[2 * who];
}

static struct maker_entry anchored(enum who who)
{
	return (struct maker_entry){.cert = &chains[who].anchor,
		.key = chains[who].anchor.key};
}

static void sign_by(enum who who, unsigned place)
{
	const struct maker_cert **chain = place
						  ? w.envelope_maker.other_chain
						  : w.envelope_maker.chain;

	w.envelope_maker.signers[place] = chains[who].leaf.key;
	chain[0] = &chains[who].leaf;
	chain[1] = &chains[who].issuing;
}

static void setup_request(void)
{
	size_t len = 0;

	component_from_text("app", w.component, &len);
	w.slot = (struct suit_slot){bytes_of(w.component, len), 4};
	w.view.statements = w.known;
	w.view.revoked = (const uint8_t(*)[CERT_ID_LEN])w.revoked;
	w.request = (struct offer_request){
		.facts =
			{
				.vendor_id = bytes_of(maker_vendor_id, 16),
				.class_id = bytes_of(maker_class_id, 16),
				.slots = &w.slot,
				.slot_count = 1,
			},
		.floor_known = true,
		.floor = 7,
		.now = trust_now_at(MAKER_NOW),
		.now_known = true,
		.revocation = &w.view,
		.needs = &w.needs,
		.demand = &w.demand,
	};
}

static void setup(void)
{
	uint8_t sha256[32];

	memset(&w, 0, sizeof(w));
	crypto_sha256(bytes_of(image, sizeof(image)), sha256);
	w.root_maker = maker_root_default();
	w.root_maker.roles[1].entries[0] = anchored(CATALOG);
	w.root_maker.roles[2].entries[0] = anchored(AUTHOR);
	w.root_maker.roles[2].entries[1] = anchored(SECOND);
	w.root_maker.roles[3] =
		(struct maker_role){ROLE_OPERATOR, 1, {anchored(OPERATOR)}};
	w.catalog_maker = maker_catalog_default();
	w.catalog_maker.signers[0] = chains[CATALOG].leaf.key;
	w.catalog_maker.chain[0] = &chains[CATALOG].leaf;
	w.catalog_maker.chain[1] = &chains[CATALOG].issuing;
	w.catalog_maker.offer_count = 1;
	w.catalog_maker.offers[0] = (struct maker_offer){
		.sequence = 7, .payload_len = sizeof(image)};
	memcpy(w.catalog_maker.offers[0].payload_sha256, sha256, 32);
	w.envelope_maker.sequence = 7;
	w.envelope_maker.size = sizeof(image);
	memcpy(w.envelope_maker.digest, sha256, 32);
	sign_by(AUTHOR, 0);
	setup_request();
	for (unsigned i = 0; i < WHO_COUNT; i++) {
		good(&chains[i].leaf_id);
		good(&chains[i].issuing_id);
	}
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

static void publish(void)
{
	const struct chain_rules rules = maker_rules(MAKER_NOW);

	maker_root_file(&w.root_maker, &w.root_file);
	ck_assert_int_eq(root_first(buf_bytes(&w.root_file), &w.root, NULL), 0);
	maker_envelope_file(&w.envelope_maker, &w.envelope_file);
	w.request.envelope = buf_bytes(&w.envelope_file);
	w.catalog_maker.offers[0].envelope = w.request.envelope;
	maker_catalog_file(&w.catalog_maker, &w.catalog_file);
	ck_assert_int_eq(catalog_accept(w.root, buf_bytes(&w.catalog_file),
				 NULL, &rules, &w.catalog, NULL, NULL),
		0);
	w.request.root = w.root;
	w.request.catalog = w.catalog;
}

static int judged(void)
{
	publish();
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

static enum check_outcome outcome_of(const char *check)
{
	const struct check *row = verdict_find(&w.verdict, check);

	ck_assert_msg(row != NULL, "no check %s", check);
	return row->outcome;
}

START_TEST(offer_judge_chains_with_evidence_reach_enhanced)
{
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("revocation"), CHECK_PASS);
	ck_assert_int_eq(outcome_of("catalog-revocation"), CHECK_PASS);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_ENHANCED);
	ck_assert_uint_eq(w.needs.count, 4);
	ck_assert_uint_eq(w.plan.signer_not_after, MAKER_NOW + DAY - 1);
	ck_assert_uint_eq(w.plan.signed_time, MAKER_NOW - DAY);
}
END_TEST

START_TEST(offer_judge_first_evidence_that_runs_out_ends_the_plan)
{
	about(CATALOG)[1].next_update = MAKER_NOW + 60;
	ck_assert_int_eq(judged(), 0);
	ck_assert_uint_eq(w.plan.signer_not_after, MAKER_NOW + 59);
}
END_TEST

START_TEST(offer_judge_without_view_refuses)
{
	w.request.revocation = NULL;
	refuses("catalog-revocation", ERR_TRUST_REVOCATION_NONE);
	ck_assert_int_eq(
		verdict_find(&w.verdict, "revocation")->outcome, CHECK_FAIL);
}
END_TEST

/* ---- one certificate whose evidence is not good ---- */

struct fault_row {
	const char *name;
	void (*spoil)(struct statement *s);
	int code;
};

static void forget(struct statement *s)
{
	s->id.serial_len = 0;
}

static void age(struct statement *s)
{
	s->next_update = MAKER_NOW;
}

static void ahead(struct statement *s)
{
	s->this_update = MAKER_NOW + 2 * TRUST_SKEW_S;
}

static void wonder(struct statement *s)
{
	s->status = STATEMENT_UNKNOWN;
}

static void revoke(struct statement *s)
{
	s->status = STATEMENT_REVOKED;
}

static void revoke_long_ago(struct statement *s)
{
	revoke(s);
	age(s);
}

static void remember(struct statement *s)
{
	cert_id_digest(&s->id, w.revoked[0]);
	w.view.revoked_count = 1;
}

static const struct fault_row faults[] = {
	{"missing", forget, ERR_TRUST_REVOCATION_MISSING},
	{"stale", age, ERR_TRUST_REVOCATION_STALE},
	{"from the future", ahead, ERR_TRUST_REVOCATION_NOT_YET},
	{"unknown", wonder, ERR_TRUST_REVOCATION_UNKNOWN},
	{"revoked", revoke, ERR_TRUST_REVOKED},
	{"revoked, by an old list", revoke_long_ago, ERR_TRUST_REVOKED},
	{"seen revoked before", remember, ERR_TRUST_REVOKED},
};

#define FAULTS ((int)(sizeof(faults) / sizeof(faults[0])))

static const char *const rows[WHO_COUNT] = {
	"revocation", "revocation", "operator-signature", "catalog-revocation"};

/* All but the operator, whom nobody demands, stop the release with a code of
 * their own; below a threshold of two both authors do. */
START_TEST(offer_judge_evidence_row_gives_its_code_for_everybody)
{
	const struct fault_row *row = &faults[_i / 2];
	unsigned which = (unsigned)_i % 2; /* leaf, or its CA */

	for (unsigned who = 0; who < WHO_COUNT; who++) {
		const struct check *check;
		int code;

		teardown();
		setup();
		w.root_maker.roles[2].threshold = who == SECOND ? 2 : 1;
		if (who == SECOND)
			sign_by(SECOND, 1);
		if (who == OPERATOR) {
			sign_by(OPERATOR, 1);
			w.demand.roles = SIGNER_OPERATOR;
		}
		row->spoil(&about((enum who)who)[which]);
		code = judged();
		ck_assert_msg(code == row->code, "%s, %u/%u: %s, expected %s",
			row->name, who, which, err_name(code),
			err_name(row->code));
		check = verdict_find(&w.verdict, rows[who]);
		ck_assert_msg(check && check->code == row->code, "%s, %u/%u",
			row->name, who, which);
		ck_assert(!verdict_accepts(&w.verdict, false));
	}
}
END_TEST

START_TEST(offer_judge_one_good_author_is_enough_for_a_threshold_of_one)
{
	sign_by(SECOND, 1);
	revoke(about(SECOND));
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("revocation"), CHECK_PASS);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_ENHANCED);
}
END_TEST

/* ---- policies ---- */

START_TEST(offer_judge_off_is_said_and_reaches_upgraded_at_most)
{
	w.view.policy = REVOCATION_OFF;
	w.view.statement_count = 0;
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("revocation"), CHECK_OFF);
	ck_assert_int_eq(outcome_of("catalog-revocation"), CHECK_OFF);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_UPGRADED);
	ck_assert_uint_eq(w.needs.count, 0);
}
END_TEST

START_TEST(offer_judge_off_still_refuses_who_was_seen_revoked)
{
	w.view.policy = REVOCATION_OFF;
	remember(about(AUTHOR));
	refuses("revocation", ERR_TRUST_REVOKED);
}
END_TEST

START_TEST(offer_judge_overdue_evidence_reaches_upgraded_at_most)
{
	uint8_t digest[1][CERT_ID_LEN];

	w.view.policy = REVOCATION_IF_REACHABLE;
	w.view.max_age_s = 2 * DAY;
	w.view.unreachable = (const uint8_t(*)[CERT_ID_LEN])digest;
	w.view.unreachable_count = 1;
	ck_assert_int_eq(cert_id_digest(&about(AUTHOR)->id, digest[0]), 0);
	age(about(AUTHOR));
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_UPGRADED);
	w.view.max_age_s = DAY;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, NULL),
		ERR_TRUST_REVOCATION_STALE);
}
END_TEST

/* ---- keys and anchors that sign by themselves ---- */

static void author_is(struct maker_entry entry)
{
	w.root_maker.roles[2].entries[0] = entry;
	w.root_maker.roles[2].entries[1] = (struct maker_entry){0};
	w.envelope_maker.signers[0] =
		entry.cert ? entry.cert->key : entry.key;
	w.envelope_maker.chain[0] = entry.cert;
	w.envelope_maker.chain[1] = NULL;
}

START_TEST(offer_judge_bare_key_needs_the_roots_word)
{
	author_is((struct maker_entry){.key = maker_key("author")});
	refuses("revocation", ERR_TRUST_REVOCATION_ANCHOR);
}
END_TEST

START_TEST(offer_judge_bare_key_of_root_only_reaches_upgraded)
{
	author_is((struct maker_entry){
		.key = maker_key("author"), .root_only = true});
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("revocation"), CHECK_PASS);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_UPGRADED);
}
END_TEST

START_TEST(offer_judge_end_entity_anchor_needs_the_roots_word)
{
	author_is((struct maker_entry){.cert = &chains[AUTHOR].leaf});
	refuses("revocation", ERR_TRUST_REVOCATION_ANCHOR);
}
END_TEST

START_TEST(offer_judge_end_entity_anchor_of_root_only_reaches_upgraded)
{
	author_is((struct maker_entry){
		.cert = &chains[AUTHOR].leaf, .root_only = true});
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_UPGRADED);
}
END_TEST

START_TEST(offer_judge_root_only_of_a_ca_excuses_nobody_below)
{
	w.root_maker.roles[2].entries[0].root_only = true;
	forget(about(AUTHOR));
	refuses("revocation", ERR_TRUST_REVOCATION_MISSING);
}
END_TEST

START_TEST(offer_judge_anchor_without_root_needs_a_root)
{
	const struct offer_anchor anchor = {.key = maker_key("author")->key};

	author_is((struct maker_entry){.key = maker_key("author")});
	publish();
	w.request.root = NULL;
	w.request.catalog = NULL;
	w.request.anchors = &anchor;
	w.request.anchor_count = 1;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, NULL),
		ERR_TRUST_REVOCATION_ANCHOR);
}
END_TEST

/* ---- who else has to sign ---- */

START_TEST(offer_judge_demanded_operator_has_signed)
{
	sign_by(OPERATOR, 1);
	w.demand.roles = SIGNER_OPERATOR | SIGNER_AUTHOR | SIGNER_CATALOG;
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("operator-signature"), CHECK_PASS);
	ck_assert_ptr_null(verdict_find(&w.verdict, "regulator-signature"));
	ck_assert_uint_eq(w.needs.count, 6);
}
END_TEST

START_TEST(offer_judge_demanded_operator_is_missing)
{
	w.demand.roles = SIGNER_OPERATOR;
	refuses("operator-signature", ERR_TRUST_SIGNERS_MISSING);
}
END_TEST

START_TEST(offer_judge_author_does_not_stand_in_for_the_operator)
{
	sign_by(SECOND, 1);
	w.demand.roles = SIGNER_OPERATOR;
	refuses("operator-signature", ERR_TRUST_SIGNERS_MISSING);
}
END_TEST

/* Both authorities have certified it. */
START_TEST(offer_judge_one_key_does_not_speak_for_two_roles)
{
	struct maker_cert leaf = {.subject = "CN=author as operator",
		.key = chains[AUTHOR].leaf.key,
		.issuer = &chains[OPERATOR].issuing};
	struct cert_id id;

	maker_cert_make(&leaf);
	ck_assert_int_eq(cert_id_of(maker_cert_der(&leaf),
				 maker_cert_der(&chains[OPERATOR].issuing),
				 &id),
		0);
	good(&id);
	w.envelope_maker.signers[1] = leaf.key;
	w.envelope_maker.other_chain[0] = &leaf;
	w.envelope_maker.other_chain[1] = &chains[OPERATOR].issuing;
	w.demand.roles = SIGNER_OPERATOR;
	refuses("operator-signature", ERR_TRUST_SIGNERS_MISSING);
}
END_TEST

START_TEST(offer_judge_operator_does_not_stand_in_for_the_author)
{
	sign_by(OPERATOR, 0);
	ck_assert_int_ne(judged(), 0);
	ck_assert_int_eq(outcome_of("author-signature"), CHECK_FAIL);
}
END_TEST

START_TEST(offer_judge_demanded_role_that_the_root_lacks_is_refused)
{
	w.demand.roles = SIGNER_REGULATOR;
	refuses("regulator-signature", ERR_TRUST_SIGNERS_ROLE);
}
END_TEST

START_TEST(offer_judge_operator_outside_of_its_scope_does_not_count)
{
	static const uint8_t other[16] = "another-class-1";

	sign_by(OPERATOR, 1);
	w.root_maker.roles[3].entries[0].scope_class = other;
	w.demand.roles = SIGNER_OPERATOR;
	refuses("operator-signature", ERR_TRUST_SIGNERS_MISSING);
}
END_TEST

START_TEST(offer_judge_threshold_of_operators_counts)
{
	sign_by(OPERATOR, 1);
	w.root_maker.roles[3].threshold = 2;
	w.root_maker.roles[3].entries[1] = (struct maker_entry){
		.key = maker_key("operator-2"), .root_only = true};
	w.demand.roles = SIGNER_OPERATOR;
	refuses("operator-signature", ERR_TRUST_SIGNERS_MISSING);
	teardown();
	setup();
	sign_by(OPERATOR, 1);
	w.root_maker.roles[3].threshold = 2;
	w.root_maker.roles[3].entries[1] = (struct maker_entry){
		.key = maker_key("operator-2"), .root_only = true};
	w.envelope_maker.signers[2] = maker_key("operator-2");
	w.demand.roles = SIGNER_OPERATOR;
	ck_assert_int_eq(judged(), 0);
}
END_TEST

START_TEST(offer_judge_regulator_with_a_bare_key_has_signed)
{
	w.root_maker.roles[4] = (struct maker_role){ROLE_REGULATOR, 1,
		{{.key = maker_key("regulator"), .root_only = true}}};
	w.envelope_maker.signers[1] = maker_key("regulator");
	w.demand.roles = SIGNER_REGULATOR;
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("regulator-signature"), CHECK_PASS);
}
END_TEST

START_TEST(offer_judge_demanded_catalog_is_missing)
{
	publish();
	w.request.catalog = NULL;
	w.demand.roles = SIGNER_CATALOG;
	ck_assert_int_eq(offer_judge(&w.request, &w.verdict, NULL),
		ERR_TRUST_SIGNERS_MISSING);
	ck_assert_int_eq(outcome_of("catalog-signature"), CHECK_FAIL);
}
END_TEST

START_TEST(offer_judge_demanded_algorithm_is_there)
{
	w.demand.algs = SIGNER_ES256;
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("demanded-algorithms"), CHECK_PASS);
}
END_TEST

START_TEST(offer_judge_demanded_algorithm_is_missing)
{
	w.demand.algs = SIGNER_ES256 | SIGNER_HSS;
	refuses("demanded-algorithms", ERR_TRUST_SIGNERS_ALG);
	ck_assert_ptr_nonnull(strstr(
		verdict_find(&w.verdict, "demanded-algorithms")->evidence,
		"hss"));
}
END_TEST

/* ---- hash-based signatures ---- */

static int hss_sign(void *arg, enum cose_alg alg, struct bytes tbs,
	uint8_t *ret_signature, size_t len)
{
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sig;

	(void)alg;
	buf_init(&sig, HSS_SIGNATURE_MAX);
	hss_maker_sign(arg, tbs, pub, &sig);
	ck_assert_uint_eq(sig.len, len);
	memcpy(ret_signature, sig.at, len);
	buf_done(&sig);
	return 0;
}

/* The second author is a bare HSS key, and has signed. */
static void sign_by_hss(bool root_only)
{
	static struct hss_maker maker;
	static struct cose_signing by;
	static struct maker_key key;
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sig;

	maker = hss_maker_of(1, 5, 4);
	buf_init(&sig, HSS_SIGNATURE_MAX);
	hss_maker_sign(&maker, bytes_of("", 0), pub, &sig);
	ck_assert_int_eq(
		cose_key_from_hss(bytes_of(pub, sizeof(pub)), &key.key), 0);
	ck_assert_int_eq(cose_key_thumbprint(&key.key, key.kid), 0);
	by = (struct cose_signing){
		.alg = COSE_HSS_LMS,
		.kid = bytes_of(key.kid, sizeof(key.kid)),
		.sign = hss_sign,
		.arg = &maker,
		.signature_len = sig.len,
	};
	buf_done(&sig);
	w.envelope_maker.extra = &by;
	w.root_maker.roles[2].entries[1] =
		(struct maker_entry){.key = &key, .root_only = root_only};
}

START_TEST(offer_judge_both_algorithms_reach_quantum)
{
	sign_by_hss(true);
	w.demand.algs = SIGNER_ES256 | SIGNER_HSS;
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(outcome_of("demanded-algorithms"), CHECK_PASS);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_QUANTUM);
}
END_TEST

START_TEST(offer_judge_algorithm_of_an_author_that_is_withheld_is_missing)
{
	sign_by_hss(false);
	w.demand.algs = SIGNER_ES256 | SIGNER_HSS;
	refuses("demanded-algorithms", ERR_TRUST_SIGNERS_ALG);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_ENHANCED);
}
END_TEST

START_TEST(offer_judge_hss_alone_lacks_the_other_algorithm)
{
	sign_by_hss(true);
	revoke(about(AUTHOR));
	w.demand.algs = SIGNER_ES256 | SIGNER_HSS;
	refuses("demanded-algorithms", ERR_TRUST_SIGNERS_ALG);
	ck_assert_ptr_nonnull(strstr(
		verdict_find(&w.verdict, "demanded-algorithms")->evidence,
		"es256"));
}
END_TEST

START_TEST(offer_judge_hss_under_off_reaches_upgraded_at_most)
{
	sign_by_hss(true);
	w.view.policy = REVOCATION_OFF;
	ck_assert_int_eq(judged(), 0);
	ck_assert_int_eq(w.verdict.tiers.of[STEP_SIGN], TIER_UPGRADED);
}
END_TEST

START_TEST(signer_bits_have_names_and_nothing_else_has)
{
	ck_assert_uint_eq(
		signer_role_bit(bytes_of_text("operator")), SIGNER_OPERATOR);
	ck_assert_uint_eq(signer_role_bit(bytes_of_text("root")), 0);
	ck_assert_uint_eq(signer_alg_bit(bytes_of_text("hss")), SIGNER_HSS);
	ck_assert_uint_eq(signer_alg_bit(bytes_of_text("")), 0);
	ck_assert_str_eq(signer_role_name(SIGNER_REGULATOR), "regulator");
	ck_assert_str_eq(signer_alg_name(SIGNER_ED25519), "ed25519");
	ck_assert_str_eq(signer_alg_name(0), "?");
	ck_assert_uint_eq(signer_alg_of(COSE_ESP512), SIGNER_ES256);
	ck_assert_uint_eq(signer_alg_of(COSE_HMAC256), 0);
}
END_TEST

static void add_anchor_tests(TCase *tc)
{
	tcase_add_test(tc, offer_judge_bare_key_needs_the_roots_word);
	tcase_add_test(tc, offer_judge_bare_key_of_root_only_reaches_upgraded);
	tcase_add_test(tc, offer_judge_end_entity_anchor_needs_the_roots_word);
	tcase_add_test(tc,
		offer_judge_end_entity_anchor_of_root_only_reaches_upgraded);
	tcase_add_test(tc, offer_judge_root_only_of_a_ca_excuses_nobody_below);
	tcase_add_test(tc, offer_judge_anchor_without_root_needs_a_root);
}

static void add_demand_tests(TCase *tc)
{
	tcase_add_test(tc, offer_judge_demanded_operator_has_signed);
	tcase_add_test(tc, offer_judge_demanded_operator_is_missing);
	tcase_add_test(
		tc, offer_judge_author_does_not_stand_in_for_the_operator);
	tcase_add_test(tc, offer_judge_one_key_does_not_speak_for_two_roles);
	tcase_add_test(
		tc, offer_judge_operator_does_not_stand_in_for_the_author);
	tcase_add_test(
		tc, offer_judge_demanded_role_that_the_root_lacks_is_refused);
	tcase_add_test(
		tc, offer_judge_operator_outside_of_its_scope_does_not_count);
	tcase_add_test(tc, offer_judge_threshold_of_operators_counts);
	tcase_add_test(tc, offer_judge_regulator_with_a_bare_key_has_signed);
	tcase_add_test(tc, offer_judge_demanded_catalog_is_missing);
	tcase_add_test(tc, offer_judge_demanded_algorithm_is_there);
	tcase_add_test(tc, offer_judge_demanded_algorithm_is_missing);
	tcase_add_test(tc, offer_judge_both_algorithms_reach_quantum);
	tcase_add_test(tc,
		offer_judge_algorithm_of_an_author_that_is_withheld_is_missing);
	tcase_add_test(tc, offer_judge_hss_alone_lacks_the_other_algorithm);
	tcase_add_test(tc, offer_judge_hss_under_off_reaches_upgraded_at_most);
	tcase_add_test(tc, signer_bits_have_names_and_nothing_else_has);
}

int main(void)
{
	Suite *suite = suite_create("offer_signers");
	TCase *tc = tcase_create("offer_signers");

	maker_init();
	tcase_add_unchecked_fixture(tc, chains_make, NULL);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, offer_judge_chains_with_evidence_reach_enhanced);
	tcase_add_test(
		tc, offer_judge_first_evidence_that_runs_out_ends_the_plan);
	tcase_add_test(tc, offer_judge_without_view_refuses);
	tcase_add_loop_test(tc,
		offer_judge_evidence_row_gives_its_code_for_everybody, 0,
		2 * FAULTS);
	tcase_add_test(tc,
		offer_judge_one_good_author_is_enough_for_a_threshold_of_one);
	tcase_add_test(
		tc, offer_judge_off_is_said_and_reaches_upgraded_at_most);
	tcase_add_test(tc, offer_judge_off_still_refuses_who_was_seen_revoked);
	tcase_add_test(
		tc, offer_judge_overdue_evidence_reaches_upgraded_at_most);
	add_anchor_tests(tc);
	add_demand_tests(tc);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "policy/trust/x509.h"
#include "tests/unit/policy/maker.h"

/* A path of three certificates below its anchor, with statements about them
 * made by hand. */
#define BELOW 3
#define DAY UINT64_C(86400)

static struct maker_cert chain[BELOW + 1];
static struct bytes path[BELOW + 1];
static struct cert_id ids[BELOW];
static uint8_t digests[BELOW][CERT_ID_LEN];

/* What is known, and what came of it. */
static struct statement known[16];
static uint8_t seen[BELOW][CERT_ID_LEN]; /* revoked */
static struct revocation_view view;
static struct revocation_needs needs;
static struct revocation_result result;

static void setup(void)
{
	static const char *const names[] = {
		"CN=leaf", "CN=issuing", "CN=middle", "CN=anchor"};

	for (unsigned i = BELOW + 1; i-- > 0;) {
		chain[i] = (struct maker_cert){
			.subject = names[i],
			.key = maker_key(names[i]),
			.issuer = i < BELOW ? &chain[i + 1] : NULL,
			.ca = i > 0,
		};
		maker_cert_make(&chain[i]);
		path[i] = maker_cert_der(&chain[i]);
	}
	for (unsigned i = 0; i < BELOW; i++) {
		ck_assert_int_eq(cert_id_of(path[i], path[i + 1], &ids[i]), 0);
		ck_assert_int_eq(cert_id_digest(&ids[i], digests[i]), 0);
	}
}

/* C before C23 does not add const to arrays behind pointers by itself. */
#define LIST(digests) ((const uint8_t(*)[CERT_ID_LEN])(digests))

static void forget(void)
{
	memset(known, 0, sizeof(known));
	view = (struct revocation_view){
		.statements = known, .revoked = LIST(seen)};
	needs = (struct revocation_needs){0};
}

static struct statement *say(unsigned i, enum evidence_kind kind,
	enum statement_status status)
{
	struct statement *s = &known[view.statement_count++];

	*s = (struct statement){
		.id = ids[i],
		.kind = kind,
		.status = status,
		.this_update = MAKER_NOW - DAY,
		.next_update = MAKER_NOW + DAY,
		.number = {[EVIDENCE_NUMBER_LEN - 1] = 17},
	};
	return s;
}

static void say_good(void)
{
	for (unsigned i = 0; i < BELOW; i++)
		say(i, EVIDENCE_CRL, STATEMENT_GOOD);
}

static int judge(void)
{
	return revocation_judge(&view, path, BELOW + 1, false,
		trust_now_at(MAKER_NOW), &needs, &result);
}

/* ---- one statement ---- */

/* Says one thing about a certificate; all others are good. */
struct row {
	const char *name;
	void (*about)(unsigned i);
	int code;
};

static void good_crl(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_GOOD);
}

static void good_ocsp(unsigned i)
{
	say(i, EVIDENCE_OCSP, STATEMENT_GOOD);
}

static void good_both(unsigned i)
{
	good_crl(i);
	good_ocsp(i);
}

static void nothing(unsigned i)
{
	(void)i;
}

static void stale(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_GOOD)->next_update = MAKER_NOW;
}

static void last_second(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_GOOD)->next_update = MAKER_NOW + 1;
}

static void stale_beside_good(unsigned i)
{
	stale(i);
	good_ocsp(i);
}

static void not_yet(unsigned i)
{
	say(i, EVIDENCE_OCSP, STATEMENT_GOOD)->this_update =
		MAKER_NOW + TRUST_SKEW_S + 1;
}

static void within_skew(unsigned i)
{
	say(i, EVIDENCE_OCSP, STATEMENT_GOOD)->this_update =
		MAKER_NOW + TRUST_SKEW_S;
}

static void unknown(unsigned i)
{
	say(i, EVIDENCE_OCSP, STATEMENT_UNKNOWN);
}

static void unknown_beside_good(unsigned i)
{
	unknown(i);
	good_crl(i);
}

static void revoked_by_crl(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_REVOKED);
}

static void revoked_by_ocsp(unsigned i)
{
	say(i, EVIDENCE_OCSP, STATEMENT_REVOKED);
}

static void revoked_long_ago(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_REVOKED)->next_update = 1;
}

static void revoked_beside_good(unsigned i)
{
	good_crl(i);
	revoked_by_ocsp(i);
}

static void good_beside_revoked(unsigned i)
{
	revoked_long_ago(i);
	good_ocsp(i);
}

static void seen_revoked(unsigned i)
{
	good_both(i);
	memcpy(seen[view.revoked_count++], digests[i], CERT_ID_LEN);
}

static void of_another_serial(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_GOOD)->id.serial[0] ^= 1;
}

static void of_a_longer_serial(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_GOOD)->id.serial_len++;
}

static void of_another_issuer_name(unsigned i)
{
	say(i, EVIDENCE_CRL, STATEMENT_GOOD)->id.issuer_name[31] ^= 1;
}

static void of_another_issuer_key(unsigned i)
{
	say(i, EVIDENCE_OCSP, STATEMENT_GOOD)->id.issuer_key[0] ^= 1;
}

static struct statement *by_delegate(unsigned i)
{
	struct statement *s = say(i, EVIDENCE_OCSP, STATEMENT_GOOD);

	s->by_delegate = true;
	s->delegate = ids[i];
	s->delegate.serial[0] ^= 0x55;
	return s;
}

static struct statement *about_delegate(
	unsigned i, enum evidence_kind kind, enum statement_status status)
{
	struct statement *answer = by_delegate(i);
	struct statement *s = say(i, kind, status);

	s->id = answer->delegate;
	return s;
}

static void delegate_alone(unsigned i)
{
	by_delegate(i);
}

static void delegate_on_a_list(unsigned i)
{
	about_delegate(i, EVIDENCE_CRL, STATEMENT_GOOD);
}

static void delegate_revoked(unsigned i)
{
	about_delegate(i, EVIDENCE_CRL, STATEMENT_REVOKED);
}

static void delegate_stale(unsigned i)
{
	about_delegate(i, EVIDENCE_CRL, STATEMENT_GOOD)->next_update =
		MAKER_NOW;
}

static void delegate_by_itself(unsigned i)
{
	struct statement *s =
		about_delegate(i, EVIDENCE_OCSP, STATEMENT_GOOD);

	s->by_delegate = true;
	s->delegate = s->id;
}

static void delegate_seen_revoked(unsigned i)
{
	cert_id_digest(&about_delegate(i, EVIDENCE_CRL, STATEMENT_GOOD)->id,
		seen[view.revoked_count++]);
}

static void delegate_beside_list(unsigned i)
{
	by_delegate(i);
	good_crl(i);
}

static void delegate_says_revoked(unsigned i)
{
	by_delegate(i)->status = STATEMENT_REVOKED;
	good_crl(i);
}

static const struct row rows[] = {
	{"good by a list", good_crl, 0},
	{"good by an answer", good_ocsp, 0},
	{"good by both", good_both, 0},
	{"in its last second", last_second, 0},
	{"stale beside a good one", stale_beside_good, 0},
	{"a little ahead of the clock", within_skew, 0},
	{"unknown, but good by a list", unknown_beside_good, 0},
	{"by a delegate that a list calls good", delegate_on_a_list, 0},
	{"by a delegate, and by a list", delegate_beside_list, 0},
	{"nothing", nothing, ERR_TRUST_REVOCATION_MISSING},
	{"stale", stale, ERR_TRUST_REVOCATION_STALE},
	{"from the future", not_yet, ERR_TRUST_REVOCATION_NOT_YET},
	{"unknown", unknown, ERR_TRUST_REVOCATION_UNKNOWN},
	{"revoked by a list", revoked_by_crl, ERR_TRUST_REVOKED},
	{"revoked by an answer", revoked_by_ocsp, ERR_TRUST_REVOKED},
	{"revoked by an old list", revoked_long_ago, ERR_TRUST_REVOKED},
	{"good by a list, revoked by an answer", revoked_beside_good,
		ERR_TRUST_REVOKED},
	{"good by an answer, revoked by an old list", good_beside_revoked,
		ERR_TRUST_REVOKED},
	{"good, but seen revoked before", seen_revoked, ERR_TRUST_REVOKED},
	{"about another serial", of_another_serial,
		ERR_TRUST_REVOCATION_MISSING},
	{"about a longer serial", of_a_longer_serial,
		ERR_TRUST_REVOCATION_MISSING},
	{"about a certificate of another issuer", of_another_issuer_name,
		ERR_TRUST_REVOCATION_MISSING},
	{"about a certificate of another key", of_another_issuer_key,
		ERR_TRUST_REVOCATION_MISSING},
	{"by a delegate without evidence", delegate_alone,
		ERR_TRUST_REVOCATION_MISSING},
	{"by a revoked delegate", delegate_revoked,
		ERR_TRUST_REVOCATION_MISSING},
	{"by a delegate with stale evidence", delegate_stale,
		ERR_TRUST_REVOCATION_MISSING},
	{"by a delegate that vouches for itself", delegate_by_itself,
		ERR_TRUST_REVOCATION_MISSING},
	{"by a delegate that was seen revoked", delegate_seen_revoked,
		ERR_TRUST_REVOCATION_MISSING},
	{"revoked by a delegate without evidence", delegate_says_revoked,
		ERR_TRUST_REVOKED},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

START_TEST(revocation_judge_row_gives_its_code_for_each_certificate)
{
	const struct row *row = &rows[_i];

	for (unsigned i = 0; i < BELOW; i++) {
		int code;

		forget();
		for (unsigned k = 0; k < BELOW; k++)
			if (k != i)
				good_crl(k);
		row->about(i);
		code = judge();
		ck_assert_msg(code == row->code && result.code == code,
			"%s, certificate %u: %s, expected %s", row->name, i,
			err_name(code), err_name(row->code));
		ck_assert_msg(result.evidence[0], "%s says nothing", row->name);
		ck_assert_uint_eq(result.judged, BELOW);
	}
}
END_TEST

/* No combination of missing, stale, unknown, foreign or revoked statements about
 * the certificates of a path passes: each one of them has to be good. */
START_TEST(revocation_judge_combinations_pass_only_if_each_is_good)
{
	unsigned passed = 0, good = 0;

	for (unsigned i = 0; i < ROWS; i++)
		good += rows[i].code == 0;
	for (unsigned a = 0; a < ROWS; a++)
		for (unsigned b = 0; b < ROWS; b++)
			for (unsigned c = 0; c < ROWS; c++) {
				const struct row *of[BELOW] = {
					&rows[a], &rows[b], &rows[c]};
				bool all_good = true;
				int code;

				forget();
				for (unsigned i = 0; i < BELOW; i++) {
					all_good &= of[i]->code == 0;
					of[i]->about(i);
				}
				code = judge();
				passed += code == 0;
				ck_assert_msg((code == 0) == all_good,
					"%s / %s / %s: %s", of[0]->name,
					of[1]->name, of[2]->name,
					err_name(code));
			}
	ck_assert_uint_eq(passed, good * good * good);
}
END_TEST

/* The same under `off`: nothing passes that is known to be revoked. */
START_TEST(revocation_judge_combinations_under_off_pass_unless_revoked)
{
	for (unsigned a = 0; a < ROWS; a++)
		for (unsigned i = 0; i < BELOW; i++) {
			int code;

			forget();
			view.policy = REVOCATION_OFF;
			rows[a].about(i);
			code = judge();
			ck_assert_msg(code == (rows[a].code == ERR_TRUST_REVOKED
						? ERR_TRUST_REVOKED
						: 0),
				"%s: %s", rows[a].name, err_name(code));
			ck_assert_uint_eq(needs.count, 0);
		}
}
END_TEST

/* ---- the whole path ---- */

START_TEST(revocation_judge_no_object_at_all_has_its_own_code)
{
	forget();
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_NONE);
	ck_assert_int_eq(
		revocation_judge(&revocation_nothing_known, path, BELOW + 1,
			true, trust_now_at(MAKER_NOW), NULL, &result),
		ERR_TRUST_REVOCATION_NONE);
}
END_TEST

START_TEST(revocation_judge_without_view_refuses)
{
	ck_assert_int_eq(revocation_judge(NULL, path, BELOW + 1, true,
				 trust_now_at(MAKER_NOW), NULL, &result),
		ERR_TRUST_REVOCATION_NONE);
	ck_assert_int_eq(revocation_judge(NULL, NULL, 0, true,
				 trust_now_at(MAKER_NOW), NULL, &result),
		ERR_TRUST_REVOCATION_NONE);
}
END_TEST

START_TEST(revocation_judge_revoked_wins_over_what_is_nearer_to_the_leaf)
{
	forget();
	stale(0);
	revoked_by_crl(2);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOKED);
	ck_assert(strstr(result.evidence, "revoked at") != NULL);
}
END_TEST

START_TEST(revocation_judge_the_code_nearest_to_the_leaf_counts)
{
	forget();
	good_crl(0);
	unknown(1);
	stale(2);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_UNKNOWN);
}
END_TEST

START_TEST(revocation_judge_evidence_names_object_number_and_dates)
{
	forget();
	say_good();
	ck_assert_int_eq(judge(), 0);
	ck_assert_ptr_nonnull(strstr(
		result.evidence, "CRL 17 until 2027-01-16T08:00:00Z"));
	forget();
	good_ocsp(0);
	good_ocsp(1);
	stale(2);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_STALE);
	ck_assert_ptr_nonnull(strstr(result.evidence, "CRL 17 until "
						      "2027-01-15T08:00:00Z"));
	ck_assert_ptr_nonnull(strstr(result.evidence, "serial 1000"));
}
END_TEST

START_TEST(revocation_judge_long_number_is_shown_in_hexadecimal)
{
	forget();
	say_good();
	known[0].number[0] = 0x7f;
	ck_assert_int_eq(judge(), 0);
	ck_assert_ptr_nonnull(strstr(result.evidence, "CRL 0x7f00"));
}
END_TEST

START_TEST(revocation_judge_counts_kinds_and_finds_the_first_end)
{
	forget();
	good_both(0);
	good_ocsp(1);
	good_crl(2);
	known[2].next_update = MAKER_NOW + 60;
	known[3].this_update = MAKER_NOW - 7;
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(result.by_crl, 2);
	ck_assert_uint_eq(result.by_ocsp, 2);
	ck_assert_uint_eq(result.good_until, MAKER_NOW + 60);
	ck_assert_uint_eq(result.signed_time, MAKER_NOW - 7);
	ck_assert(!result.by_root_only);
}
END_TEST

/* The better of two objects decides until when a certificate is good. */
START_TEST(revocation_judge_the_later_of_two_ends_counts)
{
	forget();
	say_good();
	good_ocsp(0);
	known[0].next_update = MAKER_NOW + 1;
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(result.good_until, MAKER_NOW + DAY);
}
END_TEST

START_TEST(revocation_judge_delegate_shortens_its_answers)
{
	forget();
	good_crl(0);
	good_crl(1);
	about_delegate(2, EVIDENCE_CRL, STATEMENT_GOOD)->next_update =
		MAKER_NOW + 5;
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(result.good_until, MAKER_NOW + 5);
}
END_TEST

/* Only a clock that may be believed can say that something is to come. */
START_TEST(revocation_judge_unsynchronised_clock_judges_the_end_only)
{
	struct trust_now now = {.lower = MAKER_NOW};

	forget();
	good_crl(0);
	good_crl(1);
	not_yet(2);
	ck_assert_int_eq(revocation_judge(&view, path, BELOW + 1, false, now,
				 NULL, &result),
		0);
	now.lower = MAKER_NOW + DAY;
	ck_assert_int_eq(revocation_judge(&view, path, BELOW + 1, false, now,
				 NULL, &result),
		ERR_TRUST_REVOCATION_STALE);
}
END_TEST

START_TEST(revocation_judge_certificates_that_do_not_fit_are_refused)
{
	struct bytes mixed[] = {path[0], path[2], path[3]};

	forget();
	say_good();
	ck_assert_int_eq(revocation_judge(&view, mixed, 3, true,
				 trust_now_at(MAKER_NOW), NULL, &result),
		ERR_TRUST_REVOCATION_MISSING);
}
END_TEST

/* ---- anchors that sign by themselves ---- */

START_TEST(revocation_judge_anchor_alone_needs_the_flag)
{
	for (unsigned count = 0; count <= 1; count++) {
		forget();
		say_good();
		ck_assert_int_eq(revocation_judge(&view, path, count, false,
					 trust_now_at(MAKER_NOW), &needs,
					 &result),
			ERR_TRUST_REVOCATION_ANCHOR);
		ck_assert_int_eq(revocation_judge(&view, path, count, true,
					 trust_now_at(MAKER_NOW), &needs,
					 &result),
			0);
		ck_assert(result.by_root_only);
		ck_assert_uint_eq(result.judged, 0);
		ck_assert_uint_eq(needs.count, 0);
		ck_assert_uint_eq(result.good_until, UINT64_MAX);
	}
}
END_TEST

START_TEST(revocation_judge_flag_helps_no_path_of_several)
{
	forget();
	stale(0);
	ck_assert_int_eq(revocation_judge(&view, path, BELOW + 1, true,
				 trust_now_at(MAKER_NOW), NULL, &result),
		ERR_TRUST_REVOCATION_STALE);
}
END_TEST

/* ---- require-if-reachable ---- */

struct reach_row {
	const char *name;
	uint64_t age_s; /* of the statement about the leaf */
	bool unreachable;
	enum statement_status status;
	int code;
};

#define MAX_AGE (10 * DAY)

static const struct reach_row reach_rows[] = {
	{"out of reach, young enough", MAX_AGE - 1, true, STATEMENT_GOOD, 0},
	{"out of reach, too old", MAX_AGE, true, STATEMENT_GOOD,
		ERR_TRUST_REVOCATION_STALE},
	{"within reach", MAX_AGE - 1, false, STATEMENT_GOOD,
		ERR_TRUST_REVOCATION_STALE},
	{"out of reach, unknown", MAX_AGE - 1, true, STATEMENT_UNKNOWN,
		ERR_TRUST_REVOCATION_UNKNOWN},
	{"out of reach, revoked", MAX_AGE - 1, true, STATEMENT_REVOKED,
		ERR_TRUST_REVOKED},
};

START_TEST(revocation_judge_reach_row_gives_its_code)
{
	const struct reach_row *row = &reach_rows[_i];
	int code;

	forget();
	view.policy = REVOCATION_IF_REACHABLE;
	view.max_age_s = MAX_AGE;
	view.unreachable = LIST(digests);
	view.unreachable_count = row->unreachable;
	good_crl(1);
	good_crl(2);
	say(0, EVIDENCE_OCSP, row->status)->this_update =
		MAKER_NOW - row->age_s;
	known[2].next_update = MAKER_NOW - 1;
	code = judge();
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
	if (!code) {
		ck_assert_uint_eq(result.overdue, 1);
		ck_assert_uint_eq(result.good_until, MAKER_NOW + 1);
		ck_assert_ptr_nonnull(strstr(result.evidence, "overdue"));
		ck_assert(!needs.of[0].has_current);
	}
}
END_TEST

START_TEST(revocation_judge_out_of_reach_and_never_any_is_refused)
{
	forget();
	view.policy = REVOCATION_IF_REACHABLE;
	view.max_age_s = UINT64_MAX;
	view.unreachable = LIST(digests);
	view.unreachable_count = BELOW;
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_NONE);
	good_crl(0);
	good_crl(1);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_MISSING);
}
END_TEST

START_TEST(revocation_judge_require_knows_no_excuse)
{
	forget();
	view.max_age_s = UINT64_MAX;
	view.unreachable = LIST(digests);
	view.unreachable_count = BELOW;
	good_crl(0);
	good_crl(1);
	stale(2);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_STALE);
}
END_TEST

/* ---- needs ---- */

START_TEST(revocation_judge_notes_every_certificate_once)
{
	forget();
	good_crl(0);
	stale(1);
	judge();
	judge();
	ck_assert_uint_eq(needs.count, BELOW);
	for (unsigned i = 0; i < BELOW; i++) {
		const struct revocation_need *need = &needs.of[i];

		ck_assert(cert_id_equal(&need->id, &ids[i]));
		ck_assert_ptr_eq(need->certificate.at, path[i].at);
		ck_assert_ptr_eq(need->issuer.at, path[i + 1].at);
		ck_assert_int_eq(need->has_current, i == 0);
		ck_assert(!need->is_delegate);
	}
	ck_assert_uint_eq(needs.of[0].good_until, MAKER_NOW + DAY);
}
END_TEST

START_TEST(revocation_judge_delegate_becomes_a_need)
{
	forget();
	say_good();
	by_delegate(1);
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(needs.count, BELOW + 1);
	ck_assert(needs.of[2].is_delegate);
	ck_assert(cert_id_equal(&needs.of[2].id, &known[3].delegate));
	ck_assert_ptr_eq(needs.of[2].issuer.at, path[2].at);
	ck_assert(!needs.of[2].has_current);
}
END_TEST

START_TEST(revocation_judge_too_many_needs_refuse_for_good)
{
	forget();
	say_good();
	needs.count = REVOCATION_NEEDS_MAX - 2;
	for (unsigned i = 0; i < needs.count; i++)
		needs.of[i].id.serial_len = (uint8_t)(i % 20 + 1);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_NEEDS);
	ck_assert(needs.overflowed);
	needs.count = 0;
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_NEEDS);
}
END_TEST

START_TEST(revocation_refuses_knows_exactly_its_codes)
{
	for (unsigned i = 0; i < ROWS; i++)
		ck_assert_int_eq(revocation_refuses(rows[i].code),
			rows[i].code != 0);
	ck_assert(revocation_refuses(ERR_TRUST_REVOCATION_NONE));
	ck_assert(revocation_refuses(ERR_TRUST_REVOCATION_ANCHOR));
	ck_assert(revocation_refuses(ERR_TRUST_REVOCATION_NEEDS));
	ck_assert(!revocation_refuses(ERR_TRUST_CERT_CHAIN));
}
END_TEST

/* ---- the path that a chain really takes ---- */

static int verify(unsigned count, unsigned anchor, struct x509_chain *ret,
	struct fault *fault)
{
	const struct chain_rules rules = {
		.now = trust_now_at(MAKER_NOW), .revocation = &view,
		.needs = &needs};
	const struct x509_anchor anchors[] = {{.certificate = path[anchor]}};

	return x509_chain_verify(
		path, count, anchors, 1, &rules, ret, fault);
}

START_TEST(x509_chain_verify_judges_all_below_the_anchor)
{
	struct x509_chain ret;
	struct fault fault = {0};

	forget();
	say_good();
	ck_assert_int_eq(verify(3, 3, &ret, NULL), 0);
	ck_assert_uint_eq(ret.revocation.judged, 3);
	known[2].next_update = MAKER_NOW;
	ck_assert_int_eq(
		verify(3, 3, &ret, &fault), ERR_TRUST_REVOCATION_STALE);
	ck_assert_str_eq(fault.field, "revocation");
	ck_assert_int_eq(ret.revocation.code, ERR_TRUST_REVOCATION_STALE);
	/* With a lower anchor the upper ones are nobody's matter. */
	ck_assert_int_eq(verify(3, 2, &ret, NULL), 0);
	ck_assert_uint_eq(ret.revocation.judged, 2);
}
END_TEST

START_TEST(x509_chain_verify_needs_point_into_the_callers_bytes)
{
	struct x509_chain ret;

	forget();
	ck_assert_int_eq(verify(4, 3, &ret, NULL), ERR_TRUST_REVOCATION_NONE);
	ck_assert_uint_eq(needs.count, BELOW);
	for (unsigned i = 0; i < BELOW; i++) {
		ck_assert_ptr_eq(needs.of[i].certificate.at, path[i].at);
		ck_assert_ptr_eq(needs.of[i].issuer.at, path[i + 1].at);
	}
}
END_TEST

START_TEST(x509_chain_verify_broken_chain_makes_no_needs)
{
	struct x509_chain ret;

	forget();
	say_good();
	ck_assert_int_eq(verify(2, 3, &ret, NULL), ERR_TRUST_CERT_CHAIN);
	ck_assert_uint_eq(needs.count, 0);
}
END_TEST

static void add_path_tests(TCase *tc)
{
	tcase_add_test(tc, revocation_judge_no_object_at_all_has_its_own_code);
	tcase_add_test(tc, revocation_judge_without_view_refuses);
	tcase_add_test(tc,
		revocation_judge_revoked_wins_over_what_is_nearer_to_the_leaf);
	tcase_add_test(
		tc, revocation_judge_the_code_nearest_to_the_leaf_counts);
	tcase_add_test(
		tc, revocation_judge_evidence_names_object_number_and_dates);
	tcase_add_test(
		tc, revocation_judge_long_number_is_shown_in_hexadecimal);
	tcase_add_test(
		tc, revocation_judge_counts_kinds_and_finds_the_first_end);
	tcase_add_test(tc, revocation_judge_the_later_of_two_ends_counts);
	tcase_add_test(tc, revocation_judge_delegate_shortens_its_answers);
	tcase_add_test(
		tc, revocation_judge_unsynchronised_clock_judges_the_end_only);
	tcase_add_test(
		tc, revocation_judge_certificates_that_do_not_fit_are_refused);
	tcase_add_test(tc, revocation_judge_anchor_alone_needs_the_flag);
	tcase_add_test(tc, revocation_judge_flag_helps_no_path_of_several);
	tcase_add_test(
		tc, revocation_judge_out_of_reach_and_never_any_is_refused);
	tcase_add_test(tc, revocation_judge_require_knows_no_excuse);
}

int main(void)
{
	Suite *suite = suite_create("revocation");
	TCase *tc = tcase_create("revocation");

	maker_init();
	tcase_add_unchecked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc,
		revocation_judge_row_gives_its_code_for_each_certificate, 0,
		(int)ROWS);
	tcase_add_test(
		tc, revocation_judge_combinations_pass_only_if_each_is_good);
	tcase_add_test(tc,
		revocation_judge_combinations_under_off_pass_unless_revoked);
	tcase_add_loop_test(tc, revocation_judge_reach_row_gives_its_code, 0,
		(int)(sizeof(reach_rows) / sizeof(reach_rows[0])));
	add_path_tests(tc);
	tcase_add_test(tc, revocation_judge_notes_every_certificate_once);
	tcase_add_test(tc, revocation_judge_delegate_becomes_a_need);
	tcase_add_test(tc, revocation_judge_too_many_needs_refuse_for_good);
	tcase_add_test(tc, revocation_refuses_knows_exactly_its_codes);
	tcase_add_test(tc, x509_chain_verify_judges_all_below_the_anchor);
	tcase_add_test(tc, x509_chain_verify_needs_point_into_the_callers_bytes);
	tcase_add_test(tc, x509_chain_verify_broken_chain_makes_no_needs);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

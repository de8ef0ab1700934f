#include "tests/unit/unit.h"

#include "policy/trust/revocation.h"
#include "tests/unit/policy/evidence_maker.h"

/* Real objects about a leaf, its CA and an anchor: whatever is wrong with one of
 * them, the path is not taken for good under `require`. */
static struct em_cert anchor = {.subject = "anchor", .ca = true};
static struct em_cert issuing = {.subject = "issuing",
	.issuer = &anchor,
	.serial = EM("\x41"),
	.ca = true};
static struct em_cert leaf = {
	.subject = "leaf", .issuer = &issuing, .serial = EM("\x42")};
static struct em_cert stranger = {.subject = "issuing", .ca = true};
static struct em_cert responder = {.subject = "responder",
	.issuer = &issuing,
	.serial = EM("\x33"),
	.exts = {EM_EXT(OID_EXT_KEY_USAGE,
		"\x30\x0a\x06\x08" OID_OCSP_SIGNING)}};
static struct cert_id leaf_id;
static struct bytes path[3];
static struct buf out;

static struct statement_table table;
static struct revocation_view view;
static struct revocation_needs needs;
static struct revocation_result result;

static void setup(void)
{
	static struct em_cert *const all[] = {
		&anchor, &issuing, &leaf, &stranger, &responder};
	static const char *const keys[] = {
		"anchor", "issuing", "leaf", "stranger", "responder"};

	for (unsigned i = 0; i < 5; i++) {
		all[i]->key = maker_key(keys[i]);
		em_cert_make(all[i]);
	}
	em_id(&leaf, &issuing, &leaf_id);
	path[0] = em_cert_der(&leaf);
	path[1] = em_cert_der(&issuing);
	path[2] = em_cert_der(&anchor);
	buf_init(&out, EVIDENCE_CRL_MAX + 100);
}

static int judge(void)
{
	view = (struct revocation_view){
		.statements = table.of, .statement_count = table.count};
	return revocation_judge(&view, path, 3, false, trust_now_at(MAKER_NOW),
		&needs, &result);
}

/* Nothing is known, but what is needed. */
static void forget(void)
{
	table.count = 0;
	needs = (struct revocation_needs){0};
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_NONE);
	ck_assert_uint_eq(needs.count, 2);
}

static int add(enum evidence_kind kind, struct bytes der)
{
	return statement_table_add(&table, kind, der, &needs,
		bytes_of(NULL, 0), trust_now_at(MAKER_NOW), NULL);
}

static struct bytes crl(const struct em_crl *recipe)
{
	struct em_crl made = *recipe;

	if (!made.issuer)
		made.issuer = &issuing;
	em_crl_make(&made, &out);
	return buf_bytes(&out);
}

static struct bytes ocsp(const struct em_ocsp *recipe)
{
	struct em_ocsp made = *recipe;

	made.issuer = &issuing;
	made.id = &leaf_id;
	em_ocsp_make(&made, &out);
	return buf_bytes(&out);
}

static int add_crl(const struct em_crl *recipe)
{
	return add(EVIDENCE_CRL, crl(recipe));
}

static int add_ocsp(const struct em_ocsp *recipe)
{
	return add(EVIDENCE_OCSP, ocsp(recipe));
}

/* The CA is good: only the leaf is open. */
static void know_the_ca(void)
{
	const struct em_crl list = {.issuer = &anchor};

	forget();
	ck_assert_int_eq(add_crl(&list), 1);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_MISSING);
}

START_TEST(statement_table_add_lists_of_all_issuers_let_the_path_pass)
{
	const struct em_crl list = {.entries = {{.serial = EM("\x55")}}};

	know_the_ca();
	ck_assert_int_eq(add_crl(&list), 1);
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(result.by_crl, 2);
	ck_assert_uint_eq(result.good_until, EM_END_S);
}
END_TEST

START_TEST(statement_table_add_answer_beside_a_list_lets_the_path_pass)
{
	const struct em_ocsp answer = {.by_key = true};

	know_the_ca();
	ck_assert_int_eq(add_ocsp(&answer), 1);
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(result.by_ocsp, 1);
	ck_assert_uint_eq(result.signed_time, EM_OCSP_BEGIN_S);
}
END_TEST

START_TEST(statement_table_add_finds_the_kind_by_the_form)
{
	const struct em_ocsp answer = {.by_key = true};
	const struct em_crl list = {.issuer = &issuing};

	know_the_ca();
	ck_assert_int_eq(add((enum evidence_kind)0, ocsp(&answer)), 1);
	ck_assert_int_eq(add((enum evidence_kind)0, crl(&list)), 1);
	ck_assert_uint_eq(table.count, 3);
	ck_assert_int_lt(add((enum evidence_kind)0, bytes_of("garbage", 7)), 0);
}
END_TEST

START_TEST(statement_table_add_same_object_again_adds_nothing)
{
	const struct em_crl list = {.issuer = &issuing};

	know_the_ca();
	ck_assert_int_eq(add_crl(&list), 1);
	ck_assert_int_eq(add_crl(&list), 0);
	ck_assert_uint_eq(table.count, 2);
}
END_TEST

/* ---- what is wrong with a list ---- */

struct crl_row {
	const char *name;
	struct em_crl crl;
	int code;   /* of adding; 0: it is taken */
	int verdict; /* of the path afterwards */
};

#define NUMBER(n)                                                              \
	{                                                                      \
		(const uint8_t *)"\x02\x01" n, 3                               \
	}

static const struct crl_row crl_rows[] = {
	{"revokes the leaf", {.entries = {{.serial = EM("\x42")}}}, 0,
		ERR_TRUST_REVOKED},
	{"holds the leaf",
		{.entries = {{.serial = EM("\x42"),
			 .exts = {EM_EXT(OID_CRL_REASON, "\x0a\x01\x06")}}}},
		0, ERR_TRUST_REVOKED},
	{"revokes the leaf, and has run out",
		{.next_update = "20260201000000Z",
			.entries = {{.serial = EM("\x42")}}},
		0, ERR_TRUST_REVOKED},
	{"has run out", {.next_update = "20260201000000Z"}, 0,
		ERR_TRUST_REVOCATION_STALE},
	{"is from the future",
		{.this_update = "20270201000000Z",
			.next_update = "20270301000000Z"},
		0, ERR_TRUST_REVOCATION_NOT_YET},
	{"without nextUpdate", {.next_update = ""}, ERR_TRUST_CRL_NEXT_UPDATE,
		ERR_TRUST_REVOCATION_MISSING},
	{"without cRLNumber",
		{.no_number = true,
			.exts = {EM_EXT("\x2a\x03", "")}},
		ERR_TRUST_CRL_NUMBER,
		ERR_TRUST_REVOCATION_MISSING},
	{"a delta",
		{.exts = {EM_CRITICAL(OID_DELTA_CRL, "\x02\x01\x01")}},
		ERR_TRUST_CRL_PARTIAL, ERR_TRUST_REVOCATION_MISSING},
	{"a delta that does not insist",
		{.exts = {EM_EXT(OID_DELTA_CRL, "\x02\x01\x01")}},
		ERR_TRUST_CRL_PARTIAL, ERR_TRUST_REVOCATION_MISSING},
	{"of a part", {.exts = {EM_EXT(OID_ISSUING_POINT, "\x30\x00")}},
		ERR_TRUST_CRL_PARTIAL, ERR_TRUST_REVOCATION_MISSING},
	{"unknown critical extension", {.exts = {EM_CRITICAL("\x2a\x03", "")}},
		ERR_TRUST_CRL_CRITICAL, ERR_TRUST_REVOCATION_MISSING},
	{"unknown critical extension of an entry",
		{.entries = {{.serial = EM("\x55"),
			 .exts = {EM_CRITICAL("\x2a\x03", "")}}}},
		ERR_TRUST_CRL_ENTRY_CRITICAL, ERR_TRUST_REVOCATION_MISSING},
	{"signature is wrong", {.spoil_signature = true},
		ERR_TRUST_CRL_SIGNATURE, ERR_TRUST_REVOCATION_MISSING},
	{"by an issuer of the same name and another key",
		{.issuer = &stranger, .no_authority_key_id = true},
		ERR_TRUST_CRL_SIGNATURE, ERR_TRUST_REVOCATION_MISSING},
	{"by the issuer of another certificate", {.issuer = &anchor}, 0,
		ERR_TRUST_REVOCATION_MISSING},
	{"signed by the leaf",
		{.issuer = &leaf}, ERR_TRUST_EVIDENCE_UNNEEDED,
		ERR_TRUST_REVOCATION_MISSING},
	{"something behind the end", {.behind = EM("\0")}, ERR_TRUST_CRL_FORM,
		ERR_TRUST_REVOCATION_MISSING},
	{"good", {.issuer = NULL}, 0, 0},
};

START_TEST(statement_table_add_list_row_gives_its_code)
{
	const struct crl_row *row = &crl_rows[_i];
	int code, verdict;

	know_the_ca();
	code = add_crl(&row->crl);
	verdict = judge();
	ck_assert_msg(row->code ? code == row->code : code >= 0,
		"%s: %d %s, expected %s", row->name, code, err_name(code),
		err_name(row->code));
	ck_assert_msg(verdict == row->verdict, "%s: judged %s, expected %s",
		row->name, err_name(verdict), err_name(row->verdict));
}
END_TEST

/* ---- what is wrong with an answer ---- */

struct ocsp_row {
	const char *name;
	struct em_ocsp ocsp;
	int code;
	int verdict;
};

#define REVOKED_AT                                                             \
	EM("\xa1\x11\x18\x0f"                                                  \
	   "20260601000000Z")

static const struct ocsp_row ocsp_rows[] = {
	{"good", {.by_key = true}, 0, 0},
	{"revoked", {.answers = {{.used = true, .status = REVOKED_AT}}}, 0,
		ERR_TRUST_REVOKED},
	{"revoked, and has run out",
		{.produced = "20260601000000Z",
			.answers = {{.used = true,
				.status = REVOKED_AT,
				.this_update = "20260601000000Z",
				.next_update = "20260602000000Z"}}},
		0, ERR_TRUST_REVOKED},
	{"unknown",
		{.answers = {{.used = true, .status = EM("\x82\x00")}}}, 0,
		ERR_TRUST_REVOCATION_UNKNOWN},
	{"has run out",
		{.produced = "20260601000000Z",
			.answers = {{.used = true,
				.this_update = "20260601000000Z",
				.next_update = "20260602000000Z"}}},
		0, ERR_TRUST_REVOCATION_STALE},
	{"from the future",
		{.produced = "20270201000000Z",
			.answers = {{.used = true,
				.this_update = "20270201000000Z",
				.next_update = "20270202000000Z"}}},
		ERR_TRUST_REVOCATION_NOT_YET, ERR_TRUST_REVOCATION_MISSING},
	{"without nextUpdate",
		{.answers = {{.used = true, .next_update = ""}}},
		ERR_TRUST_OCSP_NEXT_UPDATE, ERR_TRUST_REVOCATION_MISSING},
	{"valid for a year",
		{.answers = {{.used = true,
			 .next_update = "20280114000000Z"}}},
		ERR_TRUST_OCSP_VALIDITY, ERR_TRUST_REVOCATION_MISSING},
	{"about another serial",
		{.answers = {{.used = true, .serial = EM("\x43")}}},
		ERR_TRUST_EVIDENCE_UNNEEDED, ERR_TRUST_REVOCATION_MISSING},
	{"of another issuer's key",
		{.answers = {{.used = true, .other_key = true}}},
		ERR_TRUST_EVIDENCE_UNNEEDED, ERR_TRUST_REVOCATION_MISSING},
	{"signature is wrong", {.spoil_signature = true},
		ERR_TRUST_OCSP_SIGNATURE, ERR_TRUST_REVOCATION_MISSING},
	{"signed by the leaf itself", {.signer = &leaf, .certs = {&leaf}},
		ERR_TRUST_OCSP_DELEGATE, ERR_TRUST_REVOCATION_MISSING},
	{"tryLater", {.status = 3, .no_bytes = true}, ERR_TRUST_OCSP_STATUS,
		ERR_TRUST_REVOCATION_MISSING},
	{"by a delegate without evidence",
		{.signer = &responder, .certs = {&responder}}, 0,
		ERR_TRUST_REVOCATION_MISSING},
};

START_TEST(statement_table_add_answer_row_gives_its_code)
{
	const struct ocsp_row *row = &ocsp_rows[_i];
	int code, verdict;

	know_the_ca();
	code = add_ocsp(&row->ocsp);
	verdict = judge();
	ck_assert_msg(row->code ? code == row->code : code == 1,
		"%s: %d %s, expected %s", row->name, code, err_name(code),
		err_name(row->code));
	ck_assert_msg(verdict == row->verdict, "%s: judged %s, expected %s",
		row->name, err_name(verdict), err_name(row->verdict));
}
END_TEST

/* ---- malformed in any way ---- */

/* What lets the path pass does not when one bit of it is another, or when its
 * end is missing. */
static void spoil(enum evidence_kind kind, struct bytes good)
{
	uint8_t bytes[2048];

	ck_assert_uint_lt(good.len, sizeof(bytes));
	for (size_t i = 0; i < 2 * good.len; i++) {
		struct bytes bad = bytes_of(bytes, good.len);
		int code;

		memcpy(bytes, good.at, good.len);
		if (i < good.len)
			bytes[i] ^= (uint8_t)(1u << i % 8);
		else
			bad.len = i - good.len;
		table.count = 1;
		code = add(kind, bad);
		ck_assert_msg(judge() != 0, "%zu of %zu: %s", i, good.len,
			err_name(code));
	}
	table.count = 1;
	ck_assert_int_eq(add(kind, good), 1);
	ck_assert_int_eq(judge(), 0);
}

START_TEST(statement_table_add_list_with_any_bit_wrong_is_no_evidence)
{
	const struct em_crl list = {.entries = {{.serial = EM("\x55")}}};

	know_the_ca();
	spoil(EVIDENCE_CRL, crl(&list));
}
END_TEST

START_TEST(statement_table_add_answer_with_any_bit_wrong_is_no_evidence)
{
	const struct em_ocsp answer = {.by_key = true};

	know_the_ca();
	spoil(EVIDENCE_OCSP, ocsp(&answer));
}
END_TEST

/* ---- old objects again ---- */

START_TEST(statement_table_add_lower_number_is_refused)
{
	const struct em_crl newer = {.number = NUMBER("\x09"),
		.next_update = "20260201000000Z"};
	const struct em_crl older = {.number = NUMBER("\x08")};

	know_the_ca();
	ck_assert_int_eq(add_crl(&newer), 1);
	ck_assert_int_eq(add_crl(&older), ERR_TRUST_CRL_ROLLBACK);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_STALE);
}
END_TEST

START_TEST(statement_table_add_higher_number_replaces)
{
	const struct em_crl older = {.number = NUMBER("\x08"),
		.next_update = "20260201000000Z"};
	const struct em_crl newer = {.number = NUMBER("\x09")};

	know_the_ca();
	ck_assert_int_eq(add_crl(&older), 1);
	ck_assert_int_eq(add_crl(&newer), 1);
	ck_assert_uint_eq(table.count, 2);
	ck_assert_int_eq(judge(), 0);
}
END_TEST

START_TEST(statement_table_add_older_answer_is_a_replay)
{
	const struct em_ocsp unknown = {
		.answers = {{.used = true, .status = EM("\x82\x00")}}};
	const struct em_ocsp older = {.produced = EM_OCSP_BEGIN,
		.answers = {{.used = true,
			.this_update = "20270113000000Z",
			.next_update = EM_OCSP_END}}};

	know_the_ca();
	ck_assert_int_eq(add_ocsp(&unknown), 1);
	ck_assert_int_eq(add_ocsp(&older), ERR_TRUST_OCSP_REPLAY);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_UNKNOWN);
}
END_TEST

/* A hold that a later list has lifted stays; one that an earlier list says
 * counts all the same. */
START_TEST(statement_table_add_revoked_stays_revoked_in_any_order)
{
	const struct em_crl held = {.number = NUMBER("\x08"),
		.entries = {{.serial = EM("\x42"),
			.exts = {EM_EXT(OID_CRL_REASON, "\x0a\x01\x06")}}}};
	const struct em_crl lifted = {.number = NUMBER("\x09")};

	know_the_ca();
	ck_assert_int_eq(add_crl(&held), 1);
	ck_assert_int_eq(add_crl(&lifted), 0);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOKED);
	know_the_ca();
	ck_assert_int_eq(add_crl(&lifted), 1);
	ck_assert_int_eq(add_crl(&held), 1);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOKED);
}
END_TEST

/* ---- delegates ---- */

START_TEST(statement_table_add_delegate_waits_for_a_list_about_it)
{
	const struct em_ocsp answer = {
		.signer = &responder, .certs = {&responder}};
	const struct em_crl list = {.issuer = &issuing};

	know_the_ca();
	ck_assert_int_eq(add_ocsp(&answer), 1);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_MISSING);
	ck_assert_uint_eq(needs.count, 3);
	ck_assert(needs.of[2].is_delegate);
	ck_assert_int_eq(add_crl(&list), 2);
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(result.by_ocsp, 1);
}
END_TEST

START_TEST(statement_table_add_revoked_delegate_is_no_evidence)
{
	const struct em_ocsp answer = {
		.signer = &responder, .certs = {&responder}};
	const struct em_crl list = {.entries = {{.serial = EM("\x33")}}};

	know_the_ca();
	ck_assert_int_eq(add_ocsp(&answer), 1);
	judge();
	ck_assert_int_eq(add_crl(&list), 2);
	/* The list itself vouches for the leaf; without that nobody does. */
	ck_assert_int_eq(judge(), 0);
	ck_assert_uint_eq(result.by_ocsp, 0);
	for (unsigned i = 0; i < table.count; i++)
		if (table.of[i].kind == EVIDENCE_CRL &&
			cert_id_equal(&table.of[i].id, &leaf_id))
			table.of[i] = table.of[--table.count];
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_MISSING);
}
END_TEST

/* ---- the rest ---- */

START_TEST(statement_table_add_nonce_has_to_come_back)
{
	static const uint8_t nonce[OCSP_NONCE_MIN] = "fifteen letters";
	const struct em_ocsp without = {.by_key = true};
	const struct em_ocsp with = {.by_key = true,
		.nonce = EM("\x04\x10"
			    "fifteen letters\0")};

	know_the_ca();
	ck_assert_int_eq(statement_table_add(&table, EVIDENCE_OCSP,
				 ocsp(&without), &needs,
				 bytes_of(nonce, sizeof(nonce)),
				 trust_now_at(MAKER_NOW), NULL),
		ERR_TRUST_OCSP_NONCE);
	ck_assert_int_eq(statement_table_add(&table, EVIDENCE_OCSP, ocsp(&with),
				 &needs, bytes_of(nonce, sizeof(nonce)),
				 trust_now_at(MAKER_NOW), NULL),
		1);
}
END_TEST

START_TEST(statement_table_add_without_needs_is_unneeded)
{
	const struct em_crl list = {.issuer = &issuing};
	struct fault fault = {0};

	forget();
	needs.count = 0;
	ck_assert_int_eq(
		statement_table_add(&table, EVIDENCE_CRL, crl(&list), &needs,
			bytes_of(NULL, 0), trust_now_at(MAKER_NOW), &fault),
		ERR_TRUST_EVIDENCE_UNNEEDED);
	ck_assert_int_eq(fault.code, ERR_TRUST_EVIDENCE_UNNEEDED);
}
END_TEST

START_TEST(statement_table_add_larger_than_the_limit_is_refused)
{
	static uint8_t zeros[EVIDENCE_CRL_MAX + 1];

	forget();
	ck_assert_int_eq(add(EVIDENCE_CRL, bytes_of(zeros, sizeof(zeros))),
		ERR_TRUST_EVIDENCE_SIZE);
}
END_TEST

/* Two CAs of one name, as after a change of keys: each list goes to its own. */
START_TEST(statement_table_add_issuers_of_one_name_are_told_apart)
{
	struct em_cert below = {.subject = "below",
		.issuer = &stranger,
		.key = maker_key("leaf"),
		.serial = EM("\x42")};
	const struct em_crl list = {.issuer = &stranger,
		.no_authority_key_id = true,
		.entries = {{.serial = EM("\x42")}}};

	em_cert_make(&below);
	know_the_ca();
	em_id(&below, &stranger, &needs.of[2].id);
	needs.of[2].certificate = em_cert_der(&below);
	needs.of[2].issuer = em_cert_der(&stranger);
	needs.count = 3;
	ck_assert_int_eq(add_crl(&list), 1);
	ck_assert_int_eq(judge(), ERR_TRUST_REVOCATION_MISSING);
}
END_TEST

START_TEST(statement_table_put_full_table_refuses)
{
	struct statement s = {.kind = EVIDENCE_CRL};

	table.count = 0;
	for (unsigned i = 0; i < 2 * REVOCATION_NEEDS_MAX; i++) {
		s.id.serial[0] = (uint8_t)i;
		s.id.serial_len = 1;
		ck_assert_int_eq(statement_table_put(&table, &s), 1);
	}
	s.id.serial[0] = 0xff;
	ck_assert_int_eq(
		statement_table_put(&table, &s), ERR_TRUST_REVOCATION_NEEDS);
	s.id.serial[0] = 0;
	s.status = STATEMENT_REVOKED;
	ck_assert_int_eq(statement_table_put(&table, &s), 1);
}
END_TEST

static void add_order_tests(TCase *tc)
{
	tcase_add_test(tc, statement_table_add_lower_number_is_refused);
	tcase_add_test(tc, statement_table_add_higher_number_replaces);
	tcase_add_test(tc, statement_table_add_older_answer_is_a_replay);
	tcase_add_test(
		tc, statement_table_add_revoked_stays_revoked_in_any_order);
	tcase_add_test(
		tc, statement_table_add_delegate_waits_for_a_list_about_it);
	tcase_add_test(
		tc, statement_table_add_revoked_delegate_is_no_evidence);
}

int main(void)
{
	Suite *suite = suite_create("statements");
	TCase *tc = tcase_create("statements");

	maker_init();
	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, setup, NULL);
	tcase_add_test(tc,
		statement_table_add_lists_of_all_issuers_let_the_path_pass);
	tcase_add_test(tc,
		statement_table_add_answer_beside_a_list_lets_the_path_pass);
	tcase_add_test(tc, statement_table_add_finds_the_kind_by_the_form);
	tcase_add_test(tc, statement_table_add_same_object_again_adds_nothing);
	tcase_add_loop_test(tc, statement_table_add_list_row_gives_its_code, 0,
		(int)(sizeof(crl_rows) / sizeof(crl_rows[0])));
	tcase_add_loop_test(tc, statement_table_add_answer_row_gives_its_code,
		0, (int)(sizeof(ocsp_rows) / sizeof(ocsp_rows[0])));
	tcase_add_test(tc,
		statement_table_add_list_with_any_bit_wrong_is_no_evidence);
	tcase_add_test(tc,
		statement_table_add_answer_with_any_bit_wrong_is_no_evidence);
	add_order_tests(tc);
	tcase_add_test(tc, statement_table_add_nonce_has_to_come_back);
	tcase_add_test(tc, statement_table_add_without_needs_is_unneeded);
	tcase_add_test(
		tc, statement_table_add_larger_than_the_limit_is_refused);
	tcase_add_test(
		tc, statement_table_add_issuers_of_one_name_are_told_apart);
	tcase_add_test(tc, statement_table_put_full_table_refuses);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

/* Clocks that stand still, jump, start in 1970 or are not there at all, against
 * all else that has dates: certificates of authors, CRLs, OCSP responses and a
 * manifest's use-before. Root and catalog: test_clocks.c. */
#include "tests/unit/unit.h"

#include "policy/trust/component.h"
#include "policy/trust/date.h"
#include "policy/trust/x509.h"
#include "tests/unit/policy/evidence_maker.h"

#define DAY UINT64_C(86400)
#define Y2099 UINT64_C(4070908800)
#define BUILD (MAKER_NOW - 10 * DAY)
#define FOREVER .not_before = "19700101000000Z"
#define OID_CODE_SIGNING "\x2b\x06\x01\x05\x05\x07\x03\x03"
#define SIGNS_CODE                                                             \
	.exts = {EM_EXT(OID_EXT_KEY_USAGE, "\x30\x0a\x06"                      \
					   "\x08" OID_CODE_SIGNING)}

enum { PAST, PRESENT, FUTURE, SPANS };

/* The same for everything that has dates: a CRL of the past is one that has run
 * out, a use-before of the future one that is not reached by then. */
static const struct span {
	const char *name;
	uint64_t from, until;
} spans[SPANS] = {
	{"past", MAKER_NOW - 24 * DAY, MAKER_NOW - 12 * DAY},
	{"present", MAKER_NOW - 2 * DAY, MAKER_NOW + DAY},
	{"future", MAKER_NOW + 10 * DAY, MAKER_NOW + 16 * DAY},
};

/* A row says for past, present and future: '<' too early, '=' counts, '>' has
 * run out, '!' too early by the clock and run out by what is signed.
 *
 * It is MAKER_NOW; the vendor's root was issued 1000 s before that, its catalog
 * 100 s. Without a synchronised clock nothing is too early. */
static const struct row {
	const char *name;
	uint64_t build;
	uint64_t persisted; /* of the run before */
	uint64_t system;
	bool synchronised;
	uint64_t uptime; /* since the catalog was accepted */
	const char *says;
} rows[] = {
	{"no clock at all, just started", BUILD, 0, 0, false, 0, ">=="},
	{"no clock at all, up for two days", BUILD, 0, 0, false, 2 * DAY,
		">>="},
	{"no clock at all, up for 20 days", BUILD, 0, 0, false, 20 * DAY,
		">>>"},
	{"a clock that stands still", BUILD, 0, MAKER_NOW, false, 2 * DAY,
		">>="},
	{"one that stands still and is called synchronised", BUILD, 0,
		MAKER_NOW, true, 2 * DAY, ">><"},
	{"1970", BUILD, 0, 10, false, 60, ">=="},
	{"1970, up for two days", BUILD, 0, 10 + 2 * DAY, false, 2 * DAY,
		">>="},
	{"1970, called synchronised", BUILD, 0, 10, true, 0, "!<<"},
	{"2099", BUILD, 0, Y2099, false, 60, ">=="},
	{"2099, called synchronised", BUILD, 0, Y2099, true, 0, ">>>"},
	{"right and synchronised", BUILD, 0, MAKER_NOW, true, 60, ">=<"},
	{"synchronised, a little slow", BUILD, 0, MAKER_NOW - 350, true, 0,
		">=<"},
	{"synchronised, five days slow", BUILD, 0, MAKER_NOW - 5 * DAY, true, 0,
		"><<"},
	{"synchronised, twelve days fast", BUILD, 0, MAKER_NOW + 12 * DAY, true,
		0, ">>="},
	{"no clock, bound of the run before", BUILD, MAKER_NOW + 2 * DAY, 0,
		false, 0, ">>="},
	{"1970 after a run that knew better", BUILD, MAKER_NOW + 2 * DAY, 10,
		false, 0, ">>="},
	{"1970, called synchronised, after a run that knew better", BUILD,
		MAKER_NOW + 2 * DAY, 10, true, 0, "!!<"},
	{"no clock, a signed time of 2099 in the run before", BUILD, Y2099, 0,
		false, 0, ">>>"},
	{"a program that was built in two days", MAKER_NOW + 2 * DAY, 0, 0,
		false, 0, ">>="},
};

static struct em_cert anchor = {.subject = "anchor", FOREVER, .ca = true};
static struct em_cert lasting = {.subject = "lasting",
	.issuer = &anchor,
	.serial = EM("\x41"),
	FOREVER,
	SIGNS_CODE};
static struct em_cert authors[SPANS];
static struct cert_id lasting_id;
static struct buf lists[SPANS], answers[SPANS];
static struct buf by_key[SPANS];  /* envelopes with a use-before */
static struct buf by_cert[SPANS]; /* signed by authors[] */
static struct buf by_lasting;
static struct buf root_file, catalog_file;
static struct maker_cert anchor_as_entry;

static struct trust_vendor vendor;
static struct trust_clock clk;
static struct statement_table table;
static struct revocation_view view;
static struct revocation_needs needs;
static struct verdict verdict;
static struct offer_plan plan;

/* 20270115080000Z */
static void put_date(uint64_t seconds, char text[DATE_SIZE])
{
	char date[DATE_SIZE];
	size_t len = 0;

	date_text(seconds, date);
	for (const char *p = date; *p; p++)
		if (*p != '-' && *p != ':' && *p != 'T')
			text[len++] = *p;
	text[len] = '\0';
}

static void list_make(uint64_t from, uint64_t until, struct buf *out)
{
	char this_update[DATE_SIZE], next_update[DATE_SIZE];
	const struct em_crl list = {.issuer = &anchor,
		.this_update = this_update,
		.next_update = next_update};

	put_date(from, this_update);
	put_date(until, next_update);
	buf_init(out, EVIDENCE_CRL_MAX);
	em_crl_make(&list, out);
}

static void answer_make(uint64_t from, uint64_t until, struct buf *out)
{
	char this_update[DATE_SIZE], next_update[DATE_SIZE];
	const struct em_ocsp answer = {.issuer = &anchor,
		.id = &lasting_id,
		.by_key = true,
		.produced = this_update,
		.answers = {{.used = true,
			.this_update = this_update,
			.next_update = next_update}}};

	put_date(from, this_update);
	put_date(until, next_update);
	buf_init(out, EVIDENCE_OCSP_MAX);
	em_ocsp_make(&answer, out);
}

static void author_make(unsigned i)
{
	static const char *const names[SPANS] = {"past", "present", "future"};
	char not_before[DATE_SIZE], not_after[DATE_SIZE];

	put_date(spans[i].from, not_before);
	put_date(spans[i].until, not_after);
	authors[i] = (struct em_cert){.subject = names[i],
		.key = maker_key(names[i]),
		.issuer = &anchor,
		.not_before = not_before,
		.not_after = not_after,
		SIGNS_CODE};
	em_cert_make(&authors[i]);
}

static struct maker_cert as_maker(const struct em_cert *cert)
{
	struct maker_cert ret = {.key = cert->key, .len = cert->len};

	ck_assert_uint_le(cert->len, sizeof(ret.der));
	memcpy(ret.der + sizeof(ret.der) - ret.len, cert->der, ret.len);
	return ret;
}

static void envelope_by(const struct em_cert *author, struct buf *out)
{
	const struct maker_cert cert = as_maker(author);
	const struct maker_envelope maker = {
		.sequence = 7, .signers = {author->key}, .chain = {&cert}};

	buf_init(out, SUIT_ENVELOPE_MAX);
	maker_envelope_file(&maker, out);
}

static void uint_member(struct buf *b, uint64_t key, uint64_t value)
{
	cbor_put_uint(b, key);
	cbor_put_uint(b, value);
}

static void envelope_until(uint64_t until, struct buf *out)
{
	struct maker_envelope maker = {.sequence = 7};
	struct buf install;

	buf_init(&install, 1000);
	cbor_put_array(&install, 8);
	cbor_put_uint(&install, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&install, 2);
	uint_member(&install, SUIT_PARAM_USE_BEFORE, until);
	cbor_put_uint(&install, SUIT_PARAM_URI);
	cbor_put_tstr(&install, "p/x");
	uint_member(&install, SUIT_COND_USE_BEFORE, 15);
	uint_member(&install, SUIT_FETCH, 2);
	uint_member(&install, SUIT_COND_IMAGE_MATCH, 15);
	maker.install = buf_bytes(&install);
	buf_init(out, SUIT_ENVELOPE_MAX);
	maker_envelope_file(&maker, out);
	buf_done(&install);
}

static struct maker_root root_maker(void)
{
	struct maker_root maker = maker_root_default();

	maker.roles[2].entries[1] = (struct maker_entry){
		.cert = &anchor_as_entry, .key = anchor.key};
	return maker;
}

static struct bytes root_of(const struct maker_root *maker)
{
	buf_reset(&root_file);
	maker_root_file(maker, &root_file);
	return buf_bytes(&root_file);
}

static struct bytes catalog_of(const struct maker_catalog *maker)
{
	buf_reset(&catalog_file);
	maker_catalog_file(maker, &catalog_file);
	return buf_bytes(&catalog_file);
}

/* All that is signed, once for all rows. */
static void world_make(void)
{
	struct maker_root root;
	const struct maker_catalog catalog = maker_catalog_default();

	anchor.key = maker_key("anchor");
	lasting.key = maker_key("lasting");
	em_cert_make(&anchor);
	em_cert_make(&lasting);
	em_id(&lasting, &anchor, &lasting_id);
	anchor_as_entry = as_maker(&anchor);
	envelope_by(&lasting, &by_lasting);
	for (unsigned i = 0; i < SPANS; i++) {
		author_make(i);
		list_make(spans[i].from, spans[i].until, &lists[i]);
		answer_make(spans[i].from, spans[i].until, &answers[i]);
		envelope_by(&authors[i], &by_cert[i]);
		envelope_until(spans[i].until, &by_key[i]);
	}
	buf_init(&root_file, ROOT_FILE_MAX);
	buf_init(&catalog_file, CATALOG_FILE_MAX);
	root = root_maker();
	root_of(&root);
	catalog_of(&catalog);
}

static void world_done(void)
{
	for (unsigned i = 0; i < SPANS; i++) {
		buf_done(&lists[i]);
		buf_done(&answers[i]);
		buf_done(&by_cert[i]);
		buf_done(&by_key[i]);
	}
	buf_done(&by_lasting);
	buf_done(&root_file);
	buf_done(&catalog_file);
}

static void vendor_open(uint64_t persisted)
{
	const struct trust_floor floor = {.catalog = {.epoch = 1}};

	ck_assert_int_eq(trust_open(&vendor, buf_bytes(&root_file), &floor,
				 persisted, &clk, NULL),
		0);
	vendor.revocation = &maker_revocation_off;
}

static void vendor_close(void)
{
	trust_close(&vendor);
}

/* Whether the catalog is accepted is told by test_clocks.c. */
static void begin(const struct row *row)
{
	clk = (struct trust_clock){
		row->build, 5, row->system, row->synchronised};
	vendor_open(row->persisted);
	(void)trust_add_catalog(
		&vendor, buf_bytes(&catalog_file), &clk, NULL, NULL);
	clk.boot += row->uptime;
}

static char letter(int code)
{
	switch (code) {
	case 0:
		return '=';
	case ERR_TRUST_CERT_NOT_YET:
	case ERR_TRUST_REVOCATION_NOT_YET:
		return '<';
	case ERR_TRUST_CERT_EXPIRED:
	case ERR_TRUST_REVOCATION_STALE:
	case ERR_TRUST_SUIT_USE_BEFORE:
		return '>';
	default:
		return '?';
	}
}

static void said(
	const struct row *row, unsigned span, const char *what, int code)
{
	char want = row->says[span], got = letter(code);

	ck_assert_msg(got == want || (want == '!' && strchr("<>", got)),
		"%s: %s of the %s: expected %c, %s", row->name, what,
		spans[span].name, want, err_name(code));
}

static int verify(const struct em_cert *leaf)
{
	const struct chain_rules rules = {.now = trust_now(&vendor.time, &clk),
		.revocation = &view,
		.needs = &needs};
	const struct bytes cert = em_cert_der(leaf);
	const struct x509_anchor anchors = {em_cert_der(&anchor), false};
	struct x509_chain chain;

	return x509_chain_verify(&cert, 1, &anchors, 1, &rules, &chain, NULL);
}

/* Forgets what is known, and reads one object. */
static int learn(const struct buf *object)
{
	int err;

	table.count = 0;
	needs = (struct revocation_needs){0};
	view = (struct revocation_view){.statements = table.of};
	ck_assert_int_eq(verify(&lasting), ERR_TRUST_REVOCATION_NONE);
	err = statement_table_add(&table, (enum evidence_kind)0,
		buf_bytes(object), &needs, bytes_of(NULL, 0),
		trust_now(&vendor.time, &clk), NULL);
	view.statement_count = table.count;
	return err < 0 ? err : 0;
}

START_TEST(x509_chain_verify_with_each_clock)
{
	begin(&rows[_i]);
	view = maker_revocation_off;
	for (unsigned i = 0; i < SPANS; i++)
		said(&rows[_i], i, "author's certificate", verify(&authors[i]));
	vendor_close();
}
END_TEST

/* An answer that is to come is not even read. */
static int judge(const struct buf *object, struct revocation_result *ret)
{
	const struct bytes path[] = {
		em_cert_der(&lasting), em_cert_der(&anchor)};
	int err = learn(object);

	*ret = (struct revocation_result){0};
	return err ? err
		   : revocation_judge(&view, path, 2, false,
			     trust_now(&vendor.time, &clk), NULL, ret);
}

START_TEST(revocation_judge_with_each_clock)
{
	struct revocation_result result;

	begin(&rows[_i]);
	for (unsigned i = 0; i < SPANS; i++) {
		said(&rows[_i], i, "CRL", judge(&lists[i], &result));
		ck_assert_uint_eq(
			result.signed_time, result.by_crl ? spans[i].from : 0);
		said(&rows[_i], i, "OCSP response",
			judge(&answers[i], &result));
		ck_assert_uint_eq(
			result.signed_time, result.by_ocsp ? spans[i].from : 0);
	}
	vendor_close();
}
END_TEST

/* Judges an offer; the code of one row of the verdict. */
static int row_code(const struct buf *envelope, const char *check)
{
	uint8_t component[COMPONENT_LEN_MAX];
	struct suit_slot slot = {.slot = 4};
	struct offer_request request = {
		.envelope = buf_bytes(envelope),
		.facts = {.vendor_id = bytes_of(maker_vendor_id, 16),
			.class_id = bytes_of(maker_class_id, 16),
			.slots = &slot,
			.slot_count = 1},
		.revocation = &view,
	};
	const struct check *row;
	size_t len = 0;

	component_from_text("app", component, &len);
	slot.component = bytes_of(component, len);
	trust_judge(&vendor, &clk, &request, &verdict, &plan);
	row = verdict_find(&verdict, check);
	ck_assert_ptr_nonnull(row);
	ck_assert_msg(row->outcome == CHECK_PASS || row->outcome == CHECK_FAIL,
		"%s is not evaluated", check);
	return row->code;
}

static void teach(void)
{
	trust_note(&vendor, plan.signed_time);
	trust_learn(&vendor, &clk);
}

START_TEST(trust_judge_author_with_each_clock)
{
	begin(&rows[_i]);
	view = maker_revocation_off;
	for (unsigned i = 0; i < SPANS; i++)
		said(&rows[_i], i, "signature of an author",
			row_code(&by_cert[i], "author-signature"));
	vendor_close();
}
END_TEST

START_TEST(trust_judge_evidence_with_each_clock)
{
	begin(&rows[_i]);
	for (unsigned i = 0; i < SPANS; i++) {
		int code = learn(&lists[i]);

		ck_assert_int_eq(code, 0);
		said(&rows[_i], i, "CRL about an author",
			row_code(&by_lasting, "revocation"));
		code = learn(&answers[i]);
		said(&rows[_i], i, "OCSP response about an author",
			code ? code : row_code(&by_lasting, "revocation"));
	}
	vendor_close();
}
END_TEST

/* It has no beginning: what is too early counts. */
START_TEST(trust_judge_use_before_with_each_clock)
{
	const struct row *row = &rows[_i];

	begin(row);
	view = maker_revocation_off;
	for (unsigned i = 0; i < SPANS; i++) {
		int code = row_code(&by_key[i], "use-before");
		bool over = strchr(">!", row->says[i]);

		ck_assert_msg(code == (over ? ERR_TRUST_SUIT_USE_BEFORE : 0),
			"%s: use-before of the %s: %s", row->name,
			spans[i].name, err_name(code));
	}
	vendor_close();
}
END_TEST

/* Whatever was judged, only what was signed raises the bound; what did not
 * count teaches nothing. */
START_TEST(trust_learn_with_each_clock)
{
	const struct row *row = &rows[_i];
	uint64_t highest;

	begin(row);
	highest = trust_time_value(&vendor.time, &clk);
	for (unsigned i = 0; i < SPANS; i++) {
		uint64_t teaches = row->says[i] == '=' ? spans[i].from : 0;

		learn(&lists[i]);
		row_code(&by_lasting, "revocation");
		ck_assert_msg(plan.signed_time == teaches, "%s: CRL of the %s",
			row->name, spans[i].name);
		teach();
		highest = teaches > highest ? teaches : highest;
		ck_assert_msg(trust_time_value(&vendor.time, &clk) == highest,
			"%s: CRL of the %s", row->name, spans[i].name);
	}
	vendor_close();
}
END_TEST

/* Verdicts that were made before a higher epoch do not tell the time after it:
 * neither what was learned once nor what is only noted. */
START_TEST(trust_learn_verdicts_of_before_a_higher_epoch_teach_nothing)
{
	static const struct row row = {
		"repaired", BUILD, 0, 0, false, 0, ">=="};
	struct maker_root root = root_maker();

	begin(&row);
	trust_note(&vendor, Y2099);
	if (_i) {
		trust_learn(&vendor, &clk);
		ck_assert_uint_eq(trust_time_value(&vendor.time, &clk), Y2099);
	}
	root.version = 2;
	root.epoch = 2;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&root), &clk, NULL), 0);
	trust_learn(&vendor, &clk);
	ck_assert(!vendor.changed);
	ck_assert_uint_eq(
		trust_time_value(&vendor.time, &clk), MAKER_NOW - 1000);
	trust_note(&vendor, MAKER_NOW);
	trust_learn(&vendor, &clk);
	ck_assert_uint_eq(trust_time_value(&vendor.time, &clk), MAKER_NOW);
	vendor_close();
}
END_TEST

/* A CRL that was dated far ahead by mistake: a right one with a higher number
 * takes its place for good, and after a higher epoch nothing tells its date. */
START_TEST(trust_add_root_higher_epoch_after_a_list_that_was_dated_far_ahead)
{
	const struct em_crl right = {.issuer = &anchor,
		.this_update = "20270113080000Z",
		.next_update = "20270116080000Z",
		.number = EM("\x02\x01\x08")};
	static const struct row row = {
		"dated far ahead", BUILD, 0, 0, false, 0, ">=="};
	struct maker_root root = root_maker();
	struct buf list;

	begin(&row);
	list_make(Y2099, Y2099 + DAY, &list);
	ck_assert_int_eq(learn(&list), 0);
	ck_assert_int_eq(row_code(&by_lasting, "revocation"), 0);
	teach();
	ck_assert_uint_eq(trust_time_value(&vendor.time, &clk), Y2099);
	buf_reset(&list);
	em_crl_make(&right, &list);
	ck_assert_int_eq(statement_table_add(&table, EVIDENCE_CRL,
				 buf_bytes(&list), &needs, bytes_of(NULL, 0),
				 trust_now(&vendor.time, &clk), NULL),
		1);
	ck_assert_int_eq(row_code(&by_lasting, "revocation"),
		ERR_TRUST_REVOCATION_STALE);
	root.version = 2;
	root.epoch = 2;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&root), &clk, NULL), 0);
	ck_assert_int_eq(row_code(&by_lasting, "revocation"), 0);
	teach();
	ck_assert_uint_eq(
		trust_time_value(&vendor.time, &clk), MAKER_NOW - 1000);
	vendor_close();
	buf_done(&list);
}
END_TEST

/* A clock that is wrong for a while, and believed, leaves nothing behind. */
START_TEST(clock_that_jumps_and_comes_back_leaves_no_trace)
{
	static const struct row before = {
		"before the jump", BUILD, 0, MAKER_NOW, true, 0, ">=<"};
	static const struct row jumps[] = {
		{"1970", BUILD, 0, 10, true, 0, "!<<"},
		{"2099", BUILD, 0, Y2099, true, 0, ">>>"},
		{"before the jump", BUILD, 0, MAKER_NOW, true, 0, ">=<"},
	};
	uint64_t bound;

	begin(&before);
	bound = trust_time_value(&vendor.time, &clk);
	for (size_t k = 0; k < sizeof(jumps) / sizeof(*jumps); k++) {
		clk.system = jumps[k].system;
		for (unsigned i = 0; i < SPANS; i++) {
			struct revocation_result result;

			said(&jumps[k], i, "CRL", judge(&lists[i], &result));
			said(&jumps[k], i, "OCSP response",
				judge(&answers[i], &result));
			learn(&lists[i]);
			row_code(&by_lasting, "revocation");
			teach();
		}
		ck_assert_uint_eq(trust_time_value(&vendor.time, &clk), bound);
	}
	vendor_close();
}
END_TEST

/* What a CRL has taught is known after a restart without any clock: what had
 * run out by then does not come back. */
START_TEST(trust_learn_of_evidence_survives_a_restart)
{
	static const struct row row = {
		"restarted", BUILD, 0, 0, false, 0, ">>="};
	struct buf list;
	uint64_t persisted;

	begin(&row);
	list_make(MAKER_NOW + 3 * DAY, MAKER_NOW + 9 * DAY, &list);
	ck_assert_int_eq(learn(&list), 0);
	ck_assert_int_eq(row_code(&by_lasting, "revocation"), 0);
	teach();
	ck_assert(vendor.changed);
	persisted = trust_time_value(&vendor.time, &clk);
	ck_assert_uint_eq(persisted, MAKER_NOW + 3 * DAY);
	vendor_close();
	clk = (struct trust_clock){.build = BUILD, .boot = 1, .system = 10};
	vendor_open(persisted);
	view = maker_revocation_off;
	for (unsigned i = 0; i < SPANS; i++) {
		struct revocation_result result;

		said(&row, i, "CRL", judge(&lists[i], &result));
		said(&row, i, "OCSP response", judge(&answers[i], &result));
		view = maker_revocation_off;
		said(&row, i, "author's certificate", verify(&authors[i]));
	}
	vendor_close();
	buf_done(&list);
}
END_TEST

/* A thief of the catalog key tells a far future. A root of a higher epoch
 * brings the time back; evidence, judged anew, teaches its own time and no
 * more. */
START_TEST(trust_add_root_higher_epoch_repairs_what_evidence_is_judged_by)
{
	static const struct row row = {
		"repaired", BUILD, 0, 0, false, 0, ">=="};
	struct maker_catalog thief = maker_catalog_default();
	struct maker_catalog next = maker_catalog_default();
	struct maker_root root = root_maker();

	begin(&row);
	thief.sequence = 11;
	thief.issued = Y2099;
	thief.expires = Y2099 + DAY;
	ck_assert_int_eq(trust_add_catalog(
				 &vendor, catalog_of(&thief), &clk, NULL, NULL),
		0);
	ck_assert_int_eq(learn(&lists[PRESENT]), 0);
	ck_assert_int_eq(row_code(&by_lasting, "revocation"),
		ERR_TRUST_REVOCATION_STALE);
	ck_assert_uint_eq(plan.signed_time, 0);
	root.version = next.root_version = 2;
	root.epoch = next.epoch = 2;
	root.issued = MAKER_NOW - 50;
	next.sequence = 1;
	next.issued = MAKER_NOW - 20;
	ck_assert_int_eq(
		trust_add_root(&vendor, root_of(&root), &clk, NULL), 0);
	ck_assert_ptr_null(vendor.catalog);
	ck_assert_int_eq(
		trust_add_catalog(&vendor, catalog_of(&next), &clk, NULL, NULL),
		0);
	ck_assert_int_eq(trust_state(&vendor, &clk), 0);
	for (unsigned i = 0; i <= PRESENT; i++) {
		ck_assert_int_eq(learn(&lists[i]), 0);
		said(&row, i, "CRL about an author",
			row_code(&by_lasting, "revocation"));
		teach();
		ck_assert_int_eq(trust_judge_again(&vendor, &clk, NULL), 0);
	}
	ck_assert_uint_eq(trust_time_value(&vendor.time, &clk), MAKER_NOW - 20);
	vendor_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy.clocks_dates");
	TCase *c = tcase_create("clocks");
	int count = sizeof(rows) / sizeof(*rows);

	maker_init();
	tcase_add_unchecked_fixture(c, world_make, world_done);
	tcase_add_loop_test(c, x509_chain_verify_with_each_clock, 0, count);
	tcase_add_loop_test(c, revocation_judge_with_each_clock, 0, count);
	tcase_add_loop_test(c, trust_judge_author_with_each_clock, 0, count);
	tcase_add_loop_test(c, trust_judge_evidence_with_each_clock, 0, count);
	tcase_add_loop_test(
		c, trust_judge_use_before_with_each_clock, 0, count);
	tcase_add_loop_test(c, trust_learn_with_each_clock, 0, count);
	tcase_add_loop_test(c,
		trust_learn_verdicts_of_before_a_higher_epoch_teach_nothing, 0,
		2);
	tcase_add_test(c,
		trust_add_root_higher_epoch_after_a_list_that_was_dated_far_ahead);
	tcase_add_test(c, clock_that_jumps_and_comes_back_leaves_no_trace);
	tcase_add_test(c, trust_learn_of_evidence_survives_a_restart);
	tcase_add_test(c,
		trust_add_root_higher_epoch_repairs_what_evidence_is_judged_by);
	suite_add_tcase(s, c);
	return unit_run(s);
}

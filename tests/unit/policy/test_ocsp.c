#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/policy/evidence_maker.h"

#define EKU_OCSP EM_EXT(OID_EXT_KEY_USAGE, "\x30\x0a\x06\x08" OID_OCSP_SIGNING)
#define NOCHECK EM_EXT(OID_OCSP_NOCHECK, "\x05\x00")

static const uint8_t nonce[OCSP_NONCE_LEN] = "0123456789abcdef0123456789abcde";
#define NONCE_VALUE                                                            \
	EM("\x04\x20"                                                          \
	   "0123456789abcdef0123456789abcde\0")

static struct em_cert ca = {.ca = true};
static struct em_cert leaf = {
	.subject = "leaf", .issuer = &ca, .serial = EM("\x00\xd5\x01")};
static struct em_cert delegate = {.subject = "responder",
	.issuer = &ca,
	.serial = EM("\x33"),
	.exts = {EKU_OCSP, NOCHECK}};
static struct em_cert bystander = {
	.subject = "bystander", .issuer = &ca, .serial = EM("\x34")};
static struct cert_id id;
static struct buf out;

static void setup(void)
{
	ca.key = maker_key("ca");
	em_cert_make(&ca);
	leaf.key = maker_key("leaf");
	em_cert_make(&leaf);
	delegate.key = maker_key("responder");
	em_cert_make(&delegate);
	bystander.key = maker_key("bystander");
	em_cert_make(&bystander);
	em_id(&leaf, &ca, &id);
	buf_init(&out, EVIDENCE_OCSP_MAX + 100);
}

static struct ocsp_question question(void)
{
	return (struct ocsp_question){.id = id,
		.issuer = em_cert_der(&ca),
		.now = trust_now_at(MAKER_NOW)};
}

static int read_recipe(const struct em_ocsp *recipe,
	const struct ocsp_question *q, struct statement *ret,
	struct ocsp_delegate *ret_delegate, struct fault *fault)
{
	struct em_ocsp ocsp = *recipe;

	ocsp.issuer = &ca;
	ocsp.id = &id;
	em_ocsp_make(&ocsp, &out);
	return ocsp_read(buf_bytes(&out), q, ret, ret_delegate, fault);
}

START_TEST(ocsp_read_usual_response_gives_a_statement)
{
	struct ocsp_question q = question();
	struct em_ocsp ocsp = {.by_key = true};
	struct ocsp_delegate by;
	struct statement got;
	uint8_t digest[32];

	ck_assert_int_eq(read_recipe(&ocsp, &q, &got, &by, NULL), 0);
	ck_assert(cert_id_equal(&got.id, &id));
	ck_assert_int_eq(got.kind, EVIDENCE_OCSP);
	ck_assert_int_eq(got.status, STATEMENT_GOOD);
	ck_assert_uint_eq(got.this_update, EM_OCSP_BEGIN_S);
	ck_assert_uint_eq(got.next_update, EM_OCSP_END_S);
	ck_assert_int_eq(crypto_sha256(buf_bytes(&out), digest), 0);
	ck_assert_mem_eq(got.sha256, digest, 32);
	ck_assert(!by.needs_evidence);
}
END_TEST

struct row {
	const char *name;
	struct em_ocsp ocsp;
	int code;
	enum statement_status status;
	bool nonce_sent;
	bool nonce_required;
};

#define ANSWER(...) .answers = {{.used = true, __VA_ARGS__}}
#define SERIAL_OTHER .serial = EM("\x00\xd5\x02")
#define REVOKED(rest, n)                                                       \
	EM("\xa1" n "\x18\x0f"                                                 \
	   "20270101000000Z" rest)

static const struct row rows[] = {
	{"by the issuer, by name", {0}, 0, STATEMENT_GOOD, false, false},
	{"by the issuer, by key", {.by_key = true}, 0, STATEMENT_GOOD, false,
		false},
	{"by the issuer, who also sends itself", {.certs = {&ca}}, 0,
		STATEMENT_GOOD, false, false},
	{"version said", {.version = EM("\xa0\x03\x02\x01\x00")}, 0,
		STATEMENT_GOOD, false, false},
	{"delegate by name", {.signer = &delegate, .certs = {&delegate}}, 0,
		STATEMENT_GOOD, false, false},
	{"delegate by key",
		{.signer = &delegate, .certs = {&delegate}, .by_key = true}, 0,
		STATEMENT_GOOD, false, false},
	{"delegate behind another certificate",
		{.signer = &delegate, .certs = {&bystander, &ca, &delegate}}, 0,
		STATEMENT_GOOD, false, false},
	{"SHA-512", {.alg = EM_ECDSA_SHA512}, 0, STATEMENT_GOOD, false, false},
	{"revoked", {ANSWER(.status = REVOKED("", "\x11"))}, 0,
		STATEMENT_REVOKED, false, false},
	{"revoked with certificateHold",
		{ANSWER(.status = REVOKED("\xa0\x03\x0a\x01\x06", "\x16"))}, 0,
		STATEMENT_REVOKED, false, false},
	{"unknown", {ANSWER(.status = EM("\x82\x00"))}, 0, STATEMENT_UNKNOWN,
		false, false},
	{"ours is the second of two",
		{.answers = {{.used = true, SERIAL_OTHER}, {.used = true}}}, 0,
		STATEMENT_GOOD, false, false},
	{"nonce repeated", {.nonce = NONCE_VALUE}, 0, STATEMENT_GOOD, true,
		true},
	{"nonce not repeated, nor asked for", {0}, 0, STATEMENT_GOOD, true,
		false},
	{"nonce that nobody sent", {.nonce = NONCE_VALUE}, 0, STATEMENT_GOOD,
		false, false},
	{"unknown extensions, not critical",
		{.exts = {EM_EXT("\x2a\x03", "x")},
			ANSWER(.exts = {EM_EXT("\x2a\x03", "x")})},
		0, STATEMENT_GOOD, false, false},

	{"malformedRequest", {.status = 1, .no_bytes = true},
		ERR_TRUST_OCSP_STATUS, 0, false, false},
	{"tryLater", {.status = 3, .no_bytes = true}, ERR_TRUST_OCSP_STATUS, 0,
		false, false},
	{"unauthorized with a good answer", {.status = 6},
		ERR_TRUST_OCSP_STATUS, 0, false, false},
	{"a status that is not known", {.status = 99, .no_bytes = true},
		ERR_TRUST_OCSP_STATUS, 0, false, false},
	{"successful with nothing", {.no_bytes = true}, ERR_TRUST_OCSP_FORM, 0,
		false, false},
	{"of another type", {.type = EM("\x2a\x03")}, ERR_TRUST_OCSP_TYPE, 0,
		false, false},
	{"version 2", {.version = EM("\xa0\x03\x02\x01\x01")},
		ERR_TRUST_OCSP_TYPE, 0, false, false},
	{"bytes behind the end", {.behind = EM("\x00")}, ERR_TRUST_OCSP_FORM, 0,
		false, false},
	{"bytes behind the data", {.behind_tbs = EM("\x05\x00")},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"answer that is no SEQUENCE", {.behind_answers = EM("\x05\x00")},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"no answer", {.no_answers = true}, ERR_TRUST_OCSP_OTHER, 0, false,
		false},
	{"another serial number", {ANSWER(SERIAL_OTHER)}, ERR_TRUST_OCSP_OTHER,
		0, false, false},
	{"serial number in too many octets",
		{ANSWER(.serial = EM("\x00\x00\xd5\x01"))}, ERR_TRUST_OCSP_FORM,
		0, false, false},
	{"another issuer's name", {ANSWER(.other_name = true)},
		ERR_TRUST_OCSP_OTHER, 0, false, false},
	{"another issuer's key", {ANSWER(.other_key = true)},
		ERR_TRUST_OCSP_OTHER, 0, false, false},
	{"another hash", {ANSWER(.hash = EM(OID_SHA512))}, ERR_TRUST_OCSP_OTHER,
		0, false, false},
	{"two answers for us", {.answers = {{.used = true}, {.used = true}}},
		ERR_TRUST_OCSP_TWICE, 0, false, false},
	{"two answers that differ",
		{.answers = {{.used = true},
			 {.used = true, .status = REVOKED("", "\x11")}}},
		ERR_TRUST_OCSP_TWICE, 0, false, false},
	{"the same in terms of SHA-1",
		{.answers = {{.used = true},
			 {.used = true, .hash = EM("\x2b\x0e\x03\x02\x1a")}}},
		0, STATEMENT_GOOD, false, false},
	{"the same in terms of SHA-1, before ours",
		{.answers = {{.used = true, .hash = EM("\x2b\x0e\x03\x02\x1a")},
			 {.used = true}}},
		0, STATEMENT_GOOD, false, false},
	{"another in terms of SHA-1",
		{.answers = {{.used = true},
			 {.used = true,
				 .hash = EM("\x2b\x0e\x03\x02\x1a"),
				 .status = REVOKED("", "\x11")}}},
		ERR_TRUST_OCSP_TWICE, 0, false, false},
	{"another in terms of SHA-512, before the same in SHA-1",
		{.answers = {{.used = true,
				     .hash = EM(OID_SHA512),
				     .status = REVOKED("", "\x11")},
			 {.used = true, .hash = EM("\x2b\x0e\x03\x02\x1a")},
			 {.used = true}}},
		ERR_TRUST_OCSP_TWICE, 0, false, false},
	{"status of no kind", {ANSWER(.status = EM("\x83\x00"))},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"good with content", {ANSWER(.status = EM("\x80\x01\x00"))},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"revoked without a date", {ANSWER(.status = EM("\xa1\x00"))},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"revoked for removeFromCRL",
		{ANSWER(.status = REVOKED("\xa0\x03\x0a\x01\x08", "\x16"))},
		ERR_TRUST_OCSP_FORM, 0, false, false},

	{"signature of other bytes", {.spoil_signature = true},
		ERR_TRUST_OCSP_SIGNATURE, 0, false, false},
	{"the issuer's name, another's key",
		{.key = NULL, .by_key = true, .named = &bystander},
		ERR_TRUST_OCSP_RESPONDER, 0, false, false},
	{"the delegate's signature is wrong",
		{.signer = &delegate,
			.certs = {&delegate},
			.spoil_signature = true},
		ERR_TRUST_OCSP_SIGNATURE, 0, false, false},
	{"the issuer's is wrong, with its certificate",
		{.certs = {&ca}, .spoil_signature = true},
		ERR_TRUST_OCSP_SIGNATURE, 0, false, false},
	{"delegate not sent", {.signer = &delegate}, ERR_TRUST_OCSP_RESPONDER,
		0, false, false},
	{"names another than the signer",
		{.signer = &delegate,
			.named = &bystander,
			.certs = {&delegate}},
		ERR_TRUST_OCSP_RESPONDER, 0, false, false},
	{"signed by the certificate in question",
		{.signer = &leaf, .certs = {&leaf}}, ERR_TRUST_OCSP_DELEGATE, 0,
		false, false},
	{"signed by some certificate of the issuer",
		{.signer = &bystander, .certs = {&bystander}},
		ERR_TRUST_OCSP_DELEGATE, 0, false, false},
	{"more certificates than the limit",
		{.signer = &delegate,
			.certs = {&bystander, &bystander, &bystander,
				&bystander, &delegate}},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"responder of no kind", {.responder = EM("\xa3\x02\x04\x00")},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"responder with an empty key", {.responder = EM("\xa2\x02\x04\x00")},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"responder with two names",
		{.responder = EM("\xa1\x04\x30\x00\x30\x00")},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"signed with SHA-1", {.alg = EM_ECDSA_SHA1}, ERR_TRUST_OCSP_ALG, 0,
		false, false},
	{"signed with nobody's algorithm", {.alg = EM_NOBODYS},
		ERR_TRUST_OCSP_ALG, 0, false, false},

	{"no nextUpdate", {ANSWER(.next_update = "")},
		ERR_TRUST_OCSP_NEXT_UPDATE, 0, false, false},
	{"nextUpdate is thisUpdate", {ANSWER(.next_update = EM_OCSP_BEGIN)},
		ERR_TRUST_OCSP_DATES, 0, false, false},
	{"valid for 14 days", {ANSWER(.next_update = "20270128000000Z")}, 0,
		STATEMENT_GOOD, false, false},
	{"valid for 14 days and a second",
		{ANSWER(.next_update = "20270128000001Z")},
		ERR_TRUST_OCSP_VALIDITY, 0, false, false},
	{"made before thisUpdate", {.produced = "20270113235959Z"},
		ERR_TRUST_OCSP_DATES, 0, false, false},
	{"made after nextUpdate", {.produced = "20270121000001Z"},
		ERR_TRUST_OCSP_DATES, 0, false, false},
	{"made in the future", {.produced = "20270120000000Z"},
		ERR_TRUST_REVOCATION_NOT_YET, 0, false, false},
	{"made in UTCTime", {.produced = "270114000000Z"}, ERR_TRUST_OCSP_FORM,
		0, false, false},
	{"thisUpdate in UTCTime", {ANSWER(.this_update = "270114000000Z")},
		ERR_TRUST_OCSP_FORM, 0, false, false},
	{"nextUpdate with fractions",
		{ANSWER(.next_update = "20270121000000.5Z")},
		ERR_TRUST_OCSP_FORM, 0, false, false},

	{"nonce missing", {0}, ERR_TRUST_OCSP_NONCE, 0, true, true},
	{"nonce of another question",
		{.nonce = EM("\x04\x04"
			     "\x01\x02\x03\x04")},
		ERR_TRUST_OCSP_NONCE, 0, true, true},
	{"nonce of another question, though not required",
		{.nonce = EM("\x04\x04"
			     "\x01\x02\x03\x04")},
		ERR_TRUST_OCSP_NONCE, 0, true, false},
	{"nonce required and none sent", {0}, ERR_TRUST_OCSP_NONCE, 0, false,
		true},
	{"nonce of nobody, where one is required", {.nonce = NONCE_VALUE},
		ERR_TRUST_OCSP_NONCE, 0, false, true},
	{"empty nonce", {.nonce = EM("\x04\x00")}, ERR_TRUST_OCSP_NONCE, 0,
		true, false},
	{"empty nonce where none was sent", {.nonce = EM("\x04\x00")}, 0,
		STATEMENT_GOOD, false, false},
	{"nonce without its OCTET STRING",
		{.nonce = EM("0123456789abcdef0123456789abcde\0")},
		ERR_TRUST_OCSP_NONCE, 0, true, true},
	{"critical nonce of the question",
		{.exts = {{EM(OID_OCSP_NONCE), NONCE_VALUE, true}}}, 0,
		STATEMENT_GOOD, true, true},
	{"unknown critical extension", {.exts = {EM_CRITICAL("\x2a\x03", "x")}},
		ERR_TRUST_OCSP_CRITICAL, 0, false, false},
	{"unknown critical extension of our answer",
		{ANSWER(.exts = {EM_CRITICAL("\x2a\x03", "x")})},
		ERR_TRUST_OCSP_CRITICAL, 0, false, false},
	{"unknown critical extension of another answer",
		{.answers = {{.used = true},
			 {.used = true,
				 SERIAL_OTHER,
				 .exts = {EM_CRITICAL("\x2a\x03", "x")}}}},
		ERR_TRUST_OCSP_CRITICAL, 0, false, false},
	{"an extension twice",
		{.exts = {EM_EXT("\x2a\x03", "x"), EM_EXT("\x2a\x03", "x")}},
		ERR_TRUST_OCSP_FORM, 0, false, false},
};

START_TEST(ocsp_read_row_gives_its_code)
{
	const struct row *row = &rows[_i];
	struct statement got = {.reason = 99};
	struct ocsp_question q = question();
	struct fault fault = {0};
	int code;

	if (row->nonce_sent)
		q.nonce = bytes_of(nonce, sizeof(nonce));
	q.nonce_required = row->nonce_required;
	code = read_recipe(&row->ocsp, &q, &got, NULL, &fault);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
	ck_assert_msg(fault.code == row->code, "%s: fault %s", row->name,
		err_name(fault.code));
	if (code) {
		ck_assert_msg(fault.field[0] && fault.rule[0], "%s", row->name);
		ck_assert_msg(got.reason == 99, "%s: written", row->name);
	} else {
		ck_assert_msg(got.status == row->status, "%s", row->name);
	}
}
END_TEST

struct delegate_row {
	const char *name;
	struct em_cert cert;
	int code;
	bool by_stranger; /* its issuer has another key */
	bool may_need;	  /* the caller can ask about it */
};

static const struct delegate_row delegate_rows[] = {
	{"usual", {.exts = {EKU_OCSP, NOCHECK}}, 0, false, false},
	{"nocheck and the caller could ask", {.exts = {EKU_OCSP, NOCHECK}}, 0,
		false, true},
	{"several purposes",
		{.exts = {EM_EXT(OID_EXT_KEY_USAGE,
				  "\x30\x14\x06\x08"
				  "\x2b\x06\x01\x05\x05\x07\x03\x01"
				  "\x06\x08" OID_OCSP_SIGNING),
			 NOCHECK}},
		0, false, false},
	{"without nocheck", {.exts = {EKU_OCSP}}, ERR_TRUST_OCSP_DELEGATE,
		false, false},
	{"without nocheck, the caller asks", {.exts = {EKU_OCSP}}, 0, false,
		true},
	{"nocheck that is no NULL",
		{.exts = {EKU_OCSP, EM_EXT(OID_OCSP_NOCHECK, "\x05\x01\x00")}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"without extended key usage", {.exts = {NOCHECK}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"any extended key usage",
		{.exts = {EM_EXT(OID_EXT_KEY_USAGE,
				  "\x30\x06\x06\x04\x55\x1d\x25\x00"),
			 NOCHECK}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"code signing",
		{.exts = {EM_EXT(OID_EXT_KEY_USAGE,
				  "\x30\x0a\x06\x08"
				  "\x2b\x06\x01\x05\x05\x07\x03\x03"),
			 NOCHECK}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"without key usage",
		{.usage = EM_NO_USAGE, .exts = {EKU_OCSP, NOCHECK}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"key usage nonRepudiation",
		{.usage = 0x40, .exts = {EKU_OCSP, NOCHECK}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"expired",
		{.not_after = "20270115075959Z", .exts = {EKU_OCSP, NOCHECK}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"in its last second",
		{.not_after = "20270115080000Z", .exts = {EKU_OCSP, NOCHECK}},
		0, false, false},
	{"not yet valid",
		{.not_before = "20270116000000Z", .exts = {EKU_OCSP, NOCHECK}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"unknown critical extension",
		{.exts = {EKU_OCSP, NOCHECK, EM_CRITICAL("\x2a\x03", "x")}},
		ERR_TRUST_OCSP_DELEGATE, false, false},
	{"by another issuer of the same name", {.exts = {EKU_OCSP, NOCHECK}},
		ERR_TRUST_OCSP_RESPONDER, true, false},
	{"by an issuer of another name",
		{.issuer_name = "cb", .exts = {EKU_OCSP, NOCHECK}},
		ERR_TRUST_OCSP_RESPONDER, false, false},
	{"signed with SHA-1",
		{.alg = EM_ECDSA_SHA1, .exts = {EKU_OCSP, NOCHECK}},
		ERR_TRUST_OCSP_ALG, false, false},
	{"serial number of 21 octets, without nocheck",
		{.serial = EM("012345678901234567890"), .exts = {EKU_OCSP}},
		ERR_TRUST_OCSP_DELEGATE, false, true},
};

START_TEST(ocsp_read_delegate_row_gives_its_code)
{
	const struct delegate_row *row = &delegate_rows[_i];
	struct ocsp_question q = question();
	struct em_cert cert = row->cert;
	struct em_ocsp ocsp = {.signer = &cert, .certs = {&cert}};
	struct ocsp_delegate by = {.needs_evidence = true};
	struct fault fault = {0};
	struct statement got;
	int code;

	cert.subject = "responder";
	cert.key = maker_key("responder");
	cert.issuer = &ca;
	cert.signer = row->by_stranger ? maker_key("stranger") : NULL;
	em_cert_make(&cert);
	code = read_recipe(&ocsp, &q, &got, row->may_need ? &by : NULL, &fault);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
	ck_assert_msg(fault.code == row->code, "%s", row->name);
	if (code == 0 && row->may_need) {
		struct cert_id wanted;
		bool needs = !cert.exts[1].oid.at;

		ck_assert_msg(by.needs_evidence == needs, "%s", row->name);
		em_id(&cert, &ca, &wanted);
		if (needs) {
			ck_assert(cert_id_equal(&by.id, &wanted));
			ck_assert(bytes_equal(
				by.certificate, em_cert_der(&cert)));
		}
	}
}
END_TEST

/* Issued by a CA that the issuer made: not directly, so not entrusted. */
START_TEST(ocsp_read_delegate_of_an_intermediate_is_refused)
{
	struct em_cert middle = {.subject = "middle",
		.issuer = &ca,
		.ca = true,
		.key = maker_key("middle")};
	struct em_cert below = {.subject = "responder",
		.issuer = &middle,
		.key = maker_key("responder"),
		.exts = {EKU_OCSP, NOCHECK}};
	struct em_ocsp ocsp = {.signer = &below, .certs = {&below, &middle}};
	struct ocsp_question q = question();
	struct statement got;

	em_cert_make(&middle);
	em_cert_make(&below);
	ck_assert_int_eq(read_recipe(&ocsp, &q, &got, NULL, NULL),
		ERR_TRUST_OCSP_RESPONDER);
}
END_TEST

/* The fault of a certificate that does not fit is forgotten. */
START_TEST(ocsp_read_second_delegate_of_the_same_name_is_taken)
{
	struct em_cert old = {.subject = "responder",
		.issuer = &ca,
		.key = maker_key("bystander"),
		.not_after = "20210101000000Z",
		.exts = {EKU_OCSP, NOCHECK}};
	struct em_ocsp ocsp = {.signer = &delegate, .certs = {&old, &delegate}};
	struct ocsp_question q = question();
	struct fault fault = {0};
	struct statement got;

	em_cert_make(&old);
	ck_assert_int_eq(read_recipe(&ocsp, &q, &got, NULL, &fault), 0);
	ck_assert_int_eq(fault.code, 0);
}
END_TEST

/* A clock that cannot be believed never makes anything "from the future", and
 * its lower bound still ends a delegate. */
START_TEST(ocsp_read_unsynchronised_clock_judges_expiry_only)
{
	struct em_ocsp ocsp = {.signer = &delegate, .certs = {&delegate}};
	struct ocsp_question q = question();
	struct statement got;

	q.now = (struct trust_now){.lower = 0, .system = 0};
	ck_assert_int_eq(read_recipe(&ocsp, &q, &got, NULL, NULL), 0);
	q.now.lower = UINT64_C(5000000000);
	ck_assert_int_eq(read_recipe(&ocsp, &q, &got, NULL, NULL),
		ERR_TRUST_OCSP_DELEGATE);
}
END_TEST

START_TEST(ocsp_read_issuer_of_another_certificate_is_refused)
{
	struct em_cert twin = {.ca = true, .key = maker_key("stranger")};
	struct em_ocsp ocsp = {.key = maker_key("stranger")};
	struct ocsp_question q = question();
	struct statement got;

	em_cert_make(&twin);
	q.issuer = em_cert_der(&twin);
	ck_assert_int_eq(read_recipe(&ocsp, &q, &got, NULL, NULL),
		ERR_TRUST_OCSP_RESPONDER);
	q.issuer = bytes_of("0", 1);
	ck_assert_int_eq(
		read_recipe(&ocsp, &q, &got, NULL, NULL), ERR_TRUST_CERT_FORM);
}
END_TEST

START_TEST(ocsp_read_longer_than_the_limit_is_refused)
{
	struct em_ocsp ocsp = {.issuer = &ca, .id = &id};
	struct ocsp_question q = question();
	struct statement got;

	em_ocsp_make(&ocsp, &out);
	ck_assert_ptr_nonnull(buf_room(&out, EVIDENCE_OCSP_MAX + 1 - out.len));
	ck_assert_int_eq(ocsp_read(bytes_of(out.at, EVIDENCE_OCSP_MAX + 1), &q,
				 &got, NULL, NULL),
		ERR_TRUST_EVIDENCE_SIZE);
}
END_TEST

START_TEST(ocsp_read_cut_anywhere_is_refused)
{
	struct em_ocsp ocsp = {.issuer = &ca,
		.id = &id,
		.signer = &delegate,
		.certs = {&delegate}};
	struct ocsp_question q = question();
	struct statement got;

	em_ocsp_make(&ocsp, &out);
	for (size_t len = 0; len < out.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		int code;

		memcpy(cut, out.at, len);
		code = ocsp_read(bytes_of(cut, len), &q, &got, NULL, NULL);
		free(cut);
		ck_assert_msg(code == ERR_TRUST_OCSP_FORM, "%zu: %s", len,
			err_name(code));
	}
}
END_TEST

/* In a few portions, each of which has to be done in time. */
#define FLIP_STEPS 6

START_TEST(ocsp_read_any_flipped_bit_is_refused)
{
	struct em_ocsp ocsp = {.issuer = &ca,
		.id = &id,
		.signer = &delegate,
		.certs = {&delegate}};
	struct ocsp_question q = question();
	struct statement got;

	em_ocsp_make(&ocsp, &out);
	for (size_t i = (size_t)_i; i < out.len; i += FLIP_STEPS) {
		out.at[i] ^= (uint8_t)(1u << i % 8);
		ck_assert_msg(
			ocsp_read(buf_bytes(&out), &q, &got, NULL, NULL) < 0,
			"octet %zu", i);
		out.at[i] ^= (uint8_t)(1u << i % 8);
	}
}
END_TEST

START_TEST(ocsp_request_is_what_rfc_6960_says)
{
	static const uint8_t head[] = {0x30, 0x81, 0x96, 0x30, 0x81, 0x93, 0x30,
		0x5c, 0x30, 0x5a, 0x30, 0x58, 0x30, 0x0d, 0x06, 0x09, 0x60,
		0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
		0x04, 0x20};
	static const uint8_t tail[] = {0x02, 0x03, 0x00, 0xd5, 0x01, 0xa2, 0x33,
		0x30, 0x31, 0x30, 0x2f, 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
		0x05, 0x07, 0x30, 0x01, 0x02, 0x04, 0x22, 0x04, 0x20};
	struct buf b;

	buf_init(&b, 512);
	ck_assert_int_eq(
		ocsp_request(&id, bytes_of(nonce, sizeof(nonce)), &b), 0);
	ck_assert_uint_eq(
		b.len, sizeof(head) + 32 + 2 + 32 + sizeof(tail) + 32);
	ck_assert_mem_eq(b.at, head, sizeof(head));
	ck_assert_mem_eq(b.at + sizeof(head), id.issuer_name, 32);
	ck_assert_mem_eq(b.at + sizeof(head) + 34, id.issuer_key, 32);
	ck_assert_mem_eq(b.at + sizeof(head) + 66, tail, sizeof(tail));
	ck_assert_mem_eq(b.at + b.len - 32, nonce, 32);
	buf_done(&b);
}
END_TEST

START_TEST(ocsp_request_without_nonce_fits_a_get)
{
	struct cert_id longest = id;
	struct buf b;

	longest.serial_len = CERT_SERIAL_MAX;
	buf_init(&b, 512);
	ck_assert_int_eq(ocsp_request(&longest, bytes_of(NULL, 0), &b), 0);
	ck_assert_uint_lt((b.len + 2) / 3 * 4, OCSP_REQUEST_GET_MAX);
	buf_done(&b);
}
END_TEST

START_TEST(ocsp_request_with_a_bad_part_is_refused)
{
	static const uint8_t zeros[OCSP_NONCE_MAX + 1];
	struct cert_id none = id;
	struct buf b;

	buf_init(&b, 512);
	ck_assert_int_eq(
		ocsp_request(&id, bytes_of(zeros, OCSP_NONCE_MIN - 1), &b),
		-EINVAL);
	ck_assert_int_eq(
		ocsp_request(&id, bytes_of(zeros, OCSP_NONCE_MAX + 1), &b),
		-EINVAL);
	ck_assert_int_eq(
		ocsp_request(&id, bytes_of(zeros, OCSP_NONCE_MAX), &b), 0);
	none.serial_len = 0;
	ck_assert_int_eq(ocsp_request(&none, bytes_of(NULL, 0), &b), -EINVAL);
	buf_done(&b);
}
END_TEST

static void count_answer(void *arg, const struct ocsp_answer *answer)
{
	*(unsigned *)arg += answer->has_next_update;
}

START_TEST(ocsp_look_says_what_stands_there)
{
	struct em_ocsp ocsp = {.issuer = &ca,
		.id = &id,
		.signer = &delegate,
		.certs = {&delegate, &ca},
		.by_key = true,
		.nonce = NONCE_VALUE,
		.answers = {{.used = true}, {.used = true, SERIAL_OTHER}}};
	struct ocsp_facts facts;
	unsigned count = 0;

	em_ocsp_make(&ocsp, &out);
	ck_assert_int_eq(
		ocsp_look(buf_bytes(&out), &facts, count_answer, &count, NULL),
		0);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(facts.answers, 2);
	ck_assert_uint_eq(facts.certs, 2);
	ck_assert_uint_eq(facts.responder_name.len, 0);
	ck_assert_uint_eq(facts.responder_key.len, CRYPTO_SHA1_LEN);
	ck_assert(bytes_equal(facts.nonce, bytes_of(nonce, sizeof(nonce))));
	ck_assert_uint_eq(facts.produced_at, EM_OCSP_BEGIN_S);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	Suite *suite = suite_create("ocsp");
	TCase *tc = tcase_create("ocsp");

	maker_init();
	setup();
	maker_key("stranger");
	tcase_add_test(tc, ocsp_read_usual_response_gives_a_statement);
	tcase_add_loop_test(tc, ocsp_read_row_gives_its_code, 0, COUNT(rows));
	tcase_add_loop_test(tc, ocsp_read_delegate_row_gives_its_code, 0,
		COUNT(delegate_rows));
	tcase_add_test(tc, ocsp_read_delegate_of_an_intermediate_is_refused);
	tcase_add_test(tc, ocsp_read_second_delegate_of_the_same_name_is_taken);
	tcase_add_test(tc, ocsp_read_unsynchronised_clock_judges_expiry_only);
	tcase_add_test(tc, ocsp_read_issuer_of_another_certificate_is_refused);
	tcase_add_test(tc, ocsp_read_longer_than_the_limit_is_refused);
	tcase_add_test(tc, ocsp_read_cut_anywhere_is_refused);
	tcase_add_loop_test(
		tc, ocsp_read_any_flipped_bit_is_refused, 0, FLIP_STEPS);
	tcase_add_test(tc, ocsp_request_is_what_rfc_6960_says);
	tcase_add_test(tc, ocsp_request_without_nonce_fits_a_get);
	tcase_add_test(tc, ocsp_request_with_a_bad_part_is_refused);
	tcase_add_test(tc, ocsp_look_says_what_stands_there);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

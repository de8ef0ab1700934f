#include "tests/unit/unit.h"

#include <mbedtls/x509_crl.h>

#include "policy/trust/crl.h"
#include "tests/unit/policy/evidence_maker.h"

/* One issuer, certificates 55 (on the usual list) and 56 (not on it). */
static struct em_cert ca = {.ca = true, .key_id = EM("the key id")};
static struct em_cert listed = {
	.subject = "listed", .issuer = &ca, .serial = EM("\x55")};
static struct em_cert clean = {
	.subject = "clean", .issuer = &ca, .serial = EM("\x56")};
static struct cert_id ids[2];
static struct buf out;

static void setup(void)
{
	ca.key = maker_key("ca");
	em_cert_make(&ca);
	listed.key = clean.key = maker_key("leaf");
	em_cert_make(&listed);
	em_cert_make(&clean);
	em_id(&listed, &ca, &ids[0]);
	em_id(&clean, &ca, &ids[1]);
	buf_init(&out, EVIDENCE_CRL_MAX + 100);
}

static int scan(const struct em_crl *recipe, struct statement ret[2],
	struct crl_facts *facts, struct fault *fault)
{
	struct em_crl crl = *recipe;

	if (!crl.issuer)
		crl.issuer = &ca;
	em_crl_make(&crl, &out);
	return crl_scan(buf_bytes(&out), em_cert_der(crl.issuer), ids, 2, ret,
		facts, fault);
}

START_TEST(crl_scan_usual_list_gives_a_statement_for_each)
{
	struct em_crl crl = {.entries = {
				     {.serial = EM("\x55"),
					     .date = "20260203040506Z",
					     .exts = {EM_EXT(OID_CRL_REASON,
						     "\x0a\x01\x01")}},
			     }};
	struct statement got[2];
	struct crl_facts facts;
	uint8_t digest[32];

	ck_assert_int_eq(scan(&crl, got, &facts, NULL), 0);
	ck_assert_int_eq(got[0].status, STATEMENT_REVOKED);
	ck_assert_uint_eq(got[0].reason, 1);
	ck_assert_uint_eq(got[0].revoked_at, UINT64_C(1770091506));
	ck_assert_int_eq(got[1].status, STATEMENT_GOOD);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(cert_id_equal(&got[i].id, &ids[i]));
		ck_assert_int_eq(got[i].kind, EVIDENCE_CRL);
		ck_assert_uint_eq(got[i].this_update, EM_BEGIN_S);
		ck_assert_uint_eq(got[i].next_update, EM_END_S);
		ck_assert_uint_eq(got[i].number[EVIDENCE_NUMBER_LEN - 1], 7);
		ck_assert_uint_eq(got[i].number[0], 0);
	}
	ck_assert_uint_eq(facts.entries, 1);
	ck_assert_int_eq(crypto_sha256(buf_bytes(&out), digest), 0);
	ck_assert_mem_eq(facts.sha256, digest, 32);
	ck_assert_mem_eq(got[1].sha256, digest, 32);
	ck_assert_mem_eq(facts.issuer_name, ids[0].issuer_name, 32);
	ck_assert_int_eq(crl_issuer_name(buf_bytes(&out), digest, NULL), 0);
	ck_assert_mem_eq(digest, ids[0].issuer_name, 32);
}
END_TEST

#define REASON(n)                                                              \
	{                                                                      \
		EM_EXT(OID_CRL_REASON, "\x0a\x01" n)                           \
	}

struct row {
	const char *name;
	struct em_crl crl;
	int code;
	enum statement_status listed; /* of 55, when it is taken */
};

static const struct row rows[] = {
	{"usual", {0}, 0, STATEMENT_REVOKED},
	{"no list of entries", {.no_entries = true}, 0, STATEMENT_GOOD},
	{"empty list of entries", {.empty_entries = true}, 0, STATEMENT_GOOD},
	{"UTCTime",
		{.this_update = "260101000000Z",
			.next_update = "270101000000Z"},
		0, STATEMENT_REVOKED},
	{"our entry is the last",
		{.entries = {{.serial = EM("\x01\x55")}, {.serial = EM("\x54")},
			 {.serial = EM("\x55")}}},
		0, STATEMENT_REVOKED},
	{"only longer serial numbers",
		{.entries = {{.serial = EM("\x55\x00")},
			 {.serial = EM("\x00\xd5")}}},
		0, STATEMENT_GOOD},
	{"certificateHold",
		{.entries = {{.serial = EM("\x55"), .exts = REASON("\x06")}}},
		0, STATEMENT_REVOKED},
	{"date of invalidity, critical",
		{.entries = {{.serial = EM("\x55"),
			 .exts = {EM_CRITICAL(OID_INVALIDITY_DATE,
				 "\x18\x0f"
				 "20250101000000Z")}}}},
		0, STATEMENT_REVOKED},
	{"unknown extensions, not critical",
		{.exts = {EM_EXT("\x2a\x03", "x")},
			.entries = {{.serial = EM("\x55"),
				.exts = {EM_EXT("\x2a\x03", "x")}}}},
		0, STATEMENT_REVOKED},
	{"no authority key id", {.no_authority_key_id = true}, 0,
		STATEMENT_REVOKED},
	{"authority key id without key id",
		{.authority_key_id = EM("\x30\x03\x82\x01\x05")}, 0,
		STATEMENT_REVOKED},
	{"number of 20 octets with the high bit",
		{.number = EM("\x02\x15\x00\xff"
			      "0123456789012345678")},
		0, STATEMENT_REVOKED},
	{"SHA-384", {.alg = EM_ECDSA_SHA384}, 0, STATEMENT_REVOKED},

	{"version 1, said so", {.version = EM("\x02\x01\x00")},
		ERR_TRUST_CRL_VERSION, 0},
	{"version 1, left out", {.version = EM("")}, ERR_TRUST_CRL_VERSION, 0},
	{"version 3", {.version = EM("\x02\x01\x02")}, ERR_TRUST_CRL_VERSION,
		0},
	{"version beyond all bounds",
		{.version = EM("\x02\x04\x01\x00\x00\x01")},
		ERR_TRUST_CRL_VERSION, 0},
	{"version 1 with extensions", {.version = EM(""), .no_number = true},
		ERR_TRUST_CRL_VERSION, 0},
	{"another name", {.issuer_name = "cb"}, ERR_TRUST_CRL_ISSUER, 0},
	{"another authority key",
		{.authority_key_id = EM("\x30\x05\x80\x03"
					"key")},
		ERR_TRUST_CRL_ISSUER, 0},
	{"malformed authority key",
		{.authority_key_id = EM("\x30\x05\x80\x04"
					"key")},
		ERR_TRUST_CRL_FORM, 0},
	{"signature of other bytes", {.spoil_signature = true},
		ERR_TRUST_CRL_SIGNATURE, 0},
	{"unused bits in the signature", {.unused_bits = true},
		ERR_TRUST_CRL_FORM, 0},
	{"signed with SHA-1", {.alg = EM_ECDSA_SHA1}, ERR_TRUST_CRL_ALG, 0},
	{"signed with nobody's algorithm", {.alg = EM_NOBODYS},
		ERR_TRUST_CRL_ALG, 0},
	{"another algorithm outside", {.other_outer = true}, ERR_TRUST_CRL_ALG,
		0},
	{"no extensions", {.no_exts = true}, ERR_TRUST_CRL_NUMBER, 0},
	{"no number", {.no_number = true}, ERR_TRUST_CRL_NUMBER, 0},
	{"negative number", {.number = EM("\x02\x01\x80")},
		ERR_TRUST_CRL_NUMBER, 0},
	{"number of 21 octets",
		{.number = EM("\x02\x15\x01"
			      "01234567890123456789")},
		ERR_TRUST_CRL_NUMBER, 0},
	{"number in too many octets", {.number = EM("\x02\x02\x00\x07")},
		ERR_TRUST_CRL_NUMBER, 0},
	{"number with something behind", {.number = EM("\x02\x01\x07\x00")},
		ERR_TRUST_CRL_NUMBER, 0},
	{"number that is none", {.number = EM("\x04\x01\x07")},
		ERR_TRUST_CRL_NUMBER, 0},
	{"two numbers", {.exts = {EM_EXT(OID_CRL_NUMBER, "\x02\x01\x08")}},
		ERR_TRUST_CRL_FORM, 0},
	{"no nextUpdate", {.next_update = ""}, ERR_TRUST_CRL_NEXT_UPDATE, 0},
	{"no dates", {.this_update = "", .next_update = ""}, ERR_TRUST_CRL_FORM,
		0},
	{"nextUpdate before thisUpdate", {.next_update = "20251231235959Z"},
		ERR_TRUST_CRL_FORM, 0},
	{"thisUpdate with fractions", {.this_update = "20260101000000.0Z"},
		ERR_TRUST_CRL_FORM, 0},
	{"nextUpdate in a zone", {.next_update = "20270101000000+0100"},
		ERR_TRUST_CRL_FORM, 0},
	{"the 30th of February", {.next_update = "20270230000000Z"},
		ERR_TRUST_CRL_FORM, 0},
	{"delta, critical",
		{.exts = {EM_CRITICAL(OID_DELTA_CRL, "\x02\x01\x05")}},
		ERR_TRUST_CRL_PARTIAL, 0},
	{"delta, not critical",
		{.exts = {EM_EXT(OID_DELTA_CRL, "\x02\x01\x05")}},
		ERR_TRUST_CRL_PARTIAL, 0},
	{"issuing distribution point, critical",
		{.exts = {EM_CRITICAL(OID_ISSUING_POINT, "\x30\x00")}},
		ERR_TRUST_CRL_PARTIAL, 0},
	{"issuing distribution point, not critical",
		{.exts = {EM_EXT(OID_ISSUING_POINT, "\x30\x00")}},
		ERR_TRUST_CRL_PARTIAL, 0},
	{"unknown critical extension", {.exts = {EM_CRITICAL("\x2a\x03", "x")}},
		ERR_TRUST_CRL_CRITICAL, 0},
	{"entry removed from the list",
		{.entries = {{.serial = EM("\x55"), .exts = REASON("\x08")}}},
		ERR_TRUST_CRL_PARTIAL, 0},
	{"entry with the unused reason",
		{.entries = {{.serial = EM("\x54"), .exts = REASON("\x07")}}},
		ERR_TRUST_CRL_FORM, 0},
	{"entry with a reason beyond all",
		{.entries = {{.serial = EM("\x54"), .exts = REASON("\x0b")}}},
		ERR_TRUST_CRL_FORM, 0},
	{"entry with a reason that is no ENUMERATED",
		{.entries = {{.serial = EM("\x54"),
			 .exts = {EM_EXT(OID_CRL_REASON, "\x02\x01\x01")}}}},
		ERR_TRUST_CRL_FORM, 0},
	{"entry with an unknown critical extension",
		{.entries = {{.serial = EM("\x54"),
			 .exts = {EM_CRITICAL("\x2a\x03", "x")}}}},
		ERR_TRUST_CRL_ENTRY_CRITICAL, 0},
	{"entry of another issuer, critical",
		{.entries = {{.serial = EM("\x54"),
			 .exts = {EM_CRITICAL(
				 OID_CERTIFICATE_ISSUER, "\x30\x00")}}}},
		ERR_TRUST_CRL_ENTRY_CRITICAL, 0},
	{"entry of another issuer, not critical",
		{.entries = {{.serial = EM("\x54"),
			 .exts = {EM_EXT(
				 OID_CERTIFICATE_ISSUER, "\x30\x00")}}}},
		ERR_TRUST_CRL_ENTRY_CRITICAL, 0},
	{"the hostile entry is behind ours",
		{.entries = {{.serial = EM("\x55")},
			 {.serial = EM("\x54"),
				 .exts = {EM_CRITICAL("\x2a\x03", "x")}}}},
		ERR_TRUST_CRL_ENTRY_CRITICAL, 0},
	{"entry with two reasons",
		{.entries = {{.serial = EM("\x55"),
			 .exts = {EM_EXT(OID_CRL_REASON, "\x0a\x01\x01"),
				 EM_EXT(OID_CRL_REASON, "\x0a\x01\x02")}}}},
		ERR_TRUST_CRL_FORM, 0},
	{"entry with an empty list of extensions",
		{.entries = {{.serial = EM("\x54"), .empty_exts = true}}},
		ERR_TRUST_CRL_FORM, 0},
	{"entry with something behind",
		{.entries = {{.serial = EM("\x54"), .behind = EM("\x05\x00")}}},
		ERR_TRUST_CRL_FORM, 0},
	{"our serial number in too many octets",
		{.entries = {{.serial = EM("\x00\x55")}}}, ERR_TRUST_CRL_FORM,
		0},
	{"entry without a serial number", {.entries = {{.serial = EM("")}}},
		ERR_TRUST_CRL_FORM, 0},
	{"entry with a date of words",
		{.entries = {{.serial = EM("\x54"), .date = "yesterday"}}},
		ERR_TRUST_CRL_FORM, 0},
	{"entry that is no SEQUENCE", {.behind_entries = EM("\x02\x01\x54")},
		ERR_TRUST_CRL_FORM, 0},
	{"entry that is longer than the list",
		{.behind_entries = EM("\x30\x7f\x02\x01\x54")},
		ERR_TRUST_CRL_FORM, 0},
	{"bytes behind the end", {.behind = EM("\x00")}, ERR_TRUST_CRL_FORM, 0},
	{"bytes behind the list", {.behind_tbs = EM("\x05\x00")},
		ERR_TRUST_CRL_FORM, 0},
	{"a length in too many octets", {.long_length = true},
		ERR_TRUST_CRL_FORM, 0},
};

START_TEST(crl_scan_row_gives_its_code)
{
	const struct row *row = &rows[_i];
	struct statement got[2] = {{.reason = 99}, {.reason = 99}};
	struct fault fault = {0};
	int code = scan(&row->crl, got, NULL, &fault);

	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
	ck_assert_msg(fault.code == row->code, "%s: fault %s", row->name,
		err_name(fault.code));
	if (code) {
		ck_assert_msg(fault.field[0] && fault.rule[0], "%s", row->name);
		ck_assert_msg(got[0].reason == 99 && got[1].reason == 99,
			"%s: something was written", row->name);
	} else {
		ck_assert_msg(got[0].status == row->listed, "%s", row->name);
		ck_assert_msg(got[1].status == STATEMENT_GOOD, "%s", row->name);
	}
}
END_TEST

struct issuer_row {
	const char *name;
	struct em_cert cert;
	int code;
};

static const struct issuer_row issuer_rows[] = {
	{"usual", {.ca = true}, 0},
	{"with cRLSign only", {.ca = true, .usage = 0x02}, 0},
	{"no CA", {.usage = 0x02}, ERR_TRUST_CRL_USAGE},
	{"without basic constraints", {.no_basic = true, .usage = 0x02},
		ERR_TRUST_CRL_USAGE},
	{"without cRLSign", {.ca = true, .usage = 0x04}, ERR_TRUST_CRL_USAGE},
	{"without key usage", {.ca = true, .usage = EM_NO_USAGE},
		ERR_TRUST_CRL_USAGE},
	{"with malformed key usage",
		{.ca = true,
			.usage = EM_NO_USAGE,
			.exts = {EM_EXT(OID_KEY_USAGE, "\x03\x01\x00")}},
		ERR_TRUST_CRL_USAGE},
	{"with another name", {.ca = true, .subject = "cb"},
		ERR_TRUST_CRL_ISSUER},
	{"with an extension twice",
		{.ca = true,
			.exts = {EM_EXT(OID_KEY_USAGE, "\x03\x02\x00\x02")}},
		ERR_TRUST_CERT_FORM},
};

START_TEST(crl_scan_issuer_row_gives_its_code)
{
	const struct issuer_row *row = &issuer_rows[_i];
	struct em_cert issuer = row->cert;
	struct statement got[2];
	struct em_crl crl = {.issuer = &issuer, .issuer_name = "ca"};
	struct fault fault = {0};
	int code;

	issuer.key = ca.key;
	em_cert_make(&issuer);
	code = scan(&crl, got, NULL, &fault);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
}
END_TEST

START_TEST(crl_scan_issuer_of_the_same_name_and_another_key_is_refused)
{
	struct em_cert twin = {.ca = true, .key = maker_key("twin")};
	struct em_crl by_twin = {.issuer = &twin};
	struct em_crl as_ca = {.signer = maker_key("twin")};
	struct statement got[2];

	em_cert_make(&twin);
	ck_assert_int_eq(scan(&by_twin, got, NULL, NULL), ERR_TRUST_CRL_ISSUER);
	ck_assert_int_eq(
		scan(&as_ca, got, NULL, NULL), ERR_TRUST_CRL_SIGNATURE);
}
END_TEST

START_TEST(crl_scan_certificate_of_another_issuer_is_refused)
{
	struct cert_id strange[2] = {ids[0], ids[0]};
	struct em_crl crl = {.issuer = &ca};
	struct statement got[2];

	strange[1].issuer_key[0] ^= 1;
	em_crl_make(&crl, &out);
	ck_assert_int_eq(crl_scan(buf_bytes(&out), em_cert_der(&ca), strange, 2,
				 got, NULL, NULL),
		ERR_TRUST_CRL_ISSUER);
	strange[1] = ids[0];
	strange[1].issuer_name[31] ^= 1;
	ck_assert_int_eq(crl_scan(buf_bytes(&out), em_cert_der(&ca), strange, 2,
				 got, NULL, NULL),
		ERR_TRUST_CRL_ISSUER);
}
END_TEST

START_TEST(crl_scan_more_ids_than_the_limit_are_refused)
{
	struct cert_id many[CRL_IDS_MAX + 1];
	struct statement got[CRL_IDS_MAX + 1];
	struct em_crl crl = {.issuer = &ca};

	for (unsigned i = 0; i <= CRL_IDS_MAX; i++)
		many[i] = ids[i % 2];
	em_crl_make(&crl, &out);
	ck_assert_int_eq(crl_scan(buf_bytes(&out), em_cert_der(&ca), many,
				 CRL_IDS_MAX, got, NULL, NULL),
		0);
	ck_assert_int_eq(got[CRL_IDS_MAX - 1].status, STATEMENT_GOOD);
	ck_assert_int_eq(got[CRL_IDS_MAX - 2].status, STATEMENT_REVOKED);
	ck_assert_int_eq(crl_scan(buf_bytes(&out), em_cert_der(&ca), many,
				 CRL_IDS_MAX + 1, got, NULL, NULL),
		ERR_TRUST_REVOCATION_NEEDS);
}
END_TEST

START_TEST(crl_scan_longer_than_the_limit_is_refused)
{
	struct em_crl crl = {.issuer = &ca};
	struct statement got[2];
	struct fault fault = {0};

	em_crl_make(&crl, &out);
	ck_assert_ptr_nonnull(buf_room(&out, EVIDENCE_CRL_MAX + 1 - out.len));
	ck_assert_int_eq(crl_scan(bytes_of(out.at, EVIDENCE_CRL_MAX + 1),
				 em_cert_der(&ca), ids, 2, got, NULL, &fault),
		ERR_TRUST_EVIDENCE_SIZE);
}
END_TEST

/* No prefix of a list is taken, nor read over its end (ASan). */
START_TEST(crl_scan_cut_anywhere_is_refused)
{
	struct em_crl crl = {.issuer = &ca};
	struct statement got[2];

	em_crl_make(&crl, &out);
	for (size_t len = 0; len < out.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		int code;

		memcpy(cut, out.at, len);
		code = crl_scan(bytes_of(cut, len), em_cert_der(&ca), ids, 2,
			got, NULL, NULL);
		free(cut);
		ck_assert_msg(code == ERR_TRUST_CRL_FORM, "%zu: %s", len,
			err_name(code));
	}
}
END_TEST

/* In a few portions, each of which has to be done in time. */
#define FLIP_STEPS 6

START_TEST(crl_scan_any_flipped_bit_is_refused)
{
	struct em_crl crl = {.issuer = &ca};
	struct statement got[2];

	em_crl_make(&crl, &out);
	for (size_t i = (size_t)_i; i < out.len; i += FLIP_STEPS) {
		out.at[i] ^= (uint8_t)(1u << i % 8);
		ck_assert_msg(crl_scan(buf_bytes(&out), em_cert_der(&ca), ids,
				      2, got, NULL, NULL) < 0,
			"octet %zu", i);
		out.at[i] ^= (uint8_t)(1u << i % 8);
	}
}
END_TEST

struct rsa_row {
	const char *name;
	unsigned bits; /* 0: an EC key on another curve */
	enum em_alg alg;
	int code;
};

static const struct rsa_row rsa_rows[] = {
	{"PKCS #1 v1.5, SHA-256", 3072, EM_RSA_SHA256, 0},
	{"PKCS #1 v1.5, SHA-512", 3072, EM_RSA_SHA512, 0},
	{"PSS", 3072, EM_PSS_SHA256, 0},
	{"PSS with SHA-384", 3072, EM_PSS_SHA384, 0},
	{"PSS with another trailer", 3072, EM_PSS_TRAILER, ERR_TRUST_CRL_ALG},
	{"PSS with nobody's hash", 3072, EM_PSS_NOBODYS, ERR_TRUST_CRL_ALG},
	{"PSS, the mask with another hash", 3072, EM_PSS_MIXED,
		ERR_TRUST_CRL_ALG},
	{"PSS with SHA-1 by default", 3072, EM_PSS_DEFAULTS, ERR_TRUST_CRL_ALG},
	{"2048 bits", 2048, EM_RSA_SHA256, ERR_TRUST_CRL_ALG},
	{"brainpoolP256r1", 0, EM_ECDSA_SHA256, ERR_TRUST_CRL_ALG},
};

START_TEST(crl_scan_signed_with_another_kind_of_key_gives_its_code)
{
	const struct rsa_row *row = &rsa_rows[_i];
	struct em_cert issuer = {.ca = true, .alg = row->alg};
	struct em_crl crl = {.issuer = &issuer, .alg = row->alg};
	struct statement got[2];
	struct cert_id id;
	int code;

	issuer.key =
		row->bits ? em_rsa_key(row->bits == 3072 ? "a" : "b", row->bits)
			  : em_brainpool_key();
	em_cert_make(&issuer);
	em_id(&issuer, &issuer, &id);
	em_crl_make(&crl, &out);
	code = crl_scan(
		buf_bytes(&out), em_cert_der(&issuer), &id, 1, got, NULL, NULL);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
}
END_TEST

/* The algorithm says ECDSA, the key is an RSA one. */
START_TEST(crl_scan_algorithm_that_does_not_fit_the_key_is_refused)
{
	struct em_cert issuer = {
		.ca = true, .key = em_rsa_key("a", 3072), .alg = EM_RSA_SHA256};
	struct em_crl crl = {.issuer = &issuer, .signer = maker_key("ca")};
	struct statement got[1];
	struct cert_id id;

	em_cert_make(&issuer);
	em_id(&issuer, &issuer, &id);
	em_crl_make(&crl, &out);
	ck_assert_int_eq(crl_scan(buf_bytes(&out), em_cert_der(&issuer), &id, 1,
				 got, NULL, NULL),
		ERR_TRUST_CRL_ALG);
}
END_TEST

struct listing {
	const mbedtls_x509_crl_entry *next;
	unsigned wrong;
	unsigned count;
};

static void compare_with_oracle(void *arg, const struct crl_entry *entry)
{
	struct listing *listing = arg;

	listing->count++;
	if (!listing->next || !listing->next->raw.tag ||
		!bytes_equal(entry->serial, bytes_of(listing->next->serial.p,
						    listing->next->serial.len)))
		listing->wrong++;
	else
		listing->next = listing->next->next;
}

/* The second opinion on generated lists of 0, 1, 1000 and 100,000 entries. */
START_TEST(crl_look_reads_the_entries_that_the_oracle_reads)
{
	static const unsigned counts[] = {0, 1, 1000, 100000};
	struct em_crl crl = {.issuer = &ca,
		.many = counts[_i],
		.empty_entries = counts[_i] == 0,
		.entries = {{.serial = EM("\x55"), .exts = REASON("\x01")}}};
	struct listing listing = {.wrong = 0};
	mbedtls_x509_crl oracle;
	struct statement got[2];
	struct crl_facts facts;
	struct bytes issuer;

	em_crl_make(&crl, &out);
	mbedtls_x509_crl_init(&oracle);
	ck_assert_int_eq(
		mbedtls_x509_crl_parse_der(&oracle, out.at, out.len), 0);
	listing.next = &oracle.entry;
	ck_assert_int_eq(crl_look(buf_bytes(&out), &facts, &issuer,
				 compare_with_oracle, &listing, NULL),
		0);
	ck_assert_uint_eq(listing.wrong, 0);
	ck_assert_ptr_null(listing.next);
	ck_assert_uint_eq(listing.count, counts[_i] + 1);
	ck_assert_uint_eq(facts.entries, counts[_i] + 1);
	ck_assert_uint_eq(oracle.issuer_raw.len, issuer.len);
	ck_assert_mem_eq(oracle.issuer_raw.p, issuer.at, issuer.len);
	ck_assert_int_eq(crl_scan(buf_bytes(&out), em_cert_der(&ca), ids, 2,
				 got, NULL, NULL),
		0);
	ck_assert_int_eq(got[0].status, STATEMENT_REVOKED);
	ck_assert_int_eq(got[1].status, STATEMENT_GOOD);
	mbedtls_x509_crl_free(&oracle);
}
END_TEST

/* The oracle fails open here and there, but whatever it refuses to parse is
 * refused. */
START_TEST(crl_scan_refuses_what_the_oracle_refuses)
{
	const struct row *row = &rows[_i];
	struct em_crl crl = row->crl;
	mbedtls_x509_crl oracle;
	int err;

	crl.issuer = &ca;
	em_crl_make(&crl, &out);
	mbedtls_x509_crl_init(&oracle);
	err = mbedtls_x509_crl_parse_der(&oracle, out.at, out.len);
	mbedtls_x509_crl_free(&oracle);
	ck_assert_msg(!err || row->code, "%s: the oracle says -0x%x", row->name,
		(unsigned)-err);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	Suite *suite = suite_create("crl");
	TCase *tc = tcase_create("crl");

	maker_init();
	setup();
	em_rsa_key("a", 3072);
	em_rsa_key("b", 2048);
	tcase_add_test(tc, crl_scan_usual_list_gives_a_statement_for_each);
	tcase_add_loop_test(tc, crl_scan_row_gives_its_code, 0, COUNT(rows));
	tcase_add_loop_test(
		tc, crl_scan_issuer_row_gives_its_code, 0, COUNT(issuer_rows));
	tcase_add_test(tc,
		crl_scan_issuer_of_the_same_name_and_another_key_is_refused);
	tcase_add_test(tc, crl_scan_certificate_of_another_issuer_is_refused);
	tcase_add_test(tc, crl_scan_more_ids_than_the_limit_are_refused);
	tcase_add_test(tc, crl_scan_longer_than_the_limit_is_refused);
	tcase_add_test(tc, crl_scan_cut_anywhere_is_refused);
	tcase_add_loop_test(
		tc, crl_scan_any_flipped_bit_is_refused, 0, FLIP_STEPS);
	tcase_add_loop_test(tc,
		crl_scan_signed_with_another_kind_of_key_gives_its_code, 0,
		COUNT(rsa_rows));
	tcase_add_test(
		tc, crl_scan_algorithm_that_does_not_fit_the_key_is_refused);
	tcase_add_loop_test(
		tc, crl_look_reads_the_entries_that_the_oracle_reads, 0, 4);
	tcase_add_loop_test(
		tc, crl_scan_refuses_what_the_oracle_refuses, 0, COUNT(rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "policy/trust/cert_view.h"
#include "policy/trust/x509.h"
#include "tests/unit/policy/evidence_maker.h"

static struct em_cert ca = {.ca = true, .key_id = EM("key id")};

static void setup(void)
{
	ca.key = maker_key("ca");
	em_cert_make(&ca);
}

static void make(struct em_cert *cert)
{
	if (!cert->issuer)
		cert->issuer = &ca;
	if (!cert->subject)
		cert->subject = "leaf";
	cert->key = maker_key("leaf");
	em_cert_make(cert);
}

START_TEST(cert_id_of_is_name_key_and_serial)
{
	struct em_cert leaf = {.serial = EM("\x00\x80\x01")};
	struct bytes spki, body, alg, key;
	struct cert_view view;
	struct cert_id id;
	uint8_t digest[32];

	make(&leaf);
	ck_assert_int_eq(
		cert_id_of(em_cert_der(&leaf), em_cert_der(&ca), &id), 0);
	ck_assert_uint_eq(id.serial_len, 3);
	ck_assert_mem_eq(id.serial, "\x00\x80\x01", 3);
	ck_assert_int_eq(cert_view_read(em_cert_der(&ca), &view), 0);
	ck_assert_int_eq(crypto_sha256(view.subject, digest), 0);
	ck_assert_mem_eq(id.issuer_name, digest, 32);
	spki = view.spki;
	ck_assert(der_take(&spki, DER_SEQUENCE, &body) &&
		  der_take(&body, DER_SEQUENCE, &alg) &&
		  der_take_bits(&body, &key));
	ck_assert_uint_eq(key.len, 65);
	ck_assert_int_eq(crypto_sha256(key, digest), 0);
	ck_assert_mem_eq(id.issuer_key, digest, 32);
}
END_TEST

START_TEST(cert_id_of_another_issuers_name_is_refused)
{
	struct em_cert leaf = {.issuer_name = "cb"};
	struct cert_id id;

	make(&leaf);
	ck_assert_int_eq(cert_id_of(em_cert_der(&leaf), em_cert_der(&ca), &id),
		ERR_TRUST_CERT_FORM);
}
END_TEST

struct serial_row {
	const char *name;
	struct bytes serial;
	int code;
};

static const struct serial_row serial_rows[] = {
	{"one octet", EM("\x01"), 0},
	{"zero", EM("\x00"), 0},
	{"negative", EM("\x80"), 0},
	{"20 octets", EM("01234567890123456789"), 0},
	{"21 octets", EM("012345678901234567890"), ERR_TRUST_CERT_FORM},
	{"no octet", EM(""), ERR_TRUST_CERT_FORM},
	{"a needless zero", EM("\x00\x01"), ERR_TRUST_CERT_FORM},
};

/* A serial number that could be written in two ways would not be found in a
 * list. */
START_TEST(cert_id_of_serial_row_gives_its_code)
{
	const struct serial_row *row = &serial_rows[_i];
	struct em_cert leaf = {.serial = row->serial};
	struct cert_id id;
	int code;

	make(&leaf);
	code = cert_id_of(em_cert_der(&leaf), em_cert_der(&ca), &id);
	ck_assert_msg(code == row->code, "%s: %s", row->name, err_name(code));
}
END_TEST

START_TEST(cert_id_digest_differs_in_each_member)
{
	struct cert_id ids[5] = {{.serial = "\x01\x02", .serial_len = 2}};
	uint8_t digests[5][CERT_ID_LEN], issuers[5][CERT_ID_LEN];

	for (unsigned i = 1; i < 5; i++)
		ids[i] = ids[0];
	ids[1].issuer_name[0] ^= 1;
	ids[2].issuer_key[31] ^= 1;
	ids[3].serial[1] ^= 1;
	ids[4].serial_len = 1;
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(cert_id_digest(&ids[i], digests[i]), 0);
		ck_assert_int_eq(cert_issuer_digest(&ids[i], issuers[i]), 0);
		for (unsigned k = 0; k < i; k++) {
			ck_assert(!cert_id_equal(&ids[i], &ids[k]));
			ck_assert_mem_ne(digests[i], digests[k], CERT_ID_LEN);
		}
	}
	ck_assert(cert_id_equal(&ids[0], &ids[0]));
	ck_assert_mem_eq(issuers[3], issuers[0], CERT_ID_LEN);
	ck_assert_mem_eq(issuers[4], issuers[0], CERT_ID_LEN);
	ck_assert_mem_ne(issuers[1], issuers[0], CERT_ID_LEN);
	ck_assert_mem_ne(issuers[2], issuers[0], CERT_ID_LEN);
}
END_TEST

/* What lies behind the serial number does not count. */
START_TEST(cert_id_equal_ignores_unused_octets)
{
	struct cert_id a = {.serial = "\x01\x02", .serial_len = 1};
	struct cert_id b = {.serial = "\x01\x03", .serial_len = 1};

	ck_assert(cert_id_equal(&a, &b));
}
END_TEST

#define POINT(names) "\x30\x12\xa0\x10\xa0\x0e" names
#define URI_A "\x86\x0chttp://a/crl"
#define URI_B "\x86\x0chttp://b/crl"

struct uris_row {
	const char *name;
	struct bytes points; /* cRLDistributionPoints */
	struct bytes access; /* authorityInfoAccess */
	int code;
	const char *crl[2];
	const char *ocsp[2];
};

static const struct uris_row uris_rows[] = {
	{"neither", {0}, {0}, 0, {NULL}, {NULL}},
	{"one point", EM("\x30\x14" POINT(URI_A)), {0}, 0, {"http://a/crl"},
		{NULL}},
	{"two points", EM("\x30\x28" POINT(URI_A) POINT(URI_B)), {0}, 0,
		{"http://a/crl", "http://b/crl"}, {NULL}},
	{"two names in a point",
		EM("\x30\x22\x30\x20\xa0\x1e\xa0\x1c" URI_A URI_B), {0}, 0,
		{"http://a/crl", "http://b/crl"}, {NULL}},
	{"a point for some reasons only",
		EM("\x30\x18\x30\x16\xa0\x10\xa0\x0e" URI_A "\x81\x02\x01\x06"),
		{0}, 0, {NULL}, {NULL}},
	{"a point of another issuer",
		EM("\x30\x16\x30\x14\xa0\x10\xa0\x0e" URI_A "\xa2\x00"), {0}, 0,
		{NULL}, {NULL}},
	{"a point with a relative name", EM("\x30\x06\x30\x04\xa0\x02\xa1\x00"),
		{0}, 0, {NULL}, {NULL}},
	{"a point without a name", EM("\x30\x04\x30\x02\xa2\x00"), {0}, 0,
		{NULL}, {NULL}},
	{"a name of another kind",
		EM("\x30\x0a\x30\x08\xa0\x06\xa0\x04\x82\x02xy"), {0}, 0,
		{NULL}, {NULL}},
	{"ldap", EM("\x30\x0e\x30\x0c\xa0\x0a\xa0\x08\x86\x06ldap:x"), {0}, 0,
		{NULL}, {NULL}},
	{"https, in capitals",
		EM("\x30\x12\x30\x10\xa0\x0e\xa0\x0c\x86\x0aHTTPS://a/"), {0},
		0, {"HTTPS://a/"}, {NULL}},
	{"a URI of the scheme only",
		EM("\x30\x0f\x30\x0d\xa0\x0b\xa0\x09\x86\x07http://"), {0}, 0,
		{NULL}, {NULL}},
	{"a URI with a blank", EM("\x30\x14" POINT("\x86\x0chttp://a/c l")),
		{0}, 0, {NULL}, {NULL}},
	{"a URI with a NUL", EM("\x30\x14" POINT("\x86\x0chttp://a/c\0l")), {0},
		0, {NULL}, {NULL}},
	{"a responder", {0},
		EM("\x30\x17\x30\x15\x06\x08" OID_OCSP "\x86\x09http://o/"), 0,
		{NULL}, {"http://o/"}},
	{"a certificate of the issuer", {0},
		EM("\x30\x17\x30\x15\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02"
		   "\x86\x09http://o/"),
		0, {NULL}, {NULL}},
	{"both", EM("\x30\x14" POINT(URI_A)),
		EM("\x30\x17\x30\x15\x06\x08" OID_OCSP "\x86\x09http://o/"), 0,
		{"http://a/crl"}, {"http://o/"}},
	{"points that are no SEQUENCE", EM("\x05\x00"), {0},
		ERR_TRUST_CERT_FORM, {NULL}, {NULL}},
	{"a point that is cut", EM("\x30\x03\x30\x02\xa0"), {0},
		ERR_TRUST_CERT_FORM, {NULL}, {NULL}},
	{"points with something behind", EM("\x30\x00\x05\x00"), {0},
		ERR_TRUST_CERT_FORM, {NULL}, {NULL}},
	{"names that are cut", EM("\x30\x09\x30\x07\xa0\x05\xa0\x03\x86\x04x"),
		{0}, ERR_TRUST_CERT_FORM, {NULL}, {NULL}},
	{"access that is no SEQUENCE", {0}, EM("\x04\x00"), ERR_TRUST_CERT_FORM,
		{NULL}, {NULL}},
	{"access without a method", {0}, EM("\x30\x02\x30\x00"),
		ERR_TRUST_CERT_FORM, {NULL}, {NULL}},
};

START_TEST(evidence_uris_row)
{
	const struct uris_row *row = &uris_rows[_i];
	struct em_cert leaf = {.subject = "leaf"};
	struct evidence_uris got;
	unsigned n = 0;
	int code;

	if (row->points.at)
		leaf.exts[n++] =
			(struct em_ext){EM(OID_CRL_POINTS), row->points, false};
	if (row->access.at)
		leaf.exts[n] = (struct em_ext){
			EM(OID_AUTHORITY_ACCESS), row->access, false};
	make(&leaf);
	code = evidence_uris(em_cert_der(&leaf), &got);
	ck_assert_msg(code == row->code, "%s: %s", row->name, err_name(code));
	if (code)
		return;
	for (n = 0; n < 2 && row->crl[n]; n++)
		ck_assert_str_eq(got.crl[n], row->crl[n]);
	ck_assert_msg(got.crl_count == n, "%s: %u", row->name, got.crl_count);
	for (n = 0; n < 2 && row->ocsp[n]; n++)
		ck_assert_str_eq(got.ocsp[n], row->ocsp[n]);
	ck_assert_msg(got.ocsp_count == n, "%s", row->name);
}
END_TEST

/* A URI of one octet too many, and more points than there is room for. */
START_TEST(evidence_uris_what_is_too_much_is_passed_over)
{
	struct em_cert leaf = {.subject = "leaf"};
	struct evidence_uris got;
	char uri[EVIDENCE_URI_SIZE + 1] = "http://h/";
	struct buf b;

	buf_init(&b, 1500);
	memset(uri + 9, 'x', sizeof(uri) - 9);
	for (unsigned i = 0; i < EVIDENCE_URIS_MAX + 2; i++) {
		size_t from = b.len;

		em_put(&b, DER_AS(6),
			i == 0	 ? bytes_of(uri, EVIDENCE_URI_SIZE)
			: i == 1 ? bytes_of(uri, EVIDENCE_URI_SIZE - 1)
				 : bytes_of("http://h/234567", 8 + i));
		em_wrap(&b, from, DER_IN(0));
		em_wrap(&b, from, DER_IN(0));
		em_wrap(&b, from, DER_SEQUENCE);
	}
	em_wrap(&b, 0, DER_SEQUENCE);
	leaf.exts[0] =
		(struct em_ext){EM(OID_CRL_POINTS), buf_bytes(&b), false};
	make(&leaf);
	ck_assert_int_eq(evidence_uris(em_cert_der(&leaf), &got), 0);
	ck_assert_uint_eq(got.crl_count, EVIDENCE_URIS_MAX);
	ck_assert_uint_eq(strlen(got.crl[0]), EVIDENCE_URI_SIZE - 1);
	ck_assert_str_eq(got.crl[1], "http://h/2");
	buf_done(&b);
}
END_TEST

START_TEST(cert_view_read_cut_anywhere_is_refused)
{
	struct em_cert leaf = {.key_id = EM("id")};
	struct cert_view view;

	make(&leaf);
	ck_assert_int_eq(cert_view_read(em_cert_der(&leaf), &view), 0);
	for (size_t len = 0; len < leaf.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		int code;

		memcpy(cut, leaf.der, len);
		code = cert_view_read(bytes_of(cut, len), &view);
		free(cut);
		ck_assert_msg(code == ERR_TRUST_CERT_FORM, "%zu", len);
	}
	leaf.der[leaf.len] = 0;
	ck_assert_int_eq(
		cert_view_read(bytes_of(leaf.der, leaf.len + 1), &view),
		ERR_TRUST_CERT_FORM);
}
END_TEST

struct certificate_row {
	const char *name;
	struct em_cert cert;
	bool good;
	bool ca, digital, crl_sign, ocsp;
	size_t key_id_len;
};

static const struct certificate_row certificate_rows[] = {
	{"leaf", {.key_id = EM("id")}, true, false, true, false, false, 2},
	{"CA", {.ca = true}, true, true, false, true, false, 0},
	{"no extensions", {.no_basic = true, .usage = EM_NO_USAGE}, true, false,
		false, false, false, 0},
	{"all usages", {.usage = 0xff}, true, false, true, true, false, 0},
	{"OCSP signing",
		{.exts = {EM_EXT(OID_EXT_KEY_USAGE,
			 "\x30\x0a\x06\x08" OID_OCSP_SIGNING)}},
		true, false, true, false, true, 0},
	{"extended key usage that is cut",
		{.exts = {EM_EXT(OID_EXT_KEY_USAGE,
			 "\x30\x0a\x06\x09" OID_OCSP_SIGNING)}},
		true, false, true, false, false, 0},
	{"key usage of no octet",
		{.usage = EM_NO_USAGE,
			.exts = {EM_EXT(OID_KEY_USAGE, "\x03\x01\x00")}},
		true, false, false, false, false, 0},
	{"key usage that is no BIT STRING",
		{.usage = EM_NO_USAGE,
			.exts = {EM_EXT(OID_KEY_USAGE, "\x04\x02\x00\xff")}},
		true, false, false, false, false, 0},
	{"malformed key id",
		{.exts = {EM_EXT(OID_SUBJECT_KEY_ID, "\x04\x05x")}}, true,
		false, true, false, false, 0},
	{"an extension twice",
		{.exts = {EM_EXT(OID_KEY_USAGE, "\x03\x02\x00\xff")}}, false,
		false, false, false, false, 0},
	{"a date that is none", {.not_after = "20261301000000Z"}, false, false,
		false, false, false, 0},
};

START_TEST(cert_view_read_row)
{
	const struct certificate_row *row = &certificate_rows[_i];
	struct em_cert cert = row->cert;
	struct cert_view view;
	int code;

	make(&cert);
	code = cert_view_read(em_cert_der(&cert), &view);
	ck_assert_msg((code == 0) == row->good, "%s", row->name);
	if (code)
		return;
	ck_assert_msg(cert_view_is_ca(&view) == row->ca, "%s", row->name);
	ck_assert_msg(
		cert_view_may(&view, CERT_DIGITAL_SIGNATURE) == row->digital,
		"%s", row->name);
	ck_assert_msg(cert_view_may(&view, CERT_CRL_SIGN) == row->crl_sign,
		"%s", row->name);
	ck_assert_msg(
		cert_view_lists(&view, der_oid(OID_OCSP_SIGNING)) == row->ocsp,
		"%s", row->name);
	ck_assert_msg(cert_view_key_id(&view).len == row->key_id_len, "%s",
		row->name);
}
END_TEST

/* The path is verified by another parser: both have to read the same. */
START_TEST(cert_view_read_agrees_with_x509_read)
{
	struct em_cert leaf = {.serial = EM("\x12\x34"),
		.not_before = "260101000000Z",
		.not_after = "20491231235959Z"};
	struct x509_facts facts;
	struct cert_view view;
	char serial[16];

	make(&leaf);
	ck_assert_int_eq(cert_view_read(em_cert_der(&leaf), &view), 0);
	ck_assert_int_eq(x509_read(em_cert_der(&leaf), &facts), 0);
	ck_assert_uint_eq(view.not_before, facts.not_before);
	ck_assert_uint_eq(view.not_after, facts.not_after);
	ck_assert_str_eq(bytes_to_hex(view.serial, serial, sizeof(serial)),
		facts.serial);
	ck_assert(facts.can_sign);
}
END_TEST

START_TEST(cert_view_read_published_certificates_are_taken)
{
	static const char *const names[] = {
		"vectors/cose-wg/x509-examples/ca.der",
		"vectors/cose-wg/x509-examples/alice.der",
	};
	struct bytes certs[2];
	struct cert_id id;

	for (unsigned i = 0; i < 2; i++)
		certs[i] = unit_read_shared(names[i]);
	ck_assert_int_eq(cert_id_of(certs[1], certs[0], &id), 0);
	ck_assert_int_eq(
		cert_id_of(certs[0], certs[1], &id), ERR_TRUST_CERT_FORM);
	for (unsigned i = 0; i < 2; i++)
		free((void *)(uintptr_t)certs[i].at);
}
END_TEST

START_TEST(evidence_kind_of_tells_lists_responses_and_certificates_apart)
{
	struct em_crl crl = {.issuer = &ca}, old = {.issuer = &ca};
	struct em_ocsp ocsp = {.issuer = &ca};
	struct em_ocsp later = {.issuer = &ca, .status = 3, .no_bytes = true};
	struct cert_id id;
	struct buf b;

	em_id(&ca, &ca, &id);
	ocsp.id = later.id = &id;
	old.version = bytes_of("", 0);
	buf_init(&b, 4096);
	em_crl_make(&crl, &b);
	ck_assert_int_eq(evidence_kind_of(buf_bytes(&b)), EVIDENCE_CRL);
	em_crl_make(&old, &b);
	ck_assert_int_eq(evidence_kind_of(buf_bytes(&b)), EVIDENCE_CRL);
	em_ocsp_make(&ocsp, &b);
	ck_assert_int_eq(evidence_kind_of(buf_bytes(&b)), EVIDENCE_OCSP);
	em_ocsp_make(&later, &b);
	ck_assert_int_eq(evidence_kind_of(buf_bytes(&b)), EVIDENCE_OCSP);
	ck_assert_int_eq(evidence_kind_of(em_cert_der(&ca)), 0);
	ck_assert_int_eq(evidence_kind_of(bytes_of(NULL, 0)), 0);
	ck_assert_int_eq(evidence_kind_of(bytes_of("\x30\x02\x30\x00", 4)), 0);
	ck_assert_int_eq(evidence_kind_of(bytes_of("text", 4)), 0);
	buf_done(&b);
}
END_TEST

struct pem_row {
	const char *name;
	const char *text;
	int code;
	const char *der;
};

#define PEM_BEGIN "-----BEGIN X509 CRL-----\n"
#define PEM_END "-----END X509 CRL-----\n"

static const struct pem_row pem_rows[] = {
	{"PEM", PEM_BEGIN "MDEyMzQ1\nNjc4OQ==\n" PEM_END, 0, "0123456789"},
	{"words in front", "a list:\n" PEM_BEGIN "MDEy\n" PEM_END, 0, "012"},
	{"DER", "0123", 0, "0123"},
	{"nothing", "", 0, ""},
	{"without an end", PEM_BEGIN "MDEy\n", ERR_TRUST_CRL_FORM, NULL},
	{"no Base64", PEM_BEGIN "M?Ey\n" PEM_END, ERR_TRUST_CRL_FORM, NULL},
	{"two", PEM_BEGIN "MDEy\n" PEM_END PEM_BEGIN "MDEy\n" PEM_END,
		ERR_TRUST_CRL_FORM, NULL},
};

START_TEST(evidence_to_der_row)
{
	const struct pem_row *row = &pem_rows[_i];
	struct buf b;
	int code;

	buf_init(&b, 256);
	code = evidence_to_der(bytes_of_text(row->text), &b);
	ck_assert_msg(code == row->code, "%s: %s", row->name, err_name(code));
	if (!code)
		ck_assert_msg(bytes_is_text(buf_bytes(&b), row->der), "%s",
			row->name);
	buf_done(&b);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	Suite *suite = suite_create("evidence");
	TCase *tc = tcase_create("evidence");

	unit_need_shared("vectors/cose-wg");
	maker_init();
	setup();
	tcase_add_test(tc, cert_id_of_is_name_key_and_serial);
	tcase_add_test(tc, cert_id_of_another_issuers_name_is_refused);
	tcase_add_loop_test(tc, cert_id_of_serial_row_gives_its_code, 0,
		COUNT(serial_rows));
	tcase_add_test(tc, cert_id_digest_differs_in_each_member);
	tcase_add_test(tc, cert_id_equal_ignores_unused_octets);
	tcase_add_loop_test(tc, evidence_uris_row, 0, COUNT(uris_rows));
	tcase_add_test(tc, evidence_uris_what_is_too_much_is_passed_over);
	tcase_add_test(tc, cert_view_read_cut_anywhere_is_refused);
	tcase_add_loop_test(tc, cert_view_read_row, 0, COUNT(certificate_rows));
	tcase_add_test(tc, cert_view_read_agrees_with_x509_read);
	tcase_add_test(tc, cert_view_read_published_certificates_are_taken);
	tcase_add_test(tc,
		evidence_kind_of_tells_lists_responses_and_certificates_apart);
	tcase_add_loop_test(tc, evidence_to_der_row, 0, COUNT(pem_rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

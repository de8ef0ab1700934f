#include "tests/unit/unit.h"

#include "policy/trust/x509.h"
#include "tests/unit/policy/maker.h"

/* A small PKI: root -> issuing -> leaf, and a stranger's root. */
static struct maker_cert root, issuing, leaf, stranger;

static void setup(void)
{
	root = (struct maker_cert){
		.subject = "CN=root", .key = maker_key("x-root"), .ca = true};
	maker_cert_make(&root);
	issuing = (struct maker_cert){.subject = "CN=issuing",
		.key = maker_key("x-issuing"),
		.issuer = &root,
		.ca = true};
	maker_cert_make(&issuing);
	leaf = (struct maker_cert){.subject = "CN=leaf",
		.key = maker_key("x-leaf"),
		.issuer = &issuing};
	maker_cert_make(&leaf);
	stranger = (struct maker_cert){.subject = "CN=stranger",
		.key = maker_key("x-stranger"),
		.ca = true};
	maker_cert_make(&stranger);
}

static int verify(const struct maker_cert *a, const struct maker_cert *b,
	const struct maker_cert *c, const struct maker_cert *anchor,
	uint64_t now, struct x509_chain *ret)
{
	const struct maker_cert *all[3] = {a, b, c};
	struct x509_anchor anchors[1] = {{.certificate = maker_cert_der(anchor)}};
	struct chain_rules rules = maker_rules(now);
	struct bytes certs[3];
	unsigned count = 0;

	for (; count < 3 && all[count]; count++)
		certs[count] = maker_cert_der(all[count]);
	return x509_chain_verify(
		certs, count, anchors, 1, &rules, ret, NULL);
}

START_TEST(x509_chain_verify_leaf_by_issuing_ca_is_accepted)
{
	struct x509_chain chain;

	ck_assert_int_eq(
		verify(&leaf, &issuing, NULL, &root, MAKER_NOW, &chain), 0);
	ck_assert(cose_key_equal(&chain.leaf_key, &leaf.key->key));
	ck_assert_uint_eq(chain.depth, 3);
	ck_assert(!chain.anchor_is_leaf);
	ck_assert_uint_eq(chain.not_after, UINT64_C(4102444799));
	ck_assert_str_eq(chain.subject, "CN=leaf");
}
END_TEST

START_TEST(x509_chain_verify_intermediate_as_anchor_is_accepted)
{
	struct x509_chain chain;

	ck_assert_int_eq(
		verify(&leaf, NULL, NULL, &issuing, MAKER_NOW, &chain), 0);
}
END_TEST

START_TEST(x509_chain_verify_missing_intermediate_is_refused)
{
	struct x509_chain chain;

	ck_assert_int_eq(verify(&leaf, NULL, NULL, &root, MAKER_NOW, &chain),
		ERR_TRUST_CERT_CHAIN);
}
END_TEST

START_TEST(x509_chain_verify_root_sent_along_is_no_anchor)
{
	struct x509_chain chain;

	ck_assert_int_eq(
		verify(&leaf, &issuing, &root, &stranger, MAKER_NOW, &chain),
		ERR_TRUST_CERT_CHAIN);
	ck_assert_int_eq(
		verify(&leaf, &issuing, &root, &root, MAKER_NOW, &chain), 0);
}
END_TEST

START_TEST(x509_chain_verify_root_of_same_name_and_other_key_is_refused)
{
	struct maker_cert twin = {.subject = "CN=root",
		.key = maker_key("x-stranger"),
		.ca = true};
	struct x509_chain chain;

	maker_cert_make(&twin);
	ck_assert_int_eq(
		verify(&leaf, &issuing, NULL, &twin, MAKER_NOW, &chain),
		ERR_TRUST_CERT_CHAIN);
}
END_TEST

START_TEST(x509_chain_verify_leaf_that_issues_is_refused)
{
	struct maker_cert below = {.subject = "CN=below",
		.key = maker_key("x-stranger"),
		.issuer = &leaf};
	struct x509_chain chain;

	maker_cert_make(&below);
	ck_assert_int_eq(
		verify(&below, &leaf, &issuing, &root, MAKER_NOW, &chain),
		ERR_TRUST_CERT_CHAIN);
}
END_TEST

START_TEST(x509_chain_verify_end_entity_anchor_is_the_leaf_itself)
{
	struct x509_chain chain;

	ck_assert_int_eq(
		verify(&leaf, NULL, NULL, &leaf, MAKER_NOW, &chain), 0);
	ck_assert(chain.anchor_is_leaf);
	ck_assert_uint_eq(chain.depth, 1);
}
END_TEST

struct leaf_row {
	const char *name;
	struct maker_cert cert;
	uint64_t now;
	int code;
};

static const struct leaf_row leaf_rows[] = {
	{"plain", {.subject = "CN=l"}, MAKER_NOW, 0},
	{"without digitalSignature", {.subject = "CN=l", .no_usage = true},
		MAKER_NOW, ERR_TRUST_CERT_USAGE},
	{"without extended key usage", {.subject = "CN=l", .no_eku = true},
		MAKER_NOW, ERR_TRUST_CERT_EKU},
	{"any extended key usage", {.subject = "CN=l", .any_eku = true},
		MAKER_NOW, ERR_TRUST_CERT_EKU},
	{"expired", {.subject = "CN=l", .not_after = "20250101000000"},
		MAKER_NOW, ERR_TRUST_CERT_EXPIRED},
	{"in its last second",
		{.subject = "CN=l", .not_after = "20250101000000"}, 1735689600,
		0},
	{"a second after its last",
		{.subject = "CN=l", .not_after = "20250101000000"}, 1735689601,
		ERR_TRUST_CERT_EXPIRED},
	{"not yet valid", {.subject = "CN=l", .not_before = "20500101000000"},
		MAKER_NOW, ERR_TRUST_CERT_NOT_YET},
	{"clock in 1970", {.subject = "CN=l"}, 0, ERR_TRUST_CERT_NOT_YET},
	{"clock in 2199", {.subject = "CN=l"}, UINT64_C(7226582400),
		ERR_TRUST_CERT_EXPIRED},
	{"signed with SHA-1", {.subject = "CN=l", .sha1 = true}, MAKER_NOW,
		ERR_TRUST_CERT_ALG},
};

START_TEST(x509_chain_verify_leaf_row_gives_its_code)
{
	const struct leaf_row *row = &leaf_rows[_i];
	struct maker_cert cert = row->cert;
	struct x509_chain chain;
	int code;

	cert.key = maker_key("x-leaf");
	cert.issuer = &issuing;
	maker_cert_make(&cert);
	code = verify(&cert, &issuing, NULL, &root, row->now, &chain);
	ck_assert_msg(code == row->code, "%s: %s, expected %s", row->name,
		err_name(code), err_name(row->code));
}
END_TEST

/* Dates are judged by the trusted time alone: a lower bound never makes a
 * certificate "not yet valid". */
START_TEST(x509_chain_verify_unsynchronised_clock_judges_expiry_only)
{
	struct bytes certs[2] = {
		maker_cert_der(&leaf), maker_cert_der(&issuing)};
	struct x509_anchor anchor = {.certificate = maker_cert_der(&root)};
	struct chain_rules rules = {.revocation = &maker_revocation_off};
	struct x509_chain chain;

	ck_assert_int_eq(
		x509_chain_verify(certs, 2, &anchor, 1, &rules, &chain, NULL),
		0);
}
END_TEST

START_TEST(x509_chain_verify_expired_issuer_is_refused)
{
	struct maker_cert old = {.subject = "CN=old",
		.key = maker_key("x-issuing"),
		.issuer = &root,
		.ca = true,
		.not_after = "20250101000000"};
	struct maker_cert below = {.subject = "CN=below",
		.key = maker_key("x-leaf"),
		.issuer = &old};
	struct x509_chain chain;

	maker_cert_make(&old);
	maker_cert_make(&below);
	ck_assert_int_eq(verify(&below, &old, NULL, &root, MAKER_NOW, &chain),
		ERR_TRUST_CERT_EXPIRED);
}
END_TEST

START_TEST(x509_read_bytes_behind_the_certificate_are_refused)
{
	struct bytes der = maker_cert_der(&leaf);
	struct x509_facts facts;
	uint8_t longer[1300];

	memcpy(longer, der.at, der.len);
	longer[der.len] = 0;
	ck_assert_int_eq(x509_read(der, &facts), 0);
	ck_assert(facts.has_key && facts.can_sign && facts.code_signing);
	ck_assert(!facts.is_ca);
	ck_assert_uint_eq(facts.not_before, UINT64_C(1577836800));
	ck_assert_int_eq(x509_read(bytes_of(longer, der.len + 1), &facts),
		ERR_TRUST_CERT_FORM);
	ck_assert_int_eq(x509_read(bytes_of(der.at, der.len - 1), &facts),
		ERR_TRUST_CERT_FORM);
	ck_assert_int_eq(
		x509_read(bytes_of("", 0), &facts), ERR_TRUST_CERT_FORM);
}
END_TEST

START_TEST(x509_chain_verify_too_many_certificates_are_refused)
{
	struct bytes certs[COSE_CERTS_MAX + 1];
	struct x509_anchor anchor = {.certificate = maker_cert_der(&root)};
	struct chain_rules rules = maker_rules(MAKER_NOW);
	struct x509_chain chain;

	for (unsigned i = 0; i <= COSE_CERTS_MAX; i++)
		certs[i] = maker_cert_der(&leaf);
	ck_assert_int_eq(x509_chain_verify(certs, COSE_CERTS_MAX + 1, &anchor,
				 1, &rules, &chain, NULL),
		ERR_TRUST_CERT_COUNT);
}
END_TEST

/* The published certificates have no extended key usage: that code means that
 * the path itself was good. */
START_TEST(x509_chain_verify_published_chain_lacks_code_signing)
{
	struct bytes ca =
		unit_read_shared("vectors/cose-wg/x509-examples/ca.der");
	struct bytes alice =
		unit_read_shared("vectors/cose-wg/x509-examples/alice.der");
	struct x509_anchor anchors[] = {
		{.certificate = ca}, {.certificate = maker_cert_der(&root)}};
	struct chain_rules rules = maker_rules(MAKER_NOW);
	struct x509_chain chain;
	struct x509_facts facts;

	ck_assert_int_eq(x509_chain_verify(&alice, 1, &anchors[0], 1,
				 &rules, &chain, NULL),
		ERR_TRUST_CERT_EKU);
	ck_assert_int_eq(x509_chain_verify(&alice, 1, &anchors[1], 1,
				 &rules, &chain, NULL),
		ERR_TRUST_CERT_CHAIN);
	ck_assert_int_eq(x509_read(alice, &facts), 0);
	ck_assert_uint_eq(facts.not_before, UINT64_C(1606930045));
	free((void *)(uintptr_t)ca.at);
	free((void *)(uintptr_t)alice.at);
}
END_TEST

START_TEST(x509_public_key_pem_is_the_published_point)
{
	struct bytes pem =
		unit_read_shared("vectors/keys/trust-anchor-p256.pub.pem");
	struct bytes raw =
		unit_read_shared("vectors/keys/trust-anchor-p256.pub.raw65");
	struct cose_key a;
	struct cose_key b;

	ck_assert_int_eq(x509_public_key(pem, &a), 0);
	ck_assert_int_eq(cose_key_from_point(raw, &b), 0);
	ck_assert(cose_key_equal(&a, &b));
	ck_assert_int_eq(x509_public_key(raw, &a), ERR_TRUST_COSE_KEY);
	free((void *)(uintptr_t)pem.at);
	free((void *)(uintptr_t)raw.at);
}
END_TEST

START_TEST(x509_to_der_takes_pem_and_der)
{
	struct bytes pem =
		unit_read_shared("vectors/cose-wg/x509-examples/alice.crt");
	struct bytes der =
		unit_read_shared("vectors/cose-wg/x509-examples/alice.der");
	struct buf b;

	buf_init(&b, 4096);
	ck_assert_int_eq(x509_to_der(pem, &b), 0);
	ck_assert(bytes_equal(buf_bytes(&b), der));
	buf_reset(&b);
	ck_assert_int_eq(x509_to_der(der, &b), 0);
	ck_assert(bytes_equal(buf_bytes(&b), der));
	ck_assert_int_eq(
		x509_to_der(bytes_of("x", 1), &b), ERR_TRUST_CERT_FORM);
	buf_done(&b);
	free((void *)(uintptr_t)pem.at);
	free((void *)(uintptr_t)der.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("x509");
	TCase *tc = tcase_create("x509");

	unit_need_shared("vectors/cose-wg");
	maker_init();
	setup();
	tcase_add_test(tc, x509_chain_verify_leaf_by_issuing_ca_is_accepted);
	tcase_add_test(
		tc, x509_chain_verify_intermediate_as_anchor_is_accepted);
	tcase_add_test(tc, x509_chain_verify_missing_intermediate_is_refused);
	tcase_add_test(tc, x509_chain_verify_root_sent_along_is_no_anchor);
	tcase_add_test(tc,
		x509_chain_verify_root_of_same_name_and_other_key_is_refused);
	tcase_add_test(tc, x509_chain_verify_leaf_that_issues_is_refused);
	tcase_add_test(
		tc, x509_chain_verify_end_entity_anchor_is_the_leaf_itself);
	tcase_add_loop_test(tc, x509_chain_verify_leaf_row_gives_its_code, 0,
		(int)(sizeof(leaf_rows) / sizeof(leaf_rows[0])));
	tcase_add_test(
		tc, x509_chain_verify_unsynchronised_clock_judges_expiry_only);
	tcase_add_test(tc, x509_chain_verify_expired_issuer_is_refused);
	tcase_add_test(tc, x509_read_bytes_behind_the_certificate_are_refused);
	tcase_add_test(tc, x509_chain_verify_too_many_certificates_are_refused);
	tcase_add_test(
		tc, x509_chain_verify_published_chain_lacks_code_signing);
	tcase_add_test(tc, x509_public_key_pem_is_the_published_point);
	tcase_add_test(tc, x509_to_der_takes_pem_and_der);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

/* Evidence of revocation when memory is short: nothing is said that was not
 * read, and no piece of memory grows with the list.
 *
 * The crypto library takes its memory by calloc(), which stands here. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/trust/crl.h"
#include "tests/unit/policy/evidence_maker.h"

#define PIECE_MAX 8192

static unsigned count, fail_at;
static size_t largest;

__attribute__((visibility("default"))) void *calloc(size_t members, size_t size)
{
	size_t len;
	void *at;

	if (__builtin_mul_overflow(members, size, &len) ||
		(fail_at && ++count == fail_at))
		return NULL;
	if (len > largest)
		largest = len;
	/* Of malloc() and memset() a compiler makes this very function. */
	at = malloc(len ? len : 1);
	if (at)
		explicit_bzero(at, len);
	return at;
}

static struct em_cert ca = {.ca = true};
static struct em_cert rsa = {.ca = true, .alg = EM_RSA_SHA256};
static struct em_cert delegate = {.subject = "responder",
	.issuer = &ca,
	.exts = {EM_EXT(OID_EXT_KEY_USAGE, "\x30\x0a\x06\x08" OID_OCSP_SIGNING),
		EM_EXT(OID_OCSP_NOCHECK, "\x05\x00")}};
static struct em_cert leaf = {
	.subject = "leaf", .issuer = &ca, .serial = EM("\x55")};
static struct buf out;

static void setup(void)
{
	ca.key = maker_key("ca");
	rsa.key = em_rsa_key("a", 3072);
	delegate.key = maker_key("responder");
	leaf.key = maker_key("leaf");
	em_cert_make(&ca);
	em_cert_make(&rsa);
	em_cert_make(&delegate);
	em_cert_make(&leaf);
	buf_init(&out, EVIDENCE_CRL_MAX);
}

static int scan(const struct em_cert *issuer, struct statement *ret)
{
	struct cert_id id;
	int err = cert_id_of(em_cert_der(issuer), em_cert_der(issuer), &id);

	return err ? err
		   : crl_scan(buf_bytes(&out), em_cert_der(issuer), &id, 1, ret,
			     NULL, NULL);
}

/* Fails the n-th allocation (past the 400th every seventh) until a run passes;
 * each run before it is refused for want of memory. Of an RSA key the library
 * only says that it cannot be read: `also`. */
#define until_it_passes(call, code, also)                                      \
	do {                                                                   \
		for (unsigned n = 1;; n += n < 400 ? 1 : 7) {                  \
			count = 0;                                             \
			fail_at = n;                                           \
			(code) = (call);                                       \
			fail_at = 0;                                           \
			if (count < n) {                                       \
				ck_assert_uint_gt(n, 1);                       \
				break;                                         \
			}                                                      \
			ck_assert_msg((code) == -ENOMEM ||                     \
					      (code) == ERR_TRUST_CRYPTO ||    \
					      (code) == (also),                \
				"allocation %u: %s", n, err_name(code));       \
			ck_assert_uint_eq(got.reason, 99);                     \
			ck_assert_uint_lt(n, 100000);                          \
		}                                                              \
	} while (0)

START_TEST(crl_scan_without_memory_is_refused)
{
	const struct em_cert *issuer = _i ? &rsa : &ca;
	struct em_crl crl = {.issuer = issuer, .alg = issuer->alg};
	struct statement got = {.reason = 99};
	int code;

	em_crl_make(&crl, &out);
	until_it_passes(
		scan(issuer, &got), code, _i ? ERR_TRUST_CRL_ALG : -ENOMEM);
	ck_assert_int_eq(code, 0);
	ck_assert_int_eq(got.status, STATEMENT_GOOD);
}
END_TEST

START_TEST(ocsp_read_without_memory_is_refused)
{
	struct em_ocsp ocsp = {
		.issuer = &ca, .signer = &delegate, .certs = {&delegate}};
	struct ocsp_question q = {
		.issuer = em_cert_der(&ca), .now = trust_now_at(MAKER_NOW)};
	struct statement got = {.reason = 99};
	int code;

	em_id(&leaf, &ca, &q.id);
	ocsp.id = &q.id;
	em_ocsp_make(&ocsp, &out);
	until_it_passes(ocsp_read(buf_bytes(&out), &q, &got, NULL, NULL), code,
		-ENOMEM);
	ck_assert_int_eq(code, 0);
	ck_assert_int_eq(got.status, STATEMENT_GOOD);
}
END_TEST

START_TEST(crl_scan_long_list_takes_no_more_memory)
{
	struct em_crl crl = {.issuer = &ca, .many = 100000};
	struct statement got;

	em_crl_make(&crl, &out);
	ck_assert_uint_gt(out.len, 100 * PIECE_MAX);
	largest = 0;
	ck_assert_int_eq(scan(&ca, &got), 0);
	ck_assert_uint_gt(largest, 0);
	ck_assert_uint_le(largest, PIECE_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence_memory");
	TCase *tc = tcase_create("evidence_memory");

	maker_init();
	setup();
	tcase_add_loop_test(tc, crl_scan_without_memory_is_refused, 0, 2);
	tcase_add_test(tc, ocsp_read_without_memory_is_refused);
	tcase_add_test(tc, crl_scan_long_list_takes_no_more_memory);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

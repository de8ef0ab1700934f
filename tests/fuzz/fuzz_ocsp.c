/* Any bytes as an issuer's certificate with an OCSP response behind it: judged
 * as the answer about certificate d501 of that issuer, and read in words. */
#include <stdlib.h>

#include "policy/trust/cert_view.h"
#include "policy/trust/crypto.h"
#include "policy/trust/ocsp.h"

#define NOW UINT64_C(1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void on_answer(void *arg, const struct ocsp_answer *answer)
{
	++*(unsigned *)arg;
	if (answer->serial.len == 0 || answer->reason > 10 ||
		answer->hash.len == 0)
		abort();
}

static void judge(struct bytes issuer, struct bytes response)
{
	struct ocsp_question q = {
		.issuer = issuer,
		.id = {.serial = {0, 0xd5, 1}, .serial_len = 3},
		.now = trust_now_at(NOW),
	};
	struct ocsp_delegate delegate;
	struct statement got = {.number = {0}};
	struct cert_view view;

	if (cert_view_read(issuer, &view))
		return;
	if (crypto_sha256(view.subject, q.id.issuer_name) ||
		crypto_sha256(view.key, q.id.issuer_key))
		abort();
	if (ocsp_read(response, &q, &got, &delegate, NULL))
		return;
	if (got.kind != EVIDENCE_OCSP || got.next_update <= got.this_update ||
		got.next_update - got.this_update > OCSP_VALIDITY_MAX_S ||
		!cert_id_equal(&got.id, &q.id))
		abort();
	if (delegate.needs_evidence &&
		(delegate.certificate.len == 0 ||
			ocsp_read(response, &q, &got, NULL, NULL) == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len), issuer;
	struct ocsp_facts facts;
	unsigned answers = 0;
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	if (der_take_whole(&in, DER_SEQUENCE, &issuer))
		judge(issuer, in);
	if (ocsp_look(in, &facts, on_answer, &answers, NULL) == 0 &&
		facts.answers != answers)
		abort();
	return 0;
}

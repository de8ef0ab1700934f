/* Any bytes as an issuer's certificate with a CRL behind it: scanned for two
 * certificates, and read in words. What Mbed TLS reads too has to be the same
 * list. */
#include <stdlib.h>

#include <mbedtls/x509_crl.h>

#include "policy/trust/cert_view.h"
#include "policy/trust/crl.h"
#include "policy/trust/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	struct bytes in;
	uint64_t count;
};

static void on_entry(void *arg, const struct crl_entry *entry)
{
	struct seen *seen = arg;

	if (entry->serial.len == 0 || entry->serial.at < seen->in.at ||
		entry->serial.at + entry->serial.len >
			seen->in.at + seen->in.len ||
		entry->reason > 10)
		abort();
	seen->count++;
}

static uint64_t count_of(const mbedtls_x509_crl *crl)
{
	const mbedtls_x509_crl_entry *one = &crl->entry;
	uint64_t count = 0;

	for (; one && one->raw.tag; one = one->next)
		count++;
	return count;
}

static void look(struct bytes in)
{
	struct seen seen = {.in = in};
	struct crl_facts facts;
	struct bytes issuer;
	mbedtls_x509_crl oracle;

	if (crl_look(in, &facts, &issuer, on_entry, &seen, NULL))
		return;
	mbedtls_x509_crl_init(&oracle);
	if (mbedtls_x509_crl_parse_der(&oracle, in.at, in.len) == 0 &&
		(count_of(&oracle) != seen.count ||
			!bytes_equal(issuer, bytes_of(oracle.issuer_raw.p,
						     oracle.issuer_raw.len))))
		abort();
	mbedtls_x509_crl_free(&oracle);
	if (facts.entries != seen.count ||
		facts.this_update > facts.next_update)
		abort();
}

static void scan(struct bytes issuer, struct bytes list)
{
	struct statement got[2] = {{.number = {0}}};
	struct cert_view view;
	struct cert_id ids[2] = {{.serial = "\x55", .serial_len = 1},
		{.serial = "\x56", .serial_len = 1}};

	if (cert_view_read(issuer, &view))
		return;
	for (unsigned i = 0; i < 2; i++)
		if (crypto_sha256(view.subject, ids[i].issuer_name) ||
			crypto_sha256(view.key, ids[i].issuer_key))
			abort();
	if (crl_scan(list, issuer, ids, 2, got, NULL, NULL) == 0 &&
		(got[0].kind != EVIDENCE_CRL || got[1].kind != EVIDENCE_CRL ||
			got[0].status == STATEMENT_UNKNOWN))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len), issuer;
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	if (der_take_whole(&in, DER_SEQUENCE, &issuer))
		scan(issuer, in);
	look(in);
	return 0;
}

/* Any bytes as certificates one behind the other: the first is the anchor, the
 * second the leaf, then its issuers. Two parsers read certificates, one for
 * paths and one for evidence; what both take has to say the same, but that
 * the second takes nobody for a CA who says so in BER. */
#include <stdlib.h>

#include "policy/trust/cert_view.h"
#include "policy/trust/x509.h"

#define NOW UINT64_C(1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void compare(struct bytes der)
{
	struct evidence_uris uris;
	struct x509_facts facts;
	struct cert_view view;
	char serial[sizeof(facts.serial)];
	bool viewed = cert_view_read(der, &view) == 0;

	if ((evidence_uris(der, &uris) == 0 && !viewed))
		abort();
	if (!viewed || x509_read(der, &facts))
		return;
	bytes_to_hex(view.serial, serial, sizeof(serial));
	if (strcmp(serial, facts.serial) ||
		view.not_before != facts.not_before ||
		view.not_after != facts.not_after ||
		(cert_view_is_ca(&view) && !facts.is_ca))
		abort();
}

static void judge(const struct bytes *certs, unsigned count)
{
	static const struct revocation_view off = {.policy = REVOCATION_OFF};
	struct x509_anchor anchor = {.certificate = certs[0]};
	struct chain_rules rules = {
		.now = trust_now_at(NOW), .revocation = &off};
	struct x509_chain chain;
	struct cert_id id;

	if (count < 2)
		return;
	if (x509_chain_verify(&certs[1], count - 1, &anchor, 1, &rules, &chain,
		    NULL) == 0 &&
		(chain.depth == 0 || chain.depth > count))
		abort();
	rules.revocation = NULL;
	if (x509_chain_verify(&certs[1], count - 1, &anchor, 1, &rules, &chain,
		    NULL) == 0)
		abort();
	for (unsigned i = 0; i + 1 < count; i++)
		if (cert_id_of(certs[i], certs[i + 1], &id) == 0 &&
			(id.serial_len == 0 || id.serial_len > CERT_SERIAL_MAX))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	struct bytes certs[COSE_CERTS_MAX + 2];
	unsigned count = 0;
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	while (count < COSE_CERTS_MAX + 2 &&
		der_take_whole(&in, DER_SEQUENCE, &certs[count]))
		count++;
	for (unsigned i = 0; i < count; i++)
		compare(certs[i]);
	if (count == 0)
		compare(in);
	judge(certs, count);
	return 0;
}

/* Any bytes as a COSE message of every kind, with every signer and its chain
 * looked at, and as a COSE_Key. Nothing verifies. */
#include <stdlib.h>

#include "policy/trust/cose.h"
#include "policy/trust/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look_at_signer(const struct cose_msg *msg, unsigned i)
{
	static const struct cose_key key = {
		.kty = COSE_KTY_EC2, .curve = CRYPTO_P256};
	struct bytes certs[COSE_CERTS_MAX];
	struct cose_signer signer;
	struct x509_facts facts;
	unsigned count = 0;

	if (cose_signer_at(msg, i, &signer))
		abort();
	if (cose_verify(msg, i, &key, bytes_of("", 0), msg->payload, true) == 0)
		abort();
	if (!signer.header.x5chain.at ||
		cose_x5chain(&signer.header, certs, &count))
		return;
	for (unsigned k = 0; k < count; k++)
		x509_read(certs[k], &facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum cose_kind kinds[] = {
		COSE_NONE, COSE_MAC0, COSE_SIGN1, COSE_SIGN};
	struct bytes in = bytes_of(data, len);
	struct cose_key key;
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct cose_msg msg;

		if (cose_parse(in, kinds[i], &msg, NULL))
			continue;
		if (msg.signer_count > COSE_SIGNERS_MAX)
			abort();
		for (unsigned k = 0; k < msg.signer_count; k++)
			look_at_signer(&msg, k);
	}
	cose_key_parse(in, &key, NULL);
	return 0;
}

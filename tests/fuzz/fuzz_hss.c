/* A public key (60 bytes), the length of a message (one byte), the message, and
 * a signature: whatever verifies must not verify over another message. */
#include <stdlib.h>

#include "policy/trust/crypto.h"
#include "policy/trust/hss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	struct bytes pub = bytes_slice(in, 0, HSS_PUBLIC_LEN);
	struct bytes parts[2];
	struct bytes signature;
	static int ready;
	size_t at;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	if (hss_public_check(pub) || len == HSS_PUBLIC_LEN)
		return 0;
	at = HSS_PUBLIC_LEN + 1;
	parts[0] = bytes_slice(in, at, data[HSS_PUBLIC_LEN]);
	parts[1] = bytes_of("x", 1);
	at += parts[0].len;
	signature = bytes_slice(in, at, len - at);
	if (hss_verify(pub, parts, 1, signature) == 0 &&
		hss_verify(pub, parts, 2, signature) == 0)
		abort();
	return 0;
}

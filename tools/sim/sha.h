/* SHA-256 through PSA, in pieces. The only file of the simulator that knows
 * the crypto library. One thread. */
#ifndef FERRY_SIM_SHA_H
#define FERRY_SIM_SHA_H

#include <psa/crypto.h>

#include "base/bytes.h"

#define SHA_LEN 32

struct sha {
	psa_hash_operation_t op;
	/* Blocks are short, and each call of the library costs more than one. */
	uint8_t gathered[512];
	size_t gathered_len;
	bool failed;
};

void sha_init(struct sha *s);
void sha_add(struct sha *s, const void *at, size_t len);

/* Always ends the operation. False when the library failed. */
bool sha_end(struct sha *s, uint8_t ret_digest[SHA_LEN]);

#endif

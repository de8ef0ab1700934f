/* A device that is sent ciphertext: its server decrypts what arrives, at any
 * offset, with AES-128 in counter mode, as a bootloader does that has the
 * content key from elsewhere. Plain data; one thread. */
#ifndef FERRY_SIM_UNSEAL_H
#define FERRY_SIM_UNSEAL_H

#include "base/bytes.h"

#define UNSEAL_PIECE_MAX 8192

struct unseal {
	bool on;
	uint8_t key[16];
	uint8_t counter[16]; /* of the first block */
};

/* "KEY:COUNTER", 32 hexadecimal digits each; "" is off. -EINVAL. */
int unseal_parse(const char *text, struct unseal *ret);

/* What stands at `offset` of the file. `out` holds in.len bytes, at most
 * UNSEAL_PIECE_MAX. 0 or a negative code. */
int unseal_at(const struct unseal *u, uint64_t offset, struct bytes in,
	uint8_t *out);

#endif

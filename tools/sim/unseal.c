#include "tools/sim/unseal.h"

#include <errno.h>

#include "policy/trust/crypto_secret.h"

#define BLOCK 16

int unseal_parse(const char *text, struct unseal *ret)
{
	struct unseal u = {.on = text[0] != '\0'};
	char key[33] = "";

	if (u.on) {
		if (strlen(text) != 65 || text[32] != ':')
			return -EINVAL;
		memcpy(key, text, 32);
		if (bytes_from_hex(key, u.key, 16) ||
			bytes_from_hex(text + 33, u.counter, 16))
			return -EINVAL;
	}
	*ret = u;
	return 0;
}

/* The counter block of a later block: one number of 128 bits, big-endian. */
static void counter_at(
	const struct unseal *u, uint64_t blocks, uint8_t ret[BLOCK])
{
	unsigned carry = 0;

	for (unsigned i = BLOCK; i-- > 0;) {
		unsigned sum = u->counter[i] + (unsigned)(blocks & 0xff) + carry;

		ret[i] = (uint8_t)sum;
		carry = sum >> 8;
		blocks >>= 8;
	}
}

int unseal_at(const struct unseal *u, uint64_t offset, struct bytes in,
	uint8_t *out)
{
	uint8_t plain[BLOCK + UNSEAL_PIECE_MAX + CRYPTO_CIPHER_SLACK];
	uint8_t sealed[BLOCK + UNSEAL_PIECE_MAX] = {0};
	size_t lead = offset % BLOCK, len;
	struct crypto_cipher *cipher;
	uint8_t counter[BLOCK];
	int err;

	if (in.len > UNSEAL_PIECE_MAX)
		return -EINVAL;
	counter_at(u, offset / BLOCK, counter);
	if (in.len)
		memcpy(sealed + lead, in.at, in.len);
	err = crypto_cipher_new(&(struct crypto_cipher_spec){
		.mode = CRYPTO_CTR,
		.key = bytes_of(u->key, sizeof(u->key)),
		.iv = bytes_of(counter, sizeof(counter)),
	}, &cipher);
	if (err)
		return err;
	err = crypto_cipher_update(
		cipher, bytes_of(sealed, lead + in.len), plain, &len);
	crypto_cipher_free(cipher);
	if (err || len < lead + in.len)
		return err ? err : -EIO;
	memcpy(out, plain + lead, in.len);
	return 0;
}

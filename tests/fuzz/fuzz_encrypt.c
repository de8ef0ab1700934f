/* COSE_Encrypt of an image, and what a gateway does with it: the first bytes
 * are the encryption-info (two bytes of length before it), the rest is the
 * ciphertext. */
#include <stdlib.h>

#include "policy/trust/encrypt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECE 61

static const uint8_t kek[16] = "aaaaaaaaaaaaaaaa";

/* Opens nothing, but leads into the derivation. */
static int agree(void *arg, const uint8_t peer[64], uint8_t ret[32])
{
	(void)arg;
	memcpy(ret, peer, 32);
	return 0;
}

static int unwrap(void *arg, struct bytes wrapped, uint8_t *ret)
{
	(void)arg;
	return crypto_key_unwrap(bytes_of(kek, 16), wrapped, ret);
}

static void decrypt(const struct encrypt_info *info,
	const struct encrypt_cek *cek, struct bytes sealed)
{
	uint8_t out[PIECE + CRYPTO_CIPHER_SLACK];
	struct encrypt_stream *stream;
	uint64_t plain_len;
	uint64_t seen = 0;
	size_t len;
	int err;

	if (encrypt_plain_len(info, sealed.len, &plain_len) ||
		encrypt_stream_new(info, cek, sealed.len, &stream))
		return;
	for (size_t at = 0; at < sealed.len; at += PIECE) {
		err = encrypt_stream_update(
			stream, bytes_slice(sealed, at, PIECE), out, &len);
		if (err)
			abort();
		seen += len;
	}
	err = encrypt_stream_finish(stream, out, &len);
	if (!err && seen + len != plain_len)
		abort();
	encrypt_stream_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct encrypt_key keys[] = {
		{.agree = agree},
		{.unwrap = unwrap, .kek_len = 16},
	};
	struct encrypt_info info;
	struct encrypt_cek cek;
	struct fault fault = {0};
	char text[64];
	static int ready;
	size_t len;

	if (size < 2)
		return 0;
	if (!ready && crypto_init())
		abort();
	ready = 1;
	len = get_be16(data);
	if (len > size - 2)
		len = size - 2;
	if (encrypt_info_parse(bytes_of(data + 2, len), &info, &fault)) {
		if (!fault.code)
			abort();
		return 0;
	}
	encrypt_describe(&info, text, sizeof(text));
	encrypt_tier(&info);
	if (encrypt_open_key(&info, keys, 2, &cek, &fault) == 0)
		decrypt(&info, &cek,
			bytes_of(data + 2 + len, size - 2 - len));
	return 0;
}

/* The name of a key in a token (first byte even), or the file of a key. */
#include <stdlib.h>

#include "store/keys/keys_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void uri(const char *text)
{
	struct fault fault = {0};
	struct keys_uri uri;
	int err = keys_uri_parse(text, &uri, &fault);

	if (err != fault.code)
		abort();
	if (!err && !uri.object[0] && !uri.id_len)
		abort();
}

static void file(struct bytes content)
{
	struct secret_key key = {0};
	struct fault fault = {0};
	int err = keys_file_parse(content, "file", &key, &fault);

	if (err != fault.code)
		abort();
	if (!err && key.kind == SECRET_AES && key.kek_len != 16 &&
		key.kek_len != 32)
		abort();
	keys_file_done(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ready;
	char *text;

	if (size < 1)
		return 0;
	if (!ready && crypto_init())
		abort();
	ready = 1;
	text = malloc(size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] & 1)
		file(bytes_of(text, size - 1));
	else
		uri(text);
	free(text);
	return 0;
}

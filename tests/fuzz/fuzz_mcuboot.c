/* Any bytes as an image file: cutting makes no difference, and what is accepted
 * keeps the rules of the format. The first byte says how the file is cut. */
#include "devices/mcuboot/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int digest_add(void *arg, struct bytes part)
{
	uint32_t *sum = arg;

	for (size_t i = 0; i < part.len; i++)
		*sum = *sum * 31 + part.at[i];
	return 0;
}

static int digest_finish(void *arg, uint8_t ret_hash[32])
{
	const uint32_t *sum = arg;

	memset(ret_hash, 0, 32);
	put_le32(ret_hash, *sum);
	return 0;
}

static int read_all(struct bytes file, size_t piece, uint32_t *sum,
	struct mcuboot_image *ret)
{
	struct mcuboot_digest digest = {digest_add, digest_finish, sum};
	struct mcuboot_reader r;
	struct fault f = {0};

	mcuboot_reader_init(&r, &digest);
	while (file.len) {
		mcuboot_reader_add(&r, bytes_slice(file, 0, piece), &f);
		file = bytes_slice(file, piece, file.len);
	}
	return mcuboot_reader_finish(&r, ret, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mcuboot_image a = {0}, b = {0};
	struct mcuboot_version v;
	uint32_t sum_a = 0, sum_b = 0;
	struct bytes file;
	char text[64];

	if (len < 1)
		return 0;
	file = bytes_of(data + 1, len - 1);
	if (read_all(file, file.len + 1, &sum_a, &a) !=
			read_all(file, 1 + data[0] % 80, &sum_b, &b))
		abort();
	if (sum_a != sum_b || memcmp(&a.hash, &b.hash, sizeof(a.hash)) != 0)
		abort();
	if (a.hash_len && a.used_len > file.len)
		abort();
	bytes_to_printable(bytes_slice(file, 0, 40), text, sizeof(text));
	if (mcuboot_version_read(text, &v) == 0)
		mcuboot_version_text(v, text);
	return 0;
}

#include "tools/publish/expect.h"

#include <errno.h>
#include <stdio.h>

#include "tools/publish/hash.h"
#include "tools/publish/say.h"

static int digest_add(void *arg, struct bytes part)
{
	return hash_add(arg, part);
}

static int digest_finish(void *arg, uint8_t ret_hash[32])
{
	return hash_finish(arg, ret_hash);
}

static int image_read(FILE *file, const char *path, struct hash *hash,
	struct mcuboot_image *ret)
{
	const struct mcuboot_digest digest = {digest_add, digest_finish, hash};
	struct mcuboot_reader reader;
	struct fault fault = {0};
	uint8_t chunk[4096];
	size_t n;
	int err = 0;

	mcuboot_reader_init(&reader, &digest);
	rewind(file);
	while (!err && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		err = mcuboot_reader_add(&reader, bytes_of(chunk, n), &fault);
	if (!err && ferror(file))
		return complain(-EIO, path, NULL, "cannot read");
	if (!err)
		err = mcuboot_reader_finish(&reader, ret, &fault);
	return err ? complain_fault(path, err, &fault) : 0;
}

int expect_read(const char *path, struct expect *ret)
{
	struct expect expect = {0};
	uint8_t head[MCUBOOT_HEADER_LEN];
	struct hash *hash;
	FILE *file = fopen(path, "rbe");
	size_t n;
	int err = 0;

	if (!file)
		return complain(-errno, path, NULL, "cannot open: %s",
			strerror(errno));
	n = fread(head, 1, sizeof(head), file);
	expect.is_mcuboot = mcuboot_is_image(bytes_of(head, n));
	if (expect.is_mcuboot) {
		hash = hash_new(CRYPTO_SHA256);
		err = hash ? image_read(file, path, hash, &expect.image) :
				-ENOMEM;
		hash_free(hash);
	}
	fclose(file);
	if (!err)
		*ret = expect;
	return err;
}

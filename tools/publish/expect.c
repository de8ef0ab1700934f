#include "tools/publish/expect.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

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

/* A container that is no OTA file may hold its magic by chance; one that begins
 * with it may not, and a header that holds speaks for its file. */
static int ota_read(FILE *file, const char *path, struct expect *ret)
{
	uint8_t prefix[OTA_FILE_PREFIX];
	struct fault fault = {0};
	struct stat st;
	size_t n;
	int err;

	rewind(file);
	n = fread(prefix, 1, sizeof(prefix), file);
	if (ferror(file) || fstat(fileno(file), &st))
		return complain(-EIO, path, NULL, "cannot read");
	err = ota_file_find(bytes_of(prefix, n), (uint64_t)st.st_size,
		&ret->ota, &fault);
	ret->is_ota = !err;
	if (err == ERR_OTA_FILE_MAGIC)
		return 0;
	if (err == ERR_OTA_FILE_HEADER &&
			(n < 4 || get_le32(prefix) != OTA_FILE_MAGIC)) {
		warn(path, fault.field, "%s; taken for no ZigBee OTA file",
			fault.rule);
		return 0;
	}
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
	} else {
		err = ota_read(file, path, &expect);
	}
	fclose(file);
	if (!err)
		*ret = expect;
	return err;
}

static int check_elements(FILE *file, const char *path,
	const struct ota_file *ota)
{
	size_t len = ota->size;
	struct fault fault = {0};
	void *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fileno(file), 0);
	int err;

	if (at == MAP_FAILED)
		return complain(-errno, path, NULL, "cannot map: %s",
			strerror(errno));
	err = ota_file_check_strict(ota, bytes_of(at, len), &fault);
	munmap(at, len);
	return err ? complain_fault(path, err, &fault) : 0;
}

int expect_check_strict(const char *path, const struct expect *expect)
{
	const struct ota_file *ota = &expect->ota;
	FILE *file;
	int err;

	if (!expect->is_ota)
		return complain(ERR_OTA_FILE_MAGIC, path, NULL,
			"must be a ZigBee OTA file (--strict-elements)");
	if (ota->at || ota->trailing)
		return complain(ERR_OTA_FILE_SIZE, path, NULL, "must have"
			" nothing around the OTA file: %llu bytes stand before"
			" it, %llu behind it (--strict-elements)",
			(unsigned long long)ota->at,
			(unsigned long long)ota->trailing);
	file = fopen(path, "rbe");
	if (!file)
		return complain(-errno, path, NULL, "cannot open: %s",
			strerror(errno));
	err = check_elements(file, path, ota);
	fclose(file);
	return err;
}

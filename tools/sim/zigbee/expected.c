#include "tools/sim/zigbee/expected.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t magic[4] = {0x1e, 0xf1, 0xee, 0x0b};

/* The first magic whose header says no more than is there. */
static int find(struct expected *e, struct fault *fault)
{
	for (size_t at = 0; at + 56 <= e->len; at++) {
		uint32_t size;

		if (memcmp(e->file + at, magic, 4) != 0)
			continue;
		size = get_le32(e->file + at + 52);
		if (size < 56 || size > e->len - at)
			continue;
		e->image = bytes_of(e->file + at, size);
		return 0;
	}
	return fault_set(fault, -EBADMSG, 0, "image", "is no whole OTA file");
}

int expected_make(struct bytes file, struct expected **ret, struct fault *fault)
{
	struct expected *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return fault_set(fault, -ENOMEM, 0, "image", "no memory");
	e->len = file.len;
	e->file = malloc(file.len ? file.len : 1);
	if (!e->file) {
		free(e);
		return fault_set(fault, -ENOMEM, 0, "image", "no memory");
	}
	if (file.len)
		memcpy(e->file, file.at, file.len);
	err = find(e, fault);
	if (err)
		expected_close(e);
	else
		*ret = e;
	return err;
}

static int read_all(FILE *f, uint8_t **ret, size_t *ret_len)
{
	uint8_t *at;
	long len;

	if (fseek(f, 0, SEEK_END) < 0 || (len = ftell(f)) < 0 ||
		fseek(f, 0, SEEK_SET) < 0)
		return -errno;
	if ((unsigned long)len > EXPECTED_MAX)
		return -EFBIG;
	at = malloc((size_t)len + 1);
	if (!at)
		return -ENOMEM;
	if (fread(at, 1, (size_t)len, f) != (size_t)len) {
		free(at);
		return -EIO;
	}
	*ret = at;
	*ret_len = (size_t)len;
	return 0;
}

int expected_open(const char *path, struct expected **ret, struct fault *fault)
{
	struct expected *e = calloc(1, sizeof(*e));
	FILE *f = e ? fopen(path, "rb") : NULL;
	int err = f ? 0 : e ? -errno : -ENOMEM;

	if (!err) {
		err = read_all(f, &e->file, &e->len);
		fclose(f);
	}
	if (err) {
		free(e);
		return fault_set(fault, err, 0, "image", "%s: %s", path,
			err_text(err));
	}
	err = find(e, fault);
	if (err)
		expected_close(e);
	else
		*ret = e;
	return err;
}

void expected_close(struct expected *e)
{
	if (!e)
		return;
	free(e->file);
	free(e);
}

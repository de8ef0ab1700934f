#include "tools/sim/suit.h"

#include "policy/trust/crypto_secret.h"
#include "policy/trust/lasthop_keys.h"

#include <errno.h>
#include <stdio.h>

static int read_file(const char *path, struct buf *ret)
{
	FILE *file = fopen(path, "rbe");
	uint8_t chunk[4096];
	int err = file ? 0 : -errno;
	size_t n;

	while (!err && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		err = buf_add(ret, chunk, n);
	if (!err && ferror(file))
		err = -EIO;
	if (file)
		fclose(file);
	return err;
}

int suit_key_read(const char *path, const char *device,
	uint8_t ret[SUIT_KEY_LEN], struct fault *fault)
{
	const struct lasthop_device *found;
	struct lasthop_keys *keys = NULL;
	struct buf file;
	int err;

	buf_init(&file, LASTHOP_KEYS_FILE_MAX);
	err = read_file(path, &file);
	if (!err)
		err = lasthop_keys_parse(buf_bytes(&file), LASTHOP_DEVICE_KEYS,
			&keys, fault);
	crypto_wipe(file.at, file.len);
	buf_done(&file);
	if (err)
		return fault_set(fault, err, 0, "device_keys", "%.60s: %s",
			path, err_text(err));
	found = lasthop_keys_find(keys, device);
	if (found)
		memcpy(ret, found->key, SUIT_KEY_LEN);
	lasthop_keys_free(keys);
	return found ? 0 : fault_set(fault, -ENOENT, 0, "device_keys",
		"%.60s has no device %s", path, device);
}

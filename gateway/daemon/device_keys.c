#include "gateway/daemon/device_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "policy/trust/crypto_secret.h"

#define CREDENTIAL "credential:"
#define PIN_WHAT "mac-epoch"

/* ---- the file ---- */

/* systemd owns a credential and lets the group of the service read it. */
static int path_of(const char *setting, char *path, size_t size,
	mode_t *ret_closed)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	const char *name = setting + strlen(CREDENTIAL);
	size_t len = dir ? strlen(dir) : 0;

	*ret_closed = len > 1 && !strncmp(setting, dir, len) &&
		setting[len] == '/' ? 037 : 077;
	if (strncmp(setting, CREDENTIAL, strlen(CREDENTIAL)) != 0) {
		snprintf(path, size, "%s", setting);
		return 0;
	}
	if (!dir || !*name || strchr(name, '/'))
		return -ENOENT;
	*ret_closed = 037;
	return (size_t)snprintf(path, size, "%s/%s", dir, name) < size ? 0 :
		-ENAMETOOLONG;
}

static int mode_check(int fd, mode_t closed, struct fault *fault)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, ERR_LASTHOP_KEYS, 0, "device_keys",
			"must be a file");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fault_set(fault, ERR_LASTHOP_MODE, 0, "device_keys",
			"belongs to another user");
	if (st.st_mode & closed)
		return fault_set(fault, ERR_LASTHOP_MODE, 0, "device_keys",
			"mode must be 0600 or less");
	return st.st_size > (off_t)LASTHOP_KEYS_FILE_MAX ? ERR_TOO_LARGE : 0;
}

/* At once, so that no copy of a key stays behind in the heap. */
static int read_whole(int fd, struct buf *ret)
{
	struct stat st;
	uint8_t *at;
	ssize_t n = 1;

	if (fstat(fd, &st))
		return -errno;
	at = buf_room(ret, (size_t)st.st_size + 1);
	if (!at)
		return ret->err;
	while (n > 0 && ret->len < (size_t)st.st_size) {
		n = read(fd, at + ret->len, (size_t)st.st_size - ret->len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			buf_grow(ret, (size_t)n);
	}
	return n < 0 ? -errno : 0;
}

static int read_keys(const char *setting, struct lasthop_keys **ret,
	struct fault *fault)
{
	char path[2 * CONFIG_PATH_SIZE];
	mode_t closed = 077;
	struct buf file;
	int fd, err;

	err = path_of(setting, path, sizeof(path), &closed);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	buf_init(&file, LASTHOP_KEYS_FILE_MAX + 1);
	err = mode_check(fd, closed, fault);
	if (!err)
		err = read_whole(fd, &file);
	close(fd);
	if (!err)
		err = lasthop_keys_parse(buf_bytes(&file), LASTHOP_HUB_KEYS,
			ret, fault);
	crypto_wipe(file.at, file.len);
	buf_done(&file);
	return err;
}

/* ---- the epoch ---- */

static uint64_t epoch_seen(const struct config_vendor *v,
	const struct store_loaded *loaded)
{
	for (size_t i = 0; i < loaded->pin_count; i++)
		if (!strcmp(loaded->pins[i].vendor, v->name) &&
				!strcmp(loaded->pins[i].what, PIN_WHAT))
			return loaded->pins[i].number;
	return 0;
}

static void keep_epoch(struct gateway *g, const struct config_vendor *v,
	uint64_t epoch)
{
	struct store_commit *c = store_commit_new();
	struct pin_row row = {.what = PIN_WHAT, .number = epoch};

	snprintf(row.vendor, sizeof(row.vendor), "%s", v->name);
	snprintf(row.name, sizeof(row.name), "hub");
	store_commit_pin(c, &row);
	gateway_commit(g, c, NULL, NULL);
}

static int take(struct gateway *g, const struct config_vendor *v,
	const struct store_loaded *loaded, const struct lasthop_keys *keys,
	struct fault *fault)
{
	const struct lasthop_hub *hub = lasthop_keys_hub(keys);
	uint64_t seen = epoch_seen(v, loaded);

	if (hub->epoch < seen)
		return fault_set(fault, ERR_LASTHOP_EPOCH, 0, "epoch",
			"%llu, after %llu", (unsigned long long)hub->epoch,
			(unsigned long long)seen);
	if (hub->epoch > seen)
		keep_epoch(g, v, hub->epoch);
	log_info("vendor", "device keys read",
		"vendor=%s hub=%s epoch=%llu devices=%zu", v->name, hub->id,
		(unsigned long long)hub->epoch, lasthop_keys_count(keys));
	return 0;
}

void device_keys_open(struct device_keys *k, struct gateway *g,
	const struct config_vendor *v, const struct store_loaded *loaded)
{
	struct lasthop_keys *keys = NULL;
	char code[ALARM_CODE_SIZE];
	struct fault fault = {0};
	int err;

	*k = (struct device_keys){.code = ERR_LASTHOP_NO_KEY};
	if (!v->device_keys[0])
		return;
	err = read_keys(v->device_keys, &keys, &fault);
	if (!err)
		err = take(g, v, loaded, keys, &fault);
	if (!err) {
		*k = (struct device_keys){.keys = keys};
		return;
	}
	lasthop_keys_free(keys);
	k->code = err;
	snprintf(code, sizeof(code), "device-keys:%s", v->name);
	gateway_alarm(g, code, "look at the file that device_keys in "
		"vendors.d names, then reload", "the device keys of vendor %s "
		"are not used: %s%s%s%s%s", v->name, err_text(err),
		fault.rule[0] ? ": " : "", fault.field,
		fault.rule[0] ? " " : "", fault.rule);
}

void device_keys_close(struct device_keys *k)
{
	lasthop_keys_free(k->keys);
	k->keys = NULL;
}

/* ---- who has one ---- */

static const struct lasthop_device *find_any(const struct lasthop_keys *keys,
	const struct device *d)
{
	const struct lasthop_device *found = NULL;

	if (d->id_kind >= PEER_ID_HARDWARE)
		found = lasthop_keys_find(keys, d->key);
	if (!found && d->usb_serial[0])
		found = lasthop_keys_find(keys, d->usb_serial);
	return found ? found : lasthop_keys_find(keys, d->id);
}

int device_keys_find(const struct device_keys *k, const struct device *d,
	const struct lasthop_device **ret_key,
	const struct lasthop_hub **ret_hub)
{
	const struct lasthop_device *found;

	if (!k->keys)
		return k->code;
	found = find_any(k->keys, d);
	if (!found)
		return ERR_LASTHOP_NO_KEY;
	*ret_key = found;
	*ret_hub = lasthop_keys_hub(k->keys);
	return 0;
}

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/crypto_secret.h"
#include "tools/publish/files.h"
#include "tools/publish/hash.h"
#include "tools/publish/hop.h"
#include "tools/publish/keys.h"
#include "tools/publish/say.h"
#include "tools/publish/verbs.h"

#define LINE_ROOM (LASTHOP_NAME_SIZE + 2 * LASTHOP_KEY_LEN + 16)

/* Writes what holds secrets and wipes it. */
static int secret_write(const char *path, struct buf *content)
{
	int err = content->err ? complain(content->err, path, NULL,
		"cannot be written: %s", err_text(content->err)) :
		file_write(path, buf_bytes(content), 0600);

	crypto_wipe(content->at, content->len);
	buf_done(content);
	return err;
}

/* ---- device-keys ---- */

static const struct cli_option device_options[] = {{0}};

static int device_add(struct buf *file, const char *name)
{
	uint8_t key[LASTHOP_KEY_LEN];
	char hex[2 * LASTHOP_KEY_LEN + 1];
	int err = random_bytes(key, sizeof(key));

	if (!err)
		err = buf_printf(file, "device %s %s\n", name, bytes_to_hex(
			bytes_of(key, sizeof(key)), hex, sizeof(hex)));
	crypto_wipe(key, sizeof(key));
	crypto_wipe(hex, sizeof(hex));
	return err;
}

/* The whole new file is read back before it takes the place of the old one. */
static int device_check(const char *path, const struct buf *file)
{
	struct lasthop_keys *keys = NULL;
	struct fault fault = {0};
	int err = lasthop_keys_parse(buf_bytes(file), LASTHOP_DEVICE_KEYS,
		&keys, &fault);

	lasthop_keys_free(keys);
	return err ? complain_fault(path, err, &fault) : 0;
}

static int device_keys(const struct cli *cli)
{
	const char *path = cli->args[0];
	struct buf file;
	int err = keys_start();

	if (err)
		return err;
	buf_init(&file, LASTHOP_KEYS_FILE_MAX);
	buf_room(&file, LASTHOP_KEYS_FILE_MAX);
	if (file_exists(path)) {
		struct lasthop_keys *old = NULL;

		err = hop_keys_read(path, LASTHOP_DEVICE_KEYS, &old);
		lasthop_keys_free(old);
		if (!err)
			err = file_read(path, &file);
		if (!err && file.len && file.at[file.len - 1] != '\n')
			buf_add_text(&file, "\n");
	} else {
		buf_add_text(&file, "ferry-device-keys 1\n");
	}
	for (size_t i = 1; !err && i < cli->args_count; i++)
		err = device_add(&file, cli->args[i]);
	if (!err && !file.err)
		err = device_check(path, &file);
	if (!err)
		return secret_write(path, &file);
	crypto_wipe(file.at, file.len);
	buf_done(&file);
	return err;
}

static int run_device_keys(const struct cli *cli)
{
	int err = device_keys(cli);

	if (!err)
		printf("%zu keys added to %s: what they protect is lost with"
			" it\n", cli->args_count - 1, cli->args[0]);
	return verb_exit(err);
}

const struct cli_verb verb_device_keys = {
	.name = "device-keys",
	.args = "FILE NAME...",
	.args_min = 2,
	.args_max = CLI_ARGS_MAX,
	.summary = "Make a secret for each new device that checks MACs",
	.detail = "NAME is the serial number by which hubs know the device."
		" FILE is made or added to;\nit stays with the vendor. Give"
		" each device its secret at manufacture.",
	.options = device_options,
	.run = run_device_keys,
};

/* ---- hub-keys ---- */

static const struct cli_option hub_options[] = {
	{"device-keys", "FILE", false, "the secrets of the devices"},
	{"hub", "ID", false, "the hub: 1 to 64 of A-Z a-z 0-9 . _ -"},
	{"epoch", "N", false, "epoch of the keys; never lower than before"},
	{"device", "NAME", true, "only this device (default: all)"},
	{"out", "FILE", false, "where the hub's file goes"},
	{0},
};

static int hub_take(const struct cli *cli, struct lasthop_hub *ret)
{
	const char *id = cli_get(cli, "hub");
	unsigned long long epoch = 0;

	if (!id || !cli_has(cli, "epoch") || !cli_has(cli, "device-keys"))
		return complain(-ENOENT, cli->verb->name, NULL,
			"needs --device-keys, --hub and --epoch");
	if (cli_number(cli, "epoch", 0, INT64_MAX, &epoch))
		return -ENOENT;
	if (strlen(id) >= sizeof(ret->id))
		return complain(ERR_LASTHOP_HUB, cli->verb->name, NULL,
			"--hub is longer than 64 characters");
	strcpy(ret->id, id);
	ret->epoch = epoch;
	if (lasthop_hub_check(ret))
		return complain(ERR_LASTHOP_HUB, cli->verb->name, NULL,
			"--hub must be 1 to 64 of A-Z a-z 0-9 . _ -");
	return 0;
}

/* A file of the devices that are asked for. */
static int pick(const struct cli *cli, const struct lasthop_keys *all,
	struct lasthop_keys **ret)
{
	const char *const *names;
	size_t count = cli_all(cli, "device", &names);
	char hex[2 * LASTHOP_KEY_LEN + 1];
	struct fault fault = {0};
	struct buf some;
	int err = 0;

	buf_init(&some, LASTHOP_KEYS_FILE_MAX);
	buf_room(&some, (count + 1) * LINE_ROOM);
	buf_add_text(&some, "ferry-device-keys 1\n");
	for (size_t i = 0; !err && i < count; i++) {
		const struct lasthop_device *d = lasthop_keys_find(all,
			names[i]);

		err = d ? buf_printf(&some, "device %s %s\n", d->name,
			bytes_to_hex(bytes_of(d->key, sizeof(d->key)), hex,
			sizeof(hex))) : complain(ERR_LASTHOP_NO_KEY,
			cli_get(cli, "device-keys"), NULL,
			"has no device %s", names[i]);
	}
	if (!err) {
		err = lasthop_keys_parse(buf_bytes(&some), LASTHOP_DEVICE_KEYS,
			ret, &fault);
		if (err)
			complain_fault("--device", err, &fault);
	}
	crypto_wipe(hex, sizeof(hex));
	crypto_wipe(some.at, some.len);
	buf_done(&some);
	return err;
}

static int hub_keys(const struct cli *cli, size_t *ret_count)
{
	const char *path = cli_get(cli, "out");
	struct lasthop_keys *all = NULL, *some = NULL;
	struct lasthop_hub hub = {0};
	struct buf file;
	int err = keys_start();

	if (!err && !path)
		err = complain(-ENOENT, cli->verb->name, NULL,
			"needs --out FILE");
	if (!err)
		err = hub_take(cli, &hub);
	if (!err)
		err = hop_keys_read(cli_get(cli, "device-keys"),
			LASTHOP_DEVICE_KEYS, &all);
	if (!err && cli_has(cli, "device"))
		err = pick(cli, all, &some);
	if (!err) {
		buf_init(&file, LASTHOP_KEYS_FILE_MAX);
		err = lasthop_keys_put(some ? some : all, &hub, &file);
		if (err)
			complain(err, path, NULL, "%s", err_text(err));
		else
			err = secret_write(path, &file);
		*ret_count = lasthop_keys_count(some ? some : all);
	}
	lasthop_keys_free(some);
	lasthop_keys_free(all);
	return err;
}

static int run_hub_keys(const struct cli *cli)
{
	size_t count = 0;
	int err = hub_keys(cli, &count);

	if (!err)
		printf("%s: %zu keys for hub %s, epoch %s\n",
			cli_get(cli, "out"), count, cli_get(cli, "hub"),
			cli_get(cli, "epoch"));
	return verb_exit(err);
}

const struct cli_verb verb_hub_keys = {
	.name = "hub-keys",
	.args = "",
	.summary = "Derive the keys of one hub for the devices behind it",
	.detail = "The hub's file has mode 0600; hand it over on a protected"
		" way, and name it by\ndevice_keys in the hub's vendor file."
		" Its keys make MACs for these devices, until\nthe devices saw"
		" a higher epoch.",
	.options = hub_options,
	.run = run_hub_keys,
};

/* ---- bundle ---- */

static const struct cli_option bundle_options[] = {
	{"hub-keys", "FILE", false, "the hub's keys"},
	{"device", "NAME", false, "the device"},
	{"strip-signatures", NULL, false, "leave the author's signatures out"},
	{"out", "FILE", false, "where the bundle goes"},
	{0},
};

/* What a gateway of that hub would send. */
static int prefix_make(const struct cli *cli, const struct lasthop_keys *keys,
	const struct lasthop_device *device, struct buf *ret)
{
	struct lasthop_request request = {
		.hub = lasthop_keys_hub(keys),
		.key = bytes_of(device->key, sizeof(device->key)),
		.strip_signatures = cli_has(cli, "strip-signatures"),
	};
	struct suit_facts facts = {0};
	struct suit_envelope envelope;
	struct fault fault = {0};
	uint8_t digest[32];
	struct buf file;
	int err;

	buf_init(&file, SUIT_ENVELOPE_MAX);
	err = file_read(cli->args[0], &file);
	if (!err)
		err = file_digest(cli->args[1], CRYPTO_SHA256,
			LASTHOP_IMAGE_MAX, digest, &request.image_len);
	if (err) {
		buf_done(&file);
		return err;
	}
	request.envelope = buf_bytes(&file);
	err = suit_envelope_parse(request.envelope, &envelope, &fault);
	if (!err)
		err = lasthop_image_uri(&envelope, &facts, digest,
			request.image_len, &request.uri, &fault);
	if (!err)
		err = lasthop_prefix(&request, ret, &fault);
	if (err)
		complain_fault(cli->args[0], err, &fault);
	buf_done(&file);
	return err;
}

static int bundle_write(const struct cli *cli, const struct buf *prefix)
{
	struct buf whole;
	int err;

	buf_init(&whole, LASTHOP_PREFIX_MAX + (size_t)LASTHOP_IMAGE_MAX);
	buf_add_bytes(&whole, buf_bytes(prefix));
	err = file_read(cli->args[1], &whole);
	if (!err)
		err = file_write(cli_get(cli, "out"), buf_bytes(&whole), 0644);
	buf_done(&whole);
	return err;
}

static int bundle(const struct cli *cli)
{
	const char *name = cli_get(cli, "device");
	const char *path = cli_get(cli, "hub-keys");
	const struct lasthop_device *device;
	struct lasthop_keys *keys = NULL;
	struct buf prefix;
	int err = keys_start();

	if (!err && (!name || !path || !cli_has(cli, "out")))
		err = complain(-ENOENT, cli->verb->name, NULL,
			"needs --hub-keys, --device and --out");
	if (!err)
		err = hop_keys_read(path, LASTHOP_HUB_KEYS, &keys);
	if (err)
		return err;
	buf_init(&prefix, LASTHOP_PREFIX_MAX);
	device = lasthop_keys_find(keys, name);
	err = device ? prefix_make(cli, keys, device, &prefix) :
		complain(ERR_LASTHOP_NO_KEY, path, NULL, "has no device %s",
		name);
	if (!err)
		err = bundle_write(cli, &prefix);
	buf_done(&prefix);
	lasthop_keys_free(keys);
	return err;
}

static int run_bundle(const struct cli *cli)
{
	int err = bundle(cli);

	if (!err)
		printf("%s: for %s\n", cli_get(cli, "out"),
			cli_get(cli, "device"));
	return verb_exit(err);
}

const struct cli_verb verb_bundle = {
	.name = "bundle",
	.args = "ENVELOPE IMAGE",
	.args_min = 2,
	.args_max = 2,
	.summary = "Make what a hub sends to a device that checks MACs",
	.detail = "For trying a bootloader out. Nothing is verified: that is"
		" a gateway's work, or\nthat of ferry-publish verify.",
	.options = bundle_options,
	.run = run_bundle,
};

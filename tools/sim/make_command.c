#include "tools/sim/make_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/sim/mkimage.h"
#include "tools/sim/sha.h"
#include "tools/sim/switches.h"

enum {
	OPT_VERSION = 256,
	OPT_SIZE,
	OPT_SEED,
	OPT_HEADER,
	OPT_FLAGS,
	OPT_LOAD,
	OPT_HW,
	OPT_COUNTER,
	OPT_PAD,
	OPT_CONFIRMED,
	OPT_BAD_HASH,
	OPT_BAD_MAGIC,
	OPT_NO_HASH
};

static const struct option options[] = {
	{"version", required_argument, NULL, OPT_VERSION},
	{"size", required_argument, NULL, OPT_SIZE},
	{"seed", required_argument, NULL, OPT_SEED},
	{"header-size", required_argument, NULL, OPT_HEADER},
	{"flags", required_argument, NULL, OPT_FLAGS},
	{"load", required_argument, NULL, OPT_LOAD},
	{"hw", required_argument, NULL, OPT_HW},
	{"counter", required_argument, NULL, OPT_COUNTER},
	{"pad", required_argument, NULL, OPT_PAD},
	{"confirmed", no_argument, NULL, OPT_CONFIRMED},
	{"bad-hash", no_argument, NULL, OPT_BAD_HASH},
	{"bad-magic", no_argument, NULL, OPT_BAD_MAGIC},
	{"no-hash", no_argument, NULL, OPT_NO_HASH},
	{0},
};

static int usage(void)
{
	fputs("usage: ferry-sim mkimage --version X.Y.Z[+B] --size BYTES "
	      "[--seed N]\n"
	      "       [--header-size N] [--flags N] [--load ADDRESS] [--hw N]\n"
	      "       [--counter N] [--pad SLOT_SIZE [--confirmed]]\n"
	      "       [--bad-hash] [--bad-magic] [--no-hash] OUT\n",
		stderr);
	return 2;
}

static int take_number(int option, uint64_t n, struct mkimage *m)
{
	uint32_t v = (uint32_t)n;

	switch (option) {
	case OPT_SIZE:
		m->payload_len = v;
		return 0;
	case OPT_SEED:
		m->seed = n;
		return 0;
	case OPT_HEADER:
		m->header_len = v;
		return 0;
	case OPT_FLAGS:
		m->flags = v;
		return 0;
	case OPT_LOAD:
		m->load_address = v;
		return 0;
	case OPT_HW:
		m->has_hw = true;
		m->hw = v;
		return 0;
	case OPT_COUNTER:
		m->has_counter = true;
		m->counter = v;
		return 0;
	case OPT_PAD:
		m->pad_to = v;
		return 0;
	default:
		return -EINVAL;
	}
}

static int take_option(int option, const char *value, struct mkimage *m)
{
	uint64_t n;

	switch (option) {
	case OPT_VERSION:
		return image_version_parse(value, &m->version);
	case OPT_CONFIRMED:
		m->confirmed = true;
		return 0;
	case OPT_BAD_HASH:
		m->bad_hash = true;
		return 0;
	case OPT_BAD_MAGIC:
		m->bad_magic = true;
		return 0;
	case OPT_NO_HASH:
		m->no_hash = true;
		return 0;
	default:
		if (!value || number_parse(value, UINT32_MAX, &n) < 0)
			return -EINVAL;
		return take_number(option, n, m);
	}
}

struct out {
	FILE *file;
	struct sha sha;
	uint64_t len;
};

static int file_sink(void *arg, const void *at, size_t len)
{
	struct out *out = arg;

	sha_add(&out->sha, at, len);
	out->len += len;
	return fwrite(at, 1, len, out->file) == len ? 0 : -EIO;
}

static int write_image(const struct mkimage *m, const char *path)
{
	char version[IMAGE_VERSION_TEXT_SIZE], hash_text[65], sha_text[65];
	uint8_t hash[IMAGE_HASH_LEN], sha[SHA_LEN] = {0};
	struct out out = {.file = fopen(path, "wb")};
	int err;

	if (!out.file)
		return -errno;
	sha_init(&out.sha);
	err = mkimage_write(m, file_sink, &out, hash);
	sha_end(&out.sha, sha);
	if (fclose(out.file) != 0 && !err)
		err = -errno;
	if (err) {
		remove(path);
		return err;
	}
	printf("{\"version\":\"%s\",\"hash\":\"%s\",\"sha256\":\"%s\","
	       "\"length\":%llu}\n",
		image_version_text(&m->version, version),
		bytes_to_hex(bytes_of(hash, 32), hash_text, 65),
		bytes_to_hex(bytes_of(sha, 32), sha_text, 65),
		(unsigned long long)out.len);
	return 0;
}

int make_command(int argc, char **argv)
{
	struct mkimage m = {.seed = 1};
	bool has_size = false, has_version = false;
	int option, err;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		has_size |= option == OPT_SIZE;
		has_version |= option == OPT_VERSION;
		if (option == '?' || take_option(option, optarg, &m) < 0)
			return usage();
	}
	if (optind != argc - 1 || !has_size || !has_version)
		return usage();
	err = write_image(&m, argv[optind]);
	if (err) {
		fprintf(stderr, "ferry-sim: %s: %s\n", argv[optind],
			err_text(err));
		return 1;
	}
	return 0;
}

#include "tools/sim/mkota_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/sim/sha.h"
#include "tools/sim/switches.h"
#include "tools/sim/zigbee/mkota.h"

enum { OPT_MANUFACTURER = 256, OPT_TYPE, OPT_VERSION, OPT_SIZE, OPT_SEED,
	OPT_HW, OPT_TEXT };

static const struct option options[] = {
	{"manufacturer", required_argument, NULL, OPT_MANUFACTURER},
	{"type", required_argument, NULL, OPT_TYPE},
	{"version", required_argument, NULL, OPT_VERSION},
	{"size", required_argument, NULL, OPT_SIZE},
	{"seed", required_argument, NULL, OPT_SEED},
	{"hw", required_argument, NULL, OPT_HW},
	{"text", required_argument, NULL, OPT_TEXT},
	{0},
};

static int usage(void)
{
	fputs("usage: ferry-sim mkota --manufacturer N --type N --version N\n"
	      "       --size BYTES [--seed N] [--hw MIN-MAX] [--text TEXT] "
	      "OUT\n"
	      "Numbers are decimal or 0x...; BYTES counts the whole file.\n",
		stderr);
	return 2;
}

/* "0x0100-0x0200". */
static int take_hw(const char *value, struct mkota *m)
{
	const char *dash = strchr(value, '-');
	char low[16];
	uint64_t min, max;

	if (!dash || (size_t)(dash - value) >= sizeof(low))
		return -EINVAL;
	memcpy(low, value, (size_t)(dash - value));
	low[dash - value] = '\0';
	if (word_parse(low, &min) < 0 || word_parse(dash + 1, &max) < 0 ||
		min > max || max > 0xffff)
		return -EINVAL;
	m->has_hw = true;
	m->hw_min = (uint16_t)min;
	m->hw_max = (uint16_t)max;
	return 0;
}

static int take_option(int option, const char *value, struct mkota *m)
{
	uint64_t n = 0;

	if (option == OPT_HW)
		return take_hw(value, m);
	if (option == OPT_TEXT) {
		if (strlen(value) > sizeof(m->text))
			return -EINVAL;
		memcpy(m->text, value, strlen(value));
		return 0;
	}
	if (!value || word_parse(value, &n) < 0)
		return -EINVAL;
	switch (option) {
	case OPT_MANUFACTURER:
		m->manufacturer = (uint16_t)n;
		return n > 0xffff ? -EINVAL : 0;
	case OPT_TYPE:
		m->type = (uint16_t)n;
		return n > 0xffff ? -EINVAL : 0;
	case OPT_VERSION:
		m->version = (uint32_t)n;
		return 0;
	case OPT_SIZE:
		m->size = (uint32_t)n;
		return n > MKOTA_SIZE_MAX ? -EINVAL : 0;
	case OPT_SEED:
		m->seed = n;
		return 0;
	default:
		return -EINVAL;
	}
}

static int write_file(const struct mkota *m, const char *path)
{
	char sha_text[2 * SHA_LEN + 1];
	uint8_t *image = malloc(m->size), sha_bytes[SHA_LEN];
	FILE *file = NULL;
	struct sha sha;
	int err = image ? 0 : -ENOMEM;

	if (!err)
		err = mkota_write(m, image);
	if (!err) {
		file = fopen(path, "wb");
		err = file ? 0 : -errno;
	}
	if (!err && fwrite(image, 1, m->size, file) != m->size)
		err = -EIO;
	if (file && fclose(file) != 0 && !err)
		err = -errno;
	if (!err) {
		sha_init(&sha);
		sha_add(&sha, image, m->size);
		err = sha_end(&sha, sha_bytes) ? 0 : -EIO;
	}
	free(image);
	if (err)
		return err;
	printf("{\"manufacturer\":\"0x%04x\",\"image_type\":\"0x%04x\","
	       "\"file_version\":\"0x%08x\",\"sha256\":\"%s\",\"length\":%u}\n",
		m->manufacturer, m->type, m->version,
		bytes_to_hex(bytes_of(sha_bytes, SHA_LEN), sha_text,
			sizeof(sha_text)),
		m->size);
	return 0;
}

int mkota_command(int argc, char **argv)
{
	struct mkota m = {.seed = 1};
	unsigned seen = 0;
	int option, err;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || take_option(option, optarg, &m) < 0)
			return usage();
		if (option <= OPT_SIZE)
			seen |= 1u << (option - OPT_MANUFACTURER);
	}
	if (optind != argc - 1 || seen != 15 || m.size < MKOTA_SIZE_MIN)
		return usage();
	err = write_file(&m, argv[optind]);
	if (err)
		fprintf(stderr, "ferry-sim: %s: %s\n", argv[optind],
			err_text(err));
	return err ? 1 : 0;
}

#include "tools/sim/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void group_init(struct group *g)
{
	memset(g, 0, sizeof(*g));
	strcpy(g->name, "sim");
	g->count = 1;
	device_setup_init(&g->setup);
	switches_init(&g->sw);
	zigbee_settings_init(&g->zigbee);
}

enum kind { TEXT, U32, DURATION, BOOL, VERSION, WORD };

static const char *const transports[] = {
	"pty", "tcp", "sim", "znp", "ezsp", "deconz", "zcl-socket", NULL};
static const char *const framings[] = {"console", "raw", "datagram", NULL};
static const char *const modes[] = {
	"swap", "overwrite-only", "direct-xip", "recovery", NULL};

#define SETUP(field) offsetof(struct group, setup.field)

static const struct setting {
	const char *key;
	enum kind kind;
	size_t at;
	uint64_t max; /* of a number; size of a text */
	const char *const *words;
} settings[] = {
	{"name", TEXT, offsetof(struct group, name), DEVICE_NAME_SIZE, NULL},
	{"count", U32, offsetof(struct group, count), GROUP_DEVICES_MAX, NULL},
	{"first", U32, offsetof(struct group, first), 1000000, NULL},
	{"transport", WORD, offsetof(struct group, transport), 0, transports},
	{"security", U32, offsetof(struct group, security), 3, NULL},
	{"link", TEXT, offsetof(struct group, link), GROUP_PATH_SIZE, NULL},
	{"hub", TEXT, offsetof(struct group, hub), GROUP_PATH_SIZE, NULL},
	{"flash", TEXT, offsetof(struct group, flash), GROUP_PATH_SIZE, NULL},
	{"framing", WORD, SETUP(framing), 0, framings},
	{"mode", WORD, SETUP(mode), 0, modes},
	{"slot_size", U32, SETUP(slot_size), FLASH_SLOT_SIZE_MAX, NULL},
	{"hw", U32, SETUP(hw), UINT32_MAX, NULL},
	{"serial_recovery", BOOL, SETUP(serial_recovery), 0, NULL},
	{"baud", U32, SETUP(baud), 100000000, NULL},
	{"think", DURATION, SETUP(think_us), 0, NULL},
	{"boot", DURATION, SETUP(boot_us), 0, NULL},
	{"swap", DURATION, SETUP(swap_us), 0, NULL},
	{"unplug", DURATION, SETUP(unplug_us), 0, NULL},
	{"buf_size", U32, SETUP(buf_size), DEVICE_BUF_SIZE_MAX, NULL},
	{"buf_count", U32, SETUP(buf_count), DEVICE_REQUESTS_MAX, NULL},
	{"alignment", U32, SETUP(alignment), 32, NULL},
	{"payload", U32, SETUP(payload), 4096, NULL},
	{"image", TEXT, offsetof(struct group, image), GROUP_PATH_SIZE, NULL},
	{"device_keys", TEXT, offsetof(struct group, device_keys),
		GROUP_PATH_SIZE, NULL},
	{"sealed", TEXT, offsetof(struct group, sealed), 72, NULL},
	{"version", VERSION, SETUP(image.version), 0, NULL},
	{"size", U32, SETUP(image.payload_len), FLASH_SLOT_SIZE_MAX, NULL},
	{"seed", U32, SETUP(image.seed), UINT32_MAX, NULL},
	{"header_size", U32, SETUP(image.header_len), 65535, NULL},
};

static int set_word(void *at, const char *const *words, const char *value)
{
	for (unsigned i = 0; words[i]; i++) {
		if (strcmp(words[i], value) == 0) {
			memcpy(at, &i, sizeof(i));
			return 0;
		}
	}
	return -EINVAL;
}

static int set_number(const struct setting *s, void *at, const char *value)
{
	uint64_t n;
	uint32_t narrow;

	if (number_parse(value, s->max, &n) < 0)
		return -EINVAL;
	if (s->at == SETUP(image.seed)) {
		memcpy(at, &n, sizeof(n));
		return 0;
	}
	narrow = (uint32_t)n;
	memcpy(at, &narrow, sizeof(narrow));
	return 0;
}

static int set_value(
	const struct setting *s, struct group *g, const char *value)
{
	void *at = (char *)g + s->at;
	uint64_t us;
	bool yes;

	switch (s->kind) {
	case TEXT:
		if (strlen(value) >= s->max)
			return -EINVAL;
		strcpy(at, value);
		return 0;
	case U32:
		return set_number(s, at, value);
	case DURATION:
		if (duration_parse(value, &us) < 0)
			return -EINVAL;
		memcpy(at, &us, sizeof(us));
		return 0;
	case BOOL:
		yes = strcmp(value, "true") == 0;
		memcpy(at, &yes, sizeof(yes));
		return yes || strcmp(value, "false") == 0 ? 0 : -EINVAL;
	case VERSION:
		return image_version_parse(value, at);
	case WORD:
		return set_word(at, s->words, value);
	}
	return -EINVAL;
}

int group_set(struct group *g, const char *key, const char *value,
	struct fault *fault)
{
	const struct setting *s = settings;
	const struct setting *end = s + sizeof(settings) / sizeof(settings[0]);
	int taken = zigbee_setting(&g->zigbee, key, value, fault);

	if (taken != 0)
		return taken < 0 ? taken : 0;
	if (strcmp(key, "switch") == 0)
		return switches_set(&g->sw, value, NULL, fault);
	if (strcmp(key, "baud") == 0) {
		g->baud_of_line = strcmp(value, "line") == 0;
		if (g->baud_of_line)
			return 0;
	}
	while (s < end && strcmp(s->key, key) != 0)
		s++;
	if (s == end)
		return fault_set(fault, -EINVAL, 0, key, "is not a setting");
	if (set_value(s, g, value) < 0)
		return fault_set(fault, -EINVAL, 0, key,
			"value %s is not of its form", value);
	g->flash_in_memory = strcmp(g->flash, "memory") == 0;
	return 0;
}

int group_parse(struct group *g, const char *text, struct fault *fault)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		char pair[GROUP_PATH_SIZE + 32];
		char *value;

		if (len >= sizeof(pair))
			return fault_set(fault, -EINVAL, 0, "devices",
				"a setting is too long");
		memcpy(pair, text, len);
		pair[len] = '\0';
		value = strchr(pair, '=');
		if (!value)
			return fault_set(
				fault, -EINVAL, 0, pair, "has no value");
		*value++ = '\0';
		if (group_set(g, pair, value, fault) < 0)
			return -EINVAL;
		text += len;
		if (*text == ',')
			text++;
	}
	return 0;
}

/* %u, %4u, %04u at `at`: returns behind it, or NULL. */
static const char *read_place(const char *at, bool *zero, int *width)
{
	at++;
	*zero = *at == '0';
	*width = (int)strspn(at, "0123456789") > 2 ? 99 : atoi(at);
	at += strspn(at, "0123456789");
	return *at == 'u' && *width <= 20 ? at + 1 : NULL;
}

int group_expand(const struct group *g, const char *pattern, uint32_t index,
	char *ret, size_t size)
{
	const char *mark = strchr(pattern, '%');
	uint32_t number = g->first + index;
	bool zero;
	int width, n;

	if (!mark) {
		n = g->count > 1 ? snprintf(ret, size, "%s-%u", pattern, number)
				 : snprintf(ret, size, "%s", pattern);
	} else {
		const char *rest = read_place(mark, &zero, &width);

		if (!rest || strchr(rest, '%'))
			return -EINVAL;
		n = snprintf(ret, size, zero ? "%.*s%0*u%s" : "%.*s%*u%s",
			(int)(mark - pattern), pattern, width, number, rest);
	}
	return n < 0 || (size_t)n >= size ? -EINVAL : 0;
}

#include "devices/delegate.h"

#include "base/nearest.h"
#include "devices/zigbee_ota/zigbee_ota.h"

struct option {
	const char *key;
	size_t at;
	uint32_t min, max;
};

#define OPTION(name, min, max) \
	{#name, offsetof(struct delegate_options, name), min, max}

static const struct option options[] = {
	OPTION(response_delay_ms, 1, 10000),
	OPTION(block, 10, 100),
	OPTION(block_timeout_s, 10, 86400),
};

static const struct option *find(struct bytes key)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (bytes_is_text(key, options[i].key))
			return &options[i];
	return NULL;
}

/* At most six decimal digits; 0 for what is none. */
static uint32_t read_number(struct bytes text)
{
	uint32_t n = 0;

	if (text.len > 6)
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return 0;
		n = 10 * n + (uint32_t)(text.at[i] - '0');
	}
	return n;
}

static int refuse_unknown(struct bytes key, struct fault *f)
{
	struct nearest near;
	char shown[48];

	nearest_init(&near, key);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		nearest_offer(&near, options[i].key);
	return fault_set(f, ERR_ZIGBEE_OPTIONS, 0,
		bytes_to_printable(key, shown, sizeof(shown)),
		"is no option of this engine%s", nearest_text(&near));
}

static int read_pair(struct bytes word, struct delegate_options *o,
	struct fault *f)
{
	size_t n = 0;
	const struct option *option;
	uint32_t value;

	while (n < word.len && word.at[n] != '=')
		n++;
	option = find(bytes_slice(word, 0, n));
	value = read_number(bytes_slice(word, n + 1, word.len));
	if (!option)
		return refuse_unknown(bytes_slice(word, 0, n), f);
	if (value < option->min || value > option->max)
		return fault_set(f, ERR_ZIGBEE_OPTIONS, 0, option->key,
			"must be a number from %u to %u", option->min,
			option->max);
	memcpy((char *)o + option->at, &value, sizeof(value));
	return 0;
}

int delegate_options_read(const char *text, struct delegate_options *ret,
	struct fault *f)
{
	struct delegate_options o = {0};

	text += strspn(text, " \t");
	while (*text) {
		size_t len = strcspn(text, " \t");
		int err = read_pair(bytes_of(text, len), &o, f);

		if (err)
			return err;
		text += len;
		text += strspn(text, " \t");
	}
	*ret = o;
	return 0;
}

static int class_options(const char *text, struct fault *f)
{
	struct delegate_options o;

	return delegate_options_read(text, &o, f);
}

/* As the relay's delegate.c tells them. */
static const char *const attributes[] = {"eui64", "nwk", "kind",
	"manufacturer_name", "model", "power_source", "sw_build", "date_code",
	NULL};

const struct engine_ops zigbee2mqtt_engine_ops = {
	.name = "zigbee2mqtt",
	.network = true,
	.delegate = true,
	.class_options = class_options,
	.class_check = zigbee_ota_class_check,
	.attributes = attributes,
};

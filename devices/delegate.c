#include "devices/delegate.h"

#include "devices/options.h"
#include "devices/zigbee_ota/zigbee_ota.h"

#define OPTION(name, min, max) \
	{#name, offsetof(struct delegate_options, name), 0, min, max, {0}}

static const struct option options[] = {
	OPTION(response_delay_ms, 1, 10000),
	OPTION(block, 10, 100),
	OPTION(block_timeout_s, 10, 86400),
};

static const struct option_table table = OPTION_TABLE(options,
	ERR_ZIGBEE_OPTIONS);

int delegate_options_read(const char *text, struct delegate_options *ret,
	struct fault *f)
{
	struct delegate_options o;
	int err = options_read(&table, text, &o, f);

	if (!err)
		*ret = o;
	return err;
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

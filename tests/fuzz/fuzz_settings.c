/* Settings of the drivers that are built in, lines of KEY=VALUE, behind a byte
 * that names driver and scope. What must hold: they are taken, or the fault names
 * setting and rule, and both times the same is said. */
#include <stdlib.h>

#include "transports/host.h"
#include "transports/serial/serial.h"
#include "transports/sim/sim.h"
#include "transports/zigbee/zigbee.h"

#define TEXT_MAX 4096
#define SETTINGS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t split(char *text, struct ferry_kv *kv)
{
	size_t n = 0;

	while (*text && n < SETTINGS_MAX) {
		char *end = text + strcspn(text, "\n");
		char *equals = memchr(text, '=', (size_t)(end - text));
		bool more = *end != '\0';

		*end = '\0';
		if (equals) {
			*equals = '\0';
			kv[n++] = (struct ferry_kv){text, equals + 1};
		}
		text = end + more;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct ferry_driver *const tables[] = {serial_driver(),
		zigbee_driver(), sim_driver(), serial_driver()};
	static const uint32_t scopes[] = {FERRY_SCOPE_INSTANCE,
		FERRY_SCOPE_CHANNEL, FERRY_SCOPE_SET, FERRY_SCOPE_SCAN};
	struct ferry_kv kv[SETTINGS_MAX];
	struct fault first = {0}, second = {0};
	struct transport_driver *driver;
	char text[TEXT_MAX + 1];
	uint32_t scope;
	size_t count;
	int err;

	if (len == 0 || len > TEXT_MAX)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	scope = scopes[data[0] >> 2 & 3];
	count = split(text, kv);
	if (transport_driver_admit(tables[data[0] & 3], &driver, NULL))
		abort();
	err = transport_params_check(driver, scope, kv, count, &first);
	if (err && (!first.code || !first.rule[0]))
		abort();
	if (transport_params_check(driver, scope, kv, count, &second) != err ||
			strcmp(first.field, second.field) ||
			strcmp(first.rule, second.rule))
		abort();
	transport_driver_free(driver);
	return 0;
}

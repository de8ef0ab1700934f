/* Any bytes as each payload of zigbee2mqtt, and as a request to the server that
 * hands an image over. The first byte says which. */
#include "gateway/relay/handover_http.h"
#include "gateway/relay/z2m_text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void on_device(void *arg, const struct z2m_device *d)
{
	unsigned *count = arg;

	if (strlen(d->key) != 16 || !d->name[0] || strpbrk(d->name, "+#"))
		abort();
	++*count;
}

static void devices(struct bytes in)
{
	unsigned count = 0, skipped = 0;

	z2m_devices_read(in, on_device, &count, &skipped);
	if (count > Z2M_DEVICES_MAX)
		abort();
}

static void update(struct bytes in)
{
	struct z2m_update u = {0};

	if (!z2m_update_read(in, &u) && u.progress_bp > 10000)
		abort();
}

static void response(struct bytes in)
{
	struct z2m_response r = {0};

	z2m_response_read(in, &r);
	for (const char *at = r.error; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			abort();
}

static void bridge(struct bytes in)
{
	char text[24] = "";
	bool online;

	z2m_online_read(in, &online);
	z2m_version_read(in, text, sizeof(text));
}

static void request(struct bytes in)
{
	int route = handover_http_route(in, "00112233445566778899aabbccddeeff");

	if (route > 2 || (route < 0 && route != -2 && route != -22))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	static void (*const readers[])(struct bytes in) = {devices, update,
		response, bridge, request};

	if (len)
		readers[data[0] % 5](bytes_slice(in, 1, len));
	return 0;
}

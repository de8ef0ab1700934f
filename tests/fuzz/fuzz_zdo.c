/* Any message of the device profile: what is read keeps its bounds. */
#include "transports/zigbee/zdo.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct zdo_message m;
	unsigned i;

	if (len < 2)
		return 0;
	if (zdo_read(get_le16(data), bytes_of(data + 2, len - 2), &m))
		return 0;
	if (m.endpoint_count > ZDO_ENDPOINTS_MAX || m.type > ZDO_NO_TYPE)
		abort();
	for (i = 0; i < m.endpoint_count; i++)
		if (m.endpoints[i] < 1 || m.endpoints[i] > 240)
			abort();
	if (m.cluster == ZDO_DEVICE_ANNCE &&
		(!m.eui64 || m.eui64 == UINT64_MAX))
		abort();
	return 0;
}

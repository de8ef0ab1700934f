#include "tools/sim/zigbee/mkota.h"

#include <errno.h>

#include "base/bytes.h"
#include "tools/sim/zigbee/air.h"

#define HEADER_LEN 56u
#define FIELD_HW 0x0004

int mkota_write(const struct mkota *m, uint8_t *at)
{
	uint32_t head = HEADER_LEN + (m->has_hw ? 4 : 0);
	uint64_t random = m->seed * 2 + 1;

	if (m->size < MKOTA_SIZE_MIN || m->size > MKOTA_SIZE_MAX)
		return -EINVAL;
	memset(at, 0, head);
	put_le32(at, 0x0beef11e);
	put_le16(at + 4, 0x0100);
	put_le16(at + 6, (uint16_t)head);
	put_le16(at + 8, m->has_hw ? FIELD_HW : 0);
	put_le16(at + 10, m->manufacturer);
	put_le16(at + 12, m->type);
	put_le32(at + 14, m->version);
	put_le16(at + 18, 2);
	memcpy(at + 20, m->text, sizeof(m->text));
	put_le32(at + 52, m->size);
	if (m->has_hw) {
		put_le16(at + 56, m->hw_min);
		put_le16(at + 58, m->hw_max);
	}
	put_le16(at + head, 0);
	put_le32(at + head + 2, m->size - head - 6);
	for (uint32_t i = head + 6; i < m->size; i++)
		at[i] = m->seed ? (uint8_t)(air_random(&random) >> 32)
				: (uint8_t)(i - head - 6);
	return 0;
}

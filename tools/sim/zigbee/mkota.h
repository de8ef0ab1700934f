/* Makes a ZigBee OTA upgrade file (ZCL revision 8, 11.4): the header and one
 * upgrade image element of bytes that a seed decides. No state; one thread. */
#ifndef FERRY_SIM_ZIGBEE_MKOTA_H
#define FERRY_SIM_ZIGBEE_MKOTA_H

#include <stdbool.h>
#include <stdint.h>

#define MKOTA_SIZE_MIN 80u
#define MKOTA_SIZE_MAX (64u << 20)

struct mkota {
	uint16_t manufacturer;
	uint16_t type;
	uint32_t version;
	uint32_t size; /* of the whole file */
	uint64_t seed; /* 0: 00..ff again and again */
	bool has_hw;
	uint16_t hw_min, hw_max;
	char text[32];
};

/* Fills `size` bytes at `at`. 0 or -EINVAL. */
int mkota_write(const struct mkota *m, uint8_t *at);

#endif

/* The image that simulated devices are to receive: bytes of a file, read once,
 * shared by all devices of a group. The OTA file is found inside a container by
 * its magic. Owned by whoever opened it. One thread. */
#ifndef FERRY_SIM_ZIGBEE_EXPECTED_H
#define FERRY_SIM_ZIGBEE_EXPECTED_H

#include "base/bytes.h"
#include "base/err.h"

#define EXPECTED_MAX (64u << 20)

struct expected {
	uint8_t *file;
	size_t len;
	struct bytes image; /* within it: exactly what a device must receive */
};

/* 0 or -errno with the fault. */
int expected_open(const char *path, struct expected **ret, struct fault *fault);
void expected_close(struct expected *e);
/* The same of bytes at hand, which are copied. */
int expected_make(struct bytes file, struct expected **ret, struct fault *fault);

#endif

/* What a device will report after it runs an image: extracted from the image
 * where its format says so (MCUboot, ZigBee OTA).
 *
 * No state. Fails with a complaint only for a file that claims to be such an
 * image and is not a good one. */
#ifndef FERRY_PUBLISH_EXPECT_H
#define FERRY_PUBLISH_EXPECT_H

#include "devices/mcuboot/image.h"
#include "devices/zigbee_ota/file.h"

struct expect {
	bool is_mcuboot;
	struct mcuboot_image image; /* valid if is_mcuboot */
	bool is_ota;
	struct ota_file ota;        /* valid if is_ota */
};

int expect_read(const char *path, struct expect *ret);

/* For an image that we make ourselves: it is a ZigBee OTA file whose sub-elements
 * are as the specification has them, with nothing around it. */
int expect_check_strict(const char *path, const struct expect *expect);

#endif

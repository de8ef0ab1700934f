/* What a device will report after it runs an image: extracted from the image
 * where its format says so (MCUboot).
 *
 * No state. Fails with a complaint only for a file that claims to be an MCUboot
 * image and is not a good one. */
#ifndef FERRY_PUBLISH_EXPECT_H
#define FERRY_PUBLISH_EXPECT_H

#include "devices/mcuboot/image.h"

struct expect {
	bool is_mcuboot;
	struct mcuboot_image image; /* valid if is_mcuboot */
};

int expect_read(const char *path, struct expect *ret);

#endif

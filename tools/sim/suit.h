/* What a bootloader for the weakest devices does with a slot: it takes a SUIT
 * envelope whose image follows inside, when a hub has put a MAC into it that
 * this device can check (docs/formats.md, "Last hop"). Reads simulated flash;
 * no state. One thread. */
#ifndef FERRY_SIM_SUIT_H
#define FERRY_SIM_SUIT_H

#include "base/err.h"
#include "tools/sim/flash.h"

#define SUIT_KEY_LEN 32

/* Once, before anything else here. 0 or an error. */
int suit_start(void);

/* Whether a file may be an envelope, by its first bytes. */
bool suit_begins(struct bytes head);

/* Where the image lies in the envelope of a slot, by its form alone. 0, or why
 * there is none. */
int suit_find(const struct flash *f, unsigned slot, uint32_t *ret_at,
	uint32_t *ret_len);

struct suit_found {
	uint32_t at, len;	    /* of the image, in the slot */
	struct flash_floors floors; /* as they are to be from now on */
};

/* All rules of a device: form, MAC, epoch, digest, sequence, image. 0 or the
 * code of the first that is broken. */
int suit_check(const struct flash *f, unsigned slot,
	const uint8_t key[SUIT_KEY_LEN], struct suit_found *ret);

/* The secret of a device from a file of `ferry-publish device-keys`; blocking.
 * 0 or an error with the fault filled. */
int suit_key_read(const char *path, const char *device,
	uint8_t ret[SUIT_KEY_LEN], struct fault *fault);

#endif

/* The simulated bootloader: what MCUboot does between reset and the start of
 * the application.
 *
 *   boot_begin() at every start, then
 *   boot_prepare() -> true:  a swap or copy is due (or was cut by a power loss
 *                            and goes on): call boot_step() until it returns 0,
 *                            then boot_prepare() again
 *                  -> false: boot_choose() says what runs
 *
 * Every step leaves the flash in a state from which the next boot_prepare()
 * goes on; a power cut is simply no further step. Embedded in the device; one
 * thread. */
#ifndef FERRY_SIM_BOOT_H
#define FERRY_SIM_BOOT_H

#include "tools/sim/image.h"

enum boot_mode {
	BOOT_SWAP,
	BOOT_OVERWRITE,
	BOOT_DIRECT_XIP,
	BOOT_RECOVERY, /* one slot, written by serial recovery */
};

struct boot {
	const struct flash *flash;
	enum boot_mode mode;
	uint32_t hw;	  /* images for another hardware are refused */
	bool refuse_next; /* refuse whatever is pending, as a bad signature */
	bool no_downgrade;
	const uint8_t *suit_key; /* takes SUIT envelopes with a MAC; NULL: no */
	unsigned moved; /* bit mask of the images that this boot has moved */

	/* Counted since boot_init(). */
	unsigned swaps;
	unsigned reverts;
	unsigned refused;
};

void boot_init(struct boot *b, const struct flash *flash, enum boot_mode mode);

void boot_begin(struct boot *b);
bool boot_prepare(struct boot *b);

/* The image of a slot, also one inside an envelope; as image_read(). */
int boot_image_read(const struct boot *b, unsigned slot, struct image *ret);

/* One sector. Returns how many are left, or -errno. */
int boot_step(struct boot *b);

/* The slot (0 or 1) of every image that runs now into `ret_active`. False when
 * no bootable image is there. */
bool boot_choose(struct boot *b, uint8_t ret_active[FLASH_IMAGES_MAX]);

#endif

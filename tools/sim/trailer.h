/* The MCUboot trailer at the very end of a slot (write alignment 8): magic,
 * image_ok, copy_done and swap_info, each in its own cell. Pure functions over
 * simulated flash; one thread. */
#ifndef FERRY_SIM_TRAILER_H
#define FERRY_SIM_TRAILER_H

#include "tools/sim/flash.h"

/* From swap_info to the end of the slot. */
#define TRAILER_LEN 40

enum swap_kind {
	SWAP_NONE = 0,
	SWAP_TEST = 2,
	SWAP_PERMANENT = 3,
	SWAP_REVERT = 4,
};

struct trailer {
	bool magic_good;
	bool image_ok;
	bool copy_done;
	uint8_t swap_info; /* 0: not set */
};

void trailer_encode(const struct trailer *t, uint8_t to[TRAILER_LEN]);

/* A slot that cannot be read counts as one without a trailer. */
struct trailer trailer_read(const struct flash *f, unsigned slot);

/* Erases the last sector of the slot and writes the trailer. 0 or -errno. */
int trailer_write(
	const struct flash *f, unsigned slot, const struct trailer *t);

/* Erases the last sector. */
int trailer_erase(const struct flash *f, unsigned slot);

/* Sets only what the bits of flash allow without an erase: the pending mark
 * in a slot that holds an image up to its end. 0 or -errno. */
int trailer_mark(const struct flash *f, unsigned slot, const struct trailer *t);

/* What the next boot does with `image`, by the first row that matches. */
enum swap_kind trailer_next(const struct flash *f, unsigned image);

#endif

/* The flash memory of one simulated microcontroller: one or two images with
 * two slots each, a scratch sector and the journal of a swap, in one file that
 * outlives the process.
 *
 * The file keeps every byte inverted, so that a hole reads as erased flash
 * (FF) and a device costs only what was written to it. What has been written
 * survives a kill of the process at any point; it is not synced to disk. One
 * thread. */
#ifndef FERRY_SIM_FLASH_H
#define FERRY_SIM_FLASH_H

#include "base/bytes.h"

#define FLASH_SECTOR 4096
#define FLASH_IMAGES_MAX 2
#define FLASH_SLOT_SIZE_MAX (16u << 20)

/* A swap that is under way; survives a power cut. */
struct flash_journal {
	uint8_t kind; /* 0: none; see boot.c */
	uint8_t image;
	uint8_t phase;
	uint8_t after; /* kind that follows this one; 0: none */
	uint32_t sector;
	uint32_t sectors;
	uint32_t from; /* where the image begins in its slot, and its length; */
	uint32_t len;  /* of a move to the front of the slot only */
};

/* What a bootloader that takes SUIT envelopes never goes below. */
struct flash_floors {
	uint64_t sequence;
	uint64_t epoch;
};

struct flash {
	int fd;
	uint32_t slot_size;
	uint32_t images;
	bool fresh; /* made by this open, or never sealed */
};

/* Opens or makes the file `path`; NULL makes one in memory that dies with the
 * process. `slot_size` is a multiple of FLASH_SECTOR, at least 4 sectors. A
 * file of another slot size or image count is refused with -EINVAL, one that
 * is open in another process with -EWOULDBLOCK. Returns 0 or -errno. */
int flash_open(
	struct flash *f, const char *path, uint32_t slot_size, uint32_t images);
void flash_close(struct flash *f);

/* Says that the first content is written: a file that was never sealed starts
 * anew when it is opened again. Returns 0 or -errno. */
int flash_seal(struct flash *f);

/* Slots are numbered through all images: image * 2 + slot. Each returns 0,
 * -EINVAL outside the slot, or -errno. */
int flash_read(const struct flash *f, unsigned slot, uint32_t at, void *to,
	size_t len);
int flash_write(const struct flash *f, unsigned slot, uint32_t at,
	const void *from, size_t len);
int flash_erase(
	const struct flash *f, unsigned slot, uint32_t at, uint32_t len);
bool flash_slot_is_empty(const struct flash *f, unsigned slot);

int flash_scratch_read(const struct flash *f, uint8_t *to_sector);
int flash_scratch_write(const struct flash *f, const uint8_t *from_sector);
int flash_journal_read(const struct flash *f, struct flash_journal *ret);
int flash_journal_write(const struct flash *f, const struct flash_journal *j);

/* Zero in a fresh flash. */
int flash_floors_read(const struct flash *f, struct flash_floors *ret);
int flash_floors_write(const struct flash *f, const struct flash_floors *floors);

#endif

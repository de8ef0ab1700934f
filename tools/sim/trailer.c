#include "tools/sim/trailer.h"

#define MAGIC_LEN 16
#define CELL 8

static const uint8_t magic[MAGIC_LEN] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2,
	0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};

/* Offsets in the last TRAILER_LEN bytes. */
enum { INFO_AT = 0, DONE_AT = 8, OK_AT = 16, MAGIC_AT = 24 };

void trailer_encode(const struct trailer *t, uint8_t to[TRAILER_LEN])
{
	memset(to, 0xff, TRAILER_LEN);
	if (t->swap_info)
		to[INFO_AT] = t->swap_info;
	if (t->copy_done)
		to[DONE_AT] = 1;
	if (t->image_ok)
		to[OK_AT] = 1;
	if (t->magic_good)
		memcpy(to + MAGIC_AT, magic, MAGIC_LEN);
}

struct trailer trailer_read(const struct flash *f, unsigned slot)
{
	uint8_t raw[TRAILER_LEN];

	if (flash_read(f, slot, f->slot_size - TRAILER_LEN, raw, sizeof(raw)) <
		0)
		return (struct trailer){0};
	return (struct trailer){
		.magic_good = memcmp(raw + MAGIC_AT, magic, MAGIC_LEN) == 0,
		.image_ok = raw[OK_AT] == 1,
		.copy_done = raw[DONE_AT] == 1,
		.swap_info = raw[INFO_AT] == 0xff ? 0 : raw[INFO_AT],
	};
}

int trailer_erase(const struct flash *f, unsigned slot)
{
	return flash_erase(f, slot, f->slot_size - FLASH_SECTOR, FLASH_SECTOR);
}

int trailer_mark(const struct flash *f, unsigned slot, const struct trailer *t)
{
	uint8_t raw[TRAILER_LEN];

	trailer_encode(t, raw);
	return flash_write(
		f, slot, f->slot_size - TRAILER_LEN, raw, sizeof(raw));
}

int trailer_write(const struct flash *f, unsigned slot, const struct trailer *t)
{
	int err = trailer_erase(f, slot);

	return err ? err : trailer_mark(f, slot, t);
}

enum swap_kind trailer_next(const struct flash *f, unsigned image)
{
	struct trailer primary = trailer_read(f, image * 2);
	struct trailer secondary = trailer_read(f, image * 2 + 1);

	if (secondary.magic_good)
		return secondary.image_ok ? SWAP_PERMANENT : SWAP_TEST;
	if (primary.magic_good && primary.copy_done && !primary.image_ok)
		return SWAP_REVERT;
	return SWAP_NONE;
}

#include "tools/sim/boot.h"

#include <errno.h>

#include "tools/sim/suit.h"
#include "tools/sim/trailer.h"

/* Journal kinds are the swap kinds, and these. */
#define JOURNAL_OVERWRITE 8
#define JOURNAL_UNWRAP 9 /* the image of an envelope moves to the front */

/* Phases of one swapped sector: after each the content of both slots is still
 * somewhere. */
enum { PHASE_SAVE, PHASE_MOVE, PHASE_RESTORE };

void boot_init(struct boot *b, const struct flash *flash, enum boot_mode mode)
{
	*b = (struct boot){.flash = flash, .mode = mode};
}

static bool image_fits_hardware(const struct boot *b, const struct image *image)
{
	return !image->has_hw || b->hw == 0 || image->hw == b->hw;
}

static bool slot_is_bootable(
	const struct boot *b, unsigned slot, struct image *image)
{
	return image_read(b->flash, slot, image) == 0 &&
	       !(image->flags & IMAGE_F_NON_BOOTABLE) &&
	       image_fits_hardware(b, image) &&
	       image_is_valid(b->flash, slot, image);
}

static uint32_t used_sectors(const struct boot *b, unsigned slot)
{
	struct image image;

	if (image_read(b->flash, slot, &image) < 0 ||
		image.total_len > b->flash->slot_size - FLASH_SECTOR)
		return 0;
	return (image.total_len + FLASH_SECTOR - 1) / FLASH_SECTOR;
}

/* The old image stays, and is never asked about again. */
static void refuse(struct boot *b, unsigned image)
{
	struct trailer ok = {
		.magic_good = true, .image_ok = true, .copy_done = true};

	b->refused++;
	flash_erase(b->flash, image * 2 + 1, 0, b->flash->slot_size);
	trailer_write(b->flash, image * 2, &ok);
}

int boot_image_read(const struct boot *b, unsigned slot, struct image *ret)
{
	uint32_t at, len;

	if (b->suit_key && suit_find(b->flash, slot, &at, &len) == 0)
		return image_read_at(b->flash, slot, at, ret);
	return image_read(b->flash, slot, ret);
}

static bool version_is_allowed(
	const struct boot *b, unsigned image, const struct image *next)
{
	struct image running;

	return !b->no_downgrade ||
	       image_read(b->flash, image * 2, &running) < 0 ||
	       image_version_compare(&next->version, &running.version, true) >=
		       0;
}

/* The envelope in the other slot and the image in it. */
static bool bundle_is_good(
	const struct boot *b, unsigned image, struct suit_found *ret)
{
	unsigned slot = image * 2 + 1;
	struct image next;

	return !b->refuse_next &&
	       suit_check(b->flash, slot, b->suit_key, ret) == 0 &&
	       image_read_at(b->flash, slot, ret->at, &next) == 0 &&
	       next.total_len == ret->len &&
	       !(next.flags & IMAGE_F_NON_BOOTABLE) &&
	       image_fits_hardware(b, &next) &&
	       image_is_valid(b->flash, slot, &next) &&
	       version_is_allowed(b, image, &next);
}

static bool pending_is_good(
	const struct boot *b, unsigned image, enum swap_kind kind)
{
	struct image next;

	if (!slot_is_bootable(b, image * 2 + 1, &next))
		return false;
	if (kind == SWAP_REVERT)
		return true;
	return !b->refuse_next && version_is_allowed(b, image, &next);
}

static bool start_journal(struct boot *b, unsigned image, enum swap_kind kind)
{
	struct flash_journal j = {
		.kind = (uint8_t)kind, .image = (uint8_t)image};
	uint32_t primary = used_sectors(b, image * 2);
	uint32_t secondary = used_sectors(b, image * 2 + 1);

	if (b->mode == BOOT_OVERWRITE) {
		j.kind = JOURNAL_OVERWRITE;
		primary = 0;
	}
	j.sectors = primary > secondary ? primary : secondary;
	return flash_journal_write(b->flash, &j) == 0;
}

/* The floors rise with the first step: what was taken once is never gone below
 * again, also when power fails or the image is reverted. */
static bool start_unwrap(struct boot *b, unsigned image, enum swap_kind kind,
	const struct suit_found *found)
{
	struct flash_journal j = {
		.kind = JOURNAL_UNWRAP,
		.image = (uint8_t)image,
		.after = (uint8_t)kind,
		.sectors = (found->len + FLASH_SECTOR - 1) / FLASH_SECTOR,
		.from = found->at,
		.len = found->len,
	};

	return flash_floors_write(b->flash, &found->floors) == 0 &&
	       flash_journal_write(b->flash, &j) == 0;
}

static bool prepare_bundle(
	struct boot *b, unsigned image, enum swap_kind kind)
{
	struct suit_found found;

	if (bundle_is_good(b, image, &found))
		return start_unwrap(b, image, kind, &found);
	refuse(b, image);
	return false;
}

/* Looks at one image; true when work was written to the journal. */
static bool prepare_image(struct boot *b, unsigned image)
{
	enum swap_kind kind = trailer_next(b->flash, image);

	if (kind == SWAP_NONE)
		return false;
	if (b->mode == BOOT_OVERWRITE && kind == SWAP_REVERT)
		return false;
	if (b->suit_key && kind != SWAP_REVERT)
		return prepare_bundle(b, image, kind);
	if (!pending_is_good(b, image, kind)) {
		refuse(b, image);
		return false;
	}
	return start_journal(b, image, kind);
}

void boot_begin(struct boot *b)
{
	b->moved = 0;
}

bool boot_prepare(struct boot *b)
{
	struct flash_journal j;

	if (b->mode != BOOT_SWAP && b->mode != BOOT_OVERWRITE)
		return false;
	if (flash_journal_read(b->flash, &j) == 0 && j.kind != 0)
		return true;
	for (unsigned i = 0; i < b->flash->images; i++)
		if (!(b->moved & 1u << i) && prepare_image(b, i))
			return true;
	return false;
}

static int copy_sector(
	const struct flash *f, unsigned from, unsigned to, uint32_t sector)
{
	uint8_t raw[FLASH_SECTOR];
	uint32_t at = sector * FLASH_SECTOR;
	int err = flash_read(f, from, at, raw, sizeof(raw));

	return err ? err : flash_write(f, to, at, raw, sizeof(raw));
}

static int swap_phase(const struct flash *f, const struct flash_journal *j)
{
	uint8_t raw[FLASH_SECTOR];
	unsigned primary = j->image * 2u;
	uint32_t at = j->sector * FLASH_SECTOR;
	int err;

	switch (j->phase) {
	case PHASE_SAVE:
		err = flash_read(f, primary + 1, at, raw, sizeof(raw));
		return err ? err : flash_scratch_write(f, raw);
	case PHASE_MOVE:
		return copy_sector(f, primary, primary + 1, j->sector);
	case PHASE_RESTORE:
		err = flash_scratch_read(f, raw);
		return err ? err
			   : flash_write(f, primary, at, raw, sizeof(raw));
	default:
		return -EINVAL;
	}
}

static int step_swap(struct boot *b, struct flash_journal *j)
{
	int err = 0;

	for (; j->phase <= PHASE_RESTORE && !err; j->phase++) {
		err = flash_journal_write(b->flash, j);
		if (!err)
			err = swap_phase(b->flash, j);
	}
	if (err)
		return err;
	j->phase = PHASE_SAVE;
	j->sector++;
	return flash_journal_write(b->flash, j);
}

static int step_overwrite(struct boot *b, struct flash_journal *j)
{
	int err = copy_sector(
		b->flash, j->image * 2u + 1, j->image * 2u, j->sector);

	if (err)
		return err;
	j->sector++;
	return flash_journal_write(b->flash, j);
}

static int unwrap_phase(const struct flash *f, const struct flash_journal *j)
{
	uint8_t raw[FLASH_SECTOR];
	unsigned slot = j->image * 2u + 1;
	uint32_t at = j->sector * FLASH_SECTOR;
	uint32_t n = j->len - at < FLASH_SECTOR ? j->len - at : FLASH_SECTOR;
	int err;

	memset(raw, 0xff, sizeof(raw));
	if (j->phase == PHASE_SAVE) {
		err = flash_read(f, slot, j->from + at, raw, n);
		return err ? err : flash_scratch_write(f, raw);
	}
	err = flash_scratch_read(f, raw);
	return err ? err : flash_write(f, slot, at, raw, sizeof(raw));
}

/* By way of the scratch sector: source and target overlap. */
static int step_unwrap(struct boot *b, struct flash_journal *j)
{
	int err = 0;

	for (; j->phase <= PHASE_MOVE && !err; j->phase++) {
		err = flash_journal_write(b->flash, j);
		if (!err)
			err = unwrap_phase(b->flash, j);
	}
	if (err)
		return err;
	j->phase = PHASE_SAVE;
	j->sector++;
	return flash_journal_write(b->flash, j);
}

/* A plain image lies in the other slot, and only the journal says that it may
 * be booted: the swap takes its place in one write. */
static int finish_unwrap(struct boot *b, const struct flash_journal *j)
{
	uint32_t end = j->sectors * FLASH_SECTOR;
	int err = flash_erase(b->flash, j->image * 2u + 1, end,
		b->flash->slot_size - FLASH_SECTOR - end);

	if (!err && !start_journal(b, j->image, (enum swap_kind)j->after))
		err = -EIO;
	return err ? err : 1;
}

/* All sectors are where they belong: the marks, then the journal goes. Each
 * may be repeated after a cut. */
static int finish(struct boot *b, const struct flash_journal *j)
{
	struct trailer done = {.magic_good = true,
		.copy_done = true,
		.image_ok = j->kind != SWAP_TEST,
		.swap_info = j->kind};
	unsigned primary = j->image * 2u;
	int err;

	if (j->kind == JOURNAL_OVERWRITE) {
		err = trailer_erase(b->flash, primary);
		if (!err)
			err = flash_erase(
				b->flash, primary + 1, 0, b->flash->slot_size);
	} else {
		err = trailer_erase(b->flash, primary + 1);
		if (!err)
			err = trailer_write(b->flash, primary, &done);
	}
	if (err)
		return err;
	b->moved |= 1u << j->image;
	b->swaps++;
	if (j->kind == SWAP_REVERT)
		b->reverts++;
	return flash_journal_write(b->flash, &(struct flash_journal){0});
}

static int step_sector(struct boot *b, struct flash_journal *j)
{
	if (j->kind == JOURNAL_UNWRAP)
		return step_unwrap(b, j);
	return j->kind == JOURNAL_OVERWRITE ? step_overwrite(b, j)
					    : step_swap(b, j);
}

int boot_step(struct boot *b)
{
	struct flash_journal j;
	int err = flash_journal_read(b->flash, &j);

	if (err)
		return err;
	if (j.sector < j.sectors)
		err = step_sector(b, &j);
	if (err)
		return err;
	if (j.sector < j.sectors)
		return (int)(j.sectors - j.sector);
	return j.kind == JOURNAL_UNWRAP ? finish_unwrap(b, &j) : finish(b, &j);
}

/* Direct-XIP: the highest version of the valid ones; others are erased. */
static bool choose_newest(struct boot *b, unsigned image, uint8_t *ret_slot)
{
	struct image found[2];
	bool good[2];

	for (unsigned i = 0; i < 2; i++) {
		unsigned slot = image * 2 + i;

		good[i] = slot_is_bootable(b, slot, &found[i]);
		if (good[i] || flash_slot_is_empty(b->flash, slot))
			continue;
		b->refused++;
		flash_erase(b->flash, slot, 0, b->flash->slot_size);
	}
	if (good[0] && good[1])
		*ret_slot = image_version_compare(&found[1].version,
				    &found[0].version, true) > 0;
	else
		*ret_slot = good[1];
	return good[0] || good[1];
}

bool boot_choose(struct boot *b, uint8_t ret_active[FLASH_IMAGES_MAX])
{
	struct image image;
	bool runs = true;

	for (unsigned i = 0; i < b->flash->images; i++) {
		ret_active[i] = 0;
		if (b->mode == BOOT_DIRECT_XIP)
			runs &= choose_newest(b, i, &ret_active[i]) || i > 0;
		else if (i == 0)
			runs &= slot_is_bootable(b, i * 2, &image);
	}
	return runs;
}

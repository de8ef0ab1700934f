#include <errno.h>

#include "tools/sim/exchange.h"
#include "tools/sim/trailer.h"

struct slot_flags {
	bool pending;
	bool confirmed;
	bool active;
	bool permanent;
};

static struct slot_flags flags_of_xip(
	const struct mcu *m, unsigned image, unsigned slot)
{
	struct slot_flags flags = {.active = slot == m->active[image]};
	struct image own, running;

	flags.confirmed = flags.active;
	if (!flags.active &&
		image_read(&m->flash, image * 2 + slot, &own) == 0 &&
		image_read(&m->flash, image * 2 + m->active[image], &running) ==
			0)
		flags.pending = flags.permanent =
			image_version_compare(
				&own.version, &running.version, true) > 0;
	return flags;
}

static struct slot_flags flags_of(
	const struct mcu *m, unsigned image, unsigned slot)
{
	struct slot_flags flags = {.active = slot == m->active[image]};
	enum swap_kind next = trailer_next(&m->flash, image);
	bool pending = next == SWAP_TEST || next == SWAP_PERMANENT;

	if (m->boot.mode == BOOT_DIRECT_XIP)
		return flags_of_xip(m, image, slot);
	if (m->boot.mode == BOOT_OVERWRITE && next == SWAP_REVERT)
		next = SWAP_NONE;
	if (flags.active)
		flags.confirmed = next != SWAP_REVERT;
	else
		flags.confirmed = next == SWAP_REVERT;
	flags.pending = !flags.active && pending;
	flags.permanent = !flags.active && next == SWAP_PERMANENT;
	return flags;
}

/* Appends one entry to `items`; returns how many that were. */
static unsigned list_slot(
	struct exchange *x, unsigned image, unsigned slot, struct buf *items)
{
	const struct mcu *m = x->m;
	char version[IMAGE_VERSION_TEXT_SIZE];
	struct slot_flags flags = flags_of(m, image, slot);
	struct reply_map entry;
	struct image found;

	if (boot_image_read(&m->boot, image * 2 + slot, &found) < 0)
		return 0;
	if (m->in_recovery &&
		!image_is_valid(&m->flash, image * 2 + slot, &found))
		return 0;
	reply_init(&entry);
	if (m->flash.images > 1)
		reply_uint(&entry, "image", image);
	reply_uint(&entry, "slot", slot);
	reply_text(&entry, "version",
		bytes_of_text(image_version_text(&found.version, version)));
	reply_bytes(&entry, "hash", bytes_of(found.hash, sizeof(found.hash)));
	reply_flag(&entry, "bootable", !(found.flags & IMAGE_F_NON_BOOTABLE),
		&x->style);
	reply_flag(&entry, "pending", flags.pending, &x->style);
	reply_flag(&entry, "confirmed", flags.confirmed, &x->style);
	reply_flag(&entry, "active", flags.active, &x->style);
	reply_flag(&entry, "permanent", flags.permanent, &x->style);
	reply_end(&entry, &x->style, items);
	reply_done(&entry);
	return 1;
}

static void list_images(struct exchange *x)
{
	struct buf items, array;
	unsigned count = 0;

	buf_init(&items, REPLY_MAX);
	buf_init(&array, REPLY_MAX);
	for (unsigned i = 0; i < x->m->flash.images; i++)
		for (unsigned slot = 0; slot < 2; slot++)
			count += list_slot(x, i, slot, &items);
	reply_array(&array, &x->style, buf_bytes(&items), count);
	reply_raw(&x->map, "images", buf_bytes(&array));
	if (!x->style.frugal)
		reply_uint(&x->map, "splitStatus", 0);
	buf_done(&items);
	buf_done(&array);
}

/* The lowest slot with that hash. */
static bool find_hash(
	const struct mcu *m, struct bytes hash, unsigned *ret_slot)
{
	struct image found;

	for (unsigned slot = 0; slot < 2 * m->flash.images; slot++) {
		if (boot_image_read(&m->boot, slot, &found) == 0 &&
			bytes_equal(hash,
				bytes_of(found.hash, sizeof(found.hash)))) {
			*ret_slot = slot;
			return true;
		}
	}
	return false;
}

static int mark_confirmed(struct mcu *m, unsigned image)
{
	struct trailer primary = trailer_read(&m->flash, image * 2);

	if (!primary.magic_good || primary.image_ok)
		return 0;
	primary.image_ok = true;
	return trailer_mark(&m->flash, image * 2, &primary);
}

static int mark_pending(struct mcu *m, unsigned slot, bool permanent)
{
	struct trailer pending = {.magic_good = true,
		.image_ok = permanent,
		.swap_info = permanent ? SWAP_PERMANENT : SWAP_TEST};

	return trailer_write(&m->flash, slot, &pending) < 0
		       ? IMAGE_RC_FLASH_WRITE
		       : 0;
}

/* The rules of a current server; 0 or an error of the group. */
static int set_next(struct mcu *m, unsigned slot, bool confirm)
{
	unsigned image = slot / 2;
	bool is_active = slot % 2 == m->active[image];
	enum swap_kind next = trailer_next(&m->flash, image);

	if (is_active && !confirm)
		return IMAGE_RC_TEST_ACTIVE;
	switch (next) {
	case SWAP_NONE:
		return is_active ? 0 : mark_pending(m, slot, confirm);
	case SWAP_TEST:
		return !is_active && !confirm ? 0 : IMAGE_RC_PENDING;
	case SWAP_PERMANENT:
		return !is_active && confirm ? 0 : IMAGE_RC_PENDING;
	case SWAP_REVERT:
		if (!is_active)
			return IMAGE_RC_PENDING;
		return mark_confirmed(m, image) < 0 ? IMAGE_RC_FLASH_WRITE : 0;
	}
	return 0;
}

static void write_state(struct exchange *x)
{
	struct mcu *m = x->m;
	struct bytes key, hash = {0};
	bool has_hash = false, confirm = false;
	unsigned slot = m->active[0];
	struct cbor_list list;
	struct cbor r;

	if (exchange_body(x, &r, &list))
		return;
	while (exchange_key(&r, &list, &key)) {
		if (bytes_is_text(key, "hash"))
			has_hash = cbor_bstr(&r, &hash) == 0;
		else if (bytes_is_text(key, "confirm"))
			cbor_bool(&r, &confirm);
		else
			cbor_skip(&r, NULL);
	}
	if (r.err)
		x->rc = RC_INVALID;
	else if (has_hash ? hash.len != IMAGE_HASH_LEN : !confirm)
		x->group_rc = IMAGE_RC_BAD_HASH;
	else if (has_hash && !find_hash(m, hash, &slot))
		x->group_rc = IMAGE_RC_HASH_NOT_FOUND;
	else
		x->group_rc = set_next(m, slot, confirm);
}

void serve_state(struct exchange *x)
{
	if (x->op == SMP_WRITE) {
		if (x->m->in_recovery || x->m->boot.mode == BOOT_DIRECT_XIP) {
			x->rc = RC_NOT_SUPPORTED;
			return;
		}
		write_state(x);
	}
	if (x->rc == RC_OK && x->group_rc == 0)
		list_images(x);
}

void serve_erase(struct exchange *x)
{
	struct mcu *m = x->m;
	uint64_t slot = 1u - m->active[0];
	struct cbor_list list;
	struct bytes key;
	struct cbor r;

	if (exchange_body(x, &r, &list))
		return;
	while (exchange_key(&r, &list, &key)) {
		if (bytes_is_text(key, "slot"))
			cbor_uint(&r, &slot);
		else
			cbor_skip(&r, NULL);
	}
	if (r.err) {
		x->rc = RC_INVALID;
	} else if (slot >= 2 * m->flash.images) {
		x->group_rc = IMAGE_RC_INVALID_SLOT;
	} else if (slot % 2 == m->active[slot / 2] ||
		   mcu_runs_unconfirmed(m, (unsigned)slot / 2)) {
		x->group_rc = IMAGE_RC_NO_FREE_SLOT;
	} else {
		if (m->upload.open && m->upload.slot == slot)
			m->upload.open = false;
		flash_erase(&m->flash, (unsigned)slot, 0, m->flash.slot_size);
		m->counts.erases++;
		if (switch_is_on(&m->sw, SW_SLOW_ERASE))
			x->effect->delay_us =
				switch_value(&m->sw, SW_SLOW_ERASE);
	}
}

static void list_slots(struct exchange *x, unsigned image, struct buf *items)
{
	struct buf slots, array;
	struct reply_map entry;

	buf_init(&slots, REPLY_MAX);
	buf_init(&array, REPLY_MAX);
	reply_init(&entry);
	for (unsigned slot = 0; slot < 2; slot++) {
		reply_uint(&entry, "slot", slot);
		reply_uint(&entry, "size", x->m->flash.slot_size);
		if (slot != x->m->active[image])
			reply_uint(&entry, "upload_image_id", image);
		reply_end(&entry, &x->style, &slots);
	}
	reply_array(&array, &x->style, buf_bytes(&slots), 2);
	reply_uint(&entry, "image", image);
	reply_raw(&entry, "slots", buf_bytes(&array));
	reply_uint(
		&entry, "max_image_size", x->m->flash.slot_size - FLASH_SECTOR);
	reply_end(&entry, &x->style, items);
	reply_done(&entry);
	buf_done(&slots);
	buf_done(&array);
}

void serve_slot_info(struct exchange *x)
{
	struct buf items, array;

	buf_init(&items, REPLY_MAX);
	buf_init(&array, REPLY_MAX);
	for (unsigned i = 0; i < x->m->flash.images; i++)
		list_slots(x, i, &items);
	reply_array(&array, &x->style, buf_bytes(&items), x->m->flash.images);
	reply_raw(&x->map, "images", buf_bytes(&array));
	buf_done(&items);
	buf_done(&array);
}

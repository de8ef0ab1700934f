#include "tools/sim/mcu.h"

#include <errno.h>

#include "tools/sim/trailer.h"

bool mcu_runs_unconfirmed(const struct mcu *m, unsigned image)
{
	struct trailer primary = trailer_read(&m->flash, image * 2);

	return m->boot.mode == BOOT_SWAP && primary.magic_good &&
	       primary.copy_done && !primary.image_ok;
}

uint32_t mcu_buffers(const struct mcu *m)
{
	return m->in_recovery ? 1 : m->buf_count;
}

uint32_t mcu_buffer_size(const struct mcu *m)
{
	uint64_t tiny = switch_value(&m->sw, SW_TINY_BUFFER);

	if (switch_is_on(&m->sw, SW_TINY_BUFFER) && tiny < m->buf_size)
		return (uint32_t)tiny;
	return m->buf_size;
}

int mcu_copy_running(struct mcu *m)
{
	uint8_t sector[FLASH_SECTOR];
	unsigned from = m->active[0], to = 1u - m->active[0];
	uint32_t end = m->flash.slot_size - FLASH_SECTOR;
	int err = flash_erase(&m->flash, to, 0, m->flash.slot_size);

	for (uint32_t at = 0; at < end && !err; at += FLASH_SECTOR) {
		err = flash_read(&m->flash, from, at, sector, FLASH_SECTOR);
		if (!err)
			err = flash_write(
				&m->flash, to, at, sector, FLASH_SECTOR);
	}
	return err;
}

int mcu_make_unconfirmed(struct mcu *m)
{
	struct trailer test = {
		.magic_good = true, .copy_done = true, .swap_info = SWAP_TEST};
	struct image other;
	int err = 0;

	if (m->boot.mode != BOOT_SWAP)
		return -ENOTSUP;
	if (image_read(&m->flash, 1, &other) < 0)
		err = mcu_copy_running(m);
	return err ? err : trailer_write(&m->flash, 0, &test);
}

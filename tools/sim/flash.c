#include "tools/sim/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

/* Sector 0: magic, version, slot size, images; then the journal at 64, the
 * floors at 128.
 * Sector 1: scratch. From sector 2 on: the slots. */
#define MAGIC "FERRYSIM"
#define JOURNAL_AT 64
#define JOURNAL_LEN 20
#define FLOORS_AT 128
#define FLOORS_LEN 16
#define SCRATCH_AT FLASH_SECTOR
#define SLOTS_AT (2 * FLASH_SECTOR)

static int file_read(int fd, off_t at, void *to, size_t len)
{
	uint8_t *p = to;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int file_write(int fd, off_t at, const void *from, size_t len)
{
	const uint8_t *p = from;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static void invert(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)~p[i];
}

static int file_write_inverted(
	int fd, off_t at, const uint8_t *from, size_t len)
{
	uint8_t chunk[FLASH_SECTOR];
	int err = 0;

	while (len > 0 && !err) {
		size_t n = len < sizeof(chunk) ? len : sizeof(chunk);

		memcpy(chunk, from, n);
		invert(chunk, n);
		err = file_write(fd, at, chunk, n);
		from += n;
		at += (off_t)n;
		len -= n;
	}
	return err;
}

static off_t file_size(const struct flash *f)
{
	return SLOTS_AT + (off_t)f->slot_size * 2 * f->images;
}

int flash_seal(struct flash *f)
{
	uint8_t head[20];

	memcpy(head, MAGIC, 8);
	put_le32(head + 8, 1);
	put_le32(head + 12, f->slot_size);
	put_le32(head + 16, f->images);
	f->fresh = false;
	return file_write(f->fd, 0, head, sizeof(head));
}

/* A file without a head was cut while it was made: it starts anew. */
static int flash_check(struct flash *f)
{
	static const uint8_t none[8];
	uint8_t head[20];
	int err = file_read(f->fd, 0, head, sizeof(head));

	if (err)
		return err;
	if (memcmp(head, none, 8) == 0) {
		f->fresh = true;
		if (ftruncate(f->fd, 0) < 0)
			return -errno;
	} else if (memcmp(head, MAGIC, 8) != 0 || get_le32(head + 8) != 1 ||
		   get_le32(head + 12) != f->slot_size ||
		   get_le32(head + 16) != f->images)
		return -EINVAL;
	return ftruncate(f->fd, file_size(f)) < 0 ? -errno : 0;
}

int flash_open(
	struct flash *f, const char *path, uint32_t slot_size, uint32_t images)
{
	off_t size;
	int err;

	if (slot_size % FLASH_SECTOR != 0 || slot_size < 4 * FLASH_SECTOR ||
		slot_size > FLASH_SLOT_SIZE_MAX || images < 1 ||
		images > FLASH_IMAGES_MAX)
		return -EINVAL;
	*f = (struct flash){.slot_size = slot_size, .images = images};
	f->fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644)
		     : memfd_create("ferry-sim-flash", MFD_CLOEXEC);
	if (f->fd < 0)
		return -errno;
	if (path && flock(f->fd, LOCK_EX | LOCK_NB) < 0) {
		err = -errno;
		goto fail;
	}
	size = lseek(f->fd, 0, SEEK_END);
	f->fresh = size == 0;
	if (f->fresh && ftruncate(f->fd, file_size(f)) < 0) {
		err = -errno;
		goto fail;
	}
	err = flash_check(f);
	if (err)
		goto fail;
	return 0;
fail:
	close(f->fd);
	f->fd = -1;
	return err;
}

void flash_close(struct flash *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static bool in_slot(
	const struct flash *f, unsigned slot, uint32_t at, size_t len)
{
	return slot < 2 * f->images && at <= f->slot_size &&
	       len <= f->slot_size - at;
}

static off_t slot_at(const struct flash *f, unsigned slot, uint32_t at)
{
	return SLOTS_AT + (off_t)slot * f->slot_size + at;
}

int flash_read(
	const struct flash *f, unsigned slot, uint32_t at, void *to, size_t len)
{
	int err;

	if (!in_slot(f, slot, at, len))
		return -EINVAL;
	err = file_read(f->fd, slot_at(f, slot, at), to, len);
	if (!err)
		invert(to, len);
	return err;
}

int flash_write(const struct flash *f, unsigned slot, uint32_t at,
	const void *from, size_t len)
{
	if (!in_slot(f, slot, at, len))
		return -EINVAL;
	return file_write_inverted(f->fd, slot_at(f, slot, at), from, len);
}

int flash_erase(const struct flash *f, unsigned slot, uint32_t at, uint32_t len)
{
	static const uint8_t zero[FLASH_SECTOR];
	off_t from = slot_at(f, slot, at);
	int err = 0;

	if (!in_slot(f, slot, at, len))
		return -EINVAL;
	if (len == 0 ||
		fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			from, len) == 0)
		return 0;
	while (len > 0 && !err) {
		uint32_t n = len < FLASH_SECTOR ? len : FLASH_SECTOR;

		err = file_write(f->fd, from, zero, n);
		from += n;
		len -= n;
	}
	return err;
}

bool flash_slot_is_empty(const struct flash *f, unsigned slot)
{
	uint8_t sector[FLASH_SECTOR];

	for (uint32_t at = 0; at < f->slot_size; at += FLASH_SECTOR) {
		off_t hole = slot_at(f, slot, at);
		off_t data = lseek(f->fd, hole, SEEK_DATA);

		if (data < 0 || data >= slot_at(f, slot, 0) + f->slot_size)
			return true;
		if (data >= hole + FLASH_SECTOR)
			continue;
		if (flash_read(f, slot, at, sector, sizeof(sector)) < 0)
			return false;
		for (size_t i = 0; i < sizeof(sector); i++)
			if (sector[i] != 0xff)
				return false;
	}
	return true;
}

int flash_scratch_read(const struct flash *f, uint8_t *to_sector)
{
	int err = file_read(f->fd, SCRATCH_AT, to_sector, FLASH_SECTOR);

	if (!err)
		invert(to_sector, FLASH_SECTOR);
	return err;
}

int flash_scratch_write(const struct flash *f, const uint8_t *from_sector)
{
	return file_write_inverted(
		f->fd, SCRATCH_AT, from_sector, FLASH_SECTOR);
}

int flash_journal_read(const struct flash *f, struct flash_journal *ret)
{
	uint8_t raw[JOURNAL_LEN];
	int err = file_read(f->fd, JOURNAL_AT, raw, sizeof(raw));

	if (err)
		return err;
	*ret = (struct flash_journal){
		.kind = raw[0],
		.image = raw[1],
		.phase = raw[2],
		.after = raw[3],
		.sector = get_le32(raw + 4),
		.sectors = get_le32(raw + 8),
		.from = get_le32(raw + 12),
		.len = get_le32(raw + 16),
	};
	/* A journal out of range comes from a damaged file. */
	if (ret->image >= f->images ||
		ret->sectors > f->slot_size / FLASH_SECTOR ||
		ret->sector > ret->sectors || ret->from > f->slot_size ||
		ret->len > f->slot_size - ret->from)
		return -EINVAL;
	return 0;
}

int flash_journal_write(const struct flash *f, const struct flash_journal *j)
{
	uint8_t raw[JOURNAL_LEN] = {j->kind, j->image, j->phase, j->after};

	put_le32(raw + 4, j->sector);
	put_le32(raw + 8, j->sectors);
	put_le32(raw + 12, j->from);
	put_le32(raw + 16, j->len);
	return file_write(f->fd, JOURNAL_AT, raw, sizeof(raw));
}

int flash_floors_read(const struct flash *f, struct flash_floors *ret)
{
	uint8_t raw[FLOORS_LEN];
	int err = file_read(f->fd, FLOORS_AT, raw, sizeof(raw));

	if (err)
		return err;
	ret->sequence = get_be64(raw);
	ret->epoch = get_be64(raw + 8);
	return 0;
}

int flash_floors_write(const struct flash *f, const struct flash_floors *floors)
{
	uint8_t raw[FLOORS_LEN];

	put_be32(raw, (uint32_t)(floors->sequence >> 32));
	put_be32(raw + 4, (uint32_t)floors->sequence);
	put_be32(raw + 8, (uint32_t)(floors->epoch >> 32));
	put_be32(raw + 12, (uint32_t)floors->epoch);
	return file_write(f->fd, FLOORS_AT, raw, sizeof(raw));
}

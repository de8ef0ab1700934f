#include "store/db_vfs.h"

#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "store/disk.h"

#define VFS_NAME "ferry"
#define SUM_AT (DB_PAGE_LEN - DB_PAGE_RESERVE)

/* The real file follows in the same memory. */
struct vfs_file {
	sqlite3_file base;
	sqlite3_file *real;
	const char *path; /* SQLite keeps it until the file is closed */
	bool summed;	  /* the database itself, not a log or journal */
};

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static struct vfs_file *file_of(sqlite3_file *file)
{
	return (struct vfs_file *)(void *)file;
}

static int announce(
	struct vfs_file *f, enum disk_op op, sqlite3_int64 offset, int len)
{
	struct disk_event event = {
		.user = DISK_DB,
		.op = op,
		.path = f->path ? f->path : "",
		.offset = (uint64_t)offset,
		.len = (size_t)len,
	};

	return disk_announce(&event);
}

/* FNV-1a over the page and its place: every step is a bijection, so no change
 * of one byte is missed, and a page is not taken for another one. */
static uint64_t page_sum(const uint8_t *page, uint64_t number)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < SUM_AT; i++)
		sum = (sum ^ page[i]) * 0x100000001b3u;
	return (sum ^ number) * 0x100000001b3u;
}

static bool page_is_zero(const uint8_t *page)
{
	return page[0] == 0 && !memcmp(page, page + 1, DB_PAGE_LEN - 1);
}

static bool whole_page(struct vfs_file *f, int len, sqlite3_int64 offset)
{
	return f->summed && len == DB_PAGE_LEN && offset % DB_PAGE_LEN == 0;
}

static int on_close(sqlite3_file *file)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xClose(f->real);
}

static int on_read(sqlite3_file *file, void *at, int len, sqlite3_int64 offset)
{
	struct vfs_file *f = file_of(file);
	const uint8_t *page = at;
	uint64_t sum;
	int rc;

	rc = f->real->pMethods->xRead(f->real, at, len, offset);
	if (rc != SQLITE_OK || !whole_page(f, len, offset))
		return rc;
	/* A page that was freed before it was ever written is a hole. */
	if (page_is_zero(page))
		return SQLITE_OK;
	sum = page_sum(page, (uint64_t)offset / DB_PAGE_LEN);
	return get_be64(page + SUM_AT) == sum ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int on_write(
	sqlite3_file *file, const void *at, int len, sqlite3_int64 offset)
{
	struct vfs_file *f = file_of(file);
	uint8_t page[DB_PAGE_LEN];
	uint64_t sum;
	int r;

	r = announce(f, DISK_WRITE, offset, len);
	if (r < 0)
		return r == -ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	if (!whole_page(f, len, offset))
		return f->real->pMethods->xWrite(f->real, at, len, offset);
	memcpy(page, at, SUM_AT);
	sum = page_sum(page, (uint64_t)offset / DB_PAGE_LEN);
	put_be32(page + SUM_AT, (uint32_t)(sum >> 32));
	put_be32(page + SUM_AT + 4, (uint32_t)sum);
	return f->real->pMethods->xWrite(f->real, page, len, offset);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	struct vfs_file *f = file_of(file);

	if (announce(f, DISK_TRUNCATE, len, 0) < 0)
		return SQLITE_IOERR_TRUNCATE;
	return f->real->pMethods->xTruncate(f->real, len);
}

static int on_sync(sqlite3_file *file, int flags)
{
	struct vfs_file *f = file_of(file);

	if (announce(f, DISK_SYNC, 0, 0) < 0)
		return SQLITE_IOERR_FSYNC;
	return f->real->pMethods->xSync(f->real, flags);
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xFileSize(f->real, ret);
}

static int on_lock(sqlite3_file *file, int level)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xLock(f->real, level);
}

static int on_unlock(sqlite3_file *file, int level)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xUnlock(f->real, level);
}

static int on_check_lock(sqlite3_file *file, int *ret)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xCheckReservedLock(f->real, ret);
}

static int on_control(sqlite3_file *file, int what, void *arg)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xFileControl(f->real, what, arg);
}

static int on_sector_size(sqlite3_file *file)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xSectorSize(f->real);
}

static int on_characteristics(sqlite3_file *file)
{
	struct vfs_file *f = file_of(file);

	return f->real->pMethods->xDeviceCharacteristics(f->real);
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_file_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
};

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
	int flags, int *ret_flags)
{
	struct vfs_file *f = file_of(file);
	sqlite3_vfs *real = real_vfs(vfs);
	int rc;

	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->path = path;
	f->summed = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	if ((flags & SQLITE_OPEN_CREATE) && path &&
		announce(f, DISK_CREATE, 0, 0) < 0)
		return SQLITE_CANTOPEN;
	rc = real->xOpen(real, path, f->real, flags, ret_flags);
	if (f->real->pMethods)
		f->base.pMethods = &methods;
	return rc;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
	struct disk_event event = {
		.user = DISK_DB,
		.op = DISK_UNLINK,
		.path = path,
	};

	if (disk_announce(&event) < 0)
		return SQLITE_IOERR_DELETE;
	return real_vfs(vfs)->xDelete(real_vfs(vfs), path, sync_dir);
}

const char *db_vfs(void)
{
	static sqlite3_vfs layer;
	sqlite3_vfs *real;

	if (sqlite3_vfs_find(VFS_NAME))
		return VFS_NAME;
	real = sqlite3_vfs_find(NULL);
	if (!real)
		return NULL;
	/* What the layer does not touch goes straight to the real one: those
	 * functions use nothing of the vfs that they are given. */
	layer = *real;
	layer.szOsFile = (int)sizeof(struct vfs_file) + real->szOsFile;
	layer.zName = VFS_NAME;
	layer.pNext = NULL;
	layer.pAppData = real;
	layer.xOpen = on_open;
	layer.xDelete = on_delete;
	return sqlite3_vfs_register(&layer, 0) == SQLITE_OK ? VFS_NAME : NULL;
}

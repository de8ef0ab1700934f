/* Every change that the store makes to the disk goes through here: it is
 * counted, and tests may stop it or end the process in its place.
 *
 * Functions return 0 (or what they say) and -errno. Any thread; the hook is
 * called on whichever thread works. Clear a hook only after work has ended. */
#ifndef FERRY_STORE_DISK_H
#define FERRY_STORE_DISK_H

#include "base/bytes.h"

enum disk_user { DISK_CACHE, DISK_DB };

enum disk_op {
	DISK_CREATE, /* a file that may not have been there comes to be */
	DISK_WRITE,
	DISK_TRUNCATE,
	DISK_SYNC,
	DISK_RENAME,
	DISK_UNLINK,
	DISK_SYNC_DIR,
};

struct disk_event {
	enum disk_user user;
	enum disk_op op;
	const char *path; /* the folder for DISK_SYNC_DIR */
	const char *to;	  /* DISK_RENAME only */
	uint64_t offset;  /* DISK_WRITE; the new length for DISK_TRUNCATE */
	size_t len;	  /* DISK_WRITE */
};

/* Called before the change is made. 0 lets it happen, -errno is its result. */
typedef int (*disk_hook)(void *arg, const struct disk_event *event);
void disk_set_hook(disk_hook hook, void *arg);

/* Asks the hook and counts; for the SQLite shim, which makes the change itself.
 */
int disk_announce(const struct disk_event *event);

struct disk_count {
	uint64_t bytes;
	uint64_t syncs;
};
void disk_counted(enum disk_user user, struct disk_count *ret);

/* ---- for the cache ---- */

/* Opens for reading (a regular file, no symlink). Returns a descriptor. */
int disk_open_read(const char *path, uint64_t *ret_len);

/* Opens for reading and writing, made with mode 0600 if absent. */
int disk_open_write(const char *path, uint64_t *ret_len);

/* Reads up to `len` bytes; fewer only at the end of the file. */
int64_t disk_read(int fd, uint64_t offset, void *at, size_t len);

int disk_write(
	int fd, const char *path, uint64_t offset, const void *at, size_t len);
int disk_truncate(int fd, const char *path, uint64_t len);
int disk_sync(int fd, const char *path);
int disk_sync_dir(const char *path);
int disk_rename(const char *path, const char *to);
int disk_unlink(const char *path);

/* Makes a folder (mode 0700) and makes that durable; 0 if it is there. `path`
 * has a parent. */
int disk_mkdir(const char *path);

/* Replaces dir/name by `bytes`, durably and as a whole. */
int disk_replace(const char *dir, const char *name, struct bytes bytes);

#endif

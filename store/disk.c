#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Set apart: a change under way may still see neither of them. */
static _Atomic(disk_hook) the_hook;
static _Atomic(void *) the_hook_arg;

static struct {
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t syncs;
} counted[2];

void disk_set_hook(disk_hook hook, void *arg)
{
	atomic_store(&the_hook_arg, arg);
	atomic_store(&the_hook, hook);
}

int disk_announce(const struct disk_event *event)
{
	disk_hook hook = atomic_load(&the_hook);
	int r = hook ? hook(atomic_load(&the_hook_arg), event) : 0;

	if (r < 0)
		return r;
	if (event->op == DISK_WRITE)
		atomic_fetch_add(&counted[event->user].bytes, event->len);
	else if (event->op == DISK_SYNC || event->op == DISK_SYNC_DIR)
		atomic_fetch_add(&counted[event->user].syncs, 1);
	return 0;
}

void disk_counted(enum disk_user user, struct disk_count *ret)
{
	ret->bytes = atomic_load(&counted[user].bytes);
	ret->syncs = atomic_load(&counted[user].syncs);
}

static int announce(enum disk_op op, const char *path, const char *to,
	uint64_t offset, size_t len)
{
	struct disk_event event = {DISK_CACHE, op, path, to, offset, len};

	return disk_announce(&event);
}

static int take_regular(int fd, uint64_t *ret_len)
{
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_len = (uint64_t)st.st_size;
	return fd;
}

int disk_open_read(const char *path, uint64_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : take_regular(fd, ret_len);
}

int disk_open_write(const char *path, uint64_t *ret_len)
{
	int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = open(path, flags);
	int r;

	if (fd < 0 && errno == ENOENT) {
		r = announce(DISK_CREATE, path, NULL, 0, 0);
		if (r < 0)
			return r;
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	}
	return fd < 0 ? -errno : take_regular(fd, ret_len);
}

int64_t disk_read(int fd, uint64_t offset, void *at, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, (char *)at + done, len - done,
			(off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (int64_t)done;
}

int disk_write(
	int fd, const char *path, uint64_t offset, const void *at, size_t len)
{
	size_t done = 0;
	ssize_t n;
	int r;

	r = announce(DISK_WRITE, path, NULL, offset, len);
	if (r < 0)
		return r;
	while (done < len) {
		n = pwrite(fd, (const char *)at + done, len - done,
			(off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int disk_truncate(int fd, const char *path, uint64_t len)
{
	int r = announce(DISK_TRUNCATE, path, NULL, len, 0);

	if (r < 0)
		return r;
	return ftruncate(fd, (off_t)len) < 0 ? -errno : 0;
}

int disk_sync(int fd, const char *path)
{
	int r = announce(DISK_SYNC, path, NULL, 0, 0);

	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

int disk_sync_dir(const char *path)
{
	int r = announce(DISK_SYNC_DIR, path, NULL, 0, 0);
	int fd;

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

int disk_rename(const char *path, const char *to)
{
	int r = announce(DISK_RENAME, path, to, 0, 0);

	if (r < 0)
		return r;
	return rename(path, to) < 0 ? -errno : 0;
}

int disk_unlink(const char *path)
{
	int r = announce(DISK_UNLINK, path, NULL, 0, 0);

	if (r < 0)
		return r;
	return unlink(path) < 0 ? -errno : 0;
}

int disk_mkdir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	if (!slash || slash == path)
		return disk_sync_dir(slash ? "/" : ".");
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	return disk_sync_dir(parent);
}

static int write_new(const char *path, struct bytes bytes)
{
	uint64_t len = 0;
	int fd, r;

	fd = disk_open_write(path, &len);
	if (fd < 0)
		return fd;
	r = len ? disk_truncate(fd, path, 0) : 0;
	if (r == 0)
		r = disk_write(fd, path, 0, bytes.at, bytes.len);
	if (r == 0)
		r = disk_sync(fd, path);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int disk_replace(const char *dir, const char *name, struct bytes bytes)
{
	char path[PATH_MAX], tmp[PATH_MAX];
	int n, r;

	n = snprintf(tmp, sizeof(tmp), "%s/%s.new", dir, name);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = write_new(tmp, bytes);
	if (r == 0)
		r = disk_rename(tmp, path);
	if (r < 0) {
		disk_unlink(tmp);
		return r;
	}
	return disk_sync_dir(dir);
}

#include "tools/publish/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/publish/hash.h"
#include "tools/publish/say.h"

#define COPY_CHUNK ((size_t)64 * 1024)
#define FILTER_SLACK 64
#define TEMPORARY ".new-"

int path_format(char ret[FILES_PATH_SIZE], const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(ret, FILES_PATH_SIZE, format, args);
	va_end(args);
	if (n < 0 || n >= FILES_PATH_SIZE)
		return complain(-ENAMETOOLONG, NULL, "path",
			"longer than %d bytes", FILES_PATH_SIZE - 1);
	return 0;
}

static int complain_errno(const char *path, const char *what)
{
	int err = errno ? errno : EIO;

	return complain(-err, path, NULL, "cannot %s: %s", what,
		strerror(err));
}

bool file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int open_input(const char *path, int *ret_fd)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) :
			open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return complain_errno(path, "open");
	*ret_fd = fd;
	return 0;
}

static ssize_t read_some(int fd, void *at, size_t size)
{
	ssize_t n;

	do
		n = read(fd, at, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static int write_whole(int fd, const uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read(const char *path, struct buf *ret)
{
	uint8_t chunk[4096];
	ssize_t n;
	int fd, err;

	err = open_input(path, &fd);
	if (err)
		return err;
	while ((n = read_some(fd, chunk, sizeof(chunk))) > 0) {
		err = buf_add(ret, chunk, (size_t)n);
		if (err)
			break;
	}
	if (n < 0)
		err = complain_errno(path, "read");
	else if (err)
		complain(err, path, NULL, err == -EMSGSIZE ?
			"larger than %zu bytes, the limit for this kind of file"
			: "no memory for %zu bytes", ret->max);
	close(fd);
	return err;
}

static int folder_of(const char *path, char ret[FILES_PATH_SIZE])
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return path_format(ret, ".");
	if (slash == path)
		return path_format(ret, "/");
	return path_format(ret, "%.*s", (int)(slash - path), path);
}

static int folder_sync(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return complain_errno(folder, "open");
	if (fsync(fd))
		err = complain_errno(folder, "flush");
	close(fd);
	return err;
}

/* Opens a file of our own beside the target. */
static int temporary_open(const char *folder, char ret_path[FILES_PATH_SIZE],
	int *ret_fd)
{
	int err = path_format(ret_path, "%s/" TEMPORARY "XXXXXX", folder);

	if (err)
		return err;
	*ret_fd = mkostemp(ret_path, O_CLOEXEC);
	if (*ret_fd < 0)
		return complain_errno(folder, "make a file");
	return 0;
}

/* Flushes and puts the temporary file in place. Consumes fd and path. */
static int temporary_place(int take_fd, const char *temporary, const char *path,
	mode_t mode, bool replace)
{
	char folder[FILES_PATH_SIZE];
	int err = 0;

	if (fchmod(take_fd, mode) || fsync(take_fd))
		err = complain_errno(path, "flush");
	if (close(take_fd) && !err)
		err = complain_errno(path, "close");
	if (!err && replace && rename(temporary, path))
		err = complain_errno(path, "replace");
	if (!err && !replace && link(temporary, path))
		err = complain_errno(path, "create");
	if (err || !replace)
		unlink(temporary);
	if (!err)
		err = folder_of(path, folder);
	return err ? err : folder_sync(folder);
}

static int write_file(const char *path, struct bytes content, mode_t mode,
	bool replace)
{
	char folder[FILES_PATH_SIZE], temporary[FILES_PATH_SIZE];
	int fd, err;

	err = folder_of(path, folder);
	if (!err)
		err = temporary_open(folder, temporary, &fd);
	if (err)
		return err;
	err = write_whole(fd, content.at, content.len);
	if (err) {
		errno = -err;
		complain_errno(path, "write");
		close(fd);
		unlink(temporary);
		return err;
	}
	return temporary_place(fd, temporary, path, mode, replace);
}

int file_write(const char *path, struct bytes content, mode_t mode)
{
	return write_file(path, content, mode, true);
}

int file_write_new(const char *path, struct bytes content, mode_t mode)
{
	return write_file(path, content, mode, false);
}

int file_remove(const char *path)
{
	char folder[FILES_PATH_SIZE];
	int err;

	if (unlink(path))
		return errno == ENOENT ? 0 : complain_errno(path, "remove");
	err = folder_of(path, folder);
	return err ? err : folder_sync(folder);
}

/* Where bytes of a file go. */
struct sink {
	int to; /* -1: nowhere */
	const char *path;
	struct hash *hash;
	const struct file_filter *filter; /* NULL: none */
	uint64_t len;
	uint64_t max;
};

static int sink_put(struct sink *s, struct bytes bytes)
{
	int err;

	s->len += bytes.len;
	if (s->len > s->max)
		return complain(-EFBIG, s->path, NULL, "larger than %llu bytes",
			(unsigned long long)s->max);
	err = hash_add(s->hash, bytes);
	if (err || s->to < 0)
		return err;
	err = write_whole(s->to, bytes.at, bytes.len);
	return err ? complain(err, s->path, NULL, "cannot copy: %s",
		strerror(-err)) : 0;
}

/* Through the filter; the end of the file with `bytes` empty. */
static int sink_filter(struct sink *s, struct bytes bytes, uint8_t *changed)
{
	const struct file_filter *f = s->filter;
	size_t len = 0;
	int err;

	if (!f)
		return bytes.len ? sink_put(s, bytes) : 0;
	err = bytes.len ? f->update(f->arg, bytes, changed, &len) :
			f->finish(f->arg, changed, &len);
	if (err)
		return complain(err, s->path, NULL, "%s", err_text(err));
	return len ? sink_put(s, bytes_of(changed, len)) : 0;
}

/* Reads all of `from`, hashes what becomes of it with `take_hash` (NULL: no
 * memory), and writes it to the sink. */
static int pump(int from, struct sink *sink, struct hash *take_hash,
	uint8_t *ret_digest, uint64_t *ret_len)
{
	uint8_t *chunk = malloc(2 * COPY_CHUNK + FILTER_SLACK);
	ssize_t n = 0;
	int err = chunk && take_hash ? 0 : complain(-ENOMEM, sink->path, NULL,
		"no memory");

	sink->hash = take_hash;
	while (!err && (n = read_some(from, chunk, COPY_CHUNK)) > 0)
		err = sink_filter(sink, bytes_of(chunk, (size_t)n),
			chunk + COPY_CHUNK);
	if (!err && n < 0)
		err = complain_errno(sink->path, "read");
	if (!err)
		err = sink_filter(sink, bytes_of(NULL, 0), chunk + COPY_CHUNK);
	if (!err)
		err = hash_finish(take_hash, ret_digest);
	if (!err)
		*ret_len = sink->len;
	hash_free(take_hash);
	free(chunk);
	return err;
}

int file_digest(const char *path, enum crypto_hash algorithm, uint64_t max,
	uint8_t *ret_digest, uint64_t *ret_len)
{
	int fd, err;

	err = open_input(path, &fd);
	if (err)
		return err;
	err = pump(fd, &(struct sink){.to = -1, .path = path, .max = max},
		hash_new(algorithm), ret_digest, ret_len);
	close(fd);
	return err;
}

int file_copy_by_digest(const char *from, const char *folder, uint64_t max,
	uint8_t ret_digest[32], uint64_t *ret_len)
{
	return file_filter_by_digest(from, folder, max, NULL, ret_digest,
		ret_len);
}

int file_filter_by_digest(const char *from, const char *folder, uint64_t max,
	const struct file_filter *filter, uint8_t ret_digest[32],
	uint64_t *ret_len)
{
	char temporary[FILES_PATH_SIZE], path[FILES_PATH_SIZE], hex[65];
	int in, out, err;

	err = open_input(from, &in);
	if (err)
		return err;
	err = temporary_open(folder, temporary, &out);
	if (err) {
		close(in);
		return err;
	}
	err = pump(in, &(struct sink){.to = out, .path = from, .max = max,
		.filter = filter}, hash_new(CRYPTO_SHA256), ret_digest,
		ret_len);
	close(in);
	if (!err) {
		bytes_to_hex(bytes_of(ret_digest, 32), hex, sizeof(hex));
		err = path_format(path, "%s/%s", folder, hex);
	}
	if (err || file_exists(path)) {
		close(out);
		unlink(temporary);
		return err;
	}
	return temporary_place(out, temporary, path, 0644, true);
}

int folder_make(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return complain_errno(path, "make the folder");
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return complain(-ENOTDIR, path, NULL, "is not a folder");
	return 0;
}

void folder_sweep(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)) != NULL)
		if (strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) == 0)
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
}

int folder_lock(const char *path, int *ret_fd)
{
	char lock[FILES_PATH_SIZE];
	int err = path_format(lock, "%s/.lock", path);
	int fd;

	if (err)
		return err;
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return complain_errno(lock, "open");
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? complain(-EBUSY, lock, NULL,
				"another ferry-publish works in this folder") :
				complain_errno(lock, "lock");
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

void folder_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

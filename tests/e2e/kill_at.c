/* Loaded into ferryd with LD_PRELOAD: kills the process (SIGKILL, so that
 * nothing is tidied up) at a moment that the test names in FERRY_KILL_AT:
 *
 *   log:TEXT   right after a line with TEXT has been logged
 *   sync:N     right after the N-th fsync or fdatasync
 *   unsync:N   right before it: what it would have made durable is not
 *   rename:N   right after the N-th rename
 *   tty:N      as soon as N bytes or more have been written to terminals
 *   full:PATH  never; but as long as there is a file PATH, the disk of the
 *              databases is full; made right after a line with the text in
 *              FERRY_FULL_FROM has been logged
 *
 * Threads: any; the counters are atomic. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REPLACES __attribute__((visibility("default")))

static atomic_long syncs, renames, tty_bytes;

/* The number behind KIND, or -1 when another kind was asked for. */
static long wanted(const char *kind)
{
	const char *text = getenv("FERRY_KILL_AT");
	size_t len = strlen(kind);

	if (!text || strncmp(text, kind, len))
		return -1;
	return strtol(text + len, NULL, 10);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void fill_after(const void *line, size_t len)
{
	const char *text = getenv("FERRY_KILL_AT");
	const char *from = getenv("FERRY_FULL_FROM");

	if (text && from && !strncmp(text, "full:", 5) &&
			memmem(line, len, from, strlen(from)))
		close(creat(text + 5, 0600));
}

REPLACES ssize_t write(int fd, const void *data, size_t len)
{
	static ssize_t (*next)(int, const void *, size_t);
	const char *text = getenv("FERRY_KILL_AT");
	int saved;
	ssize_t n;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "write");
	n = next(fd, data, len);
	saved = errno;
	if (n > 0 && fd == STDERR_FILENO && text && !strncmp(text, "log:", 4) &&
			memmem(data, (size_t)n, text + 4, strlen(text + 4)))
		die();
	if (n > 0 && fd == STDERR_FILENO)
		fill_after(data, (size_t)n);
	if (n > 0 && fd > STDERR_FILENO && wanted("tty:") >= 0 && isatty(fd) &&
			atomic_fetch_add(&tty_bytes, n) + n >= wanted("tty:"))
		die();
	errno = saved;
	return n;
}

static bool is_full(void)
{
	const char *text = getenv("FERRY_KILL_AT");

	return text && !strncmp(text, "full:", 5) && access(text + 5, F_OK) == 0;
}

static ssize_t pwrite_of(const char *name, int fd, const void *data, size_t len,
	off_t at)
{
	ssize_t (*next)(int, const void *, size_t, off_t);

	*(void **)&next = dlsym(RTLD_NEXT, name);
	if (is_full()) {
		errno = ENOSPC;
		return -1;
	}
	return next(fd, data, len, at);
}

REPLACES ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return pwrite_of("pwrite", fd, data, len, at);
}

REPLACES ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
	return pwrite_of("pwrite64", fd, data, len, at);
}

static int sync_of(const char *name, int fd)
{
	int (*next)(int);
	long at = atomic_fetch_add(&syncs, 1) + 1;
	int n;

	*(void **)&next = dlsym(RTLD_NEXT, name);
	if (at == wanted("unsync:"))
		die();
	n = next(fd);
	if (at == wanted("sync:"))
		die();
	return n;
}

REPLACES int fsync(int fd)
{
	return sync_of("fsync", fd);
}

REPLACES int fdatasync(int fd)
{
	return sync_of("fdatasync", fd);
}

REPLACES int rename(const char *from, const char *to)
{
	static int (*next)(const char *, const char *);
	int n;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "rename");
	n = next(from, to);
	if (atomic_fetch_add(&renames, 1) + 1 == wanted("rename:"))
		die();
	return n;
}

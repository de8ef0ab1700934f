/* Loaded into ferryd with LD_PRELOAD: kills the process (SIGKILL, so that
 * nothing is tidied up) at a moment that the test names in FERRY_KILL_AT:
 *
 *   log:TEXT   right after a line with TEXT has been logged
 *   sync:N     right after the N-th fsync or fdatasync
 *   unsync:N   right before it: what it would have made durable is not
 *   rename:N   right after the N-th rename
 *   tty:N      as soon as N bytes or more have been written to terminals
 *
 * Threads: any; the counters are atomic. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
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
	if (n > 0 && fd > STDERR_FILENO && wanted("tty:") >= 0 && isatty(fd) &&
			atomic_fetch_add(&tty_bytes, n) + n >= wanted("tty:"))
		die();
	errno = saved;
	return n;
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

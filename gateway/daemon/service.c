#include "gateway/daemon/service.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef FERRY_SYSTEMD
#include <systemd/sd-daemon.h>

#define NAME_SIZE 200

static int kept_first = SD_LISTEN_FDS_START;
static int kept_count = -1;
static char **kept_names;

/* Names of kept descriptors may not hold colons or control characters. */
static void name_of(const char *target, char *name)
{
	size_t i;

	for (i = 0; target[i] && i < NAME_SIZE - 1; i++)
		name[i] = isalnum((unsigned char)target[i]) ? target[i] : '_';
	name[i] = '\0';
}

void service_tell(const char *text)
{
	sd_notify(0, text);
}

void service_keep(const char *target, int fd)
{
	char name[NAME_SIZE];
	char state[NAME_SIZE + 32];

	name_of(target, name);
	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s", name);
	sd_pid_notify_with_fds(0, 0, state, &fd, 1);
}

void service_drop(const char *target)
{
	char name[NAME_SIZE];
	char state[NAME_SIZE + 32];

	name_of(target, name);
	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	sd_notify(0, state);
}

/* The path may be a link that points elsewhere now, and two long or odd ones
 * may have one name. */
static bool is_same_device(const char *target, int fd)
{
	struct stat kept, now;

	return fstat(fd, &kept) == 0 && stat(target, &now) == 0 &&
		kept.st_dev == now.st_dev && kept.st_ino == now.st_ino &&
		kept.st_rdev == now.st_rdev;
}

int service_take(const char *target)
{
	char name[NAME_SIZE];

	if (kept_count < 0)
		kept_count = sd_listen_fds_with_names(1, &kept_names);
	name_of(target, name);
	for (int i = 0; i < kept_count; i++) {
		int fd = kept_first + i;

		if (!kept_names[i] || strcmp(kept_names[i], name))
			continue;
		free(kept_names[i]);
		kept_names[i] = NULL;
		if (is_same_device(target, fd))
			return fd;
		close(fd);
	}
	return -1;
}

int service_keeps(void)
{
	return getenv("NOTIFY_SOCKET") != NULL; // NOLINT(concurrency-mt-unsafe)
}

#else

void service_tell(const char *text)
{
	(void)text;
}

void service_keep(const char *target, int fd)
{
	(void)target;
	(void)fd;
}

void service_drop(const char *target)
{
	(void)target;
}

int service_take(const char *target)
{
	(void)target;
	return -1;
}

int service_keeps(void)
{
	return 0;
}

#endif

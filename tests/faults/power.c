#include "tests/faults/power.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"

struct note {
	struct note *next; /* newest first */
	enum disk_op op;
	enum disk_user user;
	char path[PATH_MAX];
	char to[PATH_MAX];
	uint64_t offset;
	uint64_t old_size;
	size_t len;
	uint8_t *old;
	unsigned grave; /* 0: none */
};

static struct {
	pthread_mutex_t mutex;
	struct note *notes;
	unsigned at;
	unsigned count;
	enum power_mode mode;
	char grave[PATH_MAX];
	unsigned graves;
	uint32_t chance;
} power = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "power: %s: %s\n", what, strerror(errno));
	_exit(3);
}

static void grave_path(unsigned number, char *path)
{
	snprintf(path, PATH_MAX, "%.4000s/%u", power.grave, number);
}

/* Keeps the file that is there under another name. 0 if there is none. */
static unsigned bury(const char *path)
{
	char grave[PATH_MAX];

	if (access(path, F_OK) < 0)
		return 0;
	grave_path(++power.graves, grave);
	must(link(path, grave) == 0, "link");
	return power.graves;
}

static void note_content(struct note *n, const struct disk_event *e)
{
	struct stat st;
	uint64_t to;
	int fd;

	fd = open(e->path, O_RDONLY);
	if (fd < 0)
		return;
	must(fstat(fd, &st) == 0, "fstat");
	n->old_size = (uint64_t)st.st_size;
	to = e->op == DISK_WRITE ? e->offset + e->len : n->old_size;
	if (to > n->old_size)
		to = n->old_size;
	n->offset = e->offset;
	n->len = to > e->offset ? (size_t)(to - e->offset) : 0;
	n->old = malloc(n->len + 1);
	must(n->old != NULL, "malloc");
	must(pread(fd, n->old, n->len, (off_t)n->offset) == (ssize_t)n->len,
		"pread");
	close(fd);
}

static void take_note(const struct disk_event *e)
{
	struct note *n;

	/* Opening what is there changes nothing. SQLite syncs the folder of a
	 * file that it deletes by itself. */
	if (e->op == DISK_CREATE && access(e->path, F_OK) == 0)
		return;
	if (e->op == DISK_UNLINK && e->user == DISK_DB)
		return;
	n = calloc(1, sizeof(*n));
	must(n != NULL, "calloc");
	n->op = e->op;
	n->user = e->user;
	snprintf(n->path, sizeof(n->path), "%s", e->path);
	snprintf(n->to, sizeof(n->to), "%s", e->to ? e->to : "");
	if (e->op == DISK_WRITE || e->op == DISK_TRUNCATE)
		note_content(n, e);
	if (e->op == DISK_RENAME)
		n->grave = bury(e->to);
	if (e->op == DISK_UNLINK)
		n->grave = bury(e->path);
	n->next = power.notes;
	power.notes = n;
}

static bool is_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/' &&
	       !strchr(path + len + 1, '/');
}

static bool is_made_durable(const struct note *n, const struct disk_event *e)
{
	bool content = n->op == DISK_WRITE || n->op == DISK_TRUNCATE;

	if (e->op == DISK_SYNC)
		/* SQLite syncs the folder of a new log with the log. */
		return strcmp(n->path, e->path) == 0 &&
		       (content ||
			       (n->op == DISK_CREATE && n->user == DISK_DB));
	return e->op == DISK_SYNC_DIR && !content && is_in(n->path, e->path);
}

/* Content that was not synced goes with its file to the new name. */
static void move_notes(const struct note *renamed)
{
	for (struct note *n = renamed->next; n; n = n->next)
		if ((n->op == DISK_WRITE || n->op == DISK_TRUNCATE) &&
			strcmp(n->path, renamed->path) == 0)
			memcpy(n->path, renamed->to, sizeof(n->path));
}

static void forget_durable(const struct disk_event *e)
{
	struct note **at = &power.notes, *n;

	while ((n = *at)) {
		if (!is_made_durable(n, e)) {
			at = &n->next;
			continue;
		}
		if (n->op == DISK_RENAME)
			move_notes(n);
		*at = n->next;
		free(n->old);
		free(n);
	}
}

static void undo_content(const struct note *n)
{
	int fd = open(n->path, O_WRONLY);

	if (fd < 0)
		return;
	must(ftruncate(fd, (off_t)n->old_size) == 0, "ftruncate");
	must(pwrite(fd, n->old, n->len, (off_t)n->offset) == (ssize_t)n->len,
		"pwrite");
	close(fd);
}

static void undo(const struct note *n)
{
	char grave[PATH_MAX];

	grave_path(n->grave, grave);
	switch (n->op) {
	case DISK_WRITE:
	case DISK_TRUNCATE:
		undo_content(n);
		break;
	case DISK_CREATE:
		unlink(n->path);
		break;
	case DISK_RENAME:
		rename(n->to, n->path);
		if (n->grave)
			must(rename(grave, n->to) == 0, "rename");
		break;
	case DISK_UNLINK:
		if (n->grave)
			must(rename(grave, n->path) == 0, "rename");
		break;
	case DISK_SYNC:
	case DISK_SYNC_DIR:
		break;
	}
}

static bool by_chance(void)
{
	power.chance = power.chance * 1664525u + 1013904223u;
	return power.chance >> 31;
}

/* Half of the range that was being written gets rubbish. */
static void tear(const struct disk_event *e)
{
	size_t len = e->len / 2;
	uint8_t *rubbish = malloc(len + 1);
	int fd = open(e->path, O_WRONLY);

	must(rubbish != NULL, "malloc");
	memset(rubbish, 0xa5, len);
	if (fd >= 0)
		must(pwrite(fd, rubbish, len, (off_t)e->offset) == (ssize_t)len,
			"pwrite");
}

static void cut(const struct disk_event *e)
{
	bool names_lost = false;

	/* Names are lost from some point on: folders keep their order. Content
	 * has none. */
	for (const struct note *n = power.notes; n; n = n->next) {
		bool content = n->op == DISK_WRITE || n->op == DISK_TRUNCATE;

		if (power.mode == POWER_KEPT)
			break;
		if (power.mode != POWER_MIXED)
			undo(n);
		else if (content ? by_chance() : !names_lost)
			undo(n);
		if (!content && power.mode == POWER_MIXED && by_chance())
			names_lost = true;
	}
	if (power.mode == POWER_TORN && e->op == DISK_WRITE)
		tear(e);
	_exit(POWER_EXIT);
}

static int on_change(void *arg, const struct disk_event *e)
{
	(void)arg;
	pthread_mutex_lock(&power.mutex);
	if (++power.count == power.at)
		cut(e);
	if (e->op == DISK_SYNC || e->op == DISK_SYNC_DIR)
		forget_durable(e);
	else
		take_note(e);
	pthread_mutex_unlock(&power.mutex);
	return 0;
}

void power_arm(unsigned n, enum power_mode mode, const char *grave)
{
	power.at = n;
	power.count = 0;
	power.mode = mode;
	power.chance = n * 2654435761u + 7;
	snprintf(power.grave, sizeof(power.grave), "%s", grave);
	disk_set_hook(on_change, NULL);
}

unsigned power_count(void)
{
	return power.count;
}

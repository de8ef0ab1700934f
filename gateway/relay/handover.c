#include "gateway/relay/handover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/relay/handover_http.h"
#include "store/hash.h"

#define NAME_BYTES 16
#define PREFIX "ferry-"
#define PATH_SIZE 512
#define PIECE 65536
#define COPY_MODE 0440
#define EMPTY_INDEX "[]\n"

struct handover {
	struct handover_setup setup;
	char folder[PATH_SIZE];
	char image[PATH_SIZE + 64], index[PATH_SIZE + 64];
	struct handover_http *http;
	int fd;          /* of the copy while it is written; -1 */
	uint64_t at;     /* bytes of it written */
	bool reading;    /* the cache holds a pointer to it */
	bool working;    /* the pool does */
	bool ready;      /* on_ready was called with 0 */
	bool closing, http_closed;
	int status;      /* of what runs on the pool, or is to be told */
	uv_work_t work;
	uv_timer_t timer; /* for what is told later */
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* ---- closing ---- */

static void on_freed(uv_handle_t *handle)
{
	struct handover *h = handle->data;
	void (*on_closed)(void *arg) = h->on_closed;
	void *arg = h->close_arg;

	free(h);
	if (on_closed)
		on_closed(arg);
}

static void remove_files(struct handover *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	if (h->http || !h->folder[0])
		return;
	unlink(h->image);
	unlink(h->index);
}

static void close_when_idle(struct handover *h)
{
	if (!h->closing || h->reading || h->working ||
			(h->http && !h->http_closed))
		return;
	remove_files(h);
	uv_close((uv_handle_t *)&h->timer, on_freed);
}

static void on_http_closed(void *arg)
{
	struct handover *h = arg;

	h->http_closed = true;
	close_when_idle(h);
}

void handover_close(struct handover *h, void (*on_closed)(void *arg),
	void *arg)
{
	h->closing = true;
	h->on_closed = on_closed;
	h->close_arg = arg;
	uv_timer_stop(&h->timer);
	if (h->http)
		handover_http_close(h->http, on_http_closed, h);
	close_when_idle(h);
}

/* ---- telling ---- */

static void tell(struct handover *h, int status)
{
	if (h->ready) {
		h->setup.on_checked(h->setup.arg, status);
		return;
	}
	h->ready = status == 0;
	h->setup.on_ready(h->setup.arg, status);
}

static void on_later(uv_timer_t *timer)
{
	struct handover *h = timer->data;

	tell(h, h->status);
}

static void tell_later(struct handover *h, int status)
{
	h->status = status;
	uv_timer_start(&h->timer, on_later, 0, 0);
}

/* ---- hashing the copy, on the pool ---- */

static int hash_file(int fd, uint64_t len, uint8_t ret[32])
{
	struct store_hash *hash = store_hash_new();
	uint8_t *piece = malloc(PIECE);
	uint64_t seen = 0;
	ssize_t n = -1;
	int err = hash && piece ? 0 : -ENOMEM;

	while (!err && (n = read(fd, piece, PIECE)) > 0 && seen <= len) {
		store_hash_add(hash, bytes_of(piece, (size_t)n));
		seen += (uint64_t)n;
	}
	if (!err && (n < 0 || seen != len))
		err = -EIO;
	if (!err)
		err = store_hash_end(hash, ret);
	free(piece);
	store_hash_free(hash);
	return err;
}

static void on_work(uv_work_t *work)
{
	struct handover *h = work->data;
	uint8_t digest[32];
	int fd = open(h->image, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	h->status = ERR_DELEGATE_CHANGED;
	if (fd < 0)
		return;
	if (!hash_file(fd, h->setup.len, digest) &&
			!memcmp(digest, h->setup.digest, sizeof(digest)))
		h->status = 0;
	close(fd);
}

static void on_hashed(uv_work_t *work, int status)
{
	struct handover *h = work->data;

	(void)status;
	h->working = false;
	if (h->closing)
		close_when_idle(h);
	else
		tell(h, h->status);
}

static void hash_copy(struct handover *h)
{
	h->work.data = h;
	h->working = !uv_queue_work(h->setup.loop, &h->work, on_work,
		on_hashed);
	if (!h->working)
		tell_later(h, ERR_DELEGATE_COPY);
}

void handover_check(struct handover *h)
{
	if (h->http || !h->setup.cache)
		tell_later(h, 0);
	else
		hash_copy(h);
}

/* ---- writing the copy ---- */

static int write_all(int fd, struct bytes bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_DELEGATE_COPY;
		bytes = bytes_slice(bytes, (size_t)n, bytes.len);
	}
	return 0;
}

static void read_next(struct handover *h);

static void on_read(void *arg, int status, struct bytes bytes)
{
	struct handover *h = arg;

	h->reading = false;
	if (h->closing) {
		close_when_idle(h);
		return;
	}
	if (status == -ENOENT)
		status = ERR_STORE_ROTTEN_BLOB;
	if (!status)
		status = write_all(h->fd, bytes);
	h->at += bytes.len;
	if (status)
		tell(h, status);
	else
		read_next(h);
}

static void read_next(struct handover *h)
{
	uint64_t left = h->setup.len - h->at;
	int err;

	if (left == 0) {
		close(h->fd);
		h->fd = -1;
		hash_copy(h);
		return;
	}
	h->reading = true;
	err = cache_read(h->setup.cache, h->setup.digest, h->at,
		left < CACHE_READ_MAX ? (size_t)left : CACHE_READ_MAX, on_read,
		h);
	if (err) {
		h->reading = false;
		tell_later(h, err == -ENOENT ? ERR_STORE_ROTTEN_BLOB : err);
	}
}

static int create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
		O_NOFOLLOW, COPY_MODE);

	/* Whatever the mask of this process is. */
	if (fd >= 0 && fchmod(fd, COPY_MODE)) {
		close(fd);
		unlink(path);
		return -1;
	}
	return fd;
}

static int name_files(struct handover *h)
{
	uint8_t random[NAME_BYTES];
	char name[2 * NAME_BYTES + 1];

	if (uv_random(NULL, NULL, random, sizeof(random), 0, NULL))
		return ERR_DELEGATE_COPY;
	bytes_to_hex(bytes_of(random, sizeof(random)), name, sizeof(name));
	snprintf(h->image, sizeof(h->image), "%s/" PREFIX "%s.ota", h->folder,
		name);
	snprintf(h->index, sizeof(h->index), "%s/" PREFIX "%s.json", h->folder,
		name);
	return 0;
}

static int write_index(struct handover *h)
{
	int fd = create(h->index);
	int err;

	if (fd < 0)
		return ERR_DELEGATE_COPY;
	err = write_all(fd, bytes_of_text(EMPTY_INDEX));
	close(fd);
	return err;
}

static int begin_files(struct handover *h)
{
	int err = name_files(h);

	if (!err)
		err = write_index(h);
	if (err || !h->setup.cache)
		return err;
	h->fd = create(h->image);
	return h->fd < 0 ? ERR_DELEGATE_COPY : 0;
}

static int begin(struct handover *h)
{
	int err;

	if (h->folder[0])
		return begin_files(h);
	err = handover_http_open(h->setup.loop, h->setup.cache,
		h->setup.digest, h->setup.len, &h->http);
	return err && err != -ENOMEM ? ERR_DELEGATE_COPY : err;
}

int handover_open(const struct handover_setup *setup, struct handover **ret)
{
	struct handover *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->setup = *setup;
	h->fd = -1;
	if (setup->folder)
		snprintf(h->folder, sizeof(h->folder), "%s", setup->folder);
	h->setup.folder = NULL;
	err = begin(h);
	if (err) {
		remove_files(h);
		free(h);
		return err;
	}
	uv_timer_init(setup->loop, &h->timer);
	h->timer.data = h;
	if (h->fd >= 0)
		read_next(h);
	else
		tell_later(h, 0);
	*ret = h;
	return 0;
}

const char *handover_image(const struct handover *h)
{
	return h->http ? handover_http_image(h->http) : h->image;
}

const char *handover_index(const struct handover *h)
{
	return h->http ? handover_http_index(h->http) : h->index;
}

/* ---- what was left behind ---- */

static bool is_ours(const char *name)
{
	size_t len = strlen(PREFIX);
	uint8_t random[NAME_BYTES];
	char hex[2 * NAME_BYTES + 1];

	if (strncmp(name, PREFIX, len) || strlen(name) < len + 2 * NAME_BYTES)
		return false;
	memcpy(hex, name + len, 2 * NAME_BYTES);
	hex[2 * NAME_BYTES] = '\0';
	name += len + 2 * NAME_BYTES;
	return !bytes_from_hex(hex, random, sizeof(random)) &&
		(!strcmp(name, ".ota") || !strcmp(name, ".json"));
}

void handover_sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return;
	// NOLINTNEXTLINE(concurrency-mt-unsafe): one thread has this stream
	while ((entry = readdir(dir)) != NULL) {
		if (!is_ours(entry->d_name))
			continue;
		if (!unlinkat(dirfd(dir), entry->d_name, 0))
			log_info("delegate", "copy of an earlier run removed",
				"file=%s", entry->d_name);
	}
	closedir(dir);
}

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

#define RUN_BYTES 4
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
	bool copied;     /* the copy is whole; `made` says what it is */
	struct stat made;
	uint64_t at;     /* bytes of it written, or hashed */
	bool reading;    /* the cache holds a pointer to it */
	bool closing, http_closed;

	/* What the pool works with, one step at a time. */
	int fd;          /* of the copy while it is written or hashed; -1 */
	struct store_hash *hash;
	struct stat seen; /* of the file that is hashed */
	uint8_t *piece;
	size_t piece_len;
	uv_work_t work;
	bool working;
	int (*step)(struct handover *h);
	void (*then)(struct handover *h);
	int status;      /* of the step, or what is to be told */

	uv_timer_t timer; /* for what is told later */
	void (*tell)(void *arg, int status);
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* ---- steps on the pool ---- */

static void close_when_idle(struct handover *h);

static void on_work(uv_work_t *work)
{
	struct handover *h = work->data;

	h->status = h->step(h);
}

static void on_worked(uv_work_t *work, int status)
{
	struct handover *h = work->data;

	(void)status;
	h->working = false;
	if (h->closing)
		close_when_idle(h);
	else
		h->then(h);
}

/* Then `then` goes on, with what the step returned in `status`. */
static void run(struct handover *h, int (*step)(struct handover *h),
	void (*then)(struct handover *h))
{
	h->step = step;
	h->then = then;
	h->work.data = h;
	h->working = true;
	if (uv_queue_work(h->setup.loop, &h->work, on_work, on_worked))
		abort(); /* it knows no error but a missing function */
}

/* ---- telling ---- */

static void on_later(uv_timer_t *timer)
{
	struct handover *h = timer->data;

	h->tell(h->setup.arg, h->status);
}

static void tell_later(struct handover *h, void (*tell)(void *arg, int status),
	int status)
{
	h->status = status;
	h->tell = tell;
	uv_timer_start(&h->timer, on_later, 0, 0);
}

/* ---- closing ---- */

static void on_freed(uv_handle_t *handle)
{
	struct handover *h = handle->data;
	void (*on_closed)(void *arg) = h->on_closed;
	void *arg = h->close_arg;

	free(h->piece);
	free(h);
	if (on_closed)
		on_closed(arg);
}

static int remove_files(struct handover *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	store_hash_free(h->hash);
	h->hash = NULL;
	if (h->index[0]) {
		unlink(h->image);
		unlink(h->index);
	}
	h->index[0] = '\0';
	return 0;
}

/* The last step of every one. */
static void close_when_idle(struct handover *h)
{
	if (!h->closing || h->reading || h->working ||
			(h->http && !h->http_closed))
		return;
	if (h->step != remove_files)
		run(h, remove_files, NULL);
	else
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

/* ---- hashing the copy ---- */

/* Reading leaves all of this alone; whatever else is done to a file does not,
 * also when it is undone. */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
		a->st_nlink == b->st_nlink && a->st_mode == b->st_mode &&
		a->st_uid == b->st_uid && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int begin_hash(struct handover *h)
{
	h->at = 0;
	h->hash = store_hash_new();
	if (!h->hash)
		return -ENOMEM;
	h->fd = open(h->image, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (h->fd < 0 && (errno == EMFILE || errno == ENFILE ||
			errno == ENOMEM))
		return ERR_DELEGATE_COPY; /* the file is not to blame */
	if (h->fd < 0 || fstat(h->fd, &h->seen) ||
			!S_ISREG(h->seen.st_mode) || h->seen.st_nlink != 1)
		return ERR_DELEGATE_CHANGED;
	return h->copied && !is_same_file(&h->seen, &h->made) ?
		ERR_DELEGATE_CHANGED : 0;
}

/* 1 when there is more. */
static int hash_some(struct handover *h)
{
	for (size_t done = 0; done < HANDOVER_STEP_MAX; done += PIECE) {
		ssize_t n = read(h->fd, h->piece, PIECE);

		if (n < 0)
			return ERR_DELEGATE_COPY;
		if (n == 0)
			return 0;
		store_hash_add(h->hash, bytes_of(h->piece, (size_t)n));
		h->at += (uint64_t)n;
		if (h->at > h->setup.len)
			return ERR_DELEGATE_CHANGED;
	}
	return 1;
}

static int end_hash(struct handover *h)
{
	uint8_t digest[STORE_HASH_LEN];
	int err = store_hash_end(h->hash, digest);

	if (err)
		return err;
	if (memcmp(digest, h->setup.digest, sizeof(digest)) != 0)
		return ERR_DELEGATE_CHANGED;
	h->made = h->seen;
	h->copied = true;
	return 0;
}

static int hash_step(struct handover *h)
{
	int err = h->fd < 0 ? begin_hash(h) : 0;

	if (!err)
		err = hash_some(h);
	if (err == 1)
		return err;
	if (!err)
		err = end_hash(h);
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	store_hash_free(h->hash);
	h->hash = NULL;
	return err;
}

static void on_hashed(struct handover *h)
{
	if (h->status == 1)
		run(h, hash_step, on_hashed);
	else
		h->setup.on_checked(h->setup.arg, h->status);
}

void handover_check(struct handover *h)
{
	if (h->copied)
		run(h, hash_step, on_hashed);
	else
		tell_later(h, h->setup.on_checked, 0);
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

static int create_image(struct handover *h)
{
	h->fd = create(h->image);
	return h->fd < 0 ? ERR_DELEGATE_COPY : 0;
}

static int write_piece(struct handover *h)
{
	return write_all(h->fd, bytes_of(h->piece, h->piece_len));
}

/* It is hashed from the disk, by another descriptor. */
static int end_image(struct handover *h)
{
	int err = close(h->fd);

	h->fd = -1;
	return err ? ERR_DELEGATE_COPY : hash_step(h);
}

static void read_next(struct handover *h);

static void on_written(struct handover *h)
{
	if (h->status)
		h->setup.on_checked(h->setup.arg, h->status);
	else
		read_next(h);
}

static void on_read(void *arg, int status, struct bytes bytes)
{
	struct handover *h = arg;

	h->reading = false;
	if (h->closing) {
		close_when_idle(h);
		return;
	}
	if (!status && bytes.len > PIECE)
		status = -EIO;
	if (status) {
		h->setup.on_checked(h->setup.arg, status == -ENOENT ?
			ERR_STORE_ROTTEN_BLOB : status);
		return;
	}
	memcpy(h->piece, bytes.at, bytes.len);
	h->piece_len = bytes.len;
	h->at += bytes.len;
	run(h, write_piece, on_written);
}

static void read_next(struct handover *h)
{
	uint64_t left = h->setup.len - h->at;
	int err;

	if (left == 0) {
		run(h, end_image, on_hashed);
		return;
	}
	h->reading = true;
	err = cache_read(h->setup.cache, h->setup.digest, h->at,
		left < PIECE ? (size_t)left : PIECE, on_read, h);
	if (err) {
		h->reading = false;
		tell_later(h, h->setup.on_checked, err == -ENOENT ?
			ERR_STORE_ROTTEN_BLOB : err);
	}
}

void handover_copy(struct handover *h)
{
	if (h->http || h->copied || !h->setup.cache) {
		handover_check(h);
		return;
	}
	h->at = 0;
	run(h, create_image, on_written);
}

/* ---- opening ---- */

/* Names of this process begin alike. */
static int name_of_run(char hex[2 * RUN_BYTES + 1])
{
	static uint8_t run[RUN_BYTES];
	static bool known;

	if (!known && uv_random(NULL, NULL, run, sizeof(run), 0, NULL))
		return -EIO;
	known = true;
	bytes_to_hex(bytes_of(run, sizeof(run)), hex, 2 * RUN_BYTES + 1);
	return 0;
}

static int name_files(struct handover *h)
{
	uint8_t random[NAME_BYTES];
	char name[2 * NAME_BYTES + 1], own[2 * RUN_BYTES + 1];

	if (name_of_run(own) || uv_random(NULL, NULL, random, sizeof(random),
			0, NULL))
		return ERR_DELEGATE_COPY;
	bytes_to_hex(bytes_of(random, sizeof(random)), name, sizeof(name));
	snprintf(h->image, sizeof(h->image), "%s/" PREFIX "%s-%s.ota",
		h->folder, own, name);
	snprintf(h->index, sizeof(h->index), "%s/" PREFIX "%s-%s.json",
		h->folder, own, name);
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

static void on_index(struct handover *h)
{
	h->setup.on_ready(h->setup.arg, h->status);
}

static int begin(struct handover *h)
{
	int err;

	if (h->folder[0]) {
		h->piece = h->setup.cache ? malloc(PIECE) : NULL;
		return h->setup.cache && !h->piece ? -ENOMEM : name_files(h);
	}
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
		free(h->piece);
		free(h);
		return err;
	}
	uv_timer_init(setup->loop, &h->timer);
	h->timer.data = h;
	if (h->http)
		tell_later(h, setup->on_ready, 0);
	else
		run(h, write_index, on_index);
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

static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

/* Named like the files of any run, and not of this one. */
static bool is_left(const char *name, const char *own)
{
	size_t prefix = strlen(PREFIX), run = 2 * RUN_BYTES,
		stem = prefix + run + 1 + 2 * NAME_BYTES;

	return strlen(name) > stem && !strncmp(name, PREFIX, prefix) &&
		is_hex(name + prefix, run) && name[prefix + run] == '-' &&
		is_hex(name + prefix + run + 1, 2 * NAME_BYTES) &&
		strncmp(name + prefix, own, run) != 0 &&
		(!strcmp(name + stem, ".ota") || !strcmp(name + stem, ".json"));
}

void handover_sweep(const char *folder)
{
	char own[2 * RUN_BYTES + 1];
	DIR *dir = name_of_run(own) ? NULL : opendir(folder);
	struct dirent *entry;

	if (!dir)
		return;
	// NOLINTNEXTLINE(concurrency-mt-unsafe): one thread has this stream
	while ((entry = readdir(dir)) != NULL) {
		if (!is_left(entry->d_name, own))
			continue;
		if (!unlinkat(dirfd(dir), entry->d_name, 0))
			log_info("delegate", "copy of an earlier run removed",
				"file=%s", entry->d_name);
	}
	closedir(dir);
}

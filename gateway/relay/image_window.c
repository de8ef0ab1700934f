#include "gateway/relay/image_window.h"

#include <errno.h>
#include <stdlib.h>

/* One read under way; it outlives a window that is done before it ends. */
struct image_read {
	struct image_window *window; /* NULL: nobody waits any more */
	unsigned part;
	uint64_t offset;
};

void image_window_init(struct image_window *w, struct cache *cache,
	const uint8_t digest[32], uint64_t total,
	void (*on_bytes)(void *arg, int status, uint64_t offset,
		struct bytes data), void *arg)
{
	*w = (struct image_window){
		.cache = cache,
		.total = total,
		.on_bytes = on_bytes,
		.arg = arg,
	};
	memcpy(w->digest, digest, sizeof(w->digest));
}

void image_window_done(struct image_window *w)
{
	if (w->read)
		w->read->window = NULL;
	w->read = NULL;
	free(w->parts[0].data);
	free(w->parts[1].data);
	w->parts[0] = w->parts[1] = (struct image_part){0};
	w->wanted = false;
}

static const struct image_part *part_at(const struct image_window *w,
	uint64_t offset)
{
	for (unsigned i = 0; i < 2; i++)
		if (w->parts[i].len && offset >= w->parts[i].offset &&
				offset - w->parts[i].offset < w->parts[i].len)
			return &w->parts[i];
	return NULL;
}

static int start_read(struct image_window *w, uint64_t offset,
	const struct image_part *keep);

/* Bytes [offset, offset + len) from one or both parts; NULL when some are not
 * there, with *ret_missing the first of them. */
static bool gather(struct image_window *w, uint64_t offset, size_t len,
	struct bytes *ret, uint64_t *ret_missing)
{
	/* One loop thread, and the bytes are borrowed only until the next
	 * call: all windows share the place where two parts are joined. */
	static uint8_t joined[IMAGE_WINDOW_LEN];
	const struct image_part *first = part_at(w, offset);
	const struct image_part *second;
	size_t have;

	*ret_missing = offset;
	if (!first)
		return false;
	have = first->len - (size_t)(offset - first->offset);
	if (have >= len) {
		*ret = bytes_of(first->data + (offset - first->offset), len);
		return true;
	}
	*ret_missing = offset + have;
	second = part_at(w, offset + have);
	if (!second || second->len < len - have)
		return false;
	memcpy(joined, first->data + (offset - first->offset), have);
	memcpy(joined + have, second->data, len - have);
	*ret = bytes_of(joined, len);
	return true;
}

/* Reads the leaf after the one in use, so that it is there when it is asked
 * for. A failure shows when it really is. */
static void read_ahead(struct image_window *w, uint64_t offset)
{
	uint64_t next = offset - offset % IMAGE_WINDOW_LEN + IMAGE_WINDOW_LEN;

	if (!w->loading && next < w->total && !part_at(w, next))
		start_read(w, next, part_at(w, offset));
}

static void on_read(void *arg, int status, struct bytes bytes)
{
	struct image_read *read = arg;
	struct image_window *w = read->window;
	struct image_part *part;
	uint64_t missing;
	struct bytes data;

	if (!w) {
		free(read);
		return;
	}
	part = &w->parts[read->part];
	w->loading = 0;
	w->read = NULL;
	if (status == 0 && bytes.len <= IMAGE_WINDOW_LEN) {
		memcpy(part->data, bytes.at, bytes.len);
		part->offset = read->offset;
		part->len = bytes.len;
	}
	free(read);
	if (!w->wanted)
		return;
	if (status) {
		w->wanted = false;
		w->on_bytes(w->arg, status, w->want_offset, bytes_of(NULL, 0));
		return;
	}
	if (!gather(w, w->want_offset, w->want_len, &data, &missing)) {
		status = start_read(w, missing, part_at(w, w->want_offset));
		if (status) {
			w->wanted = false;
			w->on_bytes(w->arg, status, w->want_offset,
				bytes_of(NULL, 0));
		}
		return;
	}
	w->wanted = false;
	read_ahead(w, w->want_offset + w->want_len - 1);
	w->on_bytes(w->arg, 0, w->want_offset, data);
}

/* Reads the leaf at `offset` into the part that is not `keep`. */
static int start_read(struct image_window *w, uint64_t offset,
	const struct image_part *keep)
{
	uint64_t from = offset - offset % IMAGE_WINDOW_LEN;
	size_t len = w->total - from < IMAGE_WINDOW_LEN ?
		(size_t)(w->total - from) : IMAGE_WINDOW_LEN;
	struct image_part *part = &w->parts[keep == &w->parts[0]];
	struct image_read *read;
	int err;

	if (!part->data)
		part->data = malloc(IMAGE_WINDOW_LEN);
	read = malloc(sizeof(*read));
	if (!part->data || !read) {
		free(read);
		return -ENOMEM;
	}
	part->len = 0;
	*read = (struct image_read){w, (unsigned)(part - w->parts), from};
	err = cache_read(w->cache, w->digest, from, len, on_read, read);
	if (err) {
		free(read);
		return err;
	}
	w->read = read;
	w->loading = (unsigned)(part - w->parts) + 1;
	return 0;
}

int image_want(struct image_window *w, uint64_t offset, size_t len,
	struct bytes *ret)
{
	uint64_t missing;
	int err;

	w->wanted = false;
	if (offset >= w->total || len == 0)
		return -EINVAL;
	if (len > IMAGE_WINDOW_LEN)
		len = IMAGE_WINDOW_LEN;
	if (len > w->total - offset)
		len = (size_t)(w->total - offset);
	if (gather(w, offset, len, ret, &missing)) {
		w->want_offset = offset;
		read_ahead(w, offset + len - 1);
		return 1;
	}
	w->wanted = true;
	w->want_offset = offset;
	w->want_len = len;
	if (w->loading)
		return 0;
	err = start_read(w, missing, part_at(w, offset));
	if (err)
		w->wanted = false;
	return err;
}

#include "gateway/relay/image_window.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS 64

/* Bytes of a leaf, as many windows as hold it. */
struct image_leaf {
	struct image_leaf *next; /* in its bucket */
	struct cache *cache;
	uint8_t digest[32];
	uint64_t offset;
	size_t len;
	unsigned users;
	uint8_t data[];
};

/* One read under way; it outlives a window that is done before it ends. */
struct image_read {
	struct image_window *window; /* NULL: nobody waits any more */
	unsigned part;
	uint64_t offset;
};

/* One loop thread has all windows. */
static struct image_leaf *leaves[BUCKETS];

static struct image_leaf **bucket_of(const uint8_t digest[32], uint64_t offset)
{
	return &leaves[(digest[0] + offset / IMAGE_WINDOW_LEN) % BUCKETS];
}

/* The leaf that another window holds, with one user more; or NULL. */
static struct image_leaf *leaf_share(const struct image_window *w,
	uint64_t offset)
{
	struct image_leaf *leaf = *bucket_of(w->digest, offset);

	while (leaf && (leaf->cache != w->cache || leaf->offset != offset ||
			memcmp(leaf->digest, w->digest, 32)))
		leaf = leaf->next;
	if (leaf)
		leaf->users++;
	return leaf;
}

static struct image_leaf *leaf_new(const struct image_window *w,
	uint64_t offset, struct bytes data)
{
	struct image_leaf *leaf = leaf_share(w, offset);
	struct image_leaf **bucket = bucket_of(w->digest, offset);

	if (leaf)
		return leaf; /* somebody else was faster */
	leaf = malloc(sizeof(*leaf) + data.len);
	if (!leaf)
		return NULL;
	*leaf = (struct image_leaf){
		.next = *bucket,
		.cache = w->cache,
		.offset = offset,
		.len = data.len,
		.users = 1,
	};
	memcpy(leaf->digest, w->digest, 32);
	memcpy(leaf->data, data.at, data.len);
	*bucket = leaf;
	return leaf;
}

static void leaf_drop(struct image_leaf *leaf)
{
	struct image_leaf **at;

	if (!leaf || --leaf->users > 0)
		return;
	at = bucket_of(leaf->digest, leaf->offset);
	while (*at != leaf)
		at = &(*at)->next;
	*at = leaf->next;
	free(leaf);
}

static void hold(struct image_window *w, unsigned part, struct image_leaf *leaf)
{
	leaf_drop(w->parts[part]);
	w->parts[part] = leaf;
}

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
	w->loading = 0;
	w->wanted = false;
	hold(w, 0, NULL);
	hold(w, 1, NULL);
}

static const struct image_leaf *leaf_at(const struct image_window *w,
	uint64_t offset)
{
	for (unsigned i = 0; i < 2; i++)
		if (w->parts[i] && offset >= w->parts[i]->offset &&
				offset - w->parts[i]->offset < w->parts[i]->len)
			return w->parts[i];
	return NULL;
}

/* Bytes [offset, offset + len) from one or both leaves; false when some are not
 * there, with *ret_missing the first of them. */
static bool gather(struct image_window *w, uint64_t offset, size_t len,
	struct bytes *ret, uint64_t *ret_missing)
{
	/* The bytes are borrowed only until the next call: all windows share
	 * the place where two leaves are joined. */
	static uint8_t joined[IMAGE_WINDOW_LEN];
	const struct image_leaf *first = leaf_at(w, offset);
	const struct image_leaf *second;
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
	second = leaf_at(w, offset + have);
	if (!second || second->len < len - have)
		return false;
	memcpy(joined, first->data + (offset - first->offset), have);
	memcpy(joined + have, second->data, len - have);
	*ret = bytes_of(joined, len);
	return true;
}

static void on_read(void *arg, int status, struct bytes bytes);

static int start_read(struct image_window *w, uint64_t from, unsigned part)
{
	size_t len = w->total - from < IMAGE_WINDOW_LEN ?
		(size_t)(w->total - from) : IMAGE_WINDOW_LEN;
	struct image_read *read = malloc(sizeof(*read));
	int err;

	if (!read)
		return -ENOMEM;
	*read = (struct image_read){w, part, from};
	err = cache_read(w->cache, w->digest, from, len, on_read, read);
	if (err) {
		free(read);
		return err;
	}
	w->read = read;
	w->loading = part + 1;
	return 0;
}

/* Gets the leaf with `offset` in the place of the one that is not `keep`: 1
 * when it is there, 0 when it is being read, or an error. */
static int load(struct image_window *w, uint64_t offset,
	const struct image_leaf *keep)
{
	uint64_t from = offset - offset % IMAGE_WINDOW_LEN;
	unsigned part = keep && keep == w->parts[0];
	struct image_leaf *leaf = leaf_share(w, from);

	hold(w, part, leaf);
	return leaf ? 1 : start_read(w, from, part);
}

/* Gets the leaf after the one in use, so that it is there when it is asked
 * for. A failure shows when it really is. */
static void read_ahead(struct image_window *w, uint64_t offset)
{
	uint64_t next = offset - offset % IMAGE_WINDOW_LEN + IMAGE_WINDOW_LEN;

	if (!w->loading && next < w->total && !leaf_at(w, next))
		load(w, next, leaf_at(w, offset));
}

/* 1: all bytes of the want are in *ret; 0: they are being read; or an error. */
static int satisfy(struct image_window *w, struct bytes *ret)
{
	uint64_t missing;
	int n;

	while (!gather(w, w->want_offset, w->want_len, ret, &missing)) {
		if (w->loading)
			return 0;
		n = load(w, missing, leaf_at(w, w->want_offset));
		if (n <= 0)
			return n;
	}
	return 1;
}

static void on_read(void *arg, int status, struct bytes bytes)
{
	struct image_read *read = arg;
	struct image_window *w = read->window;
	struct image_leaf *leaf;
	struct bytes data = {0};

	if (!w) {
		free(read);
		return;
	}
	w->loading = 0;
	w->read = NULL;
	if (status == 0) {
		leaf = leaf_new(w, read->offset, bytes);
		hold(w, read->part, leaf);
		status = leaf ? 0 : -ENOMEM;
	}
	free(read);
	if (!w->wanted)
		return;
	if (status == 0) {
		status = satisfy(w, &data);
		if (status == 0)
			return;
	}
	w->wanted = false;
	if (status > 0)
		read_ahead(w, w->want_offset + w->want_len - 1);
	w->on_bytes(w->arg, status < 0 ? status : 0, w->want_offset, data);
}

int image_want(struct image_window *w, uint64_t offset, size_t len,
	struct bytes *ret)
{
	int n;

	w->wanted = false;
	if (offset >= w->total || len == 0)
		return -EINVAL;
	if (len > IMAGE_WINDOW_LEN)
		len = IMAGE_WINDOW_LEN;
	if (len > w->total - offset)
		len = (size_t)(w->total - offset);
	w->want_offset = offset;
	w->want_len = len;
	n = satisfy(w, ret);
	w->wanted = n == 0;
	if (n > 0)
		read_ahead(w, offset + len - 1);
	return n;
}

#include "store/cache_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/disk.h"

#define HEX_LEN ((size_t)2 * CACHE_DIGEST_LEN)
#define BLOCK_LEN 65536

static const char *const tails[] = {
	[CACHE_BLOB] = "",
	[CACHE_PART] = ".part",
	[CACHE_LEAF] = ".leaf",
	[CACHE_ETAG] = ".etag",
	[CACHE_NEW] = ".new",
};

/* ---- names ---- */

void cache_folder(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], char path[CACHE_PATH_SIZE])
{
	snprintf(path, CACHE_PATH_SIZE, "%s/blobs/%02x", cache->dir, digest[0]);
}

void cache_path(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], enum cache_file file,
	char path[CACHE_PATH_SIZE])
{
	char hex[HEX_LEN + 1];

	bytes_to_hex(bytes_of(digest, CACHE_DIGEST_LEN), hex, sizeof(hex));
	snprintf(path, CACHE_PATH_SIZE, "%s/blobs/%.2s/%s%s", cache->dir, hex,
		hex, tails[file]);
}

static bool parse_name(const char *name, struct cache_found *ret)
{
	char hex[HEX_LEN + 1];

	if (strlen(name) < HEX_LEN)
		return false;
	memcpy(hex, name, HEX_LEN);
	hex[HEX_LEN] = '\0';
	if (strspn(hex, "0123456789abcdef") != HEX_LEN ||
		bytes_from_hex(hex, ret->digest, CACHE_DIGEST_LEN) < 0)
		return false;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		if (strcmp(name + HEX_LEN, tails[i]) == 0) {
			ret->file = (enum cache_file)i;
			return true;
		}
	}
	return false;
}

/* ---- whole files ---- */

int cache_delete_blob(
	const struct cache *cache, const uint8_t digest[CACHE_DIGEST_LEN])
{
	char path[CACHE_PATH_SIZE];
	int r;

	cache_path(cache, digest, CACHE_LEAF, path);
	disk_unlink(path);
	cache_path(cache, digest, CACHE_BLOB, path);
	r = disk_unlink(path);
	return r == -ENOENT ? 0 : r;
}

static bool file_holds(const char *path, struct bytes content)
{
	uint8_t block[4096];
	uint64_t len, at = 0;
	int64_t n = 0;
	int fd;

	fd = disk_open_read(path, &len);
	if (fd < 0)
		return false;
	while (len == content.len && at < len) {
		n = disk_read(fd, at, block, sizeof(block));
		if (n <= 0 || (uint64_t)n > len - at ||
			memcmp(block, content.at + at, (size_t)n) != 0)
			break;
		at += (uint64_t)n;
	}
	close(fd);
	return len == content.len && at == len;
}

int cache_write_table(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], struct bytes table)
{
	char path[CACHE_PATH_SIZE];
	uint64_t len;
	int fd, r;

	cache_path(cache, digest, CACHE_LEAF, path);
	if (file_holds(path, table))
		return 0;
	fd = disk_open_write(path, &len);
	if (fd < 0)
		return fd;
	r = disk_write(fd, path, 0, table.at, table.len);
	if (r == 0 && len > table.len)
		r = disk_truncate(fd, path, table.len);
	close(fd);
	return r;
}

int cache_hash_blob(const struct cache *cache,
	const uint8_t digest[CACHE_DIGEST_LEN], struct leaf_hasher *h)
{
	uint8_t seen[CACHE_DIGEST_LEN];
	char path[CACHE_PATH_SIZE];
	uint8_t *block;
	uint64_t len;
	int64_t n = 0;
	int fd, r = 0;

	cache_path(cache, digest, CACHE_BLOB, path);
	fd = disk_open_read(path, &len);
	if (fd < 0)
		return fd;
	block = malloc(BLOCK_LEN);
	if (!block || len == 0 || len > CACHE_BLOB_MAX)
		r = block ? ERR_STORE_DIGEST : -ENOMEM;
	while (r == 0 && h->len < len) {
		n = disk_read(fd, h->len, block, BLOCK_LEN);
		if (n <= 0)
			break;
		if ((uint64_t)n > len - h->len)
			r = ERR_STORE_DIGEST;
		else
			r = leaf_hasher_add(h, bytes_of(block, (size_t)n));
	}
	if (r == 0 && n < 0)
		r = (int)n;
	if (r == 0)
		r = leaf_hasher_end(h, seen);
	if (r == 0 && memcmp(seen, digest, CACHE_DIGEST_LEN) != 0)
		r = ERR_STORE_DIGEST;
	/* Eviction goes by this time after the next start. */
	if (r == 0)
		futimens(fd, NULL);
	free(block);
	close(fd);
	return r;
}

/* ---- scan ---- */

struct scan {
	struct cache *cache;
	struct cache_found *found;
	size_t count;
	size_t size;
	int64_t now_ms;
};

static int keep_found(struct scan *s, const struct cache_found *one)
{
	size_t more = s->size ? s->size * 2 : 64;
	void *at;

	/* Tables and etags are looked at too, then left out. */
	if (s->count == (size_t)CACHE_BLOBS_MAX * 4)
		return 0;
	if (s->count == s->size) {
		at = realloc(s->found, more * sizeof(*s->found));
		if (!at)
			return -ENOMEM;
		s->found = at;
		s->size = more;
	}
	s->found[s->count++] = *one;
	return 0;
}

static int scan_folder(struct scan *s, unsigned first)
{
	char path[CACHE_PATH_SIZE];
	struct cache_found one;
	struct dirent *item;
	struct stat st;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "%s/blobs/%02x", s->cache->dir, first);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 &&
		(item = readdir(dir))) { // NOLINT(concurrency-mt-unsafe)
		if (!parse_name(item->d_name, &one) || one.digest[0] != first)
			continue;
		if (fstatat(dirfd(dir), item->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		one.len = (uint64_t)st.st_size;
		one.used_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
			      st.st_mtim.tv_nsec / 1000000;
		r = keep_found(s, &one);
	}
	closedir(dir);
	return r;
}

static int compare_found(const void *a, const void *b)
{
	const struct cache_found *x = a, *y = b;
	int r = memcmp(x->digest, y->digest, CACHE_DIGEST_LEN);

	return r ? r : (int)x->file - (int)y->file;
}

static void delete_found(struct scan *s, const struct cache_found *one)
{
	char path[CACHE_PATH_SIZE];

	cache_path(s->cache, one->digest, one->file, path);
	disk_unlink(path);
}

static bool is_stale(const struct scan *s, const struct cache_found *part)
{
	return part->len == 0 || part->len > CACHE_BLOB_MAX ||
	       (s->now_ms > part->used_ms &&
		       (uint64_t)(s->now_ms - part->used_ms) >
			       s->cache->options.part_age_ms);
}

/* The files of one digest, sorted by kind: blob, part, table, etag, new. Keeps
 * at most one of them. */
static void sort_out(struct scan *s, const struct cache_found *files,
	size_t count, size_t *kept)
{
	const struct cache_found *keep = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct cache_found *f = &files[i];
		bool good = false;

		switch (f->file) {
		case CACHE_BLOB:
			good = f->len > 0 && f->len <= CACHE_BLOB_MAX;
			keep = good ? f : keep;
			break;
		case CACHE_PART:
			good = !keep && !is_stale(s, f);
			keep = good ? f : keep;
			break;
		case CACHE_LEAF:
			good = keep && keep->file == CACHE_BLOB;
			break;
		case CACHE_ETAG:
			good = keep && keep->file == CACHE_PART;
			break;
		case CACHE_NEW:
			break;
		}
		if (!good)
			delete_found(s, f);
	}
	if (keep)
		s->found[(*kept)++] = *keep;
}

static void sort_out_all(struct scan *s)
{
	size_t kept = 0, from = 0, to;

	if (s->count)
		qsort(s->found, s->count, sizeof(*s->found), compare_found);
	while (from < s->count) {
		to = from + 1;
		while (to < s->count &&
			memcmp(s->found[to].digest, s->found[from].digest,
				CACHE_DIGEST_LEN) == 0)
			to++;
		sort_out(s, s->found + from, to - from, &kept);
		from = to;
	}
	s->count = kept;
}

int cache_scan(
	struct cache *cache, struct cache_found **ret_found, size_t *ret_count)
{
	struct scan s = {.cache = cache};
	char path[CACHE_PATH_SIZE];
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	s.now_ms = (int64_t)now.tv_sec * 1000;
	r = disk_mkdir(cache->dir);
	snprintf(path, sizeof(path), "%s/blobs", cache->dir);
	if (r == 0)
		r = disk_mkdir(path);
	snprintf(path, sizeof(path), "%s/objects", cache->dir);
	if (r == 0)
		r = disk_mkdir(path);
	for (unsigned i = 0; i < CACHE_BUCKETS && r == 0; i++)
		r = scan_folder(&s, i);
	if (r < 0) {
		free(s.found);
		return r;
	}
	sort_out_all(&s);
	*ret_found = s.found;
	*ret_count = s.count;
	return 0;
}

#include "store/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/cache_priv.h"
#include "store/disk.h"

#define OBJECTS_WAITING_MAX 256

/* Objects are few and small: one piece of work at a time keeps them in order.
 */
struct cache_object_work {
	struct cache_work w;
	struct cache_object_work *next;
	int (*act)(struct cache_object_work *o);
	char name[CACHE_OBJECT_NAME_MAX + 1];
	size_t max;
	struct buf content;
	cache_cb cb;
	cache_read_cb read_cb;
	void *arg;
};

static bool name_is_fit(const char *name)
{
	size_t len = strnlen(name, CACHE_OBJECT_NAME_MAX + 1);

	return len > 0 && len <= CACHE_OBJECT_NAME_MAX && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static void object_path(struct cache_object_work *o, char path[CACHE_PATH_SIZE])
{
	snprintf(path, CACHE_PATH_SIZE, "%s/objects/%s", o->w.cache->dir,
		o->name);
}

static int act_put(struct cache_object_work *o)
{
	char folder[CACHE_PATH_SIZE];

	snprintf(folder, sizeof(folder), "%s/objects", o->w.cache->dir);
	return disk_replace(folder, o->name, buf_bytes(&o->content));
}

static int act_get(struct cache_object_work *o)
{
	char path[CACHE_PATH_SIZE];
	uint8_t *room = NULL;
	uint64_t len;
	int64_t n;
	int fd, r = 0;

	object_path(o, path);
	fd = disk_open_read(path, &len);
	if (fd < 0)
		return fd;
	if (len > o->max)
		r = ERR_TOO_LARGE;
	else if (len)
		room = buf_room(&o->content, (size_t)len);
	if (r == 0 && len && !room)
		r = -ENOMEM;
	if (r == 0 && len) {
		n = disk_read(fd, 0, room, (size_t)len);
		if (n == (int64_t)len)
			buf_grow(&o->content, (size_t)len);
		else
			r = -EIO;
	}
	close(fd);
	return r;
}

static int act_drop(struct cache_object_work *o)
{
	char path[CACHE_PATH_SIZE];
	int r;

	object_path(o, path);
	r = disk_unlink(path);
	if (r == -ENOENT)
		return 0;
	snprintf(path, sizeof(path), "%s/objects", o->w.cache->dir);
	return r < 0 ? r : disk_sync_dir(path);
}

static void run_object(struct cache_work *w)
{
	struct cache_object_work *o = (struct cache_object_work *)(void *)w;

	w->status = o->act(o);
}

static void done_object(struct cache_work *w)
{
	struct cache_object_work *o = (struct cache_object_work *)(void *)w;
	struct cache *cache = w->cache;

	cache->objects_first = o->next;
	cache->objects_waiting--;
	if (o->next)
		cache_work_start(cache, &o->next->w);
	else
		cache->objects_last = &cache->objects_first;
	if (o->cb)
		o->cb(o->arg, w->status);
	if (o->read_cb)
		o->read_cb(o->arg, w->status,
			w->status == 0 ? buf_bytes(&o->content)
				       : bytes_of(NULL, 0));
	buf_done(&o->content);
	free(o);
}

static int object_new(struct cache *cache, const char *name,
	int (*act)(struct cache_object_work *o),
	struct cache_object_work **ret_o)
{
	struct cache_object_work *o;

	if (!name_is_fit(name))
		return -EINVAL;
	if (cache->closing || !cache->opened)
		return ERR_STORE_CLOSED;
	if (cache->objects_waiting >= OBJECTS_WAITING_MAX)
		return -EAGAIN;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	snprintf(o->name, sizeof(o->name), "%s", name);
	buf_init(&o->content, CACHE_OBJECT_MAX);
	o->act = act;
	o->w.run = run_object;
	o->w.done = done_object;
	*ret_o = o;
	return 0;
}

static void object_send(struct cache *cache, struct cache_object_work *o)
{
	bool idle = !cache->objects_first;

	*cache->objects_last = o;
	cache->objects_last = &o->next;
	cache->objects_waiting++;
	o->w.cache = cache;
	if (idle)
		cache_work_start(cache, &o->w);
}

int cache_object_put(struct cache *cache, const char *name, struct bytes bytes,
	cache_cb cb, void *arg)
{
	struct cache_object_work *o;
	int r;

	if (bytes.len > CACHE_OBJECT_MAX)
		return ERR_TOO_LARGE;
	r = object_new(cache, name, act_put, &o);
	if (r < 0)
		return r;
	r = buf_add_bytes(&o->content, bytes);
	if (r < 0) {
		free(o);
		return r;
	}
	o->cb = cb;
	o->arg = arg;
	object_send(cache, o);
	return 0;
}

int cache_object_get(struct cache *cache, const char *name, size_t max,
	cache_read_cb cb, void *arg)
{
	struct cache_object_work *o;
	int r = object_new(cache, name, act_get, &o);

	if (r < 0)
		return r;
	o->max = max < CACHE_OBJECT_MAX ? max : CACHE_OBJECT_MAX;
	o->read_cb = cb;
	o->arg = arg;
	object_send(cache, o);
	return 0;
}

int cache_object_drop(
	struct cache *cache, const char *name, cache_cb cb, void *arg)
{
	struct cache_object_work *o;
	int r = object_new(cache, name, act_drop, &o);

	if (r < 0)
		return r;
	o->cb = cb;
	o->arg = arg;
	object_send(cache, o);
	return 0;
}

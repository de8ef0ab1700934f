#include "gateway/daemon/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SAVE_RETRY_MS 5000

static unsigned bucket_of(const char *id)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*id)
		hash = (hash ^ (uint8_t)*id++) * 16777619u;
	return (hash ^ hash >> 16) % GATEWAY_CHILD_BUCKETS;
}

struct child *child_find(const struct gateway *g, const char *id)
{
	struct child *c = g->child_index[bucket_of(id)];

	while (c && strcmp(c->id, id))
		c = c->same_bucket;
	return c;
}

struct child *child_of(struct gateway *g, const char *id)
{
	struct child *c = child_find(g, id);
	struct child **at = &g->children;
	struct child **bucket = &g->child_index[bucket_of(id)];

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->gateway = g;
	snprintf(c->id, sizeof(c->id), "%s", id);
	c->same_bucket = *bucket;
	*bucket = c;
	while (*at)
		at = &(*at)->next;
	*at = c;
	return c;
}

struct device *child_device(const struct child *c)
{
	return registry_device(c->gateway->registry, c->id);
}

int child_put(struct store_commit *c, const struct child *child)
{
	const struct device *d = child_device(child);
	const struct config_class *klass = d ?
		gateway_class(child->gateway, d->class_name) : NULL;
	struct device_row row = {0};

	if (!d)
		return -ENOENT;
	snprintf(row.id, sizeof(row.id), "%s", d->id);
	snprintf(row.vendor, sizeof(row.vendor), "%s", d->vendor);
	snprintf(row.class_name, sizeof(row.class_name), "%s", d->class_name);
	snprintf(row.link, sizeof(row.link), "%s", d->link);
	snprintf(row.peer, sizeof(row.peer), "%s", d->key);
	row.enrolled_ms = d->enrolled_s * 1000;
	snprintf(row.enrolled_by, sizeof(row.enrolled_by), "%s",
		child->enrolled_by);
	snprintf(row.hw_revision, sizeof(row.hw_revision), "%s",
		d->hw_revision);
	snprintf(row.version, sizeof(row.version), "%s", d->version);
	memcpy(row.hash, d->hash, sizeof(row.hash));
	row.hash_len = d->hash_len;
	row.confirmed = d->confirmed == 1;
	row.read_ms = d->read_s * 1000;
	row.end_of_support_ms = klass ?
		klass->device.end_of_support_s * 1000 : 0;
	snprintf(row.note, sizeof(row.note), "%s", child->note);
	row.recalled_code = child->recalled.code;
	row.recalled_ms = child->recalled.since_ms;
	memcpy(row.recalled_manifest, child->recalled.manifest,
		sizeof(row.recalled_manifest));
	snprintf(row.recalled_reason, sizeof(row.recalled_reason), "%s",
		child->recalled.reason);
	return store_commit_device(c, &row);
}

struct saving {
	struct gateway *gateway;
	char id[REGISTRY_ID_SIZE];
};

static void not_saved(struct gateway *g, const char *id)
{
	struct child *c = child_find(g, id);

	if (!c)
		return;
	/* Jobs of a device that the database does not know cannot be stored. */
	c->unsaved = true;
	gateway_wake_at(g, SAVE_RETRY_MS);
}

static void on_saved(void *arg, int status)
{
	struct saving *s = arg;

	if (status)
		not_saved(s->gateway, s->id);
	free(s);
}

void child_save(struct child *child, const char *kind, const char *who)
{
	struct saving *s = malloc(sizeof(*s));
	struct store_commit *c = s ? store_commit_new() : NULL;
	const struct device *d = child_device(child);

	child->unsaved = false;
	if (!s) {
		not_saved(child->gateway, child->id);
		return;
	}
	s->gateway = child->gateway;
	memcpy(s->id, child->id, sizeof(s->id));
	child_put(c, child);
	if (kind && d)
		gateway_history(c, kind, d->vendor, d->id, 0, who, NULL);
	if (gateway_commit(child->gateway, c, on_saved, s)) {
		not_saved(child->gateway, child->id);
		free(s);
	}
}

int child_locate(const struct child *c, struct transport **ret_transport,
	char *ret_peer, size_t size, struct line **ret_line)
{
	const struct device *d = child_device(c);
	const char *link = d ? d->link : "";
	const char *key = d ? d->key : "";
	struct line *l;

	if (c->peer[0]) {
		link = c->peer_link;
		key = c->peer;
	}
	l = line_find(c->gateway, link);
	if (!d || !l || !l->up || !l->transport)
		return -EAGAIN;
	*ret_transport = l->transport;
	snprintf(ret_peer, size, "%s", key);
	if (ret_line)
		*ret_line = l;
	return 0;
}

size_t child_channel(const struct config_class *klass, struct ferry_kv *kv)
{
	for (unsigned i = 0; i < klass->channel_count; i++)
		kv[i] = (struct ferry_kv){klass->channel[i].key,
			klass->channel[i].value};
	return klass->channel_count;
}

void child_forget(struct child *c)
{
	struct child **at = &c->gateway->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	at = &c->gateway->child_index[bucket_of(c->id)];
	while (*at != c)
		at = &(*at)->same_bucket;
	*at = c->same_bucket;
	free(c);
}

void child_free_all(struct gateway *g)
{
	while (g->children) {
		struct child *next = g->children->next;

		free(g->children);
		g->children = next;
	}
}

#include "gateway/daemon/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/radio.h"

#define SAVE_RETRY_MS 5000
/* What is only good to know is not worth a write to flash each time. */
#define ATTRIBUTES_SAVE_MS (10 * 60 * 1000)
#define HEARD_SAVE_S (6 * 3600)
#define SAVES_MAX 256 /* of one commit */
#define VOLATILE "joined" /* counts how often a device came back */

static unsigned bucket_of(const char *id)
{
	return gateway_name_hash(id) % GATEWAY_CHILD_BUCKETS;
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

/* Its last sign of life. */
static int64_t heard_s(const struct child *c, const struct device *d)
{
	const struct line *l = line_find(c->gateway, d->link);
	int64_t heard = l && l->radio ? radio_heard_s(l->radio, d->key) :
		d->seen_s;

	/* A clock that was ahead when it was stored does not count for ever. */
	if (heard && d->heard_s > gateway_wall_ms() / 1000)
		return heard;
	return heard > d->heard_s ? heard : d->heard_s;
}

static void note_stored(struct child *c, struct device *d)
{
	d->heard_s = heard_s(c, d);
	c->stored_heard_s = d->heard_s;
	c->stored_attributes = attributes_hash(&d->attributes, VOLATILE);
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
	memcpy(row.attributes, d->attributes.at, d->attributes.len);
	row.attributes_len = d->attributes.len;
	row.heard_ms = heard_s(child, d) * 1000;
	row.on_trust = d->on_trust;
	return store_commit_device(c, &row);
}

static void read_record(const struct gateway *g, const struct device_row *row,
	struct device *ret)
{
	const struct config_class *klass = gateway_class(g, row->class_name);
	struct device record = {
		.confirmed = row->read_ms ? row->confirmed : -1,
		.enrolled_s = row->enrolled_ms / 1000,
		.read_s = row->read_ms / 1000,
		.hash_len = row->hash_len,
		.heard_s = row->heard_ms / 1000,
		.seen_s = row->heard_ms / 1000,
		.on_trust = row->on_trust,
	};

	snprintf(record.id, sizeof(record.id), "%.63s", row->id);
	snprintf(record.class_name, sizeof(record.class_name), "%.63s",
		row->class_name);
	/* The class may have been handed over since the row was written. */
	snprintf(record.vendor, sizeof(record.vendor), "%.63s", klass ?
		klass->vendor : row->vendor);
	snprintf(record.link, sizeof(record.link), "%.63s", row->link);
	snprintf(record.key, sizeof(record.key), "%.63s", row->peer);
	snprintf(record.hw_revision, sizeof(record.hw_revision), "%.23s",
		row->hw_revision);
	snprintf(record.version, sizeof(record.version), "%.39s", row->version);
	memcpy(record.hash, row->hash, sizeof(record.hash));
	if (attributes_restore(&record.attributes, bytes_of(row->attributes,
			row->attributes_len)))
		log_warn("child", "stored attributes cannot be used",
			"device=%s", record.id);
	*ret = record;
}

void child_load(struct gateway *g, const struct device_row *row)
{
	struct fault fault = {0};
	struct device record;
	struct child *child;

	read_record(g, row, &record);
	if (registry_load(g->registry, &record, &fault)) {
		log_error("child", "stored device cannot be used",
			"device=%s rule=\"%s\"", record.id, fault.rule);
		return;
	}
	child = child_of(g, record.id);
	if (!child)
		return;
	child->stored_heard_s = record.heard_s;
	child->stored_attributes = attributes_hash(&record.attributes,
		VOLATILE);
	snprintf(child->enrolled_by, sizeof(child->enrolled_by), "%s",
		row->enrolled_by);
	snprintf(child->note, sizeof(child->note), "%s", row->note);
	child->recalled = (struct child_recall){
		.code = row->recalled_code,
		.since_ms = row->recalled_ms,
	};
	memcpy(child->recalled.manifest, row->recalled_manifest,
		sizeof(child->recalled.manifest));
	snprintf(child->recalled.reason, sizeof(child->recalled.reason), "%s",
		row->recalled_reason);
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
	struct device *d = child_device(child);

	child->unsaved = false;
	if (!s) {
		not_saved(child->gateway, child->id);
		return;
	}
	s->gateway = child->gateway;
	memcpy(s->id, child->id, sizeof(s->id));
	child_put(c, child);
	if (d)
		note_stored(child, d);
	child->stored_ms = uv_now(child->gateway->loop);
	if (kind && d)
		gateway_history(c, kind, d->vendor, d->id, 0, who, NULL);
	if (gateway_commit(child->gateway, c, on_saved, s)) {
		not_saved(child->gateway, child->id);
		free(s);
	}
}

static bool has_news(const struct child *c, const struct device *d,
	int64_t least_s)
{
	int64_t heard = heard_s(c, d);

	return c->stored_attributes != attributes_hash(&d->attributes,
			VOLATILE) || heard < c->stored_heard_s ||
		heard >= c->stored_heard_s + least_s;
}

/* Milliseconds until what is known of it is to be stored; 0: now, UINT64_MAX:
 * there is nothing new. */
static uint64_t save_in_ms(const struct child *c, const struct device *d)
{
	uint64_t past = uv_now(c->gateway->loop) - c->stored_ms;

	if (!has_news(c, d, HEARD_SAVE_S))
		return UINT64_MAX;
	return !c->stored_ms || past >= ATTRIBUTES_SAVE_MS ? 0 :
		ATTRIBUTES_SAVE_MS - past;
}

void child_save_due(struct child *c)
{
	const struct device *d = child_device(c);
	uint64_t wait = !d ? UINT64_MAX : c->unsaved ? 0 : save_in_ms(c, d);

	if (!wait)
		child_save(c, NULL, NULL);
	else if (wait != UINT64_MAX)
		gateway_wake_at(c->gateway, wait);
}

void child_save_all(struct gateway *g)
{
	struct store_commit *commit = NULL;
	unsigned rows = 0;

	for (struct child *c = g->children; c; c = c->next) {
		struct device *d = child_device(c);

		if (!d || !has_news(c, d, 1))
			continue;
		if (!commit)
			commit = store_commit_new();
		child_put(commit, c);
		note_stored(c, d);
		if (++rows % SAVES_MAX)
			continue;
		gateway_commit(g, commit, NULL, NULL);
		commit = NULL;
	}
	if (commit)
		gateway_commit(g, commit, NULL, NULL);
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

#include "devices/registry_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* What the lists hold: a record, and how it is found. */
struct device_entry {
	struct device device; /* first */
	struct registry_spot spot;
};

struct candidate_entry {
	struct candidate candidate; /* first */
	struct registry_spot spot;
	struct keep_hook keep;
};

struct registry *registry_new(void)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->devices.max = REGISTRY_DEVICES_MAX;
	r->candidates.max = REGISTRY_CANDIDATES_MAX;
	keep_init(&r->keep, REGISTRY_PROVEN_MAX);
	return r;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	registry_list_done(&r->devices);
	registry_list_done(&r->candidates);
	free(r);
}

struct device *registry_device_at(struct registry *r, size_t i)
{
	return registry_list_at(&r->devices, i);
}

const struct candidate *registry_candidate_at(const struct registry *r,
	size_t i)
{
	return registry_list_at(&r->candidates, i);
}

struct device *registry_device_next(struct registry *r, uint64_t *cursor)
{
	return registry_list_next(&r->devices, cursor);
}

const struct candidate *registry_candidate_next(const struct registry *r,
	uint64_t *cursor)
{
	return registry_list_next(&r->candidates, cursor);
}

size_t registry_device_count(const struct registry *r)
{
	return r->devices.count;
}

size_t registry_candidate_count(const struct registry *r)
{
	return r->candidates.count;
}

struct device *registry_device(struct registry *r, const char *id)
{
	/* Who walks all devices asks for them in their order: the search begins
	 * where the last one ended. */
	for (size_t n = 0; id && n < r->devices.count; n++) {
		size_t i = (r->found + n) % r->devices.count;
		struct device *d = r->devices.at[i].record;

		if (strcmp(d->id, id))
			continue;
		r->found = i;
		return d;
	}
	return NULL;
}

/* ---- records by their peer ---- */

static struct device_entry *device_entry(struct device *d)
{
	return (struct device_entry *)(void *)d;
}

static struct candidate_entry *candidate_entry(struct candidate *c)
{
	return (struct candidate_entry *)(void *)c;
}

void registry_unplace_device(struct registry *r, struct device *d)
{
	registry_index_drop(&r->device_index, &device_entry(d)->spot);
}

void registry_place_device(struct registry *r, struct device *d)
{
	struct registry_spot *s = &device_entry(d)->spot;

	*s = (struct registry_spot){.link = d->link, .key = d->key};
	registry_index_add(&r->device_index, s);
}

void registry_drop_device(struct registry *r, struct device *d)
{
	registry_unplace_device(r, d);
	registry_list_drop(&r->devices, d);
}

struct device *registry_device_of_peer(struct registry *r, const char *link,
	const char *key)
{
	struct registry_spot *s = registry_index_find(&r->device_index, link,
		key);

	return s ? &KEEP_ENTRY(s, struct device_entry, spot)->device : NULL;
}

struct candidate *registry_find_candidate(const struct registry *r,
	const char *link, const char *key)
{
	struct registry_spot *s = registry_index_find(&r->candidate_index,
		link, key);

	return s ? &KEEP_ENTRY(s, struct candidate_entry, spot)->candidate :
		NULL;
}

const struct candidate *registry_candidate(const struct registry *r,
	const char *link, const char *key)
{
	return registry_find_candidate(r, link, key);
}

const struct device_class *registry_class(const struct registry *r,
	const char *name)
{
	for (size_t i = 0; name && i < r->class_count; i++)
		if (!strcmp(r->classes[i]->name, name))
			return r->classes[i];
	return NULL;
}

bool registry_set_text(char *to, size_t size, const char *from)
{
	char text[128];

	assert(size <= sizeof(text));
	bytes_to_printable(bytes_of_text(from), text, size);
	if (!strcmp(to, text))
		return false;
	memcpy(to, text, strlen(text) + 1);
	return true;
}

int registry_check_id(const char *id, struct fault *f)
{
	size_t len = strlen(id);

	if (len == 0 || len >= REGISTRY_ID_SIZE)
		return fault_set(f, ERR_REGISTRY_ID, 0, "id",
			"must have 1 to %d characters", REGISTRY_ID_SIZE - 1);
	for (size_t i = 0; i < len; i++) {
		char c = id[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (plain || (i && (c == '.' || c == '_' || c == '-')))
			continue;
		return fault_set(f, ERR_REGISTRY_ID, i, "id",
			"may hold a-z 0-9 and, not first, . _ -");
	}
	return 0;
}

int registry_add_device(struct registry *r, const struct device *record,
	struct device **ret, struct fault *f)
{
	struct device_entry *entry;
	int rc = registry_check_id(record->id, f);

	if (rc)
		return rc;
	if (registry_device(r, record->id))
		return fault_set(f, ERR_REGISTRY_ID_TAKEN, 0, "id",
			"%s is another device", record->id);
	if (registry_device_of_peer(r, record->link, record->key))
		return fault_set(f, ERR_REGISTRY_PEER_TAKEN, 0, "key",
			"%s on %s belongs to another device", record->key,
			record->link);
	entry = malloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->device = *record;
	rc = registry_list_add(&r->devices, entry);
	if (rc) {
		free(entry);
		return rc == -ENOMEM ? rc : fault_set(f, ERR_REGISTRY_FULL, 0,
			"devices", "at most %d", REGISTRY_DEVICES_MAX);
	}
	registry_place_device(r, &entry->device);
	*ret = &entry->device;
	return 0;
}

int registry_load(struct registry *r, const struct device *record,
	struct fault *f)
{
	struct device *d;
	int rc = registry_add_device(r, record, &d, f);

	if (rc)
		return rc;
	d->present = false;
	d->health = DEVICE_HEALTH_UNKNOWN;
	return 0;
}

void registry_settle_candidate(struct registry *r, struct candidate *c)
{
	keep_set(&r->keep, &candidate_entry(c)->keep, !c->present ? KEEP_GONE :
		c->doubtful ? KEEP_STRANGER : KEEP_PROVEN);
}

void registry_drop_candidate(struct registry *r, struct candidate *c)
{
	registry_index_drop(&r->candidate_index, &candidate_entry(c)->spot);
	keep_drop(&r->keep, &candidate_entry(c)->keep);
	registry_list_drop(&r->candidates, c);
}

int registry_add_candidate(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct candidate **ret)
{
	struct candidate_entry *entry;
	struct keep_hook *out;
	struct candidate *c;
	int rc;

	if (r->candidates.count == r->candidates.max) {
		out = keep_next_out(&r->keep);
		registry_drop_candidate(r, &KEEP_ENTRY(out,
			struct candidate_entry, keep)->candidate);
	}
	entry = calloc(1, sizeof(*entry));
	rc = entry ? registry_list_add(&r->candidates, entry) : -ENOMEM;
	if (rc) {
		free(entry);
		return rc;
	}
	c = &entry->candidate;
	registry_set_text(c->link, sizeof(c->link), sight->link);
	registry_set_text(c->key, sizeof(c->key), sight->key);
	c->first_seen_s = now_s;
	entry->spot = (struct registry_spot){.link = c->link, .key = c->key};
	registry_index_add(&r->candidate_index, &entry->spot);
	*ret = c;
	return 0;
}

const char *device_health_name(enum device_health health)
{
	switch (health) {
	case DEVICE_HEALTH_UNKNOWN:
		return "unknown";
	case DEVICE_HEALTH_GOOD:
		return "good";
	case DEVICE_HEALTH_SILENT:
		return "silent";
	case DEVICE_HEALTH_ABSENT:
		return "absent";
	}
	return "unknown";
}

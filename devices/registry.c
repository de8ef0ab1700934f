#include "devices/registry.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/keep.h"
#include "devices/registry_index.h"

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

/* Lists of pointers, grown in steps up to their limit: records keep their
 * address for as long as they exist, positions may move. */
struct list {
	void **at;
	size_t count;
	size_t size;
	size_t max;
};

struct registry {
	struct list devices;
	struct list candidates;
	struct registry_index device_index;
	struct registry_index candidate_index;
	struct keep keep; /* candidates */
	const struct device_class *const *classes;
	size_t class_count;
	size_t found; /* position of the device that was asked for last */
};

static int list_add(struct list *list, void *take_record)
{
	size_t size = list->size ? list->size * 2 : 16;
	void **at;

	if (list->count == list->max)
		return -ENOBUFS;
	if (list->count == list->size) {
		if (size > list->max)
			size = list->max;
		at = realloc(list->at, size * sizeof(*at));
		if (!at)
			return -ENOMEM;
		list->at = at;
		list->size = size;
	}
	list->at[list->count++] = take_record;
	return 0;
}

static void list_drop(struct list *list, const void *record)
{
	size_t i = 0;

	while (i < list->count && list->at[i] != record)
		i++;
	assert(i < list->count);
	free(list->at[i]);
	list->count--;
	memmove(list->at + i, list->at + i + 1,
		(list->count - i) * sizeof(*list->at));
}

static void list_done(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
}

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
	list_done(&r->devices);
	list_done(&r->candidates);
	free(r);
}

struct device *registry_device_at(struct registry *r, size_t i)
{
	return i < r->devices.count ? r->devices.at[i] : NULL;
}

const struct candidate *registry_candidate_at(const struct registry *r,
	size_t i)
{
	return i < r->candidates.count ? r->candidates.at[i] : NULL;
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
		struct device *d = r->devices.at[i];

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

/* Around a change of its link or key. */
static void unplace_device(struct registry *r, struct device *d)
{
	registry_index_drop(&r->device_index, &device_entry(d)->spot);
}

static void place_device(struct registry *r, struct device *d)
{
	struct registry_spot *s = &device_entry(d)->spot;

	*s = (struct registry_spot){.link = d->link, .key = d->key};
	registry_index_add(&r->device_index, s);
}

static void drop_device(struct registry *r, struct device *d)
{
	unplace_device(r, d);
	list_drop(&r->devices, d);
}

static void drop_candidate(struct registry *r, struct candidate *c)
{
	registry_index_drop(&r->candidate_index, &candidate_entry(c)->spot);
	keep_drop(&r->keep, &candidate_entry(c)->keep);
	list_drop(&r->candidates, c);
}

struct device *registry_device_of_peer(struct registry *r, const char *link,
	const char *key)
{
	struct registry_spot *s = registry_index_find(&r->device_index, link,
		key);

	return s ? &KEEP_ENTRY(s, struct device_entry, spot)->device : NULL;
}

static struct candidate *find_candidate(const struct registry *r,
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
	return find_candidate(r, link, key);
}

const struct device_class *registry_class(const struct registry *r,
	const char *name)
{
	for (size_t i = 0; name && i < r->class_count; i++)
		if (!strcmp(r->classes[i]->name, name))
			return r->classes[i];
	return NULL;
}

/* Copies text from outside: printable ASCII, cut to fit. True on a change. */
static bool set_text(char *to, size_t size, const char *from)
{
	char text[128];

	assert(size <= sizeof(text));
	bytes_to_printable(bytes_of_text(from), text, size);
	if (!strcmp(to, text))
		return false;
	memcpy(to, text, strlen(text) + 1);
	return true;
}

static struct peer_sight sight_of_candidate(const struct candidate *c,
	struct peer_attribute attributes[ATTRIBUTES_MAX])
{
	return (struct peer_sight){
		.driver = c->driver,
		.link = c->link,
		.key = c->key,
		.address = c->address,
		.id_kind = c->id_kind,
		.attributes = attributes,
		.attribute_count = attributes_list(&c->attributes, attributes),
	};
}

static struct peer_sight sight_of_device(const struct device *d,
	struct peer_attribute attributes[ATTRIBUTES_MAX])
{
	return (struct peer_sight){
		.driver = d->driver,
		.link = d->link,
		.key = d->key,
		.address = d->address,
		.id_kind = d->id_kind,
		.attributes = attributes,
		.attribute_count = attributes_list(&d->attributes, attributes),
	};
}

static const struct device_class *suggest(const struct registry *r,
	const struct peer_sight *sight)
{
	for (size_t i = 0; i < r->class_count; i++)
		if (class_matches(r->classes[i], sight))
			return r->classes[i];
	return NULL;
}

void registry_set_classes(struct registry *r,
	const struct device_class *const *classes, size_t count)
{
	r->classes = classes;
	r->class_count = count;
	for (size_t i = 0; i < r->candidates.count; i++) {
		struct candidate *c = r->candidates.at[i];
		struct peer_attribute attributes[ATTRIBUTES_MAX];
		const struct device_class *klass;
		struct peer_sight sight;

		sight = sight_of_candidate(c, attributes);
		klass = suggest(r, &sight);
		set_text(c->suggested_class, sizeof(c->suggested_class),
			klass ? klass->name : "");
	}
}

static int check_id(const char *id, struct fault *f)
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

static int check_text(const char *text, size_t size, const char *field,
	struct fault *f)
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || len >= size)
		return fault_set(f, ERR_REGISTRY_SIGHT, 0, field,
			"must have 1 to %zu characters", size - 1);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return fault_set(f, ERR_REGISTRY_SIGHT, i, field,
				"must be printable without spaces");
	return 0;
}

static int add_device(struct registry *r, const struct device *record,
	struct device **ret, struct fault *f)
{
	struct device_entry *entry;
	int rc = check_id(record->id, f);

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
	rc = list_add(&r->devices, entry);
	if (rc) {
		free(entry);
		return rc == -ENOMEM ? rc : fault_set(f, ERR_REGISTRY_FULL, 0,
			"devices", "at most %d", REGISTRY_DEVICES_MAX);
	}
	place_device(r, &entry->device);
	*ret = &entry->device;
	return 0;
}

int registry_load(struct registry *r, const struct device *record,
	struct fault *f)
{
	struct device *d;
	int rc = add_device(r, record, &d, f);

	if (rc)
		return rc;
	d->present = false;
	d->health = DEVICE_HEALTH_UNKNOWN;
	return 0;
}

static const char *sight_text(const struct peer_sight *sight, const char *name)
{
	const char *value = peer_attribute(sight, name);

	return value ? value : "";
}

static void take_hw(struct device *d, const struct device_class *c,
	const struct peer_sight *sight)
{
	const char *value = NULL;

	if (c && c->hw_source == CLASS_HW_FIXED)
		value = c->hw_value;
	else if (c && c->hw_source == CLASS_HW_ATTRIBUTE)
		value = peer_attribute(sight, c->hw_value);
	if (value)
		set_text(d->hw_revision, sizeof(d->hw_revision), value);
}

/* A sight of an enrolled device. True when its record changed. */
static bool device_seen(struct registry *r, struct device *d,
	const struct peer_sight *sight, int64_t now_s)
{
	const struct device_class *c = registry_class(r, d->class_name);
	char hw[sizeof(d->hw_revision)];
	bool changed = false;

	memcpy(hw, d->hw_revision, sizeof(hw));
	d->present = true;
	d->seen_s = now_s;
	if (d->health == DEVICE_HEALTH_ABSENT)
		d->health = DEVICE_HEALTH_UNKNOWN;
	changed |= set_text(d->driver, sizeof(d->driver), sight->driver);
	if (strcmp(d->key, sight->key)) {
		unplace_device(r, d);
		set_text(d->key, sizeof(d->key), sight->key);
		place_device(r, d);
		changed = true;
	}
	if (sight->address)
		changed |= set_text(d->address, sizeof(d->address),
			sight->address);
	if (peer_attribute(sight, "usb_serial"))
		changed |= set_text(d->usb_serial, sizeof(d->usb_serial),
			sight_text(sight, "usb_serial"));
	changed |= d->id_kind != sight->id_kind;
	d->id_kind = sight->id_kind;
	attributes_keep(&d->attributes, sight->attributes,
		sight->attribute_count);
	take_hw(d, c, sight);
	return changed || strcmp(hw, d->hw_revision) != 0;
}

static int add_candidate(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct candidate **ret)
{
	struct candidate_entry *entry;
	struct keep_hook *out;
	struct candidate *c;
	int rc;

	if (r->candidates.count == r->candidates.max) {
		out = keep_next_out(&r->keep);
		drop_candidate(r, &KEEP_ENTRY(out, struct candidate_entry,
			keep)->candidate);
	}
	entry = calloc(1, sizeof(*entry));
	rc = entry ? list_add(&r->candidates, entry) : -ENOMEM;
	if (rc) {
		free(entry);
		return rc;
	}
	c = &entry->candidate;
	set_text(c->link, sizeof(c->link), sight->link);
	set_text(c->key, sizeof(c->key), sight->key);
	c->first_seen_s = now_s;
	entry->spot = (struct registry_spot){.link = c->link, .key = c->key};
	registry_index_add(&r->candidate_index, &entry->spot);
	*ret = c;
	return 0;
}

static void settle_candidate(struct registry *r, struct candidate *c)
{
	keep_set(&r->keep, &candidate_entry(c)->keep, !c->present ? KEEP_GONE :
		c->doubtful ? KEEP_STRANGER : KEEP_PROVEN);
}

static int candidate_seen(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct candidate **ret)
{
	struct candidate *c = find_candidate(r, sight->link, sight->key);
	const struct device_class *klass = suggest(r, sight);
	const char *product = peer_attribute(sight, "product");
	int rc = c ? 0 : add_candidate(r, sight, now_s, &c);

	if (rc)
		return rc;
	set_text(c->driver, sizeof(c->driver), sight->driver);
	set_text(c->address, sizeof(c->address),
		sight->address ? sight->address : "");
	set_text(c->usb_serial, sizeof(c->usb_serial),
		sight_text(sight, "usb_serial"));
	set_text(c->product, sizeof(c->product),
		product ? product : sight_text(sight, "name"));
	set_text(c->suggested_class, sizeof(c->suggested_class),
		klass ? klass->name : "");
	attributes_keep(&c->attributes, sight->attributes,
		sight->attribute_count);
	c->id_kind = sight->id_kind;
	c->present = true;
	c->doubtful = sight->doubtful;
	c->seen_s = now_s;
	settle_candidate(r, c);
	*ret = c;
	return 0;
}

/* A peer that changed its key, as the link itself says, stays the same. */
static struct device *device_of_sight(struct registry *r,
	const struct peer_sight *sight)
{
	struct device *d = registry_device_of_peer(r, sight->link, sight->key);

	if (!d && sight->was && sight->was[0])
		d = registry_device_of_peer(r, sight->link, sight->was);
	return d;
}

static int check_sight(const struct peer_sight *sight, struct fault *f)
{
	int rc = check_text(sight->link, REGISTRY_LINK_SIZE, "link", f);

	if (rc == 0)
		rc = check_text(sight->key, REGISTRY_KEY_SIZE, "key", f);
	if (rc == 0)
		rc = check_text(sight->driver, 32, "driver", f);
	return rc;
}

int registry_show(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct fault *f)
{
	struct candidate *c;
	int rc = check_sight(sight, f);

	if (rc == 0 && !registry_device_of_peer(r, sight->link, sight->key))
		rc = candidate_seen(r, sight, now_s, &c);
	return rc;
}

int registry_see(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct device **ret_device, struct fault *f)
{
	struct candidate *c;
	const struct device_class *klass;
	struct device *d;
	int rc;

	*ret_device = NULL;
	rc = check_sight(sight, f);
	if (rc)
		return rc;
	d = device_of_sight(r, sight);
	if (d) {
		*ret_device = d;
		return device_seen(r, d, sight, now_s) ?
			REGISTRY_SIGHT_CHANGED : REGISTRY_SIGHT_DEVICE;
	}
	rc = candidate_seen(r, sight, now_s, &c);
	if (rc)
		return rc;
	klass = registry_class(r, c->suggested_class);
	if (!klass || !klass->auto_enrol || sight->on_hold ||
			sight->id_kind == PEER_ID_EPHEMERAL)
		return REGISTRY_SIGHT_CANDIDATE;
	if (registry_enrol(r, sight->link, sight->key, klass->name, NULL,
				now_s, ret_device, NULL))
		return REGISTRY_SIGHT_CANDIDATE;
	return REGISTRY_SIGHT_ENROLLED;
}

static void lose_device(struct device *d)
{
	d->present = false;
	d->health = DEVICE_HEALTH_ABSENT;
}

static void lose_candidate(struct registry *r, struct candidate *c)
{
	c->present = false;
	settle_candidate(r, c);
}

static void lose_all(struct registry *r, const char *link)
{
	for (size_t i = 0; i < r->devices.count; i++) {
		struct device *d = r->devices.at[i];

		if (!strcmp(d->link, link))
			lose_device(d);
	}
	for (size_t i = 0; i < r->candidates.count; i++) {
		struct candidate *c = r->candidates.at[i];

		if (!strcmp(c->link, link))
			lose_candidate(r, c);
	}
}

void registry_lose(struct registry *r, const char *link, const char *key)
{
	struct device *d = key ? registry_device_of_peer(r, link, key) : NULL;
	struct candidate *c = key ? find_candidate(r, link, key) : NULL;

	if (!key)
		lose_all(r, link);
	if (d)
		lose_device(d);
	if (c)
		lose_candidate(r, c);
}

static int choose_candidate(struct registry *r, const char *link,
	const char *key, struct candidate **ret, struct fault *f)
{
	struct candidate *found = NULL;

	for (size_t i = 0; key && i < r->candidates.count; i++) {
		struct candidate *c = r->candidates.at[i];

		if (strcmp(c->key, key) != 0 ||
				(link && strcmp(c->link, link) != 0))
			continue;
		if (found)
			return fault_set(f, ERR_REGISTRY_MANY_PEERS, 0, "key",
				"name the link too: %s and %s see it",
				found->link, c->link);
		found = c;
	}
	if (!found) {
		fault_set(f, ERR_REGISTRY_NO_PEER, 0, "key",
			"must be that of a candidate");
		return ERR_REGISTRY_NO_PEER;
	}
	*ret = found;
	return 0;
}

static int need_class(const struct registry *r, const char *name,
	const struct device_class **ret, struct fault *f)
{
	char shown[CLASS_NAME_SIZE];

	*ret = registry_class(r, name);
	if (*ret)
		return 0;
	fault_set(f, ERR_REGISTRY_NO_CLASS, 0, "class",
		"must name a class of classes.d: %s",
		bytes_to_printable(bytes_of_text(name), shown, sizeof(shown)));
	return ERR_REGISTRY_NO_CLASS;
}

static int need_device(struct registry *r, const char *id, struct device **ret,
	struct fault *f)
{
	*ret = registry_device(r, id);
	if (*ret)
		return 0;
	fault_set(f, ERR_REGISTRY_NO_DEVICE, 0, "id",
		"must be that of an enrolled device");
	return ERR_REGISTRY_NO_DEVICE;
}

/* "class-N" with the first N that is free, characters an id may not hold
 * replaced. */
static int make_id(struct registry *r, const char *class_name, char *id)
{
	char base[48];
	size_t i;

	for (i = 0; class_name[i] && i + 1 < sizeof(base); i++) {
		char c = (char)tolower((unsigned char)class_name[i]);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		base[i] = plain || (i && strchr("._-", c)) ? c : i ? '-' : 'd';
	}
	base[i] = '\0';
	for (unsigned n = 1; n <= REGISTRY_DEVICES_MAX + 1; n++) {
		snprintf(id, REGISTRY_ID_SIZE, "%s-%u", base, n);
		if (!registry_device(r, id))
			return 0;
	}
	return -ENOBUFS;
}

/* What is known by its place is called like the link that leads there: the name
 * that a person gave it in links.d. */
static bool take_link_name(struct registry *r, const struct candidate *c,
	char *id)
{
	if (c->id_kind != PEER_ID_PLACE || check_id(c->link, NULL) ||
			registry_device(r, c->link))
		return false;
	memcpy(id, c->link, strlen(c->link) + 1);
	return true;
}

static void forget_reading(struct device *d)
{
	d->version[0] = '\0';
	d->hash_len = 0;
	d->confirmed = -1;
	d->read_s = 0;
	d->hw_revision[0] = '\0';
	d->health = DEVICE_HEALTH_UNKNOWN;
}

/* Other hardware stands behind the record: nothing read from it counts. */
static void take_candidate(struct device *d, const struct candidate *c,
	const struct device_class *klass)
{
	struct peer_attribute attributes[ATTRIBUTES_MAX];
	struct peer_sight sight;

	memcpy(d->driver, c->driver, sizeof(d->driver));
	memcpy(d->link, c->link, sizeof(d->link));
	memcpy(d->key, c->key, sizeof(d->key));
	memcpy(d->address, c->address, sizeof(d->address));
	memcpy(d->usb_serial, c->usb_serial, sizeof(d->usb_serial));
	d->id_kind = c->id_kind;
	d->present = c->present;
	d->seen_s = c->seen_s;
	d->attributes = c->attributes;
	forget_reading(d);
	sight = sight_of_candidate(c, attributes);
	take_hw(d, klass, &sight);
}

int registry_enrol(struct registry *r, const char *link, const char *key,
	const char *class_name, const char *id, int64_t now_s,
	struct device **ret, struct fault *f)
{
	const struct device_class *klass;
	struct device record = {0};
	struct candidate *c;
	int rc = choose_candidate(r, link, key, &c, f);

	if (rc)
		return rc;
	rc = need_class(r, class_name ? class_name : c->suggested_class,
		&klass, f);
	if (rc == 0 && id)
		rc = check_id(id, f);
	if (rc)
		return rc;
	if (id)
		memcpy(record.id, id, strlen(id) + 1);
	else if (!take_link_name(r, c, record.id) &&
			make_id(r, klass->name, record.id))
		return fault_set(f, ERR_REGISTRY_FULL, 0, "id",
			"no number is left for class %s", klass->name);
	memcpy(record.class_name, klass->name, sizeof(record.class_name));
	memcpy(record.vendor, klass->vendor, sizeof(record.vendor));
	record.enrolled_s = now_s;
	take_candidate(&record, c, klass);
	rc = add_device(r, &record, ret, f);
	if (rc == 0)
		drop_candidate(r, c);
	return rc;
}

int registry_classify(struct registry *r, const char *id,
	const char *class_name, struct device **ret, struct fault *f)
{
	struct peer_attribute attributes[ATTRIBUTES_MAX];
	const struct device_class *klass;
	struct peer_sight sight;
	struct device *d;
	int rc = need_device(r, id, &d, f);

	if (rc == 0)
		rc = need_class(r, class_name, &klass, f);
	if (rc)
		return rc;
	memcpy(d->class_name, klass->name, sizeof(d->class_name));
	memcpy(d->vendor, klass->vendor, sizeof(d->vendor));
	forget_reading(d);
	sight = sight_of_device(d, attributes);
	take_hw(d, klass, &sight);
	*ret = d;
	return 0;
}

int registry_replace(struct registry *r, const char *id, const char *link,
	const char *key, int64_t now_s, struct device **ret, struct fault *f)
{
	struct candidate *c;
	struct device *d;
	int rc = need_device(r, id, &d, f);

	if (rc == 0)
		rc = choose_candidate(r, link, key, &c, f);
	if (rc)
		return rc;
	unplace_device(r, d);
	take_candidate(d, c, registry_class(r, d->class_name));
	place_device(r, d);
	d->enrolled_s = now_s;
	drop_candidate(r, c);
	*ret = d;
	return 0;
}

int registry_forget(struct registry *r, const char *id, int64_t now_s,
	struct fault *f)
{
	struct peer_attribute attributes[ATTRIBUTES_MAX];
	struct peer_sight sight;
	struct candidate *c;
	struct device *d;
	int rc = need_device(r, id, &d, f);

	if (rc)
		return rc;
	if (d->present) {
		sight = sight_of_device(d, attributes);
		rc = candidate_seen(r, &sight, now_s, &c);
		if (rc)
			return rc;
	}
	drop_device(r, d);
	return 0;
}

const struct class_match *registry_mismatch(const struct registry *r,
	const struct device *d, const char **ret_value)
{
	struct peer_attribute attributes[ATTRIBUTES_MAX];
	const struct device_class *c = registry_class(r, d->class_name);
	struct peer_sight sight = sight_of_device(d, attributes);

	if (!c || !d->seen_s)
		return NULL;
	return class_mismatch(c, &sight, ret_value);
}

bool registry_take_facts(struct device *d, const struct engine_facts *facts,
	int64_t now_s)
{
	bool changed = false;

	changed |= set_text(d->version, sizeof(d->version), facts->version);
	if (facts->hash_len != d->hash_len ||
			memcmp(d->hash, facts->hash, d->hash_len) != 0) {
		memcpy(d->hash, facts->hash, facts->hash_len);
		d->hash_len = facts->hash_len;
		changed = true;
	}
	changed |= d->confirmed != facts->confirmed;
	d->confirmed = facts->confirmed;
	if (facts->hw_revision[0])
		changed |= set_text(d->hw_revision, sizeof(d->hw_revision),
			facts->hw_revision);
	d->read_s = now_s;
	d->seen_s = now_s;
	d->health = DEVICE_HEALTH_GOOD;
	return changed;
}

/* Adds one to the last octet of "aa:bb:cc:dd:ee:ff", without a carry: the
 * bootloader of the nRF5 SDK does the same (FF becomes 00). */
static bool is_address_plus_1(const char *old, const char *now)
{
	size_t len = strlen(old);
	uint8_t a, b;

	if (len < 2 || strlen(now) != len ||
			strncasecmp(old, now, len - 2) != 0)
		return false;
	if (bytes_from_hex(old + len - 2, &a, 1) ||
			bytes_from_hex(now + len - 2, &b, 1))
		return false;
	return b == (uint8_t)(a + 1);
}

bool registry_reappears(const struct device *d, const struct device_class *c,
	const struct peer_sight *sight)
{
	const char *serial = peer_attribute(sight, "usb_serial");
	bool same_link = !strcmp(d->link, sight->link);

	if (same_link && !strcmp(d->key, sight->key))
		return true;
	switch (c->reappear) {
	case CLASS_REAPPEAR_SAME_KEY:
		return same_link && sight->was && !strcmp(d->key, sight->was);
	case CLASS_REAPPEAR_SAME_LINK:
		return same_link;
	case CLASS_REAPPEAR_USB_SERIAL:
		return d->usb_serial[0] && serial &&
			!strcmp(d->usb_serial, serial) &&
			!strcmp(d->driver, sight->driver);
	case CLASS_REAPPEAR_ADDRESS_PLUS_1:
		return same_link && sight->address &&
			(!strcasecmp(d->address, sight->address) ||
			 is_address_plus_1(d->address, sight->address));
	}
	return false;
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

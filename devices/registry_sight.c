/* What links tell of peers: who is there, what they say of themselves, and who
 * comes back as whom. */
#include "devices/registry_priv.h"

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
		struct candidate *c = r->candidates.at[i].record;
		struct peer_attribute attributes[ATTRIBUTES_MAX];
		const struct device_class *klass;
		struct peer_sight sight;

		sight = sight_of_candidate(c, attributes);
		klass = suggest(r, &sight);
		registry_set_text(c->suggested_class,
			sizeof(c->suggested_class),
			klass ? klass->name : "");
	}
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

static int check_sight(const struct peer_sight *sight, struct fault *f)
{
	int rc = check_text(sight->link, REGISTRY_LINK_SIZE, "link", f);

	if (rc == 0)
		rc = check_text(sight->key, REGISTRY_KEY_SIZE, "key", f);
	if (rc == 0)
		rc = check_text(sight->driver, 32, "driver", f);
	return rc;
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
		registry_set_text(d->hw_revision, sizeof(d->hw_revision),
			value);
}

void registry_read_hw(struct device *d, const struct device_class *c)
{
	struct peer_attribute attributes[ATTRIBUTES_MAX];
	struct peer_sight sight = sight_of_device(d, attributes);

	take_hw(d, c, &sight);
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
	changed |= registry_set_text(d->driver, sizeof(d->driver),
		sight->driver);
	if (strcmp(d->key, sight->key)) {
		registry_unplace_device(r, d);
		registry_set_text(d->key, sizeof(d->key), sight->key);
		registry_place_device(r, d);
		changed = true;
	}
	if (sight->address)
		changed |= registry_set_text(d->address, sizeof(d->address),
			sight->address);
	if (peer_attribute(sight, "usb_serial"))
		changed |= registry_set_text(d->usb_serial,
			sizeof(d->usb_serial),
			sight_text(sight, "usb_serial"));
	changed |= d->id_kind != sight->id_kind;
	d->id_kind = sight->id_kind;
	attributes_keep(&d->attributes, sight->attributes,
		sight->attribute_count);
	take_hw(d, c, sight);
	return changed || strcmp(hw, d->hw_revision) != 0;
}

static int candidate_seen(struct registry *r, const struct peer_sight *sight,
	int64_t now_s, struct candidate **ret)
{
	struct candidate *c = registry_find_candidate(r, sight->link,
		sight->key);
	const struct device_class *klass = suggest(r, sight);
	const char *product = peer_attribute(sight, "product");
	int rc = c ? 0 : registry_add_candidate(r, sight, now_s, &c);

	if (rc)
		return rc;
	registry_set_text(c->driver, sizeof(c->driver), sight->driver);
	registry_set_text(c->address, sizeof(c->address),
		sight->address ? sight->address : "");
	registry_set_text(c->usb_serial, sizeof(c->usb_serial),
		sight_text(sight, "usb_serial"));
	registry_set_text(c->product, sizeof(c->product),
		product ? product : sight_text(sight, "name"));
	registry_set_text(c->suggested_class, sizeof(c->suggested_class),
		klass ? klass->name : "");
	attributes_keep(&c->attributes, sight->attributes,
		sight->attribute_count);
	c->id_kind = sight->id_kind;
	c->present = true;
	c->doubtful = sight->doubtful;
	c->seen_s = now_s;
	registry_settle_candidate(r, c);
	*ret = c;
	return 0;
}

int registry_show_device(struct registry *r, const struct device *d,
	int64_t now_s)
{
	struct peer_attribute attributes[ATTRIBUTES_MAX];
	struct peer_sight sight = sight_of_device(d, attributes);
	struct candidate *c;

	return candidate_seen(r, &sight, now_s, &c);
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
	registry_settle_candidate(r, c);
}

static void lose_all(struct registry *r, const char *link)
{
	for (size_t i = 0; i < r->devices.count; i++) {
		struct device *d = r->devices.at[i].record;

		if (!strcmp(d->link, link))
			lose_device(d);
	}
	for (size_t i = 0; i < r->candidates.count; i++) {
		struct candidate *c = r->candidates.at[i].record;

		if (!strcmp(c->link, link))
			lose_candidate(r, c);
	}
}

void registry_lose(struct registry *r, const char *link, const char *key)
{
	struct device *d = key ? registry_device_of_peer(r, link, key) : NULL;
	struct candidate *c = key ? registry_find_candidate(r, link, key) :
		NULL;

	if (!key)
		lose_all(r, link);
	if (d)
		lose_device(d);
	if (c)
		lose_candidate(r, c);
}

const struct class_match *registry_mismatch(const struct registry *r,
	const struct device *d, const char **ret_value)
{
	struct peer_attribute attributes[ATTRIBUTES_MAX];
	const struct device_class *c = registry_class(r, d->class_name);
	struct peer_sight sight = sight_of_device(d, attributes);

	if (!c || !d->driver[0])
		return NULL;
	return class_mismatch(c, &sight, ret_value);
}

bool registry_take_facts(struct device *d, const struct engine_facts *facts,
	int64_t now_s)
{
	bool changed = false;

	changed |= registry_set_text(d->version, sizeof(d->version),
		facts->version);
	if (facts->hash_len != d->hash_len ||
			memcmp(d->hash, facts->hash, d->hash_len) != 0) {
		memcpy(d->hash, facts->hash, facts->hash_len);
		d->hash_len = facts->hash_len;
		changed = true;
	}
	changed |= d->confirmed != facts->confirmed;
	d->confirmed = facts->confirmed;
	if (facts->hw_revision[0])
		changed |= registry_set_text(d->hw_revision,
			sizeof(d->hw_revision),
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

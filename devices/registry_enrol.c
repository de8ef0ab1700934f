/* What people decide: which candidate is a device, of which class, and which
 * device is one no longer. */
#include "devices/registry_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static int choose_candidate(struct registry *r, const char *link,
	const char *key, struct candidate **ret, struct fault *f)
{
	struct candidate *found = NULL;

	for (size_t i = 0; key && i < r->candidates.count; i++) {
		struct candidate *c = r->candidates.at[i].record;

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
	if (c->id_kind != PEER_ID_PLACE || registry_check_id(c->link, NULL) ||
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
	memcpy(d->driver, c->driver, sizeof(d->driver));
	memcpy(d->link, c->link, sizeof(d->link));
	memcpy(d->key, c->key, sizeof(d->key));
	memcpy(d->address, c->address, sizeof(d->address));
	memcpy(d->usb_serial, c->usb_serial, sizeof(d->usb_serial));
	d->id_kind = c->id_kind;
	d->present = c->present;
	d->seen_s = c->seen_s;
	d->heard_s = 0;
	d->attributes = c->attributes;
	d->on_trust = false;
	forget_reading(d);
	registry_read_hw(d, klass);
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
		rc = registry_check_id(id, f);
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
	rc = registry_add_device(r, &record, ret, f);
	if (rc == 0)
		registry_drop_candidate(r, c);
	return rc;
}

int registry_classify(struct registry *r, const char *id,
	const char *class_name, struct device **ret, struct fault *f)
{
	const struct device_class *klass;
	struct device *d;
	int rc = need_device(r, id, &d, f);

	if (rc == 0)
		rc = need_class(r, class_name, &klass, f);
	if (rc)
		return rc;
	memcpy(d->class_name, klass->name, sizeof(d->class_name));
	memcpy(d->vendor, klass->vendor, sizeof(d->vendor));
	forget_reading(d);
	registry_read_hw(d, klass);
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
	registry_unplace_device(r, d);
	take_candidate(d, c, registry_class(r, d->class_name));
	registry_place_device(r, d);
	d->enrolled_s = now_s;
	registry_drop_candidate(r, c);
	*ret = d;
	return 0;
}

int registry_forget(struct registry *r, const char *id, int64_t now_s,
	struct fault *f)
{
	struct device *d;
	int rc = need_device(r, id, &d, f);

	if (rc == 0 && d->present)
		rc = registry_show_device(r, d, now_s);
	if (rc)
		return rc;
	registry_drop_device(r, d);
	return 0;
}

/* The releases that are known, and what a catalog says about each. */
#include "gateway/daemon/release_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/daemon/match.h"
#include "policy/trust/component.h"

#define RELEASES_MAX 1024

struct release *release_find(const struct gateway *g, const char *class_name,
	const uint8_t manifest[32])
{
	const struct config_class *c = gateway_class(g, class_name);

	/* What the vendor before the heir offered is not the heir's. */
	for (struct release *r = g->releases; r; r = r->next)
		if (!memcmp(r->manifest, manifest, 32) &&
				!strcmp(r->class_name, class_name) &&
				(!c || !strcmp(r->vendor, c->vendor)))
			return r;
	return NULL;
}

static void text_of(struct bytes from, char *text, size_t size)
{
	text[0] = '\0';
	if (from.at)
		bytes_to_printable(from, text, size);
}

const struct catalog_entry *release_entry(const struct vendor *v,
	const struct device_class *klass, const char *component,
	const uint8_t manifest[32])
{
	const struct catalog *catalog = vendor_catalog(v);
	const struct catalog_entry *withdrawn = NULL;
	char text[ROW_COMPONENT_SIZE];

	for (unsigned i = 0; catalog && i < catalog->entry_count; i++) {
		const struct catalog_entry *e = &catalog->entries[i];

		if (memcmp(e->manifest_digest.at, manifest, 32) ||
				!match_class(e, klass) ||
				strcmp(component_to_text(e->component, text,
				sizeof(text)), component))
			continue;
		if (!e->withdrawn)
			return e;
		withdrawn = e;
	}
	return withdrawn;
}

int release_fill(struct release *r, const struct catalog_entry *entry)
{
	struct catalog_payload payload;

	if (catalog_entry_payload(entry, 0, &payload) ||
			entry->payload_count != 1 ||
			entry->envelope_len > SUIT_ENVELOPE_MAX)
		return -EINVAL;
	memcpy(r->manifest, entry->manifest_digest.at, 32);
	memcpy(r->envelope, entry->envelope_digest.at, 32);
	r->envelope_len = entry->envelope_len;
	memcpy(r->payload, payload.sha256.at, 32);
	r->payload_len = payload.len;
	r->has_long_digest = false;
	if (payload.path.len > CATALOG_PATH_MAX)
		return -EINVAL;
	snprintf(r->payload_path, sizeof(r->payload_path), "%.*s",
		(int)payload.path.len, (const char *)payload.path.at);
	r->sequence = entry->sequence;
	r->security = entry->security;
	component_to_text(entry->component, r->component,
		sizeof(r->component));
	text_of(entry->expect_version, r->expect_version,
		sizeof(r->expect_version));
	text_of(entry->version.at ? entry->version : entry->expect_version,
		r->version, sizeof(r->version));
	r->expect_hash_len = 0;
	if (entry->expect_digest.at && entry->expect_digest.len <= 64) {
		memcpy(r->expect_hash, entry->expect_digest.at,
			entry->expect_digest.len);
		r->expect_hash_len = (uint8_t)entry->expect_digest.len;
	}
	return 0;
}

/* Releases that nothing uses make room for new ones. */
static unsigned drop_unused(struct gateway *g)
{
	unsigned count = 0;

	for (struct release **at = &g->releases; *at;) {
		struct release *r = *at;

		if (r->users || r->watched || r->work || r->request || r->part ||
				r->state == RELEASE_PAYLOAD) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
		count++;
	}
	return count;
}

struct release *release_of(struct vendor *v, const struct device_class *klass,
	const struct catalog_entry *entry)
{
	struct gateway *g = v->gateway;
	struct release *r = release_find(g, klass->name,
		entry->manifest_digest.at);
	unsigned count = 0;

	if (r)
		return r;
	for (r = g->releases; r; r = r->next)
		count++;
	if (count >= RELEASES_MAX)
		count -= drop_unused(g);
	if (count >= RELEASES_MAX)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->gateway = g;
	snprintf(r->vendor, sizeof(r->vendor), "%s", v->name);
	snprintf(r->class_name, sizeof(r->class_name), "%s", klass->name);
	verdict_init(&r->verdict);
	release_stamp(r, v);
	if (release_fill(r, entry)) {
		r->state = RELEASE_REFUSED;
		r->code = ERR_RELEASE_IMAGES;
	}
	r->next = g->releases;
	g->releases = r;
	return r;
}

uint64_t release_class_floor(const struct release *r,
	const struct device_class *klass, const struct catalog_entry *entry)
{
	if (r->below_floor || !r->users)
		return r->sequence;
	return floors_of_entry(&r->gateway->floors, r->vendor, klass,
		r->component, entry);
}

void release_free_all(struct gateway *g)
{
	while (g->releases) {
		struct release *next = g->releases->next;

		free(g->releases);
		g->releases = next;
	}
}

/* The release of a job, and what the catalog in force says of it. */
#include "gateway/daemon/job_priv.h"

#include <errno.h>

#include "gateway/daemon/authority.h"
#include "gateway/daemon/match.h"
#include "policy/trust/component.h"

int job_find_release(struct job *j)
{
	struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	const struct config_class *c = gateway_class(j->gateway,
		j->row.class_name);
	const struct catalog_entry *entry = v && c ? release_entry(v,
		&c->device, j->row.component, j->row.manifest_digest) : NULL;

	if (entry && !j->release)
		job_take_release(j, release_of(v, &c->device, entry));
	if (j->release && j->terms.allow_downgrade && !j->release->below_floor)
		release_lower(j->release);
	return v && vendor_catalog(v) && c && !entry ? -ENOENT : 0;
}

static bool is_entry_of(const struct catalog_entry *e, const struct job *j,
	const struct device_class *klass, const struct device *d)
{
	char component[ROW_COMPONENT_SIZE];

	return !memcmp(e->manifest_digest.at, j->row.manifest_digest, 32) &&
		match_class(e, klass) &&
		!strcmp(component_to_text(e->component, component,
			sizeof(component)), j->row.component) &&
		!e->withdrawn && !e->precursor_count && match_range(e, d);
}

int job_check_offer(const struct job *j)
{
	const struct gateway *g = j->gateway;
	const struct config_class *c = gateway_class(g, j->row.class_name);
	const struct vendor *v = vendor_find(g, j->row.vendor);
	const struct catalog *catalog = v ? vendor_catalog(v) : NULL;
	const struct device *d = child_device(j->child);

	if (!catalog || (c && authority_state(g, c)))
		return -EAGAIN;
	if (!c || !d || strcmp(d->class_name, j->row.class_name) ||
			strcmp(c->vendor, j->row.vendor))
		return ERR_TRUST_OFFER_TARGET;
	if (memcmp(j->row.payload_digest, j->release->payload, 32) ||
			j->row.payload_len != j->release->payload_len)
		return ERR_JOB_OTHER_IMAGE;
	if (j->release->sequence < floors_of_device(&g->floors, d,
			&c->device, j->row.component))
		return ERR_TRUST_SUIT_SEQUENCE;
	for (unsigned i = 0; i < catalog->entry_count; i++)
		if (is_entry_of(&catalog->entries[i], j, &c->device, d))
			return 0;
	return ERR_TRUST_OFFER_UNLISTED;
}

#include "gateway/daemon/support.h"

#include <stdio.h>

#include "gateway/daemon/match.h"
#include "gateway/daemon/vendor.h"

/* What the catalog says of the release that the device runs; 0 nothing. */
static uint64_t of_release(const struct gateway *g,
	const struct config_class *c, const struct device *d)
{
	const struct vendor *v = vendor_find(g, c->vendor);
	const struct catalog *catalog = v ? vendor_catalog(v) : NULL;

	for (unsigned i = 0; catalog && i < catalog->entry_count; i++) {
		const struct catalog_entry *e = &catalog->entries[i];

		if (e->end_of_support && !memcmp(e->class_id.at,
				c->device.class_id, 16) && match_running(e, d))
			return e->end_of_support;
	}
	return 0;
}

uint64_t support_until(const struct gateway *g, const struct device *d)
{
	const struct config_class *c = gateway_class(g, d->class_name);
	uint64_t own = c ? (uint64_t)c->device.end_of_support_s : 0;
	uint64_t release = c ? of_release(g, c, d) : 0;

	return own && (!release || own < release) ? own : release;
}

static bool has_ended(const struct gateway *g, const struct device *d)
{
	const struct config_class *c = gateway_class(g, d->class_name);
	const struct vendor *v = c ? vendor_find(g, c->vendor) : NULL;
	struct trust_clock clock = gateway_clock(g);
	uint64_t until = support_until(g, d);
	struct trust_time none = {0};

	if (!until)
		return false;
	trust_time_start(&none, 0, &clock);
	return trust_now_expired(trust_now(v && v->trust_is_open ?
		&v->trust.time : &none, &clock), until);
}

const char *support_state(const struct gateway *g, const struct device *d)
{
	return !support_until(g, d) ? "unknown" : has_ended(g, d) ? "ended" :
		"current";
}

static unsigned ended_count(const struct gateway *g, const char *class_name)
{
	unsigned count = 0;

	for (size_t i = 0; i < registry_device_count(g->registry); i++) {
		const struct device *d = registry_device_at(g->registry, i);

		count += !strcmp(d->class_name, class_name) && has_ended(g, d);
	}
	return count;
}

void support_review(struct gateway *g)
{
	char code[ALARM_CODE_SIZE];

	for (unsigned i = 0; i < g->config->class_count; i++) {
		const char *name = g->config->classes[i].device.name;
		unsigned count = ended_count(g, name);

		snprintf(code, sizeof(code), "support-ended:%.63s", name);
		if (count == 0)
			gateway_alarm_clear(g, code);
		else
			gateway_alarm(g, code, "replace them, or ask the vendor "
				"who takes them over", "%u devices of class %s "
				"run past the end of their support", count,
				name);
	}
}

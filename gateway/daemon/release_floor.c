#include "gateway/daemon/release.h"

uint64_t release_class_floor(const struct release *r,
	const struct device_class *klass, const struct catalog_entry *entry)
{
	const struct gateway *g = r->gateway;
	uint64_t low = entry->has_hardware ? entry->hardware_min : 0;
	uint64_t high = entry->has_hardware ? entry->hardware_max : UINT64_MAX;
	uint64_t floor = 0;

	if (r->below_floor || !r->users)
		return r->sequence;
	for (size_t i = 0; i < g->class_floor_count; i++) {
		const struct class_floor_row *row = &g->class_floors[i];

		if (row->sequence > floor && row->hw_min <= low &&
				row->hw_max >= high &&
				!strcmp(row->vendor, r->vendor) &&
				!strcmp(row->component, r->component) &&
				!memcmp(row->class_id, klass->class_id, 16))
			floor = row->sequence;
	}
	return floor;
}

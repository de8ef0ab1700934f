#include "gateway/daemon/floors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "gateway/daemon/match.h"

/* What an heir took over comes on top of its share. */
#define CLASS_FLOORS_VENDOR_MAX (2 * STORE_CLASS_FLOORS_VENDOR_MAX)

void floors_done(struct floors *f)
{
	free(f->classes);
	free(f->devices);
	*f = (struct floors){0};
}

void floors_load(struct floors *f, const struct store_loaded *loaded)
{
	for (size_t i = 0; i < loaded->class_floor_count; i++)
		floors_take_class(f, &loaded->class_floors[i]);
	for (size_t i = 0; i < loaded->device_floor_count; i++)
		floors_take_device(f, &loaded->device_floors[i]);
}

/* ---- asking ---- */

static struct device_floor_row *find_device(const struct floors *f,
	const char *vendor, const char *device, const char *component)
{
	for (size_t i = 0; i < f->device_count; i++) {
		struct device_floor_row *row = &f->devices[i];

		if (!strcmp(row->vendor, vendor) &&
				!strcmp(row->device, device) &&
				!strcmp(row->component, component))
			return row;
	}
	return NULL;
}

static bool is_of_class(const struct class_floor_row *row, const char *vendor,
	const struct device_class *klass, const char *component)
{
	return !strcmp(row->vendor, vendor) &&
		!strcmp(row->component, component) &&
		!memcmp(row->class_id, klass->class_id, 16);
}

bool floors_is_lowered(const struct floors *f, const char *vendor,
	const char *device, const char *component)
{
	const struct device_floor_row *own = find_device(f, vendor, device,
		component);

	return own && own->lowered;
}

uint64_t floors_of_device(const struct floors *f, const struct device *d,
	const struct device_class *klass, const char *component)
{
	const struct device_floor_row *own = find_device(f, klass->vendor,
		d->id, component);
	uint64_t floor = own ? own->sequence : 0;
	uint64_t hardware = 0;
	bool known = match_hardware(d, &hardware);

	if (own && own->lowered)
		return floor;
	for (size_t i = 0; i < f->class_count; i++) {
		const struct class_floor_row *row = &f->classes[i];

		if (row->sequence <= floor || !is_of_class(row, klass->vendor,
				klass, component))
			continue;
		if (!known || (hardware >= row->hw_min &&
				hardware <= row->hw_max))
			floor = row->sequence;
	}
	return floor;
}

uint64_t floors_of_entry(const struct floors *f, const char *vendor,
	const struct device_class *klass, const char *component,
	const struct catalog_entry *entry)
{
	uint64_t low = entry->has_hardware ? entry->hardware_min : 0;
	uint64_t high = entry->has_hardware ? entry->hardware_max : UINT64_MAX;
	uint64_t floor = 0;

	for (size_t i = 0; i < f->class_count; i++) {
		const struct class_floor_row *row = &f->classes[i];

		if (row->sequence > floor && row->hw_min <= low &&
				row->hw_max >= high &&
				is_of_class(row, vendor, klass, component))
			floor = row->sequence;
	}
	return floor;
}

/* ---- raising ---- */

/* Room for one element more, doubling. */
static int grow(void **array, size_t count, size_t size, size_t max)
{
	void *more;

	if (count >= max)
		return ERR_STORE_FULL;
	if (count & (count - 1) || (count && count < 16))
		return 0;
	more = realloc(*array, (count < 16 ? 16 : 2 * count) * size);
	if (!more)
		return -ENOMEM;
	*array = more;
	return 0;
}

int floors_take_class(struct floors *f, const struct class_floor_row *row)
{
	size_t of_vendor = 0;
	int err;

	for (size_t i = 0; i < f->class_count; i++) {
		struct class_floor_row *have = &f->classes[i];

		if (strcmp(have->vendor, row->vendor))
			continue;
		of_vendor++;
		if (memcmp(have->class_id, row->class_id, 16) ||
				strcmp(have->component, row->component) ||
				have->hw_min != row->hw_min ||
				have->hw_max != row->hw_max)
			continue;
		if (row->sequence > have->sequence)
			have->sequence = row->sequence;
		return 0;
	}
	if (of_vendor >= CLASS_FLOORS_VENDOR_MAX)
		return ERR_STORE_FULL;
	err = grow((void **)&f->classes, f->class_count, sizeof(*row),
		STORE_CLASS_FLOORS_MAX);
	if (!err)
		f->classes[f->class_count++] = *row;
	return err;
}

int floors_take_device(struct floors *f, const struct device_floor_row *row)
{
	struct device_floor_row *have = find_device(f, row->vendor,
		row->device, row->component);
	int err;

	if (have) {
		/* As the database: the same sequence leaves the mark. */
		if (row->lowered || row->sequence > have->sequence)
			*have = *row;
		return 0;
	}
	err = grow((void **)&f->devices, f->device_count, sizeof(*row),
		STORE_TRUST_ROWS_MAX);
	if (!err)
		f->devices[f->device_count++] = *row;
	return err;
}

/* ---- vendors that lose theirs ---- */

void floors_forget(struct floors *f, const char *vendor)
{
	size_t n = 0;

	for (size_t i = 0; i < f->class_count; i++)
		if (strcmp(f->classes[i].vendor, vendor))
			f->classes[n++] = f->classes[i];
	f->class_count = n;
	n = 0;
	for (size_t i = 0; i < f->device_count; i++)
		if (strcmp(f->devices[i].vendor, vendor))
			f->devices[n++] = f->devices[i];
	f->device_count = n;
}

static void hand_over_class(struct floors *f, const char *from,
	const char *to, const uint8_t class_id[16])
{
	size_t count = f->class_count;

	for (size_t i = 0; i < count; i++) {
		struct class_floor_row floor = f->classes[i];

		if (strcmp(floor.vendor, from) ||
				memcmp(floor.class_id, class_id, 16))
			continue;
		snprintf(floor.vendor, sizeof(floor.vendor), "%s", to);
		floors_take_class(f, &floor);
	}
}

void floors_hand_over(struct floors *f, const char *from, const char *to,
	const uint8_t class_id[16], floors_filter goes_along, void *arg)
{
	size_t count = f->device_count;

	hand_over_class(f, from, to, class_id);
	for (size_t i = 0; i < count; i++) {
		struct device_floor_row floor = f->devices[i];
		const struct device_floor_row *have;

		if (strcmp(floor.vendor, from) ||
				!goes_along(arg, floor.device))
			continue;
		/* One that an administrator lowered for the vendor before lowers
		 * none that the heir has from an earlier time, as in the
		 * database. */
		have = find_device(f, to, floor.device, floor.component);
		if (have && have->sequence >= floor.sequence)
			continue;
		snprintf(floor.vendor, sizeof(floor.vendor), "%s", to);
		floors_take_device(f, &floor);
	}
}

void floors_list_devices(const struct floors *f, const char *vendor,
	floors_filter goes_along, void *arg, struct buf *ret)
{
	const char *last = "";

	for (size_t i = 0; i < f->device_count; i++) {
		const struct device_floor_row *floor = &f->devices[i];

		if (strcmp(floor->vendor, vendor) ||
				!strcmp(floor->device, last) ||
				!goes_along(arg, floor->device))
			continue;
		last = floor->device;
		buf_add(ret, floor->device, strlen(floor->device) + 1);
	}
}

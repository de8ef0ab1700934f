#include "tools/sim/report.h"

#include <errno.h>
#include <stdio.h>

#include "tools/sim/trailer.h"

static const char *swap_name(enum swap_kind kind)
{
	switch (kind) {
	case SWAP_NONE:
		return "none";
	case SWAP_TEST:
		return "test";
	case SWAP_PERMANENT:
		return "permanent";
	case SWAP_REVERT:
		return "revert";
	}
	return "none";
}

static json_t *report_slot(const struct mcu *m, unsigned slot)
{
	char version[IMAGE_VERSION_TEXT_SIZE], hash[2 * IMAGE_HASH_LEN + 1];
	struct image image;
	json_t *o;

	if (boot_image_read(&m->boot, slot, &image) < 0)
		return json_null();
	o = json_object();
	json_object_set_new(o, "version",
		json_string(image_version_text(&image.version, version)));
	json_object_set_new(o, "hash",
		json_string(
			bytes_to_hex(bytes_of(image.hash, sizeof(image.hash)),
				hash, sizeof(hash))));
	json_object_set_new(o, "length", json_integer(image.total_len));
	return o;
}

static json_t *report_slots(const struct mcu *m)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < 2 * m->flash.images; i++)
		json_array_append_new(list, report_slot(m, i));
	return list;
}

static json_t *report_counts(const struct mcu_counts *counts)
{
	json_t *o = json_object();

#define COUNT_JSON(name)                                                       \
	json_object_set_new(o, #name, json_integer((json_int_t)counts->name));
	COUNT_MAP(COUNT_JSON)
#undef COUNT_JSON
	return o;
}

static json_t *report_upload(const struct mcu_upload *up)
{
	if (!up->open)
		return json_null();
	return json_pack("{s:i, s:I, s:I}", "slot", up->slot, "off",
		(json_int_t)up->off, "len", (json_int_t)up->len);
}

static json_t *report_floors(const struct mcu *m)
{
	struct flash_floors floors;

	if (!m->boot.suit_key || flash_floors_read(&m->flash, &floors) < 0)
		return json_null();
	return json_pack("{s:I, s:I}", "sequence", (json_int_t)floors.sequence,
		"epoch", (json_int_t)floors.epoch);
}

json_t *report_device(struct station *s)
{
	const struct device *d = &s->device;
	const struct mcu *m = &d->mcu;
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(d->name));
	json_object_set_new(o, "state", json_string(device_state_name(d)));
	json_object_set_new(o, "plugged", json_boolean(d->plugged));
	json_object_set_new(o, "port", json_string(s->port_name));
	json_object_set_new(
		o, "link", s->path[0] ? json_string(s->path) : json_null());
	json_object_set_new(o, "running", report_slot(m, m->active[0]));
	json_object_set_new(
		o, "confirmed", json_boolean(!mcu_runs_unconfirmed(m, 0)));
	json_object_set_new(
		o, "next", json_string(swap_name(trailer_next(&m->flash, 0))));
	json_object_set_new(o, "slots", report_slots(m));
	json_object_set_new(o, "upload", report_upload(&m->upload));
	json_object_set_new(o, "floors", report_floors(m));
	json_object_set_new(o, "counts", report_counts(&m->counts));
	return o;
}

json_t *report_world(struct world *w)
{
	json_t *list = json_array(), *radios = json_array();

	for (size_t i = 0; i < world_count(w); i++)
		json_array_append_new(list, report_device(world_station(w, i)));
	for (size_t i = 0; i < world_radio_count(w); i++)
		json_array_append_new(
			radios, report_radio(world_radio(w, i), true));
	return json_pack("{s:o, s:o}", "devices", list, "coordinators", radios);
}

int report_write(struct world *w, const char *path)
{
	json_t *all = report_world(w);
	char next[GROUP_PATH_SIZE + 8];
	int err = 0;

	snprintf(next, sizeof(next), "%s.next", path);
	if (json_dump_file(all, next, JSON_INDENT(1)) < 0)
		err = -EIO;
	else if (rename(next, path) < 0)
		err = -errno;
	json_decref(all);
	return err;
}

#include "tools/publish/record.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "tools/publish/say.h"
#include "tools/publish/uuid.h"

#define RECORD_FILE_MAX ((size_t)64 * 1024)

static json_t *hex_json(const uint8_t *at, size_t len)
{
	char text[129];

	return json_string(bytes_to_hex(bytes_of(at, len), text, sizeof(text)));
}

static json_t *uuid_json(const uint8_t uuid[16])
{
	char text[UUID_TEXT_SIZE];

	return json_string(uuid_format(uuid, text));
}

static json_t *number_json(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void put_optional(json_t *o, const struct release *r)
{
	if (r->expect_version[0])
		json_object_set_new(o, "expect_version",
			json_string(r->expect_version));
	if (r->expect_digest_len)
		json_object_set_new(o, "expect_digest",
			hex_json(r->expect_digest, r->expect_digest_len));
	if (r->version[0])
		json_object_set_new(o, "version", json_string(r->version));
	if (r->has_hardware)
		json_object_set_new(o, "hardware", json_pack("[o, o]",
			number_json(r->hardware_min),
			number_json(r->hardware_max)));
	if (r->notes[0])
		json_object_set_new(o, "notes", json_string(r->notes));
	if (r->end_of_support)
		json_object_set_new(o, "end_of_support",
			number_json(r->end_of_support));
	if (r->set[0])
		json_object_set_new(o, "set", json_string(r->set));
	if (r->precursors_count) {
		json_t *list = json_array();

		for (size_t i = 0; i < r->precursors_count; i++)
			json_array_append_new(list,
				hex_json(r->precursors[i], 32));
		json_object_set_new(o, "precursors", list);
	}
	if (r->signed_until)
		json_object_set_new(o, "signed_until",
			number_json(r->signed_until));
}

static json_t *release_json(const struct release *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "class", json_string(r->class_name));
	json_object_set_new(o, "component", json_string(r->component));
	json_object_set_new(o, "vendor_id", uuid_json(r->vendor_id));
	json_object_set_new(o, "class_id", uuid_json(r->class_id));
	json_object_set_new(o, "sequence", number_json(r->sequence));
	json_object_set_new(o, "manifest_digest",
		hex_json(r->manifest_digest, 32));
	json_object_set_new(o, "envelope_digest",
		hex_json(r->envelope_digest, 32));
	json_object_set_new(o, "envelope_length",
		number_json(r->envelope_len));
	json_object_set_new(o, "payload_digest",
		hex_json(r->payload_digest, 32));
	json_object_set_new(o, "payload_length", number_json(r->payload_len));
	json_object_set_new(o, "security", json_boolean(r->security));
	json_object_set_new(o, "withdrawn", json_boolean(r->withdrawn));
	json_object_set_new(o, "created", number_json(r->created));
	put_optional(o, r);
	return o;
}

static int release_path(const struct publisher *p,
	const struct release *release, char ret[FILES_PATH_SIZE])
{
	char hex[65];

	return publisher_path(p, ret, "releases/%s.json", bytes_to_hex(
		bytes_of(release->manifest_digest, 32), hex, sizeof(hex)));
}

void release_forget(const struct publisher *p, const struct release *release)
{
	char path[FILES_PATH_SIZE];

	if (release_path(p, release, path) == 0)
		unlink(path);
}

int release_write(const struct publisher *p, const struct release *release)
{
	char path[FILES_PATH_SIZE];
	json_t *object;
	char *text;
	int err;

	err = release_path(p, release, path);
	if (err)
		return err;
	object = release_json(release);
	text = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(object);
	if (!text)
		return complain(-ENOMEM, path, NULL, "no memory");
	err = file_write(path, bytes_of_text(text), 0644);
	free(text);
	return err;
}

/* Reads the members of one record; the first failure sticks in `err`. */
struct reader {
	const char *path;
	const json_t *object;
	size_t taken;
	int err;
};

static const json_t *take(struct reader *r, const char *name, bool required)
{
	const json_t *value = json_object_get(r->object, name);

	if (value)
		r->taken++;
	else if (required && !r->err)
		r->err = complain(-EINVAL, r->path, name, "is missing");
	return r->err ? NULL : value;
}

static void bad(struct reader *r, const char *name, const char *rule)
{
	if (!r->err)
		r->err = complain(-EINVAL, r->path, name, "%s", rule);
}

static void take_text(struct reader *r, const char *name, bool required,
	char *ret, size_t size)
{
	const json_t *value = take(r, name, required);

	if (!value)
		return;
	if (!json_is_string(value) || json_string_length(value) >= size ||
			strlen(json_string_value(value)) !=
			json_string_length(value))
		bad(r, name, "must be a text that is not too long");
	else
		strcpy(ret, json_string_value(value));
}

static void take_uuid(struct reader *r, const char *name, uint8_t ret[16])
{
	const json_t *value = take(r, name, true);

	if (value && uuid_parse(json_string_value(value), ret))
		bad(r, name, "must be a UUID");
}

static bool hex_read(const json_t *value, uint8_t *ret, size_t len)
{
	return json_is_string(value) &&
			!bytes_from_hex(json_string_value(value), ret, len);
}

static void take_digest(struct reader *r, const char *name, uint8_t ret[32])
{
	const json_t *value = take(r, name, true);

	if (value && !hex_read(value, ret, 32))
		bad(r, name, "must be 64 hexadecimal digits");
}

static void take_number(struct reader *r, const char *name, bool required,
	uint64_t *ret)
{
	const json_t *value = take(r, name, required);

	if (!value)
		return;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		bad(r, name, "must be a number that is not negative");
	else
		*ret = (uint64_t)json_integer_value(value);
}

static void take_bool(struct reader *r, const char *name, bool *ret)
{
	const json_t *value = take(r, name, true);

	if (!value)
		return;
	if (!json_is_boolean(value))
		bad(r, name, "must be true or false");
	*ret = json_is_true(value);
}

static void take_hardware(struct reader *r, struct release *ret)
{
	const json_t *value = take(r, "hardware", false);
	json_int_t min, max;

	if (!value)
		return;
	min = json_integer_value(json_array_get(value, 0));
	max = json_integer_value(json_array_get(value, 1));
	if (json_array_size(value) != 2 || min < 0 || max < min ||
			!json_is_integer(json_array_get(value, 0)) ||
			!json_is_integer(json_array_get(value, 1))) {
		bad(r, "hardware", "must be [min, max]");
		return;
	}
	ret->has_hardware = true;
	ret->hardware_min = (uint64_t)min;
	ret->hardware_max = (uint64_t)max;
}

static void take_expect_digest(struct reader *r, struct release *ret)
{
	const json_t *value = take(r, "expect_digest", false);
	size_t len = value ? json_string_length(value) / 2 : 0;

	if (!value)
		return;
	if (len == 0 || len > sizeof(ret->expect_digest) ||
			!hex_read(value, ret->expect_digest, len))
		bad(r, "expect_digest", "must be 1 to 64 bytes in hexadecimal");
	ret->expect_digest_len = len;
}

static void take_precursors(struct reader *r, struct release *ret)
{
	const json_t *value = take(r, "precursors", false);
	size_t count = json_array_size(value);

	if (!value)
		return;
	if (count == 0 || count > RECORD_PRECURSORS_MAX) {
		bad(r, "precursors", "must be a list of 1 to 16 digests");
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!hex_read(json_array_get(value, i), ret->precursors[i],
				32))
			bad(r, "precursors", "must be 64 hexadecimal digits");
	ret->precursors_count = count;
}

static int release_take(const char *path, const json_t *object,
	struct release *ret)
{
	struct reader r = {.path = path, .object = object};

	take_text(&r, "class", true, ret->class_name, sizeof(ret->class_name));
	take_text(&r, "component", true, ret->component,
		sizeof(ret->component));
	take_uuid(&r, "vendor_id", ret->vendor_id);
	take_uuid(&r, "class_id", ret->class_id);
	take_number(&r, "sequence", true, &ret->sequence);
	take_digest(&r, "manifest_digest", ret->manifest_digest);
	take_digest(&r, "envelope_digest", ret->envelope_digest);
	take_number(&r, "envelope_length", true, &ret->envelope_len);
	take_digest(&r, "payload_digest", ret->payload_digest);
	take_number(&r, "payload_length", true, &ret->payload_len);
	take_bool(&r, "security", &ret->security);
	take_bool(&r, "withdrawn", &ret->withdrawn);
	take_number(&r, "created", true, &ret->created);
	take_text(&r, "expect_version", false, ret->expect_version,
		sizeof(ret->expect_version));
	take_expect_digest(&r, ret);
	take_text(&r, "version", false, ret->version, sizeof(ret->version));
	take_hardware(&r, ret);
	take_text(&r, "notes", false, ret->notes, sizeof(ret->notes));
	take_number(&r, "end_of_support", false, &ret->end_of_support);
	take_text(&r, "set", false, ret->set, sizeof(ret->set));
	take_precursors(&r, ret);
	take_number(&r, "signed_until", false, &ret->signed_until);
	if (!r.err && r.taken != json_object_size(object))
		bad(&r, "record", "holds a member that this program does not"
			" know");
	return r.err;
}

static int release_read(const char *path, struct release *ret)
{
	json_error_t error;
	json_t *object;
	struct buf text;
	int err;

	buf_init(&text, RECORD_FILE_MAX);
	err = file_read(path, &text);
	if (!err) {
		object = json_loadb((const char *)text.at, text.len,
			JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(object))
			err = complain(-EINVAL, path, NULL, "line %d: %s",
				error.line, object ? "must be an object" :
				error.text);
		else
			err = release_take(path, object, ret);
		json_decref(object);
	}
	buf_done(&text);
	return err;
}

static int release_order(const void *left, const void *right)
{
	const struct release *a = left, *b = right;
	int order = memcmp(a->class_id, b->class_id, 16);

	if (!order)
		order = strcmp(a->component, b->component);
	if (!order && a->sequence != b->sequence)
		order = a->sequence < b->sequence ? -1 : 1;
	return order ? order : memcmp(a->manifest_digest, b->manifest_digest,
		32);
}

static int list_add(struct release_list *list, const char *path)
{
	struct release *at;

	if (list->count == RECORD_ENTRIES_MAX)
		return complain(-E2BIG, path, NULL,
			"more than %d releases", RECORD_ENTRIES_MAX);
	at = reallocarray(list->at, list->count + 1, sizeof(*at));
	if (!at)
		return complain(-ENOMEM, path, NULL, "no memory");
	list->at = at;
	at[list->count] = (struct release){0};
	return release_read(path, &at[list->count++]);
}

int release_list_load(const struct publisher *p, struct release_list *ret)
{
	struct release_list list = {0};
	char path[FILES_PATH_SIZE];
	struct dirent *entry;
	DIR *folder;
	int err = publisher_path(p, path, "releases");

	if (err)
		return err;
	folder = opendir(path);
	if (!folder)
		return complain(-errno, path, NULL, "cannot open: %s",
			strerror(errno));
	while (!err && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		err = publisher_path(p, path, "releases/%s", entry->d_name);
		if (!err)
			err = list_add(&list, path);
	}
	closedir(folder);
	if (err) {
		release_list_free(&list);
		return err;
	}
	if (list.count)
		qsort(list.at, list.count, sizeof(*list.at), release_order);
	*ret = list;
	return 0;
}

void release_list_free(struct release_list *list)
{
	free(list->at);
	*list = (struct release_list){0};
}

static int envelope_path(const struct publisher *p, const struct release *r,
	char ret[FILES_PATH_SIZE])
{
	char hex[65];

	return publisher_path(p, ret, "www/e/%s.suit", bytes_to_hex(
		bytes_of(r->envelope_digest, 32), hex, sizeof(hex)));
}

int release_envelope_store(const struct publisher *p, struct bytes envelope,
	struct release *r)
{
	char path[FILES_PATH_SIZE];
	int err = crypto_sha256(envelope, r->envelope_digest);

	if (err)
		return complain(err, NULL, "digest", "%s", err_text(err));
	r->envelope_len = envelope.len;
	err = envelope_path(p, r, path);
	return err ? err : file_write(path, envelope, 0644);
}

int release_envelope_read(const struct publisher *p, const struct release *r,
	struct buf *ret, char ret_path[FILES_PATH_SIZE])
{
	int err = envelope_path(p, r, ret_path);

	return err ? err : file_read(ret_path, ret);
}

/* The list stands in the order of classes. */
int release_list_support(const struct publisher *p, struct release_list *list)
{
	struct class_conf class = {0};

	for (size_t i = 0; i < list->count; i++) {
		struct release *r = &list->at[i];
		char path[FILES_PATH_SIZE];
		int err = 0;

		if (strcmp(class.name, r->class_name) != 0) {
			class = (struct class_conf){0};
			err = publisher_path(p, path, "classes/%s.conf",
				r->class_name);
			if (!err && file_exists(path))
				err = publisher_class(p, r->class_name,
					&class);
		}
		if (err)
			return err;
		r->class_end_of_support = class.end_of_support;
	}
	return 0;
}

int release_list_find(const struct release_list *list, const char *digest,
	struct release **ret)
{
	size_t len = strlen(digest);
	struct release *found = NULL;
	char hex[65];

	if (len < 8 || len > 64)
		return complain(-EINVAL, digest, "release",
			"must be 8 to 64 hexadecimal digits of a manifest"
			" digest");
	for (size_t i = 0; i < list->count; i++) {
		bytes_to_hex(bytes_of(list->at[i].manifest_digest, 32), hex,
			sizeof(hex));
		if (strncmp(hex, digest, len) != 0)
			continue;
		if (found)
			return complain(-EINVAL, digest, "release",
				"more than one release begins so");
		found = &list->at[i];
	}
	if (!found)
		return complain(-ENOENT, digest, "release", "there is none");
	*ret = found;
	return 0;
}

static bool same_target(const struct release *a, const struct release *b)
{
	return !memcmp(a->vendor_id, b->vendor_id, 16) &&
			!memcmp(a->class_id, b->class_id, 16) &&
			!strcmp(a->component, b->component);
}

uint64_t release_list_top(const struct release_list *list,
	const struct release *like)
{
	uint64_t top = 0;

	for (size_t i = 0; i < list->count; i++)
		if (same_target(&list->at[i], like) &&
				list->at[i].sequence > top)
			top = list->at[i].sequence;
	return top;
}

bool release_collides(const struct release *a, const struct release *b)
{
	return same_target(a, b) && a->sequence == b->sequence &&
			a->has_hardware == b->has_hardware &&
			a->hardware_min == b->hardware_min &&
			a->hardware_max == b->hardware_max &&
			a->precursors_count == b->precursors_count &&
			!memcmp(a->precursors, b->precursors,
				32 * a->precursors_count);
}

#include "policy/trust/lasthop_keys.h"

#include "policy/trust/crypto_secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_LEN_MAX 256
#define HEX_LEN (2 * LASTHOP_KEY_LEN)
#define HUB_ROOM 256
#define DEVICE_ROOM (LASTHOP_NAME_SIZE + HEX_LEN + 16)

struct lasthop_keys {
	struct lasthop_hub hub;
	size_t count;
	struct lasthop_device of[]; /* by name */
};

/* What a file looks like, one line after the other. */
struct reader {
	struct bytes left;
	unsigned line;
	enum lasthop_keys_kind kind;
	bool has_magic, has_hub, has_epoch;
	struct lasthop_keys *keys;
	struct fault *fault;
};

static const char *const magics[] = {
	[LASTHOP_DEVICE_KEYS] = "ferry-device-keys 1",
	[LASTHOP_HUB_KEYS] = "ferry-hub-keys 1",
};

static int refuse(struct reader *r, const char *rule)
{
	char field[32];

	if (r->line)
		snprintf(field, sizeof(field), "line %u", r->line);
	else
		snprintf(field, sizeof(field), "file");
	return fault_set(r->fault, ERR_LASTHOP_KEYS, 0, field, "%s", rule);
}

/* The next line without its end; false at the end of the file. */
static bool line_next(struct reader *r, struct bytes *ret)
{
	size_t n = 0;

	if (r->left.len == 0)
		return false;
	while (n < r->left.len && r->left.at[n] != '\n')
		n++;
	*ret = bytes_slice(r->left, 0, n);
	r->left = bytes_slice(r->left, n + 1, r->left.len);
	r->line++;
	return true;
}

/* The next word of a line; empty at its end. */
static struct bytes word_next(struct bytes *line)
{
	struct bytes word;
	size_t from = 0, to;

	while (from < line->len && line->at[from] == ' ')
		from++;
	to = from;
	while (to < line->len && line->at[to] != ' ')
		to++;
	word = bytes_slice(*line, from, to - from);
	*line = bytes_slice(*line, to, line->len);
	return word;
}

static bool is_printable(struct bytes word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] < 0x21 || word.at[i] > 0x7e)
			return false;
	return true;
}

static bool is_zero(const uint8_t *at, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= at[i];
	return any == 0;
}

static int read_key(struct bytes word, uint8_t ret[LASTHOP_KEY_LEN])
{
	char hex[HEX_LEN + 1];
	int err = -EINVAL;

	if (word.len == HEX_LEN) {
		memcpy(hex, word.at, HEX_LEN);
		hex[HEX_LEN] = '\0';
		err = bytes_from_hex(hex, ret, LASTHOP_KEY_LEN);
	}
	crypto_wipe(hex, sizeof(hex));
	return err;
}

static int read_device(struct reader *r, struct bytes *line)
{
	struct bytes name = word_next(line), hex = word_next(line);
	struct lasthop_device *d = &r->keys->of[r->keys->count];

	if (name.len == 0 || name.len >= sizeof(d->name) || !is_printable(name))
		return refuse(r, "a device has a name of 1 to 64 printable "
				 "characters");
	if (read_key(hex, d->key))
		return refuse(r, "a key is 64 hexadecimal digits");
	if (is_zero(d->key, sizeof(d->key)))
		return refuse(r, "a key of zeros is none");
	memcpy(d->name, name.at, name.len);
	d->name[name.len] = '\0';
	r->keys->count++;
	return 0;
}

static int read_hub(struct reader *r, struct bytes *line)
{
	struct bytes id = word_next(line);
	struct lasthop_hub *hub = &r->keys->hub;

	if (r->has_hub)
		return refuse(r, "hub stands twice");
	if (id.len >= sizeof(hub->id) || !is_printable(id))
		return refuse(r, "not a usable hub id");
	memcpy(hub->id, id.at, id.len);
	r->has_hub = true;
	return lasthop_hub_check(hub) ? refuse(r, "not a usable hub id") : 0;
}

static int read_epoch(struct reader *r, struct bytes *line)
{
	struct bytes word = word_next(line);
	uint64_t n = 0;

	if (r->has_epoch)
		return refuse(r, "epoch stands twice");
	r->has_epoch = true;
	for (size_t i = 0; i < word.len; i++) {
		unsigned digit = word.at[i] - (unsigned)'0';

		if (digit > 9 || n > ((uint64_t)INT64_MAX - digit) / 10)
			return refuse(r, "an epoch is a number below 2^63");
		n = n * 10 + digit;
	}
	r->keys->hub.epoch = n;
	return word.len ? 0 : refuse(r, "an epoch is a number below 2^63");
}

static int read_line(struct reader *r, struct bytes line)
{
	struct bytes whole = line, word;
	int err;

	if (line.len > LINE_LEN_MAX)
		return refuse(r, "is longer than 256 characters");
	word = word_next(&line);
	if (word.len == 0 || word.at[0] == '#')
		return 0;
	if (!r->has_magic) {
		r->has_magic = bytes_is_text(whole, magics[r->kind]);
		return r->has_magic ? 0 : refuse(r, magics[r->kind]);
	}
	if (bytes_is_text(word, "device"))
		err = read_device(r, &line);
	else if (r->kind == LASTHOP_HUB_KEYS && bytes_is_text(word, "hub"))
		err = read_hub(r, &line);
	else if (r->kind == LASTHOP_HUB_KEYS && bytes_is_text(word, "epoch"))
		err = read_epoch(r, &line);
	else
		return refuse(r, "does not begin with a known word");
	if (!err && word_next(&line).len)
		err = refuse(r, "has more words than it may");
	return err;
}

static int by_name(const void *a, const void *b)
{
	const struct lasthop_device *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b)
{
	const struct lasthop_device *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

/* Leaves the devices in the order of their names. */
static int check_whole(struct reader *r)
{
	struct lasthop_device *of = r->keys->of;
	size_t count = r->keys->count;

	r->line = 0;
	if (!r->has_magic)
		return refuse(r, magics[r->kind]);
	if (r->kind == LASTHOP_HUB_KEYS && (!r->has_hub || !r->has_epoch))
		return refuse(r, "hub and epoch must be there");
	qsort(of, count, sizeof(of[0]), by_key);
	for (size_t i = 1; i < count; i++)
		if (by_key(&of[i - 1], &of[i]) == 0)
			return refuse(r, "two devices have one key");
	qsort(of, count, sizeof(of[0]), by_name);
	for (size_t i = 1; i < count; i++)
		if (by_name(&of[i - 1], &of[i]) == 0)
			return refuse(r, "a device stands there twice");
	return 0;
}

/* An upper bound of the devices in the file. */
static size_t count_lines(struct bytes file)
{
	size_t lines = 1;

	for (size_t i = 0; i < file.len; i++)
		lines += file.at[i] == '\n';
	return lines;
}

int lasthop_keys_parse(struct bytes file, enum lasthop_keys_kind kind,
	struct lasthop_keys **ret, struct fault *fault)
{
	struct reader r = {.left = file, .kind = kind, .fault = fault};
	size_t room = count_lines(file);
	struct bytes line;
	int err = 0;

	/* Some lines more than keys, for what else there is to say. */
	if (file.len > LASTHOP_KEYS_FILE_MAX || room > LASTHOP_KEYS_MAX + 64)
		return fault_set(fault, ERR_LASTHOP_KEYS, 0, "file",
			"has more than %u bytes or %u devices",
			LASTHOP_KEYS_FILE_MAX, LASTHOP_KEYS_MAX);
	r.keys = calloc(1, sizeof(*r.keys) + room * sizeof(r.keys->of[0]));
	if (!r.keys)
		return -ENOMEM;
	while (!err && line_next(&r, &line))
		err = read_line(&r, line);
	if (!err)
		err = check_whole(&r);
	if (err) {
		/* Also the key of a line that was refused halfway. */
		crypto_wipe(r.keys->of, room * sizeof(r.keys->of[0]));
		free(r.keys);
		return err;
	}
	*ret = r.keys;
	return 0;
}

void lasthop_keys_free(struct lasthop_keys *keys)
{
	if (keys)
		crypto_wipe(keys->of, keys->count * sizeof(keys->of[0]));
	free(keys);
}

const struct lasthop_hub *lasthop_keys_hub(const struct lasthop_keys *keys)
{
	return &keys->hub;
}

size_t lasthop_keys_count(const struct lasthop_keys *keys)
{
	return keys->count;
}

const struct lasthop_device *lasthop_keys_at(
	const struct lasthop_keys *keys, size_t i)
{
	return &keys->of[i];
}

static int name_is(const void *name, const void *device)
{
	return strcmp(name, ((const struct lasthop_device *)device)->name);
}

const struct lasthop_device *lasthop_keys_find(
	const struct lasthop_keys *keys, const char *name)
{
	return bsearch(name, keys->of, keys->count, sizeof(keys->of[0]),
		name_is);
}

static int device_put(const struct lasthop_device *d,
	const struct lasthop_hub *hub, struct buf *ret)
{
	uint8_t key[LASTHOP_KEY_LEN];
	char hex[HEX_LEN + 1];
	int err = lasthop_derive(bytes_of(d->key, sizeof(d->key)), hub, key);

	if (!err)
		err = buf_printf(ret, "device %s %s\n", d->name,
			bytes_to_hex(bytes_of(key, sizeof(key)), hex,
				sizeof(hex)));
	crypto_wipe(key, sizeof(key));
	crypto_wipe(hex, sizeof(hex));
	return err;
}

int lasthop_keys_put(const struct lasthop_keys *device_keys,
	const struct lasthop_hub *hub, struct buf *ret)
{
	int err = lasthop_hub_check(hub);

	if (err)
		return err;
	/* At once: a buffer that grows leaves keys behind it in the heap. */
	if (!buf_room(ret, HUB_ROOM + device_keys->count * DEVICE_ROOM))
		return ret->err;
	buf_printf(ret, "%s\nhub %s\nepoch %llu\n", magics[LASTHOP_HUB_KEYS],
		hub->id, (unsigned long long)hub->epoch);
	for (size_t i = 0; !err && i < device_keys->count; i++)
		err = device_put(&device_keys->of[i], hub, ret);
	return err ? err : ret->err;
}

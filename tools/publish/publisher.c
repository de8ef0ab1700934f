#include "tools/publish/publisher.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "tools/publish/say.h"
#include "tools/publish/when.h"

#define STATE_FILE_MAX 4096

int publisher_path(const struct publisher *p, char ret[FILES_PATH_SIZE],
	const char *format, ...)
{
	va_list args;
	size_t len = strlen(p->dir);
	int n;

	memcpy(ret, p->dir, len);
	ret[len++] = '/';
	va_start(args, format);
	n = vsnprintf(ret + len, FILES_PATH_SIZE - len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= FILES_PATH_SIZE - len)
		return complain(-ENAMETOOLONG, p->dir, "path",
			"longer than %d bytes", FILES_PATH_SIZE - 1);
	return 0;
}

static int dir_set(struct publisher *p, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 0 || len + 128 >= sizeof(p->dir))
		return complain(-ENAMETOOLONG, dir, "path",
			"must have 1 to %zu bytes", sizeof(p->dir) - 128);
	strcpy(p->dir, dir);
	return 0;
}

static int folder_is_free(const char *dir)
{
	DIR *at = opendir(dir);
	struct dirent *entry;
	int err = 0;

	if (!at)
		return errno == ENOENT ? 0 : complain(-errno, dir, NULL,
			"cannot open: %s", strerror(errno));
	while (!err && (entry = readdir(at)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
				strcmp(entry->d_name, "..") != 0)
			err = complain(-EEXIST, dir, NULL,
				"must be new or empty; it holds %s",
				entry->d_name);
	closedir(at);
	return err;
}

static const struct {
	const char *name;
	mode_t mode;
} folders[] = {
	{".", 0755}, {"classes", 0755}, {"releases", 0755}, {"keys", 0700},
	{"keys/root", 0700}, {"keys/catalog", 0700}, {"keys/author-ca", 0700},
	{"keys/author", 0700}, {"www", 0755}, {"www/root", 0755},
	{"www/e", 0755}, {"www/p", 0755}, {"www/r", 0755}, {"www/crl", 0755},
	{"evidence", 0755},
};

static int folders_make(const struct publisher *p)
{
	char path[FILES_PATH_SIZE];
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(*folders);
			i++) {
		err = publisher_path(p, path, "%s", folders[i].name);
		if (!err)
			err = folder_make(path, folders[i].mode);
	}
	return err;
}

/* Only under the lock. */
static void folders_sweep(const struct publisher *p)
{
	char path[FILES_PATH_SIZE];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (publisher_path(p, path, "%s", folders[i].name) == 0)
			folder_sweep(path);
}

static int state_number(const char *path, const json_t *object,
	const char *name, uint64_t *ret)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return complain(-EINVAL, path, name,
			"must be a number that is not negative");
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int state_read(struct publisher *p)
{
	char path[FILES_PATH_SIZE];
	json_error_t error;
	json_t *object = NULL;
	struct buf text;
	int err = publisher_path(p, path, "state.json");

	if (err)
		return err;
	buf_init(&text, STATE_FILE_MAX);
	err = file_read(path, &text);
	if (!err) {
		object = json_loadb((const char *)text.at, text.len,
			JSON_REJECT_DUPLICATES, &error);
		if (!object)
			err = complain(-EINVAL, path, NULL, "line %d: %s",
				error.line, error.text);
	}
	if (!err)
		err = state_number(path, object, "catalog_sequence",
			&p->state.catalog_sequence);
	if (!err)
		err = state_number(path, object, "root_version",
			&p->state.root_version);
	if (!err)
		err = state_number(path, object, "issued", &p->state.issued);
	json_decref(object);
	buf_done(&text);
	return err;
}

int publisher_state_write(struct publisher *p,
	const struct publisher_state *state)
{
	char path[FILES_PATH_SIZE], text[256];
	int err;

	if (state->catalog_sequence < p->state.catalog_sequence ||
			state->root_version < p->state.root_version ||
			state->issued < p->state.issued)
		return complain(-EINVAL, p->dir, "state.json",
			"counters must not fall");
	snprintf(text, sizeof(text), "{\n  \"catalog_sequence\": %llu,\n"
		"  \"root_version\": %llu,\n  \"issued\": %llu\n}\n",
		(unsigned long long)state->catalog_sequence,
		(unsigned long long)state->root_version,
		(unsigned long long)state->issued);
	err = publisher_path(p, path, "state.json");
	if (!err)
		err = file_write(path, bytes_of_text(text), 0644);
	if (!err)
		p->state = *state;
	return err;
}

int publisher_make(const char *dir, const struct vendor_conf *vendor)
{
	struct publisher p = {.lock = -1};
	char path[FILES_PATH_SIZE];
	int err = dir_set(&p, dir);

	if (!err)
		err = folder_is_free(dir);
	if (!err)
		err = folder_make(dir, 0755);
	if (!err)
		err = folders_make(&p);
	if (!err)
		err = publisher_path(&p, path, "publish.conf");
	if (!err)
		err = vendor_conf_write(path, vendor);
	return err ? err : publisher_state_write(&p, &p.state);
}

int publisher_clock_check(const struct publisher *p)
{
	char now[WHEN_TEXT_SIZE], issued[WHEN_TEXT_SIZE];

	if (p->now >= p->state.issued)
		return 0;
	return complain(-EINVAL, p->dir, "clock",
		"this machine says %s, but something was signed at %s already",
		when_format(p->now, now), when_format(p->state.issued,
		issued));
}

int publisher_open(const char *dir, struct publisher *ret)
{
	struct publisher p = {.lock = -1};
	char path[FILES_PATH_SIZE];
	int err = dir_set(&p, dir);

	if (!err)
		err = publisher_path(&p, path, "publish.conf");
	if (!err && !file_exists(path))
		err = complain(-ENOENT, path, NULL, "not there: %s is no"
			" publisher's folder (make one with ferry-publish"
			" init)", dir);
	if (!err)
		err = folder_lock(dir, &p.lock);
	if (!err) {
		folders_sweep(&p);
		err = vendor_conf_read(path, &p.vendor);
	}
	if (!err)
		err = state_read(&p);
	if (err) {
		publisher_close(&p);
		return err;
	}
	p.now = when_now();
	*ret = p;
	return 0;
}

void publisher_close(struct publisher *p)
{
	folder_unlock(p->lock);
	p->lock = -1;
}

int publisher_class(const struct publisher *p, const char *name,
	struct class_conf *ret)
{
	char path[FILES_PATH_SIZE];
	int err = conf_name_check("class", name);

	if (!err)
		err = publisher_path(p, path, "classes/%s.conf", name);
	if (!err && !file_exists(path))
		err = complain(-ENOENT, path, NULL, "not there (make it with"
			" ferry-publish class add %s)", name);
	return err ? err : class_conf_read(path, name, ret);
}

int publisher_key_open(const struct publisher *p, const char *path,
	struct key *ret)
{
	struct key key;
	int err = key_open(path, &key);

	if (err)
		return err;
	err = key_attend(&key, p->dir);
	if (err)
		key_done(&key);
	else
		*ret = key;
	return err;
}

int publisher_key(const struct publisher *p, const char *role,
	const char *override, struct key *ret)
{
	char path[FILES_PATH_SIZE];
	int err;

	if (override)
		return publisher_key_open(p, override, ret);
	err = publisher_path(p, path, "keys/%s/key.pem", role);
	return err ? err : publisher_key_open(p, path, ret);
}

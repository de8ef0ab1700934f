#include "transports/driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a table of version 1.0 holds at the least: up to `send`. */
#define TABLE_SIZE_MIN                                                         \
	(offsetof(struct ferry_driver, send) + sizeof(void (*)(void)))

static bool name_is_good(const char *name)
{
	size_t i;

	if (!name || !name[0])
		return false;
	for (i = 0; name[i]; i++)
		if (i == 31 || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-",
				       name[i]))
			return false;
	return true;
}

static int check_operations(const struct ferry_driver *t, struct fault *fault)
{
	const struct {
		const char *name;
		bool there;
	} required[] = {
		{"create", t->create != NULL},
		{"destroy", t->destroy != NULL},
		{"start", t->start != NULL},
		{"stop", t->stop != NULL},
		{"cancel", t->cancel != NULL},
		{"connect", t->connect != NULL},
		{"disconnect", t->disconnect != NULL},
		{"send", t->send != NULL},
	};
	size_t i;

	for (i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!required[i].there)
			return fault_set(fault, ERR_TRANSPORT_OPERATION, 0,
				required[i].name, "is a required operation");
	return 0;
}

static int check_head(const struct ferry_driver *table, struct fault *fault)
{
	if (!table)
		return fault_set(fault, ERR_TRANSPORT_ABI, 0, "table",
			"was not given: no common version");
	if (table->size < TABLE_SIZE_MIN)
		return fault_set(fault, ERR_TRANSPORT_ABI, 0, "size",
			"must be %zu or more, is %u", TABLE_SIZE_MIN,
			table->size);
	if (table->abi >> 16 != FERRY_ABI_MAJOR)
		return fault_set(fault, ERR_TRANSPORT_ABI, 0, "abi",
			"major version must be %u, is %u", FERRY_ABI_MAJOR,
			table->abi >> 16);
	return 0;
}

static int check_table(const struct ferry_driver *t, struct fault *fault)
{
	const uint64_t kinds = FERRY_CAP_STREAM | FERRY_CAP_DATAGRAM;

	if (!name_is_good(t->name))
		return fault_set(fault, ERR_TRANSPORT_ABI, 0, "name",
			"must be 1 to 31 of a-z, 0-9 and -");
	if (!(t->caps & kinds))
		return fault_set(fault, ERR_TRANSPORT_ABI, 0, "caps",
			"must say stream or datagram");
	if (t->param_count > DRIVER_PARAMS_MAX ||
		(t->param_count && (!t->params || t->param_stride < 32)))
		return fault_set(fault, ERR_TRANSPORT_ABI, 0, "params",
			"at most %u, each of 32 bytes or more",
			DRIVER_PARAMS_MAX);
	if (t->cancel_bound_ms > DRIVER_CANCEL_BOUND_MAX_MS)
		return fault_set(fault, ERR_TRANSPORT_ABI, 0, "cancel_bound_ms",
			"must be at most %u", DRIVER_CANCEL_BOUND_MAX_MS);
	return check_operations(t, fault);
}

/* The host's own copy, so that an older, shorter record reads as zeros. */
static int copy_params(struct transport_driver *d, struct fault *fault)
{
	const char *from = (const char *)d->table.params;
	size_t stride = d->table.param_stride;
	size_t i, take = sizeof(struct ferry_param);

	if (!d->table.param_count)
		return 0;
	d->params = calloc(d->table.param_count, sizeof(*d->params));
	if (!d->params)
		return -ENOMEM;
	if (take > stride)
		take = stride;
	for (i = 0; i < d->table.param_count; i++) {
		memcpy(&d->params[i], from + i * stride, take);
		if (!d->params[i].name || !d->params[i].scope)
			return fault_set(fault, ERR_TRANSPORT_ABI, i, "params",
				"number %zu has no name or scope", i);
	}
	d->table.params = d->params;
	d->table.param_stride = sizeof(struct ferry_param);
	return 0;
}

int transport_driver_admit(const struct ferry_driver *table,
	struct transport_driver **ret, struct fault *fault)
{
	struct transport_driver *d;
	int err = check_head(table, fault);

	if (err)
		return err;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	memcpy(&d->table, table,
		table->size < sizeof(d->table) ? table->size
					       : sizeof(d->table));
	if (!d->table.cancel_bound_ms)
		d->table.cancel_bound_ms = DRIVER_CANCEL_BOUND_MS;
	err = check_table(&d->table, fault);
	if (!err)
		err = copy_params(d, fault);
	if (err) {
		transport_driver_free(d);
		return err;
	}
	*ret = d;
	return 0;
}

void transport_driver_free(struct transport_driver *d)
{
	if (!d)
		return;
	free(d->params);
	if (d->library) {
		dlclose(d->library);
		close(d->library_fd);
	}
	free(d);
}

const struct ferry_driver *transport_driver_table(
	const struct transport_driver *d)
{
	return &d->table;
}

static int check_owner(const struct stat *st, const char *path, bool sticky,
	struct fault *fault)
{
	if (st->st_uid != 0)
		return fault_set(fault, ERR_TRANSPORT_UNTRUSTED, 0, "driver",
			"must belong to root: %s", path);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) && !sticky)
		return fault_set(fault, ERR_TRANSPORT_UNTRUSTED, 0, "driver",
			"must not be writable by group or others: %s", path);
	return 0;
}

/* Every folder from / to the file's: who can write to one of them can put
 * another file in place. Above the file's own folder, a sticky one (/tmp) keeps
 * root's entries safe. */
static int check_folders(const char *real, struct fault *fault)
{
	char path[PATH_MAX];
	struct stat st;
	size_t i;
	int err;

	for (i = 0; real[i]; i++) {
		if (real[i] != '/')
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)(i ? i : 1), real);
		if (lstat(path, &st))
			return fault_set(fault, ERR_TRANSPORT_UNTRUSTED, 0,
				"driver", "cannot be examined: %s: %s",
				err_text(-errno), path);
		err = check_owner(&st, path,
			strchr(real + i + 1, '/') && (st.st_mode & S_ISVTX),
			fault);
		if (err)
			return err;
	}
	return 0;
}

static int open_trusted(const char *real, int *ret_fd, struct fault *fault)
{
	struct stat st;
	int err, fd;

	err = check_folders(real, fault);
	if (err)
		return err;
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fault_set(fault, ERR_TRANSPORT_LOAD, 0, "driver",
			"cannot be opened: %s: %s", err_text(-errno), real);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		err = fault_set(fault, ERR_TRANSPORT_UNTRUSTED, 0, "driver",
			"must be a regular file: %s", real);
	if (!err)
		err = check_owner(&st, real, false, fault);
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* The loader knows a library by the path that it was given: the descriptor
 * stays open, so that no other library is ever loaded under the same path. */
static int load_fd(int fd, const char *real, struct transport_driver **ret,
	struct fault *fault)
{
	const struct ferry_driver *(*entry)(uint32_t);
	struct transport_driver *d;
	char path[64];
	void *library;
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		/* glibc keeps this text for each thread. */
		return fault_set(fault, ERR_TRANSPORT_LOAD, 0, "driver",
			"cannot be loaded: %s: %s", real,
			dlerror()); /* NOLINT(concurrency-mt-unsafe) */
	*(void **)&entry = dlsym(library, FERRY_DRIVER_SYMBOL);
	if (!entry) {
		dlclose(library);
		return fault_set(fault, ERR_TRANSPORT_LOAD, 0, "driver",
			"has no symbol " FERRY_DRIVER_SYMBOL ": %s", real);
	}
	err = transport_driver_admit(entry(FERRY_ABI), &d, fault);
	if (err) {
		dlclose(library);
		return err;
	}
	d->library = library;
	d->library_fd = fd;
	*ret = d;
	return 0;
}

int transport_driver_load(
	const char *path, struct transport_driver **ret, struct fault *fault)
{
	char real[PATH_MAX];
	int fd = -1, err;

	if (!realpath(path, real))
		return fault_set(fault, ERR_TRANSPORT_LOAD, 0, "driver",
			"cannot be found: %s: %s", err_text(-errno), path);
	err = open_trusted(real, &fd, fault);
	if (err)
		return err;
	err = load_fd(fd, real, ret, fault);
	if (err)
		close(fd);
	return err;
}

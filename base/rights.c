#include "base/rights.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40 /* of one path, as the kernel has it */

static bool is_ours(uid_t owner)
{
	return owner == 0 || owner == geteuid();
}

int rights_check_secret(const struct stat *st, mode_t refused,
	const char *field, struct fault *fault)
{
	if (!S_ISREG(st->st_mode))
		return fault_set(fault, ERR_KEYS_PERMISSION, 0, field,
			"must be a regular file");
	if (!is_ours(st->st_uid))
		return fault_set(fault, ERR_KEYS_PERMISSION, 0, field,
			"must belong to the user of ferryd or to root, not to "
			"uid %u", (unsigned)st->st_uid);
	if (st->st_mode & refused)
		return fault_set(fault, ERR_KEYS_PERMISSION, 0, field,
			"must not be open to others: mode is %03o, must be %s",
			(unsigned)st->st_mode & 0777,
			refused & S_IRGRP ? "600" : "600 or 640");
	return 0;
}

mode_t rights_refused_for_key(const char *path)
{
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
	size_t len = folder ? strlen(folder) : 0;

	return len > 1 && !strncmp(path, folder, len) && path[len] == '/' ?
		037 : 077;
}

/* ---- the way to a file ---- */

struct way {
	char done[PATH_MAX]; /* without symbolic links; "" is / */
	char todo[PATH_MAX]; /* from there */
	unsigned links;
	int code;
	const char *field;
	struct fault *fault;
};

static int refuse(const struct way *w, const char *rule, const char *path)
{
	return fault_set(w->fault, w->code, 0, w->field, "%s: %s", rule, path);
}

static int check_owner(const struct way *w, const struct stat *st,
	const char *path)
{
	return is_ours(st->st_uid) ? 0 : refuse(w,
		"must belong to the user of ferryd or to root", path);
}

static int check_folder(const struct way *w)
{
	const char *path = w->done[0] ? w->done : "/";
	struct stat st;
	int err;

	if (lstat(path, &st))
		return refuse(w, "cannot be examined", path);
	err = check_owner(w, &st, path);
	if (!err && (st.st_mode & (S_IWGRP | S_IWOTH)) &&
			!(st.st_mode & S_ISVTX))
		err = refuse(w, "must not be writable by group or others",
			path);
	return err;
}

/* The first name of what is to be done, cut from it; "" at the end. */
static void cut_name(struct way *w, char *name, size_t size)
{
	const char *at = w->todo + strspn(w->todo, "/");
	size_t len = strcspn(at, "/");

	snprintf(name, size, "%.*s", (int)len, at);
	at += len;
	memmove(w->todo, at, strlen(at) + 1);
}

static int follow(struct way *w, const char *link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof(target) - 1);

	if (len <= 0 || ++w->links > LINKS_MAX)
		return refuse(w, "cannot be followed", link);
	target[len] = '\0';
	memcpy(rest, w->todo, strlen(w->todo) + 1);
	if ((size_t)snprintf(w->todo, sizeof(w->todo), "%s/%s", target,
			rest) >= sizeof(w->todo))
		return refuse(w, "is too long", link);
	if (target[0] == '/')
		w->done[0] = '\0';
	return 0;
}

static void go_back(struct way *w)
{
	char *slash = strrchr(w->done, '/');

	if (slash)
		*slash = '\0';
}

/* One name further. */
static int step(struct way *w, const char *name)
{
	char next[PATH_MAX];
	struct stat st;
	int err;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		go_back(w);
		return 0;
	}
	err = check_folder(w);
	if (err)
		return err;
	if ((size_t)snprintf(next, sizeof(next), "%s/%s", w->done, name) >=
			sizeof(next))
		return refuse(w, "is too long", w->done);
	if (lstat(next, &st))
		return refuse(w, "cannot be examined", next);
	/* In a sticky folder whoever owns the entry may change it. */
	err = check_owner(w, &st, next);
	if (err)
		return err;
	if (S_ISLNK(st.st_mode))
		return follow(w, next);
	memcpy(w->done, next, sizeof(next));
	return 0;
}

int rights_check_way(const char *path, int code, const char *field,
	struct fault *fault)
{
	struct way w = {.code = code, .field = field, .fault = fault};
	char name[PATH_MAX];
	int err = 0;

	if ((size_t)snprintf(w.todo, sizeof(w.todo), "%s", path) >=
			sizeof(w.todo))
		return refuse(&w, "is too long", path);
	for (;;) {
		cut_name(&w, name, sizeof(name));
		if (!name[0] || err)
			return err;
		err = step(&w, name);
	}
}

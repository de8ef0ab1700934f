/* Who else could have read a secret, or could put another file in the place of
 * one that is trusted: what the owners and modes of files and folders say.
 * Group bits of a mode show the mask of an access list, too. No state; any
 * thread; blocking. */
#ifndef FERRY_BASE_RIGHTS_H
#define FERRY_BASE_RIGHTS_H

#include <sys/stat.h>

#include "base/err.h"

/* A secret must be a regular file that belongs to the effective user or to root
 * and has no bit of `refused` (of 0777). ERR_KEYS_PERMISSION with the field
 * `field` and the rule, or 0. */
int rights_check_secret(const struct stat *st, mode_t refused,
	const char *field, struct fault *fault);

/* The bits that a file which holds a key must not have. A systemd credential is
 * kept from others by its folder; its mode may show an access list. */
mode_t rights_refused_for_key(const char *path);

/* Every folder that leads to the absolute `path`, also on the way of symbolic
 * links, but not what it leads to: each must belong to the effective user or to
 * root, and must not be writable by group or others unless it is sticky (/tmp),
 * which keeps entries safe that belong to one of the two. `code` with the field
 * `field` and a rule that names the folder, or 0. */
int rights_check_way(const char *path, int code, const char *field,
	struct fault *fault);

#endif

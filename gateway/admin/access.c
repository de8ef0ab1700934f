#include "gateway/admin/access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* NGROUPS_MAX of Linux: the kernel never reports more. */
#define GROUPS_MAX 65536

const char *admin_role_name(enum admin_role role)
{
	switch (role) {
	case ADMIN_ROLE_NONE:
		return "none";
	case ADMIN_ROLE_VIEWER:
		return "viewer";
	case ADMIN_ROLE_OPERATOR:
		return "operator";
	case ADMIN_ROLE_ADMIN:
		return "admin";
	}
	return "none";
}

static bool rule_fits(const struct admin_rule *rule,
	const struct access_user *user)
{
	if (!rule->is_group)
		return rule->id == user->uid;
	if (rule->id == user->gid)
		return true;
	for (size_t i = 0; i < user->group_count; i++)
		if (rule->id == user->groups[i])
			return true;
	return false;
}

enum admin_role access_role(const struct access_user *user, uid_t own_uid,
	const struct admin_rule *rules, size_t rule_count)
{
	enum admin_role role = ADMIN_ROLE_NONE;

	if (user->uid == 0 || user->uid == own_uid)
		return ADMIN_ROLE_ADMIN;
	for (size_t i = 0; i < rule_count; i++)
		if (rules[i].role > role && rule_fits(&rules[i], user))
			role = rules[i].role;
	return role;
}

/* Supplementary groups of the peer, allocated. A kernel before 4.13 knows none:
 * that counts as an empty list. */
static int read_groups(int fd, gid_t **ret_groups, size_t *ret_count)
{
	socklen_t size = 64 * sizeof(gid_t);
	gid_t *groups = malloc(size);
	gid_t *more;

	if (!groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) {
		if (errno == ENOPROTOOPT) {
			size = 0;
		} else if (errno != ERANGE ||
				size > GROUPS_MAX * sizeof(gid_t)) {
			free(groups);
			return -errno;
		} else {
			more = realloc(groups, size);
			if (!more || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS,
					more, &size) < 0) {
				free(more ? more : groups);
				return more ? -errno : -ENOMEM;
			}
			groups = more;
		}
	}
	*ret_groups = groups;
	*ret_count = size / sizeof(gid_t);
	return 0;
}

int access_of_socket(int fd, const struct admin_rule *rules, size_t rule_count,
	struct admin_peer *ret_peer)
{
	struct access_user user = {0};
	struct ucred cred;
	socklen_t size = sizeof(cred);
	gid_t *groups = NULL;
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	err = read_groups(fd, &groups, &user.group_count);
	if (err)
		return err;
	user.uid = cred.uid;
	user.gid = cred.gid;
	user.groups = groups;
	*ret_peer = (struct admin_peer){
		.role = access_role(&user, geteuid(), rules, rule_count),
		.uid = cred.uid,
		.gid = cred.gid,
		.pid = cred.pid,
	};
	snprintf(ret_peer->name, sizeof(ret_peer->name), "uid:%u",
		(unsigned)cred.uid);
	free(groups);
	return 0;
}

/* A decimal id below 2^32 - 1 (that one means "nobody in particular"). */
static bool number_of(const char *text, uint32_t *ret)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 10)
		return false;
	value = strtoul(text, &end, 10);
	if (*end || value >= UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static int user_of(const char *name, uint32_t *ret)
{
	struct passwd entry, *found = NULL;
	char text[4096];
	int err = getpwnam_r(name, &entry, text, sizeof(text), &found);

	if (!found)
		return err ? -err : -ENOENT;
	*ret = found->pw_uid;
	return 0;
}

static int group_of(const char *name, uint32_t *ret)
{
	struct group entry, *found = NULL;
	size_t size = 65536;
	char *text = malloc(size);
	int err;

	if (!text)
		return -ENOMEM;
	err = getgrnam_r(name, &entry, text, size, &found);
	if (found)
		*ret = found->gr_gid;
	free(text);
	return found ? 0 : err ? -err : -ENOENT;
}

int admin_rule_parse(const char *text, enum admin_role role,
	struct admin_rule *ret_rule, struct fault *fault)
{
	struct admin_rule rule = {.role = role};
	char quoted[64];
	int err = 0;

	rule.is_group = text[0] == '@';
	if (rule.is_group)
		text++;
	if (!number_of(text, &rule.id))
		err = rule.is_group ? group_of(text, &rule.id) :
				user_of(text, &rule.id);
	if (err)
		return fault_set(fault, err, 0, admin_role_name(role),
			"names the unknown %s '%s'",
			rule.is_group ? "group" : "user",
			bytes_to_printable(bytes_of_text(text), quoted,
				sizeof(quoted)));
	*ret_rule = rule;
	return 0;
}

/* Who is at the other end of a Unix socket, and which role that makes.
 *
 * No state; any thread. */
#ifndef FERRY_GATEWAY_ADMIN_ACCESS_H
#define FERRY_GATEWAY_ADMIN_ACCESS_H

#include "gateway/admin/server.h"

/* A user with all groups, as the kernel knew them when it connected. */
struct access_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t group_count;
};

/* The highest role that `rules` give to `user`; `own_uid` and user 0 are
 * admins. */
enum admin_role access_role(const struct access_user *user, uid_t own_uid,
	const struct admin_rule *rules, size_t rule_count);

/* Reads the peer's credentials from the connected socket `fd` and fills
 * `ret_peer`, role included. Returns 0 or -errno; on failure there is no role
 * to be had. */
int access_of_socket(int fd, const struct admin_rule *rules, size_t rule_count,
	struct admin_peer *ret_peer);

#endif

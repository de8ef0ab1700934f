/* The socket file: made without a moment in which the wrong people could
 * connect, and removed only when it is ours.
 *
 * No state of its own; loop thread. */
#ifndef FERRY_GATEWAY_ADMIN_SOCKET_H
#define FERRY_GATEWAY_ADMIN_SOCKET_H

#include "gateway/admin/server.h"

/* Which file was made, to know it again. */
struct socket_file {
	char path[108];
	dev_t device;
	ino_t inode;
};

/* Binds and listens at config->path and returns the descriptor (close-on-exec,
 * non-blocking), or -errno, ERR_ADMIN_SOCKET_LIVE or ERR_ADMIN_SOCKET_TAKEN.
 * The file is born with mode 0600, then gets its group, then its mode. */
int socket_file_open(const struct admin_config *config,
	struct socket_file *ret_file, struct fault *fault);

/* Removes the file unless another one has taken its place. */
void socket_file_remove(const struct socket_file *file);

#endif

/* Opening the ports that simulated things sit at: PTYs and listening sockets,
 * and the symlinks and files that say where they are; and waiting for what comes
 * to them. No state; one thread. */
#ifndef FERRY_SIM_PORT_OPEN_H
#define FERRY_SIM_PORT_OPEN_H

#include <stddef.h>
#include <uv.h>

/* A raw PTY: the master does not block; the other end is held open so that a
 * client may come and go. `name` gets its path. 0 or -errno. */
int port_make_pty(int *ret_master, int *ret_slave, char *name, size_t size);

/* A listening socket on loopback, at `port` or a free one (0); `name` gets
 * tcp://127.0.0.1:PORT. 0 or -errno. */
int port_make_tcp(int *ret_fd, unsigned port, char *name, size_t size);

/* A listening SOCK_SEQPACKET socket at `path`. 0 or -errno. */
int port_make_socket(int *ret_fd, const char *path);

/* A symlink at `path`, never for a moment absent or pointing to nothing; an
 * empty path makes none. 0 or -errno. */
int port_point_link(const char *path, const char *target);

/* A file with one line. As above. */
int port_write_file(const char *path, const char *line);

/* A poll handle for `fd`, not started; `data` is its owner. 0 or -errno. */
int port_poll_begin(uv_loop_t *loop, int fd, void *data, uv_poll_t **ret);

/* Ends and frees it in the loop; the descriptor may be closed at once. NULL at
 * `*poll` is allowed, and stands there afterwards. */
void port_poll_end(uv_poll_t **poll);

#endif

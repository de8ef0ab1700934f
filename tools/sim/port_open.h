/* Opening the ports that simulated things sit at: PTYs and listening sockets,
 * and the symlinks and files that say where they are. No state; one thread. */
#ifndef FERRY_SIM_PORT_OPEN_H
#define FERRY_SIM_PORT_OPEN_H

#include <stddef.h>

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

#endif

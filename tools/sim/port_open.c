#include "tools/sim/port_open.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define NEXT_SIZE 280

int port_make_pty(int *ret_master, int *ret_slave, char *name, size_t size)
{
	struct termios raw;
	int master, slave;

	memset(&raw, 0, sizeof(raw));
	cfmakeraw(&raw);
	raw.c_cflag |= CS8 | CREAD | CLOCAL;
	cfsetspeed(&raw, B115200);
	if (openpty(&master, &slave, NULL, &raw, NULL) < 0)
		return -errno;
	fcntl(master, F_SETFD, FD_CLOEXEC);
	fcntl(slave, F_SETFD, FD_CLOEXEC);
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	*ret_master = master;
	*ret_slave = slave;
	return ttyname_r(slave, name, size) != 0 ? -errno : 0;
}

int port_make_tcp(int *ret_fd, unsigned port, char *name, size_t size)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int yes = 1;
	int fd = socket(
		AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	/* Connections that just ended must not keep it from coming back. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 4) < 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return -errno;
	snprintf(name, size, "tcp://127.0.0.1:%u", ntohs(at.sin_port));
	return 0;
}

int port_make_socket(int *ret_fd, const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		listen(fd, 4) < 0)
		return -errno;
	return 0;
}

int port_point_link(const char *path, const char *target)
{
	char next[NEXT_SIZE];

	if (!path[0])
		return 0;
	if (snprintf(next, sizeof(next), "%s.next", path) >= (int)sizeof(next))
		return -ENAMETOOLONG;
	unlink(next);
	if (symlink(target, next) < 0 || rename(next, path) < 0)
		return -errno;
	return 0;
}

int port_write_file(const char *path, const char *line)
{
	char next[NEXT_SIZE];
	FILE *file;
	int err = 0;

	if (!path[0])
		return 0;
	if (snprintf(next, sizeof(next), "%s.next", path) >= (int)sizeof(next))
		return -ENAMETOOLONG;
	file = fopen(next, "w");
	if (!file)
		return -errno;
	if (fprintf(file, "%s\n", line) < 0)
		err = -EIO;
	if (fclose(file) != 0 && !err)
		err = -errno;
	if (!err && rename(next, path) < 0)
		err = -errno;
	return err;
}

int port_poll_begin(uv_loop_t *loop, int fd, void *data, uv_poll_t **ret)
{
	uv_poll_t *poll = calloc(1, sizeof(*poll));
	int err;

	if (!poll)
		return -ENOMEM;
	err = uv_poll_init(loop, poll, fd);
	if (err) {
		free(poll);
		return err;
	}
	poll->data = data;
	*ret = poll;
	return 0;
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

void port_poll_end(uv_poll_t **poll)
{
	if (!*poll)
		return;
	uv_poll_stop(*poll);
	uv_close((uv_handle_t *)*poll, on_poll_closed);
	*poll = NULL;
}

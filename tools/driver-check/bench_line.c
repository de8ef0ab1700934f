/* A far end that is a stream: the master of a PTY, or a serial server on
 * loopback TCP. */
#include "tools/driver-check/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

struct line {
	struct bench *bench;
	int fd;	    /* the far end, -1: none */
	int held;   /* the near end of the PTY, so that it lives on */
	int server; /* TCP: listens */
	unsigned accepted;
	bool stalled;
	uv_poll_t *poll;
	uv_poll_t *accept;
	char link[128];
	char folder[64];
};

static void hang_up(struct line *l)
{
	bench_poll_stop(&l->poll);
	if (l->fd >= 0)
		close(l->fd);
	if (l->held >= 0)
		close(l->held);
	l->fd = -1;
	l->held = -1;
}

/* Echoes; what the line does not take back is dropped by nobody: the far end
 * reads only what it can return. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct line *l = poll->data;
	uint8_t data[1024];
	ssize_t n;

	(void)events;
	if (status < 0)
		return;
	n = read(l->fd, data, sizeof(data));
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		bench_poll_stop(&l->poll);
		return;
	}
	if (n > 0 && write(l->fd, data, (size_t)n) != n)
		fprintf(stderr, "far end could not echo\n");
}

static void poll_start(struct line *l)
{
	l->poll = bench_poll_start(l->bench, l->fd, on_readable, l);
	if (l->stalled)
		uv_poll_stop(l->poll);
}

static void line_stall(struct bench *b, bool on)
{
	struct line *l = b->state;

	l->stalled = on;
	if (!l->poll)
		return;
	if (on)
		uv_poll_stop(l->poll);
	else
		uv_poll_start(l->poll, UV_READABLE, on_readable);
}

static int line_say(struct bench *b, struct bytes data)
{
	struct line *l = b->state;

	return write(l->fd, data.at, data.len) == (ssize_t)data.len ? 0 : -EIO;
}

static void line_lose(struct bench *b)
{
	hang_up(b->state);
}

static int line_say_and_lose(struct bench *b, struct bytes data)
{
	int err = line_say(b, data);

	line_lose(b);
	return err;
}

static int line_new(struct bench *b, struct line **ret)
{
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->bench = b;
	l->fd = -1;
	l->held = -1;
	l->server = -1;
	b->state = l;
	b->peer = "port";
	*ret = l;
	return 0;
}

static void line_end(struct bench *b)
{
	struct line *l = b->state;

	hang_up(l);
	bench_poll_stop(&l->accept);
	if (l->server >= 0)
		close(l->server);
	if (l->link[0])
		unlink(l->link);
	if (l->folder[0])
		rmdir(l->folder);
	free(l);
}

static int line_dead(struct bench *b)
{
	b->kv[1] = (struct ferry_kv){"hotplug", "no"};
	b->kv_count = 2;
	line_lose(b);
	return 0;
}

static int line_end_with_device(struct bench *b)
{
	b->kv[1] = (struct ferry_kv){"hotplug", "no"};
	b->kv_count = 2;
	return 0;
}

static int pty_open(struct line *l)
{
	struct termios raw;
	char path[64];

	if (openpty(&l->fd, &l->held, path, NULL, NULL))
		return -errno;
	tcgetattr(l->held, &raw);
	cfmakeraw(&raw);
	tcsetattr(l->held, TCSANOW, &raw);
	fcntl(l->fd, F_SETFL, O_NONBLOCK);
	fcntl(l->fd, F_SETFD, FD_CLOEXEC);
	fcntl(l->held, F_SETFD, FD_CLOEXEC);
	unlink(l->link);
	if (symlink(path, l->link))
		return -errno;
	poll_start(l);
	return 0;
}

static int pty_begin(struct bench *b)
{
	struct line *l;
	int err = line_new(b, &l);

	if (err)
		return err;
	strcpy(l->folder, "/tmp/ferry-check-XXXXXX");
	if (!mkdtemp(l->folder))
		return -errno;
	snprintf(l->link, sizeof(l->link), "%s/port", l->folder);
	b->kv[0] = (struct ferry_kv){"port", l->link};
	b->kv_count = 1;
	return pty_open(l);
}

static void pty_lose(struct bench *b)
{
	struct line *l = b->state;

	unlink(l->link);
	hang_up(l);
}

static int pty_dead(struct bench *b)
{
	pty_lose(b);
	return line_end_with_device(b);
}

static int pty_come_back(struct bench *b)
{
	return pty_open(b->state);
}

/* Two lines in one: what is not there yet is the port itself. */
static int pty_late(struct bench *b, const char **ret_key)
{
	pty_lose(b);
	*ret_key = b->peer;
	return 0;
}

const struct bench_kind bench_pty = {
	.begin = pty_begin,
	.end = line_end,
	.stall = line_stall,
	.say = line_say,
	.lose = pty_lose,
	.come_back = pty_come_back,
	.dead = pty_dead,
	.end_with_device = line_end_with_device,
	.late_peer = pty_late,
	.late_comes = pty_come_back,
	.insecure = true,
};

static void on_accept(uv_poll_t *poll, int status, int events)
{
	struct line *l = poll->data;
	int fd;

	(void)status;
	(void)events;
	fd = accept4(l->server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	hang_up(l);
	l->fd = fd;
	l->accepted++;
	poll_start(l);
}

static int tcp_listen(struct line *l, char *target, size_t size)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->server =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->server < 0 ||
		bind(l->server, (struct sockaddr *)&at, sizeof(at)) ||
		listen(l->server, 4) ||
		getsockname(l->server, (struct sockaddr *)&at, &len))
		return -errno;
	snprintf(target, size, "tcp://127.0.0.1:%u", ntohs(at.sin_port));
	return 0;
}

static int tcp_begin(struct bench *b)
{
	struct line *l;
	int err = line_new(b, &l);

	if (!err)
		err = tcp_listen(l, b->texts[0], sizeof(b->texts[0]));
	if (err)
		return err;
	b->kv[0] = (struct ferry_kv){"port", b->texts[0]};
	b->kv_count = 1;
	l->accept = bench_poll_start(b, l->server, on_accept, l);
	return 0;
}

static int tcp_dead(struct bench *b)
{
	struct line *l = b->state;

	bench_poll_stop(&l->accept);
	close(l->server);
	l->server = -1;
	return line_dead(b);
}

static int tcp_come_back(struct bench *b)
{
	(void)b; /* It still listens. */
	return 0;
}

static unsigned tcp_openings(const struct bench *b)
{
	const struct line *l = b->state;

	return l->accepted;
}

const struct bench_kind bench_tcp = {
	.begin = tcp_begin,
	.end = line_end,
	.say = line_say,
	.lose = line_lose,
	.say_and_lose = line_say_and_lose,
	.come_back = tcp_come_back,
	.dead = tcp_dead,
	.end_with_device = line_end_with_device,
	.openings = tcp_openings,
	.insecure = true,
};

static int given_begin(struct bench *b)
{
	(void)b;
	return 0;
}

static void given_end(struct bench *b)
{
	(void)b;
}

const struct bench_kind bench_given = {
	.begin = given_begin,
	.end = given_end,
};

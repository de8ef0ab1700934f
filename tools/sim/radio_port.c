/* The port of a coordinator: bytes or packets, at the speed of the line. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/sim/port_open.h"
#include "tools/sim/radio.h"
#include "tools/sim/world.h"

#define PACKET_MAX 512

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(struct radio *r, uint64_t now)
{
	int events = (r->in_free_at <= now ? UV_READABLE : 0) |
		     (r->stuck ? UV_WRITABLE : 0);

	if (!r->poll || events == r->events)
		return;
	r->events = events;
	if (events)
		uv_poll_start(r->poll, events, on_event);
	else
		uv_poll_stop(r->poll);
}

void radio_drop(struct radio *r)
{
	port_poll_end(&r->poll);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->events = 0;
	r->out_len = 0;
	r->stuck = false;
	r->in_free_at = r->out_free_at = 0;
}

static uint64_t line_ns(const struct radio *r, size_t len)
{
	return r->baud ? (uint64_t)len * 10 * 1000000000u / r->baud : 0;
}

/* About 5 ms of the line. */
static size_t chunk(const struct radio *r, size_t most)
{
	size_t n = r->baud / 10 / 200;

	if (r->baud == 0 || n > most)
		return most;
	return n < 32 ? 32 : n;
}

static void read_in(struct radio *r, uint64_t now)
{
	uint8_t bytes[RADIO_CHUNK];
	size_t most = r->ops->packets ? PACKET_MAX : chunk(r, sizeof(bytes));
	ssize_t n;

	if (r->fd < 0 || r->in_free_at > now)
		return;
	n = read(r->fd, bytes, most);
	if (n > 0) {
		r->bytes_in += (uint64_t)n;
		r->in_free_at = now + line_ns(r, (size_t)n);
		r->ops->input(r->ncp, now, bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR &&
				     errno != EIO)) {
		radio_drop(r);
	}
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct radio *r = poll->data;
	uint64_t now = uv_hrtime();

	if (status < 0) {
		radio_drop(r);
		radio_service(r, now);
		return;
	}
	if (events & UV_WRITABLE)
		r->stuck = false;
	if (events & UV_READABLE)
		read_in(r, now);
	radio_service(r, now);
}

/* What the line does to the bytes of a stream. */
static size_t damage(struct radio *r, uint8_t *at, size_t len)
{
	const struct zigbee_settings *z = &r->settings;
	size_t kept = 0;

	if (!z->line_flip && !z->line_loss)
		return len;
	for (size_t i = 0; i < len; i++) {
		uint64_t nth = r->bytes_out + i + 1;

		if (z->line_loss && nth % z->line_loss == 0)
			continue;
		at[kept] = at[i];
		if (z->line_flip && nth % z->line_flip == 0)
			at[kept] ^= 0x10;
		kept++;
	}
	return kept;
}

static bool fill(struct radio *r, uint64_t now)
{
	size_t room = r->ops->packets ? PACKET_MAX
				      : chunk(r, sizeof(r->out));
	size_t len = r->ops->output(r->ncp, now, r->out, room);

	r->out_len = r->ops->packets ? len : damage(r, r->out, len);
	r->bytes_out += len;
	if (r->out_free_at < now)
		r->out_free_at = now;
	r->out_free_at += line_ns(r, len);
	return len > 0;
}

/* Who listens has sockets, the others PTYs. */
static void write_out(struct radio *r)
{
	ssize_t n = r->listen_fd >= 0
			    ? send(r->fd, r->out, r->out_len, MSG_NOSIGNAL)
			    : write(r->fd, r->out, r->out_len);

	if (n < 0 && errno == EINTR)
		return;
	if (n < 0) {
		r->stuck = errno == EAGAIN;
		if (!r->stuck)
			radio_drop(r);
		return;
	}
	r->out_len -= (size_t)n;
	memmove(r->out, r->out + n, r->out_len);
}

void radio_port_input(struct radio *r, uint64_t now)
{
	if (r->fd >= 0 && r->baud && !(r->events & UV_READABLE))
		read_in(r, now);
}

void radio_port_output(struct radio *r, uint64_t now)
{
	uint8_t nobody[PACKET_MAX];

	/* Nobody listens: what is said is lost. */
	while (r->fd < 0 &&
		r->ops->output(r->ncp, now, nobody, sizeof(nobody)) > 0)
		continue;
	while (r->fd >= 0 && !r->stuck) {
		if (r->out_len == 0 &&
			(r->out_free_at > now || !fill(r, now)))
			break;
		if (r->out_len > 0)
			write_out(r);
	}
	if (r->fd >= 0 && r->ops->broken && r->ops->broken(r->ncp) &&
		r->out_len == 0)
		radio_drop(r);
	watch(r, now);
}

uint64_t radio_port_due(const struct radio *r)
{
	uint64_t due = NCP_NEVER;

	if (r->fd < 0 || r->baud == 0)
		return due;
	if (!(r->events & UV_READABLE))
		due = r->in_free_at;
	if (!r->stuck && r->out_free_at > 0 && r->out_free_at < due &&
		r->out_free_at > uv_hrtime())
		due = r->out_free_at;
	return due;
}

/* ---- opening ---- */

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct radio *r = poll->data;
	int fd = accept4(
		r->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	uint64_t now = uv_hrtime();
	int on = 1;

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	if (!r->ops->packets)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* A serial server has one client; a hub's stack takes the new one. */
	if (r->fd >= 0 && r->ops->packets)
		radio_drop(r);
	if (r->fd >= 0 || port_poll_begin(world_loop(r->world), fd, r,
				&r->poll) < 0) {
		close(fd);
		return;
	}
	r->fd = fd;
	if (r->ops->packets)
		r->ops->reset(r->ncp, now);
	radio_service(r, now);
}

static int listen_begin(struct radio *r)
{
	int err = port_poll_begin(world_loop(r->world), r->listen_fd, r,
		&r->listen_poll);

	return err ? err
		   : uv_poll_start(r->listen_poll, UV_READABLE, on_connection);
}

static int open_tcp(struct radio *r)
{
	int err = port_make_tcp(&r->listen_fd, r->tcp_port, r->port_name,
		sizeof(r->port_name));

	if (!err) {
		r->tcp_port =
			(unsigned)atoi(strrchr(r->port_name, ':') + 1);
		err = listen_begin(r);
	}
	return err ? err : port_write_file(r->path, r->port_name);
}

static int open_pty(struct radio *r)
{
	int err = port_make_pty(
		&r->fd, &r->slave_fd, r->port_name, sizeof(r->port_name));

	if (!err)
		err = port_poll_begin(world_loop(r->world), r->fd, r,
			&r->poll);
	if (err)
		return err;
	watch(r, uv_hrtime());
	return port_point_link(r->path, r->port_name);
}

int radio_port_open(struct radio *r)
{
	int err;

	if (r->settings.port == ZIGBEE_TCP && !r->ops->packets)
		return open_tcp(r);
	if (!r->ops->packets)
		return open_pty(r);
	memcpy(r->port_name, r->path, sizeof(r->port_name));
	err = port_make_socket(&r->listen_fd, r->path);
	return err ? err : listen_begin(r);
}

void radio_port_close(struct radio *r)
{
	radio_drop(r);
	port_poll_end(&r->listen_poll);
	if (r->slave_fd >= 0)
		close(r->slave_fd);
	if (r->listen_fd >= 0)
		close(r->listen_fd);
	r->slave_fd = r->listen_fd = -1;
	if (r->path[0])
		unlink(r->path);
}

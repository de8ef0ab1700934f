/* Ports that are streams: PTYs and TCP. */
#include "tools/sim/station.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/sim/line_speed.h"
#include "tools/sim/port_open.h"
#include "tools/sim/world.h"

#define READ_MAX 4096
#define LATE_NS 5000000u

static void on_readable(uv_poll_t *poll, int status, int events);

static void want_reading(struct station *s, bool want)
{
	if (!s->poll || want == s->polling)
		return;
	s->polling = want;
	if (want)
		uv_poll_start(s->poll, UV_READABLE, on_readable);
	else
		uv_poll_stop(s->poll);
}

static void drop_connection(struct station *s)
{
	port_poll_end(&s->poll);
	s->polling = false;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* About 20 ms of the line: the host's bytes are taken as a wire takes them. */
static size_t read_size(const struct station *s)
{
	size_t n = s->device.baud / 10 / 50;

	if (s->device.baud == 0 || n > READ_MAX)
		return READ_MAX;
	return n < 64 ? 64 : n;
}

/* `at`: when the first of the bytes came to the line. */
static void read_in(struct station *s, uint64_t at)
{
	uint8_t bytes[READ_MAX];
	ssize_t n;

	if (s->baud_of_line)
		s->device.baud = line_speed(s->fd);
	n = read(s->fd, bytes, read_size(s));
	if (n > 0)
		device_rx(&s->device, at, bytes_of(bytes, (size_t)n));
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		drop_connection(s);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct station *s = poll->data;
	uint64_t now = uv_hrtime();

	(void)events;
	if (status < 0)
		drop_connection(s);
	else
		read_in(s, now);
	station_service(s, now);
}

static void write_out(struct station *s, struct bytes out)
{
	while (s->fd >= 0 && out.len > 0) {
		ssize_t n = write(s->fd, out.at, out.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		out = bytes_slice(out, (size_t)n, out.len);
	}
	/* Nobody reads: what does not fit falls off the wire. */
	if (out.len > 0)
		s->device.mcu.counts.answers_dropped++;
}

void port_stream_service(struct station *s, uint64_t now)
{
	struct bytes out;

	while ((out = device_tx(&s->device, now)).len > 0) {
		write_out(s, out);
		device_tx_done(&s->device);
	}
	/* What waited while the line was taken follows without a gap, however
	 * late the timer is: the line's speed must not depend on it. */
	if (s->poll && !s->polling && device_rx_free_at(&s->device) <= now)
		read_in(s, now - device_rx_free_at(&s->device) < LATE_NS
				   ? device_rx_free_at(&s->device)
				   : now);
	want_reading(s, device_rx_free_at(&s->device) <= now);
}

uint64_t port_stream_due(const struct station *s)
{
	return s->poll && !s->polling ? device_rx_free_at(&s->device)
				      : DEVICE_NEVER;
}

void port_stream_close(struct station *s)
{
	drop_connection(s);
	port_poll_end(&s->listen_poll);
	if (s->slave_fd >= 0)
		close(s->slave_fd);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	s->slave_fd = s->listen_fd = -1;
	if (s->path[0])
		unlink(s->path);
}

int port_pty_open(struct station *s)
{
	int err = port_make_pty(&s->fd, &s->slave_fd, s->port_name,
		sizeof(s->port_name));

	if (!err)
		err = port_poll_begin(world_loop(s->world), s->fd, s,
			&s->poll);
	if (err)
		return err;
	want_reading(s, true);
	return port_point_link(s->path, s->port_name);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct station *s = poll->data;
	int fd =
		accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	/* A serial server has one client. */
	if (s->fd >= 0 || port_poll_begin(world_loop(s->world), fd, s,
				&s->poll) < 0) {
		close(fd);
		return;
	}
	s->fd = fd;
	want_reading(s, true);
	station_service(s, uv_hrtime());
}

int port_tcp_open(struct station *s)
{
	int err = port_make_tcp(
		&s->listen_fd, 0, s->port_name, sizeof(s->port_name));

	if (!err)
		err = port_poll_begin(world_loop(s->world), s->listen_fd, s,
			&s->listen_poll);
	if (err)
		return err;
	uv_poll_start(s->listen_poll, UV_READABLE, on_connection);
	return port_write_file(s->path, s->port_name);
}

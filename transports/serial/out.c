/* What is on its way out: bytes that wait for the kernel, and bytes that wait
 * in the kernel for the line. */
#include "transports/serial/serial_port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void out_complete(
	struct serial *s, uint32_t at, int status, uint32_t level)
{
	const struct out *o = &s->out[at];
	struct ferry_result r = {
		.size = sizeof(r),
		.status = status,
		.token = o->token,
		.done = o->done,
		.at_us = s->host->now_us(s->owner),
		.level = level,
	};

	free(o->rest);
	s->out_count--;
	memmove(&s->out[at], &s->out[at + 1],
		(s->out_count - at) * sizeof(s->out[0]));
	s->host->complete(s->owner, &r);
}

/* Bytes that the kernel still holds. */
static uint64_t queued(const struct serial *s)
{
	int bytes = 0;

	if (s->fd < 0 || ioctl(s->fd, TIOCOUTQ, &bytes) || bytes < 0)
		return 0;
	return (uint64_t)bytes;
}

static ssize_t put(const struct serial *s, const uint8_t *at, size_t len)
{
	ssize_t n;

	do
		n = s->kind == PORT_TCP ? send(s->fd, at, len, MSG_NOSIGNAL)
					: write(s->fd, at, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n;
}

static struct out *first_unwritten(struct serial *s)
{
	uint32_t i;

	for (i = 0; i < s->out_count; i++)
		if (s->out[i].rest && !s->out[i].held)
			return &s->out[i];
	return NULL;
}

static void wrote(struct serial *s, struct out *o, size_t len)
{
	o->done += (uint32_t)len;
	s->written += len;
	s->bytes_out += len;
	o->end = s->written;
}

static void watch_out(struct serial *s)
{
	uint32_t events = FERRY_READ;

	if (!s->watch)
		return;
	if (first_unwritten(s))
		events |= FERRY_WRITE;
	s->host->watch_set(s->owner, s->watch, events);
}

void serial_out_write(struct serial *s)
{
	struct out *o;
	ssize_t n;

	while ((o = first_unwritten(s))) {
		n = put(s, o->rest + o->rest_at, o->rest_len - o->rest_at);
		if (n < 0) {
			serial_lose(s, -ENODEV);
			return;
		}
		if (n == 0)
			break;
		wrote(s, o, (size_t)n);
		o->rest_at += (uint32_t)n;
		if (o->rest_at == o->rest_len) {
			free(o->rest);
			o->rest = NULL;
		}
	}
	watch_out(s);
	serial_out_check(s);
}

void serial_out_check(struct serial *s)
{
	uint64_t left = queued(s), gone = s->written - left, wait = 0, ms;
	struct out *o;
	uint32_t i = 0;

	while (i < s->out_count) {
		o = &s->out[i];
		if (o->rest) {
			i++;
		} else if (o->until == FERRY_TAKEN) {
			out_complete(s, i, 0, FERRY_TAKEN);
		} else if (o->end <= gone) {
			out_complete(s, i, 0, FERRY_SENT);
		} else {
			if (!wait)
				wait = o->end - gone;
			i++;
		}
	}
	if (!wait)
		return;
	ms = wait * serial_bits_per_byte(&s->now) * 1000 / s->now.baud + 1;
	serial_timer(s, TIMER_DRAIN, (int64_t)ms);
}

bool serial_out_is_empty(struct serial *s)
{
	uint32_t i;

	for (i = 0; i < s->out_count; i++)
		if (!s->out[i].held)
			return false;
	return queued(s) == 0;
}

void serial_out_release(struct serial *s)
{
	uint32_t i;

	for (i = 0; i < s->out_count; i++)
		s->out[i].held = false;
	serial_out_write(s);
}

int serial_out_add(
	struct serial *s, uint64_t token, const struct ferry_send *send)
{
	struct out *o = &s->out[s->out_count];
	ssize_t n = 0;

	memset(o, 0, sizeof(*o));
	o->held = s->set_token != 0;
	if (!o->held && !first_unwritten(s))
		n = put(s, send->data, send->len);
	o->token = token;
	o->until = send->until;
	if (n < 0) {
		s->out_count++;
		serial_lose(s, -ENODEV);
		return 0;
	}
	if ((size_t)n < send->len) {
		o->rest_len = send->len - (uint32_t)n;
		o->rest = malloc(o->rest_len);
		if (!o->rest && n == 0)
			return -ENOMEM;
	}
	s->out_count++;
	wrote(s, o, (size_t)n);
	if (o->rest) {
		memcpy(o->rest, send->data + n, o->rest_len);
		watch_out(s);
	} else if (o->rest_len) {
		out_complete(s, s->out_count - 1, -ENOMEM, 0);
	}
	serial_out_check(s);
	return 0;
}

void serial_out_cancel(struct serial *s, uint64_t token)
{
	uint32_t i;

	for (i = 0; i < s->out_count; i++)
		if (s->out[i].token == token)
			break;
	if (i == s->out_count)
		return;
	if (s->out[i].rest)
		out_complete(s, i, -ECANCELED, 0);
	else
		out_complete(s, i, 0, FERRY_TAKEN);
	watch_out(s);
}

void serial_out_end(struct serial *s, int status)
{
	while (s->out_count) {
		if (!s->out[0].rest && status == -ECANCELED)
			out_complete(s, 0, 0, FERRY_TAKEN);
		else
			out_complete(s, 0, status, 0);
	}
	watch_out(s);
}

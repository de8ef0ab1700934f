/* Frames over the socket: packets, whole or not at all. */
#include "transports/sim/sim_radio.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void watch_out(struct sim *s)
{
	if (s->watch)
		s->host->watch_set(s->owner, s->watch,
			s->queue ? FERRY_READ | FERRY_WRITE : FERRY_READ);
}

/* 1 taken, 0 not now. What else the socket says, reading will tell. */
static int put_packet(struct sim *s, const void *at, size_t len)
{
	ssize_t n;

	do
		n = send(s->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
		return 0;
	s->frames_out++;
	return 1;
}

static int queue_packet(struct sim *s, uint32_t id)
{
	struct sim_queued *q;

	if (s->queue_len >= SIM_QUEUE_MAX)
		return -ENOBUFS;
	q = malloc(sizeof(*q) + s->scratch.len);
	if (!q)
		return -ENOMEM;
	q->next = NULL;
	q->id = id;
	q->len = s->scratch.len;
	memcpy(q->raw, s->scratch.at, q->len);
	*s->queue_end = q;
	s->queue_end = &q->next;
	s->queue_len++;
	watch_out(s);
	return 0;
}

int sim_put(struct sim *s, const struct sim_frame *f)
{
	int err = sim_wire_write(f, &s->scratch);

	if (err)
		return err;
	if (s->queue || !put_packet(s, s->scratch.at, s->scratch.len))
		return queue_packet(s, f->id);
	return 0;
}

static void queue_pop(struct sim *s)
{
	struct sim_queued *q = s->queue;

	s->queue = q->next;
	if (!s->queue)
		s->queue_end = &s->queue;
	s->queue_len--;
	free(q);
}

void sim_flush(struct sim *s)
{
	while (s->queue && put_packet(s, s->queue->raw, s->queue->len))
		queue_pop(s);
	watch_out(s);
}

bool sim_take_back(struct sim *s, uint32_t id)
{
	struct sim_queued **at = &s->queue, *q;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	q = *at;
	if (!q || !id)
		return false;
	*at = q->next;
	if (s->queue_end == &q->next)
		s->queue_end = at;
	s->queue_len--;
	free(q);
	return true;
}

void sim_drop_queue(struct sim *s)
{
	while (s->queue)
		queue_pop(s);
}

void sim_receive(struct sim *s)
{
	uint8_t raw[SIM_WIRE_MAX + 1];
	struct sim_frame f;
	unsigned rounds = 64;
	ssize_t n;

	while (rounds-- && s->fd >= 0) {
		n = recv(s->fd, raw, sizeof(raw), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			sim_over(s, -ENODEV, "the simulator hung up");
			return;
		}
		s->frames_in++;
		s->heard_us = s->host->now_us(s->owner);
		if (sim_wire_read(bytes_of(raw, (size_t)n), &f) ||
			f.type < SIM_WELCOME) {
			s->frames_bad++;
			sim_over(s, -EPROTO,
				"the simulator sent a frame that is none");
			return;
		}
		sim_arrived(s, &f);
	}
}

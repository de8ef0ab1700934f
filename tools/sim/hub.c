#include "tools/sim/hub.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ferry/transport.h"
#include "tools/sim/world.h"
#include "transports/sim/sim_wire.h"

#define PEER_WINDOW 8

struct hub_link {
	uint32_t id; /* 0: free */
	bool pending;
	bool group;
	bool any;
	struct station *peer; /* of a link to one */
	uint8_t min_security;
};

struct packet {
	struct packet *next;
	size_t len;
	uint8_t bytes[];
};

struct hub {
	struct world *world;
	char path[GROUP_PATH_SIZE];
	int listen_fd;
	int fd;
	uv_poll_t *listen_poll;
	uv_poll_t *poll;
	bool greeted;
	struct station *peers;
	struct packet *first;
	struct packet **last;
	size_t queued;
	unsigned link_count;
	struct hub_link links[HUB_LINKS_MAX];
};

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void end_poll(uv_poll_t **poll)
{
	if (*poll) {
		uv_poll_stop(*poll);
		uv_close((uv_handle_t *)*poll, on_closed);
	}
	*poll = NULL;
}

static void drop_driver(struct hub *h)
{
	end_poll(&h->poll);
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	h->greeted = false;
	for (unsigned i = 0; i < h->link_count; i++)
		if (h->links[i].peer)
			device_link_ended(&h->links[i].peer->device);
	h->link_count = 0;
	memset(h->links, 0, sizeof(h->links));
	while (h->first) {
		struct packet *gone = h->first;

		h->first = gone->next;
		free(gone);
	}
	h->last = &h->first;
	h->queued = 0;
}

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(struct hub *h)
{
	uv_poll_start(h->poll,
		h->first ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_event);
}

static void flush(struct hub *h)
{
	while (h->first) {
		struct packet *p = h->first;
		ssize_t n = send(h->fd, p->bytes, p->len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		h->first = p->next;
		if (!h->first)
			h->last = &h->first;
		h->queued--;
		free(p);
	}
}

static void put_packet(struct hub *h, struct bytes raw)
{
	struct packet *p =
		h->queued < HUB_QUEUE_MAX ? malloc(sizeof(*p) + raw.len) : NULL;

	if (!p) {
		drop_driver(h);
		return;
	}
	p->next = NULL;
	p->len = raw.len;
	memcpy(p->bytes, raw.at, raw.len);
	*h->last = p;
	h->last = &p->next;
	h->queued++;
	flush(h);
	if (h->first)
		watch(h);
}

static void put_frame(struct hub *h, const struct sim_frame *f)
{
	struct buf raw;

	if (h->fd < 0)
		return;
	buf_init(&raw, SIM_WIRE_MAX);
	if (sim_wire_write(f, &raw) == 0)
		put_packet(h, buf_bytes(&raw));
	buf_done(&raw);
}

static struct bytes name_of(const struct station *s)
{
	return bytes_of_text(s->device.name);
}

static bool is_present(const struct station *s)
{
	return s->device.plugged && (s->device.state == DEVICE_RUNNING ||
					    s->device.state == DEVICE_SILENT);
}

static void announce(struct hub *h, const struct station *s, bool gone)
{
	struct sim_frame f = {
		.type = SIM_PEER,
		.flags = gone ? 4 : 0,
		.id_kind = FERRY_ID_HARDWARE,
		.rssi_dbm = -55,
		.peer = name_of(s),
		.address = name_of(s),
		.name = name_of(s),
	};

	if (h->greeted)
		put_frame(h, &f);
}

static void announce_all(struct hub *h)
{
	struct sim_frame group = {
		.type = SIM_PEER,
		.flags = 1,
		.id_kind = FERRY_ID_PLACE,
		.peer = bytes_of_text(HUB_GROUP),
		.name = bytes_of_text(HUB_GROUP),
	};

	put_frame(h, &group);
	for (const struct station *s = h->peers; s; s = s->next_peer)
		if (s->present)
			announce(h, s, false);
}

static struct station *find_peer(struct hub *h, struct bytes key)
{
	struct station *s = h->peers;

	while (s && !bytes_equal(name_of(s), key))
		s = s->next_peer;
	return s;
}

static struct hub_link *find_link(struct hub *h, uint32_t id)
{
	for (unsigned i = 0; i < h->link_count; i++)
		if (h->links[i].id == id)
			return &h->links[i];
	return NULL;
}

static void free_link(struct hub *h, struct hub_link *link)
{
	if (link->peer && !link->pending)
		device_link_ended(&link->peer->device);
	/* A driver that was dropped meanwhile has no links any more. */
	if (h->link_count > 0)
		*link = h->links[--h->link_count];
}

static uint16_t payload_of(const struct hub *h, const struct hub_link *link)
{
	uint32_t least = SIM_WIRE_PAYLOAD_MAX;

	if (link->peer)
		return (uint16_t)link->peer->device.payload;
	for (const struct station *s = h->peers; s; s = s->next_peer)
		if (s->device.payload < least)
			least = s->device.payload;
	return (uint16_t)least;
}

static void answer_connect(
	struct hub *h, const struct hub_link *link, int32_t status)
{
	put_frame(h,
		&(struct sim_frame){
			.type = SIM_CONNECTED,
			.link = link->id,
			.status = status,
			.payload = payload_of(h, link),
			.window = PEER_WINDOW,
			.security = (uint8_t)(link->peer ? link->peer->security
							 : 0),
			.level = (uint8_t)(link->group ? FERRY_SENT
						       : FERRY_DELIVERED),
		});
}

/* Answers CONNECT as soon as it can be; frees the link when that is a no. */
static void try_connect(struct hub *h, struct hub_link *link)
{
	if (link->peer && !link->peer->present)
		return;
	link->pending = false;
	if (link->min_security > (link->peer ? link->peer->security : 0)) {
		answer_connect(h, link, FERRY_SECURITY);
		free_link(h, link);
		return;
	}
	answer_connect(h, link, 0);
}

static void do_connect(struct hub *h, const struct sim_frame *f)
{
	struct hub_link link = {
		.id = f->link, .pending = true, .min_security = f->security};

	link.any = f->peer.len == 0;
	link.group = bytes_is_text(f->peer, HUB_GROUP);
	link.peer = link.any || link.group ? NULL : find_peer(h, f->peer);
	if (h->link_count == HUB_LINKS_MAX) {
		answer_connect(h, &link, -EBUSY);
	} else if (!link.peer && !link.any && !link.group) {
		answer_connect(h, &link, -EHOSTUNREACH);
	} else {
		h->links[h->link_count++] = link;
		try_connect(h, &h->links[h->link_count - 1]);
	}
}

static void do_disconnect(struct hub *h, const struct sim_frame *f)
{
	struct hub_link *link = find_link(h, f->link);

	if (link && link->pending)
		answer_connect(h, link, -ECANCELED);
	if (link)
		free_link(h, link);
	put_frame(h,
		&(struct sim_frame){.type = SIM_DISCONNECTED, .link = f->link});
}

static uint32_t airtime_us(size_t len)
{
	return (uint32_t)(len + 31) * 32;
}

static void confirm(struct hub *h, const struct station_confirm *c)
{
	put_frame(h, &(struct sim_frame){.type = SIM_CONFIRM,
			     .id = c->id,
			     .status = c->status,
			     .level = c->level,
			     .airtime_us = c->airtime_us});
}

static void confirm_now(struct hub *h, uint32_t id, int32_t status)
{
	confirm(h, &(struct station_confirm){.id = id,
			   .status = status,
			   .level = status ? 0 : FERRY_SENT});
}

static void send_to_group(
	struct hub *h, const struct sim_frame *f, uint64_t now)
{
	for (struct station *s = h->peers; s; s = s->next_peer) {
		if (!s->present || switch_fires(&s->device.mcu.sw, SW_LOSS))
			continue;
		device_rx(&s->device, now, f->data);
		station_service(s, now);
	}
	confirm(h, &(struct station_confirm){.id = f->id,
			   .level = FERRY_SENT,
			   .airtime_us = airtime_us(f->data.len)});
}

static void send_to_peer(struct hub *h, struct station *s,
	const struct sim_frame *f, uint64_t now)
{
	struct station_confirm c = {.id = f->id,
		.level = FERRY_DELIVERED,
		.airtime_us = airtime_us(f->data.len)};

	if (!s->present) {
		confirm_now(h, f->id, -EHOSTUNREACH);
		return;
	}
	if (s->confirm_count == STATION_CONFIRMS_MAX) {
		confirm_now(h, f->id, FERRY_NOT_NOW);
		return;
	}
	if (switch_fires(&s->device.mcu.sw, SW_LOSS)) {
		c.level = FERRY_SENT;
		if (f->level == FERRY_DELIVERED)
			c.status = FERRY_NOT_DELIVERED;
	} else {
		device_rx(&s->device, now, f->data);
	}
	c.at = device_rx_free_at(&s->device);
	s->confirms[s->confirm_count++] = c;
	station_service(s, now);
}

static void do_send(struct hub *h, const struct sim_frame *f)
{
	struct hub_link *link = find_link(h, f->link);
	uint64_t now = uv_hrtime();
	struct station *to;

	if (!link || link->pending) {
		confirm_now(h, f->id, -ENOTCONN);
		return;
	}
	if (f->data.len > payload_of(h, link)) {
		confirm_now(h, f->id, -EMSGSIZE);
		return;
	}
	to = link->peer ? link->peer : find_peer(h, f->peer);
	if (link->group || (link->any && bytes_is_text(f->peer, HUB_GROUP)))
		send_to_group(h, f, now);
	else if (to)
		send_to_peer(h, to, f, now);
	else
		confirm_now(h, f->id, -EHOSTUNREACH);
}

static int take_frame(struct hub *h, const struct sim_frame *f)
{
	if (!h->greeted && f->type != SIM_HELLO)
		return -EPROTO;
	switch (f->type) {
	case SIM_HELLO:
		if (f->version != SIM_WIRE_VERSION || h->greeted)
			return -EPROTO;
		h->greeted = true;
		put_frame(h, &(struct sim_frame){.type = SIM_WELCOME,
				     .version = SIM_WIRE_VERSION,
				     .window = HUB_WINDOW});
		announce_all(h);
		return 0;
	case SIM_SCAN:
		announce_all(h);
		return 0;
	case SIM_CONNECT:
		do_connect(h, f);
		return 0;
	case SIM_DISCONNECT:
		do_disconnect(h, f);
		return 0;
	case SIM_SEND:
		do_send(h, f);
		return 0;
	case SIM_SET:
		confirm_now(h, f->id, -EOPNOTSUPP);
		return 0;
	case SIM_WELCOME:
	case SIM_PEER:
	case SIM_CONNECTED:
	case SIM_DISCONNECTED:
	case SIM_CONFIRM:
	case SIM_MESSAGE:
	case SIM_CHANGED:
	case SIM_DOWN:
		return -EPROTO;
	}
	return -EPROTO;
}

static void read_packets(struct hub *h)
{
	uint8_t raw[SIM_WIRE_MAX];
	struct sim_frame f;

	/* A few at a time, so that the rest of the world gets its turn. */
	for (int i = 0; i < 16 && h->fd >= 0; i++) {
		ssize_t n = recv(h->fd, raw, sizeof(raw), 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || sim_wire_read(bytes_of(raw, (size_t)n), &f) < 0 ||
			take_frame(h, &f) < 0)
			drop_driver(h);
	}
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct hub *h = poll->data;

	if (status < 0) {
		drop_driver(h);
		return;
	}
	if (events & UV_WRITABLE) {
		flush(h);
		watch(h);
	}
	if (events & UV_READABLE)
		read_packets(h);
}

static uv_poll_t *begin_poll(struct hub *h, int fd)
{
	uv_poll_t *poll = calloc(1, sizeof(*poll));

	if (poll && uv_poll_init(world_loop(h->world), poll, fd) < 0) {
		free(poll);
		poll = NULL;
	}
	if (poll)
		poll->data = h;
	return poll;
}

/* The driver before may have hung up without our having looked yet. */
static bool has_driver(struct hub *h)
{
	struct pollfd old = {.fd = h->fd};

	if (h->fd >= 0 && poll(&old, 1, 0) > 0 && old.revents & POLLHUP)
		drop_driver(h);
	return h->fd >= 0;
}

static void on_driver(uv_poll_t *poll, int status, int events)
{
	struct hub *h = poll->data;
	int fd =
		accept4(h->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	if (has_driver(h) || !(h->poll = begin_poll(h, fd))) {
		close(fd);
		return;
	}
	h->fd = fd;
	watch(h);
}

int hub_new(struct world *w, const char *path, struct hub **ret)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct hub *h;
	int err;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->world = w;
	h->fd = -1;
	h->last = &h->first;
	snprintf(h->path, sizeof(h->path), "%s", path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	h->listen_fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	unlink(path);
	if (h->listen_fd < 0 ||
		bind(h->listen_fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		listen(h->listen_fd, 4) < 0) {
		err = -errno;
		goto fail;
	}
	h->listen_poll = begin_poll(h, h->listen_fd);
	if (!h->listen_poll) {
		err = -ENOMEM;
		goto fail;
	}
	uv_poll_start(h->listen_poll, UV_READABLE, on_driver);
	*ret = h;
	return 0;
fail:
	if (h->listen_fd >= 0)
		close(h->listen_fd);
	free(h);
	return err;
}

void hub_close(struct hub *h)
{
	drop_driver(h);
	end_poll(&h->listen_poll);
	close(h->listen_fd);
	unlink(h->path);
	free(h);
}

const char *hub_path(const struct hub *h)
{
	return h->path;
}

void hub_add(struct hub *h, struct station *s)
{
	s->hub = h;
	s->next_peer = h->peers;
	h->peers = s;
}

/* Its links end; new ones wait until it is back. */
static void peer_left(struct hub *h, struct station *s)
{
	for (unsigned i = 0; i < s->confirm_count; i++)
		confirm_now(h, s->confirms[i].id, -EHOSTUNREACH);
	s->confirm_count = 0;
	for (unsigned i = h->link_count; i > 0; i--) {
		struct hub_link *link = &h->links[i - 1];

		if (link->peer != s || link->pending)
			continue;
		put_frame(h, &(struct sim_frame){.type = SIM_DOWN,
				     .link = link->id,
				     .status = -EHOSTUNREACH});
		free_link(h, link);
	}
	announce(h, s, true);
}

static void peer_came(struct hub *h, struct station *s)
{
	announce(h, s, false);
	for (unsigned i = h->link_count; i > 0; i--) {
		struct hub_link *link = &h->links[i - 1];

		if (link->peer == s && link->pending)
			try_connect(h, link);
	}
}

static void deliver(struct hub *h, const struct station *s, struct bytes data)
{
	for (unsigned i = 0; i < h->link_count; i++) {
		const struct hub_link *link = &h->links[i];

		if (link->pending || (link->peer != s && !link->any))
			continue;
		put_frame(h, &(struct sim_frame){
				     .type = SIM_MESSAGE,
				     .link = link->id,
				     .security = (uint8_t)s->security,
				     .airtime_us = airtime_us(data.len),
				     .peer = name_of(s),
				     .data = data,
			     });
	}
}

void hub_service(struct station *s, uint64_t now)
{
	struct hub *h = s->hub;
	struct bytes out;
	unsigned done = 0;

	if (s->present != is_present(s)) {
		s->present = !s->present;
		if (s->present)
			peer_came(h, s);
		else
			peer_left(h, s);
	}
	while (done < s->confirm_count && s->confirms[done].at <= now)
		confirm(h, &s->confirms[done++]);
	s->confirm_count -= done;
	memmove(s->confirms, s->confirms + done,
		s->confirm_count * sizeof(s->confirms[0]));
	while ((out = device_tx(&s->device, now)).len > 0) {
		if (!s->present || switch_fires(&s->device.mcu.sw, SW_LOSS))
			s->device.mcu.counts.answers_dropped++;
		else
			deliver(h, s, out);
		device_tx_done(&s->device);
	}
}

uint64_t hub_due(const struct station *s)
{
	return s->confirm_count > 0 ? s->confirms[0].at : DEVICE_NEVER;
}

void hub_payload_changed(struct station *s)
{
	struct hub *h = s->hub;

	for (unsigned i = 0; i < h->link_count; i++) {
		const struct hub_link *link = &h->links[i];

		if (!link->pending && (link->peer == s || !link->peer))
			put_frame(h, &(struct sim_frame){.type = SIM_CHANGED,
					     .link = link->id,
					     .payload = payload_of(h, link),
					     .window = PEER_WINDOW});
	}
}

/* A far end that speaks zcl-socket: a hub's stack with a few devices that echo.
 * Its links are of any peer. */
#include "tools/driver-check/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "transports/zigbee/socket_wire.h"

#define ECHOING 0x00124b0000000001u
#define ECHOING_NWK 0x1001u
#define SECOND 0x00124b0000000002u
#define STRANGER 0x00124b00000000aau
#define HELD_MAX 64u
#define OTA 0x0019u
#define RESULT_NO_ACK 1u
#define RESULT_BUSY 3u

struct hub {
	struct bench *bench;
	int server, fd;
	uv_poll_t *accept, *poll;
	char folder[64], path[96];
	uint32_t held[HELD_MAX];
	unsigned held_count;
	bool hold, hurry;
	uint8_t fail; /* result of the next sends */
	unsigned fail_left;
};

static int say(struct hub *h, const struct zs_packet *p)
{
	uint8_t at[ZS_PACKET_MAX];
	size_t len = zs_write(p, at);

	if (h->fd < 0)
		return -ENOTCONN;
	return send(h->fd, at, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void say_network(struct hub *h)
{
	const struct zs_packet p = {
		.type = ZS_NETWORK,
		.version = ZS_VERSION,
		.flags = ZS_NETWORK_UP | ZS_NETWORK_AIRTIME,
		.channel = 15,
		.window = 8,
		.asdu_max = 82,
		.pan = 0x1a62,
		.eui64 = 0x00124b00000000ffu,
		.rest = bytes_of_text("bench"),
	};

	say(h, &p);
}

static void say_node(struct hub *h, uint64_t eui64, uint16_t nwk, uint8_t flags)
{
	const struct zs_packet p = {
		.type = ZS_NODE, .eui64 = eui64, .nwk = nwk, .flags = flags};

	say(h, &p);
}

static void say_nodes(struct hub *h)
{
	const struct zs_packet listed = {.type = ZS_LISTED, .count = 2};

	say_node(h, ECHOING, ECHOING_NWK, ZS_NODE_KIND_KNOWN);
	say_node(h, SECOND, 0x1002, ZS_NODE_KIND_KNOWN);
	say(h, &listed);
}

static int say_frame(
	struct hub *h, uint64_t eui64, uint8_t flags, struct bytes data)
{
	struct zs_packet p = {
		.type = ZS_FRAME,
		.nwk = (uint16_t)(0x1000 + (eui64 & 0xff)),
		.eui64 = eui64,
		.profile = 0x0104,
		.cluster = OTA,
		.src_ep = 1,
		.dst_ep = 1,
		.flags = flags,
		.airtime_us = 1500,
	};
	int err = 0;

	/* More than a frame takes comes in several. */
	while (data.len && !err) {
		p.rest = bytes_slice(data, 0, 82);
		data = bytes_slice(data, 82, data.len);
		err = say(h, &p);
	}
	return err;
}

static void confirm(struct hub *h, uint32_t id, uint8_t result)
{
	const struct zs_packet p = {.type = ZS_CONFIRM,
		.id = id,
		.result = result,
		.airtime_us = 1500};

	say(h, &p);
}

static void on_send(struct hub *h, const struct zs_packet *p)
{
	bool hurry = h->hurry;

	h->hurry = false;
	if (h->fail_left) {
		h->fail_left--;
		confirm(h, p->id, h->fail);
		return;
	}
	if (hurry)
		say_frame(h, ECHOING, 0, p->rest);
	if (h->hold && h->held_count < HELD_MAX)
		h->held[h->held_count++] = p->id;
	else
		confirm(h, p->id, 0);
	if (!hurry && p->eui64 == ECHOING)
		say_frame(h, ECHOING, 0, p->rest);
}

static void on_packet(struct hub *h, const struct zs_packet *p)
{
	const struct zs_packet pong = {.type = ZS_PONG, .id = p->id};

	if (p->type == ZS_HELLO)
		say_network(h);
	else if (p->type == ZS_LIST)
		say_nodes(h);
	else if (p->type == ZS_SEND)
		on_send(h, p);
	else if (p->type == ZS_PING)
		say(h, &pong);
}

static void hang_up(struct hub *h)
{
	bench_poll_stop(&h->poll);
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	h->held_count = 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct hub *h = poll->data;
	uint8_t raw[ZS_PACKET_MAX];
	struct zs_packet p;
	ssize_t n;

	(void)events;
	n = status < 0 ? 0 : recv(h->fd, raw, sizeof(raw), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		hang_up(h);
	else if (zs_read(bytes_of(raw, (size_t)n), &p) == 0)
		on_packet(h, &p);
}

static void on_accept(uv_poll_t *poll, int status, int events)
{
	struct hub *h = poll->data;
	int fd = accept4(h->server, NULL, NULL, SOCK_CLOEXEC);

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	hang_up(h);
	h->fd = fd;
	h->poll = bench_poll_start(h->bench, fd, on_readable, h);
}

static int hub_listen(struct hub *h)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", h->path);
	h->server = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (h->server < 0 ||
		bind(h->server, (struct sockaddr *)&at, sizeof(at)) ||
		listen(h->server, 4))
		return -errno;
	h->accept = bench_poll_start(h->bench, h->server, on_accept, h);
	return 0;
}

static int hub_begin(struct bench *b)
{
	static const struct ferry_kv channel[] = {
		{"cluster", "0x0019"}, {"role", "server"}};
	struct hub *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->bench = b;
	h->server = -1;
	h->fd = -1;
	b->state = h;
	b->peer = "00124b0000000001";
	b->stranger = "00124b00000000aa";
	b->any_peer = true;
	b->channel = channel;
	b->channel_count = 2;
	strcpy(h->folder, "/tmp/ferry-check-XXXXXX");
	if (!mkdtemp(h->folder))
		return -errno;
	snprintf(h->path, sizeof(h->path), "%s/hub", h->folder);
	b->kv[0] = (struct ferry_kv){"stack", "zcl-socket"};
	b->kv[1] = (struct ferry_kv){"port", h->path};
	b->kv_count = 2;
	return hub_listen(h);
}

static void hub_shut(struct hub *h)
{
	hang_up(h);
	bench_poll_stop(&h->accept);
	if (h->server >= 0)
		close(h->server);
	h->server = -1;
	unlink(h->path);
}

static void hub_end(struct bench *b)
{
	struct hub *h = b->state;

	hub_shut(h);
	rmdir(h->folder);
	free(h);
}

static int hub_dead(struct bench *b)
{
	hub_shut(b->state);
	return 0;
}

static int hub_end_with_device(struct bench *b)
{
	(void)b; /* It always does. */
	return 0;
}

static int hub_say(struct bench *b, struct bytes data)
{
	return say_frame(b->state, ECHOING, 0, data);
}

static void hub_lose(struct bench *b)
{
	hang_up(b->state);
}

static int hub_say_and_lose(struct bench *b, struct bytes data)
{
	int err = hub_say(b, data);

	hang_up(b->state);
	return err;
}

static void hub_fail_next(struct bench *b, int status)
{
	struct hub *h = b->state;

	h->fail = status == FERRY_NOT_NOW ? RESULT_BUSY : RESULT_NO_ACK;
	/* The driver tries again by itself when the radio is busy. */
	h->fail_left = status == FERRY_NOT_NOW ? UINT32_MAX : 1;
}

static void hub_hurry(struct bench *b)
{
	struct hub *h = b->state;

	h->hurry = true;
}

static void hub_hold(struct bench *b, bool on)
{
	struct hub *h = b->state;

	h->hold = on;
	while (!on && h->held_count)
		confirm(h, h->held[--h->held_count], 0);
}

static int hub_group(struct bench *b, const char **ret_key)
{
	(void)b; /* The driver announces it. */
	*ret_key = "all-awake";
	return 0;
}

static int hub_sleepy(struct bench *b, const char **ret_key)
{
	*ret_key = "00124b0000000003";
	say_node(b->state, SECOND + 1, 0x1003,
		ZS_NODE_KIND_KNOWN | ZS_NODE_SLEEPY);
	return 0;
}

static int hub_moved(struct bench *b, const char **ret_key)
{
	*ret_key = "00124b0000000002";
	say_node(b->state, SECOND, 0x00ff, ZS_NODE_KIND_KNOWN);
	return 0;
}

static int hub_say_from(
	struct bench *b, const char *peer, struct bytes reply, bool broadcast)
{
	(void)reply; /* Handles are made by the driver. */
	return say_frame(b->state, strcmp(peer, b->peer) ? STRANGER : ECHOING,
		broadcast ? ZS_FRAME_BROADCAST : 0, bytes_of_text("asks"));
}

const struct bench_kind bench_hub = {
	.begin = hub_begin,
	.end = hub_end,
	.say = hub_say,
	.lose = hub_lose,
	.say_and_lose = hub_say_and_lose,
	.dead = hub_dead,
	.end_with_device = hub_end_with_device,
	.fail_next = hub_fail_next,
	.hurry = hub_hurry,
	.hold = hub_hold,
	.announce_group = hub_group,
	.announce_sleepy = hub_sleepy,
	.announce_moved = hub_moved,
	.say_from = hub_say_from,
};

/* A far end that speaks sim_wire.h: a small radio with a few peers that echo.
 */
#include "tools/driver-check/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "transports/sim/sim_wire.h"

#define LINKS_MAX 8u
#define HELD_MAX 64u

struct radio_link {
	uint32_t number; /* 0: free */
	char peer[64];
	bool pending;
};

struct radio {
	struct bench *bench;
	int server;
	int fd;
	uv_poll_t *accept;
	uv_poll_t *poll;
	char folder[64];
	char path[96];
	struct radio_link links[LINKS_MAX];
	uint32_t held[HELD_MAX];
	unsigned held_count;
	bool hold;
	bool muted;
	bool hurry;
	int fail_next;
	bool late_is_there;
	uint32_t any; /* number of the any-peer link */
	uint8_t answer[FERRY_REPLY_MAX];
	size_t answer_len;
	struct buf out;
};

static int say_frame(struct radio *r, const struct sim_frame *f)
{
	int err = sim_wire_write(f, &r->out);

	if (err)
		return err;
	if (r->fd < 0)
		return -ENOTCONN;
	return send(r->fd, r->out.at, r->out.len, MSG_NOSIGNAL) < 0 ? -errno
								    : 0;
}

static struct radio_link *link_by_number(struct radio *r, uint32_t number)
{
	unsigned i;

	for (i = 0; i < LINKS_MAX; i++)
		if (r->links[i].number == number)
			return &r->links[i];
	return NULL;
}

static void say_connected(struct radio *r, struct radio_link *l, int status)
{
	const struct sim_frame f = {
		.type = SIM_CONNECTED,
		.link = l->number,
		.status = status,
		.payload = 100,
		.window = 4,
		.level = FERRY_DELIVERED,
		.security = FERRY_SECURITY_NETWORK,
	};

	l->pending = false;
	if (status)
		l->number = 0;
	say_frame(r, &f);
}

static bool is_known(const char *peer)
{
	static const char *const known[] = {
		"", "echo", "second", "all", "late", "refuses"};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], peer))
			return true;
	return false;
}

static void on_connect(struct radio *r, const struct sim_frame *f)
{
	struct radio_link *l = link_by_number(r, 0);

	if (!l || f->peer.len >= sizeof(l->peer))
		return;
	l->number = f->link;
	memcpy(l->peer, f->peer.at ? (const void *)f->peer.at : "",
		f->peer.len);
	l->peer[f->peer.len] = 0;
	if (!is_known(l->peer)) {
		say_connected(r, l, -EHOSTUNREACH);
	} else if (!strcmp(l->peer, "refuses")) {
		say_connected(r, l, -ECONNREFUSED);
	} else if (f->security > FERRY_SECURITY_NETWORK) {
		say_connected(r, l, FERRY_SECURITY);
	} else if (!strcmp(l->peer, "late") && !r->late_is_there) {
		l->pending = true;
	} else {
		if (!l->peer[0])
			r->any = l->number;
		say_connected(r, l, 0);
	}
}

static void confirm(struct radio *r, uint32_t id, int status, uint8_t level)
{
	const struct sim_frame f = {
		.type = SIM_CONFIRM,
		.id = id,
		.status = status,
		.level = level,
		.airtime_us = 1500,
		.retry_after_ms = status == FERRY_NOT_NOW ? 40 : 0,
	};

	say_frame(r, &f);
}

static void echo(struct radio *r, const struct radio_link *l, struct bytes data)
{
	const struct sim_frame f = {
		.type = SIM_MESSAGE,
		.link = l->number,
		.security = FERRY_SECURITY_NETWORK,
		.peer = bytes_of_text(l->peer),
		.data = data,
	};

	say_frame(r, &f);
}

static void on_send(struct radio *r, const struct sim_frame *f)
{
	struct radio_link *l = link_by_number(r, f->link);
	bool group = l && !strcmp(l->peer, "all");
	uint8_t level = group && f->level > FERRY_SENT ? FERRY_SENT : f->level;
	int status = r->fail_next;

	if (!l || !l->number)
		return;
	if (f->reply.len) {
		memcpy(r->answer, f->reply.at, f->reply.len);
		r->answer_len = f->reply.len;
	}
	r->fail_next = 0;
	if (status) {
		confirm(r, f->id, status, FERRY_TAKEN);
		return;
	}
	if (r->hurry)
		echo(r, l, f->data);
	if (r->hold && r->held_count < HELD_MAX)
		r->held[r->held_count++] = f->id;
	else
		confirm(r, f->id, 0, level);
	if (!r->hurry && l->peer[0] && !group)
		echo(r, l, f->data);
	r->hurry = false;
}

static void on_disconnect(struct radio *r, const struct sim_frame *f)
{
	const struct sim_frame bye = {
		.type = SIM_DISCONNECTED, .link = f->link};
	struct radio_link *l = link_by_number(r, f->link);

	while (r->held_count)
		confirm(r, r->held[--r->held_count], 0, FERRY_SENT);
	if (l && l->pending)
		say_connected(r, l, -ECANCELED);
	else if (l)
		l->number = 0;
	say_frame(r, &bye);
}

static void say_peer(struct radio *r, const char *key, const char *was,
	const char *address, uint8_t flags, uint8_t id_kind)
{
	const struct sim_frame f = {
		.type = SIM_PEER,
		.flags = flags,
		.id_kind = id_kind,
		.peer = bytes_of_text(key),
		.was = bytes_of_text(was),
		.address = bytes_of_text(address),
	};

	say_frame(r, &f);
}

static void say_peers(struct radio *r)
{
	say_peer(r, "echo", NULL, "0x0001", 0, FERRY_ID_HARDWARE);
	say_peer(r, "second", NULL, "0x0002", 0, FERRY_ID_HARDWARE);
}

static void on_hello(struct radio *r)
{
	const struct sim_frame f = {
		.type = SIM_WELCOME, .version = SIM_WIRE_VERSION, .window = 8};

	say_frame(r, &f);
	say_peers(r);
}

static void on_frame(struct radio *r, const struct sim_frame *f)
{
	switch (f->type) {
	case SIM_HELLO:
		on_hello(r);
		break;
	case SIM_SCAN:
		say_peers(r);
		break;
	case SIM_CONNECT:
		on_connect(r, f);
		break;
	case SIM_DISCONNECT:
		on_disconnect(r, f);
		break;
	case SIM_SEND:
		on_send(r, f);
		break;
	case SIM_SET:
		confirm(r, f->id, 0, 0);
		break;
	case SIM_WELCOME:
	case SIM_PEER:
	case SIM_CONNECTED:
	case SIM_DISCONNECTED:
	case SIM_CONFIRM:
	case SIM_MESSAGE:
	case SIM_CHANGED:
	case SIM_DOWN:
		break;
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct radio *r = poll->data;
	uint8_t raw[SIM_WIRE_MAX];
	struct sim_frame f;
	ssize_t n;

	(void)events;
	n = status < 0 ? 0 : recv(r->fd, raw, sizeof(raw), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		bench_poll_stop(&r->poll);
		close(r->fd);
		r->fd = -1;
		return;
	}
	if (!r->muted && sim_wire_read(bytes_of(raw, (size_t)n), &f) == 0)
		on_frame(r, &f);
}

static void on_accept(uv_poll_t *poll, int status, int events)
{
	struct radio *r = poll->data;
	int fd = accept4(r->server, NULL, NULL, SOCK_CLOEXEC);

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	bench_poll_stop(&r->poll);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = fd;
	memset(r->links, 0, sizeof(r->links));
	r->held_count = 0;
	r->poll = bench_poll_start(r->bench, fd, on_readable, r);
}

static int radio_listen(struct radio *r)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", r->path);
	r->server = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->server < 0 ||
		bind(r->server, (struct sockaddr *)&at, sizeof(at)) ||
		listen(r->server, 4))
		return -errno;
	r->accept = bench_poll_start(r->bench, r->server, on_accept, r);
	return 0;
}

static int radio_begin(struct bench *b)
{
	struct radio *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->bench = b;
	r->server = -1;
	r->fd = -1;
	buf_init(&r->out, SIM_WIRE_MAX);
	b->state = r;
	b->peer = "echo";
	strcpy(r->folder, "/tmp/ferry-check-XXXXXX");
	if (!mkdtemp(r->folder))
		return -errno;
	snprintf(r->path, sizeof(r->path), "%s/radio", r->folder);
	b->kv[0] = (struct ferry_kv){"path", r->path};
	b->kv_count = 1;
	return radio_listen(r);
}

static void radio_shut(struct radio *r)
{
	bench_poll_stop(&r->poll);
	bench_poll_stop(&r->accept);
	if (r->fd >= 0)
		close(r->fd);
	if (r->server >= 0)
		close(r->server);
	r->fd = -1;
	r->server = -1;
	unlink(r->path);
}

static void radio_end(struct bench *b)
{
	struct radio *r = b->state;

	radio_shut(r);
	rmdir(r->folder);
	buf_done(&r->out);
	free(r);
}

static int radio_dead(struct bench *b)
{
	radio_shut(b->state);
	return 0;
}

static int radio_end_with_device(struct bench *b)
{
	(void)b; /* It always does. */
	return 0;
}

static struct radio_link *link_of(struct radio *r, const char *peer)
{
	unsigned i;

	for (i = 0; i < LINKS_MAX; i++)
		if (r->links[i].number && !strcmp(r->links[i].peer, peer))
			return &r->links[i];
	return NULL;
}

static int radio_say(struct bench *b, struct bytes data)
{
	struct radio *r = b->state;
	struct radio_link *l = link_of(r, "echo");

	if (!l)
		return -ENOTCONN;
	echo(r, l, data);
	return 0;
}

static void radio_lose(struct bench *b)
{
	struct radio *r = b->state;
	struct radio_link *l = link_of(r, "echo");
	struct sim_frame f = {.type = SIM_DOWN, .status = -ENODEV};

	if (!l) {
		/* No link: the radio itself goes. */
		say_frame(r, &f);
		return;
	}
	f.link = l->number;
	l->number = 0;
	r->held_count = 0;
	say_frame(r, &f);
	say_peer(r, "echo", NULL, "", FERRY_PEER_GONE, FERRY_ID_HARDWARE);
}

static int radio_say_and_lose(struct bench *b, struct bytes data)
{
	int err = radio_say(b, data);

	radio_lose(b);
	return err;
}

static int radio_come_back(struct bench *b)
{
	say_peers(b->state);
	return 0;
}

static void radio_hold(struct bench *b, bool on)
{
	struct radio *r = b->state;

	r->hold = on;
	while (!on && r->held_count)
		confirm(r, r->held[--r->held_count], 0, FERRY_SENT);
}

static int radio_change_payload(struct bench *b, uint32_t payload)
{
	struct radio *r = b->state;
	struct radio_link *l = link_of(r, "echo");
	const struct sim_frame f = {
		.type = SIM_CHANGED,
		.link = l ? l->number : 0,
		.payload = (uint16_t)payload,
		.window = 2,
	};

	return l ? say_frame(r, &f) : -ENOTCONN;
}

static void radio_fail_next(struct bench *b, int status)
{
	struct radio *r = b->state;

	r->fail_next = status;
}

static int radio_silent(struct bench *b)
{
	b->kv[1] = (struct ferry_kv){"silence", "50"};
	b->kv_count = 2;
	return 0;
}

static void radio_mute(struct bench *b)
{
	struct radio *r = b->state;

	r->muted = true;
}

static void radio_hurry(struct bench *b)
{
	struct radio *r = b->state;

	r->hurry = true;
}

static int radio_group(struct bench *b, const char **ret_key)
{
	*ret_key = "all";
	say_peer(b->state, "all", NULL, "", FERRY_PEER_GROUP, FERRY_ID_PLACE);
	return 0;
}

static int radio_sleepy(struct bench *b, const char **ret_key)
{
	*ret_key = "sleeper";
	say_peer(b->state, "sleeper", NULL, "", FERRY_PEER_SLEEPY,
		FERRY_ID_HARDWARE);
	return 0;
}

static int radio_moved(struct bench *b, const char **ret_key)
{
	*ret_key = "second";
	say_peer(b->state, "second", NULL, "0x00ff", 0, FERRY_ID_HARDWARE);
	return 0;
}

static int radio_upgraded(struct bench *b, const char **ret_key)
{
	*ret_key = "bonded";
	say_peer(b->state, "bonded", "second", "", 0, FERRY_ID_BONDED);
	return 0;
}

static int radio_say_from(
	struct bench *b, const char *peer, struct bytes reply, bool broadcast)
{
	struct radio *r = b->state;
	struct radio_link *l = link_of(r, peer);
	const struct sim_frame f = {
		.type = SIM_MESSAGE,
		.link = l ? l->number : r->any,
		.flags = broadcast ? FERRY_MESSAGE_BROADCAST : 0,
		.peer = bytes_of_text(peer),
		.reply = reply,
		.data = bytes_of_text("asks"),
	};

	return f.link ? say_frame(r, &f) : -ENOTCONN;
}

static struct bytes radio_answered(const struct bench *b)
{
	const struct radio *r = b->state;

	return bytes_of(r->answer, r->answer_len);
}

static int radio_late(struct bench *b, const char **ret_key)
{
	(void)b;
	*ret_key = "late";
	return 0;
}

static int radio_late_comes(struct bench *b)
{
	struct radio *r = b->state;
	struct radio_link *l = link_of(r, "late");

	r->late_is_there = true;
	if (l && l->pending)
		say_connected(r, l, 0);
	return 0;
}

const struct bench_kind bench_sim = {
	.begin = radio_begin,
	.end = radio_end,
	.say = radio_say,
	.lose = radio_lose,
	.say_and_lose = radio_say_and_lose,
	.come_back = radio_come_back,
	.dead = radio_dead,
	.end_with_device = radio_end_with_device,
	.change_payload = radio_change_payload,
	.fail_next = radio_fail_next,
	.silent = radio_silent,
	.mute = radio_mute,
	.hurry = radio_hurry,
	.hold = radio_hold,
	.announce_group = radio_group,
	.announce_sleepy = radio_sleepy,
	.announce_moved = radio_moved,
	.announce_upgraded = radio_upgraded,
	.say_from = radio_say_from,
	.answered = radio_answered,
	.late_peer = radio_late,
	.late_comes = radio_late_comes,
	.refusing = "refuses",
};

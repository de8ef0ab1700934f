/* Opens devices and sockets for drivers, without blocking the loop. A request
 * is answered from the loop, never inside open_device(). What is looked up or
 * connected may outlive its request: it is then `dropped`, and counted in
 * `handles` until it is gone. */
#include "transports/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "transports/target.h"

#define CONNECT_BOUND_MS 5000u /* an address */
#define ADDRESSES_MAX 8u

enum opening_kind { OPENING_PATH, OPENING_SEQPACKET, OPENING_TCP };

struct opening {
	struct transport *t;
	uint64_t request;
	int slot;
	enum opening_kind kind;
	bool ready; /* `result` and `fd` are the answer */
	bool dropped;
	bool keep; /* for its next user too */
	bool busy; /* a lookup or attempt is under way */
	int result;
	int fd;
	unsigned tried;
	uv_getaddrinfo_t lookup;
	struct addrinfo *found;
	struct addrinfo *next;
	char target[];
};

/* One connect() under way. */
struct attempt {
	struct opening *opening;
	uv_poll_t poll;
	uv_timer_t timer;
	int fd;
	int result;
	unsigned open_handles;
};

static void opening_free(struct opening *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->found)
		uv_freeaddrinfo(o->found);
	free(o);
}

static void opening_answer(struct opening *o, int result, int fd)
{
	o->ready = true;
	o->result = result;
	o->fd = fd;
	if (!o->dropped)
		instance_wake(o->t);
}

/* The end of something asynchronous. */
static void opening_settle(struct opening *o, int error, int fd)
{
	struct transport *t = o->t;
	bool dropped = o->dropped;

	o->busy = false;
	opening_answer(o, error, fd);
	if (dropped)
		opening_free(o);
	instance_handle_closed(t);
}

static void connect_next(struct opening *o, int error);

static void on_attempt_closed(uv_handle_t *handle)
{
	struct attempt *a = handle->data;
	struct opening *o = a->opening;
	int result = a->result, fd = a->fd;

	if (--a->open_handles)
		return;
	free(a);
	if (result == 0) {
		opening_settle(o, 0, fd);
		return;
	}
	close(fd);
	connect_next(o, result);
}

static void attempt_end(struct attempt *a, int result)
{
	a->result = result;
	uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
	uv_close((uv_handle_t *)&a->timer, on_attempt_closed);
}

static void on_attempt_ready(uv_poll_t *poll, int status, int events)
{
	struct attempt *a = poll->data;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)status;
	(void)events;
	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	attempt_end(a, -error);
}

static void on_attempt_late(uv_timer_t *timer)
{
	attempt_end(timer->data, -ETIMEDOUT);
}

static int attempt_start(struct opening *o, int fd)
{
	struct attempt *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	err = uv_poll_init(o->t->loop, &a->poll, fd);
	if (err) {
		free(a);
		return err;
	}
	uv_timer_init(o->t->loop, &a->timer);
	a->opening = o;
	a->fd = fd;
	a->open_handles = 2;
	a->poll.data = a;
	a->timer.data = a;
	uv_poll_start(&a->poll, UV_WRITABLE, on_attempt_ready);
	uv_timer_start(&a->timer, on_attempt_late, CONNECT_BOUND_MS, 0);
	return 0;
}

static void socket_tune(int fd)
{
	const int on = 1, idle = 30, count = 3;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int connect_to(struct opening *o, const struct addrinfo *to)
{
	int fd = socket(
		to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	socket_tune(fd);
	if (connect(fd, to->ai_addr, to->ai_addrlen) && errno != EINPROGRESS) {
		err = -errno;
		close(fd);
		return err;
	}
	err = attempt_start(o, fd);
	if (err)
		close(fd);
	return err;
}

/* Tries the next address; `error` is what the last one said. */
static void connect_next(struct opening *o, int error)
{
	const struct addrinfo *to;

	while (!o->dropped && o->next && o->tried < ADDRESSES_MAX) {
		to = o->next;
		o->next = to->ai_next;
		o->tried++;
		error = connect_to(o, to);
		if (!error)
			return;
	}
	opening_settle(o, error, -1);
}

static void on_lookup(
	uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct opening *o = lookup->data;

	o->found = found;
	o->next = found;
	connect_next(o, status ? -EHOSTUNREACH : 0);
}

static int tcp_start(struct opening *o)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char host[TARGET_HOST_SIZE];
	const char *port;

	if (target_tcp_read(o->target, host, &port))
		return -EINVAL;
	o->lookup.data = o;
	return uv_getaddrinfo(
		o->t->loop, &o->lookup, on_lookup, host, port, &hints);
}

static int open_seqpacket(const char *path, int *ret_fd)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(to.sun_path))
		return -EINVAL;
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		/* EAGAIN: more are waiting to be accepted than it takes. */
		err = errno == EAGAIN ? -EBUSY : -errno;
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

static int open_path(struct opening *o, int *ret_fd)
{
	struct transport *t = o->t;
	int fd = -1;

	if (t->on.adopt && o->keep)
		fd = t->on.adopt(t->arg, o->target);
	if (fd >= 0) {
		*ret_fd = fd;
		return FERRY_OPEN_KEPT;
	}
	fd = open(o->target, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (t->on.opened && o->keep)
		t->on.opened(t->arg, o->target, fd);
	*ret_fd = fd;
	return 0;
}

static bool is_setting(const struct transport *t, const char *text)
{
	size_t i;

	for (i = 0; i < t->kv_count; i++)
		if (!strcmp(t->kv[i].value, text))
			return true;
	return false;
}

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) ? NULL : text + len;
}

static int target_check(const struct transport *t, const char *target,
	enum opening_kind *ret_kind)
{
	const char *path = after(target, "seqpacket:");

	if (path) {
		*ret_kind = OPENING_SEQPACKET;
		return is_setting(t, path) ? 0 : -EACCES;
	}
	if (target_is_tcp(target)) {
		*ret_kind = OPENING_TCP;
		return is_setting(t, target) ? 0 : -EACCES;
	}
	*ret_kind = OPENING_PATH;
	if (target[0] != '/')
		return -EINVAL;
	if (is_setting(t, target))
		return 0;
	return after(target, "/dev/") && !strstr(target, "/../") ? 0 : -EACCES;
}

static int opening_new(
	struct transport *t, const char *target, struct opening **ret)
{
	size_t len = strlen(target);
	struct opening *o;
	int slot;

	for (slot = 0; slot < (int)TRANSPORT_OPENS_MAX; slot++)
		if (!t->openings[slot])
			break;
	if (slot == (int)TRANSPORT_OPENS_MAX)
		return -ENOBUFS;
	o = calloc(1, sizeof(*o) + len + 1);
	if (!o)
		return -ENOMEM;
	o->t = t;
	o->slot = slot;
	o->fd = -1;
	memcpy(o->target, target, len);
	*ret = o;
	return 0;
}

int host_open_device(struct ferry_owner *owner, uint64_t request,
	uint32_t flags, const char *target)
{
	struct transport *t = owner->t;
	enum opening_kind kind;
	struct opening *o;
	int err;

	if (!t->driver->table.on_opened)
		return -ENOSYS;
	if (!target || strnlen(target, 4096) == 4096)
		return -EINVAL;
	err = target_check(t, target, &kind);
	if (!err)
		err = opening_new(t, target, &o);
	if (err)
		return err;
	o->request = request;
	o->kind = kind;
	o->keep = flags & FERRY_OPEN_KEEP;
	if (kind == OPENING_TCP) {
		err = tcp_start(o);
		if (err) {
			opening_free(o);
			return err == -ENOMEM ? err : -EINVAL;
		}
		o->busy = true;
		t->handles++;
	}
	t->openings[o->slot] = o;
	instance_wake(t);
	return 0;
}

static void opening_drop(struct transport *t, struct opening *o)
{
	t->openings[o->slot] = NULL;
	if (!o->busy) {
		opening_free(o);
		return;
	}
	o->dropped = true;
	uv_cancel((uv_req_t *)&o->lookup);
}

void host_open_cancel(struct ferry_owner *owner, uint64_t request)
{
	struct transport *t = owner->t;
	unsigned i;

	for (i = 0; i < TRANSPORT_OPENS_MAX; i++)
		if (t->openings[i] && t->openings[i]->request == request)
			opening_drop(t, t->openings[i]);
}

void openings_drop(struct transport *t)
{
	unsigned i;

	for (i = 0; i < TRANSPORT_OPENS_MAX; i++)
		if (t->openings[i])
			opening_drop(t, t->openings[i]);
}

static void opening_do(struct opening *o)
{
	int fd = -1, err;

	if (o->kind == OPENING_SEQPACKET)
		err = open_seqpacket(o->target + strlen("seqpacket:"), &fd);
	else
		err = open_path(o, &fd);
	opening_answer(o, err, fd);
}

void openings_advance(struct transport *t)
{
	struct opening *o;
	unsigned i;
	int fd;

	for (i = 0; i < TRANSPORT_OPENS_MAX; i++) {
		o = t->openings[i];
		if (!o)
			continue;
		if (!o->ready && !o->busy)
			opening_do(o);
		if (!o->ready)
			continue;
		t->openings[i] = NULL;
		fd = o->fd;
		o->fd = -1;
		t->driver->table.on_opened(t->self, o->request, o->result, fd);
		opening_free(o);
	}
}

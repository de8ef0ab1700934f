#include "tests/unit/gateway/admin_rig.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

struct item_list {
	struct rig *rig;
	size_t at;
};

static void put_item(struct json_out *out, const json_t *item)
{
	char *text = json_dumps(item, JSON_COMPACT | JSON_ENCODE_ANY);

	json_out_raw(out, NULL, bytes_of_text(text));
	free(text);
}

/* Items of the answer, as many as fit into the turn. */
static int next_items(void *arg, const struct admin_turn *turn)
{
	struct item_list *l = arg;
	struct rig *r = l->rig;

	r->turns++;
	while (l->at < json_array_size(r->answer)) {
		put_item(turn->out, json_array_get(r->answer, l->at++));
		r->given = l->at;
		if (admin_turn_is_over(turn) || r->one_a_turn)
			return ADMIN_LIST_MORE;
	}
	return r->fails ? r->fails : ADMIN_LIST_WHOLE;
}

static void on_list_end(void *arg)
{
	struct item_list *l = arg;

	l->rig->lists_ended++;
	free(l);
}

void rig_give_items(struct rig *r)
{
	struct item_list *l = calloc(1, sizeof(*l));
	const struct admin_source source = {
		.arg = l,
		.next = next_items,
		.end = on_list_end,
	};

	ck_assert_ptr_nonnull(l);
	l->rig = r;
	r->given = 0;
	admin_answer_list(r->server, r->token, &source);
}

static void give(struct rig *r, uint64_t token)
{
	r->token = token;
	r->asked++;
	if (r->itemwise)
		rig_give_items(r);
	else if (!r->holds)
		admin_answer(r->server, token, r->answer ?
			json_incref(r->answer) : json_object());
}

static void on_get(void *arg, uint64_t token, const struct admin_query *query)
{
	struct rig *r = arg;

	r->query = *query;
	give(r, token);
}

static void on_act(void *arg, uint64_t token, const struct admin_call *call)
{
	struct rig *r = arg;

	r->call = *call;
	give(r, token);
}

void rig_init(struct rig *r)
{
	signal(SIGPIPE, SIG_IGN);
	memset(r, 0, sizeof(*r));
	ck_assert_int_eq(uv_loop_init(&r->loop), 0);
	snprintf(r->dir, sizeof(r->dir), "/tmp/ferry-admin-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	ck_assert_int_eq(chmod(r->dir, 0711), 0);
	snprintf(r->path, sizeof(r->path), "%s/admin.sock", r->dir);
	r->backend = (struct admin_backend){.arg = r, .get = on_get,
		.act = on_act};
	r->config = (struct admin_config){.path = r->path, .mode = 0666,
		.product = "ferryd/test"};
}

void rig_open(struct rig *r)
{
	struct fault fault = {0};
	int err = admin_open(&r->loop, &r->config, &r->backend, &r->server,
		&fault);

	ck_assert_msg(err == 0, "%s: %s", fault.field, fault.rule);
}

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

void rig_close(struct rig *r)
{
	r->closed = false;
	admin_close(r->server, on_closed, &r->closed);
	r->server = NULL;
	while (!r->closed && uv_run(&r->loop, UV_RUN_ONCE))
		continue;
	ck_assert(r->closed);
}

void rig_done(struct rig *r)
{
	if (r->server)
		rig_close(r);
	uv_run(&r->loop, UV_RUN_NOWAIT);
	ck_assert_int_eq(uv_loop_close(&r->loop), 0);
	unlink(r->path);
	ck_assert_int_eq(rmdir(r->dir), 0);
	json_decref(r->answer);
}

int rig_connect(struct rig *r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", r->path);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(connect(fd, (struct sockaddr *)&address,
		sizeof(address)) == 0, "connect: errno %d", errno);
	return fd;
}

int rig_connect_as(struct rig *r, uid_t uid, gid_t gid, gid_t group)
{
	int fd;

	ck_assert_int_eq(setgroups(group ? 1 : 0, &group), 0);
	ck_assert_int_eq(setegid(gid), 0);
	ck_assert_int_eq(seteuid(uid), 0);
	fd = rig_connect(r);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
	return fd;
}

void rig_send(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
		(ssize_t)strlen(text));
}

void rig_turn(struct rig *r, int fd)
{
	struct pollfd fds[] = {
		{.fd = uv_backend_fd(&r->loop), .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};
	int timeout;

	uv_run(&r->loop, UV_RUN_NOWAIT);
	timeout = uv_backend_timeout(&r->loop);
	if (timeout < 0 || timeout > 100)
		timeout = 100;
	poll(fds, 2, timeout);
	uv_run(&r->loop, UV_RUN_NOWAIT);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* False when the other end has hung up. */
static bool collect(int fd, struct buf *got)
{
	uint8_t part[65536];
	ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);

	if (n > 0)
		ck_assert_int_eq(buf_add(got, part, (size_t)n), 0);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void rig_expect(struct rig *r, int fd, struct buf *got, const char *text)
{
	int64_t until = now_ms() + RIG_WAIT_MS;

	for (;;) {
		bool open = collect(fd, got);

		if (text && got->len &&
				memmem(got->at, got->len, text, strlen(text)))
			return;
		if (!open) {
			ck_assert_msg(text == NULL, "hung up before '%s': %.*s",
				text, (int)got->len, (const char *)got->at);
			return;
		}
		ck_assert_msg(now_ms() < until, "no '%s' in time: %.*s",
			text ? text : "hang-up", (int)got->len,
			(const char *)got->at);
		rig_turn(r, fd);
	}
}

/* Reads until `got` holds `len` bytes. */
static void read_up_to(struct rig *r, int fd, struct buf *got, size_t len)
{
	while (got->len < len) {
		size_t had = got->len;

		rig_turn(r, fd);
		ck_assert(collect(fd, got) || got->len > had);
	}
}

/* The chunk at `at`: reads it, adds its bytes to `body`, and gives where the
 * next one begins; 0 behind the last. */
static size_t take_chunk(struct rig *r, int fd, struct buf *got, size_t at,
	struct buf *body)
{
	const char *end;
	size_t len, start;

	while (at >= got->len || !memmem(got->at + at, got->len - at, "\r\n",
			2))
		read_up_to(r, fd, got, got->len + 1);
	end = memmem(got->at + at, got->len - at, "\r\n", 2);
	start = (size_t)(end - (const char *)got->at) + 2;
	len = strtoul((const char *)got->at + at, NULL, 16);
	read_up_to(r, fd, got, start + len + 2);
	ck_assert_int_eq(memcmp(got->at + start + len, "\r\n", 2), 0);
	buf_add(body, got->at + start, len);
	return len ? start + len + 2 : 0;
}

static void read_body(struct rig *r, int fd, struct buf *got, size_t head,
	struct buf *body)
{
	const char *at = memmem(got->at, head, "Content-Length: ", 16);
	size_t len, next = head;

	if (memmem(got->at, head, "Transfer-Encoding: chunked\r\n", 28)) {
		ck_assert_ptr_null(at);
		r->chunked = true;
		while (next) {
			head = next;
			next = take_chunk(r, fd, got, next, body);
		}
		return;
	}
	r->chunked = false;
	ck_assert_ptr_nonnull(at);
	len = strtoul(at + 16, NULL, 10);
	read_up_to(r, fd, got, head + len);
	ck_assert_uint_eq(got->len, head + len);
	buf_add(body, got->at + head, len);
}

int rig_ask(struct rig *r, int fd, const char *request, json_t **ret_body)
{
	struct buf got, body;
	unsigned long status;
	const char *at;
	size_t head;

	buf_init(&got, 64U << 20);
	buf_init(&body, 64U << 20);
	rig_send(fd, request);
	rig_expect(r, fd, &got, "\r\n\r\n");
	at = memmem(got.at, got.len, "\r\n\r\n", 4);
	head = (size_t)(at - (const char *)got.at) + 4;
	ck_assert_int_eq(memcmp(got.at, "HTTP/1.1 ", 9), 0);
	status = strtoul((const char *)got.at + 9, NULL, 10);
	read_body(r, fd, &got, head, &body);
	if (ret_body)
		*ret_body = json_loadb((const char *)body.at, body.len, 0,
			NULL);
	buf_done(&body);
	buf_done(&got);
	return (int)status;
}

int rig_watch(struct rig *r, const char *request, struct buf *got)
{
	int fd = rig_connect(r);

	buf_init(got, 4U << 20);
	rig_send(fd, request);
	rig_expect(r, fd, got, "event: hello\nid: 1\ndata: ");
	return fd;
}

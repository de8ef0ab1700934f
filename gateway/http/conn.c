/* resolving -> connecting (each address) -> handshake -> gate -> ready -> over
 *
 * Any state before `ready` may go to `over` by an error or the time limit, any
 * state to closing. `over` has told the owner and waits to be closed. A handle
 * that libuv still holds keeps the object alive: `holds` counts them. */
#include "gateway/http/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum conn_state {
	CONN_RESOLVING,
	CONN_CONNECTING,
	CONN_HANDSHAKE,
	CONN_GATE,
	CONN_READY,
	CONN_OVER,
};

struct http_gate {
	struct http_conn *conn;
	bool answered;
	int status;
};

struct http_conn {
	struct http_conn_settings set;
	char host[256];
	enum conn_state state;
	bool closing;
	void (*on_closed)(void *arg);
	void *closed_arg;
	unsigned holds;

	uv_getaddrinfo_t resolve;
	bool is_resolving;
	struct sockaddr_storage addresses[HTTP_CONN_ADDRESSES_MAX];
	unsigned address_count;
	unsigned address_next;
	bool any_refused;      /* by address_allowed */
	int connect_error;     /* of the last address */

	uv_tcp_t tcp;
	bool has_tcp;          /* initialised and not closed */
	uv_connect_t connect;
	uv_timer_t timer;
	uv_idle_t kick;        /* goes on from the loop, after a call */
	uint64_t setup_until;
	struct tls *tls;
	struct http_gate gate;
	bool gate_open;        /* asked and not answered */
	bool paused;
	bool input_ended;
	int input_error;
	int write_error;
	uint8_t raw[HTTP_CONN_PIECE];
	uint8_t plain[HTTP_CONN_PIECE];
};

struct write_job {
	uv_write_t request;
	struct http_conn *conn;
	uint8_t at[];
};

static void address_try(struct http_conn *conn);
static void pump(struct http_conn *conn);

/* libuv's numbers for what is not an errno become ours. */
static int map_uv(int e)
{
	if (e == UV_EOF)
		return ERR_VENDOR_CLOSED;
	return e;
}

static void release(struct http_conn *conn)
{
	void (*on_closed)(void *arg) = conn->on_closed;
	void *arg = conn->closed_arg;

	if (--conn->holds)
		return;
	tls_free(conn->tls);
	free(conn);
	on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static void gate_leave(struct http_conn *conn)
{
	if (!conn->gate_open)
		return;
	conn->gate_open = false;
	if (conn->set.on_gate_gone)
		conn->set.on_gate_gone(conn->set.hook_arg, &conn->gate);
}

static void finish(struct http_conn *conn, int status)
{
	if (conn->closing || conn->state == CONN_OVER)
		return;
	conn->state = CONN_OVER;
	uv_timer_stop(&conn->timer);
	uv_idle_stop(&conn->kick);
	if (conn->has_tcp)
		uv_read_stop((uv_stream_t *)&conn->tcp);
	gate_leave(conn);
	conn->set.on_end(conn->set.arg, status);
}

static void on_written(uv_write_t *request, int status)
{
	struct write_job *job = request->data;
	struct http_conn *conn = job->conn;

	/* What the server said before it closed explains more than the failed
	 * write; the reading side reports, and the owner's time limits hold. */
	if (status < 0)
		conn->write_error = status;
	free(job);
	release(conn);
}

static int send_raw(struct http_conn *conn, struct bytes out)
{
	struct write_job *job;
	uv_buf_t piece;
	int e;

	if (out.len == 0 || !conn->has_tcp || conn->write_error)
		return 0;
	job = malloc(sizeof(*job) + out.len);
	if (!job)
		return -ENOMEM;
	memcpy(job->at, out.at, out.len);
	job->conn = conn;
	job->request.data = job;
	piece = uv_buf_init((char *)job->at, (unsigned)out.len);
	e = uv_write(&job->request, (uv_stream_t *)&conn->tcp, &piece, 1,
		on_written);
	if (e) {
		free(job);
		return map_uv(e);
	}
	conn->holds++;
	return 0;
}

static int flush_tls(struct http_conn *conn)
{
	struct bytes out = tls_to_send(conn->tls);
	int e = send_raw(conn, out);

	tls_sent(conn->tls, out.len);
	return e;
}

static void setup_expire(struct http_conn *conn)
{
	if (conn->state != CONN_CONNECTING) {
		finish(conn, ERR_VENDOR_CONNECT_TIMEOUT);
		return;
	}
	if (uv_now(conn->set.loop) >= conn->setup_until) {
		finish(conn, ERR_VENDOR_CONNECT_TIMEOUT);
		return;
	}
	conn->connect_error = ERR_VENDOR_CONNECT_TIMEOUT;
	address_try(conn);
}

static void on_timer(uv_timer_t *timer)
{
	setup_expire(timer->data);
}

static void timer_arm(struct http_conn *conn)
{
	uint64_t now = uv_now(conn->set.loop);
	uint64_t wait = conn->setup_until > now ? conn->setup_until - now : 0;

	if (conn->state == CONN_CONNECTING && wait > conn->set.address_ms)
		wait = conn->set.address_ms;
	uv_timer_start(&conn->timer, on_timer, wait, 0);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *ret)
{
	struct http_conn *conn = handle->data;

	(void)hint;
	*ret = uv_buf_init((char *)conn->raw, sizeof(conn->raw));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
	struct http_conn *conn = stream->data;
	struct bytes in = bytes_of(piece->base, n > 0 ? (size_t)n : 0);

	if (conn->closing || conn->state == CONN_OVER || n == 0)
		return;
	if (n < 0) {
		uv_read_stop(stream);
		conn->input_ended = true;
		conn->input_error = n == UV_EOF ? 0 : (int)n;
		if (conn->tls)
			tls_feed_end(conn->tls);
	} else if (conn->tls) {
		int e = tls_feed(conn->tls, in);

		if (e) {
			finish(conn, e);
			return;
		}
	} else if (conn->state == CONN_READY) {
		conn->set.on_bytes(conn->set.arg, in);
	}
	pump(conn);
}

static void reading_update(struct http_conn *conn)
{
	bool wanted = !conn->input_ended && (conn->state == CONN_HANDSHAKE ||
		(conn->state == CONN_READY && !conn->paused));

	if (conn->closing || !conn->has_tcp)
		return;
	if (wanted)
		uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
	else
		uv_read_stop((uv_stream_t *)&conn->tcp);
}

static void become_ready(struct http_conn *conn)
{
	conn->state = CONN_READY;
	uv_timer_stop(&conn->timer);
	if (conn->tls)
		tls_drop_chain(conn->tls);
	reading_update(conn);
	conn->set.on_ready(conn->set.arg);
}

static void gate_enter(struct http_conn *conn)
{
	const struct bytes *chain;
	size_t count = tls_chain(conn->tls, &chain);

	conn->state = CONN_GATE;
	reading_update(conn);
	if (!conn->set.peer_verified) {
		become_ready(conn);
		return;
	}
	conn->gate = (struct http_gate){.conn = conn};
	conn->gate_open = true;
	conn->set.peer_verified(conn->set.hook_arg, &conn->gate, chain, count);
}

static void handshake_step(struct http_conn *conn)
{
	int e = tls_handshake(conn->tls);
	int sent = flush_tls(conn);

	if (e == -EAGAIN && sent == 0)
		return;
	if (e == ERR_VENDOR_CLOSED && conn->input_error)
		e = conn->input_error;
	if (e == 0)
		e = sent;
	if (e)
		finish(conn, e);
	else
		gate_enter(conn);
}

/* Delivers what TLS has decrypted, until the owner pauses or closes. */
static void deliver_tls(struct http_conn *conn)
{
	int n;

	while (!conn->closing && !conn->paused && conn->state == CONN_READY) {
		n = tls_read(conn->tls, conn->plain, sizeof(conn->plain));
		flush_tls(conn);
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			if (n == ERR_VENDOR_CLOSED && conn->input_error)
				n = conn->input_error;
			finish(conn, n);
			return;
		}
		conn->set.on_bytes(conn->set.arg,
			bytes_of(conn->plain, (size_t)n));
	}
}

static void pump(struct http_conn *conn)
{
	if (conn->closing)
		return;
	if (conn->state == CONN_HANDSHAKE)
		handshake_step(conn);
	if (conn->state != CONN_READY || conn->closing)
		return;
	if (conn->tls)
		deliver_tls(conn);
	else if (conn->input_ended && !conn->paused)
		finish(conn, map_uv(conn->input_error));
}

static void on_kick(uv_idle_t *idle)
{
	struct http_conn *conn = idle->data;

	uv_idle_stop(idle);
	if (conn->closing || conn->state == CONN_OVER)
		return;
	if (conn->state == CONN_GATE && conn->gate.answered) {
		if (conn->gate.status) {
			finish(conn, conn->gate.status);
			return;
		}
		become_ready(conn);
	}
	if (conn->closing)
		return;
	reading_update(conn);
	pump(conn);
}

void http_gate_answer(struct http_gate *gate, int status)
{
	struct http_conn *conn = gate->conn;

	if (!conn->gate_open)
		return;
	conn->gate_open = false;
	gate->answered = true;
	gate->status = status;
	uv_idle_start(&conn->kick, on_kick);
}

static void on_connected(uv_connect_t *request, int status)
{
	struct http_conn *conn = request->data;
	int e = status;

	if (status == UV_ECANCELED || conn->closing) {
		release(conn);
		return;
	}
	conn->holds--;
	if (conn->state != CONN_CONNECTING)
		return;
	if (e) {
		conn->connect_error = e;
		address_try(conn);
		return;
	}
	uv_tcp_nodelay(&conn->tcp, 1);
	conn->state = CONN_HANDSHAKE;
	timer_arm(conn);
	if (!conn->set.trust) {
		become_ready(conn);
		return;
	}
	e = tls_new(conn->set.trust, conn->host, &conn->tls);
	if (e) {
		finish(conn, e);
		return;
	}
	reading_update(conn);
	handshake_step(conn);
}

static void on_old_tcp_closed(uv_handle_t *handle)
{
	struct http_conn *conn = handle->data;

	if (conn->closing || conn->state != CONN_CONNECTING) {
		release(conn);
		return;
	}
	conn->holds--;
	address_try(conn);
}

static int address_start(struct http_conn *conn)
{
	const struct sockaddr_storage *address =
		&conn->addresses[conn->address_next++];
	int e;

	e = uv_tcp_init(conn->set.loop, &conn->tcp);
	if (e)
		return e;
	conn->tcp.data = conn;
	conn->has_tcp = true;
	conn->holds++;
	conn->connect.data = conn;
	e = uv_tcp_connect(&conn->connect, &conn->tcp,
		(const struct sockaddr *)address, on_connected);
	if (e)
		return e;
	conn->holds++;
	timer_arm(conn);
	return 0;
}

/* Goes to the next address; an earlier attempt's handle is closed first, and
 * its close callback comes back here. */
static void address_try(struct http_conn *conn)
{
	uv_timer_stop(&conn->timer);
	if (conn->has_tcp) {
		conn->has_tcp = false;
		uv_close((uv_handle_t *)&conn->tcp, on_old_tcp_closed);
		return;
	}
	while (conn->address_next < conn->address_count) {
		conn->connect_error = address_start(conn);
		if (conn->connect_error == 0)
			return;
		if (conn->has_tcp) {
			conn->has_tcp = false;
			uv_close((uv_handle_t *)&conn->tcp, on_old_tcp_closed);
			return;
		}
	}
	finish(conn, conn->connect_error ? map_uv(conn->connect_error)
					 : ERR_VENDOR_RESOLVE);
}

static void addresses_take(struct http_conn *conn, const struct addrinfo *list)
{
	for (; list; list = list->ai_next) {
		if (conn->address_count == HTTP_CONN_ADDRESSES_MAX)
			return;
		if (list->ai_addrlen > sizeof(conn->addresses[0]))
			continue;
		if (conn->set.address_allowed && !conn->set.address_allowed(
				conn->set.hook_arg, list->ai_addr)) {
			conn->any_refused = true;
			continue;
		}
		memcpy(&conn->addresses[conn->address_count++], list->ai_addr,
			list->ai_addrlen);
	}
}

static void on_resolved(uv_getaddrinfo_t *request, int status,
	struct addrinfo *list)
{
	struct http_conn *conn = request->data;

	conn->is_resolving = false;
	if (status == 0 && !conn->closing)
		addresses_take(conn, list);
	uv_freeaddrinfo(list);
	if (conn->closing || conn->state == CONN_OVER) {
		release(conn);
		return;
	}
	conn->holds--;
	if (status)
		finish(conn, ERR_VENDOR_RESOLVE);
	else if (conn->address_count == 0)
		finish(conn, conn->any_refused ? ERR_VENDOR_ADDRESS
					       : ERR_VENDOR_RESOLVE);
	else {
		conn->state = CONN_CONNECTING;
		address_try(conn);
	}
}

static int resolve_start(struct http_conn *conn)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	char port[8];

	snprintf(port, sizeof(port), "%u", (unsigned)conn->set.port);
	conn->resolve.data = conn;
	return uv_getaddrinfo(conn->set.loop, &conn->resolve, on_resolved,
		conn->host, port, &hints);
}

int http_conn_open(const struct http_conn_settings *settings,
	struct http_conn **ret_conn)
{
	struct http_conn *conn = calloc(1, sizeof(*conn));
	int e;

	if (!conn)
		return -ENOMEM;
	conn->set = *settings;
	snprintf(conn->host, sizeof(conn->host), "%s", settings->host);
	conn->set.host = conn->host;
	e = resolve_start(conn);
	if (e) {
		free(conn);
		return e;
	}
	conn->is_resolving = true;
	/* The resolver's request, the timer and the kick. */
	conn->holds = 3;
	uv_timer_init(settings->loop, &conn->timer);
	conn->timer.data = conn;
	uv_idle_init(settings->loop, &conn->kick);
	conn->kick.data = conn;
	uv_update_time(settings->loop);
	conn->setup_until = uv_now(settings->loop) + settings->setup_ms;
	timer_arm(conn);
	*ret_conn = conn;
	return 0;
}

int http_conn_write(struct http_conn *conn, struct bytes out)
{
	int e;

	if (conn->state != CONN_READY || conn->closing)
		return -ENOTCONN;
	if (!conn->tls)
		return send_raw(conn, out);
	e = tls_write(conn->tls, out);
	if (e == 0)
		e = flush_tls(conn);
	return e;
}

void http_conn_pause(struct http_conn *conn, bool paused)
{
	if (conn->paused == paused || conn->closing)
		return;
	conn->paused = paused;
	if (paused)
		reading_update(conn);
	else if (conn->state != CONN_OVER)
		uv_idle_start(&conn->kick, on_kick);
}

void http_conn_close(struct http_conn *conn, void (*on_closed)(void *arg),
	void *arg)
{
	uv_buf_t piece;
	struct bytes out;

	if (conn->closing)
		return;
	conn->closing = true;
	conn->on_closed = on_closed;
	conn->closed_arg = arg;
	gate_leave(conn);
	if (conn->is_resolving)
		uv_cancel((uv_req_t *)&conn->resolve);
	if (conn->has_tcp) {
		if (conn->tls && conn->state == CONN_READY)
			tls_end(conn->tls);
		out = conn->tls ? tls_to_send(conn->tls) : bytes_of(NULL, 0);
		piece = uv_buf_init((char *)(uintptr_t)out.at,
			(unsigned)out.len);
		if (out.len)
			uv_try_write((uv_stream_t *)&conn->tcp, &piece, 1);
		uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
		conn->has_tcp = false;
	}
	uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
	uv_close((uv_handle_t *)&conn->kick, on_handle_closed);
}

const char *http_conn_tls_version(const struct http_conn *conn)
{
	return conn->tls ? tls_version_name(conn->tls) : NULL;
}

const char *http_conn_tls_suite(const struct http_conn *conn)
{
	return conn->tls ? tls_suite_name(conn->tls) : NULL;
}

#include "gateway/admin/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "gateway/admin/access.h"
#include "gateway/admin/openapi.h"
#include "gateway/admin/problem.h"

#define DRAIN_MS 2000
#define KEEP_BUFFER 65536

static void on_handle_closed(uv_handle_t *handle)
{
	struct conn *c = (struct conn *)handle->data;
	struct admin_server *server = c->server;

	if (--c->handles)
		return;
	for (unsigned i = 0; i < server->limits.connections; i++)
		if (server->conns[i] == c)
			server->conns[i] = NULL;
	server->conn_count--;
	request_reader_free(c->reader);
	buf_done(&c->in);
	buf_done(&c->head);
	buf_done(&c->body);
	buf_done(&c->pending);
	buf_done(&c->flying);
	free(c);
	server_settle(server);
}

void conn_close(struct conn *c)
{
	if (c->state == CONN_CLOSING)
		return;
	if (c->state == CONN_WATCHING)
		c->server->watcher_count--;
	if (c->state == CONN_LISTING)
		list_drop(c);
	c->state = CONN_CLOSING;
	c->token = 0;
	uv_close((uv_handle_t *)&c->pipe, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

struct conn *conn_by_token(struct admin_server *server, uint64_t token)
{
	for (unsigned i = 0; token && i < server->limits.connections; i++)
		if (server->conns[i] && server->conns[i]->token == token)
			return server->conns[i];
	return NULL;
}

struct conn *conn_asked(struct admin_server *server, uint64_t token)
{
	struct conn *c = server ? conn_by_token(server, token) : NULL;

	return c && c->state == CONN_ASKED ? c : NULL;
}

static void refuse_late(struct conn *c, unsigned status, const char *rule)
{
	const struct admin_refusal why = {
		.code = ERR_ADMIN_TIMEOUT,
		.field = "request",
		.rule = rule,
	};

	c->keep_alive = false;
	conn_refuse(c, status, &why, NULL);
}

void conn_refuse_late(struct conn *c)
{
	refuse_late(c, 504, "the daemon gave no answer in time");
}

void conn_on_write_slow(struct conn *c)
{
	size_t left = uv_stream_get_write_queue_size(
		(const uv_stream_t *)&c->pipe);

	if (left >= c->write_left) {
		conn_close(c);
		return;
	}
	c->write_left = left;
	conn_set_timer(c, c->server->limits.write_ms);
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *c = (struct conn *)timer->data;

	switch (c->state) {
	case CONN_READING:
		if (request_has_begun(c->reader))
			refuse_late(c, 408, "must arrive in time");
		else
			conn_close(c);
		break;
	case CONN_ASKED:
		conn_refuse_late(c);
		break;
	case CONN_LISTING:
		list_on_timer(c);
		break;
	case CONN_ANSWERING:
		conn_on_write_slow(c);
		break;
	case CONN_DRAINING:
		conn_close(c);
		break;
	case CONN_WATCHING:
		watch_on_timer(c);
		break;
	case CONN_CLOSING:
		break;
	}
}

void conn_set_timer(struct conn *c, unsigned ms)
{
	uv_timer_start(&c->timer, on_timer, ms, 0);
}

/* Says no more and reads what the client still sends, so that it gets to read
 * the answer instead of a reset. */
static void drain(struct conn *c);

static void on_shutdown(uv_shutdown_t *req, int status)
{
	(void)status;
	free(req);
}

void conn_answered(struct conn *c)
{
	if (c->server->closing) {
		conn_close(c);
		return;
	}
	c->token = 0;
	if (c->body.size > KEEP_BUFFER)
		buf_done(&c->body);
	if (!c->keep_alive) {
		drain(c);
		return;
	}
	c->state = CONN_READING;
	request_next(c->reader);
	conn_read_on(c);
}

static void on_answered(uv_write_t *write, int status)
{
	struct conn *c = (struct conn *)write->data;

	c->writing = false;
	if (c->state == CONN_CLOSING)
		return;
	if (status < 0)
		conn_close(c);
	else
		conn_answered(c);
}

static void put_date(struct buf *head)
{
	time_t now = time(NULL);
	char text[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(head, "Date: %s\r\n", text);
}

void conn_put_head(struct conn *c, unsigned status, const char *type,
	const char *allow, enum conn_length length)
{
	buf_printf(&c->head, "HTTP/1.1 %u %s\r\nServer: %s\r\n", status,
		problem_reason(status), c->server->product);
	put_date(&c->head);
	buf_printf(&c->head, "Content-Type: %s\r\nCache-Control: no-store\r\n",
		type);
	switch (length) {
	case CONN_KNOWN_LENGTH:
		buf_printf(&c->head, "Content-Length: %zu\r\n", c->body.len);
		break;
	case CONN_CHUNKED:
		buf_add_text(&c->head, "Transfer-Encoding: chunked\r\n");
		break;
	case CONN_UNTIL_CLOSE:
		c->keep_alive = false;
		break;
	}
	if (allow)
		buf_printf(&c->head, "Allow: %s\r\n", allow);
	if (!c->keep_alive)
		buf_add_text(&c->head, "Connection: close\r\n");
	buf_add_text(&c->head, "\r\n");
}

void conn_write(struct conn *c, const uv_buf_t *parts, unsigned count,
	uv_write_cb on_written)
{
	size_t len = 0;
	int err;

	for (unsigned i = 0; i < count; i++)
		len += parts[i].len;
	c->writing = true;
	err = uv_write(&c->write, (uv_stream_t *)&c->pipe, parts, count,
		on_written);
	if (err) {
		c->writing = false;
		conn_close(c);
		return;
	}
	c->write_left = len + 1;
	conn_set_timer(c, c->server->limits.write_ms);
}

/* Writes head and c->body. */
static void send_answer(struct conn *c, unsigned status, const char *type,
	const char *allow)
{
	uv_buf_t parts[2];

	c->token = 0;
	buf_reset(&c->head);
	conn_put_head(c, status, type, allow, CONN_KNOWN_LENGTH);
	if (c->head.err || c->body.err) {
		conn_close(c);
		return;
	}
	c->state = CONN_ANSWERING;
	parts[0] = uv_buf_init((char *)c->head.at, (unsigned)c->head.len);
	parts[1] = uv_buf_init((char *)c->body.at, (unsigned)c->body.len);
	conn_write(c, parts, c->body.len ? 2 : 1, on_answered);
}

static int put_json(const char *at, size_t len, void *arg)
{
	return buf_add(arg, at, len);
}

static void log_answer(const struct conn *c, unsigned status,
	const char *field, const char *rule)
{
	char quoted[160];

	if (status >= 400)
		log_info("admin", "refused",
			"who=%s pid=%d what=\"%s\" status=%u field=%s rule=\"%s\"",
			c->peer.name, (int)c->peer.pid, c->what, status,
			field ? field : "", bytes_to_printable(
				bytes_of_text(rule), quoted, sizeof(quoted)));
	else if (c->is_action)
		log_info("admin", "done", "who=%s pid=%d what=\"%s\"",
			c->peer.name, (int)c->peer.pid, c->what);
	else
		log_debug("admin", "read", "who=%s what=\"%s\"", c->peer.name,
			c->what);
}

void conn_answer(struct conn *c, unsigned status, const json_t *json)
{
	buf_reset(&c->body);
	if (json_dump_callback(json, put_json, &c->body, JSON_COMPACT) ||
			buf_add_text(&c->body, "\n")) {
		log_error("admin", "cannot write the answer", "what=\"%s\"",
			c->what);
		conn_close(c);
		return;
	}
	if (status < 400)
		log_answer(c, status, NULL, NULL);
	send_answer(c, status, status < 400 ? "application/json" :
		"application/problem+json", NULL);
}

void conn_log_read(const struct conn *c)
{
	log_answer(c, 200, NULL, NULL);
}

void conn_send_list(struct conn *c)
{
	conn_log_read(c);
	send_answer(c, 200, "application/json", NULL);
}

void conn_answer_text(struct conn *c, const char *type, struct bytes text)
{
	buf_reset(&c->body);
	buf_add_bytes(&c->body, text);
	send_answer(c, 200, type, NULL);
}

void conn_refuse(struct conn *c, unsigned status,
	const struct admin_refusal *why, const char *allow)
{
	char field[96];
	json_t *json;

	if (!status)
		status = why->status ? (unsigned)why->status :
			problem_status(why->code);
	c->server->stats.refused += status < 500;
	log_answer(c, status, bytes_to_printable(bytes_of_text(why->field),
		field, sizeof(field)), why->rule);
	json = problem_json(why, status);
	buf_reset(&c->body);
	if (!json || json_dump_callback(json, put_json, &c->body,
			JSON_COMPACT))
		conn_close(c);
	else
		send_answer(c, status, "application/problem+json", allow);
	json_decref(json);
}

/* The head of a request is malformed: say so and hang up. */
static void refuse_bytes(struct conn *c, int err)
{
	const struct admin_refusal why = {
		.code = err,
		.field = "request",
		.rule = request_rule(c->reader),
	};

	c->keep_alive = false;
	snprintf(c->what, sizeof(c->what), "malformed");
	conn_refuse(c, request_status(c->reader), &why, NULL);
}

void conn_judge(struct conn *c)
{
	struct admin_server *server = c->server;
	uv_os_fd_t fd;

	if (c->rules_seen == server->rules_turn)
		return;
	c->rules_seen = server->rules_turn;
	if (uv_fileno((const uv_handle_t *)&c->pipe, &fd) ||
			access_of_socket(fd, server->rules, server->rule_count,
				&c->peer))
		c->peer.role = ADMIN_ROLE_NONE;
}

static void ask(struct conn *c, const struct op *op)
{
	const struct admin_backend *backend = &c->server->backend;
	uint64_t token = ++c->server->last_token;

	c->state = CONN_ASKED;
	c->wants_role = op->route->kind == ROUTE_GET &&
		op->query.get == ADMIN_GET_STATUS;
	conn_set_timer(c, c->server->limits.answer_ms);
	switch (op->route->kind) {
	case ROUTE_GET:
		c->token = token;
		backend->get(backend->arg, token, &op->query);
		break;
	case ROUTE_ACT:
		c->token = token;
		backend->act(backend->arg, token, &op->call);
		break;
	case ROUTE_EVENTS:
		watch_start(c, op->types);
		break;
	case ROUTE_OPENAPI:
		conn_answer_text(c, "application/json", openapi_text());
		break;
	}
}

static void serve(struct conn *c)
{
	struct op_refusal refusal;
	struct request request;
	struct op op;
	int err;

	request_get(c->reader, &request);
	c->keep_alive = request.keep_alive;
	c->is_old = request.is_old;
	c->server->stats.requests++;
	conn_judge(c);
	err = op_read(&op, request.method, request.target, request.body,
		&c->peer, &refusal);
	c->is_action = op.route && op.route->kind == ROUTE_ACT;
	snprintf(c->what, sizeof(c->what), "%s %s", request.method,
		op.route ? op.route->path : "unknown");
	if (!err && op.route) {
		ask(c, &op);
	} else {
		const struct admin_refusal why = {
			.code = err,
			.field = refusal.field,
			.rule = refusal.rule,
			.hint = refusal.hint,
		};

		c->state = CONN_ASKED;
		conn_refuse(c, 0, &why, refusal.allow);
	}
	op_done(&op);
}

static void stop_reading(struct conn *c)
{
	if (c->reading)
		uv_read_stop((uv_stream_t *)&c->pipe);
	c->reading = false;
}

static void say_continue(struct conn *c)
{
	static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uv_buf_t part = uv_buf_init(text, sizeof(text) - 1);

	if (request_wants_continue(c->reader))
		uv_try_write((uv_stream_t *)&c->pipe, &part, 1);
}

/* Feeds `in`; returns how much of it was taken. */
static size_t feed(struct conn *c, struct bytes in)
{
	bool had_begun = request_has_begun(c->reader);
	size_t used = 0;
	int got = request_feed(c->reader, in, &used);

	if (!had_begun && request_has_begun(c->reader))
		conn_set_timer(c, c->server->limits.request_ms);
	if (got != 0)
		stop_reading(c);
	if (got < 0)
		refuse_bytes(c, got);
	else if (got > 0)
		serve(c);
	else
		say_continue(c);
	return used;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct conn *c = (struct conn *)handle->data;

	(void)suggested;
	*ret = uv_buf_init(c->server->read_buf, sizeof(c->server->read_buf));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *data)
{
	struct conn *c = (struct conn *)stream->data;
	size_t used;

	if (n == 0)
		return;
	if (n < 0) {
		conn_close(c);
		return;
	}
	if (c->state != CONN_READING)
		return;
	used = feed(c, bytes_of(data->base, (size_t)n));
	if (c->state == CONN_ASKED || c->state == CONN_LISTING ||
			c->state == CONN_ANSWERING)
		buf_add(&c->in, data->base + used, (size_t)n - used);
}

void conn_start_reading(struct conn *c)
{
	if (c->reading)
		return;
	c->reading = true;
	if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read))
		conn_close(c);
}

void conn_read_on(struct conn *c)
{
	size_t used;

	conn_set_timer(c, c->server->limits.idle_ms);
	if (c->in.len) {
		used = feed(c, buf_bytes(&c->in));
		if (c->state == CONN_CLOSING)
			return;
		buf_eat(&c->in, used);
	}
	if (c->in.len == 0)
		buf_done(&c->in);
	if (c->state == CONN_READING)
		conn_start_reading(c);
}

static void drain(struct conn *c)
{
	uv_shutdown_t *req = malloc(sizeof(*req));

	c->state = CONN_DRAINING;
	conn_set_timer(c, DRAIN_MS);
	if (!req || uv_shutdown(req, (uv_stream_t *)&c->pipe, on_shutdown)) {
		free(req);
		conn_close(c);
		return;
	}
	conn_start_reading(c);
}

static int place(struct admin_server *server, struct conn *c)
{
	for (unsigned i = 0; i < server->limits.connections; i++)
		if (!server->conns[i]) {
			server->conns[i] = c;
			return 0;
		}
	return ERR_ADMIN_BUSY;
}

static struct conn *conn_new(struct admin_server *server)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->reader = request_reader_new(server->limits.head_bytes,
		server->limits.body_bytes);
	if (!c->reader || uv_pipe_init(server->loop, &c->pipe, 0)) {
		request_reader_free(c->reader);
		free(c);
		return NULL;
	}
	uv_timer_init(server->loop, &c->timer);
	c->server = server;
	c->handles = 2;
	c->pipe.data = c;
	c->timer.data = c;
	c->write.data = c;
	c->rules_seen = server->rules_turn - 1;
	buf_init(&c->in, READ_SIZE);
	buf_init(&c->head, 1024);
	buf_init(&c->body, ANSWER_MAX);
	buf_init(&c->pending, server->limits.watch_bytes);
	buf_init(&c->flying, server->limits.watch_bytes);
	server->conn_count++;
	return c;
}

static bool has_room(const struct admin_server *server, const struct conn *c)
{
	unsigned max = server->limits.connections;

	if (c->peer.role < ADMIN_ROLE_OPERATOR && max > RESERVED_CONNECTIONS)
		max -= RESERVED_CONNECTIONS;
	return server->conn_count <= max;
}

/* One answer and out: there is no room to keep the connection. */
static void turn_away(struct conn *c)
{
	static const char body[] = "{\"type\":\"urn:ferry:error:admin-busy\","
		"\"title\":\"too many connections\",\"status\":503,"
		"\"code\":\"admin-busy\"}\n";
	char text[512];
	uv_buf_t part;
	int len;

	log_warn("admin", "too many connections", "who=%s pid=%d",
		c->peer.name, (int)c->peer.pid);
	len = snprintf(text, sizeof(text),
		"HTTP/1.1 503 %s\r\nContent-Type: application/problem+json\r\n"
		"Content-Length: %zu\r\nRetry-After: 1\r\n"
		"Connection: close\r\n\r\n%s",
		problem_reason(503), sizeof(body) - 1, body);
	part = uv_buf_init(text, (unsigned)len);
	uv_try_write((uv_stream_t *)&c->pipe, &part, 1);
	conn_close(c);
}

void conn_accept(struct admin_server *server)
{
	struct conn *c = conn_new(server);

	if (!c) {
		log_error("admin", "no memory for a connection", "");
		return;
	}
	if (uv_accept((uv_stream_t *)&server->listener,
			(uv_stream_t *)&c->pipe)) {
		conn_close(c);
		return;
	}
	conn_judge(c);
	if (!has_room(server, c) || place(server, c)) {
		turn_away(c);
		return;
	}
	conn_read_on(c);
}

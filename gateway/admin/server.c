#include "gateway/admin/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/admin/conn.h"

static void set_default(unsigned *field, unsigned value)
{
	if (*field == 0)
		*field = value;
}

static void fill_limits(struct admin_limits *limits)
{
	set_default(&limits->connections, 64);
	set_default(&limits->watchers, 32);
	set_default(&limits->head_bytes, 8192);
	set_default(&limits->body_bytes, 65536);
	set_default(&limits->watch_bytes, 262144);
	set_default(&limits->idle_ms, 60000);
	set_default(&limits->request_ms, 10000);
	set_default(&limits->answer_ms, 120000);
	set_default(&limits->write_ms, 30000);
	set_default(&limits->ping_ms, 15000);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct admin_server *server = (struct admin_server *)listener->data;

	if (status < 0)
		log_error("admin", "cannot accept", "why=%s",
			uv_strerror(status));
	else if (!server->closing)
		conn_accept(server);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct admin_server *server = (struct admin_server *)handle->data;

	server->has_listener = false;
	server_settle(server);
}

static void on_turner_closed(uv_handle_t *handle)
{
	struct admin_server *server = (struct admin_server *)handle->data;

	server->has_turner = false;
	server_settle(server);
}

void server_settle(struct admin_server *server)
{
	void (*cb)(void *arg) = server->on_closed;
	void *arg = server->on_closed_arg;

	if (!server->closing || server->has_listener || server->has_turner ||
			server->conn_count)
		return;
	free(server->conns);
	free(server);
	if (cb)
		cb(arg);
}

static struct admin_server *server_new(uv_loop_t *loop,
	const struct admin_config *config, const struct admin_backend *backend)
{
	struct admin_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->loop = loop;
	server->backend = *backend;
	server->limits = config->limits;
	fill_limits(&server->limits);
	snprintf(server->product, sizeof(server->product), "%s",
		config->product ? config->product : "ferryd");
	server->queue_end = &server->queue;
	server->conns = calloc(server->limits.connections,
		sizeof(struct conn *));
	if (!server->conns) {
		free(server);
		return NULL;
	}
	return server;
}

/* Hands `fd` to the loop. From here on only admin_close() frees the server. */
static int start_listening(struct admin_server *server, int fd)
{
	int err = uv_pipe_init(server->loop, &server->listener, 0);

	uv_idle_init(server->loop, &server->turner);
	server->turner.data = server;
	server->has_turner = true;
	if (err) {
		close(fd);
		return err;
	}
	server->has_listener = true;
	server->listener.data = server;
	err = uv_pipe_open(&server->listener, fd);
	if (err) {
		close(fd);
		return err;
	}
	return uv_listen((uv_stream_t *)&server->listener, 64, on_connection);
}

int admin_open(uv_loop_t *loop, const struct admin_config *config,
	const struct admin_backend *backend, struct admin_server **ret_server,
	struct fault *fault)
{
	struct admin_server *server = server_new(loop, config, backend);
	int fd, err;

	if (!server)
		return fault_set(fault, -ENOMEM, 0, "admin", "no memory");
	err = admin_set_rules(server, config->rules, config->rule_count);
	if (err) {
		admin_close(server, NULL, NULL);
		return fault_set(fault, err, 0, "admin",
			"at most %d users and groups", ADMIN_RULES_MAX);
	}
	fd = socket_file_open(config, &server->file, fault);
	if (fd < 0) {
		admin_close(server, NULL, NULL);
		return fd;
	}
	err = start_listening(server, fd);
	if (err) {
		admin_close(server, NULL, NULL);
		return fault_set(fault, err, 0, "admin.socket",
			"cannot listen: %s", err_text(err));
	}
	*ret_server = server;
	return 0;
}

int admin_set_rules(struct admin_server *server,
	const struct admin_rule *rules, size_t count)
{
	if (count > ADMIN_RULES_MAX)
		return -E2BIG;
	if (count)
		memcpy(server->rules, rules, count * sizeof(*rules));
	server->rule_count = count;
	server->rules_turn++;
	for (unsigned i = 0; i < server->limits.connections; i++) {
		struct conn *c = server->conns[i];

		if (!c || c->state != CONN_WATCHING)
			continue;
		conn_judge(c);
		if (c->peer.role == ADMIN_ROLE_NONE)
			watch_end(c, "role");
	}
	return 0;
}

void admin_answer(struct admin_server *server, uint64_t token,
	json_t *take_json)
{
	struct conn *c = conn_asked(server, token);

	if (c) {
		if (c->wants_role)
			json_object_set_new(take_json, "role", json_string(
				admin_role_name(c->peer.role)));
		conn_answer(c, 200, take_json);
	}
	json_decref(take_json);
}

void admin_refuse(struct admin_server *server, uint64_t token,
	const struct admin_refusal *why)
{
	struct conn *c = conn_asked(server, token);

	if (c)
		conn_refuse(c, 0, why, NULL);
}

void admin_refuse_fault(struct admin_server *server, uint64_t token,
	const struct fault *fault, const char *hint)
{
	const struct admin_refusal why = {
		.code = fault->code,
		.field = fault->field,
		.rule = fault->rule,
		.hint = hint,
	};

	admin_refuse(server, token, &why);
}

void admin_stats(const struct admin_server *server, struct admin_stats *ret)
{
	*ret = server->stats;
	ret->connections = server->conn_count;
	ret->watchers = server->watcher_count;
}

static void end_conn(struct conn *c)
{
	const struct admin_refusal stopping = {
		.code = ERR_ADMIN_STOPPING,
		.field = "ferryd",
		.rule = "is stopping",
		.hint = "ask again when it is up",
	};

	switch (c->state) {
	case CONN_ASKED:
		c->keep_alive = false;
		conn_refuse(c, 0, &stopping, NULL);
		break;
	case CONN_WATCHING:
		watch_end(c, "stopping");
		break;
	case CONN_LISTING:
	case CONN_READING:
	case CONN_ANSWERING:
	case CONN_DRAINING:
	case CONN_CLOSING:
		break;
	}
	/* What the socket takes at once has been written; nobody waits for a
	 * slow client. */
	conn_close(c);
}

void admin_close(struct admin_server *server, void (*cb)(void *arg), void *arg)
{
	if (!server)
		return;
	server->closing = true;
	server->on_closed = cb;
	server->on_closed_arg = arg;
	socket_file_remove(&server->file);
	for (unsigned i = 0; i < server->limits.connections; i++)
		if (server->conns[i])
			end_conn(server->conns[i]);
	if (server->has_turner)
		uv_close((uv_handle_t *)&server->turner, on_turner_closed);
	if (server->has_listener)
		uv_close((uv_handle_t *)&server->listener, on_listener_closed);
	if (!server->has_turner && !server->has_listener)
		server_settle(server);
}

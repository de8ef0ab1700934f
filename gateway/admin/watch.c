/* Event streams: server-sent events to connections that are WATCHING. */
#include "gateway/admin/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Room behind a watcher's limit for the event that says it was dropped. */
#define LAST_EVENT_SIZE 256

static void flush(struct conn *c);

static void on_flushed(uv_write_t *write, int status)
{
	struct conn *c = (struct conn *)write->data;

	c->writing = false;
	if (c->state == CONN_CLOSING)
		return;
	if (status < 0) {
		conn_close(c);
		return;
	}
	buf_reset(&c->flying);
	if (c->pending.len) {
		flush(c);
	} else if (c->ends_after_flush) {
		conn_close(c);
	} else {
		conn_set_timer(c, c->server->limits.ping_ms);
	}
}

static void flush(struct conn *c)
{
	struct buf swap;
	uv_buf_t part;

	if (c->writing || c->pending.len == 0)
		return;
	swap = c->flying;
	c->flying = c->pending;
	c->pending = swap;
	part = uv_buf_init((char *)c->flying.at, (unsigned)c->flying.len);
	c->writing = true;
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &part, 1,
			on_flushed)) {
		c->writing = false;
		conn_close(c);
		return;
	}
	conn_set_timer(c, c->server->limits.write_ms);
}

static void put_event(struct conn *c, const char *type, struct bytes data)
{
	buf_printf(&c->pending, "event: %s\nid: %llu\ndata: ", type,
		(unsigned long long)++c->event_seq);
	buf_add_bytes(&c->pending, data);
	buf_add_text(&c->pending, "\n\n");
}

void watch_end(struct conn *c, const char *reason)
{
	char data[64];

	if (c->ends_after_flush)
		return;
	snprintf(data, sizeof(data), "{\"reason\":\"%s\"}", reason);
	buf_reset(&c->pending);
	put_event(c, "dropped", bytes_of_text(data));
	c->ends_after_flush = true;
	flush(c);
}

static void drop_slow(struct conn *c)
{
	c->server->stats.watchers_dropped++;
	log_warn("admin", "watcher dropped for being slow", "who=%s pid=%d",
		c->peer.name, (int)c->peer.pid);
	watch_end(c, "slow");
}

/* Is `type` in the comma-separated list? An empty list has them all. */
static bool wants_type(const char *types, const char *type)
{
	size_t len = strlen(type);

	if (!*types)
		return true;
	for (const char *at = types; *at;) {
		size_t n = strcspn(at, ",");

		if (n == len && !memcmp(at, type, n))
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

static void send_event(struct conn *c, const char *type, struct bytes data)
{
	size_t need = strlen(type) + data.len + 64;

	if (c->ends_after_flush || !wants_type(c->types, type))
		return;
	if (c->pending.len + need + LAST_EVENT_SIZE > c->pending.max) {
		drop_slow(c);
		return;
	}
	put_event(c, type, data);
	if (c->pending.err) {
		conn_close(c);
		return;
	}
	flush(c);
}

void watch_start(struct conn *c, const char *types)
{
	const struct admin_refusal busy = {
		.code = ERR_ADMIN_BUSY,
		.field = "events",
		.rule = "too many event streams are open",
	};
	char hello[160];

	if (c->server->watcher_count >= c->server->limits.watchers) {
		conn_refuse(c, 0, &busy, NULL);
		return;
	}
	snprintf(c->types, sizeof(c->types), "%s", types);
	c->state = CONN_WATCHING;
	c->server->watcher_count++;
	buf_printf(&c->pending, "HTTP/1.1 200 OK\r\nServer: %s\r\n"
		"Content-Type: text/event-stream\r\n"
		"Cache-Control: no-store\r\nConnection: close\r\n\r\n",
		c->server->product);
	snprintf(hello, sizeof(hello), "{\"version\":\"%s\",\"role\":\"%s\"}",
		c->server->product, admin_role_name(c->peer.role));
	put_event(c, "hello", bytes_of_text(hello));
	flush(c);
	/* Reading goes on, only to notice that the client hangs up. */
	if (c->state == CONN_WATCHING)
		conn_start_reading(c);
}

void watch_on_timer(struct conn *c)
{
	if (c->writing && c->ends_after_flush) {
		conn_close(c);
		return;
	}
	if (c->writing) {
		drop_slow(c);
		conn_set_timer(c, c->server->limits.write_ms);
		return;
	}
	buf_add_text(&c->pending, ": still here\n\n");
	flush(c);
}

bool admin_is_watched(const struct admin_server *server)
{
	return server && server->watcher_count > 0;
}

void admin_event_text(struct admin_server *server, const char *type,
	struct bytes data)
{
	if (!admin_is_watched(server))
		return;
	for (unsigned i = 0; i < server->limits.connections; i++) {
		struct conn *c = server->conns[i];

		if (c && c->state == CONN_WATCHING)
			send_event(c, type, data);
	}
}

void admin_event(struct admin_server *server, const char *type,
	const json_t *data)
{
	char *text;

	if (!admin_is_watched(server))
		return;
	text = json_dumps(data, JSON_COMPACT);
	if (text)
		admin_event_text(server, type, bytes_of_text(text));
	else
		log_error("admin", "event cannot be written", "type=%s", type);
	free(text);
}

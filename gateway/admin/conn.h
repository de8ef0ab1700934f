/* One connection of the admin server, and what it shares with the server.
 *
 * A connection reads one request at a time, asks the backend, writes the
 * answer and reads on; or it becomes an event stream until it ends:
 *
 *   READING -> ASKED -> ANSWERING -> READING ...
 *      |         |  `-> LISTING -^  `-> DRAINING -> CLOSING
 *      `---------+-> WATCHING -> CLOSING
 *
 * A long list leaves LISTING for where ANSWERING leads to. The connection stops
 * reading while it is ASKED, LISTING or ANSWERING, so a client that pipelines is
 * held back by the kernel. Internal to gateway/admin; loop thread. */
#ifndef FERRY_GATEWAY_ADMIN_CONN_H
#define FERRY_GATEWAY_ADMIN_CONN_H

#include "base/buf.h"
#include "base/json_out.h"
#include "gateway/admin/request.h"
#include "gateway/admin/route.h"
#include "gateway/admin/server.h"
#include "gateway/admin/socket.h"

#define READ_SIZE 16384
#define ANSWER_MAX (32UL << 20)
#define RESERVED_CONNECTIONS 8

enum conn_state {
	CONN_READING,
	CONN_ASKED,
	CONN_LISTING,
	CONN_ANSWERING,
	CONN_DRAINING,
	CONN_WATCHING,
	CONN_CLOSING,
};

struct conn {
	struct admin_server *server;
	uv_pipe_t pipe;
	uv_timer_t timer;
	unsigned handles; /* pipe and timer that are not closed yet */
	enum conn_state state;
	struct admin_peer peer;
	unsigned rules_seen; /* server->rules_turn when peer was judged */
	struct request_reader *reader;
	struct buf in; /* read from the socket, not yet fed */
	bool reading;

	uint64_t token; /* of the request that is ASKED or LISTING */
	bool wants_role; /* the answer gets the caller's role added */
	bool keep_alive;
	bool is_old; /* HTTP/1.0 */
	bool is_action;
	char what[64]; /* "POST /v1/jobs/{job}/retry", for the log */

	uv_write_t write;
	bool writing;
	size_t write_left; /* bytes unread by the client at the last look */
	struct buf head;
	struct buf body;

	/* A list: `body` holds what of it goes out next. */
	struct admin_source source;
	struct json_out items;
	bool list_begun; /* its head has been written */
	bool list_whole; /* its end stands in `body` */
	bool list_waits; /* for what its source asked of others */
	bool queued;
	struct conn *next_in_queue;

	/* Event stream: `flying` is being written, `pending` comes next. */
	struct buf pending;
	struct buf flying;
	uint64_t event_seq;
	bool ends_after_flush;
	char types[OP_TYPES_MAX];
};

struct admin_server {
	uv_loop_t *loop;
	uv_pipe_t listener;
	bool has_listener;
	bool closing;
	struct socket_file file;
	struct admin_backend backend;
	struct admin_limits limits;
	struct admin_rule rules[ADMIN_RULES_MAX];
	size_t rule_count;
	unsigned rules_turn;
	char product[64];
	struct conn **conns; /* limits.connections slots */
	unsigned conn_count;
	unsigned watcher_count;
	uint64_t last_token;
	uv_idle_t turner; /* runs while lists wait for their turn */
	bool has_turner;
	struct conn *queue; /* these */
	struct conn **queue_end;
	struct admin_stats stats;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
	char read_buf[READ_SIZE];
};

/* Accepts what waits on the listener. */
void conn_accept(struct admin_server *server);

/* The connection whose request has `token`, or NULL. */
struct conn *conn_by_token(struct admin_server *server, uint64_t token);
/* The same while it has no answer yet; `server` may be NULL. */
struct conn *conn_asked(struct admin_server *server, uint64_t token);

/* Ends the request that is being asked, or a malformed one. */
void conn_answer(struct conn *c, unsigned status, const json_t *json);
void conn_answer_text(struct conn *c, const char *type, struct bytes text);
void conn_refuse(struct conn *c, unsigned status,
	const struct admin_refusal *why, const char *allow);

/* How a client knows where the body ends. */
enum conn_length { CONN_KNOWN_LENGTH, CONN_CHUNKED, CONN_UNTIL_CLOSE };

/* Adds the head of an answer to c->head. */
void conn_put_head(struct conn *c, unsigned status, const char *type,
	const char *allow, enum conn_length length);
/* Writes the parts, which stay as they are until `on_written`; closes the
 * connection when that cannot even begin. */
void conn_write(struct conn *c, const uv_buf_t *parts, unsigned count,
	uv_write_cb on_written);
/* All of the answer has been written: for the next request. */
void conn_answered(struct conn *c);
/* The client reads slowly: goes on while the queue shrinks. */
void conn_on_write_slow(struct conn *c);
void conn_refuse_late(struct conn *c);
void conn_log_read(const struct conn *c);
/* Sends the list in c->body, which is whole. */
void conn_send_list(struct conn *c);

/* Takes up the work of a connection whose state is READING. */
void conn_read_on(struct conn *c);

void conn_start_reading(struct conn *c);

void conn_close(struct conn *c);

/* Restarts the connection's only timer. */
void conn_set_timer(struct conn *c, unsigned ms);

/* Looks at rules that have changed; the role may be gone. */
void conn_judge(struct conn *c);

/* Called by the last of a closing server's connections. */
void server_settle(struct admin_server *server);

/* list.c: long lists. */
void list_start(struct conn *c, const struct admin_source *source);
void list_drop(struct conn *c); /* it goes on no more */
void list_on_timer(struct conn *c);

/* watch.c: event streams. */
void watch_start(struct conn *c, const char *types);
void watch_on_timer(struct conn *c);
void watch_end(struct conn *c, const char *reason);

#endif

/* The admin socket: HTTP/1.1 and JSON on a Unix socket, for ferryctl and for
 * other programs of the gateway.
 *
 * admin_open() to admin_close(cb); the server dies in its close callback. Who
 * may do what is decided by the kernel's peer credentials (SO_PEERCRED, and
 * SO_PEERGROUPS for supplementary groups) against a list of rules. Everything
 * that a client can make grow has a limit here. The process must ignore
 * SIGPIPE: libuv writes to clients that have gone. Loop thread only. */
#ifndef FERRY_GATEWAY_ADMIN_SERVER_H
#define FERRY_GATEWAY_ADMIN_SERVER_H

#include <uv.h>

#include "gateway/admin/backend.h"

/* One line of the access list. The highest role that fits wins. User 0 and the
 * daemon's own user are admins always; who fits no rule has no role. */
struct admin_rule {
	enum admin_role role;
	bool is_group;
	uint32_t id; /* uid or gid */
};

/* Reads "alice", "1000", "@staff" or "@50" as a rule for `role`. Asks the user
 * database, so it may block: for reading the configuration only. Returns 0 or
 * an error with `fault` (may be NULL) saying which name is unknown. */
int admin_rule_parse(const char *text, enum admin_role role,
	struct admin_rule *ret_rule, struct fault *fault);

#define ADMIN_RULES_MAX 64

/* 0 in a field means its default. */
struct admin_limits {
	unsigned connections;     /* 64; the last 8 only for operators and up */
	unsigned watchers;        /* 32 connections that read /v1/events */
	unsigned head_bytes;      /* 8192, request line and header fields */
	unsigned body_bytes;      /* 65536 */
	unsigned watch_bytes;     /* 262144 of events a watcher may lag behind */
	unsigned idle_ms;         /* 60000 between two requests */
	unsigned request_ms;      /* 10000 from first byte to the end of the body */
	unsigned answer_ms;       /* 120000 for the backend to end a request */
	unsigned write_ms;        /* 30000 without the client reading a byte */
	unsigned ping_ms;         /* 15000 between comments on a quiet stream */
};

/* Everything is copied. */
struct admin_config {
	const char *path;   /* of the socket file */
	unsigned mode;      /* permission bits, 0: 0660 */
	bool has_group;
	gid_t group;        /* group of the file when has_group */
	const struct admin_rule *rules;
	size_t rule_count;  /* at most ADMIN_RULES_MAX */
	struct admin_limits limits;
	const char *product; /* "ferryd/0.1.0", for the Server field */
};

/* Binds and listens. A socket file that is left behind is replaced only when
 * nobody answers on it; any other file in its place is an error.
 * Returns 0, -ENOMEM, -errno of the failing call, ERR_ADMIN_SOCKET_LIVE or
 * ERR_ADMIN_SOCKET_TAKEN; `fault` (may be NULL) names path and rule. */
int admin_open(uv_loop_t *loop, const struct admin_config *config,
	const struct admin_backend *backend, struct admin_server **ret_server,
	struct fault *fault);

/* New rules (at reload). Connections that are open are judged again before
 * their next request; event streams whose role is gone are ended.
 * Returns 0 or -E2BIG. */
int admin_set_rules(struct admin_server *server,
	const struct admin_rule *rules, size_t count);

/* Tells every watcher. `type` is one of docs/admin-api.md ("job", "progress",
 * ...); `data` is borrowed. Costs nothing when nobody watches: ask
 * admin_is_watched() before building costly JSON. A watcher that lags behind
 * its limit gets one last event `dropped` and is closed. */
void admin_event(struct admin_server *server, const char *type,
	const json_t *data);
/* The same of JSON that is text already, in one line. */
void admin_event_text(struct admin_server *server, const char *type,
	struct bytes data);
bool admin_is_watched(const struct admin_server *server);

struct admin_stats {
	unsigned connections;
	unsigned watchers;
	uint64_t requests;
	uint64_t refused;          /* answered with 4xx */
	uint64_t watchers_dropped; /* for being slow */
};

void admin_stats(const struct admin_server *server, struct admin_stats *ret);

/* Stops listening, removes the socket file if it is still ours, ends open
 * requests and streams, then calls `cb` (may be NULL) from the loop. NULL
 * server: nothing happens and `cb` is not called. */
void admin_close(struct admin_server *server, void (*cb)(void *arg), void *arg);

#endif

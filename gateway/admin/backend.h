/* What the admin server asks of the daemon: one table of two operations.
 *
 * The server knows HTTP, roles and the shape of requests; the backend knows
 * devices, jobs and vendors. A request reaches the backend only after the
 * caller's role, the path, every query parameter and every field of the body
 * have been checked, so the backend reads typed values. Each request carries a
 * token and is ended exactly once by admin_answer() or admin_refuse(), inside
 * the operation or at any later time. A token whose client has gone away, or
 * whose time ran out, is harmless to end: the answer is dropped.
 *
 * The JSON shapes are those of docs/admin-api.md. Loop thread only. */
#ifndef FERRY_GATEWAY_ADMIN_BACKEND_H
#define FERRY_GATEWAY_ADMIN_BACKEND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/json_out.h"

struct admin_server;

/* Ordered: each role may do what the ones before it may. */
enum admin_role {
	ADMIN_ROLE_NONE,
	ADMIN_ROLE_VIEWER,
	ADMIN_ROLE_OPERATOR,
	ADMIN_ROLE_ADMIN,
};

/* "none", "viewer", "operator", "admin". */
const char *admin_role_name(enum admin_role role);

/* Who asks, by the kernel's word. */
struct admin_peer {
	enum admin_role role;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char name[40]; /* "uid:1000", for approvals, history and log lines */
};

enum admin_get {
	ADMIN_GET_STATUS,
	ADMIN_GET_VENDORS,
	ADMIN_GET_LINKS,
	ADMIN_GET_CANDIDATES,
	ADMIN_GET_CLASSES,
	ADMIN_GET_DEVICES,
	ADMIN_GET_DEVICE, /* id */
	ADMIN_GET_OFFERS,
	ADMIN_GET_PLAN,
	ADMIN_GET_JOBS, /* state, device, limit, before */
	ADMIN_GET_JOB,  /* job */
	ADMIN_GET_IMAGES,
	ADMIN_GET_HISTORY, /* device, limit, before */
};

/* Pointers are borrowed until the operation returns; copy what you keep. */
struct admin_query {
	enum admin_get get;
	struct admin_peer who;
	const char *id;     /* device id of the path, "" where there is none */
	uint64_t job;       /* job id of the path, 0 where there is none */
	const char *device; /* filter, NULL: all */
	const char *state;  /* filter, NULL: all; a state or "open" */
	unsigned limit;     /* 1..ADMIN_LIMIT_MAX, always set */
	uint64_t before;    /* only rows with a smaller id, 0: from the newest */
};

#define ADMIN_LIMIT_DEFAULT 100
#define ADMIN_LIMIT_MAX 1000
#define ADMIN_ID_MAX 64       /* bytes of a device id, class or vendor name */
#define ADMIN_KEY_MAX 256     /* bytes of a candidate's or peer's key */
#define ADMIN_DEVICES_MAX 512 /* devices named in one update */
#define ADMIN_ROOT_MAX 32768  /* bytes of a root in a vendor reset */

enum admin_act {
	ADMIN_ACT_ENROL,    /* id = candidate key; klass; device or NULL */
	ADMIN_ACT_CLASSIFY, /* id = device; klass */
	ADMIN_ACT_REPLACE,  /* id = device; peer */
	ADMIN_ACT_FORGET,   /* id = device */
	ADMIN_ACT_CHECK,    /* vendor or NULL: all */
	ADMIN_ACT_UPDATE,   /* devices or all; at_ms, window, allow_downgrade */
	ADMIN_ACT_APPROVE,  /* this and the next five: job */
	ADMIN_ACT_DECLINE,
	ADMIN_ACT_PAUSE,
	ADMIN_ACT_RESUME,
	ADMIN_ACT_CANCEL,
	ADMIN_ACT_RETRY,
	ADMIN_ACT_VENDOR_RESET, /* id = vendor; root */
	ADMIN_ACT_TRUST_UNLOCK,
	ADMIN_ACT_BACKUP, /* dir: absolute path */
};

/* Pointers are borrowed until the operation returns; copy what you keep. */
struct admin_call {
	enum admin_act act;
	struct admin_peer who;
	const char *id;
	uint64_t job;
	const char *klass;
	const char *device;
	const char *peer;
	const char *vendor;
	const char *const *devices; /* no name twice */
	size_t device_count;
	bool all;
	int64_t at_ms;      /* Unix time, 0: now */
	const char *window; /* as in the configuration, NULL: the class's */
	bool allow_downgrade; /* the caller is an admin when it is set */
	const char *dir;
	struct bytes root; /* decoded bytes of a root, not yet judged */
};

/* Neither operation may fail by itself: a refusal is an answer too. */
struct admin_backend {
	void *arg;
	void (*get)(void *arg, uint64_t token, const struct admin_query *query);
	void (*act)(void *arg, uint64_t token, const struct admin_call *call);
};

/* Why something was refused. Texts are copied; NULL is an empty one. They are
 * escaped by JSON only: foreign text in them is allowed. */
struct admin_refusal {
	int code;          /* -errno or ERR_* */
	int status;        /* HTTP status, 0: the one that fits `code` */
	const char *field; /* "devices[2]" */
	const char *rule;  /* "must be enrolled" */
	const char *hint;  /* what to do next, for a person */
};

/* Ends a request with 200 and `take_json` (never NULL; consumed always).
 * `server` may be NULL: then only the JSON is freed. */
void admin_answer(struct admin_server *server, uint64_t token,
	json_t *take_json);

/* One turn of a list: items go to `out`, whose array is open, until the turn is
 * over; at least one unit of the source's work is done in each. */
struct admin_turn {
	struct json_out *out;
	uint64_t until_ns; /* of uv_hrtime() */
};

bool admin_turn_is_over(const struct admin_turn *turn);

enum {
	ADMIN_LIST_WHOLE,
	ADMIN_LIST_MORE,  /* ask again in the next turn */
	ADMIN_LIST_LATER, /* admin_list_go_on() says when to ask again */
};

/* Where a long list comes from. It is asked turn by turn, as fast as its client
 * reads, so that neither the loop stands still nor the whole list stands in
 * memory. Things change between two turns: the source keeps a cursor, no
 * pointers, and every item is as it is when it is written. */
struct admin_source {
	void *arg;
	/* ADMIN_LIST_*, or an error: then the client sees a list without an
	 * end, or a refusal when nothing was sent yet. */
	int (*next)(void *arg, const struct admin_turn *turn);
	/* Adds members behind "items"; may be NULL. */
	void (*tail)(void *arg, struct json_out *out);
	/* Exactly once, last: the list is whole or its client has gone. */
	void (*end)(void *arg);
};

/* Ends a request with 200 and {"items": [...]} of the source, which is taken in
 * any case. None of its operations is called inside, but `end` when the client
 * has gone already. */
void admin_answer_list(struct admin_server *server, uint64_t token,
	const struct admin_source *take_source);

/* For what came LATER: where items go, NULL when the list has ended. Only while
 * the source waits for it; add little. */
struct json_out *admin_list_out(struct admin_server *server, uint64_t token);
void admin_list_go_on(struct admin_server *server, uint64_t token);

/* Ends a request with a problem document. By default -ENOENT becomes 404,
 * -EINVAL 400, -EACCES and -EPERM 403, other permanent and security codes 409
 * (the request was understood; the state of things forbids it) and transient
 * ones 503. */
void admin_refuse(struct admin_server *server, uint64_t token,
	const struct admin_refusal *why);

/* The same from a parser's fault. */
void admin_refuse_fault(struct admin_server *server, uint64_t token,
	const struct fault *fault, const char *hint);

#endif

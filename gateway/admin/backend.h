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

/* A long list is given item by item, so that it never stands in memory as a
 * whole: each is written and consumed at once (NULL: there was no memory for
 * it), and admin_answer_items() ends the request with {"items": [...]}. All of
 * it inside the operation. */
void admin_add_item(struct admin_server *server, uint64_t token,
	json_t *take_item);
void admin_answer_items(struct admin_server *server, uint64_t token);

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

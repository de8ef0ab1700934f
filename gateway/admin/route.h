/* Turns a request into an operation: finds the route by method and path, checks
 * the role, and reads path, query and body into typed values, field by field.
 *
 * Pure: nothing of sockets. An operation is embedded in its owner, from
 * op_read() to op_done(). Not thread-safe. */
#ifndef FERRY_GATEWAY_ADMIN_ROUTE_H
#define FERRY_GATEWAY_ADMIN_ROUTE_H

#include "gateway/admin/backend.h"

enum route_kind {
	ROUTE_GET,
	ROUTE_ACT,
	ROUTE_EVENTS,
	ROUTE_OPENAPI,
};

/* What a field of a body holds, and so which rule it must keep. */
enum field_type {
	FIELD_NAME,   /* text of 1..ADMIN_ID_MAX bytes */
	FIELD_KEY,    /* text of 1..ADMIN_KEY_MAX bytes */
	FIELD_PATH,   /* absolute path */
	FIELD_NAMES,  /* list of 1..ADMIN_DEVICES_MAX names, none twice */
	FIELD_BOOL,
	FIELD_TIME,   /* RFC 3339 */
	FIELD_BASE64, /* of 1..ADMIN_ROOT_MAX bytes */
};

struct route_field {
	const char *name;
	enum field_type type;
	bool required;
	enum admin_role role; /* for a field that needs more than the route */
	size_t at;            /* offset in struct admin_call */
};

/* Query parameters that a route knows. */
enum { QUERY_STATE = 1, QUERY_DEVICE = 2, QUERY_PAGE = 4, QUERY_TYPES = 8 };

struct route {
	const char *method;
	const char *path; /* "/v1/jobs/{job}/retry"; {id}, {key}, {job} */
	enum route_kind kind;
	int what; /* enum admin_get or enum admin_act */
	enum admin_role role;
	unsigned queries;
	const struct route_field *fields; /* ends with name NULL */
};

/* The table, for tests and for walking it. Ends with method NULL. */
extern const struct route routes[];

#define OP_TYPES_MAX 160

/* Every pointer in query and call points into the operation itself or into its
 * body. */
struct op {
	const struct route *route;
	struct admin_query query;
	struct admin_call call;
	char types[OP_TYPES_MAX]; /* events: "job,progress", "" for all */
	char id[ADMIN_KEY_MAX + 1];
	char device[ADMIN_ID_MAX + 1];
	char state[ADMIN_ID_MAX + 1];
	json_t *body;
	const char **names;
	uint8_t *decoded;
};

/* What was wrong; texts are static or in the struct itself. */
struct op_refusal {
	int code;
	char field[96];
	char rule[160];
	const char *hint;
	const char *allow; /* for 405: the method that is known, or NULL */
};

/* Reads one request of `who`. Returns 0, or the code that stands in `refusal`
 * too. Call op_done() in either case. */
int op_read(struct op *op, const char *method, struct bytes target,
	struct bytes body, const struct admin_peer *who,
	struct op_refusal *refusal);
void op_done(struct op *op);

#endif

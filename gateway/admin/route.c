#include "gateway/admin/route.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/body.h"
#include "gateway/admin/path.h"

#define FIELD(name, type, required, member) \
	{name, type, required, ADMIN_ROLE_NONE, \
		offsetof(struct admin_call, member)}
#define FIELDS_END {NULL, FIELD_NAME, false, ADMIN_ROLE_NONE, 0}

static const struct route_field no_fields[] = {FIELDS_END};
static const struct route_field enrol_fields[] = {
	FIELD("class", FIELD_NAME, true, klass),
	FIELD("id", FIELD_NAME, false, device),
	FIELDS_END,
};
static const struct route_field classify_fields[] = {
	FIELD("class", FIELD_NAME, true, klass),
	FIELDS_END,
};
static const struct route_field replace_fields[] = {
	FIELD("peer", FIELD_KEY, true, peer),
	FIELDS_END,
};
static const struct route_field check_fields[] = {
	FIELD("vendor", FIELD_NAME, false, vendor),
	FIELDS_END,
};
static const struct route_field update_fields[] = {
	FIELD("devices", FIELD_NAMES, false, devices),
	FIELD("all", FIELD_BOOL, false, all),
	FIELD("at", FIELD_TIME, false, at_ms),
	FIELD("window", FIELD_NAME, false, window),
	{"allow_downgrade", FIELD_BOOL, false, ADMIN_ROLE_ADMIN,
		offsetof(struct admin_call, allow_downgrade)},
	FIELDS_END,
};
static const struct route_field reset_fields[] = {
	FIELD("root", FIELD_BASE64, true, root),
	FIELDS_END,
};
static const struct route_field backup_fields[] = {
	FIELD("dir", FIELD_PATH, true, dir),
	FIELDS_END,
};

#define GET(path, what, queries) \
	{"GET", path, ROUTE_GET, ADMIN_GET_##what, ADMIN_ROLE_VIEWER, queries, \
		no_fields}
#define ACT(path, what, role, fields) \
	{"POST", path, ROUTE_ACT, ADMIN_ACT_##what, ADMIN_ROLE_##role, 0, \
		fields}

const struct route routes[] = {
	GET("/v1/status", STATUS, 0),
	GET("/v1/vendors", VENDORS, 0),
	GET("/v1/links", LINKS, 0),
	GET("/v1/candidates", CANDIDATES, 0),
	GET("/v1/classes", CLASSES, 0),
	GET("/v1/devices", DEVICES, 0),
	GET("/v1/devices/{id}", DEVICE, 0),
	GET("/v1/offers", OFFERS, 0),
	GET("/v1/plan", PLAN, 0),
	GET("/v1/jobs", JOBS, QUERY_STATE | QUERY_DEVICE | QUERY_PAGE),
	GET("/v1/jobs/{job}", JOB, 0),
	GET("/v1/images", IMAGES, 0),
	GET("/v1/history", HISTORY, QUERY_DEVICE | QUERY_PAGE),
	{"GET", "/v1/events", ROUTE_EVENTS, 0, ADMIN_ROLE_VIEWER, QUERY_TYPES,
		no_fields},
	{"GET", "/v1/openapi.json", ROUTE_OPENAPI, 0, ADMIN_ROLE_VIEWER, 0,
		no_fields},
	ACT("/v1/candidates/{key}/enrol", ENROL, OPERATOR, enrol_fields),
	ACT("/v1/devices/{id}/classify", CLASSIFY, OPERATOR, classify_fields),
	ACT("/v1/devices/{id}/replace", REPLACE, OPERATOR, replace_fields),
	ACT("/v1/devices/{id}/forget", FORGET, OPERATOR, no_fields),
	ACT("/v1/check", CHECK, OPERATOR, check_fields),
	ACT("/v1/update", UPDATE, OPERATOR, update_fields),
	ACT("/v1/jobs/{job}/approve", APPROVE, OPERATOR, no_fields),
	ACT("/v1/jobs/{job}/decline", DECLINE, OPERATOR, no_fields),
	ACT("/v1/jobs/{job}/pause", PAUSE, OPERATOR, no_fields),
	ACT("/v1/jobs/{job}/resume", RESUME, OPERATOR, no_fields),
	ACT("/v1/jobs/{job}/cancel", CANCEL, OPERATOR, no_fields),
	ACT("/v1/jobs/{job}/retry", RETRY, OPERATOR, no_fields),
	ACT("/v1/vendors/{id}/reset", VENDOR_RESET, ADMIN, reset_fields),
	ACT("/v1/trust/unlock", TRUST_UNLOCK, ADMIN, no_fields),
	ACT("/v1/backup", BACKUP, ADMIN, backup_fields),
	{NULL, NULL, ROUTE_GET, 0, ADMIN_ROLE_NONE, 0, NULL},
};

static int refuse(struct op_refusal *refusal, int code, const char *field,
	const char *rule)
{
	refusal->code = code;
	snprintf(refusal->field, sizeof(refusal->field), "%s", field);
	snprintf(refusal->rule, sizeof(refusal->rule), "%s", rule);
	return code;
}

/* Does `path` have the form of `pattern`? `ret_part` gets the segment that
 * stands for the {name}, still encoded. */
static bool path_fits(const char *pattern, struct bytes path,
	struct bytes *ret_part)
{
	struct bytes want = bytes_of_text(pattern), a, b;

	*ret_part = (struct bytes){0};
	for (;;) {
		bool more = path_cut(&want, '/', &a);

		if (more != path_cut(&path, '/', &b))
			return false;
		if (!more)
			return true;
		if (a.len && a.at[0] == '{' && b.len)
			*ret_part = b;
		else if (!bytes_equal(a, b))
			return false;
	}
}

static const struct route *find_route(const char *method, struct bytes path,
	struct bytes *ret_part, const char **ret_allow)
{
	*ret_allow = NULL;
	for (const struct route *r = routes; r->method; r++) {
		if (!path_fits(r->path, path, ret_part))
			continue;
		if (!strcmp(r->method, method))
			return r;
		*ret_allow = r->method;
	}
	return NULL;
}

/* A decimal number 1..max without sign or leading zeros. */
static bool number_of(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (*text < '1' || *text > '9')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
				value > (max - (uint64_t)(*text - '0')) / 10)
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*ret = value;
	return true;
}

static int read_part(struct op *op, struct bytes part,
	struct op_refusal *refusal)
{
	const char *path = op->route->path;
	bool is_key = strstr(path, "{key}") != NULL;
	size_t max = is_key ? ADMIN_KEY_MAX : ADMIN_ID_MAX;
	uint64_t job = 0;

	op->query.id = op->id;
	op->call.id = op->id;
	if (!strchr(path, '{'))
		return 0;
	if (path_decode(part, false, op->id, max + 1))
		return refuse(refusal, ERR_ADMIN_FIELD, is_key ? "key" : "id",
			"must be percent-encoded clean UTF-8 text of allowed length");
	if (!strstr(path, "{job}"))
		return 0;
	if (!number_of(op->id, INT64_MAX, &job))
		return refuse(refusal, ERR_ADMIN_NOT_FOUND, "id",
			"job ids are numbers from 1 on");
	op->id[0] = '\0';
	op->query.job = job;
	op->call.job = job;
	return 0;
}

static int read_number(const char *name, const char *text, uint64_t max,
	uint64_t *ret, struct op_refusal *refusal)
{
	char rule[64];

	if (number_of(text, max, ret))
		return 0;
	snprintf(rule, sizeof(rule), "must be a number of 1 to %llu",
		(unsigned long long)max);
	return refuse(refusal, ERR_ADMIN_FIELD, name, rule);
}

static int take_text(const char **slot, char *store, size_t size,
	const char *name, const char *value, struct op_refusal *refusal)
{
	size_t len = strlen(value);

	if (len == 0 || len >= size)
		return refuse(refusal, ERR_ADMIN_FIELD, name,
			"must not be empty nor too long");
	memcpy(store, value, len + 1);
	*slot = store;
	return 0;
}

/* A name that is none would be waited for in vain. */
static int check_types(const char *types, struct op_refusal *refusal)
{
	static const char *const names[] = {"hello", "job", "progress",
		"device", "candidate", "link", "vendor", "image", "alarm",
		"dropped"};

	for (const char *at = types; *at;) {
		size_t n = strcspn(at, ","), i = 0;

		while (i < sizeof(names) / sizeof(*names) &&
				(strlen(names[i]) != n ||
				memcmp(names[i], at, n) != 0))
			i++;
		if (i == sizeof(names) / sizeof(*names))
			return refuse(refusal, ERR_ADMIN_FIELD, "types",
				"must be types of events such as job,progress");
		at += n + (at[n] == ',');
	}
	return 0;
}

static int read_param(struct op *op, const char *name, const char *value,
	unsigned *seen, struct op_refusal *refusal)
{
	enum { SEEN_LIMIT = 0x100, SEEN_BEFORE = 0x200 };
	const unsigned known = op->route->queries;
	const char *types = NULL;
	unsigned bit = !strcmp(name, "state") ? QUERY_STATE :
		!strcmp(name, "device") ? QUERY_DEVICE :
		!strcmp(name, "types") ? QUERY_TYPES :
		!strcmp(name, "limit") ? SEEN_LIMIT :
		!strcmp(name, "before") ? SEEN_BEFORE : 0;
	unsigned need = bit >= SEEN_LIMIT ? QUERY_PAGE : bit;
	uint64_t number = 0;
	int err = 0;

	if (!need || !(known & need))
		return refuse(refusal, ERR_ADMIN_FIELD, name,
			"is not a parameter of this resource");
	if (*seen & bit)
		return refuse(refusal, ERR_ADMIN_FIELD, name,
			"must be given once");
	*seen |= bit;
	if (bit == QUERY_STATE)
		return take_text(&op->query.state, op->state,
			sizeof(op->state), name, value, refusal);
	if (bit == QUERY_DEVICE)
		return take_text(&op->query.device, op->device,
			sizeof(op->device), name, value, refusal);
	if (bit == QUERY_TYPES) {
		err = take_text(&types, op->types, sizeof(op->types), name,
			value, refusal);
		return err ? err : check_types(op->types, refusal);
	}
	err = read_number(name, value,
		bit == SEEN_LIMIT ? ADMIN_LIMIT_MAX : INT64_MAX, &number,
		refusal);
	if (bit == SEEN_LIMIT)
		op->query.limit = (unsigned)number;
	else
		op->query.before = number;
	return err;
}

static int read_query(struct op *op, struct bytes query,
	struct op_refusal *refusal)
{
	char name[32], value[OP_TYPES_MAX];
	struct bytes pair, key;
	unsigned seen = 0;
	int err;

	while (path_cut(&query, '&', &pair)) {
		if (pair.len == 0)
			continue;
		path_cut(&pair, '=', &key);
		if (path_decode(key, true, name, sizeof(name)))
			return refuse(refusal, ERR_ADMIN_FIELD, "query",
				"has a parameter that is unknown here");
		if (path_decode(pair, true, value, sizeof(value)))
			return refuse(refusal, ERR_ADMIN_FIELD, name,
				"must be percent-encoded clean UTF-8 text");
		err = read_param(op, name, value, &seen, refusal);
		if (err)
			return err;
	}
	return 0;
}

/* An update names devices or says all, not both and not neither. */
static int check_update(const struct op *op, struct op_refusal *refusal)
{
	if (op->route->kind != ROUTE_ACT || op->route->what != ADMIN_ACT_UPDATE)
		return 0;
	if ((op->call.device_count > 0) == op->call.all)
		return refuse(refusal, ERR_ADMIN_FIELD, "devices",
			"give either a list of devices or all: true");
	return 0;
}

static int check_role(const struct route *route, const struct admin_peer *who,
	struct op_refusal *refusal)
{
	char rule[96];

	if (who->role >= route->role)
		return 0;
	snprintf(rule, sizeof(rule), "needs the role %s, the caller's is %s",
		admin_role_name(route->role), admin_role_name(who->role));
	refusal->hint = "roles are given in ferryd.conf, in the group admin";
	return refuse(refusal, ERR_ADMIN_ROLE, "role", rule);
}

int op_read(struct op *op, const char *method, struct bytes target,
	struct bytes body, const struct admin_peer *who,
	struct op_refusal *refusal)
{
	struct bytes query = target, path = {0}, part = {0};
	int err;

	*op = (struct op){0};
	*refusal = (struct op_refusal){0};
	path_cut(&query, '?', &path);
	op->route = find_route(method, path, &part, &refusal->allow);
	if (!op->route && refusal->allow)
		return refuse(refusal, ERR_ADMIN_METHOD, "method",
			"is not offered by this resource");
	if (!op->route)
		return refuse(refusal, ERR_ADMIN_NOT_FOUND, "path",
			"no resource has this path");
	refusal->allow = NULL;
	op->query.who = *who;
	op->query.get = (enum admin_get)op->route->what;
	op->query.limit = ADMIN_LIMIT_DEFAULT;
	op->call.who = *who;
	op->call.act = (enum admin_act)op->route->what;
	err = check_role(op->route, who, refusal);
	if (!err)
		err = read_part(op, part, refusal);
	if (!err)
		err = read_query(op, query, refusal);
	if (!err)
		err = body_read(op, body, refusal);
	if (!err)
		err = check_update(op, refusal);
	return err;
}

void op_done(struct op *op)
{
	json_decref(op->body);
	free(op->names);
	free(op->decoded);
	*op = (struct op){0};
}

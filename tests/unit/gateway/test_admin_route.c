#include "tests/unit/unit.h"

#include "gateway/admin/openapi.h"
#include "gateway/admin/route.h"

#define V ADMIN_ROLE_VIEWER
#define O ADMIN_ROLE_OPERATOR
#define A ADMIN_ROLE_ADMIN
#define N ADMIN_ROLE_NONE

struct row {
	const char *name;
	enum admin_role role;
	const char *method;
	const char *target;
	const char *body;
	int want;
	const char *field;
};

static const struct row rows[] = {
	{"status", V, "GET", "/v1/status", "", 0, ""},
	{"nobody", N, "GET", "/v1/status", "", ERR_ADMIN_ROLE, "role"},
	{"nobody and openapi", N, "GET", "/v1/openapi.json", "",
		ERR_ADMIN_ROLE, "role"},
	{"unknown path", V, "GET", "/v1/statu", "", ERR_ADMIN_NOT_FOUND,
		"path"},
	{"trailing slash", V, "GET", "/v1/status/", "", ERR_ADMIN_NOT_FOUND,
		"path"},
	{"empty path", V, "GET", "", "", ERR_ADMIN_NOT_FOUND, "path"},
	{"double slash", V, "GET", "//v1/status", "", ERR_ADMIN_NOT_FOUND,
		"path"},
	{"dots stay dots", V, "GET", "/v1/../v1/status", "",
		ERR_ADMIN_NOT_FOUND, "path"},
	{"empty id", V, "GET", "/v1/devices/", "", ERR_ADMIN_NOT_FOUND,
		"path"},
	{"wrong method", V, "POST", "/v1/status", "", ERR_ADMIN_METHOD,
		"method"},
	{"get on an action", A, "GET", "/v1/update", "", ERR_ADMIN_METHOD,
		"method"},
	{"unknown parameter", V, "GET", "/v1/status?x=1", "",
		ERR_ADMIN_FIELD, "x"},
	{"parameter of another route", V, "GET", "/v1/history?state=done", "",
		ERR_ADMIN_FIELD, "state"},
	{"empty query", V, "GET", "/v1/status?", "", 0, ""},
	{"limit 0", V, "GET", "/v1/jobs?limit=0", "", ERR_ADMIN_FIELD,
		"limit"},
	{"limit 1001", V, "GET", "/v1/jobs?limit=1001", "", ERR_ADMIN_FIELD,
		"limit"},
	{"limit 1000", V, "GET", "/v1/jobs?limit=1000", "", 0, ""},
	{"limit twice", V, "GET", "/v1/jobs?limit=1&limit=1", "",
		ERR_ADMIN_FIELD, "limit"},
	{"before too big", V, "GET", "/v1/jobs?before=9223372036854775808",
		"", ERR_ADMIN_FIELD, "before"},
	{"before the biggest", V, "GET",
		"/v1/jobs?before=9223372036854775807", "", 0, ""},
	{"before overflows", V, "GET",
		"/v1/jobs?before=18446744073709551617", "", ERR_ADMIN_FIELD,
		"before"},
	{"bad escape", V, "GET", "/v1/devices/a%2", "", ERR_ADMIN_FIELD,
		"id"},
	{"bad escape digit", V, "GET", "/v1/devices/a%2g", "",
		ERR_ADMIN_FIELD, "id"},
	{"escaped NUL", V, "GET", "/v1/devices/a%00", "", ERR_ADMIN_FIELD,
		"id"},
	{"escaped ESC", V, "GET", "/v1/devices/%1b[2J", "", ERR_ADMIN_FIELD,
		"id"},
	{"invalid UTF-8", V, "GET", "/v1/devices/%c0%af", "",
		ERR_ADMIN_FIELD, "id"},
	{"body on a get", V, "GET", "/v1/status", "{}", ERR_ADMIN_REQUEST,
		"body"},
	{"job 0", V, "GET", "/v1/jobs/0", "", ERR_ADMIN_NOT_FOUND, "id"},
	{"job with zero", V, "GET", "/v1/jobs/01", "", ERR_ADMIN_NOT_FOUND,
		"id"},
	{"job -1", V, "GET", "/v1/jobs/-1", "", ERR_ADMIN_NOT_FOUND, "id"},
	{"job of letters", V, "GET", "/v1/jobs/abc", "", ERR_ADMIN_NOT_FOUND,
		"id"},
	{"viewer may not act", V, "POST", "/v1/check", "", ERR_ADMIN_ROLE,
		"role"},
	{"operator may check", O, "POST", "/v1/check", "", 0, ""},
	{"operator may not unlock", O, "POST", "/v1/trust/unlock", "",
		ERR_ADMIN_ROLE, "role"},
	{"operator may not back up", O, "POST", "/v1/backup",
		"{\"dir\":\"/tmp\"}", ERR_ADMIN_ROLE, "role"},
	{"admin may back up", A, "POST", "/v1/backup", "{\"dir\":\"/tmp\"}",
		0, ""},
	{"relative folder", A, "POST", "/v1/backup", "{\"dir\":\"tmp\"}",
		ERR_ADMIN_FIELD, "dir"},
	{"role before body", V, "POST", "/v1/check", "nonsense",
		ERR_ADMIN_ROLE, "role"},
	{"no JSON", O, "POST", "/v1/check", "nonsense", ERR_ADMIN_JSON,
		"body"},
	{"a list", O, "POST", "/v1/check", "[]", ERR_ADMIN_JSON, "body"},
	{"cut", O, "POST", "/v1/check", "{\"vendor\":\"a", ERR_ADMIN_JSON,
		"body"},
	{"trailing", O, "POST", "/v1/check", "{} {}", ERR_ADMIN_JSON, "body"},
	{"field twice", O, "POST", "/v1/check",
		"{\"vendor\":\"a\",\"vendor\":\"b\"}", ERR_ADMIN_JSON, "body"},
	{"NUL in a text", O, "POST", "/v1/check",
		"{\"vendor\":\"a\\u0000b\"}", ERR_ADMIN_JSON, "body"},
	{"too deep", O, "POST", "/v1/check", "[[[[[[[[[", ERR_ADMIN_JSON,
		"body"},
	{"brackets in a text are no depth", O, "POST", "/v1/check",
		"{\"vendor\":\"[[[[[[[[[[\\\"[[[\"}", 0, ""},
	{"unknown field", O, "POST", "/v1/check", "{\"vendro\":\"a\"}",
		ERR_ADMIN_FIELD, "vendro"},
	{"field of a wrong type", O, "POST", "/v1/check", "{\"vendor\":1}",
		ERR_ADMIN_FIELD, "vendor"},
	{"null is no text", O, "POST", "/v1/check", "{\"vendor\":null}",
		ERR_ADMIN_FIELD, "vendor"},
	{"empty text", O, "POST", "/v1/check", "{\"vendor\":\"\"}",
		ERR_ADMIN_FIELD, "vendor"},
	{"control character", O, "POST", "/v1/check",
		"{\"vendor\":\"a\\u001bb\"}", ERR_ADMIN_FIELD, "vendor"},
	{"65 bytes", O, "POST", "/v1/check",
		"{\"vendor\":\"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdefX\"}", ERR_ADMIN_FIELD,
		"vendor"},
	{"missing class", O, "POST", "/v1/candidates/k/enrol", "{}",
		ERR_ADMIN_FIELD, "class"},
	{"update of nothing", O, "POST", "/v1/update", "{}", ERR_ADMIN_FIELD,
		"devices"},
	{"update of all and some", O, "POST", "/v1/update",
		"{\"all\":true,\"devices\":[\"a\"]}", ERR_ADMIN_FIELD,
		"devices"},
	{"update all false", O, "POST", "/v1/update", "{\"all\":false}",
		ERR_ADMIN_FIELD, "devices"},
	{"update of an empty list", O, "POST", "/v1/update",
		"{\"devices\":[]}", ERR_ADMIN_FIELD, "devices"},
	{"update of a number", O, "POST", "/v1/update",
		"{\"devices\":[\"a\",1]}", ERR_ADMIN_FIELD, "devices[1]"},
	{"update of one twice", O, "POST", "/v1/update",
		"{\"devices\":[\"a\",\"b\",\"a\"]}", ERR_ADMIN_FIELD,
		"devices"},
	{"update all", O, "POST", "/v1/update", "{\"all\":true}", 0, ""},
	{"downgrade by an operator", O, "POST", "/v1/update",
		"{\"all\":true,\"allow_downgrade\":true}", ERR_ADMIN_ROLE,
		"allow_downgrade"},
	{"no downgrade by an operator", O, "POST", "/v1/update",
		"{\"all\":true,\"allow_downgrade\":false}", 0, ""},
	{"downgrade by an admin", A, "POST", "/v1/update",
		"{\"all\":true,\"allow_downgrade\":true}", 0, ""},
	{"bad time", O, "POST", "/v1/update",
		"{\"all\":true,\"at\":\"tomorrow\"}", ERR_ADMIN_FIELD, "at"},
	{"time as number", O, "POST", "/v1/update", "{\"all\":true,\"at\":5}",
		ERR_ADMIN_FIELD, "at"},
	{"root not base64", A, "POST", "/v1/vendors/a/reset",
		"{\"root\":\"a*==\"}", ERR_ADMIN_FIELD, "root"},
	{"root without padding", A, "POST", "/v1/vendors/a/reset",
		"{\"root\":\"YQ\"}", ERR_ADMIN_FIELD, "root"},
	{"root with stray bits", A, "POST", "/v1/vendors/a/reset",
		"{\"root\":\"YR==\"}", ERR_ADMIN_FIELD, "root"},
	{"root of padding", A, "POST", "/v1/vendors/a/reset",
		"{\"root\":\"====\"}", ERR_ADMIN_FIELD, "root"},
};

static int read_one(struct op *op, enum admin_role role, const char *method,
	const char *target, const char *body, struct op_refusal *refusal)
{
	const struct admin_peer who = {.role = role, .uid = 1000};

	return op_read(op, method, bytes_of_text(target), bytes_of_text(body),
		&who, refusal);
}

START_TEST(op_read_by_table)
{
	const struct row *row = &rows[_i];
	struct op_refusal refusal;
	struct op op;
	int got = read_one(&op, row->role, row->method, row->target, row->body,
		&refusal);

	ck_assert_msg(got == row->want, "%s: %s (%s: %s)", row->name,
		err_name(got), refusal.field, refusal.rule);
	ck_assert_msg(!strcmp(refusal.field, row->field), "%s: field %s",
		row->name, refusal.field);
	ck_assert_msg(refusal.code == got, "%s", row->name);
	ck_assert_msg(!got == !refusal.rule[0], "%s: rule '%s'", row->name,
		refusal.rule);
	op_done(&op);
}
END_TEST

START_TEST(op_read_jobs_query_is_typed)
{
	struct op_refusal refusal;
	struct op op;

	ck_assert_int_eq(read_one(&op, V, "GET",
		"/v1/jobs?device=lamp%203&state=done&limit=5&before=77", "",
		&refusal), 0);
	ck_assert_int_eq(op.query.get, ADMIN_GET_JOBS);
	ck_assert_str_eq(op.query.device, "lamp 3");
	ck_assert_str_eq(op.query.state, "done");
	ck_assert_uint_eq(op.query.limit, 5);
	ck_assert_uint_eq(op.query.before, 77);
	ck_assert_uint_eq(op.query.who.uid, 1000);
	op_done(&op);
	ck_assert_int_eq(read_one(&op, V, "GET", "/v1/jobs", "", &refusal), 0);
	ck_assert_ptr_null(op.query.device);
	ck_assert_ptr_null(op.query.state);
	ck_assert_uint_eq(op.query.limit, ADMIN_LIMIT_DEFAULT);
	op_done(&op);
}
END_TEST

START_TEST(op_read_key_with_slashes)
{
	struct op_refusal refusal;
	struct op op;

	ck_assert_int_eq(read_one(&op, O, "POST",
		"/v1/candidates/%2Fdev%2FttyUSB0%3a1/enrol",
		"{\"class\":\"lamp\",\"id\":\"hall\"}", &refusal), 0);
	ck_assert_int_eq(op.call.act, ADMIN_ACT_ENROL);
	ck_assert_str_eq(op.call.id, "/dev/ttyUSB0:1");
	ck_assert_str_eq(op.call.klass, "lamp");
	ck_assert_str_eq(op.call.device, "hall");
	op_done(&op);
}
END_TEST

START_TEST(op_read_update_is_typed)
{
	struct op_refusal refusal;
	struct op op;

	ck_assert_int_eq(read_one(&op, A, "POST", "/v1/update",
		"{\"devices\":[\"b\",\"a\"],\"at\":\"2026-11-21T15:04:05Z\","
		"\"window\":\"22:00-05:00\",\"allow_downgrade\":true}",
		&refusal), 0);
	ck_assert_uint_eq(op.call.device_count, 2);
	ck_assert_str_eq(op.call.devices[0], "b");
	ck_assert_str_eq(op.call.devices[1], "a");
	ck_assert_int_eq(op.call.at_ms, 1795273445000);
	ck_assert_str_eq(op.call.window, "22:00-05:00");
	ck_assert(op.call.allow_downgrade);
	ck_assert(!op.call.all);
	op_done(&op);
}
END_TEST

START_TEST(op_read_root_is_decoded)
{
	struct op_refusal refusal;
	struct op op;

	ck_assert_int_eq(read_one(&op, A, "POST", "/v1/vendors/acme/reset",
		"{\"root\":\"AP8gQQ==\"}", &refusal), 0);
	ck_assert_str_eq(op.call.id, "acme");
	ck_assert(bytes_equal(op.call.root, bytes_of("\0\xff\x20\x41", 4)));
	op_done(&op);
}
END_TEST

START_TEST(op_read_wrong_method_says_the_right_one)
{
	struct op_refusal refusal;
	struct op op;

	read_one(&op, V, "DELETE", "/v1/devices/a", "", &refusal);
	ck_assert_str_eq(refusal.allow, "GET");
	op_done(&op);
}
END_TEST

/* The document that is served names exactly the routes of the table, with their
 * roles, query parameters and body fields. */
static void check_route(const struct route *r, json_t *paths)
{
	const char *verb = !strcmp(r->method, "GET") ? "get" : "post";
	json_t *o = json_object_get(json_object_get(paths, r->path), verb);
	json_t *fields = NULL;
	json_t *body;
	size_t count = 0;

	ck_assert_msg(o != NULL, "%s %s is not in openapi.json", verb, r->path);
	ck_assert_msg(!strcmp(json_string_value(json_object_get(o, "x-role")),
		admin_role_name(r->role)), "%s: role", r->path);
	body = json_object_get(o, "requestBody");
	if (body && !json_unpack(body, "{s:{s:{s:{s:o}}}}", "content",
			"application/json", "schema", "properties", &fields))
		count = json_object_size(fields);
	for (const struct route_field *f = r->fields; f->name; f++, count--)
		ck_assert_msg(json_object_get(fields, f->name) != NULL,
			"%s: field %s", r->path, f->name);
	ck_assert_msg(count == 0, "%s: fields that the table lacks", r->path);
}

START_TEST(openapi_and_route_table_agree)
{
	struct bytes text = openapi_text();
	json_t *doc = json_loadb((const char *)text.at, text.len,
		JSON_REJECT_DUPLICATES, NULL);
	json_t *paths = json_object_get(doc, "paths");
	size_t documented = 0, known = 0;
	const char *path;
	json_t *item;

	ck_assert_ptr_nonnull(paths);
	json_object_foreach(paths, path, item)
		documented += json_object_size(item);
	for (const struct route *r = routes; r->method; r++, known++)
		check_route(r, paths);
	ck_assert_uint_eq(documented, known);
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admin.route");
	TCase *c = tcase_create("route");

	tcase_add_loop_test(c, op_read_by_table, 0,
		(int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(c, op_read_jobs_query_is_typed);
	tcase_add_test(c, op_read_key_with_slashes);
	tcase_add_test(c, op_read_update_is_typed);
	tcase_add_test(c, op_read_root_is_decoded);
	tcase_add_test(c, op_read_wrong_method_says_the_right_one);
	tcase_add_test(c, openapi_and_route_table_agree);
	suite_add_tcase(s, c);
	return unit_run(s);
}

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/gateway/admin_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: ferry\r\n\r\n"
#define POST(path, length, body) "POST " path " HTTP/1.1\r\nHost: ferry\r\n" \
	"Content-Type: application/json\r\nContent-Length: " length "\r\n\r\n" \
	body

static struct rig rig;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	rig_init(&rig);
}

static void teardown(void)
{
	rig_done(&rig);
}

static const char *text_of(json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? text : "";
}

START_TEST(get_answers_what_the_backend_gives)
{
	json_t *body = NULL;
	int fd;

	rig_open(&rig);
	rig.answer = json_pack("{s:[{s:s}]}", "items", "id", "lamp-1");
	fd = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/devices"), &body), 200);
	ck_assert_int_eq(rig.query.get, ADMIN_GET_DEVICES);
	ck_assert(json_equal(body, rig.answer));
	json_decref(body);
	close(fd);
}
END_TEST

START_TEST(status_gets_the_role_of_the_caller)
{
	json_t *body = NULL;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/status"), &body), 200);
	ck_assert_str_eq(text_of(body, "role"), "admin");
	json_decref(body);
	close(fd);
}
END_TEST

START_TEST(action_reaches_the_backend_with_its_caller)
{
	int fd;

	rig_open(&rig);
	rig.holds = true;
	fd = rig_connect(&rig);
	rig_send(fd, POST("/v1/jobs/42/pause", "0", ""));
	while (!rig.asked)
		rig_turn(&rig, fd);
	ck_assert_int_eq(rig.call.act, ADMIN_ACT_PAUSE);
	ck_assert_uint_eq(rig.call.job, 42);
	ck_assert_uint_eq(rig.call.who.uid, geteuid());
	ck_assert_int_eq(rig.call.who.pid, getpid());
	close(fd);
}
END_TEST

START_TEST(refusal_becomes_a_problem_document)
{
	const struct admin_refusal why = {
		.code = -ENOENT, .field = "id", .rule = "no \xff device",
		.hint = "ferryctl devices",
	};
	json_t *body = NULL;
	struct buf got;
	int fd;

	rig_open(&rig);
	rig.holds = true;
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices/x"));
	while (!rig.asked)
		rig_turn(&rig, fd);
	ck_assert_uint_eq(rig.query.job, 0);
	admin_refuse(rig.server, rig.token, &why);
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, "}");
	ck_assert_ptr_nonnull(memmem(got.at, got.len,
		"HTTP/1.1 404 Not Found\r\n", 24));
	ck_assert_ptr_nonnull(memmem(got.at, got.len,
		"Content-Type: application/problem+json\r\n", 40));
	body = json_loadb(memmem(got.at, got.len, "{", 1),
		got.len - (size_t)((uint8_t *)memmem(got.at, got.len, "{", 1) -
			got.at), 0, NULL);
	ck_assert_str_eq(text_of(body, "type"), "urn:ferry:error:admin-not-found");
	ck_assert_str_eq(text_of(body, "code"), "admin-not-found");
	ck_assert_str_eq(text_of(body, "field"), "id");
	ck_assert_str_eq(text_of(body, "rule"), "no \\xff device");
	ck_assert_str_eq(text_of(body, "hint"), "ferryctl devices");
	json_decref(body);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(two_answers_to_one_token_send_one)
{
	json_t *body = NULL;
	int fd;

	rig_open(&rig);
	rig.holds = true;
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/links"));
	while (!rig.asked)
		rig_turn(&rig, fd);
	admin_answer(rig.server, rig.token, json_object());
	admin_answer(rig.server, rig.token, json_object());
	admin_answer(rig.server, rig.token + 1, json_object());
	admin_answer(rig.server, 0, json_object());
	admin_answer(NULL, 1, json_object());
	rig.holds = false;
	ck_assert_int_eq(rig_ask(&rig, fd, "", &body), 200);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/links"), NULL), 200);
	json_decref(body);
	close(fd);
}
END_TEST

START_TEST(answer_after_the_client_left_is_dropped)
{
	struct admin_stats stats;
	int fd;

	rig_open(&rig);
	rig.holds = true;
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/links"));
	while (!rig.asked)
		rig_turn(&rig, fd);
	close(fd);
	admin_answer(rig.server, rig.token, json_object());
	do {
		rig_turn(&rig, -1);
		admin_stats(rig.server, &stats);
	} while (stats.connections);
	ck_assert_uint_eq(stats.requests, 1);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	struct buf got;
	const char *first, *second;
	int fd;

	rig_open(&rig);
	rig.holds = true;
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/links") GET("/v1/images") GET("/v1/nothing"));
	while (rig.asked < 1)
		rig_turn(&rig, fd);
	ck_assert_int_eq(rig.query.get, ADMIN_GET_LINKS);
	admin_answer(rig.server, rig.token, json_pack("{s:i}", "n", 1));
	while (rig.asked < 2)
		rig_turn(&rig, fd);
	ck_assert_int_eq(rig.query.get, ADMIN_GET_IMAGES);
	admin_answer(rig.server, rig.token, json_pack("{s:i}", "n", 2));
	buf_init(&got, 8192);
	rig_expect(&rig, fd, &got, "HTTP/1.1 404");
	first = memmem(got.at, got.len, "{\"n\":1}", 7);
	second = memmem(got.at, got.len, "{\"n\":2}", 7);
	ck_assert(first && second && first < second);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(many_pipelined_requests_are_all_answered)
{
	struct buf got;
	size_t answers = 0;
	char text[sizeof(GET("/v1/links")) * 1000] = "";
	int fd;

	rig_open(&rig);
	for (int i = 0; i < 999; i++)
		memcpy(text + (size_t)i * strlen(GET("/v1/links")),
			GET("/v1/links"), sizeof(GET("/v1/links")));
	fd = rig_connect(&rig);
	rig_send(fd, text);
	shutdown(fd, SHUT_WR);
	buf_init(&got, 1U << 20);
	rig_expect(&rig, fd, &got, NULL);
	for (const uint8_t *at = got.at;
			(at = memmem(at, got.len - (size_t)(at - got.at),
				"HTTP/1.1 200", 12)); at++)
		answers++;
	ck_assert_uint_eq(answers, 999);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(connection_close_is_honoured)
{
	struct buf got;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	rig_send(fd, "GET /v1/links HTTP/1.1\r\nHost: a\r\n"
		"Connection: close\r\n\r\n");
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "Connection: close", 17));
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(malformed_request_is_answered_and_hung_up)
{
	struct buf got;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	rig_send(fd, "\x16\x03\x01 hello\r\n\r\n" GET("/v1/status"));
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "HTTP/1.1 400", 12));
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "admin-request", 13));
	ck_assert_uint_eq(rig.asked, 0);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(body_announced_too_large_is_refused_before_it_comes)
{
	struct buf got;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	rig_send(fd, POST("/v1/check", "65537", ""));
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "HTTP/1.1 413", 12));
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(expect_continue_is_invited)
{
	struct buf got;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	rig_send(fd, "POST /v1/check HTTP/1.1\r\nHost: a\r\n"
		"Expect: 100-continue\r\nContent-Type: application/json\r\n"
		"Content-Length: 2\r\n\r\n");
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, "HTTP/1.1 100 Continue\r\n\r\n");
	ck_assert_int_eq(rig_ask(&rig, fd, "{}", NULL), 200);
	ck_assert_int_eq(rig.call.act, ADMIN_ACT_CHECK);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(request_that_dribbles_gets_408)
{
	struct buf got;
	int fd;

	rig.config.limits.request_ms = 20;
	rig_open(&rig);
	fd = rig_connect(&rig);
	rig_send(fd, "GET /v1/sta");
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "HTTP/1.1 408", 12));
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(idle_connection_is_hung_up_in_silence)
{
	struct buf got;
	int fd;

	rig.config.limits.idle_ms = 20;
	rig_open(&rig);
	fd = rig_connect(&rig);
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, NULL);
	ck_assert_uint_eq(got.len, 0);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(backend_without_answer_gets_504_and_late_answer_is_dropped)
{
	struct buf got;
	int fd;

	rig.config.limits.answer_ms = 20;
	rig_open(&rig);
	rig.holds = true;
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/links"));
	buf_init(&got, 4096);
	rig_expect(&rig, fd, &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "HTTP/1.1 504", 12));
	admin_answer(rig.server, rig.token, json_object());
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(large_answer_arrives_whole)
{
	json_t *body = NULL;
	json_t *items = json_array();
	char text[1024];
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 4096; i++)
		json_array_append_new(items, json_string(text));
	rig_open(&rig);
	rig.answer = json_pack("{s:o}", "items", items);
	fd = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/devices"), &body), 200);
	ck_assert(json_equal(body, rig.answer));
	json_decref(body);
	close(fd);
}
END_TEST

static void expect_items(int fd)
{
	json_t *body = NULL;

	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/devices"), &body), 200);
	ck_assert_uint_eq(json_object_size(body), 1);
	ck_assert(json_equal(json_object_get(body, "items"), rig.answer));
	json_decref(body);
}

START_TEST(items_arrive_as_one_list)
{
	char text[8192]; /* larger than most items */
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rig_open(&rig);
	rig.itemwise = true;
	rig.answer = json_pack("[s,{s:i},s]", "a", "id", 1, text);
	fd = rig_connect(&rig);
	expect_items(fd);
	expect_items(fd);
	close(fd);
}
END_TEST

START_TEST(no_items_are_an_empty_list)
{
	int fd;

	rig_open(&rig);
	rig.itemwise = true;
	rig.answer = json_array();
	fd = rig_connect(&rig);
	expect_items(fd);
	close(fd);
}
END_TEST

START_TEST(client_that_reads_nothing_is_hung_up)
{
	struct admin_stats stats;
	json_t *items = json_array();
	char text[4096];
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 1024; i++)
		json_array_append_new(items, json_string(text));
	rig.config.limits.write_ms = 20;
	rig_open(&rig);
	rig.answer = json_pack("{s:o}", "items", items);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	while (!rig.asked)
		rig_turn(&rig, -1);
	do {
		rig_turn(&rig, -1);
		admin_stats(rig.server, &stats);
	} while (stats.connections);
	close(fd);
}
END_TEST

START_TEST(openapi_is_served)
{
	json_t *body = NULL;
	int fd;

	rig_open(&rig);
	fd = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/openapi.json"), &body),
		200);
	ck_assert_str_eq(text_of(body, "openapi"), "3.1.0");
	json_decref(body);
	close(fd);
}
END_TEST

/* ---- who may do what; the kernel's word needs root to be tried ---- */

static const struct admin_rule role_rules[] = {
	{ADMIN_ROLE_VIEWER, false, 5001},
	{ADMIN_ROLE_OPERATOR, true, 6002},
	{ADMIN_ROLE_ADMIN, true, 6003},
};

struct role_row {
	const char *name;
	uid_t uid;
	gid_t gid, group;
	int read, act, admin; /* statuses */
};

static const struct role_row role_rows[] = {
	{"stranger", 5000, 6000, 0, 403, 403, 403},
	{"viewer by uid", 5001, 6000, 0, 200, 403, 403},
	{"operator by gid", 5002, 6002, 0, 200, 200, 403},
	{"operator by supplementary group", 5002, 6000, 6002, 200, 200, 403},
	{"admin by supplementary group", 5001, 6000, 6003, 200, 200, 200},
};

START_TEST(roles_by_peer_credentials)
{
	const struct role_row *row = &role_rows[_i];
	int fd, read, act, admin;

	if (geteuid() != 0)
		return;
	rig.config.rules = role_rules;
	rig.config.rule_count = 3;
	rig_open(&rig);
	fd = rig_connect_as(&rig, row->uid, row->gid, row->group);
	read = rig_ask(&rig, fd, GET("/v1/status"), NULL);
	act = rig_ask(&rig, fd, POST("/v1/check", "2", "{}"), NULL);
	admin = rig_ask(&rig, fd, POST("/v1/trust/unlock", "0", ""), NULL);
	ck_assert_msg(read == row->read, "%s: read %d", row->name, read);
	ck_assert_msg(act == row->act, "%s: act %d", row->name, act);
	ck_assert_msg(admin == row->admin, "%s: admin %d", row->name, admin);
	close(fd);
}
END_TEST

START_TEST(set_rules_judges_open_connections_again)
{
	struct buf got;
	int fd, stream;

	if (geteuid() != 0)
		return;
	rig.config.rules = role_rules;
	rig.config.rule_count = 3;
	rig_open(&rig);
	fd = rig_connect_as(&rig, 5001, 6000, 0);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/links"), NULL), 200);
	stream = rig_connect_as(&rig, 5001, 6000, 0);
	rig_send(stream, GET("/v1/events"));
	buf_init(&got, 4096);
	rig_expect(&rig, stream, &got, "\"role\":\"viewer\"");
	ck_assert_int_eq(admin_set_rules(rig.server, NULL, 0), 0);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/links"), NULL), 403);
	rig_expect(&rig, stream, &got, "{\"reason\":\"role\"}");
	rig_expect(&rig, stream, &got, NULL);
	buf_done(&got);
	close(fd);
	close(stream);
}
END_TEST

START_TEST(last_connections_are_kept_for_operators)
{
	struct buf got;
	int first, second, admin;

	if (geteuid() != 0)
		return;
	rig.config.rules = role_rules;
	rig.config.rule_count = 3;
	rig.config.limits.connections = 9;
	rig_open(&rig);
	first = rig_connect_as(&rig, 5001, 6000, 0);
	ck_assert_int_eq(rig_ask(&rig, first, GET("/v1/links"), NULL), 200);
	second = rig_connect_as(&rig, 5001, 6000, 0);
	buf_init(&got, 4096);
	rig_expect(&rig, second, &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "HTTP/1.1 503", 12));
	admin = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, admin, GET("/v1/links"), NULL), 200);
	buf_done(&got);
	close(first);
	close(second);
	close(admin);
}
END_TEST

START_TEST(connections_are_bounded)
{
	int fds[3];
	struct buf got;

	rig.config.limits.connections = 2;
	rig_open(&rig);
	for (int i = 0; i < 2; i++) {
		fds[i] = rig_connect(&rig);
		ck_assert_int_eq(rig_ask(&rig, fds[i], GET("/v1/links"), NULL),
			200);
	}
	fds[2] = rig_connect(&rig);
	buf_init(&got, 4096);
	rig_expect(&rig, fds[2], &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "admin-busy", 10));
	close(fds[2]);
	close(fds[0]);
	ck_assert_int_eq(rig_ask(&rig, fds[1], GET("/v1/links"), NULL), 200);
	fds[0] = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, fds[0], GET("/v1/links"), NULL), 200);
	buf_done(&got);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* ---- the socket file, start and stop ---- */

START_TEST(close_tells_everybody_and_removes_the_file)
{
	struct buf asked, watched;
	int a, b;

	rig_open(&rig);
	b = rig_watch(&rig, GET("/v1/events"), &watched);
	rig.holds = true;
	a = rig_connect(&rig);
	rig_send(a, GET("/v1/links"));
	while (!rig.asked)
		rig_turn(&rig, a);
	rig_close(&rig);
	buf_init(&asked, 4096);
	rig_expect(&rig, a, &asked, NULL);
	ck_assert_ptr_nonnull(memmem(asked.at, asked.len, "HTTP/1.1 503", 12));
	ck_assert_ptr_nonnull(memmem(asked.at, asked.len, "admin-stopping",
		14));
	rig_expect(&rig, b, &watched, "{\"reason\":\"stopping\"}");
	ck_assert_int_eq(access(rig.path, F_OK), -1);
	buf_done(&asked);
	buf_done(&watched);
	close(a);
	close(b);
}
END_TEST

START_TEST(socket_file_has_the_mode_of_the_configuration)
{
	struct stat st;

	rig.config.mode = 0620;
	rig.config.has_group = true;
	rig.config.group = getegid();
	rig_open(&rig);
	ck_assert_int_eq(stat(rig.path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0620);
}
END_TEST

START_TEST(socket_file_that_is_stale_is_replaced)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), client;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig.path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
		sizeof(address)), 0);
	close(fd);
	rig_open(&rig);
	client = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, client, GET("/v1/links"), NULL), 200);
	close(client);
}
END_TEST

START_TEST(socket_file_that_lives_is_left_alone)
{
	struct admin_server *second = NULL;
	struct fault fault = {0};
	int fd;

	rig_open(&rig);
	ck_assert_int_eq(admin_open(&rig.loop, &rig.config, &rig.backend,
		&second, &fault), ERR_ADMIN_SOCKET_LIVE);
	ck_assert_str_eq(fault.field, "admin.socket");
	ck_assert_ptr_null(second);
	fd = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, fd, GET("/v1/links"), NULL), 200);
	close(fd);
}
END_TEST

START_TEST(other_file_in_the_place_is_left_alone)
{
	struct admin_server *server = NULL;
	struct fault fault = {0};
	int fd = open(rig.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	ck_assert_int_eq(admin_open(&rig.loop, &rig.config, &rig.backend,
		&server, &fault), ERR_ADMIN_SOCKET_TAKEN);
	ck_assert_int_eq(access(rig.path, F_OK), 0);
}
END_TEST

START_TEST(close_leaves_a_file_that_took_the_place)
{
	int fd;

	rig_open(&rig);
	ck_assert_int_eq(unlink(rig.path), 0);
	fd = open(rig.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	rig_close(&rig);
	ck_assert_int_eq(access(rig.path, F_OK), 0);
}
END_TEST

START_TEST(path_too_long_is_named)
{
	struct admin_server *server = NULL;
	struct fault fault = {0};
	char path[200];

	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	rig.config.path = path;
	ck_assert_int_eq(admin_open(&rig.loop, &rig.config, &rig.backend,
		&server, &fault), -ENAMETOOLONG);
	ck_assert_str_eq(fault.rule, "must have 1 to 107 bytes");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admin.server");
	TCase *c = tcase_create("server");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, get_answers_what_the_backend_gives);
	tcase_add_test(c, status_gets_the_role_of_the_caller);
	tcase_add_test(c, action_reaches_the_backend_with_its_caller);
	tcase_add_test(c, refusal_becomes_a_problem_document);
	tcase_add_test(c, two_answers_to_one_token_send_one);
	tcase_add_test(c, answer_after_the_client_left_is_dropped);
	tcase_add_test(c, pipelined_requests_are_answered_in_order);
	tcase_add_test(c, many_pipelined_requests_are_all_answered);
	tcase_add_test(c, connection_close_is_honoured);
	tcase_add_test(c, malformed_request_is_answered_and_hung_up);
	tcase_add_test(c,
		body_announced_too_large_is_refused_before_it_comes);
	tcase_add_test(c, expect_continue_is_invited);
	tcase_add_test(c, request_that_dribbles_gets_408);
	tcase_add_test(c, idle_connection_is_hung_up_in_silence);
	tcase_add_test(c,
		backend_without_answer_gets_504_and_late_answer_is_dropped);
	tcase_add_test(c, large_answer_arrives_whole);
	tcase_add_test(c, items_arrive_as_one_list);
	tcase_add_test(c, no_items_are_an_empty_list);
	tcase_add_test(c, client_that_reads_nothing_is_hung_up);
	tcase_add_test(c, openapi_is_served);
	tcase_add_loop_test(c, roles_by_peer_credentials, 0,
		(int)(sizeof(role_rows) / sizeof(*role_rows)));
	tcase_add_test(c, set_rules_judges_open_connections_again);
	tcase_add_test(c, last_connections_are_kept_for_operators);
	tcase_add_test(c, connections_are_bounded);
	tcase_add_test(c, close_tells_everybody_and_removes_the_file);
	tcase_add_test(c, socket_file_has_the_mode_of_the_configuration);
	tcase_add_test(c, socket_file_that_is_stale_is_replaced);
	tcase_add_test(c, socket_file_that_lives_is_left_alone);
	tcase_add_test(c, other_file_in_the_place_is_left_alone);
	tcase_add_test(c, close_leaves_a_file_that_took_the_place);
	tcase_add_test(c, path_too_long_is_named);
	suite_add_tcase(s, c);
	return unit_run(s);
}

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/gateway/admin_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: ferry\r\n\r\n"
#define MANY 4000 /* items of TEXT_SIZE: far more than sockets hold */
#define TEXT_SIZE 1024

static struct rig rig;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	rig_init(&rig);
	rig.itemwise = true;
}

static void teardown(void)
{
	rig_done(&rig);
}

static json_t *items_of(size_t count)
{
	json_t *items = json_array();
	char text[TEXT_SIZE];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, json_pack("{s:i,s:s}", "id",
			(int)i, "text", text));
	return items;
}

static void expect_whole_of(int fd, const char *request)
{
	json_t *body = NULL;

	ck_assert_int_eq(rig_ask(&rig, fd, request, &body), 200);
	ck_assert(json_equal(json_object_get(body, "items"), rig.answer));
	ck_assert_uint_eq(json_object_size(body), 1);
	json_decref(body);
}

static void expect_whole(int fd)
{
	expect_whole_of(fd, GET("/v1/devices"));
}

/* Lets the loop work until it has nothing to do any more. */
static void let_work(void)
{
	for (int i = 0; i < 200; i++)
		uv_run(&rig.loop, UV_RUN_NOWAIT);
}

START_TEST(short_list_has_its_length_in_its_head)
{
	int fd;

	rig_open(&rig);
	rig.answer = items_of(3);
	fd = rig_connect(&rig);
	expect_whole(fd);
	ck_assert(!rig.chunked);
	ck_assert_uint_eq(rig.lists_ended, 1);
	close(fd);
}
END_TEST

START_TEST(long_list_is_chunked_and_the_connection_stays)
{
	int fd;

	rig_open(&rig);
	rig.answer = items_of(MANY);
	fd = rig_connect(&rig);
	expect_whole(fd);
	ck_assert(rig.chunked);
	expect_whole(fd);
	ck_assert_uint_eq(rig.lists_ended, 2);
	close(fd);
}
END_TEST

START_TEST(list_that_takes_many_turns_is_one_answer)
{
	int fd;

	rig_open(&rig);
	rig.answer = items_of(20);
	rig.one_a_turn = true;
	fd = rig_connect(&rig);
	expect_whole(fd);
	ck_assert(!rig.chunked);
	ck_assert_uint_eq(rig.turns, 21);
	close(fd);
}
END_TEST

START_TEST(others_are_answered_between_two_turns)
{
	int slow, quick;

	rig_open(&rig);
	rig.answer = items_of(500);
	rig.one_a_turn = true;
	slow = rig_connect(&rig);
	quick = rig_connect(&rig);
	rig_send(slow, GET("/v1/devices"));
	while (!rig.given)
		rig_turn(&rig, slow);
	ck_assert_int_eq(rig_ask(&rig, quick, GET("/v1/openapi.json"), NULL),
		200);
	ck_assert_uint_lt(rig.given, 500);
	ck_assert_uint_eq(rig.lists_ended, 0);
	close(slow);
	close(quick);
}
END_TEST

START_TEST(two_lists_at_once_are_both_whole)
{
	struct buf got[2];
	int fd[2];

	rig_open(&rig);
	rig.answer = items_of(3);
	rig.one_a_turn = true;
	for (int i = 0; i < 2; i++) {
		fd[i] = rig_connect(&rig);
		rig_send(fd[i], GET("/v1/devices"));
	}
	for (int i = 0; i < 2; i++) {
		buf_init(&got[i], 1U << 20);
		rig_expect(&rig, fd[i], &got[i], "]}\n");
		ck_assert_ptr_nonnull(memmem(got[i].at, got[i].len,
			"{\"id\":0,", 8));
		ck_assert_ptr_nonnull(memmem(got[i].at, got[i].len,
			"{\"id\":2,", 8));
		buf_done(&got[i]);
		close(fd[i]);
	}
	ck_assert_uint_eq(rig.lists_ended, 2);
}
END_TEST

/* What a client does not read stays where it comes from. */
START_TEST(client_that_does_not_read_holds_the_list_back)
{
	size_t given;
	int fd;

	rig_open(&rig);
	rig.answer = items_of(MANY);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	while (!rig.given)
		rig_turn(&rig, fd);
	let_work();
	given = rig.given;
	ck_assert_uint_lt(given * TEXT_SIZE, 1U << 20);
	let_work();
	ck_assert_uint_eq(rig.given, given);
	expect_whole_of(fd, "");
	close(fd);
}
END_TEST

START_TEST(client_that_reads_slowly_gets_it_whole)
{
	uint8_t part[4096];
	struct buf got;
	int fd;

	rig_open(&rig);
	rig.answer = items_of(1000);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	buf_init(&got, 64U << 20);
	while (!got.len || !memmem(got.at, got.len, "\r\n0\r\n\r\n", 7)) {
		ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);

		if (n > 0)
			buf_add(&got, part, (size_t)n);
		else
			ck_assert_int_eq(errno, EAGAIN);
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	}
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "{\"id\":999,", 10));
	ck_assert_uint_eq(rig.lists_ended, 1);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(client_that_leaves_in_the_middle_ends_the_list)
{
	struct admin_stats stats;
	int fd;

	rig_open(&rig);
	rig.answer = items_of(MANY);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	while (!rig.given)
		rig_turn(&rig, fd);
	let_work();
	close(fd);
	do {
		rig_turn(&rig, -1);
		admin_stats(rig.server, &stats);
	} while (stats.connections);
	ck_assert_uint_eq(rig.lists_ended, 1);
	ck_assert_uint_lt(rig.given, MANY);
}
END_TEST

START_TEST(client_that_reads_nothing_of_a_list_is_hung_up)
{
	struct admin_stats stats;
	int fd;

	rig.config.limits.write_ms = 20;
	rig_open(&rig);
	rig.answer = items_of(MANY);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	do {
		rig_turn(&rig, -1);
		admin_stats(rig.server, &stats);
	} while (!rig.given || stats.connections);
	ck_assert_uint_eq(rig.lists_ended, 1);
	close(fd);
}
END_TEST

START_TEST(server_that_closes_ends_its_lists)
{
	int fd;

	rig_open(&rig);
	rig.answer = items_of(MANY);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	while (!rig.given)
		rig_turn(&rig, fd);
	rig_close(&rig);
	ck_assert_uint_eq(rig.lists_ended, 1);
	close(fd);
}
END_TEST

START_TEST(server_that_closes_ends_a_list_before_its_first_turn)
{
	int fd;

	rig_open(&rig);
	rig.holds = true;
	rig.itemwise = false;
	rig.answer = items_of(3);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	while (!rig.asked)
		rig_turn(&rig, fd);
	rig_give_items(&rig);
	rig_close(&rig);
	ck_assert_uint_eq(rig.turns, 0);
	ck_assert_uint_eq(rig.lists_ended, 1);
	close(fd);
}
END_TEST

START_TEST(list_that_fails_before_its_first_part_is_refused)
{
	json_t *body = NULL;
	int fd;

	rig_open(&rig);
	rig.answer = items_of(3);
	rig.fails = -ENOMEM;
	fd = rig_connect(&rig);
	ck_assert_int_ge(rig_ask(&rig, fd, GET("/v1/devices"), &body), 500);
	ck_assert_str_eq(json_string_value(json_object_get(body, "code")),
		"ENOMEM");
	ck_assert_uint_eq(rig.lists_ended, 1);
	json_decref(body);
	close(fd);
}
END_TEST

START_TEST(list_that_fails_later_has_no_last_chunk)
{
	struct buf got;
	int fd;

	rig_open(&rig);
	rig.answer = items_of(MANY);
	rig.fails = -ENOMEM;
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices"));
	buf_init(&got, 64U << 20);
	rig_expect(&rig, fd, &got, NULL);
	ck_assert_ptr_nonnull(memmem(got.at, got.len, "{\"id\":0,", 8));
	ck_assert_ptr_null(memmem(got.at, got.len, "\r\n0\r\n\r\n", 7));
	ck_assert_uint_eq(rig.lists_ended, 1);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(old_client_gets_a_long_list_up_to_the_end)
{
	struct buf got;
	json_t *body;
	uint8_t *at;
	int fd;

	rig_open(&rig);
	rig.answer = items_of(MANY);
	fd = rig_connect(&rig);
	rig_send(fd, "GET /v1/devices HTTP/1.0\r\n\r\n");
	buf_init(&got, 64U << 20);
	rig_expect(&rig, fd, &got, NULL);
	at = memmem(got.at, got.len, "\r\n\r\n", 4);
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_null(memmem(got.at, (size_t)(at - got.at),
		"Transfer-Encoding", 17));
	body = json_loadb((const char *)at + 4,
		got.len - (size_t)(at + 4 - got.at), 0, NULL);
	ck_assert(json_equal(json_object_get(body, "items"), rig.answer));
	json_decref(body);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(pipelined_requests_behind_a_long_list_are_answered_in_order)
{
	const char *end, *second;
	struct buf got;
	int fd;

	rig_open(&rig);
	rig.answer = items_of(300);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/devices") GET("/v1/nothing"));
	buf_init(&got, 64U << 20);
	rig_expect(&rig, fd, &got, "HTTP/1.1 404");
	end = memmem(got.at, got.len, "\r\n0\r\n\r\n", 7);
	second = memmem(got.at, got.len, "HTTP/1.1 404", 12);
	ck_assert_ptr_eq(end + 7, second);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(list_for_a_client_that_left_ends_at_once)
{
	rig_open(&rig);
	rig.answer = items_of(3);
	rig.token = 99;
	rig_give_items(&rig);
	ck_assert_uint_eq(rig.lists_ended, 1);
	ck_assert_uint_eq(rig.turns, 0);
}
END_TEST

/* ---- what comes later ---- */

struct later {
	unsigned asked, ended;
	bool whole;
	int status;
};

static int next_later(void *arg, const struct admin_turn *turn)
{
	struct later *l = arg;

	(void)turn;
	l->asked++;
	if (l->status)
		return l->status;
	return l->whole ? ADMIN_LIST_WHOLE : ADMIN_LIST_LATER;
}

static void tail_later(void *arg, struct json_out *out)
{
	(void)arg;
	json_out_number(out, "next", 7);
}

static void end_later(void *arg)
{
	((struct later *)arg)->ended++;
}

static int ask_later(struct later *l)
{
	const struct admin_source source = {
		.arg = l,
		.next = next_later,
		.tail = tail_later,
		.end = end_later,
	};
	int fd;

	rig.itemwise = false;
	rig.holds = true;
	rig_open(&rig);
	fd = rig_connect(&rig);
	rig_send(fd, GET("/v1/jobs"));
	while (!rig.asked)
		rig_turn(&rig, fd);
	admin_answer_list(rig.server, rig.token, &source);
	ck_assert_ptr_null(admin_list_out(rig.server, rig.token));
	while (!l->asked)
		rig_turn(&rig, fd);
	return fd;
}

START_TEST(list_waits_for_what_comes_later)
{
	struct later l = {0};
	json_t *body = NULL;
	int fd = ask_later(&l);

	let_work();
	ck_assert_uint_eq(l.asked, 1);
	json_out_text(admin_list_out(rig.server, rig.token), NULL, "a");
	admin_list_go_on(rig.server, rig.token);
	ck_assert_ptr_null(admin_list_out(rig.server, rig.token));
	while (l.asked < 2)
		rig_turn(&rig, fd);
	json_out_text(admin_list_out(rig.server, rig.token), NULL, "b");
	l.whole = true;
	admin_list_go_on(rig.server, rig.token);
	ck_assert_int_eq(rig_ask(&rig, fd, "", &body), 200);
	ck_assert_uint_eq(json_array_size(json_object_get(body, "items")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(body, "next")), 7);
	ck_assert_uint_eq(l.ended, 1);
	json_decref(body);
	close(fd);
}
END_TEST

/* Each part goes out before the source is asked for the next. */
START_TEST(list_that_comes_later_is_held_back_by_its_client_too)
{
	static char text[TEXT_SIZE];
	struct later l = {0};
	unsigned parts = 0;
	int fd = ask_later(&l);

	memset(text, 'x', sizeof(text) - 1);
	for (unsigned asked = 0; asked < l.asked && parts < MANY; parts++) {
		asked = l.asked;
		for (unsigned i = 0; i < 100; i++)
			json_out_text(admin_list_out(rig.server, rig.token),
				NULL, text);
		admin_list_go_on(rig.server, rig.token);
		let_work();
	}
	ck_assert_uint_lt(parts * 100 * TEXT_SIZE, 1U << 20);
	l.whole = true;
	ck_assert_int_eq(rig_ask(&rig, fd, "", NULL), 200);
	ck_assert_uint_eq(l.ended, 1);
	close(fd);
}
END_TEST

START_TEST(other_answers_to_a_list_are_dropped)
{
	const struct admin_refusal why = {.code = -EIO};
	struct later l = {.whole = false};
	int fd = ask_later(&l);

	admin_answer(rig.server, rig.token, json_object());
	admin_refuse(rig.server, rig.token, &why);
	ck_assert_uint_eq(l.ended, 0);
	l.whole = true;
	admin_list_go_on(rig.server, rig.token);
	ck_assert_int_eq(rig_ask(&rig, fd, "", NULL), 200);
	close(fd);
}
END_TEST

START_TEST(error_of_what_came_later_refuses)
{
	struct later l = {0};
	int fd = ask_later(&l);

	l.status = -EIO;
	admin_list_go_on(rig.server, rig.token);
	ck_assert_int_ge(rig_ask(&rig, fd, "", NULL), 400);
	ck_assert_uint_eq(l.ended, 1);
	close(fd);
}
END_TEST

START_TEST(list_that_never_goes_on_is_refused_in_time)
{
	struct later l = {0};
	int fd;

	rig.config.limits.answer_ms = 20;
	fd = ask_later(&l);
	ck_assert_int_eq(rig_ask(&rig, fd, "", NULL), 504);
	ck_assert_uint_eq(l.ended, 1);
	admin_list_go_on(rig.server, rig.token);
	ck_assert_ptr_null(admin_list_out(rig.server, rig.token));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admin_list");
	TCase *tc = tcase_create("lists");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, short_list_has_its_length_in_its_head);
	tcase_add_test(tc, long_list_is_chunked_and_the_connection_stays);
	tcase_add_test(tc, list_that_takes_many_turns_is_one_answer);
	tcase_add_test(tc, others_are_answered_between_two_turns);
	tcase_add_test(tc, two_lists_at_once_are_both_whole);
	tcase_add_test(tc, client_that_does_not_read_holds_the_list_back);
	tcase_add_test(tc, client_that_reads_slowly_gets_it_whole);
	tcase_add_test(tc, client_that_leaves_in_the_middle_ends_the_list);
	tcase_add_test(tc, client_that_reads_nothing_of_a_list_is_hung_up);
	tcase_add_test(tc, server_that_closes_ends_its_lists);
	tcase_add_test(tc, server_that_closes_ends_a_list_before_its_first_turn);
	tcase_add_test(tc, list_that_fails_before_its_first_part_is_refused);
	tcase_add_test(tc, list_that_fails_later_has_no_last_chunk);
	tcase_add_test(tc, old_client_gets_a_long_list_up_to_the_end);
	tcase_add_test(tc,
		pipelined_requests_behind_a_long_list_are_answered_in_order);
	tcase_add_test(tc, list_for_a_client_that_left_ends_at_once);
	tcase_add_test(tc, list_waits_for_what_comes_later);
	tcase_add_test(tc,
		list_that_comes_later_is_held_back_by_its_client_too);
	tcase_add_test(tc, other_answers_to_a_list_are_dropped);
	tcase_add_test(tc, error_of_what_came_later_refuses);
	tcase_add_test(tc, list_that_never_goes_on_is_refused_in_time);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

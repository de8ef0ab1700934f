#include "tests/unit/unit.h"

#include "gateway/admin/request.h"

#define HEAD_MAX 512
#define BODY_MAX 64
#define JSON "Content-Type: application/json\r\n"

struct row {
	const char *name;
	const char *bytes;
	int want;        /* 1: whole, 0: needs more, or an error */
	unsigned status; /* for an error */
};

static const struct row rows[] = {
	{"plain get", "GET /v1/status HTTP/1.1\r\nHost: a\r\n\r\n", 1, 0},
	{"http 1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", 1, 0},
	{"with body", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: 2\r\n\r\n{}", 1, 0},
	{"charset is allowed", "POST / HTTP/1.1\r\nHost: a\r\n"
		"content-type: Application/JSON; charset=utf-8\r\n"
		"Content-Length: 2\r\n\r\n{}", 1, 0},
	{"body of length 0 needs no type", "POST / HTTP/1.1\r\nHost: a\r\n"
		"Content-Length: 0\r\n\r\n", 1, 0},
	{"cut in the head", "GET / HTTP/1.1\r\nHo", 0, 0},
	{"cut in the body", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: 2\r\n\r\n{", 0, 0},
	{"no host", "GET / HTTP/1.1\r\n\r\n", ERR_ADMIN_REQUEST, 400},
	{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"no http", "hello\r\n\r\n", ERR_ADMIN_REQUEST, 400},
	{"tls hello", "\x16\x03\x01\x02\x00\x01", ERR_ADMIN_REQUEST, 400},
	{"http 2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"bad version", "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"no type", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
		ERR_ADMIN_MEDIA_TYPE, 415},
	{"a form", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: "
		"application/x-www-form-urlencoded\r\n"
		"Content-Length: 2\r\n\r\na=", ERR_ADMIN_MEDIA_TYPE, 415},
	{"a longer type", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: "
		"application/jsonx\r\nContent-Length: 2\r\n\r\n{}",
		ERR_ADMIN_MEDIA_TYPE, 415},
	{"body too large", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: 65\r\n\r\n", ERR_ADMIN_BODY_SIZE, 413},
	{"length of 2^64", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: 18446744073709551616\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"negative length", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: -1\r\n\r\n", ERR_ADMIN_REQUEST, 400},
	{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		ERR_ADMIN_REQUEST, 400},
	{"chunked", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		ERR_ADMIN_REQUEST, 411},
	{"chunked and length", "POST / HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"upgrade", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
		"Upgrade: websocket\r\n\r\n", ERR_ADMIN_REQUEST, 400},
	{"connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"unknown expectation", "POST / HTTP/1.1\r\nHost: a\r\n"
		"Expect: luck\r\n\r\n", ERR_ADMIN_REQUEST, 417},
	{"folded field", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
	{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", ERR_ADMIN_REQUEST, 400},
	{"control character in a value",
		"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
		ERR_ADMIN_REQUEST, 400},
};

static int feed_all(struct request_reader *r, const char *bytes, size_t step,
	size_t *ret_used)
{
	size_t len = strlen(bytes), at = 0;
	int got = 0;

	while (got == 0 && at < len) {
		size_t part = len - at < step ? len - at : step, used = 0;

		got = request_feed(r, bytes_of(bytes + at, part), &used);
		at += used;
	}
	*ret_used = at;
	return got;
}

START_TEST(feed_by_table)
{
	const struct row *row = &rows[_i];

	/* At once, and byte by byte: the same verdict. */
	for (size_t step = 1; step <= 4096; step += 4095) {
		struct request_reader *r = request_reader_new(HEAD_MAX,
			BODY_MAX);
		size_t used = 0;
		int got = feed_all(r, row->bytes, step, &used);

		ck_assert_msg(got == row->want, "%s, step %zu: %d (%s)",
			row->name, step, got, request_rule(r));
		if (got < 0)
			ck_assert_msg(request_status(r) == row->status,
				"%s, step %zu: status %u", row->name, step,
				request_status(r));
		if (got == 1)
			ck_assert_msg(used == strlen(row->bytes), "%s",
				row->name);
		request_reader_free(r);
	}
}
END_TEST

START_TEST(feed_head_larger_than_allowed_is_refused_and_bounded)
{
	struct request_reader *r = request_reader_new(HEAD_MAX, BODY_MAX);
	char text[HEAD_MAX * 4];
	size_t used = 0;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	ck_assert_int_eq(request_feed(r, bytes_of(text, sizeof(text)), &used),
		ERR_ADMIN_HEAD_SIZE);
	ck_assert_uint_eq(request_status(r), 431);
	ck_assert_uint_le(used, HEAD_MAX);
	request_reader_free(r);
}
END_TEST

START_TEST(feed_endless_empty_lines_is_refused)
{
	struct request_reader *r = request_reader_new(HEAD_MAX, BODY_MAX);
	size_t used = 0;
	int got = 0;

	for (int i = 0; i < HEAD_MAX && got == 0; i++)
		got = request_feed(r, bytes_of_text("\r\n"), &used);
	ck_assert_int_eq(got, ERR_ADMIN_HEAD_SIZE);
	request_reader_free(r);
}
END_TEST

START_TEST(feed_many_fields_is_refused)
{
	struct request_reader *r = request_reader_new(8192, BODY_MAX);
	size_t used = 0;
	int got = request_feed(r, bytes_of_text("GET / HTTP/1.1\r\n"), &used);

	for (int i = 0; i < 66 && got == 0; i++)
		got = request_feed(r, bytes_of_text("a: b\r\n"), &used);
	ck_assert_int_eq(got, ERR_ADMIN_HEAD_SIZE);
	request_reader_free(r);
}
END_TEST

START_TEST(feed_pipelined_stops_in_front_of_the_next)
{
	static const char text[] = "POST /a HTTP/1.1\r\nHost: a\r\n" JSON
		"Content-Length: 2\r\n\r\n{}"
		"GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nrest";
	struct request_reader *r = request_reader_new(HEAD_MAX, BODY_MAX);
	struct bytes in = bytes_of_text(text);
	struct request q;
	size_t used = 0;

	ck_assert_int_eq(request_feed(r, in, &used), 1);
	request_get(r, &q);
	ck_assert_str_eq(q.method, "POST");
	ck_assert(bytes_is_text(q.target, "/a"));
	ck_assert(bytes_is_text(q.body, "{}"));
	ck_assert(q.keep_alive);
	in = bytes_slice(in, used, in.len);
	ck_assert_int_eq(memcmp(in.at, "GET /b", 6), 0);

	request_next(r);
	ck_assert(!request_has_begun(r));
	ck_assert_int_eq(request_feed(r, in, &used), 1);
	request_get(r, &q);
	ck_assert_str_eq(q.method, "GET");
	ck_assert(bytes_is_text(q.target, "/b"));
	ck_assert_uint_eq(q.body.len, 0);
	ck_assert(!q.keep_alive);
	ck_assert(bytes_is_text(bytes_slice(in, used, in.len), "rest"));
	request_reader_free(r);
}
END_TEST

START_TEST(wants_continue_is_true_once)
{
	struct request_reader *r = request_reader_new(HEAD_MAX, BODY_MAX);
	size_t used = 0;

	ck_assert_int_eq(request_feed(r, bytes_of_text(
		"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" JSON
		"Content-Length: 2\r\n\r\n"), &used), 0);
	ck_assert(request_wants_continue(r));
	ck_assert(!request_wants_continue(r));
	ck_assert_int_eq(request_feed(r, bytes_of_text("{}"), &used), 1);
	request_reader_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admin.request");
	TCase *c = tcase_create("request");

	tcase_add_loop_test(c, feed_by_table, 0,
		(int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(c,
		feed_head_larger_than_allowed_is_refused_and_bounded);
	tcase_add_test(c, feed_endless_empty_lines_is_refused);
	tcase_add_test(c, feed_many_fields_is_refused);
	tcase_add_test(c, feed_pipelined_stops_in_front_of_the_next);
	tcase_add_test(c, wants_continue_is_true_once);
	suite_add_tcase(s, c);
	return unit_run(s);
}

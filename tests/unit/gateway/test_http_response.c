#include "tests/unit/unit.h"

#include <errno.h>

#include "base/buf.h"
#include "gateway/http/response.h"

/* What the callbacks saw of one answer. */
struct seen {
	struct http_head head;
	unsigned heads;
	char location[256];
	struct buf body;
	int head_result;
	int body_result;
};

static int on_head(void *arg, const struct http_head *head,
	const char *location)
{
	struct seen *seen = arg;

	seen->head = *head;
	seen->heads++;
	snprintf(seen->location, sizeof(seen->location), "%s", location);
	return seen->head_result;
}

static int on_body(void *arg, struct bytes part)
{
	struct seen *seen = arg;

	buf_add_bytes(&seen->body, part);
	return seen->body_result;
}

static struct http_response *response;

static void begin(struct seen *seen, const struct http_response_rules *rules)
{
	struct http_response_rules usual = {
		.head_bytes = 1024,
		.head_count = 8,
		.body_max = 1000,
	};
	struct http_response_sink sink = {on_head, on_body, seen};

	buf_done(&seen->body);
	*seen = (struct seen){0};
	buf_init(&seen->body, 4096);
	http_response_begin(response, rules ? rules : &usual, &sink);
}

static int feed(const char *text)
{
	return http_response_feed(response, bytes_of_text(text));
}

/* Byte by byte. */
static int feed_slowly(const char *text)
{
	int e = 0;

	for (; *text && e == 0; text++)
		e = http_response_feed(response, bytes_of(text, 1));
	return e;
}

static void setup(void)
{
	ck_assert_int_eq(http_response_new(&response), 0);
}

static void teardown(void)
{
	http_response_free(response);
	response = NULL;
}

/* However the bytes are cut, the answer is the same. */
START_TEST(feed_in_two_pieces_gives_the_same_as_in_one)
{
	static const char *const texts[] = {
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
		"ETag: \"e\"\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"ETag: \"e\"\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
	};
	struct seen seen = {0};

	for (size_t t = 0; t < 2; t++) {
		size_t len = strlen(texts[t]);

		for (size_t cut = 1; cut < len; cut++) {
			begin(&seen, NULL);
			ck_assert_int_eq(http_response_feed(response,
				bytes_of(texts[t], cut)), 0);
			ck_assert(!http_response_is_complete(response));
			ck_assert_int_eq(http_response_feed(response,
				bytes_of(texts[t] + cut, len - cut)), 0);
			ck_assert_msg(http_response_is_complete(response),
				"text %zu cut at %zu", t, cut);
			ck_assert_uint_eq(seen.heads, 1);
			ck_assert_str_eq(seen.head.etag, "\"e\"");
			ck_assert(bytes_is_text(buf_bytes(&seen.body),
				"hello"));
			ck_assert(http_response_keeps(response));
		}
	}
	buf_done(&seen.body);
}
END_TEST

START_TEST(begin_after_an_error_forgets_it)
{
	struct seen seen = {0};

	begin(&seen, NULL);
	ck_assert_int_eq(feed("nonsense\r\n\r\n"), ERR_VENDOR_HTTP_SYNTAX);
	ck_assert_int_eq(feed("HTTP/1.1 200 OK\r\n"), ERR_VENDOR_HTTP_SYNTAX);
	ck_assert_int_eq(http_response_fault(response)->code,
		ERR_VENDOR_HTTP_SYNTAX);
	begin(&seen, NULL);
	ck_assert_int_eq(http_response_fault(response)->code, 0);
	ck_assert_int_eq(feed("HTTP/1.1 204 x\r\n\r\n"), 0);
	ck_assert(http_response_is_complete(response));
	buf_done(&seen.body);
}
END_TEST

START_TEST(feed_stops_at_the_callback_that_refuses)
{
	struct seen seen = {0};

	begin(&seen, NULL);
	seen.head_result = -ENOSPC;
	ck_assert_int_eq(feed("HTTP/1.1 200 x\r\nContent-Length: 1\r\n\r\na"),
		-ENOSPC);
	ck_assert_uint_eq(seen.body.len, 0);
	begin(&seen, NULL);
	seen.body_result = -EIO;
	ck_assert_int_eq(feed("HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nab"),
		-EIO);
	ck_assert_int_eq(http_response_end(response), -EIO);
	buf_done(&seen.body);
}
END_TEST

/* What an answer that stops says, by where it stops. */
static const struct {
	const char *name;
	const char *text;
	int end;
	bool keeps;
} end_rows[] = {
	{"nothing", "", ERR_VENDOR_CLOSED, false},
	{"in the head", "HTTP/1.1 200 OK\r\nA", ERR_VENDOR_CLOSED, false},
	{"after 1xx", "HTTP/1.1 100 x\r\n\r\n", ERR_VENDOR_CLOSED, false},
	{"in the body", "HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\na",
		ERR_VENDOR_HTTP_TRUNCATED, false},
	{"complete", "HTTP/1.1 200 x\r\nContent-Length: 1\r\n\r\na", 0, true},
	{"complete, close", "HTTP/1.1 200 x\r\nConnection: close\r\n"
		"Content-Length: 1\r\n\r\na", 0, false},
	{"complete, 1.0", "HTTP/1.0 200 x\r\nContent-Length: 1\r\n\r\na", 0,
		false},
	{"empty body", "HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", 0, true},
	{"304 with length", "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", 0,
		true},
};

START_TEST(end_of_the_connection_means_what_its_place_says)
{
	struct seen seen = {0};

	begin(&seen, NULL);
	ck_assert_int_eq(feed(end_rows[_i].text), 0);
	ck_assert_msg(http_response_end(response) == end_rows[_i].end,
		"%s: %s", end_rows[_i].name,
		err_name(http_response_end(response)));
	ck_assert_msg(http_response_keeps(response) == end_rows[_i].keeps,
		"%s: keeps", end_rows[_i].name);
	buf_done(&seen.body);
}
END_TEST

START_TEST(error_page_longer_than_the_body_limit_is_taken)
{
	struct http_response_rules rules = {1024, 8, 4, false, 0, 0};
	struct seen seen = {0};

	begin(&seen, &rules);
	ck_assert_int_eq(feed("HTTP/1.1 404 x\r\nContent-Length: 5\r\n\r\nabcde"),
		0);
	ck_assert(http_response_is_complete(response));
	begin(&seen, &rules);
	ck_assert_int_eq(feed("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nabcde"),
		ERR_VENDOR_HTTP_LARGE);
	begin(&seen, &rules);
	ck_assert_int_eq(feed("HTTP/1.1 404 x\r\nContent-Length: 65537\r\n\r\n"),
		ERR_VENDOR_HTTP_LARGE);
	buf_done(&seen.body);
}
END_TEST

/* The head limit counts names and values; the last header that fits is in. */
START_TEST(head_at_its_limit_is_taken_and_one_more_byte_refused)
{
	struct seen seen = {0};
	char text[2048];

	for (int more = 0; more < 2; more++) {
		/* "OK" 2, "Content-Length: 0" 14+2+1+2, "A: b.." 1+2+n+2. */
		int n = 1024 - 2 - 19 - 5 + more;

		snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n"
			"Content-Length: 0\r\nA: %0*d\r\n\r\n", n, 0);
		begin(&seen, NULL);
		ck_assert_int_eq(feed(text), more ? ERR_VENDOR_HTTP_HEAD : 0);
		begin(&seen, NULL);
		ck_assert_int_eq(feed_slowly(text),
			more ? ERR_VENDOR_HTTP_HEAD : 0);
	}
	buf_done(&seen.body);
}
END_TEST

static const struct {
	const char *text;
	int64_t want; /* -1: refused */
} date_rows[] = {
	{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
	{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	{"Fri, 01 Jan 2100 00:00:00 GMT", 4102444800},
	{"Sunday, 06-Nov-94 08:49:37 GMT", -1},
	{"Sun Nov  6 08:49:37 1994", -1},
	{"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	{"Sun, 06 ovD 1994 08:49:37 GMT", -1},
	{"Sun, 32 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 06 Nov 1994 24:49:37 GMT", -1},
	{"Sun, 06 Nov 1994 08:49:37 GMT+1", -1},
	{"Sun, 06 Nov 1969 08:49:37 GMT", -1},
	{"", -1},
};

START_TEST(date_is_read_in_its_one_form)
{
	int64_t got = -1;
	int e = http_date_read(date_rows[_i].text, &got);

	ck_assert_msg(got == date_rows[_i].want, "%s: %lld", date_rows[_i].text,
		(long long)got);
	ck_assert_int_eq(e, date_rows[_i].want < 0 ? -EINVAL : 0);
}
END_TEST

START_TEST(location_is_handed_over_and_refused_when_twice)
{
	struct seen seen = {0};

	begin(&seen, NULL);
	ck_assert_int_eq(feed("HTTP/1.1 302 x\r\nLocation: /a\r\n"
		"Content-Length: 0\r\n\r\n"), 0);
	ck_assert_str_eq(seen.location, "/a");
	begin(&seen, NULL);
	ck_assert_int_eq(feed("HTTP/1.1 302 x\r\nLocation: /a\r\n"
		"Location: /b\r\nContent-Length: 0\r\n\r\n"),
		ERR_VENDOR_HTTP_HEAD);
	ck_assert_uint_eq(seen.heads, 0);
	buf_done(&seen.body);
}
END_TEST

/* What an interim answer says must not leak into the real one. */
START_TEST(interim_headers_are_forgotten)
{
	struct seen seen = {0};

	begin(&seen, NULL);
	ck_assert_int_eq(feed("HTTP/1.1 103 x\r\nLocation: /a\r\n"
		"ETag: \"early\"\r\nContent-Encoding: gzip\r\n\r\n"
		"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n"), 0);
	ck_assert_str_eq(seen.location, "");
	ck_assert_str_eq(seen.head.etag, "");
	ck_assert(http_response_is_complete(response));
	buf_done(&seen.body);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
	Suite *suite = suite_create("http_response");
	TCase *tc = tcase_create("response");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, feed_in_two_pieces_gives_the_same_as_in_one);
	tcase_add_test(tc, begin_after_an_error_forgets_it);
	tcase_add_test(tc, feed_stops_at_the_callback_that_refuses);
	tcase_add_loop_test(tc, end_of_the_connection_means_what_its_place_says,
		0, COUNT(end_rows));
	tcase_add_test(tc, error_page_longer_than_the_body_limit_is_taken);
	tcase_add_test(tc, head_at_its_limit_is_taken_and_one_more_byte_refused);
	tcase_add_loop_test(tc, date_is_read_in_its_one_form, 0,
		COUNT(date_rows));
	tcase_add_test(tc, location_is_handed_over_and_refused_when_twice);
	tcase_add_test(tc, interim_headers_are_forgotten);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

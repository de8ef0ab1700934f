#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/answer.h"

static struct {
	unsigned results, downs, logs;
	uint64_t token;
	int status;
	char key[16], text[FERRY_TEXT_MAX + 1];
} said;

static void on_complete(
	struct ferry_owner *owner, const struct ferry_result *result)
{
	(void)owner;
	said.results++;
	said.token = result->token;
	said.status = result->status;
	snprintf(said.key, sizeof(said.key), "%s", result->key);
	ck_assert_ptr_null(result->record);
}

static void on_link(
	struct ferry_owner *owner, const struct ferry_link_event *event)
{
	(void)owner;
	said.downs++;
	said.status = event->status;
	ck_assert_int_eq(event->event, FERRY_LINK_DOWN);
	ck_assert_uint_eq(event->link, 0);
}

static void on_log(struct ferry_owner *owner, uint32_t level, const char *text)
{
	(void)owner;
	ck_assert_uint_eq(level, FERRY_LOG_WARN);
	said.logs++;
	snprintf(said.text, sizeof(said.text), "%s", text);
}

static const struct ferry_host host = {
	.size = sizeof(host),
	.complete = on_complete,
	.on_link = on_link,
	.log = on_log,
};

static void setup(void)
{
	memset(&said, 0, sizeof(said));
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	answer_log(&host, NULL, FERRY_LOG_WARN, format, args);
	va_end(args);
}

START_TEST(answer_once_twice_completes_once)
{
	uint64_t token = 7;

	answer_once(&host, NULL, &token, -EINVAL, "port", "no");
	answer_once(&host, NULL, &token, 0, "path", NULL);
	ck_assert_uint_eq(said.results, 1);
	ck_assert_uint_eq(said.token, 7);
	ck_assert_int_eq(said.status, -EINVAL);
	ck_assert_str_eq(said.key, "port");
	ck_assert_uint_eq(token, 0);
}
END_TEST

START_TEST(answer_over_while_starting_fails_the_start)
{
	uint64_t token = 7;

	answer_over(&host, NULL, &token, -ENODEV, "port", "gone");
	ck_assert_uint_eq(said.results, 1);
	ck_assert_uint_eq(said.downs, 0);
	ck_assert_str_eq(said.key, "port");
	ck_assert_uint_eq(token, 0);
}
END_TEST

START_TEST(answer_over_behind_the_start_tells_the_host)
{
	uint64_t token = 0;

	answer_over(&host, NULL, &token, -ENODEV, "port", "gone");
	ck_assert_uint_eq(said.results, 0);
	ck_assert_uint_eq(said.downs, 1);
	ck_assert_int_eq(said.status, -ENODEV);
}
END_TEST

START_TEST(answer_log_long_line_is_cut)
{
	say("%0*d", FERRY_TEXT_MAX + 100, 1);
	ck_assert_uint_eq(said.logs, 1);
	ck_assert_uint_eq(strlen(said.text), FERRY_TEXT_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.answer");
	TCase *c = tcase_create("answer");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, answer_once_twice_completes_once);
	tcase_add_test(c, answer_over_while_starting_fails_the_start);
	tcase_add_test(c, answer_over_behind_the_start_tells_the_host);
	tcase_add_test(c, answer_log_long_line_is_cut);
	suite_add_tcase(s, c);
	return unit_run(s);
}

#include "tests/unit/unit.h"

#include <errno.h>

#include "tools/publish/cli.h"
#include "tools/publish/conf.h"
#include "tools/publish/keys.h"
#include "tools/publish/say.h"
#include "tools/publish/uuid.h"
#include "tools/publish/when.h"

struct time_row {
	const char *text;
	int err;
	uint64_t at;
};

static const struct time_row times[] = {
	{"1970-01-01T00:00:00Z", 0, 0},
	{"1970-01-01", 0, 0},
	{"2000-02-29T12:30:15Z", 0, 951827415},
	{"2000-02-29t12:30:15z", 0, 951827415},
	{"2000-02-29T12:30:15.123Z", 0, 951827415},
	{"2000-02-29T14:30:15+02:00", 0, 951827415},
	{"2000-02-29T07:00:15-05:30", 0, 951827415},
	{"2099-12-31T23:59:59Z", 0, 4102444799},
	{"9999-12-31T23:59:59Z", 0, 253402300799},
	{"2001-02-29T00:00:00Z", -EINVAL, 0},
	{"1900-01-01T00:00:00Z", -EINVAL, 0},
	{"1970-01-01T00:00:00+01:00", -EINVAL, 0},
	{"2000-13-01", -EINVAL, 0},
	{"2000-00-01", -EINVAL, 0},
	{"2000-01-01T24:00:00Z", -EINVAL, 0},
	{"2000-01-01T00:00:00", -EINVAL, 0},
	{"2000-01-01T00:00:00Zx", -EINVAL, 0},
	{"2000-01-01T00:00:00+2", -EINVAL, 0},
	{"now", -EINVAL, 0},
	{"", -EINVAL, 0},
};

START_TEST(when_parse_by_table)
{
	const struct time_row *row = &times[_i];
	uint64_t at = 0;
	int err = when_parse(row->text, &at);

	ck_assert_msg(err == row->err, "%s: %d", row->text, err);
	ck_assert_msg(at == row->at, "%s: %llu", row->text,
		(unsigned long long)at);
}
END_TEST

START_TEST(when_format_parse_round_trip)
{
	char text[WHEN_TEXT_SIZE];

	for (uint64_t at = 1; at < 253402300799ULL; at = at * 3 + 86399) {
		uint64_t back = 0;

		ck_assert_int_eq(when_parse(when_format(at, text), &back), 0);
		ck_assert_uint_eq(back, at);
	}
}
END_TEST

START_TEST(when_parse_from_takes_spans)
{
	uint64_t at = 0;

	ck_assert_int_eq(when_parse_from("2d", 1000, &at), 0);
	ck_assert_uint_eq(at, 1000 + 172800);
	ck_assert_int_eq(when_parse_from("90m", 0, &at), 0);
	ck_assert_uint_eq(at, 5400);
	ck_assert_int_eq(when_parse_from("2000-01-01", 5, &at), 0);
	ck_assert_uint_eq(at, 946684800);
	ck_assert_int_eq(when_parse_from("2w", 0, &at), -EINVAL);
	ck_assert_int_eq(when_parse_from("-2d", 0, &at), -EINVAL);
	ck_assert_int_eq(when_parse_from("99999999999d", 0, &at), -EINVAL);
	ck_assert_int_eq(when_parse_from("9000000000d", 0, &at), -EINVAL);
}
END_TEST

/* RFC 9562 appendix A.4: version 5 of www.example.com among DNS names. */
START_TEST(uuid_of_domain_matches_the_rfc)
{
	char text[UUID_TEXT_SIZE];
	uint8_t uuid[16];

	ck_assert_int_eq(uuid_of_domain("www.example.com", uuid), 0);
	ck_assert_str_eq(uuid_format(uuid, text),
		"2ed6657d-e927-568b-95e1-2665a8aea6a2");
}
END_TEST

START_TEST(uuid_parse_refuses_other_forms)
{
	uint8_t uuid[16];

	ck_assert_int_eq(uuid_parse("2ed6657d-e927-568b-95e1-2665a8aea6a2",
		uuid), 0);
	ck_assert_uint_eq(uuid[15], 0xa2);
	ck_assert_int_eq(uuid_parse("2ed6657de927568b95e12665a8aea6a2", uuid),
		-EINVAL);
	ck_assert_int_eq(uuid_parse("2ed6657d-e927-568b-95e1-2665a8aea6ag",
		uuid), -EINVAL);
	ck_assert_int_eq(uuid_parse("2ed6657d-e927-568b-95e12-665a8aea6a2",
		uuid), -EINVAL);
	ck_assert_int_eq(uuid_parse("", uuid), -EINVAL);
	ck_assert_int_eq(uuid_parse(NULL, uuid), -EINVAL);
}
END_TEST

static int ran;

static int run_nothing(const struct cli *cli)
{
	(void)cli;
	ran++;
	return EXIT_DONE;
}

static const struct cli_option options[] = {
	{"name", "TEXT", false, "a name"},
	{"key", "FILE", true, "a key"},
	{"flag", NULL, false, "a flag"},
	{"count", "N", false, "a count"},
	{0},
};

static const struct cli_verb one = {
	.name = "one", .args = "[A]", .args_max = 1, .summary = "One",
	.options = options, .run = run_nothing,
};

static const struct cli_verb one_two = {
	.name = "one two", .args = "", .summary = "Two",
	.options = options, .run = run_nothing,
};

static const struct cli_verb *const verbs[] = {&one_two, &one, NULL};

struct line_row {
	const char *name;
	const char *argv[8];
	int exit;
	int ran;
};

static const struct line_row lines[] = {
	{"verb", {"p", "one"}, EXIT_DONE, 1},
	{"verb of two words", {"p", "one", "two"}, EXIT_DONE, 1},
	{"argument", {"p", "one", "x"}, EXIT_DONE, 1},
	{"options", {"p", "one", "--name", "x", "--flag", "--key=a", "--key",
		"b"}, EXIT_DONE, 1},
	{"dashes end options", {"p", "one", "--", "--name"}, EXIT_DONE, 1},
	{"help", {"p", "one", "--help"}, EXIT_DONE, 0},
	{"help of all", {"p", "--help"}, EXIT_DONE, 0},
	{"version", {"p", "--version"}, EXIT_DONE, 0},
	{"no verb", {"p"}, EXIT_USAGE, 0},
	{"unknown verb", {"p", "three"}, EXIT_USAGE, 0},
	{"unknown option", {"p", "one", "--nam", "x"}, EXIT_USAGE, 0},
	{"option without value", {"p", "one", "--name"}, EXIT_USAGE, 0},
	{"flag with value", {"p", "one", "--flag=1"}, EXIT_USAGE, 0},
	{"option twice", {"p", "one", "--name=1", "--name=2"}, EXIT_USAGE, 0},
	{"argument too many", {"p", "one", "x", "y"}, EXIT_USAGE, 0},
};

START_TEST(cli_main_by_table)
{
	const struct line_row *row = &lines[_i];
	char *argv[8];
	int argc = 0;
	int code;

	while (argc < 8 && row->argv[argc]) {
		argv[argc] = strdup(row->argv[argc]);
		argc++;
	}
	ran = 0;
	code = cli_main(verbs, argc, argv);
	ck_assert_msg(code == row->exit, "%s: %d", row->name, code);
	ck_assert_msg(ran == row->ran, "%s: ran %d", row->name, ran);
	while (argc > 0)
		free(argv[--argc]);
}
END_TEST

START_TEST(cli_number_checks_range)
{
	char good[] = "--count=7", bad[] = "--count=0x7", big[] = "--count=11";
	char *argv[] = {good};
	unsigned long long n = 3;
	struct cli cli;

	ck_assert_int_eq(cli_parse(&one, 0, NULL, &cli), 0);
	ck_assert_int_eq(cli_number(&cli, "count", 1, 10, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(cli_parse(&one, 1, argv, &cli), 0);
	ck_assert_int_eq(cli_number(&cli, "count", 1, 10, &n), 0);
	ck_assert_uint_eq(n, 7);
	argv[0] = bad;
	ck_assert_int_eq(cli_parse(&one, 1, argv, &cli), 0);
	ck_assert_int_eq(cli_number(&cli, "count", 1, 10, &n), -EINVAL);
	argv[0] = big;
	ck_assert_int_eq(cli_parse(&one, 1, argv, &cli), 0);
	ck_assert_int_eq(cli_number(&cli, "count", 1, 10, &n), -EINVAL);
	ck_assert_uint_eq(n, 7);
}
END_TEST

START_TEST(conf_name_check_refuses_paths)
{
	ck_assert_int_eq(conf_name_check("class", "sensor-9.a_b"), 0);
	ck_assert_int_eq(conf_name_check("class", ""), -EINVAL);
	ck_assert_int_eq(conf_name_check("class", "../x"), -EINVAL);
	ck_assert_int_eq(conf_name_check("class", ".x"), -EINVAL);
	ck_assert_int_eq(conf_name_check("class", "a/b"), -EINVAL);
	ck_assert_int_eq(conf_name_check("class", "A"), -EINVAL);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *s = suite_create("tools.publish.text");
	TCase *c = tcase_create("text");

	if (keys_start())
		return EXIT_FAILURE;
	tcase_add_loop_test(c, when_parse_by_table, 0, ROWS(times));
	tcase_add_test(c, when_format_parse_round_trip);
	tcase_add_test(c, when_parse_from_takes_spans);
	tcase_add_test(c, uuid_of_domain_matches_the_rfc);
	tcase_add_test(c, uuid_parse_refuses_other_forms);
	tcase_add_loop_test(c, cli_main_by_table, 0, ROWS(lines));
	tcase_add_test(c, cli_number_checks_range);
	tcase_add_test(c, conf_name_check_refuses_paths);
	suite_add_tcase(s, c);
	return unit_run(s);
}

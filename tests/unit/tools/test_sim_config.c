#include "tests/unit/unit.h"

#include <unistd.h>

#include "tools/sim/config.h"

/* Reads `text` as a file; returns the result of config_load(). */
static int load(
	const char *text, struct world_setup *setup, struct fault *fault)
{
	char path[] = "/tmp/ferry-sim-conf-XXXXXX";
	int fd = mkstemp(path), err;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	err = config_load(path, setup, fault);
	unlink(path);
	return err;
}

START_TEST(load_fills_groups)
{
	struct world_setup setup = {0};
	struct fault fault = {0};
	const struct group *g;

	ck_assert_int_eq(load("dir = \"/d\"; control = \"/d/c\";\n"
			      "devices = ( { name = \"s-%03u\"; count = 200; "
			      "first = 5;\n"
			      "baud = 115200; think = \"500us\"; mode = "
			      "\"direct-xip\";\n"
			      "switches = [ \"busy=4\", \"cbor\" ]; },\n"
			      "{ transport = \"tcp\"; baud = \"line\"; boot = "
			      "40; } );\n",
				 &setup, &fault),
		0);
	ck_assert_uint_eq(setup.group_count, 2);
	ck_assert_str_eq(setup.dir, "/d");
	g = &setup.groups[0];
	ck_assert_uint_eq(g->count, 200);
	ck_assert_uint_eq(g->setup.baud, 115200);
	ck_assert_uint_eq(g->setup.think_us, 500);
	ck_assert_int_eq(g->setup.mode, BOOT_DIRECT_XIP);
	ck_assert(switch_is_on(&g->sw, SW_CBOR));
	ck_assert_uint_eq(switch_value(&g->sw, SW_BUSY), 4);
	g = &setup.groups[1];
	ck_assert_int_eq(g->transport, TRANSPORT_TCP);
	ck_assert(g->baud_of_line);
	ck_assert_uint_eq(g->setup.boot_us, 40000);
	world_setup_done(&setup);
}
END_TEST

static const struct {
	const char *text;
	const char *line; /* how the field ends */
	const char *rule; /* what the rule begins with */
} bad_rows[] = {
	{"dir = 1.5;", ":1", "is not a path"},
	{"\ncolour = \"red\";", ":2", "is not a setting"},
	{"devices = 3;", ":1", "devices must be"},
	{"devices = ( 3 );", ":1", "must be a group"},
	{"devices = ( {\n nmae = \"x\"; } );", ":2", "nmae is not a setting"},
	{"devices = ( {\n\n baud = -1; } );", ":3", "baud value"},
	{"devices = ( { mode = \"swop\"; } );", ":1", "mode value"},
	{"devices = ( { version = \"1\"; } );", ":1", "version value"},
	{"devices = ( { count = [ 1 ]; } );", ":1", "is not a short"},
	{"devices = ( { switches = \"busy\"; } );", ":1", "switches must"},
	{"devices = ( { switches = [ \"buzy\" ]; } );", ":1", "switch buzy"},
	{"devices = ( {", ":1", "syntax error"},
};

START_TEST(load_names_line_and_rule)
{
	struct world_setup setup = {0};
	struct fault fault = {0};
	const char *line = bad_rows[_i].line;

	ck_assert_int_lt(load(bad_rows[_i].text, &setup, &fault), 0);
	ck_assert_msg(
		strlen(fault.field) > strlen(line) &&
			strcmp(fault.field + strlen(fault.field) - strlen(line),
				line) == 0,
		"%s: %s %s", bad_rows[_i].text, fault.field, fault.rule);
	ck_assert_msg(strncmp(fault.rule, bad_rows[_i].rule,
			      strlen(bad_rows[_i].rule)) == 0,
		"%s: %s", bad_rows[_i].text, fault.rule);
	world_setup_done(&setup);
}
END_TEST

START_TEST(expand_patterns)
{
	static const struct {
		const char *pattern;
		uint32_t count;
		const char *want; /* of index 7; NULL: refused */
	} rows[] = {
		{"a", 1, "a"},
		{"a", 8, "a-7"},
		{"a%u", 8, "a7"},
		{"a%03ub", 8, "a007b"},
		{"a%3u", 8, "a  7"},
		{"a%s", 8, NULL},
		{"a%u%u", 8, NULL},
		{"a%", 8, NULL},
		{"a%999u", 8, NULL},
		{"a%n", 8, NULL},
	};
	char text[DEVICE_NAME_SIZE];
	struct group g;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int err;

		group_init(&g);
		g.count = rows[i].count;
		err = group_expand(&g, rows[i].pattern, 7, text, sizeof(text));
		ck_assert_msg((err == 0) == (rows[i].want != NULL), "%s",
			rows[i].pattern);
		if (!err)
			ck_assert_str_eq(text, rows[i].want);
	}
}
END_TEST

START_TEST(parse_command_line_group)
{
	struct fault fault = {0};
	struct group g;

	group_init(&g);
	ck_assert_int_eq(group_parse(&g,
				 "name=x%u,count=3,switch=busy=3,"
				 "switch=slow-erase=1500ms,hub=/h",
				 &fault),
		0);
	ck_assert_uint_eq(switch_value(&g.sw, SW_SLOW_ERASE), 1500000);
	ck_assert_str_eq(g.hub, "/h");
	ck_assert_int_lt(group_parse(&g, "name", &fault), 0);
	ck_assert_str_eq(fault.field, "name");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_config");
	TCase *c = tcase_create("config");

	tcase_add_test(c, load_fills_groups);
	tcase_add_loop_test(c, load_names_line_and_rule, 0,
		(int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_test(c, expand_patterns);
	tcase_add_test(c, parse_command_line_group);
	suite_add_tcase(s, c);
	return unit_run(s);
}

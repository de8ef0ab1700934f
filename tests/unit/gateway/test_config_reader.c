#include "tests/unit/unit.h"

#include "gateway/config/reader.h"

struct point {
	char label[8];
	int64_t x;
};

struct sample {
	char name[8];
	int64_t count;
	bool yes;
	char words[3][6];
	unsigned word_count;
	struct point origin;
	struct point points[2];
	unsigned point_count;
	struct conf_pair pairs[2];
	unsigned pair_count;
};

static const char *no_x(const char *text)
{
	return strchr(text, 'x') ? "must not hold an x" : NULL;
}

static const struct conf_field point_fields[] = {
	{.name = "label", .kind = CONF_TEXT, .size = 8},
	{.name = "x", .kind = CONF_INT, .offset = offsetof(struct point, x),
		.min = -1, .max = 9, .required = true},
	{.name = NULL},
};

/* A group inside a group counts offsets from the same base. */
static const struct conf_field origin_fields[] = {
	{.name = "x", .kind = CONF_INT,
		.offset = offsetof(struct sample, origin.x), .max = 9},
	{.name = NULL},
};

static const struct conf_field fields[] = {
	{.name = "name", .kind = CONF_TEXT, .size = 8, .rule = no_x,
		.required = true},
	{.name = "count", .kind = CONF_INT,
		.offset = offsetof(struct sample, count), .min = 1, .max = 5},
	{.name = "yes", .kind = CONF_BOOL,
		.offset = offsetof(struct sample, yes)},
	{.name = "words", .kind = CONF_TEXTS,
		.offset = offsetof(struct sample, words), .size = 6,
		.max_count = 3,
		.count_offset = offsetof(struct sample, word_count)},
	{.name = "origin", .kind = CONF_GROUP, .group = origin_fields},
	{.name = "points", .kind = CONF_GROUPS,
		.offset = offsetof(struct sample, points),
		.size = sizeof(struct point), .group = point_fields,
		.max_count = 2,
		.count_offset = offsetof(struct sample, point_count)},
	{.name = "pairs", .kind = CONF_PAIRS,
		.offset = offsetof(struct sample, pairs), .max_count = 2,
		.count_offset = offsetof(struct sample, pair_count)},
	{.name = NULL},
};

START_TEST(read_fills_every_kind)
{
	struct sample s = {0};
	struct conf_problem p = {0};

	ck_assert_int_eq(conf_read_text(
		"name = \"lamp\"; count = 3; yes = true;\n"
		"words = [ \"a\", \"bc\" ]; origin = { x = 7; };\n"
		"points = ( { x = 1; label = \"p\"; }, { x = 2; } );\n"
		"pairs = { baud = 115200; port = \"/dev/x\"; };\n", "f", fields,
		&s, &p), 0);
	ck_assert_str_eq(s.name, "lamp");
	ck_assert_int_eq(s.count, 3);
	ck_assert(s.yes);
	ck_assert_uint_eq(s.word_count, 2);
	ck_assert_str_eq(s.words[1], "bc");
	ck_assert_int_eq(s.origin.x, 7);
	ck_assert_uint_eq(s.point_count, 2);
	ck_assert_str_eq(s.points[0].label, "p");
	ck_assert_int_eq(s.points[1].x, 2);
	ck_assert_uint_eq(s.pair_count, 2);
	ck_assert_str_eq(s.pairs[0].key, "baud");
	ck_assert_str_eq(s.pairs[0].value, "115200");
}
END_TEST

static const struct {
	const char *name, *text;
	int code, line;
	const char *field;
} bad[] = {
	{"syntax", "name = \"a\";\ncount = ;", ERR_CONFIG_SYNTAX, 2, "file"},
	{"unclosed group", "name = \"a\"; origin = {", ERR_CONFIG_SYNTAX, 1,
		"file"},
	{"twice", "name = \"a\";\nname = \"b\";", ERR_CONFIG_SYNTAX, 2, "file"},
	{"unknown", "name = \"a\";\n\nnmae = 1;", ERR_CONFIG_UNKNOWN, 3,
		"nmae"},
	{"missing", "count = 1;", ERR_CONFIG_MISSING, 0, "name"},
	{"type of text", "name = 1;", ERR_CONFIG_TYPE, 1, "name"},
	{"type of int", "name = \"a\"; count = 1.5;", ERR_CONFIG_TYPE, 1,
		"count"},
	{"int as text", "name = \"a\"; count = \"1\";", ERR_CONFIG_TYPE, 1,
		"count"},
	{"range", "name = \"a\"; count = 6;", ERR_CONFIG_RANGE, 1, "count"},
	{"64 bit range", "name = \"a\"; count = 5000000000L;",
		ERR_CONFIG_RANGE, 1, "count"},
	{"long text", "name = \"12345678\";", ERR_CONFIG_RANGE, 1, "name"},
	{"rule", "name = \"ax\";", ERR_CONFIG_VALUE, 1, "name"},
	{"bool", "name = \"a\"; yes = 1;", ERR_CONFIG_TYPE, 1, "yes"},
	{"too many words",
		"name = \"a\"; words = [\"a\", \"b\", \"c\", \"d\"];",
		ERR_CONFIG_RANGE, 1, "words"},
	{"word too long", "name = \"a\"; words = [\"123456\"];",
		ERR_CONFIG_RANGE, 1, "list element"},
	{"group as int", "name = \"a\"; origin = 1;", ERR_CONFIG_TYPE, 1,
		"origin"},
	{"unknown in group", "name = \"a\"; origin = { y = 1; };",
		ERR_CONFIG_UNKNOWN, 1, "y"},
	{"missing in list", "name = \"a\"; points = ( { label = \"p\"; } );",
		ERR_CONFIG_MISSING, 1, "x"},
	{"list of ints", "name = \"a\"; points = ( 1 );", ERR_CONFIG_TYPE, 1,
		"list element"},
	{"too many points", "name = \"a\"; points = ( {x=1;},{x=1;},{x=1;} );",
		ERR_CONFIG_RANGE, 1, "points"},
	{"pair of a list", "name = \"a\"; pairs = { a = [1]; };",
		ERR_CONFIG_TYPE, 1, "a"},
	{"too many pairs", "name = \"a\"; pairs = { a = 1; b = 1; c = 1; };",
		ERR_CONFIG_RANGE, 1, "pairs"},
	{"include", "name = \"a\";\n@include \"/etc/passwd\"\n",
		ERR_CONFIG_SYNTAX, 2, "file"},
};

START_TEST(read_bad_names_field_and_line)
{
	struct sample s = {0};
	struct conf_problem p = {0};
	int err = conf_read_text(bad[_i].text, "f", fields, &s, &p);

	ck_assert_msg(err == bad[_i].code, "%s: %s (%s)", bad[_i].name,
		err_name(err), p.fault.rule);
	ck_assert_msg(p.line == bad[_i].line, "%s: line %d", bad[_i].name,
		p.line);
	ck_assert_msg(!strcmp(p.fault.field, bad[_i].field), "%s: field %s",
		bad[_i].name, p.fault.field);
	ck_assert_str_eq(p.file, "f");
}
END_TEST

#define SOME "a = 1;\n\ng = {\n\tb = 2;\n\th = { c = 3;\n} ; };\n" \
	"l = (\n{ d = 4; },\n{ d = 5; } );\n"

static const struct {
	const char *text;
	const char *path;
	int line;
} places[] = {
	{SOME, "a", 1}, {SOME, "g", 3}, {SOME, "g.b", 4}, {SOME, "g.h.c", 5},
	/* The innermost that there is. */
	{SOME, "g.x", 3}, {SOME, "a.x", 1}, {SOME, "g.b.x", 4},
	{SOME, "l[1].d", 7}, {SOME, "l", 7}, {SOME, "x", 0}, {SOME, "", 0},
	{SOME, ".", 0}, {SOME, "[", 0}, {SOME, "g.", 3}, {SOME, "g[", 3},
	{"a = ;", "a", 0}, {"a = 1;\n@include \"b\"", "a", 0},
};

START_TEST(line_of_a_path)
{
	ck_assert_msg(conf_text_line(places[_i].text, places[_i].path) ==
		places[_i].line, "\"%s\": %d", places[_i].path,
		conf_text_line(places[_i].text, places[_i].path));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gateway.config_reader");
	TCase *c = tcase_create("reader");

	tcase_add_test(c, read_fills_every_kind);
	tcase_add_loop_test(c, read_bad_names_field_and_line, 0,
		(int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_loop_test(c, line_of_a_path, 0,
		(int)(sizeof(places) / sizeof(places[0])));
	suite_add_tcase(s, c);
	return unit_run(s);
}

#include "tests/unit/unit.h"

#include <errno.h>

#include "gateway/admin/access.h"

#define OWN 990

static const struct admin_rule rules[] = {
	{ADMIN_ROLE_VIEWER, true, 100},
	{ADMIN_ROLE_OPERATOR, false, 1001},
	{ADMIN_ROLE_VIEWER, false, 1001},
	{ADMIN_ROLE_ADMIN, true, 27},
};

struct row {
	const char *name;
	uid_t uid;
	gid_t gid;
	gid_t groups[3];
	size_t group_count;
	enum admin_role want;
};

static const struct row rows[] = {
	{"root", 0, 0, {0}, 0, ADMIN_ROLE_ADMIN},
	{"ferryd itself", OWN, OWN, {0}, 0, ADMIN_ROLE_ADMIN},
	{"stranger", 1000, 1000, {0}, 0, ADMIN_ROLE_NONE},
	{"uid that equals a gid of a rule", 27, 1000, {0}, 0, ADMIN_ROLE_NONE},
	{"gid that equals a uid of a rule", 1000, 1001, {0}, 0,
		ADMIN_ROLE_NONE},
	{"gid 0 is nobody special", 1000, 0, {0}, 0, ADMIN_ROLE_NONE},
	{"by primary group", 1000, 100, {0}, 0, ADMIN_ROLE_VIEWER},
	{"by user, the highest wins", 1001, 1001, {0}, 0, ADMIN_ROLE_OPERATOR},
	{"by supplementary group", 1000, 1000, {5, 27, 100}, 3,
		ADMIN_ROLE_ADMIN},
	{"by last supplementary group", 1000, 1000, {5, 6, 100}, 3,
		ADMIN_ROLE_VIEWER},
};

START_TEST(role_by_table)
{
	const struct row *row = &rows[_i];
	const struct access_user user = {row->uid, row->gid, row->groups,
		row->group_count};
	enum admin_role got = access_role(&user, OWN, rules,
		sizeof(rules) / sizeof(*rules));

	ck_assert_msg(got == row->want, "%s: %s", row->name,
		admin_role_name(got));
}
END_TEST

START_TEST(rule_parse_reads_users_and_groups)
{
	struct admin_rule rule;

	ck_assert_int_eq(admin_rule_parse("1000", ADMIN_ROLE_VIEWER, &rule,
		NULL), 0);
	ck_assert(!rule.is_group && rule.id == 1000);
	ck_assert_int_eq(rule.role, ADMIN_ROLE_VIEWER);
	ck_assert_int_eq(admin_rule_parse("@50", ADMIN_ROLE_ADMIN, &rule,
		NULL), 0);
	ck_assert(rule.is_group && rule.id == 50);
	ck_assert_int_eq(admin_rule_parse("root", ADMIN_ROLE_ADMIN, &rule,
		NULL), 0);
	ck_assert(!rule.is_group && rule.id == 0);
	ck_assert_int_eq(admin_rule_parse("@root", ADMIN_ROLE_ADMIN, &rule,
		NULL), 0);
	ck_assert(rule.is_group && rule.id == 0);
}
END_TEST

START_TEST(rule_parse_unknown_name_says_which)
{
	struct admin_rule rule = {.id = 7};
	struct fault fault = {0};

	ck_assert_int_eq(admin_rule_parse("@no-such\n", ADMIN_ROLE_OPERATOR,
		&rule, &fault), -ENOENT);
	ck_assert_str_eq(fault.field, "operator");
	ck_assert_str_eq(fault.rule,
		"names the unknown group 'no-such\\x0a'");
	ck_assert_uint_eq(rule.id, 7);
	ck_assert_int_lt(admin_rule_parse("4294967295", ADMIN_ROLE_ADMIN,
		&rule, NULL), 0);
	ck_assert_int_lt(admin_rule_parse("", ADMIN_ROLE_ADMIN, &rule, NULL),
		0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admin.access");
	TCase *c = tcase_create("access");

	tcase_add_loop_test(c, role_by_table, 0,
		(int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(c, rule_parse_reads_users_and_groups);
	tcase_add_test(c, rule_parse_unknown_name_says_which);
	suite_add_tcase(s, c);
	return unit_run(s);
}

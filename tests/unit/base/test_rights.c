#include "base/rights.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char folder[] = "/tmp/ferry-rights-XXXXXX";

static void setup(void)
{
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* ---- secrets ---- */

static const struct {
	const char *name;
	struct stat st;
	mode_t refused;
	int err;
} secrets[] = {
	{"closed", {.st_mode = S_IFREG | 0600}, 077, 0},
	{"only_readable", {.st_mode = S_IFREG | 0400}, 077, 0},
	{"readable_by_its_group", {.st_mode = S_IFREG | 0640}, 077,
		ERR_KEYS_PERMISSION},
	{"readable_by_its_group_where_it_may", {.st_mode = S_IFREG | 0640},
		027, 0},
	{"writable_by_its_group", {.st_mode = S_IFREG | 0620}, 027,
		ERR_KEYS_PERMISSION},
	{"readable_by_all", {.st_mode = S_IFREG | 0604}, 077,
		ERR_KEYS_PERMISSION},
	{"of_somebody_else", {.st_mode = S_IFREG | 0600, .st_uid = 65533},
		077, ERR_KEYS_PERMISSION},
	{"a_folder", {.st_mode = S_IFDIR | 0700}, 077, ERR_KEYS_PERMISSION},
};

START_TEST(rights_check_secret_of_each_file)
{
	struct fault fault = {0};
	int err = rights_check_secret(&secrets[_i].st, secrets[_i].refused,
		"key", &fault);

	ck_assert_msg(err == secrets[_i].err, "%s: %d", secrets[_i].name, err);
	ck_assert_str_eq(fault.field, err ? "key" : "");
}
END_TEST

/* ---- ways ---- */

static int check(const char *rest, struct fault *fault)
{
	char path[PATH_MAX];

	memset(fault, 0, sizeof(*fault));
	snprintf(path, sizeof(path), "%s%s", folder, rest);
	return rights_check_way(path, ERR_CONFIG_VALUE, "folder", fault);
}

static void make(const char *name, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void link_to(const char *target, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_int_eq(symlink(target, path), 0);
}

static const struct {
	const char *name;
	mode_t above;
	int err;
} ways[] = {
	{"own", 0700, 0},
	{"all_enter", 0755, 0},
	{"group_writes", 0770, ERR_CONFIG_VALUE},
	{"all_write", 0707, ERR_CONFIG_VALUE},
	{"all_write_and_it_is_sticky", 01777, 0},
};

START_TEST(rights_check_way_below_a_folder_of_each_mode)
{
	struct fault fault;
	int err;

	make("above", ways[_i].above);
	make("above/mine", 0700);
	make("above/mine/deep", 0777);
	err = check("/above/mine/deep", &fault);
	ck_assert_msg(err == ways[_i].err, "%s: %d %s", ways[_i].name, err,
		fault.rule);
	ck_assert(!err || strstr(fault.rule, "/above"));
	ck_assert(!err || !strstr(fault.rule, "/mine"));
}
END_TEST

START_TEST(rights_check_way_entry_of_somebody_else_is_refused)
{
	struct fault fault;
	char path[PATH_MAX];

	if (geteuid())
		return; /* only root can give a folder away */
	make("sticky", 01777);
	make("sticky/theirs", 0700);
	snprintf(path, sizeof(path), "%s/sticky/theirs", folder);
	ck_assert_int_eq(chown(path, 65533, 65533), 0);
	ck_assert_int_eq(check("/sticky/theirs/x", &fault), ERR_CONFIG_VALUE);
	ck_assert_ptr_nonnull(strstr(fault.rule, "/sticky/theirs"));
}
END_TEST

START_TEST(rights_check_way_looks_at_the_folders_between_links)
{
	struct fault fault;

	make("good", 0700);
	make("open", 0777);
	make("good/end", 0700);
	link_to("../good", "open/second");
	link_to("open/second", "first");
	ck_assert_int_eq(check("/first/end", &fault), ERR_CONFIG_VALUE);
	ck_assert_ptr_nonnull(strstr(fault.rule, "/open"));
	link_to("good/../good/./end", "direct");
	ck_assert_int_eq(check("/direct", &fault), 0);
}
END_TEST

START_TEST(rights_check_way_endless_links_are_refused)
{
	struct fault fault;

	link_to("b", "a");
	link_to("a", "b");
	ck_assert_int_eq(check("/a/x", &fault), ERR_CONFIG_VALUE);
	ck_assert_ptr_nonnull(strstr(fault.rule, "cannot be followed"));
}
END_TEST

START_TEST(rights_check_way_missing_folder_is_named)
{
	struct fault fault;

	ck_assert_int_eq(check("/nothing/x", &fault), ERR_CONFIG_VALUE);
	ck_assert_ptr_nonnull(strstr(fault.rule, "/nothing"));
}
END_TEST

/* ---- keys ---- */

START_TEST(rights_refused_for_key_is_wider_for_a_credential_of_the_unit)
{
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "/run/c/x", 1), 0);
	ck_assert_uint_eq(rights_refused_for_key("/run/c/x/key"), 037);
	ck_assert_uint_eq(rights_refused_for_key("/run/c/xy/key"), 077);
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	ck_assert_uint_eq(rights_refused_for_key("/run/c/x/key"), 077);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rights");
	TCase *tc = tcase_create("rights");

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, rights_check_secret_of_each_file, 0,
		ROWS(secrets));
	tcase_add_loop_test(tc, rights_check_way_below_a_folder_of_each_mode, 0,
		ROWS(ways));
	tcase_add_test(tc, rights_check_way_entry_of_somebody_else_is_refused);
	tcase_add_test(tc, rights_check_way_looks_at_the_folders_between_links);
	tcase_add_test(tc, rights_check_way_endless_links_are_refused);
	tcase_add_test(tc, rights_check_way_missing_folder_is_named);
	tcase_add_test(tc,
		rights_refused_for_key_is_wider_for_a_credential_of_the_unit);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

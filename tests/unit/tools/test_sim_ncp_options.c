#include "tests/unit/unit.h"

#include <errno.h>

#include "tools/sim/zigbee/ncp_options.h"

#define UNTOUCHED 77u

static const struct {
	const char *text;
	int result;
	uint32_t version, limit, early;
} rows[] = {
	{NULL, 0, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"", 0, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{" , ", 0, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"version=8", 0, 8, UNTOUCHED, UNTOUCHED},
	{"version=19 limit=0xffffffff,refusal=early", 0, 19, UINT32_MAX, 1},
	{"limit=010", 0, UNTOUCHED, 10, UNTOUCHED},
	{"limit=0", 0, UNTOUCHED, 0, UNTOUCHED},
	{"version=7", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"version=20", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"version=", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"version", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"version=13x", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"version=+13", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"version=0x", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"limit=0x100000000", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"limit=4294967296", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"limit=00000000000000000001", -EINVAL, UNTOUCHED, UNTOUCHED,
		UNTOUCHED},
	{"refusal=late", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"versions=9", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
	{"colour=red", -EINVAL, UNTOUCHED, UNTOUCHED, UNTOUCHED},
};

START_TEST(ncp_options_read_by_row_is_judged)
{
	uint32_t version = UNTOUCHED, limit = UNTOUCHED, early = UNTOUCHED;
	const struct ncp_option options[] = {
		{"version", 8, 19, &version, NULL},
		{"limit", 0, UINT32_MAX, &limit, NULL},
		{"refusal", 0, 0, &early, "early"},
	};
	const char *text = rows[_i].text;

	ck_assert_msg(ncp_options_read(text, options, 3) == rows[_i].result,
		"%s", text);
	ck_assert_msg(version == rows[_i].version, "%s: %u", text, version);
	ck_assert_msg(limit == rows[_i].limit, "%s: %u", text, limit);
	ck_assert_msg(early == rows[_i].early, "%s: %u", text, early);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_ncp_options");
	TCase *c = tcase_create("options");

	tcase_add_loop_test(c, ncp_options_read_by_row_is_judged, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(s, c);
	return unit_run(s);
}

/* What an entry of a catalog has to do with a device. */
#include "gateway/daemon/match.h"

#include "tests/unit/unit.h"

static const struct {
	const char *text;
	bool is_known;
	uint64_t value;
} revisions[] = {
	{"", false, 0},
	{"0", true, 0},
	{"17", true, 17},
	{"0x1F", true, 31},
	{"0x", false, 0},
	{"17b", false, 0},
	{"-1", false, 0},
	{" 1", false, 0},
	{"rev 2", false, 0},
	{"99999999999999999999", false, 0},
};

START_TEST(match_hardware_takes_numbers_alone)
{
	struct device d = {0};
	uint64_t value = 0;

	snprintf(d.hw_revision, sizeof(d.hw_revision), "%s",
		revisions[_i].text);
	ck_assert_msg(match_hardware(&d, &value) == revisions[_i].is_known,
		"%s", revisions[_i].text);
	ck_assert_msg(value == revisions[_i].value, "%s", revisions[_i].text);
}
END_TEST

static const struct {
	const char *name, *revision;
	bool has_range, fits;
} ranges[] = {
	{"no range, unknown", "", false, true},
	{"no range, known", "9", false, true},
	{"range, unknown", "", true, false},
	{"below", "3", true, false},
	{"first", "4", true, true},
	{"last", "6", true, true},
	{"above", "7", true, false},
};

START_TEST(match_range_has_both_ends_in_it)
{
	struct catalog_entry e = {.has_hardware = ranges[_i].has_range,
		.hardware_min = 4, .hardware_max = 6};
	struct device d = {0};

	snprintf(d.hw_revision, sizeof(d.hw_revision), "%s",
		ranges[_i].revision);
	ck_assert_msg(match_range(&e, &d) == ranges[_i].fits, "%s",
		ranges[_i].name);
}
END_TEST

static const struct {
	const char *name, *version, *hash;
	const char *expect_version, *expect_digest;
	bool runs;
} running[] = {
	{"nothing known", "", "", "1.2", "ab", false},
	{"nothing expected", "1.2", "ab", NULL, NULL, false},
	{"version alone", "1.2", "", "1.2", NULL, true},
	{"other version", "1.3", "", "1.2", NULL, false},
	{"digest alone", "", "ab", NULL, "ab", true},
	{"digest rules over version", "1.2", "cd", "1.2", "ab", false},
	{"version where no digest was read", "1.2", "", "1.2", "ab", true},
};

START_TEST(match_running_goes_by_digest_else_by_version)
{
	struct catalog_entry e = {0};
	struct device d = {0};

	snprintf(d.version, sizeof(d.version), "%s", running[_i].version);
	d.hash_len = (uint8_t)strlen(running[_i].hash);
	memcpy(d.hash, running[_i].hash, d.hash_len);
	if (running[_i].expect_version)
		e.expect_version = bytes_of_text(running[_i].expect_version);
	if (running[_i].expect_digest)
		e.expect_digest = bytes_of_text(running[_i].expect_digest);
	ck_assert_msg(match_running(&e, &d) == running[_i].runs, "%s",
		running[_i].name);
}
END_TEST

START_TEST(match_class_wants_vendor_and_class)
{
	static const uint8_t seven[16] = {7}, eight[16] = {8};
	struct catalog_entry e = {.vendor_id = bytes_of(seven, 16),
		.class_id = bytes_of(eight, 16)};
	struct device_class c = {.vendor_id = {7}, .class_id = {8}};

	ck_assert(match_class(&e, &c));
	c.class_id[0] = 7;
	ck_assert(!match_class(&e, &c));
	c.class_id[0] = 8;
	c.vendor_id[0] = 8;
	ck_assert(!match_class(&e, &c));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("entry_match");
	TCase *c = tcase_create("entry_match");

	tcase_add_loop_test(c, match_hardware_takes_numbers_alone, 0,
		sizeof(revisions) / sizeof(*revisions));
	tcase_add_loop_test(c, match_range_has_both_ends_in_it, 0,
		sizeof(ranges) / sizeof(*ranges));
	tcase_add_loop_test(c, match_running_goes_by_digest_else_by_version, 0,
		sizeof(running) / sizeof(*running));
	tcase_add_test(c, match_class_wants_vendor_and_class);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

#include "tests/unit/gateway/config_test.h"

#include <errno.h>
#include <unistd.h>

#include "gateway/config/network.h"

/* Links whose devices share one engine: the group `network` of links.d. */

#define ZIGBEE "driver = \"zigbee\"; params = { stack = \"znp\"; " \
	"port = \"/dev/ttyUSB0\"; };\n"
#define SERIAL "driver = \"serial\"; params = { port = \"/dev/ttyS0\"; };\n"
#define CLASS "vendor = \"acme\"; vendor_id = \"6ba7b810-9dad-11d1-80b4-" \
	"00c04fd430c8\"; class_id = \"6ba7b811-9dad-11d1-80b4-00c04fd430c8\";" \
	"\nengine = \"zigbee-ota\";\n" \
	"components = ( { id = \"app\"; slot = 0; } );\n"

static char quirks[300];

static void setup(void)
{
	config_setup();
	put("vendors.d/acme.conf", "root = \"/etc/r.cose\"; vendor_ids = "
		"[\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"];\n"
		"link = { url = \"https://v.example/\"; ca = \"/ca.pem\"; };");
	snprintf(quirks, sizeof(quirks), "%s/quirks.txt", folder);
}

static int load_link(const char *text)
{
	put("links.d/hub.conf", text);
	return config_load(folder, &config, &problem);
}

static const struct config_network *network(void)
{
	ck_assert_uint_eq(config->link_count, 1);
	return config->links[0].network;
}

START_TEST(test_serial_link_has_no_network)
{
	ck_assert_int_eq(load_link(SERIAL), 0);
	ck_assert_ptr_null(network());
}
END_TEST

START_TEST(test_zigbee_link_has_one_without_being_asked)
{
	ck_assert_int_eq(load_link(ZIGBEE), 0);
	ck_assert_ptr_nonnull(network());
	ck_assert_str_eq(network()->engine, "zigbee-ota");
	ck_assert_str_eq(network()->options, "");
	ck_assert_uint_eq(network()->budget_pct, 35);
	ck_assert_ptr_null(network()->quirks);
}
END_TEST

START_TEST(test_two_links_of_one_coordinator_are_refused)
{
	put("links.d/attic.conf", ZIGBEE);
	ck_assert_int_eq(load_link(ZIGBEE), ERR_CONFIG_TWICE);
	ck_assert_str_eq(problem.fault.field, "port");
	ck_assert_ptr_nonnull(strstr(problem.fault.rule,
		"link 'attic'"));
	ck_assert_ptr_nonnull(strstr(problem.file, "links.d/hub.conf"));
}
END_TEST

START_TEST(test_budget_is_taken_out_of_the_options)
{
	ck_assert_int_eq(load_link(ZIGBEE "network = { options = "
		"\"concurrent=2  budget=20 block=40\"; };"), 0);
	ck_assert_str_eq(network()->options, "concurrent=2 block=40");
	ck_assert_uint_eq(network()->budget_pct, 20);
}
END_TEST

START_TEST(test_budget_off_is_no_limit)
{
	ck_assert_int_eq(load_link(ZIGBEE "network = { options = "
		"\"budget=off\"; };"), 0);
	ck_assert_uint_eq(network()->budget_pct, 0);
}
END_TEST

START_TEST(test_quirks_are_read_and_kept)
{
	static const char rows[] = "manufacturer=0x1021 : block_max=64\n";
	char link[400];

	put("quirks.txt", rows);
	snprintf(link, sizeof(link), ZIGBEE "network = { quirks = \"%s\"; };",
		quirks);
	ck_assert_int_eq(load_link(link), 0);
	ck_assert_uint_eq(network()->quirks_len, sizeof(rows) - 1);
	ck_assert_mem_eq(network()->quirks, rows, sizeof(rows) - 1);
}
END_TEST

START_TEST(test_wrong_quirks_are_named_with_their_line)
{
	char link[400];

	put("quirks.txt", "# mine\nmanufacturer=0x1021 : block_most=64\n");
	snprintf(link, sizeof(link), ZIGBEE "network = { quirks = \"%s\"; };",
		quirks);
	ck_assert_int_eq(load_link(link), ERR_QUIRKS_WORD);
	ck_assert_str_eq(problem.file, quirks);
	ck_assert_int_eq(problem.line, 2);
	ck_assert_str_eq(problem.fault.field, "block_most");
}
END_TEST

START_TEST(test_absent_quirks_are_an_error)
{
	char link[400];

	snprintf(link, sizeof(link), ZIGBEE "network = { quirks = \"%s\"; };",
		quirks);
	ck_assert_int_eq(load_link(link), -ENOENT);
	ck_assert_str_eq(problem.fault.field, "network.quirks");
}
END_TEST

START_TEST(test_too_many_quirks_are_an_error)
{
	char link[400];
	FILE *file = fopen(quirks, "w");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 70000; i++)
		fputc('#', file);
	fclose(file);
	snprintf(link, sizeof(link), ZIGBEE "network = { quirks = \"%s\"; };",
		quirks);
	ck_assert_int_eq(load_link(link), ERR_TOO_LARGE);
}
END_TEST

static const struct wrong {
	const char *text;
	int code;
	const char *field;
	const char *rule;
} wrongs[] = {
	{ZIGBEE "network = { options = \"budget=0\"; };", ERR_CONFIG_VALUE,
		"network.options", "1 to 100"},
	{ZIGBEE "network = { options = \"budget=101\"; };", ERR_CONFIG_VALUE,
		"network.options", "1 to 100"},
	{ZIGBEE "network = { options = \"budget=ten\"; };", ERR_CONFIG_VALUE,
		"network.options", "off"},
	{ZIGBEE "network = { options = \"budget=\"; };", ERR_CONFIG_VALUE,
		"network.options", "off"},
	{ZIGBEE "network = { options = \"sails=3\"; };", 0, "network.options",
		"sails"},
	{ZIGBEE "network = { engine = \"smp\"; };", ERR_ENGINE_UNKNOWN,
		"network.engine", "'smp'"},
	{ZIGBEE "network = { engine = \"none\"; };", ERR_ENGINE_UNKNOWN,
		"network.engine", "'none'"},
	{ZIGBEE "network = { quirks = \"quirks.txt\"; };", ERR_CONFIG_VALUE,
		"quirks", "absolute"},
	{ZIGBEE "network = { quirk = \"/q\"; };", ERR_CONFIG_UNKNOWN, "quirk",
		""},
	{SERIAL "network = { options = \"budget=10\"; };", ERR_CONFIG_MISSING,
		"network.engine", "must be set"},
};

START_TEST(test_wrong_network_is_named_with_field_and_rule)
{
	const struct wrong *row = &wrongs[_i];
	int err = load_link(row->text);

	ck_assert_msg(row->code ? err == row->code : err < 0,
		"%s: %d, %s: %s", row->text, err, problem.fault.field,
		problem.fault.rule);
	ck_assert_msg(!strcmp(problem.fault.field, row->field), "%s: field %s",
		row->text, problem.fault.field);
	ck_assert_msg(strstr(problem.fault.rule, row->rule) != NULL,
		"%s: rule %s", row->text, problem.fault.rule);
}
END_TEST

START_TEST(test_class_of_a_network_names_no_channel)
{
	put("classes.d/bulb.conf", CLASS);
	ck_assert_int_eq(load_link(ZIGBEE), 0);
	config_free(config);
	config = NULL;
	put("classes.d/bulb.conf", CLASS "channel = { endpoint = 1; };");
	ck_assert_int_eq(load_link(ZIGBEE), ERR_CONFIG_VALUE);
	ck_assert_str_eq(problem.fault.field, "channel");
}
END_TEST

/* Those of a class are not those of a link. */
START_TEST(test_class_options_are_checked_by_the_engine)
{
	put("classes.d/bulb.conf", CLASS "options = \"concurrent=2\";");
	ck_assert_int_lt(load_link(ZIGBEE), 0);
	ck_assert_msg(strstr(problem.fault.field, "options") != NULL, "%s",
		problem.fault.field);
}
END_TEST

START_TEST(test_differs_passes_over_quirks)
{
	struct config_network a = {.engine = "zigbee-ota", .budget_pct = 35};
	struct config_network b = a;

	b.quirks_len = 3;
	ck_assert(!network_differs(&a, &b));
	b.budget_pct = 30;
	ck_assert(network_differs(&a, &b));
	ck_assert(network_differs(&a, NULL));
	ck_assert(!network_differs(NULL, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_network");
	TCase *c = tcase_create("network");

	tcase_add_checked_fixture(c, setup, config_teardown);
	tcase_add_test(c, test_serial_link_has_no_network);
	tcase_add_test(c, test_zigbee_link_has_one_without_being_asked);
	tcase_add_test(c, test_two_links_of_one_coordinator_are_refused);
	tcase_add_test(c, test_budget_is_taken_out_of_the_options);
	tcase_add_test(c, test_budget_off_is_no_limit);
	tcase_add_test(c, test_quirks_are_read_and_kept);
	tcase_add_test(c, test_wrong_quirks_are_named_with_their_line);
	tcase_add_test(c, test_absent_quirks_are_an_error);
	tcase_add_test(c, test_too_many_quirks_are_an_error);
	tcase_add_loop_test(c, test_wrong_network_is_named_with_field_and_rule,
		0, (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(c, test_class_of_a_network_names_no_channel);
	tcase_add_test(c, test_class_options_are_checked_by_the_engine);
	tcase_add_test(c, test_differs_passes_over_quirks);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

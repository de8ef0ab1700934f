#include "tests/unit/gateway/config_test.h"

#include <errno.h>
#include <unistd.h>

#define VENDOR_ID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define OTHER_ID "6ba7b810-9dad-11d1-80b4-00c04fd430c9"
#define CLASS_ID "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

#define VENDOR(ids) "root = \"/etc/r.cose\"; vendor_ids = [\"" ids "\"];\n" \
	"link = { url = \"https://v.example/\"; ca = \"/ca.pem\"; };\n"
#define CLASS "vendor = \"acme\"; vendor_id = \"" VENDOR_ID "\"; class_id = \"" \
	CLASS_ID "\";\nengine = \"smp\"; options = \"framing=console\";\n" \
	"components = ( { id = \"app\"; slot = 0; } );\n"
#define LINK "driver = \"serial\"; params = { port = \"/dev/ttyS0\"; };\n"

static void setup(void)
{
	config_setup();
	put("vendors.d/acme.conf", VENDOR(VENDOR_ID));
	put("classes.d/lamp.conf", CLASS);
	put("links.d/bus.conf", LINK);
}

static int load(void)
{
	return config_load(folder, &config, &problem);
}

START_TEST(test_load_good_folder_gives_all_of_it)
{
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(config->vendor_count, 1);
	ck_assert_uint_eq(config->class_count, 1);
	ck_assert_uint_eq(config->link_count, 1);
	ck_assert_str_eq(config->vendors[0].name, "acme");
	ck_assert_str_eq(config->classes[0].device.name, "lamp");
	ck_assert_str_eq(config->links[0].name, "bus");
	ck_assert_str_eq(config->links[0].params[0].value, "/dev/ttyS0");
	ck_assert_ptr_eq(config_class_find(config, "lamp"),
		&config->classes[0]);
	ck_assert_ptr_null(config_link_find(config, "lamp"));
	ck_assert_int_eq(config->vendors[0].revocation_off, false);
	ck_assert_int_eq(config->vendors[0].signers, REVOCATION_REQUIRE);
	ck_assert_int_eq(config->vendors[0].server, REVOCATION_REQUIRE);
	ck_assert_str_eq(config->vendors[0].link.tls_min, "1.3");
}
END_TEST

START_TEST(test_load_without_folders_is_empty)
{
	config_teardown();
	scratch_make(folder, sizeof(folder), "ferry-config");
	put("ferryd.conf", "approval = \"security-only\";");
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(config->vendor_count + config->class_count +
		config->link_count, 0);
	ck_assert_int_eq((int)config->approval, CONFIG_APPROVAL_SECURITY);
}
END_TEST

START_TEST(test_load_passes_over_other_files)
{
	put("links.d/bus.conf~", "nonsense");
	put("links.d/.hidden.conf", "nonsense");
	put("links.d/README", "nonsense");
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(config->link_count, 1);
}
END_TEST

/* One file with something wrong in it, and what is said about that. */
struct wrong {
	const char *file;
	const char *text;
	int code;
	const char *field;
	const char *rule; /* a part of it */
};

static const struct wrong wrongs[] = {
	{"ferryd.conf", "approval = \"maybe\";", ERR_CONFIG_VALUE, "approval",
		"not 'maybe'"},
	{"ferryd.conf", "state_dir = \"var\";", ERR_CONFIG_VALUE, "state_dir",
		"absolute"},
	{"ferryd.conf", "nonsense = 1;", ERR_CONFIG_UNKNOWN, "nonsense", ""},
	{"ferryd.conf", "retry = { first_s = 60; max_s = 30; };",
		ERR_CONFIG_RANGE, "retry", "first_s"},
	{"ferryd.conf", "relay = { clock = \"ntp\"; };", ERR_CONFIG_VALUE,
		"clock", "synchronised"},
	{"ferryd.conf", "log = { level = \"loud\"; };", ERR_CONFIG_VALUE,
		"level", "debug"},
	{"ferryd.conf", "admin = { mode = \"660\"; };", ERR_CONFIG_VALUE,
		"mode", "octal"},
	{"ferryd.conf", "cache = { quota_mb = 0; };", ERR_CONFIG_RANGE,
		"quota_mb", "1 to"},
	{"ferryd.conf", "a = ", ERR_CONFIG_SYNTAX, "file", ""},
	{"vendors.d/acme.conf", "root = \"/r\";", ERR_CONFIG_MISSING, "link",
		"missing"},
	{"vendors.d/acme.conf", VENDOR("nonsense"), ERR_CONFIG_VALUE,
		"vendor_ids", "not 'nonsense'"},
	{"vendors.d/acme.conf", "root = \"/r\"; link = { url = "
		"\"https://a/\"; ca = \"/c\"; };", ERR_CONFIG_MISSING,
		"vendor_ids", "at least one"},
	{"vendors.d/acme.conf", "root = \"/r\"; vendor_ids = [\"" VENDOR_ID
		"\"]; link = { url = \"http://a/\"; ca = \"/c\"; };",
		ERR_CONFIG_VALUE, "url", "https://"},
	{"vendors.d/acme.conf", "root = \"/r\"; vendor_ids = [\"" VENDOR_ID
		"\"]; link = { url = \"https://a/\"; ca = \"/c\"; "
		"certificate = \"/x\"; };", ERR_CONFIG_MISSING, "link.key",
		"together"},
	{"vendors.d/acme.conf", "root = \"/r\"; vendor_ids = [\"" VENDOR_ID
		"\"]; link = { url = \"https://a/\"; ca = \"/c\"; "
		"pins = [\"00\"]; };", ERR_CONFIG_VALUE, "", "64"},
	{"vendors.d/acme.conf", VENDOR(VENDOR_ID) "revocation = \"soft\";",
		ERR_CONFIG_VALUE, "revocation", "off"},
	{"vendors.d/acme.conf", VENDOR(VENDOR_ID) "revocation_tls = \"no\";",
		ERR_CONFIG_VALUE, "revocation_tls", "as-vendor"},
	{"vendors.d/acme.conf", VENDOR(VENDOR_ID) "revocation_max_age_s = 1;",
		ERR_CONFIG_RANGE, "revocation_max_age_s", ""},
	{"vendors.d/acme.conf", VENDOR(VENDOR_ID) "name = \"Acme!\";",
		ERR_CONFIG_VALUE, "name", "a-z"},
	{"vendors.d/acme.conf", VENDOR(VENDOR_ID) "name = \"other\";",
		ERR_CONFIG_REFERENCE, "vendor", "'acme'"},
	{"vendors.d/acme.conf", VENDOR(OTHER_ID), ERR_CONFIG_REFERENCE,
		"class_id", "may name"},
	{"vendors.d/acme.conf", VENDOR(VENDOR_ID) "class_ids = [\"" OTHER_ID
		"\"];", ERR_CONFIG_REFERENCE, "class_id", "may name"},
	{"vendors.d/zeta.conf", VENDOR(VENDOR_ID), ERR_CONFIG_TWICE,
		"class_id", "'zeta'"},
	{"vendors.d/zeta.conf", VENDOR(OTHER_ID) "name = \"acme\";",
		ERR_CONFIG_TWICE, "name", "stands twice"},
	{"classes.d/lamp.conf", CLASS "vendor = \"zeta\";", ERR_CONFIG_SYNTAX,
		"file", "duplicate"},
	{"classes.d/lamp.conf", CLASS "confirm = \"soon\";", ERR_CONFIG_VALUE,
		"confirm", "'soon'"},
	{"classes.d/lamp.conf", CLASS "reappear = \"soon\";", ERR_CONFIG_VALUE,
		"reappear", "'soon'"},
	{"classes.d/lamp.conf", CLASS "envelope = \"wax\";",
		ERR_CONFIG_VALUE, "envelope", "'wax'"},
	{"classes.d/lamp.conf", CLASS "encrypted = \"maybe\";",
		ERR_CONFIG_VALUE, "encrypted", "sealed"},
	{"classes.d/lamp.conf", CLASS "encrypted = \"open\";",
		ERR_CONFIG_MISSING, "encrypted", "decryption_keys"},
	{"classes.d/lamp.conf", CLASS "encrypted = \"open\"; "
		"envelope = \"integrated\";", ERR_CONFIG_VALUE, "encrypted",
		"integrated"},
	{"classes.d/lamp.conf", CLASS "encrypted = \"sealed\"; "
		"envelope = \"integrated\";", ERR_CONFIG_VALUE, "encrypted",
		"integrated"},
	{"vendors.d/acme.conf", VENDOR(VENDOR_ID)
		"decryption_keys = [\"key.pem\"];", ERR_CONFIG_VALUE, "",
		"pkcs11:"},
	{"classes.d/lamp.conf", CLASS "reset_line = \"dtr=2\";",
		ERR_CLASS_INVALID, "reset_line", "dtr=0"},
	{"classes.d/lamp.conf", CLASS "reset_line = \"dtr=0 100\";",
		ERR_CLASS_INVALID, "reset_line", "100ms"},
	{"classes.d/lamp.conf", CLASS "strip_signatures = true;",
		ERR_CLASS_INVALID, "strip_signatures", "envelope"},
	{"classes.d/lamp.conf", CLASS "hw_source = \"soon\";",
		ERR_CONFIG_VALUE, "hw_source", "'soon'"},
	{"classes.d/lamp.conf", CLASS "end_of_support = \"2030\";",
		ERR_CONFIG_VALUE, "end_of_support", "2030-12-31"},
	{"classes.d/lamp.conf", CLASS "approval = \"no\";", ERR_CONFIG_VALUE,
		"approval", "'no'"},
	{"classes.d/lamp.conf", CLASS "auto_enrol = true;", ERR_CLASS_INVALID,
		"auto_enrol", ""},
	{"classes.d/lamp.conf", CLASS "match = { key = \""
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"a\"; };", ERR_CONFIG_RANGE, "key", "shorter than 64"},
	{"classes.d/lamp.conf", CLASS "tiers = ( { step = 1; tier = \"+1\"; }, "
		"{ step = 1; tier = \"none\"; } );", ERR_CONFIG_TWICE, "tiers",
		"step 1"},
	{"classes.d/lamp.conf", CLASS "tiers = ( { step = 14; tier = \"+1\"; } "
		");", ERR_CONFIG_RANGE, "step", "1 to 13"},
	{"classes.d/lamp.conf", CLASS "tiers = ( { step = 1; tier = \"+4\"; } "
		");", ERR_CONFIG_VALUE, "tier", "+3"},
	{"classes.d/lamp.conf", CLASS "require_roles = [\"operators\"];",
		ERR_CONFIG_VALUE, "", "regulator"},
	{"classes.d/lamp.conf", CLASS "require_signatures = [\"rsa\"];",
		ERR_CONFIG_VALUE, "", "ed25519"},
	{"classes.d/lamp.conf", "engine = \"smp\";", ERR_CONFIG_MISSING,
		"vendor", "missing"},
	{"classes.d/zeta.conf", CLASS "name = \"lamp\";", ERR_CONFIG_TWICE,
		"name", "'lamp'"},
	{"links.d/bus.conf", "params = { };", ERR_CONFIG_MISSING, "driver",
		"missing"},
	{"links.d/bus.conf", LINK "delegate = \"zigbee2mqtt\";",
		ERR_CONFIG_VALUE, "delegate", "beside driver"},
	{"links.d/bus.conf", "delegate = \"smp\";", ERR_CONFIG_VALUE,
		"delegate", "zigbee2mqtt"},
	{"links.d/bus.conf", "delegate = \"zigbee2mqtt\"; network = { "
		"engine = \"zigbee-ota\"; };", ERR_CONFIG_VALUE, "network",
		"owns the radio"},
	{"links.d/bus.conf", "driver = \"zigbee\"; network = { engine = "
		"\"zigbee2mqtt\"; };", ERR_ENGINE_UNKNOWN, "network.engine",
		"none that"},
	{"links.d/bus.conf", "driver = 7;", ERR_CONFIG_TYPE, "driver", "text"},
	{"links.d/bus.conf", LINK "max_transfers = -1;", ERR_CONFIG_RANGE,
		"max_transfers", "0 to"},
	{"links.d/zeta.conf", LINK "name = \"bus\";", ERR_CONFIG_TWICE, "name",
		"'bus'"},
	{"links.d/UP.conf", LINK, ERR_CONFIG_VALUE, "name", "a-z"},
	{"links.d/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		".conf", LINK, ERR_CONFIG_VALUE, "name", "1 to 63"},
};

START_TEST(test_load_wrong_file_is_named_with_field_and_rule)
{
	const struct wrong *row = &wrongs[_i];
	int err;

	put(row->file, row->text);
	err = load();
	ck_assert_msg(err == row->code, "%s: %s: %d, %s: %s", row->file,
		row->text, err, problem.fault.field, problem.fault.rule);
	ck_assert_ptr_null(config);
	ck_assert_msg(!row->field[0] || !strcmp(problem.fault.field,
		row->field), "%s: field %s", row->text, problem.fault.field);
	ck_assert_msg(strstr(problem.fault.rule, row->rule) != NULL,
		"%s: rule %s", row->text, problem.fault.rule);
	ck_assert_msg(strstr(problem.file, ".conf") != NULL, "%s: file %s",
		row->text, problem.file);
}
END_TEST

START_TEST(test_load_missing_main_file_is_named)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/ferryd.conf", folder);
	unlink(path);
	ck_assert_int_eq(load(), -ENOENT);
	ck_assert_ptr_nonnull(strstr(problem.file, "ferryd.conf"));
}
END_TEST

START_TEST(test_load_unreadable_entry_is_an_error)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/links.d/dir.conf", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_lt(load(), 0);
	ck_assert_ptr_nonnull(strstr(problem.file, "dir.conf"));
}
END_TEST

START_TEST(test_may_name_follows_both_lists)
{
	uint8_t vendor_id[16], other[16], class_id[16];
	struct config_vendor *v;

	put("vendors.d/acme.conf", VENDOR(VENDOR_ID) "class_ids = [\"" CLASS_ID
		"\"];");
	ck_assert_int_eq(load(), 0);
	v = &config->vendors[0];
	ck_assert_int_eq(config_uuid_parse(VENDOR_ID, vendor_id), 0);
	ck_assert_int_eq(config_uuid_parse(OTHER_ID, other), 0);
	ck_assert_int_eq(config_uuid_parse(CLASS_ID, class_id), 0);
	ck_assert(config_vendor_may_name(v, vendor_id, class_id));
	ck_assert(!config_vendor_may_name(v, other, class_id));
	ck_assert(!config_vendor_may_name(v, vendor_id, other));
}
END_TEST

START_TEST(test_uuid_parse_wrong_forms_are_refused)
{
	static const char *const texts[] = {"", "6ba7b810",
		"6ba7b8109dad11d180b400c04fd430c8",
		"6ba7b810-9dad-11d1-80b4-00c04fd430cg",
		"6ba7b810-9dad-11d1-80b400c04fd430c8-",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c88"};
	uint8_t id[16];

	ck_assert_int_eq(config_uuid_parse(texts[_i], id), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *c = tcase_create("load");

	tcase_add_checked_fixture(c, setup, config_teardown);
	tcase_add_test(c, test_load_good_folder_gives_all_of_it);
	tcase_add_test(c, test_load_without_folders_is_empty);
	tcase_add_test(c, test_load_passes_over_other_files);
	tcase_add_loop_test(c, test_load_wrong_file_is_named_with_field_and_rule,
		0, sizeof(wrongs) / sizeof(wrongs[0]));
	tcase_add_test(c, test_load_missing_main_file_is_named);
	tcase_add_test(c, test_load_unreadable_entry_is_an_error);
	tcase_add_test(c, test_may_name_follows_both_lists);
	tcase_add_loop_test(c, test_uuid_parse_wrong_forms_are_refused, 0, 6);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

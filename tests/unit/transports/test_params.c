/* Settings of drivers: the schema, then the driver's own check(); and the names
 * of places that drivers share. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/host.h"
#include "transports/serial/serial.h"
#include "transports/sim/sim.h"
#include "transports/target.h"
#include "transports/zigbee/zigbee.h"

/* ---- a driver that does what the test says ---- */

static struct {
	int status;
	const char *key;
	char text[FERRY_TEXT_MAX + 1];
	unsigned calls;
	uint32_t scope, count;
	char seen[256]; /* "key=value " ... */
} asked;

static int check(uint32_t scope, const struct ferry_kv *kv, uint32_t count,
	const char **ret_key, char *text)
{
	asked.calls++;
	asked.scope = scope;
	asked.count = count;
	asked.seen[0] = '\0';
	for (uint32_t i = 0; i < count; i++)
		snprintf(asked.seen + strlen(asked.seen),
			sizeof(asked.seen) - strlen(asked.seen), "%s=%s ",
			kv[i].key, kv[i].value);
	if (asked.key)
		*ret_key = asked.key;
	memcpy(text, asked.text, sizeof(asked.text));
	return asked.status;
}

static const struct ferry_param schema[] = {
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_TEXT, FERRY_PARAM_REQUIRED, 0,
		"place", NULL, NULL, ""},
	{FERRY_SCOPE_INSTANCE, FERRY_TYPE_UINT, 0, 0, "speed", "1..9", "5", ""},
	{FERRY_SCOPE_INSTANCE | FERRY_SCOPE_CHANNEL, FERRY_TYPE_BOOL, 0, 0,
		"loud", NULL, "no", ""},
	{FERRY_SCOPE_SET, FERRY_TYPE_TEXT, 0, 0, "lines", NULL, NULL, ""},
};

static struct ferry_driver table;
static struct transport_driver *driver;
static struct fault fault;

static void setup(void)
{
	memset(&asked, 0, sizeof(asked));
	memset(&fault, 0, sizeof(fault));
	table = *sim_driver();
	table.params = schema;
	table.param_count = 4;
	table.param_stride = sizeof(schema[0]);
	table.check = check;
	ck_assert_int_eq(transport_driver_admit(&table, &driver, NULL), 0);
}

static void teardown(void)
{
	transport_driver_free(driver);
}

static int try(uint32_t scope, const struct ferry_kv *kv, size_t count)
{
	return transport_params_check(driver, scope, kv, count, &fault);
}

static const struct ferry_kv place[] = {{"place", "here"}, {"loud", "yes"}};

START_TEST(check_of_an_instance_sees_the_presets)
{
	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, place, 2), 0);
	ck_assert_uint_eq(asked.scope, FERRY_SCOPE_INSTANCE);
	ck_assert_str_eq(asked.seen, "place=here loud=yes speed=5 ");
}
END_TEST

START_TEST(check_of_a_channel_sees_what_was_given)
{
	ck_assert_int_eq(try(FERRY_SCOPE_CHANNEL, place + 1, 1), 0);
	ck_assert_str_eq(asked.seen, "loud=yes ");
	ck_assert_int_eq(try(FERRY_SCOPE_CHANNEL, NULL, 0), 0);
	ck_assert_uint_eq(asked.scope, FERRY_SCOPE_CHANNEL);
	ck_assert_uint_eq(asked.count, 0);
}
END_TEST

START_TEST(check_is_not_asked_of_what_the_schema_refuses)
{
	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, place + 1, 1),
		ERR_TRANSPORT_PARAMETER);
	ck_assert_str_eq(fault.field, "place");
	ck_assert_uint_eq(asked.calls, 0);
}
END_TEST

START_TEST(check_that_refuses_gives_field_and_rule)
{
	asked.status = -EINVAL;
	asked.key = "place";
	snprintf(asked.text, sizeof(asked.text), "must be\tthere");
	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, place, 2),
		ERR_TRANSPORT_PARAMETER);
	ck_assert_str_eq(fault.field, "place");
	ck_assert_str_eq(fault.rule, "must be\\x09there");
}
END_TEST

/* Whatever a foreign driver writes. */
START_TEST(check_that_says_nothing_or_too_much_is_borne)
{
	asked.status = 1;
	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, place, 2),
		ERR_TRANSPORT_PARAMETER);
	ck_assert_str_eq(fault.field, "settings");
	ck_assert_str_eq(fault.rule, "is not valid");
	memset(&fault, 0, sizeof(fault));
	memset(asked.text, 'x', sizeof(asked.text));
	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, place, 2),
		ERR_TRANSPORT_PARAMETER);
	ck_assert_uint_eq(strlen(fault.rule), sizeof(fault.rule) - 1);
}
END_TEST

START_TEST(check_without_memory_is_no_refusal)
{
	asked.status = -ENOMEM;
	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, place, 2), -ENOMEM);
	ck_assert_int_eq(fault.code, 0);
}
END_TEST

START_TEST(older_table_has_the_schema_only)
{
	transport_driver_free(driver);
	table.size = offsetof(struct ferry_driver, attributes);
	ck_assert_int_eq(transport_driver_admit(&table, &driver, NULL), 0);
	asked.status = -EINVAL;
	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, place, 2), 0);
	ck_assert_uint_eq(asked.calls, 0);
	ck_assert_ptr_null(transport_driver_table(driver)->attributes);
}
END_TEST

START_TEST(unknown_setting_names_the_nearest)
{
	const struct ferry_kv kv = {"palce", "here"};

	ck_assert_int_eq(try(FERRY_SCOPE_INSTANCE, &kv, 1),
		ERR_TRANSPORT_PARAMETER);
	ck_assert_str_eq(fault.field, "palce");
	ck_assert_str_eq(fault.rule,
		"is not known to driver sim; did you mean 'place'?");
}
END_TEST

/* ---- the drivers that are built in ---- */

static const struct own {
	const struct ferry_driver *(*table)(void);
	uint32_t scope;
	struct ferry_kv kv[4];
	const char *key; /* at fault; NULL: good */
} own[] = {
	{serial_driver, FERRY_SCOPE_INSTANCE, {{"port", "/dev/x"}}, NULL},
	{serial_driver, FERRY_SCOPE_INSTANCE, {{"port", "x"}}, "port"},
	{serial_driver, FERRY_SCOPE_INSTANCE,
		{{"port", "/dev/x"}, {"open_lines", "dtr=0 100"}},
		"open_lines"},
	{serial_driver, FERRY_SCOPE_CHANNEL, {{"baud", "9600"}}, NULL},
	{serial_driver, FERRY_SCOPE_SET, {{"lines", "dtr=0 5ms"}}, NULL},
	{serial_driver, FERRY_SCOPE_SET, {{"lines", "dtr=0 dtr=1"}}, "lines"},
	{serial_driver, FERRY_SCOPE_SET, {{"dtr", "0"}, {"dtr", "1"}}, "dtr"},
	{sim_driver, FERRY_SCOPE_INSTANCE, {{"path", "/s"}}, NULL},
	{zigbee_driver, FERRY_SCOPE_INSTANCE,
		{{"port", "/s"}, {"stack", "zcl-socket"}}, NULL},
	{zigbee_driver, FERRY_SCOPE_INSTANCE,
		{{"port", "s"}, {"stack", "zcl-socket"}}, "port"},
	{zigbee_driver, FERRY_SCOPE_INSTANCE,
		{{"port", "/d"}, {"stack", "znp"}, {"pan", "0x"}}, "pan"},
	{zigbee_driver, FERRY_SCOPE_INSTANCE,
		{{"port", "/d"}, {"stack", "znp"}, {"baud", "7"}}, "baud"},
	{zigbee_driver, FERRY_SCOPE_INSTANCE,
		{{"port", "/d"}, {"stack", "znp"}, {"network_key", "1"}},
		"network_key"},
	{zigbee_driver, FERRY_SCOPE_CHANNEL, {{"cluster", "0x0019"}}, NULL},
	{zigbee_driver, FERRY_SCOPE_CHANNEL, {{"cluster", "0x10000"}},
		"cluster"},
	{zigbee_driver, FERRY_SCOPE_CHANNEL,
		{{"cluster", "0"}, {"profile", "0"}}, "profile"},
};

START_TEST(own_driver_by_row_judges_its_settings)
{
	const struct own *row = &own[_i];
	struct transport_driver *d;
	size_t count = 0;
	int err;

	while (count < 4 && row->kv[count].key)
		count++;
	ck_assert_int_eq(transport_driver_admit(row->table(), &d, NULL), 0);
	err = transport_params_check(d, row->scope, row->kv, count, &fault);
	ck_assert_msg(err == (row->key ? ERR_TRANSPORT_PARAMETER : 0),
		"row %d: %d %s %s", _i, err, fault.field, fault.rule);
	ck_assert_str_eq(fault.field, row->key ? row->key : "");
	transport_driver_free(d);
}
END_TEST

/* ---- names of places ---- */

static const struct {
	const char *text;
	const char *host; /* NULL: none */
	const char *port;
} targets[] = {
	{"tcp://box:2000", "box", "2000"},
	{"tcp://192.0.2.1:1", "192.0.2.1", "1"},
	{"tcp://[2001:db8::1]:65535", "2001:db8::1", "65535"},
	{"tcp://box:telnet", "box", "telnet"},
	{"tcp://box", NULL, NULL},
	{"tcp://box:", NULL, NULL},
	{"tcp://:2000", NULL, NULL},
	{"tcp://[]:2000", NULL, NULL},
	{"tcp://box:0", NULL, NULL},
	{"tcp://box:65536", NULL, NULL},
	{"tcp://box:100000", NULL, NULL},
	{"tcp://box:20a", NULL, NULL},
	{"tcp://box:-1/x", NULL, NULL},
	{"tcp://a b:1", NULL, NULL},
	{"tcp://a/b:1", NULL, NULL},
	{"udp://box:1", NULL, NULL},
	{"", NULL, NULL},
};

START_TEST(tcp_target_by_row_is_read)
{
	char host[TARGET_HOST_SIZE] = "";
	const char *port = NULL;
	int err = target_tcp_read(targets[_i].text, host, &port);

	ck_assert_msg(err == (targets[_i].host ? 0 : -EINVAL), "%s: %d",
		targets[_i].text, err);
	if (err)
		return;
	ck_assert_str_eq(host, targets[_i].host);
	ck_assert_str_eq(port, targets[_i].port);
}
END_TEST

START_TEST(tcp_target_of_the_longest_host_is_read)
{
	char text[300], host[TARGET_HOST_SIZE];
	const char *port;

	memset(text, 'a', sizeof(text));
	memcpy(text, "tcp://", 6);
	memcpy(text + 6 + TARGET_HOST_SIZE - 1, ":1", 3);
	ck_assert_int_eq(target_tcp_read(text, host, &port), 0);
	memset(text + 6, 'a', TARGET_HOST_SIZE);
	memcpy(text + 6 + TARGET_HOST_SIZE, ":1", 3);
	ck_assert_int_eq(target_tcp_read(text, host, &port), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.params");
	TCase *c = tcase_create("check");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, check_of_an_instance_sees_the_presets);
	tcase_add_test(c, check_of_a_channel_sees_what_was_given);
	tcase_add_test(c, check_is_not_asked_of_what_the_schema_refuses);
	tcase_add_test(c, check_that_refuses_gives_field_and_rule);
	tcase_add_test(c, check_that_says_nothing_or_too_much_is_borne);
	tcase_add_test(c, check_without_memory_is_no_refusal);
	tcase_add_test(c, older_table_has_the_schema_only);
	tcase_add_test(c, unknown_setting_names_the_nearest);
	tcase_add_loop_test(c, own_driver_by_row_judges_its_settings, 0,
		(int)(sizeof(own) / sizeof(own[0])));
	suite_add_tcase(s, c);
	c = tcase_create("targets");
	tcase_add_loop_test(c, tcp_target_by_row_is_read, 0,
		(int)(sizeof(targets) / sizeof(targets[0])));
	tcase_add_test(c, tcp_target_of_the_longest_host_is_read);
	suite_add_tcase(s, c);
	return unit_run(s);
}

#include "gateway/relay/z2m_text.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#define DEVICE(more) "{\"ieee_address\":\"0x00124B0000000001\"," \
	"\"type\":\"Router\",\"friendly_name\":\"lamp\"" more "}"
#define KEY "00124b0000000001"

static struct {
	unsigned count;
	struct z2m_device last;
} seen;

static void on_device(void *arg, const struct z2m_device *d)
{
	(void)arg;
	seen.count++;
	seen.last = *d;
}

static int read_devices(const char *text, unsigned *ret_skipped)
{
	memset(&seen, 0, sizeof(seen));
	return z2m_devices_read(bytes_of_text(text), on_device, NULL,
		ret_skipped);
}

/* ---- devices ---- */

static const struct {
	const char *name, *text;
	int err;
	unsigned count, skipped;
} lists[] = {
	{"empty", "[]", 0, 0, 0},
	{"one", "[" DEVICE("") "]", 0, 1, 0},
	{"coordinator", "[{\"type\":\"Coordinator\"}," DEVICE("") "]", 0, 1, 0},
	{"no_address", "[{\"friendly_name\":\"a\"}]", 0, 0, 1},
	{"short_address", "[{\"ieee_address\":\"0x00\",\"friendly_name\":"
		"\"a\"}]", 0, 0, 1},
	{"address_is_a_number", "[{\"ieee_address\":1,\"friendly_name\":"
		"\"a\"}]", 0, 0, 1},
	{"name_with_wildcard", "[{\"ieee_address\":\"0x" KEY "\","
		"\"friendly_name\":\"a/#\"}]", 0, 0, 1},
	{"name_with_control", "[{\"ieee_address\":\"0x" KEY "\","
		"\"friendly_name\":\"a\\u001b\"}]", 0, 0, 1},
	{"name_of_the_bridge", "[{\"ieee_address\":\"0x" KEY "\","
		"\"friendly_name\":\"bridge/devices\"}]", 0, 0, 1},
	{"no_name", "[{\"ieee_address\":\"0x" KEY "\"}]", 0, 0, 1},
	{"empty_name", "[{\"ieee_address\":\"0x" KEY "\","
		"\"friendly_name\":\"\"}]", 0, 0, 1},
	{"not_objects", "[1,null,\"x\",[]]", 0, 0, 4},
	{"object", "{}", ERR_DELEGATE_ANSWER, 0, 0},
	{"nothing", "", ERR_DELEGATE_ANSWER, 0, 0},
	{"cut", "[" DEVICE(""), ERR_DELEGATE_ANSWER, 0, 0},
	{"nul_in_text", "[\"\\u0000\"]", ERR_DELEGATE_ANSWER, 0, 0},
	{"deep", "[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]",
		ERR_TOO_LARGE, 0, 0},
};

START_TEST(z2m_devices_read_takes_what_can_be_used)
{
	unsigned skipped = 0;
	int err = read_devices(lists[_i].text, &skipped);

	ck_assert_msg(err == lists[_i].err, "%s: %d", lists[_i].name, err);
	ck_assert_msg(seen.count == lists[_i].count, "%s", lists[_i].name);
	ck_assert_msg(skipped == lists[_i].skipped, "%s", lists[_i].name);
}
END_TEST

START_TEST(z2m_devices_read_device_has_all_fields)
{
	unsigned skipped;

	ck_assert_int_eq(read_devices("[" DEVICE(",\"network_address\":6699,"
		"\"manufacturer\":\"Acme\\u0007\",\"model_id\":\"TRV\","
		"\"power_source\":\"Mains (single phase)\","
		"\"software_build_id\":\"1.2\",\"date_code\":\"2026\","
		"\"disabled\":true") "]", &skipped), 0);
	ck_assert_str_eq(seen.last.key, KEY);
	ck_assert_str_eq(seen.last.name, "lamp");
	ck_assert_str_eq(seen.last.nwk, "0x1a2b");
	ck_assert_str_eq(seen.last.manufacturer, "Acme\\x07");
	ck_assert_str_eq(seen.last.model, "TRV");
	ck_assert_str_eq(seen.last.power_source, "Mains (single phase)");
	ck_assert_str_eq(seen.last.sw_build, "1.2");
	ck_assert_str_eq(seen.last.date_code, "2026");
	ck_assert(seen.last.disabled);
	ck_assert(!seen.last.sleepy);
}
END_TEST

START_TEST(z2m_devices_read_end_device_on_battery_is_sleepy)
{
	unsigned skipped;

	ck_assert_int_eq(read_devices("[{\"ieee_address\":\"0x" KEY "\","
		"\"friendly_name\":\"x\",\"type\":\"EndDevice\","
		"\"power_source\":\"Battery\"}]", &skipped), 0);
	ck_assert(seen.last.sleepy);
}
END_TEST

START_TEST(z2m_devices_read_too_many_values_are_refused_unparsed)
{
	size_t len = 2 * (size_t)Z2M_VALUES_MAX + 3;
	char *text = malloc(len);
	unsigned skipped;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < len; i++)
		text[i] = i % 2 ? '1' : ',';
	text[0] = '[';
	text[len - 1] = ']';
	ck_assert_int_eq(z2m_devices_read(bytes_of(text, len), on_device, NULL,
		&skipped), ERR_TOO_LARGE);
	free(text);
}
END_TEST

/* ---- states ---- */

static const struct {
	const char *name, *text;
	int err;
	struct z2m_update update;
} states[] = {
	{"none", "{\"linkquality\":3}", 0, {0}},
	{"idle", "{\"update\":{\"state\":\"idle\",\"installed_version\":2}}", 0,
		{.state = Z2M_STATE_IDLE, .has_installed = true,
		.installed = 2}},
	{"updating", "{\"update\":{\"state\":\"updating\",\"progress\":12.34,"
		"\"remaining\":99}}", 0, {.state = Z2M_STATE_UPDATING,
		.has_progress = true, .progress_bp = 1234,
		.has_remaining = true, .remaining_s = 99}},
	{"highest_version", "{\"update\":{\"installed_version\":4294967295}}",
		0, {.has_installed = true, .installed = 0xffffffff}},
	{"version_too_high", "{\"update\":{\"installed_version\":4294967296}}",
		0, {0}},
	{"version_negative", "{\"update\":{\"installed_version\":-1}}", 0, {0}},
	{"version_is_text", "{\"update\":{\"installed_version\":\"2\"}}", 0,
		{0}},
	{"progress_past_the_end", "{\"update\":{\"progress\":100.01}}", 0, {0}},
	{"progress_negative", "{\"update\":{\"progress\":-0.5}}", 0, {0}},
	{"state_unknown", "{\"update\":{\"state\":\"flying\"}}", 0, {0}},
	{"update_is_null", "{\"update\":null}", 0, {0}},
	{"update_is_a_list", "{\"update\":[1]}", 0, {0}},
	{"a_plain_text", "\"ON\"", 0, {0}},
	{"not_json", "ON", ERR_DELEGATE_ANSWER, {0}},
};

START_TEST(z2m_update_read_of_each_state)
{
	struct z2m_update u = {0};
	const struct z2m_update *want = &states[_i].update;
	int err = z2m_update_read(bytes_of_text(states[_i].text), &u);

	ck_assert_msg(err == states[_i].err, "%s: %d", states[_i].name, err);
	ck_assert_msg(u.state == want->state && u.has_installed ==
		want->has_installed && u.installed == want->installed &&
		u.has_progress == want->has_progress && u.progress_bp ==
		want->progress_bp && u.has_remaining == want->has_remaining &&
		u.remaining_s == want->remaining_s, "%s", states[_i].name);
}
END_TEST

START_TEST(z2m_update_read_long_payload_is_refused)
{
	size_t len = Z2M_SMALL_BYTES_MAX + 1;
	char *text = malloc(len);
	struct z2m_update u;

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', len);
	ck_assert_int_eq(z2m_update_read(bytes_of(text, len), &u),
		ERR_TOO_LARGE);
	free(text);
}
END_TEST

/* ---- responses ---- */

START_TEST(z2m_response_read_ok_has_its_transaction)
{
	struct z2m_response r;

	ck_assert_int_eq(z2m_response_read(bytes_of_text("{\"data\":{},"
		"\"status\":\"ok\",\"transaction\":\"t-1\"}"), &r), 0);
	ck_assert(r.ok);
	ck_assert_str_eq(r.transaction, "t-1");
}
END_TEST

START_TEST(z2m_response_read_error_is_printable)
{
	struct z2m_response r;

	ck_assert_int_eq(z2m_response_read(bytes_of_text("{\"status\":"
		"\"error\",\"error\":\"no\\u001b[2J\"}"), &r), 0);
	ck_assert(!r.ok);
	ck_assert_str_eq(r.transaction, "");
	ck_assert_str_eq(r.error, "no\\x1b[2J");
}
END_TEST

START_TEST(z2m_response_read_long_transaction_is_nobodys)
{
	struct z2m_response r;
	char text[256];

	snprintf(text, sizeof(text), "{\"status\":\"ok\",\"transaction\":"
		"\"%0100d\"}", 7);
	ck_assert_int_eq(z2m_response_read(bytes_of_text(text), &r), 0);
	ck_assert_str_eq(r.transaction, "");
}
END_TEST

static const char *const bad_responses[] = {"", "[]", "{}",
	"{\"status\":\"fine\"}", "{\"status\":1}", "null", "{\"status\":\"ok\""};

START_TEST(z2m_response_read_bad_is_refused)
{
	struct z2m_response r;

	ck_assert_int_eq(z2m_response_read(bytes_of_text(bad_responses[_i]),
		&r), ERR_DELEGATE_ANSWER);
}
END_TEST

/* ---- bridge ---- */

static const struct {
	const char *text;
	int err;
	bool online;
} bridges[] = {
	{"{\"state\":\"online\"}", 0, true},
	{"{\"state\":\"offline\"}", 0, false},
	{"online", 0, true},
	{"offline", 0, false},
	{"{\"state\":\"away\"}", ERR_DELEGATE_ANSWER, false},
	{"{}", ERR_DELEGATE_ANSWER, false},
	{"", ERR_DELEGATE_ANSWER, false},
};

START_TEST(z2m_online_read_of_each_payload)
{
	bool online = false;

	ck_assert_int_eq(z2m_online_read(bytes_of_text(bridges[_i].text),
		&online), bridges[_i].err);
	ck_assert_int_eq(online, bridges[_i].online);
}
END_TEST

START_TEST(z2m_version_read_takes_the_version)
{
	char text[24] = "";

	ck_assert_int_eq(z2m_version_read(bytes_of_text(
		"{\"version\":\"2.14.1\",\"config\":{}}"), text, sizeof(text)),
		0);
	ck_assert_str_eq(text, "2.14.1");
	ck_assert_int_eq(z2m_version_read(bytes_of_text("{\"version\":2}"),
		text, sizeof(text)), ERR_DELEGATE_ANSWER);
}
END_TEST

/* ---- requests ---- */

START_TEST(z2m_request_write_has_what_is_set_only)
{
	struct z2m_request r = {.key = KEY, .transaction = "t",
		.url = "/x/y.ota", .delay_ms = 50};
	char text[256];
	int len = z2m_request_write(&r, text, sizeof(text));

	ck_assert(bytes_is_text(bytes_of(text, (size_t)len), "{\"id\":\"0x" KEY
		"\",\"transaction\":\"t\",\"url\":\"/x/y.ota\","
		"\"image_block_response_delay\":50}"));
}
END_TEST

START_TEST(z2m_request_write_for_nobody_has_the_transaction_only)
{
	struct z2m_request r = {.transaction = "t"};
	char text[64];
	int len = z2m_request_write(&r, text, sizeof(text));

	ck_assert(bytes_is_text(bytes_of(text, (size_t)len),
		"{\"transaction\":\"t\"}"));
}
END_TEST

START_TEST(z2m_request_write_without_room_fails)
{
	struct z2m_request r = {.key = KEY, .transaction = "t"};
	char text[20];

	ck_assert_int_lt(z2m_request_write(&r, text, sizeof(text)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("z2m_text");
	TCase *tc = tcase_create("z2m_text");

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
	tcase_add_loop_test(tc, z2m_devices_read_takes_what_can_be_used,
		0, ROWS(lists));
	tcase_add_test(tc, z2m_devices_read_device_has_all_fields);
	tcase_add_test(tc, z2m_devices_read_end_device_on_battery_is_sleepy);
	tcase_add_test(tc,
		z2m_devices_read_too_many_values_are_refused_unparsed);
	tcase_add_loop_test(tc, z2m_update_read_of_each_state, 0, ROWS(states));
	tcase_add_test(tc, z2m_update_read_long_payload_is_refused);
	tcase_add_test(tc, z2m_response_read_ok_has_its_transaction);
	tcase_add_test(tc, z2m_response_read_error_is_printable);
	tcase_add_test(tc, z2m_response_read_long_transaction_is_nobodys);
	tcase_add_loop_test(tc, z2m_response_read_bad_is_refused,
		0, ROWS(bad_responses));
	tcase_add_loop_test(tc, z2m_online_read_of_each_payload,
		0, ROWS(bridges));
	tcase_add_test(tc, z2m_version_read_takes_the_version);
	tcase_add_test(tc, z2m_request_write_has_what_is_set_only);
	tcase_add_test(tc,
		z2m_request_write_for_nobody_has_the_transaction_only);
	tcase_add_test(tc, z2m_request_write_without_room_fails);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

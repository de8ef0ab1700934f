#include "gateway/relay/delegate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/delegate.h"
#include "gateway/relay/handover_http.h"
#include "tests/unit/unit.h"

#define TOKEN "00112233445566778899aabbccddeeff"

/* ---- parameters ---- */

static const struct {
	const char *name;
	struct ferry_kv kv[4];
	int err;
	const char *field;
} params[] = {
	{"by_url", {{"url", "mqtt://127.0.0.1:1883"}, {"hand_over", "url"}}, 0,
		""},
	{"ipv6", {{"url", "mqtt://[::1]:1883"}, {"hand_over", "url"}}, 0, ""},
	{"tls", {{"url", "mqtts://broker"}, {"hand_over", "url"},
		{"ca", "/ca.pem"}}, 0, ""},
	{"no_url", {{"hand_over", "url"}}, ERR_CONFIG_MISSING, "url"},
	{"other_scheme", {{"url", "http://x"}}, ERR_CONFIG_VALUE, "url"},
	{"no_host", {{"url", "mqtt://:1883"}}, ERR_CONFIG_VALUE, "url"},
	{"port_0", {{"url", "mqtt://x:0"}}, ERR_CONFIG_VALUE, "url"},
	{"port_too_high", {{"url", "mqtt://x:65536"}}, ERR_CONFIG_VALUE, "url"},
	{"a_user", {{"url", "mqtt://me@x"}}, ERR_CONFIG_VALUE, "url"},
	{"a_path", {{"url", "mqtt://x/y"}}, ERR_CONFIG_VALUE, "url"},
	{"unknown", {{"color", "red"}}, ERR_CONFIG_UNKNOWN, "color"},
	{"hand_over", {{"url", "mqtt://x"}, {"hand_over", "post"}},
		ERR_CONFIG_VALUE, "hand_over"},
	{"no_folder", {{"url", "mqtt://x"}}, ERR_CONFIG_MISSING, "folder"},
	{"folder_is_relative", {{"url", "mqtt://x"}, {"folder", "x"}},
		ERR_CONFIG_VALUE, "folder"},
	{"folder_is_not_there", {{"url", "mqtt://x"}, {"folder", "/nothing"}},
		ERR_CONFIG_VALUE, "folder"},
	{"folder_for_everybody", {{"url", "mqtt://x"}, {"folder", "/tmp"}},
		ERR_CONFIG_VALUE, "folder"},
	{"folder_by_url", {{"url", "mqtt://x"}, {"hand_over", "url"},
		{"folder", "/tmp"}}, ERR_CONFIG_VALUE, "folder"},
	{"wildcard", {{"url", "mqtt://x"}, {"hand_over", "url"},
		{"topic", "a/#"}}, ERR_CONFIG_VALUE, "topic"},
	{"ca_without_tls", {{"url", "mqtt://x"}, {"hand_over", "url"},
		{"ca", "/ca.pem"}}, ERR_CONFIG_VALUE, "ca"},
	{"cert_without_key", {{"url", "mqtts://x"}, {"hand_over", "url"},
		{"cert", "/c.pem"}}, ERR_CONFIG_MISSING, "key"},
};

START_TEST(delegate_params_check_names_what_is_wrong)
{
	struct fault fault = {0};
	size_t count = 0;
	int err;

	while (count < 4 && params[_i].kv[count].key)
		count++;
	err = delegate_params_check(params[_i].kv, count, &fault);
	ck_assert_msg(err == params[_i].err, "%s: %d %s", params[_i].name, err,
		fault.rule);
	ck_assert_msg(!strcmp(fault.field, params[_i].field), "%s: %s",
		params[_i].name, fault.field);
}
END_TEST

/* ---- what others may do ---- */

static const struct {
	const char *name;
	mode_t mode;
	int err;
} folders[] = {
	{"own", 0700, 0},
	{"group_enters", 02750, 0},
	{"group_writes", 0770, ERR_CONFIG_VALUE},
	{"all_write", 0757, ERR_CONFIG_VALUE},
};

START_TEST(delegate_params_check_folder_of_each_mode)
{
	char folder[] = "/tmp/ferry-delegate-XXXXXX";
	struct ferry_kv kv[] = {{"url", "mqtt://x"}, {"folder", folder}};
	struct fault fault = {0};
	int err;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, folders[_i].mode), 0);
	err = delegate_params_check(kv, 2, &fault);
	rmdir(folder);
	ck_assert_msg(err == folders[_i].err, "%s: %d %s", folders[_i].name,
		err, fault.rule);
}
END_TEST

static const struct {
	const char *name;
	const char *text; /* NULL: there is no file */
	mode_t mode;
	int err;
} credentials[] = {
	{"missing", NULL, 0, ERR_CONFIG_VALUE},
	{"readable_by_others", "me\nsecret\n", 0644, ERR_KEYS_PERMISSION},
	{"writable_by_others", "me\nsecret\n", 0602, ERR_KEYS_PERMISSION},
	{"writable_by_its_group", "me\nsecret\n", 0660, ERR_KEYS_PERMISSION},
	{"empty", "", 0600, ERR_CONFIG_VALUE},
	{"no_user", "\nsecret\n", 0600, ERR_CONFIG_VALUE},
};

START_TEST(delegate_open_refuses_bad_credentials)
{
	char path[] = "/tmp/ferry-credentials-XXXXXX";
	struct ferry_kv kv[] = {{"url", "mqtt://x"}, {"hand_over", "url"},
		{"credentials", path}};
	struct delegate_setup setup = {.params = kv, .param_count = 3};
	struct delegate *delegate = NULL;
	struct fault fault = {0};
	int fd = mkstemp(path);
	const char *text = credentials[_i].text;
	int err;

	ck_assert_int_ge(fd, 0);
	if (text)
		ck_assert_int_eq(write(fd, text, strlen(text)),
			(int)strlen(text));
	ck_assert_int_eq(fchmod(fd, credentials[_i].mode), 0);
	close(fd);
	if (!text)
		unlink(path);
	err = delegate_open(&setup, &delegate, &fault);
	unlink(path);
	ck_assert_msg(err == credentials[_i].err, "%s: %d",
		credentials[_i].name, err);
	ck_assert_str_eq(fault.field, "credentials");
}
END_TEST

/* ---- options ---- */

static const struct {
	const char *text;
	int err;
	struct delegate_options options;
} options[] = {
	{"", 0, {0}},
	{" block=64  response_delay_ms=50 ", 0, {50, 64, 0}},
	{"block_timeout_s=3600", 0, {0, 0, 3600}},
	{"block=9", ERR_ZIGBEE_OPTIONS, {0}},
	{"block=101", ERR_ZIGBEE_OPTIONS, {0}},
	{"block=", ERR_ZIGBEE_OPTIONS, {0}},
	{"block", ERR_ZIGBEE_OPTIONS, {0}},
	{"block=6x", ERR_ZIGBEE_OPTIONS, {0}},
	{"block=99999999999", ERR_ZIGBEE_OPTIONS, {0}},
	{"colour=1", ERR_ZIGBEE_OPTIONS, {0}},
};

START_TEST(delegate_options_read_of_each_text)
{
	struct delegate_options o = {0};
	struct fault fault = {0};
	int err = delegate_options_read(options[_i].text, &o, &fault);

	ck_assert_msg(err == options[_i].err, "'%s': %d", options[_i].text,
		err);
	ck_assert_msg(!memcmp(&o, &options[_i].options, sizeof(o)), "'%s'",
		options[_i].text);
}
END_TEST

/* ---- requests for an image ---- */

static const struct {
	const char *text;
	int route;
} requests[] = {
	{"GET /" TOKEN "/image.ota HTTP/1.1\r\nHost: x\r\n\r\n", 1},
	{"GET /" TOKEN "/index.json HTTP/1.1\r\n\r\n", 2},
	{"GET /" TOKEN "/image.ota HTTP/1.1\r\n", 0},
	{"", 0},
	{"GET /" TOKEN "/other HTTP/1.1\r\n\r\n", -ENOENT},
	{"GET /" TOKEN "/image.ota?x HTTP/1.1\r\n\r\n", -ENOENT},
	{"GET /00112233445566778899aabbccddeefe/image.ota HTTP/1.1\r\n\r\n",
		-ENOENT},
	{"GET / HTTP/1.1\r\n\r\n", -ENOENT},
	{"POST /" TOKEN "/image.ota HTTP/1.1\r\n\r\n", -EINVAL},
	{"\r\n\r\n", -EINVAL},
};

START_TEST(handover_http_route_of_each_request)
{
	ck_assert_int_eq(handover_http_route(bytes_of_text(requests[_i].text),
		TOKEN), requests[_i].route);
}
END_TEST

START_TEST(handover_http_route_endless_head_is_refused)
{
	static uint8_t head[HANDOVER_HEAD_MAX];

	memset(head, 'G', sizeof(head));
	ck_assert_int_eq(handover_http_route(bytes_of(head, sizeof(head)),
		TOKEN), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delegate");
	TCase *tc = tcase_create("delegate");

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
	tcase_add_loop_test(tc, delegate_params_check_names_what_is_wrong, 0,
		ROWS(params));
	tcase_add_loop_test(tc, delegate_params_check_folder_of_each_mode, 0,
		ROWS(folders));
	tcase_add_loop_test(tc, delegate_open_refuses_bad_credentials, 0,
		ROWS(credentials));
	tcase_add_loop_test(tc, delegate_options_read_of_each_text, 0,
		ROWS(options));
	tcase_add_loop_test(tc, handover_http_route_of_each_request, 0,
		ROWS(requests));
	tcase_add_test(tc, handover_http_route_endless_head_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

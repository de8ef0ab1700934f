/* What a delegate trusts before it speaks: files, folders, random numbers. */
#include "gateway/relay/delegate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "devices/delegate.h"
#include "tests/unit/gateway/played_broker.h"
#include "tests/unit/scratch.h"

static char folder[256];
static int random_status;

/* In place of the library's. */
int uv_random(uv_loop_t *loop, uv_random_t *request, void *at, size_t len,
	unsigned flags, uv_random_cb cb)
{
	(void)loop;
	(void)request;
	(void)flags;
	(void)cb;
	memset(at, 0x5a, len);
	return random_status;
}

static void setup(void)
{
	scratch_make(folder, sizeof(folder), "ferry-delegate");
	random_status = 0;
}

static void teardown(void)
{
	scratch_drop(folder);
}

static const char *path_of(const char *name)
{
	static char paths[8][300];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, mode_t mode, uid_t owner)
{
	scratch_put(folder, name, "me\nsecret\n");
	ck_assert_int_eq(chmod(path_of(name), mode), 0);
	if (owner)
		ck_assert_int_eq(chown(path_of(name), owner, owner), 0);
}

/* ---- secrets ---- */

static const struct {
	const char *name;
	mode_t mode;
	uid_t owner; /* 0: whoever runs this */
	int err;
} keys[] = {
	{"closed", 0600, 0, 0},
	{"readable_by_its_group", 0640, 0, ERR_KEYS_PERMISSION},
	{"readable_by_all", 0644, 0, ERR_KEYS_PERMISSION},
	{"of_somebody_else", 0600, 65533, ERR_KEYS_PERMISSION},
};

static int check_tls(struct fault *fault)
{
	const struct ferry_kv kv[] = {{"url", "mqtts://x"},
		{"hand_over", "url"}, {"cert", "/cert.pem"},
		{"key", path_of("key.pem")}};

	return delegate_params_check(kv, 4, fault);
}

START_TEST(delegate_params_check_key_of_each_mode)
{
	struct fault fault = {0};
	int err;

	if (keys[_i].owner && geteuid())
		return; /* only root can give a file away */
	put("key.pem", keys[_i].mode, keys[_i].owner);
	err = check_tls(&fault);
	ck_assert_msg(err == keys[_i].err, "%s: %d %s", keys[_i].name, err,
		fault.rule);
	ck_assert_str_eq(fault.field, err ? "key" : "");
}
END_TEST

START_TEST(delegate_params_check_missing_key_is_named)
{
	struct fault fault = {0};

	ck_assert_int_eq(check_tls(&fault), ERR_CONFIG_VALUE);
	ck_assert_str_eq(fault.field, "key");
}
END_TEST

static int check_credentials(const char *path, struct fault *fault)
{
	const struct ferry_kv kv[] = {{"url", "mqtt://x"},
		{"hand_over", "url"}, {"credentials", path}};

	return delegate_params_check(kv, 3, fault);
}

START_TEST(delegate_params_check_judges_credentials_before_they_are_used)
{
	struct fault fault = {0};

	put("broker", 0644, 0);
	ck_assert_int_eq(check_credentials(path_of("broker"), &fault),
		ERR_KEYS_PERMISSION);
	ck_assert_str_eq(fault.field, "credentials");
	ck_assert_int_eq(chmod(path_of("broker"), 0640), 0);
	ck_assert_int_eq(check_credentials(path_of("broker"), NULL), 0);
	if (geteuid())
		return;
	ck_assert_int_eq(chown(path_of("broker"), 65533, 65533), 0);
	ck_assert_int_eq(check_credentials(path_of("broker"), NULL),
		ERR_KEYS_PERMISSION);
}
END_TEST

START_TEST(delegate_params_check_credential_of_a_unit_that_does_not_run_is_left)
{
	const char *path = "/run/credentials/ferryd-of-a-test.service/broker";

	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(check_credentials(path, NULL), 0);
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
	ck_assert_int_eq(check_credentials(path, NULL), ERR_CONFIG_VALUE);
}
END_TEST

/* ---- the folder of the hand-over ---- */

START_TEST(delegate_params_check_folder_above_that_others_change_is_named)
{
	const struct ferry_kv kv[] = {{"url", "mqtt://x"},
		{"folder", path_of("above/mine")}};
	struct fault fault = {0};

	ck_assert_int_eq(mkdir(path_of("above"), 0700), 0);
	ck_assert_int_eq(mkdir(path_of("above/mine"), 0700), 0);
	ck_assert_int_eq(delegate_params_check(kv, 2, NULL), 0);
	ck_assert_int_eq(chmod(path_of("above"), 0770), 0);
	ck_assert_int_eq(delegate_params_check(kv, 2, &fault),
		ERR_CONFIG_VALUE);
	ck_assert_str_eq(fault.field, "folder");
	ck_assert_ptr_nonnull(strstr(fault.rule, path_of("above")));
	ck_assert_int_eq(chmod(path_of("above"), 01777), 0);
	ck_assert_int_eq(delegate_params_check(kv, 2, NULL), 0);
}
END_TEST

/* ---- no random numbers ---- */

static uv_loop_t loop;
static struct delegate *delegate;
static struct {
	int results;
	struct engine_failure failure;
} told;

static void on_up(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void on_down(void *arg, int status, const char *text)
{
	(void)arg;
	(void)status;
	(void)text;
}

static void on_peer(void *arg, const struct delegate_peer *peer)
{
	(void)arg;
	(void)peer;
}

static void on_peer_gone(void *arg, const char *key)
{
	(void)arg;
	(void)key;
}

static const struct delegate_events delegate_events = {
	.on_up = on_up,
	.on_down = on_down,
	.on_peer = on_peer,
	.on_peer_gone = on_peer_gone,
};

static void on_stage(void *arg, enum engine_stage stage,
	const struct engine_facts *facts)
{
	(void)arg;
	(void)stage;
	(void)facts;
}

static void on_result(void *arg, const struct session_result *result)
{
	(void)arg;
	told.results++;
	if (result->failure)
		told.failure = *result->failure;
}

static const struct session_events session_events = {
	.on_stage = on_stage,
	.on_result = on_result,
};

static void ignore(void *arg)
{
	(void)arg;
}

static int open_delegate(struct fault *fault)
{
	static const struct ferry_kv kv[] = {{"url", "mqtt://127.0.0.1"},
		{"hand_over", "url"}, {"topic", "z"}};
	struct delegate_setup s = {.loop = &loop, .params = kv,
		.param_count = 3, .events = &delegate_events};

	uv_loop_init(&loop);
	broker_init(&loop);
	return delegate_open(&s, &delegate, fault);
}

START_TEST(delegate_open_without_random_numbers_is_refused)
{
	struct fault fault = {0};

	random_status = -EIO;
	ck_assert_int_eq(open_delegate(&fault), -EIO);
	ck_assert_ptr_nonnull(strstr(fault.rule, "no random numbers"));
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

#define KEY "00124b0000000001"
#define CHECK "device/ota_update/check"

static struct session *offered(void)
{
	const struct engine_image image = {.len = 1000, .version = "0x00000002"};
	const struct session_setup s = {
		.loop = &loop,
		.engine = &zigbee2mqtt_engine_ops,
		.options = "",
		.job = 7,
		.goal = ENGINE_GOAL_UPDATE,
		.image = &image,
		.events = &session_events,
	};
	struct session *session = NULL;

	broker_up();
	broker_hear("bridge/devices", "[{\"ieee_address\":\"0x" KEY "\",\"type\":"
		"\"Router\",\"friendly_name\":\"lamp\"}]");
	broker_settle();
	broker_hear("bridge/state", "online");
	broker_respond("health_check", broker_transaction(
		"request/health_check"), NULL);
	ck_assert_int_eq(delegate_offer(delegate, KEY, &s, &session), 0);
	broker_settle();
	broker_hear("lamp", "{\"update\":{\"state\":\"idle\","
		"\"installed_version\":1}}");
	broker_respond(CHECK, broker_transaction(CHECK), NULL);
	return session;
}

START_TEST(order_without_random_numbers_is_never_made)
{
	struct session *session;

	memset(&told, 0, sizeof(told));
	ck_assert_int_eq(open_delegate(NULL), 0);
	session = offered();
	random_status = -EIO;
	session_go(session, ENGINE_STAGE_TRANSFER, false);
	broker_settle();
	ck_assert_uint_eq(broker_count_of("ota_update/update"), 0);
	ck_assert_int_eq(told.results, 1);
	ck_assert_int_eq(told.failure.code, -EIO);
	ck_assert_ptr_nonnull(strstr(told.failure.hint, "no random numbers"));
	session_close(session, ignore, NULL);
	delegate_close(delegate, ignore, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delegate_trust");
	TCase *tc = tcase_create("delegate_trust");

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, delegate_params_check_key_of_each_mode, 0,
		ROWS(keys));
	tcase_add_test(tc, delegate_params_check_missing_key_is_named);
	tcase_add_test(tc,
		delegate_params_check_judges_credentials_before_they_are_used);
	tcase_add_test(tc,
		delegate_params_check_credential_of_a_unit_that_does_not_run_is_left);
	tcase_add_test(tc,
		delegate_params_check_folder_above_that_others_change_is_named);
	tcase_add_test(tc, delegate_open_without_random_numbers_is_refused);
	tcase_add_test(tc, order_without_random_numbers_is_never_made);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

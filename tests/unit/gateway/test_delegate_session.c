/* Delegates and their sessions against a broker that is played by the test. */
#include "tests/unit/gateway/played_broker.h"
#include "tests/unit/unit.h"

#include <string.h>

#include "devices/delegate.h"
#include "gateway/relay/delegate.h"

#define A "00124b0000000001"
#define B "00124b0000000002"

/* ---- what the owners are told ---- */

static uv_loop_t loop;
static struct delegate *delegate;

static struct {
	int ups, downs, peers;
	int status;
	char text[160];
} seen;

static void on_up(void *arg, const char *text)
{
	(void)arg;
	seen.ups++;
	snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static void on_down(void *arg, int status, const char *text)
{
	(void)arg;
	seen.downs++;
	seen.status = status;
	snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static void on_peer(void *arg, const struct delegate_peer *peer)
{
	(void)arg;
	(void)peer;
	seen.peers++;
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

struct owner {
	struct session *session;
	int stages, results, progress;
	char version[16];
	enum engine_outcome outcome;
	struct engine_failure failure;
	enum engine_wait wait;
	bool closed;
};

static void on_stage(void *arg, enum engine_stage stage,
	const struct engine_facts *facts)
{
	struct owner *o = arg;

	ck_assert_int_eq(stage, ENGINE_STAGE_TRANSFER);
	o->stages++;
	snprintf(o->version, sizeof(o->version), "%s", facts->version);
}

static void on_progress(void *arg, uint64_t offset, uint64_t total)
{
	struct owner *o = arg;

	(void)total;
	o->progress = (int)offset;
}

static void on_result(void *arg, const struct session_result *result)
{
	struct owner *o = arg;

	o->results++;
	o->outcome = result->outcome;
	if (result->failure)
		o->failure = *result->failure;
	snprintf(o->version, sizeof(o->version), "%s", result->facts->version);
}

static void on_wait(void *arg, enum engine_wait wait, int64_t until_ms)
{
	struct owner *o = arg;

	(void)until_ms;
	o->wait = wait;
}

static const struct session_events session_events = {
	.on_stage = on_stage,
	.on_progress = on_progress,
	.on_result = on_result,
	.on_wait = on_wait,
};

/* ---- the world ---- */

static void answer_probe(void)
{
	broker_respond("health_check", broker_transaction("request/health_check"), NULL);
}

static void tell_version(const char *name, unsigned version)
{
	char payload[96];

	snprintf(payload, sizeof(payload), "{\"update\":{\"state\":\"idle\","
		"\"installed_version\":%u}}", version);
	broker_hear(name, payload);
}

#define CHECK "device/ota_update/check"
#define UPDATE "device/ota_update/update"

static void answer_check(const char *name, unsigned version)
{
	tell_version(name, version);
	broker_respond(CHECK, broker_transaction(CHECK), NULL);
}

static void fail_check(const char *error)
{
	broker_respond(CHECK, broker_transaction(CHECK), error);
}

static void list_devices(unsigned count, const char *prefix, bool sleepy)
{
	static char text[16384];
	size_t at = (size_t)snprintf(text, sizeof(text), "[");

	for (unsigned i = 1; i <= count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
			"%s{\"ieee_address\":\"0x00124b%010x\",\"type\":\"%s\","
			"\"friendly_name\":\"%s%u\",\"network_address\":%u,"
			"\"power_source\":\"Battery\"}", i > 1 ? "," : "", i,
			sleepy ? "EndDevice" : "Router", prefix, i, i);
	snprintf(text + at, sizeof(text) - at, "]");
	broker_hear("bridge/devices", text);
	broker_settle();
}

static void go_up(void)
{
	broker_up();
	list_devices(2, "lamp", false);
	broker_hear("bridge/state", "{\"state\":\"online\"}");
	answer_probe();
	ck_assert_int_eq(seen.ups, 1);
}

static void setup(void)
{
	struct ferry_kv kv[] = {{"url", "mqtt://127.0.0.1"},
		{"hand_over", "url"}, {"topic", "z"}};
	struct delegate_setup s = {.loop = &loop, .params = kv,
		.param_count = 3, .events = &delegate_events};

	uv_loop_init(&loop);
	memset(&seen, 0, sizeof(seen));
	broker_init(&loop);
	ck_assert_int_eq(delegate_open(&s, &delegate, NULL), 0);
}

static void ignore(void *arg)
{
	(void)arg;
}

static void teardown(void)
{
	delegate_close(delegate, ignore, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static int offer(struct owner *o, const char *key, unsigned version,
	int reached, bool allow_downgrade)
{
	struct engine_image image = {.len = 1000};
	struct session_setup s = {
		.loop = &loop,
		.engine = &zigbee2mqtt_engine_ops,
		.options = "",
		.job = 7,
		.goal = version ? ENGINE_GOAL_UPDATE : ENGINE_GOAL_INVENTORY,
		.reached = reached,
		.image = version ? &image : NULL,
		.allow_downgrade = allow_downgrade,
		.events = &session_events,
		.arg = o,
	};
	int err;

	snprintf(image.version, sizeof(image.version), "0x%08x", version);
	err = delegate_offer(delegate, key, &s, &o->session);
	broker_turn();
	return err;
}

static void on_session_closed(void *arg)
{
	struct owner *o = arg;

	o->closed = true;
}

static void close_owner(struct owner *o)
{
	session_close(o->session, on_session_closed, o);
	while (!o->closed)
		uv_run(&loop, UV_RUN_ONCE);
}

/* An update to 2 of a device that runs 1, let go. */
static void begin_update(struct owner *o)
{
	ck_assert_int_eq(offer(o, A, 2, ENGINE_STAGE_NONE, false), 0);
	answer_check("lamp1", 1);
	ck_assert_int_eq(o->stages, 1);
	session_go(o->session, ENGINE_STAGE_TRANSFER, false);
	broker_turn();
	ck_assert_uint_eq(broker_count_of(UPDATE), 1);
}

/* ---- how far it is ---- */

START_TEST(delegate_that_says_online_is_not_up_before_it_answers)
{
	broker_up();
	broker_hear("bridge/state", "{\"state\":\"online\"}");
	ck_assert_int_eq(seen.ups, 0);
	ck_assert_uint_eq(broker_count_of("request/health_check"), 1);
	answer_probe();
	ck_assert_int_eq(seen.ups, 1);
}
END_TEST

START_TEST(delegate_answer_to_another_question_does_not_make_it_up)
{
	broker_up();
	broker_hear("bridge/state", "{\"state\":\"online\"}");
	broker_respond("health_check", "ferry-0-1", NULL);
	ck_assert_int_eq(seen.ups, 0);
}
END_TEST

START_TEST(delegate_retained_answer_does_not_make_it_up)
{
	char payload[160];

	broker_up();
	broker_hear("bridge/state", "{\"state\":\"online\"}");
	snprintf(payload, sizeof(payload), "{\"status\":\"ok\","
		"\"transaction\":\"%s\"}", broker_transaction(
		"request/health_check"));
	broker_hear_at("z/bridge/response/health_check", payload, true);
	ck_assert_int_eq(seen.ups, 0);
}
END_TEST

START_TEST(delegate_offline_is_down_and_its_next_answer_up)
{
	go_up();
	broker_hear("bridge/state", "{\"state\":\"offline\"}");
	ck_assert_int_eq(seen.downs, 1);
	ck_assert_int_eq(seen.status, ERR_DELEGATE_AWAY);
	answer_probe();
	ck_assert_int_eq(seen.ups, 2);
}
END_TEST

START_TEST(delegate_without_broker_is_down)
{
	go_up();
	broker_down();
	ck_assert_int_eq(seen.status, ERR_DELEGATE_BROKER);
	ck_assert_str_eq(seen.text, "gone");
}
END_TEST

START_TEST(delegate_takes_no_message_of_another_topic)
{
	broker_up();
	broker_hear_at("z", "{}", false);
	broker_hear_at("", "{}", false);
	broker_hear_at("zz/bridge/state", "online", false);
	ck_assert_uint_eq(broker_count_of(""), 0);
}
END_TEST

/* ---- asking ---- */

START_TEST(session_is_told_the_version_that_the_check_brought)
{
	struct owner o = {0};

	go_up();
	ck_assert_int_eq(offer(&o, A, 2, ENGINE_STAGE_NONE, false), 0);
	answer_check("lamp1", 1);
	ck_assert_int_eq(o.stages, 1);
	ck_assert_str_eq(o.version, "0x00000001");
	close_owner(&o);
}
END_TEST

START_TEST(session_of_device_that_runs_it_already_is_done)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	answer_check("lamp1", 2);
	ck_assert_int_eq(o.results, 1);
	ck_assert_int_eq(o.outcome, ENGINE_DONE);
	close_owner(&o);
}
END_TEST

START_TEST(session_does_not_believe_an_answer_to_another_check)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	tell_version("lamp1", 1);
	broker_respond(CHECK, "ferry-00-1", NULL);
	ck_assert_int_eq(o.stages, 0);
	ck_assert_int_eq(o.results, 0);
	close_owner(&o);
}
END_TEST

START_TEST(sessions_of_two_devices_find_their_own_answers)
{
	struct owner a = {0}, b = {0};
	char first[128];

	go_up();
	offer(&a, A, 9, ENGINE_STAGE_NONE, false);
	snprintf(first, sizeof(first), "%s", broker_transaction(CHECK));
	offer(&b, B, 9, ENGINE_STAGE_NONE, false);
	tell_version("lamp2", 5);
	tell_version("lamp1", 4);
	broker_respond(CHECK, broker_transaction(CHECK), NULL);
	broker_respond(CHECK, first, NULL);
	ck_assert_str_eq(a.version, "0x00000004");
	ck_assert_str_eq(b.version, "0x00000005");
	close_owner(&a);
	close_owner(&b);
}
END_TEST

START_TEST(session_of_renamed_device_reads_its_new_topic)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	ck_assert(broker_is_subscribed("z/lamp1"));
	list_devices(2, "hall/lamp", false);
	ck_assert(!broker_is_subscribed("z/lamp1"));
	ck_assert(broker_is_subscribed("z/hall/lamp1"));
	answer_check("hall/lamp1", 1);
	ck_assert_int_eq(o.stages, 1);
	close_owner(&o);
}
END_TEST

START_TEST(session_of_silent_device_fails_with_its_words)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	fail_check("Device didn't respond");
	ck_assert_int_eq(o.outcome, ENGINE_FAILED);
	ck_assert_int_eq(o.failure.code, ERR_ZIGBEE_NO_ANSWER);
	ck_assert_str_eq(o.failure.device_status, "Device didn't respond");
	close_owner(&o);
}
END_TEST

START_TEST(session_of_sleeper_waits_and_asks_when_something_comes_from_it)
{
	struct owner o = {0};

	go_up();
	list_devices(2, "lamp", true);
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	fail_check("Device didn't respond");
	ck_assert_int_eq(o.results, 0);
	ck_assert_int_eq(o.wait, ENGINE_WAIT_WAKE);
	broker_hear("lamp1", "{\"temperature\":20}");
	ck_assert_uint_eq(broker_count_of(CHECK), 2);
	answer_check("lamp1", 1);
	ck_assert_int_eq(o.stages, 1);
	close_owner(&o);
}
END_TEST

START_TEST(sessions_ask_eight_devices_at_a_time)
{
	struct owner o[10] = {0};
	char key[24];

	go_up();
	list_devices(10, "lamp", false);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "00124b%010x", i + 1);
		ck_assert_int_eq(offer(&o[i], key, 2, ENGINE_STAGE_NONE,
			false), 0);
	}
	ck_assert_uint_eq(broker_count_of(CHECK), 8);
	ck_assert_int_eq(o[8].wait, ENGINE_WAIT_TURN);
	answer_check("lamp8", 1);
	ck_assert_uint_eq(broker_count_of(CHECK), 9);
	close_owner(&o[0]);
	broker_turn();
	ck_assert_uint_eq(broker_count_of(CHECK), 10);
	for (unsigned i = 1; i < 10; i++)
		close_owner(&o[i]);
}
END_TEST

START_TEST(session_of_device_that_others_update_waits_its_turn)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	fail_check("OTA update or check for update already in progress");
	ck_assert_int_eq(o.results, 0);
	ck_assert_int_eq(o.wait, ENGINE_WAIT_TURN);
	close_owner(&o);
}
END_TEST

START_TEST(session_withdrawn_while_it_asks_ends_at_once)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	session_withdraw(o.session);
	broker_turn();
	ck_assert_int_eq(o.outcome, ENGINE_WITHDRAWN);
	ck_assert_int_eq(o.results, 1);
	close_owner(&o);
}
END_TEST

START_TEST(session_whose_link_goes_while_it_asks_has_no_link)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	broker_down();
	ck_assert_int_eq(o.failure.code, ERR_JOB_NO_LINK);
	close_owner(&o);
}
END_TEST

/* ---- which way ---- */

START_TEST(session_refuses_an_older_image_that_nobody_ordered)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, false);
	answer_check("lamp1", 3);
	ck_assert_int_eq(o.outcome, ENGINE_FAILED);
	ck_assert_int_eq(o.failure.code, ERR_ZIGBEE_DOWNGRADE);
	close_owner(&o);
}
END_TEST

START_TEST(session_orders_an_older_image_by_the_topic_for_it)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_NONE, true);
	answer_check("lamp1", 3);
	session_go(o.session, ENGINE_STAGE_TRANSFER, false);
	broker_turn();
	ck_assert_uint_eq(broker_count_of(UPDATE "/downgrade"), 1);
	ck_assert_uint_eq(broker_count_of(UPDATE), 0);
	close_owner(&o);
}
END_TEST

/* ---- the update ---- */

START_TEST(session_is_done_when_the_device_tells_the_new_version)
{
	struct owner o = {0};

	go_up();
	begin_update(&o);
	broker_respond(UPDATE, broker_transaction(UPDATE), NULL);
	broker_hear("bridge/state", "{\"state\":\"offline\"}");
	answer_probe(); /* what comes back asks at once */
	ck_assert_uint_eq(broker_count_of(CHECK), 2);
	answer_check("lamp1", 2);
	ck_assert_int_eq(o.outcome, ENGINE_DONE);
	close_owner(&o);
}
END_TEST

START_TEST(session_does_not_take_the_version_of_the_image_for_the_devices)
{
	struct owner o = {0};

	go_up();
	begin_update(&o);
	tell_version("lamp1", 2);
	broker_respond(UPDATE, broker_transaction(UPDATE), NULL);
	ck_assert_int_eq(o.results, 0);
	close_owner(&o);
}
END_TEST

static const char *const foreign[] = {
	"ferry-" A "-7-0123456789abcdef", /* an earlier order of the job */
	"ferry-" A "-7-", "ferry-" B "-7-0123456789abcdef", "x",
};

START_TEST(session_does_not_take_the_end_of_another_order_for_its_own)
{
	struct owner o = {0};

	go_up();
	begin_update(&o);
	broker_respond(UPDATE, foreign[_i], "was aborted");
	broker_respond(UPDATE, foreign[_i], NULL);
	ck_assert_int_eq(o.results, 0);
	ck_assert_int_eq(o.progress, 0);
	close_owner(&o);
}
END_TEST

START_TEST(orders_of_a_job_have_transactions_of_their_own)
{
	struct owner o = {0}, again = {0};
	char first[128];

	go_up();
	begin_update(&o);
	snprintf(first, sizeof(first), "%s", broker_transaction(UPDATE));
	close_owner(&o);
	broker_forget();
	begin_update(&again);
	ck_assert_str_ne(first, broker_transaction(UPDATE));
	close_owner(&again);
}
END_TEST

START_TEST(session_follows_what_an_earlier_run_has_begun)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_TRANSFER, false);
	fail_check("OTA update or check for update already in progress");
	ck_assert_int_eq(o.stages, 1);
	broker_respond(UPDATE, "ferry-" A "-7-0123456789abcdef", NULL);
	ck_assert_int_eq(o.progress, 1000);
	ck_assert_uint_eq(broker_count_of(UPDATE), 0);
	close_owner(&o);
}
END_TEST

START_TEST(session_withdrawn_aborts_what_an_earlier_run_has_begun)
{
	struct owner o = {0};

	go_up();
	offer(&o, A, 2, ENGINE_STAGE_TRANSFER, false);
	session_withdraw(o.session);
	broker_turn();
	ck_assert_int_eq(o.results, 0);
	fail_check("OTA update or check for update already in progress");
	ck_assert_uint_eq(broker_count_of(UPDATE "/abort"), 1);
	broker_respond(UPDATE, "ferry-" A "-7-0123456789abcdef", "was aborted");
	ck_assert_int_eq(o.outcome, ENGINE_WITHDRAWN);
	close_owner(&o);
}
END_TEST

START_TEST(session_hands_over_again_what_zigbee2mqtt_has_forgotten)
{
	struct owner o = {0};

	go_up();
	begin_update(&o);
	broker_hear("bridge/state", "{\"state\":\"offline\"}");
	broker_hear("bridge/state", "{\"state\":\"online\"}");
	answer_probe();
	answer_check("lamp1", 1);
	ck_assert_int_eq(o.results, 0);
	ck_assert_int_eq(o.stages, 2);
	session_go(o.session, ENGINE_STAGE_TRANSFER, false);
	broker_turn();
	ck_assert_uint_eq(broker_count_of(UPDATE), 2);
	close_owner(&o);
}
END_TEST

START_TEST(session_hands_over_again_three_times_at_most)
{
	struct owner o = {0};

	go_up();
	begin_update(&o);
	for (int i = 0; i < 3 && !o.results; i++) {
		broker_hear("bridge/state", "{\"state\":\"offline\"}");
		broker_hear("bridge/state", "{\"state\":\"online\"}");
		answer_probe();
		answer_check("lamp1", 1);
		if (!o.results)
			session_go(o.session, ENGINE_STAGE_TRANSFER, false);
		broker_turn();
	}
	ck_assert_uint_eq(broker_count_of(UPDATE), 3);
	ck_assert_int_eq(o.failure.code, ERR_DELEGATE_FAILED);
	close_owner(&o);
}
END_TEST

START_TEST(session_that_is_refused_says_so)
{
	struct owner o = {0};

	go_up();
	begin_update(&o);
	broker_respond(UPDATE, broker_transaction(UPDATE),
		"Update failed (No image currently available)");
	ck_assert_int_eq(o.failure.code, ERR_DELEGATE_REFUSED);
	close_owner(&o);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delegate_session");
	TCase *tc = tcase_create("delegate_session");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc,
		delegate_that_says_online_is_not_up_before_it_answers);
	tcase_add_test(tc,
		delegate_answer_to_another_question_does_not_make_it_up);
	tcase_add_test(tc, delegate_retained_answer_does_not_make_it_up);
	tcase_add_test(tc, delegate_offline_is_down_and_its_next_answer_up);
	tcase_add_test(tc, delegate_without_broker_is_down);
	tcase_add_test(tc, delegate_takes_no_message_of_another_topic);
	tcase_add_test(tc, session_is_told_the_version_that_the_check_brought);
	tcase_add_test(tc, session_of_device_that_runs_it_already_is_done);
	tcase_add_test(tc, session_does_not_believe_an_answer_to_another_check);
	tcase_add_test(tc, sessions_of_two_devices_find_their_own_answers);
	tcase_add_test(tc, session_of_renamed_device_reads_its_new_topic);
	tcase_add_test(tc, session_of_silent_device_fails_with_its_words);
	tcase_add_test(tc,
		session_of_sleeper_waits_and_asks_when_something_comes_from_it);
	tcase_add_test(tc, sessions_ask_eight_devices_at_a_time);
	tcase_add_test(tc, session_of_device_that_others_update_waits_its_turn);
	tcase_add_test(tc, session_withdrawn_while_it_asks_ends_at_once);
	tcase_add_test(tc, session_whose_link_goes_while_it_asks_has_no_link);
	tcase_add_test(tc, session_refuses_an_older_image_that_nobody_ordered);
	tcase_add_test(tc, session_orders_an_older_image_by_the_topic_for_it);
	tcase_add_test(tc,
		session_is_done_when_the_device_tells_the_new_version);
	tcase_add_test(tc,
		session_does_not_take_the_version_of_the_image_for_the_devices);
	tcase_add_test(tc, orders_of_a_job_have_transactions_of_their_own);
	tcase_add_test(tc, session_follows_what_an_earlier_run_has_begun);
	tcase_add_test(tc,
		session_withdrawn_aborts_what_an_earlier_run_has_begun);
	tcase_add_test(tc,
		session_hands_over_again_what_zigbee2mqtt_has_forgotten);
	tcase_add_test(tc, session_hands_over_again_three_times_at_most);
	tcase_add_test(tc, session_that_is_refused_says_so);
	tcase_add_loop_test(tc,
		session_does_not_take_the_end_of_another_order_for_its_own, 0,
		(int)(sizeof(foreign) / sizeof(foreign[0])));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

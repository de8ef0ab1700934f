#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "gateway/relay/session.h"
#include "tests/unit/gateway/script_engine.h"
#include "transports/serial/serial.h"

/* A session with a scripted engine over the real serial driver on a PTY. Its
 * port is a symbolic link, so that a device can come back as another PTY. */

/* ---- the port ---- */

static uv_loop_t loop;
static char folder[64];
static char port[96];
static int master = -1;
static struct transport_driver *driver;
static struct transport *transport;
static bool is_up;
static struct session *session;
static struct session *owner_of; /* whom messages are passed to */

static void plug(void)
{
	char name[128];
	struct termios raw;
	int slave;

	ck_assert_int_eq(openpty(&master, &slave, name, NULL, NULL), 0);
	ck_assert_int_eq(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &raw), 0);
	close(slave);
	fcntl(master, F_SETFL, O_NONBLOCK);
	unlink(port);
	ck_assert_int_eq(symlink(name, port), 0);
}

static void unplug(void)
{
	close(master);
	master = -1;
	unlink(port);
}

static void on_up(void *arg, const struct ferry_link *record)
{
	(void)arg;
	(void)record;
	is_up = true;
}

static void on_message(void *arg, const struct ferry_message *message)
{
	(void)arg;
	if (owner_of && session_owns(owner_of, transport, message->link))
		session_message(owner_of, message);
}

static void on_down(void *arg, uint64_t link, int status, const char *text,
	int64_t restart_ms)
{
	(void)arg;
	(void)status;
	(void)text;
	(void)restart_ms;
	if (link == 0)
		is_up = false;
	else if (owner_of && session_owns(owner_of, transport, link))
		session_link_down(owner_of);
}

static const struct transport_events events = {
	.on_up = on_up,
	.on_message = on_message,
	.on_down = on_down,
};

/* ---- the owner ---- */

enum place { AT_NOWHERE, AT_UP, AT_STAGE, AT_PROGRESS, AT_FACTS, AT_RESULT };

static struct {
	enum place close_at;
	bool go;
	bool is_nowhere;   /* locate finds nothing */
	const char *peer;
	const struct engine_image *image;
	const char *prefix;
	unsigned located;
	unsigned ups, stages, results, closes, calls_after_close;
	enum engine_outcome outcome;
	int code;
	char version[40];
	bool closing;
} owner;

static void on_closed(void *arg)
{
	ck_assert_ptr_eq(arg, &owner);
	owner.closes++;
}

static void close_session(void)
{
	struct session *s = session;

	session = NULL;
	owner_of = NULL;
	owner.closing = true;
	session_close(s, on_closed, &owner);
}

static void called(enum place place)
{
	owner.calls_after_close += owner.closing;
	if (owner.close_at == place && session)
		close_session();
}

static void owner_up(void *arg)
{
	(void)arg;
	owner.ups++;
	called(AT_UP);
}

static void owner_stage(void *arg, enum engine_stage stage,
	const struct engine_facts *facts)
{
	(void)arg;
	owner.stages++;
	ck_assert_str_eq(facts->version, script_facts.version);
	if (owner.go)
		session_go(session, stage, stage == ENGINE_STAGE_CONFIRM);
	called(AT_STAGE);
}

static void owner_progress(void *arg, uint64_t offset, uint64_t total)
{
	(void)arg;
	(void)offset;
	(void)total;
	called(AT_PROGRESS);
}

static void owner_facts(void *arg, const struct engine_facts *facts)
{
	(void)arg;
	snprintf(owner.version, sizeof(owner.version), "%s", facts->version);
	called(AT_FACTS);
}

static void owner_result(void *arg, const struct session_result *result)
{
	(void)arg;
	owner.results++;
	owner.outcome = result->outcome;
	owner.code = result->failure ? result->failure->code : 0;
	ck_assert_ptr_nonnull(result->facts);
	called(AT_RESULT);
}

static int owner_locate(void *arg, struct transport **ret_transport,
	char *ret_peer, size_t size)
{
	(void)arg;
	owner.located++;
	owner.calls_after_close += owner.closing;
	if (!is_up || owner.is_nowhere)
		return -EAGAIN;
	*ret_transport = transport;
	snprintf(ret_peer, size, "%s", owner.peer);
	return 0;
}

static const struct session_events owner_events = {
	.on_up = owner_up,
	.on_stage = owner_stage,
	.on_progress = owner_progress,
	.on_facts = owner_facts,
	.on_result = owner_result,
	.locate = owner_locate,
};

static void open_session(uint32_t connect_ms, uint32_t lost_ms)
{
	struct session_setup setup = {
		.loop = &loop,
		.engine = &script_engine,
		.options = "",
		.connect_ms = connect_ms,
		.lost_ms = lost_ms,
		.job = 7,
		.goal = ENGINE_GOAL_UPDATE,
		.reached = 2,
		.image = owner.image,
		.prefix = bytes_of_text(owner.prefix),
		.events = &owner_events,
		.arg = &owner,
	};

	ck_assert_int_eq(session_open(&setup, &session, NULL), 0);
	owner_of = session;
}

static void setup(void)
{
	struct ferry_kv kv = {"port", port};
	struct transport_config config = {
		.name = "line",
		.kv = &kv,
		.kv_count = 1,
		.restart_min_ms = 10,
		.restart_max_ms = 50,
		.events = &events,
	};

	script_begin();
	memset(&owner, 0, sizeof(owner));
	owner.peer = "port";
	snprintf(folder, sizeof(folder), "/tmp/ferry-session-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(port, sizeof(port), "%s/port", folder);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	plug();
	ck_assert_int_eq(transport_driver_admit(serial_driver(), &driver,
		NULL), 0);
	config.driver = driver;
	ck_assert_int_eq(transport_open(&loop, &config, &transport, NULL), 0);
}

static void teardown(void)
{
	if (session)
		close_session();
	while (owner.closing && !owner.closes)
		uv_run(&loop, UV_RUN_ONCE);
	transport_close(transport, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(script.alive, 0);
	ck_assert_uint_eq(owner.calls_after_close, 0);
	ck_assert_uint_le(owner.closes, 1);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	transport_driver_free(driver);
	if (master >= 0)
		unplug();
	rmdir(folder);
}

/* Until `text` is in the engine's log. */
static void until_log(const char *text)
{
	while (!strstr(script.log, text))
		uv_run(&loop, UV_RUN_ONCE);
}

static void until_result(void)
{
	while (!owner.results)
		uv_run(&loop, UV_RUN_ONCE);
}

static void until_closed(void)
{
	while (!owner.closes)
		uv_run(&loop, UV_RUN_ONCE);
}

/* ---- tests ---- */

START_TEST(test_open_offers_then_says_that_the_link_is_up)
{
	open_session(10000, 1000);
	until_log("up ");
	ck_assert_str_eq(script.log, "offer:2 up ");
	ck_assert_uint_eq(owner.ups, 1);
}
END_TEST

START_TEST(test_open_refused_options_leave_nothing)
{
	struct session_setup bad = {.loop = &loop, .engine = &script_engine,
		.options = "bad=1", .events = &owner_events};
	struct fault fault = {0};
	struct session *none = NULL;

	ck_assert_int_eq(session_open(&bad, &none, &fault), ERR_CLASS_INVALID);
	ck_assert_ptr_null(none);
	ck_assert_str_eq(fault.field, "options");
}
END_TEST

static void send_frame(const struct engine_event *event)
{
	if (event->type == ENGINE_UP)
		script_tx(1, "", 0);
}

START_TEST(test_tx_reaches_the_line_and_is_told_sent)
{
	char text[16] = "";

	script.react = send_frame;
	open_session(10000, 1000);
	until_log("sent:1:0 ");
	ck_assert_int_eq(read(master, text, sizeof(text) - 1), 5);
	ck_assert_str_eq(text, "frame");
}
END_TEST

START_TEST(test_rx_reaches_the_engine)
{
	open_session(10000, 1000);
	until_log("up ");
	ck_assert_int_eq(write(master, "pong", 4), 4);
	until_log("rx:pong ");
}
END_TEST

static void ask_for_image(const struct engine_event *event)
{
	if (event->type == ENGINE_UP)
		script_need_image(7, 0, 10);
}

START_TEST(test_need_image_without_image_is_an_error)
{
	script.react = ask_for_image;
	open_session(10000, 1000);
	until_log("image:-22 ");
}
END_TEST

START_TEST(test_need_image_before_the_cached_part_is_from_the_prefix)
{
	static const struct engine_image whole = {.len = 10};

	owner.image = &whole;
	owner.prefix = "env";
	script.react = ask_for_image;
	open_session(10000, 1000);
	until_log("image:0:env ");
}
END_TEST

static void announce(const struct engine_event *event)
{
	if (event->type == ENGINE_UP)
		script_stage(7, ENGINE_STAGE_CONFIRM);
	if (event->type == ENGINE_GO)
		script_result(7, ENGINE_DONE);
}

START_TEST(test_go_from_on_stage_reaches_the_engine)
{
	owner.go = true;
	script.react = announce;
	open_session(10000, 1000);
	until_result();
	ck_assert_str_eq(script.log, "offer:2 up go:4:skip ");
	ck_assert_int_eq((int)owner.outcome, ENGINE_DONE);
}
END_TEST

static void stop_when_asked(const struct engine_event *event)
{
	if (event->type == ENGINE_WITHDRAW)
		script_result(7, ENGINE_WITHDRAWN);
}

START_TEST(test_withdraw_ends_with_the_engines_result)
{
	script.react = stop_when_asked;
	open_session(10000, 1000);
	until_log("up ");
	session_withdraw(session);
	until_result();
	ck_assert_int_eq((int)owner.outcome, ENGINE_WITHDRAWN);
}
END_TEST

START_TEST(test_result_makes_the_session_idle)
{
	script.react = stop_when_asked;
	open_session(10000, 1000);
	until_log("up ");
	session_withdraw(session);
	until_result();
	session_withdraw(session);
	session_go(session, ENGINE_STAGE_TRANSFER, false);
	session_poke(session);
	ck_assert_str_eq(script.log, "offer:2 up withdraw ");
	ck_assert_uint_eq(owner.results, 1);
}
END_TEST

START_TEST(test_absent_device_ends_without_link)
{
	owner.is_nowhere = true;
	open_session(60, 1000);
	until_result();
	ck_assert_int_eq((int)owner.outcome, ENGINE_FAILED);
	ck_assert_int_eq(owner.code, ERR_JOB_NO_LINK);
	ck_assert_str_eq(script.log, "offer:2 ");
}
END_TEST

/* A connect that fails at once is repeated at a pace. */
START_TEST(test_unknown_peer_is_not_tried_without_a_pause)
{
	while (!is_up)
		uv_run(&loop, UV_RUN_ONCE);
	owner.peer = "nobody";
	open_session(700, 1000);
	until_result();
	ck_assert_int_eq(owner.code, ERR_JOB_NO_LINK);
	ck_assert_uint_le(owner.located, 6);
}
END_TEST

START_TEST(test_lost_link_is_followed_to_another_port)
{
	open_session(10000, 10000);
	until_log("up ");
	unplug();
	until_log("down ");
	plug();
	until_log("down up ");
	ck_assert_uint_eq(owner.ups, 1);
	ck_assert_int_eq(write(master, "back", 4), 4);
	until_log("rx:back ");
}
END_TEST

START_TEST(test_lost_link_that_stays_away_ends_with_a_timeout)
{
	open_session(10000, 80);
	until_log("up ");
	unplug();
	until_result();
	ck_assert_int_eq((int)owner.outcome, ENGINE_FAILED);
	ck_assert_int_eq(owner.code, ERR_JOB_TIMEOUT);
}
END_TEST

static void expect_restart(const struct engine_event *event)
{
	if (event->type == ENGINE_UP)
		script_push((struct engine_command){
			.type = ENGINE_CMD_RECONNECT,
			.reconnect = {.within_ms = 80, .expect_down = true}});
}

START_TEST(test_reconnect_limits_the_next_absence)
{
	script.react = expect_restart;
	open_session(10000, 3600 * 1000);
	until_log("up ");
	unplug();
	until_result();
	ck_assert_int_eq(owner.code, ERR_JOB_TIMEOUT);
}
END_TEST

/* ---- closing, whenever ---- */

static void everything(const struct engine_event *event)
{
	if (event->type != ENGINE_UP)
		return;
	script_tx(1, "", 0);
	script_push((struct engine_command){.type = ENGINE_CMD_FACTS,
		.facts = {.job = 7, .facts = &script_facts}});
	script_push((struct engine_command){.type = ENGINE_CMD_PROGRESS,
		.progress = {.job = 7, .offset = 1, .total = 2}});
	script_stage(7, ENGINE_STAGE_TRANSFER);
	script_tx(2, "", 0);
	script_result(7, ENGINE_DONE);
}

START_TEST(test_close_in_a_callback_is_the_last_one)
{
	owner.close_at = (enum place)_i;
	owner.go = true;
	script.react = everything;
	open_session(10000, 1000);
	until_closed();
	ck_assert_uint_eq(script.alive, 0);
}
END_TEST

START_TEST(test_close_before_anything_happened)
{
	open_session(10000, 1000);
	close_session();
	ck_assert_uint_eq(owner.closes, 0);
	until_closed();
	ck_assert_str_eq(script.log, "offer:2 ");
}
END_TEST

START_TEST(test_close_while_connecting)
{
	while (!is_up)
		uv_run(&loop, UV_RUN_ONCE);
	open_session(10000, 1000);
	while (!owner.located)
		uv_run(&loop, UV_RUN_ONCE);
	close_session();
	until_closed();
	ck_assert_uint_eq(owner.results, 0);
}
END_TEST

START_TEST(test_close_after_the_line_was_unplugged)
{
	open_session(10000, 10000);
	until_log("up ");
	unplug();
	close_session();
	until_closed();
	ck_assert_ptr_null(strstr(script.log, "down"));
}
END_TEST

START_TEST(test_close_while_sends_wait)
{
	open_session(10000, 1000);
	until_log("up ");
	for (uint64_t id = 1; id < 16; id++)
		script_tx(id, "", 0);
	session_withdraw(session); /* makes it take the commands */
	close_session();
	until_closed();
}
END_TEST

START_TEST(test_close_then_open_gets_the_same_port)
{
	open_session(10000, 1000);
	until_log("up ");
	close_session();
	until_closed();
	memset(&owner, 0, sizeof(owner));
	memset(script.log, 0, sizeof(script.log));
	owner.peer = "port";
	open_session(10000, 1000);
	until_log("up ");
}
END_TEST

START_TEST(test_close_null_calls_nobody)
{
	session_close(NULL, on_closed, &owner);
	ck_assert_uint_eq(owner.closes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *c = tcase_create("session");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_open_offers_then_says_that_the_link_is_up);
	tcase_add_test(c, test_open_refused_options_leave_nothing);
	tcase_add_test(c, test_tx_reaches_the_line_and_is_told_sent);
	tcase_add_test(c, test_rx_reaches_the_engine);
	tcase_add_test(c, test_need_image_without_image_is_an_error);
	tcase_add_test(c,
		test_need_image_before_the_cached_part_is_from_the_prefix);
	tcase_add_test(c, test_go_from_on_stage_reaches_the_engine);
	tcase_add_test(c, test_withdraw_ends_with_the_engines_result);
	tcase_add_test(c, test_result_makes_the_session_idle);
	tcase_add_test(c, test_absent_device_ends_without_link);
	tcase_add_test(c, test_unknown_peer_is_not_tried_without_a_pause);
	tcase_add_test(c, test_lost_link_is_followed_to_another_port);
	tcase_add_test(c, test_lost_link_that_stays_away_ends_with_a_timeout);
	tcase_add_test(c, test_reconnect_limits_the_next_absence);
	suite_add_tcase(suite, c);
	c = tcase_create("close");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_close_in_a_callback_is_the_last_one, AT_UP,
		AT_RESULT + 1);
	tcase_add_test(c, test_close_before_anything_happened);
	tcase_add_test(c, test_close_while_connecting);
	tcase_add_test(c, test_close_after_the_line_was_unplugged);
	tcase_add_test(c, test_close_while_sends_wait);
	tcase_add_test(c, test_close_then_open_gets_the_same_port);
	tcase_add_test(c, test_close_null_calls_nobody);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

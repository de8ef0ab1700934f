#include "tests/unit/unit.h"

#include <errno.h>
#include <stdarg.h>
#include <uv.h>

#include "gateway/relay/network.h"
#include "tests/unit/gateway/pretended_radio.h"
#include "tests/unit/gateway/script_engine.h"

/* A network with a scripted engine over a pretended radio. */

/* ---- the owner ---- */

static uv_loop_t loop;
static struct transport_driver *driver;
static struct transport *transport;
static struct network *network;
static struct session *session;

static struct {
	char log[1024];
	unsigned results, closes;
	enum engine_outcome outcome;
	uint64_t bytes_sent;
	uint32_t security;
	bool go;
} owner;

static void owner_note(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void owner_note(const char *format, ...)
{
	size_t n = strlen(owner.log);
	va_list args;

	va_start(args, format);
	vsnprintf(owner.log + n, sizeof(owner.log) - n, format, args);
	va_end(args);
}

static void on_up(void *arg, const struct ferry_link *record)
{
	(void)arg;
	(void)record;
	network_up(network, transport);
}

static void on_message(void *arg, const struct ferry_message *message)
{
	(void)arg;
	if (network_owns(network, message->link))
		network_message(network, message);
}

static void on_down(void *arg, uint64_t link, int status, const char *text,
	int64_t restart_ms)
{
	(void)arg;
	(void)text;
	(void)restart_ms;
	if (link == 0)
		network_down(network);
	else if (network_owns(network, link))
		network_link_down(network, status);
}

static const struct transport_events transport_events = {
	.on_up = on_up,
	.on_message = on_message,
	.on_down = on_down,
};

static void net_facts(void *arg, const char *peer,
	const struct engine_facts *f)
{
	(void)arg;
	owner_note("facts:%s:%s ", peer, f->version);
}

static void net_peer(void *arg, const struct engine_peer *peer)
{
	(void)arg;
	owner_note("peer:%s:%zu:%s ", peer->key, peer->attribute_count,
		peer->attribute_count ? peer->attributes[0].value : "");
}

static void net_link(void *arg, bool up, int status)
{
	(void)arg;
	(void)status;
	owner_note(up ? "link " : "no-link ");
}

static const struct network_events network_events = {
	.on_facts = net_facts,
	.on_peer = net_peer,
	.on_link = net_link,
};

static void own_stage(void *arg, enum engine_stage stage,
	const struct engine_facts *f)
{
	ck_assert_str_eq(f->version, "0x00000002");
	owner_note("%s:stage:%d ", (const char *)arg, (int)stage);
	if (owner.go)
		session_go(session, stage, false);
}

static void own_progress(void *arg, uint64_t offset, uint64_t total)
{
	owner_note("%s:progress:%llu/%llu ", (const char *)arg,
		(unsigned long long)offset, (unsigned long long)total);
}

static void own_facts(void *arg, const struct engine_facts *f)
{
	owner_note("%s:facts:%s ", (const char *)arg, f->version);
}

static void own_wait(void *arg, enum engine_wait wait, int64_t until_ms)
{
	(void)until_ms;
	owner_note("%s:wait:%d ", (const char *)arg, (int)wait);
}

static void own_result(void *arg, const struct session_result *result)
{
	owner_note("%s:result:%d ", (const char *)arg, (int)result->outcome);
	owner.results++;
	owner.bytes_sent = result->bytes_sent;
	owner.security = result->security;
}

static void own_closed(void *arg)
{
	(void)arg;
	owner.closes++;
}

static const struct session_events session_events = {
	.on_stage = own_stage,
	.on_progress = own_progress,
	.on_facts = own_facts,
	.on_wait = own_wait,
	.on_result = own_result,
};

static int offer(const char *peer, const struct engine_image *image,
	struct session **ret)
{
	struct session_setup setup = {
		.options = "activate=now",
		.job = 7,
		.goal = image ? ENGINE_GOAL_UPDATE : ENGINE_GOAL_INVENTORY,
		.reached = ENGINE_STAGE_TRANSFER,
		.image = image,
		.prefix = bytes_of_text(image ? "prefix" : ""),
		.allow_downgrade = image != NULL,
		.events = &session_events,
		.arg = (void *)(uintptr_t)peer,
	};

	return network_offer(network, peer, &setup, ret);
}

static void close_session(struct session *s)
{
	unsigned before = owner.closes;

	session_close(s, own_closed, NULL);
	ck_assert_uint_eq(owner.closes, before);
	while (owner.closes == before)
		uv_run(&loop, UV_RUN_ONCE);
}

/* ---- the world ---- */

static void open_network(unsigned budget_pct)
{
	struct network_setup setup = {
		.loop = &loop,
		.engine = &script_network,
		.options = "",
		.budget_pct = budget_pct,
		.events = &network_events,
	};
	struct transport_config config = {
		.name = "radio",
		.driver = driver,
		.restart_min_ms = 5,
		.restart_max_ms = 10,
		.events = &transport_events,
	};

	ck_assert_int_eq(network_open(&setup, &network, NULL), 0);
	ck_assert_int_eq(transport_open(&loop, &config, &transport, NULL), 0);
}

static void setup(void)
{
	script_begin();
	memset(&radio, 0, sizeof(radio));
	memset(&owner, 0, sizeof(owner));
	session = NULL;
	network = NULL;
	transport = NULL;
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert_int_eq(transport_driver_admit(&radio_driver, &driver, NULL),
		0);
}

static void teardown(void)
{
	if (session)
		close_session(session);
	network_close(network);
	network = NULL;
	if (transport)
		transport_close(transport, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(script.alive, 0);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	transport_driver_free(driver);
}

static void until(const char *log, const char *text)
{
	while (!strstr(log, text))
		uv_run(&loop, UV_RUN_ONCE);
}

static void until_up(void)
{
	until(script.log, "up ");
	script.log[0] = '\0';
}

/* What is due now happens; nothing else. */
static void turn(void)
{
	for (int i = 0; i < 8; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}

/* ---- tests ---- */

START_TEST(test_open_connects_with_the_channels_of_the_engine)
{
	open_network(0);
	until_up();
	ck_assert_uint_eq(script.max_payload, 82);
	ck_assert_str_eq(radio.spec, "0:cluster=25 0:role=server 1:cluster=0 ");
	ck_assert_str_eq(owner.log, "link ");
}
END_TEST

START_TEST(test_open_refuses_an_engine_of_another_scope)
{
	struct engine_ops other = script_network;
	struct network_setup bad = {.loop = &loop, .engine = &other};
	struct network *none = NULL;

	other.network = false;
	ck_assert_int_eq(network_open(&bad, &none, NULL), -EINVAL);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(test_open_refused_options_leave_nothing)
{
	struct network_setup bad = {.loop = &loop, .engine = &script_network,
		.options = "bad=1"};
	struct network *none = NULL;
	struct fault fault = {0};

	ck_assert_int_eq(network_open(&bad, &none, &fault), ERR_CLASS_INVALID);
	ck_assert_str_eq(fault.field, "options");
}
END_TEST

START_TEST(test_refused_connect_is_tried_again)
{
	radio.refuse = true;
	open_network(0);
	until(owner.log, "no-link ");
	radio.refuse = false;
	until_up();
	ck_assert_uint_eq(radio.connects, 2);
}
END_TEST

START_TEST(test_message_of_anybody_reaches_the_engine)
{
	open_network(0);
	until_up();
	radio_hears("0000000000000001", "hello", 0);
	until(script.log, "rx:0000000000000001:1:re:hello ");
}
END_TEST

START_TEST(test_tx_goes_to_its_peer_and_is_told_sent)
{
	open_network(0);
	until_up();
	script_tx(1, "0000000000000001", 0);
	script_push((struct engine_command){.type = ENGINE_CMD_TX,
		.tx = {.id = 2, .reply = bytes_of_text("re"),
			.data = bytes_of_text("frame")}});
	radio_hears("0000000000000001", "go", 0);
	while (radio.taken < 2)
		uv_run(&loop, UV_RUN_ONCE);
	ck_assert_str_eq(radio.to[0], "0000000000000001");
	ck_assert_str_eq(radio.to[1], "(reply)");
	radio_finish(0, 0);
	until(script.log, "sent:1:0 sent:2:0 ");
}
END_TEST

START_TEST(test_tx_waits_in_the_engine_while_the_window_is_full)
{
	open_network(0);
	until_up();
	for (unsigned i = 1; i <= 100; i++)
		script_tx(i, "0000000000000001", 0);
	radio_hears("0000000000000001", "go", 0);
	while (radio.taken < RADIO_WINDOW)
		uv_run(&loop, UV_RUN_ONCE);
	turn();
	ck_assert_uint_eq(radio.taken, RADIO_WINDOW);
	ck_assert_uint_eq(script.head, RADIO_WINDOW);
	while (script.head < 100) {
		radio_finish(0, 0);
		uv_run(&loop, UV_RUN_ONCE);
	}
	radio_finish(0, 0);
	until(script.log, "sent:100:0 ");
}
END_TEST

/* The engine keeps to its budget; one that does not is held back all the same,
 * in order. */
START_TEST(test_tx_beyond_the_airtime_waits_for_it)
{
	open_network(100);
	until_up();
	script_tx(1, "0000000000000001", 499000);
	script_tx(2, "0000000000000001", 20000);
	script_tx(3, "0000000000000001", 1000);
	radio_hears("0000000000000001", "go", 0);
	while (radio.taken < 1)
		uv_run(&loop, UV_RUN_ONCE);
	ck_assert_uint_eq(radio.taken, 1);
	while (radio.taken < 3)
		uv_run(&loop, UV_RUN_ONCE);
	radio_finish(0, 1000);
	until(script.log, "sent:1:0 sent:2:0 sent:3:0 ");
}
END_TEST

START_TEST(test_budget_is_told_and_grows_again)
{
	unsigned told;

	script.wants_us = 100000;
	open_network(50);
	until_up();
	while (!script.budgets)
		uv_run(&loop, UV_RUN_ONCE);
	ck_assert_uint_eq(script.left_us, 250000);
	script_tx(1, "0000000000000001", 200000);
	radio_hears("0000000000000001", "go", 0);
	while (radio.taken < 1)
		uv_run(&loop, UV_RUN_ONCE);
	told = script.budgets;
	while (script.budgets == told)
		uv_run(&loop, UV_RUN_ONCE);
	ck_assert_uint_ge(script.left_us, 100000);
	script.wants_us = 250000;
	radio_finish(0, 200000);
	while (script.left_us < 250000)
		uv_run(&loop, UV_RUN_ONCE);
}
END_TEST

/* As over many hops with a small budget: it would wait for ever. */
START_TEST(test_frame_longer_than_the_radio_holds_may_go_when_all_is_there)
{
	script.wants_us = 40000;
	open_network(1);
	until_up();
	while (script.left_us < 40000)
		uv_run(&loop, UV_RUN_ONCE);
	ck_assert_uint_eq(script.left_us, 40000);
	script.wants_us = 0;
	script_tx(1, "0000000000000001", 40000);
	radio_hears("0000000000000001", "go", 0);
	while (radio.taken < 1)
		uv_run(&loop, UV_RUN_ONCE);
	radio_finish(0, 40000);
	until(script.log, "sent:1:0 ");
}
END_TEST

START_TEST(test_engine_that_waits_for_no_airtime_is_left_alone)
{
	int timeout_ms;

	open_network(50);
	until_up();
	script_tx(1, "0000000000000001", 200000);
	radio_hears("0000000000000001", "go", 0);
	while (radio.taken < 1)
		uv_run(&loop, UV_RUN_ONCE);
	radio_finish(0, 200000);
	until(script.log, "sent:1:0 ");
	for (unsigned i = 0; i < 10; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	timeout_ms = uv_backend_timeout(&loop);
	ck_assert(timeout_ms < 0 || timeout_ms > 5000);
}
END_TEST

START_TEST(test_received_frames_are_charged)
{
	struct network_numbers n;

	open_network(50);
	until_up();
	radio_hears("0000000000000001", "hello", 100000);
	until(script.log, "rx:");
	network_count(network, &n);
	ck_assert_uint_eq(n.airtime.received_bp, 100);
	ck_assert_uint_eq(n.frames_in, 1);
}
END_TEST

START_TEST(test_no_limit_is_told_once)
{
	open_network(0);
	until_up();
	radio_hears("0000000000000001", "one", 5000);
	radio_hears("0000000000000001", "two", 5000);
	until(script.log, "two ");
	ck_assert_uint_eq(script.budgets, 1);
	ck_assert_uint_eq(script.left_us, UINT32_MAX);
}
END_TEST

START_TEST(test_peers_and_quirks_reach_the_engine_before_it_is_up)
{
	struct network_peer peer = {.key = "0000000000000001", .sleepy = true,
		.joined = true};

	open_network(0);
	network_quirks(network, "acme", bytes_of_text("rows"));
	network_peer(network, &peer);
	ck_assert_str_eq(script.log,
		"quirks:acme:4 peer:0000000000000001:sleepy:joined ");
}
END_TEST

START_TEST(test_what_peers_are_is_passed_on)
{
	static const struct engine_attribute attributes[] = {
		{"manufacturer", "0x1021"}};

	open_network(0);
	until_up();
	script_push((struct engine_command){.type = ENGINE_CMD_PEER,
		.peer = {.key = "0000000000000001",
			.attributes = attributes, .attribute_count = 1}});
	script_push((struct engine_command){.type = ENGINE_CMD_FACTS,
		.facts = {.facts = &script_facts, .peer = "0000000000000002"}});
	radio_hears("0000000000000001", "go", 0);
	until(owner.log, "peer:0000000000000001:1:0x1021 "
		"facts:0000000000000002:0x00000002 ");
}
END_TEST

START_TEST(test_deadline_of_the_engine_is_kept)
{
	open_network(0);
	until_up();
	script.deadline = (int64_t)uv_now(&loop) + 20;
	radio_hears("0000000000000001", "go", 0);
	until(script.log, "time ");
	ck_assert_int_eq(script.deadline, ENGINE_NEVER);
}
END_TEST

/* ---- members ---- */

START_TEST(test_offer_tells_all_and_one_a_peer)
{
	static const struct engine_image image = {.len = 100};
	struct session *other;

	open_network(0);
	ck_assert_int_eq(offer("0000000000000001", &image, &session), 0);
	ck_assert_str_eq(script.log,
		"offer:0000000000000001:0:activate=now:down ");
	ck_assert_int_eq(offer("0000000000000001", NULL, &other), -EBUSY);
	ck_assert_int_eq(offer("", NULL, &other), -EINVAL);
}
END_TEST

START_TEST(test_members_get_what_is_theirs)
{
	struct session *other;

	open_network(0);
	until_up();
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	ck_assert_int_eq(offer("b", NULL, &other), 0);
	script_push((struct engine_command){.type = ENGINE_CMD_PROGRESS,
		.progress = {script.offers[1], 5, 9}});
	script_push((struct engine_command){.type = ENGINE_CMD_WAIT,
		.wait = {script.offers[0], ENGINE_WAIT_WAKE, ENGINE_NEVER}});
	script_push((struct engine_command){.type = ENGINE_CMD_FACTS,
		.facts = {script.offers[1], &script_facts, "b"}});
	script_result(script.offers[1], ENGINE_DONE);
	turn();
	ck_assert_str_eq(owner.log, "link b:progress:5/9 a:wait:1 "
		"b:facts:0x00000002 facts:b:0x00000002 b:result:0 ");
	ck_assert_uint_eq(owner.security, FERRY_SECURITY_NETWORK);
	close_session(other);
}
END_TEST

START_TEST(test_stage_goes_on_with_go)
{
	open_network(0);
	until_up();
	owner.go = true;
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	script_stage(script.offers[0], ENGINE_STAGE_TRANSFER);
	turn();
	ck_assert_str_eq(owner.log, "link a:stage:0 ");
	ck_assert_ptr_nonnull(strstr(script.log, "go:0 "));
	ck_assert_uint_eq(session_security(session), FERRY_SECURITY_NETWORK);
}
END_TEST

/* A callback may not come before the owner has its session. */
START_TEST(test_result_never_comes_from_inside_the_offer)
{
	open_network(0);
	until_up();
	script_result((uint64_t)1 << 12, ENGINE_DONE);
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	ck_assert_uint_eq(script.offers[0], (uint64_t)1 << 12);
	ck_assert_uint_eq(owner.results, 0);
	turn();
	ck_assert_uint_eq(owner.results, 1);
}
END_TEST

START_TEST(test_image_comes_from_the_prefix)
{
	static const struct engine_image image = {.len = 100};

	open_network(0);
	ck_assert_int_eq(offer("a", &image, &session), 0);
	script_need_image(script.offers[0], 3, 10);
	script_need_image(999 << 12, 0, 1);
	turn();
	ck_assert_ptr_nonnull(strstr(script.log, "image:0:fix image:-22 "));
}
END_TEST

START_TEST(test_close_withdraws_and_forgets)
{
	open_network(0);
	until_up();
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	close_session(session);
	ck_assert_ptr_nonnull(strstr(script.log, "withdraw "));
	script_result(script.offers[0], ENGINE_WITHDRAWN);
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	ck_assert_uint_ne(script.offers[1], script.offers[0]);
	turn();
	ck_assert_uint_eq(owner.results, 0);
}
END_TEST

START_TEST(test_close_after_the_result_withdraws_nothing)
{
	open_network(0);
	until_up();
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	script_result(script.offers[0], ENGINE_DONE);
	turn();
	close_session(session);
	session = NULL;
	ck_assert_ptr_null(strstr(script.log, "withdraw "));
}
END_TEST

START_TEST(test_withdraw_ends_with_the_engines_result)
{
	open_network(0);
	until_up();
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	session_withdraw(session);
	script_result(script.offers[0], ENGINE_WITHDRAWN);
	turn();
	ck_assert_str_eq(owner.log, "link a:result:3 ");
}
END_TEST

START_TEST(test_count_tells_what_members_do)
{
	struct session *other;
	struct network_numbers n;

	open_network(0);
	until_up();
	owner.go = true;
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	ck_assert_int_eq(offer("b", NULL, &other), 0);
	script_stage(script.offers[0], ENGINE_STAGE_TRANSFER);
	script_push((struct engine_command){.type = ENGINE_CMD_WAIT,
		.wait = {script.offers[1], ENGINE_WAIT_AIRTIME, ENGINE_NEVER}});
	turn();
	network_count(network, &n);
	ck_assert_uint_eq(n.offers, 2);
	ck_assert_uint_eq(n.downloads, 1);
	ck_assert_uint_eq(n.held, 1);
	close_session(other);
}
END_TEST

/* ---- the link goes and comes ---- */

START_TEST(test_offers_outlive_the_link)
{
	open_network(0);
	until_up();
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	radio_loses(radio.link);
	until(script.log, "down ");
	until(script.log, "up ");
	script_result(script.offers[0], ENGINE_DONE);
	radio_hears("a", "go", 0);
	while (!owner.results)
		uv_run(&loop, UV_RUN_ONCE);
	ck_assert_ptr_null(strstr(script.log, "withdraw "));
}
END_TEST

START_TEST(test_offers_outlive_the_instance)
{
	open_network(0);
	until_up();
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	radio_loses(0);
	until(script.log, "down ");
	until(script.log, "up ");
	ck_assert_uint_eq(owner.results, 0);
}
END_TEST

/* What was with the driver when the link went is over before the engine hears of
 * it, and what it sends while there is none fails. */
START_TEST(test_sends_over_a_lost_link_fail)
{
	open_network(0);
	until_up();
	script_tx(1, "a", 0);
	radio_hears("a", "go", 0);
	while (!radio.taken)
		uv_run(&loop, UV_RUN_ONCE);
	radio.refuse = true;
	radio_loses(radio.link);
	until(script.log, "down ");
	ck_assert_ptr_nonnull(strstr(script.log, "sent:1:-19 down "));
	script_tx(2, "a", 0);
	network_quirks(network, "", bytes_of(NULL, 0)); /* makes it look */
	until(script.log, "sent:2:-107 ");
}
END_TEST

START_TEST(test_pause_silences_and_resumes)
{
	open_network(0);
	until_up();
	ck_assert_int_eq(offer("a", NULL, &session), 0);
	network_pause(network, true);
	radio_hears("a", "deaf", 0);
	turn();
	ck_assert_ptr_null(strstr(script.log, "rx:"));
	network_pause(network, false);
	until(script.log, "down up ");
	radio_hears("a", "again", 0);
	until(script.log, "again ");
	ck_assert_uint_eq(radio.connects, 1);
}
END_TEST

START_TEST(test_close_while_frames_are_on_their_way)
{
	open_network(0);
	until_up();
	for (unsigned i = 1; i <= 40; i++)
		script_tx(i, "a", 0);
	radio_hears("a", "go", 0);
	while (radio.taken < RADIO_WINDOW)
		uv_run(&loop, UV_RUN_ONCE);
	network_close(network);
	network = NULL;
	ck_assert_uint_eq(script.alive, 1);
	transport_close(transport, NULL, NULL);
	transport = NULL;
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(script.alive, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network");
	TCase *c = tcase_create("network");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_open_connects_with_the_channels_of_the_engine);
	tcase_add_test(c, test_open_refuses_an_engine_of_another_scope);
	tcase_add_test(c, test_open_refused_options_leave_nothing);
	tcase_add_test(c, test_refused_connect_is_tried_again);
	tcase_add_test(c, test_message_of_anybody_reaches_the_engine);
	tcase_add_test(c, test_tx_goes_to_its_peer_and_is_told_sent);
	tcase_add_test(c, test_tx_waits_in_the_engine_while_the_window_is_full);
	tcase_add_test(c, test_tx_beyond_the_airtime_waits_for_it);
	tcase_add_test(c, test_budget_is_told_and_grows_again);
	tcase_add_test(c,
		test_frame_longer_than_the_radio_holds_may_go_when_all_is_there);
	tcase_add_test(c,
		test_engine_that_waits_for_no_airtime_is_left_alone);
	tcase_add_test(c, test_received_frames_are_charged);
	tcase_add_test(c, test_no_limit_is_told_once);
	tcase_add_test(c,
		test_peers_and_quirks_reach_the_engine_before_it_is_up);
	tcase_add_test(c, test_what_peers_are_is_passed_on);
	tcase_add_test(c, test_deadline_of_the_engine_is_kept);
	suite_add_tcase(suite, c);
	c = tcase_create("members");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_offer_tells_all_and_one_a_peer);
	tcase_add_test(c, test_members_get_what_is_theirs);
	tcase_add_test(c, test_stage_goes_on_with_go);
	tcase_add_test(c, test_result_never_comes_from_inside_the_offer);
	tcase_add_test(c, test_image_comes_from_the_prefix);
	tcase_add_test(c, test_close_withdraws_and_forgets);
	tcase_add_test(c, test_close_after_the_result_withdraws_nothing);
	tcase_add_test(c, test_withdraw_ends_with_the_engines_result);
	tcase_add_test(c, test_count_tells_what_members_do);
	suite_add_tcase(suite, c);
	c = tcase_create("link");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_offers_outlive_the_link);
	tcase_add_test(c, test_offers_outlive_the_instance);
	tcase_add_test(c, test_sends_over_a_lost_link_fail);
	tcase_add_test(c, test_pause_silences_and_resumes);
	tcase_add_test(c, test_close_while_frames_are_on_their_way);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

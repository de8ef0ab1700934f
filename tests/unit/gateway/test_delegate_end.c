/* How an update ends that zigbee2mqtt says little or the wrong thing about: the
 * broker and the copy of the image are played by the test. */
#include "tests/unit/gateway/played_broker.h"
#include "tests/unit/unit.h"

#include <string.h>

#include "devices/delegate.h"
#include "gateway/relay/delegate.h"
#include "gateway/relay/handover.h"

#define KEY "00124b0000000001"
#define CHECK "z/bridge/request/device/ota_update/check"
#define UPDATE "z/bridge/request/device/ota_update/update"
#define ABORT UPDATE "/abort"
#define BUSY "OTA update or check for update already in progress for 'lamp'"

/* ---- the copy ---- */

struct handover {
	struct handover_setup setup;
	uv_timer_t timer;
	bool ready;
	void (*on_closed)(void *arg);
	void *close_arg;
};

static unsigned checks;
static int check_status;

static void on_later(uv_timer_t *timer)
{
	struct handover *h = timer->data;

	if (h->ready) {
		h->setup.on_checked(h->setup.arg, check_status);
		return;
	}
	h->ready = true;
	h->setup.on_ready(h->setup.arg, 0);
}

int handover_open(const struct handover_setup *setup, struct handover **ret)
{
	struct handover *h = calloc(1, sizeof(*h));

	ck_assert_ptr_nonnull(h);
	h->setup = *setup;
	uv_timer_init(setup->loop, &h->timer);
	h->timer.data = h;
	uv_timer_start(&h->timer, on_later, 0, 0);
	*ret = h;
	return 0;
}

void handover_copy(struct handover *h)
{
	uv_timer_start(&h->timer, on_later, 0, 0);
}

void handover_check(struct handover *h)
{
	checks++;
	uv_timer_start(&h->timer, on_later, 0, 0);
}

static void on_handover_closed(uv_handle_t *handle)
{
	struct handover *h = handle->data;
	void (*on_closed)(void *arg) = h->on_closed;
	void *arg = h->close_arg;

	free(h);
	on_closed(arg);
}

void handover_close(struct handover *h, void (*on_closed)(void *arg), void *arg)
{
	h->on_closed = on_closed;
	h->close_arg = arg;
	uv_close((uv_handle_t *)&h->timer, on_handover_closed);
}

const char *handover_image(const struct handover *h)
{
	(void)h;
	return "/copy.ota";
}

const char *handover_index(const struct handover *h)
{
	(void)h;
	return "/copy.json";
}

void handover_sweep(const char *folder)
{
	(void)folder;
}

/* ---- the owner ---- */

static uv_loop_t loop;
static struct delegate *delegate;
static struct session *session;
static int stages, results;
static enum engine_outcome outcome;
static struct engine_failure failure;
static bool closed;

static void on_link(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static void on_link_down(void *arg, int status, const char *text)
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

static const struct delegate_events delegate_events = {
	.on_up = on_link,
	.on_down = on_link_down,
	.on_peer = on_peer,
	.on_peer_gone = on_link,
};

static void on_stage(void *arg, enum engine_stage stage,
	const struct engine_facts *facts)
{
	(void)arg;
	(void)facts;
	ck_assert_int_eq(stage, ENGINE_STAGE_TRANSFER);
	stages++;
}

static void on_result(void *arg, const struct session_result *result)
{
	(void)arg;
	results++;
	outcome = result->outcome;
	if (result->failure)
		failure = *result->failure;
}

static const struct session_events session_events = {
	.on_stage = on_stage,
	.on_result = on_result,
};

static void on_closed(void *arg)
{
	(void)arg;
	closed = true;
}

static void ignore(void *arg)
{
	(void)arg;
}

/* ---- the world ---- */

static void answer_check(unsigned version)
{
	char payload[96];

	snprintf(payload, sizeof(payload),
		"{\"update\":{\"installed_version\":%u}}", version);
	broker_hear("lamp", payload);
	broker_respond("device/ota_update/check", broker_transaction(CHECK), NULL);
}

static void answer_order(const char *error)
{
	broker_respond("device/ota_update/update", broker_transaction(UPDATE), error);
}

static void connect_broker(void)
{
	broker_up();
	broker_hear("bridge/devices", "[{\"ieee_address\":\"0x" KEY "\",\"type\":"
		"\"Router\",\"friendly_name\":\"lamp\"}]");
	broker_settle();
	broker_hear("bridge/state", "{\"state\":\"online\"}");
	broker_respond("health_check",
		broker_transaction("request/health_check"), NULL);
}

/* An update to 2, offered and no more. */
static void setup_offer(void)
{
	struct ferry_kv kv[] = {{"url", "mqtt://127.0.0.1"},
		{"hand_over", "url"}, {"topic", "z"}};
	struct delegate_setup s = {.loop = &loop, .params = kv,
		.param_count = 3, .events = &delegate_events};
	struct engine_image image = {.len = 1000, .version = "0x00000002"};
	struct session_setup wanted = {
		.loop = &loop,
		.engine = &zigbee2mqtt_engine_ops,
		.options = "",
		.job = 7,
		.goal = ENGINE_GOAL_UPDATE,
		.reached = ENGINE_STAGE_NONE,
		.image = &image,
		.events = &session_events,
	};

	uv_loop_init(&loop);
	broker_init(&loop);
	ck_assert_int_eq(delegate_open(&s, &delegate, NULL), 0);
	connect_broker();
	ck_assert_int_eq(delegate_offer(delegate, KEY, &wanted, &session), 0);
}

/* The device runs 1; the image is let go. */
static void let_go(void)
{
	broker_turn();
	answer_check(1);
	session_go(session, ENGINE_STAGE_TRANSFER, false);
}

static void setup(void)
{
	setup_offer();
	let_go();
	broker_turn();
	ck_assert_uint_eq(broker_count_of(UPDATE), 1);
}

static void teardown(void)
{
	session_close(session, on_closed, NULL);
	while (!closed)
		uv_run(&loop, UV_RUN_ONCE);
	delegate_close(delegate, ignore, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}

/* ---- what happens while the copy is made ---- */

START_TEST(session_whose_link_goes_before_the_copy_stands_asks_nothing)
{
	broker_down();
	broker_turn();
	ck_assert_int_eq(results, 1);
	ck_assert_int_eq(failure.code, ERR_JOB_NO_LINK);
	ck_assert_uint_eq(broker_count_of(CHECK), 0);
}
END_TEST

START_TEST(session_whose_link_goes_while_it_copies_orders_nothing)
{
	let_go();
	broker_down();
	broker_turn();
	ck_assert_int_eq(results, 1);
	ck_assert_int_eq(failure.code, ERR_JOB_NO_LINK);
	ck_assert_uint_eq(broker_count_of(UPDATE), 0);
}
END_TEST

START_TEST(session_withdrawn_while_it_copies_orders_nothing)
{
	let_go();
	session_withdraw(session);
	broker_turn();
	ck_assert_int_eq(results, 1);
	ck_assert_int_eq(outcome, ENGINE_WITHDRAWN);
	ck_assert_uint_eq(broker_count_of(UPDATE), 0);
}
END_TEST

/* ---- ends that nobody heard ---- */

START_TEST(session_whose_end_was_not_heard_hashes_the_copy_again)
{
	broker_down();
	connect_broker();
	answer_check(2);
	ck_assert_uint_eq(checks, 1);
	ck_assert_int_eq(results, 1);
	ck_assert_int_eq(outcome, ENGINE_DONE);
}
END_TEST

START_TEST(session_whose_end_was_not_heard_fails_with_another_copy)
{
	check_status = ERR_DELEGATE_CHANGED;
	broker_down();
	connect_broker();
	answer_check(2);
	ck_assert_int_eq(outcome, ENGINE_FAILED);
	ck_assert_int_eq(failure.code, ERR_DELEGATE_CHANGED);
}
END_TEST

/* ---- an order that is heard twice ---- */

START_TEST(session_follows_an_order_that_was_heard_twice)
{
	answer_order(BUSY);
	ck_assert_int_eq(results, 0);
	answer_order(NULL);
	ck_assert_uint_eq(checks, 1);
}
END_TEST

START_TEST(session_whose_order_met_a_question_orders_again)
{
	answer_order(BUSY);
	broker_down();
	connect_broker();
	answer_check(1);
	ck_assert_int_eq(stages, 2);
	ck_assert_int_eq(results, 0);
}
END_TEST

/* ---- withdrawn while nobody listens ---- */

START_TEST(session_withdrawn_without_broker_aborts_when_it_is_back)
{
	broker_down();
	session_withdraw(session);
	broker_turn();
	ck_assert_int_eq(results, 0);
	connect_broker();
	ck_assert_uint_eq(broker_count_of(ABORT), 1);
	answer_order("was aborted");
	ck_assert_int_eq(outcome, ENGINE_WITHDRAWN);
}
END_TEST

START_TEST(session_whose_abort_was_lost_aborts_again)
{
	session_withdraw(session);
	broker_turn();
	ck_assert_uint_eq(broker_count_of(ABORT), 1);
	broker_down();
	connect_broker();
	ck_assert_uint_eq(broker_count_of(ABORT), 2);
	ck_assert_int_eq(results, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delegate_end");
	TCase *tc = tcase_create("delegate_end");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc,
		session_whose_end_was_not_heard_hashes_the_copy_again);
	tcase_add_test(tc,
		session_whose_end_was_not_heard_fails_with_another_copy);
	tcase_add_test(tc, session_follows_an_order_that_was_heard_twice);
	tcase_add_test(tc, session_whose_order_met_a_question_orders_again);
	tcase_add_test(tc,
		session_withdrawn_without_broker_aborts_when_it_is_back);
	tcase_add_test(tc, session_whose_abort_was_lost_aborts_again);
	suite_add_tcase(suite, tc);
	tc = tcase_create("copying");
	tcase_add_checked_fixture(tc, setup_offer, teardown);
	tcase_add_test(tc,
		session_whose_link_goes_before_the_copy_stands_asks_nothing);
	tcase_add_test(tc,
		session_whose_link_goes_while_it_copies_orders_nothing);
	tcase_add_test(tc, session_withdrawn_while_it_copies_orders_nothing);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

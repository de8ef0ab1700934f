/* The hosting layer against a driver that obeys the test. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/transports/fake.h"
#include "tools/driver-check/rig.h"

static struct rig rig;
static struct transport_driver *driver;

static void setup(void)
{
	fake_reset();
	ck_assert_int_eq(rig_init(&rig), 0);
	ck_assert_int_eq(
		transport_driver_admit(fake_table(), &driver, NULL), 0);
}

static void teardown(void)
{
	rig_done(&rig);
	ck_assert(!fake.re_entered);
	ck_assert(!fake.exists);
	ck_assert_uint_eq(fake.created, fake.destroyed);
	transport_driver_free(driver);
}

static void up_with(const struct rig_options *options)
{
	ck_assert_int_eq(rig_open(&rig, driver, NULL, 0, options), 0);
	RIG_UNTIL(&rig, 5000, rig.ups);
	ck_assert_uint_eq(rig.ups, 1);
}

static void up(void)
{
	up_with(NULL);
}

static uint64_t link_up(const char *peer)
{
	struct rig_request q;

	ck_assert_int_eq(rig_connect(&rig, peer, &q), 0);
	return q.result.link;
}

static struct transport_counters counters(void)
{
	struct transport_counters c;

	transport_counters(rig.t, &c);
	return c;
}

static int send_one(uint64_t link, struct rig_request *q)
{
	return rig_send(&rig, link, bytes_of("x", 1), FERRY_TAKEN, q);
}

START_TEST(nothing_is_called_back_inside_a_request)
{
	struct rig_request q;
	uint64_t id;

	ck_assert_int_eq(rig_open(&rig, driver, NULL, 0, NULL), 0);
	ck_assert_uint_eq(rig.event_count, 0);
	RIG_UNTIL(&rig, 5000, rig.ups);
	fake.echo = true;
	id = link_up("a");
	ck_assert_int_eq(send_one(id, &q), 0);
	ck_assert(!q.done);
	ck_assert_uint_eq(rig.messages, 0);
	RIG_UNTIL(&rig, 5000, q.done && rig.messages);
	ck_assert_uint_eq(q.count, 1);
}
END_TEST

START_TEST(start_that_fails_says_which_setting)
{
	fake.start_status = -ENODEV;
	fake.start_key = "port";
	ck_assert_int_eq(rig_open(&rig, driver, NULL, 0, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -ENODEV);
	ck_assert_str_eq(rig.down_text, "port: No such device");
	ck_assert_uint_eq(fake.destroyed, 1);
}
END_TEST

START_TEST(start_lacking_a_needed_capability_is_refused)
{
	const struct rig_options options = {.needs = FERRY_CAP_PEERS};
	const struct rig_options stream = {.needs = FERRY_CAP_STREAM};

	ck_assert_int_eq(
		rig_open(&rig, driver, NULL, 0, &stream), ERR_TRANSPORT_NEEDS);
	fake.caps = FERRY_CAP_DATAGRAM;
	ck_assert_int_eq(rig_open(&rig, driver, NULL, 0, &options), 0);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, ERR_TRANSPORT_NEEDS);
}
END_TEST

START_TEST(start_error_of_connect_becomes_a_completion)
{
	struct rig_request q;

	up();
	ck_assert_int_eq(rig_connect(&rig, "nobody", &q), -EHOSTUNREACH);
	ck_assert_uint_eq(q.count, 1);
}
END_TEST

START_TEST(windows_of_channel_and_instance_hold_sends_back)
{
	struct rig_request q[8];
	uint64_t a, b;
	unsigned i;

	up();
	a = link_up("a");
	b = link_up("b");
	fake.hold_sends = true;
	ck_assert_uint_eq(transport_room(rig.t, a, 0), 2);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(send_one(i < 4 ? a : b, &q[i]), 0);
	ck_assert_uint_eq(fake.send_count, 3);
	ck_assert_uint_eq(fake.send_links[2], b);
	ck_assert_uint_eq(transport_room(rig.t, b, 0), 0);
	for (i = 0; i < 8; i++) {
		fake_finish(0, 0);
		RIG_UNTIL(&rig, 5000, q[i].done || fake.send_count == 3);
		ck_assert_uint_le(fake.send_count, 3);
	}
	RIG_UNTIL(&rig, 5000, q[7].done && q[3].done);
	ck_assert_uint_eq(fake.sends_seen, 8);
	/* Of the five that waited, the links took turns. */
	ck_assert_uint_eq(fake.order[3], a);
	ck_assert_uint_eq(fake.order[4], b);
}
END_TEST

START_TEST(waiting_sends_are_bounded)
{
	struct rig_request *q = calloc(80, sizeof(*q));
	uint64_t a;
	unsigned i;
	int err = 0;

	up();
	a = link_up("a");
	fake.hold_sends = true;
	for (i = 0; i < 80 && !err; i++)
		err = send_one(a, &q[i]);
	ck_assert_int_eq(err, -ENOBUFS);
	ck_assert_uint_eq(i, 2 + TRANSPORT_SENDS_WAITING_MAX + 1);
	ck_assert(rig_close(&rig));
	ck_assert_uint_eq(q[0].count, 1);
	ck_assert_uint_eq(q[65].count, 1);
	ck_assert_uint_eq(q[66].count, 0);
	free(q);
}
END_TEST

START_TEST(waiting_send_is_cancelled_without_the_driver)
{
	const struct transport_send s = {
		.until = FERRY_TAKEN, .data = {(const uint8_t *)"x", 1}};
	struct transport_send send = s;
	struct rig_request q[3];
	uint64_t token[3];
	unsigned i;

	up();
	send.link = link_up("a");
	fake.hold_sends = true;
	for (i = 0; i < 3; i++) {
		rig_request_init(&q[i], &rig);
		ck_assert_int_eq(transport_send(rig.t, &send, rig_on_done,
					 &q[i], &token[i]),
			0);
	}
	transport_cancel(rig.t, token[2]);
	ck_assert_uint_eq(fake.cancels, 0);
	transport_cancel(rig.t, token[0]);
	ck_assert_uint_eq(fake.cancels, 1);
	RIG_UNTIL(&rig, 5000, q[0].done && q[2].done);
	ck_assert_int_eq(q[0].result.status, -ECANCELED);
	ck_assert_int_eq(q[2].result.status, -ECANCELED);
	ck_assert(!q[1].done);
	transport_cancel(rig.t, token[0]);
	ck_assert_uint_eq(fake.cancels, 1);
	ck_assert(rig_close(&rig));
}
END_TEST

START_TEST(payload_that_shrinks_refuses_what_waits)
{
	static const uint8_t long_one[80];
	struct rig_request q[3];
	uint64_t a;

	up();
	a = link_up("a");
	fake.hold_sends = true;
	ck_assert_int_eq(send_one(a, &q[0]), 0);
	ck_assert_int_eq(send_one(a, &q[1]), 0);
	ck_assert_int_eq(
		rig_send(&rig, a, bytes_of(long_one, 80), 1, &q[2]), 0);
	fake_changed(a, 20, 2);
	RIG_UNTIL(&rig, 5000, rig.changes);
	ck_assert_uint_eq(rig.changed.max_payload, 20);
	ck_assert_uint_eq(
		transport_link(rig.t, a)->channels[0].max_payload, 20);
	fake_finish(0, 0);
	RIG_UNTIL(&rig, 5000, q[2].done);
	ck_assert_int_eq(q[2].result.status, -EMSGSIZE);
	ck_assert_int_eq(
		rig_send(&rig, a, bytes_of(long_one, 21), 1, &q[2]), -EMSGSIZE);
	ck_assert(rig_close(&rig));
}
END_TEST

START_TEST(link_down_ends_what_waits_then_the_link)
{
	struct rig_request q[3];
	unsigned i;
	uint64_t a;

	up();
	a = link_up("a");
	fake.hold_sends = true;
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(send_one(a, &q[i]), 0);
	fake_finish(0, -ENODEV);
	fake_finish(0, -ENODEV);
	fake_down(a, -ENODEV);
	fake_message(a, "late", 4);
	ck_assert_int_eq(send_one(a, &q[0]), -ENOTCONN);
	rig_request_init(&q[0], &rig);
	RIG_UNTIL(&rig, 5000, rig.downs);
	ck_assert_int_eq(q[2].result.status, -ENOTCONN);
	ck_assert_uint_eq(rig.messages, 0);
	ck_assert_ptr_null(transport_link(rig.t, a));
	ck_assert_uint_eq(rig.events[rig.event_count - 1].kind, RIG_DOWN);
}
END_TEST

START_TEST(message_after_disconnect_is_dropped)
{
	struct rig_request q;
	uint64_t a;

	up();
	a = link_up("a");
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_disconnect(rig.t, a, rig_on_done, &q), 0);
	fake_message(a, "late", 4);
	fake_down(a, -ENODEV);
	RIG_UNTIL(&rig, 5000, q.done);
	rig_settle(&rig);
	ck_assert_int_eq(q.result.status, 0);
	ck_assert_uint_eq(rig.messages + rig.downs, 0);
	ck_assert_uint_eq(counters().breaches, 0);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_disconnect(rig.t, a, rig_on_done, &q), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
}
END_TEST

START_TEST(disconnect_that_crosses_a_down_is_a_success)
{
	struct rig_request q;
	uint64_t a;

	up();
	a = link_up("a");
	fake_down(a, -ENODEV);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_disconnect(rig.t, a, rig_on_done, &q), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
}
END_TEST

static void breach_unknown_token(uint64_t a)
{
	(void)a;
	fake_complete(999999, 0);
}

static void breach_zero_token(uint64_t a)
{
	(void)a;
	fake_complete(0, 0);
}

static void breach_twice(uint64_t a)
{
	struct rig_request *q = calloc(1, sizeof(*q));

	fake.hold_sends = true;
	send_one(a, q);
	fake_complete(fake.sends[0], 0);
	fake_complete(fake.sends[0], 0);
	rig.hook_arg = q;
}

static void breach_refused(uint64_t a)
{
	struct rig_request *q = calloc(1, sizeof(*q));

	fake.complete_and_refuse = true;
	send_one(a, q);
	rig.hook_arg = q;
}

static void breach_empty_message(uint64_t a)
{
	fake_message(a, "x", 0);
}

static void breach_long_message(uint64_t a)
{
	fake_message(a, "x", FERRY_PAYLOAD_MAX + 1);
}

static void breach_key(uint64_t a)
{
	(void)a;
	fake_peer("with space");
}

static void breach_long_key(uint64_t a)
{
	(void)a;
	fake_peer("0123456789012345678901234567890123456789"
		  "012345678901234567890123");
}

static void breach_window(uint64_t a)
{
	fake_changed(a, 20, 0);
}

static void breach_payload(uint64_t a)
{
	fake_changed(a, FERRY_PAYLOAD_MAX + 1, 1);
}

static void breach_down_first(uint64_t a)
{
	struct rig_request *q = calloc(1, sizeof(*q));

	fake.hold_sends = true;
	send_one(a, q);
	fake_down(a, -ENODEV);
	rig.hook_arg = q;
}

static const struct {
	const char *name;
	void (*commit)(uint64_t link);
} breaches[] = {
	{"unknown token", breach_unknown_token},
	{"token zero", breach_zero_token},
	{"completed twice", breach_twice},
	{"completed and refused", breach_refused},
	{"empty message", breach_empty_message},
	{"message too long", breach_long_message},
	{"key with a space", breach_key},
	{"key of 64 bytes", breach_long_key},
	{"window 0", breach_window},
	{"payload too large", breach_payload},
	{"link down before its sends", breach_down_first},
};

START_TEST(breach_ends_the_instance_in_order)
{
	const char *name = breaches[_i].name;
	struct rig_event *e;
	struct rig_request *q;
	uint64_t a;

	up();
	a = link_up("a");
	breaches[_i].commit(a);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_msg(rig.instance_downs == 1, "%s", name);
	ck_assert_msg(rig.down_status == ERR_TRANSPORT_CONTRACT, "%s", name);
	ck_assert_msg(rig.downs == 1, "%s", name);
	ck_assert_msg(counters().breaches == 1, "%s", name);
	ck_assert_msg(fake.destroyed == 1, "%s", name);
	e = &rig.events[rig.event_count - 1];
	ck_assert_msg(e->kind == RIG_DOWN && e->link == 0, "%s", name);
	e--;
	ck_assert_msg(e->kind == RIG_DOWN && e->link == a, "%s", name);
	q = rig.hook_arg;
	if (q)
		ck_assert_msg(q->count == 1, "%s", name);
	free(q);
}
END_TEST

START_TEST(driver_that_ignores_cancel_is_given_up)
{
	struct transport_send s = {.until = FERRY_TAKEN,
		.deadline_ms = 5,
		.data = {(const uint8_t *)"x", 1}};
	struct rig_request q;

	up();
	s.link = link_up("a");
	fake.hold_sends = true;
	fake.ignore_cancel = true;
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_send(rig.t, &s, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_uint_eq(fake.cancels, 1);
	ck_assert_int_eq(q.result.status, ERR_TRANSPORT_CONTRACT);
	ck_assert_uint_eq(q.count, 1);
}
END_TEST

START_TEST(deadline_of_a_send_gives_its_true_end)
{
	struct transport_send s = {.until = FERRY_TAKEN,
		.deadline_ms = 5,
		.data = {(const uint8_t *)"x", 1}};
	struct rig_request q;

	up();
	s.link = link_up("a");
	fake.hold_sends = true;
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_send(rig.t, &s, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, -ETIMEDOUT);
	fake.ignore_cancel = true;
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_send(rig.t, &s, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, fake.cancels == 2);
	fake_finish(0, 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
}
END_TEST

START_TEST(stop_that_never_ends_is_given_up)
{
	uint64_t before;

	up();
	link_up("a");
	fake.hold_stop = true;
	before = uv_hrtime();
	ck_assert(rig_close(&rig));
	ck_assert_uint_lt((uv_hrtime() - before) / 1000000, 2500);
	ck_assert_uint_eq(fake.destroyed, 1);
}
END_TEST

START_TEST(close_while_starting_cancels_the_start)
{
	fake.hold_start = true;
	ck_assert_int_eq(rig_open(&rig, driver, NULL, 0, NULL), 0);
	ck_assert(rig_close(&rig));
	ck_assert_uint_eq(fake.cancels, 1);
	ck_assert_uint_eq(fake.stops, 0);
	ck_assert_uint_eq(rig.ups + rig.instance_downs, 0);
}
END_TEST

START_TEST(close_that_crosses_a_down_is_clean)
{
	up();
	link_up("a");
	fake_down(0, -ENODEV);
	ck_assert(rig_close(&rig));
	ck_assert_uint_eq(rig.downs + rig.instance_downs, 0);
}
END_TEST

START_TEST(instance_down_settles_requests_links_and_itself)
{
	struct rig_request q[4];
	uint64_t a, b;
	unsigned i;

	up();
	a = link_up("a");
	b = link_up("b");
	fake.hold_sends = true;
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(send_one(i < 2 ? a : b, &q[i]), 0);
	fake_down(0, -ENODEV);
	fake_message(a, "late", 4);
	fake_down(a, -ENODEV);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(q[i].count, 1);
		ck_assert_int_eq(q[i].result.status, -ENODEV);
	}
	ck_assert_uint_eq(rig.downs, 2);
	ck_assert_uint_eq(rig.messages, 0);
	ck_assert_uint_eq(rig.events[rig.event_count - 1].link, 0);
	ck_assert_int_eq(send_one(a, &q[0]), -ENOTCONN);
}
END_TEST

START_TEST(instance_is_restarted_with_back_off)
{
	const struct rig_options options = {.restart_ms = 5};

	up_with(&options);
	fake_down(0, -ENODEV);
	RIG_UNTIL(&rig, 5000, rig.ups == 2);
	ck_assert_uint_eq(rig.ups, 2);
	ck_assert_int_eq(rig.restart_ms, 5);
	ck_assert_uint_eq(fake.created, 2);
	ck_assert_uint_eq(counters().restarts, 1);
	fake.start_status = -ENODEV;
	fake_down(0, -ENODEV);
	RIG_UNTIL(&rig, 5000, rig.instance_downs == 4);
	fake.start_status = 0;
	RIG_UNTIL(&rig, 5000, rig.ups == 3);
	ck_assert_uint_eq(rig.ups, 3);
}
END_TEST

START_TEST(link_numbers_and_tokens_are_not_reused_over_restarts)
{
	const struct rig_options options = {.restart_ms = 1};
	uint64_t seen[5];
	unsigned i, j;

	up_with(&options);
	for (i = 0; i < 5; i++) {
		seen[i] = link_up("a");
		for (j = 0; j < i; j++)
			ck_assert_uint_ne(seen[i], seen[j]);
		fake_down(0, -ENODEV);
		RIG_UNTIL(&rig, 5000, rig.ups == i + 2);
	}
}
END_TEST

START_TEST(watch_left_behind_is_taken_back)
{
	const struct rig_options options = {.restart_ms = 1};

	up_with(&options);
	ck_assert_int_eq(pipe(fake.pipe), 0);
	fake.watch = fake.host->watch(fake.owner, fake.pipe[0], FERRY_READ, 7);
	ck_assert_int_gt(fake.watch, 0);
	fake.leave_watch = true;
	fake_down(0, -ENODEV);
	RIG_UNTIL(&rig, 5000, rig.ups == 2);
	ck_assert_uint_eq(counters().breaches, 1);
	ck_assert_int_eq(write(fake.pipe[1], "x", 1), 1);
	rig_settle(&rig);
	ck_assert_uint_eq(fake.ready, 0);
	close(fake.pipe[0]);
	close(fake.pipe[1]);
	fake.watch = 0;
}
END_TEST

START_TEST(unwatch_inside_its_own_event_is_final)
{
	up();
	ck_assert_int_eq(pipe(fake.pipe), 0);
	fake.watch = fake.host->watch(fake.owner, fake.pipe[0], FERRY_READ, 7);
	ck_assert_int_eq(write(fake.pipe[1], "123456", 6), 6);
	RIG_UNTIL(&rig, 5000, fake.ready == 4);
	rig_settle(&rig);
	ck_assert_uint_eq(fake.ready, 4);
	fake.watch = 0;
	close(fake.pipe[0]);
	close(fake.pipe[1]);
}
END_TEST

START_TEST(timers_come_once_and_not_after_being_freed)
{
	int first, second;

	up();
	first = fake.host->timer(fake.owner, 1);
	second = fake.host->timer(fake.owner, 2);
	fake.host->timer_set(fake.owner, first, 1);
	fake.host->timer_set(fake.owner, second, 1);
	fake.host->timer_free(fake.owner, second);
	RIG_UNTIL(&rig, 5000, fake.timeouts);
	rig_settle(&rig);
	ck_assert_uint_eq(fake.timeouts, 1);
	ck_assert_int_eq(fake.host->timer_set(fake.owner, second, 1), -EINVAL);
	fake.host->timer_free(fake.owner, first);
}
END_TEST

static void *wake_from_a_thread(void *arg)
{
	(void)arg;
	fake.host->wake(fake.owner);
	return NULL;
}

START_TEST(wake_from_a_thread_arrives)
{
	pthread_t thread;

	up();
	ck_assert_int_eq(
		pthread_create(&thread, NULL, wake_from_a_thread, NULL), 0);
	RIG_UNTIL(&rig, 5000, fake.wakes);
	pthread_join(thread, NULL);
	ck_assert_uint_ge(fake.wakes, 1);
}
END_TEST

START_TEST(flood_of_messages_is_dropped_and_completions_are_not)
{
	static uint8_t block[4096];
	struct rig_request q;
	uint64_t a;
	unsigned i;

	up();
	a = link_up("a");
	fake.hold_sends = true;
	ck_assert_int_eq(send_one(a, &q), 0);
	for (i = 0; i < 1000; i++)
		fake_message(a, block, sizeof(block));
	fake_finish(0, 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	ck_assert_uint_le(
		rig.messages * sizeof(block), TRANSPORT_EVENT_BYTES_MAX);
	ck_assert_uint_eq(counters().dropped_messages + rig.messages, 1000);
	rig.messages = 0;
	fake_message(a, block, sizeof(block));
	RIG_UNTIL(&rig, 5000, rig.messages);
	ck_assert_uint_eq(rig.messages, 1);
}
END_TEST

START_TEST(flood_of_log_lines_is_limited_and_escaped)
{
	unsigned i;

	up();
	fake.host->log(fake.owner, 99, "two\nlines");
	for (i = 0; i < 500; i++)
		fake.host->log(fake.owner, FERRY_LOG_WARN, "again");
	RIG_UNTIL(&rig, 5000, rig.logs >= 50);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.logs, 50);
	ck_assert_uint_eq(counters().dropped_log_lines, 451);
}
END_TEST

START_TEST(log_line_of_a_driver_is_escaped)
{
	up();
	fake.host->log(fake.owner, FERRY_LOG_INFO, "two\nlines");
	RIG_UNTIL(&rig, 5000, rig.logs);
	ck_assert_str_eq(rig.last_log, "two\\x0alines");
}
END_TEST

static void do_send(struct rig *r)
{
	struct rig_request *q = r->hook_arg;
	struct transport_send s = {.link = r->last_link,
		.until = FERRY_TAKEN,
		.data = {(const uint8_t *)"y", 1}};

	rig_request_init(q, r);
	if (transport_send(r->t, &s, rig_on_done, q, NULL))
		q->count = 100;
}

static void do_disconnect(struct rig *r)
{
	rig_request_init(r->hook_arg, r);
	transport_disconnect(r->t, r->last_link, rig_on_done, r->hook_arg);
}

static void do_close(struct rig *r)
{
	struct rig_request *q = r->hook_arg;

	q->done = true;
	q->count = 1;
	transport_close(r->t, NULL, NULL);
	r->t = NULL;
}

static const struct {
	const char *name;
	void (*act)(struct rig *r);
	enum rig_kind from;
} reentries[] = {
	{"send from done", do_send, RIG_DONE},
	{"send from message", do_send, RIG_MESSAGE},
	{"disconnect from done", do_disconnect, RIG_DONE},
	{"disconnect from message", do_disconnect, RIG_MESSAGE},
	{"disconnect from down", do_disconnect, RIG_DOWN},
	{"close from done", do_close, RIG_DONE},
	{"close from message", do_close, RIG_MESSAGE},
	{"close from down", do_close, RIG_DOWN},
	{"close from log", do_close, RIG_LOG},
	{"close from change", do_close, RIG_CHANGED},
};

START_TEST(request_from_a_callback_is_safe)
{
	const char *name = reentries[_i].name;
	struct rig_request q = {0}, first;
	uint64_t a, b;

	up();
	a = link_up("a");
	b = link_up("b");
	rig.last_link = a;
	rig.hook = reentries[_i].act;
	rig.hook_kind = reentries[_i].from;
	rig.hook_arg = &q;
	fake.echo = true;
	ck_assert_int_eq(send_one(a, &first), 0);
	fake.host->log(fake.owner, FERRY_LOG_INFO, "line");
	fake_changed(a, 50, 1);
	fake_down(b, -ENODEV);
	RIG_UNTIL(&rig, 5000, q.done && first.done);
	ck_assert_msg(q.done && q.count == 1, "%s", name);
	ck_assert_msg(first.count == 1, "%s", name);
}
END_TEST

START_TEST(optional_operation_that_is_missing_is_enosys)
{
	struct rig_request q;
	uint64_t a;

	up();
	a = link_up("a");
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_scan(rig.t, 1, NULL, 0, rig_on_done, &q, NULL),
		-ENOSYS);
	ck_assert_int_eq(transport_stats(rig.t, rig_on_done, &q), -ENOSYS);
	ck_assert_int_eq(
		transport_set(rig.t, a, NULL, 0, 0, rig_on_done, &q, NULL),
		-ENOSYS);
	ck_assert_int_eq(
		fake.host->open_device(fake.owner, 1, 0, "/dev/null"), -ENOSYS);
}
END_TEST

static TCase *tests_of_links(void)
{
	TCase *c = tcase_create("links");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, nothing_is_called_back_inside_a_request);
	tcase_add_test(c, start_that_fails_says_which_setting);
	tcase_add_test(c, start_lacking_a_needed_capability_is_refused);
	tcase_add_test(c, start_error_of_connect_becomes_a_completion);
	tcase_add_test(c, windows_of_channel_and_instance_hold_sends_back);
	tcase_add_test(c, waiting_sends_are_bounded);
	tcase_add_test(c, waiting_send_is_cancelled_without_the_driver);
	tcase_add_test(c, payload_that_shrinks_refuses_what_waits);
	tcase_add_test(c, link_down_ends_what_waits_then_the_link);
	tcase_add_test(c, message_after_disconnect_is_dropped);
	tcase_add_test(c, disconnect_that_crosses_a_down_is_a_success);
	return c;
}

static TCase *tests_of_ends(void)
{
	TCase *c = tcase_create("ends");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, breach_ends_the_instance_in_order, 0,
		sizeof(breaches) / sizeof(breaches[0]));
	tcase_add_test(c, driver_that_ignores_cancel_is_given_up);
	tcase_add_test(c, deadline_of_a_send_gives_its_true_end);
	tcase_add_test(c, stop_that_never_ends_is_given_up);
	tcase_add_test(c, close_while_starting_cancels_the_start);
	tcase_add_test(c, close_that_crosses_a_down_is_clean);
	tcase_add_test(c, instance_down_settles_requests_links_and_itself);
	tcase_add_test(c, instance_is_restarted_with_back_off);
	tcase_add_test(c, link_numbers_and_tokens_are_not_reused_over_restarts);
	tcase_add_test(c, watch_left_behind_is_taken_back);
	tcase_add_test(c, unwatch_inside_its_own_event_is_final);
	tcase_add_test(c, timers_come_once_and_not_after_being_freed);
	tcase_add_test(c, wake_from_a_thread_arrives);
	tcase_add_loop_test(c, request_from_a_callback_is_safe, 0,
		sizeof(reentries) / sizeof(reentries[0]));
	return c;
}

static TCase *tests_of_limits(void)
{
	TCase *c = tcase_create("limits");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, flood_of_messages_is_dropped_and_completions_are_not);
	tcase_add_test(c, flood_of_log_lines_is_limited_and_escaped);
	tcase_add_test(c, log_line_of_a_driver_is_escaped);
	tcase_add_test(c, optional_operation_that_is_missing_is_enosys);
	return c;
}

int main(void)
{
	Suite *s = suite_create("transports.host");

	suite_add_tcase(s, tests_of_links());
	suite_add_tcase(s, tests_of_ends());
	suite_add_tcase(s, tests_of_limits());
	return unit_run(s);
}

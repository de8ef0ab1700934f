/* What is under way when an offer ends, a peer goes or the link drops: nothing
 * of it may reach the next offer, and no offer may be left without a clock. */
#include "ferry/transport.h"
#include "tests/unit/devices/zigbee_case.h"

static void withdraw(void)
{
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = 100};

	bench_event(b, &e);
	case_settle();
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
}

static void peer_goes(void)
{
	struct engine_event e = {.type = ENGINE_PEER, .peer = {.gone = true,
		.key = b->devices[0].key}};

	bench_event(b, &e);
}

static void budget(uint32_t us)
{
	struct engine_event e = {.type = ENGINE_BUDGET, .budget = {us}};

	bench_event(b, &e);
}

/* A transfer that stands still, in which the answer to `request` goes out and
 * its failure is reported ten seconds later. */
static void begin_answer(const char *request)
{
	case_begin_transfer("");
	b->sent_ms = 10000;
	b->fail_from = b->sends + 1;
	b->fail_count = 1;
	bench_rx_hex(b, 0, OTA, request);
	case_settle();
	ck_assert_uint_eq(b->fail_count, 0);
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
}

/* Whether anything but no image was answered since the send `from`. */
static bool gave_something(unsigned from)
{
	for (unsigned i = 0; i < b->sends - from; i++) {
		const struct bench_frame *f = bench_log(b, i);

		if (f->channel == OTA && (f->data[2] == OTA_BLOCK_RESPONSE ||
				f->data[2] == OTA_QUERY_RESPONSE) &&
				f->data[3] == ZCL_SUCCESS)
			return true;
	}
	return false;
}

static const char *const requests[] = {BLOCK_AT("64000000", "3f"), QUERY};

/* The answer that was lost belongs to an image that is not offered any more. */
START_TEST(answer_lost_is_not_repeated_for_the_next_offer)
{
	unsigned from;

	begin_answer(requests[_i]);
	withdraw();
	b->stop_at = ENGINE_STAGE_TRANSFER;
	b->image_ms = 60000;
	from = b->sends;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 30000);
	ck_assert(!gave_something(from));
	ck_assert(!bench_job(b, 0)->over);
	/* The file was read meanwhile, and no GO came. */
	bench_run_until(b, b->now_ms + 60000);
	ck_assert(!gave_something(from));
}
END_TEST

START_TEST(answer_lost_does_not_end_an_inventory)
{
	begin_answer(BLOCK_AT("64000000", "3f"));
	withdraw();
	b->devices[0].silent = true;
	b->image_status = ERR_OTA_FILE_SIZE;
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_NO_ANSWER);
}
END_TEST

/* One that left will not answer; the reading must not be open for ever. */
START_TEST(inventory_of_who_leaves_ends)
{
	bench_init(b, 1, CASE_LEN, "");
	budget(0);
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run_until(b, b->now_ms + 100);
	if (_i)
		bench_link(b, false);
	else
		peer_goes();
	budget(UINT32_MAX);
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(bench_job(b, 0)->over);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_NO_ANSWER);
}
END_TEST

/* The device asked while the head of the file was read, and was sent away; the
 * call that followed never went out. */
START_TEST(call_lost_with_who_asked_before_is_repeated)
{
	bench_init(b, 1, CASE_LEN, "");
	b->image_ms = 3000;
	bench_offer(b, 0);
	bench_query(b, 0);
	bench_run_until(b, b->now_ms + 2900);
	ck_assert_uint_eq(b->devices[0].no_image, 1);
	b->image_ms = 0;
	budget(0);
	bench_run_until(b, b->now_ms + 1000);
	if (_i) {
		bench_link(b, false);
		bench_link(b, true);
	} else {
		peer_goes();
		bench_peer(b, 0, false);
	}
	budget(UINT32_MAX);
	bench_run_until(b, b->now_ms + 10 * MINUTE);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

/* It was sent off to wait, and left just when it was to be let go. */
START_TEST(end_response_lost_with_the_peer_follows_when_it_is_back)
{
	bench_init(b, 1, CASE_LEN, "");
	b->go_at = ENGINE_STAGE_RESTART;
	b->go_ms = 20 * MINUTE;
	bench_offer(b, 0);
	bench_run_until(b, 15 * MINUTE);
	ck_assert_uint_eq(b->devices[0].last_upgrade_s, UINT32_MAX);
	budget(0);
	bench_run_until(b, 22 * MINUTE);
	peer_goes();
	budget(UINT32_MAX);
	bench_peer(b, 0, false);
	bench_run_until(b, 30 * MINUTE);
	ck_assert_uint_eq(b->devices[0].restarts, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

/* GO came hours after the child had asked, as when a window opens at night: it
 * sleeps, which is no failed attempt. One that does hear of it has failed. */
START_TEST(go_while_the_child_sleeps_is_no_failure)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].sleepy = _i == 0;
	b->devices[0].ignores_notify = true;
	bench_peer(b, 0, false);
	b->go_at = ENGINE_STAGE_TRANSFER;
	b->go_ms = 300 * MINUTE;
	bench_offer(b, 0);
	bench_query(b, 0);
	bench_run(b);
	ck_assert_uint_eq(b->devices[0].no_image, 1);
	ck_assert(bench_job(b, 0)->over);
	if (_i) {
		ck_assert_int_eq(bench_job(b, 0)->failure.code,
			ERR_ZIGBEE_SILENT);
		return;
	}
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
	bench_offer(b, 0);
	b->go_at = -1;
	bench_query(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* A device that was told to stop with one image says so when another is offered
 * already. */
START_TEST(end_of_the_image_before_does_not_end_the_offer)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].ignores_notify = true;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 1000);
	bench_rx_hex(b, 0, OTA, "01420695" "3412" "0201" "01000000");
	bench_run_until(b, b->now_ms + 1000);
	ck_assert_uint_eq(b->devices[0].last_default, ZCL_SUCCESS);
	ck_assert(!bench_job(b, 0)->over);
	bench_query(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* Each report costs the host a look at all devices and a write to flash. */
START_TEST(news_without_end_are_told_now_and_then)
{
	char hex[64];

	bench_init(b, 1, CASE_LEN, "");
	bench_run_until(b, b->now_ms + 100000);
	b->facts_tells = b->peer_tells = 0;
	for (unsigned i = 0; i < 400; i++) {
		snprintf(hex, sizeof(hex), "%s%02x%s%02x%s", _i ? "18" : "01",
			i % 256, _i ? "0105000042" "0241" : "0100" "34120201",
			i % 64, _i ? "" : "010000");
		bench_rx_hex(b, 0, _i ? ZIGBEE_OTA_CHANNEL_BASIC : OTA, hex);
		bench_run_until(b, b->now_ms + 50);
	}
	ck_assert_uint_le(b->facts_tells, 6);
	ck_assert_uint_le(b->peer_tells, 6);
	bench_run_until(b, b->now_ms + 10000);
	if (_i)
		ck_assert_ptr_nonnull(strstr(b->attributes, "model=A"));
	else
		ck_assert_str_eq(b->facts_version, "0x0000010f");
}
END_TEST

/* The driver need not say that peers went, and who is on the network can make
 * any number of them up. */
START_TEST(peers_without_number_do_not_lock_out_a_new_one)
{
	struct engine_event e = {.type = ENGINE_PEER};
	struct zigbee_ota_counts counts;
	char key[20];

	bench_init(b, 2, CASE_LEN, "");
	bench_query(b, 1);
	bench_offer(b, 0);
	bench_run(b);
	b->devices[0].version = BENCH_OLD;
	b->devices[0].ignores_notify = true;
	bench_offer(b, 0);
	for (unsigned i = 0; i < 6000; i++) {
		snprintf(key, sizeof(key), "f%015x", i);
		e.peer.key = key;
		bench_event(b, &e);
	}
	b->count = 3;
	bench_peer(b, 2, false);
	bench_query(b, 2);
	bench_run_until(b, b->now_ms + 1000);
	ck_assert_uint_eq(b->devices[2].no_image, 1);
	zigbee_ota_counts(b->engine, &counts);
	ck_assert_uint_eq(counts.peers, 4096);
	ck_assert_uint_eq(counts.refused_peers, 0);
	b->devices[0].ignores_notify = false;
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* Each of the jobs that find no room is told so. */
START_TEST(offers_refused_together_all_end)
{
	struct engine_event e = {.type = ENGINE_OFFER};
	struct engine_command c;
	unsigned results = 0;

	bench_init(b, 1, CASE_LEN, "");
	e.offer.goal = ENGINE_GOAL_INVENTORY;
	e.offer.peer = "no key";
	for (unsigned i = 0; i < 20; i++) {
		e.offer.job = 500 + i;
		bench_event(b, &e);
	}
	while (zigbee_ota_engine_ops.next(b->engine, b->now_ms, &c))
		results += c.type == ENGINE_CMD_RESULT;
	ck_assert_uint_eq(results, 20);
}
END_TEST

/* Switched off, left, or never seen: people must be told what is waited for. */
START_TEST(job_of_a_router_that_is_not_heard_says_so)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].ignores_notify = true;
	bench_offer(b, 0);
	if (_i)
		peer_goes();
	bench_run_until(b, b->now_ms + (_i ? 1000 : 20000));
	ck_assert_int_eq(bench_job(b, 0)->wait, ENGINE_WAIT_WAKE);
	bench_run_until(b, b->now_ms + 2 * MINUTE);
	ck_assert_int_eq(bench_job(b, 0)->wait, ENGINE_WAIT_WAKE);
	b->devices[0].ignores_notify = false;
	if (_i)
		bench_peer(b, 0, true);
	else
		bench_query(b, 0);
	bench_run_until(b, b->now_ms + 3000);
	ck_assert_int_ne(bench_job(b, 0)->wait, ENGINE_WAIT_WAKE);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* One that answers at once was never waited for. */
START_TEST(job_of_a_router_that_is_heard_does_not_wait_for_it)
{
	bench_init(b, 1, CASE_LEN, "");
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_uint_eq(bench_job(b, 0)->waits & 1u << ENGINE_WAIT_WAKE, 0);
}
END_TEST

/* It was told to wait, sleeps when it may go on, and asks again in an hour. */
START_TEST(leave_that_a_sleeper_missed_is_given_when_it_asks)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	d->sleepy = true;
	bench_peer(b, 0, false);
	b->go_at = ENGINE_STAGE_RESTART;
	b->go_ms = 5 * MINUTE;
	bench_offer(b, 0);
	bench_query(b, 0);
	bench_run_until(b, 4 * MINUTE);
	ck_assert_uint_eq(d->last_upgrade_s, UINT32_MAX);
	d->drop_nth = 1;
	bench_run_until(b, 50 * MINUTE);
	ck_assert(!bench_job(b, 0)->over);
	ck_assert_uint_eq(d->restarts, 0);
	d->drop_nth = 0;
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_uint_eq(d->restarts, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("zigbee_ends");
	TCase *c = tcase_create("ends");

	tcase_add_checked_fixture(c, case_setup, case_teardown);
	tcase_add_loop_test(c, answer_lost_is_not_repeated_for_the_next_offer,
		0, 2);
	tcase_add_test(c, answer_lost_does_not_end_an_inventory);
	tcase_add_loop_test(c, inventory_of_who_leaves_ends, 0, 2);
	tcase_add_loop_test(c, call_lost_with_who_asked_before_is_repeated, 0,
		2);
	tcase_add_test(c,
		end_response_lost_with_the_peer_follows_when_it_is_back);
	tcase_add_loop_test(c, go_while_the_child_sleeps_is_no_failure, 0, 2);
	tcase_add_test(c, end_of_the_image_before_does_not_end_the_offer);
	tcase_add_loop_test(c, news_without_end_are_told_now_and_then, 0, 2);
	tcase_add_test(c, peers_without_number_do_not_lock_out_a_new_one);
	tcase_add_test(c, offers_refused_together_all_end);
	tcase_add_loop_test(c, job_of_a_router_that_is_not_heard_says_so, 0,
		2);
	tcase_add_test(c, job_of_a_router_that_is_heard_does_not_wait_for_it);
	tcase_add_test(c, leave_that_a_sleeper_missed_is_given_when_it_asks);
	suite_add_tcase(s, c);
	return unit_run(s);
}

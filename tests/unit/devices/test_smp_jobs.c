/* Jobs of the SMP engine beside whole updates: inventories, stages and their GO,
 * what changes while one waits, and the pace of an upload. */
#include "tests/unit/unit.h"

#include "tests/unit/devices/smp_bench.h"

#define LEN 20000

static struct bench *b;

static void setup(void)
{
	b = calloc(1, sizeof(*b));
	ck_assert_ptr_nonnull(b);
}

static void teardown(void)
{
	bench_done(b);
	free(b);
}

START_TEST(inventory_reads_and_writes_nothing)
{
	bench_init(b, LEN, "");
	bench_ours_unconfirmed(b);
	bench_offer(b, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert(b->is_over);
	ck_assert_int_eq(b->outcome, ENGINE_DONE);
	ck_assert_uint_eq(b->peer.writes, 0);
	ck_assert_str_eq(b->facts.version, "2.0.0");
	ck_assert_int_eq(b->facts.confirmed, 0);
	ck_assert_int_eq(b->facts.can_prove, 1);
	ck_assert_str_eq(b->facts.other_version, "1.0.0");
	ck_assert_uint_eq(b->facts.hash_len, 32);
}
END_TEST

START_TEST(inventory_of_silent_device_times_out)
{
	bench_init(b, LEN, "");
	b->peer.is_away = true;
	bench_offer(b, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_int_eq(b->outcome, ENGINE_FAILED);
	ck_assert_int_eq(b->failure.code, ERR_SMP_TIMEOUT);
	ck_assert_int_le(b->now_ms, 20000);
}
END_TEST

/* Without GO nothing of a stage happens, whatever time passes. */
START_TEST(stage_without_go_does_nothing)
{
	static const unsigned resets[] = {0, 0, 0, 0, 1};

	bench_init(b, LEN, "");
	b->stop_at = _i;
	b->limit_ms = 10 * 60 * 1000;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert(!b->is_over);
	ck_assert_uint_eq(b->stage_count[_i], 1);
	ck_assert_uint_eq(b->peer.resets, resets[_i]);
	ck_assert_uint_eq(b->peer.confirms, 0);
	if (_i == ENGINE_STAGE_TRANSFER)
		ck_assert_uint_eq(b->peer.writes, 0);
	if (_i <= ENGINE_STAGE_ACTIVATE)
		ck_assert_uint_eq(b->peer.marks, 0);
}
END_TEST

START_TEST(withdraw_at_stage_ends_withdrawn)
{
	bench_init(b, LEN, "");
	b->withdraw_at = _i;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert(b->is_over);
	ck_assert_int_eq(b->outcome, ENGINE_WITHDRAWN);
	ck_assert_uint_eq(b->peer.confirms, 0);
}
END_TEST

START_TEST(confirm_skipped_leaves_it_unconfirmed)
{
	bench_init(b, LEN, "");
	b->skip_confirm = true;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_int_eq(b->outcome, ENGINE_DONE);
	ck_assert_int_eq(b->facts.confirmed, 0);
	ck_assert_uint_eq(b->peer.confirms, 0);
}
END_TEST

START_TEST(confirm_waits_for_two_exchanges)
{
	bench_init(b, LEN, "");
	b->stop_at = ENGINE_STAGE_CONFIRM;
	b->limit_ms = 60000;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_uint_ge(b->facts.exchanges, 2);
}
END_TEST

/* The device restarts by itself while the confirm rule waits. */
START_TEST(revert_while_confirm_waits_is_noticed)
{
	bench_init(b, LEN, "");
	b->stop_at = ENGINE_STAGE_CONFIRM;
	b->limit_ms = 60000;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_uint_eq(b->stage_count[ENGINE_STAGE_CONFIRM], 1);
	bench_hold_ours(b, 1);
	b->peer.slot[0] = (struct peer_slot){.here = true, .confirmed = true,
		.version = "1.0.0", .hash = {0x11}};
	b->limit_ms = 120000;
	bench_run(b);
	ck_assert(b->is_over);
	ck_assert_int_eq(b->failure.code, ERR_SMP_REVERTED);
}
END_TEST

START_TEST(confirm_after_delay_confirms_once)
{
	bench_init(b, LEN, "");
	b->go_delay_ms = 95000;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_int_eq(b->outcome, ENGINE_DONE);
	ck_assert_uint_eq(b->peer.confirms, 1);
	ck_assert_uint_ge(b->facts.exchanges, 9);
}
END_TEST

START_TEST(link_up_again_unchanged_disturbs_nothing)
{
	struct engine_event e = {.type = ENGINE_UP};
	struct engine_command c;
	const struct engine_ops *ops = engine_find("smp");

	bench_init(b, LEN, "");
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	ck_assert_int_eq(ops->next(b->engine, 0, &c), 1);
	ck_assert_int_eq(c.type, ENGINE_CMD_TX);
	ops->event(b->engine, 0, &e);
	ck_assert_int_eq(ops->next(b->engine, 0, &c), 0);
}
END_TEST

/* A host that never reports a send bounds what it gets. */
START_TEST(sends_under_way_are_bounded)
{
	const struct engine_ops *ops = engine_find("smp");
	struct engine_event e = {.type = ENGINE_UP, .up.max_payload = 23};
	struct engine_command c;
	unsigned sends = 0;

	bench_init(b, LEN, "reassembly=yes");
	ops->event(b->engine, 0, &e);
	e = (struct engine_event){.type = ENGINE_OFFER, .offer = {.job = 7,
		.goal = ENGINE_GOAL_UPDATE, .image = &b->want,
		.reached = ENGINE_STAGE_NONE}};
	ops->event(b->engine, 0, &e);
	e = (struct engine_event){.type = ENGINE_TIME};
	for (int64_t now = 0; now < 100000; now += 100) {
		ops->event(b->engine, now, &e);
		while (ops->next(b->engine, now, &c))
			sends += c.type == ENGINE_CMD_TX;
	}
	ck_assert_uint_le(sends, 24);
}
END_TEST

/* On a line of 115,200 baud to a device that thinks for 2 ms, the line carries
 * requests for at least 95 % of the time of the upload. */
struct rate_row {
	const char *name;
	const char *options;
	size_t buf_size;
	unsigned buf_count;
};

static const struct rate_row rates[] = {
	{"console, 384 x 4", "", 384, 4},
	{"console, 1024 x 4", "", 1024, 4},
	{"console, 1024 x 1", "", 1024, 1},
	{"console, 2048 x 2", "", 2048, 2},
	{"raw, 384 x 4", "framing=raw", 384, 4},
	{"raw, 1024 x 1", "framing=raw", 1024, 1},
};

START_TEST(upload_at_115200_baud_keeps_the_line_busy)
{
	const struct rate_row *row = &rates[_i];
	int64_t elapsed_us;

	bench_init(b, 60000, row->options);
	b->baud = 115200;
	b->peer.buf_size = row->buf_size;
	b->peer.buf_count = row->buf_count;
	b->stop_at = ENGINE_STAGE_STAGED;
	b->limit_ms = 60000;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_uint_eq(b->progress, b->want.len);
	ck_assert_uint_eq(b->peer.payload, b->want.len);
	elapsed_us = b->last_upload_us - b->first_upload_us;
	ck_assert_msg(b->upload_wire_us * 100 >= elapsed_us * 95,
		"%s: line busy for %lld of %lld us", row->name,
		(long long)b->upload_wire_us, (long long)elapsed_us);
}
END_TEST

/* A window may open hours later: the device is asked again before it is
 * touched, and each stage is announced once. */
START_TEST(go_after_hours_reads_the_state_first)
{
	bench_init(b, LEN, "");
	b->go_delay_at = _i;
	b->go_delay_ms = 2 * 3600 * 1000;
	b->limit_ms = 5 * 3600 * 1000;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_int_eq(b->outcome, ENGINE_DONE);
	bench_check_no_repeat(b);
	for (int i = 0; i <= ENGINE_STAGE_CONFIRM; i++)
		ck_assert_uint_eq(b->stage_count[i], 1);
}
END_TEST

/* Somebody restarted the device while the window was awaited. */
START_TEST(go_after_hours_notices_what_changed)
{
	bench_init(b, LEN, "");
	b->stop_at = ENGINE_STAGE_RESTART;
	b->limit_ms = 3600 * 1000;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	bench_ours_unconfirmed(b);
	b->stop_at = -1;
	b->now_ms += 3600 * 1000;
	b->limit_ms = 4 * 3600 * 1000;
	b->pending_stage = ENGINE_STAGE_RESTART;
	b->go_ms = b->now_ms + 1;
	bench_run(b);
	ck_assert_int_eq(b->outcome, ENGINE_DONE);
	ck_assert_uint_eq(b->peer.resets, 0);
	ck_assert_uint_eq(b->peer.confirms, 1);
}
END_TEST

START_TEST(offer_without_image_is_refused)
{
	bench_init(b, LEN, "");
	b->want.len = 31;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_int_eq(b->failure.code, ERR_SMP_BAD_EXPECT);
}
END_TEST

START_TEST(second_job_on_the_same_engine_starts_clean)
{
	bench_init(b, LEN, "");
	b->peer.refuses_boot = true;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_int_eq(b->failure.code, ERR_SMP_BOOT_REFUSED);
	b->peer.refuses_boot = false;
	b->failure.code = 0;
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_int_eq(b->outcome, ENGINE_DONE);
	ck_assert_uint_eq(b->peer.resets, 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("smp_jobs");
	TCase *t = tcase_create("jobs");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, inventory_reads_and_writes_nothing);
	tcase_add_test(t, inventory_of_silent_device_times_out);
	tcase_add_loop_test(t, stage_without_go_does_nothing, 0, 5);
	tcase_add_loop_test(t, withdraw_at_stage_ends_withdrawn, 0, 5);
	tcase_add_test(t, confirm_skipped_leaves_it_unconfirmed);
	tcase_add_test(t, confirm_waits_for_two_exchanges);
	tcase_add_test(t, revert_while_confirm_waits_is_noticed);
	tcase_add_test(t, confirm_after_delay_confirms_once);
	tcase_add_test(t, link_up_again_unchanged_disturbs_nothing);
	tcase_add_test(t, sends_under_way_are_bounded);
	tcase_add_loop_test(t, upload_at_115200_baud_keeps_the_line_busy, 0,
		sizeof(rates) / sizeof(rates[0]));
	tcase_add_loop_test(t, go_after_hours_reads_the_state_first, 0, 5);
	tcase_add_test(t, go_after_hours_notices_what_changed);
	tcase_add_test(t, offer_without_image_is_refused);
	tcase_add_test(t, second_job_on_the_same_engine_starts_clean);
	suite_add_tcase(s, t);
	return unit_run(s);
}

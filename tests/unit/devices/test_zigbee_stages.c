/* Stages and what interrupts them: a restart of the gateway, a lost link. */
#include "tests/unit/devices/zigbee_case.h"

START_TEST(transfer_waits_for_go)
{
	bench_init(b, 1, CASE_LEN, "");
	b->go_at = ENGINE_STAGE_TRANSFER;
	b->go_ms = 25000;
	bench_offer(b, 0);
	bench_run_until(b, 25000);
	ck_assert_uint_eq(b->devices[0].blocks, 0);
	ck_assert_uint_le(b->devices[0].queries, 2);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(restart_waits_for_go)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	b->go_at = _i ? ENGINE_STAGE_ACTIVATE : ENGINE_STAGE_RESTART;
	b->go_ms = 20 * MINUTE;
	bench_offer(b, 0);
	bench_run_until(b, 20 * MINUTE);
	ck_assert_uint_eq(d->last_upgrade_s, UINT32_MAX);
	ck_assert_uint_eq(d->restarts, 0);
	bench_run(b);
	ck_assert_uint_eq(d->last_upgrade_s, 1);
	ck_assert_uint_eq(d->restarts, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(end_response_not_asked_for_is_repeated_when_lost)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	b->go_at = ENGINE_STAGE_RESTART;
	b->go_ms = 20 * MINUTE;
	bench_offer(b, 0);
	bench_run_until(b, 20 * MINUTE);
	d->drop_nth = d->received + 1;
	bench_run(b);
	ck_assert_uint_eq(d->restarts, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(stage_without_go_never_restarts_the_device)
{
	bench_init(b, 1, CASE_LEN, "");
	b->stop_at = ENGINE_STAGE_STAGED + _i;
	bench_offer(b, 0);
	bench_run_until(b, 120 * MINUTE);
	ck_assert_uint_eq(b->devices[0].restarts, 0);
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

START_TEST(stages_come_in_their_order)
{
	bench_init(b, 1, CASE_LEN, "");
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_uint_eq(bench_job(b, 0)->stages, BIT(TRANSFER) |
		BIT(STAGED) | BIT(ACTIVATE) | BIT(RESTART));
	ck_assert_uint_eq(bench_job(b, 0)->progress, CASE_LEN);
	ck_assert_uint_ge(bench_job(b, 0)->progresses, 20);
	ck_assert_uint_le(bench_job(b, 0)->progresses, 140);
}
END_TEST

START_TEST(withdraw_by_stage_ends_withdrawn)
{
	bench_init(b, 1, CASE_LEN, "");
	b->withdraw_at = ENGINE_STAGE_TRANSFER + _i;
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(b->devices[0].restarts, 0);
}
END_TEST

START_TEST(withdraw_in_mid_transfer_aborts_the_device)
{
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = 100};

	bench_init(b, 1, CASE_LEN, "grace_s=0");
	bench_offer(b, 0);
	while (b->devices[0].blocks < 5)
		bench_run_until(b, b->now_ms + 10);
	bench_event(b, &e);
	bench_run_until(b, b->now_ms + 5000);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
	ck_assert_uint_eq(b->devices[0].aborts, 1);
}
END_TEST

START_TEST(withdraw_behind_the_restart_makes_way)
{
	struct engine_event e = {.type = ENGINE_WITHDRAW,
		.withdraw.job = 100};

	bench_init(b, 1, CASE_LEN, "");
	bench_offer(b, 0);
	while (!(bench_job(b, 0)->stages & BIT(RESTART)))
		bench_run_until(b, b->now_ms + 10);
	bench_event(b, &e);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_WITHDRAWN);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_RESTART, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* ---- restarts of the gateway, lost links ---- */

START_TEST(gateway_restart_goes_on_where_the_device_is)
{
	struct device *d;
	unsigned blocks, queries;

	bench_init(b, 1, 20000, "");
	d = &b->devices[0];
	bench_offer(b, 0);
	while (d->blocks < 200)
		bench_run_until(b, b->now_ms + 10);
	queries = d->queries;
	blocks = d->blocks;
	bench_restart(b, "");
	b->now_ms += _i * 20000;
	bench_run_until(b, b->now_ms + 1);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_TRANSFER, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
	ck_assert_uint_eq(d->queries, queries);
	ck_assert_uint_eq(d->blocks, 400);
	ck_assert_uint_ge(blocks, 200);
}
END_TEST

START_TEST(gateway_restart_with_late_offer_keeps_the_device)
{
	struct device *d;
	unsigned queries;

	bench_init(b, 1, 20000, "");
	d = &b->devices[0];
	bench_offer(b, 0);
	while (d->blocks < 200)
		bench_run_until(b, b->now_ms + 10);
	queries = d->queries;
	bench_restart(b, "");
	bench_run_until(b, b->now_ms + 100000);
	ck_assert_uint_eq(d->aborts, 0);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_TRANSFER, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_uint_eq(d->queries, queries);
}
END_TEST

START_TEST(gateway_restart_finds_the_device_that_gave_up)
{
	struct device *d;

	bench_init(b, 1, 20000, "");
	d = &b->devices[0];
	bench_offer(b, 0);
	while (d->blocks < 200)
		bench_run_until(b, b->now_ms + 10);
	d->state = DEVICE_IDLE;
	d->due_ms = ENGINE_NEVER;
	bench_restart(b, "");
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_TRANSFER, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

/* It has all and was told to wait; it would not ask again for an hour. */
START_TEST(gateway_restart_finds_the_device_that_waits)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	b->stop_at = ENGINE_STAGE_ACTIVATE;
	bench_offer(b, 0);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(d->last_upgrade_s, UINT32_MAX);
	b->stop_at = -1;
	bench_restart(b, "");
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_STAGED, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_int_lt(b->now_ms, 10 * MINUTE);
	ck_assert_uint_eq(d->restarts, 1);
}
END_TEST

START_TEST(gateway_restart_behind_the_restart_reads_back)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	d->version = _i ? BENCH_OLD : BENCH_NEW;
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_RESTART, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, _i ? ENGINE_FAILED :
		ENGINE_DONE);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, _i ?
		ERR_ZIGBEE_OLD_VERSION : 0);
	ck_assert_uint_eq(d->notifies, 0);
	ck_assert_uint_eq(bench_job(b, 0)->stages, 0);
}
END_TEST

/* It waits for leave to restart; an earlier run gave it, this one has not. */
START_TEST(gateway_restart_behind_the_restart_lets_nobody_go_without_go)
{
	bench_init(b, 1, CASE_LEN, "");
	b->stop_at = ENGINE_STAGE_STAGED;
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_RESTART, NULL,
		false);
	case_settle();
	b->devices[0].state = DEVICE_END;
	bench_rx_hex(b, 0, OTA, END_OK);
	bench_run_until(b, 5 * MINUTE);
	ck_assert_uint_eq(b->devices[0].last_upgrade_s, UINT32_MAX);
	ck_assert_uint_eq(b->devices[0].restarts, 0);
}
END_TEST

START_TEST(link_lost_in_mid_transfer_goes_on)
{
	struct device *d;

	bench_init(b, 2, 20000, "");
	bench_offer(b, 0);
	bench_offer(b, 1);
	d = &b->devices[0];
	while (d->blocks < 100)
		bench_run_until(b, b->now_ms + 10);
	bench_link(b, false);
	bench_run_until(b, b->now_ms + 15000);
	bench_link(b, true);
	bench_run(b);
	ck_assert_uint_eq(d->queries, 1);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_int_eq(bench_job(b, 1)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(link_lost_for_hours_is_not_silence)
{
	bench_init(b, 1, CASE_LEN, "");
	bench_offer(b, 0);
	while (b->devices[0].blocks < 20)
		bench_run_until(b, b->now_ms + 10);
	bench_link(b, false);
	bench_run_until(b, b->now_ms + 300 * MINUTE);
	ck_assert(!bench_job(b, 0)->over);
	bench_link(b, true);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(peer_gone_and_back_is_notified_again)
{
	struct engine_event e = {.type = ENGINE_PEER, .peer = {.gone = true}};

	bench_init(b, 1, CASE_LEN, "");
	e.peer.key = b->devices[0].key;
	b->devices[0].ignores_notify = true;
	bench_offer(b, 0);
	bench_run_until(b, 10 * MINUTE);
	bench_event(b, &e);
	b->devices[0].ignores_notify = false;
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(!bench_job(b, 0)->over);
	bench_peer(b, 0, false);
	bench_run_until(b, b->now_ms + MINUTE);
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

static void add_stages(TCase *c)
{
	tcase_add_test(c, transfer_waits_for_go);
	tcase_add_loop_test(c, restart_waits_for_go, 0, 2);
	tcase_add_test(c, end_response_not_asked_for_is_repeated_when_lost);
	tcase_add_loop_test(c, stage_without_go_never_restarts_the_device, 0,
		3);
	tcase_add_test(c, stages_come_in_their_order);
	tcase_add_loop_test(c, withdraw_by_stage_ends_withdrawn, 0, 4);
	tcase_add_test(c, withdraw_in_mid_transfer_aborts_the_device);
	tcase_add_test(c, withdraw_behind_the_restart_makes_way);
	tcase_add_loop_test(c, gateway_restart_goes_on_where_the_device_is, 0,
		2);
	tcase_add_test(c, gateway_restart_with_late_offer_keeps_the_device);
	tcase_add_test(c, gateway_restart_finds_the_device_that_gave_up);
	tcase_add_test(c, gateway_restart_finds_the_device_that_waits);
	tcase_add_loop_test(c, gateway_restart_behind_the_restart_reads_back,
		0, 2);
	tcase_add_test(c,
		gateway_restart_behind_the_restart_lets_nobody_go_without_go);
	tcase_add_test(c, link_lost_in_mid_transfer_goes_on);
	tcase_add_test(c, link_lost_for_hours_is_not_silence);
	tcase_add_test(c, peer_gone_and_back_is_notified_again);
}

int main(void)
{
	return case_run("zigbee_stages", add_stages);
}

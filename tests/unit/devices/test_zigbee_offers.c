/* Offers of every kind: inventories, what cannot be, many at once; options. */
#include "tests/unit/devices/zigbee_case.h"

/* ---- inventory ---- */

START_TEST(inventory_of_router_is_read)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].knows_no_read = _i == 1;
	b->devices[0].silent = _i == 2;
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run(b);
	ck_assert(bench_job(b, 0)->over);
	ck_assert_uint_eq(bench_job(b, 0)->stages, 0);
	if (_i == 2) {
		ck_assert_int_eq(bench_job(b, 0)->failure.code,
			ERR_ZIGBEE_NO_ANSWER);
		return;
	}
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_str_eq(bench_job(b, 0)->facts.version, "0x00000100");
}
END_TEST

START_TEST(inventory_of_who_refuses_all_ends)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].knows_no_read = true;
	b->devices[0].refuses_notify = true;
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_NO_ANSWER);
	ck_assert_uint_le(b->sends, 6);
}
END_TEST

START_TEST(inventory_of_sleepy_child_takes_what_it_said)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].sleepy = true;
	bench_peer(b, 0, false);
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	bench_run_until(b, 10 * MINUTE);
	ck_assert(!bench_job(b, 0)->over);
	ck_assert_int_eq(bench_job(b, 0)->wait, ENGINE_WAIT_WAKE);
	bench_query(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	bench_offer_as(b, 0, ENGINE_GOAL_INVENTORY, ENGINE_STAGE_NONE, NULL,
		false);
	case_settle();
	ck_assert_str_eq(bench_job(b, 0)->facts.version, "0x00000100");
	ck_assert(bench_job(b, 0)->over);
}
END_TEST

START_TEST(inventory_beside_a_job_is_answered_from_memory)
{
	struct engine_event e = {.type = ENGINE_OFFER};

	case_begin_transfer("");
	e.offer.job = 5000;
	e.offer.goal = ENGINE_GOAL_INVENTORY;
	e.offer.reached = ENGINE_STAGE_NONE;
	e.offer.peer = b->devices[0].key;
	b->jobs[1] = (struct bench_job){.job = 5000, .device = 1,
		.pending = -1};
	b->job_count = 2;
	bench_event(b, &e);
	case_settle();
	ck_assert(bench_job(b, 1)->over);
	ck_assert_str_eq(bench_job(b, 1)->facts.version, "0x00000100");
	ck_assert(!bench_job(b, 0)->over);
}
END_TEST

/* ---- offers that cannot be ---- */

START_TEST(offer_without_ota_file_fails)
{
	bench_init(b, 1, CASE_LEN, "");
	b->image[0] ^= 1;
	bench_offer(b, 0);
	case_settle();
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_OTA_FILE_MAGIC);
}
END_TEST

START_TEST(offer_with_bad_option_fails)
{
	bench_init(b, 1, CASE_LEN, "");
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE, "shine=1",
		false);
	case_settle();
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_FAILED);
}
END_TEST

START_TEST(image_that_cannot_be_read_fails_and_aborts)
{
	bench_init(b, 1, CASE_LEN, "grace_s=0");
	bench_offer(b, 0);
	while (b->devices[0].blocks < 20)
		bench_run_until(b, b->now_ms + 10);
	b->image_status = ERR_STORE_ROTTEN_BLOB;
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_STORE_ROTTEN_BLOB);
	bench_run_until(b, b->now_ms + 10);
	ck_assert_uint_eq(b->devices[0].aborts, 1);
}
END_TEST

/* The answer is held for want of airtime when the job begins anew. */
START_TEST(offer_of_the_same_job_asks_for_go_anew)
{
	struct engine_event e = {.type = ENGINE_BUDGET};
	unsigned blocks;

	case_begin_transfer("");
	bench_event(b, &e);
	bench_rx_hex(b, 0, OTA, BLOCK_AT("00000000", "3f"));
	case_settle();
	blocks = (unsigned)case_counts().blocks;
	b->stop_at = ENGINE_STAGE_TRANSFER;
	bench_offer(b, 0);
	e.budget.airtime_us = UINT32_MAX;
	bench_event(b, &e);
	bench_run_until(b, b->now_ms + 5000);
	ck_assert_uint_eq(bench_job(b, 0)->stages, BIT(TRANSFER));
	ck_assert_uint_eq(case_counts().blocks, blocks);
}
END_TEST

START_TEST(abort_again_and_again_is_final)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].end_status = ZCL_ABORT;
	for (unsigned i = 0; i < 3; i++) {
		b->failed = i;
		bench_offer(b, 0);
		bench_run(b);
		ck_assert_int_eq(bench_job(b, 0)->failure.code, i < 2 ?
			ERR_ZIGBEE_ABORTED : ERR_ZIGBEE_GAVE_UP);
	}
}
END_TEST

START_TEST(quirks_of_vendor_win_over_local_ones)
{
	bench_init(b, 1, CASE_LEN, "");
	bench_quirks(b, "vendor", "* : block_max=30");
	bench_quirks(b, "", "* : block_max=40");
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_uint_eq(b->devices[0].longest, 30);
	bench_quirks(b, "vendor", "");
	b->devices[0].version = BENCH_OLD;
	b->devices[0].longest = 0;
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_uint_eq(b->devices[0].longest, 40);
}
END_TEST

START_TEST(many_devices_with_loss_all_end)
{
	static const char *const options[] = {"concurrent=64", "",
		"broadcast=no", "concurrent=1 broadcast=no"};

	bench_init(b, 200, 1000, options[_i]);
	b->sent_ms = 3;
	b->fail_nth = 50;
	for (unsigned i = 0; i < 200; i++) {
		b->devices[i].drop_nth = 30 + i % 40;
		b->devices[i].drop_queries = i % 2;
		bench_offer(b, i);
	}
	bench_run(b);
	ck_assert_uint_eq(b->over_count, 200);
	for (unsigned i = 0; i < 200; i++) {
		ck_assert_int_eq(bench_job(b, i)->outcome, ENGINE_DONE);
		ck_assert(bench_has_image(b, i));
	}
	ck_assert_uint_le(b->most_places, _i == 0 ? 128 : 8);
	ck_assert_uint_eq(case_counts().offers, 0);
	ck_assert_int_lt(b->now_ms, 10 * MINUTE);
}
END_TEST

/* ---- options ---- */

struct option_row {
	const char *text;
	bool of_class;
	const char *field; /* NULL: taken */
};

static const struct option_row option_rows[] = {
	{"", false, NULL}, {NULL, false, NULL},
	{"concurrent=64 block=64 window=8 grace_s=0 budget=35", false, NULL},
	{"concurrent=0", false, "concurrent"},
	{"concurrent=1025", false, "concurrent"},
	{"window=65", false, "window"}, {"block=19", false, "block"},
	{"block=65", false, "block"}, {"jitter=0", false, "jitter"},
	{"broadcast=maybe", false, "broadcast"}, {"grace_s=", false, "grace_s"},
	{"shine=1", false, "shine"}, {"block", false, "block"},
	{"budget=-1", false, "budget"},
	{"", true, NULL}, {NULL, true, NULL},
	{"activate=wait block=64 from=0x1-0xff image_type=0x10", true, NULL},
	{"finish_s=1800 pages=no", true, NULL},
	{"activate=soon", true, "activate"}, {"from=5", true, "from"},
	{"from=9-5", true, "from"}, {"manufacturer=0x10000", true,
		"manufacturer"},
	{"finish_s=x", true, "finish_s=x"},
	{"shine=1", true, "shine"}, {"a:b=1", true, "a:b"},
	{"pages=no #", true, "#"},
	{"pages=n#", true, "pages"},
};

START_TEST(options_by_row_are_judged)
{
	const struct option_row *row = &option_rows[_i];
	const struct engine_ops *ops = &zigbee_ota_engine_ops;
	struct fault f = {0};
	int rc = row->of_class ? ops->class_options(row->text, &f) :
		ops->create(row->text, NULL, &f);

	b->engine = NULL;
	if (!row->field)
		ck_assert_msg(rc == 0, "%s: %s %s", row->text, f.field,
			f.rule);
	else
		ck_assert_msg(rc < 0 && !strncmp(f.field, row->field,
				strlen(row->field)), "%s: %d %s", row->text,
			rc, f.field);
}
END_TEST

static void add_offers(TCase *c)
{
	tcase_add_loop_test(c, inventory_of_router_is_read, 0, 3);
	tcase_add_test(c, inventory_of_who_refuses_all_ends);
	tcase_add_test(c, inventory_of_sleepy_child_takes_what_it_said);
	tcase_add_test(c, inventory_beside_a_job_is_answered_from_memory);
	tcase_add_test(c, offer_without_ota_file_fails);
	tcase_add_test(c, offer_with_bad_option_fails);
	tcase_add_test(c, image_that_cannot_be_read_fails_and_aborts);
	tcase_add_test(c, offer_of_the_same_job_asks_for_go_anew);
	tcase_add_test(c, abort_again_and_again_is_final);
	tcase_add_test(c, quirks_of_vendor_win_over_local_ones);
	tcase_add_loop_test(c, many_devices_with_loss_all_end, 0, 4);
	tcase_add_loop_test(c, options_by_row_are_judged, 0,
		sizeof(option_rows) / sizeof(option_rows[0]));
}

int main(void)
{
	return case_run("zigbee_offers", add_offers);
}

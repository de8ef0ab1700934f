/* What is not known of a device when it asks, what it says of several images, and
 * what it may not do to others. */
#include "tests/unit/devices/zigbee_case.h"

#define BLOCK BLOCK_AT("00000000", "3f")
#define TYPE_2 "0302"
#define QUERY_2(version) "01430100" "3412" TYPE_2 version
#define NO_IMAGE "19430298"
/* CurrentFileVersion, of manufacturer and type as the bench has them. */
#define RUNS(version) \
	"10010102000023" version "0700002134120800002102" "01"

static unsigned count_command(uint8_t command)
{
	unsigned n = 0, kept = b->sends < BENCH_LOG ? b->sends : BENCH_LOG;

	for (unsigned i = 0; i < kept; i++)
		n += bench_log(b, i)->data[2] == command &&
			bench_log(b, i)->channel == OTA &&
			bench_log(b, i)->data[0] & 1;
	return n;
}

static unsigned count_reads(void)
{
	unsigned n = 0, kept = b->sends < BENCH_LOG ? b->sends : BENCH_LOG;

	for (unsigned i = 0; i < kept; i++)
		n += bench_log(b, i)->data[2] == ZCL_READ_ATTRIBUTES &&
			bench_log(b, i)->channel == OTA &&
			!(bench_log(b, i)->data[0] & 1);
	return n;
}

/* How long the newest End Response tells the device to wait. */
static uint32_t told_to_wait_s(void)
{
	for (unsigned i = 0; i < BENCH_LOG && i < b->sends; i++)
		if (bench_log(b, i)->channel == OTA &&
				bench_log(b, i)->data[0] & 1 &&
				bench_log(b, i)->data[2] == OTA_END_RESPONSE)
			return get_le32(bench_log(b, i)->data + 15);
	ck_abort_msg("no End Response");
	return 0;
}

/* A device that says nothing by itself, with an open offer. */
static void begin(int reached, bool allow_downgrade)
{
	bench_init(b, 1, CASE_LEN, "grace_s=0");
	b->devices[0].silent = true;
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, reached, NULL,
		allow_downgrade);
	bench_run_until(b, b->now_ms + 100);
}

/* ---- blocks and ends without a query ---- */

START_TEST(block_without_a_query_waits_for_the_version)
{
	begin(ENGINE_STAGE_NONE, false);
	bench_rx_hex(b, 0, OTA, BLOCK);
	case_settle();
	ck_assert_uint_eq(count_command(OTA_BLOCK_RESPONSE), 0);
	ck_assert_uint_eq(count_reads(), 1);
	bench_rx_hex(b, 0, OTA, RUNS("00010000"));
	case_settle();
	ck_assert_uint_eq(count_command(OTA_BLOCK_RESPONSE), 1);
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
	bench_rx_hex(b, 0, OTA, BLOCK_AT("32000000", "3f"));
	case_settle();
	ck_assert_uint_eq(count_command(OTA_BLOCK_RESPONSE), 2);
	ck_assert_uint_eq(count_reads(), 1);
}
END_TEST

START_TEST(block_without_a_query_is_no_way_to_a_lower_version)
{
	begin(ENGINE_STAGE_NONE, false);
	bench_rx_hex(b, 0, OTA, BLOCK);
	bench_rx_hex(b, 0, OTA, RUNS("0e0c0b0a"));
	case_settle();
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_FAILED);
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_DOWNGRADE);
	case_expect_sent(0, "19420595");
	ck_assert_uint_eq(case_counts().blocks, 0);
}
END_TEST

START_TEST(block_without_a_query_of_a_device_that_runs_it_is_done)
{
	begin(ENGINE_STAGE_NONE, false);
	bench_rx_hex(b, 0, OTA, BLOCK);
	bench_rx_hex(b, 0, OTA, RUNS("0d0c0b0a"));
	case_settle();
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert_uint_eq(case_counts().blocks, 0);
}
END_TEST

START_TEST(block_without_a_query_of_a_device_that_does_not_tell_ends)
{
	unsigned i;

	begin(ENGINE_STAGE_NONE, false);
	for (i = 0; i < 40; i++) {
		bench_rx_hex(b, 0, OTA, BLOCK);
		bench_run_until(b, b->now_ms + 1000);
	}
	ck_assert_uint_eq(count_reads(), 3);
	case_expect_sent(0, "19420595");
	ck_assert_uint_eq(case_counts().blocks, 0);
	/* It queries, and all is well. */
	bench_rx_hex(b, 0, OTA, QUERY);
	case_settle();
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
	bench_rx_hex(b, 0, OTA, BLOCK);
	case_settle();
	ck_assert_uint_eq(case_counts().blocks, 1);
}
END_TEST

START_TEST(block_without_a_query_is_served_where_an_earlier_run_looked)
{
	begin(ENGINE_STAGE_TRANSFER, false);
	bench_rx_hex(b, 0, OTA, BLOCK);
	case_settle();
	ck_assert_uint_eq(case_counts().blocks, 1);
}
END_TEST

START_TEST(block_without_a_query_is_served_where_any_version_may_come_before)
{
	begin(ENGINE_STAGE_NONE, true);
	bench_rx_hex(b, 0, OTA, BLOCK);
	case_settle();
	ck_assert_uint_eq(case_counts().blocks, 1);
}
END_TEST

START_TEST(end_without_a_query_is_no_way_to_a_lower_version)
{
	begin(ENGINE_STAGE_NONE, false);
	bench_rx_hex(b, 0, OTA, END_OK);
	case_settle();
	ck_assert_uint_eq(bench_job(b, 0)->stages, 0);
	bench_rx_hex(b, 0, OTA, RUNS("0e0c0b0a"));
	case_settle();
	ck_assert_int_eq(bench_job(b, 0)->failure.code, ERR_ZIGBEE_DOWNGRADE);
	ck_assert_uint_eq(count_command(OTA_END_RESPONSE), 0);
}
END_TEST

/* ---- ends that come too early ---- */

/* The head of the file takes longer than the device may wait for its answer. */
START_TEST(end_before_the_file_is_known_is_taken_up_then)
{
	bench_init(b, 1, CASE_LEN, "grace_s=0");
	b->devices[0].silent = true;
	bench_rx_hex(b, 0, OTA, QUERY);
	b->image_ms = 5000;
	bench_offer(b, 0);
	bench_rx_hex(b, 0, OTA, END_OK);
	bench_run_until(b, b->now_ms + 2000);
	ck_assert_uint_eq(count_command(OTA_END_RESPONSE), 1);
	ck_assert_uint_eq(told_to_wait_s(), UINT32_MAX);
	b->image_ms = 0;
	bench_run_until(b, b->now_ms + 8000);
	ck_assert_uint_eq(bench_job(b, 0)->stages & BIT(RESTART), BIT(RESTART));
	ck_assert_uint_eq(count_command(OTA_END_RESPONSE), 2);
	ck_assert_uint_eq(told_to_wait_s(), 1);
}
END_TEST

START_TEST(end_before_the_offer_is_taken_up_with_it)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].silent = true;
	bench_rx_hex(b, 0, OTA, END_OK);
	case_settle();
	ck_assert_uint_eq(count_command(OTA_END_RESPONSE), 1);
	bench_offer_as(b, 0, ENGINE_GOAL_UPDATE, ENGINE_STAGE_TRANSFER, NULL,
		false);
	bench_run_until(b, b->now_ms + 3000);
	ck_assert_uint_eq(count_command(OTA_END_RESPONSE), 2);
	ck_assert_uint_eq(told_to_wait_s(), 1);
}
END_TEST

/* ---- attempts ---- */

START_TEST(attempts_of_earlier_runs_count)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].end_status = ZCL_ABORT;
	b->failed = _i ? 2 : 1;
	bench_offer(b, 0);
	bench_run(b);
	ck_assert_int_eq(bench_job(b, 0)->failure.code,
		_i ? ERR_ZIGBEE_GAVE_UP : ERR_ZIGBEE_ABORTED);
}
END_TEST

/* ---- devices with two images ---- */

#define KNOWN_AS_1 \
	"manufacturer=0x1234 image_type=0x0102 file_version=0x00000100 "

START_TEST(query_for_another_image_does_not_change_what_is_known)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].silent = true;
	for (unsigned i = 0; i < 20; i++) {
		bench_rx_hex(b, 0, OTA, QUERY);
		bench_run_until(b, b->now_ms + 10000);
		bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
		bench_run_until(b, b->now_ms + 10000);
		case_expect_sent(0, NO_IMAGE);
		ck_assert_str_eq(b->facts_version, "0x00000100");
		ck_assert(!strncmp(b->attributes, KNOWN_AS_1,
			strlen(KNOWN_AS_1)));
	}
}
END_TEST

START_TEST(query_for_another_image_again_and_again_is_what_it_has_now)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].silent = true;
	bench_rx_hex(b, 0, OTA, QUERY);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_str_eq(b->facts_version, i ? "0x00000100" : "");
		bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
		bench_run_until(b, b->now_ms + 10000);
	}
	ck_assert_str_eq(b->facts_version, "0x00000005");
}
END_TEST

START_TEST(query_for_another_image_neither_ends_nor_serves_the_offer)
{
	struct device *d;

	bench_init(b, 1, CASE_LEN, "");
	d = &b->devices[0];
	bench_offer(b, 0);
	while (!bench_job(b, 0)->over) {
		bench_run_until(b, b->now_ms + 3000);
		bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
		case_settle();
	}
	ck_assert_int_eq(bench_job(b, 0)->outcome, ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
	ck_assert_uint_eq(d->version, BENCH_NEW);
}
END_TEST

START_TEST(version_of_another_image_proves_nothing)
{
	struct bench_job *j;

	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].knows_no_read = true;
	b->devices[0].stays_away = true;
	bench_rx_hex(b, 0, OTA, QUERY);
	bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
	bench_offer(b, 0);
	j = bench_job(b, 0);
	while (!(j->stages & BIT(RESTART)))
		bench_run_until(b, b->now_ms + 10);
	for (unsigned i = 0; i < 8; i++) {
		bench_run_until(b, b->now_ms + 20000);
		bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
	}
	ck_assert(!j->over);
	bench_rx_hex(b, 0, OTA, "01420100" "3412" "0201" "0d0c0b0a");
	case_settle();
	ck_assert(j->over);
	ck_assert_int_eq(j->outcome, ENGINE_DONE);
}
END_TEST

START_TEST(offer_is_for_the_image_that_it_fits)
{
	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].silent = true;
	bench_rx_hex(b, 0, OTA, QUERY_2("05000000"));
	bench_rx_hex(b, 0, OTA, QUERY);
	bench_run_until(b, b->now_ms + 10000);
	ck_assert_str_eq(b->facts_version, "0x00000005");
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 10000);
	ck_assert(!bench_job(b, 0)->over);
	ck_assert_str_eq(b->facts_version, "0x00000100");
	bench_rx_hex(b, 0, OTA, QUERY);
	case_settle();
	ck_assert_uint_eq(bench_log(b, 0)->data[3], ZCL_SUCCESS);
}
END_TEST

/* ---- storms ---- */

static void storm_query(unsigned device, unsigned i)
{
	char hex[64];

	snprintf(hex, sizeof(hex), "01%02x0100" "3412" "0201" "00010000",
		i & 0xff);
	bench_rx_hex(b, device, OTA, hex);
}

START_TEST(storm_of_queries_is_answered_at_a_pace)
{
	unsigned before;

	bench_init(b, 1, CASE_LEN, "");
	b->devices[0].silent = true;
	bench_run_until(b, 20000);
	before = b->sends;
	for (unsigned i = 0; i < 1000; i++) {
		storm_query(0, i);
		bench_run_until(b, b->now_ms + 20);
	}
	ck_assert_uint_ge(b->sends - before, 100);
	ck_assert_uint_le(b->sends - before, 125);
	/* The newest has its answer. */
	bench_run_until(b, b->now_ms + 300);
	ck_assert_uint_eq(bench_log(b, 0)->data[1], 999 & 0xff);
	/* Who has calmed down is answered at once. */
	bench_run_until(b, b->now_ms + 10000);
	before = b->sends;
	storm_query(0, 7);
	case_settle();
	ck_assert_uint_eq(b->sends, before + 1);
}
END_TEST

/* Thirty devices that ask fifty times a second would use up all of the airtime. */
START_TEST(storms_leave_others_their_blocks)
{
	bench_init(b, 31, 20000, "");
	for (unsigned i = 1; i < 31; i++)
		b->devices[i].silent = true;
	b->budget_us = 350000;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 3000);
	for (unsigned i = 0; i < 1500 && !bench_job(b, 0)->over; i++) {
		for (unsigned n = 1; n < 31; n++)
			storm_query(n, i);
		bench_run_until(b, b->now_ms + 20);
	}
	ck_assert_uint_ge(b->devices[0].blocks, 150);
}
END_TEST

static void add(TCase *c)
{
	tcase_add_test(c, block_without_a_query_waits_for_the_version);
	tcase_add_test(c, block_without_a_query_is_no_way_to_a_lower_version);
	tcase_add_test(
		c, block_without_a_query_of_a_device_that_runs_it_is_done);
	tcase_add_test(
		c, block_without_a_query_of_a_device_that_does_not_tell_ends);
	tcase_add_test(
		c, block_without_a_query_is_served_where_an_earlier_run_looked);
	tcase_add_test(c,
		block_without_a_query_is_served_where_any_version_may_come_before);
	tcase_add_test(c, end_without_a_query_is_no_way_to_a_lower_version);
	tcase_add_test(c, end_before_the_file_is_known_is_taken_up_then);
	tcase_add_test(c, end_before_the_offer_is_taken_up_with_it);
	tcase_add_loop_test(c, attempts_of_earlier_runs_count, 0, 2);
	tcase_add_test(
		c, query_for_another_image_does_not_change_what_is_known);
	tcase_add_test(
		c, query_for_another_image_again_and_again_is_what_it_has_now);
	tcase_add_test(
		c, query_for_another_image_neither_ends_nor_serves_the_offer);
	tcase_add_test(c, version_of_another_image_proves_nothing);
	tcase_add_test(c, offer_is_for_the_image_that_it_fits);
	tcase_add_test(c, storm_of_queries_is_answered_at_a_pace);
	tcase_add_test(c, storms_leave_others_their_blocks);
}

int main(void)
{
	return case_run("zigbee_doubts", add);
}

/* Settings of quirks that change what the server does to a device, beside what
 * the rows of test_zigbee_server.c show. */
#include "ferry/transport.h"
#include "tests/unit/devices/zigbee_case.h"

static void setup(void)
{
	case_setup();
	bench_init(b, 1, CASE_LEN, "");
}

static struct bench_job *update(const char *rows)
{
	bench_quirks(b, "", rows);
	bench_offer(b, 0);
	bench_run(b);
	ck_assert(bench_job(b, 0)->over);
	return bench_job(b, 0);
}

START_TEST(malformed_is_ignored_by_row)
{
	b->devices[0].malformed = true;
	ck_assert_int_eq(update("* : ignore_malformed=yes")->outcome,
		ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
}
END_TEST

START_TEST(malformed_taken_at_its_word_ends_the_attempt)
{
	struct bench_job *j;

	b->devices[0].malformed = true;
	j = update("* : ignore_malformed=no");
	ck_assert_int_eq(j->outcome, ENGINE_FAILED);
	ck_assert_int_eq(j->failure.code, ERR_ZIGBEE_ABORTED);
	ck_assert_str_eq(j->failure.device_status,
		"status=0x80 MALFORMED_COMMAND");
}
END_TEST

/* Six sends of the same block fail. Repeated for long enough it arrives before
 * the device gives up and begins anew. */
START_TEST(restarts_at_zero_keeps_its_place_over_a_bad_radio)
{
	b->devices[0].zero_after = true;
	b->fail_from = 40;
	b->fail_count = 6;
	ck_assert_int_eq(update("* : restarts_at_zero=yes")->outcome,
		ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
	/* A query, each block once, an end, a query after the restart; blocks are
	 * shorter after the third failure. */
	ck_assert_uint_le(case_counts().requests, CASE_LEN / 50 + 10);
}
END_TEST

START_TEST(restarts_at_zero_not_known_begins_anew)
{
	b->devices[0].zero_after = true;
	b->fail_from = 40;
	b->fail_count = 6;
	ck_assert_int_eq(update("* : ack_blocks=yes")->outcome, ENGINE_DONE);
	ck_assert(bench_has_image(b, 0));
	ck_assert_uint_gt(case_counts().requests, CASE_LEN / 50 + 20);
}
END_TEST

START_TEST(restarts_at_zero_asks_for_acknowledgements)
{
	unsigned blocks = 0;

	update("* : restarts_at_zero=yes");
	for (unsigned i = 0; i < 40; i++) {
		const struct bench_frame *f = bench_log(b, i);

		if (f->data[2] != OTA_BLOCK_RESPONSE)
			continue;
		ck_assert_int_eq(f->until, FERRY_DELIVERED);
		blocks++;
	}
	ck_assert_uint_gt(blocks, 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("zigbee_odd");
	TCase *c = tcase_create("odd");

	tcase_add_checked_fixture(c, setup, case_teardown);
	tcase_add_test(c, malformed_is_ignored_by_row);
	tcase_add_test(c, malformed_taken_at_its_word_ends_the_attempt);
	tcase_add_test(c, restarts_at_zero_keeps_its_place_over_a_bad_radio);
	tcase_add_test(c, restarts_at_zero_not_known_begins_anew);
	tcase_add_test(c, restarts_at_zero_asks_for_acknowledgements);
	suite_add_tcase(s, c);
	return unit_run(s);
}

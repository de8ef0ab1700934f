/* The numbers of frames, and EZSP's use of them. */
#include "tests/unit/transports/ezsp_rig.h"

#include "transports/zigbee/numbers.h"

/* ---- by itself ---- */

START_TEST(number_take_never_gives_0_nor_one_in_use)
{
	struct zb_numbers n = {.last = 0};
	unsigned i;

	ck_assert_uint_eq(zb_number_take(&n, 0), 1);
	for (i = 0; i < 600; i++) {
		uint8_t number = zb_number_take(&n, 0);

		ck_assert_uint_gt(number, 1);
		zb_number_free(&n, number);
	}
}
END_TEST

START_TEST(number_take_passes_over_one_that_is_barred)
{
	struct zb_numbers n = {.last = 0};
	unsigned i;

	zb_number_bar(&n, zb_number_take(&n, 0), 0);
	for (i = 0; i < 600; i++) {
		uint8_t number = zb_number_take(&n, ZB_BARRED_MS - 1);

		ck_assert_uint_ne(number, 1);
		zb_number_free(&n, number);
	}
	n.last = 255;
	ck_assert_uint_eq(zb_number_take(&n, ZB_BARRED_MS), 1);
}
END_TEST

START_TEST(number_late_lifts_the_bar_unless_in_use)
{
	struct zb_numbers n = {.last = 0};

	zb_number_bar(&n, zb_number_take(&n, 0), 0);
	zb_number_late(&n, 1);
	n.last = 255;
	ck_assert_uint_eq(zb_number_take(&n, 1), 1);
	zb_number_late(&n, 1);
	n.last = 255;
	ck_assert_uint_eq(zb_number_take(&n, 1), 2);
}
END_TEST

START_TEST(number_take_with_all_barred_gives_one_that_is_not_in_use)
{
	struct zb_numbers n = {.last = 0};
	unsigned i;

	ck_assert_uint_eq(zb_number_take(&n, 0), 1);
	for (i = 2; i < ZB_NUMBERS; i++)
		zb_number_bar(&n, zb_number_take(&n, 0), 0);
	for (i = 0; i < 300; i++) {
		uint8_t number = zb_number_take(&n, 1);

		ck_assert_uint_gt(number, 1);
		zb_number_bar(&n, number, 1);
	}
}
END_TEST

/* ---- EZSP ---- */

static uint16_t tag_of(uint32_t id)
{
	peer.count = 0;
	send_ok(id);
	return peer.last_tag;
}

static void end_of(uint16_t tag)
{
	ezsp_peer_sent(&peer, tag, 0);
	settle();
}

/* Sends and confirms until all tags have come round, while `old` may still be
 * told. */
static void come_round(uint16_t old)
{
	uint16_t tag = 0;
	unsigned i;

	for (i = 1; i <= 300; i++) {
		tag = tag_of(i);
		ck_assert_uint_ne(tag, old);
		if (i < 300)
			end_of(tag);
		story_len = 0;
		story[0] = 0;
	}
	end_of(old);
	assert_story("");
	end_of(tag);
	assert_story("confirm 300 ok 0\n");
}

START_TEST(tag_whose_end_was_not_told_is_barred)
{
	uint16_t old;

	up(versions[_i]);
	old = tag_of(1000);
	pass(31000);
	assert_story("confirm 1000 lost 0\n");
	come_round(old);
}
END_TEST

/* The coprocessor goes on, and with it what it has in the air. */
START_TEST(tag_from_before_the_network_moved_is_barred)
{
	uint16_t old;

	up(versions[_i]);
	old = tag_of(1000);
	ezsp_peer_status(&peer, 0x9a, 0x0c16);
	pass(10);
	ck_assert_ptr_nonnull(strstr(story, "confirm 1000 lost 0\n"));
	come_round(old);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.zigbee_numbers");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, number_take_never_gives_0_nor_one_in_use);
	tcase_add_test(tc, number_take_passes_over_one_that_is_barred);
	tcase_add_test(tc, number_late_lifts_the_bar_unless_in_use);
	tcase_add_test(tc,
		number_take_with_all_barred_gives_one_that_is_not_in_use);
	suite_add_tcase(s, tc);
	tc = tcase_create("ezsp");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(
		tc, tag_whose_end_was_not_told_is_barred, 0, VERSIONS);
	tcase_add_loop_test(
		tc, tag_from_before_the_network_moved_is_barred, 0, VERSIONS);
	suite_add_tcase(s, tc);
	return unit_run(s);
}

/* How the stack deconz starts, and how it comes back. What it sends and hears is
 * in test_deconz_air.c. */
#include "tests/unit/transports/deconz_rig.h"

#include <errno.h>

/* ---- starting ---- */

START_TEST(start_commissioned_network_comes_up)
{
	up();
	ck_assert_uint_eq(told.network.eui64, OWN);
	ck_assert_uint_eq(told.network.pan, 0x1a62);
	ck_assert_uint_eq(told.network.channel, 15);
	ck_assert_uint_eq(told.network.window, 8);
	ck_assert_str_eq(told.network.text, "deCONZ firmware 0x26780700");
	ck_assert_uint_eq(fw.endpoint_writes, 0);
	ck_assert_uint_eq(fw.leaves + fw.connects, 0);
	ck_assert_uint_eq(fw.watchdogs, 1);
}
END_TEST

START_TEST(start_without_endpoint_writes_it_and_reconnects)
{
	start();
	ck_assert_uint_eq(fw.endpoint_writes, 1);
	ck_assert_mem_eq(fw.endpoint,
		"\x01\x04\x01\x05\x00\x00\x03\x00\x00\x0a\x00\x19\x00\x00", 14);
	ck_assert_uint_eq(fw.leaves, 1);
	ck_assert_uint_eq(fw.connects, 1);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_leaves_the_endpoints_of_others)
{
	fw.others = true;
	start();
	ck_assert_uint_eq(fw.endpoint_writes, 0);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_offline_coordinator_is_connected)
{
	fw.state = 0;
	up();
	ck_assert_uint_eq(fw.connects, 1);
	ck_assert_uint_eq(fw.leaves, 0);
}
END_TEST

START_TEST(start_without_network_fails_and_says_what_to_do)
{
	fw.channel = 0;
	fw.state = 0;
	have_endpoint();
	start();
	ck_assert_uint_eq(told.fails, 1);
	ck_assert_int_eq(told.status, -ENOENT);
	ck_assert_ptr_nonnull(strstr(told.text, "form = yes"));
}
END_TEST

START_TEST(start_forms_a_network_only_where_there_is_none)
{
	const struct zb_config config = {.form = true,
		.channel = 15,
		.pan = 0x1a62,
		.network_key = {1, 2, 3}};

	make(&config);
	fw.channel = 0;
	fw.state = 0;
	have_endpoint();
	start();
	pass(2000);
	ck_assert_uint_eq(fw.keys, 1);
	ck_assert_uint_eq(told.ups, 1);
	/* Once it is there, it is used. */
	zb_deconz_stack.start(stack, now_ms);
	pass(0);
	ck_assert_uint_eq(fw.keys, 1);
	ck_assert_uint_eq(told.ups, 2);
}
END_TEST

static void start_forming(void)
{
	const struct zb_config config = {.form = true,
		.channel = 15,
		.pan = 0x1a62,
		.network_key = {1, 2, 3}};

	make(&config);
	have_endpoint();
	start();
	pass(5000);
}

/* A reading that was refused says nothing of the network. */
START_TEST(start_forms_nothing_when_the_channel_cannot_be_read)
{
	fw.state = 0;
	fw.no_channel = _i ? 1 : 255;
	start_forming();
	ck_assert_uint_eq(fw.keys, 0);
	ck_assert_uint_eq(told.ups, _i);
}
END_TEST

START_TEST(start_forms_nothing_while_connected)
{
	fw.channel = 0;
	start_forming();
	ck_assert_uint_eq(fw.keys, 0);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_silent_line_is_tried_at_both_speeds)
{
	fw.deaf = true;
	start();
	pass(1500);
	ck_assert_str_eq(told.line, "baud=38400");
	pass(1500);
	ck_assert_str_eq(told.line, "baud=115200");
	fw.deaf = false;
	have_endpoint();
	pass(1500);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

START_TEST(start_network_that_does_not_come_is_tried_again)
{
	fw.state = 0;
	fw.connect_to = 1;
	have_endpoint();
	start();
	pass(13000);
	ck_assert_uint_eq(told.ups, 0);
	fw.connect_to = DECONZ_CONNECTED;
	pass(6000);
	ck_assert_uint_eq(fw.connects, 2);
	ck_assert_uint_eq(told.ups, 1);
}
END_TEST

/* ---- losing ---- */

START_TEST(lost_network_is_connected_again)
{
	up();
	request(5, 0x1000, LAMP, true);
	fw.state = 0;
	notify_state();
	ck_assert_uint_eq(told.losts, 1);
	pass(1000);
	ck_assert_uint_eq(told.ups, 2);
	ck_assert_int_eq(request(6, 0x1000, LAMP, true), 0);
}
END_TEST

START_TEST(silent_coordinator_is_lost_and_probed)
{
	up();
	fw.deaf = true;
	pass(25000);
	ck_assert_uint_eq(told.losts, 1);
	fw.deaf = false;
	pass(3000);
	ck_assert_uint_eq(told.ups, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.deconz");
	TCase *c = tcase_create("deconz");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, start_commissioned_network_comes_up);
	tcase_add_test(c, start_without_endpoint_writes_it_and_reconnects);
	tcase_add_test(c, start_leaves_the_endpoints_of_others);
	tcase_add_test(c, start_offline_coordinator_is_connected);
	tcase_add_test(c, start_without_network_fails_and_says_what_to_do);
	tcase_add_test(c, start_forms_a_network_only_where_there_is_none);
	tcase_add_loop_test(
		c, start_forms_nothing_when_the_channel_cannot_be_read, 0, 2);
	tcase_add_test(c, start_forms_nothing_while_connected);
	tcase_add_test(c, start_silent_line_is_tried_at_both_speeds);
	tcase_add_test(c, start_network_that_does_not_come_is_tried_again);
	tcase_add_test(c, lost_network_is_connected_again);
	tcase_add_test(c, silent_coordinator_is_lost_and_probed);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

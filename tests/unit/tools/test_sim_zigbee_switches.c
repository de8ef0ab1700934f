/* Every switch of a node does what docs/simulator.md says of it. */
#include "tests/unit/tools/sim_zigbee_rig.h"

static struct ncp rig;

static void setup(void)
{
	rig_init(&rig);
}

static void teardown(void)
{
	rig_done(&rig);
}

static void start_with(const char *text)
{
	rig_switch(&rig, text);
	rig_start(&rig, 1);
	rig_notify(&rig);
}

static uint32_t offset_of(const struct rig_frame *f)
{
	return get_le32(f->asdu + 12);
}

/* ---- those that still finish ---- */

static const struct {
	const char *text;
	bool pages; /* the server has them */
} finishing[] = {
	{"page", true},
	{"page", false},
	{"page=300", true},
	{"needs-pages", true},
	{"malformed=5", false},
	{"period-missing", false},
	{"exact-block=50", false},
	{"wrong-endpoint", false},
	{"query-storm", false},
	{"slow-finish=10s", false},
	{"no-end", false},
	{"asks-any", false},
	{"ignores-wait", false},
	{"downgrade-refused", false},
	{"hostile=4", true},
	{"new-address=10", false},
	{"twice=3", false},
	{"impatient", false},
	{"no-tsn-check", false},
	{"stall=1s/10", false},
	{"step-back=5", false},
	{"period-in-seconds", false},
	{"no-announce", false},
	{"flood=50", false},
};

START_TEST(switch_of_odd_node_lets_it_finish)
{
	static const uint16_t in[] = {0x0019};

	rig.pages = finishing[_i].pages;
	rig_switch(&rig, finishing[_i].text);
	rig_start(&rig, 1);
	mesh_register(rig.mesh, 47, 0xc05e, in, 1, NULL, 0);
	rig_notify(&rig);
	ck_assert_msg(
		rig_updates(&rig, 300 * RIG_S), "%s", finishing[_i].text);
	ck_assert_msg(rig.node->counts.bad_bytes == 0, "%s",
		finishing[_i].text);
}
END_TEST

/* ---- those that do not ---- */

static const char *const failing[] = {"needs-pages", "exact-block=64",
	"fails-above=40", "no-ack-above=40", "abort", "abort=0x96",
	"update-loop", "comes-back-old", "ignores-notify"};

START_TEST(switch_of_failing_node_keeps_old_version)
{
	start_with(failing[_i]);
	ck_assert_msg(!rig_updates(&rig, 600 * RIG_S), "%s", failing[_i]);
}
END_TEST

/* ---- each for itself ---- */

START_TEST(page_asks_once_for_many_blocks)
{
	rig.pages = true;
	start_with("page=500");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->counts.page_requests, RIG_SIZE / 500);
	ck_assert_uint_eq(rig.node->counts.block_requests, 0);
	rig_check(rig_command(&rig, 4, 0),
		"11010400341202010d0c0b0a000000003f" "f401" "3200");
}
END_TEST

START_TEST(page_missing_blocks_asks_for_them)
{
	rig.pages = true;
	rig.setup.air.loss_every = 7;
	start_with("page=500");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_gt(rig.node->counts.page_missing, 0);
	ck_assert_uint_eq(rig.node->counts.bad_bytes, 0);
}
END_TEST

START_TEST(page_refused_falls_back_to_blocks)
{
	start_with("page=500");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->counts.page_requests, 1);
}
END_TEST

START_TEST(restart_at_0_begins_again_after_loss)
{
	start_with("restart-at-0");
	rig_run(&rig, 50 * RIG_MS);
	ck_assert_uint_gt(rig.node->ota.offset, 0);
	rig.ignore = 1;
	rig_run(&rig, 6 * RIG_S);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_gt(rig.node->counts.bytes, RIG_SIZE);
	ck_assert_uint_eq(rig.node->counts.bad_bytes, 0);
}
END_TEST

START_TEST(malformed_complains_and_asks_for_same_block)
{
	start_with("malformed=1:1");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(offset_of(rig_command(&rig, 3, 0)),
		offset_of(rig_command(&rig, 3, 1)));
	for (size_t i = 0; i < rig.log_count; i++)
		if (rig.log[i].asdu[2] == 0x0b)
			rig_check(&rig.log[i], "10010b0580");
}
END_TEST

START_TEST(period_missing_announces_what_is_not_there)
{
	start_with("period-missing");
	rig_run(&rig, 10 * RIG_MS);
	rig_check(rig_command(&rig, 3, 0),
		"01010302341202010d0c0b0a000000003f");
}
END_TEST

START_TEST(exact_block_asks_for_rest_and_refuses)
{
	rig.cap = 50;
	start_with("exact-block=64");
	rig_run(&rig, RIG_S);
	ck_assert_uint_eq(rig_command(&rig, 3, 0)->asdu[16], 64);
	ck_assert_uint_eq(rig_command(&rig, 3, 1)->asdu[16], 14);
	ck_assert_uint_eq(rig_command(&rig, 6, 0)->asdu[3], 0x96);
}
END_TEST

START_TEST(fails_above_finishes_with_small_blocks)
{
	rig.cap = 40;
	start_with("fails-above=40");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
}
END_TEST

START_TEST(no_ack_above_tells_sender)
{
	rig.ack = true;
	start_with("no-ack-above=40");
	rig_run(&rig, 30 * RIG_S);
	ck_assert_uint_gt(rig.ended[NCP_NO_ACK], 0);
	rig.cap = 40;
	ck_assert(rig_updates(&rig, 60 * RIG_S));
}
END_TEST

START_TEST(wrong_endpoint_asks_there_in_two_profiles)
{
	rig.query_status = 0x98;
	rig_switch(&rig, "wrong-endpoint");
	rig.node_setup.timers.interval_ms = 1000;
	rig_start(&rig, 1);
	mesh_register(rig.mesh, 47, 0xc05e, NULL, 0, NULL, 0);
	rig_run(&rig, 2500 * RIG_MS);
	ck_assert_uint_eq(rig_command(&rig, 1, 0)->f.dst_ep, 47);
	ck_assert_uint_eq(rig_command(&rig, 1, 0)->f.profile, 0xc05e);
	ck_assert_uint_eq(rig_command(&rig, 1, 1)->f.profile, 0x0104);
}
END_TEST

START_TEST(query_storm_asks_every_few_seconds)
{
	rig.query_status = 0x98;
	rig_switch(&rig, "query-storm");
	rig_start(&rig, 1);
	rig_run(&rig, 60 * RIG_S);
	ck_assert_uint_ge(rig_commands(&rig, 1), 20);
}
END_TEST

START_TEST(slow_finish_is_silent_before_end)
{
	start_with("slow-finish=30s");
	ck_assert(rig_updates(&rig, 120 * RIG_S));
	ck_assert_uint_ge(rig_command(&rig, 6, 0)->at -
				  rig_command(&rig, 3, 39)->at,
		30 * RIG_S);
}
END_TEST

START_TEST(no_end_restarts_without_a_word)
{
	start_with("no-end");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig_commands(&rig, 6), 0);
}
END_TEST

START_TEST(abort_ends_near_the_end)
{
	start_with("abort=0x96");
	rig_run(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig_command(&rig, 6, 0)->asdu[3], 0x96);
	ck_assert_uint_eq(rig_commands(&rig, 3), RIG_SIZE / 50 * 95 / 100);
	ck_assert_str_eq(node_phase_name(rig.node), "idle");
}
END_TEST

START_TEST(update_loop_asks_again_after_restart)
{
	start_with("update-loop");
	rig_run(&rig, 60 * RIG_S);
	ck_assert_uint_gt(rig_commands(&rig, 6), 1);
	ck_assert_uint_eq(rig.node->own.version, 1);
	ck_assert_uint_gt(rig.announces, 1);
}
END_TEST

START_TEST(becomes_changes_manufacturer_and_type)
{
	start_with("becomes=0x567889ab");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->own.manufacturer, 0x5678);
	ck_assert_uint_eq(rig.node->own.type, 0x89ab);
}
END_TEST

START_TEST(asks_any_carries_wildcards)
{
	start_with("asks-any");
	rig_run(&rig, 10 * RIG_MS);
	rig_check(rig_command(&rig, 3, 0),
		"01010300ffffffffffffffff000000003f");
}
END_TEST

START_TEST(downgrade_refused_takes_no_older)
{
	rig.node_setup.file_version = RIG_VERSION + 1;
	start_with("downgrade-refused");
	ck_assert(!rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig_commands(&rig, 3), 0);
}
END_TEST

START_TEST(node_without_switch_takes_older)
{
	rig.node_setup.file_version = RIG_VERSION + 1;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
}
END_TEST

START_TEST(ignores_wait_asks_again_at_once_and_gives_up)
{
	rig.waits = 1000;
	rig.wait_s = 60;
	start_with("ignores-wait");
	rig_run(&rig, 60 * RIG_S);
	ck_assert_uint_eq(rig.node->counts.gave_up, 1);
}
END_TEST

START_TEST(notify_lost_hears_every_other)
{
	start_with("notify-lost=2");
	rig_notify(&rig);
	rig_run(&rig, 10 * RIG_MS);
	ck_assert_uint_eq(rig.node->counts.notifies, 1);
}
END_TEST

START_TEST(stays_dead_is_silent_until_mended)
{
	start_with("stays-dead");
	rig_run(&rig, 60 * RIG_S);
	ck_assert_str_eq(node_phase_name(rig.node), "dead");
	ck_assert_uint_eq(rig.announces, 0);
	rig_notify(&rig);
	rig_run(&rig, RIG_S);
	ck_assert_uint_eq(rig.ended[NCP_NO_ACK], 0);
	rig_run(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig.ended[NCP_NO_ACK], 1);
	ck_assert_int_eq(
		node_switch(rig.node, rig.now, "stays-dead=off", NULL), 0);
	rig_run(&rig, RIG_S);
	ck_assert_uint_eq(rig.announces, 1);
}
END_TEST

START_TEST(no_announce_comes_back_in_silence)
{
	start_with("no-announce");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	rig_run(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig.announces, 0);
	ck_assert_str_eq(node_phase_name(rig.node), "idle");
}
END_TEST

START_TEST(flood_sends_so_many_a_second)
{
	rig.silent = true;
	rig_switch(&rig, "flood=200");
	rig_start(&rig, 1);
	rig_run(&rig, 2 * RIG_S);
	ck_assert_uint_ge(rig_commands(&rig, 3), 398);
	ck_assert_uint_le(rig_commands(&rig, 3), 402);
}
END_TEST

START_TEST(flood_set_later_begins_then)
{
	rig.silent = true;
	rig_start(&rig, 1);
	rig_run(&rig, 3600 * RIG_S);
	ck_assert_int_eq(
		node_switch(rig.node, rig.now, "flood=100", NULL), 0);
	rig_run(&rig, RIG_S);
	ck_assert_uint_ge(rig_commands(&rig, 3), 99);
	ck_assert_uint_le(rig_commands(&rig, 3), 102);
	ck_assert_int_eq(
		node_switch(rig.node, rig.now, "flood=off", NULL), 0);
	rig.log_count = 0;
	rig_run(&rig, RIG_S);
	ck_assert_uint_eq(rig_commands(&rig, 3), 0);
}
END_TEST

START_TEST(mesh_time_after_long_sleep_catches_up_with_nothing)
{
	rig.silent = true;
	rig_switch(&rig, "flood=100");
	rig_start(&rig, 1);
	rig_run(&rig, RIG_S);
	rig.log_count = 0;
	rig.now += 3600 * RIG_S;
	mesh_time(rig.mesh, rig.now);
	ck_assert_uint_le(rig_commands(&rig, 3), 25);
}
END_TEST

START_TEST(hostile_sends_every_kind)
{
	unsigned shorter = 0, zero = 0, beyond = 0, greedy = 0;

	rig.pages = true;
	start_with("hostile=2");
	ck_assert(rig_updates(&rig, 120 * RIG_S));
	for (size_t i = 0; i < rig.log_count; i++) {
		const struct rig_frame *f = &rig.log[i];

		shorter += f->f.asdu_len < 3;
		if (f->f.asdu_len < 17 || f->asdu[2] != 3)
			continue;
		zero += f->asdu[16] == 0;
		greedy += f->asdu[16] == 255;
		beyond += offset_of(f) > RIG_SIZE;
	}
	ck_assert_uint_gt(shorter, 0);
	ck_assert_uint_gt(zero, 0);
	ck_assert_uint_gt(beyond, 0);
	ck_assert_uint_gt(greedy, 0);
}
END_TEST

START_TEST(new_address_changes_it_once)
{
	start_with("new-address=10");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->nwk, 0x1001);
	ck_assert_uint_eq(rig.announces, 1);
	ck_assert_uint_eq(rig_command(&rig, 3, 0)->f.nwk, 0x1000);
	ck_assert_uint_eq(rig_command(&rig, 3, 20)->f.nwk, 0x1001);
}
END_TEST

START_TEST(twice_repeats_same_tsn)
{
	start_with("twice=2");
	rig_run(&rig, 10 * RIG_MS);
	ck_assert_uint_eq(rig_command(&rig, 3, 0)->asdu[1],
		rig_command(&rig, 3, 1)->asdu[1]);
}
END_TEST

START_TEST(impatient_asks_again_with_new_tsn)
{
	rig.silent = true;
	rig_switch(&rig, "impatient");
	rig_start(&rig, 1);
	rig.silent = false;
	rig_notify(&rig);
	rig_run(&rig, 6 * RIG_MS);
	rig.silent = true;
	rig.log_count = 0;
	rig_run(&rig, RIG_S);
	ck_assert_uint_ge(rig_commands(&rig, 3), 9);
	ck_assert_uint_eq(offset_of(rig_command(&rig, 3, 1)),
		offset_of(rig_command(&rig, 3, 2)));
	ck_assert_uint_ne(rig_command(&rig, 3, 1)->asdu[1],
		rig_command(&rig, 3, 2)->asdu[1]);
}
END_TEST

START_TEST(no_tsn_check_takes_answers_to_others)
{
	rig.wrong_tsn = 3;
	start_with("no-tsn-check");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
}
END_TEST

START_TEST(stall_is_silent_between_blocks)
{
	start_with("stall=20s/10");
	ck_assert(rig_updates(&rig, 300 * RIG_S));
	ck_assert_uint_ge(rig_command(&rig, 3, 10)->at -
				  rig_command(&rig, 3, 9)->at,
		20 * RIG_S);
}
END_TEST

START_TEST(step_back_asks_for_earlier_block)
{
	start_with("step-back=5");
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_gt(rig.node->counts.duplicates, 0);
}
END_TEST

START_TEST(traits_set_of_unknown_name_fails)
{
	struct fault fault = {0};

	ck_assert_int_lt(traits_set(&rig.node_setup.traits, "busy", &fault), 0);
	ck_assert_str_eq(fault.field, "switch");
	rig_start(&rig, 1);
}
END_TEST

static const char *const presets[] = {"ember", "ti", "telink", "esp", "hue"};

START_TEST(timers_of_every_stack_finish)
{
	ck_assert_int_eq(timers_preset(presets[_i], &rig.node_setup.timers,
				 &rig.node_setup.traits),
		0);
	rig.node_setup.timers.interval_ms = 0;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert_msg(rig_updates(&rig, 60 * RIG_S), "%s", presets[_i]);
	ck_assert_uint_eq(rig_command(&rig, 3, 0)->asdu[16],
		rig.node_setup.timers.block);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_zigbee_switches");
	TCase *c = tcase_create("switches");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, switch_of_odd_node_lets_it_finish, 0,
		sizeof(finishing) / sizeof(finishing[0]));
	tcase_add_loop_test(c, switch_of_failing_node_keeps_old_version, 0,
		sizeof(failing) / sizeof(failing[0]));
	tcase_add_test(c, page_asks_once_for_many_blocks);
	tcase_add_test(c, page_missing_blocks_asks_for_them);
	tcase_add_test(c, page_refused_falls_back_to_blocks);
	tcase_add_test(c, restart_at_0_begins_again_after_loss);
	tcase_add_test(c, malformed_complains_and_asks_for_same_block);
	tcase_add_test(c, period_missing_announces_what_is_not_there);
	tcase_add_test(c, exact_block_asks_for_rest_and_refuses);
	tcase_add_test(c, fails_above_finishes_with_small_blocks);
	tcase_add_test(c, no_ack_above_tells_sender);
	tcase_add_test(c, wrong_endpoint_asks_there_in_two_profiles);
	tcase_add_test(c, query_storm_asks_every_few_seconds);
	tcase_add_test(c, slow_finish_is_silent_before_end);
	tcase_add_test(c, no_end_restarts_without_a_word);
	tcase_add_test(c, abort_ends_near_the_end);
	tcase_add_test(c, update_loop_asks_again_after_restart);
	tcase_add_test(c, becomes_changes_manufacturer_and_type);
	tcase_add_test(c, asks_any_carries_wildcards);
	tcase_add_test(c, downgrade_refused_takes_no_older);
	tcase_add_test(c, node_without_switch_takes_older);
	tcase_add_test(c, ignores_wait_asks_again_at_once_and_gives_up);
	tcase_add_test(c, notify_lost_hears_every_other);
	tcase_add_test(c, stays_dead_is_silent_until_mended);
	tcase_add_test(c, no_announce_comes_back_in_silence);
	tcase_add_test(c, flood_sends_so_many_a_second);
	tcase_add_test(c, flood_set_later_begins_then);
	tcase_add_test(c, mesh_time_after_long_sleep_catches_up_with_nothing);
	tcase_add_test(c, hostile_sends_every_kind);
	tcase_add_test(c, new_address_changes_it_once);
	tcase_add_test(c, twice_repeats_same_tsn);
	tcase_add_test(c, impatient_asks_again_with_new_tsn);
	tcase_add_test(c, no_tsn_check_takes_answers_to_others);
	tcase_add_test(c, stall_is_silent_between_blocks);
	tcase_add_test(c, step_back_asks_for_earlier_block);
	tcase_add_test(c, traits_set_of_unknown_name_fails);
	tcase_add_loop_test(c, timers_of_every_stack_finish, 0,
		sizeof(presets) / sizeof(presets[0]));
	suite_add_tcase(s, c);
	return unit_run(s);
}

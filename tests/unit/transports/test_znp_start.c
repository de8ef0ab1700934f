#include "tests/unit/transports/znp_rig.h"

#include <errno.h>

#include "transports/zigbee/znp.h"

static struct rig r;

static const struct zb_config plain;

/* Records of a network as both kinds of chips store it: channel 11, PAN 1a62,
 * the key loaded. Then without a network. */
#define NIB_116                                                                \
	"000000000000000000000000000000000000000000000000"                     \
	"0b00"                                                                 \
	"0000"                                                                 \
	"0000000000000000"                                                     \
	"621a"                                                                 \
	"0000"                                                                 \
	"00080000"                                                             \
	"00000000"                                                             \
	"00000000"                                                             \
	"00000000"                                                             \
	"00"                                                                   \
	"dddddddddddddddd"                                                     \
	"01"                                                                   \
	"0000000000000000000000000000000000"                                   \
	"0000000000000000000000000000000000"                                   \
	"00000000000000000000000000000000"
#define NIB_110                                                                \
	"00000000000000000000000000000000000000000000"                         \
	"0b"                                                                   \
	"0000"                                                                 \
	"0000000000000000"                                                     \
	"621a"                                                                 \
	"00"                                                                   \
	"00080000"                                                             \
	"00000000"                                                             \
	"00000000"                                                             \
	"00000000"                                                             \
	"00"                                                                   \
	"dddddddddddddddd"                                                     \
	"01"                                                                   \
	"0000000000000000000000000000000000"                                   \
	"0000000000000000000000000000000000"                                   \
	"00000000000000000000000000000000"
#define NIB_116_NONE                                                           \
	"000000000000000000000000000000000000000000000000"                     \
	"0000"                                                                 \
	"0000"                                                                 \
	"0000000000000000"                                                     \
	"ffff"                                                                 \
	"0000"                                                                 \
	"00080000"                                                             \
	"00000000"                                                             \
	"00000000"                                                             \
	"00000000"                                                             \
	"00"                                                                   \
	"0000000000000000"                                                     \
	"00"                                                                   \
	"0000000000000000000000000000000000"                                   \
	"0000000000000000000000000000000000"                                   \
	"00000000000000000000000000000000"

static void begin(const struct zb_config *config)
{
	rig_init(&r, config);
}

START_TEST(start_of_a_running_coordinator_registers_and_is_up)
{
	begin(&plain);
	rig_start(&r);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert(r.network.eui64 == 0x00124b0009f2c57bull);
	ck_assert_uint_eq(r.network.pan, 0x1a62);
	ck_assert_uint_eq(r.network.channel, 11);
	ck_assert(r.network.ext_pan == 0xddddddddddddddddull);
	ck_assert_str_eq(r.network.text, "Z-Stack 3.x.0 20230631");
	ck_assert_uint_eq(rig_wrote(&r, ZNP_ZDO_STARTUP), 0);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_REGISTER), 3);
	rig_expect(rig_nth(&r, ZNP_AF_REGISTER, 0),
		"01 0401 0500 00 00 03 0000 0A00 1900 01 2000");
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DELETE), 0);
	rig_done(&r);
}
END_TEST

START_TEST(start_of_a_commissioned_coordinator_resumes_its_network)
{
	static const char *const nibs[] = {NIB_116, NIB_110};

	begin(&plain);
	r.state = 0;
	r.nib = nibs[_i];
	rig_start(&r);
	ck_assert_uint_eq(r.ups, 1);
	rig_expect(rig_last(&r, ZNP_ZDO_STARTUP), "6400");
	rig_done(&r);
}
END_TEST

START_TEST(start_without_a_network_fails_and_changes_nothing)
{
	static const char *const nibs[] = {NULL, NIB_116_NONE};

	begin(&plain);
	r.state = 0;
	r.nib = nibs[_i];
	rig_start(&r);
	ck_assert_uint_eq(r.fails, 1);
	ck_assert_int_eq(r.fail_status, -ENOENT);
	ck_assert_ptr_nonnull(strstr(r.fail_text, "form = yes"));
	ck_assert_uint_eq(rig_wrote(&r, ZNP_ZDO_STARTUP), 0);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_SYS_NV_WRITE), 0);
	ck_assert(zb_znp_stack.deadline(r.s) == INT64_MAX);
	rig_done(&r);
}
END_TEST

START_TEST(start_without_state_indications_asks_for_the_state)
{
	begin(&plain);
	r.state = 0;
	r.tells_state = false;
	r.direct_cb = 0;
	r.nib = NIB_116;
	rig_start(&r);
	ck_assert_uint_eq(r.ups, 0);
	rig_pass(&r, 3000);
	ck_assert_uint_eq(r.ups, 1);
	rig_expect(rig_last(&r, ZNP_ZDO_REGISTER), "ffff");
	rig_done(&r);
}
END_TEST

START_TEST(start_with_endpoints_of_another_host_replaces_ours)
{
	begin(&plain);
	r.registered = "01 0b 2f f2";
	rig_start(&r);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_DELETE), 2);
	rig_expect(rig_nth(&r, ZNP_AF_DELETE, 0), "01");
	rig_expect(rig_nth(&r, ZNP_AF_DELETE, 1), "2f");
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_REGISTER), 3);
	rig_done(&r);
}
END_TEST

/* Which releases take how many requests at a time. */
static const struct row {
	const char *name;
	uint8_t product;
	uint16_t refuses;
	unsigned asked, window;
	const char *text;
} windows[] = {
	{"CC26xx", 1, 0, 0, 16, "Z-Stack 3.x.0 20230631"},
	{"CC2531 with 1.2", 0, 0, 0, 2, "Z-Stack 1.2 20230631"},
	{"CC2538 with 3.0", 2, 0, 0, 2, "Z-Stack 3.0.x 20230631"},
	{"too old to tell", 1, ZNP_SYS_VERSION, 0, 2, "Z-Stack 1.2 0"},
	{"from the settings", 1, 0, 5, 5, "Z-Stack 3.x.0 20230631"},
	{"more than there is", 1, 0, 64, 32, "Z-Stack 3.x.0 20230631"},
	{"a later product", 7, 0, 0, 2,
		"Z-Stack of an unknown product 20230631"},
};

START_TEST(start_of_a_release_sets_its_window)
{
	const struct row *row = &windows[_i];
	struct zb_config config = {.window = row->asked};

	begin(&config);
	r.product = row->product;
	r.refuses = row->refuses;
	rig_start(&r);
	ck_assert_msg(r.network.window == row->window, "%s: %u", row->name,
		r.network.window);
	ck_assert_str_eq(r.network.text, row->text);
	ck_assert_uint_eq(zb_znp_stack.room(r.s), row->window);
	rig_done(&r);
}
END_TEST

START_TEST(start_of_a_silent_line_tries_the_loader_and_the_wires)
{
	begin(&plain);
	r.silent = true;
	rig_start(&r);
	rig_pass(&r, 20000);
	ck_assert_uint_eq(r.raw_len, 1);
	ck_assert_uint_eq(r.raw[0], 0xef);
	ck_assert_str_eq(r.line_text, "dtr=0 rts=0, dtr=0 rts=1, dtr=0 rts=0");
	ck_assert_uint_eq(r.fails, 1);
	ck_assert_int_eq(r.fail_status, -ETIMEDOUT);
	rig_done(&r);
}
END_TEST

START_TEST(start_over_tcp_leaves_the_wires_alone_and_waits_longer)
{
	struct zb_config config = {.tcp = true};

	begin(&config);
	r.silent = true;
	rig_start(&r);
	rig_pass(&r, 999);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_SYS_PING), 1);
	rig_pass(&r, 20000);
	ck_assert_uint_eq(r.lines, 0);
	ck_assert_uint_eq(r.fails, 1);
	rig_done(&r);
}
END_TEST

START_TEST(start_of_one_in_its_bootloader_comes_up_after_ef)
{
	begin(&plain);
	r.silent = true;
	rig_start(&r);
	while (!r.raw_len)
		rig_pass(&r, 10);
	r.silent = false;
	rig_pass(&r, 1500);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(r.lines, 0);
	rig_done(&r);
}
END_TEST

START_TEST(start_with_a_lost_answer_tries_again)
{
	static const uint16_t commands[] = {ZNP_UTIL_INFO, ZNP_SYS_NV_READ,
		ZNP_ZDO_NETWORK, ZNP_AF_REGISTER};

	begin(&plain);
	r.holds = commands[_i];
	rig_start(&r);
	rig_pass(&r, 6500);
	ck_assert_uint_eq(r.ups, 0);
	r.holds = 0;
	rig_pass(&r, 8000);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(r.fails, 0);
	rig_done(&r);
}
END_TEST

START_TEST(start_that_never_gets_on_fails)
{
	begin(&plain);
	r.holds = ZNP_UTIL_INFO;
	rig_start(&r);
	rig_pass(&r, 120000);
	ck_assert_uint_eq(r.fails, 1);
	ck_assert_int_eq(r.fail_status, -EIO);
	rig_done(&r);
}
END_TEST

START_TEST(start_with_a_restart_in_the_middle_comes_up)
{
	begin(&plain);
	r.holds = ZNP_ZDO_NETWORK;
	rig_start(&r);
	rig_say(&r, ZNP_SYS_RESET_IND, "00 02 01 02 07 01");
	r.holds = 0;
	rig_pass(&r, 3000);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(r.losts, 0);
	rig_done(&r);
}
END_TEST

START_TEST(reset_of_the_coordinator_loses_and_starts_again)
{
	begin(&plain);
	rig_start(&r);
	ck_assert_int_eq(rig_send(&r, 7), 0);
	rig_say(&r, ZNP_SYS_RESET_IND, "02 02 01 02 07 01");
	ck_assert_uint_eq(r.confirm_count, 1);
	ck_assert_uint_eq(r.confirms[0].id, 7);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_LOST);
	ck_assert_uint_eq(r.losts, 1);
	ck_assert_str_eq(
		r.lost_text, "the coordinator restarted: its watchdog");
	ck_assert_uint_eq(zb_znp_stack.room(r.s), 0);
	ck_assert_int_eq(rig_send(&r, 8), -EBUSY);
	rig_answer(&r);
	ck_assert_uint_eq(r.ups, 2);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_AF_REGISTER), 6);
	rig_done(&r);
}
END_TEST

START_TEST(line_opened_again_loses_and_starts_again)
{
	begin(&plain);
	rig_start(&r);
	ck_assert_int_eq(rig_send(&r, 7), 0);
	zb_znp_stack.start(r.s, r.now);
	ck_assert_int_eq(r.confirms[0].result, ZB_SENT_LOST);
	ck_assert_uint_eq(r.losts, 1);
	rig_answer(&r);
	ck_assert_uint_eq(r.ups, 2);
	rig_done(&r);
}
END_TEST

START_TEST(state_other_than_coordinator_loses_the_network)
{
	begin(&plain);
	r.nib = NIB_116;
	rig_start(&r);
	r.state = 0;
	rig_say(&r, ZNP_ZDO_STATE, "00");
	ck_assert_uint_eq(r.losts, 1);
	rig_answer(&r);
	ck_assert_uint_eq(r.ups, 2);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_ZDO_STARTUP), 1);
	rig_done(&r);
}
END_TEST

START_TEST(silence_of_a_live_coordinator_is_broken_by_a_ping)
{
	size_t pings;

	begin(&plain);
	rig_start(&r);
	pings = rig_wrote(&r, ZNP_SYS_PING);
	rig_pass(&r, ZNP_SILENCE_MS);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_SYS_PING), pings + 1);
	ck_assert_uint_eq(r.losts, 0);
	rig_done(&r);
}
END_TEST

START_TEST(silence_of_a_dead_coordinator_is_noticed_and_fails_in_the_end)
{
	begin(&plain);
	rig_start(&r);
	r.silent = true;
	rig_pass(&r, ZNP_SILENCE_MS + ZNP_ANSWER_MS);
	ck_assert_uint_eq(r.losts, 1);
	rig_pass(&r, 60000);
	ck_assert_uint_eq(r.fails, 1);
	rig_done(&r);
}
END_TEST

static const struct zb_config forming = {
	.form = true,
	.channel = 15,
	.pan = 0x1a62,
	.network_key = {1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13},
};

/* Lets it form, with the record of the network there once it was formed. */
static void form(uint8_t product)
{
	begin(&forming);
	r.product = product;
	r.state = 0;
	r.nib = NIB_116_NONE;
	rig_start(&r);
	r.nib = NIB_116;
	rig_pass(&r, 5000);
}

START_TEST(form_on_z_stack_3_writes_the_items_and_commissions)
{
	form(1);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(r.resets, 1);
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 0), "0300 00 01 03");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_INIT, 0), "0300 0100 01 00");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 1), "0300 00 01 00");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 2), "8700 00 01 00");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 3), "8f00 00 01 01");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 4), "8400 00 04 00800000");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 5), "8300 00 02 621a");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 6),
		"2d00 00 08 7bc5f209004b1200");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 7),
		"4700 00 08 7bc5f209004b1200");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 8), "6300 00 01 00");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 9),
		"6200 00 10 01030507090b0d0f00020406080a0c0d");
	rig_expect(rig_nth(&r, ZNP_APP_CHANNEL, 0), "01 00800000");
	rig_expect(rig_nth(&r, ZNP_APP_CHANNEL, 1), "00 00000000");
	rig_expect(rig_last(&r, ZNP_APP_FORM), "04");
	rig_expect(rig_last(&r, ZNP_SYS_NV_WRITE), "6000 00 01 55");
	rig_done(&r);
}
END_TEST

START_TEST(form_on_z_stack_12_goes_through_sapi_and_startup)
{
	form(0);
	ck_assert_uint_eq(r.ups, 1);
	rig_expect(rig_last(&r, ZNP_SAPI_WRITE),
		"62 10 01030507090b0d0f00020406080a0c0d");
	rig_expect(rig_nth(&r, ZNP_SYS_NV_WRITE, 9),
		"0101 00 20 ffffffffffffffff 5a6967426565416c6c69616e63653039 "
		"0000000000000000");
	ck_assert_uint_eq(rig_wrote(&r, ZNP_APP_FORM), 0);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_ZDO_STARTUP), 1);
	rig_expect(rig_last(&r, ZNP_SYS_NV_WRITE), "000f 00 01 55");
	rig_done(&r);
}
END_TEST

START_TEST(form_with_a_network_there_already_leaves_it)
{
	begin(&forming);
	r.state = 0;
	r.nib = NIB_116;
	rig_start(&r);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_SYS_NV_WRITE), 0);
	rig_done(&r);
}
END_TEST

/* Whether there is a network is not known: nothing may be cleared. */
START_TEST(form_with_a_record_that_cannot_be_read_changes_nothing)
{
	begin(&forming);
	r.state = 0;
	r.nib = NIB_116;
	r.nib_status = _i ? 0x0a : 0;
	r.refuses = _i ? 0 : ZNP_SYS_NV_READ;
	rig_start(&r);
	rig_pass(&r, 120000);
	ck_assert_uint_eq(r.ups, 0);
	ck_assert_uint_eq(r.fails, 1);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_SYS_NV_WRITE), 0);
	ck_assert_uint_eq(r.resets, 0);
	rig_done(&r);
}
END_TEST

START_TEST(form_after_a_reading_that_failed_once_resumes_what_is_there)
{
	begin(&forming);
	r.state = 0;
	r.nib = NIB_116;
	r.nib_status = 0x0a;
	rig_start(&r);
	r.nib_status = 0;
	rig_pass(&r, 5000);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(rig_wrote(&r, ZNP_SYS_NV_WRITE), 0);
	rig_done(&r);
}
END_TEST

START_TEST(form_that_is_refused_fails_in_the_end)
{
	begin(&forming);
	r.state = 0;
	r.nib = NIB_116_NONE;
	r.refuses = ZNP_APP_FORM;
	rig_start(&r);
	rig_pass(&r, 120000);
	ck_assert_uint_eq(r.ups, 0);
	ck_assert_uint_eq(r.fails, 1);
	rig_done(&r);
}
END_TEST

START_TEST(stop_is_quiet_and_deaf)
{
	size_t wrote;

	begin(&plain);
	rig_start(&r);
	zb_znp_stack.stop(r.s, r.now);
	wrote = r.out_count;
	ck_assert(zb_znp_stack.deadline(r.s) == INT64_MAX);
	rig_say(&r, ZNP_SYS_RESET_IND, "00 02 01 02 07 01");
	rig_pass(&r, 60000);
	ck_assert_uint_eq(r.out_count, wrote);
	ck_assert_int_eq(rig_send(&r, 1), -EBUSY);
	rig_done(&r);
}
END_TEST

/* Every pair of states against the list in the header. */
START_TEST(state_follows_only_what_the_list_says)
{
#define NAME(name, text, next) #name,
#define NEXT(name, text, next) next,
	static const char *const names[] = {ZNP_STATES(NAME)};
	static const uint32_t nexts[] = {ZNP_STATES(NEXT)};
	unsigned from, to, count = 0;

	for (from = 0; from < ZNP_STATE_COUNT; from++)
		for (to = 0; to < ZNP_STATE_COUNT; to++) {
			bool want = to == ZNP_OFF || to == ZNP_PROBE ||
				    (nexts[from] & 1u << to);

			ck_assert_msg(znp_state_follows((enum znp_state)from,
					      (enum znp_state)to) == want,
				"%s > %s", names[from], names[to]);
			count += want;
		}
	ck_assert_uint_gt(count, 2 * ZNP_STATE_COUNT);
	ck_assert(!znp_state_follows(ZNP_PROBE, ZNP_UP));
	ck_assert(!znp_state_follows(ZNP_NIB, ZNP_FORM));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("znp_start");
	TCase *t = tcase_create("all");

	tcase_add_test(t, start_of_a_running_coordinator_registers_and_is_up);
	tcase_add_loop_test(t,
		start_of_a_commissioned_coordinator_resumes_its_network, 0, 2);
	tcase_add_loop_test(
		t, start_without_a_network_fails_and_changes_nothing, 0, 2);
	tcase_add_test(t, start_without_state_indications_asks_for_the_state);
	tcase_add_test(t, start_with_endpoints_of_another_host_replaces_ours);
	tcase_add_loop_test(t, start_of_a_release_sets_its_window, 0,
		sizeof(windows) / sizeof(windows[0]));
	tcase_add_test(
		t, start_of_a_silent_line_tries_the_loader_and_the_wires);
	tcase_add_test(
		t, start_over_tcp_leaves_the_wires_alone_and_waits_longer);
	tcase_add_test(t, start_of_one_in_its_bootloader_comes_up_after_ef);
	tcase_add_loop_test(t, start_with_a_lost_answer_tries_again, 0, 4);
	tcase_add_test(t, start_that_never_gets_on_fails);
	tcase_add_test(t, start_with_a_restart_in_the_middle_comes_up);
	tcase_add_test(t, reset_of_the_coordinator_loses_and_starts_again);
	tcase_add_test(t, line_opened_again_loses_and_starts_again);
	tcase_add_test(t, state_other_than_coordinator_loses_the_network);
	tcase_add_test(t, silence_of_a_live_coordinator_is_broken_by_a_ping);
	tcase_add_test(t,
		silence_of_a_dead_coordinator_is_noticed_and_fails_in_the_end);
	tcase_add_test(t, form_on_z_stack_3_writes_the_items_and_commissions);
	tcase_add_test(t, form_on_z_stack_12_goes_through_sapi_and_startup);
	tcase_add_test(t, form_with_a_network_there_already_leaves_it);
	tcase_add_loop_test(t,
		form_with_a_record_that_cannot_be_read_changes_nothing, 0, 2);
	tcase_add_test(t,
		form_after_a_reading_that_failed_once_resumes_what_is_there);
	tcase_add_test(t, form_that_is_refused_fails_in_the_end);
	tcase_add_test(t, stop_is_quiet_and_deaf);
	tcase_add_test(t, state_follows_only_what_the_list_says);
	suite_add_tcase(s, t);
	return unit_run(s);
}

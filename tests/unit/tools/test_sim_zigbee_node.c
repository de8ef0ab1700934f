#include "tests/unit/tools/sim_zigbee_rig.h"

#include <unistd.h>

static struct ncp rig;

static void setup(void)
{
	rig_init(&rig);
}

static void teardown(void)
{
	rig_done(&rig);
}

/* ---- the usual way ---- */

START_TEST(node_notified_receives_whole_image)
{
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->counts.bad_bytes, 0);
	ck_assert_uint_eq(rig.node->counts.blocks, RIG_SIZE / 50);
	ck_assert_uint_eq(rig.node->counts.retries, 0);
	ck_assert_str_eq(rig.node->sw_build, "0a0b0c0d");
	rig_run(&rig, RIG_S);
	ck_assert_uint_eq(rig.announces, 1);
	ck_assert_str_eq(node_phase_name(rig.node), "idle");
}
END_TEST

START_TEST(node_updated_reports_hash_of_image)
{
	uint8_t digest[SHA_LEN];
	char hex[2 * SHA_LEN + 1];
	struct sha sha;

	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	sha_init(&sha);
	sha_add(&sha, rig.image, RIG_SIZE);
	ck_assert(sha_end(&sha, digest));
	ck_assert_str_eq(rig.node->sha256,
		bytes_to_hex(bytes_of(digest, SHA_LEN), hex, sizeof(hex)));
}
END_TEST

START_TEST(node_asking_writes_published_frames)
{
	rig_start(&rig, 1);
	rig.node->next_tsn = 0x42;
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	rig_check(rig_command(&rig, 1, 0), "0142010034120201" "01000000");
	rig_check(rig_command(&rig, 3, 0),
		"01430300341202010d0c0b0a000000003f");
	rig_check(rig_command(&rig, 3, 1),
		"01440300341202010d0c0b0a320000003f");
	rig_check(rig_command(&rig, 6, 0), "016b0600341202010d0c0b0a");
}
END_TEST

START_TEST(node_with_hardware_version_says_it)
{
	rig.node_setup.has_hw = true;
	rig.node_setup.hw = 0x0203;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 100 * RIG_MS);
	rig_check(rig_command(&rig, 1, 0), "010001013412020101000000" "0302");
}
END_TEST

START_TEST(node_asks_by_itself_at_intervals)
{
	rig.node_setup.timers.interval_ms = 60000;
	rig.query_status = 0x98;
	rig_start(&rig, 1);
	rig_run(&rig, 301 * RIG_S);
	ck_assert_uint_eq(rig_commands(&rig, 1), 5);
}
END_TEST

START_TEST(node_unanswered_gives_up_after_errors)
{
	rig.silent = true;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 120 * RIG_S);
	ck_assert_uint_eq(rig_commands(&rig, 1), 11);
	ck_assert_uint_eq(rig.node->counts.gave_up, 1);
}
END_TEST

START_TEST(node_missing_answers_asks_again_and_finishes)
{
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 20 * RIG_MS);
	rig.ignore = 3;
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->counts.retries, 3);
	ck_assert_uint_eq(rig.node->counts.bad_bytes, 0);
}
END_TEST

START_TEST(node_given_up_resumes_at_next_query)
{
	uint32_t offset;

	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 50 * RIG_MS);
	rig.silent = true;
	rig_run(&rig, 120 * RIG_S);
	ck_assert_uint_eq(rig.node->counts.gave_up, 1);
	offset = rig.node->ota.offset;
	ck_assert_uint_gt(offset, 0);
	rig.silent = false;
	rig.log_count = 0;
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(
		get_le32(rig_command(&rig, 3, 0)->asdu + 12), offset);
	ck_assert_uint_eq(rig.node->counts.bad_bytes, 0);
}
END_TEST

START_TEST(node_fed_wrong_bytes_refuses_image)
{
	rig.corrupt = 1;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(!rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->counts.bad_bytes, RIG_SIZE / 50);
	ck_assert_uint_eq(rig_command(&rig, 6, 0)->asdu[3], 0x96);
}
END_TEST

START_TEST(node_answered_with_other_tsn_ignores_it)
{
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 20 * RIG_MS);
	rig.wrong_tsn = 1;
	rig_run(&rig, RIG_S);
	ck_assert_uint_gt(rig.node->counts.strangers, 0);
	rig.wrong_tsn = 0;
	ck_assert(rig_updates(&rig, 60 * RIG_S));
}
END_TEST

START_TEST(node_told_no_image_stays_idle)
{
	rig.query_status = 0x98;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig.node->counts.refusals, 1);
	ck_assert_str_eq(node_phase_name(rig.node), "idle");
}
END_TEST

START_TEST(node_told_to_wait_comes_back_then)
{
	rig.waits = 1;
	rig.wait_s = 60;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 120 * RIG_S));
	ck_assert_uint_eq(rig_command(&rig, 3, 1)->at -
				  rig_command(&rig, 3, 0)->at,
		60 * RIG_S);
}
END_TEST

START_TEST(node_adds_period_in_milliseconds)
{
	rig.waits = 1;
	rig.wait_s = 10;
	rig.wait_period = 300;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 120 * RIG_S));
	ck_assert_uint_eq(rig_command(&rig, 3, 1)->at -
				  rig_command(&rig, 3, 0)->at,
		10300 * RIG_MS);
}
END_TEST

START_TEST(node_of_second_revision_takes_period_for_seconds)
{
	rig_switch(&rig, "period-in-seconds");
	rig.waits = 1;
	rig.wait_s = 10;
	rig.wait_period = 300;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 600 * RIG_S));
	ck_assert_uint_eq(rig_command(&rig, 3, 1)->at -
				  rig_command(&rig, 3, 0)->at,
		310 * RIG_S);
}
END_TEST

START_TEST(node_told_upgrade_time_waits_for_it)
{
	uint64_t ended;

	rig.upgrade_time = 100;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 10 * RIG_S);
	ended = rig_command(&rig, 6, 0)->at;
	ck_assert_str_eq(node_phase_name(rig.node), "count-down");
	ck_assert(rig_updates(&rig, 200 * RIG_S));
	ck_assert_uint_eq(rig.now - ended, 103 * RIG_S);
}
END_TEST

START_TEST(node_told_to_await_server_goes_on_when_told)
{
	rig.upgrade_time = UINT32_MAX;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(!rig_updates(&rig, 600 * RIG_S));
	rig_send(&rig, rig.node->nwk, 0x0104, 0x0019, 1, 1,
		"19aa07" "341202010d0c0b0a" "00000000" "00000000");
	ck_assert(rig_updates(&rig, 10 * RIG_S));
}
END_TEST

START_TEST(node_told_to_await_server_asks_every_hour)
{
	rig.upgrade_time = UINT32_MAX;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 3 * 3600 * RIG_S);
	ck_assert_uint_eq(rig_commands(&rig, 6), 3);
}
END_TEST

START_TEST(node_downloading_ignores_notify)
{
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 50 * RIG_MS);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	ck_assert_uint_eq(rig.node->counts.notifies_ignored, 1);
	ck_assert_uint_eq(rig_commands(&rig, 1), 1);
}
END_TEST

/* ---- broadcasts ---- */

static const struct {
	const char *name;
	const char *hex;
	bool asks;
} broadcasts[] = {
	{"everybody", "1942000064", true},
	{"its manufacturer", "19420001643412", true},
	{"another manufacturer", "19420001643512", false},
	{"its type", "194200026434120201", true},
	{"another type", "194200026434120301", false},
	{"another version", "1942000364341202010d0c0b0a", true},
	{"the version that runs", "19420003643412020101000000", false},
	{"jitter 0", "1942000000", false},
	{"jitter 101", "1942000065", false},
	{"a length that is not of the type", "194200006434", false},
	{"an unknown type", "1942000464", false},
};

START_TEST(node_hearing_broadcast_filters)
{
	rig_start(&rig, 1);
	rig_send(&rig, 0xfffd, 0x0104, 0x0019, 1, 0xff, broadcasts[_i].hex);
	rig_run(&rig, 100 * RIG_MS);
	ck_assert_msg((rig_commands(&rig, 1) == 1) == broadcasts[_i].asks,
		"%s", broadcasts[_i].name);
}
END_TEST

START_TEST(nodes_hearing_broadcast_with_jitter_ask_in_part)
{
	unsigned asked;

	rig.query_status = 0x98;
	rig_start(&rig, 200);
	rig_send(&rig, 0xfffd, 0x0104, 0x0019, 1, 0xff, "1942000032");
	rig_run(&rig, RIG_S);
	asked = rig_commands(&rig, 1);
	ck_assert_uint_gt(asked, 60);
	ck_assert_uint_lt(asked, 140);
}
END_TEST

START_TEST(sleeper_hears_no_broadcast)
{
	rig.node_setup.poll_ns = RIG_S;
	rig_start(&rig, 1);
	rig_send(&rig, 0xfffd, 0x0104, 0x0019, 1, 0xff, "1942000064");
	rig_run(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig.node->counts.notifies, 0);
}
END_TEST

/* ---- sleepers ---- */

START_TEST(sleeper_fetches_what_waits_at_its_poll)
{
	rig.node_setup.poll_ns = 2 * RIG_S;
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 200 * RIG_S));
	ck_assert_uint_gt(rig.node->counts.polls, RIG_SIZE / 50);
	ck_assert_uint_eq(rig.ended[NCP_EXPIRED], 0);
}
END_TEST

START_TEST(sleeper_without_fast_poll_takes_one_block_a_poll)
{
	rig.node_setup.poll_ns = 2 * RIG_S;
	rig.node_setup.fast_poll_ns = 0;
	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 41 * RIG_S);
	ck_assert_uint_ge(rig.node->counts.blocks, 17);
	ck_assert_uint_le(rig.node->counts.blocks, 20);
}
END_TEST

START_TEST(sleeper_polling_seldom_lets_frames_expire)
{
	rig.node_setup.poll_ns = 60 * RIG_S;
	rig_start(&rig, 1);
	rig.node->poll_at = rig.now + 60 * RIG_S;
	rig_notify(&rig);
	rig_run(&rig, 7679 * RIG_MS);
	ck_assert_uint_eq(rig.ended[NCP_EXPIRED], 0);
	rig_run(&rig, 2 * RIG_MS);
	ck_assert_uint_eq(rig.ended[NCP_EXPIRED], 1);
}
END_TEST

START_TEST(sleeper_checking_in_polls_fast_when_told)
{
	rig.node_setup.poll_ns = 60 * RIG_S;
	rig.node_setup.check_in_ns = 3600 * RIG_S;
	rig_start(&rig, 1);
	rig.node->check_in_at = rig.now;
	mesh_schedule(rig.mesh, rig.node);
	rig_run(&rig, 10 * RIG_MS);
	rig_check(rig_last(&rig, 0x0020), "190000");
	rig_send(&rig, rig.node->nwk, 0x0104, 0x0020, 1, 1, "1100000128" "00");
	rig_run(&rig, RIG_S);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 20 * RIG_S));
}
END_TEST

START_TEST(sleeper_told_to_stop_polls_slowly_again)
{
	uint64_t polls;

	rig.node_setup.poll_ns = 60 * RIG_S;
	rig.node_setup.check_in_ns = 3600 * RIG_S;
	rig_start(&rig, 1);
	rig.node->check_in_at = rig.now;
	mesh_schedule(rig.mesh, rig.node);
	rig_run(&rig, 10 * RIG_MS);
	rig_send(&rig, rig.node->nwk, 0x0104, 0x0020, 1, 1, "1100000128" "00");
	rig_run(&rig, RIG_S);
	rig_send(&rig, rig.node->nwk, 0x0104, 0x0020, 1, 1, "110001");
	rig_run(&rig, RIG_S);
	polls = rig.node->counts.polls;
	rig_run(&rig, 50 * RIG_S);
	ck_assert_uint_eq(rig.node->counts.polls, polls);
}
END_TEST

/* ---- attributes ---- */

static const struct {
	const char *name;
	uint16_t cluster;
	const char *ask;
	const char *answer;
} reads[] = {
	{"manufacturer name", 0x0000, "0007000400",
		"180701" "0400004205" "4665727279"},
	{"model", 0x0000, "0007000500", "180701" "0500004204" "62756c62"},
	{"software build", 0x0000, "0007000040",
		"180701" "0040004208" "3030303030303031"},
	{"no such attribute", 0x0000, "0007007777", "180701" "777786"},
	{"current file version", 0x0019, "0807000200",
		"100701" "02000023" "01000000"},
	{"status, manufacturer, type", 0x0019, "080700060007000800",
		"100701" "06000030" "00" "07000021" "3412" "08000021" "0201"},
	{"server attributes of an OTA client", 0x0019, "0007000200",
		"180701" "020086"},
	{"no Poll Control", 0x0020, "0007000000", "180701" "000086"},
};

START_TEST(node_asked_for_attributes_answers)
{
	rig_start(&rig, 1);
	rig_send(&rig, rig.node->nwk, 0x0104, reads[_i].cluster, 1, 1,
		reads[_i].ask);
	rig_run(&rig, 10 * RIG_MS);
	rig_check(rig_last(&rig, reads[_i].cluster), reads[_i].answer);
}
END_TEST

START_TEST(node_downloading_shows_offset_and_status)
{
	const struct rig_frame *f = NULL;

	rig_start(&rig, 1);
	rig_notify(&rig);
	rig_run(&rig, 50 * RIG_MS);
	rig_send(&rig, rig.node->nwk, 0x0104, 0x0019, 1, 1, "08f70001000600");
	rig_run(&rig, RIG_MS);
	for (size_t i = rig.log_count; i-- > 0;) {
		f = &rig.log[i];
		if (f->asdu[1] == 0xf7)
			break;
	}
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->asdu[2], 1);
	ck_assert_uint_eq(get_le32(f->asdu + 7), rig.node->ota.offset);
	ck_assert_uint_eq(f->asdu[15], 1);
}
END_TEST

/* ---- ZDO ---- */

static const struct {
	const char *name;
	uint16_t cluster;
	const char *ask;
	const char *answer;
} zdo[] = {
	{"IEEE_addr", 0x0001, "5500100000",
		"5500" "01000000004b1200" "0010"},
	{"NWK_addr", 0x0000, "5501000000004b12000000",
		"5500" "01000000004b1200" "0010"},
	{"Node_Desc", 0x0002, "550010",
		"5500" "0010" "01408e341252" "5200002c520000"},
	{"Active_EP", 0x0005, "550010", "5500" "0010" "0101"},
	{"Simple_Desc", 0x0004, "55001001",
		"5500" "0010" "0c" "01040100010101" "0000" "01" "1900"},
	{"Simple_Desc of another endpoint", 0x0004, "55001002",
		"5582" "0010" "00"},
	{"Match_Desc of its client", 0x0006, "55001004010001" "1900",
		"5500" "0010" "0101"},
	{"Match_Desc of nothing", 0x0006, "55001004010001" "1801",
		"5500" "0010" "00"},
	{"Mgmt_Lqi", 0x0031, "550000", "5584"},
};

START_TEST(node_asked_for_descriptors_answers)
{
	rig_start(&rig, 1);
	rig_send(&rig, 0x1000, 0, zdo[_i].cluster, 0, 0, zdo[_i].ask);
	rig_run(&rig, 10 * RIG_MS);
	rig_check(rig_last(&rig, (uint16_t)(zdo[_i].cluster | 0x8000)),
		zdo[_i].answer);
}
END_TEST

START_TEST(nodes_asked_by_broadcast_answer_one)
{
	rig_start(&rig, 5);
	rig_send(&rig, 0xfffd, 0, 0x0000, 0, 0, "5503000000004b12000000");
	rig_run(&rig, 10 * RIG_MS);
	ck_assert_uint_eq(rig.log_count, 1);
	rig_check(&rig.log[0], "5500" "03000000004b1200" "0210");
}
END_TEST

START_TEST(node_told_to_leave_goes)
{
	rig_start(&rig, 1);
	rig_send(&rig, 0x1000, 0, 0x0034, 0, 0, "55000000000000000000");
	rig_run(&rig, 10 * RIG_MS);
	ck_assert_uint_eq(rig.lefts, 1);
	rig_notify(&rig);
	rig_run(&rig, 10 * RIG_MS);
	ck_assert_uint_eq(rig.ended[NCP_NO_ROUTE], 1);
}
END_TEST

/* ---- flash ---- */

START_TEST(node_with_flash_keeps_its_version)
{
	char path[] = "/tmp/ferry-node-XXXXXX";
	struct node_setup *s = &rig.node_setup;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	unlink(path);
	strcpy(s->state_path, path);
	rig_start(&rig, 1);
	rig_notify(&rig);
	ck_assert(rig_updates(&rig, 60 * RIG_S));
	mesh_free(rig.mesh);
	rig_start(&rig, 1);
	ck_assert_uint_eq(rig.node->own.version, RIG_VERSION);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_zigbee_node");
	TCase *c = tcase_create("node");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, node_notified_receives_whole_image);
	tcase_add_test(c, node_updated_reports_hash_of_image);
	tcase_add_test(c, node_asking_writes_published_frames);
	tcase_add_test(c, node_with_hardware_version_says_it);
	tcase_add_test(c, node_asks_by_itself_at_intervals);
	tcase_add_test(c, node_unanswered_gives_up_after_errors);
	tcase_add_test(c, node_missing_answers_asks_again_and_finishes);
	tcase_add_test(c, node_given_up_resumes_at_next_query);
	tcase_add_test(c, node_fed_wrong_bytes_refuses_image);
	tcase_add_test(c, node_answered_with_other_tsn_ignores_it);
	tcase_add_test(c, node_told_no_image_stays_idle);
	tcase_add_test(c, node_told_to_wait_comes_back_then);
	tcase_add_test(c, node_adds_period_in_milliseconds);
	tcase_add_test(c, node_of_second_revision_takes_period_for_seconds);
	tcase_add_test(c, node_told_upgrade_time_waits_for_it);
	tcase_add_test(c, node_told_to_await_server_goes_on_when_told);
	tcase_add_test(c, node_told_to_await_server_asks_every_hour);
	tcase_add_test(c, node_downloading_ignores_notify);
	tcase_add_loop_test(c, node_hearing_broadcast_filters, 0,
		sizeof(broadcasts) / sizeof(broadcasts[0]));
	tcase_add_test(c, nodes_hearing_broadcast_with_jitter_ask_in_part);
	tcase_add_test(c, sleeper_hears_no_broadcast);
	tcase_add_test(c, sleeper_fetches_what_waits_at_its_poll);
	tcase_add_test(c, sleeper_without_fast_poll_takes_one_block_a_poll);
	tcase_add_test(c, sleeper_polling_seldom_lets_frames_expire);
	tcase_add_test(c, sleeper_checking_in_polls_fast_when_told);
	tcase_add_test(c, sleeper_told_to_stop_polls_slowly_again);
	tcase_add_loop_test(c, node_asked_for_attributes_answers, 0,
		sizeof(reads) / sizeof(reads[0]));
	tcase_add_test(c, node_downloading_shows_offset_and_status);
	tcase_add_loop_test(c, node_asked_for_descriptors_answers, 0,
		sizeof(zdo) / sizeof(zdo[0]));
	tcase_add_test(c, nodes_asked_by_broadcast_answer_one);
	tcase_add_test(c, node_told_to_leave_goes);
	tcase_add_test(c, node_with_flash_keeps_its_version);
	suite_add_tcase(s, c);
	return unit_run(s);
}

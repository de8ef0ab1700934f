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

/* One update from offer to result against a device with some peculiarity. */
struct row {
	const char *name;
	const char *options;
	void (*set)(void);
	size_t len;
	enum engine_outcome outcome;
	int code;
	void (*check)(void);
};

static void set_v1_only(void) { b->peer.only_version = 1; }
static void set_refuses_v2(void) { b->peer.only_version = 3; }
static void set_no_v1(void) { b->peer.only_version = 2; }
static void set_ret(void) { b->peer.ret_map = true; b->peer.upload_err = 30; }
static void set_cbor(void) { b->peer.odd_cbor = true; }
static void set_slow_erase(void) { b->peer.erase_ms = 45000; }
static void set_busy(void) { b->peer.busy = 5; }
static void set_busy_for_ever(void) { b->peer.busy = 1000000; }
static void set_loss(void) { b->peer.drop_request_nth = 7; }
static void set_loss_answers(void) { b->peer.drop_answer_nth = 7; }
static void set_wrong_seq(void) { b->peer.wrong_seq = true; }
static void set_no_memory(void) { b->peer.no_memory = 3; }
static void set_rewind(void) { b->peer.rewind_at = 5000; }
static void set_rewind_far(void)
{
	b->peer.rewind_at = 5000;
	b->peer.rewind_by = 3000;
}

static void set_foreign(void) { b->peer.foreign_at = 5000; }
static void set_match(void) { b->peer.match = 1; }
static void set_match_false_once(void) { b->peer.match = 2; }
static void set_match_false(void) { b->peer.match = 1000; }
static void set_frugal(void) { b->peer.frugal = true; }
static void set_noise(void) { b->noise = true; }
static void set_crc_flip(void) { b->flip_nth = 9; }
static void set_send_fails(void) { b->fail_nth = 5; }
static void set_parts(void) { b->image_part = 100; }
static void set_image_gone(void) { b->image_status = ERR_CBOR_RANGE; }
static void set_reset_silent(void) { b->peer.reset_silent = true; }
static void set_reset_ignored(void) { b->peer.reset_ignored_once = true; }
static void set_dies(void) { b->peer.dies_at_reset = true; }
static void set_returns_late(void)
{
	set_dies();
	b->return_ms = 5000;
}
static void set_reset_line(void)
{
	b->peer.reset_refused = 5;
	b->reset_line = "dtr=0 100ms dtr=1";
}
static void set_reset_refused(void) { b->peer.reset_refused = 5; }
static void set_reverts(void) { b->peer.reverts = true; }
static void set_bad_image(void) { b->peer.refuses_boot = true; }
static void set_other_boot(void) { b->peer.other_boot = true; }
static void set_long_swap(void) { b->peer.boot_ms = 60000; }
static void set_no_mode(void) { b->peer.no_mode = true; }
static void set_err_22(void) { b->peer.upload_err = 22; }
static void set_err_27(void) { b->peer.upload_err = 27; }
static void set_err_9(void) { b->peer.upload_err = 9; }
static void set_err_12(void) { b->peer.upload_err = 12; }
static void set_flat_3(void) { b->peer.upload_rc = 3; }
static void set_flat_6(void) { b->peer.upload_rc = 6; }
static void set_mark_28(void) { b->peer.mark_err = 28; }
static void set_mark_17(void) { b->peer.mark_err = 17; }
static void set_state_lost(void) { b->peer.forgets_state_after_reset = true; }

static void set_late(void)
{
	b->peer.late_nth = 11;
	b->peer.late_ms = 20000;
}

static void set_restart(void)
{
	b->peer.restarts = 2;
	b->peer.restart_at = 5000;
}

static void set_restart_always(void)
{
	b->peer.restarts = 100;
	b->peer.restart_at = 5000;
}

static void set_no_params(void)
{
	b->peer.no_params = true;
	b->peer.max_request = 252;
}

static void set_no_params_tiny(void)
{
	b->peer.no_params = true;
	b->peer.max_request = 124;
}

static void set_tiny(void)
{
	b->peer.buf_size = 100;
	b->peer.max_request = 96;
}

static void set_too_tiny(void) { b->peer.buf_size = 60; }

static void set_recovery(void)
{
	b->peer.flat = true;
	b->peer.align = 8;
	b->peer.in_place = true;
	b->peer.no_params = true;
	b->peer.no_mode = true;
	b->peer.max_request = 508;
}

static void set_recovery_mute(void)
{
	set_recovery();
	b->peer.dies_at_reset = true;
}

static void set_no_state(void)
{
	b->peer.no_state = true;
	b->peer.match = 1;
}

static void set_overwrite(void)
{
	b->peer.overwrite = true;
	b->peer.mode = 2;
}

static void set_xip(void)
{
	b->peer.no_mark = true;
	b->peer.mode = 4;
}

static void set_unconfirmed(void) { b->peer.slot[0].confirmed = false; }

static void set_other_pending(void)
{
	b->peer.slot[1] = (struct peer_slot){.here = true, .pending = true,
		.version = "1.5.0", .hash = {0x15}};
	b->peer.upload_rc = 6;
}

static void set_running(void)
{
	bench_hold_ours(b, 0);
	b->peer.slot[0].confirmed = true;
}

static void set_same_hash(void)
{
	set_running();
	bench_hold_ours(b, 1);
}

static void set_there(void) { bench_hold_ours(b, 1); }

static void set_pending(void)
{
	bench_hold_ours(b, 1);
	b->peer.slot[1].pending = true;
}

static void set_two_images(void)
{
	b->peer.images = 2;
	b->want.slot = 1;
}

static void set_mtu(void)
{
	b->max_payload = 244;
	b->peer.buf_size = 1024;
	b->split_lost = true;
}

static void set_mtu_whole(void)
{
	b->max_payload = 23;
	b->peer.buf_size = 512;
}

static void set_mtu_hopeless(void)
{
	b->max_payload = 20;
	b->split_lost = true;
}

static void set_drop(void)
{
	b->down_after_uploads = 20;
	b->down_for_ms = 4000;
}

static void set_drop_mtu(void)
{
	set_drop();
	b->max_payload = 244;
	b->max_payload_later = 100;
	b->peer.buf_size = 244;
}

static void set_drop_recovery(void)
{
	set_recovery();
	set_drop();
}

static void set_no_hash(void) { b->want.hash_len = 0; }

static void set_nothing_to_expect(void)
{
	b->want.hash_len = 0;
	b->want.version[0] = '\0';
}

static void set_wrong_expect(void) { b->want.hash[0] ^= 1; }

static void check_image(void) { bench_check_image(b); }
static void check_confirmed(void) { bench_check_confirmed(b); }
static void check_no_repeat(void) { bench_check_no_repeat(b); }

static void check_little_repeat(void)
{
	check_confirmed();
	ck_assert_uint_lt(b->peer.payload, b->want.len * 3 / 2);
}

static void check_one_rewind(void)
{
	check_confirmed();
	ck_assert_uint_le(b->peer.payload, b->want.len + 5 * 384);
}

static void check_nothing_written(void)
{
	ck_assert_uint_eq(b->peer.writes, 0);
	ck_assert_uint_eq(b->stages, 0);
}

static void check_no_upload(void)
{
	check_image();
	ck_assert_uint_eq(b->peer.uploads, 0);
}

static void check_no_mark(void)
{
	check_no_upload();
	ck_assert_uint_eq(b->peer.marks, 0);
	ck_assert_uint_eq(b->peer.resets, 1);
}

static void check_without_sha(void)
{
	check_confirmed();
	ck_assert_uint_eq(b->peer.with_sha, 0);
	ck_assert_int_eq(b->facts.can_resume, 0);
}

static void check_recovery(void)
{
	check_image();
	ck_assert_uint_eq(b->peer.firsts, 1);
	ck_assert_uint_eq(b->peer.marks, 0);
	ck_assert_int_eq(b->facts.can_revert, 0);
	ck_assert_uint_lt(b->peer.payload, b->want.len + 256);
}

static void check_reset_line(void)
{
	check_confirmed();
	ck_assert_uint_eq(b->line_resets, 1);
	ck_assert_uint_eq(b->peer.resets, 1);
	ck_assert_uint_eq(b->peer.reset_refused, 5);
}

static void check_class_limit(void)
{
	ck_assert_str_eq(b->failure.hint, "no answer within 5 s");
}

static void check_option_limit(void)
{
	ck_assert_str_eq(b->failure.hint, "no answer within 30 s");
}

static void check_forced(void)
{
	check_confirmed();
	ck_assert_uint_eq(b->peer.reset_refused, 4);
}

static void check_reset_refused(void)
{
	ck_assert_uint_eq(b->peer.resets, 0);
	ck_assert_str_eq(b->failure.step, "reset");
	ck_assert_str_eq(b->failure.device_status, "rc 10 busy");
}

static void check_reset_twice(void)
{
	check_image();
	ck_assert_uint_eq(b->peer.resets, 2);
}

static void check_reverted(void)
{
	ck_assert_uint_eq(b->peer.resets, 1);
	ck_assert_uint_eq(b->peer.confirms, 0);
	ck_assert_str_eq(b->facts.version, "1.0.0");
}

static void check_version_2(void)
{
	check_confirmed();
	ck_assert_int_eq(b->facts.can_revert, 1);
	ck_assert_str_eq(b->facts.mode, "swap-scratch");
}

static void check_overwrite(void)
{
	check_image();
	ck_assert_int_eq(b->facts.can_revert, 0);
	ck_assert_str_eq(b->facts.mode, "overwrite-only");
}

static void check_xip(void)
{
	check_image();
	ck_assert_uint_le(b->peer.marks, 1);
}

static void check_err_30(void)
{
	ck_assert_str_eq(b->failure.device_status,
		"group 1 rc 30 image too large");
	ck_assert_str_eq(b->failure.step, "upload");
	ck_assert_uint_eq(b->peer.firsts, 1);
}

static void check_downgrade(void)
{
	ck_assert_str_eq(b->failure.hint,
		"it runs 1.0.0, the image is 2.0.0");
}

static void check_two_firsts(void)
{
	ck_assert_uint_eq(b->peer.firsts, 2);
}

static void check_unconfirmed_hint(void)
{
	ck_assert_str_eq(b->failure.hint, "it runs 1.0.0 unconfirmed: confirm "
		"that or let it revert");
	ck_assert_uint_eq(b->peer.confirms, 0);
}

static void check_foreign(void)
{
	ck_assert_uint_eq(b->peer.bad_bytes, 0);
	ck_assert_uint_lt(b->peer.payload, 5000 + 6 * 384);
}

static void check_second_image(void)
{
	check_image();
	ck_assert(b->peer.slot[2].confirmed);
	ck_assert_str_eq(b->peer.slot[2].version, "2.0.0");
	ck_assert_str_eq(b->peer.slot[0].version, "1.0.0");
}

static void check_fills_datagrams(void)
{
	check_image();
	ck_assert_uint_eq(b->peer.upload_max_message, b->max_payload);
}

static void check_fills_buffer(void)
{
	check_image();
	ck_assert_uint_eq(b->peer.upload_max_message, 512);
}

static void check_console_fills_buffer(void)
{
	check_confirmed();
	ck_assert_uint_eq(b->peer.upload_max_message, 380);
}

static void check_raw_fills_buffer(void)
{
	check_confirmed();
	ck_assert_uint_eq(b->peer.upload_max_message, 384);
}

static void check_resumed(void)
{
	check_image();
	ck_assert_uint_eq(b->peer.firsts, 2);
	ck_assert_uint_lt(b->peer.payload, b->want.len + 4 * 384);
	ck_assert_uint_eq(b->stage_count[ENGINE_STAGE_TRANSFER], 1);
}

static void check_resumed_recovery(void)
{
	check_image();
	ck_assert_uint_eq(b->peer.firsts, 1);
	ck_assert_uint_lt(b->peer.payload, b->want.len + 4 * 384);
}

static void check_paused(void)
{
	check_confirmed();
	ck_assert_int_ge(b->least_line_gap_ms, 2);
}

#define DONE ENGINE_DONE, 0
#define FAILED(code) ENGINE_FAILED, ERR_SMP_##code
#define UNPROVEN ENGINE_UNVERIFIED, ERR_SMP_NO_READ_BACK

static const struct row rows[] = {
	{"plain", "", NULL, LEN, DONE, check_no_repeat},
	{"fills the buffer", "", NULL, LEN, DONE, check_console_fills_buffer},
	{"mode is reported", "", NULL, LEN, DONE, check_version_2},
	{"image in one request", "", NULL, 64, DONE, check_no_repeat},
	{"v1-only", "", set_v1_only, LEN, DONE, check_confirmed},
	{"refuses v2", "", set_refuses_v2, LEN, DONE, check_confirmed},
	{"v2-ret", "", set_ret, LEN, FAILED(IMAGE_REFUSED), check_err_30},
	{"no-v1", "", set_no_v1, LEN, DONE, check_no_repeat},
	{"cbor", "", set_cbor, LEN, DONE, check_no_repeat},
	{"no-params", "", set_no_params, LEN, DONE, check_no_repeat},
	{"no-params, tiny", "erase_ms=3000", set_no_params_tiny, LEN, DONE,
		check_confirmed},
	{"tiny-buffer", "", set_tiny, LEN, DONE, check_without_sha},
	{"buffer too small for a header", "", set_too_tiny, LEN,
		FAILED(TOO_SMALL), NULL},
	{"slow-erase", "", set_slow_erase, LEN, DONE, check_no_repeat},
	{"slow-erase, too slow", "erase_ms=10000 return_ms=5000",
		set_slow_erase, LEN, DONE, NULL},
	{"busy", "", set_busy, LEN, DONE, check_little_repeat},
	{"busy for ever", "", set_busy_for_ever, LEN, FAILED(BUSY), NULL},
	{"loss of requests", "", set_loss, LEN, DONE, check_little_repeat},
	{"loss of answers", "", set_loss_answers, LEN, DONE,
		check_little_repeat},
	{"late", "", set_late, LEN, DONE, check_little_repeat},
	{"wrong-seq", "", set_wrong_seq, LEN, DONE, check_no_repeat},
	{"window-limit", "", set_no_memory, LEN, DONE, check_little_repeat},
	{"rewind", "", set_rewind, LEN, DONE, check_one_rewind},
	{"rewind far back, then another", "", set_rewind_far, LEN,
		FAILED(FOREIGN_UPLOAD), NULL},
	{"restart", "", set_restart, LEN, DONE, check_confirmed},
	{"restart for ever", "", set_restart_always, LEN, FAILED(RESTARTS),
		NULL},
	{"foreign-upload", "", set_foreign, LEN, FAILED(FOREIGN_UPLOAD),
		check_foreign},
	{"match true", "", set_match, LEN, DONE, check_no_repeat},
	{"match-false once", "", set_match_false_once, LEN, DONE,
		check_two_firsts},
	{"match-false", "", set_match_false, LEN, FAILED(MATCH),
		check_two_firsts},
	{"recovery", "server=recovery", set_recovery, LEN, DONE,
		check_recovery},
	{"recovery, not declared", "", set_recovery, LEN, DONE,
		check_recovery},
	{"recovery, mute application", "server=recovery", set_recovery_mute,
		LEN, UNPROVEN, NULL},
	{"no image state", "", set_no_state, LEN, UNPROVEN, NULL},
	{"image state gone after restart", "", set_state_lost, LEN, UNPROVEN,
		NULL},
	{"image-errors 22", "", set_err_22, LEN, FAILED(IMAGE_REFUSED), NULL},
	{"image-errors 12: once more", "", set_err_12, LEN, FAILED(STATUS),
		check_two_firsts},
	{"image-errors flat 3: once more", "", set_flat_3, LEN,
		FAILED(STATUS), check_two_firsts},
	{"image-errors 9", "", set_err_9, LEN, FAILED(NO_FREE_SLOT), NULL},
	{"no-free-slot", "", set_unconfirmed, LEN, FAILED(NO_FREE_SLOT),
		check_unconfirmed_hint},
	{"no-free-slot, may confirm", "confirm_running=yes", set_unconfirmed,
		LEN, DONE, NULL},
	{"downgrade", "upgrade_only=yes", set_err_27, LEN, FAILED(DOWNGRADE),
		check_downgrade},
	{"downgrade, flat", "upgrade_only=yes", set_flat_6, LEN,
		FAILED(DOWNGRADE), check_downgrade},
	{"flat 6, another pending", "", set_other_pending, LEN,
		FAILED(PENDING), NULL},
	{"test refused: pending", "", set_mark_28, LEN, FAILED(PENDING), NULL},
	{"test refused", "", set_mark_17, LEN, FAILED(PENDING), NULL},
	{"permanent", "activate=permanent", NULL, LEN, DONE, check_image},
	{"swap takes a minute", "", set_long_swap, LEN, DONE,
		check_confirmed},
	{"revert", "", set_reverts, LEN, FAILED(REVERTED), check_reverted},
	{"no-revert", "", set_overwrite, LEN, DONE, check_overwrite},
	{"direct-xip", "", set_xip, LEN, DONE, check_xip},
	{"same-hash", "", set_same_hash, LEN, DONE, check_nothing_written},
	{"runs already", "", set_running, LEN, DONE, check_nothing_written},
	{"other slot has it", "", set_there, LEN, DONE, check_no_upload},
	{"other slot has it, pending", "", set_pending, LEN, DONE,
		check_no_mark},
	{"bad-image", "", set_bad_image, LEN, FAILED(BOOT_REFUSED), NULL},
	{"third image", "", set_other_boot, LEN, FAILED(OTHER_IMAGE), NULL},
	{"never returns", "return_ms=30000", set_dies, LEN, FAILED(NO_RETURN),
		NULL},
	{"never returns, by the class", "", set_returns_late, LEN,
		FAILED(NO_RETURN), check_class_limit},
	{"never returns, the option wins", "return_ms=30000",
		set_returns_late, LEN, FAILED(NO_RETURN), check_option_limit},
	{"restarted by the line", "", set_reset_line, LEN, DONE,
		check_reset_line},
	{"frugal", "", set_frugal, LEN, DONE, check_no_repeat},
	{"two-images", "", set_two_images, LEN, DONE, check_second_image},
	{"reset-refused", "", set_reset_refused, LEN, FAILED(RESET_REFUSED),
		check_reset_refused},
	{"reset-refused, may force", "force_reset=yes", set_reset_refused, LEN,
		DONE, check_forced},
	{"reset-silent", "", set_reset_silent, LEN, DONE, check_confirmed},
	{"reset lost", "", set_reset_ignored, LEN, DONE, check_reset_twice},
	{"no bootloader mode", "", set_no_mode, LEN, DONE, check_confirmed},
	{"noise", "", set_noise, LEN, DONE, check_no_repeat},
	{"crc-flip", "", set_crc_flip, LEN, DONE, check_little_repeat},
	{"line-limits", "line_pause_ms=20 window=1 answer_ms=5000", NULL, LEN,
		DONE, check_paused},
	{"raw-uart", "framing=raw", NULL, LEN, DONE,
		check_raw_fills_buffer},
	{"raw-uart, loss", "framing=raw", set_loss, LEN, DONE,
		check_confirmed},
	{"every fifth send fails", "", set_send_fails, LEN, DONE,
		check_confirmed},
	{"host gives small parts", "", set_parts, LEN, DONE,
		check_no_repeat},
	{"image cannot be read", "", set_image_gone, LEN, ENGINE_FAILED,
		ERR_CBOR_RANGE, NULL},
	{"ble-no-reassembly", "", set_mtu, LEN, DONE, check_fills_datagrams},
	{"ble-reassembly", "", set_mtu_whole, LEN, DONE, check_fills_buffer},
	{"ble-mtu 23, no reassembly", "", set_mtu_hopeless, LEN,
		FAILED(TOO_SMALL), NULL},
	{"hot-unplug", "", set_drop, LEN, DONE, check_resumed},
	{"hot-unplug, other payload", "", set_drop_mtu, LEN, DONE,
		check_resumed},
	{"hot-unplug in recovery", "server=recovery", set_drop_recovery, LEN,
		DONE, check_resumed_recovery},
	{"no hash to expect", "", set_no_hash, LEN, DONE, check_confirmed},
	{"nothing to expect", "", set_nothing_to_expect, LEN, UNPROVEN, NULL},
	{"expects another hash", "", set_wrong_expect, LEN, FAILED(HASH),
		check_two_firsts},
};

START_TEST(update_by_row)
{
	const struct row *row = &rows[_i];

	bench_init(b, row->len, row->options);
	if (row->set)
		row->set();
	bench_offer(b, ENGINE_GOAL_UPDATE, ENGINE_STAGE_NONE);
	bench_run(b);
	ck_assert_msg(b->is_over, "%s: not over at %lld ms, offset %llu",
		row->name, (long long)b->now_ms,
		(unsigned long long)b->progress);
	ck_assert_msg(b->outcome == row->outcome &&
		b->failure.code == row->code, "%s: %s, %s (%s; %s; %s)",
		row->name, engine_outcome_name(b->outcome),
		err_name(b->failure.code), b->failure.step,
		b->failure.device_status, b->failure.hint);
	ck_assert_msg(b->peer.bad_bytes == 0, "%s: damaged", row->name);
	if (row->check)
		row->check();
}
END_TEST

/* What a gateway finds that was killed in mid-job. */
struct again_row {
	const char *name;
	int reached;
	void (*set)(void);
	enum engine_outcome outcome;
	int code;
	unsigned resets, confirms, uploads_max;
};

static void set_unconfirmed_ours(void) { bench_ours_unconfirmed(b); }

static void set_half(void)
{
	b->peer.open = true;
	b->peer.len = LEN;
	b->peer.off = 10000;
	memcpy(b->peer.head, b->image, sizeof(b->peer.head));
	memset(b->peer.sha, 0x5a, 32);
}

static const struct again_row agains[] = {
	{"in the transfer", ENGINE_STAGE_TRANSFER, set_half, DONE, 1, 1, 31},
	{"all bytes there", ENGINE_STAGE_TRANSFER, set_there, DONE, 1, 1, 0},
	{"before the mark", ENGINE_STAGE_ACTIVATE, set_there, DONE, 1, 1, 0},
	{"after the mark", ENGINE_STAGE_ACTIVATE, set_pending, DONE, 1, 1, 0},
	{"before the reset", ENGINE_STAGE_RESTART, set_pending, DONE, 1, 1, 0},
	{"after the reset", ENGINE_STAGE_RESTART, set_unconfirmed_ours, DONE,
		0, 1, 0},
	{"before the confirm", ENGINE_STAGE_CONFIRM, set_unconfirmed_ours,
		DONE, 0, 1, 0},
	{"after the confirm", ENGINE_STAGE_CONFIRM, set_running, DONE, 0, 0,
		0},
	{"reverted meanwhile", ENGINE_STAGE_RESTART, set_there,
		FAILED(REVERTED), 0, 0, 0},
	{"refused at boot", ENGINE_STAGE_RESTART, NULL, FAILED(BOOT_REFUSED),
		0, 0, 0},
};

START_TEST(update_again_by_row)
{
	const struct again_row *row = &agains[_i];

	bench_init(b, LEN, "");
	if (row->set)
		row->set();
	bench_offer(b, ENGINE_GOAL_UPDATE, row->reached);
	bench_run(b);
	ck_assert_msg(b->is_over && b->outcome == row->outcome &&
		b->failure.code == row->code, "%s: %s, %s", row->name,
		engine_outcome_name(b->outcome), err_name(b->failure.code));
	ck_assert_msg(b->peer.resets == row->resets, "%s: %u resets",
		row->name, b->peer.resets);
	ck_assert_msg(b->peer.confirms == row->confirms, "%s: %u confirms",
		row->name, b->peer.confirms);
	ck_assert_msg(b->peer.uploads <= row->uploads_max, "%s: %u uploads",
		row->name, b->peer.uploads);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smp_engine");
	TCase *t = tcase_create("engine");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, update_by_row, 0,
		sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, update_again_by_row, 0,
		sizeof(agains) / sizeof(agains[0]));
	suite_add_tcase(suite, t);
	return unit_run(suite);
}

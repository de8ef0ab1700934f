#include "tests/unit/tools/sim_rig.h"

#include <unistd.h>

#include <errno.h>

static struct rig_image image;

/* How long an echo takes over the line, from its first byte. */
static uint64_t time_of_echo(struct rig *r)
{
	static const char line[] = "\x06\x09"
				   "ABAKAAAGAABCAKFhZGJoaZsK\n";
	uint64_t from = r->now;

	device_rx(&r->d, r->now, bytes_of(line, 27));
	ck_assert(rig_receive(r, 10 * RIG_S));
	return r->now - from;
}

START_TEST(line_speed_paces_both_ways)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	r.setup.baud = 9600;
	r.setup.think_us = 5000;
	rig_open(&r);
	/* 27 bytes in and 27 bytes out, 10 bits each, and the think time */
	ck_assert_uint_eq(
		time_of_echo(&r), 54 * (10 * RIG_S / 9600) + 5 * RIG_MS);
	rig_done(&r);
}
END_TEST

START_TEST(line_without_speed_takes_think_time)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	r.setup.think_us = 2000;
	rig_open(&r);
	ck_assert_uint_eq(time_of_echo(&r), 2 * RIG_MS);
	rig_done(&r);
}
END_TEST

START_TEST(line_says_when_it_is_free)
{
	uint8_t some[96] = {0};
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	r.setup.baud = 9600;
	rig_open(&r);
	device_rx(&r.d, r.now, bytes_of(some, 96));
	ck_assert_uint_eq(
		device_rx_free_at(&r.d), r.now + 96 * (10 * RIG_S / 9600));
	rig_done(&r);
}
END_TEST

START_TEST(raw_framing_resyncs_after_3s)
{
	static const uint8_t params[] = {8, 0, 0, 1, 0, 0, 1, 6, 0xa0};
	static const uint8_t cut[] = {8, 0, 0, 0x40, 0};
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	rig_switch(&r, "raw-uart");
	rig_open(&r);
	device_rx(&r.d, r.now, bytes_of(cut, sizeof(cut)));
	rig_advance(&r, 2999 * RIG_MS);
	device_rx(&r.d, r.now, bytes_of(params, sizeof(params)));
	ck_assert(!rig_receive(&r, 3000 * RIG_MS));
	device_rx(&r.d, r.now, bytes_of(params, sizeof(params)));
	ck_assert(rig_receive(&r, RIG_S));
	ck_assert_uint_eq(r.raw[7], 6);
	rig_done(&r);
}
END_TEST

START_TEST(datagram_answer_in_pieces)
{
	struct rig r;
	size_t total;

	rig_prepare(&r);
	r.setup.payload = 20;
	rig_open(&r);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	ck_assert_uint_eq(r.len, 20);
	total = 8u + get_be16(r.raw + 2);
	for (size_t got = 20; got < total; got += r.len)
		ck_assert(rig_receive(&r, 0));
	ck_assert(!rig_receive(&r, RIG_S));
	rig_done(&r);
}
END_TEST

START_TEST(reset_answers_then_restarts)
{
	struct rig r;

	rig_new(&r);
	rig_call(&r, SMP_WRITE, SMP_GROUP_OS, 5);
	rig_advance(&r, 249 * RIG_MS);
	rig_call(&r, SMP_READ, SMP_GROUP_OS, 6); /* still there */
	rig_advance(&r, RIG_MS);
	ck_assert_int_eq(r.d.state, DEVICE_BOOTING);
	rig_send(&r, SMP_READ, SMP_GROUP_OS, 6);
	ck_assert(!rig_receive(&r, RIG_S));
	ck_assert_int_eq(r.d.state, DEVICE_RUNNING);
	rig_done(&r);
}
END_TEST

START_TEST(reset_silent_restarts)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "reset-silent");
	rig_send(&r, SMP_WRITE, SMP_GROUP_OS, 5);
	ck_assert(!rig_receive(&r, RIG_S));
	ck_assert_uint_eq(r.d.mcu.counts.boots, 2);
	rig_done(&r);
}
END_TEST

START_TEST(restart_forgets_upload)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	rig_reset(&r);
	rig_chunk(&r, &image, 512, 512);
	ck_assert_int_eq(rig_off(&r), 0);
	rig_done(&r);
}
END_TEST

START_TEST(slow_erase_holds_all_answers)
{
	struct rig r;
	uint64_t from;

	rig_new(&r);
	rig_set(&r, "slow-erase=40s");
	rig_make_version(&image, 2);
	from = r.now;
	rig_chunk(&r, &image, 0, 512);
	ck_assert_uint_eq(r.now - from, 40 * RIG_S);
	rig_done(&r);
}
END_TEST

START_TEST(loss_takes_every_nth_message)
{
	struct rig r;
	int answers = 0;

	rig_prepare(&r);
	r.setup.framing = FRAMING_RAW;
	rig_switch(&r, "loss=3");
	rig_open(&r);
	for (int i = 0; i < 6; i++) {
		rig_send(&r, SMP_READ, SMP_GROUP_OS, 6);
		answers += rig_receive(&r, RIG_S);
	}
	/* request 1, answer 2, request 3 lost, request 4, answer 5, request 6
	 * lost, ... */
	ck_assert_int_eq(answers, 3);
	ck_assert_uint_eq(r.d.mcu.counts.requests_dropped, 3);
	rig_done(&r);
}
END_TEST

START_TEST(late_answer_comes_after_later_ones)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "late=3s/1:1");
	rig_send(&r, SMP_READ, SMP_GROUP_OS, 6);
	ck_assert(!rig_receive(&r, RIG_S));
	rig_call(&r, SMP_READ, SMP_GROUP_OS, 6);
	ck_assert_uint_eq(r.raw[6], 2);
	ck_assert(rig_receive(&r, 3 * RIG_S));
	ck_assert_uint_eq(r.raw[6], 1);
	rig_done(&r);
}
END_TEST

START_TEST(wrong_seq_sends_strangers_first)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "wrong-seq");
	rig_call(&r, SMP_READ, SMP_GROUP_OS, 6);
	ck_assert_uint_ne(r.raw[6], 1);
	ck_assert(rig_receive(&r, 0));
	ck_assert_uint_ne(r.raw[7], 6);
	ck_assert(rig_receive(&r, 0));
	ck_assert_uint_eq(r.raw[6], 1);
	ck_assert_uint_eq(r.raw[7], 6);
	rig_done(&r);
}
END_TEST

/* Answers with rc 2 among `sent` requests at once. */
static int count_rc2(struct rig *r, int sent, int *ret_answers)
{
	int full = 0;

	*ret_answers = 0;
	for (int i = 0; i < sent; i++)
		rig_send(r, SMP_READ, SMP_GROUP_OS, 6);
	while (rig_receive(r, RIG_S)) {
		full += rig_rc(r) == 2;
		++*ret_answers;
	}
	return full;
}

START_TEST(buffers_full_gives_rc2_and_losses)
{
	struct rig r;
	int answers;

	rig_prepare(&r);
	r.setup.think_us = 2000;
	rig_open(&r);
	ck_assert_int_eq(count_rc2(&r, 3, &answers), 0);
	ck_assert_int_eq(answers, 3);
	ck_assert_int_eq(count_rc2(&r, 4, &answers), 1);
	ck_assert_int_eq(answers, 4);
	ck_assert_int_eq(count_rc2(&r, 6, &answers), 1);
	ck_assert_int_eq(answers, 4);
	ck_assert_uint_eq(r.d.mcu.counts.max_outstanding, 4);
	rig_done(&r);
}
END_TEST

START_TEST(window_limit_gives_rc2)
{
	struct rig r;
	int answers;

	rig_prepare(&r);
	r.setup.think_us = 2000;
	rig_switch(&r, "window-limit=2");
	rig_open(&r);
	ck_assert_int_eq(count_rc2(&r, 1, &answers), 0);
	ck_assert_int_eq(count_rc2(&r, 2, &answers), 1);
	rig_done(&r);
}
END_TEST

START_TEST(recovery_has_one_buffer)
{
	struct rig r;
	int answers;

	rig_prepare(&r);
	r.setup.think_us = 2000;
	rig_switch(&r, "recovery");
	rig_open(&r);
	ck_assert_int_eq(count_rc2(&r, 2, &answers), 0);
	ck_assert_int_eq(answers, 1);
	rig_done(&r);
}
END_TEST

START_TEST(line_limits_needs_pauses)
{
	static const char lines[] = "x\ny\n"
				    "\x06\x09"
				    "ABAKAAAGAABCAKFhZGJoaZsK\n";
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	rig_switch(&r, "line-limits=20ms");
	rig_open(&r);
	device_rx(&r.d, r.now, bytes_of_text(lines));
	ck_assert(!rig_receive(&r, RIG_S));
	device_rx(&r.d, r.now, bytes_of_text("x\n"));
	rig_advance(&r, 20 * RIG_MS);
	device_rx(&r.d, r.now, bytes_of_text(lines + 2));
	ck_assert(rig_receive(&r, RIG_S));
	ck_assert_uint_eq(r.d.mcu.counts.lines_dropped, 1);
	rig_done(&r);
}
END_TEST

START_TEST(crc_flip_damages_requests_and_answers)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	rig_switch(&r, "crc-flip=3");
	rig_open(&r);
	time_of_echo(&r); /* 1 and 2 */
	device_rx(&r.d, r.now,
		bytes_of_text("\x06\x09"
			      "ABAKAAAGAABCAKFhZGJoaZsK\n")); /* 3 */
	ck_assert(!rig_receive(&r, RIG_S));
	ck_assert_uint_eq(r.d.mcu.counts.bad_crc, 1);
	rig_done(&r);
}
END_TEST

START_TEST(hot_unplug_loses_line_keeps_upload)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "hot-unplug=2");
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	cbor_put_map(&r.body, 0);
	rig_send(&r, SMP_WRITE, SMP_GROUP_IMAGE, 1);
	ck_assert(!rig_receive(&r, 499 * RIG_MS));
	ck_assert(!r.d.plugged);
	rig_advance(&r, RIG_MS);
	ck_assert(r.d.plugged);
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), 512);
	rig_done(&r);
}
END_TEST

/* The new image is staged and booted. */
static void boot_test_image(struct rig *r)
{
	rig_make_version(&image, 2);
	rig_upload(r, &image);
	rig_set_state(r, image.hash, false);
	rig_call(r, SMP_WRITE, SMP_GROUP_OS, 5);
	rig_advance(r, 600 * RIG_MS);
}

START_TEST(revert_switch_is_silent_then_old)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "revert");
	boot_test_image(&r);
	ck_assert_int_eq(r.d.state, DEVICE_SILENT);
	rig_send(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	ck_assert(!rig_receive(&r, RIG_S));
	rig_advance(&r, 2 * RIG_S);
	rig_assert_state(&r, "ac", "");
	ck_assert_uint_eq(r.d.mcu.counts.reverts, 1);
	rig_done(&r);
}
END_TEST

START_TEST(self_revert_unless_confirmed)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "self-revert=2s");
	boot_test_image(&r);
	rig_assert_state(&r, "a", "c");
	if (_i)
		rig_set_state(&r, NULL, true);
	rig_advance(&r, 5 * RIG_S);
	ck_assert_uint_eq(r.d.mcu.counts.reverts, _i ? 0 : 1);
	rig_done(&r);
}
END_TEST

START_TEST(start_switch_refused_later)
{
	struct fault fault = {0};
	struct rig r;

	rig_new(&r);
	ck_assert_int_eq(device_switch(&r.d, "direct-xip", &fault), -EBUSY);
	ck_assert_str_eq(fault.field, "direct-xip");
	rig_done(&r);
}
END_TEST

START_TEST(flash_file_survives)
{
	char path[] = "/tmp/ferry-sim-test-XXXXXX";
	struct fault fault = {0};
	struct flash other;
	struct rig r;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	rig_prepare(&r);
	r.setup.flash_path = path;
	rig_open(&r);
	rig_make_version(&image, 2);
	rig_upload(&r, &image);
	rig_set_state(&r, image.hash, true);
	ck_assert_int_eq(flash_open(&other, path, 64 << 10, 1), -EWOULDBLOCK);
	device_close(&r.d); /* as a kill: nothing is said goodbye to */
	ck_assert_int_eq(device_open(&r.d, &r.setup, &r.sw, r.now, &fault), 0);
	rig_advance(&r, 2 * RIG_S);
	rig_assert_state(&r, "ac", "");
	ck_assert(bytes_equal(
		bytes_slice(rig_find(rig_entry(&r, 0), "hash"), 2, 32),
		bytes_of(image.hash, 32)));
	device_close(&r.d);
	r.setup.slot_size *= 2;
	ck_assert_int_eq(
		device_open(&r.d, &r.setup, &r.sw, r.now, &fault), -EINVAL);
	ck_assert_str_eq(fault.field, "flash");
	buf_done(&r.body);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_device");
	TCase *c = tcase_create("device");

	tcase_add_test(c, line_speed_paces_both_ways);
	tcase_add_test(c, line_without_speed_takes_think_time);
	tcase_add_test(c, line_says_when_it_is_free);
	tcase_add_test(c, raw_framing_resyncs_after_3s);
	tcase_add_test(c, datagram_answer_in_pieces);
	tcase_add_test(c, reset_answers_then_restarts);
	tcase_add_test(c, reset_silent_restarts);
	tcase_add_test(c, restart_forgets_upload);
	tcase_add_test(c, slow_erase_holds_all_answers);
	tcase_add_test(c, loss_takes_every_nth_message);
	tcase_add_test(c, late_answer_comes_after_later_ones);
	tcase_add_test(c, wrong_seq_sends_strangers_first);
	tcase_add_test(c, buffers_full_gives_rc2_and_losses);
	tcase_add_test(c, window_limit_gives_rc2);
	tcase_add_test(c, recovery_has_one_buffer);
	tcase_add_test(c, line_limits_needs_pauses);
	tcase_add_test(c, crc_flip_damages_requests_and_answers);
	tcase_add_test(c, hot_unplug_loses_line_keeps_upload);
	tcase_add_test(c, revert_switch_is_silent_then_old);
	tcase_add_loop_test(c, self_revert_unless_confirmed, 0, 2);
	tcase_add_test(c, start_switch_refused_later);
	tcase_add_test(c, flash_file_survives);
	suite_add_tcase(s, c);
	return unit_run(s);
}

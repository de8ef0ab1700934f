#include "tests/unit/tools/sim_rig.h"

#include "tools/sim/trailer.h"

static struct rig_image image;

/* Version 2 in the other slot, marked by `confirm`. */
static void stage(struct rig *r, bool confirm)
{
	rig_make_version(&image, 2);
	rig_upload(r, &image);
	rig_set_state(r, image.hash, confirm);
	ck_assert_int_eq(rig_err(r), -1);
}

static bool slot_has(const struct rig *r, unsigned slot, const uint8_t *hash)
{
	struct image found;

	return image_read(&r->d.mcu.flash, slot, &found) == 0 &&
	       memcmp(found.hash, hash, 32) == 0 &&
	       image_is_valid(&r->d.mcu.flash, slot, &found);
}

START_TEST(mkimage_makes_published_bytes)
{
	uint8_t want[104];

	bytes_from_hex(RIG_IMAGE_HEX, want, sizeof(want));
	rig_make(&image,
		&(struct mkimage){.version = {1, 2, 3, 4}, .payload_len = 32});
	ck_assert_uint_eq(image.len, sizeof(want));
	ck_assert_mem_eq(image.at, want, sizeof(want));
}
END_TEST

START_TEST(mkimage_length_is_told_before)
{
	struct mkimage m = {.version = {1, 0, 0, 0},
		.payload_len = 5000,
		.header_len = 512,
		.has_hw = true,
		.has_counter = true};

	rig_make(&image, &m);
	ck_assert_uint_eq(image.len, mkimage_len(&m));
	m.pad_to = 32 << 10;
	rig_make(&image, &m);
	ck_assert_uint_eq(image.len, 32 << 10);
}
END_TEST

START_TEST(version_parse_and_text)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} rows[] = {
		{"1.2.3", "1.2.3"},
		{"1.2.3+4", "1.2.3.4"},
		{"1.2.3.4", "1.2.3.4"},
		{"255.255.65535+4294967295", "255.255.65535.4294967295"},
		{"256.0.0", NULL},
		{"1.2", NULL},
		{"1.2.3x", NULL},
		{"1.2.3+", NULL},
		{"1.2.70000", NULL},
	};
	char text[IMAGE_VERSION_TEXT_SIZE];
	struct image_version v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int err = image_version_parse(rows[i].text, &v);

		ck_assert_msg((err == 0) == (rows[i].shown != NULL), "%s",
			rows[i].text);
		if (!err)
			ck_assert_str_eq(
				image_version_text(&v, text), rows[i].shown);
	}
}
END_TEST

START_TEST(test_confirm_keeps)
{
	struct rig r;

	rig_new(&r);
	stage(&r, false);
	rig_reset(&r);
	rig_assert_state(&r, "a", "c");
	ck_assert(slot_has(&r, 0, image.hash));
	rig_set_state(&r, NULL, true);
	rig_assert_state(&r, "ac", "");
	rig_reset(&r);
	rig_assert_state(&r, "ac", "");
	ck_assert(slot_has(&r, 0, image.hash));
	ck_assert_uint_eq(r.d.mcu.counts.swaps, 1);
	rig_done(&r);
}
END_TEST

START_TEST(test_second_reset_reverts)
{
	struct rig r;

	rig_new(&r);
	stage(&r, false);
	rig_reset(&r);
	rig_reset(&r);
	rig_assert_state(&r, "ac", "");
	ck_assert(slot_has(&r, 1, image.hash));
	ck_assert_uint_eq(r.d.mcu.counts.reverts, 1);
	rig_reset(&r); /* and it is not tried again */
	ck_assert(slot_has(&r, 1, image.hash));
	rig_done(&r);
}
END_TEST

START_TEST(test_power_cut_reverts)
{
	struct rig r;

	rig_new(&r);
	stage(&r, false);
	rig_reset(&r);
	device_power_cut(&r.d, r.now, 100 * RIG_MS);
	rig_advance(&r, 2 * RIG_S);
	rig_assert_state(&r, "ac", "");
	ck_assert(slot_has(&r, 1, image.hash));
	rig_done(&r);
}
END_TEST

START_TEST(permanent_needs_no_confirm)
{
	struct rig r;

	rig_new(&r);
	stage(&r, true);
	rig_reset(&r);
	rig_assert_state(&r, "ac", "");
	ck_assert(slot_has(&r, 0, image.hash));
	rig_done(&r);
}
END_TEST

START_TEST(overwrite_only_leaves_secondary_empty)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "no-revert");
	rig_open(&r);
	stage(&r, false);
	rig_assert_state(&r, "ac", "p");
	rig_reset(&r);
	rig_assert_state(&r, "ac", "-");
	ck_assert(slot_has(&r, 0, image.hash));
	rig_reset(&r);
	ck_assert(slot_has(&r, 0, image.hash));
	rig_done(&r);
}
END_TEST

START_TEST(direct_xip_newest_runs)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "direct-xip");
	rig_open(&r);
	rig_make_version(&image, 2);
	rig_upload(&r, &image);
	rig_assert_state(&r, "ac", "pP");
	rig_set_state(&r, image.hash, false);
	ck_assert_int_eq(rig_rc(&r), 8);
	rig_reset(&r);
	rig_assert_state(&r, "", "ac");
	ck_assert_uint_eq(r.d.mcu.active[0], 1);
	rig_make_version(&image, 3); /* now the other way round */
	rig_upload(&r, &image);
	rig_reset(&r);
	ck_assert_uint_eq(r.d.mcu.active[0], 0);
	rig_done(&r);
}
END_TEST

/* Images that the bootloader does not take. */
static const struct {
	const char *name;
	const char *switch_text;
	struct mkimage m;
} bad_rows[] = {
	{"bad hash", "resume",
		{.version = {2, 0, 0, 0},
			.payload_len = 3000,
			.bad_hash = true}},
	{"not bootable", "resume",
		{.version = {2, 0, 0, 0},
			.payload_len = 3000,
			.flags = IMAGE_F_NON_BOOTABLE}},
	{"other hardware", "resume",
		{.version = {2, 0, 0, 0},
			.payload_len = 3000,
			.has_hw = true,
			.hw = 8}},
	{"refused by switch", "bad-image",
		{.version = {2, 0, 0, 0}, .payload_len = 3000}},
};

START_TEST(bad_image_is_erased)
{
	struct image found;
	struct rig r;

	rig_prepare(&r);
	r.setup.hw = 7;
	rig_switch(&r, bad_rows[_i].switch_text);
	rig_open(&r);
	rig_make(&image, &bad_rows[_i].m);
	rig_upload(&r, &image);
	ck_assert_int_eq(image_read(&r.d.mcu.flash, 1, &found), 0);
	rig_set_state(&r, found.hash, false);
	ck_assert_int_eq(rig_err(&r), -1);
	rig_reset(&r);
	rig_assert_state(&r, "ac", "-");
	ck_assert_msg(
		r.d.mcu.counts.refused_images == 1, "%s", bad_rows[_i].name);
	rig_done(&r);
}
END_TEST

START_TEST(downgrade_refused_by_server_and_bootloader)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.image.version.major = 5;
	rig_switch(&r, "downgrade");
	rig_open(&r);
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_NOT_NEWER);
	rig_done(&r);
}
END_TEST

START_TEST(padded_image_is_pending_by_itself)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.slot_size = 32 << 10;
	rig_open(&r);
	rig_make(&image, &(struct mkimage){.version = {2, 0, 0, 0},
				 .payload_len = 3000,
				 .pad_to = 32 << 10});
	rig_upload(&r, &image);
	rig_assert_state(&r, "ac", "p");
	rig_done(&r);
}
END_TEST

/* Power is lost after every possible number of steps, also in the middle of
 * the repair; in the end both images are whole, swapped. */
START_TEST(swap_survives_cut_at_every_step)
{
	struct rig r;
	struct boot *b = &r.d.mcu.boot;
	uint8_t old[32];

	rig_new(&r);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	memcpy(old, rig_find(rig_entry(&r, 0), "hash").at + 2, 32);
	stage(&r, true);
	boot_begin(b);
	ck_assert(boot_prepare(b));
	for (int i = 0; i < _i; i++)
		if (boot_step(b) == 0)
			break;
	boot_begin(b); /* a new start */
	while (boot_prepare(b))
		while (boot_step(b) > 0)
			;
	ck_assert(slot_has(&r, 0, image.hash));
	ck_assert(slot_has(&r, 1, old));
	rig_done(&r);
}
END_TEST

/* Within one step too: the journal is set back to each phase of a sector that
 * was swapped, which is what a cut between two phases leaves. */
START_TEST(swap_phase_may_be_repeated)
{
	struct flash_journal j;
	struct rig r;
	struct boot *b = &r.d.mcu.boot;

	rig_new(&r);
	stage(&r, true);
	boot_begin(b);
	ck_assert(boot_prepare(b));
	boot_step(b);
	ck_assert_int_eq(flash_journal_read(&r.d.mcu.flash, &j), 0);
	j.sector--;
	j.phase = 2; /* only the last phase is harmless after the whole */
	ck_assert_int_eq(flash_journal_write(&r.d.mcu.flash, &j), 0);
	boot_begin(b);
	while (boot_prepare(b))
		while (boot_step(b) > 0)
			;
	ck_assert(slot_has(&r, 0, image.hash));
	rig_done(&r);
}
END_TEST

START_TEST(device_power_cut_in_swap_goes_on)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "test-confirm=10s");
	rig_open(&r);
	stage(&r, false);
	rig_call(&r, SMP_WRITE, SMP_GROUP_OS, 5);
	rig_advance(&r, 5250 * RIG_MS);
	ck_assert_int_eq(r.d.state, DEVICE_SWAPPING);
	device_power_cut(&r.d, r.now, 100 * RIG_MS);
	rig_advance(&r, 30 * RIG_S);
	ck_assert(slot_has(&r, 0, image.hash));
	rig_assert_state(&r, "a", "c");
	rig_done(&r);
}
END_TEST

START_TEST(dead_without_image_unless_recovery_serves)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.serial_recovery = _i;
	r.setup.image.bad_hash = true;
	rig_open(&r);
	ck_assert_str_eq(device_state_name(&r.d), _i ? "recovery" : "dead");
	rig_done(&r);
}
END_TEST

START_TEST(reset_to_recovery_and_back)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.serial_recovery = true;
	rig_open(&r);
	cbor_put_map(&r.body, 1);
	cbor_put_tstr(&r.body, "boot_mode");
	cbor_put_uint(&r.body, 1);
	rig_call(&r, SMP_WRITE, SMP_GROUP_OS, 5);
	rig_advance(&r, RIG_S);
	ck_assert_str_eq(device_state_name(&r.d), "recovery");
	rig_call(&r, SMP_WRITE, SMP_GROUP_OS, 5);
	ck_assert_int_eq(rig_rc(&r), 0);
	rig_advance(&r, RIG_S);
	ck_assert_str_eq(device_state_name(&r.d), "running");
	rig_done(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_boot");
	TCase *c = tcase_create("boot");

	tcase_add_test(c, mkimage_makes_published_bytes);
	tcase_add_test(c, mkimage_length_is_told_before);
	tcase_add_test(c, version_parse_and_text);
	tcase_add_test(c, test_confirm_keeps);
	tcase_add_test(c, test_second_reset_reverts);
	tcase_add_test(c, test_power_cut_reverts);
	tcase_add_test(c, permanent_needs_no_confirm);
	tcase_add_test(c, overwrite_only_leaves_secondary_empty);
	tcase_add_test(c, direct_xip_newest_runs);
	tcase_add_loop_test(c, bad_image_is_erased, 0,
		(int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_test(c, downgrade_refused_by_server_and_bootloader);
	tcase_add_test(c, padded_image_is_pending_by_itself);
	tcase_add_loop_test(c, swap_survives_cut_at_every_step, 0, 5);
	tcase_add_test(c, swap_phase_may_be_repeated);
	tcase_add_test(c, device_power_cut_in_swap_goes_on);
	tcase_add_loop_test(c, dead_without_image_unless_recovery_serves, 0, 2);
	tcase_add_test(c, reset_to_recovery_and_back);
	suite_add_tcase(s, c);
	return unit_run(s);
}

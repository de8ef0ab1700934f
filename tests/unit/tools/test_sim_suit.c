/* A device whose bootloader takes SUIT envelopes with a MAC, and nothing
 * else. */
#include "tests/unit/tools/sim_rig.h"

#include "policy/trust/lasthop.h"
#include "tests/unit/policy/maker.h"
#include "tools/sim/trailer.h"

#include <errno.h>

static const uint8_t secret[SUIT_KEY_LEN] = "what the device was born with";
static const uint8_t other_secret[SUIT_KEY_LEN] = "what another one was";
static struct rig r;
static struct rig_image image, bundle;
static uint8_t old_hash[32];

/* How a bundle is made. */
struct how {
	uint64_t sequence, epoch;
	const uint8_t *secret;
	bool no_mac;
	bool other_digest;
};

static const struct how usual = {
	.sequence = 5, .epoch = 2, .secret = secret};

static void put_install(struct buf *b)
{
	cbor_put_array(b, 6);
	cbor_put_uint(b, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(b, 1);
	cbor_put_uint(b, SUIT_PARAM_URI);
	cbor_put_tstr(b, "../p/1");
	cbor_put_uint(b, SUIT_FETCH);
	cbor_put_uint(b, 2);
	cbor_put_uint(b, SUIT_COND_IMAGE_MATCH);
	cbor_put_uint(b, 15);
}

/* The envelope as a gateway would send it that forgot the MAC. */
static void put_bare(struct buf *prefix, struct bytes envelope)
{
	ck_assert_uint_eq(envelope.at[2], 0xa2);
	buf_add(prefix, "\xd8\x6b\xa3", 3);
	buf_add(prefix, envelope.at + 3, envelope.len - 3);
	cbor_put_tstr(prefix, "../p/1");
	cbor_put_bstr_head(prefix, image.len);
}

static void put_prefix(
	struct buf *prefix, struct bytes envelope, const struct how *how)
{
	struct lasthop_hub hub = {"hub-1", how->epoch};
	uint8_t key[LASTHOP_KEY_LEN];
	struct lasthop_request request = {
		.envelope = envelope,
		.uri = bytes_of_text("../p/1"),
		.image_len = image.len,
		.hub = &hub,
		.key = bytes_of(key, sizeof(key)),
	};

	ck_assert_int_eq(
		lasthop_derive(bytes_of(how->secret, SUIT_KEY_LEN), &hub, key),
		0);
	ck_assert_int_eq(lasthop_prefix(&request, prefix, NULL), 0);
}

static void seal(void)
{
	struct sha sha;

	sha_init(&sha);
	sha_add(&sha, bundle.at, bundle.len);
	ck_assert(sha_end(&sha, bundle.sha));
}

static void make(const struct how *how)
{
	struct maker_envelope maker = {
		.sequence = how->sequence, .size = image.len};
	struct buf install, envelope, prefix;

	buf_init(&install, 256);
	buf_init(&envelope, SUIT_ENVELOPE_MAX);
	buf_init(&prefix, LASTHOP_PREFIX_MAX);
	put_install(&install);
	maker.install = buf_bytes(&install);
	memcpy(maker.digest, image.sha, 32);
	maker.digest[0] ^= how->other_digest;
	maker_envelope_file(&maker, &envelope);
	if (how->no_mac)
		put_bare(&prefix, buf_bytes(&envelope));
	else
		put_prefix(&prefix, buf_bytes(&envelope), how);
	ck_assert_uint_le(prefix.len + image.len, sizeof(bundle.at));
	memcpy(bundle.at, prefix.at, prefix.len);
	memcpy(bundle.at + prefix.len, image.at, image.len);
	bundle.len = prefix.len + image.len;
	memcpy(bundle.hash, image.hash, 32);
	seal();
	buf_done(&prefix);
	buf_done(&envelope);
	buf_done(&install);
}

static void stage(bool confirm)
{
	rig_upload(&r, &bundle);
	rig_set_state(&r, image.hash, confirm);
	ck_assert_int_eq(rig_err(&r), -1);
}

static bool slot_has(unsigned slot, const uint8_t *hash)
{
	struct image found;

	return image_read(&r.d.mcu.flash, slot, &found) == 0 &&
	       memcmp(found.hash, hash, 32) == 0 &&
	       image_is_valid(&r.d.mcu.flash, slot, &found);
}

static struct flash_floors floors(void)
{
	struct flash_floors f = {99, 99};

	ck_assert_int_eq(flash_floors_read(&r.d.mcu.flash, &f), 0);
	return f;
}

static void open_rig(enum boot_mode mode)
{
	rig_prepare(&r);
	r.setup.suit = true;
	r.setup.mode = mode;
	memcpy(r.setup.suit_key, secret, sizeof(secret));
	rig_open(&r);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	memcpy(old_hash, rig_find(rig_entry(&r, 0), "hash").at + 2, 32);
}

static void setup(void)
{
	maker_init();
	rig_make_version(&image, 2);
	make(&usual);
	open_rig(BOOT_SWAP);
}

static void teardown(void)
{
	rig_done(&r);
}

static void assert_refused(void)
{
	stage(false);
	rig_reset(&r);
	rig_assert_state(&r, "ac", "-");
	ck_assert(slot_has(0, old_hash));
	ck_assert_uint_eq(r.d.mcu.counts.refused_images, 1);
	ck_assert_uint_eq(r.d.mcu.counts.swaps, 0);
}

START_TEST(upload_lists_the_image_inside)
{
	struct bytes hash;

	rig_upload(&r, &bundle);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	hash = rig_find(rig_entry(&r, 1), "hash");
	ck_assert_int_eq(memcmp(hash.at + 2, image.hash, 32), 0);
}
END_TEST

START_TEST(restart_takes_the_image_and_raises_the_floors)
{
	stage(false);
	rig_reset(&r);
	rig_assert_state(&r, "a", "c");
	ck_assert(slot_has(0, image.hash));
	ck_assert(slot_has(1, old_hash));
	ck_assert_uint_eq(floors().sequence, 5);
	ck_assert_uint_eq(floors().epoch, 2);
}
END_TEST

START_TEST(second_reset_reverts_and_floors_stay)
{
	stage(false);
	rig_reset(&r);
	rig_reset(&r);
	rig_assert_state(&r, "ac", "");
	ck_assert(slot_has(0, old_hash));
	ck_assert_uint_eq(floors().sequence, 5);
}
END_TEST

START_TEST(overwrite_only_takes_it_too)
{
	rig_done(&r);
	open_rig(BOOT_OVERWRITE);
	stage(false);
	rig_reset(&r);
	rig_assert_state(&r, "ac", "-");
	ck_assert(slot_has(0, image.hash));
}
END_TEST

START_TEST(mac_with_another_key_is_refused)
{
	make(&(struct how){5, 2, other_secret, false, false});
	assert_refused();
}
END_TEST

START_TEST(no_mac_is_refused)
{
	make(&(struct how){5, 2, secret, true, false});
	assert_refused();
}
END_TEST

START_TEST(other_image_than_the_manifest_says_is_refused)
{
	make(&(struct how){5, 2, secret, false, true});
	assert_refused();
}
END_TEST

START_TEST(changed_envelope_is_refused)
{
	/* Somewhere in the manifest, which lies behind the wrapper. */
	bundle.at[bundle.len - image.len - 20] ^= 1;
	seal();
	rig_upload(&r, &bundle);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	rig_set_state(&r, image.hash, false);
	rig_reset(&r);
	ck_assert(slot_has(0, old_hash));
	ck_assert_uint_eq(r.d.mcu.counts.swaps, 0);
}
END_TEST

static const struct later {
	const char *name;
	uint64_t sequence, epoch;
	bool taken;
} later[] = {
	{"the same again", 5, 2, true},
	{"newer", 6, 2, true},
	{"later epoch", 5, 3, true},
	{"lower sequence", 4, 2, false},
	{"lower epoch", 6, 1, false},
};

START_TEST(second_update_obeys_the_floors)
{
	const struct later *row = &later[_i];
	uint8_t first[32];

	stage(true);
	rig_reset(&r);
	memcpy(first, image.hash, 32);
	rig_make_version(&image, 3);
	make(&(struct how){row->sequence, row->epoch, secret, false, false});
	stage(true);
	rig_reset(&r);
	ck_assert_msg(slot_has(0, row->taken ? image.hash : first), "%s",
		row->name);
	ck_assert_msg(floors().sequence >= 5 && floors().epoch >= 2, "%s",
		row->name);
}
END_TEST

START_TEST(plain_image_is_not_taken_by_the_server)
{
	rig_chunk(&r, &image, 0, 700);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_BAD_MAGIC);
}
END_TEST

START_TEST(plain_image_in_flash_is_refused_by_the_bootloader)
{
	struct trailer pending = {
		.magic_good = true, .image_ok = true, .swap_info = 3};

	ck_assert_int_eq(flash_write(&r.d.mcu.flash, 1, 0, image.at, image.len),
		0);
	ck_assert_int_eq(trailer_write(&r.d.mcu.flash, 1, &pending), 0);
	rig_reset(&r);
	ck_assert(slot_has(0, old_hash));
	ck_assert_uint_eq(r.d.mcu.counts.refused_images, 1);
}
END_TEST

/* Power is lost after every possible number of steps of the move and the
 * swap. */
START_TEST(move_survives_cut_at_every_step)
{
	struct boot *b = &r.d.mcu.boot;

	stage(true);
	boot_begin(b);
	ck_assert(boot_prepare(b));
	for (int i = 0; i < _i; i++)
		if (boot_step(b) == 0)
			break;
	boot_begin(b); /* a new start */
	while (boot_prepare(b))
		while (boot_step(b) > 0)
			;
	ck_assert(slot_has(0, image.hash));
	ck_assert(slot_has(1, old_hash));
}
END_TEST

/* A cut between the two phases of a sector leaves the target half written and
 * the scratch sector whole. */
START_TEST(move_of_a_sector_may_be_repeated)
{
	struct flash_journal j;
	uint8_t rubbish[100] = {0};
	struct boot *b = &r.d.mcu.boot;

	stage(true);
	boot_begin(b);
	ck_assert(boot_prepare(b));
	boot_step(b);
	ck_assert_int_eq(flash_journal_read(&r.d.mcu.flash, &j), 0);
	j.sector--;
	j.phase = 1;
	ck_assert_int_eq(flash_journal_write(&r.d.mcu.flash, &j), 0);
	flash_write(&r.d.mcu.flash, 1, 0, rubbish, sizeof(rubbish));
	boot_begin(b);
	while (boot_prepare(b))
		while (boot_step(b) > 0)
			;
	ck_assert(slot_has(0, image.hash));
}
END_TEST

START_TEST(direct_xip_with_keys_is_refused_at_the_start)
{
	struct fault fault = {0};
	struct device d;
	struct device_setup s = r.setup;

	s.mode = BOOT_DIRECT_XIP;
	ck_assert_int_eq(device_open(&d, &s, &r.sw, r.now, &fault), -EINVAL);
	ck_assert_str_eq(fault.field, "device_keys");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim_suit");
	TCase *c = tcase_create("suit");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, upload_lists_the_image_inside);
	tcase_add_test(c, restart_takes_the_image_and_raises_the_floors);
	tcase_add_test(c, second_reset_reverts_and_floors_stay);
	tcase_add_test(c, overwrite_only_takes_it_too);
	tcase_add_test(c, mac_with_another_key_is_refused);
	tcase_add_test(c, no_mac_is_refused);
	tcase_add_test(c, other_image_than_the_manifest_says_is_refused);
	tcase_add_test(c, changed_envelope_is_refused);
	tcase_add_loop_test(c, second_update_obeys_the_floors, 0,
		(int)(sizeof(later) / sizeof(later[0])));
	tcase_add_test(c, plain_image_is_not_taken_by_the_server);
	tcase_add_test(c, plain_image_in_flash_is_refused_by_the_bootloader);
	tcase_add_loop_test(c, move_survives_cut_at_every_step, 0, 14);
	tcase_add_test(c, move_of_a_sector_may_be_repeated);
	tcase_add_test(c, direct_xip_with_keys_is_refused_at_the_start);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

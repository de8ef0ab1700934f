#include "tests/unit/tools/sim_rig.h"

/* Sends a published message as it stands and compares the whole answer. */
static void assert_exchange(
	struct rig *r, const char *request, const char *answer)
{
	uint8_t raw[512];
	char text[1024];

	ck_assert_int_eq(bytes_from_hex(request, raw, strlen(request) / 2), 0);
	device_rx(&r->d, r->now, bytes_of(raw, strlen(request) / 2));
	ck_assert(rig_receive(r, RIG_S));
	ck_assert_str_eq(
		bytes_to_hex(bytes_of(r->raw, r->len), text, sizeof(text)),
		answer);
}

#define UPLOAD_HEAD                                                            \
	"0a0000a800010701a565696d61676500636c656e1868636f66660063"             \
	"7368615820e556fd303f425d50c8e8fddc58a6545e77ac5ebd1f7a59eafba9e422db" \
	"31cbfc64646174615868"

START_TEST(upload_published_answer)
{
	struct rig r;

	rig_new(&r);
	assert_exchange(&r, UPLOAD_HEAD RIG_IMAGE_HEX,
		"0b00000700010701a1636f66661868");
	rig_done(&r);
}
END_TEST

START_TEST(upload_recovery_published_answer)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "recovery");
	rig_open(&r);
	assert_exchange(&r, UPLOAD_HEAD RIG_IMAGE_HEX,
		"0b00000b00010701a262726300636f66661868");
	rig_done(&r);
}
END_TEST

/* Too large: len 0x11000 against a slot of 64 KiB. */
#define UPLOAD_LARGE(version)                                                  \
	version "00003600010701a3636c656e1a00011000636f666600646461746158"     \
		"203db8f39600000000200000002000000000000000010203000400000000" \
		"000000"

START_TEST(upload_too_large_published_errors)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "cbor=indefinite");
	rig_open(&r);
	assert_exchange(&r, UPLOAD_LARGE("0a"),
		"0b00001400010701bf63657272bf6567726f7570016272"
		"63181effff");
	rig_set(&r, "cbor=off");
	assert_exchange(&r, UPLOAD_LARGE("02"), "0300000500010701a162726301");
	rig_set(&r, "v1-only");
	assert_exchange(&r, UPLOAD_LARGE("0a"), "0300000500010701a162726301");
	rig_done(&r);
}
END_TEST

START_TEST(upload_too_large_as_ret)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "v2-ret");
	rig_open(&r);
	assert_exchange(&r, UPLOAD_LARGE("0a"),
		"0b00001200010701a163726574a26567726f75700162"
		"7263181e");
	rig_done(&r);
}
END_TEST

START_TEST(params_published_answer)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.buf_size = 384;
	rig_open(&r);
	assert_exchange(&r, "0800000100000106a0",
		"0900001800000106a2686275665f73697a65190180696275665f"
		"636f756e7404");
	rig_done(&r);
}
END_TEST

START_TEST(bootloader_mode_by_build)
{
	static const struct {
		const char *name;
		int64_t mode;
	} builds[] = {{"resume", 3}, {"no-revert", 2}, {"direct-xip", 4}};
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, builds[_i].name);
	rig_open(&r);
	assert_exchange(&r, "0800000c00000508a1657175657279646d6f6465",
		_i == 0	  ? "0900000700000508a1646d6f646503"
		: _i == 1 ? "0900000700000508a1646d6f646502"
			  : "0900000700000508a1646d6f646504");
	rig_done(&r);
}
END_TEST

START_TEST(empty_success_indefinite_is_bfff)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "cbor=indefinite");
	rig_open(&r);
	assert_exchange(&r, "0a00000100000105a0", "0b00000200000105bfff");
	rig_done(&r);
}
END_TEST

/* What the SMP layer says, whatever the group. */
static const struct {
	const char *name;
	const char *switch_text;
	const char *request;
	const char *answer;
} layer_rows[] = {
	{"unknown group", "resume", "0800000100630100a0",
		"0900000500630100a162726308"},
	{"unknown command", "resume", "0800000100010163a0",
		"0900000500010163a162726308"},
	{"read where only write is", "resume", "0800000100010101a0",
		"0900000500010101a162726308"},
	{"undecodable body", "resume", "0a0000010000010520",
		"0b00000500000105a162726303"},
	{"body missing", "resume", "0a00000900000100a0",
		"0b00000500000100a162726309"},
	{"version 2", "resume", "1000000100000106a0",
		"0900000500000106a16272630d"},
	{"v1 refused", "no-v1", "0000000100000106a0",
		"0100000500000106a16272630c"},
	{"v2 answered as v1", "v1-only", "0a00000500000100a161646161",
		"0300000500000100a161726161"},
	{"no params", "no-params", "0800000100000106a0",
		"0900000500000106a162726308"},
	{"reset refused", "reset-refused", "0a00000100000105a0",
		"0b00000500000105a16272630a"},
	{"unknown query", "resume", "0800000b00000108a165717565727963626164",
		"0900001100000108a163657272a26567726f75700062726303"},
};

START_TEST(layer_answers)
{
	struct rig r;
	char text[1024];
	uint8_t raw[128];
	size_t len = strlen(layer_rows[_i].request) / 2;

	rig_prepare(&r);
	rig_switch(&r, layer_rows[_i].switch_text);
	rig_open(&r);
	ck_assert_int_eq(bytes_from_hex(layer_rows[_i].request, raw, len), 0);
	rig_set(&r, "ble-no-reassembly");
	device_rx(&r.d, r.now, bytes_of(raw, len));
	if (!rig_receive(&r, RIG_S))
		r.len = 0;
	bytes_to_hex(bytes_of(r.raw, r.len), text, sizeof(text));
	ck_assert_msg(strcmp(text, layer_rows[_i].answer) == 0, "%s: %s",
		layer_rows[_i].name, text);
	rig_done(&r);
}
END_TEST

START_TEST(reset_with_force_true_is_taken)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "reset-refused");
	rig_open(&r);
	cbor_put_map(&r.body, 1);
	cbor_put_tstr(&r.body, "force");
	cbor_put_uint(&r.body, 1); /* an integer is passed over */
	rig_call(&r, SMP_WRITE, SMP_GROUP_OS, 5);
	ck_assert_int_eq(rig_rc(&r), 10);
	cbor_put_map(&r.body, 1);
	cbor_put_tstr(&r.body, "force");
	cbor_put_bool(&r.body, true);
	rig_call(&r, SMP_WRITE, SMP_GROUP_OS, 5);
	ck_assert_int_eq(rig_rc(&r), -1);
	rig_done(&r);
}
END_TEST

START_TEST(answers_are_silent_to_answers)
{
	struct rig r;
	uint8_t raw[] = {0x0b, 0, 0, 1, 0, 0, 1, 6, 0xa0};

	rig_new(&r);
	device_rx(&r.d, r.now, bytes_of(raw, sizeof(raw)));
	ck_assert(!rig_receive(&r, RIG_S));
	rig_done(&r);
}
END_TEST

/* Uploads. */

static struct rig_image image;

START_TEST(upload_then_state_lists_slot)
{
	struct rig r;
	uint8_t got[9000];

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_upload(&r, &image);
	rig_assert_state(&r, "ac", "");
	ck_assert(bytes_equal(
		bytes_slice(rig_find(rig_entry(&r, 1), "hash"), 2, 32),
		bytes_of(image.hash, 32)));
	flash_read(&r.d.mcu.flash, 1, 0, got, sizeof(got));
	ck_assert_mem_eq(got, image.at, sizeof(got));
	ck_assert_uint_eq(r.d.mcu.counts.payload_accepted, image.len);
	ck_assert_uint_eq(r.d.mcu.counts.payload_repeated, 0);
	rig_done(&r);
}
END_TEST

START_TEST(upload_same_sha_at_0_resumes)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	rig_chunk(&r, &image, 512, 512);
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), 1024);
	ck_assert_uint_eq(r.d.mcu.counts.payload_repeated, 512);
	rig_set(&r, "resume=off");
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), 512);
	rig_done(&r);
}
END_TEST

START_TEST(upload_other_sha_starts_over)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	rig_chunk(&r, &image, 512, 512);
	rig_make_version(&image, 3);
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), 512);
	rig_done(&r);
}
END_TEST

START_TEST(upload_unexpected_off_answers_expected)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 700, 100);
	ck_assert_int_eq(rig_off(&r), 0);
	rig_chunk(&r, &image, 0, 512);
	rig_chunk(&r, &image, 1000, 100);
	ck_assert_int_eq(rig_off(&r), 512);
	ck_assert_uint_eq(r.d.mcu.counts.payload_accepted, 512);
	rig_done(&r);
}
END_TEST

/* Faults of a request, one key wrong at a time. */
enum {
	NO_OFF = 1,
	NO_LEN = 2,
	SHORT = 4,
	BAD_MAGIC = 8,
	LONG_SHA = 16,
	UPGRADE = 32,
	IMAGE_1 = 64,
	BEYOND = 128
};

static const struct {
	const char *name;
	unsigned what;
	int64_t v2;
	int64_t v1;
} fault_rows[] = {
	{"no off", NO_OFF, 20, 3},
	{"no len", NO_LEN, 21, 3},
	{"short header", SHORT, 22, 3},
	{"magic", BAD_MAGIC, 23, 1},
	{"sha of 33", LONG_SHA, 24, 3},
	{"not newer", UPGRADE, 27, 6},
	{"image 1", IMAGE_1, 14, 3},
	{"beyond len", BEYOND, 31, 1},
};

static void put_faulty(struct rig *r, unsigned what)
{
	uint8_t data[64], sha[33] = {0};

	memcpy(data, image.at, sizeof(data));
	if (what & BAD_MAGIC)
		data[0] ^= 1;
	cbor_put_map(&r->body, 2 + !(what & NO_OFF) + !(what & NO_LEN) +
				       !!(what & UPGRADE) + !!(what & IMAGE_1));
	cbor_put_tstr(&r->body, "data");
	cbor_put_bstr(&r->body, bytes_of(data, what & SHORT ? 31 : 64));
	cbor_put_tstr(&r->body, "sha");
	cbor_put_bstr(&r->body, bytes_of(sha, what & LONG_SHA ? 33 : 32));
	if (!(what & NO_OFF)) {
		cbor_put_tstr(&r->body, "off");
		cbor_put_uint(&r->body, 0);
	}
	if (!(what & NO_LEN)) {
		cbor_put_tstr(&r->body, "len");
		cbor_put_uint(&r->body, what & BEYOND ? 63 : image.len);
	}
	if (what & UPGRADE) {
		cbor_put_tstr(&r->body, "upgrade");
		cbor_put_bool(&r->body, true);
	}
	if (what & IMAGE_1) {
		cbor_put_tstr(&r->body, "image");
		cbor_put_uint(&r->body, 1);
	}
}

START_TEST(upload_faults)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 1);
	put_faulty(&r, fault_rows[_i].what);
	rig_call(&r, SMP_WRITE, SMP_GROUP_IMAGE, 1);
	ck_assert_msg(rig_err(&r) == fault_rows[_i].v2, "%s: %d",
		fault_rows[_i].name, (int)rig_err(&r));
	rig_done(&r);
	rig_new(&r);
	r.version = 0;
	put_faulty(&r, fault_rows[_i].what);
	rig_call(&r, SMP_WRITE, SMP_GROUP_IMAGE, 1);
	ck_assert_msg(rig_rc(&r) == fault_rows[_i].v1, "%s v1: %d",
		fault_rows[_i].name, (int)rig_rc(&r));
	rig_done(&r);
}
END_TEST

START_TEST(upload_finished_by_switch)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_upload(&r, &image);
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), 512);
	rig_upload(&r, &image);
	rig_set(&r, "finished=match");
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), (int64_t)image.len);
	ck_assert_int_eq(rig_number(rig_body(&r), "match"), 1);
	rig_done(&r);
}
END_TEST

START_TEST(upload_match_false_once)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "match-false=1:1");
	rig_make_version(&image, 2);
	rig_upload(&r, &image);
	ck_assert_int_eq(rig_number(rig_body(&r), "match"), 0);
	rig_upload(&r, &image);
	ck_assert_int_eq(rig_number(rig_body(&r), "match"), 1);
	rig_done(&r);
}
END_TEST

START_TEST(upload_busy_every_third)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "busy=3");
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	rig_chunk(&r, &image, 512, 512);
	rig_chunk(&r, &image, 1024, 512);
	ck_assert_int_eq(rig_rc(&r), 10);
	rig_chunk(&r, &image, 1024, 512);
	ck_assert_int_eq(rig_off(&r), 1536);
	rig_done(&r);
}
END_TEST

START_TEST(upload_restart_answers_off_0)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "restart=2");
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	rig_chunk(&r, &image, 512, 512);
	rig_chunk(&r, &image, 1024, 512);
	ck_assert_int_eq(rig_off(&r), 0);
	rig_upload(&r, &image);
	rig_done(&r);
}
END_TEST

START_TEST(upload_rewind_drops_chunk)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "rewind=2:1");
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	rig_chunk(&r, &image, 512, 512);
	rig_chunk(&r, &image, 1024, 512);
	ck_assert_int_eq(rig_off(&r), 1024);
	rig_chunk(&r, &image, 1536, 512); /* was on its way: the same again */
	ck_assert_int_eq(rig_off(&r), 1024);
	rig_upload(&r, &image);
	rig_set_state(&r, image.hash, false);
	ck_assert_int_eq(rig_err(&r), -1);
	rig_done(&r);
}
END_TEST

START_TEST(upload_foreign_jumps)
{
	struct rig r;

	rig_new(&r);
	rig_set(&r, "foreign-upload=1");
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 512);
	rig_chunk(&r, &image, 512, 512);
	ck_assert_int_eq(rig_off(&r), 768);
	rig_chunk(&r, &image, 768, 512);
	ck_assert_int_eq(rig_off(&r), 1024);
	rig_upload(&r, &image); /* a first request takes it back */
	rig_done(&r);
}
END_TEST

START_TEST(upload_recovery_rounds_off_down)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "recovery=32");
	rig_open(&r);
	rig_make_version(&image, 2);
	rig_chunk(&r, &image, 0, 500);
	ck_assert_int_eq(rig_off(&r), 480);
	ck_assert_int_eq(rig_rc(&r), 0);
	rig_chunk(&r, &image, 0, 100); /* no resume: starts over */
	ck_assert_int_eq(rig_off(&r), 96);
	rig_upload(&r, &image);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	ck_assert(bytes_equal(
		bytes_slice(rig_find(rig_entry(&r, 0), "hash"), 2, 32),
		bytes_of(image.hash, 32)));
	rig_set_state(&r, image.hash, true);
	ck_assert_int_eq(rig_rc(&r), 8);
	rig_done(&r);
}
END_TEST

START_TEST(image_errors_on_demand)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_set(&r, "image-errors=upload.25");
	rig_set_state(&r, NULL, true);
	ck_assert_int_eq(rig_err(&r), -1);
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_err(&r), 25);
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), 512);
	rig_done(&r);
}
END_TEST

/* State writes. */

START_TEST(state_rules)
{
	static const uint8_t none[32];
	uint8_t old[32];
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	memcpy(old, rig_find(rig_entry(&r, 0), "hash").at + 2, 32);
	rig_upload(&r, &image);
	rig_set_state(&r, none, false);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_HASH_NOT_FOUND);
	rig_set_state(&r, NULL, false);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_BAD_HASH);
	rig_set_state(&r, old, false);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_TEST_ACTIVE);
	rig_set_state(&r, old, true); /* holds already */
	rig_assert_state(&r, "ac", "");
	rig_set_state(&r, image.hash, false);
	rig_assert_state(&r, "ac", "p");
	rig_set_state(&r, image.hash, false);
	ck_assert_int_eq(rig_err(&r), -1);
	rig_set_state(&r, image.hash, true);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_PENDING);
	rig_done(&r);
}
END_TEST

START_TEST(state_permanent_rules)
{
	struct rig r;

	rig_new(&r);
	rig_make_version(&image, 2);
	rig_upload(&r, &image);
	rig_set_state(&r, image.hash, true);
	rig_assert_state(&r, "ac", "pP");
	rig_set_state(&r, image.hash, true);
	ck_assert_int_eq(rig_err(&r), -1);
	rig_set_state(&r, image.hash, false);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_PENDING);
	rig_set_state(&r, NULL, true);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_PENDING);
	rig_done(&r);
}
END_TEST

START_TEST(state_unconfirmed_rules)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "no-free-slot");
	rig_open(&r);
	rig_make_version(&image, 2);
	rig_assert_state(&r, "a", "c");
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_NO_FREE_SLOT);
	rig_call(&r, SMP_WRITE, SMP_GROUP_IMAGE, 5);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_NO_FREE_SLOT);
	rig_set_state(&r, NULL, true);
	rig_assert_state(&r, "ac", "");
	rig_chunk(&r, &image, 0, 512);
	ck_assert_int_eq(rig_off(&r), 512);
	rig_done(&r);
}
END_TEST

START_TEST(state_same_hash_test_is_33)
{
	struct rig r;
	uint8_t hash[32];

	rig_prepare(&r);
	rig_switch(&r, "same-hash");
	rig_open(&r);
	rig_assert_state(&r, "ac", "");
	memcpy(hash, rig_find(rig_entry(&r, 1), "hash").at + 2, 32);
	rig_set_state(&r, hash, false);
	ck_assert_int_eq(rig_err(&r), IMAGE_RC_TEST_ACTIVE);
	r.version = 0;
	rig_set_state(&r, hash, false);
	ck_assert_int_eq(rig_rc(&r), 1);
	rig_done(&r);
}
END_TEST

START_TEST(state_frugal_leaves_out_false)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "frugal");
	rig_open(&r);
	rig_assert_state(&r, "ac", "-");
	ck_assert_uint_eq(rig_find(rig_entry(&r, 0), "pending").len, 0);
	ck_assert_uint_eq(rig_find(rig_body(&r), "splitStatus").len, 0);
	rig_done(&r);
}
END_TEST

START_TEST(state_two_images_four_slots)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "two-images");
	rig_open(&r);
	rig_assert_state(&r, "ac", "ac");
	ck_assert_int_eq(rig_number(rig_entry(&r, 1), "image"), 1);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 6);
	ck_assert_int_eq(rig_number(rig_entry(&r, 1), "image"), 1);
	ck_assert_int_eq(rig_number(rig_entry(&r, 1), "max_image_size"),
		(64 << 10) - 4096);
	rig_done(&r);
}
END_TEST

START_TEST(style_all_is_readable)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "cbor");
	rig_open(&r);
	for (int i = 0; i < 50; i++) {
		rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
		ck_assert_int_eq(rig_rc(&r), 0);
		ck_assert_int_eq(rig_number(rig_entry(&r, 0), "active"), 1);
	}
	rig_done(&r);
}
END_TEST

START_TEST(tiny_answers_too_large_is_7)
{
	struct rig r;

	rig_prepare(&r);
	rig_switch(&r, "tiny-buffer=128");
	rig_open(&r);
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	ck_assert_int_eq(rig_rc(&r), -1);
	rig_set(&r, "tiny-answers");
	rig_call(&r, SMP_READ, SMP_GROUP_IMAGE, 0);
	ck_assert_int_eq(rig_rc(&r), 7);
	rig_done(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_server");
	TCase *c = tcase_create("server");

	tcase_add_test(c, upload_published_answer);
	tcase_add_test(c, upload_recovery_published_answer);
	tcase_add_test(c, upload_too_large_published_errors);
	tcase_add_test(c, upload_too_large_as_ret);
	tcase_add_test(c, params_published_answer);
	tcase_add_loop_test(c, bootloader_mode_by_build, 0, 3);
	tcase_add_test(c, empty_success_indefinite_is_bfff);
	tcase_add_loop_test(c, layer_answers, 0,
		(int)(sizeof(layer_rows) / sizeof(layer_rows[0])));
	tcase_add_test(c, reset_with_force_true_is_taken);
	tcase_add_test(c, answers_are_silent_to_answers);
	tcase_add_test(c, upload_then_state_lists_slot);
	tcase_add_test(c, upload_same_sha_at_0_resumes);
	tcase_add_test(c, upload_other_sha_starts_over);
	tcase_add_test(c, upload_unexpected_off_answers_expected);
	tcase_add_loop_test(c, upload_faults, 0,
		(int)(sizeof(fault_rows) / sizeof(fault_rows[0])));
	tcase_add_test(c, upload_finished_by_switch);
	tcase_add_test(c, upload_match_false_once);
	tcase_add_test(c, upload_busy_every_third);
	tcase_add_test(c, upload_restart_answers_off_0);
	tcase_add_test(c, upload_rewind_drops_chunk);
	tcase_add_test(c, upload_foreign_jumps);
	tcase_add_test(c, upload_recovery_rounds_off_down);
	tcase_add_test(c, image_errors_on_demand);
	tcase_add_test(c, state_rules);
	tcase_add_test(c, state_permanent_rules);
	tcase_add_test(c, state_unconfirmed_rules);
	tcase_add_test(c, state_same_hash_test_is_33);
	tcase_add_test(c, state_frugal_leaves_out_false);
	tcase_add_test(c, state_two_images_four_slots);
	tcase_add_test(c, style_all_is_readable);
	tcase_add_test(c, tiny_answers_too_large_is_7);
	suite_add_tcase(s, c);
	return unit_run(s);
}

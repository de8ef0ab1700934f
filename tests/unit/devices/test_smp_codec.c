#include "tests/unit/unit.h"

#include "base/cbor.h"
#include "devices/smp/codec.h"
#include "devices/smp/options.h"

static struct buf out;

static void setup(void)
{
	buf_init(&out, SMP_MESSAGE_MAX);
}

static void teardown(void)
{
	buf_done(&out);
}

static void expect_out(const char *hex)
{
	char text[1024];

	ck_assert_int_eq(out.err, 0);
	ck_assert_str_eq(bytes_to_hex(buf_bytes(&out), text, sizeof(text)),
		hex);
	ck_assert_int_eq(cbor_check(bytes_slice(buf_bytes(&out), 8, out.len),
		CBOR_COSE), 0);
}

#define HASH32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct bytes hash32(uint8_t *at)
{
	bytes_from_hex(HASH32, at, 32);
	return bytes_of(at, 32);
}

START_TEST(put_params_is_published)
{
	struct smp_header h = {1, SMP_READ, 1, SMP_OS_PARAMS, SMP_GROUP_OS};

	smp_put_plain(&out, &h);
	expect_out("0800000100000106a0");
}
END_TEST

START_TEST(put_state_test_is_published)
{
	struct smp_header h = {1, SMP_WRITE, 3, SMP_IMAGE_STATE,
		SMP_GROUP_IMAGE};
	uint8_t hash[32];

	smp_put_state(&out, &h, hash32(hash), false);
	expect_out("0a00003100010300a264686173685820" HASH32
		"67636f6e6669726df4");
}
END_TEST

START_TEST(put_state_confirm_running_is_published)
{
	struct smp_header h = {1, SMP_WRITE, 4, SMP_IMAGE_STATE,
		SMP_GROUP_IMAGE};

	smp_put_state(&out, &h, bytes_of(NULL, 0), true);
	expect_out("0a00000a00010400a167636f6e6669726df5");
}
END_TEST

START_TEST(put_mode_is_published)
{
	struct smp_header h = {1, SMP_READ, 5, SMP_OS_BOOTLOADER, SMP_GROUP_OS};

	smp_put_mode(&out, &h);
	expect_out("0800000c00000508a1657175657279646d6f6465");
}
END_TEST

START_TEST(put_reset_force_is_boolean)
{
	struct smp_header h = {0, SMP_WRITE, 6, SMP_OS_RESET, SMP_GROUP_OS};

	smp_put_reset(&out, &h, true);
	expect_out("0200000800000605a165666f726365f5");
}
END_TEST

START_TEST(put_upload_first_has_published_head)
{
	struct smp_header h = {1, SMP_WRITE, 7, SMP_IMAGE_UPLOAD,
		SMP_GROUP_IMAGE};
	uint8_t data[104] = {0};
	uint8_t sha[32];
	struct smp_chunk c = {
		.data = bytes_of(data, sizeof(data)),
		.first = true,
		.len = sizeof(data),
		.sha = hash32(sha),
		.image = 0,
	};
	char text[256];

	smp_put_upload(&out, &h, &c);
	ck_assert_uint_eq(out.len, 176);
	bytes_to_hex(bytes_slice(buf_bytes(&out), 0, 72), text, sizeof(text));
	ck_assert_str_eq(text, "0a0000a800010701a565696d61676500636c656e1868"
		"636f666600637368615820" HASH32 "64646174615868");
}
END_TEST

/* Every size of request, first or not, is filled to the last byte where the
 * head of the data allows, and never beyond. */
START_TEST(upload_room_fills_every_size_exactly)
{
	static uint8_t data[SMP_MESSAGE_MAX];
	static const uint64_t offs[] = {0, 23, 24, 255, 256, 65535, 65536,
		UINT32_MAX};
	struct smp_header h = {1, SMP_WRITE, 0, SMP_IMAGE_UPLOAD,
		SMP_GROUP_IMAGE};
	uint8_t sha[32];
	struct smp_chunk c = {
		.off = offs[_i],
		.first = _i == 0,
		.len = 1 << 20,
		.sha = hash32(sha),
		.image = 1,
		.upgrade = true,
	};

	for (size_t max = 64; max <= 2100; max++) {
		size_t room = smp_upload_room(&c, max);

		if (room == 0)
			continue;
		c.data = bytes_of(data, room);
		smp_put_upload(&out, &h, &c);
		ck_assert_uint_le(out.len, max);
		c.data = bytes_of(data, room + 1);
		smp_put_upload(&out, &h, &c);
		ck_assert_uint_gt(out.len, max);
	}
}
END_TEST

START_TEST(upload_room_too_small_is_zero)
{
	struct smp_chunk c = {.first = true, .len = 1 << 20, .image = -1};

	ck_assert_uint_eq(smp_upload_room(&c, 20), 0);
	ck_assert_uint_ge(smp_upload_room(&c, 64), 32);
}
END_TEST

struct row {
	const char *name;
	const char *hex;
	int rc;
	bool failed;
	int32_t group;
	int64_t status;
	const char *text; /* of the status; NULL: none */
};

static const struct row rows[] = {
	{"modern success", "a1636f66661868", 0, false, 0, 0, NULL},
	{"indefinite empty", "bfff", 0, false, 0, 0, NULL},
	{"recovery success", "a262726300636f66661868", 0, false, 0, 0, NULL},
	{"keys the other way", "a2636f6666186862726300", 0, false, 0, 0, NULL},
	{"error 30, indefinite", "bf63657272bf6567726f75700162726318" "1effff",
		0, true, 1, 30, "group 1 rc 30 image too large"},
	{"ret map", "a163726574a26567726f75700162726309", 0, true, 1, 9,
		"group 1 rc 9 no free slot"},
	{"ret integer of the shell", "a16372657405", 0, false, 0, 0, NULL},
	{"flat", "a162726306", 0, true, -1, 6, "rc 6 bad state"},
	{"flat with reason", "a2627263016372736e636f6e65", 0, true, -1, 1,
		"rc 1 unknown error: one"},
	{"user defined", "a1627263190100", 0, true, -1, 256, "rc 256"},
	{"unknown keys of every type", "ab6161006162410061636163616481006165a0"
		"616638ff6167f56168f66169f93c00616ac001636f666605", 0, false, 0, 0,
		NULL},
	{"key that is no text", "a20102636f666605", 0, false, 0, 0, NULL},
	{"off as text", "a1636f66666131", ERR_SMP_ANSWER, false, 0, 0, NULL},
	{"off negative", "a1636f666620", ERR_SMP_ANSWER, false, 0, 0, NULL},
	{"cut", "a1636f6666", ERR_SMP_ANSWER, false, 0, 0, NULL},
	{"no map", "80", ERR_SMP_ANSWER, false, 0, 0, NULL},
	{"nothing", "", ERR_SMP_ANSWER, false, 0, 0, NULL},
	{"key twice", "a2636f666600636f666601", ERR_SMP_ANSWER, false, 0, 0,
		NULL},
	{"bytes behind", "a000", ERR_SMP_ANSWER, false, 0, 0, NULL},
	{"hash of 65 bytes", "a166696d6167657381a164686173685841"
		"0000000000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000000000000000000000000"
		"00000000000000", ERR_SMP_ANSWER, false, 0, 0, NULL},
};

START_TEST(answer_read_by_row)
{
	const struct row *row = &rows[_i];
	size_t len = strlen(row->hex) / 2;
	struct smp_answer a;
	struct fault f = {0};
	uint8_t raw[256];
	char text[64];
	int rc;

	ck_assert_int_eq(bytes_from_hex(row->hex, raw, len), 0);
	rc = smp_answer_read(bytes_of(raw, len), &a, &f);
	ck_assert_msg(rc == row->rc, "%s: %s %s %s", row->name, err_name(rc),
		f.field, f.rule);
	if (rc)
		return;
	ck_assert_msg(a.status.failed == row->failed, "%s", row->name);
	if (!row->failed)
		return;
	ck_assert_msg(a.status.group == row->group &&
		a.status.rc == row->status, "%s: group %d rc %lld", row->name,
		(int)a.status.group, (long long)a.status.rc);
	smp_status_text(&a.status, text, sizeof(text));
	ck_assert_msg(!strcmp(text, row->text), "%s: %s", row->name, text);
}
END_TEST

START_TEST(answer_read_frugal_slots_default_to_false)
{
	uint8_t raw[64];
	struct smp_answer a;

	/* {"images": [{"slot": 0, "version": "1.0.0", "active": true}]} */
	bytes_from_hex("a166696d6167657381a3" "64736c6f7400"
		"6776657273696f6e65312e302e30" "66616374697665f5", raw, 38);
	ck_assert_int_eq(smp_answer_read(bytes_of(raw, 38), &a, NULL), 0);
	ck_assert_uint_eq(a.slot_count, 1);
	ck_assert(a.slots[0].active);
	ck_assert(!a.slots[0].confirmed && !a.slots[0].pending);
	ck_assert_str_eq(a.slots[0].version, "1.0.0");
	ck_assert_uint_eq(a.slots[0].hash_len, 0);
}
END_TEST

START_TEST(answer_read_many_slots_keeps_the_first)
{
	uint8_t raw[64] = {0};
	struct smp_answer a;

	bytes_from_hex("a166696d6167657394", raw, 9);
	memset(raw + 9, 0xa0, 20);
	ck_assert_int_eq(smp_answer_read(bytes_of(raw, 29), &a, NULL), 0);
	ck_assert_uint_eq(a.slot_count, SMP_SLOTS_MAX);
}
END_TEST

struct verdict_row {
	int32_t group;
	int64_t rc;
	enum smp_verdict verdict;
};

static const struct verdict_row verdicts[] = {
	{-1, 1, SMP_OTHER}, {-1, 2, SMP_NO_MEMORY}, {-1, 3, SMP_OTHER},
	{-1, 6, SMP_BAD_STATE}, {-1, 7, SMP_TOO_LARGE}, {-1, 9, SMP_TOO_LARGE},
	{-1, 8, SMP_UNSUPPORTED}, {-1, 10, SMP_BUSY}, {-1, 11, SMP_REFUSED},
	{-1, 12, SMP_VERSION_OLD}, {-1, 13, SMP_VERSION_NEW},
	{1, 9, SMP_NO_SLOT}, {1, 22, SMP_REFUSED}, {1, 25, SMP_REFUSED},
	{1, 27, SMP_DOWNGRADE}, {1, 28, SMP_IS_PENDING}, {1, 30, SMP_REFUSED},
	{1, 33, SMP_TEST_ACTIVE}, {1, 12, SMP_OTHER}, {0, 2, SMP_OTHER},
	{0, 10, SMP_BUSY}, {-1, INT64_MIN, SMP_OTHER},
};

START_TEST(status_judge_by_table)
{
	const struct verdict_row *row = &verdicts[_i];
	struct smp_status s = {true, row->group, row->rc, ""};

	ck_assert_msg(smp_status_judge(&s) == row->verdict, "group %d rc %lld",
		(int)row->group, (long long)row->rc);
}
END_TEST

START_TEST(options_read_unknown_key_names_it)
{
	struct smp_options o;
	struct fault f = {0};

	ck_assert_int_eq(smp_options_read("framing=raw speed=9", &o, &f),
		ERR_ENGINE_OPTION);
	ck_assert_str_eq(f.field, "speed");
}
END_TEST

START_TEST(options_read_range_is_checked)
{
	struct smp_options o;
	struct fault f = {0};

	ck_assert_int_eq(smp_options_read("window=9", &o, &f),
		ERR_ENGINE_OPTION);
	ck_assert_str_eq(f.rule, "must be a number from 1 to 8");
}
END_TEST

START_TEST(options_read_words_and_presets)
{
	struct smp_options o;

	ck_assert_int_eq(smp_options_read("  framing=raw\treassembly=no ", &o,
		NULL), 0);
	ck_assert_int_eq(o.raw, 1);
	ck_assert_int_eq(o.reassembly, 2);
	ck_assert_int_eq(o.erase_ms, 60000);
	ck_assert_int_eq(o.image, -1);
	ck_assert_int_eq(smp_options_read(NULL, &o, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smp_codec");
	TCase *t = tcase_create("codec");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, put_params_is_published);
	tcase_add_test(t, put_state_test_is_published);
	tcase_add_test(t, put_state_confirm_running_is_published);
	tcase_add_test(t, put_mode_is_published);
	tcase_add_test(t, put_reset_force_is_boolean);
	tcase_add_test(t, put_upload_first_has_published_head);
	tcase_add_loop_test(t, upload_room_fills_every_size_exactly, 0, 8);
	tcase_add_test(t, upload_room_too_small_is_zero);
	tcase_add_loop_test(t, answer_read_by_row, 0,
		sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, answer_read_frugal_slots_default_to_false);
	tcase_add_test(t, answer_read_many_slots_keeps_the_first);
	tcase_add_loop_test(t, status_judge_by_table, 0,
		sizeof(verdicts) / sizeof(verdicts[0]));
	tcase_add_test(t, options_read_unknown_key_names_it);
	tcase_add_test(t, options_read_range_is_checked);
	tcase_add_test(t, options_read_words_and_presets);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "transports/zigbee/znp_frame.h"

/* Written by another implementation's framing. */
static const struct row {
	const char *name;
	const char *hex;
	uint16_t command;
	const char *data;
} vectors[] = {
	{"ping", "FE 00 21 01 20", 0x2101, ""},
	{"version", "FE 00 21 02 23", 0x2102, ""},
	{"soft reset", "FE 01 41 00 01 41", 0x4100, "01"},
	{"register", "FE 0F 24 00 01 0401 0500 00 00 03 0000 0A00 1900 00 3A",
		0x2400, "01 0401 0500 00 00 03 0000 0A00 1900 00"},
	{"notify", "FE 0F 24 01 0010 01 01 1900 07 00 1E 05 1942000064 00",
		0x2401, "0010 01 01 1900 07 00 1E 05 1942000064"},
	{"confirm", "FE 03 44 80 00 01 07 C1", 0x4480, "00 01 07"},
	{"query",
		"FE 20 44 81 0000 1900 0010 01 01 00 78 00 01000000 42 0C "
		"01420100341202010D0C0B0A 00001E A2",
		0x4481,
		"0000 1900 0010 01 01 00 78 00 01000000 42 0C "
		"01420100341202010D0C0B0A 00001E"},
};

START_TEST(frame_put_of_a_vector_gives_its_bytes)
{
	const struct row *row = &vectors[_i];
	uint8_t want[128], data[128], frame[ZNP_FRAME_MAX];
	size_t len = unit_unhex(row->hex, want, sizeof(want));
	size_t data_len = unit_unhex(row->data, data, sizeof(data));

	ck_assert_uint_eq(
		znp_frame_put(frame, row->command, bytes_of(data, data_len)),
		len);
	ck_assert_msg(!memcmp(frame, want, len), "%s", row->name);
}
END_TEST

START_TEST(parser_take_of_a_vector_cut_anywhere_gives_it)
{
	const struct row *row = &vectors[_i];
	uint8_t raw[128], data[128];
	size_t len = unit_unhex(row->hex, raw, sizeof(raw));
	size_t data_len = unit_unhex(row->data, data, sizeof(data));
	size_t cut;

	for (cut = 0; cut < len; cut++) {
		struct znp_parser p = {.len = 0};
		struct bytes in = bytes_of(raw, cut);
		struct znp_frame f;

		ck_assert(!znp_parser_take(&p, &in, &f));
		ck_assert_uint_eq(in.len, 0);
		in = bytes_of(raw + cut, len - cut);
		ck_assert_msg(znp_parser_take(&p, &in, &f), "%s", row->name);
		ck_assert_uint_eq(f.command, row->command);
		ck_assert(bytes_equal(f.data, bytes_of(data, data_len)));
		ck_assert_uint_eq(p.bad + p.noise, 0);
		ck_assert(!znp_parser_waits(&p));
	}
}
END_TEST

START_TEST(frame_put_of_251_bytes_is_refused)
{
	uint8_t frame[ZNP_FRAME_MAX], data[ZNP_DATA_MAX + 1] = {0};

	ck_assert_uint_eq(
		znp_frame_put(frame, 0x2401, bytes_of(data, sizeof(data))), 0);
}
END_TEST

/* What comes before a ping's answer must not hide it. */
static const struct row hidden[] = {
	{"noise", "00 11 22 33", 0, ""},
	{"a start", "FE", 0, ""},
	{"three starts", "FE FE FE", 0, ""},
	{"a frame with a wrong check", "FE 03 44 80 00 01 07 C0", 0, ""},
	{"a frame that lost a byte", "FE 03 44 80 00 01 C1", 0, ""},
	{"a frame that lost its length", "FE 44 80 00 01 07 C1", 0, ""},
	{"a frame that lost its start", "03 44 80 00 01 07 C1", 0, ""},
	{"a length of 251", "FE FB 44 80", 0, ""},
	{"a length of 255", "FE FF", 0, ""},
	{"a frame with a start inside and a wrong check",
		"FE 03 44 FE FE FE FE FE", 0, ""},
};

START_TEST(parser_take_behind_damage_finds_the_next_frame)
{
	const struct row *row = &hidden[_i];
	uint8_t raw[512], more[300];
	size_t len = unit_unhex(row->hex, raw, sizeof(raw)), rest;
	struct znp_parser p = {.len = 0};
	struct bytes in;
	struct znp_frame f;
	bool found;

	len += unit_unhex("FE 02 61 01 79 07 1C", raw + len,
		sizeof(raw) - len);
	in = bytes_of(raw, len);
	found = znp_parser_take(&p, &in, &f);
	/* A damaged length may want bytes of what follows. */
	for (rest = 0; !found && rest < 60; rest++) {
		in = bytes_of(more, unit_unhex("FE 03 44 80 00 01 07 C1",
			more, sizeof(more)));
		found = znp_parser_take(&p, &in, &f);
	}
	ck_assert_msg(found, "%s", row->name);
	ck_assert_msg(f.command == 0x6101, "%s: %04x", row->name, f.command);
}
END_TEST

START_TEST(parser_skip_of_a_cut_frame_frees_what_it_swallowed)
{
	struct znp_parser p = {.len = 0};
	uint8_t raw[64];
	struct bytes in;
	struct znp_frame f;

	in = bytes_of(raw, unit_unhex("FE F0 44 81 00 FE 02 61 01 79 07 1C",
		raw, sizeof(raw)));
	ck_assert(!znp_parser_take(&p, &in, &f));
	ck_assert(znp_parser_waits(&p));
	znp_parser_skip(&p);
	ck_assert(znp_parser_take(&p, &in, &f));
	ck_assert_uint_eq(f.command, 0x6101);
}
END_TEST

START_TEST(parser_take_of_two_frames_in_one_read_gives_both)
{
	struct znp_parser p = {.len = 0};
	uint8_t raw[64];
	struct bytes in;
	struct znp_frame f;

	in = bytes_of(raw,
		unit_unhex("FE 03 44 80 00 01 07 C1 FE 02 61 01 79 07 1C",
			raw, sizeof(raw)));
	ck_assert(znp_parser_take(&p, &in, &f));
	ck_assert_uint_eq(f.command, 0x4480);
	ck_assert(znp_parser_take(&p, &in, &f));
	ck_assert_uint_eq(f.command, 0x6101);
	ck_assert(!znp_parser_take(&p, &in, &f));
}
END_TEST

START_TEST(in_of_too_few_bytes_reads_zero_and_is_bad)
{
	static const uint8_t raw[] = {1, 2, 3};
	struct znp_in in = znp_in_of(bytes_of(raw, sizeof(raw)));

	ck_assert_uint_eq(znp_get16(&in), 0x0201);
	ck_assert_uint_eq(znp_get32(&in), 0);
	ck_assert(in.bad);
	ck_assert_uint_eq(znp_get8(&in), 0);
	ck_assert_uint_eq(znp_get64(&in), 0);
}
END_TEST

START_TEST(out_of_too_much_is_bad_and_stays_so)
{
	static const uint8_t many[ZNP_DATA_MAX];
	struct znp_out out = {.len = 0};

	znp_put(&out, bytes_of(many, sizeof(many)));
	ck_assert(!out.bad);
	znp_put8(&out, 1);
	ck_assert(out.bad);
	ck_assert_uint_eq(out.len, ZNP_DATA_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("znp_frame");
	TCase *t = tcase_create("all");
	const int rows = sizeof(vectors) / sizeof(vectors[0]);

	tcase_add_loop_test(t, frame_put_of_a_vector_gives_its_bytes, 0, rows);
	tcase_add_loop_test(
		t, parser_take_of_a_vector_cut_anywhere_gives_it, 0, rows);
	tcase_add_test(t, frame_put_of_251_bytes_is_refused);
	tcase_add_loop_test(t, parser_take_behind_damage_finds_the_next_frame,
		0, sizeof(hidden) / sizeof(hidden[0]));
	tcase_add_test(t, parser_skip_of_a_cut_frame_frees_what_it_swallowed);
	tcase_add_test(t, parser_take_of_two_frames_in_one_read_gives_both);
	tcase_add_test(t, in_of_too_few_bytes_reads_zero_and_is_bad);
	tcase_add_test(t, out_of_too_much_is_bad_and_stays_so);
	suite_add_tcase(s, t);
	return unit_run(s);
}

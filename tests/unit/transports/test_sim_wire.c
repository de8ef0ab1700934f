#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/sim/sim_wire.h"

/* Every layout once, in hexadecimal, written by hand from the table. */
static const struct row {
	const char *name;
	const char *hex;
} good[] = {
	{"hello", "0101"},
	{"scan", "02e8030000"},
	{"connect", "03070000000103646576"},
	{"connect any", "03070000000000"},
	{"disconnect", "0407000000"},
	{"send", "05070000000900000001030002aabb0102"},
	{"set", "06070000000900000004626175640431323030"},
	{"welcome", "81011000"},
	{"peer", "820101c803646576000461646472046e616d6501016b0176"},
	{"connected", "830700000000000000f40004000103"},
	{"disconnected", "8407000000"},
	{"confirm", "850900000083eaffff0264000000fa000000"},
	{"message", "8607000000010102d2040000036465760001"},
	{"changed", "870700000014000100"},
	{"down", "8807000000edffffff"},
	{"coordinator down", "8800000000edffffff"},
};

static const struct row bad[] = {
	{"empty", ""},
	{"unknown type", "7f00"},
	{"hello cut", "01"},
	{"hello and more", "010100"},
	{"connect without number", "03000000000000"},
	{"connect key past the end", "03070000000104646576"},
	{"send without data", "050700000009000000010300 00"},
	{"send without id", "0507000000000000000103000001"},
	{"peer without key", "8200000000000000 00"},
	{"peer with nine attributes", "820000000161000000 09"},
	{"message reply of 33",
		"860700000001010200000000002100000000000000000000000000000000"
		"000000000000000000000000000000000001"},
};

START_TEST(read_then_write_gives_the_same_bytes)
{
	const struct row *row = &good[_i];
	uint8_t raw[256];
	size_t len = unit_unhex(row->hex, raw, sizeof(raw));
	struct sim_frame f;
	struct buf out;

	ck_assert_msg(
		sim_wire_read(bytes_of(raw, len), &f) == 0, "%s", row->name);
	buf_init(&out, SIM_WIRE_MAX);
	ck_assert_msg(sim_wire_write(&f, &out) == 0, "%s", row->name);
	ck_assert_msg(bytes_equal(buf_bytes(&out), bytes_of(raw, len)), "%s",
		row->name);
	buf_done(&out);
}
END_TEST

START_TEST(read_cut_anywhere_is_refused)
{
	const struct row *row = &good[_i];
	uint8_t raw[256];
	size_t len = unit_unhex(row->hex, raw, sizeof(raw)), cut;
	struct sim_frame f;

	for (cut = 0; cut + 1 < len; cut++)
		ck_assert_msg(sim_wire_read(bytes_of(raw, cut), &f) == -EPROTO,
			"%s cut at %zu", row->name, cut);
}
END_TEST

START_TEST(read_of_a_bad_frame_is_refused)
{
	uint8_t raw[256];
	size_t len = unit_unhex(bad[_i].hex, raw, sizeof(raw));
	struct sim_frame f;

	ck_assert_msg(sim_wire_read(bytes_of(raw, len), &f) == -EPROTO, "%s",
		bad[_i].name);
}
END_TEST

START_TEST(read_confirm_gives_signed_status)
{
	uint8_t raw[64];
	size_t len = unit_unhex("850900000083eaffff0264000000fa000000",
		raw, sizeof(raw));
	struct sim_frame f;

	ck_assert_int_eq(sim_wire_read(bytes_of(raw, len), &f), 0);
	ck_assert_int_eq(f.status, -5501);
	ck_assert_uint_eq(f.id, 9);
	ck_assert_uint_eq(f.level, 2);
	ck_assert_uint_eq(f.airtime_us, 100);
	ck_assert_uint_eq(f.retry_after_ms, 250);
}
END_TEST

START_TEST(write_of_a_long_string_is_refused)
{
	static uint8_t zeros[256];
	struct sim_frame f = {.type = SIM_SET, .link = 1, .id = 1};
	struct buf out;

	buf_init(&out, SIM_WIRE_MAX);
	f.key = bytes_of(zeros, sizeof(zeros));
	ck_assert_int_eq(sim_wire_write(&f, &out), -EMSGSIZE);
	buf_done(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.sim_wire");
	TCase *c = tcase_create("sim_wire");
	int rows = sizeof(good) / sizeof(good[0]);

	tcase_add_loop_test(c, read_then_write_gives_the_same_bytes, 0, rows);
	tcase_add_loop_test(c, read_cut_anywhere_is_refused, 0, rows);
	tcase_add_loop_test(c, read_of_a_bad_frame_is_refused, 0,
		sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, read_confirm_gives_signed_status);
	tcase_add_test(c, write_of_a_long_string_is_refused);
	suite_add_tcase(s, c);
	return unit_run(s);
}

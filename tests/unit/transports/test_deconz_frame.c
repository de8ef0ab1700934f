/* The frames of the deCONZ serial protocol. */
#include "tests/unit/unit.h"

#include "transports/zigbee/deconz.h"

static const struct {
	const char *name;
	uint8_t command, seq;
	const char *payload; /* hexadecimal */
	const char *wire;
} vectors[] = {
	{"firmware version", 0x0d, 1, "00000000", "c00d0100090000000000e9ffc0"},
	{"device state", 0x07, 2, "000000", "c007020008000000 00efffc0"},
	{"read confirm", 0x04, 3, "", "c0040300070000 00f2ffc0"},
	{"read indication", 0x17, 4, "01", "c0170400080001 0001dbddffc0"},
	{"notify", 0x12, 5, "0700020010010401190001050019420000 64001e",
		"c0120500 1b00 1400 0700 02 0010 01 0401 1900 01 0500 "
		"1942000064 00 1e 9ffe c0"},
};

START_TEST(frame_put_writes_the_vectors)
{
	uint8_t payload[64], want[64], got[DECONZ_WIRE_MAX];
	size_t len = unit_unhex(vectors[_i].payload, payload, sizeof(payload));
	size_t want_len = unit_unhex(vectors[_i].wire, want, sizeof(want));
	size_t got_len = deconz_frame_put(got, vectors[_i].command,
		vectors[_i].seq, bytes_of(payload, len));

	ck_assert_msg(
		bytes_equal(bytes_of(got, got_len), bytes_of(want, want_len)),
		"%s", vectors[_i].name);
}
END_TEST

START_TEST(frame_take_reads_the_vectors_byte_by_byte)
{
	struct deconz_parser p = {.len = 0};
	struct deconz_frame f = {.command = 0};
	uint8_t payload[64], wire[64];
	size_t len = unit_unhex(vectors[_i].payload, payload, sizeof(payload));
	size_t wire_len =
		unit_unhex(vectors[_i].wire, wire, sizeof(wire)), i;
	struct bytes in;
	bool got = false;

	for (i = 0; i < wire_len; i++) {
		ck_assert(!got);
		in = bytes_of(wire + i, 1);
		got = deconz_parser_take(&p, &in, &f);
	}
	ck_assert_msg(got, "%s", vectors[_i].name);
	ck_assert_uint_eq(f.command, vectors[_i].command);
	ck_assert_uint_eq(f.seq, vectors[_i].seq);
	ck_assert(bytes_equal(f.payload, bytes_of(payload, len)));
	ck_assert_uint_eq(p.bad, 0);
}
END_TEST

/* Each is followed by a good frame, which must not be lost. */
static const struct {
	const char *name;
	const char *wire;
	unsigned bad;
} hostile[] = {
	{"bad check", "c00d0100090000000000eaffc0", 1},
	{"cut", "c00d010009c0", 1},
	{"length too large", "c00d01000a0000000000e8ffc0", 1},
	{"length too small", "c00d0100080000000000eaffc0", 1},
	{"payload length", "c0040300070001 00f1ffc0", 1},
	{"bad escape", "c00d01db000900000000e9ffc0", 1},
	{"escape at the end", "c00d0100dbc0", 1},
	{"noise", "0102030405c0", 1},
	{"nothing but ends", "c0c0c0c0", 0},
	{"check alone", "c00000c0", 1},
};

START_TEST(frame_take_hostile_costs_no_more_than_itself)
{
	struct deconz_parser p = {.len = 0};
	struct deconz_frame f;
	uint8_t wire[128];
	size_t len = unit_unhex(hostile[_i].wire, wire, sizeof(wire));
	struct bytes in;
	unsigned got = 0;

	len += unit_unhex(vectors[1].wire, wire + len, sizeof(wire) - len);
	in = bytes_of(wire, len);
	while (deconz_parser_take(&p, &in, &f)) {
		ck_assert_uint_eq(f.command, 0x07);
		got++;
	}
	ck_assert_msg(got == 1, "%s: %u", hostile[_i].name, got);
	ck_assert_msg(p.bad == hostile[_i].bad, "%s: bad %u", hostile[_i].name,
		(unsigned)p.bad);
}
END_TEST

START_TEST(frame_take_too_long_is_left_out)
{
	struct deconz_parser p = {.len = 0};
	struct deconz_frame f;
	uint8_t wire[DECONZ_FRAME_MAX + 64];
	struct bytes in;

	memset(wire, 0x17, sizeof(wire));
	in = bytes_of(wire, sizeof(wire));
	ck_assert(!deconz_parser_take(&p, &in, &f));
	wire[0] = 0xc0;
	in = bytes_of(wire, 1);
	ck_assert(!deconz_parser_take(&p, &in, &f));
	ck_assert_uint_eq(p.bad, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.deconz_frame");
	TCase *c = tcase_create("frame");

	tcase_add_loop_test(c, frame_put_writes_the_vectors, 0, 5);
	tcase_add_loop_test(c, frame_take_reads_the_vectors_byte_by_byte, 0, 5);
	tcase_add_loop_test(c, frame_take_hostile_costs_no_more_than_itself, 0,
		(int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(c, frame_take_too_long_is_left_out);
	suite_add_tcase(s, c);
	return unit_run(s);
}

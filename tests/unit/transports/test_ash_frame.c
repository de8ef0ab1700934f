/* Frames of ASH: the published ones, all that can be written, and what is none.
 * The protocol above them is in test_ash.c. */
#include "ash_wire.h"

static const struct {
	const char *row, *wire, *data;
	struct ash_frame frame;
} vectors[] = {
	{"RST", "C0 38 BC 7E", "", {.type = ASH_RST}},
	{"RSTACK", "C1 02 02 9B 7B 7E", "",
		{.type = ASH_RSTACK, .version = 2, .code = 2}},
	{"ACK", "81 60 59 7E", "", {.type = ASH_ACK, .ack = 1}},
	{"ACK, not ready", "8E 91 B6 7E", "",
		{.type = ASH_ACK, .ack = 6, .not_ready = true}},
	{"NAK", "A6 34 DC 7E", "", {.type = ASH_NAK, .ack = 6}},
	{"DATA version", "25 42 21 A8 56 A6 09 7E", "00 00 00 02",
		{.type = ASH_DATA, .number = 2, .ack = 5}},
	/* The published CRC of this one, 96 23, is wrong. */
	{"DATA version answer", "53 42 A1 A8 56 28 04 82 03 2A 7E",
		"00 80 00 02 02 11 30",
		{.type = ASH_DATA, .number = 5, .ack = 3}},
	{"ERROR", "C2 02 51 A8 BD 7E", "",
		{.type = ASH_ERROR, .version = 2, .code = 0x51}},
};

#define VECTORS ((int)(sizeof(vectors) / sizeof(vectors[0])))

START_TEST(ash_frame_put_vector_is_published_bytes)
{
	uint8_t data[16], at[ASH_WIRE_MAX];
	struct ash_frame f = vectors[_i].frame;

	f.data = bytes_of(data, unit_unhex(vectors[_i].data, data,
		sizeof(data)));
	assert_wire(bytes_of(at, ash_frame_put(at, &f)), vectors[_i].wire,
		vectors[_i].row);
}
END_TEST

static enum ash_decoded decode(struct ash_decoder *d, const char *hex,
	struct ash_frame *f)
{
	enum ash_decoded last = ASH_MORE;
	uint8_t at[1024];
	size_t len = unit_unhex(hex, at, sizeof(at)), i;

	for (i = 0; i < len; i++)
		last = ash_decode(d, at[i], f);
	return last;
}

START_TEST(ash_decode_vector_is_frame)
{
	const struct ash_frame *want = &vectors[_i].frame;
	const char *row = vectors[_i].row;
	struct ash_decoder d;
	struct ash_frame f;
	uint8_t data[16];

	ash_decoder_init(&d);
	ck_assert_msg(decode(&d, vectors[_i].wire, &f) == ASH_FRAME, "%s", row);
	ck_assert_msg(f.type == want->type && f.number == want->number &&
		f.ack == want->ack && f.again == want->again &&
		f.not_ready == want->not_ready && f.version == want->version &&
		f.code == want->code, "%s", row);
	ck_assert_msg(bytes_equal(f.data, bytes_of(data,
		unit_unhex(vectors[_i].data, data, sizeof(data)))), "%s", row);
}
END_TEST

/* The unmasked form that the document prints has the right CRC. */
START_TEST(ash_crc_published_clear_frame_is_6316)
{
	uint8_t at[16];

	ck_assert_uint_eq(ash_crc(bytes_of(at,
		unit_unhex("53 00 80 00 02 02 11 30", at, sizeof(at)))),
		0x6316);
}
END_TEST

static void round_trip(int byte)
{
	uint8_t data[ASH_DATA_MAX], at[ASH_WIRE_MAX];
	struct ash_frame in = {.type = ASH_DATA, .again = true}, out = {0};
	enum ash_decoded got = ASH_MORE;
	struct ash_decoder d;
	size_t len, i;

	memset(data, byte, sizeof(data));
	in.data = bytes_of(data, sizeof(data));
	len = ash_frame_put(at, &in);
	ck_assert_uint_le(len, ASH_WIRE_MAX);
	ash_decoder_init(&d);
	for (i = 0; i < len; i++) {
		ck_assert_int_eq(got, ASH_MORE);
		got = ash_decode(&d, at[i], &out);
	}
	ck_assert_int_eq(got, ASH_FRAME);
	ck_assert_msg(out.again && bytes_equal(in.data, out.data), "%02x",
		(unsigned)byte);
}

START_TEST(ash_frame_put_every_byte_comes_back)
{
	int byte;

	for (byte = 0; byte < 256; byte++)
		round_trip(byte);
}
END_TEST

START_TEST(ash_frame_put_data_out_of_bounds_is_nothing)
{
	uint8_t data[ASH_DATA_MAX + 1] = {0}, at[ASH_WIRE_MAX];
	struct ash_frame f = {.type = ASH_DATA};

	f.data = bytes_of(data, ASH_DATA_MIN - 1);
	ck_assert_uint_eq(ash_frame_put(at, &f), 0);
	f.data = bytes_of(data, ASH_DATA_MAX + 1);
	ck_assert_uint_eq(ash_frame_put(at, &f), 0);
}
END_TEST

static const struct {
	const char *row, *wire;
	enum ash_decoded got;
} hostile[] = {
	{"flags alone", "7E 7E 7E", ASH_MORE},
	{"escape and flag", "7D 7E", ASH_MORE},
	{"one byte", "81 7E", ASH_BAD},
	{"two bytes", "81 60 7E", ASH_BAD},
	{"wrong CRC", "81 60 58 7E", ASH_BAD},
	{"published wrong CRC", "53 42 A1 A8 56 28 04 82 96 23 7E", ASH_BAD},
	{"substitute inside", "81 18 60 59 7E", ASH_BAD},
	{"substitute alone", "18 7E", ASH_BAD},
	{"cancelled", "25 42 21 1A", ASH_CANCELLED},
	{"cancelled, then whole", "25 42 21 1A 81 60 59 7E", ASH_FRAME},
	{"cancel takes a substitute away", "18 1A 81 60 59 7E", ASH_FRAME},
	{"flow control inside", "11 81 13 60 11 59 7E", ASH_FRAME},
	{"wake byte before", "FF FF 81 60 59 7E", ASH_FRAME},
	{"ACK with data", "81 00 4E 92 7E", ASH_BAD},
	{"DATA of two bytes", "00 42 21 00 00 7E", ASH_BAD},
};

START_TEST(ash_decode_hostile_is_refused_or_skipped)
{
	struct ash_decoder d;
	struct ash_frame f;

	ash_decoder_init(&d);
	ck_assert_msg(decode(&d, hostile[_i].wire, &f) == hostile[_i].got,
		"%s", hostile[_i].row);
	ck_assert_msg(hostile[_i].got == ASH_CANCELLED ||
		decode(&d, "81 60 59 7E", &f) == ASH_FRAME, "%s: next",
		hostile[_i].row);
}
END_TEST

/* Control bytes of no kind, and good ones with a wrong length; the CRC is right
 * each time. */
START_TEST(ash_decode_unknown_control_is_bad)
{
	static const uint8_t controls[][4] = {
		{1, 0xc3}, {1, 0xe0}, {1, 0xff}, {2, 0xc0, 0}, {2, 0xc1, 2},
		{2, 0xa0, 0}, {1, 0xc2}, {1, 0x00}, {2, 0x00, 1},
		{3, 0x00, 1, 2},
	};
	enum ash_decoded got = ASH_MORE;
	struct ash_decoder d;
	struct ash_frame f;
	uint8_t at[8];
	size_t len = controls[_i][0], i;

	memcpy(at, controls[_i] + 1, len);
	put_be16(at + len, ash_crc(bytes_of(at, len)));
	at[len + 2] = 0x7e;
	ash_decoder_init(&d);
	/* Escaped, so that a first byte of ff is no wake-up. */
	ash_decode(&d, 0x7d, &f);
	at[0] ^= 0x20;
	for (i = 0; i < len + 3; i++)
		got = ash_decode(&d, at[i], &f);
	ck_assert_int_eq(got, ASH_BAD);
}
END_TEST

START_TEST(ash_decode_endless_frame_is_bad_once_then_well)
{
	struct ash_decoder d;
	struct ash_frame f;
	unsigned i;

	ash_decoder_init(&d);
	for (i = 0; i < 100000; i++)
		ck_assert_int_eq(ash_decode(&d, 0x55, &f), ASH_MORE);
	ck_assert_int_eq(ash_decode(&d, 0x7e, &f), ASH_BAD);
	ck_assert_int_eq(decode(&d, "81 60 59 7E", &f), ASH_FRAME);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ash_frame");
	TCase *c = tcase_create("frames");

	tcase_add_loop_test(c, ash_frame_put_vector_is_published_bytes, 0,
		VECTORS);
	tcase_add_loop_test(c, ash_decode_vector_is_frame, 0, VECTORS);
	tcase_add_test(c, ash_crc_published_clear_frame_is_6316);
	tcase_add_test(c, ash_frame_put_every_byte_comes_back);
	tcase_add_test(c, ash_frame_put_data_out_of_bounds_is_nothing);
	tcase_add_loop_test(c, ash_decode_hostile_is_refused_or_skipped, 0,
		(int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_loop_test(c, ash_decode_unknown_control_is_bad, 0, 10);
	tcase_add_test(c, ash_decode_endless_frame_is_bad_once_then_well);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

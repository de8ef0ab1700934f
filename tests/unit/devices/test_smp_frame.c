#include "tests/unit/unit.h"

#include "devices/smp/frame.h"

/* Frames as published: echo "hi", its answer, and an upload in two lines. */
#define ECHO_MESSAGE "0a0000060000" "4200" "a16164626869"
#define ECHO_LINE "\x06\x09" "ABAKAAAGAABCAKFhZGJoaZsK\n"
#define ANSWER_MESSAGE "0b0000060000" "4200" "a16172626869"
#define ANSWER_LINE "\x06\x09" "ABALAAAGAABCAKFhcmJoadxV\n"

static const char image_hex[] =
	"3db8f396000000002000000020000000000000000102030004000000"
	"00000000"
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	"0769280010002000"
	"06245178f907abd61c77aa4f4d5653b55287ea6177ddde9a96d7e6a5c6496d77";

static const char upload_lines[] =
	"\x06\x09"
	"ALIKAACoAAEHAaVlaW1hZ2UAY2xlbhhoY29mZgBjc2hhWCDlVv0wP0JdUMjo/dxYplRe"
	"d6xevR96Wer7qeQi2zHL/GRkYXRhWGg9uPOWAAAAACAAAAAgAAAAAAAA\n"
	"\x04\x14"
	"AAECAwAEAAAAAAAAAAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fB2koABAA"
	"IAAGJFF4+Qer1hx3qk9NVlO1UofqYXfd3pqW1+alxkltd4XC\n";

static struct bytes hex(const char *text, uint8_t *at)
{
	size_t len = strlen(text) / 2;

	ck_assert_int_eq(bytes_from_hex(text, at, len), 0);
	return bytes_of(at, len);
}

START_TEST(crc16_check_value_is_xmodem)
{
	ck_assert_uint_eq(smp_crc16(0, bytes_of_text("123456789")), 0x31c3);
}
END_TEST

START_TEST(frame_put_console_echo_is_published_line)
{
	uint8_t raw[64];
	struct buf out;

	buf_init(&out, 256);
	ck_assert_int_eq(smp_frame_put(&out, SMP_CONSOLE,
		hex(ECHO_MESSAGE, raw)), 0);
	ck_assert(bytes_is_text(buf_bytes(&out), ECHO_LINE));
	buf_done(&out);
}
END_TEST

/* The upload of the published example, header and all. */
static struct bytes upload_message(uint8_t *at)
{
	uint8_t image[104];
	size_t len;

	hex("0a0000a800010701a565696d616765"
		"00636c656e1868636f6666006373686158"
		"20e556fd303f425d50c8e8fddc58a6545e77ac5ebd1f7a59eafba9e422db31"
		"cbfc6464617461" "5868", at);
	hex(image_hex, image);
	len = 176 - 104;
	memcpy(at + len, image, 104);
	return bytes_of(at, 176);
}

START_TEST(frame_put_console_upload_is_published_lines)
{
	uint8_t raw[256];
	struct buf out;

	buf_init(&out, 512);
	ck_assert_int_eq(smp_frame_put(&out, SMP_CONSOLE,
		upload_message(raw)), 0);
	ck_assert(bytes_is_text(buf_bytes(&out), upload_lines));
	buf_done(&out);
}
END_TEST

START_TEST(frame_put_console_lines_keep_127_bytes)
{
	uint8_t message[1020] = {0x0a};
	struct buf out;
	size_t line = 0;

	put_be16(message + 2, sizeof(message) - 8);
	buf_init(&out, 4096);
	ck_assert_int_eq(smp_frame_put(&out, SMP_CONSOLE,
		bytes_of(message, sizeof(message))), 0);
	for (size_t i = 0; i < out.len; i++) {
		line++;
		if (out.at[i] != '\n')
			continue;
		ck_assert_uint_le(line, 127);
		ck_assert_uint_eq((line - 3) % 4, 0);
		line = 0;
	}
	ck_assert_uint_eq(line, 0);
	buf_done(&out);
}
END_TEST

/* What a reader makes of a text: how many messages, and the last one. */
struct row {
	const char *name;
	enum smp_framing framing;
	const char *in;
	size_t len; /* 0: strlen */
	unsigned messages;
	const char *last; /* hexadecimal; NULL: not looked at */
};

#define T(text) text, sizeof(text) - 1

static const struct row rows[] = {
	{"one line", SMP_CONSOLE, T(ANSWER_LINE), 1, ANSWER_MESSAGE},
	{"two answers", SMP_CONSOLE, T(ANSWER_LINE ANSWER_LINE), 2,
		ANSWER_MESSAGE},
	{"log text before", SMP_CONSOLE, T("[00:12] boot\r\nuart:~$ "
		ANSWER_LINE), 1, ANSWER_MESSAGE},
	{"log text between", SMP_CONSOLE, T(ANSWER_LINE "<inf> hello\n"
		ANSWER_LINE), 2, ANSWER_MESSAGE},
	{"CR LF", SMP_CONSOLE, T("\x06\x09" "ABALAAAGAABCAKFhcmJoadxV\r\n"), 1,
		ANSWER_MESSAGE},
	{"half a mark before", SMP_CONSOLE, T("\x06\x06\x04" ANSWER_LINE), 1,
		ANSWER_MESSAGE},
	{"cut short, then whole", SMP_CONSOLE, T("\x06\x09" "ABALAAAG"
		ANSWER_LINE), 1, ANSWER_MESSAGE},
	{"bad CRC", SMP_CONSOLE, T("\x06\x09" "ABALAAAGAABCAKFhcmJoadxW\n"), 0,
		NULL},
	{"flipped bit", SMP_CONSOLE, T("\x06\x09" "ABALAAAGAABCAKFhcmJobdxV\n"),
		0, NULL},
	{"log text inside", SMP_CONSOLE, T("\x06\x09" "ABALAA[log]AABC\n"), 0,
		NULL},
	{"not a multiple of four", SMP_CONSOLE, T("\x06\x09"
		"ABALAAAGAABCAKFhcmJoadx\n"), 0, NULL},
	{"characters after padding", SMP_CONSOLE, T("\x06\x09" "ABALAA==AABC\n"),
		0, NULL},
	{"continuation without a start", SMP_CONSOLE, T("\x04\x14"
		"ABALAAAGAABCAKFhcmJoadxV\n"), 0, NULL},
	{"more bytes than announced", SMP_CONSOLE, T("\x06\x09"
		"AA4LAAAGAABCAKFhcmJoadxV\n"), 0, NULL},
	{"length of 3", SMP_CONSOLE, T("\x06\x09" "AAMA\n"), 0, NULL},
	{"length of 65535", SMP_CONSOLE, T("\x06\x09" "//8A\n"), 0, NULL},
	{"no base64 at all", SMP_CONSOLE, T("\x06\x09\n"), 0, NULL},
	{"upload in two lines", SMP_CONSOLE, upload_lines,
		sizeof(upload_lines) - 1, 1, NULL},
	{"next line missing, then another", SMP_CONSOLE, T("\x06\x09"
		"ABALAAAGAABC\n" ANSWER_LINE), 1, ANSWER_MESSAGE},
	{"short line before the last", SMP_CONSOLE, T("\x06\x09" "ABALAAAG\n"
		"\x04\x14" "AABCAKFh\n" "\x04\x14" "cmJoadxV\n"), 1,
		ANSWER_MESSAGE},
	{"raw, two", SMP_RAW, T("\x0b\0\0\1\0\0\x42\0\xa0"
		"\x09\0\0\1\0\0\x43\0\xa0"), 2, "090000010000" "4300" "a0"},
	{"raw, body missing", SMP_RAW, T("\x0b\0\0\2\0\0\x42\0\xa0"), 0, NULL},
	{"raw, op above 3", SMP_RAW, T("\x0f\0\0\1\0\0\x42\0\xa0"
		"\x09\0\0\1\0\0\x43\0\xa0"), 0, NULL},
	{"raw, length over the limit", SMP_RAW, T("\x0b\0\xff\xff\0\0\x42\0"), 0,
		NULL},
	{"datagram, empty body", SMP_DATAGRAM, T("\x0b\0\0\0\0\0\x42\0"), 1,
		"0b00000000004200"},
	{"datagram, less than a header", SMP_DATAGRAM, T("\x0b\0\0\0\0\0\x42"),
		0, NULL},
	{"datagram, longer than the message", SMP_DATAGRAM,
		T("\x0b\0\0\0\0\0\x42\0\xa0"), 0, NULL},
};

static void feed(struct smp_reader *r, struct bytes in, const struct row *row,
	unsigned *messages)
{
	struct bytes message;
	char text[1024];

	while (smp_reader_take(r, &in, &message)) {
		(*messages)++;
		bytes_to_hex(message, text, sizeof(text));
		if (row->last && *messages == row->messages)
			ck_assert_msg(!strcmp(text, row->last), "%s: %s",
				row->name, text);
	}
}

START_TEST(reader_take_by_row)
{
	const struct row *row = &rows[_i];
	struct smp_reader r;
	unsigned messages = 0;

	smp_reader_init(&r, row->framing);
	feed(&r, bytes_of(row->in, row->len), row, &messages);
	ck_assert_msg(messages == row->messages, "%s: %u messages", row->name,
		messages);
	smp_reader_done(&r);
}
END_TEST

START_TEST(reader_take_byte_by_byte_gives_the_same)
{
	const struct row *row = &rows[_i];
	struct smp_reader r;
	unsigned messages = 0;

	if (row->framing == SMP_DATAGRAM)
		return;
	smp_reader_init(&r, row->framing);
	for (size_t i = 0; i < row->len; i++)
		feed(&r, bytes_of(row->in + i, 1), row, &messages);
	ck_assert_msg(messages == row->messages, "%s: %u messages", row->name,
		messages);
	smp_reader_done(&r);
}
END_TEST

START_TEST(reader_take_datagrams_assembles_pieces)
{
	uint8_t raw[64];
	struct bytes whole = hex(ANSWER_MESSAGE, raw);
	struct bytes message = {0};
	struct smp_reader r;
	struct bytes piece;

	smp_reader_init(&r, SMP_DATAGRAM);
	piece = bytes_slice(whole, 0, 8);
	ck_assert(!smp_reader_take(&r, &piece, &message));
	piece = bytes_slice(whole, 8, 3);
	ck_assert(!smp_reader_take(&r, &piece, &message));
	piece = bytes_slice(whole, 11, 99);
	ck_assert(smp_reader_take(&r, &piece, &message));
	ck_assert(bytes_equal(message, whole));
	smp_reader_done(&r);
}
END_TEST

START_TEST(reader_reset_raw_out_of_step_finds_next)
{
	static const uint8_t bad[] = {0x0f, 0, 0, 1, 0, 0, 0x42, 0, 0xa0};
	static const uint8_t good[] = {0x0b, 0, 0, 1, 0, 0, 0x42, 0, 0xa0};
	struct bytes in = bytes_of(bad, sizeof(bad));
	struct bytes message;
	struct smp_reader r;

	smp_reader_init(&r, SMP_RAW);
	ck_assert(!smp_reader_take(&r, &in, &message));
	in = bytes_of(good, sizeof(good));
	ck_assert(!smp_reader_take(&r, &in, &message));
	smp_reader_reset(&r);
	in = bytes_of(good, sizeof(good));
	ck_assert(smp_reader_take(&r, &in, &message));
	smp_reader_done(&r);
}
END_TEST

START_TEST(reader_take_endless_line_stays_small)
{
	struct bytes message;
	struct smp_reader r;
	uint8_t chars[256];

	memset(chars, 'A', sizeof(chars));
	smp_reader_init(&r, SMP_CONSOLE);
	for (int i = 0; i < 4096; i++) {
		struct bytes in = bytes_of(i ? (const void *)chars : "\x06\x09",
			i ? sizeof(chars) : 2);

		ck_assert(!smp_reader_take(&r, &in, &message));
	}
	ck_assert_uint_le(r.packet.size, SMP_MESSAGE_MAX + 4);
	ck_assert_uint_ge(r.dropped, 1);
	smp_reader_done(&r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smp_frame");
	TCase *t = tcase_create("frame");
	int count = sizeof(rows) / sizeof(rows[0]);

	tcase_add_test(t, crc16_check_value_is_xmodem);
	tcase_add_test(t, frame_put_console_echo_is_published_line);
	tcase_add_test(t, frame_put_console_upload_is_published_lines);
	tcase_add_test(t, frame_put_console_lines_keep_127_bytes);
	tcase_add_loop_test(t, reader_take_by_row, 0, count);
	tcase_add_loop_test(t, reader_take_byte_by_byte_gives_the_same, 0,
		count);
	tcase_add_test(t, reader_take_datagrams_assembles_pieces);
	tcase_add_test(t, reader_reset_raw_out_of_step_finds_next);
	tcase_add_test(t, reader_take_endless_line_stays_small);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}

#include "tests/unit/tools/sim_rig.h"

/* The published lines: smp-and-ble.md 2.2. */
#define ECHO_LINE                                                              \
	"\x06\x09"                                                             \
	"ABAKAAAGAABCAKFhZGJoaZsK\n"
#define ECHO_ANSWER_LINE                                                       \
	"\x06\x09"                                                             \
	"ABALAAAGAABCAKFhcmJoadxV\n"
#define UPLOAD_LINE_1                                                          \
	"\x06\x09"                                                             \
	"ALIKAACoAAEHAaVlaW1hZ2UAY2xlbhhoY29mZgBjc2hhWCDlVv0wP0JdUMjo/dxYplRe" \
	"d6xevR96Wer7qeQi2zHL/GRkYXRhWGg9uPOWAAAAACAAAAAgAAAAAAAA\n"
#define UPLOAD_LINE_2                                                          \
	"\x04\x14"                                                             \
	"AAECAwAEAAAAAAAAAAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fB2koABAA" \
	"IAAGJFF4+Qer1hx3qk9NVlO1UofqYXfd3pqW1+alxkltd4XC\n"

static const uint8_t echo_answer[] = {
	0x0b, 0, 0, 6, 0, 0, 0x42, 0, 0xa1, 0x61, 0x72, 0x62, 0x68, 0x69};

static enum console_event feed(struct console *c, const char *text, size_t max)
{
	struct bytes in = bytes_of_text(text);
	enum console_event event = CONSOLE_NOTHING;

	while (in.len > 0) {
		bool ended;
		size_t n = console_feed(c, in, &ended);

		in = bytes_slice(in, n, in.len);
		if (ended)
			event = console_line(c, max);
	}
	return event;
}

START_TEST(crc16_check_value)
{
	ck_assert_uint_eq(crc16_xmodem("123456789", 9), 0x31c3);
}
END_TEST

START_TEST(line_of_echo_gives_message)
{
	static const uint8_t want[] = {0x0a, 0, 0, 6, 0, 0, 0x42, 0, 0xa1, 0x61,
		0x64, 0x62, 0x68, 0x69};
	struct console c;

	console_init(&c, 384);
	ck_assert_int_eq(feed(&c, ECHO_LINE, 127), CONSOLE_MESSAGE);
	ck_assert(
		bytes_equal(console_message(&c), bytes_of(want, sizeof(want))));
	console_done(&c);
}
END_TEST

START_TEST(encode_echo_answer_is_published_line)
{
	struct buf lines;

	buf_init(&lines, 4096);
	console_encode(bytes_of(echo_answer, sizeof(echo_answer)),
		&(struct console_style){0}, &lines);
	ck_assert(bytes_is_text(buf_bytes(&lines), ECHO_ANSWER_LINE));
	buf_done(&lines);
}
END_TEST

START_TEST(lines_of_upload_give_message)
{
	struct console c;
	struct bytes message;

	console_init(&c, 384);
	ck_assert_int_eq(feed(&c, UPLOAD_LINE_1, 127), CONSOLE_NOTHING);
	ck_assert_int_eq(feed(&c, UPLOAD_LINE_2, 127), CONSOLE_MESSAGE);
	message = console_message(&c);
	ck_assert_uint_eq(message.len, 8 + 0xa8);
	ck_assert_uint_eq(get_be16(message.at + message.len), 0x85c2);
	console_done(&c);
}
END_TEST

START_TEST(encode_upload_gives_published_lines)
{
	struct buf lines;
	struct console c;

	console_init(&c, 384);
	feed(&c, UPLOAD_LINE_1 UPLOAD_LINE_2, 127);
	buf_init(&lines, 4096);
	console_encode(console_message(&c), &(struct console_style){0}, &lines);
	ck_assert(
		bytes_is_text(buf_bytes(&lines), UPLOAD_LINE_1 UPLOAD_LINE_2));
	buf_done(&lines);
	console_done(&c);
}
END_TEST

/* What is dropped, and with which verdict. */
static const struct row {
	const char *name;
	const char *text;
	enum console_event want;
} rows[] = {
	{"text", "hello\n", CONSOLE_NOTHING},
	{"empty line", "\n", CONSOLE_NOTHING},
	{"text before the marker", "x" ECHO_LINE, CONSOLE_NOTHING},
	{"CR LF",
		"\x06\x09"
		"ABAKAAAGAABCAKFhZGJoaZsK\r\n",
		CONSOLE_MESSAGE},
	{"not a quad",
		"\x06\x09"
		"ABAKAAAGAABCAKFhZGJoaZs\n",
		CONSOLE_DROPPED},
	{"bad character",
		"\x06\x09"
		"ABAK!AAGAABCAKFhZGJoaZsK\n",
		CONSOLE_DROPPED},
	{"padding only",
		"\x06\x09"
		"====\n",
		CONSOLE_DROPPED},
	{"padding inside",
		"\x06\x09"
		"AB==AAAGAABCAKFhZGJoaZsK\n",
		CONSOLE_DROPPED},
	{"bad crc",
		"\x06\x09"
		"ABAKAAAGAABCAKFhZGJoaZsL\n",
		CONSOLE_BAD_CRC},
	{"continuation alone", UPLOAD_LINE_2, CONSOLE_DROPPED},
	{"more than length says",
		"\x06\x09"
		"AA8KAAAGAABCAKFhZGJoaZsK\n",
		CONSOLE_DROPPED},
	{"length below a crc",
		"\x06\x09"
		"AAEA\n",
		CONSOLE_DROPPED},
	{"start in the middle starts afresh", UPLOAD_LINE_1 ECHO_LINE,
		CONSOLE_MESSAGE},
	{"packet larger than the buffer",
		"\x06\x09"
		"A/8KAAAGAABCAKFhZGJoaZsK\n",
		CONSOLE_DROPPED},
};

START_TEST(line_verdicts)
{
	struct console c;
	enum console_event got;

	console_init(&c, 384);
	got = feed(&c, rows[_i].text, 127);
	ck_assert_msg(got == rows[_i].want, "%s: %d", rows[_i].name, got);
	console_done(&c);
}
END_TEST

START_TEST(line_longer_than_limit_dropped)
{
	char line[140];
	struct console c;

	console_init(&c, 384);
	memset(line, 'A', sizeof(line));
	memcpy(line, "\x06\x09", 2);
	strcpy(line + 127, "\n"); /* 128 bytes */
	ck_assert_int_eq(feed(&c, line, 127), CONSOLE_DROPPED);
	memset(line + 2, 'A', 130);
	strcpy(line + 130, "\n");
	ck_assert_int_eq(feed(&c, line, 128), CONSOLE_DROPPED);
	/* and the next one is read again */
	ck_assert_int_eq(feed(&c, ECHO_LINE, 127), CONSOLE_MESSAGE);
	console_done(&c);
}
END_TEST

/* Every length through sender and receiver, in every style. */
START_TEST(encode_reads_back)
{
	uint8_t message[300];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7);
	for (size_t len = 8; len < sizeof(message); len++) {
		struct console_style style = {
			.short_line = _i & 1, .crlf = _i & 2};
		struct console c;
		struct buf lines;

		console_init(&c, 384);
		buf_init(&lines, 4096);
		console_encode(bytes_of(message, len), &style, &lines);
		buf_add(&lines, "", 1);
		ck_assert_int_eq(
			feed(&c, (const char *)lines.at, 128), CONSOLE_MESSAGE);
		ck_assert(bytes_equal(
			console_message(&c), bytes_of(message, len)));
		buf_done(&lines);
		console_done(&c);
	}
}
END_TEST

START_TEST(encode_keeps_crc_on_one_line)
{
	uint8_t message[90] = {0}; /* packet of 94: one byte would be left */
	struct buf lines;
	const uint8_t *second;

	buf_init(&lines, 4096);
	console_encode(
		bytes_of(message, 90), &(struct console_style){0}, &lines);
	second = memchr(lines.at, '\n', lines.len);
	ck_assert_int_eq(second - lines.at, 2 + 120);
	buf_done(&lines);
}
END_TEST

START_TEST(encode_short_line_is_4_shorter)
{
	uint8_t message[150] = {0};
	struct buf lines;
	const uint8_t *end;

	buf_init(&lines, 4096);
	console_encode(bytes_of(message, 150),
		&(struct console_style){.short_line = true}, &lines);
	end = memchr(lines.at, '\n', lines.len);
	ck_assert_int_eq(end - lines.at, 2 + 120);
	buf_done(&lines);
}
END_TEST

START_TEST(encode_damage_breaks_crc)
{
	struct console c;
	struct buf lines;

	console_init(&c, 384);
	buf_init(&lines, 4096);
	console_encode(bytes_of(echo_answer, sizeof(echo_answer)),
		&(struct console_style){.damage = true}, &lines);
	buf_add(&lines, "", 1);
	ck_assert_int_eq(
		feed(&c, (const char *)lines.at, 128), CONSOLE_BAD_CRC);
	buf_done(&lines);
	console_done(&c);
}
END_TEST

/* The published lines through a whole device, answer byte for byte. */
START_TEST(device_answers_published_echo)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	rig_open(&r);
	device_rx(&r.d, r.now, bytes_of_text(ECHO_LINE));
	ck_assert(rig_receive(&r, RIG_S));
	ck_assert(bytes_is_text(bytes_of(r.raw, r.len), ECHO_ANSWER_LINE));
	rig_done(&r);
}
END_TEST

START_TEST(device_takes_published_upload)
{
	uint8_t want[104], got[104];
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	rig_open(&r);
	bytes_from_hex(RIG_IMAGE_HEX, want, sizeof(want));
	device_rx(&r.d, r.now, bytes_of_text(UPLOAD_LINE_1 UPLOAD_LINE_2));
	ck_assert(rig_receive(&r, RIG_S));
	ck_assert_int_eq(flash_read(&r.d.mcu.flash, 1, 0, got, sizeof(got)), 0);
	ck_assert_mem_eq(got, want, sizeof(want));
	rig_done(&r);
}
END_TEST

START_TEST(device_noise_hides_lines_in_text)
{
	struct rig r;

	rig_prepare(&r);
	r.setup.framing = FRAMING_CONSOLE;
	rig_switch(&r, "noise");
	rig_open(&r);
	device_rx(&r.d, r.now, bytes_of_text(ECHO_LINE));
	ck_assert(rig_receive(&r, RIG_S));
	ck_assert_uint_gt(r.len, strlen(ECHO_ANSWER_LINE) + 10);
	ck_assert_mem_eq(r.raw + r.len - strlen(ECHO_ANSWER_LINE),
		ECHO_ANSWER_LINE, strlen(ECHO_ANSWER_LINE));
	rig_done(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_console");
	TCase *c = tcase_create("console");

	tcase_add_test(c, crc16_check_value);
	tcase_add_test(c, line_of_echo_gives_message);
	tcase_add_test(c, encode_echo_answer_is_published_line);
	tcase_add_test(c, lines_of_upload_give_message);
	tcase_add_test(c, encode_upload_gives_published_lines);
	tcase_add_loop_test(
		c, line_verdicts, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(c, line_longer_than_limit_dropped);
	tcase_add_loop_test(c, encode_reads_back, 0, 4);
	tcase_add_test(c, encode_keeps_crc_on_one_line);
	tcase_add_test(c, encode_short_line_is_4_shorter);
	tcase_add_test(c, encode_damage_breaks_crc);
	tcase_add_test(c, device_answers_published_echo);
	tcase_add_test(c, device_takes_published_upload);
	tcase_add_test(c, device_noise_hides_lines_in_text);
	suite_add_tcase(s, c);
	return unit_run(s);
}

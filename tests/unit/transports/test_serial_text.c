/* Texts of the serial driver: line sequences, USB identities, settings. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/serial/lines.h"
#include "transports/serial/ports.h"
#include "transports/serial/settings.h"

START_TEST(lines_parse_groups_what_belongs_together)
{
	struct lines l;

	ck_assert_int_eq(
		serial_lines_parse("rts=1 dtr=1 5ms  dtr=0 100ms rts=0", &l),
		0);
	ck_assert_uint_eq(l.count, 3);
	ck_assert_uint_eq(l.steps[0].mask, LINES_DTR | LINES_RTS);
	ck_assert_uint_eq(l.steps[0].on, LINES_DTR | LINES_RTS);
	ck_assert_uint_eq(l.steps[0].pause_ms, 5);
	ck_assert_uint_eq(l.steps[1].mask, LINES_DTR);
	ck_assert_uint_eq(l.steps[1].on, 0);
	ck_assert_uint_eq(l.steps[1].pause_ms, 100);
	ck_assert_uint_eq(l.steps[2].mask, LINES_RTS);
	ck_assert_uint_eq(l.steps[2].pause_ms, 0);
	ck_assert_int_eq(serial_lines_parse("20ms break=1 1ms break=0", &l), 0);
	ck_assert_uint_eq(l.count, 3);
	ck_assert_uint_eq(l.steps[0].mask, 0);
	ck_assert_int_eq(serial_lines_parse(NULL, &l), 0);
	ck_assert_uint_eq(l.count, 0);
	ck_assert_int_eq(serial_lines_parse("  ", &l), 0);
	ck_assert_uint_eq(l.count, 0);
}
END_TEST

static const char *const bad_lines[] = {
	"dtr",
	"dtr=",
	"dtr=2",
	"dtr=10",
	"dtr=1 dtr=0",
	"cts=1",
	"5",
	"ms",
	"5 ms",
	"5s",
	"-5ms",
	"60001ms",
	"40000ms 40000ms",
	"99999999999ms",
	"dtr=1,rts=1",
	("1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms "
	 "1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms 1ms"),
};

START_TEST(lines_parse_refuses)
{
	struct lines l;

	ck_assert_msg(serial_lines_parse(bad_lines[_i], &l) == -EINVAL, "%s",
		bad_lines[_i]);
}
END_TEST

START_TEST(parse_usb_reads_identity)
{
	struct serial_port port;

	ck_assert_int_eq(
		serial_port_parse_usb("usb:0403:6001:A50285BI", &port), 0);
	ck_assert_uint_eq(port.vid, 0x0403);
	ck_assert_uint_eq(port.pid, 0x6001);
	ck_assert_str_eq(port.serial, "A50285BI");
	ck_assert_int_eq(serial_port_parse_usb("usb:1a86:7523", &port), 0);
	ck_assert_str_eq(port.serial, "");
}
END_TEST

START_TEST(parse_usb_refuses)
{
	static const char *const bad[] = {"usb:", "usb:0403",
		"usb:0403:", "usb::6001", "usb:04033:6001",
		"usb:0403:6001:", "usb:0403:6001x", "usb:0x403:6001",
		"usb:0403:6001:with space", "0403:6001",
		("usb:0403:6001:"
		 "012345678901234567890123456789012345678901234567")};
	struct serial_port port;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(serial_port_parse_usb(bad[i], &port) == -EINVAL,
			"%s", bad[i]);
}
END_TEST

START_TEST(find_of_an_absent_identity_is_enodev)
{
	struct serial_port want, found;

	ck_assert_int_eq(serial_port_parse_usb("usb:ffff:ffff:none", &want), 0);
	ck_assert_int_eq(serial_port_find(&want, &found), -ENODEV);
	ck_assert_int_ge(serial_ports_list(&found, 1), 0);
	ck_assert_int_eq(serial_port_describe("/dev/null", &found), -ENODEV);
}
END_TEST

START_TEST(settings_take_and_say)
{
	struct serial_settings s = {
		.baud = 115200, .data_bits = 8, .stop_bits = 1};
	char text[64];

	serial_settings_text(&s, text, sizeof(text));
	ck_assert_str_eq(text, "115200 8N1");
	ck_assert_uint_eq(serial_bits_per_byte(&s), 10);
	ck_assert_int_eq(serial_settings_take(&s, "baud", "250000"), 1);
	ck_assert_int_eq(serial_settings_take(&s, "parity", "even"), 1);
	ck_assert_int_eq(serial_settings_take(&s, "data", "7"), 1);
	ck_assert_int_eq(serial_settings_take(&s, "stop", "2"), 1);
	ck_assert_int_eq(serial_settings_take(&s, "flow", "rtscts"), 1);
	serial_settings_text(&s, text, sizeof(text));
	ck_assert_str_eq(text, "250000 7E2 rtscts");
	ck_assert_uint_eq(serial_bits_per_byte(&s), 11);
	ck_assert_int_eq(serial_settings_take(&s, "colour", "red"), 0);
	ck_assert_int_eq(serial_settings_take(&s, "baud", "49"), -EINVAL);
	ck_assert_int_eq(serial_settings_take(&s, "baud", "9600x"), -EINVAL);
	ck_assert_int_eq(serial_settings_take(&s, "data", "9"), -EINVAL);
	ck_assert_int_eq(serial_settings_take(&s, "parity", "mark"), -EINVAL);
	ck_assert_uint_eq(s.baud, 250000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.serial_text");
	TCase *c = tcase_create("text");

	tcase_add_test(c, lines_parse_groups_what_belongs_together);
	tcase_add_loop_test(c, lines_parse_refuses, 0,
		sizeof(bad_lines) / sizeof(bad_lines[0]));
	tcase_add_test(c, parse_usb_reads_identity);
	tcase_add_test(c, parse_usb_refuses);
	tcase_add_test(c, find_of_an_absent_identity_is_enodev);
	tcase_add_test(c, settings_take_and_say);
	suite_add_tcase(s, c);
	return unit_run(s);
}

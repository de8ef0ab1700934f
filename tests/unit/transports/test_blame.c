/* What people are told of a port that cannot be had: each kind of target, with
 * its name in front and what helps behind. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/serial/blame.h"

static const struct {
	const char *name, *target;
	int error;
	const char *why;
	const char *begins, *says;
} rows[] = {
	{"no port", "/dev/ttyUSB0", -ENODEV, NULL, "/dev/ttyUSB0: ",
		"plugged in"},
	{"no file", "/dev/ttyUSB0", -ENOENT, NULL, "/dev/ttyUSB0: ",
		"by-id"},
	{"rights", "/dev/ttyACM1", -EACCES, NULL, "/dev/ttyACM1: ", "dialout"},
	{"device rules", "/dev/ttyACM1", -EPERM, NULL, "/dev/ttyACM1: ",
		"DeviceAllow="},
	{"held", "/dev/ttyS0", -EBUSY, NULL, "/dev/ttyS0: ", "fuser"},
	{"no hardware", "/dev/ttyS9", -ENXIO, NULL, "/dev/ttyS9: ", "behind"},
	{"known better", "/dev/null", -EINVAL, "is not a serial line",
		"/dev/null: is not a serial line", ""},
	{"no stick", "usb:10c4:ea60:0001", -ENODEV, NULL,
		"usb:10c4:ea60:0001: ", "plugged in"},
	{"two sticks", "usb:10c4:ea60", -EEXIST, NULL, "usb:10c4:ea60: ",
		"serial number"},
	{"stick, rights", "usb:10c4:ea60", -EACCES, NULL, "usb:10c4:ea60: ",
		"dialout"},
	{"nobody listens", "tcp://hub:6638", -ECONNREFUSED, NULL,
		"tcp://hub:6638: ", "serial server"},
	{"no such host", "tcp://hub:6638", -EHOSTUNREACH, NULL,
		"tcp://hub:6638: ", "name"},
	{"no answer", "tcp://hub:6638", -ETIMEDOUT, NULL, "tcp://hub:6638: ",
		"firewall"},
	{"other error of tcp", "tcp://hub:6638", -EACCES, NULL,
		"tcp://hub:6638: Permission denied", ""},
	{"no socket", "seqpacket:/run/zcl.sock", -ENOENT, NULL,
		"/run/zcl.sock: ", "stack run"},
	{"socket without stack", "seqpacket:/run/zcl.sock", -ECONNREFUSED, NULL,
		"/run/zcl.sock: ", "stack run"},
	{"socket, rights", "seqpacket:/run/zcl.sock", -EACCES, NULL,
		"/run/zcl.sock: ", "SupplementaryGroups="},
	{"socket of a kind", "seqpacket:/run/zcl.sock", -EPROTOTYPE, NULL,
		"/run/zcl.sock: ", "SOCK_SEQPACKET"},
	{"any other", "/dev/ttyS0", -EMFILE, NULL,
		"/dev/ttyS0: Too many open files", ""},
};

START_TEST(blame_names_the_target_and_what_helps)
{
	char text[256];

	serial_blame(rows[_i].target, rows[_i].error, rows[_i].why, text,
		sizeof(text));
	ck_assert_msg(!strncmp(text, rows[_i].begins, strlen(rows[_i].begins)),
		"%s: %s", rows[_i].name, text);
	ck_assert_msg(strstr(text, rows[_i].says), "%s: %s", rows[_i].name,
		text);
}
END_TEST

START_TEST(blame_cuts_what_is_too_long)
{
	char text[16];

	ck_assert_str_eq(serial_blame("/dev/serial/by-id/usb-1", -ENODEV, NULL,
		text, sizeof(text)), "/dev/serial/by-");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("blame");
	TCase *c = tcase_create("blame");

	tcase_add_loop_test(c, blame_names_the_target_and_what_helps, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(c, blame_cuts_what_is_too_long);
	suite_add_tcase(s, c);
	return unit_run(s);
}

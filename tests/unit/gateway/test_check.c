/* What ferryd refuses before it runs: one wrong file in a folder that is good
 * otherwise, and the line that an operator reads. */
#include "tests/unit/gateway/config_test.h"

#include "devices/engine.h"
#include "gateway/daemon/check.h"
#include "gateway/relay/network.h"
#include "transports/sim/sim.h"

#define VENDOR "root = \"/etc/r.cose\"; vendor_ids = [" \
	"\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"];\n" \
	"link = { url = \"https://v.example/\"; ca = \"/ca.pem\"; };\n"
#define IDS "vendor = \"acme\";\n" \
	"vendor_id = \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\";\n" \
	"class_id = \"6ba7b811-9dad-11d1-80b4-00c04fd430c8\";\n"
#define ONE "components = ( { id = \"app\"; slot = 0; } );\n"
/* Four lines. */
#define BULB IDS "engine = \"zigbee-ota\"; " ONE
#define METER IDS "engine = \"smp\"; " ONE
#define TRV IDS "engine = \"zigbee2mqtt\"; " ONE

#define SERIAL "driver = \"serial\";\nparams = {\n\tport = \"/dev/ttyS0\";\n"
#define ZIGBEE(stack, port) "driver = \"zigbee\";\nparams = {\n\tstack = \"" \
	stack "\";\n\tport = \"" port "\";\n"
#define ZNP ZIGBEE("znp", "/dev/ttyUSB0")

#define PORT "must be an absolute path, usb:VID:PID[:SERIAL] or " \
	"tcp://HOST:PORT"
#define SOCKET "must be the absolute path of the stack's socket, at most 107 " \
	"bytes"
#define LINES "must be words such as dtr=0, rts=1 and break=0, and pauses " \
	"such as 100ms: at most 24 steps and 60 s"

static char said[600];

static void setup(void)
{
	config_setup();
	put("vendors.d/acme.conf", VENDOR);
}

/* "" or what ferryd would print, without the folder. */
static const char *check(void)
{
	size_t len = strlen(folder);
	char line[16] = "";
	int err;

	config_free(config);
	config = NULL;
	problem = (struct conf_problem){0};
	err = check_load(folder, &config, &problem);
	said[0] = '\0';
	if (err) {
		ck_assert_ptr_null(config);
		if (problem.line)
			snprintf(line, sizeof(line), "%d:", problem.line);
		snprintf(said, sizeof(said), "%s:%s %s %s",
			strncmp(problem.file, folder, len) ? problem.file :
			problem.file + len + 1, line, problem.fault.field,
			problem.fault.rule);
	}
	return said;
}

struct row {
	const char *file;
	const char *text;
	const char *said; /* "" is good */
};

/* ---- settings of drivers ---- */

static const struct row params[] = {
	{"links.d/a.conf", SERIAL "};", ""},
	{"links.d/a.conf", SERIAL "\tbuad = 9600;\n};",
		"links.d/a.conf:4: buad is not known to driver serial; did you "
		"mean 'baud'?"},
	{"links.d/a.conf", SERIAL "\tcolour = \"red\";\n};",
		"links.d/a.conf:4: colour is not known to driver serial; known "
		"are port, baud, data, parity, stop, flow, mode, hotplug, "
		"low_latency, boot_wait, open_lines, ..."},
	{"links.d/a.conf", SERIAL "\tbaud = 49;\n};",
		"links.d/a.conf:4: baud must be a number of 50..12000000"},
	{"links.d/a.conf", SERIAL "\tbaud = \"115200 \";\n};",
		"links.d/a.conf:4: baud must be a number of 50..12000000"},
	{"links.d/a.conf", SERIAL "\tparity = \"mark\";\n};",
		"links.d/a.conf:4: parity must be one of none|even|odd"},
	{"links.d/a.conf", SERIAL "\topen_lines = \"dtr=2\";\n};",
		"links.d/a.conf:4: open_lines " LINES},
	{"links.d/a.conf", "driver = \"serial\";",
		"links.d/a.conf:1: port is missing"},
	{"links.d/a.conf", "driver = \"serial\";\nparams = {\n"
		"\tport = \"ttyS0\"; };", "links.d/a.conf:3: port " PORT},
	{"links.d/a.conf", "driver = \"serial\"; params = { port = "
		"\"usb:10c4\"; };", "links.d/a.conf:1: port " PORT},
	{"links.d/a.conf", "driver = \"serial\"; params = { port = "
		"\"usb:10c4:ea60:0001\"; };", ""},
	{"links.d/a.conf", "driver = \"serial\"; params = { port = "
		"\"tcp://box:2000\"; };", ""},
	{"links.d/a.conf", "driver = \"serial\"; params = { port = "
		"\"tcp://[::1]:2000\"; };", ""},
	{"links.d/a.conf", "driver = \"serial\"; params = { port = "
		"\"tcp://box\"; };", "links.d/a.conf:1: port " PORT},
	{"links.d/a.conf", "driver = \"serial\"; params = { port = "
		"\"tcp://box:65536\"; };", "links.d/a.conf:1: port " PORT},
	{"links.d/a.conf", "driver = \"serial\"; params = { port = "
		"\"tcp://:2000\"; };", "links.d/a.conf:1: port " PORT},
	{"links.d/a.conf", "driver = \"serail\";",
		"links.d/a.conf:1: driver 'serail' is not built in, and "
		"drivers.allow_shared_objects is off; did you mean 'serial'?"},
	{"links.d/a.conf", "\ndrivr = \"serial\";",
		"links.d/a.conf:2: drivr is not a setting of this file; did "
		"you mean 'driver'?"},
	{"links.d/a.conf", "driver = \"sim\"; params = { path = \"/s\"; };",
		""},
	{"links.d/a.conf", "driver = \"sim\"; params = { path = \"/s\";\n"
		"silence = 9; };",
		"links.d/a.conf:2: silence must be a number of 10..10000"},
	{"links.d/a.conf", "driver = \"sim\";\nparams = { path = \"/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\"; };", "links.d/a.conf:2: path must be at most 107 bytes"},

	{"links.d/a.conf", ZNP "};", ""},
	{"links.d/a.conf", ZIGBEE("zcl-socket", "/run/stack.sock") "};", ""},
	{"links.d/a.conf", ZIGBEE("zcl-socket", "stack.sock") "};",
		"links.d/a.conf:4: port " SOCKET},
	{"links.d/a.conf", ZIGBEE("zcl-socket", "usb:10c4:ea60") "};",
		"links.d/a.conf:4: port " SOCKET},
	{"links.d/a.conf", ZIGBEE("zcl-socket", "tcp://box:1") "};",
		"links.d/a.conf:4: port " SOCKET},
	{"links.d/a.conf", ZIGBEE("ezsp", "ttyUSB0") "};",
		"links.d/a.conf:4: port " PORT},
	{"links.d/a.conf", ZIGBEE("ezsp", "tcp://box:0") "};",
		"links.d/a.conf:4: port " PORT},
	{"links.d/a.conf", ZIGBEE("deconz", "usb:1cf1:0030") "};", ""},
	{"links.d/a.conf", ZIGBEE("thread", "/dev/ttyUSB0") "};",
		"links.d/a.conf:3: stack must be one of "
		"zcl-socket|znp|ezsp|deconz"},
	{"links.d/a.conf", ZNP "\tbaud = 49;\n};",
		"links.d/a.conf:5: baud must be 0 or a number of 50 to "
		"12000000"},
	{"links.d/a.conf", ZNP "\tchannel = 27;\n};",
		"links.d/a.conf:5: channel must be a number of 11..26"},
	{"links.d/a.conf", ZNP "\tpan = \"0x10000\";\n};",
		"links.d/a.conf:5: pan must be a number of 0 to 0xffff"},
	{"links.d/a.conf", ZNP "\tpan = \"1a62\";\n};",
		"links.d/a.conf:5: pan must be a number of 0 to 0xffff"},
	{"links.d/a.conf", ZNP "\tpan = \"0x1a62\";\n};", ""},
	{"links.d/a.conf", ZNP "\tnetwork_key = \"0011\";\n};",
		"links.d/a.conf:5: network_key must be 32 hexadecimal digits, "
		"not all 0"},
	{"links.d/a.conf", ZNP "\tnetwork_key = "
		"\"00000000000000000000000000000000\";\n};",
		"links.d/a.conf:5: network_key must be 32 hexadecimal digits, "
		"not all 0"},
	{"links.d/a.conf", ZNP "\twindow = 65;\n};",
		"links.d/a.conf:5: window must be a number of 0..64"},
	{"links.d/a.conf", ZNP "\tchanel = 15;\n};",
		"links.d/a.conf:5: chanel is not known to driver zigbee; did "
		"you mean 'channel'?"},

	{"links.d/a.conf", "delegate = \"zigbee2mqtt\";\nparams = {\n"
		"url = \"mqtt://h\"; hand_over = \"url\"; };", ""},
	{"links.d/a.conf", "delegate = \"zigbee2mqtt\";\nparams = {\n"
		"url = \"http://h\"; };",
		"links.d/a.conf:3: url must be mqtt://HOST[:PORT] or "
		"mqtts://HOST[:PORT]"},
	{"links.d/a.conf", "delegate = \"zigbee2mqtt\";\nparams = {\n"
		"url = \"mqtt://h\";\ntopik = \"x\"; };",
		"links.d/a.conf:4: topik is no parameter of zigbee2mqtt; did "
		"you mean 'topic'?"},
};

/* ---- networks ---- */

#define END "};\nnetwork = {\n"

static const struct row networks[] = {
	{"links.d/a.conf", ZNP END "engine = \"zigbee-ota\"; };", ""},
	{"links.d/a.conf", SERIAL END "\tengine = \"zigbee-ota\";\n};",
		"links.d/a.conf:5: network must be left out: driver serial "
		"does not reach all devices of a radio at once, as engine "
		"zigbee-ota needs it"},
	{"links.d/a.conf", "driver = \"sim\"; params = { path = \"/s\"; };\n"
		"network = { engine = \"zigbee-ota\"; };",
		"links.d/a.conf:2: network must be left out: driver sim does "
		"not reach all devices of a radio at once, as engine "
		"zigbee-ota needs it"},
	{"links.d/a.conf", SERIAL END "};",
		""},
	{"links.d/a.conf", SERIAL END "\toptions = \"block=40\";\n};",
		"links.d/a.conf:5: network.engine must be set"},
	{"links.d/a.conf", ZNP END "\n\tengine = \"zigbee\";\n};",
		"links.d/a.conf:8: network.engine 'zigbee' is none that serves "
		"a network; did you mean 'zigbee-ota'?"},
	{"links.d/a.conf", ZNP END "\toptions = \"block=40 blok=1\";\n};",
		"links.d/a.conf:7: network.options blok is no option of this "
		"engine; did you mean 'block'?"},
	{"links.d/a.conf", ZNP END "\n\n\toptions = \"window=65\";\n};",
		"links.d/a.conf:9: network.options window must be a number "
		"from 1 to 64"},
	{"links.d/a.conf", ZNP END "\toptions = \"budget=0\";\n};",
		"links.d/a.conf:7: network.options budget must be 1 to 100 or "
		"off"},
	{"links.d/a.conf", ZNP END "\toption = \"x\";\n};",
		"links.d/a.conf:7: option is not a setting of this file; did "
		"you mean 'options'?"},
	{"links.d/a.conf", ZNP END "\tquirks = \"/ferry/none\";\n};",
		"links.d/a.conf:7: network.quirks /ferry/none cannot be read: "
		"No such file or directory"},
};

/* ---- classes ---- */

static const struct row classes[] = {
	{"classes.d/c.conf", BULB, ""},
	{"classes.d/c.conf", METER, ""},
	{"classes.d/c.conf", TRV, ""},
	{"classes.d/c.conf", IDS "\nengine = \"zigbeeota\";\n" ONE,
		"classes.d/c.conf:5: engine there is none of that name: "
		"zigbeeota; did you mean 'zigbee-ota'?"},
	{"classes.d/c.conf", BULB "options = \"activat=wait\";",
		"classes.d/c.conf:5: options.activat is no option of a class; "
		"did you mean 'activate'?"},
	{"classes.d/c.conf", BULB "options = \"blok_max=40\";",
		"classes.d/c.conf:5: options.blok_max is no option of a class; "
		"did you mean 'block_max'?"},
	{"classes.d/c.conf", BULB "options = \"finish_s=9\";",
		"classes.d/c.conf:5: options.finish_s=9 must be 10 to 172800"},
	{"classes.d/c.conf", BULB "options = \"pages=n:o\";",
		"classes.d/c.conf:5: options.pages must be yes or no"},
	{"classes.d/c.conf", METER "\noptions = \"framin=raw\";",
		"classes.d/c.conf:6: options.framin is no option of this "
		"engine; did you mean 'framing'?"},
	{"classes.d/c.conf", METER "\noptions = \"align=0\";",
		"classes.d/c.conf:6: options.align must be a number from 1 to "
		"512"},
	{"classes.d/c.conf", TRV "options = \"blok=20\";",
		"classes.d/c.conf:5: options.blok is no option of this engine; "
		"did you mean 'block'?"},
	{"classes.d/c.conf", BULB "\nconfrim = \"never\";",
		"classes.d/c.conf:6: confrim is not a setting of this file; "
		"did you mean 'confirm'?"},
	{"classes.d/c.conf", METER "\n\nconfirm = \"soon\";",
		"classes.d/c.conf:7: confirm must be on_version, "
		"after_seconds, command or never, not 'soon'"},
	{"classes.d/c.conf", METER "window = \"noon\";",
		"classes.d/c.conf:5: window "},

	/* What makes no sense on a radio. */
	{"classes.d/c.conf", IDS "engine = \"zigbee-ota\";\ncomponents = (\n"
		"{ id = \"app\"; slot = 0; },\n{ id = \"radio\"; slot = 1; }"
		" );", "classes.d/c.conf:5: components must be one: a device is "
		"offered one file at a time"},
	{"classes.d/c.conf", BULB "reset_line = \"dtr=0\";",
		"classes.d/c.conf:5: reset_line must be left out: a radio has "
		"no modem lines"},
	{"classes.d/c.conf", TRV "reset_line = \"dtr=0\";",
		"classes.d/c.conf:5: reset_line must be left out: a radio has "
		"no modem lines"},
	{"classes.d/c.conf", BULB "reset_on_open = true;",
		"classes.d/c.conf:5: reset_on_open must be false: nothing is "
		"opened for a device"},
	{"classes.d/c.conf", BULB "\ncan_revert = true;",
		"classes.d/c.conf:6: can_revert must be false: a device that "
		"runs an image does not go back"},
	{"classes.d/c.conf", BULB "confirm = \"never\";",
		"classes.d/c.conf:5: confirm must be on_version: a device that "
		"runs an image has confirmed it"},
	{"classes.d/c.conf", BULB "reappear = \"same_link\";",
		"classes.d/c.conf:5: reappear must be same_key: a device keeps "
		"its EUI-64"},

	/* Words that peers are known by. */
	{"classes.d/c.conf", BULB "match = { model = \"x\"; kind = \"router\"; "
		"driver = \"zigbee\"; link = \"h*\"; key = \"00*\"; };", ""},
	{"classes.d/c.conf", BULB "match = {\n\tmodell = \"x\"; };",
		"classes.d/c.conf:6: match.modell is nothing that peers are "
		"known by; did you mean 'model'?"},
	{"classes.d/c.conf", BULB "match = { driver = \"zigbee\";\n"
		"usb_serial = \"1\"; };",
		"classes.d/c.conf:6: match.usb_serial is nothing that peers "
		"are known by; known are driver, link, key, manufacturer, "
		"image_type, file_version, hw_version, model, "
		"manufacturer_name, ..."},
	{"classes.d/c.conf", METER "match = { usb_serial = \"1\"; };", ""},
	{"classes.d/c.conf", METER "match = { usb_seril = \"1\"; };",
		"classes.d/c.conf:5: match.usb_seril is nothing that peers are "
		"known by; did you mean 'usb_serial'?"},
	{"classes.d/c.conf", TRV "match = { driver = \"zigbee2mqtt\"; "
		"power_source = \"Battery\"; };", ""},
	{"classes.d/c.conf", TRV "match = { powr_source = \"Battery\"; };",
		"classes.d/c.conf:5: match.powr_source is nothing that peers "
		"are known by; did you mean 'power_source'?"},
	{"classes.d/c.conf", METER "match = { driver = \"serail\"; };",
		"classes.d/c.conf:5: match.driver 'serail' is no driver; did "
		"you mean 'serial'?"},
	/* The simulator's devices may say anything of themselves. */
	{"classes.d/c.conf", METER "match = { driver = \"sim\"; "
		"colour = \"red\"; };", ""},
};

/* ---- the rest ---- */

static const struct row others[] = {
	{"ferryd.conf", "\nadmin = {\n\tviewers = [\"\"]; };",
		"ferryd.conf:3: admin.viewers '': names the unknown user ''"},
	{"ferryd.conf", "retry = {\n\tfirst_s = 60; max_s = 30; };",
		"ferryd.conf:1: retry first_s must not be more than max_s"},
	{"ferryd.conf", "\n\nwindow = \"noon\";", "ferryd.conf:3: window "},
	{"vendors.d/acme.conf", VENDOR "evidence_hosts = [\"a/b\"];",
		"vendors.d/acme.conf:3: evidence_hosts 'a/b' is no host or "
		"host:port"},
	{"vendors.d/acme.conf", VENDOR "heir_of = \"acme\";",
		"vendors.d/acme.conf:3: heir_of must be another file of "
		"vendors.d"},
	{"vendors.d/acme.conf", VENDOR "heir_of = \"acmee\";",
		"vendors.d/acme.conf:3: heir_of names no file of vendors.d: "
		"'acmee'; did you mean 'acme'?"},
	{"classes.d/c.conf", "name = \"c\";\nvendor = \"acne\"; vendor_id = "
		"\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"; class_id = "
		"\"6ba7b811-9dad-11d1-80b4-00c04fd430c8\"; engine = \"smp\";"
		ONE, "classes.d/c.conf:2: vendor names no file of vendors.d: "
		"'acne'; did you mean 'acme'?"},
	{"vendors.d/acme.conf", VENDOR "evidence_host = [\"a\"];",
		"vendors.d/acme.conf:3: evidence_host is not a setting of this "
		"file; did you mean 'evidence_hosts'?"},
};

static void try_row(const struct row *row)
{
	size_t len = strlen(row->said);

	put(row->file, row->text);
	check();
	/* A text that ends with a blank is the beginning only. */
	if (len && row->said[len - 1] == ' ')
		said[len] = '\0';
	ck_assert_msg(!strcmp(said, row->said), "%s\n%s\nsays: %s\nnot:  %s",
		row->file, row->text, said, row->said);
}

START_TEST(params_by_row_are_judged)
{
	try_row(&params[_i]);
}
END_TEST

START_TEST(network_by_row_is_judged)
{
	try_row(&networks[_i]);
}
END_TEST

START_TEST(class_by_row_is_judged)
{
	try_row(&classes[_i]);
}
END_TEST

START_TEST(other_file_by_row_is_judged)
{
	try_row(&others[_i]);
}
END_TEST

/* ---- what links make of classes ---- */

static const struct together {
	const char *link;
	const char *class;
	const char *said;
} together[] = {
	{SERIAL "};", METER "channel = { baud = 9600; };", ""},
	{SERIAL "};", METER "channel = {\n\tbaud = 49; };",
		"classes.d/c.conf:6: channel.baud must be a number of "
		"50..12000000"},
	{SERIAL "};", METER "channel = { buad = 9600; };",
		"classes.d/c.conf:5: channel.buad is not known to driver "
		"serial; did you mean 'baud'?"},
	{SERIAL "};", METER "reset_line = \"dtr=0 100ms dtr=1\";", ""},
	{SERIAL "};", METER "reset_line = \"dtr=0 dtr=1\";",
		"classes.d/c.conf:5: reset_line " LINES},
	{SERIAL "};", METER "reset_line = \"dtr=0 61000ms dtr=1\";",
		"classes.d/c.conf:5: reset_line " LINES},
	{"driver = \"sim\"; params = { path = \"/s\"; };",
		METER "reset_line = \"dtr=0\";",
		"classes.d/c.conf:5: reset_line is not known to driver sim; "
		"known are payload, loss"},
	/* Peers of the simulator are of this class, too. */
	{"driver = \"sim\"; params = { path = \"/s\"; };",
		METER "match = { colour = \"red\"; };", ""},
	{"driver = \"sim\"; params = { path = \"/s\"; };",
		METER "match = { driver = \"serial\"; colour = \"red\"; };",
		"classes.d/c.conf:5: match.colour is nothing that peers are "
		"known by; known are driver, link, key, path, usb_vid, "
		"usb_pid, usb_serial"},
	/* ... but not of that one. */
	{"driver = \"sim\"; params = { path = \"/s\"; };",
		BULB "match = { modell = \"x\"; };",
		"classes.d/c.conf:5: match.modell is nothing that peers are "
		"known by; did you mean 'model'?"},
	{ZNP "};", METER "channel = { baud = 49; };", ""},
};

START_TEST(class_and_link_by_row_are_judged)
{
	const struct together *row = &together[_i];

	put("links.d/a.conf", row->link);
	try_row(&(struct row){"classes.d/c.conf", row->class, row->said});
}
END_TEST

START_TEST(quirks_are_named_by_their_own_file_and_line)
{
	char link[400];

	put("quirks.txt", "# mine\n\nmanufacturer=0x1021 : block_most=64\n");
	snprintf(link, sizeof(link), ZNP END "quirks = \"%s/quirks.txt\"; };",
		folder);
	try_row(&(struct row){"links.d/a.conf", link, "quirks.txt:3: "
		"block_most is not a setting of devices; did you mean "
		"'block_max' or 'block_min'?"});
	put("quirks.txt", "modle=\"x\" : block_max=64\n");
	try_row(&(struct row){"links.d/a.conf", link, "quirks.txt:1: modle is "
		"not a word that devices are matched by; did you mean "
		"'model'?"});
	put("quirks.txt", "type=1 : block_max=64\ntype=2 : block_max=7");
	try_row(&(struct row){"links.d/a.conf", link,
		"quirks.txt:2: block_max=7 must be 8 to 64"});
}
END_TEST

/* Nothing is opened: a device that is not there does not matter. */
START_TEST(good_configuration_is_given_back)
{
	put("links.d/a.conf", SERIAL "};");
	put("links.d/b.conf", ZNP "};");
	put("classes.d/c.conf", METER);
	ck_assert_str_eq(check(), "");
	ck_assert_uint_eq(config->link_count, 2);
	ck_assert_uint_eq(config->class_count, 1);
}
END_TEST

/* A radio of another kind. */
START_TEST(network_needs_the_channels_of_its_engine)
{
	struct ferry_driver table = *sim_driver();
	struct transport_driver *driver;
	struct fault fault = {0};

	table.caps |= FERRY_CAP_CHANNELS | FERRY_CAP_ANY_PEER;
	ck_assert_int_eq(transport_driver_admit(&table, &driver, NULL), 0);
	ck_assert_int_eq(network_check(engine_find("zigbee-ota"), driver,
		&fault), ERR_TRANSPORT_PARAMETER);
	ck_assert_str_eq(fault.field, "network");
	ck_assert_str_eq(fault.rule, "must be left out: driver sim has no "
		"channels for engine zigbee-ota: profile is not known to "
		"driver sim");
	transport_driver_free(driver);
}
END_TEST

START_TEST(driver_of_many_links_is_judged_for_each)
{
	char file[32];

	for (int i = 0; i < 20; i++) {
		snprintf(file, sizeof(file), "links.d/l%02d.conf", i);
		put(file, i == 17 ? SERIAL "\tstop = 3;\n};" : SERIAL "};");
	}
	ck_assert_str_eq(check(),
		"links.d/l17.conf:4: stop must be one of 1|2");
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *suite = suite_create("gateway.check");
	TCase *c = tcase_create("check");

	tcase_add_checked_fixture(c, setup, config_teardown);
	tcase_add_loop_test(c, params_by_row_are_judged, 0, ROWS(params));
	tcase_add_loop_test(c, network_by_row_is_judged, 0, ROWS(networks));
	tcase_add_loop_test(c, class_by_row_is_judged, 0, ROWS(classes));
	tcase_add_loop_test(c, other_file_by_row_is_judged, 0, ROWS(others));
	tcase_add_loop_test(c, class_and_link_by_row_are_judged, 0,
		ROWS(together));
	tcase_add_test(c, quirks_are_named_by_their_own_file_and_line);
	tcase_add_test(c, good_configuration_is_given_back);
	tcase_add_test(c, network_needs_the_channels_of_its_engine);
	tcase_add_test(c, driver_of_many_links_is_judged_for_each);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

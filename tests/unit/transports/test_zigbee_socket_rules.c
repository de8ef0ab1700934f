/* What the author of a stack is told of a packet that Ferry refuses. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "transports/zigbee/socket_wire.h"

#define NETWORK(channel, window, asdu, eui64, text) "81" "01" "03" channel \
	window asdu "621a" eui64 "dddddddddddddddd" text
#define HUB "ff000000004b1200"

static const struct {
	const char *hex;
	const char *rule; /* "" when there is none */
} rows[] = {
	{"", "a packet must have 1 to 256 bytes"},
	{"81", "it is shorter than its layout"},
	{"0458", "it is shorter than its layout"},
	{"015a434c540101", "it must begin with 5A 43 4C 53"},
	{"015a434c530201", "versions must be a range from 1 on"},
	{NETWORK("1b", "08", "52", HUB, ""), "channel must be 11 to 26, or 0"},
	{NETWORK("0f", "00", "52", HUB, ""), "window must be 1 to 64"},
	{NETWORK("0f", "08", "27", HUB, ""),
		"longest ASDU must be 40 to 128"},
	{NETWORK("0f", "08", "52", "0000000000000000", ""),
		"eui64 must not be 0"},
	{NETWORK("0f", "08", "52", HUB, "0a"),
		"text must be at most 80 printable ASCII bytes"},
	{NETWORK("0f", "08", "52", HUB, "687562"), ""},
	{"820000000000000000341204", "eui64 must not be 0"},
	{"84341201000000004b1200040119000b0100ffd8803e0000",
		"ASDU must have 1 to 128 bytes"},
	{"8500000000000000000080250000", "id must not be 0"},
	{"7f0102", ""}, /* a type of a later version */
};

START_TEST(zs_broken_rule_names_what_is_wrong)
{
	uint8_t at[ZS_PACKET_MAX];
	size_t len = strlen(rows[_i].hex) / 2;

	ck_assert_int_eq(bytes_from_hex(rows[_i].hex, at, len), 0);
	ck_assert_str_eq(zs_broken_rule(bytes_of(at, len)), rows[_i].rule);
}
END_TEST

START_TEST(zs_broken_rule_of_a_packet_too_long_is_its_length)
{
	uint8_t at[ZS_PACKET_MAX + 1] = {ZS_LIST};

	ck_assert_str_eq(zs_broken_rule(bytes_of(at, sizeof(at))),
		"a packet must have 1 to 256 bytes");
	ck_assert_str_eq(zs_broken_rule(bytes_of(at, ZS_PACKET_MAX)), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("zigbee.socket.rules");
	TCase *c = tcase_create("rules");

	tcase_add_loop_test(c, zs_broken_rule_names_what_is_wrong, 0,
		sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(c, zs_broken_rule_of_a_packet_too_long_is_its_length);
	suite_add_tcase(s, c);
	return unit_run(s);
}

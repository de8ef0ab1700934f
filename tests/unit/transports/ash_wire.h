/* What an ASH line carries, written in hexadecimal. */
#ifndef FERRY_TESTS_ASH_WIRE_H
#define FERRY_TESTS_ASH_WIRE_H

#include "tests/unit/unit.h"
#include "transports/zigbee/ash_frame.h"

/* Fails the test, which names the row, unless these are the bytes. */
static inline void assert_wire(struct bytes got, const char *want,
	const char *row)
{
	char text[4 * ASH_WIRE_MAX];
	uint8_t at[2 * ASH_WIRE_MAX];
	struct bytes b = bytes_of(at, unit_unhex(want, at, sizeof(at)));

	ck_assert_msg(bytes_equal(got, b), "%s: %s", row,
		bytes_to_hex(got, text, sizeof(text)));
}

#endif

#include "devices/zigbee_ota/zcl.h"

#define TYPE_BITMAP8 0x18
#define TYPE_BITMAP64 0x1f
#define TYPE_UINT8 0x20
#define TYPE_UINT64 0x27
#define TYPE_ENUM8 0x30
#define TYPE_ENUM16 0x31
#define TYPE_OCTETS 0x41
#define TYPE_TEXT 0x42
#define TYPE_LONG_OCTETS 0x43
#define TYPE_LONG_TEXT 0x44

/* Types of a fixed length, ranges of which grow by a byte a type where `step`
 * is 1. Arrays, structures, sets and bags are not here: nothing that we read
 * has one. */
static const struct fixed {
	uint8_t first, last;
	uint8_t len;
	uint8_t step;
} fixed_types[] = {
	{0x00, 0x00, 0, 0},  /* no data */
	{0x08, 0x0f, 1, 1},  /* data8 .. data64 */
	{0x10, 0x10, 1, 0},  /* bool */
	{TYPE_BITMAP8, TYPE_BITMAP64, 1, 1},
	{TYPE_UINT8, TYPE_UINT64, 1, 1},
	{0x28, 0x2f, 1, 1},  /* int8 .. int64 */
	{TYPE_ENUM8, TYPE_ENUM16, 1, 1},
	{0x38, 0x38, 2, 0},  /* half, single and double precision */
	{0x39, 0x39, 4, 0},
	{0x3a, 0x3a, 8, 0},
	{0xe0, 0xe2, 4, 0},  /* time of day, date, UTC */
	{0xe8, 0xe9, 2, 0},  /* cluster, attribute */
	{0xea, 0xea, 4, 0},  /* BACnet object */
	{0xf0, 0xf0, 8, 0},  /* EUI-64 */
	{0xf1, 0xf1, 16, 0}, /* key */
};

/* Bytes before the value that say how long it is. */
static size_t length_bytes(uint8_t type)
{
	switch (type) {
	case TYPE_OCTETS:
	case TYPE_TEXT:
		return 1;
	case TYPE_LONG_OCTETS:
	case TYPE_LONG_TEXT:
		return 2;
	default:
		return 0;
	}
}

/* The value at the start of `in`; a string whose length byte says "invalid" is
 * empty. */
static int take_string(struct bytes in, size_t prefix, struct bytes *ret,
	size_t *ret_used)
{
	size_t len;

	if (in.len < prefix)
		return ERR_ZCL_TRUNCATED;
	len = prefix == 1 ? in.at[0] : get_le16(in.at);
	if (len == (prefix == 1 ? 0xffu : 0xffffu))
		len = 0;
	if (len > in.len - prefix)
		return ERR_ZCL_TRUNCATED;
	*ret = bytes_slice(in, prefix, len);
	*ret_used = prefix + len;
	return 0;
}

static int take_value(uint8_t type, struct bytes in, struct bytes *ret,
	size_t *ret_used)
{
	size_t prefix = length_bytes(type);

	if (prefix)
		return take_string(in, prefix, ret, ret_used);
	for (size_t i = 0; i < sizeof(fixed_types) / sizeof(fixed_types[0]);
			i++) {
		const struct fixed *row = &fixed_types[i];
		size_t len;

		if (type < row->first || type > row->last)
			continue;
		len = row->len + (size_t)(type - row->first) * row->step;
		if (len > in.len)
			return ERR_ZCL_TRUNCATED;
		*ret = bytes_slice(in, 0, len);
		*ret_used = len;
		return 0;
	}
	return ERR_ZCL_TYPE;
}

int zcl_next_record(struct bytes *rest, struct zcl_record *ret)
{
	struct zcl_record r = {0};
	size_t used = 3;

	if (rest->len == 0)
		return 0;
	if (rest->len < used)
		return ERR_ZCL_TRUNCATED;
	r.id = get_le16(rest->at);
	r.status = rest->at[2];
	if (r.status == ZCL_SUCCESS) {
		size_t len;
		int err;

		if (rest->len < ++used)
			return ERR_ZCL_TRUNCATED;
		r.type = rest->at[3];
		err = take_value(r.type, bytes_slice(*rest, used, rest->len),
			&r.data, &len);
		if (err)
			return err;
		used += len;
	}
	*rest = bytes_slice(*rest, used, rest->len);
	*ret = r;
	return 1;
}

int zcl_record_number(const struct zcl_record *r, uint64_t *ret)
{
	bool is_number = (r->type >= TYPE_BITMAP8 &&
		r->type <= TYPE_BITMAP64) || (r->type >= TYPE_UINT8 &&
		r->type <= TYPE_UINT64) || r->type == TYPE_ENUM8 ||
		r->type == TYPE_ENUM16;
	uint64_t value = 0;

	if (r->status != ZCL_SUCCESS || !is_number || r->data.len < 1 ||
			r->data.len > 8)
		return ERR_ZCL_TYPE;
	for (size_t i = r->data.len; i > 0; i--)
		value = value << 8 | r->data.at[i - 1];
	*ret = value;
	return 0;
}

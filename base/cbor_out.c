#include "base/cbor_out.h"

size_t cbor_head(uint8_t *at, unsigned major, uint64_t value)
{
	unsigned detail = value < 24 ? (unsigned)value : value <= 0xff ? 24 :
		value <= 0xffff ? 25 : value <= 0xffffffff ? 26 : 27;
	size_t extra = detail < 24 ? 0 : (size_t)1 << (detail - 24);

	at[0] = (uint8_t)(major << 5 | detail);
	for (size_t i = 0; i < extra; i++)
		at[1 + i] = (uint8_t)(value >> (8 * (extra - 1 - i)));
	return 1 + extra;
}

static void put_head(struct buf *b, unsigned major, uint64_t value)
{
	uint8_t head[9];

	buf_add(b, head, cbor_head(head, major, value));
}

void cbor_put_uint(struct buf *b, uint64_t value)
{
	put_head(b, 0, value);
}

void cbor_put_int(struct buf *b, int64_t value)
{
	if (value < 0)
		put_head(b, 1, (uint64_t)(-1 - value));
	else
		put_head(b, 0, (uint64_t)value);
}

void cbor_put_bstr_head(struct buf *b, uint64_t len)
{
	put_head(b, 2, len);
}

void cbor_put_bstr(struct buf *b, struct bytes value)
{
	put_head(b, 2, value.len);
	buf_add_bytes(b, value);
}

void cbor_put_tstr_bytes(struct buf *b, struct bytes value)
{
	put_head(b, 3, value.len);
	buf_add_bytes(b, value);
}

void cbor_put_tstr(struct buf *b, const char *value)
{
	cbor_put_tstr_bytes(b, bytes_of_text(value));
}

void cbor_put_array(struct buf *b, uint64_t count)
{
	put_head(b, 4, count);
}

void cbor_put_map(struct buf *b, uint64_t pairs)
{
	put_head(b, 5, pairs);
}

void cbor_put_tag(struct buf *b, uint64_t tag)
{
	put_head(b, 6, tag);
}

void cbor_put_bool(struct buf *b, bool value)
{
	put_head(b, 7, value ? 21 : 20);
}

void cbor_put_null(struct buf *b)
{
	put_head(b, 7, 22);
}

#include "policy/trust/der.h"

#include <mbedtls/asn1.h>

#include "policy/trust/date.h"

/* Octets of the shortest header of an element with this much content. */
static size_t header_len(size_t len)
{
	size_t n = 2;

	if (len >= 0x80)
		for (; len; len >>= 8)
			n++;
	return n;
}

/* Mbed TLS moves a pointer that is not const and writes through none. */
static bool take(struct bytes *in, int tag, struct bytes *ret_content,
	size_t *ret_header)
{
	const uint8_t *end;
	uint8_t *p;
	size_t len;

	if (in->len < 2)
		return false;
	p = (uint8_t *)(uintptr_t)in->at;
	end = p + in->len;
	if (mbedtls_asn1_get_tag(&p, end, &len, tag))
		return false;
	*ret_header = (size_t)(p - in->at);
	if (*ret_header != header_len(len))
		return false;
	*ret_content = bytes_of(p, len);
	*in = bytes_of(p + len, (size_t)(end - p) - len);
	return true;
}

bool der_take(struct bytes *in, int tag, struct bytes *ret)
{
	size_t header;

	return take(in, tag, ret, &header);
}

bool der_take_whole(struct bytes *in, int tag, struct bytes *ret)
{
	struct bytes content;
	size_t header;

	if (!take(in, tag, &content, &header))
		return false;
	*ret = bytes_of(content.at - header, header + content.len);
	return true;
}

bool der_skip(struct bytes *in)
{
	struct bytes content;

	return in->len && (in->at[0] & 0x1f) != 0x1f &&
	       der_take(in, in->at[0], &content);
}

bool der_next_is(struct bytes in, int tag)
{
	return in.len && in.at[0] == tag;
}

/* X.690 section 8.3.2: not nine equal bits in front. */
static bool is_shortest(struct bytes content)
{
	if (content.len < 2)
		return content.len == 1;
	return !(content.at[0] == 0 && content.at[1] < 0x80) &&
	       !(content.at[0] == 0xff && content.at[1] >= 0x80);
}

bool der_take_integer(struct bytes *in, struct bytes *ret)
{
	struct bytes from = *in;
	struct bytes content;

	if (!der_take(&from, DER_INTEGER, &content) || !is_shortest(content))
		return false;
	*in = from;
	*ret = content;
	return true;
}

bool der_take_small(struct bytes *in, int tag, unsigned *ret)
{
	struct bytes from = *in;
	struct bytes content;
	unsigned value = 0;

	if (!der_take(&from, tag, &content) || !is_shortest(content) ||
		content.at[0] >= 0x80 || content.len > 3)
		return false;
	for (size_t i = 0; i < content.len; i++)
		value = value << 8 | content.at[i];
	if (value > UINT16_MAX)
		return false;
	*in = from;
	*ret = value;
	return true;
}

bool der_take_boolean(struct bytes *in, bool *ret)
{
	struct bytes from = *in;
	struct bytes content;

	if (!der_take(&from, DER_BOOLEAN, &content) || content.len != 1 ||
		(content.at[0] != 0 && content.at[0] != 0xff))
		return false;
	*in = from;
	*ret = content.at[0] != 0;
	return true;
}

bool der_take_bits(struct bytes *in, struct bytes *ret)
{
	struct bytes from = *in;
	struct bytes content;

	if (!der_take(&from, DER_BIT_STRING, &content) || content.len < 1 ||
		content.at[0] != 0)
		return false;
	*in = from;
	*ret = bytes_slice(content, 1, content.len - 1);
	return true;
}

/* Two digits; anything else gives 100 or more. */
static unsigned pair(const uint8_t *at)
{
	unsigned high = (unsigned)at[0] - '0';
	unsigned low = (unsigned)at[1] - '0';

	return high > 9 || low > 9 ? 100 : 10 * high + low;
}

/* "MMDDHHMMSSZ" of a year. */
static bool time_of(unsigned year, const uint8_t *at, uint64_t *ret)
{
	struct date date = {year, pair(at), pair(at + 2), pair(at + 4),
		pair(at + 6), pair(at + 8)};

	if (!date_exists(&date) || at[10] != 'Z')
		return false;
	*ret = date_seconds(&date);
	return true;
}

bool der_take_generalized_time(struct bytes *in, uint64_t *ret)
{
	struct bytes from = *in;
	struct bytes text;
	unsigned century, year;

	if (!der_take(&from, DER_GENERALIZED_TIME, &text) || text.len != 15)
		return false;
	century = pair(text.at);
	year = pair(text.at + 2);
	if (century > 99 || year > 99 ||
		!time_of(100 * century + year, text.at + 4, ret))
		return false;
	*in = from;
	return true;
}

static bool take_utc_time(struct bytes *in, uint64_t *ret)
{
	struct bytes from = *in;
	struct bytes text;
	unsigned year;

	if (!der_take(&from, DER_UTC_TIME, &text) || text.len != 13)
		return false;
	year = pair(text.at);
	if (year > 99 ||
		!time_of((year < 50 ? 2000 : 1900) + year, text.at + 2, ret))
		return false;
	*in = from;
	return true;
}

bool der_take_time(struct bytes *in, uint64_t *ret)
{
	return take_utc_time(in, ret) || der_take_generalized_time(in, ret);
}

/* X.690 section 8.19.2: numbers in the fewest octets, the last one whole. */
static bool is_oid(struct bytes oid)
{
	bool begins = true;

	for (size_t i = 0; i < oid.len; i++) {
		if (begins && oid.at[i] == 0x80)
			return false;
		begins = oid.at[i] < 0x80;
	}
	return oid.len && begins;
}

bool der_take_extension(struct bytes *in, struct der_extension *ret)
{
	struct der_extension one = {.critical = false};
	struct bytes from = *in;
	struct bytes body;

	if (!der_take(&from, DER_SEQUENCE, &body) ||
		!der_take(&body, DER_OID, &one.oid) || !is_oid(one.oid))
		return false;
	if (der_next_is(body, DER_BOOLEAN) &&
		!der_take_boolean(&body, &one.critical))
		return false;
	if (!der_take(&body, DER_OCTET_STRING, &one.value) || body.len)
		return false;
	*in = from;
	*ret = one;
	return true;
}

bool der_find_extension(
	struct bytes list, struct bytes oid, struct der_extension *ret)
{
	struct der_extension one;

	while (der_take_extension(&list, &one))
		if (bytes_equal(one.oid, oid)) {
			*ret = one;
			return true;
		}
	return false;
}

bool der_are_extensions(struct bytes list, unsigned max)
{
	struct der_extension one, twin;
	unsigned count = 0;

	while (list.len) {
		if (++count > max || !der_take_extension(&list, &one) ||
			der_find_extension(list, one.oid, &twin))
			return false;
	}
	return count > 0;
}

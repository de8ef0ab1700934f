#include "policy/trust/component.h"

#include "base/cbor.h"
#include "base/cbor_out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PARTS_MAX 8

/* One part of a text: "0x00ff" as bytes, anything else as its ASCII. */
static int part_put(struct buf *b, const char *at, size_t len)
{
	uint8_t raw[COMPONENT_LEN_MAX];
	char hex[2 * COMPONENT_LEN_MAX + 1];

	if (len == 0 || len >= sizeof(hex))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (at[i] < 0x21 || at[i] > 0x7e)
			return -EINVAL;
	if (len < 2 || memcmp(at, "0x", 2) != 0) {
		cbor_put_bstr(b, bytes_of(at, len));
		return 0;
	}
	len -= 2;
	memcpy(hex, at + 2, len);
	hex[len] = 0;
	if (len == 0 || len % 2 || bytes_from_hex(hex, raw, len / 2))
		return -EINVAL;
	cbor_put_bstr(b, bytes_of(raw, len / 2));
	return 0;
}

int component_from_text(
	const char *text, uint8_t ret[COMPONENT_LEN_MAX], size_t *ret_len)
{
	struct buf b;
	unsigned parts = 1;
	int err = 0;

	for (const char *p = text; *p; p++)
		parts += *p == '/';
	if (parts > PARTS_MAX)
		return -EINVAL;
	buf_init(&b, COMPONENT_LEN_MAX);
	cbor_put_array(&b, parts);
	while (!err && parts--) {
		size_t len = strcspn(text, "/");

		err = part_put(&b, text, len);
		text += len + (parts ? 1 : 0);
	}
	if (b.err)
		err = -EINVAL;
	if (!err) {
		memcpy(ret, b.at, b.len);
		*ret_len = b.len;
	}
	buf_done(&b);
	return err;
}

static bool is_plain(struct bytes part)
{
	if (part.len == 0 || (part.len >= 2 && !memcmp(part.at, "0x", 2)))
		return false;
	for (size_t i = 0; i < part.len; i++)
		if (part.at[i] < 0x21 || part.at[i] > 0x7e || part.at[i] == '/')
			return false;
	return true;
}

char *component_to_text(struct bytes id, char *text, size_t size)
{
	struct cbor_list list;
	struct bytes part;
	struct cbor r;
	size_t used = 0;

	snprintf(text, size, "?");
	if (!component_is_valid(id))
		return text;
	cbor_init(&r, id, CBOR_STRICT);
	cbor_array(&r, &list);
	while (cbor_next(&r, &list) && !cbor_bstr(&r, &part)) {
		char hex[2 * COMPONENT_LEN_MAX + 1];
		bool plain = is_plain(part);
		int n;

		if (plain)
			n = snprintf(text + used, size - used, "%s%.*s",
				used ? "/" : "", (int)part.len,
				(const char *)part.at);
		else
			n = snprintf(text + used, size - used, "%s0x%s",
				used ? "/" : "",
				bytes_to_hex(part, hex, sizeof(hex)));
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	return text;
}

bool component_is_valid(struct bytes id)
{
	struct cbor_list list;
	struct bytes part;
	struct cbor r;
	unsigned parts = 0;

	if (id.len == 0 || id.len > COMPONENT_LEN_MAX)
		return false;
	cbor_init(&r, id, CBOR_STRICT);
	cbor_array(&r, &list);
	while (cbor_next(&r, &list)) {
		cbor_bstr(&r, &part);
		parts++;
	}
	return cbor_done(&r) == 0 && parts > 0;
}

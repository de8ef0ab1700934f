#include <stdio.h>
#include <stdlib.h>

#include "store/keys/keys_priv.h"

struct piece {
	const char *at;
	size_t len;
};

static bool piece_is(struct piece p, const char *text)
{
	return p.len == strlen(text) && !memcmp(p.at, text, p.len);
}

/* Cuts the next piece off at one of `separators`. */
static bool next_piece(
	const char **at, const char *separators, struct piece *ret)
{
	if (!**at)
		return false;
	ret->at = *at;
	ret->len = strcspn(*at, separators);
	*at += ret->len;
	if (**at)
		(*at)++;
	return true;
}

/* Percent-decoded bytes; -1 when an escape is broken or it does not fit. */
static long decode(struct piece from, uint8_t *to, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < from.len; i++) {
		uint8_t byte = (uint8_t)from.at[i];

		if (byte == '%') {
			char hex[3] = "";

			if (i + 2 >= from.len)
				return -1;
			memcpy(hex, from.at + i + 1, 2);
			if (bytes_from_hex(hex, &byte, 1))
				return -1;
			i += 2;
		}
		if (len == size)
			return -1;
		to[len++] = byte;
	}
	return (long)len;
}

static int refuse(struct fault *fault, struct piece name, const char *rule)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*s",
		name.len < sizeof(text) ? (int)name.len : 31, name.at);
	return fault_set(fault, ERR_KEYS_URI, 0, text, "%s", rule);
}

static int take_text(struct piece name, struct piece value, char *ret,
	struct fault *fault)
{
	long len = decode(value, (uint8_t *)ret, KEYS_TEXT_SIZE - 1);

	if (len < 1 || memchr(ret, '\0', (size_t)len))
		return refuse(fault, name, "must be 1 to 255 bytes, with %XX "
					   "for those that are special");
	ret[len] = '\0';
	return 0;
}

static int take_id(struct piece name, struct piece value,
	struct keys_uri *ret, struct fault *fault)
{
	long len = decode(value, ret->id, sizeof(ret->id));

	if (len < 1)
		return refuse(fault, name, "must be 1 to 64 bytes, as %XX");
	ret->id_len = (size_t)len;
	return 0;
}

static int take_type(struct piece name, struct piece value,
	struct keys_uri *ret, struct fault *fault)
{
	if (piece_is(value, "private"))
		ret->type = KEYS_URI_PRIVATE;
	else if (piece_is(value, "secret-key"))
		ret->type = KEYS_URI_SECRET;
	else
		return refuse(fault, name, "must be private or secret-key");
	return 0;
}

static int take_slot(struct piece name, struct piece value,
	struct keys_uri *ret, struct fault *fault)
{
	char text[24] = "";

	if (value.len < 1 || value.len > 19 ||
		strspn(value.at, "0123456789") < value.len)
		return refuse(fault, name, "must be a number");
	memcpy(text, value.at, value.len);
	ret->slot = strtoul(text, NULL, 10);
	ret->has_slot = true;
	return 0;
}

/* A PIN on the command line or in a configuration that others may read is no
 * secret, and a command is not run. */
static int take_pin_source(struct piece name, struct piece value,
	struct keys_uri *ret, struct fault *fault)
{
	if (value.len > 5 && !memcmp(value.at, "file:", 5)) {
		value.at += 5;
		value.len -= 5;
	}
	if (value.len < 1 || value.at[0] != '/')
		return refuse(fault, name,
			"must be the absolute path of a file");
	return take_text(name, value, ret->pin_file, fault);
}

static int take_path_attribute(struct piece name, struct piece value,
	struct keys_uri *ret, struct fault *fault)
{
	if (piece_is(name, "token"))
		return take_text(name, value, ret->token, fault);
	if (piece_is(name, "manufacturer"))
		return take_text(name, value, ret->manufacturer, fault);
	if (piece_is(name, "serial"))
		return take_text(name, value, ret->serial, fault);
	if (piece_is(name, "model"))
		return take_text(name, value, ret->model, fault);
	if (piece_is(name, "object"))
		return take_text(name, value, ret->object, fault);
	if (piece_is(name, "id"))
		return take_id(name, value, ret, fault);
	if (piece_is(name, "type"))
		return take_type(name, value, ret, fault);
	if (piece_is(name, "slot-id"))
		return take_slot(name, value, ret, fault);
	return refuse(fault, name, "is not a known attribute");
}

static int take_query_attribute(struct piece name, struct piece value,
	struct keys_uri *ret, struct fault *fault)
{
	if (piece_is(name, "module-path"))
		return take_text(name, value, ret->module, fault);
	if (piece_is(name, "pin-source"))
		return take_pin_source(name, value, ret, fault);
	if (piece_is(name, "pin-value"))
		return refuse(fault, name,
			"a PIN does not belong into a URI; use pin-source");
	return refuse(fault, name, "is not a known attribute");
}

static bool split(struct piece whole, struct piece *name, struct piece *value)
{
	const char *equals = memchr(whole.at, '=', whole.len);

	if (!equals || equals == whole.at)
		return false;
	*name = (struct piece){whole.at, (size_t)(equals - whole.at)};
	*value = (struct piece){equals + 1, whole.len - name->len - 1};
	return true;
}

static bool stands_twice(const char *text, const char *separators,
	const char *name_at, struct piece name)
{
	struct piece piece;

	while (next_piece(&text, separators, &piece) && piece.at < name_at)
		if (piece.len > name.len && piece.at[name.len] == '=' &&
			!memcmp(piece.at, name.at, name.len))
			return true;
	return false;
}

static int take_all(const char *text, const char *separators, bool query,
	struct keys_uri *ret, struct fault *fault)
{
	const char *at = text;
	struct piece whole, name, value;
	int err = 0;

	while (!err && next_piece(&at, separators, &whole)) {
		if (!split(whole, &name, &value))
			return refuse(fault, whole, "is no NAME=VALUE");
		if (stands_twice(text, separators, name.at, name))
			return refuse(fault, name, "stands twice");
		err = query ? take_query_attribute(name, value, ret, fault)
			    : take_path_attribute(name, value, ret, fault);
	}
	return err;
}

int keys_uri_parse(const char *text, struct keys_uri *ret, struct fault *fault)
{
	char path[SECRET_KEY_WHERE_MAX];
	struct keys_uri uri = {0};
	const char *query;
	size_t len;
	int err;

	if (strncmp(text, "pkcs11:", 7) || strlen(text) >= sizeof(path))
		return fault_set(fault, ERR_KEYS_URI, 0, "key",
			"must begin with pkcs11: and be shorter than %zu bytes",
			sizeof(path));
	text += 7;
	len = strcspn(text, "?");
	memcpy(path, text, len);
	path[len] = '\0';
	query = text + len + (text[len] == '?');
	err = take_all(path, ";", false, &uri, fault);
	if (!err)
		err = take_all(query, "&", true, &uri, fault);
	if (!err && !uri.object[0] && !uri.id_len)
		err = fault_set(fault, ERR_KEYS_URI, 0, "object",
			"the URI must say object or id");
	if (!err)
		*ret = uri;
	return err;
}

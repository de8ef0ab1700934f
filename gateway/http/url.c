#include "gateway/http/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/err.h"

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* Printable, and no character that servers and proxies read differently. */
static bool is_path_char(char c)
{
	return c > 0x20 && c < 0x7f && c != '\\' && c != '"' && c != '<' &&
		c != '>';
}

static void put_lower(char *to, const char *from, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		to[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
	}
	to[len] = '\0';
}

static int read_ipv6(const char *at, struct url *url, const char **ret_end)
{
	const char *end = strchr(at, ']');
	uint8_t raw[16];
	size_t len;

	if (!end || (len = (size_t)(end - at)) > INET6_ADDRSTRLEN)
		return ERR_VENDOR_URL;
	put_lower(url->host, at, len);
	if (inet_pton(AF_INET6, url->host, raw) != 1)
		return ERR_VENDOR_URL;
	url->is_ipv6 = true;
	*ret_end = end + 1;
	return 0;
}

static int read_host(const char *at, struct url *url, const char **ret_end)
{
	size_t len = 0;

	if (*at == '[')
		return read_ipv6(at + 1, url, ret_end);
	while (is_host_char(at[len]))
		len++;
	if (len == 0 || len > URL_HOST_MAX)
		return ERR_VENDOR_URL;
	put_lower(url->host, at, len);
	url->is_ipv6 = false;
	*ret_end = at + len;
	return 0;
}

static int read_port(const char *at, struct url *url, const char **ret_end)
{
	unsigned long port = 0;
	unsigned digits = 0;

	url->port = url->tls ? 443 : 80;
	*ret_end = at;
	if (*at != ':')
		return 0;
	for (at++; *at >= '0' && *at <= '9' && digits < 6; at++, digits++)
		port = port * 10 + (unsigned)(*at - '0');
	if (digits == 0 || port == 0 || port > UINT16_MAX)
		return ERR_VENDOR_URL;
	url->port = (uint16_t)port;
	*ret_end = at;
	return 0;
}

/* Removes "." and ".." segments in place (RFC 3986 section 5.2.4). */
static void remove_dots(char *path)
{
	size_t path_len = strcspn(path, "?");
	const char *query = path + path_len;
	const char *in = path;
	char *out = path;

	while (in < query) {
		size_t len = 1;

		while (in + len < query && in[len] != '/')
			len++;
		if (len == 2 && in[1] == '.') {
			if (in + len == query)
				*out++ = '/';
		} else if (len == 3 && in[1] == '.' && in[2] == '.') {
			while (out > path && *--out != '/')
				continue;
			if (in + len == query)
				*out++ = '/';
		} else {
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	if (out == path)
		*out++ = '/';
	memmove(out, query, strlen(query) + 1);
}

/* Takes path and query from `at`, which begins with '/', '?', '#' or ends. */
static int read_path(const char *at, struct url *url)
{
	size_t len = strcspn(at, "#");
	size_t lead = at[0] != '/';

	if (len + lead > URL_PATH_MAX)
		return ERR_VENDOR_URL;
	for (size_t i = 0; i < len; i++)
		if (!is_path_char(at[i]))
			return ERR_VENDOR_URL;
	if (lead)
		url->path[0] = '/';
	memcpy(url->path + lead, at, len);
	url->path[len + lead] = '\0';
	remove_dots(url->path);
	return 0;
}

static int read_after_scheme(const char *at, bool tls, struct url *ret_url)
{
	struct url url = {.tls = tls};
	int e;

	e = read_host(at, &url, &at);
	if (e == 0)
		e = read_port(at, &url, &at);
	if (e)
		return e;
	if (*at && *at != '/' && *at != '?' && *at != '#')
		return ERR_VENDOR_URL;
	e = read_path(at, &url);
	if (e)
		return e;
	*ret_url = url;
	return 0;
}

int url_parse(const char *text, struct url *ret_url)
{
	if (!strncasecmp(text, "https://", 8))
		return read_after_scheme(text + 8, true, ret_url);
	if (!strncasecmp(text, "http://", 7))
		return read_after_scheme(text + 7, false, ret_url);
	return ERR_VENDOR_URL;
}

static bool has_scheme(const char *text)
{
	size_t len = strcspn(text, ":/?#");

	return text[len] == ':';
}

int url_resolve(const struct url *base, const char *reference,
	struct url *ret_url)
{
	char path[2 * URL_PATH_MAX + 2];
	size_t keep = strcspn(base->path, "?");
	struct url url = *base;
	int e;

	if (has_scheme(reference))
		return url_parse(reference, ret_url);
	if (reference[0] == '/' && reference[1] == '/')
		return read_after_scheme(reference + 2, base->tls, ret_url);
	if (reference[0] == '\0' || reference[0] == '#')
		keep = strlen(base->path);
	else if (reference[0] == '/')
		keep = 0;
	else if (reference[0] != '?')
		while (keep > 0 && base->path[keep - 1] != '/')
			keep--;
	if (strlen(reference) > URL_PATH_MAX)
		return ERR_VENDOR_URL;
	snprintf(path, sizeof(path), "%.*s%s", (int)keep, base->path, reference);
	e = read_path(path, &url);
	if (e)
		return e;
	*ret_url = url;
	return 0;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->tls == b->tls && a->port == b->port &&
		a->is_ipv6 == b->is_ipv6 && !strcmp(a->host, b->host);
}

char *url_authority(const struct url *url, char *text, size_t size)
{
	const char *open = url->is_ipv6 ? "[" : "";
	const char *close = url->is_ipv6 ? "]" : "";

	if (url->port == (url->tls ? 443 : 80))
		snprintf(text, size, "%s%s%s", open, url->host, close);
	else
		snprintf(text, size, "%s%s%s:%u", open, url->host, close,
			(unsigned)url->port);
	return text;
}

/* The few URLs that a gateway meets: http and https with a host, an optional
 * port and a path with query. No user names, no fragments sent, no IDNA (write
 * the xn-- form). Plain functions without state; any thread. */
#ifndef FERRY_GATEWAY_HTTP_URL_H
#define FERRY_GATEWAY_HTTP_URL_H

#include "base/bytes.h"

#define URL_HOST_MAX 253
#define URL_PATH_MAX 2048

struct url {
	bool tls;                     /* https */
	bool is_ipv6;                 /* host is an IPv6 literal, no brackets */
	uint16_t port;
	char host[URL_HOST_MAX + 1];  /* lower case */
	char path[URL_PATH_MAX + 1];  /* starts with '/'; with "?query" */
};

/* Reads an absolute URL. ERR_VENDOR_URL for anything that is not one: other
 * schemes, user names, blanks and control characters, bytes above 0x7e, a bad
 * port, a part that is too long. A fragment is dropped. */
int url_parse(const char *text, struct url *ret_url);

/* Resolves `reference` (absolute, "//host", "/path", "path" or "?query")
 * against `base` as RFC 3986 section 5.2 says, dot segments removed. */
int url_resolve(const struct url *base, const char *reference,
	struct url *ret_url);

/* Same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/* "host" or "host:port" for the Host header, brackets around IPv6. Needs
 * URL_HOST_MAX + 9 bytes. Returns `text`. */
char *url_authority(const struct url *url, char *text, size_t size);

#endif

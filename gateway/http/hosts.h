/* Whom a gateway may ask for what certificates point at: hosts by name or
 * address, and which addresses count as reachable for everybody.
 *
 * A URI inside a certificate is somebody else's word. It is followed only when
 * its host is listed, and a name on the list may not lead to loopback, private
 * or link-local addresses (the DNS is somebody else's word too); such an address
 * has to be listed itself. Plain functions without state; any thread. */
#ifndef FERRY_GATEWAY_HTTP_HOSTS_H
#define FERRY_GATEWAY_HTTP_HOSTS_H

#include <sys/socket.h>

#include "gateway/http/url.h"

struct http_host {
	char host[URL_HOST_MAX + 1]; /* lower case, no brackets */
	uint16_t port;		     /* 0: that of the scheme */
};

/* "host", "host:port", "192.0.2.1:8080" or "[2001:db8::1]:80".
 * ERR_VENDOR_URL. */
int http_host_parse(const char *text, struct http_host *ret);

bool http_host_is_of(const struct http_host *host, const struct url *url);

/* Whether the list has this very address, with its port. */
bool http_host_is_address(const struct http_host *host,
	const struct sockaddr *address);

/* Neither loopback, private, link-local, multicast nor any other special use
 * (RFC 6890), IPv4 addresses inside IPv6 ones included. */
bool http_address_is_public(const struct sockaddr *address);

#endif

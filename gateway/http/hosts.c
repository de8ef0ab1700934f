#include "gateway/http/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/err.h"

static const struct {
	uint32_t net;
	unsigned bits;
} special4[] = {
	{0x00000000, 8},  /* this network */
	{0x0a000000, 8},  /* private */
	{0x64400000, 10}, /* shared by a provider's customers */
	{0x7f000000, 8},  /* loopback */
	{0xa9fe0000, 16}, /* link-local */
	{0xac100000, 12}, /* private */
	{0xc0000000, 24}, /* protocol assignments */
	{0xc0000200, 24}, /* documentation */
	{0xc0586300, 24}, /* 6to4 relays */
	{0xc0a80000, 16}, /* private */
	{0xc6120000, 15}, /* benchmarks */
	{0xc6336400, 24}, /* documentation */
	{0xcb007100, 24}, /* documentation */
	{0xe0000000, 4},  /* multicast */
	{0xf0000000, 4},  /* reserved, broadcast */
};

static bool is_public4(const uint8_t at[4])
{
	uint32_t address = get_be32(at);

	for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++)
		if ((address ^ special4[i].net) >> (32 - special4[i].bits) == 0)
			return false;
	return true;
}

static bool is_public6(const uint8_t at[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

	if (!memcmp(at, mapped, 12) || !memcmp(at, nat64, 12))
		return is_public4(at + 12);
	if (at[0] == 0x20 && at[1] == 0x02) /* 6to4 */
		return is_public4(at + 2);
	/* Protocol assignments with Teredo, and documentation. */
	if (at[0] == 0x20 && at[1] == 0x01 && (at[2] < 0x02 ||
			(at[2] == 0x0d && at[3] == 0xb8)))
		return false;
	return (at[0] & 0xe0) == 0x20;
}

bool http_address_is_public(const struct sockaddr *address)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	if (address->sa_family == AF_INET) {
		memcpy(&four, address, sizeof(four));
		return is_public4((const uint8_t *)&four.sin_addr);
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&six, address, sizeof(six));
		return is_public6(six.sin6_addr.s6_addr);
	}
	return false;
}

int http_host_parse(const char *text, struct http_host *ret)
{
	struct url url;
	char whole[URL_HOST_MAX + 32];
	const char *colon = strrchr(text, ':');
	int n = snprintf(whole, sizeof(whole), "http://%s", text);

	/* Whatever would be path, user or fragment of a URL is no host. */
	if (n < 0 || (size_t)n >= sizeof(whole) || strpbrk(text, "/?#@") ||
			url_parse(whole, &url))
		return ERR_VENDOR_URL;
	memcpy(ret->host, url.host, sizeof(ret->host));
	ret->port = colon && !strchr(colon, ']') ? url.port : 0;
	return 0;
}

bool http_host_is_of(const struct http_host *host, const struct url *url)
{
	uint16_t port = host->port ? host->port : url->tls ? 443 : 80;

	return port == url->port && !strcmp(host->host, url->host);
}

static bool port_fits(const struct http_host *host, uint16_t port)
{
	return host->port ? host->port == port : port == 80 || port == 443;
}

bool http_host_is_address(const struct http_host *host,
	const struct sockaddr *address)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	uint8_t raw[16];

	if (address->sa_family == AF_INET &&
			inet_pton(AF_INET, host->host, raw) == 1) {
		memcpy(&four, address, sizeof(four));
		return !memcmp(raw, &four.sin_addr, 4) &&
			port_fits(host, ntohs(four.sin_port));
	}
	if (address->sa_family == AF_INET6 &&
			inet_pton(AF_INET6, host->host, raw) == 1) {
		memcpy(&six, address, sizeof(six));
		return !memcmp(raw, &six.sin6_addr, 16) &&
			port_fits(host, ntohs(six.sin6_port));
	}
	return false;
}

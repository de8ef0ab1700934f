#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/err.h"
#include "gateway/http/hosts.h"
#include "tests/unit/unit.h"

static struct sockaddr_storage address_of(const char *text, uint16_t port)
{
	struct sockaddr_storage storage = {0};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		.sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET,
		.sin_port = htons(port)};

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		memcpy(&storage, &four, sizeof(four));
	else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
		memcpy(&storage, &six, sizeof(six));
	else
		ck_abort_msg("%s is no address", text);
	return storage;
}

static const struct {
	const char *name;
	bool is_public;
} addresses[] = {
	{"192.0.1.1", true},
	{"8.8.8.8", true},
	{"0.0.0.0", false},
	{"10.1.2.3", false},
	{"100.63.255.255", true},
	{"100.64.0.1", false},
	{"127.0.0.1", false},
	{"127.255.255.254", false},
	{"169.254.169.254", false},
	{"172.15.255.255", true},
	{"172.16.0.1", false},
	{"172.31.255.255", false},
	{"172.32.0.0", true},
	{"192.168.0.1", false},
	{"198.18.0.1", false},
	{"224.0.0.1", false},
	{"255.255.255.255", false},
	{"2606:4700::1", true},
	{"::", false},
	{"::1", false},
	{"::ffff:127.0.0.1", false},
	{"::ffff:8.8.8.8", true},
	{"64:ff9b::10.0.0.1", false},
	{"64:ff9b::8.8.8.8", true},
	{"2002:7f00:1::1", false},
	{"2001:db8::1", false},
	{"2001:0:1::1", false},
	{"2001:4860::8888", true},
	{"fc00::1", false},
	{"fd12::1", false},
	{"fe80::1", false},
	{"ff02::1", false},
};

START_TEST(address_is_public_knows_special_uses)
{
	struct sockaddr_storage a = address_of(addresses[_i].name, 80);

	ck_assert_msg(http_address_is_public((struct sockaddr *)&a) ==
		addresses[_i].is_public, "%s", addresses[_i].name);
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	const char *url;
	int status;
	bool is_of;
} hosts[] = {
	{"name", "crl.example.com", "http://crl.example.com/x", 0, true},
	{"upper case", "CRL.example.com", "http://crl.example.com/x", 0, true},
	{"another name", "example.com", "http://crl.example.com/", 0, false},
	{"suffix only", "example.com", "http://evil.example.com/", 0, false},
	{"no port means 80", "example.com", "http://example.com:8080/", 0,
		false},
	{"port", "example.com:8080", "http://example.com:8080/", 0, true},
	{"other port", "example.com:8080", "http://example.com/", 0, false},
	{"https port", "example.com", "https://example.com/", 0, true},
	{"address", "127.0.0.1:99", "http://127.0.0.1:99/", 0, true},
	{"ipv6", "[::1]:99", "http://[::1]:99/", 0, true},
	{"ipv6 without port", "[::1]", "http://[::1]/", 0, true},
	{"empty", "", NULL, ERR_VENDOR_URL, false},
	{"path", "example.com/x", NULL, ERR_VENDOR_URL, false},
	{"user", "me@example.com", NULL, ERR_VENDOR_URL, false},
	{"port 0", "example.com:0", NULL, ERR_VENDOR_URL, false},
	{"blank", "exam ple.com", NULL, ERR_VENDOR_URL, false},
	{"wild card", "*.example.com", NULL, ERR_VENDOR_URL, false},
};

START_TEST(host_parse_and_match)
{
	struct http_host host;
	struct url url;

	ck_assert_msg(http_host_parse(hosts[_i].text, &host) ==
		hosts[_i].status, "%s", hosts[_i].name);
	if (!hosts[_i].url)
		return;
	ck_assert_int_eq(url_parse(hosts[_i].url, &url), 0);
	ck_assert_msg(http_host_is_of(&host, &url) == hosts[_i].is_of, "%s",
		hosts[_i].name);
}
END_TEST

static const struct {
	const char *text;
	const char *address;
	uint16_t port;
	bool is_it;
} literals[] = {
	{"127.0.0.1:99", "127.0.0.1", 99, true},
	{"127.0.0.1:99", "127.0.0.1", 98, false},
	{"127.0.0.1:99", "127.0.0.2", 99, false},
	{"127.0.0.1", "127.0.0.1", 80, true},
	{"127.0.0.1", "127.0.0.1", 8080, false},
	{"[::1]:99", "::1", 99, true},
	{"localhost:99", "127.0.0.1", 99, false},
};

START_TEST(host_is_address_only_as_listed)
{
	struct sockaddr_storage a = address_of(literals[_i].address,
		literals[_i].port);
	struct http_host host;

	ck_assert_int_eq(http_host_parse(literals[_i].text, &host), 0);
	ck_assert_msg(http_host_is_address(&host, (struct sockaddr *)&a) ==
		literals[_i].is_it, "%s and %s", literals[_i].text,
		literals[_i].address);
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	Suite *suite = suite_create("http_hosts");
	TCase *tc = tcase_create("hosts");

	tcase_add_loop_test(tc, address_is_public_knows_special_uses, 0,
		COUNT(addresses));
	tcase_add_loop_test(tc, host_parse_and_match, 0, COUNT(hosts));
	tcase_add_loop_test(tc, host_is_address_only_as_listed, 0,
		COUNT(literals));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include "tests/unit/unit.h"

#include "base/err.h"
#include "gateway/http/url.h"

/* A text, and what it is as "scheme host port path"; NULL: refused. */
struct parse_row {
	const char *text;
	const char *want;
};

static const struct parse_row parse_rows[] = {
	{"https://example.org", "https example.org 443 /"},
	{"HTTPS://Example.ORG/A?b=C#d", "https example.org 443 /A?b=C"},
	{"http://h:8080/x", "http h 8080 /x"},
	{"https://h?q", "https h 443 /?q"},
	{"https://h#f", "https h 443 /"},
	{"https://127.0.0.1:1/", "https 127.0.0.1 1 /"},
	{"https://[::1]:65535/", "https ::1 65535 /"},
	{"https://[FE80::1]", "https fe80::1 443 /"},
	{"https://h/a/./b/../c", "https h 443 /a/c"},
	{"https://h/../../x", "https h 443 /x"},
	{"https://h/a/..", "https h 443 /"},
	{"https://h/a/.", "https h 443 /a/"},
	{"https://h/a/..?../x", "https h 443 /?../x"},
	{"https://h/...", "https h 443 /..."},
	{"https://h//a//b", "https h 443 //a//b"},
	{"", NULL},
	{"h", NULL},
	{"ftp://h/", NULL},
	{"https:/h/", NULL},
	{"https://", NULL},
	{"https:///x", NULL},
	{"https://u@h/", NULL},
	{"https://u:p@h/", NULL},
	{"https://h:0/", NULL},
	{"https://h:/", NULL},
	{"https://h:65536/", NULL},
	{"https://h:99999999999999999999/", NULL},
	{"https://h:80x/", NULL},
	{"https://h:-1/", NULL},
	{"https://[::1", NULL},
	{"https://[::1]x/", NULL},
	{"https://[::1%25eth0]/", NULL},
	{"https://[127.0.0.1]/", NULL},
	{"https://[]/", NULL},
	{"https://h\\@evil/", NULL},
	{"https://h/a b", NULL},
	{"https://h/a\tb", NULL},
	{"https://h/a\r\nX: y", NULL},
	{"https://h/\xc3\xa9", NULL},
	{"https://h\xc3\xa9/", NULL},
	{"https://h/a\\b", NULL},
	{"https://h%2f/", NULL},
	{" https://h/", NULL},
};

static void describe(const struct url *url, char *text, size_t size)
{
	snprintf(text, size, "%s %s %u %s", url->tls ? "https" : "http",
		url->host, (unsigned)url->port, url->path);
}

START_TEST(parse_of_a_text_gives_its_parts_or_an_error)
{
	const struct parse_row *row = &parse_rows[_i];
	char got[4096];
	struct url url;
	int e = url_parse(row->text, &url);

	if (!row->want) {
		ck_assert_msg(e == ERR_VENDOR_URL, "%s: %s", row->text,
			err_name(e));
		return;
	}
	ck_assert_msg(e == 0, "%s: %s", row->text, err_name(e));
	describe(&url, got, sizeof(got));
	ck_assert_msg(!strcmp(got, row->want), "%s: %s", row->text, got);
}
END_TEST

/* The examples of RFC 3986 section 5.4 that are URLs of ours. */
static const struct parse_row resolve_rows[] = {
	{"g", "http a 80 /b/c/g"},
	{"./g", "http a 80 /b/c/g"},
	{"g/", "http a 80 /b/c/g/"},
	{"/g", "http a 80 /g"},
	{"//g", "http g 80 /"},
	{"?y", "http a 80 /b/c/d;p?y"},
	{"g?y", "http a 80 /b/c/g?y"},
	{"#s", "http a 80 /b/c/d;p?q"},
	{"g#s", "http a 80 /b/c/g"},
	{";x", "http a 80 /b/c/;x"},
	{"", "http a 80 /b/c/d;p?q"},
	{".", "http a 80 /b/c/"},
	{"..", "http a 80 /b/"},
	{"../g", "http a 80 /b/g"},
	{"../..", "http a 80 /"},
	{"../../../g", "http a 80 /g"},
	{"/./g", "http a 80 /g"},
	{"/../g", "http a 80 /g"},
	{"g.", "http a 80 /b/c/g."},
	{"..g", "http a 80 /b/c/..g"},
	{"./g/.", "http a 80 /b/c/g/"},
	{"g;x=1/../y", "http a 80 /b/c/y"},
	{"g?y/../x", "http a 80 /b/c/g?y/../x"},
	{"https://x/y", "https x 443 /y"},
	{"g:h", NULL},
	{"http:g", NULL},
	{"a b", NULL},
};

START_TEST(resolve_of_a_reference_follows_rfc_3986)
{
	const struct parse_row *row = &resolve_rows[_i];
	struct url base, url;
	char got[4096];
	int e;

	ck_assert_int_eq(url_parse("http://a/b/c/d;p?q", &base), 0);
	e = url_resolve(&base, row->text, &url);
	if (!row->want) {
		ck_assert_msg(e == ERR_VENDOR_URL, "%s: %s", row->text,
			err_name(e));
		return;
	}
	ck_assert_msg(e == 0, "%s: %s", row->text, err_name(e));
	describe(&url, got, sizeof(got));
	ck_assert_msg(!strcmp(got, row->want), "%s: %s", row->text, got);
}
END_TEST

static const struct {
	const char *a;
	const char *b;
	bool same;
} origin_rows[] = {
	{"https://h/a", "https://H:443/b?c", true},
	{"http://h", "http://h:80", true},
	{"https://h", "http://h", false},
	{"https://h", "http://h:443", false},
	{"https://h", "https://h:444", false},
	{"https://h", "https://h.", false},
	{"https://[::1]", "https://[::2]", false},
};

START_TEST(same_origin_compares_scheme_host_and_port)
{
	struct url a, b;

	ck_assert_int_eq(url_parse(origin_rows[_i].a, &a), 0);
	ck_assert_int_eq(url_parse(origin_rows[_i].b, &b), 0);
	ck_assert_msg(url_same_origin(&a, &b) == origin_rows[_i].same,
		"%s and %s", origin_rows[_i].a, origin_rows[_i].b);
}
END_TEST

START_TEST(parse_of_longest_parts_succeeds_and_one_more_fails)
{
	char text[URL_HOST_MAX + URL_PATH_MAX + 32];
	char host[URL_HOST_MAX + 2], path[URL_PATH_MAX + 2];
	struct url url;

	memset(host, 'h', sizeof(host) - 1);
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	host[URL_HOST_MAX + 1] = path[URL_PATH_MAX + 1] = '\0';
	snprintf(text, sizeof(text), "https://%s/", host);
	ck_assert_int_eq(url_parse(text, &url), ERR_VENDOR_URL);
	snprintf(text, sizeof(text), "https://h%s", path);
	ck_assert_int_eq(url_parse(text, &url), ERR_VENDOR_URL);
	host[URL_HOST_MAX] = path[URL_PATH_MAX] = '\0';
	snprintf(text, sizeof(text), "https://%s%s", host, path);
	ck_assert_int_eq(url_parse(text, &url), 0);
	ck_assert_str_eq(url.host, host);
	ck_assert_str_eq(url.path, path);
}
END_TEST

START_TEST(authority_names_the_port_only_when_it_is_unusual)
{
	char text[URL_HOST_MAX + 9];
	struct url url;

	ck_assert_int_eq(url_parse("https://h:443", &url), 0);
	ck_assert_str_eq(url_authority(&url, text, sizeof(text)), "h");
	ck_assert_int_eq(url_parse("http://h:443", &url), 0);
	ck_assert_str_eq(url_authority(&url, text, sizeof(text)), "h:443");
	ck_assert_int_eq(url_parse("https://[::1]:8", &url), 0);
	ck_assert_str_eq(url_authority(&url, text, sizeof(text)), "[::1]:8");
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
	Suite *suite = suite_create("http_url");
	TCase *tc = tcase_create("url");

	tcase_add_loop_test(tc, parse_of_a_text_gives_its_parts_or_an_error, 0,
		COUNT(parse_rows));
	tcase_add_loop_test(tc, resolve_of_a_reference_follows_rfc_3986, 0,
		COUNT(resolve_rows));
	tcase_add_loop_test(tc, same_origin_compares_scheme_host_and_port, 0,
		COUNT(origin_rows));
	tcase_add_test(tc, parse_of_longest_parts_succeeds_and_one_more_fails);
	tcase_add_test(tc, authority_names_the_port_only_when_it_is_unusual);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

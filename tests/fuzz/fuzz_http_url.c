/* A base and a reference, a line each. What must hold: what comes out reads
 * back as itself and can be put into a request line. */
#include "gateway/http/url.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 4096

static void check(const struct url *url)
{
	char authority[URL_HOST_MAX + 9];
	char text[TEXT_MAX];
	struct url again;

	snprintf(text, sizeof(text), "%s://%s%s", url->tls ? "https" : "http",
		url_authority(url, authority, sizeof(authority)), url->path);
	if (url->path[0] != '/' || strpbrk(url->path, " \r\n\t#") ||
			strpbrk(url->host, "/@ \r\n") ||
			url_parse(text, &again) ||
			!url_same_origin(url, &again) ||
			strcmp(url->path, again.path) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[TEXT_MAX];
	struct url base, url;
	char *line;

	if (len >= sizeof(text))
		return 0;
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	line = strchr(text, '\n');
	if (line)
		*line++ = '\0';
	if (url_parse(text, &base))
		return 0;
	check(&base);
	if (line && url_resolve(&base, line, &url) == 0)
		check(&url);
	return 0;
}

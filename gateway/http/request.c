#include "gateway/http/request.h"

#include <errno.h>

/* What goes into a header line must not end it. */
static int copy_token(char *to, size_t size, const char *from)
{
	size_t len = from ? strlen(from) : 0;

	if (len >= size)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (from[i] < 0x20 || from[i] > 0x7e)
			return -EINVAL;
	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

int http_request_init(struct http_request *r,
	const struct http_fetch_spec *spec, const struct url *origin)
{
	bool is_post = spec->method == HTTP_METHOD_POST;

	*r = (struct http_request){.spec = *spec};
	buf_init(&r->body, HTTP_BODY_OUT_MAX);
	if (!spec->path || spec->path[0] != '/' || !spec->on_done ||
			(spec->ranged && is_post) ||
			(spec->range_end &&
				spec->range_end <= spec->range_from) ||
			(is_post && !spec->content_type) ||
			(!is_post && spec->body.len) ||
			spec->body.len > HTTP_BODY_OUT_MAX)
		return -EINVAL;
	if (copy_token(r->if_range, sizeof(r->if_range), spec->if_range) ||
			copy_token(r->if_none_match, sizeof(r->if_none_match),
				spec->if_none_match) ||
			copy_token(r->accept, sizeof(r->accept),
				spec->accept) ||
			copy_token(r->content_type, sizeof(r->content_type),
				spec->content_type))
		return -EINVAL;
	/* A weak ETag never matches in If-Range (RFC 9110 section 13.1.5). */
	if (r->if_range[0] && r->if_range[0] != '"')
		return -EINVAL;
	if (spec->path[1] == '/' || url_resolve(origin, spec->path, &r->url))
		return -EINVAL;
	return buf_add_bytes(&r->body, spec->body);
}

void http_request_done(struct http_request *r)
{
	buf_done(&r->body);
}

int http_request_write(const struct http_request *r, const char *authority,
	const char *user_agent, struct buf *out)
{
	const struct http_fetch_spec *spec = &r->spec;
	bool is_post = spec->method == HTTP_METHOD_POST;

	buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n"
		"Accept-Encoding: identity\r\n", is_post ? "POST" : "GET",
		r->url.path, authority, user_agent);
	if (r->accept[0])
		buf_printf(out, "Accept: %s\r\n", r->accept);
	if (spec->ranged && spec->range_end)
		buf_printf(out, "Range: bytes=%llu-%llu\r\n",
			(unsigned long long)spec->range_from,
			(unsigned long long)spec->range_end - 1);
	else if (spec->ranged)
		buf_printf(out, "Range: bytes=%llu-\r\n",
			(unsigned long long)spec->range_from);
	if (spec->ranged && r->if_range[0])
		buf_printf(out, "If-Range: %s\r\n", r->if_range);
	if (r->if_none_match[0])
		buf_printf(out, "If-None-Match: %s\r\n", r->if_none_match);
	if (is_post)
		buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
			r->content_type, r->body.len);
	buf_add_text(out, "\r\n");
	buf_add_bytes(out, buf_bytes(&r->body));
	return out->err;
}

bool http_request_is_redirected(const struct http_request *r, int status)
{
	return r->spec.method == HTTP_METHOD_GET &&
		(status == 301 || status == 302 || status == 303 ||
		status == 307 || status == 308);
}

/* What one fetch asks for: judged once, kept with the texts it points at, and
 * written as a request of HTTP/1.1 (RFC 9112 section 3). Embedded; from
 * http_request_init() to http_request_done(). No I/O; the thread of its fetch. */
#ifndef FERRY_GATEWAY_HTTP_REQUEST_H
#define FERRY_GATEWAY_HTTP_REQUEST_H

#include "base/buf.h"
#include "gateway/http/client.h"
#include "gateway/http/url.h"

struct http_request {
	struct http_fetch_spec spec; /* its texts and body: below */
	struct url url;              /* follows redirects */
	char if_range[HTTP_ETAG_MAX];
	char if_none_match[HTTP_ETAG_MAX];
	char accept[64];
	char content_type[64];
	struct buf body;
};

/* 0; -EINVAL for a spec that breaks its own rules: those of client.h, and what
 * would end a header line; -ENOMEM. http_request_done() in any case. */
int http_request_init(struct http_request *r,
	const struct http_fetch_spec *spec, const struct url *origin);
void http_request_done(struct http_request *r);

/* 0, or what is wrong with `out`. */
int http_request_write(const struct http_request *r, const char *authority,
	const char *user_agent, struct buf *out);

/* Whether an answer of this status, with a Location, leads on: GET only. */
bool http_request_is_redirected(const struct http_request *r, int status);

#endif

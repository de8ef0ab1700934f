/* Reads one HTTP/1.1 answer from bytes, for gateway/http/client.c.
 *
 * No sockets and no clock: bytes in, callbacks out, so that tests and the
 * fuzzer speak to the very parser that servers speak to. One object serves
 * many answers, one after another: begin, feed until complete or an error.
 * Loop thread. */
#ifndef FERRY_GATEWAY_HTTP_RESPONSE_H
#define FERRY_GATEWAY_HTTP_RESPONSE_H

#include "gateway/http/client.h"

#define HTTP_LOCATION_MAX 2048
/* Bodies of answers other than 200 and 206 may be this long at most. */
#define HTTP_ERROR_BODY_MAX ((size_t)64 * 1024)

struct http_response_rules {
	size_t head_bytes;
	unsigned head_count;
	uint64_t body_max;
	bool ranged;          /* a 206 is welcome, if it is this: */
	uint64_t range_from;
	uint64_t range_end;   /* one past the last; 0: to the end */
};

struct http_response_sink {
	/* `location` is "" when there is none. Anything but 0 is returned by
	 * http_response_feed(). */
	int (*on_head)(void *arg, const struct http_head *head,
		const char *location);
	int (*on_body)(void *arg, struct bytes part);
	void *arg;
};

struct http_response;

int http_response_new(struct http_response **ret_response);
void http_response_free(struct http_response *response);

/* Forgets the last answer. Rules and sink are copied. */
void http_response_begin(struct http_response *response,
	const struct http_response_rules *rules,
	const struct http_response_sink *sink);

/* 0, an ERR_VENDOR_HTTP_* or what a callback returned; after an error the
 * object only serves http_response_begin(). */
int http_response_feed(struct http_response *response, struct bytes in);

/* The connection has ended: what that means for an incomplete answer. */
int http_response_end(const struct http_response *response);

bool http_response_is_complete(const struct http_response *response);

/* True when any byte of this answer has arrived. */
bool http_response_has_begun(const struct http_response *response);

/* True when the connection may carry another request. */
bool http_response_keeps(const struct http_response *response);

/* What broke which rule; code 0 when nothing did. */
const struct fault *http_response_fault(const struct http_response *response);

/* Reads "Sun, 06 Nov 1994 08:49:37 GMT" into seconds since 1970, or -EINVAL. */
int http_date_read(const char *text, int64_t *ret_seconds);

#endif

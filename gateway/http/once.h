/* One question to one URL, the answer whole in memory: for small objects of
 * hosts that are asked now and then, such as CRLs and OCSP answers.
 *
 * Plain http only: what comes back is signed and is judged by its reader. The
 * bounds of gateway/http/client.h hold, redirects stay within the origin. Loop
 * thread; a question that was started ends in exactly one on_done, never inside
 * http_once_start() or http_once_cancel(), after which it is gone. */
#ifndef FERRY_GATEWAY_HTTP_ONCE_H
#define FERRY_GATEWAY_HTTP_ONCE_H

#include "gateway/http/client.h"

struct http_once_answer {
	int http_status;      /* 0 when no head arrived */
	struct bytes content; /* borrowed; of a 200 only */
	bool unchanged;	      /* 304 to if_none_match */
	const char *etag;     /* "": none */
	uint32_t retry_after_s;
};

struct http_once_spec {
	const char *url;	   /* of http; copied */
	struct bytes post;	   /* empty: GET; copied */
	const char *content_type;  /* with post */
	const char *accept;	   /* may be NULL */
	const char *if_none_match; /* may be NULL */
	size_t max;		   /* bytes of the answer */
	uint32_t total_ms;
	bool (*address_allowed)(void *arg, const struct sockaddr *address);

	/* 0 for a whole 200 or an unchanged one; ERR_VENDOR_*. */
	void (*on_done)(void *arg, int status,
		const struct http_once_answer *answer);
	void *arg;
};

struct http_once;

/* ERR_VENDOR_URL for what is no http:// URL. */
int http_once_start(uv_loop_t *loop, const struct http_once_spec *spec,
	struct http_once **ret);

/* on_done follows with -ECANCELED. */
void http_once_cancel(struct http_once *once);

#endif

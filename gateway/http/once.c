#include "gateway/http/once.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "gateway/http/url.h"

struct http_once {
	struct http_once_spec spec;
	struct http_client *client;
	struct http_fetch *fetch; /* NULL once it has ended */
	struct buf content;
	struct http_head head;
	bool asked_unchanged;
	bool canceled;
	int status;
};

static int judge_status(int http_status)
{
	if (http_status == 404 || http_status == 410)
		return ERR_VENDOR_HTTP_ABSENT;
	if (http_status == 401 || http_status == 403 || http_status == 407)
		return ERR_VENDOR_HTTP_DENIED;
	if (http_status == 429 || http_status == 503)
		return ERR_VENDOR_HTTP_BUSY;
	return http_status >= 500 ? ERR_VENDOR_HTTP_SERVER :
		ERR_VENDOR_HTTP_STATUS;
}

static void on_closed(void *arg)
{
	struct http_once *once = arg;
	struct http_once_answer answer = {
		.http_status = once->head.status,
		.unchanged = !once->status && once->head.status == 304,
		.etag = once->head.etag,
		.retry_after_s = once->head.retry_after_s,
	};

	if (once->canceled)
		once->status = -ECANCELED;
	if (!once->status)
		answer.content = buf_bytes(&once->content);
	once->spec.on_done(once->spec.arg, once->status, &answer);
	buf_done(&once->content);
	free(once);
}

static int on_body(void *arg, struct bytes part)
{
	struct http_once *once = arg;

	if (once->head.status != 200)
		return 0;
	return buf_add_bytes(&once->content, part) ? ERR_VENDOR_HTTP_LARGE : 0;
}

static int on_head(void *arg, const struct http_head *head)
{
	struct http_once *once = arg;

	once->head = *head;
	return 0;
}

static void on_done(void *arg, int status, const struct http_head *head,
	const struct fault *fault)
{
	struct http_once *once = arg;
	bool fits;

	(void)fault;
	once->fetch = NULL;
	if (head)
		once->head = *head;
	fits = once->head.status == 200 ||
		(once->head.status == 304 && once->asked_unchanged);
	once->status = status;
	if (!status && !fits)
		once->status = judge_status(once->head.status);
	http_client_close(once->client, on_closed, once);
}

static int start_fetch(struct http_once *once, const char *path)
{
	const struct http_once_spec *spec = &once->spec;
	const struct http_fetch_spec fetch = {
		.method = spec->post.len ? HTTP_METHOD_POST : HTTP_METHOD_GET,
		.path = path,
		.if_none_match = spec->if_none_match,
		.accept = spec->accept,
		.content_type = spec->content_type,
		.body = spec->post,
		.body_max = spec->max,
		.total_ms = spec->total_ms,
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
		.arg = once,
	};

	return http_fetch_start(once->client, &fetch, &once->fetch);
}

static void on_never_started(void *arg)
{
	free(arg);
}

int http_once_start(uv_loop_t *loop, const struct http_once_spec *spec,
	struct http_once **ret)
{
	const struct http_client_settings settings = {
		.origin = spec->url,
		.allow_plain = true,
		.limits = {.connections = 1, .setup_ms = 10000,
			.head_ms = 10000, .idle_ms = 10000},
		.address_allowed = spec->address_allowed,
		.arg = spec->arg,
	};
	struct http_once *once;
	struct url url;
	int err;

	if (url_parse(spec->url, &url) || url.tls)
		return ERR_VENDOR_URL;
	once = calloc(1, sizeof(*once));
	if (!once)
		return -ENOMEM;
	once->spec = *spec;
	once->asked_unchanged = spec->if_none_match && spec->if_none_match[0];
	buf_init(&once->content, spec->max);
	err = http_client_open(loop, &settings, NULL, &once->client);
	if (err) {
		free(once);
		return err;
	}
	err = start_fetch(once, url.path);
	if (err) {
		http_client_close(once->client, on_never_started, once);
		return err;
	}
	/* Copied by the fetch; not ours any more. */
	once->spec.url = NULL;
	once->spec.post = bytes_of(NULL, 0);
	once->spec.if_none_match = NULL;
	*ret = once;
	return 0;
}

void http_once_cancel(struct http_once *once)
{
	once->canceled = true;
	if (once->fetch)
		http_fetch_cancel(once->fetch);
}

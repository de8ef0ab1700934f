/* A small object: one fetch, collected, then judged by its status. A payload:
 * fetches until all bytes are there; between two of them the request pauses in
 * `waiting` until the link's timer wakes it. */
#include "gateway/vendor/https.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "gateway/http/url.h"

#define OBJECT_MS 60000
#define RESUMES 5
#define RESUME_MS 1000
#define RESUME_DOUBLINGS 6
#define REFUSAL_MAX 1024

enum request_kind {
	REQUEST_ROOT,
	REQUEST_CATALOG,
	REQUEST_ENVELOPE,
	REQUEST_EVIDENCE,
	REQUEST_REPORT,
	REQUEST_PAYLOAD,
};

struct https;

struct request {
	struct request *next;
	struct https *https;
	uint64_t id;
	enum request_kind kind;
	vendor_answer_fn *on_done;
	void *arg;
	struct http_fetch *fetch; /* NULL: waiting, see `until` */
	char path[URL_PATH_MAX + 1];
	char etag[VENDOR_ETAG_MAX];
	struct buf content;       /* object, or the start of a refusal */
	uint64_t size;            /* wanted; 0: any */
	struct http_head head;
	struct fault fault;

	/* Payload only. */
	struct vendor_payload_spec spec;
	uint64_t at;              /* bytes the caller has */
	uint64_t until;           /* when to go on; 0: not waiting */
	unsigned breaks;          /* without a byte in between */
	bool moved;               /* bytes came in this fetch */
	bool refused;             /* the caller said no */
	bool paused;
	bool restarted;           /* a range beyond the end was met */
};

struct https {
	struct vendor_link link;
	uv_loop_t *loop;
	uv_timer_t timer;
	struct vendor_https_settings set;
	struct tls_trust *trust;
	struct http_client *client;
	struct url base;
	char reports[URL_PATH_MAX + 1];
	bool has_reports;
	struct request *requests;
	uint64_t last_id;
	bool closing;
	unsigned holds;
	void (*on_closed)(void *arg);
	void *closed_arg;
};

static void payload_begin(struct request *r);
static void timer_arm(struct https *https);

static struct https *of_link(struct vendor_link *link)
{
	return (struct https *)link;
}

static struct request *request_find(struct https *https, uint64_t id)
{
	struct request *r = https->requests;

	while (r && r->id != id)
		r = r->next;
	return r;
}

static void release(struct https *https)
{
	void (*on_closed)(void *arg) = https->on_closed;
	void *arg = https->closed_arg;

	if (--https->holds)
		return;
	tls_trust_unref(https->trust);
	free(https);
	on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static void on_client_closed(void *arg)
{
	struct https *https = arg;

	https->client = NULL;
	release(https);
}

/* The last request has ended: what closing waited for. */
static void close_rest(struct https *https)
{
	uv_close((uv_handle_t *)&https->timer, on_handle_closed);
}

static void request_free(struct request *r)
{
	struct request **at = &r->https->requests;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	buf_done(&r->content);
	free(r);
}

/* The one end of every request; always called from the loop. */
static void request_end(struct request *r, int status, bool unchanged)
{
	struct https *https = r->https;
	struct vendor_answer answer = {
		.content = r->kind == REQUEST_PAYLOAD || status || unchanged
			? bytes_of(NULL, 0) : buf_bytes(&r->content),
		.unchanged = unchanged,
		.etag = r->head.etag,
		.retry_after_s = r->head.retry_after_s,
		.http_status = r->head.status,
		.fault = &r->fault,
	};

	if (status)
		fault_set(&r->fault, status, 0, "", "%s", err_text(status));
	r->on_done(r->arg, status, &answer);
	request_free(r);
	if (https->closing && !https->requests)
		close_rest(https);
}

/* nginx says 400 with a page when it wants a client certificate. */
static bool is_about_certificate(const struct request *r)
{
	static const char words[] = "SSL certificate";

	return r->content.len >= sizeof(words) - 1 &&
		memmem(r->content.at, r->content.len, words, sizeof(words) - 1);
}

static int judge_status(struct request *r, int http_status)
{
	if (http_status == 404 || http_status == 410)
		return fault_set(&r->fault, ERR_VENDOR_HTTP_ABSENT, 0, "object",
			"%.120s is not on the server", r->path);
	if (http_status == 495 || http_status == 496 ||
			(http_status == 400 && is_about_certificate(r)))
		return ERR_VENDOR_TLS_CLIENT_CERT;
	if (http_status == 401 || http_status == 403 || http_status == 407)
		return ERR_VENDOR_HTTP_DENIED;
	if (http_status == 429 || http_status == 503)
		return ERR_VENDOR_HTTP_BUSY;
	if (http_status >= 500)
		return ERR_VENDOR_HTTP_SERVER;
	return fault_set(&r->fault, ERR_VENDOR_HTTP_STATUS, 0, "status",
		"%d", http_status);
}

static bool is_success(const struct request *r, int http_status)
{
	if (r->kind == REQUEST_REPORT)
		return http_status >= 200 && http_status <= 299;
	if (r->kind == REQUEST_PAYLOAD)
		return http_status == 200 || http_status == 206;
	return http_status == 200;
}

static void take_head(struct request *r, const struct http_head *head,
	const struct fault *fault)
{
	if (head)
		r->head = *head;
	if (fault && fault->code && !r->fault.code)
		r->fault = *fault;
}

/* Keeps the start of a refusal for judge_status(). */
static int refusal_add(struct request *r, struct bytes part)
{
	if (r->content.len < REFUSAL_MAX)
		buf_add_bytes(&r->content, bytes_slice(part, 0,
			REFUSAL_MAX - r->content.len));
	return 0;
}

/* Small objects. */

static int on_object_head(void *arg, const struct http_head *head)
{
	struct request *r = arg;

	r->head = *head;
	if (r->size && r->kind != REQUEST_PAYLOAD && head->status == 200 &&
			head->length >= 0 && (uint64_t)head->length != r->size)
		return ERR_VENDOR_SIZE;
	return 0;
}

static int on_object_body(void *arg, struct bytes part)
{
	struct request *r = arg;

	if (r->kind == REQUEST_REPORT || !is_success(r, r->head.status))
		return refusal_add(r, part);
	if (r->size && part.len > r->size - r->content.len)
		return ERR_VENDOR_SIZE;
	return buf_add_bytes(&r->content, part);
}

static void on_object_done(void *arg, int status, const struct http_head *head,
	const struct fault *fault)
{
	struct request *r = arg;
	bool unchanged = false;

	r->fetch = NULL;
	take_head(r, head, fault);
	if (status == 0 && r->head.status == 304 && r->etag[0])
		unchanged = true;
	else if (status == 0 && !is_success(r, r->head.status))
		status = judge_status(r, r->head.status);
	else if (status == 0 && r->size && r->content.len != r->size)
		status = ERR_VENDOR_SIZE;
	request_end(r, status, unchanged);
}

static int request_new(struct https *https, enum request_kind kind,
	vendor_answer_fn *on_done, void *arg, const char *where,
	struct request **ret_request)
{
	struct request *r;
	struct url url;
	int e;

	if (https->closing)
		return -ECANCELED;
	e = url_resolve(&https->base, where, &url);
	if (e)
		return e;
	if (!url_same_origin(&url, &https->base))
		return ERR_VENDOR_HTTP_REDIRECT;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->https = https;
	r->id = ++https->last_id;
	r->kind = kind;
	r->on_done = on_done;
	r->arg = arg;
	snprintf(r->path, sizeof(r->path), "%s", url.path);
	buf_init(&r->content, kind == REQUEST_EVIDENCE ? VENDOR_EVIDENCE_MAX :
		VENDOR_CATALOG_MAX);
	r->next = https->requests;
	https->requests = r;
	*ret_request = r;
	return 0;
}

/* Starts the fetch of a request that is in the list; takes it out again on
 * failure. */
static int object_start(struct request *r, struct http_fetch_spec *spec,
	uint64_t *ret_id)
{
	int e;

	spec->path = r->path;
	spec->total_ms = r->https->set.object_ms;
	spec->on_head = on_object_head;
	spec->on_body = on_object_body;
	spec->on_done = on_object_done;
	spec->arg = r;
	e = http_fetch_start(r->https->client, spec, &r->fetch);
	if (e)
		request_free(r);
	else if (ret_id)
		*ret_id = r->id;
	return e;
}

static int https_root(struct vendor_link *link, uint64_t version,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	struct http_fetch_spec spec = {.body_max = VENDOR_ROOT_MAX};
	struct request *r;
	char where[48];
	int e;

	snprintf(where, sizeof(where), "root/%llu.cose",
		(unsigned long long)version);
	e = request_new(of_link(link), REQUEST_ROOT, on_done, arg, where, &r);
	return e ? e : object_start(r, &spec, ret_id);
}

static int https_catalog(struct vendor_link *link, const char *etag,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	struct http_fetch_spec spec = {.body_max = VENDOR_CATALOG_MAX};
	struct request *r;
	int e;

	e = request_new(of_link(link), REQUEST_CATALOG, on_done, arg,
		"catalog.cose", &r);
	if (e)
		return e;
	snprintf(r->etag, sizeof(r->etag), "%s", etag);
	spec.if_none_match = r->etag;
	return object_start(r, &spec, ret_id);
}

/* An object that is named by its digest and whose length is known. */
static int https_named(struct vendor_link *link, enum request_kind kind,
	const char *where, uint64_t size, vendor_answer_fn *on_done, void *arg,
	uint64_t *ret_id)
{
	struct http_fetch_spec spec = {.body_max = INT64_MAX};
	struct request *r;
	int e = request_new(of_link(link), kind, on_done, arg, where, &r);

	if (e)
		return e;
	r->size = size;
	return object_start(r, &spec, ret_id);
}

static int https_envelope(struct vendor_link *link, const uint8_t *sha256,
	uint64_t size, vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	char where[80], hex[65];

	bytes_to_hex(bytes_of(sha256, 32), hex, sizeof(hex));
	snprintf(where, sizeof(where), "e/%s.suit", hex);
	return https_named(link, REQUEST_ENVELOPE, where, size, on_done, arg,
		ret_id);
}

static int https_evidence(struct vendor_link *link, const uint8_t *sha256,
	uint64_t size, vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	char where[80], hex[65];

	bytes_to_hex(bytes_of(sha256, 32), hex, sizeof(hex));
	snprintf(where, sizeof(where), "r/%s", hex);
	return https_named(link, REQUEST_EVIDENCE, where, size, on_done, arg,
		ret_id);
}

static int https_report(struct vendor_link *link, struct bytes report,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	struct https *https = of_link(link);
	struct http_fetch_spec spec = {
		.method = HTTP_METHOD_POST,
		.content_type = "application/cbor",
		.body = report,
		.body_max = HTTP_BODY_OUT_MAX,
	};
	struct request *r;
	int e;

	if (!https->has_reports)
		return ERR_VENDOR_NO_REPORTS;
	e = request_new(https, REQUEST_REPORT, on_done, arg, https->reports,
		&r);
	return e ? e : object_start(r, &spec, ret_id);
}

/* Payloads. */

static int payload_refuse(struct request *r, int code)
{
	r->refused = true;
	return code;
}

/* Where the answer begins: at our offset only when it surely continues the same
 * bytes. */
static int payload_place(struct request *r, const struct http_head *head)
{
	uint64_t whole = head->is_range ? head->total : head->length;

	if (whole != UINT64_MAX && whole != r->spec.size)
		return fault_set(&r->fault, ERR_VENDOR_SIZE, 0, "payload",
			"%llu bytes, not %llu", (unsigned long long)whole,
			(unsigned long long)r->spec.size);
	if (!head->is_range) {
		r->at = 0;
		return 0;
	}
	if (head->range_end > r->spec.size)
		return ERR_VENDOR_SIZE;
	/* Another version in spite of If-Range. */
	if (r->etag[0] && strcmp(r->etag, head->etag) != 0)
		return ERR_VENDOR_HTTP_RANGE;
	return 0;
}

static int on_payload_head(void *arg, const struct http_head *head)
{
	struct request *r = arg;
	int e;

	r->head = *head;
	if (!is_success(r, head->status))
		return 0;
	e = payload_place(r, head);
	if (e)
		return payload_refuse(r, e);
	snprintf(r->etag, sizeof(r->etag), "%s", head->etag);
	e = r->spec.on_start(r->spec.arg, r->at, r->etag);
	return e ? payload_refuse(r, e) : 0;
}

static int on_payload_body(void *arg, struct bytes part)
{
	struct request *r = arg;
	int e;

	if (!is_success(r, r->head.status))
		return refusal_add(r, part);
	if (part.len > r->spec.size - r->at)
		return payload_refuse(r, ERR_VENDOR_SIZE);
	r->at += part.len;
	r->moved = true;
	e = r->spec.on_bytes(r->spec.arg, part);
	return e ? payload_refuse(r, e) : 0;
}

/* Waits before the next attempt; a break after progress counts as the first. */
static void payload_wait(struct request *r)
{
	unsigned doublings = r->breaks > RESUME_DOUBLINGS ? RESUME_DOUBLINGS
							   : r->breaks;
	uint64_t wait = (uint64_t)r->https->set.resume_ms << doublings;

	r->breaks++;
	r->until = uv_now(r->https->loop) + wait;
	timer_arm(r->https);
}

/* True when another attempt was begun or will be. */
static bool payload_goes_on(struct request *r, int status)
{
	struct https *https = r->https;

	if (https->closing || r->refused || status == -ECANCELED)
		return false;
	if (r->moved)
		r->breaks = 0;
	if (status == ERR_VENDOR_HTTP_RANGE && r->at && !r->restarted) {
		r->restarted = true;
		r->at = 0;
		r->etag[0] = '\0';
		r->until = uv_now(https->loop);
		timer_arm(https);
		return true;
	}
	if (status == ERR_VENDOR_HTTP_BUSY || err_class(status) !=
			ERR_CLASS_TRANSIENT || r->breaks >= https->set.resumes)
		return false;
	payload_wait(r);
	return true;
}

static void on_payload_done(void *arg, int status,
	const struct http_head *head, const struct fault *fault)
{
	struct request *r = arg;
	int e = status;

	r->fetch = NULL;
	take_head(r, head, fault);
	if (e == 0 && r->head.status == 416)
		e = ERR_VENDOR_HTTP_RANGE;
	else if (e == 0 && !is_success(r, r->head.status))
		e = judge_status(r, r->head.status);
	else if (e == 0 && r->at < r->spec.size)
		e = ERR_VENDOR_HTTP_TRUNCATED;
	/* Ended by the etag's rule, not by the caller. */
	if (e == ERR_VENDOR_HTTP_RANGE)
		r->refused = false;
	if (e && payload_goes_on(r, e)) {
		r->fault = (struct fault){0};
		return;
	}
	request_end(r, e, false);
}

static int payload_fetch(struct request *r)
{
	const bool is_strong = r->etag[0] == '"';
	const struct http_fetch_spec spec = {
		.path = r->path,
		.ranged = r->at > 0,
		.range_from = r->at,
		.if_range = r->at > 0 && is_strong ? r->etag : NULL,
		.body_max = INT64_MAX,
		.on_head = on_payload_head,
		.on_body = on_payload_body,
		.on_done = on_payload_done,
		.arg = r,
	};
	int e;

	buf_reset(&r->content);
	r->head = (struct http_head){0};
	r->moved = false;
	e = http_fetch_start(r->https->client, &spec, &r->fetch);
	if (e == 0 && r->paused)
		http_fetch_pause(r->fetch);
	return e;
}

/* From the timer: the next attempt, or the end of what needs none. */
static void payload_begin(struct request *r)
{
	int e = 0;

	r->until = 0;
	if (r->refused)
		e = -ECANCELED;
	else if (r->at < r->spec.size || r->spec.size == 0)
		e = payload_fetch(r);
	if (e || !r->fetch)
		request_end(r, e, false);
}

static int https_payload(struct vendor_link *link,
	const struct vendor_payload_spec *spec, uint64_t *ret_id)
{
	struct https *https = of_link(link);
	char where[80], hex[65];
	struct request *r;
	int e;

	bytes_to_hex(bytes_of(spec->sha256, 32), hex, sizeof(hex));
	snprintf(where, sizeof(where), "p/%s", hex);
	e = request_new(https, REQUEST_PAYLOAD, spec->on_done, spec->arg,
		spec->uri ? spec->uri : where, &r);
	if (e)
		return e;
	r->spec = *spec;
	r->spec.uri = NULL;
	r->spec.etag = NULL;
	r->at = spec->from;
	if (spec->etag)
		snprintf(r->etag, sizeof(r->etag), "%s", spec->etag);
	if (r->at == r->spec.size && r->spec.size) {
		/* Nothing is missing; the end comes from the loop. */
		r->until = uv_now(https->loop);
		timer_arm(https);
	} else {
		e = payload_fetch(r);
	}
	if (e)
		request_free(r);
	else if (ret_id)
		*ret_id = r->id;
	return e;
}

static void on_timer(uv_timer_t *timer)
{
	struct https *https = timer->data;
	uint64_t now = uv_now(https->loop);
	struct request *r, *next;

	for (r = https->requests; r; r = next) {
		next = r->next;
		if (r->until && now >= r->until) {
			payload_begin(r);
			/* Callbacks may have changed the list. */
			break;
		}
	}
	timer_arm(https);
}

static void timer_arm(struct https *https)
{
	uint64_t now = uv_now(https->loop);
	uint64_t until = UINT64_MAX;
	struct request *r;

	if (uv_is_closing((uv_handle_t *)&https->timer))
		return;
	for (r = https->requests; r; r = r->next)
		if (r->until && r->until < until)
			until = r->until;
	if (until == UINT64_MAX)
		uv_timer_stop(&https->timer);
	else
		uv_timer_start(&https->timer, on_timer,
			until > now ? until - now : 0, 0);
}

static void https_cancel(struct vendor_link *link, uint64_t id)
{
	struct request *r = request_find(of_link(link), id);

	if (!r)
		return;
	if (r->fetch) {
		http_fetch_cancel(r->fetch);
	} else {
		r->refused = true;
		r->until = uv_now(r->https->loop);
		timer_arm(r->https);
	}
}

static void https_pause(struct vendor_link *link, uint64_t id, bool paused)
{
	struct request *r = request_find(of_link(link), id);

	if (!r)
		return;
	r->paused = paused;
	if (!r->fetch)
		return;
	if (paused)
		http_fetch_pause(r->fetch);
	else
		http_fetch_resume(r->fetch);
}

static void https_close(struct vendor_link *link, void (*on_closed)(void *arg),
	void *arg)
{
	struct https *https = of_link(link);
	struct request *r;

	if (https->closing)
		return;
	https->closing = true;
	https->on_closed = on_closed;
	https->closed_arg = arg;
	for (r = https->requests; r; r = r->next)
		if (!r->fetch) {
			r->refused = true;
			r->until = uv_now(https->loop);
		}
	timer_arm(https);
	http_client_close(https->client, on_client_closed, https);
	if (!https->requests)
		close_rest(https);
}

static const struct vendor_link_ops https_ops = {
	.kind = "https",
	.root = https_root,
	.catalog = https_catalog,
	.envelope = https_envelope,
	.evidence = https_evidence,
	.payload = https_payload,
	.report = https_report,
	.cancel = https_cancel,
	.pause = https_pause,
	.close = https_close,
};

/* The base is a folder: "https://host/a" means "https://host/a/". */
static int base_read(struct https *https,
	const struct vendor_https_settings *settings, struct fault *fault)
{
	struct url *base = &https->base;
	struct url reports;
	size_t len;

	if (url_parse(settings->base_url, base) || strchr(base->path, '?') ||
			(len = strlen(base->path)) == URL_PATH_MAX)
		return fault_set(fault, ERR_VENDOR_URL, 0, "url",
			"must be an https URL without user name and query");
	if (!base->tls)
		return fault_set(fault, ERR_VENDOR_PLAIN, 0, "url",
			"must begin with https://");
	if (base->path[len - 1] != '/')
		memcpy(base->path + len, "/", 2);
	if (!settings->reports)
		return 0;
	if (url_resolve(base, settings->reports, &reports) ||
			!url_same_origin(base, &reports))
		return fault_set(fault, ERR_VENDOR_URL, 0, "reports",
			"must be a place within the origin of url");
	snprintf(https->reports, sizeof(https->reports), "%s", reports.path);
	https->has_reports = true;
	return 0;
}

static int client_open(struct https *https,
	const struct vendor_https_settings *settings, struct fault *fault)
{
	const struct http_client_settings client = {
		.origin = settings->base_url,
		.trust = https->trust,
		.limits = settings->limits,
		.peer_verified = settings->peer_verified,
		.on_gate_gone = settings->on_gate_gone,
		.arg = settings->gate_arg,
	};

	return http_client_open(https->loop, &client, fault, &https->client);
}

int vendor_https_open(uv_loop_t *loop,
	const struct vendor_https_settings *settings, struct fault *fault,
	struct vendor_link **ret_link)
{
	struct https *https = calloc(1, sizeof(*https));
	int e;

	if (!https)
		return -ENOMEM;
	https->link.ops = &https_ops;
	https->loop = loop;
	https->set = *settings;
	if (!https->set.object_ms)
		https->set.object_ms = OBJECT_MS;
	if (!https->set.resumes)
		https->set.resumes = RESUMES;
	if (!https->set.resume_ms)
		https->set.resume_ms = RESUME_MS;
	e = base_read(https, settings, fault);
	if (e == 0)
		e = tls_trust_new(&settings->tls, fault, &https->trust);
	if (e == 0)
		e = client_open(https, settings, fault);
	if (e) {
		tls_trust_unref(https->trust);
		free(https);
		return e;
	}
	uv_timer_init(loop, &https->timer);
	https->timer.data = https;
	/* The timer and the client. */
	https->holds = 2;
	*ret_link = &https->link;
	return 0;
}

struct vendor_https_state vendor_https_state(const struct vendor_link *link)
{
	const struct https *https = (const struct https *)link;

	struct vendor_https_state state = {
		.cert_not_after = tls_trust_cert_not_after(https->trust),
	};

	if (https->client)
		state.stats = http_client_stats(https->client);
	return state;
}

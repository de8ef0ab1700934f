/* A source: due -> asked -> good until most of its evidence's life is over
 *                        -> failed: next URI, or back-off after the last one. */
#include "gateway/daemon/evidence_priv.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway/vendor/link.h"
#include "gateway/vendor/poll.h"
#include "policy/trust/ocsp.h"

#define CRL_MS 120000
#define OCSP_MS 15000
#define RENEW_MIN_S 5u

/* ---- kept ---- */

static void on_kept(void *arg, int status, struct bytes file)
{
	struct evidence *e = arg;

	if (!e->closing && !status)
		evidence_take(e, ORIGIN_KEPT, source_kind[e->source], file, NULL);
	else if (!e->closing)
		evidence_go_on(e);
	evidence_release(e);
}

bool evidence_load_kept(struct evidence *e)
{
	char name[CACHE_OBJECT_NAME_MAX + 1];

	while (evidence_next_kept(e, &e->want, &e->source)) {
		e->want->kept_tried[e->source] = true;
		evidence_object_name(e, e->want, e->source, name,
			sizeof(name));
		if (cache_object_get(e->set.gateway->cache, name,
				CACHE_OBJECT_MAX, on_kept, e))
			continue;
		evidence_hold(e, 1);
		return true;
	}
	return false;
}

/* ---- shipped ---- */

static void on_shipped(void *arg, int status, const struct vendor_answer *a)
{
	struct evidence *e = arg;

	e->request = 0;
	for (unsigned i = 0; i < e->shipped_count && !status; i++)
		if (!memcmp(e->shipped[i].sha256, e->ship.sha256, 32))
			e->shipped[i].taken = true;
	if (!e->closing && !status) {
		evidence_take(e, ORIGIN_SHIPPED, e->ship.kind, a->content,
			e->ship.sha256);
	} else if (!e->closing) {
		log_warn("evidence", "what the catalog ships cannot be fetched",
			"vendor=%s code=%s", e->set.config->name,
			err_name(status));
		evidence_go_on(e);
	}
	evidence_release(e);
}

bool evidence_fetch_shipped(struct evidence *e)
{
	struct evidence_shipped *s;

	while ((s = evidence_next_shipped(e))) {
		s->tried = true;
		if (vendor_link_evidence(e->set.link(e->set.arg), s->sha256,
				s->len, on_shipped, e, &e->request))
			continue;
		e->ship = *s;
		evidence_hold(e, 1);
		return true;
	}
	return false;
}

/* ---- asked ---- */

static uint32_t random_word(void)
{
	uint32_t random = 0;

	uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
	return random;
}

static uint64_t in_ms(const struct evidence *e, uint64_t ms)
{
	return uv_now(e->set.gateway->loop) + ms;
}

/* At about 80 % of its life; later every quarter of what is left. */
static uint64_t renew_in_s(const struct evidence *e, const struct statement *s)
{
	uint64_t now = trust_now_latest(e->set.now(e->set.arg));
	uint64_t life = s->next_update - s->this_update;
	uint64_t at = s->this_update + life / 10 * 8 +
		(uint64_t)random_word() % (life / 20 + 1);
	uint64_t wait = at > now ? at - now : s->next_update > now ?
		(s->next_update - now) / 4 : 0;

	return wait > RENEW_MIN_S ? wait : RENEW_MIN_S;
}

static void back_off(
	struct evidence *e, struct evidence_try *t, uint32_t retry_after_s)
{
	const struct vendor_poll_rules rules = {
		.interval_s = 3600,
		.retry_first_s = (uint32_t)e->set.config->link.retry_first_s,
		.retry_max_s = (uint32_t)e->set.config->link.retry_max_s,
	};

	t->failures++;
	t->due_ms = in_ms(e, vendor_poll_delay_ms(&rules, t->failures,
		retry_after_s, random_word()));
}

static void failed(struct evidence *e, struct evidence_want *want,
	enum evidence_source source, int code, uint32_t retry_after_s)
{
	struct evidence_try *t = &want->tries[source];
	bool first = t->uri == evidence_allowed_from(e, want, source, 0);
	bool missed = err_class(code) == ERR_CLASS_TRANSIENT;

	log_warn("evidence", "source of evidence fails",
		"vendor=%s subject=\"%s\" uri=\"%s\" code=%s",
		e->set.config->name, want->subject, evidence_uri(want, source,
		t->uri), err_name(code));
	t->status = code;
	t->at_ms = gateway_wall_ms();
	/* One that was heard, whatever it said, is reachable. */
	t->unreachable = missed && (first || t->unreachable);
	t->uri = evidence_allowed_from(e, want, source, t->uri + 1);
	if (t->uri < evidence_uri_count(want, source)) {
		t->due_ms = 0;
		return;
	}
	t->asked = true;
	t->uri = evidence_allowed_from(e, want, source, 0);
	back_off(e, t, retry_after_s);
}

/* What the source gave is the newest that it has, and has run out: neither it
 * nor the next one is asked all the time. The next list is not asked for by the
 * tag of this one: where a tag is of seconds and bytes it may have the same. */
static void gave_stale(struct evidence *e, struct evidence_want *want,
	enum evidence_source source)
{
	struct evidence_try *t = &want->tries[source];

	t->status = ERR_TRUST_REVOCATION_STALE;
	t->etag[0] = '\0';
	t->uri = evidence_allowed_from(e, want, source, t->uri + 1);
	if (t->uri == evidence_uri_count(want, source))
		t->uri = evidence_allowed_from(e, want, source, 0);
	back_off(e, t, 0);
}

static void succeeded(struct evidence *e, struct evidence_want *want,
	enum evidence_source source, enum evidence_origin origin)
{
	const struct statement *s = evidence_statement_of(e, want, source);
	struct evidence_try *t = &want->tries[source];
	bool stale = trust_now_expired(e->set.now(e->set.arg), s->next_update);

	t->status = 0;
	t->unreachable = false;
	t->asked |= origin == ORIGIN_ASKED;
	t->at_ms = gateway_wall_ms();
	if (stale && origin == ORIGIN_ASKED) {
		gave_stale(e, want, source);
		return;
	}
	t->failures = 0;
	t->uri = evidence_allowed_from(e, want, source, 0);
	t->due_ms = in_ms(e, renew_in_s(e, s) * 1000);
	/* What is kept and has run out is no success. */
	if (stale)
		t->due_ms = 0;
}

/* Everybody whom the object is about has it now. */
static void share(struct evidence *e, enum evidence_origin origin,
	const uint8_t sha256[32])
{
	for (unsigned i = 0; i < e->want_count; i++)
		for (int k = 0; k < SOURCE_COUNT; k++) {
			enum evidence_source source = (enum evidence_source)k;
			const struct statement *s = evidence_statement_of(e,
				e->wants[i], source);

			if (s && !memcmp(s->sha256, sha256, 32))
				succeeded(e, e->wants[i], source, origin);
		}
}

/* RFC 9919 lets responders sign their answers beforehand. What they say is then
 * as old as it says, and never older than what was known. */
static bool asks_without_nonce(struct evidence *e, int code)
{
	struct evidence_try *t = &e->want->tries[e->source];

	if (code != ERR_TRUST_OCSP_NONCE || t->no_nonce)
		return false;
	t->no_nonce = true;
	t->due_ms = 0;
	return true;
}

/* An answer may also tell nothing new: the same second, the same list. */
static void took_answer(struct evidence *e, int code, const uint8_t sha256[32])
{
	struct evidence_try *t = &e->want->tries[e->source];
	const struct statement *s = evidence_statement_of(e, e->want,
		e->source);

	memcpy(t->etag_sha256, sha256, 32);
	if (code)
		t->etag[0] = '\0';
	if (!code && s && !memcmp(s->sha256, sha256, 32))
		return; /* shared */
	if (!code && s)
		succeeded(e, e->want, e->source, ORIGIN_ASKED);
	else if (!asks_without_nonce(e, code))
		failed(e, e->want, e->source, code ? code :
			ERR_TRUST_EVIDENCE_UNNEEDED, 0);
}

void evidence_took(struct evidence *e, enum evidence_origin origin, int code,
	const uint8_t sha256[32], const struct fault *fault)
{
	if (!code)
		share(e, origin, sha256);
	if (origin == ORIGIN_ASKED)
		took_answer(e, code, sha256);
	else if (code && code != ERR_TRUST_EVIDENCE_UNNEEDED)
		log_warn("evidence", origin == ORIGIN_KEPT ?
			"kept evidence does not count" :
			"shipped evidence does not count",
			"vendor=%s code=%s rule=\"%s\"", e->set.config->name,
			err_name(code), fault->rule);
	evidence_go_on(e);
}

static void on_unchanged(struct evidence *e)
{
	struct evidence_try *t = &e->want->tries[e->source];

	if (evidence_statement_of(e, e->want, e->source)) {
		share(e, ORIGIN_ASKED, t->etag_sha256);
		succeeded(e, e->want, e->source, ORIGIN_ASKED);
	} else {
		/* Forgotten meanwhile: the whole of it. */
		t->etag[0] = '\0';
		t->due_ms = 0;
	}
	evidence_go_on(e);
}

static void on_answer(void *arg, int status,
	const struct http_once_answer *answer)
{
	struct evidence *e = arg;

	e->once = NULL;
	if (e->closing) {
		evidence_release(e);
		return;
	}
	if (status) {
		failed(e, e->want, e->source, status, answer->retry_after_s);
		evidence_go_on(e);
	} else if (answer->unchanged) {
		on_unchanged(e);
	} else {
		snprintf(e->want->tries[e->source].etag, HTTP_ETAG_MAX, "%s",
			e->source == SOURCE_CRL ? answer->etag : "");
		evidence_take(e, ORIGIN_ASKED, source_kind[e->source],
			answer->content, NULL);
	}
	evidence_release(e);
}

static int ask_crl(struct evidence *e, const char *uri,
	const struct evidence_try *t)
{
	const struct http_once_spec spec = {
		.url = uri,
		.if_none_match = t->etag,
		.max = EVIDENCE_CRL_MAX,
		.total_ms = CRL_MS,
		.address_allowed = evidence_address_allowed,
		.on_done = on_answer,
		.arg = e,
	};

	e->nonce_len = 0;
	return http_once_start(e->set.gateway->loop, &spec, &e->once);
}

static int ask_ocsp(struct evidence *e, const char *uri)
{
	struct http_once_spec spec = {
		.url = uri,
		.content_type = "application/ocsp-request",
		.accept = "application/ocsp-response",
		.max = EVIDENCE_OCSP_MAX,
		.total_ms = OCSP_MS,
		.address_allowed = evidence_address_allowed,
		.on_done = on_answer,
		.arg = e,
	};
	struct buf request, url;
	int err;

	buf_init(&request, 1024);
	buf_init(&url, 2048);
	e->nonce_len = e->want->tries[e->source].no_nonce ? 0 : OCSP_NONCE_LEN;
	err = uv_random(NULL, NULL, e->nonce, sizeof(e->nonce), 0, NULL);
	if (!err)
		err = ocsp_request(&e->want->id,
			bytes_of(e->nonce, e->nonce_len), &request);
	if (!err && evidence_ocsp_path(uri, buf_bytes(&request), &url))
		spec.post = buf_bytes(&request);
	else if (!err)
		err = buf_add(&url, "", 1);
	if (!err && !spec.post.len)
		spec.url = (const char *)url.at;
	if (!err)
		err = http_once_start(e->set.gateway->loop, &spec, &e->once);
	buf_done(&request);
	buf_done(&url);
	return err;
}

bool evidence_ask_source(struct evidence *e)
{
	uint64_t now = uv_now(e->set.gateway->loop);

	while (evidence_next_due(e, &e->want, &e->source) <= now) {
		struct evidence_try *t = &e->want->tries[e->source];
		const char *uri;
		int err;

		t->uri = evidence_allowed_from(e, e->want, e->source, t->uri);
		if (t->uri == evidence_uri_count(e->want, e->source))
			t->uri = evidence_allowed_from(e, e->want, e->source, 0);
		uri = evidence_uri(e->want, e->source, t->uri);
		err = e->source == SOURCE_CRL ? ask_crl(e, uri, t) :
			ask_ocsp(e, uri);
		if (!err) {
			evidence_hold(e, 1);
			return true;
		}
		failed(e, e->want, e->source, err, 0);
		e->worked = true;
	}
	return false;
}

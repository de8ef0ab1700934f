/* How the envelope and the image of a release come into the cache. */
#include "gateway/daemon/release_priv.h"

#include <errno.h>
#include <stdio.h>

/* ---- payload ---- */

static void on_sealed(void *arg, int status)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing) {
		gateway_wake(r->gateway);
		return;
	}
	if (status)
		release_failed(r, status);
	else
		release_judge_whole(r);
}

static int on_payload_start(void *arg, uint64_t from, const char *etag)
{
	struct release *r = arg;

	if (!r->part)
		return -ECANCELED;
	if (from == 0 && cache_part_offset(r->part) > 0)
		cache_part_restart(r->part);
	else if (from != cache_part_offset(r->part))
		return -EINVAL;
	cache_part_note_etag(r->part, etag);
	return 0;
}

/* Also on a bad status: the next bytes then meet the error, which ends the
 * fetch so that it can be tried again. */
static void on_drained(void *arg, int status)
{
	struct release *r = arg;
	struct vendor *v = vendor_find(r->gateway, r->vendor);

	(void)status;
	if (v && v->link && r->request)
		vendor_link_resume(v->link, r->request);
}

static int on_payload_bytes(void *arg, struct bytes part)
{
	struct release *r = arg;
	struct vendor *v = vendor_find(r->gateway, r->vendor);
	int err = r->part ? cache_part_append(r->part, part) : -ECANCELED;

	if (err < 0)
		return err;
	r->fetched_bytes += part.len;
	r->have_bytes = cache_part_offset(r->part);
	if (v)
		v->fetched_bytes += part.len;
	if (err == 1 && v)
		vendor_link_pause(v->link, r->request);
	return 0;
}

/* An image has just arrived: what the link to the vendor was then, for steps 3
 * and 4 of the jobs that send it. */
static void note_carrier(struct release *r)
{
	const struct vendor *v = vendor_find(r->gateway, r->vendor);
	struct vendor_https_state state = {0};

	if (v && v->link)
		state = vendor_https_state(v->link);
	if (!state.stats.tls_version)
		return;
	r->carried = true;
	snprintf(r->tls_version, sizeof(r->tls_version), "%s",
		state.stats.tls_version);
	snprintf(r->tls_suite, sizeof(r->tls_suite), "%s",
		state.stats.tls_suite ? state.stats.tls_suite : "");
	r->mutual = v->config->link.certificate[0] != '\0';
	r->server_checked = v->config->server == REVOCATION_REQUIRE;
}

static void on_payload_done(void *arg, int status,
	const struct vendor_answer *answer)
{
	struct release *r = arg;
	struct cache_part *part = r->part;

	r->request = 0;
	r->part = NULL;
	if (status || r->closing) {
		cache_part_close(part);
		if (r->closing) {
			gateway_wake(r->gateway);
			return;
		}
		if (answer && answer->fault)
			r->fault = *answer->fault;
		release_failed(r, status);
		return;
	}
	note_carrier(r);
	r->request = UINT64_MAX;
	cache_part_seal(part, on_sealed, r);
}

static void on_part(void *arg, int status, struct cache_part *part)
{
	struct release *r = arg;
	struct vendor *v = vendor_find(r->gateway, r->vendor);
	struct vendor_payload_spec spec = {
		.uri = r->payload_path,
		.size = r->payload_len,
		.on_start = on_payload_start,
		.on_bytes = on_payload_bytes,
		.on_done = on_payload_done,
		.arg = r,
	};

	r->request = 0;
	if (status || r->closing || !v || !v->link) {
		if (!status)
			cache_part_close(part);
		if (r->closing)
			gateway_wake(r->gateway);
		else
			release_failed(r, status ? status : ERR_JOB_NO_LINK);
		return;
	}
	r->part = part;
	cache_part_on_drain(part, on_drained, r);
	spec.from = cache_part_offset(part);
	spec.etag = cache_part_etag(part);
	r->have_bytes = spec.from;
	memcpy(spec.sha256, r->payload, 32);
	if (spec.from == r->payload_len) {
		/* Everything was there before the last stop. */
		r->part = NULL;
		r->request = UINT64_MAX;
		cache_part_seal(part, on_sealed, r);
		return;
	}
	status = vendor_link_payload(v->link, &spec, &r->request);
	if (status) {
		r->part = NULL;
		cache_part_close(part);
		release_failed(r, status);
	}
}

void release_fetch_payload(struct release *r)
{
	struct cache *cache = r->gateway->cache;
	int err = 0;

	r->state = RELEASE_PAYLOAD;
	switch (cache_find(cache, r->payload, NULL)) {
	case CACHE_READY:
		release_judge_whole(r);
		return;
	case CACHE_UNVERIFIED:
		err = cache_verify(cache, r->payload, on_sealed, r);
		break;
	case CACHE_LOADING:
		/* Another class's release has the same image. */
		release_failed(r, -EBUSY);
		return;
	case CACHE_ABSENT:
		err = cache_part_open(cache, r->payload, r->payload_len,
			on_part, r);
		break;
	}
	if (err)
		release_failed(r, err);
	else
		r->request = UINT64_MAX;
	news_release(&r->gateway->news, r);
}

/* ---- envelope ---- */

static void on_envelope_kept(void *arg, int status)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing)
		gateway_wake(r->gateway);
	else if (status)
		release_failed(r, status);
	else
		release_settle(r, RELEASE_LISTED, 0);
}

static void on_envelope_fetched(void *arg, int status,
	const struct vendor_answer *answer)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing) {
		gateway_wake(r->gateway);
		return;
	}
	if (!status)
		status = cache_put(r->gateway->cache, r->envelope,
			answer->content, on_envelope_kept, r);
	else
		r->fault = *answer->fault;
	if (status)
		release_failed(r, status);
	else
		r->request = UINT64_MAX;
}

static void fetch_envelope(struct release *r)
{
	struct vendor *v = vendor_find(r->gateway, r->vendor);
	int err = v && v->link ? vendor_link_envelope(v->link, r->envelope,
		r->envelope_len, on_envelope_fetched, r, &r->request) :
		ERR_JOB_NO_LINK;

	if (err)
		release_failed(r, err);
}

static void on_envelope(void *arg, int status, struct bytes bytes)
{
	struct release *r = arg;

	r->request = 0;
	if (r->closing)
		gateway_wake(r->gateway);
	else if (status == 0)
		release_judge(r, bytes, false);
	else if (status == -ENOENT || status == ERR_STORE_DIGEST)
		fetch_envelope(r);
	else
		release_failed(r, status);
}

void release_get_envelope(struct release *r)
{
	int err = cache_load(r->gateway->cache, r->envelope, SUIT_ENVELOPE_MAX,
		on_envelope, r);

	if (err == -ENOENT)
		fetch_envelope(r);
	else if (err)
		release_failed(r, err);
	else
		r->request = UINT64_MAX;
}

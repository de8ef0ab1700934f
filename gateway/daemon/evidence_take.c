/* kept file, shipped file or answer -> scan on the pool -> floors -> commit ->
 * statements count, and the cache keeps the file. */
#include "gateway/daemon/evidence_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/daemon/view_text.h"
#include "policy/trust/crypto.h"
#include "policy/trust/revocation.h"

struct take {
	uv_work_t req;
	struct evidence *evidence;
	enum evidence_origin origin;
	enum evidence_kind kind;
	uint8_t *der;
	size_t len;
	bool has_expected;
	uint8_t expected[32];
	uint8_t sha256[32];
	struct revocation_needs needs;
	struct statement_table table;
	struct trust_now now;
	uint8_t nonce[32];
	size_t nonce_len;
	int code;
	int floors; /* why it does not count although it is right */
	struct fault fault;
};

static void take_free(struct take *t)
{
	free(t->der);
	free(t);
}

static void end(struct take *t, int code)
{
	struct evidence *e = t->evidence;

	if (code && !t->fault.code)
		fault_set(&t->fault, code, 0, "evidence", "%s",
			err_text(code));
	if (!e->closing)
		evidence_took(e, t->origin, code, t->sha256, &t->fault);
	take_free(t);
	evidence_release(e);
}

/* ---- floors ---- */

static bool is_of(const struct take *t, const struct statement *s)
{
	return s->kind == t->kind && !memcmp(s->sha256, t->sha256, 32);
}

/* Whose floor a statement counts for, and how high it is. */
static int floor_of(const struct statement *s, struct evidence_floor *ret)
{
	*ret = (struct evidence_floor){.kind = s->kind};
	if (s->kind == EVIDENCE_CRL) {
		memcpy(ret->number, s->number, sizeof(ret->number));
		return cert_issuer_digest(&s->id, ret->id);
	}
	put_be32(ret->number + EVIDENCE_NUMBER_LEN - 8,
		(uint32_t)(s->this_update >> 32));
	put_be32(ret->number + EVIDENCE_NUMBER_LEN - 4,
		(uint32_t)s->this_update);
	return cert_id_digest(&s->id, ret->id);
}

static int judge_floors(struct take *t)
{
	struct evidence *e = t->evidence;

	for (unsigned i = 0; i < t->table.count; i++) {
		const struct statement *s = &t->table.of[i];
		const struct evidence_floor *known;
		struct evidence_floor floor;
		int err;

		if (!is_of(t, s))
			continue;
		err = floor_of(s, &floor);
		if (err)
			return err;
		known = evidence_floor_find(e, floor.kind, floor.id);
		if (known && memcmp(known->number, floor.number,
				sizeof(floor.number)) > 0)
			return s->kind == EVIDENCE_CRL ?
				ERR_TRUST_CRL_ROLLBACK : ERR_TRUST_OCSP_REPLAY;
	}
	return 0;
}

static int put_floor(struct evidence *e, struct store_commit *c,
	const struct statement *s)
{
	struct evidence_floor_row row = {0};
	const struct evidence_floor *known;
	struct evidence_floor floor;

	int err = floor_of(s, &floor);

	if (err)
		return err;
	known = evidence_floor_find(e, floor.kind, floor.id);
	if (known && known->saved && !memcmp(known->number, floor.number,
			sizeof(floor.number)))
		return 0;
	snprintf(row.vendor, sizeof(row.vendor), "%s", e->set.config->name);
	snprintf(row.what, sizeof(row.what), "%s", s->kind == EVIDENCE_CRL ?
		"crl" : "ocsp");
	memcpy(row.id, floor.id, sizeof(row.id));
	memcpy(row.number, floor.number, sizeof(row.number));
	store_commit_evidence_floor(c, &row);
	return evidence_floor_raise(e, floor.kind, floor.id, floor.number);
}

/* ---- revoked ---- */

static const char *subject_of(const struct evidence *e,
	const struct statement *s)
{
	for (unsigned i = 0; i < e->want_count; i++)
		if (cert_id_equal(&e->wants[i]->id, &s->id))
			return e->wants[i]->subject;
	return "";
}

static void put_revoked(struct evidence *e, struct store_commit *c,
	const struct statement *s, const uint8_t digest[CERT_ID_LEN])
{
	struct revocation_row row = {
		.id_len = CERT_ID_LEN,
		.at_ms = gateway_wall_ms(),
	};
	const char *subject = subject_of(e, s);
	char detail[512];

	snprintf(row.vendor, sizeof(row.vendor), "%s", e->set.config->name);
	snprintf(row.what, sizeof(row.what), "certificate");
	memcpy(row.id, digest, CERT_ID_LEN);
	snprintf(row.reason, sizeof(row.reason), "%.160s, reason %u", subject,
		s->reason);
	store_commit_revocation(c, &row);
	view_detail(detail, sizeof(detail), "{s:s,s:i,s:s}", "subject", subject,
		"reason", (int)s->reason, "by", s->kind == EVIDENCE_CRL ?
		"crl" : "ocsp");
	gateway_history(c, "certificate-revoked", e->set.config->name, NULL, 0,
		NULL, detail);
}

static void tell_revoked(struct evidence *e, const struct statement *s)
{
	log_warn("evidence", "a certificate was revoked",
		"vendor=%s subject=\"%s\" reason=%u by=%s", e->set.config->name,
		subject_of(e, s), s->reason, s->kind == EVIDENCE_CRL ? "crl" :
		"ocsp");
}

/* In force at once, whatever becomes of the commit and of the object. */
static void note_revoked(struct take *t, struct store_commit *c)
{
	struct evidence *e = t->evidence;

	for (unsigned i = 0; i < t->table.count; i++) {
		const struct statement *s = &t->table.of[i];
		uint8_t digest[CERT_ID_LEN];
		const bool *saved;

		if (!is_of(t, s) || s->status != STATEMENT_REVOKED ||
				cert_id_digest(&s->id, digest))
			continue;
		saved = evidence_revoked_find(e, digest);
		if (saved && *saved)
			continue;
		if (!saved && evidence_note_revoked(e, digest))
			gateway_alarm(e->set.gateway, "revocations", "restart "
				"ferryd; tell its makers", "no room for the "
				"revocations of vendor %s",
				e->set.config->name);
		if (!saved)
			tell_revoked(e, s);
		put_revoked(e, c, s, digest);
	}
}

/* ---- the way ---- */

static void keep_file(struct take *t)
{
	struct evidence *e = t->evidence;
	char name[CACHE_OBJECT_NAME_MAX + 1];

	if (t->origin == ORIGIN_KEPT)
		return;
	for (unsigned i = 0; i < e->want_count; i++) {
		const struct evidence_want *want = e->wants[i];

		for (unsigned k = 0; k < t->table.count; k++) {
			if (!is_of(t, &t->table.of[k]) || !cert_id_equal(
					&want->id, &t->table.of[k].id))
				continue;
			evidence_object_name(e, want, t->kind == EVIDENCE_CRL ?
				SOURCE_CRL : SOURCE_OCSP, name, sizeof(name));
			/* If this is lost it is only fetched again. */
			cache_object_put(e->set.gateway->cache, name,
				bytes_of(t->der, t->len), NULL, NULL);
			return;
		}
	}
}

/* What was noted of the object is in trust.db. */
static void note_saved(struct take *t)
{
	struct evidence *e = t->evidence;

	for (unsigned i = 0; i < t->table.count; i++) {
		const struct statement *s = &t->table.of[i];
		struct evidence_floor floor, *known;
		uint8_t digest[CERT_ID_LEN];
		bool *saved;

		if (!is_of(t, s) || cert_id_digest(&s->id, digest))
			continue;
		saved = evidence_revoked_find(e, digest);
		if (saved && s->status == STATEMENT_REVOKED)
			*saved = true;
		known = t->floors || floor_of(s, &floor) ? NULL :
			evidence_floor_find(e, floor.kind, floor.id);
		if (known && !memcmp(known->number, floor.number,
				sizeof(floor.number)))
			known->saved = true;
	}
}

static void install(struct take *t)
{
	t->evidence->table = t->table;
	keep_file(t);
	end(t, 0);
}

static void on_stored(void *arg, int status)
{
	struct take *t = arg;

	if (!status)
		note_saved(t);
	if (status || t->floors)
		end(t, t->floors ? t->floors : status);
	else
		install(t);
}

static void store(struct take *t)
{
	struct evidence *e = t->evidence;
	struct store_commit *c = store_commit_new();
	int err;

	t->floors = judge_floors(t);
	note_revoked(t, c);
	for (unsigned i = 0; i < t->table.count && !t->floors; i++)
		if (is_of(t, &t->table.of[i]))
			t->floors = put_floor(e, c, &t->table.of[i]);
	if (store_commit_is_empty(c)) {
		store_commit_free(c);
		if (t->floors)
			end(t, t->floors);
		else
			install(t);
		return;
	}
	err = gateway_commit(e->set.gateway, c, on_stored, t);
	if (err)
		end(t, err);
}

static enum evidence_kind kind_of(const struct take *t)
{
	for (unsigned i = 0; i < t->table.count; i++)
		if (!memcmp(t->table.of[i].sha256, t->sha256, 32))
			return t->table.of[i].kind;
	return t->kind;
}

static void scan(uv_work_t *req)
{
	struct take *t = req->data;
	int n = crypto_sha256(bytes_of(t->der, t->len), t->sha256);

	if (!n && t->has_expected && memcmp(t->sha256, t->expected, 32))
		n = fault_set(&t->fault, ERR_STORE_DIGEST, 0, "evidence",
			"is not the file that the catalog lists");
	if (!n)
		n = statement_table_add(&t->table, t->kind,
			bytes_of(t->der, t->len), &t->needs,
			bytes_of(t->nonce, t->nonce_len), t->now, &t->fault);
	t->code = n < 0 ? n : 0;
}

static void on_scanned(uv_work_t *req, int status)
{
	struct take *t = req->data;

	if (!status)
		status = t->code;
	t->kind = kind_of(t);
	if (status || t->evidence->closing)
		end(t, status);
	else
		store(t);
}

static void put_needs(const struct evidence *e, struct revocation_needs *needs)
{
	for (unsigned i = 0; i < e->want_count; i++)
		needs->of[needs->count++] = (struct revocation_need){
			.id = e->wants[i]->id,
			.certificate = e->wants[i]->certificate,
			.issuer = e->wants[i]->issuer,
		};
}

void evidence_take(struct evidence *e, enum evidence_origin origin,
	enum evidence_kind kind, struct bytes der, const uint8_t *expected)
{
	struct take *t = calloc(1, sizeof(*t));
	const uint8_t none[32] = {0};
	struct fault fault = {0};
	int err = -ENOMEM;

	if (t)
		t->der = malloc(der.len ? der.len : 1);
	if (!t || !t->der) {
		free(t);
		fault_set(&fault, err, 0, "evidence", "%s", err_text(err));
		evidence_took(e, origin, err, none, &fault);
		return;
	}
	t->req.data = t;
	t->evidence = e;
	t->origin = origin;
	t->kind = kind;
	t->len = der.len;
	memcpy(t->der, der.at, der.len);
	t->has_expected = expected != NULL;
	if (expected)
		memcpy(t->expected, expected, 32);
	put_needs(e, &t->needs);
	t->table = e->table;
	t->now = e->set.now(e->set.arg);
	if (origin == ORIGIN_ASKED) {
		memcpy(t->nonce, e->nonce, sizeof(t->nonce));
		t->nonce_len = e->nonce_len;
	}
	evidence_hold(e, 1);
	uv_queue_work(e->set.gateway->loop, &t->req, scan, on_scanned);
}

#include "policy/trust/revocation.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/trust/date.h"

const struct revocation_view revocation_nothing_known = {
	.policy = REVOCATION_REQUIRE,
};

bool revocation_refuses(int code)
{
	return code == ERR_TRUST_REVOKED || code == ERR_TRUST_REVOCATION_NONE ||
	       code == ERR_TRUST_REVOCATION_MISSING ||
	       code == ERR_TRUST_REVOCATION_STALE ||
	       code == ERR_TRUST_REVOCATION_NOT_YET ||
	       code == ERR_TRUST_REVOCATION_UNKNOWN ||
	       code == ERR_TRUST_REVOCATION_ANCHOR ||
	       code == ERR_TRUST_REVOCATION_NEEDS;
}

/* What is known of one certificate. The statements are the most telling ones
 * of their sort, NULL where there is none. */
struct knowledge {
	const struct revocation_view *view;
	struct trust_now now;
	struct cert_id id;
	bool remembered; /* was seen revoked */
	const struct statement *revoked;
	const struct statement *by_crl; /* GOOD, and they count */
	const struct statement *by_ocsp;
	bool overdue; /* what counts has run out */
	uint64_t good_until;
	uint64_t signed_time;
	const struct statement *unknown; /* why nothing counts */
	const struct statement *not_yet;
	const struct statement *stale;
	const struct statement *waiting; /* for evidence about its delegate */
};

/* `unknown` is what an id counts for that cannot be looked up. */
static bool lists(const uint8_t (*list)[CERT_ID_LEN], unsigned count,
	const struct cert_id *id, bool unknown)
{
	uint8_t digest[CERT_ID_LEN];

	if (count == 0)
		return false;
	if (cert_id_digest(id, digest))
		return unknown;
	for (unsigned i = 0; i < count; i++)
		if (!memcmp(list[i], digest, sizeof(digest)))
			return true;
	return false;
}

static bool was_revoked(
	const struct revocation_view *view, const struct cert_id *id)
{
	return lists(view->revoked, view->revoked_count, id, true);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* Until when the dates of a GOOD statement let it count; 0: they do not. */
static uint64_t counts_until(const struct revocation_view *view,
	const struct statement *s, struct trust_now now)
{
	uint64_t end = sum(s->this_update, view->max_age_s);

	if (trust_now_too_early(now, s->this_update))
		return 0;
	if (!trust_now_expired(now, s->next_update))
		return s->next_update;
	if (view->policy != REVOCATION_IF_REACHABLE ||
		trust_now_expired(now, end) ||
		!lists(view->unreachable, view->unreachable_count, &s->id,
			false))
		return 0;
	return end;
}

/* Until when it is evident that the delegate is not revoked: by a list, or by
 * an answer of somebody who needs no evidence. 0: it is not. */
static uint64_t delegate_until(const struct revocation_view *view,
	const struct cert_id *delegate, struct trust_now now)
{
	uint64_t until = 0;

	if (was_revoked(view, delegate))
		return 0;
	for (unsigned i = 0; i < view->statement_count; i++) {
		const struct statement *s = &view->statements[i];
		uint64_t one;

		if (!cert_id_equal(&s->id, delegate))
			continue;
		if (s->status == STATEMENT_REVOKED)
			return 0;
		if (s->status != STATEMENT_GOOD || s->by_delegate)
			continue;
		one = counts_until(view, s, now);
		until = one > until ? one : until;
	}
	return until;
}

static void note_good(struct knowledge *k, const struct statement *s)
{
	uint64_t until = counts_until(k->view, s, k->now);
	const struct statement **place =
		s->kind == EVIDENCE_CRL ? &k->by_crl : &k->by_ocsp;

	if (until && s->by_delegate) {
		uint64_t other = delegate_until(k->view, &s->delegate, k->now);

		if (other == 0)
			k->waiting = s;
		until = other < until ? other : until;
	} else if (until == 0) {
		if (trust_now_too_early(k->now, s->this_update))
			k->not_yet = s;
		else
			k->stale = s;
	}
	if (until == 0)
		return;
	if (until > k->good_until)
		k->good_until = until;
	if (s->this_update > k->signed_time)
		k->signed_time = s->this_update;
	if (!*place || (*place)->next_update < s->next_update)
		*place = s;
}

static void note(struct knowledge *k, const struct statement *s)
{
	switch (s->status) {
	case STATEMENT_GOOD:
		note_good(k, s);
		return;
	case STATEMENT_REVOKED:
		k->revoked = s;
		return;
	case STATEMENT_UNKNOWN:
		k->unknown = s;
		return;
	}
}

static bool has_run_out(const struct knowledge *k, const struct statement *s)
{
	return !s || trust_now_expired(k->now, s->next_update);
}

static void look(struct knowledge *k)
{
	k->remembered = was_revoked(k->view, &k->id);
	for (unsigned i = 0; i < k->view->statement_count; i++)
		if (cert_id_equal(&k->view->statements[i].id, &k->id))
			note(k, &k->view->statements[i]);
	k->overdue = k->good_until && has_run_out(k, k->by_crl) &&
		     has_run_out(k, k->by_ocsp);
}

/* A text that is cut where its room ends. */
struct text {
	char *at;
	size_t size, len;
};

static void put(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at + t->len, t->size - t->len, format, args);
	va_end(args);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n
						       : t->size - t->len - 1;
}

/* "CRL 17 until 2026-12-01T00:00:00Z" */
static void put_statement(struct text *t, const struct statement *s)
{
	char date[DATE_SIZE], hex[2 * EVIDENCE_NUMBER_LEN + 1];
	const uint8_t *number = s->number;
	size_t len = sizeof(s->number);

	if (s->kind == EVIDENCE_OCSP) {
		put(t, "OCSP of %s", date_text(s->this_update, date));
	} else {
		for (; len > 8 && *number == 0; len--)
			number++;
		if (len == 8)
			put(t, "CRL %llu",
				(unsigned long long)get_be64(number));
		else
			put(t, "CRL 0x%s",
				bytes_to_hex(bytes_of(number, len), hex,
					sizeof(hex)));
	}
	put(t, " until %s", date_text(s->next_update, date));
}

/* Adds the reason why a certificate is refused; returns its code. */
static int refuse(struct text *t, const struct knowledge *k)
{
	const struct statement *s = k->revoked     ? k->revoked
				    : k->unknown   ? k->unknown
				    : k->not_yet   ? k->not_yet
				    : k->waiting   ? k->waiting
						   : k->stale;
	char serial[2 * CERT_SERIAL_MAX + 1], date[DATE_SIZE];

	put(t, "serial %s: ",
		bytes_to_hex(bytes_of(k->id.serial, k->id.serial_len), serial,
			sizeof(serial)));
	if (k->remembered && !k->revoked) {
		put(t, "was seen revoked before");
		return ERR_TRUST_REVOKED;
	}
	if (!s) {
		put(t, "no evidence about it");
		return ERR_TRUST_REVOCATION_MISSING;
	}
	put_statement(t, s);
	if (s == k->revoked) {
		put(t, ": revoked at %s, reason %u",
			date_text(s->revoked_at, date), s->reason);
		return ERR_TRUST_REVOKED;
	}
	if (s == k->unknown) {
		put(t, ": the responder does not know it");
		return ERR_TRUST_REVOCATION_UNKNOWN;
	}
	if (s == k->not_yet) {
		put(t, ": from %s, which is to come",
			date_text(s->this_update, date));
		return ERR_TRUST_REVOCATION_NOT_YET;
	}
	if (s == k->waiting) {
		put(t, ": no evidence about its responder");
		return ERR_TRUST_REVOCATION_MISSING;
	}
	put(t, ": has run out");
	return ERR_TRUST_REVOCATION_STALE;
}

static bool is_revoked(const struct knowledge *k)
{
	return k->remembered || k->revoked;
}

static bool need_add(
	struct revocation_needs *needs, const struct revocation_need *need)
{
	struct revocation_need *known;

	for (unsigned i = 0; i < needs->count; i++) {
		known = &needs->of[i];
		if (!cert_id_equal(&known->id, &need->id))
			continue;
		/* The certificate itself tells more than one beside it. */
		if (known->is_delegate && !need->is_delegate)
			*known = *need;
		return true;
	}
	if (needs->count == REVOCATION_NEEDS_MAX) {
		needs->overflowed = true;
		return false;
	}
	needs->of[needs->count++] = *need;
	return true;
}

static void note_needs(struct revocation_needs *needs,
	const struct knowledge *k, struct bytes certificate,
	struct bytes issuer)
{
	struct revocation_need need = {
		.id = k->id,
		.certificate = certificate,
		.issuer = issuer,
		.has_current = k->good_until && !k->overdue,
		.good_until = k->good_until,
	};

	need_add(needs, &need);
	for (unsigned i = 0; i < k->view->statement_count; i++) {
		const struct statement *s = &k->view->statements[i];

		if (!s->by_delegate || s->status == STATEMENT_UNKNOWN ||
			!cert_id_equal(&s->id, &k->id))
			continue;
		need.id = s->delegate;
		need.is_delegate = true;
		need.good_until =
			delegate_until(k->view, &s->delegate, k->now);
		need.has_current = need.good_until != 0;
		need_add(needs, &need);
	}
}

/* A judgement under way; what refuses it first is kept apart from what counts,
 * because a later certificate may turn out to be revoked. */
struct judgement {
	const struct revocation_view *view;
	struct trust_now now;
	struct revocation_needs *needs;
	struct revocation_result *ret;
	struct text text;
};

static void count(struct judgement *j, const struct knowledge *k)
{
	struct revocation_result *r = j->ret;
	const struct statement *s = k->by_crl ? k->by_crl : k->by_ocsp;

	r->by_crl += k->by_crl != NULL;
	r->by_ocsp += k->by_ocsp != NULL;
	r->overdue += k->overdue;
	if (k->good_until < r->good_until)
		r->good_until = k->good_until;
	if (k->signed_time > r->signed_time)
		r->signed_time = k->signed_time;
	if (r->code)
		return;
	put(&j->text, "%s", j->text.len ? ", " : "");
	put_statement(&j->text, s);
	if (k->overdue)
		put(&j->text, " (overdue, its source is out of reach)");
}

/* Under `off` only what is known to be revoked matters. */
static void judge_one(
	struct judgement *j, struct bytes certificate, struct bytes issuer)
{
	struct knowledge k = {.view = j->view, .now = j->now};
	bool off = j->view->policy == REVOCATION_OFF;
	int err = cert_id_of(certificate, issuer, &k.id);

	j->ret->judged++;
	if (err && off)
		return;
	if (!err)
		look(&k);
	if (!err && !off && j->needs)
		note_needs(j->needs, &k, certificate, issuer);
	if (!err && !is_revoked(&k) && (off || k.good_until)) {
		if (!off)
			count(j, &k);
		return;
	}
	if (j->ret->code && !(is_revoked(&k) &&
				    j->ret->code != ERR_TRUST_REVOKED))
		return;
	j->text.len = 0;
	if (err) {
		put(&j->text, "issuer and certificate do not fit together");
		j->ret->code = ERR_TRUST_REVOCATION_MISSING;
	} else {
		j->ret->code = refuse(&j->text, &k);
	}
}

static int done(struct judgement *j, int code, const char *text)
{
	j->text.len = 0;
	put(&j->text, "%s", text);
	j->ret->code = code;
	return code;
}

/* A path without certificates below its anchor. */
static int judge_anchor(struct judgement *j, bool root_only)
{
	j->ret->by_root_only = true;
	if (j->view->policy == REVOCATION_OFF)
		return done(j, 0, "SWITCHED OFF by policy");
	if (root_only)
		return done(j, 0, "taken back by a new root only");
	return done(j, ERR_TRUST_REVOCATION_ANCHOR,
		"the anchor signs by itself, and no root says that only a new "
		"root takes it back");
}

int revocation_judge(const struct revocation_view *view,
	const struct bytes *certs, unsigned count, bool root_only,
	struct trust_now now, struct revocation_needs *needs,
	struct revocation_result *ret)
{
	struct judgement j = {view, now, needs, ret,
		{ret->evidence, sizeof(ret->evidence), 0}};

	*ret = (struct revocation_result){.good_until = UINT64_MAX};
	if (!view)
		return done(&j, ERR_TRUST_REVOCATION_NONE,
			"nobody asked what is known of revocation");
	if (count <= 1)
		return judge_anchor(&j, root_only);
	for (unsigned i = 0; i + 1 < count; i++)
		judge_one(&j, certs[i], certs[i + 1]);
	if (ret->code == ERR_TRUST_REVOKED)
		return ret->code;
	if (view->policy == REVOCATION_OFF)
		return done(&j, 0, "SWITCHED OFF by policy");
	if (needs && needs->overflowed)
		return done(&j, ERR_TRUST_REVOCATION_NEEDS,
			"too many certificates at once");
	if (ret->code && view->statement_count == 0)
		return done(&j, ERR_TRUST_REVOCATION_NONE,
			"required, and there is no CRL and no OCSP response");
	return ret->code;
}

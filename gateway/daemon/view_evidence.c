#include "gateway/daemon/view.h"

struct listing {
	json_t *list;
	const char *about;
};

static json_t *number_of(const struct statement *s)
{
	const uint8_t *at = s->number;
	size_t len = EVIDENCE_NUMBER_LEN;

	if (s->kind != EVIDENCE_CRL)
		return json_null();
	while (len > 1 && *at == 0) {
		at++;
		len--;
	}
	return view_hex(at, len);
}

static const char *status_of(const struct statement *s)
{
	switch (s->status) {
	case STATEMENT_GOOD:
		return "good";
	case STATEMENT_REVOKED:
		return "revoked";
	case STATEMENT_UNKNOWN:
		return "unknown";
	}
	return "unknown";
}

static json_t *seconds(const struct statement *s, uint64_t at)
{
	return s ? view_time_ms(gateway_ms(at)) : json_null();
}

static json_t *age_of(const struct statement *s)
{
	uint64_t now = (uint64_t)gateway_wall_ms() / 1000;

	return s && now >= s->this_update ? json_integer((json_int_t)(now -
		s->this_update)) : json_null();
}

static void put_row(void *arg, const struct evidence_row *row)
{
	const struct listing *l = arg;
	const struct statement *s = row->statement;
	const struct evidence_try *t = row->last;

	json_array_append_new(l->list, json_pack(
		"{s:s,s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "about",
		l->about, "kind", row->kind == EVIDENCE_CRL ? "crl" : "ocsp",
		"certificate", view_text(row->subject), "status", s ?
		status_of(s) : "none", "number", s ? number_of(s) :
		json_null(), "this_update", seconds(s, s ? s->this_update : 0),
		"next_update", seconds(s, s ? s->next_update : 0), "age_s",
		age_of(s), "uri", view_text(row->uri), "fetched",
		view_time_ms(t->at_ms), "code", t->status ?
		err_name(t->status) : ""));
}

json_t *view_evidence(const struct vendor *v)
{
	struct listing l = {json_array(), "signer"};

	if (v->evidence.signers)
		evidence_list(v->evidence.signers, put_row, &l);
	l.about = "server";
	if (v->evidence.server)
		evidence_list(v->evidence.server, put_row, &l);
	return l.list;
}

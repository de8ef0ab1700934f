#include "policy/trust/ocsp_view.h"

#include "policy/trust/der.h"

/* CRLReason, RFC 5280 section 5.3.1: 7 is not used, 8 stands in delta CRLs. */
#define REASON_MAX 10

int ocsp_refuse(const struct ocsp_view *view, struct bytes at, int code,
	const char *field, const char *rule, struct fault *fault)
{
	return fault_set(fault, code,
		at.at ? (uint64_t)(at.at - view->der.at) : 0, field, "%s",
		rule);
}

static int bad_form(const struct ocsp_view *view, struct bytes at,
	const char *field, const char *rule, struct fault *fault)
{
	return ocsp_refuse(view, at, ERR_TRUST_OCSP_FORM, field, rule, fault);
}

static const char *status_text(unsigned status)
{
	static const char *const texts[] = {"", "malformedRequest",
		"internalError", "tryLater", "", "sigRequired", "unauthorized"};

	return status < sizeof(texts) / sizeof(texts[0]) && *texts[status]
		       ? texts[status]
		       : "a status that is not known";
}

/* OCSPResponse: down to the octets of the BasicOCSPResponse. */
static int read_outer(struct bytes der, struct ocsp_view *view,
	struct bytes *ret_basic, struct fault *fault)
{
	struct bytes outer, inner, body, type, from = der;
	unsigned status;

	view->der = der;
	if (der.len > EVIDENCE_OCSP_MAX)
		return fault_set(fault, ERR_TRUST_EVIDENCE_SIZE, 0, "ocsp",
			"%zu bytes, limit %zu", der.len, EVIDENCE_OCSP_MAX);
	if (!der_take(&from, DER_SEQUENCE, &outer))
		return bad_form(
			view, from, "ocsp", "must be a SEQUENCE", fault);
	if (from.len)
		return bad_form(view, from, "ocsp",
			"must end with its SEQUENCE", fault);
	if (!der_take_small(&outer, DER_ENUMERATED, &status))
		return bad_form(view, outer, "ocsp.responseStatus",
			"must be an ENUMERATED", fault);
	if (status)
		return ocsp_refuse(view, outer, ERR_TRUST_OCSP_STATUS,
			"ocsp.responseStatus", status_text(status), fault);
	if (!der_take(&outer, DER_IN(0), &inner) || outer.len ||
		!der_take(&inner, DER_SEQUENCE, &body) || inner.len ||
		!der_take(&body, DER_OID, &type))
		return bad_form(view, outer, "ocsp.responseBytes",
			"must be there", fault);
	if (!der_is_oid(type, OID_OCSP_BASIC))
		return ocsp_refuse(view, type, ERR_TRUST_OCSP_TYPE,
			"ocsp.responseType", "must be id-pkix-ocsp-basic",
			fault);
	if (!der_take(&body, DER_OCTET_STRING, ret_basic) || body.len)
		return bad_form(view, body, "ocsp.response",
			"must be an OCTET STRING", fault);
	return 0;
}

static int read_basic(struct bytes basic, struct ocsp_view *view,
	struct bytes *ret_tbs, struct fault *fault)
{
	struct bytes outer, inner, from = basic;

	view->certs = bytes_of(NULL, 0);
	if (!der_take(&from, DER_SEQUENCE, &outer) || from.len ||
		!der_take_whole(&outer, DER_SEQUENCE, &view->tbs) ||
		!der_take_whole(&outer, DER_SEQUENCE, &view->alg) ||
		!der_take_bits(&outer, &view->signature))
		return bad_form(view, basic, "ocsp.basic",
			"must be data, algorithm and signature", fault);
	if (outer.len &&
		(!der_take(&outer, DER_IN(0), &inner) || outer.len ||
			!der_take(&inner, DER_SEQUENCE, &view->certs) ||
			inner.len))
		return bad_form(view, outer, "ocsp.certs",
			"must be a SEQUENCE, and the last", fault);
	from = view->tbs;
	der_take(&from, DER_SEQUENCE, ret_tbs);
	return 0;
}

static int read_version(
	struct bytes *tbs, const struct ocsp_view *view, struct fault *fault)
{
	struct bytes inner;
	unsigned version;

	if (!der_next_is(*tbs, DER_IN(0)))
		return 0;
	if (!der_take(tbs, DER_IN(0), &inner) ||
		!der_take_small(&inner, DER_INTEGER, &version) || inner.len ||
		version != 0)
		return ocsp_refuse(view, *tbs, ERR_TRUST_OCSP_TYPE,
			"ocsp.version", "must be 1", fault);
	return 0;
}

static int read_responder(
	struct bytes *tbs, struct ocsp_view *view, struct fault *fault)
{
	struct bytes inner;
	bool good;

	view->responder_name = view->responder_key = bytes_of(NULL, 0);
	if (der_take(tbs, DER_IN(1), &inner))
		good = der_take_whole(
			&inner, DER_SEQUENCE, &view->responder_name);
	else
		good = der_take(tbs, DER_IN(2), &inner) &&
		       der_take(&inner, DER_OCTET_STRING,
			       &view->responder_key) &&
		       view->responder_key.len;
	if (!good || inner.len)
		return bad_form(view, *tbs, "ocsp.responderID",
			"must be a Name or the digest of a key", fault);
	return 0;
}

static int read_extensions(struct bytes *in, const struct ocsp_view *view,
	const char *field, struct bytes *ret, struct fault *fault)
{
	struct bytes inner, list;

	*ret = bytes_of(NULL, 0);
	if (in->len == 0)
		return 0;
	if (!der_take(in, DER_IN(1), &inner) || in->len ||
		!der_take(&inner, DER_SEQUENCE, &list) || inner.len ||
		!der_are_extensions(list, OCSP_EXTENSIONS_MAX))
		return bad_form(view, *in, field,
			"must be well-formed, few, and none twice", fault);
	*ret = list;
	return 0;
}

int ocsp_view_read(struct bytes der, struct ocsp_view *ret, struct fault *fault)
{
	struct ocsp_view view;
	struct bytes basic, tbs;
	int err = read_outer(der, &view, &basic, fault);

	if (!err)
		err = read_basic(basic, &view, &tbs, fault);
	if (!err)
		err = read_version(&tbs, &view, fault);
	if (!err)
		err = read_responder(&tbs, &view, fault);
	if (err)
		return err;
	if (!der_take_generalized_time(&tbs, &view.produced_at))
		return bad_form(&view, tbs, "ocsp.producedAt",
			"must be a GeneralizedTime in DER", fault);
	if (!der_take(&tbs, DER_SEQUENCE, &view.answers))
		return bad_form(&view, tbs, "ocsp.responses",
			"must be a SEQUENCE", fault);
	err = read_extensions(&tbs, &view, "ocsp.responseExtensions",
		&view.extensions, fault);
	if (!err)
		*ret = view;
	return err;
}

static int read_cert_id(struct bytes *body, const struct ocsp_view *view,
	struct ocsp_answer *ret, struct fault *fault)
{
	struct bytes id, alg;

	if (!der_take(body, DER_SEQUENCE, &id) ||
		!der_take(&id, DER_SEQUENCE, &alg) ||
		!der_take(&alg, DER_OID, &ret->hash) ||
		(alg.len && (!der_skip(&alg) || alg.len)) ||
		!der_take(&id, DER_OCTET_STRING, &ret->name_hash) ||
		!der_take(&id, DER_OCTET_STRING, &ret->key_hash) ||
		!der_take_integer(&id, &ret->serial) || id.len)
		return bad_form(view, *body, "ocsp.answer.certID",
			"must be algorithm, two digests and a serial number",
			fault);
	return 0;
}

static bool read_revoked(struct bytes body, struct ocsp_answer *ret)
{
	struct bytes inner;
	unsigned reason = 0;

	if (!der_take_generalized_time(&body, &ret->revoked_at))
		return false;
	if (body.len &&
		(!der_take(&body, DER_IN(0), &inner) || body.len ||
			!der_take_small(&inner, DER_ENUMERATED, &reason) ||
			inner.len))
		return false;
	if (reason > REASON_MAX || reason == 7 || reason == 8)
		return false;
	ret->reason = (uint8_t)reason;
	return true;
}

static int read_status(struct bytes *body, const struct ocsp_view *view,
	struct ocsp_answer *ret, struct fault *fault)
{
	struct bytes at = *body, content;
	bool good = false;

	if (der_take(body, DER_AS(0), &content)) {
		ret->status = STATEMENT_GOOD;
		good = content.len == 0;
	} else if (der_take(body, DER_IN(1), &content)) {
		ret->status = STATEMENT_REVOKED;
		good = read_revoked(content, ret);
	} else if (der_take(body, DER_AS(2), &content)) {
		ret->status = STATEMENT_UNKNOWN;
		good = content.len == 0;
	}
	return good ? 0
		    : bad_form(view, at, "ocsp.answer.certStatus",
			      "must be good, revoked or unknown", fault);
}

static int read_dates(struct bytes *body, const struct ocsp_view *view,
	struct ocsp_answer *ret, struct fault *fault)
{
	struct bytes inner;

	if (!der_take_generalized_time(body, &ret->this_update))
		return bad_form(view, *body, "ocsp.answer.thisUpdate",
			"must be a GeneralizedTime in DER", fault);
	if (!der_next_is(*body, DER_IN(0)))
		return 0;
	ret->has_next_update = true;
	if (!der_take(body, DER_IN(0), &inner) ||
		!der_take_generalized_time(&inner, &ret->next_update) ||
		inner.len)
		return bad_form(view, *body, "ocsp.answer.nextUpdate",
			"must be a GeneralizedTime in DER", fault);
	return 0;
}

int ocsp_view_answer(const struct ocsp_view *view, struct bytes *answers,
	struct ocsp_answer *ret, struct fault *fault)
{
	struct ocsp_answer answer = {.reason = 0};
	struct der_extension one;
	struct bytes body, list;
	int err;

	if (!der_take(answers, DER_SEQUENCE, &body))
		return bad_form(view, *answers, "ocsp.answer",
			"must be a SEQUENCE", fault);
	err = read_cert_id(&body, view, &answer, fault);
	if (!err)
		err = read_status(&body, view, &answer, fault);
	if (!err)
		err = read_dates(&body, view, &answer, fault);
	if (!err)
		err = read_extensions(&body, view,
			"ocsp.answer.singleExtensions", &list, fault);
	if (err)
		return err;
	while (der_take_extension(&list, &one))
		answer.has_critical |= one.critical;
	*ret = answer;
	return 0;
}

int ocsp_view_nonce(
	const struct ocsp_view *view, struct bytes *ret, struct fault *fault)
{
	struct der_extension ext;
	struct bytes nonce = bytes_of(NULL, 0);

	if (der_find_extension(
		    view->extensions, der_oid(OID_OCSP_NONCE), &ext) &&
		(!der_take(&ext.value, DER_OCTET_STRING, &nonce) ||
			ext.value.len || nonce.len == 0 ||
			nonce.len > OCSP_NONCE_MAX))
		return ocsp_refuse(view, ext.oid, ERR_TRUST_OCSP_NONCE,
			"ocsp.nonce",
			"must be an OCTET STRING of 1 to 128 octets", fault);
	*ret = nonce;
	return 0;
}

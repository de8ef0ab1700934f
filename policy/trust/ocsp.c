#include "policy/trust/ocsp.h"

#include "policy/trust/cert_view.h"
#include "policy/trust/crypto.h"
#include "policy/trust/ocsp_view.h"
#include "policy/trust/x509_signed.h"

/* All that judging one response needs. */
struct judgement {
	struct ocsp_view view;
	const struct ocsp_question *question;
	struct cert_view issuer;
	struct ocsp_delegate delegate;
	struct fault *fault;
};

static int refuse(const struct judgement *j, struct bytes at, int code,
	const char *field, const char *rule)
{
	return ocsp_refuse(&j->view, at, code, field, rule, j->fault);
}

static int judge_question(struct judgement *j)
{
	const struct cert_id *id = &j->question->id;
	uint8_t name[sizeof(id->issuer_name)];
	uint8_t key[sizeof(id->issuer_key)];
	int err = cert_view_read(j->question->issuer, &j->issuer);

	if (err)
		return fault_set(
			j->fault, err, 0, "issuer", "%s", err_text(err));
	if (crypto_sha256(j->issuer.subject, name) ||
		crypto_sha256(j->issuer.key, key))
		return fault_set(j->fault, ERR_TRUST_CRYPTO, 0, "issuer", "%s",
			err_text(ERR_TRUST_CRYPTO));
	if (memcmp(name, id->issuer_name, sizeof(name)) ||
		memcmp(key, id->issuer_key, sizeof(key)))
		return fault_set(j->fault, ERR_TRUST_OCSP_RESPONDER, 0,
			"issuer", "must have issued the certificate");
	return 0;
}

/* The responderID names this certificate's subject or key. */
static bool is_named(const struct ocsp_view *view, const struct cert_view *cert)
{
	uint8_t digest[CRYPTO_SHA1_LEN];

	if (view->responder_name.len)
		return bytes_equal(view->responder_name, cert->subject);
	return crypto_sha1(cert->key, digest) == 0 &&
	       bytes_equal(
		       view->responder_key, bytes_of(digest, sizeof(digest)));
}

static int signature_code(int err)
{
	if (err == ERR_TRUST_CERT_ALG)
		return ERR_TRUST_OCSP_ALG;
	return err == ERR_TRUST_COSE_SIGNATURE ? ERR_TRUST_OCSP_SIGNATURE : err;
}

static int signed_by(const struct ocsp_view *view, const struct cert_view *cert)
{
	return signature_code(x509_verify_signed(
		cert->spki, view->alg, view->tbs, view->signature));
}

/* Those that a responder's certificate may have and that are understood here;
 * its path is one step, so that constraints of names and policies have no
 * meaning. */
static bool has_unknown_critical(const struct cert_view *cert)
{
	struct bytes list = cert->extensions;
	struct der_extension one;

	while (der_take_extension(&list, &one))
		if (one.critical && !der_is_oid(one.oid, OID_KEY_USAGE) &&
			!der_is_oid(one.oid, OID_EXT_KEY_USAGE) &&
			!der_is_oid(one.oid, OID_BASIC_CONSTRAINTS) &&
			!der_is_oid(one.oid, OID_OCSP_NOCHECK))
			return true;
	return false;
}

static const char *delegate_fault(
	const struct cert_view *cert, struct trust_now now)
{
	if (!cert_view_lists(cert, der_oid(OID_OCSP_SIGNING)))
		return "must have extended key usage OCSPSigning";
	if (!cert_view_may(cert, CERT_DIGITAL_SIGNATURE))
		return "must have key usage digitalSignature";
	if (has_unknown_critical(cert))
		return "has an unknown critical extension";
	/* RFC 5280 section 4.1.2.5: the second of notAfter still counts. */
	if (trust_now_expired(now, cert->not_after + 1))
		return "has expired";
	if (trust_now_too_early(now, cert->not_before))
		return "is not yet valid";
	return NULL;
}

static bool has_nocheck(const struct cert_view *cert)
{
	struct der_extension ext;
	struct bytes null;

	return der_find_extension(
		       cert->extensions, der_oid(OID_OCSP_NOCHECK), &ext) &&
	       der_take(&ext.value, DER_NULL, &null) && null.len == 0 &&
	       ext.value.len == 0;
}

static int note_delegate(struct judgement *j, struct bytes der,
	const struct cert_view *cert, bool may_need)
{
	j->delegate = (struct ocsp_delegate){.needs_evidence = false};
	if (has_nocheck(cert))
		return 0;
	if (!may_need)
		return refuse(j, der, ERR_TRUST_OCSP_DELEGATE, "ocsp.certs",
			"must have nocheck");
	if (cert->serial.len > CERT_SERIAL_MAX)
		return refuse(j, der, ERR_TRUST_OCSP_DELEGATE, "ocsp.certs",
			"must have a serial number of at most 20 octets");
	j->delegate.needs_evidence = true;
	j->delegate.certificate = der;
	j->delegate.id = j->question->id;
	memset(j->delegate.id.serial, 0, sizeof(j->delegate.id.serial));
	memcpy(j->delegate.id.serial, cert->serial.at, cert->serial.len);
	j->delegate.id.serial_len = (uint8_t)cert->serial.len;
	return 0;
}

/* RFC 6960 section 4.2.2.2: signed by the very key that signed the certificate
 * in question, so that the path has one step. */
static int judge_delegate(struct judgement *j, struct bytes der,
	const struct cert_view *cert, bool may_need)
{
	const char *rule;
	int err;

	if (!bytes_equal(cert->issuer, j->issuer.subject))
		return refuse(j, der, ERR_TRUST_OCSP_RESPONDER, "ocsp.certs",
			"must be issued by the issuer itself");
	err = x509_verify_signed(
		j->issuer.spki, cert->alg, cert->tbs, cert->signature);
	if (err == ERR_TRUST_COSE_SIGNATURE)
		return refuse(j, der, ERR_TRUST_OCSP_RESPONDER, "ocsp.certs",
			"must be issued by the issuer itself");
	if (err)
		return refuse(j, der, signature_code(err), "ocsp.certs",
			err_text(signature_code(err)));
	rule = delegate_fault(cert, j->question->now);
	if (rule)
		return refuse(
			j, der, ERR_TRUST_OCSP_DELEGATE, "ocsp.certs", rule);
	err = signed_by(&j->view, cert);
	if (err)
		return refuse(j, der, err, "ocsp.signature", err_text(err));
	return note_delegate(j, der, cert, may_need);
}

/* `code`: what it is when no certificate fits. */
static int find_delegate(struct judgement *j, bool may_need, int code)
{
	struct bytes list = j->view.certs, der;
	struct cert_view cert;

	for (unsigned i = 0; list.len; i++) {
		if (i == OCSP_CERTS_MAX ||
			!der_take_whole(&list, DER_SEQUENCE, &der) ||
			cert_view_read(der, &cert))
			return refuse(j, list, ERR_TRUST_OCSP_FORM,
				"ocsp.certs", "must be few certificates");
		if (!is_named(&j->view, &cert) ||
			bytes_equal(cert.key, j->issuer.key))
			continue;
		code = judge_delegate(j, der, &cert, may_need);
		if (code == 0)
			return 0;
	}
	return refuse(j, j->view.tbs, code, "ocsp.responderID", err_text(code));
}

/* The issuer itself, or one that it entrusted. The fault of a candidate counts
 * only when no other one fits. */
static int judge_signer(struct judgement *j, bool may_need)
{
	struct fault *outer = j->fault;
	struct fault fault = {.code = 0};
	int code = ERR_TRUST_OCSP_RESPONDER;

	if (is_named(&j->view, &j->issuer)) {
		code = signed_by(&j->view, &j->issuer);
		if (code != ERR_TRUST_OCSP_SIGNATURE)
			return code ? refuse(j, j->view.alg, code,
					      "ocsp.signature", err_text(code))
				    : 0;
	}
	j->fault = &fault;
	code = find_delegate(j, may_need, code);
	j->fault = outer;
	if (code && outer && outer->code == 0)
		*outer = fault;
	return code;
}

static int judge_extensions(struct judgement *j)
{
	struct bytes list = j->view.extensions, nonce;
	struct bytes sent = j->question->nonce;
	struct der_extension one;
	int err;

	while (der_take_extension(&list, &one))
		if (one.critical && !der_is_oid(one.oid, OID_OCSP_NONCE))
			return refuse(j, one.oid, ERR_TRUST_OCSP_CRITICAL,
				"ocsp.responseExtensions",
				"critical and not known");
	if (sent.len == 0 && !j->question->nonce_required)
		return 0;
	err = ocsp_view_nonce(&j->view, &nonce, j->fault);
	if (err)
		return err;
	if (nonce.len == 0 && j->question->nonce_required)
		return refuse(j, j->view.tbs, ERR_TRUST_OCSP_NONCE,
			"ocsp.nonce", "must be there");
	if (nonce.len && !bytes_equal(nonce, sent))
		return refuse(j, nonce, ERR_TRUST_OCSP_NONCE, "ocsp.nonce",
			"must be the one that was sent");
	return 0;
}

static bool is_answer_to(
	const struct cert_id *id, const struct ocsp_answer *answer)
{
	return der_is_oid(answer->hash, OID_SHA256) &&
	       bytes_equal(answer->name_hash,
		       bytes_of(id->issuer_name, sizeof(id->issuer_name))) &&
	       bytes_equal(answer->key_hash,
		       bytes_of(id->issuer_key, sizeof(id->issuer_key)));
}

/* What a response says about our serial number: in terms of our hash, and of
 * others. RFC 9919 section 3.2.1 lets a responder answer once for each hash;
 * such a second answer may be about another issuer's certificate, but it counts
 * as one about ours. */
struct finding {
	unsigned ours;
	struct ocsp_answer answer;
	unsigned others;
	enum statement_status other_status;
	bool others_differ;
};

static void note_answer(struct finding *f, const struct cert_id *id,
	const struct ocsp_answer *one)
{
	if (is_answer_to(id, one)) {
		f->ours++;
		f->answer = *one;
	} else if (!der_is_oid(one->hash, OID_SHA256)) {
		if (f->others++ && f->other_status != one->status)
			f->others_differ = true;
		f->other_status = one->status;
	}
}

static int find_answer(struct judgement *j, struct ocsp_answer *ret)
{
	const struct cert_id *id = &j->question->id;
	struct bytes list = j->view.answers;
	struct finding f = {.ours = 0};
	struct ocsp_answer one;

	while (list.len) {
		int err = ocsp_view_answer(&j->view, &list, &one, j->fault);

		if (err)
			return err;
		if (one.has_critical)
			return refuse(j, one.serial, ERR_TRUST_OCSP_CRITICAL,
				"ocsp.answer.singleExtensions",
				"critical and not known");
		if (bytes_equal(
			    one.serial, bytes_of(id->serial, id->serial_len)))
			note_answer(&f, id, &one);
	}
	if (f.ours == 0)
		return refuse(j, j->view.answers, ERR_TRUST_OCSP_OTHER,
			"ocsp.responses", "must answer our CertID");
	if (f.ours > 1)
		return refuse(j, j->view.answers, ERR_TRUST_OCSP_TWICE,
			"ocsp.responses", "must answer our CertID once");
	if (f.others && (f.others_differ || f.other_status != f.answer.status))
		return refuse(j, j->view.answers, ERR_TRUST_OCSP_TWICE,
			"ocsp.responses",
			"must say the same in terms of another hash");
	*ret = f.answer;
	return 0;
}

static int judge_dates(struct judgement *j, const struct ocsp_answer *answer)
{
	struct bytes at = answer->serial;
	uint64_t produced = j->view.produced_at;

	if (!answer->has_next_update)
		return refuse(j, at, ERR_TRUST_OCSP_NEXT_UPDATE,
			"ocsp.answer.nextUpdate", "must be there");
	if (answer->next_update <= answer->this_update)
		return refuse(j, at, ERR_TRUST_OCSP_DATES,
			"ocsp.answer.nextUpdate", "must be after thisUpdate");
	if (answer->next_update - answer->this_update > OCSP_VALIDITY_MAX_S)
		return refuse(j, at, ERR_TRUST_OCSP_VALIDITY,
			"ocsp.answer.nextUpdate",
			"must be at most 14 days after thisUpdate");
	if (produced < answer->this_update || produced > answer->next_update)
		return refuse(j, at, ERR_TRUST_OCSP_DATES, "ocsp.producedAt",
			"must be between thisUpdate and nextUpdate");
	if (trust_now_too_early(j->question->now, produced))
		return refuse(j, at, ERR_TRUST_REVOCATION_NOT_YET,
			"ocsp.producedAt", "must not be in the future");
	return 0;
}

static int judge(struct judgement *j, struct bytes der, bool may_need,
	struct ocsp_answer *ret)
{
	int err = judge_question(j);

	if (!err)
		err = ocsp_view_read(der, &j->view, j->fault);
	if (!err)
		err = judge_signer(j, may_need);
	if (!err)
		err = judge_extensions(j);
	if (!err)
		err = find_answer(j, ret);
	if (!err)
		err = judge_dates(j, ret);
	return err;
}

int ocsp_read(struct bytes der, const struct ocsp_question *question,
	struct statement *ret, struct ocsp_delegate *ret_delegate,
	struct fault *fault)
{
	struct judgement j = {.question = question, .fault = fault};
	struct ocsp_answer answer = {.reason = 0};
	uint8_t sha256[sizeof(ret->sha256)];
	int err = judge(&j, der, ret_delegate != NULL, &answer);

	if (!err)
		err = crypto_sha256(der, sha256);
	if (err)
		return err;
	*ret = (struct statement){
		.id = question->id,
		.kind = EVIDENCE_OCSP,
		.status = answer.status,
		.reason = answer.reason,
		.revoked_at = answer.revoked_at,
		.this_update = answer.this_update,
		.next_update = answer.next_update,
	};
	memcpy(ret->sha256, sha256, sizeof(sha256));
	ret->by_delegate = j.delegate.needs_evidence;
	ret->delegate = j.delegate.id;
	if (ret_delegate)
		*ret_delegate = j.delegate;
	return 0;
}

static unsigned count_elements(struct bytes list)
{
	unsigned count = 0;

	while (der_skip(&list))
		count++;
	return count;
}

int ocsp_look(struct bytes der, struct ocsp_facts *ret,
	void (*on_answer)(void *arg, const struct ocsp_answer *answer),
	void *arg, struct fault *fault)
{
	struct ocsp_facts facts = {.answers = 0};
	struct ocsp_answer one;
	struct ocsp_view view;
	struct bytes list;
	int err = ocsp_view_read(der, &view, fault);

	if (!err)
		err = ocsp_view_nonce(&view, &facts.nonce, fault);
	if (err)
		return err;
	for (list = view.answers; list.len; facts.answers++) {
		err = ocsp_view_answer(&view, &list, &one, fault);
		if (err)
			return err;
		if (on_answer)
			on_answer(arg, &one);
	}
	facts.produced_at = view.produced_at;
	facts.responder_name = view.responder_name;
	facts.responder_key = view.responder_key;
	facts.certs = count_elements(view.certs);
	*ret = facts;
	return 0;
}

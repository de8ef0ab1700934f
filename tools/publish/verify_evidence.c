#include "tools/publish/verify_evidence.h"

#include <errno.h>
#include <stdio.h>

#include "policy/trust/crl.h"
#include "tools/publish/evidence.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

void verify_evidence_init(struct verify_evidence *e)
{
	*e = (struct verify_evidence){0};
	e->view = revocation_nothing_known;
	e->view.statements = e->table.of;
	e->view.unreachable =
		(const uint8_t (*)[CERT_ID_LEN])e->unreachable;
}

void verify_evidence_done(struct verify_evidence *e)
{
	for (unsigned i = 0; i < e->count; i++)
		buf_done(&e->of[i].der);
	for (unsigned i = 0; i < e->intermediates_count; i++)
		pki_chain_done(&e->intermediates[i]);
	e->count = 0;
	e->intermediates_count = 0;
}

/* Form first: also an object about nothing that is asked for must be one. */
static int object_look(struct verify_object *o)
{
	struct bytes der = buf_bytes(&o->der), issuer;
	struct crl_facts list;
	struct ocsp_facts answer;

	if (o->kind == EVIDENCE_CRL)
		return crl_look(der, &list, &issuer, NULL, NULL, &o->fault);
	if (der.len > EVIDENCE_OCSP_MAX)
		return fault_set(&o->fault, ERR_TOO_LARGE, 0, "ocsp",
			"%zu bytes, limit %zu", der.len, EVIDENCE_OCSP_MAX);
	return ocsp_look(der, &answer, NULL, NULL, &o->fault);
}

static int objects_take(const struct cli *cli, const char *option,
	enum evidence_kind kind, struct verify_evidence *e)
{
	const char *const *paths;
	size_t count = cli_all(cli, option, &paths);
	int err = 0;

	for (size_t i = 0; !err && i < count; i++) {
		struct verify_object *o = &e->of[e->count++];

		*o = (struct verify_object){.path = paths[i], .kind = kind};
		buf_init(&o->der, EVIDENCE_CRL_MAX);
		err = evidence_read(paths[i], &o->der);
		if (!err)
			o->code = object_look(o);
	}
	return err;
}

static int nonce_take(const struct cli *cli, struct verify_evidence *e)
{
	const char *text = cli_get(cli, "nonce");
	size_t len = text ? strlen(text) / 2 : 0;

	if (!text)
		return 0;
	if (len < 1 || len > sizeof(e->nonce) ||
			bytes_from_hex(text, e->nonce, len))
		return complain(-EINVAL, "verify", NULL, "--nonce must be 1 to"
			" %zu bytes in hexadecimal", sizeof(e->nonce));
	e->nonce_len = len;
	return 0;
}

static int policy_take(const struct cli *cli, struct verify_evidence *e)
{
	const char *text = cli_get(cli, "revocation");

	e->view.max_age_s = VERIFY_MAX_AGE_S;
	if (!text || strcmp(text, "require") == 0)
		e->view.policy = REVOCATION_REQUIRE;
	else if (strcmp(text, "require-if-reachable") == 0)
		e->view.policy = REVOCATION_IF_REACHABLE;
	else if (strcmp(text, "off") == 0)
		e->view.policy = REVOCATION_OFF;
	else
		return complain(-EINVAL, "verify", NULL, "--revocation must be"
			" require, require-if-reachable or off, not \"%s\"",
			text);
	text = cli_get(cli, "max-age");
	if (text && e->view.policy != REVOCATION_IF_REACHABLE)
		return complain(-EINVAL, "verify", NULL, "--max-age needs"
			" --revocation require-if-reachable");
	if (text && when_parse_from(text, 0, &e->view.max_age_s))
		return complain(-EINVAL, "verify", NULL, "--max-age must be a"
			" span such as 36h, not \"%s\"", text);
	return 0;
}

static int issuers_take(const struct cli *cli, struct verify_evidence *e)
{
	const char *const *paths;
	size_t count = cli_all(cli, "issuer", &paths);

	for (size_t i = 0; i < count; i++) {
		struct pki_chain *chain = &e->intermediates[i];
		int err = pki_chain_read(paths[i], chain);

		if (err)
			return err;
		e->intermediates_count++;
		for (size_t k = 0; k < chain->count; k++) {
			if (e->issuer_count == COSE_CERTS_MAX - 1)
				return complain(-E2BIG, paths[i], "--issuer",
					"more than %d certificates",
					COSE_CERTS_MAX - 1);
			e->issuers[e->issuer_count++] = chain->certs[k];
		}
	}
	return 0;
}

int verify_evidence_take(const struct cli *cli, struct verify_evidence *e)
{
	int err = policy_take(cli, e);

	if (!err)
		err = nonce_take(cli, e);
	if (!err)
		err = objects_take(cli, "crl", EVIDENCE_CRL, e);
	if (!err)
		err = objects_take(cli, "ocsp", EVIDENCE_OCSP, e);
	return err ? err : issuers_take(cli, e);
}

/* Offline, every source counts as one that cannot be reached. */
static void unreachable_note(struct verify_evidence *e)
{
	e->view.unreachable_count = 0;
	for (unsigned i = 0; i < e->needs.count; i++)
		if (cert_id_digest(&e->needs.of[i].id,
				e->unreachable[e->view.unreachable_count]) == 0)
			e->view.unreachable_count++;
}

static int object_answer(struct verify_evidence *e, struct verify_object *o,
	struct trust_now now)
{
	struct bytes nonce = bytes_of(e->nonce, o->kind == EVIDENCE_OCSP ?
			e->nonce_len : 0);
	struct fault fault = {0};
	int n = statement_table_add(&e->table, o->kind, buf_bytes(&o->der),
		&e->needs, nonce, now, &fault);

	if (n == ERR_TRUST_EVIDENCE_UNNEEDED)
		return 0;
	o->needed = true;
	o->older = n == ERR_TRUST_CRL_ROLLBACK || n == ERR_TRUST_OCSP_REPLAY;
	if (n >= 0 || o->older)
		return n > 0 ? n : 0;
	o->code = n;
	o->fault = fault;
	return 0;
}

bool verify_evidence_answer(struct verify_evidence *e, struct trust_now now)
{
	unsigned unreachable = e->view.unreachable_count;
	int added = 0;

	for (unsigned i = 0; i < e->count; i++)
		if (!e->of[i].code)
			added += object_answer(e, &e->of[i], now);
	e->view.statement_count = e->table.count;
	unreachable_note(e);
	return added > 0 || e->view.unreachable_count != unreachable;
}

const char *verify_object_kind(const struct verify_object *object)
{
	return object->kind == EVIDENCE_CRL ? "crl" : "ocsp";
}

const char *verify_object_word(const struct verify_object *object)
{
	if (object->code)
		return "refused";
	if (!object->needed)
		return "unneeded";
	return object->older ? "superseded" : "used";
}

/* The code of a verdict is that of its first failure, and what follows from a
 * bad object says less than the object itself. */
static void row_to_front(struct verdict *v)
{
	struct check last = v->rows[v->count - 1];

	memmove(&v->rows[1], &v->rows[0], (v->count - 1) * sizeof(last));
	v->rows[0] = last;
}

void verify_evidence_row(const struct verify_evidence *e, struct verdict *v)
{
	unsigned used = 0;
	const struct verify_object *bad = NULL;

	if (e->count == 0)
		return;
	for (unsigned i = 0; i < e->count; i++) {
		const struct verify_object *o = &e->of[i];

		if (o->code && !bad)
			bad = o;
		used += !o->code && o->needed;
	}
	if (v->count == VERDICT_ROWS_MAX) {
		v->overflowed = true;
		return;
	}
	if (bad)
		verdict_add(v, "evidence", CHECK_FAIL, bad->code, STEP_SIGN,
			"%.80s: %.70s", bad->path, bad->fault.code ?
			bad->fault.rule : err_text(bad->code));
	else
		verdict_add(v, "evidence", CHECK_PASS, 0, STEP_SIGN,
			"%u objects, %u about these certificates", e->count,
			used);
	row_to_front(v);
}

#include "policy/trust/crl.h"
#include "policy/trust/ocsp.h"
#include "policy/trust/revocation.h"

static struct statement *find(struct statement_table *table,
	const struct cert_id *id, enum evidence_kind kind)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->of[i].kind == kind &&
			cert_id_equal(&table->of[i].id, id))
			return &table->of[i];
	return NULL;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Which of two statements of a kind is the later one. */
static int age(const struct statement *a, const struct statement *b)
{
	int sign = a->kind == EVIDENCE_CRL ? memcmp(a->number, b->number,
						     sizeof(a->number))
					   : 0;

	if (!sign)
		sign = order(a->this_update, b->this_update);
	return sign ? sign : order(a->next_update, b->next_update);
}

static int too_old(const struct statement *s)
{
	return s->kind == EVIDENCE_CRL ? ERR_TRUST_CRL_ROLLBACK
				       : ERR_TRUST_OCSP_REPLAY;
}

int statement_table_put(
	struct statement_table *table, const struct statement *statement)
{
	bool is_revoked = statement->status == STATEMENT_REVOKED;
	struct statement *known = find(table, &statement->id, statement->kind);
	bool was_revoked = known && known->status == STATEMENT_REVOKED;

	if (!known) {
		if (table->count ==
			sizeof(table->of) / sizeof(table->of[0]))
			return ERR_TRUST_REVOCATION_NEEDS;
		table->of[table->count++] = *statement;
		return 1;
	}
	if (is_revoked != was_revoked) {
		if (is_revoked)
			*known = *statement;
		return is_revoked;
	}
	if (age(statement, known) < 0)
		return too_old(statement);
	if (age(statement, known) == 0)
		return 0;
	*known = *statement;
	return 1;
}

/* Statements of one object that are being added; the first error is what is
 * said if nothing comes of it. */
struct adding {
	struct statement_table *table;
	const struct revocation_needs *needs;
	struct fault *fault;
	bool about_something;
	int added;
	int err;
};

static void put(struct adding *a, const struct statement *s)
{
	int n = statement_table_put(a->table, s);

	a->about_something = true;
	if (n > 0)
		a->added += n;
	else if (n < 0 && !a->err)
		a->err = fault_set(a->fault, n, 0, "evidence",
			"%s", err_text(n));
}

static int result(struct adding *a, int otherwise)
{
	if (a->added || (a->about_something && !a->err))
		return a->added;
	if (a->err)
		return a->err;
	return fault_set(a->fault, otherwise, 0, "evidence", "%s",
		err_text(otherwise));
}

static bool is_first_of_issuer(const struct revocation_needs *needs, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (bytes_equal(needs->of[k].issuer, needs->of[i].issuer))
			return false;
	return true;
}

/* All that one issuer's list says about what it issued. */
static int scan_for_issuer(
	struct adding *a, struct bytes der, const struct revocation_need *first)
{
	struct statement found[REVOCATION_NEEDS_MAX];
	struct cert_id ids[REVOCATION_NEEDS_MAX] = {{.serial_len = 0}};
	struct fault fault = {0};
	unsigned count = 0;
	int err;

	for (unsigned i = 0; i < a->needs->count; i++)
		if (bytes_equal(a->needs->of[i].issuer, first->issuer))
			ids[count++] = a->needs->of[i].id;
	err = crl_scan(der, first->issuer, ids, count, found, NULL, &fault);
	if (err) {
		if (a->fault && !a->fault->code)
			*a->fault = fault;
		return err;
	}
	for (unsigned i = 0; i < count; i++)
		put(a, &found[i]);
	return 0;
}

/* Issuers may share a name and differ in their key: a list is one's of them, and
 * what the others make of it is no fault of it. */
static int add_crl(struct adding *a, struct bytes der)
{
	struct fault fault = {0};
	uint8_t name[32];
	int refusal = 0;
	int err;

	if (der.len > EVIDENCE_CRL_MAX)
		return fault_set(a->fault, ERR_TRUST_EVIDENCE_SIZE, 0, "crl",
			"%zu bytes, limit %zu", der.len, EVIDENCE_CRL_MAX);
	err = crl_issuer_name(der, name, a->fault);
	if (err)
		return err;
	for (unsigned i = 0; i < a->needs->count; i++) {
		const struct revocation_need *need = &a->needs->of[i];

		if (memcmp(need->id.issuer_name, name, sizeof(name)) ||
			!is_first_of_issuer(a->needs, i))
			continue;
		err = scan_for_issuer(a, der, need);
		refusal = refusal ? refusal : err;
	}
	if (a->about_something && a->fault)
		*a->fault = fault;
	return result(a, refusal ? refusal : ERR_TRUST_EVIDENCE_UNNEEDED);
}

/* A responder of another issuer says least; a right answer about nobody here
 * is told before what other issuers make of it. */
static bool tells_more(int code, int known)
{
	return known == 0 || known == ERR_TRUST_OCSP_RESPONDER ||
	       (code == ERR_TRUST_OCSP_OTHER && known != code);
}

static int add_ocsp(struct adding *a, struct bytes der, struct bytes nonce,
	struct trust_now now)
{
	struct fault kept = {0};
	int refusal = 0;

	for (unsigned i = 0; i < a->needs->count; i++) {
		const struct ocsp_question question = {
			.id = a->needs->of[i].id,
			.issuer = a->needs->of[i].issuer,
			.nonce = nonce,
			.nonce_required = nonce.len > 0,
			.now = now,
		};
		struct ocsp_delegate delegate;
		struct fault fault = {0};
		struct statement found;
		int err = ocsp_read(der, &question, &found, &delegate, &fault);

		if (!err) {
			put(a, &found);
		} else if (tells_more(err, refusal)) {
			refusal = err;
			kept = fault;
		}
	}
	if (refusal == ERR_TRUST_OCSP_OTHER)
		refusal = 0;
	if (!a->about_something && refusal && a->fault)
		*a->fault = kept;
	return result(a, refusal ? refusal : ERR_TRUST_EVIDENCE_UNNEEDED);
}

int statement_table_add(struct statement_table *table, enum evidence_kind kind,
	struct bytes der, const struct revocation_needs *needs,
	struct bytes nonce, struct trust_now now, struct fault *fault)
{
	struct adding a = {.table = table, .needs = needs, .fault = fault};

	bool is_ocsp = kind == EVIDENCE_OCSP ||
		       (kind != EVIDENCE_CRL &&
			       evidence_kind_of(der) == EVIDENCE_OCSP);

	return is_ocsp ? add_ocsp(&a, der, nonce, now) : add_crl(&a, der);
}

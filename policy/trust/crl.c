#include "policy/trust/crl.h"

#include "policy/trust/cert_view.h"
#include "policy/trust/crypto.h"
#include "policy/trust/x509_signed.h"

#define CRL_VERSION_2 1

/* CRLReason, RFC 5280 section 5.3.1. */
#define REASON_UNUSED 7
#define REASON_REMOVE_FROM_CRL 8
#define REASON_MAX 10

struct crl_view {
	struct bytes der; /* all of it */
	struct bytes tbs; /* what is signed */
	struct bytes alg;
	struct bytes signature;
	struct bytes issuer; /* Name, with tag and length */
	uint64_t this_update;
	uint64_t next_update;
	struct bytes entries;	 /* content of the SEQUENCE OF; may be empty */
	struct bytes extensions; /* well-formed, none twice; may be empty */
};

/* Where the parser stands, for the fault. */
static int refuse(const struct crl_view *view, struct bytes at, int code,
	const char *field, const char *rule, struct fault *fault)
{
	return fault_set(fault, code,
		at.at ? (uint64_t)(at.at - view->der.at) : 0, field, "%s",
		rule);
}

static int read_outer(struct bytes der, struct crl_view *view,
	struct bytes *ret_tbs, struct fault *fault)
{
	struct bytes outer, from = der;

	view->der = der;
	if (der.len > EVIDENCE_CRL_MAX)
		return fault_set(fault, ERR_TRUST_EVIDENCE_SIZE, 0, "crl",
			"%zu bytes, limit %zu", der.len, EVIDENCE_CRL_MAX);
	if (!der_take(&from, DER_SEQUENCE, &outer))
		return refuse(view, from, ERR_TRUST_CRL_FORM, "crl",
			"must be a SEQUENCE", fault);
	if (from.len)
		return refuse(view, from, ERR_TRUST_CRL_FORM, "crl",
			"must end with its SEQUENCE", fault);
	if (!der_take_whole(&outer, DER_SEQUENCE, &view->tbs) ||
		!der_take_whole(&outer, DER_SEQUENCE, &view->alg) ||
		!der_take_bits(&outer, &view->signature) || outer.len)
		return refuse(view, outer, ERR_TRUST_CRL_FORM, "crl",
			"must be list, algorithm and signature", fault);
	from = view->tbs;
	der_take(&from, DER_SEQUENCE, ret_tbs);
	return 0;
}

static int read_dates(
	struct bytes *tbs, struct crl_view *view, struct fault *fault)
{
	if (!der_take_time(tbs, &view->this_update))
		return refuse(view, *tbs, ERR_TRUST_CRL_FORM, "crl.thisUpdate",
			"must be a UTCTime or GeneralizedTime in DER", fault);
	if (!der_next_is(*tbs, DER_UTC_TIME) &&
		!der_next_is(*tbs, DER_GENERALIZED_TIME))
		return refuse(view, *tbs, ERR_TRUST_CRL_NEXT_UPDATE,
			"crl.nextUpdate", "must be there", fault);
	if (!der_take_time(tbs, &view->next_update))
		return refuse(view, *tbs, ERR_TRUST_CRL_FORM, "crl.nextUpdate",
			"must be a UTCTime or GeneralizedTime in DER", fault);
	if (view->next_update < view->this_update)
		return refuse(view, *tbs, ERR_TRUST_CRL_FORM, "crl.nextUpdate",
			"must not be before thisUpdate", fault);
	return 0;
}

static int read_head(
	struct bytes *tbs, struct crl_view *view, struct fault *fault)
{
	struct bytes alg;
	unsigned version = 0;

	if (der_next_is(*tbs, DER_INTEGER) &&
		!der_take_small(tbs, DER_INTEGER, &version))
		return refuse(view, *tbs, ERR_TRUST_CRL_VERSION, "crl.version",
			"must be 2", fault);
	if (version != CRL_VERSION_2)
		return refuse(view, *tbs, ERR_TRUST_CRL_VERSION, "crl.version",
			"must be 2", fault);
	if (!der_take_whole(tbs, DER_SEQUENCE, &alg))
		return refuse(view, *tbs, ERR_TRUST_CRL_FORM, "crl.signature",
			"must be an algorithm", fault);
	if (!bytes_equal(alg, view->alg))
		return refuse(view, alg, ERR_TRUST_CRL_ALG, "crl.signature",
			"must be the algorithm that stands outside", fault);
	if (!der_take_whole(tbs, DER_SEQUENCE, &view->issuer))
		return refuse(view, *tbs, ERR_TRUST_CRL_FORM, "crl.issuer",
			"must be a Name", fault);
	return read_dates(tbs, view, fault);
}

static int read_lists(
	struct bytes *tbs, struct crl_view *view, struct fault *fault)
{
	struct bytes inner;

	view->entries = view->extensions = bytes_of(NULL, 0);
	if (der_next_is(*tbs, DER_SEQUENCE) &&
		!der_take(tbs, DER_SEQUENCE, &view->entries))
		return refuse(view, *tbs, ERR_TRUST_CRL_FORM,
			"crl.revokedCertificates", "must be a SEQUENCE", fault);
	if (tbs->len == 0)
		return 0;
	if (!der_take(tbs, DER_IN(0), &inner) || tbs->len)
		return refuse(view, *tbs, ERR_TRUST_CRL_FORM, "crl",
			"must end with its extensions", fault);
	if (!der_take(&inner, DER_SEQUENCE, &view->extensions) || inner.len ||
		!der_are_extensions(view->extensions, CRL_EXTENSIONS_MAX))
		return refuse(view, inner, ERR_TRUST_CRL_FORM, "crl.extensions",
			"must be well-formed, few, and none twice", fault);
	return 0;
}

static int read_crl(struct bytes der, struct crl_view *ret, struct fault *fault)
{
	struct bytes tbs;
	int err = read_outer(der, ret, &tbs, fault);

	if (!err)
		err = read_head(&tbs, ret, fault);
	if (!err)
		err = read_lists(&tbs, ret, fault);
	return err;
}

/* RFC 5280 section 5.2.3: at most 20 octets of value. */
static bool read_number(struct bytes value, uint8_t ret[EVIDENCE_NUMBER_LEN])
{
	struct bytes n;

	if (!der_take_integer(&value, &n) || value.len || n.at[0] >= 0x80)
		return false;
	if (n.at[0] == 0)
		n = bytes_slice(n, 1, n.len - 1);
	if (n.len > EVIDENCE_NUMBER_LEN)
		return false;
	memset(ret, 0, EVIDENCE_NUMBER_LEN);
	if (n.len)
		memcpy(ret + EVIDENCE_NUMBER_LEN - n.len, n.at, n.len);
	return true;
}

/* `signer` may be NULL: then the authority key is not compared. */
static int judge_authority_key(const struct crl_view *view, struct bytes value,
	const struct cert_view *signer, struct fault *fault)
{
	static const char field[] = "crl.extensions.authorityKeyIdentifier";
	struct bytes wanted, has;

	if (!cert_authority_key_id(value, &wanted))
		return refuse(view, value, ERR_TRUST_CRL_FORM, field,
			"must be well-formed", fault);
	has = signer ? cert_view_key_id(signer) : bytes_of(NULL, 0);
	if (wanted.len && has.len && !bytes_equal(wanted, has))
		return refuse(view, value, ERR_TRUST_CRL_ISSUER, field,
			"must be the key of the issuer", fault);
	return 0;
}

static int judge_extension(const struct crl_view *view,
	const struct der_extension *one, const struct cert_view *signer,
	uint8_t *number, struct fault *fault)
{
	if (der_is_oid(one->oid, OID_DELTA_CRL))
		return refuse(view, one->oid, ERR_TRUST_CRL_PARTIAL,
			"crl.extensions.deltaCRLIndicator", "must not be there",
			fault);
	if (der_is_oid(one->oid, OID_ISSUING_POINT))
		return refuse(view, one->oid, ERR_TRUST_CRL_PARTIAL,
			"crl.extensions.issuingDistributionPoint",
			"must not be there", fault);
	if (der_is_oid(one->oid, OID_AUTHORITY_KEY_ID))
		return judge_authority_key(view, one->value, signer, fault);
	if (der_is_oid(one->oid, OID_CRL_NUMBER))
		return read_number(one->value, number)
			       ? 0
			       : refuse(view, one->oid, ERR_TRUST_CRL_NUMBER,
					 "crl.extensions.cRLNumber",
					 "must be a number of at most 20 "
					 "octets",
					 fault);
	if (one->critical)
		return refuse(view, one->oid, ERR_TRUST_CRL_CRITICAL,
			"crl.extensions", "critical and not known", fault);
	return 0;
}

static int judge_extensions(const struct crl_view *view,
	const struct cert_view *signer, uint8_t *number, struct fault *fault)
{
	struct bytes list = view->extensions;
	struct der_extension one;

	while (der_take_extension(&list, &one)) {
		int err = judge_extension(view, &one, signer, number, fault);

		if (err)
			return err;
	}
	if (!der_find_extension(
		    view->extensions, der_oid(OID_CRL_NUMBER), &one))
		return refuse(view, view->tbs, ERR_TRUST_CRL_NUMBER,
			"crl.extensions.cRLNumber", "must be there", fault);
	return 0;
}

static int read_reason(const struct crl_view *view, struct bytes value,
	struct crl_entry *entry, struct fault *fault)
{
	unsigned reason;

	if (!der_take_small(&value, DER_ENUMERATED, &reason) || value.len ||
		reason > REASON_MAX || reason == REASON_UNUSED)
		return refuse(view, value, ERR_TRUST_CRL_FORM,
			"crl.entry.reasonCode", "must be a known reason",
			fault);
	if (reason == REASON_REMOVE_FROM_CRL)
		return refuse(view, value, ERR_TRUST_CRL_PARTIAL,
			"crl.entry.reasonCode",
			"removeFromCRL stands in delta CRLs only", fault);
	entry->reason = (uint8_t)reason;
	return 0;
}

/* An entry with certificateIssuer is about another issuer's certificate, and so
 * are those after it; RFC 5280 section 5.3.3 makes it always critical. */
static int read_entry_extensions(const struct crl_view *view, struct bytes list,
	struct crl_entry *entry, struct fault *fault)
{
	struct der_extension one;
	int err = 0;

	if (!der_are_extensions(list, CRL_EXTENSIONS_MAX))
		return refuse(view, list, ERR_TRUST_CRL_FORM,
			"crl.entry.extensions",
			"must be well-formed, few, and none twice", fault);
	while (!err && der_take_extension(&list, &one)) {
		if (der_is_oid(one.oid, OID_CRL_REASON))
			err = read_reason(view, one.value, entry, fault);
		else if (der_is_oid(one.oid, OID_CERTIFICATE_ISSUER))
			err = refuse(view, one.oid,
				ERR_TRUST_CRL_ENTRY_CRITICAL,
				"crl.entry.certificateIssuer",
				"indirect CRLs are not taken", fault);
		else if (one.critical &&
			 !der_is_oid(one.oid, OID_INVALIDITY_DATE))
			err = refuse(view, one.oid,
				ERR_TRUST_CRL_ENTRY_CRITICAL,
				"crl.entry.extensions",
				"critical and not known", fault);
	}
	return err;
}

static int read_entry(const struct crl_view *view, struct bytes *entries,
	struct crl_entry *ret, struct fault *fault)
{
	struct bytes body, list;

	if (!der_take(entries, DER_SEQUENCE, &body))
		return refuse(view, *entries, ERR_TRUST_CRL_FORM, "crl.entry",
			"must be a SEQUENCE", fault);
	if (!der_take_integer(&body, &ret->serial))
		return refuse(view, body, ERR_TRUST_CRL_FORM,
			"crl.entry.userCertificate",
			"must be an INTEGER in the fewest octets", fault);
	if (!der_take_time(&body, &ret->revoked_at))
		return refuse(view, body, ERR_TRUST_CRL_FORM,
			"crl.entry.revocationDate",
			"must be a UTCTime or GeneralizedTime in DER", fault);
	ret->reason = 0;
	if (body.len == 0)
		return 0;
	if (!der_take(&body, DER_SEQUENCE, &list) || body.len)
		return refuse(view, body, ERR_TRUST_CRL_FORM, "crl.entry",
			"must end with its extensions", fault);
	return read_entry_extensions(view, list, ret, fault);
}

static int walk_entries(const struct crl_view *view,
	void (*on_entry)(void *arg, const struct crl_entry *entry), void *arg,
	uint64_t *ret_count, struct fault *fault)
{
	struct bytes entries = view->entries;
	struct crl_entry entry;
	uint64_t count = 0;
	int err = 0;

	for (; !err && entries.len; count++) {
		err = read_entry(view, &entries, &entry, fault);
		if (!err && on_entry)
			on_entry(arg, &entry);
	}
	if (!err)
		*ret_count = count;
	return err;
}

static int facts_of(const struct crl_view *view, struct crl_facts *ret)
{
	ret->this_update = view->this_update;
	ret->next_update = view->next_update;
	if (crypto_sha256(view->issuer, ret->issuer_name))
		return ERR_TRUST_CRYPTO;
	return crypto_sha256(view->der, ret->sha256);
}

int crl_issuer_name(struct bytes der, uint8_t ret[32], struct fault *fault)
{
	struct crl_view view;
	int err = read_crl(der, &view, fault);

	return err ? err : crypto_sha256(view.issuer, ret);
}

int crl_look(struct bytes der, struct crl_facts *ret, struct bytes *ret_issuer,
	void (*on_entry)(void *arg, const struct crl_entry *entry), void *arg,
	struct fault *fault)
{
	struct crl_facts facts;
	struct crl_view view;
	int err = read_crl(der, &view, fault);

	if (!err)
		err = facts_of(&view, &facts);
	if (!err)
		err = judge_extensions(&view, NULL, facts.number, fault);
	if (!err)
		err = walk_entries(&view, on_entry, arg, &facts.entries, fault);
	if (err)
		return err;
	*ret = facts;
	*ret_issuer = view.issuer;
	return 0;
}

static int judge_issuer(const struct crl_view *view,
	const struct cert_view *signer, const struct cert_id *ids,
	unsigned count, struct fault *fault)
{
	struct cert_id by = {.serial_len = 0};
	int err;

	if (!bytes_equal(view->issuer, signer->subject))
		return refuse(view, view->issuer, ERR_TRUST_CRL_ISSUER,
			"crl.issuer", "must be the name of the issuer", fault);
	if (!cert_view_is_ca(signer) || !cert_view_may(signer, CERT_CRL_SIGN))
		return refuse(view, view->issuer, ERR_TRUST_CRL_USAGE,
			"crl.issuer", "must be a CA with key usage cRLSign",
			fault);
	err = crypto_sha256(signer->subject, by.issuer_name);
	if (!err)
		err = crypto_sha256(signer->key, by.issuer_key);
	for (unsigned i = 0; !err && i < count; i++)
		if (memcmp(ids[i].issuer_name, by.issuer_name,
			    sizeof(by.issuer_name)) ||
			memcmp(ids[i].issuer_key, by.issuer_key,
				sizeof(by.issuer_key)))
			err = refuse(view, view->issuer, ERR_TRUST_CRL_ISSUER,
				"crl.issuer",
				"must have issued the certificates that are "
				"asked about",
				fault);
	return err;
}

static int judge_signature(const struct crl_view *view,
	const struct cert_view *signer, struct fault *fault)
{
	int err = x509_verify_signed(
		signer->spki, view->alg, view->tbs, view->signature);

	if (err == ERR_TRUST_CERT_ALG)
		err = ERR_TRUST_CRL_ALG;
	else if (err == ERR_TRUST_COSE_SIGNATURE)
		err = ERR_TRUST_CRL_SIGNATURE;
	return err ? refuse(view, view->alg, err, "crl.signatureValue",
			     err_text(err), fault)
		   : 0;
}

/* What a scan looks for, and what it found of each. */
struct search {
	const struct cert_id *ids;
	unsigned count;
	struct hit {
		bool found;
		uint8_t reason;
		uint64_t revoked_at;
	} hits[CRL_IDS_MAX];
};

static void compare_entry(void *arg, const struct crl_entry *entry)
{
	struct search *search = arg;

	for (unsigned i = 0; i < search->count; i++) {
		const struct cert_id *id = &search->ids[i];

		if (!search->hits[i].found &&
			bytes_equal(entry->serial,
				bytes_of(id->serial, id->serial_len)))
			search->hits[i] = (struct hit){.found = true,
				.reason = entry->reason,
				.revoked_at = entry->revoked_at};
	}
}

static void state(const struct search *search, const struct crl_facts *facts,
	struct statement *ret)
{
	for (unsigned i = 0; i < search->count; i++) {
		const struct hit *hit = &search->hits[i];

		ret[i] = (struct statement){
			.id = search->ids[i],
			.kind = EVIDENCE_CRL,
			.status =
				hit->found ? STATEMENT_REVOKED : STATEMENT_GOOD,
			.reason = hit->reason,
			.revoked_at = hit->revoked_at,
			.this_update = facts->this_update,
			.next_update = facts->next_update,
		};
		memcpy(ret[i].number, facts->number, sizeof(ret[i].number));
		memcpy(ret[i].sha256, facts->sha256, sizeof(ret[i].sha256));
	}
}

int crl_scan(struct bytes der, struct bytes issuer, const struct cert_id *ids,
	unsigned count, struct statement *ret, struct crl_facts *facts,
	struct fault *fault)
{
	struct search search = {.ids = ids, .count = count};
	struct cert_view signer;
	struct crl_facts own;
	struct crl_view view;
	int err;

	if (count > CRL_IDS_MAX)
		return fault_set(fault, ERR_TRUST_REVOCATION_NEEDS, 0, "ids",
			"%u certificates, limit %d", count, CRL_IDS_MAX);
	err = cert_view_read(issuer, &signer);
	if (err)
		return fault_set(fault, err, 0, "issuer", "%s", err_text(err));
	err = read_crl(der, &view, fault);
	if (!err)
		err = judge_issuer(&view, &signer, ids, count, fault);
	if (!err)
		err = judge_signature(&view, &signer, fault);
	if (!err)
		err = judge_extensions(&view, &signer, own.number, fault);
	if (!err)
		err = walk_entries(
			&view, compare_entry, &search, &own.entries, fault);
	if (!err)
		err = facts_of(&view, &own);
	if (err)
		return err;
	state(&search, &own, ret);
	if (facts)
		*facts = own;
	return 0;
}

#include "policy/trust/root.h"
#include "policy/trust/x509.h"

/* A signature that is being judged against a role. */
struct attempt {
	const struct root_role *role;
	const struct cose_msg *msg;
	unsigned signer;
	struct cose_header header;
	enum role_rule rule;
	struct bytes aad;
	struct bytes payload;
	const struct chain_rules *rules;
};

static int verify_with(const struct attempt *a, const struct cose_key *key)
{
	return cose_verify(a->msg, a->signer, key, a->aad, a->payload, false);
}

/* The key that the leaf claims has made the signature: before anything is asked
 * about a chain. */
static int signed_by_leaf(
	const struct attempt *a, struct bytes leaf, struct role_signature *ret)
{
	struct x509_facts facts;
	int err = x509_read(leaf, &facts);

	if (!err && !facts.has_key)
		err = ERR_TRUST_CERT_ALG;
	if (!err)
		err = cose_key_thumbprint(&facts.key, ret->key);
	if (!err && a->rule == ROLE_KID_REQUIRED &&
		!bytes_equal(a->header.kid, bytes_of(ret->key, COSE_KID_LEN)))
		err = ERR_TRUST_COSE_KID;
	return err ? err : verify_with(a, &facts.key);
}

static int by_chain(const struct attempt *a, struct role_signature *ret)
{
	struct x509_anchor anchors[ROOT_ENTRIES_MAX];
	unsigned entries[ROOT_ENTRIES_MAX];
	struct bytes certs[COSE_CERTS_MAX];
	struct x509_chain chain;
	unsigned anchor_count = 0;
	unsigned count = 0;
	int err = cose_x5chain(&a->header, certs, &count);

	for (unsigned i = 0; i < a->role->count; i++) {
		if (a->role->entries[i].kind != ROOT_ENTRY_CERTIFICATE)
			continue;
		entries[anchor_count] = i;
		anchors[anchor_count++] = (struct x509_anchor){
			a->role->entries[i].certificate,
			a->role->entries[i].revoked_by_root_only};
	}
	if (!err && anchor_count == 0)
		err = ERR_TRUST_CERT_CHAIN;
	if (!err && a->rules->issuer_count > COSE_CERTS_MAX - count)
		err = ERR_TRUST_CERT_COUNT;
	for (unsigned i = 0; !err && i < a->rules->issuer_count; i++)
		certs[count++] = a->rules->issuers[i];
	if (!err)
		err = signed_by_leaf(a, certs[0], ret);
	if (!err)
		err = x509_chain_verify(certs, count, anchors, anchor_count,
			a->rules, &chain, NULL);
	if (err && !revocation_refuses(err))
		return err;
	ret->entry = entries[chain.anchor];
	ret->by_chain = true;
	ret->not_after = chain.not_after;
	ret->revocation = chain.revocation;
	memcpy(ret->subject, chain.subject, sizeof(ret->subject));
	return 0;
}

static int by_entry(
	const struct attempt *a, unsigned i, struct role_signature *ret)
{
	const struct root_entry *entry = &a->role->entries[i];
	bool root_only =
		entry->revoked_by_root_only || a->role->number == ROLE_ROOT;
	int err = verify_with(a, &entry->key);

	if (err)
		return err;
	revocation_judge(a->rules->revocation, NULL, 0, root_only,
		a->rules->now, NULL, &ret->revocation);
	ret->entry = i;
	ret->by_chain = false;
	ret->not_after = UINT64_MAX;
	memcpy(ret->key, entry->id, COSE_KID_LEN);
	bytes_to_hex(bytes_of(entry->id, COSE_KID_LEN), ret->subject,
		sizeof(ret->subject));
	return 0;
}

/* 0: the signature is right; ret->revocation says whether it counts. Returns 1
 * when the role lists no key that the signature points at. */
static int by_key(const struct attempt *a, struct role_signature *ret)
{
	int err = 1;

	for (unsigned i = 0; i < a->role->count; i++)
		if (a->role->entries[i].kind == ROOT_ENTRY_KEY &&
			bytes_equal(a->header.kid,
				bytes_of(a->role->entries[i].id, COSE_KID_LEN)))
			return by_entry(a, i, ret);
	if (a->rule == ROLE_KID_REQUIRED)
		return 1;
	for (unsigned i = 0; err && i < a->role->count; i++)
		if (a->role->entries[i].kind == ROOT_ENTRY_KEY) {
			int one = by_entry(a, i, ret);

			/* A key on another curve says nothing about it. */
			if (err == 1 || one != ERR_TRUST_COSE_KEY_CURVE)
				err = one;
		}
	return err;
}

static int judge(const struct attempt *a, struct role_signature *ret)
{
	if (a->rule == ROLE_KID_REQUIRED &&
		(!a->header.kid_protected || a->header.kid.len != COSE_KID_LEN))
		return ERR_TRUST_COSE_KID;
	if (a->header.x5chain.at)
		return by_chain(a, ret);
	return by_key(a, ret);
}

static bool is_among(const struct role_signature *all, unsigned count,
	const struct role_signature *one)
{
	for (unsigned i = 0; i < count; i++)
		if (all[i].entry == one->entry ||
			!memcmp(all[i].key, one->key, COSE_KID_LEN))
			return true;
	return false;
}

bool role_signatures_add(
	struct role_signatures *all, const struct role_signature *one)
{
	bool counts = one->revocation.code == 0;
	struct role_signature *list = counts ? all->of : all->withheld;
	unsigned *count = counts ? &all->count : &all->withheld_count;

	if (*count == ROOT_ENTRIES_MAX || is_among(list, *count, one))
		return false;
	list[(*count)++] = *one;
	return counts;
}

unsigned role_signatures_right(const struct role_signatures *all)
{
	unsigned right = all->count;

	for (unsigned i = 0; i < all->withheld_count; i++)
		right += !is_among(all->of, all->count, &all->withheld[i]);
	return right;
}

const struct role_signature *role_signatures_withheld(
	const struct role_signatures *all)
{
	for (unsigned i = 0; i < all->withheld_count; i++)
		if (all->withheld[i].revocation.code == ERR_TRUST_REVOKED)
			return &all->withheld[i];
	return &all->withheld[0];
}

int role_verify(const struct root_role *role, const struct cose_msg *msg,
	enum role_rule rule, struct bytes aad, struct bytes payload,
	const struct chain_rules *rules, struct role_signatures *ret)
{
	struct role_signatures found = {0};
	struct attempt a = {role, msg, 0, {0}, rule, aad, payload, rules};

	for (; a.signer < msg->signer_count; a.signer++) {
		struct role_signature one = {0};
		struct cose_signer signer;
		int err = cose_signer_at(msg, a.signer, &signer);

		if (err)
			return err;
		a.header = signer.header;
		err = judge(&a, &one);
		if (err == 1)
			continue;
		if (err) {
			if (!found.first_refusal)
				found.first_refusal = err;
			continue;
		}
		one.alg = (enum cose_alg)a.header.alg;
		role_signatures_add(&found, &one);
	}
	*ret = found;
	return 0;
}

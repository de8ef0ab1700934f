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
	struct trust_now now;
};

static int verify_with(const struct attempt *a, const struct cose_key *key)
{
	return cose_verify(a->msg, a->signer, key, a->aad, a->payload, false);
}

static int by_chain(const struct attempt *a, struct role_signature *ret,
	uint8_t ret_key[COSE_KID_LEN])
{
	struct bytes anchors[ROOT_ENTRIES_MAX];
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
		anchors[anchor_count++] = a->role->entries[i].certificate;
	}
	if (!err && anchor_count == 0)
		err = ERR_TRUST_CERT_CHAIN;
	if (!err)
		err = x509_chain_verify(certs, count, anchors, anchor_count,
			a->now, &chain, NULL);
	if (!err)
		err = cose_key_thumbprint(&chain.leaf_key, ret_key);
	if (!err && a->rule == ROLE_KID_REQUIRED &&
		!bytes_equal(a->header.kid, bytes_of(ret_key, COSE_KID_LEN)))
		err = ERR_TRUST_COSE_KID;
	if (!err)
		err = verify_with(a, &chain.leaf_key);
	if (err)
		return err;
	ret->entry = entries[chain.anchor];
	ret->by_chain = true;
	ret->not_after = chain.not_after;
	memcpy(ret->subject, chain.subject, sizeof(ret->subject));
	return 0;
}

static int by_entry(const struct attempt *a, unsigned i,
	struct role_signature *ret, uint8_t ret_key[COSE_KID_LEN])
{
	const struct root_entry *entry = &a->role->entries[i];
	int err = verify_with(a, &entry->key);

	if (err)
		return err;
	ret->entry = i;
	ret->by_chain = false;
	ret->not_after = UINT64_MAX;
	memcpy(ret_key, entry->id, COSE_KID_LEN);
	bytes_to_hex(bytes_of(entry->id, COSE_KID_LEN), ret->subject,
		sizeof(ret->subject));
	return 0;
}

/* Returns 1 when the role lists no key that the signature points at. */
static int by_key(const struct attempt *a, struct role_signature *ret,
	uint8_t ret_key[COSE_KID_LEN])
{
	int err = 1;

	for (unsigned i = 0; i < a->role->count; i++)
		if (a->role->entries[i].kind == ROOT_ENTRY_KEY &&
			bytes_equal(a->header.kid,
				bytes_of(a->role->entries[i].id, COSE_KID_LEN)))
			return by_entry(a, i, ret, ret_key);
	if (a->rule == ROLE_KID_REQUIRED)
		return 1;
	for (unsigned i = 0; err && i < a->role->count; i++)
		if (a->role->entries[i].kind == ROOT_ENTRY_KEY) {
			int one = by_entry(a, i, ret, ret_key);

			/* A key on another curve says nothing about it. */
			if (err == 1 || one != ERR_TRUST_COSE_KEY_CURVE)
				err = one;
		}
	return err;
}

static int judge(const struct attempt *a, struct role_signature *ret,
	uint8_t ret_key[COSE_KID_LEN])
{
	if (a->rule == ROLE_KID_REQUIRED &&
		(!a->header.kid_protected || a->header.kid.len != COSE_KID_LEN))
		return ERR_TRUST_COSE_KID;
	if (a->header.x5chain.at)
		return by_chain(a, ret, ret_key);
	return by_key(a, ret, ret_key);
}

/* Distinct keys and distinct entries: one may not count twice. */
static bool is_new(const struct role_signatures *found,
	uint8_t keys[][COSE_KID_LEN], const struct role_signature *one,
	const uint8_t key[COSE_KID_LEN])
{
	for (unsigned i = 0; i < found->count; i++)
		if (found->of[i].entry == one->entry ||
			!memcmp(keys[i], key, COSE_KID_LEN))
			return false;
	return true;
}

int role_verify(const struct root_role *role, const struct cose_msg *msg,
	enum role_rule rule, struct bytes aad, struct bytes payload,
	struct trust_now now, struct role_signatures *ret)
{
	uint8_t keys[ROOT_ENTRIES_MAX][COSE_KID_LEN];
	struct role_signatures found = {0};
	struct attempt a = {role, msg, 0, {0}, rule, aad, payload, now};

	for (; a.signer < msg->signer_count; a.signer++) {
		struct role_signature one = {0};
		uint8_t key[COSE_KID_LEN] = {0};
		struct cose_signer signer;
		int err = cose_signer_at(msg, a.signer, &signer);

		if (err)
			return err;
		a.header = signer.header;
		err = judge(&a, &one, key);
		if (err == 1)
			continue;
		if (err) {
			if (!found.first_refusal)
				found.first_refusal = err;
			continue;
		}
		if (found.count == ROOT_ENTRIES_MAX ||
			!is_new(&found, keys, &one, key))
			continue;
		one.alg = (enum cose_alg)a.header.alg;
		memcpy(keys[found.count], key, COSE_KID_LEN);
		found.of[found.count++] = one;
	}
	*ret = found;
	return 0;
}

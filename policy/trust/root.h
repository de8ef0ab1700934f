/* The root of a vendor: which keys may do what (docs/formats.md, "Root").
 *
 * A struct root is immutable once made, owns a copy of its file and lives
 * until root_free(); views in it point into that copy. It may be read from any
 * thread. Nothing here judges time but root_judge_time(). */
#ifndef FERRY_POLICY_TRUST_ROOT_H
#define FERRY_POLICY_TRUST_ROOT_H

#include "policy/trust/cose.h"
#include "policy/trust/revocation.h"

#define ROOT_FILE_MAX (64u << 10)
#define ROOT_ROLES_MAX 8
#define ROOT_ENTRIES_MAX 16 /* of a role */
#define ROOT_SCOPES_MAX 16  /* of an entry */
#define ROOT_TRANSFERS_MAX 16
#define ROOT_TRANSFER_CLASSES_MAX 16
#define ROOT_HOSTS_MAX 16
#define ROOT_AAD "ferry-root-1"

enum role {
	ROLE_ROOT = 1,
	ROLE_CATALOG = 2,
	ROLE_AUTHOR = 3,
	ROLE_OPERATOR = 4,
	ROLE_REGULATOR = 5,
};

/* Absent members (.at NULL) match anything. */
struct root_scope {
	struct bytes vendor_id;
	struct bytes class_id;
	struct bytes component;
};

enum root_entry_kind {
	ROOT_ENTRY_KEY,
	ROOT_ENTRY_CERTIFICATE,
	ROOT_ENTRY_UNKNOWN, /* a key of a kind that is not known: never verifies
			     */
};

struct root_entry {
	enum root_entry_kind kind;
	struct cose_key key;	  /* not of UNKNOWN; of a certificate its own */
	struct bytes certificate; /* DER */
	uint8_t id[COSE_KID_LEN]; /* thumbprint of the key; what is unique */
	bool revoked_by_root_only;
	unsigned scope_count; /* 0: everything */
	struct root_scope scopes[ROOT_SCOPES_MAX];
};

struct root_role {
	uint64_t number;
	unsigned threshold;
	unsigned count;
	struct root_entry *entries;
};

struct root_transfer {
	struct bytes classes[ROOT_TRANSFER_CLASSES_MAX];
	unsigned class_count;
	struct bytes heir; /* SHA-256 of the heir's first root */
};

struct root {
	uint8_t *file;
	size_t file_len;
	uint8_t sha256[32]; /* of the file */
	uint64_t version;
	uint64_t issued;
	uint64_t expires;
	uint64_t epoch;
	uint64_t offline_grace_s;
	struct root_role roles[ROOT_ROLES_MAX];
	unsigned role_count;
	struct root_transfer *transfers;
	unsigned transfer_count;
	struct bytes hosts[ROOT_HOSTS_MAX];
	unsigned host_count;
};

/* The root that an operator gives: well-formed and signed by its own
 * threshold; trusted because it was given. */
int root_first(struct bytes file, struct root **ret, struct fault *fault);

/* The successor of `root`: signed by the thresholds of both, version one
 * higher, epoch not lower. */
int root_next(const struct root *root, struct bytes file, struct root **ret,
	struct fault *fault);

/* Structure only; nothing is trusted yet. For ferry-publish, which shows roots
 * and collects signatures for them. */
int root_parse(struct bytes file, struct root **ret, struct fault *fault);

void root_free(struct root *root);

/* NULL if the root does not have the role. */
const struct root_role *root_role(const struct root *root, enum role role);

/* Of the newest root of a chain only: ERR_TRUST_ROOT_EXPIRED, _NOT_YET or 0. */
int root_judge_time(
	const struct root *root, struct trust_now now, struct fault *fault);

/* Whether an entry may speak for vendor, class and component; a view with .at
 * NULL asks about nothing and is always inside. */
bool root_entry_allows(const struct root_entry *entry, struct bytes vendor_id,
	struct bytes class_id, struct bytes component);

/* What the class was handed over to, or NULL. */
const struct root_transfer *root_transfer_of(
	const struct root *root, struct bytes class_id);

/* One signature that verified. */
struct role_signature {
	unsigned entry; /* index in the role */
	bool by_chain;	/* through x5chain to the entry's certificate */
	enum cose_alg alg;
	uint64_t not_after; /* of the chain; UINT64_MAX for a bare key */
	char subject[128];  /* of the leaf, or the kid in hexadecimal */
	uint8_t key[COSE_KID_LEN]; /* thumbprint of the key that signed */
	struct revocation_result revocation;
};

struct role_signatures {
	unsigned count; /* distinct keys and entries */
	struct role_signature of[ROOT_ENTRIES_MAX];
	int first_refusal; /* why a signature by a listed key did not count */
	/* Right signatures of signers that revocation_judge() refused: they do
	 * not count. */
	unsigned withheld_count;
	struct role_signature withheld[ROOT_ENTRIES_MAX];
};

/* Adds one more, unless its key or its entry is among them: neither may count
 * twice, however many messages or certificates say so. One that revocation
 * refuses goes to those that are withheld. True if it is new and counts. */
bool role_signatures_add(
	struct role_signatures *all, const struct role_signature *one);

/* How many there would be if nothing were withheld. */
unsigned role_signatures_right(const struct role_signatures *all);

/* Which of those that are withheld to tell of: a revoked one first. Means
 * nothing when there is none. */
const struct role_signature *role_signatures_withheld(
	const struct role_signatures *all);

/* How strict role_verify() is about the header. */
enum role_rule {
	ROLE_KID_REQUIRED, /* root and catalog */
	ROLE_KID_OR_CHAIN, /* authors: x5chain, or kid, or neither (every bare
			      key of the role is tried) */
};

/* Which distinct keys of the role have signed the message. Returns 0 also when
 * none has: the caller compares `count` with the threshold. Signatures are
 * verified before chains, so that only who holds a key makes needs. The keys of
 * the root role are always revoked by a new root only. */
int role_verify(const struct root_role *role, const struct cose_msg *msg,
	enum role_rule rule, struct bytes aad, struct bytes payload,
	const struct chain_rules *rules, struct role_signatures *ret);

#endif

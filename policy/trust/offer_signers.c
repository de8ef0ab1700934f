#include "policy/trust/date.h"
#include "policy/trust/offer_judge.h"

/* Author anchors as if a root listed them. */
static void authors_of_anchors(struct judge *j)
{
	unsigned count = j->req->anchor_count;

	if (count > OFFER_ANCHORS_MAX)
		count = OFFER_ANCHORS_MAX;
	for (unsigned i = 0; i < count; i++) {
		const struct offer_anchor *a = &j->req->anchors[i];
		struct root_entry *e = &j->anchor_entries[i];

		e->kind = a->is_certificate ? ROOT_ENTRY_CERTIFICATE
					    : ROOT_ENTRY_KEY;
		e->key = a->key;
		e->certificate = a->certificate;
		if (!a->is_certificate && cose_key_thumbprint(&a->key, e->id))
			e->kind = ROOT_ENTRY_UNKNOWN;
	}
	j->anchors =
		(struct root_role){ROLE_AUTHOR, 1, count, j->anchor_entries};
	j->authors = &j->anchors;
}

static void merge(
	struct role_signatures *all, const struct role_signatures *more)
{
	if (!all->first_refusal)
		all->first_refusal = more->first_refusal;
	for (unsigned i = 0; i < more->count; i++)
		role_signatures_add(all, &more->of[i]);
	for (unsigned i = 0; i < more->withheld_count; i++)
		role_signatures_add(all, &more->withheld[i]);
}

#define TAG_MAC_HEAD "\xd8\x61"

static bool is_mac_with_recipients(struct bytes block)
{
	return block.len > 2 && !memcmp(block.at, TAG_MAC_HEAD, 2);
}

static struct chain_rules rules_of(const struct judge *j)
{
	return (struct chain_rules){
		.now = j->req->now,
		.revocation = j->req->revocation,
		.needs = j->req->needs,
		.issuers = j->req->issuers,
		.issuer_count = j->req->issuer_count,
	};
}

/* Parses an authentication block: 0 a signature, 1 a MAC, or what is wrong. */
static int block_parse(
	struct judge *j, unsigned i, struct cose_msg *ret)
{
	int err;

	if (is_mac_with_recipients(j->envelope.blocks[i]))
		return 1;
	err = cose_parse(j->envelope.blocks[i], COSE_NONE, ret, &j->fault);
	if (err)
		return err;
	if (ret->payload_attached)
		return ERR_TRUST_COSE_ATTACHED;
	return ret->kind == COSE_MAC0;
}

/* All signatures of a role over the digest of the manifest, from all
 * authentication blocks; `*ret_macs` of the blocks are none. */
static int collect(struct judge *j, const struct root_role *role,
	struct role_signatures *ret, unsigned *ret_macs)
{
	const struct chain_rules rules = rules_of(j);

	*ret = (struct role_signatures){0};
	*ret_macs = 0;
	for (unsigned i = 0; i < j->envelope.block_count; i++) {
		struct role_signatures found;
		struct cose_msg msg;
		int err = block_parse(j, i, &msg);

		if (err == 1) {
			++*ret_macs;
			continue;
		}
		if (!err)
			err = role_verify(role, &msg, ROLE_KID_OR_CHAIN,
				bytes_of("", 0), j->envelope.signed_digest,
				&rules, &found);
		if (err)
			return err;
		merge(ret, &found);
	}
	return 0;
}

static int authors_code(struct judge *j)
{
	unsigned macs;
	int err = collect(j, j->authors, &j->found, &macs);

	if (err)
		return err;
	if (macs == j->envelope.block_count)
		return macs ? ERR_TRUST_SUIT_MAC_ONLY
			    : ERR_TRUST_SUIT_NO_SIGNATURE;
	if (role_signatures_right(&j->found) == 0)
		return j->found.first_refusal ? j->found.first_refusal
					      : ERR_TRUST_OFFER_AUTHOR;
	return 0;
}

/* The plan is good until the first certificate expires and the first evidence
 * runs out; the second of a notAfter still counts, that of a nextUpdate does
 * not. */
static void note_signers(
	struct offer_plan *plan, const struct role_signatures *found)
{
	for (unsigned i = 0; i < found->count; i++) {
		const struct role_signature *one = &found->of[i];
		uint64_t until = one->revocation.good_until;

		if (until > 0 && until < UINT64_MAX)
			until--;
		if (one->not_after < until)
			until = one->not_after;
		if (until < plan->signer_not_after)
			plan->signer_not_after = until;
		if (one->revocation.signed_time > plan->signed_time)
			plan->signed_time = one->revocation.signed_time;
	}
}

static bool is_off(const struct judge *j)
{
	return j->req->revocation &&
	       j->req->revocation->policy == REVOCATION_OFF;
}

/* The row about the revocation of signers of whom `threshold` have to count. */
static void judge_revocation(struct judge *j, const char *row, unsigned step,
	const struct role_signatures *found, unsigned threshold)
{
	const struct role_signature *one = role_signatures_withheld(found);

	if (found->count < threshold && found->withheld_count)
		offer_judged(j, row, step, one->revocation.code, "%.50s: %s",
			one->subject, one->revocation.evidence);
	else if (found->count == 0)
		offer_skip(j, row, step, "no signature");
	else if (is_off(j))
		verdict_add(j->v, row, CHECK_OFF, 0, step,
			"SWITCHED OFF by policy: a revoked signer would be "
			"accepted");
	else
		offer_judged(j, row, step, 0, "%s",
			found->of[0].revocation.evidence);
}

static int catalog_signature_code(
	const struct judge *j, const struct role_signatures *found)
{
	const struct root_role *role = root_role(j->req->root, ROLE_CATALOG);

	if (j->req->catalog_code && !revocation_refuses(j->req->catalog_code))
		return j->req->catalog_code;
	return role_signatures_right(found) < role->threshold
		       ? ERR_TRUST_CATALOG_THRESHOLD
		       : 0;
}

/* Why there is nothing to say about the catalog's signers; a class that demands
 * them is not content with that. */
static void no_catalog_signers(struct judge *j, const char *why)
{
	const struct signer_demand *demand = j->req->demand;

	if (demand && demand->roles & SIGNER_CATALOG)
		offer_judged(j, "catalog-signature", STEP_CHECK,
			ERR_TRUST_SIGNERS_MISSING, "%s", why);
	else
		offer_skip(j, "catalog-signature", STEP_CHECK, why);
	offer_skip(j, "catalog-revocation", STEP_CHECK, why);
}

void offer_judge_catalog_signers(struct judge *j)
{
	const struct chain_rules rules = rules_of(j);
	const struct catalog *c = j->req->catalog;
	struct role_signatures found = {0};
	int code;

	if (!c || !j->req->root || j->req->catalog_code > 0) {
		no_catalog_signers(j, c ? "no root" : "no catalog");
		return;
	}
	code = catalog_signers(c, j->req->root, &rules, &found);
	if (!code)
		code = catalog_signature_code(j, &found);
	offer_judged(j, "catalog-signature", STEP_CHECK, code,
		code ? "" : "sequence %llu, epoch %llu",
		(unsigned long long)c->sequence, (unsigned long long)c->epoch);
	judge_revocation(j, "catalog-revocation", STEP_CHECK, &found,
		root_role(j->req->root, ROLE_CATALOG)->threshold);
	note_signers(j->plan, &found);
}

/* Step 1: +1 a managed key, +2 a chain of which evidence says that nothing is
 * revoked, +3 a hash-based signature. */
static int tier_of(const struct judge *j, const struct role_signature *one)
{
	const struct revocation_result *r = &one->revocation;

	if (is_off(j))
		return TIER_UPGRADED;
	if (signer_alg_of(one->alg) == SIGNER_HSS)
		return TIER_QUANTUM;
	return one->by_chain && !r->by_root_only && r->judged && !r->overdue
		       ? TIER_ENHANCED
		       : TIER_UPGRADED;
}

static void judge_author_signature(struct judge *j)
{
	const struct role_signature *first;
	int err = authors_code(j);

	if (err) {
		offer_judged(j, "author-signature", STEP_SIGN, err, "%s", "");
		j->blind = true;
		return;
	}
	first = j->found.count ? &j->found.of[0] : &j->found.withheld[0];
	offer_judged(j, "author-signature", STEP_SIGN, 0, "%s by %s%s",
		cose_alg_find(first->alg)->name, first->subject,
		first->by_chain ? "" : " (bare key)");
	note_signers(j->plan, &j->found);
	for (unsigned i = 0; !j->blind && i < j->found.count; i++)
		verdict_reach(
			j->v, STEP_SIGN, tier_of(j, &j->found.of[i]));
}

void offer_judge_authors(struct judge *j)
{
	char date[DATE_SIZE];

	if (j->req->root)
		j->authors = root_role(j->req->root, ROLE_AUTHOR);
	else
		authors_of_anchors(j);
	if (j->envelope.block_count == 0 && j->blind)
		offer_skip(j, "author-signature", STEP_SIGN, "");
	else
		judge_author_signature(j);
	if (j->blind || !j->req->now_known)
		offer_skip(j, "author-dates", STEP_SIGN, "no time");
	else
		offer_judged(j, "author-dates", STEP_SIGN, 0, "judged at %s%s",
			date_text(trust_now_latest(j->req->now), date),
			j->req->now.synchronised ? "" : " (lower bound)");
	judge_revocation(j, "revocation", STEP_SIGN, &j->found,
		j->authors->threshold);
}

/* Every component that is fetched is inside the signer's scope. */
static bool in_scope(const struct judge *j, const struct root_entry *entry)
{
	const struct suit_outcome *o = &j->plan->outcome;
	struct bytes vendor_id = j->req->facts.vendor_id;
	struct bytes class_id = j->req->facts.class_id;

	if (!vendor_id.at && j->entry)
		vendor_id = j->entry->vendor_id;
	if (!class_id.at && j->entry)
		class_id = j->entry->class_id;
	for (unsigned i = 0; i < o->fetch_count; i++)
		if (!root_entry_allows(entry, vendor_id, class_id,
			    j->manifest.components[o->fetches[i].component]))
			return false;
	return true;
}

static unsigned count_inside(const struct judge *j,
	const struct root_role *role, const struct role_signature *list,
	unsigned count)
{
	unsigned inside = 0;

	for (unsigned i = 0; i < count; i++)
		inside += in_scope(j, &role->entries[list[i].entry]);
	return inside;
}

static void judge_author_scope(struct judge *j)
{
	unsigned inside, withheld;

	if (j->blind || !j->req->root) {
		offer_skip(j, "author-scope", STEP_SIGN, "no root");
		offer_skip(j, "author-threshold", STEP_SIGN, "no root");
		return;
	}
	inside = count_inside(j, j->authors, j->found.of, j->found.count);
	withheld = count_inside(
		j, j->authors, j->found.withheld, j->found.withheld_count);
	offer_judged(j, "author-scope", STEP_SIGN,
		inside || withheld ? 0 : ERR_TRUST_OFFER_SCOPE,
		"%u of %u signers may sign this", inside + withheld,
		j->found.count + j->found.withheld_count);
	offer_judged(j, "author-threshold", STEP_SIGN,
		inside >= j->authors->threshold ? 0 : ERR_TRUST_OFFER_THRESHOLD,
		"%u of %u", inside, j->authors->threshold);
}

/* Algorithms of the author's signatures that count, inside of their scope. */
static unsigned algs_found(const struct judge *j)
{
	unsigned algs = 0;

	for (unsigned i = 0; i < j->found.count; i++) {
		const struct role_signature *one = &j->found.of[i];

		if (!j->req->root ||
			in_scope(j, &j->authors->entries[one->entry]))
			algs |= signer_alg_of(one->alg);
	}
	return algs;
}

static void judge_algs(struct judge *j, unsigned demanded)
{
	unsigned missing;

	if (!demanded)
		return;
	if (j->blind) {
		offer_skip(j, "demanded-algorithms", STEP_SIGN, "");
		return;
	}
	missing = demanded & ~algs_found(j);
	missing &= ~missing + 1; /* the first of them */
	offer_judged(j, "demanded-algorithms", STEP_SIGN,
		missing ? ERR_TRUST_SIGNERS_ALG : 0,
		missing ? "the author has not signed with %s" : "all%.0s",
		signer_alg_name(missing));
}

static bool has_key(const struct role_signatures *all, const uint8_t *key)
{
	for (unsigned i = 0; i < all->count; i++)
		if (!memcmp(all->of[i].key, key, COSE_KID_LEN))
			return true;
	for (unsigned i = 0; i < all->withheld_count; i++)
		if (!memcmp(all->withheld[i].key, key, COSE_KID_LEN))
			return true;
	return false;
}

static unsigned without_keys_of(const struct role_signatures *others,
	struct role_signature *list, unsigned count)
{
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++)
		if (!has_key(others, list[i].key))
			list[left++] = list[i];
	return left;
}

/* One key speaks for one role: two authorities may have certified it, which no
 * root shows. */
static void drop_speakers(
	struct role_signatures *found, const struct role_signatures *others)
{
	found->count = without_keys_of(others, found->of, found->count);
	found->withheld_count = without_keys_of(
		others, found->withheld, found->withheld_count);
}

/* `spoken` are the signatures of the role before; this role's replace them. */
static void judge_role(struct judge *j, const char *row,
	const struct root_role *role, struct role_signatures *spoken)
{
	struct role_signatures found;
	unsigned macs, inside, withheld;
	int err;

	if (j->blind) {
		offer_skip(j, row, STEP_SIGN, "");
		return;
	}
	if (!role) {
		offer_judged(j, row, STEP_SIGN, ERR_TRUST_SIGNERS_ROLE, "%s",
			j->req->root ? "" : "no root");
		return;
	}
	err = collect(j, role, &found, &macs);
	if (err) {
		offer_judged(j, row, STEP_SIGN, err, "%s", "");
		return;
	}
	drop_speakers(&found, &j->found);
	drop_speakers(&found, spoken);
	inside = count_inside(j, role, found.of, found.count);
	withheld = count_inside(j, role, found.withheld, found.withheld_count);
	if (inside < role->threshold && inside + withheld >= role->threshold) {
		const struct role_signature *one =
			role_signatures_withheld(&found);

		offer_judged(j, row, STEP_SIGN, one->revocation.code,
			"%.50s: %s", one->subject, one->revocation.evidence);
		return;
	}
	offer_judged(j, row, STEP_SIGN,
		inside >= role->threshold ? 0 : ERR_TRUST_SIGNERS_MISSING,
		"%u of %u%s%.60s", inside, role->threshold,
		inside ? ": " : "", inside ? found.of[0].subject : "");
	note_signers(j->plan, &found);
	*spoken = found;
}

void offer_judge_signers(struct judge *j)
{
	static const struct signer_demand nothing;
	const struct signer_demand *demand =
		j->req->demand ? j->req->demand : &nothing;
	const struct root *root = j->req->root;
	struct role_signatures spoken = {0};

	judge_author_scope(j);
	judge_algs(j, demand->algs);
	if (demand->roles & SIGNER_OPERATOR)
		judge_role(j, "operator-signature",
			root ? root_role(root, ROLE_OPERATOR) : NULL,
			&spoken);
	if (demand->roles & SIGNER_REGULATOR)
		judge_role(j, "regulator-signature",
			root ? root_role(root, ROLE_REGULATOR) : NULL,
			&spoken);
}

#include "policy/trust/trust.h"

static void note_root(struct trust_vendor *v, const struct trust_clock *clock)
{
	if (v->root->version > v->floor.root_version) {
		v->floor.root_version = v->root->version;
		memcpy(v->floor.root_sha256, v->root->sha256, 32);
		v->changed = true;
	}
	if (v->root->epoch > v->floor.catalog.epoch) {
		v->floor.catalog =
			(struct catalog_floor){.epoch = v->root->epoch};
		trust_time_reset(&v->time, clock, v->root->issued);
		v->noted = 0;
		v->changed = true;
		return;
	}
	if (v->root->epoch == v->floor.catalog.epoch &&
		trust_time_learn(&v->time, clock, v->root->issued))
		v->changed = true;
}

int trust_open(struct trust_vendor *v, struct bytes first_root,
	const struct trust_floor *floor, uint64_t persisted_time,
	const struct trust_clock *clock, struct fault *fault)
{
	struct root *root;
	int err = root_first(first_root, &root, fault);

	if (err)
		return err;
	*v = (struct trust_vendor){
		.root = root, .revocation = &revocation_nothing_known};
	if (floor)
		v->floor = *floor;
	trust_time_start(&v->time, persisted_time, clock);
	note_root(v, clock);
	return 0;
}

void trust_close(struct trust_vendor *v)
{
	catalog_free(v->catalog);
	root_free(v->root);
	*v = (struct trust_vendor){0};
}

static struct chain_rules rules_of(
	const struct trust_vendor *v, const struct trust_clock *clock)
{
	return (struct chain_rules){
		.now = trust_now(&v->time, clock),
		.revocation = v->revocation,
		.needs = v->needs,
	};
}

/* A catalog that the new root would not accept is none any more. */
static void judge_catalog_again(
	struct trust_vendor *v, const struct trust_clock *clock)
{
	struct chain_rules rules = rules_of(v, clock);
	struct catalog *again = NULL;

	if (!v->catalog)
		return;
	rules.needs = NULL; /* they would point into what may be dropped */
	if (catalog_accept(v->root,
		    bytes_of(v->catalog->file, v->catalog->file_len),
		    &v->floor.catalog, &rules, &again, NULL, NULL) == 0) {
		v->catalog->signer_not_after = again->signer_not_after;
		v->catalog->evidence_until = again->evidence_until;
		v->catalog_code = 0;
		catalog_free(again);
		return;
	}
	catalog_free(v->catalog);
	v->catalog = NULL;
	v->catalog_code = 0;
}

static bool is_current_root(const struct trust_vendor *v, struct bytes file)
{
	return bytes_equal(file, bytes_of(v->root->file, v->root->file_len));
}

int trust_add_root(struct trust_vendor *v, struct bytes file,
	const struct trust_clock *clock, struct fault *fault)
{
	struct root *next;
	int err;

	v->changed = false;
	if (is_current_root(v, file))
		return 0;
	err = root_next(v->root, file, &next, fault);
	if (err)
		return err;
	if (next->version == v->floor.root_version &&
		memcmp(next->sha256, v->floor.root_sha256, 32) != 0) {
		root_free(next);
		return fault_set(fault, ERR_TRUST_ROOT_BEHIND, 0,
			"root.version",
			"another file with this version was accepted before");
	}
	root_free(v->root);
	v->root = next;
	note_root(v, clock);
	judge_catalog_again(v, clock);
	return 0;
}

int trust_ready(const struct trust_vendor *v, const struct trust_clock *clock,
	struct fault *fault)
{
	if (v->root->version < v->floor.root_version ||
		v->root->epoch < v->floor.catalog.epoch)
		return fault_set(fault, ERR_TRUST_ROOT_BEHIND, 0,
			"root.version", "%llu, %llu was accepted before",
			(unsigned long long)v->root->version,
			(unsigned long long)v->floor.root_version);
	return root_judge_time(v->root, trust_now(&v->time, clock), fault);
}

int trust_add_catalog(struct trust_vendor *v, struct bytes file,
	const struct trust_clock *clock, struct catalog_shipped *ret_shipped,
	struct fault *fault)
{
	struct chain_rules rules = rules_of(v, clock);
	struct catalog *catalog;
	int err;

	v->changed = false;
	if (ret_shipped)
		ret_shipped->count = 0;
	err = trust_ready(v, clock, fault);
	if (err)
		return err;
	err = catalog_accept(v->root, file, &v->floor.catalog, &rules,
		&catalog, ret_shipped, fault);
	if (err)
		return err;
	if (!v->floor.catalog.set ||
		catalog->sequence > v->floor.catalog.sequence) {
		v->floor.catalog = (struct catalog_floor){
			true, catalog->epoch, catalog->sequence, {0}};
		memcpy(v->floor.catalog.sha256, catalog->sha256, 32);
		v->changed = true;
	}
	v->changed |= trust_time_learn(&v->time, clock, catalog->issued);
	v->changed |= trust_time_learn(&v->time, clock, catalog->signed_time);
	catalog_free(v->catalog);
	v->catalog = catalog;
	v->catalog_code = 0;
	return 0;
}

int trust_judge_again(struct trust_vendor *v, const struct trust_clock *clock,
	struct fault *fault)
{
	struct chain_rules rules = rules_of(v, clock);

	v->changed = false;
	if (!v->catalog)
		return 0;
	v->catalog_code =
		catalog_judge_again(v->catalog, v->root, &rules, fault);
	if (!v->catalog_code)
		v->changed = trust_time_learn(
			&v->time, clock, v->catalog->signed_time);
	return v->catalog_code;
}

void trust_note(struct trust_vendor *v, uint64_t signed_time)
{
	if (signed_time > v->noted)
		v->noted = signed_time;
}

void trust_learn(struct trust_vendor *v, const struct trust_clock *clock)
{
	v->changed = trust_time_learn(&v->time, clock, v->noted);
	v->noted = 0;
}

int trust_state(const struct trust_vendor *v, const struct trust_clock *clock)
{
	struct trust_now now = trust_now(&v->time, clock);
	int err = trust_ready(v, clock, NULL);

	if (err)
		return err;
	if (!v->catalog ||
		catalog_state(v->catalog, v->root, now) == CATALOG_EXPIRED)
		return ERR_TRUST_CATALOG_EXPIRED;
	if (v->catalog_code)
		return v->catalog_code;
	return trust_now_expired(now, v->catalog->evidence_until)
		       ? ERR_TRUST_REVOCATION_STALE
		       : 0;
}

bool trust_may_finish(
	const struct trust_vendor *v, const struct trust_clock *clock)
{
	struct trust_now now = trust_now(&v->time, clock);
	int err = trust_ready(v, clock, NULL);
	uint64_t end = v->root->expires;
	uint64_t grace = v->root->offline_grace_s;

	if ((err && err != ERR_TRUST_ROOT_EXPIRED) || !v->catalog)
		return false;
	if (grace > UINT64_MAX - v->catalog->expires)
		grace = UINT64_MAX - v->catalog->expires;
	if (v->catalog->expires + grace < end)
		end = v->catalog->expires + grace;
	return !trust_now_expired(now, end > UINT64_MAX - TRUST_FINISH_S ?
		end : end + TRUST_FINISH_S);
}

int trust_judge(const struct trust_vendor *v, const struct trust_clock *clock,
	struct offer_request *request, struct verdict *ret,
	struct offer_plan *ret_plan)
{
	request->root = v->root;
	request->catalog = v->catalog;
	request->catalog_code = v->catalog ? v->catalog_code : ERR_TRUST_CATALOG_EXPIRED;
	request->now = trust_now(&v->time, clock);
	request->now_known = true;
	return offer_judge(request, ret, ret_plan);
}

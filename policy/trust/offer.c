#include "policy/trust/offer.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/trust/component.h"
#include "policy/trust/date.h"
#include "policy/trust/offer_images.h"
#include "policy/trust/offer_judge.h"

void offer_skip(
	struct judge *j, const char *name, unsigned step, const char *why)
{
	verdict_add(j->v, name, CHECK_NOT_EVALUATED, 0, step, "%s",
		j->blind ? "an earlier check failed" : why);
}

void offer_judged(struct judge *j, const char *name, unsigned step, int code,
	const char *evidence, ...)
{
	char text[160];
	va_list args;

	va_start(args, evidence);
	vsnprintf(text, sizeof(text), evidence, args);
	va_end(args);
	if (code && !j->fault.code && !text[0])
		snprintf(text, sizeof(text), "%s", err_text(code));
	verdict_add_code(j->v, name, code, step, &j->fault, "%s", text);
	j->fault = (struct fault){0};
}

static void judge_form(struct judge *j)
{
	int err =
		suit_envelope_parse(j->req->envelope, &j->envelope, &j->fault);

	offer_judged(j, "envelope-form", STEP_CHECK, err, "%zu bytes",
		j->req->envelope.len);
	if (err) {
		j->blind = true;
		offer_skip(j, "envelope-tag", STEP_CHECK, "");
		return;
	}
	offer_judged(j, "envelope-tag", STEP_CHECK,
		j->envelope.tagged ? 0 : ERR_TRUST_SUIT_UNTAGGED, "%s",
		j->envelope.tagged ? "tag 107" : "no tag");
	if (!suit_envelope_release(&j->envelope, j->plan->release))
		j->plan->entry = j->entry;
}

static void judge_root(struct judge *j)
{
	char date[DATE_SIZE];
	const struct root *root = j->req->root;

	if (!root || !j->req->now_known) {
		offer_skip(j, "root-current", STEP_CHECK,
			root ? "no time" : "no root");
		return;
	}
	offer_judged(j, "root-current", STEP_CHECK,
		root_judge_time(root, j->req->now, &j->fault),
		"version %llu, expires %s", (unsigned long long)root->version,
		date_text(root->expires, date));
}

static void judge_catalog(struct judge *j)
{
	char date[DATE_SIZE];
	const struct catalog *c = j->req->catalog;
	enum catalog_state state;

	offer_judge_catalog_signers(j);
	if (!c) {
		offer_skip(j, "catalog-current", STEP_CHECK, "no catalog");
		return;
	}
	if (!j->req->root || !j->req->now_known) {
		offer_skip(j, "catalog-current", STEP_CHECK, "no root or no time");
		return;
	}
	state = catalog_state(c, j->req->root, j->req->now);
	offer_judged(j, "catalog-current", STEP_CHECK,
		state == CATALOG_EXPIRED ? ERR_TRUST_CATALOG_EXPIRED : 0,
		"expires %s%s", date_text(c->expires, date),
		state == CATALOG_GRACE ? ", in the offline grace" : "");
}

static int entry_code(struct judge *j)
{
	const struct catalog_entry *e = j->entry;
	uint8_t digest[32];
	int err;

	if (!e)
		return ERR_TRUST_OFFER_UNLISTED;
	err = crypto_sha256(j->req->envelope, digest);
	if (err)
		return err;
	if (e->envelope_len != j->req->envelope.len ||
		!bytes_equal(e->envelope_digest, bytes_of(digest, 32)))
		return ERR_TRUST_OFFER_ENVELOPE;
	if (!j->blind && !bytes_equal(e->manifest_digest,
				 bytes_of(j->plan->release, 32)))
		return ERR_TRUST_OFFER_MANIFEST;
	return 0;
}

static bool differs(struct bytes known, struct bytes other)
{
	return known.at && !bytes_equal(known, other);
}

static bool hardware_fits(const struct judge *j, const struct catalog_entry *e)
{
	return !e->has_hardware || !j->req->hardware_known ||
	       (j->req->hardware >= e->hardware_min &&
		       j->req->hardware <= e->hardware_max);
}

/* One manifest may be listed for several classes and hardware ranges: the entry
 * is the one for this child, or else any, which then fails by its target. */
static const struct catalog_entry *entry_find(const struct judge *j)
{
	const struct catalog *c = j->req->catalog;
	struct bytes release = bytes_of(j->plan->release, 32);

	for (unsigned i = 0; i < c->entry_count; i++) {
		const struct catalog_entry *e = &c->entries[i];

		if (bytes_equal(e->manifest_digest, release) &&
			!differs(j->req->facts.vendor_id, e->vendor_id) &&
			!differs(j->req->facts.class_id, e->class_id) &&
			hardware_fits(j, e))
			return e;
	}
	return catalog_find_manifest(c, release);
}

static void judge_entry(struct judge *j)
{
	if (!j->req->catalog && !j->req->entry) {
		offer_skip(j, "catalog-entry", STEP_CHECK, "no catalog");
		offer_skip(j, "not-withdrawn", STEP_CHECK, "no catalog");
		return;
	}
	if (!j->entry && !j->blind && j->req->catalog)
		j->entry = entry_find(j);
	j->plan->entry = j->entry;
	offer_judged(j, "catalog-entry", STEP_CHECK, entry_code(j), "%s",
		j->entry ? "envelope and manifest digest" : "no entry");
	if (!j->entry) {
		offer_skip(j, "not-withdrawn", STEP_CHECK, "no entry");
		return;
	}
	offer_judged(j, "not-withdrawn", STEP_CHECK,
		j->entry->withdrawn ? ERR_TRUST_OFFER_WITHDRAWN : 0, "%s", "");
}

static void judge_digest(struct judge *j)
{
	int err;

	if (j->blind) {
		offer_skip(j, "manifest-digest", STEP_SIGN, "");
		return;
	}
	err = suit_envelope_check_digest(&j->envelope);
	offer_judged(j, "manifest-digest", STEP_SIGN, err, "algorithm %lld%s",
		(long long)j->envelope.digest.alg,
		j->envelope.digest.alg == -16 ? ", SHA-256" : "");
	if (err)
		j->blind = true;
	else
		verdict_reach(j->v, STEP_SIGN, TIER_BASIC);
}

static void judge_manifest(struct judge *j)
{
	int severed = 0;
	int err;

	if (j->blind) {
		offer_skip(j, "manifest-form", STEP_CHECK, "");
		offer_skip(j, "severed-members", STEP_CHECK, "");
		return;
	}
	err = suit_manifest_parse(&j->envelope, &j->manifest, &j->fault);
	offer_judged(j, "manifest-form", STEP_CHECK, err,
		"sequence %llu, %u components",
		(unsigned long long)j->manifest.sequence,
		j->manifest.component_count);
	if (err) {
		j->blind = true;
		offer_skip(j, "severed-members", STEP_CHECK, "");
		return;
	}
	j->plan->sequence = j->manifest.sequence;
	for (int key = 0; key <= SUIT_UNINSTALL; key++)
		if (j->manifest.members[key].presence == SUIT_SEVERED_BAD)
			severed = key;
	offer_judged(j, "severed-members", STEP_CHECK,
		severed ? ERR_TRUST_SUIT_SEVERED : 0,
		severed ? "member %d" : "all are what was signed", severed);
}

/* The row that a refusal of suit_evaluate() belongs to. */
static const char *row_of_code(int code)
{
	switch (code) {
	case ERR_TRUST_SUIT_DEPENDENCY:
		return "no-dependencies";
	case ERR_TRUST_SUIT_NO_VENDOR:
	case ERR_TRUST_SUIT_VENDOR:
		return "vendor";
	case ERR_TRUST_SUIT_NO_CLASS:
	case ERR_TRUST_SUIT_CLASS:
		return "class";
	case ERR_TRUST_SUIT_NO_SLOT:
	case ERR_TRUST_SUIT_NOT_EXECUTED:
		return "slots";
	case ERR_TRUST_SUIT_USE_BEFORE:
		return "use-before";
	default:
		return "install";
	}
}

/* One row of the evaluation: failed if `code` is its own, else passed if it is
 * known to be, else not evaluated. */
static void outcome_row(struct judge *j, const char *name, int code,
	bool passed, bool known, const char *evidence)
{
	if (code && !strcmp(row_of_code(code), name))
		offer_judged(j, name, STEP_CHECK, code, "%s", "");
	else if (passed && known)
		verdict_add(
			j->v, name, CHECK_PASS, 0, STEP_CHECK, "%s", evidence);
	else
		offer_skip(j, name, STEP_CHECK,
			known ? "the evaluation ended early"
			      : "not known for this child");
}

static void judge_commands(struct judge *j)
{
	struct suit_outcome *o = &j->plan->outcome;
	struct suit_facts facts = j->req->facts;
	char text[64];
	bool done;
	int err;

	facts.now = j->req->now;
	facts.now_known = j->req->now_known;
	facts.takes_encrypted = j->req->encrypted != OFFER_ENCRYPTED_REFUSE;
	if (j->blind) {
		static const char *const rows[] = {"no-dependencies", "vendor",
			"class", "slots", "use-before", "install"};

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			offer_skip(j, rows[i], STEP_CHECK, "");
		return;
	}
	err = suit_evaluate(&j->manifest, &facts, o, &j->fault);
	done = !err;
	outcome_row(j, "no-dependencies", err, !j->manifest.has_dependencies,
		true, "none");
	outcome_row(j, "vendor", err, o->vendor_checked, facts.vendor_id.at,
		"the manifest checks it and it is ours");
	outcome_row(j, "class", err, o->class_checked, facts.class_id.at,
		"the manifest checks it and it is ours");
	outcome_row(j, "slots", err, done, facts.slots != NULL,
		"every fetched component is a slot of the class");
	outcome_row(j, "use-before", err, done, facts.now_known,
		o->use_before_seen ? "not reached" : "not limited");
	snprintf(text, sizeof(text), "%u images; %u commands passed over",
		o->fetch_count, o->not_executed);
	outcome_row(j, "install", err, done, true, text);
	if (err)
		j->blind = true;
}

static bool fetches_component(const struct judge *j, struct bytes component)
{
	const struct suit_outcome *o = &j->plan->outcome;

	for (unsigned i = 0; i < o->fetch_count; i++)
		if (bytes_equal(j->manifest.components[o->fetches[i].component],
			    component))
			return true;
	return false;
}

static void judge_target(struct judge *j)
{
	const struct catalog_entry *e = j->entry;
	char text[128];
	bool wrong;

	if (j->blind || !e) {
		offer_skip(j, "entry-target", STEP_CHECK, "no catalog");
		offer_skip(j, "entry-sequence", STEP_CHECK, "no catalog");
		return;
	}
	wrong = differs(j->req->facts.vendor_id, e->vendor_id) ||
		differs(j->req->facts.class_id, e->class_id) ||
		!fetches_component(j, e->component);
	offer_judged(j, "entry-target", STEP_CHECK,
		wrong ? ERR_TRUST_OFFER_TARGET : 0, "component %s",
		component_to_text(e->component, text, sizeof(text)));
	offer_judged(j, "entry-sequence", STEP_CHECK,
		e->sequence == j->manifest.sequence ? 0
						    : ERR_TRUST_OFFER_SEQUENCE,
		"manifest %llu, entry %llu",
		(unsigned long long)j->manifest.sequence,
		(unsigned long long)e->sequence);
}

static void judge_authority(struct judge *j)
{
	struct bytes class_id = j->req->facts.class_id;

	if (!class_id.at && j->entry)
		class_id = j->entry->class_id;
	if (j->blind || !j->req->root || !class_id.at) {
		offer_skip(j, "class-authority", STEP_CHECK, "no root or no class");
		return;
	}
	offer_judged(j, "class-authority", STEP_CHECK,
		root_transfer_of(j->req->root, class_id)
			? ERR_TRUST_OFFER_TRANSFERRED
			: 0,
		"%s", "the vendor's own");
}

static void judge_floor(struct judge *j)
{
	const struct offer_request *r = j->req;

	if (j->blind || !r->floor_known) {
		offer_skip(j, "sequence-floor", STEP_CHECK, "no floor");
		return;
	}
	offer_judged(j, "sequence-floor", STEP_CHECK,
		j->manifest.sequence >= r->floor ? 0 : ERR_TRUST_SUIT_SEQUENCE,
		"%llu, floor %llu", (unsigned long long)j->manifest.sequence,
		(unsigned long long)r->floor);
}

static void judge_hardware(struct judge *j)
{
	const struct catalog_entry *e = j->entry;

	if (!e) {
		offer_skip(j, "hardware", STEP_CHECK, "no catalog");
		return;
	}
	if (!e->has_hardware) {
		offer_judged(j, "hardware", STEP_CHECK, 0, "%s", "every revision");
		return;
	}
	if (!j->req->hardware_known) {
		offer_skip(j, "hardware", STEP_CHECK, "the revision is not known");
		return;
	}
	offer_judged(j, "hardware", STEP_CHECK,
		hardware_fits(j, e) ? 0 : ERR_TRUST_OFFER_HARDWARE,
		"revision %llu, range %llu to %llu",
		(unsigned long long)j->req->hardware,
		(unsigned long long)e->hardware_min,
		(unsigned long long)e->hardware_max);
}

int offer_judge(const struct offer_request *request, struct verdict *ret,
	struct offer_plan *ret_plan)
{
	struct offer_plan plan = {.signer_not_after = UINT64_MAX};
	struct judge j = {.req = request,
		.v = ret,
		.plan = &plan,
		.entry = request->entry};

	verdict_init(ret);
	judge_form(&j);
	judge_root(&j);
	judge_catalog(&j);
	judge_entry(&j);
	judge_digest(&j);
	offer_judge_authors(&j);
	judge_manifest(&j);
	judge_commands(&j);
	offer_judge_signers(&j);
	judge_authority(&j);
	judge_target(&j);
	judge_floor(&j);
	judge_hardware(&j);
	offer_judge_images(&(struct offer_images){
		.req = request,
		.manifest = j.blind ? NULL : &j.manifest,
		.entry = j.entry,
		.v = ret,
		.plan = &plan,
	});
	if (ret_plan)
		*ret_plan = plan;
	return verdict_code(ret);
}

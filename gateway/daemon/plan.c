#include "gateway/daemon/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway/daemon/authority.h"
#include "gateway/daemon/ledger.h"
#include "gateway/daemon/match.h"
#include "policy/trust/component.h"

static const char *const decision_names[] = {"install", "wait", "current",
	"refuse"};

const char *plan_decision_name(enum plan_decision decision)
{
	return decision_names[decision];
}

static void decide(struct plan_row *row, enum plan_decision decision,
	const char *code, const char *hint, const char *text, ...)
	__attribute__((format(printf, 5, 6)));

static void decide(struct plan_row *row, enum plan_decision decision,
	const char *code, const char *hint, const char *text, ...)
{
	va_list args;

	row->decision = decision;
	snprintf(row->code, sizeof(row->code), "%s", code);
	snprintf(row->hint, sizeof(row->hint), "%s", hint ? hint : "");
	va_start(args, text);
	vsnprintf(row->text, sizeof(row->text), text, args);
	va_end(args);
}

static bool has_slot(const struct device_class *klass, const char *component)
{
	uint32_t slot;

	return class_component_slot(klass, component, &slot) == 0;
}

static void judge_release(const struct gateway *g, struct plan_row *row,
	const struct release *r)
{
	unsigned step = r && r->state == RELEASE_VERIFIED ?
		ledger_unreachable(g, row->klass, r, true, -1) : 0;

	if (r && r->state == RELEASE_REFUSED)
		decide(row, PLAN_REFUSE, err_name(r->code),
			"ferryctl offers shows the checks", "%s",
			err_text(r->code));
	else if (step)
		decide(row, PLAN_REFUSE, err_name(ERR_JOB_TIER),
			"release or link must be better, or the class ask less",
			"step %s cannot reach tier %s, which the class "
			"requires", step_name(step),
			tier_name(row->klass->tiers[step] - 1));
	else
		decide(row, PLAN_INSTALL, "newer", NULL,
			"the catalog offers it and nothing speaks against it");
}

static void judge_entry(struct gateway *g, struct plan_row *row)
{
	const struct catalog_entry *e = row->entry;
	const struct device *d = row->device;
	uint64_t floor = floors_of_device(&g->floors, d, row->klass,
		row->component);

	if (e->withdrawn)
		decide(row, PLAN_REFUSE, "withdrawn", NULL,
			"the vendor withdrew it");
	else if (!has_slot(row->klass, row->component))
		decide(row, PLAN_REFUSE, "no-slot",
			"add the component to the class file",
			"the class has no slot for component %s",
			row->component);
	else if (!match_range(e, d))
		decide(row, PLAN_REFUSE, err_name(ERR_TRUST_OFFER_HARDWARE),
			d->hw_revision[0] ? "" :
			"set hw_source in the class file",
			d->hw_revision[0] ?
			"hardware revision %s is outside its range" :
			"it needs a hardware revision and none is known%s",
			d->hw_revision);
	else if (e->precursor_count)
		decide(row, PLAN_REFUSE, "delta", NULL,
			"it is a difference to another image; this engine "
			"installs whole images");
	else if (match_running(e, d))
		decide(row, PLAN_CURRENT, "current", NULL,
			"the device runs it");
	else if (e->sequence < floor) {
		row->would_downgrade = true;
		decide(row, PLAN_REFUSE, err_name(ERR_TRUST_SUIT_SEQUENCE),
			"an admin may allow it: ferryctl update "
			"--allow-downgrade", "its sequence %llu is below the "
			"floor %llu", (unsigned long long)e->sequence,
			(unsigned long long)floor);
	} else if (!d->read_s)
		decide(row, PLAN_WAIT, err_name(ERR_JOB_NOT_READ),
			d->present ? "" : "the device is on no link that is up",
			"what the device runs was never read");
	else if (vendor_key_check(g, row->klass, d))
		decide(row, PLAN_WAIT, err_name(vendor_key_check(g, row->klass,
			d)), "device_keys in the vendor's file; ferry-publish "
			"hub-keys makes it", "the class wants a MAC, and there "
			"is no key for the device");
	else
		judge_release(g, row, release_find(g, row->klass->name,
			e->manifest_digest.at));
}

static void without_offer(struct plan_row *row, const struct vendor *v)
{
	int err = v ? vendor_state(v) : -ENOENT;

	if (!v)
		decide(row, PLAN_REFUSE, "no-vendor", "look at vendors.d",
			"the vendor of its class is not configured");
	else if (!vendor_catalog(v))
		decide(row, PLAN_WAIT, err ? err_name(err) : "no-catalog",
			"ferryctl vendors shows the link",
			"no catalog of vendor %s has been accepted", v->name);
	else
		decide(row, PLAN_CURRENT, "no-offer", NULL,
			"the catalog lists nothing for its class");
}

void plan_device(struct gateway *g, const struct device *device,
	void (*on_row)(void *arg, const struct plan_row *row), void *arg)
{
	const struct config_class *c = gateway_class(g, device->class_name);
	struct plan_row row = {.device = device};
	const struct catalog *catalog;
	bool any = false;
	int state;

	if (!c) {
		decide(&row, PLAN_REFUSE, "no-class",
			"ferryctl classify gives it another",
			"there is no class %s any more", device->class_name);
		on_row(arg, &row);
		return;
	}
	row.klass = &c->device;
	state = authority_state(g, c);
	if (state) {
		decide(&row, state == -EAGAIN ? PLAN_WAIT : PLAN_REFUSE,
			state == -EAGAIN ? "authority" : err_name(state),
			"ferryctl vendors shows who has the class", "%s",
			state == -EAGAIN ? "who speaks for its class is not "
			"known yet" : err_text(state));
		on_row(arg, &row);
		return;
	}
	row.vendor = vendor_find(g, c->vendor);
	catalog = row.vendor ? vendor_catalog(row.vendor) : NULL;
	for (unsigned i = 0; catalog && i < catalog->entry_count; i++) {
		const struct catalog_entry *e = &catalog->entries[i];

		if (!match_class(e, &c->device))
			continue;
		row.entry = e;
		row.would_downgrade = false;
		component_to_text(e->component, row.component,
			sizeof(row.component));
		judge_entry(g, &row);
		on_row(arg, &row);
		any = true;
	}
	if (any)
		return;
	row.entry = NULL;
	without_offer(&row, row.vendor);
	on_row(arg, &row);
}

static void keep_best(void *arg, const struct plan_row *row)
{
	struct plan_row *best = arg;

	if (row->decision != PLAN_INSTALL)
		return;
	if (!best->entry || row->entry->sequence > best->entry->sequence)
		*best = *row;
}

bool plan_best(struct gateway *g, const struct device *device,
	struct plan_row *ret)
{
	*ret = (struct plan_row){0};
	plan_device(g, device, keep_best, ret);
	return ret->entry != NULL;
}

/* A release that ended badly for this device is not begun again by itself. */
static bool was_tried(const struct child *c, const struct plan_row *row)
{
	if (c->ended.job && c->ended.state == JOB_QUARANTINED)
		return true;
	return c->ended.job && !memcmp(c->ended.manifest,
		row->entry->manifest_digest.at, 32);
}

static void apply(struct child *c, const struct plan_row *row)
{
	struct job_terms terms = {.by = "catalog"};
	struct release *r;
	struct job *j;
	int err;

	/* Set back on purpose: it stays there until a person wants more. */
	if (floors_is_lowered(&c->gateway->floors, row->klass->vendor,
			c->id, row->component))
		return;
	if (c->job) {
		if (!memcmp(c->job->row.manifest_digest,
				row->entry->manifest_digest.at, 32))
			return;
		job_supersede(c->job);
		return;
	}
	if (was_tried(c, row))
		return;
	r = release_of(row->vendor, row->klass, row->entry);
	err = r ? job_new(c, r, &terms, &j) : -ENOMEM;
	if (err)
		log_error("plan", "job cannot be made", "device=%s code=%s",
			c->id, err_name(err));
}

void plan_apply(struct gateway *g)
{
	struct plan_row row;

	for (struct child *c = g->children; c; c = c->next) {
		const struct device *d = child_device(c);

		if (d && plan_best(g, d, &row))
			apply(c, &row);
	}
}

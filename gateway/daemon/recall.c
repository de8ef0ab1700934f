#include "gateway/daemon/recall.h"

#include <stdio.h>

#include "base/log.h"
#include "gateway/daemon/match.h"
#include "gateway/daemon/release.h"
#include "gateway/relay/job_state.h"

/* What is known about the image that a device runs. */
struct finding {
	bool known;
	int code; /* 0: nothing speaks against it */
	uint8_t manifest[32];
	char reason[ROW_NOTE_SIZE];
};

/* Codes that say that an image should never have been installed, or should not
 * be any more. An old sequence or a certificate that has run out since says
 * nothing of the kind. */
static bool is_grave(int code)
{
	switch (code) {
	case ERR_TRUST_REVOKED:
	case ERR_TRUST_OFFER_AUTHOR:
	case ERR_TRUST_OFFER_THRESHOLD:
	case ERR_TRUST_OFFER_SCOPE:
	case ERR_TRUST_COSE_SIGNATURE:
		return true;
	default:
		return false;
	}
}

static const char *evidence_of(const struct release *r)
{
	for (unsigned i = 0; i < r->verdict.count; i++)
		if (r->verdict.rows[i].outcome == CHECK_FAIL)
			return r->verdict.rows[i].evidence;
	return "";
}

static void find_grave(const struct release *r, struct finding *f)
{
	f->known = r->looked || r->state == RELEASE_VERIFIED ||
		r->state == RELEASE_REFUSED;
	if (r->state != RELEASE_REFUSED || !is_grave(r->code))
		return;
	f->code = r->code;
	snprintf(f->reason, sizeof(f->reason), "%s: %s", err_text(r->code),
		evidence_of(r));
}

static void judge_entry(struct vendor *v, const struct device_class *klass,
	const struct catalog_entry *e, struct finding *f)
{
	struct release *r;

	memcpy(f->manifest, e->manifest_digest.at, 32);
	if (e->withdrawn) {
		f->known = true;
		f->code = ERR_TRUST_OFFER_WITHDRAWN;
		snprintf(f->reason, sizeof(f->reason), "%s",
			err_text(f->code));
		return;
	}
	r = release_of(v, klass, e);
	if (!r)
		return;
	r->watched = true;
	release_advance(r);
	find_grave(r, f);
}

/* The entry that the device's own word matches; one that is not withdrawn, if
 * there is any. */
static const struct catalog_entry *running_entry(const struct catalog *catalog,
	const struct device_class *klass, const struct device *d)
{
	const struct catalog_entry *withdrawn = NULL;

	for (unsigned i = 0; i < catalog->entry_count; i++) {
		const struct catalog_entry *e = &catalog->entries[i];

		if (!match_class(e, klass) || !match_running(e, d))
			continue;
		if (!e->withdrawn)
			return e;
		withdrawn = e;
	}
	return withdrawn;
}

/* The catalog lists neither the release of its last job nor anything that came
 * after it. */
static void judge_absent(const struct child *c, const struct catalog *catalog,
	const struct device_class *klass, struct finding *f)
{
	if (!c->ended.job || c->ended.state != JOB_DONE)
		return;
	f->known = true;
	for (unsigned i = 0; i < catalog->entry_count; i++) {
		const struct catalog_entry *e = &catalog->entries[i];

		if (match_class(e, klass) && (!e->withdrawn || !memcmp(
				e->manifest_digest.at, c->ended.manifest, 32)))
			return;
	}
	f->code = ERR_TRUST_OFFER_UNLISTED;
	memcpy(f->manifest, c->ended.manifest, 32);
	snprintf(f->reason, sizeof(f->reason),
		"the vendor dropped it from the catalog without a successor");
}

static void find(const struct child *c, const struct device *d,
	struct finding *f)
{
	const struct config_class *klass = gateway_class(c->gateway,
		d->class_name);
	struct vendor *v = klass ? vendor_find(c->gateway, klass->vendor) :
		NULL;
	const struct catalog *catalog = v ? vendor_catalog(v) : NULL;
	const struct catalog_entry *e;

	if (!catalog || !d->read_s)
		return;
	e = running_entry(catalog, &klass->device, d);
	if (e)
		judge_entry(v, &klass->device, e, f);
	else
		judge_absent(c, catalog, &klass->device, f);
}

static void mark(struct child *c, const struct device *d,
	const struct finding *f)
{
	bool same = c->recalled.code == f->code &&
		!memcmp(c->recalled.manifest, f->manifest, 32);

	if (!f->known || same || (!f->code && !c->recalled.code))
		return;
	c->recalled = (struct child_recall){.code = f->code};
	if (f->code) {
		c->recalled.since_ms = gateway_wall_ms();
		memcpy(c->recalled.manifest, f->manifest, 32);
		snprintf(c->recalled.reason, sizeof(c->recalled.reason), "%s",
			f->reason);
		log_warn("recall", "device runs a recalled image",
			"device=%s version=%s code=%s", d->id, d->version,
			err_name(f->code));
	} else {
		log_info("recall", "device runs a recalled image no more",
			"device=%s version=%s", d->id, d->version);
	}
	child_save(c, f->code ? "device-recalled" : "device-recall-ended",
		NULL);
	news_device(&c->gateway->news, d);
}

static void raise_alarm(struct gateway *g, unsigned count,
	const struct child *first)
{
	if (!count) {
		gateway_alarm_clear(g, "recalled");
		return;
	}
	gateway_alarm(g, "recalled", "ferryctl devices; install a newer "
		"release, or ask the vendor", "%u device%s run%s a recalled "
		"image, such as %s", count, count > 1 ? "s" : "",
		count > 1 ? "" : "s", first->id);
}

void recall_judge(struct gateway *g)
{
	const struct child *first = NULL;
	unsigned count = 0;

	for (struct release *r = g->releases; r; r = r->next)
		r->watched = false;
	for (struct child *c = g->children; c; c = c->next) {
		const struct device *d = child_device(c);
		struct finding f = {0};

		if (!d)
			continue;
		find(c, d, &f);
		mark(c, d, &f);
		if (!c->recalled.code)
			continue;
		count++;
		if (!first)
			first = c;
	}
	raise_alarm(g, count, first);
}

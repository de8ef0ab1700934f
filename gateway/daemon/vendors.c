#include "gateway/daemon/vendors.h"

#include <stdio.h>

#include "gateway/daemon/job.h"
#include "gateway/daemon/opening.h"
#include "gateway/daemon/outbox.h"
#include "gateway/daemon/support.h"

/* ---- what one of them tells ---- */

static void on_trust(struct vendor *v)
{
	authority_review(v->gateway);
}

static void on_round(struct vendor *v)
{
	support_review(v->gateway);
	release_recheck(v);
	outbox_send(v);
}

static const struct vendor_events events = {
	.on_trust = on_trust,
	.on_round = on_round,
	.on_evidence = release_evidence,
};

void vendors_give_class(struct gateway *g, const uint8_t class_id[16],
	const char *vendor)
{
	for (struct child *child = g->children; child; child = child->next) {
		struct device *d = child_device(child);
		const struct config_class *c = d ? gateway_class(g,
			d->class_name) : NULL;

		if (!c || memcmp(c->device.class_id, class_id, 16))
			continue;
		snprintf(d->vendor, sizeof(d->vendor), "%.63s", vendor);
		if (child->job)
			snprintf(child->job->row.vendor,
				sizeof(child->job->row.vendor), "%s", vendor);
		child->unsaved = true; /* written by the next look at devices */
		news_device(&g->news, d);
	}
}

/* ---- opening ---- */

static void on_keys_tried(void *arg, const char *vendor, int status,
	const struct fault *fault)
{
	struct gateway *g = arg;
	char code[80];

	if (g->stopping)
		return;
	snprintf(code, sizeof(code), "decryption:%.64s", vendor);
	if (status)
		gateway_alarm(g, code, "look at decryption_keys in the "
			"vendor's file", "a key of vendor %s cannot be used: "
			"%s: %s", vendor, fault->field, fault->rule);
	else
		gateway_alarm_clear(g, code);
}

/* Each image tries them again: this is for who looks at the log of a start. */
static void try_keys(struct gateway *g, const struct config_vendor *vendor)
{
	if (opening_try_keys(g->loop, vendor, on_keys_tried, g))
		gateway_alarm(g, "memory", "", "no memory for the keys of "
			"vendor %s", vendor->name);
}

void vendors_open(struct gateway *g, const struct store_loaded *loaded)
{
	for (unsigned i = 0; i < g->config->vendor_count; i++)
		try_keys(g, &g->config->vendors[i]);
	for (unsigned i = 0; i < g->config->vendor_count; i++)
		if (vendor_add(g, &g->config->vendors[i], loaded, &events))
			gateway_alarm(g, "memory", "",
				"no memory for vendor %s",
				g->config->vendors[i].name);
}

/* ---- time ---- */

void vendors_keep_time(struct gateway *g)
{
	struct store_commit *c = store_commit_new();

	support_review(g);
	for (struct vendor *v = g->vendors; v; v = v->next)
		if (v->trust_is_open)
			vendor_put_time(v, c);
	if (store_commit_is_empty(c))
		store_commit_free(c);
	else
		gateway_commit(g, c, NULL, NULL);
}

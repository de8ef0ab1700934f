#include "gateway/daemon/quirks.h"

#include <stdio.h>

#include "base/log.h"
#include "devices/zigbee_ota/quirks.h"
#include "gateway/daemon/radio.h"
#include "gateway/daemon/vendor.h"

static struct radio_vendor *vendor_slot(struct radio *r, const char *name)
{
	struct radio_vendor *unused = NULL;

	for (unsigned i = 0; i < CONFIG_VENDORS_MAX; i++) {
		if (!strcmp(r->vendors[i].name, name))
			return &r->vendors[i];
		if (!r->vendors[i].name[0] && !unused)
			unused = &r->vendors[i];
	}
	if (unused)
		snprintf(unused->name, sizeof(unused->name), "%s", name);
	return unused;
}

static void tell_quirks(struct radio *r, const struct vendor *v,
	const struct catalog *catalog)
{
	struct radio_vendor *told = vendor_slot(r, v->name);
	struct bytes rows = {0};
	struct fault fault = {0};

	if (!told || (told->epoch == catalog->epoch &&
			told->sequence == catalog->sequence))
		return;
	told->epoch = catalog->epoch;
	told->sequence = catalog->sequence;
	if (catalog->quirks.len && quirks_of_catalog(catalog->quirks, &rows,
			&fault))
		log_warn("radio", "quirks of a catalog cannot be used",
			"link=%s vendor=%s field=%s rule=\"%s\"",
			r->line->name, v->name, fault.field, fault.rule);
	network_quirks(r->network, v->name, rows);
}

/* A vendor that is no longer configured has no say. */
static void forget_vendors(struct radio *r)
{
	struct bytes none = {0};

	for (unsigned i = 0; i < CONFIG_VENDORS_MAX; i++) {
		struct radio_vendor *told = &r->vendors[i];

		if (!told->name[0] || vendor_find(r->line->gateway,
				told->name))
			continue;
		network_quirks(r->network, told->name, none);
		*told = (struct radio_vendor){0};
	}
}

void quirks_review(struct gateway *g)
{
	for (struct line *l = g->lines; l; l = l->next) {
		if (!l->radio)
			continue;
		forget_vendors(l->radio);
		for (struct vendor *v = g->vendors; v; v = v->next)
			if (vendor_catalog(v))
				tell_quirks(l->radio, v, vendor_catalog(v));
	}
}

/* One vendor from all sides: its link, root and catalog, and what is known of
 * revocation. */
#include "gateway/ctl/ctl.h"

#include <string.h>

#include "gateway/ctl/fields.h"

#define T(title, path) {title, path, SHOW_TEXT, false, 0}
#define F(title, path, show) {title, path, SHOW_##show, false, 0}

static void print_vendor(const struct term *term, const json_t *v)
{
	static const struct field fields[] = {
		T("vendor      ", "name"), F("classes     ", "classes", LIST),
		T("url         ", "link.url"),
		F("link        ", "link.state", STATE),
		F("checked     ", "link.last_check", TIME),
		F("succeeded   ", "link.last_success", TIME),
		T("problem     ", "link.failure.text"),
		T("hint        ", "link.failure.hint"),
		F("root        ", "root.version", NUMBER),
		F("  expires   ", "root.expires", TIME),
		F("catalog     ", "catalog.state", STATE),
		F("  sequence  ", "catalog.sequence", NUMBER),
		F("  expires   ", "catalog.expires", TIME),
		T("revocation  ", "revocation"),
		T("  of server ", "revocation_tls"),
		F("time bound  ", "time_bound", TIME), FIELDS_END,
	};

	fields_print_lines(term, fields, v, "");
}

static void print_evidence(const struct term *term, const json_t *evidence)
{
	static const struct field fields[] = {
		T("OF", "about"), T("KIND", "kind"),
		{"CERTIFICATE", "certificate", SHOW_TEXT, false, 10},
		F("STATUS", "status", STATE), T("NUMBER", "number"),
		F("THIS UPDATE", "this_update", TIME),
		F("NEXT UPDATE", "next_update", TIME),
		F("AGE", "age_s", SECONDS), F("ASKED", "fetched", TIME),
		T("PROBLEM", "code"),
		{"URI", "uri", SHOW_TEXT, false, 12}, FIELDS_END,
	};

	fputc('\n', term->out);
	fields_print_table(term, fields, evidence,
		"no evidence of revocation was needed so far");
}

int show_vendor(struct ctl *c)
{
	const char *name = c->args.words[0];
	json_t *answer = NULL, *vendor;
	struct target target;
	size_t i;
	int code;

	target_init(&target, "/v1/vendors");
	code = ctl_get(c, &target, &answer);
	if (code)
		return code;
	code = CTL_NOT_FOUND;
	json_array_foreach(json_at(answer, "items"), i, vendor) {
		if (strcmp(json_text_at(vendor, "name"), name) != 0)
			continue;
		if (c->json) {
			ctl_print_json(c, vendor);
		} else {
			print_vendor(&c->term, vendor);
			print_evidence(&c->term, json_at(vendor, "evidence"));
		}
		code = CTL_DONE;
	}
	if (code)
		ctl_complain(c, "no vendor %s; ferryctl vendors lists "
			"them", name);
	json_decref(answer);
	return code;
}

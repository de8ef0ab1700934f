/* The verbs that only read. */
#include "gateway/ctl/ctl.h"

#include <string.h>

#include "gateway/ctl/fields.h"

#define T(title, path) {title, path, SHOW_TEXT, false, 0}
#define T_SHRINK(title, path, least) {title, path, SHOW_TEXT, false, least}
#define F(title, path, show) {title, path, SHOW_##show, false, 0}
#define N(title, path, show) {title, path, SHOW_##show, true, 0}

/* Reads a list and prints it. */
static int show_list(struct ctl *c, const struct target *target,
	const struct field *fields, const char *none)
{
	json_t *answer = NULL;
	int code = ctl_get(c, target, &answer);

	if (code)
		return code;
	if (c->json)
		ctl_print_json(c, answer);
	else
		fields_print_table(&c->term, fields, json_at(answer, "items"),
			none);
	json_decref(answer);
	return CTL_DONE;
}

static int show_simple(struct ctl *c, const char *path,
	const struct field *fields, const char *none)
{
	struct target target;

	target_init(&target, path);
	return show_list(c, &target, fields, none);
}

static void print_alarms(struct ctl *c, const json_t *alarms)
{
	json_t *alarm;
	size_t i;

	json_array_foreach(alarms, i, alarm) {
		char *text = term_text(&c->term, json_text_at(alarm, "text"));
		char *hint = term_text(&c->term, json_text_at(alarm, "hint"));

		fprintf(c->term.out, "%salarm%s   %s\n",
			term_tint(&c->term, TINT_BAD),
			term_tint(&c->term, TINT_NONE), text);
		if (*hint)
			fprintf(c->term.out, "        %s\n", hint);
		text_free(text);
		text_free(hint);
	}
}

static void print_counts(struct ctl *c, const json_t *answer)
{
	const json_t *n = json_at(answer, "counts");
	long long links = (long long)json_number_at(n, "links");
	long long up = (long long)json_number_at(n, "links_up");
	const char *state;
	json_t *states, *count;

	fprintf(c->term.out, "devices       %lld, online %lld, candidates "
		"%lld\n", (long long)json_number_at(n, "devices"),
		(long long)json_number_at(n, "online"),
		(long long)json_number_at(n, "candidates"));
	fprintf(c->term.out, "links         %lld, up %lld%s\n", links, up,
		up < links ? "; ferryctl links says why" : "");
	fprintf(c->term.out, "jobs          open %lld",
		(long long)json_number_at(n, "jobs_open"));
	states = json_object_get(answer, "jobs_by_state");
	json_object_foreach(states, state, count) {
		char *word = term_text(&c->term, state);

		fprintf(c->term.out, ", %s %lld", word,
			(long long)json_number_at(count, ""));
		text_free(word);
	}
	fprintf(c->term.out, "\n              so far done %lld, failed "
		"%lld, unverified %lld\n",
		(long long)json_number_at(n, "jobs_done"),
		(long long)json_number_at(n, "jobs_failed"),
		(long long)json_number_at(n, "jobs_unverified"));
}

static void print_status(struct ctl *c, const json_t *answer)
{
	static const struct field head[] = {
		T("ferryd      ", "version"), F("up", "uptime_s", SECONDS),
		T("your role", "role"), FIELDS_END,
	};
	static const struct field tail[] = {
		F("trust", "trust.state", STATE), T("", "trust.reason"),
		F("trusted time", "time.bound", TIME),
		F("image cache ", "store.cache_bytes", BYTES),
		F("  of", "store.cache_quota_bytes", BYTES),
		F("written", "store.written_bytes", BYTES),
		F("reports kept", "outbox", NUMBER),
		F("memory", "memory_bytes", BYTES), FIELDS_END,
	};

	fields_print_lines(&c->term, head, answer, "");
	print_counts(c, answer);
	fields_print_lines(&c->term, tail, answer, "");
	if (!json_truth_at(answer, "time.synchronised"))
		fprintf(c->term.out, "the system clock is not synchronised; "
			"expiry is judged by trusted time\n");
	print_alarms(c, json_at(answer, "alarms"));
}

int show_status(struct ctl *c)
{
	json_t *answer = NULL;
	struct target target;
	int code;

	target_init(&target, "/v1/status");
	code = ctl_get(c, &target, &answer);
	if (code)
		return code;
	if (c->json)
		ctl_print_json(c, answer);
	else
		print_status(c, answer);
	json_decref(answer);
	return CTL_DONE;
}

int show_candidates(struct ctl *c)
{
	static const struct field fields[] = {
		T_SHRINK("KEY", "key", 16), T("LINK", "link"),
		F("MATCHES CLASS", "classes", LIST),
		F("LAST SEEN", "last_seen", TIME),
		{"ATTRIBUTES", "attributes", SHOW_MATCH, false, TABLE_BELOW}, FIELDS_END,
	};

	return show_simple(c, "/v1/candidates", fields,
		"no candidates: every peer that was found is enrolled");
}

int show_classes(struct ctl *c)
{
	static const struct field fields[] = {
		T("CLASS", "name"), T("VENDOR", "vendor"),
		T("ENGINE", "engine"), N("DEVICES", "devices", NUMBER),
		F("REVERTS", "can_revert", YES),
		F("RESUMES", "can_resume", YES), F("PROVES", "can_prove", YES),
		T("CONFIRM", "confirm"), T("APPROVAL", "approval"),
		T_SHRINK("WINDOW", "window", 10),
		F("SUPPORTED UNTIL", "end_of_support", TIME), FIELDS_END,
	};

	return show_simple(c, "/v1/classes", fields, "no classes are configured");
}

int show_history(struct ctl *c)
{
	static const struct field fields[] = {
		N("ID", "id", NUMBER), F("TIME", "at", TIME),
		T_SHRINK("DEVICE", "device", 8), N("JOB", "job", NUMBER),
		T("EVENT", "event"), T_SHRINK("WHAT", "text", 20),
		T_SHRINK("BY", "by", 8), FIELDS_END,
	};
	const char *limit = args_get(&c->args, LIMIT);
	struct target target;

	target_init(&target, "/v1/history");
	target_param(&target, "limit", limit ? limit : "50");
	target_param(&target, "before", args_get(&c->args, BEFORE));
	if (c->args.count)
		target_param(&target, "device", c->args.words[0]);
	return show_list(c, &target, fields, "nothing has happened yet");
}

int show_images(struct ctl *c)
{
	static const struct field fields[] = {
		F("DIGEST", "digest", DIGEST), T("KIND", "kind"),
		T("VENDOR", "vendor"), T_SHRINK("VERSION", "version", 8),
		N("SIZE", "size", BYTES), N("HERE", "present_bytes", BYTES),
		F("STATE", "state", STATE), N("JOBS", "jobs", NUMBER),
		N("FETCHED", "fetched_bytes", BYTES),
		F("LAST USED", "last_used", TIME), FIELDS_END,
	};

	return show_simple(c, "/v1/images", fields, "the cache is empty");
}

/* Those whose devices share one engine and one budget of airtime. */
static void print_radios(struct ctl *c, const json_t *items)
{
	static const struct field fields[] = {
		T_SHRINK("RADIO", "name", 8),
		N("PEERS", "network.peers", NUMBER),
		N("SLEEPY", "network.sleepy", NUMBER),
		N("OFFERS", "network.offers", NUMBER),
		N("LOADING", "network.downloads", NUMBER),
		N("AIRTIME", "airtime.used_pct", SHARE),
		N("BUDGET", "airtime.budget_pct", SHARE),
		N("SENT", "airtime.sent_pct", SHARE),
		N("HEARD", "airtime.received_pct", SHARE),
		N("HELD", "airtime.held", NUMBER),
		T_SHRINK("BUSY", "airtime.text", TABLE_BELOW), FIELDS_END,
	};
	json_t *radios = json_array();
	const json_t *item;
	size_t i;

	for (i = 0; i < json_array_size(items); i++) {
		item = json_array_get(items, i);
		if (json_is_object(json_at(item, "network")))
			json_array_append(radios, json_array_get(items, i));
	}
	if (json_array_size(radios)) {
		fputc('\n', c->term.out);
		fields_print_table(&c->term, fields, radios, "");
	}
	json_decref(radios);
}

int show_links(struct ctl *c)
{
	static const struct field fields[] = {
		T("LINK", "name"), T("DRIVER", "driver"),
		F("STATE", "state", STATE), T_SHRINK("ADDRESS", "address", 12),
		T("MODE", "mode"), T("ENCRYPTED", "security"),
		N("PEERS", "peers", NUMBER),
		N("JOB", "job", NUMBER), N("IN", "bytes_in", BYTES),
		N("OUT", "bytes_out", BYTES),
		{"PROBLEM", "failure", SHOW_FAILURE, false, TABLE_BELOW}, FIELDS_END,
	};

	json_t *answer = NULL;
	struct target target;
	int code;

	target_init(&target, "/v1/links");
	code = ctl_get(c, &target, &answer);
	if (code)
		return code;
	if (c->json) {
		ctl_print_json(c, answer);
	} else {
		fields_print_table(&c->term, fields, json_at(answer, "items"),
			"no links are configured");
		print_radios(c, json_at(answer, "items"));
	}
	json_decref(answer);
	return CTL_DONE;
}

int show_vendors(struct ctl *c)
{
	static const struct field fields[] = {
		T("VENDOR", "name"), F("LINK", "link.state", STATE),
		F("CHECKED", "link.last_success", TIME),
		F("CATALOG", "catalog.state", STATE),
		N("SEQUENCE", "catalog.sequence", NUMBER),
		N("OFFERS", "catalog.offers", NUMBER),
		F("EXPIRES", "catalog.expires", TIME),
		N("ROOT", "root.version", NUMBER),
		F("REVOCATION", "revocation", STATE),
		T_SHRINK("PROBLEM", "link.failure.text", 12), FIELDS_END,
	};

	return show_simple(c, "/v1/vendors", fields,
		"no vendors are configured");
}

int show_offers(struct ctl *c)
{
	static const struct field fields[] = {
		T("VENDOR", "vendor"), T("CLASS", "class"),
		T_SHRINK("VERSION", "version", 8),
		N("SEQUENCE", "sequence", NUMBER), N("SIZE", "size", BYTES),
		F("SECURITY", "security", YES), F("STATE", "state", STATE),
		F("MANIFEST", "manifest_digest", DIGEST),
		T_SHRINK("NOTES", "notes", 10), FIELDS_END,
	};

	return show_simple(c, "/v1/offers", fields, "nothing is offered");
}

int show_jobs(struct ctl *c)
{
	static const struct field fields[] = {
		N("JOB", "id", NUMBER), T_SHRINK("DEVICE", "device", 8),
		T_SHRINK("FROM", "from_version", 6),
		T_SHRINK("TO", "to_version", 6), F("STATE", "state", STATE),
		F("PROGRESS", "progress", PROGRESS),
		{"WAITS FOR", "gates", SHOW_GATES, false, 12},
		T_SHRINK("PROBLEM", "failure.text", 12), FIELDS_END,
	};
	const struct jobs_wanted wanted = {
		.state = args_has(&c->args, OPEN) ? "open" :
			args_get(&c->args, STATE),
		.device = args_get(&c->args, DEVICE),
		.limit = args_get(&c->args, LIMIT),
		.before = args_get(&c->args, BEFORE),
	};
	json_t *answer = NULL;
	int code = ctl_get_jobs(c, &wanted, &answer);

	if (code)
		return code;
	if (c->json) {
		ctl_print_json(c, answer);
	} else {
		fields_print_table(&c->term, fields, json_at(answer, "items"),
			"no jobs");
		if (json_number_at(answer, "next"))
			fprintf(c->term.out, "older ones: --before %lld\n",
				(long long)json_number_at(answer, "next"));
	}
	json_decref(answer);
	return CTL_DONE;
}

static bool names_word(const struct ctl *c, const char *word)
{
	for (size_t i = 0; i < c->args.count; i++)
		if (!strcmp(c->args.words[i], word))
			return true;
	return c->args.count == 0;
}

/* The rows of the devices that were named; all without names. */
static json_t *plan_rows(const struct ctl *c, const json_t *answer)
{
	json_t *rows = json_array();
	json_t *row;
	size_t i;

	json_array_foreach(json_at(answer, "items"), i, row)
		if (names_word(c, json_text_at(row, "device")))
			json_array_append(rows, row);
	return rows;
}

/* Whether a device was named that the plan does not have. */
static bool complain_missing(const struct ctl *c, const json_t *rows)
{
	bool missing = false;
	json_t *row;
	size_t k;

	for (size_t i = 0; i < c->args.count; i++) {
		bool found = false;
		char *clean;

		json_array_foreach(rows, k, row)
			found |= !strcmp(json_text_at(row, "device"),
				c->args.words[i]);
		if (found)
			continue;
		missing = true;
		clean = term_text(&c->term, c->args.words[i]);
		ctl_complain(c, "there is no such device: %s\n  hint: ferryctl "
			"devices lists them", clean);
		text_free(clean);
	}
	return missing;
}

static bool is_plan_to_act(const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (!strcmp(json_text_at(row, "decision"), "install") ||
				!strcmp(json_text_at(row, "decision"), "wait"))
			return true;
	return false;
}

int show_plan(struct ctl *c)
{
	static const struct field fields[] = {
		T_SHRINK("DEVICE", "device", 8), T("CLASS", "class"),
		T_SHRINK("FROM", "from_version", 6),
		T_SHRINK("TO", "to_version", 6),
		F("DECISION", "decision", STATE), N("JOB", "job", NUMBER),
		T_SHRINK("REASON", "reason.text", TABLE_BELOW),
		{"WAITS FOR", "gates", SHOW_GATES, false, 12},
		{"WARNINGS", "warnings", SHOW_LIST, false, 12}, FIELDS_END,
	};
	json_t *answer = NULL, *rows;
	struct target target;
	bool missing;
	int code;

	target_init(&target, "/v1/plan");
	code = ctl_get(c, &target, &answer);
	if (code)
		return code;
	rows = plan_rows(c, answer);
	missing = complain_missing(c, rows);
	if (c->json)
		json_object_set(answer, "items", rows);
	if (c->json)
		ctl_print_json(c, answer);
	else if (json_array_size(rows) || !missing)
		fields_print_table(&c->term, fields, rows,
			"no device is enrolled that could be planned for");
	code = missing ? CTL_NOT_FOUND : is_plan_to_act(rows) ? CTL_DONE :
		CTL_NOTHING;
	json_decref(rows);
	json_decref(answer);
	return code;
}

/* The verbs that show one thing from all sides: a device, a job, and why. */
#include "gateway/ctl/ctl.h"

#include <string.h>

#include "gateway/ctl/fields.h"

#define T(title, path) {title, path, SHOW_TEXT, false, 0}
#define F(title, path, show) {title, path, SHOW_##show, false, 0}

/* One more line of a tree under its head. */
struct twig {
	const struct term *term;
	unsigned depth;
	unsigned open; /* levels that go on below */
};

static void print_twig(const struct twig *w, bool last, const char *title,
	const char *foreign, enum tint tint)
{
	char *head = term_text(w->term, title);
	char *clean = term_text(w->term, foreign);

	tree_print_rail(w->term, w->depth, w->open, last);
	if (*head)
		fprintf(w->term->out, "%-12s ", head);
	fprintf(w->term->out, "%s%s%s\n", tint ? term_tint(w->term, tint) : "",
		clean, tint ? term_tint(w->term, TINT_NONE) : "");
	text_free(head);
	text_free(clean);
}

/* A job that has not begun has thirteen empty rows. */
static bool says_anything(const json_t *ledger)
{
	json_t *row;
	size_t i;

	json_array_foreach(ledger, i, row)
		if (strcmp(json_text_at(row, "outcome"), "pending") != 0 ||
				strcmp(json_text_at(row, "required"), "none"))
			return true;
	return false;
}

static void print_ledger(const struct term *term, const json_t *ledger)
{
	static const struct field fields[] = {
		{"STEP", "step", SHOW_NUMBER, true, 0}, T("NAME", "name"),
		F("OUTCOME", "outcome", STATE), T("TIER", "tier"),
		T("REQUIRED", "required"), F("TIME", "at", TIME),
		{"EVIDENCE", "evidence", SHOW_PAIRS, false, TABLE_BELOW}, FIELDS_END,
	};

	if (!says_anything(ledger))
		return;
	fputc('\n', term->out);
	fields_print_table(term, fields, ledger, "");
}

static void job_line(const json_t *job, char text[FIELD_TEXT_SIZE])
{
	static const struct field progress = F("", "progress", PROGRESS);
	char more[FIELD_TEXT_SIZE];
	const char *done = field_text(&progress, job, more);
	const char *why = json_text_at(job, "failure.text");

	snprintf(text, FIELD_TEXT_SIZE, "%lld, %s to %s: %s%s%s%s%s",
		(long long)json_number_at(job, "id"),
		json_text_at(job, "from_version"),
		json_text_at(job, "to_version"), json_text_at(job, "state"),
		*done ? ", " : "", done, *why ? "; " : "", why);
}

static void add_row(json_t *rows, const char *title, const char *value,
	enum tint tint)
{
	if (*value)
		json_array_append_new(rows, json_pack("[o,o,i]",
			json_string_nocheck(title),
			json_string_nocheck(value), (int)tint));
}

/* What the driver of its link and its engine know of a device. */
static void add_attributes(json_t *rows, const json_t *d)
{
	json_t *attributes = json_object_get(d, "attributes");
	const char *name;
	json_t *value;

	json_object_foreach(attributes, name, value)
		add_row(rows, name, json_text_at(value, ""), TINT_NONE);
}

static json_t *device_rows(const json_t *d)
{
	static const struct field fields[] = {
		T("vendor", "vendor"), T("class", "class"),
		{"warning", "warnings", SHOW_LIST, false, 0},
		T("component", "component"), T("hardware", "hw_revision"),
		T("version", "version"), F("digest", "digest", DIGEST),
		F("confirmed", "confirmed", YES), F("read", "read_at", TIME),
		T("link", "link"), T("peer", "peer"),
		F("online", "online", ONLINE), F("seen", "last_seen", TIME),
		F("heard", "last_heard", TIME), F("sleeps", "sleepy", YES),
		F("state", "state", STATE), F("waits for", "waits", GATES),
		F("health", "health", STATE), T("recalled", "recalled.reason"),
		F("since", "recalled.since", TIME),
		T("available", "available.version"),
		T("updated by", "last_job.delegate"), T("note", "note"),
		F("enrolled", "enrolled_at", TIME), T("by", "enrolled_by"),
		F("supported", "end_of_support", TIME),
		F("support", "support", STATE), FIELDS_END,
	};
	const json_t *job = json_at(d, "last_job");
	json_t *rows = json_array();
	char text[FIELD_TEXT_SIZE];

	for (const struct field *f = fields; f->title; f++)
		add_row(rows, f->title, field_text(f, d, text),
			field_tint(f, d));
	add_attributes(rows, d);
	if (!json_is_object(job))
		return rows;
	job_line(job, text);
	add_row(rows, "last job", text,
		tint_of_state(json_text_at(job, "state")));
	return rows;
}

static void print_device(const struct term *term, const json_t *d)
{
	const struct twig twig = {term, 1, 0};
	json_t *rows = device_rows(d), *row;
	size_t i;

	fputs(term_tint(term, TINT_BOLD), term->out);
	print_twig(&(struct twig){term, 0, 0}, false, "",
		json_text_at(d, "id"), TINT_NONE);
	fputs(term_tint(term, TINT_NONE), term->out);
	json_array_foreach(rows, i, row)
		print_twig(&twig, i + 1 == json_array_size(rows),
			json_string_value(json_array_get(row, 0)),
			json_string_value(json_array_get(row, 1)),
			(enum tint)json_integer_value(json_array_get(row, 2)));
	json_decref(rows);
}

int show_device(struct ctl *c)
{
	json_t *answer = NULL;
	struct target target;
	int code;

	target_init(&target, "/v1/devices/");
	target_part(&target, c->args.words[0]);
	code = ctl_get(c, &target, &answer);
	if (code)
		return code;
	if (c->json) {
		ctl_print_json(c, answer);
	} else {
		print_device(&c->term, answer);
		print_ledger(&c->term, json_at(answer, "ledger"));
	}
	json_decref(answer);
	return CTL_DONE;
}

static void print_leaf(const struct term *term, const json_t *device,
	bool last)
{
	const struct twig twig = {term, 1, 0};
	char text[FIELD_TEXT_SIZE];
	const char *state = json_text_at(device, "state");
	const char *next = json_text_at(device, "available.version");

	snprintf(text, sizeof(text), "%s  %s  %s%s%s  %s%s",
		json_text_at(device, "id"), json_text_at(device, "class"),
		json_text_at(device, "version"), *next ? " -> " : "", next,
		state, json_truth_at(device, "online") ? "" : "  offline");
	print_twig(&twig, last, "", text, tint_of_state(state));
}

/* Prints `link` and the devices that were met on it last. */
static void print_branch(const struct term *term, const json_t *devices,
	const char *link, const char *state)
{
	size_t left = 0, i;
	json_t *device;
	char head[FIELD_TEXT_SIZE];

	json_array_foreach(devices, i, device)
		left += !strcmp(json_text_at(device, "link"), link);
	if (left == 0 && !*link)
		return;
	snprintf(head, sizeof(head), "%s%s%s%s", *link ? link : "no link yet",
		*state ? " (" : "", state, *state ? ")" : "");
	print_twig(&(struct twig){term, 0, 0}, false, "", head,
		tint_of_state(state));
	json_array_foreach(devices, i, device)
		if (!strcmp(json_text_at(device, "link"), link))
			print_leaf(term, device, --left == 0);
}

/* Devices on links that ferryd no longer has come under their own heads. */
static void print_lost(const struct term *term, const json_t *devices,
	const json_t *links)
{
	json_t *seen = json_object(), *device, *link;
	size_t i;

	json_array_foreach(links, i, link)
		json_object_set_new(seen, json_text_at(link, "name"),
			json_true());
	json_object_set_new(seen, "", json_true());
	json_array_foreach(devices, i, device) {
		const char *name = json_text_at(device, "link");

		if (json_object_get(seen, name))
			continue;
		json_object_set_new(seen, name, json_true());
		print_branch(term, devices, name, "gone");
	}
	json_decref(seen);
	print_branch(term, devices, "", "");
}

static int show_tree(struct ctl *c)
{
	json_t *devices = NULL, *links = NULL, *link;
	struct target target;
	size_t i;
	int code;

	target_init(&target, "/v1/devices");
	code = ctl_get(c, &target, &devices);
	if (code)
		return code;
	target_init(&target, "/v1/links");
	code = ctl_get(c, &target, &links);
	if (!code) {
		const json_t *items = json_at(devices, "items");

		json_array_foreach(json_at(links, "items"), i, link)
			print_branch(&c->term, items,
				json_text_at(link, "name"),
				json_text_at(link, "state"));
		print_lost(&c->term, items, json_at(links, "items"));
	}
	json_decref(devices);
	json_decref(links);
	return code;
}

int show_devices(struct ctl *c)
{
	static const struct field fields[] = {
		{"DEVICE", "id", SHOW_TEXT, false, 8}, T("CLASS", "class"),
		{"LINK", "link", SHOW_TEXT, false, 8},
		F("SEEN", "online", ONLINE),
		{"VERSION", "version", SHOW_TEXT, false, 6},
		{"AVAILABLE", "available.version", SHOW_TEXT, false, 6},
		F("STATE", "state", STATE), F("HEALTH", "health", STATE),
		{"JOB", "job", SHOW_NUMBER, true, 0},
		{"NOTE", "note", SHOW_TEXT, false, 8}, FIELDS_END,
	};
	json_t *answer = NULL;
	struct target target;
	int code;

	if (args_has(&c->args, TREE) && !c->json)
		return show_tree(c);
	target_init(&target, "/v1/devices");
	code = ctl_get(c, &target, &answer);
	if (code)
		return code;
	if (c->json)
		ctl_print_json(c, answer);
	else
		fields_print_table(&c->term, fields, json_at(answer, "items"),
			"no devices: ferryctl candidates lists what was found");
	json_decref(answer);
	return CTL_DONE;
}

static int get_job(struct ctl *c, const char *id, json_t **ret_job)
{
	struct target target;

	target_init(&target, "/v1/jobs/");
	target_part(&target, id);
	return ctl_get(c, &target, ret_job);
}

/* A device that is there and has none is no mistake, but nothing to show. */
static int complain_no_job(struct ctl *c, const char *device)
{
	struct target target;
	json_t *answer = NULL;
	int code;

	target_init(&target, "/v1/devices/");
	target_part(&target, device);
	code = ctl_get(c, &target, &answer);
	if (!code)
		ctl_complain(c, "%s has no job; ferryctl plan %s says why",
			device, device);
	json_decref(answer);
	return code ? code : CTL_NOT_FOUND;
}

static int get_newest_job(struct ctl *c, const char *device, json_t **ret_job)
{
	struct target target;
	json_t *page = NULL;
	const json_t *job;
	char id[24];
	int code;

	target_init(&target, "/v1/jobs");
	target_param(&target, "device", device);
	target_param(&target, "limit", "1");
	code = ctl_get(c, &target, &page);
	if (code)
		return code;
	job = json_array_get(json_at(page, "items"), 0);
	snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT,
		json_integer_value(json_at(job, "id")));
	json_decref(page);
	return job ? get_job(c, id, ret_job) : complain_no_job(c, device);
}

int ctl_get_job(struct ctl *c, json_t **ret_job)
{
	const char *word = c->args.words[0];

	return strspn(word, "0123456789") == strlen(word) ?
		get_job(c, word, ret_job) : get_newest_job(c, word, ret_job);
}

int show_job(struct ctl *c)
{
	static const struct field fields[] = {
		F("job", "id", NUMBER), T("device", "device"),
		T("vendor", "vendor"), T("class", "class"),
		T("component", "component"), T("from", "from_version"),
		T("to", "to_version"), F("sequence", "sequence", NUMBER),
		F("manifest", "manifest_digest", DIGEST),
		F("state", "state", STATE), F("waits for", "gates", GATES),
		F("progress", "progress", PROGRESS),
		F("attempts", "attempts", NUMBER),
		F("next retry", "next_retry", TIME),
		T("problem", "failure.text"), T("code", "failure.code"),
		T("device said", "failure.device_status"),
		T("hint", "failure.hint"),
		T("what helps", "failure.remedy"), T("approval", "approval.state"),
		T("by", "approval.by"), F("not before", "at", TIME),
		T("window", "window"), F("created", "created", TIME),
		F("updated", "updated", TIME), T("asked by", "by"),
		T("done by", "delegate"), FIELDS_END,
	};
	json_t *job = NULL;
	int code = ctl_get_job(c, &job);

	if (code)
		return code;
	if (c->json) {
		ctl_print_json(c, job);
	} else {
		fields_print_lines(&c->term, fields, job, "");
		print_ledger(&c->term, json_at(job, "ledger"));
	}
	json_decref(job);
	return CTL_DONE;
}

/* `update`: shows what would change, asks, makes the jobs and may stay. */
#include "gateway/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/client.h"
#include "gateway/ctl/fields.h"

static bool is_named(const struct ctl *c, const char *device)
{
	for (size_t i = 0; i < c->args.count; i++)
		if (!strcmp(c->args.words[i], device))
			return true;
	return args_has(&c->args, ALL);
}

/* A downgrade is a refusal in the plan until it is asked for. */
static bool is_to_do(const struct ctl *c, const json_t *row)
{
	const char *decision = json_text_at(row, "decision");

	if (!is_named(c, json_text_at(row, "device")))
		return false;
	if (!strcmp(decision, "install") || !strcmp(decision, "wait"))
		return true;
	return args_has(&c->args, ALLOW_DOWNGRADE) &&
		json_is_string(json_at(row, "offer")) &&
		!strcmp(decision, "refuse");
}

/* Prints from -> to for what would be done. Returns CTL_NOTHING when there is
 * nothing, or the code of a failure. */
static int show_intent(struct ctl *c, size_t *ret_count)
{
	static const struct field fields[] = {
		{"DEVICE", "device", SHOW_TEXT, false, 8},
		{"FROM", "from_version", SHOW_TEXT, false, 6},
		{"TO", "to_version", SHOW_TEXT, false, 6},
		{"WAITS FOR", "gates", SHOW_GATES, false, 12},
		{"WARNINGS", "warnings", SHOW_LIST, false, 12}, FIELDS_END,
	};
	json_t *answer = NULL, *rows = json_array(), *row;
	struct target target;
	size_t i;
	int code;

	target_init(&target, "/v1/plan");
	code = ctl_get(c, &target, &answer);
	json_array_foreach(json_at(answer, "items"), i, row)
		if (is_to_do(c, row))
			json_array_append(rows, row);
	*ret_count = json_array_size(rows);
	if (!code && *ret_count)
		fields_print_table(&c->term, fields, rows, "");
	else if (!code)
		code = CTL_NOTHING;
	json_decref(rows);
	json_decref(answer);
	return code;
}

static bool ask(struct ctl *c, size_t count)
{
	char answer[16] = "";

	/* ferryd hangs up on who is silent for long; a person may be. */
	client_close(c->client);
	c->client = NULL;
	fprintf(c->term.out, "Update %zu %s? [y/N] ", count,
		count == 1 ? "device" : "devices");
	fflush(c->term.out);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

static json_t *make_body(const struct ctl *c)
{
	const struct args *a = &c->args;
	json_t *body = json_object();
	json_t *devices;

	if (args_has(a, ALL)) {
		json_object_set_new(body, "all", json_true());
	} else {
		devices = json_array();
		for (size_t i = 0; i < a->count; i++)
			json_array_append_new(devices,
				json_string(a->words[i]));
		json_object_set_new(body, "devices", devices);
	}
	if (args_has(a, AT))
		json_object_set_new(body, "at",
			json_string(args_get(a, AT)));
	if (args_has(a, WINDOW))
		json_object_set_new(body, "window",
			json_string(args_get(a, WINDOW)));
	if (args_has(a, ALLOW_DOWNGRADE))
		json_object_set_new(body, "allow_downgrade", json_true());
	return body;
}

static void print_refused(struct ctl *c, const json_t *refused)
{
	json_t *one;
	size_t i;

	json_array_foreach(refused, i, one) {
		char *device = term_text(&c->term,
			json_text_at(one, "device"));
		char *text = term_text(&c->term,
			json_text_at(one, "reason.text"));
		char *hint = term_text(&c->term,
			json_text_at(one, "reason.hint"));

		ctl_complain(c, "%s is not updated: %s%s%s", device, text,
			*hint ? "\n  hint: " : "", hint);
		text_free(device);
		text_free(text);
		text_free(hint);
	}
}

static void print_outcome(struct ctl *c, const json_t *answer)
{
	static const struct field fields[] = {
		{"JOB", "id", SHOW_NUMBER, true, 0},
		{"DEVICE", "device", SHOW_TEXT, false, 8},
		{"FROM", "from_version", SHOW_TEXT, false, 6},
		{"TO", "to_version", SHOW_TEXT, false, 6},
		{"STATE", "state", SHOW_STATE, false, 0},
		{"WAITS FOR", "gates", SHOW_GATES, false, 12}, FIELDS_END,
	};
	size_t unchanged = json_array_size(json_at(answer, "unchanged"));

	if (c->json) {
		ctl_print_json(c, answer);
		return;
	}
	if (json_array_size(json_at(answer, "jobs")))
		fields_print_table(&c->term, fields, json_at(answer, "jobs"),
			"");
	if (unchanged)
		fprintf(c->term.out, "%zu %s up to date\n", unchanged,
			unchanged == 1 ? "device is" : "devices are");
	fflush(c->term.out);
	print_refused(c, json_at(answer, "refused"));
}

/* Only devices that do not exist: that is what the exit code says. */
static int refused_code(const json_t *answer)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_at(answer, "refused"), i, one)
		if (strcmp(json_text_at(one, "reason.code"), "ENOENT") != 0)
			return CTL_FAILED;
	return CTL_NOT_FOUND;
}

static int outcome_code(struct ctl *c, const json_t *answer)
{
	const json_t *jobs = json_at(answer, "jobs");
	bool refused = json_array_size(json_at(answer, "refused")) > 0;
	int code = CTL_DONE;

	if (json_array_size(jobs) == 0)
		return refused ? refused_code(answer) : CTL_NOTHING;
	if (args_has(&c->args, WAIT))
		code = watch_jobs(c, jobs);
	return code == CTL_DONE && refused ? CTL_FAILED : code;
}

int update_run(struct ctl *c)
{
	json_t *answer = NULL;
	struct target target;
	size_t count = 0;
	int code = CTL_DONE;

	if (args_has(&c->args, ALL) == (c->args.count > 0)) {
		ctl_complain(c, "update needs devices or --all");
		return CTL_USAGE;
	}
	if (c->asks && !c->json && !args_has(&c->args, YES)) {
		code = show_intent(c, &count);
		if (code == CTL_DONE && !ask(c, count)) {
			ctl_complain(c, "nothing was done");
			return CTL_NOTHING;
		}
		/* An empty plan: ferryd says for each device why. */
		if (code != CTL_DONE && code != CTL_NOTHING)
			return code;
	}
	target_init(&target, "/v1/update");
	code = ctl_post(c, &target, make_body(c), &answer);
	if (code)
		return code;
	print_outcome(c, answer);
	code = outcome_code(c, answer);
	json_decref(answer);
	return code;
}

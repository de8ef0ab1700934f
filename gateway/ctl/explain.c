/* `explain`: the story of a job in sentences. */
#include "gateway/ctl/ctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "gateway/ctl/evidence.h"
#include "gateway/ctl/fields.h"

#define STORY_MAX 16384
#define EVIDENCE_SIZE 2048
#define STEP_INDENT 4
#define CHECK_INDENT 6

/* One paragraph: pieces are gathered, then printed wrapped. */
struct story {
	const struct term *term;
	struct buf text;
};

static void tell(struct story *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(struct story *s, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > 0)
		buf_add(&s->text, text, strlen(text));
}

/* Foreign text between ours; nothing at all when it is empty. */
static void quote(struct story *s, const char *before, const char *foreign,
	const char *after)
{
	char *clean = term_text(s->term, foreign);

	if (*clean) {
		tell(s, "%s", before);
		buf_add(&s->text, clean, strlen(clean));
		tell(s, "%s", after);
	}
	text_free(clean);
}

/* Prints what was gathered, if anything was; its first line begins behind
 * `mark`. */
static void end_paragraph(struct story *s, const char *mark, unsigned indent)
{
	if (s->text.len && !s->text.err && buf_add(&s->text, "", 1) == 0) {
		fputs(mark, s->term->out);
		text_wrap(s->term, (unsigned)text_columns(s->term, mark),
			indent, (const char *)s->text.at);
	}
	buf_reset(&s->text);
}

/* ---- what and by whom ---- */

static void tell_what(struct story *s, const json_t *job)
{
	tell(s, "Job %lld updates", (long long)json_number_at(job, "id"));
	quote(s, " ", json_text_at(job, "device"), "");
	quote(s, " (class ", json_text_at(job, "class"), "");
	quote(s, ", vendor ", json_text_at(job, "vendor"), ")");
	quote(s, " from ", json_text_at(job, "from_version"), "");
	quote(s, " to ", json_text_at(job, "to_version"), "");
	tell(s, ".");
	quote(s, " ", json_text_at(job, "delegate"), " carries it out: Ferry "
		"hands the image over and asks the device what it runs.");
	end_paragraph(s, "", 0);
}

static void tell_who(struct story *s, const json_t *job)
{
	const char *by = json_text_at(job, "by");
	const char *approval = json_text_at(job, "approval.state");
	char when[TEXT_SIZE];

	if (!strcmp(by, "catalog"))
		tell(s, "It was made by itself when the vendor's catalog named "
			"the release");
	else if (*by)
		quote(s, "It was asked for by ", by, "");
	else
		tell(s, "It was made");
	tell(s, ", at %s.", text_time(json_text_at(job, "created"), when));
	if (!strcmp(approval, "approved"))
		quote(s, " Approved by ", json_text_at(job, "approval.by"),
			".");
	else if (!strcmp(approval, "declined"))
		quote(s, " Declined by ", json_text_at(job, "approval.by"),
			".");
	if (json_number_at(job, "attempts") > 1)
		tell(s, " It was tried %lld times.",
			(long long)json_number_at(job, "attempts"));
	end_paragraph(s, "", 0);
}

/* ---- state, gates, failure ---- */

/* What the state means, in one sentence. */
static const struct {
	const char *state;
	const char *means;
} meanings[] = {
	{"available", "A release is there; nobody has asked for it yet."},
	{"queued", "Nothing holds it; it is the next for its device as soon as "
		"the link is free."},
	{"waiting", "Something must happen before it can go on."},
	{"connecting", "Ferry is reaching the device."},
	{"transferring", "The image is on its way to the device."},
	{"verifying", "The device has the image and it is being checked there."},
	{"staged", "The image lies in the device, not yet started."},
	{"activating", "The device was told to start the new image."},
	{"confirming", "The new image runs and must show that it is healthy."},
	{"paused", "Somebody stopped it."},
	{"done", "The device runs the new release; it was read back."},
	{"unverified", "All was sent, but what the device runs could not be "
		"proved."},
	{"failed", "It ended without the new release."},
	{"declined", "Somebody declined it; it is not made again by itself."},
	{"cancelled", "Somebody cancelled it."},
	{"superseded", "The catalog no longer names this release."},
	{"quarantined", "The device never came back from its restart; look at it."},
};

static void tell_state(struct story *s, const json_t *job)
{
	static const struct field progress = {"", "progress", SHOW_PROGRESS,
		false, 0};
	const char *state = json_text_at(job, "state");
	char text[FIELD_TEXT_SIZE];

	quote(s, "State: ", state, ".");
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (!strcmp(meanings[i].state, state))
			tell(s, " %s", meanings[i].means);
	if (!strcmp(state, "transferring") && *field_text(&progress, job, text))
		tell(s, " On the device: %s.", text);
	end_paragraph(s, "", 0);
}

static void tell_gate(struct story *s, const json_t *gate)
{
	char when[TEXT_SIZE];

	quote(s, "", json_text_at(gate, "waits_for"), "");
	quote(s, " (", json_text_at(gate, "gate"), "");
	quote(s, ": ", json_text_at(gate, "reason"), "");
	tell(s, ")");
	if (json_is_string(json_at(gate, "until")))
		tell(s, ", until %s", text_time(json_text_at(gate, "until"),
			when));
	end_paragraph(s, "  - ", 4);
}

static void tell_gates(struct story *s, const json_t *gates)
{
	json_t *gate;
	size_t i;

	if (json_array_size(gates)) {
		tell(s, "It waits for:");
		end_paragraph(s, "", 0);
	}
	json_array_foreach(gates, i, gate)
		tell_gate(s, gate);
}

/* By its number and, where the ledger has it, its name there. */
static void tell_failed_step(struct story *s, const json_t *job, int64_t step)
{
	const json_t *ledger = json_at(job, "ledger");

	tell(s, ", in step %lld", (long long)step);
	for (size_t i = 0; i < json_array_size(ledger); i++) {
		const json_t *row = json_array_get(ledger, i);

		if (json_number_at(row, "step") == step)
			quote(s, " (", json_text_at(row, "name"), ")");
	}
}

static void tell_failure(struct story *s, const json_t *job)
{
	const json_t *f = json_at(job, "failure");
	char when[TEXT_SIZE];

	if (!json_is_object(f))
		return;
	quote(s, "The last try failed: ", json_text_at(f, "text"), "");
	quote(s, " [", json_text_at(f, "code"), "]");
	if (json_is_integer(json_at(f, "step")))
		tell_failed_step(s, job, json_number_at(f, "step"));
	if (json_is_integer(json_at(f, "offset")))
		tell(s, ", at byte %lld",
			(long long)json_number_at(f, "offset"));
	tell(s, ".");
	quote(s, " The device said: ", json_text_at(f, "device_status"), ".");
	if (json_is_string(json_at(f, "next_retry")))
		tell(s, " It is tried again at %s.",
			text_time(json_text_at(f, "next_retry"), when));
	end_paragraph(s, "", 0);
	quote(s, "Hint: ", json_text_at(f, "hint"), "");
	end_paragraph(s, "", 6);
	quote(s, "What helps: ", json_text_at(f, "remedy"), "");
	end_paragraph(s, "", 12);
}

/* ---- what a person can do ---- */

/* How ferryctl does what the API calls an action of a job. */
static const struct {
	const char *action;
	const char *command;
	const char *about; /* the job's id or its device */
	const char *behind;
} commands[] = {
	{"approve", "approve", "id", ""},
	{"decline", "decline", "id", ""},
	{"pause", "pause", "id", ""},
	{"resume", "resume", "id", ""},
	{"cancel", "cancel", "id", ""},
	{"retry", "retry", "id", ""},
	{"classify", "classify", "device", " CLASS"},
	{"downgrade", "update", "device", " --allow-downgrade"},
};

static void tell_command(struct story *s, const json_t *job,
	const char *action)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].action, action) != 0)
			continue;
		tell(s, "%sferryctl %s ", s->text.len ? "; " : "You can: ",
			commands[i].command);
		if (!strcmp(commands[i].about, "id"))
			tell(s, "%lld", (long long)json_number_at(job, "id"));
		else
			quote(s, "", json_text_at(job, commands[i].about), "");
		tell(s, "%s", commands[i].behind);
	}
}

static void tell_actions(struct story *s, const json_t *job)
{
	const json_t *actions = json_at(job, "actions");

	for (size_t i = 0; i < json_array_size(actions); i++)
		tell_command(s, job, json_text_at(json_array_get(actions, i),
			""));
	end_paragraph(s, "", 9);
}

/* ---- the ledger ---- */

static const char *const asks[] = {"", "who signed the release",
	"whether it is encrypted", "how the vendor's server was asked",
	"how it came here", "what was checked here", "who let it begin",
	"the way to the device", "how the device takes an image",
	"what the device had before", "the transfer",
	"what the device says it runs", "whether the new image took over",
	"how the end was recorded"};

static void tell_checks(struct story *s, const json_t *checks)
{
	json_t *check;
	size_t i;

	json_array_foreach(checks, i, check) {
		quote(s, "", json_text_at(check, ""), "");
		end_paragraph(s, "    - ", CHECK_INDENT);
	}
}

static bool is_pending(const json_t *row)
{
	const char *outcome = json_text_at(row, "outcome");

	return !strcmp(outcome, "pending") || !strcmp(outcome, "skipped");
}

/* Steps in a row of which there is nothing to say share a line. */
static size_t tell_pending(struct story *s, const json_t *ledger, size_t from,
	bool ended)
{
	const json_t *row = json_array_get(ledger, from);
	size_t to = from;

	while (row && is_pending(row)) {
		quote(s, to > from ? ", " : "", json_text_at(row, "name"), "");
		if (strcmp(json_text_at(row, "required"), "none") != 0)
			quote(s, " (required ", json_text_at(row, "required"),
				")");
		row = json_array_get(ledger, ++to);
	}
	if (to > from) {
		tell(s, ".");
		end_paragraph(s, ended ? "Did not happen: " : "Still to come: ",
			4);
	}
	return to;
}

static void tell_step(struct story *s, const json_t *row)
{
	int64_t step = json_number_at(row, "step");
	const char *outcome = json_text_at(row, "outcome");
	const json_t *evidence = json_at(row, "evidence");
	char text[EVIDENCE_SIZE], mark[8];

	if (step < 1 || step >= (int64_t)(sizeof(asks) / sizeof(*asks)))
		return;
	snprintf(mark, sizeof(mark), "%2d  ", (int)step);
	quote(s, "", json_text_at(row, "name"), "");
	tell(s, " (%s): ", asks[step]);
	quote(s, "", outcome, ",");
	quote(s, " reached ", json_text_at(row, "tier"), ",");
	quote(s, " required ", json_text_at(row, "required"), "");
	end_paragraph(s, mark, STEP_INDENT);
	tell_checks(s, json_at(evidence, "checks"));
	evidence_pairs(evidence, text, sizeof(text));
	quote(s, "", text, "");
	end_paragraph(s, "    ", STEP_INDENT);
}

static bool is_ended(const char *state)
{
	static const char *const ends[] = {"done", "unverified", "failed",
		"declined", "cancelled", "superseded", "quarantined"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!strcmp(ends[i], state))
			return true;
	return false;
}

static void tell_ledger(struct story *s, const json_t *job)
{
	const json_t *ledger = json_at(job, "ledger");
	bool ended = is_ended(json_text_at(job, "state"));
	size_t i = 0, told;

	if (json_array_size(ledger) == 0)
		return;
	tell(s, "The steps, with the tier of protection that each reached and "
		"must reach:");
	end_paragraph(s, "\n", 0);
	while (i < json_array_size(ledger)) {
		told = tell_pending(s, ledger, i, ended);
		if (told == i)
			tell_step(s, json_array_get(ledger, told++));
		i = told;
	}
}

static void tell_all(struct story *s, const json_t *job)
{
	tell_what(s, job);
	tell_who(s, job);
	tell_state(s, job);
	tell_gates(s, json_at(job, "gates"));
	tell_failure(s, job);
	tell_actions(s, job);
	tell_ledger(s, job);
}

int show_explain(struct ctl *c)
{
	struct story s = {.term = &c->term};
	json_t *job = NULL;
	int code = ctl_get_job(c, &job);

	if (code)
		return code;
	buf_init(&s.text, STORY_MAX);
	if (c->json)
		ctl_print_json(c, job);
	else
		tell_all(&s, job);
	buf_done(&s.text);
	json_decref(job);
	return CTL_DONE;
}

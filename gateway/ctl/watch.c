/* Following events: `watch` and `update --wait`. */
#include "gateway/ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/board.h"
#include "gateway/ctl/client.h"
#include "gateway/ctl/fields.h"

/* How long a restart of ferryd may take before watching ends. */
#define RETRY_MS 250
#define RETRIES_MAX 240

struct watch {
	struct ctl *c;
	struct client *stream;
	struct board board;
	bool until_ended; /* end when every followed job has ended */
};

static void say(struct watch *w, const char *text)
{
	board_clear(&w->board);
	fflush(w->c->term.out);
	ctl_complain(w->c, "%s", text);
}

static int open_stream(struct watch *w, bool quiet)
{
	json_t *answer = NULL;
	struct target target;
	unsigned status = 0;
	int code;

	target_init(&target, "/v1/events");
	target_param(&target, "types", args_get(&w->c->args, TYPES));
	if (target.overflows) {
		ctl_complain(w->c, "--types is too long");
		return CTL_USAGE;
	}
	code = ctl_connect(w->c, quiet, &w->stream);
	if (code)
		return code;
	if (client_watch(w->stream, target.text, &status, &answer)) {
		if (!quiet)
			ctl_complain(w->c, "ferryd hung up");
		code = CTL_FAILED;
	} else if (status != 200) {
		code = ctl_problem(w->c, status, answer);
	}
	json_decref(answer);
	return code;
}

static void close_stream(struct watch *w)
{
	client_close(w->stream);
	w->stream = NULL;
}

static void forget_asker(struct ctl *c)
{
	client_close(c->client);
	c->client = NULL;
}

/* Reads one job again, because events may have been missed. */
static int read_job(struct watch *w, const char *id)
{
	json_t *job = NULL;
	struct target target;
	int code;

	target_init(&target, "/v1/jobs/");
	target_part(&target, id);
	code = ctl_get(w->c, &target, &job);
	if (code)
		return code;
	board_follow_job(&w->board, job);
	json_decref(job);
	return CTL_DONE;
}

static int read_open_jobs(struct watch *w)
{
	const struct jobs_wanted wanted = {.state = "open"};
	json_t *answer = NULL, *job;
	int code = ctl_get_jobs(w->c, &wanted, &answer);

	if (code)
		return code;
	for (size_t i = json_array_size(json_at(answer, "items")); i > 0; i--) {
		job = json_array_get(json_at(answer, "items"), i - 1);
		board_put_job(&w->board, job);
	}
	json_decref(answer);
	return CTL_DONE;
}

/* What is on the board, read again. */
static int read_known_jobs(struct watch *w)
{
	int code = CTL_DONE;

	for (size_t i = 0; i < w->board.count && !code; i++) {
		char id[24];

		if (w->board.jobs[i].ended)
			continue;
		snprintf(id, sizeof(id), "%lld",
			(long long)w->board.jobs[i].id);
		code = read_job(w, id);
	}
	return code;
}

/* ferryd went away: it may come back (an update of the hub, a crash). */
static int reconnect(struct watch *w)
{
	int code = CTL_FAILED;

	close_stream(w);
	forget_asker(w->c);
	say(w, "ferryd went away; waiting for it");
	for (int i = 0; i < RETRIES_MAX && code; i++) {
		poll(NULL, 0, RETRY_MS);
		code = open_stream(w, true);
		if (code)
			close_stream(w);
	}
	if (code) {
		say(w, "ferryd did not come back");
		return CTL_USAGE;
	}
	if (w->c->json)
		return CTL_DONE;
	code = read_known_jobs(w);
	return code || w->until_ended ? code : read_open_jobs(w);
}

static void print_event(const struct watch *w, const struct event *event)
{
	json_t *line = json_pack("{s:s, s:O}", "event", event->type, "data",
		event->data);

	json_dumpf(line, w->c->term.out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', w->c->term.out);
	fflush(w->c->term.out);
	json_decref(line);
}

static void print_alarm(struct watch *w, const json_t *alarm)
{
	char *text = term_text(&w->c->term, json_text_at(alarm, "text"));

	board_clear(&w->board);
	fprintf(w->c->term.out, "%s%s%s: %s\n",
		term_tint(&w->c->term, TINT_BAD),
		json_truth_at(alarm, "cleared") ? "alarm over" : "alarm",
		term_tint(&w->c->term, TINT_NONE), text);
	text_free(text);
}

static void take_event(struct watch *w, const struct event *event)
{
	if (w->c->json) {
		print_event(w, event);
		/* The board still counts, for the end of --wait. */
		if (!w->until_ended)
			return;
	}
	if (!strcmp(event->type, "job"))
		board_put_job(&w->board, event->data);
	else if (!strcmp(event->type, "progress"))
		board_put_progress(&w->board, event->data);
	else if (!strcmp(event->type, "alarm") && !w->c->json)
		print_alarm(w, event->data);
}

static bool is_role_gone(const struct event *event)
{
	return !strcmp(event->type, "dropped") &&
		!strcmp(json_text_at(event->data, "reason"), "role");
}

static int follow(struct watch *w)
{
	struct event event;
	int got, code = CTL_DONE;

	while (!code && !(w->until_ended && !board_open_jobs(&w->board))) {
		got = client_event(w->stream, 0, &event);
		if (got == 0) {
			/* Nothing more at hand: time to show it. */
			board_draw(&w->board);
			fflush(w->c->term.out);
			got = client_event(w->stream, -1, &event);
		}
		if (got < 0) {
			code = reconnect(w);
			continue;
		}
		take_event(w, &event);
		if (is_role_gone(&event)) {
			say(w, "your role was taken away");
			code = CTL_FAILED;
		}
		json_decref(event.data);
		event.data = NULL;
	}
	board_clear(&w->board);
	return code;
}

static int finish(struct watch *w, int code)
{
	if (!code && w->until_ended && board_bad_jobs(&w->board))
		code = CTL_FAILED;
	close_stream(w);
	board_done(&w->board);
	return code;
}

/* The board of --json is kept in silence. */
static void watch_init(struct watch *w, struct ctl *c, struct term *quiet)
{
	*w = (struct watch){.c = c};
	*quiet = c->term;
	if (c->json) {
		quiet->out = fopen("/dev/null", "we");
		quiet->tty = false;
	}
	board_init(&w->board, c->json && quiet->out ? quiet : &c->term);
}

int watch_jobs(struct ctl *c, const json_t *jobs)
{
	struct term quiet;
	struct watch w;
	json_t *job;
	size_t i;
	int code;

	watch_init(&w, c, &quiet);
	w.until_ended = true;
	w.board.only_known = true;
	code = open_stream(&w, false);
	json_array_foreach(jobs, i, job) {
		char id[24];

		snprintf(id, sizeof(id), "%lld",
			(long long)json_number_at(job, "id"));
		if (!code)
			code = read_job(&w, id);
	}
	if (!code)
		code = follow(&w);
	code = finish(&w, code);
	if (c->json && quiet.out)
		fclose(quiet.out);
	return code;
}

int watch_run(struct ctl *c)
{
	struct term quiet;
	struct watch w;
	int code;

	watch_init(&w, c, &quiet);
	w.until_ended = c->args.count > 0;
	w.board.only_known = w.until_ended;
	code = open_stream(&w, false);
	for (size_t i = 0; i < c->args.count && !code; i++)
		code = read_job(&w, c->args.words[i]);
	if (!code && !c->args.count && !c->json)
		code = read_open_jobs(&w);
	if (!code)
		code = follow(&w);
	code = finish(&w, code);
	if (c->json && quiet.out)
		fclose(quiet.out);
	return code;
}

#include "gateway/ctl/board.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/fields.h"

#define BAR_MAX 30
#define BAR_MIN 8

static const char *const ends[] = {"done", "unverified", "failed", "declined",
	"cancelled", "superseded", "quarantined"};

static bool is_end(const char *state)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!strcmp(ends[i], state))
			return true;
	return false;
}

void board_init(struct board *b, struct term *term)
{
	*b = (struct board){.term = term};
}

void board_done(struct board *b)
{
	free(b->jobs);
	b->jobs = NULL;
	b->count = 0;
}

static struct board_job *find(struct board *b, int64_t id)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->jobs[i].id == id)
			return &b->jobs[i];
	return NULL;
}

static struct board_job *add(struct board *b, int64_t id)
{
	struct board_job *jobs;

	if (b->count == BOARD_JOBS_MAX || id <= 0)
		return NULL;
	jobs = realloc(b->jobs, (b->count + 1) * sizeof(*jobs));
	if (!jobs)
		return NULL;
	b->jobs = jobs;
	jobs[b->count] = (struct board_job){.id = id, .eta_s = -1};
	return &jobs[b->count++];
}

static void set_text(const struct term *term, char *slot, size_t size,
	const char *foreign)
{
	char *clean = term_text(term, foreign);

	snprintf(slot, size, "%s", clean);
	text_free(clean);
}

static void set_why(const struct term *term, struct board_job *j,
	const json_t *job)
{
	static const struct field gates = {"", "gates", SHOW_GATES, false, 0};
	char text[FIELD_TEXT_SIZE];
	const char *why = json_text_at(job, "failure.text");

	if (!strcmp(j->state, "done"))
		why = "";
	if (json_array_size(json_at(job, "gates")))
		why = field_text(&gates, job, text);
	set_text(term, j->why, sizeof(j->why), why);
}

static void set_progress(struct board_job *j, const json_t *p)
{
	if (!json_is_object(p))
		return;
	j->offset = json_number_at(p, "offset");
	j->total = json_number_at(p, "total");
	j->rate_bps = json_number_at(p, "rate_bps");
	j->eta_s = json_is_number(json_at(p, "eta_s")) ?
		json_number_at(p, "eta_s") : -1;
}

static const char *arrow(const struct term *term)
{
	return term->utf8 ? "\xe2\x86\x92" : "->";
}

static void print_line(struct board *b, struct board_job *j)
{
	const struct term *t = b->term;
	enum tint tint = tint_of_state(j->state);
	char rate[TEXT_SIZE];

	board_clear(b);
	j->said_percent = percent_of(j->offset, j->total);
	fprintf(t->out, "job %lld  %s  %s %s %s  %s%s%s", (long long)j->id,
		j->device, j->from, arrow(t), j->to, term_tint(t, tint),
		j->state, term_tint(t, TINT_NONE));
	if (!strcmp(j->state, "transferring") && j->total)
		fprintf(t->out, "  %u %%", j->said_percent);
	if (!strcmp(j->state, "transferring") && j->rate_bps)
		fprintf(t->out, "  %s/s", text_bytes(j->rate_bps, rate));
	if (*j->why)
		fprintf(t->out, "  (%s)", j->why);
	fputc('\n', t->out);
}

static void put_job(struct board *b, const json_t *job, bool follow)
{
	int64_t id = json_number_at(job, "id");
	const char *state = json_text_at(job, "state");
	struct board_job *j = find(b, id);
	struct board_job before = j ? *j : (struct board_job){0};

	if (!j && b->only_known && !follow)
		return;
	if (!j)
		j = add(b, id);
	if (!j)
		return;
	set_text(b->term, j->device, sizeof(j->device),
		json_text_at(job, "device"));
	set_text(b->term, j->from, sizeof(j->from),
		json_text_at(job, "from_version"));
	set_text(b->term, j->to, sizeof(j->to),
		json_text_at(job, "to_version"));
	set_text(b->term, j->state, sizeof(j->state), state);
	set_why(b->term, j, job);
	set_progress(j, json_at(job, "progress"));
	j->ended = is_end(state);
	b->dirty = true;
	/* Terminals have the bar instead, but an end stays to be read. */
	if ((!b->term->tty || j->ended) && (strcmp(before.state, j->state) != 0 ||
			strcmp(before.why, j->why) != 0))
		print_line(b, j);
}

void board_put_job(struct board *b, const json_t *job)
{
	put_job(b, job, false);
}

void board_follow_job(struct board *b, const json_t *job)
{
	put_job(b, job, true);
}

void board_put_progress(struct board *b, const json_t *progress)
{
	struct board_job *j = find(b, json_number_at(progress, "job"));

	if (!j || j->ended)
		return;
	set_progress(j, progress);
	b->dirty = true;
	if (!b->term->tty && percent_of(j->offset, j->total) / 10 !=
			j->said_percent / 10)
		print_line(b, j);
}

void board_clear(struct board *b)
{
	if (b->drawn)
		fprintf(b->term->out, "\033[%uA\033[J", b->drawn);
	b->drawn = 0;
}

/* "[#####.....]" of `columns` columns, brackets included. */
static void bar_text(const struct term *t, const struct board_job *j,
	size_t columns, char *text)
{
	size_t cells = columns - 2;
	size_t full = cells * percent_of(j->offset, j->total) / 100;
	char *at = text;

	*at++ = '[';
	for (size_t i = 0; i < cells; i++) {
		const char *cell = i < full ? (t->utf8 ? "\xe2\x96\x88" : "#") :
			(t->utf8 ? "\xe2\x96\x91" : ".");

		memcpy(at, cell, strlen(cell));
		at += strlen(cell);
	}
	*at++ = ']';
	*at = '\0';
}

static void tail_text(const struct board_job *j, char *text, size_t size)
{
	char rate[TEXT_SIZE], eta[TEXT_SIZE];
	bool moves = !strcmp(j->state, "transferring");

	if (!moves && *j->why)
		snprintf(text, size, "%s", j->why);
	else if (!moves)
		snprintf(text, size, "%u %%", percent_of(j->offset, j->total));
	else
		snprintf(text, size, "%3u %%  %s/s%s%s",
			percent_of(j->offset, j->total),
			text_bytes(j->rate_bps, rate),
			j->eta_s >= 0 ? "  ETA " : "",
			j->eta_s >= 0 ? text_seconds(j->eta_s, eta) : "");
}

static void draw_bar(const struct board *b, const struct board_job *j)
{
	const struct term *t = b->term;
	char name[80], state[32], bar[BAR_MAX * 3 + 4], tail[256];
	size_t used, columns;

	snprintf(name, sizeof(name), "%s", j->device);
	text_fit(t, name, sizeof(name), 16);
	snprintf(state, sizeof(state), "%s", j->state);
	tail_text(j, tail, sizeof(tail));
	used = 16 + 2 + 12 + 2 + 2 + text_columns(t, tail) + 1;
	columns = t->width > used + BAR_MIN ? t->width - used : BAR_MIN;
	columns = columns > BAR_MAX ? BAR_MAX : columns;
	bar_text(t, j, columns, bar);
	used = 16 + 2 + 12 + 2 + columns + 2 + 1;
	text_fit(t, tail, sizeof(tail), t->width > used ? t->width - used : 1);
	fprintf(t->out, "%s%*s  %s%-12s%s  %s  %s\n", name,
		(int)(16 - text_columns(t, name)), "",
		term_tint(t, tint_of_state(j->state)), state,
		term_tint(t, TINT_NONE), bar, tail);
}

void board_draw(struct board *b)
{
	unsigned max;

	if (!b->term->tty || !b->dirty)
		return;
	b->dirty = false;
	board_clear(b);
	term_measure(b->term);
	max = b->term->height > 2 ? b->term->height - 2 : 1;
	for (size_t i = 0; i < b->count && b->drawn < max; i++) {
		if (b->jobs[i].ended)
			continue;
		draw_bar(b, &b->jobs[i]);
		b->drawn++;
	}
	if (b->drawn == max && board_open_jobs(b) > max) {
		fprintf(b->term->out, "... and %zu more\n",
			board_open_jobs(b) - max);
		b->drawn++;
	}
	fflush(b->term->out);
}

size_t board_open_jobs(const struct board *b)
{
	size_t open = 0;

	for (size_t i = 0; i < b->count; i++)
		open += !b->jobs[i].ended;
	return open;
}

size_t board_bad_jobs(const struct board *b)
{
	size_t bad = 0;

	for (size_t i = 0; i < b->count; i++)
		bad += b->jobs[i].ended &&
			strcmp(b->jobs[i].state, "done") != 0;
	return bad;
}

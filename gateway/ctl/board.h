/* The live picture of jobs: bars that are redrawn in place on a terminal, plain
 * lines otherwise. Fed with job objects and progress events.
 *
 * _init to _done. Single thread. */
#ifndef FERRY_GATEWAY_CTL_BOARD_H
#define FERRY_GATEWAY_CTL_BOARD_H

#include <jansson.h>

#include "gateway/ctl/text.h"

#define BOARD_JOBS_MAX 4096

struct board_job {
	int64_t id;
	char device[72];
	char from[32];
	char to[32];
	char state[24];
	char why[160]; /* gate or failure */
	int64_t offset;
	int64_t total;
	int64_t rate_bps;
	int64_t eta_s; /* -1: not known */
	unsigned said_percent; /* in the last plain line */
	bool ended;
};

struct board {
	struct term *term;
	struct board_job *jobs;
	size_t count;
	bool only_known; /* jobs that were not added by hand are ignored */
	unsigned drawn;  /* lines of bars on the screen */
	bool dirty;
};

void board_init(struct board *b, struct term *term);
void board_done(struct board *b);

/* Adds or changes a job. Prints a plain line for a new state, and a lasting one
 * for an end. */
void board_put_job(struct board *b, const json_t *job);

/* Like board_put_job(), but for jobs that this board shall follow. */
void board_follow_job(struct board *b, const json_t *job);

void board_put_progress(struct board *b, const json_t *progress);

/* Draws the bars anew where something changed. Nothing but on a terminal. */
void board_draw(struct board *b);

/* Takes the bars off the screen, so that other text may come. */
void board_clear(struct board *b);

size_t board_open_jobs(const struct board *b);

/* Jobs that have ended otherwise than done. */
size_t board_bad_jobs(const struct board *b);

#endif

/* ferryctl: the operator's hand on the admin socket. This header is what its
 * files share: where to write, whom to ask, and which exit code says what.
 *
 * One struct ctl lives as long as the program. Single thread, blocking. */
#ifndef FERRY_GATEWAY_CTL_CTL_H
#define FERRY_GATEWAY_CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "gateway/ctl/option.h"
#include "gateway/ctl/text.h"

struct client;
struct target;

enum {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_NOTHING = 2,   /* there was nothing to do */
	CTL_NOT_FOUND = 3, /* no such device, job ... */
	CTL_USAGE = 4,     /* wrong use, or ferryd cannot be reached */
};

#define CTL_SOCKET "/run/ferry/admin.sock"
#define CTL_WORDS_MAX 512

struct ctl {
	const char *socket;
	bool json;
	bool asks; /* a person is at both ends: questions make sense */
	struct term term;
	struct args args;
	struct client *client; /* connected at first need */
};

/* A word that ferryctl understands. */
struct verb {
	const char *name; /* "jobs", or two words: "device show" */
	const char *words; /* "JOB...", for the help */
	const char *help;
	unsigned words_min;
	unsigned words_max;
	unsigned options; /* bits of the options that it takes */
	int (*run)(struct ctl *c);
};

extern const struct verb ctl_verbs[]; /* ends with name NULL */

int ctl_main(int argc, char **argv);

/* Says what went wrong, on stderr, after "ferryctl: ". Foreign text goes in
 * through term_text() only. */
void ctl_complain(const struct ctl *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Asks ferryd. On success *ret_json is the answer (the caller's); otherwise the
 * problem has been printed and the result is the exit code (never 0). `body`
 * may be NULL and is consumed. */
int ctl_get(struct ctl *c, const struct target *target, json_t **ret_json);
int ctl_post(struct ctl *c, const struct target *target, json_t *take_body,
	json_t **ret_json);

/* Connects `ret_client`; explains a failure and returns the exit code. With
 * `quiet` it only returns. */
int ctl_connect(struct ctl *c, bool quiet, struct client **ret_client);

/* Prints a problem document and returns the exit code that fits. */
int ctl_problem(const struct ctl *c, unsigned status, const json_t *problem);

/* Prints JSON as --json promises. */
void ctl_print_json(const struct ctl *c, const json_t *json);

/* The target of a request, built piece by piece; what does not fit is noticed
 * by ctl_get() and ctl_post(). */
struct target {
	char text[2048];
	size_t len;
	bool overflows;
	bool has_query;
};

void target_init(struct target *t, const char *path);
void target_part(struct target *t, const char *part); /* percent-encoded */
void target_add(struct target *t, const char *path);  /* as it is */
/* "?name=value" or "&name=value"; nothing when `value` is NULL. */
void target_param(struct target *t, const char *name, const char *value);

/* Verbs, by file. */
int act_enrol(struct ctl *c);
int act_classify(struct ctl *c);
int act_replace(struct ctl *c);
int act_forget(struct ctl *c);
int act_check(struct ctl *c);
int act_approve(struct ctl *c);
int act_decline(struct ctl *c);
int act_pause(struct ctl *c);
int act_resume(struct ctl *c);
int act_cancel(struct ctl *c);
int act_retry(struct ctl *c);
int act_vendor_reset(struct ctl *c);
int act_trust_unlock(struct ctl *c);
int act_backup(struct ctl *c);
int act_restore(struct ctl *c);
int show_status(struct ctl *c);
int show_devices(struct ctl *c);
int show_device(struct ctl *c);
int show_vendor(struct ctl *c);
int show_candidates(struct ctl *c);
int show_classes(struct ctl *c);
int show_plan(struct ctl *c);
int show_jobs(struct ctl *c);
int show_job(struct ctl *c);
int show_explain(struct ctl *c);
int show_history(struct ctl *c);
int show_images(struct ctl *c);
int show_links(struct ctl *c);
int show_vendors(struct ctl *c);
int show_offers(struct ctl *c);
int update_run(struct ctl *c);
int watch_run(struct ctl *c);

/* Of the jobs that are wanted, as ferryctl's options say it; NULL: any. */
struct jobs_wanted {
	const char *state; /* or "open" */
	const char *device;
	const char *limit;
	const char *before;
};

/* A list of jobs; like ctl_get(). With a state and without a limit these are all
 * that there are, else one page of them. */
int ctl_get_jobs(struct ctl *c, const struct jobs_wanted *wanted,
	json_t **ret_answer);

/* The job that the first word names by its number, or the newest of the device
 * that it names; like ctl_get(). */
int ctl_get_job(struct ctl *c, json_t **ret_job);

/* Follows `jobs` (an array of job objects) until each has ended; prints bars or
 * lines. Returns CTL_DONE when all are done, else CTL_FAILED. */
int watch_jobs(struct ctl *c, const json_t *jobs);

#endif

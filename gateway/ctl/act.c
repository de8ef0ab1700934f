/* The verbs that change something. */
#include "gateway/ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "gateway/ctl/client.h"
#include "gateway/ctl/fields.h"

#define ROOT_MAX 32768

/* Prints `answer` as JSON, or one line made of `what` and the text at `path`. */
static void report(const struct ctl *c, const json_t *answer, const char *what,
	const char *path, const char *after)
{
	char *clean;

	if (c->json) {
		ctl_print_json(c, answer);
		return;
	}
	clean = term_text(&c->term, json_text_at(answer, path));
	fprintf(c->term.out, "%s%s%s\n", what, clean, after);
	text_free(clean);
}

/* What was done all the same, and should be known. */
static void warn(const struct ctl *c, const json_t *answer)
{
	json_t *warning;
	size_t i;

	fflush(c->term.out);
	json_array_foreach(json_at(answer, "warnings"), i, warning) {
		char *clean = term_text(&c->term, json_text_at(warning, ""));

		fprintf(stderr, "  warning: %s\n", clean);
		text_free(clean);
	}
}

static int post_device(struct ctl *c, const char *path, const char *action,
	json_t *take_body, const char *what)
{
	json_t *answer = NULL;
	struct target target;
	int code;

	target_init(&target, path);
	target_part(&target, c->args.words[0]);
	target_add(&target, action);
	code = ctl_post(c, &target, take_body, &answer);
	if (code)
		return code;
	report(c, answer, what, "id", "");
	if (!c->json)
		warn(c, answer);
	json_decref(answer);
	return CTL_DONE;
}

int act_enrol(struct ctl *c)
{
	const char *id = args_get(&c->args, ID);
	json_t *body = json_pack("{s:s}", "class", c->args.words[1]);

	if (id)
		json_object_set_new(body, "id", json_string(id));
	return post_device(c, "/v1/candidates/", "/enrol", body, "enrolled ");
}

int act_classify(struct ctl *c)
{
	return post_device(c, "/v1/devices/", "/classify",
		json_pack("{s:s}", "class", c->args.words[1]), "classified ");
}

int act_replace(struct ctl *c)
{
	return post_device(c, "/v1/devices/", "/replace",
		json_pack("{s:s}", "peer", c->args.words[1]), "replaced ");
}

int act_forget(struct ctl *c)
{
	return post_device(c, "/v1/devices/", "/forget", NULL, "forgot ");
}

/* Something new: done; all unchanged: nothing to do; a failure wins. */
static int check_code(const json_t *items)
{
	int code = CTL_NOTHING;
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		const char *result = json_text_at(item, "result");

		if (!strcmp(result, "failed"))
			return CTL_FAILED;
		if (!strcmp(result, "new"))
			code = CTL_DONE;
	}
	return code;
}

int act_check(struct ctl *c)
{
	static const struct field fields[] = {
		{"VENDOR", "vendor", SHOW_TEXT, false, 0},
		{"RESULT", "result", SHOW_STATE, false, 0},
		{"SEQUENCE", "sequence", SHOW_NUMBER, true, 0},
		{"PROBLEM", "failure.text", SHOW_TEXT, false, 16},
		{"HINT", "failure.hint", SHOW_TEXT, false, 16}, FIELDS_END,
	};
	json_t *answer = NULL, *body = json_object();
	struct target target;
	int code;

	if (c->args.count)
		json_object_set_new(body, "vendor",
			json_string(c->args.words[0]));
	target_init(&target, "/v1/check");
	code = ctl_post(c, &target, body, &answer);
	if (code)
		return code;
	if (c->json)
		ctl_print_json(c, answer);
	else
		fields_print_table(&c->term, fields, json_at(answer, "items"),
			"no vendors are configured");
	code = check_code(json_at(answer, "items"));
	json_decref(answer);
	return code;
}

static int post_job(struct ctl *c, const char *job, const char *action,
	const char *what)
{
	json_t *answer = NULL;
	struct target target;
	char after[48];
	int code;

	target_init(&target, "/v1/jobs/");
	target_part(&target, job);
	target_add(&target, action);
	code = ctl_post(c, &target, NULL, &answer);
	if (code)
		return code;
	snprintf(after, sizeof(after), " (job %lld)",
		(long long)json_number_at(answer, "id"));
	report(c, answer, what, "device", after);
	json_decref(answer);
	return CTL_DONE;
}

/* Every job that was named; the first failure is the result, but all are
 * tried. */
static int each_job(struct ctl *c, const char *action, const char *what)
{
	int code = CTL_DONE;

	for (size_t i = 0; i < c->args.count; i++) {
		int one = post_job(c, c->args.words[i], action, what);

		if (code == CTL_DONE)
			code = one;
	}
	return code;
}

int act_approve(struct ctl *c)
{
	return each_job(c, "/approve", "approved ");
}

int act_decline(struct ctl *c)
{
	return each_job(c, "/decline", "declined ");
}

int act_pause(struct ctl *c)
{
	return each_job(c, "/pause", "paused ");
}

int act_resume(struct ctl *c)
{
	return each_job(c, "/resume", "resumed ");
}

int act_cancel(struct ctl *c)
{
	return each_job(c, "/cancel", "cancelled ");
}

static int retry_failed(struct ctl *c)
{
	const struct jobs_wanted wanted = {.state = "failed"};
	json_t *answer = NULL, *job;
	int code = ctl_get_jobs(c, &wanted, &answer), one;
	size_t i;

	if (code)
		return code;
	if (json_array_size(json_at(answer, "items")) == 0) {
		ctl_complain(c, "no job has failed");
		code = CTL_NOTHING;
	}
	json_array_foreach(json_at(answer, "items"), i, job) {
		char id[24];

		snprintf(id, sizeof(id), "%lld",
			(long long)json_number_at(job, "id"));
		one = post_job(c, id, "/retry", "retrying ");
		code = code ? code : one;
	}
	json_decref(answer);
	return code;
}

int act_retry(struct ctl *c)
{
	if (args_has(&c->args, FAILED) == (c->args.count > 0)) {
		ctl_complain(c, "retry needs jobs or --failed");
		return CTL_USAGE;
	}
	if (args_has(&c->args, FAILED))
		return retry_failed(c);
	return each_job(c, "/retry", "retrying ");
}

/* The file as base64, or NULL with a complaint. */
static char *read_base64(const struct ctl *c, const char *path)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *raw = calloc(1, ROOT_MAX + 3);
	char *text = malloc((ROOT_MAX + 2) / 3 * 4 + 1);
	FILE *file = fopen(path, "rbe");
	size_t len = file && raw ? fread(raw, 1, ROOT_MAX + 1, file) : 0;
	size_t out = 0;

	if (file)
		fclose(file);
	if (!text || len == 0 || len > ROOT_MAX) {
		ctl_complain(c, "%s: %s", path, len > ROOT_MAX ?
			"is larger than any root" : file ? "is empty" :
			err_text(-errno));
		free(raw);
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)raw[i] << 16 |
			(uint32_t)raw[i + 1] << 8 | raw[i + 2];

		text[out++] = digits[bits >> 18];
		text[out++] = digits[bits >> 12 & 63];
		text[out++] = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		text[out++] = i + 2 < len ? digits[bits & 63] : '=';
	}
	text[out] = '\0';
	free(raw);
	return text;
}

int act_vendor_reset(struct ctl *c)
{
	const char *path = args_get(&c->args, ROOT);
	json_t *answer = NULL;
	struct target target;
	char *root;
	int code;

	if (!path) {
		ctl_complain(c, "vendor reset needs --root FILE");
		return CTL_USAGE;
	}
	root = read_base64(c, path);
	if (!root)
		return CTL_USAGE;
	target_init(&target, "/v1/vendors/");
	target_part(&target, c->args.words[0]);
	target_add(&target, "/reset");
	code = ctl_post(c, &target, json_pack("{s:s}", "root", root), &answer);
	free(root);
	if (code)
		return code;
	report(c, answer, "trusts anew: ", "name", "");
	json_decref(answer);
	return CTL_DONE;
}

int act_trust_unlock(struct ctl *c)
{
	json_t *answer = NULL;
	struct target target;
	int code;

	target_init(&target, "/v1/trust/unlock");
	code = ctl_post(c, &target, NULL, &answer);
	if (code)
		return code;
	report(c, answer, "trust: ", "state", "");
	json_decref(answer);
	return CTL_DONE;
}

/* ferryd knows nothing of our working folder. */
static json_t *absolute(const char *path)
{
	char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	json_t *full = here ? json_sprintf("%s/%s", here, path) :
		json_string(path);

	free(here);
	return full;
}

int act_backup(struct ctl *c)
{
	json_t *answer = NULL;
	char text[TEXT_SIZE], after[TEXT_SIZE + 4];
	struct target target;
	int code;

	target_init(&target, "/v1/backup");
	code = ctl_post(c, &target, json_pack("{s:o}", "dir",
		absolute(c->args.words[0])), &answer);
	if (code)
		return code;
	snprintf(after, sizeof(after), ", %s",
		text_bytes(json_number_at(answer, "bytes"), text));
	report(c, answer, "backup written to ", "dir", after);
	json_decref(answer);
	return CTL_DONE;
}

/* ferryd itself must not run, so it cannot be asked; it is the program that
 * does it. */
int act_restore(struct ctl *c)
{
	const char *from = c->args.words[0];
	struct client *client = NULL;
	char *clean;

	if (ctl_connect(c, true, &client) == CTL_DONE) {
		client_close(client);
		ctl_complain(c, "ferryd runs; it must be stopped for this");
	} else if (geteuid() == 0) {
		fflush(c->term.out);
		execlp("ferryd", "ferryd", "--restore", from, (char *)NULL);
		ctl_complain(c, "cannot run ferryd: %s", err_text(-errno));
	} else {
		ctl_complain(c, "only root may do this");
	}
	clean = term_text(&c->term, from);
	fprintf(stderr, "  hint: sudo systemctl stop ferryd\n"
		"        sudo ferryd --restore '%s'\n"
		"        sudo systemctl start ferryd\n", clean);
	text_free(clean);
	return CTL_FAILED;
}

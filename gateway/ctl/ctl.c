#include "gateway/ctl/ctl.h"

#include <errno.h>
#include <grp.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "gateway/ctl/client.h"
#include "gateway/ctl/fields.h"

void ctl_complain(const struct ctl *c, const char *format, ...)
{
	va_list args;

	(void)c;
	fflush(stdout);
	fprintf(stderr, "ferryctl: ");
	va_start(args, format);
	vfprintf(stderr, format, args); // NOLINT(clang-analyzer-valist.Uninitialized)
	va_end(args);
	fputc('\n', stderr);
}

/* ---- asking ferryd ---- */

static void add_char(struct target *t, char ch)
{
	if (t->len + 1 >= sizeof(t->text)) {
		t->overflows = true;
		return;
	}
	t->text[t->len++] = ch;
	t->text[t->len] = '\0';
}

void target_add(struct target *t, const char *path)
{
	for (; *path; path++)
		add_char(t, *path);
}

void target_init(struct target *t, const char *path)
{
	*t = (struct target){0};
	target_add(t, path);
}

void target_part(struct target *t, const char *part)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789-_.~";
	static const char digits[] = "0123456789ABCDEF";

	for (; *part; part++) {
		unsigned char ch = (unsigned char)*part;

		if (strchr(plain, ch)) {
			add_char(t, *part);
			continue;
		}
		add_char(t, '%');
		add_char(t, digits[ch >> 4]);
		add_char(t, digits[ch & 15]);
	}
}

void target_param(struct target *t, const char *name, const char *value)
{
	if (!value)
		return;
	add_char(t, t->has_query ? '&' : '?');
	t->has_query = true;
	target_add(t, name);
	add_char(t, '=');
	target_part(t, value);
}

/* Says which group the socket belongs to: joining it is the usual cure. */
static void explain_denied(const struct ctl *c)
{
	struct group *group = NULL;
	struct stat st;

	ctl_complain(c, "permission denied: %s", c->socket);
	if (stat(c->socket, &st) == 0)
		group = getgrgid(st.st_gid); // NOLINT(concurrency-mt-unsafe)
	if (group)
		fprintf(stderr, "  hint: users of the group '%s' may connect\n",
			group->gr_name);
	else
		fprintf(stderr, "  hint: ask the administrator of this "
			"gateway, or use sudo\n");
}

int ctl_connect(struct ctl *c, bool quiet, struct client **ret_client)
{
	int err = client_open(c->socket, ret_client);

	if (err == 0)
		return CTL_DONE;
	if (quiet)
		return CTL_USAGE;
	if (err == -ENOENT || err == -ECONNREFUSED) {
		ctl_complain(c, "ferryd is not running: nobody answers at %s",
			c->socket);
		fprintf(stderr, "  hint: systemctl start ferryd, or give the "
			"right socket with --socket\n");
	} else if (err == -EACCES || err == -EPERM) {
		explain_denied(c);
	} else {
		ctl_complain(c, "cannot connect to %s: %s", c->socket,
			err_text(err));
	}
	return CTL_USAGE;
}

int ctl_problem(const struct ctl *c, unsigned status, const json_t *problem)
{
	char *title = term_text(&c->term, json_text_at(problem, "title"));
	char *detail = term_text(&c->term, json_text_at(problem, "detail"));
	char *hint = term_text(&c->term, json_text_at(problem, "hint"));
	bool says_more = *detail && strcmp(title, detail) != 0;

	if (c->json && json_is_object(problem)) {
		fflush(stdout);
		json_dumpf(problem, stderr, JSON_COMPACT | JSON_ENSURE_ASCII);
		fputc('\n', stderr);
	} else if (*title) {
		ctl_complain(c, "%s%s%s", title, says_more ? ": " : "",
			says_more ? detail : "");
	} else {
		ctl_complain(c, "ferryd answered with status %u", status);
	}
	if (*hint && !c->json)
		fprintf(stderr, "  hint: %s\n", hint);
	text_free(title);
	text_free(detail);
	text_free(hint);
	return status == 404 ? CTL_NOT_FOUND : CTL_FAILED;
}

static int ask(struct ctl *c, const char *method, const struct target *target,
	const json_t *body, json_t **ret_json)
{
	json_t *answer = NULL;
	unsigned status = 0;
	int code, err;

	if (target->overflows) {
		ctl_complain(c, "an argument is too long");
		return CTL_USAGE;
	}
	code = c->client ? CTL_DONE : ctl_connect(c, false, &c->client);
	if (code)
		return code;
	err = client_ask(c->client, method, target->text, body, &status,
		&answer);
	if (err) {
		ctl_complain(c, "no answer from ferryd: %s",
			err_text(err));
		client_close(c->client);
		c->client = NULL;
		return CTL_FAILED;
	}
	if (status == 200 && json_is_object(answer)) {
		*ret_json = answer;
		return CTL_DONE;
	}
	code = ctl_problem(c, status, answer);
	json_decref(answer);
	return code;
}

int ctl_get(struct ctl *c, const struct target *target, json_t **ret_json)
{
	return ask(c, "GET", target, NULL, ret_json);
}

int ctl_post(struct ctl *c, const struct target *target, json_t *take_body,
	json_t **ret_json)
{
	json_t *body = take_body ? take_body : json_object();
	int code = ask(c, "POST", target, body, ret_json);

	json_decref(body);
	return code;
}

void ctl_print_json(const struct ctl *c, const json_t *json)
{
	/* jansson leaves what steers a terminal above ASCII as it is. */
	json_dumpf(json, c->term.out, JSON_INDENT(2) |
		(c->term.tty ? JSON_ENSURE_ASCII : 0));
	fputc('\n', c->term.out);
}

/* ---- the command line ---- */

static void print_options(const struct ctl *c, unsigned options)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option)i);
		char left[48], letter[8] = "    ";

		if (!(options & 1U << i))
			continue;
		if (row->letter)
			snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
			row->value ? " " : "", row->value ? row->value : "");
		fprintf(c->term.out, "  %-28s  %s\n", left, row->help);
	}
}

static int print_help(const struct ctl *c, const struct verb *verb)
{
	if (verb) {
		fprintf(c->term.out, "usage: ferryctl %s%s%s%s\n\n%s\n\n",
			verb->name, verb->options ? " [option...]" : "",
			*verb->words ? " " : "", verb->words, verb->help);
		print_options(c, verb->options | OPTIONS_COMMON);
		return CTL_DONE;
	}
	fprintf(c->term.out, "usage: ferryctl [option...] command [word...]\n\n"
		"commands:\n");
	for (const struct verb *v = ctl_verbs; v->name; v++) {
		char left[48];

		snprintf(left, sizeof(left), "%s %s", v->name, v->words);
		fprintf(c->term.out, "  %-28s  %s\n", left, v->help);
	}
	fprintf(c->term.out, "\noptions of every command:\n");
	print_options(c, OPTIONS_COMMON);
	fprintf(c->term.out, "\nferryctl COMMAND --help tells more. Exit codes: "
		"0 done, 1 failed, 2 nothing to do,\n3 not found, 4 wrong use "
		"or ferryd cannot be reached.\n");
	return CTL_DONE;
}

/* The verb that the words begin with; they are shifted behind it. */
static const struct verb *take_verb(struct args *a)
{
	char two[64];

	if (a->count == 0)
		return NULL;
	snprintf(two, sizeof(two), "%s %s", a->words[0],
		a->count > 1 ? a->words[1] : "");
	for (const struct verb *v = ctl_verbs; v->name; v++) {
		size_t words = strchr(v->name, ' ') ? 2 : 1;

		if (strcmp(v->name, words == 2 ? two : a->words[0]) != 0)
			continue;
		a->words += words;
		a->count -= words;
		return v;
	}
	return NULL;
}

static int refuse_verb(const struct ctl *c)
{
	const char *word = c->args.words[0];
	char *clean = term_text(&c->term, word);
	const char *nearest = NULL;
	size_t len = strlen(word);
	unsigned best = 3;

	for (const struct verb *v = ctl_verbs; v->name; v++) {
		unsigned far = word_distance(word, v->name);
		bool is_first = !strncmp(v->name, word, len) &&
			v->name[len] == ' ';

		if (is_first || far < best) {
			best = is_first ? 0 : far;
			nearest = v->name;
		}
		if (is_first)
			break;
	}
	if (nearest)
		ctl_complain(c, "unknown command '%s'; did you mean '%s'?",
			clean, nearest);
	else
		ctl_complain(c, "unknown command '%s'; ferryctl --help lists "
			"them", clean);
	text_free(clean);
	return CTL_USAGE;
}

static int check_use(const struct ctl *c, const struct verb *verb)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (c->args.value[i] && !((verb->options | OPTIONS_COMMON) &
				1U << i)) {
			ctl_complain(c, "%s takes no --%s", verb->name,
				option_row((enum option)i)->name);
			return CTL_USAGE;
		}
	for (size_t i = 0; i < c->args.count; i++)
		if (!*c->args.words[i]) {
			ctl_complain(c, "an empty word names nothing");
			return CTL_USAGE;
		}
	if (c->args.count >= verb->words_min &&
			c->args.count <= verb->words_max)
		return CTL_DONE;
	ctl_complain(c, "usage: ferryctl %s%s%s", verb->name,
		*verb->words ? " " : "", verb->words);
	return CTL_USAGE;
}

static int run(struct ctl *c)
{
	const struct verb *verb;
	int code;

	if (args_has(&c->args, VERSION)) {
		fprintf(c->term.out, "ferryctl %s\n", FERRY_VERSION);
		return CTL_DONE;
	}
	if (c->args.count && !strcmp(c->args.words[0], "help")) {
		c->args.words++;
		c->args.count--;
		c->args.value[OPTION_HELP] = "";
	}
	verb = take_verb(&c->args);
	if (!verb && c->args.count)
		return refuse_verb(c);
	if (args_has(&c->args, HELP))
		return print_help(c, verb);
	if (!verb) {
		ctl_complain(c, "which command? ferryctl --help lists them");
		return CTL_USAGE;
	}
	code = check_use(c, verb);
	return code ? code : verb->run(c);
}

int ctl_main(int argc, char **argv)
{
	const char **words = calloc((size_t)argc + 1, sizeof(*words));
	const char *socket = getenv("FERRY_SOCKET"); // NOLINT(concurrency-mt-unsafe)
	struct ctl c = {0};
	char reason[128];
	int code = CTL_USAGE;

	if (!words)
		return CTL_FAILED;
	setlocale(LC_ALL, ""); // NOLINT(concurrency-mt-unsafe)
	term_open(&c.term);
	if (args_read(&c.args, argc, argv, words, reason, sizeof(reason))) {
		ctl_complain(&c, "%s", reason);
	} else {
		c.socket = args_has(&c.args, SOCKET) ? args_get(&c.args,
			SOCKET) : socket && *socket ? socket : CTL_SOCKET;
		c.json = args_has(&c.args, JSON);
		c.asks = c.term.tty && isatty(STDIN_FILENO);
		code = run(&c);
	}
	client_close(c.client);
	if (fflush(stdout) || ferror(stdout))
		code = code ? code : CTL_FAILED;
	free(words);
	return code;
}

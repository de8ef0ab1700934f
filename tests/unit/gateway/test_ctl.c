/* ferryctl itself, against a real admin server whose answers come from
 * ctl_world.json. What it prints is held against golden/NAME.txt; set
 * FERRY_GOLDEN=write to write those files anew, then read the difference. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/gateway/admin_rig.h"

#define HERE FERRY_SOURCE_DIR "/tests/unit/gateway/"
#define WORDS_MAX 12

static struct rig rig;
static json_t *world;
static struct admin_call last_call;
static char last_word[128];
static unsigned calls;

/* ---- a daemon made of one JSON file ---- */

static void refuse(uint64_t token, int code, const char *field)
{
	const struct admin_refusal why = {
		.code = code, .field = field, .rule = "is not known here",
		.hint = "ferryctl devices and ferryctl jobs list what is",
	};

	admin_refuse(rig.server, token, &why);
}

static json_t *find_item(const char *list, const char *id, uint64_t job)
{
	json_t *items = json_object_get(json_object_get(world, list), "items");
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		json_t *value = json_object_get(item, "id");

		if (job ? json_integer_value(value) == (json_int_t)job :
				!strcmp(json_string_value(value), id))
			return item;
	}
	return NULL;
}

static void answer_one(uint64_t token, json_t *item, const char *full)
{
	json_t *one = json_object_get(world, full);

	if (item && json_equal(json_object_get(item, "id"),
			json_object_get(one, "id")))
		item = one;
	if (item)
		admin_answer(rig.server, token, json_deep_copy(item));
	else
		refuse(token, -ENOENT, "id");
}

static void answer_jobs(uint64_t token, const struct admin_query *q)
{
	json_t *all = json_object_get(json_object_get(world, "jobs"), "items");
	json_t *some = json_array(), *job;
	size_t i;

	json_array_foreach(all, i, job) {
		const char *state = json_string_value(json_object_get(job,
			"state"));
		bool open = strcmp(state, "failed") != 0 &&
			strcmp(state, "unverified") != 0;

		if (!q->state || !strcmp(q->state, state) ||
				(!strcmp(q->state, "open") && open))
			json_array_append(some, job);
	}
	admin_answer(rig.server, token, json_pack("{s:o, s:n}", "items", some,
		"next"));
}

static void on_get(void *arg, uint64_t token, const struct admin_query *q)
{
	static const char *const names[] = {"status", "vendors", "links",
		"candidates", "classes", "devices", "device", "offers", "plan",
		"jobs", "job", "images", "history"};

	(void)arg;
	if (q->get == ADMIN_GET_DEVICE)
		answer_one(token, find_item("devices", q->id, 0), "device");
	else if (q->get == ADMIN_GET_JOB)
		answer_one(token, find_item("jobs", "", q->job), "job");
	else if (q->get == ADMIN_GET_JOBS)
		answer_jobs(token, q);
	else
		admin_answer(rig.server, token, json_deep_copy(
			json_object_get(world, names[q->get])));
}

static void on_act(void *arg, uint64_t token, const struct admin_call *call)
{
	const char *words[] = {call->klass, call->peer, call->vendor,
		call->dir, call->device_count ? call->devices[0] : NULL};
	const char *key = call->act == ADMIN_ACT_CHECK ? "check" :
		call->act == ADMIN_ACT_BACKUP ? "backup" :
		call->act == ADMIN_ACT_TRUST_UNLOCK ? "trust" :
		call->act == ADMIN_ACT_UPDATE ? "update" : NULL;

	(void)arg;
	last_call = *call;
	calls++;
	last_word[0] = '\0';
	for (size_t i = 0; i < 5; i++)
		if (words[i])
			snprintf(last_word, sizeof(last_word), "%s", words[i]);
	if (call->act == ADMIN_ACT_UPDATE && !strcmp(last_word, "boiler"))
		key = "update_refused";
	if (key)
		admin_answer(rig.server, token,
			json_deep_copy(json_object_get(world, key)));
	else if (call->job)
		answer_one(token, find_item("jobs", "", call->job), "job");
	else if (call->act == ADMIN_ACT_ENROL)
		answer_one(token, find_item("devices", "lamp-1", 0), "device");
	else if (call->act == ADMIN_ACT_VENDOR_RESET)
		admin_answer(rig.server, token, json_pack("{s:s}", "name",
			call->id));
	else
		answer_one(token, find_item("devices", call->id, 0), "device");
}

static void setup(void)
{
	json_error_t error;

	log_set_level(LOG_LEVEL_ERROR);
	unsetenv("NO_COLOR");
	rig_init(&rig);
	rig.backend.get = on_get;
	rig.backend.act = on_act;
	rig_open(&rig);
	world = json_load_file(HERE "ctl_world.json", 0, &error);
	ck_assert_msg(world != NULL, "%s", error.text);
	calls = 0;
}

static void teardown(void)
{
	json_decref(world);
	rig_done(&rig);
}

/* ---- running ferryctl ---- */

struct run {
	pid_t pid;
	int in;  /* to its stdin, or the pty */
	int out; /* stdout and stderr together */
	struct buf got;
	int code;
};

#define FERRYCTL FERRY_BUILD_DIR "/bin/ferryctl"

static void become(const char *program, const char *const *words,
	const char *locale)
{
	char *argv[WORDS_MAX + 2] = {NULL};

	argv[0] = (char *)(uintptr_t)program;
	for (int i = 0; i < WORDS_MAX && words[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	setenv("FERRY_SOCKET", rig.path, 0);
	setenv("LC_ALL", locale, 1);
	setenv("TZ", "UTC", 1);
	setenv("TERM", "xterm", 1);
	unsetenv("COLUMNS");
	execv(argv[0], argv);
	_exit(99);
}

static void start_program(struct run *r, const char *program,
	const char *const *words, uid_t uid)
{
	int in[2], out[2];

	*r = (struct run){0};
	buf_init(&r->got, 1U << 20);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	r->pid = fork();
	ck_assert_int_ge(r->pid, 0);
	if (r->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		if (uid && setresuid(uid, uid, uid))
			_exit(98);
		become(program, words, "C.UTF-8");
	}
	close(in[0]);
	close(out[1]);
	r->in = in[1];
	r->out = out[0];
}

static void start(struct run *r, const char *const *words)
{
	start_program(r, FERRYCTL, words, 0);
}

static void start_on_tty(struct run *r, const char *const *words,
	unsigned short columns, const char *locale)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	int master;

	*r = (struct run){0};
	buf_init(&r->got, 1U << 20);
	r->pid = forkpty(&master, NULL, NULL, &size);
	ck_assert_int_ge(r->pid, 0);
	if (r->pid == 0)
		become(FERRYCTL, words, locale);
	r->in = master;
	r->out = master;
}

/* Serves the loop and reads until `text` came, or to the end when NULL. */
static void await(struct run *r, const char *text)
{
	char part[4096];
	ssize_t n;

	for (;;) {
		struct pollfd fd = {.fd = r->out, .events = POLLIN};

		if (text && r->got.len && memmem(r->got.at, r->got.len, text,
				strlen(text)))
			return;
		if (poll(&fd, 1, 0) == 0) {
			rig_turn(&rig, r->out);
			continue;
		}
		n = read(r->out, part, sizeof(part));
		if (n <= 0) {
			ck_assert_msg(text == NULL, "no '%s' in: %.*s", text,
				(int)r->got.len, (const char *)r->got.at);
			return;
		}
		ck_assert_int_eq(buf_add(&r->got, part, (size_t)n), 0);
	}
}

static void finish(struct run *r)
{
	int status = 0;

	if (r->in != r->out)
		close(r->in);
	await(r, NULL);
	close(r->out);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	ck_assert_msg(WIFEXITED(status), "ferryctl died of signal %d",
		WTERMSIG(status));
	r->code = WEXITSTATUS(status);
	ck_assert_int_eq(buf_add(&r->got, "", 1), 0);
}

static void done(struct run *r)
{
	buf_done(&r->got);
}

#define RUN(...) ((const char *const[WORDS_MAX]){__VA_ARGS__})

/* ---- golden text ---- */

struct golden_row {
	const char *name; /* golden/NAME.txt */
	int code;
	const char *words[WORDS_MAX];
};

static const struct golden_row golden_rows[] = {
	{"help", 0, {"--help"}},
	{"help-update", 0, {"update", "--help"}},
	{"status", 0, {"status"}},
	{"devices", 0, {"devices"}},
	{"devices-tree", 0, {"devices", "--tree"}},
	{"device-show", 0, {"device", "show", "lamp-1"}},
	{"device-show-sleepy", 0, {"device", "show", "lamp-2"}},
	{"classify", 0, {"classify", "lamp-2", "lamp"}},
	{"device-show-bare", 0, {"device", "show", "boiler"}},
	{"candidates", 0, {"candidates"}},
	{"classes", 0, {"classes"}},
	{"plan", 0, {"plan"}},
	{"plan-nothing", 2, {"plan", "lamp-3", "boiler"}},
	{"check", 0, {"check", "acme"}},
	{"jobs", 0, {"jobs"}},
	{"jobs-open", 0, {"jobs", "--open"}},
	{"job", 0, {"job", "42"}},
	{"explain-transferring", 0, {"explain", "42"}},
	{"explain-waiting", 0, {"explain", "43"}},
	{"explain-failed", 0, {"explain", "44"}},
	{"history", 0, {"history"}},
	{"images", 0, {"images"}},
	{"links", 0, {"links"}},
	{"vendors", 0, {"vendors"}},
	{"vendor", 0, {"vendor", "show", "acme"}},
	{"vendor-unknown", 3, {"vendor", "show", "nobody"}},
	{"offers", 0, {"offers"}},
	{"update", 0, {"update", "lamp-1", "lamp-3"}},
	{"update-refused", 1, {"update", "boiler"}},
	{"approve-two", 0, {"approve", "43", "42"}},
	{"cancel-unknown", 3, {"cancel", "42", "999"}},
	{"device-unknown", 3, {"device", "show", "nobody"}},
	{"backup", 0, {"backup", "/var/backups/ferry"}},
	{"json-check", 0, {"check", "--json"}},
	{"json-problem", 3, {"--json", "job", "999"}},
	{"usage-near-verb", 4, {"device", "lamp-1"}},
	{"usage-typo", 4, {"stauts"}},
	{"usage-typo-option", 4, {"update", "--al"}},
	{"usage-foreign-option", 4, {"status", "--tree"}},
	{"usage-no-value", 4, {"jobs", "--device"}},
	{"usage-words", 4, {"enrol", "key"}},
	{"usage-all-and-some", 4, {"update", "--all", "lamp-1"}},
};

static void check_golden(const char *name, const char *text)
{
	const char *mode = getenv("FERRY_GOLDEN");
	char path[512], want[65536];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), HERE "golden/%s.txt", name);
	if (mode && !strcmp(mode, "write")) {
		file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		fputs(text, file);
		fclose(file);
		return;
	}
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "no %s", path);
	n = fread(want, 1, sizeof(want) - 1, file);
	want[n] = '\0';
	fclose(file);
	ck_assert_msg(!strcmp(want, text), "%s differs:\n%s\n--- got:\n%s",
		name, want, text);
}

START_TEST(output_is_golden)
{
	const struct golden_row *row = &golden_rows[_i];
	struct run run;

	start(&run, row->words);
	finish(&run);
	check_golden(row->name, (const char *)run.got.at);
	ck_assert_msg(run.code == row->code, "%s: exit code %d", row->name,
		run.code);
	/* Nothing from outside may steer the terminal. */
	ck_assert_ptr_null(strchr((const char *)run.got.at, '\033'));
	done(&run);
}
END_TEST

/* ---- what reaches ferryd ---- */

START_TEST(enrol_sends_key_class_and_name)
{
	struct run run;

	start(&run, RUN("enrol", "usb2/1209:0001:A1", "lamp", "--id", "hall"));
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert_int_eq(last_call.act, ADMIN_ACT_ENROL);
	ck_assert_str_eq(last_word, "lamp");
	done(&run);
}
END_TEST

START_TEST(device_enrol_is_enrol)
{
	struct run run;

	start(&run, RUN("device", "enrol", "k", "lamp"));
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert_int_eq(last_call.act, ADMIN_ACT_ENROL);
	done(&run);
}
END_TEST

START_TEST(retry_failed_retries_every_failed_job)
{
	struct run run;

	start(&run, RUN("retry", "--failed"));
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert_int_eq(last_call.act, ADMIN_ACT_RETRY);
	ck_assert_uint_eq(last_call.job, 44);
	ck_assert_uint_eq(calls, 1);
	done(&run);
}
END_TEST

START_TEST(update_passes_its_options)
{
	struct run run;

	start(&run, RUN("update", "--all", "--at=2026-11-21T22:00:00Z",
		"--window", "22:00-05:00", "--allow-downgrade", "-y"));
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert(last_call.all);
	ck_assert(last_call.allow_downgrade);
	ck_assert_int_eq(last_call.at_ms, 1795298400000);
	done(&run);
}
END_TEST

START_TEST(words_behind_two_dashes_are_no_options)
{
	struct run run;

	start(&run, RUN("forget", "--", "--all"));
	finish(&run);
	ck_assert_int_eq(run.code, 3);
	ck_assert_int_eq(last_call.act, ADMIN_ACT_FORGET);
	done(&run);
}
END_TEST

START_TEST(vendor_reset_sends_the_file)
{
	char path[128];
	struct run run;
	FILE *file;

	snprintf(path, sizeof(path), "%s/root", rig.dir);
	file = fopen(path, "w");
	fputs("not a root, but bytes", file);
	fclose(file);
	start(&run, RUN("vendor", "reset", "acme", "--root", path));
	finish(&run);
	unlink(path);
	ck_assert_int_eq(run.code, 0);
	ck_assert_int_eq(last_call.act, ADMIN_ACT_VENDOR_RESET);
	ck_assert_uint_eq(last_call.root.len, 21);
	done(&run);
}
END_TEST

/* ---- completion ---- */

struct completion_row {
	const char *line;
	const char *want; /* sorted, with blanks */
};

static const struct completion_row completion_rows[] = {
	{"ferryctl stat", "status"},
	{"ferryctl device ", "classify enrol forget replace show"},
	{"ferryctl device sh", "show"},
	/* The id that could steer a terminal is left out. */
	{"ferryctl device show ", "boiler lamp-1 lamp-2 lamp-3"},
	{"ferryctl device show lamp-1 ", ""},
	{"ferryctl update lamp-1 lam", "lamp-1 lamp-2 lamp-3"},
	{"ferryctl update --wait --at 2026 boi", "boiler"},
	{"ferryctl update --al", "--all --allow-downgrade"},
	{"ferryctl pause ", "41 42 43 44"},
	{"ferryctl enrol usb2/1209:0001:", "A1"},
	{"ferryctl enrol usb2/1209:0001:A1 la", "lamp"},
	{"ferryctl jobs --state un", "unverified"},
	{"ferryctl jobs --device lamp-3", "lamp-3"},
	{"ferryctl check ac", "acme"},
	{"ferryctl --socket /nonexistent device show ", ""},
	{"ferryctl nonsense ", ""},
	{"ferryctl trust ", "unlock"},
	{"ferryctl devices --t", "--tree"},
	{"ferryctl status ", ""},
};

START_TEST(completion_by_table)
{
	static const char script[] = ". \"$1\"; PATH=$2:$PATH COMP_LINE=$3 "
		"COMP_POINT=${#3}; COMP_WORDBREAKS=$' \\t\\n\"><=;|&(:'; "
		"_ferryctl; printf '%s\\n' \"${COMPREPLY[@]}\" | sort | "
		"tr '\\n' ' ' | sed 's/^ *//; s/ *$//'";
	const struct completion_row *row = &completion_rows[_i];
	struct run run;

	start_program(&run, "/bin/bash", (const char *const[WORDS_MAX]){
		"--norc", "-c", script, "bash", FERRY_SOURCE_DIR
		"/tools/packaging/completions/ferryctl",
		FERRY_BUILD_DIR "/bin", row->line}, 0);
	finish(&run);
	ck_assert_msg(!strcmp((char *)run.got.at, row->want), "%s: '%s'",
		row->line, (char *)run.got.at);
	done(&run);
}
END_TEST

/* ---- when ferryd cannot be reached ---- */

START_TEST(restore_while_ferryd_runs_says_what_to_do)
{
	struct run run;

	start(&run, RUN("restore", "/var/backups/ferry"));
	finish(&run);
	ck_assert_int_eq(run.code, 1);
	ck_assert(strstr((char *)run.got.at, "ferryd runs; it must be stopped"));
	ck_assert(strstr((char *)run.got.at,
		"sudo ferryd --restore '/var/backups/ferry'"));
	ck_assert_uint_eq(calls, 0);
	done(&run);
}
END_TEST

START_TEST(no_daemon_is_said_clearly)
{
	struct run run;
	char path[128];

	snprintf(path, sizeof(path), "%s/nothing", rig.dir);
	start(&run, RUN("status", "--socket", path));
	finish(&run);
	ck_assert_int_eq(run.code, 4);
	ck_assert_ptr_nonnull(strstr((char *)run.got.at,
		"ferryd is not running: nobody answers at "));
	ck_assert_ptr_nonnull(strstr((char *)run.got.at, "hint: systemctl"));
	done(&run);
}
END_TEST

START_TEST(dead_socket_is_no_daemon)
{
	struct run run;

	rig_close(&rig);
	ck_assert_int_ge(mknod(rig.path, S_IFSOCK | 0600, 0), 0);
	start(&run, RUN("status"));
	finish(&run);
	ck_assert_int_eq(run.code, 4);
	ck_assert_ptr_nonnull(strstr((char *)run.got.at, "is not running"));
	done(&run);
}
END_TEST

START_TEST(denied_socket_names_the_group)
{
	struct run run;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(rig.path, 0600), 0);
	start_program(&run, FERRYCTL, RUN("status"), 5000);
	finish(&run);
	ck_assert_int_eq(run.code, 4);
	ck_assert_ptr_nonnull(strstr((char *)run.got.at, "permission denied"));
	ck_assert_ptr_nonnull(strstr((char *)run.got.at, "group 'root'"));
	done(&run);
}
END_TEST

/* ---- on a terminal ---- */

static bool has(const struct run *r, const char *text)
{
	return memmem(r->got.at, r->got.len, text, strlen(text)) != NULL;
}

/* Columns of a line of UTF-8 with colours, up to its end. */
static unsigned columns_of(const char *at)
{
	unsigned columns = 0;

	for (; *at && *at != '\r' && *at != '\n'; at++) {
		if (*at == '\033')
			at += strcspn(at, "m");
		else
			columns += ((unsigned char)*at & 0xc0) != 0x80;
	}
	return columns;
}

START_TEST(tty_gets_colours_and_fitting_tables)
{
	struct run run;
	const char *at;

	start_on_tty(&run, RUN("links"), 80, "C.UTF-8");
	finish(&run);
	ck_assert(has(&run, "\033[32mup\033[0m"));
	ck_assert(has(&run, "\xe2\x80\xa6")); /* something was cut */
	at = (const char *)run.got.at;
	while (*at) {
		ck_assert_msg(columns_of(at) <= 80, "%s", at);
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	done(&run);
}
END_TEST

START_TEST(tty_explain_wraps_long_lines)
{
	static const char *const verbs[][3] = {{"explain", "42"},
		{"device", "show", "lamp-1"}};
	struct run run;
	const char *at;

	start_on_tty(&run, RUN(verbs[_i][0], verbs[_i][1], verbs[_i][2]), 44,
		"C.UTF-8");
	finish(&run);
	ck_assert(has(&run, "not-evaluated:"));
	at = strstr((const char *)run.got.at, _i ? "passed " : "Job 42");
	ck_assert_ptr_nonnull(at);
	for (int lines = 0; lines < (_i ? 3 : 12); lines++) {
		ck_assert_msg(columns_of(at) <= 44, "%s", at);
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	done(&run);
}
END_TEST

START_TEST(tty_with_no_color_gets_none)
{
	struct run run;

	setenv("NO_COLOR", "1", 1);
	start_on_tty(&run, RUN("links"), 80, "C.UTF-8");
	finish(&run);
	ck_assert(has(&run, "usb0"));
	ck_assert(!has(&run, "\033"));
	done(&run);
}
END_TEST

START_TEST(tty_without_utf8_gets_ascii)
{
	struct run run;

	start_on_tty(&run, RUN("devices", "--tree"), 100, "C");
	finish(&run);
	for (size_t i = 0; i + 1 < run.got.len; i++)
		ck_assert_uint_lt(run.got.at[i], 0x80);
	ck_assert(has(&run, "`- "));
	done(&run);
}
END_TEST

START_TEST(tty_update_shows_from_to_and_asks)
{
	struct run run;

	start_on_tty(&run, RUN("update", "lamp-1", "lamp-2"), 120, "C.UTF-8");
	await(&run, "Update 2 devices? [y/N] ");
	ck_assert_uint_eq(calls, 0);
	ck_assert(has(&run, "1.2.0"));
	ck_assert(has(&run, "1.3.0"));
	ck_assert(has(&run, "opening the port resets this device"));
	ck_assert_int_eq(write(run.in, "n\n", 2), 2);
	finish(&run);
	ck_assert_int_eq(run.code, 2);
	ck_assert_uint_eq(calls, 0);
	done(&run);
}
END_TEST

START_TEST(tty_update_yes_acts)
{
	struct run run;

	start_on_tty(&run, RUN("update", "lamp-1"), 120, "C.UTF-8");
	await(&run, "Update 1 device? [y/N] ");
	ck_assert_int_eq(write(run.in, "y\n", 2), 2);
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert_int_eq(last_call.act, ADMIN_ACT_UPDATE);
	ck_assert_str_eq(last_word, "lamp-1");
	done(&run);
}
END_TEST

/* ---- following ---- */

static void await_watcher(struct run *r)
{
	while (!admin_is_watched(rig.server))
		rig_turn(&rig, r->out);
}

static json_t *set_job(const char *state)
{
	json_t *jobs = json_object_get(json_object_get(world, "jobs"),
		"items");
	json_t *job = json_array_get(jobs, 2);

	json_object_set_new(json_object_get(world, "job"), "state",
		json_string(state));
	json_object_set_new(job, "state", json_string(state));
	return job;
}

static void send_progress(int offset)
{
	json_t *p = json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:i}", "job", 42,
		"device", "lamp-1", "state", "transferring", "offset", offset,
		"total", 262144, "rate_bps", 8200, "eta_s", 3);

	admin_event(rig.server, "progress", p);
	json_decref(p);
}

START_TEST(watch_job_prints_lines_until_it_is_done)
{
	struct run run;

	start(&run, RUN("watch", "42"));
	await(&run, "job 42  lamp-1  1.2.0 \xe2\x86\x92 1.3.0  transferring"
		"  62 %  8.2 kB/s\n");
	send_progress(170000);
	send_progress(200000);
	await(&run, "transferring  76 %");
	admin_event(rig.server, "job", set_job("verifying"));
	await(&run, "verifying\n");
	admin_event(rig.server, "job", set_job("done"));
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert(has(&run, "  done\n"));
	ck_assert(!has(&run, "  64 %"));
	done(&run);
}
END_TEST

START_TEST(watch_job_that_fails_exits_1)
{
	struct run run;

	start(&run, RUN("watch", "42"));
	await(&run, "transferring");
	admin_event(rig.server, "job", set_job("failed"));
	finish(&run);
	ck_assert_int_eq(run.code, 1);
	done(&run);
}
END_TEST

START_TEST(watch_job_that_has_ended_returns_at_once)
{
	struct run run;

	start(&run, RUN("watch", "41"));
	finish(&run);
	ck_assert_int_eq(run.code, 1);
	ck_assert(has(&run, "unverified  (the version could not be read back)"));
	done(&run);
}
END_TEST

START_TEST(update_wait_draws_a_bar_on_a_terminal)
{
	struct run run;

	start_on_tty(&run, RUN("update", "lamp-1", "--yes", "--wait"), 100,
		"C.UTF-8");
	await(&run, "\xe2\x96\x88");
	send_progress(200000);
	await(&run, " 76 %  8.2 kB/s  ETA 3 s");
	ck_assert(has(&run, "\033[1A\033[J"));
	admin_event(rig.server, "job", set_job("done"));
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert(has(&run, "\033[32mdone\033[0m"));
	done(&run);
}
END_TEST

START_TEST(watch_json_prints_one_line_an_event)
{
	struct run run;

	start(&run, RUN("watch", "--json", "--types", "progress"));
	await_watcher(&run);
	send_progress(1000);
	await(&run, "{\"event\":\"progress\",\"data\":{\"job\":42,");
	kill(run.pid, SIGTERM);
	while (waitpid(run.pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(run.in);
	close(run.out);
	done(&run);
}
END_TEST

START_TEST(watch_survives_a_restart_of_ferryd)
{
	struct run run;

	start(&run, RUN("watch", "42"));
	await(&run, "transferring");
	rig_close(&rig);
	await(&run, "ferryd went away; waiting for it\n");
	set_job("done");
	rig_open(&rig);
	finish(&run);
	ck_assert_int_eq(run.code, 0);
	ck_assert(has(&run, "  done\n"));
	done(&run);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl");
	TCase *c = tcase_create("ctl");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, output_is_golden, 0,
		(int)(sizeof(golden_rows) / sizeof(*golden_rows)));
	tcase_add_test(c, enrol_sends_key_class_and_name);
	tcase_add_test(c, device_enrol_is_enrol);
	tcase_add_test(c, retry_failed_retries_every_failed_job);
	tcase_add_test(c, update_passes_its_options);
	tcase_add_test(c, words_behind_two_dashes_are_no_options);
	tcase_add_test(c, vendor_reset_sends_the_file);
	tcase_add_loop_test(c, completion_by_table, 0,
		(int)(sizeof(completion_rows) / sizeof(*completion_rows)));
	tcase_add_test(c, restore_while_ferryd_runs_says_what_to_do);
	tcase_add_test(c, no_daemon_is_said_clearly);
	tcase_add_test(c, dead_socket_is_no_daemon);
	tcase_add_test(c, denied_socket_names_the_group);
	tcase_add_test(c, tty_gets_colours_and_fitting_tables);
	tcase_add_loop_test(c, tty_explain_wraps_long_lines, 0, 2);
	tcase_add_test(c, tty_with_no_color_gets_none);
	tcase_add_test(c, tty_without_utf8_gets_ascii);
	tcase_add_test(c, tty_update_shows_from_to_and_asks);
	tcase_add_test(c, tty_update_yes_acts);
	tcase_add_test(c, watch_job_prints_lines_until_it_is_done);
	tcase_add_test(c, watch_job_that_fails_exits_1);
	tcase_add_test(c, watch_job_that_has_ended_returns_at_once);
	tcase_add_test(c, update_wait_draws_a_bar_on_a_terminal);
	tcase_add_test(c, watch_json_prints_one_line_an_event);
	tcase_add_test(c, watch_survives_a_restart_of_ferryd);
	suite_add_tcase(s, c);
	return unit_run(s);
}

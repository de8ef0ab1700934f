#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REPEAT_SLOTS 64
#define REPEAT_MAX 20
#define REPEAT_WINDOW_S 10

struct repeat {
	char module[24];
	char message[64];
	time_t since;
	unsigned count;
	unsigned held;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level level_max = LOG_LEVEL_INFO;
static char debug_modules[256];
static struct repeat repeats[REPEAT_SLOTS];
static void (*sink_fn)(void *arg, enum log_level level, const char *line);
static void *sink_arg;

static const char *const names[] = {"error", "warn", "info", "debug"};
static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};

void log_set_level(enum log_level level)
{
	pthread_mutex_lock(&lock);
	level_max = level;
	pthread_mutex_unlock(&lock);
}

void log_set_debug(const char *modules)
{
	pthread_mutex_lock(&lock);
	snprintf(debug_modules, sizeof(debug_modules), "%s",
		modules ? modules : "");
	pthread_mutex_unlock(&lock);
}

void log_set_sink(void (*sink)(void *arg, enum log_level level,
		const char *line), void *arg)
{
	pthread_mutex_lock(&lock);
	sink_fn = sink;
	sink_arg = arg;
	pthread_mutex_unlock(&lock);
}

static bool debug_wanted(const char *module)
{
	size_t len = strlen(module);
	const char *at = debug_modules;

	while (*at) {
		size_t n = strcspn(at, ",");

		if ((n == 1 && *at == '*') ||
				(n == len && !memcmp(at, module, n)))
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

static bool wanted(enum log_level level, const char *module)
{
	if (level == LOG_LEVEL_DEBUG)
		return level_max >= LOG_LEVEL_DEBUG || debug_wanted(module);
	return level <= level_max;
}

/* Returns false when the line is held back; *ret_held says how many were held
 * back before one that goes out again. */
static bool repeat_pass(const char *module, const char *message, time_t now,
	unsigned *ret_held)
{
	unsigned hash = 5381;
	struct repeat *r;

	*ret_held = 0;
	for (const char *p = module; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	for (const char *p = message; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	r = &repeats[hash % REPEAT_SLOTS];
	if (strncmp(r->module, module, sizeof(r->module) - 1) ||
			strncmp(r->message, message, sizeof(r->message) - 1) ||
			now - r->since >= REPEAT_WINDOW_S) {
		*ret_held = r->held;
		*r = (struct repeat){.since = now};
		snprintf(r->module, sizeof(r->module), "%s", module);
		snprintf(r->message, sizeof(r->message), "%s", message);
	}
	if (++r->count <= REPEAT_MAX)
		return true;
	r->held++;
	return false;
}

static size_t put_head(char *line, size_t size, enum log_level level,
	const char *module, const char *message)
{
	static int journal = -1;
	struct timespec now;
	struct tm tm;
	char stamp[32] = "";
	int n;

	if (journal < 0)
		journal = getenv("JOURNAL_STREAM") != NULL; // NOLINT(concurrency-mt-unsafe)
	if (!journal) {
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		n = (int)strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
		snprintf(stamp + n, sizeof(stamp) - (size_t)n, ".%03ld ",
			now.tv_nsec / 1000000);
	}
	n = snprintf(line, size, "%s%s%-5s %s: %s",
		journal ? priorities[level] : "", stamp, names[level], module,
		message);
	return n < 0 ? 0 : (size_t)n >= size ? size - 1 : (size_t)n;
}

void log_line(enum log_level level, const char *module, const char *message,
	const char *format, ...)
{
	char line[1024];
	struct timespec now;
	va_list args;
	unsigned held;
	size_t n;

	pthread_mutex_lock(&lock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	held = 0;
	if (!wanted(level, module) || (level != LOG_LEVEL_INFO &&
			!repeat_pass(module, message, now.tv_sec, &held))) {
		pthread_mutex_unlock(&lock);
		return;
	}
	n = put_head(line, sizeof(line) - 1, level, module, message);
	if (format && *format) {
		line[n++] = ' ';
		va_start(args, format);
		int more = vsnprintf(line + n, sizeof(line) - 1 - n, format,
			args);
		va_end(args);
		if (more > 0)
			n = n + (size_t)more < sizeof(line) - 2 ?
				n + (size_t)more : sizeof(line) - 2;
	}
	if (held) {
		int more = snprintf(line + n, sizeof(line) - 1 - n,
			" held_back=%u", held);
		if (more > 0)
			n = n + (size_t)more < sizeof(line) - 2 ?
				n + (size_t)more : sizeof(line) - 2;
	}
	line[n] = '\0';
	if (sink_fn) {
		sink_fn(sink_arg, level, line);
	} else {
		line[n] = '\n';
		if (write(STDERR_FILENO, line, n + 1) < 0) {
			/* Nowhere left to say it. */
		}
	}
	pthread_mutex_unlock(&lock);
}

/* Log lines: a short fixed message, then key=value.
 *
 *   log_warn("relay", "chunk refused", "device=%s code=%s", id, err_name(e));
 *
 * error: an operator must act; warn: carried on, and says so; info: one line a
 * life-cycle event; debug: off by default, per module. Lines go to stderr, one
 * write each, with the systemd priority prefix when stderr is a journal. The
 * same message of the same module more than 20 times in 10 s is held back and
 * counted, but for info, which nobody outside can provoke at will. Values from outside go through bytes_to_printable() first. Any
 * thread. */
#ifndef FERRY_BASE_LOG_H
#define FERRY_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_line(enum log_level level, const char *module, const char *message,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_error(module, ...) log_line(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...) log_line(LOG_LEVEL_WARN, module, __VA_ARGS__)
#define log_info(module, ...) log_line(LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_line(LOG_LEVEL_DEBUG, module, __VA_ARGS__)

/* Lines above `level` are dropped. Default: info. */
void log_set_level(enum log_level level);

/* A comma-separated list of modules whose debug lines are shown; "*" for all.
 * NULL or "" for none. Copied; at most 255 bytes. */
void log_set_debug(const char *modules);

/* Where lines go instead of stderr (tests). NULL restores stderr. */
void log_set_sink(void (*sink)(void *arg, enum log_level level,
		const char *line), void *arg);

#endif

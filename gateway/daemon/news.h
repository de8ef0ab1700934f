/* What the daemon's objects tell whoever watches them: that one of them is not
 * what it was. They know nothing of who listens; without a watcher, telling
 * costs nothing. Loop thread.
 *
 * Embedded in the gateway, all zero at first. */
#ifndef FERRY_GATEWAY_DAEMON_NEWS_H
#define FERRY_GATEWAY_DAEMON_NEWS_H

#include <stdbool.h>

struct alarm_row;
struct device;
struct job;
struct line;
struct release;
struct vendor;

/* Called from inside whatever changed the object, which is borrowed for the
 * call: a watcher looks, and changes nothing. None may be NULL. */
struct news_watcher {
	void (*on_job)(void *arg, const struct job *j);
	void (*on_progress)(void *arg, const struct job *j);
	void (*on_device)(void *arg, const struct device *d);
	void (*on_forgotten)(void *arg, const char *device);
	void (*on_candidate)(void *arg, const char *link, const char *key);
	void (*on_line)(void *arg, const struct line *l);
	void (*on_vendor)(void *arg, const struct vendor *v);
	void (*on_release)(void *arg, const struct release *r);
	void (*on_alarm)(void *arg, const struct alarm_row *a, bool cleared);
};

struct news {
	const struct news_watcher *watcher; /* NULL: nobody looks */
	void *arg;
};

void news_job(const struct news *n, const struct job *j);
void news_progress(const struct news *n, const struct job *j);
void news_device(const struct news *n, const struct device *d);
void news_forgotten(const struct news *n, const char *device);
void news_candidate(const struct news *n, const char *link, const char *key);
void news_line(const struct news *n, const struct line *l);
void news_vendor(const struct news *n, const struct vendor *v);
void news_release(const struct news *n, const struct release *r);
void news_alarm(const struct news *n, const struct alarm_row *a, bool cleared);

#endif

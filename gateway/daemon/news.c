#include "gateway/daemon/news.h"

void news_job(const struct news *n, const struct job *j)
{
	if (n->watcher)
		n->watcher->on_job(n->arg, j);
}

void news_progress(const struct news *n, const struct job *j)
{
	if (n->watcher)
		n->watcher->on_progress(n->arg, j);
}

void news_device(const struct news *n, const struct device *d)
{
	if (n->watcher)
		n->watcher->on_device(n->arg, d);
}

void news_forgotten(const struct news *n, const char *device)
{
	if (n->watcher)
		n->watcher->on_forgotten(n->arg, device);
}

void news_candidate(const struct news *n, const char *link, const char *key)
{
	if (n->watcher)
		n->watcher->on_candidate(n->arg, link, key);
}

void news_line(const struct news *n, const struct line *l)
{
	if (n->watcher)
		n->watcher->on_line(n->arg, l);
}

void news_vendor(const struct news *n, const struct vendor *v)
{
	if (n->watcher)
		n->watcher->on_vendor(n->arg, v);
}

void news_release(const struct news *n, const struct release *r)
{
	if (n->watcher)
		n->watcher->on_release(n->arg, r);
}

void news_alarm(const struct news *n, const struct alarm_row *a, bool cleared)
{
	if (n->watcher)
		n->watcher->on_alarm(n->arg, a, cleared);
}

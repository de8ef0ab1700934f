#include "gateway/daemon/gateway.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>

#include "base/log.h"

#define TIME_LAST_S 253402300799u /* 9999-12-31T23:59:59Z */

unsigned gateway_name_hash(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*name)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash ^ hash >> 16;
}

int64_t gateway_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t gateway_ms(uint64_t seconds)
{
	return 1000 * (int64_t)(seconds < TIME_LAST_S ? seconds : TIME_LAST_S);
}

/* Whether the kernel believes that something disciplines the clock. */
static bool kernel_is_synchronised(void)
{
	struct timex t = {0};

	int state = adjtimex(&t);

	return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}

/* Asked for once a second: all jobs judge by it in every turn of the loop, and the
 * kernel takes its time to answer. One loop thread. */
static bool is_synchronised(uint64_t boot_s)
{
	static uint64_t asked_s = UINT64_MAX;
	static bool answer;

	if (asked_s != boot_s)
		answer = kernel_is_synchronised();
	asked_s = boot_s;
	return answer;
}

struct trust_clock gateway_clock(const struct gateway *g)
{
	struct trust_clock clock = {.build = FERRY_BUILD_TIME};
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	clock.boot = (uint64_t)now.tv_sec;
	clock_gettime(CLOCK_REALTIME, &now);
	clock.system = (uint64_t)now.tv_sec;
	switch (g->config->clock) {
	case CONFIG_CLOCK_AUTO:
		clock.synchronised = is_synchronised(clock.boot);
		break;
	case CONFIG_CLOCK_SYNCHRONISED:
		clock.synchronised = true;
		break;
	case CONFIG_CLOCK_UNTRUSTED:
		clock.synchronised = false;
		break;
	}
	return clock;
}

static void on_wake(uv_timer_t *timer)
{
	struct gateway *g = timer->data;
	bool replan;

	if (g->stopping)
		return;
	g->waking = false;
	replan = g->replan;
	g->replan = false;
	g->on_wake(g, replan);
}

void gateway_wake(struct gateway *g)
{
	if (!g->ready || g->stopping || g->waking)
		return;
	g->waking = true;
	uv_timer_start(&g->wake_timer, on_wake, 0, 0);
}

void gateway_replan(struct gateway *g)
{
	g->replan = true;
	gateway_wake(g);
}

void gateway_wake_at(struct gateway *g, uint64_t in_ms)
{
	if (!g->ready || g->stopping || g->waking)
		return;
	if (uv_is_active((uv_handle_t *)&g->wake_timer) &&
			uv_timer_get_due_in(&g->wake_timer) <= in_ms)
		return;
	uv_timer_start(&g->wake_timer, on_wake, in_ms, 0);
}

/* ---- alarms ---- */

static struct alarm_row *alarm_find(struct gateway *g, const char *code)
{
	for (unsigned i = 0; i < g->alarm_count; i++)
		if (!strcmp(g->alarms[i].code, code))
			return &g->alarms[i];
	return NULL;
}

void gateway_alarm(struct gateway *g, const char *code, const char *hint,
	const char *text, ...)
{
	struct alarm_row *row = alarm_find(g, code);
	char line[sizeof(row->text)];
	va_list args;

	va_start(args, text);
	vsnprintf(line, sizeof(line), text, args);
	va_end(args);
	if (row && !strcmp(row->text, line))
		return;
	if (!row) {
		if (g->alarm_count == GATEWAY_ALARMS_MAX)
			return;
		row = &g->alarms[g->alarm_count++];
		*row = (struct alarm_row){.since_ms = gateway_wall_ms()};
		snprintf(row->code, sizeof(row->code), "%s", code);
	}
	memcpy(row->text, line, sizeof(row->text));
	snprintf(row->hint, sizeof(row->hint), "%s", hint ? hint : "");
	log_error("gateway", "alarm", "code=%s text=\"%s\" hint=\"%s\"",
		row->code, row->text, row->hint);
	news_alarm(&g->news, row, false);
}

void gateway_alarm_clear(struct gateway *g, const char *code)
{
	struct alarm_row *row = alarm_find(g, code);

	if (!row)
		return;
	log_info("gateway", "alarm cleared", "code=%s", code);
	news_alarm(&g->news, row, true);
	*row = g->alarms[--g->alarm_count];
}

/* ---- commits ---- */

struct pending_commit {
	struct gateway *gateway;
	store_cb cb;
	void *arg;
};

static void commit_alarm(struct gateway *g, int status)
{
	gateway_alarm(g, "store", status == -ENOSPC ?
		"make room in the state folder" :
		"look at the state folder and its file system",
		"a change could not be stored: %s", err_text(status));
}

static void on_committed(void *arg, int status)
{
	struct pending_commit *p = arg;

	if (status && status != ERR_STORE_LOCKED)
		commit_alarm(p->gateway, status);
	else if (!status)
		gateway_alarm_clear(p->gateway, "store");
	if (p->cb)
		p->cb(p->arg, status);
	free(p);
}

int gateway_commit(struct gateway *g, struct store_commit *take_commit,
	store_cb cb, void *arg)
{
	struct pending_commit *p = malloc(sizeof(*p));
	int err;

	if (!p) {
		store_commit_free(take_commit);
		commit_alarm(g, -ENOMEM);
		return -ENOMEM;
	}
	*p = (struct pending_commit){g, cb, arg};
	err = store_commit_send(g->store, take_commit, on_committed, p);
	if (err) {
		free(p);
		commit_alarm(g, err);
	}
	return err;
}

void gateway_history(struct store_commit *c, const char *kind,
	const char *vendor, const char *device, uint64_t job, const char *who,
	const char *detail)
{
	struct history_row row = {.at_ms = gateway_wall_ms(), .job = job};

	snprintf(row.kind, sizeof(row.kind), "%s", kind);
	snprintf(row.vendor, sizeof(row.vendor), "%s", vendor ? vendor : "");
	snprintf(row.device, sizeof(row.device), "%s", device ? device : "");
	snprintf(row.who, sizeof(row.who), "%s", who ? who : "");
	snprintf(row.detail, sizeof(row.detail), "%s", detail ? detail : "{}");
	store_commit_history(c, &row);
}

/* ---- classes ---- */

const struct config_class *gateway_class(const struct gateway *g,
	const char *name)
{
	return config_class_find(g->config, name);
}

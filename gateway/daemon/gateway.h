/* The daemon's own objects and how they hang together. Internal to
 * gateway/daemon; everything here belongs to the loop thread.
 *
 *   gateway -> vendors  (vendor.h)   link, poll, roots, catalog of one vendor
 *           -> releases (release.h)  one manifest: fetched, verified or refused
 *           -> lines    (line.h)     one link of links.d: a transport instance
 *           -> children (child.h)    what is kept beside a registry device
 *           -> jobs     (job.h)      one release for one device
 *
 * An object never frees another; it asks by the functions of its header. After
 * anything that may change what should happen next, gateway_wake() is called: it
 * plans and schedules once from the loop, however often it was called. */
#ifndef FERRY_GATEWAY_DAEMON_GATEWAY_H
#define FERRY_GATEWAY_DAEMON_GATEWAY_H

#include <uv.h>

#include "devices/registry.h"
#include "gateway/config/config.h"
#include "gateway/daemon/floors.h"
#include "gateway/daemon/news.h"
#include "policy/trust/trust.h"
#include "store/cache.h"
#include "store/db.h"

struct admin_server;
struct authority;
struct vendor;
struct release;
struct line;
struct child;
struct job;

#define GATEWAY_ALARMS_MAX 32
#define GATEWAY_CHILD_BUCKETS 256
#define GATEWAY_LINE_BUCKETS 128
#define ALARM_CODE_SIZE 96 /* "catalog-expired:" and a whole name */

/* Something an operator must act on. Known by its code. */
struct alarm_row {
	char code[ALARM_CODE_SIZE];
	char text[600]; /* of a refused configuration: file, field, rule */
	char hint[160];
	int64_t since_ms;
};

struct gateway {
	uv_loop_t *loop;
	struct config *config;
	struct store *store;
	struct cache *cache;
	struct registry *registry;
	const struct device_class *class_list[CONFIG_CLASSES_MAX];
	struct admin_server *admin;

	struct authority *authority; /* who speaks for which class */
	struct vendor *vendors;
	struct release *releases;
	struct line *lines;
	struct line *line_index[GATEWAY_LINE_BUCKETS]; /* by name */
	uint64_t last_line;
	struct child *children;
	struct child *child_index[GATEWAY_CHILD_BUCKETS]; /* by id */
	struct job *jobs; /* open ones */

	struct floors floors;
	struct news news;

	uint64_t next_job_id;
	uint64_t outbox_count;
	uint64_t ended_done, ended_failed, ended_unverified;
	unsigned transfers;   /* jobs that hold a slot, see job.h */
	unsigned sessions;    /* of jobs, until they have closed */
	unsigned inventories; /* sessions that only read */

	struct alarm_row alarms[GATEWAY_ALARMS_MAX];
	unsigned alarm_count;

	/* Plans, when something changed that the plan depends on, and
	 * schedules. */
	void (*on_wake)(struct gateway *g, bool replan);
	uv_timer_t wake_timer;
	uv_timer_t tick_timer;  /* hourly: time bounds */
	bool waking;
	bool replan; /* something changed that the plan depends on */
	bool trust_locked;
	bool ready;    /* everything of the databases is in memory */
	bool stopping;
	int64_t started_ms;
};

/* For an index by name: modulo the number of its buckets. */
unsigned gateway_name_hash(const char *name);

/* Wall clock in milliseconds since 1970, for records and people. */
int64_t gateway_wall_ms(void);

/* Seconds that somebody signed, in milliseconds; at most the year 9999. */
int64_t gateway_ms(uint64_t seconds);

/* What the clocks say, for policy/trust. */
struct trust_clock gateway_clock(const struct gateway *g);

/* Schedules soon, plans before that, or schedules `in_ms` later at the latest. */
void gateway_wake(struct gateway *g);
void gateway_replan(struct gateway *g);
void gateway_wake_at(struct gateway *g, uint64_t in_ms);

/* Raises an alarm once, or clears it; both tell watchers and the log. */
void gateway_alarm(struct gateway *g, const char *code, const char *hint,
	const char *text, ...) __attribute__((format(printf, 4, 5)));
void gateway_alarm_clear(struct gateway *g, const char *code);

/* Sends a commit; a failure raises the alarm "store". `cb` may be NULL. When the
 * commit cannot even be queued, `cb` is not called and the error is returned. */
int gateway_commit(struct gateway *g, struct store_commit *take_commit,
	store_cb cb, void *arg);

/* One entry of the history; texts may be NULL. `detail` is JSON or NULL. */
void gateway_history(struct store_commit *c, const char *kind,
	const char *vendor, const char *device, uint64_t job, const char *who,
	const char *detail);

const struct config_class *gateway_class(const struct gateway *g,
	const char *name);

#endif

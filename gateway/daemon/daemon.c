#include "gateway/daemon/daemon.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/daemon/backend.h"
#include "gateway/daemon/backend_rules.h"
#include "gateway/daemon/check.h"
#include "gateway/daemon/inventory.h"
#include "gateway/daemon/job.h"
#include "gateway/daemon/lines.h"
#include "gateway/daemon/radio.h"
#include "gateway/daemon/schedule.h"
#include "gateway/daemon/service.h"
#include "gateway/daemon/vendors.h"
#include "gateway/daemon/view.h"

#define STOP_LIMIT_MS 4500
#define SETTLE_MS 10
#define TICK_MS 3600000u

enum phase {
	PHASE_STARTING,
	PHASE_RUNNING,
	PHASE_RELOADING,
	PHASE_STOPPING,
};

struct daemon {
	struct gateway gateway;
	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_timer_t settle_timer; /* looks whether everything has ended */
	uv_timer_t limit_timer;
	enum phase phase;
	struct config *next_config;
	bool reload_again; /* asked for while it could not be done */
	unsigned closing; /* objects whose close callback must still come */
	bool handles_closed;
	int status;
};

static void begin_stop(struct daemon *d, int status);

/* ---- configuration ---- */

/* "/etc/ferry/links.d/bus.conf:4: baud must be ..." */
static const char *problem_text(const struct conf_problem *p, char *text,
	size_t size)
{
	char line[16] = "";

	if (p->line > 0)
		snprintf(line, sizeof(line), "%d:", p->line);
	snprintf(text, size, "%s:%s %s %s", p->file, line, p->fault.field,
		p->fault.rule);
	return text;
}

static void print_problem(const struct conf_problem *p)
{
	char text[sizeof(*p)];

	fprintf(stderr, "ferryd: %s\n", problem_text(p, text, sizeof(text)));
}

static int load_config(const char *folder, struct config **ret,
	struct conf_problem *p)
{
	int err = check_load(folder, ret, p);

	if (err) {
		print_problem(p);
		log_error("config", "configuration refused",
			"file=%s line=%d field=%s rule=\"%s\"", p->file,
			p->line, p->fault.field, p->fault.rule);
	}
	return err;
}

int daemon_check(const char *config_folder)
{
	struct config *config = NULL;
	struct conf_problem problem = {0};

	if (check_load(config_folder, &config, &problem)) {
		print_problem(&problem);
		return 1;
	}
	printf("%s: %u vendors, %u classes, %u links: good\n", config_folder,
		config->vendor_count, config->class_count, config->link_count);
	config_free(config);
	return 0;
}

static void apply_log(const struct config *config)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	char modules[sizeof(config->log.debug)] = "";
	size_t n = 0;

	for (int i = 0; i < 4; i++)
		if (!strcmp(config->log.level, levels[i]))
			log_set_level((enum log_level)i);
	for (unsigned i = 0; i < config->log.debug_count; i++)
		n += (size_t)snprintf(modules + n, n < sizeof(modules) ?
			sizeof(modules) - n : 0, "%s%s", i ? "," : "",
			config->log.debug[i]);
	log_set_debug(modules);
}

/* ---- starting ---- */

static void use_classes(struct gateway *g)
{
	for (unsigned i = 0; i < g->config->class_count; i++)
		g->class_list[i] = &g->config->classes[i].device;
	registry_set_classes(g->registry, g->class_list,
		g->config->class_count);
}

static int open_admin(struct daemon *d)
{
	struct gateway *g = &d->gateway;
	const struct config *c = g->config;
	struct admin_rule rules[ADMIN_RULES_MAX];
	struct admin_backend backend = backend_of(g);
	struct admin_config config = {
		.path = c->admin.socket,
		.mode = (unsigned)strtoul(c->admin.mode, NULL, 8),
		.rules = rules,
		.product = "ferryd/" FERRY_VERSION,
	};
	struct fault fault = {0};
	struct group *group; // NOLINTNEXTLINE(concurrency-mt-unsafe)
	int err = backend_rules(c, rules, ADMIN_RULES_MAX, &config.rule_count,
		NULL);

	if (c->admin.group[0]) {
		group = getgrnam(c->admin.group); // NOLINT(concurrency-mt-unsafe)
		if (!group) {
			fprintf(stderr, "ferryd: admin.group '%s' is no "
				"group of this machine\n", c->admin.group);
			return -ENOENT;
		}
		config.has_group = true;
		config.group = group->gr_gid;
	}
	if (!err)
		err = admin_open(g->loop, &config, &backend, &g->admin, &fault);
	if (err)
		fprintf(stderr, "ferryd: admin socket %s: %s %s (%s)\n",
			c->admin.socket, fault.field, fault.rule,
			err_text(err));
	else
		view_watch(g);
	return err;
}

static void on_tick(uv_timer_t *timer)
{
	vendors_keep_time(timer->data);
}

static void reload_if_asked(struct daemon *d);

static void run(struct daemon *d)
{
	struct gateway *g = &d->gateway;

	d->phase = PHASE_RUNNING;
	g->ready = true;
	uv_timer_start(&g->tick_timer, on_tick, TICK_MS, TICK_MS);
	service_tell("READY=1");
	log_info("daemon", "ready", "devices=%zu links=%u vendors=%u "
		"socket=%s", registry_device_count(g->registry),
		g->config->link_count, g->config->vendor_count,
		g->config->admin.socket);
	gateway_replan(g);
	reload_if_asked(d);
}

static void on_ended_jobs(void *arg, int status, const struct job_row *rows,
	size_t count);

/* How each device's latest job ended; newest first, page by page. */
static void ask_ended_jobs(struct daemon *d, uint64_t before)
{
	if (store_jobs(d->gateway.store, NULL, true, before,
			STORE_LOAD_ROWS_MAX, on_ended_jobs, d))
		on_ended_jobs(d, -EAGAIN, NULL, 0);
}

static void on_ended_jobs(void *arg, int status, const struct job_row *rows,
	size_t count)
{
	struct daemon *d = arg;
	struct gateway *g = &d->gateway;

	/* Newest first: the first row of a device is its latest job. */
	for (size_t i = 0; i < count && !status; i++) {
		struct child *child = child_find(g, rows[i].device);
		enum job_state state;

		if (!child || child->ended.job ||
				job_state_parse(rows[i].state, &state) ||
				!job_state_is_ended(state) ||
				state == JOB_SUPERSEDED ||
				(state == JOB_FAILED && !rows[i].attempts))
			continue;
		child->ended.job = rows[i].id;
		child->ended.state = (int)state;
		memcpy(child->ended.manifest, rows[i].manifest_digest, 32);
	}
	if (d->phase != PHASE_STARTING)
		return;
	if (!status && count == STORE_LOAD_ROWS_MAX) {
		ask_ended_jobs(d, rows[count - 1].id);
		return;
	}
	if (open_admin(d)) {
		begin_stop(d, 1);
		return;
	}
	lines_open(g);
	run(d);
}

static void on_loaded(void *arg, int status, const struct store_loaded *loaded)
{
	struct daemon *d = arg;
	struct gateway *g = &d->gateway;

	if (d->phase == PHASE_STOPPING)
		return;
	if (status) {
		fprintf(stderr, "ferryd: the databases cannot be read: %s\n",
			err_text(status));
		begin_stop(d, 1);
		return;
	}
	if (authority_open(g, loaded, vendors_give_class)) {
		fprintf(stderr, "ferryd: no memory\n");
		begin_stop(d, 1);
		return;
	}
	g->next_job_id = loaded->next_job_id;
	g->outbox_count = loaded->outbox_count;
	for (size_t i = 0; i < loaded->device_count; i++)
		child_load(g, &loaded->devices[i]);
	floors_load(&g->floors, loaded);
	for (size_t i = 0; i < loaded->job_count; i++)
		if (job_load(g, &loaded->jobs[i]))
			log_error("daemon", "stored job cannot be used",
				"job=%llu device=%s",
				(unsigned long long)loaded->jobs[i].id,
				loaded->jobs[i].device);
	vendors_open(g, loaded);
	ask_ended_jobs(d, 0);
}

static void on_cache_open(void *arg, int status)
{
	struct daemon *d = arg;

	if (d->phase == PHASE_STOPPING)
		return;
	if (!status)
		status = store_load_all(d->gateway.store, on_loaded, d);
	if (status) {
		fprintf(stderr, "ferryd: the cache below %s cannot be opened: "
			"%s\n", d->gateway.config->state_dir, err_text(status));
		begin_stop(d, 1);
	}
}

static void open_cache(struct daemon *d)
{
	struct gateway *g = &d->gateway;
	struct cache_options options = {
		.quota = (uint64_t)g->config->cache.quota_mb << 20,
		.part_age_ms = (uint64_t)g->config->cache.part_days *
			86400000u,
	};
	char dir[CONFIG_PATH_SIZE + 16];
	int err;

	snprintf(dir, sizeof(dir), "%s/cache", g->config->state_dir);
	err = cache_open(g->loop, dir, &options, on_cache_open, d, &g->cache);
	if (err) {
		fprintf(stderr, "ferryd: %s: %s\n", dir, err_text(err));
		begin_stop(d, 1);
	}
}

static void on_store_open(void *arg, int status, const struct fault *fault)
{
	struct daemon *d = arg;
	struct gateway *g = &d->gateway;

	if (d->phase == PHASE_STOPPING)
		return;
	if (status) {
		fprintf(stderr, "ferryd: database in %s: %s %s (%s)\n",
			g->config->state_dir, fault ? fault->field : "",
			fault ? fault->rule : "", err_text(status));
		begin_stop(d, 1);
		return;
	}
	g->trust_locked = store_trust_state(g->store) != STORE_TRUST_OK;
	if (g->trust_locked)
		gateway_alarm(g, "trust-locked",
			"ferryctl trust unlock, once the loss is understood",
			"the trust database is %s: no vendor is served",
			store_trust_text(store_trust_state(g->store)));
	open_cache(d);
}

/* ---- stopping and reloading: wait until everything has ended ---- */

static void on_object_closed(void *arg)
{
	struct daemon *d = arg;

	d->closing--;
}

static bool is_settled(const struct daemon *d)
{
	const struct gateway *g = &d->gateway;

	return job_all_stopped(g) && g->inventories == 0 &&
		release_all_closed(g) && d->closing == 0;
}

static void close_vendors(struct daemon *d)
{
	while (d->gateway.vendors) {
		d->closing++;
		vendor_close(d->gateway.vendors, on_object_closed, d);
	}
}

static void close_one_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_handles(struct daemon *d)
{
	if (d->handles_closed)
		return;
	d->handles_closed = true;
	uv_walk(&d->loop, close_one_handle, NULL);
}

static void on_cache_closed(void *arg, int status)
{
	struct daemon *d = arg;

	(void)status;
	d->gateway.cache = NULL;
	close_handles(d);
}

static void on_store_closed(void *arg, int status)
{
	struct daemon *d = arg;

	(void)status;
	d->gateway.store = NULL;
	if (d->gateway.cache)
		cache_close(d->gateway.cache, on_cache_closed, d);
	else
		close_handles(d);
}

static void stop_store(struct daemon *d)
{
	uv_timer_stop(&d->settle_timer);
	if (d->gateway.store)
		store_close(d->gateway.store, on_store_closed, d);
	else
		on_store_closed(d, 0);
}

/* Stop: sessions and fetches have ended -> links and vendors -> store. */
static void settle_stop(struct daemon *d)
{
	struct gateway *g = &d->gateway;

	if (!is_settled(d))
		return;
	if (g->lines || g->vendors) {
		while (g->lines) {
			d->closing++;
			line_close(g->lines, on_object_closed, d);
		}
		close_vendors(d);
		return;
	}
	stop_store(d);
}

/* The trust database may have been unlocked or a vendor reset meanwhile. */
static void take_trust(struct daemon *d, const struct store_loaded *loaded)
{
	struct gateway *g = &d->gateway;

	floors_load(&g->floors, loaded);
	if (authority_open(g, loaded, vendors_give_class))
		gateway_alarm(g, "memory", "restart ferryd",
			"no memory for who speaks for which class");
	else
		vendors_open(g, loaded);
}

static void on_reloaded(void *arg, int status,
	const struct store_loaded *loaded)
{
	struct daemon *d = arg;

	if (d->phase == PHASE_STOPPING)
		return;
	if (status)
		gateway_alarm(&d->gateway, "store", "restart ferryd",
			"the databases could not be read again: %s",
			err_text(status));
	else
		take_trust(d, loaded);
	d->gateway.stopping = false;
	radio_pause_all(&d->gateway, false);
	d->phase = PHASE_RUNNING;
	service_tell("READY=1");
	log_info("daemon", "configuration reloaded", "folder=%s",
		d->gateway.config->folder);
	gateway_replan(&d->gateway);
	reload_if_asked(d);
}

static void swap_config(struct daemon *d)
{
	struct gateway *g = &d->gateway;
	struct config *old = g->config;
	struct admin_rule rules[ADMIN_RULES_MAX];
	size_t count = 0;

	g->config = d->next_config;
	d->next_config = NULL;
	for (struct line *l = g->lines, *next; l; l = next) {
		next = l->next;
		if (lines_take_over(l, g->config))
			continue;
		line_drop_kept(l);
		d->closing++;
		line_close(l, on_object_closed, d);
	}
	authority_apply(g);
	use_classes(g);
	apply_log(g->config);
	if (backend_rules(g->config, rules, ADMIN_RULES_MAX, &count, NULL) == 0)
		admin_set_rules(g->admin, rules, count);
	config_free(old);
}

/* Reload: sessions and fetches have ended -> vendors -> new configuration. */
static void settle_reload(struct daemon *d)
{
	struct gateway *g = &d->gateway;

	if (!is_settled(d))
		return;
	if (g->vendors) {
		close_vendors(d);
		return;
	}
	if (d->next_config) {
		release_forget_all_opened(g);
		job_forget_releases(g);
		release_free_all(g);
		swap_config(d);
		return;
	}
	uv_timer_stop(&d->settle_timer);
	lines_open(g);
	if (store_load_all(g->store, on_reloaded, d))
		on_reloaded(d, -EAGAIN, NULL);
}

static void on_settle(uv_timer_t *timer)
{
	struct daemon *d = timer->data;

	if (d->phase == PHASE_STOPPING)
		settle_stop(d);
	else
		settle_reload(d);
}

static void halt_work(struct daemon *d)
{
	struct gateway *g = &d->gateway;

	g->stopping = true;
	uv_timer_stop(&g->wake_timer);
	g->waking = false;
	radio_pause_all(g, true);
	job_stop_all(g);
	inventory_stop_all(g);
	child_save_all(g);
	release_close_all(g);
	uv_timer_start(&d->settle_timer, on_settle, SETTLE_MS, SETTLE_MS);
}

static void on_stop_limit(uv_timer_t *timer)
{
	(void)timer;
	log_warn("daemon", "stopped without waiting any longer", "");
	_exit(0);
}

static void on_admin_closed(void *arg)
{
	on_object_closed(arg);
}

static void begin_stop(struct daemon *d, int status)
{
	if (d->phase == PHASE_STOPPING)
		return;
	d->phase = PHASE_STOPPING;
	d->status = status;
	log_info("daemon", "stopping", "");
	service_tell("STOPPING=1");
	uv_timer_start(&d->limit_timer, on_stop_limit, STOP_LIMIT_MS, 0);
	if (d->gateway.admin) {
		d->closing++;
		admin_close(d->gateway.admin, on_admin_closed, d);
		d->gateway.admin = NULL;
	}
	halt_work(d);
}

/* systemd wants to know when the reload began. */
static void tell_reloading(void)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)(uv_hrtime() / 1000));
	service_tell(text);
}

static void begin_reload(struct daemon *d)
{
	struct conf_problem p = {0};
	struct config *config = NULL;
	char text[sizeof(p)];

	if (d->phase != PHASE_RUNNING) {
		d->reload_again = true;
		return;
	}
	tell_reloading();
	if (load_config(d->gateway.config->folder, &config, &p)) {
		gateway_alarm(&d->gateway, "config",
			"mend it, then reload again",
			"the old configuration counts; the new one was refused: "
			"%s", problem_text(&p, text, sizeof(text)));
		service_tell("READY=1");
		return;
	}
	gateway_alarm_clear(&d->gateway, "config");
	d->next_config = config;
	d->phase = PHASE_RELOADING;
	halt_work(d);
}

static void reload_if_asked(struct daemon *d)
{
	bool again = d->reload_again;

	d->reload_again = false;
	if (again)
		begin_reload(d);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *d = handle->data;

	if (number == SIGHUP)
		begin_reload(d);
	else
		begin_stop(d, 0);
}

/* ---- the whole ---- */

static int init_handles(struct daemon *d)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct gateway *g = &d->gateway;
	int err = uv_loop_init(&d->loop);

	if (err)
		return err;
	g->loop = &d->loop;
	uv_timer_init(g->loop, &g->wake_timer);
	uv_timer_init(g->loop, &g->tick_timer);
	uv_timer_init(g->loop, &d->settle_timer);
	uv_timer_init(g->loop, &d->limit_timer);
	g->on_wake = schedule_turn;
	g->wake_timer.data = g;
	g->tick_timer.data = g;
	d->settle_timer.data = d;
	d->limit_timer.data = d;
	for (int i = 0; i < 3; i++) {
		uv_signal_init(g->loop, &d->signals[i]);
		d->signals[i].data = d;
		uv_signal_start(&d->signals[i], on_signal, numbers[i]);
	}
	return 0;
}

static void free_all(struct daemon *d)
{
	struct gateway *g = &d->gateway;

	job_free_all(g);
	release_free_all(g);
	child_free_all(g);
	authority_close(g);
	registry_free(g->registry);
	floors_done(&g->floors);
	config_free(g->config);
	config_free(d->next_config);
}

int daemon_run(const char *config_folder)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct gateway *g;
	int status;

	if (!d || crypto_init()) {
		fprintf(stderr, "ferryd: no memory or no cryptography\n");
		free(d);
		return 1;
	}
	g = &d->gateway;
	if (load_config(config_folder, &g->config, &(struct conf_problem){0})) {
		free(d);
		return 1;
	}
	apply_log(g->config);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error of its write, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	umask(0077);
	g->started_ms = gateway_wall_ms();
	g->registry = registry_new();
	if (!g->registry || init_handles(d)) {
		fprintf(stderr, "ferryd: no memory\n");
		return 1;
	}
	use_classes(g);
	log_info("daemon", "starting", "version=%s folder=%s", FERRY_VERSION,
		config_folder);
	if (store_open(g->loop, g->config->state_dir, on_store_open, d,
			&g->store)) {
		fprintf(stderr, "ferryd: state folder %s cannot be used\n",
			g->config->state_dir);
		begin_stop(d, 1);
	}
	uv_run(g->loop, UV_RUN_DEFAULT);
	uv_loop_close(g->loop);
	status = d->status;
	free_all(d);
	free(d);
	log_info("daemon", "stopped", "status=%d", status);
	return status;
}

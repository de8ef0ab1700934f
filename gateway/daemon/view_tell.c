/* The events that watchers of the admin API get. */
#include "gateway/daemon/view.h"

#include "gateway/admin/server.h"

static bool is_watched(const struct gateway *g)
{
	return g->admin && admin_is_watched(g->admin);
}

static void tell(const struct gateway *g, const char *type, json_t *take_json)
{
	if (take_json)
		admin_event(g->admin, type, take_json);
	json_decref(take_json);
}

static void on_job(void *arg, const struct job *j)
{
	if (is_watched(arg))
		tell(arg, "job", view_job(j));
}

static void on_progress(void *arg, const struct job *j)
{
	int64_t eta = job_eta_s(j);

	if (!is_watched(arg))
		return;
	tell(arg, "progress", json_pack("{s:I,s:o,s:s,s:I,s:I,s:I,s:o}", "job",
		(json_int_t)j->row.id, "device", view_text(j->row.device),
		"state", job_state_name(j->state), "offset",
		(json_int_t)j->offset, "total", (json_int_t)j->total,
		"rate_bps", (json_int_t)j->rate_bps, "eta_s", eta < 0 ?
		json_null() : json_integer(eta)));
}

static void on_device(void *arg, const struct device *d)
{
	if (is_watched(arg))
		tell(arg, "device", view_device(arg, d));
}

static void on_forgotten(void *arg, const char *device)
{
	if (is_watched(arg))
		tell(arg, "device", json_pack("{s:o,s:b}", "id",
			view_text(device), "forgotten", 1));
}

static void on_candidate(void *arg, const char *link, const char *key)
{
	const struct gateway *g = arg;
	const struct candidate *c = is_watched(g) ?
		registry_candidate(g->registry, link, key) : NULL;

	if (c)
		tell(g, "candidate", view_candidate(g, c));
}

static void on_line(void *arg, const struct line *l)
{
	if (is_watched(arg))
		tell(arg, "link", view_line(l));
}

static void on_vendor(void *arg, const struct vendor *v)
{
	if (is_watched(arg))
		tell(arg, "vendor", view_vendor(v));
}

static void on_release(void *arg, const struct release *r)
{
	if (is_watched(arg))
		tell(arg, "image", view_image(arg, r));
}

static void on_alarm(void *arg, const struct alarm_row *a, bool cleared)
{
	if (is_watched(arg))
		tell(arg, "alarm", json_pack("{s:s,s:o,s:o,s:o,s:b}", "code",
			a->code, "text", view_text(a->text), "since",
			view_time_ms(a->since_ms), "hint", view_text(a->hint),
			"cleared", cleared));
}

void view_watch(struct gateway *g)
{
	static const struct news_watcher watcher = {
		.on_job = on_job,
		.on_progress = on_progress,
		.on_device = on_device,
		.on_forgotten = on_forgotten,
		.on_candidate = on_candidate,
		.on_line = on_line,
		.on_vendor = on_vendor,
		.on_release = on_release,
		.on_alarm = on_alarm,
	};

	g->news = (struct news){&watcher, g};
}

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

static void tell_text(const struct gateway *g, const char *type,
	struct view_text_of_one *one)
{
	if (!one->text.err)
		admin_event_text(g->admin, type, buf_bytes(&one->text));
	buf_done(&one->text);
}

static void on_job(void *arg, const struct job *j)
{
	struct view_text_of_one one;

	if (!is_watched(arg))
		return;
	view_begin(&one);
	view_put_job(&one.out, j);
	tell_text(arg, "job", &one);
}

static void on_progress(void *arg, const struct job *j)
{
	struct view_text_of_one one;

	if (!is_watched(arg))
		return;
	view_begin(&one);
	json_out_object(&one.out, NULL);
	json_out_number(&one.out, "job", (int64_t)j->row.id);
	json_out_text(&one.out, "device", j->row.device);
	json_out_text(&one.out, "state", job_state_name(j->state));
	view_put_bytes_of_job(&one.out, j);
	json_out_end_object(&one.out);
	tell_text(arg, "progress", &one);
}

static void on_device(void *arg, const struct device *d)
{
	struct view_text_of_one one;

	if (!is_watched(arg))
		return;
	view_begin(&one);
	view_put_device(&one.out, arg, d);
	tell_text(arg, "device", &one);
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
	struct view_text_of_one one;

	if (!c)
		return;
	view_begin(&one);
	view_put_candidate(&one.out, c);
	tell_text(g, "candidate", &one);
}

static void on_line(void *arg, const struct line *l)
{
	struct view_text_of_one one;

	if (!is_watched(arg))
		return;
	view_begin(&one);
	view_put_line(&one.out, l);
	tell_text(arg, "link", &one);
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

#include "tools/sim/world.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct world {
	uv_loop_t loop;
	size_t count;
	struct station **stations;
	struct station **heap; /* by `due`, the first one first */
	struct hub *hubs[WORLD_HUBS_MAX];
	size_t hub_count;
	struct radio *radios[WORLD_RADIOS_MAX];
	size_t radio_count;
	int timer_fd;
	uv_poll_t timer;
	uint64_t armed;
	bool in_turn; /* the timer is set once, at the end of a turn */
	size_t next_unready;
	void (*on_ready)(struct world *w);
};

void world_setup_done(struct world_setup *setup)
{
	free(setup->groups);
	setup->groups = NULL;
	setup->group_count = 0;
}

uv_loop_t *world_loop(struct world *w)
{
	return &w->loop;
}

size_t world_count(const struct world *w)
{
	return w->count;
}

struct station *world_station(struct world *w, size_t i)
{
	return w->stations[i];
}

struct station *world_find(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->stations[i]->device.name, name) == 0)
			return w->stations[i];
	return NULL;
}

size_t world_radio_count(const struct world *w)
{
	return w->radio_count;
}

struct radio *world_radio(struct world *w, size_t i)
{
	return w->radios[i];
}

struct radio *world_find_radio(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->radio_count; i++)
		if (strcmp(w->radios[i]->name, name) == 0)
			return w->radios[i];
	return NULL;
}

struct node *world_find_node(
	struct world *w, const char *name, struct radio **ret_radio)
{
	for (size_t i = 0; i < w->radio_count; i++) {
		struct node *n = mesh_find_name(w->radios[i]->mesh, name);

		if (!n)
			continue;
		*ret_radio = w->radios[i];
		return n;
	}
	return NULL;
}

struct hub *world_hub(struct world *w, const char *path, struct fault *fault)
{
	int err;

	for (size_t i = 0; i < w->hub_count; i++)
		if (strcmp(hub_path(w->hubs[i]), path) == 0)
			return w->hubs[i];
	if (w->hub_count == WORLD_HUBS_MAX) {
		fault_set(fault, -EMFILE, 0, "hub", "more than %d sockets",
			WORLD_HUBS_MAX);
		return NULL;
	}
	err = hub_new(w, path, &w->hubs[w->hub_count]);
	if (err) {
		fault_set(fault, err, 0, "hub", "%s: %s", path, err_text(err));
		return NULL;
	}
	return w->hubs[w->hub_count++];
}

static void heap_put(struct world *w, size_t at, struct station *s)
{
	w->heap[at] = s;
	s->heap_at = at;
}

static void heap_move(struct world *w, struct station *s)
{
	size_t at = s->heap_at;

	while (at > 0 && w->heap[(at - 1) / 2]->due > s->due) {
		heap_put(w, at, w->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < w->count &&
			w->heap[child + 1]->due < w->heap[child]->due)
			child++;
		if (child >= w->count || w->heap[child]->due >= s->due)
			break;
		heap_put(w, at, w->heap[child]);
		at = child;
	}
	heap_put(w, at, s);
}

static void arm(struct world *w)
{
	struct itimerspec when = {0};
	uint64_t due = w->count ? w->heap[0]->due : DEVICE_NEVER;

	if (due == w->armed)
		return;
	w->armed = due;
	if (due == 0)
		due = 1;
	if (due != DEVICE_NEVER) {
		when.it_value.tv_sec = (time_t)(due / 1000000000u);
		when.it_value.tv_nsec = (long)(due % 1000000000u);
	}
	timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void world_schedule(struct world *w, struct station *s)
{
	if (!w->heap || w->heap[s->heap_at] != s)
		return; /* not all are made yet */
	heap_move(w, s);
	if (!w->in_turn)
		arm(w);
}

static bool is_up(const struct station *s)
{
	return s->device.state != DEVICE_BOOTING &&
	       s->device.state != DEVICE_SWAPPING;
}

static void check_ready(struct world *w)
{
	while (w->next_unready < w->count &&
		is_up(w->stations[w->next_unready]))
		w->next_unready++;
	if (w->next_unready == w->count && w->on_ready) {
		void (*call)(struct world * w) = w->on_ready;

		w->on_ready = NULL;
		call(w);
	}
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
	struct world *w = poll->data;
	uint64_t now = uv_hrtime(), times;

	(void)status;
	(void)events;
	if (read(w->timer_fd, &times, sizeof(times)) < 0 && errno != EAGAIN)
		return;
	w->in_turn = true;
	w->armed = 0;
	while (w->count > 0 && w->heap[0]->due <= now) {
		struct station *s = w->heap[0];

		station_service(s, now);
		if (s->due <= now) {
			/* Never twice in one turn. */
			s->due = now + 1000;
			heap_move(w, s);
		}
	}
	w->in_turn = false;
	arm(w);
	if (w->on_ready)
		check_ready(w);
}

/* Two or three descriptors a device; the usual soft limit is 1024. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The nodes of a group, and their coordinator if it is the first of its name. */
static int make_nodes(struct world *w, const struct group *g, const char *dir,
	struct fault *fault)
{
	struct radio *r = world_find_radio(w, g->zigbee.coordinator);
	int err;

	if (!r && w->radio_count == WORLD_RADIOS_MAX)
		return fault_set(fault, -E2BIG, 0, "coordinator",
			"more than %d", WORLD_RADIOS_MAX);
	if (!r) {
		err = radio_new(w, g, dir, &r, fault);
		if (err)
			return err;
		w->radios[w->radio_count++] = r;
	}
	return radio_add(r, g, dir, fault);
}

static int make_stations(struct world *w, const struct world_setup *setup,
	size_t total, struct fault *fault)
{
	const char *dir = setup->dir[0] ? setup->dir : NULL;

	w->stations = calloc(total ? total : 1, sizeof(*w->stations));
	if (!w->stations)
		return fault_set(fault, -ENOMEM, 0, "devices", "no memory");
	for (size_t g = 0; g < setup->group_count; g++) {
		const struct group *group = &setup->groups[g];

		if (group->zigbee.odd && !group_is_zigbee(group))
			return fault_set(fault, -EINVAL, 0, "switch",
				"devices[%zu]: is one of ZigBee nodes", g);
		if (group_is_zigbee(group)) {
			int err = make_nodes(w, group, dir, fault);

			if (err) {
				fault_within(fault, "devices[%zu].", g);
				return err;
			}
			continue;
		}
		for (uint32_t i = 0; i < group->count; i++) {
			struct station *s;
			int err = station_new(w, group, i, dir, &s, fault);

			if (err) {
				fault_within(fault, "devices[%zu].", g);
				return err;
			}
			if (world_find(w, s->device.name)) {
				fault_set(fault, -EEXIST, 0, "name",
					"%s is there twice", s->device.name);
				station_close(s);
				return -EEXIST;
			}
			w->stations[w->count++] = s;
		}
	}
	return 0;
}

static int start_queue(struct world *w)
{
	w->heap = calloc(w->count ? w->count : 1, sizeof(*w->heap));
	if (!w->heap)
		return -ENOMEM;
	for (size_t i = 0; i < w->count; i++) {
		w->stations[i]->due = 0;
		heap_put(w, i, w->stations[i]);
	}
	w->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->timer_fd < 0)
		return -errno;
	if (uv_poll_init(&w->loop, &w->timer, w->timer_fd) < 0)
		return -ENOMEM;
	w->timer.data = w;
	w->armed = 1;
	arm(w);
	return uv_poll_start(&w->timer, UV_READABLE, on_timer);
}

int world_new(const struct world_setup *setup, struct world **ret,
	struct fault *fault)
{
	struct world *w = calloc(1, sizeof(*w));
	size_t total = 0;
	int err;

	if (!w)
		return fault_set(fault, -ENOMEM, 0, "world", "no memory");
	w->timer_fd = -1;
	raise_limit();
	err = uv_loop_init(&w->loop);
	if (err) {
		free(w);
		return fault_set(fault, err, 0, "world", "no loop");
	}
	for (size_t g = 0; g < setup->group_count; g++)
		total += setup->groups[g].count;
	if (total > GROUP_DEVICES_MAX)
		err = fault_set(fault, -EINVAL, 0, "devices",
			"more than %d in all", GROUP_DEVICES_MAX);
	else
		err = make_stations(w, setup, total, fault);
	if (!err)
		err = start_queue(w);
	if (err) {
		fault_set(fault, err, 0, "world", "%s", err_text(err));
		world_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

void world_run(struct world *w, void (*on_ready)(struct world *w))
{
	w->on_ready = on_ready;
	if (w->count == 0)
		check_ready(w);
	uv_run(&w->loop, UV_RUN_DEFAULT);
}

void world_stop(struct world *w)
{
	uv_stop(&w->loop);
}

void world_free(struct world *w)
{
	if (w->timer.data) {
		uv_poll_stop(&w->timer);
		uv_close((uv_handle_t *)&w->timer, NULL);
	}
	for (size_t i = 0; i < w->hub_count; i++)
		hub_close(w->hubs[i]);
	for (size_t i = 0; i < w->radio_count; i++)
		radio_close(w->radios[i]);
	for (size_t i = 0; i < w->count; i++)
		station_close(w->stations[i]);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_loop_close(&w->loop);
	if (w->timer_fd >= 0)
		close(w->timer_fd);
	free(w->stations);
	free(w->heap);
	free(w);
}

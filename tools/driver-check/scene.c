#include "tools/driver-check/check.h"

#include <dirent.h>
#include <stdio.h>

#define WAIT_MS 8000

static bool forgot_handles;

enum outcome scene_fail(struct scene *s, const char *what, int line)
{
	snprintf(s->why, sizeof(s->why), "%.200s (line %d)", what, line);
	return CHECK_FAILED;
}

static int open_scene(struct scene *s, bool raw)
{
	const struct rig_options options = {.raw = raw};

	return rig_open(
		&s->rig, s->driver, s->bench->kv, s->bench->kv_count, &options);
}

static bool wait_up(struct scene *s)
{
	RIG_UNTIL(&s->rig, WAIT_MS,
		(s->rig.ups && rig_peer(&s->rig, s->bench->peer)) ||
			s->rig.instance_downs);
	if (!s->rig.ups || !rig_peer(&s->rig, s->bench->peer))
		return false;
	s->stream = transport_link(s->rig.t, 0)->caps & FERRY_CAP_STREAM;
	return true;
}

bool scene_up(struct scene *s)
{
	return open_scene(s, false) == 0 && wait_up(s);
}

bool scene_raw_up(struct scene *s)
{
	return open_scene(s, true) == 0 && wait_up(s);
}

int scene_connect(struct scene *s, unsigned i, const char *peer,
	uint32_t min_security, uint64_t *ret_token)
{
	const struct ferry_channel_spec channel = {
		s->bench->channel, s->bench->channel_count, 0};
	const struct transport_connect c = {.peer = peer,
		.channels = &channel,
		.channel_count = 1,
		.min_security = min_security};

	rig_request_init(&s->q[i], &s->rig);
	return transport_connect(
		s->rig.t, &c, rig_on_done, &s->q[i], ret_token);
}

const char *scene_peer(const struct scene *s)
{
	return s->bench->any_peer ? NULL : s->bench->peer;
}

const char *scene_to(const struct scene *s)
{
	return s->bench->any_peer ? s->bench->peer : NULL;
}

bool scene_link(struct scene *s)
{
	const unsigned i = SCENE_REQUESTS - 1;

	if (scene_connect(s, i, scene_peer(s), 0, NULL) || !scene_wait(s, i))
		return false;
	s->link = s->q[i].result.link;
	s->payload = s->q[i].payload;
	s->window = s->q[i].window;
	return s->q[i].result.status == 0;
}

struct bytes scene_pattern(struct scene *s, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		s->block[i] = (uint8_t)(i * 7 + i / 251);
	return bytes_of(s->block, len);
}

int scene_send(struct scene *s, unsigned i, uint32_t len, uint32_t until)
{
	const struct transport_send send = {.link = s->link,
		.until = until,
		.to = scene_to(s),
		.data = scene_pattern(s, len)};

	rig_request_init(&s->q[i], &s->rig);
	return transport_send(s->rig.t, &send, rig_on_done, &s->q[i], NULL);
}

bool scene_wait(struct scene *s, unsigned i)
{
	RIG_UNTIL(&s->rig, WAIT_MS, s->q[i].done);
	return s->q[i].done;
}

bool scene_disconnect(struct scene *s, unsigned i)
{
	rig_request_init(&s->q[i], &s->rig);
	if (transport_disconnect(s->rig.t, s->link, rig_on_done, &s->q[i]))
		return false;
	if (s->bench->kind->hold) {
		/* It waits for what the radio has. */
		rig_settle(&s->rig);
		s->bench->kind->hold(s->bench, false);
	}
	return scene_wait(s, i) && s->q[i].result.status == 0;
}

void scene_forget(struct scene *s)
{
	buf_reset(&s->rig.in);
	s->rig.messages = 0;
}

bool scene_hears(struct scene *s, struct bytes want)
{
	RIG_UNTIL(&s->rig, WAIT_MS, s->rig.in.len >= want.len);
	return bytes_equal(buf_bytes(&s->rig.in), want);
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (dir && readdir(dir)) /* NOLINT(concurrency-mt-unsafe) */
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static void on_log_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	if (strstr(line, "left watches or timers behind"))
		forgot_handles = true;
}

/* What holds for every check: no rule of the interface was broken, and nothing
 * is left when the instance has been closed. */
static enum outcome close_scene(struct scene *s)
{
	struct transport_counters counters = {0};

	if (!s->rig.t)
		return CHECK_OK;
	transport_counters(s->rig.t, &counters);
	NEED(s, rig_close(&s->rig));
	if (counters.breaches) {
		snprintf(s->why, sizeof(s->why), "broke a rule: %s",
			s->rig.down_text);
		return CHECK_FAILED;
	}
	NEED(s, !forgot_handles);
	return CHECK_OK;
}

enum outcome check_run(
	const struct check *c, struct bench *b, char *why, size_t size)
{
	static struct scene s;
	enum outcome outcome, closed;
	unsigned before;

	/* The first loop of a process opens a pipe that stays. */
	if (rig_init(&s.rig) == 0)
		rig_done(&s.rig);
	before = count_descriptors();
	memset(&s, 0, sizeof(s));
	forgot_handles = false;
	log_set_sink(on_log_line, NULL);
	s.bench = b;
	if (rig_init(&s.rig) ||
		transport_driver_admit(b->table, &s.driver, NULL)) {
		snprintf(why, size, "the table is not admitted");
		return CHECK_FAILED;
	}
	b->loop = &s.rig.loop;
	b->stranger = "stranger";
	outcome = CHECK_FAILED;
	if (b->kind->begin(b) == 0)
		outcome = c->run(&s);
	else
		snprintf(s.why, sizeof(s.why), "the far end cannot be made");
	closed = close_scene(&s);
	if (outcome == CHECK_OK)
		outcome = closed;
	b->kind->end(b);
	rig_done(&s.rig);
	transport_driver_free(s.driver);
	if (outcome == CHECK_OK && count_descriptors() != before) {
		snprintf(s.why, sizeof(s.why), "left a descriptor open");
		outcome = CHECK_FAILED;
	}
	log_set_sink(NULL, NULL);
	snprintf(why, size, "%s", s.why);
	return outcome;
}

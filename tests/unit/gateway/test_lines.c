/* Which lines go on over a reload, and what follows when one sees a device. */
#include "gateway/daemon/lines.h"

#include "gateway/daemon/child.h"
#include "gateway/daemon/job.h"
#include "tests/unit/unit.h"

/* ---- over a reload ---- */

static struct config_param port = {.key = "port", .value = "/dev/a"};
static struct config_param other_port = {.key = "port",
	.value = "/dev/b"};
static struct config_param other_key = {.key = "path",
	.value = "/dev/a"};
static struct config_network ota = {.engine = "zigbee-ota"};

static const struct {
	const char *name;
	struct config_link link;
	bool has_failed, goes_on;
} reloads[] = {
	{"the same", {.name = "bus", .driver = "serial", .params = &port,
		.param_count = 1}, false, true},
	{"another limit", {.name = "bus", .driver = "serial", .params = &port,
		.param_count = 1, .max_transfers = 3}, false, true},
	{"the same, but failed", {.name = "bus", .driver = "serial",
		.params = &port, .param_count = 1}, true, false},
	{"gone", {.name = "air", .driver = "serial", .params = &port,
		.param_count = 1}, false, false},
	{"another driver", {.name = "bus", .driver = "sim", .params = &port,
		.param_count = 1}, false, false},
	{"another value", {.name = "bus", .driver = "serial",
		.params = &other_port, .param_count = 1}, false, false},
	{"another parameter", {.name = "bus", .driver = "serial",
		.params = &other_key, .param_count = 1}, false, false},
	{"fewer parameters", {.name = "bus", .driver = "serial"}, false, false},
	{"a delegate now", {.name = "bus", .driver = "serial", .params = &port,
		.param_count = 1, .is_delegate = true}, false, false},
	{"a network now", {.name = "bus", .driver = "serial", .params = &port,
		.param_count = 1, .network = &ota}, false, false},
};

START_TEST(lines_take_over_goes_on_with_what_is_as_it_was)
{
	struct config_link before = {.name = "bus", .driver = "serial",
		.params = &port, .param_count = 1};
	struct config_link after = reloads[_i].link;
	struct config config = {.links = &after, .link_count = 1};
	struct line l = {.name = "bus", .config = &before,
		.failed = reloads[_i].has_failed};

	ck_assert_msg(lines_take_over(&l, &config) == reloads[_i].goes_on, "%s",
		reloads[_i].name);
	ck_assert_msg(l.config == (reloads[_i].goes_on ? &after : &before),
		"%s", reloads[_i].name);
}
END_TEST

/* ---- what it sees ---- */

static struct {
	struct gateway gateway;
	struct config config;
	struct line line;
	struct device device;
	unsigned devices, candidates; /* that watchers were told of */
} rig;

static void on_device(void *arg, const struct device *d)
{
	(void)arg;
	ck_assert_ptr_eq(d, &rig.device);
	rig.devices++;
}

static void on_candidate(void *arg, const char *link, const char *key)
{
	(void)arg;
	ck_assert_str_eq(link, "bus");
	ck_assert_str_eq(key, "port");
	rig.candidates++;
}

static const struct news_watcher watcher = {
	.on_device = on_device,
	.on_candidate = on_candidate,
};

static const struct peer_sight sight = {.link = "bus", .key = "port"};

static void setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.gateway.config = &rig.config;
	rig.gateway.news.watcher = &watcher;
	rig.line = (struct line){.name = "bus", .gateway = &rig.gateway};
	snprintf(rig.device.id, sizeof(rig.device.id), "one");
}

static void teardown(void)
{
	child_free_all(&rig.gateway);
}

static void see(bool is_back)
{
	lines_events.on_device(&rig.line, &sight, &rig.device,
		REGISTRY_SIGHT_DEVICE, is_back);
}

START_TEST(line_that_sees_a_device_makes_its_record_and_tells)
{
	see(true);
	ck_assert_ptr_nonnull(child_find(&rig.gateway, "one"));
	ck_assert_uint_eq(rig.devices, 1);
	ck_assert(rig.gateway.replan);
}
END_TEST

START_TEST(line_that_sees_a_stranger_tells_of_a_candidate)
{
	lines_events.on_candidate(&rig.line, &sight);
	ck_assert_uint_eq(rig.candidates, 1);
	ck_assert_ptr_null(child_find(&rig.gateway, "one"));
}
END_TEST

static void wait_for_link(struct job *j)
{
	see(true);
	*j = (struct job){.gateway = &rig.gateway,
		.child = child_find(&rig.gateway, "one"), .absences = 3};
	j->row.failure.code = ERR_JOB_NO_LINK;
	j->row.next_retry_ms = 1000;
	j->child->job = j;
}

START_TEST(line_that_sees_a_device_again_ends_the_wait_of_its_job)
{
	struct job job;

	wait_for_link(&job);
	see(true);
	ck_assert_int_eq(job.row.next_retry_ms, 0);
	ck_assert_uint_eq(job.absences, 0);
}
END_TEST

START_TEST(line_that_sees_a_device_that_was_there_ends_no_wait)
{
	struct job job;

	wait_for_link(&job);
	see(false);
	ck_assert_int_eq(job.row.next_retry_ms, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lines");
	TCase *c = tcase_create("lines");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, lines_take_over_goes_on_with_what_is_as_it_was,
		0, sizeof(reloads) / sizeof(*reloads));
	tcase_add_test(c, line_that_sees_a_device_makes_its_record_and_tells);
	tcase_add_test(c, line_that_sees_a_stranger_tells_of_a_candidate);
	tcase_add_test(c,
		line_that_sees_a_device_again_ends_the_wait_of_its_job);
	tcase_add_test(c, line_that_sees_a_device_that_was_there_ends_no_wait);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}

/* Event streams of the admin interface. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/log.h"
#include "tests/unit/gateway/admin_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: ferry\r\n\r\n"

static struct rig rig;

static void setup(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	rig_init(&rig);
}

static void teardown(void)
{
	rig_done(&rig);
}

START_TEST(events_reach_the_watchers_that_want_them)
{
	json_t *data = json_pack("{s:i}", "job", 7);
	struct buf all, some;
	int a, b;

	rig_open(&rig);
	ck_assert(!admin_is_watched(rig.server));
	a = rig_watch(&rig, GET("/v1/events"), &all);
	b = rig_connect(&rig);
	buf_init(&some, 4096);
	rig_send(b, GET("/v1/events?types=link,progress"));
	rig_expect(&rig, b, &some, "text/event-stream");
	ck_assert(admin_is_watched(rig.server));
	admin_event(rig.server, "job", data);
	admin_event(rig.server, "progress", data);
	rig_expect(&rig, a, &all,
		"event: job\nid: 2\ndata: {\"job\":7}\n\n"
		"event: progress\nid: 3\ndata: {\"job\":7}\n\n");
	rig_expect(&rig, b, &some, "event: progress\n");
	ck_assert_ptr_null(memmem(some.at, some.len, "event: job\n", 11));
	json_decref(data);
	buf_done(&all);
	buf_done(&some);
	close(a);
	close(b);
}
END_TEST

START_TEST(watcher_that_leaves_is_forgotten)
{
	struct buf got;
	int fd;

	rig_open(&rig);
	fd = rig_watch(&rig, GET("/v1/events"), &got);
	close(fd);
	while (admin_is_watched(rig.server))
		rig_turn(&rig, -1);
	buf_done(&got);
}
END_TEST

START_TEST(slow_watcher_gets_a_last_event_and_is_closed)
{
	json_t *data = json_pack("{s:s}", "text", "0123456789012345678901234567"
		"890123456789012345678901234567890123456789");
	struct admin_stats stats;
	struct buf got;
	int slow, quick, events = 0;
	const char *last;
	struct buf other;

	rig.config.limits.watch_bytes = 4096;
	rig_open(&rig);
	slow = rig_watch(&rig, GET("/v1/events"), &got);
	quick = rig_watch(&rig, GET("/v1/events"), &other);
	do {
		admin_event(rig.server, "device", data);
		rig_turn(&rig, quick);
		rig_expect(&rig, quick, &other, "\n\n");
		buf_reset(&other);
		admin_stats(rig.server, &stats);
		ck_assert_int_lt(++events, 100000);
	} while (!stats.watchers_dropped);
	rig_expect(&rig, slow, &got, NULL);
	ck_assert_int_eq(buf_add(&got, "", 1), 0);
	last = memmem(got.at, got.len, "event: dropped\n", 15);
	ck_assert_ptr_nonnull(last);
	ck_assert_ptr_nonnull(strstr(last, "data: {\"reason\":\"slow\"}\n\n"));
	admin_event(rig.server, "device", data);
	rig_expect(&rig, quick, &other, "event: device");
	ck_assert_uint_eq(stats.watchers_dropped, 1);
	json_decref(data);
	buf_done(&got);
	buf_done(&other);
	close(slow);
	close(quick);
}
END_TEST

START_TEST(watcher_that_never_reads_is_closed_in_the_end)
{
	json_t *data = json_pack("{s:s}", "text", "0123456789");
	struct buf got;
	int fd;

	rig.config.limits.watch_bytes = 4096;
	rig.config.limits.write_ms = 20;
	rig_open(&rig);
	fd = rig_watch(&rig, GET("/v1/events"), &got);
	while (admin_is_watched(rig.server)) {
		admin_event(rig.server, "device", data);
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	}
	json_decref(data);
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(quiet_stream_carries_comments)
{
	struct buf got;
	int fd;

	rig.config.limits.ping_ms = 10;
	rig_open(&rig);
	fd = rig_watch(&rig, GET("/v1/events"), &got);
	rig_expect(&rig, fd, &got, "\n\n: still here\n\n: still here\n\n");
	buf_done(&got);
	close(fd);
}
END_TEST

START_TEST(watchers_are_bounded)
{
	struct buf got;
	int a, b;

	rig.config.limits.watchers = 1;
	rig_open(&rig);
	a = rig_watch(&rig, GET("/v1/events"), &got);
	b = rig_connect(&rig);
	ck_assert_int_eq(rig_ask(&rig, b, GET("/v1/events"), NULL), 503);
	ck_assert_int_eq(rig_ask(&rig, b, GET("/v1/links"), NULL), 200);
	buf_done(&got);
	close(a);
	close(b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admin.events");
	TCase *c = tcase_create("events");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, events_reach_the_watchers_that_want_them);
	tcase_add_test(c, watcher_that_leaves_is_forgotten);
	tcase_add_test(c, slow_watcher_gets_a_last_event_and_is_closed);
	tcase_add_test(c, watcher_that_never_reads_is_closed_in_the_end);
	tcase_add_test(c, quiet_stream_carries_comments);
	tcase_add_test(c, watchers_are_bounded);
	suite_add_tcase(s, c);
	return unit_run(s);
}

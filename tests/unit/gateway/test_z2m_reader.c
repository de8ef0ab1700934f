#include "gateway/relay/z2m_reader.h"

#include <dlfcn.h>
#include <jansson.h>

#include "gateway/relay/delegate.h"
#include "tests/unit/gateway/played_broker.h"
#include "tests/unit/unit.h"

/* ---- the parser, which the test holds up ---- */

static uv_sem_t gate;
static bool gated;
static uv_thread_t loop_thread;
static unsigned parsed_on_loop;

/* In place of the library's, which it calls. */
json_t *json_loadb(const char *text, size_t len, size_t flags,
	json_error_t *error)
{
	json_t *(*real)(const char *text, size_t len, size_t flags,
		json_error_t *error);
	uv_thread_t self = uv_thread_self();

	*(void **)&real = dlsym(RTLD_NEXT, "json_loadb");
	if (uv_thread_equal(&self, &loop_thread))
		parsed_on_loop++;
	else if (gated)
		uv_sem_wait(&gate);
	return real(text, len, flags, error);
}

/* ---- the world ---- */

static uv_loop_t loop;
static struct z2m_reader reader;
static struct {
	unsigned lists, versions;
	int status;
	unsigned count, skipped;
	char first[Z2M_NAME_SIZE];
	char version[24];
	bool closed;
} seen;

static void on_closed(void *arg)
{
	(void)arg;
	seen.closed = true;
}

static bool closes_when_told;

static void on_devices(void *arg, int status, const struct z2m_device *list,
	unsigned count, unsigned skipped)
{
	(void)arg;
	seen.lists++;
	seen.status = status;
	seen.count = count;
	seen.skipped = skipped;
	snprintf(seen.first, sizeof(seen.first), "%s", count ? list[0].name :
		"");
	if (closes_when_told)
		z2m_reader_close(&reader, on_closed, NULL);
}

static void on_version(void *arg, int status, const char *version)
{
	(void)arg;
	seen.versions++;
	seen.status = status;
	snprintf(seen.version, sizeof(seen.version), "%s", version);
}

static const struct z2m_reader_events events = {
	.on_devices = on_devices,
	.on_version = on_version,
};

static void setup(void)
{
	memset(&seen, 0, sizeof(seen));
	closes_when_told = false;
	gated = false;
	parsed_on_loop = 0;
	loop_thread = uv_thread_self();
	ck_assert_int_eq(uv_sem_init(&gate, 0), 0);
	uv_loop_init(&loop);
	z2m_reader_init(&reader, &loop, &events, NULL);
}

static void settle(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void teardown(void)
{
	if (!seen.closed)
		z2m_reader_close(&reader, on_closed, NULL);
	settle();
	ck_assert(seen.closed);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	uv_sem_destroy(&gate);
}

#define DEVICE(name) "{\"ieee_address\":\"0x00124b0000000001\",\"type\":" \
	"\"Router\",\"friendly_name\":\"" name "\"}"

static int take(const char *text)
{
	return z2m_reader_devices(&reader, bytes_of_text(text));
}

/* ---- reading ---- */

START_TEST(z2m_reader_devices_are_parsed_apart_from_the_loop)
{
	ck_assert_int_eq(take("[" DEVICE("lamp") ",{}]"), 0);
	ck_assert(z2m_reader_is_listing(&reader));
	ck_assert_uint_eq(seen.lists, 0);
	settle();
	ck_assert_uint_eq(parsed_on_loop, 0);
	ck_assert_int_eq(seen.status, 0);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_uint_eq(seen.skipped, 1);
	ck_assert_str_eq(seen.first, "lamp");
	ck_assert(!z2m_reader_is_listing(&reader));
}
END_TEST

START_TEST(z2m_reader_info_is_parsed_apart_from_the_loop)
{
	ck_assert_int_eq(z2m_reader_info(&reader, bytes_of_text(
		"{\"version\":\"2.14.1\"}")), 0);
	ck_assert_uint_eq(seen.versions, 0);
	settle();
	ck_assert_uint_eq(parsed_on_loop, 0);
	ck_assert_str_eq(seen.version, "2.14.1");
}
END_TEST

START_TEST(z2m_reader_devices_only_the_newest_waits)
{
	gated = true;
	ck_assert_int_eq(take("[" DEVICE("first") "]"), 0);
	ck_assert_int_eq(take("[" DEVICE("second") "]"), 0);
	ck_assert_int_eq(take("[" DEVICE("third") "]"), 0);
	uv_sem_post(&gate);
	uv_sem_post(&gate);
	settle();
	ck_assert_uint_eq(seen.lists, 2);
	ck_assert_str_eq(seen.first, "third");
}
END_TEST

START_TEST(z2m_reader_devices_that_cannot_be_read_say_so)
{
	ck_assert_int_eq(take("{"), 0);
	settle();
	ck_assert_uint_eq(seen.lists, 1);
	ck_assert_int_eq(seen.status, ERR_DELEGATE_ANSWER);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_int_eq(take("[" DEVICE("lamp") "]"), 0);
	settle();
	ck_assert_int_eq(seen.status, 0);
	ck_assert_uint_eq(seen.count, 1);
}
END_TEST

START_TEST(z2m_reader_payload_over_its_limit_is_refused_at_once)
{
	static uint8_t large[Z2M_DEVICES_BYTES_MAX + 1];

	ck_assert_int_eq(z2m_reader_devices(&reader, bytes_of(large,
		sizeof(large))), ERR_TOO_LARGE);
	ck_assert_int_eq(z2m_reader_info(&reader, bytes_of(large,
		Z2M_INFO_BYTES_MAX + 1)), ERR_TOO_LARGE);
	ck_assert(!z2m_reader_is_listing(&reader));
}
END_TEST

START_TEST(z2m_reader_close_waits_for_what_is_read_and_tells_nothing)
{
	gated = true;
	ck_assert_int_eq(take("[" DEVICE("first") "]"), 0);
	ck_assert_int_eq(take("[" DEVICE("second") "]"), 0);
	z2m_reader_close(&reader, on_closed, NULL);
	ck_assert(!seen.closed);
	uv_sem_post(&gate);
	settle();
	ck_assert(seen.closed);
	ck_assert_uint_eq(seen.lists, 0);
}
END_TEST

START_TEST(z2m_reader_may_be_closed_by_what_is_told)
{
	closes_when_told = true;
	ck_assert_int_eq(take("[" DEVICE("lamp") "]"), 0);
	settle();
	ck_assert_uint_eq(seen.lists, 1);
	ck_assert(seen.closed);
}
END_TEST

/* ---- the delegate ---- */

static unsigned ups, peers_before_up;

static void on_up(void *arg, const char *text)
{
	(void)arg;
	(void)text;
	ups++;
}

static void on_down(void *arg, int status, const char *text)
{
	(void)arg;
	(void)status;
	(void)text;
}

static void on_peer(void *arg, const struct delegate_peer *peer)
{
	(void)arg;
	(void)peer;
	peers_before_up += ups == 0;
}

static void on_peer_gone(void *arg, const char *key)
{
	(void)arg;
	(void)key;
}

static const struct delegate_events delegate_events = {
	.on_up = on_up,
	.on_down = on_down,
	.on_peer = on_peer,
	.on_peer_gone = on_peer_gone,
};

static void ignore(void *arg)
{
	(void)arg;
}

START_TEST(delegate_is_up_only_when_the_list_of_its_devices_is_read)
{
	static const struct ferry_kv kv[] = {{"url", "mqtt://127.0.0.1"},
		{"hand_over", "url"}, {"topic", "z"}};
	struct delegate_setup s = {.loop = &loop, .params = kv,
		.param_count = 3, .events = &delegate_events};
	struct delegate *delegate = NULL;

	ups = peers_before_up = 0;
	broker_init(&loop);
	ck_assert_int_eq(delegate_open(&s, &delegate, NULL), 0);
	gated = true;
	broker_up();
	broker_hear("bridge/devices", "[" DEVICE("lamp") "]");
	ck_assert_uint_eq(parsed_on_loop, 0);
	broker_hear("bridge/state", "online");
	broker_respond("health_check", broker_transaction(
		"request/health_check"), NULL);
	ck_assert_uint_eq(ups, 0);
	uv_sem_post(&gate);
	broker_settle();
	ck_assert_uint_eq(ups, 1);
	ck_assert_uint_eq(peers_before_up, 0);
	delegate_close(delegate, ignore, NULL);
}
END_TEST

START_TEST(delegate_that_is_closed_does_not_come_up_any_more)
{
	static const struct ferry_kv kv[] = {{"url", "mqtt://127.0.0.1"},
		{"hand_over", "url"}, {"topic", "z"}};
	struct delegate_setup s = {.loop = &loop, .params = kv,
		.param_count = 3, .events = &delegate_events};
	struct delegate *delegate = NULL;

	ups = 0;
	broker_init(&loop);
	ck_assert_int_eq(delegate_open(&s, &delegate, NULL), 0);
	gated = true;
	broker_up();
	broker_hear("bridge/devices", "[" DEVICE("lamp") "]");
	broker_hear("bridge/state", "online");
	broker_respond("health_check", broker_transaction(
		"request/health_check"), NULL);
	broker_holds_close();
	delegate_close(delegate, ignore, NULL);
	uv_sem_post(&gate);
	broker_settle();
	ck_assert_uint_eq(ups, 0);
	broker_closes();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("z2m_reader");
	TCase *tc = tcase_create("z2m_reader");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, z2m_reader_devices_are_parsed_apart_from_the_loop);
	tcase_add_test(tc, z2m_reader_info_is_parsed_apart_from_the_loop);
	tcase_add_test(tc, z2m_reader_devices_only_the_newest_waits);
	tcase_add_test(tc, z2m_reader_devices_that_cannot_be_read_say_so);
	tcase_add_test(tc,
		z2m_reader_payload_over_its_limit_is_refused_at_once);
	tcase_add_test(tc,
		z2m_reader_close_waits_for_what_is_read_and_tells_nothing);
	tcase_add_test(tc, z2m_reader_may_be_closed_by_what_is_told);
	tcase_add_test(tc,
		delegate_is_up_only_when_the_list_of_its_devices_is_read);
	tcase_add_test(tc, delegate_that_is_closed_does_not_come_up_any_more);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

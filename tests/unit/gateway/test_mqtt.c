/* The client of a broker that is played, byte by byte, by the test. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "gateway/relay/mqtt.h"

static uv_loop_t loop;
static uv_tcp_t server, conn;
static uv_timer_t limit;
static struct mqtt *mqtt;
static uint16_t port;
static unsigned conns;
static const uint8_t *greeting; /* what the broker answers to CONNECT */
static size_t greeting_len;
static uint8_t heard[512];
static size_t heard_len;

static struct {
	int ups, downs, refusals, messages;
	char why[128];
	char topic[32], payload[32];
	bool retained;
} seen;

/* ---- the broker ---- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	buf->base = (char *)heard + heard_len;
	buf->len = sizeof(heard) - heard_len;
}

static void say(const uint8_t *at, size_t len)
{
	uv_buf_t buf = uv_buf_init(NULL, (unsigned)len);

	memcpy(&buf.base, &at, sizeof(at));
	ck_assert_int_eq(uv_try_write((uv_stream_t *)&conn, &buf, 1),
		(int)len);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	bool first = heard_len == 0;

	(void)buf;
	if (n < 0) {
		uv_read_stop(stream);
		return;
	}
	heard_len += (size_t)n;
	if (first && n > 0 && greeting_len)
		say(greeting, greeting_len);
	if (first && n > 0 && !greeting_len)
		uv_close((uv_handle_t *)stream, NULL);
}

static void on_connection(uv_stream_t *stream, int status)
{
	ck_assert_int_eq(status, 0);
	conns++;
	heard_len = 0;
	uv_tcp_init(&loop, &conn);
	ck_assert_int_eq(uv_accept(stream, (uv_stream_t *)&conn), 0);
	uv_read_start((uv_stream_t *)&conn, on_alloc, on_bytes);
}

/* ---- the client ---- */

static void on_up(void *arg)
{
	(void)arg;
	seen.ups++;
}

static void on_down(void *arg, const char *why)
{
	(void)arg;
	seen.downs++;
	snprintf(seen.why, sizeof(seen.why), "%s", why);
}

static void on_message(void *arg, const char *topic, struct bytes payload,
	bool retained)
{
	(void)arg;
	seen.messages++;
	seen.retained = retained;
	snprintf(seen.topic, sizeof(seen.topic), "%s", topic);
	snprintf(seen.payload, sizeof(seen.payload), "%.*s", (int)payload.len,
		(const char *)payload.at);
}

static void on_refused(void *arg)
{
	(void)arg;
	seen.refusals++;
}

static const struct mqtt_events events = {
	.on_up = on_up,
	.on_down = on_down,
	.on_message = on_message,
	.on_refused = on_refused,
};

static void open_client(const char *host)
{
	struct mqtt_setup s = {.loop = &loop, .host = host, .port = port,
		.events = &events};

	ck_assert_int_eq(mqtt_open(&s, &mqtt, NULL), 0);
}

static void on_limit(uv_timer_t *timer)
{
	(void)timer;
	ck_abort_msg("nothing happened");
}

static void wait_for(const int *count, int wanted)
{
	while (*count < wanted)
		uv_run(&loop, UV_RUN_ONCE);
}

static void setup(void)
{
	struct sockaddr_in at;
	struct sockaddr_storage got;
	int size = sizeof(got);

	memset(&seen, 0, sizeof(seen));
	conns = 0;
	greeting_len = 0;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &limit);
	uv_timer_start(&limit, on_limit, 50000, 0);
	uv_tcp_init(&loop, &server);
	uv_ip4_addr("127.0.0.1", 0, &at);
	ck_assert_int_eq(uv_tcp_bind(&server, (struct sockaddr *)&at, 0), 0);
	ck_assert_int_eq(uv_listen((uv_stream_t *)&server, 4, on_connection),
		0);
	ck_assert_int_eq(uv_tcp_getsockname(&server, (struct sockaddr *)&got,
		&size), 0);
	memcpy(&at, &got, sizeof(at));
	port = ntohs(at.sin_port);
}

static void on_closed(void *arg)
{
	bool *closed = arg;

	*closed = true;
}

static void teardown(void)
{
	bool closed = false;

	mqtt_close(mqtt, on_closed, &closed);
	while (!closed)
		uv_run(&loop, UV_RUN_ONCE);
	if (conns && !uv_is_closing((uv_handle_t *)&conn))
		uv_close((uv_handle_t *)&conn, NULL);
	uv_close((uv_handle_t *)&server, NULL);
	uv_close((uv_handle_t *)&limit, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static const uint8_t accepted[] = {0x20, 2, 0, 0};
static const uint8_t not_authorised[] = {0x20, 2, 0, 5};
static const uint8_t bad_password[] = {0x20, 2, 0, 4};

#define GREET(bytes) (greeting = (bytes), greeting_len = sizeof(bytes))

START_TEST(mqtt_accepted_by_the_broker_is_up)
{
	GREET(accepted);
	open_client("127.0.0.1");
	ck_assert_int_eq(seen.ups, 0);
	wait_for(&seen.ups, 1);
	ck_assert_int_eq(seen.downs, 0);
	ck_assert_int_eq(mqtt_subscribe(mqtt, "a/#"), 0);
}
END_TEST

START_TEST(mqtt_name_is_looked_up)
{
	GREET(accepted);
	open_client("localhost");
	wait_for(&seen.ups, 1);
}
END_TEST

START_TEST(mqtt_refused_by_the_broker_says_why)
{
	if (_i)
		GREET(bad_password);
	else
		GREET(not_authorised);
	open_client("127.0.0.1");
	wait_for(&seen.downs, 1);
	ck_assert_msg(strstr(seen.why, "refused: ") == seen.why, "%s",
		seen.why);
	ck_assert_int_eq(seen.ups, 0);
	ck_assert_int_eq(mqtt_subscribe(mqtt, "a/#"), -ENOTCONN);
}
END_TEST

START_TEST(mqtt_that_lost_its_broker_connects_again)
{
	GREET(accepted);
	open_client("127.0.0.1");
	wait_for(&seen.ups, 1);
	uv_close((uv_handle_t *)&conn, NULL);
	wait_for(&seen.downs, 1);
	wait_for(&seen.ups, 2);
	ck_assert_uint_eq(conns, 2);
}
END_TEST

START_TEST(mqtt_broker_that_hangs_up_is_a_loss)
{
	open_client("127.0.0.1");
	wait_for(&seen.downs, 1);
	ck_assert(seen.why[0]);
}
END_TEST

START_TEST(mqtt_without_broker_is_a_loss)
{
	uint16_t unused = port;

	port = 1; /* tcpmux: nobody has it */
	open_client("127.0.0.1");
	wait_for(&seen.downs, 1);
	ck_assert(seen.why[0]);
	port = unused;
}
END_TEST

START_TEST(mqtt_message_is_passed_on)
{
	static const uint8_t retained[] = {0x31, 7, 0, 3, 'a', '/', 'b', 'h',
		'i'};

	GREET(accepted);
	open_client("127.0.0.1");
	wait_for(&seen.ups, 1);
	say(retained, sizeof(retained));
	wait_for(&seen.messages, 1);
	ck_assert_str_eq(seen.topic, "a/b");
	ck_assert_str_eq(seen.payload, "hi");
	ck_assert(seen.retained);
}
END_TEST

START_TEST(mqtt_refused_subscription_is_told)
{
	static uint8_t answer[] = {0x90, 3, 0, 0, 0x80};

	GREET(accepted);
	open_client("127.0.0.1");
	wait_for(&seen.ups, 1);
	heard_len = 0;
	greeting_len = 0;
	greeting = answer;
	ck_assert_int_eq(mqtt_subscribe(mqtt, "a/#"), 0);
	answer[3] = 1; /* its first packet with an identifier */
	say(answer, sizeof(answer));
	wait_for(&seen.refusals, 1);
}
END_TEST

START_TEST(mqtt_close_at_every_moment_is_clean)
{
	GREET(accepted);
	open_client("127.0.0.1");
	for (int i = 0; i < _i; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mqtt");
	TCase *tc = tcase_create("mqtt");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, mqtt_accepted_by_the_broker_is_up);
	tcase_add_test(tc, mqtt_name_is_looked_up);
	tcase_add_loop_test(tc, mqtt_refused_by_the_broker_says_why, 0, 2);
	tcase_add_test(tc, mqtt_that_lost_its_broker_connects_again);
	tcase_add_test(tc, mqtt_broker_that_hangs_up_is_a_loss);
	tcase_add_test(tc, mqtt_without_broker_is_a_loss);
	tcase_add_test(tc, mqtt_message_is_passed_on);
	tcase_add_test(tc, mqtt_refused_subscription_is_told);
	tcase_add_loop_test(tc, mqtt_close_at_every_moment_is_clean, 0, 6);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

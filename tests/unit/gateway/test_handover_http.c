/* The server that hands an image over, asked by clients on the same loop. */
#include "tests/unit/gateway/cached_image.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "gateway/relay/handover_http.h"

#define BLOB_LEN ((size_t)3 * CACHE_READ_MAX + 77)

static struct handover_http *http;
static uint8_t blob[BLOB_LEN];

struct client {
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	char request[160];
	uint8_t answer[BLOB_LEN + 512];
	size_t len;
	bool connected, ended, closed;
};

static struct client clients[HANDOVER_CONNS_MAX + 2];

static void setup(void)
{
	cached_image_setup(blob, BLOB_LEN);
	memset(clients, 0, sizeof(clients));
	ck_assert_int_eq(handover_http_open(&test_loop, cache, digest, BLOB_LEN,
		&http), 0);
}

static void on_closed(void *arg)
{
	bool *closed = arg;

	*closed = true;
}

static void on_client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	c->closed = true;
}

static void teardown(void)
{
	bool closed = false;

	for (size_t i = 0; i < HANDOVER_CONNS_MAX + 2; i++)
		if (clients[i].connected)
			uv_close((uv_handle_t *)&clients[i].tcp,
				on_client_closed);
	handover_http_close(http, on_closed, &closed);
	while (!closed)
		uv_run(&test_loop, UV_RUN_ONCE);
	cached_image_teardown();
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct client *c = handle->data;

	(void)size;
	*buf = uv_buf_init((char *)c->answer + c->len,
		(unsigned)(sizeof(c->answer) - c->len));
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	(void)buf;
	if (n < 0) {
		c->ended = true;
		uv_read_stop(stream);
		return;
	}
	c->len += (size_t)n;
}

static void on_written(uv_write_t *write, int status)
{
	(void)write;
	(void)status;
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct client *c = connect->data;
	uv_buf_t buf = uv_buf_init(c->request, (unsigned)strlen(c->request));

	ck_assert_int_eq(status, 0);
	c->connected = true;
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_bytes);
	if (buf.len)
		uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1,
			on_written);
}

/* "" says nothing. */
static void begin(struct client *c, const char *url)
{
	struct sockaddr_in at;
	const char *port = handover_http_image(http) +
		strlen("http://127.0.0.1:");

	if (url[0])
		snprintf(c->request, sizeof(c->request),
			"GET /%s HTTP/1.1\r\n\r\n", strchr(url +
			strlen("http://127.0.0.1:"), '/') + 1);
	uv_ip4_addr("127.0.0.1", atoi(port), &at);
	uv_tcp_init(&test_loop, &c->tcp);
	c->tcp.data = c;
	c->connect.data = c;
	ck_assert_int_eq(uv_tcp_connect(&c->connect, &c->tcp,
		(struct sockaddr *)&at, on_connected), 0);
	while (!c->connected)
		uv_run(&test_loop, UV_RUN_ONCE);
	/* So that the server takes them in this order. */
	for (int i = 0; i < 4; i++)
		uv_run(&test_loop, UV_RUN_NOWAIT);
}

static void wait_end(const struct client *c)
{
	while (!c->ended)
		uv_run(&test_loop, UV_RUN_ONCE);
}

static bool is_image(const struct client *c)
{
	return c->len > BLOB_LEN && !memcmp(c->answer, "HTTP/1.1 200 ", 13) &&
		!memcmp(c->answer + c->len - BLOB_LEN, blob, BLOB_LEN);
}

START_TEST(handover_http_sends_the_image)
{
	begin(&clients[0], handover_http_image(http));
	wait_end(&clients[0]);
	ck_assert(is_image(&clients[0]));
}
END_TEST

START_TEST(handover_http_sends_the_index)
{
	begin(&clients[0], handover_http_index(http));
	wait_end(&clients[0]);
	ck_assert_int_eq(memcmp(clients[0].answer + clients[0].len - 2, "[]",
		2), 0);
}
END_TEST

START_TEST(handover_http_without_token_sends_nothing)
{
	char url[HANDOVER_URL_SIZE];
	char *token;

	snprintf(url, sizeof(url), "%s", handover_http_image(http));
	token = strchr(url + strlen("http://"), '/') + 1;
	token[0] = token[0] == '0' ? '1' : '0';
	begin(&clients[0], url);
	wait_end(&clients[0]);
	ck_assert_int_eq(memcmp(clients[0].answer, "HTTP/1.1 404 ", 13), 0);
}
END_TEST

START_TEST(handover_http_silent_connections_keep_nobody_out)
{
	for (int i = 0; i < HANDOVER_CONNS_MAX; i++)
		begin(&clients[i], "");
	begin(&clients[HANDOVER_CONNS_MAX], handover_http_image(http));
	wait_end(&clients[HANDOVER_CONNS_MAX]);
	ck_assert(is_image(&clients[HANDOVER_CONNS_MAX]));
	wait_end(&clients[0]);
	ck_assert_uint_eq(clients[0].len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover_http");
	TCase *tc = tcase_create("handover_http");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, handover_http_sends_the_image);
	tcase_add_test(tc, handover_http_sends_the_index);
	tcase_add_test(tc, handover_http_without_token_sends_nothing);
	tcase_add_test(tc, handover_http_silent_connections_keep_nobody_out);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

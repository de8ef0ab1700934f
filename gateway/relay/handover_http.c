#include "gateway/relay/handover_http.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKEN_LEN 16
#define SWEEP_MS 5000
#define EMPTY_INDEX "[]"

enum { ROUTE_MORE, ROUTE_IMAGE, ROUTE_INDEX };

struct conn {
	uv_tcp_t tcp;
	uv_write_t write;
	struct handover_http *server; /* NULL: it is closed */
	uint64_t since_ms; /* that it came, or last took something */
	uint8_t head[HANDOVER_HEAD_MAX];
	size_t used;
	char answer[256];
	uint8_t piece[CACHE_READ_MAX];
	uint64_t at;   /* of the image, when it is sent */
	bool answered;
	bool sends_image;
	bool reading;  /* the cache holds a pointer to it */
	bool closed;
};

struct handover_http {
	uv_loop_t *loop;
	uv_tcp_t tcp;
	uv_timer_t sweep;
	struct cache *cache;
	uint8_t digest[32];
	uint64_t len;
	char token[2 * TOKEN_LEN + 1];
	char image[HANDOVER_URL_SIZE], index[HANDOVER_URL_SIZE];
	struct conn *conns[HANDOVER_CONNS_MAX];
	unsigned handles;
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* ---- requests ---- */

static bool takes(struct bytes *rest, const char *text)
{
	size_t len = strlen(text);

	if (rest->len < len || memcmp(rest->at, text, len))
		return false;
	*rest = bytes_slice(*rest, len, rest->len);
	return true;
}

/* Takes as long for every token. */
static bool takes_token(struct bytes *rest, const char *token)
{
	size_t len = strlen(token);
	uint8_t differs = 0;

	if (rest->len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		differs |= (uint8_t)(rest->at[i] ^ (uint8_t)token[i]);
	*rest = bytes_slice(*rest, len, rest->len);
	return differs == 0;
}

static bool is_whole(struct bytes request)
{
	for (size_t i = 0; i + 4 <= request.len; i++)
		if (!memcmp(request.at + i, "\r\n\r\n", 4))
			return true;
	return false;
}

int handover_http_route(struct bytes request, const char *token)
{
	struct bytes rest = request;

	if (!is_whole(request))
		return request.len < HANDOVER_HEAD_MAX ? ROUTE_MORE : -EINVAL;
	if (!takes(&rest, "GET /"))
		return -EINVAL;
	if (!takes_token(&rest, token))
		return -ENOENT;
	if (takes(&rest, "/image.ota HTTP/1.1\r\n"))
		return ROUTE_IMAGE;
	return takes(&rest, "/index.json HTTP/1.1\r\n") ? ROUTE_INDEX : -ENOENT;
}

/* ---- connections ---- */

static void free_when_unused(struct conn *c)
{
	if (c->closed && !c->reading)
		free(c);
}

static void server_lost_handle(struct handover_http *h)
{
	if (--h->handles)
		return;
	h->on_closed(h->close_arg);
	free(h);
}

static void on_conn_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct handover_http *h = c->server;

	for (unsigned i = 0; i < HANDOVER_CONNS_MAX; i++)
		if (h->conns[i] == c)
			h->conns[i] = NULL;
	c->closed = true;
	free_when_unused(c);
	server_lost_handle(h);
}

static void end(struct conn *c)
{
	if (!uv_is_closing((uv_handle_t *)&c->tcp))
		uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

static void send_next(struct conn *c);

static void on_written(uv_write_t *write, int status)
{
	struct conn *c = write->data;

	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	c->since_ms = uv_now(c->server->loop);
	if (status || !c->sends_image || c->at >= c->server->len)
		end(c);
	else
		send_next(c);
}

static void put(struct conn *c, const void *at, size_t len)
{
	/* libuv does not write to what it is given. */
	uv_buf_t buf;

	memcpy(&buf.base, &at, sizeof(at));
	buf.len = len;
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written))
		end(c);
}

/* Short of what the head promised when the image is rotten: no program takes
 * that for the whole. */
static void on_read(void *arg, int status, struct bytes bytes)
{
	struct conn *c = arg;

	c->reading = false;
	if (c->closed) {
		free_when_unused(c);
		return;
	}
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	if (status || bytes.len > sizeof(c->piece)) {
		end(c);
		return;
	}
	memcpy(c->piece, bytes.at, bytes.len);
	c->at += bytes.len;
	put(c, c->piece, bytes.len);
}

static void send_next(struct conn *c)
{
	struct handover_http *h = c->server;
	uint64_t left = h->len - c->at;

	c->reading = true;
	if (cache_read(h->cache, h->digest, c->at, left < CACHE_READ_MAX ?
			(size_t)left : CACHE_READ_MAX, on_read, c)) {
		c->reading = false;
		end(c);
	}
}

static void answer(struct conn *c, const char *status, uint64_t len,
	const char *body)
{
	int n = snprintf(c->answer, sizeof(c->answer), "HTTP/1.1 %s\r\n"
		"Content-Length: %llu\r\nContent-Type: application/"
		"octet-stream\r\nConnection: close\r\n\r\n%s", status,
		(unsigned long long)len, body);

	c->answered = true;
	put(c, c->answer, (size_t)n);
}

static void look(struct conn *c)
{
	const struct handover_http *h = c->server;
	int route = handover_http_route(bytes_of(c->head, c->used), h->token);

	if (route == ROUTE_MORE)
		return;
	uv_read_stop((uv_stream_t *)&c->tcp);
	if (route == ROUTE_IMAGE && h->cache) {
		c->sends_image = true;
		answer(c, "200 OK", h->len, "");
	} else if (route == ROUTE_INDEX) {
		answer(c, "200 OK", strlen(EMPTY_INDEX), EMPTY_INDEX);
	} else if (route == -EINVAL) {
		answer(c, "400 Bad Request", 0, "");
	} else {
		answer(c, "404 Not Found", 0, "");
	}
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct conn *c = handle->data;

	(void)size;
	buf->base = (char *)c->head + c->used;
	buf->len = sizeof(c->head) - c->used;
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	(void)buf;
	if (n < 0) {
		end(c);
		return;
	}
	c->used += (size_t)n;
	look(c);
}

static struct conn **free_place(struct handover_http *h)
{
	for (unsigned i = 0; i < HANDOVER_CONNS_MAX; i++)
		if (!h->conns[i])
			return &h->conns[i];
	return NULL;
}

/* Its place is free from now on; it itself goes when its handle is closed. */
static struct conn **make_place(struct handover_http *h)
{
	struct conn **oldest = NULL;

	for (unsigned i = 0; i < HANDOVER_CONNS_MAX; i++)
		if (!h->conns[i]->answered && (!oldest ||
				h->conns[i]->since_ms < (*oldest)->since_ms))
			oldest = &h->conns[i];
	if (!oldest)
		return NULL;
	end(*oldest);
	*oldest = NULL;
	return oldest;
}

/* With all places taken it is accepted and closed at once: what libuv holds
 * back would keep others from being told of. */
static void on_connection(uv_stream_t *stream, int status)
{
	struct handover_http *h = stream->data;
	struct conn *c = status ? NULL : calloc(1, sizeof(*c));
	struct conn **place;

	if (!c)
		return;
	place = free_place(h);
	if (!place)
		place = make_place(h);
	c->server = h;
	c->since_ms = uv_now(h->loop);
	uv_tcp_init(h->loop, &c->tcp);
	c->tcp.data = c;
	h->handles++;
	if (place)
		*place = c;
	if (uv_accept(stream, (uv_stream_t *)&c->tcp) || !place ||
			uv_read_start((uv_stream_t *)&c->tcp, on_alloc,
			on_bytes))
		end(c);
}

static void on_sweep(uv_timer_t *timer)
{
	struct handover_http *h = timer->data;
	uint64_t now = uv_now(h->loop);

	for (unsigned i = 0; i < HANDOVER_CONNS_MAX; i++) {
		struct conn *c = h->conns[i];

		if (c && now - c->since_ms > (c->answered ? HANDOVER_CONN_S :
				HANDOVER_HEAD_S) * 1000u)
			end(c);
	}
}

/* ---- the server ---- */

static int make_token(struct handover_http *h)
{
	uint8_t random[TOKEN_LEN];
	int err = uv_random(NULL, NULL, random, sizeof(random), 0, NULL);

	if (!err)
		bytes_to_hex(bytes_of(random, sizeof(random)), h->token,
			sizeof(h->token));
	return err;
}

static int listen_on(struct handover_http *h)
{
	struct sockaddr_in at = {0};
	struct sockaddr_storage got;
	int size = sizeof(got);
	int err;

	uv_ip4_addr("127.0.0.1", 0, &at);
	err = uv_tcp_bind(&h->tcp, (const struct sockaddr *)&at, 0);
	if (!err)
		err = uv_listen((uv_stream_t *)&h->tcp, HANDOVER_CONNS_MAX,
			on_connection);
	if (!err)
		err = uv_tcp_getsockname(&h->tcp, (struct sockaddr *)&got,
			&size);
	if (err)
		return err;
	memcpy(&at, &got, sizeof(at));
	snprintf(h->image, sizeof(h->image), "http://127.0.0.1:%u/%s/image.ota",
		ntohs(at.sin_port), h->token);
	snprintf(h->index, sizeof(h->index),
		"http://127.0.0.1:%u/%s/index.json", ntohs(at.sin_port),
		h->token);
	return 0;
}

static void ignore(void *arg)
{
	(void)arg;
}

int handover_http_open(uv_loop_t *loop, struct cache *cache,
	const uint8_t digest[32], uint64_t len, struct handover_http **ret)
{
	struct handover_http *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->loop = loop;
	h->cache = cache;
	h->len = len;
	if (cache)
		memcpy(h->digest, digest, sizeof(h->digest));
	err = make_token(h);
	if (err) {
		free(h);
		return err;
	}
	uv_tcp_init(loop, &h->tcp);
	h->tcp.data = h;
	uv_timer_init(loop, &h->sweep);
	h->sweep.data = h;
	h->handles = 2;
	err = listen_on(h);
	if (err) {
		handover_http_close(h, ignore, NULL);
		return err;
	}
	uv_timer_start(&h->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	*ret = h;
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	server_lost_handle(handle->data);
}

void handover_http_close(struct handover_http *h,
	void (*on_closed)(void *arg), void *arg)
{
	h->on_closed = on_closed;
	h->close_arg = arg;
	for (unsigned i = 0; i < HANDOVER_CONNS_MAX; i++)
		if (h->conns[i])
			end(h->conns[i]);
	uv_close((uv_handle_t *)&h->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&h->sweep, on_handle_closed);
}

const char *handover_http_image(const struct handover_http *h)
{
	return h->image;
}

const char *handover_http_index(const struct handover_http *h)
{
	return h->index;
}

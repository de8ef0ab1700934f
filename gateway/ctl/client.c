#include "gateway/ctl/client.h"

#include <errno.h>
#include <llhttp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define ANSWER_MAX (64UL << 20)
#define ANSWER_MS 150000
#define PART_SIZE 65536

struct client {
	int fd;
	llhttp_t parser;
	llhttp_settings_t settings;
	struct buf body; /* of an answer, or event text not yet taken */
	unsigned status;
	bool has_head;
	bool whole;
	char part[PART_SIZE];
};

static struct client *client_of(llhttp_t *parser)
{
	return (struct client *)parser->data;
}

static int on_head(llhttp_t *parser)
{
	struct client *c = client_of(parser);

	c->status = (unsigned)llhttp_get_status_code(parser);
	c->has_head = c->status >= 200;
	return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
	return buf_add(&client_of(parser)->body, at, len) ? -1 : 0;
}

static int on_whole(llhttp_t *parser)
{
	struct client *c = client_of(parser);

	c->whole = c->has_head;
	return 0;
}

int client_take(int take_fd, struct client **ret_client)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(take_fd);
		return -ENOMEM;
	}
	c->fd = take_fd;
	llhttp_settings_init(&c->settings);
	c->settings.on_headers_complete = on_head;
	c->settings.on_body = on_body;
	c->settings.on_message_complete = on_whole;
	llhttp_init(&c->parser, HTTP_RESPONSE, &c->settings);
	c->parser.data = c;
	buf_init(&c->body, ANSWER_MAX);
	*ret_client = c;
	return 0;
}

int client_open(const char *path, struct client **ret_client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			sizeof(address)) < 0) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	return client_take(fd, ret_client);
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	buf_done(&client->body);
	free(client);
}

static int send_all(int fd, struct bytes out)
{
	while (out.len) {
		ssize_t n = send(fd, out.at, out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		out = bytes_slice(out, (size_t)n, out.len);
	}
	return 0;
}

/* Reads and parses once. 1: something came, 0: nothing in time. */
static int take(struct client *c, int timeout_ms)
{
	struct pollfd fd = {.fd = c->fd, .events = POLLIN};
	int ready = poll(&fd, 1, timeout_ms);
	ssize_t n;

	if (ready <= 0)
		return ready < 0 && errno != EINTR ? -errno : 0;
	n = recv(c->fd, c->part, sizeof(c->part), 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	if (llhttp_execute(&c->parser, c->part, (size_t)n) != HPE_OK)
		return c->body.err ? c->body.err : -EPROTO;
	return 1;
}

static int send_request(struct client *c, const char *method,
	const char *target, const json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct buf out;
	int err;

	buf_init(&out, 1U << 20);
	buf_printf(&out, "%s %s HTTP/1.1\r\nHost: ferry\r\n", method, target);
	if (text)
		buf_printf(&out, "Content-Type: application/json\r\n"
			"Content-Length: %zu\r\n", strlen(text));
	buf_printf(&out, "\r\n%s", text ? text : "");
	err = out.err ? out.err : send_all(c->fd, buf_bytes(&out));
	/* A refusal may have been sent before the request was read whole. */
	if (err == -EPIPE)
		err = 0;
	buf_done(&out);
	free(text);
	buf_reset(&c->body);
	c->has_head = false;
	c->whole = false;
	return err;
}

static int read_answer(struct client *c, unsigned *ret_status,
	json_t **ret_json)
{
	int got = 1;

	while (!c->whole && got > 0)
		got = take(c, ANSWER_MS);
	if (got == 0)
		return -ETIMEDOUT;
	if (got < 0 && !c->whole)
		return got;
	*ret_status = c->status;
	*ret_json = c->body.len ? json_loadb((const char *)c->body.at,
		c->body.len, 0, NULL) : NULL;
	return 0;
}

int client_ask(struct client *client, const char *method, const char *target,
	const json_t *body, unsigned *ret_status, json_t **ret_json)
{
	int err = send_request(client, method, target, body);

	return err ? err : read_answer(client, ret_status, ret_json);
}

int client_watch(struct client *client, const char *target,
	unsigned *ret_status, json_t **ret_json)
{
	int got = send_request(client, "GET", target, NULL);

	if (got)
		return got;
	got = 1;
	while (!client->has_head && got > 0)
		got = take(client, ANSWER_MS);
	if (!client->has_head)
		return got ? got : -ETIMEDOUT;
	if (client->status != 200)
		return read_answer(client, ret_status, ret_json);
	*ret_status = client->status;
	*ret_json = NULL;
	return 0;
}

/* Reads one line of an event; `ret_data` gets the parsed data line. */
static void read_line(struct bytes line, struct event *event)
{
	static const char name[] = "event: ", data[] = "data: ";
	struct bytes value;

	if (line.len > 7 && !memcmp(line.at, name, 7)) {
		value = bytes_slice(line, 7, sizeof(event->type) - 1);
		memcpy(event->type, value.at, value.len);
		event->type[value.len] = '\0';
	} else if (line.len > 6 && !memcmp(line.at, data, 6)) {
		json_decref(event->data);
		value = bytes_slice(line, 6, line.len);
		event->data = json_loadb((const char *)value.at, value.len,
			JSON_DECODE_ANY, NULL);
	}
}

/* Takes one event out of the text that has come; comments are passed over. */
static bool cut_event(struct buf *text, struct event *ret_event)
{
	struct event event = {0};
	size_t at = 0;

	while (at < text->len) {
		const uint8_t *start = text->at + at;
		const uint8_t *end = memchr(start, '\n', text->len - at);
		size_t len = end ? (size_t)(end - start) : 0;

		if (!end)
			break;
		at += len + 1;
		if (len > 0) {
			read_line(bytes_of(start, len), &event);
			continue;
		}
		buf_eat(text, at);
		at = 0;
		if (event.type[0] && event.data) {
			*ret_event = event;
			return true;
		}
		json_decref(event.data);
		event = (struct event){0};
	}
	json_decref(event.data);
	return false;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int client_event(struct client *client, int timeout_ms,
	struct event *ret_event)
{
	int64_t until = now_ms() + timeout_ms;
	int left = timeout_ms, got;

	for (;;) {
		if (cut_event(&client->body, ret_event))
			return 1;
		if (client->whole)
			return -ECONNRESET;
		got = take(client, left);
		if (got < 0)
			return got;
		if (timeout_ms >= 0) {
			left = (int)(until - now_ms());
			if (left <= 0 && got == 0)
				return 0;
			left = left < 0 ? 0 : left;
		}
	}
}

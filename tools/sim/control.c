#include "tools/sim/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

struct client {
	uv_pipe_t pipe;
	struct control *control;
	char line[CONTROL_LINE_MAX];
	size_t len;
	char input[512];
};

struct control {
	struct world *world;
	uv_pipe_t listener;
	char path[GROUP_PATH_SIZE];
	struct client *clients[CONTROL_CLIENTS_MAX];
};

/* A write and its text in one piece. */
struct answer {
	uv_write_t write;
	char *text;
};

static void on_client_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void client_end(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->control->clients[i] == c)
			c->control->clients[i] = NULL;
	uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

static void on_written(uv_write_t *write, int status)
{
	struct answer *a = write->data;

	(void)status;
	free(a->text);
	free(a);
}

static void send_answer(struct client *c, json_t *json)
{
	struct answer *a = calloc(1, sizeof(*a));
	char *text = json_dumps(json, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	uv_buf_t line;

	json_decref(json);
	if (!a || !text) {
		free(a);
		free(text);
		client_end(c);
		return;
	}
	a->text = text;
	a->write.data = a;
	text[len] = '\n'; /* in place of the NUL */
	line = uv_buf_init(text, (unsigned)len + 1);
	if (uv_write(
		    &a->write, (uv_stream_t *)&c->pipe, &line, 1, on_written)) {
		free(text);
		free(a);
		client_end(c);
	}
}

/* A line that does not fit ends the connection. */
static void take_input(struct client *c, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (uv_is_closing((uv_handle_t *)&c->pipe))
			return;
		if (at[i] != '\n') {
			if (c->len == sizeof(c->line) - 1) {
				client_end(c);
				return;
			}
			c->line[c->len++] = at[i];
			continue;
		}
		c->line[c->len] = '\0';
		c->len = 0;
		send_answer(c, control_command(c->control->world, c->line));
	}
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
	struct client *c = handle->data;

	(void)size;
	*ret = uv_buf_init(c->input, sizeof(c->input));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	if (n < 0)
		client_end(c);
	else
		take_input(c, buf->base, (size_t)n);
}

static void on_client(uv_stream_t *listener, int status)
{
	struct control *control = listener->data;
	struct client *c;
	int i = 0;

	if (status < 0 || !(c = calloc(1, sizeof(*c))))
		return;
	c->control = control;
	uv_pipe_init(world_loop(control->world), &c->pipe, 0);
	c->pipe.data = c;
	while (i < CONTROL_CLIENTS_MAX && control->clients[i])
		i++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 ||
		i == CONTROL_CLIENTS_MAX) {
		uv_close((uv_handle_t *)&c->pipe, on_client_closed);
		return;
	}
	control->clients[i] = c;
	uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
}

static void on_control_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int control_open(struct world *w, const char *path, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->world = w;
	uv_pipe_init(world_loop(w), &c->listener, 0);
	c->listener.data = c;
	strncpy(c->path, path, sizeof(c->path) - 1);
	unlink(path);
	err = uv_pipe_bind(&c->listener, path);
	if (!err)
		err = uv_listen((uv_stream_t *)&c->listener, 8, on_client);
	if (err) {
		uv_close((uv_handle_t *)&c->listener, on_control_closed);
		return err;
	}
	*ret = c;
	return 0;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i])
			client_end(c->clients[i]);
	unlink(c->path);
	uv_close((uv_handle_t *)&c->listener, on_control_closed);
}

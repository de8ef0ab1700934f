#include <stdlib.h>

#include "tools/driver-check/bench.h"

uv_poll_t *bench_poll_start(struct bench *b, int fd, uv_poll_cb ready,
	void *data)
{
	uv_poll_t *poll = calloc(1, sizeof(*poll));

	if (!poll || uv_poll_init(b->loop, poll, fd))
		abort();
	poll->data = data;
	uv_poll_start(poll, UV_READABLE, ready);
	return poll;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

void bench_poll_stop(uv_poll_t **poll)
{
	if (!*poll)
		return;
	uv_poll_stop(*poll);
	uv_close((uv_handle_t *)*poll, on_closed);
	*poll = NULL;
}

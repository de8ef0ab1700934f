#include "gateway/relay/z2m_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIST_STEP 64u

/* ---- on the pool ---- */

static void on_device(void *arg, const struct z2m_device *device)
{
	struct z2m_reading *g = arg;

	if (g->count == g->room) {
		struct z2m_device *list = realloc(g->list,
			(g->room + LIST_STEP) * sizeof(*list));

		if (!list) {
			g->status = -ENOMEM;
			return;
		}
		g->list = list;
		g->room += LIST_STEP;
	}
	g->list[g->count++] = *device;
}

static void read_devices(struct z2m_reading *g)
{
	int err = z2m_devices_read(bytes_of(g->payload, g->len), on_device, g,
		&g->skipped);

	if (err)
		g->status = err;
}

static void read_version(struct z2m_reading *g)
{
	g->status = z2m_version_read(bytes_of(g->payload, g->len), g->version,
		sizeof(g->version));
}

static void on_work(uv_work_t *work)
{
	struct z2m_reading *g = work->data;

	g->step(g);
}

/* ---- on the loop ---- */

static void forget(struct z2m_reading *g)
{
	free(g->payload);
	free(g->list);
	g->payload = NULL;
	g->list = NULL;
	g->count = g->room = g->skipped = 0;
	g->status = 0;
}

static void finish_close(struct z2m_reader *r)
{
	if (!r->devices.working && !r->version.working)
		r->on_closed(r->close_arg);
}

static void begin_next(struct z2m_reading *g);

static void on_worked(uv_work_t *work, int status)
{
	struct z2m_reading *g = work->data;
	struct z2m_reader *r = g->reader;

	(void)status; /* it is never cancelled */
	if (!r->closing)
		g->tell(g);
	forget(g);
	g->working = false; /* only now: it may be closed by what was told */
	if (r->closing)
		finish_close(r);
	else
		begin_next(g);
}

static void begin_next(struct z2m_reading *g)
{
	if (g->working || !g->next)
		return;
	g->payload = g->next;
	g->len = g->next_len;
	g->next = NULL;
	g->work.data = g;
	g->working = true;
	if (uv_queue_work(g->reader->loop, &g->work, on_work, on_worked))
		abort(); /* it knows no error but a missing function */
}

static int take(struct z2m_reading *g, struct bytes payload, size_t max)
{
	uint8_t *copy;

	if (payload.len > max)
		return ERR_TOO_LARGE;
	copy = malloc(payload.len + 1);
	if (!copy)
		return -ENOMEM;
	if (payload.len)
		memcpy(copy, payload.at, payload.len);
	free(g->next);
	g->next = copy;
	g->next_len = payload.len;
	begin_next(g);
	return 0;
}

static void tell_devices(struct z2m_reading *g)
{
	g->reader->events->on_devices(g->reader->arg, g->status, g->list,
		g->status ? 0 : g->count, g->skipped);
}

static void tell_version(struct z2m_reading *g)
{
	g->reader->events->on_version(g->reader->arg, g->status, g->version);
}

void z2m_reader_init(struct z2m_reader *r, uv_loop_t *loop,
	const struct z2m_reader_events *events, void *arg)
{
	*r = (struct z2m_reader){
		.loop = loop,
		.events = events,
		.arg = arg,
		.devices = {.reader = r, .step = read_devices,
			.tell = tell_devices},
		.version = {.reader = r, .step = read_version,
			.tell = tell_version},
	};
}

int z2m_reader_devices(struct z2m_reader *r, struct bytes payload)
{
	return take(&r->devices, payload, Z2M_DEVICES_BYTES_MAX);
}

int z2m_reader_info(struct z2m_reader *r, struct bytes payload)
{
	return take(&r->version, payload, Z2M_INFO_BYTES_MAX);
}

bool z2m_reader_is_listing(const struct z2m_reader *r)
{
	return r->devices.working || r->devices.next;
}

void z2m_reader_close(struct z2m_reader *r, void (*on_closed)(void *arg),
	void *arg)
{
	r->closing = true;
	r->on_closed = on_closed;
	r->close_arg = arg;
	free(r->devices.next);
	free(r->version.next);
	r->devices.next = NULL;
	r->version.next = NULL;
	finish_close(r);
}

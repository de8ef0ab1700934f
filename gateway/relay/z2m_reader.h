/* Reads what zigbee2mqtt says at length, the list of its devices and what it
 * tells of itself, on the pool: megabytes of JSON would hold the loop up.
 *
 * Of each kind one payload is read at a time and the newest waits: one that came
 * before it and was not begun is never read. Results come in that order.
 *
 *   z2m_reader_init() -> z2m_reader_devices() ... on_devices ... ->
 *   z2m_reader_close()
 *
 * Callbacks come from the loop, never from inside a function of this header.
 * Loop thread. */
#ifndef FERRY_GATEWAY_RELAY_Z2M_READER_H
#define FERRY_GATEWAY_RELAY_Z2M_READER_H

#include <uv.h>

#include "gateway/relay/z2m_text.h"

struct z2m_reader_events {
	/* 0, or why it cannot be read, as z2m_devices_read(); -ENOMEM. The list
	 * is borrowed for the call. */
	void (*on_devices)(void *arg, int status,
		const struct z2m_device *list, unsigned count,
		unsigned skipped);
	/* The same for the version of z2m_version_read(). */
	void (*on_version)(void *arg, int status, const char *version);
};

struct z2m_reading {
	struct z2m_reader *reader;
	void (*step)(struct z2m_reading *g); /* on the pool */
	void (*tell)(struct z2m_reading *g);
	uv_work_t work;
	bool working;
	uint8_t *payload, *next; /* `next` waits; NULL: none does */
	size_t len, next_len;

	int status;
	struct z2m_device *list;
	unsigned count, room, skipped;
	char version[24];
};

/* Embedded in its owner. */
struct z2m_reader {
	uv_loop_t *loop;
	const struct z2m_reader_events *events;
	void *arg;
	struct z2m_reading devices, version;
	bool closing;
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* `events` is static. */
void z2m_reader_init(struct z2m_reader *r, uv_loop_t *loop,
	const struct z2m_reader_events *events, void *arg);

/* Payloads of bridge/devices and bridge/info, which are copied. 0,
 * ERR_TOO_LARGE or -ENOMEM, and then nothing follows. */
int z2m_reader_devices(struct z2m_reader *r, struct bytes payload);
int z2m_reader_info(struct z2m_reader *r, struct bytes payload);

/* A list of devices is being read, or waits. */
bool z2m_reader_is_listing(const struct z2m_reader *r);

/* What is under way is waited for, and not told. `on_closed` comes last, at once
 * when nothing is. */
void z2m_reader_close(struct z2m_reader *r, void (*on_closed)(void *arg),
	void *arg);

#endif

#include "devices/zigbee_ota/server.h"

#include <errno.h>
#include <stdlib.h>

int server_timers_init(struct server *s)
{
	s->heap = calloc(SERVER_PEERS_MAX + 1, sizeof(struct server_peer *));
	return s->heap ? 0 : -ENOMEM;
}

void server_timers_done(struct server *s)
{
	free(s->heap);
	s->heap = NULL;
}

static void put(struct server *s, size_t at, struct server_peer *p)
{
	s->heap[at] = p;
	p->heap_at = at;
}

static void sift_up(struct server *s, size_t at)
{
	struct server_peer *p = s->heap[at];

	while (at > 1 && s->heap[at / 2]->wake_ms > p->wake_ms) {
		put(s, at, s->heap[at / 2]);
		at /= 2;
	}
	put(s, at, p);
}

static void sift_down(struct server *s, size_t at)
{
	struct server_peer *p = s->heap[at];
	size_t child;

	while ((child = 2 * at) <= s->heap_count) {
		if (child < s->heap_count && s->heap[child + 1]->wake_ms <
				s->heap[child]->wake_ms)
			child++;
		if (s->heap[child]->wake_ms >= p->wake_ms)
			break;
		put(s, at, s->heap[child]);
		at = child;
	}
	put(s, at, p);
}

void server_wake(struct server *s, struct server_peer *p, int64_t at_ms)
{
	if (at_ms == ENGINE_NEVER)
		return;
	if (!p->heap_at) {
		p->wake_ms = at_ms;
		put(s, ++s->heap_count, p);
		sift_up(s, p->heap_at);
	} else if (at_ms < p->wake_ms) {
		p->wake_ms = at_ms;
		sift_up(s, p->heap_at);
	}
}

void server_wake_drop(struct server *s, struct server_peer *p)
{
	size_t at = p->heap_at;
	struct server_peer *last;

	if (!at)
		return;
	last = s->heap[s->heap_count--];
	p->heap_at = 0;
	if (last == p)
		return;
	put(s, at, last);
	sift_up(s, at);
	sift_down(s, last->heap_at);
}

struct server_peer *server_wake_next(struct server *s, int64_t now_ms)
{
	struct server_peer *p = s->heap_count ? s->heap[1] : NULL;

	if (!p || p->wake_ms > now_ms)
		return NULL;
	server_wake_drop(s, p);
	return p;
}

int64_t server_wake_first(const struct server *s)
{
	return s->heap_count ? s->heap[1]->wake_ms : ENGINE_NEVER;
}

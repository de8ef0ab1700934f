#include "tools/sim/zigbee/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int queue_init(struct queue *q, size_t size)
{
	*q = (struct queue){.size = size};
	q->items = calloc(size + 1, sizeof(struct queue_item *));
	return q->items ? 0 : -ENOMEM;
}

void queue_done(struct queue *q)
{
	free(q->items);
	*q = (struct queue){0};
}

static bool is_before(const struct queue_item *a, const struct queue_item *b)
{
	return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void put_at(struct queue *q, size_t place, struct queue_item *item)
{
	q->items[place] = item;
	item->place = place;
}

/* Items count from 1: the children of n are 2n and 2n + 1. */
static void settle(struct queue *q, struct queue_item *item, size_t place)
{
	while (place > 1 && is_before(item, q->items[place / 2])) {
		put_at(q, place, q->items[place / 2]);
		place /= 2;
	}
	for (;;) {
		size_t child = 2 * place;

		if (child + 1 <= q->count &&
			is_before(q->items[child + 1], q->items[child]))
			child++;
		if (child > q->count || !is_before(q->items[child], item))
			break;
		put_at(q, place, q->items[child]);
		place = child;
	}
	put_at(q, place, item);
}

void queue_put(struct queue *q, struct queue_item *item, uint64_t due)
{
	if (due == QUEUE_NEVER) {
		queue_take(q, item);
		return;
	}
	item->due = due;
	item->order = q->orders++;
	if (item->place == 0) {
		assert(q->count < q->size);
		item->place = ++q->count;
	}
	settle(q, item, item->place);
}

void queue_take(struct queue *q, struct queue_item *item)
{
	size_t place = item->place;
	struct queue_item *last;

	if (place == 0)
		return;
	last = q->items[q->count--];
	item->place = 0;
	if (last != item)
		settle(q, last, place);
}

struct queue_item *queue_first(const struct queue *q)
{
	return q->count > 0 ? q->items[1] : NULL;
}

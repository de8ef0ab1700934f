/* What is due next: one heap of everything in a simulated network that waits for
 * a time. Items are embedded in what they belong to; those of one time come out
 * in the order in which they were put in. Room for all items is taken at the
 * start, so that putting never fails. One thread. */
#ifndef FERRY_SIM_ZIGBEE_QUEUE_H
#define FERRY_SIM_ZIGBEE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#define QUEUE_NEVER UINT64_MAX

struct queue_item {
	uint64_t due;
	uint64_t order;
	size_t place; /* in the heap, counted from 1; 0: not in it */
	int kind;     /* the owner's */
};

struct queue {
	struct queue_item **items;
	size_t count;
	size_t size;
	uint64_t orders;
};

/* 0 or -ENOMEM. */
int queue_init(struct queue *q, size_t size);
void queue_done(struct queue *q);

/* Puts or moves an item; QUEUE_NEVER takes it out. At most `size` items may be
 * in the queue. */
void queue_put(struct queue *q, struct queue_item *item, uint64_t due);
void queue_take(struct queue *q, struct queue_item *item);

/* The first item, or NULL. */
struct queue_item *queue_first(const struct queue *q);

#endif

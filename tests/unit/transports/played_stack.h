/* A stack of the driver zigbee that a program plays: it does nothing of its own
 * accord. The program says what a byte of the line means, what becomes of a frame,
 * and finds it under the name "znp". */
#ifndef FERRY_TESTS_PLAYED_STACK_H
#define FERRY_TESTS_PLAYED_STACK_H

#include <string.h>

#include "transports/zigbee/stacks.h"

/* The stack as the driver made it, and its way back into the driver. */
struct zb_stack {
	const struct zb_host *host;
	void *arg;
	struct zb_config config;
};

static inline int played_stack_made(struct zb_stack *s,
	const struct zb_config *config, const struct zb_host *host, void *arg,
	struct zb_stack **ret)
{
	*s = (struct zb_stack){host, arg, *config};
	*ret = s;
	return 0;
}

static inline void played_stack_time(struct zb_stack *s, int64_t now_ms)
{
	(void)s;
	(void)now_ms;
}

static inline int64_t played_stack_deadline(const struct zb_stack *s)
{
	(void)s;
	return INT64_MAX;
}

/* What its table says in any case: packets, no deadline, nothing to stop. */
#define PLAYED_STACK \
	.name = "znp", .packets = true, .time = played_stack_time, \
	.deadline = played_stack_deadline, .stop = played_stack_time

static inline const struct zb_stack_ops *played_stack_find(const char *name,
	const struct zb_stack_ops *ops)
{
	return strcmp(name, ops->name) ? NULL : ops;
}

#endif

/* The stacks that are built in, by name. Static data, any thread. */
#ifndef FERRY_ZIGBEE_STACKS_H
#define FERRY_ZIGBEE_STACKS_H

#include "transports/zigbee/stack.h"

/* NULL when there is none of that name. */
const struct zb_stack_ops *zb_stack_find(const char *name);

#endif

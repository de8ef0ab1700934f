#include "transports/zigbee/stacks.h"

static const struct zb_stack_ops *const stacks[] = {
	&zb_socket_stack,
	&zb_ezsp_stack,
	&zb_znp_stack,
	&zb_deconz_stack,
};

const struct zb_stack_ops *zb_stack_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		if (!strcmp(stacks[i]->name, name))
			return stacks[i];
	return NULL;
}

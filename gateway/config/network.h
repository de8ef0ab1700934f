/* The group `network` of a file in links.d: what serves all devices of a radio
 * at once, how much of the channel it may use, and the operator's own table of
 * quirks. Start-up and reload only; blocking. */
#ifndef FERRY_GATEWAY_CONFIG_NETWORK_H
#define FERRY_GATEWAY_CONFIG_NETWORK_H

#include "gateway/config/schema.h"

/* Whether it names an engine of scope network. */
bool network_engine(const char *name);

/* *ret is NULL for a link that has none. Driver `zigbee` has one in any case.
 * Reads and checks the file of quirks. 0, or an error with *p filled. */
int network_convert(const char *path, const struct config_link_file *f,
	struct config_network **ret, struct conf_problem *p);

/* NULL is allowed. */
void network_free(struct config_network *network);

/* Whether two of them differ in more than their quirks. NULL is none. */
bool network_differs(const struct config_network *a,
	const struct config_network *b);

#endif

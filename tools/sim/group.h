/* What the configuration says of a group of equal devices. Filled setting by
 * setting, from the file or the command line; errors name setting and rule.
 * Owned by the world; one thread. */
#ifndef FERRY_SIM_GROUP_H
#define FERRY_SIM_GROUP_H

#include "tools/sim/device.h"
#include "tools/sim/zigbee/settings.h"

#define GROUP_DEVICES_MAX 4096
#define GROUP_PATH_SIZE 256

/* From ZNP on: the nodes of a ZigBee network behind such a coordinator. */
enum group_transport {
	TRANSPORT_PTY,
	TRANSPORT_TCP,
	TRANSPORT_SIM,
	TRANSPORT_ZNP,
	TRANSPORT_EZSP,
	TRANSPORT_DECONZ,
	TRANSPORT_ZCL_SOCKET,
};

struct group {
	char name[DEVICE_NAME_SIZE]; /* with at most one %u, %3u or %03u */
	uint32_t count;
	uint32_t first;
	uint32_t security; /* of a pretended radio: FERRY_SECURITY_* */
	enum group_transport transport;
	bool baud_of_line; /* the client's termios says the speed */
	bool flash_in_memory;
	char link[GROUP_PATH_SIZE]; /* path of the symlink or port file */
	char flash[GROUP_PATH_SIZE];
	char image[GROUP_PATH_SIZE];
	char device_keys[GROUP_PATH_SIZE]; /* secrets by name; "": none */
	char sealed[72]; /* see unseal_parse() */
	char hub[GROUP_PATH_SIZE]; /* socket of the pretended radio */
	struct device_setup setup;
	struct switches sw;
	struct zigbee_settings zigbee;
};

static inline bool group_is_zigbee(const struct group *g)
{
	return g->transport >= TRANSPORT_ZNP;
}

void group_init(struct group *g);

/* One setting as text. Returns 0 or -EINVAL with the fault. `switch` may come
 * many times. */
int group_set(struct group *g, const char *key, const char *value,
	struct fault *fault);

/* "name=sensor-%03u,count=8,baud=115200,switch=busy=3". */
int group_parse(struct group *g, const char *text, struct fault *fault);

/* The name (or another pattern) of the device number `index` of the group. A
 * pattern without %u gets "-INDEX" when there are several. 0 or -EINVAL. */
int group_expand(const struct group *g, const char *pattern, uint32_t index,
	char *ret, size_t size);

#endif

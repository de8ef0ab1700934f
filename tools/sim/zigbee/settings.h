/* What the configuration of ferry-sim says of a simulated ZigBee network: its
 * coordinator, its channel, and one group of equal nodes. Filled setting by
 * setting; errors name setting and rule. One thread. */
#ifndef FERRY_SIM_ZIGBEE_SETTINGS_H
#define FERRY_SIM_ZIGBEE_SETTINGS_H

#include "tools/sim/zigbee/mesh.h"

#define ZIGBEE_OPTIONS_SIZE 64

/* How the host reaches the coordinator; zcl-socket is always a socket. */
enum zigbee_port { ZIGBEE_PTY, ZIGBEE_TCP };

struct zigbee_settings {
	char coordinator[NODE_NAME_SIZE]; /* groups of one name share it */
	char options[ZIGBEE_OPTIONS_SIZE]; /* of the front end */
	enum zigbee_port port;
	uint32_t line_flip; /* every n-th byte to the host is damaged */
	uint32_t line_loss; /* or lost */
	struct mesh_setup mesh;
	struct node_setup node;
	bool odd; /* has a switch of a node */
};

void zigbee_settings_init(struct zigbee_settings *z);

/* 1: taken; 0: no setting of this table; -EINVAL with the fault. */
int zigbee_setting(struct zigbee_settings *z, const char *key,
	const char *value, struct fault *fault);

/* The settings of a coordinator that may change while it runs. */
int zigbee_change(struct zigbee_settings *z, const char *key,
	const char *value, struct fault *fault);

/* The front end of that name, or NULL. */
const struct ncp_ops *ncp_find(const char *name);

#endif

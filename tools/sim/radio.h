/* A simulated ZigBee coordinator at its port, with its network: a PTY, a
 * listening TCP socket, or the SOCK_SEQPACKET socket of a hub's stack.
 *
 * Moves bytes between the port and the front end (zigbee/ncp.h), at the speed of
 * the line, and gives the network its time. Lives from radio_new() to
 * radio_close(); loop thread. */
#ifndef FERRY_SIM_RADIO_H
#define FERRY_SIM_RADIO_H

#include <uv.h>

#include "tools/sim/group.h"

#define RADIO_GROUPS_MAX 32
#define RADIO_CHUNK 4096u

struct world;

struct radio {
	struct world *world;
	struct zigbee_settings settings;
	char name[NODE_NAME_SIZE];
	const struct ncp_ops *ops;
	struct ncp *ncp;
	struct mesh *mesh;
	struct expected *expected[RADIO_GROUPS_MAX];
	size_t expected_count;
	uint32_t baud; /* 0: no limit */

	char path[GROUP_PATH_SIZE];	 /* symlink, port file or socket */
	char port_name[GROUP_PATH_SIZE]; /* what a host opens */
	bool plugged;
	uint64_t replug_at;
	unsigned tcp_port; /* kept over an unplugging */
	int fd;
	int slave_fd;
	int listen_fd;
	int timer_fd;
	int events; /* that the poll waits for */
	uv_poll_t *poll;
	uv_poll_t *listen_poll;
	uv_poll_t *timer;
	uint64_t armed;

	uint8_t out[RADIO_CHUNK]; /* taken from the front end, not yet written */
	size_t out_len;
	bool stuck;		  /* the port takes no more until it is writable */
	uint64_t in_free_at;	  /* the line to the coordinator is free */
	uint64_t out_free_at;	  /* and that to the host */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t resets;
	uint64_t unplugs;
};

/* The coordinator of the group, without nodes. 0 or -errno with the fault. */
int radio_new(struct world *w, const struct group *g, const char *dir,
	struct radio **ret, struct fault *fault);
/* Adds the group's nodes. 0 or -errno with the fault. */
int radio_add(struct radio *r, const struct group *g, const char *dir,
	struct fault *fault);
void radio_close(struct radio *r);

void radio_service(struct radio *r, uint64_t now);

/* ---- commands ---- */

/* The reset button. */
void radio_reset(struct radio *r, uint64_t now);
/* Away, without power, for so long (DEVICE_NEVER: until radio_replug()). */
void radio_unplug(struct radio *r, uint64_t now, uint64_t ns);
void radio_replug(struct radio *r, uint64_t now);
/* Ends the connection of the host, as a TCP bridge may; the coordinator keeps
 * its power. */
void radio_drop(struct radio *r);
/* "key=value" of a running coordinator. 0 or -EINVAL with the fault. */
int radio_set(struct radio *r, const char *text, struct fault *fault);

/* ---- radio_port.c ---- */

int radio_port_open(struct radio *r);
void radio_port_close(struct radio *r);
/* Reads what waited until the line was free. */
void radio_port_input(struct radio *r, uint64_t now);
/* Writes what is there and may be written. */
void radio_port_output(struct radio *r, uint64_t now);
uint64_t radio_port_due(const struct radio *r);

#endif

/* A device at its port: a PTY, a listening TCP socket or a peer of a hub.
 *
 * The world calls station_service() whenever time has come or bytes are there;
 * it moves bytes between port and device and says when it wants to be called
 * again. Lives from station_new() to station_close(); loop thread. */
#ifndef FERRY_SIM_STATION_H
#define FERRY_SIM_STATION_H

#include <uv.h>

#include "tools/sim/group.h"

#define STATION_CONFIRMS_MAX 16

struct world;
struct hub;

/* The end of a SEND to this peer, when its bytes are through. */
struct station_confirm {
	uint64_t at;
	uint32_t id;
	uint32_t airtime_us;
	int32_t status;
	uint8_t level;
};

struct station {
	struct world *world;
	struct device device;
	enum group_transport transport;
	bool baud_of_line;
	bool plugged;			 /* as the port shows it */
	size_t heap_at;			 /* place in the world's queue */
	uint64_t due;			 /* when to be served */
	char path[GROUP_PATH_SIZE];	 /* symlink or port file */
	char port_name[GROUP_PATH_SIZE]; /* /dev/pts/N or tcp://... */

	/* PTY and TCP */
	int fd;	      /* master, or the connection */
	int slave_fd; /* held open, so that a client may come and go */
	int listen_fd;
	bool polling;
	uv_poll_t *poll;
	uv_poll_t *listen_poll;

	/* peer of a hub */
	struct hub *hub;
	struct station *next_peer;
	uint32_t security;
	bool present; /* as the hub shows it */
	unsigned confirm_count;
	struct station_confirm confirms[STATION_CONFIRMS_MAX];
};

/* Opens device number `index` of the group and its port. `dir` may be NULL:
 * then there are no links and flash is in memory. 0 or -errno with the fault.
 */
int station_new(struct world *w, const struct group *g, uint32_t index,
	const char *dir, struct station **ret, struct fault *fault);

/* Removes links and frees; handles end in the loop. */
void station_close(struct station *s);

void station_service(struct station *s, uint64_t now);

/* The ports: open makes the link, close removes it. */
int port_pty_open(struct station *s);
int port_tcp_open(struct station *s);
void port_stream_close(struct station *s);
void port_stream_service(struct station *s, uint64_t now);
/* When the port can take more of what the host sent; DEVICE_NEVER. */
uint64_t port_stream_due(const struct station *s);

#endif

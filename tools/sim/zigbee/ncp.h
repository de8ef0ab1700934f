/* A simulated coordinator, seen from its two sides: the host's line (ZNP, EZSP or
 * deCONZ bytes, or the packets of a zcl-socket) and the simulated network.
 *
 * A front end (`struct ncp_ops`) speaks one protocol to the host and calls the
 * network (`struct mesh`, mesh.h) with the frames that the host sends; the
 * network calls back with what comes from the air. Sans-I/O: the world around
 * moves bytes and time. Time is nanoseconds, as everywhere in ferry-sim. No code
 * is shared with the gateway: the two check each other. One thread. */
#ifndef FERRY_SIM_ZIGBEE_NCP_H
#define FERRY_SIM_ZIGBEE_NCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NCP_ASDU_MAX 128u
#define NCP_NEVER UINT64_MAX
#define NCP_ANY_ENDPOINT 0xffu /* registered: whatever is asked for */

struct mesh;
struct ncp;

/* An APS frame in either direction. */
struct ncp_frame {
	uint16_t nwk;        /* the other end; 0xfffd and the like: broadcast */
	uint64_t eui64;
	uint16_t profile, cluster;
	uint8_t src_ep, dst_ep;
	bool broadcast;
	bool ack;            /* to the air: with APS acknowledgement */
	uint8_t lqi;
	int8_t rssi;
	uint32_t airtime_us;
	uint32_t handle;     /* to the air: comes back with its confirm */
	const uint8_t *asdu;
	uint8_t asdu_len;
};

/* How a frame to the air ended, for every protocol to put in its own numbers. */
enum ncp_end {
	NCP_SENT,         /* on the air, or acknowledged when that was wanted */
	NCP_NO_ACK,
	NCP_NO_ROUTE,
	NCP_NO_BUFFER,    /* refused at once: too many in the coprocessor */
	NCP_EXPIRED,      /* a sleeper did not poll in time */
};

/* What the network looks like to a front end. */
struct ncp_network {
	uint64_t eui64, ext_pan;
	uint16_t pan;
	uint8_t channel;
	uint8_t key[16];
	bool formed;      /* commissioned already */
	unsigned buffers; /* frames to the air at a time; more: NCP_NO_BUFFER */
};

struct ncp_ops {
	const char *name; /* "znp", "ezsp", "deconz", "zcl-socket" */
	bool packets;     /* the line keeps message boundaries */

	int (*create)(struct mesh *mesh, const char *options,
		struct ncp **ret);
	void (*destroy)(struct ncp *n);
	/* Power on, or the reset button: what was in flight is gone. */
	void (*reset)(struct ncp *n, uint64_t now);

	/* Bytes from the host. */
	void (*input)(struct ncp *n, uint64_t now, const uint8_t *data,
		size_t len);
	/* Bytes to the host: fills at most `room`, returns how many; a packet
	 * line gets one packet a call. */
	size_t (*output)(struct ncp *n, uint64_t now, uint8_t *at, size_t room);
	void (*time)(struct ncp *n, uint64_t now);
	uint64_t (*due)(const struct ncp *n);
	/* The host broke the rules of a packet line and everything is said: the
	 * connection ends. NULL: never. */
	bool (*broken)(const struct ncp *n);

	/* From the network: a frame arrived, a frame to the air ended, a node
	 * announced itself (joined or came back) or left. */
	void (*heard)(struct ncp *n, uint64_t now, const struct ncp_frame *f);
	void (*ended)(struct ncp *n, uint64_t now, uint32_t handle,
		enum ncp_end end, uint32_t airtime_us);
	void (*announced)(struct ncp *n, uint64_t now, uint64_t eui64,
		uint16_t nwk, bool sleepy);
	void (*left)(struct ncp *n, uint64_t now, uint64_t eui64, uint16_t nwk);
};

extern const struct ncp_ops ncp_znp;
extern const struct ncp_ops ncp_ezsp;   /* options "version=8..19" */
extern const struct ncp_ops ncp_deconz;
extern const struct ncp_ops ncp_zcl_socket;

/* ---- what front ends may ask of the network (mesh.c) ---- */

const struct ncp_network *mesh_network(const struct mesh *m);
/* The host forms a new network. */
void mesh_form(struct mesh *m, const struct ncp_network *network);
/* Sends to the air; `f->handle` is confirmed by ended(), never from inside. */
void mesh_send(struct mesh *m, uint64_t now, const struct ncp_frame *f);
/* Endpoints that the host registered; devices only talk to clusters that are in
 * an input list. */
void mesh_register(struct mesh *m, uint8_t endpoint, uint16_t profile,
	const uint16_t *in, size_t in_count, const uint16_t *out,
	size_t out_count);
/* After a reset of the coprocessor: what was in flight to the air is forgotten
 * too, without ended(). */
void mesh_forget_endpoints(struct mesh *m);
/* The coordinator's address table; false when there is no such node. It has what
 * nodes announced, which may be old. */
bool mesh_find_nwk(const struct mesh *m, uint16_t nwk, uint64_t *ret_eui64);
bool mesh_find_eui64(const struct mesh *m, uint64_t eui64, uint16_t *ret_nwk);
/* Inside announced(): the node was let in, or came back under another address;
 * it has not only restarted. The trust center takes note of it. */
bool mesh_is_join(const struct mesh *m);
/* Descriptors for ZDO requests that a front end answers by itself. */
struct mesh_descriptor {
	uint8_t endpoint;
	uint16_t profile, device;
	uint16_t in[8], out[8];
	uint8_t in_count, out_count;
	uint16_t manufacturer;
	bool sleepy;
};
bool mesh_describe(const struct mesh *m, uint16_t nwk,
	struct mesh_descriptor *ret);

#endif

/* The stack `znp` between a driver that only records and a small coordinator
 * that answers what it is asked at start, under a virtual clock. */
#ifndef FERRY_TESTS_ZNP_RIG_H
#define FERRY_TESTS_ZNP_RIG_H

#include "tests/unit/unit.h"
#include "transports/zigbee/stack.h"
#include "transports/zigbee/znp_frame.h"

#define RIG_MAX 512u
#define RIG_START 1000 /* the time at which the line opens */

struct rig_frame {
	uint16_t command;
	uint8_t data[ZNP_DATA_MAX];
	size_t len;
	int64_t at; /* when the stack wrote it */
};

struct rig_heard {
	struct zb_indication i;
	uint8_t asdu[ZB_ASDU_MAX];
};

struct rig_node {
	uint64_t eui64;
	uint16_t nwk;
	int sleepy;
	bool joined, gone;
};

struct rig {
	struct zb_stack *s;
	int64_t now;

	/* The coordinator. */
	bool silent; /* answers nothing */
	bool silent_to_pings;
	uint8_t product;     /* of SYS_VERSION */
	uint8_t state;	     /* of UTIL_GET_DEVICE_INFO */
	uint8_t state_after; /* once it was started; told by 45 C0 */
	bool tells_state;
	const char *nib;	/* hexadecimal; NULL: there is none */
	uint8_t nib_status;	/* of its reading */
	int direct_cb;		/* -1: there is no such item */
	const char *registered; /* endpoints, in hexadecimal */
	uint8_t data_status;	/* of the answer to AF_DATA_REQUEST */
	const char *known;	/* EUI-64 of every address, as on the wire */
	uint16_t holds;		/* does not answer this command */
	uint16_t refuses;	/* has never heard of this command */
	unsigned resets;	/* answers to SYS_RESET_REQ so far */

	/* What the stack wrote and told. */
	struct rig_frame out[RIG_MAX];
	size_t out_count, answered;
	uint8_t raw[64]; /* bytes that were no frame */
	size_t raw_len;
	struct znp_parser parser;
	struct zb_confirm confirms[RIG_MAX];
	size_t confirm_count;
	struct rig_heard heard[RIG_MAX];
	size_t heard_count;
	struct rig_node nodes[RIG_MAX];
	size_t node_count;
	struct rig_node told[RIG_MAX]; /* from the coordinator's table */
	size_t told_count;
	unsigned ups, losts, fails, lines;
	int fail_status;
	struct zb_network network;
	char lost_text[256], fail_text[512], line_text[256];
};

/* A coordinator of Z-Stack 3.x.0 that is up, on its defaults; the line is not
 * open yet. */
void rig_init(struct rig *r, const struct zb_config *config);
void rig_done(struct rig *r);

/* Opens the line and answers until the stack is quiet. */
void rig_start(struct rig *r);
/* Bytes from the coordinator, at once. */
void rig_feed(struct rig *r, struct bytes data);
void rig_feed_hex(struct rig *r, const char *hex);
/* A frame from the coordinator. */
void rig_say(struct rig *r, uint16_t command, const char *hex);
/* Answers what was asked; true when there was anything. */
bool rig_answer(struct rig *r);
/* Lets time pass, answering all along. */
void rig_pass(struct rig *r, int64_t ms);

/* Frames of this command that the stack wrote. */
size_t rig_wrote(const struct rig *r, uint16_t command);
/* The last one; fails the test when there was none. */
const struct rig_frame *rig_last(const struct rig *r, uint16_t command);
/* The n-th of them. */
const struct rig_frame *rig_nth(
	const struct rig *r, uint16_t command, size_t n);
/* Fails the test unless its data is this. */
void rig_expect(const struct rig_frame *f, const char *hex);

/* A frame for device 1000, endpoint 1, cluster 0x0019. */
int rig_send(struct rig *r, uint32_t id);
int rig_send_request(struct rig *r, const struct zb_request *request);

#endif

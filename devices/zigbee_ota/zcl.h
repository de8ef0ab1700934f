/* ZCL frames, and the commands of the OTA Upgrade cluster (0x0019), as an OTA
 * server reads and writes them; with the few of Basic (0x0000) and Poll Control
 * (0x0020) that it needs beside.
 *
 * Readers take a whole ASDU of untrusted bytes, writers fill a buffer of the
 * caller. Views point into the frame that was read. No state, no allocation;
 * any thread. Everything on the wire is little endian. Layouts: ZCL revision 8,
 * chapters 2 (foundation), 3.2 (Basic), 3.16 (Poll Control) and 11 (OTA). */
#ifndef FERRY_DEVICES_ZIGBEE_OTA_ZCL_H
#define FERRY_DEVICES_ZIGBEE_OTA_ZCL_H

#include "base/bytes.h"
#include "base/err.h"

#define ZCL_CLUSTER_BASIC 0x0000u
#define ZCL_CLUSTER_OTA 0x0019u
#define ZCL_CLUSTER_POLL 0x0020u

#define ZCL_ASDU_MAX 128 /* bytes of a frame that we write */

enum zcl_status {
	ZCL_SUCCESS = 0x00,
	ZCL_FAILURE = 0x01,
	ZCL_NOT_AUTHORIZED = 0x7e,
	ZCL_MALFORMED_COMMAND = 0x80,
	ZCL_UNSUP_COMMAND = 0x81,
	ZCL_INVALID_FIELD = 0x85,
	ZCL_UNSUP_ATTRIBUTE = 0x86,
	ZCL_INVALID_VALUE = 0x87,
	ZCL_INSUFFICIENT_SPACE = 0x89,
	ZCL_NOT_FOUND = 0x8b,
	ZCL_TIMEOUT = 0x94,
	ZCL_ABORT = 0x95,
	ZCL_INVALID_IMAGE = 0x96,
	ZCL_WAIT_FOR_DATA = 0x97,
	ZCL_NO_IMAGE_AVAILABLE = 0x98,
	ZCL_REQUIRE_MORE_IMAGE = 0x99,
};

/* "WAIT_FOR_DATA", or "status 0xNN" written to `text`. */
const char *zcl_status_name(uint8_t status, char *text, size_t size);

/* ---- frames ---- */

struct zcl_header {
	bool cluster_specific;    /* else a foundation command */
	bool from_server;         /* direction bit */
	bool no_default_response; /* the sender wants none of success */
	bool has_manufacturer;
	uint16_t manufacturer;
	uint8_t tsn;
	uint8_t command;
};

/* 0 with the rest in *ret_payload, or ERR_ZCL_TRUNCATED, ERR_ZCL_FRAME_TYPE
 * (a reserved frame type). */
int zcl_read(struct bytes asdu, struct zcl_header *ret,
	struct bytes *ret_payload);

/* Bytes written, at most 5. */
size_t zcl_write(uint8_t *at, const struct zcl_header *h);

/* ---- OTA Upgrade, client to server ---- */

enum ota_command {
	OTA_IMAGE_NOTIFY = 0x00,
	OTA_QUERY_REQUEST = 0x01,
	OTA_QUERY_RESPONSE = 0x02,
	OTA_BLOCK_REQUEST = 0x03,
	OTA_PAGE_REQUEST = 0x04,
	OTA_BLOCK_RESPONSE = 0x05,
	OTA_END_REQUEST = 0x06,
	OTA_END_RESPONSE = 0x07,
	OTA_SPECIFIC_REQUEST = 0x08,
	OTA_SPECIFIC_RESPONSE = 0x09,
};

#define OTA_ANY_MANUFACTURER 0xffffu
#define OTA_ANY_TYPE 0xffffu
#define OTA_ANY_VERSION 0xffffffffu

/* What is asked for: the key of a stateless answer. */
struct ota_key {
	uint16_t manufacturer;
	uint16_t type;
	uint32_t version;
};

/* Any request of a client; which members hold is said by `command`. */
struct ota_request {
	uint8_t command; /* enum ota_command */
	struct ota_key key;
	bool has_hw;         /* query */
	uint16_t hw_version;
	uint32_t offset;     /* block, page */
	uint8_t max_data;    /* block, page: 0 is refused as INVALID_FIELD */
	bool has_eui64;      /* block, page, specific */
	uint8_t eui64[8];    /* as on the wire, little endian */
	bool has_period;     /* block */
	uint16_t period;     /* MinimumBlockPeriod; its unit is not certain */
	uint16_t page_size;  /* page: 0 is refused as well */
	uint16_t spacing_ms; /* page */
	uint8_t status;      /* end */
	uint16_t stack;      /* specific */
};

/* Reads the payload of a cluster-specific command from a client. A block
 * request that announces a period and ends before it is taken as one without
 * (devices do that); bytes behind the last field are ignored. 0, or ERR_ZCL_TRUNCATED,
 * ERR_ZCL_COMMAND (not one of a client), ERR_ZCL_FIELD; the fault (may be NULL)
 * names field and rule. */
int ota_read_request(uint8_t command, struct bytes payload,
	struct ota_request *ret, struct fault *f);

/* The same for what a server sends: for tests and for who listens. */
struct ota_answer {
	uint8_t command;
	uint8_t status;
	struct ota_key key;
	uint32_t image_size;
	uint32_t offset;
	struct bytes data;
	uint32_t current_time, request_time; /* WAIT_FOR_DATA; end response */
	bool has_period;
	uint16_t period;
	uint8_t notify_type; /* notify: 0..3, which of `key` are there */
	uint8_t jitter;
};

int ota_read_answer(uint8_t command, struct bytes payload,
	struct ota_answer *ret, struct fault *f);

/* ---- OTA Upgrade, server to client: whole ASDUs ----
 *
 * Each writes at most ZCL_ASDU_MAX bytes at `at` and returns how many. */

/* `type` 0: to everybody; 1..3 add manufacturer, type, version of `key`. */
size_t ota_write_notify(uint8_t *at, uint8_t tsn, uint8_t type, uint8_t jitter,
	const struct ota_key *key);
/* `status` 0 with key and size, or an error with neither. */
size_t ota_write_query_response(uint8_t *at, uint8_t tsn, uint8_t status,
	const struct ota_key *key, uint32_t image_size);
/* At most ZCL_ASDU_MAX - 17 bytes of data. */
size_t ota_write_block(uint8_t *at, uint8_t tsn, const struct ota_key *key,
	uint32_t offset, struct bytes data);
size_t ota_write_wait(uint8_t *at, uint8_t tsn, uint32_t current_time,
	uint32_t request_time, bool has_period, uint16_t period);
/* ABORT, MALFORMED_COMMAND, NO_IMAGE_AVAILABLE: a status and nothing more. */
size_t ota_write_block_status(uint8_t *at, uint8_t tsn, uint8_t status);
size_t ota_write_end_response(uint8_t *at, uint8_t tsn,
	const struct ota_key *key, uint32_t current_time,
	uint32_t upgrade_time);
size_t ota_write_specific_response(uint8_t *at, uint8_t tsn, uint8_t status);

/* ---- foundation ---- */

#define ZCL_READ_ATTRIBUTES 0x00
#define ZCL_READ_RESPONSE 0x01
#define ZCL_DEFAULT_RESPONSE 0x0b

/* To a server of a cluster (`to_client` false) or to a client (true: reading the
 * attributes of an OTA client). */
size_t zcl_write_read(uint8_t *at, uint8_t tsn, bool to_client,
	const uint16_t *ids, size_t count);
size_t zcl_write_default(uint8_t *at, uint8_t tsn, bool from_server,
	uint8_t command, uint8_t status);

/* One record of a read response. `data` is the value, that of a string (types
 * 0x41 to 0x44) without its length, and empty where that says "invalid". */
struct zcl_record {
	uint16_t id;
	uint8_t status;
	uint8_t type;
	struct bytes data;
};

/* Takes the next record off `*rest`: 1, 0 at the end, ERR_ZCL_TRUNCATED,
 * ERR_ZCL_TYPE (a type whose length is not known). */
int zcl_next_record(struct bytes *rest, struct zcl_record *ret);
/* An unsigned, bitmap or enum value of 1 to 8 bytes. 0 or ERR_ZCL_TYPE. */
int zcl_record_number(const struct zcl_record *r, uint64_t *ret);

/* ---- Poll Control (server on the sleepy device) ---- */

#define POLL_CHECK_IN 0x00      /* from the device, no payload */
#define POLL_CHECK_IN_RESPONSE 0x00
#define POLL_FAST_POLL_STOP 0x01

/* `quarter_s`: fast poll timeout in quarters of a second, when `start`. */
size_t poll_write_check_in_response(uint8_t *at, uint8_t tsn, bool start,
	uint16_t quarter_s);
size_t poll_write_stop(uint8_t *at, uint8_t tsn);

/* What a unicast frame of `asdu_len` bytes costs on the air in microseconds:
 * 802.15.4 at 250 kbit/s with CSMA, MAC acknowledgement and, when `ack`, that of
 * APS, times `hops`. */
uint32_t zcl_airtime_us(size_t asdu_len, bool ack, unsigned hops);

#endif

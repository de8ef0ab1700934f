/* What zigbee2mqtt 2.x says over MQTT, and what it is asked (docs/protocols.md):
 * payloads as JSON text, read within limits and written.
 *
 * Payloads come through a broker from another program, about devices that
 * anybody may have built: their length, nesting and number of values are limited
 * before a parser sees them, texts are cut to what is kept of them. No state; any
 * thread. */
#ifndef FERRY_GATEWAY_RELAY_Z2M_TEXT_H
#define FERRY_GATEWAY_RELAY_Z2M_TEXT_H

#include "base/bytes.h"
#include "base/err.h"

#define Z2M_DEVICES_BYTES_MAX ((size_t)8 << 20) /* of bridge/devices */
#define Z2M_INFO_BYTES_MAX ((size_t)1 << 20)    /* of bridge/info */
#define Z2M_SMALL_BYTES_MAX ((size_t)64 << 10)  /* of everything else */
#define Z2M_VALUES_MAX 500000u /* of one payload */
#define Z2M_DEPTH_MAX 24u
#define Z2M_DEVICES_MAX 4096u
#define Z2M_NAME_SIZE 256
#define Z2M_ATTRIBUTES_MAX 8

/* A device of bridge/devices. Texts are printable ASCII, "" unknown, but for the
 * name, which is part of a topic and stays as it is. */
struct z2m_device {
	char key[17];  /* EUI-64, 16 lower-case digits */
	char name[Z2M_NAME_SIZE];
	char nwk[8];   /* "0x1a2b" */
	char manufacturer[64], model[64], power_source[40];
	char sw_build[40], date_code[24];
	bool sleepy;   /* an end device that runs on a battery */
	bool disabled; /* by whoever configured zigbee2mqtt */
};

/* Calls `each` for every device but the coordinator that has an address and a
 * name that can be a topic; others are counted in *ret_skipped. 0,
 * ERR_TOO_LARGE or ERR_DELEGATE_ANSWER. */
int z2m_devices_read(struct bytes payload,
	void (*each)(void *arg, const struct z2m_device *d), void *arg,
	unsigned *ret_skipped);

enum z2m_state {
	Z2M_STATE_UNKNOWN,
	Z2M_STATE_IDLE,
	Z2M_STATE_AVAILABLE,
	Z2M_STATE_SCHEDULED,
	Z2M_STATE_UPDATING,
};

/* The member `update` of a device's state. */
struct z2m_update {
	enum z2m_state state; /* UNKNOWN: there is none */
	bool has_installed;
	uint32_t installed;   /* file version */
	bool has_progress;
	unsigned progress_bp; /* 0 to 10000 */
	bool has_remaining;
	uint32_t remaining_s;
};

/* A state without `update` is fine. 0, ERR_TOO_LARGE, ERR_DELEGATE_ANSWER. */
int z2m_update_read(struct bytes payload, struct z2m_update *ret);

struct z2m_response {
	bool ok;
	char transaction[64]; /* "" none, or longer than any of ours */
	char error[160];      /* printable ASCII */
};

int z2m_response_read(struct bytes payload, struct z2m_response *ret);

/* bridge/state: {"state":"online"}, or the plain word. */
int z2m_online_read(struct bytes payload, bool *ret);

/* bridge/info: the version, printable ASCII; `size` at least 1. */
int z2m_version_read(struct bytes payload, char *text, size_t size);

struct z2m_request {
	const char *key;         /* of the device, as z2m_device has it, or NULL */
	const char *url;         /* NULL: none */
	const char *transaction;
	uint32_t timeout_ms, delay_ms, block; /* 0: not said */
};

/* The payload of a request of bridge/request/device/ota_update/ or, without key
 * and url, of bridge/request/health_check. The length, or -ENOBUFS or -ENOMEM. */
int z2m_request_write(const struct z2m_request *request, char *text,
	size_t size);

#endif

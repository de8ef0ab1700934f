#include "devices/zigbee_ota/zcl.h"

#include <stdio.h>

#define FC_TYPE 0x03
#define FC_SPECIFIC 0x01
#define FC_MANUFACTURER 0x04
#define FC_FROM_SERVER 0x08
#define FC_NO_DEFAULT_RESPONSE 0x10

const char *zcl_status_name(uint8_t status, char *text, size_t size)
{
	static const struct {
		uint8_t status;
		const char *name;
	} names[] = {
		{ZCL_SUCCESS, "SUCCESS"},
		{ZCL_FAILURE, "FAILURE"},
		{ZCL_NOT_AUTHORIZED, "NOT_AUTHORIZED"},
		{ZCL_MALFORMED_COMMAND, "MALFORMED_COMMAND"},
		{ZCL_UNSUP_COMMAND, "UNSUP_COMMAND"},
		{ZCL_INVALID_FIELD, "INVALID_FIELD"},
		{ZCL_UNSUP_ATTRIBUTE, "UNSUP_ATTRIBUTE"},
		{ZCL_INVALID_VALUE, "INVALID_VALUE"},
		{ZCL_INSUFFICIENT_SPACE, "INSUFFICIENT_SPACE"},
		{ZCL_NOT_FOUND, "NOT_FOUND"},
		{ZCL_TIMEOUT, "TIMEOUT"},
		{ZCL_ABORT, "ABORT"},
		{ZCL_INVALID_IMAGE, "INVALID_IMAGE"},
		{ZCL_WAIT_FOR_DATA, "WAIT_FOR_DATA"},
		{ZCL_NO_IMAGE_AVAILABLE, "NO_IMAGE_AVAILABLE"},
		{ZCL_REQUIRE_MORE_IMAGE, "REQUIRE_MORE_IMAGE"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].status == status)
			return names[i].name;
	snprintf(text, size, "status 0x%02x", status);
	return text;
}

int zcl_read(struct bytes asdu, struct zcl_header *ret,
	struct bytes *ret_payload)
{
	struct zcl_header h;
	size_t len = 3;
	uint8_t control;

	if (asdu.len < len)
		return ERR_ZCL_TRUNCATED;
	control = asdu.at[0];
	if ((control & FC_TYPE) > FC_SPECIFIC)
		return ERR_ZCL_FRAME_TYPE;
	h = (struct zcl_header){
		.cluster_specific = (control & FC_TYPE) == FC_SPECIFIC,
		.from_server = control & FC_FROM_SERVER,
		.no_default_response = control & FC_NO_DEFAULT_RESPONSE,
		.has_manufacturer = control & FC_MANUFACTURER,
	};
	if (h.has_manufacturer) {
		len = 5;
		if (asdu.len < len)
			return ERR_ZCL_TRUNCATED;
		h.manufacturer = get_le16(asdu.at + 1);
	}
	h.tsn = asdu.at[len - 2];
	h.command = asdu.at[len - 1];
	*ret = h;
	*ret_payload = bytes_slice(asdu, len, asdu.len);
	return 0;
}

size_t zcl_write(uint8_t *at, const struct zcl_header *h)
{
	size_t len = 1;

	at[0] = (uint8_t)((h->cluster_specific ? FC_SPECIFIC : 0) |
		(h->has_manufacturer ? FC_MANUFACTURER : 0) |
		(h->from_server ? FC_FROM_SERVER : 0) |
		(h->no_default_response ? FC_NO_DEFAULT_RESPONSE : 0));
	if (h->has_manufacturer) {
		put_le16(at + 1, h->manufacturer);
		len += 2;
	}
	at[len++] = h->tsn;
	at[len++] = h->command;
	return len;
}

/* ---- foundation ---- */

size_t zcl_write_read(uint8_t *at, uint8_t tsn, bool to_client,
	const uint16_t *ids, size_t count)
{
	const struct zcl_header h = {
		.from_server = to_client,
		.no_default_response = true,
		.tsn = tsn,
		.command = ZCL_READ_ATTRIBUTES,
	};
	size_t len = zcl_write(at, &h);

	for (size_t i = 0; i < count && len + 2 <= ZCL_ASDU_MAX; i++) {
		put_le16(at + len, ids[i]);
		len += 2;
	}
	return len;
}

size_t zcl_write_default(uint8_t *at, uint8_t tsn, bool from_server,
	uint8_t command, uint8_t status)
{
	const struct zcl_header h = {
		.from_server = from_server,
		.no_default_response = true,
		.tsn = tsn,
		.command = ZCL_DEFAULT_RESPONSE,
	};
	size_t len = zcl_write(at, &h);

	at[len++] = command;
	at[len++] = status;
	return len;
}

/* ---- Poll Control ---- */

size_t poll_write_check_in_response(uint8_t *at, uint8_t tsn, bool start,
	uint16_t quarter_s)
{
	const struct zcl_header h = {
		.cluster_specific = true,
		.no_default_response = true,
		.tsn = tsn,
		.command = POLL_CHECK_IN_RESPONSE,
	};
	size_t len = zcl_write(at, &h);

	at[len++] = start;
	put_le16(at + len, start ? quarter_s : 0);
	return len + 2;
}

size_t poll_write_stop(uint8_t *at, uint8_t tsn)
{
	const struct zcl_header h = {
		.cluster_specific = true,
		.no_default_response = true,
		.tsn = tsn,
		.command = POLL_FAST_POLL_STOP,
	};

	return zcl_write(at, &h);
}

/* ---- air ---- */

/* Bytes around an ASDU: preamble, start and length 6; MAC 9 + 2; NWK 8; its
 * security 14 + 4; APS 8. An acknowledgement of APS has all of them and no
 * ASDU. */
#define AIR_OVERHEAD 51u
#define AIR_US_PER_BYTE 32u
/* Mean CSMA back-off 1120, clear channel and turn-around 320, MAC
 * acknowledgement 540, spacing between frames 640. */
#define AIR_US_PER_FRAME 2620u
#define AIR_HOPS_MAX 30u

static uint32_t frame_us(size_t asdu_len)
{
	return AIR_US_PER_FRAME +
		AIR_US_PER_BYTE * (AIR_OVERHEAD + (uint32_t)asdu_len);
}

uint32_t zcl_airtime_us(size_t asdu_len, bool ack, unsigned hops)
{
	uint32_t us;

	if (asdu_len > ZCL_ASDU_MAX)
		asdu_len = ZCL_ASDU_MAX;
	us = frame_us(asdu_len) + (ack ? frame_us(0) : 0);
	if (hops > AIR_HOPS_MAX)
		hops = AIR_HOPS_MAX;
	return us * (hops ? hops : 1);
}

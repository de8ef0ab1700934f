#include "devices/zigbee_ota/zcl.h"

#define NOTIFY_TYPE_MAX 3
/* Header, status, key, offset and the length of the data. */
#define BLOCK_HEAD 17

static size_t write_header(uint8_t *at, uint8_t tsn, uint8_t command)
{
	const struct zcl_header h = {
		.cluster_specific = true,
		.from_server = true,
		.no_default_response = true,
		.tsn = tsn,
		.command = command,
	};

	return zcl_write(at, &h);
}

static size_t write_key(uint8_t *at, const struct ota_key *key)
{
	put_le16(at, key->manufacturer);
	put_le16(at + 2, key->type);
	put_le32(at + 4, key->version);
	return 8;
}

static size_t write_status(uint8_t *at, uint8_t tsn, uint8_t command,
	uint8_t status)
{
	size_t len = write_header(at, tsn, command);

	at[len++] = status;
	return len;
}

size_t ota_write_notify(uint8_t *at, uint8_t tsn, uint8_t type, uint8_t jitter,
	const struct ota_key *key)
{
	static const uint8_t key_len[NOTIFY_TYPE_MAX + 1] = {0, 2, 4, 8};
	size_t len = write_header(at, tsn, OTA_IMAGE_NOTIFY);
	uint8_t whole[8];

	if (type > NOTIFY_TYPE_MAX)
		type = NOTIFY_TYPE_MAX;
	at[len++] = type;
	at[len++] = jitter;
	if (type) {
		write_key(whole, key);
		memcpy(at + len, whole, key_len[type]);
	}
	return len + key_len[type];
}

size_t ota_write_query_response(uint8_t *at, uint8_t tsn, uint8_t status,
	const struct ota_key *key, uint32_t image_size)
{
	size_t len = write_status(at, tsn, OTA_QUERY_RESPONSE, status);

	if (status != ZCL_SUCCESS)
		return len;
	len += write_key(at + len, key);
	put_le32(at + len, image_size);
	return len + 4;
}

size_t ota_write_block(uint8_t *at, uint8_t tsn, const struct ota_key *key,
	uint32_t offset, struct bytes data)
{
	size_t len = write_status(at, tsn, OTA_BLOCK_RESPONSE, ZCL_SUCCESS);

	if (data.len > ZCL_ASDU_MAX - BLOCK_HEAD)
		data.len = ZCL_ASDU_MAX - BLOCK_HEAD;
	len += write_key(at + len, key);
	put_le32(at + len, offset);
	len += 4;
	at[len++] = (uint8_t)data.len;
	if (data.len)
		memcpy(at + len, data.at, data.len);
	return len + data.len;
}

size_t ota_write_wait(uint8_t *at, uint8_t tsn, uint32_t current_time,
	uint32_t request_time, bool has_period, uint16_t period)
{
	size_t len = write_status(at, tsn, OTA_BLOCK_RESPONSE,
		ZCL_WAIT_FOR_DATA);

	put_le32(at + len, current_time);
	put_le32(at + len + 4, request_time);
	len += 8;
	if (!has_period)
		return len;
	put_le16(at + len, period);
	return len + 2;
}

size_t ota_write_block_status(uint8_t *at, uint8_t tsn, uint8_t status)
{
	return write_status(at, tsn, OTA_BLOCK_RESPONSE, status);
}

size_t ota_write_end_response(uint8_t *at, uint8_t tsn,
	const struct ota_key *key, uint32_t current_time,
	uint32_t upgrade_time)
{
	size_t len = write_header(at, tsn, OTA_END_RESPONSE);

	len += write_key(at + len, key);
	put_le32(at + len, current_time);
	put_le32(at + len + 4, upgrade_time);
	return len + 8;
}

size_t ota_write_specific_response(uint8_t *at, uint8_t tsn, uint8_t status)
{
	return write_status(at, tsn, OTA_SPECIFIC_RESPONSE, status);
}

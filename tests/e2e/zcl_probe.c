/* Our ZCL codec, a line in and a line out, for tests that ask another
 * implementation.
 *
 *   read HEX             -> NAME=VALUE ... of everything that was read, or
 *                           error=NAME field=FIELD
 *   write WHAT NUMBER... -> the frame in hexadecimal; WHAT is below
 *   block TSN MANUFACTURER TYPE VERSION OFFSET HEX -> the same */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/zigbee_ota/zcl.h"

#define LINE_SIZE 2048
#define NUMBERS_MAX 12

static void put_bytes(const char *name, struct bytes value)
{
	char text[2 * 256 + 1];

	printf(" %s=%s", name, bytes_to_hex(value, text, sizeof(text)));
}

static void put(const char *name, uint64_t value)
{
	printf(" %s=%" PRIu64, name, value);
}

static void put_key(const struct ota_key *key)
{
	put("manufacturerCode", key->manufacturer);
	put("imageType", key->type);
	put("fileVersion", key->version);
}

static void put_request(const struct ota_request *r)
{
	put_key(&r->key);
	put("fileOffset", r->offset);
	put("maximumDataSize", r->max_data);
	put("pageSize", r->page_size);
	put("responseSpacing", r->spacing_ms);
	put("status", r->status);
	put("zigbeeStackVersion", r->stack);
	if (r->has_hw)
		put("hardwareVersion", r->hw_version);
	if (r->has_period)
		put("minimumBlockPeriod", r->period);
	if (r->has_eui64)
		put_bytes("eui64", bytes_of(r->eui64, 8));
}

static void put_records(struct bytes rest)
{
	struct zcl_record r;
	int rc;

	while ((rc = zcl_next_record(&rest, &r)) == 1) {
		uint64_t number;

		printf(" %u:status=%u", r.id, r.status);
		if (r.status)
			continue;
		if (zcl_record_number(&r, &number) == 0)
			printf(" %u:number=%" PRIu64, r.id, number);
		else
			printf(" %u:", r.id), put_bytes("data", r.data);
	}
	if (rc < 0)
		printf(" error=%s", err_name(rc));
}

static void read_frame(struct bytes asdu)
{
	struct ota_request r;
	struct zcl_header h;
	struct bytes payload;
	struct fault f = {0};
	int err = zcl_read(asdu, &h, &payload);

	if (err) {
		printf(" error=%s", err_name(err));
		return;
	}
	put("specific", h.cluster_specific);
	put("server", h.from_server);
	put("ddr", h.no_default_response);
	put("tsn", h.tsn);
	put("command", h.command);
	if (h.has_manufacturer)
		put("manufacturer", h.manufacturer);
	if (!h.cluster_specific && h.command == ZCL_READ_RESPONSE) {
		put_records(payload);
		return;
	}
	err = ota_read_request(h.command, payload, &r, &f);
	if (err)
		printf(" error=%s field=%s", err_name(err), f.field);
	else
		put_request(&r);
}

static size_t write_server(const char *what, const uint64_t *n, uint8_t *at)
{
	const struct ota_key key = {(uint16_t)n[1], (uint16_t)n[2],
		(uint32_t)n[3]};
	uint8_t tsn = (uint8_t)n[0];

	if (strcmp(what, "notify") == 0)
		return ota_write_notify(at, tsn, (uint8_t)n[4], (uint8_t)n[5],
			&key);
	if (strcmp(what, "query") == 0)
		return ota_write_query_response(at, tsn, (uint8_t)n[4], &key,
			(uint32_t)n[5]);
	if (strcmp(what, "end") == 0)
		return ota_write_end_response(at, tsn, &key, (uint32_t)n[4],
			(uint32_t)n[5]);
	if (strcmp(what, "wait") == 0)
		return ota_write_wait(at, tsn, (uint32_t)n[1], (uint32_t)n[2],
			n[3], (uint16_t)n[4]);
	if (strcmp(what, "status") == 0)
		return ota_write_block_status(at, tsn, (uint8_t)n[1]);
	if (strcmp(what, "specific") == 0)
		return ota_write_specific_response(at, tsn, (uint8_t)n[1]);
	return 0;
}

static size_t write_other(const char *what, const uint64_t *n, size_t count,
	uint8_t *at)
{
	uint16_t ids[NUMBERS_MAX] = {0};
	uint8_t tsn = (uint8_t)n[0];

	for (size_t i = 2; i < count; i++)
		ids[i - 2] = (uint16_t)n[i];
	if (strcmp(what, "read") == 0)
		return zcl_write_read(at, tsn, n[1], ids, count - 2);
	if (strcmp(what, "default") == 0)
		return zcl_write_default(at, tsn, n[1], (uint8_t)n[2],
			(uint8_t)n[3]);
	if (strcmp(what, "check-in") == 0)
		return poll_write_check_in_response(at, tsn, n[1],
			(uint16_t)n[2]);
	if (strcmp(what, "stop") == 0)
		return poll_write_stop(at, tsn);
	return 0;
}

static size_t take_numbers(char *text, uint64_t *ret)
{
	char *save, *word = strtok_r(text, " ", &save);
	size_t count = 0;

	for (; word && count < NUMBERS_MAX; word = strtok_r(NULL, " ", &save))
		ret[count++] = strtoull(word, NULL, 0);
	return count;
}

static struct bytes take_hex(const char *text, uint8_t *at, size_t size)
{
	size_t len = strlen(text) / 2;

	if (len > size || bytes_from_hex(text, at, len))
		exit(2);
	return bytes_of(at, len);
}

static void run_line(char *line)
{
	uint64_t n[NUMBERS_MAX] = {0};
	uint8_t at[ZCL_ASDU_MAX], raw[LINE_SIZE];
	char what[16], *rest;
	size_t len, count;

	if (strncmp(line, "read ", 5) == 0) {
		read_frame(take_hex(line + 5, raw, sizeof(raw)));
		return;
	}
	rest = strrchr(line, ' ');
	if (strncmp(line, "block ", 6) == 0 && rest) {
		struct bytes data = take_hex(rest + 1, raw, sizeof(raw));
		struct ota_key key;

		*rest = '\0';
		take_numbers(line + 6, n);
		key = (struct ota_key){(uint16_t)n[1], (uint16_t)n[2],
			(uint32_t)n[3]};
		len = ota_write_block(at, (uint8_t)n[0], &key, (uint32_t)n[4],
			data);
	} else {
		if (sscanf(line, "write %15s", what) != 1)
			exit(2);
		count = take_numbers(line + 6 + strlen(what), n);
		len = write_server(what, n, at);
		if (!len)
			len = write_other(what, n, count, at);
	}
	if (!len)
		exit(2);
	put_bytes("frame", bytes_of(at, len));
}

int main(void)
{
	char line[LINE_SIZE];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		run_line(line);
		putchar('\n');
	}
	return 0;
}

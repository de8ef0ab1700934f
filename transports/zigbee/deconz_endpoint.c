#include "transports/zigbee/deconz.h"

#define OTA_CLUSTER 0x0019u
#define HEAD 8u /* index, endpoint, profile, device, version, inputs */

/* Profile 0x0104, device 0x0005, version 0; in: Basic, Time, OTA. */
static const uint8_t own[] = {
	0x04, 0x01, 0x05, 0x00, 0, 3, 0x00, 0x00, 0x0a, 0x00, 0x19, 0x00, 0};

void deconz_endpoints_init(struct deconz_endpoints *e)
{
	*e = (struct deconz_endpoints){
		.empty = DECONZ_ENDPOINTS, .whole = DECONZ_ENDPOINTS};
}

static bool lists_ota(struct bytes d)
{
	struct bytes in = bytes_slice(d, HEAD, (size_t)d.at[7] * 2);
	size_t i;

	for (i = 0; i + 2 <= in.len; i += 2)
		if (get_le16(in.at + i) == OTA_CLUSTER)
			return true;
	return false;
}

/* All of its clusters are there, so that none gets lost in writing it again. */
static bool is_whole(struct bytes d)
{
	size_t in = (size_t)d.at[7] * 2, out;

	if (d.at[7] >= DECONZ_CLUSTERS_MAX || d.len < HEAD + in + 1)
		return false;
	out = (size_t)d.at[HEAD + in] * 2;
	return out <= 2 * DECONZ_CLUSTERS_MAX && d.len == HEAD + in + 1 + out;
}

/* The same endpoint with one more input cluster. */
static void keep(struct deconz_endpoints *e, unsigned at, struct bytes d)
{
	size_t in = HEAD + (size_t)d.at[7] * 2;
	struct bytes rest = bytes_slice(d, in, d.len);

	memcpy(e->descriptor, d.at + 1, in - 1);
	e->descriptor[6]++;
	put_le16(e->descriptor + in - 1, OTA_CLUSTER);
	memcpy(e->descriptor + in + 1, rest.at, rest.len);
	e->len = (uint8_t)(in + 1 + rest.len);
	e->whole = at;
}

static bool is_empty(struct bytes d)
{
	return d.len < HEAD || d.at[1] == 0 || (d.at[7] == 0 && d.len <= 9);
}

void deconz_endpoints_take(struct deconz_endpoints *e, unsigned at,
	const struct deconz_frame *f)
{
	struct bytes d = bytes_slice(f->payload, 1, f->payload.len);

	if (f->status != DECONZ_SUCCESS)
		d.len = 0;
	if (is_empty(d)) {
		if (e->empty == DECONZ_ENDPOINTS &&
			f->status != DECONZ_INVALID_VALUE)
			e->empty = at;
		return;
	}
	e->numbers[at] = d.at[1];
	e->there = e->there || lists_ota(d);
	/* Devices look in the profile of Home Automation, most of them at 1. */
	if (get_le16(d.at + 2) == ZB_PROFILE_HA && is_whole(d) &&
		(e->whole == DECONZ_ENDPOINTS || d.at[1] == 1))
		keep(e, at, d);
}

static bool is_taken(const struct deconz_endpoints *e, uint8_t number)
{
	unsigned i;

	for (i = 0; i < DECONZ_ENDPOINTS; i++)
		if (e->numbers[i] == number)
			return true;
	return false;
}

size_t deconz_endpoints_put(const struct deconz_endpoints *e, uint8_t *at)
{
	uint8_t number = 1;
	bool change = e->whole < DECONZ_ENDPOINTS;

	if (e->empty < DECONZ_ENDPOINTS && !is_taken(e, number))
		change = false;
	if (change) {
		at[0] = (uint8_t)e->whole;
		memcpy(at + 1, e->descriptor, e->len);
		return 1u + e->len;
	}
	if (e->empty == DECONZ_ENDPOINTS)
		return 0;
	while (is_taken(e, number))
		number++;
	at[0] = (uint8_t)e->empty;
	at[1] = number;
	memcpy(at + 2, own, sizeof(own));
	return 2 + sizeof(own);
}

bool deconz_endpoints_refused(struct deconz_endpoints *e)
{
	uint8_t at[DECONZ_DESCRIPTOR_MAX + 1];

	if (deconz_endpoints_put(e, at) && at[0] == e->whole)
		e->whole = DECONZ_ENDPOINTS;
	else
		e->empty = DECONZ_ENDPOINTS;
	return deconz_endpoints_put(e, at) > 0;
}

#include "devices/zigbee_ota/zcl.h"

#define BLOCK_HAS_EUI64 0x01
#define BLOCK_HAS_PERIOD 0x02
#define QUERY_HAS_HW 0x01
#define NOTIFY_TYPE_MAX 3
#define JITTER_MAX 100

/* A cursor over a payload. Errors stick: a reader takes all its fields and
 * looks once. */
struct cursor {
	struct bytes rest;
	size_t offset;
	int err;
	struct fault *f;
};

static struct cursor cursor_of(struct bytes payload, struct fault *f)
{
	return (struct cursor){.rest = payload, .f = f};
}

/* The next `len` bytes, or NULL. */
static const uint8_t *take(struct cursor *c, size_t len, const char *field)
{
	const uint8_t *at = c->rest.at;

	if (c->err)
		return NULL;
	if (c->rest.len < len) {
		c->err = fault_set(c->f, ERR_ZCL_TRUNCATED, c->offset, field,
			"has %zu bytes, %zu are left", len, c->rest.len);
		return NULL;
	}
	c->rest = bytes_slice(c->rest, len, c->rest.len);
	c->offset += len;
	return at;
}

static uint8_t take_u8(struct cursor *c, const char *field)
{
	const uint8_t *at = take(c, 1, field);

	return at ? at[0] : 0;
}

static uint16_t take_u16(struct cursor *c, const char *field)
{
	const uint8_t *at = take(c, 2, field);

	return at ? get_le16(at) : 0;
}

static uint32_t take_u32(struct cursor *c, const char *field)
{
	const uint8_t *at = take(c, 4, field);

	return at ? get_le32(at) : 0;
}

static void take_eui64(struct cursor *c, uint8_t ret[8])
{
	const uint8_t *at = take(c, 8, "eui64");

	if (at)
		memcpy(ret, at, 8);
}

static void take_key(struct cursor *c, struct ota_key *ret)
{
	ret->manufacturer = take_u16(c, "manufacturer");
	ret->type = take_u16(c, "type");
	ret->version = take_u32(c, "version");
}

static void refuse(struct cursor *c, const char *field, const char *rule,
	unsigned value)
{
	if (!c->err)
		c->err = fault_set(c->f, ERR_ZCL_FIELD, c->offset, field,
			"%s, is %u", rule, value);
}

/* ---- requests ---- */

static void read_query(struct cursor *c, struct ota_request *r)
{
	uint8_t control = take_u8(c, "field_control");

	take_key(c, &r->key);
	r->has_hw = control & QUERY_HAS_HW;
	if (r->has_hw)
		r->hw_version = take_u16(c, "hw_version");
}

static void read_place(struct cursor *c, struct ota_request *r)
{
	take_key(c, &r->key);
	r->offset = take_u32(c, "offset");
	r->max_data = take_u8(c, "max_data");
	if (r->max_data == 0)
		refuse(c, "max_data", "must be 1 or more", r->max_data);
}

static void read_block(struct cursor *c, struct ota_request *r)
{
	uint8_t control = take_u8(c, "field_control");

	read_place(c, r);
	r->has_eui64 = control & BLOCK_HAS_EUI64;
	if (r->has_eui64)
		take_eui64(c, r->eui64);
	r->has_period = (control & BLOCK_HAS_PERIOD) && c->rest.len >= 2;
	if (r->has_period)
		r->period = take_u16(c, "period");
}

static void read_page(struct cursor *c, struct ota_request *r)
{
	uint8_t control = take_u8(c, "field_control");

	read_place(c, r);
	r->page_size = take_u16(c, "page_size");
	if (r->page_size == 0)
		refuse(c, "page_size", "must be 1 or more", r->page_size);
	r->spacing_ms = take_u16(c, "spacing");
	r->has_eui64 = control & BLOCK_HAS_EUI64;
	if (r->has_eui64)
		take_eui64(c, r->eui64);
}

static void read_end(struct cursor *c, struct ota_request *r)
{
	r->status = take_u8(c, "status");
	take_key(c, &r->key);
}

static void read_specific(struct cursor *c, struct ota_request *r)
{
	r->has_eui64 = true;
	take_eui64(c, r->eui64);
	take_key(c, &r->key);
	r->stack = take_u16(c, "stack");
}

int ota_read_request(uint8_t command, struct bytes payload,
	struct ota_request *ret, struct fault *f)
{
	struct ota_request r = {.command = command};
	struct cursor c = cursor_of(payload, f);

	switch (command) {
	case OTA_QUERY_REQUEST:
		read_query(&c, &r);
		break;
	case OTA_BLOCK_REQUEST:
		read_block(&c, &r);
		break;
	case OTA_PAGE_REQUEST:
		read_page(&c, &r);
		break;
	case OTA_END_REQUEST:
		read_end(&c, &r);
		break;
	case OTA_SPECIFIC_REQUEST:
		read_specific(&c, &r);
		break;
	default:
		return fault_set(f, ERR_ZCL_COMMAND, 0, "command",
			"0x%02x is no command of an OTA client", command);
	}
	if (c.err)
		return c.err;
	*ret = r;
	return 0;
}

/* ---- answers ---- */

/* A client ignores a notify whose length does not fit its type. */
static void read_notify(struct cursor *c, struct ota_answer *a)
{
	a->key = (struct ota_key){OTA_ANY_MANUFACTURER, OTA_ANY_TYPE,
		OTA_ANY_VERSION};
	a->notify_type = take_u8(c, "notify_type");
	a->jitter = take_u8(c, "jitter");
	if (a->notify_type > NOTIFY_TYPE_MAX)
		refuse(c, "notify_type", "must be 0 to 3", a->notify_type);
	if (a->jitter < 1 || a->jitter > JITTER_MAX)
		refuse(c, "jitter", "must be 1 to 100", a->jitter);
	if (a->notify_type >= 1)
		a->key.manufacturer = take_u16(c, "manufacturer");
	if (a->notify_type >= 2)
		a->key.type = take_u16(c, "type");
	if (a->notify_type >= 3)
		a->key.version = take_u32(c, "version");
	if (c->rest.len)
		refuse(c, "notify_type", "must fit the length of the command",
			a->notify_type);
}

static void read_image(struct cursor *c, struct ota_answer *a)
{
	a->status = take_u8(c, "status");
	if (a->status != ZCL_SUCCESS)
		return;
	take_key(c, &a->key);
	a->image_size = take_u32(c, "image_size");
}

static void read_data(struct cursor *c, struct ota_answer *a)
{
	uint8_t len;
	const uint8_t *at;

	take_key(c, &a->key);
	a->offset = take_u32(c, "offset");
	len = take_u8(c, "data_size");
	if (len == 0)
		refuse(c, "data_size", "must be 1 or more", len);
	at = take(c, len, "data");
	if (at)
		a->data = bytes_of(at, len);
}

static void read_wait(struct cursor *c, struct ota_answer *a)
{
	a->current_time = take_u32(c, "current_time");
	a->request_time = take_u32(c, "request_time");
	a->has_period = c->rest.len >= 2;
	if (a->has_period)
		a->period = take_u16(c, "period");
}

static void read_block_answer(struct cursor *c, struct ota_answer *a)
{
	a->status = take_u8(c, "status");
	if (a->status == ZCL_SUCCESS)
		read_data(c, a);
	else if (a->status == ZCL_WAIT_FOR_DATA)
		read_wait(c, a);
}

static void read_end_answer(struct cursor *c, struct ota_answer *a)
{
	take_key(c, &a->key);
	a->current_time = take_u32(c, "current_time");
	a->request_time = take_u32(c, "upgrade_time");
}

int ota_read_answer(uint8_t command, struct bytes payload,
	struct ota_answer *ret, struct fault *f)
{
	struct ota_answer a = {.command = command};
	struct cursor c = cursor_of(payload, f);

	switch (command) {
	case OTA_IMAGE_NOTIFY:
		read_notify(&c, &a);
		break;
	case OTA_QUERY_RESPONSE:
	case OTA_SPECIFIC_RESPONSE:
		read_image(&c, &a);
		break;
	case OTA_BLOCK_RESPONSE:
		read_block_answer(&c, &a);
		break;
	case OTA_END_RESPONSE:
		read_end_answer(&c, &a);
		break;
	default:
		return fault_set(f, ERR_ZCL_COMMAND, 0, "command",
			"0x%02x is no command of an OTA server", command);
	}
	if (c.err)
		return c.err;
	*ret = a;
	return 0;
}

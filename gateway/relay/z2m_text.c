#include "gateway/relay/z2m_text.h"

#include <errno.h>
#include <jansson.h>

/* ---- within limits ---- */

/* What a parser would make of it, without one: brackets outside of texts are
 * its depth, and every comma, colon and bracket may begin a value. */
static bool fits(struct bytes in)
{
	unsigned depth = 0, values = 0;
	bool quoted = false;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		quoted = c == '"';
		if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth)
			depth--;
		if (depth > Z2M_DEPTH_MAX)
			return false;
		if (c == '[' || c == '{' || c == ',' || c == ':')
			values++;
		if (values > Z2M_VALUES_MAX)
			return false;
	}
	return true;
}

static int load(struct bytes payload, size_t max, json_t **ret)
{
	json_t *json;

	if (payload.len > max || !fits(payload))
		return ERR_TOO_LARGE;
	json = json_loadb(payload.len ? (const char *)payload.at : "",
		payload.len, JSON_DECODE_ANY, NULL);
	if (!json)
		return ERR_DELEGATE_ANSWER;
	*ret = json;
	return 0;
}

static void take_text(const json_t *object, const char *name, char *text,
	size_t size)
{
	const json_t *value = json_object_get(object, name);

	bytes_to_printable(bytes_of(json_string_value(value),
		json_string_length(value)), text, size);
}

/* A whole number of 32 bits. */
static bool take_number(const json_t *object, const char *name, uint32_t *ret)
{
	const json_t *value = json_object_get(object, name);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* ---- bridge/devices ---- */

/* "0x00124b0000000001" */
static bool take_key(const json_t *object, char key[17])
{
	const char *text = json_string_value(json_object_get(object,
		"ieee_address"));
	uint8_t eui64[8];

	if (!text || strlen(text) != 18 || memcmp(text, "0x", 2) ||
			bytes_from_hex(text + 2, eui64, sizeof(eui64)))
		return false;
	bytes_to_hex(bytes_of(eui64, sizeof(eui64)), key, 17);
	return true;
}

/* It becomes a topic: no wildcards, nothing that steers a terminal, none of those
 * that are not a device's. */
static bool take_name(const json_t *object, char name[Z2M_NAME_SIZE])
{
	const json_t *value = json_object_get(object, "friendly_name");
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!text || len == 0 || len >= Z2M_NAME_SIZE ||
			!strncmp(text, "bridge/", strlen("bridge/")))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '+' || text[i] == '#' ||
				(uint8_t)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	memcpy(name, text, len + 1);
	return true;
}

static bool is_type(const json_t *object, const char *type)
{
	const char *text = json_string_value(json_object_get(object, "type"));

	return text && !strcmp(text, type);
}

static bool take_device(const json_t *object, struct z2m_device *ret)
{
	struct z2m_device d = {0};
	uint32_t nwk;

	if (!take_key(object, d.key) || !take_name(object, d.name))
		return false;
	if (take_number(object, "network_address", &nwk) && nwk <= 0xffff)
		snprintf(d.nwk, sizeof(d.nwk), "0x%04x", nwk);
	take_text(object, "manufacturer", d.manufacturer,
		sizeof(d.manufacturer));
	take_text(object, "model_id", d.model, sizeof(d.model));
	take_text(object, "power_source", d.power_source,
		sizeof(d.power_source));
	take_text(object, "software_build_id", d.sw_build,
		sizeof(d.sw_build));
	take_text(object, "date_code", d.date_code, sizeof(d.date_code));
	d.sleepy = is_type(object, "EndDevice") &&
		!strcmp(d.power_source, "Battery");
	d.disabled = json_is_true(json_object_get(object, "disabled"));
	*ret = d;
	return true;
}

int z2m_devices_read(struct bytes payload,
	void (*each)(void *arg, const struct z2m_device *d), void *arg,
	unsigned *ret_skipped)
{
	json_t *list = NULL;
	struct z2m_device d;
	unsigned skipped = 0, taken = 0;
	int err = load(payload, Z2M_DEVICES_BYTES_MAX, &list);

	if (err)
		return err;
	if (!json_is_array(list)) {
		json_decref(list);
		return ERR_DELEGATE_ANSWER;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *object = json_array_get(list, i);

		if (is_type(object, "Coordinator"))
			continue;
		if (taken >= Z2M_DEVICES_MAX || !take_device(object, &d)) {
			skipped++;
			continue;
		}
		taken++;
		each(arg, &d);
	}
	json_decref(list);
	*ret_skipped = skipped;
	return 0;
}

/* ---- the state of a device ---- */

static enum z2m_state state_of(const json_t *update)
{
	static const char *const names[] = {
		[Z2M_STATE_IDLE] = "idle",
		[Z2M_STATE_AVAILABLE] = "available",
		[Z2M_STATE_SCHEDULED] = "scheduled",
		[Z2M_STATE_UPDATING] = "updating",
	};
	const char *text = json_string_value(json_object_get(update, "state"));

	for (int i = Z2M_STATE_IDLE; text && i <= Z2M_STATE_UPDATING; i++)
		if (!strcmp(text, names[i]))
			return (enum z2m_state)i;
	return Z2M_STATE_UNKNOWN;
}

static bool take_progress(const json_t *update, unsigned *ret)
{
	const json_t *value = json_object_get(update, "progress");
	double percent = json_number_value(value);

	/* Not a number, if it was written so, is refused too. */
	if (!json_is_number(value) || !(percent >= 0 && percent <= 100))
		return false;
	*ret = (unsigned)(percent * 100 + 0.5);
	return true;
}

int z2m_update_read(struct bytes payload, struct z2m_update *ret)
{
	struct z2m_update u = {0};
	const json_t *update;
	json_t *json = NULL;
	int err = load(payload, Z2M_SMALL_BYTES_MAX, &json);

	if (err)
		return err;
	update = json_object_get(json, "update");
	u.state = state_of(update);
	u.has_installed = take_number(update, "installed_version",
		&u.installed);
	u.has_progress = take_progress(update, &u.progress_bp);
	u.has_remaining = take_number(update, "remaining", &u.remaining_s);
	json_decref(json);
	*ret = u;
	return 0;
}

/* ---- responses ---- */

int z2m_response_read(struct bytes payload, struct z2m_response *ret)
{
	struct z2m_response r = {0};
	const char *status, *transaction;
	json_t *json = NULL;
	int err = load(payload, Z2M_SMALL_BYTES_MAX, &json);

	if (err)
		return err;
	status = json_string_value(json_object_get(json, "status"));
	transaction = json_string_value(json_object_get(json, "transaction"));
	if (!status || (strcmp(status, "ok") && strcmp(status, "error"))) {
		json_decref(json);
		return ERR_DELEGATE_ANSWER;
	}
	r.ok = !strcmp(status, "ok");
	if (transaction && strlen(transaction) < sizeof(r.transaction))
		memcpy(r.transaction, transaction, strlen(transaction) + 1);
	take_text(json, "error", r.error, sizeof(r.error));
	json_decref(json);
	*ret = r;
	return 0;
}

int z2m_online_read(struct bytes payload, bool *ret)
{
	json_t *json = NULL;
	const char *state;
	int err;

	if (bytes_is_text(payload, "online") ||
			bytes_is_text(payload, "offline")) {
		*ret = payload.len == strlen("online");
		return 0;
	}
	err = load(payload, Z2M_SMALL_BYTES_MAX, &json);
	if (err)
		return err;
	state = json_string_value(json_object_get(json, "state"));
	if (state && (!strcmp(state, "online") || !strcmp(state, "offline")))
		*ret = !strcmp(state, "online");
	else
		err = ERR_DELEGATE_ANSWER;
	json_decref(json);
	return err;
}

int z2m_version_read(struct bytes payload, char *text, size_t size)
{
	json_t *json = NULL;
	int err = load(payload, Z2M_INFO_BYTES_MAX, &json);

	if (err)
		return err;
	if (json_is_string(json_object_get(json, "version")))
		take_text(json, "version", text, size);
	else
		err = ERR_DELEGATE_ANSWER;
	json_decref(json);
	return err;
}

/* ---- requests ---- */

static int add_number(json_t *object, const char *name, uint32_t value)
{
	return value ? json_object_set_new(object, name, json_integer(value)) :
		0;
}

int z2m_request_write(const struct z2m_request *r, char *text, size_t size)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;
	size_t len;

	if (!err && r->key)
		err = json_object_set_new(object, "id", json_sprintf("0x%s",
			r->key));
	if (!err)
		err = json_object_set_new(object, "transaction",
			json_string(r->transaction));
	if (!err && r->url)
		err = json_object_set_new(object, "url", json_string(r->url));
	if (!err)
		err = add_number(object, "image_block_request_timeout",
			r->timeout_ms);
	if (!err)
		err = add_number(object, "image_block_response_delay",
			r->delay_ms);
	if (!err)
		err = add_number(object, "default_maximum_data_size",
			r->block);
	if (err) {
		json_decref(object);
		return -ENOMEM;
	}
	len = json_dumpb(object, text, size, JSON_COMPACT);
	json_decref(object);
	return len && len <= size ? (int)len : -ENOBUFS;
}
